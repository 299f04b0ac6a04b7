//! Payloads of Claude Code's hooks. They carry no time, and the older ones no id of the tool call.
//!
//! A call without an id gets one from what it is about and how often that came before, so that the
//! file of `PreToolUse` and that of `PostToolUse` name it alike.

use super::assistant::title_of;
use super::fields::ObjectText;
use super::importer::Desk;
use super::record::{Fact, MAIN_AGENT, Party, Record, short_hash, sub_agent};
use crate::json::{JsonKind, as_bool, as_str, elements, kind, member, members, unescape};

/// Translates one payload.
pub(super) fn hook(desk: &mut Desk<'_>, record: &mut Record<'_>) -> Vec<Fact> {
    let event_name = record.fields.take_text("hook_event_name").unwrap_or_default();
    match event_name.as_str() {
        "PreToolUse" => vec![tool_invoked(desk, record)],
        "PostToolUse" => vec![tool_ended(desk, record, Outcome::Told)],
        "PostToolUseFailure" | "PermissionDenied" => {
            vec![tool_ended(desk, record, Outcome::Failed)]
        }
        "UserPromptSubmit" => vec![prompt(record)],
        "Notification" | "PermissionRequest" | "PreCompact" | "SessionStart" => {
            vec![notified(record, &event_name)]
        }
        "Stop" | "StopFailure" => {
            vec![stopped(record, MAIN_AGENT.to_owned(), event_name == "Stop")]
        }
        "SubagentStart" => Vec::new(),
        "SubagentStop" => vec![sub_agent_stopped(desk, record)],
        "SessionEnd" => vec![session_ended(desk, record)],
        _ => super::other::foreign(record),
    }
}

/// What the payload says of how a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Told,
    Failed,
}

fn tool_call_id(
    desk: &mut Desk<'_>,
    record: &mut Record<'_>,
    tool_name: &str,
    phase: &str,
) -> String {
    if let Some(id) = record.fields.take_name("tool_use_id") {
        return id;
    }
    let input = record.fields.get("tool_input").map(orderless).unwrap_or_default();
    let about = short_hash(&format!("{}\n{tool_name}\n{input}", desk.run.run_id));
    let count = desk.run.count(&format!("{phase}/{about}"));
    format!("hook-{about}-{count}")
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

fn tool_invoked(desk: &mut Desk<'_>, record: &mut Record<'_>) -> Fact {
    let tool_name = record.fields.take_text("tool_name").unwrap_or_default();
    let id = tool_call_id(desk, record, &tool_name, "pre");
    let input = record.fields.take("tool_input");
    desk.totals.saw_tool_call(desk.run.run_id.as_str(), &id);
    desk.run.agents.saw_tool_call(record, &tool_name, &id, input.as_deref().unwrap_or("{}"));
    let mut data = ObjectText::default();
    data.text("tool_call_id", &id).text("tool_name", &tool_name);
    data.text_opt("title", input.as_deref().and_then(title_of).as_deref());
    data.raw_opt("input", input.as_deref());
    Fact::new("tool.invoked", Party::Agent(record.agent.clone()), data.finish())
}

fn tool_ended(desk: &mut Desk<'_>, record: &mut Record<'_>, outcome: Outcome) -> Fact {
    let tool_name = record.fields.take_text("tool_name").unwrap_or_default();
    let id = tool_call_id(desk, record, &tool_name, "post");
    let fields = &mut record.fields;
    let output = fields.take("tool_response");
    let says_error =
        output.as_deref().and_then(|output| member(output, "is_error")).and_then(as_bool);
    let is_error = outcome == Outcome::Failed || says_error == Some(true);
    desk.totals.saw_tool_result(desk.run.run_id.as_str(), &id, is_error);
    let mut data = ObjectText::default();
    data.text("tool_call_id", &id).text("tool_name", &tool_name);
    if is_error {
        let message = fields.take_text("error").or_else(|| fields.take_text("reason"));
        data.text_opt("message", message.as_deref());
        data.raw_opt("is_interrupt", fields.take("is_interrupt").as_deref());
    }
    data.raw_opt("output", output.as_deref())
        .number_opt("duration_ms", fields.take_u64("duration_ms"));
    data.raw_opt("input", fields.take("tool_input").as_deref());
    let event_type = if is_error { "tool.failed" } else { "tool.succeeded" };
    Fact::new(event_type, Party::Agent(record.agent.clone()), data.finish())
}

fn prompt(record: &mut Record<'_>) -> Fact {
    let text = record.fields.take_if("prompt", |value| kind(value) == JsonKind::String);
    let mut data = ObjectText::default();
    data.text("message_id", &record.message_id)
        .text("sender_type", "user")
        .text("sender_id", "user");
    data.text("kind", "prompt").raw("content_md", text.as_deref().unwrap_or("\"\""));
    data.text_opt("prompt_id", record.fields.take_text("prompt_id").as_deref());
    Fact::new("message.created", Party::User, data.finish())
}

fn notified(record: &mut Record<'_>, event_name: &str) -> Fact {
    let fields = &mut record.fields;
    let tool_name = fields.take_text("tool_name");
    let message = fields.take_text("message").unwrap_or_else(|| match &tool_name {
        Some(tool_name) => format!("{event_name}: {tool_name}"),
        None => event_name.to_owned(),
    });
    let mut data = ObjectText::default();
    data.text("message", &message).text_opt("title", fields.take_text("title").as_deref());
    data.text_opt("notification_type", fields.take_text("notification_type").as_deref());
    data.text("hook_event_name", event_name).text_opt("tool_name", tool_name.as_deref());
    for name in ["tool_input", "permission_suggestions", "source", "trigger", "model"] {
        data.raw_opt(name, fields.take(name).as_deref());
    }
    Fact::new("agent.notified", Party::Agent(record.agent.clone()), data.finish())
}

fn stopped(record: &mut Record<'_>, agent: String, is_success: bool) -> Fact {
    let fields = &mut record.fields;
    let mut data = ObjectText::default();
    data.text("agent_id", &agent).raw("success", if is_success { "true" } else { "false" });
    let reason = fields.take_text("error").or_else(|| fields.take_text("reason"));
    data.text("reason", reason.as_deref().unwrap_or("end of turn"));
    for name in
        ["stop_hook_active", "last_assistant_message", "agent_transcript_path", "error_details"]
    {
        data.raw_opt(name, fields.take(name).as_deref());
    }
    Fact::new("agent.stopped", Party::Agent(agent), data.finish())
}

fn sub_agent_stopped(desk: &mut Desk<'_>, record: &mut Record<'_>) -> Fact {
    let agent = if record.agent == MAIN_AGENT {
        // Older payloads do not say which sub-agent it was.
        let count = desk.run.count("SubagentStop");
        sub_agent(&format!("subagent-{count}"))
    } else {
        record.agent.clone()
    };
    stopped(record, agent, true)
}

fn session_ended(desk: &Desk<'_>, record: &mut Record<'_>) -> Fact {
    let mut data = ObjectText::default();
    data.text("run_id", desk.run.run_id.as_str());
    data.text_opt("reason", record.fields.take_text("reason").as_deref());
    Fact::new("run.completed", Party::Agent(MAIN_AGENT.to_owned()), data.finish())
}
