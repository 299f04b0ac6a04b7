//! Reading pages: filters, cursors, forms, stored bytes, views.
#![cfg(test)]

mod support;

use base64::Engine as _;
use serde_json::{Value, json};
use support::{TestServer, event, with};

async fn page(server: &TestServer, query: &str) -> Value {
    let answer = server.get(&format!("/v1/events?{query}")).send().await;
    assert_eq!(answer.status, 200, "{query}: {}", answer.text());
    answer.value()
}

fn positions(page: &Value) -> Vec<u64> {
    page["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["position"].as_u64().unwrap())
        .collect()
}

/// Ten events: odd ones in run a, even ones in run b, every fifth a `tool.x`.
async fn fill(server: &TestServer) {
    let events: Vec<Value> = (1..=10)
        .map(|n| {
            let run = if n % 2 == 1 { "a" } else { "b" };
            let kind = if n % 5 == 0 { "tool.x" } else { "test.happened" };
            with(event(run, json!(n)), "event_type", json!(kind))
        })
        .collect();
    server.accept(&json!(events)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_are_joined_by_and_and_types_by_or() {
    let server = TestServer::start().await;
    fill(&server).await;
    for (query, expected) in [
        ("", vec![1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
        ("run_id=a", vec![1, 3, 5, 7, 9]),
        ("run_id=a&event_type=tool.*", vec![5]),
        ("event_type=tool.x&event_type=test.*&run_id=b", vec![2, 4, 6, 8, 10]),
        ("stream_type=run&stream_id=b&from_seq=4", vec![8, 10]),
        ("stream_type=run&stream_id=b&from_seq=6", vec![]),
        ("stream_type=run&stream_id=b&from_seq=2&event_type=tool.x", vec![10]),
        ("after_position=7&run_id=a", vec![9]),
        ("order=desc&limit=3", vec![10, 9, 8]),
        ("actor_id=tester&limit=2", vec![1, 2]),
        ("actor_id=nobody", vec![]),
        ("until=2000-01-01T00:00:00Z", vec![]),
        ("since=2000-01-01T00:00:00Z&limit=1", vec![1]),
        ("category=tool", vec![]),
        ("category=tool&event_type=nothing.*", vec![]),
    ] {
        assert_eq!(positions(&page(&server, query).await), expected, "{query}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cursors_walk_a_query_without_gap_or_repeat_in_both_directions() {
    let server = TestServer::start().await;
    fill(&server).await;
    for order in ["asc", "desc"] {
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = page(&server, &format!("run_id=a&order={order}&limit=2{cursor}")).await;
            seen.extend(positions(&page));
            assert_eq!(page["as_of"], 10);
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        seen.sort_unstable();
        assert_eq!(seen, [1, 3, 5, 7, 9], "{order}");
    }
    let next = page(&server, "run_id=a&limit=2").await["next"].as_str().unwrap().to_owned();
    for wrong in [format!("run_id=b&cursor={next}"), "cursor=abc".to_owned()] {
        let call = server.get(&format!("/v1/events?{wrong}"));
        assert_eq!(call.refused().await, (400, "invalid_cursor".to_owned()));
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_have_their_ends_and_pages() {
    let server = TestServer::start().await;
    fill(&server).await;
    let ends = server.get("/v1/streams/run/a").send().await.value();
    assert_eq!(
        (&ends["first_seq"], &ends["last_seq"], &ends["event_count"]),
        (&json!(1), &json!(5), &json!(5))
    );
    let list = server.get("/v1/streams?stream_type=run").send().await.value();
    assert_eq!(list["streams"].as_array().unwrap().len(), 2);
    let first = server.get("/v1/streams/run/a/events?from_seq=2&limit=3").send().await.value();
    assert_eq!(positions(&first), [3, 5, 7]);
    let next = first["next"].as_str().unwrap();
    let path = format!("/v1/streams/run/a/events?from_seq=2&limit=3&cursor={next}");
    let second = server.get(&path).send().await.value();
    assert_eq!((positions(&second), &second["next"]), (vec![9], &Value::Null));
    assert_eq!(second["events"][0]["event_hash"], ends["last_event_hash"]);
    for path in ["/v1/streams/run/nothing", "/v1/streams/run/nothing/events"] {
        assert_eq!(server.get(path).refused().await, (404, "stream_not_found".to_owned()));
    }
    let strange =
        with(event("x", json!(1)), "stream", json!({"stream_type": "run", "stream_id": "a/ä b"}));
    server.accept(&strange).await;
    let found = server.get("/v1/streams/run/a%2F%C3%A4%20b").send().await.value();
    assert_eq!(found["stream_id"], "a/ä b");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_come_as_json_ndjson_and_msgpack() {
    let server = TestServer::start().await;
    fill(&server).await;
    let call = server.get("/v1/events?limit=3");
    let json = call.send().await.value();
    let lines = call.clone().header("accept", "application/x-ndjson").send().await;
    assert_eq!(lines.header("content-type"), "application/x-ndjson");
    let parsed: Vec<Value> =
        lines.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(json!(parsed), json["events"]);
    assert_eq!(lines.header("annals-next"), json["next"].as_str().unwrap());
    assert_eq!(lines.header("annals-as-of"), "10");
    let packed = call.header("accept", "application/msgpack").send().await;
    let mut text = Vec::new();
    annals_core::msgpack::to_json(&packed.body, &mut text, &annals_core::json::JsonLimits::EVENT)
        .unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&text).unwrap(), json);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_has_the_bytes_that_its_hash_is_made_of() {
    use annals_core::hash::Digest;
    use annals_core::record::{commitment, event_hash};
    let server = TestServer::start().await;
    fill(&server).await;
    let record = &page(&server, "as=record&after_position=4&limit=1").await["events"][0];
    let bytes = |name: &str| {
        base64::engine::general_purpose::STANDARD.decode(record[name].as_str().unwrap()).unwrap()
    };
    let salt = bytes("salt").try_into().unwrap();
    let committed = commitment(&salt, &bytes("body"));
    assert_eq!(record["commitment"], committed.to_string());
    let prev: Digest = record["prev"].as_str().unwrap().parse().unwrap();
    let hash = event_hash(&bytes("header"), &committed, &prev).to_string();
    assert_eq!(record["event_hash"], hash);
    assert_eq!(page(&server, "after_position=4&limit=1").await["events"][0]["event_hash"], hash);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_parameters_are_refused_by_name() {
    let server = TestServer::start().await;
    for (path, status, code) in [
        ("/v1/events?limit=0", 400, "invalid_limit"),
        ("/v1/events?limit=1001", 400, "invalid_limit"),
        ("/v1/events?limit=ten", 400, "invalid_limit"),
        ("/v1/events?evnt_type=a", 400, "unknown_parameter"),
        ("/v1/events?event_type=", 400, "invalid_parameter"),
        ("/v1/events?order=up", 400, "invalid_parameter"),
        ("/v1/events?since=yesterday", 400, "invalid_parameter"),
        ("/v1/events?category=kitchen", 400, "invalid_parameter"),
        ("/v1/events?stream_type=run", 400, "invalid_parameter"),
        ("/v1/events?from_seq=1", 400, "invalid_parameter"),
        ("/v1/events?as=xml", 400, "invalid_parameter"),
        ("/v1/events?run_id=a&run_id=b", 400, "invalid_parameter"),
        ("/v1/events/not-a-uuid", 400, "invalid_parameter"),
        ("/v1/events/0190b3c4-1111-7abc-8def-0123456789ab", 404, "event_not_found"),
        ("/v1/streams/Run/x", 400, "invalid_parameter"),
        ("/v1/streams/run/a/events?from_seq=0", 400, "invalid_parameter"),
        ("/v1/runs/nothing", 404, "run_not_found"),
        ("/v1/runs/nothing/spans", 404, "run_not_found"),
        ("/v1/runs?status=asleep", 400, "invalid_parameter"),
        ("/v1/usage?group_by=moon", 400, "invalid_parameter"),
        ("/v1/tool-calls?status=x", 400, "invalid_parameter"),
        ("/v1/runs?cursor=x", 400, "invalid_cursor"),
    ] {
        assert_eq!(server.get(path).refused().await, (status, code.to_owned()), "{path}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn views_answer_as_of_the_position_that_was_asked_for() {
    let server = TestServer::start().await;
    let call = |kind: &str, data: Value| with(event("r", data), "event_type", json!(kind));
    let usage = json!({"input_tokens": 10, "output_tokens": 5});
    let events = json!([
        call("run.started", json!({"run_id": "r", "title": "A run"})),
        call(
            "model.completed",
            json!({"model_call_id": "m", "model": "unpriced-model", "usage": usage})
        ),
        call("tool.invoked", json!({"tool_call_id": "t1", "tool_name": "Read"})),
        call("tool.succeeded", json!({"tool_call_id": "t1"})),
        call("tool.invoked", json!({"tool_call_id": "t2", "tool_name": "Bash"})),
    ]);
    assert_eq!(server.accept(&events).await["accepted"], 5);
    let read = async |path: &str| {
        let answer = server.get(path).send().await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        let value = answer.value();
        assert!(value["as_of"].as_u64().unwrap() >= 5, "{path}: {value}");
        assert_eq!(value["stale"], false, "{path}");
        value
    };
    let runs = read("/v1/runs?min_position=5").await;
    let run: annals_api::wire::Run = serde_json::from_value(runs["runs"][0].clone()).unwrap();
    assert_eq!((run.title.as_deref(), run.tool_calls, run.tool_calls_open), (Some("A run"), 2, 1));
    assert_eq!((run.tokens.input, run.tokens.output, run.cost_micros.vendor), (10, 5, None));
    let detail: annals_api::wire::RunDetail =
        serde_json::from_value(read("/v1/runs/r").await).unwrap();
    assert_eq!((detail.agents.len(), detail.models.len()), (1, 1));
    let spans = read("/v1/runs/r/spans?limit=1").await;
    let next = spans["next"].as_str().unwrap();
    let more = read(&format!("/v1/runs/r/spans?limit=10&after={next}")).await;
    assert!(!more["spans"].as_array().unwrap().is_empty());
    assert_ne!(more["spans"][0]["span_id"], spans["spans"][0]["span_id"]);
    assert_eq!(read("/v1/agents").await["agents"][0]["agent_id"], "tester");
    let open = read("/v1/tool-calls?status=open&run_id=r").await;
    assert_eq!(open["tool_calls"][0]["tool_name"], "Bash");
    let usage = read("/v1/usage?group_by=model").await;
    assert_eq!(usage["rows"][0]["key"], "unpriced-model");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_position_that_does_not_come_is_not_waited_for_without_end() {
    let timings = annals_server::Timings {
        view_wait: std::time::Duration::from_millis(50),
        ..annals_server::Timings::default()
    };
    let config = annals_server::ServerConfig { timings, ..annals_server::ServerConfig::default() };
    let server = TestServer::start_with(config).await;
    let call = server.get("/v1/runs?min_position=1000000");
    assert_eq!(call.refused().await, (503, "views_behind".to_owned()));
    server.stop().await;
}
