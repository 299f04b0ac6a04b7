//! The views: tables folded from the log for people to look at. Derived, disposable, rebuildable.
//!
//! A view is never in the way of the sequencer and no decision reads one. Each fold has its
//! checkpoint in the same transaction. Nothing is synced: after an unclean stop of the machine
//! the tables are made anew in the background, and answers say `stale` until that is done.
//! The writing connection is owned by the thread; readers take one from a pool.

mod fact;
mod fold;
mod follow;
mod metrics;
mod model;
mod query;
mod reconcile;
mod refold;
mod rows;
mod storage;
mod types;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::thread::JoinHandle;

use annals_core::id::Position;
use annals_core::price::PriceTable;
use annals_store::contract::{LogReader, ReadFailure};
use tokio::sync::{Notify, watch};

pub use metrics::{Figure, Figures, MetricFault, MetricSeries, MetricSeriesPage, MetricsQuery};
pub use model::{
    AgentTotals, CallStatus, Cost, ModelUsage, Run, RunAgent, RunStatus, Span, SpanKind, Tokens,
    ToolCall, UsageDifference, UsageRow, UsageScope, UsageSource,
};
pub use query::{
    AgentsQuery, Cursor, RunsQuery, SpansQuery, ToolCallsQuery, UsageGroup, UsageQuery, ViewPage,
};

pub use types::{NATIVE, TypeCounts, TypesQuery};

use crate::live::Live;
use crate::redaction::RedactRefusal;
use crate::refusal::AppendRefusal;
use storage::Storage;

/// The views cannot be opened or read.
#[derive(Debug, thiserror::Error)]
pub enum ViewError {
    /// The database failed.
    #[error("the views' database failed: {0}")]
    Database(#[from] rusqlite::Error),
    /// A file of the views cannot be used.
    #[error("cannot use {}", .file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The log cannot be read.
    #[error("the log cannot be read")]
    Log(#[from] ReadFailure),
    /// They had stopped, and a redaction could not be passed to them.
    #[error(
        "the views had stopped and were deleted by a redaction; the next start makes them anew"
    )]
    Deleted,
    /// This recorder has no views.
    #[error("this recorder was opened without views")]
    Off,
}

#[derive(Debug)]
struct Shared {
    storage: Storage,
    position: watch::Sender<Position>,
    is_stale: AtomicBool,
    is_stopping: watch::Sender<bool>,
    /// Whether the thread has ended, for whatever reason.
    is_ended: watch::Sender<bool>,
    /// Told by whoever waits for the views to reach a position.
    is_awaited: Notify,
}

/// The views of a recorder.
#[derive(Debug)]
pub struct Views {
    shared: Option<Arc<Shared>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    /// The directory that an earlier start with views may have left.
    leftover: Option<PathBuf>,
}

impl Views {
    /// No views at all. Those of an earlier start go if they have not passed all redactions.
    pub(crate) fn off(
        data_dir: Option<&Path>,
        newest_redaction: Position,
    ) -> Result<Self, ViewError> {
        let leftover = data_dir.map(storage::directory);
        if let Some(directory) = &leftover
            && !storage::has_passed(directory, newest_redaction)
        {
            storage::delete(directory)?;
        }
        Ok(Self { shared: None, thread: Mutex::new(None), leftover })
    }

    /// Opens the views and starts the thread that folds the log into them.
    pub(crate) fn open(
        data_dir: Option<&Path>,
        reader: Arc<dyn LogReader>,
        live: Arc<Live>,
    ) -> Result<Self, ViewError> {
        let opened = Storage::open(data_dir, reader.log_id(), reader.head().position)?;
        let shared = Arc::new(Shared {
            storage: opened.storage,
            position: watch::Sender::new(opened.position),
            is_stale: AtomicBool::new(opened.is_rebuilding),
            is_stopping: watch::Sender::new(false),
            is_ended: watch::Sender::new(false),
            is_awaited: Notify::new(),
        });
        let thread =
            follow::start(Arc::clone(&shared), opened.writer, reader, live).map_err(|source| {
                ViewError::File { file: PathBuf::from("thread annals-views"), source }
            })?;
        Ok(Self { shared: Some(shared), thread: Mutex::new(Some(thread)), leftover: None })
    }

    fn shared(&self) -> Result<&Shared, ViewError> {
        self.shared.as_deref().ok_or(ViewError::Off)
    }

    /// The position up to which the views reflect the log.
    #[must_use]
    pub fn position(&self) -> Position {
        self.shared.as_ref().map_or(Position(0), |shared| *shared.position.borrow())
    }

    /// Whether the views are being made anew.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        self.shared.as_ref().is_some_and(|shared| shared.is_stale.load(Ordering::Relaxed))
    }

    /// Waits until the views reflect a position. The caller bounds the wait.
    pub async fn wait_for(&self, position: Position) {
        if let Some(shared) = &self.shared {
            let mut changes = shared.position.subscribe();
            if *changes.borrow() < position {
                shared.is_awaited.notify_one();
            }
            // An error means that the recorder is closing; then there is nothing to wait for.
            let _ = changes.wait_for(|reached| *reached >= position).await;
        }
    }

    /// Waits until nothing that a redaction took away is left in the views' files.
    ///
    /// Views that have stopped by themselves are deleted: the next start makes them anew.
    pub(crate) async fn pass_redaction(&self, redaction: Position) -> Result<(), RedactRefusal> {
        let remain = |error: ViewError| RedactRefusal::ViewsRemain { reason: error.to_string() };
        let Some(shared) = &self.shared else {
            return self.leftover.as_deref().map_or(Ok(()), storage::delete).map_err(remain);
        };
        let mut position = shared.position.subscribe();
        let mut is_ended = shared.is_ended.subscribe();
        tokio::select! {
            biased;
            // An error means that the recorder is gone, and then the thread has ended too.
            Ok(_) = position.wait_for(|reached| *reached >= redaction) => Ok(()),
            _ = is_ended.wait_for(|is_ended| *is_ended) => {
                if *shared.is_stopping.borrow() {
                    return Err(RedactRefusal::Append(AppendRefusal::Closing));
                }
                shared.storage.delete().map_err(remain)
            }
        }
    }

    /// Asks the thread to end.
    pub(crate) fn stop(&self) {
        if let Some(shared) = &self.shared {
            shared.is_stopping.send_replace(true);
        }
    }

    /// Ends the thread and waits for it. An error means that it panicked.
    pub(crate) fn close(&self) -> Result<(), ()> {
        self.stop();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        thread.map_or(Ok(()), |thread| thread.join().map_err(|_| ()))
    }
}

/// The prices by which the views compute costs.
#[must_use]
pub fn price_table() -> &'static PriceTable {
    static PRICES: LazyLock<PriceTable> = LazyLock::new(PriceTable::builtin);
    &PRICES
}

/// Deletes the views of a stopped recorder; the next one makes them anew.
///
/// # Errors
/// When a file cannot be deleted.
pub fn delete(data_dir: &Path) -> Result<(), ViewError> {
    storage::delete(&storage::directory(data_dir))
}
