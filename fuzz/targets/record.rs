//! Records: any header, and what is shown of the event in it.

#![no_main]

use annals_core::event::Event;
use annals_core::hash::Digest;
use annals_core::id::{DialectName, EventType, RunId, StreamType, WorkspaceId};
use annals_core::json::{JsonLimits, compact};
use annals_core::record::{BodyEncoding, HeaderRef, Record};
use bytes::Bytes;
use libfuzzer_sys::fuzz_target;

/// Whether the texts are such as the server lets in. What it did let in is written without a look,
/// because nobody else writes records.
fn has_our_texts(header: &HeaderRef<'_>) -> bool {
    let optional = |text: Option<&str>| text.is_none_or(|text| text.parse::<RunId>().is_ok());
    header.event_type.parse::<EventType>().is_ok()
        && header.workspace_id.parse::<WorkspaceId>().is_ok()
        && header.stream_type.parse::<StreamType>().is_ok()
        && [header.mission_id, header.room_id, header.thread_id, header.run_id, header.step_id]
            .into_iter()
            .chain([header.causation_id, header.idempotency_key, Some(header.correlation_id)])
            .chain([Some(header.stream_id), Some(header.actor_id)])
            .chain([Some(header.actor_principal_id)])
            .all(optional)
        && header.origin_dialect.is_none_or(|text| text.parse::<DialectName>().is_ok())
}

fuzz_target!(|data: &[u8]| {
    let (header, body) = match data.split_first() {
        Some((split, rest)) => rest.split_at(rest.len() * usize::from(*split) / 255),
        None => return,
    };
    let Ok(parsed) = HeaderRef::parse(header) else { return };
    let is_ours = has_our_texts(&parsed);
    let mut compacted = String::new();
    let is_object = body.starts_with(b"{")
        && compact(body, &mut compacted, &JsonLimits::EVENT).is_ok()
        && compacted.as_bytes() == body;
    let body = if is_object { body } else { b"{\"data\":null}" };
    let record = Record {
        header: Bytes::copy_from_slice(header),
        prev_event_hash: Digest::ZERO,
        commitment: Digest::ZERO,
        encoding: BodyEncoding::Plain,
        salt: [7; 32],
        body: Bytes::copy_from_slice(body),
    };
    let event = Event::from_record(record).unwrap();
    let mut shown = String::new();
    // What is shown has the header's members around the body's: a level or two more, and some nodes.
    let limits = JsonLimits { depth_max: 200, node_count_max: 200_000 };
    let json = event.to_json();
    match compact(json.as_bytes(), &mut shown, &limits) {
        Ok(()) => assert!(json == shown || !is_ours),
        Err(annals_core::json::JsonError::DuplicateKey { .. }) => {}
        Err(error) => assert!(!is_ours, "{error}: {json}"),
    }
});
