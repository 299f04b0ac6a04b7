//! One turn of the sequencer: decide, append, sync, tell the watchers, answer.

use std::sync::Arc;

use annals_core::event::Event;
use annals_core::id::LogId;
use annals_store::contract::{AppendFailure, LogWriter, Placed, Unit, UnitOutcome};

use super::control::decide;
use super::delivery::deliver;
use super::queue::{AppendJob, Queue, Turn};
use crate::access::Access;
use crate::live::Live;
use crate::redaction::Marks;
use crate::refusal::AppendRefusal;
use crate::settings::Settings;
use crate::stats::Stats;
use crate::trust::{LastCheckpoint, Trust};
use crate::world::{Clock, Entropy};

/// What the sequencer's thread works with beside the log.
#[derive(Debug)]
pub(crate) struct SequencerState {
    pub(crate) log_id: LogId,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) access: Arc<Access>,
    pub(crate) marks: Arc<Marks>,
    pub(crate) settings: Arc<Settings>,
    pub(crate) live: Arc<Live>,
    pub(crate) stats: Arc<Stats>,
    pub(crate) trust: Arc<Trust>,
}

/// Takes turns until the queue is closed and empty, or the log fails.
pub(super) fn run(queue: &Queue, mut writer: Box<dyn LogWriter>, state: &SequencerState) {
    while let Some(turn) = queue.next_turn() {
        let result = match turn {
            // Elsewhere than here: the notary syncs, too.
            _ if state.live.is_failed() => {
                Err(AppendFailure::Failed { reason: "the log had failed".to_owned() })
            }
            Turn::Appends(jobs) => commit(writer.as_mut(), state, jobs),
            Turn::Control(command) => decide(writer.as_mut(), state, *command),
        };
        if let Err(failure) = result {
            tracing::error!(%failure, "the log failed; the process must stop");
            queue.fail();
            state.live.fail();
            state.trust.close(LastCheckpoint::Skip);
            return;
        }
    }
    // While the writer still holds the directory: the next process must not find older notes.
    state.trust.close(LastCheckpoint::Sign);
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
    match append(writer, state, units, Room::Usual, |_| {}) {
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

/// What an append may take up on a full disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Room {
    /// Nothing: it is refused.
    Usual,
    /// What is set aside for redaction.
    Reserve,
}

/// The one place where events enter the log.
///
/// `take_in` gets each new event when it is durable and before anybody else hears of it.
pub(super) fn append(
    writer: &mut dyn LogWriter,
    state: &SequencerState,
    units: Vec<Unit>,
    room: Room,
    take_in: impl Fn(&Event),
) -> Result<Vec<UnitOutcome>, AppendFailure> {
    if units.is_empty() {
        return Ok(Vec::new());
    }
    let started = state.clock.now();
    let outcomes = match room {
        Room::Usual => writer.append(started, units)?,
        Room::Reserve => writer.append_on_reserve(started, units)?,
    };
    state.stats.count_commit(state.clock.now().as_micros() - started.as_micros());
    let placed = outcomes.iter().flat_map(|outcome| match outcome {
        UnitOutcome::Committed(placed) => placed.as_slice(),
        UnitOutcome::Refused { .. } | UnitOutcome::Undecided { .. } => &[],
    });
    let is_new = |placed: &&Placed| !placed.replayed;
    let mut accepted = Vec::with_capacity(outcomes.len());
    accepted.extend(placed.filter(is_new).map(|placed| placed.event.clone()));
    accepted.iter().for_each(take_in);
    state.stats.count_outcomes(&outcomes);
    state.live.publish(accepted, writer.head());
    Ok(outcomes)
}
