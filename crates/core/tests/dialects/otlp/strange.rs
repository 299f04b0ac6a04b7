//! Items that are not as OTLP has them, or larger and deeper than anybody needs.

use annals_core::dialect::ForeignFault;
use annals_core::dialect::otlp::{OTLP, Signal, items};
use serde_json::{Value, json};

use super::requests::{compact, facts, log, span, typed};
use crate::fixtures::{read_item, stored, write};

#[test]
fn strange_spans_are_refused_with_their_place() {
    let at = |name: &str| format!("/resourceSpans/0/scopeSpans/0/spans/0{name}");
    for (extra, place) in [
        (json!({"traceId": "4bf9"}), "/traceId"),
        (json!({"traceId": "zzf92f3577b34da6a3ce929d0e0e4736"}), "/traceId"),
        (json!({"traceId": "00000000000000000000000000000000"}), "/traceId"),
        (json!({"traceId": null}), "/traceId"),
        (json!({"spanId": "AQIDBAUGBwg="}), "/spanId"),
        (json!({"spanId": 7}), "/spanId"),
        (json!({"parentSpanId": "1"}), "/parentSpanId"),
        (json!({"startTimeUnixNano": "0"}), "/startTimeUnixNano"),
        (json!({"startTimeUnixNano": -1}), "/startTimeUnixNano"),
        (json!({"endTimeUnixNano": "9223372036854775808"}), "/endTimeUnixNano"),
        (json!({"endTimeUnixNano": "1789999999999999999"}), "/endTimeUnixNano"),
        (json!({"endTimeUnixNano": "soon"}), "/endTimeUnixNano"),
        (json!({"name": 7}), "/name"),
        (json!({"attributes": {}}), "/attributes"),
        (json!({"attributes": [7]}), "/attributes/0"),
        (json!({"attributes": [{"key": 7}]}), "/attributes/0/key"),
        (
            json!({"attributes": [{"key": "a", "value": {"intValue": "x"}}]}),
            "/attributes/0/value/intValue",
        ),
        (json!({"events": [{"attributes": [{"value": 1}]}]}), "/events/0/attributes/0/value"),
        (json!({"links": [{"traceId": "1"}]}), "/links/0/traceId"),
        (json!({"status": 2}), "/status"),
    ] {
        let fault = read_item(&span("t", "n", json!({}), extra.clone())).unwrap_err();
        assert_eq!(fault.pointer(), Some(at(place).as_str()), "{extra}: {fault}");
    }
}

#[test]
fn strange_points_and_records_are_refused_with_their_place() {
    let metric = |metric: Value| {
        compact(&json!({"resourceMetrics": [{"scopeMetrics": [{"metrics": [metric]}]}]}))
    };
    let at = |name: &str| format!("/resourceMetrics/0/scopeMetrics/0/metrics/0{name}");
    let point = json!({"timeUnixNano": "1", "asInt": "1"});
    for (document, place) in [
        (metric(json!({"name": "a"})), String::new()),
        (metric(json!({"name": "a", "sum": {}, "gauge": {}})), String::new()),
        (metric(json!({"gauge": {"dataPoints": [point]}})), "/name".to_owned()),
        (
            metric(json!({"name": "a", "gauge": {"dataPoints": [{}]}})),
            "/gauge/dataPoints/0/timeUnixNano".to_owned(),
        ),
        (
            metric(
                json!({"name": "a", "gauge": {"dataPoints": [{"timeUnixNano": "1", "asInt": 1.5}]}}),
            ),
            "/gauge/dataPoints/0/asInt".to_owned(),
        ),
        (
            metric(
                json!({"name": "a", "histogram": {"dataPoints": [{"timeUnixNano": "1", "bucketCounts": ["x"]}]}}),
            ),
            "/histogram/dataPoints/0/bucketCounts/0".to_owned(),
        ),
        (
            metric(
                json!({"name": "a", "summary": {"dataPoints": [{"timeUnixNano": "1", "count": -1}]}}),
            ),
            "/summary/dataPoints/0/count".to_owned(),
        ),
    ] {
        let item = items(Signal::Metrics, &document).unwrap().remove(0);
        let fault = read_item(&item.document).unwrap_err();
        assert_eq!(fault.pointer(), Some(at(&place).as_str()), "{document}: {fault}");
    }
    let record = log("t", "x", json!({})).replace("\"1790000000000000000\"", "true");
    let fault = read_item(&record).unwrap_err();
    assert_eq!(fault.pointer(), Some("/resourceLogs/0/scopeLogs/0/logRecords/0/timeUnixNano"));
}

#[test]
fn a_value_nested_deeper_than_an_event_may_be_is_refused() {
    let mut value = json!({"newValue": 1});
    for _ in 0..39 {
        value = json!({"arrayValue": {"values": [value]}});
    }
    let deep = json!({"attributes": [{"key": "a", "value": value}]});
    let document = span("t", "n", json!({}), deep);
    let read = read_item(&document);
    assert!(matches!(read, Err(ForeignFault::Envelope(_))), "{read:?}");
}

#[test]
fn a_document_of_two_items_is_no_item() {
    let two = r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{},{}]}]}]}"#;
    assert_eq!(read_item(two).unwrap_err().pointer(), Some("/resourceSpans/0/scopeSpans/0/spans"));
    let none = r#"{"resourceSpans":[]}"#;
    assert_eq!(read_item(none).unwrap_err().pointer(), Some("/resourceSpans"));
    assert_eq!(Signal::of("{}"), None);
}

/// Members as many as an event may have, each with a long text, once took minutes.
#[test]
fn a_span_with_very_many_attributes_is_translated_in_time() {
    let name = "n".repeat(2_000);
    let attributes: Vec<_> = (0..15_000)
        .map(|n| json!({"key": format!("a{n}"), "value": {"stringValue": format!("a text that is long enough to refer to {n}")}}))
        .collect();
    let nested: Vec<_> =
        (0..4_000).map(|n| format!("another text that is long enough {n}")).collect();
    let mut attributes = attributes;
    attributes.push(json!({"key": name, "value": typed(&json!(nested))}));
    for operation in ["chat", "none"] {
        let mut attributes = attributes.clone();
        attributes
            .push(json!({"key": "gen_ai.operation.name", "value": {"stringValue": operation}}));
        let document = span("t", "n", json!({}), json!({"attributes": attributes}));
        let end = facts(&document).pop().unwrap().0;
        assert_eq!(write(OTLP, &stored(&end)).unwrap(), document);
    }
}
