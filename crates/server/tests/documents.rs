//! What the server says of itself: OpenAPI, AsyncAPI, metrics, health, limits, dashboard, headers.
#![cfg(test)]

mod support;

use std::path::PathBuf;

use annals_core::catalog::Catalog;
use serde_json::{Value, json};
use support::{TestServer, event, with};

/// Run with `ANNALS_BLESS=1` to write the document anew after the API changed.
#[test]
fn the_committed_openapi_document_is_the_one_that_is_served() {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
    let mut document = annals_server::openapi::document().to_pretty_json().unwrap();
    document.push('\n');
    if std::env::var_os("ANNALS_BLESS").is_some() {
        std::fs::write(&file, &document).unwrap();
    }
    let committed = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        committed == document,
        "docs/openapi.json has drifted; run this test with ANNALS_BLESS=1"
    );
}

#[test]
fn every_operation_has_an_id_of_its_own_and_every_reference_leads_somewhere() {
    let document = serde_json::to_value(annals_server::openapi::document()).unwrap();
    let mut ids = Vec::new();
    for item in document["paths"].as_object().unwrap().values() {
        for operation in item.as_object().unwrap().values() {
            ids.push(operation["operationId"].as_str().unwrap().to_owned());
        }
    }
    let count = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), count, "{ids:?}");
    assert_references(&document, &document);
    let document = annals_server::asyncapi::document(&catalog());
    assert_references(&document, &document);
}

fn catalog() -> Catalog {
    Catalog::builtin().unwrap()
}

