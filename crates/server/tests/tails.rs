//! Live tails: frames, exact resume, verification, and how they end.
#![cfg(test)]

mod support;

use std::time::Duration;

use annals_core::id::Position;
use annals_server::{ServerConfig, Timings};
use serde_json::{Value, json};
use support::sse::TailReader;
use support::{Call, TestServer, event, with};

const STREAM: &str = "/v1/streams/run/r/events";

async fn append_many(server: &TestServer, run_id: &str, count: u64) -> Vec<Value> {
    let batch: Vec<Value> = (1..=count).map(|n| event(run_id, json!(n))).collect();
    let answer = server.accept(&json!(batch)).await;
    answer["results"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frame_has_the_seq_the_type_and_the_envelope() {
    let server = TestServer::start().await;
    let receipt = server.accept(&event("r", json!({"text": "line\nbreak"}))).await;
    let mut tail = TailReader::open(server.get(STREAM)).await;
    assert_eq!(tail.frame().await.unwrap().retry.as_deref(), Some("1000"));
    let frame = tail.event().await.unwrap();
    assert_eq!((frame.id.as_deref(), frame.event.as_deref()), (Some("1"), Some("test.happened")));
    let stored =
        server.get(&format!("/v1/events/{}", receipt["event_id"].as_str().unwrap())).send().await;
    assert_eq!(frame.data.unwrap(), stored.text());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tail_goes_from_the_past_to_the_live_end_without_a_seam() {
    let server = TestServer::start().await;
    append_many(&server, "r", 700).await;
    append_many(&server, "other", 50).await;
    let mut tail = TailReader::open(server.get(&format!("{STREAM}?from_seq=3"))).await;
    assert_eq!(tail.ids(698).await, (3..=700).collect::<Vec<u64>>());
    append_many(&server, "r", 300).await;
    assert_eq!(tail.ids(300).await, (701..=1000).collect::<Vec<u64>>());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tail_of_an_unknown_stream_waits_for_its_first_event() {
    let server = TestServer::start().await;
    let mut tail = TailReader::open(server.get(STREAM)).await;
    append_many(&server, "r", 2).await;
    assert_eq!(tail.ids(2).await, [1, 2]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn last_event_id_wins_over_the_query() {
    let server = TestServer::start().await;
    append_many(&server, "r", 10).await;
    let call = server.get(&format!("{STREAM}?from_seq=2")).header("last-event-id", "7");
    assert_eq!(TailReader::open(call).await.ids(3).await, [8, 9, 10]);
    let call = server.get("/v1/tail?after_position=2").header("last-event-id", "8");
    assert_eq!(TailReader::open(call).await.ids(2).await, [9, 10]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workspace_tail_starts_with_the_next_event_and_says_where_it_is() {
    let server = TestServer::start().await;
    append_many(&server, "r", 5).await;
    let mut tail = TailReader::open(server.get("/v1/tail")).await;
    assert_eq!(tail.frame().await.unwrap().id.as_deref(), Some("5"));
    append_many(&server, "r", 1).await;
    assert_eq!(tail.ids(1).await, [6]);
    let mut all = TailReader::open(server.get("/v1/tail?after_position=0")).await;
    assert_eq!(all.ids(6).await, [1, 2, 3, 4, 5, 6]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filtered_tail_has_what_matches_and_moves_its_place_over_the_rest() {
    let timings = Timings { heartbeat: Duration::from_millis(200), ..Timings::default() };
    let server = TestServer::start_with(ServerConfig { timings, ..ServerConfig::default() }).await;
    let mut tail =
        TailReader::open(server.get("/v1/tail?event_type=wanted.*&run_id=r&after_position=0"))
            .await;
    server.accept(&with(event("r", json!(1)), "event_type", json!("wanted.one"))).await;
    server.accept(&with(event("s", json!(2)), "event_type", json!("wanted.two"))).await;
    append_many(&server, "r", 3).await;
    assert_eq!(tail.ids(1).await, [1]);
    loop {
        let frame = tail.frame().await.unwrap();
        assert_eq!(frame.data, None);
        if frame.id.as_deref() == Some("5") {
            break;
        }
    }
    let quiet = tail.frame().await.unwrap();
    assert!(quiet.is_comment, "nothing is new: {quiet:?}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_event_seen_is_verified_with_its_hash() {
    let server = TestServer::start().await;
    let receipts = append_many(&server, "r", 5).await;
    let hash = receipts[2]["event_hash"].as_str().unwrap();
    let tail = |path: &str, after: String| server.get(&format!("{path}?after={after}"));
    assert_eq!(TailReader::open(tail(STREAM, format!("3:{hash}"))).await.ids(2).await, [4, 5]);
    assert_eq!(TailReader::open(tail("/v1/tail", format!("3:{hash}"))).await.ids(2).await, [4, 5]);
    let live = |call: Call| call.header("accept", "text/event-stream");
    for path in [STREAM, "/v1/tail"] {
        let wrong = live(tail(path, format!("4:{hash}")));
        assert_eq!(wrong.refused().await, (409, "history_diverged".to_owned()));
        let beyond = live(tail(path, format!("6:{hash}")));
        assert_eq!(beyond.refused().await, (409, "history_diverged".to_owned()));
        let malformed = live(tail(path, "3".to_owned()));
        assert_eq!(malformed.refused().await, (400, "invalid_resume".to_owned()));
        let beyond = live(server.get(path)).header("last-event-id", "6");
        assert_eq!(beyond.refused().await, (409, "history_diverged".to_owned()));
        let no_number = live(server.get(path)).header("last-event-id", "abc");
        assert_eq!(no_number.refused().await, (400, "invalid_resume".to_owned()));
        let unknown = live(server.get(&format!("{path}?seen=1:ab")));
        assert_eq!(unknown.refused().await, (400, "unknown_parameter".to_owned()));
    }
    let beyond = live(server.get(&format!("{STREAM}?from_seq=7")));
    assert_eq!(beyond.refused().await, (409, "history_diverged".to_owned()));
    assert_eq!(
        TailReader::open(server.get(&format!("{STREAM}?from_seq=5"))).await.ids(1).await,
        [5]
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tail_resumes_without_a_gap_or_a_duplicate_after_a_restart() {
    let server = TestServer::start().await;
    append_many(&server, "r", 20).await;
    let mut tail = TailReader::open(server.get(STREAM)).await;
    let mut seen = tail.ids(12).await;
    let data_dir = server.stop().await;
    assert!(tail.ids_until_end().await.last().is_none_or(|last| *last <= 20));
    let server = TestServer::start_in(data_dir, ServerConfig::default()).await;
    let last = seen.last().unwrap().to_string();
    let mut tail = TailReader::open(server.get(STREAM).header("last-event-id", &last)).await;
    append_many(&server, "r", 5).await;
    seen.extend(tail.ids(13).await);
    assert_eq!(seen, (1..=25).collect::<Vec<u64>>());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tail_ends_when_its_token_is_revoked_or_expires() {
    let server = TestServer::start().await;
    let revoked = server.issue(json!({"workspace_id": "default", "rights": ["read"]})).await;
    let short = server
        .issue(json!({"workspace_id": "default", "rights": ["read"], "expires_in_s": 1}))
        .await;
    let open = |token: &Value| {
        TailReader::open(server.get("/v1/tail").bearer(token["token"].as_str().unwrap()))
    };
    let (mut first, mut second) = (open(&revoked).await, open(&short).await);
    assert!(first.frame().await.unwrap().id.is_some());
    let path = format!("/v1/tokens/{}/revoke", revoked["token_id"].as_str().unwrap());
    assert_eq!(server.call(hyper::Method::POST, &path).send().await.status, 200);
    assert!(first.ids_until_end().await.len() <= 1, "only the revocation itself may still come");
    second.ids_until_end().await;
    let again = server.get("/v1/tail").bearer(short["token"].as_str().unwrap());
    assert_eq!(again.refused().await, (401, "token_expired".to_owned()));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_token_cannot_take_all_tails() {
    let server = TestServer::start().await;
    let mut tails = Vec::new();
    for _ in 0..annals_core::limits::TAIL_COUNT_PER_TOKEN_MAX {
        tails.push(TailReader::open(server.get("/v1/tail")).await);
    }
    let answer = server.get("/v1/tail").send().await;
    assert_eq!(answer.status, 429);
    assert_eq!(answer.value()["reason_code"], "too_many_tails");
    assert_eq!(answer.header("retry-after"), "1");
    let status = server.get("/v1/status").send().await.value();
    assert_eq!(status["tails"], 256);
    drop(tails);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tail_is_only_an_event_stream() {
    let server = TestServer::start().await;
    let call = server.get("/v1/tail").header("accept", "application/json");
    assert_eq!(call.refused().await, (406, "not_acceptable".to_owned()));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_in_a_tail_that_nobody_reads_is_redacted_there_too() {
    let server = TestServer::start().await;
    // More than the sockets between the tail and its reader take, and less than the tail holds.
    let text = |n: u64| format!("secret-{n}-{}", "x".repeat(250_000));
    for first in [1, 21, 41] {
        let batch: Vec<Value> = (first..first + 20).map(|n| event("r", json!(text(n)))).collect();
        server.accept(&json!(batch)).await;
    }
    let mut tail = TailReader::open(server.get("/v1/tail?after_position=0")).await;
    assert!(tail.event().await.unwrap().data.unwrap().contains("secret-1-"));
    let last = server.recorder.log().event_at(Position(60)).unwrap().unwrap();
    let route = format!("/v1/events/{}/redact", last.header().event_id);
    let call = server.call(hyper::Method::POST, &route).json(&json!({"reason": "a key"}));
    assert_eq!(call.send().await.status, 200);
    for n in 2..60 {
        assert_eq!(tail.event().await.unwrap().id, Some(n.to_string()));
    }
    let frame = tail.event().await.unwrap();
    assert_eq!(frame.id.as_deref(), Some("60"));
    assert_eq!(frame.json()["data"], Value::Null);
    assert_eq!(frame.json()["redaction"]["reason"], "a key");
    server.stop().await;
}
