//! Agentos: the event envelopes of another agent OS (version 1 of its envelope), both ways.
//!
//! Both of its forms are read: the envelope with nested `actor` and `stream`, and the row of its
//! reads with both flat; the fields that its server sets come along. What that server claims is kept
//! as its claim in `extensions.agentos`: its workspace, sequence, hashes, principal, zone and
//! redaction. Types that only a server decides come in as reports.
//! Its streams keep their names, but an event of a room is on that room's stream: what the document
//! says otherwise is kept beside it.

mod read;
mod write;

use super::{ForeignContext, ForeignFault, ForeignReader, ForeignWriter};
use crate::catalog::Catalog;
use crate::dialect::translation::view::View;
use crate::envelope::Draft;
use crate::id::{DialectName, IdError};

/// The name of this dialect.
pub const AGENTOS: &str = "agentos";

/// The fields of the envelope, in its own order.
const FIELDS: [&str; 28] = [
    "event_id",
    "event_type",
    "event_version",
    "occurred_at",
    "recorded_at",
    "workspace_id",
    "mission_id",
    "room_id",
    "thread_id",
    "run_id",
    "step_id",
    "actor",
    "actor_type",
    "actor_id",
    "actor_principal_id",
    "zone",
    "stream",
    "stream_type",
    "stream_id",
    "stream_seq",
    "correlation_id",
    "causation_id",
    "data",
    "policy_context",
    "model_context",
    "display",
    "redaction_level",
    "contains_secrets",
];

/// Fields that stand in both envelopes alike.
const SAME_FIELDS: [&str; 11] = [
    "mission_id",
    "room_id",
    "thread_id",
    "run_id",
    "step_id",
    "correlation_id",
    "causation_id",
    "idempotency_key",
    "policy_context",
    "model_context",
    "display",
];

/// The agentos dialect.
#[derive(Debug, Clone)]
pub struct AgentOs {
    name: DialectName,
}

impl AgentOs {
    /// The dialect.
    ///
    /// # Errors
    /// Never: the name fits the grammar.
    pub fn new() -> Result<Self, IdError> {
        Ok(Self { name: DialectName::parse(AGENTOS)? })
    }
}

impl ForeignReader for AgentOs {
    fn dialect(&self) -> &DialectName {
        &self.name
    }

    fn read(&self, document: &str, context: &ForeignContext<'_>) -> Result<Draft, ForeignFault> {
        read::read(&self.name, document, context)
    }
}

impl ForeignWriter for AgentOs {
    fn write(&self, envelope: &str, catalog: &Catalog) -> Option<String> {
        write::write(&View::of(envelope), catalog)
    }
}
