//! Who may do what: every route × {no token, expired, too weak, wrong workspace}, enumerated from
//! the OpenAPI document, so that a new route cannot be forgotten.
#![cfg(test)]

mod support;

use hyper::Method;
use serde_json::{Value, json};
use support::{Call, TestServer, event};

/// What a route needs. A route that is not here fails the test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Need {
    Nothing,
    AnyToken,
    Append,
    Read,
    Verify,
    ReadAndVerify,
    Operate,
}

fn need(method: &str, path: &str) -> Need {
    match (method, path) {
        ("GET", "/healthz" | "/readyz") | ("POST", "/v1/session") => Need::Nothing,
        (
            "GET",
            "/openapi.json" | "/asyncapi.json" | "/v1/status" | "/v1/settings" | "/v1/catalog"
            | "/v1/catalog/schema" | "/v1/limits",
        ) => Need::AnyToken,
        ("POST", "/v1/events" | "/v1/cloudevents") => Need::Append,
        ("POST", "/v1/doors/{dialect}" | "/v1/traces" | "/v1/logs" | "/v1/metrics") => Need::Append,
        ("GET" | "POST", "/v1/tokens")
        | ("POST", "/v1/tokens/{token_id}/revoke" | "/v1/session/codes") => Need::Operate,
        (
            "GET",
            "/metrics" | "/v1/tail" | "/v1/runs" | "/v1/agents" | "/v1/tool-calls" | "/v1/types"
            | "/v1/metrics" | "/v1/usage",
        ) => Need::Read,
        ("GET", "/v1/runs/{run_id}" | "/v1/runs/{run_id}/spans" | "/v1/events" | "/v1/streams") => {
            Need::Read
        }
        ("GET", "/v1/events/{event_id}" | "/v1/streams/{stream_type}/{stream_id}") => Need::Read,
        ("GET", "/v1/streams/{stream_type}/{stream_id}/events") => Need::Read,
        ("GET", "/v1/redactions") => Need::Read,
        ("GET", "/v1/runs/{run_id}/evidence") => Need::ReadAndVerify,
        ("GET", "/v1/log/segments" | "/v1/log/segments/{first_position}")
        | ("POST", "/v1/settings" | "/v1/log/key/rotate" | "/v1/events/{event_id}/redact") => {
            Need::Operate
        }
        ("GET", path) if path.starts_with("/v1/log/") => Need::Verify,
        _ => panic!("say in this test what {method} {path} needs"),
    }
}

struct Route {
    method: Method,
    pattern: String,
    path: String,
    need: Need,
}

fn routes() -> Vec<Route> {
    let document = serde_json::to_value(annals_server::openapi::document()).unwrap();
    let mut routes = Vec::new();
    for (pattern, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            let method = method.to_uppercase();
            let path = pattern
                .replace("{event_id}", "0190b3c4-1111-7abc-8def-0123456789ab")
                .replace("{stream_type}", "run")
                .replace("{stream_id}", "r")
                .replace("{run_id}", "r")
                .replace("{dialect}", "hive")
                .replace("{path}", "0/000")
                .replace("{first_position}", "1")
                .replace("{token_id}", "nobody");
            let need = need(&method, pattern);
            routes.push(Route {
                method: method.parse().unwrap(),
                pattern: pattern.clone(),
                path,
                need,
            });
        }
    }
    assert!(routes.len() >= 38);
    routes
}

impl Route {
    fn call(&self, server: &TestServer) -> Call {
        let call = server.call(self.method.clone(), &self.path);
        if self.method == Method::POST { call.json(&json!({})) } else { call }
    }

