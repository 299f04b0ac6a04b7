//! The guard of a tool call and the reporter behind it, against a server that keeps what it gets.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot set itself up must fail")]

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use annals_sdk::types::RunStarted;
use annals_sdk::{
    Client, Delivery, ReportError, Reporter, ReporterOptions, RetryPolicy, RunReporter, agent,
};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(60);

/// A server that keeps every event, and refuses those of one type.
struct Kept {
    url: String,
    events: Arc<Mutex<Vec<Value>>>,
}

impl Kept {
    fn start(refused_type: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let events = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&events);
        std::thread::spawn(move || {
            for socket in listener.incoming() {
                answer(socket.unwrap(), refused_type, &kept);
            }
        });
        Self { url, events }
    }

    fn reporter(&self) -> Reporter {
        Reporter::start(client(&self.url), ReporterOptions::default()).unwrap()
    }

    /// The kept events of a type, oldest first.
    fn of_type(&self, event_type: &str) -> Vec<Value> {
        let events = self.events.lock().unwrap();
        events.iter().filter(|event| event["event_type"] == event_type).cloned().collect()
    }
}

fn client(url: &str) -> Client {
    let retry = RetryPolicy {
        attempts_max: 2,
        first_delay: Duration::from_millis(1),
        delay_max: Duration::from_millis(1),
    };
    Client::builder().url(url).token("t").retry(retry).build().unwrap()
}

fn answer(mut socket: TcpStream, refused_type: &str, kept: &Mutex<Vec<Value>>) {
    let Value::Array(events) = read_body(&mut socket) else { panic!("a batch is an array") };
    let results: Vec<Value> = events
        .iter()
        .enumerate()
        .map(|(index, event)| result(index, event, event["event_type"] == refused_type))
        .collect();
    let taken = events.into_iter().filter(|event| event["event_type"] != refused_type);
    kept.lock().unwrap().extend(taken);
    let body = json!({"accepted": 0, "replayed": 0, "rejected": 0, "results": results}).to_string();
    let head =
        format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
    socket.write_all(format!("{head}{body}").as_bytes()).unwrap();
}

fn result(index: usize, event: &Value, is_refused: bool) -> Value {
    if is_refused {
        return json!({
            "status": "rejected", "index": index, "type": "t", "title": "t", "detail": "d",
            "reason_code": "schema_violation", "retryable": false,
        });
    }
    json!({
        "status": "accepted", "index": index, "event_id": event["event_id"], "position": 1,
        "stream_seq": 1, "recorded_at": "t", "event_hash": "ab".repeat(32),
        "prev_event_hash": null, "durability": "sync", "replayed": false,
    })
}

fn read_body(socket: &mut TcpStream) -> Value {
    let mut request = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&request);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                return serde_json::from_str(body).unwrap();
            }
        }
        let mut piece = [0; 4096];
        let count = socket.read(&mut piece).unwrap();
        assert!(count > 0, "the client hung up");
        request.extend_from_slice(&piece[..count]);
    }
}

fn run(reporter: &Reporter) -> RunReporter {
    reporter.run("run-1", agent("builder").unwrap()).unwrap()
}

#[test]
fn a_call_reports_its_beginning_its_end_its_duration_and_its_usage() {
    let kept = Kept::start("");
    let reporter = kept.reporter();
    let run = run(&reporter);
    run.report(|actor, stream| {
        RunStarted::new().run_id("run-1").title("A test").draft(actor, stream)
    })
    .unwrap();
    let mut call = run.tool_call("search", json!({"query": "x"}));
    call.tokens(120, 38);
    call.cost_micros(410);
    call.succeed(json!(["a hit"]));
    let delivery = reporter.close(PATIENCE);
    assert_eq!(delivery, Delivery { stored: 4, ..Delivery::default() });
    assert!(delivery.is_complete());

    let [began] = kept.of_type("tool.invoked").try_into().unwrap();
    let [ended] = kept.of_type("tool.succeeded").try_into().unwrap();
    let [usage] = kept.of_type("usage.reported").try_into().unwrap();
    assert_eq!(began["data"]["input"], json!({"query": "x"}));
    assert_eq!(began["run_id"], "run-1");
    assert_eq!(began["stream"], json!({"stream_type": "run", "stream_id": "run-1"}));
    assert_eq!(began["actor"]["actor_id"], "builder");
    assert!(began["occurred_at"].is_string() && began["event_id"].is_string());
    assert_eq!(ended["data"]["tool_call_id"], began["data"]["tool_call_id"]);
    assert_eq!(ended["data"]["output"], json!(["a hit"]));
    assert!(ended["data"]["duration_ms"].is_u64());
    assert_eq!(usage["data"]["scope"], "tool_call");
    assert_eq!(usage["data"]["usage"], json!({"input_tokens": 120, "output_tokens": 38}));
    assert_eq!(usage["data"]["cost_micros"], 410);
}

