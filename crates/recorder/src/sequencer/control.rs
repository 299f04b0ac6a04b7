//! Control commands in their turn: decide, write the fact, take it in, and erase what it redacts.
//!
//! Each command is decided by its own pure function against the state at the head; what happens
//! to a fact afterwards is the same for all of them and written once, in `record`.
//!
//! INVARIANT (deciding and appending are one step): nothing comes between a decision and its fact.

use std::sync::Arc;

use annals_core::envelope::{Actor, ActorType, Authority, Draft, StreamKey};
use annals_core::event::Event;
use annals_core::id::{ActorId, EventType, WorkspaceId};
use annals_core::record::{Header, SALT_BYTES, ServerFields, commitment};
use annals_store::contract::{
    AppendFailure, EraseFailure, LogWriter, OneOrMore, Prepared, Unit, UnitOutcome,
};
use bytes::Bytes;
use tokio::sync::oneshot;

use super::turn::{Room, SequencerState, append};
use crate::access::{AccessCommand, AccessRefusal};
use crate::principal::Principal;
use crate::redaction::{
    RedactCommand, RedactDecision, RedactRefusal, RedactionReceipt, redacted_position,
};
use crate::refusal::AppendRefusal;
use crate::settings::{ChangeSettings, SettingsRefusal};
use crate::trust::{KeyRotation, RotateKey, RotationRefusal};

/// A command and where its decision is told.
#[derive(Debug)]
pub(super) struct Asked<C, T, R> {
    pub(super) command: C,
    pub(super) reply: oneshot::Sender<Result<T, R>>,
}

/// Whatever is decided in the sequencer's turn.
#[derive(Debug)]
pub(super) enum ControlCommand {
    /// About who may come in.
    Access(Asked<AccessCommand, (), AccessRefusal>),
    /// Take an event's body away.
    Redact(Asked<RedactCommand, RedactionReceipt, RedactRefusal>),
    /// Change what a workspace decided about itself.
    Settings(Asked<ChangeSettings, bool, SettingsRefusal>),
    /// Let a new key sign checkpoints.
    RotateKey(Asked<RotateKey, KeyRotation, RotationRefusal>),
}

/// A decision on its way to the log.
#[derive(Debug)]
pub(crate) struct ControlFact {
    /// Who caused it.
    pub(crate) by: Arc<Principal>,
    /// The tenant that it belongs to.
    pub(crate) workspace_id: WorkspaceId,
    /// The event as readers see it.
    pub(crate) draft: Draft,
    /// What `evolve` needs, for the header.
    pub(crate) control: String,
}

/// A fact about the log itself, such as `log.key_rotated`.
#[derive(Debug, Clone)]
pub(crate) struct LogFact {
    /// Who caused it. The fact is kept in this principal's workspace.
    pub(crate) by: Arc<Principal>,
    /// What kind of fact it is; a control type of the catalog.
    pub(crate) event_type: EventType,
    /// The stream.
    pub(crate) stream: StreamKey,
    /// What a fold needs of it: one compact JSON object for the hashed header, which no erasure
    /// takes away.
    pub(crate) control: String,
    /// The payload for readers: one compact JSON value.
    pub(crate) data: String,
}

impl From<LogFact> for ControlFact {
    fn from(fact: LogFact) -> Self {
        let actor = principal_actor(&fact.by);
        let workspace_id = fact.by.workspace_id.clone();
        let draft = Draft::new(fact.event_type, actor, fact.stream, fact.data);
        Self { by: fact.by, workspace_id, draft, control: fact.control }
    }
}

/// The actor of a control fact: whoever's credential caused it.
pub(crate) fn principal_actor(by: &Principal) -> Actor {
    let actor_id = ActorId::parse(by.principal_id.as_str());
    Actor {
        actor_type: ActorType::User,
        actor_id: actor_id.expect("a principal's id fits the grammar of an actor's"),
    }
}

/// Decides a command against the state at the head and appends what it decided.
///
/// An error is one after which nothing may be appended any more; the reply is then dropped.
pub(super) fn decide(
    writer: &mut dyn LogWriter,
    state: &SequencerState,
    command: ControlCommand,
) -> Result<(), AppendFailure> {
    let now = state.clock.now();
    // Whoever asked and has gone away gets no answer; the fact is kept all the same.
    match command {
        ControlCommand::Access(Asked { command, reply }) => {
            let answer = match state.access.decide(command, now) {
                Ok(fact) => {
                    let event = record(writer, state, fact, Room::Usual)?;
                    event.map(drop).map_err(AccessRefusal::Append)
                }
                Err(refusal) => Err(refusal),
            };
            let _ = reply.send(answer);
        }
        ControlCommand::Redact(Asked { command, reply }) => {
            let _ = reply.send(redact(writer, state, command)?);
        }
        ControlCommand::Settings(Asked { command, reply }) => {
            let answer = match state.settings.decide(command) {
                Ok(Some(fact)) => {
                    let event = record(writer, state, fact, Room::Usual)?;
                    event.map(|_| true).map_err(SettingsRefusal::Append)
                }
                Ok(None) => Ok(false),
                Err(refusal) => Err(refusal),
            };
            let _ = reply.send(answer);
        }
        ControlCommand::RotateKey(Asked { command, reply }) => {
            let _ = reply.send(rotate_key(writer, state, command)?);
        }
    }
    Ok(())
}

