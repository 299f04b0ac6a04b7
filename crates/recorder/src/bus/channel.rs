//! The bus itself: a broadcast to whoever listens, and the way of each event to the trail.
//!
//! INVARIANT (one order): what is published is in the trail in the order in which listeners hear it.
//! An event that is awaited until it is durable is heard after that; those that are published
//! meanwhile may be heard before it.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use annals_core::dialect::ForeignContext;
use annals_core::envelope::Draft;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error;

use super::record::{NotAnEvent, Recordable};
use super::trail::{AuditTrail, Offered, Trail, TrailEnded, TrailOptions};
use crate::recorder::Recorder;
use crate::refusal::EventRefusal;
use crate::request::Receipt;

/// What became of a published event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Published {
    /// How many listeners hear of it.
    pub subscribers: usize,
    /// Whether a trail has taken it; it is durable a little later.
    pub is_recorded: bool,
}

/// Listeners heard of an event, but the trail did not take it. Its gap is on the log, or will be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotRecorded {
    /// The log is slower than the program.
    #[error("the audit trail's queue is full")]
    QueueFull,
    /// It is none that a log can keep.
    #[error(transparent)]
    NotAnEvent(#[from] NotAnEvent),
    /// The trail takes nothing more.
    #[error(transparent)]
    Ended(#[from] TrailEnded),
}

/// An event is not known to be durable, and nobody was told of it.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum DurableError {
    /// No trail is attached.
    #[error("the bus has no audit trail")]
    NoTrail,
    /// It is none that a log can keep.
    #[error(transparent)]
    NotAnEvent(#[from] NotAnEvent),
    /// The log refuses it.
    #[error("the log refuses the event: {0}")]
    Refused(EventRefusal),
    /// The trail takes nothing more. If the event had been taken before, it may be kept.
    #[error(transparent)]
    Ended(#[from] TrailEnded),
}

/// A trail cannot be attached.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AttachError {
    /// The bus has one.
    #[error("the bus has an audit trail")]
    AlreadyAttached,
    /// The bus's name is no id.
    #[error("`{name}` cannot name a bus")]
    Name {
        /// The name.
        name: String,
    },
    /// There is no Tokio runtime that could run it.
    #[error("an audit trail needs a Tokio runtime")]
    NoRuntime,
}

/// A listener has nothing to hear any more, or missed something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RecvError {
    /// It was too slow: so many events are gone for it. What the trail has is on the log.
    #[error("{0} events were missed")]
    Lagged(u64),
    /// The bus is gone.
    #[error("the bus is gone")]
    Closed,
}

/// A listener has nothing to hear now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TryRecvError {
    /// Nothing was published since.
    #[error("nothing was published")]
    Empty,
    /// As for [`RecvError`].
    #[error(transparent)]
    Recv(#[from] RecvError),
}

struct Inner<T> {
    sender: broadcast::Sender<T>,
    capacity: usize,
    lagged: Arc<AtomicU64>,
    attached: OnceLock<Attached<T>>,
    /// Held while an event goes to the trail and to the listeners.
    order: Mutex<()>,
}

/// The trail, and how a value of the bus becomes an event.
struct Attached<T> {
    to_draft: fn(&T, &ForeignContext<'_>) -> Result<Draft, NotAnEvent>,
    trail: Arc<Trail>,
}

impl<T> Drop for Attached<T> {
    fn drop(&mut self) {
        // Nobody can publish any more; what waits is still written.
        self.trail.close();
    }
}

/// A bus for events of type `T`. Clones are handles to the same one.
pub struct EventBus<T> {
    inner: Arc<Inner<T>>,
}

impl<T> Clone for EventBus<T> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

impl<T> fmt::Debug for EventBus<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("EventBus")
            .field("capacity", &self.inner.capacity)
            .field("subscribers", &self.inner.sender.receiver_count())
            .field("has_trail", &self.inner.attached.get().is_some())
            .finish()
    }
}

