//! Redaction: the body is gone from every file and every answer, and nothing else changes.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what it did not expect")]

mod support;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use annals_core::envelope::{Actor, ActorType, Authority, Draft, StreamKey, Zone};
use annals_core::event::Event;
use annals_core::id::{ActorId, DialectName, EventId, LogId, Position, TokenId, WorkspaceId};
use annals_core::record::{Header, ServerFields, commitment};
use annals_recorder::Recorder;
use annals_recorder::access::{IssueToken, TokenKind};
use annals_recorder::config::{RecorderConfig, ViewMode};
use annals_recorder::live::{FollowStart, Followed};
use annals_recorder::principal::{Principal, Rights};
use annals_recorder::redaction::{RedactRefusal, RedactRequest, RedactionReceipt, RedactionsQuery};
use annals_recorder::refusal::{AppendRefusal, EventRefusal};
use annals_recorder::request::{BatchAnswer, BodyFormat, Door};
use annals_recorder::views::ViewError;
use annals_store::contract::{LogWriter, Prepared, Unit, UnitOutcome};
use annals_store::local::{LocalOptions, open_local};
use annals_store::query::{PageLimit, Query};
use bytes::Bytes;
use support::{append_all, line, request};

/// Where views keep a piece of a body: each event's own secret, and an event that carries it.
fn secrets() -> Vec<(String, String)> {
    let secret = |n: usize| format!("s3cr3t-{n:02}-{}", "xyzzy".repeat(3));
    let data = [
        ("run.started", r#"{"run_id":"r1","title":"SECRET"}"#),
        ("run.started", r#"{"run_id":"r1","agent_name":"SECRET"}"#),
        ("run.started", r#"{"run_id":"r1","cwd":"/home/SECRET"}"#),
        ("message.created", r#"{"message_id":"p","kind":"prompt","content_md":"use SECRET"}"#),
        ("message.created", r#"{"message_id":"q","kind":"SECRET"}"#),
        ("agent.started", r#"{"agent_id":"SECRET"}"#),
        ("agent.started", r#"{"agent_id":"sub","name":"SECRET","agent_type":"reviewer"}"#),
        ("model.invoked", r#"{"model_call_id":"m1","model":"SECRET"}"#),
        ("model.completed", r#"{"model_call_id":"SECRET","model":"m"}"#),
        ("tool.invoked", r#"{"tool_call_id":"t1","tool_name":"SECRET"}"#),
        (
            "tool.invoked",
            r#"{"tool_call_id":"t2","tool_name":"Bash","input":{"command":"SECRET"}}"#,
        ),
        ("tool.failed", r#"{"tool_call_id":"t3","message":"wrong password SECRET"}"#),
        ("tool.invoked", r#"{"tool_call_id":"SECRET","tool_name":"Bash"}"#),
        ("run.failed", r#"{"run_id":"r1","error":{"message":"SECRET"}}"#),
    ];
    data.iter()
        .enumerate()
        .map(|(n, (event_type, data))| {
            let second = u32::try_from(n).unwrap();
            let data = data.replace("SECRET", &secret(n));
            (secret(n), line("r1", "main", event_type, second, &data))
        })
        .collect()
}

/// Enough other runs, before and after, that the tables' pages split and move rows about.
fn crowd(from: u32, to: u32) -> Vec<String> {
    (from..to)
        .flat_map(|n| {
            let run = format!("run-{n:04}");
            let title = format!(r#"{{"run_id":"{run}","title":"{}"}}"#, "words ".repeat(30));
            let call = format!(
                r#"{{"tool_call_id":"t-{n}","tool_name":"Bash","input":{{"command":"{}"}}}}"#,
                "make ".repeat(40)
            );
            [
                line(&run, "main", "run.started", 0, &title),
                line("r1", "main", "tool.invoked", 1, &call),
            ]
        })
        .collect()
}

/// A segment ends between two commits, so many small ones fill many segments.
async fn append_in_pieces(recorder: &Recorder, lines: &[String]) {
    for piece in lines.chunks(60) {
        append_all(recorder, piece).await;
    }
}

fn holds(mut bytes: &[u8], needle: &str) -> bool {
    let first = needle.as_bytes()[0];
    while let Some(start) = bytes.iter().position(|byte| *byte == first) {
        bytes = &bytes[start..];
        if bytes.starts_with(needle.as_bytes()) {
            return true;
        }
        bytes = &bytes[1..];
    }
    false
}

/// The files below a directory that hold a text.
fn files_with(directory: &Path, needle: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_with(&path, needle));
        } else if holds(&fs::read(&path).unwrap(), needle) {
            found.push(path.display().to_string());
        }
    }
    found
}

fn ask(event_id: EventId) -> RedactRequest {
    RedactRequest {
        workspace_id: None,
        event_id,
        reason: "it held a password".to_owned(),
        replacement: None,
    }
}

async fn redact(recorder: &Recorder, event_id: EventId) -> RedactionReceipt {
    recorder.redact(Arc::clone(recorder.access().owner()), ask(event_id)).await.unwrap()
}

fn at(recorder: &Recorder, position: u64) -> Event {
    recorder.log().event_at(Position(position)).unwrap().unwrap()
}

fn id_at(recorder: &Recorder, position: u64) -> EventId {
    at(recorder, position).header().event_id
}

fn shown(recorder: &Recorder, event: &Event) -> String {
    let mut text = String::new();
    recorder.marks().write_event(event, &mut text);
    text
}

fn all_events(recorder: &Recorder) -> Vec<Event> {
    recorder.log().scan(&Query::default(), PageLimit::events(10_000)).unwrap().events
}

async fn caught_up(recorder: &Recorder) {
    recorder.views().wait_for(recorder.head().position).await;
}

/// What a live reader that starts at the beginning gets, up to the head.
async fn followed(recorder: &Recorder) -> String {
    let mut follower = recorder.follow(FollowStart::AfterPosition(Position(0)), Query::default());
    let mut text = String::new();
    while follower.scanned_to() < recorder.head().position {
        match follower.next().await.unwrap() {
            Followed::Events(events) => {
                for live in events {
                    text.push_str(std::str::from_utf8(&live.frame_by_position()).unwrap());
                    text.push_str(std::str::from_utf8(&live.frame_by_seq()).unwrap());
                }
            }
            Followed::Lagged { .. } => panic!("a reader of few events does not lag"),
        }
    }
    text
}

#[tokio::test]
async fn no_file_holds_a_word_of_a_redacted_body_after_the_answer() {
    let directory = tempfile::tempdir().unwrap();
    // Small segments, so that the bodies are in sealed ones.
    let config =
        || RecorderConfig { segment_bytes: 128 << 10, ..RecorderConfig::at(directory.path()) };
    let recorder = Recorder::open(config()).unwrap();
    append_in_pieces(&recorder, &crowd(0, 300)).await;
    assert!(fs::read_dir(directory.path().join("log")).unwrap().count() > 3);
    let first = recorder.head().position.get() + 1;
    let lines: Vec<_> = secrets().into_iter().map(|(_, line)| line).collect();
    append_all(&recorder, &lines).await;
    append_in_pieces(&recorder, &crowd(300, 600)).await;
    caught_up(&recorder).await;
    for (n, (secret, _)) in secrets().iter().enumerate() {
        let before = files_with(directory.path(), secret);
        assert!(before.iter().any(|file| file.contains("views")), "{secret}: {before:?}");
        assert!(before.iter().any(|file| file.ends_with(".seg")), "{secret}: {before:?}");
        redact(&recorder, id_at(&recorder, first + n as u64)).await;
        assert_eq!(files_with(directory.path(), secret), Vec::<String>::new());
    }
    recorder.close().unwrap();
    drop(recorder);
    let recorder = Recorder::open(config()).unwrap();
    caught_up(&recorder).await;
    for (secret, _) in secrets() {
        assert_eq!(files_with(directory.path(), &secret), Vec::<String>::new());
    }
}

#[tokio::test]
async fn every_reader_sees_the_mark_and_none_the_body() {
    let directory = tempfile::tempdir().unwrap();
    let recorder = Recorder::open(RecorderConfig::at(directory.path())).unwrap();
    let (secret, line) = secrets().remove(0);
    append_all(&recorder, &[line]).await;
    assert!(followed(&recorder).await.contains(&secret));
    let owner = Arc::clone(recorder.access().owner());
    let request = RedactRequest {
        reason: "a \"password\"".to_owned(),
        replacement: Some(r#" {"title" : "(a title)"} "#.to_owned()),
        ..ask(id_at(&recorder, 1))
    };
    let receipt = recorder.redact(owner, request).await.unwrap();
    assert_eq!((receipt.position, receipt.redaction_position), (Position(1), Position(2)));
    let mut recorder = recorder;
    // Once as it was redacted, and once more after a new start.
    for _ in 0..2 {
        let event = at(&recorder, 1);
        assert!(event.is_erased());
        let text = shown(&recorder, &event);
        let mark = format!(
            r#""data":{{"title":"(a title)"}},"redaction":{{"redacted_at":"{}","reason":"a \"password\"","redacted_by":"owner","redaction_event_id":"{}","replaced":true}},"prev_event_hash":null"#,
            receipt.redacted_at, receipt.redaction_event_id
        );
        assert!(text.contains(&mark), "{text}");
        let live = followed(&recorder).await;
        assert!(live.contains(&mark) && !live.contains(&secret), "{live}");
        for event in all_events(&recorder) {
            assert!(!shown(&recorder, &event).contains(&secret));
        }
        let fact = at(&recorder, 2);
        assert_eq!(fact.header().authority, Authority::Control);
        assert_eq!(fact.header().stream_key().unwrap().to_string(), "redactions/default");
        let page = recorder.redactions(&redactions_of(owner_workspace())).unwrap();
        assert_eq!((page.redactions.len(), page.next), (1, None));
        assert_eq!(page.redactions[0].event.event_type(), "run.started");
        recorder.close().unwrap();
        drop(recorder);
        recorder = Recorder::open(RecorderConfig::at(directory.path())).unwrap();
    }
}

fn redactions_of(workspace_id: WorkspaceId) -> RedactionsQuery {
    RedactionsQuery { workspace_id, run_id: None, before: None, count_max: 10 }
}

fn owner_workspace() -> WorkspaceId {
    WorkspaceId::parse("default").unwrap()
}

#[tokio::test]
async fn hashes_roots_and_places_stay_what_they_were() {
    let recorder = Recorder::open(RecorderConfig::in_memory()).unwrap();
    append_all(&recorder, &crowd(0, 50)).await;
    let before = all_events(&recorder);
    let root = |size: u64| {
        recorder.log().tree().grow().unwrap();
        annals_core::tiles::root_at(recorder.log().tree(), size).unwrap()
    };
    let old_root = root(before.len() as u64);
    for position in [1, 50, 100] {
        redact(&recorder, id_at(&recorder, position)).await;
    }
    let after = all_events(&recorder);
    for (old, new) in before.iter().zip(&after) {
        assert_eq!((old.position(), old.event_hash()), (new.position(), new.event_hash()));
        assert_eq!(old.record().header, new.record().header);
        assert_eq!(new.is_erased(), !new.record().body_matches());
    }
    assert_eq!(after.iter().filter(|event| event.is_erased()).count(), 3);
    assert_eq!(root(before.len() as u64), old_root);
}

#[tokio::test]
async fn a_repeated_append_of_a_redacted_event_gets_its_first_receipt_uncompared() {
    let recorder = Recorder::open(RecorderConfig::in_memory()).unwrap();
    let event_id = "01936c2e-0000-7000-8000-000000000001";
    let line = |title: &str| {
        let data = format!(r#"{{"run_id":"r","title":"{title}"}}"#);
        line("r", "main", "run.started", 0, &data).replacen(
            '{',
            &format!(r#"{{"event_id":"{event_id}","#),
            1,
        )
    };
    append_all(&recorder, &[line("one")]).await;
    redact(&recorder, EventId::parse(event_id).unwrap()).await;
    for title in ["one", "another"] {
        let mut request = request(&recorder, line(title));
        request.format = BodyFormat::Json;
        let answer = recorder.append(request).await.unwrap();
        let BatchAnswer::One { receipt, replayed } = answer else { panic!("one was sent") };
        assert!(replayed && receipt.is_redacted());
        assert_eq!(receipt.event.position(), Position(1));
    }
}

#[tokio::test]
async fn redacting_twice_answers_what_the_first_time_said() {
    let recorder = Recorder::open(RecorderConfig::in_memory()).unwrap();
    append_all(&recorder, &crowd(0, 1)).await;
    let first = redact(&recorder, id_at(&recorder, 1)).await;
    let second = redact(&recorder, id_at(&recorder, 1)).await;
    assert!(!first.replayed && second.replayed);
    assert_eq!(second, RedactionReceipt { replayed: true, ..first.clone() });
    assert_eq!(recorder.head().position, first.redaction_position);
}

#[tokio::test]
async fn what_cannot_be_redacted_is_refused_by_name() {
    let recorder = Recorder::open(RecorderConfig::in_memory()).unwrap();
    append_all(&recorder, &crowd(0, 1)).await;
    let owner = Arc::clone(recorder.access().owner());
    let event_id = id_at(&recorder, 1);
    let refused = |request: RedactRequest| recorder.redact(Arc::clone(&owner), request);
    for reason in [String::new(), "x".repeat(1_025)] {
        let refusal = refused(RedactRequest { reason, ..ask(event_id) }).await.unwrap_err();
        assert!(matches!(refusal, RedactRefusal::Reason { .. }), "{refusal}");
    }
    let replaced =
        |text: &str| RedactRequest { replacement: Some(text.to_owned()), ..ask(event_id) };
    let refusal = refused(replaced(r#"{"a":1,"a":2}"#)).await.unwrap_err();
    assert!(matches!(refusal, RedactRefusal::ReplacementJson(_)), "{refusal}");
    let long = format!("\"{}\"", "x".repeat(17 << 10));
    let refusal = refused(replaced(&long)).await.unwrap_err();
    assert!(matches!(refusal, RedactRefusal::ReplacementTooLarge { .. }), "{refusal}");
    assert!(!at(&recorder, 1).is_erased());
    let receipt = redact(&recorder, event_id).await;
    let refusal = refused(ask(receipt.redaction_event_id)).await.unwrap_err();
    assert!(matches!(refusal, RedactRefusal::NotRedactable { .. }), "{refusal}");
}

/// Appends a fact to the log of a stopped recorder, as the sequencer does before it erases.
fn append_fact(directory: &Path, target: &Event) {
    let log = open_local(directory, LocalOptions::new(LogId::from_bytes([7; 16]))).unwrap();
    let (mut writer, log_id) = (log.writer, target_log_id(&log.reader));
    let now = target.header().recorded_at;
    let actor = Actor { actor_type: ActorType::User, actor_id: ActorId::parse("owner").unwrap() };
    let stream = StreamKey {
        stream_type: "redactions".parse().unwrap(),
        stream_id: "default".parse().unwrap(),
    };
    let (position, event_id) = (target.position(), target.header().event_id);
    let data = format!(r#"{{"event_id":"{event_id}","position":{position},"reason":"a crash"}}"#);
    let draft = Draft::new("event.redacted".parse().unwrap(), actor, stream, data);
    let server = ServerFields {
        event_id: EventId::from_bytes([9; 16]),
        workspace_id: owner_workspace(),
        principal_id: "owner".parse().unwrap(),
        zone: Zone::Supervised,
        received_at: now,
        trace_correlation: None,
        authority: Authority::Control,
        control: Some(format!(r#"{{"position":{position},"event_id":"{event_id}"}}"#)),
    };
    let header = Header::complete(&draft, server).encode(&log_id);
    let (body, salt) = (Bytes::from(draft.body_json()), [1; 32]);
    let commitment = commitment(&salt, &body);
    let prepared = Prepared { header, body, salt, commitment };
    let unit = Unit { events: [prepared].into(), expected: Vec::new(), companions: Vec::new() };
    let outcomes = writer.append(now, vec![unit]).unwrap();
    assert!(matches!(outcomes.as_slice(), [UnitOutcome::Committed(_)]), "{outcomes:?}");
}

fn target_log_id(reader: &impl annals_store::contract::LogReader) -> LogId {
    reader.log_id()
}

#[tokio::test]
async fn a_redaction_that_a_crash_cut_short_is_finished_by_the_next_start() {
    let directory = tempfile::tempdir().unwrap();
    let (secret, line) = secrets().remove(0);
    let recorder = Recorder::open(RecorderConfig::at(directory.path())).unwrap();
    append_all(&recorder, &[line]).await;
    caught_up(&recorder).await;
    let target = at(&recorder, 1);
    recorder.close().unwrap();
    drop(recorder);
    append_fact(directory.path(), &target);
    assert_eq!(files_with(directory.path(), &secret).len(), 2);
    let recorder = Recorder::open(RecorderConfig::at(directory.path())).unwrap();
    assert!(at(&recorder, 1).is_erased());
    assert!(shown(&recorder, &at(&recorder, 1)).contains(r#""reason":"a crash""#));
    // That fact names no run, like those of an earlier build; the redaction is found by it all the same.
    let of_run =
        RedactionsQuery { run_id: Some("r1".parse().unwrap()), ..redactions_of(owner_workspace()) };
    assert_eq!(recorder.redactions(&of_run).unwrap().redactions.len(), 1);
    caught_up(&recorder).await;
    assert_eq!(files_with(directory.path(), &secret), Vec::<String>::new());
}

#[tokio::test]
async fn views_that_nobody_folds_do_not_keep_a_redacted_body() {
    let directory = tempfile::tempdir().unwrap();
    let without_views =
        || RecorderConfig { views: ViewMode::Off, ..RecorderConfig::at(directory.path()) };
    let (secret, line) = secrets().remove(0);
    let recorder = Recorder::open(RecorderConfig::at(directory.path())).unwrap();
    append_all(&recorder, &[line]).await;
    caught_up(&recorder).await;
    recorder.close().unwrap();
    drop(recorder);
    let recorder = Recorder::open(without_views()).unwrap();
    assert_eq!(files_with(directory.path(), &secret).len(), 2);
    redact(&recorder, id_at(&recorder, 1)).await;
    assert_eq!(files_with(directory.path(), &secret), Vec::<String>::new());
}

#[tokio::test]
async fn views_that_missed_a_redaction_go_at_a_start_without_views() {
    let directory = tempfile::tempdir().unwrap();
    let (secret, line) = secrets().remove(0);
    let recorder = Recorder::open(RecorderConfig::at(directory.path())).unwrap();
    append_all(&recorder, &[line]).await;
    caught_up(&recorder).await;
    let target = at(&recorder, 1);
    recorder.close().unwrap();
    drop(recorder);
    append_fact(directory.path(), &target);
    let config = RecorderConfig { views: ViewMode::Off, ..RecorderConfig::at(directory.path()) };
    let _recorder = Recorder::open(config).unwrap();
    assert_eq!(files_with(directory.path(), &secret), Vec::<String>::new());
}

fn views_file(directory: &Path) -> rusqlite::Connection {
    rusqlite::Connection::open(directory.join("derived/views/views.sqlite")).unwrap()
}

#[tokio::test]
async fn a_crash_before_the_views_file_was_written_anew_is_made_good_by_the_next_start() {
    let directory = tempfile::tempdir().unwrap();
    let (secret, line) = secrets().remove(0);
    let recorder = Recorder::open(RecorderConfig::at(directory.path())).unwrap();
    append_all(&recorder, &crowd(0, 1)).await;
    recorder.close().unwrap();
    drop(recorder);
    // What a deletion leaves behind in the file, and the note that it is still to be taken out.
    let views = views_file(directory.path());
    views.pragma_update(None, "secure_delete", "OFF").unwrap();
    let leave = format!(
        "CREATE TABLE gone (word TEXT); INSERT INTO gone VALUES ('{secret}'); DELETE FROM gone; \
         DROP TABLE gone; INSERT OR REPLACE INTO meta VALUES ('owes_scrub', 'yes'); \
         PRAGMA wal_checkpoint(TRUNCATE);"
    );
    views.execute_batch(&leave).unwrap();
    drop(views);
    assert_eq!(files_with(directory.path(), &secret).len(), 1);
    let recorder = Recorder::open(RecorderConfig::at(directory.path())).unwrap();
    append_all(&recorder, &[line.replace(&secret, "nothing")]).await;
    caught_up(&recorder).await;
    assert_eq!(files_with(directory.path(), &secret), Vec::<String>::new());
}

#[tokio::test]
async fn views_that_have_failed_are_deleted_by_a_redaction() {
    let directory = tempfile::tempdir().unwrap();
    let (secret, line) = secrets().remove(0);
    let recorder = Recorder::open(RecorderConfig::at(directory.path())).unwrap();
    append_all(&recorder, &[line]).await;
    caught_up(&recorder).await;
    // A read leaves an open connection behind, which sees the file even when it is deleted.
    let title = || {
        let run = recorder.views().run("default", "r1", recorder.clock().now())?;
        Ok::<_, ViewError>(run.unwrap().title.unwrap())
    };
    assert!(title().unwrap().contains(&secret));
    let stop = "CREATE TRIGGER stop BEFORE INSERT ON meta BEGIN SELECT RAISE(ABORT, 'stop'); END";
    views_file(directory.path()).execute_batch(stop).unwrap();
    append_all(&recorder, &crowd(0, 1)).await;
    redact(&recorder, id_at(&recorder, 1)).await;
    assert_eq!(files_with(directory.path(), &secret), Vec::<String>::new());
    assert!(recorder.views().is_stale());
    assert!(matches!(title(), Err(ViewError::Deleted)));
}

#[tokio::test]
async fn who_may_come_in_and_what_is_redacted_survive_the_loss_of_every_body() {
    let directory = tempfile::tempdir().unwrap();
    let recorder = Recorder::open(RecorderConfig::at(directory.path())).unwrap();
    let owner = Arc::clone(recorder.access().owner());
    let kept = recorder.issue_token(Arc::clone(&owner), team_token()).await.unwrap();
    let ended = recorder.issue_token(Arc::clone(&owner), team_token()).await.unwrap();
    recorder.revoke_token(Arc::clone(&owner), ended.info.token_id.clone()).await.unwrap();
    append_all(&recorder, &crowd(0, 1)).await;
    let receipt = redact(&recorder, id_at(&recorder, 4)).await;
    recorder.close().unwrap();
    drop((recorder, owner));
    erase_everything(directory.path());
    let recorder = Recorder::open(RecorderConfig::at(directory.path())).unwrap();
    let now = recorder.clock().now();
    assert!(recorder.access().authenticate(&kept.token, now).is_ok());
    assert!(recorder.access().authenticate(&ended.token, now).is_err());
    let redaction = recorder.marks().at(receipt.position).unwrap();
    assert_eq!(redaction.mark.redaction_event_id, receipt.redaction_event_id);
    assert_eq!(redaction.mark.redacted_at, receipt.redacted_at);
    assert_eq!(redaction.mark.reason, None);
}

fn erase_everything(directory: &Path) {
    let mut log = open_local(directory, LocalOptions::new(LogId::from_bytes([7; 16]))).unwrap();
    let head = log.writer.head().position.get();
    let positions: Vec<_> = (1..=head).map(Position).collect();
    log.writer.erase(&positions).unwrap();
}

fn team() -> WorkspaceId {
    WorkspaceId::parse("team").unwrap()
}

fn team_token() -> IssueToken {
    IssueToken {
        kind: TokenKind::Token,
        workspace_id: team(),
        rights: Rights::APPEND.with(Rights::READ),
        name: Some("ci".to_owned()),
        expires_in_s: None,
        stream_types: None,
        event_types: None,
    }
}

#[tokio::test]
async fn the_name_of_a_token_goes_with_the_body_that_gave_it() {
    let recorder = Recorder::open(RecorderConfig::in_memory()).unwrap();
    let owner = Arc::clone(recorder.access().owner());
    recorder.issue_token(owner, team_token()).await.unwrap();
    assert_eq!(recorder.access().list()[0].name.as_deref(), Some("ci"));
    redact(&recorder, id_at(&recorder, 1)).await;
    assert_eq!(recorder.access().list()[0].name, None);
}

#[tokio::test]
async fn a_native_event_redacted_is_refused_and_a_reported_one_hides_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let recorder = Recorder::open(RecorderConfig::at(directory.path())).unwrap();
    append_all(&recorder, &crowd(0, 1)).await;
    let data = format!(
        r#"{{"event_id":"{}","position":1,"reason":"x","redacted_by":"owner"}}"#,
        id_at(&recorder, 1)
    );
    let forged = format!(
        r#"{{"event_type":"event.redacted","actor":{{"actor_type":"user","actor_id":"owner"}},"stream":{{"stream_type":"redactions","stream_id":"default"}},"data":{data}}}"#
    );
    let mut native = request(&recorder, forged);
    native.format = BodyFormat::Json;
    let mut reported = native.clone();
    match recorder.append(native).await.unwrap_err() {
        AppendRefusal::Event { refusal: EventRefusal::ControlType { route, .. }, .. } => {
            assert_eq!(route.as_deref(), Some("POST /v1/events/{event_id}/redact"));
        }
        other => panic!("{other:?}"),
    }
    reported.door = Door::Translated(DialectName::parse("transcripts").unwrap());
    recorder.append(reported).await.unwrap();
    assert_eq!(at(&recorder, 3).header().authority, Authority::Observed);
    assert_eq!(recorder.marks().count(), 0);
    recorder.close().unwrap();
    drop(recorder);
    let recorder = Recorder::open(RecorderConfig::at(directory.path())).unwrap();
    assert!(!at(&recorder, 1).is_erased());
    assert_eq!(recorder.marks().count(), 0);
    // What was only reported is an event like any other.
    redact(&recorder, id_at(&recorder, 3)).await;
    assert!(at(&recorder, 3).is_erased() && !at(&recorder, 1).is_erased());
}

#[tokio::test]
async fn another_workspace_can_neither_redact_nor_learn_of_it() {
    let directory = tempfile::tempdir().unwrap();
    let recorder = Recorder::open(RecorderConfig::at(directory.path())).unwrap();
    let owner = Arc::clone(recorder.access().owner());
    let issued = recorder.issue_token(Arc::clone(&owner), team_token()).await.unwrap();
    let member = recorder.access().authenticate(&issued.token, recorder.clock().now()).unwrap();
    append_all(&recorder, &crowd(0, 1)).await;
    let of_owner = id_at(&recorder, 2);
    let refusal = recorder.redact(Arc::clone(&member), ask(of_owner)).await.unwrap_err();
    assert!(matches!(refusal, RedactRefusal::Forbidden), "{refusal}");
    let operator = Arc::new(Principal {
        rights: Rights::OPERATE,
        token_id: TokenId::parse("operator").unwrap(),
        ..Principal::clone(&member)
    });
    let refusal = recorder.redact(Arc::clone(&operator), ask(of_owner)).await.unwrap_err();
    assert!(matches!(refusal, RedactRefusal::UnknownEvent { .. }), "{refusal}");
    let named = RedactRequest { workspace_id: Some(owner_workspace()), ..ask(of_owner) };
    let refusal = recorder.redact(operator, named).await.unwrap_err();
    assert!(matches!(refusal, RedactRefusal::Forbidden), "{refusal}");
    redact(&recorder, of_owner).await;
    assert!(recorder.redactions(&redactions_of(team())).unwrap().redactions.is_empty());
}

#[tokio::test]
async fn the_owner_redacts_in_every_workspace_and_the_mark_outlives_the_process() {
    let directory = tempfile::tempdir().unwrap();
    let recorder = Recorder::open(RecorderConfig::at(directory.path())).unwrap();
    let owner = Arc::clone(recorder.access().owner());
    let issued = recorder.issue_token(Arc::clone(&owner), team_token()).await.unwrap();
    let member = recorder.access().authenticate(&issued.token, recorder.clock().now()).unwrap();
    let (secret, line) = secrets().remove(0);
    let mut theirs = request(&recorder, line);
    theirs.principal = member;
    recorder.append(theirs).await.unwrap();
    let event_id = id_at(&recorder, 2);
    let refusal = recorder.redact(Arc::clone(&owner), ask(event_id)).await.unwrap_err();
    assert!(matches!(refusal, RedactRefusal::UnknownEvent { .. }), "{refusal}");
    let named = RedactRequest { workspace_id: Some(team()), ..ask(event_id) };
    let receipt = recorder.redact(owner, named).await.unwrap();
    assert_eq!(at(&recorder, receipt.redaction_position.get()).header().workspace_id, "team");
    assert_eq!(files_with(directory.path(), &secret), Vec::<String>::new());
    recorder.close().unwrap();
    drop(recorder);
    let recorder = Recorder::open(RecorderConfig::at(directory.path())).unwrap();
    assert!(shown(&recorder, &at(&recorder, 2)).contains(r#""redacted_by":"owner""#));
    assert_eq!(recorder.redactions(&redactions_of(team())).unwrap().redactions.len(), 1);
}
