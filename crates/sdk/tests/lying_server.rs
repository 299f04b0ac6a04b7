//! Verification against a server that lies: each answer that is neither hashed nor signed says
//! what suits it. The real server's behaviour is tested with the real binary in the `annals` crate.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot set itself up must fail")]

use std::borrow::Cow;
use std::sync::{Arc, Mutex};

use annals_core::checkpoint::{Checkpoint, SignedCheckpoint, SignedRotation};
use annals_core::envelope::{Authority, RedactionLevel, Scope, Zone};
use annals_core::hash::Digest;
use annals_core::id::{EventId, EventType, LogId, Position, Seq};
use annals_core::merkle::{consistency_path, leaf_hash, root};
use annals_core::note::SigningKey;
use annals_core::record::{Header, HeaderDraft, Placement, ServerFilled, commitment, event_hash};
use annals_core::time::Timestamp;
use annals_sdk::verify::{CheckpointMemory, LogFault, VerifyError, VerifyOptions};
use annals_sdk::{Client, RetryPolicy, agent, stream};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

const OWN_ID: [u8; 16] = [7; 16];
const BODY: &str = "{}";
const SALT: [u8; 32] = [9; 32];

fn id_text(bytes: [u8; 16]) -> String {
    LogId::from_bytes(bytes).to_string()
}

type Change = fn(&mut Log);

/// A log in memory that can be told to lie.
struct Log {
    /// What the status says.
    log_id: String,
    origin: String,
    keys: Vec<SigningKey>,
    rotations: Vec<SignedRotation>,
    lineage: Value,
    records: Vec<Value>,
    leaves: Vec<Digest>,
    prev: Digest,
    /// What the list of redactions says.
    listed: Vec<u64>,
    /// What happens after the first answer to a path, as to a log that goes on meanwhile.
    then: Option<(&'static str, Change)>,
}

impl Log {
    fn new(origin: &str) -> Self {
        Self {
            log_id: id_text(OWN_ID),
            origin: origin.to_owned(),
            keys: vec![SigningKey::from_seed(origin, [1; 32]).unwrap()],
            rotations: Vec::new(),
            lineage: json!([]),
            records: Vec::new(),
            leaves: Vec::new(),
            prev: Digest::ZERO,
            listed: Vec::new(),
            then: None,
        }
    }

    fn with_events(count: usize) -> Self {
        let mut log = Self::new(&format!("annals.local/{}", id_text(OWN_ID)));
        for _ in 0..count {
            log.append("note.taken", Authority::Observed, None);
        }
        log
    }

    /// Appends to the one stream that there is.
    fn append(&mut self, event_type: &str, authority: Authority, control: Option<String>) {
        let position = self.leaves.len() as u64 + 1;
        let header = header(position, event_type, authority, control);
        let commitment = commitment(&SALT, BODY.as_bytes());
        let hash = event_hash(&header, &commitment, &self.prev);
        self.records.push(json!({
            "position": position, "stream_seq": position, "header": STANDARD.encode(&header),
            "body": STANDARD.encode(BODY), "salt": STANDARD.encode(SALT),
            "commitment": commitment.to_string(), "prev": self.prev.to_string(),
            "event_hash": hash.to_string(),
        }));
        self.leaves.push(leaf_hash(hash.as_bytes()));
        self.prev = hash;
    }

    fn erase(&mut self, position: u64) {
        let record = &mut self.records[usize::try_from(position).unwrap() - 1];
        record["body"] = Value::Null;
        record["salt"] = Value::Null;
    }

    fn rotate(&mut self) {
        let next = u8::try_from(self.keys.len()).unwrap() + 1;
        let next = SigningKey::from_seed(&self.origin, [next; 32]).unwrap();
        let size = self.leaves.len() as u64;
        let old = self.keys.last().unwrap();
        self.rotations.push(SignedRotation::sign(&self.origin, size, old, &next));
        self.keys.push(next);
        self.append("log.key_rotated", Authority::Control, None);
    }

