//! What records become: agents, calls, messages, faults, and the promise that importing again,
//! or after the file has grown, is harmless.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking and says what it skipped"
)]

use std::collections::BTreeMap;
use std::path::Path;

use annals_core::dialect::transcripts::{
    DetectError, FaultReason, Format, Import, Totals, Translated, detect, import as import_for,
    pieces,
};
use annals_core::id::{EventId, WorkspaceId};
use annals_core::json::{as_str, member};
use annals_core::limits::EVENT_BYTES_MAX;
use annals_core::price::PriceTable;

/// A file for the workspace of tests.
fn import(name: &str, file: &[u8]) -> Result<Import, DetectError> {
    import_for(name, &WorkspaceId::parse("default").unwrap(), file)
}

fn file(name: &str) -> Vec<u8> {
    std::fs::read(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/transcripts").join(name),
    )
    .unwrap()
}

fn read(name: &str) -> Import {
    import(name, &file(name)).unwrap()
}

fn text(data: &str, name: &str) -> String {
    member(data, name).and_then(as_str).map(|text| text.into_owned()).unwrap_or_default()
}

/// The events of a type: the value of a member, and who acted.
fn told<'a>(import: &'a Import, event_type: &str, name: &str) -> Vec<(String, &'a str)> {
    let events = import.translated.iter().map(|translated| &translated.draft);
    events
        .filter(|draft| draft.event_type.as_str() == event_type)
        .map(|draft| (text(&draft.data, name), draft.actor.actor_id.as_str()))
        .collect()
}

fn totals_of<'a>(events: impl IntoIterator<Item = &'a Translated>) -> Totals {
    Totals::from_events(events.into_iter().map(|translated| {
        let draft = &translated.draft;
        let run_id = draft.scope.run_id.as_ref().unwrap();
        (draft.event_type.as_str(), draft.data.as_str(), run_id.as_str(), draft.occurred_at)
    }))
}

fn numbers(totals: &Totals) -> String {
    let mut comparable = totals.clone();
    (comparable.records, comparable.events, comparable.errors) = (0, 0, 0);
    comparable.to_json(&Default::default(), &PriceTable::builtin())
}

#[test]
fn parallel_sub_agents_are_told_apart_by_the_prompt_that_spawned_them() {
    let import = read("session.jsonl");
    let (unit, web) = ("claude-code/toolu_A", "claude-code/toolu_B");
    assert_eq!(
        told(&import, "agent.started", "name"),
        [("Look at web tests".to_owned(), web), ("Look at unit tests".to_owned(), unit),]
    );
    let calls = told(&import, "tool.invoked", "tool_call_id");
    assert!(calls.contains(&("toolu_A1".to_owned(), unit)), "{calls:?}");
    assert!(calls.contains(&("toolu_B1".to_owned(), web)), "{calls:?}");
    assert!(calls.contains(&("toolu_C".to_owned(), "claude-code")), "{calls:?}");
    assert_eq!(told(&import, "tool.failed", "tool_call_id"), [("toolu_B1".to_owned(), web)]);
    // Only the helper whose result came back has stopped.
    assert_eq!(told(&import, "agent.stopped", "agent_id"), [(unit.to_owned(), unit)]);
}

#[test]
fn a_message_in_many_lines_is_one_call_with_the_usage_of_its_last_line() {
    let import = read("session.jsonl");
    let of_first = |event_type| {
        told(&import, event_type, "model_call_id").iter().filter(|call| call.0 == "msg_1").count()
    };
    assert_eq!((of_first("model.invoked"), of_first("model.completed")), (1, 1));
    assert_eq!(import.totals.model_calls(), 6);
    assert_eq!(import.totals.tokens().output, 60 + 6 + 8 + 2 + 4);
    assert_eq!(numbers(&import.totals), numbers(&totals_of(&import.translated)));
}

#[test]
fn an_error_of_the_service_is_a_failed_call_that_costs_nothing() {
    let import = read("session.jsonl");
    assert_eq!(
        told(&import, "model.failed", "message"),
        [("API Error: 529 overloaded".to_owned(), "claude-code")]
    );
    assert_eq!(import.totals.model_calls_by_model()[&Some("<synthetic>")], 1);
    assert_eq!(import.totals.unpriced_model_calls(&PriceTable::builtin()), 0);
}

