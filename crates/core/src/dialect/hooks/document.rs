//! The document around a payload: what `annals-hook` stamps, and the gaps that it tells.
//!
//! Pure text; whoever stamps brings the time, the host and the count.

use crate::hash::sha256;
use crate::json::{JsonKind, as_str, kind, member, string_into};

/// The name under which the hook itself speaks.
pub const GAP_AGENT: &str = "annals-hook";

/// The members in which payloads name their session.
const SESSIONS: [&str; 3] = ["session_id", "conversation_id", "sessionId"];

/// The session that a payload belongs to, which is the run; empty where it names none.
#[must_use]
pub fn run_of(payload: &str) -> String {
    if kind(payload) != JsonKind::Object {
        return String::new();
    }
    let session = SESSIONS.into_iter().find_map(|name| member(payload, name).and_then(as_str));
    session.map(|session| session.into_owned()).unwrap_or_default()
}

/// The event that a payload names itself.
#[must_use]
pub fn event_of(payload: &str) -> Option<String> {
    if kind(payload) != JsonKind::Object {
        return None;
    }
    member(payload, "hook_event_name").and_then(as_str).map(|name| name.into_owned())
}

/// What a payload lacks.
#[derive(Debug, Clone, Copy)]
pub struct Stamp<'a> {
    /// The agent, such as `claude-code`.
    pub agent: &'a str,
    /// The event, where the payload does not name it.
    pub event: Option<&'a str>,
    /// The machine.
    pub host: &'a str,
    /// The how-many-eth of its session on this machine, from 1.
    pub seq: u64,
    /// When it came in: RFC 3339.
    pub received_at: &'a str,
    /// The id of the call, where the payload has none.
    pub call: Option<&'a str>,
}

impl Stamp<'_> {
    /// The name for this append: of what is said, where, when and as the how-many-eth.
    #[must_use]
    pub fn idempotency_key(&self, payload: &str) -> String {
        let seq = self.seq.to_be_bytes();
        let parts = [self.agent, self.host, self.received_at, self.event.unwrap_or_default()];
        let mut bytes: Vec<&[u8]> = vec![b"annals/hook/1", &seq];
        for part in &parts {
            bytes.extend([part.as_bytes(), b"\0"]);
        }
        bytes.push(payload.as_bytes());
        let mut hash = sha256(&bytes).to_string();
        hash.truncate(32);
        format!("hook-{hash}")
    }

    /// The document of a payload, which is compact JSON text.
    #[must_use]
    pub fn document(&self, payload: &str) -> String {
        self.document_with_key(payload, &self.idempotency_key(payload))
    }

    /// As [`Self::document`], under a name for the append that is known already.
    #[must_use]
    pub fn document_with_key(&self, payload: &str, idempotency_key: &str) -> String {
        let mut out = String::with_capacity(payload.len() + 256);
        out.push_str("{\"agent\":");
        string_into(&mut out, self.agent);
        let mut text = |name: &str, value: &str| {
            out.push_str(",\"");
            out.push_str(name);
            out.push_str("\":");
            string_into(&mut out, value);
        };
        if let Some(event) = self.event {
            text("event", event);
        }
        text("host", self.host);
        text("received_at", self.received_at);
        text("idempotency_key", idempotency_key);
        if let Some(call) = self.call {
            text("call", call);
        }
        out.push_str(&format!(",\"seq\":{},\"payload\":", self.seq));
        out.push_str(payload);
        out.push('}');
        out
    }
}

/// Payloads that could not be kept.
#[derive(Debug, Clone, Copy)]
pub struct Gap<'a> {
    /// The agent whose payloads they were.
    pub agent: &'a str,
    /// The session, where it is known.
    pub session_id: Option<&'a str>,
    /// Why they are missing: `spool_full`, `payload_too_large`, `spool_damaged`.
    pub reason: &'a str,
    /// How many there were.
    pub dropped: u64,
    /// How large they were together.
    pub byte_count: u64,
    /// When the first of them came in.
    pub from: &'a str,
    /// When the last of them came in.
    pub to: &'a str,
    /// More about it, for people.
    pub detail: Option<&'a str>,
}

impl Gap<'_> {
    /// The payload that tells of the gap, under [`GAP_AGENT`].
    #[must_use]
    pub fn payload(&self) -> String {
        let mut out = String::from("{\"hook_event_name\":\"Gap\",\"agent\":");
        string_into(&mut out, self.agent);
        let mut text = |name: &str, value: Option<&str>| {
            if let Some(value) = value {
                out.push_str(&format!(",\"{name}\":"));
                string_into(&mut out, value);
            }
        };
        text("session_id", self.session_id);
        text("reason", Some(self.reason));
        text("from", Some(self.from));
        text("to", Some(self.to));
        text("detail", self.detail);
        out.push_str(&format!(
            ",\"dropped\":{},\"byte_count\":{}}}",
            self.dropped, self.byte_count
        ));
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAMP: Stamp<'_> = Stamp {
        agent: "claude-code",
        event: None,
        host: "a\"b",
        seq: 7,
        received_at: "2026-03-02T09:14:07.000000Z",
        call: None,
    };

    #[test]
    fn a_document_is_valid_json_with_the_payload_as_it_came() {
        let document = STAMP.document(r#"{"a":1.0e2}"#);
        let parsed: serde_json::Value = serde_json::from_str(&document).unwrap();
        assert_eq!(parsed["host"], "a\"b");
        assert!(document.ends_with(r#","seq":7,"payload":{"a":1.0e2}}"#), "{document}");
    }

    #[test]
    fn the_name_of_an_append_tells_equal_payloads_apart() {
        let again = Stamp { seq: 8, ..STAMP };
        assert_eq!(STAMP.idempotency_key("{}"), STAMP.idempotency_key("{}"));
        assert_ne!(STAMP.idempotency_key("{}"), again.idempotency_key("{}"));
        let later = Stamp { received_at: "2026-03-02T09:14:08.000000Z", ..STAMP };
        assert_ne!(STAMP.idempotency_key("{}"), later.idempotency_key("{}"));
    }

    #[test]
    fn finds_the_session_whatever_it_is_called() {
        for name in SESSIONS {
            assert_eq!(run_of(&format!(r#"{{"{name}":"s1"}}"#)), "s1");
        }
        assert_eq!(run_of("[]"), "");
        assert_eq!(run_of(r#"{"session_id":7}"#), "");
    }
}
