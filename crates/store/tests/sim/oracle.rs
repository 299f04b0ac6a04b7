//! What a log has promised so far, and whether it still keeps it.
//!
//! Knows what was sent, what was answered, what readers saw and which checkpoints were handed out;
//! it does no file operation and knows nothing of the engine but its reader. Its Merkle tree is
//! its own, so that the store's cannot be wrong together with it.

use std::collections::{BTreeMap, HashMap, HashSet};

use annals_core::event::Event;
use annals_core::hash::{Digest, sha256};
use annals_core::id::{EventId, Position};
use annals_core::tiles::root_at;
use annals_core::time::Timestamp;
use annals_store::contract::{LogReader, LogTree, ReadFailure};
use annals_store::query::{PageLimit, Query};

use crate::common::*;

/// A promise that can be broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Broken {
    /// An event that was answered with a receipt is gone or is another one.
    Acknowledged,
    /// An event that a reader saw is gone or is another one.
    Shown,
    /// An identity stands for two events, or for none although its event is there.
    Identity,
    /// A unit is there in part.
    Atomicity,
    /// A body is not what was sent, or nobody sent it.
    Content,
    /// A body that was erased is there again, or one is gone that nobody erased.
    Erasure,
    /// A unit is there whose sender was told that nothing of it is kept, or that was gone before.
    Refused,
    /// Positions, seqs, hashes or times do not follow each other.
    Order,
    /// A checkpoint that was handed out is not of this log.
    Checkpoint,
    /// Stored events cannot be read, or the log does not open, without a reason.
    Readable,
    /// The writer gave another answer than it should.
    Answer,
}

#[derive(Debug, Clone)]
pub(crate) struct Finding {
    pub(crate) broken: Broken,
    pub(crate) what: String,
}

/// A finding as an error.
pub(crate) fn broken<T>(broken: Broken, what: impl Into<String>) -> Result<T, Finding> {
    Err(Finding { broken, what: what.into() })
}

/// What a sender may conclude about a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Nothing of it is kept.
    Absent,
    /// It may be kept.
    Unknown,
    /// It was acknowledged or seen.
    Kept,
}

#[derive(Debug)]
pub(crate) struct SentUnit {
    pub(crate) samples: Vec<Sample>,
    pub(crate) standing: Standing,
}

#[derive(Debug, Clone, Copy)]
struct Promise {
    event_hash: Digest,
    is_acknowledged: bool,
}

/// An event that a reader showed.
#[derive(Debug)]
pub(crate) struct SeenEvent {
    pub(crate) event_id: EventId,
    pub(crate) stream_id: String,
    pub(crate) event_hash: Digest,
    pub(crate) recorded_at: Timestamp,
    unit: usize,
}

/// A word that only this event's body has.
pub(crate) fn word(event_id: EventId) -> String {
    format!("word-{event_id}")
}

/// The perfect subtrees on the right edge of a Merkle tree, largest first.
#[derive(Debug, Default)]
struct Edge(Vec<(u64, Digest)>);

impl Edge {
    fn push(&mut self, event_hash: &Digest) {
        let mut node = (1, sha256(&[&[0], event_hash.as_bytes()]));
        while self.0.last().is_some_and(|last| last.0 == node.0) {
            let left = self.0.pop().unwrap();
            node = (node.0 * 2, sha256(&[&[1], left.1.as_bytes(), node.1.as_bytes()]));
        }
        self.0.push(node);
    }

    fn root(&self) -> Digest {
        let mut nodes = self.0.iter().rev().map(|(_, digest)| *digest);
        let Some(last) = nodes.next() else { return sha256(&[&[]]) };
        nodes.fold(last, |right, left| sha256(&[&[1], left.as_bytes(), right.as_bytes()]))
    }
}

#[derive(Debug, Default)]
pub(crate) struct Oracle {
    pub(crate) units: Vec<SentUnit>,
    sent: HashMap<EventId, (usize, usize)>,
    promises: BTreeMap<u64, Promise>,
    checkpoints: BTreeMap<u64, Digest>,
    /// Events whose erasure was asked for, and whether it was answered.
    erasures: BTreeMap<u64, bool>,
    /// What readers have shown since the log was opened, from position 1 on.
    pub(crate) seen: Vec<SeenEvent>,
    streams: HashMap<String, (u64, Digest)>,
    ids: HashSet<EventId>,
    edge: Edge,
}

