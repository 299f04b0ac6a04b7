//! What the views answer with: plain values, named as they are on the wire.

use annals_core::id::Position;
use annals_core::time::Timestamp;

/// Tokens by how they were used. The four do not overlap.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tokens {
    /// Tokens that were sent and not cached.
    pub input: i64,
    /// Tokens that the model wrote.
    pub output: i64,
    /// Tokens that were read from a cache.
    pub cache_read: i64,
    /// Tokens that were written to a cache.
    pub cache_write: i64,
}

/// Money in micro-dollars, by who says so.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cost {
    /// What the vendor or tool stated.
    pub vendor: Option<i64>,
    /// What the price table gives; none when a price is unknown.
    pub computed: Option<i64>,
}

/// How a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunStatus {
    /// It has no end yet and something happened lately.
    Running,
    /// It has no end and nothing has happened for a while.
    Idle,
    /// It ended well.
    Completed,
    /// It ended in a failure.
    Failed,
    /// It was ended before it was done.
    Cancelled,
}

impl RunStatus {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Idle => "idle",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// The status that a word names.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Running, Self::Idle, Self::Completed, Self::Failed, Self::Cancelled]
            .into_iter()
            .find(|status| status.as_str() == word)
    }
}

/// A run and its totals.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it; docs/formats/views.md has the rest")]
pub struct Run {
    pub run_id: String,
    pub title: Option<String>,
    pub status: RunStatus,
    pub source: Option<String>,
    pub agent_name: Option<String>,
    pub cwd: Option<String>,
    pub model: Option<String>,
    pub started_at: Timestamp,
    pub last_at: Timestamp,
    pub ended_at: Option<Timestamp>,
    pub duration_ms: i64,
    pub agents: i64,
    pub events: i64,
    pub messages: i64,
    pub model_calls: i64,
    pub model_errors: i64,
    pub tool_calls: i64,
    pub tool_errors: i64,
    pub tool_calls_open: i64,
    pub tokens: Tokens,
    pub cost: Cost,
    pub error: Option<String>,
    pub first_position: Position,
    pub last_position: Position,
}

/// An agent's part in one run.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it; docs/formats/views.md has the rest")]
pub struct RunAgent {
    pub agent_id: String,
    pub name: Option<String>,
    pub agent_type: Option<String>,
    pub parent_agent_id: Option<String>,
    /// running, stopped or failed.
    pub status: String,
    pub first_at: Timestamp,
    pub last_at: Timestamp,
    pub events: i64,
    pub model_calls: i64,
    pub tool_calls: i64,
    pub tool_errors: i64,
    pub tokens: Tokens,
}

/// An agent over all its runs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it; docs/formats/views.md has the rest")]
pub struct AgentTotals {
    pub agent_id: String,
    pub runs: i64,
    pub events: i64,
    pub model_calls: i64,
    pub tool_calls: i64,
    pub tool_errors: i64,
    pub tokens: Tokens,
    pub cost: Cost,
    pub first_at: Timestamp,
    pub last_at: Timestamp,
    pub last_run_id: String,
}

/// What a model was used for in one run.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it; docs/formats/views.md has the rest")]
pub struct ModelUsage {
    pub model: Option<String>,
    pub model_calls: i64,
    pub tokens: Tokens,
    pub cost: Cost,
    pub unpriced_calls: i64,
}

/// What a source's statements of usage are about. In the order in which they are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum UsageScope {
    /// Single calls of models.
    Calls,
    /// What was used, apart from the calls that used it.
    Reports,
    /// The whole run: held against the others, and added to nothing.
    Run,
}

/// What one source tells of a run's usage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageSource {
    /// A dialect, or `native`.
    pub source: String,
    /// What it is about.
    pub scope: UsageScope,
    /// Calls that it tells of, each once.
    pub model_calls: i64,
    /// Calls of which its statement is the one that counts.
    pub model_calls_counted: i64,
    /// None where it says nothing of tokens.
    pub tokens: Option<Tokens>,
    /// Cost, by the vendor's word as it gives it and by the price table.
    pub cost: Cost,
    /// Statements of it whose model has no known price.
    pub unpriced_calls: i64,
    /// Whether tokens of the run are from it.
    pub is_counted: bool,
    /// Whether all its tokens are the run's.
    pub is_wholly_counted: bool,
    /// Whether the run's cost by the vendor's word is from it.
    pub is_cost_counted: bool,
    /// Whether all that it states of cost is the run's.
    pub is_cost_wholly_counted: bool,
}

