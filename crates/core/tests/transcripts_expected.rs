//! Real transcripts against totals that were counted by somebody else, over both routes:
//! counted while reading, and counted from the events.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking and says what it skipped"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use annals_core::dialect::transcripts::{Import, Totals, Translated, import};
use annals_core::id::WorkspaceId;
use annals_core::time::Timestamp;
use serde_json::Value;

/// Files of the data folder of other programs; see `documents_expected.rs`.
const OTHER_FORMATS: [&str; 14] = [
    "OpenHands",
    "SWE-agent",
    "langfuse",
    "agentevals",
    "tau-bench",
    "codex",
    "gemini",
    "ag2ai",
    "statusline-test",
    "strands",
    "open-telemetry",
    "custom_summary",
    "opentelemetry",
    "sample_session.json",
];

fn data_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data")
}

fn expected() -> Option<BTreeMap<String, Value>> {
    let path = data_dir().join("agent-runs/EXPECTED.json");
    let Ok(text) = std::fs::read_to_string(&path) else {
        println!("skipped: {} is not there", path.display());
        return None;
    };
    Some(serde_json::from_str(&text).unwrap())
}

fn relevant(expected: &BTreeMap<String, Value>) -> impl Iterator<Item = (&str, &Value)> {
    expected.iter().map(|(path, wanted)| (path.as_str(), wanted)).filter(|(path, _)| {
        !OTHER_FORMATS
            .iter()
            .any(|other| path.contains(other) && !path.ends_with("sample_session.jsonl"))
    })
}

