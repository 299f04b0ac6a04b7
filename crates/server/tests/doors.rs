//! Doors of foreign formats and reads in them, over HTTP.
#![cfg(test)]

mod support;

use annals_core::msgpack;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::Method;
use serde_json::{Value, json};
use support::sse::TailReader;
use support::{TestServer, event};

fn started() -> Value {
    json!({"AgentStarted": {"id": "4f8e2a10-6a3d-4b1e-9c57-d0a3f6b2c481"}})
}

fn used() -> Value {
    json!({
        "event_id": "4b1c8f52-0e2e-4f0e-9d37-3a5a0b1a9e01",
        "timestamp": "2026-11-20T10:00:00.5",
        "event_type": "PreToolUse",
        "event_category": "tool",
        "workflow_id": "d95bafc8-f2a4-427b-9cf4-bb99f4bea973",
        "payload": {"tool_name": "Read", "parameters": {"path": null}},
        "metadata": {"schema_version": "1.0.0"},
    })
}

fn door(server: &TestServer, dialect: &str, document: &Value) -> support::Call {
    server.call(Method::POST, &format!("/v1/doors/{dialect}")).json(document)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_comes_in_and_goes_out_again() {
    let server = TestServer::start().await;
    let receipt = door(&server, "hive", &used()).send().await;
    assert_eq!(receipt.status, 201, "{}", receipt.text());
    assert_eq!(door(&server, "hive", &used()).send().await.status, 200, "the same event again");
    let id = receipt.value()["event_id"].as_str().unwrap().to_owned();
    assert_eq!(id, used()["event_id"]);
    let path = format!("/v1/events/{id}?dialect=");
    assert_eq!(server.get(&format!("{path}hive")).send().await.value(), used());
    let kernel = server.get(&format!("{path}kernel")).send().await.value();
    assert_eq!(kernel["ToolExecutionStarted"]["tool_args"], json!({"path": null}));
    let stored = server.get(&format!("/v1/events/{id}")).send().await.value();
    assert_eq!(
        (&stored["event_type"], &stored["authority"]),
        (&json!("tool.invoked"), &json!("observed"))
    );
    let as_agentos = server.get(&format!("{path}agentos")).send().await.value();
    assert_eq!(as_agentos["stream"]["stream_seq"], 1);
    // What has no form there comes as its envelope.
    assert_eq!(server.get(&format!("{path}envelope")).send().await.value(), stored);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_may_be_many_documents_in_any_form() {
    let server = TestServer::start().await;
    let batch = json!([started(), {"Shutdown": null}, {"A": {}, "B": {}}]);
    let answer = door(&server, "kernel", &batch).send().await.value();
    let outcomes: Vec<_> = answer["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|result| result["status"].clone())
        .collect();
    assert_eq!(outcomes, ["accepted", "accepted", "rejected"], "{answer}");
    let atomic =
        server.call(Method::POST, "/v1/doors/kernel?atomic=true").json(&batch).send().await;
    assert!(!atomic.status.is_success(), "{}", atomic.text());
    let packed = msgpack::from_json(&used().to_string());
    let call =
        server.call(Method::POST, "/v1/doors/hive").header("content-type", "application/msgpack");
    assert_eq!(call.body(packed).send().await.status, 201);
    let lines = format!("{}\n{}\n", started(), started());
    let call = server
        .call(Method::POST, "/v1/doors/kernel")
        .header("content-type", "application/x-ndjson");
    assert_eq!(call.body(lines).send().await.status, 200);
    assert_eq!(server.head(), 5);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_refused_by_its_name() {
    let server = TestServer::start().await;
    let mut breaking = used();
    breaking["metadata"]["schema_version"] = json!("2.0.0");
    for (dialect, document, expected) in [
        ("hive", breaking, (400, "unsupported_version")),
        ("hive", json!({}), (400, "missing_field")),
        ("hive", json!(7), (400, "not_an_object")),
        ("agentos", json!({"event_type": 1}), (400, "invalid_field")),
        ("klingon", json!({}), (400, "invalid_parameter")),
    ] {
        let (status, code) = door(&server, dialect, &document).refused().await;
        assert_eq!((status, code.as_str()), expected, "{dialect}");
    }
    for path in [
        "/v1/events?dialect=klingon",
        "/v1/tail?dialect=klingon",
        "/v1/events?dialect=hive&as=record",
    ] {
        assert_eq!(server.get(path).refused().await, (400, "invalid_parameter".to_owned()));
    }
    assert_eq!(server.head(), 0);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_and_tails_speak_the_dialect_that_is_asked_for() {
    let server = TestServer::start().await;
    server.accept(&event("r", json!({"n": 1}))).await;
    assert_eq!(door(&server, "hive", &used()).send().await.status, 201);
    let page = server.get("/v1/events?dialect=hive").send().await.value();
    assert_eq!(page["events"][1], used());
    assert_eq!(page["events"][0]["event_type"], "test.happened");
    let stream = "/v1/streams/run/d95bafc8-f2a4-427b-9cf4-bb99f4bea973/events?dialect=hive";
    assert_eq!(server.get(stream).send().await.value()["events"][0], used());
    let mut tail = TailReader::open(server.get("/v1/tail?after_position=0&dialect=hive")).await;
    assert_eq!(tail.event().await.unwrap().json()["event_type"], "test.happened");
    let frame = tail.event().await.unwrap();
    assert_eq!(
        (frame.json(), frame.event.as_deref(), frame.id.as_deref()),
        (used(), Some("tool.invoked"), Some("2"))
    );
    let mut tail = TailReader::open(server.get(stream)).await;
    assert_eq!(tail.event().await.unwrap().json(), used());
    let mut live = TailReader::open(server.get("/v1/tail?dialect=kernel")).await;
    assert_eq!(live.frame().await.unwrap().id.as_deref(), Some("2"));
    assert_eq!(door(&server, "kernel", &started()).send().await.status, 201);
    assert_eq!(live.event().await.unwrap().json(), started());
    server.stop().await;
}

/// Compressed events are opened, so that secrets in them are found, and no small body becomes a large one.
#[tokio::test(flavor = "multi_thread")]
async fn compressed_entries_of_the_hive_are_opened_and_bounded() {
    let server = TestServer::start().await;
    // Put together here, so that no scanner trips over this file.
    let secret = ["ghp", "_q7Zt2LmX9vRk4WnB8sYc1HdPf6GjAe3Tu5aa"].concat();
    let mut event = used();
    event["payload"]["parameters"] = json!({ "command": format!("echo {secret}") });
    let receipt = door(&server, "hive", &entry(&event)).send().await;
    assert_eq!(receipt.status, 201, "{}", receipt.text());
    let id = receipt.value()["event_id"].as_str().unwrap().to_owned();
    let stored = server.get(&format!("/v1/events/{id}")).send().await.value();
    assert_eq!(stored["event_type"], "tool.invoked");
    assert!(stored["contains_secrets"].as_bool().unwrap(), "{stored}");
    let out = server.get(&format!("/v1/events/{id}?dialect=hive")).send().await.value();
    let out = opened(&out).to_string();
    assert!(out.contains("[redacted:github_token:") && !out.contains(&secret), "{out}");

    let mut large = used();
    large["payload"]["parameters"] = json!({ "text": "a".repeat(900 << 10) });
    let one = entry(&large);
    assert!(one.to_string().len() < 8 << 10, "it is small until it is opened");
    let many: Vec<Value> = (0..30).map(|_| one.clone()).collect();
    let answer = door(&server, "hive", &Value::from(many)).send().await.value();
    let last = &answer["results"][29];
    assert_eq!(last["reason_code"], "payload_too_large", "{last}");
    large["payload"]["parameters"] = json!({ "text": "a".repeat(2 << 20) });
    let refused = door(&server, "hive", &entry(&large)).refused().await;
    assert_eq!(refused, (413, "payload_too_large".to_owned()));
    server.stop().await;
}

/// An entry of the hive's stream with its event as its own serializer packs it.
fn entry(event: &Value) -> Value {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut encoder, &msgpack::from_json(&event.to_string())).unwrap();
    json!({
        "event_data": {"$bin": STANDARD.encode(encoder.finish().unwrap())},
        "metadata": "{\"serialization_format\": \"msgpack\", \"compressed\": true}",
    })
}

fn opened(entry: &Value) -> Value {
    let bytes = STANDARD.decode(entry["event_data"]["$bin"].as_str().unwrap()).unwrap();
    let mut held = Vec::new();
    let mut decoder = flate2::read::ZlibDecoder::new(bytes.as_slice());
    std::io::Read::read_to_end(&mut decoder, &mut held).unwrap();
    let mut text = Vec::new();
    msgpack::to_json(&held, &mut text, &annals_core::json::JsonLimits::EVENT).unwrap();
    serde_json::from_slice(&text).unwrap()
}
