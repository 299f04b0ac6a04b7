//! Telling what a file is from its records, and refusing by name what is not understood.
//!
//! The file's name plays no part. A format is known by members that only it has; a file that shows
//! none of them in its first records is refused, never guessed.

use std::borrow::Cow;

use super::documents::ACTION_MARK;
use super::format::Format;
use super::pieces::pieces;
use crate::json::{JsonKind, as_str, compact, elements, kind, member, members};

/// Records that are looked at before a file is given up.
const PROBED_RECORDS_MAX: usize = 50;

/// Why a file is not imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DetectError {
    /// The file holds nothing.
    #[error("the file is empty")]
    Empty,
    /// What it is, is known, and what is missing in it to be a run.
    #[error("this is {what}, which is not imported: {missing}")]
    Unsupported {
        /// What the file is.
        what: &'static str,
        /// Why that gives no events.
        missing: &'static str,
    },
    /// No record shows the marks of a format.
    #[error("no known format: {KNOWN}")]
    Unknown,
}

/// What a person may have meant.
const KNOWN: &str = "not a transcript or hook log of Claude Code, nor a run record of OpenHands, \
    SWE-agent, mini-SWE-agent, tau-bench or Who&When, nor an export of Langfuse, OTLP, Tempo or Jaeger, nor a session of Codex or Gemini CLI, nor a list of chat messages";

