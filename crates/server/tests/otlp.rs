//! OTLP over HTTP: what comes in, what is refused, and in whose words.
#![cfg(test)]

mod support;

use std::io::Write as _;

use hyper::Method;
use serde_json::{Value, json};
use support::otlp::{Wire, partial_success, request, wire};
use support::{Answer, Call, TestServer};

const PROTOBUF: &str = "application/x-protobuf";
const BEGAN_AT: u64 = 1_763_000_000_000_000_000;

/// A call of a tool, which is two facts.
fn tool_span(n: u8) -> Wire {
    wire()
        .bytes(1, [7; 16])
        .bytes(2, [n; 8])
        .bytes(5, "execute_tool Read")
        .number(6, 1)
        .fixed64(7, BEGAN_AT)
        .fixed64(8, BEGAN_AT + 5_000_000)
        .attribute(9, "gen_ai.operation.name", "execute_tool")
        .attribute(9, "gen_ai.tool.name", "Read")
}

/// The same in OTLP/JSON, with the members in the order of the protocol.
fn tool_span_json(n: u8) -> Value {
    serde_json::from_str(&tool_span_text(n)).unwrap()
}

fn tool_span_text(n: u8) -> String {
    let hex = |byte: u8, count: usize| format!("{byte:02x}").repeat(count);
    format!(
        r#"{{"traceId":"{}","spanId":"{}","name":"execute_tool Read","kind":1,
        "startTimeUnixNano":"{BEGAN_AT}","endTimeUnixNano":"{}",
        "attributes":[{{"key":"gen_ai.operation.name","value":{{"stringValue":"execute_tool"}}}},
        {{"key":"gen_ai.tool.name","value":{{"stringValue":"Read"}}}}]}}"#,
        hex(7, 16),
        hex(n, 8),
        BEGAN_AT + 5_000_000,
    )
}

fn json_request(spans: &[Value]) -> Value {
    json!({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]})
}

fn post(server: &TestServer, path: &str, body: &Wire) -> Call {
    server.call(Method::POST, path).header("content-type", PROTOBUF).body(body.0.clone())
}

