//! One reader's place in the log, from wherever it starts to the live end and on.
//!
//! INVARIANT (exact resume): a follower yields every matching event after its start exactly once,
//! in order, until it says `Lagged`; the resume point it then names loses and repeats nothing.
//! INVARIANT (hidden is hidden): what a follower has yielded may be redacted before its reader gets
//! to it, so it is shown by way of [`Follower::current`].

use std::sync::Arc;

use annals_core::envelope::StreamKey;
use annals_core::event::Event;
use annals_core::id::{Position, Seq, WorkspaceId};
use annals_store::contract::{Head, LogReader, ReadFailure};
use annals_store::query::{Filter, PageLimit, Query};
use tokio::sync::watch;

use super::{Live, LiveEvent, Recent};

/// Events that one call yields at most.
const CHUNK_EVENTS_MAX: usize = 256;

/// Where a reader starts.
#[derive(Debug, Clone)]
pub enum FollowStart {
    /// With the next new event.
    Now,
    /// With the first event after a position.
    AfterPosition(Position),
    /// With a seq of a stream.
    StreamFrom {
        /// The stream's workspace.
        workspace_id: WorkspaceId,
        /// The stream.
        stream: StreamKey,
        /// The first wanted seq.
        from_seq: Seq,
    },
}

/// What a follower has for its reader.
#[derive(Debug)]
pub enum Followed {
    /// Matching events, in order; never empty.
    Events(Vec<Arc<LiveEvent>>),
    /// The reader fell too far behind and is to be cut off. It resumes after this place.
    Lagged {
        /// The last position that was looked at.
        resume_after: Position,
        /// The last seq that was yielded, for the reader of one stream.
        last_seq: Option<Seq>,
    },
}

/// A reader's place.
#[derive(Debug)]
pub struct Follower {
    reader: Arc<dyn LogReader>,
    live: Arc<Live>,
    head: watch::Receiver<Head>,
    query: Query,
    place: Place,
    is_live: bool,
    /// How many events had been redacted before the last events were read.
    hidden_before: u64,
}

#[derive(Debug)]
struct Place {
    after: Position,
    stream: Option<StreamPlace>,
}

#[derive(Debug)]
struct StreamPlace {
    workspace_id: WorkspaceId,
    stream: StreamKey,
    next_seq: Seq,
    /// Whether the stream is still read by seq, from the log.
    is_catching_up: bool,
}

impl Follower {
    pub(crate) fn new(
        reader: Arc<dyn LogReader>,
        live: Arc<Live>,
        start: FollowStart,
        mut query: Query,
    ) -> Self {
        let head = live.head();
        let (after, stream) = match start {
            FollowStart::Now => (head.borrow().position, None),
            FollowStart::AfterPosition(after) => (after, None),
            FollowStart::StreamFrom { workspace_id, stream, from_seq } => {
                query.workspace_id = Some(workspace_id.clone());
                query.filters.push(Filter::Stream(stream.clone()));
                let next_seq = from_seq.max(Seq(1));
                let place = StreamPlace { workspace_id, stream, next_seq, is_catching_up: true };
                (Position(0), Some(place))
            }
        };
        let (place, hidden_before) = (Place { after, stream }, live.hidden_count());
        Self { reader, live, head, query, place, is_live: false, hidden_before }
    }

    /// The position up to which everything that matches has been yielded.
    ///
    /// For the reader of one stream that is still catching up it is 0.
    #[must_use]
    pub fn scanned_to(&self) -> Position {
        self.place.after
    }

    /// One of the events that [`Self::next`] gave last, as it may be shown now: without its body if
    /// it was redacted since. Costs one load while nothing is redacted.
    #[must_use]
    pub fn current(&self, live: &Arc<LiveEvent>) -> Arc<LiveEvent> {
        if self.live.hidden_count() == self.hidden_before {
            return Arc::clone(live);
        }
        self.live.marked_again(live)
    }

