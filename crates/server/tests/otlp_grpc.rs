//! OTLP over gRPC, on the port of everything else and on ports of its own.
#![cfg(test)]

mod support;

use std::io::Write as _;

use annals_server::{Server, ServerConfig};
use hyper::Method;
use serde_json::json;
use support::TestServer;
use support::otlp::{Wire, call, framed, partial_success, request, wire};

const TRACES: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
const LOGS: &str = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
const METRICS: &str = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";
const METHODS: [&str; 3] = [TRACES, LOGS, METRICS];
const BEGAN_AT: u64 = 1_763_000_000_000_000_000;

fn span(n: u8) -> Wire {
    wire()
        .bytes(1, [7; 16])
        .bytes(2, [n; 8])
        .bytes(5, "step")
        .fixed64(7, BEGAN_AT)
        .fixed64(8, BEGAN_AT + 5_000_000)
}

fn record() -> Wire {
    wire().fixed64(1, BEGAN_AT).message(5, wire().bytes(1, "something happened"))
}

fn metric() -> Wire {
    let point = wire().fixed64(3, BEGAN_AT).fixed64(6, 12);
    wire().bytes(1, "requests").message(5, wire().message(1, point))
}

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_signal_is_taken_on_the_port_of_everything_else() {
    let server = TestServer::start().await;
    let token = bearer(&server.token("default", &["append"]).await);
    for (path, item) in [(TRACES, span(1)), (LOGS, record()), (METRICS, metric())] {
        let before = server.head();
        let body = framed(false, &request([item]).0);
        let answer = call(server.address, path, &[("authorization", &token)], body).await;
        assert_eq!((answer.http_status, answer.status()), (200, 0), "{path}: {answer:?}");
        assert_eq!(answer.headers["content-type"], "application/grpc");
        assert!(answer.trailers.contains_key("grpc-status") && answer.message().is_empty());
        assert!(server.head() > before, "{path}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_may_be_compressed_and_partial_success_is_said() {
    let server = TestServer::start().await;
    let token = bearer(&server.owner);
    let message = request([span(1), span(2).bytes(2, "short")]).0;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&message).unwrap();
    let body = framed(true, &gzip.finish().unwrap());
    let headers = [("authorization", token.as_str()), ("grpc-encoding", "gzip")];
    let answer = call(server.address, TRACES, &headers, body).await;
    assert_eq!(answer.status(), 0, "{answer:?}");
    let (rejected, said) = partial_success(answer.message());
    assert!(rejected == 1 && said.contains("span 1: "), "{said}");
    let body = framed(true, &zstd::encode_all(request([span(3)]).0.as_slice(), 0).unwrap());
    let headers = [("authorization", token.as_str()), ("grpc-encoding", "zstd")];
    assert_eq!(call(server.address, TRACES, &headers, body).await.status(), 0);
    let headers = [("authorization", token.as_str()), ("grpc-encoding", "snappy")];
    let answer = call(server.address, TRACES, &headers, framed(true, b"?")).await;
    assert_eq!(answer.status(), 3);
    assert_eq!(answer.text("grpc-accept-encoding"), "identity,gzip,zstd");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_method_refuses_missing_wrong_expired_and_weak_tokens() {
    let server = TestServer::start().await;
    let expiring = json!({"workspace_id": "default", "rights": ["append"], "expires_in_s": 60});
    let expired = server.issue(expiring).await["token"].as_str().unwrap().to_owned();
    server.clock.shift_seconds(61);
    let weak = server.token("default", &["read", "verify"]).await;
    let before = server.head();
    let body = framed(false, &request([span(1)]).0);
    for path in METHODS {
        let none = call(server.address, path, &[], body.clone()).await;
        assert_eq!((none.http_status, none.status()), (200, 16), "{path}");
        assert!(!none.text("grpc-message").is_empty());
        for (token, expected) in
            [(format!("{}0", server.owner), 16), (expired.clone(), 16), (weak.clone(), 7)]
        {
            let token = bearer(&token);
            let answer =
                call(server.address, path, &[("authorization", &token)], body.clone()).await;
            assert_eq!(answer.status(), expected, "{path}: {answer:?}");
            assert!(!answer.text("grpc-status-details-bin").is_empty());
        }
    }
    assert_eq!(server.head(), before);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_call_is_refused_and_stores_nothing() {
    let server = TestServer::start().await;
    let token = bearer(&server.owner);
    let headers = [("authorization", token.as_str())];
    for (body, what) in [
        (framed(false, &[10, 9]), "a broken message"),
        (vec![0, 0], "a broken frame"),
        (framed(true, b"?"), "a compression without a name"),
        ([framed(false, b""), framed(false, b"")].concat(), "two messages"),
        (framed(false, &request([span(1).bytes(2, "short")]).0), "nothing but refused spans"),
    ] {
        let answer = call(server.address, TRACES, &headers, body).await;
        assert_eq!(answer.status(), 3, "{what}: {answer:?}");
    }
    let large =
        call(server.address, TRACES, &headers, framed(false, &vec![0; (16 << 20) + 1])).await;
    assert_eq!(large.status(), 3, "{large:?}");
    let by_http1 = server.call(Method::POST, TRACES).header("content-type", "application/grpc");
    let answer = by_http1.body(framed(false, b"")).send().await;
    assert_eq!((answer.header("grpc-status"), answer.body.len()), ("3", 0));
    assert_eq!(server.head(), 0);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stops_is_unavailable_and_says_when_to_come_again() {
    let server = TestServer::start().await;
    server.recorder.close().unwrap();
    let token = bearer(&server.owner);
    let body = framed(false, &request([span(1)]).0);
    let answer = call(server.address, TRACES, &[("authorization", &token)], body).await;
    assert_eq!(answer.status(), 14, "{answer:?}");
    let details = base64::Engine::decode(
        &base64::engine::general_purpose::STANDARD_NO_PAD,
        answer.text("grpc-status-details-bin"),
    );
    let details = String::from_utf8_lossy(&details.unwrap()).into_owned();
    assert!(
        details.contains("google.rpc.RetryInfo") && details.contains("shutting_down"),
        "{details}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_for_otlp_alone_take_both_protocols_and_nothing_else() {
    let any = "127.0.0.1:0".parse().unwrap();
    let config = ServerConfig { otlp: vec![any, any], ..ServerConfig::default() };
    let server = TestServer::start_with(config).await;
    let token = bearer(&server.owner);
    for (n, address) in server.otlp.iter().enumerate() {
        let n = u8::try_from(n).unwrap() + 1;
        let body = framed(false, &request([span(n)]).0);
        assert_eq!(call(*address, TRACES, &[("authorization", &token)], body).await.status(), 0);
        let by_http = server.call(Method::POST, "/v1/traces").at(*address);
        let by_http = by_http.header("content-type", "application/x-protobuf");
        let body = request([span(n + 2)]).0;
        assert_eq!(by_http.clone().body(body.clone()).send().await.status, 200);
        let foreign = by_http.clone().header("host", "evil.example").body(body.clone());
        assert_eq!(foreign.send().await.status, 421);
        let page = by_http.clone().header("origin", "http://evil.example").body(body);
        assert_eq!(page.send().await.status, 403);
        for path in ["/v1/events", "/", "/healthz", "/metrics"] {
            let answer = server.get(path).at(*address).send().await;
            assert_eq!(answer.status, 404, "{path}");
        }
    }
    assert_eq!(server.head(), 4);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_in_use_is_named() {
    let server = TestServer::start().await;
    let taken = server.address;
    let data_dir = tempfile::tempdir().unwrap();
    let recorder = annals_recorder::Recorder::open(annals_recorder::config::RecorderConfig::at(
        data_dir.path(),
    ));
    let config = ServerConfig {
        listen: "127.0.0.1:0".parse().unwrap(),
        otlp: vec![taken],
        ..ServerConfig::default()
    };
    let recorder = recorder.unwrap();
    let error = Server::bind(config, recorder.clone()).unwrap_err();
    assert!(error.to_string().contains(&taken.to_string()), "{error}");
    recorder.close().unwrap();
    server.stop().await;
}
