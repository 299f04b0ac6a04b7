//! The CloudEvents door over HTTP: the modes, the identity, what is refused and how, and the way out.
#![cfg(test)]

#[path = "../../core/tests/cloudevents/gherkin.rs"]
mod gherkin;
mod support;

use std::path::Path;

use hyper::Method;
use serde_json::{Value, json};
use support::{Answer, Call, TestServer};

const STRUCTURED: &str = "application/cloudevents+json";
const BATCHED: &str = "application/cloudevents-batch+json";

fn event(id: &str) -> Value {
    json!({"specversion": "1.0", "id": id, "source": "https://example.com/s", "type": "com.example.t",
        "time": "2018-04-05T17:31:00Z", "subject": "a b", "comexampleothervalue": 5, "data": {"n": 1}})
}

fn post(server: &TestServer, path: &str) -> Call {
    server.call(Method::POST, path)
}

fn structured(server: &TestServer, event: &Value) -> Call {
    post(server, "/v1/cloudevents").header("content-type", STRUCTURED).body(event.to_string())
}

fn batched(server: &TestServer, query: &str, events: &Value) -> Call {
    let call = post(server, &format!("/v1/cloudevents{query}"));
    call.header("content-type", BATCHED).body(events.to_string())
}

fn binary(server: &TestServer, id: &str) -> Call {
    let call = post(server, "/v1/cloudevents").header("ce-specversion", "1.0");
    call.header("ce-id", id).header("ce-source", "/s").header("ce-type", "com.example.t")
}