/// The rules of AsyncAPI 3 that a document can break by what is in the catalog. The whole document
/// was held against AsyncAPI's own parser when this was written.
#[test]
fn every_type_of_the_catalog_is_a_message_of_the_asyncapi_document() {
    let document = annals_server::asyncapi::document(&catalog());
    let messages = document["components"]["messages"].as_object().unwrap();
    // One for each type, and event, lagged and consistency.
    assert_eq!(messages.len(), catalog().entries().len() + 3);
    for entry in catalog().entries() {
        let message = messages.values().find(|message| message["name"] == entry.event_type);
        let reference =
            message.unwrap()["payload"]["allOf"][1]["properties"]["data"]["$ref"].clone();
        let data =
            document.pointer(reference.as_str().unwrap().strip_prefix('#').unwrap()).unwrap();
        let schema: Value =
            entry.schema.as_deref().map_or(json!({}), |text| serde_json::from_str(text).unwrap());
        assert_eq!(data["required"], schema["required"], "{}", entry.event_type);
        let names = |schema: &Value| {
            schema["properties"].as_object().map(|all| all.keys().cloned().collect::<Vec<_>>())
        };
        assert_eq!(names(data), names(&schema), "{}", entry.event_type);
    }
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "._-".contains(letter);
    for kind in ["messages", "schemas"] {
        for key in document["components"][kind].as_object().unwrap().keys() {
            assert!(key.chars().all(is_plain), "{key}");
        }
    }
    for channel in ["tail", "stream"] {
        let carried = document["channels"][channel]["messages"].as_object().unwrap();
        assert_eq!(carried.len(), messages.len(), "{channel}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_that_no_route_writes_yet_is_refused_and_said_to_be_one() {
    let server = TestServer::start().await;
    let claimed = with(event("r", json!({})), "event_type", json!("lease.claimed"));
    let problem = server.append(&claimed).send().await.value();
    assert_eq!(problem["reason_code"], "control_type");
    assert!(problem["detail"].as_str().unwrap().contains("no route of this version writes it"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_catalog_is_told_as_it_is_with_its_schemas_in_both_shapes() {
    let server = TestServer::start().await;
    let told = server.get("/v1/catalog").send().await.value();
    let answer: annals_api::wire::CatalogAnswer = serde_json::from_value(told.clone()).unwrap();
    assert_eq!(serde_json::to_value(&answer).unwrap(), told, "the wire type lacks a member");
    assert_eq!(answer.types.len(), catalog().entries().len());
    let plain = server.get("/v1/catalog/schema").send().await.value();
    let same = server.get("/v1/catalog/schema?shape=envelope").send().await.value();
    let hive = server.get("/v1/catalog/schema?shape=hive").send().await.value();
    assert_eq!(plain, same);
    assert!(plain["$defs"]["tool.invoked"]["properties"]["tool_call_id"].is_object());
    assert!(hive["anyOf"].as_array().unwrap().iter().any(|branch| branch["title"] == "PreToolUse"));
    assert_references(&plain, &plain);
    assert_references(&hive, &hive);
    let wrong = server.get("/v1/catalog/schema?shape=round").send().await;
    assert_eq!(wrong.value()["reason_code"], "invalid_parameter");
    server.stop().await;
}

fn assert_references(root: &Value, value: &Value) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(reference)) = members.get("$ref") {
                let pointer = reference.strip_prefix('#').unwrap();
                assert!(root.pointer(pointer).is_some(), "{reference}");
            }
            members.values().for_each(|member| assert_references(root, member));
        }
        Value::Array(items) => items.iter().for_each(|item| assert_references(root, item)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_documents_are_served() {
    let server = TestServer::start().await;
    let openapi = server.get("/openapi.json").send().await;
    assert_eq!(openapi.value(), serde_json::to_value(annals_server::openapi::document()).unwrap());
    assert_eq!(openapi.value()["openapi"].as_str().unwrap().split('.').next(), Some("3"));
    let asyncapi = server.get("/asyncapi.json").send().await.value();
    assert_eq!(asyncapi["asyncapi"], "3.0.0");
    assert_eq!(asyncapi["channels"]["tail"]["address"], "/v1/tail");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_have_the_exact_names_of_the_seed_and_ours() {
    let server = TestServer::start().await;
    server.accept(&event("r", json!(1))).await;
    server
        .accept(&with(event("r", json!({"run_id": "r"})), "event_type", json!("run.started")))
        .await;
    let bad = with(event("r", json!({})), "event_type", json!("tool.invoked"));
    server.append(&bad).send().await;
    server.get("/v1/events").header("authorization", "").send().await;
    let answer = server.get("/metrics").send().await;
    assert!(answer.header("content-type").starts_with("text/plain; version=0.0.4"));
    let text = answer.text();
    let has = |line: &str| assert!(text.lines().any(|known| known == line), "{line}\n{text}");
    has("events_processed_total{event_type=\"run.started\"} 1");
    has("events_processed_total{event_type=\"other\"} 1");
    has("# TYPE processing_duration_seconds histogram");
    has("processing_duration_seconds_count 3");
    has("processing_errors_total{error_type=\"schema_violation\"} 1");
    has("schema_validation_failures{event_type=\"tool.invoked\"} 1");
    has("# TYPE events_processed_total counter");
    has("annals_head_position 2");
    has("annals_failed_authentications_total 1");
    has("oxios_audit_lagged_events_total 0");
    has("annals_http_requests_total{method=\"POST\",route=\"/v1/events\",status=\"2xx\"} 2");
    for name in [
        "annals_checkpoint_size",
        "annals_checkpoint_age_seconds",
        "annals_checkpoints_signed_total",
        "annals_commits_total",
        "annals_commit_seconds_total",
        "annals_queue_bytes",
        "annals_tails",
        "annals_view_lag_events",
        "annals_connections",
        "annals_body_bytes",
        "annals_uptime_seconds",
    ] {
        assert!(text.lines().any(|line| line.starts_with(&format!("{name} "))), "{name}\n{text}");
    }
    assert!(!text.contains("_total_total"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn health_limits_status_and_catalog_are_told() {
    let server = TestServer::start().await;
    assert_eq!(server.get("/healthz").send().await.value(), json!({"status": "ok"}));
    assert_eq!(server.get("/readyz").send().await.value(), json!({"status": "ready"}));
    let limits: annals_api::wire::Limits =
        serde_json::from_value(server.get("/v1/limits").send().await.value()).unwrap();
    assert_eq!((limits.event_bytes_max, limits.batch_events_max), (1 << 20, 10_000));
    let status: annals_api::wire::Status =
        serde_json::from_value(server.get("/v1/status").send().await.value()).unwrap();
    assert_eq!(
        (status.head_position, status.recorded_at, status.workspace_id.as_str()),
        (0, None, "default")
    );
    let catalog: annals_api::wire::CatalogAnswer =
        serde_json::from_value(server.get("/v1/catalog").send().await.value()).unwrap();
    assert!(catalog.types.iter().any(|entry| entry.event_type == "tool.invoked"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_has_the_security_headers() {
    let server = TestServer::start().await;
    for path in ["/v1/events", "/v1/nothing", "/healthz", "/"] {
        let answer = server.get(path).header("accept", "text/html,*/*").send().await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
        assert!(
            answer.header("content-security-policy").contains("frame-ancestors 'none'"),
            "{path}"
        );
        assert!(!answer.header("x-request-id").is_empty(), "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), "", "{path}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_dashboard_answers_browsers_on_every_path_but_the_apis() {
    let server = TestServer::start().await;
    let browse =
        |path: &str| server.get(path).header("authorization", "").header("accept", "text/html");
    for path in ["/", "/runs/r-1"] {
        let answer = browse(path).send().await;
        assert!(answer.header("content-type").starts_with("text/html"), "{path}");
        assert!(answer.text().contains("Annals"), "{path}");
        let etag = answer.header("etag");
        if !etag.is_empty() {
            let again = browse(path).header("if-none-match", etag).send().await;
            assert_eq!((again.status.as_u16(), again.body.len()), (304, 0));
        }
    }
    assert_eq!(browse("/v1/nothing").refused().await, (404, "route_not_found".to_owned()));
    let script = server.get("/nothing.js").header("accept", "*/*");
    assert_eq!(script.refused().await, (404, "route_not_found".to_owned()));
    assert!(!browse("/../Cargo.toml").send().await.text().contains("[package]"));
    server.stop().await;
}
