//! Owns the Redis side: the server with `appendfsync always`, and XADD over raw RESP.
//!
//! Redis keeps the events in memory and on its append-only file; it neither chains nor deduplicates.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

use crate::load::Exchange;
use crate::process::{Server, free_port, wait_for_port};
use crate::sample::{self, Slots};

/// The settings that the report prints.
pub const SETTINGS: &str =
    "appendonly yes, appendfsync always, save \"\", auto-aof-rewrite-percentage 0";

/// Starts Redis on a free port with an empty directory.
pub fn start(directory: &Path) -> Result<(Server, SocketAddr)> {
    let port = free_port()?;
    let mut command = Command::new("redis-server");
    command
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--dir"])
        .arg(directory)
        .args(["--appendonly", "yes", "--appendfsync", "always", "--save", ""])
        .args(["--auto-aof-rewrite-percentage", "0", "--daemonize", "no"]);
    let server = Server::spawn("redis", command)?;
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    wait_for_port(address)?;
    Ok((server, address))
}

/// One connection that sends a fixed number of XADDs at a time.
#[derive(Debug)]
pub struct RedisXadd {
    request: Vec<u8>,
    slots: Slots,
    pipeline: u64,
    next_number: u64,
}

impl RedisXadd {
    pub fn new(pipeline: u64, lane: u64) -> Self {
        let event = sample::event();
        let one = format!(
            "*5\r\n$4\r\nXADD\r\n$8\r\nrun-0000\r\n$1\r\n*\r\n$1\r\ne\r\n${}\r\n{event}\r\n",
            event.len()
        );
        let request = one.repeat(pipeline as usize).into_bytes();
        let slots = Slots::find(&request);
        Self { slots, request, pipeline, next_number: lane * sample::LANE_NUMBERS }
    }
}

impl Exchange for RedisXadd {
    fn request(&mut self) -> &[u8] {
        self.slots.fill(&mut self.request, self.next_number, 1);
        self.next_number += self.pipeline;
        &self.request
    }

    fn answer(&self, input: &[u8]) -> Result<Option<usize>> {
        let mut at = 0;
        for _ in 0..self.pipeline {
            match bulk_length(&input[at..])? {
                Some(length) => at += length,
                None => return Ok(None),
            }
        }
        Ok(Some(at))
    }
}

/// The length of one bulk string reply (`$15\r\n1690000000000-0\r\n`), if all of it is there.
fn bulk_length(input: &[u8]) -> Result<Option<usize>> {
    let Some(line_end) = input.iter().take(64).position(|byte| *byte == b'\n') else {
        return Ok(None);
    };
    if input[0] != b'$' {
        bail!("redis answered {}", String::from_utf8_lossy(&input[..line_end]));
    }
    let length: usize = std::str::from_utf8(&input[1..line_end])?.trim().parse()?;
    let total = line_end + 1 + length + 2;
    Ok((input.len() >= total).then_some(total))
}
