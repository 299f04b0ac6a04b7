//! Connections: slow heads, silence, stalled readers, draining.
#![cfg(test)]

mod support;

use std::time::{Duration, Instant};

use annals_server::{ServerConfig, Timings};
use serde_json::json;
use support::sse::{PATIENCE, TailReader};
use support::{TestServer, event};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

async fn start(timings: Timings) -> TestServer {
    TestServer::start_with(ServerConfig { timings, ..ServerConfig::default() }).await
}

/// Reads until the server closes the connection; panics when it does not.
async fn until_closed(socket: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    let read = tokio::time::timeout(PATIENCE, socket.read_to_end(&mut bytes)).await;
    // A reset says the same as an end.
    let _ = read.expect("the server closes the connection");
    bytes
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_does_not_come_in_time_is_not_waited_for() {
    let server =
        start(Timings { header_wait: Duration::from_millis(300), ..Timings::default() }).await;
    let mut silent = TcpStream::connect(server.address).await.unwrap();
    let mut trickling = TcpStream::connect(server.address).await.unwrap();
    trickling.write_all(b"GET /healthz HTTP/1.1\r\nhost: local").await.unwrap();
    let mut preface = TcpStream::connect(server.address).await.unwrap();
    preface.write_all(b"PRI * HT").await.unwrap();
    for socket in [&mut silent, &mut trickling, &mut preface] {
        until_closed(socket).await;
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_alive_connection_outlives_the_head_time_out_but_not_the_idle_one() {
    let timings = Timings {
        header_wait: Duration::from_millis(100),
        idle: Duration::from_millis(800),
        ..Timings::default()
    };
    let server = start(timings).await;
    let mut socket = TcpStream::connect(server.address).await.unwrap();
    // A route that waits for the disk, so that the socket is looked at during the request.
    let request = format!(
        "GET /v1/events HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\n\r\n",
        server.address, server.owner
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = vec![0; 4096];
    assert!(socket.read(&mut answer).await.unwrap() > 0);
    let began_at = Instant::now();
    until_closed(&mut socket).await;
    assert!(began_at.elapsed() >= Duration::from_millis(500), "{:?}", began_at.elapsed());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_stalls_is_cut_off() {
    let server =
        start(Timings { write_stall: Duration::from_millis(300), ..Timings::default() }).await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(8 << 10).unwrap();
    let mut socket = socket.connect(server.address).await.unwrap();
    let request = format!(
        "GET /v1/tail?after_position=0 HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\n\r\n",
        server.address, server.owner
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    let batch = json!(vec![event("r", json!("x".repeat(10_000))); 500]);
    server.accept(&batch).await;
    let began_at = Instant::now();
    while server.get("/v1/status").send().await.value()["tails"] != 0 {
        assert!(began_at.elapsed() < PATIENCE, "the tail is still open");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopping_server_ends_its_tails_and_is_gone() {
    let server = TestServer::start().await;
    server.accept(&event("r", json!(1))).await;
    let mut tail = TailReader::open(server.get("/v1/tail?after_position=0")).await;
    assert_eq!(tail.ids(1).await, [1]);
    let address = server.address;
    server.stop().await;
    assert_eq!(tail.frame().await, None);
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_under_way_is_answered_when_the_server_stops() {
    let server = TestServer::start().await;
    let recorder = server.recorder.clone();
    let body = event("r", json!(1)).to_string();
    let (front, back) = body.split_at(20);
    let mut socket = TcpStream::connect(server.address).await.unwrap();
    let head = format!(
        "POST /v1/events HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\nexpect: 100-continue\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n",
        server.address,
        server.owner,
        body.len()
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut go_on = [0; 25];
    socket.read_exact(&mut go_on).await.unwrap();
    assert!(go_on.starts_with(b"HTTP/1.1 100 "), "the server reads the body");
    socket.write_all(front.as_bytes()).await.unwrap();
    let stopping = tokio::spawn(server.stop());
    // The listening socket is gone once the server is draining.
    let address = socket.peer_addr().unwrap();
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    socket.write_all(back.as_bytes()).await.unwrap();
    let answer = String::from_utf8(until_closed(&mut socket).await).unwrap();
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    assert_eq!(recorder.head().position.get(), 1);
    drop(stopping.await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn http_2_is_spoken_with_prior_knowledge() {
    use http_body_util::{BodyExt, Empty};
    use hyper_util::rt::{TokioExecutor, TokioIo};
    let server = TestServer::start().await;
    let socket = TcpStream::connect(server.address).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(socket))
            .await
            .unwrap();
    tokio::spawn(connection);
    let request = hyper::Request::builder()
        .uri(format!("http://{}/healthz", server.address))
        .body(Empty::<hyper::body::Bytes>::new())
        .unwrap();
    let response = sender.send_request(request).await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(!response.into_body().collect().await.unwrap().to_bytes().is_empty());
    server.stop().await;
}
