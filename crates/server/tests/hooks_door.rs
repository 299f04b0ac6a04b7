//! `POST /v1/doors/hooks`: the payloads of coding agents' hooks become events, each once.
#![cfg(test)]

mod support;

use hyper::Method;
use serde_json::{Value, json};
use support::{Call, TestServer};

const FIXTURES: &str = include_str!("../../core/tests/fixtures/dialects/hooks.ndjson");

fn post(server: &TestServer, body: &str, content_type: &str) -> Call {
    let call = server.call(Method::POST, "/v1/doors/hooks");
    call.header("content-type", content_type).body(body.to_owned())
}

fn document(event: &str, key: &str, rest: Value) -> Value {
    let mut payload = json!({"session_id": "s1", "hook_event_name": event});
    payload.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
    json!({"agent": "claude-code", "host": "h", "seq": 1, "received_at": "2026-11-20T09:14:07.000000Z",
        "idempotency_key": key, "payload": payload})
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fixture_is_stored_and_none_is_stored_twice() {
    let server = TestServer::start().await;
    let stamped: Vec<String> = FIXTURES
        .lines()
        .enumerate()
        .map(|(index, line)| {
            let mut document: Value = serde_json::from_str(line).unwrap();
            document["idempotency_key"] = json!(format!("fixture-{index}"));
            document.to_string()
        })
        .collect();
    let body = stamped.join("\n");
    let first = post(&server, &body, "application/x-ndjson").send().await;
    assert_eq!(first.status, 200, "{}", first.text());
    let first = first.value();
    assert_eq!(
        (&first["accepted"], &first["rejected"]),
        (&json!(stamped.len()), &json!(0)),
        "{first}"
    );
    let head = server.head();
    let again = post(&server, &format!("[{}]", stamped.join(",")), "application/json").send().await;
    assert_eq!(again.value()["replayed"], json!(stamped.len()), "{}", again.text());
    assert_eq!(server.head(), head);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_becomes_a_run_with_its_calls_and_sub_agents() {
    let server = TestServer::start().await;
    let told = [
        document("SessionStart", "1", json!({"source": "startup", "cwd": "/home/ana"})),
        document("UserPromptSubmit", "2", json!({"prompt": "Fix it."})),
        document(
            "PreToolUse",
            "3",
            json!({"tool_name": "Bash", "tool_use_id": "t1", "tool_input": {"command": "ls"}}),
        ),
        document(
            "PostToolUse",
            "4",
            json!({"tool_name": "Bash", "tool_use_id": "t1", "tool_input": {}, "tool_response": {"stdout": ""}, "duration_ms": 7}),
        ),
        document("SubagentStart", "5", json!({"agent_id": "a1", "agent_type": "Explore"})),
        document(
            "PreToolUse",
            "6",
            json!({"agent_id": "a1", "tool_name": "Read", "tool_use_id": "t2", "tool_input": {}}),
        ),
        document("SubagentStop", "7", json!({"agent_id": "a1"})),
        document("SessionEnd", "8", json!({"reason": "other"})),
    ];
    let answer = post(&server, &json!(told).to_string(), "application/json").send().await;
    assert_eq!(answer.value()["accepted"], 8, "{}", answer.text());
    let run = server.get("/v1/runs/s1?min_position=8").send().await.value();
    assert_eq!(
        (&run["status"], &run["title"], &run["cwd"]),
        (&json!("completed"), &json!("Fix it."), &json!("/home/ana"))
    );
    assert_eq!((&run["tool_calls"], &run["tool_calls_open"]), (&json!(2), &json!(1)));
    let agents: Vec<_> =
        run["agents"].as_array().unwrap().iter().map(|agent| agent["agent_id"].clone()).collect();
    assert!(
        agents.contains(&json!("claude-code")) && agents.contains(&json!("claude-code/a1")),
        "{agents:?}"
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hook_cannot_decide_anything() {
    let server = TestServer::start().await;
    let told = document(
        "PermissionRequest",
        "1",
        json!({"tool_name": "Bash", "decision": {"behavior": "allow"}}),
    );
    let receipt = post(&server, &told.to_string(), "application/json").send().await;
    assert_eq!(receipt.status, 201, "{}", receipt.text());
    let id = receipt.value()["event_id"].as_str().unwrap().to_owned();
    let event = server.get(&format!("/v1/events/{id}")).send().await.value();
    assert_eq!(
        (&event["event_type"], &event["authority"]),
        (&json!("permission.requested"), &json!("observed"))
    );
    assert_eq!(
        event["origin"],
        json!({"dialect": "hooks", "type": "claude-code/PermissionRequest"})
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_document_is_refused_beside_what_is() {
    let server = TestServer::start().await;
    let good = document("Stop", "1", json!({}));
    let wrong = document("PreToolUse", "2", json!({"tool_name": 7, "tool_use_id": "t"}));
    let answer =
        post(&server, &json!([good, {"agent": "codex"}, wrong]).to_string(), "application/json");
    let answer = answer.send().await.value();
    let codes: Vec<_> = answer["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|result| result["reason_code"].clone())
        .collect();
    assert_eq!(codes[0], Value::Null);
    assert_eq!(codes[2], json!("schema_violation"), "{answer}");
    assert_eq!((&answer["accepted"], &answer["rejected"]), (&json!(1), &json!(2)));
    let token = server.token("default", &["read"]).await;
    let refused =
        post(&server, &good.to_string(), "application/json").bearer(&token).refused().await;
    assert_eq!(refused, (403, "forbidden".to_owned()));
    server.stop().await;
}
