//! Sessions of Gemini CLI: one object with the messages, their thoughts, tool calls and tokens.

use std::borrow::Cow;

use super::super::fields::{Fields, ObjectText};
use super::super::record::{Fact, Head, Party};
use super::super::run::run_of_session;
use super::Reader;
use super::chat::{ToolCalls, ended, invoked};
use super::sheet::{Sheet, message_data, message_id, moment_of};
use crate::id::RunId;
use crate::json::{as_u64, elements, member};

const AGENT: &str = "gemini-cli";

/// Reads sessions.
#[derive(Debug)]
pub(super) struct GeminiSession;

impl Reader for GeminiSession {
    fn record(&mut self, sheet: &mut Sheet<'_>, text: &str) {
        let mut document = Fields::of(text);
        let session = document.take_text("sessionId").unwrap_or_default();
        let Some(run_id) = run_of_session(&session) else { return };
        let messages = document.take("messages").unwrap_or_default().into_owned();
        let mut data = ObjectText::default();
        data.text("run_id", run_id.as_str()).text("session_id", &session);
        data.text("source", AGENT).text("agent_name", AGENT);
        data.raw_opt("project_hash", document.take("projectHash").as_deref());
        let mut head = sheet.head(&run_id, "run.started");
        head.moment = moment_of(document.get("startTime"));
        let fact = Fact::new("run.started", agent(), data.finish());
        sheet.tell(&run_id, &head, vec![fact], None);
        let mut tools = ToolCalls::default();
        for message in elements(&messages) {
            told(sheet, &run_id, &mut tools, message);
        }
        // When the file was written last is no fact of the session and changes with every write.
        document.take("lastUpdated");
        if head.moment.is_some() {
            document.take("startTime");
        }
        if let Some(rest) = document.rest() {
            let head = sheet.head(&run_id, "rest");
            sheet.tell(&run_id, &head, Vec::new(), Some(rest));
        }
    }
}

fn agent() -> Party {
    Party::Agent(AGENT.to_owned())
}

fn told(sheet: &mut Sheet<'_>, run_id: &RunId, tools: &mut ToolCalls, message: &str) {
    let mut fields = Fields::of(message);
    // A message is written again as its calls end, so it is known by its id.
    let id = fields.take_name("id");
    let mut head = sheet.head(run_id, id.as_deref().unwrap_or(message));
    head.moment = moment_of(fields.get("timestamp"));
    if head.moment.is_some() {
        fields.take("timestamp");
    }
    head.uuid = id;
    head.record_type = fields.take_text("type");
    let facts = match head.record_type.as_deref() {
        Some("gemini") => answer(run_id, &head, tools, &mut fields),
        Some("user") => vec![said(&head, &Party::User, "prompt", &mut fields)],
        _ => vec![said(&head, &Party::Service(AGENT.to_owned()), "system", &mut fields)],
    };
    sheet.tell(run_id, &head, facts, fields.rest());
}

fn name_of(head: &Head) -> String {
    head.uuid.clone().unwrap_or_else(|| message_id(head))
}

fn said(head: &Head, party: &Party, message_kind: &str, fields: &mut Fields<'_>) -> Fact {
    let content = fields.take("content").unwrap_or_else(|| "\"\"".into());
    let data = message_data(&name_of(head), party, message_kind, &content);
    Fact::new("message.created", party.clone(), data.finish())
}

fn answer(
    run_id: &RunId,
    head: &Head,
    tools: &mut ToolCalls,
    fields: &mut Fields<'_>,
) -> Vec<Fact> {
    let tokens = fields.take_object("tokens").map(Cow::into_owned);
    let model = fields.take("model").map(Cow::into_owned);
    // What a message says of tokens is of the call that it is the answer of.
    // Messages are named within their session.
    let is_call = tokens.is_some() || model.is_some();
    let call_id = is_call.then(|| format!("{run_id}/{}", name_of(head)));
    let mut facts = Vec::new();
    if let Some(call_id) = &call_id {
        let mut data = ObjectText::default();
        data.text("model_call_id", call_id).raw_opt("model", model.as_deref());
        data.raw_opt("usage", tokens.as_deref().map(usage).as_deref());
        facts.push(Fact::new("model.completed", agent(), data.finish()));
    }
    let thoughts = fields.take("thoughts").map(Cow::into_owned);
    for (index, thought) in thoughts.as_deref().into_iter().flat_map(elements).enumerate() {
        facts.push(thinking(head, index, thought, call_id.as_deref()));
    }
    let calls = fields.take("toolCalls").map(Cow::into_owned);
    facts.push(said(head, &agent(), "text", fields));
    let calls = calls.as_deref().into_iter().flat_map(elements);
    let told: Vec<_> = calls.map(|call| tool(head, tools, call, call_id.as_deref())).collect();
    let (begun, ended): (Vec<Fact>, Vec<Option<Fact>>) = told.into_iter().unzip();
    facts.extend(begun);
    facts.extend(ended.into_iter().flatten());
    facts
}

fn thinking(head: &Head, index: usize, thought: &str, call_id: Option<&str>) -> Fact {
    let mut rest = Fields::of(thought);
    let content = rest.take("description").unwrap_or_else(|| "\"\"".into());
    let moment = moment_of(rest.get("timestamp"));
    if moment.is_some() {
        rest.take("timestamp");
    }
    let id = format!("{}/thought-{index}", name_of(head));
    let mut data = message_data(&id, &agent(), "thinking", &content);
    data.text_opt("model_call_id", call_id);
    rest.rest_into(&mut data);
    let mut fact = Fact::new("message.created", agent(), data.finish());
    fact.moment = moment;
    fact
}

/// A tool call, which stands in the file with its result.
fn tool(
    head: &Head,
    tools: &mut ToolCalls,
    call: &str,
    call_id: Option<&str>,
) -> (Fact, Option<Fact>) {
    let mut fields = Fields::of(call);
    let name = fields.take_text("name").unwrap_or_default();
    let stated_id = fields.take_name("id").unwrap_or_else(|| format!("{}/{name}", name_of(head)));
    let id = tools.begin(&stated_id, &name);
    let input = fields.take("args");
    let mut data = invoked(&id, &name, input.as_deref(), call_id);
    let status = fields.get_text("status").unwrap_or_default().into_owned();
    let is_error = matches!(status.as_str(), "error" | "cancelled");
    if !is_error && status != "success" {
        fields.rest_into(&mut data);
        return (Fact::new("tool.invoked", agent(), data.finish()), None);
    }
    let begun = Fact::new("tool.invoked", agent(), data.finish());
    tools.end(&stated_id);
    let output = fields.take("result");
    let mut data = ended(&id, Some(&name), is_error, output.as_deref(), None);
    let moment = moment_of(fields.get("timestamp"));
    fields.rest_into(&mut data);
    let event_type = if is_error { "tool.failed" } else { "tool.succeeded" };
    let mut ended = Fact::new(event_type, agent(), data.finish());
    ended.moment = moment;
    (begun, Some(ended))
}

/// Our usage: its `input` includes what came from the cache, its `output` excludes the thoughts.
fn usage(tokens: &str) -> String {
    let count = |name| member(tokens, name).and_then(as_u64);
    let cached = count("cached");
    let input = count("input").map(|input| input.checked_sub(cached.unwrap_or(0)).unwrap_or(input));
    let output =
        count("output").map(|output| output.saturating_add(count("thoughts").unwrap_or(0)));
    let mut usage = ObjectText::default();
    usage.number_opt("input_tokens", input).number_opt("output_tokens", output);
    usage.number_opt("cache_read_tokens", cached).raw("stated", tokens);
    usage.finish()
}
