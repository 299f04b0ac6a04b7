//! What the run records of other programs become, by files of our own: runs, calls, tokens counted
//! once, costs that are stated or unknown, and the promise that importing again is harmless.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use annals_core::dialect::transcripts::{
    DetectError, Format, Import, Totals, Translated, detect, import as import_for, pieces,
};
use annals_core::id::{EventId, WorkspaceId};
use annals_core::price::PriceTable;
use serde_json::{Value, json};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/transcripts/documents")
}

fn file(name: &str) -> Vec<u8> {
    std::fs::read(folder().join(name)).unwrap()
}

/// A file for the workspace of tests.
fn import(name: &str, file: &[u8]) -> Result<Import, DetectError> {
    import_for(name, &WorkspaceId::parse("default").unwrap(), file)
}

fn read(name: &str) -> Import {
    let import = import(name, &file(name)).unwrap();
    assert!(import.faults.is_empty(), "{name}: {:?}", import.faults);
    import
}

/// The payloads of the events of a type.
fn told(import: &Import, event_type: &str) -> Vec<Value> {
    let events = import.translated.iter().map(|translated| &translated.draft);
    events
        .filter(|draft| draft.event_type.as_str() == event_type)
        .map(|draft| serde_json::from_str(&draft.data).unwrap())
        .collect()
}

/// One member of the payloads of the events of a type.
fn each(import: &Import, event_type: &str, member: &str) -> Value {
    told(import, event_type).iter().map(|data| data[member].clone()).collect()
}

/// Model calls, tool calls, failed and open ones.
fn calls(import: &Import) -> [usize; 4] {
    let totals = &import.totals;
    [totals.model_calls(), totals.tool_calls(), totals.tool_errors(), totals.tool_calls_open()]
}

/// Tokens in, out, from a cache and into one.
fn tokens(import: &Import) -> [u64; 4] {
    let tokens = import.totals.tokens();
    [tokens.input, tokens.output, tokens.cache_read, tokens.cache_write]
}

fn run_ids(import: &Import) -> Vec<String> {
    let mut ids: Vec<String> = Vec::new();
    for id in import.translated.iter().filter_map(|it| it.draft.scope.run_id.as_ref()) {
        if ids.last().map(String::as_str) != Some(id.as_str()) {
            ids.push(id.as_str().to_owned());
        }
    }
    ids
}

#[test]
fn openhands_counts_each_answer_once_and_a_cost_of_nothing_is_unknown() {
    let import = read("openhands.jsonl");
    assert_eq!((import.format, run_ids(&import).len()), (Format::OpenHands, 2));
    // Each run has an answer with two calls, one with `finish`, and one that led to nothing.
    assert_eq!(calls(&import), [6, 3, 1, 1]);
    // The prompt includes what came from the cache.
    assert_eq!(tokens(&import), [3800, 100, 1200, 0]);
    assert_eq!(each(&import, "usage.reported", "cost_micros"), json!([null, 12_500]));
    assert_eq!(import.totals.vendor_cost_micros(), Some(12_500));
    assert_eq!(each(&import, "run.started", "title"), json!(["shop-7", "shop-8"]));
    assert_eq!(told(&import, "run.completed").len(), 1);
    assert_eq!(
        each(&import, "run.failed", "message"),
        json!(["RuntimeError: Agent reached maximum iteration"])
    );
    let ends = told(&import, "model.completed");
    let lost = ends.iter().find(|end| end["model_call_id"] == "gen-lost").unwrap();
    assert_eq!((&lost["duration_ms"], &lost["usage"]), (&json!(1000), &json!(null)));
    assert_eq!(each(&import, "tool.failed", "message"), json!(["FAIL a.c"]));
    assert_eq!(each(&import, "error.reported", "error"), json!([{"message": "No such tool."}]));
}

