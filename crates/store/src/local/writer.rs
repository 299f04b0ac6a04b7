//! The one writer of a local log: places a group of units, writes it with one write, syncs it
//! with one fdatasync, and only then makes it visible.
//!
//! INVARIANT (acknowledged means durable): between the write of a group and its visibility lies a
//! successful sync of the file that holds it.
//! INVARIANT (a group is in one segment): when a group does not fit, a new segment is made first,
//! so that "nothing is kept" stays true when there is no room for one.
//! INVARIANT (a later segment seals the older ones): a segment gets its name only after everything
//! before it is durable, whatever the log takes for durable otherwise.
//! INVARIANT (fail-stop): after a failed write or sync the writer takes nothing more. A second
//! sync might succeed without the bytes being on the disk.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use annals_core::id::Position;
use annals_core::time::Timestamp;

use super::directory::{CleanEnd, write_clean_end};
use super::disk::{DiskFile, DiskLock, in_memory, is_full, write_pieces_of_zeros};
use super::erase::Target;
use super::index::table::{Table, TableEntries};
use super::keeper::{IndexStuck, Keeper};
use super::recover::Active;
use super::segment::{SEGMENT_HEAD_BYTES, SegmentHead};
use super::state::Shared;
use super::{Durability, LocalReader, reserve};
use crate::assign::{Assigner, Group, PAGE_BYTES};
use crate::contract::{AppendFailure, EraseFailure, Erased, Head, LogWriter, Unit, UnitOutcome};
use crate::frame::{FrameFault, seal_frame};
use crate::keys::Keys;

/// Bytes of a log's first segment: small, because it is filled with zeros while somebody waits.
pub(crate) const FIRST_SEGMENT_BYTES: u64 = 8 << 20;

/// Bytes of a segment after which the next one is made ready.
const LOOK_AHEAD_BYTES: u64 = 1 << 20;

/// Bytes of a segment that is made on a full disk, for redaction alone.
const FRUGAL_SEGMENT_BYTES: u64 = 64 << 10;

/// Appends to a local log. Dropping it closes the log.
#[derive(Debug)]
pub struct LocalWriter {
    shared: Arc<Shared>,
    assigner: Assigner,
    active: Option<Active>,
    /// Why no more appends are taken.
    poison: Option<String>,
    /// Whether the disk is full and this append may use what is set aside for redaction.
    is_frugal: bool,
    // Dropped in this order: the background thread ends before the lock is given up.
    keeper: Keeper,
    _lock: Box<dyn DiskLock>,
}

/// Why a group is not durable.
#[derive(Debug)]
enum PersistFailure {
    /// There is no room, and nothing of the group is in the file.
    Full,
    /// Nothing of the group was written.
    Before(String),
    /// A write or sync of the group failed.
    Unknown(String),
}

impl LocalWriter {
    pub(crate) fn new(
        shared: Arc<Shared>,
        active: Option<Active>,
        keeper: Keeper,
        lock: Box<dyn DiskLock>,
    ) -> Self {
        let assigner = Assigner::new(shared.log_id, shared.head());
        Self { shared, assigner, active, poison: None, is_frugal: false, keeper, _lock: lock }
    }

    /// A reader of this log. It may outlive the writer.
    #[must_use]
    pub fn reader(&self) -> LocalReader {
        LocalReader::new(Arc::clone(&self.shared))
    }

    /// How events become durable here.
    #[must_use]
    pub fn durability(&self) -> Durability {
        self.shared.options.durability
    }

    /// Waits until sealed segments have their index files and these are merged.
    pub fn settle_index(&self) {
        self.keeper.settle();
    }

    /// Closes the log and marks it as cleanly closed.
    ///
    /// # Errors
    /// When the mark cannot be written. The log is closed and whole all the same; the next start
    /// takes a little longer.
    pub fn close(mut self) -> io::Result<()> {
        self.mark_clean()
    }

    fn mark_clean(&mut self) -> io::Result<()> {
        let Some(active) = self.active.take() else { return Ok(()) };
        if self.poison().is_some() {
            return Ok(());
        }
        self.shared.tree.close(&*self.shared);
        active.file.sync_all()?;
        let end = CleanEnd {
            log_id: self.shared.log_id,
            segment: active.first.get(),
            end: active.end,
            position: self.assigner.head().position.get(),
        };
        write_clean_end(&*self.shared.disk, &self.shared.directory, &end)
    }

    /// Why nothing more is taken. A reader may have been the one to meet a failed sync.
    fn poison(&mut self) -> Option<String> {
        if let Err(failure) = self.shared.check_synced() {
            self.poison.get_or_insert_with(|| format!("cannot sync: {failure}"));
        }
        self.poison.clone()
    }

