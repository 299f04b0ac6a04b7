//! What waits for the sequencer, bounded in bytes.
//!
//! A full queue refuses at once: overload is said, not suffered.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use annals_core::limits::SEQUENCER_QUEUE_BYTES_MAX;
use annals_store::contract::Unit;

use super::control::ControlCommand;
use super::delivery::Reply;
use crate::principal::Principal;
use crate::refusal::AppendRefusal;

/// Bytes that one commit takes at most, so that a long queue does not make one long wait.
const COMMIT_BYTES_MAX: usize = 8 << 20;

/// Some units of one request.
#[derive(Debug)]
pub(super) struct AppendJob {
    pub(super) units: Vec<Unit>,
    pub(super) principal: Arc<Principal>,
    pub(super) byte_count: usize,
    pub(super) reply: Reply,
}

/// Whatever waits for its turn.
#[derive(Debug)]
pub(super) enum Job {
    Append(AppendJob),
    Control(Box<ControlCommand>),
}

/// What one commit takes.
#[derive(Debug)]
pub(super) enum Turn {
    Appends(Vec<AppendJob>),
    Control(Box<ControlCommand>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Door {
    Open,
    Closing,
    Failed,
}

#[derive(Debug)]
struct Waiting {
    jobs: VecDeque<Job>,
    byte_count: usize,
    door: Door,
}

/// The queue between the doors and the sequencer.
#[derive(Debug)]
pub(crate) struct Queue {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

impl Queue {
    pub(crate) fn new() -> Self {
        let waiting = Waiting { jobs: VecDeque::new(), byte_count: 0, door: Door::Open };
        Self { waiting: Mutex::new(waiting), changed: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // Nothing that holds the lock can leave the queue half changed.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn byte_count(&self) -> usize {
        self.lock().byte_count
    }

    /// Lets a job wait, or says why not.
    pub(super) fn push(&self, job: Job) -> Result<(), AppendRefusal> {
        let mut waiting = self.lock();
        match waiting.door {
            Door::Open => {}
            Door::Closing => return Err(AppendRefusal::Closing),
            Door::Failed => return Err(AppendRefusal::LogFailed),
        }
        if let Job::Append(append) = &job {
            if waiting.byte_count + append.byte_count > SEQUENCER_QUEUE_BYTES_MAX
                && !waiting.jobs.is_empty()
            {
                return Err(AppendRefusal::Overloaded);
            }
            waiting.byte_count += append.byte_count;
        }
        waiting.jobs.push_back(job);
        drop(waiting);
        self.changed.notify_one();
        Ok(())
    }

    /// Waits for work; none when the queue is closed and empty.
    pub(super) fn next_turn(&self) -> Option<Turn> {
        // Where there are fewer processors than work, those who are about to push go first: what
        // they push comes along, and a commit of more events costs each of them less.
        std::thread::yield_now();
        let mut waiting = self.lock();
        loop {
            match waiting.jobs.pop_front() {
                Some(Job::Control(command)) => return Some(Turn::Control(command)),
                Some(Job::Append(job)) => return Some(Turn::Appends(gather(&mut waiting, job))),
                None if waiting.door != Door::Open => return None,
                None => {
                    waiting = self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
                }
            }
        }
    }

    pub(super) fn close(&self) {
        let mut waiting = self.lock();
        if waiting.door == Door::Open {
            waiting.door = Door::Closing;
        }
        drop(waiting);
        self.changed.notify_all();
    }

    /// Refuses everything from here on, and what waits.
    pub(super) fn fail(&self) {
        let jobs = {
            let mut waiting = self.lock();
            waiting.door = Door::Failed;
            waiting.byte_count = 0;
            std::mem::take(&mut waiting.jobs)
        };
        // Dropping a job's reply tells the one who waits.
        drop(jobs);
    }
}

fn gather(waiting: &mut Waiting, first: AppendJob) -> Vec<AppendJob> {
    let mut byte_count = first.byte_count;
    let mut jobs = vec![first];
    while byte_count < COMMIT_BYTES_MAX {
        match waiting.jobs.pop_front() {
            Some(Job::Append(job)) => {
                byte_count += job.byte_count;
                jobs.push(job);
            }
            Some(control) => {
                waiting.jobs.push_front(control);
                break;
            }
            None => break,
        }
    }
    waiting.byte_count = waiting.byte_count.saturating_sub(byte_count);
    jobs
}