async fn stored(server: &TestServer, answer: &Answer) -> Value {
    assert!(answer.status.is_success(), "{}", answer.text());
    let id = answer.value()["event_id"].as_str().unwrap().to_owned();
    server.get(&format!("/v1/events/{id}")).send().await.value()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_structured_mode_is_stored_with_its_attributes() {
    let server = TestServer::start().await;
    let answer = structured(&server, &event("1")).send().await;
    assert_eq!(answer.status.as_u16(), 201);
    assert_eq!(answer.value()["replayed"], false);
    let kept = stored(&server, &answer).await;
    assert_eq!(kept["event_type"], "com.example.t");
    assert_eq!(kept["occurred_at"], "2018-04-05T17:31:00.000000Z");
    assert_eq!(
        kept["actor"],
        json!({"actor_type": "service", "actor_id": "https://example.com/s"})
    );
    assert_eq!(kept["stream"]["stream_type"], "source");
    assert_eq!(kept["stream"]["stream_id"], "https://example.com/s");
    assert_eq!(kept["data"], json!({"n": 1}));
    assert_eq!(kept["authority"], "observed");
    assert_eq!(
        kept["extensions"],
        json!({"source": "https://example.com/s", "subject": "a b", "comexampleothervalue": 5})
    );
    assert_eq!(
        kept["origin"],
        json!({"dialect": "cloudevents", "id": "1", "time": "2018-04-05T17:31:00Z"})
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn source_and_id_are_the_identity_in_a_workspace() {
    let server = TestServer::start().await;
    let first = structured(&server, &event("1")).send().await.value();
    let again = structured(&server, &event("1")).send().await;
    assert_eq!((again.status.as_u16(), &again.value()["replayed"]), (200, &json!(true)));
    assert_eq!(again.value()["event_id"], first["event_id"]);
    assert_eq!(&first["event_id"].as_str().unwrap()[14..15], "8", "a UUID of version 8");
    let mut other = event("1");
    other["data"] = json!(2);
    assert_eq!(
        structured(&server, &other).refused().await,
        (409, "idempotency_conflict".to_owned())
    );
    other["source"] = json!("/elsewhere");
    assert_eq!(structured(&server, &other).send().await.status.as_u16(), 201);
    let token = server.token("w2", &["append"]).await;
    let elsewhere = structured(&server, &event("1")).bearer(&token).send().await;
    assert_eq!(elsewhere.status.as_u16(), 201);
    assert_ne!(elsewhere.value()["event_id"], first["event_id"]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_binary_mode_takes_any_content() {
    let server = TestServer::start().await;
    let cases: [(&str, &[u8], Value); 6] = [
        ("application/json", b"{ \"n\": 1.0 }", json!({"n": 1.0})),
        ("application/vnd.x+json; charset=utf-8", "\"ä\"".as_bytes(), json!("ä")),
        ("application/xml", b"<much wow=\"xml\"/>", json!("<much wow=\"xml\"/>")),
        ("text/plain; charset=iso-8859-1", b"\xe4", json!({"$bin": "5A=="})),
        ("application/octet-stream", b"\x00\x01", json!({"$bin": "AAE="})),
        ("", b"{ \"xyz\": 123 }", json!({"$bin": "eyAieHl6IjogMTIzIH0="})),
    ];
    for (index, (content_type, body, data)) in cases.into_iter().enumerate() {
        let call = binary(&server, &format!("b{index}")).header("content-type", content_type);
        let kept = stored(&server, &call.body(body).send().await).await;
        assert_eq!(kept["data"], data, "{content_type}");
        let expected = if content_type.is_empty() { Value::Null } else { json!(content_type) };
        assert_eq!(kept["extensions"]["datacontenttype"], expected);
    }
    let kept = stored(&server, &binary(&server, "empty").send().await).await;
    assert_eq!((&kept["data"], &kept["extensions"]["data_form"]), (&Value::Null, &json!("absent")));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_are_unquoted_and_percent_decoded() {
    let server = TestServer::start().await;
    let call = binary(&server, "Euro%20%E2%82%AC%20%f0%9f%98%80")
        .header("ce-subject", "\"a \\\"b\\\" %2541\"")
        .header("CE-ComExampleExtension1", "value")
        .header("ce-traceparent", "00-0af7651916cd43dd8448eb211c80319c-b9c7c989f97918e1-01")
        .header("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    let kept = stored(&server, &call.send().await).await;
    assert_eq!(kept["origin"]["id"], "Euro € 😀");
    assert_eq!(kept["extensions"]["subject"], "a \"b\" %41");
    assert_eq!(kept["extensions"]["comexampleextension1"], "value");
    assert_eq!(kept["correlation_id"], "0af7651916cd43dd8448eb211c80319c");
    let call = binary(&server, "2")
        .header("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    let kept = stored(&server, &call.send().await).await;
    assert_eq!(kept["correlation_id"], "4bf92f3577b34da6a3ce929d0e0e4736");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_stored_whole_or_not_at_all_unless_it_asks_for_less() {
    let server = TestServer::start().await;
    let answer = batched(&server, "", &json!([event("1"), event("2")])).send().await;
    assert_eq!((answer.status.as_u16(), &answer.value()["accepted"]), (200, &json!(2)));
    let answer = batched(&server, "", &json!([])).send().await;
    assert_eq!((answer.status.as_u16(), &answer.value()["results"]), (200, &json!([])));
    let head = server.head();
    let mut bad = event("4");
    bad["time"] = json!("yesterday");
    let mixed = json!([event("3"), bad]);
    let answer = batched(&server, "", &mixed).send().await;
    assert_eq!((answer.status.as_u16(), &answer.value()["details"]["index"]), (400, &json!(1)));
    assert_eq!(server.head(), head, "nothing is answered as delivered that was not stored");
    let answer = batched(&server, "?atomic=false", &mixed).send().await.value();
    assert_eq!((&answer["accepted"], &answer["rejected"]), (&json!(1), &json!(1)));
    assert_eq!(answer["results"][1]["reason_code"], "invalid_field");
    assert_eq!(answer["results"][1]["details"]["path"], "/time");
    let only_bad = batched(&server, "?atomic=false", &json!([mixed[1]]));
    assert_eq!(only_bad.refused().await, (422, "batch_rejected".to_owned()));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_cloud_event_is_refused_by_name_and_not_stored() {
    let server = TestServer::start().await;
    let of_structured = |body: &str| {
        post(&server, "/v1/cloudevents").header("content-type", STRUCTURED).body(body.to_owned())
    };
    let changed = |name: &str, value: Value| {
        let mut event = event("1");
        event[name] = value;
        structured(&server, &event)
    };
    let json = |call: Call| call.header("content-type", "application/json");
    let cases = [
        (post(&server, "/v1/cloudevents").json(&event("1")), 400, "missing_field"),
        (post(&server, "/v1/cloudevents"), 400, "missing_field"),
        (of_structured("{"), 400, "invalid_json"),
        (of_structured(""), 400, "empty_batch"),
        (of_structured("[]"), 400, "not_an_object"),
        (of_structured("7"), 400, "not_an_object"),
        (of_structured(r#"{"events":[]}"#), 400, "invalid_field"),
        (of_structured(r#"{"id":"1","id":"2"}"#), 400, "duplicate_key"),
        (batched(&server, "", &event("1")), 400, "invalid_field"),
        (changed("id", Value::Null), 400, "missing_field"),
        (changed("id", json!("")), 400, "invalid_field"),
        (changed("source", json!("a b")), 400, "invalid_field"),
        (changed("type", json!(7)), 400, "invalid_field"),
        (changed("specversion", json!("0.3")), 400, "unsupported_version"),
        (changed("specversion", json!("2.0")), 400, "unsupported_version"),
        (changed("time", json!("2018-04-05T17:31:00")), 400, "invalid_field"),
        (changed("dataschema", json!("schema")), 400, "invalid_field"),
        (changed("myExtension", json!("x")), 400, "invalid_field"),
        (changed("ext", json!({"a": 1})), 400, "invalid_field"),
        (changed("ext", json!(1.5)), 400, "invalid_field"),
        (changed("data_base64", json!("AAE=")), 400, "invalid_field"),
        (json(binary(&server, "1")).body("{\"a\":"), 400, "invalid_json"),
        (json(binary(&server, "1")).body("1,\"type\":\"other\""), 400, "invalid_json"),
        (binary(&server, "%C0%A0"), 400, "invalid_field"),
        (binary(&server, "100%"), 400, "invalid_field"),
        (binary(&server, "1").header("ce-datacontenttype", "text/plain"), 400, "invalid_field"),
        (binary(&server, "1").header("ce-data", "x"), 400, "invalid_field"),
        (binary(&server, "1").header("ce-data_base64", "AAE="), 400, "invalid_field"),
        (binary(&server, "1").header("ce-my-ext", "x"), 400, "invalid_field"),
        (binary(&server, "1").header("ce-type", ""), 400, "missing_field"),
        (binary(&server, "1").header("content-type", "json"), 400, "invalid_field"),
        (
            of_structured("{}").header("content-type", "application/cloudevents+avro"),
            415,
            "unsupported_media_type",
        ),
        (
            of_structured("{}").header("content-type", "application/cloudevents"),
            415,
            "unsupported_media_type",
        ),
        (
            of_structured("{}")
                .header("content-type", "Application/CloudEvents+JSON; charset=utf-16"),
            415,
            "unsupported_media_type",
        ),
        (
            of_structured("{}").header("content-type", "application/cloudevents-batch+xml"),
            415,
            "unsupported_media_type",
        ),
        (json(binary(&server, "1")).body(vec![b' '; (1 << 20) + 1]), 413, "payload_too_large"),
        (changed("type", json!("tool.invoked")), 422, "schema_violation"),
        (post(&server, "/v1/cloudevents?dialect=x"), 400, "unknown_parameter"),
        (post(&server, "/v1/cloudevents?receipt=yes"), 400, "invalid_parameter"),
    ];
    for (index, (call, status, code)) in cases.into_iter().enumerate() {
        assert_eq!(call.refused().await, (status, code.to_owned()), "case {index}: {call:?}");
    }
    assert_eq!(server.head(), 0);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_that_takes_a_body_for_a_reply_gets_none() {
    let server = TestServer::start().await;
    let call = post(&server, "/v1/cloudevents?receipt=none").header("content-type", STRUCTURED);
    let answer = call.body(event("1").to_string()).send().await;
    assert_eq!((answer.status.as_u16(), answer.body.len(), server.head()), (204, 0, 1));
    let call = post(&server, "/v1/cloudevents?receipt=none").header("content-type", STRUCTURED);
    assert_eq!(call.body("{}").refused().await.0, 400);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_that_comes_through_the_door_is_a_report() {
    let server = TestServer::start().await;
    let catalog = server.get("/v1/catalog").send().await.value();
    let token = server.token("w2", &["append", "read"]).await;
    let mut count = 0;
    for entry in catalog["types"].as_array().unwrap() {
        if entry["authority"] != "control" {
            continue;
        }
        count += 1;
        let mut event = event(&format!("control {count}"));
        event["type"] = entry["event_type"].clone();
        event["data"] = entry["example"].clone();
        let answer = structured(&server, &event).bearer(&token).send().await;
        assert_eq!(answer.status.as_u16(), 201, "{event}: {}", answer.text());
        let id = answer.value()["event_id"].as_str().unwrap().to_owned();
        let kept = server.get(&format!("/v1/events/{id}")).bearer(&token).send().await.value();
        assert_eq!(kept["authority"], "observed", "{kept}");
    }
    assert!(count > 5);
    let redactions = server.get("/v1/redactions").bearer(&token).send().await.value();
    assert_eq!(redactions["redactions"], json!([]), "nothing was taken away");
    assert_eq!(server.get("/v1/events").bearer(&token).send().await.status.as_u16(), 200);
    server.stop().await;
}

/// An HTTP request of a feature, sent to the server.
async fn send(server: &TestServer, request: &str) -> Answer {
    let (head, body) = request.split_once("\n\n").unwrap();
    let mut call = post(server, "/v1/cloudevents").body(body.to_owned());
    for line in head.lines().skip(1) {
        let (name, value) = line.split_once(':').unwrap();
        let name = name.to_ascii_lowercase();
        if name != "host" && name != "content-length" {
            call = call.header(&name, value.trim());
        }
    }
    call.send().await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_conformance_feature_of_the_http_binding_passes() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(
        "../../../shared/data/cloudevents/cloudevents+conformance/features/http-protocol-binding.feature",
    );
    let Ok(feature) = std::fs::read_to_string(&file) else {
        println!("skipped: {} is not there", file.display());
        return;
    };
    let scenarios = gherkin::scenarios(&feature);
    assert_eq!(scenarios.len(), 4);
    for scenario in scenarios {
        // The scenarios state one event in several modes, which a log takes once.
        let server = TestServer::start().await;
        let mut event = Value::Null;
        for step in &scenario.steps {
            let doc = step.doc.as_deref().unwrap_or_default();
            match step.text.as_str() {
                "an HTTP request" => {
                    let answer = send(&server, doc).await;
                    assert_eq!(answer.status.as_u16(), 201, "{}: {}", scenario.name, answer.text());
                    let id = answer.value()["event_id"].as_str().unwrap().to_owned();
                    let path = format!("/v1/events/{id}?dialect=cloudevents");
                    event = server.get(&path).send().await.value();
                }
                "parsed as HTTP request" => {}
                "the attributes are:" => {
                    for (name, value) in step.pairs() {
                        assert_eq!(event[&name], json!(value), "{}: {event}", scenario.name);
                    }
                }
                "the data is equal to the following JSON:" => {
                    let expected: Value = serde_json::from_str(doc).unwrap();
                    assert_eq!(event["data"], expected, "{}", scenario.name);
                }
                step => panic!("nobody knows the step `{step}`"),
            }
        }
        server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn events_go_out_again_in_every_mode_as_they_came() {
    let server = TestServer::start().await;
    let id = structured(&server, &event("1")).send().await.value()["event_id"].clone();
    let path = format!("/v1/events/{}?dialect=cloudevents", id.as_str().unwrap());
    let answer = server.get(&path).send().await;
    assert_eq!(answer.header("content-type"), STRUCTURED);
    assert_eq!(answer.value(), event("1"));
    let answer = server.get(&path).header("accept", STRUCTURED).send().await;
    assert_eq!(answer.value(), event("1"));
    let answer = server.get(&path).header("accept", "application/json").send().await;
    assert_eq!(answer.header("content-type"), "application/json");
    let answer = server.get(&format!("{path}&mode=binary")).send().await;
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!((answer.header("ce-id"), answer.header("ce-subject")), ("1", "a%20b"));
    assert_eq!(
        (answer.header("ce-comexampleothervalue"), answer.text().as_str()),
        ("5", "{\"n\":1}")
    );
    let xml = binary(&server, "2").header("content-type", "application/xml").body("<a/>");
    let id = xml.send().await.value()["event_id"].clone();
    let path = format!("/v1/events/{}?dialect=cloudevents&mode=binary", id.as_str().unwrap());
    let answer = server.get(&path).send().await;
    assert_eq!(
        (answer.header("content-type"), answer.text().as_str()),
        ("application/xml", "<a/>")
    );
    for path in
        ["/v1/events?dialect=cloudevents", "/v1/streams/source/%2Fs/events?dialect=cloudevents"]
    {
        let answer = server.get(path).header("accept", BATCHED).send().await;
        assert_eq!(answer.header("content-type"), BATCHED, "{path}");
        let batch = answer.value();
        assert_eq!(batch.as_array().unwrap().last().unwrap()["data"], "<a/>", "{path}");
        assert!(!answer.header("annals-as-of").is_empty());
    }
    let page = server.get("/v1/events?dialect=cloudevents").send().await.value();
    assert_eq!(page["events"][0], event("1"));
    let plain = server.get("/v1/events").header("accept", BATCHED);
    assert_eq!(plain.refused().await, (406, "not_acceptable".to_owned()));
    let mode = server.get(&path.replace("dialect=cloudevents&", ""));
    assert_eq!(mode.refused().await, (400, "invalid_parameter".to_owned()));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn our_own_events_are_cloud_events_that_another_log_takes_as_they_are() {
    let (here, there) = (TestServer::start().await, TestServer::start().await);
    let ours = json!({"event_type": "tool.invoked", "actor": {"actor_type": "agent", "actor_id": "a1"},
        "stream": {"stream_type": "run", "stream_id": "r1"}, "run_id": "r1", "zone": "sandbox",
        "correlation_id": "c1", "idempotency_key": "k1", "model_context": {"model": "m"},
        "data": {"tool_call_id": "t1", "tool_name": "Bash"}});
    let id = here.accept(&ours).await["event_id"].as_str().unwrap().to_owned();
    let document = here.get(&format!("/v1/events/{id}?dialect=cloudevents")).send().await.value();
    assert_eq!(document["source"], "annals:default");
    let answer = structured(&there, &document).send().await;
    assert_eq!(answer.value()["event_id"], id.as_str());
    let kept = stored(&there, &answer).await;
    for (name, value) in ours.as_object().unwrap() {
        let found = if name == "stream" {
            json!({"stream_type": kept["stream"]["stream_type"], "stream_id": kept["stream"]["stream_id"]})
        } else {
            kept[name].clone()
        };
        assert_eq!(found, *value, "{name}");
    }
    let again = there.get(&format!("/v1/events/{id}?dialect=cloudevents")).send().await.value();
    assert_eq!(again, document);
    let twice = structured(&here, &document);
    assert_eq!(
        twice.refused().await,
        (409, "idempotency_conflict".to_owned()),
        "it is there already"
    );
    here.stop().await;
    there.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_metrics_of_seed_000_have_their_exact_names_and_start_at_0() {
    let server = TestServer::start().await;
    let text = server.get("/metrics").send().await.text();
    let has =
        |text: &str, line: &str| assert!(text.lines().any(|known| known == line), "{line}\n{text}");
    has(&text, "# TYPE cloudevents_received_total counter");
    has(&text, "# TYPE cloudevents_processing_seconds histogram");
    has(&text, "# TYPE llm_inference_total counter");
    has(&text, "# TYPE llm_inference_seconds histogram");
    has(&text, "cloudevents_received_total{type=\"other\",source=\"other\"} 0");
    has(&text, "cloudevents_received_total{type=\"io.homelab.scan.request\",source=\"other\"} 0");
    has(&text, "cloudevents_processing_seconds_count{type=\"other\"} 0");
    has(&text, "llm_inference_total{model=\"other\",operation=\"chat\",status=\"success\"} 0");
    has(&text, "llm_inference_seconds_count{model=\"other\",operation=\"chat\"} 0");

    structured(&server, &event("1")).send().await;
    structured(&server, &event("1")).send().await;
    let mut scan = event("2");
    (scan["type"], scan["source"]) =
        (json!("io.homelab.scan.request"), json!("/agent-contracts/fetcher"));
    scan["data"] = json!({"chain": "ethereum", "address": "0x1"});
    assert_eq!(structured(&server, &scan).send().await.status.as_u16(), 201);
    structured(&server, &json!({"specversion": "1.0"})).send().await;
    let call = |id: &str, event_type: &str, data: Value, at: &str| {
        let mut event = support::event("r1", data);
        (event["event_type"], event["occurred_at"]) = (json!(event_type), json!(at));
        event["data"]["model_call_id"] = json!(id);
        event
    };
    let at = ["2026-01-31T09:30:00Z", "2026-01-31T09:30:03Z"];
    server
        .accept(&json!([
            call("m1", "model.invoked", json!({"model": "claude"}), at[0]),
            call("m1", "model.completed", json!({}), at[1]),
            call(
                "m1",
                "model.completed",
                json!({"model": "claude", "stop_reason": "end_turn"}),
                at[1]
            ),
            call("m2", "model.failed", json!({"model": "claude", "duration_ms": 100}), at[1]),
            call(
                "m3",
                "model.completed",
                json!({"model": "e", "operation": "embeddings", "duration_ms": 60000}),
                at[1]
            ),
        ]))
        .await;
    let text = server.get("/metrics").send().await.text();
    has(&text, "cloudevents_received_total{type=\"other\",source=\"https://example.com/s\"} 2");
    has(
        &text,
        "cloudevents_received_total{type=\"io.homelab.scan.request\",source=\"/agent-contracts/fetcher\"} 1",
    );
    has(&text, "cloudevents_processing_seconds_count{type=\"other\"} 2");
    has(&text, "cloudevents_processing_seconds_count{type=\"io.homelab.scan.request\"} 1");
    has(&text, "llm_inference_total{model=\"claude\",operation=\"chat\",status=\"success\"} 1");
    has(&text, "llm_inference_total{model=\"claude\",operation=\"chat\",status=\"error\"} 1");
    has(&text, "llm_inference_total{model=\"e\",operation=\"embeddings\",status=\"success\"} 1");
    has(&text, "llm_inference_seconds_sum{model=\"claude\",operation=\"chat\"} 3.1");
    has(&text, "llm_inference_seconds_sum{model=\"e\",operation=\"embeddings\"} 60.0");
    assert!(!text.contains("_total_total"));
    server.stop().await;
}