    fn checkpoint(&self) -> SignedCheckpoint {
        let size = self.leaves.len() as u64;
        let root = root(&self.leaves);
        let checkpoint = Checkpoint { origin: self.origin.clone(), size, root };
        SignedCheckpoint::sign(checkpoint, self.keys.last().unwrap())
    }

    fn status(&self) -> Value {
        let rotations: Vec<String> = self.rotations.iter().map(ToString::to_string).collect();
        json!({
            "log_id": self.log_id, "origin": self.origin, "size": self.leaves.len(),
            "root_hash": root(&self.leaves).to_string(), "head_position": self.leaves.len(),
            "checkpoint_at": null, "key": self.keys.last().unwrap().verifier().to_string(),
            "former_keys": [], "rotations": rotations, "witnesses": [],
            "redactions": self.listed.len(), "lineage": self.lineage, "durability": "sync",
        })
    }

    fn answer(&mut self, path: &str, parameter: impl Fn(&str) -> usize) -> Vec<u8> {
        let answer = match path {
            "/v1/log/checkpoint" => self.checkpoint().to_string().into_bytes(),
            "/v1/log/status" => self.status().to_string().into_bytes(),
            "/v1/log/consistency" => self.consistency(parameter("from"), parameter("to")),
            "/v1/events" => {
                let after = parameter("after_position");
                json!({ "events": self.records[after.min(self.records.len())..] })
                    .to_string()
                    .into_bytes()
            }
            "/v1/redactions" => {
                let listed: Vec<Value> =
                    self.listed.iter().map(|at| json!({ "position": at })).collect();
                json!({ "redactions": listed, "next": null, "as_of": 1 }).to_string().into_bytes()
            }
            tile => {
                let (_, width) = tile.rsplit_once("/v1/log/tile/0/000.p/").unwrap_or_default();
                let width = width.parse().unwrap_or(0);
                self.leaves[..width].iter().flat_map(|leaf| *leaf.as_bytes()).collect()
            }
        };
        if let Some((_, happens)) = self.then.take_if(|(after, _)| *after == path) {
            happens(self);
        }
        answer
    }

    fn consistency(&self, from: usize, to: usize) -> Vec<u8> {
        let path = consistency_path(&self.leaves[..to], from).unwrap();
        let path: Vec<String> = path.iter().map(ToString::to_string).collect();
        let proof = json!({ "from": from, "to": to, "from_root": "", "to_root": "", "path": path });
        proof.to_string().into_bytes()
    }

    /// Verifies it, served.
    async fn verify(self, options: VerifyOptions) -> Result<Vec<String>, VerifyError> {
        let client = serve(self).await;
        let verification = client.verify(&options, &mut |_| {}).await?;
        Ok(verification.checks.into_iter().map(|check| check.detail).collect())
    }

