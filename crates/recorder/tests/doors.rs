//! The doors of foreign formats: what comes in is kept as a report, counts like any other event, and
//! decides nothing.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what it did not expect")]

mod support;

use std::path::PathBuf;
use std::sync::Arc;

use annals_core::dialect::{ForeignReader, readers, writers};
use annals_core::envelope::Authority;
use annals_core::event::Event;
use annals_core::time::Timestamp;
use annals_recorder::Recorder;
use annals_recorder::config::RecorderConfig;
use annals_recorder::request::{AppendRequest, BatchAnswer, Door, EventResult};
use annals_recorder::views::{RunsQuery, ToolCallsQuery};
use annals_store::query::{PageLimit, Query};
use support::{append_all, line, request};

const DOORS: [&str; 4] = ["agentos", "hive", "kernel", "envelope"];

fn reader(dialect: &str) -> Arc<dyn ForeignReader> {
    readers().iter().find(|reader| reader.dialect().as_str() == dialect).unwrap().clone()
}

fn write(dialect: &str, event: &Event, recorder: &Recorder) -> Option<String> {
    let writer = writers().iter().find(|writer| writer.name == dialect).unwrap();
    writer.writer.write(&event.to_json(), recorder.catalog())
}

async fn post(recorder: &Recorder, dialect: &str, documents: &[String]) -> Vec<EventResult> {
    let request = AppendRequest {
        door: Door::Foreign(reader(dialect)),
        ..request(recorder, documents.join("\n"))
    };
    match recorder.append(request).await.unwrap() {
        BatchAnswer::Many(results) => results,
        BatchAnswer::One { .. } => panic!("a batch was sent"),
    }
}

fn events(recorder: &Recorder) -> Vec<Event> {
    recorder.log().scan(&Query::default(), PageLimit::events(1_000)).unwrap().events
}

fn fixtures(dialect: &str) -> Vec<String> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../core/tests/fixtures/dialects")
        .join(format!("{dialect}.ndjson"));
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(str::to_owned).collect()
}

