//! From a stamped payload to a draft.

use std::borrow::Cow;

use super::{ADDED, HOOKS, UNTIMED, calls, write};
use crate::catalog::{Catalog, Spelling, TypeEntry};
use crate::dialect::fault::{invalid, missing};
use crate::dialect::translation::homes::Homes;
use crate::dialect::translation::lens::{self, Foreign};
use crate::dialect::translation::parts::{Parts, quoted};
use crate::dialect::translation::settle::{Remains, settle};
use crate::dialect::translation::types::FOREIGN_EVENT;
use crate::dialect::{ForeignContext, ForeignFault};
use crate::envelope::{ActorType, Draft};
use crate::id::{ActorId, DialectName, EventType};
use crate::json::{JsonKind, as_bool, as_str, as_u64, kind, member};

/// Characters of an agent's name.
const AGENT_BYTES_MAX: usize = 64;
/// Characters of a title: it is for a line on a screen, and the input has the whole.
const TITLE_CHARACTERS_MAX: usize = 120;

/// Reads one document.
pub(super) fn read(
    dialect: &DialectName,
    document: &str,
    context: &ForeignContext<'_>,
) -> Result<Draft, ForeignFault> {
    if kind(document) != JsonKind::Object {
        return Err(ForeignFault::NotAnObject);
    }
    let mut parts = Parts::of(document);
    let agent = agent(&mut parts)?;
    let payload = member(document, "payload").ok_or_else(|| missing("/payload"))?;
    parts.take("payload");
    let mut remains = Remains::default();
    let mut homes = Homes::default();
    take_stamp(&mut parts, &mut homes, &mut remains.notes)?;
    let event = parts.get_text("event").or_else(|| super::event_of(payload));
    let fact = Fact { event: event.as_deref(), agent: &agent, payload, document };
    let (entry, data) = match fact.meant(context.catalog) {
        Some((entry, spelling)) => {
            let data = fact.take_apart(entry, spelling, &mut homes, &mut parts, &mut remains.notes);
            (Some(entry), data)
        }
        None => {
            homes.take("run_id", &quoted(&super::run_of(payload)));
            (
                context.catalog.entry(FOREIGN_EVENT).filter(|_| homes.scope.run_id.is_none()),
                payload.to_owned(),
            )
        }
    };
    fact.name_actor(&data, &mut homes);
    let event_type = entry.map_or(FOREIGN_EVENT, |entry| entry.event_type.as_str());
    let event_type = EventType::parse(event_type).map_err(|error| invalid("/event", error))?;
    let draft = homes.into_draft(event_type, data, entry, dialect, context.workspace_id);
    let mut draft = draft.ok_or_else(|| invalid("/payload", "it has no stream"))?;
    draft.origin.origin_type = Some(fact.name());
    remains.leftover = parts;
    settle(draft, remains, document, context.workspace_id, |view| {
        write::write(view, context.catalog)
    })
}

fn agent(document: &mut Parts<'_>) -> Result<String, ForeignFault> {
    let agent = document.get("agent").ok_or_else(|| missing("/agent"))?;
    let agent = as_str(&agent).map(Cow::into_owned).unwrap_or_default();
    let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if agent.is_empty() || agent.len() > AGENT_BYTES_MAX || !agent.bytes().all(is_name) {
        return Err(invalid("/agent", "it must be 1 to 64 of a-z, 0-9 and -"));
    }
    document.take("agent");
    Ok(agent)
}

/// The parts of the stamp that the envelope has a place for.
fn take_stamp(
    document: &mut Parts<'_>,
    homes: &mut Homes,
    notes: &mut Parts<'_>,
) -> Result<(), ForeignFault> {
    match document.get("received_at").map(Cow::into_owned) {
        Some(time) => {
            let text =
                as_str(&time).ok_or_else(|| invalid("/received_at", "it must be a string"))?;
            homes.take_time(&text).map_err(|error| invalid("/received_at", error))?;
            document.take("received_at");
        }
        None => drop(notes.insert(UNTIMED, "true")),
    }
    if let Some(key) = document.get("idempotency_key").map(Cow::into_owned)
        && homes.take("idempotency_key", &key)
    {
        document.take("idempotency_key");
    }
    Ok(())
}

/// What a document says.
struct Fact<'a> {
    agent: &'a str,
    event: Option<&'a str>,
    payload: &'a str,
    document: &'a str,
}

