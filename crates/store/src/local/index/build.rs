//! Makes index files: one from a sealed segment, or one from several smaller ones.
//!
//! A file is written under a temporary name, synced and renamed, so that a file with its right
//! name is whole. Which files to make is decided by the keeper, and what is in one by `collect`.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use annals_core::id::{LogId, Position};

use super::collect::SegmentPostings;
use super::page::{PAGE_BYTES, PostingGroups, is_intact};
use super::run::{Run, RunFault};
use super::write::{Covered, RunWriter};
use crate::contract::ReadFailure;
use crate::local::disk::{Disk, DiskFile, read_exact_at};
use crate::local::segment::SegmentFiles;

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
        let postings = SegmentPostings::collect(files, self.log_id, first, offsets)?;
        let covered = Covered {
            first: first.get(),
            last: first.get() + offsets.len() as u64 - 1,
            last_offset: offsets.last().copied().unwrap_or(0),
            last_head_crc: postings.last_head_crc(),
        };
        self.make(vec![covered], |file, covered| {
            let filter_key_count = postings.filter_key_count();
            let mut writer = RunWriter::new(file, self.log_id, covered, filter_key_count);
            postings.write_to(&mut writer)?;
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

/// The postings of a run, page by page, not through the cache.
struct PostingStream<'a> {
    run: &'a Run,
    /// What is added to ordinals, because the merged run starts earlier.
    shift: u32,
    next_page: u32,
    bytes: Vec<u8>,
    /// The postings of a page, and which is next.
    postings: Vec<(u64, u32)>,
    place: usize,
}

impl<'a> PostingStream<'a> {
    fn new(run: &'a Run, merged_first: u64) -> Self {
        Self {
            run,
            shift: u32::try_from(run.first() - merged_first).unwrap_or(u32::MAX),
            next_page: 0,
            bytes: Vec::new(),
            postings: Vec::new(),
            place: 0,
        }
    }

    /// The key that comes next; none at the end.
    fn key(&mut self) -> Result<Option<u64>, BuildFailure> {
        while self.place == self.postings.len() {
            if self.next_page == self.run.posting_page_count() {
                return Ok(None);
            }
            self.load_page()?;
        }
        Ok(self.postings.get(self.place).map(|(key, _)| *key))
    }

    /// Writes the postings of the key that comes next, and says which key follows it.
    fn write_key(
        &mut self,
        key: u64,
        writer: &mut RunWriter<'_>,
    ) -> Result<Option<u64>, BuildFailure> {
        loop {
            while let Some((next, ordinal)) = self.postings.get(self.place) {
                if *next != key {
                    return Ok(Some(*next));
                }
                writer.push(key, ordinal + self.shift)?;
                self.place += 1;
            }
            if self.key()?.is_none() {
                return Ok(None);
            }
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
        self.postings.clear();
        self.place = 0;
        for group in PostingGroups::of(page) {
            self.postings.extend(group.ordinals().map(|ordinal| (group.key, ordinal)));
        }
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

/// Keys merged between two questions whether to go on.
const MERGE_STEP: usize = 1 << 15;

fn merge_postings(
    runs: &[Arc<Run>],
    writer: &mut RunWriter<'_>,
    go_on: &mut dyn FnMut() -> bool,
) -> Result<(), BuildFailure> {
    let merged_first = runs.first().map_or(0, |run| run.first());
    // Those that have postings left, in the order of their positions, each with its next key.
    let (mut streams, mut keys) = (Vec::new(), Vec::new());
    for run in runs {
        let mut stream = PostingStream::new(run, merged_first);
        if let Some(key) = stream.key()? {
            streams.push(stream);
            keys.push(key);
        }
    }
    let mut step = 0;
    // There are about eight runs: looking at every key beats keeping a heap in order.
    while let Some(smallest) = keys.iter().copied().min() {
        let mut index = 0;
        while let Some(key) = keys.get_mut(index) {
            if *key == smallest {
                match streams[index].write_key(smallest, writer)? {
                    Some(next) => *key = next,
                    None => {
                        keys.remove(index);
                        streams.remove(index);
                        continue;
                    }
                }
            }
            index += 1;
        }
        step += 1;
        if step % MERGE_STEP == 0 && !go_on() {
            return Err(BuildFailure::Stopped);
        }
    }
    Ok(())
}