impl Oracle {
    /// Remembers a unit that is about to be sent.
    pub(crate) fn add(&mut self, samples: Vec<Sample>) -> usize {
        let number = self.units.len();
        for (index, sample) in samples.iter().enumerate() {
            self.sent.entry(sample.draft.event_id.unwrap()).or_insert((number, index));
        }
        self.units.push(SentUnit { samples, standing: Standing::Absent });
        number
    }

    pub(crate) fn acknowledged_count(&self) -> u64 {
        self.promises.values().filter(|promise| promise.is_acknowledged).count() as u64
    }

    /// A kept unit whose first event is there with its body: what an erased event was is not
    /// compared with what is sent under its identity.
    pub(crate) fn comparable_unit(&self) -> Option<usize> {
        let whole = |(place, seen): (usize, &SeenEvent)| {
            let is_first = self.sent[&seen.event_id].1 == 0;
            (is_first && !self.is_erasure_asked(place as u64 + 1)).then_some(seen.unit)
        };
        let mut found = self.seen.iter().enumerate().rev().filter_map(whole);
        found.find(|unit| self.units[*unit].standing == Standing::Kept)
    }

    /// The last seq of a stream in what was seen.
    pub(crate) fn last_seq(&self, stream_id: &str) -> u64 {
        self.streams.get(stream_id).map_or(0, |(seq, _)| *seq)
    }

    pub(crate) fn last_recorded_at(&self) -> Timestamp {
        self.seen.last().map_or(at(i64::MIN), |event| event.recorded_at)
    }

    /// An event was answered with a receipt.
    pub(crate) fn acknowledge(&mut self, event: &Event) -> Result<(), Finding> {
        self.promise(event, true)
    }

    fn promise(&mut self, event: &Event, is_acknowledged: bool) -> Result<(), Finding> {
        let event_hash = event.event_hash();
        let position = event.position();
        let promise =
            self.promises.entry(position.get()).or_insert(Promise { event_hash, is_acknowledged });
        if promise.event_hash != event_hash {
            let kind = if promise.is_acknowledged { Broken::Acknowledged } else { Broken::Shown };
            return broken(kind, format!("position {position} was promised to another event"));
        }
        promise.is_acknowledged |= is_acknowledged;
        Ok(())
    }

    /// A checkpoint over the first `size` events was handed out.
    pub(crate) fn hand_out(&mut self, size: u64, root: Digest) -> Result<(), Finding> {
        match self.checkpoints.insert(size, root) {
            Some(earlier) if earlier != root => {
                broken(Broken::Checkpoint, format!("size {size} has two roots"))
            }
            _ => Ok(()),
        }
    }

    /// The root over all that was seen.
    pub(crate) fn root(&self) -> Digest {
        self.edge.root()
    }

    /// Looks at what has become visible. None of it may ever be another event or be gone.
    pub(crate) fn follow(&mut self, reader: &dyn LogReader) -> Result<(), Finding> {
        let head = reader.head().position.get();
        while (self.seen.len() as u64) < head {
            for event in self.next_events(reader, head)? {
                self.see(&event)?;
                self.promise(&event, false)?;
            }
        }
        Ok(())
    }

    /// The next events, one by one where there are few: a scan reads far ahead.
    fn next_events(&self, reader: &dyn LogReader, head: u64) -> Result<Vec<Event>, Finding> {
        let seen = self.seen.len() as u64;
        let found = if head - seen < 10 {
            reader.event_at(Position(seen + 1)).map(|event| event.into_iter().collect())
        } else {
            let query = Query { after_position: Position(seen), ..Query::default() };
            reader.scan(&query, PageLimit::events(200)).map(|page| page.events)
        };
        match found {
            Ok(events) if events.is_empty() => {
                broken(Broken::Order, format!("nothing behind {seen}, but the head is {head}"))
            }
            Ok(events) => Ok(events),
            Err(failure) => broken(Broken::Readable, failure.to_string()),
        }
    }

