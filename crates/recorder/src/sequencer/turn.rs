//! One turn of the sequencer: decide, append, sync, tell the watchers, answer.

use std::sync::Arc;

use annals_core::envelope::Authority;
use annals_core::id::LogId;
use annals_core::record::{Header, SALT_BYTES, ServerFields, commitment};
use annals_store::contract::{AppendFailure, LogWriter, Placed, Prepared, Unit, UnitOutcome};
use bytes::Bytes;

use super::delivery::deliver;
use super::queue::{AppendJob, ControlJob, Queue, Turn};
use crate::access::{Access, AccessRefusal, ControlFact};
use crate::live::Live;
use crate::refusal::AppendRefusal;
use crate::stats::Stats;
use crate::world::{Clock, Entropy};

/// What the sequencer's thread works with beside the log.
#[derive(Debug)]
pub(crate) struct SequencerState {
    pub(crate) log_id: LogId,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) access: Arc<Access>,
    pub(crate) live: Arc<Live>,
    pub(crate) stats: Arc<Stats>,
}

/// Takes turns until the queue is closed and empty, or the log fails.
pub(super) fn run(queue: &Queue, mut writer: Box<dyn LogWriter>, state: &SequencerState) {
    while let Some(turn) = queue.next_turn() {
        let result = match turn {
            Turn::Appends(jobs) => commit(writer.as_mut(), state, jobs),
            Turn::Control(job) => decide(writer.as_mut(), state, job),
        };
        if let Err(failure) = result {
            tracing::error!(%failure, "the log failed; the process must stop");
            queue.fail();
            state.live.fail();
            return;
        }
    }
}

/// Appends the units of some jobs in one commit.
///
/// An error is one after which nothing may be appended any more; the jobs' replies are dropped.
fn commit(
    writer: &mut dyn LogWriter,
    state: &SequencerState,
    mut jobs: Vec<AppendJob>,
) -> Result<(), AppendFailure> {
    let now = state.clock.now();
    let mut units = Vec::with_capacity(jobs.iter().map(|job| job.units.len()).sum());
    let mut waiting = Vec::with_capacity(jobs.len());
    let mut answers = Vec::with_capacity(jobs.len());
    for mut job in jobs.drain(..) {
        // A credential may have ended while the job waited.
        if state.access.is_live(&job.principal, now) {
            waiting.push((job.units.len(), job.reply));
            units.append(&mut job.units);
        } else {
            answers.push((job.reply, Err(AppendRefusal::CredentialEnded)));
        }
    }
    match append(writer, state, units) {
        Ok(outcomes) => {
            let mut outcomes = outcomes.into_iter();
            answers.extend(waiting.into_iter().map(|(unit_count, reply)| {
                (reply, Ok(outcomes.by_ref().take(unit_count).collect()))
            }));
        }
        Err(AppendFailure::StorageFull) => {
            let full = |(_, reply)| (reply, Err(AppendRefusal::StorageFull));
            answers.extend(waiting.into_iter().map(full));
        }
        Err(failure) => return Err(failure),
    }
    deliver(answers);
    Ok(())
}

/// The one place where events enter the log.
fn append(
    writer: &mut dyn LogWriter,
    state: &SequencerState,
    units: Vec<Unit>,
) -> Result<Vec<UnitOutcome>, AppendFailure> {
    if units.is_empty() {
        return Ok(Vec::new());
    }
    let started = state.clock.now();
    let outcomes = writer.append(started, units)?;
    state.stats.count_commit(state.clock.now().as_micros() - started.as_micros());
    let placed = outcomes.iter().flat_map(|outcome| match outcome {
        UnitOutcome::Committed(placed) => placed.as_slice(),
        UnitOutcome::Refused { .. } | UnitOutcome::Undecided { .. } => &[],
    });
    let is_new = |placed: &&Placed| !placed.replayed;
    let accepted: Vec<_> = placed.filter(is_new).map(|placed| placed.event.clone()).collect();
    state.stats.count_outcomes(&outcomes);
    state.live.publish(accepted, writer.head());
    Ok(outcomes)
}

/// Decides a command against the state at the head and appends what it decided.
fn decide(
    writer: &mut dyn LogWriter,
    state: &SequencerState,
    job: ControlJob,
) -> Result<(), AppendFailure> {
    let now = state.clock.now();
    let fact = match state.access.decide(job.command, now) {
        Ok(fact) => fact,
        Err(refusal) => {
            let _ = job.reply.send(Err(refusal));
            return Ok(());
        }
    };
    let unit = Unit { events: vec![prepare_control(state, &fact)], expected: Vec::new() };
    let answer = match append(writer, state, vec![unit]) {
        Ok(outcomes) if matches!(outcomes.as_slice(), [UnitOutcome::Committed(_)]) => {
            state.access.evolve(&fact.control, &fact.draft.data);
            Ok(())
        }
        Ok(_) => Err(AccessRefusal::Append(AppendRefusal::LogFailed)),
        Err(AppendFailure::StorageFull) => Err(AccessRefusal::Append(AppendRefusal::StorageFull)),
        Err(failure) => return Err(failure),
    };
    let _ = job.reply.send(answer);
    Ok(())
}

fn prepare_control(state: &SequencerState, fact: &ControlFact) -> Prepared {
    let now = state.clock.now();
    let server = ServerFields {
        event_id: state.entropy.event_id(now),
        workspace_id: fact.by.workspace_id.clone(),
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
