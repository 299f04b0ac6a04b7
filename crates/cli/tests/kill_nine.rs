//! kill -9 under load, twenty times on one data directory.
//!
//! The log opens by itself each time; every acknowledged event is there exactly once as its receipt
//! says; every other stored event is one that was sent, unaltered, at most once; a tail that runs
//! through it all has neither gap nor duplicate. What a power failure does is another test's matter
//! (`syscalls`): the page cache survives a kill.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot set itself up must fail")]

mod support;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use annals_core::id::{Position, Seq};
use annals_sdk::{Client, StoredEvent, Tail, TailQuery, Tailed};
use futures_util::StreamExt as _;

use support::audit::{Acknowledged, Ledger, audit};
use support::http::Http;
use support::{Luck, Process, Server, annals, event, free_port, serve_arguments, wait_for};

const ROUNDS: u64 = 20;
const WRITERS: u64 = 6;
const SEED: u64 = 20_260_117;
/// Small segments, so that a kill also meets the change from one to the next.
const FLAGS: [&str; 4] = ["--segment-bytes", "1048576", "--log-level", "warn"];

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
    fn new(seed: u64) -> Self {
        Self { luck: Luck(seed), ledger: Ledger::default(), unanswered: None }
    }

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

/// Follows the log through all rounds until a place is reached.
struct Follower {
    end: Arc<AtomicU64>,
    thread: JoinHandle<Vec<StoredEvent>>,
}

