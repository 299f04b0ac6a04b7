//! What came to an agent: prompts of its user or its parent, results of its tools, notes of the program.

use std::borrow::Cow;

use super::assistant::block_id;
use super::fields::{Fields, ObjectText};
use super::importer::Desk;
use super::record::{Fact, MAIN_AGENT, Party, Record};
use crate::json::{JsonKind, as_bool, as_str, as_u64, elements, kind, member};

/// Translates a record of type `user`.
pub(super) fn user(desk: &mut Desk<'_>, record: &mut Record<'_>) -> Vec<Fact> {
    let message = record
        .fields
        .take_if("message", |message| matches!(kind(message), JsonKind::Object | JsonKind::String));
    let Some(message) = message.map(Cow::into_owned) else {
        return vec![prompt_fact(desk, record, 0, "\"\"", None)];
    };
    if kind(&message) == JsonKind::String {
        return vec![prompt_fact(desk, record, 0, &message, None)];
    }
    let mut fields = Fields::of(&message);
    fields.take_if("role", |role| role == "\"user\"");
    let content = fields
        .take_if("content", |content| matches!(kind(content), JsonKind::String | JsonKind::Array));
    let facts = match content.as_deref() {
        Some(content) if kind(content) == JsonKind::String => {
            vec![prompt_fact(desk, record, 0, content, None)]
        }
        Some(content) => blocks(desk, record, content),
        None => Vec::new(),
    };
    record.fields.put_back("message", fields.rest());
    if facts.is_empty() { vec![prompt_fact(desk, record, 0, "\"\"", None)] } else { facts }
}

fn blocks(desk: &mut Desk<'_>, record: &mut Record<'_>, content: &str) -> Vec<Fact> {
    let mut facts = Vec::new();
    for (index, block) in elements(content).enumerate() {
        let mut fields = Fields::of(block);
        let block_type = fields.get_text("type").map(|text| text.into_owned());
        match block_type.as_deref() {
            _ if kind(block) == JsonKind::String => {
                facts.push(prompt_fact(desk, record, index, block, None))
            }
            Some("text") if fields.get_text("text").is_some() => {
                fields.take("type");
                let text = fields.take("text").unwrap_or_default();
                facts.push(prompt_fact(desk, record, index, &text, fields.rest().as_deref()));
            }
            Some("tool_result") if fields.get_text("tool_use_id").is_some() => {
                facts.extend(result_facts(desk, record, fields));
            }
            _ => facts.push(prompt_fact(desk, record, index, "\"\"", Some(block))),
        }
    }
    facts
}

/// A message to the agent. `text` is a JSON string; `content` is what the message holds beside text.
fn prompt_fact(
    desk: &mut Desk<'_>,
    record: &mut Record<'_>,
    index: usize,
    text: &str,
    content: Option<&str>,
) -> Fact {
    let message_kind = message_kind(record, text);
    let (party, recipient) = sender(desk, record, message_kind);
    let mut data = ObjectText::default();
    data.text("message_id", &block_id(record, index));
    data.text("sender_type", party.type_name()).text("sender_id", party.id());
    data.text("kind", message_kind).raw("content_md", text);
    data.text_opt("recipient_id", recipient.as_deref());
    data.text_opt("parent_message_id", record.fields.take_name("parentUuid").as_deref());
    data.raw_opt("content", content);
    Fact::new("message.created", party, data.finish())
}

fn message_kind(record: &mut Record<'_>, text: &str) -> &'static str {
    let is_set = |record: &mut Record<'_>, mark: &str| {
        record.fields.get(mark).and_then(as_bool) == Some(true)
    };
    if is_set(record, "isCompactSummary") {
        return "summary";
    }
    let is_note = as_str(text).is_some_and(|text| is_note(&text));
    if is_note || is_set(record, "isMeta") { "system" } else { "prompt" }
}

/// Whether the program wrote a text in its user's place.
pub(super) fn is_note(text: &str) -> bool {
    ["<local-command-", "Caveat: The messages below were generated", "[Request interrupted"]
        .iter()
        .any(|start| text.starts_with(start))
}

/// Who sent a message to the agent, and to whom where that is a sub-agent.
fn sender(desk: &Desk<'_>, record: &Record<'_>, message_kind: &str) -> (Party, Option<String>) {
    let recipient = (record.agent != MAIN_AGENT).then(|| record.agent.clone());
    let party = match &recipient {
        _ if message_kind != "prompt" => Party::Harness,
        Some(agent) => Party::Agent(desk.run.agents.parent(agent)),
        None => Party::User,
    };
    (party, recipient)
}

fn result_facts(desk: &mut Desk<'_>, record: &mut Record<'_>, mut fields: Fields<'_>) -> Vec<Fact> {
    fields.take("type");
    let id = fields.take_text("tool_use_id").unwrap_or_default();
    let is_error = fields.take_if("is_error", |value| value == "true" || value == "false");
    let is_error = is_error.as_deref() == Some("true");
    let result = record.fields.take("toolUseResult").map(Cow::into_owned);
    let result = result.as_deref();
    desk.totals.saw_tool_result(desk.run.run_id.as_str(), &id, is_error);
    let tool_name = desk.run.tool_names.get(&id).map(String::as_str);
    let data = result_data(&id, tool_name, is_error, fields, result);
    let event_type = if is_error { "tool.failed" } else { "tool.succeeded" };
    // A sub-agent whose result is there says nothing more.
    let spawned = desk.run.agents.spawned_by(&id);
    let last_call = spawned.and_then(|agent| desk.run.calls.state(agent));
    let mut facts: Vec<Fact> = last_call.into_iter().collect();
    facts.push(Fact::new(event_type, Party::Agent(record.agent.clone()), data));
    facts.extend(desk.run.agents.saw_tool_result(&id, is_error, result));
    facts
}

fn result_data(
    id: &str,
    tool_name: Option<&str>,
    is_error: bool,
    mut fields: Fields<'_>,
    result: Option<&str>,
) -> String {
    let output = fields.take("content");
    let duration = result.and_then(|result| {
        let stated = |name: &&str| member(result, name).and_then(as_u64);
        ["durationMs", "totalDurationMs"].iter().find_map(stated)
    });
    let mut data = ObjectText::default();
    data.text("tool_call_id", id).text_opt("tool_name", tool_name);
    match output.as_deref() {
        // An error's text is its message.
        Some(output) if is_error && kind(output) == JsonKind::String => data.raw("message", output),
        output => data.raw_opt("output", output),
    };
    data.number_opt("duration_ms", duration).raw_opt("result", result);
    fields.rest_into(&mut data);
    data.finish()
}
