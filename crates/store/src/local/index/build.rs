//! Makes index files: one from a sealed segment, or one from several smaller ones.
//!
//! A file is written under a temporary name, synced and renamed, so that a file with its right
//! name is whole. Which files to make is decided by the keeper.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use annals_core::id::{LogId, Position};
use annals_core::record::HeaderRef;

use super::page::{PAGE_BYTES, PostingGroups, is_intact};
use super::run::{Run, RunFault};
use super::write::{Covered, RunWriter};
use crate::contract::ReadFailure;
use crate::frame::FrameFault;
use crate::keys::{Keys, is_filtered};
use crate::local::disk::{Disk, DiskFile, read_exact_at};
use crate::local::segment::{Place, RecordReader, SegmentFiles};

/// Postings that a run may have, so that ranks fit into 32 bits.
pub(crate) const POSTING_COUNT_MAX: u64 = 1 << 31;
const MERGE_READ_BYTES: usize = 64 << 10;

/// Why an index file was not made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BuildFailure {
    #[error(transparent)]
    Read(#[from] ReadFailure),
    #[error("cannot write an index file")]
    Write(#[from] io::Error),
    #[error("an index file is useless: {0}")]
    Useless(&'static str),
    #[error("the engine closes")]
    Stopped,
}

impl From<RunFault> for BuildFailure {
    fn from(fault: RunFault) -> Self {
        match fault {
            RunFault::Useless(what) => Self::Useless(what),
            RunFault::Io(error) => Self::Write(error),
        }
    }
}

/// The name of the index file for some positions.
pub(crate) fn run_name(first: u64, last: u64) -> String {
    format!("{first:020}-{last:020}.idx")
}

/// The positions in an index file's name; none for other files.
pub(crate) fn parse_run_name(name: &str) -> Option<(u64, u64)> {
    let (first, last) = name.strip_suffix(".idx")?.split_once('-')?;
    if first.len() != 20 || last.len() != 20 {
        return None;
    }
    Some((first.parse().ok()?, last.parse().ok()?))
}

/// Where index files are made and opened.
#[derive(Debug)]
pub(crate) struct RunFactory {
    disk: Arc<dyn Disk>,
    pub(crate) dir: PathBuf,
    log_id: LogId,
    /// Of the next file in the page cache.
    next_number: AtomicU32,
}

impl RunFactory {
    pub(crate) fn new(disk: Arc<dyn Disk>, dir: PathBuf, log_id: LogId) -> Self {
        Self { disk, dir, log_id, next_number: AtomicU32::new(0) }
    }

    /// Opens an index file of this log.
    pub(crate) fn open(&self, path: &Path) -> Result<Run, RunFault> {
        let number = self.next_number.fetch_add(1, Ordering::Relaxed);
        Run::open(&*self.disk, path, self.log_id, number)
    }

    /// Makes the index file of one sealed segment, whose records start at `offsets`.
    pub(crate) fn build(
        &self,
        files: &SegmentFiles,
        first: Position,
        offsets: &[u32],
    ) -> Result<Run, BuildFailure> {
        let (postings, last_head_crc) = collect(files, self.log_id, first, offsets)?;
        let covered = Covered {
            first: first.get(),
            last: first.get() + offsets.len() as u64 - 1,
            last_offset: offsets.last().copied().unwrap_or(0),
            last_head_crc,
        };
        let filtered = postings.chunk_by(|a, b| a.0 == b.0).filter(|group| is_filtered(group[0].0));
        let filter_key_count = filtered.count() as u64;
        self.make(vec![covered], |file, covered| {
            let mut writer = RunWriter::new(file, self.log_id, covered, filter_key_count);
            for (key, ordinal) in &postings {
                writer.push(*key, *ordinal)?;
            }
            Ok(writer.finish(offsets.iter().copied().map(Ok))?)
        })
    }

    /// Makes one index file of several neighbouring ones. `go_on` is asked now and then;
    /// when it says no the result is none.
    pub(crate) fn merge(
        &self,
        runs: &[Arc<Run>],
        go_on: &mut dyn FnMut() -> bool,
    ) -> Result<Option<Run>, BuildFailure> {
        let covered = runs.iter().flat_map(|run| run.covered().iter().copied()).collect();
        let filter_key_count = runs.iter().map(|run| run.filter_key_count()).sum();
        let made = self.make(covered, |file, covered| {
            let mut writer = RunWriter::new(file, self.log_id, covered, filter_key_count);
            merge_postings(runs, &mut writer, go_on)?;
            Ok(writer.finish(runs.iter().flat_map(|run| run.offsets()))?)
        });
        match made {
            Ok(run) => Ok(Some(run)),
            Err(BuildFailure::Stopped) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    fn make(
        &self,
        covered: Vec<Covered>,
        write: impl FnOnce(&dyn DiskFile, Vec<Covered>) -> Result<(), BuildFailure>,
    ) -> Result<Run, BuildFailure> {
        let (first, last) = match (covered.first(), covered.last()) {
            (Some(first), Some(last)) => (first.first, last.last),
            _ => return Err(BuildFailure::Useless("it would cover nothing")),
        };
        let path = self.dir.join(run_name(first, last));
        let tmp = path.with_extension("tmp");
        let made = self.write_and_rename(&tmp, &path, |file| write(file, covered));
        if made.is_err() {
            // Left-overs are removed at the next start as well.
            let _ = self.disk.remove(&tmp);
        }
        made?;
        Ok(self.open(&path)?)
    }

    fn write_and_rename(
        &self,
        tmp: &Path,
        path: &Path,
        write: impl FnOnce(&dyn DiskFile) -> Result<(), BuildFailure>,
    ) -> Result<(), BuildFailure> {
        let file = self.disk.create(tmp)?;
        write(&*file)?;
        file.sync_all()?;
        self.disk.rename(tmp, path)?;
        self.disk.sync_dir(&self.dir)?;
        Ok(())
    }
}

/// All postings of a segment, sorted, and the checksum in its last record's head.
fn collect(
    files: &SegmentFiles,
    log_id: LogId,
    first: Position,
    offsets: &[u32],
) -> Result<(Vec<(u64, u32)>, u32), ReadFailure> {
    let mut keys = Keys::new(log_id);
    let mut postings = Vec::with_capacity(offsets.len() * 12);
    let mut reader = RecordReader::sequential(files);
    let mut head_crc = 0;
    for (ordinal, offset) in (0_u32..).zip(offsets) {
        let place = Place { segment: first, offset: *offset };
        let damaged = |what| files.damaged(first, u64::from(*offset), FrameFault(what));
        let (record, parts) = reader.record(place)?;
        let header = HeaderRef::parse(parts.header(&record))
            .map_err(|_| damaged("a record's header cannot be read"))?;
        if header.position.get() != first.get() + u64::from(ordinal) {
            return Err(damaged("another position's record is here"));
        }
        keys.identities(&header, |key| postings.push((key, ordinal)));
        keys.postings(&header, |key| postings.push((key, ordinal)));
        head_crc = crate::frame::head_crc_of(&record);
    }
    postings.sort_unstable();
    postings.dedup();
    Ok((postings, head_crc))
}

/// The postings of a run, page by page, not through the cache.
struct PostingStream<'a> {
    run: &'a Run,
    /// What is added to ordinals, because the merged run starts earlier.
    shift: u32,
    next_page: u32,
    bytes: Vec<u8>,
    postings: std::vec::IntoIter<(u64, u32)>,
}

impl<'a> PostingStream<'a> {
    fn new(run: &'a Run, merged_first: u64) -> Self {
        Self {
            run,
            shift: u32::try_from(run.first() - merged_first).unwrap_or(u32::MAX),
            next_page: 0,
            bytes: Vec::new(),
            postings: Vec::new().into_iter(),
        }
    }

    fn next(&mut self) -> Result<Option<(u64, u32)>, BuildFailure> {
        loop {
            if let Some((key, ordinal)) = self.postings.next() {
                return Ok(Some((key, ordinal + self.shift)));
            }
            if self.next_page == self.run.posting_page_count() {
                return Ok(None);
            }
            self.load_page()?;
        }
    }

    fn load_page(&mut self) -> Result<(), BuildFailure> {
        let pages_per_read = MERGE_READ_BYTES / PAGE_BYTES;
        let page_in_read = self.next_page as usize % pages_per_read;
        if page_in_read == 0 {
            let left = (self.run.posting_page_count() - self.next_page) as usize;
            self.bytes.resize(left.min(pages_per_read) * PAGE_BYTES, 0);
            let offset = (1 + u64::from(self.next_page)) * PAGE_BYTES as u64;
            read_exact_at(self.run.file(), &mut self.bytes, offset)?;
        }
        let start = page_in_read * PAGE_BYTES;
        let page = &self.bytes[start..start + PAGE_BYTES];
        if !is_intact(page) {
            return Err(self.damaged());
        }
        let mut postings = Vec::new();
        let mut ordinals = Vec::new();
        for group in PostingGroups::of(page) {
            ordinals.clear();
            group.unpack(&mut ordinals);
            postings.extend(ordinals.iter().map(|ordinal| (group.key, *ordinal)));
        }
        self.postings = postings.into_iter();
        self.next_page += 1;
        Ok(())
    }
}

impl PostingStream<'_> {
    fn damaged(&self) -> BuildFailure {
        BuildFailure::Read(ReadFailure::Damaged {
            file: self.run.path().to_owned(),
            offset: (1 + u64::from(self.next_page)) * PAGE_BYTES as u64,
            what: "the checksum of an index page does not match".to_owned(),
        })
    }
}

/// Postings merged between two questions whether to go on.
const MERGE_STEP: usize = 1 << 16;

fn merge_postings(
    runs: &[Arc<Run>],
    writer: &mut RunWriter<'_>,
    go_on: &mut dyn FnMut() -> bool,
) -> Result<(), BuildFailure> {
    let merged_first = runs.first().map_or(0, |run| run.first());
    let mut streams = Vec::new();
    let mut heads = Vec::new();
    for run in runs {
        let mut stream = PostingStream::new(run, merged_first);
        heads.push(stream.next()?);
        streams.push(stream);
    }
    let mut step = 0;
    // There are about eight runs: looking at every head beats keeping a heap in order.
    while let Some((index, (key, ordinal))) = smallest(&heads) {
        writer.push(key, ordinal)?;
        heads[index] = streams[index].next()?;
        step += 1;
        if step % MERGE_STEP == 0 && !go_on() {
            return Err(BuildFailure::Stopped);
        }
    }
    Ok(())
}

fn smallest(heads: &[Option<(u64, u32)>]) -> Option<(usize, (u64, u32))> {
    let present = heads.iter().enumerate().filter_map(|(index, head)| Some((index, (*head)?)));
    present.min_by_key(|(_, posting)| *posting)
}
