//! Redaction: a body goes for good, while its event's place, hash and every proof stay.
//!
//! The fact `event.redacted` comes first and hides the body at once; then the bytes are erased from
//! the log, the views pass the fact, and only then is there an answer. It does not write to the log
//! itself: the sequencer decides, appends and erases in one turn.
//!
//! INVARIANT (hidden at once): from the moment the fact is durable no reader gets the body, whether
//! or not its bytes are erased yet.
//! INVARIANT (finished on every start): a marked body that is still there is erased before the
//! recorder serves anybody.
//! INVARIANT (reports hide nothing): only `event.redacted` with authority `control` hides a body.

mod decide;
mod finish;
mod inherited;
mod marks;
mod reader;
mod request;

use std::sync::Arc;

use annals_core::event::Event;
use annals_core::id::{EventId, Position, RunId, WorkspaceId};
use annals_core::json::JsonError;
use annals_core::time::Timestamp;
use annals_store::contract::{EraseFailure, LogReader, ReadFailure};

pub(crate) use annals_core::redaction::REDACTED_TYPE;
pub(crate) use decide::{RedactCommand, RedactDecision};
pub(crate) use finish::finish;
pub(crate) use inherited::inherited;
pub(crate) use marks::redacted_position;
pub use marks::{Marks, Redaction};
pub(crate) use reader::MarkedReader;
pub(crate) use request::redact;

use crate::refusal::AppendRefusal;

/// The type of the streams that these facts are on; the stream's id is the workspace's.
pub(crate) const REDACTIONS_STREAM_TYPE: &str = "redactions";

/// What is to be taken away, and what is said in its place.
#[derive(Debug, Clone)]
pub struct RedactRequest {
    /// The event's workspace; the principal's own where it is absent. Another one may only be
    /// named by who administers all of them.
    pub workspace_id: Option<WorkspaceId>,
    /// The event.
    pub event_id: EventId,
    /// Why: 1 to 1,024 bytes that everybody who may read the event will read.
    pub reason: String,
    /// What readers get as `data` from then on: JSON text of at most 16 KiB.
    pub replacement: Option<String>,
}

/// A body is in no file any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedactionReceipt {
    /// The redacted event.
    pub event_id: EventId,
    /// Its position.
    pub position: Position,
    /// When the log took the redaction.
    pub redacted_at: Timestamp,
    /// The event that says so.
    pub redaction_event_id: EventId,
    /// That event's position.
    pub redaction_position: Position,
    /// Whether the event had been redacted before; then the rest is what the first answer said.
    pub replayed: bool,
    /// Files with the bytes of torn appends that had to go, because a body may lie in them.
    pub cut_files_removed: u64,
}

/// Which redactions somebody asks for.
#[derive(Debug, Clone)]
pub struct RedactionsQuery {
    /// The workspace.
    pub workspace_id: WorkspaceId,
    /// Only those of events of this run.
    pub run_id: Option<RunId>,
    /// Only those whose own event stands before this position.
    pub before: Option<Position>,
    /// How many at most.
    pub count_max: usize,
}

/// A redacted event beside what is said of its redaction.
#[derive(Debug, Clone)]
pub struct RedactedEvent {
    /// The redaction.
    pub redaction: Arc<Redaction>,
    /// The event without its body.
    pub event: Event,
}

/// Some redactions of a workspace, newest first.
#[derive(Debug, Clone)]
pub struct RedactionsPage {
    /// The redactions.
    pub redactions: Vec<RedactedEvent>,
    /// Where the next page starts; none at the end.
    pub next: Option<Position>,
}

impl RedactionsPage {
    /// Reads the events that some redactions are of.
    pub(crate) fn read(
        reader: &dyn LogReader,
        found: Vec<Arc<Redaction>>,
        count_max: usize,
    ) -> Result<Self, ReadFailure> {
        let is_full = found.len() >= count_max;
        let next = found.last().filter(|_| is_full).map(|last| last.redaction_position);
        let mut redactions = Vec::with_capacity(found.len());
        for redaction in found {
            if let Some(event) = reader.event_at(redaction.position)? {
                redactions.push(RedactedEvent { redaction, event });
            }
        }
        Ok(Self { redactions, next })
    }
}

/// Why a body is not redacted.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RedactRefusal {
    /// The one who asks may not administer, or not that workspace.
    #[error("this needs the right `operate`")]
    Forbidden,
    /// There is no such event in the workspace.
    #[error("no event has the id {event_id}")]
    UnknownEvent {
        /// The id.
        event_id: EventId,
    },
    /// The record of a redaction itself stays.
    #[error("an event of type `{event_type}` cannot be redacted")]
    NotRedactable {
        /// The event's type.
        event_type: String,
    },
    /// There is no reason, or a very long one.
    #[error("a redaction has a reason of 1 to {byte_count_max} bytes")]
    Reason {
        /// Bytes that are allowed.
        byte_count_max: usize,
    },
    /// The replacement is not JSON that the log keeps.
    #[error("the replacement is not valid JSON: {0}")]
    ReplacementJson(JsonError),
    /// The replacement is too long.
    #[error("the replacement has {byte_count} bytes; at most {byte_count_max} are kept")]
    ReplacementTooLarge {
        /// Its bytes.
        byte_count: usize,
        /// Bytes that are allowed.
        byte_count_max: usize,
    },
    /// The event cannot be read.
    #[error("the event cannot be read")]
    Unreadable(#[source] ReadFailure),
    /// The body is hidden, but there was no room to erase it: the same request finishes it.
    #[error(
        "the body is hidden; the disk is too full to erase it, so ask again when there is room"
    )]
    HiddenOnly,
    /// The body is hidden and erased from the log, but the views' file may hold words of it.
    #[error("the body is erased from the log, but not from the views: {reason}")]
    ViewsRemain {
        /// Why.
        reason: String,
    },
    /// The fact could not be kept.
    #[error(transparent)]
    Append(AppendRefusal),
}

/// What a recorder cannot be opened without.
#[derive(Debug, thiserror::Error)]
pub enum RedactionFailure {
    /// The log cannot be read.
    #[error("the log cannot be read")]
    Read(#[from] ReadFailure),
    /// A redacted body could not be erased.
    #[error("a redacted body cannot be erased")]
    Erase(#[from] EraseFailure),
}
