//! The index of a segment that has no index file yet, in memory.
//!
//! Offsets, identities and stream ends are complete as soon as an event is visible, because the
//! next append must see them. All other postings are made when a reader first asks for them, so
//! that appends do not pay for them.
//!
//! Owned by locks: `state` is written by the one writer only, `postings` by whichever reader
//! comes first. INVARIANT (lock order): `postings` before `state`, never the other way round.

use std::sync::{Mutex, PoisonError, RwLock, RwLockReadGuard};

use annals_core::id::Position;
use annals_core::record::HeaderRef;

use crate::contract::ReadFailure;
use crate::frame::FrameFault;
use crate::keys::{IdentityMap, KeyMap, Keys};
use crate::local::segment::{Place, RecordReader, SegmentFiles};

/// What a commit adds to the table.
#[derive(Debug, Default)]
pub(crate) struct TableEntries {
    /// Where each record starts.
    pub(crate) offsets: Vec<u32>,
    /// Identity keys with the ordinal of their event among `offsets`.
    pub(crate) identities: Vec<(u64, u32)>,
    /// The stream key of each record.
    pub(crate) streams: Vec<u64>,
}

#[derive(Debug, Default)]
struct TableState {
    offsets: Vec<u32>,
    identities: IdentityMap,
    /// The last ordinal of each stream.
    stream_ends: KeyMap<u32>,
}

#[derive(Debug)]
struct Postings {
    keys: Keys,
    /// Events whose postings are in `by_key`.
    event_count: u32,
    by_key: KeyMap<PostingList>,
}

/// Most keys of a segment have one posting only.
#[derive(Debug)]
pub(super) enum PostingList {
    One(u32),
    Many(Vec<u32>),
}

impl PostingList {
    pub(super) fn push(&mut self, ordinal: u32) {
        match self {
            Self::One(first) => *self = Self::Many(vec![*first, ordinal]),
            Self::Many(ordinals) => ordinals.push(ordinal),
        }
    }

    pub(super) fn as_slice(&self) -> &[u32] {
        match self {
            Self::One(ordinal) => std::slice::from_ref(ordinal),
            Self::Many(ordinals) => ordinals,
        }
    }
}

/// So many records are read one by one.
const FEW_RECORDS: usize = 16;

/// The in-memory index of one segment.
#[derive(Debug)]
pub(crate) struct Table {
    first: u64,
    state: RwLock<TableState>,
    postings: Mutex<Postings>,
}

impl Table {
    pub(crate) fn new(first: Position, keys: Keys) -> Self {
        Self {
            first: first.get(),
            state: RwLock::default(),
            postings: Mutex::new(Postings { keys, event_count: 0, by_key: KeyMap::default() }),
        }
    }

    /// The position of the first event, which also names the segment.
    pub(crate) fn first(&self) -> u64 {
        self.first
    }

    /// Makes room for so many events.
    pub(crate) fn reserve(&self, event_count: usize) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        state.offsets.reserve(event_count);
        state.identities.reserve(event_count);
    }

    pub(crate) fn event_count(&self) -> usize {
        self.state().offsets.len()
    }

    /// Adds durable events at the end.
    pub(crate) fn add(&self, entries: &TableEntries) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let base = ordinal(state.offsets.len());
        state.offsets.extend_from_slice(&entries.offsets);
        for (key, ordinal) in &entries.identities {
            state.identities.insert(*key, base + ordinal);
        }
        for (ordinal, key) in (base..).zip(&entries.streams) {
            state.stream_ends.insert(*key, ordinal);
        }
    }

    pub(crate) fn offsets(&self) -> Vec<u32> {
        self.state().offsets.clone()
    }

    /// Where the record at a position is; none when the table does not have it.
    pub(crate) fn place(&self, position: u64) -> Option<Place> {
        let index = usize::try_from(position.checked_sub(self.first)?).ok()?;
        let offset = *self.state().offsets.get(index)?;
        Some(Place { segment: Position(self.first), offset })
    }

    /// Positions that may have an identity, oldest first.
    pub(crate) fn identity(&self, key: u64) -> Vec<u64> {
        let state = self.state();
        state.identities.get(key).map(|ordinal| self.first + u64::from(ordinal)).collect()
    }

    /// Marks those of some keys that may be identities of an event here.
    pub(crate) fn mark_identities(&self, keys: &[u64], may_have: &mut [bool]) {
        let state = self.state();
        for (key, may_have) in keys.iter().zip(may_have) {
            *may_have |= state.identities.contains(*key);
        }
    }

    /// The newest position that may be of a stream.
    pub(crate) fn stream_end(&self, key: u64) -> Option<u64> {
        self.state().stream_ends.get(&key).map(|ordinal| self.first + u64::from(*ordinal))
    }

    /// The positions of a key between two positions, both included, ascending.
    pub(crate) fn postings(
        &self,
        files: &SegmentFiles,
        key: u64,
        first: u64,
        last: u64,
    ) -> Result<Vec<u64>, ReadFailure> {
        let mut postings = self.postings.lock().unwrap_or_else(PoisonError::into_inner);
        self.catch_up(&mut postings, files)?;
        let ordinals = postings.by_key.get(&key).map_or(&[][..], PostingList::as_slice);
        let position = |ordinal: u32| self.first + u64::from(ordinal);
        let start = ordinals.partition_point(|ordinal| position(*ordinal) < first);
        let end = ordinals.partition_point(|ordinal| position(*ordinal) <= last);
        let wanted = ordinals.get(start..end).unwrap_or_default();
        Ok(wanted.iter().map(|ordinal| position(*ordinal)).collect())
    }

    fn catch_up(&self, postings: &mut Postings, files: &SegmentFiles) -> Result<(), ReadFailure> {
        let missing: Vec<u32> = {
            let state = self.state();
            state.offsets.get(postings.event_count as usize..).unwrap_or_default().to_vec()
        };
        let mut reader = match missing.len() > FEW_RECORDS {
            true => RecordReader::sequential(files),
            false => RecordReader::new(files),
        };
        for offset in missing {
            let place = Place { segment: Position(self.first), offset };
            let record = reader.header(place)?;
            let header = HeaderRef::parse(record.bytes()).map_err(|_| {
                let fault = FrameFault("a record's header cannot be read");
                files.damaged(place.segment, u64::from(offset), fault)
            })?;
            let Postings { keys, event_count, by_key } = postings;
            let ordinal = *event_count;
            keys.postings(&header, |key| {
                let list = by_key.get_mut(&key);
                match list {
                    Some(list) => list.push(ordinal),
                    None => drop(by_key.insert(key, PostingList::One(ordinal))),
                }
            });
            *event_count += 1;
        }
        Ok(())
    }

    fn state(&self) -> RwLockReadGuard<'_, TableState> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// INVARIANT (segments are small): a segment has fewer than 2³² bytes, hence records.
fn ordinal(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}
