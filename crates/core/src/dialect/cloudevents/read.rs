//! From a CloudEvent to a draft.
//!
//! `(source, id)` is the identity. All attributes stay in `extensions` under their own names, so that
//! the way back needs nothing else; some of them are also what the envelope has a field for.
//! An attribute whose value a field's grammar refuses is an attribute and nothing more.

use std::borrow::Cow;

use super::document::{Data, Document, SPECVERSION};
use super::spelled::{self, Spelled};
use super::{DATA_FORM, FOREIGN_TYPE, FORM_ABSENT, FORM_VALUE, binary_text};
use crate::catalog::TypeEntry;
use crate::dialect::translation::homes::Homes;
use crate::dialect::translation::parts::quoted;
use crate::dialect::translation::same::is_same;
use crate::dialect::{ForeignContext, ForeignFault};
use crate::envelope::{Actor, ActorType, Draft, EnvelopeFault, StreamKey};
use crate::hash::sha256;
use crate::id::{
    ActorId, CorrelationId, DialectName, EventId, EventType, RoomId, StreamId, WorkspaceId,
};
use crate::json::{Json, JsonKind, as_str, kind, member};

/// Part of every derived id: never change it.
const NAMESPACE: &[u8] = b"annals/cloudevents/1";
/// What the source of an event begins with that Annals itself gives out.
pub(super) const OWN_SCHEME: &str = "annals:";
/// The kind of stream of events that belong to no unit of work.
const SOURCE_STREAM: &str = "source";
/// Types that begin so are the names of our own frames.
const OWN_TYPES: &str = "annals.";

/// Attributes that the envelope has a field for.
pub(super) const FIELD_ATTRIBUTES: [(&str, &str); 11] = [
    ("missionid", "mission_id"),
    ("roomid", "room_id"),
    ("threadid", "thread_id"),
    ("runid", "run_id"),
    ("stepid", "step_id"),
    ("actortype", "actor.actor_type"),
    ("actorid", "actor.actor_id"),
    ("zone", "zone"),
    ("correlationid", "correlation_id"),
    ("causationid", "causation_id"),
    ("idempotencykey", "idempotency_key"),
];

/// Attributes of our own events that hold an object of the envelope as JSON text.
pub(super) const OBJECT_ATTRIBUTES: [(&str, &str); 3] = [
    ("policycontext", "policy_context"),
    ("modelcontext", "model_context"),
    ("display", "display"),
];

/// The identity of a CloudEvent: a UUID of the custom version 8 (RFC 9562, section 5.8) of the
/// workspace, the source and the id, each behind its length, so that no two triples are one text.
#[must_use]
pub fn event_id(workspace_id: &WorkspaceId, source: &str, id: &str) -> EventId {
    if let (true, Ok(own)) = (source.starts_with(OWN_SCHEME), EventId::parse(id)) {
        return own;
    }
    let parts = [workspace_id.as_str(), source, id].map(str::as_bytes);
    let lengths = parts.map(|part| (part.len() as u64).to_be_bytes());
    let mut hashed: Vec<&[u8]> = vec![NAMESPACE];
    for (length, part) in lengths.iter().zip(parts) {
        hashed.extend([length.as_slice(), part]);
    }
    let digest = sha256(&hashed);
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest.as_bytes()[..16]);
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    EventId::from_bytes(bytes)
}

/// Reads a document of the JSON format.
pub(super) fn read(
    text: &str,
    context: &ForeignContext<'_>,
    dialect: &DialectName,
) -> Result<Draft, ForeignFault> {
    let document = Document::read(text)?;
    if let Some(spelled) = spelled::meant(&document, text, context.catalog) {
        let draft = draft(&document, &Sense::Spelled(spelled, text), context, dialect)?;
        let back = super::write::write(&draft.to_json(), context.catalog);
        // What a spelling cannot say exactly keeps its own type.
        if is_same(&back, text) {
            return Ok(draft);
        }
        return self::draft(&document, &Sense::Unsayable, context, dialect);
    }
    draft(&document, &Sense::Own, context, dialect)
}

/// How a document's type is understood.
enum Sense<'a> {
    /// As the catalog spells it; with the document's text.
    Spelled(Spelled<'a>, &'a str),
    /// As it is, although the catalog has a spelling, which does not say the document exactly.
    Unsayable,
    /// As it is.
    Own,
}

