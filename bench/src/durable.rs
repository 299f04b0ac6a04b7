//! Owns the durable-streams side: the Rust server of that name with its write-ahead log, and streams of
//! JSON messages over HTTP.
//!
//! In this mode an append is answered after an `fdatasync` of the server's log; several appends share
//! one. It keeps the bytes of each stream in a file of its own, neither chains nor indexes them, and
//! knows no identity of a single message.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::peers;
use crate::process::{Server, free_port, wait_for_port};
use crate::sample::STREAM_COUNT;

/// The settings that the report prints.
pub const SETTINGS: &str = "--durability wal (its default: group commit, fdatasync before the answer), one log for each core; JSON mode";

/// Starts the server on a free port with an empty directory and creates the streams.
pub fn start(directory: &Path) -> Result<(Server, SocketAddr)> {
    let program =
        peers::find(peers::DURABLE_STREAMS).context("durable-streams is not installed")?;
    let port = free_port()?;
    let mut command = Command::new(program);
    command.args(["--host", "127.0.0.1", "--port", &port.to_string(), "--durability", "wal"]);
    command.arg("--data-dir").arg(directory.join("durable-streams"));
    let server = Server::spawn("durable-streams", command)?;
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    wait_for_port(address)?;
    for run in 0..STREAM_COUNT {
        create(address, run)?;
    }
    Ok((server, address))
}

fn create(address: SocketAddr, run: u64) -> Result<()> {
    let mut socket = TcpStream::connect(address)?;
    write!(
        socket,
        "PUT /run-{run:04} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    )?;
    let mut head = [0; 12];
    socket.read_exact(&mut head)?;
    if &head != b"HTTP/1.1 201" {
        bail!("durable-streams did not create a stream: {}", String::from_utf8_lossy(&head));
    }
    Ok(())
}
