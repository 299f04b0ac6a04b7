//! The memory engine: a log that lives as long as its process.
//!
//! It is for tests, examples and embedding without a disk, and it is the plain model that the
//! contract suite compares other engines with: its queries look at every event.
//! Nothing is durable here, so [`LogWriter::append`] promises visibility only.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use annals_core::envelope::StreamKey;
use annals_core::event::Event;
use annals_core::hash::Digest;
use annals_core::id::{
    EventId, IdempotencyKey, LogId, Position, Seq, StreamId, StreamType, WorkspaceId,
};
use annals_core::record::HeaderRef;
use annals_core::time::Timestamp;
use bytes::Bytes;

use crate::assign::{Assigner, Lookup};
use crate::contract::{
    AppendFailure, EraseFailure, Erased, Head, LogReader, LogTree, LogWriter, ReadFailure,
    StreamHead, Unit, UnitOutcome,
};
use crate::keys::{IdentityMap, KeyMap, Keys};
use crate::query::{Order, Page, PageLimit, Query, StreamEntry, StreamPage, StreamsQuery};
use crate::tips::{StreamName, Tip};
use crate::tree::plain::PlainRows;

/// Makes an empty log.
#[must_use]
pub fn open_memory(log_id: LogId) -> (MemoryWriter, MemoryReader) {
    let reader = MemoryReader { log_id, state: Arc::default(), tree: Arc::default() };
    let writer =
        MemoryWriter { assigner: Assigner::new(log_id, Head::EMPTY), reader: reader.clone() };
    (writer, reader)
}

/// Appends to a log in memory.
#[derive(Debug)]
pub struct MemoryWriter {
    assigner: Assigner,
    reader: MemoryReader,
}

/// Reads a log in memory. Cloning shares it.
#[derive(Debug, Clone)]
pub struct MemoryReader {
    log_id: LogId,
    state: Arc<RwLock<State>>,
    tree: Arc<RwLock<PlainRows>>,
}

#[derive(Debug, Default)]
struct State {
    events: Vec<Event>,
    identities: IdentityMap,
    streams: KeyMap<Vec<u32>>,
}

impl State {
    fn head(&self) -> Head {
        self.events.last().map_or(Head::EMPTY, |event| Head {
            position: event.position(),
            recorded_at: event.header().recorded_at,
        })
    }

    fn at(&self, position: Position) -> Option<&Event> {
        let index = position.get().checked_sub(1)?;
        self.events.get(usize::try_from(index).ok()?)
    }

    fn position_before(&self, at: Timestamp) -> Position {
        let count = self.events.partition_point(|event| event.header().recorded_at < at);
        Position(count as u64)
    }

    fn identity(&self, key: u64, is_it: &dyn Fn(&HeaderRef<'_>) -> bool) -> Option<&Event> {
        let mut found = self.identities.get(key).map(|ordinal| &self.events[ordinal as usize]);
        found.find(|event| is_it(&event.header()))
    }

    fn stream(&self, key: u64, name: StreamName<'_>) -> Vec<&Event> {
        let ordinals = self.streams.get(&key).map_or(&[][..], Vec::as_slice);
        let events = ordinals.iter().map(|ordinal| &self.events[*ordinal as usize]);
        events.filter(|event| StreamName::of(&event.header()) == name).collect()
    }
}

impl Lookup for State {
    fn identity(
        &self,
        key: u64,
        is_it: &dyn Fn(&HeaderRef<'_>) -> bool,
    ) -> Result<Option<Event>, ReadFailure> {
        Ok(self.identity(key, is_it).cloned())
    }

    fn tip(&self, key: u64, stream: StreamName<'_>) -> Result<Tip, ReadFailure> {
        Ok(self.stream(key, stream).last().map_or(Tip::NEW, |event| Tip {
            seq: event.stream_seq(),
            event_hash: event.event_hash(),
        }))
    }
}

impl LogWriter for MemoryWriter {
    fn append(
        &mut self,
        now: Timestamp,
        units: Vec<Unit>,
    ) -> Result<Vec<UnitOutcome>, AppendFailure> {
        let mut state = self.reader.state.write().unwrap_or_else(|lock| lock.into_inner());
        let mut group = self.assigner.assign(&*state, now, &units);
        let first = state.events.len();
        let identities = std::mem::take(&mut group.identities);
        let streams = std::mem::take(&mut group.streams);
        let buffer = Bytes::from(std::mem::take(&mut group.buffer));
        let outcomes = group
            .finish(&buffer)
            .map_err(|fault| AppendFailure::Failed { reason: fault.0.to_owned() })?;
        state.events.extend(fresh_events(&outcomes));
        self.assigner.commit(state.events.len() - first);
        for (key, ordinal) in identities {
            state.identities.insert(key, ordinal_after(first, ordinal));
        }
        for (ordinal, key) in (0..).zip(streams) {
            state.streams.entry(key).or_default().push(ordinal_after(first, ordinal));
        }
        Ok(outcomes)
    }

