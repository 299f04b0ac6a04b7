//! The log contract: what every engine promises to the one who appends and to those who read.
//!
//! The promises in words are in `docs/formats/log-contract.md`, and `tests/common/suite.rs` checks them
//! on every engine. No engine's own matters are here: no files, no locks, no recovery.
//!
//! INVARIANT (acknowledged means durable): [`LogWriter::append`] returns `Ok` only after every
//! event in it is durable, and no reader sees an event before.
//! INVARIANT (gapless): positions and every stream's seqs are 1, 2, 3 … in commit order.

use std::fmt::{self, Debug};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use annals_core::envelope::StreamKey;
use annals_core::event::Event;
use annals_core::hash::Digest;
use annals_core::id::{EventId, IdempotencyKey, LogId, Position, Seq, WorkspaceId};
use annals_core::record::{HeaderDraft, Salt};
use annals_core::tiles::HashRows;
use annals_core::time::Timestamp;
use bytes::Bytes;
use smallvec::SmallVec;

use crate::local::backup::BackupSource;
use crate::query::{Page, PageLimit, Query, StreamPage, StreamsQuery};

/// A list that mostly has one entry, which then needs no memory of its own.
pub type OneOrMore<T> = SmallVec<[T; 1]>;

/// An event that lacks only its place. Everything dear was computed outside the sequencer.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// All header fields but position, stream_seq and recorded_at.
    pub header: HeaderDraft,
    /// The body: one compact JSON object.
    pub body: Bytes,
    /// Random bytes for the commitment.
    pub salt: Salt,
    /// `annals_core::record::commitment` of salt and body. The store does not compute it again.
    pub commitment: Digest,
}

/// What a writer believes about a stream's end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedSeq {
    /// The stream's workspace.
    pub workspace_id: WorkspaceId,
    /// The stream.
    pub stream: StreamKey,
    /// The last seq the writer saw; 0 means that the stream must be new.
    pub expected_seq: Seq,
}

/// Events that are kept together or not at all, also across a crash.
///
/// A batch that is not atomic is many units of one event.
#[derive(Debug, Clone)]
pub struct Unit {
    /// The events, in the order in which they are placed.
    pub events: OneOrMore<Prepared>,
    /// Checked once, against the state before the unit, after its identities were looked up.
    pub expected: Vec<ExpectedSeq>,
    /// What is said about the events, in the same frame and behind all of them.
    pub companions: Vec<Companion>,
}

/// An event about an event of its unit: placed where that one is new, and not where it repeats one
/// that is kept already.
#[derive(Debug, Clone)]
pub struct Companion {
    /// The event that it is about, by its place in the unit's events.
    pub of: usize,
    /// Itself. Its id was made for it, so that it repeats nothing.
    pub event: Prepared,
}

/// What became of a unit. Units of one call have outcomes in the same order.
#[derive(Debug, Clone)]
pub enum UnitOutcome {
    /// Every event is durable, be it by this call or an earlier one. Companions that were placed
    /// come behind the unit's events.
    Committed(OneOrMore<Placed>),
    /// Nothing of the unit is kept; the caller must change something.
    Refused {
        /// The first event that stands in the way.
        index: usize,
        /// Why.
        refusal: Refusal,
    },
    /// Nothing of the unit is kept: a stored event that decides about it cannot be read.
    Undecided {
        /// The event whose identity or stream leads to the unreadable one.
        index: usize,
        /// What is wrong with the stored event.
        failure: ReadFailure,
    },
}

/// A durable event and how it came to be so.
#[derive(Debug, Clone)]
pub struct Placed {
    /// The event as it is kept: the one appended now or the one of the first receipt.
    pub event: Event,
    /// Whether an earlier append (perhaps of the same call) had kept it already.
    pub replayed: bool,
    /// Whether it is a companion and none of the events that the unit was made of.
    pub is_companion: bool,
}

/// Why the log does not take a unit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// An identity of the event belongs to an event with other content, or its two identities
    /// belong to two events.
    #[error("event {event_id} has an identity that position {existing} has with other content")]
    IdempotencyConflict {
        /// The refused event's id.
        event_id: EventId,
        /// The stored event that has the identity. 0 when it is earlier in the same unit.
        existing: Position,
    },
    /// The stream's last seq is not the expected one.
    #[error("stream {stream} is at seq {actual_seq}, not at {expected_seq}")]
    SeqMismatch {
        /// The stream.
        stream: StreamKey,
        /// What the writer expected.
        expected_seq: Seq,
        /// What it is.
        actual_seq: Seq,
    },
    /// The unit is larger than a frame may be.
    #[error("the unit has {byte_count} bytes; at most {byte_count_max} fit")]
    UnitTooLarge {
        /// Bytes of the unit's records.
        byte_count: u64,
        /// Bytes that fit.
        byte_count_max: u64,
    },
    /// A header does not belong to this log or cannot be read.
    #[error("the header is not one for this log")]
    ForeignHeader,
}

