//! Secrets over HTTP: what readers see, how they find what has a pseudonym, what status and metrics
//! say.
#![cfg(test)]

mod support;

use serde_json::json;
use support::{TestServer, event, with};

/// Put together here, so that no scanner trips over this file.
fn token() -> String {
    ["ghp", "_q7Zt2LmX9vRk4WnB8sYc1HdPf6GjAe3Tu5aa"].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_read_back_has_no_secret_and_the_counter_of_its_rule_steps() {
    let server = TestServer::start().await;
    let counter = "secrets_redacted_total{rule_id=\"github_token\"}";
    let metrics = async || server.get("/metrics").send().await.text();
    assert!(metrics().await.contains(&format!("{counter} 0\n")));
    server.accept(&json!([event("r", json!({ "text": token() }))])).await;
    let answer = server.get("/v1/events").send().await;
    let text = answer.text();
    assert!(!text.contains(&token()) && text.contains("[redacted:github_token:"), "{text}");
    let events = answer.value()["events"].clone();
    assert_eq!(events[0]["contains_secrets"], true);
    assert_eq!(events[0]["redaction_level"], "partial");
    assert_eq!(events[1]["event_type"], "secret.leaked.detected");
    assert_eq!(events[1]["data"]["source_event_id"], events[0]["event_id"]);
    assert!(metrics().await.contains(&format!("{counter} 1\n")));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_asks_by_a_mail_address_finds_its_pseudonym() {
    let server = TestServer::start().await;
    let address = "ann@example.org";
    let actor = json!({ "actor_type": "user", "actor_id": address });
    server.accept(&json!([with(event(address, json!(1)), "actor", actor)])).await;
    for path in [
        "/v1/events?actor_id=ann@example.org",
        "/v1/events?stream_type=run&stream_id=ann@example.org&from_seq=1",
        "/v1/streams/run/ann@example.org/events",
    ] {
        let answer = server.get(path).send().await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        let events = answer.value()["events"].clone();
        assert_eq!(events.as_array().map(Vec::len), Some(1), "{path}");
        assert!(events[0]["actor"]["actor_id"].as_str().unwrap().starts_with("mail_"), "{path}");
    }
    let head = server.get("/v1/streams/run/ann@example.org").send().await.value();
    assert_eq!(head["last_seq"], 1);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_status_says_whether_secrets_are_looked_for() {
    let server = TestServer::start().await;
    let status = server.get("/v1/status").send().await.value();
    assert_eq!(status["secrets"]["enabled"], true);
    assert_eq!(status["secrets"]["own_rules"], json!([]));
    assert!(status["secrets"]["rule_count"].as_u64().unwrap() > 50, "{status}");
    server.stop().await;
}
