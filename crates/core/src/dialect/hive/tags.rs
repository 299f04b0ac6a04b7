//! The tags that hive's MessagePack form puts around values which JSON has as strings:
//! `{"__datetime__": "…"}`, `{"__uuid__": "…"}`, `{"__enum__": …}`.
//!
//! They are taken off the members of the event, of its payload and of its metadata, and noted with
//! their places; deeper ones stay in the payload as they are.

use std::borrow::Cow;

use crate::dialect::translation::parts::{Parts, quoted};
use crate::dialect::translation::same::{path_of, step};
use crate::json::{elements, members};

const TAGS: [&str; 3] = ["__datetime__", "__uuid__", "__enum__"];

/// Members whose tags are taken off; the tags of more stay in the payload like deeper ones.
const TAGGED_MEMBERS_MAX: usize = 64;

/// The objects whose members may be tagged.
const NESTED: [&str; 3] = ["payload", "performance_metrics", "metadata"];

/// Takes the tags off and says which was where.
pub(super) fn take_off(document: &mut Parts<'_>) -> Option<String> {
    let mut places: Vec<(&'static str, String)> = Vec::new();
    let mut nested = Vec::new();
    for (key, value) in document.iter() {
        if NESTED.contains(&key.as_ref()) {
            for (inner, value) in members(&value) {
                note(&mut nested, &[&key, &crate::json::unescape(inner)], value);
            }
        }
        note(&mut nested, &[&key], &value);
    }
    for (path, tag, value) in nested.into_iter().take(TAGGED_MEMBERS_MAX) {
        document.set_path(&path, value);
        places.push((tag, path.iter().fold(String::new(), |pointer, key| step(&pointer, key))));
    }
    if places.is_empty() {
        return None;
    }
    let mut noted = Parts::default();
    for tag in TAGS {
        let of_tag: Vec<_> =
            places.iter().filter(|(t, _)| *t == tag).map(|(_, place)| quoted(place)).collect();
        if !of_tag.is_empty() {
            noted.insert(tag, format!("[{}]", of_tag.join(",")));
        }
    }
    Some(noted.to_text())
}

fn note(found: &mut Vec<(Vec<String>, &'static str, String)>, path: &[&str], value: &str) {
    let mut inner = members(value);
    if let (Some((key, tagged)), None) = (inner.next(), inner.next())
        && let Some(tag) = TAGS.into_iter().find(|tag| *tag == key)
    {
        let path = path.iter().map(|step| (*step).to_owned()).collect();
        found.push((path, tag, tagged.to_owned()));
    }
}

/// Puts the tags on again.
pub(super) fn put_on(document: &mut Parts<'_>, noted: &str) {
    for (tag, places) in members(noted) {
        for place in elements(places).filter_map(crate::json::as_str) {
            let path = path_of(&place);
            let value = document.get_path(&path).map(Cow::into_owned);
            if let Some(value) = value {
                document.set_path(&path, format!("{{\"{tag}\":{value}}}"));
            }
        }
    }
}