    fn erase(&mut self, positions: &[Position]) -> Result<Erased, EraseFailure> {
        let mut state = self.reader.state.write().unwrap_or_else(|lock| lock.into_inner());
        if let Some(position) = positions.iter().find(|position| state.at(**position).is_none()) {
            return Err(EraseFailure::NoSuchEvent { position: *position });
        }
        for position in positions {
            let index = usize::try_from(position.get() - 1).unwrap_or(usize::MAX);
            if let Some(event) = state.events.get_mut(index) {
                *event = event.erased();
            }
        }
        Ok(Erased::default())
    }

    fn head(&self) -> Head {
        self.assigner.head()
    }
}

/// The events that were placed now, in order.
fn fresh_events(outcomes: &[UnitOutcome]) -> impl Iterator<Item = Event> + '_ {
    let placed = outcomes.iter().flat_map(|outcome| match outcome {
        UnitOutcome::Committed(placed) => placed.as_slice(),
        UnitOutcome::Refused { .. } | UnitOutcome::Undecided { .. } => &[],
    });
    placed.filter(|placed| !placed.replayed).map(|placed| placed.event.clone())
}

/// A log in memory has fewer than 2³² events for lack of memory.
fn ordinal_after(first: usize, ordinal: u32) -> u32 {
    u32::try_from(first).unwrap_or(u32::MAX).saturating_add(ordinal)
}

impl MemoryReader {
    fn state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(|lock| lock.into_inner())
    }

    fn rows_of_tree(&self) -> RwLockReadGuard<'_, PlainRows> {
        self.tree.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn stream_events(&self, workspace_id: &WorkspaceId, stream: &StreamKey) -> Vec<Event> {
        let name = StreamName {
            workspace_id: workspace_id.as_str(),
            stream_type: stream.stream_type.as_str(),
            stream_id: stream.stream_id.as_str(),
        };
        let key = name.key(&mut Keys::new(self.log_id));
        self.state().stream(key, name).into_iter().cloned().collect()
    }
}

fn stream_head(events: &[Event]) -> Option<StreamHead> {
    let (first, last) = (events.first()?, events.last()?);
    Some(StreamHead {
        first_seq: first.stream_seq(),
        last_seq: last.stream_seq(),
        last_event_hash: last.event_hash(),
        event_count: events.len() as u64,
        first_at: first.header().recorded_at,
        last_at: last.header().recorded_at,
    })
}

impl LogReader for MemoryReader {
    fn log_id(&self) -> LogId {
        self.log_id
    }

    fn head(&self) -> Head {
        self.state().head()
    }

    fn event_at(&self, position: Position) -> Result<Option<Event>, ReadFailure> {
        Ok(self.state().at(position).cloned())
    }

