//! Telling what a file is from its records, and refusing by name what is not understood.
//!
//! The file's name plays no part. A format is known by members that only it has; a file that shows
//! none of them in its first records is refused, never guessed.

use std::borrow::Cow;
use std::fmt;

use super::pieces::pieces;
use crate::json::{Json, JsonKind, as_str, kind, member};

/// Records that are looked at before a file is given up.
const PROBED_RECORDS_MAX: usize = 50;

/// A format that is understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// A Claude Code transcript, one record a line.
    ClaudeCodeJsonl,
    /// A Claude Code transcript as one JSON array.
    ClaudeCodeJson,
    /// The output of `claude -p --output-format stream-json`.
    StreamJson,
    /// Payloads of Claude Code's hooks.
    HookLog,
    /// Inputs of a Claude Code status line.
    StatusLine,
}

impl Format {
    /// The format's name, as `annals import --json` prints it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClaudeCodeJsonl => "claude-code-jsonl",
            Self::ClaudeCodeJson => "claude-code-json",
            Self::StreamJson => "stream-json",
            Self::HookLog => "hook-log",
            Self::StatusLine => "status-line",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// Why a file is not imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DetectError {
    /// The file holds nothing.
    #[error("the file is empty")]
    Empty,
    /// The format is known by name and not read yet.
    #[error("this is {0}, which is not supported yet")]
    Unsupported(&'static str),
    /// No record shows the marks of a format.
    #[error(
        "no known format: not a Claude Code transcript (JSONL or JSON array), headless stream-json, hook log or status line"
    )]
    Unknown,
}

/// Formats that are refused by name, each with a member that only its records have, and what kind of value that is.
const UNSUPPORTED: [(&str, JsonKind, &str); 17] = [
    ("resourceSpans", JsonKind::Array, "an OTLP trace export"),
    ("resourceLogs", JsonKind::Array, "an OTLP log export"),
    ("resourceMetrics", JsonKind::Array, "an OTLP metric export"),
    ("scopeSpans", JsonKind::Array, "an OTLP trace export"),
    ("batches", JsonKind::Array, "a Tempo trace export"),
    ("spans", JsonKind::Array, "a Jaeger trace export"),
    ("observations", JsonKind::Array, "a Langfuse trace export"),
    ("traceId", JsonKind::String, "a trace export"),
    ("trajectory", JsonKind::Array, "a SWE-agent trajectory"),
    ("trajectory_format", JsonKind::String, "a mini-swe-agent trajectory"),
    ("test_result", JsonKind::Object, "an OpenHands run record"),
    ("mistake_agent", JsonKind::String, "a Who&When failure record"),
    ("traj", JsonKind::Array, "a tau-bench result"),
    ("projectHash", JsonKind::String, "a Gemini CLI session"),
    ("payload", JsonKind::Object, "a Codex session"),
    ("loglines", JsonKind::Array, "a Claude Code web session"),
    ("adw_id", JsonKind::String, "a workflow summary"),
];

/// Record types that a Claude Code transcript and stream-json share.
const SHARED_TYPES: [&str; 3] = ["user", "assistant", "system"];

/// Record types that only transcripts have.
const TRANSCRIPT_TYPES: [&str; 8] = [
    "summary",
    "file-history-snapshot",
    "queue-operation",
    "progress",
    "attachment",
    "custom-title",
    "ai-title",
    "last-prompt",
];

/// Tells a file's format from its bytes; the first records are enough.
///
/// # Errors
/// Names the format that is not supported yet, or says that none is known.
pub fn detect(file: &[u8]) -> Result<Format, DetectError> {
    let mut record_count = 0;
    let is_array = file.trim_ascii_start().first() == Some(&b'[');
    for piece in pieces(file).take(PROBED_RECORDS_MAX) {
        record_count += 1;
        let Ok(record) = Json::parse(piece.text) else {
            continue;
        };
        if let Some(format) = format_of(record.as_str(), is_array) {
            return Ok(format);
        }
        if let Some(name) = unsupported(record.as_str()) {
            return Err(DetectError::Unsupported(name));
        }
    }
    Err(if record_count == 0 { DetectError::Empty } else { DetectError::Unknown })
}

