//! Real run records of other programs than Claude Code against totals that were counted by somebody
//! else, and what holds of every file that is imported: nothing it says is lost.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking and says what it skipped"
)]

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Path, PathBuf};

use annals_core::dialect::transcripts::{
    DetectError, Format, Import, Totals, Translated, detect, import as import_for, pieces,
};
use annals_core::id::WorkspaceId;
use annals_core::time::Timestamp;
use serde_json::{Value, json};

/// A file for the workspace of tests.
fn import(name: &str, file: &[u8]) -> Result<Import, DetectError> {
    import_for(name, &WorkspaceId::parse("default").unwrap(), file)
}

/// The folder of real runs; none where it is not there, which is said.
fn runs_dir() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/agent-runs");
    if !root.join("EXPECTED.json").exists() {
        println!("skipped: {} is not there", root.display());
        return None;
    }
    Some(root)
}

/// What was counted of the files whose path holds a word, by the path below the folder.
fn expected(root: &Path, word: &str) -> Vec<(String, Value)> {
    let text = std::fs::read_to_string(root.join("EXPECTED.json")).unwrap();
    let all: BTreeMap<String, Value> = serde_json::from_str(&text).unwrap();
    let of_folder = |path: String| path.strip_prefix("agent-runs/").map(str::to_owned);
    let found: Vec<(String, Value)> = all
        .into_iter()
        .filter_map(|(path, wanted)| Some((of_folder(path)?, wanted)))
        .filter(|(path, _)| path.contains(word))
        .collect();
    assert!(!found.is_empty(), "nothing is expected of {word}");
    found
}

fn read(root: &Path, path: &str) -> Import {
    let file = std::fs::read(root.join(path)).unwrap();
    let name = Path::new(path).file_name().unwrap().to_str().unwrap();
    let import = import(name, &file).unwrap_or_else(|error| panic!("{path}: {error}"));
    assert!(import.faults.is_empty(), "{path}: {:?}", import.faults);
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

/// The same of one run.
fn told_of_run(import: &Import, run_id: &str, event_type: &str) -> Vec<Value> {
    let events = import.translated.iter().map(|translated| &translated.draft);
    events
        .filter(|draft| draft.event_type.as_str() == event_type)
        .filter(|draft| draft.scope.run_id.as_ref().is_some_and(|id| id.as_str() == run_id))
        .map(|draft| serde_json::from_str(&draft.data).unwrap())
        .collect()
}

fn counted<'v>(names: impl IntoIterator<Item = &'v Value>) -> Value {
    let mut counts = BTreeMap::<String, u64>::new();
    for name in names {
        *counts.entry(name.as_str().unwrap().to_owned()).or_default() += 1;
    }
    json!(counts)
}

fn micros(dollars: &Value) -> i64 {
    format!("{:.0}", dollars.as_f64().unwrap() * 1e6).parse().unwrap()
}

fn count(value: &Value, name: &str) -> u64 {
    value[name].as_u64().unwrap_or_else(|| panic!("{name} in {value}"))
}

#[test]
fn openhands_runs_have_their_actions_calls_and_tokens() {
    let Some(root) = runs_dir() else { return };
    for (path, wanted) in expected(&root, "OpenHands") {
        let import = read(&root, &path);
        let wanted = wanted.as_array().unwrap();
        assert_eq!(import.totals.sessions(), wanted.len());
        let started = told(&import, "run.started");
        for (run, start) in wanted.iter().zip(&started) {
            assert_eq!(start["title"], run["instance"]);
            let run_id = start["run_id"].as_str().unwrap();
            let of_type = |event_type: &str| told_of_run(&import, run_id, event_type);
            let calls = of_type("model.completed");
            assert_eq!(calls.len() as u64, count(run, "llm_calls"));
            let sum = |member: &str| -> u64 {
                calls.iter().filter_map(|call| call["usage"][member].as_u64()).sum()
            };
            assert_eq!(sum("input_tokens") + sum("cache_read_tokens"), count(run, "prompt_tokens"));
            assert_eq!(sum("output_tokens"), count(run, "completion_tokens"));
            let latency: f64 = calls.iter().filter_map(|call| call["latency_s"].as_f64()).sum();
            assert!((latency - run["latency_sum"].as_f64().unwrap()).abs() < 0.01);
            check_openhands_history(run, &of_type);
            let (failed, completed) = (of_type("run.failed"), of_type("run.completed"));
            assert_eq!(
                (failed.len(), completed.len()),
                if run["error"].is_null() { (0, 1) } else { (1, 0) }
            );
            assert_eq!(failed.first().map_or(&Value::Null, |end| &end["message"]), &run["error"]);
        }
        // No price was known to the program, and that is not a price of 0.
        assert_eq!(import.totals.vendor_cost_micros(), None);
    }
}

