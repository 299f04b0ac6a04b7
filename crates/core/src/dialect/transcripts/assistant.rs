//! What an assistant wrote: text, thoughts, tool calls, and the model call that it came from.

use super::calls::{Line, ModelCalls};
use super::fields::{Fields, ObjectText};
use super::importer::Desk;
use super::record::{Fact, Party, Record};
use super::run::shortened;
use crate::json::{JsonKind, as_str, elements, kind, member};

/// Members of a tool's input that say best what a call is about, best first.
const TITLE_MEMBERS: [&str; 9] =
    ["description", "file_path", "path", "command", "pattern", "query", "url", "skill", "prompt"];

/// Translates a record of type `assistant`.
pub(super) fn assistant(desk: &mut Desk<'_>, record: &mut Record<'_>) -> Vec<Fact> {
    let run_id = desk.run.run_id.as_str().to_owned();
    let Some(message_text) = record.fields.take_object("message") else {
        return Vec::new();
    };
    let message_text = message_text.into_owned();
    let mut message = Fields::of(&message_text);
    message.take_if("role", |role| role == "\"assistant\"");
    message.take_if("type", |message_type| message_type == "\"message\"");
    let call_id = ModelCalls::call_id(&run_id, &message);
    let mut facts = Vec::new();
    let model = match &call_id {
        Some(call_id) => {
            message.take_name("id");
            let model = message
                .take_if("model", |model| matches!(kind(model), JsonKind::String | JsonKind::Null));
            let began = desk.run.agents.last_moment(&record.agent);
            facts = desk.run.calls.begin(record, call_id, model.as_deref(), began);
            model
        }
        None => None,
    };
    let content = message
        .take_if("content", |content| matches!(kind(content), JsonKind::String | JsonKind::Array));
    let failure = failure_text(record, content.as_deref());
    facts.extend(content_facts(desk, record, content.as_deref(), call_id.as_deref()));
    if let Some(call_id) = call_id {
        let line = Line {
            run_id: &run_id,
            call_id,
            record,
            message: &mut message,
            model: model.as_deref(),
            failure,
        };
        desk.run.calls.take_in(line, desk.totals);
    }
    let rest = message.rest();
    record.fields.put_back("message", rest);
    facts
}

/// The text of a message that stands for an error of the model's service.
fn failure_text(record: &mut Record<'_>, content: Option<&str>) -> Option<String> {
    record.fields.take_if("isApiErrorMessage", |value| value == "true")?;
    let text = content.and_then(|content| {
        let text = elements(content).find_map(|block| member(block, "text").and_then(as_str));
        text.or_else(|| as_str(content)).map(|text| text.into_owned())
    });
    Some(text.unwrap_or_else(|| "the model's service answered with an error".to_owned()))
}

fn content_facts(
    desk: &mut Desk<'_>,
    record: &Record<'_>,
    content: Option<&str>,
    call_id: Option<&str>,
) -> Vec<Fact> {
    let Some(content) = content else {
        return Vec::new();
    };
    if kind(content) == JsonKind::String {
        return vec![message_fact(record, 0, "text", content, call_id, None)];
    }
    let mut facts = Vec::new();
    for (index, block) in elements(content).enumerate() {
        facts.push(block_fact(desk, record, index, block, call_id));
    }
    facts
}

fn block_fact(
    desk: &mut Desk<'_>,
    record: &Record<'_>,
    index: usize,
    block: &str,
    call_id: Option<&str>,
) -> Fact {
    let mut fields = Fields::of(block);
    let block_type = fields.get_text("type").unwrap_or_default().into_owned();
    let is_string = |value: &str| kind(value) == JsonKind::String;
    match block_type.as_str() {
        "text" | "thinking" => {
            if let Some(text) = fields.take_if(&block_type, is_string) {
                fields.take("type");
                let message_kind = if block_type == "text" { "text" } else { "thinking" };
                return message_fact(record, index, message_kind, &text, call_id, Some(&fields));
            }
        }
        "tool_use" | "server_tool_use" | "mcp_tool_use" => {
            if let Some(id) = fields.take_name("id") {
                return tool_fact(desk, record, &id, &block_type, fields, call_id);
            }
        }
        "web_search_tool_result"
        | "web_fetch_tool_result"
        | "mcp_tool_result"
        | "code_execution_tool_result" => {
            if let Some(id) = fields.take_name("tool_use_id") {
                return server_result_fact(desk, record, &id, fields);
            }
        }
        _ => {}
    }
    // A block that is none of ours is a message without text that holds the block.
    let mut data = message_data(record, index, "other", "\"\"", call_id);
    data.raw("content", block);
    Fact::new("message.created", Party::Agent(record.agent.clone()), data.finish())
}

