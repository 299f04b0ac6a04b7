//! Sessions of Codex as it keeps them: one record a line, each a time, a type and a payload.
//!
//! A model call is a `token_count` whose total is another than the one before: the same count is
//! written again whenever limits change. What `event_msg` repeats of messages is no second message.

use std::borrow::Cow;

use super::super::fields::{Fields, ObjectText};
use super::super::record::{Fact, Head, Moment, Party, short_hash};
use super::super::run::{run_of_file, run_of_session};
use super::Reader;
use super::chat::{Chat, ended, invoked};
use super::sheet::{Sheet, message_data, message_id, moment_of, nested_json, take_arguments};
use super::tokens::Inclusive;
use crate::id::RunId;
use crate::json::{JsonKind, as_i64, as_str, elements, kind, member};

const AGENT: &str = "codex";

/// Reads a session.
#[derive(Debug, Default)]
pub(super) struct CodexSession {
    session: Option<Session>,
}

/// A session while its records are read.
#[derive(Debug)]
struct Session {
    run_id: RunId,
    chat: Chat,
    model: Option<String>,
    /// The usage of the whole session, as it was stated last.
    total: Option<String>,
    /// When the model's next call could begin.
    began: Option<Moment>,
}

impl Reader for CodexSession {
    fn record(&mut self, sheet: &mut Sheet<'_>, text: &str) {
        let mut fields = Fields::of(text);
        let Some(items) = fields.take("items") else {
            self.line(sheet, text);
            return;
        };
        for item in elements(&items) {
            self.line(sheet, item);
        }
        if let (Some(session), Some(rest)) = (&self.session, fields.rest()) {
            let head = sheet.head(&session.run_id, "rest");
            sheet.tell(&session.run_id, &head, Vec::new(), Some(rest));
        }
    }
}

impl CodexSession {
    fn line(&mut self, sheet: &mut Sheet<'_>, text: &str) {
        let mut fields = Fields::of(text);
        let moment = moment_of(fields.get("timestamp"));
        if moment.is_some() {
            fields.take("timestamp");
        }
        let payload = fields.take_object("payload").map(Cow::into_owned);
        let record_type = match payload {
            Some(_) => fields.take_text("type").unwrap_or_default(),
            None => "response_item".to_owned(),
        };
        let mut payload = match &payload {
            Some(payload) => Fields::of(payload),
            None => std::mem::take(&mut fields),
        };
        if self.session.is_none() {
            self.session = begin(sheet, text, &record_type, &payload, moment.as_ref());
        }
        let Some(session) = &mut self.session else { return };
        let mut head = sheet.head(&session.run_id, text);
        head.moment = moment;
        let payload_type = payload.get_text("type").map(Cow::into_owned);
        head.record_type = Some(match &payload_type {
            Some(payload_type) => format!("{record_type}/{payload_type}"),
            None => record_type.clone(),
        });
        let facts = session.facts(&head, &record_type, payload_type.as_deref(), &mut payload);
        let mut rest = ObjectText::default();
        payload.rest_into(&mut rest);
        fields.rest_into(&mut rest);
        let rest = Some(rest.finish()).filter(|rest| rest != "{}");
        sheet.tell(&session.run_id, &head, facts, rest);
    }
}

/// Begins the run: `session_meta` names it, or else the file.
fn begin(
    sheet: &mut Sheet<'_>,
    text: &str,
    record_type: &str,
    payload: &Fields<'_>,
    moment: Option<&Moment>,
) -> Option<Session> {
    let plain = |name: &str| payload.get_text(name).map(Cow::into_owned);
    let is_meta = record_type == "session_meta";
    let session = plain("id").filter(|_| is_meta);
    let run_id = match &session {
        Some(session) => run_of_session(session)?,
        None => run_of_file(sheet.source_name, &short_hash(text))?,
    };
    let mut data = ObjectText::default();
    data.text("run_id", run_id.as_str());
    data.text("session_id", session.as_deref().unwrap_or(run_id.as_str()));
    if is_meta {
        data.text_opt("cwd", plain("cwd").as_deref());
        data.text_opt("version", plain("cli_version").as_deref());
        let branch = payload.get("git").and_then(|git| member(git, "branch")).and_then(as_str);
        data.text_opt("git_branch", branch.as_deref());
    }
    data.text("source", AGENT).text("agent_name", AGENT);
    let mut head = sheet.head(&run_id, "run.started");
    head.moment = moment.cloned();
    let fact = Fact::new("run.started", Party::Agent(AGENT.to_owned()), data.finish());
    sheet.tell(&run_id, &head, vec![fact], None);
    let chat = Chat::new(AGENT, AGENT);
    Some(Session { run_id, chat, model: None, total: None, began: None })
}

impl Session {
    fn agent(&self) -> Party {
        Party::Agent(self.chat.agent.clone())
    }

    fn facts(
        &mut self,
        head: &Head,
        record_type: &str,
        payload_type: Option<&str>,
        payload: &mut Fields<'_>,
    ) -> Vec<Fact> {
        match (record_type, payload_type) {
            ("session_meta", _) => vec![self.note(head, "session_meta", payload)],
            ("turn_context", _) => {
                self.model = payload.get_text("model").map(Cow::into_owned).or(self.model.take());
                vec![self.note(head, "turn_context", payload)]
            }
            ("event_msg", Some("token_count")) => self.token_count(head, payload),
            ("response_item", Some("reasoning")) => vec![self.reasoning(head, payload)],
            ("response_item", Some("function_call" | "custom_tool_call" | "local_shell_call")) => {
                vec![self.tool_call(head, payload)]
            }
            ("response_item", Some("function_call_output" | "custom_tool_call_output")) => {
                self.began.clone_from(&head.moment);
                vec![self.tool_result(payload)]
            }
            ("response_item", _) if payload.get("role").is_some() => {
                if payload.get_text("role").as_deref() != Some("assistant") {
                    self.began.clone_from(&head.moment);
                }
                payload.take_if("type", |word| word == "\"message\"");
                self.chat.facts(head, payload, None)
            }
            _ => Vec::new(),
        }
    }

