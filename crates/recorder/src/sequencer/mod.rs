//! The sequencer: the one thread that appends to the log.
//!
//! It takes whatever has arrived while the last commit synced, so there is no timer to wait for.
//! Control commands are decided in their turn against the state at the head, alone in a commit.
//! The queue is owned by its lock; the writer, and so the order of the log, by the thread.
//!
//! INVARIANT (one call site): the store's `append` is called here and nowhere else.

mod delivery;
mod queue;
mod turn;

use std::sync::Arc;
use std::thread::JoinHandle;

use annals_store::contract::{LogWriter, Unit, UnitOutcome};
use tokio::sync::oneshot;

use crate::access::{AccessCommand, AccessRefusal};
use crate::principal::Principal;
use crate::refusal::AppendRefusal;
pub(crate) use queue::Queue;
use queue::{AppendJob, ControlJob, Job};
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

    /// Waits for a command's decision and its sync.
    pub(crate) async fn decide(&self, command: AccessCommand) -> Result<(), AccessRefusal> {
        let (reply, answer) = oneshot::channel();
        self.queue
            .push(Job::Control(ControlJob { command, reply }))
            .map_err(AccessRefusal::Append)?;
        answer.await.unwrap_or(Err(AccessRefusal::Append(AppendRefusal::LogFailed)))
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

fn unit_bytes(unit: &Unit) -> usize {
    // What an event costs in memory beside its bytes, roughly.
    const EVENT_OVERHEAD_BYTES: usize = 256;
    let event_bytes = |event: &annals_store::contract::Prepared| {
        event.header.as_bytes().len() + event.body.len() + EVENT_OVERHEAD_BYTES
    };
    unit.events.iter().map(event_bytes).sum()
}
