//! One connection's socket with its patience: how long it waits for heads, between requests and
//! for a client that does not read.
//!
//! Bodies have their own pace in `body`. What is said on the connection is hyper's matter.

use std::future::Future as _;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use futures_util::task::AtomicWaker;
use hyper::body::{Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};

use crate::config::Timings;

/// What the socket must know of the requests on its connection.
#[derive(Debug, Default)]
pub(crate) struct Activity {
    request_count: AtomicUsize,
    /// Counts up at every beginning and end of a request.
    changes: AtomicU64,
    /// The connection, which must look at its socket again when the last request has ended: only
    /// then the idle time begins.
    connection: AtomicWaker,
}

impl Activity {
    /// A request is under way until the guard is dropped.
    pub(crate) fn begin(self: &Arc<Self>) -> BusyGuard {
        self.request_count.fetch_add(1, Ordering::Relaxed);
        self.changes.fetch_add(1, Ordering::Relaxed);
        BusyGuard(Arc::clone(self))
    }

    fn is_busy(&self) -> bool {
        self.request_count.load(Ordering::Acquire) > 0
    }
}

/// Marks a request as under way.
#[derive(Debug)]
pub(crate) struct BusyGuard(Arc<Activity>);

impl Drop for BusyGuard {
    fn drop(&mut self) {
        self.0.changes.fetch_add(1, Ordering::Relaxed);
        if self.0.request_count.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.connection.wake();
        }
    }
}

/// A response body that keeps its request under way until it is sent or given up.
#[derive(Debug)]
pub(crate) struct GuardedBody {
    body: Body,
    _busy: BusyGuard,
}

impl GuardedBody {
    pub(crate) fn new(body: Body, busy: BusyGuard) -> Self {
        Self { body, _busy: busy }
    }
}

impl HttpBody for GuardedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A socket that gives up on silent and on stalled clients.
#[derive(Debug)]
pub(crate) struct PatientSocket {
    socket: TcpStream,
    activity: Arc<Activity>,
    reading: Patience,
    writing: Patience,
    header_wait: Duration,
    idle: Duration,
    write_stall: Duration,
    seen_changes: u64,
    is_in_head: bool,
}

impl PatientSocket {
    pub(crate) fn new(socket: TcpStream, activity: Arc<Activity>, timings: &Timings) -> Self {
        let mut reading = Patience::default();
        // The first head is owed from the start; a client that connects and is silent is cut off.
        reading.set(timings.header_wait);
        Self {
            socket,
            activity,
            reading,
            writing: Patience::default(),
            header_wait: timings.header_wait,
            idle: timings.idle,
            write_stall: timings.write_stall,
            seen_changes: 0,
            is_in_head: true,
        }
    }

    /// Starts the idle time anew when a request has begun or ended since the last look.
    fn notice_changes(&mut self) {
        let changes = self.activity.changes.load(Ordering::Relaxed);
        if changes != self.seen_changes {
            self.seen_changes = changes;
            self.is_in_head = false;
            self.reading.set(self.idle);
        }
    }

    fn poll_silence(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Registered before the look, so that an end in between is not missed.
        self.activity.connection.register(context.waker());
        self.notice_changes();
        if self.activity.is_busy() {
            return Poll::Pending;
        }
        self.reading.poll(context)
    }

    fn notice_bytes(&mut self) {
        self.notice_changes();
        if !self.activity.is_busy() && !self.is_in_head {
            self.is_in_head = true;
            self.reading.set(self.header_wait);
        }
    }

    fn watch_write(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            self.writing.clear();
            return written;
        }
        self.writing.set_unless_set(self.write_stall);
        match self.writing.poll(context) {
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Ready(Ok(())) | Poll::Pending => Poll::Pending,
        }
    }
}

impl AsyncRead for PatientSocket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        match Pin::new(&mut self.socket).poll_read(context, buffer) {
            Poll::Pending => self.poll_silence(context),
            ready => {
                if buffer.filled().len() > before {
                    self.notice_bytes();
                }
                ready
            }
        }
    }
}

impl AsyncWrite for PatientSocket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.socket).poll_write(context, bytes);
        self.watch_write(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.socket).poll_write_vectored(context, slices);
        self.watch_write(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(context)
    }
}

/// A deadline that may be absent. Its timer is made when it is first waited for.
#[derive(Debug, Default)]
struct Patience {
    deadline: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Patience {
    fn set(&mut self, patience: Duration) {
        self.deadline = Some(Instant::now() + patience);
    }

    fn set_unless_set(&mut self, patience: Duration) {
        if self.deadline.is_none() {
            self.set(patience);
        }
    }

    fn clear(&mut self) {
        self.deadline = None;
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(deadline) = self.deadline else { return Poll::Pending };
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
        if timer.deadline() != deadline {
            timer.as_mut().reset(deadline);
        }
        match timer.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}
