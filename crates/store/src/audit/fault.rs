//! What is wrong with a log, said for a person.

use std::fmt;

use annals_core::hash::Digest;
use annals_core::id::{EventId, Position, Seq};
use annals_core::record::HeaderRef;

/// The first thing that is wrong with a log. `Display` says it in one sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditFault {
    /// What was done to the log.
    pub kind: AuditFaultKind,
    /// The event that is wrong, or the first one that is missing.
    pub position: Position,
    /// The event's workspace, where the event can be read.
    pub workspace_id: Option<String>,
    /// The event's stream as `type/id`, where the event can be read.
    pub stream: Option<String>,
    /// Its place in the stream.
    pub seq: Option<Seq>,
    /// Its id.
    pub event_id: Option<EventId>,
    /// What should be there.
    pub expected: String,
    /// What is there.
    pub found: String,
}

/// What was done to a log. A disk that damages bytes can look like any of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditFaultKind {
    /// A body is not the one that its header commits to.
    EditedBody,
    /// A header, or the hash that it is chained with, is not what was written.
    EditedHeader,
    /// An event is there that the log never placed.
    Inserted,
    /// Events that the log placed are not there.
    Removed,
    /// Events are in another order than the log placed them.
    Reordered,
    /// The log does not begin with its first event.
    CutFront,
    /// The log ends before an event that it is known to have had.
    CutTail,
    /// A body is gone and no redaction says so.
    ErasedWithoutRedaction,
    /// An event of another log.
    ForeignLog,
    /// The log is whole in itself, but not the one that was signed.
    OtherHistory,
    /// Bytes that cannot be read as events.
    Damaged,
}

impl AuditFaultKind {
    /// A stable name for programs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EditedBody => "edited_body",
            Self::EditedHeader => "edited_header",
            Self::Inserted => "inserted",
            Self::Removed => "removed",
            Self::Reordered => "reordered",
            Self::CutFront => "cut_front",
            Self::CutTail => "cut_tail",
            Self::ErasedWithoutRedaction => "erased_without_redaction",
            Self::ForeignLog => "foreign_log",
            Self::OtherHistory => "other_history",
            Self::Damaged => "damaged",
        }
    }

    fn says(self) -> &'static str {
        match self {
            Self::EditedBody => "its body was changed",
            Self::EditedHeader => "its header was changed",
            Self::Inserted => "an event was inserted here",
            Self::Removed => "an event was removed here",
            Self::Reordered => "events were put in another order here",
            Self::CutFront => "the log was cut off in front",
            Self::CutTail => {
                "the log was cut off at its end, or an older copy was put in its place"
            }
            Self::ErasedWithoutRedaction => "its body was erased without a redaction",
            Self::ForeignLog => "it belongs to another log",
            Self::OtherHistory => {
                "from here on or later this is another history than the signed one"
            }
            Self::Damaged => "its bytes are damaged",
        }
    }
}

impl fmt::Display for AuditFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "position {}", self.position)?;
        if let (Some(seq), Some(stream), Some(workspace)) =
            (self.seq, &self.stream, &self.workspace_id)
        {
            write!(formatter, " (seq {seq} of stream {stream} in workspace {workspace}")?;
            if let Some(event_id) = self.event_id {
                write!(formatter, ", event {event_id}")?;
            }
            formatter.write_str(")")?;
        }
        let Self { expected, found, .. } = self;
        write!(formatter, ": {}. Expected {expected}; found {found}", self.kind.says())
    }
}

/// How an event is called in a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) position: u64,
    workspace_id: String,
    stream: String,
    seq: Seq,
    event_id: EventId,
}

impl Named {
    pub(super) fn of(header: &HeaderRef<'_>) -> Self {
        Self {
            position: header.position.get(),
            workspace_id: header.workspace_id.to_owned(),
            stream: format!("{}/{}", header.stream_type, header.stream_id),
            seq: header.stream_seq,
            event_id: header.event_id,
        }
    }

    pub(super) fn fault(
        &self,
        kind: AuditFaultKind,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> AuditFault {
        AuditFault {
            workspace_id: Some(self.workspace_id.clone()),
            stream: Some(self.stream.clone()),
            seq: Some(self.seq),
            event_id: Some(self.event_id),
            ..AuditFault::at(self.position, kind, expected, found)
        }
    }
}

impl AuditFault {
    /// A fault at a place whose event has no name.
    pub(super) fn at(
        position: u64,
        kind: AuditFaultKind,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Self {
        Self {
            kind,
            position: Position(position),
            workspace_id: None,
            stream: None,
            seq: None,
            event_id: None,
            expected: expected.into(),
            found: found.into(),
        }
    }
}

/// The end of a stream as far as it was checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct StreamEnd {
    pub(super) position: u64,
    pub(super) seq: u64,
    pub(super) event_hash: Digest,
}

/// How an event says that it continues its stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct StreamLink {
    pub(super) position: u64,
    pub(super) seq: u64,
    pub(super) prev: Digest,
    pub(super) event_hash: Digest,
}

impl StreamLink {
    /// Whether the event continues a stream with this end; none is a stream before its first event.
    pub(super) fn continues(&self, end: Option<&StreamEnd>) -> bool {
        let (seq, hash) = end.map_or((0, Digest::ZERO), |end| (end.seq, end.event_hash));
        self.seq == seq + 1 && self.prev == hash
    }

    pub(super) fn end(&self) -> StreamEnd {
        StreamEnd { position: self.position, seq: self.seq, event_hash: self.event_hash }
    }
}

/// Something that is wrong and may need a second look to say how.
#[derive(Debug, Clone)]
pub(super) enum Suspicion {
    Fault(AuditFault),
    /// Another event than the next one is where the next one should be.
    Misplaced {
        expected: u64,
        found: Named,
    },
    /// An event does not continue its stream.
    Link {
        end: Option<StreamEnd>,
        link: StreamLink,
    },
}

impl Suspicion {
    /// Where it was found.
    pub(super) fn position(&self) -> u64 {
        match self {
            Self::Fault(fault) => fault.position.get(),
            Self::Misplaced { expected, .. } => *expected,
            Self::Link { link, .. } => link.position,
        }
    }
}
