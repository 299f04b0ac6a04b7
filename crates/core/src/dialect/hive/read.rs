//! From a hive document to a draft.

use std::borrow::Cow;

use super::{BASE, HIVE, Hive, OPEN_PLACE, entry, tags, write};
use crate::catalog::{Catalog, Spelling, TypeEntry};
use crate::dialect::fault::{invalid, missing};
use crate::dialect::translation::homes::Homes;
use crate::dialect::translation::ids;
use crate::dialect::translation::lens::{self, Foreign};
use crate::dialect::translation::parts::{Parts, quoted};
use crate::dialect::translation::settle::{Remains, settle};
use crate::dialect::translation::types::own_type;
use crate::dialect::{ForeignContext, ForeignFault};
use crate::envelope::{ActorType, Draft};
use crate::id::{ActorId, DialectName, EventType};
use crate::json::{JsonKind, as_str, kind};

/// Reads one document.
pub(super) fn read(
    hive: &Hive,
    document: &str,
    batch: Option<&str>,
    context: &ForeignContext<'_>,
) -> Result<Draft, ForeignFault> {
    if kind(document) != JsonKind::Object {
        return Err(ForeignFault::NotAnObject);
    }
    let mut remains = Remains::default();
    let opened = entry::unwrap(document, &mut remains.notes, &hive.room)?;
    let (mut parts, document) = match &opened {
        Some(opened) => (Parts::of_owned(&opened.event), opened.document.as_ref()),
        None => (Parts::of(document), document),
    };
    if let Some(noted) = tags::take_off(&mut parts) {
        remains.notes.insert("tagged", noted);
    }
    refuse_breaking_version(&parts)?;
    restore_ids(&mut parts, &mut remains.notes, context);
    if let Some(batch) = batch {
        remains.notes.insert("batch", batch.to_owned());
    }
    let (draft, leftover) = translate(&hive.name, parts, &mut remains.notes, context)?;
    remains.leftover = leftover;
    settle(draft, remains, document, context.workspace_id, |view| {
        write::write_open(view, context.catalog)
    })
}

/// Version 1 and what it grew to is read. An event without a version is taken for one of version 1.
fn refuse_breaking_version(parts: &Parts<'_>) -> Result<(), ForeignFault> {
    let version = parts.get_path(&["metadata", "schema_version"]);
    let Some(version) = version.as_deref().and_then(as_str) else { return Ok(()) };
    let major = version.split('.').next().unwrap_or_default();
    match major.parse::<u64>() {
        Ok(1) | Err(_) => Ok(()),
        Ok(_) => {
            Err(ForeignFault::UnsupportedVersion { found: version.into_owned(), supported: "1.x" })
        }
    }
}

fn restore_ids(parts: &mut Parts<'_>, notes: &mut Parts<'_>, context: &ForeignContext<'_>) {
    let restored = ids::restore(parts, &OPEN_PLACE, context.workspace_id);
    if !restored.is_empty() {
        let places: Vec<_> = restored.iter().map(|place| quoted(place)).collect();
        notes.insert("ids", format!("[{}]", places.join(",")));
    }
}

/// What the document says, as a draft, and what is left of it.
fn translate<'a>(
    dialect: &DialectName,
    mut document: Parts<'a>,
    notes: &mut Parts<'_>,
    context: &ForeignContext<'_>,
) -> Result<(Draft, Parts<'a>), ForeignFault> {
    let mut homes = Homes::default();
    let name = required_text(&mut document, "event_type")?;
    let id = required_text(&mut document, "event_id")?;
    homes.take_id(context.workspace_id, &id);
    let time = required_text(&mut document, "timestamp")?;
    homes.take_time(&time).map_err(|error| invalid("/timestamp", error))?;
    let payload = take_payload(&mut document, notes);
    let mut foreign = Foreign { payload, document };
    let meant = meant(context.catalog, &name, &foreign);
    let mut data = match meant {
        Some((_, spelling)) => lens::take_in(spelling, &mut foreign, &mut homes),
        None => std::mem::take(&mut foreign.payload),
    };
    let entry = meant.map(|(entry, _)| entry);
    let event_type = entry.map_or_else(
        || own_type(&name, context.catalog),
        |entry| EventType::parse(&entry.event_type).ok(),
    );
    let event_type = event_type.ok_or_else(|| invalid("/event_type", "it is no type"))?;
    let Foreign { payload, mut document } = foreign;
    put_payload_back(payload, &mut document, notes);
    take_base(&mut document, &mut homes);
    drop_derived_category(&mut document, context.catalog.category(event_type.as_str()));
    name_the_call(&event_type, &mut data, &homes, notes);
    let mut draft = homes
        .into_draft(event_type, data.to_text(), entry, dialect, context.workspace_id)
        .ok_or_else(|| invalid("/agent_id", "it is no id"))?;
    draft.origin.origin_type = Some(name);
    Ok((draft, document))
}

