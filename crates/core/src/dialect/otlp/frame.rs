//! What is around an item: the program that sent it, the agent that acted and the run that it was.
//!
//! It knows the names under which programs say so, and what coding agents are called everywhere else
//! in Annals, so that telemetry, hooks and transcripts of one session meet in one run.

use std::borrow::Cow;

use super::fields::Message;
use super::split::Place;
use super::value::attributes;
use crate::dialect::ForeignFault;
use crate::dialect::translation::homes::Homes;
use crate::dialect::translation::parts::{Parts, quoted};
use crate::envelope::{ActorType, StreamKey};
use crate::id::{ActorId, RunId};
use crate::json::as_str;

/// Where programs name the conversation that a run is, the surest first.
const RUNS: [&str; 3] = ["gen_ai.conversation.id", "session.id", "conversation.id"];
/// Where programs name the agent that acted, the surest first.
const AGENTS: [&str; 3] = ["gen_ai.agent.id", "gen_ai.agent.name", "agent.name"];
/// Where Claude Code names a sub-agent, and the one above it.
const SUB_AGENT: &str = "agent_id";
const PARENT_AGENT: &str = "parent_agent_id";
const SERVICE: &str = "service.name";

/// A program whose telemetry has habits of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    ClaudeCode,
    Codex,
    Other,
}

impl Source {
    /// The name of its main agent.
    const fn agent(self) -> Option<&'static str> {
        match self {
            Self::ClaudeCode => Some("claude-code"),
            Self::Codex => Some("codex"),
            Self::Other => None,
        }
    }

    /// What the names of its events begin with.
    pub(super) const fn prefix(self) -> Option<&'static str> {
        match self {
            Self::ClaudeCode => Some("claude_code."),
            Self::Codex => Some("codex."),
            Self::Other => None,
        }
    }
}

/// What is around an item.
#[derive(Debug)]
pub(super) struct Frame<'a> {
    pub(super) resource: Parts<'static>,
    pub(super) scope: Message<'a>,
    pub(super) scope_attributes: Parts<'static>,
    pub(super) source: Source,
}

impl<'a> Frame<'a> {
    pub(super) fn of(place: &Place<'a>, name: &str) -> Result<Self, ForeignFault> {
        let list = |message: &Message<'a>| {
            let at = message.at;
            attributes(message.array("attributes")?, &at.member("attributes"))
        };
        let resource = list(&place.resource)?;
        let scope_name = place.scope.text("name")?.unwrap_or_default();
        let service = resource.get_text(SERVICE).unwrap_or_default();
        let begins = |text: &str| name.starts_with(text) || scope_name.starts_with(text);
        let source = if service == "claude-code"
            || begins("claude_code.")
            || begins("com.anthropic.claude_code")
        {
            Source::ClaudeCode
        } else if service.starts_with("codex") || begins("codex.") {
            Source::Codex
        } else {
            Source::Other
        };
        let scope_attributes = list(&place.scope)?;
        Ok(Self { resource, scope: place.scope, scope_attributes, source })
    }

    /// The program.
    pub(super) fn service(&self) -> Option<String> {
        self.resource.get_text(SERVICE).filter(|name| !name.is_empty())
    }

    /// Takes the run that an item names out of its attributes, or out of what its resource says.
    pub(super) fn take_run(&self, attributes: &mut Parts<'_>) -> Option<RunId> {
        let named = |parts: &Parts<'_>, name: &str| {
            parts.get_text(name).and_then(|id| RunId::parse(&id).ok())
        };
        for name in RUNS {
            if let Some(run_id) = named(attributes, name) {
                attributes.take(name);
                return Some(run_id);
            }
        }
        RUNS.into_iter().find_map(|name| named(&self.resource, name))
    }

    /// Who acted, where an agent did: by the name of the agent, else of the program.
    pub(super) fn agent(&self, attributes: &Parts<'_>) -> Option<String> {
        let text = |name: &str| attributes.get_text(name).filter(|text| !text.is_empty());
        if let Some(main) = self.source.agent() {
            let sub_agent = text(SUB_AGENT).filter(|_| self.source == Source::ClaudeCode);
            return Some(match sub_agent {
                Some(sub_agent) => format!("{main}/{sub_agent}"),
                None => main.to_owned(),
            });
        }
        let of_resource = |name: &str| self.resource.get_text(name).filter(|text| !text.is_empty());
        AGENTS.into_iter().find_map(text).or_else(|| AGENTS.into_iter().find_map(of_resource))
    }

    /// The agent above the one that acted, where the item says so.
    pub(super) fn parent_agent(&self, attributes: &Parts<'_>) -> Option<String> {
        let main = self.source.agent().filter(|_| self.source == Source::ClaudeCode)?;
        attributes.get_text(SUB_AGENT).filter(|text| !text.is_empty())?;
        let above = attributes.get_text(PARENT_AGENT).filter(|text| !text.is_empty());
        Some(above.map_or_else(|| main.to_owned(), |above| format!("{main}/{above}")))
    }

    /// Fills in who acted: a person, the agent, or else the program.
    pub(super) fn name_actor(&self, homes: &mut Homes, actor_type: ActorType, agent: Option<&str>) {
        let (actor_type, name) = match (actor_type, agent, self.service()) {
            (ActorType::User, ..) => (ActorType::User, Some(Cow::Borrowed("user"))),
            (_, Some(agent), _) => (ActorType::Agent, Some(Cow::Borrowed(agent))),
            (actor_type, None, service) => (actor_type, service.map(Cow::Owned)),
        };
        homes.actor_id = name.and_then(|name| ActorId::parse(&name).ok());
        homes.actor_type = Some(actor_type);
    }

    /// The stream of what a program tells that is no fact of a run.
    pub(super) fn service_stream(&self) -> Option<StreamKey> {
        let service = self.service()?;
        Some(StreamKey { stream_type: "service".parse().ok()?, stream_id: service.parse().ok()? })
    }

    /// Says what is around an item of telemetry in its payload.
    pub(super) fn tell(&self, data: &mut Parts<'_>) -> Result<(), ForeignFault> {
        if !self.resource.is_empty() {
            data.insert("resource", self.resource.to_text());
        }
        let mut scope = Parts::default();
        for name in ["name", "version"] {
            if let Some(text) = self.scope.text(name)?.filter(|text| !text.is_empty()) {
                scope.insert_text(name, &text);
            }
        }
        if !self.scope_attributes.is_empty() {
            scope.insert("attributes", self.scope_attributes.to_text());
        }
        if !scope.is_empty() {
            data.insert("scope", scope.to_text());
        }
        Ok(())
    }
}

/// Puts a text into a payload, in the place of whatever an attribute of that name said.
pub(super) fn put_text(data: &mut Parts<'_>, name: &str, plain: &str) {
    data.set_path(&[name], quoted(plain));
}

/// Adds a text to a payload unless something is there.
pub(super) fn add_text(data: &mut Parts<'_>, name: &str, plain: Option<&str>) {
    if let Some(plain) = plain.filter(|plain| !plain.is_empty()) {
        data.insert_text(name, plain);
    }
}

/// The text of the first member that has one.
pub(super) fn first_text(parts: &Parts<'_>, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| {
        let value = parts.get(name)?;
        as_str(&value).map(Cow::into_owned).filter(|text| !text.is_empty())
    })
}
