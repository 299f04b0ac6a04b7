//! Trace exports of Jaeger's API, as OTLP/JSON requests of one span each.
//!
//! Tags that stand for members of an OTLP span, its scope and its resource become these; all others
//! are attributes. Ids are padded to the lengths of OTLP, as Jaeger leaves out leading zeros.

use std::borrow::Cow;

use super::super::fields::{Fields, ObjectText};
use super::telemetry::{key_value, request_of, with_rest};
use crate::json::{JsonKind, as_str, as_u64, elements, escape_into, kind, member};

/// The requests of an export, or of one trace.
pub(super) fn requests(export: &str) -> Vec<String> {
    let traces = member(export, "data").filter(|data| kind(data) == JsonKind::Array);
    let traces: Vec<&str> =
        traces.map_or_else(|| vec![export], |traces| elements(traces).collect());
    traces.into_iter().flat_map(of_trace).collect()
}

fn of_trace(trace: &str) -> Vec<String> {
    let processes = member(trace, "processes").unwrap_or("{}");
    let spans = member(trace, "spans").into_iter().flat_map(elements);
    spans.map(|span| of_span(span, processes)).collect()
}

fn of_span(span: &str, processes: &str) -> String {
    let mut fields = Fields::of(span);
    let process_id = fields.take_text("processID");
    let process = process_id.as_deref().and_then(|id| member(processes, id));
    let process =
        process.map(str::to_owned).or_else(|| fields.take("process").map(Cow::into_owned));
    let mut tags = Tags::of(&fields.take("tags").unwrap_or_default());
    let trace_id = fields.take_text("traceID").unwrap_or_default();
    let mut out = ObjectText::default();
    out.text("traceId", &padded(&trace_id, 32));
    out.text("spanId", &padded(&fields.take_text("spanID").unwrap_or_default(), 16));
    let references = fields.take("references").unwrap_or_default().into_owned();
    let links = references_into(&mut out, &references, &trace_id);
    out.text_opt("traceState", tags.take_text("w3c.tracestate").as_deref());
    out.raw_opt("flags", fields.take("flags").as_deref());
    out.text_opt("name", fields.take_text("operationName").as_deref());
    if let Some(kind) = tags.take_if("span.kind", |kind| span_kind(kind).is_some()) {
        out.number_opt("kind", span_kind(&kind));
    }
    let start = fields.take_u64("startTime").unwrap_or_default();
    let duration = fields.take_u64("duration").unwrap_or_default();
    out.text("startTimeUnixNano", &nanos(start));
    out.text("endTimeUnixNano", &nanos(start.saturating_add(duration)));
    let status = tags.take_status();
    let scope = tags.take_scope();
    let mut attributes = tags.rest;
    let events = fields.take("logs").unwrap_or_default().into_owned();
    with_rest(&mut attributes, &fields, "jaeger");
    out.raw("attributes", &format!("[{}]", attributes.join(",")));
    let events: Vec<String> = elements(&events).map(event).collect();
    if !events.is_empty() {
        out.raw("events", &format!("[{}]", events.join(",")));
    }
    if !links.is_empty() {
        out.raw("links", &format!("[{}]", links.join(",")));
    }
    out.raw_opt("status", status.as_deref());
    request_of(out, &resource(process.as_deref().unwrap_or("{}")), &scope)
}

/// Writes the parent, and gives back every other reference as a link.
fn references_into(out: &mut ObjectText, references: &str, trace_id: &str) -> Vec<String> {
    let mut links = Vec::new();
    let mut has_parent = false;
    for reference in elements(references) {
        let text = |name| member(reference, name).and_then(as_str).unwrap_or_default();
        let is_child = text("refType") == "CHILD_OF" && text("traceID") == trace_id;
        if is_child && !has_parent {
            has_parent = true;
            out.text("parentSpanId", &padded(&text("spanID"), 16));
            continue;
        }
        let mut link = ObjectText::default();
        link.text("traceId", &padded(&text("traceID"), 32));
        link.text("spanId", &padded(&text("spanID"), 16));
        let mut kind = ObjectText::default();
        kind.text("stringValue", &text("refType").to_ascii_lowercase());
        let kind = key_value("opentracing.ref_type", &kind.finish());
        link.raw("attributes", &format!("[{kind}]"));
        links.push(link.finish());
    }
    links
}

