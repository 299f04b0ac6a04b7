//! What `codex exec --json` prints: a thread, its turns, and the items that happened in them.
//!
//! An item is written when it begins and when it is done. Usage is stated for each turn. No times.

use std::borrow::Cow;

use super::super::fields::{Fields, ObjectText};
use super::super::record::{Fact, Head, Party, short_hash};
use super::super::run::{run_of_file, run_of_session};
use super::Reader;
use super::chat::{ToolCalls, ended, invoked};
use super::sheet::{Sheet, message_data, message_id};
use super::tokens::Inclusive;
use crate::id::RunId;
use crate::json::{as_i64, as_str, elements, member};

const AGENT: &str = "codex";

/// Reads the events of one run.
#[derive(Debug, Default)]
pub(super) struct CodexExec {
    run: Option<RunId>,
    tools: ToolCalls,
    /// The calls that are begun and not done, by the item's id.
    open: Vec<String>,
}

impl Reader for CodexExec {
    fn record(&mut self, sheet: &mut Sheet<'_>, text: &str) {
        let mut fields = Fields::of(text);
        let Some(events) = fields.take("events") else {
            self.event(sheet, text);
            return;
        };
        for event in elements(&events) {
            self.event(sheet, event);
        }
        if let (Some(run_id), Some(rest)) = (&self.run, fields.rest()) {
            let head = sheet.head(run_id, "rest");
            sheet.tell(run_id, &head, Vec::new(), Some(rest));
        }
    }
}

impl CodexExec {
    fn event(&mut self, sheet: &mut Sheet<'_>, text: &str) {
        let mut fields = Fields::of(text);
        if self.run.is_none() {
            self.run = begin(sheet, text, &fields);
        }
        let Some(run_id) = self.run.clone() else { return };
        let mut head = sheet.head(&run_id, text);
        let event_type = fields.take_text("type").unwrap_or_default();
        head.record_type = Some(event_type.clone());
        let item = fields.take_object("item").map(Cow::into_owned);
        let facts = match (event_type.as_str(), &item) {
            (_, Some(item)) => self.item(&head, &event_type, Fields::of(item)),
            ("turn.completed", _) => turn_completed(&head, &mut fields),
            ("turn.failed" | "error", _) => vec![failed(&mut fields)],
            ("thread.started", _) => {
                fields.take("thread_id");
                Vec::new()
            }
            _ => Vec::new(),
        };
        sheet.tell(&run_id, &head, facts, fields.rest());
    }

    fn item(&mut self, head: &Head, event_type: &str, mut item: Fields<'_>) -> Vec<Fact> {
        let item_type = item.take_text("type").unwrap_or_default();
        let is_done = event_type == "item.completed";
        match item_type.as_str() {
            "agent_message" | "reasoning" if is_done => {
                let message_kind = if item_type == "reasoning" { "thinking" } else { "text" };
                let text = item.take("text").unwrap_or_else(|| "\"\"".into());
                let mut data = message_data(&message_id(head), &agent(), message_kind, &text);
                item.rest_into(&mut data);
                vec![Fact::new("message.created", agent(), data.finish())]
            }
            "command_execution" | "file_change" | "mcp_tool_call" | "web_search" => {
                self.tool(head, &item_type, is_done, item)
            }
            _ => {
                let mut data = ObjectText::default();
                data.text("type", &item_type);
                item.rest_into(&mut data);
                vec![Fact::new("foreign.event", Party::Service(AGENT.to_owned()), data.finish())]
            }
        }
    }

