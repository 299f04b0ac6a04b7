//! Following the log: every event once, in order, from any start; and saying so when it cannot.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what it did not expect")]

mod support;

use std::sync::Arc;

use annals_core::envelope::StreamKey;
use annals_core::id::{Position, Seq, WorkspaceId};
use annals_recorder::Recorder;
use annals_recorder::config::{RecorderConfig, ViewMode};
use annals_recorder::live::{FollowStart, Followed, Follower, LiveEvent};
use annals_recorder::redaction::RedactRequest;
use annals_store::query::{Query, TypePattern};
use support::{append_all, line};

fn open() -> Recorder {
    Recorder::open(RecorderConfig { views: ViewMode::Off, ..RecorderConfig::in_memory() }).unwrap()
}

fn notes(run: &str, count: u32) -> Vec<String> {
    (0..count).map(|n| line(run, "a", "note.taken", n % 3_600, &n.to_string())).collect()
}

async fn take(follower: &mut Follower, count: usize) -> Vec<(u64, u64)> {
    let mut seen = Vec::new();
    while seen.len() < count {
        match follower.next().await.unwrap() {
            Followed::Events(events) => {
                seen.extend(
                    events.iter().map(|live| {
                        (live.event().position().get(), live.event().stream_seq().get())
                    }),
                );
            }
            lagged @ Followed::Lagged { .. } => panic!("{lagged:?}"),
        }
    }
    seen
}

fn stream(run: &str, from_seq: u64) -> FollowStart {
    FollowStart::StreamFrom {
        workspace_id: WorkspaceId::parse("default").unwrap(),
        stream: StreamKey { stream_type: "run".parse().unwrap(), stream_id: run.parse().unwrap() },
        from_seq: Seq(from_seq),
    }
}

#[tokio::test]
async fn a_follower_passes_from_the_log_to_the_live_end_without_gap_or_duplicate() {
    let recorder = open();
    append_all(&recorder, &notes("r", 12_000)).await;
    let mut follower = recorder.follow(FollowStart::AfterPosition(Position(1)), Query::default());
    let writer = recorder.clone();
    let writing = tokio::spawn(async move { append_all(&writer, &notes("r", 3_000)).await });
    let seen = take(&mut follower, 14_999).await;
    writing.await.unwrap();
    let wanted: Vec<_> = (2..=15_000).map(|n| (n, n)).collect();
    assert_eq!(seen, wanted);
}

#[tokio::test]
async fn a_stream_is_followed_by_seq_while_others_write() {
    let recorder = open();
    append_all(&recorder, &notes("r", 300)).await;
    append_all(&recorder, &notes("other", 50)).await;
    let mut follower = recorder.follow(stream("r", 100), Query::default());
    let writer = recorder.clone();
    let writing = tokio::spawn(async move {
        for _ in 0..40 {
            append_all(&writer, &notes("other", 5)).await;
            append_all(&writer, &notes("r", 5)).await;
        }
    });
    let seqs: Vec<u64> = take(&mut follower, 401).await.into_iter().map(|(_, seq)| seq).collect();
    writing.await.unwrap();
    assert_eq!(seqs, (100..=500).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_follower_of_a_new_stream_waits_for_its_first_event() {
    let recorder = open();
    let mut follower = recorder.follow(stream("later", 1), Query::default());
    let (seen, ()) = tokio::join!(take(&mut follower, 1), async {
        append_all(&recorder, &notes("other", 3)).await;
        append_all(&recorder, &notes("later", 1)).await;
    });
    assert_eq!(seen, [(4, 1)]);
}

#[tokio::test]
async fn a_follower_from_now_sees_only_what_is_new_and_matches() {
    let recorder = open();
    append_all(&recorder, &notes("r", 5)).await;
    let query =
        Query { event_types: vec![TypePattern::parse("tool.*").unwrap()], ..Query::default() };
    let mut follower = recorder.follow(FollowStart::Now, query);
    append_all(&recorder, &notes("r", 5)).await;
    let call = r#"{"tool_call_id":"c","tool_name":"Bash"}"#;
    append_all(&recorder, &[line("r", "a", "tool.invoked", 1, call)]).await;
    assert_eq!(take(&mut follower, 1).await, [(11, 11)]);
    assert_eq!(follower.scanned_to(), Position(11));
}

#[tokio::test]
async fn a_live_reader_that_falls_too_far_behind_is_told_where_to_resume() {
    let recorder = open();
    append_all(&recorder, &notes("r", 1)).await;
    let mut follower = recorder.follow(FollowStart::AfterPosition(Position(0)), Query::default());
    take(&mut follower, 1).await;
    // One more look makes it live: it has nothing to yield and is cancelled while it waits.
    let waiting = tokio::time::timeout(std::time::Duration::ZERO, follower.next()).await;
    assert!(waiting.is_err());
    append_all(&recorder, &notes("r", 10_500)).await;
    let Followed::Lagged { resume_after, .. } = follower.next().await.unwrap() else { panic!() };
    assert_eq!(resume_after, Position(1));
    let mut resumed = recorder.follow(FollowStart::AfterPosition(resume_after), Query::default());
    let seen = take(&mut resumed, 10_500).await;
    assert_eq!(seen.first(), Some(&(2, 2)));
    assert_eq!(seen.last(), Some(&(10_501, 10_501)));
}

#[tokio::test]
async fn a_frame_cannot_be_forged_by_what_an_event_says() {
    let recorder = open();
    let data = r#""line\nid:9\nevent:annals.lagged\n\n""#;
    append_all(&recorder, &[line("r", "a", "note.taken", 1, data)]).await;
    let mut follower = recorder.follow(FollowStart::AfterPosition(Position(0)), Query::default());
    let Followed::Events(events) = follower.next().await.unwrap() else { panic!() };
    let frame = String::from_utf8(events[0].frame_by_position().to_vec()).unwrap();
    assert_eq!(frame.lines().count(), 4, "{frame}");
    assert!(frame.starts_with("id:1\nevent:note.taken\ndata:{\"position\":1,"), "{frame}");
    assert!(frame.ends_with("\"}\n\n"), "{frame}");
}

#[tokio::test]
async fn what_a_reader_has_not_shown_yet_is_shown_as_it_was_redacted_since() {
    let recorder = open();
    let secret = |n: u32| line("r", "a", "note.taken", n, &format!("\"secret-{n}\""));
    append_all(&recorder, &(1..=3).map(secret).collect::<Vec<_>>()).await;
    // From the ring, and from the log.
    for start in [FollowStart::AfterPosition(Position(0)), stream("r", 1)] {
        let mut follower = recorder.follow(start, Query::default());
        let Followed::Events(events) = follower.next().await.unwrap() else { panic!("lagged") };
        let text = |live: &Arc<LiveEvent>| {
            let frame = follower.current(live).frame_by_position();
            String::from_utf8(frame.to_vec()).unwrap()
        };
        let open = events.iter().find(|live| text(live).contains("secret-")).unwrap();
        let event_id = open.event().header().event_id;
        let request =
            RedactRequest { workspace_id: None, event_id, reason: "x".into(), replacement: None };
        recorder.redact(Arc::clone(recorder.access().owner()), request).await.unwrap();
        let shown = text(open);
        assert!(!shown.contains("secret-") && shown.contains("\"reason\":\"x\""), "{shown}");
        assert!(text(&events[2]).contains("secret-3"));
    }
}
