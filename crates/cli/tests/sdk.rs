//! The SDK against the real server on its worst days: killed while it is written to, and read by
//! somebody who is too slow.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot set itself up must fail")]

mod support;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use annals_core::id::Position;
use annals_sdk::{
    AppendOptions, Client, Draft, RetryPolicy, TailQuery, Tailed, agent, draft, stream,
};
use futures_util::StreamExt as _;

use support::audit::read_all;
use support::{Server, free_port, wait_for};

const EVENTS: u64 = 400;
const KILLS: u64 = 4;

fn note(number: u64, filler: &str) -> Draft {
    let data = serde_json::json!({"number": number, "filler": filler});
    draft("note.taken", agent("a").unwrap(), stream("run", "r1").unwrap(), &data).unwrap()
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(future)
}

/// Appends events one by one and in batches; a call returns only when they are kept.
async fn append_all(client: &Client, done: &AtomicU64) -> BTreeSet<String> {
    let mut event_ids = BTreeSet::new();
    let mut number = 0;
    while number < EVENTS {
        let mut drafts: Vec<Draft> =
            (number..number + 1 + number % 3).map(|n| note(n, "")).collect();
        let outcome = client.append_batch(&mut drafts, &AppendOptions::default()).await.unwrap();
        for (result, draft) in outcome.results.iter().zip(&drafts) {
            let receipt = result.as_ref().unwrap();
            assert_eq!(
                Some(receipt.event_id.as_str()),
                draft.event_id.map(|id| id.to_string()).as_deref()
            );
            event_ids.insert(receipt.event_id.clone());
        }
        number += u64::try_from(drafts.len()).unwrap();
        done.store(number, Ordering::Relaxed);
    }
    event_ids
}

fn kill_and_start(server: &mut Server, data_dir: &Path, listen: &str) {
    server.process.child.kill().unwrap();
    server.process.wait();
    *server = Server::start_with(data_dir, listen, &[]);
}

#[test]
fn appends_through_kills_store_each_event_once() {
    let dir = tempfile::tempdir().unwrap();
    let data_dir = dir.path().join("data");
    let listen = format!("127.0.0.1:{}", free_port());
    let mut server = Server::start_with(&data_dir, &listen, &[]);
    let retry = RetryPolicy {
        attempts_max: 1_000,
        first_delay: Duration::from_millis(5),
        delay_max: Duration::from_millis(100),
    };
    let client =
        Client::builder().url(server.url()).token(&server.token).retry(retry).build().unwrap();
    let done = AtomicU64::new(0);
    let event_ids = std::thread::scope(|scope| {
        let writer = scope.spawn(|| block_on(append_all(&client, &done)));
        for kill in 1..=KILLS {
            let goal = kill * EVENTS / (KILLS + 1);
            wait_for("the writer to go on", || {
                (done.load(Ordering::Relaxed) >= goal).then_some(())
            });
            kill_and_start(&mut server, &data_dir, &listen);
        }
        writer.join().unwrap()
    });
    let stored: Vec<String> =
        read_all(&server).iter().map(|event| event.event_id.to_string()).collect();
    assert_eq!(stored.len(), event_ids.len(), "an event is missing or stored twice");
    assert_eq!(stored.into_iter().collect::<BTreeSet<_>>(), event_ids);
    server.stop();
}

#[test]
fn a_reader_that_is_too_slow_is_cut_off_and_misses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(&dir.path().join("data"));
    let client = server.client();
    block_on(async {
        let mut tail = client.tail(TailQuery::now());
        assert!(matches!(tail.next().await, Some(Ok(Tailed::Connected { .. }))));
        // More than the lag that a reader is allowed, and than all buffers on the way.
        let filler = "x".repeat(20_000);
        for batch in 0..20 {
            let mut drafts: Vec<Draft> = (0..100).map(|n| note(batch * 100 + n, &filler)).collect();
            let outcome =
                client.append_batch(&mut drafts, &AppendOptions::default()).await.unwrap();
            assert_eq!(outcome.accepted(), 100);
        }
        let (mut positions, mut reasons) = (Vec::new(), Vec::new());
        while positions.len() < 2_000 {
            match tail.next().await.unwrap().unwrap() {
                Tailed::Event(event) => positions.push(event.position),
                Tailed::Connected { .. } => {}
                Tailed::Reconnecting { reason, .. } => reasons.push(reason),
            }
        }
        let first = positions[0].get();
        let expected: Vec<_> = (first..first + 2_000).map(Position).collect();
        assert!(positions == expected, "the tail has a gap or a duplicate");
        assert!(reasons.iter().any(|reason| reason.contains("behind")), "{reasons:?}");
    });
    server.stop();
}
