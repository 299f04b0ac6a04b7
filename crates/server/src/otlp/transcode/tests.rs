//! Requests in protobuf, written field by field, and what they are in OTLP/JSON.

use super::super::schema::{ANY_VALUE, LOGS, METRICS, TRACES};
use super::super::wire::{put_bytes, put_number};
use super::*;

/// A message, field by field.
#[derive(Default, Clone)]
struct Wire(Vec<u8>);

impl Wire {
    fn number(mut self, number: u8, value: u64) -> Self {
        self.0.push(number << 3);
        let mut rest = Vec::new();
        put_number(&mut rest, 0, value);
        self.0.extend(if rest.is_empty() { &[0] } else { &rest[1..] });
        self
    }

    fn bytes(mut self, number: u8, bytes: impl AsRef<[u8]>) -> Self {
        put_bytes(&mut self.0, number, bytes.as_ref());
        self
    }

    fn message(self, number: u8, message: Self) -> Self {
        self.bytes(number, message.0)
    }

    fn fixed64(mut self, number: u8, value: u64) -> Self {
        self.0.push(number << 3 | 1);
        self.0.extend(value.to_le_bytes());
        self
    }

    fn double(self, number: u8, value: f64) -> Self {
        self.fixed64(number, value.to_bits())
    }

    fn fixed32(mut self, tag: &[u8], value: u32) -> Self {
        self.0.extend(tag);
        self.0.extend(value.to_le_bytes());
        self
    }
}

fn wire() -> Wire {
    Wire::default()
}

fn transcoded(message: &'static Message, wire: &Wire) -> Result<Transcoded, TranscodeFault> {
    transcode(message, &wire.0, &mut |_| Ok(()))
}

fn text(message: &'static Message, wire: &Wire) -> String {
    let done = transcoded(message, wire).unwrap();
    assert_eq!(done.lost.warning(), None);
    annals_core::json::Json::parse(done.text.as_bytes()).unwrap();
    done.text
}

fn attribute(key: &str, value: Wire) -> Wire {
    wire().bytes(1, key).message(2, value)
}

#[test]
fn a_span_is_written_in_the_order_of_the_protocol_with_hex_ids_and_string_numbers() {
    let span = wire()
        .fixed64(7, 1_700_000_000_000_000_001)
        .fixed64(8, u64::MAX)
        .bytes(1, [0xab; 16])
        .bytes(2, [0x01; 8])
        .bytes(4, [])
        .bytes(5, "chat \"x\"\n")
        .number(6, 3)
        .message(9, attribute("n", wire().number(3, u64::MAX)))
        .message(9, attribute("b", wire().number(2, 0)))
        .message(15, wire().number(3, 2).bytes(2, "no"))
        .fixed32(&[0x85, 0x01], 257);
    let request = wire().message(1, wire().message(2, wire().message(2, span)).message(1, wire()));
    let expected = concat!(
        r#"{"resourceSpans":[{"resource":{},"scopeSpans":[{"spans":[{"traceId":"abababababababababababababababab","#,
        r#""spanId":"0101010101010101","parentSpanId":"","flags":257,"name":"chat \"x\"\n","kind":3,"#,
        r#""startTimeUnixNano":"1700000000000000001","endTimeUnixNano":"18446744073709551615","#,
        r#""attributes":[{"key":"n","value":{"intValue":"-1"}},{"key":"b","value":{"boolValue":false}}],"#,
        r#""status":{"message":"no","code":2}}]}]}]}"#
    );
    assert_eq!(text(&TRACES, &request), expected);
    assert_eq!(text(&TRACES, &wire()), "{}");
}

