//! Many writers at once: order and chains hold without gaps.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot set itself up must fail")]

mod support;

use std::collections::BTreeMap;

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
        let writers: Vec<_> =
            (0..).zip(connections).map(|(seed, http)| scope.spawn(move || write(http, seed))).collect();
        writers.into_iter().for_each(|writer| ledger.merge(writer.join().unwrap()));
    });
    assert_eq!(ledger.sent.len(), ledger.acknowledged.len());
    let events = audit(&server, &ledger);
    let notes: Vec<_> = events.iter().filter(|event| event.event_type.as_str() == "note.taken").collect();
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