#[test]
fn swe_agent_tells_steps_and_says_that_its_tokens_are_those_of_the_run() {
    let import = read("swe-agent.traj");
    assert_eq!((import.format, calls(&import)), (Format::SweAgent, [2, 2, 0, 0]));
    assert_eq!(tokens(&import), [12_000, 340, 0, 0]);
    assert_eq!(each(&import, "model.completed", "usage_scope"), json!([null, "run"]));
    assert_eq!(import.totals.vendor_cost_micros(), Some(37_500));
    assert_eq!(each(&import, "tool.invoked", "tool_call_id"), json!(["call_a", "call_b"]));
    assert_eq!(each(&import, "tool.invoked", "tool_name"), json!(["bash", "submit"]));
    assert_eq!(each(&import, "tool.succeeded", "duration_ms"), json!([250, 500]));
    assert_eq!(each(&import, "run.started", "model"), json!(["claude-sonnet-4-20250514"]));
    assert_eq!(each(&import, "run.completed", "output"), json!(["diff --git a/a.py"]));
}

#[test]
fn a_trajectory_that_ended_otherwise_is_a_failed_run_and_no_price_is_no_cost() {
    let import = read("swe-agent-failed.traj");
    assert_eq!(calls(&import), [1, 1, 0, 0]);
    assert_eq!(import.totals.vendor_cost_micros(), None);
    assert_eq!(each(&import, "run.failed", "message"), json!(["exit_cost"]));
}

#[test]
fn a_demonstration_has_messages_and_calls_but_claims_no_model_and_no_end() {
    let import = read("swe-agent-demonstration.traj");
    assert_eq!((import.format, calls(&import)), (Format::SweAgent, [0, 2, 0, 0]));
    assert!(told(&import, "run.completed").is_empty() && told(&import, "run.failed").is_empty());
}

#[test]
fn mini_swe_agent_acts_by_code_blocks_and_ends_with_its_word_for_that() {
    let import = read("mini-swe-agent.traj.json");
    assert_eq!((import.format, calls(&import)), (Format::MiniSweAgent, [0, 2, 1, 0]));
    let inputs = each(&import, "tool.invoked", "input");
    assert_eq!(inputs[0], json!({"command": "ls \"a b\""}));
    assert_eq!(each(&import, "tool.failed", "exit_code"), json!([1]));
    assert_eq!(each(&import, "run.completed", "output"), json!(["diff --git a/a"]));
    let cut = file("mini-swe-agent.traj.json");
    let end = pieces(&cut).nth(3).unwrap().end;
    let running = import_for_tests(&cut[..end]);
    assert!(told(&running, "run.completed").is_empty(), "a run that goes on has not ended");
}

fn import_for_tests(file: &[u8]) -> Import {
    import("mini-swe-agent.traj.json", file).unwrap()
}

#[test]
fn mini_swe_agent_with_responses_has_calls_costs_and_times() {
    let import = read("mini-swe-agent-with-info.traj.json");
    assert_eq!((import.format, calls(&import)), (Format::MiniSweAgent, [1, 1, 0, 0]));
    assert_eq!(tokens(&import), [500, 40, 300, 0]);
    assert_eq!(each(&import, "model.completed", "cost_micros"), json!([1_500]));
    // What is stated for the whole run is more than the sum of what is stated for calls.
    assert_eq!(import.totals.vendor_cost_micros(), Some(2_000));
    assert_eq!(each(&import, "run.failed", "message"), json!(["LimitsExceeded"]));
    let first = import.totals.first().unwrap().to_string();
    assert_eq!(first, "2025-10-09T08:53:20.250000Z");
}

#[test]
fn langfuse_observations_become_calls_of_the_session_with_costs_added_before_rounding() {
    let import = read("langfuse.trace.json");
    assert_eq!((import.format, run_ids(&import)), (Format::Langfuse, vec!["chat-9".to_owned()]));
    assert_eq!(calls(&import), [3, 1, 1, 0]);
    assert_eq!(tokens(&import), [90, 12, 60, 0]);
    // Twice 1.4 micro-dollars.
    assert_eq!(import.totals.vendor_cost_micros(), Some(3));
    assert_eq!(each(&import, "tool.failed", "message"), json!(["no such parcel"]));
    assert_eq!(each(&import, "model.completed", "usage").as_array().unwrap().len(), 2);
    assert_eq!(each(&import, "evaluation.reported", "score"), json!([0.5]));
    assert_eq!(each(&import, "span.recorded", "kind"), json!(["CHAIN"]));
    let drafts = || import.translated.iter().map(|it| &it.draft);
    let actors: Vec<&str> = drafts()
        .filter(|draft| draft.event_type.as_str() == "model.invoked")
        .map(|draft| draft.actor.actor_id.as_str())
        .collect();
    assert_eq!(actors, ["courier", "courier", "Support"]);
    // Observations come in no order; events come in that of time.
    let times: Vec<_> = drafts().filter_map(|draft| draft.occurred_at).collect();
    assert!(times.is_sorted(), "{times:?}");
}

