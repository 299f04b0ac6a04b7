//! The writer of evidence files: head, event after event, end, straight into an output.
//!
//! It holds no more than one event.
//! INVARIANT (no false file): what does not verify is refused before it is written, so that a
//! finished file verifies.

use std::io::{self, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::streams::is_of_run;
use super::{EVIDENCE_FORMAT, Withheld};
use crate::checkpoint::{CheckpointError, SignedCheckpoint, SignedRotation};
use crate::event::Event;
use crate::hash::Digest;
use crate::id::{LogId, Position, RunId, WorkspaceId};
use crate::merkle::{InclusionProof, ProofError, leaf_hash, verify_inclusion};
use crate::note::VerifierKey;

/// What stands before the events.
#[derive(Debug)]
pub struct EvidenceHead<'a> {
    /// The log.
    pub log_id: LogId,
    /// The logs that it was restored from, oldest first, each with its last position.
    pub lineage: &'a [(LogId, u64)],
    /// The key that signed the checkpoint.
    pub key: &'a VerifierKey,
    /// The changes that led to the key, newest first.
    pub rotations: &'a [SignedRotation],
    /// What the proofs lead to.
    pub checkpoint: &'a SignedCheckpoint,
    /// The keys of witnesses that cosigned the checkpoint.
    pub witness_keys: &'a [VerifierKey],
    /// Whose events they are.
    pub workspace_id: &'a WorkspaceId,
    /// Which run's events they are.
    pub run_id: &'a RunId,
    /// For people; no part of the evidence.
    pub summary: &'a Map<String, Value>,
}

/// How much of an event is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disclosure {
    /// All that there is; an erased body is marked as such.
    Full,
    /// Its header, but not its body.
    WithoutBody,
    /// Its hash.
    HashOnly,
}

/// Why a file is not written.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceWriteError {
    /// The output failed.
    #[error("the file cannot be written")]
    Io(#[from] io::Error),
    /// The checkpoint is not signed as the head says.
    #[error("the checkpoint does not hold")]
    Checkpoint(#[from] CheckpointError),
    /// The events do not come in the order of their positions.
    #[error("the event at position {position} comes after the one at {after}")]
    OutOfOrder {
        /// The event's position.
        position: Position,
        /// The position before it.
        after: Position,
    },
    /// The event is of another run or workspace.
    #[error("the event at position {position} is not of this run")]
    OtherRun {
        /// The event's position.
        position: Position,
    },
    /// The body is not the recorded one: the log is damaged here.
    #[error("the body of the event at position {position} is not the recorded one")]
    DamagedBody {
        /// The event's position.
        position: Position,
    },
    /// The path does not lead from the event to the checkpoint's root.
    #[error("the path of the event at position {position} does not hold")]
    Proof {
        /// The event's position.
        position: Position,
        /// What does not fit.
        #[source]
        source: ProofError,
    },
}

/// Writes one evidence file.
#[derive(Debug)]
pub struct EvidenceWriter<W: Write> {
    out: W,
    workspace_id: WorkspaceId,
    run_id: RunId,
    size: u64,
    root: Digest,
    last_position: Position,
    event_count: u64,
}

#[derive(Serialize)]
struct WrittenRecord<'a> {
    position: u64,
    header: String,
    prev: String,
    commitment: String,
    encoding: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    salt: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    withheld: Option<Withheld>,
    proof: &'a [String],
}

#[derive(Serialize)]
struct WrittenHash<'a> {
    position: u64,
    event_hash: String,
    withheld: Withheld,
    proof: &'a [String],
}

