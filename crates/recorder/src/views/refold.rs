//! Folding one run again, because an event of it was redacted after it was folded.
//!
//! The rows that a run has are its own, so they are deleted and folded anew from the log, which no
//! longer has the body. The one thing that runs share is whose statement about a model call counts,
//! and that is decided again for every call that the run had or has.
//! Taking the deleted bytes out of the files is the storage's.

use std::collections::BTreeSet;

use annals_core::event::Event;
use annals_core::id::{Position, RunId, WorkspaceId};
use annals_core::price::PriceTable;
use annals_store::contract::LogReader;
use annals_store::query::{Filter, PageLimit, Query};
use rusqlite::Connection;

use super::ViewError;
use super::fold::{Fold, recount};
use super::rows::RunRow;

/// A model call's id, and that of its request.
type CallNames = (String, Option<String>);

/// Events that are folded before their changes are written.
const PAGE_EVENTS_MAX: usize = 1_000;

/// A run of a workspace.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RunKey {
    workspace_id: WorkspaceId,
    run_id: RunId,
}

impl RunKey {
    /// The run that an event is part of.
    pub(super) fn of(event: &Event) -> Option<Self> {
        let header = event.header();
        Some(Self {
            workspace_id: header.workspace_id.parse().ok()?,
            run_id: header.run_id?.parse().ok()?,
        })
    }
}

/// Folds runs again, up to a position.
pub(super) struct Refold<'a> {
    db: &'a Connection,
    prices: &'a PriceTable,
    reader: &'a dyn LogReader,
    reached: Position,
}

impl<'a> Refold<'a> {
    pub(super) fn new(
        db: &'a Connection,
        prices: &'a PriceTable,
        reader: &'a dyn LogReader,
        reached: Position,
    ) -> Self {
        Self { db, prices, reader, reached }
    }

    /// Makes the rows of a run anew.
    pub(super) fn run(&self, key: &RunKey) -> Result<(), ViewError> {
        let (workspace_id, run_id) = (key.workspace_id.as_str(), key.run_id.as_str());
        let Some(id) = RunRow::id_of(self.db, workspace_id, run_id)? else { return Ok(()) };
        let mut calls = self.named_calls(id)?;
        for sql in [
            "DELETE FROM calls WHERE run = ?1",
            "DELETE FROM marks WHERE run = ?1",
            "DELETE FROM run_agents WHERE run = ?1",
            "DELETE FROM runs WHERE id = ?1",
        ] {
            self.db.execute(sql, [id])?;
        }
        self.fold(key)?;
        calls.append(&mut self.named_calls(id)?);
        for (call_id, request_id) in &calls {
            recount(self.db, workspace_id, (call_id, request_id.as_deref()))?;
        }
        Ok(())
    }

    fn fold(&self, key: &RunKey) -> Result<(), ViewError> {
        let mut query = Query {
            workspace_id: Some(key.workspace_id.clone()),
            filters: vec![Filter::Run(key.run_id.clone())],
            before_position: Some(self.reached.next()),
            ..Query::default()
        };
        loop {
            let page = self.reader.scan(&query, PageLimit::events(PAGE_EVENTS_MAX))?;
            let mut fold = Fold::new(self.db, self.prices);
            for event in &page.events {
                fold.apply(event, event.header())?;
            }
            fold.save()?;
            match page.next {
                Some(next) => query.after_position = next,
                None => return Ok(()),
            }
        }
    }

    /// The names of the calls that a run has rows of.
    fn named_calls(&self, run: i64) -> Result<BTreeSet<CallNames>, rusqlite::Error> {
        let sql = "SELECT call_id, request_id FROM calls \
             WHERE run = ?1 AND kind IN ('model', 'report')";
        let mut statement = self.db.prepare_cached(sql)?;
        statement.query_map([run], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
    }
}
