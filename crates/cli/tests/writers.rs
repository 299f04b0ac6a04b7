//! Many writers at once: order and chains hold without gaps.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot set itself up must fail")]

mod support;

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;

use support::audit::{Acknowledged, Ledger, audit};
use support::http::Http;
use support::{Luck, Server, event};

const WRITERS: u64 = 64;
const STREAMS: u64 = 8;
const REQUESTS: u64 = 12;

/// Writes its share, one event and batches in turn, and gives what it was told.
fn write(mut http: Http, seed: u64) -> Ledger {
    let mut luck = Luck(seed);
    let mut ledger = Ledger::default();
    for request in 0..REQUESTS {
        let stream = format!("stream-{}", luck.below(STREAMS));
        let events: Vec<String> = (0..1 + request % 4)
            .map(|n| {
                let event_id = luck.uuid();
                let data = format!(r#"{{"writer":{seed},"request":{request},"n":{n}}}"#);
                ledger.sent.insert(event_id.clone(), data.clone());
                event(&event_id, &stream, &data)
            })
            .collect();
        let reply = http.post("/v1/events", &format!("[{}]", events.join(","))).unwrap();
        assert_eq!(reply.status, 200, "{}", reply.text());
        for result in reply.json()["results"].as_array().unwrap() {
            assert_eq!(result["status"], "accepted", "{result}");
            let event_id = result["event_id"].as_str().unwrap().to_owned();
            ledger.acknowledged.insert(event_id, Acknowledged::of(result));
        }
    }
    ledger
}

#[test]
fn sixty_four_writers_on_eight_streams_leave_no_gap() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(&dir.path().join("data"));
    let mut ledger = Ledger::default();
    std::thread::scope(|scope| {
        let connections: Vec<_> = (0..WRITERS).map(|_| server.http()).collect();
        let writers: Vec<_> = (0..)
            .zip(connections)
            .map(|(seed, http)| scope.spawn(move || write(http, seed)))
            .collect();
        writers.into_iter().for_each(|writer| ledger.merge(writer.join().unwrap()));
    });
    assert_eq!(ledger.sent.len(), ledger.acknowledged.len());
    let events = audit(&server, &ledger);
    let notes: Vec<_> =
        events.iter().filter(|event| event.event_type.as_str() == "note.taken").collect();
    assert_eq!(notes.len(), ledger.sent.len());
    let mut last_seqs: BTreeMap<String, u64> = BTreeMap::new();
    for event in notes {
        last_seqs.insert(event.stream.stream_id.to_string(), event.stream_seq.get());
    }
    assert_eq!(last_seqs.len(), usize::try_from(STREAMS).unwrap());
    for (stream, last_seq) in last_seqs {
        let info = server.http().get(&format!("/v1/streams/run/{stream}")).unwrap().json();
        assert_eq!(info["last_seq"].as_u64(), Some(last_seq));
        assert_eq!(info["event_count"].as_u64(), Some(last_seq));
    }
    server.stop();
}

/// Makes a ledger disagree with the log about an event.
type Plant = fn(&mut Ledger, &str);

#[test]
fn the_audit_finds_planted_faults() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(&dir.path().join("data"));
    let honest = write(server.http(), 1);
    audit(&server, &honest);
    let some_id = honest.acknowledged.keys().min().unwrap().clone();
    let planted: [(&str, Plant); 5] = [
        ("an acknowledged event is lost", |ledger, id| {
            let receipt = ledger.acknowledged[id].clone();
            ledger.acknowledged.insert("0190b3c4-1111-4abc-8def-0123456789ab".to_owned(), receipt);
        }),
        ("an event is elsewhere than its receipt says", |ledger, id| {
            ledger.acknowledged.get_mut(id).unwrap().position += 1;
        }),
        ("an event has another hash than its receipt says", |ledger, id| {
            ledger.acknowledged.get_mut(id).unwrap().event_hash = "00".repeat(32);
        }),
        ("an event is altered", |ledger, id| {
            ledger.sent.insert(id.to_owned(), "{}".to_owned());
        }),
        ("an event is stored that nobody sent", |ledger, id| {
            ledger.sent.remove(id);
        }),
    ];
    for (fault, plant) in planted {
        let mut ledger = honest.clone();
        plant(&mut ledger, &some_id);
        let found = std::panic::catch_unwind(AssertUnwindSafe(|| audit(&server, &ledger)));
        assert!(found.is_err(), "not found: {fault}");
    }
    server.stop();
}