#[test]
fn a_call_that_panics_is_reported_as_failed() {
    let kept = Kept::start("");
    let reporter = kept.reporter();
    let run = run(&reporter);
    let panicked = std::thread::spawn(move || {
        let _call = run.tool_call("search", json!(null));
        panic!("the tool has a defect");
    });
    assert!(panicked.join().is_err());
    assert!(reporter.close(PATIENCE).is_complete());
    let [failed] = kept.of_type("tool.failed").try_into().unwrap();
    assert_eq!(failed["data"]["error_type"], "panic");
    assert!(failed["data"]["duration_ms"].is_u64());
}

#[tokio::test]
async fn a_future_is_reported_whether_it_ends_well_badly_or_not_at_all() {
    let kept = Kept::start("");
    let reporter = kept.reporter();
    let run = run(&reporter);
    let well = run.around("a", 1, async { Ok::<_, String>(7) }).await;
    let badly = run.around("b", 2, async { Err::<(), _>("no such file".to_owned()) }).await;
    assert_eq!((well, badly), (Ok(7), Err("no such file".to_owned())));
    let (began, has_begun) = tokio::sync::oneshot::channel();
    let never = tokio::spawn(async move {
        let endless = async {
            began.send(()).unwrap();
            std::future::pending::<Result<(), String>>().await
        };
        run.around("c", 3, endless).await
    });
    has_begun.await.unwrap();
    never.abort();
    assert!(never.await.unwrap_err().is_cancelled());
    let delivery = tokio::task::spawn_blocking(move || reporter.close(PATIENCE)).await.unwrap();
    assert!(delivery.is_complete(), "{delivery:?}");

    assert_eq!(kept.of_type("tool.succeeded")[0]["data"]["output"], 7);
    let failed = kept.of_type("tool.failed");
    let told: Vec<_> = failed
        .iter()
        .map(|event| (&event["data"]["tool_name"], &event["data"]["error_type"]))
        .collect();
    assert_eq!(told, [(&json!("b"), &json!("error")), (&json!("c"), &json!("cancelled"))]);
    assert_eq!(failed[0]["data"]["message"], "no such file");
}

#[test]
fn a_refused_event_is_counted_and_does_not_hold_up_the_others() {
    let kept = Kept::start("tool.invoked");
    let reporter = kept.reporter();
    run(&reporter).tool_call("search", json!(null)).succeed("found");
    let delivery = reporter.close(PATIENCE);
    assert_eq!(delivery, Delivery { stored: 1, refused: 1, ..Delivery::default() });
    assert!(!delivery.is_complete());
}

#[test]
fn without_a_server_nothing_waits_and_nothing_is_lost_in_silence() {
    // A port that was free a moment ago, and that nobody listens on.
    let url = format!("http://{}", TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap());
    let options = ReporterOptions { queue_events_max: 3, drop_wait: Duration::ZERO };
    let reporter = Reporter::start(client(&url), options).unwrap();
    let run = run(&reporter);
    let report =
        || run.report(|actor, stream| RunStarted::new().run_id("run-1").draft(actor, stream));
    // The thread holds up to one batch, and the queue three more.
    let refused = (0..1_000).filter(|_| matches!(report(), Err(ReportError::QueueFull))).count();
    assert!(refused > 0);
    let delivery = reporter.close(Duration::from_millis(10));
    assert_eq!(delivery.lost, refused as u64);
    assert_eq!(delivery.pending, 1_000 - delivery.lost);
    assert!(matches!(report(), Err(ReportError::Closed)));
}
