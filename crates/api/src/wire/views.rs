//! What the views say: runs, agents, spans, tool calls, usage.
//!
//! Every answer names the position that it reflects (`as_of`) and whether the views are being
//! rebuilt (`stale`). A number that no source gave is null, never zero.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{PriceTableInfo, UsageDifference, UsageSource};

/// Tokens by kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Tokens {
    /// Read by the model, neither from nor into a cache.
    pub input: u64,
    /// Written by the model.
    pub output: u64,
    /// Read from a cache.
    pub cache_read: u64,
    /// Written into a cache.
    pub cache_write: u64,
}

/// Cost in micro-dollars, by source.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CostMicros {
    /// What the vendor's own records say.
    pub vendor: Option<i64>,
    /// What the price list makes of the tokens.
    pub computed: Option<i64>,
}

/// How a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum RunStatus {
    /// It has not ended, and events came lately.
    Running,
    /// It ended well.
    Completed,
    /// It ended in a failure.
    Failed,
    /// It was ended before it was done.
    Cancelled,
    /// It has not ended, and nothing has come for a while.
    Idle,
}

/// A unit of agent work.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Run {
    /// Its id.
    pub run_id: String,
    /// What it is about.
    pub title: Option<String>,
    /// How it is.
    pub status: RunStatus,
    /// Which program reported it.
    pub source: Option<String>,
    /// The main agent's name.
    pub agent_name: Option<String>,
    /// Where it worked.
    pub cwd: Option<String>,
    /// The main agent's model.
    pub model: Option<String>,
    /// Its first event's time.
    pub started_at: String,
    /// Its newest event's time.
    pub last_at: String,
    /// When it ended.
    pub ended_at: Option<String>,
    /// From start to end, or to the newest event.
    pub duration_ms: u64,
    /// Agents that took part.
    pub agents: u64,
    /// Events.
    pub events: u64,
    /// Messages.
    pub messages: u64,
    /// Model calls.
    pub model_calls: u64,
    /// Model calls that failed.
    pub model_errors: u64,
    /// Tool calls.
    pub tool_calls: u64,
    /// Tool calls that failed.
    pub tool_errors: u64,
    /// Tool calls without a result.
    pub tool_calls_open: u64,
    /// Tokens, each model call counted once.
    pub tokens: Tokens,
    /// Cost.
    pub cost_micros: CostMicros,
    /// Why it failed.
    pub error: Option<String>,
    /// Its first event's position.
    pub first_position: u64,
    /// Its newest event's position.
    pub last_position: u64,
}

/// A page of runs.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RunsPage {
    /// The runs.
    pub runs: Vec<Run>,
    /// Pass it as `cursor` for the next page; null at the end.
    pub next: Option<String>,
    /// The position that the answer reflects.
    pub as_of: u64,
    /// Whether the views are being rebuilt.
    pub stale: bool,
}

/// How an agent of a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum RunAgentStatus {
    /// It has not stopped.
    Running,
    /// It stopped well.
    Stopped,
    /// It stopped in a failure.
    Failed,
}

/// An agent's part of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RunAgent {
    /// Its id.
    pub agent_id: String,
    /// Its name.
    pub name: Option<String>,
    /// Its kind.
    pub agent_type: Option<String>,
    /// The agent that started it.
    pub parent_agent_id: Option<String>,
    /// How it is.
    pub status: RunAgentStatus,
    /// Its first event's time.
    pub first_at: String,
    /// Its newest event's time.
    pub last_at: String,
    /// Events.
    pub events: u64,
    /// Model calls.
    pub model_calls: u64,
    /// Tool calls.
    pub tool_calls: u64,
    /// Tool calls that failed.
    pub tool_errors: u64,
    /// Tokens.
    pub tokens: Tokens,
}

/// A model's part of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ModelUsage {
    /// The model; null where nobody named it.
    pub model: Option<String>,
    /// Model calls.
    pub model_calls: u64,
    /// Tokens.
    pub tokens: Tokens,
    /// Cost.
    pub cost_micros: CostMicros,
    /// Calls and reports whose model has no known price; the computed cost lacks them.
    pub unpriced_calls: u64,
}

