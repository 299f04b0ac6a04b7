//! The chains of a file's streams: that each event follows the one before it, and what is missing.
//!
//! INVARIANT (nothing missing unsaid): in the run's own stream every seq between two events of the
//! file is there, if only as a hash; in another stream a gap is possible, because a file has one
//! run's events, and the report says so.

use std::collections::{BTreeMap, HashMap};

use super::fault::EvidenceFaultKind;
use super::report::EvidenceStream;
use crate::hash::Digest;
use crate::id::{Position, RunId, Seq};
use crate::record::HeaderRef;

/// The type of the streams that are a run's own.
pub const RUN_STREAM_TYPE: &str = "run";

/// Whether an event is one of a run: by its run_id, or because it is on the run's stream.
#[must_use]
pub fn is_of_run(header: &HeaderRef<'_>, run_id: &RunId) -> bool {
    header.run_id == Some(run_id.as_str())
        || (header.stream_type == RUN_STREAM_TYPE && header.stream_id == run_id.as_str())
}

/// The streams of a file, as far as it was read.
#[derive(Debug, Default)]
pub(super) struct Streams {
    chains: BTreeMap<(String, String), Chain>,
    hash_only: HashMap<Digest, Position>,
    /// Their positions, which rise.
    hash_only_positions: Vec<Position>,
}

/// The last event of a stream so far. `Default` is a stream of which nothing was read.
#[derive(Debug, Default)]
struct Chain {
    first_seq: Seq,
    last_seq: Seq,
    last_position: Position,
    last_hash: Option<Digest>,
    event_count: u64,
    complete_to: Seq,
}

/// An event with its header, proven to be in the tree.
#[derive(Debug)]
pub(super) struct Link<'a> {
    pub(super) header: &'a HeaderRef<'a>,
    pub(super) prev: Digest,
    pub(super) event_hash: Digest,
}

impl Streams {
    /// Takes an event of which there is the hash alone.
    pub(super) fn take_hash_only(&mut self, position: Position, event_hash: Digest) {
        self.hash_only.insert(event_hash, position);
        self.hash_only_positions.push(position);
    }

    /// Takes an event and checks that it follows the one before it in its stream.
    pub(super) fn take(
        &mut self,
        link: &Link<'_>,
        run_id: &RunId,
    ) -> Result<(), EvidenceFaultKind> {
        let header = link.header;
        let name = (header.stream_type.to_owned(), header.stream_id.to_owned());
        let mut chain = self.chains.remove(&name).unwrap_or_default();
        let follows = self.follows(&chain, link)?;
        let is_own = header.stream_type == RUN_STREAM_TYPE && header.stream_id == run_id.as_str();
        if is_own && matches!(follows, Follows::AfterGap) {
            return Err(EvidenceFaultKind::EventsMissing {
                first: Seq(chain.last_seq.get() + 1),
                last: Seq(header.stream_seq.get() - 1),
            });
        }
        chain.take(link, follows);
        self.chains.insert(name, chain);
        Ok(())
    }

    fn follows(&self, chain: &Chain, link: &Link<'_>) -> Result<Follows, EvidenceFaultKind> {
        let seq = link.header.stream_seq;
        let Some(missing) =
            seq.get().checked_sub(chain.last_seq.get()).and_then(|ahead| ahead.checked_sub(1))
        else {
            return Err(EvidenceFaultKind::SeqOutOfOrder { after: chain.last_seq });
        };
        if missing == 0 {
            let expected = chain.last_hash.unwrap_or(Digest::ZERO);
            if expected == link.prev {
                return Ok(Follows::Directly);
            }
            return Err(EvidenceFaultKind::ChainBroken { expected, found: link.prev });
        }
        let (after, before) = (chain.last_position, link.header.position);
        let is_between = |position: &Position| after < *position && *position < before;
        if !self.hash_only.get(&link.prev).is_some_and(is_between) {
            return Ok(Follows::AfterGap);
        }
        let first = self.hash_only_positions.partition_point(|position| *position <= after);
        let end = self.hash_only_positions.partition_point(|position| *position < before);
        match missing {
            1 => Ok(Follows::AfterOneHash),
            // Of several hashes only the last one's place in the stream is proven.
            _ if missing <= (end - first) as u64 => Ok(Follows::AfterHashes),
            _ => Ok(Follows::AfterGap),
        }
    }

    /// What is to be said of the streams.
    pub(super) fn into_report(self) -> Vec<EvidenceStream> {
        let stream =
            |((stream_type, stream_id), chain): ((String, String), Chain)| EvidenceStream {
                stream_type,
                stream_id,
                first_seq: chain.first_seq,
                last_seq: chain.last_seq,
                event_count: chain.event_count,
                complete_to: chain.complete_to,
            };
        self.chains.into_iter().map(stream).collect()
    }
}

/// How an event comes after the last one of its stream in the file.
#[derive(Debug, Clone, Copy)]
enum Follows {
    /// It is the next, and chained to it.
    Directly,
    /// One event is between them, there as a hash that this one is chained to.
    AfterOneHash,
    /// Several are between them, and there may be as many as hashes.
    AfterHashes,
    /// Events between them are not in the file.
    AfterGap,
}

impl Chain {
    fn take(&mut self, link: &Link<'_>, follows: Follows) {
        let seq = link.header.stream_seq;
        let was_complete = self.complete_to == self.last_seq;
        if was_complete && matches!(follows, Follows::Directly | Follows::AfterOneHash) {
            self.complete_to = seq;
        }
        if self.event_count == 0 {
            self.first_seq = seq;
        }
        self.last_seq = seq;
        self.last_position = link.header.position;
        self.last_hash = Some(link.event_hash);
        self.event_count += 1;
    }
}