fn check_openhands_history(run: &Value, of_type: &dyn Fn(&str) -> Vec<Value>) {
    let actions = |name: &str| run["actions"][name].as_u64().unwrap_or(0);
    let by_tool = ["run", "read", "edit", "think"].iter().map(|name| actions(name)).sum::<u64>();
    assert_eq!(of_type("tool.invoked").len() as u64, by_tool);
    let observed = |name: &str| run["observations"][name].as_u64().unwrap_or(0);
    let ended = of_type("tool.succeeded").len() + of_type("tool.failed").len();
    let by_observation: u64 =
        ["run", "read", "edit", "think"].iter().map(|name| observed(name)).sum();
    assert_eq!(ended as u64, by_observation);
    assert_eq!(of_type("memory.recalled").len() as u64, actions("recall"));
    assert_eq!(of_type("error.reported").len() as u64, observed("error"));
    let prompts = of_type("message.created");
    let prompts = prompts.iter().filter(|message| message["kind"] == "prompt").count();
    assert_eq!(prompts as u64, actions("message"));
}

#[test]
fn swe_agent_trajectories_have_their_steps_status_and_times() {
    let Some(root) = runs_dir() else { return };
    for (path, wanted) in expected(&root, "SWE-agent+SWE-agent") {
        let import = read(&root, &path);
        assert_eq!(import.format, Format::SweAgent, "{path}");
        if wanted["steps"].is_null() {
            assert_eq!(import.totals.tool_calls_open(), 0, "{path}");
            assert_eq!(import.totals.tool_calls(), 5, "{path}");
            continue;
        }
        assert_eq!(import.totals.tool_calls() as u64, count(&wanted, "steps"), "{path}");
        assert_eq!(import.totals.tool_calls_open(), 0, "{path}");
        let stats = &wanted["model_stats"];
        assert_eq!(import.totals.model_calls() as u64, count(stats, "api_calls"), "{path}");
        let tokens = import.totals.tokens();
        assert_eq!(
            (tokens.input, tokens.output),
            (count(stats, "tokens_sent"), count(stats, "tokens_received")),
            "{path}"
        );
        let results = told(&import, "tool.succeeded");
        let seconds: f64 = results.iter().filter_map(|end| end["execution_time_s"].as_f64()).sum();
        assert!((seconds - wanted["exec_time_sum"].as_f64().unwrap()).abs() < 0.01, "{path}");
        assert_eq!(
            told(&import, "run.completed")[0]["exit_status"],
            wanted["exit_status"],
            "{path}"
        );
        assert_eq!(&told(&import, "usage.reported")[0]["model_stats"], stats, "{path}");
    }
}

#[test]
fn langfuse_exports_have_their_observations_tokens_and_cost() {
    let Some(root) = runs_dir() else { return };
    for (path, wanted) in expected(&root, "langfuse") {
        let import = read(&root, &path);
        let calls = told(&import, "model.completed");
        let tools = told(&import, "tool.succeeded");
        let agents = told(&import, "agent.stopped");
        let spans = told(&import, "span.recorded");
        let mut types: Vec<Value> = spans.iter().map(|span| span["kind"].clone()).collect();
        types.extend(calls.iter().map(|_| json!("GENERATION")));
        types.extend(tools.iter().map(|_| json!("TOOL")));
        types.extend(agents.iter().map(|_| json!("AGENT")));
        assert_eq!(counted(&types), wanted["types"], "{path}: types");
        assert_eq!(types.len() as u64, count(&wanted, "observations"), "{path}: observations");
        let failed = told(&import, "model.failed").len() + told(&import, "tool.failed").len();
        assert_eq!(failed as u64, count(&wanted, "errors"), "{path}: errors");
        let models: BTreeSet<&str> =
            calls.iter().filter_map(|call| call["model"].as_str()).collect();
        assert_eq!(json!(models), wanted["models"], "{path}: models");
        let tokens = import.totals.tokens();
        let prompt = tokens.input + tokens.cache_read + tokens.cache_write;
        assert_eq!(prompt, count(&wanted, "input_tokens"), "{path}: input");
        assert_eq!(tokens.output, count(&wanted, "output_tokens"), "{path}: output");
        let cost = import.totals.vendor_cost_micros().unwrap();
        // Its dollars are rounded to eight places; ours are added as they are written.
        assert!((cost - micros(&wanted["total_cost"])).abs() <= 1, "{path}: cost {cost}");
        assert_eq!(told(&import, "run.started")[0]["title"], wanted["trace"], "{path}: name");
        assert_eq!(orphans(&import), count(&wanted, "orphans"), "{path}: orphans");
    }
}

