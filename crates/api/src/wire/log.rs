//! The log as a whole: its proofs, its keys, its witnesses, its segments for a backup.
//!
//! Notes and keys themselves are texts of C2SP formats (signed-note, tlog-checkpoint, tlog-tiles).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// That an event is in the tree of a size (RFC 6962, section 2.1.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InclusionProof {
    /// The event's position; its leaf's index is one less.
    pub position: u64,
    /// Leaves of the tree.
    pub size: u64,
    /// SHA-256(0x00 ‖ event_hash).
    pub leaf_hash: String,
    /// The root that the path leads to.
    pub root_hash: String,
    /// From the leaf's sibling up.
    pub path: Vec<String>,
}

/// That one tree is a prefix of another (RFC 6962, section 2.1.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConsistencyProof {
    /// Leaves of the smaller tree.
    pub from: u64,
    /// Leaves of the larger tree.
    pub to: u64,
    /// The smaller tree's root.
    pub from_root: String,
    /// The larger tree's root.
    pub to_root: String,
    /// The proof; empty when both are the same tree.
    pub path: Vec<String>,
}

/// What a reader who told a tree that it knows gets first: the data of an `annals.consistency` frame.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KnownTree {
    /// From the tree that the reader knows to the one of the checkpoint.
    pub proof: ConsistencyProof,
    /// The newest signed checkpoint, a C2SP note.
    pub checkpoint: String,
}

/// The log's proofs at a glance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogStatus {
    /// The log's identity.
    pub log_id: String,
    /// The name under which checkpoints are signed.
    pub origin: String,
    /// Leaves of the newest checkpoint's tree.
    pub size: u64,
    /// Its root.
    pub root_hash: String,
    /// The newest position; a checkpoint covers it within a second.
    pub head_position: u64,
    /// When the newest checkpoint was signed; null when it was before this start.
    pub checkpoint_at: Option<String>,
    /// The key that signs, as a C2SP verifier key.
    pub key: String,
    /// Keys that signed before it, newest first.
    pub former_keys: Vec<String>,
    /// How each key was replaced by the next, oldest first: notes that both have signed.
    pub rotations: Vec<String>,
    /// Who cosigns checkpoints.
    pub witnesses: Vec<WitnessStatus>,
    /// Events whose bodies were erased.
    pub redactions: u64,
    /// The logs that this one was restored from, oldest first.
    pub lineage: Vec<LogAncestor>,
    /// How acknowledged events are kept.
    pub durability: crate::wire::DurabilityName,
}

/// How a witness stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WitnessStatus {
    /// Its name.
    pub name: String,
    /// Where checkpoints are submitted.
    pub url: String,
    /// Its key, as a C2SP verifier key.
    pub key: String,
    /// Leaves of the newest tree that it cosigned.
    pub cosigned_size: Option<u64>,
    /// When, by its own clock.
    pub cosigned_at: Option<String>,
    /// Why the last submission did not succeed.
    pub error: Option<String>,
}

/// A log that this one was restored from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogAncestor {
    /// Its identity.
    pub log_id: String,
    /// The last position that is its own.
    pub last_position: u64,
}

/// The keys after a rotation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogKeys {
    /// The key that signs, as a C2SP verifier key.
    pub key: String,
    /// Keys that signed before it, newest first.
    pub former_keys: Vec<String>,
}

/// One file of the log, as a backup copies it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogSegment {
    /// The position of its first event.
    pub first_position: u64,
    /// The position of its last durable event.
    pub last_position: u64,
    /// Its durable bytes.
    pub byte_count: u64,
    /// Whether nothing is appended to it any more.
    pub is_sealed: bool,
    /// Records in it whose bodies were erased. A copy with another count is out of date.
    pub erased_count: u64,
}

/// The files of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogSegments {
    /// The log's identity.
    pub log_id: String,
    /// The logs that this one was restored from, oldest first.
    pub lineage: Vec<LogAncestor>,
    /// The newest durable position; the segments end with it.
    pub head_position: u64,
    /// The segments, oldest first.
    pub segments: Vec<LogSegment>,
}
