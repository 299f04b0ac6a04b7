//! Requests of one item, and what is read of them.

use annals_core::envelope::Draft;
use annals_core::json::Json;
use serde_json::{Value, json};

use crate::fixtures::read_item;

pub(super) fn compact(request: &Value) -> String {
    Json::parse(request.to_string().as_bytes()).unwrap().into_string()
}

pub(super) fn typed(value: &Value) -> Value {
    match value {
        Value::Null => json!({}),
        Value::Bool(truth) => json!({"boolValue": truth}),
        Value::Number(number) if number.is_f64() => json!({"doubleValue": number}),
        Value::Number(number) => json!({"intValue": number.to_string()}),
        Value::String(text) => json!({"stringValue": text}),
        Value::Array(list) => {
            json!({"arrayValue": {"values": list.iter().map(typed).collect::<Vec<_>>()}})
        }
        Value::Object(_) => json!({"kvlistValue": {"values": list(value)}}),
    }
}

pub(super) fn list(object: &Value) -> Vec<Value> {
    let members = object.as_object().unwrap().iter();
    members.map(|(key, value)| json!({"key": key, "value": typed(value)})).collect()
}

pub(super) const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
pub(super) const SPAN: &str = "00f067aa0ba902b7";
pub(super) const PARENT: &str = "53995c3f42cd8ad8";

/// A request of one span; `extra` goes over it.
pub(super) fn span(service: &str, name: &str, attributes: Value, extra: Value) -> String {
    let mut span = json!({
        "traceId": TRACE, "spanId": SPAN, "parentSpanId": PARENT, "name": name, "kind": 3,
        "startTimeUnixNano": "1790000000000000000", "endTimeUnixNano": "1790000001500000000",
        "attributes": list(&attributes), "status": {},
    });
    for (key, value) in extra.as_object().unwrap() {
        span[key] = value.clone();
    }
    compact(&json!({"resourceSpans": [{
        "resource": {"attributes": list(&json!({"service.name": service}))},
        "scopeSpans": [{"scope": {}, "spans": [span]}],
    }]}))
}

/// A request of one log record.
pub(super) fn log(service: &str, event: &str, attributes: Value) -> String {
    let mut attributes = attributes;
    attributes["event.name"] = json!(event);
    compact(&json!({"resourceLogs": [{
        "resource": {"attributes": list(&json!({"service.name": service}))},
        "scopeLogs": [{"logRecords": [{
            "timeUnixNano": "1790000000000000000", "body": {"stringValue": event},
            "attributes": list(&attributes),
        }]}],
    }]}))
}

pub(super) fn facts(document: &str) -> Vec<(Draft, Value)> {
    let drafts = read_item(document).unwrap_or_else(|fault| panic!("{fault}: {document}"));
    drafts
        .into_iter()
        .map(|draft| {
            let data = serde_json::from_str(&draft.data).unwrap();
            (draft, data)
        })
        .collect()
}

pub(super) fn types(document: &str) -> Vec<String> {
    facts(document).iter().map(|(draft, _)| draft.event_type.to_string()).collect()
}
