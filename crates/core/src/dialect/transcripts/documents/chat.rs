//! Messages of a chat as most frameworks keep them: a role, a content, calls of tools and their results.
//!
//! It reads one message at a time. Which run it is and what stands around the list of messages is the
//! format's matter.

use std::collections::{BTreeMap, VecDeque};

use super::super::assistant::title_of;
use super::super::fields::{Fields, ObjectText};
use super::super::record::{Fact, Head, Party};
use super::sheet::{actor_id, message_data, message_id, take_arguments};
use crate::json::{JsonKind, as_str, elements, kind};

/// One conversation while its messages are read.
#[derive(Debug)]
pub(super) struct Chat {
    /// The actor who answers.
    pub(super) agent: String,
    /// The actor who speaks for the program around the agent.
    pub(super) harness: String,
    pub(super) tools: ToolCalls,
    /// Whether a tool's output says that the call failed.
    pub(super) is_failure: fn(&str) -> bool,
}

/// The tool calls of a run. Some sources give several calls one id.
#[derive(Debug, Default)]
pub(super) struct ToolCalls {
    counts: BTreeMap<String, u64>,
    open: BTreeMap<String, VecDeque<String>>,
    names: BTreeMap<String, String>,
}

impl ToolCalls {
    /// Begins a call and gives it an id of its own: that of the source, with a number where it is taken.
    pub(super) fn begin(&mut self, stated_id: &str, tool_name: &str) -> String {
        let count = self.counts.entry(stated_id.to_owned()).or_default();
        *count += 1;
        let id = if *count == 1 { stated_id.to_owned() } else { format!("{stated_id}~{count}") };
        self.open.entry(stated_id.to_owned()).or_default().push_back(id.clone());
        self.names.insert(id.clone(), tool_name.to_owned());
        id
    }

    /// Ends the oldest open call of an id, or the call of that id where none is open.
    pub(super) fn end(&mut self, stated_id: &str) -> String {
        let open = self.open.get_mut(stated_id).and_then(VecDeque::pop_front);
        open.unwrap_or_else(|| stated_id.to_owned())
    }

    pub(super) fn name(&self, id: &str) -> Option<&str> {
        self.names.get(id).map(String::as_str)
    }
}

impl Chat {
    pub(super) fn new(agent: &str, harness: &str) -> Self {
        Self {
            agent: actor_id(agent),
            harness: actor_id(harness),
            tools: ToolCalls::default(),
            is_failure: |_| false,
        }
    }

    /// The facts of one message; what is left in `fields` has no home yet.
    pub(super) fn facts(
        &mut self,
        head: &Head,
        fields: &mut Fields<'_>,
        call_id: Option<&str>,
    ) -> Vec<Fact> {
        let role = fields.take_text("role").unwrap_or_default();
        match role.as_str() {
            "assistant" | "model" | "ai" => self.answer(head, fields, call_id),
            "tool" | "function" => vec![self.result(fields)],
            "system" | "developer" => {
                let harness = Party::Service(self.harness.clone());
                said(head, fields, &harness, "system", call_id)
            }
            "user" | "human" => said(head, fields, &Party::User, "prompt", call_id),
            _ => {
                let party = Party::Agent(actor_id(&role));
                said(head, fields, &party, "text", call_id)
            }
        }
    }

    fn answer(&mut self, head: &Head, fields: &mut Fields<'_>, call_id: Option<&str>) -> Vec<Fact> {
        let agent = Party::Agent(self.agent.clone());
        let calls = fields.take_if("tool_calls", |calls| kind(calls) == JsonKind::Array);
        let mut facts = Vec::new();
        let has_calls = calls.as_deref().is_some_and(|calls| elements(calls).next().is_some());
        let is_silent = |content: &str| content == "null" || content == "\"\"";
        if !has_calls || fields.take_if("content", is_silent).is_none() {
            facts = said(head, fields, &agent, "text", call_id);
        }
        for call in calls.as_deref().into_iter().flat_map(elements) {
            facts.push(self.tool_call(call, call_id));
        }
        facts
    }

