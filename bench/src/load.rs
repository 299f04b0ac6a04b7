//! Owns the load: one closed-loop client that drives every contestant through the same code.
//!
//! A connection keeps exactly one request in flight (a request may carry many events) and sends the
//! next when the answer is complete. The client runs on one thread, so that what it costs is the same
//! on every side and easy to see in the report. It does not start or stop servers.

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::LocalSet;

/// What one connection says and how it knows that the answer is complete.
pub trait Exchange {
    /// Bytes that open the session before anything is measured; empty when there is nothing to open.
    fn opening(&self) -> Vec<u8> {
        Vec::new()
    }

    /// Whether `input` holds the whole answer to [`Exchange::opening`].
    fn opened(&self, _input: &[u8]) -> Result<bool> {
        Ok(true)
    }

    /// The next request. It is borrowed, because the exchange patches one buffer in place.
    fn request(&mut self) -> &[u8];

    /// How many bytes of `input` are the whole answer, or `None` while more must come.
    /// An answer that is anything but success is an error: a benchmark counts no refusals.
    fn answer(&self, input: &[u8]) -> Result<Option<usize>>;
}

/// What a run of the load measured.
#[derive(Debug, Clone)]
pub struct Load {
    pub elapsed: Duration,
    pub event_count: u64,
    pub latencies_us: Vec<u32>,
}

impl Load {
    pub fn events_per_s(&self) -> f64 {
        self.event_count as f64 / self.elapsed.as_secs_f64()
    }

    /// The latency that `per_mille` of the requests did not exceed, in microseconds.
    pub fn latency_us(&self, per_mille: usize) -> u32 {
        let mut sorted = self.latencies_us.clone();
        sorted.sort_unstable();
        let last = sorted.len().saturating_sub(1);
        sorted.get(last * per_mille / 1000).copied().unwrap_or(0)
    }
}

/// Sends `request_count` requests over the given connections and waits for every answer.
pub fn drive<E: Exchange + 'static>(
    address: SocketAddr,
    exchanges: Vec<E>,
    request_count: u64,
    events_per_request: u64,
) -> Result<Load> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, async {
        let mut connections = Vec::with_capacity(exchanges.len());
        for exchange in exchanges {
            connections.push(Connection::open(address, exchange).await?);
        }
        let left = Rc::new(Cell::new(request_count));
        let start = Instant::now();
        let tasks: Vec<_> = connections
            .into_iter()
            .map(|connection| tokio::task::spawn_local(connection.run(Rc::clone(&left))))
            .collect();
        let mut latencies_us = Vec::new();
        for task in tasks {
            latencies_us.extend(task.await??);
        }
        let elapsed = start.elapsed();
        Ok(Load { elapsed, event_count: request_count * events_per_request, latencies_us })
    })
}

struct Connection<E> {
    socket: TcpStream,
    input: Vec<u8>,
    exchange: E,
}

impl<E: Exchange> Connection<E> {
    async fn open(address: SocketAddr, exchange: E) -> Result<Self> {
        let socket = TcpStream::connect(address).await.context("connecting")?;
        socket.set_nodelay(true)?;
        let mut connection = Self { socket, input: Vec::with_capacity(128 * 1024), exchange };
        let opening = connection.exchange.opening();
        if !opening.is_empty() {
            connection.socket.write_all(&opening).await?;
            while !connection.exchange.opened(&connection.input)? {
                connection.receive().await?;
            }
            connection.input.clear();
        }
        Ok(connection)
    }

    /// INVARIANT (same total): every contestant gets exactly `request_count` requests, because the
    /// connections draw from one counter.
    async fn run(mut self, left: Rc<Cell<u64>>) -> Result<Vec<u32>> {
        let mut latencies_us = Vec::new();
        while let Some(rest) = left.get().checked_sub(1) {
            left.set(rest);
            let sent = Instant::now();
            self.socket.write_all(self.exchange.request()).await?;
            loop {
                if let Some(length) = self.exchange.answer(&self.input)? {
                    self.input.drain(..length);
                    break;
                }
                self.receive().await?;
            }
            latencies_us.push(u32::try_from(sent.elapsed().as_micros()).unwrap_or(u32::MAX));
        }
        Ok(latencies_us)
    }

    async fn receive(&mut self) -> Result<()> {
        if self.socket.read_buf(&mut self.input).await? == 0 {
            bail!(
                "the server closed the connection after {:?}",
                String::from_utf8_lossy(&self.input)
            );
        }
        Ok(())
    }
}