impl<T: Clone> EventBus<T> {
    /// A bus whose listeners may be this many events behind; at least one.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        // The channel panics beyond this; nobody has the memory for it.
        let capacity = capacity.clamp(1, usize::MAX / 4);
        let inner = Inner {
            sender: broadcast::Sender::new(capacity),
            capacity,
            lagged: Arc::default(),
            attached: OnceLock::new(),
            order: Mutex::new(()),
        };
        Self { inner: Arc::new(inner) }
    }

    /// How many events a listener may be behind before it misses some.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.inner.capacity
    }

    /// How many listen now.
    #[must_use]
    pub fn subscriber_count(&self) -> usize {
        self.inner.sender.receiver_count()
    }

    /// How many events listeners have missed in all, as far as they have noticed.
    #[must_use]
    pub fn lagged(&self) -> u64 {
        self.inner.lagged.load(Ordering::Relaxed)
    }

    /// Listens to what is published from now on.
    #[must_use]
    pub fn subscribe(&self) -> Subscription<T> {
        let lagged = Arc::clone(&self.inner.lagged);
        Subscription { receiver: self.inner.sender.subscribe(), lagged }
    }

    /// Tells everybody who listens, which may be nobody, and hands the event to the trail if there is
    /// one. Never waits. The event is not durable yet.
    ///
    /// # Errors
    /// When there is a trail and it did not take the event; listeners heard of it all the same.
    pub fn publish(&self, event: T) -> Result<Published, NotRecorded> {
        let Inner { sender, attached, order, .. } = self.inner.as_ref();
        let Some(Attached { to_draft, trail }) = attached.get() else {
            let subscribers = sender.send(event).unwrap_or(0);
            return Ok(Published { subscribers, is_recorded: false });
        };
        let draft = trail.draft(|context| to_draft(&event, context));
        let _in_order = order.lock().unwrap_or_else(PoisonError::into_inner);
        let offered = match draft {
            Ok(draft) => trail.offer(draft).map_err(NotRecorded::from),
            Err(fault) => {
                trail.miss_no_event(&fault);
                Err(fault.into())
            }
        };
        let subscribers = sender.send(event).unwrap_or(0);
        offered.map(|()| Published { subscribers, is_recorded: true })
    }

    /// Keeps an event, and then tells everybody who listens. Waits for room in the trail's queue, and
    /// until the event is durable. A caller that stops waiting leaves open whether it is kept.
    ///
    /// # Errors
    /// When it is not known to be durable; then nobody is told.
    pub async fn publish_durable(&self, event: T) -> Result<Receipt, DurableError> {
        let attached = self.inner.attached.get().ok_or(DurableError::NoTrail)?;
        let draft = attached.trail.draft(|context| (attached.to_draft)(&event, context))?;
        let receipt = attached.trail.keep(draft).await?;
        let _in_order = self.inner.order.lock().unwrap_or_else(PoisonError::into_inner);
        // An error means that nobody listens.
        let _ = self.inner.sender.send(event);
        Ok(receipt)
    }
}

impl<T: Recordable> EventBus<T> {
    /// Has everything that is published from now on recorded, once for the life of the bus.
    ///
    /// # Errors
    /// When the bus has a trail already, or there is no Tokio runtime.
    pub fn attach_audit(
        &self,
        recorder: &Recorder,
        options: TrailOptions,
    ) -> Result<AuditTrail, AttachError> {
        let _in_order = self.inner.order.lock().unwrap_or_else(PoisonError::into_inner);
        if self.inner.attached.get().is_some() {
            return Err(AttachError::AlreadyAttached);
        }
        let runtime = tokio::runtime::Handle::try_current().map_err(|_| AttachError::NoRuntime)?;
        let (trail, handle) = AuditTrail::start(recorder, options, &runtime)?;
        let attached = Attached { to_draft: T::to_draft, trail };
        self.inner.attached.set(attached).map_err(|_| AttachError::AlreadyAttached)?;
        Ok(handle)
    }
}

impl From<Offered> for NotRecorded {
    fn from(offered: Offered) -> Self {
        match offered {
            Offered::QueueFull => Self::QueueFull,
            Offered::Ended(ended) => Self::Ended(ended),
        }
    }
}

/// One who listens to a bus.
#[derive(Debug)]
pub struct Subscription<T> {
    receiver: broadcast::Receiver<T>,
    lagged: Arc<AtomicU64>,
}

impl<T: Clone> Subscription<T> {
    /// The next event.
    ///
    /// # Errors
    /// `Lagged` once after events were missed, then the oldest that is left; `Closed` at the end.
    pub async fn recv(&mut self) -> Result<T, RecvError> {
        self.receiver.recv().await.map_err(|error| match error {
            error::RecvError::Lagged(count) => self.missed(count),
            error::RecvError::Closed => RecvError::Closed,
        })
    }

    /// The next event, if it is there.
    ///
    /// # Errors
    /// As [`Self::recv`], and `Empty`.
    pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
        self.receiver.try_recv().map_err(|error| match error {
            error::TryRecvError::Empty => TryRecvError::Empty,
            error::TryRecvError::Lagged(count) => TryRecvError::Recv(self.missed(count)),
            error::TryRecvError::Closed => TryRecvError::Recv(RecvError::Closed),
        })
    }

    fn missed(&self, count: u64) -> RecvError {
        self.lagged.fetch_add(count, Ordering::Relaxed);
        RecvError::Lagged(count)
    }
}
