//! Compares the scanner with `serde_json` on generated texts.

use proptest::prelude::*;
use serde_json::Value;
use serde_json::value::RawValue;

use super::*;

/// No limit that a generated text can reach.
const LOOSE: JsonLimits = JsonLimits { depth_max: 10_000, node_count_max: 1_000_000 };

fn gap() -> impl Strategy<Value = String> {
    prop_oneof![4 => Just(String::new()), 1 => "[ \\n\\r\\t]{1,3}"]
}

fn string_token() -> impl Strategy<Value = String> {
    prop_oneof![
        "\"[a-z]{0,12}\"",
        "\"([ -!#-\\[\\]-~é€😀\u{7f}]|\\\\[\"\\\\/bfnrt]|\\\\u[0-9a-cA-C][0-9a-fA-F]{3}|\\\\ud8[0-9]{2}\\\\udc[0-9a-f]{2}){0,6}\"",
    ]
}

fn scalar() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        Just("false".to_owned()),
        "-?(0|[1-9][0-9]{0,25})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?",
        string_token(),
    ]
}

/// Valid JSON with whitespace anywhere, and sometimes a key twice.
fn document() -> impl Strategy<Value = String> {
    scalar().prop_recursive(5, 60, 20, |inner| {
        let spaced = (gap(), inner, gap()).prop_map(|(a, b, c)| format!("{a}{b}{c}")).boxed();
        let key = (gap(), string_token(), gap()).prop_map(|(a, b, c)| format!("{a}{b}{c}"));
        let member = (key, spaced.clone()).prop_map(|(key, value)| format!("{key}:{value}"));
        prop_oneof![
            (gap(), proptest::collection::vec(spaced, 0..6)).prop_map(|(g, all)| {
                if all.is_empty() { format!("[{g}]") } else { format!("[{}]", all.join(",")) }
            }),
            (gap(), proptest::collection::vec(member, 0..20)).prop_map(|(g, all)| {
                if all.is_empty() { format!("{{{g}}}") } else { format!("{{{}}}", all.join(",")) }
            }),
        ]
    })
}

/// A document with some bytes replaced, removed or doubled.
fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let damage = (any::<prop::sample::Index>(), 0..3_u8, "[\\[\\]{}\",:0-9eE.+\\\\u -]|\u{1f}|é");
    (document(), proptest::collection::vec(damage, 1..4)).prop_map(|(text, damages)| {
        let mut bytes = text.into_bytes();
        for (index, how, piece) in damages {
            if bytes.is_empty() {
                break;
            }
            let at = index.index(bytes.len());
            match how {
                0 => drop(bytes.remove(at)),
                1 => drop(bytes.splice(at..at + 1, piece.bytes())),
                _ => bytes.insert(at, bytes[at]),
            }
        }
        bytes
    })
}

fn compacted(input: &[u8]) -> Result<String, JsonError> {
    let mut out = String::new();
    compact(input, &mut out, &LOOSE).map(|()| out)
}

/// Drops whitespace outside strings, the slow and obvious way.
fn without_whitespace(text: &str) -> String {
    let (mut in_string, mut escaped) = (false, false);
    let keep = |character: &char| {
        let keep = in_string || !" \n\r\t".contains(*character);
        let toggles = *character == '"' && !escaped;
        escaped = in_string && !escaped && *character == '\\';
        in_string ^= toggles;
        keep
    };
    text.chars().filter(keep).collect()
}

/// Any key twice, by a tree that keeps duplicates.
fn has_duplicate_key(compact: &str) -> bool {
    match kind(compact) {
        JsonKind::Object => {
            let names: Vec<_> = members(compact).map(|(key, _)| unescape(key)).collect();
            let unique: std::collections::BTreeSet<_> = names.iter().collect();
            unique.len() < names.len()
                || members(compact).any(|(_, value)| has_duplicate_key(value))
        }
        JsonKind::Array => elements(compact).any(has_duplicate_key),
        JsonKind::Null | JsonKind::Bool | JsonKind::Number | JsonKind::String => false,
    }
}

fn agree(input: &[u8]) {
    let accepted = serde_json::from_slice::<Box<RawValue>>(input).is_ok();
    let ours = compacted(input);
    match &ours {
        Ok(text) => {
            assert!(accepted, "accepted what serde_json refuses");
            let original = str::from_utf8(input).unwrap();
            assert_eq!(text, &without_whitespace(original));
            assert_eq!(
                compacted(text.as_bytes()).as_ref(),
                Ok(text),
                "compacting twice changes the text"
            );
            assert!(!has_duplicate_key(text));
            if let (Ok(before), Ok(after)) =
                (serde_json::from_str::<Value>(original), serde_json::from_str::<Value>(text))
            {
                assert_eq!(before, after);
            }
        }
        Err(JsonError::DuplicateKey { .. }) => {
            assert!(
                accepted && has_duplicate_key(&without_whitespace(str::from_utf8(input).unwrap()))
            );
        }
        Err(error @ JsonError::UnpairedSurrogate { .. }) => {
            assert!(accepted && serde_json::from_slice::<Value>(input).is_err(), "{error}");
        }
        Err(error) => assert!(!accepted, "refused with {error} what serde_json accepts"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn agrees_with_serde_json_on_documents(text in document()) {
        agree(text.as_bytes());
    }

    #[test]
    fn agrees_with_serde_json_on_damaged_documents(bytes in damaged()) {
        agree(&bytes);
    }

    #[test]
    fn a_batch_gives_each_element_what_it_gets_alone(texts in proptest::collection::vec(document(), 0..5)) {
        let input = format!("[{}]", texts.join(","));
        let limits = BodyLimits { json: LOOSE, element_count_max: 10 };
        let mut out = Vec::new();
        let body = compact_body(input.as_bytes(), &mut out, &limits).unwrap();
        prop_assert_eq!(body.elements.len(), texts.len());
        for (element, text) in body.elements.iter().zip(&texts) {
            let together = element.text.clone().ok().map(|range| str::from_utf8(&out[range]).unwrap());
            let alone = compacted(text.as_bytes()).ok();
            prop_assert_eq!(together, alone.as_deref());
            let walked: Vec<_> = members(together.unwrap_or_default()).collect();
            let noted: Vec<_> = body
                .members_of(element)
                .iter()
                .map(|member| (&out[member.key.clone()], &out[member.value.clone()]))
                .map(|(key, value)| (str::from_utf8(key).unwrap(), str::from_utf8(value).unwrap()))
                .collect();
            prop_assert_eq!(walked, noted);
        }
    }

    #[test]
    fn reads_any_text_without_panic(text in "[\\[\\]{}\",:a1\\\\ué]{0,30}") {
        let _ = members(&text).chain(members(&text)).count();
        let _ = elements(&text).count();
        let _ = unescape(&text);
    }

    #[test]
    fn rebuilds_a_document_from_its_parts(text in document()) {
        if let Ok(text) = compacted(text.as_bytes()) {
            let rebuilt = match kind(&text) {
                JsonKind::Object => {
                    let parts: Vec<_> = members(&text).map(|(key, value)| format!("\"{key}\":{value}")).collect();
                    format!("{{{}}}", parts.join(","))
                }
                JsonKind::Array => format!("[{}]", elements(&text).collect::<Vec<_>>().join(",")),
                JsonKind::Null | JsonKind::Bool | JsonKind::Number | JsonKind::String => text.clone(),
            };
            prop_assert_eq!(rebuilt, text);
        }
    }
}
