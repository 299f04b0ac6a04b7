//! An item as it is kept beside a payload that says parts of it already: those are there by
//! reference, so that nothing long is kept twice.
//!
//! A reference is an object with one member: `{"$":POINTER}` is the value at that place of the
//! payload, `{"$attributes":POINTER}` the object there as a list of typed values, and
//! `{"$numbers":POINTER}` the same with 64-bit integers as numbers. A member of the item whose own
//! name begins with `$` has one more. Persisted: these names never change their meaning.
//!
//! INVARIANT (exact): unpacking gives the item's text byte for byte; `pack` proves it as it packs.

use std::collections::HashMap;

use super::value::{Integers, typed_list};
use crate::dialect::translation::parts::quoted;
use crate::dialect::translation::same::step;
use crate::json::{JsonKind, as_str, elements, kind, member, members, unescape};

const VALUE: &str = "$";
const ATTRIBUTES: &str = "$attributes";
const NUMBERS: &str = "$numbers";

/// Objects of a payload that are lists of typed values in an item.
const LISTS: [&str; 3] = ["/attributes", "/resource", "/scope/attributes"];
/// Bytes of a place that is referred to. One long name above many texts must not be repeated for each.
const POINTER_BYTES_MAX: usize = 512;
/// Bytes from which a text may be worth a reference.
const REFERRED_BYTES_MIN: usize = 24;

/// Packs an item.
pub(super) fn pack(item: &str, data: &str) -> String {
    let mut texts = HashMap::new();
    each_string(data, "", REFERRED_BYTES_MIN, &mut |pointer, token| {
        let reference = refer(VALUE, pointer);
        if reference.len() < token.len() {
            texts.entry(token.to_owned()).or_insert(reference);
        }
    });
    for pointer in LISTS {
        let Some(object) = follow(data, pointer).filter(|object| *object != "{}") else { continue };
        for (name, integers) in [(ATTRIBUTES, Integers::Strings), (NUMBERS, Integers::Numbers)] {
            texts.entry(typed_list(object, integers)).or_insert_with(|| refer(name, pointer));
        }
    }
    let mut packed = String::with_capacity(item.len());
    pack_into(&mut packed, item, &texts);
    if unpack(&packed, data).as_deref() == Some(item) {
        return packed;
    }
    packed.clear();
    pack_into(&mut packed, item, &HashMap::new());
    packed
}

fn refer(name: &str, pointer: &str) -> String {
    format!("{{\"{name}\":{}}}", quoted(pointer))
}

fn pack_into(out: &mut String, value: &str, texts: &HashMap<String, String>) {
    let kind = kind(value);
    let may_refer = matches!(kind, JsonKind::String | JsonKind::Array);
    if may_refer
        && value.len() >= REFERRED_BYTES_MIN
        && let Some(reference) = texts.get(value)
    {
        out.push_str(reference);
        return;
    }
    walk(
        out,
        value,
        kind,
        |out, raw_key, value| {
            if raw_key.starts_with('$') {
                out.push('$');
            }
            push_key(out, raw_key);
            pack_into(out, value, texts);
        },
        |out, value| pack_into(out, value, texts),
    );
}

fn push_key(out: &mut String, raw_key: &str) {
    out.push_str(raw_key);
    out.push_str("\":");
}

/// Writes a value with its members and elements as the caller writes them.
fn walk(
    out: &mut String,
    value: &str,
    kind: JsonKind,
    mut member: impl FnMut(&mut String, &str, &str),
    mut element: impl FnMut(&mut String, &str),
) {
    match kind {
        JsonKind::Object => {
            out.push('{');
            for (index, (raw_key, value)) in members(value).enumerate() {
                out.push_str(if index > 0 { ",\"" } else { "\"" });
                member(out, raw_key, value);
            }
            out.push('}');
        }
        JsonKind::Array => {
            out.push('[');
            for (index, value) in elements(value).enumerate() {
                if index > 0 {
                    out.push(',');
                }
                element(out, value);
            }
            out.push(']');
        }
        JsonKind::Null | JsonKind::Bool | JsonKind::Number | JsonKind::String => {
            out.push_str(value);
        }
    }
}

/// The item that was packed beside a payload; none where the payload is another one.
pub(super) fn unpack(packed: &str, data: &str) -> Option<String> {
    let mut tokens = HashMap::new();
    each_string(data, "", 0, &mut |pointer, token| {
        tokens.insert(pointer.to_owned(), token);
    });
    let mut out = String::with_capacity(packed.len() + data.len());
    let mut unpacker = Unpacker { data, tokens, is_whole: true };
    unpacker.unpack_into(&mut out, packed);
    unpacker.is_whole.then_some(out)
}