/// Why an append call as a whole did not succeed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AppendFailure {
    /// The disk is full. Nothing of the call is kept; the log stays readable, and the same call
    /// may be made again: it succeeds by itself once there is room.
    #[error("the disk that holds the log is full")]
    StorageFull,
    /// Nothing of the call is kept, and no later call will be: stop the process and start again.
    #[error("the log does not take appends any more: {reason}")]
    Failed {
        /// The first failure.
        reason: String,
    },
    /// A write or sync failed, so that nobody knows what of the call is durable: answer nobody,
    /// stop the process and start again.
    #[error("the append may or may not be durable: {reason}")]
    MayBePersisted {
        /// The failure.
        reason: String,
    },
}

/// What an erasure did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Erased {
    /// Segments in which bodies were filled with zeros; 0 for an engine without segments.
    pub segments: u64,
    /// Files with the bytes of torn appends that were removed, for they may hold a body too.
    pub cut_files_removed: u64,
}

/// Why bodies were not erased.
#[derive(Debug, Clone, thiserror::Error)]
pub enum EraseFailure {
    /// There is no such event. Nothing was erased.
    #[error("there is no event at position {position} to erase")]
    NoSuchEvent {
        /// The first position without an event.
        position: Position,
    },
    /// There is no room to note down what is to be erased, or to overwrite it where the file system
    /// copies on write. Every event is whole or erased, and the same call may be made again.
    #[error("the disk that holds the log is full")]
    StorageFull,
    /// The erasure was begun at most; the next start finishes what was begun. The log takes no
    /// appends any more: stop the process and start again.
    #[error("the erasure is not finished: {reason}")]
    Failed {
        /// The first failure.
        reason: String,
    },
}

/// Why stored events could not be read.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ReadFailure {
    /// Stored bytes are not what was written. Wrong data is never returned instead.
    #[error("damaged data in {} at byte {offset}: {what}", .file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// Where in the file.
        offset: u64,
        /// What does not fit.
        what: String,
    },
    /// The operating system could not read.
    #[error("cannot read {}", .file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// Why.
        #[source]
        source: Arc<io::Error>,
    },
}

/// The newest durable event's place and time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The last position; 0 when the log is empty.
    pub position: Position,
    /// The last event's recorded_at; the lowest time when the log is empty.
    pub recorded_at: Timestamp,
}

impl Head {
    /// The head of an empty log.
    pub const EMPTY: Self =
        Self { position: Position(0), recorded_at: Timestamp::from_micros(i64::MIN) };
}

/// A log that a log was restored from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ancestor {
    /// The identity that its events carry.
    pub log_id: LogId,
    /// The last of its positions that the restored log has.
    pub last_position: Position,
}

/// What is known of a stream without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamHead {
    /// The oldest seq that is kept.
    pub first_seq: Seq,
    /// The newest seq.
    pub last_seq: Seq,
    /// The newest event's hash.
    pub last_event_hash: Digest,
    /// Events that are kept.
    pub event_count: u64,
    /// When the log took the oldest.
    pub first_at: Timestamp,
    /// When the log took the newest.
    pub last_at: Timestamp,
}

/// The one who appends. There is one per log.
pub trait LogWriter: Send {
    /// Places the units in order and makes them durable together.
    ///
    /// `now` becomes recorded_at unless the log's last event is later: time never goes back.
    /// A refused unit leaves nothing behind and does not touch its neighbours. Identities and
    /// `expected` see the units before it in the same call.
    ///
    /// # Errors
    /// See [`AppendFailure`]; after anything but `StorageFull` the log must be opened anew.
    fn append(
        &mut self,
        now: Timestamp,
        units: Vec<Unit>,
    ) -> Result<Vec<UnitOutcome>, AppendFailure>;

    /// Appends as [`Self::append`] does, and on a full disk with the room that is set aside for
    /// redaction. It is for the fact that a redaction begins with and for nothing else.
    ///
    /// An engine that sets no room aside appends as ever.
    ///
    /// # Errors
    /// As for [`Self::append`]; `StorageFull` when what was set aside is used up as well.
    fn append_on_reserve(
        &mut self,
        now: Timestamp,
        units: Vec<Unit>,
    ) -> Result<Vec<UnitOutcome>, AppendFailure> {
        self.append(now, units)
    }

    /// Takes salt and body of events away for good: when it returns, no file of the log has them.
    ///
    /// Places, headers, hashes and proofs stay as they are, and so do identities. A crash at any
    /// point leaves each event either whole or erased, and what was begun is finished by the next
    /// start. Erasing what is erased does nothing.
    ///
    /// # Errors
    /// See [`EraseFailure`]; after `Failed` the log must be opened anew.
    fn erase(&mut self, positions: &[Position]) -> Result<Erased, EraseFailure>;

    /// The newest durable event.
    fn head(&self) -> Head;
}

/// Those who read. Every method sees durable events only, and all of those up to [`Self::head`].
pub trait LogReader: Debug + Send + Sync {
    /// The log's identity.
    fn log_id(&self) -> LogId;

