//! How formats grow: newer minor versions, unknown members and unknown words survive; a version that
//! may mean something else is refused by name. And what is special to each format.

use annals_core::dialect::ForeignFault;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::fixtures::{read, stored, value, write};

const HIVE: &str = r#"{"event_id":"4b1c8f52-0e2e-4f0e-9d37-3a5a0b1a9e01","timestamp":"2026-11-20T10:00:00.5","event_type":"PreToolUse","event_category":"tool","workflow_id":"d95bafc8-f2a4-427b-9cf4-bb99f4bea973","agent_id":"0925e474-9b57-4bd1-b653-f8dd9b1f282e","session_id":"5c6e4337-15ba-4bdd-9772-19d30e7a269f","payload":{"tool_name":"Read","parameters":{"path":"a.rs"}},"metadata":{"schema_version":"1.0.0","correlation_id":"feac7eb7-dc38-4519-b917-51dacdbd47d3"}}"#;
const AGENTOS: &str = r#"{"event_id":"4b1c8f52-0e2e-4f0e-9d37-3a5a0b1a9e02","event_type":"tool.invoked","event_version":1,"occurred_at":"2026-11-20T10:00:00.000Z","workspace_id":"ws_other","room_id":"room_1","actor":{"actor_type":"agent","actor_id":"agt_1"},"zone":"high_stakes","stream":{"stream_type":"room","stream_id":"room_1","stream_seq":9},"correlation_id":"c1","data":{"tool_call_id":"tc_1","tool_name":"Read"}}"#;

fn comes_back(dialect: &str, document: &str) -> String {
    let envelope =
        stored(&read(dialect, document).unwrap_or_else(|fault| panic!("{fault}: {document}")));
    let written = write(dialect, &envelope).unwrap();
    assert_eq!(value(&written), value(document), "{envelope}");
    envelope
}

fn refusal(dialect: &str, document: &str) -> String {
    read(dialect, document).unwrap_err().to_string()
}

