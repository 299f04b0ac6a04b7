//! What the writer, the readers and the keeper of a local log share: the files, the index and the
//! head, and how an event is found.
//!
//! Owned by locks: `view` and `head` are replaced as wholes and held only while they are copied.
//! INVARIANT (readers see durable events): the head moves after the sync of its events, and a
//! reader takes the head before the view, so that every position up to its head is in its view.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};

use annals_core::event::Event;
use annals_core::hash::Digest;
use annals_core::id::{LogId, Position};
use annals_core::record::HeaderRef;

use super::backup::ErasedCounts;
use super::backup::spans;
use super::directory::Directory;
use super::disk::Disk;
use super::erase::Eraser;
use super::index::build::{BuildFailure, RunFactory};
use super::index::cache::PageCache;
use super::index::run::{Run, RunPostings};
use super::index::table::Table;
use super::lineage::Lineage;
use super::segment::{Place, RecordReader, SegmentFiles};
use super::walk::{Walk, WalkEnd};
use super::{Durability, LocalOptions};
use crate::assign::Lookup;
use crate::contract::{Head, LogTree, ReadFailure};
use crate::frame::FrameFault;
use crate::tips::{StreamName, Tip};
use crate::tree::{GrownTree, LeafSource};

/// The index as it is at one moment: files for the older segments, tables for the newer ones.
#[derive(Debug, Default)]
pub(crate) struct View {
    /// Neighbouring, oldest first, from position 1 on.
    pub(crate) runs: Vec<Arc<Run>>,
    /// Neighbouring, oldest first, behind the last run. The last may still grow.
    pub(crate) tables: Vec<Arc<Table>>,
}

/// One part of a view.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Source<'a> {
    Run(&'a Run),
    Table(&'a Table),
}

impl View {
    /// The parts, oldest first.
    pub(crate) fn sources(&self) -> impl DoubleEndedIterator<Item = Source<'_>> {
        let runs = self.runs.iter().map(|run| Source::Run(run));
        runs.chain(self.tables.iter().map(|table| Source::Table(table)))
    }

    /// The parts that have positions between two, both included, oldest first.
    pub(crate) fn sources_between(
        &self,
        first: u64,
        last: u64,
    ) -> impl DoubleEndedIterator<Item = Source<'_>> {
        let runs = &self.runs[self.runs.partition_point(|run| run.last() < first)..];
        let runs = &runs[..runs.partition_point(|run| run.first() <= last)];
        let newer = self.tables.partition_point(|table| table.first() <= first);
        let tables = &self.tables[newer.saturating_sub(1)..];
        let tables = &tables[..tables.partition_point(|table| table.first() <= last)];
        let runs = runs.iter().map(|run| Source::Run(run));
        runs.chain(tables.iter().map(|table| Source::Table(table)))
    }

    fn source_of(&self, position: u64) -> Option<Source<'_>> {
        let newer = self.tables.partition_point(|table| table.first() <= position);
        if let Some(index) = newer.checked_sub(1) {
            return Some(Source::Table(&self.tables[index]));
        }
        let index = self.runs.partition_point(|run| run.last() < position);
        self.runs.get(index).map(|run| Source::Run(run))
    }
}

/// The positions of a key in one part of a view.
#[derive(Debug)]
pub(crate) enum SourcePostings<'a> {
    Run(RunPostings<'a>),
    Table(Vec<u64>),
}

impl SourcePostings<'_> {
    pub(crate) fn at_or_after(&mut self, position: u64) -> Result<Option<u64>, ReadFailure> {
        match self {
            Self::Run(postings) => postings.at_or_after(position),
            Self::Table(positions) => {
                let place = positions.partition_point(|other| *other < position);
                Ok(positions.get(place).copied())
            }
        }
    }

    pub(crate) fn at_or_before(&mut self, position: u64) -> Result<Option<u64>, ReadFailure> {
        match self {
            Self::Run(postings) => postings.at_or_before(position),
            Self::Table(positions) => {
                let place = positions.partition_point(|other| *other <= position);
                Ok(place.checked_sub(1).map(|place| positions[place]))
            }
        }
    }

    pub(crate) fn count(&self) -> Result<u64, ReadFailure> {
        match self {
            Self::Run(postings) => postings.count(),
            Self::Table(positions) => Ok(positions.len() as u64),
        }
    }

    pub(crate) fn nth(&self, index: u64) -> Result<Option<u64>, ReadFailure> {
        match self {
            Self::Run(postings) => postings.nth(index),
            Self::Table(positions) => {
                Ok(usize::try_from(index).ok().and_then(|index| positions.get(index).copied()))
            }
        }
    }
}

