//! The export of a run: whole, selective, before and after a redaction, under changed keys.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what it did not expect")]

mod support;

use std::sync::Arc;

use annals_core::event::Event;
use annals_core::evidence::{EvidenceReport, verify_evidence};
use annals_core::id::{EventId, Position, RunId, Seq, WorkspaceId};
use annals_core::merkle::{ConsistencyProof, verify_consistency};
use annals_core::note::CosigningKey;
use annals_recorder::Recorder;
use annals_recorder::config::RecorderConfig;
use annals_recorder::evidence::{ExportFailure, ExportOptions};
use annals_recorder::redaction::RedactRequest;
use annals_store::query::TypePattern;
use serde_json::Value;
use support::{append_all, line};

const RUN: &str = "run_1";

fn recorder() -> Recorder {
    Recorder::open(RecorderConfig::in_memory()).unwrap()
}

fn workspace(recorder: &Recorder) -> WorkspaceId {
    recorder.access().owner().workspace_id.clone()
}

fn try_export(
    recorder: &Recorder,
    run: &str,
    options: &ExportOptions,
) -> Result<String, ExportFailure> {
    let mut out = Vec::new();
    let run_id = RunId::parse(run).unwrap();
    let report = recorder.export_run(&workspace(recorder), &run_id, options, &mut out)?;
    let text = String::from_utf8(out).unwrap();
    let verified = verified(&text);
    assert_eq!(report.event_count, verified.event_count());
    assert_eq!(report.hash_only_count, verified.hash_only_count);
    assert_eq!(report.redacted_count, verified.redacted_count);
    assert_eq!(report.checkpoint.checkpoint().root, verified.root);
    Ok(text)
}

fn export(recorder: &Recorder, options: &ExportOptions) -> String {
    try_export(recorder, RUN, options).unwrap()
}

fn verified(text: &str) -> EvidenceReport {
    verify_evidence(text).unwrap_or_else(|fault| panic!("{fault}"))
}

fn event_at(recorder: &Recorder, position: u64) -> Event {
    recorder.log().event_at(Position(position)).unwrap().unwrap()
}

fn event_id_at(recorder: &Recorder, position: u64) -> EventId {
    event_at(recorder, position).header().event_id
}

