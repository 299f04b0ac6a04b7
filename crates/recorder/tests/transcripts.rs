//! Real sessions through the whole recorder: the stored events and the views give the totals
//! of the files, and a second import stores nothing.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test stops at what it did not expect and says what it skipped"
)]

mod support;

use std::path::{Path, PathBuf};

use annals_core::dialect::transcripts::{DIALECT, Import, Totals, import};
use annals_core::event::Event;
use annals_core::id::{DialectName, Position, WorkspaceId};
use annals_core::json::member;
use annals_core::price::TokenUsage;
use annals_recorder::Recorder;
use annals_recorder::config::RecorderConfig;
use annals_recorder::request::{BatchAnswer, Door, EventResult};
use annals_recorder::views::{Run, RunsQuery, UsageGroup, UsageQuery};
use annals_store::query::{PageLimit, Query};
use support::request;

/// All files below a folder that this version can import.
fn importable(folder: &Path) -> Vec<(PathBuf, Import)> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let read = |path: PathBuf| {
        if path.is_dir() {
            return importable(&path);
        }
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let file = std::fs::read(&path).unwrap();
        let workspace_id = WorkspaceId::parse("default").unwrap();
        import(&name, &workspace_id, &file).map(|import| vec![(path, import)]).unwrap_or_default()
    };
    paths.into_iter().flat_map(read).collect()
}

fn inputs() -> Vec<(PathBuf, Import)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = importable(&root.join("../core/tests/fixtures/transcripts"));
    assert!(!files.is_empty());
    let shared = root.join("../../../shared/data/agent-runs");
    if shared.exists() {
        files.extend(importable(&shared));
    } else {
        println!("skipped: the real sessions in ../shared/data/agent-runs, which are not here");
    }
    files
}

/// Sends an import as the CLI does and counts what was kept and what had been kept.
async fn send(recorder: &Recorder, import: &Import) -> (usize, usize) {
    let lines: Vec<_> = import.translated.iter().map(|item| item.draft.to_json()).collect();
    let first = import.translated.first().and_then(|item| item.draft.origin.dialect.clone());
    let dialect = first.unwrap_or_else(|| DialectName::parse(DIALECT).unwrap());
    let (mut accepted, mut replayed) = (0, 0);
    for chunk in lines.chunks(500) {
        let mut request = request(recorder, chunk.join("\n"));
        request.door = Door::Translated(dialect.clone());
        let BatchAnswer::Many(results) = recorder.append(request).await.unwrap() else { panic!() };
        for result in results {
            match result {
                EventResult::Accepted(_) => accepted += 1,
                EventResult::Replayed(_) => replayed += 1,
                EventResult::Rejected(refusal) => panic!("{refusal}"),
            }
        }
    }
    (accepted, replayed)
}

fn stored(recorder: &Recorder) -> Vec<Event> {
    let mut query = Query::default();
    let mut events = Vec::new();
    loop {
        let page = recorder.log().scan(&query, PageLimit::events(1_000)).unwrap();
        events.extend(page.events);
        match page.next {
            Some(next) => query.after_position = next,
            None => return events,
        }
    }
}

fn totals_of(events: &[Event]) -> Totals {
    Totals::from_events(events.iter().map(|event| {
        let header = event.header();
        let occurred_at =
            (!header.server_filled.contains(annals_core::record::ServerFilled::OCCURRED_AT))
                .then_some(header.occurred_at);
        (header.event_type, event.data(), header.run_id.unwrap_or_default(), occurred_at)
    }))
}

/// Tokens of statements about parts of runs that no model call tells of: the views count them, and
/// the totals of a file count calls alone.
fn told_beside(events: &[Event]) -> TokenUsage {
    let is_of = |event: &Event, event_type: &str| event.header().event_type == event_type;
    let with_calls: Vec<_> = events
        .iter()
        .filter(|event| is_of(event, "model.completed"))
        .map(|event| event.header().run_id)
        .collect();
    let mut beside = TokenUsage::default();
    for event in events.iter().filter(|event| is_of(event, "usage.reported")) {
        let is_whole = member(event.data(), "scope") == Some("\"run\"");
        if is_whole || with_calls.contains(&event.header().run_id) {
            continue;
        }
        let usage = TokenUsage::from_json(member(event.data(), "usage").unwrap_or("{}"));
        beside.input += usage.input;
        beside.output += usage.output;
        beside.cache_read += usage.cache_read;
        beside.cache_write += usage.cache_write;
    }
    beside
}

