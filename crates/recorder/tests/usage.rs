//! Usage that several doors tell of is counted once, and what they say differently is shown.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what it did not expect")]

mod support;

use std::path::Path;

use annals_core::id::DialectName;
use annals_core::time::Timestamp;
use annals_recorder::Recorder;
use annals_recorder::config::RecorderConfig;
use annals_recorder::redaction::RedactRequest;
use annals_recorder::request::{BatchAnswer, Door, EventResult};
use annals_recorder::views::{
    self, Run, Tokens, UsageDifference, UsageGroup, UsageQuery, UsageScope, UsageSource,
};
use support::{line, request};

const MODEL: &str = "claude-sonnet-4-5";
const CALLS: u32 = 100;

/// What a door brings: its dialect, and the events that it makes of one session.
type Told = (Option<&'static str>, Vec<String>);

/// The session as a transcript has it: every call under its message, with its request where
/// `names_requests`.
fn transcript(names_requests: bool) -> Told {
    let call = |n: u32| {
        let request =
            if names_requests { format!(r#","request_id":"req_{n}""#) } else { String::new() };
        let usage = r#"{"input_tokens":10,"output_tokens":20,"cache_read_tokens":300,"cache_write_tokens":4}"#;
        let data =
            format!(r#"{{"model_call_id":"msg_{n}","model":"{MODEL}","usage":{usage}{request}}}"#);
        line("s1", "main", "model.completed", n, &data)
    };
    (Some("transcripts"), (1..=CALLS).map(call).collect())
}

/// The same session as telemetry tells of it: calls by their requests, each a little smaller, with
/// the vendor's cost.
fn telemetry(calls: impl Iterator<Item = u32>) -> Told {
    let call = |n: u32| {
        let usage = r#"{"input_tokens":9,"output_tokens":20,"cache_read_tokens":300}"#;
        let data = format!(
            r#"{{"model_call_id":"req_{n}","model":"claude-sonnet-4-5-20250929","usage":{usage},"cost_micros":500}}"#
        );
        line("s1", "claude-code", "model.completed", n, &data)
    };
    (Some("otlp"), calls.map(call).collect())
}

async fn tell(recorder: &Recorder, told: &[Told]) {
    for (dialect, lines) in told {
        // A client that has translated says so of the request and of each event.
        let origin =
            dialect.map_or(String::new(), |name| format!(r#""origin":{{"dialect":"{name}"}},"#));
        let lines: Vec<_> =
            lines.iter().map(|line| line.replacen('{', &format!("{{{origin}"), 1)).collect();
        let mut request = request(recorder, lines.join("\n"));
        if let Some(name) = dialect {
            request.door = Door::Translated(DialectName::parse(name).unwrap());
        }
        let BatchAnswer::Many(results) = recorder.append(request).await.unwrap() else { panic!() };
        let is_kept = |result: &EventResult| !matches!(result, EventResult::Rejected(_));
        assert!(results.iter().all(is_kept), "{results:?}");
        recorder.views().wait_for(recorder.head().position).await;
    }
}

fn now() -> Timestamp {
    Timestamp::parse("2026-01-01T00:05:00Z").unwrap().at
}

fn run(recorder: &Recorder) -> (Run, Vec<UsageSource>) {
    let run = recorder.views().run("default", "s1", now()).unwrap().unwrap();
    (run, recorder.views().usage_sources("default", "s1").unwrap())
}

/// Everything that the views say of usage, but in which order things came.
fn everything(recorder: &Recorder) -> String {
    let views = recorder.views();
    let (mut run, sources) = run(recorder);
    (run.first_position, run.last_position) = Default::default();
    run.source = None;
    let mut agents = views.run_agents("default", "s1").unwrap();
    agents.sort_by(|one, other| one.agent_id.cmp(&other.agent_id));
    let models = views.run_models("default", "s1").unwrap();
    let mut out = format!("{run:#?}{sources:#?}{agents:#?}{models:#?}");
    for group in [UsageGroup::Run, UsageGroup::Agent, UsageGroup::Model, UsageGroup::Day] {
        out.push_str(&format!("{:#?}", usage(recorder, group)));
    }
    out
}

fn usage(recorder: &Recorder, group: UsageGroup) -> Vec<views::UsageRow> {
    let query = UsageQuery { workspace_id: "default".to_owned(), group, since: None, until: None };
    recorder.views().usage(&query).unwrap()
}

async fn opened(directory: &Path) -> Recorder {
    let recorder = Recorder::open(RecorderConfig::at(directory)).unwrap();
    recorder.views().wait_for(recorder.head().position).await;
    recorder
}

/// The run after some doors told of it: the same in every order of theirs, again after each said
/// everything twice, and the same when the views are made anew.
async fn reconciled(told: &[Told]) -> (Recorder, tempfile::TempDir) {
    let mut found: Option<String> = None;
    let mut last = None;
    let mut orders = vec![told.to_vec(), told.iter().rev().cloned().collect()];
    // One event at a time, now of one door and now of the other.
    let longest = told.iter().map(|(_, lines)| lines.len()).max().unwrap_or(0);
    let turns = (0..longest).flat_map(|index| {
        let turn = |(dialect, lines): &Told| Some((*dialect, vec![lines.get(index)?.clone()]));
        told.iter().filter_map(turn).collect::<Vec<_>>()
    });
    orders.push(turns.collect());
    for order in orders {
        let directory = tempfile::tempdir().unwrap();
        let recorder = opened(directory.path()).await;
        tell(&recorder, &order).await;
        let live = everything(&recorder);
        assert_eq!(found.get_or_insert_with(|| live.clone()), &live, "another order");
        recorder.close().unwrap();
        drop(recorder);
        views::delete(directory.path()).unwrap();
        let recorder = opened(directory.path()).await;
        assert_eq!(everything(&recorder), live, "made anew");
        last = Some((recorder, directory));
    }
    last.unwrap()
}

const SAID_BY_TRANSCRIPT: Tokens =
    Tokens { input: 1_000, output: 2_000, cache_read: 30_000, cache_write: 400 };

#[tokio::test]
async fn a_session_told_by_transcript_and_telemetry_counts_once() {
    let (recorder, _directory) = reconciled(&[transcript(true), telemetry(1..=CALLS)]).await;
    let (run, sources) = run(&recorder);
    assert_eq!((run.model_calls, run.tokens), (100, SAID_BY_TRANSCRIPT));
    assert_eq!(run.cost.vendor, Some(50_000), "which only telemetry knows");
    let models = recorder.views().run_models("default", "s1").unwrap();
    let names: Vec<_> = models.iter().map(|model| model.model.as_deref().unwrap()).collect();
    assert_eq!(
        names,
        [MODEL],
        "the cost is the same calls', though telemetry names them otherwise"
    );
    let told: Vec<_> = sources
        .iter()
        .map(|source| {
            let own = (source.source.as_str(), source.scope, source.model_calls);
            (own, source.model_calls_counted, source.is_counted, source.is_cost_counted)
        })
        .collect();
    assert_eq!(
        told,
        [
            (("transcripts", UsageScope::Calls, 100), 100, true, false),
            (("otlp", UsageScope::Calls, 100), 0, false, true),
        ]
    );
    let differences = UsageDifference::of(&run, &sources);
    assert_eq!(differences.len(), 1);
    let less = Tokens { input: -100, cache_write: -400, ..Tokens::default() };
    assert_eq!((differences[0].source.as_str(), differences[0].tokens), ("otlp", Some(less)));
    assert_eq!(differences[0].cost.vendor, None, "its cost is what counts");
    assert!(differences[0].cost.computed.is_some_and(|micros| micros < 0));
    for group in [UsageGroup::Run, UsageGroup::Agent, UsageGroup::Model, UsageGroup::Day] {
        let rows = usage(&recorder, group);
        let calls: i64 = rows.iter().map(|row| row.model_calls).sum();
        let read: i64 = rows.iter().map(|row| row.tokens.cache_read).sum();
        assert_eq!((calls, read), (100, 30_000), "{group:?}");
    }
}

#[tokio::test]
async fn telemetry_that_caught_three_calls_in_a_hundred_changes_no_token() {
    for names_requests in [true, false] {
        let told = [transcript(names_requests), telemetry(1..=3)];
        let (recorder, _directory) = reconciled(&told).await;
        let (run, sources) = run(&recorder);
        assert_eq!((run.model_calls, run.tokens), (100, SAID_BY_TRANSCRIPT));
        let differences = UsageDifference::of(&run, &sources);
        assert_eq!(differences[0].tokens.map(|tokens| tokens.output), Some(60 - 2_000));
    }
}

#[tokio::test]
async fn calls_that_only_telemetry_saw_count_when_they_are_known_to_be_others() {
    let told = [transcript(true), telemetry(51..=110)];
    let (recorder, _directory) = reconciled(&told).await;
    let (run, _) = run(&recorder);
    assert_eq!((run.model_calls, run.tokens.output), (110, 2_200));
    let told = [transcript(false), telemetry(51..=110)];
    let (recorder, _directory) = reconciled(&told).await;
    let (run, sources) = self::run(&recorder);
    assert_eq!((run.model_calls, run.tokens), (100, SAID_BY_TRANSCRIPT));
    let differences = UsageDifference::of(&run, &sources);
    assert_eq!(differences[0].tokens.map(|tokens| tokens.output), Some(1_200 - 2_000));
}

#[tokio::test]
async fn the_two_tellings_of_one_request_by_telemetry_are_one_call() {
    let span = |n: u32| {
        let data = format!(
            r#"{{"model_call_id":"00f067aa0ba902b{n}","request_id":"req_{n}","model":"{MODEL}","usage":{{"output_tokens":20}}}}"#
        );
        line("s1", "claude-code", "model.completed", n, &data)
    };
    let (_, mut lines) = telemetry(1..=5);
    lines.extend((1..=5).map(span));
    let (recorder, _directory) = reconciled(&[(Some("otlp"), lines)]).await;
    let (run, sources) = run(&recorder);
    assert_eq!((run.model_calls, run.tokens.output), (5, 100));
    assert_eq!((sources[0].model_calls, sources[0].is_counted), (5, true));
    assert_eq!(UsageDifference::of(&run, &sources), []);
}

fn report(n: u32, data: &str) -> String {
    line("s1", "kernel-agent", "usage.reported", n, data)
}

#[tokio::test]
async fn reports_count_for_run_and_agent_when_nothing_better_tells() {
    let usage = |n: u32| {
        format!(r#"{{"scope":"call","usage":{{"input_tokens":"{n}","output_tokens":7}}}}"#)
    };
    let kernel: Told = (Some("kernel"), (1..=3).map(|n| report(n, &usage(n))).collect());
    let (recorder, _directory) = reconciled(std::slice::from_ref(&kernel)).await;
    let (run, sources) = run(&recorder);
    assert_eq!((run.model_calls, run.tokens.input, run.tokens.output), (0, 6, 21));
    assert_eq!((sources[0].scope, sources[0].is_counted), (UsageScope::Reports, true));
    let agents = recorder.views().run_agents("default", "s1").unwrap();
    assert_eq!((agents[0].agent_id.as_str(), agents[0].tokens.output), ("kernel-agent", 21));
    assert_eq!(self::usage(&recorder, UsageGroup::Agent)[0].tokens.output, 21);
    let agentos: Told = (
        Some("agentos"),
        vec![report(
            9,
            r#"{"scope":"call","usage_id":"u1","cost_micros":"40","usage":{"input_tokens":5,"output_tokens":6}}"#,
        )],
    );
    let (recorder, _directory) = reconciled(&[kernel.clone(), agentos]).await;
    let (run, sources) = self::run(&recorder);
    assert_eq!((run.tokens.output, run.cost.vendor), (6, Some(40)), "of two, the one of standing");
    assert_eq!(UsageDifference::of(&run, &sources)[0].tokens.unwrap().output, 15);
    let (recorder, _directory) = reconciled(&[kernel, transcript(true)]).await;
    let (run, _) = self::run(&recorder);
    assert_eq!(run.tokens, SAID_BY_TRANSCRIPT);
    let agents = recorder.views().run_agents("default", "s1").unwrap();
    let kernel_agent = agents.iter().find(|agent| agent.agent_id == "kernel-agent").unwrap();
    assert_eq!(kernel_agent.tokens, Tokens::default());
}

#[tokio::test]
async fn a_total_of_the_whole_run_is_held_against_the_calls_and_added_to_nothing() {
    let total = r#"{"scope":"run","cost_micros":90000,"usage":{"input_tokens":1000,"output_tokens":2500,"cache_read_tokens":30000,"cache_write_tokens":400}}"#;
    let (dialect, mut lines) = transcript(true);
    lines.push(report(101, total));
    let (recorder, _directory) = reconciled(&[(dialect, lines), telemetry(1..=CALLS)]).await;
    let (run, sources) = run(&recorder);
    assert_eq!((run.tokens, run.cost.vendor), (SAID_BY_TRANSCRIPT, Some(90_000)));
    let of_run = sources.iter().find(|source| source.scope == UsageScope::Run).unwrap();
    assert_eq!((of_run.is_counted, of_run.is_cost_counted), (false, true));
    let differences = UsageDifference::of(&run, &sources);
    let found: Vec<_> = differences
        .iter()
        .map(|one| (one.source.as_str(), one.scope, one.tokens.unwrap().output, one.cost.vendor))
        .collect();
    assert_eq!(
        found,
        [
            ("transcripts", UsageScope::Run, 500, None),
            ("otlp", UsageScope::Calls, 0, Some(50_000 - 90_000)),
        ]
    );
}

#[tokio::test]
async fn a_resumed_session_that_telemetry_saw_too_counts_once_for_the_workspace() {
    let recorder = Recorder::open(RecorderConfig::in_memory()).unwrap();
    let (dialect, lines) = transcript(true);
    let resumed = lines.iter().map(|line| line.replace("\"s1\"", "\"s2\"")).collect();
    tell(&recorder, &[telemetry(1..=CALLS), (dialect, resumed)]).await;
    for run_id in ["s1", "s2"] {
        let run = recorder.views().run("default", run_id, now()).unwrap().unwrap();
        assert_eq!((run.model_calls, run.tokens.output), (100, 2_000), "{run_id}");
    }
    let rows = usage(&recorder, UsageGroup::Run);
    let found: Vec<_> = rows.iter().map(|row| (row.key.as_deref(), row.model_calls)).collect();
    assert_eq!(found, [(Some("s2"), 100)]);
}

#[tokio::test]
async fn a_redaction_leaves_what_the_others_say() {
    let directory = tempfile::tempdir().unwrap();
    let recorder = opened(directory.path()).await;
    tell(&recorder, &[transcript(true), telemetry(1..=CALLS)]).await;
    let first = recorder.log().event_at(recorder.head().position).unwrap().unwrap();
    let first = annals_core::id::Position(first.position().get() - 199);
    let event = recorder.log().event_at(first).unwrap().unwrap();
    let request = RedactRequest {
        workspace_id: None,
        event_id: event.header().event_id,
        reason: "a test".to_owned(),
        replacement: None,
    };
    recorder.redact(std::sync::Arc::clone(recorder.access().owner()), request).await.unwrap();
    let live = everything(&recorder);
    let (run, _) = run(&recorder);
    // Telemetry's word stands in: it is known to be none of the other calls.
    assert_eq!((run.model_calls, run.tokens.input, run.tokens.cache_write), (100, 999, 396));
    recorder.close().unwrap();
    drop(recorder);
    views::delete(directory.path()).unwrap();
    assert_eq!(everything(&opened(directory.path()).await), live);
}
