//! What checking one segment gives, to be merged with its neighbours.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use annals_core::record::HeaderRef;
use annals_core::time::Timestamp;
use xxhash_rust::xxh3::xxh3_128;

use super::fault::{Named, StreamEnd, StreamLink, Suspicion};
use super::subtrees::Subtrees;

/// A stream in a segment: how it goes on there, and how it ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct StreamSpan {
    pub(super) first: StreamLink,
    pub(super) last: StreamEnd,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct SegmentFindings {
    /// The first position that was checked.
    pub(super) first: u64,
    /// Behind the last position that was checked.
    pub(super) next: u64,
    pub(super) event_count: u64,
    pub(super) body_count: u64,
    pub(super) erased: Vec<Named>,
    /// Positions that redactions name.
    pub(super) redacted: Vec<u64>,
    pub(super) streams: StreamMap<StreamSpan>,
    /// The segment's part of the tree, cut at the sizes at which roots are wanted.
    pub(super) parts: Vec<Subtrees>,
    /// Of the first and the last event.
    pub(super) recorded: Option<(Timestamp, Timestamp)>,
    pub(super) torn_bytes: u64,
    /// What is wrong first; nothing behind it was checked.
    pub(super) suspicion: Option<Suspicion>,
}

/// A map from streams.
pub(super) type StreamMap<T> = HashMap<StreamId128, T, BuildHasherDefault<TakeLow>>;

/// 128 bits of hash that stand for a stream: enough that two streams of a log never share them
/// by chance, and that millions of streams fit into memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct StreamId128(u64, u64);

impl StreamId128 {
    pub(super) fn of(header: &HeaderRef<'_>, scratch: &mut Vec<u8>) -> Self {
        scratch.clear();
        for part in [header.workspace_id, header.stream_type] {
            scratch.extend_from_slice(&(part.len() as u64).to_le_bytes());
            scratch.extend_from_slice(part.as_bytes());
        }
        scratch.extend_from_slice(header.stream_id.as_bytes());
        let hash = xxh3_128(scratch).to_le_bytes();
        let half = |at: usize| {
            let mut half = [0; 8];
            half.copy_from_slice(&hash[at..at + 8]);
            u64::from_le_bytes(half)
        };
        Self(half(0), half(8))
    }
}

/// Takes a hash as it is.
#[derive(Debug, Default)]
pub(super) struct TakeLow(u64);

impl Hasher for TakeLow {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 ^= number;
    }
}
