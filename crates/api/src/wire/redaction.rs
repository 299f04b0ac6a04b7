//! Redaction: an event's body goes, its place and its hash stay.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Asks for an event's body to be erased.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RedactRequest {
    /// Why; kept on the log for everybody who may read the event.
    pub reason: String,
    /// The event's workspace; the token's own when absent. Only the owner may name another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace_id: Option<String>,
    /// What readers see as `data` from then on; null when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub replacement: Option<Box<serde_json::value::RawValue>>,
}

/// An event's body is erased from every file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RedactionReceipt {
    /// The redacted event.
    pub event_id: String,
    /// Its position.
    pub position: u64,
    /// When it was redacted.
    pub redacted_at: String,
    /// The event that says so.
    pub redaction_event_id: String,
    /// That event's position.
    pub redaction_position: u64,
    /// Files with the bytes of torn appends that had to go, because the body may have lain in them.
    pub cut_files_removed: u64,
    /// Whether the event had been redacted before; then this is the first receipt.
    pub replayed: bool,
}

/// A redacted event, as those may know who may read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RedactionInfo {
    /// The redacted event.
    pub event_id: String,
    /// Its position.
    pub position: u64,
    /// Its type.
    pub event_type: String,
    /// Its stream.
    pub stream: crate::wire::StreamName,
    /// Why.
    pub reason: Option<String>,
    /// Who asked for it.
    pub redacted_by: String,
    /// When.
    pub redacted_at: String,
    /// The event that says so.
    pub redaction_event_id: String,
}

/// A page of redactions, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RedactionsPage {
    /// The redactions.
    pub redactions: Vec<RedactionInfo>,
    /// Pass it as `cursor` for the next page; null at the end.
    pub next: Option<String>,
    /// The log's head when the page was made.
    pub as_of: u64,
}
