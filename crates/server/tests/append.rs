//! `POST /v1/events`: its forms, receipts, identities and expectations.
#![cfg(test)]

mod support;

use std::io::Write;

use annals_api::wire::{BatchAnswer, BatchItem, Receipt};
use serde_json::{Value, json};
use support::{TestServer, event, with};

#[tokio::test(flavor = "multi_thread")]
async fn one_event_gets_a_receipt_that_chains_to_the_one_before() {
    let server = TestServer::start().await;
    let answer = server.append(&event("r", json!(1))).send().await;
    assert_eq!(answer.status, 201);
    assert_eq!(answer.header("content-type"), "application/json");
    let first: Receipt = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!((first.position, first.stream_seq, first.replayed), (1, 1, false));
    assert_eq!(first.prev_event_hash, None);
    let second: Receipt =
        serde_json::from_value(server.accept(&event("r", json!(2))).await).unwrap();
    assert_eq!((second.position, second.stream_seq), (2, 2));
    assert_eq!(second.prev_event_hash, Some(first.event_hash));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_event_is_answered_with_its_first_receipt() {
    let server = TestServer::start().await;
    let event = with(event("r", json!({"n": 1})), "idempotency_key", json!("k"));
    let first = server.append(&event).send().await;
    let again = server.append(&event).send().await;
    assert_eq!((first.status.as_u16(), again.status.as_u16()), (201, 200));
    let (first, again) = (first.value(), again.value());
    assert_eq!(again["replayed"], true);
    assert_eq!(first["event_hash"], again["event_hash"]);
    assert_eq!(server.head(), 1);
    let other = with(event, "data", json!({"n": 2}));
    assert_eq!(server.append(&other).refused().await, (409, "idempotency_conflict".to_owned()));
    assert_eq!(server.head(), 1);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_form_of_a_batch_stores_the_same() {
    let server = TestServer::start().await;
    let events = [event("r", json!(1)), event("r", json!(2)), event("r", json!(3))];
    let lines: String = events.iter().map(|event| format!("{event}\n")).collect();
    let array = json!(events);
    let object = json!({ "events": events });
    let packed = annals_core::msgpack::from_json(&array.to_string());
    let call = || server.append(&json!(null));
    let calls = [
        call().json(&array),
        call().json(&object),
        call().header("content-type", "application/x-ndjson").body(lines),
        call().header("content-type", "application/msgpack").body(packed),
    ];
    for (index, call) in calls.iter().enumerate() {
        let answer = call.send().await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let answer: BatchAnswer = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!((answer.accepted, answer.replayed, answer.rejected), (3, 0, 0));
        let BatchItem::Accepted { index: last, receipt } = &answer.results[2] else { panic!() };
        assert_eq!((*last, receipt.stream_seq), (2, 3 * (index as u64 + 1)));
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_event_does_not_touch_its_neighbours() {
    let server = TestServer::start().await;
    let batch = json!([
        event("r", json!(1)),
        with(event("r", json!(2)), "evnt_id", json!(1)),
        event("r", json!(3))
    ]);
    let answer = server.append(&batch).send().await;
    assert_eq!(answer.status, 200);
    let answer = answer.value();
    assert_eq!((answer["accepted"].as_u64(), answer["rejected"].as_u64()), (Some(2), Some(1)));
    let rejected = &answer["results"][1];
    assert_eq!(rejected["status"], "rejected");
    assert_eq!(rejected["reason_code"], "unknown_field");
    assert_eq!(rejected["details"]["field"], "evnt_id");
    assert_eq!(answer["results"][2]["stream_seq"], 2);
    let _typed: BatchAnswer = serde_json::from_value(answer).unwrap();
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_atomic_batch_is_stored_whole_or_not_at_all() {
    let server = TestServer::start().await;
    let bad = json!([event("r", json!(1)), with(event("r", json!(2)), "zone", json!("moon"))]);
    let call = server.append(&bad);
    let answer =
        support::Call::send(&server.call(hyper::Method::POST, "/v1/events?atomic=true").json(&bad))
            .await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.value()["details"]["index"], 1);
    assert_eq!(server.head(), 0);
    drop(call);
    let good = json!({ "events": [event("r", json!(1)), event("s", json!(2))], "atomic": true,
        "expected": [{ "stream_type": "run", "stream_id": "r", "expected_seq": 0 }] });
    assert_eq!(server.accept(&good).await["accepted"], 2);
    let stale = json!({ "events": [event("s", json!(9)), event("r", json!(9))], "atomic": true,
        "expected": [{ "stream_type": "run", "stream_id": "r", "expected_seq": 0 }] });
    assert_eq!(server.append(&stale).refused().await, (409, "seq_mismatch".to_owned()));
    assert_eq!(server.head(), 2);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expected_seq_must_be_the_last_one() {
    let server = TestServer::start().await;
    let append = |query: &str| {
        server.call(hyper::Method::POST, &format!("/v1/events?{query}")).json(&event("r", json!(1)))
    };
    assert_eq!(append("expected_seq=0").send().await.status, 201);
    let answer = append("expected_seq=0").send().await;
    assert_eq!(answer.status, 409);
    assert_eq!(answer.value()["details"]["actual_seq"], 1);
    assert_eq!(append("expected_seq=1").send().await.status, 201);
    assert_eq!(append("expected_seq=x").refused().await, (400, "invalid_parameter".to_owned()));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn compressed_bodies_are_taken() {
    let server = TestServer::start().await;
    let text = json!([event("r", json!("x".repeat(10_000)))]).to_string();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(text.as_bytes()).unwrap();
    let packed =
        [("gzip", gzip.finish().unwrap()), ("zstd", zstd::encode_all(text.as_bytes(), 3).unwrap())];
    for (encoding, body) in packed {
        let call = server.append(&Value::Null).header("content-encoding", encoding).body(body);
        assert_eq!(call.send().await.value()["accepted"], 1, "{encoding}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn traceparent_becomes_the_correlation() {
    let server = TestServer::start().await;
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let call = server.append(&event("r", json!(1)));
    call.header("traceparent", &format!("00-{trace}-00f067aa0ba902b7-01")).send().await;
    let page = server.get(&format!("/v1/events?correlation_id={trace}")).send().await.value();
    assert_eq!(page["events"][0]["correlation_id"], trace);
    server.stop().await;
}

const WRITER_COUNT: u64 = 64;
const STREAM_COUNT: u64 = 8;
const EVENTS_PER_WRITER: u64 = 10;

#[tokio::test(flavor = "multi_thread")]
async fn many_writers_at_once_get_gapless_places_and_a_valid_chain() {
    let server = TestServer::start().await;
    let mut writers = Vec::new();
    for writer in 0..WRITER_COUNT {
        let stream = format!("s{}", writer % STREAM_COUNT);
        let calls: Vec<_> = (0..EVENTS_PER_WRITER)
            .map(|n| server.append(&event(&stream, json!({ "writer": writer, "n": n }))))
            .collect();
        writers.push(tokio::spawn(async move {
            for call in calls {
                assert_eq!(call.send().await.status, 201);
            }
        }));
    }
    for writer in writers {
        writer.await.unwrap();
    }
    let page = server.get("/v1/events?limit=1000").send().await.value();
    let events = page["events"].as_array().unwrap();
    assert_eq!(events.len() as u64, WRITER_COUNT * EVENTS_PER_WRITER);
    let mut ends = std::collections::HashMap::new();
    for (event, position) in events.iter().zip(1_u64..) {
        assert_eq!(event["position"], position);
        let (seq, hash) = ends.entry(&event["stream"]["stream_id"]).or_insert((0, &Value::Null));
        assert_eq!(event["stream"]["stream_seq"], *seq + 1);
        assert_eq!(&event["prev_event_hash"], *hash);
        (*seq, *hash) = (*seq + 1, &event["event_hash"]);
    }
    assert!(ends.values().all(|(seq, _)| *seq == WRITER_COUNT * EVENTS_PER_WRITER / STREAM_COUNT));
    server.stop().await;
}