    fn tool(
        &mut self,
        head: &Head,
        item_type: &str,
        is_done: bool,
        mut item: Fields<'_>,
    ) -> Vec<Fact> {
        let stated_id = item.take_name("id").unwrap_or_else(|| message_id(head));
        let tool_name = match (item.get_text("server"), item.get_text("tool")) {
            (Some(server), Some(tool)) => format!("mcp__{server}__{tool}"),
            _ => item_type.to_owned(),
        };
        let mut progress = ObjectText::default();
        progress.text("tool_call_id", &stated_id).text("tool_name", &tool_name);
        let was_open = self.open.iter().position(|open| *open == stated_id);
        let mut facts = Vec::new();
        let input = input_of(&item);
        if was_open.is_none() {
            let id = self.tools.begin(&stated_id, &tool_name);
            self.open.push(stated_id.clone());
            let mut data = invoked(&id, &tool_name, Some(&input), None);
            if !is_done {
                take_what_began(&mut item);
                item.rest_into(&mut data);
            }
            facts.push(Fact::new("tool.invoked", agent(), data.finish()));
        }
        if !is_done {
            if was_open.is_some() {
                item.rest_into(&mut progress);
                facts.push(Fact::new("tool.progressed", agent(), progress.finish()));
            }
            return facts;
        }
        if let Some(at) = self.open.iter().position(|open| *open == stated_id) {
            self.open.swap_remove(at);
        }
        let id = self.tools.end(&stated_id);
        let code = item.get("exit_code").and_then(as_i64);
        let status = item.get_text("status").map(Cow::into_owned);
        let is_error = code.is_some_and(|code| code != 0)
            || matches!(status.as_deref(), Some("failed" | "declined"));
        let output = item.take("aggregated_output").or_else(|| item.take("result"));
        let mut data = ended(&id, Some(&tool_name), is_error, output.as_deref(), None);
        take_what_began(&mut item);
        item.rest_into(&mut data);
        let event_type = if is_error { "tool.failed" } else { "tool.succeeded" };
        facts.push(Fact::new(event_type, agent(), data.finish()));
        facts
    }
}

fn agent() -> Party {
    Party::Agent(AGENT.to_owned())
}

/// The members of an item that were there when it began.
fn input_of(item: &Fields<'_>) -> String {
    if let Some(arguments) = item.get("arguments") {
        return arguments.to_owned();
    }
    let mut input = ObjectText::default();
    for name in ["command", "query", "changes"] {
        input.raw_opt(name, item.get(name));
    }
    input.finish()
}

/// Takes what the call's beginning says, and what is not there yet.
fn take_what_began(item: &mut Fields<'_>) {
    for told in ["command", "arguments", "query", "server", "tool"] {
        item.take(told);
    }
    for absent in ["aggregated_output", "exit_code", "status"] {
        item.take_if(absent, |value| matches!(value, "\"\"" | "null" | "\"in_progress\""));
    }
}

fn begin(sheet: &mut Sheet<'_>, text: &str, fields: &Fields<'_>) -> Option<RunId> {
    let thread = fields.get_text("thread_id").map(Cow::into_owned);
    let run_id = match &thread {
        Some(thread) => run_of_session(thread)?,
        None => run_of_file(sheet.source_name, &short_hash(text))?,
    };
    let mut data = ObjectText::default();
    data.text("run_id", run_id.as_str());
    data.text("session_id", thread.as_deref().unwrap_or(run_id.as_str()));
    data.text("source", AGENT).text("agent_name", AGENT);
    let head = sheet.head(&run_id, "run.started");
    sheet.tell(&run_id, &head, vec![Fact::new("run.started", agent(), data.finish())], None);
    Some(run_id)
}

/// A turn's usage, as one model call: how many there were it does not say.
fn turn_completed(head: &Head, fields: &mut Fields<'_>) -> Vec<Fact> {
    let Some(usage) = fields.take_object("usage") else { return Vec::new() };
    let mut data = ObjectText::default();
    data.text("model_call_id", &message_id(head));
    data.raw("usage", &Inclusive::of(&usage).to_usage(Some(&usage))).text("usage_scope", "turn");
    fields.rest_into(&mut data);
    *fields = Fields::default();
    vec![Fact::new("model.completed", agent(), data.finish())]
}

fn failed(fields: &mut Fields<'_>) -> Fact {
    let error = fields.take("error");
    let nested = error.as_deref().and_then(|error| member(error, "message")).and_then(as_str);
    let message = nested.map(Cow::into_owned).or_else(|| fields.take_text("message"));
    let mut data = ObjectText::default();
    data.text_opt("message", message.as_deref()).raw_opt("error", error.as_deref());
    fields.rest_into(&mut data);
    *fields = Fields::default();
    Fact::new("run.failed", agent(), data.finish())
}
