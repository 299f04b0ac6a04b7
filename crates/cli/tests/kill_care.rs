//! kill -9 while bodies are erased and while the log is copied.
//!
//! An acknowledged redaction has its secret in no file of the directory, whatever happened in
//! between; one that was not acknowledged is either there as a whole or not at all. A backup that
//! was cut off is brought up to date by the next one. The log verifies after every round.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot set itself up must fail")]

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::Value;
use support::http::Http;
use support::{Luck, Server, annals, event, stderr, stdout, wait_for};

const ROUNDS: u64 = 8;
const EVENTS_A_ROUND: u64 = 60;
const FLAGS: [&str; 4] = ["--segment-bytes", "60000", "--log-level", "warn"];

/// An event with a word that is found nowhere else.
struct Secret {
    event_id: String,
    word: String,
}

fn append(http: &mut Http, luck: &mut Luck) -> Vec<Secret> {
    let secrets: Vec<Secret> = (0..EVENTS_A_ROUND)
        .map(|_| Secret { event_id: luck.uuid(), word: format!("word-{:016x}", luck.number()) })
        .collect();
    let events: Vec<String> = secrets
        .iter()
        .map(|secret| event(&secret.event_id, "r1", &format!("{{\"word\":\"{}\"}}", secret.word)))
        .collect();
    let reply = http.post("/v1/events", &format!("[{}]", events.join(","))).unwrap();
    assert_eq!(reply.status, 200, "{}", reply.text());
    secrets
}

/// Redacts one after the other until the server is gone; gives the ids that were acknowledged.
fn redact_until_the_end(mut http: Http, secrets: &[Secret], done: &AtomicU64) -> Vec<String> {
    let mut acknowledged = Vec::new();
    for secret in secrets {
        let path = format!("/v1/events/{}/redact", secret.event_id);
        match http.post(&path, r#"{"reason":"it was a secret"}"#) {
            Ok(reply) if reply.status == 200 => acknowledged.push(secret.event_id.clone()),
            // The server says that it stops, or it is gone.
            Ok(reply) => assert_eq!(reply.status, 503, "{}", reply.text()),
            Err(_) => return acknowledged,
        }
        done.fetch_add(1, Ordering::Relaxed);
    }
    acknowledged
}

fn words_in_files(directory: &Path, words: &BTreeSet<&str>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(words_in_files(&path, words));
            continue;
        }
        let bytes = fs::read(&path).unwrap();
        for (place, _) in bytes.windows(5).enumerate().filter(|(_, window)| window == b"word-") {
            let word = bytes.get(place..place + 21).and_then(|word| std::str::from_utf8(word).ok());
            found.extend(word.filter(|word| words.contains(word)).map(str::to_owned));
        }
    }
    found
}

fn verify(data: &Path, home: &Path) {
    let mut command = annals();
    command.env("HOME", home).env("XDG_STATE_HOME", home.join("state"));
    let output = command.args(["verify", "--json", "--data"]).arg(data).output().unwrap();
    assert!(output.status.success(), "{}{}", stdout(&output), stderr(&output));
}

#[test]
fn an_acknowledged_redaction_survives_kills_and_leaves_no_word() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let mut luck = Luck(20_261_120);
    let mut secrets: Vec<Secret> = Vec::new();
    let mut gone: BTreeSet<String> = BTreeSet::new();
    for round in 0..ROUNDS {
        let mut server = Server::start_with(&data, "127.0.0.1:0", &FLAGS);
        let fresh = append(&mut server.http(), &mut luck);
        let done = AtomicU64::new(0);
        let kill_after = 1 + luck.below(EVENTS_A_ROUND / 2);
        let acknowledged = std::thread::scope(|scope| {
            let http = server.http();
            let redacting = scope.spawn(|| redact_until_the_end(http, &fresh, &done));
            wait_for("some redactions", || {
                (done.load(Ordering::Relaxed) >= kill_after).then_some(())
            });
            server.process.signal("KILL");
            redacting.join().unwrap()
        });
        server.process.wait();
        assert!(!acknowledged.is_empty(), "round {round} redacted something");
        gone.extend(acknowledged);
        secrets.extend(fresh);

        let server = Server::start_with(&data, "127.0.0.1:0", &FLAGS);
        let mut http = server.http();
        let mut hidden = BTreeSet::new();
        for secret in &secrets {
            let reply = http.get(&format!("/v1/events/{}", secret.event_id)).unwrap();
            let shown = reply.json();
            match &shown["redaction"] {
                Value::Null => assert_eq!(shown["data"]["word"], secret.word, "{shown}"),
                _ => drop(hidden.insert(secret.word.as_str())),
            }
            let is_gone = gone.contains(&secret.event_id);
            assert!(!is_gone || shown["redaction"].is_object(), "it was acknowledged: {shown}");
        }
        server.stop();
        let found = words_in_files(&data, &hidden);
        assert!(found.is_empty(), "round {round}: {found:?} are still in the directory");
        verify(&data, dir.path());
    }
}

#[test]
fn a_backup_that_was_cut_off_is_finished_by_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let (data, copy) = (dir.path().join("data"), dir.path().join("copy"));
    let mut luck = Luck(20_261_121);
    let server = Server::start_with(&data, "127.0.0.1:0", &FLAGS);
    let backup = || {
        let mut command = annals();
        command.env("HOME", dir.path()).env("ANNALS_URL", server.url());
        command.env("ANNALS_TOKEN", &server.token).args(["backup", "--json"]).arg(&copy);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    };
    let mut event_count = 0;
    for _ in 0..ROUNDS {
        for _ in 0..20 {
            append(&mut server.http(), &mut luck);
            event_count += EVENTS_A_ROUND;
        }
        let mut child = backup().spawn().unwrap();
        // Somewhere between the first byte and the check of the copy.
        let size = || -> Option<u64> {
            let entries = fs::read_dir(copy.join("log")).ok()?;
            entries.map(|entry| entry.ok()?.metadata().ok().map(|file| file.len())).sum()
        };
        let enough = 1 + luck.below(event_count * 500);
        wait_for("a part of the copy", || {
            let is_there = size().is_some_and(|size| size >= enough);
            (is_there || child.try_wait().unwrap().is_some()).then_some(())
        });
        let _ = child.kill();
        child.wait().unwrap();
    }
    let output = backup().output().unwrap();
    assert!(output.status.success(), "{}{}", stdout(&output), stderr(&output));
    let told: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(told["events_verified"], event_count);
    server.stop();
    verify(&copy, dir.path());
}
