//! Entries of the hive's stream: `{event_data, event_type, event_category, agent_id, session_id,
//! timestamp, metadata}`, where `event_data` holds the event as an object, as JSON text, or as the
//! bytes of JSON or MessagePack, which may be compressed.
//!
//! The members beside `event_data` repeat the event. Those that say the same are made again on the
//! way out; what they say otherwise, and the side metadata, is noted.
//!
//! INVARIANT (nothing in disguise): of an event that came as bytes the bytes are not kept, only what
//! they say. A secret in them would be one that no search finds. They go out encoded anew.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::zlib::{Room, deflate, inflate, too_large};
use crate::dialect::ForeignFault;
use crate::dialect::fault::invalid;
use crate::dialect::translation::parts::{Parts, quoted};
use crate::json::{Json, JsonKind, JsonLimits, as_bool, as_str, kind, member, members, unescape};
use crate::limits::EVENT_BYTES_MAX;
use crate::msgpack;

const EVENT_DATA: &str = "event_data";
const REPEATED: [&str; 5] = ["event_type", "event_category", "agent_id", "session_id", "timestamp"];

/// What a bytes' form is called when the bytes are compressed.
const COMPRESSED: &str = "zlib ";

/// An entry, opened.
#[derive(Debug)]
pub(super) struct Opened<'a> {
    /// The event in it.
    pub(super) event: String,
    /// The entry, with an event that came as bytes in the open.
    pub(super) document: Cow<'a, str>,
}

/// The event in an entry; none when the document is no entry.
pub(super) fn unwrap<'a>(
    document: &'a str,
    notes: &mut Parts<'_>,
    room: &Room,
) -> Result<Option<Opened<'a>>, ForeignFault> {
    let mut parts = Parts::of(document);
    if parts.has("event_id") || !parts.has(EVENT_DATA) {
        return Ok(None);
    }
    let held = parts.take(EVENT_DATA).unwrap_or_default();
    let is_bytes = bytes_of(&held).is_some();
    let metadata = parts.get_text("metadata");
    let (form, event) = decode(&held, is_compressed(metadata.as_deref()), room)?;
    let document = match is_bytes {
        true => {
            let mut open = Parts::of(document);
            open.take(EVENT_DATA);
            open.insert(EVENT_DATA, event.clone());
            Cow::Owned(open.to_text())
        }
        false => Cow::Borrowed(document),
    };
    let inner = Parts::of(&event);
    for name in REPEATED {
        let repeats = parts.get(name).is_some_and(|value| value == repeated(name, &inner));
        if repeats {
            parts.take(name);
        }
    }
    let mut noted = Parts::default();
    noted.insert_text("form", &form);
    if !parts.is_empty() {
        noted.insert("beside", parts.to_text());
    }
    notes.insert("entry", noted.to_text());
    Ok(Some(Opened { event, document }))
}

/// What the side metadata says: JSON, or what Python makes of a dictionary, as one of the hive's
/// writers has it.
fn is_compressed(metadata: Option<&str>) -> bool {
    let Some(metadata) = metadata else { return false };
    match Json::parse(metadata.as_bytes()) {
        Ok(side) => member(side.as_str(), "compressed").and_then(as_bool) == Some(true),
        Err(_) => metadata.contains("'compressed': True"),
    }
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

fn decode(held: &str, is_compressed: bool, room: &Room) -> Result<(String, String), ForeignFault> {
    let pointer = "/event_data";
    let wrong = |problem: &dyn std::fmt::Display| invalid(pointer, problem);
    let (form, event) = match (kind(held), bytes_of(held)) {
        (JsonKind::Object, Some(bytes)) if is_compressed => {
            let (form, event) = decode_bytes(&inflate(pointer, &bytes, room)?)?;
            (format!("{COMPRESSED}{form}"), event)
        }
        _ if is_compressed => return Err(wrong(&"it is said to be compressed, and is no bytes")),
        (JsonKind::Object, Some(bytes)) => {
            let (form, event) = decode_bytes(&bytes)?;
            (form.to_owned(), event)
        }
        (JsonKind::String, _) => {
            let text = as_str(held).unwrap_or_default();
            let event = Json::parse(text.as_bytes()).map_err(|error| wrong(&error))?.into_string();
            let form = if text == event { "text" } else { "spaced text" };
            (form.to_owned(), event)
        }
        _ => ("object".to_owned(), held.to_owned()),
    };
    if kind(&event) != JsonKind::Object {
        return Err(wrong(&"it must hold an event"));
    }
    if event.len() > EVENT_BYTES_MAX {
        return Err(too_large(pointer, EVENT_BYTES_MAX, "event"));
    }
    Ok((form, event))
}

fn decode_bytes(bytes: &[u8]) -> Result<(&'static str, String), ForeignFault> {
    let wrong = |problem: &dyn std::fmt::Display| invalid("/event_data", problem);
    if bytes.first() == Some(&b'{') {
        let event = Json::parse(bytes).map_err(|error| wrong(&error))?.into_string();
        let form = if bytes == event.as_bytes() { "bytes" } else { "spaced bytes" };
        return Ok((form, event));
    }
    let mut text = Vec::with_capacity(bytes.len() * 2);
    msgpack::to_json(bytes, &mut text, &JsonLimits::EVENT).map_err(|error| wrong(&error))?;
    Ok(("msgpack", Json::parse(&text).map_err(|error| wrong(&error))?.into_string()))
}

/// The bytes of `{"$bin": base64}`.
fn bytes_of(value: &str) -> Option<Vec<u8>> {
    let mut inner = members(value);
    match (inner.next(), inner.next()) {
        (Some(("$bin", text)), None) => STANDARD.decode(as_str(text)?.as_bytes()).ok(),
        _ => None,
    }
}

/// The entry around an event, which is in the open where its form is that of bytes.
pub(super) fn wrap<'a>(event: &Parts<'_>, noted: &str) -> Parts<'a> {
    let beside = member(noted, "beside").map(Parts::of_owned).unwrap_or_default();
    let form = member(noted, "form").and_then(as_str).unwrap_or_default();
    let text = event.to_text();
    let held = match form.as_ref() {
        "text" => quoted(&text),
        "spaced text" => quoted(&spaced(&text)),
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

/// The entry with its event as the bytes that it came as. Those of an earlier version had the bytes
/// among what the way back must change; they are there already.
pub(super) fn pack(document: String, noted: &str) -> String {
    let form = member(noted, "form").and_then(as_str).unwrap_or_default();
    let (is_compressed, form) = match form.strip_prefix(COMPRESSED) {
        Some(form) => (true, form),
        None => (false, form.as_ref()),
    };
    let held = member(&document, EVENT_DATA);
    let Some(event) = held.filter(|held| kind(held) == JsonKind::Object) else { return document };
    let bytes = match form {
        _ if bytes_of(event).is_some() => return document,
        "bytes" => event.as_bytes().to_vec(),
        "spaced bytes" => spaced(event).into_bytes(),
        "msgpack" => msgpack::from_json(event),
        _ => return document,
    };
    let held = if is_compressed { bin(&deflate(&bytes)) } else { bin(&bytes) };
    let mut entry = Parts::default();
    entry.insert(EVENT_DATA, held);
    for (name, value) in members(&document).filter(|(name, _)| *name != EVENT_DATA) {
        entry.insert(&unescape(name), value);
    }
    entry.to_text()
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
