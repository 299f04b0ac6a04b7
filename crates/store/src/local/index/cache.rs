//! The one cache through which index pages are read: a fixed number of pages, least recently
//! useful out first.
//!
//! INVARIANT (bounded): the cache never holds more pages than it was made for, however many
//! index files there are. A page is checked before it is put in, never after.

use std::sync::{Arc, Mutex, PoisonError};

use super::filter::FilterRoom;
use super::page::{PAGE_BYTES, Page};
use crate::contract::ReadFailure;
use crate::keys::KeyMap;

const SHARD_COUNT: usize = 8;

/// Names a page of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PageId {
    /// The file's number; never used again for another file of this process.
    pub(crate) file: u32,
    pub(crate) page: u32,
}

impl PageId {
    fn key(self) -> u64 {
        u64::from(self.file) << 32 | u64::from(self.page)
    }

    /// Spreads neighbouring pages over shards and hash buckets.
    fn mixed(self) -> u64 {
        let mixed = self.key().wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed ^ mixed >> 29
    }
}

#[derive(Debug)]
struct Slot {
    mixed: u64,
    page: Page,
    was_used: bool,
}

#[derive(Debug, Default)]
struct Shard {
    places: KeyMap<usize>,
    slots: Vec<Slot>,
    hand: usize,
}

/// Pages at hand, shared by all readers of a log.
#[derive(Debug)]
pub(crate) struct PageCache {
    shards: [Mutex<Shard>; SHARD_COUNT],
    slot_count_max: usize,
    filter_room: Arc<FilterRoom>,
}

impl PageCache {
    /// Pages of `byte_count` bytes, and filters of `filter_byte_count` bytes beside them.
    pub(crate) fn new(byte_count: usize, filter_byte_count: usize) -> Self {
        Self {
            shards: Default::default(),
            slot_count_max: (byte_count / PAGE_BYTES / SHARD_COUNT).max(8),
            filter_room: Arc::new(FilterRoom::new(filter_byte_count)),
        }
    }

    /// Where whole filters are kept.
    pub(crate) fn filter_room(&self) -> &Arc<FilterRoom> {
        &self.filter_room
    }

    /// A page, read with `read` when it is not at hand.
    pub(crate) fn get(
        &self,
        id: PageId,
        read: impl FnOnce() -> Result<Page, ReadFailure>,
    ) -> Result<Page, ReadFailure> {
        let mixed = id.mixed();
        // The lock is not held while reading: two readers may read one page, which is harmless.
        let shard = &self.shards[(mixed >> 61) as usize];
        if let Some(page) = lock(shard).find(mixed) {
            return Ok(page);
        }
        let page = read()?;
        lock(shard).put(mixed, Arc::clone(&page), self.slot_count_max);
        Ok(page)
    }
}

fn lock(shard: &Mutex<Shard>) -> std::sync::MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shard {
    // `mixed` is a bijection of the page's id, so that equal means the same page.
    fn find(&mut self, mixed: u64) -> Option<Page> {
        let slot = &mut self.slots[*self.places.get(&mixed)?];
        slot.was_used = true;
        Some(Arc::clone(&slot.page))
    }

    fn put(&mut self, mixed: u64, page: Page, slot_count_max: usize) {
        if self.places.contains_key(&mixed) {
            return;
        }
        let slot = Slot { mixed, page, was_used: false };
        if self.slots.len() < slot_count_max {
            self.places.insert(mixed, self.slots.len());
            self.slots.push(slot);
            return;
        }
        let victim = self.victim();
        self.places.remove(&self.slots[victim].mixed);
        self.places.insert(mixed, victim);
        self.slots[victim] = slot;
    }

    /// The next page that nobody used since the hand last passed (the clock rule).
    fn victim(&mut self) -> usize {
        loop {
            let place = self.hand;
            self.hand = (self.hand + 1) % self.slots.len();
            if !std::mem::take(&mut self.slots[place].was_used) {
                return place;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::page::PageBytes;
    use super::*;

    fn page(byte: u8) -> Page {
        let mut page = PageBytes::ZEROS;
        page.as_mut_slice().fill(byte);
        Arc::new(page)
    }

    #[test]
    fn answers_from_memory_what_was_read_once() {
        let cache = PageCache::new(1 << 20, 0);
        let id = PageId { file: 1, page: 2 };
        assert_eq!(cache.get(id, || Ok(page(7))).unwrap()[0], 7);
        assert_eq!(cache.get(id, || panic!("read twice")).unwrap()[0], 7);
    }

    #[test]
    fn never_holds_more_pages_than_it_was_made_for() {
        let cache = PageCache::new(64 * PAGE_BYTES, 0);
        for number in 0..10_000 {
            let id = PageId { file: 1, page: number };
            cache.get(id, || Ok(page(0))).unwrap();
        }
        let held: usize = cache.shards.iter().map(|shard| lock(shard).slots.len()).sum();
        assert!(held <= 64, "{held}");
    }
}
