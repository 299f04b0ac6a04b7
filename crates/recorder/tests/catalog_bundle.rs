//! The catalog's bundles of schemas, held against what they describe.
#![cfg(test)]

use std::path::Path;

use annals_core::catalog::{BundleShape, Catalog};
use serde_json::{Value, json};

fn validator(shape: BundleShape) -> jsonschema::Validator {
    let bundle = Catalog::builtin().unwrap().schema_bundle(shape);
    let bundle: Value = serde_json::from_str(&bundle).unwrap();
    assert!(jsonschema::draft202012::meta::is_valid(&bundle));
    jsonschema::draft202012::new(&bundle).unwrap()
}

fn envelope(event_type: &str, version: u32, data: &Value) -> Value {
    json!({
        "event_type": event_type,
        "event_version": version,
        "actor": {"actor_type": "agent", "actor_id": "a"},
        "stream": {"stream_type": "run", "stream_id": "r"},
        "data": data,
    })
}

#[test]
fn every_example_fits_the_bundle_and_a_wrong_payload_does_not() {
    let validator = validator(BundleShape::Envelope);
    for entry in Catalog::builtin().unwrap().entries() {
        let data = serde_json::from_str(entry.example.as_deref().unwrap()).unwrap();
        let event = envelope(&entry.event_type, entry.version, &data);
        assert!(validator.is_valid(&event), "{}", entry.event_type);
    }
    let wrong = envelope("tool.invoked", 1, &json!({"tool_call_id": 7}));
    assert!(!validator.is_valid(&wrong));
    // What the bundle must let pass: other types, other versions, and what is left of a redacted event.
    assert!(validator.is_valid(&envelope("my.own.type", 1, &json!(7))));
    assert!(validator.is_valid(&envelope("tool.invoked", 9, &json!(7))));
    let mut redacted = envelope("tool.invoked", 1, &Value::Null);
    assert!(!validator.is_valid(&redacted));
    redacted["redaction"] = json!({"reason": "a password"});
    assert!(validator.is_valid(&redacted));
    assert!(!validator.is_valid(&json!({"event_type": "my.own.type", "data": 1})));
}

fn hive(event_type: &str, category: &str, payload: &Value) -> Value {
    json!({
        "event_id": "0190b3c4-1111-7abc-8def-0123456789ab",
        "timestamp": "2026-01-01T00:00:00Z",
        "event_type": event_type,
        "event_category": category,
        "payload": payload,
    })
}

#[test]
fn the_hive_bundle_nests_the_payload_and_requires_it() {
    let validator = validator(BundleShape::Hive);
    let call = hive("PreToolUse", "tool", &json!({"tool_name": "Bash", "parameters": {}}));
    assert!(validator.is_valid(&call));
    let mut bare = call.clone();
    bare.as_object_mut().unwrap().remove("payload");
    assert!(!validator.is_valid(&bare));
    let named_as_ours = hive("PreToolUse", "tool", &json!({"tool_name": "Bash", "input": {}}));
    assert!(!validator.is_valid(&named_as_ours), "`parameters` is what the hive calls it");
    assert!(!validator.is_valid(&hive("PreToolUse", "agent", &call["payload"])));
    assert!(!validator.is_valid(&hive("NoSuchType", "tool", &json!({}))));
}

/// What the source's own schema requires of each payload.
const HIVE_REQUIRED: [(&str, &[&str]); 29] = [
    ("WorkflowStarted", &["workflow_name", "workflow_definition"]),
    ("WorkflowEnded", &["status", "completion_reason"]),
    ("WorkflowPaused", &["pause_reason"]),
    ("WorkflowResumed", &["resume_reason"]),
    ("NodeExecuting", &["node_id", "node_type"]),
    ("NodeCompleted", &["node_id", "success"]),
    ("NodeFailed", &["node_id", "error_type", "error_message"]),
    ("AgentStateChanged", &["previous_state", "new_state"]),
    ("AgentCapabilityUtilized", &["capability_name", "utilization_context"]),
    ("AgentStarted", &["lifecycle_event"]),
    ("AgentStopped", &["lifecycle_event"]),
    ("AgentPaused", &["lifecycle_event"]),
    ("AgentResumed", &["lifecycle_event"]),
    ("PreToolUse", &["tool_name", "parameters"]),
    ("PostToolUse", &["tool_name", "success"]),
    ("ToolRegistered", &["tool_name", "action"]),
    ("ToolUnregistered", &["tool_name", "action"]),
    ("ToolUpdated", &["tool_name", "action"]),
    ("SemanticQuery", &["query_text", "query_embedding"]),
    ("SemanticUpdate", &["operation_type", "content"]),
    ("MemoryConsolidation", &["consolidation_type", "trigger_reason"]),
    ("MessagePublished", &["message_id", "from_agent", "to_agent", "message_type"]),
    ("MessageReceived", &["message_id", "from_agent", "processing_status"]),
    ("BroadcastEvent", &["broadcast_id", "from_agent", "broadcast_type"]),
    ("FailureDetected", &["failure_type", "failure_description", "affected_component"]),
    ("RecoveryInitiated", &["recovery_strategy", "trigger_failure"]),
    ("RecoveryCompleted", &["recovery_success", "final_state"]),
    ("SystemHealthCheck", &["health_status", "check_type"]),
    ("ConfigurationChange", &["component", "change_type"]),
];

#[test]
fn the_hive_bundle_requires_nothing_that_the_source_does_not() {
    let bundle = Catalog::builtin().unwrap().schema_bundle(BundleShape::Hive);
    let bundle: Value = serde_json::from_str(&bundle).unwrap();
    let branches = bundle["anyOf"].as_array().unwrap();
    let mut faults = Vec::new();
    for (name, required) in HIVE_REQUIRED {
        let named: Vec<&Value> = branches.iter().filter(|branch| branch["title"] == name).collect();
        assert!(!named.is_empty(), "{name}");
        for branch in named {
            let demanded = branch["properties"]["payload"]["required"].as_array().unwrap();
            let demanded: Vec<&str> = demanded.iter().map(|name| name.as_str().unwrap()).collect();
            let more: Vec<_> = demanded.iter().filter(|one| !required.contains(one)).collect();
            // Ids are made by the dialect where a document lacks them, so that none is demanded.
            let less: Vec<_> = required
                .iter()
                .filter(|one| !demanded.contains(one) && !one.ends_with("_id"))
                .collect();
            if !more.is_empty() || !less.is_empty() {
                faults.push(format!("{name}: more {more:?}, less {less:?}"));
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn the_fixtures_of_the_hive_fit_its_bundle() {
    let file =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../core/tests/fixtures/dialects/hive.ndjson");
    let validator = validator(BundleShape::Hive);
    let mut faults = Vec::new();
    for line in std::fs::read_to_string(file).unwrap().lines() {
        let document: Value = serde_json::from_str(line).unwrap();
        if !validator.is_valid(&document) {
            faults.push(line.chars().take(300).collect::<String>());
        }
    }
    assert!(faults.is_empty(), "{} documents: {faults:#?}", faults.len());
}
