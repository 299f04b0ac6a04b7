//! Why an append is refused: exhaustive, with the data that a good message needs.
//!
//! Nothing here knows of HTTP; the server has the one `match` that maps these to status codes.

use annals_core::dialect::ForeignFault;
use annals_core::envelope::{EnvelopeFault, StreamKey};
use annals_core::id::{EventId, Position, Seq};
use annals_core::json::JsonError;
use annals_core::msgpack::MsgpackError;
use annals_core::time::Timestamp;

use crate::request::EventResult;

/// Why one event is not kept.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum EventRefusal {
    /// The event's JSON is not what the log keeps.
    #[error("the event is not valid JSON: {0}")]
    Json(JsonError),
    /// A field of the envelope is missing, wrong or not allowed.
    #[error("{0}")]
    Envelope(EnvelopeFault),
    /// The foreign document is none of its dialect.
    #[error("{0}")]
    Foreign(ForeignFault),
    /// The event is too large.
    #[error("the event has {byte_count} bytes; at most {byte_count_max} are kept")]
    TooLarge {
        /// Its bytes.
        byte_count: usize,
        /// Bytes that are allowed.
        byte_count_max: usize,
    },
    /// The event's time is too far ahead.
    #[error("occurred_at {occurred_at} is more than 24 hours ahead of the server's clock, {now}")]
    ClockAhead {
        /// The time it claims.
        occurred_at: Timestamp,
        /// The server's clock.
        now: Timestamp,
    },
    /// The event names another tenant than the credential's.
    #[error("workspace_id `{claimed}` is not the credential's workspace")]
    UnauthorizedWorkspace {
        /// The tenant it names.
        claimed: String,
    },
    /// The credential's scope does not cover the event.
    #[error("the token's scope does not cover `{event_type}` on `{stream_type}` streams")]
    OutOfScope {
        /// The event's type.
        event_type: String,
        /// The stream's type.
        stream_type: String,
    },
    /// Only the server writes events of this type.
    #[error("`{event_type}` is a decision of the server")]
    ControlType {
        /// The type.
        event_type: String,
        /// The route that writes it, if there is one.
        route: Option<String>,
    },
    /// The type's name is one of Annals' own frames.
    #[error("`{event_type}` is a name that is kept for Annals itself")]
    ReservedType {
        /// The type.
        event_type: String,
    },
    /// The payload does not have the shape of its type.
    #[error("data of `{event_type}` does not fit its schema: {problem}")]
    Schema {
        /// The type.
        event_type: String,
        /// Where in `data`, as a JSON Pointer.
        pointer: String,
        /// What is wrong there.
        problem: String,
    },
    /// A room's event is not on the room's stream, or the other way round.
    #[error("an event of a room is on that room's stream: room_id {room_id:?}, stream {stream}")]
    RoomStreamMismatch {
        /// The room that the event names.
        room_id: Option<String>,
        /// The stream that it names.
        stream: StreamKey,
    },
    /// An identity of the event belongs to another one.
    #[error("event {event_id} repeats an identity of position {existing} with other content")]
    IdempotencyConflict {
        /// The refused event.
        event_id: EventId,
        /// The event that has the identity; 0 when it is earlier in the same atomic batch.
        existing: Position,
    },
    /// The stream is not where the writer thought.
    #[error("stream {stream} is at seq {actual_seq}, not at {expected_seq}")]
    SeqMismatch {
        /// The stream.
        stream: StreamKey,
        /// What the writer expected.
        expected_seq: Seq,
        /// What it is.
        actual_seq: Seq,
    },
    /// A stored event that decides about this one cannot be read.
    #[error("a stored event that decides about this one cannot be read")]
    Undecided,
}

/// Why a request is refused as a whole.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AppendRefusal {
    /// The body is not JSON.
    #[error("the body is not valid JSON: {0}")]
    Json(JsonError),
    /// The body is not MessagePack that the log can keep.
    #[error("the body is not valid MessagePack: {0}")]
    Msgpack(MsgpackError),
    /// The body holds no event.
    #[error("the body holds no event")]
    EmptyBatch,
    /// The body holds too many events.
    #[error("the body holds more than {event_count_max} events")]
    TooManyEvents {
        /// Events that are allowed.
        event_count_max: usize,
    },
    /// A member beside `events` is not known or wrong.
    #[error("{0}")]
    Options(EnvelopeFault),
    /// `expected` or `expected_seq` came with a request that cannot honour it.
    #[error("{problem}")]
    ExpectedSeqMisplaced {
        /// What to change.
        problem: &'static str,
    },
    /// The one event, or one of an atomic batch, is refused, and so is the request.
    #[error("{refusal}")]
    Event {
        /// Its place in the batch; none for a request of one event.
        index: Option<usize>,
        /// Why.
        refusal: EventRefusal,
    },
    /// Every event of the batch is refused.
    #[error("every event of the batch is refused")]
    AllRejected(Vec<EventResult>),
    /// The credential ended before the event's turn.
    #[error("the token was revoked or has expired")]
    CredentialEnded,
    /// Too much waits to be written.
    #[error("too much waits to be written")]
    Overloaded,
    /// The disk is full.
    #[error("the disk that holds the log is full")]
    StorageFull,
    /// The log failed; nothing is known of this append.
    #[error("the log failed and the process is stopping")]
    LogFailed,
    /// The recorder is closing.
    #[error("the recorder is closing")]
    Closing,
}
