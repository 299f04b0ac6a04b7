//! The keeper: the one background thread of a local log. It writes index files of sealed
//! segments, merges them in tiers, and fills the next segment's file with zeros ahead of time.
//!
//! Nothing it makes is needed for correctness: without it the index stays in memory and the
//! next segment is made by the writer. The writer waits for it only when too many tables are in
//! memory. It ends when the engine closes; a half-written file is removed at the next start.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::Upkeep;
use super::disk::is_full;
use super::index::build::{BuildFailure, POSTING_COUNT_MAX};
use super::index::run::Run;
use super::recover::TABLE_COUNT_MAX;
use super::state::Shared;
use crate::contract::ReadFailure;

/// How long the keeper waits before it tries again what failed.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// How long the writer waits for the keeper before it says that the index is stuck.
const STUCK_AFTER: Duration = Duration::from_secs(30);
/// Bytes of a spare that are written and synced at a time, so that commits do not wait long.
const SPARE_STEP_BYTES: u64 = 1 << 20;

#[derive(Debug, Default)]
struct KeeperState {
    is_closing: bool,
    spare: Spare,
    /// Why the oldest table's index file was not made; none when the last one was.
    stuck: Option<IndexStuck>,
    /// Whether the last merge failed. Nobody has to wait for a merge.
    is_merge_failed: bool,
    /// Counts what the keeper is told, so that it does not sleep over news.
    news_count: u64,
}

/// The file that becomes the next segment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Spare {
    /// Nobody has asked for one.
    #[default]
    None,
    Wanted,
    /// The keeper writes it.
    Making,
    /// It is there for the writer to take.
    Ready,
}

/// Why index files are not made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IndexStuck {
    /// The disk is full.
    Full,
    /// Something else, as logged.
    Broken,
}

#[derive(Debug, Default)]
struct Signal {
    state: Mutex<KeeperState>,
    changed: Condvar,
}

impl Signal {
    fn lock(&self) -> MutexGuard<'_, KeeperState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, change: impl FnOnce(&mut KeeperState)) {
        let mut state = self.lock();
        change(&mut state);
        state.news_count += 1;
        self.changed.notify_all();
    }

    fn is_closing(&self) -> bool {
        self.lock().is_closing
    }
}

/// The background work. Dropping it ends the thread and waits for it.
#[derive(Debug)]
pub(crate) struct Keeper {
    work: Work,
    thread: Option<JoinHandle<()>>,
}

impl Keeper {
    pub(crate) fn start(shared: &Arc<Shared>) -> io::Result<Self> {
        let work = Work { shared: Arc::clone(shared), signal: Arc::default() };
        let thread = match shared.options.upkeep {
            Upkeep::Caller => None,
            Upkeep::Thread => {
                let work = work.clone();
                let builder = std::thread::Builder::new().name("annals-keeper".to_owned());
                Some(builder.spawn(move || work.run())?)
            }
        };
        Ok(Self { work, thread })
    }

    /// Asks for a spare segment file, once for each that is taken.
    pub(crate) fn want_spare(&self) {
        if self.work.signal.lock().spare == Spare::None {
            self.work.signal.tell(|state| state.spare = Spare::Wanted);
        }
    }

    /// Whether there is a spare segment file, which is the caller's from here on.
    pub(crate) fn take_spare(&self) -> bool {
        let mut state = self.work.signal.lock();
        let is_ready = state.spare == Spare::Ready;
        if is_ready {
            state.spare = Spare::None;
        }
        is_ready
    }

    /// Says that a segment was sealed.
    pub(crate) fn sealed(&self) {
        self.work.signal.tell(|_| {});
    }

    /// Waits while too many tables are in memory.
    pub(crate) fn wait_for_index(&self) -> Result<(), IndexStuck> {
        self.wait_until(|work| {
            match (work.shared.view().tables.len() > TABLE_COUNT_MAX, work.signal.lock().stuck) {
                (false, _) => Some(Ok(())),
                (true, Some(stuck)) => Some(Err(stuck)),
                (true, None) => None,
            }
        })
        .unwrap_or(Err(IndexStuck::Broken))
    }

