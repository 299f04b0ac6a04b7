//! Hooks: what coding agents tell the programs that they run at their events, both ways.
//!
//! A document is a payload as the agent wrote it, with a stamp around it of what payloads lack:
//! `{"agent", "event"?, "host", "seq", "received_at", "idempotency_key", "call"?, "payload"}`. Only
//! `agent` and `payload` are required. The event's name is `event` where the payload does not have it
//! (Copilot), else the payload's `hook_event_name`.
//! What this dialect does beside the spellings of the catalog: the stamp, who acted, ids of calls
//! where an agent gives none, and telling a failed call from one that went well. An event that the
//! catalog does not spell becomes `foreign.event` with its payload whole.

mod calls;
mod document;
mod read;
mod write;

pub use calls::{CallPart, call_part};
pub use document::{GAP_AGENT, Gap, Stamp, event_of, run_of};

use super::{ForeignContext, ForeignFault, ForeignReader, ForeignWriter};
use crate::catalog::Catalog;
use crate::dialect::translation::view::View;
use crate::envelope::Draft;
use crate::id::{DialectName, IdError};

/// The name of this dialect.
pub const HOOKS: &str = "hooks";

/// The members of a document, in their order.
const MEMBERS: [&str; 8] =
    ["agent", "event", "host", "seq", "received_at", "idempotency_key", "call", "payload"];

/// The notes of what the translation added to the payload, and that there was no time.
const ADDED: &str = "added";
const UNTIMED: &str = "untimed";

/// Agents whose payloads do not name their event.
const NAMELESS: [&str; 1] = ["copilot"];

/// The hooks dialect.
#[derive(Debug, Clone)]
pub struct Hooks {
    name: DialectName,
}

impl Hooks {
    /// The dialect.
    ///
    /// # Errors
    /// Never: the name fits the grammar.
    pub fn new() -> Result<Self, IdError> {
        Ok(Self { name: DialectName::parse(HOOKS)? })
    }
}

impl ForeignReader for Hooks {
    fn dialect(&self) -> &DialectName {
        &self.name
    }

    fn read(&self, document: &str, context: &ForeignContext<'_>) -> Result<Draft, ForeignFault> {
        read::read(&self.name, document, context)
    }
}

impl ForeignWriter for Hooks {
    fn write(&self, envelope: &str, catalog: &Catalog) -> Option<String> {
        write::write(&View::of(envelope), catalog)
    }
}
