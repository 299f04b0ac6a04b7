//! Reads a local log: by place, identity, stream, query.
//!
//! Takes the head first and the view after it, and never looks beyond that head.
//! INVARIANT (hash matches are verified): an event found by key is returned only after its header
//! was compared with what was asked for.

use std::sync::Arc;

use annals_core::envelope::StreamKey;
use annals_core::event::Event;
use annals_core::id::{EventId, IdempotencyKey, LogId, Position, Seq, WorkspaceId};
use annals_core::record::HeaderRef;
use annals_core::time::Timestamp;

use super::backup::BackupSource;
use super::scan::{Scan, scan};
use super::segment::RecordReader;
use super::state::{Shared, SourcePostings, View};
use crate::assign::Lookup;
use crate::contract::{Ancestor, Head, LogReader, LogTree, ReadFailure, StreamHead};
use crate::keys::Keys;
use crate::memory::stream_key;
use crate::query::{
    Order, Page, PageLimit, PageRoom, Query, StreamEntry, StreamPage, StreamsQuery,
};
use crate::tips::StreamName;

/// Reads a local log. Cloning shares it.
#[derive(Debug, Clone)]
pub struct LocalReader {
    shared: Arc<Shared>,
}

impl LocalReader {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    fn stream_ends(
        &self,
        view: &View,
        key: u64,
        stream: StreamName<'_>,
        head: u64,
    ) -> Result<Option<StreamHead>, ReadFailure> {
        let Some(last) = self.shared.stream_end(view, key, stream, head)? else { return Ok(None) };
        let mut walk = StreamWalk::new(&self.shared, view, key, stream, head);
        let mut events = Vec::new();
        let mut room = PageLimit::events(1).room();
        walk.take(Seq(0), &mut room, &mut events)?;
        Ok(events.first().map(|first| StreamHead {
            first_seq: first.stream_seq(),
            last_seq: last.stream_seq(),
            last_event_hash: last.event_hash(),
            event_count: (last.stream_seq().get().saturating_add(1))
                .saturating_sub(first.stream_seq().get()),
            first_at: first.header().recorded_at,
            last_at: last.header().recorded_at,
        }))
    }

    fn recorded_at(&self, view: &View, position: u64) -> Result<Timestamp, ReadFailure> {
        let mut reader = RecordReader::new(&self.shared.files);
        let event = self.shared.event(view, &mut reader, position)?;
        Ok(event.header().recorded_at)
    }

    fn last_before(&self, view: &View, head: u64, at: Timestamp) -> Result<Position, ReadFailure> {
        // `low` is recorded before `at` or is 0; `high` is not, or is beyond the head.
        let (mut low, mut high) = (0, head + 1);
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            match self.recorded_at(view, middle)? < at {
                true => low = middle,
                false => high = middle,
            }
        }
        Ok(Position(low))
    }

    fn stream_entry(
        &self,
        view: &View,
        birth: &Event,
        head: u64,
    ) -> Result<Option<StreamEntry>, ReadFailure> {
        let header = birth.header();
        let name = StreamName::of(&header);
        let key = name.key(&mut Keys::new(self.shared.log_id));
        let Some(stream) = stream_key(&header) else { return Ok(None) };
        let Some(last) = self.shared.stream_end(view, key, name, head)? else { return Ok(None) };
        let head = StreamHead {
            first_seq: birth.stream_seq(),
            last_seq: last.stream_seq(),
            last_event_hash: last.event_hash(),
            event_count: last.stream_seq().get(),
            first_at: header.recorded_at,
            last_at: last.header().recorded_at,
        };
        Ok(Some(StreamEntry { stream, head }))
    }

    fn stream_entries(
        &self,
        view: &View,
        query: &StreamsQuery,
        count_max: usize,
        head: u64,
    ) -> Result<StreamPage, ReadFailure> {
        let mut keys = Keys::new(self.shared.log_id);
        let stream_type = query.stream_type.as_ref().map(AsRef::as_ref);
        let births = keys.birth(query.workspace_id.as_str(), stream_type);
        let as_of = Position(head);
        let (mut first, mut last) = (1, head);
        match (query.order, query.cursor) {
            (Order::Asc, Some(cursor)) => first = cursor.get() + 1,
            (Order::Desc, Some(cursor)) => last = cursor.get().saturating_sub(1).min(head),
            (_, None) => {}
        }
        let admits = |header: &HeaderRef<'_>| query.admits_birth(header);
        let plan =
            Scan { all_of: vec![vec![births]], first, last, order: query.order, admits: &admits };
        let found = scan(&self.shared, view, &plan, PageLimit::events(count_max))?;
        let mut streams = Vec::new();
        for birth in &found.events {
            streams.extend(self.stream_entry(view, birth, head)?);
        }
        Ok(StreamPage { streams, next: found.next, as_of })
    }
}

