//! Checks a data directory or a backup offline: every body, header, chain and the tree's root, and
//! says what is wrong first.
//!
//! It opens no log, takes no lock and writes nothing, so the directory must not be written
//! meanwhile. What the log signed is the caller's to know: roots are compared with those that it
//! passes in, and what cannot be checked is said not to be.
//!
//! INVARIANT (only what was checked): the report counts what was computed from the stored bytes.
//! Indexes and the kept tree are never evidence; the tree is a hint where to look.

mod blame;
mod fault;
mod findings;
mod ground;
mod merge;
pub(crate) mod read_only;
mod segment;
mod subtrees;
mod window;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;

use annals_core::hash::Digest;
use annals_core::id::{LogId, Position};

use crate::contract::{Ancestor, ReadFailure};
pub use fault::{AuditFault, AuditFaultKind};

use findings::SegmentFindings;
use ground::Ground;
use merge::Merge;
use segment::check_segment;

/// What to check, and against what.
#[derive(Debug, Clone, Default)]
pub struct AuditOptions {
    /// Threads that check segments side by side; at least one.
    pub threads: usize,
    /// The first position to check; 1 unless given. Later than that, chains and the tree are
    /// taken up in the middle.
    pub from: Option<u64>,
    /// Sizes at which the root is wanted.
    pub roots_at: Vec<u64>,
    /// Trees that the log has signed once: it must still be what they say.
    pub signed: Vec<SignedTree>,
}

/// A size and root that somebody holds a signature for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignedTree {
    /// Leaves.
    pub size: u64,
    /// The root over them.
    pub root: Digest,
}

/// How far a check has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditProgress {
    /// Bytes of checked segments.
    pub bytes_done: u64,
    /// Bytes of all segments.
    pub bytes_total: u64,
    /// Events in the checked segments.
    pub events_done: u64,
}

/// What a check found.
#[derive(Debug, Clone)]
pub struct AuditReport {
    /// The log's identity.
    pub log_id: LogId,
    /// The logs that it was restored from, oldest first.
    pub lineage: Vec<Ancestor>,
    /// The first checked position.
    pub from: Position,
    /// The last position of the log, up to which it was checked; 0 when the log is empty.
    pub head: Position,
    /// Events whose header and chain were checked.
    pub events: u64,
    /// Streams of these events.
    pub streams: u64,
    /// Bodies that are what their commitments say.
    pub bodies_checked: u64,
    /// Bodies that were erased, as a redaction on the log says.
    pub bodies_erased: u64,
    /// Bodies that are gone by the word of the directory's own file `redactions` alone, which
    /// nobody has signed.
    pub bodies_unexplained: u64,
    /// The first of these.
    pub first_unexplained: Option<Position>,
    /// The root of the tree over all events; none after a fault, and none for a check that begins
    /// in the middle without a signed tree of that size to begin with.
    pub root: Option<Digest>,
    /// The roots that were asked for, as far as the log and the check reach.
    pub roots: Vec<SignedTree>,
    /// The signed trees that the checked events were found to agree with.
    pub signed_checked: Vec<SignedTree>,
    /// Bytes of an append that was torn at the log's end and never acknowledged; the next start
    /// cuts them off.
    pub torn_bytes: u64,
    /// What is wrong first.
    pub fault: Option<AuditFault>,
}

/// Why a directory could not be checked at all.
#[derive(Debug, thiserror::Error)]
pub enum AuditFailure {
    /// There is no log in the directory.
    #[error("there is no log in {}", .directory.display())]
    NoLog {
        /// The directory.
        directory: PathBuf,
    },
    /// A file that says what the log is cannot be used.
    #[error("{} cannot be used: {what}", .file.display())]
    Unusable {
        /// The file.
        file: PathBuf,
        /// Why.
        what: String,
    },
    /// The operating system could not read.
    #[error("cannot read {}", .path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: Arc<io::Error>,
    },
}

impl AuditFailure {
    fn io(path: impl Into<PathBuf>, source: io::Error) -> Self {
        Self::Io { path: path.into(), source: Arc::new(source) }
    }
}

impl From<ReadFailure> for AuditFailure {
    fn from(failure: ReadFailure) -> Self {
        match failure {
            ReadFailure::Damaged { file, what, .. } => Self::Unusable { file, what },
            ReadFailure::Io { file, source } => Self::Io { path: file, source },
        }
    }
}

/// Checks the log of a directory.
///
/// # Errors
/// See [`AuditFailure`]; what is wrong with the log itself is in the report.
pub fn audit_directory(
    root: &Path,
    options: &AuditOptions,
    progress: &dyn Fn(AuditProgress),
) -> Result<AuditReport, AuditFailure> {
    let ground = Ground::survey(root, options)?;
    let mut merge = Merge::new(&ground);
    let mut suspicion = ground.suspicion();
    if suspicion.is_none() {
        suspicion = check_segments(&ground, options.threads.max(1), &mut merge, progress)?;
    }
    let suspicion = suspicion.or_else(|| merge.unredacted(&ground));
    let fault = match suspicion {
        Some(suspicion) => Some(blame::settle(&ground, suspicion)),
        None => blame::against_signed(&ground, &merge)?,
    };
    Ok(merge.report(&ground, fault))
}

/// Checks the segments side by side and merges them in order, up to the first that is not right.
fn check_segments(
    ground: &Ground,
    threads: usize,
    merge: &mut Merge,
    progress: &dyn Fn(AuditProgress),
) -> Result<Option<fault::Suspicion>, AuditFailure> {
    let tasks = &ground.tasks;
    let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    let (send, receive) = mpsc::sync_channel(threads);
    std::thread::scope(|scope| {
        for _ in 0..threads.min(tasks.len()) {
            let send = send.clone();
            let (next, stop) = (&next, &stop);
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(task) = tasks.get(number) else { return };
                    if send.send((number, check_segment(ground, task, None))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(send);
        let ended = merge_in_order(ground, &receive, merge, progress);
        stop.store(true, Ordering::Relaxed);
        // Workers that wait to send are let go.
        drop(receive);
        ended
    })
}

type Checked = (usize, Result<SegmentFindings, AuditFailure>);

fn merge_in_order(
    ground: &Ground,
    receive: &mpsc::Receiver<Checked>,
    merge: &mut Merge,
    progress: &dyn Fn(AuditProgress),
) -> Result<Option<fault::Suspicion>, AuditFailure> {
    let mut early = std::collections::BTreeMap::new();
    let mut done =
        AuditProgress { bytes_done: 0, bytes_total: ground.byte_count(), events_done: 0 };
    let mut wanted = 0;
    for (number, findings) in receive {
        early.insert(number, findings);
        while let Some(findings) = early.remove(&wanted) {
            let findings = findings?;
            done.events_done += findings.event_count;
            done.bytes_done += ground.tasks.get(wanted).map_or(0, |task| task.byte_count);
            wanted += 1;
            if let Some(suspicion) = merge.take(findings) {
                return Ok(Some(suspicion));
            }
            progress(done);
        }
    }
    Ok(None)
}
