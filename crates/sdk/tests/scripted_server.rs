//! The client against a server that misbehaves on purpose: one scripted answer a connection.
//!
//! The real server's behaviour is tested with the real binary in the `annals` crate; here are the
//! faults that it does not produce on demand.

#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up must fail")]

use std::time::Duration;

use annals_core::id::Position;
use annals_sdk::{
    Client, ClientError, EventQuery, RetryPolicy, TailQuery, Tailed, agent, draft, stream,
};
use futures_util::StreamExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Answers each connection with the next script and hangs up. Gives the requests that it saw.
async fn serve(scripts: Vec<String>) -> (Client, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let retry = RetryPolicy {
        attempts_max: 3,
        first_delay: Duration::from_millis(1),
        delay_max: Duration::from_millis(2),
    };
    let requests = tokio::spawn(async move {
        let mut requests = Vec::new();
        for script in scripts {
            let (mut socket, _) = listener.accept().await.unwrap();
            requests.push(read_request(&mut socket).await);
            socket.write_all(script.as_bytes()).await.unwrap();
        }
        requests
    });
    (Client::builder().url(url).token("t").retry(retry).build().unwrap(), requests)
}

async fn read_request(socket: &mut tokio::net::TcpStream) -> String {
    let mut request = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&request);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                return text.into_owned();
            }
        }
        let mut piece = [0; 4096];
        let count = socket.read(&mut piece).await.unwrap();
        assert!(count > 0, "the client hung up");
        request.extend_from_slice(&piece[..count]);
    }
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\nconnection: close\r\n{headers}content-length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn problem(status: u16, reason_code: &str, retryable: bool) -> String {
    format!(
        r#"{{"type":"urn:annals:error:{reason_code}","title":"t","status":{status},"detail":"d","reason_code":"{reason_code}","retryable":{retryable},"details":{{}}}}"#
    )
}

fn receipt(replayed: bool) -> String {
    let hash = "ab".repeat(32);
    let body = format!(
        r#"{{"event_id":"0190b3c4-1111-7abc-8def-0123456789ab","position":1,"stream_seq":1,"recorded_at":"t","event_hash":"{hash}","prev_event_hash":null,"durability":"sync","replayed":{replayed}}}"#
    );
    answer("201 Created", "", &body)
}

fn note() -> annals_sdk::Draft {
    draft("note.taken", agent("a").unwrap(), stream("run", "r").unwrap(), &1).unwrap()
}

fn event(position: u64) -> String {
    let hash = format!("{position:064x}");
    let json = format!(
        r#"{{"position":{position},"event_id":"0190b3c4-1111-7abc-8def-0123456789ab","event_type":"note.taken","event_version":1,"occurred_at":"2026-01-01T00:00:00.000000Z","recorded_at":"2026-01-01T00:00:00.000000Z","workspace_id":"default","actor":{{"actor_type":"agent","actor_id":"a"}},"stream":{{"stream_type":"run","stream_id":"r","stream_seq":{position}}},"authority":"observed","data":1,"prev_event_hash":null,"event_hash":"{hash}"}}"#
    );
    format!("id: {position}\nevent: note.taken\ndata: {json}\n\n")
}

fn sse(frames: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: text/event-stream\r\n\r\n{frames}"
    )
}

