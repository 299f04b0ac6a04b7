//! Where events came from: the filter `origin`, and the live counts of types.
#![cfg(test)]

mod support;

use hyper::Method;
use serde_json::{Value, json};
use support::sse::TailReader;
use support::{TestServer, event, with};

/// Appends events as a client does that has translated them.
async fn accept_from(server: &TestServer, dialect: Option<&str>, events: Value) {
    let mut events = events;
    for event in events.as_array_mut().unwrap() {
        if let Some(name) = dialect {
            event["origin"] = json!({ "dialect": name });
        }
    }
    let query = dialect.map_or(String::new(), |name| format!("?dialect={name}"));
    let call = server.call(Method::POST, &format!("/v1/events{query}")).json(&events);
    let answer = call.send().await;
    assert!(answer.status.is_success(), "{}", answer.text());
}

async fn types(server: &TestServer, query: &str) -> Value {
    let head = server.head();
    let path = format!("/v1/types?min_position={head}{query}");
    let answer = server.get(&path).send().await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.value()
}

fn of_type<'a>(page: &'a Value, event_type: &str) -> &'a Value {
    let types = page["types"].as_array().unwrap();
    types.iter().find(|one| one["event_type"] == event_type).unwrap_or(&Value::Null)
}

fn of(event_type: &str) -> Value {
    with(event("a", json!({})), "event_type", json!(event_type))
}

#[tokio::test(flavor = "multi_thread")]
async fn types_are_counted_by_dialect_and_by_how_lately_they_came() {
    let server = TestServer::start().await;
    accept_from(&server, None, json!([of("a.happened"), of("b.happened")])).await;
    server.clock.shift_seconds(1_800);
    accept_from(&server, Some("hive"), json!([of("a.happened"), of("a.happened")])).await;
    let page = types(&server, "").await;
    let a = of_type(&page, "a.happened");
    assert_eq!(a["dialects"], json!({"hive": 2, "native": 1}));
    assert_eq!(
        (&a["events"], &a["events_last_minute"], &a["events_last_hour"], &a["last_position"]),
        (&json!(3), &json!(2), &json!(3), &json!(server.head()))
    );
    assert_eq!((&page["as_of"], &page["stale"]), (&json!(server.head()), &json!(false)));
    assert!(a["last_at"].as_str() > page["since"].as_str(), "{page}");
    server.clock.shift_seconds(2_400);
    let page = types(&server, "").await;
    let (a, b) = (of_type(&page, "a.happened"), of_type(&page, "b.happened"));
    assert_eq!((&a["events_last_minute"], &a["events_last_hour"]), (&json!(0), &json!(2)));
    assert_eq!((&b["events"], &b["events_last_hour"]), (&json!(1), &json!(0)));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn payloads_that_do_not_fit_are_counted_for_their_workspace_alone() {
    let server = TestServer::start().await;
    let wrong = with(event("a", json!({"tool_call_id": 7})), "event_type", json!("tool.invoked"));
    for _ in 0..2 {
        assert_eq!(server.append(&wrong).send().await.status, 422);
    }
    let page = types(&server, "").await;
    let tool = of_type(&page, "tool.invoked");
    assert_eq!((&tool["events"], &tool["schema_failures"]), (&json!(0), &json!(2)), "{page}");
    assert_eq!((&tool["last_at"], &tool["dialects"]), (&Value::Null, &json!({})));
    let right = json!({"tool_call_id": "t", "tool_name": "Bash"});
    server.accept(&with(event("a", right), "event_type", json!("tool.invoked"))).await;
    let page = types(&server, "").await;
    let tool = of_type(&page, "tool.invoked");
    assert_eq!((&tool["events"], &tool["schema_failures"]), (&json!(1), &json!(2)));
    let other = server.token("other", &["read"]).await;
    let page = server.get("/v1/types").bearer(&other).send().await.value();
    assert_eq!(of_type(&page, "tool.invoked"), &Value::Null, "{page}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn types_come_in_pages_without_gap_or_repeat() {
    let server = TestServer::start().await;
    let names = ["c.x", "a.x", "b.x", "a.x", "d.x"];
    server.accept(&names.map(of).into_iter().collect()).await;
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = types(&server, &format!("&limit=2{cursor}")).await;
        let types = page["types"].as_array().unwrap().iter();
        seen.extend(types.map(|one| one["event_type"].as_str().unwrap().to_owned()));
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    seen.retain(|name| name.ends_with(".x"));
    assert_eq!(seen, ["c.x", "a.x", "b.x", "d.x"]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_found_by_where_they_came_from() {
    let server = TestServer::start().await;
    let first = server.head();
    for (dialect, count) in [(None, 1), (Some("hive"), 2), (Some("otlp"), 1), (None, 1)] {
        let events: Value = (0..count).map(|_| of("a.happened")).collect();
        accept_from(&server, dialect, events).await;
    }
    for (query, expected) in [
        ("origin=hive", vec![2, 3]),
        ("origin=native&event_type=a.happened", vec![1, 5]),
        ("origin=otlp&origin=hive", vec![2, 3, 4]),
        ("origin=otlp&run_id=a", vec![4]),
        ("origin=kernel", vec![]),
    ] {
        let page = server.get(&format!("/v1/events?{query}")).send().await.value();
        let events = page["events"].as_array().unwrap().iter();
        let found: Vec<u64> =
            events.map(|event| event["position"].as_u64().unwrap() - first).collect();
        assert_eq!(found, expected, "{query}");
    }
    let refused = server.get("/v1/events?origin=a/b").refused().await;
    assert_eq!(refused, (400, "invalid_parameter".to_owned()));
    let call = server.call(Method::POST, "/v1/events?dialect=native").json(&of("a.happened"));
    assert_eq!(call.refused().await, (400, "invalid_parameter".to_owned()));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tail_shows_only_what_came_from_where_it_asks() {
    let server = TestServer::start().await;
    accept_from(&server, Some("hive"), json!([of("old.happened")])).await;
    let mut tail = TailReader::open(server.get("/v1/tail?origin=hive&after_position=0")).await;
    let frame = tail.event().await.unwrap();
    assert_eq!(frame.event.as_deref(), Some("old.happened"));
    accept_from(&server, None, json!([of("native.happened")])).await;
    accept_from(&server, Some("hive"), json!([of("new.happened")])).await;
    let frame = tail.event().await.unwrap();
    assert_eq!(frame.event.as_deref(), Some("new.happened"));
    drop(tail);
    server.stop().await;
}
