//! What is wrong with an evidence file: the first fault, and at which event.
//!
//! Every fault has a sentence for a person; which words are shown where is the caller's matter.

use std::fmt;

use crate::checkpoint::CheckpointError;
use crate::hash::Digest;
use crate::id::{EventId, LogId, Position, Seq};
use crate::record::HeaderError;

/// The first thing that is wrong with an evidence file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvidenceFault {
    /// The event that is wrong, when it is one.
    pub event: Option<Box<NamedEvent>>,
    /// What is wrong.
    pub kind: EvidenceFaultKind,
}

/// An event, as far as the file says which one it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NamedEvent {
    /// Its place in the file, from 1.
    pub number: usize,
    /// Its position, as the file gives it.
    pub position: Option<Position>,
    /// Its stream's type and id, as its header gives them.
    pub stream: Option<(String, String)>,
    /// Its place in its stream, as its header gives it.
    pub stream_seq: Option<Seq>,
    /// Its identity, as its header gives it.
    pub event_id: Option<EventId>,
}

/// What can be wrong with an evidence file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EvidenceFaultKind {
    /// The text is no evidence file.
    #[error("this is no evidence file: {detail}")]
    NotEvidence {
        /// What does not fit.
        detail: String,
    },
    /// The file is of a format that is not known here.
    #[error("the format `{format}` is not known here; a newer Annals may know it")]
    UnknownFormat {
        /// The format that the file names.
        format: String,
    },
    /// The checkpoint is none, or the log's key has not signed it.
    #[error("the checkpoint does not hold: {0}")]
    Checkpoint(CheckpointError),
    /// The checkpoint is of another log than the file says.
    #[error("the file is about the log {claimed}, its checkpoint about {signed}")]
    OtherOrigin {
        /// The origin that the file names.
        claimed: String,
        /// The origin that the checkpoint names.
        signed: String,
    },
    /// A change of key does not hold, or does not lead to the key of the file.
    #[error("key change {number} does not hold: {detail}")]
    Rotation {
        /// Its place in the file, from 1.
        number: usize,
        /// What does not fit.
        detail: String,
    },
    /// A witness that the file names has not cosigned the checkpoint.
    #[error("the cosignature of {name} does not hold: {fault}")]
    Cosignature {
        /// The witness.
        name: String,
        /// What does not fit.
        fault: CheckpointError,
    },
    /// An event of the file cannot be read.
    #[error("it cannot be read: {detail}")]
    Unreadable {
        /// What does not fit.
        detail: String,
    },
    /// The header is none.
    #[error("its header is damaged: {0}")]
    Header(HeaderError),
    /// The events are not in the order of their positions.
    #[error("it stands behind the event at position {after}: events were reordered or repeated")]
    OutOfOrder {
        /// The position before it in the file.
        after: Position,
    },
    /// The checkpoint does not reach this far.
    #[error("the checkpoint covers {size} events and not this one")]
    BeyondCheckpoint {
        /// The checkpoint's size.
        size: u64,
    },
    /// The header is one of another position.
    #[error("its header is that of the event at position {found}")]
    OtherPosition {
        /// The position in the header.
        found: Position,
    },
    /// The header is one of another log.
    #[error("its header is of the log {found}, expected was {expected}")]
    OtherLog {
        /// The log that owns the position.
        expected: LogId,
        /// The log that the header names.
        found: LogId,
    },
    /// The event is of another workspace.
    #[error("it is of the workspace `{found}` and not of the one that the file names")]
    OtherWorkspace {
        /// The workspace in the header.
        found: String,
    },
    /// The event is of another run.
    #[error("it is no event of the run that the file names")]
    OtherRun,
    /// Salt and body are not those that were recorded.
    #[error(
        "its body was edited: recorded was the commitment {expected}, salt and body give {found}"
    )]
    EditedBody {
        /// The commitment.
        expected: Digest,
        /// What salt and body give.
        found: Digest,
    },
    /// Header, commitment or prev are not those that were recorded.
    #[error(
        "its header, commitment or prev was edited: the next event of its stream follows the hash \
         {expected}, these bytes give {found}"
    )]
    EditedHeader {
        /// The hash that the next event of the stream is chained to.
        expected: Digest,
        /// The hash of what is in the file.
        found: Digest,
    },
    /// The record is the one that the stream is chained to, but its proof is another's.
    #[error(
        "its proof was edited: the next event of its stream is chained to these bytes, but the \
         path does not lead to the signed root {root}"
    )]
    EditedProof {
        /// The checkpoint's root.
        root: Digest,
    },
    /// The event is not in the tree that was signed; what was edited cannot be told.
    #[error(
        "it is not in the signed log: its hash {event_hash} and its path do not lead to the root \
         {root}; its header, its hash or its path was edited, or it was inserted"
    )]
    NotInTree {
        /// The hash of what is in the file.
        event_hash: Digest,
        /// The checkpoint's root.
        root: Digest,
    },
    /// A seq is not above the one before it in its stream.
    #[error("its seq is not above {after}, the one before it in its stream")]
    SeqOutOfOrder {
        /// The seq before it in the file.
        after: Seq,
    },
    /// The event is not chained to the event before it in its stream.
    #[error(
        "it is not chained to the event before it in its stream: expected was the hash \
         {expected}, it follows {found}"
    )]
    ChainBroken {
        /// The hash of the event before it; zeros for the first.
        expected: Digest,
        /// The hash that it follows.
        found: Digest,
    },
    /// Events of the run's own stream were removed before this one.
    #[error("the events with seq {first} to {last} before it in its stream are missing")]
    EventsMissing {
        /// The first that is missing.
        first: Seq,
        /// The last that is missing.
        last: Seq,
    },
    /// The file has another number of events than it says.
    #[error("the file says that it has {claimed} events and has {found}")]
    EventCount {
        /// What the file says.
        claimed: u64,
        /// What it has.
        found: u64,
    },
}

impl EvidenceFault {
    pub(super) fn of_file(kind: EvidenceFaultKind) -> Self {
        Self { event: None, kind }
    }

    pub(super) fn unreadable_file(detail: impl fmt::Display) -> Self {
        Self::of_file(EvidenceFaultKind::NotEvidence { detail: detail.to_string() })
    }

    /// Whether nothing could be checked, so that neither yes nor no is the answer.
    #[must_use]
    pub fn could_not_tell(&self) -> bool {
        matches!(
            self.kind,
            EvidenceFaultKind::NotEvidence { .. } | EvidenceFaultKind::UnknownFormat { .. }
        )
    }
}

impl fmt::Display for EvidenceFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(event) = &self.event {
            write!(formatter, "{event}: ")?;
        }
        self.kind.fmt(formatter)
    }
}

impl std::error::Error for EvidenceFault {}

impl fmt::Display for NamedEvent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "event {} of the file", self.number)?;
        if let Some(position) = self.position {
            write!(formatter, ", position {position}")?;
        }
        if let (Some((stream_type, stream_id)), Some(seq)) = (&self.stream, self.stream_seq) {
            write!(formatter, ", stream {stream_type}/{stream_id}, seq {seq}")?;
        }
        match self.event_id {
            Some(event_id) => write!(formatter, ", id {event_id}"),
            None => Ok(()),
        }
    }
}
