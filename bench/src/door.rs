//! Owns requests of foreign documents: rendered once, then only ids and runs are patched in place.

use annals_core::json::{members, unescape};
use annals_core::msgpack::from_json;
use anyhow::{Context, Result, bail};

use crate::annals::Annals;
use crate::http::{self, content_length, head_length};
use crate::load::Exchange;
use crate::sample::{LANE_NUMBERS, STREAM_COUNT};

/// An id: a UUID whose last twelve digits are patched.
const ID: &str = "01990000-0000-7000-8000-000000000000";
const ID_HEAD: &str = "01990000-0000-7000-8000-";
/// A run: another UUID, whose last four digits are patched.
const RUN: &str = "01980000-0000-7000-8000-000000000000";
const RUN_HEAD: &str = "01980000-0000-7000-8000-00000000";
/// What the documents that are tried alone are numbered with: a lane that no load has.
const TRIAL_LANE: u64 = 999;

/// How documents are written in a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    Json,
    MessagePack,
    CloudEvent,
    CloudEventsBatch,
}

impl Content {
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::MessagePack => "application/msgpack",
            Self::CloudEvent => "application/cloudevents+json",
            Self::CloudEventsBatch => "application/cloudevents-batch+json",
        }
    }
}

/// A document with places where its identity and its run were.
pub fn with_places(document: &str, ids: &[&str], adds_ids: bool, run: Option<&str>) -> String {
    let mut out = String::from("{");
    let mut placed = 0;
    for (key, value) in members(document) {
        let is_id = ids.contains(&unescape(key).as_ref()) && value != "null";
        placed += usize::from(is_id);
        push(&mut out, key, if is_id { quoted_id() } else { value.to_owned() }.as_str());
    }
    if adds_ids && placed == 0 {
        ids.iter().for_each(|key| push(&mut out, key, &quoted_id()));
    }
    out.push('}');
    match run {
        Some(run) => out.replace(run, RUN),
        None => out,
    }
}

fn push(out: &mut String, key: &str, value: &str) {
    let comma = if out.len() > 1 { "," } else { "" };
    out.push_str(&format!("{comma}\"{key}\":{value}"));
}

fn quoted_id() -> String {
    format!("\"{ID}\"")
}

/// Whether a door takes a document when it is sent alone.
pub fn is_taken(annals: &Annals, path: &str, content: Content, document: &str) -> Result<bool> {
    // Each fixture is tried once, so its own text tells it from the others.
    let number = document
        .bytes()
        .fold(7_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)) % LANE_NUMBERS);
    let mut body = document.as_bytes().to_vec();
    Places::find(&body).fill(&mut body, TRIAL_LANE * LANE_NUMBERS + number);
    let body = String::from_utf8(body)?;
    let status = http::status_of(annals.address, path, &annals.token, content.media_type(), &body)?;
    Ok(status / 100 == 2)
}

/// Where the changing parts are.
#[derive(Debug, Clone)]
struct Places {
    ids: Vec<usize>,
    runs: Vec<usize>,
}

impl Places {
    fn find(bytes: &[u8]) -> Self {
        let behind = |wanted: &str| {
            let finder = memchr::memmem::Finder::new(wanted);
            finder.find_iter(bytes).map(|at| at + wanted.len()).collect()
        };
        Self { ids: behind(ID_HEAD), runs: behind(RUN_HEAD) }
    }

    fn fill(&self, bytes: &mut [u8], first_number: u64) {
        for (number, at) in (first_number..).zip(&self.ids) {
            write_digits(&mut bytes[*at..at + 12], number);
        }
        let run = first_number / self.ids.len().max(1) as u64 % STREAM_COUNT;
        for at in &self.runs {
            write_digits(&mut bytes[*at..at + 4], run);
        }
    }
}

fn write_digits(place: &mut [u8], mut number: u64) {
    for digit in place.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

/// One keep-alive connection that appends foreign documents.
#[derive(Debug)]
pub struct DoorAppend {
    request: Vec<u8>,
    places: Places,
    next_number: u64,
    documents_per_request: u64,
}

impl DoorAppend {
    /// `lane` keeps the ids of connections and turns apart; it must stay below 999.
    pub fn new(
        path: &str,
        content: Content,
        token: &str,
        documents: &[String],
        documents_per_request: u64,
        lane: u64,
    ) -> Result<Self> {
        if lane >= TRIAL_LANE {
            bail!("there are ids for {TRIAL_LANE} lanes");
        }
        let count = usize::try_from(documents_per_request)?;
        // Connections begin at different documents, also those that send one at a time.
        let chosen = documents.iter().cycle().skip(usize::try_from(lane)?).take(count);
        let chosen: Vec<&str> = chosen.map(String::as_str).collect();
        let text = match content {
            Content::CloudEvent => chosen.first().context("there is a document")?.to_string(),
            _ => format!("[{}]", chosen.join(",")),
        };
        let body = match content {
            Content::MessagePack => from_json(&text),
            _ => text.into_bytes(),
        };
        let mut request = format!(
            "POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {token}\r\ncontent-type: {}\r\ncontent-length: {}\r\n\r\n",
            content.media_type(),
            body.len()
        )
        .into_bytes();
        request.extend(body);
        let places = Places::find(&request);
        let next_number = lane * LANE_NUMBERS;
        Ok(Self { request, places, next_number, documents_per_request })
    }

    fn is_success(&self, status: &str, body: &[u8]) -> bool {
        if self.documents_per_request == 1 {
            return status == "201";
        }
        let wanted = format!("\"accepted\":{},", self.documents_per_request);
        status == "200"
            && body.windows(wanted.len()).take(256).any(|window| window == wanted.as_bytes())
    }
}

impl Exchange for DoorAppend {
    fn request(&mut self) -> &[u8] {
        self.places.fill(&mut self.request, self.next_number);
        self.next_number += self.places.ids.len().max(1) as u64;
        &self.request
    }

    fn answer(&self, input: &[u8]) -> Result<Option<usize>> {
        let Some(head_length) = head_length(input) else { return Ok(None) };
        let head = std::str::from_utf8(&input[..head_length])?;
        let total = head_length + content_length(head)?;
        if input.len() < total {
            return Ok(None);
        }
        let body = &input[head_length..total];
        if !self.is_success(head.get(9..12).unwrap_or_default(), body) {
            let shown = &body[..body.len().min(900)];
            bail!("unexpected answer: {head}{}", String::from_utf8_lossy(shown));
        }
        Ok(Some(total))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_get_ids_and_runs_of_their_own() {
        let document = r#"{"event_id":"a","n":1.0e2,"idempotency_key":null,"run_id":"r-7"}"#;
        let placed = with_places(document, &["event_id", "idempotency_key"], false, Some("r-7"));
        let mut body = placed.clone().into_bytes();
        Places::find(&body).fill(&mut body, 42);
        assert_eq!(
            String::from_utf8(body).unwrap_or_default(),
            r#"{"event_id":"01990000-0000-7000-8000-000000000042","n":1.0e2,"idempotency_key":null,"run_id":"01980000-0000-7000-8000-000000000042"}"#
        );
        let added = with_places(r#"{"a":1}"#, &["key"], true, None);
        assert_eq!(added, format!(r#"{{"a":1,"key":"{ID}"}}"#));
        let packed = from_json(&placed);
        assert_eq!(Places::find(&packed).ids.len(), 1);
    }
}
