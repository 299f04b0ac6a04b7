//! Items that nobody wrote by hand: values of all kinds, right and odd, under names that mean
//! something and under others.

use annals_core::dialect::otlp::{OTLP, Signal, items};
use annals_core::envelope::Draft;
use annals_core::json::Json;
use proptest::prelude::*;
use serde_json::Value;

use super::requests::{SPAN, TRACE};
use crate::fixtures::{catalog, read_item, stored, write};

/// Typed values as text, right and odd ones.
fn any_value() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("{}".to_owned()),
        Just("null".to_owned()),
        Just(r#"{"stringValue":""}"#.to_owned()),
        Just(r#"{"stringValue":"a text that is longer than the shortest reference"}"#.to_owned()),
        Just(r#"{"stringValue":"\u00e9\ud83d\ude00\u0000"}"#.to_owned()),
        Just(r#"{"boolValue":false}"#.to_owned()),
        Just(r#"{"intValue":"0"}"#.to_owned()),
        Just(r#"{"intValue":0}"#.to_owned()),
        Just(r#"{"intValue":"-9223372036854775808"}"#.to_owned()),
        Just(r#"{"intValue":null}"#.to_owned()),
        Just(r#"{"doubleValue":1.50}"#.to_owned()),
        Just(r#"{"doubleValue":0}"#.to_owned()),
        Just(r#"{"doubleValue":"NaN"}"#.to_owned()),
        Just(r#"{"doubleValue":-1e-300}"#.to_owned()),
        Just(r#"{"bytesValue":"AAE="}"#.to_owned()),
        Just(r#"{"arrayValue":{}}"#.to_owned()),
        Just(r#"{"kvlistValue":{"values":[]}}"#.to_owned()),
        Just(r#"{"futureValue":{"$":"/x"}}"#.to_owned()),
        Just(r#"{"stringValue":"x","$":1}"#.to_owned()),
        any::<i64>().prop_map(|number| format!("{{\"intValue\":\"{number}\"}}")),
        "[a-z$/~]{0,40}".prop_map(|text| format!("{{\"stringValue\":\"{text}\"}}")),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(|values| {
                format!("{{\"arrayValue\":{{\"values\":[{}]}}}}", values.join(","))
            }),
            prop::collection::vec((key(), inner), 0..3).prop_map(|pairs| {
                format!("{{\"kvlistValue\":{{\"values\":{}}}}}", pairs_text(&pairs))
            }),
        ]
    })
}

fn key() -> impl Strategy<Value = String> {
    const KNOWN: &[&str] = &[
        "gen_ai.operation.name",
        "gen_ai.conversation.id",
        "session.id",
        "gen_ai.agent.id",
        "gen_ai.agent.name",
        "gen_ai.request.model",
        "gen_ai.response.id",
        "gen_ai.response.finish_reasons",
        "gen_ai.usage.input_tokens",
        "gen_ai.usage.output_tokens",
        "gen_ai.tool.call.id",
        "gen_ai.tool.call.arguments",
        "openinference.span.kind",
        "input.value",
        "output.value",
        "llm.input_messages.0.message.role",
        "llm.input_messages.0.message.content",
        "model_call_id",
        "tool_call_id",
        "tool_name",
        "duration_ms",
        "usage",
        "cost_micros",
        "message",
        "model",
        "trace_id",
        "span_id",
        "parent_span_id",
        "attributes",
        "resource",
        "scope",
        "success",
        "event.name",
        "event.sequence",
        "title",
        "input",
        "step_id",
        "kind",
        "agent_id",
        "run_id",
        "stop_reason",
        "error",
        "$",
        "$attributes",
        "",
    ];
    prop_oneof![prop::sample::select(KNOWN).prop_map(str::to_owned), "[a-z$~/.]{1,5}"]
}

fn pairs_text(pairs: &[(String, String)]) -> String {
    let pairs: Vec<_> = pairs
        .iter()
        .map(|(key, value)| format!("{{\"key\":\"{key}\",\"value\":{value}}}"))
        .collect();
    format!("[{}]", pairs.join(","))
}

/// An attribute that says which operation or event it is, or none.
fn telling() -> impl Strategy<Value = Vec<(String, String)>> {
    const TELLING: &[(&str, &str)] = &[
        ("gen_ai.operation.name", "chat"),
        ("gen_ai.operation.name", "execute_tool"),
        ("gen_ai.operation.name", "invoke_agent"),
        ("gen_ai.operation.name", "invoke_workflow"),
        ("gen_ai.operation.name", "plan"),
        ("openinference.span.kind", "LLM"),
        ("openinference.span.kind", "RETRIEVER"),
        ("event.name", "gen_ai.evaluation.result"),
        ("event.name", "claude_code.api_request"),
        ("event.name", "claude_code.tool_result"),
        ("event.name", "gen_ai.user.message"),
        ("event.name", "none"),
    ];
    prop::sample::select(TELLING)
        .prop_map(|(key, value)| vec![(key.to_owned(), format!("{{\"stringValue\":\"{value}\"}}"))])
}

/// Members beside those that are there always.
fn extra(signal: Signal) -> impl Strategy<Value = String> {
    let of_span: &[&str] = &[
        "",
        r#","status":{}"#,
        r#","status":{"code":2,"message":"a problem that takes some words to tell"}"#,
        r#","status":null"#,
        r#","parentSpanId":"""#,
        r#","kind":0"#,
        r#","kind":null,"flags":0"#,
        r#","events":[{"name":"exception","attributes":[{"key":"exception.message","value":{"stringValue":"gone"}}]}]"#,
        r#","links":[]"#,
        r#","$":{"$":"/name"},"unknown":[{"$attributes":"/attributes"}]"#,
    ];
    let of_log: &[&str] = &[
        "",
        r#","body":{"stringValue":"claude_code.auth"}"#,
        r#","body":{}"#,
        r#","severityNumber":0"#,
        r#","body":{"kvlistValue":{"values":[{"key":"content","value":{"intValue":"1"}}]}}"#,
        r#","severityText":"","traceId":"","spanId":"","$$":[]"#,
    ];
    let of_point: &[&str] = &[
        "",
        r#","asInt":"0""#,
        r#","asDouble":0"#,
        r#","asDouble":"NaN","flags":1"#,
        r#","startTimeUnixNano":"0""#,
        r#","count":"3","sum":-0.0,"bucketCounts":["1","2"],"explicitBounds":[0.10]"#,
        r#","exemplars":[{"$":1}]"#,
    ];
    let choices = match signal {
        Signal::Traces => of_span,
        Signal::Logs => of_log,
        Signal::Metrics => of_point,
    };
    prop::sample::select(choices).prop_map(str::to_owned)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn whatever_is_taken_in_goes_out_byte_for_byte(
        (signal, extra) in prop::sample::select(&Signal::ALL[..])
            .prop_flat_map(|signal| (Just(signal), extra(signal))),
        telling in telling(),
        pairs in prop::collection::vec((key(), any_value()), 0..6),
        resource in prop::collection::vec((key(), any_value()), 0..3),
        nanos in prop_oneof![Just("\"1790000000000000000\""), Just("1790000000000000001")],
    ) {
        let list = pairs_text(&[telling, pairs].concat());
        let resource = pairs_text(&resource);
        let request = match signal {
            Signal::Traces => format!(r#"{{"resourceSpans":[{{"resource":{{"attributes":{resource}}},"scopeSpans":[{{"scope":{{}},"spans":[{{"traceId":"{TRACE}","spanId":"{SPAN}","name":"x","startTimeUnixNano":{nanos},"endTimeUnixNano":{nanos},"attributes":{list}{extra}}}],"schemaUrl":""}}]}}],"later":0}}"#),
            Signal::Logs => format!(r#"{{"resourceLogs":[{{"resource":{{"attributes":{resource}}},"scopeLogs":[{{"logRecords":[{{"timeUnixNano":{nanos},"attributes":{list}{extra}}}]}}]}}]}}"#),
            Signal::Metrics => format!(r#"{{"resourceMetrics":[{{"resource":{{"attributes":{resource}}},"scopeMetrics":[{{"metrics":[{{"name":"m","sum":{{"aggregationTemporality":1,"dataPoints":[{{"timeUnixNano":{nanos},"attributes":{list}{extra}}}],"isMonotonic":true}}}}]}}]}}]}}"#),
        };
        let request = Json::parse(request.as_bytes()).unwrap().into_string();
        let parts = items(signal, &request).unwrap();
        prop_assert_eq!(parts.len(), 1);
        prop_assert_eq!(&parts[0].document, &request);
        if let Ok(drafts) = read_item(&request) {
            let envelope = stored(drafts.last().unwrap());
            prop_assert_eq!(write(OTLP, &envelope), Some(request.clone()), "{}", envelope);
            for draft in &drafts {
                fits_schema(draft);
            }
        }
    }
}

/// The members that the catalog demands are there and of its types, whatever attributes are named.
fn fits_schema(draft: &Draft) {
    let catalog = catalog();
    let schema = catalog.entry(draft.event_type.as_str()).unwrap().schema.clone().unwrap();
    let (schema, data): (Value, Value) =
        (serde_json::from_str(&schema).unwrap(), serde_json::from_str(&draft.data).unwrap());
    for name in schema["required"].as_array().into_iter().flatten() {
        assert!(data.get(name.as_str().unwrap()).is_some(), "{name}: {data}");
    }
    for (name, rule) in schema["properties"].as_object().into_iter().flatten() {
        let Some(value) = data.get(name) else { continue };
        let words = match &rule["type"] {
            Value::String(word) => vec![word.clone()],
            Value::Array(words) => {
                words.iter().map(|word| word.as_str().unwrap().to_owned()).collect()
            }
            _ => continue,
        };
        let is_of = |word: &String| match word.as_str() {
            "string" => value.is_string(),
            "number" => value.is_number(),
            "integer" => value.is_i64() || value.is_u64(),
            "boolean" => value.is_boolean(),
            "array" => value.is_array(),
            "object" => value.is_object(),
            _ => value.is_null(),
        };
        assert!(words.iter().any(is_of), "{name}: {data}");
    }
}
