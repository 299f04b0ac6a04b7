//! The draft: one event's fields as its sender or a dialect set them, and how it is written.
//!
//! JSON parts are compact, validated JSON text and stay token for token as they came.

use std::fmt::{Display, Write as _};

use super::{Actor, StreamKey, Zone};
use crate::id::{
    CausationId, CorrelationId, DialectName, EventId, EventType, IdempotencyKey, MissionId, RoomId,
    RunId, StepId, ThreadId, WorkspaceId,
};
use crate::json::string_into;
use crate::time::Timestamp;

/// The units of work that an event is part of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    /// The mission.
    pub mission_id: Option<MissionId>,
    /// The room; such an event is on that room's stream.
    pub room_id: Option<RoomId>,
    /// The thread.
    pub thread_id: Option<ThreadId>,
    /// The run.
    pub run_id: Option<RunId>,
    /// The step.
    pub step_id: Option<StepId>,
}

/// Where an event came from, set by doors only.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// The dialect that translated it.
    pub dialect: Option<DialectName>,
    /// The foreign type, where it has another spelling.
    pub origin_type: Option<String>,
    /// The foreign id.
    pub id: Option<String>,
    /// The time as it was written, where normalising changed it.
    pub time: Option<String>,
    /// What has no home elsewhere, as compact JSON text.
    pub raw: Option<String>,
}

impl Origin {
    /// Whether nothing is set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// An event as its sender means it; `docs/formats/envelope.md` has its table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// The sender's identity for the event; the server makes one where it is absent.
    pub event_id: Option<EventId>,
    /// What kind of fact this is.
    pub event_type: EventType,
    /// The version of the type's payload.
    pub event_version: u32,
    /// When it happened, by the sender's clock.
    pub occurred_at: Option<Timestamp>,
    /// The tenant the sender believes it writes to; only checked, never believed.
    pub workspace_id: Option<WorkspaceId>,
    /// The units of work it is part of.
    pub scope: Scope,
    /// Who did it, by the sender's claim.
    pub actor: Actor,
    /// The zone it asks for; the credential may cap it.
    pub zone: Zone,
    /// The stream it goes to.
    pub stream: StreamKey,
    /// What ties it to others.
    pub correlation_id: Option<CorrelationId>,
    /// What made it happen.
    pub causation_id: Option<CausationId>,
    /// The sender's name for this append.
    pub idempotency_key: Option<IdempotencyKey>,
    /// The payload: any JSON value, compact.
    pub data: String,
    /// Policy facts: a compact JSON object.
    pub policy_context: Option<String>,
    /// Model facts: a compact JSON object.
    pub model_context: Option<String>,
    /// Hints for a screen: a compact JSON object.
    pub display: Option<String>,
    /// Everything else: a compact JSON object.
    pub extensions: Option<String>,
    /// Where it came from.
    pub origin: Origin,
}

impl Draft {
    /// A draft with the required fields, version 1 and the supervised zone.
    #[must_use]
    pub fn new(event_type: EventType, actor: Actor, stream: StreamKey, data: String) -> Self {
        Self {
            event_id: None,
            event_type,
            event_version: 1,
            occurred_at: None,
            workspace_id: None,
            scope: Scope::default(),
            actor,
            zone: Zone::Supervised,
            stream,
            correlation_id: None,
            causation_id: None,
            idempotency_key: None,
            data,
            policy_context: None,
            model_context: None,
            display: None,
            extensions: None,
            origin: Origin::default(),
        }
    }

    /// The body of the record: one JSON object of the body members in table order.
    ///
    /// The dialect's name is not in it, because the header has it.
    #[must_use]
    pub fn body_json(&self) -> String {
        let mut out = String::with_capacity(self.body_bytes());
        out.push('{');
        self.write_body_members(&mut out);
        let mut origin = String::new();
        write_origin_members(&mut origin, &self.origin);
        if !origin.is_empty() {
            write_raw_member(&mut out, "origin", &format!("{{{origin}}}"));
        }
        out.push('}');
        out
    }

