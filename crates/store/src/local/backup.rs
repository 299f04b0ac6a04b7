//! What a backup takes from a running log: its segments, durable bytes only.
//!
//! How the copies are fetched and kept is the caller's matter; what is made of a directory of
//! copies is in `restore`. A segment may change while it is copied, by an erasure: a backup
//! compares `erased_count` before and after, and copies again what differs.
//!
//! INVARIANT (never half a body): bytes are read while no body is half erased, so that a copy
//! without an erasure between its first and last byte is whole.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Debug;
use std::io;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use annals_core::id::{LogId, Position};
use bytes::Bytes;

use super::LocalReader;
use super::directory::{Directory, SmallFileFault, read_list, write_list, write_log_id};
use super::disk::{Disk, OsDisk, in_memory, read_exact_at};
use super::lineage::Lineage;
use super::segment::{RecordReader, SEGMENT_HEAD_BYTES, segment_name};
use super::state::{Shared, View};
use super::walk::Walk;
use crate::contract::{Ancestor, ReadFailure};
use crate::frame::FrameFault;

pub use super::identity::{LogIdentity, read_identity, segment_path};
pub use super::restore::{
    BackupErased, BackupFailure, BackupTarget, BegunRestore, Restored, begin_restore,
    erase_in_backup, restore_directory,
};

/// A segment as a backup sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentInfo {
    /// The position of its first event, which also names its file.
    pub first_position: Position,
    /// The position of its last durable event.
    pub last_position: Position,
    /// Bytes up to the end of the last durable event; what follows is of no use.
    pub byte_count: u64,
    /// Whether it has its last event. Of a sealed segment, only erasure changes the bytes.
    pub is_sealed: bool,
    /// Events whose bodies were erased. A copy with another number must be made again.
    pub erased_count: u64,
}

/// The segments of a running log, for a backup. Shows durable bytes only.
pub trait BackupSource: Debug + Send + Sync {
    /// All segments that have events, oldest first.
    ///
    /// The first call reads the whole log to count erased bodies; later ones what is new, and again
    /// the segments in which bodies were erased since. One call counts at a time.
    ///
    /// # Errors
    /// When stored bytes cannot be read or are damaged.
    fn segments(&self) -> Result<Vec<SegmentInfo>, ReadFailure>;

    /// Where the durable bytes of the segment with this first position end; none for a segment that
    /// is not there. It never goes back.
    ///
    /// # Errors
    /// When stored bytes cannot be read or are damaged.
    fn segment_end(&self, first: Position) -> Result<Option<u64>, ReadFailure>;

    /// Bytes of the segment with this first position; fewer than `len` at its durable end, none
    /// behind it and for a segment that is not there.
    ///
    /// # Errors
    /// As for [`Self::segment_end`].
    fn read_segment(&self, first: Position, offset: u64, len: usize) -> Result<Bytes, ReadFailure>;
}

/// The events of a segment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span {
    pub(crate) first: u64,
    pub(crate) last: u64,
    is_sealed: bool,
}

impl BackupSource for LocalReader {
    fn segments(&self) -> Result<Vec<SegmentInfo>, ReadFailure> {
        let shared = self.shared();
        let mut counts = shared.erased_counts.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut segments = Vec::new();
        for span in spans(shared) {
            segments.push(SegmentInfo {
                first_position: Position(span.first),
                last_position: Position(span.last),
                byte_count: durable_end(shared, span)?,
                is_sealed: span.is_sealed,
                erased_count: counts.count(shared, span)?,
            });
        }
        Ok(segments)
    }

    fn segment_end(&self, first: Position) -> Result<Option<u64>, ReadFailure> {
        let shared = self.shared();
        let span = spans(shared).into_iter().find(|span| span.first == first.get());
        span.map(|span| durable_end(shared, span)).transpose()
    }

    fn read_segment(&self, first: Position, offset: u64, len: usize) -> Result<Bytes, ReadFailure> {
        let shared = self.shared();
        let Some(end) = self.segment_end(first)? else { return Ok(Bytes::new()) };
        let count = end.saturating_sub(offset).min(len as u64);
        let mut bytes = vec![0; in_memory(count)];
        let file = shared.files.file(first);
        let _whole = shared.files.no_zeroing();
        file.and_then(|file| read_exact_at(&*file, &mut bytes, offset))
            .map_err(|error| shared.files.io_failure(first, error))?;
        Ok(bytes.into())
    }
}

/// The segments that have durable events. The head comes first: what the view adds to it is the
/// end of a segment that is sealed since.
pub(crate) fn spans(shared: &Shared) -> Vec<Span> {
    let head = shared.head().position.get();
    let inherited_to = shared.lineage.inherited_to().get();
    let view = shared.view();
    let firsts = firsts(&view);
    let lasts = firsts.iter().skip(1).map(|next| (next - 1, true));
    let lasts = lasts.chain([(head, head == inherited_to)]);
    let spans = firsts.iter().zip(lasts);
    let spans = spans.map(|(first, (last, is_sealed))| Span { first: *first, last, is_sealed });
    spans.filter(|span| span.first <= span.last).collect()
}

