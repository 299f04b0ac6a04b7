//! `annals import`: the same totals from the files, from the stored events and from the views, and
//! nothing new the second time.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot set itself up must fail")]

mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Output;

use annals_core::dialect::transcripts::Totals;
use annals_sdk::StoredEvent;
use serde_json::{Value, json};

use support::audit::read_all;
use support::{Server, annals, run, stderr, stdout};

fn import(server: &Server, path: &Path) -> Output {
    let path = path.display().to_string();
    let mut command = annals();
    command
        .args(["import", "--json", &path])
        .env("ANNALS_URL", server.url())
        .env("ANNALS_TOKEN", &server.token);
    command.output().unwrap()
}

/// The objects of `--json`: one for each file by its path, and the total.
fn lines(output: &Output) -> (BTreeMap<String, Value>, Value) {
    let mut lines: Vec<Value> =
        stdout(output).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let total = lines.pop().unwrap();
    assert!(total["path"].is_null(), "the last line is the total: {total}");
    let files =
        lines.into_iter().map(|line| (line["path"].as_str().unwrap().to_owned(), line)).collect();
    (files, total)
}

/// The members that the log and the views must agree on.
fn counts(line: &Value) -> Value {
    let wanted = ["model_calls", "tool_calls", "tool_errors", "tool_calls_open", "tokens"];
    wanted.iter().map(|name| ((*name).to_owned(), line[*name].clone())).collect()
}

/// The same, counted from what is stored.
fn counts_of_events(events: &[StoredEvent]) -> Value {
    let run_id =
        |event: &StoredEvent| event.run_id.as_ref().map_or_else(String::new, ToString::to_string);
    let run_ids: Vec<String> = events.iter().map(run_id).collect();
    let totals = Totals::from_events(events.iter().zip(&run_ids).map(|(event, run_id)| {
        (event.event_type.as_str(), event.data.as_str(), run_id.as_str(), Some(event.occurred_at))
    }));
    let tokens = totals.tokens();
    json!({
        "model_calls": totals.model_calls(), "tool_calls": totals.tool_calls(),
        "tool_errors": totals.tool_errors(), "tool_calls_open": totals.tool_calls_open(),
        "tokens": {
            "input": tokens.input, "output": tokens.output,
            "cache_read": tokens.cache_read, "cache_write": tokens.cache_write,
        },
    })
}

/// The runs of the views, once these have reached the head.
fn runs(server: &Server) -> Vec<Value> {
    let mut http = server.http();
    let head = http.get("/v1/events?limit=1").unwrap().json()["as_of"].clone();
    let mut runs = Vec::new();
    let mut cursor = String::new();
    loop {
        let reply = http.get(&format!("/v1/runs?limit=100&min_position={head}{cursor}")).unwrap();
        assert_eq!(reply.status, 200, "{}", reply.text());
        let page = reply.json();
        runs.extend(page["runs"].as_array().unwrap().iter().cloned());
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return runs,
        }
    }
}

/// The same, summed over the runs of the views.
fn counts_of_runs(runs: &[Value]) -> Value {
    let sum = |path: &str| {
        runs.iter().map(|run| run.pointer(path).and_then(Value::as_u64).unwrap()).sum::<u64>()
    };
    json!({
        "model_calls": sum("/model_calls"), "tool_calls": sum("/tool_calls"),
        "tool_errors": sum("/tool_errors"), "tool_calls_open": sum("/tool_calls_open"),
        "tokens": {
            "input": sum("/tokens/input"), "output": sum("/tokens/output"),
            "cache_read": sum("/tokens/cache_read"), "cache_write": sum("/tokens/cache_write"),
        },
    })
}

#[test]
fn a_session_goes_in_once_with_the_same_totals_everywhere() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(&dir.path().join("data"));
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/session.jsonl");
    let first = import(&server, &fixture);
    assert_eq!(first.status.code(), Some(1), "a broken line is not a yes: {}", stderr(&first));
    assert!(stderr(&first).contains("session.jsonl:5: "), "{}", stderr(&first));
    let (files, total) = lines(&first);
    let file = files.values().next().unwrap();
    let expected = json!({
        "model_calls": 2, "tool_calls": 3, "tool_errors": 1, "tool_calls_open": 1,
        "tokens": {"input": 13, "output": 102, "cache_read": 2100, "cache_write": 150},
    });
    assert_eq!(counts(file), expected);
    assert_eq!(
        (&file["format"], &file["records"], &file["errors"]),
        (&json!("claude-code-jsonl"), &json!(7), &json!(1))
    );
    assert_eq!((&file["sessions"], &file["stored"]), (&json!(1), &file["events"]));
    assert_eq!(file["first"], "2026-02-01T10:00:00.000000Z");
    assert_eq!(file["last"], "2026-02-01T10:00:14.250000Z");
    assert_eq!(counts(&total), expected);

    assert_eq!(counts_of_events(&read_all(&server)), expected);
    let runs = runs(&server);
    assert_eq!(runs.len(), 1);
    assert_eq!(counts_of_runs(&runs), expected);

    let stored = read_all(&server).len();
    let (_, again) = lines(&import(&server, &fixture));
    assert_eq!((&again["stored"], &again["replayed"]), (&json!(0), &total["events"]));
    assert_eq!(read_all(&server).len(), stored);
    server.stop();
}

