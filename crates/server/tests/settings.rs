//! Settings over HTTP: who sees them, who changes them, and what a lenient workspace shows.
#![cfg(test)]

mod support;

use hyper::Method;
use serde_json::json;
use support::{TestServer, event, with};

#[tokio::test(flavor = "multi_thread")]
async fn a_lenient_workspace_keeps_what_does_not_fit_and_every_read_shows_it() {
    let server = TestServer::start().await;
    let wrong = with(
        event("r", json!({ "tool_call_id": 7, "tool_name": "Bash" })),
        "event_type",
        json!("tool.invoked"),
    );
    let refused = server.append(&wrong).send().await;
    assert_eq!(refused.value()["reason_code"], "schema_violation", "{}", refused.text());
    let change = server.call(Method::POST, "/v1/settings").json(&json!({ "schemas": "lenient" }));
    let changed = change.send().await;
    assert_eq!(changed.status, 200, "{}", changed.text());
    assert_eq!(changed.value()["schemas"], "lenient");
    let receipt = server.accept(&wrong).await;

    let event_id = receipt["event_id"].as_str().unwrap();
    let mark = json!({
        "pointer": "/tool_call_id",
        "rule": "/properties/tool_call_id/type",
        "problem": "value is not of type \"string\"",
    });
    let one = server.get(&format!("/v1/events/{event_id}")).send().await.value();
    assert_eq!(one["schema_violation"], mark);
    let list = server.get("/v1/events?event_type=tool.invoked").send().await.value();
    assert_eq!(list["events"][0]["schema_violation"], mark);
    let out = server.get(&format!("/v1/events/{event_id}?dialect=cloudevents")).send().await;
    let out = out.value();
    let text = out["schemaviolation"].as_str().unwrap();
    assert_eq!(serde_json::from_str::<serde_json::Value>(text).unwrap(), mark);
    let metrics = server.get("/metrics").send().await.text();
    let counter = "schema_validation_failures{event_type=\"tool.invoked\"} 2\n";
    assert!(metrics.contains(counter), "{metrics}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_sees_the_settings_and_the_owner_alone_changes_them() {
    let server = TestServer::start().await;
    let member = server.token("team-a", &["append", "read"]).await;
    let before = server.get("/v1/settings").bearer(&member).send().await.value();
    let none = json!(null);
    assert_eq!(
        before,
        json!({"workspace_id": "team-a", "schemas": "strict", "changed_at": none, "changed_by": none, "event_id": none})
    );
    let lenient = json!({ "workspace_id": "team-a", "schemas": "lenient" });
    let change = || server.call(Method::POST, "/v1/settings").json(&lenient);
    assert_eq!(change().bearer(&member).refused().await, (403, "forbidden".to_owned()));
    let changed = change().send().await.value();
    assert_eq!(changed["changed_by"], "owner");
    let again = change().send().await.value();
    assert_eq!(again, changed, "asked for twice it is changed once");

    let status = server.get("/v1/status").bearer(&member).send().await.value();
    assert_eq!(status["schemas"]["checked"], true);
    assert_eq!(status["schemas"]["mode"], "lenient");
    assert_eq!(status["schemas"]["changed_at"], changed["changed_at"]);
    let own = server.get("/v1/status").send().await.value();
    assert_eq!(own["schemas"]["mode"], "strict");
    let fact = server
        .get(&format!("/v1/events/{}", changed["event_id"].as_str().unwrap()))
        .bearer(&member)
        .send()
        .await
        .value();
    assert_eq!(fact["authority"], "control");
    assert_eq!(fact["stream"]["stream_type"], "workspace");
    assert_eq!(
        fact["data"],
        json!({"schemas": "lenient", "previous_schemas": "strict", "changed_by": "owner"})
    );

    let nowhere = json!({ "workspace_id": "nobodys", "schemas": "lenient" });
    let nowhere = server.call(Method::POST, "/v1/settings").json(&nowhere);
    assert_eq!(nowhere.refused().await, (404, "workspace_not_found".to_owned()));
    let odd = server.call(Method::POST, "/v1/settings").json(&json!({ "schema": "lenient" }));
    assert_eq!(odd.refused().await, (400, "invalid_body".to_owned()));
    let foreign = server.get("/v1/settings?workspace_id=default").bearer(&member);
    assert_eq!(foreign.refused().await, (403, "forbidden".to_owned()));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_names_of_frames_are_no_types() {
    let server = TestServer::start().await;
    let frame = with(event("r", json!(1)), "event_type", json!("annals.lagged"));
    let call = server.append(&frame);
    assert_eq!(call.refused().await, (400, "reserved_type".to_owned()));
    assert_eq!(server.head(), 0);
    let document =
        json!({"specversion": "1.0", "id": "1", "source": "/s", "type": "annals.lagged"});
    let call = server.call(Method::POST, "/v1/cloudevents").json(&document);
    let answer = call.header("content-type", "application/cloudevents+json").send().await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let events = server.get("/v1/events").send().await.value();
    assert_eq!(events["events"][0]["event_type"], "foreign.event");
    server.stop().await;
}

/// A rate over a counter that appears with its first count misses that count.
#[tokio::test(flavor = "multi_thread")]
async fn counters_of_known_labels_are_there_before_they_count() {
    let server = TestServer::start().await;
    let metrics = server.get("/metrics").send().await.text();
    for series in [
        "events_processed_total{event_type=\"tool.invoked\"} 0",
        "events_processed_total{event_type=\"other\"} 0",
        "schema_validation_failures{event_type=\"tool.invoked\"} 0",
        "schema_validation_failures_total{event_type=\"tool.invoked\"} 0",
        "processing_errors_total{error_type=\"schema_violation\"} 0",
        "annals_http_requests_total{method=\"POST\",route=\"/v1/events\",status=\"4xx\"} 0",
        "annals_http_requests_total{method=\"POST\",route=\"/v1/doors/{dialect}\",status=\"2xx\"} 0",
    ] {
        assert!(metrics.contains(&format!("{series}\n")), "{series}: {metrics}");
    }
    server.stop().await;
}