async fn runs(recorder: &Recorder) -> Vec<Run> {
    recorder.views().wait_for(recorder.head().position).await;
    let query = RunsQuery {
        workspace_id: "default".to_owned(),
        now: recorder.clock().now(),
        status: None,
        agent_id: None,
        text: None,
        since: None,
        until: None,
        is_ascending: true,
        cursor: None,
        count_max: 1_000,
    };
    recorder.views().runs(&query).unwrap().rows
}

fn sum(runs: &[Run], value: impl Fn(&Run) -> i64) -> u64 {
    u64::try_from(runs.iter().map(value).sum::<i64>()).unwrap()
}

#[tokio::test]
async fn each_files_totals_come_out_of_the_stored_events_and_the_views() {
    for (path, import) in inputs() {
        let recorder = Recorder::open(RecorderConfig::in_memory()).unwrap();
        let (accepted, _) = send(&recorder, &import).await;
        let events = stored(&recorder);
        // A secret that was found in the file has a companion that tells of it.
        let is_companion = |event: &&Event| event.header().event_type.starts_with("secret.");
        let companion_count = events.iter().filter(is_companion).count();
        assert_eq!(events.len() - companion_count, accepted, "{}", path.display());
        let (wanted, found) = (&import.totals, totals_of(&events));
        assert_eq!(found.tokens(), wanted.tokens(), "{}", path.display());
        assert_eq!(found.vendor_cost_micros(), wanted.vendor_cost_micros(), "{}", path.display());
        let runs = runs(&recorder).await;
        let count = |value: usize| u64::try_from(value).unwrap();
        let name = path.display();
        assert_eq!(runs.len(), wanted.sessions().max(runs.len()), "{name}: sessions");
        assert_eq!(
            sum(&runs, |run| run.model_calls),
            count(wanted.model_calls()),
            "{name}: model calls"
        );
        assert_eq!(
            sum(&runs, |run| run.tool_calls),
            count(wanted.tool_calls()),
            "{name}: tool calls"
        );
        assert_eq!(
            sum(&runs, |run| run.tool_errors),
            count(wanted.tool_errors()),
            "{name}: tool errors"
        );
        assert_eq!(
            sum(&runs, |run| run.tool_calls_open),
            count(wanted.tool_calls_open()),
            "{name}: open"
        );
        let beside = told_beside(&events);
        let (input, output) = (wanted.tokens().input, wanted.tokens().output);
        assert_eq!(sum(&runs, |run| run.tokens.input), input + beside.input, "{name}: input");
        assert_eq!(sum(&runs, |run| run.tokens.output), output + beside.output, "{name}: output");
        let (read, write) = (wanted.tokens().cache_read, wanted.tokens().cache_write);
        assert_eq!(sum(&runs, |run| run.tokens.cache_read), read + beside.cache_read, "{name}");
        assert_eq!(sum(&runs, |run| run.tokens.cache_write), write + beside.cache_write, "{name}");
        let vendor = runs.iter().filter_map(|run| run.cost.vendor).reduce(|one, two| one + two);
        assert_eq!(vendor, wanted.vendor_cost_micros(), "{name}: vendor cost");
        recorder.close().unwrap();
    }
}

#[tokio::test]
async fn importing_everything_twice_stores_nothing_and_keeps_the_total() {
    let recorder = Recorder::open(RecorderConfig::in_memory()).unwrap();
    let inputs = inputs();
    let mut total = Totals::default();
    for (_, import) in &inputs {
        send(&recorder, import).await;
        total.add(&import.totals);
    }
    let head = recorder.head().position;
    assert!(head > Position(0));
    for (path, import) in &inputs {
        let (accepted, _) = send(&recorder, import).await;
        assert_eq!(accepted, 0, "{}", path.display());
    }
    assert_eq!(recorder.head().position, head);
    assert_eq!(totals_of(&stored(&recorder)).tokens(), total.tokens());
    recorder.views().wait_for(head).await;
    let query = UsageQuery {
        workspace_id: "default".to_owned(),
        group: UsageGroup::Model,
        since: None,
        until: None,
    };
    let usage = recorder.views().usage(&query).unwrap();
    let output: i64 = usage.iter().map(|row| row.tokens.output).sum();
    let beside = told_beside(&stored(&recorder));
    assert_eq!(u64::try_from(output).unwrap(), total.tokens().output + beside.output);
    let calls: i64 = usage.iter().map(|row| row.model_calls).sum();
    assert_eq!(usize::try_from(calls).unwrap(), total.model_calls());
}