    /// The newest durable event.
    fn head(&self) -> Head;

    /// The event at a position; none beyond the head and at 0.
    ///
    /// # Errors
    /// When stored bytes cannot be read or are damaged; so for all methods here.
    fn event_at(&self, position: Position) -> Result<Option<Event>, ReadFailure>;

    /// The event with an id.
    ///
    /// # Errors
    /// As for [`Self::event_at`].
    fn by_event_id(
        &self,
        workspace_id: &WorkspaceId,
        event_id: &EventId,
    ) -> Result<Option<Event>, ReadFailure>;

    /// The event that was appended to a stream under a sender's key.
    ///
    /// # Errors
    /// As for [`Self::event_at`].
    fn by_idempotency_key(
        &self,
        workspace_id: &WorkspaceId,
        stream: &StreamKey,
        key: &IdempotencyKey,
    ) -> Result<Option<Event>, ReadFailure>;

    /// A stream's ends; none when it has no events.
    ///
    /// # Errors
    /// As for [`Self::event_at`].
    fn stream_head(
        &self,
        workspace_id: &WorkspaceId,
        stream: &StreamKey,
    ) -> Result<Option<StreamHead>, ReadFailure>;

    /// A stream's events from `from_seq` on, in order of seq.
    ///
    /// # Errors
    /// As for [`Self::event_at`].
    fn stream_page(
        &self,
        workspace_id: &WorkspaceId,
        stream: &StreamKey,
        from_seq: Seq,
        limit: PageLimit,
    ) -> Result<Vec<Event>, ReadFailure>;

    /// The events that a query asks for, in order of position.
    ///
    /// # Errors
    /// As for [`Self::event_at`].
    fn scan(&self, query: &Query, limit: PageLimit) -> Result<Page, ReadFailure>;

    /// A workspace's streams, in order of their first events.
    ///
    /// # Errors
    /// As for [`Self::event_at`].
    fn streams(&self, query: &StreamsQuery, count_max: usize) -> Result<StreamPage, ReadFailure>;

    /// The last position recorded before `at`; 0 when there is none.
    ///
    /// # Errors
    /// As for [`Self::event_at`].
    fn position_before(&self, at: Timestamp) -> Result<Position, ReadFailure>;

    /// The Merkle tree over this log's events.
    fn tree(&self) -> &dyn LogTree;

    /// The logs that this one was restored from, oldest first. Events up to an ancestor's last
    /// position, and behind the one's before it, carry that ancestor's identity.
    fn lineage(&self) -> Vec<Ancestor> {
        Vec::new()
    }

    /// Makes the events up to the head survive the machine too, in a log that was opened to take
    /// less for durable. In any other log there is nothing left to do.
    ///
    /// # Errors
    /// When the disk does not confirm it: then nobody knows what survives, and asking again tells
    /// nothing.
    fn sync(&self) -> Result<(), ReadFailure> {
        Ok(())
    }

    /// The log's files as a backup takes them; none for an engine that has no files.
    fn backup(&self) -> Option<&dyn BackupSource> {
        None
    }
}

/// The Merkle tree over a log's events (RFC 6962): leaf data of position p is its event_hash, its
/// leaf index p - 1. Derived: every hash in it can be had again from the events.
///
/// It grows when it is asked to, so that no append waits for it, and never beyond the durable
/// events. Roots and proofs are made of it by [`annals_core::tiles`].
pub trait LogTree: Debug + Send + Sync {
    /// Leaves that the tree has; the durable head when it last grew.
    fn grown_to(&self) -> u64;

    /// Takes in all durable events and says how many leaves there are then.
    ///
    /// # Errors
    /// When events that it needs cannot be read or are damaged; so for all methods here.
    fn grow(&self) -> Result<u64, ReadFailure>;

    /// `count` entries of row `level` from entry `first` on, as `annals_core::tiles` counts them;
    /// fewer where the grown row ends before.
    ///
    /// # Errors
    /// As for [`Self::grow`].
    fn rows(&self, level: u8, first: u64, count: usize) -> Result<Vec<Digest>, ReadFailure>;

    /// Keeps what has grown over the end of the process, so that the next one need not hash it
    /// again. Nobody has to: a tree keeps itself now and then and when its log is closed.
    ///
    /// # Errors
    /// When it cannot be kept. The tree is whole all the same.
    fn sync(&self) -> Result<(), ReadFailure>;

    /// Makes the whole tree again from the events alone, for when its root is not the one that was
    /// once signed. Readers see the old tree until the new one is there.
    ///
    /// # Errors
    /// As for [`Self::grow`].
    fn rebuild(&self) -> Result<(), ReadFailure>;
}

impl HashRows for dyn LogTree + '_ {
    type Error = ReadFailure;

    fn row(&self, level: u8, first: u64, count: usize) -> Result<Vec<Digest>, ReadFailure> {
        self.rows(level, first, count)
    }
}

impl fmt::Display for Head {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "position {}", self.position)
    }
}