#[test]
fn a_broken_line_is_named_and_the_rest_goes_in() {
    let import = read("session.jsonl");
    let [fault] = import.faults.as_slice() else { panic!("{:?}", import.faults) };
    assert_eq!(fault.line, 15);
    assert!(matches!(fault.reason, FaultReason::Json(_)), "{}", fault.reason);
    assert_eq!((import.totals.records, import.totals.errors), (20, 1));
    assert_eq!(
        told(&import, "message.created", "content_md").last().unwrap().0,
        "Tests made green"
    );
}

#[test]
fn what_has_no_word_of_its_own_is_kept_whole_and_numbers_stay_as_written() {
    let import = read("session.jsonl");
    let events = || import.translated.iter().map(|translated| &translated.draft);
    let foreign = events().find(|draft| draft.event_type.as_str() == "foreign.event").unwrap();
    assert_eq!(foreign.origin.origin_type.as_deref(), Some("file-history-snapshot"));
    assert_eq!(text(&foreign.data, "messageId"), "u1");
    let fetch = events().find(|draft| draft.data.contains("toolu_C")).unwrap();
    assert_eq!(member(&fetch.data, "input"), Some(r#"{"url":"https://example.org/","n":1.50e+3}"#));
    let image = events().find(|draft| draft.data.contains("iVBORw0KGgo=")).unwrap();
    assert_eq!(image.event_type.as_str(), "message.created");
    let compacted = events().find(|draft| draft.data.contains("Conversation compacted")).unwrap();
    assert_eq!(
        compacted.origin.raw.as_deref(),
        Some(r#"{"compactMetadata":{"trigger":"auto","preTokens":155000}}"#)
    );
}

#[test]
fn a_run_starts_with_its_first_prompt_as_its_title() {
    let import = read("session.jsonl");
    let start = &import.translated[0].draft;
    assert_eq!(start.event_type.as_str(), "run.started");
    assert_eq!(text(&start.data, "title"), "Make the tests green");
    assert_eq!(text(&start.data, "cwd"), "/home/ada/app");
    assert_eq!(text(&start.data, "git_branch"), "main");
}

#[test]
fn a_sub_agent_in_a_file_of_its_own_is_the_one_that_the_session_names() {
    let (main, agent) = (read("main.jsonl"), read("agent-a46366b.jsonl"));
    let name = "claude-code/a46366b";
    assert_eq!(told(&main, "agent.started", "tool_call_id"), [("toolu_R".to_owned(), name)]);
    assert_eq!(told(&main, "agent.stopped", "agent_id"), [(name.to_owned(), name)]);
    assert_eq!(
        told(&agent, "message.created", "content_md").last().unwrap(),
        &("Fine.".to_owned(), name)
    );
    let run_of = |import: &Import| import.translated[0].draft.scope.run_id.clone();
    assert_eq!(run_of(&main), run_of(&agent));
}

#[test]
fn a_headless_run_ends_with_its_result_and_the_vendors_cost() {
    let import = read("headless.jsonl");
    assert_eq!(import.format, Format::StreamJson);
    assert_eq!(text(&import.translated[0].draft.data, "model"), "claude-opus-4-5-20251101");
    assert_eq!(
        told(&import, "run.failed", "message"),
        [("error_max_turns".to_owned(), "claude-code")]
    );
    assert_eq!(import.totals.vendor_cost_micros(), Some(12_346));
    assert_eq!(told(&import, "agent.started", "name"), [("Dig".to_owned(), "claude-code/toolu_T")]);
    assert_eq!(import.totals.tool_calls_open(), 1);
    let report = import.translated.last().unwrap();
    assert_eq!(member(&report.draft.data, "cost_usd"), Some("0.0123455"));
    assert_eq!(numbers(&import.totals), numbers(&totals_of(&import.translated)));
}

#[test]
fn hook_payloads_without_ids_pair_up_across_their_files() {
    let (pre, post) = (read("pre_tool_use.json"), read("post_tool_use.json"));
    let ids = |import: &Import, event_type| -> Vec<String> {
        told(import, event_type, "tool_call_id").into_iter().map(|(id, _)| id).collect()
    };
    let (before, after) = (ids(&pre, "tool.invoked"), ids(&post, "tool.succeeded"));
    assert_eq!(after, [before[0].clone(), before[1].clone(), before[3].clone()]);
    let mut total = pre.totals.clone();
    total.add(&post.totals);
    assert_eq!((total.tool_calls(), total.tool_calls_open(), total.sessions()), (4, 1, 1));
    // Both files begin the session with the same words, so it is begun once.
    assert_eq!(pre.translated[0].draft, post.translated[0].draft);
}

#[test]
fn hook_events_have_their_types_and_no_invented_time() {
    let import = read("hooks.jsonl");
    let types: Vec<&str> =
        import.translated.iter().map(|translated| translated.draft.event_type.as_str()).collect();
    assert_eq!(
        types,
        [
            "run.started",
            "message.created",
            "agent.notified",
            "agent.notified",
            "agent.started",
            "tool.invoked",
            "tool.failed",
            "agent.stopped",
            "agent.notified",
            "foreign.event",
            "agent.stopped",
            "run.completed",
        ]
    );
    assert_eq!(
        told(&import, "agent.started", "agent_type"),
        [("Explore".to_owned(), "claude-code/a1")]
    );
    assert_eq!(
        told(&import, "tool.failed", "message"),
        [("no such file".to_owned(), "claude-code/a1")]
    );
    let (last, rest) = import.translated.split_last().unwrap();
    assert!(rest.iter().all(|translated| translated.draft.occurred_at.is_none()));
    assert_eq!(last.draft.origin.time.as_deref(), Some("2026-03-04T08:00:00Z"));
    // Two notifications that say the same are two facts.
    let ids: Vec<Option<EventId>> =
        import.translated.iter().map(|translated| translated.draft.event_id).collect();
    assert_ne!(ids[2], ids[3]);
}

#[test]
fn a_session_that_copies_its_history_counts_a_message_once_in_the_total() {
    let (first, resumed) = (read("session.jsonl"), read("resumed.jsonl"));
    let mut total = first.totals.clone();
    total.add(&resumed.totals);
    assert_eq!(
        (first.totals.model_calls(), resumed.totals.model_calls(), total.model_calls()),
        (6, 2, 7)
    );
    assert_eq!(total.tokens().output, first.totals.tokens().output + 3);
    assert_eq!(total.sessions(), 2);
    assert_eq!(
        numbers(&total),
        numbers(&totals_of(first.translated.iter().chain(&resumed.translated)))
    );
}

#[test]
fn an_event_over_the_limit_is_reported_with_its_line_and_not_cut() {
    let long = "x".repeat(EVENT_BYTES_MAX);
    let file = format!(
        "{{\"type\":\"user\",\"sessionId\":\"s\",\"message\":{{\"content\":\"{long}\"}}}}\n{{\"type\":\"summary\",\"summary\":\"t\"}}\n"
    );
    let import = import("large.jsonl", file.as_bytes()).unwrap();
    let [fault] = import.faults.as_slice() else { panic!("{:?}", import.faults.len()) };
    assert_eq!(fault.line, 1);
    let FaultReason::EventTooLarge { event_type, byte_count, byte_count_max } = &fault.reason
    else {
        panic!("{}", fault.reason)
    };
    assert_eq!(event_type, "message.created");
    assert!(byte_count > byte_count_max);
    assert_eq!(told(&import, "message.created", "content_md"), [("t".to_owned(), "claude-code")]);
}

#[test]
fn a_file_without_a_session_is_one_run_that_keeps_its_name_as_the_file_grows() {
    let line = "{\"type\":\"user\",\"message\":{\"content\":\"hi\"}}\n";
    let run_of = |name: &str, file: &str| {
        import(name, file.as_bytes())
            .unwrap()
            .translated
            .last()
            .unwrap()
            .draft
            .scope
            .run_id
            .clone()
            .unwrap()
    };
    let run_id = run_of("a.jsonl", line);
    assert!(run_id.as_str().starts_with("transcript-"));
    assert_eq!(run_of("a.jsonl", &line.repeat(500)), run_id);
    assert_ne!(run_of("b.jsonl", line), run_id);
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
            let content = event.draft.to_json();
            match self.known.get(&event.draft.event_id.unwrap()) {
                Some(known) => assert_eq!(*known, content, "an idempotency conflict"),
                None => {
                    self.known.insert(event.draft.event_id.unwrap(), content);
                    self.events.push(event);
                }
            }
        }
        self.events.len() - before
    }
}

fn check_import_again_and_grown(name: &str, file: &[u8]) {
    let whole = import(name, file).unwrap();
    let mut log = Log::default();
    let ends: Vec<usize> = pieces(file).map(|piece| piece.end).collect();
    let step = (ends.len() / 7).max(1);
    for end in ends.iter().step_by(step) {
        if detect(&file[..*end]).is_ok() {
            log.append(import(name, &file[..*end]).unwrap().translated);
        }
    }
    log.append(whole.translated.clone());
    assert_eq!(log.append(whole.translated), 0, "{name}: a second import stores nothing");
    assert_eq!(numbers(&totals_of(&log.events)), numbers(&whole.totals), "{name}");
}

#[test]
fn importing_again_or_after_growth_never_conflicts_and_keeps_the_totals() {
    for name in [
        "session.jsonl",
        "resumed.jsonl",
        "main.jsonl",
        "agent-a46366b.jsonl",
        "headless.jsonl",
        "hooks.jsonl",
        "pre_tool_use.json",
    ] {
        check_import_again_and_grown(name, &file(name));
    }
}

#[test]
fn real_files_can_be_imported_while_they_grow() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/agent-runs");
    for path in [
        "connix-labs+connix/logs/chat.json",
        "connix-labs+connix/logs/pre_tool_use.json",
        "d-kimuson+claude-code-viewer/fe5e1c67-53e7-4862-81ae-d0e013e3270b.jsonl",
        "daaain+claude-code-log/edge_cases.jsonl",
        "JoshuaOliphant+mochi_donut/1ab19b6b/step9-web-ui/cc_raw_output.jsonl",
        "rbrady+federal-magic-plugin/logs/status_line.json",
    ] {
        match std::fs::read(data.join(path)) {
            Ok(file) => check_import_again_and_grown(path.rsplit('/').next().unwrap(), &file),
            Err(_) => println!("skipped: {path} is not there"),
        }
    }
}

