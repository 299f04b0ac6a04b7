//! A small log in memory, and evidence files of one of its runs.

use std::collections::HashMap;

use annals_core::checkpoint::{Checkpoint, SignedCheckpoint, SignedRotation};
use annals_core::envelope::{Actor, ActorType, Authority, Draft, StreamKey};
use annals_core::event::Event;
use annals_core::evidence::{Disclosure, EvidenceHead, EvidenceWriter};
use annals_core::hash::Digest;
use annals_core::id::{
    ActorId, EventId, EventType, LogId, Position, PrincipalId, RunId, Seq, StreamId, StreamType,
    WorkspaceId,
};
use annals_core::merkle::{inclusion_path, leaf_hash, root};
use annals_core::note::{CosigningKey, SigningKey, VerifierKey};
use annals_core::record::{
    BodyEncoding, Header, HeaderDraft, Placement, Record, ServerFields, commitment,
};
use annals_core::time::Timestamp;
use bytes::Bytes;
use serde_json::{Map, Value, json};

pub(crate) const ORIGIN: &str = "annals.local/11111111-1111-1111-1111-111111111111";
pub(crate) const RUN: &str = "run-1";
const WORKSPACE: &str = "lab";

/// A log that can be told to lie.
#[derive(Debug, Default)]
pub(crate) struct Log {
    pub(crate) events: Vec<Event>,
    tips: HashMap<String, (u64, Digest)>,
    /// Up to which position events carry another log's id.
    pub(crate) parent_positions: u64,
}

pub(crate) fn log_id() -> LogId {
    LogId::from_bytes([0x11; 16])
}

pub(crate) fn parent_log_id() -> LogId {
    LogId::from_bytes([0x22; 16])
}

