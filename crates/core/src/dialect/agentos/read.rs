//! From an agentos document to a draft.

use std::borrow::Cow;

use super::{AGENTOS, SAME_FIELDS, write};
use crate::catalog::{Catalog, Spelling, TypeEntry};
use crate::dialect::fault::{invalid, missing};
use crate::dialect::translation::homes::Homes;
use crate::dialect::translation::lens::{self, Foreign};
use crate::dialect::translation::parts::Parts;
use crate::dialect::translation::settle::{Remains, settle};
use crate::dialect::translation::types::FOREIGN_EVENT;
use crate::dialect::{ForeignContext, ForeignFault};
use crate::envelope::{ActorType, Draft, StreamKey};
use crate::id::{DialectName, EventType};
use crate::json::{JsonKind, as_str, as_u64, kind};

/// Reads one document.
pub(super) fn read(
    dialect: &DialectName,
    document: &str,
    context: &ForeignContext<'_>,
) -> Result<Draft, ForeignFault> {
    if kind(document) != JsonKind::Object {
        return Err(ForeignFault::NotAnObject);
    }
    let mut parts = Parts::of(document);
    let mut homes = Homes::default();
    let name = required_text(&mut parts, "event_type")?;
    let id = required_text(&mut parts, "event_id")?;
    homes.take_id(context.workspace_id, &id);
    let time = required_text(&mut parts, "occurred_at")?;
    homes.take_time(&time).map_err(|error| invalid("/occurred_at", error))?;
    let data = parts.take("data").ok_or_else(|| missing("/data"))?;
    let (entry, spelling) = meant(context.catalog, &name, &data, document);
    take_version(&mut parts, &mut homes);
    refuse_breaking_version(&name, entry, homes.event_version)?;
    let (data, mut parts) = match spelling {
        Some(spelling) if kind(&data) == JsonKind::Object => {
            let mut foreign = Foreign { payload: Parts::of_owned(&data), document: parts };
            let ours = lens::take_in(spelling, &mut foreign, &mut homes);
            let Foreign { payload, mut document } = foreign;
            if !payload.is_empty() {
                document.insert("data", payload.to_text());
            }
            (ours.to_text(), document)
        }
        _ => (data.into_owned(), parts),
    };
    let event_type = event_type(&name, entry)?;
    take_fields(&mut parts, &mut homes);
    let mut remains = Remains::default();
    take_actor(&mut parts, &mut homes, &mut remains.notes);
    take_stream(&mut parts, &mut homes);
    let draft = homes.into_draft(event_type, data, entry, dialect, context.workspace_id);
    let mut draft = draft.ok_or_else(|| invalid("/actor", "it names nobody"))?;
    if draft.event_type.as_str() != name {
        draft.origin.origin_type = Some(name);
    }
    remains.leftover = parts;
    settle(draft, remains, document, context.workspace_id, |view| {
        write::write(view, context.catalog)
    })
}

fn required_text(parts: &mut Parts<'_>, name: &str) -> Result<String, ForeignFault> {
    let pointer = || format!("/{name}");
    let value = parts.get(name).ok_or_else(|| missing(&pointer()))?;
    let text = as_str(&value).map(Cow::into_owned);
    let text = text.ok_or_else(|| invalid(&pointer(), "it must be a string"))?;
    parts.take(name);
    Ok(text)
}

/// The type that a name means: the one that is spelled so, else the one of that very name, because
/// this vocabulary's names are ours.
fn meant<'c>(
    catalog: &'c Catalog,
    name: &str,
    data: &str,
    document: &str,
) -> (Option<&'c TypeEntry>, Option<&'c Spelling>) {
    match catalog.meant(AGENTOS, name, data, document) {
        Some((entry, spelling)) => (Some(entry), Some(spelling)),
        None => (catalog.entry(name), None),
    }
}

fn event_type(name: &str, entry: Option<&TypeEntry>) -> Result<EventType, ForeignFault> {
    let known = entry.map(|entry| entry.event_type.as_str());
    let own = EventType::parse(known.unwrap_or(name)).ok();
    let own = own.filter(|own| !own.as_str().starts_with("annals."));
    own.or_else(|| EventType::parse(FOREIGN_EVENT).ok())
        .ok_or_else(|| invalid("/event_type", "it is no type"))
}

