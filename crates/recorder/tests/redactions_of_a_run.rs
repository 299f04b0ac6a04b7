//! Redactions of a run: whoever follows the run learns of them at once, and they are found by it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what it did not expect")]

mod support;

use std::sync::Arc;

use annals_core::event::Event;
use annals_core::id::{Position, RunId, WorkspaceId};
use annals_recorder::Recorder;
use annals_recorder::config::RecorderConfig;
use annals_recorder::live::{FollowStart, Followed};
use annals_recorder::redaction::{RedactRequest, RedactionsQuery};
use annals_store::query::{Filter, Query};
use support::{append_all, line};

async fn redact(recorder: &Recorder, position: u64) {
    let event = at(recorder, position);
    let request = RedactRequest {
        workspace_id: None,
        event_id: event.header().event_id,
        reason: format!("reason {position}"),
        replacement: None,
    };
    recorder.redact(Arc::clone(recorder.access().owner()), request).await.unwrap();
}

fn at(recorder: &Recorder, position: u64) -> Event {
    recorder.log().event_at(Position(position)).unwrap().unwrap()
}

fn query(run_id: &str, before: Option<Position>) -> RedactionsQuery {
    RedactionsQuery {
        workspace_id: WorkspaceId::parse("default").unwrap(),
        run_id: Some(RunId::parse(run_id).unwrap()),
        before,
        count_max: 2,
    }
}

/// The redacted positions of a run, newest redaction first, page by page.
fn redacted(recorder: &Recorder, run_id: &str) -> Vec<Vec<u64>> {
    let (mut pages, mut before) = (Vec::new(), None);
    loop {
        let page = recorder.redactions(&query(run_id, before)).unwrap();
        let positions = page.redactions.iter().map(|one| one.redaction.position.get());
        pages.push(positions.collect());
        before = page.next;
        if before.is_none() {
            return pages;
        }
    }
}

#[tokio::test]
async fn who_follows_a_run_learns_of_a_redaction_at_once() {
    let recorder = Recorder::open(RecorderConfig::in_memory()).unwrap();
    append_all(&recorder, &[line("r1", "main", "run.started", 0, r#"{"run_id":"r1"}"#)]).await;
    let of_run = |run_id: &str| Query {
        filters: vec![Filter::Run(RunId::parse(run_id).unwrap())],
        ..Query::default()
    };
    let mut follower = recorder.follow(FollowStart::AfterPosition(Position(1)), of_run("r1"));
    redact(&recorder, 1).await;
    let Followed::Events(events) = follower.next().await.unwrap() else { panic!("it lagged") };
    let fact = events[0].event();
    assert_eq!(fact.event_type(), "event.redacted");
    assert_eq!(fact.header().run_id, Some("r1"));
    assert_eq!(fact.header().stream_key().unwrap().to_string(), "redactions/default");
}

#[tokio::test]
async fn a_redaction_names_what_its_event_is_part_of_but_not_the_room() {
    let recorder = Recorder::open(RecorderConfig::in_memory()).unwrap();
    let said = r#"{"event_type":"message.created","actor":{"actor_type":"user","actor_id":"u"},"stream":{"stream_type":"room","stream_id":"room_1"},"mission_id":"m1","room_id":"room_1","thread_id":"t1","run_id":"r1","step_id":"s1","data":{"message_id":"1","content_md":"a secret"}}"#;
    append_all(&recorder, &[said.to_owned()]).await;
    redact(&recorder, 1).await;
    let fact = at(&recorder, 2);
    let header = fact.header();
    assert_eq!(header.event_type, "event.redacted");
    assert_eq!((header.mission_id, header.thread_id), (Some("m1"), Some("t1")));
    assert_eq!((header.run_id, header.step_id), (Some("r1"), Some("s1")));
    // What names a room is on that room's stream.
    assert_eq!(header.room_id, None);
}

#[tokio::test]
async fn a_run_s_redactions_are_found_exactly_and_page_by_page_also_after_a_start() {
    let directory = tempfile::tempdir().unwrap();
    let open = || Recorder::open(RecorderConfig::at(directory.path())).unwrap();
    let recorder = open();
    let lines: Vec<_> = (0..12)
        .map(|n| {
            let run = if n % 2 == 0 { "r1" } else { "r2" };
            line(
                run,
                "main",
                "tool.invoked",
                n,
                &format!(r#"{{"tool_call_id":"t{n}","tool_name":"Bash"}}"#),
            )
        })
        .collect();
    append_all(&recorder, &lines).await;
    for position in [1, 2, 3, 4, 5, 7, 9] {
        redact(&recorder, position).await;
    }
    let of_r1 = vec![vec![9, 7], vec![5, 3], vec![1]];
    assert_eq!(redacted(&recorder, "r1"), of_r1);
    // A full page may be the last one; the next one is then empty.
    assert_eq!(redacted(&recorder, "r2"), vec![vec![4, 2], vec![]]);
    assert_eq!(redacted(&recorder, "r3"), vec![Vec::<u64>::new()]);
    recorder.close().unwrap();
    drop(recorder);
    let recorder = open();
    assert_eq!(redacted(&recorder, "r1"), of_r1);
    assert_eq!(redacted(&recorder, "r2"), vec![vec![4, 2], vec![]]);
}

#[tokio::test]
async fn a_redaction_is_nothing_that_the_run_did() {
    let recorder = Recorder::open(RecorderConfig::in_memory()).unwrap();
    let started = line("r1", "main", "run.started", 0, r#"{"run_id":"r1"}"#);
    let called =
        line("r1", "main", "tool.invoked", 1, r#"{"tool_call_id":"t1","tool_name":"Bash"}"#);
    append_all(&recorder, &[started, called]).await;
    let run = |now| recorder.views().run("default", "r1", now).unwrap().unwrap();
    recorder.views().wait_for(Position(2)).await;
    let now = at(&recorder, 2).header().recorded_at;
    let before = run(now);
    redact(&recorder, 2).await;
    let after = run(now);
    assert_eq!((after.events, after.agents), (before.events, before.agents));
    assert_eq!((after.last_at, after.last_position), (before.last_at, Position(2)));
    // What another producer reports is an event like any other.
    let reported = line("r1", "main", "event.redacted", 2, r#"{"event_id":"e","reason":"x"}"#);
    let reported = reported.replace(r#""data""#, r#""origin":{"dialect":"transcripts"},"data""#);
    let dialect = annals_recorder::request::Door::Translated("transcripts".parse().unwrap());
    let request = annals_recorder::request::AppendRequest {
        door: dialect,
        ..support::request(&recorder, reported)
    };
    recorder.append(request).await.unwrap();
    recorder.views().wait_for(recorder.head().position).await;
    assert_eq!(run(now).events, before.events + 1);
}