    /// A record about the session itself: a word of the program.
    fn note(&self, head: &Head, subtype: &str, payload: &mut Fields<'_>) -> Fact {
        let party = Party::Service(AGENT.to_owned());
        let mut data = message_data(&message_id(head), &party, "system", "\"\"");
        data.text("subtype", subtype);
        payload.rest_into(&mut data);
        *payload = Fields::default();
        Fact::new("message.created", party, data.finish())
    }

    fn token_count(&mut self, head: &Head, payload: &mut Fields<'_>) -> Vec<Fact> {
        let info = payload.get("info").unwrap_or_default().to_owned();
        let is_usage = |usage: &&str| kind(usage) == JsonKind::Object;
        let total = member(&info, "total_token_usage").filter(is_usage);
        let last = member(&info, "last_token_usage").filter(is_usage);
        // Without a total nothing tells a repeated count from another call of the same size.
        if total.is_some() && total == self.total.as_deref() {
            return Vec::new();
        }
        let Some(stated) = last.or(total) else { return Vec::new() };
        // Where only the session's total is stated, the call is what it grew by.
        let before = self.total.as_deref().filter(|_| last.is_none()).map(Inclusive::of);
        let usage = Inclusive::of(stated).minus(before.unwrap_or_default());
        self.total = total.map(str::to_owned);
        let id = message_id(head);
        let model = member(&info, "model").and_then(as_str).map(Cow::into_owned);
        let model = model.or_else(|| self.model.clone());
        let mut data = ObjectText::default();
        data.text("model_call_id", &id).text_opt("model", model.as_deref());
        let mut begun = Fact::new("model.invoked", self.agent(), data.finish());
        begun.moment = self.began.take();
        let mut data = ObjectText::default();
        data.text("model_call_id", &id).text_opt("model", model.as_deref());
        data.raw("usage", &usage.to_usage(Some(stated)));
        payload.take_if("type", |_| true);
        payload.rest_into(&mut data);
        *payload = Fields::default();
        vec![begun, Fact::new("model.completed", self.agent(), data.finish())]
    }

    fn reasoning(&self, head: &Head, payload: &mut Fields<'_>) -> Fact {
        payload.take("type");
        let summary = payload.get("summary").unwrap_or("[]").to_owned();
        let texts: Vec<String> = elements(&summary)
            .filter_map(|part| member(part, "text").and_then(as_str).map(Cow::into_owned))
            .collect();
        let mut content = String::new();
        crate::json::string_into(&mut content, &texts.join("\n\n"));
        let mut data = message_data(&message_id(head), &self.agent(), "thinking", &content);
        if texts.len() <= 1 {
            payload.take("summary");
        }
        payload.rest_into(&mut data);
        *payload = Fields::default();
        Fact::new("message.created", self.agent(), data.finish())
    }

    fn tool_call(&mut self, head: &Head, payload: &mut Fields<'_>) -> Fact {
        let call_type = payload.take_text("type").unwrap_or_default();
        let tool_name = payload.take_text("name");
        let tool_name = tool_name.unwrap_or_else(|| call_type.trim_end_matches("_call").to_owned());
        let input =
            ["arguments", "input", "action"].iter().find_map(|name| take_arguments(payload, name));
        let stated_id = payload.take_name("call_id").unwrap_or_else(|| message_id(head));
        let id = self.chat.tools.begin(&stated_id, &tool_name);
        let mut data = invoked(&id, &tool_name, input.as_deref(), None);
        payload.rest_into(&mut data);
        *payload = Fields::default();
        Fact::new("tool.invoked", self.agent(), data.finish())
    }

    fn tool_result(&mut self, payload: &mut Fields<'_>) -> Fact {
        payload.take("type");
        let stated_id = payload.take_name("call_id").unwrap_or_default();
        let id = self.chat.tools.end(&stated_id);
        let output = payload.take("output");
        let is_error = output.as_deref().is_some_and(says_failure);
        let mut data = ended(&id, self.chat.tools.name(&id), is_error, output.as_deref(), None);
        payload.rest_into(&mut data);
        *payload = Fields::default();
        let event_type = if is_error { "tool.failed" } else { "tool.succeeded" };
        Fact::new(event_type, self.agent(), data.finish())
    }
}

/// Whether a tool's output says that it failed: by an exit code, or by `success`.
fn says_failure(output: &str) -> bool {
    let nested = nested_json(output);
    let object = nested.as_deref().unwrap_or(output);
    let code = member(object, "metadata").and_then(|metadata| member(metadata, "exit_code"));
    if member(object, "success") == Some("false")
        || code.and_then(as_i64).is_some_and(|code| code != 0)
    {
        return true;
    }
    let text = as_str(output).unwrap_or_default();
    // The output itself may hold such words; the program's own stand in its first lines.
    let stated = text.lines().take(6).find_map(|line| {
        line.strip_prefix("Process exited with code ").or_else(|| line.strip_prefix("Exit code: "))
    });
    stated.and_then(|code| code.trim().parse::<i64>().ok()).is_some_and(|code| code != 0)
}
