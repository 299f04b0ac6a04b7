//! A sealed index file: which positions a key stands for, and where their records are.
//!
//! A run speaks for some neighbouring sealed segments and never changes. All of it but its root is
//! read through the page cache. It is derived data: whatever does not fit is a reason to build it
//! again from the segments, never evidence about them.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use annals_core::id::{LogId, Position};

use super::cache::{PageCache, PageId};
use super::filter::{FilterProbe, ResidentFilter, filter_page_count};
use super::page::{PAGE_BYTES, Page, PageBytes, PostingGroups, is_intact, u32_at, u64_at};
use super::write::{
    COVERED_BYTES, COVERED_PER_PAGE, Covered, FORMAT, Layout, MAGIC, OFFSETS_PER_PAGE,
    TOP_ENTRIES_PER_PAGE, TOP_ENTRY_BYTES, TopEntry,
};
use crate::contract::ReadFailure;
use crate::keys::is_filtered;
use crate::local::disk::{Disk, DiskFile, in_memory, read_exact_at};
use crate::local::segment::Place;

/// Why an index file is not used.
#[derive(Debug)]
pub(crate) enum RunFault {
    /// It is not what it should be; it can be removed and built again.
    Useless(&'static str),
    /// It cannot be read now.
    Io(io::Error),
}

impl From<io::Error> for RunFault {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Useless("it is cut off"),
            _ => Self::Io(error),
        }
    }
}

/// An index file.
#[derive(Debug)]
pub(crate) struct Run {
    number: u32,
    path: PathBuf,
    file: Arc<dyn DiskFile>,
    first: u64,
    last: u64,
    layout: Layout,
    /// The first entry of each page of the top level.
    root: Vec<TopEntry>,
    covered: Vec<Covered>,
    /// Read when it is first asked.
    filter: OnceLock<ResidentFilter>,
}

impl Run {
    /// Opens a file and checks that it is an index of this log. `number` names its pages in the
    /// page cache.
    pub(crate) fn open(
        disk: &dyn Disk,
        path: &Path,
        log_id: LogId,
        number: u32,
    ) -> Result<Self, RunFault> {
        let file = disk.open(path)?;
        let page_count = file.len()? / PAGE_BYTES as u64;
        let footer_page = page_count.checked_sub(1).and_then(|page| u32::try_from(page).ok());
        let footer_page = footer_page.ok_or(RunFault::Useless("it is cut off"))?;
        let footer = checked_page(&*file, footer_page)?;
        if &footer[..8] != MAGIC || footer[8..10] != FORMAT.to_le_bytes() {
            return Err(RunFault::Useless("it is not an index of this format"));
        }
        if footer[12..28] != *log_id.as_bytes() {
            return Err(RunFault::Useless("it belongs to another log"));
        }
        let mut run = Self {
            number,
            path: path.to_owned(),
            file,
            first: u64_at(&footer, 28),
            last: u64_at(&footer, 36),
            layout: parse_layout(&footer),
            root: Vec::new(),
            covered: Vec::new(),
            filter: OnceLock::new(),
        };
        let record_count = run.last.checked_sub(run.first).and_then(|count| count.checked_add(1));
        if !record_count.is_some_and(|count| run.layout.fills(count, page_count)) {
            return Err(RunFault::Useless("its parts do not fill it"));
        }
        run.load_root()?;
        run.load_covered()?;
        Ok(run)
    }

    fn load_root(&mut self) -> Result<(), RunFault> {
        let entry_count = self.layout.posting_page_count as usize;
        for page in 0..entry_count.div_ceil(TOP_ENTRIES_PER_PAGE) {
            let page = self.layout.top_page.saturating_add(u32::try_from(page).unwrap_or(u32::MAX));
            self.root.push(top_entry(&checked_page(&*self.file, page)?, 0));
        }
        Ok(())
    }

    fn load_covered(&mut self) -> Result<(), RunFault> {
        let count = self.layout.covered_count as usize;
        for (page, first) in (self.layout.covered_page..).zip((0..count).step_by(COVERED_PER_PAGE))
        {
            let page = checked_page(&*self.file, page)?;
            for place in 0..COVERED_PER_PAGE.min(count - first) {
                let start = place * COVERED_BYTES;
                self.covered.push(Covered {
                    first: u64_at(&page, start),
                    last: u64_at(&page, start + 8),
                    last_offset: u32_at(&page, start + 16),
                    last_head_crc: u32_at(&page, start + 20),
                });
            }
        }
        let ends = (self.covered.first(), self.covered.last());
        match ends {
            (Some(first), Some(last)) if first.first == self.first && last.last == self.last => {
                Ok(())
            }
            _ => Err(RunFault::Useless("its segments do not fit its positions")),
        }
    }

