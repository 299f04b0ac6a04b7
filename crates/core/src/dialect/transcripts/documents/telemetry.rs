//! Exports of telemetry: OTLP/JSON, and what Tempo, Jaeger and programs that list their spans write,
//! brought to OTLP/JSON first. The dialect `otlp` reads them.
//!
//! INVARIANT (same span, same event): the events are those that the server's OTLP door makes of the
//! same spans in the same workspace, so telemetry that has come both ways is there once.

use std::borrow::Cow;

use super::super::emit::FaultReason;
use super::super::fields::{Fields, ObjectText};
use super::Reader;
use super::jaeger;
use super::sheet::Sheet;
use super::span_list;
use crate::catalog::Catalog;
use crate::dialect::ForeignContext;
use crate::dialect::otlp::{Item, Signal, items, read};
use crate::json::{JsonKind, as_str, elements, kind, member};
use crate::time::Timestamp;

/// How an export is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Otlp,
    Tempo,
    Jaeger,
    SpanList,
}

/// Reads exports of one shape.
#[derive(Debug)]
pub(super) struct Telemetry {
    pub(super) shape: Shape,
}

impl Reader for Telemetry {
    fn record(&mut self, sheet: &mut Sheet<'_>, text: &str) {
        match self.shape {
            Shape::Otlp => requests(sheet, text),
            Shape::Tempo => tempo(sheet, text),
            Shape::Jaeger => {
                for request in jaeger::requests(text) {
                    take(sheet, Signal::Traces, &request);
                }
            }
            Shape::SpanList => take(sheet, Signal::Traces, &span_list::request(text)),
        }
    }
}

/// The members of a request that hold what resources sent.
const SIGNALS: [(&str, Signal); 3] = [
    ("resourceSpans", Signal::Traces),
    ("resourceLogs", Signal::Logs),
    ("resourceMetrics", Signal::Metrics),
];

/// An OTLP request of any signal, resource by resource, because an export of a day is one request.
fn requests(sheet: &mut Sheet<'_>, text: &str) {
    let wrapped = member(text, "trace").filter(|trace| kind(trace) == JsonKind::Object);
    let document = wrapped.unwrap_or(text);
    for (name, signal) in SIGNALS {
        let listed = member(document, name).filter(|list| kind(list) == JsonKind::Array);
        for resource in listed.into_iter().flat_map(elements) {
            take(sheet, signal, &format!("{{\"{name}\":[{resource}]}}"));
        }
    }
}

/// What Tempo writes: older names of OTLP's members, and ids in base64 in some versions.
fn tempo(sheet: &mut Sheet<'_>, text: &str) {
    for batch in member(text, "batches").into_iter().flat_map(elements) {
        let batch = renamed(batch, &|key, value| match key {
            "instrumentationLibrarySpans" | "scopeSpans" => {
                ("scopeSpans", list(value, &|scope| renamed(scope, &tempo_scope)))
            }
            _ => (key, value.to_owned()),
        });
        take(sheet, Signal::Traces, &format!("{{\"resourceSpans\":[{batch}]}}"));
    }
}

fn tempo_scope<'k>(key: &'k str, value: &str) -> (&'k str, String) {
    match key {
        "instrumentationLibrary" => ("scope", value.to_owned()),
        "spans" => (key, list(value, &|span| renamed(span, &tempo_span))),
        _ => (key, value.to_owned()),
    }
}

fn tempo_span<'k>(key: &'k str, value: &str) -> (&'k str, String) {
    match key {
        "traceId" | "spanId" | "parentSpanId" => (key, hex_id(value)),
        _ => (key, value.to_owned()),
    }
}

/// An id in hex: some versions write the bytes in base64, as protobuf's JSON does.
fn hex_id(value: &str) -> String {
    let text = as_str(value).unwrap_or_default();
    // Hex digits are letters of base64 too, but ids in hex have other lengths.
    if !matches!(text.len(), 12 | 24) {
        return value.to_owned();
    }
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::STANDARD.decode(text.as_bytes());
    bytes.map_or_else(
        |_| value.to_owned(),
        |bytes| {
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("\"{hex}\"")
        },
    )
}

