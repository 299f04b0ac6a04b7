//! Lenient workspaces: what does not fit is kept with a mark, and nothing else is let in by it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what it did not expect")]

mod support;

use std::sync::Arc;

use annals_core::dialect::{ForeignReader, readers};
use annals_core::envelope::Authority;
use annals_core::event::Event;
use annals_core::id::WorkspaceId;
use annals_core::json::member;
use annals_recorder::Recorder;
use annals_recorder::config::RecorderConfig;
use annals_recorder::principal::{Principal, Rights};
use annals_recorder::redaction::RedactRequest;
use annals_recorder::refusal::{AppendRefusal, EventRefusal};
use annals_recorder::request::{AppendRequest, BatchAnswer, BodyFormat, Door, Receipt};
use annals_recorder::settings::{SchemaMode, SettingsRefusal, SettingsRequest};
use annals_store::query::{PageLimit, Query};
use serde_json::{Value, json};
use support::{append_all, line};

const WRONG: &str = r#"{"event_id":"0190b3c4-1111-7abc-8def-0123456789ab","event_type":"tool.invoked","actor":{"actor_type":"agent","actor_id":"a"},"stream":{"stream_type":"run","stream_id":"r"},"data":{"tool_call_id":["s3cret"],"tool_name":"Bash"}}"#;
const MARK: &str = r#"{"pointer":"/tool_call_id","rule":"/properties/tool_call_id/type","problem":"value is not of type \"string\""}"#;

fn request(recorder: &Recorder, body: &str) -> AppendRequest {
    AppendRequest {
        principal: Arc::clone(recorder.access().owner()),
        door: Door::Native,
        format: BodyFormat::Json,
        body: body.to_owned().into(),
        atomicity: None,
        expected_seq: None,
        traceparent: None,
    }
}

fn agentos() -> Arc<dyn ForeignReader> {
    readers().iter().find(|reader| reader.dialect().as_str() == "agentos").unwrap().clone()
}

/// A document that says that a workspace's settings were changed.
fn report(data: &str) -> String {
    format!(
        r#"{{"event_id":"4b1c8f52-0e2e-4f0e-9d37-3a5a0b1a9e02","event_type":"workspace.settings_changed","event_version":1,"occurred_at":"2026-11-20T10:00:00.000Z","workspace_id":"default","actor":{{"actor_type":"agent","actor_id":"agt_1"}},"stream":{{"stream_type":"workspace","stream_id":"default","stream_seq":9}},"correlation_id":"c1","data":{data}}}"#
    )
}

async fn set(recorder: &Recorder, mode: SchemaMode) -> bool {
    let by = Arc::clone(recorder.access().owner());
    let request = SettingsRequest { workspace_id: None, schemas: Some(mode) };
    recorder.change_settings(by, request).await.unwrap().1
}

async fn append(recorder: &Recorder, body: &str) -> Result<(Receipt, bool), EventRefusal> {
    match recorder.append(request(recorder, body)).await {
        Ok(BatchAnswer::One { receipt, replayed }) => Ok((receipt, replayed)),
        Err(AppendRefusal::Event { refusal, .. }) => Err(refusal),
        other => panic!("{other:?}"),
    }
}

fn kept(recorder: &Recorder) -> Vec<Event> {
    recorder.log().scan(&Query::default(), PageLimit::events(100)).unwrap().events
}

#[tokio::test]
async fn what_does_not_fit_is_refused_until_the_workspace_says_otherwise() {
    let recorder = Recorder::open(RecorderConfig::in_memory()).unwrap();
    let refusal = append(&recorder, WRONG).await.unwrap_err();
    assert!(matches!(refusal, EventRefusal::Schema { .. }), "{refusal:?}");
    assert!(kept(&recorder).is_empty());

    assert!(set(&recorder, SchemaMode::Lenient).await);
    assert!(!set(&recorder, SchemaMode::Lenient).await, "it was no change");
    let (receipt, replayed) = append(&recorder, WRONG).await.unwrap();
    assert!(!replayed);
    let json = receipt.event.to_json();
    assert_eq!(member(&json, "schema_violation"), Some(MARK), "{json}");
    assert_eq!(recorder.stats().snapshot().schema_failures["tool.invoked"], 2);
    let fine = WRONG.replace("[\"s3cret\"]", "\"c1\"").replace("89ab", "89ac");
    let (receipt, _) = append(&recorder, &fine).await.unwrap();
    assert_eq!(member(&receipt.event.to_json(), "schema_violation"), None);

    assert!(set(&recorder, SchemaMode::Strict).await);
    let (first, replayed) = append(&recorder, WRONG).await.unwrap();
    assert!(replayed, "a repetition is answered whatever has changed");
    assert_eq!(member(&first.event.to_json(), "schema_violation"), Some(MARK));
    let other = WRONG.replace("89ab", "89ad");
    assert!(append(&recorder, &other).await.is_err());
    let types: Vec<_> = kept(&recorder).iter().map(|event| event.event_type().to_owned()).collect();
    let changed = "workspace.settings_changed";
    assert_eq!(types, [changed, "tool.invoked", "tool.invoked", changed]);
}