fn take_version(parts: &mut Parts<'_>, homes: &mut Homes) {
    let version = parts.get("event_version").and_then(|version| as_u64(&version));
    homes.event_version =
        version.and_then(|version| u32::try_from(version).ok()).filter(|v| *v > 0);
    if homes.event_version.is_some() {
        parts.take("event_version");
    }
}

/// The version of a type changes where its payload means something else.
fn refuse_breaking_version(
    name: &str,
    entry: Option<&TypeEntry>,
    version: Option<u32>,
) -> Result<(), ForeignFault> {
    match (entry, version) {
        (Some(entry), Some(version)) if version > entry.version => {
            Err(ForeignFault::UnsupportedVersion {
                found: format!("{version} of {name}"),
                supported: "the version that the catalog has",
            })
        }
        _ => Ok(()),
    }
}

fn take_fields(parts: &mut Parts<'_>, homes: &mut Homes) {
    for name in SAME_FIELDS {
        let value = parts.get(name).map(Cow::into_owned);
        if value.is_some_and(|value| homes.take(name, &value)) {
            parts.take(name);
        }
    }
    // The server may cap it, so the document's own word stays as well.
    if let Some(zone) = parts.get("zone").map(Cow::into_owned) {
        homes.take("zone", &zone);
    }
}

/// Who acted: nested, flat, or as one text `type:id`.
fn take_actor(parts: &mut Parts<'_>, homes: &mut Homes, notes: &mut Parts<'_>) {
    let is_nested = parts.get("actor").is_some_and(|actor| kind(&actor) == JsonKind::Object);
    if is_nested {
        for (member, field) in [("actor_type", "actor.actor_type"), ("actor_id", "actor.actor_id")]
        {
            let value = parts.get_path(&["actor", member]).map(Cow::into_owned);
            if value.is_some_and(|value| homes.take(field, &value)) {
                parts.take_path(&["actor", member]);
            }
        }
    } else {
        notes.insert("shape", "\"row\"");
        let mut set = |field: &str, value: Option<String>| {
            value.is_some_and(|value| homes.take(field, &value))
        };
        set("actor.actor_type", parts.get("actor_type").map(Cow::into_owned));
        if !set("actor.actor_id", parts.get("actor_id").map(Cow::into_owned))
            && let Some(text) = parts.get_text("actor")
            && let Some((actor_type, actor_id)) = text.split_once(':')
        {
            homes.actor_type = actor_type.parse().ok();
            homes.actor_id = actor_id.parse().ok();
        }
    }
    if homes.actor_type.is_none() {
        homes.actor_type = Some(ActorType::Service);
    }
}

/// Which stream it is on. An event of a room is on that room's stream.
fn take_stream(parts: &mut Parts<'_>, homes: &mut Homes) {
    let is_nested = parts.get("stream").is_some_and(|stream| kind(&stream) == JsonKind::Object);
    let path = |member: &'static str| if is_nested { vec!["stream", member] } else { vec![member] };
    let text = |member| {
        parts.get_path(&path(member)).and_then(|value| as_str(&value).map(Cow::into_owned))
    };
    let (Some(stream_type), Some(stream_id)) = (text("stream_type"), text("stream_id")) else {
        return;
    };
    let (Ok(stream_type), Ok(stream_id)) = (stream_type.parse(), stream_id.parse()) else { return };
    let stream = StreamKey { stream_type, stream_id };
    let is_room = stream.stream_type.as_str() == "room";
    let room = homes.scope.room_id.as_ref().map(ToString::to_string);
    match room {
        None if is_room => homes.scope.room_id = stream.stream_id.as_str().parse().ok(),
        Some(room) if !is_room || room != stream.stream_id.as_str() => {
            // The stream of the document stays beside the room's.
            return;
        }
        _ => {}
    }
    homes.stream = Some(stream);
    if is_nested {
        parts.take_path(&path("stream_type"));
        parts.take_path(&path("stream_id"));
    }
}