    fn commit(
        &mut self,
        now: Timestamp,
        mut group: Group,
    ) -> Result<Vec<UnitOutcome>, AppendFailure> {
        if let Err(failure) = self.make_room(now, group.buffer.len() as u64) {
            return Err(self.give_up(failure));
        }
        let Some(active) = &mut self.active else {
            return Err(self.give_up(PersistFailure::Before("there is no segment".to_owned())));
        };
        let start = active.end;
        seal_frames(&mut group, narrow(start));
        let entries = table_entries(&mut group, narrow(start));
        let end = start + group.buffer.len() as u64;
        fill_last_page(&mut group.buffer, start, active.capacity);
        let buffer = self.assigner.share(std::mem::take(&mut group.buffer));
        if let Err(failure) = persist(active, &buffer, self.shared.options.durability) {
            return Err(self.give_up(failure));
        }
        active.end = end;
        active.last_group = start;
        active.table.add(&entries);
        self.assigner.commit(entries.offsets.len());
        self.shared.tree.add(group.records.iter().map(|record| record.event_hash));
        self.shared.set_head(self.assigner.head());
        self.shared.tree.relieve(&*self.shared);
        self.look_ahead();
        group
            .finish(&buffer)
            .map_err(|FrameFault(what)| self.give_up(PersistFailure::Unknown(what.to_owned())))
    }

    fn erase_durable(&mut self, positions: &[Position]) -> Result<Erased, EraseFailure> {
        let targets = self.targets(positions)?;
        self.settle(&targets).map_err(|failure| match failure {
            PersistFailure::Full => EraseFailure::StorageFull,
            PersistFailure::Before(reason) | PersistFailure::Unknown(reason) => {
                EraseFailure::Failed { reason }
            }
        })?;
        Ok(self.shared.eraser().erase(targets)?)
    }

    fn targets(&self, positions: &[Position]) -> Result<Vec<Target>, EraseFailure> {
        let head = self.assigner.head().position;
        let place = |position: &Position| match *position {
            position if position == Position(0) || position > head => {
                Err(EraseFailure::NoSuchEvent { position })
            }
            position => match self.shared.ask(|view| self.shared.place(view, position.get())) {
                Ok(Some(place)) => Ok(Target::new(position, place)),
                Ok(None) => Err(EraseFailure::NoSuchEvent { position }),
                Err(failure) => Err(EraseFailure::Failed { reason: failure.to_string() }),
            },
        };
        positions.iter().map(place).collect()
    }

    /// Makes sure that the next start knows these records to be durable: a body of zeros in the
    /// last commit of the last segment would look torn to it.
    fn settle(&mut self, targets: &[Target]) -> Result<(), PersistFailure> {
        let synced = self.shared.sync_log();
        synced.map_err(|failure| PersistFailure::Unknown(format!("cannot sync: {failure}")))?;
        let Some(active) = &self.active else { return Ok(()) };
        let (first, last_group) = (active.first, active.last_group);
        if !targets.iter().any(|target| target.is_behind(first, last_group)) {
            return Ok(());
        }
        self.roll_over(self.assigner.head().recorded_at, 0, false)
    }

    fn give_up(&mut self, failure: PersistFailure) -> AppendFailure {
        self.assigner.abort();
        match failure {
            PersistFailure::Full => AppendFailure::StorageFull,
            PersistFailure::Before(reason) => {
                self.poison = Some(reason.clone());
                AppendFailure::Failed { reason }
            }
            PersistFailure::Unknown(reason) => {
                self.poison = Some(reason.clone());
                AppendFailure::MayBePersisted { reason }
            }
        }
    }

    fn make_room(&mut self, now: Timestamp, byte_count: u64) -> Result<(), PersistFailure> {
        let is_empty = match &mut self.active {
            Some(active)
                if active.end + byte_count <= active.capacity
                    && (self.is_frugal || !active.is_frugal) =>
            {
                return Ok(());
            }
            Some(active) if active.end == SEGMENT_HEAD_BYTES => {
                return grow(active, byte_count);
            }
            Some(_) => false,
            None => true,
        };
        self.roll_over(now, byte_count, is_empty)
    }

    /// Goes on in a new segment.
    fn roll_over(
        &mut self,
        now: Timestamp,
        byte_count: u64,
        is_empty: bool,
    ) -> Result<(), PersistFailure> {
        if !is_empty {
            self.keeper.wait_for_index().map_err(|stuck| match stuck {
                IndexStuck::Full => PersistFailure::Full,
                IndexStuck::Broken => PersistFailure::Before(
                    "the index of sealed segments cannot be written".to_owned(),
                ),
            })?;
        }
        if !self.is_frugal {
            // Redaction comes first when there is room again.
            reserve::set_aside(&*self.shared.disk, &self.shared.directory);
        }
        let synced = self.shared.sync_log();
        synced.map_err(|failure| PersistFailure::Before(format!("cannot sync: {failure}")))?;
        let active = self.new_segment(now, byte_count).map_err(before)?;
        self.shared.change_view(|view| view.tables.push(Arc::clone(&active.table)));
        self.active = Some(active);
        self.keeper.sealed();
        Ok(())
    }