/// An object with other names or values for some members.
fn renamed<'t>(
    object: &'t str,
    member_of: &dyn for<'k> Fn(&'k str, &str) -> (&'k str, String),
) -> String {
    let mut out = ObjectText::default();
    for (raw_key, value) in crate::json::members(object) {
        let key: Cow<'t, str> = crate::json::unescape(raw_key);
        let (key, value) = member_of(&key, value);
        out.raw(key, &value);
    }
    out.finish()
}

fn list(array: &str, of_element: &dyn Fn(&str) -> String) -> String {
    let parts: Vec<String> = elements(array).map(of_element).collect();
    format!("[{}]", parts.join(","))
}

/// Takes one request apart and keeps the events that its items state.
fn take(sheet: &mut Sheet<'_>, signal: Signal, request: &str) {
    let items: Vec<Item> = match items(signal, request) {
        Ok(items) => items,
        Err(fault) => return sheet.fault(FaultReason::Foreign(fault)),
    };
    let Ok(catalog) = Catalog::builtin() else { return };
    let workspace_id = sheet.workspace_id.clone();
    // A file was received when it was written, which it does not say.
    let received_at = Timestamp::from_micros(0);
    let context = ForeignContext { workspace_id: &workspace_id, catalog: &catalog, received_at };
    for item in &items {
        match read(signal, item, &context) {
            Ok(drafts) => drafts.into_iter().for_each(|draft| sheet.keep(draft)),
            Err(fault) => sheet.fault(FaultReason::Foreign(fault)),
        }
    }
}

/// A plain JSON value as OTLP's `AnyValue`.
pub(super) fn any_value(value: &str) -> String {
    match kind(value) {
        JsonKind::Null => "{}".to_owned(),
        JsonKind::String => format!("{{\"stringValue\":{value}}}"),
        JsonKind::Bool => format!("{{\"boolValue\":{value}}}"),
        JsonKind::Number if value.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') => {
            format!("{{\"intValue\":\"{value}\"}}")
        }
        JsonKind::Number => format!("{{\"doubleValue\":{value}}}"),
        JsonKind::Array => format!("{{\"arrayValue\":{{\"values\":{}}}}}", list(value, &any_value)),
        JsonKind::Object => format!("{{\"kvlistValue\":{{\"values\":{}}}}}", key_values(value)),
    }
}

/// The members of an object as a list of OTLP's `KeyValue`.
pub(super) fn key_values(object: &str) -> String {
    let pairs = crate::json::members(object);
    let pairs: Vec<String> = pairs.map(|(key, value)| key_value(key, &any_value(value))).collect();
    format!("[{}]", pairs.join(","))
}

/// A `KeyValue` of a key as it stands between its quotes.
pub(super) fn key_value(raw_key: &str, any_value: &str) -> String {
    format!("{{\"key\":\"{raw_key}\",\"value\":{any_value}}}")
}

/// The request of one span, whose members stand in `span`, of a resource and a scope.
pub(super) fn request_of(span: ObjectText, resource: &str, scope: &str) -> String {
    let span = span.finish();
    format!(
        "{{\"resourceSpans\":[{{\"resource\":{resource},\"scopeSpans\":[{{\"scope\":{scope},\"spans\":[{span}]}}]}}]}}"
    )
}

/// Adds what nobody took to a list of attributes, under a name of its own.
pub(super) fn with_rest(attributes: &mut Vec<String>, fields: &Fields<'_>, family: &str) {
    let Some(rest) = fields.rest() else { return };
    for (raw_key, value) in crate::json::members(&rest) {
        if value != "null" && value != "[]" && value != "{}" {
            attributes.push(key_value(&format!("{family}.{raw_key}"), &any_value(value)));
        }
    }
}