impl<W: Write> EvidenceWriter<W> {
    /// Writes what stands before the events.
    ///
    /// # Errors
    /// When a signature does not hold, or the output fails.
    pub fn begin(mut out: W, head: &EvidenceHead<'_>) -> Result<Self, EvidenceWriteError> {
        head.checkpoint.verify(head.key)?;
        for witness in head.witness_keys {
            head.checkpoint.verify_cosignature(witness)?;
        }
        let checkpoint = head.checkpoint.checkpoint();
        let lineage = |(log_id, last): &(LogId, u64)| json!({"log_id": log_id.to_string(), "last_position": last});
        let log = json!({
            "log_id": head.log_id.to_string(),
            "lineage": head.lineage.iter().map(lineage).collect::<Vec<_>>(),
            "origin": checkpoint.origin,
            "key": head.key.to_string(),
            "rotations": texts(head.rotations),
        });
        let run = json!({
            "workspace_id": head.workspace_id.as_str(),
            "run_id": head.run_id.as_str(),
        });
        let summary = Value::Object(head.summary.clone());
        writeln!(out, "{{\"format\":\"{EVIDENCE_FORMAT}\",\n\"summary\":{summary},")?;
        writeln!(out, "\"log\":{log},")?;
        writeln!(out, "\"checkpoint\":{},", Value::String(head.checkpoint.to_string()))?;
        writeln!(out, "\"witness_keys\":{},", json!(texts(head.witness_keys)))?;
        write!(out, "\"run\":{run},\n\"events\":[")?;
        Ok(Self {
            out,
            workspace_id: head.workspace_id.clone(),
            run_id: head.run_id.clone(),
            size: checkpoint.size,
            root: checkpoint.root,
            last_position: Position(0),
            event_count: 0,
        })
    }

    /// Writes an event with its path to the checkpoint's root.
    ///
    /// # Errors
    /// When the event would not verify, or the output fails.
    pub fn put(
        &mut self,
        event: &Event,
        disclosure: Disclosure,
        path: &[Digest],
    ) -> Result<(), EvidenceWriteError> {
        self.check(event, disclosure, path)?;
        let proof = texts(path);
        self.out.write_all(if self.event_count == 0 { b"\n" } else { b",\n" })?;
        let line = match disclosure {
            Disclosure::HashOnly => serde_json::to_vec(&WrittenHash {
                position: event.position().get(),
                event_hash: event.event_hash().to_string(),
                withheld: Withheld::Chosen,
                proof: &proof,
            }),
            Disclosure::Full | Disclosure::WithoutBody => {
                serde_json::to_vec(&WrittenRecord::of(event, disclosure, &proof))
            }
        };
        self.out.write_all(&line.map_err(io::Error::from)?)?;
        self.last_position = event.position();
        self.event_count += 1;
        Ok(())
    }

    fn check(
        &self,
        event: &Event,
        disclosure: Disclosure,
        path: &[Digest],
    ) -> Result<(), EvidenceWriteError> {
        let (position, after) = (event.position(), self.last_position);
        if position <= after {
            return Err(EvidenceWriteError::OutOfOrder { position, after });
        }
        let header = event.header();
        if header.workspace_id != self.workspace_id.as_str() || !is_of_run(&header, &self.run_id) {
            return Err(EvidenceWriteError::OtherRun { position });
        }
        if disclosure == Disclosure::Full && !event.is_erased() && !event.record().body_matches() {
            return Err(EvidenceWriteError::DamagedBody { position });
        }
        let leaf_index = position.get() - 1;
        let proof = InclusionProof { leaf_index, size: self.size, path };
        verify_inclusion(&proof, &leaf_hash(event.event_hash().as_bytes()), &self.root)
            .map_err(|source| EvidenceWriteError::Proof { position, source })
    }

    /// Ends the file and gives the output back, flushed.
    ///
    /// # Errors
    /// When the output fails.
    pub fn finish(mut self) -> io::Result<W> {
        writeln!(self.out, "\n],\n\"event_count\":{}}}", self.event_count)?;
        self.out.flush()?;
        Ok(self.out)
    }
}

impl<'a> WrittenRecord<'a> {
    fn of(event: &Event, disclosure: Disclosure, proof: &'a [String]) -> Self {
        let record = event.record();
        let withheld = match disclosure {
            _ if event.is_erased() => Some(Withheld::Redacted),
            Disclosure::Full => None,
            Disclosure::WithoutBody | Disclosure::HashOnly => Some(Withheld::Chosen),
        };
        let is_shown = withheld.is_none();
        Self {
            position: event.position().get(),
            header: STANDARD.encode(&record.header),
            prev: record.prev_event_hash.to_string(),
            commitment: record.commitment.to_string(),
            encoding: record.encoding.code(),
            salt: is_shown.then(|| STANDARD.encode(record.salt)),
            body: is_shown.then(|| STANDARD.encode(&record.body)),
            withheld,
            proof,
        }
    }
}

fn texts(values: &[impl ToString]) -> Vec<String> {
    values.iter().map(ToString::to_string).collect()
}
