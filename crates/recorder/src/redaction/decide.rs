//! Deciding about a redaction: pure, against the marks at the head.

use std::sync::Arc;

use annals_core::envelope::{Draft, Scope, StreamKey};
use annals_core::event::Event;
use annals_core::id::{CausationId, EventType, StreamId, StreamType, WorkspaceId};
use annals_core::json::{JsonLimits, compact};
use annals_core::limits::{REDACTION_REASON_BYTES_MAX, REDACTION_REPLACEMENT_BYTES_MAX};
use annals_core::record::HeaderRef;
use annals_core::redaction::is_redaction;
use serde::Serialize;
use serde_json::value::RawValue;

use super::marks::{RedactedFact, Redaction};
use super::{REDACTED_TYPE, REDACTIONS_STREAM_TYPE, RedactRefusal};
use crate::access::OWNER_WORKSPACE;
use crate::principal::{Principal, Rights};
use crate::sequencer::{ControlFact, principal_actor};

/// What a replacement may hold: it stands inside of an event, which has bounds of its own.
const REPLACEMENT_LIMITS: JsonLimits = JsonLimits { depth_max: 64, node_count_max: 4_096 };

/// Take an event's body away.
#[derive(Debug)]
pub(crate) struct RedactCommand {
    /// Who asks.
    pub(crate) by: Arc<Principal>,
    /// The event's workspace.
    pub(crate) workspace_id: WorkspaceId,
    /// The event.
    pub(crate) target: Event,
    /// Why.
    pub(crate) reason: String,
    /// What stands in for `data`, as JSON text.
    pub(crate) replacement: Option<String>,
}

/// What a command comes to.
#[derive(Debug)]
pub(crate) enum RedactDecision {
    /// The event was redacted before.
    Already,
    /// This fact redacts it.
    Redact(Box<ControlFact>),
}

/// The payload of the fact, for readers.
#[derive(Serialize)]
struct RedactedData<'a> {
    event_id: String,
    position: u64,
    reason: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    replacement: Option<Box<RawValue>>,
    redacted_by: &'a str,
}

/// Whether a principal may redact in a workspace: in its own with the right to administer, and in
/// any from the workspace where all of them are administered.
pub(super) fn authorize(by: &Principal, workspace_id: &WorkspaceId) -> Result<(), RedactRefusal> {
    let covers = by.workspace_id == *workspace_id || by.workspace_id.as_str() == OWNER_WORKSPACE;
    if by.rights.contains(Rights::OPERATE) && covers {
        Ok(())
    } else {
        Err(RedactRefusal::Forbidden)
    }
}

/// Decides a command.
pub(super) fn decide(
    existing: Option<&Redaction>,
    command: RedactCommand,
) -> Result<RedactDecision, RedactRefusal> {
    authorize(&command.by, &command.workspace_id)?;
    if existing.is_some() {
        return Ok(RedactDecision::Already);
    }
    let header = command.target.header();
    if is_redaction(&header) {
        return Err(RedactRefusal::NotRedactable { event_type: REDACTED_TYPE.to_owned() });
    }
    if !(1..=REDACTION_REASON_BYTES_MAX).contains(&command.reason.len()) {
        return Err(RedactRefusal::Reason { byte_count_max: REDACTION_REASON_BYTES_MAX });
    }
    let replacement = command.replacement.as_deref().map(replacement).transpose()?;
    Ok(RedactDecision::Redact(Box::new(fact(&command, replacement))))
}

fn replacement(text: &str) -> Result<Box<RawValue>, RedactRefusal> {
    let mut kept = String::with_capacity(text.len());
    compact(text.as_bytes(), &mut kept, &REPLACEMENT_LIMITS)
        .map_err(RedactRefusal::ReplacementJson)?;
    let (byte_count, byte_count_max) = (kept.len(), REDACTION_REPLACEMENT_BYTES_MAX);
    if byte_count > byte_count_max {
        return Err(RedactRefusal::ReplacementTooLarge { byte_count, byte_count_max });
    }
    Ok(RawValue::from_string(kept).expect("compact JSON text is JSON"))
}

fn fact(command: &RedactCommand, replacement: Option<Box<RawValue>>) -> ControlFact {
    let header = command.target.header();
    let position = command.target.position();
    let data = RedactedData {
        event_id: header.event_id.to_string(),
        position: position.get(),
        reason: &command.reason,
        replacement,
        redacted_by: command.by.principal_id.as_str(),
    };
    let control = RedactedFact { position: position.get(), event_id: data.event_id.clone() };
    let stream_id = StreamId::parse(command.workspace_id.as_str());
    let stream = StreamKey {
        stream_type: StreamType::parse(REDACTIONS_STREAM_TYPE).expect("a literal that fits"),
        stream_id: stream_id.expect("a workspace's id fits the grammar of a stream's"),
    };
    let event_type = EventType::parse(REDACTED_TYPE).expect("a literal that fits");
    let payload = serde_json::to_string(&data).expect("texts and numbers are JSON");
    let mut draft = Draft::new(event_type, principal_actor(&command.by), stream, payload);
    draft.causation_id = CausationId::parse(&data.event_id).ok();
    draft.scope = scope(&header);
    ControlFact {
        by: Arc::clone(&command.by),
        workspace_id: command.workspace_id.clone(),
        draft,
        control: serde_json::to_string(&control).expect("texts and numbers are JSON"),
    }
}

/// The units of work of the redacted event, so that whoever follows one of them learns of it at
/// once. Not the room: what names a room is on that room's stream.
fn scope(target: &HeaderRef<'_>) -> Scope {
    fn of<T: std::str::FromStr>(id: Option<&str>) -> Option<T> {
        id?.parse().ok()
    }
    Scope {
        mission_id: of(target.mission_id),
        room_id: None,
        thread_id: of(target.thread_id),
        run_id: of(target.run_id),
        step_id: of(target.step_id),
    }
}
