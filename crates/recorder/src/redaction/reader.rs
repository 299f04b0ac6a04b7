//! The log as everybody above the store reads it: redacted bodies are gone from the first moment.
//!
//! The store erases bytes, which takes its time and may have to be finished by a later start. Until
//! then the bytes are there, and this is what stands between them and every reader. It changes
//! nothing but bodies: places, hashes, pages and proofs are the store's.

use std::sync::Arc;

use annals_core::envelope::StreamKey;
use annals_core::event::Event;
use annals_core::id::{EventId, IdempotencyKey, LogId, Position, Seq, WorkspaceId};
use annals_core::time::Timestamp;
use annals_store::contract::{Ancestor, Head, LogReader, LogTree, ReadFailure, StreamHead};
use annals_store::local::backup::BackupSource;
use annals_store::query::{Page, PageLimit, Query, StreamPage, StreamsQuery};

use super::Marks;

/// A log's reader that hides what is redacted.
#[derive(Debug)]
pub(crate) struct MarkedReader {
    inner: Arc<dyn LogReader>,
    marks: Arc<Marks>,
}

impl MarkedReader {
    pub(crate) fn new(inner: Arc<dyn LogReader>, marks: Arc<Marks>) -> Self {
        Self { inner, marks }
    }

    fn hide_one(&self, event: Option<Event>) -> Option<Event> {
        event.map(|event| self.marks.hide(event))
    }

    fn hide_all(&self, events: Vec<Event>) -> Vec<Event> {
        if self.marks.count() == 0 {
            return events;
        }
        events.into_iter().map(|event| self.marks.hide(event)).collect()
    }
}

impl LogReader for MarkedReader {
    fn log_id(&self) -> LogId {
        self.inner.log_id()
    }

    fn head(&self) -> Head {
        self.inner.head()
    }

    fn event_at(&self, position: Position) -> Result<Option<Event>, ReadFailure> {
        self.inner.event_at(position).map(|event| self.hide_one(event))
    }

    fn by_event_id(
        &self,
        workspace_id: &WorkspaceId,
        event_id: &EventId,
    ) -> Result<Option<Event>, ReadFailure> {
        self.inner.by_event_id(workspace_id, event_id).map(|event| self.hide_one(event))
    }

    fn by_idempotency_key(
        &self,
        workspace_id: &WorkspaceId,
        stream: &StreamKey,
        key: &IdempotencyKey,
    ) -> Result<Option<Event>, ReadFailure> {
        let found = self.inner.by_idempotency_key(workspace_id, stream, key);
        found.map(|event| self.hide_one(event))
    }

    fn stream_head(
        &self,
        workspace_id: &WorkspaceId,
        stream: &StreamKey,
    ) -> Result<Option<StreamHead>, ReadFailure> {
        self.inner.stream_head(workspace_id, stream)
    }

    fn stream_page(
        &self,
        workspace_id: &WorkspaceId,
        stream: &StreamKey,
        from_seq: Seq,
        limit: PageLimit,
    ) -> Result<Vec<Event>, ReadFailure> {
        let events = self.inner.stream_page(workspace_id, stream, from_seq, limit);
        events.map(|events| self.hide_all(events))
    }

    fn scan(&self, query: &Query, limit: PageLimit) -> Result<Page, ReadFailure> {
        let page = self.inner.scan(query, limit)?;
        Ok(Page { events: self.hide_all(page.events), ..page })
    }

    fn streams(&self, query: &StreamsQuery, count_max: usize) -> Result<StreamPage, ReadFailure> {
        self.inner.streams(query, count_max)
    }

    fn position_before(&self, at: Timestamp) -> Result<Position, ReadFailure> {
        self.inner.position_before(at)
    }

    fn tree(&self) -> &dyn LogTree {
        self.inner.tree()
    }

    fn lineage(&self) -> Vec<Ancestor> {
        self.inner.lineage()
    }

    fn sync(&self) -> Result<(), ReadFailure> {
        self.inner.sync()
    }

    fn backup(&self) -> Option<&dyn BackupSource> {
        self.inner.backup()
    }
}