    async fn fault(self, options: VerifyOptions) -> LogFault {
        match self.verify(options).await {
            Err(VerifyError::Fault(fault)) => fault,
            other => panic!("no fault: {other:?}"),
        }
    }
}

fn header(
    position: u64,
    event_type: &str,
    authority: Authority,
    control: Option<String>,
) -> Vec<u8> {
    let header = Header {
        event_id: EventId::from_bytes(u128::from(position).to_be_bytes()),
        event_type: &EventType::parse(event_type).unwrap(),
        event_version: 1,
        occurred_at: Timestamp::from_micros(0),
        workspace_id: "default".parse().unwrap(),
        scope: &Scope::default(),
        actor: &agent("a").unwrap(),
        actor_principal_id: "p".parse().unwrap(),
        zone: Zone::Supervised,
        stream: &stream("run", "r").unwrap(),
        correlation_id: Cow::Owned("c".parse().unwrap()),
        causation_id: None,
        idempotency_key: None,
        origin_dialect: None,
        authority,
        redaction_level: RedactionLevel::None,
        contains_secrets: false,
        server_filled: ServerFilled::none(),
        control,
    };
    let placement = Placement {
        position: Position(position),
        stream_seq: Seq(position),
        recorded_at: Timestamp::from_micros(0),
    };
    let mut bytes = header.encode(&LogId::from_bytes(OWN_ID)).as_bytes().to_vec();
    bytes.extend_from_slice(&HeaderDraft::placement_bytes(&placement));
    bytes
}

fn redaction_of(position: u64) -> Option<String> {
    Some(format!("{{\"position\":{position},\"event_id\":\"x\"}}"))
}

/// Serves a log, one request a connection.
async fn serve(log: Log) -> Client {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let log = Arc::new(Mutex::new(log));
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                request.push(socket.read_u8().await.unwrap());
            }
            let request = String::from_utf8(request).unwrap();
            let target = request.split(' ').nth(1).unwrap();
            let (path, query) = target.split_once('?').unwrap_or((target, ""));
            let parameter = |name: &str| {
                let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
                pairs.find(|(found, _)| *found == name).unwrap().1.parse().unwrap()
            };
            let body = log.lock().unwrap().answer(path, parameter);
            let head = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length:";
            socket.write_all(format!("{head} {}\r\n\r\n", body.len()).as_bytes()).await.unwrap();
            socket.write_all(&body).await.unwrap();
        }
    });
    Client::builder().url(url).retry(RetryPolicy::never()).build().unwrap()
}

fn remembering(directory: &tempfile::TempDir) -> VerifyOptions {
    let memory = Some(CheckpointMemory::at(directory.path()));
    VerifyOptions { from: 1, memory, witness_keys: Vec::new() }
}

#[tokio::test]
async fn an_honest_log_is_valid() {
    let checks = Log::with_events(5).verify(VerifyOptions::default()).await.unwrap();
    assert!(checks.iter().any(|check| check.contains("5 bodies")), "{checks:?}");
}

#[tokio::test]
async fn a_listed_redaction_that_is_no_event_explains_no_erased_body() {
    let mut log = Log::with_events(5);
    log.erase(3);
    log.listed = vec![3];
    let fault = log.fault(VerifyOptions::default()).await;
    assert_eq!((fault.kind.as_str(), fault.position), ("erased_without_redaction", Some(3)));
}

#[tokio::test]
async fn only_a_decision_behind_an_event_explains_its_erased_body() {
    for (redacted, authority, explains) in [
        (3, Authority::Control, true),
        (2, Authority::Control, false),
        (3, Authority::Observed, false),
    ] {
        let mut log = Log::with_events(5);
        log.append("event.redacted", authority, redaction_of(redacted));
        log.erase(3);
        let verified = log.verify(VerifyOptions::default()).await;
        assert_eq!(verified.is_ok(), explains, "{redacted} {authority:?} {verified:?}");
    }
    let mut before = Log::with_events(1);
    before.append("event.redacted", Authority::Control, redaction_of(3));
    before.append("note.taken", Authority::Observed, None);
    before.erase(3);
    assert_eq!(before.fault(VerifyOptions::default()).await.position, Some(3));
}

#[tokio::test]
async fn a_body_that_is_erased_meanwhile_is_explained_by_a_later_checkpoint() {
    let mut log = Log::with_events(5);
    log.then = Some(("/v1/log/status", |log| {
        log.append("event.redacted", Authority::Control, redaction_of(3));
        log.erase(3);
    }));
    let checks = log.verify(VerifyOptions::default()).await.unwrap();
    assert!(checks.iter().any(|check| check.contains("on the log: 1")), "{checks:?}");

    let mut log = Log::with_events(5);
    log.listed = vec![3];
    log.then = Some(("/v1/log/status", |log| {
        log.append("note.taken", Authority::Observed, None);
        log.erase(3);
    }));
    let fault = log.fault(VerifyOptions::default()).await;
    assert_eq!(fault.kind.as_str(), "erased_without_redaction");
}

