//! The views: right totals, whichever way the events came, and the same when made anew.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what it did not expect")]

mod support;

use std::path::Path;
use std::sync::Arc;

use annals_core::id::Position;
use annals_core::time::Timestamp;
use annals_recorder::Recorder;
use annals_recorder::config::RecorderConfig;
use annals_recorder::redaction::RedactRequest;
use annals_recorder::views::{
    self, AgentsQuery, CallStatus, RunStatus, RunsQuery, SpanKind, SpansQuery, ToolCallsQuery,
    TypesQuery, UsageGroup, UsageQuery,
};
use annals_recorder::world::{Clock, SystemClock};
use support::{append_all, line};

fn session() -> Vec<String> {
    let usage = r#""usage":{"input_tokens":10,"output_tokens":5,"cache_read_tokens":100,"cache_write_tokens":7}"#;
    let older = r#""usage":{"input_tokens":10,"output_tokens":1}"#;
    vec![
        line(
            "r1",
            "main",
            "run.started",
            0,
            r#"{"run_id":"r1","cwd":"/work","agent_name":"tester"}"#,
        ),
        line(
            "r1",
            "main",
            "message.created",
            1,
            r#"{"message_id":"p","kind":"prompt","content_md":"Mend the build"}"#,
        ),
        line(
            "r1",
            "main",
            "model.completed",
            2,
            &format!(
                r#"{{"model_call_id":"m1","model":"claude-sonnet-4-5","stop_reason":null,{older}}}"#
            ),
        ),
        line(
            "r1",
            "main",
            "model.completed",
            3,
            &format!(r#"{{"model_call_id":"m1","model":"claude-sonnet-4-5",{usage}}}"#),
        ),
        line(
            "r1",
            "main",
            "tool.invoked",
            4,
            r#"{"tool_call_id":"t1","tool_name":"Bash","input":{"command":"make"}}"#,
        ),
        line("r1", "main", "tool.failed", 6, r#"{"tool_call_id":"t1","message":"exit code 2"}"#),
        line(
            "r1",
            "sub",
            "agent.started",
            7,
            r#"{"agent_id":"sub","parent_agent_id":"main","agent_type":"reviewer"}"#,
        ),
        line("r1", "sub", "tool.invoked", 8, r#"{"tool_call_id":"t2","tool_name":"Read"}"#),
        line("r1", "sub", "tool.succeeded", 9, r#"{"tool_call_id":"t2","duration_ms":750}"#),
        line("r1", "main", "tool.invoked", 10, r#"{"tool_call_id":"t3","tool_name":"Bash"}"#),
        line("r1", "sub", "agent.stopped", 11, r#"{"agent_id":"sub","success":true}"#),
        line(
            "r1",
            "main",
            "model.failed",
            12,
            r#"{"model_call_id":"m2","model":"unheard-of","message":"overloaded","usage":{"input_tokens":3}}"#,
        ),
        line(
            "r1",
            "main",
            "run.failed",
            60,
            r#"{"run_id":"r1","message":"gave up","cost_micros":4321}"#,
        ),
        line("r2", "main", "model.invoked", 91, r#"{"model_call_id":"m3","model":"unheard-of"}"#),
        // A resumed session repeats the call of the one before it.
        line(
            "r2",
            "main",
            "model.completed",
            90,
            &format!(r#"{{"model_call_id":"m1","model":"claude-sonnet-4-5",{usage}}}"#),
        ),
    ]
}

fn now() -> Timestamp {
    Timestamp::parse("2026-01-01T00:05:00Z").unwrap().at
}

fn runs_query() -> RunsQuery {
    RunsQuery {
        workspace_id: "default".to_owned(),
        now: now(),
        status: None,
        agent_id: None,
        text: None,
        since: None,
        until: None,
        is_ascending: false,
        cursor: None,
        count_max: 100,
    }
}

/// Everything that the views say, as text.
fn everything(recorder: &Recorder) -> String {
    let views = recorder.views();
    let runs = views.runs(&runs_query()).unwrap().rows;
    let mut out = format!("{runs:#?}");
    for run in &runs {
        let agents = views.run_agents("default", &run.run_id).unwrap();
        let models = views.run_models("default", &run.run_id).unwrap();
        out.push_str(&format!("{agents:#?}{models:#?}"));
    }
    let spans = SpansQuery {
        workspace_id: "default".to_owned(),
        run_id: "r1".to_owned(),
        cursor: None,
        count_max: 100,
    };
    out.push_str(&format!("{:#?}", views.spans(&spans).unwrap().rows));
    for group in [UsageGroup::Run, UsageGroup::Agent, UsageGroup::Model, UsageGroup::Day] {
        let query =
            UsageQuery { workspace_id: "default".to_owned(), group, since: None, until: None };
        out.push_str(&format!("{:#?}", views.usage(&query).unwrap()));
    }
    let query = TypesQuery {
        workspace_id: "default".to_owned(),
        // The time of recording, which is that of the test.
        now: SystemClock.now(),
        cursor: None,
        count_max: 100,
    };
    out.push_str(&format!("{:#?}", views.types(&query).unwrap().rows));
    let query =
        AgentsQuery { workspace_id: "default".to_owned(), text: None, cursor: None, count_max: 10 };
    out.push_str(&format!("{:#?}", views.agents(&query).unwrap().rows));
    out
}

async fn recorded(directory: Option<&Path>) -> Recorder {
    let config = directory.map_or_else(RecorderConfig::in_memory, RecorderConfig::at);
    let recorder = Recorder::open(config).unwrap();
    append_all(&recorder, &session()).await;
    recorder.views().wait_for(Position(session().len() as u64)).await;
    recorder
}

#[tokio::test]
async fn a_run_has_the_totals_of_its_events() {
    let recorder = recorded(None).await;
    let runs = recorder.views().runs(&runs_query()).unwrap().rows;
    assert_eq!(runs.iter().map(|run| run.run_id.as_str()).collect::<Vec<_>>(), ["r2", "r1"]);
    let run = &runs[1];
    assert_eq!(run.status, RunStatus::Failed);
    assert_eq!(run.title.as_deref(), Some("Mend the build"));
    assert_eq!(run.error.as_deref(), Some("gave up"));
    assert_eq!((run.events, run.messages, run.agents, run.duration_ms), (13, 1, 2, 60_000));
    assert_eq!((run.tool_calls, run.tool_errors, run.tool_calls_open), (3, 1, 1));
    assert_eq!((run.model_calls, run.model_errors), (2, 1));
    assert_eq!((run.tokens.input, run.tokens.output, run.tokens.cache_read), (13, 5, 100));
    assert_eq!(run.cost.vendor, Some(4_321));
    assert!(run.cost.computed.is_some_and(|micros| micros > 0));
}

#[tokio::test]
async fn a_cancelled_run_has_ended_until_it_is_resumed() {
    let recorder = Recorder::open(RecorderConfig::in_memory()).unwrap();
    let standing = async |lines: &[String], position: u64| {
        append_all(&recorder, lines).await;
        recorder.views().wait_for(Position(position)).await;
        let runs = recorder.views().runs(&runs_query()).unwrap().rows;
        (runs[0].status, runs[0].ended_at.is_some(), runs[0].error.clone())
    };
    let cancelled = [
        line("r9", "main", "run.started", 0, "{}"),
        line("r9", "main", "run.cancelled", 5, r#"{"reason":"no longer wanted"}"#),
    ];
    assert_eq!(standing(&cancelled, 2).await, (RunStatus::Cancelled, true, None));
    let resumed = [line("r9", "main", "run.resumed", 9, "{}")];
    assert_eq!(standing(&resumed, 3).await, (RunStatus::Running, false, None));
}

#[tokio::test]
async fn a_call_repeated_by_a_resumed_session_counts_once_for_the_workspace() {
    let recorder = recorded(None).await;
    let query = UsageQuery {
        workspace_id: "default".to_owned(),
        group: UsageGroup::Model,
        since: None,
        until: None,
    };
    let rows = recorder.views().usage(&query).unwrap();
    let sonnet = rows.iter().find(|row| row.key.as_deref() == Some("claude-sonnet-4-5")).unwrap();
    assert_eq!((sonnet.model_calls, sonnet.tokens.output), (1, 5));
    let unknown = rows.iter().find(|row| row.key.as_deref() == Some("unheard-of")).unwrap();
    assert_eq!((unknown.unpriced_calls, unknown.cost.computed), (1, None));
}

#[tokio::test]
async fn a_time_picture_has_every_call_once_in_order() {
    let recorder = recorded(None).await;
    let mut query = SpansQuery {
        workspace_id: "default".to_owned(),
        run_id: "r1".to_owned(),
        cursor: None,
        count_max: 2,
    };
    let mut seen = Vec::new();
    loop {
        let page = recorder.views().spans(&query).unwrap();
        seen.extend(
            page.rows.into_iter().map(|span| (span.kind, span.name, span.status, span.duration_ms)),
        );
        match page.next {
            Some(next) => query.cursor = Some(next),
            None => break,
        }
    }
    assert_eq!(
        seen,
        [
            (SpanKind::Message, "prompt".to_owned(), CallStatus::Ok, Some(0)),
            (SpanKind::Model, "claude-sonnet-4-5".to_owned(), CallStatus::Ok, None),
            (SpanKind::Tool, "Bash".to_owned(), CallStatus::Error, Some(2_000)),
            (SpanKind::Tool, "Read".to_owned(), CallStatus::Ok, Some(750)),
            (SpanKind::Tool, "Bash".to_owned(), CallStatus::Open, None),
            (SpanKind::Model, "unheard-of".to_owned(), CallStatus::Error, None),
        ]
    );
}

#[tokio::test]
async fn filters_and_cursors_of_runs_agree() {
    let recorder = recorded(None).await;
    let find = |change: &dyn Fn(&mut RunsQuery)| {
        let mut query = runs_query();
        change(&mut query);
        let page = recorder.views().runs(&query).unwrap();
        (page.rows.into_iter().map(|run| run.run_id).collect::<Vec<_>>(), page.next)
    };
    assert_eq!(find(&|query| query.agent_id = Some("sub".to_owned())).0, ["r1"]);
    assert_eq!(find(&|query| query.status = Some(RunStatus::Running)).0, ["r2"]);
    assert_eq!(find(&|query| query.text = Some("mend the".to_owned())).0, ["r1"]);
    assert!(find(&|query| query.text = Some("100%".to_owned())).0.is_empty());
    let (first, next) = find(&|query| query.count_max = 1);
    assert_eq!(first, ["r2"]);
    let (second, next) = find(&|query| (query.count_max, query.cursor) = (1, next.clone()));
    assert_eq!((second, next), (vec!["r1".to_owned()], None));
    let open_calls = ToolCallsQuery {
        workspace_id: "default".to_owned(),
        run_id: None,
        agent_id: None,
        tool_name: Some("Bash".to_owned()),
        status: Some(CallStatus::Open),
        cursor: None,
        count_max: 10,
    };
    assert_eq!(recorder.views().tool_calls(&open_calls).unwrap().rows.len(), 1);
}

#[tokio::test]
async fn another_workspace_sees_nothing() {
    let recorder = recorded(None).await;
    let mut query = runs_query();
    query.workspace_id = "other".to_owned();
    assert!(recorder.views().runs(&query).unwrap().rows.is_empty());
    assert!(recorder.views().run("other", "r1", now()).unwrap().is_none());
}

#[tokio::test]
async fn views_made_anew_equal_the_live_ones() {
    let directory = tempfile::tempdir().unwrap();
    let recorder = recorded(Some(directory.path())).await;
    let live = everything(&recorder);
    recorder.close().unwrap();
    drop(recorder);
    views::delete(directory.path()).unwrap();
    let recorder = Recorder::open(RecorderConfig::at(directory.path())).unwrap();
    recorder.views().wait_for(Position(session().len() as u64)).await;
    assert_eq!(everything(&recorder), live);
}

#[tokio::test]
async fn views_folded_again_after_a_redaction_equal_those_made_anew() {
    let directory = tempfile::tempdir().unwrap();
    let mut recorder = recorded(Some(directory.path())).await;
    // From the end, so that a call that two runs report comes back to the one that still has it.
    for position in (1..=session().len() as u64).rev() {
        let event = recorder.log().event_at(Position(position)).unwrap().unwrap();
        let request = RedactRequest {
            workspace_id: None,
            event_id: event.header().event_id,
            reason: "a test".to_owned(),
            replacement: None,
        };
        let owner = Arc::clone(recorder.access().owner());
        recorder.redact(owner, request).await.unwrap();
        let live = everything(&recorder);
        recorder.close().unwrap();
        drop(recorder);
        views::delete(directory.path()).unwrap();
        recorder = Recorder::open(RecorderConfig::at(directory.path())).unwrap();
        recorder.views().wait_for(recorder.head().position).await;
        assert_eq!(everything(&recorder), live, "after the redaction of position {position}");
    }
    let runs = recorder.views().runs(&runs_query()).unwrap().rows;
    assert_eq!(runs.iter().map(|run| run.events).collect::<Vec<_>>(), [2, 13]);
    assert!(runs.iter().all(|run| run.title.is_none() && run.tool_calls == 0));
}