    fn give_up_reserve(&self) -> bool {
        reserve::give_up(&*self.shared.disk, &self.shared.directory).unwrap_or_else(|error| {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "the reserve for redaction cannot be used");
            false
        })
    }

    /// Has the next segment made ahead of time, but not for a log that stays small.
    fn look_ahead(&self) {
        let is_due = |active: &Active| {
            !active.is_frugal && active.end > (active.capacity / 2).min(LOOK_AHEAD_BYTES)
        };
        if self.active.as_ref().is_some_and(is_due) {
            self.keeper.want_spare();
        }
    }

    fn new_segment(&self, now: Timestamp, byte_count: u64) -> io::Result<Active> {
        let first = self.assigner.head().position.next();
        let path = self.shared.files.path(first);
        let disk = &*self.shared.disk;
        let tmp = self.blank_file(&path, SEGMENT_HEAD_BYTES + byte_count)?;
        let head =
            SegmentHead { log_id: self.shared.log_id, first_position: first, created_at: now };
        let made = publish_segment(&self.shared, &tmp, &path, &head);
        let file = made.inspect_err(|_| drop(disk.remove(&tmp)))?;
        let capacity = file.len()?;
        let table = Arc::new(Table::new(first, Keys::new(self.shared.log_id)));
        if let Some(before) = &self.active {
            // As many events as the last segment took: making room step by step moves them all.
            table.reserve(before.table.event_count());
        }
        let last_group = SEGMENT_HEAD_BYTES;
        let (end, is_frugal) = (SEGMENT_HEAD_BYTES, self.is_frugal);
        Ok(Active { first, file, end, last_group, capacity, is_frugal, table })
    }

    /// A file of zeros for the segment at `path`, with room for `needed` bytes.
    fn blank_file(&self, path: &Path, needed: u64) -> io::Result<PathBuf> {
        let full = self.shared.options.segment_bytes;
        if needed <= full && self.keeper.take_spare() {
            return Ok(self.shared.directory.spare());
        }
        let tmp = path.with_extension("seg.tmp");
        let file = self.shared.disk.create(&tmp)?;
        let first = full.min(FIRST_SEGMENT_BYTES);
        let made = match self.active.is_none() && needed <= first {
            _ if self.is_frugal => file.allocate(full.min(FRUGAL_SEGMENT_BYTES).max(needed)),
            true => make_zeroed(&*file, first),
            // Nobody waits for 64 MiB of zeros; syncs are slower until the next segment.
            false => file.allocate(full.max(needed)),
        };
        made.inspect_err(|_| drop(self.shared.disk.remove(&tmp)))?;
        Ok(tmp)
    }
}

impl LogWriter for LocalWriter {
    fn append(
        &mut self,
        now: Timestamp,
        units: Vec<Unit>,
    ) -> Result<Vec<UnitOutcome>, AppendFailure> {
        if let Some(reason) = self.poison() {
            return Err(AppendFailure::Failed { reason });
        }
        let mut group = self.assigner.assign(&self.shared.snapshot(), now, &units);
        drop(units);
        if !group.frames.is_empty() {
            return self.commit(now, group);
        }
        self.assigner.commit(0);
        let buffer = self.assigner.share(std::mem::take(&mut group.buffer));
        group
            .finish(&buffer)
            .map_err(|FrameFault(what)| AppendFailure::Failed { reason: what.to_owned() })
    }

    fn append_on_reserve(
        &mut self,
        now: Timestamp,
        units: Vec<Unit>,
    ) -> Result<Vec<UnitOutcome>, AppendFailure> {
        let mut outcomes = self.append(now, units.clone());
        self.is_frugal = is_storage_full(&outcomes);
        while is_storage_full(&outcomes) {
            outcomes = self.append(now, units.clone());
            if is_storage_full(&outcomes) && !self.give_up_reserve() {
                break;
            }
        }
        self.is_frugal = false;
        outcomes
    }

    fn erase(&mut self, positions: &[Position]) -> Result<Erased, EraseFailure> {
        if let Some(reason) = self.poison() {
            return Err(EraseFailure::Failed { reason });
        }
        let erased = self.erase_durable(positions);
        if let Err(EraseFailure::Failed { reason }) = &erased {
            self.poison = Some(reason.clone());
        }
        // The reserve may have been used up.
        reserve::set_aside(&*self.shared.disk, &self.shared.directory);
        erased
    }

