//! `annals verify --data` against directories whose files in `trust/` were forged by somebody who
//! has every right to write there, and has not the key that is remembered.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot set itself up must fail")]

mod support;

use std::fs;
use std::path::PathBuf;
use std::process::Output;

use annals_core::checkpoint::{Checkpoint, SignedCheckpoint, SignedRotation};
use annals_core::note::{SigningKey, VerifierKey};
use serde_json::Value;
use support::{Luck, Server, annals, event, stderr, stdout};

/// A log of twenty events, of which a person remembers the first ten.
struct Scene {
    home: tempfile::TempDir,
    luck: Luck,
}

impl Scene {
    fn new(seed: u64) -> Self {
        Self { home: tempfile::tempdir().unwrap(), luck: Luck(seed) }
    }

    fn remembered(seed: u64) -> Self {
        let mut scene = Self::new(seed);
        scene.append(10);
        let first = scene.verdict("data");
        assert_eq!(first["verdict"], "valid", "{first}");
        scene.append(10);
        scene
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn trust(&self, name: &str) -> PathBuf {
        self.path("data").join("trust").join(name)
    }

    fn append(&mut self, count: u64) -> Vec<Value> {
        let server = Server::start(&self.path("data"));
        let receipts = self.append_to(&server, count);
        server.stop();
        receipts
    }

    fn append_to(&mut self, server: &Server, count: u64) -> Vec<Value> {
        let events: Vec<String> =
            (0..count).map(|_| event(&self.luck.uuid(), "r1", "{\"n\":1}")).collect();
        let mut http = server.http();
        let reply = http.post("/v1/events", &format!("[{}]", events.join(","))).unwrap();
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()["results"].as_array().unwrap().clone()
    }

    fn run(&self, server: Option<&Server>, arguments: &[&str]) -> Output {
        let mut command = annals();
        command.env("HOME", self.home.path()).env("XDG_STATE_HOME", self.path("state"));
        if let Some(server) = server {
            command.env("ANNALS_URL", server.url()).env("ANNALS_TOKEN", &server.token);
        }
        command.args(arguments).output().unwrap()
    }

    fn verify(&self, name: &str) -> Output {
        self.run(None, &["verify", "--json", "--data", self.path(name).to_str().unwrap()])
    }

    fn verdict(&self, name: &str) -> Value {
        let output = self.verify(name);
        serde_json::from_str(&stdout(&output)).unwrap_or_else(|_| panic!("{}", stderr(&output)))
    }

    /// Expects that the directory is wrong, and how.
    #[track_caller]
    fn expect_fault(&self, kind: &str, says: &str) {
        let output = self.verify("data");
        assert_eq!(output.status.code(), Some(1), "{}{}", stdout(&output), stderr(&output));
        let verdict: Value = serde_json::from_str(&stdout(&output)).unwrap();
        let (found, message) = (&verdict["fault"]["kind"], &verdict["fault"]["message"]);
        assert!(found == kind && message.as_str().unwrap().contains(says), "{verdict}");
    }

    fn checkpoint(&self) -> Checkpoint {
        let text = fs::read_to_string(self.trust("checkpoint")).unwrap();
        SignedCheckpoint::parse(&text).unwrap().checkpoint().clone()
    }

    fn key(&self) -> VerifierKey {
        let keys = fs::read_to_string(self.trust("keys")).unwrap();
        keys.lines().nth(1).unwrap().parse().unwrap()
    }

    /// Lets another key sign the checkpoint, and the list of keys say what it likes.
    fn take_over(&self, mallory: &SigningKey, former: &str) {
        let origin = mallory.verifier().name().to_owned();
        let checkpoint = Checkpoint { origin, ..self.checkpoint() };
        let signed = SignedCheckpoint::sign(checkpoint, mallory);
        fs::write(self.trust("checkpoint"), signed.to_string()).unwrap();
        let keys = fs::read_to_string(self.trust("keys")).unwrap();
        let head = keys.lines().next().unwrap();
        let keys = format!("{head}\n{}\n{former}", mallory.verifier());
        fs::write(self.trust("keys"), keys).unwrap();
    }
}

fn check<'a>(verdict: &'a Value, name: &str) -> &'a Value {
    let checks = verdict["checks"].as_array().unwrap_or_else(|| panic!("{verdict}"));
    checks.iter().find(|check| check["name"] == name).unwrap_or_else(|| panic!("{verdict}"))
}

