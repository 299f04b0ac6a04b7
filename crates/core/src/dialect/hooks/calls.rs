//! Calls of tools and models whose payload has no id of the call.
//!
//! Such a call is known by what it is about: its run, its tool and its input. `annals-hook` counts how
//! often the same came before and stamps that too, so that equal calls stay two; without the stamp
//! they are one.

use crate::hash::sha256;
use crate::json::{JsonKind, as_str, elements, kind, member, members, unescape};

/// Characters of the hash in an id.
const ABOUT_HEX: usize = 16;

/// The beginning or the end of a call that has no id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallPart {
    /// Whether the call ends here.
    pub is_end: bool,
    /// What the call is about.
    pub about: String,
}

impl CallPart {
    /// The id of the call that is the `count`th of its kind, counted from 1.
    #[must_use]
    pub fn call_id(&self, count: u64) -> String {
        format!("hook-{}-{count}", self.about)
    }
}

/// Whether a payload is of a tool's call without an id, and which part of it.
#[must_use]
pub fn call_part(event: &str, payload: &str) -> Option<CallPart> {
    let is_end = match event {
        "PreToolUse" | "BeforeTool" | "preToolUse" => false,
        "PostToolUse" | "PostToolUseFailure" | "AfterTool" | "postToolUse"
        | "postToolUseFailure" => true,
        _ => return None,
    };
    let has_id = kind(payload) != JsonKind::Object || member(payload, "tool_use_id").is_some();
    (!has_id).then(|| CallPart { is_end, about: about_tool(payload) })
}

fn about_tool(payload: &str) -> String {
    let text = |names: [&str; 2]| names.into_iter().find_map(|name| member(payload, name));
    let run = super::run_of(payload);
    let tool = text(["tool_name", "toolName"]).unwrap_or_default();
    let input = text(["tool_input", "toolArgs"]).map(orderless).unwrap_or_default();
    short_hash(&format!("{run}\n{tool}\n{input}"))
}

/// The id of a tool's call that has none and was not counted.
pub(super) fn uncounted(payload: &str) -> String {
    format!("hook-{}", about_tool(payload))
}

/// The id of a model's call: beginning and end both have the request.
pub(super) fn model_call_id(payload: &str) -> String {
    let request = member(payload, "llm_request").map(orderless).unwrap_or_default();
    format!("hook-{}", short_hash(&format!("{}\n{request}", super::run_of(payload))))
}

/// A value's text without the order of members and elements, because some tools rewrite their input.
fn orderless(value: &str) -> String {
    let mut parts: Vec<String> = match kind(value) {
        JsonKind::Object => members(value)
            .map(|(key, value)| format!("{:?}:{}", unescape(key), orderless(value)))
            .collect(),
        JsonKind::Array => elements(value).map(orderless).collect(),
        JsonKind::String => return format!("{:?}", as_str(value).unwrap_or_default()),
        JsonKind::Null | JsonKind::Bool | JsonKind::Number => return value.to_owned(),
    };
    parts.sort_unstable();
    format!("({})", parts.join(","))
}

fn short_hash(text: &str) -> String {
    let mut hash = sha256(&[text.as_bytes()]).to_string();
    hash.truncate(ABOUT_HEX);
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beginning_and_end_of_a_call_are_about_the_same() {
        let begin = r#"{"session_id":"s","tool_name":"ls","tool_input":{"a":1,"b":[2,3]}}"#;
        let end = r#"{"session_id":"s","tool_name":"ls","tool_input":{"b":[3,2],"a":1},"tool_response":""}"#;
        let (begin, end) =
            (call_part("BeforeTool", begin).unwrap(), call_part("AfterTool", end).unwrap());
        assert_eq!((begin.is_end, end.is_end), (false, true));
        assert_eq!(begin.call_id(2), end.call_id(2));
        assert_ne!(begin.call_id(1), end.call_id(2));
    }

    #[test]
    fn calls_with_an_id_and_other_events_need_none() {
        assert_eq!(call_part("PreToolUse", r#"{"tool_use_id":"t"}"#), None);
        assert_eq!(call_part("Stop", "{}"), None);
        assert_eq!(call_part("PreToolUse", "\"not an object\""), None);
    }
}