#[test]
fn a_price_that_nobody_knows_is_said_and_not_zero() {
    let prices = PriceTable::builtin();
    let trace = r#"{"trace":{"id":"t"},"observations":[{"id":"a","type":"GENERATION","name":"n","startTime":"2026-01-01T00:00:00Z","endTime":"2026-01-01T00:00:01Z","model":"unpriced-1","usageDetails":{"input":10,"output":1},"costDetails":{},"totalCost":0}]}"#;
    let import = import("t.json", trace.as_bytes()).unwrap();
    assert_eq!(import.totals.computed_cost_micros(&prices), None);
    assert_eq!(import.totals.vendor_cost_micros(), None);
    assert_eq!(import.totals.unpriced_by_model(&prices), BTreeMap::from([(Some("unpriced-1"), 1)]));
}

#[test]
fn tau_bench_calls_that_share_an_id_are_two_calls() {
    let import = read("tau-bench.json");
    assert_eq!((import.format, run_ids(&import).len()), (Format::TauBench, 2));
    assert_eq!(calls(&import), [0, 2, 1, 0]);
    assert_eq!(each(&import, "tool.invoked", "tool_call_id"), json!(["call_1", "call_1~2"]));
    assert_eq!(each(&import, "tool.succeeded", "tool_call_id"), json!(["call_1~2"]));
    assert_eq!(import.totals.vendor_cost_micros(), Some(100));
    assert_eq!(each(&import, "evaluation.reported", "score"), json!([1.0, 0.0]));
    assert_eq!(each(&import, "run.failed", "message"), json!(["0.0 reward"]));
    // A string of arguments that we would write otherwise is kept beside the input.
    assert_eq!(each(&import, "tool.invoked", "arguments"), json!(["{\"id\": \"A1\"}", null]));
}

#[test]
fn a_failure_log_names_who_spoke_to_whom_and_who_erred() {
    let import = read("failure-log.json");
    assert_eq!(import.format, Format::FailureLog);
    assert_eq!(
        each(&import, "message.created", "kind"),
        json!(["prompt", "thinking", "text", "text"])
    );
    assert_eq!(
        each(&import, "message.created", "sender_id"),
        json!(["user", "Orchestrator", "Orchestrator", "Expert"])
    );
    assert_eq!(
        each(&import, "message.created", "recipient_id"),
        json!([null, null, "Expert", null])
    );
    assert_eq!(each(&import, "run.failed", "error"), json!([{"agent": "Expert", "step": "3"}]));
    assert_eq!(each(&import, "agent.started", "agent_id"), json!(["Expert"]));
}

#[test]
fn codex_counts_a_repeated_token_count_once_and_the_cache_apart() {
    let import = read("codex.jsonl");
    assert_eq!(
        (import.format, run_ids(&import)),
        (Format::CodexSession, vec!["c0dex-1".to_owned()])
    );
    assert_eq!(calls(&import), [2, 1, 1, 0]);
    assert_eq!(tokens(&import), [900, 80, 1300, 0]);
    assert_eq!(each(&import, "model.completed", "model"), json!(["gpt-5-codex", "gpt-5-codex"]));
    let kinds = each(&import, "message.created", "kind");
    assert_eq!(kinds, json!(["system", "system", "prompt", "thinking", "text"]));
    // What `event_msg` repeats is kept, and is no second message.
    assert_eq!(told(&import, "foreign.event").len(), 3);
}

#[test]
fn codex_exec_tells_the_beginning_and_the_end_of_a_call() {
    let import = read("codex-exec.jsonl");
    assert_eq!((import.format, run_ids(&import)), (Format::CodexExec, vec!["thread-1".to_owned()]));
    assert_eq!(calls(&import), [1, 2, 1, 1]);
    assert_eq!(tokens(&import), [800, 60, 100, 0]);
    assert_eq!(
        each(&import, "tool.invoked", "tool_name"),
        json!(["command_execution", "mcp__jira__search"])
    );
}

