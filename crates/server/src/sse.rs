//! A live tail as server-sent events: frames, signs of life, and how it ends.
//!
//! A tail holds a place in the log and at most one chunk of frames. What a reader does not take is
//! not kept for it: it stays in the log.
//!
//! INVARIANT (nothing dropped unsaid): a tail that cannot go on ends with `annals.lagged` and the
//! exact resume point, or by closing after a whole frame, whose id is the resume point.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::fmt::Write as _;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use annals_api::routes::LAGGED_FRAME;
use annals_core::dialect::NamedWriter;
use annals_recorder::live::{Followed, Follower, LiveEvent};
use annals_recorder::principal::Principal;
use axum::body::{Body, Bytes};
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use tokio::sync::watch;
use tokio::time::{Instant, Sleep};

use crate::app::App;
use crate::negotiate::Form;
use crate::tails::TailPermit;

/// Bytes of frames that are sent at once.
const CHUNK_BYTES: usize = 64 << 10;
/// What browsers are told to wait before they come back, in milliseconds.
const RETRY_MS: u32 = 1_000;
/// Timers are set anew at least so often, because no timer reaches arbitrarily far.
const EXPIRY_WAIT_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// What a tail's frame ids are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FrameIds {
    /// Seqs of one stream.
    Seqs,
    /// Positions of the log.
    Positions,
}

/// What a tail is made of.
#[derive(Debug)]
pub(crate) struct TailParts {
    pub(crate) app: App,
    pub(crate) principal: Arc<Principal>,
    pub(crate) follower: Follower,
    pub(crate) ids: FrameIds,
    /// The foreign format that events are wanted in.
    pub(crate) dialect: Option<&'static NamedWriter>,
    pub(crate) permit: TailPermit,
    /// A frame that comes before all others.
    pub(crate) first_frame: Option<Bytes>,
}

/// Answers with a live tail.
pub(crate) fn tail_response(parts: TailParts) -> Response {
    let tail = Tail::new(parts);
    let chunks = futures_util::stream::unfold(tail, |mut tail| async move {
        tail.next_chunk().await.map(|chunk| (Ok::<_, Infallible>(chunk), tail))
    });
    let mut response = Body::from_stream(chunks).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(Form::EventStream.media_type()));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    response
}

/// An open tail.
#[derive(Debug)]
struct Tail {
    app: App,
    principal: Arc<Principal>,
    follower: Follower,
    ids: FrameIds,
    dialect: Option<&'static NamedWriter>,
    waiting: VecDeque<Arc<LiveEvent>>,
    /// The greatest position that the reader knows of.
    known_position: u64,
    phase: Phase,
    first_frame: Option<Bytes>,
    heartbeat: Pin<Box<Sleep>>,
    expiry: Pin<Box<Sleep>>,
    revocations: watch::Receiver<u64>,
    closing: watch::Receiver<bool>,
    _permit: TailPermit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Opening,
    Open,
    Ended,
}

/// Why a waiting tail wakes.
enum Wake {
    Followed(Followed),
    Heartbeat,
    /// The credential may have ended.
    Credential,
    End,
}

impl Tail {
    fn new(parts: TailParts) -> Self {
        let TailParts { app, principal, follower, ids, dialect, permit, first_frame } = parts;
        Self {
            waiting: VecDeque::new(),
            known_position: 0,
            phase: Phase::Opening,
            first_frame,
            heartbeat: Box::pin(tokio::time::sleep(app.timings.heartbeat)),
            expiry: Box::pin(tokio::time::sleep(until_expiry(&app, &principal))),
            revocations: app.recorder.access().revocations(),
            closing: app.closing.clone(),
            app,
            principal,
            follower,
            ids,
            dialect,
            _permit: permit,
        }
    }

    /// The next bytes for the reader; none when the tail has ended.
    async fn next_chunk(&mut self) -> Option<Bytes> {
        match self.phase {
            Phase::Opening => {
                self.phase = Phase::Open;
                return Some(self.opening_frame());
            }
            Phase::Ended => return None,
            Phase::Open => {}
        }
        while self.waiting.is_empty() {
            match self.wait().await {
                Wake::Followed(Followed::Events(events)) => self.waiting.extend(events),
                Wake::Followed(Followed::Lagged { resume_after, last_seq }) => {
                    self.phase = Phase::Ended;
                    let resume_after = match self.ids {
                        FrameIds::Seqs => last_seq.map_or(0, |seq| seq.get()),
                        FrameIds::Positions => resume_after.get(),
                    };
                    return Some(lagged_frame(resume_after));
                }
                Wake::Heartbeat => return Some(self.sign_of_life()),
                Wake::Credential => {
                    if !self.app.recorder.access().is_live(&self.principal, self.app.now()) {
                        return None;
                    }
                    let wait = until_expiry(&self.app, &self.principal);
                    self.expiry.as_mut().reset(Instant::now() + wait);
                }
                Wake::End => return None,
            }
        }
        self.rest_heartbeat();
        Some(self.frames())
    }