fn firsts(view: &View) -> Vec<u64> {
    let of_runs = view.runs.iter().flat_map(|run| run.covered().iter().map(|span| span.first));
    of_runs.chain(view.tables.iter().map(|table| table.first())).collect()
}

/// Behind the last event: frames have nothing behind their last record.
fn durable_end(shared: &Shared, span: Span) -> Result<u64, ReadFailure> {
    let place = shared.ask(|view| shared.place(view, span.last))?;
    let Some(place) = place else {
        let fault = FrameFault("a position is in no index");
        return Err(shared.files.damaged(Position(span.first), 0, fault));
    };
    let (_, parts) = RecordReader::new(&shared.files).record(place)?;
    Ok(u64::from(place.offset) + parts.record_len as u64)
}

/// Erased bodies of segments, as far as they were counted. Owned by its lock, which is held while
/// somebody counts: a second one would only read the same bytes again.
#[derive(Debug, Default)]
pub(crate) struct ErasedCounts(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts(HashMap<u64, ErasedCount>);

#[derive(Debug, Clone, Copy)]
struct ErasedCount {
    /// Erasures in the segment before it was counted.
    erasures: u64,
    /// The position and the offset behind the last event that was looked at.
    next_position: u64,
    end: u64,
    count: u64,
}

impl Counts {
    fn count(&mut self, shared: &Shared, span: Span) -> Result<u64, ReadFailure> {
        let erasures = shared.files.erasure_count(Position(span.first));
        let start =
            ErasedCount { erasures, next_position: span.first, end: SEGMENT_HEAD_BYTES, count: 0 };
        let known = self.0.get(&span.first).filter(|known| known.erasures == erasures);
        let known = known.copied().unwrap_or(start);
        if known.next_position > span.last {
            return Ok(known.count);
        }
        let counted = count_on(shared, span, known)?;
        self.0.insert(span.first, counted);
        Ok(counted.count)
    }
}

fn count_on(shared: &Shared, span: Span, known: ErasedCount) -> Result<ErasedCount, ReadFailure> {
    let segment = Position(span.first);
    let file = shared.files.file(segment);
    let file = file.map_err(|error| shared.files.io_failure(segment, error))?;
    let owner = shared.lineage.owner(segment);
    let mut walk = Walk::new(&shared.files, &*file, segment, owner)?;
    (walk.next_position, walk.end) = (known.next_position, known.end);
    let mut count = known.count;
    walk.run(span.last, &mut |record| count += u64::from(record.is_erased))?;
    if walk.next_position <= span.last {
        let fault = FrameFault("the segment ends before the next one begins");
        return Err(shared.files.damaged(segment, walk.end, fault));
    }
    let (next_position, end) = (walk.next_position, walk.end);
    Ok(ErasedCount { next_position, end, count, ..known })
}

/// The name of a segment's file below `log/`, in a backup as in a data directory.
#[must_use]
pub fn segment_file_name(first: Position) -> String {
    segment_name(first)
}

/// Makes a directory the backup of a log: with its identity and lineage, and places for segments.
///
/// # Errors
/// When the directory cannot be written.
pub fn write_identity(backup: &Path, log_id: LogId, ancestors: &[Ancestor]) -> io::Result<()> {
    let directory = Directory::new(backup);
    for path in [backup.to_owned(), directory.log(), directory.trust()] {
        OsDisk.create_dir(&path)?;
    }
    if !ancestors.is_empty() {
        Lineage::new(ancestors.to_vec(), log_id).write(&OsDisk, &directory)?;
    }
    write_log_id(&OsDisk, &directory, log_id)
}

const REDACTIONS_MAGIC: &[u8; 8] = b"ANNALSRD";

/// The positions that were erased in a backup, without an event of the log saying so.
pub(crate) fn read_redactions(
    disk: &dyn Disk,
    directory: &Directory,
) -> Result<BTreeSet<u64>, SmallFileFault> {
    let entries = read_list::<8>(disk, &directory.redactions(), REDACTIONS_MAGIC)?;
    Ok(entries.unwrap_or_default().into_iter().map(u64::from_le_bytes).collect())
}

/// The positions whose bodies were erased in a backup, or in the one that a log was restored from,
/// without an event of the log saying so.
///
/// # Errors
/// When the file that names them is damaged or cannot be read.
pub fn erased_in_backup(directory: &Path) -> Result<Vec<Position>, BackupFailure> {
    let directory = Directory::new(directory);
    let positions = read_redactions(&OsDisk, &directory)
        .map_err(|fault| super::OpenError::small(directory.redactions(), fault))?;
    Ok(positions.into_iter().map(Position).collect())
}

/// Keeps the positions that were erased in a backup.
pub(crate) fn write_redactions(
    disk: &dyn Disk,
    directory: &Directory,
    positions: &BTreeSet<u64>,
) -> io::Result<()> {
    let entries: Vec<[u8; 8]> = positions.iter().map(|position| position.to_le_bytes()).collect();
    write_list(disk, &directory.redactions(), REDACTIONS_MAGIC, &entries)
}
