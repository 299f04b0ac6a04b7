//! What bad input gets: a reason code of its own, and nothing stored.
#![cfg(test)]

mod support;

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use annals_server::{ServerConfig, Timings};
use hyper::Method;
use serde_json::{Value, json};
use support::{Call, TestServer, event, with};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

fn post(server: &TestServer, query: &str, body: impl Into<Vec<u8>>) -> Call {
    let call = server.call(Method::POST, &format!("/v1/events{query}"));
    call.header("content-type", "application/json").body(body.into())
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_bad_event_has_its_reason_and_leaves_nothing() {
    let server = TestServer::start().await;
    let good = event("r", json!({}));
    let with_data =
        |data: &str| good.to_string().replace("\"data\":{}", &format!("\"data\":{data}"));
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    let wide = format!("[{}0]", "0,".repeat(100_001));
    let large = format!("\"{}\"", "x".repeat(1 << 20));
    let ahead = "2999-01-01T00:00:00Z";
    let cases: Vec<(u16, &str, String)> = vec![
        (400, "invalid_json", "{\"event_type\":".to_owned()),
        (400, "empty_batch", String::new()),
        (400, "invalid_json", "{} {}".to_owned()),
        (400, "not_an_object", "7".to_owned()),
        (400, "empty_batch", "[]".to_owned()),
        (400, "empty_batch", "{\"events\":[]}".to_owned()),
        (400, "invalid_batch", format!("{{\"events\":[{good}],\"atomc\":true}}")),
        (400, "missing_field", "{\"data\":1}".to_owned()),
        (400, "unknown_field", with(good.clone(), "dta", json!(1)).to_string()),
        (400, "server_set_field", with(good.clone(), "position", json!(1)).to_string()),
        (400, "server_set_field", with(good.clone(), "origin", json!({})).to_string()),
        (400, "invalid_field", with(good.clone(), "event_type", json!("a\nb")).to_string()),
        (400, "invalid_field", with(good.clone(), "run_id", json!(7)).to_string()),
        (400, "invalid_field", with(good.clone(), "run_id", json!("..")).to_string()),
        (400, "duplicate_key", with_data("{\"a\":1,\"\\u0061\":2}")),
        (400, "unpaired_surrogate", with_data("\"\\ud800\"")),
        (400, "too_deep", with_data(&deep)),
        (400, "too_many_values", with_data(&wide)),
        (413, "payload_too_large", with_data(&large)),
        (400, "clock_ahead", with(good.clone(), "occurred_at", json!(ahead)).to_string()),
        (
            403,
            "unauthorized_workspace",
            with(good.clone(), "workspace_id", json!("other")).to_string(),
        ),
        (403, "control_type", with(good.clone(), "event_type", json!("token.issued")).to_string()),
        (
            422,
            "schema_violation",
            with(good.clone(), "event_type", json!("tool.invoked")).to_string(),
        ),
        (422, "room_stream_mismatch", with(good.clone(), "room_id", json!("room")).to_string()),
    ];
    for (status, code, body) in cases {
        let shown: String = body.chars().take(200).collect();
        assert_eq!(post(&server, "", body).refused().await, (status, code.to_owned()), "{shown}");
    }
    assert_eq!(server.head(), 0);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_bad_request_has_its_reason_and_leaves_nothing() {
    let server = TestServer::start().await;
    let good = event("r", json!(1)).to_string();
    let bad_utf8 = [b"{\"data\":\"".as_slice(), &[0xff, 0xfe], b"\"}"].concat();
    let zeros = gzip(&vec![b'0'; 64 << 20]);
    let too_many = format!("[{}]", vec!["{}"; 10_001].join(","));
    let cases: Vec<(u16, &str, Call)> = vec![
        (400, "invalid_utf8", post(&server, "", bad_utf8)),
        (400, "unknown_parameter", post(&server, "?atomc=true", good.clone())),
        (400, "invalid_parameter", post(&server, "?atomic=yes", good.clone())),
        (400, "invalid_parameter", post(&server, "?dialect=No!", good.clone())),
        (400, "invalid_batch", post(&server, "?expected_seq=0", format!("[{good},{good}]"))),
        (413, "too_many_events", post(&server, "", too_many)),
        (415, "unsupported_media_type", post(&server, "", good.clone()).header("content-type", "")),
        (
            415,
            "unsupported_media_type",
            post(&server, "", good.clone()).header("content-type", "text/plain"),
        ),
        (
            415,
            "unsupported_encoding",
            post(&server, "", good.clone()).header("content-encoding", "br"),
        ),
        (
            400,
            "invalid_compression",
            post(&server, "", good.clone()).header("content-encoding", "gzip"),
        ),
        (
            400,
            "invalid_compression",
            post(&server, "", good.clone()).header("content-encoding", "zstd"),
        ),
        (413, "payload_too_large", post(&server, "", zeros).header("content-encoding", "gzip")),
        (413, "payload_too_large", post(&server, "", vec![b' '; (16 << 20) + 1])),
        (
            400,
            "invalid_msgpack",
            post(&server, "", vec![0xc1]).header("content-type", "application/msgpack"),
        ),
        (401, "unauthorized", post(&server, "", good.clone()).header("authorization", "")),
        (401, "unauthorized", post(&server, "", good.clone()).bearer("annals_token_00_00")),
        (421, "misdirected", post(&server, "", good.clone()).header("host", "evil.example")),
        (
            403,
            "foreign_origin",
            post(&server, "", good.clone()).header("origin", "http://evil.example"),
        ),
        (403, "foreign_origin", post(&server, "", good.clone()).header("origin", "null")),
        (404, "route_not_found", server.call(Method::POST, "/v1/event")),
        (405, "method_not_allowed", server.call(Method::DELETE, "/v1/events")),
    ];
    for (index, (status, code, call)) in cases.into_iter().enumerate() {
        assert_eq!(call.refused().await, (status, code.to_owned()), "case {index}");
    }
    assert_eq!(server.head(), 0);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_of_bad_events_only_is_refused_with_every_reason() {
    let server = TestServer::start().await;
    let batch = json!([with(event("r", json!(1)), "x", json!(1)), 7]);
    let answer = server.append(&batch).send().await;
    assert_eq!(answer.status, 422);
    let rejected: annals_api::wire::BatchRejected = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(rejected.problem.reason_code, "batch_rejected");
    assert_eq!((rejected.answer.accepted, rejected.answer.rejected), (0, 2));
    assert_eq!(answer.value()["results"][1]["reason_code"], "not_an_object");
    assert_eq!(server.head(), 0);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_say_how_to_go_on() {
    let server = TestServer::start().await;
    let answer = server.get("/v1/events").header("authorization", "").send().await;
    assert_eq!(answer.header("www-authenticate"), "Bearer");
    let answer = server.call(Method::DELETE, "/v1/events").send().await;
    assert!(answer.header("allow").contains("POST"), "{}", answer.header("allow"));
    let answer = post(&server, "", "{}").header("content-encoding", "br").send().await;
    assert_eq!(answer.header("accept-encoding"), "gzip, zstd");
    let control = with(event("r", json!(1)), "event_type", json!("token.issued"));
    let answer = server.append(&control).send().await.value();
    assert!(answer["detail"].as_str().unwrap().contains("/v1/tokens"), "{answer}");
    server.stop().await;
}

fn torture_files() -> Vec<PathBuf> {
    let folder = "../../../shared/data/json-torture/nst+JSONTestSuite/test_parsing";
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(folder);
    let Ok(entries) = std::fs::read_dir(&folder) else {
        println!("skipped: {} is not there", folder.display());
        return Vec::new();
    };
    entries.map(|entry| entry.unwrap().path()).collect()
}

/// Duplicate keys and unpaired surrogates are valid JSON that the log refuses by name.
fn is_refused_by_name(code: &str) -> bool {
    matches!(code, "duplicate_key" | "unpaired_surrogate")
}

#[tokio::test(flavor = "multi_thread")]
async fn torture_cases_are_refused_or_come_back_token_for_token() {
    let server = TestServer::start().await;
    let (mut refused, mut kept) = (0, 0);
    for file in torture_files() {
        let name = file.file_name().unwrap().to_str().unwrap().to_owned();
        let case = std::fs::read(&file).unwrap();
        let (before, after) = (server.head(), event("t", json!("DATA")).to_string());
        let (front, back) = after.split_once("\"DATA\"").unwrap();
        let body = [front.as_bytes(), &case, back.as_bytes()].concat();
        let answer = post(&server, "", body).send().await;
        if answer.status == 201 {
            assert!(!name.starts_with("n_"), "{name} was stored");
            kept += 1;
            assert_came_back(&server, &name, &case, &answer.value()).await;
        } else {
            let code = answer.value()["reason_code"].as_str().unwrap().to_owned();
            assert!(
                !name.starts_with("y_") || is_refused_by_name(&code),
                "{name}: {}",
                answer.text()
            );
            assert_eq!(answer.status.as_u16() / 100, 4, "{name}");
            assert_eq!(server.head(), before, "{name} left something");
            refused += 1;
        }
    }
    println!("{kept} cases were kept, {refused} refused");
    server.stop().await;
}

async fn assert_came_back(server: &TestServer, name: &str, case: &[u8], receipt: &Value) {
    let event_id = receipt["event_id"].as_str().unwrap();
    let text = server.get(&format!("/v1/events/{event_id}")).send().await.text();
    let data = annals_core::json::member(&text, "data").expect("the event has data");
    let mut compact = Vec::new();
    annals_core::json::compact(case, &mut compact, &annals_core::json::JsonLimits::EVENT).unwrap();
    assert_eq!(data.as_bytes(), compact, "{name}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_one_byte_a_second_is_cut_off() {
    let timings = Timings { body_window: Duration::from_secs(2), ..Timings::default() };
    let server = TestServer::start_with(ServerConfig { timings, ..ServerConfig::default() }).await;
    let mut socket = TcpStream::connect(server.address).await.unwrap();
    let head = format!(
        "POST /v1/events HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\n\
         content-type: application/json\r\ncontent-length: 500\r\n\r\n",
        server.address, server.owner
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    let (mut read, mut write) = socket.into_split();
    let trickle = tokio::spawn(async move {
        while write.write_all(b" ").await.is_ok() {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    });
    let mut answer = [0; 12];
    read.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 408");
    trickle.abort();
    assert_eq!(server.head(), 0);
    server.stop().await;
}
