//! Witnesses: a real one over HTTP, which believes nothing and checks with code that we did not
//! write, remembers the log for longer than the log's own files do.
#![cfg(test)]

mod support;

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use annals_core::note::{CosigningKey, VerifierKey};
use annals_server::{ServerConfig, Timings, Witness};
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::{Value, json};
use signed_note::{StandardVerifier, Verifier, VerifierList};
use support::sse::PATIENCE;
use support::{TestServer, event};
use tlog_tiles::Hash;

const COSIGNED_AT: u64 = 1_763_640_000;

/// What a witness keeps.
#[derive(Default)]
struct Memory {
    trusted: Vec<String>,
    /// Size and root of what it cosigned last.
    seen: Option<(u64, Hash)>,
    /// Status of every answer, in order.
    answers: Vec<u16>,
    signs_wrongly: bool,
    /// It answers 503 to everything.
    is_away: bool,
}

/// A witness as C2SP tlog-witness describes it.
#[derive(Clone)]
struct TestWitness {
    memory: Arc<Mutex<Memory>>,
    key: Arc<CosigningKey>,
    url: String,
}

impl TestWitness {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let witness = Self {
            memory: Arc::default(),
            key: Arc::new(CosigningKey::from_seed("witness.example/w1", [6; 32]).unwrap()),
            url: format!("http://{}/prefix/", listener.local_addr().unwrap()),
        };
        let routes = Router::new().route("/prefix/add-checkpoint", post(add_checkpoint));
        let routes = routes.with_state(witness.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        witness
    }

    fn config(&self) -> ServerConfig {
        let key = self.key.verifier().to_string();
        ServerConfig {
            witnesses: vec![Witness::new("w1", &self.url, &key).unwrap()],
            timings: Timings {
                witness_rest: Duration::from_millis(5),
                witness_renew: Duration::from_millis(50),
                ..Timings::default()
            },
            ..ServerConfig::default()
        }
    }

    fn trust(&self, server: &TestServer) {
        let keys = server.recorder.trust().verifier_keys();
        self.memory.lock().unwrap().trusted.push(keys[0].to_string());
    }

    fn seen_size(&self) -> u64 {
        self.memory.lock().unwrap().seen.map_or(0, |(size, _)| size)
    }

    fn check(&self, body: &str) -> Result<String, Box<Response>> {
        let mut memory = self.memory.lock().unwrap();
        if memory.is_away {
            return Err(Box::new(StatusCode::SERVICE_UNAVAILABLE.into_response()));
        }
        let (head, note_text) = body.split_once("\n\n").expect("an empty line");
        let note = signed_note::Note::from_bytes(note_text.as_bytes()).expect("a note");
        let checkpoint = tlog_tiles::Checkpoint::from_bytes(note.text()).expect("a checkpoint");
        let verifiers = memory.trusted.iter().map(|key| StandardVerifier::new(key).unwrap());
        let verifiers: Vec<_> = verifiers.filter(|key| key.name() == checkpoint.origin()).collect();
        if verifiers.is_empty() {
            return Err(Box::new(StatusCode::NOT_FOUND.into_response()));
        }
        let known = verifiers.into_iter().map(|key| Box::new(key) as Box<dyn Verifier>);
        if note.verify(&VerifierList::new(known.collect())).is_err() {
            return Err(Box::new(StatusCode::FORBIDDEN.into_response()));
        }
        let mut lines = head.lines();
        let old: u64 = lines.next().unwrap().strip_prefix("old ").unwrap().parse().unwrap();
        let proof: Vec<_> = lines.map(|line| Hash::parse_hash(line).unwrap()).collect();
        assert!(proof.len() <= 63);
        if old > checkpoint.size() {
            return Err(Box::new(StatusCode::BAD_REQUEST.into_response()));
        }
        let (seen_size, seen_root) = memory.seen.unwrap_or((0, Hash([0; 32])));
        if old != seen_size {
            let media = [(header::CONTENT_TYPE, "text/x.tlog.size")];
            return Err(Box::new(
                (StatusCode::CONFLICT, media, format!("{seen_size}\n")).into_response(),
            ));
        }
        let root = *checkpoint.hash();
        if old == checkpoint.size() && root != seen_root {
            return Err(Box::new(StatusCode::CONFLICT.into_response()));
        }
        let holds = match old {
            0 => proof.is_empty(),
            _ => tlog_tiles::check_tree(&proof, checkpoint.size(), root, old, seen_root).is_ok(),
        };
        if !holds {
            return Err(Box::new(StatusCode::UNPROCESSABLE_ENTITY.into_response()));
        }
        memory.seen = Some((checkpoint.size(), root));
        let text = if memory.signs_wrongly { b"another text\n" } else { note.text() };
        let text = std::str::from_utf8(text).unwrap();
        let stranger = CosigningKey::from_seed("witness.example/w2", [7; 32]).unwrap();
        let lines = [stranger.cosign(text, COSIGNED_AT), self.key.cosign(text, COSIGNED_AT)];
        Ok(lines.iter().map(|line| format!("{line}\n")).collect())
    }
}