    /// The next matching events, as soon as there are any. Safe to cancel.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub async fn next(&mut self) -> Result<Followed, ReadFailure> {
        loop {
            if let Some(followed) = self.step().await? {
                return Ok(followed);
            }
        }
    }

    async fn step(&mut self) -> Result<Option<Followed>, ReadFailure> {
        self.hidden_before = self.live.hidden_count();
        if self.place.stream.as_ref().is_some_and(|stream| stream.is_catching_up) {
            return self.read_stream().await;
        }
        self.head.borrow_and_update();
        match self.live.recent(self.place.after, CHUNK_EVENTS_MAX) {
            Recent::Events(events) if events.is_empty() => {
                self.is_live = true;
                // An error means that the recorder is gone; then nothing new ever comes.
                if self.head.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
                Ok(None)
            }
            Recent::Events(events) => Ok(self.take_matching(&events)),
            Recent::Older if self.is_live => Ok(Some(self.lagged())),
            Recent::Older => self.read_log().await,
        }
    }

    fn lagged(&self) -> Followed {
        let last_seq = self.place.stream.as_ref().map(|stream| Seq(stream.next_seq.get() - 1));
        Followed::Lagged { resume_after: self.place.after, last_seq }
    }

    fn take_matching(&mut self, events: &[Arc<LiveEvent>]) -> Option<Followed> {
        if let Some(last) = events.last() {
            self.place.after = last.event().position();
        }
        let is_wanted = |live: &&Arc<LiveEvent>| {
            self.query.admits(&live.event().header()) && self.place.wants(live)
        };
        let wanted: Vec<_> = events.iter().filter(is_wanted).cloned().collect();
        if let (Some(stream), Some(last)) = (&mut self.place.stream, wanted.last()) {
            stream.next_seq = last.event().stream_seq().next();
        }
        (!wanted.is_empty()).then_some(Followed::Events(wanted))
    }

    /// Reads on from the log, for a reader that starts before the ring.
    async fn read_log(&mut self) -> Result<Option<Followed>, ReadFailure> {
        let mut query = self.query.clone();
        query.after_position = self.place.after;
        let reader = Arc::clone(&self.reader);
        let page =
            blocking(move || reader.scan(&query, PageLimit::events(CHUNK_EVENTS_MAX))).await?;
        self.place.after = match page.next {
            Some(next) => next,
            None => page.scanned_to,
        };
        Ok(self.followed(page.events))
    }

    /// Reads a stream on by seq; at its end the follower goes on by position.
    async fn read_stream(&mut self) -> Result<Option<Followed>, ReadFailure> {
        let Some(place) = &self.place.stream else { return Ok(None) };
        let (workspace_id, stream) = (place.workspace_id.clone(), place.stream.clone());
        let (from_seq, reader) = (place.next_seq, Arc::clone(&self.reader));
        let limit = PageLimit::events(CHUNK_EVENTS_MAX);
        // Taken before the read: what is newer than this may be read twice, and is told by its seq.
        let head = reader.head().position;
        let events =
            blocking(move || reader.stream_page(&workspace_id, &stream, from_seq, limit)).await?;
        if let Some(place) = &mut self.place.stream {
            match events.last() {
                Some(last) => place.next_seq = last.stream_seq().next(),
                None => {
                    place.is_catching_up = false;
                    self.place.after = head;
                }
            }
        }
        Ok(self.followed(events))
    }

    fn followed(&self, events: Vec<Event>) -> Option<Followed> {
        let events: Vec<_> = events.into_iter().map(|event| self.live.marked(event)).collect();
        (!events.is_empty()).then_some(Followed::Events(events))
    }
}

impl Place {
    fn wants(&self, live: &LiveEvent) -> bool {
        self.stream.as_ref().is_none_or(|stream| live.event().stream_seq() >= stream.next_seq)
    }
}

/// Runs a read of the log where it may wait for the disk.
async fn blocking<T: Send + 'static>(
    read: impl FnOnce() -> Result<T, ReadFailure> + Send + 'static,
) -> Result<T, ReadFailure> {
    match tokio::task::spawn_blocking(read).await {
        Ok(result) => result,
        // The runtime is shutting down: nobody waits for the answer any more.
        Err(_) => std::future::pending().await,
    }
}