    /// Waits until there is nothing left to index and merge, or something fails.
    pub(crate) fn settle(&self) {
        self.wait_until(|work| {
            let is_failed = {
                let state = work.signal.lock();
                state.stuck.is_some() || state.is_merge_failed
            };
            (is_failed || next_job(&work.shared).is_none()).then_some(())
        });
    }

    /// Lets work be done until there is an answer; none when nothing happens for long.
    fn wait_until<T>(&self, answer: impl Fn(&Work) -> Option<T>) -> Option<T> {
        loop {
            let seen = self.work.signal.lock().news_count;
            if let Some(answer) = answer(&self.work) {
                return Some(answer);
            }
            if self.thread.is_none() {
                self.work.turn();
                continue;
            }
            let state = self.work.signal.lock();
            let is_old = |state: &mut KeeperState| state.news_count == seen;
            let waited = self.work.signal.changed.wait_timeout_while(state, STUCK_AFTER, is_old);
            if waited.unwrap_or_else(PoisonError::into_inner).1.timed_out() {
                return None;
            }
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.work.signal.tell(|state| state.is_closing = true);
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has been reported by the panic hook already.
            let _ = thread.join();
        }
    }
}

/// What became of a piece of work.
enum Turn {
    Worked,
    Idle,
    Failed,
}

enum Job {
    /// Write the oldest table's index file.
    Index,
    /// Merge these neighbouring index files.
    Merge(Vec<Arc<Run>>),
}

fn next_job(shared: &Shared) -> Option<Job> {
    let view = shared.view();
    if view.tables.len() > 1 {
        return Some(Job::Index);
    }
    merge_candidates(&view.runs, shared.options.merge_fan_in).map(Job::Merge)
}

/// The oldest neighbouring files of the lowest tier that has enough of them. Tiers then fall from
/// old to new, like the digits of a number.
fn merge_candidates(runs: &[Arc<Run>], fan_in: usize) -> Option<Vec<Arc<Run>>> {
    let tier = |run: &Arc<Run>| run.covered().len().ilog(fan_in);
    let fits = |group: &&[Arc<Run>]| {
        let posting_count: u64 = group.iter().map(|run| run.posting_count()).sum();
        group.windows(2).all(|pair| tier(&pair[0]) == tier(&pair[1]))
            && posting_count < POSTING_COUNT_MAX
    };
    let candidates = runs.windows(fan_in).filter(fits);
    candidates.min_by_key(|group| tier(&group[0])).map(<[_]>::to_vec)
}

#[derive(Debug, Clone)]
struct Work {
    shared: Arc<Shared>,
    signal: Arc<Signal>,
}

impl Work {
    fn run(self) {
        loop {
            let seen = {
                let state = self.signal.lock();
                if state.is_closing {
                    return;
                }
                state.news_count
            };
            match self.turn() {
                Turn::Worked => {}
                Turn::Idle => self.wait(seen),
                Turn::Failed => self.rest(),
            }
        }
    }

    /// Does the next piece of work.
    fn turn(&self) -> Turn {
        self.make_spare();
        match next_job(&self.shared) {
            Some(job) => self.work(job),
            None => Turn::Idle,
        }
    }

    fn rest(&self) {
        let state = self.signal.lock();
        let is_open = |state: &mut KeeperState| !state.is_closing;
        let _ = self.signal.changed.wait_timeout_while(state, RETRY_AFTER, is_open);
    }

    fn wait(&self, seen: u64) {
        let state = self.signal.lock();
        let is_old = |state: &mut KeeperState| state.news_count == seen && !state.is_closing;
        drop(self.signal.changed.wait_while(state, is_old));
    }

