//! OTLP's typed values as plain JSON, and plain JSON as the typed values that it most likely was.
//!
//! INVARIANT (never guessed): `typed_list` is only ever used where its result is the very text that
//! was there; whoever uses it compares.

use std::collections::HashSet;

use super::fields::{At, Message, double, integer};
use crate::dialect::ForeignFault;
use crate::dialect::translation::parts::{Parts, quoted};
use crate::json::{JsonKind, as_str, elements, escape_into, kind, members};

/// The kinds of values.
const KINDS: [&str; 7] = [
    "stringValue",
    "boolValue",
    "intValue",
    "doubleValue",
    "arrayValue",
    "kvlistValue",
    "bytesValue",
];
/// Bytes, as everywhere in Annals.
const BIN: &str = "$bin";

/// A list of keys with typed values as an object. Of a key that is there twice the first counts.
pub(super) fn attributes(list: &str, at: &At<'_>) -> Result<Parts<'static>, ForeignFault> {
    let mut parts = Parts::default();
    let mut seen = HashSet::new();
    for (index, element) in elements(list).enumerate() {
        let at = at.element(index);
        let pair = Message::new(element, at)?;
        let key = pair.text("key")?.unwrap_or_default().into_owned();
        let plain = plain(pair.get("value").unwrap_or("{}"), &at.member("value"))?;
        if !seen.contains(&key) {
            parts.append(&key, plain);
            seen.insert(key);
        }
    }
    Ok(parts)
}

/// A typed value as plain JSON.
pub(super) fn plain(value: &str, at: &At<'_>) -> Result<String, ForeignFault> {
    let message = Message::new(value, *at)?;
    let mut known = KINDS.into_iter().filter_map(|kind| Some((kind, message.get(kind)?)));
    let Some((name, content)) = known.next() else { return Ok("null".to_owned()) };
    if known.next().is_some() {
        return Err(at.fault("it has two values"));
    }
    let at = at.member(name);
    match name {
        "intValue" => integer(content).ok_or_else(|| at.fault("it must be a 64-bit integer")),
        "doubleValue" => double(content).ok_or_else(|| at.fault("it must be a number")),
        "boolValue" if kind(content) == JsonKind::Bool => Ok(content.to_owned()),
        "boolValue" => Err(at.fault("it must be true or false")),
        "arrayValue" => plain_array(content, &at),
        "kvlistValue" => {
            let list = Message::new(content, at)?;
            Ok(attributes(list.array("values")?, &at.member("values"))?.to_text())
        }
        _ if kind(content) != JsonKind::String => Err(at.fault("it must be a string")),
        "bytesValue" => Ok(format!("{{\"{BIN}\":{content}}}")),
        _ => Ok(content.to_owned()),
    }
}

fn plain_array(content: &str, at: &At<'_>) -> Result<String, ForeignFault> {
    let list = Message::new(content, *at)?;
    let at = at.member("values");
    let mut out = String::from("[");
    for (index, element) in elements(list.array("values")?).enumerate() {
        if index > 0 {
            out.push(',');
        }
        out.push_str(&plain(element, &at.element(index))?);
    }
    out.push(']');
    Ok(out)
}

/// How 64-bit integers are written in a typed value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Integers {
    /// As strings, which is how proto3's JSON writes them.
    Strings,
    /// As numbers, which it reads too.
    Numbers,
}

/// An object as a list of keys with typed values.
pub(super) fn typed_list(object: &str, integers: Integers) -> String {
    let mut out = String::with_capacity(object.len() * 2);
    list_into(&mut out, object, integers);
    out
}

fn list_into(out: &mut String, object: &str, integers: Integers) {
    out.push('[');
    for (index, (raw_key, value)) in members(object).enumerate() {
        if index > 0 {
            out.push(',');
        }
        out.push_str("{\"key\":\"");
        out.push_str(raw_key);
        out.push_str("\",\"value\":");
        typed_into(out, value, integers);
        out.push('}');
    }
    out.push(']');
}

