//! Payloads of the family `agent`. Generated; see `mod.rs`.

use crate::payload::payload;

payload! {
    /// An agent began to work in a run.
    AgentStarted = "agent.started", 1;
    required {}
    optional {
        agent_id "agent_id": &str,
        name "name": &str,
        agent_type "agent_type": &str,
        parent_agent_id "parent_agent_id": &str,
        tool_call_id "tool_call_id": &str,
        lifecycle_event "lifecycle_event": &str,
        reason "reason": &str,
        child_agents "child_agents": &[&str],
        /// Object or null; may hold secrets or personal data.
        initialization_data "initialization_data": impl Into<serde_json::Value>,
    }
    /// An agent went from one state to another.
    AgentStateChanged = "agent.state_changed", 1;
    required {
        previous_state "previous_state": &str,
        new_state "new_state": &str,
    }
    optional {
        agent_id "agent_id": &str,
        /// String or null; may hold secrets or personal data.
        reason "reason": &str,
        capabilities "capabilities": &[&str],
        resource_allocation "resource_allocation": impl Into<serde_json::Value>,
        /// Object or null; may hold secrets or personal data.
        persona_data "persona_data": impl Into<serde_json::Value>,
    }
    /// An agent used one of the things it is good at.
    AgentCapabilityUsed = "agent.capability_used", 1;
    required {
        capability_name "capability_name": &str,
    }
    optional {
        agent_id "agent_id": &str,
        context "context": &str,
        /// Object; may hold secrets or personal data.
        input "input": impl Into<serde_json::Value>,
        /// Object; may hold secrets or personal data.
        result "result": impl Into<serde_json::Value>,
        efficiency_score "efficiency_score": impl Into<serde_json::Value>,
    }
    /// An agent stopped working for a while.
    AgentPaused = "agent.paused", 1;
    required {}
    optional {
        agent_id "agent_id": &str,
        /// String or null; may hold secrets or personal data.
        reason "reason": &str,
        lifecycle_event "lifecycle_event": &str,
        parent_agent_id "parent_agent_id": &str,
        child_agents "child_agents": &[&str],
        /// Object or null; may hold secrets or personal data.
        initialization_data "initialization_data": impl Into<serde_json::Value>,
    }
    /// A paused agent went on working.
    AgentResumed = "agent.resumed", 1;
    required {}
    optional {
        agent_id "agent_id": &str,
        /// String or null; may hold secrets or personal data.
        reason "reason": &str,
        lifecycle_event "lifecycle_event": &str,
        parent_agent_id "parent_agent_id": &str,
        child_agents "child_agents": &[&str],
        /// Object or null; may hold secrets or personal data.
        initialization_data "initialization_data": impl Into<serde_json::Value>,
    }
    /// An agent told its user something or asked for attention.
    AgentNotified = "agent.notified", 1;
    required {
        message "message": &str,
    }
    optional {
        /// String or null; may hold secrets or personal data.
        title "title": &str,
        notification_type "notification_type": &str,
        tool_name "tool_name": &str,
        /// Any; may hold secrets or personal data.
        tool_input "tool_input": impl Into<serde_json::Value>,
    }
    /// An agent ended its work in a run.
    AgentStopped = "agent.stopped", 1;
    required {}
    optional {
        agent_id "agent_id": &str,
        success "success": bool,
        /// String or null; may hold secrets or personal data.
        reason "reason": &str,
        /// String or null; may hold secrets or personal data.
        last_assistant_message "last_assistant_message": &str,
        duration_ms "duration_ms": impl Into<serde_json::Value>,
        lifecycle_event "lifecycle_event": &str,
        parent_agent_id "parent_agent_id": &str,
        child_agents "child_agents": &[&str],
        /// Object or null; may hold secrets or personal data.
        initialization_data "initialization_data": impl Into<serde_json::Value>,
    }
    /// An agent broke down.
    AgentFailed = "agent.failed", 1;
    required {
        agent_id "agent_id": &str,
    }
    optional {
        /// String or null; may hold secrets or personal data.
        message "message": &str,
        /// Any; may hold secrets or personal data.
        error "error": impl Into<serde_json::Value>,
    }
    /// A group of agents was set to work together.
    AgentGroupCreated = "agent_group.created", 1;
    required {
        group_id "group_id": &str,
        agent_count "agent_count": u64,
    }
    optional {}
    /// One agent of a group came to the end of its part.
    AgentGroupMemberCompleted = "agent_group.member_completed", 1;
    required {
        group_id "group_id": &str,
        agent_id "agent_id": &str,
        success "success": bool,
    }
    optional {}
}
