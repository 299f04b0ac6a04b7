//! The event bus: what was just made durable, for everybody who watches.
//!
//! There is one ring of recent events and no queue per reader: a reader holds only its place and
//! takes what it wants at its own pace. A reader that is slower than the ring is told so with the
//! place to resume from; nothing is dropped unsaid and nothing is buffered without bound.
//! The ring is owned by its lock, which is held for moments and never across an await.

mod follower;
mod frame;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use annals_core::event::Event;
use annals_core::id::Position;
use annals_core::limits::{TAIL_LAG_BYTES_MAX, TAIL_LAG_EVENTS_MAX};
use annals_store::contract::Head;
use tokio::sync::watch;

pub use follower::{FollowStart, Followed, Follower};
pub use frame::LiveEvent;

use crate::redaction::Marks;

#[derive(Debug, Default)]
struct Ring {
    events: VecDeque<Arc<LiveEvent>>,
    byte_count: u64,
}

/// Recent events and the news of new ones.
#[derive(Debug)]
pub(crate) struct Live {
    marks: Arc<Marks>,
    ring: RwLock<Ring>,
    /// Events that were redacted since the start. Counted up when the ring no longer has the body,
    /// so whoever took an event before can tell that it may be one of them.
    hidden_count: AtomicU64,
    head: watch::Sender<Head>,
    is_failed: watch::Sender<bool>,
}

/// A piece of the ring.
pub(crate) enum Recent {
    /// The events after a place, oldest first; empty at the head.
    Events(Vec<Arc<LiveEvent>>),
    /// The place is older than the ring.
    Older,
}

impl Live {
    /// `is_failed` is shared with whoever else may find that the log has failed.
    pub(crate) fn new(head: Head, marks: Arc<Marks>, is_failed: watch::Sender<bool>) -> Self {
        Self {
            marks,
            ring: RwLock::default(),
            hidden_count: AtomicU64::new(0),
            head: watch::Sender::new(head),
            is_failed,
        }
    }

    /// Adds events that are durable, in order, and wakes the readers.
    pub(crate) fn publish(&self, events: Vec<Event>, head: Head) {
        if events.is_empty() {
            return;
        }
        let mut ring = self.ring.write().unwrap_or_else(PoisonError::into_inner);
        for event in events {
            ring.byte_count += event.byte_count() as u64;
            ring.events.push_back(Arc::new(LiveEvent::new(event, None)));
        }
        while ring.is_over() {
            let Some(oldest) = ring.events.pop_front() else { break };
            ring.byte_count -= oldest.event().byte_count() as u64;
        }
        drop(ring);
        self.head.send_replace(head);
    }

    /// Puts the event at a position, which was just redacted, without its body in its own place.
    pub(crate) fn hide(&self, position: Position) {
        self.hide_in_ring(position);
        self.hidden_count.fetch_add(1, Ordering::Release);
    }

    pub(crate) fn hidden_count(&self) -> u64 {
        self.hidden_count.load(Ordering::Acquire)
    }

    fn hide_in_ring(&self, position: Position) {
        let mut ring = self.ring.write().unwrap_or_else(PoisonError::into_inner);
        let Some(first) = ring.events.front().map(|live| live.event().position()) else { return };
        let index = position.get().checked_sub(first.get()).map(usize::try_from);
        // An event without its body has as many bytes, so the ring's count stays right.
        if let Some(Ok(index)) = index
            && let Some(place) = ring.events.get_mut(index)
        {
            *place = self.marked(place.event().clone());
        }
    }

    /// An event that a reader has held for a while, as readers get it now.
    pub(crate) fn marked_again(&self, live: &Arc<LiveEvent>) -> Arc<LiveEvent> {
        let is_known = || live.redaction().is_some() && live.event().is_erased();
        match self.marks.at(live.event().position()) {
            Some(_) if !is_known() => self.marked(live.event().clone()),
            Some(_) | None => Arc::clone(live),
        }
    }

    /// An event of the log as readers get it: with its mark where it is redacted.
    pub(crate) fn marked(&self, event: Event) -> Arc<LiveEvent> {
        let redaction = self.marks.at(event.position());
        Arc::new(LiveEvent::new(self.marks.hide(event), redaction))
    }

    /// Tells everybody that the log takes nothing more.
    pub(crate) fn fail(&self) {
        self.is_failed.send_replace(true);
    }

    pub(crate) fn head(&self) -> watch::Receiver<Head> {
        self.head.subscribe()
    }

    pub(crate) fn is_failed(&self) -> bool {
        *self.is_failed.borrow()
    }

    pub(crate) fn failures(&self) -> watch::Receiver<bool> {
        self.is_failed.subscribe()
    }

    /// At most `count_max` events after a place.
    pub(crate) fn recent(&self, after: Position, count_max: usize) -> Recent {
        let ring = self.ring.read().unwrap_or_else(PoisonError::into_inner);
        let Some(first) = ring.events.front().map(|live| live.event().position()) else {
            let is_at_head = after >= self.head.borrow().position;
            return if is_at_head { Recent::Events(Vec::new()) } else { Recent::Older };
        };
        if after.next() < first {
            return Recent::Older;
        }
        // Positions have no gaps, so the distance is the index.
        let skip = usize::try_from(after.next().get() - first.get()).unwrap_or(usize::MAX);
        Recent::Events(ring.events.iter().skip(skip).take(count_max).cloned().collect())
    }
}

impl Ring {
    fn is_over(&self) -> bool {
        self.events.len() as u64 > TAIL_LAG_EVENTS_MAX || self.byte_count > TAIL_LAG_BYTES_MAX
    }
}
