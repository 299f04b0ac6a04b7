//! An event as its stored bytes in base64 (`as=record`), for those who check hashes themselves.

use std::fmt::Write as _;

use annals_core::event::Event;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Writes an event's record as one JSON object.
pub(crate) fn write_record(text: &mut String, event: &Event) {
    let record = event.record();
    // Writing to a String cannot fail.
    let _ = write!(
        text,
        "{{\"position\":{},\"stream_seq\":{},\"header\":\"",
        event.position(),
        event.stream_seq()
    );
    STANDARD.encode_string(&record.header, text);
    if event.is_erased() {
        text.push_str("\",\"body\":null,\"salt\":null,\"withheld\":\"redacted\"");
    } else {
        text.push_str("\",\"body\":\"");
        STANDARD.encode_string(&record.body, text);
        text.push_str("\",\"salt\":\"");
        STANDARD.encode_string(record.salt, text);
        text.push('"');
    }
    let _ = write!(
        text,
        ",\"commitment\":\"{}\",\"prev\":\"{}\",\"event_hash\":\"{}\"}}",
        record.commitment,
        record.prev_event_hash,
        event.event_hash()
    );
}
