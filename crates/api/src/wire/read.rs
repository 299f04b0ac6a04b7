//! Streams, and events as their stored bytes.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A page of events. With `as=record` the items are [`StoredRecord`]s.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct EventsPage {
    /// The events.
    #[schema(value_type = Vec<crate::wire::StoredEvent>)]
    pub events: Vec<serde_json::Value>,
    /// Pass it as `cursor` for the next page; null at the end.
    pub next: Option<String>,
    /// The log's head when the page was made.
    pub as_of: u64,
}

/// What is known of a stream without reading it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StreamInfo {
    /// The kind of stream.
    pub stream_type: String,
    /// Its name within the kind.
    pub stream_id: String,
    /// The oldest seq that is kept.
    pub first_seq: u64,
    /// The newest seq.
    pub last_seq: u64,
    /// The newest event's hash.
    pub last_event_hash: String,
    /// Events that are kept.
    pub event_count: u64,
    /// When the log took the oldest.
    pub first_at: String,
    /// When the log took the newest.
    pub last_at: String,
}

/// A page of streams.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct StreamsPage {
    /// The streams.
    pub streams: Vec<StreamInfo>,
    /// Pass it as `cursor` for the next page; null at the end.
    pub next: Option<String>,
    /// The log's head when the page was made.
    pub as_of: u64,
}

/// An event as its stored bytes (`as=record`), for those who check hashes themselves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StoredRecord {
    /// Its place in the log.
    pub position: u64,
    /// Its place in its stream.
    pub stream_seq: u64,
    /// The header bytes, base64.
    pub header: String,
    /// The body bytes, base64; null when the body was erased.
    pub body: Option<String>,
    /// The salt of the commitment, base64; null when the body was erased.
    pub salt: Option<String>,
    /// Why body and salt are null: `redacted`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withheld: Option<String>,
    /// SHA-256("annals/body/1" ‖ salt ‖ body).
    pub commitment: String,
    /// The hash of the event before it in its stream; 64 zeros for the first.
    pub prev: String,
    /// Its hash.
    pub event_hash: String,
}

/// Where a reader that fell too far behind goes on: the data of an `annals.lagged` frame.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Lagged {
    /// Resume after this id: the value for `Last-Event-ID`.
    pub resume_after: u64,
    /// The reason code, always `lagged`.
    pub reason_code: String,
    /// What happened, for a person.
    pub detail: String,
}