fn typed_into(out: &mut String, value: &str, integers: Integers) {
    let mut put = |name: &str, content: &str| {
        out.push_str("{\"");
        out.push_str(name);
        out.push_str("\":");
        out.push_str(content);
        out.push('}');
    };
    match kind(value) {
        JsonKind::Null => out.push_str("{}"),
        JsonKind::String => put("stringValue", value),
        JsonKind::Bool => put("boolValue", value),
        JsonKind::Number if value.bytes().any(|byte| matches!(byte, b'.' | b'e' | b'E')) => {
            put("doubleValue", value);
        }
        JsonKind::Number if integers == Integers::Strings => put("intValue", &quoted(value)),
        JsonKind::Number => put("intValue", value),
        JsonKind::Array => {
            out.push_str("{\"arrayValue\":{\"values\":[");
            for (index, element) in elements(value).enumerate() {
                if index > 0 {
                    out.push(',');
                }
                typed_into(out, element, integers);
            }
            out.push_str("]}}");
        }
        JsonKind::Object => match bytes(value) {
            Some(base64) => put("bytesValue", base64),
            None => {
                out.push_str("{\"kvlistValue\":{\"values\":");
                list_into(out, value, integers);
                out.push_str("}}");
            }
        },
    }
}

/// The text of bytes that stand in an object of their own.
fn bytes(object: &str) -> Option<&str> {
    let mut members = members(object);
    let (key, value) = members.next()?;
    (key == BIN && kind(value) == JsonKind::String && members.next().is_none()).then_some(value)
}

/// A plain value as a text: that of a string, and the JSON text of anything else.
pub(super) fn as_text(plain: &str) -> String {
    as_str(plain).map_or_else(|| plain.to_owned(), |text| text.into_owned())
}

/// A list of texts as a JSON array.
pub(super) fn text_array(texts: &[String]) -> String {
    let mut out = String::from("[");
    for (index, text) in texts.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        out.push('"');
        escape_into(&mut out, text);
        out.push('"');
    }
    out.push(']');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = r#"[{"key":"s","value":{"stringValue":"a\"b"}},{"key":"i","value":{"intValue":"-7"}},{"key":"d","value":{"doubleValue":1.50}},{"key":"b","value":{"boolValue":false}},{"key":"a","value":{"arrayValue":{"values":[{"intValue":"1"},{}]}}},{"key":"k","value":{"kvlistValue":{"values":[{"key":"x","value":{"bytesValue":"AAE="}}]}}},{"key":"e","value":{}}]"#;

    #[test]
    fn every_kind_of_value_becomes_plain_and_typed_again() {
        let plain = attributes(LIST, &At::Top("/a")).unwrap().to_text();
        assert_eq!(
            plain,
            r#"{"s":"a\"b","i":-7,"d":1.50,"b":false,"a":[1,null],"k":{"x":{"$bin":"AAE="}},"e":null}"#
        );
        assert_eq!(typed_list(&plain, Integers::Strings), LIST);
    }

    #[test]
    fn the_first_of_two_equal_keys_counts() {
        let list = r#"[{"key":"a","value":{"intValue":1}},{"key":"a","value":{"intValue":2}}]"#;
        assert_eq!(attributes(list, &At::Top("")).unwrap().to_text(), r#"{"a":1}"#);
    }

    #[test]
    fn wrong_values_are_refused_with_their_place() {
        for (value, place) in [
            (r#"{"intValue":"1.5"}"#, "/v/intValue"),
            (r#"{"intValue":"01"}"#, "/v/intValue"),
            (r#"{"intValue":true}"#, "/v/intValue"),
            (r#"{"doubleValue":"nan"}"#, "/v/doubleValue"),
            (r#"{"boolValue":"true"}"#, "/v/boolValue"),
            (r#"{"stringValue":1}"#, "/v/stringValue"),
            (r#"{"stringValue":"a","intValue":1}"#, "/v"),
            (r#"{"arrayValue":{"values":[{"boolValue":0}]}}"#, "/v/arrayValue/values/0/boolValue"),
            (r#"{"kvlistValue":{"values":{}}}"#, "/v/kvlistValue/values"),
            ("7", "/v"),
        ] {
            let fault = plain(value, &At::Top("/v")).unwrap_err();
            assert_eq!(fault.pointer(), Some(place), "{value}: {fault}");
        }
        assert_eq!(plain(r#"{"doubleValue":"NaN"}"#, &At::Top("")).unwrap(), "\"NaN\"");
        assert_eq!(plain(r#"{"newValue":1}"#, &At::Top("")).unwrap(), "null");
    }
}
