//! What an append gets, from the door to the answer, with the log in memory.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what it did not expect")]

use std::sync::Arc;

use annals_core::id::DialectName;
use annals_recorder::Recorder;
use annals_recorder::config::RecorderConfig;
use annals_recorder::refusal::{AppendRefusal, EventRefusal};
use annals_recorder::request::{
    AppendRequest, BatchAnswer, BodyFormat, Door, EventResult, Receipt,
};

fn open() -> Recorder {
    Recorder::open(RecorderConfig::in_memory()).unwrap()
}

fn request(recorder: &Recorder, body: &str) -> AppendRequest {
    AppendRequest {
        principal: Arc::clone(recorder.access().owner()),
        door: Door::Native,
        format: BodyFormat::Json,
        body: body.to_owned().into(),
        atomicity: None,
        expected_seq: None,
        traceparent: None,
    }
}

fn event(fields: &str) -> String {
    let comma = if fields.is_empty() { "" } else { "," };
    format!(
        r#"{{"event_type":"note.taken","actor":{{"actor_type":"agent","actor_id":"a"}},"stream":{{"stream_type":"run","stream_id":"r"}},"data":{{"n":1}}{comma}{fields}}}"#
    )
}

async fn one(recorder: &Recorder, body: &str) -> (Receipt, bool) {
    match recorder.append(request(recorder, body)).await.unwrap() {
        BatchAnswer::One { receipt, replayed } => (receipt, replayed),
        BatchAnswer::Many(results) => panic!("{results:?}"),
    }
}