#[test]
fn newer_minor_versions_and_what_they_add_survive() {
    comes_back(
        "hive",
        &HIVE
            .replace("1.0.0", "1.7.2")
            .replace("\"payload\"", "\"added\":{\"a\":[0,null,false]},\"payload\""),
    );
    comes_back("hive", &HIVE.replace("PreToolUse", "NodeSkipped"));
    comes_back("hive", &HIVE.replace("\"tool\"", "\"tooling\""));
    comes_back("kernel", r#"{"CompactionTriggered":{"session_id":null,"source":"empty"}}"#);
    comes_back(
        "kernel",
        r#"{"ToolExecutionStarted":{"session_id":"s","tool_name":"t","tool_call_id":"c","tool_args":{},"priority":3}}"#,
    );
    comes_back("kernel", "\"Shutdown\"");
    comes_back("kernel", "{\"Shutdown\":null}");
    comes_back("kernel", "{\"Counted\":[1,2.50]}");
    comes_back("agentos", &AGENTOS.replace("tool.invoked", "tool.teleported"));
    comes_back("agentos", &AGENTOS.replace("\"high_stakes\"", "\"orbital\""));
}

#[test]
fn breaking_versions_are_refused_by_name() {
    let refused = read("hive", &HIVE.replace("1.0.0", "2.0.0")).unwrap_err();
    assert!(matches!(refused, ForeignFault::UnsupportedVersion { .. }), "{refused}");
    assert_eq!(refused.to_string(), "version 2.0.0 is not read here; 1.x is");
    let text = AGENTOS.replace("\"event_version\":1", "\"event_version\":9");
    assert!(refusal("agentos", &text).starts_with("version 9 of tool.invoked is not read here"));
    assert!(matches!(
        read("envelope", r#"{"specVersion":"4.0"}"#).unwrap_err(),
        ForeignFault::UnsupportedVersion { .. }
    ));
}

#[test]
fn faults_name_their_place() {
    let cases = [
        ("hive", "[]", "a document of this dialect is a JSON object"),
        ("hive", "{}", "`/event_type` is required"),
        ("hive", r#"{"event_type":7}"#, "`/event_type` is wrong: it must be a string"),
        (
            "kernel",
            r#"{"A":{},"B":{}}"#,
            "`` is wrong: it must have one member, named after its variant",
        ),
        ("kernel", "7", "a document of this dialect is a JSON object"),
        (
            "agentos",
            r#"{"event_type":"a","event_id":"b","occurred_at":"c"}"#,
            "`/occurred_at` is wrong",
        ),
        ("envelope", r#"{"id":"a"}"#, "`/intent` is required"),
    ];
    for (dialect, document, expected) in cases {
        let found = refusal(dialect, document);
        assert!(found.starts_with(expected), "{dialect} {document}: {found}");
    }
    let refused = refusal("hive", &HIVE.replace("2026-11-20T10:00:00.5", "noon"));
    assert!(refused.starts_with("`/timestamp` is wrong"), "{refused}");
}

#[test]
fn a_name_that_only_sounds_like_one_of_ours_is_not_taken_for_it() {
    for name in ["tool.invoked", "token.issued", "lease.stolen", "annals.lagged", "has space", "ü"]
    {
        let document = HIVE.replace("PreToolUse", name);
        let draft = read("hive", &document).unwrap();
        assert_eq!(draft.event_type.as_str(), "foreign.event");
        assert_eq!(draft.origin.origin_type.as_deref(), Some(name));
        comes_back("hive", &document);
    }
    let own = read("hive", &HIVE.replace("PreToolUse", "NodeSkipped")).unwrap();
    assert_eq!(own.event_type.as_str(), "NodeSkipped");
}

#[test]
fn a_time_without_a_zone_is_utc_and_keeps_its_text() {
    let draft = read("hive", HIVE).unwrap();
    assert_eq!(draft.occurred_at.unwrap().to_string(), "2026-11-20T10:00:00.500000Z");
    assert_eq!(draft.origin.time.as_deref(), Some("2026-11-20T10:00:00.5"));
}

#[test]
fn hives_own_forms_are_read() {
    let flat = HIVE
        .replace("\"payload\":{", "")
        .replace("\"parameters\":{\"path\":\"a.rs\"}}", "\"parameters\":{\"path\":\"a.rs\"}");
    let draft = read("hive", &flat).unwrap();
    assert_eq!(draft.event_type.as_str(), "tool.invoked");
    comes_back("hive", &flat);
    let tagged = HIVE
        .replace("\"2026-11-20T10:00:00.5\"", "{\"__datetime__\":\"2026-11-20T10:00:00.5\"}")
        .replace(
            "\"4b1c8f52-0e2e-4f0e-9d37-3a5a0b1a9e01\"",
            "{\"__uuid__\":\"4b1c8f52-0e2e-4f0e-9d37-3a5a0b1a9e01\"}",
        )
        .replace("\"tool\",", "{\"__enum__\":\"tool\"},");
    let draft = read("hive", &tagged).unwrap();
    assert_eq!(draft.event_id.unwrap().to_string(), "4b1c8f52-0e2e-4f0e-9d37-3a5a0b1a9e01");
    comes_back("hive", &tagged);
    let spaced =
        serde_json::to_string(&HIVE.replace("\":", "\": ").replace(",\"", ", \"")).unwrap();
    let entry = format!(
        r#"{{"event_data":{spaced},"event_type":"PreToolUse","event_category":"tool","agent_id":"0925e474-9b57-4bd1-b653-f8dd9b1f282e","session_id":"5c6e4337-15ba-4bdd-9772-19d30e7a269f","timestamp":"2026-11-20T10:00:00.5","metadata":"{{\"serialization_format\": \"json\"}}"}}"#
    );
    let envelope = comes_back("hive", &entry);
    assert!(!envelope.contains("differences"), "{envelope}");
    comes_back("hive", &format!("{{\"event_data\":{tagged},\"stream_id\":\"1-0\"}}"));
}

/// The bytes are not kept, because no search for secrets reads them; what they say is.
#[test]
fn an_entry_of_bytes_comes_back_with_what_the_bytes_say() {
    let odd = HIVE.replace(",\"event_type\"", " ,\n \"event_type\"");
    let forms: [(&str, Vec<u8>); 3] = [
        ("bytes", HIVE.as_bytes().to_vec()),
        ("spaced bytes", odd.into_bytes()),
        ("msgpack", annals_core::msgpack::from_json(HIVE)),
    ];
    for (form, bytes) in forms {
        for is_compressed in [false, true] {
            let held = if is_compressed { zlib(&bytes) } else { bytes.clone() };
            let bin = serde_json::json!({"$bin": STANDARD.encode(&held)});
            let entry = serde_json::json!({
                "event_data": bin,
                "stream": "s",
                "metadata": serde_json::json!({"compressed": is_compressed}).to_string(),
            });
            let draft = read("hive", &entry.to_string()).unwrap();
            assert_eq!(draft.event_type.as_str(), "tool.invoked");
            let said = format!("{}{form}", if is_compressed { "zlib " } else { "" });
            let kept = stored(&draft);
            assert!(kept.contains(&format!("\"form\":\"{said}\"")), "{said}: {kept}");
            assert!(!kept.contains(&STANDARD.encode(&held)), "{said}: {kept}");
            let out = value(&write("hive", &kept).unwrap());
            assert_eq!(out["stream"], "s");
            let bytes = STANDARD.decode(out["event_data"]["$bin"].as_str().unwrap()).unwrap();
            let bytes = if is_compressed { unzlib(&bytes) } else { bytes };
            let text = match form {
                "msgpack" => {
                    let mut text = Vec::new();
                    let limits = annals_core::json::JsonLimits::EVENT;
                    annals_core::msgpack::to_json(&bytes, &mut text, &limits).unwrap();
                    String::from_utf8(text).unwrap()
                }
                _ => String::from_utf8(bytes).unwrap(),
            };
            assert_eq!(value(&text), value(HIVE), "{said}");
        }
    }
    let pythons = r#"{"event_data":{"$bin":"AAAA"},"metadata":"{'compressed': True}"}"#;
    let refused = read("hive", pythons).unwrap_err().to_string();
    assert!(refused.contains("is no zlib stream"), "{refused}");
    let text = r#"{"event_data":"eJw=","metadata":"{\"compressed\":true}"}"#;
    assert!(read("hive", text).unwrap_err().to_string().contains("is no bytes"));
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::new(9));
    std::io::Write::write_all(&mut encoder, bytes).unwrap();
    encoder.finish().unwrap()
}

fn unzlib(bytes: &[u8]) -> Vec<u8> {
    let mut held = Vec::new();
    let mut decoder = flate2::read::ZlibDecoder::new(bytes);
    std::io::Read::read_to_end(&mut decoder, &mut held).unwrap();
    held
}

#[test]
fn ids_that_are_no_uuids_go_out_as_uuids_and_come_back() {
    let native = r#"{"position":1,"event_id":"0190b3c4-1111-7abc-8def-0123456789ab","event_type":"tool.invoked","event_version":1,"occurred_at":"2026-11-20T10:00:00.000000Z","recorded_at":"2026-11-20T10:00:00.000000Z","workspace_id":"ws_test","run_id":"run_1","actor":{"actor_type":"agent","actor_id":"claude-code"},"stream":{"stream_type":"run","stream_id":"run_1","stream_seq":1},"correlation_id":"run_1","data":{"tool_call_id":"toolu_1","tool_name":"Bash","input":{"n":1.0e2}}}"#;
    let hive = write("hive", native).unwrap();
    let document = value(&hive);
    assert_eq!(document["metadata"]["annals"]["/workflow_id"], "run_1");
    assert_ne!(document["workflow_id"], "run_1");
    let draft = read("hive", &hive).unwrap();
    assert_eq!(draft.scope.run_id.as_ref().unwrap().as_str(), "run_1");
    assert_eq!(draft.actor.actor_id.as_str(), "claude-code");
    assert_eq!(draft.correlation_id.as_ref().unwrap().as_str(), "toolu_1");
    assert!(draft.data.contains("\"input\":{\"n\":1.0e2}"), "{}", draft.data);
    comes_back("hive", &hive);
    // Nobody can claim an id of ours: the UUID must be the one that stands for it here.
    let forged = hive.replace("\"run_1\"", "\"run_2\"");
    let draft = read("hive", &forged).unwrap();
    assert_ne!(draft.scope.run_id.as_ref().unwrap().as_str(), "run_2");
    comes_back("hive", &forged);
    let kernel = write(
        "kernel",
        &native
            .replace("tool.invoked", "agent.started")
            .replace("\"data\":{", "\"data\":{\"agent_id\":\"claude-code\","),
    )
    .unwrap();
    assert_eq!(value(&kernel)["AgentStarted"]["annals"]["/id"], "claude-code");
    assert_eq!(read("kernel", &kernel).unwrap().actor.actor_id.as_str(), "claude-code");
    comes_back("kernel", &kernel);
}

#[test]
fn rooms_and_claims_of_another_server_are_kept() {
    let draft = read("agentos", AGENTOS).unwrap();
    assert_eq!(draft.workspace_id, None, "the tenant is the credential's");
    assert_eq!(draft.stream.to_string(), "room/room_1");
    let extensions = draft.extensions.as_deref().unwrap();
    for claim in ["\"workspace_id\":\"ws_other\"", "\"stream_seq\":9", "\"zone\":\"high_stakes\""] {
        assert!(extensions.contains(claim), "{extensions}");
    }
    comes_back("agentos", AGENTOS);
    let elsewhere = AGENTOS.replace(
        "\"stream_type\":\"room\",\"stream_id\":\"room_1\"",
        "\"stream_type\":\"thread\",\"stream_id\":\"th_1\"",
    );
    assert_eq!(read("agentos", &elsewhere).unwrap().stream.to_string(), "room/room_1");
    comes_back("agentos", &elsewhere);
    let unsaid = AGENTOS.replace("\"room_id\":\"room_1\",", "");
    assert_eq!(read("agentos", &unsaid).unwrap().scope.room_id.unwrap().as_str(), "room_1");
    comes_back("agentos", &unsaid);
    let row = r#"{"event_id":"evt-7","event_type":"run.started","event_version":1,"occurred_at":"2026-11-20T10:00:00Z","room_id":null,"actor_type":"user","actor_id":"dana","actor":"user:dana","run_id":"run_1","stream_type":"workspace","stream_id":"ws_other","stream_seq":3,"correlation_id":"c1","data":{"run_id":"run_1"}}"#;
    let draft = read("agentos", row).unwrap();
    assert_eq!(draft.actor.actor_id.as_str(), "dana");
    assert_eq!(draft.stream.to_string(), "workspace/ws_other");
    assert_eq!(draft.origin.id.as_deref(), Some("evt-7"));
    comes_back("agentos", row);
}

/// What `extensions.translation` says is persisted: its members never change their meaning.
#[test]
fn the_notes_of_a_translation_are_written_so() {
    let tagged = r#"{"event_id":{"__uuid__":"4b1c8f52-0e2e-4f0e-9d37-3a5a0b1a9e01"},"timestamp":"2026-11-20T10:00:00","event_type":"PreToolUse","tool_name":"Read","parameters":{},"event_category":"tool"}"#;
    let entry = format!(r#"{{"event_data":{tagged},"agent_id":"","stream":"s"}}"#);
    let draft = read("hive", &entry).unwrap();
    assert_eq!(
        draft.extensions.as_deref(),
        Some(
            r#"{"translation":{"entry":{"form":"object","beside":{"stream":"s"}},"tagged":{"__uuid__":["/event_id"]},"shape":"flat","added":["tool_call_id"],"differences":{"/event_type":[],"/event_category":[],"/session_id":[],"/timestamp":[]}}}"#
        )
    );
    comes_back("hive", &entry);
    // An event that was kept by any earlier version goes out as it came.
    let kept = stored(&draft);
    assert_eq!(value(&write("hive", &kept).unwrap()), value(&entry));
}