#[test]
fn every_kind_of_value_keeps_what_it_says() {
    for (value, expected) in [
        (wire(), "{}"),
        (wire().bytes(1, ""), r#"{"stringValue":""}"#),
        (wire().bytes(1, "a\u{0}é"), "{\"stringValue\":\"a\\u0000é\"}"),
        (wire().number(2, 7), r#"{"boolValue":true}"#),
        (wire().number(3, 1 << 63), r#"{"intValue":"-9223372036854775808"}"#),
        (wire().double(4, 0.1), r#"{"doubleValue":0.1}"#),
        (wire().double(4, -0.0), r#"{"doubleValue":-0.0}"#),
        (wire().double(4, 1e300), r#"{"doubleValue":1e300}"#),
        (wire().double(4, f64::NAN), r#"{"doubleValue":"NaN"}"#),
        (wire().double(4, f64::NEG_INFINITY), r#"{"doubleValue":"-Infinity"}"#),
        (wire().message(5, wire()), r#"{"arrayValue":{}}"#),
        (
            wire().message(5, wire().message(1, wire()).message(1, wire().number(2, 1))),
            r#"{"arrayValue":{"values":[{},{"boolValue":true}]}}"#,
        ),
        (
            wire().message(6, wire().message(1, wire().bytes(1, "k"))),
            r#"{"kvlistValue":{"values":[{"key":"k"}]}}"#,
        ),
        (wire().bytes(7, [0xff, 0xfe]), r#"{"bytesValue":"//4="}"#),
    ] {
        assert_eq!(text(&ANY_VALUE, &value), expected);
    }
}

#[test]
fn data_points_come_packed_or_one_by_one() {
    let packed: Vec<u8> = [1_u64, 2].iter().flat_map(|count| count.to_le_bytes()).collect();
    let bounds: Vec<u8> = [0.5_f64].iter().flat_map(|bound| bound.to_le_bytes()).collect();
    let histogram =
        wire().double(5, 0.0).bytes(6, &packed).fixed64(6, 3).bytes(7, &bounds).fixed64(4, 6);
    let buckets = wire().number(1, 3).bytes(2, [1, 0x80, 1]);
    let exponential = wire().number(6, 4).message(8, buckets);
    let metrics = wire()
        .message(2, wire().bytes(1, "h").message(9, wire().number(2, 1).message(1, histogram)))
        .message(2, wire().bytes(1, "e").message(10, wire().message(1, exponential)))
        .message(2, wire().message(7, wire().number(3, 1).message(1, wire().fixed64(6, u64::MAX))))
        .message(2, wire().message(5, wire().message(1, wire().double(4, 2.0))));
    let request = wire().message(1, wire().message(2, metrics));
    let expected = concat!(
        r#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":["#,
        r#"{"name":"h","histogram":{"dataPoints":[{"count":"6","sum":0.0,"bucketCounts":["1","2","3"],"explicitBounds":[0.5]}],"aggregationTemporality":1}},"#,
        r#"{"name":"e","exponentialHistogram":{"dataPoints":[{"scale":2,"positive":{"offset":-2,"bucketCounts":["1","128"]}}]}},"#,
        r#"{"sum":{"dataPoints":[{"asInt":"-1"}],"isMonotonic":true}},"#,
        r#"{"gauge":{"dataPoints":[{"asDouble":2.0}]}}]}]}]}"#
    );
    assert_eq!(text(&METRICS, &request), expected);
}

#[test]
fn a_message_in_parts_is_one_message() {
    let record = wire()
        .message(5, wire().message(5, wire().message(1, wire().number(2, 1))))
        .bytes(12, "name")
        .message(5, wire().message(5, wire().message(1, wire().number(2, 0))));
    let request = wire().message(1, wire().message(2, wire().message(2, record)));
    let expected = concat!(
        r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"arrayValue":{"values":"#,
        r#"[{"boolValue":true},{"boolValue":false}]}},"eventName":"name"}]}]}]}"#
    );
    assert_eq!(text(&LOGS, &request), expected);
}

#[test]
fn what_is_not_known_is_told_by_its_path() {
    let span = || wire().bytes(5, "s").number(15, 1).bytes(14, "?");
    let scope = wire().message(2, span()).message(2, span());
    let request = wire().message(1, wire().message(2, scope).bytes(9, "new")).number(3, 1);
    let done = transcoded(&TRACES, &request).unwrap();
    assert_eq!(
        done.text,
        r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"s"},{"name":"s"}]}]}]}"#
    );
    let warning = done.lost.warning().unwrap();
    for path in [
        "#3,",
        "resourceSpans.#9,",
        "resourceSpans.scopeSpans.spans.#15 (2 times)",
        "spans.#14 (2 times)",
    ] {
        assert!(warning.contains(path), "{path}: {warning}");
    }
    let twice = wire().bytes(1, "a").number(2, 1).bytes(1, "b").bytes(1, "c");
    let done = transcoded(&ANY_VALUE, &twice).unwrap();
    assert_eq!(done.text, r#"{"stringValue":"c"}"#);
    let warning = done.lost.warning().unwrap();
    assert_eq!(warning, "of values given twice the last was kept: boolValue, stringValue");
}

#[test]
fn what_is_no_message_is_refused_with_its_place() {
    let broken = |wire: Wire| transcoded(&LOGS, &wire).unwrap_err().to_string();
    let record = |record: Wire| wire().message(1, wire().message(2, wire().message(2, record)));
    assert_eq!(
        broken(record(wire().bytes(12, [0xff]))),
        "`/resourceLogs/0/scopeLogs/0/logRecords/0/eventName` is not UTF-8"
    );
    assert_eq!(
        broken(record(Wire(vec![0x62, 9]))),
        "`/resourceLogs/0/scopeLogs/0/logRecords/0` is no OTLP message: it ends in the middle of a value"
    );
    assert_eq!(
        broken(Wire(vec![10])),
        "the request is no OTLP message: it ends in the middle of a value"
    );
}

#[test]
fn depth_fields_and_memory_are_bounded() {
    let deep = (0..100).fold(wire(), |value, _| wire().message(5, wire().message(1, value)));
    assert!(matches!(transcoded(&ANY_VALUE, &deep), Err(TranscodeFault::TooDeep { .. })));
    let wide = Wire([0x0a, 0].repeat(OPEN_FIELD_COUNT_MAX + 1));
    assert!(matches!(transcoded(&TRACES, &wide), Err(TranscodeFault::TooManyFields { .. })));
    let long = wire().bytes(1, vec![1; 1 << 20]);
    let mut asked = 0;
    let refused = transcode(&ANY_VALUE, &long.0, &mut |byte_count| {
        asked = byte_count;
        Err(TranscodeFault::TooLarge)
    });
    assert_eq!(refused.unwrap_err(), TranscodeFault::TooLarge);
    assert!(asked >= 6 << 20, "{asked}");
    // Parts within parts are held together at every depth, and each of them is counted.
    let in_parts = (0..40).fold(wire().bytes(1, vec![b'x'; 1 << 20]), |value, _| {
        wire().message(5, wire()).message(5, wire().message(1, value))
    });
    let mut most = 0;
    let read = transcode(&ANY_VALUE, &in_parts.0, &mut |byte_count| {
        most = byte_count.max(most);
        Ok(())
    });
    assert!(read.is_ok() && most > 40 << 20, "{most}");
}

/// Whatever the bytes are: no panic, and what is read is compact JSON.
#[test]
fn broken_requests_are_refused_or_read_as_json() {
    let span = wire()
        .bytes(1, [0xab; 16])
        .bytes(5, "chat")
        .message(9, attribute("n", wire().message(5, wire().message(1, wire().number(3, 300)))))
        .message(11, wire().fixed64(1, 7))
        .fixed32(&[0x85, 0x01], 257);
    let request = wire().message(1, wire().message(2, wire().message(2, span))).0;
    let (mut read, mut state) = (0, 1_u64);
    let mut random = |bound: usize| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % bound
    };
    for _ in 0..20_000 {
        let mut bytes = request.clone();
        for _ in 0..=random(3) {
            let at = random(bytes.len());
            match random(3) {
                0 => bytes[at] = u8::try_from(random(256)).unwrap(),
                1 => bytes.truncate(at.max(1)),
                _ => bytes.insert(at, u8::try_from(random(256)).unwrap()),
            }
        }
        let Ok(done) = transcode(&TRACES, &bytes, &mut |_| Ok(())) else { continue };
        let json = annals_core::json::Json::parse(done.text.as_bytes()).unwrap();
        assert_eq!(json.as_str(), done.text);
        read += 1;
    }
    assert!(read > 1_000, "{read}");
}
