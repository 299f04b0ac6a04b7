//! What the system calls say: nothing is acknowledged before it is on disk.
//!
//! kill -9 cannot show this, because the page cache survives it. Needs strace, which `make test`
//! installs; where it cannot run, these tests say so and pass.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot set itself up must fail")]

mod support;

use support::audit::{Acknowledged, Ledger, audit};
use support::http::Http;
use support::trace::{TracedServer, faults, new_segments, parse, strace_problem};
use support::{Luck, Server, event, wait_for};

const WRITERS: u64 = 6;
const REQUESTS: u64 = 25;

/// Small, so that the trace sees segments come to be.
const FLAGS: [&str; 2] = ["--segment-bytes", "262144"];

fn mark(event_id: &str) -> String {
    format!("mark-of-{event_id}")
}

/// Writes single events and batches; gives the ids of what was acknowledged.
fn write(mut http: Http, seed: u64) -> Vec<String> {
    let mut luck = Luck(seed);
    let mut acknowledged = Vec::new();
    for request in 0..REQUESTS {
        let event_ids: Vec<String> = (0..1 + request % 3).map(|_| luck.uuid()).collect();
        let filler = "f".repeat(usize::try_from(luck.below(4_000)).unwrap());
        let texts: Vec<String> = event_ids
            .iter()
            .map(|event_id| {
                event(
                    event_id,
                    &format!("r{seed}"),
                    &format!(r#"{{"mark":"{}","filler":"{filler}"}}"#, mark(event_id)),
                )
            })
            .collect();
        let reply = match texts.as_slice() {
            [text] => http.post("/v1/events", text).unwrap(),
            texts => http.post("/v1/events", &format!("[{}]", texts.join(","))).unwrap(),
        };
        assert!(matches!(reply.status, 200 | 201), "{} {}", reply.status, reply.text());
        acknowledged.extend(event_ids);
    }
    acknowledged
}

#[test]
fn an_event_is_synced_between_its_last_write_and_its_answer() {
    if let Some(problem) = strace_problem() {
        println!("SKIPPED: {problem}; nothing was shown about syncs");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let trace_file = dir.path().join("trace");
    let traced = TracedServer::start(&dir.path().join("data"), &trace_file, &[], &FLAGS);
    let acknowledged: Vec<String> = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|seed| {
                let http = traced.server.http();
                scope.spawn(move || write(http, seed))
            })
            .collect();
        writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect()
    });
    traced.stop();
    let trace = std::fs::read(&trace_file).unwrap();
    let calls = parse(&String::from_utf8_lossy(&trace));
    let pairs: Vec<_> =
        acknowledged.iter().map(|event_id| (event_id.clone(), mark(event_id))).collect();
    let faults = faults(&calls, &pairs);
    assert!(faults.is_empty(), "{} faults, such as {}", faults.len(), faults[0]);
    assert!(new_segments(&calls) >= 2, "the trace saw no change of segments");
    println!(
        "{} events, {} system calls, {} new segments",
        pairs.len(),
        calls.len(),
        new_segments(&calls)
    );
}

#[test]
fn a_failed_sync_acknowledges_nothing_and_stops_the_process() {
    if let Some(problem) = strace_problem() {
        println!("SKIPPED: {problem}; nothing was shown about failing syncs");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let data_dir = dir.path().join("data");
    // strace counts for each thread: the twelfth sync of the one thread that appends.
    let inject = ["-e", "inject=fdatasync:error=EIO:when=12"];
    let mut traced = TracedServer::start(&data_dir, &dir.path().join("trace"), &inject, &FLAGS);
    let mut luck = Luck(12);
    let mut ledger = Ledger::default();
    let mut http = traced.server.http();
    let refusal = wait_for("an append that is not acknowledged", || {
        let event_id = luck.uuid();
        let data = format!(r#"{{"n":{}}}"#, ledger.sent.len());
        ledger.sent.insert(event_id.clone(), data.clone());
        let reply = http.post("/v1/events", &event(&event_id, "r1", &data)).unwrap();
        if reply.status != 201 {
            return Some(reply);
        }
        ledger.acknowledged.insert(event_id, Acknowledged::of(&reply.json()));
        None
    });
    assert_eq!(refusal.status, 503, "{}", refusal.text());
    let status = traced.server.process.wait();
    assert!(!status.success(), "a failed log must not end as if all were well");
    assert!(ledger.acknowledged.len() >= 5);
    let server = Server::start(&data_dir);
    let events = audit(&server, &ledger);
    println!("{} acknowledged, {} stored", ledger.acknowledged.len(), events.len());
    // And it goes on from there.
    let event_id = luck.uuid();
    let reply = server.http().post("/v1/events", &event(&event_id, "r1", "1")).unwrap();
    assert_eq!(reply.status, 201, "{}", reply.text());
    server.stop();
}

/// A trace of one append, whose lines the tests below change.
const GOOD: &str = r#"10 openat(AT_FDCWD</>, "/d/log/1.seg", O_RDWR|O_CREAT|O_EXCL|O_CLOEXEC, 0666) = 7</d/log/1.seg>
10 fsync(8</d/log>)                      = 0
10 pwrite64(7</d/log/1.seg>, "..mark..", 8, 64) = 8
10 fdatasync(7</d/log/1.seg> <unfinished ...>
11 write(9<socket:[1]>, "other", 5)      = 5
10 <... fdatasync resumed>)              = 0
11 sendto(9<socket:[1]>, "{\"event_id\":\"ev1\"}", 18, MSG_NOSIGNAL, NULL, 0) = 18
"#;

fn told(trace: &str) -> Vec<String> {
    faults(&parse(trace), &[("ev1".to_owned(), "mark".to_owned())])
}

/// The trace with two of its lines in each other's place.
fn swapped(first: usize, second: usize) -> String {
    let mut lines: Vec<&str> = GOOD.lines().collect();
    lines.swap(first, second);
    lines.join("\n")
}

#[test]
fn the_checker_finds_planted_faults() {
    assert_eq!(told(GOOD), Vec::<String>::new());
    let planted = [
        ("answered while the sync runs", swapped(5, 6)),
        (
            "synced before the write",
            swapped(2, 3)
                .replace(" <unfinished ...>", ") = 0")
                .replace("10 <... fdatasync resumed>)              = 0\n", ""),
        ),
        (
            "another file synced",
            GOOD.replace("fdatasync(7</d/log/1.seg>", "fdatasync(7</d/log/2.seg>"),
        ),
        (
            "the sync failed",
            GOOD.replace(
                "resumed>)              = 0",
                "resumed>)              = -1 EIO (Input/output error) (INJECTED)",
            ),
        ),
        ("the directory not synced", GOOD.replace("fsync(8</d/log>)", "fsync(8</d>)")),
        ("never written", GOOD.replace("..mark..", "........")),
        ("never answered", GOOD.replace("ev1", "ev2")),
    ];
    for (what, trace) in planted {
        assert!(!told(&trace).is_empty(), "not found: {what}\n{trace}");
    }
}