#[test]
fn a_key_is_not_followed_on_the_word_of_the_directory_alone() {
    let scene = Scene::remembered(41);
    let known = scene.key();
    let key = |seed| SigningKey::from_seed(known.name(), [seed; 32]).unwrap();
    scene.take_over(&key(9), &format!("{known} 0\n"));
    scene.expect_fault("bad_signature", "without a statement that both keys signed");
    scene.take_over(&key(9), "");
    scene.expect_fault("other_key", &known.to_string());
    // A chain that holds, and does not begin where it should.
    let rotation = SignedRotation::sign(known.name(), 12, &key(8), &key(9));
    let rotations = serde_json::to_string(&[rotation.to_string()]).unwrap();
    fs::write(scene.trust("rotations"), rotations).unwrap();
    scene.take_over(&key(9), &format!("{} 12\n", key(8).verifier()));
    scene.expect_fault("other_key", &known.to_string());
    // Statements in the known key's name that it has not signed.
    let forged = rotation.to_string().replace(&key(8).verifier().to_string(), &known.to_string());
    fs::write(scene.trust("rotations"), serde_json::to_string(&[forged]).unwrap()).unwrap();
    scene.take_over(&key(9), &format!("{known} 12\n"));
    scene.expect_fault("bad_signature", "rotations says of keys what they have not signed");
}

#[test]
fn keys_that_are_gone_do_not_switch_the_check_of_them_off() {
    let scene = Scene::remembered(42);
    fs::remove_file(scene.trust("keys")).unwrap();
    let output = scene.verify("data");
    assert_eq!(output.status.code(), Some(2), "{}", stdout(&output));
    assert!(stderr(&output).contains("keys is damaged: it is not there"), "{}", stderr(&output));
    fs::remove_file(scene.trust("checkpoint")).unwrap();
    scene.expect_fault("other_key", "names no key");
}

#[test]
fn a_checkpoint_of_another_log_is_none_of_this_one() {
    let scene = Scene::remembered(43);
    let mallory = SigningKey::from_seed("logs.example/mallory", [9; 32]).unwrap();
    scene.take_over(&mallory, "");
    scene.expect_fault("foreign_log", "logs.example/mallory");
}

#[test]
fn a_directory_and_a_backup_show_how_the_known_key_handed_over() {
    let mut scene = Scene::remembered(44);
    let (known, copy) = (scene.key(), scene.path("copy"));
    let server = Server::start(&scene.path("data"));
    for _ in 0..2 {
        let rotated = scene.run(Some(&server), &["key", "rotate"]);
        assert!(rotated.status.success(), "{}", stderr(&rotated));
        scene.append_to(&server, 1);
    }
    let backup = scene.run(Some(&server), &["backup", copy.to_str().unwrap()]);
    assert!(backup.status.success(), "{}", stderr(&backup));
    server.stop();
    assert_ne!(scene.key(), known);
    let followed = scene.verdict("copy");
    let said = check(&followed, "key");
    assert_eq!(said["result"], "passed", "{followed}");
    assert!(said["detail"].as_str().unwrap().contains("handed over, 2 times"), "{said}");
    // From here on the new key is the known one, and the old one is of its time only.
    let again = scene.verdict("data");
    let said = check(&again, "key")["detail"].as_str().unwrap().to_owned();
    assert!(said.contains("is the one that was seen before"), "{said}");
    for name in ["rotations", "keys"] {
        let file = copy.join("trust").join(name);
        let before = fs::read(&file).unwrap();
        fs::remove_file(&file).unwrap();
        assert!(!scene.verify("copy").status.success(), "{name} is missed");
        fs::write(file, before).unwrap();
    }
    assert!(scene.verify("copy").status.success());
}

#[test]
fn bodies_that_only_the_directory_explains_are_told_apart() {
    let mut scene = Scene::new(45);
    let copy = scene.path("copy");
    let name = copy.to_str().unwrap();
    let server = Server::start(&scene.path("data"));
    let receipts = scene.append_to(&server, 10);
    let event_id = |index: usize| receipts[index]["event_id"].as_str().unwrap();
    let redacted = scene.run(Some(&server), &["redact", event_id(2), "--reason", "x"]);
    assert!(redacted.status.success(), "{}", stderr(&redacted));
    let backup = scene.run(Some(&server), &["backup", name]);
    assert!(backup.status.success(), "{}", stderr(&backup));
    server.stop();
    let explained = scene.verdict("copy");
    let said = check(&explained, "records")["detail"].as_str().unwrap();
    assert!(said.contains("erased by redactions that are on the log: 1"), "{said}");
    assert!(!explained.to_string().contains("erasures"), "{explained}");
    let erased = scene.run(None, &["redact", event_id(6), "--reason", "x", "--in", name]);
    assert!(erased.status.success(), "{}", stderr(&erased));
    let verdict = scene.verdict("copy");
    assert_eq!((&verdict["verdict"], &verdict["bodies_withheld"]), (&"valid".into(), &2.into()));
    let said = check(&verdict, "erasures");
    assert_eq!(said["result"], "not_checked");
    let position = receipts[6]["position"].to_string();
    let detail = said["detail"].as_str().unwrap();
    assert!(detail.starts_with("why 1 body is gone") && detail.contains(&position), "{detail}");
}