impl Fact<'_> {
    fn name(&self) -> String {
        match self.event {
            Some(event) => format!("{}/{event}", self.agent),
            None => self.agent.to_owned(),
        }
    }

    /// The type and the spelling that are meant: of an end of a call that may mean either, the one
    /// that its result tells.
    fn meant<'c>(&self, catalog: &'c Catalog) -> Option<(&'c TypeEntry, &'c Spelling)> {
        if kind(self.payload) != JsonKind::Object || self.event.is_none() {
            return None;
        }
        let name = self.name();
        let may_succeed =
            || catalog.spelled(HOOKS, &name).any(|(entry, _)| entry.event_type == "tool.succeeded");
        let has_failed = self.says_failure();
        catalog.spelled(HOOKS, &name).find(|(entry, spelling)| {
            let is_outcome = match entry.event_type.as_str() {
                "tool.succeeded" => !has_failed,
                "tool.failed" => has_failed || !may_succeed(),
                _ => true,
            };
            is_outcome && spelling.is_said_by(self.payload, self.document)
        })
    }

    fn says_failure(&self) -> bool {
        let result =
            |name| member(self.payload, name).filter(|result| kind(result) == JsonKind::Object);
        let of_response =
            |name| result("tool_response").and_then(|response| member(response, name));
        match self.agent {
            "gemini" => of_response("error").is_some_and(|error| error != "null"),
            "copilot" => result("toolResult")
                .and_then(|result| member(result, "resultType"))
                .and_then(as_str)
                .is_some_and(|kind| kind != "success"),
            _ => of_response("is_error").and_then(as_bool) == Some(true),
        }
    }

    /// The payload as ours, and what is left of it in `document`.
    fn take_apart(
        &self,
        entry: &TypeEntry,
        spelling: &Spelling,
        homes: &mut Homes,
        document: &mut Parts<'_>,
        notes: &mut Parts<'_>,
    ) -> String {
        let mut payload = Parts::of(self.payload);
        // Whichever of the two names the event is left out of the payload, the way back knows it.
        if !document.has("event") {
            payload.take("hook_event_name");
        }
        let mut foreign = Foreign { payload, document: Parts::default() };
        let mut data = lens::take_in(spelling, &mut foreign, homes);
        if !foreign.payload.is_empty() {
            document.insert("payload", foreign.payload.to_text());
        }
        let added = self.add(entry, &mut data, document);
        if !added.is_empty() {
            let names: Vec<_> = added.iter().map(|name| quoted(name)).collect();
            notes.insert(ADDED, format!("[{}]", names.join(",")));
        }
        data.to_text()
    }

    /// Adds what readers rely on and the payload does not say in these words; gives their names.
    fn add(
        &self,
        entry: &TypeEntry,
        data: &mut Parts<'_>,
        document: &Parts<'_>,
    ) -> Vec<&'static str> {
        let mut added = Vec::new();
        let mut add = |name: &'static str, value: Option<String>| {
            if let Some(value) = value
                && data.insert(name, value)
            {
                added.push(name);
            }
        };
        match entry.event_type.as_str() {
            "tool.invoked" | "tool.succeeded" | "tool.failed" => {
                let stamped = document.get_text("call");
                let call = stamped.unwrap_or_else(|| calls::uncounted(self.payload));
                add("tool_call_id", Some(quoted(&call)));
                if entry.event_type == "tool.invoked" {
                    add("title", self.title().map(|title| quoted(&title)));
                }
            }
            "agent.started" => {
                add("agent_id", Some(quoted(&self.actor())));
                add("parent_agent_id", Some(quoted(self.agent)));
            }
            "agent.stopped" => add("agent_id", Some(quoted(&self.actor()))),
            "model.invoked" | "model.completed" => {
                add("model_call_id", Some(quoted(&calls::model_call_id(self.payload))));
                let request = member(self.payload, "llm_request");
                let model = request.filter(|request| kind(request) == JsonKind::Object);
                let model = model.and_then(|request| member(request, "model"));
                add(
                    "model",
                    model.filter(|model| kind(model) == JsonKind::String).map(str::to_owned),
                );
                if entry.event_type == "model.completed" {
                    add("usage", usage(self.payload));
                }
            }
            _ => {}
        }
        added
    }

    /// The agent that a payload is of, or the sub-agent that it names.
    fn actor(&self) -> String {
        let text = |name| {
            let is_object = kind(self.payload) == JsonKind::Object;
            is_object.then(|| member(self.payload, name)).flatten().and_then(as_str)
        };
        let sub_agent = match self.agent {
            "cursor" => text("subagent_id"),
            "copilot" => text("agentName"),
            _ => text("agent_id"),
        };
        match sub_agent.filter(|sub_agent| !sub_agent.is_empty()) {
            Some(sub_agent) => format!("{}/{sub_agent}", self.agent),
            None => self.agent.to_owned(),
        }
    }

    fn name_actor(&self, data: &str, homes: &mut Homes) {
        if homes.actor_id.is_some() {
            return;
        }
        let is_object = kind(data) == JsonKind::Object;
        let is_person = is_object && member(data, "sender_type") == Some("\"user\"");
        let (actor_type, actor_id) = match (is_person, self.agent) {
            (true, _) => (ActorType::User, "user".to_owned()),
            (false, super::GAP_AGENT) => (ActorType::Service, self.agent.to_owned()),
            (false, _) => (ActorType::Agent, self.actor()),
        };
        homes.actor_id = ActorId::parse(&actor_id).or_else(|_| ActorId::parse(self.agent)).ok();
        homes.actor_type = Some(actor_type);
    }

    /// What a call is about, in one line.
    fn title(&self) -> Option<String> {
        const TELLING: [&str; 8] =
            ["description", "command", "file_path", "path", "pattern", "query", "url", "prompt"];
        let input =
            member(self.payload, "tool_input").or_else(|| member(self.payload, "toolArgs"))?;
        if kind(input) != JsonKind::Object {
            return None;
        }
        let text = TELLING.into_iter().find_map(|name| member(input, name).and_then(as_str))?;
        let line = text.lines().find(|line| !line.trim().is_empty())?.trim();
        Some(line.chars().take(TITLE_CHARACTERS_MAX).collect())
    }
}

/// The tokens of a model's answer. What came from the cache is counted in the prompt there, and
/// beside it here; thinking is part of the answer.
fn usage(payload: &str) -> Option<String> {
    let response = member(payload, "llm_response").filter(|text| kind(text) == JsonKind::Object)?;
    let stated = member(response, "usageMetadata").filter(|text| kind(text) == JsonKind::Object)?;
    let count = |name| member(stated, name).and_then(as_u64);
    let (prompt, answer) = (count("promptTokenCount")?, count("candidatesTokenCount")?);
    let cached = count("cachedContentTokenCount").unwrap_or(0);
    let thoughts = count("thoughtsTokenCount").unwrap_or(0);
    Some(format!(
        "{{\"input_tokens\":{},\"output_tokens\":{},\"cache_read_tokens\":{cached},\"cache_write_tokens\":0}}",
        prompt.saturating_sub(cached),
        answer.saturating_add(thoughts),
    ))
}
