//! What placing an event needs of its header: its fields, and the keys of its identities with the
//! answer whether the log may have them already.
//!
//! Events are looked at in groups before any of them is placed, because nearly every identity is a
//! new one, which shows in memory far apart: asked for together, the answers come together.

use annals_core::id::LogId;
use annals_core::record::{HeaderRef, ServerFilled};

use crate::assign::Lookup;
use crate::contract::Unit;
use crate::keys::Keys;
use crate::tips::StreamName;

/// One of an event's identities.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Identity {
    pub(crate) key: u64,
    /// Whether a durable event may have the key.
    pub(crate) may_be_stored: bool,
}

/// An event's header and identities.
#[derive(Debug)]
pub(crate) struct Looked<'u> {
    pub(crate) header: HeaderRef<'u>,
    pub(crate) by_id: Identity,
    pub(crate) by_key: Option<Identity>,
}

impl<'u> Looked<'u> {
    /// Looks at a header, without asking the log.
    pub(crate) fn of(keys: &mut Keys, header: HeaderRef<'u>) -> Self {
        let identity = |key| Identity { key, may_be_stored: true };
        let event_id = keys.event_id(header.workspace_id, header.event_id.as_bytes());
        let idempotency = header.idempotency_key.map(|key| {
            keys.idempotency(header.workspace_id, header.stream_type, header.stream_id, key)
        });
        Self { header, by_id: identity(event_id), by_key: idempotency.map(identity) }
    }

    /// Whether the server has made the event's id just now.
    pub(crate) fn is_id_made(&self) -> bool {
        self.header.server_filled.contains(ServerFilled::EVENT_ID)
    }

    /// The identities that somebody else may have used.
    fn asked(&mut self) -> impl Iterator<Item = &mut Identity> {
        let by_id = (!self.is_id_made()).then_some(&mut self.by_id);
        by_id.into_iter().chain(&mut self.by_key)
    }
}

/// Looks at the events of some units, in order. None stands for a header that is not one of this
/// log's or cannot be read.
pub(crate) fn look_at<'u>(
    units: &'u [Unit],
    log_id: LogId,
    keys: &mut Keys,
    log: &dyn Lookup,
) -> Vec<Option<Looked<'u>>> {
    let mut looked = Vec::with_capacity(units.iter().map(|unit| unit.events.len()).sum());
    for event in units.iter().flat_map(|unit| &unit.events) {
        let header = event.header.view().ok().filter(|header| header.log_id == log_id);
        looked.push(header.map(|header| Looked::of(keys, header)));
    }
    let asked = looked.iter_mut().flatten().flat_map(Looked::asked);
    let questions: Vec<u64> = asked.map(|identity| identity.key).collect();
    let answers = log.may_have(&questions);
    let asked = looked.iter_mut().flatten().flat_map(Looked::asked);
    for (identity, may_be_stored) in asked.zip(answers) {
        identity.may_be_stored = may_be_stored;
    }
    looked
}

/// Whether two headers have the same identity by id.
pub(crate) fn same_id(header: &HeaderRef<'_>, other: &HeaderRef<'_>) -> bool {
    header.event_id == other.event_id && header.workspace_id == other.workspace_id
}

/// Whether two headers have the same identity by key.
pub(crate) fn same_key(header: &HeaderRef<'_>, other: &HeaderRef<'_>) -> bool {
    header.idempotency_key == other.idempotency_key
        && StreamName::of(header) == StreamName::of(other)
}
