//! What is kept of items: the item itself, under an identity that never changes, without its secrets.

use std::collections::BTreeSet;

use annals_core::dialect::ForeignContext;
use annals_core::dialect::otlp::{Item, OTLP, Signal, read};
use annals_core::secrets::{MaskKey, Scanner};
use annals_core::time::Timestamp;
use serde_json::json;

use super::requests::{facts, list, log, span};
use crate::fixtures::{catalog, documents, stored, workspace, write};

/// An item is kept beside its payload: a secret must be found in both.
#[test]
fn a_secret_in_an_attribute_is_in_neither_the_payload_nor_the_item() {
    let secret = "hunter2-Xk3pQ";
    let pairs = json!({
        "db.password": secret,
        "password": [secret],
        "nested": {"client_secret": secret, "list": [{"api_key": format!("{secret}-and-something-longer")}]},
    });
    let event = json!({"name": "e", "attributes": list(&pairs)});
    for operation in ["chat", "execute_tool", "none"] {
        let mut attributes = pairs.clone();
        attributes["gen_ai.operation.name"] = json!(operation);
        let document = span("trip", "n", attributes.clone(), json!({"events": [event]}));
        // A number instead of a text of one: the list cannot be referred to as a whole.
        let other = document.replace("\"kind\":3", "\"kind\":3,\"odd\":[]");
        let record = log("trip", "gen_ai.evaluation.result", attributes);
        for document in [document, other, record] {
            for (draft, _) in facts(&document) {
                let redacted = Scanner::builtin().redact_draft(&MaskKey::new([7; 32]), &draft);
                let text = redacted.draft.to_json();
                assert!(!text.contains(secret), "{text}");
                let written = write(OTLP, &stored(&redacted.draft));
                assert!(written.is_none_or(|written| !written.contains(secret)));
            }
        }
    }
}

#[test]
fn no_id_and_no_name_of_telemetry_is_taken_for_a_secret() {
    for document in documents(OTLP) {
        for (draft, _) in facts(&document) {
            let redacted = Scanner::builtin().redact_draft(&MaskKey::new([7; 32]), &draft);
            assert_eq!(redacted.draft.to_json(), draft.to_json());
        }
    }
}

/// Persisted: whoever sends an item again must get the event that is there.
#[test]
fn identities_never_change() {
    let id = |document: &str| {
        let ids = facts(document).into_iter().map(|(draft, _)| draft.event_id.unwrap().to_string());
        ids.collect::<Vec<_>>()
    };
    let chat = span("t", "chat", json!({"gen_ai.operation.name": "chat"}), json!({}));
    let counted = json!({"session.id": "s-1", "event.sequence": 3});
    let counted = log("claude-code", "api_error", counted);
    let uncounted = log("t", "x", json!({}));
    let point = r#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"m","gauge":{"dataPoints":[{"timeUnixNano":"1","asInt":"1"}]}}]}]}]}"#;
    let ids: Vec<_> = [&chat, &counted, &uncounted, point].into_iter().flat_map(id).collect();
    assert_eq!(
        ids,
        [
            "8bf40e59-bf92-8c32-a838-c081b681adef",
            "fb13d1c9-5885-890d-bdc3-8c2140ea119f",
            "aa1dfd42-d234-8a9b-b793-852004440e2b",
            "ce332b7a-326c-81e1-9867-6d315885a1a1",
            "b8365aaf-1f84-815b-a7ae-cd5680dfb788",
        ]
    );
    // Who reads the same point with another value has the same point before him.
    assert_eq!(id(&point.replace("\"asInt\":\"1\"", "\"asInt\":\"2\"")), id(point));
}

#[test]
fn a_replay_is_the_same_event_and_another_item_is_another() {
    let mut ids = BTreeSet::new();
    let mut fact_count = 0;
    for document in documents(OTLP) {
        let (first, again) = (facts(&document), facts(&document));
        for ((draft, _), (repeated, _)) in first.iter().zip(&again) {
            assert_eq!(draft, repeated);
            ids.insert(draft.event_id.unwrap().to_string());
            fact_count += 1;
        }
    }
    assert_eq!(ids.len(), fact_count);
}

/// Claude Code counts its events from the beginning when a session is taken up again.
#[test]
fn two_events_with_one_count_at_different_times_are_two() {
    let one = log("claude-code", "api_error", json!({"session.id": "s", "event.sequence": 1}));
    let other = one.replace("1790000000000000000", "1790000009000000000");
    assert_ne!(facts(&one)[0].0.event_id, facts(&other)[0].0.event_id);
}

#[test]
fn a_beginning_has_no_form_of_its_own() {
    let document = span("t", "chat", json!({"gen_ai.operation.name": "chat"}), json!({}));
    let facts = facts(&document);
    assert_eq!(write(OTLP, &stored(&facts[0].0)), None);
    assert_eq!(write(OTLP, &stored(&facts[1].0)).unwrap(), document);
}

#[test]
fn every_item_comes_back_byte_for_byte() {
    for document in documents(OTLP) {
        let last = facts(&document).pop().unwrap().0;
        assert_eq!(write(OTLP, &stored(&last)).unwrap(), document);
    }
}

/// Beside its payload an event keeps no more of an item than the item has.
#[test]
fn nothing_long_is_kept_twice() {
    let text = "a long text that is said once ".repeat(100);
    let attributes =
        json!({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.call.result": text});
    let document = span("trip", "execute_tool x", attributes, json!({}));
    let end = facts(&document).pop().unwrap().0;
    assert!(stored(&end).len() < document.len() + 1_500);
}

#[test]
fn neither_the_place_in_the_request_nor_the_time_of_receipt_makes_another_event() {
    let (workspace, catalog) = (workspace(), catalog());
    let document = span("t", "n", json!({}), json!({}));
    let read_at = |index: usize, micros| {
        let context = ForeignContext {
            workspace_id: &workspace,
            catalog: &catalog,
            received_at: Timestamp::from_micros(micros),
        };
        read(Signal::Traces, &Item { index, document: document.clone() }, &context).unwrap()
    };
    assert_eq!(read_at(0, 0), read_at(7, 1_790_000_000_000_000));
}