fn name_of<'a>(workspace_id: &'a WorkspaceId, stream: &'a StreamKey) -> StreamName<'a> {
    StreamName {
        workspace_id: workspace_id.as_str(),
        stream_type: stream.stream_type.as_str(),
        stream_id: stream.stream_id.as_str(),
    }
}

impl LogReader for LocalReader {
    fn log_id(&self) -> LogId {
        self.shared.log_id
    }

    fn head(&self) -> Head {
        self.shared.head()
    }

    fn lineage(&self) -> Vec<Ancestor> {
        self.shared.lineage.ancestors().to_vec()
    }

    fn sync(&self) -> Result<(), ReadFailure> {
        self.shared.sync_log()
    }

    fn backup(&self) -> Option<&dyn BackupSource> {
        Some(self)
    }

    fn event_at(&self, position: Position) -> Result<Option<Event>, ReadFailure> {
        if position == Position(0) || position > self.head().position {
            return Ok(None);
        }
        self.shared.ask(|view| {
            let mut reader = RecordReader::new(&self.shared.files);
            self.shared.event(view, &mut reader, position.get()).map(Some)
        })
    }

    fn by_event_id(
        &self,
        workspace_id: &WorkspaceId,
        event_id: &EventId,
    ) -> Result<Option<Event>, ReadFailure> {
        let mut keys = Keys::new(self.shared.log_id);
        let key = keys.event_id(workspace_id.as_str(), event_id.as_bytes());
        self.shared.snapshot().identity(key, &|header| {
            header.event_id == *event_id && header.workspace_id == workspace_id.as_str()
        })
    }

    fn by_idempotency_key(
        &self,
        workspace_id: &WorkspaceId,
        stream: &StreamKey,
        idempotency_key: &IdempotencyKey,
    ) -> Result<Option<Event>, ReadFailure> {
        let name = name_of(workspace_id, stream);
        let key = Keys::new(self.shared.log_id).idempotency(
            name.workspace_id,
            name.stream_type,
            name.stream_id,
            idempotency_key.as_str(),
        );
        self.shared.snapshot().identity(key, &|header| {
            header.idempotency_key == Some(idempotency_key.as_str())
                && StreamName::of(header) == name
        })
    }

    fn stream_head(
        &self,
        workspace_id: &WorkspaceId,
        stream: &StreamKey,
    ) -> Result<Option<StreamHead>, ReadFailure> {
        let head = self.head().position.get();
        let name = name_of(workspace_id, stream);
        let key = name.key(&mut Keys::new(self.shared.log_id));
        self.shared.ask(|view| self.stream_ends(view, key, name, head))
    }

    fn stream_page(
        &self,
        workspace_id: &WorkspaceId,
        stream: &StreamKey,
        from_seq: Seq,
        limit: PageLimit,
    ) -> Result<Vec<Event>, ReadFailure> {
        let head = self.head().position.get();
        let name = name_of(workspace_id, stream);
        let key = name.key(&mut Keys::new(self.shared.log_id));
        self.shared.ask(|view| {
            let mut events = Vec::new();
            let mut walk = StreamWalk::new(&self.shared, view, key, name, head);
            walk.take(from_seq, &mut limit.room(), &mut events)?;
            Ok(events)
        })
    }

    fn scan(&self, query: &Query, limit: PageLimit) -> Result<Page, ReadFailure> {
        let as_of = self.head().position;
        self.shared.ask(|view| {
            let bounds = query.bounds(as_of, |at| self.last_before(view, as_of.get(), at))?;
            let admits = |header: &HeaderRef<'_>| query.admits(header);
            let plan = Scan {
                all_of: wanted_keys(&mut Keys::new(self.shared.log_id), query),
                first: bounds.first,
                last: bounds.last,
                order: query.order,
                admits: &admits,
            };
            let found = scan(&self.shared, view, &plan, limit)?;
            let scanned_to = found.next.unwrap_or_else(|| query.walked_to(bounds));
            Ok(Page { events: found.events, next: found.next, as_of, scanned_to })
        })
    }