    fn tool_call(&mut self, call: &str, call_id: Option<&str>) -> Fact {
        let mut fields = Fields::of(call);
        fields.take_if("type", |call_type| call_type == "\"function\"");
        let function = fields.take_object("function").map(std::borrow::Cow::into_owned);
        let mut inner = function.as_deref().map(Fields::of);
        let place = inner.as_mut().unwrap_or(&mut fields);
        let tool_name = place.take_text("name").unwrap_or_default();
        let input = take_arguments(place, "arguments");
        let stated_id = fields.take_name("id").unwrap_or_else(|| tool_name.clone());
        let id = self.tools.begin(&stated_id, &tool_name);
        let mut data = invoked(&id, &tool_name, input.as_deref(), call_id);
        fields.rest_into(&mut data);
        if let Some(inner) = inner {
            inner.rest_into(&mut data);
        }
        Fact::new("tool.invoked", Party::Agent(self.agent.clone()), data.finish())
    }

    fn result(&mut self, fields: &mut Fields<'_>) -> Fact {
        let name = fields.take_text("name");
        let stated_id = take_call_id(fields).or_else(|| name.clone()).unwrap_or_default();
        let id = self.tools.end(&stated_id);
        let output = fields.take("content");
        let text = output.as_deref().and_then(as_str);
        let is_error = text.is_some_and(|text| (self.is_failure)(&text));
        let tool_name = name.as_deref().or_else(|| self.tools.name(&id));
        let data = ended(&id, tool_name, is_error, output.as_deref(), None);
        let event_type = if is_error { "tool.failed" } else { "tool.succeeded" };
        let mut data = data;
        fields.rest_into(&mut data);
        *fields = Fields::default();
        Fact::new(event_type, Party::Agent(self.agent.clone()), data.finish())
    }
}

/// The id of the call that a result answers; some sources keep a list of one.
fn take_call_id(fields: &mut Fields<'_>) -> Option<String> {
    fields.take_name("tool_call_id").or_else(|| {
        let is_one = |ids: &str| elements(ids).count() == 1;
        let ids = fields.take_if("tool_call_ids", is_one)?;
        elements(&ids).next().and_then(as_str).map(std::borrow::Cow::into_owned)
    })
}

/// The data of a call's beginning.
pub(super) fn invoked(
    id: &str,
    tool_name: &str,
    input: Option<&str>,
    call_id: Option<&str>,
) -> ObjectText {
    let mut data = ObjectText::default();
    data.text("tool_call_id", id).text("tool_name", tool_name);
    data.text_opt("title", input.and_then(title_of).as_deref());
    data.raw_opt("input", input).text_opt("model_call_id", call_id);
    data
}

/// The data of a call's end. `output` is JSON text: an error's text is its message.
pub(super) fn ended(
    id: &str,
    tool_name: Option<&str>,
    is_error: bool,
    output: Option<&str>,
    duration_ms: Option<&str>,
) -> ObjectText {
    let mut data = ObjectText::default();
    data.text("tool_call_id", id).text_opt("tool_name", tool_name);
    data.raw_opt("duration_ms", duration_ms);
    match output {
        Some(output) if is_error && kind(output) == JsonKind::String => data.raw("message", output),
        output => data.raw_opt("output", output),
    };
    data
}

/// What somebody said, one message for each block of a content that has several.
/// The message's other members go with the first.
fn said(
    head: &Head,
    fields: &mut Fields<'_>,
    party: &Party,
    message_kind: &str,
    call_id: Option<&str>,
) -> Vec<Fact> {
    let content = fields.take("content").unwrap_or_else(|| "\"\"".into()).into_owned();
    let id = message_id(head);
    let blocks: Vec<&str> = if kind(&content) == JsonKind::Array {
        elements(&content).collect()
    } else {
        vec![&content]
    };
    let mut facts = Vec::new();
    for (index, block) in blocks.iter().enumerate() {
        let id = if index == 0 { id.clone() } else { format!("{id}/{index}") };
        let mut inner = Fields::of(block);
        let text = match inner.get_text("type").as_deref() {
            Some("text" | "input_text" | "output_text") => {
                inner.take_if("text", |text| kind(text) == JsonKind::String)
            }
            _ => None,
        };
        let mut data = match text.as_deref() {
            Some(text) => {
                inner.take_if("type", |block_type| block_type == "\"text\"");
                let mut data = message_data(&id, party, message_kind, text);
                inner.rest_into(&mut data);
                data
            }
            None => message_data(&id, party, message_kind, block),
        };
        data.text_opt("model_call_id", call_id);
        if index == 0 {
            fields.rest_into(&mut data);
            *fields = Fields::default();
        }
        facts.push(Fact::new("message.created", party.clone(), data.finish()));
    }
    facts
}
