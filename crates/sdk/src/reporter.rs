//! Reporting in the background: events go into a bounded queue, and one thread appends them.
//!
//! For code that must not wait for the network, such as a destructor. The thread has a runtime of its
//! own, so it works in any program and outlives a cancelled task. What cannot be delivered is counted
//! and said in the log of the program; nothing is dropped in silence. It keeps nothing on disk: what
//! has not been delivered when the process ends is gone, and [`Delivery`] says how much that was.
//!
//! INVARIANT (bounded waiting): [`Reporter::report`] never waits, and dropping the last handle waits
//! at most [`ReporterOptions::drop_wait`].

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use annals_core::envelope::{Actor, Draft, StreamKey};
use annals_core::id::{CorrelationId, RunId};
use annals_core::time::Timestamp;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use crate::append::AppendOptions;
use crate::client::Client;
use crate::error::ClientError;
use crate::make::{new_event_id, stream};
use crate::tool_call::ToolCall;

/// Events of one request.
const BATCH_EVENTS_MAX: usize = 500;
/// The pause after a delivery that the client's own retries could not save.
const PAUSE: Duration = Duration::from_millis(500);

/// Bounds of a [`Reporter`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReporterOptions {
    /// Events that may wait; more are refused.
    pub queue_events_max: usize,
    /// How long dropping the last handle may wait for what is still in the queue.
    pub drop_wait: Duration,
}

impl Default for ReporterOptions {
    fn default() -> Self {
        Self { queue_events_max: 10_000, drop_wait: Duration::from_secs(2) }
    }
}

/// Why an event was not taken.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The queue is full: the server is slower than the program, or away.
    #[error("the queue of events to report is full")]
    QueueFull,
    /// The reporter was closed.
    #[error("the reporter is closed")]
    Closed,
    /// The event cannot be made.
    #[error(transparent)]
    Invalid(#[from] ClientError),
}

/// What became of the events of a reporter.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Delivery {
    /// Stored, by this program's own requests.
    pub stored: u64,
    /// Refused by the server; the reasons are in the program's log.
    pub refused: u64,
    /// Not taken, because the queue was full or the event could not be made.
    pub lost: u64,
    /// Taken, but neither stored nor refused yet.
    pub pending: u64,
}

impl Delivery {
    /// Whether everything that was reported is stored.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.refused == 0 && self.lost == 0 && self.pending == 0
    }
}

/// A handle to the queue. Clones share it.
#[derive(Debug, Clone)]
pub struct Reporter {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    queue: Mutex<Option<mpsc::Sender<Draft>>>,
    counts: Arc<Counts>,
    drop_wait: Duration,
}

/// Shared by the handles and the thread.
#[derive(Debug, Default)]
struct Counts {
    taken: AtomicU64,
    stored: AtomicU64,
    refused: AtomicU64,
    lost: AtomicU64,
    has_ended: Mutex<bool>,
    ended: Condvar,
}

impl Reporter {
    /// Starts a reporter for a server.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(client: Client, options: ReporterOptions) -> Result<Self, std::io::Error> {
        let (queue, drafts) = mpsc::channel(options.queue_events_max.max(1));
        let counts = Arc::new(Counts::default());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let shared = Arc::clone(&counts);
        std::thread::Builder::new().name("annals-reporter".to_owned()).spawn(move || {
            let guard = EndGuard(shared);
            runtime.block_on(deliver(&client, drafts, &guard.0));
        })?;
        let queue = Mutex::new(Some(queue));
        Ok(Self { inner: Arc::new(Inner { queue, counts, drop_wait: options.drop_wait }) })
    }

    /// Puts an event into the queue. It gets its identity and its time here, and never waits.
    ///
    /// # Errors
    /// When it is not taken; that is counted too.
    pub fn report(&self, mut draft: Draft) -> Result<(), ReportError> {
        let taken = self.identify(&mut draft).and_then(|()| self.enqueue(draft));
        match taken {
            Ok(()) => self.inner.counts.taken.fetch_add(1, Ordering::Relaxed),
            Err(_) => self.inner.counts.lost.fetch_add(1, Ordering::Relaxed),
        };
        taken
    }

    fn identify(&self, draft: &mut Draft) -> Result<(), ReportError> {
        if draft.event_id.is_none() {
            draft.event_id = Some(new_event_id()?);
        }
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let micros = i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX);
        draft.occurred_at.get_or_insert(Timestamp::from_micros(micros));
        Ok(())
    }

    fn enqueue(&self, draft: Draft) -> Result<(), ReportError> {
        let queue = self.inner.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(queue) = queue.as_ref() else { return Err(ReportError::Closed) };
        match queue.try_send(draft) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(_)) => Err(ReportError::QueueFull),
            Err(TrySendError::Closed(_)) => Err(ReportError::Closed),
        }
    }

    /// The same for what nobody is there to answer to: a failure is only counted and logged.
    pub(crate) fn report_or_log(&self, draft: Result<Draft, ClientError>) {
        let reported = match draft {
            Ok(draft) => self.report(draft),
            Err(error) => {
                self.inner.counts.lost.fetch_add(1, Ordering::Relaxed);
                Err(error.into())
            }
        };
        if let Err(error) = reported {
            tracing::error!(%error, "an event was not reported");
        }
    }

    /// What became of the events so far.
    #[must_use]
    pub fn delivery(&self) -> Delivery {
        self.inner.counts.delivery()
    }

    /// Takes nothing more, waits at most this long for what is in the queue, and says how it went.
    /// It blocks its thread; in async code call it where blocking is allowed.
    pub fn close(&self, wait: Duration) -> Delivery {
        self.inner.close(wait)
    }

    /// The same reporter for the events of one run, on the run's stream.
    ///
    /// # Errors
    /// When the run's id breaks its grammar.
    pub fn run(&self, run_id: &str, actor: Actor) -> Result<RunReporter, ClientError> {
        let invalid = |error| ClientError::Invalid(format!("run_id `{run_id}`: {error}"));
        let correlation_id = CorrelationId::parse(run_id).map_err(invalid)?;
        let run_id = RunId::parse(run_id).map_err(invalid)?;
        let stream = stream("run", run_id.as_str())?;
        Ok(RunReporter { reporter: self.clone(), run_id, correlation_id, stream, actor })
    }
}

