//! Opens what an earlier process left behind: finds where the log ends, makes that durable, and
//! puts an index over it.
//!
//! Only the last segment is scanned; an older one is sealed by the existence of a later one, and
//! no later one is made before all of it is durable.
//! INVARIANT (nothing unsynced is served): unless the log was closed cleanly, the valid part of
//! the last segment is copied to a new file and synced before anyone sees it. After a failed sync
//! the system may call bytes clean that never reached the disk; a copy writes them again.
//! INVARIANT (damage is not torn): a bad frame that was once durable stops the start; it is never
//! cut off.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use annals_core::id::{LogId, Position};
use annals_core::record::HeaderRef;

use super::OpenError;
use super::backup::read_redactions;
use super::directory::{
    CleanEnd, SmallFileFault, read_clean_end, read_log_id, remove_clean_end, write_log_id,
};
use super::disk::{DiskFile, is_full, read_exact_at};
use super::index::build::{parse_run_name, run_name};
use super::index::run::Run;
use super::index::table::{Table, TableEntries};
use super::segment::{RecordReader, SegmentHead, parse_segment_name};
use super::state::{Shared, View};
use super::walk::{Walk, WalkEnd};
use super::writer::FIRST_SEGMENT_BYTES;
use crate::contract::Head;
use crate::frame::{RECORD_HEAD_BYTES, head_crc_of};
use crate::keys::Keys;

/// Sealed segments without an index file that are indexed in memory at the start, so that a start
/// after a crash does not wait for files to be written.
pub(crate) const TABLE_COUNT_MAX: usize = 8;

/// The last segment, ready for more.
#[derive(Debug)]
pub(crate) struct Active {
    pub(crate) first: Position,
    pub(crate) file: Arc<dyn DiskFile>,
    /// Behind the last frame.
    pub(crate) end: u64,
    /// Where its last commit begins. The next start tells this one from torn bytes by what
    /// follows it, so nothing in it may be erased.
    pub(crate) last_group: u64,
    /// Bytes that the file has room for.
    pub(crate) capacity: u64,
    /// Whether it is a small one that was made on a full disk, for redaction alone.
    pub(crate) is_frugal: bool,
    pub(crate) table: Arc<Table>,
}

/// What a start found and did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OpenReport {
    /// Whether the log was closed by its last process.
    pub was_closed: bool,
    /// Bytes behind the last whole commit that were cut off: an append that nobody was told of.
    /// They are kept in a file `log/….cut`.
    pub torn_bytes: u64,
    /// Index files that were built again.
    pub indexes_built: u64,
    /// Records whose erasure an earlier process had begun.
    pub records_erased: u64,
}

/// Takes or makes the log's identity.
pub(crate) fn settle_log_id(
    disk: &dyn super::disk::Disk,
    directory: &super::directory::Directory,
    new_log_id: LogId,
) -> Result<LogId, OpenError> {
    let path = directory.log_id();
    match read_log_id(disk, directory) {
        // The process that made it may have been killed before its directory was synced.
        Ok(Some(log_id)) => {
            disk.sync_dir(&directory.trust()).map_err(|error| OpenError::io(path, error))?;
            return Ok(log_id);
        }
        Ok(None) => {}
        Err(SmallFileFault::Damaged(what)) => return Err(OpenError::damaged(path, 0, what)),
        Err(SmallFileFault::NewerFormat(format)) => {
            return Err(OpenError::NewerFormat { file: path, format });
        }
        Err(SmallFileFault::Io(source)) => return Err(OpenError::io(path, source)),
    }
    let names =
        disk.list(&directory.log()).map_err(|error| OpenError::io(directory.log(), error))?;
    if names.iter().any(|name| parse_segment_name(name).is_some()) {
        return Err(OpenError::LogIdMissing { file: path });
    }
    write_log_id(disk, directory, new_log_id).map_err(|error| OpenError::io(path, error))?;
    Ok(new_log_id)
}

