//! The fields of the envelope while a document is read: what has been found so far, and the draft
//! that comes of it.
//!
//! A value that a field's grammar refuses is not taken: it stays where it was and is kept there.

use std::str::FromStr;

use super::identity;
use crate::catalog::TypeEntry;
use crate::envelope::{Actor, ActorType, Draft, Scope, StreamKey, Zone};
use crate::id::{
    ActorId, CausationId, CorrelationId, DialectName, EventId, EventType, IdempotencyKey, RoomId,
    StreamId, StreamType, WorkspaceId,
};
use crate::json::{JsonKind, as_str, kind, member};
use crate::time::{TimeError, Timestamp};

/// The stream type of what belongs to no unit of work.
const WORKSPACE: &str = "workspace";

/// What is known of an event's envelope so far.
#[derive(Debug, Default)]
pub(in crate::dialect) struct Homes {
    pub(in crate::dialect) event_id: Option<EventId>,
    /// The foreign id, where it has another spelling.
    pub(in crate::dialect) foreign_id: Option<String>,
    pub(in crate::dialect) event_version: Option<u32>,
    pub(in crate::dialect) occurred_at: Option<Timestamp>,
    /// The time as it was written, where normalising changed it.
    pub(in crate::dialect) time_text: Option<String>,
    pub(in crate::dialect) scope: Scope,
    pub(in crate::dialect) actor_type: Option<ActorType>,
    pub(in crate::dialect) actor_id: Option<ActorId>,
    pub(in crate::dialect) zone: Option<Zone>,
    pub(in crate::dialect) stream: Option<StreamKey>,
    pub(in crate::dialect) correlation_id: Option<CorrelationId>,
    pub(in crate::dialect) causation_id: Option<CausationId>,
    pub(in crate::dialect) idempotency_key: Option<IdempotencyKey>,
    pub(in crate::dialect) policy_context: Option<String>,
    pub(in crate::dialect) model_context: Option<String>,
    pub(in crate::dialect) display: Option<String>,
}

/// Takes a value into an empty field if its grammar allows.
fn fill<T: FromStr>(field: &mut Option<T>, value: &str) -> bool {
    let parsed = as_str(value).and_then(|text| text.parse().ok());
    let is_free = field.is_none() && parsed.is_some();
    if is_free {
        *field = parsed;
    }
    is_free
}

fn fill_object(field: &mut Option<String>, value: &str) -> bool {
    let is_free = field.is_none() && kind(value) == JsonKind::Object;
    if is_free {
        *field = Some(value.to_owned());
    }
    is_free
}

impl Homes {
    /// Takes a JSON value into the field of a name; says whether it did.
    pub(in crate::dialect) fn take(&mut self, field: &str, value: &str) -> bool {
        match field {
            "mission_id" => fill(&mut self.scope.mission_id, value),
            "room_id" => fill(&mut self.scope.room_id, value),
            "thread_id" => fill(&mut self.scope.thread_id, value),
            "run_id" => fill(&mut self.scope.run_id, value),
            "step_id" => fill(&mut self.scope.step_id, value),
            "actor.actor_type" => fill(&mut self.actor_type, value),
            "actor.actor_id" => fill(&mut self.actor_id, value),
            "zone" => fill(&mut self.zone, value),
            "correlation_id" => fill(&mut self.correlation_id, value),
            "causation_id" => fill(&mut self.causation_id, value),
            "idempotency_key" => fill(&mut self.idempotency_key, value),
            "policy_context" => fill_object(&mut self.policy_context, value),
            "model_context" => fill_object(&mut self.model_context, value),
            "display" => fill_object(&mut self.display, value),
            "occurred_at" => as_str(value).is_some_and(|text| self.take_time(&text).is_ok()),
            _ => false,
        }
    }

    /// Takes the time, and its text where normalising changed it.
    pub(in crate::dialect) fn take_time(&mut self, text: &str) -> Result<(), TimeError> {
        let parsed = Timestamp::parse(text)?;
        self.occurred_at = Some(parsed.at);
        self.time_text = (!parsed.exact).then(|| text.to_owned());
        Ok(())
    }

    /// Takes the event's foreign id.
    pub(in crate::dialect) fn take_id(&mut self, workspace_id: &WorkspaceId, id: &str) {
        let (event_id, foreign_id) = identity::of_foreign(workspace_id, id);
        self.event_id = Some(event_id);
        self.foreign_id = foreign_id;
    }