/// Observations whose parent is not there.
fn orphans(import: &Import) -> u64 {
    let mut ids = HashSet::new();
    let mut parents = Vec::new();
    for translated in &import.translated {
        let data: Value = serde_json::from_str(&translated.draft.data).unwrap();
        for name in ["span_id", "model_call_id", "tool_call_id"] {
            ids.extend(data[name].as_str().map(str::to_owned));
        }
        parents.extend(data["parent_span_id"].as_str().map(str::to_owned));
    }
    parents.iter().filter(|parent| !ids.contains(*parent)).count() as u64
}

#[test]
fn jaeger_and_tempo_exports_have_their_spans_calls_and_tokens() {
    let Some(root) = runs_dir() else { return };
    for (path, wanted) in expected(&root, "agentevals") {
        let import = read(&root, &path);
        assert_eq!(import.format, Format::JaegerJson, "{path}");
        let ends = ends_of_spans(&import);
        let spans: BTreeSet<&str> = ends.iter().filter_map(|end| end["span_id"].as_str()).collect();
        assert_eq!(spans.len() as u64, count(&wanted, "spans"), "{path}: spans");
        let traces: BTreeSet<&str> =
            ends.iter().filter_map(|end| end["trace_id"].as_str()).collect();
        assert_eq!(traces.len() as u64, count(&wanted, "traces"), "{path}: traces");
        assert_eq!(told(&import, "agent.started").len() as u64, count(&wanted, "invoke_agent"));
        let tools = wanted["execute_tool"].as_array().unwrap();
        assert_eq!(import.totals.tool_calls(), tools.len(), "{path}: tool calls");
        // Two spans tell of each call; the tokens of one of them are counted.
        assert_eq!(import.totals.model_calls() as u64, count(&wanted, "call_llm"), "{path}");
        let tokens = import.totals.tokens();
        // What came from the cache is a part of the prompt, and counted apart.
        let prompt = tokens.input + tokens.cache_read;
        assert_eq!(prompt, count(&wanted, "input_tokens_call_llm"), "{path}: input");
        assert_eq!(tokens.cache_read, 1792, "{path}: cache read");
        assert_eq!(tokens.output, count(&wanted, "output_tokens_call_llm"), "{path}: output");
        let failed = told(&import, "span.recorded");
        let failed = failed.iter().filter(|span| span["status"]["code"] == 2).count();
        assert_eq!(failed as u64, count(&wanted, "errors"), "{path}: errors");
    }
    let tempo = read(&root, "agentevals-dev+agentevals/samples/tempo_export_with_batches.json");
    assert_eq!((tempo.format, ends_of_spans(&tempo).len()), (Format::TempoJson, 86));
}

/// What is told of each span at its end.
fn ends_of_spans(import: &Import) -> Vec<Value> {
    let ends = [
        "span.recorded",
        "model.completed",
        "model.failed",
        "tool.succeeded",
        "tool.failed",
        "agent.stopped",
        "run.completed",
        "run.failed",
        "step.completed",
    ];
    ends.iter().flat_map(|event_type| told(import, event_type)).collect()
}

