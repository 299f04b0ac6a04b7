//! An audit trail of a bus: a bounded queue in memory, and one task that appends to the log.
//!
//! Events get identity and time when they are published, so that an append can be repeated without a
//! duplicate. What waits is in memory: who must not lose it awaits `publish_durable`, `flush` or
//! `finish`.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use annals_core::dialect::ForeignContext;
use annals_core::envelope::{Actor, ActorType, Draft, StreamKey};
use annals_core::id::{ActorId, EventType, StreamId, StreamType};
use annals_core::time::Timestamp;
use serde_json::json;
use tokio::runtime::Handle;
use tokio::sync::{Notify, oneshot, watch};
use tokio::task::JoinHandle;

use super::channel::{AttachError, DurableError};
use super::queue::{Entry, Gap, GapReason, NotKept, Queue, Reply};
use super::record::NotAnEvent;
use super::writer;
use crate::principal::Principal;
use crate::recorder::Recorder;
use crate::request::Receipt;

/// The type of what says that events are missing.
const GAP_TYPE: &str = "bus.gap_recorded";
/// The type of the streams that say so.
const STREAM_TYPE: &str = "bus";
/// Text of a gap about its first event.
const DETAIL_CHARS_MAX: usize = 500;

/// How a trail is kept.
#[derive(Debug, Clone)]
pub struct TrailOptions {
    /// The bus's name; gaps are on the stream `bus/NAME`.
    pub name: String,
    /// Who the events are recorded for; the recorder's owner, unless it says another.
    pub principal: Option<Arc<Principal>>,
    /// Events that may wait to be written; more become a gap.
    pub queue_events_max: usize,
    /// Bytes of events that may wait to be written.
    pub queue_bytes_max: usize,
}

impl TrailOptions {
    /// The usual bounds: 16,384 events and 32 MiB.
    #[must_use]
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            principal: None,
            queue_events_max: 16_384,
            queue_bytes_max: 32 << 20,
        }
    }
}

/// Why a trail takes nothing more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TrailEnded {
    /// The trail or its bus was closed.
    #[error("the audit trail is closed")]
    Closed,
    /// The recorder is closing.
    #[error("the recorder of the audit trail is closing")]
    RecorderClosing,
    /// The log failed; what waited may or may not be kept.
    #[error("the log of the audit trail failed")]
    LogFailed,
    /// The principal that events are recorded for may not append any more.
    #[error("the audit trail's principal may not append any more")]
    CredentialEnded,
}

/// What became of a trail's events.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TrailCounts {
    /// Events that are durable.
    pub recorded: u64,
    /// Events that are missing, in gaps that are on the log.
    pub missing: u64,
    /// Events that are missing though no gap says so, because the log could not be written any more.
    pub lost: u64,
    /// Events and gaps that wait.
    pub waiting: u64,
}

/// What handles, bus and task share.
#[derive(Debug)]
pub(super) struct Trail {
    pub(super) recorder: Recorder,
    pub(super) principal: Arc<Principal>,
    events_max: usize,
    bytes_max: usize,
    actor: Actor,
    stream: StreamKey,
    gap_type: EventType,
    name: String,
    queue: Mutex<Queue>,
    /// There is something to write, or nothing more to come.
    pub(super) news: Notify,
    /// There is room in the queue.
    pub(super) room: Notify,
    /// Entries that have their answer.
    pub(super) settled: watch::Sender<u64>,
    pub(super) recorded: AtomicU64,
    pub(super) missing: AtomicU64,
    pub(super) lost: AtomicU64,
}

/// Why the queue did not take an event.
#[derive(Debug, Clone, Copy)]
pub(super) enum Offered {
    QueueFull,
    Ended(TrailEnded),
}

/// A handle to a trail. Dropping it changes nothing: the trail lives as long as its bus.
#[derive(Debug)]
pub struct AuditTrail {
    trail: Arc<Trail>,
    task: JoinHandle<()>,
}

impl AuditTrail {
    pub(super) fn start(
        recorder: &Recorder,
        options: TrailOptions,
        runtime: &Handle,
    ) -> Result<(Arc<Trail>, Self), AttachError> {
        let trail = Arc::new(Trail::new(recorder, options)?);
        let task = runtime.spawn(writer::run(Arc::clone(&trail)));
        Ok((Arc::clone(&trail), Self { trail, task }))
    }