    async fn wait(&mut self) -> Wake {
        tokio::select! {
            followed = self.follower.next() => match followed {
                Ok(followed) => Wake::Followed(followed),
                Err(error) => {
                    tracing::error!(%error, "a tail ends because the log cannot be read");
                    Wake::End
                }
            },
            () = &mut self.heartbeat => Wake::Heartbeat,
            () = &mut self.expiry => Wake::Credential,
            Ok(()) = self.revocations.changed() => Wake::Credential,
            _ = self.closing.wait_for(|closing| *closing) => Wake::End,
        }
    }

    /// As many waiting frames as fit into one chunk. A frame alone is sent as it is, shared.
    fn frames(&mut self) -> Bytes {
        let mut frames: Vec<Bytes> = Vec::new();
        let mut byte_count = 0;
        while let Some(live) = self.waiting.front() {
            // It may have waited for long, and its body may be redacted since.
            let live = self.follower.current(live);
            let frame = self.frame(&live);
            if !frames.is_empty() && byte_count + frame.len() > CHUNK_BYTES {
                break;
            }
            byte_count += frame.len();
            self.known_position = self.known_position.max(live.event().position().get());
            frames.push(frame);
            self.waiting.pop_front();
        }
        match frames.as_slice() {
            [frame] => frame.clone(),
            many => Bytes::from(many.concat()),
        }
    }

    fn frame(&self, live: &LiveEvent) -> Bytes {
        if let Some(document) = self.foreign_document(live) {
            let id = match self.ids {
                FrameIds::Seqs => live.event().stream_seq().get(),
                FrameIds::Positions => live.event().position().get(),
            };
            // As in the shared frames, nothing here can hold a line break.
            let event_type = live.event().event_type();
            return Bytes::from(format!("id:{id}\nevent:{event_type}\ndata:{document}\n\n"));
        }
        match self.ids {
            FrameIds::Seqs => live.frame_by_seq(),
            FrameIds::Positions => live.frame_by_position(),
        }
    }

    /// The event in the format that the reader wants, if it has a form there.
    fn foreign_document(&self, live: &LiveEvent) -> Option<String> {
        let dialect = self.dialect?;
        let mut envelope = String::with_capacity(live.event().byte_count() + 512);
        live.event().write_json(&mut envelope, live.redaction().map(|redaction| &redaction.mark));
        dialect.writer.write(&envelope, self.app.recorder.catalog())
    }

    /// The first frame: how long to wait before coming back, and the place that the tail starts
    /// after, so that a reader who is cut off before the first event resumes exactly, too.
    fn opening_frame(&mut self) -> Bytes {
        let mut frame = format!("retry:{RETRY_MS}\n");
        if self.ids == FrameIds::Positions {
            self.known_position = self.follower.scanned_to().get();
            // Writing to a String cannot fail.
            let _ = writeln!(frame, "id:{}", self.known_position);
        }
        frame.push('\n');
        match self.first_frame.take() {
            Some(first) => Bytes::from([first.as_ref(), frame.as_bytes()].concat()),
            None => Bytes::from(frame),
        }
    }

    /// A comment, or the position that was looked at so far when it is news.
    fn sign_of_life(&mut self) -> Bytes {
        self.rest_heartbeat();
        let scanned_to = self.follower.scanned_to().get();
        if self.ids == FrameIds::Positions && scanned_to > self.known_position {
            self.known_position = scanned_to;
            return Bytes::from(format!("id:{scanned_to}\n\n"));
        }
        Bytes::from_static(b":\n\n")
    }

    fn rest_heartbeat(&mut self) {
        let next = Instant::now() + self.app.timings.heartbeat;
        self.heartbeat.as_mut().reset(next);
    }
}

fn lagged_frame(resume_after: u64) -> Bytes {
    Bytes::from(format!(
        "id:{resume_after}\nevent:{LAGGED_FRAME}\ndata:{{\"resume_after\":{resume_after},\
         \"reason_code\":\"lagged\",\"detail\":\"the reader fell too far behind; \
         resume after this id\"}}\n\n"
    ))
}

fn until_expiry(app: &App, principal: &Principal) -> Duration {
    let Some(end) = principal.expires_at else { return EXPIRY_WAIT_MAX };
    let micros = end.as_micros().saturating_sub(app.now().as_micros());
    Duration::from_micros(u64::try_from(micros).unwrap_or(0)).min(EXPIRY_WAIT_MAX)
}
