//! `GET /v1/metrics`: delta metrics as totals, as JSON and as Prometheus scrapes them.
#![cfg(test)]

mod support;

use hyper::Method;
use serde_json::{Value, json};
use support::TestServer;

/// A request of OTLP/JSON as Claude Code sends it: sums of the time since the last one.
fn export(second: u64, value: u64) -> Value {
    let nanos = |second: u64| (1_767_225_600 + second).to_string() + "000000000";
    let point = json!({
        "attributes": [
            {"key": "type", "value": {"stringValue": "output"}},
            {"key": "session.id", "value": {"stringValue": "s1"}}],
        "startTimeUnixNano": nanos(second - 1), "timeUnixNano": nanos(second), "asInt": value.to_string(),
    });
    let metric = json!({
        "name": "claude_code.token.usage", "unit": "tokens", "description": "Tokens used",
        "sum": {"aggregationTemporality": 1, "isMonotonic": true, "dataPoints": [point]},
    });
    let service = json!({"key": "service.name", "value": {"stringValue": "claude-code"}});
    json!({"resourceMetrics": [{
        "resource": {"attributes": [service]},
        "scopeMetrics": [{"scope": {"name": "com.anthropic.claude_code"}, "metrics": [metric]}]}]})
}

async fn send(server: &TestServer, export: &Value) {
    let answer = server.call(Method::POST, "/v1/metrics").json(export).send().await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

fn path(server: &TestServer) -> String {
    format!("/v1/metrics?min_position={}", server.head())
}

#[tokio::test(flavor = "multi_thread")]
async fn delta_metrics_come_out_as_totals() {
    let server = TestServer::start().await;
    for (second, value) in [(10, 500), (70, 12), (70, 12)] {
        send(&server, &export(second, value)).await;
    }
    let page = server.get(&path(&server)).send().await.value();
    let series = &page["series"][0];
    assert_eq!(
        (&series["value"], &series["points"]),
        (&json!(512), &json!(2)),
        "sent twice: {page}"
    );
    assert_eq!((&series["kind"], &series["monotonic"]), (&json!("sum"), &json!(true)));
    assert_eq!(series["attributes"], json!({"session.id": "s1", "type": "output"}));
    assert_eq!(series["resource"], json!({"service.name": "claude-code"}));
    assert_eq!(
        (&page["next"], &page["stale"], &page["faults"]),
        (&Value::Null, &json!(false), &json!({}))
    );
    let none = server.get(&format!("{}&name=other", path(&server))).send().await.value();
    assert_eq!(none["series"], json!([]));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn prometheus_scrapes_them() {
    let server = TestServer::start().await;
    send(&server, &export(10, 500)).await;
    let accept =
        "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.2,*/*;q=0.1";
    let answer = server.get(&path(&server)).header("accept", accept).send().await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.header("content-type"),
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    );
    let text = answer.text();
    let line = "claude_code_token_usage_tokens_total{job=\"claude-code\",session_id=\"s1\",type=\"output\"} 500";
    assert!(text.contains("# TYPE claude_code_token_usage_tokens counter\n"), "{text}");
    assert!(text.contains("# HELP claude_code_token_usage_tokens Tokens used\n"), "{text}");
    assert!(text.lines().any(|one| one == line), "{text}");
    assert!(text.ends_with("# EOF\n"), "{text}");
    let answer = server.get(&path(&server)).header("accept", "text/plain").send().await;
    assert_eq!(answer.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    assert!(answer.text().contains("# TYPE claude_code_token_usage_tokens_total counter\n"));
    let paged = server.get("/v1/metrics?limit=5").header("accept", "text/plain");
    assert_eq!(paged.refused().await, (400, "invalid_parameter".to_owned()));
    server.stop().await;
}