/// A run with calls that end well, badly and not at all, and what it cost.
fn run() -> Vec<String> {
    let event = |second, event_type: &str, data: &str| {
        line("run_1", "claude-code", event_type, second, data)
    };
    vec![
        event(0, "run.started", r#"{"run_id":"run_1","title":"Mend the build"}"#),
        event(
            1,
            "tool.invoked",
            r#"{"tool_call_id":"toolu_1","tool_name":"Bash","input":{"command":"make"}}"#,
        ),
        event(
            3,
            "tool.succeeded",
            r#"{"tool_call_id":"toolu_1","tool_name":"Bash","output":"ok","duration_ms":2000}"#,
        ),
        event(4, "tool.invoked", r#"{"tool_call_id":"toolu_2","tool_name":"Read","input":{}}"#),
        event(
            5,
            "tool.failed",
            r#"{"tool_call_id":"toolu_2","tool_name":"Read","message":"no such file","duration_ms":750}"#,
        ),
        event(6, "tool.invoked", r#"{"tool_call_id":"toolu_3","tool_name":"Bash","input":{}}"#),
        event(
            7,
            "usage.reported",
            r#"{"scope":"call","cost_micros":4321,"usage":{"input_tokens":10,"output_tokens":5}}"#,
        ),
        event(60, "run.completed", r#"{"run_id":"run_1","summary":"done","duration_ms":60000}"#),
    ]
}

/// What the views say of the calls.
fn calls(recorder: &Recorder) -> String {
    let query = ToolCallsQuery {
        workspace_id: "default".to_owned(),
        run_id: Some("run_1".to_owned()),
        agent_id: None,
        tool_name: None,
        status: None,
        cursor: None,
        count_max: 10,
    };
    let rows = recorder.views().tool_calls(&query).unwrap().rows;
    let mut rows: Vec<_> = rows
        .iter()
        .map(|row| {
            format!(
                "{} {:?} {:?} {:?} {:?}",
                row.tool_call_id, row.tool_name, row.status, row.duration_ms, row.error
            )
        })
        .collect();
    rows.sort();
    rows.join("\n")
}

/// What the views say of the run: what every dialect can tell, and what those that know runs can.
fn totals(recorder: &Recorder) -> (String, String) {
    let query = RunsQuery {
        workspace_id: "default".to_owned(),
        now: Timestamp::parse("2026-01-01T00:05:00Z").unwrap().at,
        status: None,
        agent_id: None,
        text: None,
        since: None,
        until: None,
        is_ascending: false,
        cursor: None,
        count_max: 10,
    };
    let runs = recorder.views().runs(&query).unwrap().rows;
    let [run] = runs.as_slice() else { panic!("one run was told of: {runs:?}") };
    let counts =
        format!("{} {} {} {}", run.run_id, run.tool_calls, run.tool_errors, run.tool_calls_open);
    let story = format!(
        "{:?} {:?} {} {} {:?} {}",
        run.title, run.status, run.started_at, run.duration_ms, run.ended_at, run.agents
    );
    (counts, story)
}

#[tokio::test]
async fn the_same_run_counts_the_same_by_whichever_door_it_came() {
    let native = Recorder::open(RecorderConfig::in_memory()).unwrap();
    append_all(&native, &run()).await;
    native.views().wait_for(native.head().position).await;
    let told = events(&native);
    let cost = |recorder: &Recorder| {
        let events = events(recorder);
        let usage = events.iter().find(|event| event.event_type() == "usage.reported");
        usage.map(|usage| usage.data().contains("4321"))
    };
    for dialect in ["agentos", "hive", "kernel"] {
        let recorder = Recorder::open(RecorderConfig::in_memory()).unwrap();
        let documents: Vec<_> =
            told.iter().filter_map(|event| write(dialect, event, &native)).collect();
        for result in post(&recorder, dialect, &documents).await {
            assert!(matches!(result, EventResult::Accepted(_)), "{dialect}: {result:?}");
        }
        recorder.views().wait_for(recorder.head().position).await;
        assert_eq!(calls(&recorder), calls(&native), "{dialect}");
        assert_eq!(totals(&recorder).0, totals(&native).0, "{dialect}");
        if dialect != "kernel" {
            assert_eq!(totals(&recorder).1, totals(&native).1, "{dialect}");
        }
        if dialect != "hive" {
            assert_eq!(cost(&recorder), Some(true), "{dialect}");
        }
    }
}

#[tokio::test]
async fn every_fixture_is_kept_and_read_back_as_it_was_sent() {
    for dialect in DOORS {
        let recorder = Recorder::open(RecorderConfig::in_memory()).unwrap();
        let documents = fixtures(dialect);
        let results = post(&recorder, dialect, &documents).await;
        for (document, result) in documents.iter().zip(&results) {
            let receipt = match result {
                EventResult::Accepted(receipt) | EventResult::Replayed(receipt) => receipt,
                EventResult::Rejected(refusal) => panic!("{dialect}: {refusal}: {document}"),
            };
            let written = write(dialect, &receipt.event, &recorder).unwrap();
            let same: [serde_json::Value; 2] =
                [&written, document].map(|text| serde_json::from_str(text).unwrap());
            assert_eq!(same[0], same[1], "{dialect}");
        }
    }
}

#[tokio::test]
async fn no_door_can_decide_anything() {
    let directory = tempfile::tempdir().unwrap();
    let recorder = Recorder::open(RecorderConfig::at(directory.path())).unwrap();
    append_all(&recorder, &run()).await;
    let target = events(&recorder)[0].clone();
    let tokens = format!("{:?}", recorder.access().list());
    let control: Vec<_> = recorder
        .catalog()
        .entries()
        .iter()
        .filter(|entry| entry.authority == Authority::Control)
        .cloned()
        .collect();
    assert!(control.len() > 20, "{}", control.len());
    for entry in &control {
        let mut data = entry.example.clone().unwrap_or_else(|| "{}".to_owned());
        if entry.event_type == "event.redacted" {
            data = format!(
                r#"{{"event_id":"{0}","target_event_id":"{0}","position":1,"reason":"x"}}"#,
                target.event_id()
            );
        }
        let document = format!(
            r#"{{"event_id":"evt-{0}","event_type":"{0}","event_version":1,"occurred_at":"2026-01-01T00:00:00Z","workspace_id":"ws_other","actor":{{"actor_type":"service","actor_id":"policy_gate"}},"stream":{{"stream_type":"workspace","stream_id":"default"}},"correlation_id":"c","data":{data},"redaction_level":"full","contains_secrets":true}}"#,
            entry.event_type
        );
        let results = post(&recorder, "agentos", &[document]).await;
        let [EventResult::Accepted(receipt)] = results.as_slice() else {
            panic!("{}: {results:?}", entry.event_type)
        };
        assert_eq!(receipt.event.event_type(), entry.event_type);
        assert_eq!(receipt.event.header().authority, Authority::Observed);
    }
    for dialect in DOORS {
        for result in post(&recorder, dialect, &fixtures(dialect)).await {
            if let EventResult::Accepted(receipt) = result {
                assert_eq!(receipt.event.header().authority, Authority::Observed);
            }
        }
    }
    // The native route takes none of them.
    let native = line("run_1", "a", "token.issued", 1, "{}");
    let answer = recorder.append(request(&recorder, native)).await;
    assert!(answer.is_err() || !format!("{answer:?}").contains("Accepted"), "{answer:?}");
    // Nothing that the server decides has moved, and nothing does when it is made anew from the log.
    assert_untouched(&recorder, &tokens, &target);
    recorder.close().unwrap();
    drop(recorder);
    let recorder = Recorder::open(RecorderConfig::at(directory.path())).unwrap();
    assert_untouched(&recorder, &tokens, &target);
}

fn assert_untouched(recorder: &Recorder, tokens: &str, target: &Event) {
    assert_eq!(format!("{:?}", recorder.access().list()), tokens);
    assert_eq!(recorder.marks().count(), 0);
    let again = recorder.log().event_at(target.position()).unwrap().unwrap();
    assert!(!again.is_erased());
    assert_eq!(again.data(), target.data());
}

#[tokio::test]
async fn a_batch_keeps_what_stands_beside_its_events_and_refuses_what_it_does_not_know() {
    let recorder = Recorder::open(RecorderConfig::in_memory()).unwrap();
    let event = r#"{"event_id":"4b1c8f52-0e2e-4f0e-9d37-3a5a0b1a9e01","timestamp":"2026-11-20T10:00:00","event_type":"SystemHealthCheck","event_category":"system","payload":{"health_status":"healthy","check_type":"x"}}"#;
    let send = |beside: &str| {
        let body = format!(r#"{{"batch_id":"b-1",{beside}"events":[{event}]}}"#);
        AppendRequest {
            door: Door::Foreign(reader("hive")),
            format: annals_recorder::request::BodyFormat::Json,
            ..request(&recorder, body)
        }
    };
    let answer = recorder.append(send("\"event_count\":1,")).await.unwrap();
    let BatchAnswer::Many(results) = answer else { panic!("a batch was sent") };
    let [EventResult::Accepted(receipt)] = results.as_slice() else { panic!("{results:?}") };
    assert!(receipt.event.body().contains(r#""batch":{"batch_id":"b-1","event_count":1}"#));
    assert_eq!(write("hive", &receipt.event, &recorder).as_deref(), Some(event));
    let refused = recorder.append(send("\"batch_size\":1,")).await.unwrap_err();
    assert!(refused.to_string().contains("batch_size"), "{refused}");
}