fn read(path: &str) -> Import {
    let file = std::fs::read(data_dir().join(path)).unwrap();
    let name = Path::new(path).file_name().unwrap().to_str().unwrap();
    let workspace_id = WorkspaceId::parse("default").unwrap();
    import(name, &workspace_id, &file).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The totals as the events tell them.
fn told_by(translated: &[Translated]) -> Totals {
    Totals::from_events(translated.iter().map(|translated| {
        let draft = &translated.draft;
        let run_id = draft.scope.run_id.as_ref().unwrap();
        (draft.event_type.as_str(), draft.data.as_str(), run_id.as_str(), draft.occurred_at)
    }))
}

fn count(value: &Value, name: &str) -> usize {
    usize::try_from(value[name].as_u64().unwrap()).unwrap()
}

fn at(value: &Value) -> Option<Timestamp> {
    value.as_str().map(|text| Timestamp::parse(text).unwrap().at)
}

fn check_transcript(path: &str, wanted: &Value, totals: &Totals) {
    assert_eq!(totals.sessions(), wanted["sessions"].as_array().unwrap().len(), "{path}: sessions");
    assert_eq!(totals.model_calls(), count(wanted, "llm_messages_unique"), "{path}: model calls");
    for (model, calls) in wanted["models"].as_object().unwrap() {
        let model = Some(model.as_str()).filter(|model| *model != "None");
        let found = totals.model_calls_by_model().get(&model).copied();
        assert_eq!(
            found,
            Some(usize::try_from(calls.as_u64().unwrap()).unwrap()),
            "{path}: {model:?}"
        );
    }
    assert_eq!(totals.tool_calls(), count(wanted, "tool_use_total"), "{path}: tool calls");
    assert_eq!(totals.tool_errors(), count(wanted, "tool_errors"), "{path}: tool errors");
    assert_eq!(
        totals.tool_calls_open(),
        count(wanted, "tool_use_without_result"),
        "{path}: open tool calls"
    );
    let tokens = &wanted["tokens_dedup_by_message_id_last"];
    let token = |name: &str| tokens[name].as_u64().unwrap_or(0);
    let found = totals.tokens();
    assert_eq!(found.input, token("input_tokens"), "{path}: input");
    assert_eq!(found.output, token("output_tokens"), "{path}: output");
    assert_eq!(found.cache_read, token("cache_read_input_tokens"), "{path}: cache read");
    assert_eq!(found.cache_write, token("cache_creation_input_tokens"), "{path}: cache write");
    assert_eq!(totals.first(), at(&wanted["first"]), "{path}: first");
    assert_eq!(totals.last(), at(&wanted["last"]), "{path}: last");
    let cost = wanted["result"]["total_cost_usd"].as_f64().map(micros);
    if cost.is_some() {
        assert_eq!(totals.vendor_cost_micros(), cost, "{path}: vendor cost");
    }
}

fn micros(dollars: f64) -> i64 {
    format!("{:.0}", dollars * 1e6).parse().unwrap()
}

fn check_hook_log(path: &str, wanted: &Value, totals: &Totals) {
    assert_eq!(
        totals.sessions(),
        wanted["by_session"].as_object().unwrap().len(),
        "{path}: sessions"
    );
    let tools = wanted["tools"].as_object().into_iter().flatten();
    let tool_calls: u64 = tools.map(|(_, calls)| calls.as_u64().unwrap()).sum();
    assert_eq!(totals.tool_calls() as u64, tool_calls, "{path}: tool calls");
    assert_eq!((totals.model_calls(), totals.tool_errors()), (0, 0), "{path}");
    let is_pre = path.ends_with("pre_tool_use.json");
    assert_eq!(
        totals.tool_calls_open(),
        if is_pre { totals.tool_calls() } else { 0 },
        "{path}: open"
    );
    if let Some(costs) = wanted["max_cost_usd_by_session"].as_object() {
        let cost: i64 = costs.values().map(|cost| micros(cost.as_f64().unwrap())).sum();
        assert_eq!(totals.vendor_cost_micros(), Some(cost), "{path}: vendor cost");
    }
}

#[test]
fn transcripts_give_the_totals_that_were_counted_by_hand_over_both_routes() {
    let Some(expected) = expected() else { return };
    let mut file_count = 0;
    for (path, wanted) in relevant(&expected) {
        let read = read(path);
        let told = told_by(&read.translated);
        assert_eq!(read.totals.records, wanted["records"].as_u64().unwrap(), "{path}: records");
        assert_eq!(read.totals.events, told.events, "{path}: events");
        let check =
            if wanted["by_session"].is_object() { check_hook_log } else { check_transcript };
        check(path, wanted, &read.totals);
        check(path, wanted, &told);
        assert_eq!(
            read.totals.vendor_cost_micros(),
            told.vendor_cost_micros(),
            "{path}: vendor cost"
        );
        file_count += 1;
    }
    assert_eq!(file_count, 36, "every Claude Code file of the folder");
}

#[test]
fn the_total_of_all_files_is_that_of_all_their_events() {
    let Some(expected) = expected() else { return };
    let mut read_totals = Totals::default();
    let mut translated = Vec::new();
    for (path, _) in relevant(&expected) {
        let read = read(path);
        read_totals.add(&read.totals);
        translated.extend(read.translated);
    }
    let mut seen = std::collections::BTreeSet::new();
    translated.retain(|translated| seen.insert(translated.draft.event_id));
    let told = told_by(&translated);
    assert_eq!(read_totals.sessions(), told.sessions());
    assert_eq!(read_totals.model_calls(), told.model_calls());
    assert_eq!(read_totals.tokens(), told.tokens());
    assert_eq!(read_totals.tool_calls(), told.tool_calls());
    assert_eq!(read_totals.tool_errors(), told.tool_errors());
    assert_eq!(read_totals.tool_calls_open(), told.tool_calls_open());
    assert_eq!(read_totals.vendor_cost_micros(), told.vendor_cost_micros());
    assert_eq!((read_totals.first(), read_totals.last()), (told.first(), told.last()));
}

#[test]
fn a_record_that_no_event_holds_is_reported_and_little_is_left_over() {
    let Some(expected) = expected() else { return };
    let (mut raw_bytes, mut file_bytes) = (0, 0);
    for (path, _) in relevant(&expected) {
        let read = read(path);
        file_bytes += std::fs::metadata(data_dir().join(path)).unwrap().len();
        raw_bytes += read
            .translated
            .iter()
            .filter_map(|it| it.draft.origin.raw.as_ref())
            .map(String::len)
            .sum::<usize>() as u64;
        let faulty = if path.ends_with("edge_cases.jsonl") { 3 } else { 0 };
        assert_eq!(read.faults.len(), faulty, "{path}: {:?}", read.faults);
    }
    println!("origin.raw holds {raw_bytes} of {file_bytes} bytes");
    assert!(raw_bytes * 10 <= file_bytes, "origin.raw holds {raw_bytes} of {file_bytes} bytes");
}

#[test]
fn every_event_of_a_real_file_is_one_that_the_native_door_takes() {
    let Some(expected) = expected() else { return };
    let dialect = annals_core::id::DialectName::parse("transcripts").unwrap();
    for (path, _) in relevant(&expected) {
        for translated in read(path).translated {
            let json = translated.draft.to_json();
            let checked = annals_core::json::Json::parse(json.as_bytes())
                .unwrap_or_else(|error| panic!("{path}:{}: {error}: {json}", translated.line));
            assert_eq!(checked.as_str(), json, "{path}: an event is compact");
            let strictness = annals_core::envelope::Strictness::Translated(&dialect);
            let parsed = annals_core::envelope::Draft::parse(&json, strictness).unwrap();
            assert_eq!(parsed, translated.draft, "{path}:{}", translated.line);
        }
    }
}

/// Words that a record's place in an event says, so that they are not repeated.
const IMPLIED: [&str; 12] = [
    "message",
    "assistant",
    "user",
    "text",
    "tool_use",
    "tool_result",
    "thinking",
    "system",
    "result",
    "PreToolUse",
    "PostToolUse",
    "SubagentStart",
];

/// The strings and numbers of a value; what a message's later line says of usage again is left out.
fn leaves<'v>(value: &'v Value, found: &mut Vec<String>, name: &'v str) {
    match value {
        Value::String(text) if !IMPLIED.contains(&text.as_str()) => found.push(text.clone()),
        Value::Number(number) => found.push(number.to_string()),
        Value::Array(items) => items.iter().for_each(|item| leaves(item, found, name)),
        Value::Object(members) if name != "usage" => {
            members.iter().for_each(|(name, value)| leaves(value, found, name));
        }
        _ => {}
    }
}

#[test]
fn everything_that_a_record_says_is_in_some_event() {
    let Some(expected) = expected() else { return };
    for (path, _) in relevant(&expected) {
        let file = std::fs::read(data_dir().join(path)).unwrap();
        let mut told = Vec::new();
        for translated in read(path).translated {
            leaves(&serde_json::from_str(&translated.draft.to_json()).unwrap(), &mut told, "");
        }
        let told: std::collections::HashSet<String> = told.into_iter().collect();
        for piece in annals_core::dialect::transcripts::pieces(&file) {
            let mut said = Vec::new();
            let record: Value = serde_json::from_slice(piece.text).unwrap();
            if record.is_object() {
                leaves(&record, &mut said, "");
            }
            let is_told = |leaf: &&String| {
                let at = Timestamp::parse(leaf).map(|parsed| parsed.at.to_string());
                let agent = format!("claude-code/{leaf}");
                told.contains(*leaf)
                    || told.contains(&agent)
                    || at.is_ok_and(|at| told.contains(&at))
            };
            let lost: Vec<&String> = said.iter().filter(|leaf| !is_told(leaf)).collect();
            assert!(lost.is_empty(), "{path}:{}: {lost:?}", piece.line);
        }
    }
}
