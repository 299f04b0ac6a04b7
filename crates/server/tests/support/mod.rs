//! A real server on a free port with a fresh data directory, and a plain client for it.
//!
//! Each test crate uses its own part of this.
#![allow(dead_code, reason = "every test crate uses another part")]

pub(crate) mod otlp;
pub(crate) mod sse;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use annals_core::time::Timestamp;
use annals_recorder::Recorder;
use annals_recorder::config::RecorderConfig;
use annals_recorder::world::{Clock, SystemClock};
use annals_server::{Server, ServerConfig};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A clock that runs ahead of the system's by as much as a test says.
#[derive(Debug, Default)]
pub(crate) struct ShiftedClock(AtomicI64);

impl ShiftedClock {
    pub(crate) fn shift_seconds(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::Relaxed);
    }
}

impl Clock for ShiftedClock {
    fn now(&self) -> Timestamp {
        SystemClock.now().plus_seconds(self.0.load(Ordering::Relaxed))
    }
}

pub(crate) struct TestServer {
    pub(crate) address: SocketAddr,
    /// The addresses that are for OTLP alone.
    pub(crate) otlp: Vec<SocketAddr>,
    pub(crate) owner: String,
    pub(crate) clock: Arc<ShiftedClock>,
    pub(crate) recorder: Recorder,
    pub(crate) data_dir: tempfile::TempDir,
    stop: oneshot::Sender<()>,
    running: JoinHandle<()>,
}

impl TestServer {
    pub(crate) async fn start() -> Self {
        Self::start_with(ServerConfig::default()).await
    }

    pub(crate) async fn start_with(config: ServerConfig) -> Self {
        let data_dir = tempfile::tempdir().unwrap();
        Self::start_in(data_dir, config).await
    }

    pub(crate) async fn start_in(data_dir: tempfile::TempDir, config: ServerConfig) -> Self {
        let clock = Arc::new(ShiftedClock::default());
        let recorder_config =
            RecorderConfig { clock: clock.clone(), ..RecorderConfig::at(data_dir.path()) };
        let recorder = Recorder::open(recorder_config).unwrap();
        let owner =
            std::fs::read_to_string(data_dir.path().join("owner.token")).unwrap().trim().to_owned();
        let config = ServerConfig { listen: "127.0.0.1:0".parse().unwrap(), ..config };
        let server = Server::bind(config, recorder.clone()).unwrap();
        let address = server.local_addr();
        let otlp = server.otlp_addrs();
        let (stop, stopped) = oneshot::channel::<()>();
        let running = tokio::spawn(async move {
            let shutdown = async {
                let _ = stopped.await;
            };
            server.run(shutdown).await.unwrap();
        });
        Self { address, otlp, owner, clock, recorder, data_dir, stop, running }
    }

    /// Stops the server as SIGTERM does, and gives the data directory back.
    pub(crate) async fn stop(self) -> tempfile::TempDir {
        let _ = self.stop.send(());
        self.running.await.unwrap();
        self.recorder.close().unwrap();
        self.data_dir
    }