    pub(crate) fn first(&self) -> u64 {
        self.first
    }

    pub(crate) fn last(&self) -> u64 {
        self.last
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn file(&self) -> &dyn DiskFile {
        &*self.file
    }

    pub(crate) fn covered(&self) -> &[Covered] {
        &self.covered
    }

    pub(crate) fn posting_page_count(&self) -> u32 {
        self.layout.posting_page_count
    }

    pub(crate) fn posting_count(&self) -> u64 {
        self.layout.posting_count
    }

    pub(crate) fn filter_key_count(&self) -> u64 {
        self.layout.filter_key_count
    }

    /// Where the record at a position of the run is.
    pub(crate) fn place(&self, cache: &PageCache, position: u64) -> Result<Place, ReadFailure> {
        let ordinal = position - self.first;
        let page = self.layout.offset_page + narrow(ordinal / OFFSETS_PER_PAGE as u64);
        let page = self.page(cache, page)?;
        let slot = in_memory(ordinal % OFFSETS_PER_PAGE as u64);
        let index = self.covered.partition_point(|covered| covered.last < position);
        let segment = self.covered.get(index).map_or(self.first, |covered| covered.first);
        Ok(Place { segment: Position(segment), offset: u32_at(&page, slot * 4) })
    }

    /// Where all records of the run start, in order of position, not through the cache.
    pub(crate) fn offsets(&self) -> impl Iterator<Item = io::Result<u32>> + '_ {
        let count = self.last - self.first + 1;
        let mut page: Option<(u64, Page)> = None;
        (0..count).map(move |ordinal| {
            let index = ordinal / OFFSETS_PER_PAGE as u64;
            if page.as_ref().is_none_or(|(held, _)| *held != index) {
                let number = self.layout.offset_page + narrow(index);
                let loaded = checked_page(&*self.file, number).map_err(|fault| match fault {
                    RunFault::Io(error) => error,
                    RunFault::Useless(what) => io::Error::new(io::ErrorKind::InvalidData, what),
                })?;
                page = Some((index, loaded));
            }
            let slot = in_memory(ordinal % OFFSETS_PER_PAGE as u64);
            Ok(page.as_ref().map_or(0, |(_, page)| u32_at(page, slot * 4)))
        })
    }

    /// Whether the run may have postings for a key. Only identities and streams are filtered.
    pub(crate) fn may_have(&self, cache: &PageCache, key: u64) -> Result<bool, ReadFailure> {
        if !is_filtered(key) {
            return Ok(true);
        }
        let probe = FilterProbe::new(key, self.layout.filter_block_count);
        if let Some(filter) = self.filter(cache)? {
            return Ok(filter.may_have(probe));
        }
        let page = self.page(cache, self.layout.filter_page + probe.page())?;
        Ok(probe.is_in(&page))
    }

    /// Marks those of some filtered keys for which the run may have postings.
    pub(crate) fn mark_identities(
        &self,
        cache: &PageCache,
        keys: &[u64],
        may_have: &mut [bool],
    ) -> Result<(), ReadFailure> {
        match self.filter(cache)? {
            Some(filter) => {
                let block_count = self.layout.filter_block_count;
                for (key, may_have) in keys.iter().zip(may_have) {
                    *may_have |= filter.may_have(FilterProbe::new(*key, block_count));
                }
            }
            None => {
                for (key, may_have) in keys.iter().zip(may_have) {
                    *may_have = *may_have || self.may_have(cache, *key)?;
                }
            }
        }
        Ok(())
    }

    /// The filter in memory, if there is room for it.
    fn filter(&self, cache: &PageCache) -> Result<Option<&ResidentFilter>, ReadFailure> {
        if let Some(filter) = self.filter.get() {
            return Ok(Some(filter));
        }
        let block_count = self.layout.filter_block_count;
        let Some(place) = cache.filter_room().take(block_count) else { return Ok(None) };
        let mut filter = ResidentFilter::new(place, block_count);
        for page in 0..filter_page_count(block_count) {
            let page = self.layout.filter_page + page;
            let checked = checked_page(&*self.file, page);
            filter.add_page(&checked.map_err(|fault| self.failure(page, fault))?);
        }
        Ok(Some(self.filter.get_or_init(|| filter)))
    }

