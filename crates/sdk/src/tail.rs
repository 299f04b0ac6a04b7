//! Following the log live, over any number of broken connections, without a gap or a duplicate.
//!
//! The tail reconnects by itself and says so; `resume` decides what is new. It ends only on a
//! refusal that stays (such as `history_diverged` or an expired token) or when it is dropped.
//! It keeps one connection and one frame in memory: a slow reader slows the connection down, and
//! the server's `annals.lagged` is answered by going on from the last event handed out.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use annals_api::reason::STREAM_NOT_FOUND;
use annals_api::routes::LAGGED_FRAME;
use annals_core::hash::Digest;
use annals_core::id::{Position, Seq};
use annals_core::limits::{EVENT_BYTES_MAX, TAIL_HEARTBEAT_SECONDS};
use futures_util::Stream;
use reqwest::header::ACCEPT;
use reqwest::{Method, Response, Url};

use crate::client::{Client, refusal};
use crate::error::ClientError;
use crate::event::StoredEvent;
use crate::query::EventQuery;
use crate::resume::{Counting, Resume, ResumePoint, Verdict};
use crate::retry::random_u16;
use crate::sse::{SseFrame, SseParser};

/// A connection that says nothing for three heartbeats is taken as dead.
const SILENCE_MAX: Duration = Duration::from_secs(3 * TAIL_HEARTBEAT_SECONDS);
/// Room for the envelope around the largest event.
const FRAME_BYTES_MAX: usize = 2 * EVENT_BYTES_MAX;

/// Where a tail starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TailStart {
    Now,
    After(ResumePoint),
}

/// What to follow, and from where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TailQuery {
    query: EventQuery,
    start: TailStart,
}

impl TailQuery {
    /// Everything that is committed from now on.
    #[must_use]
    pub fn now() -> Self {
        Self { query: EventQuery::all(), start: TailStart::Now }
    }

    /// Everything after a position; 0 is before the first.
    #[must_use]
    pub fn after(position: Position) -> Self {
        let start = TailStart::After(ResumePoint { after: position.get(), known: None });
        Self { query: EventQuery::all(), start }
    }

    /// Everything after an event that was seen before, which the server checks to be the same.
    #[must_use]
    pub fn after_event(position: Position, event_hash: Digest) -> Self {
        let place = position.get();
        let start =
            TailStart::After(ResumePoint { after: place, known: Some((place, event_hash)) });
        Self { query: EventQuery::all(), start }
    }

    /// One stream from a seq on; 1 is the first.
    #[must_use]
    pub fn stream(
        stream_type: impl Into<String>,
        stream_id: impl Into<String>,
        from_seq: Seq,
    ) -> Self {
        let query = EventQuery {
            stream: Some((stream_type.into(), stream_id.into())),
            ..EventQuery::all()
        };
        let start =
            TailStart::After(ResumePoint { after: from_seq.get().saturating_sub(1), known: None });
        Self { query, start }
    }

    /// One stream from its next new event on.
    #[must_use]
    pub fn stream_now(stream_type: impl Into<String>, stream_id: impl Into<String>) -> Self {
        let query = EventQuery {
            stream: Some((stream_type.into(), stream_id.into())),
            ..EventQuery::all()
        };
        Self { query, start: TailStart::Now }
    }

    /// Narrows the tail by all filters but the stream, which the tail has from its start.
    #[must_use]
    pub fn filter(mut self, query: EventQuery) -> Self {
        self.query = EventQuery { stream: self.query.stream, ..query };
        self
    }

    fn counting(&self) -> Counting {
        match (&self.query.stream, self.query.is_whole_stream()) {
            (None, _) => Counting::Positions,
            (Some(_), true) => Counting::WholeSeqs,
            (Some(_), false) => Counting::FilteredSeqs,
        }
    }
}

/// What a tail hands out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tailed {
    /// The next event.
    Event(Box<StoredEvent>),
    /// Connected; everything after the place follows.
    Connected {
        /// The place.
        after: u64,
    },
    /// The connection is gone; the next try is after a wait. Nothing is lost.
    Reconnecting {
        /// Why.
        reason: String,
        /// The wait.
        delay: Duration,
    },
}

