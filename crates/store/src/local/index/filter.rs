//! The filter of an index file: says of nearly every absent identity that it is absent.
//!
//! A Bloom filter in blocks of 64 bytes, so that one look touches one page. It never says that a
//! present key is absent; about one absent key in a hundred is looked up in vain.
//! The format is persisted (`docs/formats/index.md`).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::page::seal_page;

const BLOCK_BYTES: usize = 64;
/// Blocks of a page; the rest of the page is unused.
const BLOCKS_PER_PAGE: u32 = 63;
const BITS_PER_KEY: u64 = 10;
const BITS_SET_PER_KEY: u32 = 6;

/// Where a key's bits are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FilterProbe {
    block: u32,
    bits: u64,
}

impl FilterProbe {
    pub(crate) fn new(key: u64, block_count: u32) -> Self {
        let block = ((key >> 32) * u64::from(block_count)) >> 32;
        let bits = key.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        // `block` is below `block_count`, because the other factor is below one.
        Self { block: u32::try_from(block).unwrap_or(0), bits: bits ^ bits >> 32 }
    }

    /// The page of the filter that holds the block.
    pub(crate) fn page(&self) -> u32 {
        self.block / BLOCKS_PER_PAGE
    }

    /// Whether the key may be in a filter with this page.
    pub(crate) fn is_in(&self, page: &[u8]) -> bool {
        let start = (self.block % BLOCKS_PER_PAGE) as usize * BLOCK_BYTES;
        let block = page.get(start..).and_then(|rest| rest.first_chunk());
        block.is_none_or(|block| self.is_in_block(block))
    }

    fn is_in_block(&self, block: &[u8; BLOCK_BYTES]) -> bool {
        self.places().all(|place| block[place / 8] >> (place % 8) & 1 == 1)
    }

    /// Bits of the block, counted from its first byte's lowest.
    fn places(&self) -> impl Iterator<Item = usize> {
        let bits = self.bits;
        (0..BITS_SET_PER_KEY).map(move |number| (bits >> (number * 9) & 0x1ff) as usize)
    }
}

/// Bytes that filters may take in memory beside the page cache, shared by all files of a log.
///
/// Every append asks every file's filter, so that filters outside memory are read again and again.
#[derive(Debug)]
pub(crate) struct FilterRoom {
    bytes_left: Mutex<usize>,
}

impl FilterRoom {
    pub(crate) fn new(byte_count: usize) -> Self {
        Self { bytes_left: Mutex::new(byte_count) }
    }

    fn bytes_left(&self) -> MutexGuard<'_, usize> {
        self.bytes_left.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes room for a filter, if there is any.
    pub(crate) fn take(self: &Arc<Self>, block_count: u32) -> Option<FilterPlace> {
        let byte_count = block_count as usize * BLOCK_BYTES;
        let mut bytes_left = self.bytes_left();
        *bytes_left = bytes_left.checked_sub(byte_count)?;
        Some(FilterPlace { room: Arc::clone(self), byte_count })
    }
}

/// Room for one filter, given back when dropped.
#[derive(Debug)]
pub(crate) struct FilterPlace {
    room: Arc<FilterRoom>,
    byte_count: usize,
}

impl Drop for FilterPlace {
    fn drop(&mut self) {
        *self.room.bytes_left() += self.byte_count;
    }
}

/// A block, aligned so that it is one line of the processor's cache.
#[derive(Debug, Clone)]
#[repr(align(64))]
struct Block([u8; BLOCK_BYTES]);

/// A whole filter in memory.
#[derive(Debug)]
pub(crate) struct ResidentFilter {
    blocks: Vec<Block>,
    _place: FilterPlace,
}

impl ResidentFilter {
    /// Takes the pages of a filter, one after the other.
    pub(crate) fn new(place: FilterPlace, block_count: u32) -> Self {
        Self { blocks: Vec::with_capacity(block_count as usize), _place: place }
    }

    pub(crate) fn add_page(&mut self, page: &[u8]) {
        for block in page.chunks_exact(BLOCK_BYTES).take(BLOCKS_PER_PAGE as usize) {
            if self.blocks.len() < self.blocks.capacity() {
                self.blocks.extend(block.first_chunk().map(|block| Block(*block)));
            }
        }
    }

    pub(crate) fn may_have(&self, probe: FilterProbe) -> bool {
        let block = self.blocks.get(probe.block as usize);
        block.is_none_or(|block| probe.is_in_block(&block.0))
    }
}

/// Pages of a filter.
pub(crate) fn filter_page_count(block_count: u32) -> u32 {
    block_count.div_ceil(BLOCKS_PER_PAGE)
}

/// Collects keys into a filter.
#[derive(Debug)]
pub(crate) struct FilterBuilder {
    bytes: Vec<u8>,
    block_count: u32,
    key_count: u64,
}

impl FilterBuilder {
    /// A filter for at most so many keys; more only make it less selective.
    pub(crate) fn new(key_count_max: u64) -> Self {
        let blocks = (key_count_max * BITS_PER_KEY).div_ceil(BLOCK_BYTES as u64 * 8).max(1);
        let block_count = u32::try_from(blocks).unwrap_or(u32::MAX);
        Self { bytes: vec![0; block_count as usize * BLOCK_BYTES], block_count, key_count: 0 }
    }

    pub(crate) fn insert(&mut self, key: u64) {
        let probe = FilterProbe::new(key, self.block_count);
        for place in probe.places() {
            self.bytes[probe.block as usize * BLOCK_BYTES + place / 8] |= 1 << (place % 8);
        }
        self.key_count += 1;
    }

    pub(crate) fn block_count(&self) -> u32 {
        self.block_count
    }

    pub(crate) fn key_count(&self) -> u64 {
        self.key_count
    }

    /// Writes the pages of the filter.
    pub(crate) fn write_pages(&self, out: &mut Vec<u8>) {
        for blocks in self.bytes.chunks(BLOCKS_PER_PAGE as usize * BLOCK_BYTES) {
            seal_page(out, blocks);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::page::PAGE_BYTES;
    use super::*;

    fn keys(seed: u64, count: u64) -> impl Iterator<Item = u64> {
        (0..count)
            .map(move |number| xxhash_rust::xxh3::xxh3_64_with_seed(&number.to_le_bytes(), seed))
    }

    #[test]
    fn finds_every_key_and_few_others() {
        let mut builder = FilterBuilder::new(100_000);
        keys(1, 100_000).for_each(|key| builder.insert(key));
        let mut pages = Vec::new();
        builder.write_pages(&mut pages);
        let has = |key| {
            let probe = FilterProbe::new(key, builder.block_count());
            probe.is_in(&pages[probe.page() as usize * PAGE_BYTES..])
        };
        assert!(keys(1, 100_000).all(has));
        let false_count = keys(2, 100_000).filter(|key| has(*key)).count();
        assert!(false_count < 2_500, "{false_count} of 100,000");
    }
}