/// A member that only the records of a format have, of a kind, and one of those that stand beside it.
type Mark = (&'static str, JsonKind, &'static [&'static str], Format);

/// Formats by their marks; the first match wins.
const BY_MEMBER: [Mark; 12] = [
    ("test_result", JsonKind::Object, &["instance_id"], Format::OpenHands),
    ("trajectory", JsonKind::Array, &["info", "history"], Format::SweAgent),
    ("trajectory_format", JsonKind::String, &["messages"], Format::MiniSweAgent),
    ("mistake_agent", JsonKind::String, &["history"], Format::FailureLog),
    ("traj", JsonKind::Array, &["reward"], Format::TauBench),
    ("observations", JsonKind::Array, &["trace", "projectId", "sessionId"], Format::Langfuse),
    ("projectHash", JsonKind::String, &["messages"], Format::GeminiSession),
    ("resourceSpans", JsonKind::Array, &["resourceSpans"], Format::OtlpJson),
    ("resourceLogs", JsonKind::Array, &["resourceLogs"], Format::OtlpJson),
    ("resourceMetrics", JsonKind::Array, &["resourceMetrics"], Format::OtlpJson),
    ("spans", JsonKind::Array, &["processes"], Format::JaegerJson),
    ("adw_id", JsonKind::String, &["session_id"], Format::WorkflowSummary),
];

/// Types of the records of Codex's sessions.
const CODEX_TYPES: [&str; 5] =
    ["session_meta", "response_item", "event_msg", "turn_context", "compacted"];

/// Files that are refused by name, each with a member that only they have, and what is missing.
const UNSUPPORTED: [(&str, JsonKind, &str, &str); 2] = [
    (
        "eval_cases",
        JsonKind::Array,
        "a set of evaluation cases",
        "it says what should happen, not what did",
    ),
    (
        "scopeSpans",
        JsonKind::Array,
        "a part of an OTLP trace export",
        "it lacks the `resourceSpans` around it",
    ),
];

/// How a cassette of VCR begins, in YAML.
const CASSETTE_START: &[u8] = b"interactions:";

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
/// Names what the file is and why that is not imported, or says that no format is known.
pub fn detect(file: &[u8]) -> Result<Format, DetectError> {
    let mut record_count = 0;
    let mut is_chat = false;
    let is_array = file.trim_ascii_start().first() == Some(&b'[');
    for piece in pieces(file).take(PROBED_RECORDS_MAX) {
        record_count += 1;
        let mut record = String::new();
        if compact(piece.text, &mut record, &Format::record_limits()).is_err() {
            continue;
        }
        if let Some(format) = session_format(&record, is_array).or_else(|| document_format(&record))
        {
            return Ok(format);
        }
        if let Some(error) = unsupported(&record) {
            return Err(error);
        }
        is_chat |= is_chat_message(&record);
    }
    match record_count {
        0 => Err(DetectError::Empty),
        _ if is_cassette(file) => Err(DetectError::Unsupported {
            what: "a cassette of recorded HTTP exchanges",
            missing: "it has requests and answers, and no run that they belong to",
        }),
        _ if is_chat => Ok(Format::ChatMessages),
        _ => Err(DetectError::Unknown),
    }
}

/// Whether the first line that is no comment begins a cassette.
fn is_cassette(file: &[u8]) -> bool {
    let mut lines = file.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    lines.find(|line| !line.is_empty() && !line.starts_with(b"#")) == Some(CASSETTE_START)
}

fn has(record: &str, key: &str, wanted: JsonKind) -> bool {
    member(record, key).is_some_and(|value| kind(value) == wanted)
}

fn session_format(record: &str, is_array: bool) -> Option<Format> {
    let text = |name| member(record, name).and_then(as_str);
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
    let has_message = has(record, "message", JsonKind::Object);
    let is_transcript = is_shared && (has_message || text("sessionId").is_some())
        || TRANSCRIPT_TYPES.contains(&record_type.as_ref())
        || text("sessionId").is_some() && (has_message || text("timestamp").is_some());
    // A Gemini session has a sessionId as well, beside a list of messages.
    if is_transcript && member(record, "messages").is_none() {
        return Some(transcript);
    }
    let listed = ["loglines", "messages"].iter().find_map(|name| member(record, name))?;
    let first = elements(listed).next()?;
    let is_wrapped = session_format(first, false) == Some(Format::ClaudeCodeJsonl);
    is_wrapped.then_some(Format::ClaudeCodeWeb)
}

fn document_format(record: &str) -> Option<Format> {
    // The older demonstrations of SWE-agent have nothing but their messages.
    let speaks_as = |message: &str| {
        has(message, "role", JsonKind::String)
            && (has(message, "message_type", JsonKind::String)
                || has(message, "agent", JsonKind::String))
    };
    if has(record, "history", JsonKind::Array) {
        if has(record, "instance_id", JsonKind::String) {
            return Some(Format::OpenHands);
        }
        let first = member(record, "history").and_then(|history| elements(history).next());
        if first.is_some_and(speaks_as) {
            return Some(Format::SweAgent);
        }
    }
    let found = BY_MEMBER.iter().find(|(key, wanted, beside, _)| {
        has(record, key, *wanted) && beside.iter().any(|name| member(record, name).is_some())
    });
    if let Some((.., format)) = found {
        return Some(*format);
    }
    let record_type = member(record, "type").and_then(as_str).unwrap_or_default();
    if has(record, "payload", JsonKind::Object) && CODEX_TYPES.contains(&record_type.as_ref()) {
        return Some(Format::CodexSession);
    }
    if first_of(record, "batches").is_some_and(|batch| has(batch, "resource", JsonKind::Object)) {
        return Some(Format::TempoJson);
    }
    // Jaeger wraps its traces in `data`, newer versions of Tempo theirs in `trace`.
    if first_of(record, "data").is_some_and(|trace| has(trace, "spans", JsonKind::Array)) {
        return Some(Format::JaegerJson);
    }
    if member(record, "trace").is_some_and(|trace| has(trace, "resourceSpans", JsonKind::Array)) {
        return Some(Format::OtlpJson);
    }
    if has(record, "span_id", JsonKind::String) && has(record, "start_time", JsonKind::Number) {
        return Some(Format::SpanList);
    }
    if is_codex_event(record) || first_of(record, "events").is_some_and(is_codex_event) {
        return Some(Format::CodexExec);
    }
    if first_of(record, "items").is_some_and(is_codex_item) {
        return Some(Format::CodexSession);
    }
    let content = member(record, "content").and_then(as_str);
    let is_mini =
        is_chat_message(record) && content.is_some_and(|content| content.contains(ACTION_MARK));
    is_mini.then_some(Format::MiniSweAgent)
}

fn first_of<'a>(record: &'a str, list: &str) -> Option<&'a str> {
    elements(member(record, list)?).next()
}

/// Whether a record is a line of `codex exec --json`.
fn is_codex_event(record: &str) -> bool {
    let record_type = member(record, "type").and_then(as_str).unwrap_or_default();
    match record_type.as_ref() {
        "thread.started" => member(record, "thread_id").is_some(),
        "item.started" | "item.updated" | "item.completed" => has(record, "item", JsonKind::Object),
        _ => false,
    }
}

/// Whether an item is one of those that Codex writes into its sessions.
fn is_codex_item(item: &str) -> bool {
    let item_type = member(item, "type").and_then(as_str).unwrap_or_default();
    item_type.starts_with("function_call") && member(item, "call_id").is_some()
}

fn is_chat_message(record: &str) -> bool {
    has(record, "role", JsonKind::String)
        && (member(record, "content").is_some() || has(record, "tool_calls", JsonKind::Array))
}