struct Unpacker<'a> {
    data: &'a str,
    /// The strings of the payload by their places.
    tokens: HashMap<String, &'a str>,
    is_whole: bool,
}

impl Unpacker<'_> {
    fn unpack_into(&mut self, out: &mut String, value: &str) {
        match kind(value) {
            JsonKind::Object => self.unpack_object(out, value),
            JsonKind::Array => {
                out.push('[');
                for (index, value) in elements(value).enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    self.unpack_into(out, value);
                }
                out.push(']');
            }
            JsonKind::Null | JsonKind::Bool | JsonKind::Number | JsonKind::String => {
                out.push_str(value);
            }
        }
    }

    fn unpack_object(&mut self, out: &mut String, object: &str) {
        let mut first = members(object);
        if let (Some((name @ (VALUE | ATTRIBUTES | NUMBERS), pointer)), None) =
            (first.next(), first.next())
        {
            let found = as_str(pointer).and_then(|pointer| self.referred(name, &pointer));
            self.is_whole &= found.is_some();
            out.push_str(&found.unwrap_or_default());
            return;
        }
        out.push('{');
        for (index, (raw_key, value)) in members(object).enumerate() {
            out.push_str(if index > 0 { ",\"" } else { "\"" });
            push_key(out, raw_key.strip_prefix('$').unwrap_or(raw_key));
            self.unpack_into(out, value);
        }
        out.push('}');
    }

    fn referred(&self, name: &str, pointer: &str) -> Option<String> {
        let integers = match name {
            VALUE => return self.tokens.get(pointer).map(|token| (*token).to_owned()),
            ATTRIBUTES => Integers::Strings,
            _ => Integers::Numbers,
        };
        let object = LISTS.contains(&pointer).then(|| follow(self.data, pointer)).flatten()?;
        (kind(object) == JsonKind::Object).then(|| typed_list(object, integers))
    }
}

/// Every string of so many bytes or more, with its place.
fn each_string<'a>(
    value: &'a str,
    pointer: &str,
    byte_count_min: usize,
    found: &mut impl FnMut(&str, &'a str),
) {
    if value.len() < byte_count_min || pointer.len() > POINTER_BYTES_MAX {
        return;
    }
    match kind(value) {
        JsonKind::String => found(pointer, value),
        JsonKind::Object => {
            for (raw_key, value) in members(value) {
                each_string(value, &step(pointer, &unescape(raw_key)), byte_count_min, found);
            }
        }
        JsonKind::Array => {
            for (index, value) in elements(value).enumerate() {
                each_string(value, &format!("{pointer}/{index}"), byte_count_min, found);
            }
        }
        JsonKind::Null | JsonKind::Bool | JsonKind::Number => {}
    }
}

/// The object at a place that `LISTS` names.
fn follow<'a>(data: &'a str, pointer: &str) -> Option<&'a str> {
    pointer.split('/').skip(1).try_fold(data, |value, step| member(value, step))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: &str = "a text that is longer than a reference to it";

    #[test]
    fn what_the_payload_says_is_there_by_reference_and_comes_back() {
        let data = format!(
            r#"{{"attributes":{{"k":1,"l":2.5}},"resource":{{"service.name":"shop"}},"output":[{{"text":"{LONG}"}}]}}"#
        );
        let item = format!(
            r#"{{"a":[{{"key":"k","value":{{"intValue":"1"}}}},{{"key":"l","value":{{"doubleValue":2.5}}}}],"r":{{"attributes":[{{"key":"service.name","value":{{"stringValue":"shop"}}}}]}},"$":"{LONG}","$$x":{{"$":"{LONG}"}},"n":"{LONG}!"}}"#
        );
        let packed = pack(&item, &data);
        assert_eq!(
            packed,
            format!(
                r#"{{"a":{{"$attributes":"/attributes"}},"r":{{"attributes":{{"$attributes":"/resource"}}}},"$$":{{"$":"/output/0/text"}},"$$$x":{{"$$":{{"$":"/output/0/text"}}}},"n":"{LONG}!"}}"#
            )
        );
        assert_eq!(unpack(&packed, &data).as_deref(), Some(item.as_str()));
    }

    #[test]
    fn beside_another_payload_there_is_no_item() {
        let packed = r#"{"n":{"$":"/output"}}"#;
        assert_eq!(unpack(packed, "{}"), None);
        assert_eq!(unpack(r#"{"a":{"$attributes":"/attributes"}}"#, r#"{"attributes":1}"#), None);
        assert_eq!(unpack(r#"{"a":{"$attributes":"/x"}}"#, r#"{"x":{}}"#), None);
    }
}