async fn add_checkpoint(State(witness): State<TestWitness>, body: String) -> Response {
    let answer = witness.check(&body).map_or_else(|refusal| *refusal, IntoResponse::into_response);
    witness.memory.lock().unwrap().answers.push(answer.status().as_u16());
    answer
}

async fn append(server: &TestServer, count: u32) {
    let events = (0..count).map(|n| event("run_1", json!({ "n": n })));
    server.accept(&Value::Array(events.collect())).await;
}

/// Waits until the witness's entry in the log's status is as wanted.
async fn status(server: &TestServer, is_wanted: impl Fn(&Value) -> bool) -> Value {
    let look = async {
        loop {
            let entry = server.get("/v1/log/status").send().await.value()["witnesses"][0].take();
            if is_wanted(&entry) {
                return entry;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, look).await.expect("the witness's status is as wanted in time")
}

async fn until_cosigned(server: &TestServer, size: u64) -> Value {
    status(server, |entry| entry["cosigned_size"] == size && entry["error"].is_null()).await
}

async fn until_error(server: &TestServer, words: &str) {
    status(server, |entry| entry["error"].as_str().is_some_and(|error| error.contains(words)))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_witness_that_checks_everything_cosigns_as_the_log_grows() {
    let witness = TestWitness::start().await;
    let server = TestServer::start_with(witness.config()).await;
    witness.trust(&server);
    append(&server, 3).await;
    let entry = until_cosigned(&server, 3).await;
    assert_eq!(entry["name"], "w1");
    assert_eq!(entry["cosigned_at"], "2025-11-20T12:00:00.000000Z");
    append(&server, 400).await;
    until_cosigned(&server, 403).await;
    assert!(!witness.memory.lock().unwrap().answers.contains(&422));
    // The note that everybody gets has the cosignature, and nothing by strangers.
    let note = server.get("/v1/log/checkpoint").send().await.text();
    let signed = annals_core::checkpoint::SignedCheckpoint::parse(&note).unwrap();
    assert_eq!(signed.verify_cosignature(&witness.key.verifier()).unwrap(), COSIGNED_AT);
    assert_eq!(signed.note().signatures.len(), 2);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_goes_on_where_the_witness_stands_even_if_the_log_has_forgotten_it() {
    let witness = TestWitness::start().await;
    let server = TestServer::start_with(witness.config()).await;
    witness.trust(&server);
    append(&server, 5).await;
    until_cosigned(&server, 5).await;
    let data_dir = server.stop().await;
    let server = TestServer::start_in(data_dir, witness.config()).await;
    assert_eq!(until_cosigned(&server, 5).await["cosigned_at"], "2025-11-20T12:00:00.000000Z");
    assert!(!witness.memory.lock().unwrap().answers.contains(&409));
    let data_dir = server.stop().await;
    std::fs::remove_file(data_dir.path().join("trust/cosigned")).unwrap();
    let server = TestServer::start_in(data_dir, witness.config()).await;
    append(&server, 2).await;
    until_cosigned(&server, 7).await;
    assert!(witness.memory.lock().unwrap().answers.contains(&409));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_witness_that_does_not_know_the_log_or_its_key_is_named_and_asked_again() {
    let witness = TestWitness::start().await;
    let server = TestServer::start_with(witness.config()).await;
    append(&server, 1).await;
    until_error(&server, "404").await;
    witness.trust(&server);
    until_cosigned(&server, 1).await;
    let rotated = server.call(hyper::Method::POST, "/v1/log/key/rotate").send().await;
    assert!(rotated.status.is_success(), "{}", rotated.text());
    until_error(&server, "403").await;
    witness.trust(&server);
    until_cosigned(&server, 2).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cosignature_that_does_not_hold_is_not_kept() {
    let witness = TestWitness::start().await;
    witness.memory.lock().unwrap().signs_wrongly = true;
    let server = TestServer::start_with(witness.config()).await;
    witness.trust(&server);
    append(&server, 2).await;
    until_error(&server, "does not hold").await;
    assert!(server.recorder.trust().cosigned().is_none());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_witness_that_was_away_is_asked_again_while_the_log_stands_still() {
    let witness = TestWitness::start().await;
    witness.memory.lock().unwrap().is_away = true;
    let server = TestServer::start_with(witness.config()).await;
    witness.trust(&server);
    append(&server, 4).await;
    until_error(&server, "503").await;
    witness.memory.lock().unwrap().is_away = false;
    until_cosigned(&server, 4).await;
    // A start makes no difference: the log has not grown since.
    witness.memory.lock().unwrap().is_away = true;
    let data_dir = server.stop().await;
    std::fs::remove_file(data_dir.path().join("trust/cosigned")).unwrap();
    let server = TestServer::start_in(data_dir, witness.config()).await;
    until_error(&server, "503").await;
    witness.memory.lock().unwrap().is_away = false;
    until_cosigned(&server, 4).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_witness_that_was_itself_set_back_gets_what_it_has_forgotten() {
    let witness = TestWitness::start().await;
    let server = TestServer::start_with(witness.config()).await;
    witness.trust(&server);
    append(&server, 4).await;
    until_cosigned(&server, 4).await;
    witness.memory.lock().unwrap().seen = None;
    let remembers = async {
        while witness.seen_size() != 4 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, remembers).await.expect("the witness is told again in time");
    until_cosigned(&server, 4).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_tell_how_each_witness_stands() {
    let witness = TestWitness::start().await;
    witness.memory.lock().unwrap().is_away = true;
    let config = witness.config();
    let timings = Timings { witness_renew: Duration::from_secs(3_600), ..config.timings.clone() };
    let server = TestServer::start_with(ServerConfig { timings, ..config }).await;
    let line = async |name: &str| {
        let text = server.get("/metrics").send().await.text();
        let found =
            text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<f64>().ok());
        found.unwrap_or_else(|| panic!("{name}\n{text}"))
    };
    let ok = r#"annals_witness_submissions_total{witness="w1",outcome="ok"}"#;
    let refused = r#"annals_witness_submissions_total{witness="w1",outcome="refused"}"#;
    let failed = r#"annals_witness_submissions_total{witness="w1",outcome="failed"}"#;
    let size = r#"annals_witness_cosigned_size{witness="w1"}"#;
    // Before anything was sent there are zeros, not gaps.
    assert_eq!((line(ok).await, line(refused).await, line(size).await), (0.0, 0.0, 0.0));
    append(&server, 2).await;
    until_error(&server, "503").await;
    assert!(line(failed).await >= 1.0);
    witness.memory.lock().unwrap().is_away = false;
    until_error(&server, "404").await;
    assert!(line(refused).await >= 1.0);
    witness.trust(&server);
    until_cosigned(&server, 2).await;
    assert_eq!((line(ok).await, line(size).await), (1.0, 2.0));
    assert!(line("annals_checkpoints_signed_total").await >= 1.0);
    assert_eq!(line("annals_checkpoint_size").await, 2.0);
    assert!(line("annals_checkpoint_age_seconds").await < 3_600.0);
    server.stop().await;
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// A log that a witness knows up to six events, and a copy of it, keys and all, of three.
async fn set_back(witness: &TestWitness) -> tempfile::TempDir {
    let server = TestServer::start_with(witness.config()).await;
    witness.trust(&server);
    append(&server, 3).await;
    until_cosigned(&server, 3).await;
    let data_dir = server.stop().await;
    let older = tempfile::tempdir().unwrap();
    copy(data_dir.path(), older.path());
    let server = TestServer::start_in(data_dir, witness.config()).await;
    append(&server, 3).await;
    until_cosigned(&server, 6).await;
    server.stop().await;
    older
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_was_set_back_to_an_older_copy_is_found_out() {
    let witness = TestWitness::start().await;
    let older = set_back(&witness).await;
    let server = TestServer::start_in(older, witness.config()).await;
    append(&server, 1).await;
    until_error(&server, "the log was set back to an older copy").await;
    assert_eq!(witness.seen_size(), 6);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_history_under_one_name_is_found_out() {
    for count in [3, 5] {
        let witness = TestWitness::start().await;
        let older = set_back(&witness).await;
        let server = TestServer::start_in(older, witness.config()).await;
        append(&server, count).await;
        until_error(&server, "the histories differ").await;
        assert_eq!(witness.seen_size(), 6);
        server.stop().await;
    }
}

#[test]
fn only_addresses_and_keys_of_witnesses_are_taken() {
    let key = CosigningKey::from_seed("w", [1; 32]).unwrap().verifier();
    assert!(Witness::new("w", "https://w.example/x", &key.to_string()).is_ok());
    for url in ["w.example", "ftp://w.example", "mailto:w@example.org"] {
        let error = Witness::new("w", url, &key.to_string()).unwrap_err().to_string();
        assert!(error.contains(url), "{error}");
    }
    let log_key: VerifierKey =
        annals_core::note::SigningKey::from_seed("w", [1; 32]).unwrap().verifier();
    for key in [log_key.to_string(), "w+00000000+AA".to_owned()] {
        let error = Witness::new("w", "https://w.example", &key).unwrap_err().to_string();
        assert!(error.contains(&key), "{error}");
    }
}
