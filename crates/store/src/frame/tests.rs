//! Frames round trip, and nothing that is not exactly what was written passes the checks.

use annals_core::envelope::{Actor, ActorType, Authority, Draft, StreamKey, Zone};
use annals_core::id::{
    ActorId, EventId, EventType, LogId, Position, PrincipalId, Seq, StreamId, StreamType,
    WorkspaceId,
};
use annals_core::record::{Header, ServerFields, commitment};
use annals_core::time::Timestamp;
use proptest::prelude::*;

use super::*;

fn prepared(data: &str) -> Prepared {
    let actor = Actor { actor_type: ActorType::User, actor_id: ActorId::parse("u").unwrap() };
    let stream = StreamKey {
        stream_type: StreamType::parse("run").unwrap(),
        stream_id: StreamId::parse("r").unwrap(),
    };
    let event_type = EventType::parse("note.made").unwrap();
    let draft = Draft::new(event_type, actor, stream, data.to_owned());
    let header = Header::complete(
        &draft,
        ServerFields {
            event_id: EventId::from_bytes([3; 16]),
            workspace_id: WorkspaceId::parse("w").unwrap(),
            principal_id: PrincipalId::parse("p").unwrap(),
            zone: Zone::Supervised,
            received_at: Timestamp::from_micros(1),
            trace_correlation: None,
            authority: Authority::Observed,
            control: None,
        },
    );
    let body = Bytes::from(draft.body_json());
    let salt = [9; 32];
    let commitment = commitment(&salt, &body);
    Prepared { header: header.encode(&LogId::from_bytes([1; 16])), body, salt, commitment }
}

/// A sealed frame of some records, and what was written of each.
fn frame(data: &[String]) -> (Vec<u8>, Vec<WrittenRecord>) {
    let mut bytes = vec![0; FRAME_HEAD_BYTES];
    let mut written = Vec::new();
    let mut prev = Digest::ZERO;
    for (number, data) in (1..).zip(data) {
        let placement = Placement {
            position: Position(number),
            stream_seq: Seq(number),
            recorded_at: Timestamp::from_micros(7),
        };
        let record = put_record(&mut bytes, &prepared(data), &placement, &prev);
        prev = record.event_hash;
        written.push(record);
    }
    seal_frame(&mut bytes, u32::try_from(data.len()).unwrap(), 64);
    (bytes, written)
}

fn check(bytes: &[u8]) -> Result<(), FrameFault> {
    let head = FrameHead::parse(bytes).ok_or(FrameFault("short"))?;
    let records = bytes.get(FRAME_HEAD_BYTES..FRAME_HEAD_BYTES + head.frame_len as usize);
    check_frame(head, records.ok_or(FrameFault("short"))?).map(drop)
}

#[test]
fn what_was_written_is_read() {
    let (bytes, written) = frame(&["1".to_owned(), "{\"a\":[]}".to_owned(), "\"x\"".to_owned()]);
    assert_eq!(check(&bytes), Ok(()));
    let buffer = Bytes::from(bytes);
    for (record, written) in (Records { rest: &buffer[FRAME_HEAD_BYTES..] }).zip(&written) {
        let event = RecordParts::parse(record).unwrap().event(&Bytes::copy_from_slice(record));
        assert_eq!(event, written_event(&buffer, written));
        assert_eq!(event.unwrap().event_hash(), written.event_hash);
    }
}

#[test]
fn every_flipped_bit_is_noticed() {
    let (bytes, _) = frame(&["1".to_owned(), "2".to_owned()]);
    for place in 0..bytes.len() {
        for bit in 0..8 {
            let mut flipped = bytes.clone();
            flipped[place] ^= 1 << bit;
            assert!(check(&flipped).is_err(), "byte {place} bit {bit}");
        }
    }
}

#[test]
fn an_erased_body_leaves_the_frame_and_the_header_checkable() {
    let (mut bytes, written) = frame(&["\"secret\"".to_owned()]);
    let start = FRAME_HEAD_BYTES + RECORD_HEAD_BYTES + written[0].header_len + 2 * DIGEST_BYTES;
    bytes[start..].fill(0);
    let head = FrameHead::parse(&bytes).unwrap();
    assert_eq!(frame_crc(head, &bytes[FRAME_HEAD_BYTES..]), Some(head.frame_crc));
    let record = &bytes[FRAME_HEAD_BYTES..start];
    assert_eq!(head_crc(record), head_crc_of(record));
}

proptest! {
    #[test]
    fn frames_of_any_data_round_trip(data in prop::collection::vec("[a-z]{0,300}", 1..6)) {
        let data: Vec<String> = data.into_iter().map(|text| format!("\"{text}\"")).collect();
        let (bytes, _) = frame(&data);
        prop_assert_eq!(check(&bytes), Ok(()));
        let bodies: Vec<String> = (Records { rest: &bytes[FRAME_HEAD_BYTES..] })
            .map(|record| {
                let event = RecordParts::parse(record).unwrap().event(&Bytes::copy_from_slice(record));
                event.unwrap().data().to_owned()
            })
            .collect();
        prop_assert_eq!(bodies, data);
    }

    #[test]
    fn any_bytes_are_refused_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        prop_assert!(check(&bytes).is_err());
        prop_assert!(RecordParts::parse(&bytes).is_err());
    }

    #[test]
    fn changed_frames_are_refused_without_a_panic(
        place in any::<prop::sample::Index>(),
        value in any::<u8>(),
        cut in any::<prop::sample::Index>(),
    ) {
        let (bytes, _) = frame(&["1".to_owned(), "\"two\"".to_owned()]);
        let mut changed = bytes.clone();
        let place = place.index(changed.len());
        changed[place] = value;
        prop_assert_eq!(check(&changed).is_ok(), changed == bytes);
        changed.truncate(cut.index(changed.len()));
        prop_assert!(check(&changed).is_err());
    }
}
