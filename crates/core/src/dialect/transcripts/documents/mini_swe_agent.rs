//! Trajectories of mini-SWE-agent: the messages alone (older), or an object of messages and `info`.
//!
//! The agent acts by one code block an answer; the message after it is what the command brought.
//! Newer files keep the model's response, its cost and the time with each message in `extra`.

use std::borrow::Cow;

use super::super::fields::{Fields, ObjectText};
use super::super::money::dollars_to_micros;
use super::super::record::{Fact, Head, Party};
use super::Reader;
use super::chat::{Chat, ended, invoked};
use super::chat_list::started;
use super::sheet::{Sheet, message_id, moment_of_seconds};
use super::tokens::Inclusive;
use crate::id::RunId;
use crate::json::{as_i64, as_str, elements, escape_into, member};

const HARNESS: &str = "mini-swe-agent";

/// How the code block of an action begins.
pub(in super::super) const ACTION_MARK: &str = "```mswea_bash_command\n";
/// What the last command of a finished run prints.
const END_MARK: &str = "COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT";

/// Reads a trajectory.
#[derive(Debug, Default)]
pub(super) struct MiniSweAgent {
    tape: Option<Tape>,
}

/// A run while its messages are read.
#[derive(Debug)]
struct Tape {
    run_id: RunId,
    chat: Chat,
    /// The call whose output is the next message, and its command.
    open: Option<(String, String)>,
    /// What the command brought that ends a run.
    final_output: Option<String>,
    is_ended: bool,
}

impl Reader for MiniSweAgent {
    fn record(&mut self, sheet: &mut Sheet<'_>, text: &str) {
        let mut document = Fields::of(text);
        let Some(messages) = document.take("messages") else {
            self.message(sheet, text);
            return;
        };
        for message in elements(&messages) {
            self.message(sheet, message);
        }
        if let Some(tape) = &mut self.tape {
            tape.end_with_info(sheet, document);
        }
    }

    fn finish(&mut self, sheet: &mut Sheet<'_>) {
        let Some(tape) = self.tape.as_ref().filter(|tape| !tape.is_ended) else { return };
        let Some(output) = &tape.final_output else { return };
        let mut data = ObjectText::default();
        data.text("run_id", tape.run_id.as_str()).raw("output", output);
        let head = sheet.head(&tape.run_id, "end");
        let fact = Fact::new("run.completed", tape.agent(), data.finish());
        sheet.tell(&tape.run_id, &head, vec![fact], None);
    }
}

impl MiniSweAgent {
    fn message(&mut self, sheet: &mut Sheet<'_>, text: &str) {
        if self.tape.is_none() {
            let Some(run_id) = started(sheet, text, HARNESS) else { return };
            let chat = Chat::new(HARNESS, "mini-swe-agent-environment");
            let tape = Tape { run_id, chat, open: None, final_output: None, is_ended: false };
            self.tape = Some(tape);
        }
        if let Some(tape) = &mut self.tape {
            tape.message(sheet, text);
        }
    }
}

impl Tape {
    fn agent(&self) -> Party {
        Party::Agent(self.chat.agent.clone())
    }

    fn message(&mut self, sheet: &mut Sheet<'_>, text: &str) {
        let mut head = sheet.head(&self.run_id, text);
        let mut fields = Fields::of(text);
        let extra = fields.take_object("extra").unwrap_or_default().into_owned();
        let mut extra = Fields::of(&extra);
        let time = if fields.get("timestamp").is_some() { &mut fields } else { &mut extra };
        head.moment = moment_of_seconds(time.get("timestamp"));
        if head.moment.is_some() {
            time.take("timestamp");
        }
        let role = fields.get_text("role").unwrap_or_default().into_owned();
        let facts = match role.as_str() {
            "assistant" => self.answer(&head, &mut fields, &mut extra),
            "user" if self.open.is_some() => vec![self.observation(&mut fields, &mut extra)],
            _ => self.chat.facts(&head, &mut fields, None),
        };
        let mut rest = ObjectText::default();
        fields.rest_into(&mut rest);
        rest.raw_opt("extra", extra.rest().as_deref());
        let rest = Some(rest.finish()).filter(|rest| rest != "{}");
        sheet.tell(&self.run_id, &head, facts, rest);
    }