/// Everything about a local log that more than one party uses.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) directory: Directory,
    pub(crate) options: LocalOptions,
    pub(crate) log_id: LogId,
    pub(crate) lineage: Lineage,
    pub(crate) files: SegmentFiles,
    pub(crate) factory: RunFactory,
    pub(crate) cache: PageCache,
    pub(crate) erased_counts: ErasedCounts,
    pub(crate) tree: GrownTree,
    view: RwLock<Arc<View>>,
    head: RwLock<Head>,
    /// The last position that `sync_log` has made durable.
    synced: Mutex<u64>,
    /// The first sync of `sync_log` that failed.
    broken_sync: OnceLock<ReadFailure>,
    /// Held while index files are replaced.
    repair: Mutex<()>,
}

impl Shared {
    pub(crate) fn new(
        disk: Arc<dyn Disk>,
        directory: Directory,
        options: LocalOptions,
        lineage: Lineage,
    ) -> Self {
        let log_id = lineage.own();
        let files = SegmentFiles::new(Arc::clone(&disk), &directory.log());
        let factory = RunFactory::new(Arc::clone(&disk), directory.index(), log_id);
        let cache = PageCache::new(options.index_cache_bytes, options.filter_bytes);
        let tree = GrownTree::new(Arc::clone(&disk), directory.tree(), log_id);
        Self {
            disk,
            directory,
            options,
            log_id,
            lineage,
            files,
            factory,
            cache,
            erased_counts: ErasedCounts::default(),
            tree,
            view: RwLock::default(),
            head: RwLock::new(Head::EMPTY),
            synced: Mutex::new(0),
            broken_sync: OnceLock::new(),
            repair: Mutex::new(()),
        }
    }

