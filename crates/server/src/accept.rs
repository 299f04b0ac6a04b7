//! The accept loop: connections in, bounded in number, drained at the end.
//!
//! One task per connection. What is answered is the router's matter.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use annals_core::limits::CONNECTION_COUNT_MAX;
use axum::body::Body;
use axum::http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Semaphore;

use crate::config::Timings;
use crate::connection::{Activity, GuardedBody, PatientSocket};

/// Bytes that hyper buffers for each direction of a connection.
const BUFFER_BYTES: usize = 64 << 10;
/// Bytes that the kernel buffers for a client that does not read.
const SEND_BUFFER_BYTES: u32 = 256 << 10;
/// Streams of one HTTP/2 connection.
const H2_STREAM_COUNT_MAX: u32 = 256;
/// Bytes that an HTTP/2 client may send unread.
const H2_WINDOW_BYTES: u32 = 512 << 10;
/// Connections that wait to be accepted.
const BACKLOG: u32 = 1_024;
/// How long accepting rests after the system had no file handle left.
const ACCEPT_REST: Duration = Duration::from_millis(50);

const TOO_MANY_CONNECTIONS: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\n\
    content-length: 0\r\nretry-after: 1\r\nconnection: close\r\n\r\n";

/// The address that a request's connection came in by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LocalIp(pub(crate) IpAddr);

/// Opens the listening socket.
pub(crate) fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // Without this a restart would have to wait for the last connections' time-outs.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.set_send_buffer_size(SEND_BUFFER_BYTES)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// What answers requests.
pub(crate) trait Answerer: Clone + Send + Sync + 'static {
    /// Answers one request of a connection that came in by an address of this machine.
    fn answer(
        self,
        request: Request<Body>,
        local_ip: LocalIp,
    ) -> impl Future<Output = Response<Body>> + Send;
}

/// Serves connections until `stop` resolves, then lets those that are open end.
pub(crate) async fn serve(
    listener: TcpListener,
    answerer: impl Answerer,
    timings: Timings,
    open: Arc<Semaphore>,
    stop: impl Future<Output = ()>,
) {
    let acceptor = Acceptor { answerer, builder: builder(), timings, open };
    let graceful = GracefulShutdown::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => match accepted {
                Ok((socket, _)) => acceptor.take(socket, &graceful),
                Err(error) => rest_after(&error).await,
            },
        }
    }
    drop(listener);
    let drained = tokio::time::timeout(acceptor.timings.drain, graceful.shutdown()).await;
    if drained.is_err() {
        tracing::warn!("connections were cut because they did not end in time");
    }
}

/// The permits for open connections.
pub(crate) fn connection_permits() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(CONNECTION_COUNT_MAX))
}

async fn rest_after(error: &io::Error) {
    let is_the_clients = matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
    );
    if !is_the_clients {
        tracing::warn!(%error, "a connection could not be accepted");
        tokio::time::sleep(ACCEPT_REST).await;
    }
}

fn builder() -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        // The socket has its own patience, which tells heads from idle times.
        .header_read_timeout(None)
        .max_buf_size(BUFFER_BYTES);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(H2_STREAM_COUNT_MAX)
        .initial_stream_window_size(H2_WINDOW_BYTES)
        .initial_connection_window_size(H2_WINDOW_BYTES)
        .max_send_buf_size(BUFFER_BYTES);
    builder
}

struct Acceptor<A> {
    answerer: A,
    builder: auto::Builder<TokioExecutor>,
    timings: Timings,
    open: Arc<Semaphore>,
}

impl<A: Answerer> Acceptor<A> {
    fn take(&self, socket: TcpStream, graceful: &GracefulShutdown) {
        let Ok(permit) = Arc::clone(&self.open).try_acquire_owned() else {
            // A fresh socket has room for so few bytes; if not, closing it says the same.
            let _ = socket.try_write(TOO_MANY_CONNECTIONS);
            return;
        };
        // Answers are written whole, so there is nothing to wait for; refusing is harmless.
        let _ = socket.set_nodelay(true);
        let Ok(local) = socket.local_addr() else { return };
        let activity = Arc::new(Activity::default());
        let io = TokioIo::new(PatientSocket::new(socket, Arc::clone(&activity), &self.timings));
        let service = service_fn(answers(
            self.answerer.clone(),
            activity,
            LocalIp(local.ip().to_canonical()),
        ));
        let connection = self.builder.serve_connection(io, service).into_owned();
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended early");
            }
            drop(permit);
        });
    }
}

/// Answers the requests of one connection.
fn answers(
    answerer: impl Answerer,
    activity: Arc<Activity>,
    local_ip: LocalIp,
) -> impl Fn(Request<Incoming>) -> Answering {
    move |request| {
        let busy = activity.begin();
        let request = request.map(Body::new);
        let answerer = answerer.clone();
        Box::pin(async move {
            let response = answerer.answer(request, local_ip).await;
            Ok(response.map(|body| GuardedBody::new(body, busy)))
        })
    }
}

type Answering = std::pin::Pin<
    Box<dyn Future<Output = Result<Response<GuardedBody>, std::convert::Infallible>> + Send>,
>;

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[derive(Clone)]
    struct Nothing;

    impl Answerer for Nothing {
        async fn answer(self, _: Request<Body>, _: LocalIp) -> Response<Body> {
            Response::builder().status(404).body(Body::empty()).unwrap()
        }
    }

    async fn answer(socket: &mut TcpStream) -> String {
        let mut bytes = Vec::new();
        socket.read_to_end(&mut bytes).await.unwrap();
        String::from_utf8(bytes).unwrap()
    }

    #[tokio::test]
    async fn a_connection_too_many_is_told_so_and_one_that_ends_makes_room() {
        let listener = listen(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let address = listener.local_addr().unwrap();
        let open = Arc::new(Semaphore::new(1));
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let stopped = async {
            let _ = stopped.await;
        };
        let serving =
            tokio::spawn(serve(listener, Nothing, Timings::default(), Arc::clone(&open), stopped));
        let mut first = TcpStream::connect(address).await.unwrap();
        let mut second = TcpStream::connect(address).await.unwrap();
        let refused = answer(&mut second).await;
        assert!(
            refused.starts_with("HTTP/1.1 503 ") && refused.contains("retry-after: 1"),
            "{refused}"
        );
        first.write_all(b"GET / HTTP/1.0\r\n\r\n").await.unwrap();
        assert!(answer(&mut first).await.starts_with("HTTP/1.0 404 "));
        drop(open.acquire().await.unwrap());
        let mut third = TcpStream::connect(address).await.unwrap();
        third.write_all(b"GET / HTTP/1.0\r\n\r\n").await.unwrap();
        assert!(answer(&mut third).await.starts_with("HTTP/1.0 404 "));
        stop.send(()).unwrap();
        serving.await.unwrap();
    }
}
