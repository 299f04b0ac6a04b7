//! From what came in to the document that is delivered.

use annals_core::dialect::hooks::{GAP_AGENT, Gap, Stamp, call_part, event_of, run_of};
use annals_core::json::{Json, escape_into};
use annals_core::limits::EVENT_BYTES_MAX;
use annals_core::time::Timestamp;

use crate::args::Args;
use crate::input::Input;
use crate::session;

/// A payload with its stamp.
#[derive(Debug, Clone)]
pub(crate) struct Stamped {
    pub(crate) agent: String,
    event: Option<String>,
    host: String,
    seq: u64,
    pub(crate) received_at: String,
    call: Option<String>,
    /// Compact JSON text.
    payload: String,
    idempotency_key: String,
}

impl Stamped {
    /// Stamps what came in.
    pub(crate) fn new(args: &Args, spool: Option<&std::path::Path>, input: &Input) -> Self {
        let received_at = now();
        let payload = match input.is_too_large() {
            true => too_large(args, input, &received_at),
            false => payload_of(&input.bytes),
        };
        let is_gap = input.is_too_large() || payload.len() + (4 << 10) > EVENT_BYTES_MAX;
        let payload = match is_gap && !input.is_too_large() {
            true => too_large(args, input, &received_at),
            false => payload,
        };
        let session = run_of(&payload);
        let event = args.event.clone().or_else(|| event_of(&payload));
        let part = event.as_deref().and_then(|event| call_part(event, &payload));
        let counted = match spool {
            Some(spool) => session::count(spool, &args.agent, &session, part.as_ref()),
            None => session::Counted::default(),
        };
        let mut stamped = Self {
            agent: if is_gap { GAP_AGENT.to_owned() } else { args.agent.clone() },
            event: args.event.clone().filter(|_| !is_gap),
            host: host(),
            seq: counted.seq,
            received_at,
            call: counted.call,
            payload,
            idempotency_key: String::new(),
        };
        stamped.idempotency_key = stamped.stamp().idempotency_key(&stamped.payload);
        stamped
    }

    /// What tells of payloads that could not be kept.
    pub(crate) fn gap(gap: &Gap<'_>) -> Self {
        let mut stamped = Self {
            agent: GAP_AGENT.to_owned(),
            event: None,
            host: host(),
            seq: 0,
            received_at: gap.to.to_owned(),
            call: None,
            payload: gap.payload(),
            idempotency_key: String::new(),
        };
        stamped.idempotency_key = stamped.stamp().idempotency_key(&stamped.payload);
        stamped
    }

    fn stamp(&self) -> Stamp<'_> {
        Stamp {
            agent: &self.agent,
            event: self.event.as_deref(),
            host: &self.host,
            seq: self.seq,
            received_at: &self.received_at,
            call: self.call.as_deref(),
        }
    }

    /// The document as it goes to the server.
    pub(crate) fn document(&self) -> String {
        self.stamp().document_with_key(&self.payload, &self.idempotency_key)
    }

    /// The payload, as compact JSON text.
    pub(crate) fn payload(&self) -> &str {
        &self.payload
    }

    /// The same with another payload, such as one without secrets. Its name stays.
    pub(crate) fn with_payload(&self, payload: String) -> Self {
        Self { payload, ..self.clone() }
    }
}

/// The payload as compact JSON text; what is no JSON that an event can have, as a string.
fn payload_of(bytes: &[u8]) -> String {
    match Json::parse(bytes) {
        Ok(json) => json.into_string(),
        Err(_) => quoted(&String::from_utf8_lossy(bytes)),
    }
}

/// A text as a JSON string.
pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    escape_into(&mut out, text);
    out.push('"');
    out
}

fn too_large(args: &Args, input: &Input, received_at: &str) -> String {
    let session = hint(&input.bytes, "session_id")
        .or_else(|| hint(&input.bytes, "conversation_id"))
        .or_else(|| hint(&input.bytes, "sessionId"));
    let event = args.event.clone().or_else(|| hint(&input.bytes, "hook_event_name"));
    Gap {
        agent: &args.agent,
        session_id: session.as_deref(),
        reason: "payload_too_large",
        dropped: 1,
        byte_count: input.byte_count,
        from: received_at,
        to: received_at,
        detail: event.as_deref(),
    }
    .payload()
}

/// Bytes at the beginning in which agents name session and event.
const HINT_BYTES: usize = 16 << 10;

/// A plain string member of a text that may be cut off.
fn hint(bytes: &[u8], name: &str) -> Option<String> {
    let head = String::from_utf8_lossy(bytes.get(..bytes.len().min(HINT_BYTES))?);
    let (_, rest) = head.split_once(&format!("\"{name}\""))?;
    let value = rest.trim_start().strip_prefix(':')?.trim_start().strip_prefix('"')?;
    let (value, _) = value.split_once('"')?;
    let is_plain =
        |character: char| character.is_ascii_alphanumeric() || "-_.:/".contains(character);
    (value.len() <= 128 && value.chars().all(is_plain)).then(|| value.to_owned())
}

/// The present time as the log writes it.
pub(crate) fn now() -> String {
    let since =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX)).to_string()
}

#[cfg(unix)]
fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

#[cfg(not(unix))]
fn host() -> String {
    std::env::var("COMPUTERNAME").unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args() -> Args {
        Args::read(["claude-code".into()].into_iter())
    }

    fn stamped(bytes: &[u8], byte_count: u64) -> serde_json::Value {
        let input = Input { bytes: bytes.to_vec(), byte_count };
        serde_json::from_str(&Stamped::new(&args(), None, &input).document()).unwrap()
    }

    #[test]
    fn what_is_no_json_is_kept_as_it_came() {
        for broken in ["{\"cut", "", "{\"a\":1,\"a\":2}", "nul\u{0}l"] {
            let document = stamped(broken.as_bytes(), broken.len() as u64);
            assert_eq!(
                (&document["agent"], &document["payload"]),
                (&"claude-code".into(), &broken.into())
            );
        }
        let deep = "[".repeat(200);
        assert_eq!(stamped(deep.as_bytes(), 200)["payload"], deep.as_str());
        assert_eq!(stamped(b"\xff{}", 3)["payload"], "\u{fffd}{}");
    }

    #[test]
    fn what_is_too_large_becomes_a_gap_that_knows_its_session() {
        let head =
            br#"{"session_id":"s-1", "hook_event_name" : "PostToolUse","tool_response":"xxx"#;
        let document = stamped(head, 5 << 20);
        assert_eq!(document["agent"], "annals-hook");
        let payload = &document["payload"];
        assert_eq!(
            (&payload["session_id"], &payload["detail"]),
            (&"s-1".into(), &"PostToolUse".into())
        );
        assert_eq!((&payload["dropped"], &payload["byte_count"]), (&1.into(), &(5 << 20).into()));
        let growing = "\u{1}".repeat(crate::input::PAYLOAD_BYTES_MAX);
        let document = stamped(growing.as_bytes(), growing.len() as u64);
        assert_eq!(document["payload"]["reason"], "payload_too_large");
    }
}