    /// Erases in the files of this log.
    pub(crate) fn eraser(&self) -> Eraser<'_> {
        Eraser { disk: &*self.disk, directory: &self.directory, files: &self.files }
    }

    pub(crate) fn view(&self) -> Arc<View> {
        Arc::clone(&self.view.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Replaces the view by what `change` makes of it.
    pub(crate) fn change_view(&self, change: impl FnOnce(&mut View)) {
        let mut view = self.view.write().unwrap_or_else(PoisonError::into_inner);
        let mut changed = View { runs: view.runs.clone(), tables: view.tables.clone() };
        change(&mut changed);
        *view = Arc::new(changed);
    }

    pub(crate) fn head(&self) -> Head {
        *self.head.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_head(&self, head: Head) {
        *self.head.write().unwrap_or_else(PoisonError::into_inner) = head;
    }

    /// Syncs what a log with [`Durability::Os`] has only given to the operating system: segments
    /// oldest first, so that what is durable is a prefix of the log at any moment.
    ///
    /// A sync that failed once fails for good: the operating system may say so only once, and the
    /// next sync would then succeed over bytes that are lost.
    pub(crate) fn sync_log(&self) -> Result<(), ReadFailure> {
        if self.options.durability == Durability::Sync {
            return Ok(());
        }
        let mut synced = self.synced.lock().unwrap_or_else(PoisonError::into_inner);
        self.check_synced()?;
        let synced_before = *synced;
        for span in spans(self).iter().filter(|span| span.last > synced_before) {
            let segment = Position(span.first);
            let failed = |error| self.files.io_failure(segment, error);
            let file = self.files.file(segment).map_err(failed)?;
            if let Err(error) = file.sync_data() {
                return Err(self.broken_sync.get_or_init(|| failed(error)).clone());
            }
            *synced = span.last;
        }
        Ok(())
    }

    /// Fails for good after a sync that failed: what was appended may be lost with the machine.
    pub(crate) fn check_synced(&self) -> Result<(), ReadFailure> {
        self.broken_sync.get().map_or(Ok(()), |failure| Err(failure.clone()))
    }

    /// Asks the index, and again after repairing each file of it that turns out to be damaged.
    pub(crate) fn ask<T>(
        &self,
        question: impl Fn(&View) -> Result<T, ReadFailure>,
    ) -> Result<T, ReadFailure> {
        let mut mended: Vec<PathBuf> = Vec::new();
        loop {
            match question(&self.view()) {
                // A file that is damaged again at once is not worth another try.
                Err(ReadFailure::Damaged { file, offset, what })
                    if is_index(&file) && !mended.contains(&file) =>
                {
                    tracing::warn!(file = %file.display(), offset, what, "index damaged, building it again");
                    self.rebuild(&file)?;
                    mended.push(file);
                }
                answer => return answer,
            }
        }
    }

    pub(crate) fn place(&self, view: &View, position: u64) -> Result<Option<Place>, ReadFailure> {
        match view.source_of(position) {
            Some(Source::Run(run)) => run.place(&self.cache, position).map(Some),
            Some(Source::Table(table)) => Ok(table.place(position)),
            None => Ok(None),
        }
    }

    /// The event at a position that the view has.
    pub(crate) fn event(
        &self,
        view: &View,
        reader: &mut RecordReader<'_>,
        position: u64,
    ) -> Result<Event, ReadFailure> {
        match self.place(view, position)? {
            Some(place) => reader.event(place, Position(position)),
            None => Err(self.unindexed(position)),
        }
    }

    fn unindexed(&self, position: u64) -> ReadFailure {
        let fault = FrameFault("a position is in no index");
        self.files.damaged(Position(position), 0, fault)
    }

    pub(crate) fn postings<'a>(
        &'a self,
        source: Source<'a>,
        key: u64,
        first: u64,
        last: u64,
    ) -> Result<SourcePostings<'a>, ReadFailure> {
        match source {
            Source::Run(run) if run.may_have(&self.cache, key)? => {
                Ok(SourcePostings::Run(run.postings(&self.cache, key)))
            }
            Source::Run(_) => Ok(SourcePostings::Table(Vec::new())),
            Source::Table(table) => {
                table.postings(&self.files, key, first, last).map(SourcePostings::Table)
            }
        }
    }

    /// The newest event of a stream up to a position.
    pub(crate) fn stream_end(
        &self,
        view: &View,
        key: u64,
        stream: StreamName<'_>,
        last: u64,
    ) -> Result<Option<Event>, ReadFailure> {
        let mut reader = RecordReader::new(&self.files);
        for source in view.sources().rev() {
            let mut candidate = match source {
                Source::Table(table) => match table.stream_end(key) {
                    Some(end) if end <= last => Some(end),
                    Some(_) => self.postings(source, key, 0, last)?.at_or_before(last)?,
                    None => None,
                },
                Source::Run(_) => self.postings(source, key, 0, last)?.at_or_before(last)?,
            };
            while let Some(position) = candidate {
                let event = self.event(view, &mut reader, position)?;
                if StreamName::of(&event.header()) == stream {
                    return Ok(Some(event));
                }
                // Another stream has the same key: walk back to ours.
                let before = position.saturating_sub(1);
                candidate = self.postings(source, key, 0, before)?.at_or_before(before)?;
            }
        }
        Ok(None)
    }

    fn find_identity(
        &self,
        view: &View,
        key: u64,
        is_it: &dyn Fn(&HeaderRef<'_>) -> bool,
    ) -> Result<Option<Event>, ReadFailure> {
        let mut reader = RecordReader::new(&self.files);
        for source in view.sources().rev() {
            let positions = match source {
                Source::Table(table) => table.identity(key),
                Source::Run(_) => self.all_postings(source, key)?,
            };
            for position in positions {
                let event = self.event(view, &mut reader, position)?;
                if is_it(&event.header()) {
                    return Ok(Some(event));
                }
            }
        }
        Ok(None)
    }

    fn may_have_identities(&self, view: &View, keys: &[u64]) -> Result<Vec<bool>, ReadFailure> {
        let mut may_have = vec![false; keys.len()];
        for source in view.sources() {
            match source {
                Source::Table(table) => table.mark_identities(keys, &mut may_have),
                Source::Run(run) => run.mark_identities(&self.cache, keys, &mut may_have)?,
            }
        }
        Ok(may_have)
    }

    fn all_postings(&self, source: Source<'_>, key: u64) -> Result<Vec<u64>, ReadFailure> {
        let mut postings = self.postings(source, key, 0, u64::MAX)?;
        let mut positions = Vec::new();
        let mut next = postings.at_or_after(0)?;
        while let Some(position) = next {
            positions.push(position);
            next = postings.at_or_after(position + 1)?;
        }
        Ok(positions)
    }

    /// Builds the index file at `path` again, as one file for each segment.
    pub(crate) fn rebuild(&self, path: &Path) -> Result<(), ReadFailure> {
        let _alone = self.repair.lock().unwrap_or_else(PoisonError::into_inner);
        let view = self.view();
        let Some(run) = view.runs.iter().find(|run| run.path() == path) else {
            return Ok(());
        };
        let mut built = Vec::new();
        for covered in run.covered() {
            built.push(Arc::new(self.build_run(covered.first, covered.last)?));
        }
        let covers_several = built.len() > 1;
        self.change_view(|view| {
            let place = view.runs.iter().position(|other| Arc::ptr_eq(other, run));
            if let Some(place) = place {
                view.runs.splice(place..=place, built);
            }
        });
        if covers_several {
            // A left-over is removed at the next start.
            let _ = self.disk.remove(path);
        }
        Ok(())
    }

    /// Makes the index file of one sealed segment from the segment alone.
    pub(crate) fn build_run(&self, first: u64, last: u64) -> Result<Run, ReadFailure> {
        let segment = Position(first);
        let failed = |error| self.files.io_failure(segment, error);
        let file = self.disk.open(&self.files.path(segment)).map_err(failed)?;
        let mut walk = Walk::new(&self.files, &*file, segment, self.lineage.owner(segment))?;
        let mut offsets = Vec::new();
        let end = walk.run(last, &mut |record| offsets.push(record.offset))?;
        if walk.next_position != last + 1 {
            let fault = match end {
                WalkEnd::Damaged { fault, .. } => fault,
                WalkEnd::Clean | WalkEnd::Torn { .. } => {
                    FrameFault("the segment ends before the next one begins")
                }
            };
            return Err(self.files.damaged(segment, walk.end, fault));
        }
        self.factory.build(&self.files, segment, &offsets).map_err(|failure| match failure {
            BuildFailure::Read(failure) => failure,
            BuildFailure::Write(source) => {
                ReadFailure::Io { file: self.factory.dir.clone(), source: Arc::new(source) }
            }
            BuildFailure::Useless(_) | BuildFailure::Stopped => ReadFailure::Damaged {
                file: self.factory.dir.clone(),
                offset: 0,
                what: failure.to_string(),
            },
        })
    }
}

fn is_index(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension == "idx")
}