    /// Who did it: whoever was found, else the foreign system itself, by its dialect's name.
    fn actor(&mut self, dialect: &DialectName) -> Option<Actor> {
        match self.actor_id.take() {
            Some(actor_id) => {
                let actor_type = self.actor_type.unwrap_or(ActorType::Agent);
                Some(Actor { actor_type, actor_id })
            }
            None => Some(Actor {
                actor_type: ActorType::Service,
                actor_id: ActorId::parse(dialect.as_str()).ok()?,
            }),
        }
    }

    /// The stream: the room's for what happened in a room, else that of the unit which the catalog
    /// names, else that of the run, of the agent, or the workspace's.
    fn place(
        &mut self,
        entry: Option<&TypeEntry>,
        data: &str,
        workspace_id: &WorkspaceId,
    ) -> Option<StreamKey> {
        if let Some(room_id) = &self.scope.room_id {
            return key("room", room_id.as_str());
        }
        if let Some(stream) = self.stream.take() {
            return Some(stream);
        }
        let unit = entry.map_or("run", |entry| entry.stream.stream_type.as_str());
        let stream = self.unit_id(unit, data).and_then(|id| key(unit, &id));
        if unit == "room"
            && let Some(stream) = &stream
        {
            self.scope.room_id = RoomId::parse(stream.stream_id.as_str()).ok();
        }
        let or_of = |other: &str| self.unit_id(other, data).and_then(|id| key(other, &id));
        stream
            .or_else(|| (unit != WORKSPACE).then(|| or_of("run")).flatten())
            .or_else(|| (unit != WORKSPACE).then(|| or_of("agent")).flatten())
            .or_else(|| key(WORKSPACE, workspace_id.as_str()))
    }

    /// The id of a unit that the event is about.
    fn unit_id(&self, unit: &str, data: &str) -> Option<String> {
        let of_agent = || {
            let is_agent = self.actor_type.unwrap_or(ActorType::Agent) == ActorType::Agent;
            self.actor_id.as_ref().filter(|_| is_agent).map(ToString::to_string)
        };
        match unit {
            "run" => self.scope.run_id.as_ref().map(ToString::to_string),
            "thread" => self.scope.thread_id.as_ref().map(ToString::to_string),
            "mission" => self.scope.mission_id.as_ref().map(ToString::to_string),
            "step" => self.scope.step_id.as_ref().map(ToString::to_string),
            WORKSPACE => None,
            unit => {
                let named = member(data, &format!("{unit}_id")).and_then(as_str);
                let named = named.map(|id| id.into_owned());
                if unit == "agent" { named.or_else(of_agent) } else { named }
            }
        }
    }

    /// The draft of what was found. A correlation that nobody stated is the run's, else the event's.
    pub(in crate::dialect) fn into_draft(
        mut self,
        event_type: EventType,
        data: String,
        entry: Option<&TypeEntry>,
        dialect: &DialectName,
        workspace_id: &WorkspaceId,
    ) -> Option<Draft> {
        let stream = self.place(entry, &data, workspace_id)?;
        let actor = self.actor(dialect)?;
        let mut draft = Draft::new(event_type, actor, stream, data);
        let of_run = || self.scope.run_id.as_ref().and_then(|id| id.as_str().parse().ok());
        let of_event = || self.event_id.as_ref().map(CorrelationId::of_event);
        draft.correlation_id = self.correlation_id.take().or_else(of_run).or_else(of_event);
        draft.event_id = self.event_id;
        draft.event_version = self.event_version.unwrap_or(1);
        draft.occurred_at = self.occurred_at;
        draft.scope = self.scope;
        draft.zone = self.zone.unwrap_or(Zone::Supervised);
        draft.causation_id = self.causation_id;
        draft.idempotency_key = self.idempotency_key;
        draft.policy_context = self.policy_context;
        draft.model_context = self.model_context;
        draft.display = self.display;
        draft.origin.dialect = Some(dialect.clone());
        draft.origin.id = self.foreign_id;
        draft.origin.time = self.time_text;
        Some(draft)
    }
}

fn key(stream_type: &str, stream_id: &str) -> Option<StreamKey> {
    Some(StreamKey {
        stream_type: StreamType::parse(stream_type).ok()?,
        stream_id: StreamId::parse(stream_id).ok()?,
    })
}