/// Recovers the log of `shared` and fills its view and head.
pub(crate) fn recover(shared: &Shared) -> Result<(Option<Active>, OpenReport), OpenError> {
    let recovery = Recovery { shared };
    let mut report = OpenReport::default();
    let segments = recovery.segments()?;
    let clean = read_clean_end(&*shared.disk, &shared.directory)
        .map_err(|error| OpenError::io(shared.directory.clean(), error))?;
    let inherited_to = shared.lineage.inherited_to();
    recovery.check_inheritance(&segments)?;
    let active = match segments.last().filter(|last| **last > inherited_to) {
        Some(last) => Some(recovery.active(*last, clean, &mut report)?),
        None => None,
    };
    let mut spans: Vec<(u64, u64)> =
        segments.windows(2).map(|pair| (pair[0].get(), pair[1].get() - 1)).collect();
    if let (Some(last), None) = (segments.last(), &active) {
        spans.push((last.get(), inherited_to.get()));
        recovery.index(&spans, &mut report)?;
        shared.set_head(recovery.head_before(inherited_to.next())?);
    } else {
        recovery.index(&spans, &mut report)?;
    }
    if let Some((active, head)) = &active {
        shared.change_view(|view| view.tables.push(Arc::clone(&active.table)));
        shared.set_head(match head {
            Some(head) => *head,
            None => recovery.head_before(active.first)?,
        });
    }
    remove_clean_end(&*shared.disk, &shared.directory)
        .map_err(|error| OpenError::io(shared.directory.clean(), error))?;
    Ok((active.map(|(active, _)| active), report))
}

struct Recovery<'a> {
    shared: &'a Shared,
}