fn message(run: &str, second: u32, text: &str) -> String {
    let data = format!(r#"{{"message_id":"m{second}","content_md":"{text}"}}"#);
    line(run, "claude", "message.created", second, &data)
}

/// A run of four events among those of another.
async fn append_example(recorder: &Recorder) {
    let started = line(RUN, "claude", "run.started", 0, r#"{"run_id":"run_1","title":"a title"}"#);
    let ended = line(RUN, "claude", "run.completed", 9, r#"{"run_id":"run_1"}"#);
    let lines = [
        started,
        message("run_2", 1, "other"),
        message(RUN, 2, "open sesame"),
        message("run_2", 3, "other"),
        message(RUN, 4, "thank you"),
        ended,
    ];
    append_all(recorder, &lines).await;
}

#[tokio::test]
async fn a_run_is_exported_whole_and_verifies() {
    let recorder = recorder();
    append_example(&recorder).await;
    let text = export(&recorder, &ExportOptions::default());
    let report = verified(&text);
    assert_eq!((report.full_count, report.event_count()), (4, 4));
    assert_eq!(report.log_id, recorder.log_id());
    assert_eq!(report.key, recorder.trust().verifier_keys()[0]);
    assert_eq!(report.streams[0].complete_to, Seq(4));
    let file: Value = serde_json::from_str(&text).unwrap();
    let summary = &file["summary"];
    assert_eq!(summary["title"], "a title");
    assert_eq!(summary["ended_by"], "run.completed");
    assert_eq!(summary["event_types"]["message.created"], 2);
    assert!(!text.contains("run_2"), "nothing of the other run is in the file");
}

#[tokio::test]
async fn a_run_of_many_pages_is_exported_in_order() {
    let recorder = recorder();
    let lines: Vec<_> = (0..2_300)
        .map(|n| message(if n % 23 == 0 { "run_2" } else { RUN }, n % 3_600, "hello"))
        .collect();
    append_all(&recorder, &lines).await;
    let report = verified(&export(&recorder, &ExportOptions::default()));
    assert_eq!(report.full_count, 2_200);
    assert_eq!(report.streams[0].complete_to, Seq(2_200));
}

#[tokio::test]
async fn events_in_a_room_and_events_without_the_run_id_belong_to_the_run() {
    let recorder = recorder();
    let own = message(RUN, 1, "hello");
    let in_room = own
        .replace(
            r#""stream_type":"run","stream_id":"run_1""#,
            r#""stream_type":"room","stream_id":"r""#,
        )
        .replace(r#""run_id":"run_1""#, r#""run_id":"run_1","room_id":"r""#);
    let in_room_of_another = in_room.replace(r#""run_id":"run_1""#, r#""run_id":"run_2""#);
    let nameless = own.replace(r#","run_id":"run_1""#, "");
    append_all(&recorder, &[own, in_room.clone(), in_room_of_another, nameless, in_room]).await;
    let report = verified(&export(&recorder, &ExportOptions::default()));
    let streams: Vec<_> = report
        .streams
        .iter()
        .map(|stream| (stream.stream_type.as_str(), stream.event_count, stream.complete_to))
        .collect();
    assert_eq!(streams, [("room", 2, Seq(1)), ("run", 2, Seq(2))]);
}

#[tokio::test]
async fn evidence_made_before_a_redaction_verifies_after_it() {
    let directory = tempfile::tempdir().unwrap();
    let recorder = Recorder::open(RecorderConfig::at(directory.path())).unwrap();
    append_example(&recorder).await;
    let before = export(&recorder, &ExportOptions::default());
    let request = RedactRequest {
        workspace_id: None,
        event_id: event_id_at(&recorder, 3),
        reason: "a password".to_owned(),
        replacement: None,
    };
    let owner = Arc::clone(recorder.access().owner());
    recorder.redact(owner, request).await.unwrap();

    let old = verified(&before);
    assert_eq!((old.full_count, old.redacted_count), (4, 0));
    let after = export(&recorder, &ExportOptions::default());
    let new = verified(&after);
    // The fact of the redaction names the run, so the file has it too.
    assert_eq!((new.full_count, new.redacted_count), (4, 1));
    let of_run = new.streams.iter().find(|stream| stream.stream_type == "run");
    assert_eq!(of_run.unwrap().complete_to, Seq(4));
    // "sesame" where a multiple of three bytes is before it, and where not.
    let spellings = ["sesame", "c2VzYW1l", "Nlc2FtZ", "zZXNhbW"];
    assert!(spellings.iter().any(|spelling| before.contains(spelling)));
    assert!(!spellings.iter().any(|spelling| after.contains(spelling)), "{after}");

    let proof = recorder.trust().consistency(old.size, new.size).unwrap();
    let claim = ConsistencyProof { old_size: old.size, new_size: new.size, path: &proof.path };
    verify_consistency(&claim, &old.root, &new.root).unwrap();
}

#[tokio::test]
async fn hidden_events_are_hashes_and_the_summary_keeps_silent_about_them() {
    let recorder = recorder();
    append_example(&recorder).await;
    let hidden = [1, 3].map(|position| event_id_at(&recorder, position));
    let options = ExportOptions { hash_only: hidden.to_vec(), ..ExportOptions::default() };
    let text = export(&recorder, &options);
    let report = verified(&text);
    assert_eq!((report.full_count, report.hash_only_count), (2, 2));
    assert_eq!(report.streams[0].last_seq, Seq(4));
    let file: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(file["summary"]["title"], Value::Null);
    assert_eq!(file["summary"]["event_types"]["message.created"], 1);
    assert_eq!(file["summary"]["event_types"].get("run.started"), None);
    for position in [1, 3] {
        let hash = event_at(&recorder, position).event_hash().to_string();
        assert!(text.contains(&hash));
    }
}

#[tokio::test]
async fn all_events_of_a_type_or_a_family_can_be_hidden() {
    let recorder = recorder();
    append_example(&recorder).await;
    let hide = |types: &[&str]| {
        let hash_only_types = types.iter().map(|text| TypePattern::parse(text).unwrap()).collect();
        export(&recorder, &ExportOptions { hash_only_types, ..ExportOptions::default() })
    };
    for types in [&["message.*"][..], &["message.created"], &["message.created", "message.*"]] {
        let text = hide(types);
        let report = verified(&text);
        assert_eq!((report.full_count, report.hash_only_count), (2, 2), "{types:?}");
        let file: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(file["summary"]["event_types"].get("message.created"), None);
    }
    // A type that the run has no event of hides nothing, and is no mistake.
    assert_eq!(verified(&hide(&["mess.*"])).hash_only_count, 0);
}

#[tokio::test]
async fn an_event_that_cannot_be_hidden_stops_the_export() {
    let recorder = recorder();
    append_example(&recorder).await;
    for event_id in [event_id_at(&recorder, 2), EventId::from_bytes([7; 16])] {
        let options = ExportOptions { hash_only: vec![event_id], ..ExportOptions::default() };
        match try_export(&recorder, RUN, &options) {
            Err(ExportFailure::NotOfRun { event_id: named }) => assert_eq!(named, event_id),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn there_is_no_file_of_a_run_that_is_not_there() {
    let recorder = recorder();
    append_example(&recorder).await;
    let answer = try_export(&recorder, "run_3", &ExportOptions::default());
    assert!(matches!(answer, Err(ExportFailure::UnknownRun { .. })), "{answer:?}");
    let elsewhere = WorkspaceId::parse("elsewhere").unwrap();
    let (run_id, options) = (RunId::parse(RUN).unwrap(), ExportOptions::default());
    let answer = recorder.export_run(&elsewhere, &run_id, &options, &mut Vec::new());
    assert!(matches!(answer, Err(ExportFailure::UnknownRun { .. })), "{answer:?}");
}

#[tokio::test]
async fn a_reader_who_knows_a_former_key_can_follow_it() {
    let recorder = recorder();
    append_example(&recorder).await;
    let first = recorder.trust().verifier_keys()[0].clone();
    for _ in 0..2 {
        recorder.rotate_key(Arc::clone(recorder.access().owner())).await.unwrap();
    }
    let report = verified(&export(&recorder, &ExportOptions::default()));
    assert_ne!(report.key, first);
    assert_eq!(report.former_keys.len(), 2);
    assert!(report.is_signed_under(&first));
}

#[tokio::test]
async fn a_cosigned_checkpoint_that_covers_the_run_is_taken() {
    let recorder = recorder();
    append_example(&recorder).await;
    let witness = CosigningKey::from_seed("witness.example/w", [3; 32]).unwrap();
    let options =
        ExportOptions { witness_keys: vec![witness.verifier()], ..ExportOptions::default() };
    assert!(verified(&export(&recorder, &options)).cosignatures.is_empty());

    let trust = recorder.trust();
    let signed = trust.checkpoint().unwrap();
    let cosignature = witness.cosign(&signed.note().body, 1_760_000_000);
    trust.add_cosignature(&signed, &witness.verifier(), &[cosignature]).unwrap();
    recorder.rotate_key(Arc::clone(recorder.access().owner())).await.unwrap();
    append_all(&recorder, &[message("run_2", 11, "later")]).await;
    let report = verified(&export(&recorder, &options));
    assert_eq!(report.size, signed.checkpoint().size, "the cosigned one covers the run");
    assert_eq!(report.cosignatures[0].cosigned_at, 1_760_000_000);
    assert!(report.former_keys.is_empty(), "its key had followed none at that size");

    append_all(&recorder, &[message(RUN, 12, "more of the run")]).await;
    let report = verified(&export(&recorder, &options));
    assert!(report.size > signed.checkpoint().size);
    assert!(report.cosignatures.is_empty());
}
