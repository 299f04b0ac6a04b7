//! A stored event as a reader gets it: the fields that programs ask for, and the whole line.
//!
//! It is tolerant: what this version does not know stays in [`StoredEvent::json`].

use std::str::FromStr;

use annals_core::envelope::{Actor, Authority, StreamKey};
use annals_core::hash::Digest;
use annals_core::id::{EventId, EventType, Position, RunId, Seq, WorkspaceId};
use annals_core::time::Timestamp;
use annals_core::violation::SchemaViolation;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::error::ClientError;

/// An event of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEvent {
    /// Its place in the log.
    pub position: Position,
    /// Its identity.
    pub event_id: EventId,
    /// What kind of fact it is.
    pub event_type: EventType,
    /// The version of the type's payload.
    pub event_version: u32,
    /// When it happened, by its sender's clock.
    pub occurred_at: Timestamp,
    /// When it was committed.
    pub recorded_at: Timestamp,
    /// The tenant.
    pub workspace_id: WorkspaceId,
    /// The run it is part of.
    pub run_id: Option<RunId>,
    /// Who did it, by its sender's claim.
    pub actor: Actor,
    /// The stream it is on.
    pub stream: StreamKey,
    /// Its place in that stream.
    pub stream_seq: Seq,
    /// Whether Annals decided it or somebody reported it.
    pub authority: Authority,
    /// Why its payload does not fit the schema of its type, where a lenient workspace keeps it.
    pub schema_violation: Option<SchemaViolation>,
    /// The hash of the event before it in its stream; `None` for the first.
    pub prev_event_hash: Option<Digest>,
    /// Its hash.
    pub event_hash: Digest,
    /// The payload as JSON text.
    pub data: String,
    /// The whole event as the server sent it, on one line.
    pub json: String,
}

#[derive(Deserialize)]
struct Wire<'a> {
    position: u64,
    event_id: String,
    event_type: String,
    event_version: u32,
    occurred_at: String,
    recorded_at: String,
    workspace_id: String,
    run_id: Option<String>,
    actor: WireActor,
    stream: WireStream,
    authority: String,
    schema_violation: Option<WireViolation>,
    prev_event_hash: Option<String>,
    event_hash: String,
    #[serde(borrow)]
    data: &'a RawValue,
}

#[derive(Deserialize)]
struct WireViolation {
    pointer: String,
    rule: String,
    problem: String,
}

#[derive(Deserialize)]
struct WireActor {
    actor_type: String,
    actor_id: String,
}

#[derive(Deserialize)]
struct WireStream {
    stream_type: String,
    stream_id: String,
    stream_seq: u64,
}

impl StoredEvent {
    /// Reads one event as the API writes it.
    ///
    /// # Errors
    /// When the text is not such an event.
    pub fn from_json(json: impl Into<String>) -> Result<Self, ClientError> {
        let json = json.into();
        let wire: Wire<'_> = serde_json::from_str(&json)
            .map_err(|error| ClientError::Protocol(error.to_string()))?;
        let actor = Actor {
            actor_type: read(&wire.actor.actor_type)?,
            actor_id: read(&wire.actor.actor_id)?,
        };
        let stream = StreamKey {
            stream_type: read(&wire.stream.stream_type)?,
            stream_id: read(&wire.stream.stream_id)?,
        };
        Ok(Self {
            position: Position(wire.position),
            event_id: read(&wire.event_id)?,
            event_type: read(&wire.event_type)?,
            event_version: wire.event_version,
            occurred_at: time(&wire.occurred_at)?,
            recorded_at: time(&wire.recorded_at)?,
            workspace_id: read(&wire.workspace_id)?,
            run_id: wire.run_id.as_deref().map(read).transpose()?,
            actor,
            stream,
            stream_seq: Seq(wire.stream.stream_seq),
            authority: read(&wire.authority)?,
            schema_violation: wire.schema_violation.map(|violation| SchemaViolation {
                pointer: violation.pointer,
                rule: violation.rule,
                problem: violation.problem,
            }),
            prev_event_hash: wire.prev_event_hash.as_deref().map(read).transpose()?,
            event_hash: read(&wire.event_hash)?,
            data: wire.data.get().to_owned(),
            json,
        })
    }
}

fn read<T: FromStr<Err: std::fmt::Display>>(text: &str) -> Result<T, ClientError> {
    text.parse().map_err(|error| ClientError::Protocol(format!("`{text}` in an event: {error}")))
}

fn time(text: &str) -> Result<Timestamp, ClientError> {
    Timestamp::parse(text)
        .map(|parsed| parsed.at)
        .map_err(|error| ClientError::Protocol(format!("`{text}`: {error}")))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// An event as the server writes it, with a member of a later version.
    pub(crate) fn event_json(position: u64, seq: u64) -> String {
        format!(
            r#"{{"position":{position},"event_id":"0190b3c4-1111-7abc-8def-0123456789ab","event_type":"note.taken","event_version":1,"occurred_at":"2026-01-01T00:00:00.000000Z","recorded_at":"2026-01-01T00:00:00.000000Z","workspace_id":"default","actor":{{"actor_type":"agent","actor_id":"a"}},"actor_principal_id":"p","zone":"supervised","stream":{{"stream_type":"run","stream_id":"r","stream_seq":{seq}}},"correlation_id":"c","authority":"observed","redaction_level":"none","contains_secrets":false,"data":{{"n": 1.0e2}},"later":[],"prev_event_hash":null,"event_hash":"{}"}}"#,
            "ab".repeat(32)
        )
    }

    #[test]
    fn reads_an_event_and_keeps_its_whole_line() {
        let json = event_json(7, 2);
        let event = StoredEvent::from_json(json.clone()).unwrap();
        assert_eq!((event.position, event.stream_seq), (Position(7), Seq(2)));
        assert_eq!(event.data, r#"{"n": 1.0e2}"#);
        assert_eq!(event.json, json);
    }

    #[test]
    fn says_what_makes_no_sense() {
        let json = event_json(7, 2).replace("\"observed\"", "\"rumoured\"");
        assert!(StoredEvent::from_json(json).unwrap_err().to_string().contains("rumoured"));
    }
}
