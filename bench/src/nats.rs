//! Owns the JetStream side: one server, one stream in files, and acknowledged publishes over the plain
//! text protocol.
//!
//! With `sync_interval: always` JetStream syncs every message before it acknowledges it. By default it
//! acknowledges first and syncs every two minutes: that side is shown because people run it so, and
//! counts neither for a total nor for an aim.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::load::Exchange;
use crate::peers;
use crate::process::{Server, free_port, wait_for_port};
use crate::sample::{self, Slots};

/// When JetStream syncs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sync {
    Always,
    Default,
}

impl Sync {
    /// The line of the configuration file.
    fn setting(self) -> &'static str {
        match self {
            Self::Always => "sync_interval: always",
            Self::Default => "",
        }
    }

    /// What the report says of it.
    pub fn told_as(self) -> &'static str {
        match self {
            Self::Always => "sync_interval: always, an fsync before every acknowledgement",
            Self::Default => {
                "sync_interval as it comes (2 minutes): acknowledged BEFORE it is synced, so this side does less than the others"
            }
        }
    }
}

const STREAM: &str = r#"{"name":"BENCH","subjects":["bench.>"],"storage":"file","num_replicas":1}"#;
/// No line that the server sends unasked is longer.
const LINE_BYTES_MAX: usize = 4096;

/// Starts the server on a free port with an empty directory and creates the stream.
pub fn start(directory: &Path, sync: Sync) -> Result<(Server, SocketAddr)> {
    let program = peers::find(peers::NATS).context("nats-server is not installed")?;
    let port = free_port()?;
    let config = directory.join("nats.conf");
    let text = format!(
        "listen: \"127.0.0.1:{port}\"\nping_interval: \"30m\"\njetstream {{\n  store_dir: \"{}\"\n  {}\n}}\n",
        directory.join("jetstream").display(),
        sync.setting()
    );
    std::fs::write(&config, text)?;
    let mut command = Command::new(program);
    command.arg("-c").arg(&config);
    let server = Server::spawn("nats", command)?;
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    wait_for_port(address)?;
    create_stream(address)?;
    Ok((server, address))
}

fn create_stream(address: SocketAddr) -> Result<()> {
    let mut socket = TcpStream::connect(address)?;
    socket.set_read_timeout(Some(Duration::from_secs(30)))?;
    socket.write_all(&opening("_INBOX.create"))?;
    write!(
        socket,
        "PUB $JS.API.STREAM.CREATE.BENCH _INBOX.create {}\r\n{STREAM}\r\n",
        STREAM.len()
    )?;
    let mut input = Vec::new();
    let mut part = [0; 4096];
    loop {
        let count = socket.read(&mut part)?;
        input.extend_from_slice(&part[..count]);
        let text = String::from_utf8_lossy(&input);
        if text.contains("\"did_create\":true") {
            return Ok(());
        }
        if count == 0 || text.contains("\"error\"") || text.contains("-ERR") {
            bail!("JetStream did not create the stream: {text}");
        }
    }
}

fn opening(inbox: &str) -> Vec<u8> {
    format!("CONNECT {{\"verbose\":false,\"pedantic\":false}}\r\nSUB {inbox} 1\r\nPING\r\n")
        .into_bytes()
}

/// One connection that keeps a fixed number of publishes unacknowledged.
#[derive(Debug)]
pub struct JetStreamPublish {
    request: Vec<u8>,
    slots: Slots,
    publishes: u64,
    next_number: u64,
    inbox: String,
}

impl JetStreamPublish {
    pub fn new(publishes: u64, lane: u64) -> Self {
        let event = sample::event();
        let inbox = format!("_INBOX.lane{lane}");
        let one = format!("PUB bench.run-0000 {inbox} {}\r\n{event}\r\n", event.len());
        let request = one.repeat(publishes as usize).into_bytes();
        let slots = Slots::find(&request);
        Self { request, slots, publishes, next_number: lane * sample::LANE_NUMBERS, inbox }
    }
}

impl Exchange for JetStreamPublish {
    fn opening(&self) -> Vec<u8> {
        opening(&self.inbox)
    }

    fn opened(&self, input: &[u8]) -> Result<bool> {
        Ok(input.ends_with(b"PONG\r\n"))
    }

    fn request(&mut self) -> &[u8] {
        self.slots.fill(&mut self.request, self.next_number, 1);
        self.next_number += self.publishes;
        &self.request
    }

    fn answer(&self, input: &[u8]) -> Result<Option<usize>> {
        let (mut at, mut acknowledged) = (0, 0);
        while acknowledged < self.publishes {
            match message(&input[at..])? {
                Some(Message::Acknowledgement(length)) => {
                    acknowledged += 1;
                    at += length;
                }
                Some(Message::Unasked(length)) => at += length,
                None => return Ok(None),
            }
        }
        Ok(Some(at))
    }
}

/// What the server sent, with its length.
#[derive(Debug, PartialEq, Eq)]
enum Message {
    Acknowledgement(usize),
    /// INFO, or a PING that the long interval leaves without consequence.
    Unasked(usize),
}

fn message(input: &[u8]) -> Result<Option<Message>> {
    let Some(line_end) = input.iter().take(LINE_BYTES_MAX).position(|byte| *byte == b'\n') else {
        return Ok(None);
    };
    let line = std::str::from_utf8(&input[..line_end])?.trim_end();
    if line.starts_with("PING") || line.starts_with("INFO") {
        return Ok(Some(Message::Unasked(line_end + 1)));
    }
    let Some(length) = line.strip_prefix("MSG ").and_then(|rest| rest.rsplit(' ').next()) else {
        bail!("JetStream answered {line}");
    };
    let total = line_end + 1 + length.parse::<usize>()? + 2;
    let Some(whole) = input.get(line_end + 1..total) else {
        return Ok(None);
    };
    // {"stream":"BENCH","seq":19}
    if !whole.starts_with(b"{\"stream\":\"BENCH\"") {
        bail!("JetStream answered {}", String::from_utf8_lossy(whole));
    }
    Ok(Some(Message::Acknowledgement(total)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_complete_with_its_last_acknowledgement() {
        let exchange = JetStreamPublish::new(2, 0);
        let one = b"MSG _INBOX.lane0 1 27\r\n{\"stream\":\"BENCH\",\"seq\":19}\r\n";
        let mut input = one.to_vec();
        assert_eq!(exchange.answer(&input).expect("an acknowledgement"), None);
        input.extend_from_slice(b"PING\r\n");
        input.extend_from_slice(one);
        assert_eq!(exchange.answer(&input).expect("two of them"), Some(input.len()));
    }

    #[test]
    fn a_refusal_is_not_counted() {
        let exchange = JetStreamPublish::new(1, 0);
        let refused = b"MSG _INBOX.lane0 1 21\r\n{\"error\":{\"code\":503}}\r\n";
        assert!(exchange.answer(&refused[..]).is_err());
    }
}
