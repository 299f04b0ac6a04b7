//! The audit of a whole log through the public API, against what was sent and what was acknowledged.
//!
//! Hashes are computed anew from the stored bytes (`?as=record`), never believed.

use std::collections::{BTreeMap, HashMap};

use annals_core::hash::Digest;
use annals_core::record::{HeaderRef, commitment, event_hash};
use annals_sdk::StoredEvent;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::Server;

/// What a writer was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Acknowledged {
    pub(crate) position: u64,
    pub(crate) stream_seq: u64,
    pub(crate) event_hash: String,
    pub(crate) prev_event_hash: Option<String>,
}

impl Acknowledged {
    pub(crate) fn of(receipt: &Value) -> Self {
        Self {
            position: receipt["position"].as_u64().unwrap(),
            stream_seq: receipt["stream_seq"].as_u64().unwrap(),
            event_hash: receipt["event_hash"].as_str().unwrap().to_owned(),
            prev_event_hash: receipt["prev_event_hash"].as_str().map(str::to_owned),
        }
    }
}

/// What writers know: the payload of every event that they sent, and every receipt.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ledger {
    pub(crate) sent: HashMap<String, String>,
    pub(crate) acknowledged: HashMap<String, Acknowledged>,
}

impl Ledger {
    pub(crate) fn merge(&mut self, other: Self) {
        self.sent.extend(other.sent);
        for (event_id, receipt) in other.acknowledged {
            if let Some(first) = self.acknowledged.insert(event_id.clone(), receipt.clone()) {
                assert_eq!(first, receipt, "event {event_id} has two receipts");
            }
        }
    }
}

/// Every event of the workspace, in order.
pub(crate) fn read_all(server: &Server) -> Vec<StoredEvent> {
    pages(server, "").into_iter().map(|event| StoredEvent::from_json(event).unwrap()).collect()
}

/// Every item of `GET /v1/events`, as its JSON text.
fn pages(server: &Server, parameters: &str) -> Vec<String> {
    let mut http = server.http();
    let mut items = Vec::new();
    let mut cursor = String::new();
    loop {
        let reply = http.get(&format!("/v1/events?limit=1000{parameters}{cursor}")).unwrap();
        assert_eq!(reply.status, 200, "{}", reply.text());
        let page: Page<'_> = serde_json::from_slice(&reply.body).unwrap();
        items.extend(page.events.iter().map(|event| event.get().to_owned()));
        match page.next {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return items,
        }
    }
}

#[derive(serde::Deserialize)]
struct Page<'a> {
    #[serde(borrow)]
    events: Vec<&'a serde_json::value::RawValue>,
    next: Option<String>,
}

/// Holds the whole log against a ledger. Gives the events.
pub(crate) fn audit(server: &Server, ledger: &Ledger) -> Vec<StoredEvent> {
    let events = read_all(server);
    let mut by_id: HashMap<String, &StoredEvent> = HashMap::new();
    for event in &events {
        let twice = by_id.insert(event.event_id.to_string(), event);
        assert!(twice.is_none(), "event {} is stored twice", event.event_id);
    }
    for (event_id, receipt) in &ledger.acknowledged {
        let event =
            by_id.get(event_id).unwrap_or_else(|| panic!("acknowledged event {event_id} is lost"));
        let stored = Acknowledged {
            position: event.position.get(),
            stream_seq: event.stream_seq.get(),
            event_hash: event.event_hash.to_string(),
            prev_event_hash: event.prev_event_hash.map(|hash| hash.to_string()),
        };
        assert_eq!(*receipt, stored, "event {event_id} is not as its receipt says");
    }
    for event in events.iter().filter(|event| event.event_type.as_str() == "note.taken") {
        let sent = ledger.sent.get(&event.event_id.to_string());
        assert_eq!(sent, Some(&event.data), "event {} is not as it was sent", event.event_id);
    }
    check_order(&events);
    check_records(server, &events);
    events
}

/// Positions rise without a gap, and so do seqs in each stream, whose hashes are linked.
fn check_order(events: &[StoredEvent]) {
    let mut heads: BTreeMap<String, (u64, Digest)> = BTreeMap::new();
    for (index, event) in events.iter().enumerate() {
        assert_eq!(
            event.position.get(),
            events[0].position.get() + u64::try_from(index).unwrap(),
            "positions have a gap"
        );
        let head = heads.get(&event.stream.to_string());
        assert_eq!(
            event.stream_seq.get(),
            head.map_or(0, |(seq, _)| *seq) + 1,
            "stream {} has a gap",
            event.stream
        );
        assert_eq!(
            event.prev_event_hash,
            head.map(|(_, hash)| *hash),
            "stream {} is not linked",
            event.stream
        );
        heads.insert(event.stream.to_string(), (event.stream_seq.get(), event.event_hash));
    }
}

/// Every hash is the hash of the stored bytes.
fn check_records(server: &Server, events: &[StoredEvent]) {
    let records = pages(server, "&as=record");
    assert_eq!(records.len(), events.len());
    for (record, event) in records.iter().zip(events) {
        let record: Value = serde_json::from_str(record).unwrap();
        let bytes = |name: &str| STANDARD.decode(record[name].as_str().unwrap()).unwrap();
        let (header, body, salt) = (bytes("header"), bytes("body"), bytes("salt"));
        let commitment = commitment(&salt.try_into().unwrap(), &body);
        let prev = event.prev_event_hash.unwrap_or(Digest::ZERO);
        assert_eq!(
            event_hash(&header, &commitment, &prev),
            event.event_hash,
            "event {}",
            event.event_id
        );
        let header = HeaderRef::parse(&header).unwrap();
        assert_eq!((header.position, header.stream_seq), (event.position, event.stream_seq));
        assert_eq!(header.event_id, event.event_id);
    }
}
