//! kill -9 under load, twenty times on one data directory.
//!
//! The log opens by itself each time; every acknowledged event is there exactly once as its receipt
//! says; every other stored event is one that was sent, unaltered, at most once; a tail that runs
//! through it all has neither gap nor duplicate. What a power failure does is another test's matter
//! (`syscalls`): the page cache survives a kill.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot set itself up must fail")]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use annals_core::id::Position;
use annals_sdk::{Client, StoredEvent, TailQuery, Tailed};
use futures_util::StreamExt as _;

use support::audit::{Acknowledged, Ledger, audit};
use support::http::Http;
use support::{Luck, Server, event, free_port, wait_for};

const ROUNDS: u64 = 20;
const WRITERS: u64 = 6;
const SEED: u64 = 20_260_117;

/// How a request wraps its events.
#[derive(Debug, Clone, Copy)]
enum Form {
    One,
    Batch,
    AtomicBatch,
}

/// Writes until the server is gone. What was not answered is sent again in the next round.
struct Writer {
    luck: Luck,
    ledger: Ledger,
    unanswered: Option<(Form, Vec<(String, String)>)>,
}

impl Writer {
    fn write_until_the_end(&mut self, address: &str, token: &str, acknowledged: &AtomicU64) {
        let Ok(mut http) = Http::connect(address, token) else { return };
        loop {
            let (form, events) = self.unanswered.take().unwrap_or_else(|| self.next_request());
            let sent = self.send(&mut http, form, &events);
            match sent {
                Some(count) => acknowledged.fetch_add(count, Ordering::Relaxed),
                None => {
                    // Whether these are stored, nobody knows; half of them are asked about again.
                    self.unanswered = (self.luck.below(2) == 0).then_some((form, events));
                    return;
                }
            };
        }
    }

    fn next_request(&mut self) -> (Form, Vec<(String, String)>) {
        let (form, count) = match self.luck.below(3) {
            0 => (Form::One, 1),
            1 => (Form::Batch, 1 + self.luck.below(20)),
            _ => (Form::AtomicBatch, 1 + self.luck.below(20)),
        };
        let events = (0..count).map(|_| {
            let event_id = self.luck.uuid();
            let filler = "x".repeat(usize::try_from(self.luck.below(2_000)).unwrap());
            let data = format!(r#"{{"n":{},"filler":"{filler}"}}"#, self.luck.number());
            self.ledger.sent.insert(event_id.clone(), data.clone());
            let stream = format!("stream-{}", self.luck.below(5));
            (event_id.clone(), event(&event_id, &stream, &data))
        });
        (form, events.collect())
    }

    /// Sends one request and notes its receipts; `None` when the connection broke.
    fn send(&mut self, http: &mut Http, form: Form, events: &[(String, String)]) -> Option<u64> {
        let texts: Vec<&str> = events.iter().map(|(_, text)| text.as_str()).collect();
        let (path, body) = match form {
            Form::One => ("/v1/events", texts[0].to_owned()),
            Form::Batch => ("/v1/events", format!("[{}]", texts.join(","))),
            Form::AtomicBatch => ("/v1/events?atomic=true", format!("[{}]", texts.join(","))),
        };
        let reply = http.post(path, &body).ok()?;
        if reply.status == 503 {
            // The server says that it stops; it will be gone at the next request.
            return None;
        }
        assert!(matches!(reply.status, 200 | 201), "{} {}", reply.status, reply.text());
        let answer = reply.json();
        let receipts = match form {
            Form::One => vec![answer],
            Form::Batch | Form::AtomicBatch => answer["results"].as_array().unwrap().clone(),
        };
        assert_eq!(receipts.len(), events.len());
        for ((event_id, _), receipt) in events.iter().zip(&receipts) {
            assert_eq!(receipt["event_id"].as_str(), Some(event_id.as_str()));
            let mut told = Ledger::default();
            told.acknowledged.insert(event_id.clone(), Acknowledged::of(receipt));
            self.ledger.merge(told);
        }
        Some(u64::try_from(events.len()).unwrap())
    }
}

/// Follows the log through all rounds until a position is reached.
fn follow(client: Client, end: Arc<AtomicU64>) -> JoinHandle<Vec<StoredEvent>> {
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut tail = client.tail(TailQuery::after(Position(0)));
            let mut events: Vec<StoredEvent> = Vec::new();
            loop {
                let is_done = events.last().is_some_and(|event| event.position.get() >= end.load(Ordering::Relaxed));
                if is_done {
                    return events;
                }
                let Ok(next) = tokio::time::timeout(Duration::from_millis(50), tail.next()).await else { continue };
                match next {
                    Some(Ok(Tailed::Event(event))) => events.push(*event),
                    Some(Ok(_)) => {}
                    Some(Err(error)) => panic!("the tail ended after {} events: {error}", events.len()),
                    None => panic!("the tail ended"),
                }
            }
        })
    })
}

#[test]
fn loses_and_alters_nothing_that_was_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let data_dir = dir.path().join("data");
    let listen = format!("127.0.0.1:{}", free_port());
    let mut luck = Luck(SEED);
    let mut writers: Vec<Writer> = (0..WRITERS)
        .map(|index| Writer { luck: Luck(SEED + 1 + index), ledger: Ledger::default(), unanswered: None })
        .collect();
    let end = Arc::new(AtomicU64::new(u64::MAX));
    let mut tail = None;
    // Small segments, so that a kill also meets the change from one to the next.
    let flags = ["--segment-bytes", "1048576", "--log-level", "warn"];
    for round in 0..ROUNDS {
        let mut server = Server::start_with(&data_dir, &listen, &flags);
        if tail.is_none() {
            let client = Client::builder().url(server.url()).token(&server.token).build().unwrap();
            tail = Some(follow(client, Arc::clone(&end)));
        }
        let acknowledged = AtomicU64::new(0);
        let target = 1 + luck.below(400);
        let spins = luck.below(200_000);
        std::thread::scope(|scope| {
            for writer in &mut writers {
                let (address, token, acknowledged) = (&server.address, &server.token, &acknowledged);
                scope.spawn(move || writer.write_until_the_end(address, token, acknowledged));
            }
            wait_for(&format!("{target} receipts in round {round}"), || {
                (acknowledged.load(Ordering::Relaxed) >= target).then_some(())
            });
            for _ in 0..spins {
                std::hint::spin_loop();
            }
            server.process.child.kill().unwrap();
            server.process.wait();
        });
    }
    let mut ledger = Ledger::default();
    writers.into_iter().for_each(|writer| ledger.merge(writer.ledger));
    let server = Server::start_with(&data_dir, &listen, &flags);
    let events = audit(&server, &ledger);
    println!(
        "{ROUNDS} rounds: {} events sent, {} acknowledged, {} stored",
        ledger.sent.len(),
        ledger.acknowledged.len(),
        events.len()
    );
    end.store(events.last().unwrap().position.get(), Ordering::Relaxed);
    let tailed = tail.unwrap().join().unwrap();
    assert_eq!(tailed.len(), events.len(), "the tail has another number of events than the log");
    assert!(tailed == events, "the tail saw other events than the log has");
    server.stop();
}