async fn refusal(recorder: &Recorder, body: &str) -> EventRefusal {
    match recorder.append(request(recorder, body)).await.unwrap_err() {
        AppendRefusal::Event { refusal, .. } => refusal,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_repeated_event_gets_its_first_receipt_and_another_content_a_conflict() {
    let recorder = open();
    let body = event(r#""idempotency_key":"k""#);
    let (first, replayed) = one(&recorder, &body).await;
    assert!(!replayed);
    let (second, replayed) = one(&recorder, &body).await;
    assert!(replayed);
    assert_eq!(first.event, second.event);
    let other = body.replace("\"n\":1", "\"n\":2");
    assert!(matches!(refusal(&recorder, &other).await, EventRefusal::IdempotencyConflict { .. }));
    assert_eq!(recorder.head().position.get(), 1);
}

#[tokio::test]
async fn each_bad_event_is_refused_by_name_and_not_kept() {
    let recorder = open();
    let control = event("").replace("note.taken", "approval.decided");
    assert!(matches!(refusal(&recorder, &control).await, EventRefusal::ControlType { .. }));
    let foreign = event(r#""workspace_id":"other""#);
    assert!(matches!(
        refusal(&recorder, &foreign).await,
        EventRefusal::UnauthorizedWorkspace { .. }
    ));
    let room = event(r#""room_id":"o""#);
    assert!(matches!(refusal(&recorder, &room).await, EventRefusal::RoomStreamMismatch { .. }));
    let ahead = event(r#""occurred_at":"2999-01-01T00:00:00Z""#);
    assert!(matches!(refusal(&recorder, &ahead).await, EventRefusal::ClockAhead { .. }));
    let schema = event("").replace("note.taken", "tool.invoked");
    assert!(matches!(refusal(&recorder, &schema).await, EventRefusal::Schema { .. }));
    let large = event(&format!(r#""display":{{"x":"{}"}}"#, "x".repeat(1 << 20)));
    assert!(matches!(refusal(&recorder, &large).await, EventRefusal::TooLarge { .. }));
    let twice = event(r#""data":2"#);
    assert!(matches!(refusal(&recorder, &twice).await, EventRefusal::Json(_)));
    assert_eq!(recorder.head().position.get(), 0);
}

#[tokio::test]
async fn a_translated_control_fact_is_kept_as_observed() {
    let recorder = open();
    let body =
        event(r#""origin":{"dialect":"transcripts"}"#).replace("note.taken", "approval.decided");
    let body = body.replace(r#"{"n":1}"#, r#"{"approval_id":"appr_1","decision":"approved"}"#);
    let mut request = request(&recorder, &body);
    request.door = Door::Translated(DialectName::parse("transcripts").unwrap());
    let BatchAnswer::One { receipt, .. } = recorder.append(request).await.unwrap() else {
        panic!()
    };
    assert_eq!(receipt.event.header().authority.as_str(), "observed");
    assert_eq!(receipt.event.header().origin_dialect, Some("transcripts"));
}

#[tokio::test]
async fn one_bad_event_of_a_batch_does_not_touch_its_neighbours() {
    let recorder = open();
    let bad = event(r#""colour":"red""#);
    let body = format!("[{},{bad},{}]", event(""), event(""));
    let BatchAnswer::Many(results) = recorder.append(request(&recorder, &body)).await.unwrap()
    else {
        panic!()
    };
    assert!(matches!(
        results.as_slice(),
        [
            EventResult::Accepted(_),
            EventResult::Rejected(EventRefusal::Envelope(_)),
            EventResult::Accepted(_)
        ]
    ));
    assert_eq!(recorder.head().position.get(), 2);
}

#[tokio::test]
async fn an_atomic_batch_with_one_bad_event_leaves_nothing_and_names_it() {
    let recorder = open();
    one(&recorder, &event(r#""idempotency_key":"k""#)).await;
    let conflict = event(r#""idempotency_key":"k""#).replace("\"n\":1", "\"n\":2");
    for (bad, wanted) in [(event(r#""colour":1"#), 1), (conflict, 1)] {
        let body = format!(r#"{{"events":[{},{bad}],"atomic":true}}"#, event(""));
        match recorder.append(request(&recorder, &body)).await.unwrap_err() {
            AppendRefusal::Event { index, .. } => assert_eq!(index, Some(wanted)),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(recorder.head().position.get(), 1);
}

#[tokio::test]
async fn expected_seq_is_held_once_against_the_state_before_the_batch() {
    let recorder = open();
    let mut first = request(&recorder, &event(""));
    first.expected_seq = Some(0);
    recorder.append(first.clone()).await.unwrap();
    let refused = recorder.append(first).await.unwrap_err();
    assert!(matches!(
        refused,
        AppendRefusal::Event { refusal: EventRefusal::SeqMismatch { .. }, .. }
    ));
    let expected = r#""expected":[{"stream_type":"run","stream_id":"r","expected_seq":1}]"#;
    let body = format!(r#"{{"events":[{e},{e}],"atomic":true,{expected}}}"#, e = event(""));
    recorder.append(request(&recorder, &body)).await.unwrap();
    assert!(recorder.append(request(&recorder, &body)).await.is_err());
    let loose = format!(r#"{{"events":[{}],{expected}}}"#, event(""));
    let refused = recorder.append(request(&recorder, &loose)).await.unwrap_err();
    assert!(matches!(refused, AppendRefusal::ExpectedSeqMisplaced { .. }));
}

#[tokio::test]
async fn a_request_that_cannot_be_followed_is_refused_whole() {
    let recorder = open();
    let broken = format!("[{},", event(""));
    let refused = recorder.append(request(&recorder, &broken)).await.unwrap_err();
    assert!(matches!(refused, AppendRefusal::Json(_)));
    for empty in ["", "[]", r#"{"events":[]}"#] {
        let refused = recorder.append(request(&recorder, empty)).await.unwrap_err();
        assert!(matches!(refused, AppendRefusal::EmptyBatch), "{empty:?}");
    }
    let many = format!("[{}0]", "0,".repeat(10_000));
    let refused = recorder.append(request(&recorder, &many)).await.unwrap_err();
    assert!(matches!(refused, AppendRefusal::TooManyEvents { .. }));
    let all_bad = recorder.append(request(&recorder, "[1,2]")).await.unwrap_err();
    assert!(matches!(all_bad, AppendRefusal::AllRejected(results) if results.len() == 2));
    let option = format!(r#"{{"events":[{}],"atomc":true}}"#, event(""));
    let refused = recorder.append(request(&recorder, &option)).await.unwrap_err();
    assert!(matches!(refused, AppendRefusal::Options(_)));
}

#[tokio::test]
async fn data_comes_back_token_for_token() {
    let recorder = open();
    let data = r#"{"b":1.0e+2,"a":"\u00e9\u0000","big":123456789012345678901234567890}"#;
    let body = event("").replace(r#"{"n":1}"#, &format!(" {} ", data.replace(',', " , ")));
    let (receipt, _) = one(&recorder, &body).await;
    assert_eq!(receipt.event.data(), data);
}

#[tokio::test]
async fn a_trace_context_gives_the_correlation() {
    let recorder = open();
    let mut request = request(&recorder, &event(""));
    request.traceparent =
        Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned());
    let BatchAnswer::One { receipt, .. } = recorder.append(request).await.unwrap() else {
        panic!()
    };
    assert_eq!(receipt.event.header().correlation_id, "4bf92f3577b34da6a3ce929d0e0e4736");
}

#[tokio::test]
async fn a_closed_recorder_says_so() {
    let recorder = open();
    recorder.close().unwrap();
    let refused = recorder.append(request(&recorder, &event(""))).await.unwrap_err();
    assert!(matches!(refused, AppendRefusal::Closing));
}