    fn head(&self) -> Head {
        self.assigner.head()
    }
}

impl Drop for LocalWriter {
    fn drop(&mut self) {
        if let Err(error) = self.mark_clean() {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "the log was closed without its mark");
        }
    }
}

fn is_storage_full(outcomes: &Result<Vec<UnitOutcome>, AppendFailure>) -> bool {
    matches!(outcomes, Err(AppendFailure::StorageFull))
}

fn before(error: io::Error) -> PersistFailure {
    match is_full(&error) {
        true => PersistFailure::Full,
        false => PersistFailure::Before(format!("cannot make a segment: {error}")),
    }
}

fn seal_frames(group: &mut Group, group_offset: u32) {
    for frame in &group.frames {
        let bytes = &mut group.buffer[frame.start..frame.end];
        seal_frame(bytes, frame.record_count, group_offset);
    }
}

fn table_entries(group: &mut Group, group_offset: u32) -> TableEntries {
    TableEntries {
        offsets: group
            .records
            .iter()
            .map(|record| group_offset + narrow(record.start as u64))
            .collect(),
        identities: std::mem::take(&mut group.identities),
        streams: std::mem::take(&mut group.streams),
    }
}

/// Fills a group up with zeros to the end of its last page, as far as the segment goes: they take the
/// place of zeros, and a page that is written whole need not be read first.
fn fill_last_page(buffer: &mut Vec<u8>, start: u64, capacity: u64) {
    let end = start + buffer.len() as u64;
    let filled = end.next_multiple_of(PAGE_BYTES as u64).min(capacity);
    let missing = in_memory(filled.saturating_sub(end));
    buffer.resize(buffer.len() + missing, 0);
}

fn persist(
    active: &mut Active,
    buffer: &[u8],
    durability: Durability,
) -> Result<(), PersistFailure> {
    match active.file.write_at(buffer, active.end) {
        Ok(()) => {}
        Err(error) if is_full(&error) => return take_back(active),
        Err(error) => return Err(PersistFailure::Unknown(format!("cannot write: {error}"))),
    }
    match durability {
        Durability::Sync => active
            .file
            .sync_data()
            .map_err(|error| PersistFailure::Unknown(format!("cannot sync: {error}"))),
        Durability::Os => Ok(()),
    }
}

/// Cuts off what a write left behind that found the disk full, durably: otherwise a whole frame
/// of it could come back after a crash, though its writer was told that nothing is kept.
fn take_back(active: &mut Active) -> Result<(), PersistFailure> {
    let cut = active.file.set_len(active.end).and_then(|()| active.file.sync_all());
    match cut {
        Ok(()) => {
            active.capacity = active.end;
            Err(PersistFailure::Full)
        }
        Err(error) => Err(PersistFailure::Unknown(format!("cannot take back a write: {error}"))),
    }
}

/// Makes an empty segment large enough for a group.
fn grow(active: &mut Active, byte_count: u64) -> Result<(), PersistFailure> {
    let capacity = SEGMENT_HEAD_BYTES + byte_count;
    active.file.allocate(capacity).and_then(|()| active.file.sync_all()).map_err(before)?;
    active.capacity = capacity;
    Ok(())
}

fn publish_segment(
    shared: &Shared,
    tmp: &Path,
    path: &Path,
    head: &SegmentHead,
) -> io::Result<Arc<dyn DiskFile>> {
    let file = shared.disk.open(tmp)?;
    file.write_at(&head.to_bytes(), 0)?;
    file.sync_all()?;
    shared.disk.rename(tmp, path)?;
    shared.disk.sync_dir(&shared.directory.log())?;
    Ok(file)
}

/// Room that is reserved and written: a sync of bytes written over zeros need not record new
/// extents, which halves its time on ext4.
fn make_zeroed(file: &dyn DiskFile, len: u64) -> io::Result<()> {
    file.allocate(len)?;
    fill_with_zeros(file, 0, len)
}

/// Writes zeros from `start` to `end` that stay in memory.
pub(crate) fn fill_with_zeros(file: &dyn DiskFile, start: u64, end: u64) -> io::Result<()> {
    write_pieces_of_zeros(start, end, |zeros, offset| file.write_at(zeros, offset))
}

/// INVARIANT (segments are small): the assigner keeps groups below 2³⁰ bytes, and a segment has
/// at most its usual size or one group, so that offsets fit into 32 bits.
fn narrow(offset: u64) -> u32 {
    u32::try_from(offset).unwrap_or(u32::MAX)
}