fn is_status_line(record: &str) -> bool {
    let has = |name| has(record, name, JsonKind::Object);
    member(record, "session_id").is_some() && has("model") && (has("cost") || has("workspace"))
}

fn unsupported(record: &str) -> Option<DetectError> {
    let found = UNSUPPORTED.iter().find(|(key, wanted, ..)| has(record, key, *wanted));
    if let Some((.., what, missing)) = found {
        return Some(DetectError::Unsupported { what, missing });
    }
    let first = members(record).next().map(|(_, value)| value)?;
    if has(first, "model_patch", JsonKind::String) {
        return Some(DetectError::Unsupported {
            what: "a list of SWE-bench predictions",
            missing: "it has the patches of runs, not what happened in them",
        });
    }
    let has_dialogue =
        ["messages", "contents"].iter().any(|name| has(first, name, JsonKind::Array));
    has_dialogue.then_some(DetectError::Unsupported {
        what: "a set of dialogues by name",
        missing: "it does not say that they are runs; a list of messages in a file of its own is one",
    })
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
            (r#"{"loglines":[{"type":"user","message":{}}]}"#, Format::ClaudeCodeWeb),
            (r#"{"instance_id":"i","history":[]}"#, Format::OpenHands),
            (r#"{"history":[{"role":"system","content":"","agent":"main"}]}"#, Format::SweAgent),
            (r#"{"history":[],"trajectory":[],"info":{}}"#, Format::SweAgent),
            (
                r#"{"info":{},"messages":[],"trajectory_format":"mini-swe-agent-1"}"#,
                Format::MiniSweAgent,
            ),
            (
                r#"[{"role":"system","content":"a"},{"role":"assistant","content":"```mswea_bash_command\nls\n```"}]"#,
                Format::MiniSweAgent,
            ),
            (r#"{"trace":{"id":"t"},"observations":[]}"#, Format::Langfuse),
            (r#"[{"task_id":0,"reward":0.0,"info":{},"traj":[],"trial":0}]"#, Format::TauBench),
            (r#"{"history":[],"mistake_agent":"A"}"#, Format::FailureLog),
            (r#"{"resourceLogs":[]}"#, Format::OtlpJson),
            (r#"{"data":[{"spans":[]}]}"#, Format::JaegerJson),
            (r#"{"batches":[{"resource":{}}]}"#, Format::TempoJson),
            (r#"[{"trace_id":"a","span_id":"b","start_time":1}]"#, Format::SpanList),
            (r#"{"type":"session_meta","timestamp":"t","payload":{}}"#, Format::CodexSession),
            (r#"{"type":"thread.started","thread_id":"t"}"#, Format::CodexExec),
            (
                r#"{"sessionId":"s","projectHash":"h","messages":[],"timestamp":"t"}"#,
                Format::GeminiSession,
            ),
            (r#"[{"role":"user","content":"hi"}]"#, Format::ChatMessages),
            (r#"[{"input_data":{"session_id":"s","model":{},"cost":{}}}]"#, Format::StatusLine),
        ] {
            assert_eq!(detect(file.as_bytes()), Ok(format), "{file}");
        }
    }

    #[test]
    fn refuses_by_name_what_it_does_not_read() {
        for (file, name) in [
            (r#"{"eval_set_id":"e","eval_cases":[]}"#, "a set of evaluation cases"),
            (r#"{"a":{"messages":[]}}"#, "a set of dialogues by name"),
            (
                "# by hand\n\ninteractions:\n- request: {}\n",
                "a cassette of recorded HTTP exchanges",
            ),
            (r#"{"a":{"model_patch":"p","instance_id":"a"}}"#, "a list of SWE-bench predictions"),
        ] {
            let Err(DetectError::Unsupported { what, missing }) = detect(file.as_bytes()) else {
                panic!("{file} is not refused by name");
            };
            assert_eq!(what, name);
            assert!(!missing.is_empty());
        }
        // What has a word in common with a format is not of it.
        for other in [
            r#"{"type":"order.placed","payload":{}}"#,
            r#"{"observations":[]}"#,
            r#"{"spans":[1]}"#,
            r#"{"batches":[{}]}"#,
        ] {
            assert_eq!(detect(other.as_bytes()), Err(DetectError::Unknown), "{other}");
        }
        assert_eq!(detect(b" \n"), Err(DetectError::Empty));
        assert_eq!(detect(b"[1,2]"), Err(DetectError::Unknown));
        assert_eq!(detect(b"\xff\xfe\x00"), Err(DetectError::Unknown));
    }
}
