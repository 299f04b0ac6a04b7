//! Payloads of the family `tool`. Generated; see `mod.rs`.

use crate::payload::payload;

payload! {
    /// A tool was made known to the agents.
    ToolRegistered = "tool.registered", 1;
    required {
        tool_name "tool_name": &str,
    }
    optional {
        action "action": &str,
        /// Object; may hold secrets or personal data.
        tool_metadata "tool_metadata": impl Into<serde_json::Value>,
        capabilities "capabilities": &[&str],
        performance_characteristics "performance_characteristics": impl Into<serde_json::Value>,
    }
    /// A tool's description or abilities changed.
    ToolUpdated = "tool.updated", 1;
    required {
        tool_name "tool_name": &str,
    }
    optional {
        action "action": &str,
        /// Object; may hold secrets or personal data.
        tool_metadata "tool_metadata": impl Into<serde_json::Value>,
        capabilities "capabilities": &[&str],
        performance_characteristics "performance_characteristics": impl Into<serde_json::Value>,
    }
    /// A tool was taken away from the agents.
    ToolUnregistered = "tool.unregistered", 1;
    required {
        tool_name "tool_name": &str,
    }
    optional {
        action "action": &str,
        /// Object; may hold secrets or personal data.
        tool_metadata "tool_metadata": impl Into<serde_json::Value>,
        capabilities "capabilities": &[&str],
        performance_characteristics "performance_characteristics": impl Into<serde_json::Value>,
    }
    /// A call of a tool began.
    ToolInvoked = "tool.invoked", 1;
    required {
        tool_call_id "tool_call_id": &str,
        tool_name "tool_name": &str,
    }
    optional {
        /// String or null; may hold secrets or personal data.
        title "title": &str,
        /// Any; may hold secrets or personal data.
        input "input": impl Into<serde_json::Value>,
        model_call_id "model_call_id": &str,
        /// Any; may hold secrets or personal data.
        context "context": impl Into<serde_json::Value>,
        tool_version "tool_version": &str,
        expected_output_type "expected_output_type": &str,
        timeout_ms "timeout_ms": impl Into<serde_json::Value>,
        retry_policy "retry_policy": impl Into<serde_json::Value>,
    }
    /// A running call of a tool said how far it is.
    ToolProgressed = "tool.progressed", 1;
    required {
        tool_call_id "tool_call_id": &str,
    }
    optional {
        tool_name "tool_name": &str,
        /// String or null; may hold secrets or personal data.
        message "message": &str,
        tab_id "tab_id": &str,
        /// Any; may hold secrets or personal data.
        context "context": impl Into<serde_json::Value>,
    }
    /// A call of a tool gave its result.
    ToolSucceeded = "tool.succeeded", 1;
    required {
        tool_call_id "tool_call_id": &str,
    }
    optional {
        tool_name "tool_name": &str,
        /// Any; may hold secrets or personal data.
        input "input": impl Into<serde_json::Value>,
        /// Any; may hold secrets or personal data.
        output "output": impl Into<serde_json::Value>,
        /// String or null; may hold secrets or personal data.
        message "message": &str,
        error_type "error_type": &str,
        duration_ms "duration_ms": impl Into<serde_json::Value>,
        retry_count "retry_count": u64,
        result_truncated "result_truncated": bool,
        full_result_size "full_result_size": i64,
    }
    /// A call of a tool ended in an error.
    ToolFailed = "tool.failed", 1;
    required {
        tool_call_id "tool_call_id": &str,
    }
    optional {
        tool_name "tool_name": &str,
        /// String or null; may hold secrets or personal data.
        message "message": &str,
        /// Any; may hold secrets or personal data.
        error "error": impl Into<serde_json::Value>,
        /// String or null; such as `timeout`, `permission_denied`, `not_found`, `invalid_input`.
        error_type "error_type": &str,
        /// Any; may hold secrets or personal data.
        input "input": impl Into<serde_json::Value>,
        /// Any; may hold secrets or personal data.
        output "output": impl Into<serde_json::Value>,
        duration_ms "duration_ms": impl Into<serde_json::Value>,
        retry_count "retry_count": u64,
        result_truncated "result_truncated": bool,
        full_result_size "full_result_size": i64,
    }
}
