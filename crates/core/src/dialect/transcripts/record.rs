//! One record of a file while it is translated, and the facts that it becomes.

use super::fields::Fields;
use crate::envelope::{Actor, ActorType};
use crate::hash::{Digest, sha256};
use crate::id::ActorId;
use crate::time::Timestamp;

/// The name of the agent that a session is about.
pub(super) const MAIN_AGENT: &str = "claude-code";

/// A point in time, with its text where ours differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Moment {
    pub(super) at: Timestamp,
    pub(super) text: Option<String>,
}

/// Where a fact comes from: what becomes `origin`, and what makes its identity.
#[derive(Debug, Clone)]
pub(super) struct Head {
    pub(super) line: usize,
    /// Names the record: records with the same key are one.
    pub(super) key: Digest,
    pub(super) moment: Option<Moment>,
    pub(super) record_type: Option<String>,
    pub(super) uuid: Option<String>,
}

/// One record, taken apart.
#[derive(Debug)]
pub(super) struct Record<'a> {
    pub(super) head: Head,
    /// The whole record as compact text.
    pub(super) text: &'a str,
    pub(super) fields: Fields<'a>,
    /// The actor that the record belongs to, when it is known.
    pub(super) agent: String,
    /// What the record's messages are called.
    pub(super) message_id: String,
}

/// One event to be, as a record states it.
#[derive(Debug)]
pub(super) struct Fact {
    pub(super) event_type: &'static str,
    pub(super) party: Party,
    pub(super) data: String,
    /// When it happened, where that is not the record's time.
    pub(super) moment: Option<Moment>,
    /// The record that it is about, where that is an earlier one, and what of that has no other home.
    pub(super) earlier: Option<(Head, Option<String>)>,
}

impl Fact {
    pub(super) fn new(event_type: &'static str, party: Party, data: String) -> Self {
        Self { event_type, party, data, moment: None, earlier: None }
    }
}

/// Who did something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Party {
    /// The person at the keyboard.
    User,
    /// An agent by its actor id.
    Agent(String),
    /// The program around the agent.
    Harness,
    /// Another program by its actor id.
    Service(String),
}

impl Party {
    pub(super) fn type_name(&self) -> &'static str {
        self.actor_type().as_str()
    }

    fn actor_type(&self) -> ActorType {
        match self {
            Self::User => ActorType::User,
            Self::Agent(_) => ActorType::Agent,
            Self::Harness | Self::Service(_) => ActorType::Service,
        }
    }

    pub(super) fn id(&self) -> &str {
        match self {
            Self::User => "user",
            Self::Agent(id) | Self::Service(id) => id,
            Self::Harness => MAIN_AGENT,
        }
    }

    /// The actor of the envelope; `None` if the id breaks the grammar, which `agent_actor` rules out.
    pub(super) fn actor(&self) -> Option<Actor> {
        let actor_id = ActorId::parse(self.id()).ok()?;
        Some(Actor { actor_type: self.actor_type(), actor_id })
    }
}

/// The actor id of a sub-agent that a file calls `name`.
pub(super) fn sub_agent(name: &str) -> String {
    let id = format!("{MAIN_AGENT}/{name}");
    match ActorId::parse(&id) {
        Ok(_) => id,
        // A name that is no id is still one agent's name.
        Err(_) => format!("{MAIN_AGENT}/{}", short_hash(name)),
    }
}

/// Sixteen hex digits that stand for a text.
pub(super) fn short_hash(text: &str) -> String {
    let mut hex = sha256(&[text.as_bytes()]).to_string();
    hex.truncate(16);
    hex
}
