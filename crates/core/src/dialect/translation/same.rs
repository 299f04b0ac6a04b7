//! Whether two texts are the same JSON document, where they differ, and how to make one the other.
//!
//! The order of members and the spelling of escapes do not count; the texts of numbers do.
//! INVARIANT (lossless): applying `differences(want, have)` to `have` gives `want`.

use std::borrow::Cow;
use std::collections::HashMap;

use super::parts::Parts;
use crate::json::{JsonKind, as_str, elements, kind, member, members, unescape};

/// Whether two texts are the same document.
pub(in crate::dialect) fn is_same(one: &str, other: &str) -> bool {
    if one == other {
        return true;
    }
    match (kind(one), kind(other)) {
        (JsonKind::Object, JsonKind::Object) => {
            let there = Index::of(other);
            members(one).count() == members(other).count()
                && members(one).all(|(key, value)| {
                    there.get(&unescape(key)).is_some_and(|there| is_same(value, there))
                })
        }
        (JsonKind::Array, JsonKind::Array) => {
            elements(one).count() == elements(other).count()
                && elements(one).zip(elements(other)).all(|(one, other)| is_same(one, other))
        }
        (JsonKind::String, JsonKind::String) => as_str(one) == as_str(other),
        _ => false,
    }
}

/// An object's members by their names. A large one is indexed: a sender must not be able to make
/// comparing two objects slow by making them long.
enum Index<'a> {
    Short(&'a str),
    Long(HashMap<Cow<'a, str>, &'a str>),
}

/// Members up to which looking through them is faster than an index.
const SHORT_MEMBERS_MAX: usize = 16;

impl<'a> Index<'a> {
    fn of(object: &'a str) -> Self {
        if members(object).nth(SHORT_MEMBERS_MAX).is_none() {
            return Self::Short(object);
        }
        Self::Long(members(object).map(|(key, value)| (unescape(key), value)).collect())
    }

    fn get(&self, key: &str) -> Option<&'a str> {
        match self {
            Self::Short(object) => member(object, key),
            Self::Long(index) => index.get(key).copied(),
        }
    }
}

/// What must change in one object to make it another: JSON Pointers, each with the wanted value in
/// an array, or with an empty array where nothing is wanted. None when they are the same.
pub(in crate::dialect) fn differences(want: &str, have: &str) -> Option<String> {
    let mut found = Parts::default();
    compare("", want, have, &mut found);
    (!found.is_empty()).then(|| found.to_text())
}

fn compare(pointer: &str, want: &str, have: &str, found: &mut Parts<'_>) {
    if want == have {
        return;
    }
    if kind(want) != JsonKind::Object || kind(have) != JsonKind::Object {
        if !is_same(want, have) {
            found.append(pointer, format!("[{want}]"));
        }
        return;
    }
    let (wanted_members, had_members) = (Index::of(want), Index::of(have));
    for (raw_key, wanted) in members(want) {
        let key = unescape(raw_key);
        match had_members.get(&key) {
            Some(had) if wanted == had => {}
            Some(had) => compare(&step(pointer, &key), wanted, had, found),
            None => found.append(&step(pointer, &key), format!("[{wanted}]")),
        }
    }
    for (raw_key, _) in members(have) {
        let key = unescape(raw_key);
        if wanted_members.get(&key).is_none() {
            found.append(&step(pointer, &key), "[]".to_owned());
        }
    }
}

/// Applies differences to an object.
pub(in crate::dialect) fn apply(parts: &mut Parts<'_>, differences: &str) {
    for (raw_pointer, wanted) in members(differences) {
        let path = path_of(&unescape(raw_pointer));
        match elements(wanted).next() {
            Some(value) => parts.set_path(&path, value.to_owned()),
            None => drop(parts.cut_path(&path)),
        }
    }
}

/// A pointer with one more step.
pub(in crate::dialect) fn step(pointer: &str, key: &str) -> String {
    format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"))
}

/// The keys that a pointer follows.
pub(in crate::dialect) fn path_of(pointer: &str) -> Vec<String> {
    pointer.split('/').skip(1).map(|step| step.replace("~1", "/").replace("~0", "~")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_and_escapes_do_not_count_and_number_texts_do() {
        assert!(is_same(r#"{"a":[1,{"b":"é"}],"c":null}"#, r#"{"c":null,"a":[1,{"b":"\u00e9"}]}"#));
        for (one, other) in [
            (r#"{"a":1}"#, r#"{"a":1.0}"#),
            (r#"{"a":null}"#, "{}"),
            (r#"{"a":0}"#, r#"{"a":false}"#),
            ("[1,2]", "[2,1]"),
            ("[]", "{}"),
        ] {
            assert!(!is_same(one, other), "{one} {other}");
        }
    }

    #[test]
    fn differences_make_one_document_the_other() {
        let cases = [
            (
                r#"{"a":1,"b":{"c":[1],"d":{}},"e":null}"#,
                r#"{"a":1.0,"b":{"c":[1,2]},"x":{"y":1}}"#,
            ),
            (r#"{"a/b":{"~":1}}"#, r#"{"a/b":{"~":2,"z":3},"":4}"#),
            (r#"{"a":{}}"#, r#"{"a":{"b":1}}"#),
            (r#"{"a":{"b":1}}"#, r#"{"a":{}}"#),
            (r#"{"a":5}"#, r#"{"a":{"b":1}}"#),
        ];
        for (want, have) in cases {
            let differences = differences(want, have).unwrap();
            let mut parts = Parts::of(have);
            apply(&mut parts, &differences);
            assert!(is_same(want, &parts.to_text()), "{want} {}", parts.to_text());
        }
        assert_eq!(differences(r#"{"a":1,"b":2}"#, r#"{"b":2,"a":1}"#), None);
    }
}
