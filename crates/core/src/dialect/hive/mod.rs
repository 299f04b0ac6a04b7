//! Hive: the observability events of a multi-agent hive (JSON Schema 1.x), both ways.
//!
//! A document is a base event with a `payload`, or the same event flat (the fields of the payload
//! beside those of the base, as the hive's own classes write them), or an entry of the hive's stream
//! that has either in `event_data`. What this dialect does beside the spellings of the catalog:
//! the base event's fields, times without a zone, the tags of its MessagePack form, and ids, which
//! the format demands as UUIDs.

mod entry;
mod read;
mod tags;
mod write;
mod zlib;

use std::sync::Arc;

use super::{ForeignContext, ForeignFault, ForeignReader, ForeignWriter};
use crate::catalog::Catalog;
use crate::dialect::translation::view::View;
use crate::envelope::Draft;
use crate::id::{DialectName, IdError};

/// The name of this dialect.
pub const HIVE: &str = "hive";

/// The fields of the base event, in its own order.
const BASE: [&str; 12] = [
    "event_id",
    "timestamp",
    "event_type",
    "event_category",
    "workflow_id",
    "agent_id",
    "session_id",
    "context_id",
    "semantic_embedding",
    "payload",
    "performance_metrics",
    "metadata",
];

/// Where the format demands a UUID.
const UUID_PLACES: [&str; 7] = [
    "/workflow_id",
    "/agent_id",
    "/session_id",
    "/context_id",
    "/metadata/correlation_id",
    "/payload/message_id",
    "/payload/broadcast_id",
];

/// Where ids of ours stand that are no UUIDs.
const OPEN_PLACE: [&str; 2] = ["metadata", crate::dialect::translation::ids::OURS];

/// The hive dialect.
#[derive(Debug)]
pub struct Hive {
    name: DialectName,
    /// What compressed events may still hold.
    room: zlib::Room,
}

impl Hive {
    /// The dialect.
    ///
    /// # Errors
    /// Never: the name fits the grammar.
    pub fn new() -> Result<Self, IdError> {
        Ok(Self { name: DialectName::parse(HIVE)?, room: zlib::Room::default() })
    }
}

impl ForeignReader for Hive {
    fn dialect(&self) -> &DialectName {
        &self.name
    }

    fn for_request(&self) -> Option<Arc<dyn ForeignReader>> {
        Some(Arc::new(Self { name: self.name.clone(), room: zlib::Room::of_request() }))
    }

    fn batch_members(&self) -> &'static [&'static str] {
        &["batch_id", "batch_timestamp", "event_count"]
    }

    fn read(&self, document: &str, context: &ForeignContext<'_>) -> Result<Draft, ForeignFault> {
        read::read(self, document, None, context)
    }

    fn read_in_batch(
        &self,
        document: &str,
        batch: &str,
        context: &ForeignContext<'_>,
    ) -> Result<Draft, ForeignFault> {
        read::read(self, document, Some(batch), context)
    }
}

impl ForeignWriter for Hive {
    fn write(&self, envelope: &str, catalog: &Catalog) -> Option<String> {
        write::write(&View::of(envelope), catalog)
    }
}
