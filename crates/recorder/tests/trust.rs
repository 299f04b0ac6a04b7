//! Checkpoints: signed over durable events only, kept before they are shown, never taken back.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what it did not expect")]

mod support;

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use annals_core::checkpoint::{Checkpoint, SignedCheckpoint};
use annals_core::hash::Digest;
use annals_core::id::Position;
use annals_core::merkle::{self, ConsistencyProof, InclusionProof};
use annals_core::note::{CosigningKey, SigningKey};
use annals_recorder::config::{Durability, RecorderConfig};
use annals_recorder::refusal::AppendRefusal;
use annals_recorder::trust::{CosignatureRefusal, ProofRefusal, TrustError};
use annals_recorder::{OpenError, Recorder};
use signed_note::{StandardVerifier, VerifierList};
use support::{append_all, line};

async fn append(recorder: &Recorder, count: u32) {
    let line = |n| line("run_1", "claude", "message.created", n, r#"{"content_md":"hello"}"#);
    append_all(recorder, &(0..count).map(line).collect::<Vec<_>>()).await;
}

fn open(directory: &Path) -> Recorder {
    Recorder::open(RecorderConfig::at(directory)).unwrap()
}

fn refused(directory: &Path) -> TrustError {
    match Recorder::open(RecorderConfig::at(directory)) {
        Err(OpenError::Trust(error)) => error,
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("it was opened"),
    }
}

fn trust_file(directory: &Path, name: &str) -> String {
    fs::read_to_string(directory.join("trust").join(name)).unwrap()
}

/// The key of a data directory, as somebody with access to its secrets has it.
fn stolen_key(directory: &Path) -> SigningKey {
    let text = trust_file(directory, "key");
    let seed = text.lines().nth(2).unwrap();
    let byte = |at: usize| u8::from_str_radix(&seed[at * 2..at * 2 + 2], 16).unwrap();
    let origin = trust_file(directory, "origin").lines().nth(1).unwrap().to_owned();
    SigningKey::from_seed(&origin, std::array::from_fn(byte)).unwrap()
}

#[tokio::test]
async fn a_checkpoint_is_signed_after_a_commit_without_anybody_asking() {
    let directory = tempfile::tempdir().unwrap();
    let recorder = open(directory.path());
    let mut changes = recorder.trust().changes();
    append(&recorder, 3).await;
    let covers_all = changes
        .wait_for(|newest| newest.as_ref().is_some_and(|signed| signed.checkpoint().size == 3));
    let signed = tokio::time::timeout(Duration::from_secs(30), covers_all).await.unwrap().unwrap();
    let text = signed.as_ref().unwrap().to_string();
    assert_eq!(trust_file(directory.path(), "checkpoint"), text);
}

#[tokio::test]
async fn checkpoints_and_proofs_hold_for_verifiers_that_others_wrote() {
    let recorder = Recorder::open(RecorderConfig::in_memory()).unwrap();
    let trust = recorder.trust();
    append(&recorder, 5).await;
    let small = trust.checkpoint().unwrap();
    append(&recorder, 600).await;
    let large = trust.checkpoint().unwrap();
    assert_eq!((small.checkpoint().size, large.checkpoint().size), (5, 605));
    let key = trust.verifier_keys()[0].to_string();
    let known = VerifierList::new(vec![Box::new(StandardVerifier::new(&key).unwrap())]);
    for signed in [&small, &large] {
        let note = signed_note::Note::from_bytes(signed.to_string().as_bytes()).unwrap();
        assert_eq!(note.verify(&known).unwrap().0.len(), 1);
        let theirs = tlog_tiles::Checkpoint::from_bytes(note.text()).unwrap();
        assert_eq!(theirs.size(), signed.checkpoint().size);
        assert_eq!(&theirs.hash().0, signed.checkpoint().root.as_bytes());
    }
    let hashes = |path: &[Digest]| -> Vec<tlog_tiles::Hash> {
        path.iter().map(|digest| tlog_tiles::Hash(*digest.as_bytes())).collect()
    };
    let theirs = |digest: Digest| tlog_tiles::Hash(*digest.as_bytes());
    let consistency = trust.consistency(5, 605).unwrap();
    assert_eq!(consistency.from_root, small.checkpoint().root);
    tlog_tiles::check_tree(
        &hashes(&consistency.path),
        605,
        theirs(large.checkpoint().root),
        5,
        theirs(small.checkpoint().root),
    )
    .unwrap();
    for position in [1, 5, 256, 257, 605] {
        let inclusion = trust.inclusion(Position(position), Some(605)).unwrap();
        assert_eq!(inclusion.root, large.checkpoint().root);
        let event = recorder.log().event_at(Position(position)).unwrap().unwrap();
        assert_eq!(inclusion.leaf_hash, merkle::leaf_hash(event.event_hash().as_bytes()));
        let root = theirs(large.checkpoint().root);
        let leaf = theirs(inclusion.leaf_hash);
        tlog_tiles::check_record(&hashes(&inclusion.path), 605, root, position - 1, leaf).unwrap();
    }
}

#[tokio::test]
async fn every_size_has_its_proofs() {
    let recorder = Recorder::open(RecorderConfig::in_memory()).unwrap();
    let trust = recorder.trust();
    append(&recorder, 20).await;
    for size in 1..=20 {
        let root = trust.root_at(size).unwrap();
        for position in 1..=size {
            let proof = trust.inclusion(Position(position), Some(size)).unwrap();
            let claim = InclusionProof { leaf_index: position - 1, size, path: &proof.path };
            merkle::verify_inclusion(&claim, &proof.leaf_hash, &root).unwrap();
        }
        for from in 1..=size {
            let proof = trust.consistency(from, size).unwrap();
            let claim = ConsistencyProof { old_size: from, new_size: size, path: &proof.path };
            merkle::verify_consistency(&claim, &proof.from_root, &proof.to_root).unwrap();
            assert_eq!(proof.to_root, root);
        }
    }
    assert!(trust.consistency(0, 7).unwrap().path.is_empty());
}

#[tokio::test]
async fn what_is_not_in_the_log_has_no_proof() {
    let recorder = Recorder::open(RecorderConfig::in_memory()).unwrap();
    let trust = recorder.trust();
    append(&recorder, 3).await;
    for position in [0, 4] {
        let refusal = trust.inclusion(Position(position), None).unwrap_err();
        assert!(matches!(refusal, ProofRefusal::NoSuchPosition { .. }), "{refusal:?}");
    }
    let refusal = trust.inclusion(Position(3), Some(2)).unwrap_err();
    assert!(matches!(refusal, ProofRefusal::NoSuchPosition { size: 2, .. }), "{refusal:?}");
    let refusal = trust.consistency(2, 4).unwrap_err();
    assert!(matches!(refusal, ProofRefusal::BeyondHead { head_size: 3, .. }), "{refusal:?}");
    let refusal = trust.consistency(3, 2).unwrap_err();
    assert!(matches!(refusal, ProofRefusal::SizesOutOfOrder { .. }), "{refusal:?}");
}

#[tokio::test]
async fn tiles_hold_what_the_tree_fills_and_nothing_beyond() {
    let recorder = Recorder::open(RecorderConfig::in_memory()).unwrap();
    append(&recorder, 300).await;
    let tile = |path: &str| recorder.trust().tile(path.parse().unwrap()).unwrap();
    assert_eq!(tile("0/000").unwrap().len(), 256 * 32);
    assert_eq!(tile("0/001.p/44").unwrap().len(), 44 * 32);
    let root = recorder.trust().root_at(256).unwrap();
    assert_eq!(tile("1/000.p/1").unwrap(), root.as_bytes());
    for beyond in ["0/001.p/45", "0/001", "0/002.p/1", "1/000.p/2", "2/000.p/1", "9/000.p/1"] {
        assert!(tile(beyond).is_none(), "{beyond}");
    }
}

#[tokio::test]
async fn the_last_events_are_signed_at_the_end_and_the_same_key_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let recorder = open(directory.path());
    append(&recorder, 4).await;
    let (origin, keys) = (recorder.trust().origin().to_owned(), recorder.trust().verifier_keys());
    assert_eq!(origin, format!("annals.local/{}", recorder.log_id()));
    recorder.close().unwrap();
    let text = trust_file(directory.path(), "checkpoint");
    let signed = SignedCheckpoint::parse(&text).unwrap();
    assert_eq!(signed.checkpoint().size, 4);
    signed.verify(&keys[0]).unwrap();
    let recorder = open(directory.path());
    assert_eq!(recorder.trust().latest().unwrap().to_string(), text);
    // Nothing has grown, so nothing is signed again.
    assert_eq!(recorder.trust().checkpoint().unwrap().to_string(), text);
    assert_eq!(recorder.trust().origin(), origin);
    assert_eq!(recorder.trust().verifier_keys(), keys);
}

