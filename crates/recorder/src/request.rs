//! An append as a door hands it over, and the answer that it gets.

use std::sync::Arc;

use annals_core::dialect::ForeignReader;
use annals_core::event::Event;
use annals_core::id::DialectName;
use bytes::Bytes;

use crate::config::Durability;
use crate::principal::Principal;
use crate::refusal::EventRefusal;

/// How the bytes of a request are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyFormat {
    /// One JSON value: an event, an array of events or an object with `events`.
    Json,
    /// One JSON event a line.
    Ndjson,
    /// One MessagePack value of the same shapes as JSON.
    MessagePack,
}

/// By which door an append comes.
#[derive(Debug, Clone)]
pub enum Door {
    /// A native writer; held strictly.
    Native,
    /// A client that has translated from a foreign format with the named dialect.
    Translated(DialectName),
    /// A foreign format that is translated here.
    Foreign(Arc<dyn ForeignReader>),
}

/// Whether a batch is kept together or event by event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Atomicity {
    /// All or nothing.
    Atomic,
    /// Each event on its own.
    Independent,
}

/// An append as it came in.
#[derive(Debug, Clone)]
pub struct AppendRequest {
    /// Who sends it.
    pub principal: Arc<Principal>,
    /// By which door.
    pub door: Door,
    /// How the body is written.
    pub format: BodyFormat,
    /// The body, decompressed.
    pub body: Bytes,
    /// What the request says beside its body; the body may say it too.
    pub atomicity: Option<Atomicity>,
    /// The last seq the writer saw; for a request of one event.
    pub expected_seq: Option<u64>,
    /// The W3C trace context header, if there was one.
    pub traceparent: Option<String>,
}

/// Proof that an event is kept.
#[derive(Debug, Clone)]
pub struct Receipt {
    /// The event as it is kept; of a document of several facts the last one.
    pub event: Event,
    /// The facts that the same document stated before that one, in order.
    pub before: Vec<Event>,
    /// In which sense it is kept.
    pub durability: Durability,
}

impl Receipt {
    /// Whether the event's body is gone, so that nobody compared it with what was sent.
    #[must_use]
    pub fn is_redacted(&self) -> bool {
        self.event.is_erased()
    }
}

/// What became of one event of a request, or of one foreign document with all that it states.
#[derive(Debug, Clone)]
pub enum EventResult {
    /// Kept by this request.
    Accepted(Receipt),
    /// Kept by an earlier one; this is its receipt.
    Replayed(Receipt),
    /// Not kept.
    Rejected(EventRefusal),
}

/// The answer to an append of which something is kept.
#[derive(Debug, Clone)]
pub enum BatchAnswer {
    /// The request was one event.
    One {
        /// Its receipt.
        receipt: Receipt,
        /// Whether it had been kept before.
        replayed: bool,
    },
    /// The request was a batch; one result an event, in input order.
    Many(Vec<EventResult>),
}