#[test]
fn tau_bench_conversations_have_their_calls_messages_and_rewards() {
    let Some(root) = runs_dir() else { return };
    for (path, wanted) in expected(&root, "tau-bench") {
        let import = read(&root, &path);
        assert_eq!(import.totals.sessions() as u64, count(&wanted, "conversations"));
        assert_eq!(import.totals.tool_calls() as u64, count(&wanted, "tool_calls"));
        assert_eq!(import.totals.tool_calls_open(), 0);
        let calls = told(&import, "tool.invoked");
        assert_eq!(counted(calls.iter().map(|call| &call["tool_name"])), wanted["tools"]);
        let completed = told(&import, "run.completed").len() as u64;
        assert_eq!(completed, count(&wanted, "reward1"));
        let conversations = completed + told(&import, "run.failed").len() as u64;
        assert_eq!(conversations, count(&wanted, "conversations"));
        // Each message is a message, a call or a result; an answer that only calls says nothing else.
        let results = import.totals.tool_calls() as u64;
        let messages = told(&import, "message.created").len() as u64;
        let calls_alone = count(&wanted, "messages") - messages - results;
        assert!(calls_alone <= results, "{messages} messages, {results} results");
    }
}

/// All files below a folder, in order.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    let inside = |path: PathBuf| if path.is_dir() { files(&path) } else { vec![path] };
    entries.into_iter().flat_map(inside).collect()
}

/// The real files that are imported, with their bytes.
fn imported() -> Vec<(String, Vec<u8>, Import)> {
    let Some(root) = runs_dir() else { return Vec::new() };
    let read = |path: PathBuf| {
        let file = std::fs::read(&path).unwrap();
        let import = import(path.file_name().unwrap().to_str().unwrap(), &file).ok()?;
        Some((path.strip_prefix(&root).unwrap().display().to_string(), file, import))
    };
    files(&root).into_iter().filter_map(read).collect()
}

#[test]
fn what_is_not_imported_is_named() {
    let Some(root) = runs_dir() else { return };
    let refused: Vec<String> = files(&root)
        .into_iter()
        .filter_map(|path| {
            let error = detect(&std::fs::read(&path).unwrap()).err()?;
            let path = path.strip_prefix(&root).unwrap().display().to_string();
            let name = path.rsplit('/').next().unwrap();
            Some(match error {
                DetectError::Unsupported { what, .. } => format!("{name}: {what}"),
                DetectError::Empty | DetectError::Unknown => format!("{name}: {}", "?"),
            })
        })
        .collect();
    println!("{refused:#?}");
    let wanted = [
        "EXPECTED.json: ?",
        "results.json: a list of SWE-bench predictions",
        "eval_set_helm.json: a set of evaluation cases",
        "hook-payload-shapes.json: ?",
        "claude-opus-4-7_cassette.yaml: a cassette of recorded HTTP exchanges",
        "google_adk_load_skill.json: a set of dialogues by name",
        "strands_agent_skills.json: a set of dialogues by name",
    ];
    assert_eq!(refused, wanted);
}

#[test]
fn every_event_is_one_that_the_native_door_takes() {
    for (path, _, import) in imported() {
        for translated in import.translated {
            let dialect = translated.draft.origin.dialect.clone().unwrap();
            let json = translated.draft.to_json();
            let checked = annals_core::json::Json::parse(json.as_bytes())
                .unwrap_or_else(|error| panic!("{path}: {error}: {json}"));
            assert_eq!(checked.as_str(), json, "{path}: an event is compact");
            let strictness = annals_core::envelope::Strictness::Translated(&dialect);
            let parsed = annals_core::envelope::Draft::parse(&json, strictness).unwrap();
            assert_eq!(parsed, translated.draft, "{path}");
        }
    }
}

/// The totals as the events tell them.
fn told_by(translated: &[Translated]) -> Totals {
    Totals::from_events(translated.iter().map(|translated| {
        let draft = &translated.draft;
        // What is no fact of a run counts for none.
        let run_id = draft.scope.run_id.as_ref().map_or("", |run_id| run_id.as_str());
        (draft.event_type.as_str(), draft.data.as_str(), run_id, draft.occurred_at)
    }))
}

#[test]
fn both_routes_agree_and_importing_again_gives_the_same_events() {
    for (path, file, import_) in imported() {
        let told = told_by(&import_.translated);
        let (counted, found) = (&import_.totals, &told);
        assert_eq!(counted.tokens(), found.tokens(), "{path}");
        assert_eq!(counted.tool_calls(), found.tool_calls(), "{path}");
        assert_eq!(counted.tool_errors(), found.tool_errors(), "{path}");
        assert_eq!(counted.vendor_cost_micros(), found.vendor_cost_micros(), "{path}");
        let name = path.rsplit('/').next().unwrap();
        let again = import(name, &file).unwrap();
        assert_eq!(again.translated, import_.translated, "{path}");
        let ids: HashSet<_> = again.translated.iter().map(|it| it.draft.event_id).collect();
        assert_eq!(ids.len(), again.translated.len(), "{path}: every event has an id of its own");
    }
}