    fn work(&self, job: Job) -> Turn {
        let (is_merge, result) = match job {
            Job::Index => (false, self.index()),
            Job::Merge(runs) => (true, self.merge(&runs)),
        };
        if let Err(failure) = &result {
            let error = failure as &dyn std::error::Error;
            tracing::warn!(error, "an index file was not made");
            self.mend(failure);
        }
        let stuck = match &result {
            Ok(()) => None,
            Err(BuildFailure::Write(error)) if is_full(error) => Some(IndexStuck::Full),
            Err(_) => Some(IndexStuck::Broken),
        };
        self.signal.tell(|state| match is_merge {
            true => state.is_merge_failed = stuck.is_some(),
            false => state.stuck = stuck,
        });
        if stuck.is_some() { Turn::Failed } else { Turn::Worked }
    }

    /// Builds an index file again that a merge found damaged.
    fn mend(&self, failure: &BuildFailure) {
        if let BuildFailure::Read(ReadFailure::Damaged { file, .. }) = failure
            && let Err(error) = self.shared.rebuild(file)
        {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "a damaged index file was not built again");
        }
    }

    fn index(&self) -> Result<(), BuildFailure> {
        let view = self.shared.view();
        let Some(table) = view.tables.first() else { return Ok(()) };
        let first = annals_core::id::Position(table.first());
        let run = self.shared.factory.build(&self.shared.files, first, &table.offsets())?;
        self.shared.change_view(|view| {
            view.tables.retain(|other| !Arc::ptr_eq(other, table));
            view.runs.push(Arc::new(run));
        });
        Ok(())
    }

    fn merge(&self, runs: &[Arc<Run>]) -> Result<(), BuildFailure> {
        // Tables in memory are worth more than fewer files: index sealed segments in between.
        let mut go_on = || {
            if self.shared.view().tables.len() > 1 {
                let _ = self.index();
                self.signal.tell(|_| {});
            }
            self.make_spare();
            !self.signal.is_closing()
        };
        let Some(merged) = self.shared.factory.merge(runs, &mut go_on)? else { return Ok(()) };
        let merged = Arc::new(merged);
        let mut is_replaced = false;
        self.shared.change_view(|view| {
            let is_first = |run: &Arc<Run>| Arc::ptr_eq(run, &runs[0]);
            let Some(start) = view.runs.iter().position(is_first) else { return };
            let end = start + runs.len();
            let is_same = view
                .runs
                .get(start..end)
                .is_some_and(|now| now.iter().zip(runs).all(|(a, b)| Arc::ptr_eq(a, b)));
            if is_same {
                view.runs.splice(start..end, [merged]);
                is_replaced = true;
            }
        });
        if is_replaced {
            for run in runs {
                // Readers that still use the file keep it open; a left-over goes at the next start.
                let _ = self.shared.disk.remove(run.path());
            }
        }
        Ok(())
    }

    fn make_spare(&self) {
        {
            let mut state = self.signal.lock();
            if state.spare != Spare::Wanted {
                return;
            }
            state.spare = Spare::Making;
        }
        let made = self.write_spare();
        if let Err(error) = &made {
            tracing::debug!(error = error as &dyn std::error::Error, "no spare segment was made");
            let _ = self.shared.disk.remove(&self.shared.directory.spare());
        }
        self.signal.lock().spare = if made.is_ok() { Spare::Ready } else { Spare::None };
    }

    fn write_spare(&self) -> io::Result<()> {
        let path = self.shared.directory.spare();
        let len = self.shared.options.segment_bytes;
        let file = self.shared.disk.create(&path)?;
        file.allocate(len)?;
        let mut offset = 0;
        while offset < len {
            if self.signal.is_closing() {
                return Err(io::ErrorKind::Interrupted.into());
            }
            let end = len.min(offset + SPARE_STEP_BYTES);
            file.write_zeros(offset, end)?;
            file.sync_data()?;
            offset = end;
        }
        Ok(())
    }
}