#[test]
fn gemini_counts_thoughts_as_output_and_the_cache_apart() {
    let import = read("gemini.json");
    assert_eq!(
        (import.format, run_ids(&import)),
        (Format::GeminiSession, vec!["gem-1".to_owned()])
    );
    assert_eq!(calls(&import), [1, 3, 1, 1]);
    assert_eq!(tokens(&import), [300, 50, 200, 0]);
    // A session that is written again with another end of a call gives only that anew.
    let later = String::from_utf8(file("gemini.json")).unwrap().replace("executing", "success");
    let later = import_later("gemini.json", &later);
    assert_eq!(later.len(), 2, "{later:?}");
}

/// The events of a newer file that the older one has not given.
fn import_later(name: &str, newer: &str) -> Vec<String> {
    let known: Vec<_> = read(name).translated.iter().map(|it| it.draft.event_id).collect();
    let newer = import(name, newer.as_bytes()).unwrap().translated;
    let new = newer.iter().filter(|it| !known.contains(&it.draft.event_id));
    new.map(|it| it.draft.event_type.as_str().to_owned()).collect()
}

#[test]
fn a_claude_session_of_the_web_is_read_like_a_transcript() {
    let import = read("claude-web.json");
    assert_eq!(
        (import.format, run_ids(&import)),
        (Format::ClaudeCodeWeb, vec!["web-1".to_owned()])
    );
    assert_eq!((calls(&import), tokens(&import)), ([1, 0, 0, 0], [7, 2, 0, 0]));
    assert_eq!(import.totals.records, 2);
    assert_eq!(each(&import, "foreign.event", "title"), json!(["Add numbers"]));
}

#[test]
fn a_workflows_summary_belongs_to_the_run_of_its_session() {
    let import = read("workflow-summary.json");
    assert_eq!(
        (import.format, run_ids(&import)),
        (Format::WorkflowSummary, vec!["sess-w".to_owned()])
    );
    assert_eq!(each(&import, "run.started", "title"), json!(["Add tests"]));
    assert_eq!(each(&import, "run.completed", "output"), json!(["Added."]));
}

#[test]
fn a_plain_chat_is_messages_and_nothing_more() {
    let import = read("chat.json");
    assert_eq!((import.format, calls(&import)), (Format::ChatMessages, [0; 4]));
    assert_eq!(
        each(&import, "message.created", "content_md"),
        json!(["What is 2 + 2?", "Four.", ""])
    );
}

#[test]
fn jaeger_tempo_and_plain_spans_become_what_the_telemetry_door_makes_of_them() {
    let jaeger = read("jaeger.json");
    assert_eq!((jaeger.format, calls(&jaeger)), (Format::JaegerJson, [1, 1, 1, 0]));
    assert_eq!(tokens(&jaeger), [100, 5, 0, 0]);
    assert_eq!(each(&jaeger, "tool.failed", "message"), json!(["no such parcel"]));
    assert_eq!(each(&jaeger, "span.recorded", "name"), json!(["GET"]));
    let tempo = read("tempo.json");
    let trace_ids = each(&tempo, "span.recorded", "trace_id");
    assert_eq!(trace_ids, json!(["000102030405060708090a0b0c0d0e0f"]));
    let spans = read("spans.json");
    assert_eq!((spans.format, tokens(&spans)), (Format::SpanList, [30, 4, 0, 0]));
    let dialects = spans.translated.iter().map(|it| it.draft.origin.dialect.as_ref().unwrap());
    assert!(dialects.into_iter().all(|dialect| dialect.as_str() == "otlp"));
}

#[test]
fn an_otlp_export_names_the_item_that_is_none() {
    let import = import("otlp.jsonl", &file("otlp.jsonl")).unwrap();
    assert_eq!((import.format, calls(&import)), (Format::OtlpJson, [1, 0, 0, 0]));
    assert_eq!(told(&import, "log_record.reported").len(), 1);
    let [fault] = import.faults.as_slice() else { panic!("{:?}", import.faults) };
    assert_eq!(fault.line, 3);
    assert!(fault.reason.to_string().contains("traceId"), "{}", fault.reason);
}

