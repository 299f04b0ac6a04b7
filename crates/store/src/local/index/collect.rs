//! Collects the postings of a sealed segment, ready to be written in order.
//!
//! Nearly every identity is a key of its own, while the other keys are few and have many postings
//! each. So identities are sorted, and the others are gathered by key, which spares sorting most
//! postings. Nothing here writes files.

use annals_core::id::{LogId, Position};
use annals_core::record::HeaderRef;

use super::build::BuildFailure;
use super::table::PostingList;
use super::write::RunWriter;
use crate::contract::ReadFailure;
use crate::frame::FrameFault;
use crate::keys::{KeyMap, Keys, is_filtered};
use crate::local::segment::{Place, RecordReader, SegmentFiles};

/// All postings of a segment.
#[derive(Debug)]
pub(super) struct SegmentPostings {
    /// Sorted, without repetitions.
    identities: Vec<(u64, u32)>,
    /// Sorted by key; a key is here once.
    lists: Vec<(u64, PostingList)>,
    last_head_crc: u32,
}

impl SegmentPostings {
    /// Reads the segment whose records start at `offsets`.
    pub(super) fn collect(
        files: &SegmentFiles,
        log_id: LogId,
        first: Position,
        offsets: &[u32],
    ) -> Result<Self, ReadFailure> {
        let mut keys = Keys::new(log_id);
        let mut identities = Vec::with_capacity(offsets.len());
        let mut lists = Lists::default();
        let mut reader = RecordReader::sequential(files);
        let mut last_head_crc = 0;
        for (ordinal, offset) in (0_u32..).zip(offsets) {
            let place = Place { segment: first, offset: *offset };
            let damaged = |what| files.damaged(first, u64::from(*offset), FrameFault(what));
            let record = reader.header(place)?;
            let header = HeaderRef::parse(record.bytes())
                .map_err(|_| damaged("a record's header cannot be read"))?;
            if header.position.get() != first.get() + u64::from(ordinal) {
                return Err(damaged("another position's record is here"));
            }
            keys.identities(&header, |key| identities.push((key, ordinal)));
            lists.begin_event();
            keys.postings(&header, |key| lists.add(key, ordinal));
            last_head_crc = record.head_crc();
        }
        identities.sort_unstable();
        identities.dedup();
        Ok(Self { identities, lists: lists.sorted(), last_head_crc })
    }

    /// The checksum in the last record's head.
    pub(super) fn last_head_crc(&self) -> u32 {
        self.last_head_crc
    }

    /// How many keys go into the filter; a few more where an identity and another key collide.
    pub(super) fn filter_key_count(&self) -> u64 {
        let identities = self.identities.chunk_by(|a, b| a.0 == b.0).count();
        let others = self.lists.iter().filter(|(key, _)| is_filtered(*key)).count();
        (identities + others) as u64
    }

    /// Writes them in the order of their keys.
    pub(super) fn write_to(&self, writer: &mut RunWriter<'_>) -> Result<(), BuildFailure> {
        let mut identities = self.identities.as_slice();
        for (key, list) in &self.lists {
            let before = identities.partition_point(|(other, _)| other < key);
            let (smaller, rest) = identities.split_at(before);
            smaller.iter().try_for_each(|(key, ordinal)| writer.push(*key, *ordinal))?;
            let same = rest.partition_point(|(other, _)| other == key);
            let (same, rest) = rest.split_at(same);
            let ordinals = same.iter().map(|(_, ordinal)| *ordinal);
            union(list.as_slice(), ordinals, |ordinal| writer.push(*key, ordinal))?;
            identities = rest;
        }
        identities.iter().try_for_each(|(key, ordinal)| writer.push(*key, *ordinal))?;
        Ok(())
    }
}

/// Gives each ordinal of two ascending lists once, in order.
fn union<E>(
    list: &[u32],
    others: impl Iterator<Item = u32>,
    mut give: impl FnMut(u32) -> Result<(), E>,
) -> Result<(), E> {
    let mut list = list.iter().copied().peekable();
    for other in others {
        while let Some(ordinal) = list.next_if(|ordinal| *ordinal < other) {
            give(ordinal)?;
        }
        list.next_if_eq(&other);
        give(other)?;
    }
    list.try_for_each(give)
}

/// Keys of an event that are remembered for the next one.
const RECENT_KEYS: usize = 16;

/// Postings by key.
#[derive(Debug, Default)]
struct Lists {
    places: KeyMap<usize>,
    lists: Vec<(u64, PostingList)>,
    /// The keys of the event before, which are mostly those of the next one, in the same order.
    recent: [Option<(u64, usize)>; RECENT_KEYS],
    key_in_event: usize,
}

impl Lists {
    fn begin_event(&mut self) {
        self.key_in_event = 0;
    }

    fn add(&mut self, key: u64, ordinal: u32) {
        let turn = self.key_in_event;
        self.key_in_event += 1;
        let place = match self.recent.get(turn) {
            Some(Some((recent, place))) if *recent == key => *place,
            _ => match self.places.get(&key) {
                Some(place) => *place,
                None => {
                    self.places.insert(key, self.lists.len());
                    self.lists.push((key, PostingList::One(ordinal)));
                    return;
                }
            },
        };
        if let Some(recent) = self.recent.get_mut(turn) {
            *recent = Some((key, place));
        }
        let Some((_, list)) = self.lists.get_mut(place) else { return };
        // Two ids of one event may have the same key.
        if list.as_slice().last() != Some(&ordinal) {
            list.push(ordinal);
        }
    }

    fn sorted(mut self) -> Vec<(u64, PostingList)> {
        self.lists.sort_unstable_by_key(|(key, _)| *key);
        self.lists
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_lists_become_one_without_repetitions() {
        let check = |list: &[u32], others: &[u32], wanted: &[u32]| {
            let mut found = Vec::new();
            let give = |ordinal| {
                found.push(ordinal);
                Ok::<_, ()>(())
            };
            union(list, others.iter().copied(), give).unwrap();
            assert_eq!(found, wanted);
        };
        check(&[], &[], &[]);
        check(&[1, 3], &[], &[1, 3]);
        check(&[], &[2], &[2]);
        check(&[1, 3, 4], &[2, 3, 9], &[1, 2, 3, 4, 9]);
    }

    #[test]
    fn postings_are_gathered_by_key_in_whatever_order_keys_come() {
        let mut lists = Lists::default();
        let events: [&[u64]; 4] = [&[9, 4], &[9, 4, 4], &[4, 9], &[7, 9]];
        for (ordinal, keys) in (0_u32..).zip(events) {
            lists.begin_event();
            keys.iter().for_each(|key| lists.add(*key, ordinal));
        }
        let sorted = lists.sorted();
        let found: Vec<_> = sorted.iter().map(|(key, list)| (*key, list.as_slice())).collect();
        assert_eq!(found, [(4, &[0, 1, 2][..]), (7, &[3][..]), (9, &[0, 1, 2, 3][..])]);
    }
}
