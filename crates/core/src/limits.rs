//! Every limit that a sender or reader can run into, in one place.
//!
//! Nothing is cut to fit: over a limit an input is refused by the name of the limit.
//! `GET /v1/limits` shows these numbers, and the test below asserts them against each other.

/// Bytes of one event as the sender wrote it, after whitespace is gone.
pub const EVENT_BYTES_MAX: usize = 1 << 20;
/// Bytes of one request body after decompression, checked while streaming.
pub const BODY_BYTES_MAX: usize = 16 << 20;
/// Bytes of the items of one OTLP request, each with the resource and the scope that it repeats.
pub const OTLP_ITEMS_BYTES_MAX: usize = 64 << 20;
/// Bytes of request bodies held at once over all connections.
pub const IN_FLIGHT_BYTES_MAX: usize = 256 << 20;
/// The slowest body that is waited for, in bytes a second.
pub const BODY_BYTES_PER_SECOND_MIN: u64 = 1_000;
/// The largest window a zstd body may ask for, as a power of two (8 MiB).
pub const ZSTD_WINDOW_LOG_MAX: u32 = 23;
/// Events of one append request.
pub const BATCH_EVENTS_MAX: usize = 10_000;
/// Nested arrays and objects in one event.
pub const JSON_DEPTH_MAX: usize = 128;
/// JSON values (of any kind, keys not counted) in one event.
pub const JSON_NODE_COUNT_MAX: usize = 100_000;
/// Bytes of an id.
pub const ID_BYTES_MAX: usize = 256;
/// Bytes of an event type.
pub const EVENT_TYPE_BYTES_MAX: usize = 128;
/// Bytes of a stream type.
pub const STREAM_TYPE_BYTES_MAX: usize = 32;
/// How far `occurred_at` may lie ahead of the server's clock, in seconds.
pub const CLOCK_AHEAD_SECONDS_MAX: u64 = 24 * 60 * 60;
/// Events of one page.
pub const PAGE_EVENTS_MAX: usize = 1_000;
/// Events of one page when the reader names no limit.
pub const PAGE_EVENTS_DEFAULT: usize = 100;
/// Spans of one page of a run's time picture.
pub const PAGE_SPANS_MAX: usize = 10_000;
/// Events that a live reader may fall behind before it is told and cut off.
pub const TAIL_LAG_EVENTS_MAX: u64 = 10_000;
/// Bytes that a live reader may fall behind before it is told and cut off.
pub const TAIL_LAG_BYTES_MAX: u64 = 8 << 20;
/// Open connections.
pub const CONNECTION_COUNT_MAX: usize = 4_096;
/// Live tails in all.
pub const TAIL_COUNT_MAX: usize = 2_048;
/// Live tails of one token.
pub const TAIL_COUNT_PER_TOKEN_MAX: usize = 256;
/// Seconds that a client may take to send a request's head.
pub const HEADER_WAIT_SECONDS_MAX: u64 = 10;
/// Seconds that a kept-alive connection may stay silent.
pub const IDLE_SECONDS_MAX: u64 = 60;
/// Seconds between two signs of life on a live tail.
pub const TAIL_HEARTBEAT_SECONDS: u64 = 15;
/// Bytes of events that wait for the sequencer before senders are told `overloaded`.
pub const SEQUENCER_QUEUE_BYTES_MAX: usize = 64 << 20;
/// Bytes that are read of a signed note; sixteen post-quantum signatures fit.
pub const NOTE_BYTES_MAX: usize = 256 << 10;
/// Signatures that are read of a note.
pub const NOTE_SIGNATURE_COUNT_MAX: usize = 64;
/// Bytes of a key's name and of a log's origin.
pub const KEY_NAME_BYTES_MAX: usize = 256;
/// Bytes of the reason that a redaction gives.
pub const REDACTION_REASON_BYTES_MAX: usize = 1_024;
/// Bytes of what stands in for a redacted payload. Marks are held in memory, so it is small.
pub const REDACTION_REPLACEMENT_BYTES_MAX: usize = 16 << 10;
/// Metric series of a workspace; points of others are counted, and kept as events.
pub const METRIC_SERIES_COUNT_MAX: usize = 10_000;
/// Bytes of what tells a metric series from others: name, unit, service and attributes.
pub const METRIC_LABELS_BYTES_MAX: usize = 4 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_fit_each_other() {
        const { assert!(EVENT_BYTES_MAX <= BODY_BYTES_MAX) };
        const { assert!(BODY_BYTES_MAX <= SEQUENCER_QUEUE_BYTES_MAX) };
        const { assert!(BODY_BYTES_MAX <= OTLP_ITEMS_BYTES_MAX) };
        const { assert!(SEQUENCER_QUEUE_BYTES_MAX <= IN_FLIGHT_BYTES_MAX) };
        const { assert!(PAGE_EVENTS_DEFAULT <= PAGE_EVENTS_MAX) };
        const { assert!(PAGE_EVENTS_MAX <= BATCH_EVENTS_MAX) };
        const { assert!(TAIL_COUNT_PER_TOKEN_MAX <= TAIL_COUNT_MAX) };
        const { assert!(TAIL_COUNT_MAX <= CONNECTION_COUNT_MAX) };
        const { assert!(EVENT_BYTES_MAX as u64 <= TAIL_LAG_BYTES_MAX) };
        const { assert!(STREAM_TYPE_BYTES_MAX <= ID_BYTES_MAX) };
        const { assert!(REDACTION_REPLACEMENT_BYTES_MAX <= EVENT_BYTES_MAX) };
    }
}