#[tokio::test]
async fn a_sender_cannot_set_the_mark_and_a_redaction_leaves_it() {
    let recorder = Recorder::open(RecorderConfig::in_memory()).unwrap();
    set(&recorder, SchemaMode::Lenient).await;
    let forged = WRONG.replacen('{', &format!("{{\"schema_violation\":{MARK},"), 1);
    let refusal = append(&recorder, &forged).await.unwrap_err();
    assert!(refusal.to_string().contains("`schema_violation` is set by the server"), "{refusal}");
    let (receipt, _) = append(&recorder, WRONG).await.unwrap();
    let event_id = receipt.event.event_id();
    let redaction = RedactRequest {
        workspace_id: None,
        event_id,
        reason: "it held a password".to_owned(),
        replacement: None,
    };
    recorder.redact(Arc::clone(recorder.access().owner()), redaction).await.unwrap();
    let events = kept(&recorder);
    let redacted = events.iter().find(|event| event.event_id() == event_id).unwrap();
    let mut json = String::new();
    recorder.marks().write_event(redacted, &mut json);
    assert_eq!(member(&json, "schema_violation"), Some(MARK), "{json}");
    assert!(!json.contains("s3cret"), "{json}");
}

/// A report of a decision has the shape of one or is not kept, and limits are no matter of schemas.
#[tokio::test]
async fn neither_reports_of_decisions_nor_limits_are_lenient() {
    let recorder = Recorder::open(RecorderConfig::in_memory()).unwrap();
    set(&recorder, SchemaMode::Lenient).await;
    let before = kept(&recorder).len();
    let report = report(r#"{"schemas":7}"#);
    let door = agentos();
    let by_door = AppendRequest { door: Door::Foreign(door), ..request(&recorder, &report) };
    let refusal = recorder.append(by_door).await.unwrap_err();
    assert!(refusal.to_string().contains("does not fit its schema"), "{refusal}");
    let stray_room = WRONG.replace("\"data\"", "\"room_id\":\"x\",\"data\"");
    let far_ahead = WRONG.replace("\"data\"", "\"occurred_at\":\"2999-01-01T00:00:00Z\",\"data\"");
    let reserved = WRONG.replace("tool.invoked", "annals.lagged");
    for (body, is_expected) in [
        (
            stray_room,
            (|refusal| matches!(refusal, EventRefusal::RoomStreamMismatch { .. }))
                as fn(&EventRefusal) -> bool,
        ),
        (far_ahead, |refusal| matches!(refusal, EventRefusal::ClockAhead { .. })),
        (reserved, |refusal| matches!(refusal, EventRefusal::ReservedType { .. })),
    ] {
        let refusal = append(&recorder, &body).await.unwrap_err();
        assert!(is_expected(&refusal), "{refusal:?}");
    }
    assert_eq!(kept(&recorder).len(), before);
}

#[tokio::test]
async fn a_report_of_the_setting_changes_nothing() {
    let recorder = Recorder::open(RecorderConfig::in_memory()).unwrap();
    let report = report(r#"{"schemas":"lenient"}"#);
    let door = agentos();
    let by_door = AppendRequest { door: Door::Foreign(door), ..request(&recorder, &report) };
    recorder.append(by_door).await.unwrap();
    let native = report_natively();
    let refusal = append(&recorder, &native).await.unwrap_err();
    assert!(matches!(refusal, EventRefusal::ControlType { .. }), "{refusal:?}");
    let owner = Arc::clone(recorder.access().owner());
    assert_eq!(recorder.settings(&owner, None).unwrap().schemas, SchemaMode::Strict);
    assert!(append(&recorder, WRONG).await.is_err());
}

fn report_natively() -> String {
    WRONG.replace("tool.invoked", "workspace.settings_changed")
}

#[tokio::test]
async fn settings_come_back_at_a_start_and_are_each_workspaces_own() {
    let directory = tempfile::tempdir().unwrap();
    let config = || RecorderConfig::at(directory.path());
    let recorder = Recorder::open(config()).unwrap();
    let owner = Arc::clone(recorder.access().owner());
    let team: WorkspaceId = "team-a".parse().unwrap();
    let lenient =
        || SettingsRequest { workspace_id: Some(team.clone()), schemas: Some(SchemaMode::Lenient) };
    let unknown = recorder.change_settings(Arc::clone(&owner), lenient()).await.unwrap_err();
    assert!(matches!(unknown, SettingsRefusal::UnknownWorkspace { .. }), "{unknown:?}");
    let token = annals_recorder::access::IssueToken {
        kind: annals_recorder::access::TokenKind::Token,
        workspace_id: team.clone(),
        rights: Rights::APPEND.with(Rights::READ),
        name: None,
        expires_in_s: None,
        stream_types: None,
        event_types: None,
    };
    let issued = recorder.issue_token(Arc::clone(&owner), token).await.unwrap();
    let now = recorder.clock().now();
    let member_of_team: Arc<Principal> =
        recorder.access().authenticate(&issued.token, now).unwrap();
    let weak = recorder.change_settings(Arc::clone(&member_of_team), lenient()).await.unwrap_err();
    assert!(matches!(weak, SettingsRefusal::Forbidden), "{weak:?}");
    recorder.change_settings(Arc::clone(&owner), lenient()).await.unwrap();
    recorder.close().unwrap();
    drop(recorder);

    let recorder = Recorder::open(config()).unwrap();
    let owner = Arc::clone(recorder.access().owner());
    let of_team = recorder.settings(&owner, Some(&team)).unwrap();
    assert_eq!(of_team.schemas, SchemaMode::Lenient);
    let change = of_team.change.unwrap();
    assert_eq!(change.changed_by.as_str(), "owner");
    assert_eq!(recorder.settings(&owner, None).unwrap().schemas, SchemaMode::Strict);
    assert_eq!(recorder.own_settings(&member_of_team).schemas, SchemaMode::Lenient);
    let of_default = recorder.settings(&member_of_team, Some(&"default".parse().unwrap()));
    assert!(matches!(of_default, Err(SettingsRefusal::Forbidden)));
    recorder.close().unwrap();
}

/// Every payload of the catalog with each member, and each member of a member, of every wrong kind:
/// what a lenient workspace keeps must not stop whoever folds it.
#[tokio::test]
async fn the_views_pass_whatever_a_lenient_workspace_keeps() {
    let recorder = Recorder::open(RecorderConfig::in_memory()).unwrap();
    set(&recorder, SchemaMode::Lenient).await;
    let mut lines = Vec::new();
    for entry in recorder.catalog().entries() {
        if recorder.catalog().authority(&entry.event_type) == Authority::Control {
            continue;
        }
        let example = entry.example.as_deref().unwrap_or("null");
        for data in spoiled(&serde_json::from_str(example).unwrap(), 2) {
            lines.push(line("r", "a", &entry.event_type, 1, &data.to_string()));
        }
    }
    assert!(lines.len() > 5_000, "{}", lines.len());
    append_all(&recorder, &lines).await;
    let wait = recorder.views().wait_for(recorder.head().position);
    tokio::time::timeout(std::time::Duration::from_secs(60), wait).await.unwrap();
    assert!(!recorder.views().is_stale());
    assert_eq!(recorder.views().position(), recorder.head().position);
    let marked = |event: &Event| member(&event.to_json(), "schema_violation").is_some();
    let page = recorder.log().scan(&Query::default(), PageLimit::events(1_000)).unwrap();
    assert!(page.events.iter().filter(|event| marked(event)).count() > 100);
}

fn spoiled(value: &Value, depth: u32) -> Vec<Value> {
    let mut all = vec![
        json!(-7),
        json!(1e308),
        json!("x"),
        json!([1]),
        json!({"a": 1}),
        json!(null),
        json!(true),
    ];
    let (Some(members), true) = (value.as_object(), depth > 0) else { return all };
    for (name, inner) in members {
        for wrong in spoiled(inner, depth - 1) {
            let mut copy = value.clone();
            copy[name] = wrong;
            all.push(copy);
        }
    }
    all
}
