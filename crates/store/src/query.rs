//! What readers ask a log for, and how an answer is paged.
//!
//! A query says which events; how they are found is each engine's matter, and
//! [`Query::admits`] is the one definition of a match that all engines verify against.
//! Categories are not known here: whoever knows the catalog asks for a category's types.

use annals_core::envelope::StreamKey;
use annals_core::event::Event;
use annals_core::id::{
    ActorId, CorrelationId, DialectName, EventType, IdError, MissionId, Position, RoomId, RunId,
    StepId, StreamType, ThreadId, WorkspaceId,
};
use annals_core::record::HeaderRef;
use annals_core::time::Timestamp;

use crate::contract::StreamHead;

/// The direction in which positions are walked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Order {
    /// Oldest first.
    #[default]
    Asc,
    /// Newest first.
    Desc,
}

/// One condition on a header field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filter {
    /// Events of a stream.
    Stream(StreamKey),
    /// Events of a run.
    Run(RunId),
    /// Events of a room.
    Room(RoomId),
    /// Events of a thread.
    Thread(ThreadId),
    /// Events of a mission.
    Mission(MissionId),
    /// Events of a step.
    Step(StepId),
    /// Events of an actor.
    Actor(ActorId),
    /// Events of an undertaking.
    Correlation(CorrelationId),
}

impl Filter {
    /// Whether a header meets the condition.
    #[must_use]
    pub fn admits(&self, header: &HeaderRef<'_>) -> bool {
        match self {
            Self::Stream(key) => {
                header.stream_type == key.stream_type.as_str()
                    && header.stream_id == key.stream_id.as_str()
            }
            Self::Run(id) => header.run_id == Some(id.as_str()),
            Self::Room(id) => header.room_id == Some(id.as_str()),
            Self::Thread(id) => header.thread_id == Some(id.as_str()),
            Self::Mission(id) => header.mission_id == Some(id.as_str()),
            Self::Step(id) => header.step_id == Some(id.as_str()),
            Self::Actor(id) => header.actor_id == id.as_str(),
            Self::Correlation(id) => header.correlation_id == id.as_str(),
        }
    }
}

/// An event type, or all types below a dotted prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TypePattern {
    /// This type.
    Exact(EventType),
    /// `tool.*` is the prefix `tool`: every type that starts with `tool.`.
    Below(EventType),
}

impl TypePattern {
    /// Reads `tool.invoked` or `tool.*`.
    ///
    /// # Errors
    /// When the text, without a final `.*`, is not an event type.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        match text.strip_suffix(".*") {
            Some(prefix) => EventType::parse(prefix).map(Self::Below),
            None => EventType::parse(text).map(Self::Exact),
        }
    }

    /// Whether a type matches.
    #[must_use]
    pub fn admits(&self, event_type: &str) -> bool {
        match self {
            Self::Exact(exact) => exact.as_str() == event_type,
            Self::Below(prefix) => {
                event_type.strip_prefix(prefix.as_str()).is_some_and(|rest| rest.starts_with('.'))
            }
        }
    }
}

/// By which way an event came into the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// As an envelope of its own, in no foreign format.
    Native,
    /// In a foreign format.
    Dialect(DialectName),
}

impl Origin {
    /// Whether a header says that its event came so.
    #[must_use]
    pub fn admits(&self, header: &HeaderRef<'_>) -> bool {
        match self {
            Self::Native => header.origin_dialect.is_none(),
            Self::Dialect(name) => header.origin_dialect == Some(name.as_str()),
        }
    }
}

/// Which events of a log are wanted.
#[derive(Debug, Clone, Default)]
pub struct Query {
    /// The tenant. Without one every event is a candidate and no index is used.
    pub workspace_id: Option<WorkspaceId>,
    /// All of these must hold.
    pub filters: Vec<Filter>,
    /// One of these must match; none given means any type.
    pub event_types: Vec<TypePattern>,
    /// One of these must be where it came from; none given means anywhere.
    pub origins: Vec<Origin>,
    /// Only events after this position; 0 for all.
    pub after_position: Position,
    /// Only events before this position.
    pub before_position: Option<Position>,
    /// Only events recorded at this time or later.
    pub since: Option<Timestamp>,
    /// Only events recorded before this time.
    pub until: Option<Timestamp>,
    /// The direction.
    pub order: Order,
}

impl Query {
    /// Whether an event within the bounds of positions and times is wanted.
    #[must_use]
    pub fn admits(&self, header: &HeaderRef<'_>) -> bool {
        let of_workspace = |id: &WorkspaceId| header.workspace_id == id.as_str();
        self.workspace_id.as_ref().is_none_or(of_workspace)
            && self.filters.iter().all(|filter| filter.admits(header))
            && self.admits_type(header.event_type)
            && (self.origins.is_empty() || self.origins.iter().any(|origin| origin.admits(header)))
    }