impl Recovery<'_> {
    /// The first positions of all segments, ascending, each head checked.
    fn segments(&self) -> Result<Vec<Position>, OpenError> {
        let dir = self.shared.directory.log();
        let names =
            self.shared.disk.list(&dir).map_err(|error| OpenError::io(dir.clone(), error))?;
        let mut firsts = Vec::new();
        for name in names {
            if name.ends_with(".tmp") {
                let path = dir.join(&name);
                self.shared.disk.remove(&path).map_err(|error| OpenError::io(path, error))?;
            } else if let Some(first) = parse_segment_name(&name) {
                firsts.push(first);
            }
        }
        firsts.sort_unstable();
        if let Some(first) = firsts.first().filter(|first| **first != Position(1)) {
            return Err(OpenError::SegmentMissing { after: Position(0), next: *first });
        }
        for first in &firsts {
            let owner = self.shared.lineage.owner(*first);
            SegmentHead::check(&*self.shared.disk, &self.shared.files.path(*first), *first, owner)?;
        }
        Ok(firsts)
    }

    /// What the log was restored with is there, and nothing was appended to it.
    fn check_inheritance(&self, segments: &[Position]) -> Result<(), OpenError> {
        let inherited_to = self.shared.lineage.inherited_to();
        let first_own = segments.iter().find(|first| **first > inherited_to);
        let is_missing = segments.is_empty() && inherited_to > Position(0);
        match first_own {
            Some(first) if *first != inherited_to.next() => {
                Err(OpenError::SegmentMissing { after: inherited_to, next: *first })
            }
            None if is_missing => {
                Err(OpenError::SegmentMissing { after: Position(0), next: inherited_to.next() })
            }
            _ => Ok(()),
        }
    }

    /// Scans the last segment and makes what is valid of it durable.
    fn active(
        &self,
        first: Position,
        clean: Option<CleanEnd>,
        report: &mut OpenReport,
    ) -> Result<(Active, Option<Head>), OpenError> {
        let path = self.shared.files.path(first);
        let old = self.open(&path)?;
        let scan = self.scan(&*old, first, u64::MAX)?;
        if let WalkEnd::Damaged { fault, .. } = scan.walk_end {
            return Err(OpenError::damaged(path, scan.end, fault.0));
        }
        let clean = clean
            .filter(|clean| clean.log_id == self.shared.log_id && clean.segment == first.get());
        if clean.is_some_and(|clean| scan.end < clean.end) {
            let what = "the log was closed further on, but there is no valid frame here";
            return Err(OpenError::damaged(path, scan.end, what));
        }
        report.was_closed = clean.is_some_and(|clean| clean.end == scan.end);
        let file = match report.was_closed && scan.walk_end == WalkEnd::Clean {
            true => self.keep(first, old)?,
            false => self.renew(first, &*old, &scan, report)?,
        };
        let capacity = file.len().map_err(|error| OpenError::io(path, error))?;
        let active = Active {
            first,
            file,
            end: scan.end,
            last_group: scan.last_group,
            capacity,
            is_frugal: false,
            table: scan.table,
        };
        Ok((active, scan.head))
    }

    fn scan(&self, file: &dyn DiskFile, first: Position, last: u64) -> Result<Scan, OpenError> {
        let owner = self.shared.lineage.owner(first);
        let known_erased = read_redactions(&*self.shared.disk, &self.shared.directory)
            .map_err(|fault| OpenError::small(self.shared.directory.redactions(), fault))?;
        let walk = Walk::new(&self.shared.files, file, first, owner)?;
        let mut walk = walk.knowing(&known_erased);
        let mut keys = Keys::new(self.shared.log_id);
        let mut entries = TableEntries::default();
        let mut head = None;
        let walk_end = walk.run(last, &mut |record| {
            let ordinal = u32::try_from(entries.offsets.len()).unwrap_or(u32::MAX);
            let header: HeaderRef<'_> = record.header;
            entries.offsets.push(record.offset);
            keys.identities(&header, |key| entries.identities.push((key, ordinal)));
            let stream = keys.stream(header.workspace_id, header.stream_type, header.stream_id);
            entries.streams.push(stream);
            head = Some(Head { position: header.position, recorded_at: header.recorded_at });
        })?;
        let table = Arc::new(Table::new(first, Keys::new(self.shared.log_id)));
        table.add(&entries);
        let (end, next_position, last_group) = (walk.end, walk.next_position, walk.last_group);
        Ok(Scan { walk_end, end, next_position, last_group, table, head })
    }

    /// Goes on with a file that was closed; the sync is for whatever the scan has just believed.
    fn keep(
        &self,
        first: Position,
        file: Arc<dyn DiskFile>,
    ) -> Result<Arc<dyn DiskFile>, OpenError> {
        let path = self.shared.files.path(first);
        file.sync_all().map_err(|error| OpenError::io(path, error))?;
        self.sync_log_dir()?;
        Ok(file)
    }

    /// Puts a synced copy of the valid part in the place of the last segment.
    fn renew(
        &self,
        first: Position,
        old: &dyn DiskFile,
        scan: &Scan,
        report: &mut OpenReport,
    ) -> Result<Arc<dyn DiskFile>, OpenError> {
        let path = self.shared.files.path(first);
        if let WalkEnd::Torn { garbage_end } = scan.walk_end {
            report.torn_bytes = garbage_end - scan.end;
            self.keep_cut(first, old, scan.end, garbage_end)?;
        }
        let tmp = path.with_extension("seg.tmp");
        match self.copy(old, &tmp, scan.end) {
            Ok(()) => {
                self.shared
                    .disk
                    .rename(&tmp, &path)
                    .map_err(|error| OpenError::io(path.clone(), error))?;
                self.sync_log_dir()?;
            }
            Err(error) if is_full(&error) => {
                // On a full disk the same bytes are written again where they are.
                let _ = self.shared.disk.remove(&tmp);
                rewrite(old, scan.end).map_err(|error| OpenError::io(path.clone(), error))?;
                self.sync_log_dir()?;
            }
            Err(error) => return Err(OpenError::io(tmp, error)),
        }
        self.open(&path)
    }

    fn copy(&self, old: &dyn DiskFile, tmp: &std::path::Path, end: u64) -> io::Result<()> {
        let room = end.saturating_add(FIRST_SEGMENT_BYTES);
        let capacity = room.min(self.shared.options.segment_bytes.max(end));
        let new = self.shared.disk.create(tmp)?;
        new.allocate(capacity)?;
        copy_bytes(old, &*new, end)?;
        super::writer::fill_with_zeros(&*new, end, capacity)?;
        new.sync_all()
    }

    /// Bytes that are cut off are kept aside: they may be all that is left of a damaged commit.
    fn keep_cut(
        &self,
        first: Position,
        old: &dyn DiskFile,
        start: u64,
        end: u64,
    ) -> Result<(), OpenError> {
        let name = format!("{:020}-{start}.cut", first.get());
        let path = self.shared.directory.log().join(name);
        tracing::warn!(
            file = %path.display(),
            bytes = end - start,
            "the last commit before the stop was torn and never acknowledged; it is cut off"
        );
        let count = usize::try_from(end - start).unwrap_or(usize::MAX);
        let mut bytes = vec![0; count];
        let kept = read_exact_at(old, &mut bytes, start)
            .and_then(|()| super::directory::write_file(&*self.shared.disk, &path, &bytes));
        match kept {
            Err(error) if !is_full(&error) => Err(OpenError::io(path, error)),
            _ => Ok(()),
        }
    }

    /// Opens the index files that fit the sealed segments, and makes up for those that are missing.
    fn index(&self, spans: &[(u64, u64)], report: &mut OpenReport) -> Result<(), OpenError> {
        let mut found = self.run_files()?;
        let mut view = View::default();
        let mut next = 0;
        while let Some((first, last)) = spans.get(next).copied() {
            if let Some((run, count)) = self.take_run(&mut found, &spans[next..])? {
                view.runs.push(Arc::new(run));
                next += count;
            } else if next + TABLE_COUNT_MAX >= spans.len() && !has_later(&found, last) {
                view.tables.push(self.sealed_table(first, last)?);
                next += 1;
            } else {
                tracing::info!(first, last, "building the index of a segment");
                let run = self.shared.build_run(first, last).map_err(OpenError::read)?;
                view.runs.push(Arc::new(run));
                report.indexes_built += 1;
                next += 1;
            }
        }
        for (_, _, path) in found {
            self.shared.disk.remove(&path).map_err(|error| OpenError::io(path, error))?;
        }
        self.shared.change_view(|shared| *shared = view);
        Ok(())
    }

    /// Index files by their names, the widest of each start last. Left-overs are removed.
    fn run_files(&self) -> Result<Vec<(u64, u64, PathBuf)>, OpenError> {
        let dir = self.shared.directory.index();
        let names =
            self.shared.disk.list(&dir).map_err(|error| OpenError::io(dir.clone(), error))?;
        let mut found = Vec::new();
        for name in names {
            let path = dir.join(&name);
            match parse_run_name(&name) {
                Some((first, last)) => found.push((first, last, path)),
                None if name.ends_with(".tmp") => {
                    self.shared.disk.remove(&path).map_err(|error| OpenError::io(path, error))?;
                }
                None => {}
            }
        }
        found.sort_unstable();
        Ok(found)
    }

    /// The widest usable index file for the next segments, and how many segments it covers.
    fn take_run(
        &self,
        found: &mut Vec<(u64, u64, PathBuf)>,
        spans: &[(u64, u64)],
    ) -> Result<Option<(Run, usize)>, OpenError> {
        let Some((start, _)) = spans.first().copied() else { return Ok(None) };
        while let Some(place) = found.iter().rposition(|(first, ..)| *first == start) {
            let (_, _, path) = found.remove(place);
            let usable = self.shared.factory.open(&path).ok().filter(|run| self.fits(run, spans));
            match usable {
                Some(run) => {
                    // Files inside a wider one are left-overs of a merge.
                    found.retain(|(first, last, path)| {
                        let is_inside = *first >= run.first() && *last <= run.last();
                        if is_inside {
                            let _ = self.shared.disk.remove(path);
                        }
                        !is_inside
                    });
                    let count = run.covered().len();
                    return Ok(Some((run, count)));
                }
                None => {
                    tracing::warn!(file = %path.display(), "an index file is not used");
                    self.shared.disk.remove(&path).map_err(|error| OpenError::io(path, error))?;
                }
            }
        }
        Ok(None)
    }

    /// Whether a file is an index of exactly these segments with exactly these last records.
    fn fits(&self, run: &Run, spans: &[(u64, u64)]) -> bool {
        let covered = run.covered();
        let same_spans = covered.len() <= spans.len()
            && covered.iter().zip(spans).all(|(a, b)| (a.first, a.last) == *b);
        same_spans
            && covered.iter().all(|covered| {
                let mut head = [0; RECORD_HEAD_BYTES];
                let path = self.shared.files.path(Position(covered.first));
                let read = self.shared.disk.open(&path).and_then(|file| {
                    read_exact_at(&*file, &mut head, u64::from(covered.last_offset))
                });
                read.is_ok() && head_crc_of(&head) == covered.last_head_crc
            })
            && run.path().ends_with(run_name(run.first(), run.last()))
    }

    fn sealed_table(&self, first: u64, last: u64) -> Result<Arc<Table>, OpenError> {
        let path = self.shared.files.path(Position(first));
        let file = self.open(&path)?;
        let scan = self.scan(&*file, Position(first), last)?;
        if scan.next_position == last + 1 {
            return Ok(scan.table);
        }
        match scan.walk_end {
            WalkEnd::Damaged { fault, .. } => Err(OpenError::damaged(path, scan.end, fault.0)),
            WalkEnd::Clean | WalkEnd::Torn { .. } => Err(OpenError::SegmentMissing {
                after: Position(scan.next_position - 1),
                next: Position(last + 1),
            }),
        }
    }

    /// The head when the last segment has no event yet.
    fn head_before(&self, first: Position) -> Result<Head, OpenError> {
        let position = first.get() - 1;
        if position == 0 {
            return Ok(Head::EMPTY);
        }
        let shared = self.shared;
        // A damaged index file is built again; it may not keep a log from opening.
        let event = shared
            .ask(|view| shared.event(view, &mut RecordReader::new(&shared.files), position))?;
        let recorded_at = event.header().recorded_at;
        Ok(Head { position: event.position(), recorded_at })
    }

    fn open(&self, path: &std::path::Path) -> Result<Arc<dyn DiskFile>, OpenError> {
        self.shared.disk.open(path).map_err(|error| OpenError::io(path.to_owned(), error))
    }

    fn sync_log_dir(&self) -> Result<(), OpenError> {
        let dir = self.shared.directory.log();
        self.shared.disk.sync_dir(&dir).map_err(|error| OpenError::io(dir, error))
    }
}