/// The tags of a span: those that are looked for, and the others as attributes.
#[derive(Debug, Default)]
struct Tags {
    known: Vec<(String, String)>,
    rest: Vec<String>,
}

/// Tags that are members elsewhere in OTLP.
const KNOWN: [&str; 5] =
    ["span.kind", "w3c.tracestate", "otel.status_code", "otel.status_description", "error"];

/// What a scope was called, before it was called one.
const SCOPES: [&str; 2] = ["scope", "library"];

/// Whether a tag is a member elsewhere in OTLP.
fn is_known(key: &str) -> bool {
    let of_scope = key.strip_prefix("otel.").and_then(|key| key.split_once('.'));
    let is_of_scope = of_scope
        .is_some_and(|(scope, part)| SCOPES.contains(&scope) && matches!(part, "name" | "version"));
    is_of_scope || KNOWN.contains(&key)
}

impl Tags {
    fn of(tags: &str) -> Self {
        let mut read = Self::default();
        for tag in elements(tags) {
            let key = member(tag, "key").and_then(as_str).unwrap_or_default().into_owned();
            let value = member(tag, "value").unwrap_or("null");
            if is_known(&key) && kind(value) != JsonKind::Object {
                read.known.push((key, value.to_owned()));
            } else {
                read.rest.push(attribute(tag));
            }
        }
        read
    }

    fn take_if(&mut self, key: &str, is_wanted: impl Fn(&str) -> bool) -> Option<String> {
        let at = self.known.iter().position(|(known, value)| known == key && is_wanted(value))?;
        Some(self.known.remove(at).1)
    }

    fn take_text(&mut self, key: &str) -> Option<String> {
        let value = self.take_if(key, |value| kind(value) == JsonKind::String)?;
        as_str(&value).map(Cow::into_owned)
    }

    fn take_status(&mut self) -> Option<String> {
        let code = self.take_text("otel.status_code");
        let message = self.take_text("otel.status_description");
        let is_error =
            self.take_if("error", |value| matches!(value, "true" | "\"true\"")).is_some();
        let code = match code.as_deref().map(str::to_ascii_uppercase).as_deref() {
            Some("ERROR") => Some(2),
            Some("OK") => Some(1),
            _ if is_error => Some(2),
            _ => None,
        };
        let mut status = ObjectText::default();
        status.number_opt("code", code).text_opt("message", message.as_deref());
        Some(status.finish()).filter(|status| status != "{}")
    }

    fn take_scope(&mut self) -> String {
        let mut scope = ObjectText::default();
        for part in ["name", "version"] {
            let value =
                SCOPES.iter().find_map(|name| self.take_text(&format!("otel.{name}.{part}")));
            scope.text_opt(part, value.as_deref());
        }
        // What is known and was not wanted is an attribute like any other.
        for (key, value) in std::mem::take(&mut self.known) {
            let mut raw_key = String::new();
            escape_into(&mut raw_key, &key);
            self.rest.push(key_value(&raw_key, &super::telemetry::any_value(&value)));
        }
        scope.finish()
    }
}

/// A tag as an attribute: its type tells what its value is.
fn attribute(tag: &str) -> String {
    let mut raw_key = String::new();
    escape_into(&mut raw_key, &member(tag, "key").and_then(as_str).unwrap_or_default());
    let value = member(tag, "value").unwrap_or("null");
    let tag_type = member(tag, "type").and_then(as_str).unwrap_or_default();
    let value = match (tag_type.as_ref(), kind(value)) {
        ("int64", JsonKind::String) => format!("{{\"intValue\":{value}}}"),
        ("float64", JsonKind::Number) => format!("{{\"doubleValue\":{value}}}"),
        ("binary", JsonKind::String) => format!("{{\"bytesValue\":{value}}}"),
        _ => super::telemetry::any_value(value),
    };
    key_value(&raw_key, &value)
}

