//! A recent event with its server-sent-events frames, rendered once for all readers.

use std::fmt::Write as _;
use std::sync::{Arc, OnceLock};

use annals_core::event::Event;
use bytes::Bytes;

use crate::redaction::Redaction;

/// A recent event.
#[derive(Debug)]
pub struct LiveEvent {
    event: Event,
    redaction: Option<Arc<Redaction>>,
    /// Made when somebody watches, which for most events nobody does.
    frames: OnceLock<Box<Frames>>,
}

#[derive(Debug, Default)]
struct Frames {
    by_seq: OnceLock<Bytes>,
    by_position: OnceLock<Bytes>,
}

impl LiveEvent {
    pub(crate) fn new(event: Event, redaction: Option<Arc<Redaction>>) -> Self {
        Self { event, redaction, frames: OnceLock::new() }
    }

    /// The event.
    #[must_use]
    pub fn event(&self) -> &Event {
        &self.event
    }

    /// Its redaction, if its body is gone.
    #[must_use]
    pub fn redaction(&self) -> Option<&Redaction> {
        self.redaction.as_deref()
    }

    /// The frame of a stream's tail: its id is the event's seq.
    pub fn frame_by_seq(&self) -> Bytes {
        self.frames().by_seq.get_or_init(|| self.frame(self.event.stream_seq().get())).clone()
    }

    /// The frame of a workspace's tail: its id is the event's position.
    pub fn frame_by_position(&self) -> Bytes {
        self.frames().by_position.get_or_init(|| self.frame(self.event.position().get())).clone()
    }

    fn frames(&self) -> &Frames {
        self.frames.get_or_init(Box::default)
    }

    fn frame(&self, id: u64) -> Bytes {
        let mut frame = String::with_capacity(self.event.byte_count() + 640);
        // Neither an event type nor compact JSON can hold a line break, so a frame cannot be forged.
        // Writing to a String cannot fail.
        let _ = write!(frame, "id:{id}\nevent:{}\ndata:", self.event.event_type());
        self.event.write_json(&mut frame, self.redaction().map(|redaction| &redaction.mark));
        frame.push_str("\n\n");
        Bytes::from(frame)
    }
}
