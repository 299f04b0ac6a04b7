//! Key rotation: both keys say so on the log, and a crash at any step is finished by a start.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what it did not expect")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use annals_core::checkpoint::SignedRotation;
use annals_core::envelope::Authority;
use annals_core::note::VerifierKey;
use annals_recorder::config::RecorderConfig;
use annals_recorder::copies::read_identity;
use annals_recorder::principal::{Principal, Rights};
use annals_recorder::trust::{
    FormerKey, KeyRotation, PublicTrust, PublicTrustError, RotationRefusal, TrustError,
};
use annals_recorder::{OpenError, Recorder};
use support::{append_all, line};

async fn append(recorder: &Recorder, count: u32) {
    let line = |n| line("run_1", "claude", "message.created", n, r#"{"content_md":"hello"}"#);
    append_all(recorder, &(0..count).map(line).collect::<Vec<_>>()).await;
}

fn open(directory: &Path) -> Recorder {
    Recorder::open(RecorderConfig::at(directory)).unwrap()
}

async fn rotate(recorder: &Recorder) -> KeyRotation {
    recorder.rotate_key(Arc::clone(recorder.access().owner())).await.unwrap()
}

#[tokio::test]
async fn the_new_key_signs_from_the_event_on_and_the_old_one_never_again() {
    let recorder = Recorder::open(RecorderConfig::in_memory()).unwrap();
    let trust = recorder.trust();
    append(&recorder, 3).await;
    let before = trust.checkpoint().unwrap();
    let rotation = rotate(&recorder).await;
    let after = trust.checkpoint().unwrap();
    assert_eq!((rotation.position.get(), after.checkpoint().size), (4, 4));
    assert_eq!(trust.verifier_keys(), [rotation.key.clone(), rotation.former_key.clone()]);
    let former = trust.former_keys();
    assert_eq!((&former[0].key, former[0].last_size), (&rotation.former_key, 3));
    before.verify(&rotation.former_key).unwrap();
    after.verify(&rotation.key).unwrap();
    assert!(before.verify(&rotation.key).is_err());
    assert!(after.verify(&rotation.former_key).is_err());
}

#[tokio::test]
async fn both_keys_sign_the_event_and_its_body_is_not_needed() {
    let recorder = Recorder::open(RecorderConfig::in_memory()).unwrap();
    let rotation = rotate(&recorder).await;
    let event = recorder.log().event_at(rotation.position).unwrap().unwrap();
    assert_eq!(event.header().event_type, "log.key_rotated");
    assert_eq!(event.header().authority, Authority::Control);
    let control: serde_json::Value = serde_json::from_str(event.header().control.unwrap()).unwrap();
    let signed = SignedRotation::parse_verified(control["statement"].as_str().unwrap()).unwrap();
    let statement = signed.statement();
    assert_eq!((&statement.old_key, &statement.new_key), (&rotation.former_key, &rotation.key));
    assert_eq!(statement.origin, recorder.trust().origin());
    assert_eq!(recorder.trust().rotations(), [signed]);
    let data: serde_json::Value = serde_json::from_str(event.data()).unwrap();
    assert_eq!(data["new_key"], rotation.key.to_string());
}

#[tokio::test]
async fn only_who_administers_rotates() {
    let recorder = Recorder::open(RecorderConfig::in_memory()).unwrap();
    let owner = recorder.access().owner();
    let by = Principal { rights: Rights::READ.with(Rights::VERIFY), ..Principal::clone(owner) };
    let refusal = recorder.rotate_key(Arc::new(by)).await.unwrap_err();
    assert!(matches!(refusal, RotationRefusal::Forbidden), "{refusal:?}");
    assert_eq!(recorder.head().position.get(), 0);
    assert_eq!(recorder.trust().verifier_keys().len(), 1);
}

#[tokio::test]
async fn rotated_keys_and_their_order_survive_restarts() {
    let directory = tempfile::tempdir().unwrap();
    let recorder = open(directory.path());
    for _ in 0..3 {
        append(&recorder, 1).await;
        rotate(&recorder).await;
    }
    append(&recorder, 1).await;
    let (keys, former) = (recorder.trust().verifier_keys(), recorder.trust().former_keys());
    assert_eq!(former.iter().map(|former| former.last_size).collect::<Vec<_>>(), [5, 3, 1]);
    recorder.close().unwrap();
    let recorder = open(directory.path());
    assert_eq!(recorder.trust().verifier_keys(), keys);
    assert_eq!(recorder.trust().former_keys(), former);
    recorder.trust().checkpoint().unwrap().verify(&keys[0]).unwrap();
}

/// A directory after a rotation, and what its key files were before.
struct Rotated {
    directory: tempfile::TempDir,
    old_key: VerifierKey,
    new_key: VerifierKey,
    old_seed: String,
    new_seed: String,
    old_keys: String,
    new_keys: String,
    rotations: String,
}

impl Rotated {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let recorder = open(directory.path());
        append(&recorder, 2).await;
        let read = |name: &str| fs::read_to_string(directory.path().join("trust").join(name));
        let (old_seed, old_keys) = (read("key").unwrap(), read("keys").unwrap());
        let rotation = rotate(&recorder).await;
        recorder.close().unwrap();
        let new_seed = read("key").unwrap();
        let (old_key, new_key) = (rotation.former_key, rotation.key);
        let (new_keys, rotations) = (read("keys").unwrap(), read("rotations").unwrap());
        Self { directory, old_key, new_key, old_seed, new_seed, old_keys, new_keys, rotations }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join("trust").join(name)
    }

    /// Puts the key files as a crash would have left them; none for one that is not there.
    fn crashed(&self, key: Option<&str>, next: Option<&str>, old: Option<&str>) {
        for (name, text) in [("key", key), ("key.next", next), ("key.old", old)] {
            match text {
                Some(text) => fs::write(self.file(name), text).unwrap(),
                None => drop(fs::remove_file(self.file(name))),
            }
        }
        fs::write(self.file("keys"), &self.old_keys).unwrap();
        drop(fs::remove_file(self.file("rotations")));
    }

    fn public(&self) -> Result<PublicTrust, PublicTrustError> {
        let log_id = read_identity(self.directory.path()).unwrap().log_id;
        PublicTrust::read(self.directory.path(), log_id).map(Option::unwrap)
    }

    fn expect_new_key(&self) {
        let recorder = open(self.directory.path());
        assert_eq!(recorder.trust().verifier_keys(), [self.new_key.clone(), self.old_key.clone()]);
        recorder.trust().checkpoint().unwrap().verify(&self.new_key).unwrap();
        recorder.close().unwrap();
        assert_eq!(fs::read_to_string(self.file("key")).unwrap(), self.new_seed);
        let keys = fs::read_to_string(self.file("keys")).unwrap();
        assert_eq!(keys, self.new_keys);
        assert_eq!(fs::read_to_string(self.file("rotations")).unwrap(), self.rotations);
        self.expect_no_old_seed();
    }

    fn expect_no_old_seed(&self) {
        let seed = self.old_seed.lines().nth(2).unwrap();
        for entry in fs::read_dir(self.directory.path().join("trust")).unwrap() {
            let path = entry.unwrap().path();
            let bytes = fs::read(&path).unwrap();
            assert!(!String::from_utf8_lossy(&bytes).contains(seed), "{}", path.display());
        }
    }
}

