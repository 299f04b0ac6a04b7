//! The formats that are understood, and their names.
//!
//! How a file's format is told is `detect`'s matter.

use std::fmt;

use crate::json::JsonLimits;
use crate::limits::JSON_DEPTH_MAX;

/// A format that is understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// A Claude Code transcript, one record a line.
    ClaudeCodeJsonl,
    /// A Claude Code transcript as one JSON array.
    ClaudeCodeJson,
    /// A Claude Code session as the web keeps it: a list of records in an object.
    ClaudeCodeWeb,
    /// The output of `claude -p --output-format stream-json`.
    StreamJson,
    /// Payloads of Claude Code's hooks.
    HookLog,
    /// Inputs of a Claude Code status line.
    StatusLine,
    /// Run records of OpenHands, one run a line.
    OpenHands,
    /// A trajectory of SWE-agent.
    SweAgent,
    /// A trajectory of mini-SWE-agent.
    MiniSweAgent,
    /// A trace export of Langfuse.
    Langfuse,
    /// Results of tau-bench.
    TauBench,
    /// A failed run of several agents with a person's judgement of it.
    FailureLog,
    /// A session of Codex.
    CodexSession,
    /// The output of `codex exec --json`.
    CodexExec,
    /// A session of Gemini CLI.
    GeminiSession,
    /// What a workflow wrote of a headless session.
    WorkflowSummary,
    /// OTLP requests as JSON, one or one a line.
    OtlpJson,
    /// A trace export of Tempo.
    TempoJson,
    /// A trace export of Jaeger.
    JaegerJson,
    /// Spans as some programs dump them, with plain attributes.
    SpanList,
    /// A plain list of chat messages.
    ChatMessages,
}

/// Values that a record may hold which is a whole document: its events are held to their own limits.
const DOCUMENT_NODE_COUNT_MAX: usize = 50_000_000;

impl Format {
    /// All of them.
    pub const ALL: [Self; 21] = [
        Self::ClaudeCodeJsonl,
        Self::ClaudeCodeJson,
        Self::ClaudeCodeWeb,
        Self::StreamJson,
        Self::HookLog,
        Self::StatusLine,
        Self::OpenHands,
        Self::SweAgent,
        Self::MiniSweAgent,
        Self::Langfuse,
        Self::TauBench,
        Self::FailureLog,
        Self::CodexSession,
        Self::CodexExec,
        Self::GeminiSession,
        Self::WorkflowSummary,
        Self::OtlpJson,
        Self::TempoJson,
        Self::JaegerJson,
        Self::SpanList,
        Self::ChatMessages,
    ];

    /// The format's name, as `annals import --json` prints it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClaudeCodeJsonl => "claude-code-jsonl",
            Self::ClaudeCodeJson => "claude-code-json",
            Self::ClaudeCodeWeb => "claude-code-web",
            Self::StreamJson => "stream-json",
            Self::HookLog => "hook-log",
            Self::StatusLine => "status-line",
            Self::OpenHands => "openhands",
            Self::SweAgent => "swe-agent",
            Self::MiniSweAgent => "mini-swe-agent",
            Self::Langfuse => "langfuse",
            Self::TauBench => "tau-bench",
            Self::FailureLog => "failure-log",
            Self::CodexSession => "codex-session",
            Self::CodexExec => "codex-exec",
            Self::GeminiSession => "gemini-session",
            Self::WorkflowSummary => "workflow-summary",
            Self::OtlpJson => "otlp-json",
            Self::TempoJson => "tempo-json",
            Self::JaegerJson => "jaeger-json",
            Self::SpanList => "span-list",
            Self::ChatMessages => "chat-messages",
        }
    }

    /// How large the structure of one record may be.
    pub(super) const fn record_limits() -> JsonLimits {
        JsonLimits { depth_max: JSON_DEPTH_MAX, node_count_max: DOCUMENT_NODE_COUNT_MAX }
    }

    /// Whether its records are those of Claude Code's sessions.
    pub(super) const fn is_session(self) -> bool {
        matches!(
            self,
            Self::ClaudeCodeJsonl | Self::ClaudeCodeJson | Self::ClaudeCodeWeb | Self::StreamJson
        )
    }
}

impl fmt::Display for Format {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}