impl Follower {
    fn start(client: Client, query: TailQuery) -> Self {
        let end = Arc::new(AtomicU64::new(u64::MAX));
        let thread = std::thread::spawn({
            let end = Arc::clone(&end);
            move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                runtime.unwrap().block_on(follow(client.tail(query), &end))
            }
        });
        Self { end, thread }
    }

    /// What it saw, once it has seen an event at or after this position.
    fn finish(self, end: Position) -> Vec<StoredEvent> {
        self.end.store(end.get(), Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

async fn follow(mut tail: Tail, end: &AtomicU64) -> Vec<StoredEvent> {
    let mut events: Vec<StoredEvent> = Vec::new();
    loop {
        let last = events.last().map(|event| event.position.get());
        if last.is_some_and(|last| last >= end.load(Ordering::Relaxed)) {
            return events;
        }
        // The wait is short, because the end becomes known while nothing arrives.
        let next = tokio::time::timeout(Duration::from_millis(50), tail.next()).await;
        match next {
            Ok(Some(Ok(Tailed::Event(event)))) => events.push(*event),
            Ok(Some(Ok(_))) | Err(_) => {}
            Ok(Some(Err(error))) => panic!("a tail ended after {} events: {error}", events.len()),
            Ok(None) => panic!("a tail ended"),
        }
    }
}

/// Kills a server somewhere on its way up.
fn kill_while_it_opens(data_dir: &Path, listen: &str, flags: &[&str], luck: &mut Luck) {
    let mut command = annals();
    command.args(serve_arguments(data_dir, listen)).args(flags);
    let mut process = Process::start(command, &data_dir.with_extension("stderr"));
    spin(luck.below(8_000_000));
    process.child.kill().unwrap();
    process.wait();
}

fn spin(count: u64) {
    for _ in 0..count {
        std::hint::spin_loop();
    }
}

/// Runs a server under load and kills it after so many receipts.
fn kill_under_load(server: &mut Server, writers: &mut [Writer], luck: &mut Luck) {
    let acknowledged = AtomicU64::new(0);
    let target = 1 + luck.below(400);
    std::thread::scope(|scope| {
        for writer in writers {
            let (address, token) = (&server.address, &server.token);
            let acknowledged = &acknowledged;
            scope.spawn(move || writer.write_until_the_end(address, token, acknowledged));
        }
        wait_for(&format!("{target} receipts"), || {
            (acknowledged.load(Ordering::Relaxed) >= target).then_some(())
        });
        spin(luck.below(200_000));
        server.process.child.kill().unwrap();
        server.process.wait();
    });
}

#[test]
fn loses_and_alters_nothing_that_was_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let data_dir = dir.path().join("data");
    let listen = format!("127.0.0.1:{}", free_port());
    let mut luck = Luck(SEED);
    let mut writers: Vec<Writer> =
        (0..WRITERS).map(|index| Writer::new(SEED + 1 + index)).collect();
    let mut followers = None;
    for _ in 0..ROUNDS {
        if luck.below(3) == 0 {
            kill_while_it_opens(&data_dir, &listen, &FLAGS, &mut luck);
        }
        let mut server = Server::start_with(&data_dir, &listen, &FLAGS);
        followers.get_or_insert_with(|| {
            let client = Client::builder().url(server.url()).token(&server.token).build().unwrap();
            let whole = Follower::start(client.clone(), TailQuery::after(Position(0)));
            let stream = Follower::start(client, TailQuery::stream("run", "stream-0", Seq(1)));
            (whole, stream)
        });
        kill_under_load(&mut server, &mut writers, &mut luck);
    }
    let mut ledger = Ledger::default();
    writers.into_iter().for_each(|writer| ledger.merge(writer.ledger));
    let server = Server::start_with(&data_dir, &listen, &FLAGS);
    let events = audit(&server, &ledger);
    let (sent, acknowledged) = (ledger.sent.len(), ledger.acknowledged.len());
    println!("{ROUNDS} rounds: {sent} sent, {acknowledged} acknowledged, {} stored", events.len());
    check_views(&server, &events);

    let (whole, stream) = followers.unwrap();
    let tailed = whole.finish(events.last().unwrap().position);
    assert!(tailed == events, "the tail saw {} events, the log has {}", tailed.len(), events.len());
    let on_stream: Vec<StoredEvent> =
        events.into_iter().filter(|event| event.stream.stream_id.as_str() == "stream-0").collect();
    let tailed = stream.finish(on_stream.last().unwrap().position);
    assert!(
        tailed == on_stream,
        "the stream's tail saw {} events of {}",
        tailed.len(),
        on_stream.len()
    );
    server.stop();
}

/// Segments that few requests fill, so that kills meet sealing and merging, and starts that find no
/// derived files or are killed themselves, twice in a row.
#[test]
fn loses_nothing_when_kills_meet_sealing_and_recovery() {
    const FLAGS: [&str; 4] = ["--segment-bytes", "16384", "--log-level", "warn"];
    const ROUNDS: u64 = 8;
    const LISTEN: &str = "127.0.0.1:0";
    let dir = tempfile::tempdir().unwrap();
    let data_dir = dir.path().join("data");
    let mut luck = Luck(SEED + 100);
    let mut writers: Vec<Writer> =
        (0..WRITERS).map(|index| Writer::new(SEED + 101 + index)).collect();
    let mut killed_starts = 0;
    for round in 0..ROUNDS {
        if round > 0 && luck.below(2) == 0 {
            std::fs::remove_dir_all(data_dir.join("derived")).unwrap();
        }
        for _ in 0..luck.below(3) {
            kill_while_it_opens(&data_dir, LISTEN, &FLAGS, &mut luck);
            killed_starts += 1;
        }
        let mut server = Server::start_with(&data_dir, LISTEN, &FLAGS);
        kill_under_load(&mut server, &mut writers, &mut luck);
    }
    let mut ledger = Ledger::default();
    writers.into_iter().for_each(|writer| ledger.merge(writer.ledger));
    let server = Server::start_with(&data_dir, LISTEN, &FLAGS);
    let events = audit(&server, &ledger);
    check_views(&server, &events);
    let segments = std::fs::read_dir(data_dir.join("log")).unwrap();
    let is_segment =
        |entry: &std::fs::DirEntry| entry.file_name().to_string_lossy().ends_with(".seg");
    let segment_count = segments.map(Result::unwrap).filter(is_segment).count();
    assert!(segment_count > 20, "{segment_count} segments are too few to have met a sealing");
    println!(
        "{ROUNDS} rounds and {killed_starts} killed starts: {} acknowledged, {} stored in {segment_count} segments",
        ledger.acknowledged.len(),
        events.len()
    );
    server.stop();
}

/// The views have counted every event of a run once.
fn check_views(server: &Server, events: &[StoredEvent]) {
    let head = events.last().unwrap().position;
    let reply = server.http().get(&format!("/v1/runs?limit=100&min_position={head}")).unwrap();
    let runs = reply.json()["runs"].as_array().unwrap().clone();
    let counted: u64 = runs.iter().map(|run| run["events"].as_u64().unwrap()).sum();
    let stored = events.iter().filter(|event| event.run_id.is_some()).count();
    assert_eq!(counted, u64::try_from(stored).unwrap());
}
