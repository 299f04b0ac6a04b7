//! The thread that folds the log into the views, batch by batch.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

use annals_core::event::Event;
use annals_core::id::{Position, WorkspaceId};
use annals_core::price::PriceTable;
use annals_store::contract::LogReader;
use annals_store::query::{PageLimit, Query};
use rusqlite::Connection;

use super::fold::Fold;
use super::metrics::{self, MetricFold};
use super::refold::{Refold, RunKey};
use super::types::TypeFold;
use super::{Shared, ViewError, price_table, storage};
use crate::live::{Live, LiveEvent, Recent};
use crate::redaction::redacted_position;

/// Events of one transaction: enough that its cost does not count, few enough that readers
/// see progress.
const BATCH_EVENTS_MAX: usize = 5_000;

/// Recent events of one transaction: while they are folded, memory that the ring of recent events
/// has given up already stays in use.
const RECENT_EVENTS_MAX: usize = 2_000;

/// How long the views wait when they have caught up, so that a trickle of events is folded a few
/// hundred at a time and not one by one. Whoever waits for them ends the rest.
const REST: Duration = Duration::from_millis(50);

pub(super) fn start(
    shared: Arc<Shared>,
    writer: Connection,
    reader: Arc<dyn LogReader>,
    live: Arc<Live>,
) -> std::io::Result<JoinHandle<()>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    std::thread::Builder::new().name("annals-views".to_owned()).spawn(move || {
        give_way();
        let result = runtime.block_on(follow(&shared, writer, reader.as_ref(), &live));
        if let Err(error) = result {
            // The log goes on without its views; answers say that they are stale.
            tracing::error!(%error, "the views stopped; they are made anew at the next start");
            shared.is_stale.store(true, Ordering::Relaxed);
        }
        shared.is_ended.send_replace(true);
    })
}

/// Lets the sequencer and the doors go first where there are too few processors for all.
#[cfg(target_os = "linux")]
fn give_way() {
    // On Linux this concerns the calling thread alone. Without it the views are merely less polite.
    let _ = rustix::process::nice(5);
}

#[cfg(not(target_os = "linux"))]
fn give_way() {}

async fn follow(
    shared: &Shared,
    mut writer: Connection,
    reader: &dyn LogReader,
    live: &Live,
) -> Result<(), ViewError> {
    let mut head = live.head();
    let folder = Folder { shared, reader, prices: price_table() };
    let mut is_stopping = shared.is_stopping.subscribe();
    if storage::owes_scrub(&writer) {
        shared.storage.scrub(&writer)?;
    }
    loop {
        head.borrow_and_update();
        while *shared.position.borrow() < reader.head().position {
            if *is_stopping.borrow() {
                break;
            }
            folder.fold_batch(&mut writer, next_batch(shared, reader, live)?)?;
        }
        if *is_stopping.borrow() {
            storage::mark_closed(&writer)?;
            return Ok(());
        }
        shared.is_stale.store(false, Ordering::Relaxed);
        tokio::select! {
            () = tokio::time::sleep(REST) => {}
            () = shared.is_awaited.notified() => {}
            _ = is_stopping.changed() => continue,
        }
        tokio::select! {
            changed = head.changed() => if changed.is_err() {
                storage::mark_closed(&writer)?;
                return Ok(());
            },
            _ = is_stopping.changed() => {}
        }
    }
}

/// Events that come next, and the position that is reached with them.
struct Batch {
    recent: Vec<Arc<LiveEvent>>,
    read: Vec<Event>,
    reached: Position,
}

impl Batch {
    fn events(&self) -> impl Iterator<Item = &Event> {
        self.recent.iter().map(|live| live.event()).chain(&self.read)
    }
}

/// The next events: from memory where they are recent, else from the log.
fn next_batch(shared: &Shared, reader: &dyn LogReader, live: &Live) -> Result<Batch, ViewError> {
    let after_position = *shared.position.borrow();
    if let Recent::Events(recent) = live.recent(after_position, RECENT_EVENTS_MAX)
        && let Some(last) = recent.last()
    {
        let reached = last.event().position();
        return Ok(Batch { recent, read: Vec::new(), reached });
    }
    let query = Query { after_position, ..Query::default() };
    let page = reader.scan(&query, PageLimit::events(BATCH_EVENTS_MAX))?;
    let reached = page.next.unwrap_or(page.scanned_to);
    Ok(Batch { recent: Vec::new(), read: page.events, reached })
}

/// What a batch is folded with.
struct Folder<'a> {
    shared: &'a Shared,
    reader: &'a dyn LogReader,
    prices: &'static PriceTable,
}

impl Folder<'_> {
    fn fold_batch(&self, writer: &mut Connection, batch: Batch) -> Result<(), ViewError> {
        let redacted = self.redacted(writer, batch.events())?;
        let transaction = writer.transaction()?;
        let mut fold = Fold::new(&transaction, self.prices);
        let mut types = TypeFold::default();
        let mut metrics = MetricFold::new(&transaction);
        for event in batch.events() {
            // Read once for all of them: it is what a fold costs most.
            let header = event.header();
            types.apply(&header);
            metrics.apply(event, &header)?;
            fold.apply(event, header)?;
        }
        fold.save()?;
        types.save(&transaction)?;
        metrics.save()?;
        let refold = Refold::new(&transaction, self.prices, self.reader, batch.reached);
        for run in &redacted.runs {
            refold.run(run)?;
        }
        for workspace_id in &redacted.metrics {
            metrics::refold(&transaction, self.reader, workspace_id, batch.reached)?;
        }
        if redacted.is_any {
            storage::owe_scrub(&transaction)?;
        }
        storage::set_meta(&transaction, "position", &batch.reached.to_string())?;
        transaction.commit()?;
        if redacted.is_any {
            self.shared.storage.scrub(writer)?;
        }
        // Whoever waits for a redaction to be passed is told only when the files are clean.
        self.shared.position.send_replace(batch.reached);
        Ok(())
    }

    /// What a batch redacts of events that were folded with their bodies.
    fn redacted<'e>(
        &self,
        writer: &Connection,
        events: impl Iterator<Item = &'e Event>,
    ) -> Result<Redacted, ViewError> {
        let mut redacted = Redacted::default();
        let facts = events.filter_map(|event| Some((event, redacted_position(event)?)));
        for (fact, position) in facts {
            if fact.position() <= storage::clean_to(writer) {
                continue;
            }
            let Some(target) = self.reader.event_at(position)? else { continue };
            redacted.runs.extend(RunKey::of(&target));
            redacted.metrics.extend(metrics::workspace_of_point(&target));
            redacted.is_any = !redacted.runs.is_empty() || !redacted.metrics.is_empty();
        }
        Ok(redacted)
    }
}

/// What is to be folded again.
#[derive(Debug, Default)]
struct Redacted {
    runs: BTreeSet<RunKey>,
    /// Workspaces of which a metric's point was redacted.
    metrics: BTreeSet<WorkspaceId>,
    is_any: bool,
}