#[test]
fn little_is_left_over() {
    let mut by_format = BTreeMap::<&str, (usize, usize)>::new();
    for (_, file, import) in imported() {
        let (raw_bytes, file_bytes) = by_format.entry(import.format.as_str()).or_default();
        let raws = import.translated.iter().filter_map(|it| it.draft.origin.raw.as_ref());
        *raw_bytes += raws.map(String::len).sum::<usize>();
        *file_bytes += file.len();
    }
    for (format, (raw_bytes, file_bytes)) in by_format {
        println!("{format}: origin.raw holds {raw_bytes} of {file_bytes} bytes");
        assert!(raw_bytes * 10 <= file_bytes, "{format}: {raw_bytes} of {file_bytes} bytes");
    }
}

/// The strings and numbers of a value, and its names if they are wanted. A string that is JSON itself
/// says what is in it.
fn leaves(value: &Value, with_names: bool, found: &mut Vec<String>) {
    match value {
        Value::String(text) => match serde_json::from_str(text) {
            Ok(inner @ (Value::Object(_) | Value::Array(_))) => leaves(&inner, with_names, found),
            _ => found.push(text.clone()),
        },
        Value::Number(number) => found.push(number.to_string()),
        Value::Array(items) => items.iter().for_each(|item| leaves(item, with_names, found)),
        Value::Object(members) => {
            for (name, value) in members {
                // An end is told as a time, and what is between as a duration of its own.
                if with_names || !matches!(name.as_str(), "duration" | "processID" | "refType") {
                    leaves(value, with_names, found);
                }
                // Attributes are members of ours.
                if with_names {
                    found.extend(name.split('.').map(str::to_owned));
                    found.push(name.clone());
                }
            }
        }
        Value::Null | Value::Bool(_) => {}
    }
}

/// Words that the place of an entry in its event says, so that they are not repeated.
fn is_implied(leaf: &str) -> bool {
    const WORDS: &str = "assistant user system tool function text message agent human environment \
        action observation model gemini DEFAULT reasoning input_text output_text summary_text 0 {} \
        response_item int64 string bool UNSET OK ERROR error span.kind otel.status_code \
        otel.scope.name otel.scope.version agent_message in_progress";
    WORDS.split_whitespace().any(|word| word == leaf)
}

#[test]
fn everything_that_a_document_says_is_in_some_event() {
    for (path, file, import) in imported() {
        if told(&import, "run.started").iter().any(|start| start["source"] == "claude-code")
            && import.format != Format::WorkflowSummary
        {
            continue; // transcripts_expected.rs holds these to the same.
        }
        let mut told = Vec::new();
        for translated in &import.translated {
            leaves(&serde_json::from_str(&translated.draft.to_json()).unwrap(), true, &mut told);
        }
        let told: HashSet<String> = told.into_iter().collect();
        let is_time = |leaf: &str, unit: i64| {
            let number =
                leaf.parse::<i64>().ok().filter(|number| number / unit > 1_000_000_000_000_000);
            number.is_some_and(|number| {
                told.contains(&Timestamp::from_micros(number / unit).to_string())
            })
        };
        let is_told = |leaf: &String| {
            let at = Timestamp::parse(leaf).map(|parsed| parsed.at.to_string());
            told.contains(leaf)
                || is_implied(leaf)
                || at.is_ok_and(|at| told.contains(&at))
                || is_time(leaf, 1)
                || is_time(leaf, 1_000)
                || told.contains(&leaf.to_ascii_lowercase())
                || told.iter().any(|told| told.split('/').any(|part| part == leaf))
        };
        for piece in pieces(&file) {
            let mut said = Vec::new();
            leaves(&serde_json::from_slice(piece.text).unwrap(), false, &mut said);
            let lost: Vec<&String> = said.iter().filter(|leaf| !is_told(leaf)).collect();
            assert!(lost.is_empty(), "{path}:{}: {} lost: {lost:?}", piece.line, lost.len());
        }
    }
}