    /// The envelope as `POST /v1/events` takes it, on one line.
    ///
    /// A native sender may not name an origin, so what is kept of one there, the text of its time,
    /// is written as the time itself.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut out = String::with_capacity(self.data.len() + 512);
        out.push('{');
        self.write_identity(&mut out);
        self.write_scope(&mut out);
        self.write_parties(&mut out);
        self.write_body_members(&mut out);
        let mut origin = String::new();
        write_text_member(&mut origin, "dialect", self.origin.dialect.as_ref());
        if self.native_time().is_none() {
            write_origin_members(&mut origin, &self.origin);
        }
        if !origin.is_empty() {
            write_raw_member(&mut out, "origin", &format!("{{{origin}}}"));
        }
        out.push('}');
        out
    }

    /// The sender's text of occurred_at, where normalising changed it and no dialect wrote it.
    fn native_time(&self) -> Option<&String> {
        let Origin { dialect, origin_type, id, time, raw } = &self.origin;
        let is_native = dialect.is_none() && origin_type.is_none() && id.is_none() && raw.is_none();
        time.as_ref().filter(|_| is_native && self.occurred_at.is_some())
    }

    fn write_identity(&self, out: &mut String) {
        write_text_member(out, "event_id", self.event_id.as_ref());
        write_text_member(out, "event_type", Some(&self.event_type));
        write_raw_member(out, "event_version", &self.event_version.to_string());
        match self.native_time() {
            Some(text) => write_text_member(out, "occurred_at", Some(text)),
            None => write_text_member(out, "occurred_at", self.occurred_at.as_ref()),
        }
        write_text_member(out, "workspace_id", self.workspace_id.as_ref());
    }

    fn write_scope(&self, out: &mut String) {
        write_text_member(out, "mission_id", self.scope.mission_id.as_ref());
        write_text_member(out, "room_id", self.scope.room_id.as_ref());
        write_text_member(out, "thread_id", self.scope.thread_id.as_ref());
        write_text_member(out, "run_id", self.scope.run_id.as_ref());
        write_text_member(out, "step_id", self.scope.step_id.as_ref());
    }

    fn write_parties(&self, out: &mut String) {
        let mut actor = String::new();
        write_text_member(&mut actor, "actor_type", Some(&self.actor.actor_type));
        write_text_member(&mut actor, "actor_id", Some(&self.actor.actor_id));
        write_raw_member(out, "actor", &format!("{{{actor}}}"));
        write_text_member(out, "zone", Some(&self.zone));
        let mut stream = String::new();
        write_text_member(&mut stream, "stream_type", Some(&self.stream.stream_type));
        write_text_member(&mut stream, "stream_id", Some(&self.stream.stream_id));
        write_raw_member(out, "stream", &format!("{{{stream}}}"));
        write_text_member(out, "correlation_id", self.correlation_id.as_ref());
        write_text_member(out, "causation_id", self.causation_id.as_ref());
        write_text_member(out, "idempotency_key", self.idempotency_key.as_ref());
    }

    fn body_objects(&self) -> [(&'static str, &Option<String>); 4] {
        [
            ("policy_context", &self.policy_context),
            ("model_context", &self.model_context),
            ("display", &self.display),
            ("extensions", &self.extensions),
        ]
    }

    /// Bytes of the body without its origin: room for it and no more, because it is kept.
    fn body_bytes(&self) -> usize {
        let extra = |(name, object): (&str, &Option<String>)| {
            object.as_ref().map_or(0, |object| r#","":"#.len() + name.len() + object.len())
        };
        r#"{"data":}"#.len()
            + self.data.len()
            + self.body_objects().map(extra).iter().sum::<usize>()
    }

    fn write_body_members(&self, out: &mut String) {
        write_raw_member(out, "data", &self.data);
        for (name, object) in self.body_objects() {
            if let Some(object) = object {
                write_raw_member(out, name, object);
            }
        }
    }
}

fn write_origin_members(out: &mut String, origin: &Origin) {
    write_text_member(out, "type", origin.origin_type.as_ref());
    write_text_member(out, "id", origin.id.as_ref());
    write_text_member(out, "time", origin.time.as_ref());
    if let Some(raw) = &origin.raw {
        write_raw_member(out, "raw", raw);
    }
}

/// Writes `"name":value` with a comma where a member came before.
pub(crate) fn write_raw_member(out: &mut String, name: &str, value: &str) {
    if !out.is_empty() && !out.ends_with('{') {
        out.push(',');
    }
    out.push('"');
    out.push_str(name);
    out.push_str("\":");
    out.push_str(value);
}

/// Writes `"name":"text"` where there is a text.
pub(crate) fn write_text_member(out: &mut String, name: &str, text: Option<&impl Display>) {
    if let Some(text) = text {
        write_raw_member(out, name, "");
        let mut plain = String::new();
        // Writing to a String cannot fail.
        let _ = write!(plain, "{text}");
        string_into(out, &plain);
    }
}
