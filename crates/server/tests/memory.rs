//! Memory stays bounded: many large bodies at once, a reader that stopped, a thousand readers.
//!
//! Resident memory is of the whole process, so these tests take turns.
#![cfg(test)]

mod support;

use std::time::{Duration, Instant};

use hyper::Method;
use hyper::body::Bytes;
use serde_json::{Value, json};
use support::sse::TailReader;
use support::{TestServer, event, resident_bytes};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::Mutex;

/// The binary's allocator: it gives back what is free.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

static TURN: Mutex<()> = Mutex::const_new(());

const MEBIBYTE: usize = 1 << 20;

/// All at once they would take 1 GiB; the budget is 256 MiB.
#[tokio::test(flavor = "multi_thread")]
async fn many_large_bodies_at_once_are_bounded() {
    let _turn = TURN.lock().await;
    let server = TestServer::start().await;
    let body = Bytes::from(vec![b' '; 16 * MEBIBYTE]);
    let Some(before) = resident_bytes() else {
        println!("skipped: this system does not tell resident memory");
        return;
    };
    let calls: Vec<_> = (0..64)
        .map(|_| {
            let call =
                server.call(Method::POST, "/v1/events").json(&Value::Null).body(body.clone());
            tokio::spawn(async move {
                call.send().await.value()["reason_code"].as_str().unwrap().to_owned()
            })
        })
        .collect();
    let mut most = before;
    for call in calls {
        while !call.is_finished() {
            most = most.max(resident_bytes().unwrap());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let code = call.await.unwrap();
        assert!(code == "overloaded" || code == "empty_batch", "{code}");
    }
    println!("{} MiB more at the most", (most - before) / MEBIBYTE);
    // The budget, and half of it again for what the allocator has not given back yet.
    assert!(most - before < 384 * MEBIBYTE, "{} MiB more", (most - before) / MEBIBYTE);
    assert_eq!(server.head(), 0);
    server.stop().await;
}

async fn append_batches(server: &TestServer, batch_count: usize, data: &Value) {
    let batch = json!(vec![event("r", data.clone()); 1_000]);
    for _ in 0..batch_count {
        assert_eq!(server.accept(&batch).await["accepted"], 1_000);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_reader_is_cut_off_with_its_resume_point_and_costs_nothing() {
    let _turn = TURN.lock().await;
    let server = TestServer::start().await;
    // The ring of recent events and the allocator are warm before anything is measured. All
    // events fit into one segment, so that sealing one is not measured either.
    append_batches(&server, WARM_BATCH_COUNT, &json!("x".repeat(1_000))).await;
    let mut socket = open_raw_tail(&server).await;
    let mut seen = vec![0; 512];
    socket.read_exact(&mut seen).await.unwrap();
    let before = resident_bytes();
    // Twice what is allowed, so that a server which keeps it for the reader cannot pass.
    append_batches(&server, 28, &json!("x".repeat(1_000))).await;
    if let Some(before) = before {
        wait_until_resident_below(&server, before + 16 * MEBIBYTE).await;
    }
    let mut rest = Vec::new();
    socket.read_to_end(&mut rest).await.unwrap();
    let text = String::from_utf8([seen, rest].concat()).unwrap();
    let ids: Vec<u64> =
        text.lines().filter_map(|line| line.strip_prefix("id:")?.parse().ok()).collect();
    assert!(text.contains("event:annals.lagged\n"), "the reader was told");
    let resume_after = *ids.last().unwrap();
    assert!(ids.len() < 10_000, "it did not get everything: {}", ids.len());
    // The lagged frame repeats the last event's id: that is the resume point.
    assert_eq!(ids[ids.len() - 2], resume_after);
    let (first, events) = (ids[0], &ids[..ids.len() - 1]);
    assert!(
        events.iter().zip(first..).all(|(id, expected)| *id == expected),
        "nothing is missing before it"
    );
    let path = "/v1/streams/run/r/events";
    let mut tail =
        TailReader::open(server.get(path).header("last-event-id", &resume_after.to_string())).await;
    assert_eq!(tail.ids(3).await, [resume_after + 1, resume_after + 2, resume_after + 3]);
    server.stop().await;
}

/// Batches of 1,000 events before the measurement.
const WARM_BATCH_COUNT: usize = 15;

/// Waits until memory that only the appends needed is given back. Small appends go on meanwhile:
/// an allocator that nobody calls gives nothing back.
async fn wait_until_resident_below(server: &TestServer, limit: usize) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    while resident_bytes().unwrap() >= limit {
        assert!(
            tokio::time::Instant::now() < deadline,
            "{} MiB too much",
            (resident_bytes().unwrap() - limit) / MEBIBYTE
        );
        server.accept(&json!([event("other", Value::Null)])).await;
    }
}

/// A live tail at the head of the stream, on a socket that takes little before it is full.
async fn open_raw_tail(server: &TestServer) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(16 << 10).unwrap();
    let mut socket = socket.connect(server.address).await.unwrap();
    let request = format!(
        "GET /v1/streams/run/r/events HTTP/1.0\r\nhost: {}\r\nauthorization: Bearer {}\r\n\
         accept: text/event-stream\r\nlast-event-id: {}\r\n\r\n",
        server.address,
        server.owner,
        WARM_BATCH_COUNT * 1_000 - 10
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    socket
}

const READER_COUNT: usize = 1_000;
const EVENT_COUNT: u64 = 10_000;

/// Counts the frames on a raw connection and checks that each id is the next one.
async fn read_all(mut socket: TcpStream) -> u64 {
    let mut buffer = vec![0; 32 << 10];
    let mut kept = 0;
    let mut next_id = 1;
    while next_id <= EVENT_COUNT {
        let count = socket.read(&mut buffer[kept..]).await.unwrap();
        assert!(count > 0, "the tail ended before event {next_id}");
        let end = kept + count;
        let (whole, ids) = count_frames(&buffer[..end], next_id);
        next_id = ids;
        buffer.copy_within(whole..end, 0);
        kept = end - whole;
    }
    next_id - 1
}

/// Reads whole frames; gives the bytes that they take and the next expected id.
fn count_frames(bytes: &[u8], mut next_id: u64) -> (usize, u64) {
    let mut whole = 0;
    while let Some(length) = memchr::memmem::find(&bytes[whole..], b"\n\n") {
        let frame = &bytes[whole..whole + length];
        // The first frame has the answer's head before it and no id; HTTP/1.0 has no chunks.
        if let Some(rest) = frame.strip_prefix(b"id:") {
            let digits = rest.split(|byte| *byte == b'\n').next().unwrap();
            let id: u64 = std::str::from_utf8(digits).unwrap().parse().unwrap();
            assert_eq!(id, next_id);
            next_id += 1;
        }
        whole += length + 2;
    }
    (whole, next_id)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_tails_get_each_of_ten_thousand_events_once() {
    let _turn = TURN.lock().await;
    let server = TestServer::start().await;
    let mut tokens = Vec::new();
    for _ in 0..4 {
        tokens.push(server.token("default", &["read"]).await);
    }
    let mut readers = Vec::new();
    for index in 0..READER_COUNT {
        let mut socket = TcpStream::connect(server.address).await.unwrap();
        let request = format!(
            "GET /v1/streams/run/r/events HTTP/1.0\r\nhost: {}\r\nauthorization: Bearer {}\r\n\
             accept: text/event-stream\r\n\r\n",
            server.address,
            tokens[index % tokens.len()]
        );
        socket.write_all(request.as_bytes()).await.unwrap();
        readers.push(tokio::spawn(read_all(socket)));
    }
    let began_at = Instant::now();
    let batch = json!(vec![event("r", json!(1)); 250]);
    let appending = async {
        for _ in 0..EVENT_COUNT / 250 {
            server.accept(&batch).await;
        }
    };
    appending.await;
    println!("appended after {:?}", began_at.elapsed());
    for reader in readers {
        assert_eq!(reader.await.unwrap(), EVENT_COUNT);
    }
    println!("{READER_COUNT} readers got {EVENT_COUNT} events each in {:?}", began_at.elapsed());
    server.stop().await;
}