/// A live tail: a stream of [`Tailed`] that ends after its first error.
pub struct Tail {
    inner: Pin<Box<dyn Stream<Item = Result<Tailed, ClientError>> + Send>>,
}

impl std::fmt::Debug for Tail {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Tail").finish_non_exhaustive()
    }
}

impl Stream for Tail {
    type Item = Result<Tailed, ClientError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.inner.as_mut().poll_next(context)
    }
}

impl Client {
    /// Follows the log. Nothing is sent before the tail is polled.
    ///
    /// The first connection is tried as often as the retry policy says; once it stood, a broken
    /// connection is taken up again until it stands.
    #[must_use]
    pub fn tail(&self, query: TailQuery) -> Tail {
        let following = Following::new(self.clone(), query);
        let steps = futures_util::stream::unfold(Some(following), |following| async {
            let mut following = following?;
            let step = following.step().await;
            let rest = step.is_ok().then_some(following);
            Some((step, rest))
        });
        Tail { inner: Box::pin(steps) }
    }
}

/// The tail between two items.
struct Following {
    client: Client,
    query: TailQuery,
    resume: Option<Resume>,
    connection: Option<Connection>,
    waiting: VecDeque<SseFrame>,
    failed_attempts: u32,
    stood_before: bool,
    reconnect_delay: Option<Duration>,
}

struct Connection {
    response: Response,
    parser: SseParser,
}

/// Why a connection is of no more use although nobody refused anything.
enum Break {
    Error(ClientError),
    Ended,
    Silent,
    Garbled(String),
    Lagged,
}

impl std::fmt::Display for Break {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Error(error) => write!(formatter, "{error}"),
            Self::Ended => write!(formatter, "the server ended the connection"),
            Self::Silent => write!(formatter, "nothing was heard for {} s", SILENCE_MAX.as_secs()),
            Self::Garbled(what) => write!(formatter, "{what}"),
            Self::Lagged => write!(formatter, "this reader fell too far behind"),
        }
    }
}

impl Following {
    fn new(client: Client, query: TailQuery) -> Self {
        Self {
            client,
            query,
            resume: None,
            connection: None,
            waiting: VecDeque::new(),
            failed_attempts: 0,
            stood_before: false,
            reconnect_delay: None,
        }
    }

    /// Works until there is something to hand out.
    async fn step(&mut self) -> Result<Tailed, ClientError> {
        loop {
            while let Some(frame) = self.waiting.pop_front() {
                if let Some(tailed) = self.take_frame(&frame)? {
                    return Ok(tailed);
                }
            }
            if self.connection.is_none() {
                return match self.connect().await {
                    Ok(connected) => Ok(connected),
                    Err(error) => self.reconnect_after(Break::Error(error)),
                };
            }
            if let Err(broken) = self.read_frames().await {
                return self.reconnect_after(broken);
            }
        }
    }

    /// Drops the connection and plans the next one, or gives up on what will not pass.
    fn reconnect_after(&mut self, broken: Break) -> Result<Tailed, ClientError> {
        self.connection = None;
        self.waiting.clear();
        let reason = broken.to_string();
        let at_once = matches!(broken, Break::Lagged);
        if let Break::Error(error) = broken {
            self.failed_attempts += 1;
            let gives_up = !self.stood_before
                && self.failed_attempts >= self.client.retry_policy().attempts_max;
            if gives_up || !error.is_retryable() {
                return Err(error);
            }
        }
        let delay = match at_once {
            true => Duration::ZERO,
            false => self.client.retry_policy().delay(self.failed_attempts.max(1), random_u16()),
        };
        self.reconnect_delay = Some(delay);
        Ok(Tailed::Reconnecting { reason, delay })
    }