fn message_data(
    record: &Record<'_>,
    index: usize,
    message_kind: &str,
    text: &str,
    call_id: Option<&str>,
) -> ObjectText {
    let mut data = ObjectText::default();
    data.text("message_id", &block_id(record, index));
    data.text("sender_type", "agent").text("sender_id", &record.agent);
    data.text("kind", message_kind).raw("content_md", text).text_opt("model_call_id", call_id);
    data
}

fn message_fact(
    record: &Record<'_>,
    index: usize,
    message_kind: &str,
    text: &str,
    call_id: Option<&str>,
    rest: Option<&Fields<'_>>,
) -> Fact {
    let mut data = message_data(record, index, message_kind, text, call_id);
    if let Some(rest) = rest {
        rest.rest_into(&mut data);
    }
    Fact::new("message.created", Party::Agent(record.agent.clone()), data.finish())
}

/// The id of a block's message: the record's, with the block's place where there are several.
pub(super) fn block_id(record: &Record<'_>, index: usize) -> String {
    match index {
        0 => record.message_id.clone(),
        _ => format!("{}/{index}", record.message_id),
    }
}

fn tool_fact(
    desk: &mut Desk<'_>,
    record: &Record<'_>,
    id: &str,
    block_type: &str,
    mut fields: Fields<'_>,
    call_id: Option<&str>,
) -> Fact {
    fields.take_if("type", |_| block_type == "tool_use");
    let tool_name = fields.take_text("name").unwrap_or_default();
    let input = fields.take("input");
    desk.totals.saw_tool_call(desk.run.run_id.as_str(), id);
    desk.run.tool_names.insert(id.to_owned(), tool_name.clone());
    desk.run.agents.saw_tool_call(record, &tool_name, id, input.as_deref().unwrap_or("{}"));
    let mut data = ObjectText::default();
    data.text("tool_call_id", id).text("tool_name", &tool_name);
    data.text_opt("title", input.as_deref().and_then(title_of).as_deref());
    data.raw_opt("input", input.as_deref()).text_opt("model_call_id", call_id);
    fields.rest_into(&mut data);
    Fact::new("tool.invoked", Party::Agent(record.agent.clone()), data.finish())
}

/// The result of a tool that ran at the model's service.
fn server_result_fact(
    desk: &mut Desk<'_>,
    record: &Record<'_>,
    id: &str,
    mut fields: Fields<'_>,
) -> Fact {
    let output = fields.take("content");
    let error_type = output.as_deref().and_then(|output| member(output, "error_code"));
    let is_error = error_type.is_some() || fields.get("is_error") == Some("true");
    desk.totals.saw_tool_result(desk.run.run_id.as_str(), id, is_error);
    let mut data = ObjectText::default();
    data.text("tool_call_id", id);
    data.text_opt("tool_name", desk.run.tool_names.get(id).map(String::as_str));
    data.raw_opt("output", output.as_deref());
    fields.rest_into(&mut data);
    let event_type = if is_error { "tool.failed" } else { "tool.succeeded" };
    Fact::new(event_type, Party::Agent(record.agent.clone()), data.finish())
}

/// What a call is about, in a few words of its input.
pub(super) fn title_of(input: &str) -> Option<String> {
    let found = TITLE_MEMBERS.iter().find_map(|name| member(input, name).and_then(as_str))?;
    let title = shortened(found.trim());
    (!title.is_empty()).then_some(title)
}
