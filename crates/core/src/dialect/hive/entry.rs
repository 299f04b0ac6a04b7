//! Entries of the hive's stream: `{event_data, event_type, event_category, agent_id, session_id,
//! timestamp, metadata}`, where `event_data` holds the event as an object, as JSON text, or as the
//! bytes of JSON or MessagePack.
//!
//! The members beside `event_data` repeat the event. Those that say the same are made again on the
//! way out; what they say otherwise, and the side metadata, is noted.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::dialect::ForeignFault;
use crate::dialect::fault::invalid;
use crate::dialect::translation::parts::{Parts, quoted};
use crate::json::{Json, JsonKind, JsonLimits, as_bool, as_str, kind, member, members};
use crate::msgpack;

const EVENT_DATA: &str = "event_data";
const REPEATED: [&str; 5] = ["event_type", "event_category", "agent_id", "session_id", "timestamp"];

/// The event in an entry; none when the document is no entry.
pub(super) fn unwrap(
    document: &str,
    notes: &mut Parts<'_>,
) -> Result<Option<String>, ForeignFault> {
    let mut parts = Parts::of(document);
    if parts.has("event_id") || !parts.has(EVENT_DATA) {
        return Ok(None);
    }
    let held = parts.take(EVENT_DATA).unwrap_or_default();
    let metadata = parts.get_text("metadata");
    let (form, event) = decode(&held, metadata.as_deref())?;
    let inner = Parts::of(&event);
    for name in REPEATED {
        let repeats = parts.get(name).is_some_and(|value| value == repeated(name, &inner));
        if repeats {
            parts.take(name);
        }
    }
    let mut noted = Parts::default();
    noted.insert_text("form", form);
    if !parts.is_empty() {
        noted.insert("beside", parts.to_text());
    }
    notes.insert("entry", noted.to_text());
    Ok(Some(event))
}

/// What a member of the entry repeats of the event; an empty text for an id that is not there.
fn repeated(name: &str, event: &Parts<'_>) -> String {
    let value = event.get(name).map(|value| untagged(&value));
    let is_id = matches!(name, "agent_id" | "session_id");
    match value {
        Some(value) if value != "null" || !is_id => value,
        _ => "\"\"".to_owned(),
    }
}

fn untagged(value: &str) -> String {
    let mut inner = members(value);
    match (inner.next(), inner.next()) {
        (Some((_, tagged)), None) => tagged.to_owned(),
        _ => value.to_owned(),
    }
}

fn decode(held: &str, metadata: Option<&str>) -> Result<(&'static str, String), ForeignFault> {
    let pointer = "/event_data";
    let wrong = |problem: &dyn std::fmt::Display| invalid(pointer, problem);
    let side = metadata.and_then(|text| Json::parse(text.as_bytes()).ok());
    let side = side.as_ref().map_or("{}", Json::as_str);
    if member(side, "compressed").and_then(as_bool) == Some(true) {
        return Err(wrong(&"it is compressed; send it as JSON or MessagePack"));
    }
    let (form, event) = match (kind(held), bytes_of(held)) {
        (JsonKind::String, _) => {
            let text = as_str(held).unwrap_or_default();
            let event = Json::parse(text.as_bytes()).map_err(|error| wrong(&error))?.into_string();
            let form = if text == event { "text" } else { "spaced text" };
            (form, event)
        }
        (JsonKind::Object, Some(bytes)) if bytes.first() == Some(&b'{') => {
            let event = Json::parse(&bytes).map_err(|error| wrong(&error))?.into_string();
            let form = if bytes == event.as_bytes() { "bytes" } else { "spaced bytes" };
            (form, event)
        }
        (JsonKind::Object, Some(bytes)) => {
            let mut text = Vec::with_capacity(bytes.len() * 2);
            msgpack::to_json(&bytes, &mut text, &JsonLimits::EVENT)
                .map_err(|error| wrong(&error))?;
            ("msgpack", Json::parse(&text).map_err(|error| wrong(&error))?.into_string())
        }
        _ => ("object", held.to_owned()),
    };
    if kind(&event) != JsonKind::Object {
        return Err(wrong(&"it must hold an event"));
    }
    Ok((form, event))
}

/// The bytes of `{"$bin": base64}`.
fn bytes_of(value: &str) -> Option<Vec<u8>> {
    let mut inner = members(value);
    match (inner.next(), inner.next()) {
        (Some(("$bin", text)), None) => STANDARD.decode(as_str(text)?.as_bytes()).ok(),
        _ => None,
    }
}

/// The entry around an event.
pub(super) fn wrap<'a>(event: &Parts<'_>, noted: &str) -> Parts<'a> {
    let beside = member(noted, "beside").map(Parts::of_owned).unwrap_or_default();
    let form = member(noted, "form").and_then(as_str).unwrap_or_default();
    let text = event.to_text();
    let held = match form.as_ref() {
        "text" => quoted(&text),
        "spaced text" => quoted(&spaced(&text)),
        "bytes" => bin(text.as_bytes()),
        "spaced bytes" => bin(spaced(&text).as_bytes()),
        "msgpack" => bin(&msgpack::from_json(&text)),
        _ => text,
    };
    let mut entry = Parts::default();
    entry.insert(EVENT_DATA, held);
    for name in REPEATED {
        if !beside.has(name) {
            entry.insert(name, repeated(name, event));
        }
    }
    for (name, value) in beside.iter() {
        entry.insert(&name, value.into_owned());
    }
    entry
}

fn bin(bytes: &[u8]) -> String {
    format!("{{\"$bin\":\"{}\"}}", STANDARD.encode(bytes))
}

/// A text with a space after each comma and colon, as the hive's own writer has it.
fn spaced(compact: &str) -> String {
    let mut out = String::with_capacity(compact.len() + compact.len() / 8);
    let (mut in_string, mut is_escaped) = (false, false);
    for character in compact.chars() {
        out.push(character);
        match character {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => in_string = !in_string,
            ',' | ':' if !in_string => out.push(' '),
            _ => {}
        }
    }
    out
}
