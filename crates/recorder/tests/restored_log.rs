//! A restored log goes on under a name of its own and says first what it was made of.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what it did not expect")]

mod support;

use std::fs;
use std::path::Path;

use annals_core::checkpoint::SignedCheckpoint;
use annals_core::envelope::Authority;
use annals_core::id::{LogId, Position};
use annals_recorder::config::RecorderConfig;
use annals_recorder::copies::{self, CopyError, MissingEvents, read_identity};
use annals_recorder::trust::{self, PublicTrustError, TrustError};
use annals_recorder::world::SystemEntropy;
use annals_recorder::{OpenError, Recorder};
use annals_store::local::backup::begin_restore;
use serde_json::Value;
use support::{append_all, line};

const NEW_ID: LogId = LogId::from_bytes([0x5a; 16]);

async fn append(recorder: &Recorder, count: u32) {
    let line = |n| line("run_1", "claude", "message.created", n, r#"{"content_md":"hello"}"#);
    append_all(recorder, &(0..count).map(line).collect::<Vec<_>>()).await;
}

fn open(directory: &Path) -> Recorder {
    Recorder::open(RecorderConfig::at(directory)).unwrap()
}

/// A closed log of some events in a directory that serves as its backup.
async fn backup(count: u32) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let config = RecorderConfig {
        origin: Some("logs.example/parent".to_owned()),
        ..RecorderConfig::at(directory.path())
    };
    let recorder = Recorder::open(config).unwrap();
    append(&recorder, count).await;
    recorder.close().unwrap();
    directory
}

fn restore_with_trust_of(parent: &Path, backup: &Path, into: &Path) {
    let begun = begin_restore(backup, into, NEW_ID).unwrap();
    let parent_log_id = read_identity(parent).unwrap().log_id;
    trust::adopt_parent(parent, parent_log_id, into).unwrap();
    begun.finish().unwrap();
}

fn restore(backup: &Path, into: &Path) {
    restore_with_trust_of(backup, backup, into);
}

#[tokio::test]
async fn its_first_event_names_origin_size_and_root_of_the_parent() {
    let backup = backup(3).await;
    let restored = tempfile::tempdir().unwrap();
    restore(backup.path(), restored.path());
    let recorder = open(restored.path());
    assert_eq!(recorder.log_id(), NEW_ID);
    assert_eq!(recorder.head().position, Position(4));
    let event = recorder.log().event_at(Position(4)).unwrap().unwrap();
    assert_eq!(event.header().event_type, "log.restored");
    assert_eq!(event.header().authority, Authority::Control);
    let parent = fs::read_to_string(backup.path().join("trust/checkpoint")).unwrap();
    let signed = SignedCheckpoint::parse(&parent).unwrap();
    for text in [event.header().control.unwrap(), event.data()] {
        let said: Value = serde_json::from_str(text).unwrap();
        assert_eq!(said["parent_origin"], "logs.example/parent");
        assert_eq!(said["size"], 3);
        assert_eq!(said["root"], signed.checkpoint().root.to_string());
    }
    let said: Value = serde_json::from_str(event.data()).unwrap();
    assert_eq!(said["checkpoint"], parent);
    // It is said once.
    recorder.close().unwrap();
    assert_eq!(open(restored.path()).head().position, Position(4));
}

#[tokio::test]
async fn it_has_a_name_and_a_key_of_its_own_whatever_the_configuration_says() {
    let backup = backup(2).await;
    let restored = tempfile::tempdir().unwrap();
    restore(backup.path(), restored.path());
    let parent = open(backup.path());
    let config = RecorderConfig {
        origin: Some("logs.example/parent".to_owned()),
        ..RecorderConfig::at(restored.path())
    };
    let recorder = Recorder::open(config).unwrap();
    assert_eq!(recorder.trust().origin(), format!("annals.local/{NEW_ID}"));
    let key = &recorder.trust().verifier_keys()[0];
    assert_ne!(key.public_key(), parent.trust().verifier_keys()[0].public_key());
    let signed = recorder.trust().checkpoint().unwrap();
    assert_eq!((signed.checkpoint().size, signed.checkpoint().origin.as_str()), (3, key.name()));
    signed.verify(key).unwrap();
    let lineage = recorder.log().lineage();
    let owners: Vec<_> = lineage.iter().map(|log| (log.log_id, log.last_position.get())).collect();
    assert_eq!(owners, [(parent.log_id(), 2)]);
}

#[tokio::test]
async fn keys_of_the_parent_are_not_its_own() {
    let directory = tempfile::tempdir().unwrap();
    let parent = open(directory.path());
    append(&parent, 1).await;
    parent.rotate_key(parent.access().owner().clone()).await.unwrap();
    parent.close().unwrap();
    let restored = tempfile::tempdir().unwrap();
    restore(directory.path(), restored.path());
    let recorder = open(restored.path());
    assert_eq!(recorder.trust().verifier_keys().len(), 1);
    recorder.rotate_key(recorder.access().owner().clone()).await.unwrap();
    let keys = recorder.trust().verifier_keys();
    recorder.close().unwrap();
    assert_eq!(open(restored.path()).trust().verifier_keys(), keys);
}

#[tokio::test]
async fn an_older_copy_says_what_its_parent_had_signed_beyond_it() {
    let backup = backup(3).await;
    let newer = tempfile::tempdir().unwrap();
    restore(backup.path(), newer.path());
    // The copy is of three events, the checkpoint beside it of more.
    let origin = "logs.example/parent";
    let key = annals_core::note::SigningKey::from_seed(origin, [3; 32]).unwrap();
    let beyond = annals_core::checkpoint::Checkpoint {
        origin: origin.to_owned(),
        size: 9,
        root: annals_core::hash::Digest::new([9; 32]),
    };
    let text = SignedCheckpoint::sign(beyond, &key).to_string();
    fs::write(newer.path().join("trust/parent_checkpoint"), &text).unwrap();
    let recorder = open(newer.path());
    let event = recorder.log().event_at(Position(4)).unwrap().unwrap();
    let said: Value = serde_json::from_str(event.data()).unwrap();
    assert_eq!((&said["size"], &said["checkpoint"]), (&Value::from(3), &Value::from(text)));
}

