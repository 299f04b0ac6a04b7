//! The filter of an index file: says of nearly every absent identity that it is absent.
//!
//! A Bloom filter in blocks of 64 bytes, so that one look touches one page. It never says that a
//! present key is absent; about one absent key in a hundred is looked up in vain.
//! The format is persisted (`docs/formats/index.md`).

use super::page::{seal_page, u64_at};

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
        self.places().all(|(word, bit)| u64_at(page, start + word * 8) >> bit & 1 == 1)
    }

    fn places(&self) -> impl Iterator<Item = (usize, u32)> {
        let bits = self.bits;
        (0..BITS_SET_PER_KEY).map(move |number| {
            let place = bits >> (number * 9) & 0x1ff;
            ((place >> 6) as usize, (place & 63) as u32)
        })
    }
}

/// Collects keys into a filter.
#[derive(Debug)]
pub(crate) struct FilterBuilder {
    words: Vec<u64>,
    block_count: u32,
    key_count: u64,
}

impl FilterBuilder {
    /// A filter for at most so many keys; more only make it less selective.
    pub(crate) fn new(key_count_max: u64) -> Self {
        let blocks = (key_count_max * BITS_PER_KEY).div_ceil(BLOCK_BYTES as u64 * 8).max(1);
        let block_count = u32::try_from(blocks).unwrap_or(u32::MAX);
        Self { words: vec![0; block_count as usize * 8], block_count, key_count: 0 }
    }

    pub(crate) fn insert(&mut self, key: u64) {
        let probe = FilterProbe::new(key, self.block_count);
        for (word, bit) in probe.places() {
            self.words[probe.block as usize * 8 + word] |= 1 << bit;
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
        for words in self.words.chunks(BLOCKS_PER_PAGE as usize * 8) {
            let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
            seal_page(out, &bytes);
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