fn meant<'c>(
    catalog: &'c Catalog,
    name: &str,
    foreign: &Foreign<'_>,
) -> Option<(&'c TypeEntry, &'c Spelling)> {
    let mut spelled = catalog.spelled(HIVE, name).peekable();
    spelled.peek()?;
    let (payload, document) = (foreign.payload.to_text(), foreign.document.to_text());
    spelled.find(|(_, spelling)| spelling.is_said_by(&payload, &document))
}

fn required_text(document: &mut Parts<'_>, name: &str) -> Result<String, ForeignFault> {
    let pointer = || format!("/{name}");
    let value = document.get(name).ok_or_else(|| missing(&pointer()))?;
    let text = as_str(&value).map(Cow::into_owned);
    let text = text.ok_or_else(|| invalid(&pointer(), "it must be a string"))?;
    document.take(name);
    Ok(text)
}

/// The payload: the member of that name, or, where it is absent or empty, the members that are no
/// part of the base event.
fn take_payload<'a>(document: &mut Parts<'a>, notes: &mut Parts<'_>) -> Parts<'a> {
    let payload = document.get("payload");
    let (is_object, is_empty) = match payload.as_deref() {
        None => (false, true),
        Some(text) => (kind(text) == JsonKind::Object, text == "{}" || text == "null"),
    };
    let is_base = |key: &str| BASE.contains(&key);
    if is_empty && document.iter().any(|(key, _)| !is_base(&key)) {
        notes.insert("shape", "\"flat\"");
        return document.split_off(|key| !is_base(key));
    }
    match is_object.then(|| document.take("payload")).flatten() {
        Some(Cow::Borrowed(text)) => Parts::of(text),
        Some(Cow::Owned(text)) => Parts::of_owned(&text),
        None => Parts::default(),
    }
}

/// Members of the payload that found their name taken stay in the document.
fn put_payload_back<'a>(payload: Parts<'a>, document: &mut Parts<'a>, notes: &Parts<'_>) {
    if payload.is_empty() || notes.has("shape") {
        let mut payload = payload;
        lens::pass_rest(&mut payload, document);
    } else {
        document.insert("payload", payload.to_text());
    }
}

/// The fields of the base event that the envelope has a place for.
fn take_base(document: &mut Parts<'_>, homes: &mut Homes) {
    let take = |document: &mut Parts<'_>, path: &[&str], homes: &mut Homes, field: &str| {
        let value = document.get_path(path).map(Cow::into_owned);
        if value.is_some_and(|value| homes.take(field, &value)) {
            document.take_path(path);
        }
    };
    take(document, &["workflow_id"], homes, "run_id");
    take(document, &["agent_id"], homes, "actor.actor_id");
    take(document, &["metadata", "correlation_id"], homes, "correlation_id");
    // A session stands in for a workflow, and stays where it was so that the way back can tell.
    if let Some(session) = document.get("session_id").map(Cow::into_owned) {
        homes.take("run_id", &session);
    }
    if homes.actor_id.is_none()
        && let Some(service) = document.get_path(&["metadata", "source_service"])
        && let Some(service) = as_str(&service)
    {
        homes.actor_id = ActorId::parse(&service).ok();
        homes.actor_type = Some(ActorType::Service);
    }
}

fn drop_derived_category(document: &mut Parts<'_>, category: &str) {
    if document.get("event_category").as_deref() == Some(quoted(category).as_str()) {
        document.take("event_category");
    }
}

/// A call of a tool has no id in this format: the correlation that its beginning and its end share
/// is one, else the event is a call of its own.
fn name_the_call(
    event_type: &EventType,
    data: &mut Parts<'_>,
    homes: &Homes,
    notes: &mut Parts<'_>,
) {
    let is_call = matches!(event_type.as_str(), "tool.invoked" | "tool.succeeded" | "tool.failed");
    if !is_call || data.has("tool_call_id") {
        return;
    }
    let of_event = || homes.event_id.as_ref().map(ToString::to_string);
    let call = homes.correlation_id.as_ref().map(ToString::to_string).or_else(of_event);
    if let Some(call) = call {
        data.insert_text("tool_call_id", &call);
        notes.insert("added", "[\"tool_call_id\"]");
    }
}
