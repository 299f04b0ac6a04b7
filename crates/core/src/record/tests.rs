//! Golden vectors of the record format and the rules of what counts as the same content.

use super::*;
use crate::envelope::{Actor, ActorType, Authority, Draft, StreamKey, Strictness, Zone};
use crate::id::{
    ActorId, EventId, EventType, LogId, Position, PrincipalId, Seq, StreamId, StreamType,
    WorkspaceId,
};
use crate::time::Timestamp;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn log_id() -> LogId {
    LogId::from_bytes([0x11; 16])
}

fn server_fields(draft: &Draft) -> ServerFields {
    ServerFields {
        event_id: draft.event_id.unwrap_or(EventId::from_bytes([0x22; 16])),
        workspace_id: WorkspaceId::parse("default").unwrap(),
        principal_id: PrincipalId::parse("owner").unwrap(),
        zone: draft.zone,
        received_at: Timestamp::from_micros(1_760_000_000_000_000),
        trace_correlation: None,
        authority: Authority::Observed,
        control: None,
    }
}

fn least_draft() -> Draft {
    Draft::new(
        EventType::parse("tool.invoked").unwrap(),
        Actor { actor_type: ActorType::Agent, actor_id: ActorId::parse("a").unwrap() },
        StreamKey {
            stream_type: StreamType::parse("run").unwrap(),
            stream_id: StreamId::parse("r1").unwrap(),
        },
        r#"{"n":1.0e2}"#.to_owned(),
    )
}

fn full_draft() -> Draft {
    let text = r#"{"event_id":"0190b3c4-1111-7abc-8def-0123456789ab","event_type":"message.created","event_version":2,"occurred_at":"2026-01-31T10:30:00+01:00","mission_id":"m","room_id":"o","thread_id":"t","run_id":"u","step_id":"s","actor":{"actor_type":"user","actor_id":"ä"},"zone":"high_stakes","stream":{"stream_type":"room","stream_id":"o"},"correlation_id":"c","causation_id":"k","idempotency_key":"i","data":null,"policy_context":{},"model_context":{"m":1},"display":{"d":"\u00e9"},"extensions":{"x":[]}}"#;
    Draft::parse(text, Strictness::Native).unwrap()
}

fn place(draft: &Draft, position: u64) -> (Vec<u8>, String) {
    let header = Header::complete(draft, server_fields(draft)).encode(&log_id());
    let placement = Placement {
        position: Position(position),
        stream_seq: Seq(position),
        recorded_at: Timestamp::from_micros(1_760_000_000_000_001),
    };
    let header = [header.as_bytes(), &HeaderDraft::placement_bytes(&placement)].concat();
    (header, draft.body_json())
}

