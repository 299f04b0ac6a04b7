//! Writes an index file from sorted postings, one pass, never looking back.
//!
//! The caller syncs and renames the file; until then nobody trusts it.

use std::io;

use annals_core::id::LogId;

use super::filter::{FilterBuilder, filter_page_count};
use super::page::{PAGE_BYTES, PAGE_ROOM, PostingPacker, seal_page};
use crate::keys::is_filtered;
use crate::local::disk::DiskFile;

pub(crate) const MAGIC: &[u8; 8] = b"ANNALIDX";
pub(crate) const FORMAT: u16 = 2;
/// Bytes of an entry of the top level.
pub(crate) const TOP_ENTRY_BYTES: usize = 16;
/// Entries of a page of the top level.
pub(crate) const TOP_ENTRIES_PER_PAGE: usize = PAGE_ROOM / TOP_ENTRY_BYTES;
/// Record offsets of a page.
pub(crate) const OFFSETS_PER_PAGE: usize = PAGE_ROOM / 4;
/// Bytes of a segment's entry.
pub(crate) const COVERED_BYTES: usize = 24;
/// Segment entries of a page.
pub(crate) const COVERED_PER_PAGE: usize = PAGE_ROOM / COVERED_BYTES;
const WRITE_BYTES: usize = 256 << 10;
/// Bytes after which a file in the making is synced, so that no commit waits behind all of it.
const SYNC_BYTES: u64 = 4 << 20;

/// A segment that an index file speaks for, and how to recognise it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Covered {
    pub(crate) first: u64,
    pub(crate) last: u64,
    /// Where the last record starts.
    pub(crate) last_offset: u32,
    /// The checksum in the last record's head. It depends on all of the record but the body and,
    /// through the hash of the event before, on the history of its stream.
    pub(crate) last_head_crc: u32,
}

/// The first posting of a posting page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TopEntry {
    pub(crate) key: u64,
    pub(crate) ordinal: u32,
    /// Postings in the pages before.
    pub(crate) before: u32,
}

/// Where the parts of an index file are. Page numbers count from 0; the header is page 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) posting_count: u64,
    pub(crate) posting_page_count: u32,
    pub(crate) top_page: u32,
    pub(crate) filter_page: u32,
    pub(crate) filter_block_count: u32,
    pub(crate) filter_key_count: u64,
    pub(crate) offset_page: u32,
    pub(crate) covered_page: u32,
    pub(crate) covered_count: u32,
}

impl Layout {
    /// Whether the parts follow each other and fill a file of so many pages, identity and last page
    /// included. What a layout says is used as lengths, so it is checked beyond its checksum.
    pub(crate) fn fills(&self, record_count: u64, page_count: u64) -> bool {
        let pages = |count: u64, per_page: usize| count.div_ceil(per_page as u64);
        let posting_pages = u64::from(self.posting_page_count);
        let ends = [
            (1 + posting_pages, self.top_page),
            (
                u64::from(self.top_page) + pages(posting_pages, TOP_ENTRIES_PER_PAGE),
                self.filter_page,
            ),
            (
                u64::from(self.filter_page) + u64::from(filter_page_count(self.filter_block_count)),
                self.offset_page,
            ),
            (
                u64::from(self.offset_page).saturating_add(pages(record_count, OFFSETS_PER_PAGE)),
                self.covered_page,
            ),
        ];
        let end =
            u64::from(self.covered_page) + pages(u64::from(self.covered_count), COVERED_PER_PAGE);
        ends.iter().all(|(end, next)| *end == u64::from(*next))
            && end + 1 == page_count
            && self.filter_key_count <= self.posting_count
            && self.posting_count <= posting_pages * PAGE_ROOM as u64
    }
}

/// An index file in the making.
#[derive(Debug)]
pub(crate) struct RunWriter<'a> {
    file: &'a dyn DiskFile,
    log_id: LogId,
    covered: Vec<Covered>,
    packer: PostingPacker,
    top: Vec<TopEntry>,
    filter: FilterBuilder,
    last_filtered: Option<u64>,
    layout: Layout,
    out: Vec<u8>,
    written: u64,
    synced: u64,
}

impl<'a> RunWriter<'a> {
    /// Starts a file for some neighbouring segments.
    pub(crate) fn new(
        file: &'a dyn DiskFile,
        log_id: LogId,
        covered: Vec<Covered>,
        filter_key_count_max: u64,
    ) -> Self {
        let mut writer = Self {
            file,
            log_id,
            covered,
            packer: PostingPacker::default(),
            top: Vec::new(),
            filter: FilterBuilder::new(filter_key_count_max),
            last_filtered: None,
            layout: Layout::default(),
            out: Vec::with_capacity(WRITE_BYTES + PAGE_BYTES),
            written: 0,
            synced: 0,
        };
        let header = writer.identity();
        seal_page(&mut writer.out, &header);
        writer
    }