    fn see(&mut self, event: &Event) -> Result<(), Finding> {
        let header = event.header();
        let position = event.position().get();
        if position != self.seen.len() as u64 + 1 {
            return broken(Broken::Order, format!("position {position} is out of place"));
        }
        let sent = self.sent.get(&header.event_id).copied();
        let Some((unit, index)) = sent else {
            return broken(Broken::Content, format!("position {position} was never sent"));
        };
        self.check_body(event, &self.units[unit].samples[index])?;
        if !self.ids.insert(header.event_id) {
            return broken(Broken::Identity, format!("position {position} is there twice"));
        }
        if self.units[unit].standing == Standing::Absent {
            return broken(Broken::Refused, format!("position {position} should not be there"));
        }
        self.link(event)?;
        self.edge.push(&event.event_hash());
        self.check_checkpoint(position)?;
        self.seen.push(SeenEvent {
            event_id: header.event_id,
            stream_id: header.stream_id.to_owned(),
            event_hash: event.event_hash(),
            recorded_at: header.recorded_at,
            unit,
        });
        Ok(())
    }

    /// The body is what was sent, or it is erased because somebody asked for that.
    fn check_body(&self, event: &Event, sample: &Sample) -> Result<(), Finding> {
        let position = event.position();
        let erasure = self.erasures.get(&position.get());
        match (event.is_erased(), erasure) {
            (true, None) => {
                broken(Broken::Erasure, format!("position {position} was erased by nobody"))
            }
            (false, Some(true)) => {
                broken(Broken::Erasure, format!("position {position} is not erased any more"))
            }
            (true, Some(_)) => Ok(()),
            (false, _) if sample.draft.body_json() != event.body() => {
                broken(Broken::Content, format!("position {position} is altered"))
            }
            (false, _) if !event.record().body_matches() => {
                broken(Broken::Content, format!("position {position} has another commitment"))
            }
            (false, _) => Ok(()),
        }
    }

    /// The receipt's event is the sample's.
    pub(crate) fn check_receipt(&self, event: &Event, sample: &Sample) -> Result<(), Finding> {
        if Some(event.header().event_id) != sample.draft.event_id {
            let what = format!("the receipt of position {} is another's", event.position());
            return broken(Broken::Content, what);
        }
        self.check_body(event, sample)
    }

    /// The erasure of these events is asked for; whether it is done is not known yet.
    pub(crate) fn ask_erasure(&mut self, positions: &[Position]) {
        for position in positions {
            self.erasures.entry(position.get()).or_insert(false);
        }
    }

    /// The erasure was answered: no file has the bodies any more.
    pub(crate) fn erased(&mut self, positions: &[Position]) {
        for position in positions {
            self.erasures.insert(position.get(), true);
        }
    }

    pub(crate) fn is_erasure_asked(&self, position: u64) -> bool {
        self.erasures.contains_key(&position)
    }

    /// The words that were in erased bodies.
    pub(crate) fn erased_words(&self) -> Vec<String> {
        let places = self.erasures.iter().filter(|(_, is_done)| **is_done);
        places
            .filter_map(|(position, _)| self.seen.get(*position as usize - 1))
            .map(|seen| word(seen.event_id))
            .collect()
    }

    fn link(&mut self, event: &Event) -> Result<(), Finding> {
        let header = event.header();
        let position = event.position();
        let end = (event.stream_seq().get(), event.event_hash());
        let before = self.streams.insert(header.stream_id.to_owned(), end);
        let (seq, hash) = before.map_or((0, None), |(seq, hash)| (seq, Some(hash)));
        if end.0 != seq + 1 || event.prev_event_hash() != hash {
            return broken(Broken::Order, format!("the chain breaks at position {position}"));
        }
        if header.recorded_at < self.last_recorded_at() {
            return broken(Broken::Order, format!("time goes back at position {position}"));
        }
        Ok(())
    }

    /// Holds a log that was just opened against everything.
    pub(crate) fn audit(&mut self, reader: &dyn LogReader) -> Result<(), Finding> {
        self.forget_seen();
        let head = reader.head().position.get();
        self.check_head(head)?;
        self.follow(reader)?;
        self.check_units()
    }

    /// Whatever was promised lies before the head.
    fn check_head(&self, head: u64) -> Result<(), Finding> {
        let beyond = || self.promises.range(head + 1..);
        if let Some((position, _)) = beyond().find(|(_, promise)| promise.is_acknowledged) {
            let what = format!("{head} is the head, but {position} was acknowledged");
            return broken(Broken::Acknowledged, what);
        }
        if let Some((size, _)) = self.checkpoints.range(head + 1..).next() {
            let what = format!("{head} is the head, but a checkpoint has size {size}");
            return broken(Broken::Checkpoint, what);
        }
        match beyond().next() {
            Some((position, _)) => {
                let what = format!("{head} is the head, but {position} was shown");
                broken(Broken::Shown, what)
            }
            None => Ok(()),
        }
    }