struct Scan {
    walk_end: WalkEnd,
    end: u64,
    next_position: u64,
    last_group: u64,
    table: Arc<Table>,
    head: Option<Head>,
}

/// Whether an index file for later positions was found, so that these need one as well.
fn has_later(found: &[(u64, u64, PathBuf)], last: u64) -> bool {
    found.iter().any(|(first, ..)| *first > last)
}

const COPY_BYTES: u64 = 1 << 20;

/// Copies the first `end` bytes.
pub(crate) fn copy_bytes(old: &dyn DiskFile, new: &dyn DiskFile, end: u64) -> io::Result<()> {
    let mut offset = 0;
    while offset < end {
        let count = usize::try_from(COPY_BYTES.min(end - offset)).unwrap_or(0);
        let mut bytes = vec![0; count];
        read_exact_at(old, &mut bytes, offset)?;
        new.write_at(&bytes, offset)?;
        offset += count as u64;
    }
    Ok(())
}

/// Writes the valid bytes again in place, and zeros behind them, and syncs both.
///
/// The file's length is set anew, too: a process before this one may have cut it and failed to sync
/// that, and then a power loss would bring back what was behind.
fn rewrite(file: &dyn DiskFile, end: u64) -> io::Result<()> {
    copy_bytes(file, file, end)?;
    let len = file.len()?;
    super::writer::fill_with_zeros(file, end, len)?;
    file.set_len(len + 1)?;
    file.set_len(len)?;
    file.sync_all()
}