    fn answer(
        &mut self,
        head: &Head,
        fields: &mut Fields<'_>,
        extra: &mut Fields<'_>,
    ) -> Vec<Fact> {
        let response = extra.take_object("response").map(Cow::into_owned);
        let cost = extra.take_if("cost", |cost| dollars_to_micros(cost).is_some());
        let call_id = response.is_some().then(|| message_id(head)).map(|own| {
            let id = response.as_deref().and_then(|response| member(response, "id"));
            id.and_then(as_str).map_or(own, Cow::into_owned)
        });
        let mut facts = match (&call_id, &response) {
            (Some(call_id), Some(response)) => self.model_call(call_id, response, cost.as_deref()),
            _ => Vec::new(),
        };
        let command = fields.get_text("content").as_deref().and_then(command_in).map(str::to_owned);
        facts.extend(self.chat.facts(head, fields, call_id.as_deref()));
        // Newer ones act by tool calls, which the chat has told.
        let Some(command) = command else { return facts };
        let id = self.chat.tools.begin(&message_id(head), "bash");
        let mut input = String::from("{\"command\":\"");
        escape_into(&mut input, &command);
        input.push_str("\"}");
        let data = invoked(&id, "bash", Some(&input), call_id.as_deref());
        facts.push(Fact::new("tool.invoked", self.agent(), data.finish()));
        self.open = Some((id, command));
        facts
    }

    fn model_call(&self, call_id: &str, response: &str, cost: Option<&str>) -> Vec<Fact> {
        let mut rest = Fields::of(response);
        rest.take("id");
        let model = rest.take("model");
        let usage = rest.take_object("usage");
        let mut data = ObjectText::default();
        data.text("model_call_id", call_id).raw_opt("model", model.as_deref());
        let invoked = Fact::new("model.invoked", self.agent(), data.finish());
        let mut data = ObjectText::default();
        data.text("model_call_id", call_id).raw_opt("model", model.as_deref());
        let usage = usage.map(|usage| Inclusive::of(&usage).to_usage(Some(&usage)));
        data.raw_opt("usage", usage.as_deref());
        let micros = cost.and_then(dollars_to_micros).filter(|micros| *micros > 0);
        data.number_opt("cost_micros", micros).raw_opt("cost_usd", cost);
        rest.rest_into(&mut data);
        vec![invoked, Fact::new("model.completed", self.agent(), data.finish())]
    }

    fn observation(&mut self, fields: &mut Fields<'_>, extra: &mut Fields<'_>) -> Fact {
        let (id, command) = self.open.take().unwrap_or_default();
        fields.take("role");
        let output = fields.take("content").unwrap_or_else(|| "\"\"".into());
        let stated = extra.get("returncode").and_then(as_i64);
        let code = stated.or_else(|| as_str(&output).as_deref().and_then(exit_code_in));
        if command.contains(END_MARK) {
            self.final_output = Some(output.clone().into_owned());
        }
        let is_error = code.is_some_and(|code| code != 0);
        let mut data = ended(&id, Some("bash"), is_error, Some(&output), None);
        data.number_opt("exit_code", code);
        let event_type = if is_error { "tool.failed" } else { "tool.succeeded" };
        Fact::new(event_type, self.agent(), data.finish())
    }

    fn end_with_info(&mut self, sheet: &mut Sheet<'_>, mut document: Fields<'_>) {
        self.is_ended = true;
        let head = sheet.head(&self.run_id, "end");
        let info = document.take("info").unwrap_or_default().into_owned();
        let mut info = Fields::of(&info);
        let mut facts = Vec::new();
        if let Some(stats) = info.take("model_stats") {
            let cost = member(&stats, "instance_cost").and_then(dollars_to_micros);
            let mut data = ObjectText::default();
            data.text("scope", "run");
            data.number_opt("cost_micros", cost.filter(|micros| *micros > 0));
            data.raw("model_stats", &stats);
            let harness = Party::Service(HARNESS.to_owned());
            facts.push(Fact::new("usage.reported", harness, data.finish()));
        }
        let status = info.get_text("exit_status").map(Cow::into_owned).unwrap_or_default();
        let is_done = status.to_ascii_lowercase().starts_with("submitted");
        let mut data = ObjectText::default();
        data.text("run_id", self.run_id.as_str());
        if !is_done {
            let word = if status.is_empty() { "no exit status" } else { &status };
            data.text("message", word);
        }
        data.raw_opt("output", info.take("submission").as_deref());
        info.rest_into(&mut data);
        document.rest_into(&mut data);
        let event_type = if is_done { "run.completed" } else { "run.failed" };
        facts.push(Fact::new(event_type, self.agent(), data.finish()));
        sheet.tell(&self.run_id, &head, facts, None);
    }
}

/// The command in an answer's one code block.
fn command_in(answer: &str) -> Option<&str> {
    let marks = [ACTION_MARK, "```bash\n"];
    let block = marks.iter().find_map(|mark| Some(answer.split_once(mark)?.1))?;
    block.split("\n```").next()
}

/// The exit code in an observation such as `<returncode>0</returncode>…`.
fn exit_code_in(observation: &str) -> Option<i64> {
    let (_, rest) = observation.split_once("<returncode>")?;
    rest.split_once("</returncode>")?.0.trim().parse().ok()
}