/// One run with its agents and models. Its `agents` is the list, not the count.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RunDetail {
    /// Its id.
    pub run_id: String,
    /// What it is about.
    pub title: Option<String>,
    /// How it is.
    pub status: RunStatus,
    /// Which program reported it.
    pub source: Option<String>,
    /// The main agent's name.
    pub agent_name: Option<String>,
    /// Where it worked.
    pub cwd: Option<String>,
    /// The main agent's model.
    pub model: Option<String>,
    /// Its first event's time.
    pub started_at: String,
    /// Its newest event's time.
    pub last_at: String,
    /// When it ended.
    pub ended_at: Option<String>,
    /// From start to end, or to the newest event.
    pub duration_ms: u64,
    /// Agents that took part.
    pub agents: Vec<RunAgent>,
    /// Models that were called.
    pub models: Vec<ModelUsage>,
    /// Events.
    pub events: u64,
    /// Messages.
    pub messages: u64,
    /// Model calls.
    pub model_calls: u64,
    /// Model calls that failed.
    pub model_errors: u64,
    /// Tool calls.
    pub tool_calls: u64,
    /// Tool calls that failed.
    pub tool_errors: u64,
    /// Tool calls without a result.
    pub tool_calls_open: u64,
    /// Tokens, each model call counted once.
    pub tokens: Tokens,
    /// Cost.
    pub cost_micros: CostMicros,
    /// Calls and reports that count whose model has no known price; the computed cost lacks them.
    pub unpriced_calls: u64,
    /// The prices that costs are computed by.
    pub price_table: PriceTableInfo,
    /// Who tells of tokens and cost, and whose word counts.
    pub usage_sources: Vec<UsageSource>,
    /// By how much the other sources differ from what counts; null when none does.
    pub usage_difference: Option<Vec<UsageDifference>>,
    /// Why it failed.
    pub error: Option<String>,
    /// Its first event's position.
    pub first_position: u64,
    /// Its newest event's position.
    pub last_position: u64,
    /// The position that the answer reflects.
    pub as_of: u64,
    /// Whether the views are being rebuilt.
    pub stale: bool,
}

/// What a span is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SpanKind {
    /// A model call.
    Model,
    /// A tool call.
    Tool,
    /// An agent's life.
    Agent,
    /// A message.
    Message,
    /// The run.
    Run,
}

/// How a span or tool call is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SpanStatus {
    /// It ended well.
    Ok,
    /// It failed.
    Error,
    /// It has no end yet.
    Open,
}

/// A stretch of time in a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Span {
    /// Its id.
    pub span_id: String,
    /// What it is.
    pub kind: SpanKind,
    /// What to call it.
    pub name: String,
    /// What it was for.
    pub title: Option<String>,
    /// Whose it is.
    pub agent_id: String,
    /// The span that it is part of.
    pub parent_span_id: Option<String>,
    /// Its start.
    pub started_at: String,
    /// Its end.
    pub ended_at: Option<String>,
    /// From start to end.
    pub duration_ms: Option<u64>,
    /// How it is.
    pub status: SpanStatus,
    /// The position of the event that began it.
    pub start_position: u64,
    /// The position of the event that ended it.
    pub end_position: Option<u64>,
    /// Tokens of a model call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<Tokens>,
}

/// A page of spans, in order of their starts.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SpansPage {
    /// The spans.
    pub spans: Vec<Span>,
    /// Pass it as `after` for the next page; null at the end.
    pub next: Option<String>,
    /// The position that the answer reflects.
    pub as_of: u64,
    /// Whether the views are being rebuilt.
    pub stale: bool,
}

/// An agent over all runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Agent {
    /// Its id.
    pub agent_id: String,
    /// Runs that it took part in.
    pub runs: u64,
    /// Events.
    pub events: u64,
    /// Model calls.
    pub model_calls: u64,
    /// Tool calls.
    pub tool_calls: u64,
    /// Tool calls that failed.
    pub tool_errors: u64,
    /// Tokens.
    pub tokens: Tokens,
    /// Cost.
    pub cost_micros: CostMicros,
    /// Its first event's time.
    pub first_at: String,
    /// Its newest event's time.
    pub last_at: String,
    /// The run that it was last seen in.
    pub last_run_id: Option<String>,
}

/// A page of agents.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AgentsPage {
    /// The agents.
    pub agents: Vec<Agent>,
    /// Pass it as `cursor` for the next page; null at the end.
    pub next: Option<String>,
    /// The position that the answer reflects.
    pub as_of: u64,
    /// Whether the views are being rebuilt.
    pub stale: bool,
}

/// One use of a tool.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ToolCall {
    /// Its id.
    pub tool_call_id: String,
    /// Its run.
    pub run_id: String,
    /// Who called.
    pub agent_id: String,
    /// The tool; null where only a result without a name came.
    pub tool_name: Option<String>,
    /// What it was for.
    pub title: Option<String>,
    /// How it is.
    pub status: SpanStatus,
    /// Its start.
    pub started_at: Option<String>,
    /// Its end.
    pub ended_at: Option<String>,
    /// From start to end.
    pub duration_ms: Option<u64>,
    /// The position of the call.
    pub start_position: Option<u64>,
    /// The position of the result.
    pub end_position: Option<u64>,
    /// Why it failed.
    pub error: Option<String>,
}

/// A page of tool calls.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ToolCallsPage {
    /// The tool calls.
    pub tool_calls: Vec<ToolCall>,
    /// Pass it as `cursor` for the next page; null at the end.
    pub next: Option<String>,
    /// The position that the answer reflects.
    pub as_of: u64,
    /// Whether the views are being rebuilt.
    pub stale: bool,
}