#[tokio::test]
async fn the_old_seed_is_gone_after_a_rotation() {
    let rotated = Rotated::new().await;
    assert_ne!(rotated.old_seed, rotated.new_seed);
    rotated.expect_no_old_seed();
}

#[tokio::test]
async fn a_crash_at_any_step_behind_the_event_ends_with_the_new_key() {
    let rotated = Rotated::new().await;
    let (old, new) = (Some(rotated.old_seed.as_str()), Some(rotated.new_seed.as_str()));
    // In the order of the steps: the event is durable, the old seed stands aside, the new one has
    // its place, the old one is erased.
    for (key, next, aside) in
        [(old, new, None), (None, new, old), (new, None, old), (new, None, None)]
    {
        rotated.crashed(key, next, aside);
        rotated.expect_new_key();
    }
}

#[tokio::test]
async fn a_crash_before_the_event_leaves_the_old_key() {
    let directory = tempfile::tempdir().unwrap();
    let recorder = open(directory.path());
    append(&recorder, 1).await;
    let key = recorder.trust().verifier_keys();
    recorder.close().unwrap();
    let never_used = Rotated::new().await;
    let next = directory.path().join("trust/key.next");
    fs::write(&next, &never_used.new_seed).unwrap();
    let recorder = open(directory.path());
    assert_eq!(recorder.trust().verifier_keys(), key);
    assert!(!next.exists());
    rotate(&recorder).await;
    recorder.close().unwrap();
    open(directory.path());
}

#[tokio::test]
async fn a_log_whose_new_key_is_lost_is_not_opened() {
    let rotated = Rotated::new().await;
    rotated.crashed(Some(&rotated.old_seed), None, None);
    let error = Recorder::open(RecorderConfig::at(rotated.directory.path())).unwrap_err();
    assert!(matches!(error, OpenError::Trust(TrustError::KeyMissing { .. })), "{error:?}");
}