    fn name(&self) -> String {
        format!("{} {}", self.method, self.pattern)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_refuses_missing_wrong_and_expired_tokens() {
    let server = TestServer::start().await;
    let request = json!({"workspace_id": "default", "rights": ["append", "read", "verify"], "expires_in_s": 60});
    let expired = server.issue(request).await["token"].as_str().unwrap().to_owned();
    server.clock.shift_seconds(61);
    let before = server.head();
    for route in routes().iter().filter(|route| route.need != Need::Nothing) {
        let name = route.name();
        let missing = route.call(&server).header("authorization", "");
        assert_eq!(missing.refused().await, (401, "unauthorized".to_owned()), "{name}");
        let wrong = route.call(&server).bearer(&format!("{}0", server.owner));
        assert_eq!(wrong.refused().await, (401, "unauthorized".to_owned()), "{name}");
        let basic = route.call(&server).header("authorization", &format!("Basic {}", server.owner));
        assert_eq!(basic.refused().await, (401, "unauthorized".to_owned()), "{name}");
        let late = route.call(&server).bearer(&expired);
        assert_eq!(late.refused().await, (401, "token_expired".to_owned()), "{name}");
    }
    assert_eq!(server.head(), before);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_refuses_tokens_that_are_too_weak() {
    let server = TestServer::start().await;
    let weak = [
        ("append", server.token("default", &["append"]).await),
        ("read", server.token("default", &["read"]).await),
        ("verify", server.token("default", &["verify"]).await),
    ];
    let before = server.head();
    for route in routes() {
        let word = match route.need {
            Need::Nothing | Need::AnyToken => continue,
            Need::Append => "append",
            Need::Read => "read",
            Need::Verify => "verify",
            // Either right alone is too little.
            Need::ReadAndVerify => "read, verify",
            Need::Operate => "operate",
        };
        for (_, token) in weak.iter().filter(|(right, _)| *right != word) {
            let answer = route.call(&server).bearer(token).send().await;
            assert_eq!(answer.status, 403, "{}: {}", route.name(), answer.text());
            let needs = match answer.error_info() {
                Some(info) => info["metadata"]["needs"].clone(),
                None => answer.value()["details"]["needs"].clone(),
            };
            assert_eq!(needs, word, "{}", route.name());
        }
    }
    assert_eq!(server.head(), before);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn open_routes_need_no_token() {
    let server = TestServer::start().await;
    for route in routes().iter().filter(|route| route.need == Need::Nothing) {
        let answer = route.call(&server).header("authorization", "").send().await;
        let is_login = route.pattern == "/v1/session";
        assert_eq!(answer.status, if is_login { 400 } else { 200 }, "{}", route.name());
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workspace_sees_nothing_of_another() {
    let server = TestServer::start().await;
    let started =
        support::with(event("r", json!({"run_id": "r"})), "event_type", json!("run.started"));
    let receipt = server.accept(&started).await;
    let position = receipt["position"].as_u64().unwrap();
    let other = server.token("other", &["append", "read"]).await;
    let event_path = format!("/v1/events/{}", receipt["event_id"].as_str().unwrap());
    let refused = async |path: &str| server.get(path).bearer(&other).refused().await.1;
    assert_eq!(refused(&event_path).await, "event_not_found");
    assert_eq!(refused("/v1/streams/run/r").await, "stream_not_found");
    assert_eq!(refused("/v1/streams/run/r/events").await, "stream_not_found");
    assert_eq!(refused(&format!("/v1/runs/r?min_position={position}")).await, "run_not_found");
    for (path, list) in [
        ("/v1/events", "events"),
        ("/v1/streams", "streams"),
        ("/v1/runs", "runs"),
        ("/v1/agents", "agents"),
        ("/v1/tool-calls", "tool_calls"),
        ("/v1/usage", "rows"),
        ("/v1/redactions", "redactions"),
    ] {
        let answer = server.get(path).bearer(&other).send().await.value();
        assert_eq!(answer[list], json!([]), "{path}");
    }
    let hash = receipt["event_hash"].as_str().unwrap();
    let seen = server.get(&format!("/v1/tail?after={position}:{hash}")).bearer(&other);
    assert_eq!(seen.refused().await, (409, "history_diverged".to_owned()));
    let foreign = support::with(event("r", json!(1)), "workspace_id", json!("default"));
    let answer = server.append(&foreign).bearer(&other).refused().await;
    assert_eq!(answer, (403, "unauthorized_workspace".to_owned()));
    let same_name = server.append(&event("r", json!(1))).bearer(&other).send().await.value();
    assert_eq!(same_name["stream_seq"], 1, "the same stream name is another stream");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scoped_token_appends_only_within_its_scope() {
    let server = TestServer::start().await;
    let request = json!({"workspace_id": "default", "rights": ["append"],
        "stream_types": ["run"], "event_types": ["test.happened"], "name": "narrow"});
    let token = server.issue(request).await["token"].as_str().unwrap().to_owned();
    assert_eq!(server.append(&event("r", json!(1))).bearer(&token).send().await.status, 201);
    let other = support::with(event("r", json!(1)), "event_type", json!("other.type"));
    assert_eq!(server.append(&other).bearer(&token).refused().await, (403, "forbidden".to_owned()));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_listed_without_secrets_and_end_when_revoked() {
    let server = TestServer::start().await;
    let issued =
        server.issue(json!({"workspace_id": "w", "rights": ["read"], "name": "one"})).await;
    let (token, token_id) =
        (issued["token"].as_str().unwrap(), issued["token_id"].as_str().unwrap());
    assert_eq!(server.get("/v1/events").bearer(token).send().await.status, 200);
    let list = server.get("/v1/tokens").send().await;
    assert!(!list.text().contains(token));
    assert_eq!(list.value()["tokens"][0]["name"], "one");
    let revoke = server.call(Method::POST, &format!("/v1/tokens/{token_id}/revoke"));
    assert_eq!(revoke.send().await.value(), json!({"token_id": token_id, "revoked": true}));
    assert_eq!(
        server.get("/v1/events").bearer(token).refused().await,
        (401, "unauthorized".to_owned())
    );
    let unknown = server.call(Method::POST, "/v1/tokens/nobody/revoke");
    assert_eq!(unknown.refused().await, (404, "token_not_found".to_owned()));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_token_requests_are_refused() {
    let server = TestServer::start().await;
    for (request, code) in [
        (json!({"workspace_id": "w", "rights": []}), "invalid_body"),
        (json!({"workspace_id": "w", "rights": ["operate"]}), "invalid_body"),
        (json!({"workspace_id": "w", "rights": ["fly"]}), "invalid_body"),
        (json!({"workspace_id": "..", "rights": ["read"]}), "invalid_body"),
        (json!({"workspace_id": "w", "rights": ["read"], "expires_in_s": 0}), "invalid_body"),
        (json!({"workspace_id": "w", "rights": ["read"], "right": 1}), "invalid_body"),
    ] {
        let call = server.call(Method::POST, "/v1/tokens").json(&request);
        assert_eq!(call.refused().await, (400, code.to_owned()), "{request}");
    }
    let call = server.call(Method::POST, "/v1/tokens").json(&Value::Null).body("{");
    assert_eq!(call.refused().await, (400, "invalid_json".to_owned()));
    let call = server.call(Method::POST, "/v1/tokens").body("{}");
    assert_eq!(call.refused().await, (415, "unsupported_media_type".to_owned()));
    assert_eq!(server.head(), 0);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_code_is_traded_once_for_a_session_that_only_reads() {
    let server = TestServer::start().await;
    let code = server.call(Method::POST, "/v1/session/codes").send().await;
    assert_eq!(code.status, 201);
    let code = code.value();
    let secret = code["code"].as_str().unwrap();
    assert_eq!(code["url"], format!("http://{}/#login={secret}", server.address));
    let trade = || {
        server
            .call(Method::POST, "/v1/session")
            .header("authorization", "")
            .json(&json!({"code": secret}))
    };
    let session = trade().send().await;
    assert_eq!(session.status, 201);
    let session = session.value();
    assert_eq!(session["rights"], json!(["read", "verify"]));
    assert_eq!(trade().refused().await, (401, "invalid_code".to_owned()));
    let bearer = session["token"].as_str().unwrap();
    assert_eq!(server.get("/v1/events").bearer(bearer).send().await.status, 200);
    let append = server.append(&event("r", json!(1))).bearer(bearer);
    assert_eq!(append.refused().await, (403, "forbidden".to_owned()));
    assert_eq!(server.get("/v1/tokens").bearer(bearer).refused().await.0, 403);
    // The session is a fact on the log: an administrator sees it, and it outlives the process.
    let tokens = server.get("/v1/tokens").send().await.value();
    assert_eq!(tokens["tokens"][0]["name"], "dashboard");
    server.clock.shift_seconds(12 * 60 * 60 + 1);
    assert_eq!(
        server.get("/v1/events").bearer(bearer).refused().await,
        (401, "token_expired".to_owned())
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_in_the_query_open_nothing() {
    let server = TestServer::start().await;
    let path = format!("/v1/events?token={}", server.owner);
    let call = server.get(&path).header("authorization", "");
    assert_eq!(call.refused().await, (401, "unauthorized".to_owned()));
    server.stop().await;
}