    /// What became of the events so far.
    #[must_use]
    pub fn counts(&self) -> TrailCounts {
        self.trail.counts()
    }

    /// Waits until everything that was published before is durable, or its gap is.
    ///
    /// # Errors
    /// When the log can no longer be written.
    pub async fn flush(&self) -> Result<(), TrailEnded> {
        let mut settled = self.trail.settled.subscribe();
        // Twice: what the log refused of the first has become a gap by then, in the queue or before it.
        for _ in 0..2 {
            let target = {
                let mut queue = self.trail.queue();
                if queue.is_over {
                    break;
                }
                self.trail.put_gaps(&mut queue);
                queue.taken_in
            };
            self.trail.news.notify_one();
            // The sender is in the trail, which this handle has.
            let _ = settled.wait_for(|settled| *settled >= target).await;
        }
        match self.trail.queue().ended {
            Some(TrailEnded::Closed) | None => Ok(()),
            Some(ended) => Err(ended),
        }
    }

    /// Takes nothing more, writes what waits, and says what became of all events.
    pub async fn finish(self) -> TrailCounts {
        self.trail.close();
        // It fails only if the runtime stops the task; the counts then say what was left.
        let _ = self.task.await;
        self.trail.counts()
    }
}

impl Trail {
    fn new(recorder: &Recorder, options: TrailOptions) -> Result<Self, AttachError> {
        let TrailOptions { name, principal, queue_events_max, queue_bytes_max } = options;
        let wrong = || AttachError::Name { name: name.clone() };
        let actor_id = ActorId::parse(&name).map_err(|_| wrong())?;
        let stream_id = StreamId::parse(&name).map_err(|_| wrong())?;
        let stream_type = StreamType::parse(STREAM_TYPE).map_err(|_| wrong())?;
        let gap_type = EventType::parse(GAP_TYPE).map_err(|_| wrong())?;
        Ok(Self {
            principal: principal.unwrap_or_else(|| Arc::clone(recorder.access().owner())),
            recorder: recorder.clone(),
            events_max: queue_events_max.max(1),
            bytes_max: queue_bytes_max.max(1),
            actor: Actor { actor_type: ActorType::Service, actor_id },
            stream: StreamKey { stream_type, stream_id },
            gap_type,
            name,
            queue: Mutex::default(),
            news: Notify::new(),
            room: Notify::new(),
            settled: watch::Sender::new(0),
            recorded: AtomicU64::new(0),
            missing: AtomicU64::new(0),
            lost: AtomicU64::new(0),
        })
    }

    pub(super) fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Timestamp {
        self.recorder.clock().now()
    }

    fn counts(&self) -> TrailCounts {
        TrailCounts {
            recorded: self.recorded.load(Ordering::Relaxed),
            missing: self.missing.load(Ordering::Relaxed),
            lost: self.lost.load(Ordering::Relaxed),
            waiting: u64::try_from(self.queue().len()).unwrap_or(u64::MAX),
        }
    }