    fn by_event_id(
        &self,
        workspace_id: &WorkspaceId,
        event_id: &EventId,
    ) -> Result<Option<Event>, ReadFailure> {
        let key = Keys::new(self.log_id).event_id(workspace_id.as_str(), event_id.as_bytes());
        let is_it = |header: &HeaderRef<'_>| {
            header.event_id == *event_id && header.workspace_id == workspace_id.as_str()
        };
        Ok(self.state().identity(key, &is_it).cloned())
    }

    fn by_idempotency_key(
        &self,
        workspace_id: &WorkspaceId,
        stream: &StreamKey,
        key: &IdempotencyKey,
    ) -> Result<Option<Event>, ReadFailure> {
        let events = self.stream_events(workspace_id, stream);
        let is_it = |event: &Event| event.header().idempotency_key == Some(key.as_str());
        Ok(events.into_iter().find(is_it))
    }

    fn stream_head(
        &self,
        workspace_id: &WorkspaceId,
        stream: &StreamKey,
    ) -> Result<Option<StreamHead>, ReadFailure> {
        Ok(stream_head(&self.stream_events(workspace_id, stream)))
    }

    fn stream_page(
        &self,
        workspace_id: &WorkspaceId,
        stream: &StreamKey,
        from_seq: Seq,
        limit: PageLimit,
    ) -> Result<Vec<Event>, ReadFailure> {
        let events = self.stream_events(workspace_id, stream);
        let mut room = limit.room();
        let wanted = events.into_iter().filter(|event| event.stream_seq() >= from_seq);
        Ok(wanted.take_while(|event| room.take(event)).collect())
    }

    fn scan(&self, query: &Query, limit: PageLimit) -> Result<Page, ReadFailure> {
        let state = self.state();
        let as_of = state.head().position;
        let bounds = query.bounds(as_of, |at| Ok(state.position_before(at)))?;
        let mut wanted: Vec<&Event> = (bounds.first..=bounds.last)
            .filter_map(|position| state.at(Position(position)))
            .collect();
        if query.order == Order::Desc {
            wanted.reverse();
        }
        let mut room = limit.room();
        let mut events: Vec<Event> = Vec::new();
        for event in wanted.into_iter().filter(|event| query.admits(&event.header())) {
            if !room.take(event) {
                let next = events.last().map(Event::position);
                let scanned_to = next.unwrap_or_default();
                return Ok(Page { events, next, as_of, scanned_to });
            }
            events.push(event.clone());
        }
        Ok(Page { events, next: None, as_of, scanned_to: query.walked_to(bounds) })
    }

    fn streams(&self, query: &StreamsQuery, count_max: usize) -> Result<StreamPage, ReadFailure> {
        let births = self.births(query);
        let as_of = self.head().position;
        let mut streams = Vec::new();
        let mut next = None;
        for birth in births {
            if streams.len() == count_max {
                return Ok(StreamPage { streams, next, as_of });
            }
            let header = birth.header();
            let Some(stream) = stream_key(&header) else { continue };
            if let Some(head) = self.stream_head(&query.workspace_id, &stream)? {
                streams.push(StreamEntry { stream, head });
                next = Some(birth.position());
            }
        }
        Ok(StreamPage { streams, next: None, as_of })
    }

    fn position_before(&self, at: Timestamp) -> Result<Position, ReadFailure> {
        Ok(self.state().position_before(at))
    }

    fn tree(&self) -> &dyn LogTree {
        self
    }
}

impl LogTree for MemoryReader {
    fn grown_to(&self) -> u64 {
        self.rows_of_tree().size()
    }

    fn grow(&self) -> Result<u64, ReadFailure> {
        let mut rows = self.tree.write().unwrap_or_else(PoisonError::into_inner);
        let state = self.state();
        let known = usize::try_from(rows.size()).unwrap_or(usize::MAX);
        for event in state.events.iter().skip(known) {
            rows.append(event.event_hash());
        }
        Ok(rows.size())
    }

    fn rows(&self, level: u8, first: u64, count: usize) -> Result<Vec<Digest>, ReadFailure> {
        Ok(self.rows_of_tree().row(level, first, count))
    }

    fn sync(&self) -> Result<(), ReadFailure> {
        Ok(())
    }

    fn rebuild(&self) -> Result<(), ReadFailure> {
        *self.tree.write().unwrap_or_else(PoisonError::into_inner) = PlainRows::default();
        self.grow().map(drop)
    }
}

impl MemoryReader {
    fn births(&self, query: &StreamsQuery) -> Vec<Event> {
        let state = self.state();
        let wanted = |event: &&Event| {
            let is_after = match (query.cursor, query.order) {
                (None, _) => true,
                (Some(cursor), Order::Asc) => event.position() > cursor,
                (Some(cursor), Order::Desc) => event.position() < cursor,
            };
            is_after && query.admits_birth(&event.header())
        };
        let mut births: Vec<Event> = state.events.iter().filter(wanted).cloned().collect();
        if query.order == Order::Desc {
            births.reverse();
        }
        births
    }
}

/// The stream that a header names. None cannot happen, for ids are checked before they are kept.
pub(crate) fn stream_key(header: &HeaderRef<'_>) -> Option<StreamKey> {
    Some(StreamKey {
        stream_type: StreamType::parse(header.stream_type).ok()?,
        stream_id: StreamId::parse(header.stream_id).ok()?,
    })
}
