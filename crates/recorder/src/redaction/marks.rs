//! What is redacted, in memory: restored from the log at the start and kept up by the sequencer.
//!
//! Readers ask it about every event that they get, so the answer for a log without redactions is
//! one load. The lock is owned by nobody for longer than a look-up; only the sequencer writes.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use annals_core::envelope::StreamKey;
use annals_core::event::Event;
use annals_core::id::{EventId, Position, RunId, StreamId, StreamType, WorkspaceId};
use annals_core::json::{as_str, member};
use annals_core::redaction::{self, RedactionMark};
use annals_store::contract::{LogReader, ReadFailure};
use annals_store::query::{Filter, PageLimit, Query, TypePattern};
use serde::{Deserialize, Serialize};

use super::decide::{self, RedactCommand, RedactDecision};
use super::{
    REDACTED_TYPE, REDACTIONS_STREAM_TYPE, RedactRefusal, RedactionReceipt, RedactionsQuery,
};

/// Persisted in the header of `event.redacted`: add fields only as optional ones.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct RedactedFact {
    pub(super) position: u64,
    pub(super) event_id: String,
}

/// The position that an event redacts, if it is a decision to redact.
pub(crate) fn redacted_position(event: &Event) -> Option<Position> {
    // Asked of every event: the type is found without the rest of the header.
    if event.event_type() != REDACTED_TYPE {
        return None;
    }
    redaction::redacted_position(&event.header())
}

/// One redaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redaction {
    /// The redacted event.
    pub event_id: EventId,
    /// Its position.
    pub position: Position,
    /// Its workspace.
    pub workspace_id: WorkspaceId,
    /// Its run, if it is part of one.
    pub run_id: Option<RunId>,
    /// The position of the event that redacted it.
    pub redaction_position: Position,
    /// What readers see.
    pub mark: RedactionMark,
}

impl Redaction {
    /// What an `event.redacted` says; none when it is a report and no decision, or is not one.
    fn of_fact(event: &Event) -> Option<Self> {
        let position = redacted_position(event)?;
        let header = event.header();
        let fact: RedactedFact = serde_json::from_str(header.control?).ok()?;
        let data = event.data();
        let mark = RedactionMark {
            redacted_at: header.recorded_at,
            reason: member(data, "reason").and_then(as_str).map(|reason| reason.into_owned()),
            redacted_by: header.actor_principal_id.parse().ok()?,
            redaction_event_id: header.event_id,
            replacement: member(data, "replacement").map(str::to_owned),
        };
        Some(Self {
            event_id: EventId::parse(&fact.event_id).ok()?,
            position,
            workspace_id: header.workspace_id.parse().ok()?,
            run_id: header.run_id.and_then(|run_id| run_id.parse().ok()),
            redaction_position: event.position(),
            mark,
        })
    }

    pub(crate) fn receipt(&self, replayed: bool, cut_files_removed: u64) -> RedactionReceipt {
        RedactionReceipt {
            event_id: self.event_id,
            position: self.position,
            redacted_at: self.mark.redacted_at,
            redaction_event_id: self.mark.redaction_event_id,
            redaction_position: self.redaction_position,
            replayed,
            cut_files_removed,
        }
    }
}

#[derive(Debug, Default)]
struct Table {
    by_position: BTreeMap<Position, Arc<Redaction>>,
    by_workspace: HashMap<WorkspaceId, OfWorkspace>,
}

/// The redacted positions, by the position of the redaction.
type ByRedaction = BTreeMap<Position, Position>;

/// The redactions of a workspace, all of them and those of each run.
#[derive(Debug, Default)]
struct OfWorkspace {
    all: ByRedaction,
    by_run: HashMap<RunId, ByRedaction>,
}

/// Everything that is redacted.
#[derive(Debug, Default)]
pub struct Marks {
    table: RwLock<Table>,
    count: AtomicUsize,
}

impl Marks {
    /// Reads the redactions of some workspaces from the log.
    pub(crate) fn restore(
        workspaces: BTreeSet<WorkspaceId>,
        reader: &dyn LogReader,
    ) -> Result<Self, ReadFailure> {
        let marks = Self::default();
        for workspace_id in workspaces {
            let Some(stream) = redactions_stream(&workspace_id) else { continue };
            let mut query = Query {
                workspace_id: Some(workspace_id),
                filters: vec![Filter::Stream(stream)],
                event_types: TypePattern::parse(REDACTED_TYPE).into_iter().collect(),
                ..Query::default()
            };
            loop {
                let page = reader.scan(&query, PageLimit::events(1_000))?;
                for event in &page.events {
                    marks.restore_one(event, reader)?;
                }
                match page.next {
                    Some(next) => query.after_position = next,
                    None => break,
                }
            }
        }
        Ok(marks)
    }