impl Inner {
    fn close(&self, wait: Duration) -> Delivery {
        // The thread ends when the queue is empty and nobody can add to it.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).take();
        let until = Instant::now() + wait;
        let mut has_ended = self.counts.has_ended.lock().unwrap_or_else(PoisonError::into_inner);
        while !*has_ended {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let waited = self.counts.ended.wait_timeout(has_ended, left);
            has_ended = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        self.counts.delivery()
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let delivery = self.close(self.drop_wait);
        if delivery.pending > 0 {
            tracing::error!(pending = delivery.pending, "events were given up undelivered");
        }
    }
}

impl Counts {
    fn delivery(&self) -> Delivery {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let (stored, refused) = (read(&self.stored), read(&self.refused));
        let pending = read(&self.taken).saturating_sub(stored + refused);
        Delivery { stored, refused, lost: read(&self.lost), pending }
    }
}

/// Says that the thread has ended, also when it panics.
struct EndGuard(Arc<Counts>);

impl Drop for EndGuard {
    fn drop(&mut self) {
        *self.0.has_ended.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.0.ended.notify_all();
    }
}

async fn deliver(client: &Client, mut drafts: mpsc::Receiver<Draft>, counts: &Counts) {
    let mut batch = Vec::new();
    while drafts.recv_many(&mut batch, BATCH_EVENTS_MAX).await > 0 {
        while let Err(error) = deliver_batch(client, &mut batch, counts).await {
            if !error.is_retryable() {
                counts.refused.fetch_add(batch.len() as u64, Ordering::Relaxed);
                tracing::error!(%error, events = batch.len(), "reported events were refused");
                break;
            }
            tracing::warn!(%error, events = batch.len(), "reported events wait for the server");
            tokio::time::sleep(PAUSE).await;
        }
        batch.clear();
    }
}

/// Appends a batch. The identities of the drafts make it safe to do so again.
async fn deliver_batch(
    client: &Client,
    batch: &mut [Draft],
    counts: &Counts,
) -> Result<(), ClientError> {
    let outcome = client.append_batch(batch, &AppendOptions::default()).await?;
    for (index, problem) in outcome.rejected() {
        let event_type = batch.get(index).map(|draft| draft.event_type.to_string());
        tracing::error!(event_type, reason = %problem.reason_code, detail = ?problem.detail, "a reported event was refused");
    }
    let refused = outcome.rejected().count() as u64;
    counts.refused.fetch_add(refused, Ordering::Relaxed);
    counts.stored.fetch_add(batch.len() as u64 - refused, Ordering::Relaxed);
    Ok(())
}

/// Reports the events of one run by one actor. Clones share the reporter.
#[derive(Debug, Clone)]
pub struct RunReporter {
    reporter: Reporter,
    run_id: RunId,
    correlation_id: CorrelationId,
    stream: StreamKey,
    actor: Actor,
}

impl RunReporter {
    /// Reports an event of the run, such as `RunStarted::new().run_id("run-1").draft(…)` made by `of`.
    ///
    /// # Errors
    /// As [`Reporter::report`].
    pub fn report(
        &self,
        of: impl FnOnce(Actor, StreamKey) -> Result<Draft, ClientError>,
    ) -> Result<(), ReportError> {
        let draft = self.draft(of)?;
        self.reporter.report(draft)
    }

    pub(crate) fn report_or_log(
        &self,
        of: impl FnOnce(Actor, StreamKey) -> Result<Draft, ClientError>,
    ) {
        self.reporter.report_or_log(self.draft(of));
    }

    fn draft(
        &self,
        of: impl FnOnce(Actor, StreamKey) -> Result<Draft, ClientError>,
    ) -> Result<Draft, ClientError> {
        let mut draft = of(self.actor.clone(), self.stream.clone())?;
        // The stream is named by a stream id; the same text as the run's id.
        debug_assert_eq!(draft.stream.stream_id.as_str(), self.run_id.as_str());
        draft.scope.run_id = Some(self.run_id.clone());
        draft.correlation_id = Some(self.correlation_id.clone());
        Ok(draft)
    }

    /// The run.
    #[must_use]
    pub fn run_id(&self) -> &RunId {
        &self.run_id
    }

    /// Begins a call of a tool, and reports that it began.
    pub fn tool_call(&self, tool_name: &str, input: impl Into<serde_json::Value>) -> ToolCall {
        ToolCall::begin(self.clone(), tool_name, input.into())
    }

    /// Runs a future as a call of a tool: its beginning, its result or error, and its duration are
    /// reported, and so is its end when it panics or is dropped before it ends.
    ///
    /// # Errors
    /// Those of the future.
    pub async fn around<T, E>(
        &self,
        tool_name: &str,
        input: impl Into<serde_json::Value>,
        call: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E>
    where
        T: serde::Serialize,
        E: std::fmt::Display,
    {
        let guard = self.tool_call(tool_name, input);
        let result = call.await;
        match &result {
            Ok(output) => guard.succeed(serde_json::to_value(output).unwrap_or_default()),
            Err(error) => guard.fail(&error.to_string()),
        }
        result
    }
}