    /// The postings of a key.
    pub(crate) fn postings<'a>(&'a self, cache: &'a PageCache, key: u64) -> RunPostings<'a> {
        RunPostings { run: self, cache, key, ordinals: Vec::new() }
    }

    /// How many postings come before (key, ordinal) in the run.
    fn rank(&self, cache: &PageCache, key: u64, ordinal: u32) -> Result<u64, ReadFailure> {
        let Some((page_index, entry)) = self.page_of(cache, key, ordinal)? else {
            return Ok(0);
        };
        let page = self.page(cache, 1 + page_index)?;
        let mut rank = u64::from(entry.before);
        for group in PostingGroups::of(&page) {
            if group.key > key {
                break;
            }
            if group.key == key {
                let mut ordinals = Vec::new();
                group.unpack(&mut ordinals);
                rank += ordinals.partition_point(|other| *other < ordinal) as u64;
                break;
            }
            rank += u64::from(group.count);
        }
        Ok(rank)
    }

    /// The posting with a rank.
    fn nth(&self, cache: &PageCache, rank: u64) -> Result<Option<(u64, u32)>, ReadFailure> {
        let wanted = narrow(rank);
        let found = self.last_entry(cache, |entry| entry.before <= wanted)?;
        let Some((page_index, entry)) = found else { return Ok(None) };
        let page = self.page(cache, 1 + page_index)?;
        let mut left = wanted - entry.before;
        for group in PostingGroups::of(&page) {
            if left < group.count {
                let mut ordinals = Vec::new();
                group.unpack(&mut ordinals);
                return Ok(ordinals.get(left as usize).map(|ordinal| (group.key, *ordinal)));
            }
            left -= group.count;
        }
        Ok(None)
    }

    /// The last posting page that starts at or before (key, ordinal).
    fn page_of(
        &self,
        cache: &PageCache,
        key: u64,
        ordinal: u32,
    ) -> Result<Option<(u32, TopEntry)>, ReadFailure> {
        self.last_entry(cache, |entry| (entry.key, entry.ordinal) <= (key, ordinal))
    }

    /// The last entry of the top level for which `holds`, which is true for the first ones only.
    fn last_entry(
        &self,
        cache: &PageCache,
        holds: impl Fn(&TopEntry) -> bool,
    ) -> Result<Option<(u32, TopEntry)>, ReadFailure> {
        let Some(top_index) = self.root.partition_point(&holds).checked_sub(1) else {
            return Ok(None);
        };
        let page = self.page(cache, self.layout.top_page + narrow(top_index as u64))?;
        let first = top_index * TOP_ENTRIES_PER_PAGE;
        let count = TOP_ENTRIES_PER_PAGE.min(self.layout.posting_page_count as usize - first);
        let (mut low, mut high) = (0, count);
        while high - low > 1 {
            let middle = (low + high) / 2;
            if holds(&top_entry(&page, middle)) { low = middle } else { high = middle }
        }
        Ok(Some((narrow((first + low) as u64), top_entry(&page, low))))
    }

    fn page(&self, cache: &PageCache, page: u32) -> Result<Page, ReadFailure> {
        cache.get(PageId { file: self.number, page }, || {
            checked_page(&*self.file, page).map_err(|fault| self.failure(page, fault))
        })
    }

    fn failure(&self, page: u32, fault: RunFault) -> ReadFailure {
        let file = self.path.clone();
        match fault {
            RunFault::Io(source) => ReadFailure::Io { file, source: Arc::new(source) },
            RunFault::Useless(what) => {
                let offset = u64::from(page) * PAGE_BYTES as u64;
                ReadFailure::Damaged { file, offset, what: what.to_owned() }
            }
        }
    }
}

fn checked_page(file: &dyn DiskFile, page: u32) -> Result<Page, RunFault> {
    let mut bytes = PageBytes::ZEROS;
    read_exact_at(file, bytes.as_mut_slice(), u64::from(page) * PAGE_BYTES as u64)?;
    if !is_intact(&bytes) {
        return Err(RunFault::Useless("the checksum of an index page does not match"));
    }
    Ok(Arc::new(bytes))
}

fn parse_layout(footer: &[u8]) -> Layout {
    let number = |place: usize| u32_at(footer, 60 + place * 4);
    Layout {
        posting_count: u64_at(footer, 44),
        filter_key_count: u64_at(footer, 52),
        posting_page_count: number(0),
        top_page: number(1),
        filter_page: number(2),
        filter_block_count: number(3),
        offset_page: number(4),
        covered_page: number(5),
        covered_count: number(6),
    }
}