#[tokio::test]
async fn the_public_files_lead_from_the_first_key_to_the_one_that_signs() {
    let directory = tempfile::tempdir().unwrap();
    let recorder = open(directory.path());
    let rotations = directory.path().join("trust/rotations");
    assert!(!rotations.exists(), "nothing is said of rotations before the first");
    for _ in 0..2 {
        append(&recorder, 1).await;
        rotate(&recorder).await;
    }
    let notes: Vec<String> =
        serde_json::from_str(&fs::read_to_string(&rotations).unwrap()).unwrap();
    let wanted = recorder.trust().rotations();
    assert_eq!(notes, wanted.iter().map(ToString::to_string).collect::<Vec<_>>());
    let (former, log_id) = (recorder.trust().former_keys(), recorder.log_id());
    let keys = recorder.trust().verifier_keys();
    recorder.close().unwrap();
    let public = PublicTrust::read(directory.path(), log_id).unwrap().unwrap();
    assert_eq!((&public.key, public.rotations()), (&keys[0], &wanted[..]));
    assert_eq!(public.former_keys(), former);
    let signers = [0, 1, 2, 3, 4].map(|size| public.key_for(size).clone());
    let [third, second, first] = [0, 1, 2].map(|index| keys[index].clone());
    assert_eq!(signers, [first.clone(), first, second.clone(), second, third]);
    let copy = tempfile::tempdir().unwrap();
    fs::create_dir(copy.path().join("trust")).unwrap();
    public.write(copy.path(), log_id).unwrap();
    assert_eq!(PublicTrust::read(copy.path(), log_id).unwrap(), Some(public));
}

#[tokio::test]
async fn a_crash_between_the_public_files_is_no_forgery_and_the_next_start_ends_it() {
    let rotated = Rotated::new().await;
    fs::write(rotated.file("keys"), &rotated.old_keys).unwrap();
    let public = rotated.public().unwrap();
    assert_eq!(public.key, rotated.new_key);
    assert_eq!(public.former_keys(), [FormerKey { key: rotated.old_key.clone(), last_size: 2 }]);
    rotated.expect_new_key();
}

#[tokio::test]
async fn a_former_key_that_no_rotation_names_is_not_believed() {
    let rotated = Rotated::new().await;
    let stranger = Rotated::new().await;
    let forged = |name: &str, text: &str| {
        let file = rotated.file(name);
        let before = fs::read_to_string(&file).unwrap();
        fs::write(&file, text).unwrap();
        let error = rotated.public().unwrap_err();
        fs::write(&file, before).unwrap();
        error
    };
    let more = format!("{}{} 0\n", rotated.new_keys, stranger.old_key);
    let other_size = rotated.new_keys.replace(" 2\n", " 9\n");
    let other_key =
        rotated.old_keys.replace(&rotated.old_key.to_string(), &stranger.old_key.to_string());
    for text in [&more, &other_size, &other_key] {
        let error = forged("keys", text);
        assert!(matches!(error, PublicTrustError::Unsigned { .. }), "{text}{error:?}");
    }
    let other_statement = rotated.rotations.replace("\\n2\\n", "\\n9\\n");
    assert_ne!(other_statement, rotated.rotations);
    for text in [&stranger.rotations, &other_statement, "[]"] {
        let error = forged("rotations", text);
        assert!(matches!(error, PublicTrustError::Unsigned { .. }), "{text}{error:?}");
    }
    let error = forged("rotations", "");
    assert!(matches!(error, PublicTrustError::Damaged { .. }), "{error:?}");
    rotated.public().unwrap();
}

#[tokio::test]
async fn keys_that_are_gone_are_missed_where_a_checkpoint_is_left() {
    let rotated = Rotated::new().await;
    let log_id = read_identity(rotated.directory.path()).unwrap().log_id;
    for gone in ["keys", "rotations"] {
        fs::remove_file(rotated.file(gone)).unwrap();
        let error = rotated.public().unwrap_err();
        assert!(error.to_string().contains("keys is damaged: it is not there"), "{error}");
    }
    // What a backup has that broke off in the middle of its first writing.
    fs::remove_file(rotated.file("checkpoint")).unwrap();
    fs::write(rotated.file("rotations"), &rotated.rotations).unwrap();
    assert_eq!(PublicTrust::read(rotated.directory.path(), log_id).unwrap(), None);
}

#[tokio::test]
async fn a_log_without_a_rotation_that_its_file_has_is_not_opened() {
    let rotated = Rotated::new().await;
    let other = Rotated::new().await;
    for (text, says) in [(other.rotations.as_str(), "the log does not have"), ("[", "no JSON")] {
        fs::write(rotated.file("rotations"), text).unwrap();
        let error = Recorder::open(RecorderConfig::at(rotated.directory.path())).unwrap_err();
        assert!(matches!(error, OpenError::Trust(TrustError::Damaged { .. })), "{error:?}");
        assert!(error.to_string().contains(says), "{error}");
    }
}
