//! Reads validated compact text in place: members, elements, and scalars.
//!
//! It checks nothing (see the invariant in `mod.rs`) and allocates nothing, except to unescape a
//! string. Looking up several members one by one reads the object again each time; iterate instead.

use std::borrow::Cow;

use super::scan::find_special;
use super::string::unescape;

/// The six kinds of JSON values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JsonKind {
    /// `null`
    Null,
    /// `true` or `false`
    Bool,
    /// A number.
    Number,
    /// A string.
    String,
    /// An array.
    Array,
    /// An object.
    Object,
}

/// What kind of value a validated compact text is.
pub fn kind(value: &str) -> JsonKind {
    match value.as_bytes().first() {
        Some(b'{') => JsonKind::Object,
        Some(b'[') => JsonKind::Array,
        Some(b'"') => JsonKind::String,
        Some(b't' | b'f') => JsonKind::Bool,
        Some(b'n') => JsonKind::Null,
        _ => JsonKind::Number,
    }
}

/// The plain text of a string value; `None` for other kinds.
pub fn as_str(value: &str) -> Option<Cow<'_, str>> {
    value.strip_prefix('"')?.strip_suffix('"').map(unescape)
}

/// The value of `true` or `false`; `None` for other kinds.
pub fn as_bool(value: &str) -> Option<bool> {
    value.parse().ok()
}

/// The value of a number written as an integer in range; `None` for anything else (also `1.0`).
pub fn as_u64(value: &str) -> Option<u64> {
    value.parse().ok()
}

/// The value of a number written as an integer in range; `None` for anything else (also `1.0`).
pub fn as_i64(value: &str) -> Option<i64> {
    value.parse().ok()
}

/// The value of an object's member, the key given in plain text; `None` if there is none.
pub fn member<'a>(object: &'a str, key: &str) -> Option<&'a str> {
    members(object)
        .find(|(raw, _)| *raw == key || raw.contains('\\') && unescape(raw) == key)
        .map(|(_, value)| value)
}

/// The members of an object in the order of the text: raw key without quotes, and value. Nothing
/// for other kinds.
pub fn members(object: &str) -> Members<'_> {
    Members { rest: object.strip_prefix('{').unwrap_or_default() }
}

/// The elements of an array in order. Nothing for other kinds.
pub fn elements(array: &str) -> Elements<'_> {
    Elements { rest: array.strip_prefix('[').unwrap_or_default() }
}

/// Iterator of `members`.
#[derive(Clone, Debug)]
pub struct Members<'a> {
    /// From the next key's opening quote on.
    rest: &'a str,
}

impl<'a> Iterator for Members<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        let content = self.rest.strip_prefix('"')?;
        let key_end = string_content_end(content.as_bytes(), 0);
        let (key, after_key) = content.split_at_checked(key_end)?;
        let (value, rest) = split_value(after_key.strip_prefix("\":")?)?;
        self.rest = rest;
        Some((key, value))
    }
}

/// Iterator of `elements`.
#[derive(Clone, Debug)]
pub struct Elements<'a> {
    /// From the next element on.
    rest: &'a str,
}

impl<'a> Iterator for Elements<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let (value, rest) = split_value(self.rest)?;
        self.rest = rest;
        Some(value)
    }
}

/// Splits a value off, and the comma after it. `None` if there is no value.
fn split_value(text: &str) -> Option<(&str, &str)> {
    let end = value_end(text.as_bytes());
    let (value, rest) = text.split_at_checked(end)?;
    if value.is_empty() { None } else { Some((value, rest.strip_prefix(',').unwrap_or_default())) }
}

/// Where the value ends that the bytes begin with.
fn value_end(bytes: &[u8]) -> usize {
    match bytes.first() {
        Some(b'"') => string_content_end(bytes, 1) + 1,
        Some(b'{' | b'[') => container_end(bytes),
        _ => {
            bytes.iter().position(|byte| matches!(byte, b',' | b'}' | b']')).unwrap_or(bytes.len())
        }
    }
}

fn container_end(bytes: &[u8]) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => at = string_content_end(bytes, at + 1),
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 {
                    return at + 1;
                }
            }
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

/// Where the closing quote is of the string content that begins at `from`.
#[inline]
pub(crate) fn string_content_end(bytes: &[u8], from: usize) -> usize {
    let mut at = find_special(bytes, from);
    while bytes.get(at) == Some(&b'\\') {
        at = find_special(bytes, at + 2);
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn walks_members_in_order_with_raw_keys() {
        let object = r#"{"a":1,"":{"x":[1,"}"]},"q\"":"\\","n":null,"é":[[],{}],"z":-1.5e3}"#;
        let expected = [
            ("a", "1"),
            ("", r#"{"x":[1,"}"]}"#),
            (r#"q\""#, r#""\\""#),
            ("n", "null"),
            ("é", "[[],{}]"),
            ("z", "-1.5e3"),
        ];
        assert_eq!(members(object).collect::<Vec<_>>(), expected);
        assert_eq!(member(object, "q\""), Some(r#""\\""#));
        assert_eq!(member(object, "é"), Some("[[],{}]"));
        assert_eq!(member(object, "x"), None);
    }

    #[test]
    fn walks_elements_in_order() {
        let array = r#"[1,"a,]",[2,[3]],{"b":4},true,null]"#;
        let expected = ["1", r#""a,]""#, "[2,[3]]", r#"{"b":4}"#, "true", "null"];
        assert_eq!(elements(array).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn other_kinds_have_no_members_and_no_elements() {
        for text in ["{}", "[]", "1", "\"a\"", "null", ""] {
            assert_eq!(members(text).count(), 0);
            assert_eq!(elements(text).count(), 0);
        }
    }

    #[test]
    fn tells_kinds_and_reads_scalars() {
        let kinds = ["null", "true", "-1", "\"\"", "[]", "{}"].map(kind);
        let expected = [
            JsonKind::Null,
            JsonKind::Bool,
            JsonKind::Number,
            JsonKind::String,
            JsonKind::Array,
            JsonKind::Object,
        ];
        assert_eq!(kinds, expected);
        assert_eq!(as_str(r#""a\nb""#).as_deref(), Some("a\nb"));
        assert_eq!(as_str("1"), None);
        assert_eq!(as_u64("18446744073709551615"), Some(u64::MAX));
        assert_eq!(as_u64("18446744073709551616"), None);
        assert_eq!(as_u64("1.0"), None);
        assert_eq!(as_i64("-5"), Some(-5));
        assert_eq!(as_bool("true"), Some(true));
        assert_eq!(as_bool("null"), None);
    }

    #[test]
    fn ends_on_text_that_was_never_validated() {
        for text in [
            "{\"a",
            "{\"a\"",
            "{\"a\":",
            "{\"a\\",
            "[\"",
            "[[",
            "[]]",
            "{\"a\":}",
            "[,]",
            "{,}",
            "[\"\\",
            "{\"é\\é",
        ] {
            assert!(members(text).count() <= 1);
            assert!(elements(text).count() <= 1);
        }
    }
}