fn top_entry(page: &[u8], place: usize) -> TopEntry {
    let start = place * TOP_ENTRY_BYTES;
    TopEntry {
        key: u64_at(page, start),
        ordinal: u32_at(page, start + 8),
        before: u32_at(page, start + 12),
    }
}

/// INVARIANT (runs stay small): merging stops before a run has 2³¹ postings, so that ordinals,
/// ranks and page numbers fit into 32 bits.
fn narrow(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// The positions of one key in one run.
#[derive(Debug)]
pub(crate) struct RunPostings<'a> {
    run: &'a Run,
    cache: &'a PageCache,
    key: u64,
    /// The key's ordinals in the page looked at last.
    ordinals: Vec<u32>,
}

impl RunPostings<'_> {
    /// The first position at or after `position`.
    pub(crate) fn at_or_after(&mut self, position: u64) -> Result<Option<u64>, ReadFailure> {
        if position > self.run.last {
            return Ok(None);
        }
        let ordinal = narrow(position.saturating_sub(self.run.first));
        if let Some(found) = self.in_hand_at_or_after(ordinal) {
            return Ok(Some(found));
        }
        let page = self.run.page_of(self.cache, self.key, ordinal)?.map_or(0, |(page, _)| page);
        // The key's postings may start in the next page, or go on in it.
        for page in page..self.run.posting_page_count().min(page + 2) {
            let is_last = self.take_in_hand(page)?;
            let place = self.ordinals.partition_point(|other| *other < ordinal);
            if let Some(found) = self.ordinals.get(place) {
                return Ok(Some(self.run.first + u64::from(*found)));
            }
            if is_last {
                break;
            }
        }
        Ok(None)
    }

    /// The last position at or before `position`.
    pub(crate) fn at_or_before(&mut self, position: u64) -> Result<Option<u64>, ReadFailure> {
        let Some(ordinal) = position.min(self.run.last).checked_sub(self.run.first) else {
            return Ok(None);
        };
        let ordinal = narrow(ordinal);
        if let Some(found) = self.in_hand_at_or_before(ordinal) {
            return Ok(Some(found));
        }
        let Some((page, _)) = self.run.page_of(self.cache, self.key, ordinal)? else {
            return Ok(None);
        };
        let _ = self.take_in_hand(page)?;
        let place = self.ordinals.partition_point(|other| *other <= ordinal);
        let found = place.checked_sub(1).map(|place| self.ordinals[place]);
        Ok(found.map(|ordinal| self.run.first + u64::from(ordinal)))
    }

    /// How many postings the key has.
    pub(crate) fn count(&self) -> Result<u64, ReadFailure> {
        let end = self.run.rank(self.cache, self.key, u32::MAX)?;
        Ok(end.saturating_sub(self.run.rank(self.cache, self.key, 0)?))
    }

    /// The key's posting number `index`, from 0.
    pub(crate) fn nth(&self, index: u64) -> Result<Option<u64>, ReadFailure> {
        let rank = self.run.rank(self.cache, self.key, 0)? + index;
        let found = self.run.nth(self.cache, rank)?;
        let own = found.filter(|(key, _)| *key == self.key);
        Ok(own.map(|(_, ordinal)| self.run.first + u64::from(ordinal)))
    }

    /// Only an answer between two ordinals in hand is sure without looking at other pages.
    fn in_hand_at_or_after(&self, ordinal: u32) -> Option<u64> {
        if *self.ordinals.first()? > ordinal {
            return None;
        }
        let place = self.ordinals.partition_point(|other| *other < ordinal);
        self.ordinals.get(place).map(|found| self.run.first + u64::from(*found))
    }

    fn in_hand_at_or_before(&self, ordinal: u32) -> Option<u64> {
        if *self.ordinals.last()? < ordinal {
            return None;
        }
        let place = self.ordinals.partition_point(|other| *other <= ordinal).checked_sub(1)?;
        Some(self.run.first + u64::from(self.ordinals[place]))
    }

    /// Takes the key's postings in a page; says whether a larger key is in it, so that the key has
    /// no postings behind it.
    fn take_in_hand(&mut self, page: u32) -> Result<bool, ReadFailure> {
        self.ordinals.clear();
        let page = self.run.page(self.cache, 1 + page)?;
        let mut groups = PostingGroups::of(&page).skip_while(|group| group.key < self.key);
        let mut group = groups.next();
        if let Some(own) = group.filter(|group| group.key == self.key) {
            own.unpack(&mut self.ordinals);
            group = groups.next();
        }
        Ok(group.is_some())
    }
}