    fn admits_type(&self, event_type: &str) -> bool {
        self.event_types.is_empty()
            || self.event_types.iter().any(|pattern| pattern.admits(event_type))
    }
}

/// The positions between which a query looks; empty when `first` is beyond `last`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bounds {
    pub(crate) first: u64,
    pub(crate) last: u64,
}

impl Query {
    /// The bounds under a head. `position_before` answers for times.
    pub(crate) fn bounds<E>(
        &self,
        head: Position,
        position_before: impl Fn(Timestamp) -> Result<Position, E>,
    ) -> Result<Bounds, E> {
        let mut bounds = Bounds { first: self.after_position.get() + 1, last: head.get() };
        if let Some(before) = self.before_position {
            bounds.last = bounds.last.min(before.get().saturating_sub(1));
        }
        if let Some(since) = self.since {
            bounds.first = bounds.first.max(position_before(since)?.get() + 1);
        }
        if let Some(until) = self.until {
            bounds.last = bounds.last.min(position_before(until)?.get());
        }
        Ok(bounds)
    }

    /// Where a walk over all of the bounds ends.
    pub(crate) fn walked_to(&self, bounds: Bounds) -> Position {
        match self.order {
            Order::Asc => Position(bounds.last),
            Order::Desc => Position(bounds.first),
        }
    }
}

/// How much one page holds. A page has at least one event if there is one.
#[derive(Debug, Clone, Copy)]
pub struct PageLimit {
    /// Events of a page.
    pub event_count_max: usize,
    /// Bytes of headers and bodies after which a page ends.
    pub byte_count_max: usize,
}

impl PageLimit {
    /// Bytes of a page where nobody says otherwise.
    pub const BYTE_COUNT_MAX: usize = 16 << 20;

    /// A page of so many events and the usual number of bytes.
    #[must_use]
    pub const fn events(event_count_max: usize) -> Self {
        Self { event_count_max, byte_count_max: Self::BYTE_COUNT_MAX }
    }
}

impl PageLimit {
    pub(crate) fn room(self) -> PageRoom {
        PageRoom { limit: self, event_count: 0, byte_count: 0 }
    }
}

/// What is left of a page.
#[derive(Debug)]
pub(crate) struct PageRoom {
    limit: PageLimit,
    event_count: usize,
    byte_count: usize,
}

impl PageRoom {
    /// Makes room for an event; false when the page is full. The first event always fits.
    pub(crate) fn take(&mut self, event: &Event) -> bool {
        let byte_count = self.byte_count + event.byte_count();
        let is_full = self.event_count >= self.limit.event_count_max
            || byte_count > self.limit.byte_count_max;
        if is_full && self.event_count > 0 || self.limit.event_count_max == 0 {
            return false;
        }
        self.event_count += 1;
        self.byte_count = byte_count;
        true
    }
}

/// Part of the answer to a query.
#[derive(Debug, Clone)]
pub struct Page {
    /// The events, in the query's order.
    pub events: Vec<Event>,
    /// Where to go on: the next query's `after_position` (`before_position` when descending).
    /// None when the query is answered up to `as_of`. A page that stopped because it looked at
    /// too many events without a match has few or no events and still a `next`.
    pub next: Option<Position>,
    /// The head when the page was made.
    pub as_of: Position,
    /// The last position looked at: everything the query wants from its start up to here is in
    /// this page or one before it.
    pub scanned_to: Position,
}

/// Which streams of a workspace are wanted.
#[derive(Debug, Clone)]
pub struct StreamsQuery {
    /// The tenant.
    pub workspace_id: WorkspaceId,
    /// Only streams of this kind.
    pub stream_type: Option<StreamType>,
    /// Only streams whose id starts so.
    pub id_prefix: Option<String>,
    /// Where the last page ended.
    pub cursor: Option<Position>,
    /// Oldest or newest streams first.
    pub order: Order,
}

impl StreamsQuery {
    /// Whether an event is the first one of a stream that is wanted.
    pub(crate) fn admits_birth(&self, header: &HeaderRef<'_>) -> bool {
        let of_type = |kind: &StreamType| header.stream_type == kind.as_str();
        let has_prefix = |prefix: &String| header.stream_id.starts_with(prefix.as_str());
        header.stream_seq.get() == 1
            && header.workspace_id == self.workspace_id.as_str()
            && self.stream_type.as_ref().is_none_or(of_type)
            && self.id_prefix.as_ref().is_none_or(has_prefix)
    }
}

/// A stream and its ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamEntry {
    /// The stream.
    pub stream: StreamKey,
    /// Its ends.
    pub head: StreamHead,
}

/// Some streams of a workspace.
#[derive(Debug, Clone)]
pub struct StreamPage {
    /// The streams.
    pub streams: Vec<StreamEntry>,
    /// The next query's cursor; none at the end.
    pub next: Option<Position>,
    /// The head when the page was made.
    pub as_of: Position,
}