    pub(crate) async fn token(&self, workspace_id: &str, rights: &[&str]) -> String {
        self.issue(json!({ "workspace_id": workspace_id, "rights": rights })).await["token"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    pub(crate) async fn issue(&self, request: Value) -> Value {
        let answer = self.call(Method::POST, "/v1/tokens").json(&request).send().await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
        answer.value()
    }

    pub(crate) fn call(&self, method: Method, path: &str) -> Call {
        Call {
            address: self.address,
            method,
            path: path.to_owned(),
            headers: vec![
                ("host".to_owned(), self.address.to_string()),
                ("authorization".to_owned(), format!("Bearer {}", self.owner)),
            ],
            body: Bytes::new(),
        }
    }

    pub(crate) fn get(&self, path: &str) -> Call {
        self.call(Method::GET, path)
    }

    pub(crate) fn append(&self, events: &Value) -> Call {
        self.call(Method::POST, "/v1/events").json(events)
    }

    /// Appends what must be accepted.
    pub(crate) async fn accept(&self, events: &Value) -> Value {
        let answer = self.append(events).send().await;
        assert!(answer.status.is_success(), "{}", answer.text());
        answer.value()
    }

    /// The position of the newest event: how tests see that nothing was stored.
    pub(crate) fn head(&self) -> u64 {
        self.recorder.head().position.get()
    }
}

/// The least event on a run's stream.
pub(crate) fn event(run_id: &str, data: Value) -> Value {
    json!({
        "event_type": "test.happened",
        "actor": { "actor_type": "agent", "actor_id": "tester" },
        "stream": { "stream_type": "run", "stream_id": run_id },
        "run_id": run_id,
        "data": data,
    })
}

pub(crate) fn with(mut event: Value, field: &str, value: Value) -> Value {
    event[field] = value;
    event
}

#[derive(Debug, Clone)]
pub(crate) struct Call {
    address: SocketAddr,
    method: Method,
    path: String,
    headers: Vec<(String, String)>,
    body: Bytes,
}

impl Call {
    /// Sets a header; an empty value removes it.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(known, _)| known != name);
        if !value.is_empty() {
            self.headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    /// Sends it to another address of the server.
    pub(crate) fn at(mut self, address: SocketAddr) -> Self {
        self.address = address;
        self.header("host", &address.to_string())
    }

    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    pub(crate) fn json(self, value: &Value) -> Self {
        self.header("content-type", "application/json").body(value.to_string())
    }

    pub(crate) fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    fn request(&self) -> Request<Full<Bytes>> {
        let mut request = Request::builder().method(self.method.clone()).uri(&self.path);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        request.body(Full::new(self.body.clone())).unwrap()
    }

    pub(crate) async fn open(&self) -> hyper::Response<hyper::body::Incoming> {
        let socket = TcpStream::connect(self.address).await.unwrap();
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(socket)).await.unwrap();
        tokio::spawn(connection);
        sender.send_request(self.request()).await.unwrap()
    }

    pub(crate) async fn send(&self) -> Answer {
        let response = self.open().await;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    /// Sends what must be refused, and gives the reason code.
    pub(crate) async fn refused(&self) -> (u16, String) {
        let answer = self.send().await;
        let problem = answer.value();
        if let Some(info) = answer.error_info() {
            // OTLP has a document of its own for refusals, and few codes.
            assert_eq!(answer.header("content-type"), "application/json", "{problem}");
            assert!(!problem["message"].as_str().unwrap().is_empty(), "{problem}");
            let code = info["reason"].as_str().unwrap().to_owned();
            annals_api::reason::Reason::by_code(&code).expect("the code is in the table");
            return (answer.status.as_u16(), code);
        }
        assert_eq!(answer.header("content-type"), "application/problem+json", "{problem}");
        assert_eq!(problem["status"], answer.status.as_u16(), "{problem}");
        assert!(!problem["detail"].as_str().unwrap().is_empty(), "{problem}");
        let code = problem["reason_code"].as_str().unwrap().to_owned();
        let reason = annals_api::reason::Reason::by_code(&code).expect("the code is in the table");
        assert_eq!(reason.status, answer.status.as_u16(), "{problem}");
        (answer.status.as_u16(), code)
    }
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: hyper::HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn value(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// What a `google.rpc.Status` in JSON says of its reason; none for every other document.
    pub(crate) fn error_info(&self) -> Option<Value> {
        let parts = self.value()["details"].as_array().cloned()?;
        parts.into_iter().find(|part| {
            part["@type"] == "type.googleapis.com/google.rpc.ErrorInfo"
                && part["domain"] == "annals"
        })
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// Resident memory of this process in bytes; none where the system does not tell.
pub(crate) fn resident_bytes() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    let kibibytes: usize = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kibibytes * 1024)
}
