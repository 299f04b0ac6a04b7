//! The log as a whole over HTTP: checkpoints, tiles, proofs, redaction, segments.
#![cfg(test)]

mod support;

use std::time::Duration;

use annals_core::checkpoint::SignedCheckpoint;
use annals_core::hash::Digest;
use annals_core::merkle::{
    ConsistencyProof, InclusionProof, leaf_hash, root, verify_consistency, verify_inclusion,
};
use annals_core::note::VerifierKey;
use annals_server::{ServerConfig, Timings};
use http_body_util::BodyExt;
use hyper::Method;
use serde_json::{Value, json};
use support::sse::TailReader;
use support::{TestServer, event};

async fn append(server: &TestServer, run_id: &str, count: u64) -> Vec<Value> {
    let batch: Vec<Value> = (1..=count).map(|n| event(run_id, json!({"n": n}))).collect();
    server.accept(&json!(batch)).await["results"].as_array().unwrap().clone()
}

async fn checkpoint(server: &TestServer) -> SignedCheckpoint {
    SignedCheckpoint::parse(&server.get("/v1/log/checkpoint").send().await.text()).unwrap()
}

fn digest(value: &Value) -> Digest {
    value.as_str().unwrap().parse().unwrap()
}

fn path(value: &Value) -> Vec<Digest> {
    value.as_array().unwrap().iter().map(digest).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_covers_what_is_durable_and_is_signed_by_the_shown_key() {
    let server = TestServer::start().await;
    append(&server, "r", 5).await;
    let signed = checkpoint(&server).await;
    assert_eq!(signed.checkpoint().size, server.head());
    let keys = server.get("/v1/log/key").send().await.text();
    let key: VerifierKey = keys.lines().next().unwrap().parse().unwrap();
    signed.verify(&key).unwrap();
    let status = server.get("/v1/log/status").send().await.value();
    assert_eq!(status["root_hash"], signed.checkpoint().root.to_string());
    assert_eq!(status["key"], key.to_string());
    assert_eq!(status["origin"], signed.checkpoint().origin);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_event_is_proved_to_be_in_the_tree() {
    let server = TestServer::start().await;
    let receipts = append(&server, "r", 20).await;
    let signed = checkpoint(&server).await;
    for receipt in &receipts {
        let position = receipt["position"].as_u64().unwrap();
        let proof = server.get(&format!("/v1/log/inclusion?position={position}")).send().await;
        let proof = proof.value();
        let hash = digest(&receipt["event_hash"]);
        assert_eq!(digest(&proof["leaf_hash"]), leaf_hash(hash.as_bytes()));
        let nodes = path(&proof["path"]);
        let size = proof["size"].as_u64().unwrap();
        assert_eq!(size, signed.checkpoint().size);
        let claim = InclusionProof { leaf_index: position - 1, size, path: &nodes };
        verify_inclusion(&claim, &leaf_hash(hash.as_bytes()), &signed.checkpoint().root).unwrap();
    }
    let beyond = server.get("/v1/log/inclusion?position=999").refused().await;
    assert_eq!(beyond, (404, "not_in_tree".to_owned()));
    let none = server.get("/v1/log/inclusion").refused().await;
    assert_eq!(none, (400, "invalid_parameter".to_owned()));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_checkpoint_is_proved_to_be_a_prefix_of_a_newer_one() {
    let server = TestServer::start().await;
    append(&server, "r", 7).await;
    let old = checkpoint(&server).await;
    append(&server, "r", 9).await;
    let new = checkpoint(&server).await;
    let (from, to) = (old.checkpoint().size, new.checkpoint().size);
    let proof = server.get(&format!("/v1/log/consistency?from={from}&to={to}")).send().await;
    let nodes = path(&proof.value()["path"]);
    let claim = ConsistencyProof { old_size: from, new_size: to, path: &nodes };
    verify_consistency(&claim, &old.checkpoint().root, &new.checkpoint().root).unwrap();
    let beyond = server.get(&format!("/v1/log/consistency?from={from}&to=999")).refused().await;
    assert_eq!(beyond, (404, "not_in_tree".to_owned()));
    let turned = server.get(&format!("/v1/log/consistency?from={to}&to={from}")).refused().await;
    assert_eq!(turned, (400, "invalid_parameter".to_owned()));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tiles_lead_to_the_signed_root() {
    let server = TestServer::start().await;
    append(&server, "r", 300).await;
    let signed = checkpoint(&server).await;
    let rest = signed.checkpoint().size - 256;
    let mut leaves = Vec::new();
    for tile in ["0/000".to_owned(), format!("0/001.p/{rest}")] {
        let bytes = server.get(&format!("/v1/log/tile/{tile}")).send().await.body;
        leaves.extend(bytes.chunks_exact(32).filter_map(Digest::from_slice));
    }
    assert_eq!(root(&leaves), signed.checkpoint().root);
    let upper = server.get("/v1/log/tile/1/000.p/1").send().await.body;
    assert_eq!(Digest::from_slice(&upper), Some(root(&leaves[..256])));
    for wrong in ["0/001", "0/000.p/0", "0/002", "9", "0/1", "0/../0", "64/000", "0/001.p/256"] {
        let refused = server.get(&format!("/v1/log/tile/{wrong}")).refused().await;
        assert_eq!(refused.0, 404, "{wrong}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tail_proves_first_that_it_still_holds_a_known_tree() {
    let server = TestServer::start().await;
    append(&server, "r", 5).await;
    let old = checkpoint(&server).await;
    append(&server, "r", 5).await;
    let known = format!("{}:{}", old.checkpoint().size, old.checkpoint().root);
    for route in ["/v1/tail", "/v1/streams/run/r/events"] {
        let mut tail = TailReader::open(server.get(&format!("{route}?known={known}"))).await;
        let frame = tail.frame().await.unwrap();
        assert_eq!(frame.event.as_deref(), Some("annals.consistency"), "{route}");
        let told: Value = serde_json::from_str(&frame.data.unwrap()).unwrap();
        let new = SignedCheckpoint::parse(told["checkpoint"].as_str().unwrap()).unwrap();
        let nodes = path(&told["proof"]["path"]);
        let (old_size, new_size) = (old.checkpoint().size, new.checkpoint().size);
        let claim = ConsistencyProof { old_size, new_size, path: &nodes };
        verify_consistency(&claim, &old.checkpoint().root, &new.checkpoint().root).unwrap();
    }
    let refused =
        async |known: &str| server.get(&format!("/v1/tail?known={known}")).refused().await;
    let diverged = (409, "history_diverged".to_owned());
    let other = Digest::new([7; 32]);
    assert_eq!(refused(&format!("{}:{other}", old.checkpoint().size)).await, diverged);
    assert_eq!(refused(&format!("999:{}", old.checkpoint().root)).await, diverged);
    for wrong in ["x", "1", "1:2", ":", "-1:00"] {
        assert_eq!(refused(wrong).await, (400, "invalid_resume".to_owned()), "{wrong}");
    }
    let reader = server.token("default", &["read"]).await;
    let weak = server.get(&format!("/v1/tail?known={known}")).bearer(&reader).refused().await;
    assert_eq!(weak, (403, "forbidden".to_owned()), "the tree tells the size of the whole log");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redacted_event_keeps_its_place_and_its_proof() {
    let server = TestServer::start().await;
    let secret = "the-secret-that-must-go";
    let receipt = server.accept(&event("r", json!({"key": secret}))).await;
    let event_id = receipt["event_id"].as_str().unwrap();
    let old = checkpoint(&server).await;
    let request = json!({"reason": "a key", "replacement": {"key": "removed"}});
    let route = format!("/v1/events/{event_id}/redact");
    let redacted = server.call(Method::POST, &route).json(&request).send().await.value();
    assert_eq!(redacted["replayed"], false);
    let again = server.call(Method::POST, &route).json(&request).send().await.value();
    assert_eq!(again["replayed"], true);
    assert_eq!(again["redaction_event_id"], redacted["redaction_event_id"]);

    let shown = server.get(&format!("/v1/events/{event_id}")).send().await.value();
    assert_eq!(shown["data"], json!({"key": "removed"}));
    assert_eq!(shown["redaction"]["reason"], "a key");
    assert_eq!(shown["event_hash"], receipt["event_hash"]);
    let record = server.get(&format!("/v1/events/{event_id}?as=record")).send().await.value();
    assert_eq!((&record["body"], &record["salt"]), (&Value::Null, &Value::Null));
    assert_eq!(record["withheld"], "redacted");
    let position = receipt["position"].as_u64().unwrap();
    let size = old.checkpoint().size;
    let proof = server.get(&format!("/v1/log/inclusion?position={position}&size={size}"));
    let nodes = path(&proof.send().await.value()["path"]);
    let leaf = leaf_hash(digest(&receipt["event_hash"]).as_bytes());
    let claim = InclusionProof { leaf_index: position - 1, size, path: &nodes };
    verify_inclusion(&claim, &leaf, &old.checkpoint().root).unwrap();

    let list = server.get("/v1/redactions").send().await.value();
    assert_eq!(list["redactions"][0]["event_id"], event_id);
    assert_eq!(list["redactions"].as_array().unwrap().len(), 1);
    for (run_id, expected) in [("r", list["redactions"].clone()), ("r2", json!([]))] {
        let route = format!("/v1/redactions?run_id={run_id}");
        assert_eq!(server.get(&route).send().await.value()["redactions"], expected);
    }
    let dir = server.stop().await;
    for entry in walk(dir.path()) {
        let bytes = std::fs::read(&entry).unwrap();
        let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
        assert!(!found, "{} still has it", entry.display());
    }
}

fn walk(dir: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(walk(&path)) } else { files.push(path) }
    }
    files
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redaction_is_refused_by_name() {
    let server = TestServer::start().await;
    let receipt = server.accept(&event("r", json!(1))).await;
    let event_id = receipt["event_id"].as_str().unwrap();
    let route = format!("/v1/events/{event_id}/redact");
    let refused = async |route: &str, body: Value| {
        server.call(Method::POST, route).json(&body).refused().await
    };
    let invalid = (400, "invalid_body".to_owned());
    assert_eq!(refused(&route, json!({})).await, invalid);
    assert_eq!(refused(&route, json!({"reason": ""})).await, invalid);
    assert_eq!(refused(&route, json!({"reason": "x", "why": 1})).await, invalid);
    let unknown = "/v1/events/0190b3c4-0000-7000-8000-000000000000/redact";
    let missing = refused(unknown, json!({"reason": "x"})).await;
    assert_eq!(missing, (404, "event_not_found".to_owned()));
    let twice = r#"{"reason":"x","replacement":{"a":1,"a":2}}"#;
    let twice = server
        .call(Method::POST, &route)
        .header("content-type", "application/json")
        .body(twice)
        .refused()
        .await;
    assert_eq!(twice, (400, "duplicate_key".to_owned()));
    let done = server.call(Method::POST, &route).json(&json!({"reason": "x"})).send().await;
    let redaction = done.value()["redaction_event_id"].as_str().unwrap().to_owned();
    let itself = refused(&format!("/v1/events/{redaction}/redact"), json!({"reason": "x"})).await;
    assert_eq!(itself, (409, "not_redactable".to_owned()));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replaced_key_is_led_to_from_the_one_before() {
    let server = TestServer::start().await;
    let before = server.get("/v1/log/status").send().await.value();
    let keys = server.call(Method::POST, "/v1/log/key/rotate").send().await.value();
    assert_ne!(keys["key"], before["key"]);
    assert_eq!(keys["former_keys"], json!([before["key"]]));
    let status = server.get("/v1/log/status").send().await.value();
    let note = status["rotations"][0].as_str().unwrap();
    let rotation = annals_core::checkpoint::SignedRotation::parse_verified(note).unwrap();
    assert_eq!(rotation.statement().old_key.to_string(), before["key"]);
    assert_eq!(rotation.statement().new_key.to_string(), keys["key"]);
    let key: VerifierKey = keys["key"].as_str().unwrap().parse().unwrap();
    checkpoint(&server).await.verify(&key).unwrap();
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn segments_are_listed_and_read_as_they_are_durable() {
    let server = TestServer::start().await;
    append(&server, "r", 50).await;
    let list = server.get("/v1/log/segments").send().await.value();
    assert_eq!(list["head_position"], server.head());
    let segment = &list["segments"][0];
    assert_eq!(segment["first_position"], 1);
    let len = segment["byte_count"].as_u64().unwrap();
    let whole = server.get("/v1/log/segments/1").send().await.body;
    assert_eq!(whole.len() as u64, len);
    let part = server.get("/v1/log/segments/1?offset=10&len=7").send().await.body;
    assert_eq!(part, whole[10..17]);
    let beyond = server.get(&format!("/v1/log/segments/1?offset={}", len + 1)).refused().await;
    assert_eq!(beyond, (404, "segment_not_found".to_owned()));
    assert_eq!(server.get("/v1/log/segments/7").refused().await.1, "segment_not_found");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_exported_as_a_file_that_proves_itself() {
    let server = TestServer::start().await;
    let receipts = append(&server, "r", 300).await;
    append(&server, "other", 5).await;
    let hidden = receipts[7]["event_id"].as_str().unwrap();
    let route = format!("/v1/runs/r/evidence?hash_only={hidden}");
    let answer = server.get(&route).send().await;
    assert_eq!(answer.header("content-disposition"), "attachment; filename=\"evidence-r.json\"");
    let report = annals_core::evidence::verify_evidence(&answer.text()).unwrap();
    assert_eq!((report.event_count(), report.hash_only_count), (300, 1));
    let route = "/v1/runs/r/evidence?hash_only_type=none.*&hash_only_type=test.*";
    let report = server.get(route).send().await.text();
    let report = annals_core::evidence::verify_evidence(&report).unwrap();
    assert_eq!((report.event_count(), report.hash_only_count), (300, 300));
    let wrong = server.get("/v1/runs/r/evidence?hash_only_type=*").refused().await;
    assert_eq!(wrong, (400, "invalid_parameter".to_owned()));
    assert_eq!(server.get("/v1/runs/none/evidence").refused().await.1, "run_not_found");
    let wrong = server.get("/v1/runs/r/evidence?hash_only=x").refused().await;
    assert_eq!(wrong, (400, "invalid_parameter".to_owned()));
    let other = receipts[0]["event_id"].as_str().unwrap();
    let foreign = server.get(&format!("/v1/runs/other/evidence?hash_only={other}")).refused().await;
    assert_eq!(foreign, (404, "event_not_found".to_owned()), "what was meant would be shown");
    let elsewhere = server.token("elsewhere", &["read", "verify"]).await;
    let isolated = server.get("/v1/runs/r/evidence").bearer(&elsewhere).refused().await;
    assert_eq!(isolated.1, "run_not_found");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn exports_that_nobody_reads_do_not_keep_others_from_being_served() {
    let server = TestServer::start().await;
    // More than the sockets between server and reader take.
    for _ in 0..3 {
        let text = "x".repeat(250_000);
        let batch: Vec<Value> = (0..20).map(|_| event("r", json!(text))).collect();
        server.accept(&json!(batch)).await;
    }
    let route = "/v1/runs/r/evidence";
    let mut unread = Vec::new();
    for _ in 0..4 {
        let answer = server.get(route).open().await;
        assert_eq!(answer.status(), 200);
        unread.push(answer);
    }
    assert_eq!(server.get(route).refused().await, (503, "overloaded".to_owned()));
    checkpoint(&server).await;
    assert_eq!(server.get("/v1/log/inclusion?position=1").send().await.status, 200);
    assert_eq!(server.get("/v1/runs").send().await.status, 200);
    // What the readers give up, others get.
    drop(unread);
    let again = loop {
        let answer = server.get(route).send().await;
        if answer.status != 503 {
            break answer;
        }
    };
    let report = annals_core::evidence::verify_evidence(&again.text()).unwrap();
    assert_eq!(report.event_count(), 60);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_whose_reader_takes_nothing_is_broken_off() {
    let timings = Timings { write_stall: Duration::from_millis(50), ..Timings::default() };
    let server = TestServer::start_with(ServerConfig { timings, ..ServerConfig::default() }).await;
    for _ in 0..3 {
        let text = "x".repeat(250_000);
        let batch: Vec<Value> = (0..20).map(|_| event("r", json!(text))).collect();
        server.accept(&json!(batch)).await;
    }
    let route = "/v1/runs/r/evidence";
    let mut unread = Vec::new();
    for _ in 0..4 {
        unread.push(server.get(route).open().await.into_body());
    }
    // Room for others comes without the readers' doing anything.
    while server.get(route).open().await.status() == 503 {}
    let mut broken = 0;
    for body in unread {
        broken += u32::from(body.collect().await.is_err());
    }
    assert!(broken > 0, "what was broken off must not look whole");
    server.stop().await;
}