#[tokio::test]
async fn records_that_are_kept_back_are_counted_and_not_explained_away() {
    let mut log = Log::with_events(5);
    log.records.truncate(3);
    let checks = log.verify(VerifyOptions::default()).await.unwrap();
    let said = checks.iter().any(|check| check.contains("kept back: 2"));
    assert!(said, "{checks:?}");
}

#[tokio::test]
async fn a_log_under_another_id_than_its_signed_name_is_foreign() {
    let mut log = Log::with_events(5);
    log.log_id = id_text([8; 16]);
    assert_eq!(log.fault(VerifyOptions::default()).await.kind.as_str(), "foreign_log");
}

#[tokio::test]
async fn events_of_another_log_than_the_one_that_is_said_are_foreign() {
    let mut log = Log::new("logs.example/one");
    log.append("note.taken", Authority::Observed, None);
    log.log_id = id_text([8; 16]);
    let fault = log.fault(VerifyOptions::default()).await;
    assert_eq!((fault.kind.as_str(), fault.position), ("foreign_log", Some(1)));
}

#[tokio::test]
async fn a_known_log_under_a_new_id_is_no_log_that_was_never_seen() {
    let person = tempfile::tempdir().unwrap();
    let log = |count: usize| {
        let mut log = Log::new("logs.example/one");
        (0..count).for_each(|_| log.append("note.taken", Authority::Observed, None));
        log
    };
    log(5).verify(remembering(&person)).await.unwrap();
    let mut rolled_back = log(3);
    rolled_back.log_id = id_text([8; 16]);
    rolled_back.lineage = json!([{ "log_id": id_text(OWN_ID), "last_position": 3 }]);
    let fault = rolled_back.fault(remembering(&person)).await;
    assert_eq!(fault.kind.as_str(), "foreign_log");
    let fault = log(3).fault(remembering(&person)).await;
    assert_eq!(fault.kind.as_str(), "rolled_back");
}

#[tokio::test]
async fn a_rotation_between_two_answers_is_no_foreign_key() {
    let person = tempfile::tempdir().unwrap();
    Log::with_events(3).verify(remembering(&person)).await.unwrap();
    let mut log = Log::with_events(5);
    log.then = Some(("/v1/log/checkpoint", Log::rotate));
    log.verify(remembering(&person)).await.unwrap();
    let mut log = Log::with_events(5);
    log.then = Some(("/v1/log/status", Log::rotate));
    log.verify(remembering(&person)).await.unwrap();
}

#[tokio::test]
async fn every_key_of_a_checked_chain_is_remembered_with_its_last_size() {
    let person = tempfile::tempdir().unwrap();
    Log::with_events(3).verify(remembering(&person)).await.unwrap();
    let mut log = Log::with_events(5);
    log.rotate();
    log.rotate();
    log.verify(remembering(&person)).await.unwrap();
    let memory = CheckpointMemory::at(person.path());
    let remembered = memory.recall(&id_text(OWN_ID)).unwrap().unwrap();
    let sizes: Vec<u64> = remembered.former_keys.iter().map(|former| former.last_size).collect();
    assert_eq!(sizes, [6, 5]);
}

#[tokio::test]
async fn a_hand_over_that_ends_before_what_the_key_signed_is_refused() {
    let person = tempfile::tempdir().unwrap();
    Log::with_events(5).verify(remembering(&person)).await.unwrap();
    let mut log = Log::with_events(3);
    log.rotate();
    (0..3).for_each(|_| log.append("note.taken", Authority::Observed, None));
    assert_eq!(log.fault(remembering(&person)).await.kind.as_str(), "other_key");
    let mut unsigned = Log::with_events(5);
    unsigned.rotate();
    unsigned.rotations.clear();
    assert_eq!(unsigned.fault(remembering(&person)).await.kind.as_str(), "other_key");
}