    /// The event of a value, with the identity and the time that it has from here on.
    pub(super) fn draft(
        &self,
        to_draft: impl FnOnce(&ForeignContext<'_>) -> Result<Draft, NotAnEvent>,
    ) -> Result<Draft, NotAnEvent> {
        let now = self.now();
        let context = ForeignContext {
            workspace_id: &self.principal.workspace_id,
            catalog: self.recorder.catalog(),
            received_at: now,
        };
        Ok(self.identified(to_draft(&context)?, now))
    }

    fn identified(&self, mut draft: Draft, now: Timestamp) -> Draft {
        draft.event_id.get_or_insert_with(|| self.recorder.entropy().event_id(now));
        draft.occurred_at.get_or_insert(now);
        draft
    }

    /// Puts an event into the queue, or counts it as missing.
    pub(super) fn offer(&self, draft: Draft) -> Result<(), Offered> {
        let entry = entry(&draft, None);
        match self.try_put(entry) {
            Ok(()) => Ok(()),
            Err((_, Offered::QueueFull)) => {
                self.miss(GapReason::QueueFull, None);
                Err(Offered::QueueFull)
            }
            Err((_, ended @ Offered::Ended(_))) => {
                self.lost.fetch_add(1, Ordering::Relaxed);
                self.recorder.stats().count_audit_lag(1);
                Err(ended)
            }
        }
    }

    /// Puts an event into the queue when there is room, and waits until it is durable.
    pub(super) async fn keep(&self, draft: Draft) -> Result<Receipt, DurableError> {
        let (reply, answer) = oneshot::channel();
        let mut entry = entry(&draft, Some(reply));
        loop {
            // Listening begins before the look, so that no room is missed in between.
            let room = self.room.notified();
            tokio::pin!(room);
            room.as_mut().enable();
            entry = match self.try_put(entry) {
                Ok(()) => break,
                Err((_, Offered::Ended(ended))) => return Err(ended.into()),
                Err((entry, Offered::QueueFull)) => entry,
            };
            room.await;
        }
        match answer.await {
            Ok(Ok(receipt)) => Ok(receipt),
            Ok(Err(NotKept::Refused(refusal))) => Err(DurableError::Refused(refusal)),
            Ok(Err(NotKept::Ended(ended))) => Err(ended.into()),
            // The task was stopped with its runtime.
            Err(_) => Err(TrailEnded::Closed.into()),
        }
    }

    fn try_put(&self, entry: Entry) -> Result<(), (Entry, Offered)> {
        let mut queue = self.queue();
        if let Some(ended) = queue.ended {
            return Err((entry, Offered::Ended(ended)));
        }
        if queue.is_full(self.events_max, self.bytes_max) {
            return Err((entry, Offered::QueueFull));
        }
        self.put_gaps(&mut queue);
        queue.put(entry);
        drop(queue);
        self.news.notify_one();
        Ok(())
    }

    /// Counts a value that is no event.
    pub(super) fn miss_no_event(&self, fault: &NotAnEvent) {
        self.miss(GapReason::NoEvent, Some(fault.problem.clone()));
    }

    /// Counts an event as missing; a gap says so on the log, if it can still be written.
    pub(super) fn miss(&self, reason: GapReason, detail: Option<String>) {
        let detail = detail.map(|text| text.chars().take(DETAIL_CHARS_MAX).collect());
        self.recorder.stats().count_audit_lag(1);
        let mut queue = self.queue();
        if queue.is_over {
            self.lost.fetch_add(1, Ordering::Relaxed);
        } else {
            queue.miss(reason, self.now(), detail);
            drop(queue);
            self.news.notify_one();
        }
    }

    /// Puts what is missing into the queue, as events.
    pub(super) fn put_gaps(&self, queue: &mut Queue) {
        for gap in queue.take_gaps() {
            let missing = gap.count;
            tracing::warn!(
                bus = self.name,
                missing,
                reason = gap.reason.as_str(),
                "events are missing from an audit trail"
            );
            let mut entry = entry(&self.gap_event(&gap), None);
            entry.missing = Some(missing);
            queue.put(entry);
        }
    }

    fn gap_event(&self, gap: &Gap) -> Draft {
        let mut data = json!({
            "bus": self.name,
            "reason": gap.reason.as_str(),
            "dropped": gap.count,
            "from": gap.first_at.to_string(),
            "to": gap.last_at.to_string(),
        });
        if let (Some(detail), Some(members)) = (&gap.detail, data.as_object_mut()) {
            members.insert("detail".to_owned(), json!(detail));
        }
        let (event_type, actor) = (self.gap_type.clone(), self.actor.clone());
        let draft = Draft::new(event_type, actor, self.stream.clone(), data.to_string());
        self.identified(draft, self.now())
    }

    /// Takes nothing more; what waits is written.
    pub(super) fn close(&self) {
        self.queue().ended.get_or_insert(TrailEnded::Closed);
        self.news.notify_one();
        self.room.notify_waiters();
    }
}

fn entry(draft: &Draft, reply: Option<Reply>) -> Entry {
    Entry { text: draft.to_json(), dialect: draft.origin.dialect.clone(), reply, missing: None }
}