fn draft(
    document: &Document<'_>,
    sense: &Sense<'_>,
    context: &ForeignContext<'_>,
    dialect: &DialectName,
) -> Result<Draft, ForeignFault> {
    let mut homes = Homes::default();
    take_attributes(document, &mut homes);
    let meaning = match sense {
        Sense::Spelled(spelled, text) => Meaning::spelled(document, *spelled, text, &mut homes),
        Sense::Unsayable | Sense::Own => Meaning::own(document, context),
    };
    let event_type = EventType::parse(&meaning.event_type)
        .map_err(|error| invalid_field("event_type", &error))?;
    let actor = actor(document, &mut homes)?;
    let stream = stream(document, &meaning, context.workspace_id, &actor, &mut homes)?;
    let mut draft = Draft::new(event_type, actor, stream, meaning.data.into_owned());
    draft.event_id = Some(event_id(context.workspace_id, &document.source, &document.id));
    draft.event_version = version(document);
    draft.occurred_at = document.time.as_ref().map(|(_, parsed)| parsed.at);
    draft.scope = homes.scope;
    draft.zone = homes.zone.unwrap_or(draft.zone);
    draft.correlation_id = homes.correlation_id;
    draft.causation_id = homes.causation_id;
    draft.idempotency_key = homes.idempotency_key;
    draft.policy_context = homes.policy_context;
    draft.model_context = homes.model_context;
    draft.display = homes.display;
    draft.extensions = Some(extensions(document, sense));
    draft.origin.dialect = Some(dialect.clone());
    draft.origin.origin_type = (draft.event_type.as_str() != document.event_type)
        .then(|| document.event_type.clone().into_owned());
    draft.origin.id = Some(document.id.clone().into_owned());
    // Kept even where it is our own way to write the time: without it there was none.
    draft.origin.time = document.time.as_ref().map(|(text, _)| text.clone().into_owned());
    Ok(draft)
}

fn take_attributes(document: &Document<'_>, homes: &mut Homes) {
    let traceparent = document.text("traceparent");
    homes.correlation_id = traceparent.as_deref().and_then(CorrelationId::of_traceparent);
    for (name, field) in FIELD_ATTRIBUTES {
        if let Some(value) = document.attribute(name) {
            homes.take(field, &quoted(&canonical(value)));
        }
    }
    if document.source.starts_with(OWN_SCHEME) {
        for (name, field) in OBJECT_ATTRIBUTES {
            let object = document.text(name).and_then(|text| Json::parse(text.as_bytes()).ok());
            if let Some(object) = object {
                homes.take(field, object.as_str());
            }
        }
    }
}

/// The text of an attribute, as all modes but the JSON format write it.
pub(super) fn canonical(value: &str) -> Cow<'_, str> {
    as_str(value).unwrap_or(Cow::Borrowed(value))
}

fn version(document: &Document<'_>) -> u32 {
    let stated = document.attribute("eventversion");
    let stated = stated.and_then(|value| canonical(value).parse().ok());
    stated.filter(|version| *version > 0).unwrap_or(1)
}

/// What a CloudEvent states in our words.
struct Meaning<'a> {
    event_type: Cow<'a, str>,
    entry: Option<&'a TypeEntry>,
    data: Cow<'a, str>,
}

impl<'a> Meaning<'a> {
    /// The type that the catalog says it means.
    fn spelled(
        document: &Document<'a>,
        (entry, spelling): Spelled<'a>,
        text: &str,
        homes: &mut Homes,
    ) -> Self {
        let data = spelled::to_data(spelling, document, text, homes);
        let event_type = Cow::Borrowed(entry.event_type.as_str());
        Self { event_type, entry: Some(entry), data: Cow::Owned(data) }
    }

    /// Its own type, where that is one.
    fn own(document: &Document<'a>, context: &ForeignContext<'a>) -> Self {
        let data = match document.data {
            Data::Base64(value) => Cow::Owned(format!("{{\"$bin\":{value}}}")),
            Data::Value(_) | Data::Absent => Cow::Borrowed(payload(document)),
        };
        let name = &document.event_type;
        let is_type = EventType::parse(name).is_ok() && !name.starts_with(OWN_TYPES);
        let event_type = if is_type { name.clone() } else { Cow::Borrowed(FOREIGN_TYPE) };
        let entry = context.catalog.entry(&event_type).filter(|_| is_type);
        Self { event_type, entry, data }
    }
}

/// The data as a JSON value.
fn payload<'a>(document: &Document<'a>) -> &'a str {
    match document.data {
        Data::Value(value) | Data::Base64(value) => value,
        Data::Absent => "null",
    }
}

/// Who did it: whom the attributes name, else the source as a service.
fn actor(document: &Document<'_>, homes: &mut Homes) -> Result<Actor, ForeignFault> {
    if let Some(actor_id) = homes.actor_id.take() {
        let actor_type = homes.actor_type.unwrap_or(ActorType::Agent);
        return Ok(Actor { actor_type, actor_id });
    }
    let actor_id = ActorId::parse(&name_of_source(&document.source));
    let actor_id = actor_id.map_err(|error| invalid_field("actor.actor_id", &error))?;
    Ok(Actor { actor_type: ActorType::Service, actor_id })
}