#[tokio::test]
async fn an_empty_log_signs_that_it_is_empty() {
    let recorder = Recorder::open(RecorderConfig::in_memory()).unwrap();
    let signed = recorder.trust().checkpoint().unwrap();
    assert_eq!(signed.checkpoint().size, 0);
    assert_eq!(signed.checkpoint().root, merkle::root(&[]));
}

#[tokio::test]
async fn a_checkpoint_that_cannot_be_kept_is_given_to_nobody() {
    let directory = tempfile::tempdir().unwrap();
    let recorder = open(directory.path());
    append(&recorder, 2).await;
    let before = recorder.trust().checkpoint().unwrap();
    let mut changes = recorder.trust().changes();
    changes.mark_unchanged();
    // A directory of that name cannot be replaced by a file.
    let file = directory.path().join("trust/checkpoint");
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    append(&recorder, 1).await;
    assert!(recorder.trust().checkpoint().is_err());
    assert_eq!(recorder.trust().latest().unwrap(), before);
    assert!(!changes.has_changed().unwrap());
    fs::remove_dir(&file).unwrap();
    assert_eq!(recorder.trust().checkpoint().unwrap().checkpoint().size, 3);
}

/// Puts the log's files back to what they were in another directory.
fn bring_back(older: &Path, directory: &Path) {
    for part in ["log", "derived"] {
        fs::remove_dir_all(directory.join(part)).unwrap();
        copy(&older.join(part), &directory.join(part));
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[tokio::test]
async fn a_log_that_was_cut_at_the_tail_is_not_opened() {
    let directory = tempfile::tempdir().unwrap();
    let older = tempfile::tempdir().unwrap();
    let recorder = open(directory.path());
    append(&recorder, 3).await;
    recorder.close().unwrap();
    copy(directory.path(), older.path());
    let recorder = open(directory.path());
    append(&recorder, 2).await;
    recorder.close().unwrap();
    bring_back(older.path(), directory.path());
    let error = refused(directory.path());
    assert!(matches!(error, TrustError::CutTail { signed_size: 5, head: 3, .. }), "{error:?}");
    let message = error.to_string();
    assert!(message.contains("positions 4 to 5 were cut off"), "{message}");
    assert!(message.contains("annals restore"), "{message}");
    // Nor when the newest checkpoint alone is gone: the cosigned one still knows better, and
    // without any of them the log is what it says.
    fs::rename(directory.path().join("trust/checkpoint"), directory.path().join("trust/cosigned"))
        .unwrap();
    let error = refused(directory.path());
    assert!(matches!(error, TrustError::CutTail { .. }), "{error:?}");
}

#[tokio::test]
async fn a_log_with_another_root_than_was_signed_is_not_opened() {
    let directory = tempfile::tempdir().unwrap();
    let recorder = open(directory.path());
    append(&recorder, 3).await;
    recorder.close().unwrap();
    let key = stolen_key(directory.path());
    let origin = key.verifier().name().to_owned();
    let other = Checkpoint { origin, size: 2, root: Digest::new([7; 32]) };
    let text = SignedCheckpoint::sign(other, &key).to_string();
    fs::write(directory.path().join("trust/checkpoint"), text).unwrap();
    let error = refused(directory.path());
    assert!(matches!(error, TrustError::OtherHistory { size: 2, .. }), "{error:?}");
    assert!(error.to_string().contains("annals verify"), "{error}");
}

#[tokio::test]
async fn damaged_files_of_the_tree_are_made_anew_and_accuse_nobody() {
    let directory = tempfile::tempdir().unwrap();
    let recorder = open(directory.path());
    append(&recorder, 700).await;
    recorder.close().unwrap();
    let newest = trust_file(directory.path(), "checkpoint");
    let tree = directory.path().join("derived/tree");
    let mut damaged = 0;
    for entry in fs::read_dir(&tree).unwrap() {
        let path = entry.unwrap().path();
        let mut bytes = fs::read(&path).unwrap();
        if bytes.len() > 96 {
            bytes[80] ^= 0xff;
            fs::write(&path, bytes).unwrap();
            damaged += 1;
        }
    }
    assert!(damaged > 0);
    let recorder = open(directory.path());
    assert_eq!(recorder.trust().checkpoint().unwrap().to_string(), newest);
}

#[tokio::test]
async fn a_log_without_its_key_gets_no_other() {
    let directory = tempfile::tempdir().unwrap();
    let recorder = open(directory.path());
    append(&recorder, 1).await;
    recorder.close().unwrap();
    fs::remove_file(directory.path().join("trust/key")).unwrap();
    let error = refused(directory.path());
    assert!(matches!(error, TrustError::KeyMissing { .. }), "{error:?}");
    assert!(!directory.path().join("trust/key").exists());
}

#[tokio::test]
async fn files_of_another_log_or_with_damage_are_named() {
    let directory = tempfile::tempdir().unwrap();
    let other = tempfile::tempdir().unwrap();
    for one in [&directory, &other] {
        let recorder = open(one.path());
        append(&recorder, 1).await;
        recorder.close().unwrap();
    }
    for name in ["origin", "key", "keys", "checkpoint"] {
        let file = directory.path().join("trust").join(name);
        let right = fs::read(&file).unwrap();
        for wrong in [fs::read(other.path().join("trust").join(name)).unwrap(), b"x\n".to_vec()] {
            fs::write(&file, wrong).unwrap();
            let message = refused(directory.path()).to_string();
            assert!(message.contains(file.to_str().unwrap()), "{name}: {message}");
        }
        fs::write(&file, right).unwrap();
    }
    open(directory.path());
}

#[tokio::test]
async fn a_crash_while_the_first_key_was_made_is_finished() {
    let directory = tempfile::tempdir().unwrap();
    open(directory.path()).close().unwrap();
    let trust = directory.path().join("trust");
    // As after a crash right behind the name, with a seed half written.
    for name in ["key", "keys", "checkpoint"] {
        fs::remove_file(trust.join(name)).unwrap();
    }
    fs::write(trust.join("key.tmp"), "half").unwrap();
    let recorder = open(directory.path());
    recorder.trust().checkpoint().unwrap().verify(&recorder.trust().verifier_keys()[0]).unwrap();
    assert!(!trust.join("key.tmp").exists());
}

#[tokio::test]
async fn a_log_keeps_the_name_that_it_was_given_at_its_creation() {
    let directory = tempfile::tempdir().unwrap();
    let named = |origin: &str| RecorderConfig {
        origin: Some(origin.to_owned()),
        ..RecorderConfig::at(directory.path())
    };
    let error = Recorder::open(named("a name with spaces")).unwrap_err();
    assert!(matches!(error, OpenError::Trust(TrustError::Origin { .. })), "{error:?}");
    let recorder = Recorder::open(named("logs.example/one")).unwrap();
    let signed = recorder.trust().checkpoint().unwrap();
    assert_eq!(signed.checkpoint().origin, "logs.example/one");
    assert_eq!(recorder.trust().verifier_keys()[0].name(), "logs.example/one");
    drop(recorder);
    let recorder = Recorder::open(named("logs.example/two")).unwrap();
    assert_eq!(recorder.trust().origin(), "logs.example/one");
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_can_read_the_key() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    open(directory.path());
    let mode = |name: &str| {
        fs::metadata(directory.path().join(name)).unwrap().permissions().mode() & 0o777
    };
    assert_eq!((mode("trust"), mode("trust/key")), (0o700, 0o600));
}

#[tokio::test]
async fn a_cosignature_is_kept_beside_the_signature() {
    let directory = tempfile::tempdir().unwrap();
    let recorder = open(directory.path());
    append(&recorder, 2).await;
    let witness = CosigningKey::from_seed("witness.example", [6; 32]).unwrap();
    let submitted = recorder.trust().checkpoint().unwrap();
    let signature = witness.cosign(&submitted.note().body, 1_763_640_000);
    let key = witness.verifier();
    let cosigned = recorder.trust().add_cosignature(&submitted, &key, &[signature]).unwrap();
    assert_eq!((cosigned.size, cosigned.at_unix_s), (2, 1_763_640_000));
    let newest = recorder.trust().latest().unwrap();
    assert_eq!(newest.verify_cosignature(&key).unwrap(), 1_763_640_000);
    // The newest may have no cosignature yet; the newest that has one is still there.
    append(&recorder, 1).await;
    recorder.trust().checkpoint().unwrap();
    assert_eq!(recorder.trust().cosigned().unwrap(), newest);
    recorder.close().unwrap();
    let recorder = open(directory.path());
    assert_eq!(recorder.trust().latest().unwrap().checkpoint().size, 3);
    let kept = recorder.trust().cosigned().unwrap();
    assert_eq!(kept.verify_cosignature(&key).unwrap(), 1_763_640_000);
}

#[tokio::test]
async fn cosignatures_that_do_not_hold_are_refused() {
    let recorder = Recorder::open(RecorderConfig::in_memory()).unwrap();
    append(&recorder, 2).await;
    let trust = Arc::clone(recorder.trust());
    let witness = CosigningKey::from_seed("witness.example", [6; 32]).unwrap();
    let (stranger, key) = (CosigningKey::from_seed("other", [8; 32]).unwrap(), witness.verifier());
    let submitted = trust.checkpoint().unwrap();
    let add = |submitted: &SignedCheckpoint, signature| {
        trust.add_cosignature(submitted, &key, &[signature]).unwrap_err()
    };
    let by_stranger = stranger.cosign(&submitted.note().body, 1);
    let refusal = add(&submitted, by_stranger);
    assert!(matches!(refusal, CosignatureRefusal::NotByWitness { .. }), "{refusal:?}");
    let of_other_text = witness.cosign("another text\n", 1);
    let refusal = add(&submitted, of_other_text);
    assert!(matches!(refusal, CosignatureRefusal::Signature { .. }), "{refusal:?}");
    let imposter = SigningKey::from_seed(trust.origin(), [9; 32]).unwrap();
    let foreign = SignedCheckpoint::sign(submitted.checkpoint().clone(), &imposter);
    let refusal = add(&foreign, witness.cosign(&foreign.note().body, 1));
    assert!(matches!(refusal, CosignatureRefusal::ForeignCheckpoint), "{refusal:?}");
    assert!(trust.cosigned().is_none());
}

#[tokio::test]
async fn a_log_that_cannot_be_synced_to_be_signed_has_failed() {
    let directory = tempfile::tempdir().unwrap();
    let config = RecorderConfig {
        durability: Durability::Os,
        segment_bytes: 128 << 10,
        ..RecorderConfig::at(directory.path())
    };
    let recorder = Recorder::open(config).unwrap();
    let large = format!(r#"{{"content_md":"{}"}}"#, "x".repeat(200_000));
    let segments = || {
        let names = fs::read_dir(directory.path().join("log")).unwrap();
        let paths = names.map(|entry| entry.unwrap().path());
        paths.filter(|path| path.extension().is_some_and(|extension| extension == "seg")).max()
    };
    // The writer has the newest segment open; whoever syncs it first opens it by its name. The
    // notary's thread may be faster than its removal, and then the next segment is as good.
    for n in 0.. {
        append_all(&recorder, &[line("run_1", "claude", "message.created", n, &large)]).await;
        fs::remove_file(segments().unwrap()).unwrap();
        if recorder.trust().checkpoint().is_err() {
            break;
        }
    }
    recorder.failed().await;
    let line = line("run_1", "claude", "message.created", 1, r#"{"content_md":"hello"}"#);
    let refused = recorder.append(support::request(&recorder, line)).await.unwrap_err();
    assert!(matches!(refused, AppendRefusal::LogFailed), "{refused:?}");
    assert!(recorder.close().is_err());
}