#[test]
fn a_title_is_the_first_thing_that_the_user_asked() {
    let note = r#"{"type":"user","sessionId":"s","isMeta":true,"timestamp":"2026-01-01T00:00:00Z","uuid":"1","message":{"content":"Caveat: The messages below were generated by the user"}}"#;
    let helper = r#"{"type":"user","sessionId":"s","isSidechain":true,"uuid":"2","message":{"content":"Help"}}"#;
    let command = r#"{"type":"user","sessionId":"s","uuid":"3","timestamp":"2026-01-01T00:00:09Z","message":{"content":"<command-name>/fix</command-name>\n<command-args>the build</command-args>"}}"#;
    let title_of = |lines: &[&str]| {
        let import = import("t.jsonl", lines.join("\n").as_bytes()).unwrap();
        let start = &import.translated[0].draft;
        (text(&start.data, "title"), start.occurred_at.map(|at| at.to_string()))
    };
    let first = Some("2026-01-01T00:00:00.000000Z".to_owned());
    assert_eq!(title_of(&[note, command]), ("/fix the build".to_owned(), first));
    assert_eq!(title_of(&[helper, command]), (String::new(), None));
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { failure_persistence: None, ..Default::default() })]
    #[test]
    fn damaged_files_never_panic_and_both_routes_still_agree(
        name in proptest::sample::select(vec!["session.jsonl", "headless.jsonl", "hooks.jsonl", "pre_tool_use.json", "main.jsonl"]),
        wounds in proptest::collection::vec((0_usize..10_000, proptest::sample::select(b"\"{}[],:\\01ntx\n \xff".to_vec())), 1..6),
    ) {
        let mut file = file(name);
        for (at, byte) in wounds {
            let at = at % file.len();
            file[at] = byte;
        }
        if let Ok(import) = import(name, &file) {
            proptest::prop_assert_eq!(numbers(&import.totals), numbers(&totals_of(&import.translated)));
        }
    }
}