/// By how much a source says more than is counted, or less.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it; docs/formats/views.md has the rest")]
pub struct UsageDifference {
    pub source: String,
    pub scope: UsageScope,
    pub tokens: Option<Tokens>,
    pub cost: Cost,
}

impl UsageDifference {
    /// The sources that do not say what is counted of a run.
    #[must_use]
    pub fn of(run: &Run, sources: &[UsageSource]) -> Vec<Self> {
        sources.iter().filter_map(|source| Self::of_source(run, source)).collect()
    }

    fn of_source(run: &Run, source: &UsageSource) -> Option<Self> {
        let tokens = source.tokens.filter(|_| !source.is_wholly_counted);
        let tokens = tokens.map(|tokens| Tokens {
            input: tokens.input - run.tokens.input,
            output: tokens.output - run.tokens.output,
            cache_read: tokens.cache_read - run.tokens.cache_read,
            cache_write: tokens.cache_write - run.tokens.cache_write,
        });
        let less = |said: Option<i64>, counted: Option<i64>| Some(said? - counted?);
        let vendor = source.cost.vendor.filter(|_| !source.is_cost_wholly_counted);
        let computed = source.cost.computed.filter(|_| !source.is_wholly_counted);
        let cost = Cost {
            vendor: less(vendor, run.cost.vendor),
            computed: less(computed, run.cost.computed),
        };
        let is_same = tokens.is_none_or(|tokens| tokens == Tokens::default())
            && [cost.vendor, cost.computed].iter().all(|cost| cost.unwrap_or(0) == 0);
        let (name, scope) = (source.source.clone(), source.scope);
        (!is_same).then_some(Self { source: name, scope, tokens, cost })
    }
}

/// Usage of a group of calls.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it; docs/formats/views.md has the rest")]
pub struct UsageRow {
    pub key: Option<String>,
    pub model_calls: i64,
    pub tokens: Tokens,
    pub cost: Cost,
    /// Calls whose model has no known price; the computed cost lacks them.
    pub unpriced_calls: i64,
}

/// How a call stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallStatus {
    /// It has no end yet.
    Open,
    /// It gave a result.
    Ok,
    /// It ended in an error.
    Error,
}

impl CallStatus {
    /// The word on the wire and in the tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Ok => "ok",
            Self::Error => "error",
        }
    }

    /// The status that a word names.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Open, Self::Ok, Self::Error].into_iter().find(|status| status.as_str() == word)
    }
}

/// What a span is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpanKind {
    /// A call of a model.
    Model,
    /// A call of a tool.
    Tool,
    /// A message, which has no length.
    Message,
}

impl SpanKind {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Tool => "tool",
            Self::Message => "message",
        }
    }
}

/// A piece of a run's time picture.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it; docs/formats/views.md has the rest")]
pub struct Span {
    pub span_id: String,
    pub kind: SpanKind,
    pub name: String,
    pub title: Option<String>,
    pub agent_id: String,
    pub started_at: Timestamp,
    pub ended_at: Option<Timestamp>,
    pub duration_ms: Option<i64>,
    pub status: CallStatus,
    pub start_position: Position,
    pub end_position: Option<Position>,
    pub tokens: Option<Tokens>,
}

/// A call of a tool.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it; docs/formats/views.md has the rest")]
pub struct ToolCall {
    pub tool_call_id: String,
    pub run_id: String,
    pub agent_id: String,
    pub tool_name: Option<String>,
    pub title: Option<String>,
    pub status: CallStatus,
    pub started_at: Option<Timestamp>,
    pub ended_at: Option<Timestamp>,
    pub duration_ms: Option<i64>,
    pub start_position: Option<Position>,
    pub end_position: Option<Position>,
    pub error: Option<String>,
}
