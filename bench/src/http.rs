//! Owns the hand-made HTTP/1.1 client: a request rendered once and patched, an answer found by its
//! Content-Length. It knows no other HTTP and no redirects.

use std::io::{Read, Write};
use std::net::SocketAddr;

use anyhow::{Context, Result, bail};

use crate::load::Exchange;
use crate::sample::{self, Slots};

/// One keep-alive connection that appends events.
#[derive(Debug)]
pub struct HttpAppend {
    request: Vec<u8>,
    slots: Slots,
    events_per_request: u64,
    next_number: u64,
    expected_status: &'static str,
    /// Whether the answer says how many events were accepted.
    counts_accepted: bool,
}

impl HttpAppend {
    /// `lane` keeps the ids of parallel connections and of repeated runs apart.
    pub fn new(path: &str, token: &str, events_per_request: u64, lane: u64) -> Self {
        let event = sample::event();
        let body = if events_per_request == 1 {
            event
        } else {
            format!("[{}]", vec![event.as_str(); events_per_request as usize].join(","))
        };
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
        .into_bytes();
        let slots = Slots::find(&request);
        Self {
            slots,
            request,
            events_per_request,
            next_number: lane * sample::LANE_NUMBERS,
            expected_status: if events_per_request == 1 { "201" } else { "200" },
            counts_accepted: events_per_request > 1,
        }
    }

    /// Appends to the streams of a durable-streams server, one for each run.
    pub fn durable_streams(events_per_request: u64, lane: u64) -> Self {
        let append = Self::new("/run-0000", "-", events_per_request, lane);
        Self { expected_status: "204", counts_accepted: false, ..append }
    }
}

impl Exchange for HttpAppend {
    fn request(&mut self) -> &[u8] {
        self.slots.fill(&mut self.request, self.next_number, 1);
        self.next_number += self.events_per_request;
        &self.request
    }

    fn answer(&self, input: &[u8]) -> Result<Option<usize>> {
        let Some(head_length) = head_length(input) else {
            return Ok(None);
        };
        let head = std::str::from_utf8(&input[..head_length])?;
        let total = head_length + content_length(head)?;
        if input.len() < total {
            return Ok(None);
        }
        let body = &input[head_length..total];
        if head.get(9..12) != Some(self.expected_status) || !self.all_accepted(body) {
            bail!(
                "unexpected answer: {head}{}",
                String::from_utf8_lossy(&body[..body.len().min(600)])
            );
        }
        Ok(Some(total))
    }
}

impl HttpAppend {
    /// A batch answers 200 even when an event was refused, so the count is looked at.
    fn all_accepted(&self, body: &[u8]) -> bool {
        if !self.counts_accepted {
            return true;
        }
        let wanted = format!("\"accepted\":{},", self.events_per_request);
        body.windows(wanted.len()).take(256).any(|window| window == wanted.as_bytes())
    }
}

/// Bytes of an answer up to its body, once they are there.
pub fn head_length(input: &[u8]) -> Option<usize> {
    input.windows(4).take(4096).position(|window| window == b"\r\n\r\n").map(|at| at + 4)
}

/// Bytes of an answer's body.
pub fn content_length(head: &str) -> Result<usize> {
    // No Content: there is nothing to come, and often no length either.
    if head.get(9..12) == Some("204") {
        return Ok(0);
    }
    let line = head
        .split("\r\n")
        .find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then_some(value)
        })
        .with_context(|| format!("an answer without Content-Length: {head}"))?;
    Ok(line.trim().parse()?)
}

/// One blocking GET for figures about a server; not part of any measured load.
pub fn get(address: SocketAddr, path: &str, token: &str) -> Result<String> {
    ask(address, &format!("GET {path}"), token, "")
}

/// One blocking POST of JSON; not part of any measured load.
pub fn post(address: SocketAddr, path: &str, token: &str, body: &str) -> Result<String> {
    ask(address, &format!("POST {path}"), token, body)
}

/// The status of one blocking POST; not part of any measured load.
pub fn status_of(
    address: SocketAddr,
    path: &str,
    token: &str,
    media_type: &str,
    body: &str,
) -> Result<u16> {
    let mut socket = std::net::TcpStream::connect(address)?;
    write!(
        socket,
        "POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {token}\r\ncontent-type: {media_type}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )?;
    let mut answer = String::new();
    socket.read_to_string(&mut answer)?;
    let status = answer.get(9..12).context("half an answer")?;
    Ok(status.parse()?)
}

fn ask(address: SocketAddr, what: &str, token: &str, body: &str) -> Result<String> {
    let mut socket = std::net::TcpStream::connect(address)?;
    write!(
        socket,
        "{what} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )?;
    let mut answer = String::new();
    socket.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").context("half an answer")?;
    if !head.contains(" 200 ") && !head.contains(" 201 ") {
        bail!("{what}: {head}");
    }
    Ok(body.to_owned())
}

/// The number that follows `key` in a JSON text.
pub fn number_after(text: &str, key: &str) -> Option<u64> {
    let rest = text.split_once(key)?.1.trim_start();
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

/// The text that follows `key` in a JSON text; it may hold no escapes.
pub fn text_after<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let rest = text.split_once(key)?.1.trim_start().strip_prefix('"')?;
    Some(rest.split_once('"')?.0)
}