#[tokio::test]
async fn a_backup_is_not_opened_as_if_it_were_the_log() {
    let backup = backup(2).await;
    for secret in ["trust/key", "trust/origin", "trust/pepper", "owner.token"] {
        fs::remove_file(backup.path().join(secret)).unwrap();
    }
    match Recorder::open(RecorderConfig::at(backup.path())) {
        Err(OpenError::Trust(error @ TrustError::KeyMissing { .. })) => {
            assert!(error.to_string().contains("annals restore"), "{error}");
        }
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("it was opened"),
    }
    assert!(!backup.path().join("trust/key").exists());
}

#[tokio::test]
async fn a_copy_with_other_events_than_its_parent_signed_is_not_opened() {
    let (backup, other) = (backup(3).await, backup(3).await);
    let restored = tempfile::tempdir().unwrap();
    restore_with_trust_of(other.path(), backup.path(), restored.path());
    match Recorder::open(RecorderConfig::at(restored.path())) {
        Err(OpenError::Trust(TrustError::OtherHistory { size: 3, .. })) => {}
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("it was opened"),
    }
}

#[tokio::test]
async fn a_restore_that_ended_before_its_last_step_left_no_log() {
    let backup = backup(3).await;
    let parent = read_identity(backup.path()).unwrap().log_id;
    // As after a crash behind each step but the last.
    for steps in 1..=2 {
        let begun = tempfile::tempdir().unwrap();
        let unfinished = begin_restore(backup.path(), begun.path(), NEW_ID).unwrap();
        assert_eq!(unfinished.restored().last_position, Position(3));
        if steps > 1 {
            trust::adopt_parent(backup.path(), parent, begun.path()).unwrap();
        }
        drop(unfinished);
        assert!(begun.path().join("log").read_dir().unwrap().next().is_some());
        assert!(read_identity(begun.path()).is_err());
        assert!(Recorder::open(RecorderConfig::at(begun.path())).is_err(), "{steps}");
    }
    // With the id everything is there.
    let whole = tempfile::tempdir().unwrap();
    copies::restore(backup.path(), whole.path(), MissingEvents::Refuse, &SystemEntropy).unwrap();
    let file = |directory: &Path, name| fs::read_to_string(directory.join("trust").join(name));
    let signed = file(backup.path(), "checkpoint").unwrap();
    assert_eq!(file(whole.path(), "parent_checkpoint").unwrap(), signed);
    let event = open(whole.path()).log().event_at(Position(4)).unwrap().unwrap();
    let said: Value = serde_json::from_str(event.data()).unwrap();
    assert_eq!(said["checkpoint"], signed);
}

#[tokio::test]
async fn a_checkpoint_that_the_parent_did_not_sign_is_not_taken_over() {
    let backup = backup(3).await;
    let file = backup.path().join("trust/checkpoint");
    let key = annals_core::note::SigningKey::from_seed("logs.example/parent", [3; 32]).unwrap();
    let signed = SignedCheckpoint::parse(&fs::read_to_string(&file).unwrap()).unwrap();
    let forged = SignedCheckpoint::sign(signed.checkpoint().clone(), &key).to_string();
    fs::write(&file, forged).unwrap();
    let refused = |named: &str| {
        let into = tempfile::tempdir().unwrap();
        match copies::restore(backup.path(), into.path(), MissingEvents::Refuse, &SystemEntropy) {
            Err(CopyError::Trust(PublicTrustError::Damaged { file, .. })) => {
                assert_eq!(file, backup.path().join(named));
            }
            other => panic!("{other:?}"),
        }
        assert!(read_identity(into.path()).is_err(), "what is left is no log");
    };
    refused("trust/checkpoint");
    fs::write(&file, signed.to_string()).unwrap();
    fs::remove_file(backup.path().join("trust/keys")).unwrap();
    refused("trust/keys");
}

#[tokio::test]
async fn a_backup_that_lacks_signed_events_is_restored_only_if_that_is_accepted() {
    let backup = backup(3).await;
    let log = backup.path().join("log");
    let segment = log.join("00000000000000000001.seg");
    let shorter = fs::read(&segment).unwrap();
    let recorder = open(backup.path());
    append(&recorder, 2).await;
    recorder.close().unwrap();
    let whole = fs::read(&segment).unwrap();
    let into = tempfile::tempdir().unwrap();
    fs::write(&segment, shorter).unwrap();
    match copies::restore(backup.path(), into.path(), MissingEvents::Refuse, &SystemEntropy) {
        Err(error @ CopyError::EventsMissing { signed: 5, found: 3, .. }) => {
            assert!(error.to_string().contains("2 are missing"), "{error}");
        }
        other => panic!("{other:?}"),
    }
    assert!(read_identity(into.path()).is_err(), "what is left is no log");
    let accepted = tempfile::tempdir().unwrap();
    let restored =
        copies::restore(backup.path(), accepted.path(), MissingEvents::Accept, &SystemEntropy);
    assert_eq!(restored.unwrap().last_position, Position(3));
    open(accepted.path()).close().unwrap();
    fs::write(&segment, whole).unwrap();
    let into = tempfile::tempdir().unwrap();
    copies::restore(backup.path(), into.path(), MissingEvents::Refuse, &SystemEntropy).unwrap();
}