    fn forget_seen(&mut self) {
        self.seen.clear();
        self.streams.clear();
        self.ids.clear();
        self.edge = Edge::default();
    }

    /// Units are there whole; what is not there after a start may not come back later.
    fn check_units(&mut self) -> Result<(), Finding> {
        let mut counts: HashMap<usize, usize> = HashMap::new();
        for event in &self.seen {
            *counts.entry(event.unit).or_default() += 1;
        }
        for (number, unit) in self.units.iter_mut().enumerate() {
            match counts.get(&number) {
                None => unit.standing = Standing::Absent,
                Some(count) if *count == unit.samples.len() => unit.standing = Standing::Kept,
                Some(count) => {
                    let all = unit.samples.len();
                    let what = format!("{count} of {all} events of unit {number} are there");
                    return broken(Broken::Atomicity, what);
                }
            }
        }
        Ok(())
    }

    /// The store's tree has the root of the oracle's, now and at the sizes of all checkpoints.
    pub(crate) fn check_tree(&self, tree: &dyn LogTree) -> Result<(), Finding> {
        let unreadable =
            |failure: ReadFailure| Finding { broken: Broken::Readable, what: failure.to_string() };
        let size = tree.grow().map_err(unreadable)?;
        if size != self.seen.len() as u64 {
            let what = format!("the tree has {size} leaves for {} events", self.seen.len());
            return broken(Broken::Checkpoint, what);
        }
        let now = (size, self.edge.root());
        let handed_out = self.checkpoints.iter().rev().take(5).map(|(size, root)| (*size, *root));
        for (size, root) in handed_out.chain([now]) {
            if root_at(tree, size).map_err(unreadable)? != Some(root) {
                let what = format!("the tree has another root at size {size}");
                return broken(Broken::Checkpoint, what);
            }
        }
        Ok(())
    }

    fn check_checkpoint(&self, size: u64) -> Result<(), Finding> {
        match self.checkpoints.get(&size) {
            Some(root) if *root != self.edge.root() => {
                let what = format!("the checkpoint at size {size} is not of this log");
                broken(Broken::Checkpoint, what)
            }
            _ => Ok(()),
        }
    }

    /// An event's identities lead to it.
    pub(crate) fn check_identities(
        &self,
        reader: &dyn LogReader,
        place: usize,
    ) -> Result<(), Finding> {
        let Some(seen) = self.seen.get(place) else { return Ok(()) };
        let (unit, index) = self.sent[&seen.event_id];
        let sample = &self.units[unit].samples[index];
        let by_id = reader.by_event_id(&workspace(sample.workspace), &seen.event_id);
        self.is_found(place, "its id", by_id)?;
        if let Some(key) = &sample.draft.idempotency_key {
            let stream = &sample.draft.stream;
            let by_key = reader.by_idempotency_key(&workspace(sample.workspace), stream, key);
            self.is_found(place, "its key", by_key)?;
        }
        let by_place = reader.event_at(Position(place as u64 + 1));
        self.is_found(place, "its position", by_place)
    }

    fn is_found(
        &self,
        place: usize,
        by: &str,
        found: Result<Option<Event>, ReadFailure>,
    ) -> Result<(), Finding> {
        let position = place + 1;
        match found {
            Ok(Some(event)) if event.event_hash() == self.seen[place].event_hash => Ok(()),
            Ok(_) => broken(Broken::Identity, format!("position {position} is not found by {by}")),
            Err(failure) => broken(Broken::Readable, format!("position {position}: {failure}")),
        }
    }

    /// A stream's page is what was seen of the stream.
    pub(crate) fn check_stream(
        &self,
        reader: &dyn LogReader,
        stream_id: &str,
        from_seq: u64,
    ) -> Result<(), Finding> {
        let page = reader.stream_page(
            &workspace("w1"),
            &stream("run", stream_id),
            annals_core::id::Seq(from_seq),
            PageLimit::events(10),
        );
        let page = match page {
            Ok(page) => page,
            Err(failure) => return broken(Broken::Readable, failure.to_string()),
        };
        let of_stream = self.seen.iter().filter(|event| event.stream_id == stream_id);
        let expected = of_stream.skip(from_seq.saturating_sub(1) as usize).take(10);
        match page.iter().map(Event::event_hash).eq(expected.map(|event| event.event_hash)) {
            true => Ok(()),
            false => broken(Broken::Order, format!("stream {stream_id} from {from_seq} differs")),
        }
    }
}
