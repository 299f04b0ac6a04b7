//! Pages of an index file and what is packed into them.
//!
//! An index file is a row of pages of 4 KiB, each ending with its own checksum, so that a page
//! can be checked alone. The format is persisted (`docs/formats/index.md`).

use std::sync::Arc;

use crc32c::crc32c;

/// Bytes of a page.
pub(crate) const PAGE_BYTES: usize = 4096;
/// Bytes of a page before its checksum.
pub(crate) const PAGE_ROOM: usize = PAGE_BYTES - 4;

/// The bytes of a page. Aligned, so that a block of the filter is one line of the processor's cache.
#[derive(Debug, Clone)]
#[repr(align(64))]
pub(crate) struct PageBytes([u8; PAGE_BYTES]);

impl PageBytes {
    pub(crate) const ZEROS: Self = Self([0; PAGE_BYTES]);

    pub(crate) fn as_mut_slice(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

impl std::ops::Deref for PageBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

/// A checked page.
pub(crate) type Page = Arc<PageBytes>;

/// Closes a page: fills it up with zeros and adds the checksum.
pub(crate) fn seal_page(out: &mut Vec<u8>, content: &[u8]) {
    let start = out.len();
    out.extend_from_slice(content);
    out.resize(start + PAGE_ROOM, 0);
    let crc = crc32c(&out[start..]);
    out.extend_from_slice(&crc.to_le_bytes());
}

/// Whether a page's checksum matches.
pub(crate) fn is_intact(page: &[u8]) -> bool {
    page.len() == PAGE_BYTES && crc32c(&page[..PAGE_ROOM]).to_le_bytes() == page[PAGE_ROOM..]
}

pub(crate) fn u32_at(bytes: &[u8], offset: usize) -> u32 {
    let slice = bytes.get(offset..offset + 4);
    slice.and_then(|slice| slice.try_into().ok()).map_or(0, u32::from_le_bytes)
}

pub(crate) fn u64_at(bytes: &[u8], offset: usize) -> u64 {
    let slice = bytes.get(offset..offset + 8);
    slice.and_then(|slice| slice.try_into().ok()).map_or(0, u64::from_le_bytes)
}

/// Appends a number in seven bits a byte, lowest first.
pub(crate) fn put_varint(out: &mut Vec<u8>, mut number: u32) {
    while number >= 0x80 {
        out.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    out.push(number.to_le_bytes()[0]);
}

fn take_varint(bytes: &mut &[u8]) -> Option<u32> {
    let mut number = 0_u32;
    for shift in (0..35).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u32::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

/// The postings of one key in one page.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PostingGroup<'a> {
    pub(crate) key: u64,
    pub(crate) count: u32,
    packed: &'a [u8],
}

impl PostingGroup<'_> {
    /// The ordinals, ascending.
    pub(crate) fn ordinals(&self) -> impl Iterator<Item = u32> + use<'_> {
        let mut packed = self.packed;
        let mut ordinal = 0_u32;
        std::iter::from_fn(move || {
            ordinal = ordinal.wrapping_add(take_varint(&mut packed)?);
            Some(ordinal)
        })
    }

    /// Appends the ordinals, ascending.
    pub(crate) fn unpack(&self, out: &mut Vec<u32>) {
        out.extend(self.ordinals());
    }
}

/// The groups of a posting page: `used u16`, then groups of
/// `key u64 | count varint | packed_len varint | packed`, where `packed` is the first ordinal and
/// then the distances.
#[derive(Debug)]
pub(crate) struct PostingGroups<'a> {
    rest: &'a [u8],
}

impl<'a> PostingGroups<'a> {
    pub(crate) fn of(page: &'a [u8]) -> Self {
        let used = usize::from(u16::from_le_bytes([page[0], page[1]]));
        Self { rest: page.get(2..2 + used).unwrap_or_default() }
    }
}

impl<'a> Iterator for PostingGroups<'a> {
    type Item = PostingGroup<'a>;

    fn next(&mut self) -> Option<PostingGroup<'a>> {
        let (key, rest) = self.rest.split_first_chunk()?;
        let mut rest = rest;
        let count = take_varint(&mut rest)?;
        let packed_len = take_varint(&mut rest)? as usize;
        let (packed, rest) = rest.split_at_checked(packed_len)?;
        self.rest = rest;
        Some(PostingGroup { key: u64::from_le_bytes(*key), count, packed })
    }
}

/// Packs sorted postings into a page until it is full.
#[derive(Debug, Default)]
pub(crate) struct PostingPacker {
    page: Vec<u8>,
    key: u64,
    count: u32,
    packed: Vec<u8>,
    last_ordinal: u32,
}

/// A group's key, count and length, and one more ordinal.
const GROUP_ROOM: usize = 8 + 3 + 3 + 5;

impl PostingPacker {
    /// Whether the page must be taken before another posting goes in.
    pub(crate) fn is_full(&self) -> bool {
        2 + self.page.len() + self.packed.len() + 2 * GROUP_ROOM > PAGE_ROOM
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.page.is_empty() && self.count == 0
    }

    /// Adds a posting; keys and the ordinals of a key come in ascending order.
    pub(crate) fn push(&mut self, key: u64, ordinal: u32) {
        if self.count > 0 && self.key == key {
            put_varint(&mut self.packed, ordinal.wrapping_sub(self.last_ordinal));
        } else {
            self.close_group();
            self.key = key;
            put_varint(&mut self.packed, ordinal);
        }
        self.count += 1;
        self.last_ordinal = ordinal;
    }

    fn close_group(&mut self) {
        if self.count == 0 {
            return;
        }
        self.page.extend_from_slice(&self.key.to_le_bytes());
        put_varint(&mut self.page, self.count);
        put_varint(&mut self.page, u32::try_from(self.packed.len()).unwrap_or(u32::MAX));
        self.page.append(&mut self.packed);
        self.count = 0;
    }

    /// Writes the page to `out` and starts the next.
    pub(crate) fn take_page(&mut self, out: &mut Vec<u8>) {
        self.close_group();
        let used = u16::try_from(self.page.len()).unwrap_or(u16::MAX);
        let mut content = Vec::with_capacity(PAGE_ROOM);
        content.extend_from_slice(&used.to_le_bytes());
        content.append(&mut self.page);
        seal_page(out, &content);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn packed_postings_come_back(mut postings in prop::collection::vec((0_u64..40, any::<u32>()), 1..4000)) {
            postings.sort_unstable();
            postings.dedup();
            let mut packer = PostingPacker::default();
            let mut bytes = Vec::new();
            for (key, ordinal) in &postings {
                if packer.is_full() {
                    packer.take_page(&mut bytes);
                }
                packer.push(*key, *ordinal);
            }
            packer.take_page(&mut bytes);
            let mut found = Vec::new();
            for page in bytes.chunks(PAGE_BYTES) {
                prop_assert!(is_intact(page));
                for group in PostingGroups::of(page) {
                    let mut ordinals = Vec::new();
                    group.unpack(&mut ordinals);
                    prop_assert_eq!(ordinals.len(), group.count as usize);
                    found.extend(ordinals.into_iter().map(|ordinal| (group.key, ordinal)));
                }
            }
            prop_assert_eq!(found, postings);
        }
    }
}
