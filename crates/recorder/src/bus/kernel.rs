//! The events of an agent kernel, as a type, each with the event on the log that it is.
//!
//! The names, members and JSON form are those of the `kernel` dialect, which translates them; the
//! catalog says what each means. An absent optional member stays absent.

use annals_core::dialect::kernel::Kernel;
use annals_core::dialect::{ForeignContext, ForeignReader as _};
use annals_core::envelope::Draft;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::record::{NotAnEvent, Recordable};

/// The id of an agent.
pub type AgentId = Uuid;

/// A part of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each says what it is")]
pub enum Phase {
    Interview,
    Seed,
    Execute,
    Evaluate,
    Evolve,
}

/// What happens in an agent kernel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the catalog has the meaning of each, and of each member")]
pub enum KernelEvent {
    AgentCreated {
        id: AgentId,
        name: String,
    },
    AgentStarted {
        id: AgentId,
    },
    AgentStopped {
        id: AgentId,
        #[serde(default)]
        success: bool,
    },
    AgentFailed {
        id: AgentId,
        error: String,
    },
    MessageReceived {
        from: AgentId,
        content: String,
    },
    AgentOutput {
        session_id: String,
        agent_id: AgentId,
        output: String,
    },
    SeedCreated {
        seed_id: Uuid,
    },
    EvaluationComplete {
        seed_id: Uuid,
        passed: bool,
    },
    EvolutionStarted {
        seed_id: Uuid,
        new_seed_id: Uuid,
        iteration: u32,
    },
    EvolutionMaxReached {
        seed_id: Uuid,
        final_score: f64,
        iterations: u32,
    },
    PhaseStarted {
        session_id: String,
        phase: Phase,
    },
    PhaseCompleted {
        session_id: String,
        phase: Phase,
        result_summary: String,
    },
    ApprovalRequested {
        id: Uuid,
        tool_name: String,
        action: String,
        resource: String,
        reason: String,
        session_id: Option<String>,
    },
    ApprovalResolved {
        id: Uuid,
        approved: bool,
    },
    AskUserRequest {
        id: String,
        question: String,
        options: Vec<String>,
    },
    MemoryStored {
        id: String,
        memory_type: String,
        source: String,
    },
    MemoryRecalled {
        query: String,
        count: u64,
    },
    MemoryRecallUsed {
        session_id: String,
        query: String,
        count: u64,
        source: String,
    },
    AgentGroupCreated {
        group_id: Uuid,
        agent_count: u64,
    },
    AgentGroupMemberCompleted {
        group_id: Uuid,
        agent_id: AgentId,
        success: bool,
    },
    ProjectCreated {
        project_id: Uuid,
        name: String,
        source: String,
    },
    ProjectActivated {
        project_id: Uuid,
        name: String,
    },
    ToolExecutionStarted {
        session_id: String,
        tool_name: String,
        tool_call_id: String,
        tool_args: Value,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        context: Option<Value>,
    },
    ToolExecutionProgress {
        session_id: String,
        tool_call_id: String,
        tool_name: String,
        progress: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tab_id: Option<Uuid>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        context: Option<Value>,
    },
    ToolExecutionFinished {
        session_id: String,
        tool_call_id: String,
        tool_name: String,
        duration_ms: u64,
        is_error: bool,
        output_summary: String,
    },
    TokenUsageUpdate {
        session_id: String,
        input_tokens: u64,
        output_tokens: u64,
    },
    ReasoningFragment {
        session_id: String,
        content: String,
        source: String,
    },
    CalendarEventCreated {
        uid: String,
        title: String,
        start: String,
        end: String,
    },
    CalendarEventUpdated {
        uid: String,
        title: String,
    },
    CalendarEventDeleted {
        uid: String,
        title: String,
    },
    EmailSent {
        subject: String,
        message_id: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        template_name: Option<String>,
    },
    KnowledgePersisted {
        session_id: String,
        message_index: u64,
        path: String,
        source: String,
    },
    KnowledgeRemoved {
        session_id: String,
        message_index: u64,
    },
    /// An event that this version does not know, as it was: an older or newer kernel's.
    #[serde(untagged)]
    Unknown(Value),
}

impl Recordable for KernelEvent {
    fn to_draft(&self, context: &ForeignContext<'_>) -> Result<Draft, NotAnEvent> {
        let wrong = |problem: &dyn std::fmt::Display| NotAnEvent { problem: problem.to_string() };
        let document = serde_json::to_string(self).map_err(|error| wrong(&error))?;
        let kernel = Kernel::new().map_err(|error| wrong(&error))?;
        Ok(kernel.read(&document, context)?)
    }
}