#[test]
fn golden_least_event() {
    let (header, body) = place(&least_draft(), 1);
    assert_eq!(body, r#"{"data":{"n":1.0e2}}"#);
    assert_eq!(hex(&header), include_str!("golden/least.header.hex").trim());
    let commitment = commitment(&[7; SALT_BYTES], body.as_bytes());
    assert_eq!(commitment.to_string(), include_str!("golden/least.commitment.hex").trim());
    let hash = event_hash(&header, &commitment, &Digest::ZERO);
    assert_eq!(hash.to_string(), include_str!("golden/least.event_hash.hex").trim());
}

#[test]
fn golden_full_event() {
    let (header, body) = place(&full_draft(), 2);
    assert_eq!(body, include_str!("golden/full.body.json").trim_end());
    assert_eq!(hex(&header), include_str!("golden/full.header.hex").trim());
    let commitment = commitment(&[0; SALT_BYTES], body.as_bytes());
    let hash = event_hash(&header, &commitment, &Digest::new([9; 32]));
    assert_eq!(hash.to_string(), include_str!("golden/full.event_hash.hex").trim());
}

#[test]
fn a_header_reads_back_as_it_was_written() {
    let draft = full_draft();
    let (bytes, _) = place(&draft, 2);
    let header = HeaderRef::parse(&bytes).unwrap();
    assert_eq!(header.event_type, "message.created");
    assert_eq!(HeaderRef::event_type_of(&bytes), Some("message.created"));
    assert_eq!(header.actor_id, "ä");
    assert_eq!(header.zone, Zone::HighStakes);
    assert_eq!(header.step_id, Some("s"));
    assert_eq!((header.position, header.stream_seq), (Position(2), Seq(2)));
    assert_eq!(header.control, None);
    assert_eq!(header.server_filled, ServerFilled::none());
}

/// Lengths from 127 on are written in bytes that are no text, or that look like the end of one.
#[test]
fn texts_of_every_length_read_back() {
    for length in 1..=256 {
        for last in ["x", "ä", "\u{ff}", "€", "😀"] {
            let Some(padding) = usize::checked_sub(length, last.len()) else { continue };
            let text = format!("{}{last}", "y".repeat(padding));
            let mut draft = full_draft();
            draft.scope.run_id = Some(text.parse().unwrap());
            draft.actor.actor_id = text.parse().unwrap();
            draft.causation_id = Some(text.parse().unwrap());
            let (bytes, _) = place(&draft, 2);
            let header = HeaderRef::parse(&bytes).unwrap();
            assert_eq!((header.run_id, header.actor_id), (Some(&*text), &*text));
            assert_eq!((header.causation_id, header.idempotency_key), (Some(&*text), Some("i")));
        }
    }
}

#[test]
fn a_text_that_is_cut_within_a_character_is_refused() {
    // The first byte of `ä` ends one field, and its second is the length of the next.
    let (mut bytes, _) = place(&full_draft(), 2);
    let actor = bytes.windows(2).position(|pair| pair == "ä".as_bytes()).unwrap();
    bytes[actor - 1] = 2;
    assert!(HeaderRef::parse(&bytes).is_err());
}

#[test]
fn every_cut_or_lengthened_header_is_refused() {
    let (bytes, _) = place(&full_draft(), 2);
    for length in 0..bytes.len() {
        assert!(HeaderRef::parse(&bytes[..length]).is_err(), "cut to {length}");
    }
    let mut longer = bytes.clone();
    longer.insert(bytes.len() - 24, 0);
    assert!(HeaderRef::parse(&longer).is_err());
}

#[test]
fn a_newer_format_is_refused_by_its_number() {
    let (mut bytes, _) = place(&least_draft(), 1);
    bytes[0] = 2;
    assert_eq!(HeaderRef::parse(&bytes), Err(HeaderError::UnknownFormat { format: 2, suite: 1 }));
}

#[test]
fn absent_and_empty_stay_different() {
    let mut draft = least_draft();
    let absent = Header::complete(&draft, server_fields(&draft)).encode(&log_id());
    draft.extensions = Some("{}".to_owned());
    assert_eq!(absent, Header::complete(&draft, server_fields(&draft)).encode(&log_id()));
    assert_eq!(draft.body_json(), r#"{"data":{"n":1.0e2},"extensions":{}}"#);
}

fn same(one: &Draft, two: &Draft) -> bool {
    let encode = |draft: &Draft| {
        let mut fields = server_fields(draft);
        fields.received_at = fields.received_at.plus_seconds(draft.data.len() as i64);
        Header::complete(draft, fields).encode(&log_id())
    };
    let (one, two) = (encode(one), encode(two));
    one.view().unwrap().same_content(&two.view().unwrap())
}

#[test]
fn what_the_server_filled_does_not_make_content_different() {
    let mut later = least_draft();
    later.data.push(' ');
    assert!(same(&least_draft(), &later));
}

#[test]
fn what_the_sender_said_makes_content_different() {
    let base = least_draft();
    let mut timed = base.clone();
    timed.occurred_at = Some(Timestamp::from_micros(1));
    assert!(!same(&base, &timed));
    let mut scoped = base.clone();
    scoped.scope.run_id = Some(crate::id::RunId::parse("r").unwrap());
    assert!(!same(&base, &scoped));
    let mut versioned = base.clone();
    versioned.event_version = 2;
    assert!(!same(&base, &versioned));
}