    async fn connect(&mut self) -> Result<Tailed, ClientError> {
        if let Some(delay) = self.reconnect_delay.take() {
            tokio::time::sleep(delay).await;
        }
        let point = self.resume_point().await?;
        let request =
            self.client.request(Method::GET, self.url(point)).header(ACCEPT, "text/event-stream");
        let request = request.header("last-event-id", point.after.to_string());
        let response = request
            .send()
            .await
            .map_err(|error| ClientError::from_transport(self.client.url(), error))?;
        if !response.status().is_success() {
            return Err(refusal(response).await);
        }
        self.connection = Some(Connection { response, parser: SseParser::new(FRAME_BYTES_MAX) });
        self.failed_attempts = 0;
        self.stood_before = true;
        Ok(Tailed::Connected { after: point.after })
    }

    /// Where to go on. A start of "now" is pinned down to the head first, so that a connection that
    /// breaks before its first event loses nothing.
    async fn resume_point(&mut self) -> Result<ResumePoint, ClientError> {
        if let Some(resume) = &self.resume {
            return Ok(resume.point());
        }
        let start = match self.query.start {
            TailStart::After(point) => point,
            TailStart::Now => ResumePoint { after: self.head().await?, known: None },
        };
        self.resume = Some(Resume::new(self.query.counting(), start));
        Ok(start)
    }

    /// The newest place that the tail counts; 0 before the first.
    async fn head(&self) -> Result<u64, ClientError> {
        let Some((stream_type, stream_id)) = &self.query.query.stream else {
            return Ok(self.client.head().await?.get());
        };
        match self.client.stream_info(stream_type, stream_id).await {
            Ok(info) => Ok(info.last_seq),
            Err(ClientError::Refused(problem)) if problem.reason_code == STREAM_NOT_FOUND.code => {
                Ok(0)
            }
            Err(error) => Err(error),
        }
    }

    fn url(&self, point: ResumePoint) -> Url {
        let mut parameters = self.query.query.parameters();
        if let Some((place, event_hash)) = point.known {
            parameters.push(("after", format!("{place}:{event_hash}")));
        }
        match &self.query.query.stream {
            Some((stream_type, stream_id)) => self
                .client
                .resource(["v1", "streams", stream_type, stream_id, "events"], &parameters),
            None => self.client.resource(["v1", "tail"], &parameters),
        }
    }

    /// Reads the next piece of the answer into waiting frames.
    async fn read_frames(&mut self) -> Result<(), Break> {
        let Some(connection) = &mut self.connection else { return Err(Break::Ended) };
        let piece = match tokio::time::timeout(SILENCE_MAX, connection.response.chunk()).await {
            Err(_) => return Err(Break::Silent),
            Ok(Err(error)) => {
                return Err(Break::Error(ClientError::Interrupted(error.without_url())));
            }
            Ok(Ok(None)) => return Err(Break::Ended),
            Ok(Ok(Some(piece))) => piece,
        };
        let waiting = &mut self.waiting;
        let fed = connection.parser.feed(&piece, |frame| waiting.push_back(frame));
        fed.map_err(|error| Break::Garbled(error.to_string()))
    }

    fn take_frame(&mut self, frame: &SseFrame) -> Result<Option<Tailed>, ClientError> {
        if frame.event.as_deref() == Some(LAGGED_FRAME) {
            return self.reconnect_after(Break::Lagged).map(Some);
        }
        let ours = frame.event.as_deref().is_some_and(|name| name.starts_with("annals."));
        match &frame.data {
            Some(data) if !ours => self.take_event(data),
            Some(_) => Ok(None),
            None => {
                let scanned = frame.id.as_deref().and_then(|id| id.parse().ok());
                if let (Some(resume), Some(place)) = (&mut self.resume, scanned) {
                    resume.take_scanned(place);
                }
                Ok(None)
            }
        }
    }

    fn take_event(&mut self, data: &str) -> Result<Option<Tailed>, ClientError> {
        let event = StoredEvent::from_json(data)?;
        let verdict = self.resume.as_mut().map_or(Verdict::New, |resume| resume.take_event(&event));
        match verdict {
            Verdict::New => Ok(Some(Tailed::Event(Box::new(event)))),
            Verdict::Old => Ok(None),
            Verdict::Hole { expected } => Err(ClientError::Protocol(format!(
                "the stream goes on with seq {} where {expected} was expected",
                event.stream_seq
            ))),
        }
    }
}