fn names() -> Vec<String> {
    let entries = std::fs::read_dir(folder()).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn totals_of(events: &[Translated]) -> Totals {
    Totals::from_events(events.iter().map(|translated| {
        let draft = &translated.draft;
        let run_id = draft.scope.run_id.as_ref().map_or("", |run_id| run_id.as_str());
        (draft.event_type.as_str(), draft.data.as_str(), run_id, draft.occurred_at)
    }))
}

fn numbers(totals: &Totals) -> String {
    let mut comparable = totals.clone();
    (comparable.records, comparable.events, comparable.errors) = (0, 0, 0);
    comparable.to_json(&Default::default(), &PriceTable::builtin())
}

/// Stores events as a log does: a known id is a replay, and must have the known content.
#[derive(Default)]
struct Log {
    events: Vec<Translated>,
    known: BTreeMap<EventId, String>,
}

impl Log {
    /// Appends and returns how many were stored.
    fn append(&mut self, events: Vec<Translated>) -> usize {
        let before = self.events.len();
        for event in events {
            let (id, content) = (event.draft.event_id.unwrap(), event.draft.to_json());
            match self.known.get(&id) {
                Some(known) => assert_eq!(*known, content, "an idempotency conflict"),
                None => {
                    self.known.insert(id, content);
                    self.events.push(event);
                }
            }
        }
        self.events.len() - before
    }
}

#[test]
fn importing_again_or_after_growth_never_conflicts_and_keeps_the_totals() {
    for name in names() {
        let file = file(&name);
        let whole = import(&name, &file).unwrap();
        let mut log = Log::default();
        for piece in pieces(&file) {
            if detect(&file[..piece.end]) == Ok(whole.format) {
                log.append(import(&name, &file[..piece.end]).unwrap().translated);
            }
        }
        log.append(whole.translated.clone());
        assert_eq!(log.append(whole.translated), 0, "{name}: a second import stores nothing");
        assert_eq!(numbers(&totals_of(&log.events)), numbers(&whole.totals), "{name}");
    }
}

#[test]
fn every_format_of_documents_has_a_file_here() {
    let of_sessions = [
        Format::ClaudeCodeJsonl,
        Format::ClaudeCodeJson,
        Format::StreamJson,
        Format::HookLog,
        Format::StatusLine,
    ];
    let found: Vec<Format> = names().iter().map(|name| detect(&file(name)).unwrap()).collect();
    for format in Format::ALL.into_iter().filter(|format| !of_sessions.contains(format)) {
        assert!(found.contains(&format), "{format} has no file");
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { failure_persistence: None, ..Default::default() })]
    #[test]
    fn damaged_files_never_panic_and_both_routes_still_agree(
        name in proptest::sample::select(names()),
        wounds in proptest::collection::vec((0_usize..20_000, proptest::sample::select(b"\"{}[],:\\01ntx-.e\n \xff".to_vec())), 1..5),
    ) {
        let mut file = file(&name);
        for (at, byte) in wounds {
            let at = at % file.len();
            file[at] = byte;
        }
        if let Ok(import) = import(&name, &file) {
            proptest::prop_assert_eq!(numbers(&import.totals), numbers(&totals_of(&import.translated)));
        }
    }

    #[test]
    fn values_of_the_wrong_kind_never_panic(
        name in proptest::sample::select(names()),
        place in 0_usize..400,
        value in proptest::sample::select(vec![json!(null), json!([]), json!({}), json!(""), json!(-1), json!(1e300), json!("x"), json!([[{}]])]),
    ) {
        let texts: Vec<String> = pieces(&file(&name))
            .map(|piece| {
                let mut record: Value = serde_json::from_slice(piece.text).unwrap();
                let count = count_values(&record);
                replace(&mut record, &mut (place % count), &value);
                record.to_string()
            })
            .collect();
        if let Ok(import) = import(&name, texts.join("\n").as_bytes()) {
            proptest::prop_assert_eq!(numbers(&import.totals), numbers(&totals_of(&import.translated)));
        }
    }
}

fn count_values(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(count_values).sum(),
        Value::Object(members) => members.values().map(count_values).sum(),
        _ => 0,
    }
}

/// Puts another value in the place of the n-th one.
fn replace(value: &mut Value, place: &mut usize, other: &Value) -> bool {
    if *place == 0 {
        *value = other.clone();
        return true;
    }
    *place -= 1;
    match value {
        Value::Array(items) => items.iter_mut().any(|item| replace(item, place, other)),
        Value::Object(members) => members.values_mut().any(|item| replace(item, place, other)),
        _ => false,
    }
}
