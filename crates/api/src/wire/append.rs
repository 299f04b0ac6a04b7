//! The answers of `POST /v1/events`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Problem;

/// How an acknowledged event is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum DurabilityName {
    /// A successful fdatasync covered it.
    Sync,
    /// The operating system has it; a power loss may lose it.
    Os,
}

/// The proof of an append.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Receipt {
    /// The event's id.
    pub event_id: String,
    /// Its place in the log.
    pub position: u64,
    /// Its place in its stream.
    pub stream_seq: u64,
    /// When the log took it.
    pub recorded_at: String,
    /// Its hash.
    pub event_hash: String,
    /// The hash of the event before it in its stream; null for the first.
    pub prev_event_hash: Option<String>,
    /// How it is kept.
    pub durability: DurabilityName,
    /// Whether an earlier append had stored it already.
    pub replayed: bool,
    /// Whether its body has been redacted since, so that the repetition was not compared with it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub redacted: bool,
}

/// What became of one event of a batch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "status", rename_all = "lowercase")]
pub enum BatchItem {
    /// It was stored.
    Accepted {
        /// Its place in the batch, from 0.
        index: usize,
        /// The proof.
        #[serde(flatten)]
        receipt: Receipt,
    },
    /// It had been stored before.
    Replayed {
        /// Its place in the batch, from 0.
        index: usize,
        /// The first proof.
        #[serde(flatten)]
        receipt: Receipt,
    },
    /// It was not stored.
    Rejected {
        /// Its place in the batch, from 0.
        index: usize,
        /// Why.
        #[serde(flatten)]
        problem: ItemProblem,
    },
}

/// Why one event of a batch was not stored: a problem without the status, whose name the item's
/// own status has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ItemProblem {
    /// A name for the kind of problem.
    #[serde(rename = "type")]
    pub type_uri: String,
    /// The kind of problem in a few words.
    pub title: String,
    /// What is wrong with this event, and what to do.
    pub detail: String,
    /// The stable word to match on.
    pub reason_code: String,
    /// Whether the same event may succeed later.
    pub retryable: bool,
    /// Facts for programs.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub details: serde_json::Map<String, serde_json::Value>,
}

/// The answer to a batch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BatchAnswer {
    /// Events that were stored.
    pub accepted: u64,
    /// Events that had been stored before.
    pub replayed: u64,
    /// Events that were not stored.
    pub rejected: u64,
    /// One result per event, in input order.
    pub results: Vec<BatchItem>,
}

/// The answer to a batch of which no event was stored: a problem with the results.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BatchRejected {
    /// Reason code `batch_rejected`.
    #[serde(flatten)]
    pub problem: Problem,
    /// The counts and results.
    #[serde(flatten)]
    pub answer: BatchAnswer,
}
