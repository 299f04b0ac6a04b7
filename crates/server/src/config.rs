//! What a server is told before it starts, and the times it works with.
//!
//! Sizes and counts are in `annals_core::limits`; they are promises of the API and no settings.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use annals_core::limits::{HEADER_WAIT_SECONDS_MAX, IDLE_SECONDS_MAX, TAIL_HEARTBEAT_SECONDS};

use crate::witness::Witness;

/// Where and for whom the server answers.
#[derive(Debug, Clone)]
pub struct ServerConfig {
    /// The address to listen on; port 0 picks one.
    pub listen: SocketAddr,
    /// Further addresses, for OTLP alone: each takes it over gRPC and over HTTP. Port 0 picks one.
    pub otlp: Vec<SocketAddr>,
    /// Host names, besides the loopback ones and the listen address, that requests may name.
    pub allowed_hosts: Vec<String>,
    /// Who is asked to cosign checkpoints.
    pub witnesses: Vec<Witness>,
    /// How long things may take.
    pub timings: Timings,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 7171)),
            otlp: Vec::new(),
            allowed_hosts: Vec::new(),
            witnesses: Vec::new(),
            timings: Timings::default(),
        }
    }
}

/// How long things may take.
#[derive(Debug, Clone)]
pub struct Timings {
    /// For a request's head to arrive.
    pub header_wait: Duration,
    /// For a kept-alive connection to stay silent.
    pub idle: Duration,
    /// For a client that reads nothing of an answer that is ready.
    pub write_stall: Duration,
    /// The stretch over which a body's speed is measured.
    pub body_window: Duration,
    /// Between two signs of life on a live tail.
    pub heartbeat: Duration,
    /// For requests under way when the server stops.
    pub drain: Duration,
    /// For the views to reach a reader's `min_position`.
    pub view_wait: Duration,
    /// Between two submissions to one witness.
    pub witness_rest: Duration,
    /// After this long a witness is asked again for what it has cosigned already.
    pub witness_renew: Duration,
}

impl Default for Timings {
    fn default() -> Self {
        Self {
            header_wait: Duration::from_secs(HEADER_WAIT_SECONDS_MAX),
            idle: Duration::from_secs(IDLE_SECONDS_MAX),
            write_stall: Duration::from_secs(30),
            body_window: Duration::from_secs(5),
            heartbeat: Duration::from_secs(TAIL_HEARTBEAT_SECONDS),
            drain: Duration::from_secs(10),
            view_wait: Duration::from_secs(5),
            witness_rest: Duration::from_secs(10),
            witness_renew: Duration::from_secs(3_600),
        }
    }
}
