//! Spans as some programs dump them: one object each, attributes as a plain object, times in
//! nanoseconds. Each becomes an OTLP/JSON request of that one span.

use super::super::fields::{Fields, ObjectText};
use super::telemetry::{key_values, request_of, with_rest};
use crate::json::{JsonKind, as_str, elements, kind, members};

/// The request of one span.
pub(super) fn request(span: &str) -> String {
    let mut fields = Fields::of(span);
    let mut out = ObjectText::default();
    for (theirs, ours) in
        [("trace_id", "traceId"), ("span_id", "spanId"), ("parent_span_id", "parentSpanId")]
    {
        let id = fields.take_text(theirs);
        out.text_opt(ours, id.as_deref().map(|id| id.trim_start_matches("0x")));
    }
    out.text_opt("name", fields.take_text("name").as_deref());
    out.number_opt("kind", fields.take_u64("kind"));
    for (theirs, ours) in [("start_time", "startTimeUnixNano"), ("end_time", "endTimeUnixNano")] {
        out.text_opt(ours, fields.take_u64(theirs).map(|nanos| nanos.to_string()).as_deref());
    }
    let attributes = fields.take_object("attributes");
    let attributes = key_values(attributes.as_deref().unwrap_or("{}"));
    let mut attributes: Vec<String> = elements(&attributes).map(str::to_owned).collect();
    let events = fields.take_if("span_events", |events| kind(events) == JsonKind::Array);
    let events: Vec<String> = events.as_deref().into_iter().flat_map(elements).map(event).collect();
    let status = fields.take_object("status").map(|status| self::status(&status));
    let scope =
        fields.take_object("scope").map_or_else(|| "{}".to_owned(), |scope| without_empty(&scope));
    let resource = fields.take_object("resource");
    let resource = key_values(resource.as_deref().unwrap_or("{}"));
    with_rest(&mut attributes, &fields, "span");
    out.raw("attributes", &format!("[{}]", attributes.join(",")));
    if !events.is_empty() {
        out.raw("events", &format!("[{}]", events.join(",")));
    }
    out.raw_opt("status", status.as_deref());
    request_of(out, &format!("{{\"attributes\":{resource}}}"), &scope)
}

fn status(status: &str) -> String {
    let mut fields = Fields::of(status);
    let code = fields.take_text("code");
    let code = match code.as_deref().map(str::to_ascii_uppercase).as_deref() {
        Some("ERROR" | "STATUS_CODE_ERROR") => Some(2),
        Some("OK" | "STATUS_CODE_OK") => Some(1),
        _ => None,
    };
    let message = fields.take_text("message").or_else(|| fields.take_text("description"));
    let mut out = ObjectText::default();
    out.number_opt("code", code).text_opt("message", message.as_deref());
    out.finish()
}

fn event(event: &str) -> String {
    let mut fields = Fields::of(event);
    let mut out = ObjectText::default();
    let time = fields.take_u64("timestamp").or_else(|| fields.take_u64("time"));
    out.text_opt("timeUnixNano", time.map(|nanos| nanos.to_string()).as_deref());
    out.text_opt("name", fields.take_text("name").as_deref());
    let attributes = fields.take_object("attributes");
    let attributes = key_values(attributes.as_deref().unwrap_or("{}"));
    let mut attributes: Vec<String> = elements(&attributes).map(str::to_owned).collect();
    with_rest(&mut attributes, &fields, "event");
    out.raw("attributes", &format!("[{}]", attributes.join(",")));
    out.finish()
}

/// An object of texts without the empty ones.
fn without_empty(object: &str) -> String {
    let mut out = ObjectText::default();
    for (key, value) in members(object) {
        if as_str(value).is_some_and(|text| !text.is_empty()) {
            out.raw(&crate::json::unescape(key), value);
        }
    }
    out.finish()
}
