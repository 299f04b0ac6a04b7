//! From facts to drafts: the envelope, the identity, the size limit.
//!
//! INVARIANT (same fact, same event): an event's id is derived from its whole content and the record
//! that it comes from. Importing a file again, or after it has grown, gives the same ids with the same
//! content; so what is stored is answered as a replay and never conflicts.

use std::collections::HashSet;

use super::record::{Fact, Head};
use crate::dialect::ForeignFault;
use crate::envelope::{Draft, Origin, StreamKey};
use crate::hash::sha256;
use crate::id::{
    CorrelationId, DialectName, EventId, EventType, IdError, RunId, StreamId, StreamType,
};
use crate::json::JsonError;
use crate::limits::EVENT_BYTES_MAX;

/// The name of this dialect in `origin.dialect`.
pub const DIALECT: &str = "transcripts";

/// Part of every derived event id: never change it, or everything is imported anew.
const ID_NAMESPACE: &str = "annals/transcripts/1";

/// A draft and the line of the file that it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Translated {
    /// The line that the record begins on, counted from 1.
    pub line: usize,
    /// The event.
    pub draft: Draft,
}

/// A record, or a part of one, that did not become an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The line that the record begins on, counted from 1.
    pub line: usize,
    /// Why.
    pub reason: FaultReason,
}

/// Why a record, or a part of one, did not become an event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FaultReason {
    /// The text is not JSON as Annals keeps it.
    #[error("not a JSON record: {0}")]
    Json(#[from] JsonError),
    /// The value is no object.
    #[error("a record is a JSON object")]
    NotAnObject,
    /// The event would be larger than an event may be.
    #[error(
        "the event {event_type} would have {byte_count} bytes; at most {byte_count_max} are allowed"
    )]
    EventTooLarge {
        /// The type of the event that is missing.
        event_type: String,
        /// Its size in bytes.
        byte_count: usize,
        /// The limit in bytes.
        byte_count_max: usize,
    },
    /// A part of the record is not as its format has it.
    #[error("{0}")]
    Foreign(#[from] ForeignFault),
    /// A name in the record breaks the grammar of ids.
    #[error("an id of the record cannot be used: {0}")]
    Id(#[from] IdError),
}

/// Collects what the records of one file become.
#[derive(Debug, Default)]
pub(super) struct Emitter {
    pub(super) translated: Vec<Translated>,
    pub(super) faults: Vec<Fault>,
    /// Events that this file has given already: some writers repeat records.
    seen: HashSet<[u8; 16]>,
    pub(super) event_count: u64,
    pub(super) fault_count: u64,
}

impl Emitter {
    /// Keeps what did not become an event.
    pub(super) fn fault(&mut self, line: usize, reason: FaultReason) {
        self.fault_count += 1;
        self.faults.push(Fault { line, reason });
    }

    /// Emits the facts of one record. What of the record has no home goes with its first own fact.
    pub(super) fn emit_all(
        &mut self,
        run_id: &RunId,
        head: &Head,
        facts: Vec<Fact>,
        mut residue: Option<String>,
    ) {
        for (ordinal, fact) in facts.into_iter().enumerate() {
            let residue = if fact.earlier.is_some() { None } else { residue.take() };
            self.emit(run_id, head, ordinal, fact, residue);
        }
    }

    fn emit(
        &mut self,
        run_id: &RunId,
        head: &Head,
        ordinal: usize,
        mut fact: Fact,
        residue: Option<String>,
    ) {
        let (head, ordinal, residue) = match fact.earlier.take() {
            Some((earlier, residue)) => (earlier, usize::MAX, residue),
            None => (head.clone(), ordinal, residue),
        };
        let line = head.line;
        match draft(run_id, &head, fact, residue) {
            Ok(draft) => self.keep(line, identified(draft, &head, ordinal)),
            Err(error) => self.fault(line, error.into()),
        }
    }

    /// Emits an event that has its identity from elsewhere.
    pub(super) fn emit_draft(&mut self, line: usize, draft: Draft) {
        let byte_count = draft.to_json().len();
        self.keep(line, (draft, byte_count));
    }

    fn keep(&mut self, line: usize, (draft, byte_count): (Draft, usize)) {
        let is_new = draft.event_id.is_none_or(|event_id| self.seen.insert(*event_id.as_bytes()));
        if byte_count > EVENT_BYTES_MAX {
            let reason = FaultReason::EventTooLarge {
                event_type: draft.event_type.as_str().to_owned(),
                byte_count,
                byte_count_max: EVENT_BYTES_MAX,
            };
            self.fault(line, reason);
        } else if is_new {
            self.event_count += 1;
            self.translated.push(Translated { line, draft });
        }
    }
}

fn draft(
    run_id: &RunId,
    head: &Head,
    fact: Fact,
    residue: Option<String>,
) -> Result<Draft, IdError> {
    let stream = StreamKey {
        stream_type: StreamType::parse("run")?,
        stream_id: StreamId::parse(run_id.as_str())?,
    };
    let actor = fact.party.actor().ok_or(IdError::Empty)?;
    let mut draft = Draft::new(EventType::parse(fact.event_type)?, actor, stream, fact.data);
    let moment = fact.moment.as_ref().or(head.moment.as_ref());
    draft.occurred_at = moment.map(|moment| moment.at);
    draft.scope.run_id = Some(run_id.clone());
    draft.correlation_id = Some(CorrelationId::parse(run_id.as_str())?);
    draft.origin = Origin {
        dialect: Some(DialectName::parse(DIALECT)?),
        origin_type: head.record_type.clone(),
        id: head.uuid.clone(),
        time: moment.and_then(|moment| moment.text.clone()),
        raw: residue,
    };
    Ok(draft)
}

/// Gives a draft its id and measures it: a UUIDv8 of its content and its record.
fn identified(mut draft: Draft, head: &Head, ordinal: usize) -> (Draft, usize) {
    let content = draft.to_json();
    let ordinal = u64::try_from(ordinal).unwrap_or(u64::MAX).to_be_bytes();
    let digest =
        sha256(&[ID_NAMESPACE.as_bytes(), &[0], head.key.as_bytes(), &ordinal, content.as_bytes()]);
    draft.event_id = Some(uuid_v8(digest.as_bytes()));
    // The id's member is written first: `"event_id":"…",`.
    (draft, content.len() + r#""event_id":"","#.len() + 36)
}

/// A UUID of the custom version 8 (RFC 9562, section 5.8) from the first bytes of a digest.
fn uuid_v8(digest: &[u8; 32]) -> EventId {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    EventId::from_bytes(bytes)
}