#[test]
fn a_dry_run_needs_no_server_and_counts_the_same() {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/session.jsonl");
    let output = run(&["import", "--json", "--dry-run", &fixture.display().to_string()]);
    let (_, total) = lines(&output);
    assert_eq!(
        (&total["stored"], &total["replayed"], &total["model_calls"]),
        (&json!(0), &json!(0), &json!(2))
    );
    let unknown =
        run(&["import", "--dry-run", &format!("{}/Cargo.toml", env!("CARGO_MANIFEST_DIR"))]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(stderr(&unknown).contains("no known format"), "{}", stderr(&unknown));
    let missing = run(&["import", "--dry-run", "/does/not/exist"]);
    assert_eq!(missing.status.code(), Some(2));
}

#[test]
fn run_records_of_other_programs_show_both_costs_and_name_models_without_a_price() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../core/tests/fixtures/transcripts/documents")
        .canonicalize()
        .unwrap();
    let output = run(&["import", "--json", "--dry-run", &folder.display().to_string()]);
    let (files, total) = lines(&output);
    let line = |name: &str| &files[&folder.join(name).display().to_string()];
    assert_eq!(line("swe-agent.traj")["format"], "swe-agent");
    assert_eq!(
        line("swe-agent.traj")["cost_micros"],
        json!({"vendor": 37_500, "computed": 41_100})
    );
    assert_eq!(line("swe-agent-failed.traj")["cost_micros"]["vendor"], Value::Null);
    assert_eq!(line("jaeger.json")["tokens"]["input"], 100);
    assert_eq!(total["tool_calls"].as_u64().unwrap(), sum_of(&files, "tool_calls"));
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("trace.json");
    let trace = r#"{"trace":{"id":"t"},"observations":[{"id":"a","type":"GENERATION","startTime":"2026-01-01T00:00:00Z","endTime":"2026-01-01T00:00:01Z","model":"unpriced-1","usageDetails":{"input":10,"output":1}}]}"#;
    std::fs::write(&path, trace).unwrap();
    let output = run(&["import", "--dry-run", &path.display().to_string()]);
    let told = stderr(&output);
    assert!(told.contains("no list price is known for unpriced-1: 1 model calls"), "{told}");
    assert!(stdout(&output).contains("unknown by list price"), "{}", stdout(&output));
}

fn sum_of(files: &BTreeMap<String, Value>, member: &str) -> u64 {
    files.values().map(|line| line[member].as_u64().unwrap()).sum()
}

/// Real transcripts with totals that were counted independently.
fn agent_runs() -> Option<(PathBuf, Value)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/agent-runs");
    let text = std::fs::read_to_string(root.join("EXPECTED.json")).ok()?;
    Some((root.canonicalize().unwrap(), serde_json::from_str(&text).unwrap()))
}

/// What an independent count says of a transcript, in our words.
fn expected_counts(expected: &Value) -> Option<Value> {
    let tokens = expected.get("tokens_dedup_by_message_id_last")?;
    let tokens = |name: &str| tokens[name].as_u64().unwrap_or(0);
    Some(json!({
        "model_calls": expected["llm_messages_unique"], "tool_calls": expected["tool_use_total"],
        "tool_errors": expected["tool_errors"], "tool_calls_open": expected["tool_use_without_result"],
        "tokens": {
            "input": tokens("input_tokens"), "output": tokens("output_tokens"),
            "cache_read": tokens("cache_read_input_tokens"), "cache_write": tokens("cache_creation_input_tokens"),
        },
    }))
}

#[test]
fn real_sessions_give_the_totals_that_were_counted_independently() {
    let Some((root, expected)) = agent_runs() else {
        println!("skipped: no ../shared/data/agent-runs beside the repository");
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(&dir.path().join("data"));
    let (files, total) = lines(&import(&server, &root));
    let mut compared = 0;
    for (name, expected) in expected.as_object().unwrap() {
        let path = root.join(name.trim_start_matches("agent-runs/")).display().to_string();
        let (Some(line), Some(expected)) = (files.get(&path), expected_counts(expected)) else {
            continue;
        };
        assert_eq!(counts(line), expected, "{name}");
        compared += 1;
    }
    assert!(compared >= 15, "only {compared} files were compared");
    let events = read_all(&server);
    assert_eq!(counts_of_events(&events), counts(&total), "the stored events tell something else");
    // A message id that two sessions share is one call in the total and one in each of the two runs.
    for run in runs(&server) {
        let run_id = run["run_id"].as_str();
        let events: Vec<StoredEvent> = events
            .iter()
            .filter(|event| event.run_id.as_ref().map(|id| id.as_str()) == run_id)
            .cloned()
            .collect();
        let (mut found, mut wanted) =
            (counts_of_runs(std::slice::from_ref(&run)), counts_of_events(&events));
        if wanted["model_calls"] == 0 {
            // Where no call tells of tokens, the views count what is stated of parts of the run.
            found["tokens"].take();
            wanted["tokens"].take();
        }
        assert_eq!(found, wanted, "the views tell something else of {run_id:?}");
    }
    let (_, again) = lines(&import(&server, &root));
    assert_eq!(again["stored"], 0);
    assert_eq!(read_all(&server).len(), events.len());
    server.stop();
}
