//! Both directions together: golden bytes, refusals, and round trips on generated values.

use proptest::prelude::*;

use super::*;
use crate::json::{JsonLimits, compact, string_into};

fn decoded(bytes: &[u8]) -> Result<String, MsgpackError> {
    let mut out = b"before".to_vec();
    let result = to_json(bytes, &mut out, &JsonLimits::EVENT);
    let text = String::from_utf8(out).unwrap();
    let after = text.strip_prefix("before").expect("what was there stays");
    assert!(result.is_ok() || after.is_empty(), "a refusal leaves nothing behind");
    result.map(|()| after.to_owned())
}

/// Checks one value in both spellings, both ways.
fn same(json: &str, bytes: &[u8]) {
    assert_eq!(from_json(json), bytes, "{json}");
    assert_eq!(decoded(bytes).as_deref(), Ok(json));
}

/// Checks a spelling that is understood but never written.
fn reads(bytes: &[u8], json: &str) {
    assert_eq!(decoded(bytes).as_deref(), Ok(json));
}

fn refuses(bytes: &[u8], error: MsgpackError) {
    assert_eq!(decoded(bytes), Err(error));
}

#[test]
fn writes_and_reads_the_golden_bytes() {
    same("null", b"\xc0");
    same("true", b"\xc3");
    same("[false,[],{}]", b"\x93\xc2\x90\x80");
    same(
        "[0,127,128,255,256,65535,65536,-1,-32,-33]",
        b"\x9a\x00\x7f\xcc\x80\xcc\xff\xcd\x01\x00\xcd\xff\xff\xce\x00\x01\x00\x00\xff\xe0\xd0\xdf",
    );
    same("18446744073709551615", b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff");
    same("-9223372036854775808", b"\xd3\x80\x00\x00\x00\x00\x00\x00\x00");
    same("1.0", b"\xcb\x3f\xf0\x00\x00\x00\x00\x00\x00");
    same("-0.0", b"\xcb\x80\x00\x00\x00\x00\x00\x00\x00");
    same(
        r#"{"a":"\"\n\u0000é","b":{"c":[1]}}"#,
        b"\x82\xa1a\xa5\"\n\0\xc3\xa9\xa1b\x81\xa1c\x91\x01",
    );
    same(r#"{"$bin":"AAH/"}"#, b"\xc4\x03\x00\x01\xff");
    same(r#"{"$bin":""}"#, b"\xc4\x00");
    same("1.50", b"\x81\xa4$num\xa41.50");
    same("[-0]", b"\x91\x81\xa4$num\xa2-0");
    same(&format!("\"{}\"", "x".repeat(40)), &[b"\xd9\x28", "x".repeat(40).as_bytes()].concat());
}

#[test]
fn reads_the_spellings_that_it_does_not_write() {
    reads(b"\xd3\x00\x00\x00\x00\x00\x00\x00\x05", "5");
    reads(b"\xd1\xff\xfe", "-2");
    reads(b"\xca\x3d\xcc\xcc\xcd", "0.1");
    reads(b"\xca\x3f\x80\x00\x00", "1.0");
    reads(b"\xdd\x00\x00\x00\x01\xdf\x00\x00\x00\x01\xdb\x00\x00\x00\x01a\xc0", r#"[{"a":null}]"#);
    reads(b"\xc6\x00\x00\x00\x01a", r#"{"$bin":"YQ=="}"#);
    reads(b"\x81\xa4$num\xa15", "5");
    reads(b"\x81\xa4$bin\xa4YQ==", r#"{"$bin":"YQ=="}"#);
}

#[test]
fn objects_that_look_like_numbers_stay_objects() {
    same(r#"{"$num":"5"}"#, b"\x81\xa5$$num\xa15");
    same(r#"{"$$num":"5"}"#, b"\x81\xa6$$$num\xa15");
    same(
        r#"[{"$num":"-1e5"},{"x":{"$num":"5"}}]"#,
        b"\x92\x81\xa5$$num\xa4-1e5\x81\xa1x\x81\xa5$$num\xa15",
    );
    same(r#"{"$num":"x"}"#, b"\x81\xa4$num\xa1x");
    same(r#"{"$num":"05"}"#, b"\x81\xa4$num\xa205");
    same(r#"{"$num":5}"#, b"\x81\xa4$num\x05");
    same(r#"{"$num":{}}"#, b"\x81\xa4$num\x80");
    same(r#"{"$num":"5","a":1}"#, b"\x82\xa4$num\xa15\xa1a\x01");
    same(r#"{"a$num":"5"}"#, b"\x81\xa5a$num\xa15");
}

#[test]
fn objects_that_only_resemble_bytes_stay_objects() {
    for value in ["\"YQ\"", "\"YR==\"", "\"YQ==\\n\"", "\"*\"", "1", "[]", "null"] {
        let json = format!("{{\"$bin\":{value}}}");
        let bytes = from_json(&json);
        assert_eq!(bytes[0], 0x81, "{json}");
        assert_eq!(decoded(&bytes), Ok(json));
    }
    same(r#"{"$bin":"YQ==","a":1}"#, b"\x82\xa4$bin\xa4YQ==\xa1a\x01");
}

#[test]
fn refuses_by_name_what_json_cannot_say() {
    refuses(b"", MsgpackError::Empty);
    refuses(b"\xc1", MsgpackError::ReservedMarker { offset: 0 });
    refuses(b"\x91\xd6\xff\x00\x00\x00\x00", MsgpackError::Extension { offset: 1 });
    refuses(b"\xc7\x01\x05a", MsgpackError::Extension { offset: 0 });
    refuses(b"\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00", MsgpackError::NotFinite { offset: 0 });
    refuses(b"\xca\xff\x80\x00\x00", MsgpackError::NotFinite { offset: 0 });
    refuses(b"\x81\x01\x02", MsgpackError::NonStringKey { offset: 1 });
    refuses(b"\x82\xa1a\x01\xc4\x01b\x01", MsgpackError::NonStringKey { offset: 4 });
    refuses(b"\xa2a\xff", MsgpackError::Utf8 { offset: 2 });
    refuses(b"\x81\xa1\xff\x01", MsgpackError::Utf8 { offset: 2 });
    refuses(b"\x01\x02", MsgpackError::TrailingData { offset: 1 });
    refuses(b"\x82\xa1a\x01\xa1a\x02", MsgpackError::DuplicateKey { key: "a".to_owned() });
}

#[test]
fn finds_a_duplicate_among_many_keys() {
    let mut bytes = vec![0xde, 0, 41];
    for index in (0..40).chain([7]) {
        bytes.extend(format!("\u{a3}k{index:02}").chars().map(|character| character as u8));
        bytes.push(0xc0);
    }
    refuses(&bytes, MsgpackError::DuplicateKey { key: "k07".to_owned() });
}

#[test]
fn does_not_believe_declared_lengths() {
    for bytes in [
        &b"\xdb\xff\xff\xff\xffa"[..],
        b"\xc6\xff\xff\xff\xff",
        b"\xdd\xff\xff\xff\xff\xc0",
        b"\xdf\xff\xff\xff\xff\xa1a",
        b"\xcd\x01",
        b"\xd9",
        b"\x81\xa4$num",
        b"\x81\xa4$num\xa5",
    ] {
        assert!(matches!(decoded(bytes), Err(MsgpackError::UnexpectedEnd { .. })), "{bytes:?}");
    }
}

#[test]
fn holds_depth_and_number_of_values_to_the_limits_exactly() {
    let nested = |depth: usize, inner: &[u8]| [&vec![0x91; depth][..], inner].concat();
    assert!(decoded(&nested(127, b"\x90")).is_ok());
    refuses(&nested(128, b"\x90"), MsgpackError::TooDeep { depth_max: 128 });
    refuses(&vec![0x91; 1 << 20], MsgpackError::TooDeep { depth_max: 128 });
    // Bytes become an object, and a number does not, so only one of them adds a level.
    assert!(decoded(&nested(127, b"\xc4\x00")).is_ok());
    refuses(&nested(128, b"\xc4\x00"), MsgpackError::TooDeep { depth_max: 128 });
    assert!(decoded(&nested(128, b"\x81\xa4$num\xa2-0")).is_ok());
    refuses(&nested(128, b"\x81\xa5$$num\xa15"), MsgpackError::TooDeep { depth_max: 128 });
    let nils =
        |count: u32| [&b"\xdd"[..], &count.to_be_bytes(), &vec![0xc0; count as usize]].concat();
    assert!(decoded(&nils(99_999)).is_ok());
    refuses(&nils(100_000), MsgpackError::TooManyNodes { node_count_max: 100_000 });
}

fn plain_string() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => "[a-zé\"\\\\\n\u{0}/]{0,8}",
        1 => "[$]{0,3}num",
        1 => Just("$bin".to_owned()),
        1 => "-?(0|[1-9][0-9]{0,3})(\\.[0-9]{1,3})?",
        1 => proptest::collection::vec(any::<u8>(), 0..6).prop_map(|bytes| {
            base64::Engine::encode(&base64::engine::general_purpose::STANDARD, bytes)
        }),
    ]
}

fn token(plain: &str) -> String {
    let mut out = String::new();
    string_into(&mut out, plain);
    out
}

fn number_text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<i64>().prop_map(|number| number.to_string()),
        any::<u64>().prop_map(|number| number.to_string()),
        any::<f64>()
            .prop_filter("finite", |number| number.is_finite())
            .prop_map(|number| serde_json::to_string(&number).unwrap()),
        "-?(0|[1-9][0-9]{0,25})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?",
    ]
}

/// Compact JSON whose escapes have their shortest spelling.
fn document() -> impl Strategy<Value = String> {
    let scalar = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        Just("false".to_owned()),
        number_text(),
        plain_string().prop_map(|plain| token(&plain)),
    ];
    scalar.prop_recursive(5, 60, 20, |inner| {
        let member = (plain_string(), inner.clone());
        prop_oneof![
            proptest::collection::vec(inner, 0..20).prop_map(|all| format!("[{}]", all.join(","))),
            proptest::collection::vec(member, 0..20).prop_map(|all| {
                let unique: std::collections::BTreeMap<_, _> = all.into_iter().collect();
                let members: Vec<_> =
                    unique.iter().map(|(key, value)| format!("{}:{value}", token(key))).collect();
                format!("{{{}}}", members.join(","))
            }),
            (prop_oneof!["[$]{1,3}num", Just("$bin".to_owned())], plain_string())
                .prop_map(|(key, value)| format!("{{{}:{}}}", token(&key), token(&value))),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn json_comes_back_the_same(text in document()) {
        let bytes = from_json(&text);
        prop_assert_eq!(decoded(&bytes), Ok(text));
    }

    #[test]
    fn what_is_accepted_is_json_and_settles_after_one_translation(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
        if let Ok(text) = decoded(&bytes) {
            let mut again = String::new();
            compact(text.as_bytes(), &mut again, &JsonLimits::EVENT).unwrap();
            prop_assert_eq!(&again, &text);
            let canonical = from_json(&text);
            prop_assert_eq!(decoded(&canonical), Ok(text));
        }
    }

    #[test]
    fn damaged_bytes_are_read_or_refused_without_panic(
        text in document(), index in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>(),
    ) {
        let mut bytes = from_json(&text);
        let at = index.index(bytes.len());
        if cut { bytes.truncate(at) } else { bytes[at] = byte }
        if let Ok(text) = decoded(&bytes) {
            prop_assert!(compact(text.as_bytes(), &mut Vec::new(), &JsonLimits::EVENT).is_ok());
        }
    }

    #[test]
    fn encoding_is_total_on_text_that_was_never_validated(text in "[\\[\\]{}\",:$num1\\\\ué]{0,30}") {
        let _ = from_json(&text);
    }
}