impl Log {
    /// Two runs and a room that both are in; the run's events are at 1, 3, 4, 6, 7 and 8.
    pub(crate) fn example() -> Self {
        let mut log = Self::default();
        log.append("run/run-1", RUN, r#"{"data":{"title":"find the leak"}}"#);
        log.append("run/run-2", "run-2", r#"{"data":{"title":"other"}}"#);
        log.append("run/run-1", RUN, r#"{"data":{"tool":"grep","n":1.0e2}}"#);
        log.append("room/r", RUN, r#"{"data":"hello"}"#);
        log.append("room/r", "run-2", r#"{"data":"hello back"}"#);
        log.append("run/run-1", RUN, r#"{"data":{"secret":"hunter2"}}"#);
        log.append("room/r", RUN, r#"{"data":"found it"}"#);
        log.append("run/run-1", RUN, r#"{"data":{"summary":"done"}}"#);
        log.append("run/run-2", "run-2", r#"{"data":null}"#);
        log
    }

    pub(crate) fn append(&mut self, stream: &str, run: &str, body: &str) {
        let (seq, prev) = self.tips.get(stream).copied().unwrap_or((0, Digest::ZERO));
        self.append_at(stream, run, body, seq + 1, prev);
    }

    /// Appends with any seq and prev: what no log of ours does.
    pub(crate) fn append_at(
        &mut self,
        stream: &str,
        run: &str,
        body: &str,
        seq: u64,
        prev: Digest,
    ) {
        let position = self.events.len() as u64 + 1;
        let header = header(stream, run, position, seq, self.parent_positions);
        let salt = [u8::try_from(position).expect("a small log"); 32];
        let record = Record {
            header: header.into(),
            prev_event_hash: prev,
            commitment: commitment(&salt, body.as_bytes()),
            encoding: BodyEncoding::Plain,
            salt,
            body: Bytes::copy_from_slice(body.as_bytes()),
        };
        let event = Event::from_record(&record).expect("a header of ours");
        self.tips.insert(stream.to_owned(), (seq, event.event_hash()));
        self.events.push(event);
    }

    pub(crate) fn leaves(&self) -> Vec<Digest> {
        self.events.iter().map(|event| leaf_hash(event.event_hash().as_bytes())).collect()
    }

    pub(crate) fn checkpoint(&self, key: &SigningKey) -> SignedCheckpoint {
        let origin = key.verifier().name().to_owned();
        let size = self.events.len() as u64;
        SignedCheckpoint::sign(Checkpoint { origin, size, root: root(&self.leaves()) }, key)
    }

    /// The run's evidence, all of it shown.
    pub(crate) fn evidence(&self) -> String {
        self.evidence_with(|_| Disclosure::Full)
    }

    pub(crate) fn evidence_with(&self, disclosure: impl Fn(u64) -> Disclosure) -> String {
        self.evidence_of(&self.checkpoint(&log_key(2)), disclosure)
    }

    pub(crate) fn evidence_of(
        &self,
        checkpoint: &SignedCheckpoint,
        disclosure: impl Fn(u64) -> Disclosure,
    ) -> String {
        let mut checkpoint = checkpoint.clone();
        let body = checkpoint.note().body.clone();
        checkpoint.put_cosignature(witness(1).cosign(&body, 1_760_000_000));
        checkpoint.put_cosignature(witness(9).cosign(&body, 1_760_000_001));
        let parents = [(parent_log_id(), self.parent_positions)];
        let head = EvidenceHead {
            log_id: log_id(),
            lineage: if self.parent_positions > 0 { &parents } else { &[] },
            key: &log_key(2).verifier(),
            rotations: &[SignedRotation::sign(ORIGIN, 1, &log_key(1), &log_key(2))],
            checkpoint: &checkpoint,
            witness_keys: &[witness(1).verifier()],
            workspace_id: &WorkspaceId::parse(WORKSPACE).expect("an id"),
            run_id: &RunId::parse(RUN).expect("an id"),
            summary: &summary(),
        };
        let mut writer = EvidenceWriter::begin(Vec::new(), &head).expect("signed by these keys");
        let leaves = self.leaves();
        let is_of_run = |event: &&Event| event.header().run_id == Some(RUN);
        for event in self.events.iter().filter(is_of_run) {
            let position = event.position().get();
            let path = inclusion_path(
                &leaves,
                self.events.iter().position(|e| e == event).expect("an event of this log"),
            )
            .expect("a leaf of this tree");
            writer.put(event, disclosure(position), &path).expect("a true event");
        }
        String::from_utf8(writer.finish().expect("memory")).expect("JSON is text")
    }
}

pub(crate) fn log_key(seed: u8) -> SigningKey {
    SigningKey::from_seed(ORIGIN, [seed; 32]).expect("the origin is a key name")
}

pub(crate) fn former_key() -> VerifierKey {
    log_key(1).verifier()
}

pub(crate) fn witness(seed: u8) -> CosigningKey {
    CosigningKey::from_seed("witness.example/w", [seed; 32]).expect("a key name")
}

fn summary() -> Map<String, Value> {
    let Value::Object(summary) = json!({"title": "find the leak", "caution": "not evidence"})
    else {
        unreachable!("an object was written");
    };
    summary
}

fn header(stream: &str, run: &str, position: u64, seq: u64, parent_positions: u64) -> Vec<u8> {
    let (stream_type, stream_id) = stream.split_once('/').expect("TYPE/ID");
    let stream = StreamKey {
        stream_type: StreamType::parse(stream_type).expect("a stream type"),
        stream_id: StreamId::parse(stream_id).expect("a stream id"),
    };
    let actor =
        Actor { actor_type: ActorType::Agent, actor_id: ActorId::parse("a").expect("an id") };
    let event_type = EventType::parse("tool.invoked").expect("a type");
    let mut draft = Draft::new(event_type, actor, stream, "null".to_owned());
    draft.scope.run_id = Some(RunId::parse(run).expect("an id"));
    let at = Timestamp::from_micros(1_760_000_000_000_000);
    let server = ServerFields {
        event_id: EventId::from_bytes([u8::try_from(position).expect("a small log"); 16]),
        workspace_id: WorkspaceId::parse(WORKSPACE).expect("an id"),
        principal_id: PrincipalId::parse("owner").expect("an id"),
        zone: draft.zone,
        received_at: at,
        trace_correlation: None,
        authority: Authority::Observed,
        control: None,
    };
    let id = if position <= parent_positions { parent_log_id() } else { log_id() };
    let draft = Header::complete(&draft, server).encode(&id);
    let place = Placement { position: Position(position), stream_seq: Seq(seq), recorded_at: at };
    [draft.as_bytes(), &HeaderDraft::placement_bytes(&place)].concat()
}