fn sent_event_id(request: &str) -> &str {
    let (_, rest) = request.split_once(r#""event_id":""#).unwrap();
    rest.split('"').next().unwrap()
}

#[tokio::test]
async fn an_append_whose_answer_was_lost_is_sent_again_with_the_same_identity() {
    let (client, requests) = serve(vec![String::new(), receipt(true)]).await;
    let receipt = client.append(&mut note()).await.unwrap();
    assert!(receipt.replayed);
    let requests = requests.await.unwrap();
    assert_eq!(sent_event_id(&requests[0]), sent_event_id(&requests[1]));
}

#[tokio::test]
async fn an_overloaded_server_is_asked_again_and_a_conflict_is_final() {
    let overloaded =
        answer("503 Service Unavailable", "retry-after: 0\r\n", &problem(503, "overloaded", true));
    let conflict = answer("409 Conflict", "", &problem(409, "idempotency_conflict", false));
    let (client, requests) = serve(vec![overloaded, conflict]).await;
    let error = client.append(&mut note()).await.unwrap_err();
    assert_eq!(error.problem().unwrap().reason_code, "idempotency_conflict");
    assert!(!error.is_retryable() && error.has_no_side_effects());
    assert_eq!(requests.await.unwrap().len(), 2);
}

#[tokio::test]
async fn gives_up_when_the_attempts_are_used_up() {
    let failed = || answer("503 Service Unavailable", "", &problem(503, "log_failed", true));
    let (client, requests) = serve(vec![failed(), failed(), failed()]).await;
    let mut draft = note();
    let error = client.append(&mut draft).await.unwrap_err();
    assert!(error.is_retryable() && !error.has_no_side_effects());
    assert!(draft.event_id.is_some(), "the caller can send the same event again");
    assert_eq!(requests.await.unwrap().len(), 3);
}

#[tokio::test]
async fn a_batch_of_which_nothing_was_stored_still_gives_each_reason() {
    let item = r#"{"status":"rejected","index":0,"type":"x","title":"t","detail":"d","reason_code":"schema_violation","retryable":false}"#;
    let body = problem(422, "batch_rejected", false);
    let body = format!(
        r#"{},"accepted":0,"replayed":0,"rejected":1,"results":[{item}]}}"#,
        &body[..body.len() - 1]
    );
    let (client, _requests) = serve(vec![answer("422 Unprocessable Content", "", &body)]).await;
    let outcome = client.append_batch(&mut [note()], &Default::default()).await.unwrap();
    let (index, problem) = outcome.rejected().next().unwrap();
    assert_eq!((index, problem.reason_code.as_str()), (0, "schema_violation"));
}

#[tokio::test]
async fn nobody_there_is_said_so() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let client = Client::builder().url(url).retry(RetryPolicy::never()).build().unwrap();
    let error = client.head().await.unwrap_err();
    assert!(matches!(error, ClientError::Unreachable { .. }) && error.has_no_side_effects());
}

#[tokio::test]
async fn a_tail_goes_on_after_the_last_event_and_drops_what_it_has_seen() {
    let lagged = "event: annals.lagged\ndata: {\"resume_after\":4,\"reason_code\":\"lagged\",\"detail\":\"\"}\n\n";
    let scripts = vec![
        sse(&format!("{}{}", event(3), event(4))),
        sse(&format!("{}{}{lagged}", event(4), event(7))),
        // Cut in the middle of an event.
        sse(&event(9)[..100]),
        sse("id: 20\n\n"),
        sse(&event(21)),
        answer("409 Conflict", "", &problem(409, "history_diverged", false)),
    ];
    let (client, requests) = serve(scripts).await;
    let mut tail = client.tail(TailQuery::after(Position(2)).filter(EventQuery::run("r")));
    let mut positions = Vec::new();
    let mut places = Vec::new();
    let error = loop {
        match tail.next().await.unwrap() {
            Ok(Tailed::Event(event)) => positions.push(event.position.get()),
            Ok(Tailed::Connected { after }) => places.push(after),
            Ok(Tailed::Reconnecting { .. }) => {}
            Err(error) => break error,
        }
    };
    assert_eq!(positions, [3, 4, 7, 21]);
    assert_eq!(places, [2, 4, 7, 7, 20]);
    assert_eq!(error.problem().unwrap().reason_code, "history_diverged");
    assert!(tail.next().await.is_none());
    let requests = requests.await.unwrap();
    assert!(!requests[0].contains("after="), "nothing is known of an event that was not seen");
    assert!(
        requests[1].contains("last-event-id: 4")
            && requests[1].contains(&format!("after=4%3A{:064x}", 4))
    );
    assert!(
        requests[4].contains("last-event-id: 20")
            && requests[4].contains(&format!("after=7%3A{:064x}", 7))
    );
}