    /// What both the first and the last page start with.
    fn identity(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(PAGE_ROOM);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&FORMAT.to_le_bytes());
        bytes.extend_from_slice(&[0; 2]);
        bytes.extend_from_slice(self.log_id.as_bytes());
        bytes.extend_from_slice(&self.first().to_le_bytes());
        bytes.extend_from_slice(&self.last().to_le_bytes());
        bytes
    }

    fn first(&self) -> u64 {
        self.covered.first().map_or(0, |covered| covered.first)
    }

    fn last(&self) -> u64 {
        self.covered.last().map_or(0, |covered| covered.last)
    }

    /// Adds a posting; keys, and the ordinals of a key, come in ascending order.
    pub(crate) fn push(&mut self, key: u64, ordinal: u32) -> io::Result<()> {
        if self.packer.is_full() {
            self.packer.take_page(&mut self.out);
            self.flush(WRITE_BYTES)?;
        }
        if self.packer.is_empty() {
            let before = u32::try_from(self.layout.posting_count).unwrap_or(u32::MAX);
            self.top.push(TopEntry { key, ordinal, before });
        }
        self.packer.push(key, ordinal);
        self.layout.posting_count += 1;
        if is_filtered(key) && self.last_filtered != Some(key) {
            self.filter.insert(key);
            self.last_filtered = Some(key);
        }
        Ok(())
    }

    /// Writes the rest of the file. `offsets` are where the records of the covered segments
    /// start, in order of position.
    pub(crate) fn finish(
        mut self,
        offsets: impl Iterator<Item = io::Result<u32>>,
    ) -> io::Result<()> {
        if !self.packer.is_empty() {
            self.packer.take_page(&mut self.out);
        }
        self.layout.posting_page_count = u32::try_from(self.top.len()).unwrap_or(u32::MAX);
        self.write_top()?;
        self.layout.filter_page = self.next_page();
        self.layout.filter_block_count = self.filter.block_count();
        self.layout.filter_key_count = self.filter.key_count();
        self.filter.write_pages(&mut self.out);
        self.flush(WRITE_BYTES)?;
        self.write_offsets(offsets)?;
        self.write_covered();
        self.write_footer();
        self.flush(0)
    }

    fn write_top(&mut self) -> io::Result<()> {
        self.layout.top_page = self.next_page();
        let top = std::mem::take(&mut self.top);
        for entries in top.chunks(TOP_ENTRIES_PER_PAGE) {
            let mut content = Vec::with_capacity(PAGE_ROOM);
            for entry in entries {
                content.extend_from_slice(&entry.key.to_le_bytes());
                content.extend_from_slice(&entry.ordinal.to_le_bytes());
                content.extend_from_slice(&entry.before.to_le_bytes());
            }
            seal_page(&mut self.out, &content);
            self.flush(WRITE_BYTES)?;
        }
        Ok(())
    }

    fn write_offsets(&mut self, offsets: impl Iterator<Item = io::Result<u32>>) -> io::Result<()> {
        self.layout.offset_page = self.next_page();
        let mut content = Vec::with_capacity(PAGE_ROOM);
        for offset in offsets {
            content.extend_from_slice(&offset?.to_le_bytes());
            if content.len() == OFFSETS_PER_PAGE * 4 {
                seal_page(&mut self.out, &content);
                content.clear();
                self.flush(WRITE_BYTES)?;
            }
        }
        if !content.is_empty() {
            seal_page(&mut self.out, &content);
        }
        Ok(())
    }

    fn write_covered(&mut self) {
        self.layout.covered_page = self.next_page();
        self.layout.covered_count = u32::try_from(self.covered.len()).unwrap_or(u32::MAX);
        for entries in self.covered.chunks(COVERED_PER_PAGE) {
            let mut content = Vec::with_capacity(PAGE_ROOM);
            for entry in entries {
                content.extend_from_slice(&entry.first.to_le_bytes());
                content.extend_from_slice(&entry.last.to_le_bytes());
                content.extend_from_slice(&entry.last_offset.to_le_bytes());
                content.extend_from_slice(&entry.last_head_crc.to_le_bytes());
            }
            seal_page(&mut self.out, &content);
        }
    }

    fn write_footer(&mut self) {
        let mut content = self.identity();
        let layout = self.layout;
        content.extend_from_slice(&layout.posting_count.to_le_bytes());
        content.extend_from_slice(&layout.filter_key_count.to_le_bytes());
        let numbers = [
            layout.posting_page_count,
            layout.top_page,
            layout.filter_page,
            layout.filter_block_count,
            layout.offset_page,
            layout.covered_page,
            layout.covered_count,
        ];
        for number in numbers {
            content.extend_from_slice(&number.to_le_bytes());
        }
        seal_page(&mut self.out, &content);
    }

    fn next_page(&self) -> u32 {
        let bytes = self.written + self.out.len() as u64;
        u32::try_from(bytes / PAGE_BYTES as u64).unwrap_or(u32::MAX)
    }

    fn flush(&mut self, threshold: usize) -> io::Result<()> {
        if self.out.len() > threshold {
            self.file.write_at(&self.out, self.written)?;
            self.written += self.out.len() as u64;
            self.out.clear();
        }
        if self.written - self.synced > SYNC_BYTES {
            self.file.sync_data()?;
            self.synced = self.written;
        }
        Ok(())
    }
}