async fn post_json(server: &TestServer, path: &str, body: &Value) -> Answer {
    server.call(Method::POST, path).json(body).send().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_span_is_the_same_event_in_protobuf_and_in_json_and_goes_out_as_it_came() {
    let server = TestServer::start().await;
    let answer = post(&server, "/v1/traces", &request([tool_span(1)])).send().await;
    assert_eq!((answer.status.as_u16(), answer.body.len()), (200, 0), "{}", answer.text());
    assert_eq!(answer.header("content-type"), PROTOBUF);
    let page = server.get("/v1/events").send().await.value();
    let events = page["events"].as_array().unwrap();
    let types: Vec<_> = events.iter().map(|event| event["event_type"].as_str().unwrap()).collect();
    assert_eq!(types, ["tool.invoked", "tool.succeeded"]);
    for event in events {
        assert_eq!(
            (&event["authority"], &event["origin"]["dialect"]),
            (&json!("observed"), &json!("otlp"))
        );
        assert_eq!(event["correlation_id"], "07".repeat(16));
    }
    let id = events[1]["event_id"].as_str().unwrap();
    let document = server.get(&format!("/v1/events/{id}?dialect=otlp")).send().await.value();
    assert_eq!(document, json_request(&[tool_span_json(1)]));
    let before = server.head();
    let call = server.call(Method::POST, "/v1/traces").header("content-type", "application/json");
    let text =
        format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{}]}}]}}]}}"#, tool_span_text(1));
    let answer = call.body(text).send().await;
    assert_eq!((answer.status.as_u16(), answer.value()), (200, json!({})));
    assert_eq!(server.head(), before, "the same span again, in the other encoding");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_and_metrics_have_their_own_paths() {
    let server = TestServer::start().await;
    let record = wire()
        .fixed64(1, BEGAN_AT)
        .message(5, wire().bytes(1, "something happened"))
        .attribute(6, "session.id", "s-1");
    let answer = post(&server, "/v1/logs", &request([record])).send().await;
    assert_eq!((answer.status.as_u16(), answer.body.len()), (200, 0), "{}", answer.text());
    let point = wire().fixed64(3, BEGAN_AT).fixed64(6, 12);
    let sum = wire().message(1, point.clone()).message(1, point.fixed64(2, 1)).number(2, 1);
    let metric = wire().bytes(1, "requests").message(7, sum);
    let answer = post(&server, "/v1/metrics", &request([metric])).send().await;
    assert_eq!((answer.status.as_u16(), answer.body.len()), (200, 0), "{}", answer.text());
    let page = server.get("/v1/events").send().await.value();
    let types: Vec<_> = page["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["event_type"].as_str().unwrap())
        .collect();
    assert_eq!(types, ["log_record.reported", "metric.reported", "metric.reported"]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_item_is_counted_and_named_and_leaves_nothing_while_the_others_are_kept() {
    let server = TestServer::start().await;
    let mut wrong = tool_span_json(2);
    wrong["traceId"] = json!("07");
    let spans = [tool_span_json(1), wrong.clone(), tool_span_json(3)];
    let answer = post_json(&server, "/v1/traces", &json_request(&spans)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let partial = &answer.value()["partialSuccess"];
    assert_eq!(partial["rejectedSpans"], "1");
    let message = partial["errorMessage"].as_str().unwrap();
    assert!(message.starts_with("1 of 3 spans were refused; span 1: invalid_field: "), "{message}");
    assert!(message.contains("traceId"), "{message}");
    assert_eq!(server.head(), 4, "two spans of two facts");
    let bad = request([tool_span(4).bytes(1, "short"), tool_span(4)]);
    let answer = post(&server, "/v1/traces", &bad).send().await;
    assert_eq!(answer.status, 200);
    assert_eq!(partial_success(&answer.body).0, 1);
    assert_eq!(server.head(), 6);
    let all = post_json(&server, "/v1/traces", &json_request(&[wrong])).await;
    assert_eq!((all.status.as_u16(), &all.value()["code"]), (400, &json!(3)));
    assert_eq!(all.value()["details"][0]["reason"], "batch_rejected");
    assert_eq!(server.head(), 6);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_that_are_not_known_are_a_warning_by_their_path() {
    let server = TestServer::start().await;
    let newer = request([tool_span(1).bytes(13 + 1, "?")]).number(9, 1);
    let answer = post(&server, "/v1/traces", &newer).send().await;
    assert_eq!(answer.status, 200);
    let (rejected, said) = partial_success(&answer.body);
    assert!(said.contains("#9, resourceSpans.scopeSpans.spans.#14"), "{said}");
    assert_eq!(rejected, 0);
    assert_eq!(server.head(), 2);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_malformed_is_refused_as_a_whole_in_the_words_of_the_request() {
    let server = TestServer::start().await;
    for (path, body, reason) in [
        ("/v1/traces", "{", "invalid_json"),
        ("/v1/traces", "[]", "not_an_object"),
        ("/v1/logs", r#"{"resourceLogs":7}"#, "invalid_field"),
        ("/v1/metrics", r#"{"resourceMetrics":[{"scopeMetrics":[7]}]}"#, "invalid_field"),
        ("/v1/traces", r#"{"resourceSpans":[],"resourceSpans":[]}"#, "duplicate_key"),
    ] {
        let call = server.call(Method::POST, path).header("content-type", "application/json");
        assert_eq!(call.body(body).refused().await, (400, reason.to_owned()), "{body}");
    }
    let broken = post(&server, "/v1/traces", &Wire(vec![10, 9])).send().await;
    assert_eq!((broken.status.as_u16(), broken.header("content-type")), (400, PROTOBUF));
    assert_eq!(broken.body[..3], [8, 3, 18], "a google.rpc.Status with INVALID_ARGUMENT");
    assert!(broken.text().contains("invalid_body"), "{}", broken.text());
    let other = server.call(Method::POST, "/v1/traces").header("content-type", "text/plain");
    assert_eq!(other.refused().await, (415, "unsupported_media_type".to_owned()));
    let asked = server.call(Method::POST, "/v1/traces?x=1").json(&json!({}));
    assert_eq!(asked.refused().await, (400, "unknown_parameter".to_owned()));
    for empty in
        [post(&server, "/v1/logs", &wire()), server.call(Method::POST, "/v1/logs").json(&json!({}))]
    {
        assert_eq!(empty.send().await.status, 200, "a request may be empty");
    }
    assert_eq!(server.head(), 0);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn compressed_bodies_are_undone_within_the_limits() {
    let server = TestServer::start().await;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&request([tool_span(1)]).0).unwrap();
    let call = server.call(Method::POST, "/v1/traces").header("content-type", PROTOBUF);
    let packed = call.clone().header("content-encoding", "gzip").body(gzip.finish().unwrap());
    assert_eq!(packed.send().await.status, 200);
    let zstd = zstd::encode_all(request([tool_span(2)]).0.as_slice(), 0).unwrap();
    let packed = call.clone().header("content-encoding", "zstd").body(zstd);
    assert_eq!(packed.send().await.status, 200);
    assert_eq!(server.head(), 4);
    let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    bomb.write_all(&vec![0; 17 << 20]).unwrap();
    let packed =
        call.clone().header("content-encoding", "gzip").body(bomb.finish().unwrap()).send().await;
    assert_eq!(packed.status, 413);
    assert!(packed.text().contains("payload_too_large"), "{}", packed.text());
    // What is small on the wire and large as text, and what has too many items, is refused, too.
    let attributes = wire().message(6, Wire([0x0a, 0].repeat(6 << 20)));
    let wide = post(&server, "/v1/logs", &request([attributes])).send().await;
    assert_eq!(wide.status, 400, "{}", wide.text());
    let many = Wire([0x12, 0].repeat(10_001));
    let many = wire().message(1, wire().message(2, many));
    let many = post(&server, "/v1/logs", &many).send().await;
    assert_eq!(many.status, 413, "{}", many.text());
    assert!(many.text().contains("too_many_events"), "{}", many.text());
    assert_eq!(server.head(), 4);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stops_says_that_the_sender_may_come_again() {
    let server = TestServer::start().await;
    server.recorder.close().unwrap();
    let answer = post_json(&server, "/v1/traces", &json_request(&[tool_span_json(1)])).await;
    assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (503, "1"));
    assert_eq!(answer.value()["details"][0]["reason"], "shutting_down");
    assert_eq!(answer.value()["details"][1]["retryDelay"], "1s");
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_and_items_are_counted_by_signal_and_outcome() {
    let server = TestServer::start().await;
    post(&server, "/v1/traces", &request([tool_span(1), tool_span(2)])).send().await;
    post(&server, "/v1/traces", &request([tool_span(1), tool_span(3).bytes(2, "short")]))
        .send()
        .await;
    post(&server, "/v1/logs", &Wire(vec![10, 9])).send().await;
    let metrics = server.get("/metrics").send().await.text();
    for line in [
        r#"annals_otlp_requests_total{signal="traces",transport="http",outcome="taken"} 1"#,
        r#"annals_otlp_requests_total{signal="traces",transport="http",outcome="partial"} 1"#,
        r#"annals_otlp_requests_total{signal="logs",transport="http",outcome="refused"} 1"#,
        r#"annals_otlp_requests_total{signal="metrics",transport="grpc",outcome="retry"} 0"#,
        r#"annals_otlp_items_total{signal="traces",outcome="accepted"} 2"#,
        r#"annals_otlp_items_total{signal="traces",outcome="replayed"} 1"#,
        r#"annals_otlp_items_total{signal="traces",outcome="rejected"} 1"#,
    ] {
        assert!(metrics.contains(line), "{line}\n{metrics}");
    }
    server.stop().await;
}
