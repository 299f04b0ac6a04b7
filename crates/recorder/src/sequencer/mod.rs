//! The sequencer: the one thread that appends to the log.
//!
//! It takes whatever has arrived while the last commit synced, so there is no timer to wait for.
//! Control commands are decided in their turn against the state at the head, alone in a commit.
//! The queue is owned by its lock; the writer, and so the order of the log, by the thread.
//!
//! INVARIANT (one call site): the store's `append` is called here and nowhere else.

mod control;
mod delivery;
mod queue;
mod turn;

use std::sync::Arc;
use std::thread::JoinHandle;

use annals_core::event::Event;
use annals_store::contract::{AppendFailure, LogWriter, Unit, UnitOutcome};
use tokio::sync::oneshot;

use crate::access::{AccessCommand, AccessRefusal};
use crate::principal::Principal;
use crate::redaction::{RedactCommand, RedactRefusal, RedactionReceipt};
use crate::refusal::AppendRefusal;
use crate::settings::{ChangeSettings, SettingsRefusal};
use crate::trust::{KeyRotation, RotateKey, RotationRefusal};
use control::{Asked, ControlCommand};
pub(crate) use control::{ControlFact, LogFact, principal_actor};
pub(crate) use queue::Queue;
use queue::{AppendJob, Job};
pub(crate) use turn::SequencerState;

/// The handle by which appends and commands reach the sequencer's thread.
#[derive(Debug)]
pub(crate) struct Sequencer {
    queue: Arc<Queue>,
}

impl Sequencer {
    /// Starts the thread.
    pub(crate) fn start(
        writer: Box<dyn LogWriter>,
        state: SequencerState,
    ) -> std::io::Result<(Self, JoinHandle<()>)> {
        let queue = Arc::new(Queue::new());
        let thread_queue = Arc::clone(&queue);
        let thread = std::thread::Builder::new()
            .name("annals-sequencer".to_owned())
            .spawn(move || turn::run(&thread_queue, writer, &state))?;
        Ok((Self { queue }, thread))
    }

    /// Waits for the turn of some units and for their sync.
    pub(crate) async fn append(
        &self,
        units: Vec<Unit>,
        principal: Arc<Principal>,
    ) -> Result<Vec<UnitOutcome>, AppendRefusal> {
        if units.is_empty() {
            return Ok(Vec::new());
        }
        let (reply, answer) = oneshot::channel();
        let byte_count = units.iter().map(unit_bytes).sum();
        self.queue.push(Job::Append(AppendJob { units, principal, byte_count, reply }))?;
        match answer.await {
            Ok(delivery) => delivery.take(),
            Err(_) => Err(AppendRefusal::LogFailed),
        }
    }

    /// Waits for the decision about who may come in and for its sync.
    pub(crate) async fn decide(&self, command: AccessCommand) -> Result<(), AccessRefusal> {
        self.control(command, ControlCommand::Access, AccessRefusal::Append).await
    }

    /// Waits until a body is erased, or for why it is not.
    pub(crate) async fn redact(
        &self,
        command: RedactCommand,
    ) -> Result<RedactionReceipt, RedactRefusal> {
        self.control(command, ControlCommand::Redact, RedactRefusal::Append).await
    }

    /// Waits until settings are as somebody wants them; whether that was a change.
    pub(crate) async fn change_settings(
        &self,
        command: ChangeSettings,
    ) -> Result<bool, SettingsRefusal> {
        self.control(command, ControlCommand::Settings, SettingsRefusal::Append).await
    }

    /// Waits until a new key signs, or for why it does not.
    pub(crate) async fn rotate_key(
        &self,
        command: RotateKey,
    ) -> Result<KeyRotation, RotationRefusal> {
        self.control(command, ControlCommand::RotateKey, RotationRefusal::Append).await
    }

    async fn control<C, T, R>(
        &self,
        command: C,
        job: impl FnOnce(Asked<C, T, R>) -> ControlCommand,
        refused: impl Fn(AppendRefusal) -> R,
    ) -> Result<T, R> {
        let (reply, answer) = oneshot::channel();
        self.queue.push(Job::Control(Box::new(job(Asked { command, reply })))).map_err(&refused)?;
        answer.await.unwrap_or_else(|_| Err(refused(AppendRefusal::LogFailed)))
    }

    /// Bytes of events that wait.
    pub(crate) fn queued_bytes(&self) -> usize {
        self.queue.byte_count()
    }

    /// Takes nothing more; what waits is still written, and then the thread ends.
    pub(crate) fn close(&self) {
        self.queue.close();
    }
}

/// Writes a fact before the thread is started, while its caller still has the writer: the first
/// event of a restored log comes before anything else.
pub(crate) fn record_first(
    writer: &mut dyn LogWriter,
    state: &SequencerState,
    fact: impl Into<ControlFact>,
) -> Result<Result<Event, AppendRefusal>, AppendFailure> {
    control::record(writer, state, fact.into(), turn::Room::Usual)
}

fn unit_bytes(unit: &Unit) -> usize {
    // What an event costs in memory beside its bytes, roughly.
    const EVENT_OVERHEAD_BYTES: usize = 256;
    let event_bytes = |event: &annals_store::contract::Prepared| {
        event.header.as_bytes().len() + event.body.len() + EVENT_OVERHEAD_BYTES
    };
    let companions = unit.companions.iter().map(|companion| &companion.event);
    unit.events.iter().chain(companions).map(event_bytes).sum()
}