fn event(log: &str) -> String {
    let mut name = None;
    let mut attributes = Vec::new();
    for field in member(log, "fields").into_iter().flat_map(elements) {
        let is_name = member(field, "key").and_then(as_str).as_deref() == Some("event");
        match member(field, "value").and_then(as_str).filter(|_| is_name && name.is_none()) {
            Some(text) => name = Some(text.into_owned()),
            None => attributes.push(attribute(field)),
        }
    }
    let mut out = ObjectText::default();
    let at = member(log, "timestamp").and_then(as_u64).unwrap_or_default();
    out.text("timeUnixNano", &nanos(at)).text_opt("name", name.as_deref());
    out.raw("attributes", &format!("[{}]", attributes.join(",")));
    out.finish()
}

fn resource(process: &str) -> String {
    let mut attributes = Vec::new();
    if let Some(service) = member(process, "serviceName") {
        attributes.push(key_value("service.name", &super::telemetry::any_value(service)));
    }
    attributes.extend(member(process, "tags").into_iter().flat_map(elements).map(attribute));
    format!("{{\"attributes\":[{}]}}", attributes.join(","))
}

fn span_kind(value: &str) -> Option<u8> {
    match as_str(value)?.to_ascii_lowercase().as_str() {
        "internal" => Some(1),
        "server" => Some(2),
        "client" => Some(3),
        "producer" => Some(4),
        "consumer" => Some(5),
        _ => None,
    }
}

fn nanos(micros: u64) -> String {
    format!("{micros}000")
}

fn padded(id: &str, length: usize) -> String {
    format!("{id:0>length$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_becomes_one_of_otlp_with_its_parent_status_and_scope() {
        let export = r#"{"data":[{"traceID":"ab","spans":[{"traceID":"ab","spanID":"1","operationName":"chat m","references":[{"refType":"CHILD_OF","traceID":"ab","spanID":"2"},{"refType":"FOLLOWS_FROM","traceID":"cd","spanID":"3"}],"startTime":5,"duration":7,"tags":[{"key":"span.kind","type":"string","value":"client"},{"key":"otel.status_code","type":"string","value":"ERROR"},{"key":"otel.scope.name","type":"string","value":"lib"},{"key":"n","type":"int64","value":3},{"key":"f","type":"float64","value":2}],"logs":[{"timestamp":6,"fields":[{"key":"event","type":"string","value":"exception"},{"key":"k","type":"bool","value":true}]}],"processID":"p1","warnings":["late"]}],"processes":{"p1":{"serviceName":"svc","tags":[]}}}]}"#;
        assert_eq!(
            requests(export),
            [concat!(
                r#"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"svc"}}]},"#,
                r#""scopeSpans":[{"scope":{"name":"lib"},"spans":[{"traceId":"000000000000000000000000000000ab","spanId":"0000000000000001","#,
                r#""parentSpanId":"0000000000000002","name":"chat m","kind":3,"startTimeUnixNano":"5000","endTimeUnixNano":"12000","#,
                r#""attributes":[{"key":"n","value":{"intValue":"3"}},{"key":"f","value":{"doubleValue":2}},"#,
                r#"{"key":"jaeger.warnings","value":{"arrayValue":{"values":[{"stringValue":"late"}]}}}],"#,
                r#""events":[{"timeUnixNano":"6000","name":"exception","attributes":[{"key":"k","value":{"boolValue":true}}]}],"#,
                r#""links":[{"traceId":"000000000000000000000000000000cd","spanId":"0000000000000003","attributes":[{"key":"opentracing.ref_type","value":{"stringValue":"follows_from"}}]}],"#,
                r#""status":{"code":2}}]}]}]}"#
            )]
        );
    }
}