    fn streams(&self, query: &StreamsQuery, count_max: usize) -> Result<StreamPage, ReadFailure> {
        let head = self.head().position.get();
        self.shared.ask(|view| self.stream_entries(view, query, count_max, head))
    }

    fn position_before(&self, at: Timestamp) -> Result<Position, ReadFailure> {
        let head = self.head().position.get();
        self.shared.ask(|view| self.last_before(view, head, at))
    }

    fn tree(&self) -> &dyn LogTree {
        &*self.shared
    }
}

/// The keys that an event must have: one of each list. Keys name a workspace, so a query without
/// one has none and looks at every event.
fn wanted_keys(keys: &mut Keys, query: &Query) -> Vec<Vec<u64>> {
    let Some(workspace_id) = &query.workspace_id else { return Vec::new() };
    let workspace_id = workspace_id.as_str();
    let mut all_of: Vec<Vec<u64>> =
        query.filters.iter().map(|filter| vec![keys.filter(workspace_id, filter)]).collect();
    let types = query.event_types.iter().map(|pattern| keys.type_pattern(workspace_id, pattern));
    let types: Vec<u64> = types.collect();
    if !types.is_empty() {
        all_of.push(types);
    }
    if !query.origins.is_empty() {
        let origins = query.origins.iter();
        all_of.push(origins.map(|origin| keys.origin(workspace_id, origin)).collect());
    }
    if all_of.is_empty() {
        all_of.push(vec![keys.workspace(workspace_id)]);
    }
    all_of
}

/// Walks one stream forward.
struct StreamWalk<'a> {
    shared: &'a Shared,
    view: &'a View,
    key: u64,
    stream: StreamName<'a>,
    head: u64,
    reader: RecordReader<'a>,
}

impl<'a> StreamWalk<'a> {
    fn new(
        shared: &'a Shared,
        view: &'a View,
        key: u64,
        stream: StreamName<'a>,
        head: u64,
    ) -> Self {
        let reader = RecordReader::new(&shared.files);
        Self { shared, view, key, stream, head, reader }
    }

    /// Adds events from a seq on until there is no more room.
    fn take(
        &mut self,
        from_seq: Seq,
        room: &mut PageRoom,
        events: &mut Vec<Event>,
    ) -> Result<(), ReadFailure> {
        for source in self.view.sources() {
            let mut postings = self.shared.postings(source, self.key, 0, self.head)?;
            let Some(first) = postings.at_or_after(0)? else { continue };
            let Some(start) = self.start(&postings, first, from_seq)? else { continue };
            let mut next = Some(start);
            while let Some(position) = next.filter(|position| *position <= self.head) {
                let event = self.event(position)?;
                let is_wanted = self.is_ours(&event) && event.stream_seq() >= from_seq;
                if is_wanted && !room.take(&event) {
                    return Ok(());
                }
                if is_wanted {
                    events.push(event);
                }
                next = postings.at_or_after(position + 1)?;
            }
        }
        Ok(())
    }

    /// Where to start in a source: seqs have no gaps, so that the place of a seq among the
    /// stream's postings is known. None when the source ends before.
    fn start(
        &mut self,
        postings: &SourcePostings<'_>,
        first: u64,
        from_seq: Seq,
    ) -> Result<Option<u64>, ReadFailure> {
        let first_event = self.event(first)?;
        let skipped = from_seq.get().saturating_sub(first_event.stream_seq().get());
        if skipped == 0 || !self.is_ours(&first_event) {
            return Ok(Some(first));
        }
        if skipped >= postings.count()? {
            return Ok(None);
        }
        let Some(start) = postings.nth(skipped)?.filter(|start| *start <= self.head) else {
            return Ok(Some(first));
        };
        let event = self.event(start)?;
        // Another stream with the same key shifts the places: then every event is looked at.
        let is_exact = self.is_ours(&event) && event.stream_seq() == from_seq;
        Ok(Some(if is_exact { start } else { first }))
    }

    fn is_ours(&self, event: &Event) -> bool {
        StreamName::of(&event.header()) == self.stream
    }

    fn event(&mut self, position: u64) -> Result<Event, ReadFailure> {
        self.shared.event(self.view, &mut self.reader, position)
    }
}