fn format_of(record: &str, is_array: bool) -> Option<Format> {
    let text = |name| member(record, name).and_then(as_str);
    let is_object =
        |name| member(record, name).is_some_and(|value| kind(value) == JsonKind::Object);
    let transcript = if is_array { Format::ClaudeCodeJson } else { Format::ClaudeCodeJsonl };
    if text("hook_event_name").is_some() && text("session_id").is_some() {
        return Some(Format::HookLog);
    }
    if is_status_line(record) || member(record, "input_data").is_some_and(is_status_line) {
        return Some(Format::StatusLine);
    }
    let record_type = text("type").unwrap_or(Cow::Borrowed(""));
    let is_shared = SHARED_TYPES.contains(&record_type.as_ref());
    if text("session_id").is_some()
        && (is_shared || matches!(record_type.as_ref(), "result" | "stream_event"))
    {
        return Some(Format::StreamJson);
    }
    let is_transcript = is_shared && (is_object("message") || text("sessionId").is_some())
        || TRANSCRIPT_TYPES.contains(&record_type.as_ref())
        || text("sessionId").is_some() && (is_object("message") || text("timestamp").is_some());
    // A Gemini session has a sessionId as well, beside a list of messages.
    (is_transcript && member(record, "messages").is_none()).then_some(transcript)
}

fn is_status_line(record: &str) -> bool {
    let has = |name| member(record, name).is_some_and(|value| kind(value) == JsonKind::Object);
    member(record, "session_id").is_some() && has("model") && (has("cost") || has("workspace"))
}

fn unsupported(record: &str) -> Option<&'static str> {
    let has = |key: &str, wanted| member(record, key).is_some_and(|value| kind(value) == wanted);
    if has("history", JsonKind::Array) {
        return Some(if has("instance_id", JsonKind::String) {
            "an OpenHands run record"
        } else {
            "an agent trajectory"
        });
    }
    if let Some(found) = UNSUPPORTED.iter().find(|(key, wanted, _)| has(key, *wanted)) {
        return Some(found.2);
    }
    if has("role", JsonKind::String) && member(record, "content").is_some() {
        return Some("a plain list of chat messages");
    }
    // Jaeger wraps its traces in `data`.
    let first = member(record, "data").and_then(|traces| crate::json::elements(traces).next())?;
    member(first, "spans").map(|_| "a Jaeger trace export")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_formats_by_their_records() {
        for (file, format) in [
            (r#"{"type":"user","message":{}}"#, Format::ClaudeCodeJsonl),
            (r#"{"type":"summary","summary":"s","leafUuid":"u"}"#, Format::ClaudeCodeJsonl),
            (r#"[{"type":"user","sessionId":"s","message":{}}]"#, Format::ClaudeCodeJson),
            (
                r#"{"sessionId":"s","timestamp":"2026-01-01T00:00:00Z","message":{}}"#,
                Format::ClaudeCodeJsonl,
            ),
            (
                "{broken\n{\"type\":\"system\",\"subtype\":\"init\",\"session_id\":\"s\"}",
                Format::StreamJson,
            ),
            (r#"[{"session_id":"s","hook_event_name":"Stop"}]"#, Format::HookLog),
            ("{\n\"session_id\":\"s\",\n\"hook_event_name\":\"Stop\"}", Format::HookLog),
            (r#"[{"input_data":{"session_id":"s","model":{},"cost":{}}}]"#, Format::StatusLine),
        ] {
            assert_eq!(detect(file.as_bytes()), Ok(format), "{file}");
        }
    }

    #[test]
    fn refuses_by_name_what_it_does_not_read() {
        for (file, name) in [
            (r#"{"resourceSpans":[]}"#, "an OTLP trace export"),
            (r#"{"type":"session_meta","timestamp":"t","payload":{}}"#, "a Codex session"),
            (
                r#"{"sessionId":"s","projectHash":"h","messages":[],"timestamp":"t"}"#,
                "a Gemini CLI session",
            ),
            (r#"{"data":[{"spans":[]}]}"#, "a Jaeger trace export"),
        ] {
            assert_eq!(detect(file.as_bytes()), Err(DetectError::Unsupported(name)), "{file}");
        }
        assert_eq!(detect(b" \n"), Err(DetectError::Empty));
        assert_eq!(detect(b"[1,2]"), Err(DetectError::Unknown));
        assert_eq!(detect(b"\xff\xfe\x00"), Err(DetectError::Unknown));
    }
}