    fn restore_one(&self, event: &Event, reader: &dyn LogReader) -> Result<(), ReadFailure> {
        let Some(mut redaction) = Redaction::of_fact(event) else { return Ok(()) };
        if redaction.run_id.is_none() {
            // The fact of an earlier build names no run; the redacted event does.
            let target = reader.event_at(redaction.position)?;
            let run_id = target.and_then(|target| target.header().run_id?.parse().ok());
            redaction.run_id = run_id;
        }
        self.insert(redaction);
        Ok(())
    }

    /// Takes in a durable event. Total: what is no decision to redact changes nothing.
    pub(crate) fn evolve(&self, event: &Event) {
        if let Some(redaction) = Redaction::of_fact(event) {
            self.insert(redaction);
        }
    }

    fn insert(&self, redaction: Redaction) {
        let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
        let of_workspace = table.by_workspace.entry(redaction.workspace_id.clone()).or_default();
        of_workspace.all.insert(redaction.redaction_position, redaction.position);
        if let Some(run_id) = redaction.run_id.clone() {
            let of_run = of_workspace.by_run.entry(run_id).or_default();
            of_run.insert(redaction.redaction_position, redaction.position);
        }
        // The first redaction of an event is the one that counts; decide makes no second.
        table.by_position.entry(redaction.position).or_insert_with(|| Arc::new(redaction));
        self.count.store(table.by_position.len(), Ordering::Release);
    }

    /// Decides a command. Called in the sequencer's turn only.
    pub(crate) fn decide(&self, command: RedactCommand) -> Result<RedactDecision, RedactRefusal> {
        decide::decide(self.at(command.target.position()).as_deref(), command)
    }

    /// How many events are redacted.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count.load(Ordering::Acquire)
    }

    /// The redaction of the event at a position.
    #[must_use]
    pub fn at(&self, position: Position) -> Option<Arc<Redaction>> {
        if self.count() == 0 {
            return None;
        }
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
        table.by_position.get(&position).cloned()
    }

    /// Writes an event as readers get it, with its mark where it is redacted.
    pub fn write_event(&self, event: &Event, out: &mut String) {
        let redaction = self.at(event.position());
        event.write_json(out, redaction.as_deref().map(|redaction| &redaction.mark));
    }

    /// An event without its body where it is redacted: the bytes may still be there.
    pub(crate) fn hide(&self, event: Event) -> Event {
        let is_open = || self.at(event.position()).is_some() && !event.is_erased();
        if is_open() { event.erased() } else { event }
    }

    /// All redacted positions, in order.
    pub(crate) fn positions(&self) -> Vec<Position> {
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
        table.by_position.keys().copied().collect()
    }

    /// The position of the newest redaction in any workspace; 0 when there is none.
    pub(crate) fn newest(&self) -> Position {
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
        let newest = |of: &OfWorkspace| of.all.keys().next_back().copied();
        table.by_workspace.values().filter_map(newest).max().unwrap_or(Position(0))
    }

    /// The redactions that are asked for, newest first.
    #[must_use]
    pub fn find(&self, query: &RedactionsQuery) -> Vec<Arc<Redaction>> {
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
        let of_workspace = table.by_workspace.get(&query.workspace_id);
        let found = of_workspace.and_then(|of_workspace| match &query.run_id {
            Some(run_id) => of_workspace.by_run.get(run_id),
            None => Some(&of_workspace.all),
        });
        let Some(found) = found else { return Vec::new() };
        let end = query.before.unwrap_or(Position(u64::MAX));
        let newest_first = found.range(..end).rev().take(query.count_max);
        newest_first.filter_map(|(_, position)| table.by_position.get(position).cloned()).collect()
    }
}

fn redactions_stream(workspace_id: &WorkspaceId) -> Option<StreamKey> {
    Some(StreamKey {
        stream_type: StreamType::parse(REDACTIONS_STREAM_TYPE).ok()?,
        stream_id: StreamId::parse(workspace_id.as_str()).ok()?,
    })
}