/// The log as one append call sees it. The keeper may replace parts of the index meanwhile, but
/// what it takes away stays readable and says the same.
#[derive(Debug)]
pub(crate) struct Snapshot<'a> {
    shared: &'a Shared,
    view: Arc<View>,
}

impl Shared {
    pub(crate) fn snapshot(&self) -> Snapshot<'_> {
        Snapshot { shared: self, view: self.view() }
    }
}

impl Snapshot<'_> {
    fn ask<T>(&self, question: impl Fn(&View) -> Result<T, ReadFailure>) -> Result<T, ReadFailure> {
        match question(&self.view) {
            // Asking anew repairs the index.
            Err(ReadFailure::Damaged { file, .. }) if is_index(&file) => self.shared.ask(question),
            answer => answer,
        }
    }
}

impl Lookup for Snapshot<'_> {
    fn identity(
        &self,
        key: u64,
        is_it: &dyn Fn(&HeaderRef<'_>) -> bool,
    ) -> Result<Option<Event>, ReadFailure> {
        self.ask(|view| self.shared.find_identity(view, key, is_it))
    }

    fn may_have(&self, keys: &[u64]) -> Vec<bool> {
        let asked = self.ask(|view| self.shared.may_have_identities(view, keys));
        // What cannot be answered here is found out, or fails, when the identity is looked up.
        asked.unwrap_or_else(|_| vec![true; keys.len()])
    }

    fn tip(&self, key: u64, stream: StreamName<'_>) -> Result<Tip, ReadFailure> {
        let end = self.ask(|view| self.shared.stream_end(view, key, stream, u64::MAX))?;
        Ok(end.map_or(Tip::NEW, |event| Tip {
            seq: event.stream_seq(),
            event_hash: event.event_hash(),
        }))
    }
}

impl LeafSource for Shared {
    fn durable_size(&self) -> u64 {
        self.head().position.get()
    }

    fn event_hashes(
        &self,
        first: u64,
        last: u64,
        found: &mut dyn FnMut(Digest),
    ) -> Result<(), ReadFailure> {
        let mut reader = RecordReader::sequential(&self.files);
        for position in first + 1..=last {
            let place = self
                .ask(|view| self.place(view, position)?.ok_or_else(|| self.unindexed(position)))?;
            found(reader.event(place, Position(position))?.event_hash());
        }
        Ok(())
    }
}

impl LogTree for Shared {
    fn grown_to(&self) -> u64 {
        self.tree.grown_to()
    }

    fn grow(&self) -> Result<u64, ReadFailure> {
        self.tree.grow(self)
    }

    fn rows(&self, level: u8, first: u64, count: usize) -> Result<Vec<Digest>, ReadFailure> {
        self.tree.rows(self, level, first, count)
    }

    fn sync(&self) -> Result<(), ReadFailure> {
        self.tree.sync()
    }

    fn rebuild(&self) -> Result<(), ReadFailure> {
        self.tree.rebuild(self)
    }
}