/// The source as an id; its digest where it is none, because it is too long or a dot segment.
fn name_of_source(source: &str) -> Cow<'_, str> {
    match StreamId::parse(source) {
        Ok(_) => Cow::Borrowed(source),
        Err(_) => Cow::Owned(format!("sha256:{}", sha256(&[source.as_bytes()]))),
    }
}

/// The stream: the room's for what happened in a room; the one that the attributes name; that of the
/// unit which the catalog names; that of the run; else the source's.
fn stream(
    document: &Document<'_>,
    meaning: &Meaning<'_>,
    workspace_id: &WorkspaceId,
    actor: &Actor,
    homes: &mut Homes,
) -> Result<StreamKey, ForeignFault> {
    let stated = || {
        let part = |name| document.attribute(name).map(canonical);
        key(&part("streamtype")?, &part("streamid")?)
    };
    let of_room = homes.scope.room_id.as_ref().and_then(|id| key("room", id.as_str()));
    let of_unit = || {
        let unit = meaning.entry?.stream.stream_type.as_str();
        let id = unit_id(unit, document, &meaning.data, workspace_id, actor, homes)?;
        // What is on a run's stream is of that run, and so for the other units that have a field.
        homes.take(&format!("{unit}_id"), &quoted(&id));
        key(unit, &id)
    };
    let found = of_room.or_else(stated).or_else(of_unit);
    let of_run = || homes.scope.run_id.as_ref().and_then(|id| key("run", id.as_str()));
    let found = found
        .or_else(of_run)
        .or_else(|| key(SOURCE_STREAM, &name_of_source(&document.source)))
        .ok_or_else(|| invalid_field("stream", &"the source names no stream"))?;
    if found.stream_type.as_str() == "room" {
        homes.scope.room_id = RoomId::parse(found.stream_id.as_str()).ok();
    }
    Ok(found)
}

/// The id of a unit that the event is about.
fn unit_id(
    unit: &str,
    document: &Document<'_>,
    data: &str,
    workspace_id: &WorkspaceId,
    actor: &Actor,
    homes: &Homes,
) -> Option<String> {
    if unit == "workspace" {
        return Some(workspace_id.to_string());
    }
    let attribute = document.attribute(&format!("{}id", unit.replace('_', "")));
    let of_data = || {
        let is_object = kind(data) == JsonKind::Object;
        is_object.then(|| member(data, &format!("{unit}_id")).and_then(as_str)).flatten()
    };
    let named = attribute.map(canonical).or_else(of_data).map(Cow::into_owned);
    match unit {
        "run" => homes.scope.run_id.as_ref().map(ToString::to_string).or(named),
        "agent" if actor.actor_type == ActorType::Agent => {
            named.or(Some(actor.actor_id.to_string()))
        }
        SOURCE_STREAM => Some(name_of_source(&document.source).into_owned()),
        _ => named,
    }
}

fn key(stream_type: &str, stream_id: &str) -> Option<StreamKey> {
    Some(StreamKey { stream_type: stream_type.parse().ok()?, stream_id: stream_id.parse().ok()? })
}

/// All attributes under their own names. No attribute can have the name of our own member.
fn extensions(document: &Document<'_>, sense: &Sense<'_>) -> String {
    let mut out = String::from("{");
    let mut push = |name: &str, value: &str| {
        if out.len() > 1 {
            out.push(',');
        }
        out.push('"');
        out.push_str(name);
        out.push_str("\":");
        out.push_str(value);
    };
    for (name, value) in &document.attributes {
        if name != "specversion" || as_str(value).as_deref() != Some(SPECVERSION) {
            push(name, value);
        }
    }
    match (document.data, sense) {
        (Data::Absent, _) => push(DATA_FORM, &quoted(FORM_ABSENT)),
        (Data::Value(_), Sense::Unsayable) => push(DATA_FORM, &quoted(FORM_VALUE)),
        (Data::Value(value), _) if binary_text(value).is_some() => {
            push(DATA_FORM, &quoted(FORM_VALUE))
        }
        (Data::Value(_) | Data::Base64(_), _) => {}
    }
    out.push('}');
    out
}

fn invalid_field(field: &'static str, problem: &dyn std::fmt::Display) -> ForeignFault {
    let problem = problem.to_string();
    ForeignFault::Envelope(EnvelopeFault::InvalidField { field, problem })
}
