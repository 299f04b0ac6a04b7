//! The server: bound to an address, run until told to stop.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use annals_api::wire::LoginCode;
use annals_recorder::Recorder;
use futures_util::future::join_all;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};

use crate::accept;
use crate::app::{App, AppParts};
use crate::config::ServerConfig;
use crate::http::v1::session::login_code;
use crate::router::{Front, OtlpFront, otlp_router};
use crate::witness::Pace;

/// How often the log's head is looked at for the rate of events.
const RATE_SAMPLE_EVERY: Duration = Duration::from_secs(1);

/// The address cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {source}")]
pub struct BindError {
    address: SocketAddr,
    source: io::Error,
}

/// Why a server stopped by itself.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The log failed. What waited was answered; the process must exit and recover on its next
    /// start.
    #[error("the log failed; stop the process and start it again")]
    LogFailed,
}

/// A server that is bound to an address and answers once it runs.
#[derive(Debug)]
pub struct Server {
    app: App,
    listener: TcpListener,
    local_address: SocketAddr,
    otlp: Vec<OtlpListener>,
    connections: Arc<Semaphore>,
    closing: watch::Sender<bool>,
}

/// An address that is for OTLP alone.
#[derive(Debug)]
struct OtlpListener {
    listener: TcpListener,
    local_address: SocketAddr,
}

impl Server {
    /// Binds to the configured address. Must be called on a Tokio runtime.
    ///
    /// # Errors
    /// When the address is in use or not this machine's.
    pub fn bind(config: ServerConfig, recorder: Recorder) -> Result<Self, BindError> {
        let (listener, local_address) = bind(config.listen)?;
        let mut otlp = Vec::with_capacity(config.otlp.len());
        for address in &config.otlp {
            let (listener, local_address) = bind(*address)?;
            otlp.push(OtlpListener { listener, local_address });
        }
        let connections = accept::connection_permits();
        let (closing, is_closing) = watch::channel(false);
        let parts = AppParts {
            recorder,
            config,
            connections: Arc::clone(&connections),
            closing: is_closing,
        };
        Ok(Self { app: App::new(parts), listener, local_address, otlp, connections, closing })
    }

    /// The address that the server is bound to.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.local_address
    }

    /// The addresses that are for OTLP alone, in the configured order.
    #[must_use]
    pub fn otlp_addrs(&self) -> Vec<SocketAddr> {
        self.otlp.iter().map(|otlp| otlp.local_address).collect()
    }

    /// Makes a link that opens the dashboard logged in, once and within a minute.
    #[must_use]
    pub fn login_link(&self) -> LoginCode {
        self.login_links().make()
    }

    /// Something that makes login links while the server runs.
    #[must_use]
    pub fn login_links(&self) -> LoginLinks {
        LoginLinks { app: self.app.clone(), host: browsable(self.local_address).to_string() }
    }

    /// Answers requests until `shutdown` resolves, then drains: tails end after whole frames,
    /// requests under way are answered. The recorder stays open; closing it is the caller's.
    ///
    /// # Errors
    /// When the log failed.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> Result<(), ServeError> {
        let Self { app, listener, otlp, connections, closing, .. } = self;
        let sampling = tokio::spawn(sample_rate(app.clone()));
        let pace = Pace { rest: app.timings.witness_rest, renew: app.timings.witness_renew };
        let witnessing = app.witnesses.follow(app.recorder.trust(), pace);
        let stop = async {
            tokio::select! {
                () = shutdown => {}
                () = app.recorder.failed() => {}
            }
            closing.send_replace(true);
        };
        let router = otlp_router(&app);
        let otlp = otlp.into_iter().map(|OtlpListener { listener, .. }| {
            let front = OtlpFront(router.clone());
            let stopped = closed(app.closing.clone());
            accept::serve(listener, front, app.timings.clone(), Arc::clone(&connections), stopped)
        });
        let connections = Arc::clone(&connections);
        let main =
            accept::serve(listener, Front::new(&app), app.timings.clone(), connections, stop);
        tokio::join!(main, join_all(otlp));
        sampling.abort();
        drop(witnessing);
        if app.recorder.is_failed() { Err(ServeError::LogFailed) } else { Ok(()) }
    }
}

fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), BindError> {
    let failed = |source| BindError { address, source };
    let listener = accept::listen(address).map_err(failed)?;
    let local_address = listener.local_addr().map_err(failed)?;
    Ok((listener, local_address))
}

/// Resolves when the server stops.
async fn closed(mut closing: watch::Receiver<bool>) {
    // An error says that the server is gone.
    let _ = closing.wait_for(|is_closing| *is_closing).await;
}

/// Makes login links while the server runs.
#[derive(Debug, Clone)]
pub struct LoginLinks {
    app: App,
    host: String,
}

impl LoginLinks {
    /// Makes a link that opens the dashboard logged in, once and within a minute.
    #[must_use]
    pub fn make(&self) -> LoginCode {
        login_code(&self.app, &self.host)
    }
}

/// An address that a browser on this machine can open: the unspecified one is no host.
fn browsable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

async fn sample_rate(app: App) {
    let mut ticks = tokio::time::interval(RATE_SAMPLE_EVERY);
    loop {
        ticks.tick().await;
        app.metrics.rate.sample(Instant::now(), app.recorder.head().position.get());
    }
}