/// Writes a control fact and takes it in; the inner error leaves the log as it was.
pub(super) fn record(
    writer: &mut dyn LogWriter,
    state: &SequencerState,
    fact: ControlFact,
    room: Room,
) -> Result<Result<Event, AppendRefusal>, AppendFailure> {
    if !state.access.is_live(&fact.by, state.clock.now()) {
        return Ok(Err(AppendRefusal::CredentialEnded));
    }
    let events = OneOrMore::from([prepare(state, &fact)]);
    let unit = Unit { events, expected: Vec::new(), companions: Vec::new() };
    // Taken in before anybody hears of it: what the fact hides, no reader of the fact sees.
    let outcomes = match append(writer, state, vec![unit], room, |event| evolve(state, event)) {
        Ok(outcomes) => outcomes,
        Err(AppendFailure::StorageFull) => return Ok(Err(AppendRefusal::StorageFull)),
        Err(failure) => return Err(failure),
    };
    let event = outcomes.into_iter().find_map(|outcome| match outcome {
        UnitOutcome::Committed(placed) => placed.into_iter().next().map(|placed| placed.event),
        UnitOutcome::Refused { .. } | UnitOutcome::Undecided { .. } => None,
    });
    Ok(event.ok_or(AppendRefusal::LogFailed))
}

/// Lets every fold of control facts have a durable one. Each is total: what it does not know
/// changes nothing in it.
fn evolve(state: &SequencerState, event: &Event) {
    if let Some(control) = event.header().control {
        state.access.evolve(control, event.data());
        state.marks.evolve(event);
        state.settings.evolve(event);
        if let Some(position) = redacted_position(event) {
            state.live.hide(position);
        }
    }
}

fn redact(
    writer: &mut dyn LogWriter,
    state: &SequencerState,
    command: RedactCommand,
) -> Result<Result<RedactionReceipt, RedactRefusal>, AppendFailure> {
    let target = command.target.clone();
    let replayed = match state.marks.decide(command) {
        Err(refusal) => return Ok(Err(refusal)),
        Ok(RedactDecision::Already) => true,
        Ok(RedactDecision::Redact(fact)) => {
            // A full disk is no reason to keep a secret.
            if let Err(refusal) = record(writer, state, *fact, Room::Reserve)? {
                return Ok(Err(RedactRefusal::Append(refusal)));
            }
            state.access.forget(&target);
            false
        }
    };
    let Some(redaction) = state.marks.at(target.position()) else {
        return Ok(Err(RedactRefusal::Append(AppendRefusal::LogFailed)));
    };
    // Also for a redaction of before: it may have been without the room to erase.
    match writer.erase(&[target.position()]) {
        Ok(erased) => Ok(Ok(redaction.receipt(replayed, erased.cut_files_removed))),
        Err(EraseFailure::StorageFull) => Ok(Err(RedactRefusal::HiddenOnly)),
        // The log stops; the mark hides the body until then, and the next start erases it.
        Err(failure) => Err(AppendFailure::Failed { reason: failure.to_string() }),
    }
}

/// Lets a new key sign. The notary signs nothing before the turn is over, so that no checkpoint by
/// the old key covers the fact.
fn rotate_key(
    writer: &mut dyn LogWriter,
    state: &SequencerState,
    command: RotateKey,
) -> Result<Result<KeyRotation, RotationRefusal>, AppendFailure> {
    let turn = match state.trust.begin_rotation(command) {
        Ok(turn) => turn,
        Err(refusal) => return Ok(Err(refusal)),
    };
    match record(writer, state, turn.fact().into(), Room::Usual)? {
        Ok(event) => {
            let finished = turn.finish(event.position());
            finished
                .map(Ok)
                .map_err(|failure| AppendFailure::Failed { reason: failure.to_string() })
        }
        Err(refusal) => {
            turn.abandon();
            Ok(Err(RotationRefusal::Append(refusal)))
        }
    }
}

fn prepare(state: &SequencerState, fact: &ControlFact) -> Prepared {
    let now = state.clock.now();
    let server = ServerFields {
        event_id: state.entropy.event_id(now),
        workspace_id: fact.workspace_id.clone(),
        principal_id: fact.by.principal_id.clone(),
        zone: fact.draft.zone,
        received_at: now,
        trace_correlation: None,
        authority: Authority::Control,
        control: Some(fact.control.clone()),
    };
    let header = Header::complete(&fact.draft, server).encode(&state.log_id);
    let body = Bytes::from(fact.draft.body_json());
    let mut salt = [0; SALT_BYTES];
    state.entropy.fill(&mut salt);
    let commitment = commitment(&salt, &body);
    Prepared { header, body, salt, commitment }
}
