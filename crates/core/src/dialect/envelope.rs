//! Envelope: messages between agents in an `AgentEnvelope` (version 3 of its specification), both ways.
//!
//! One document is one event, however many it is addressed to: `to` is kept as it is. The catalog's
//! spellings say where the members go, for each intent. The signature is kept and proves nothing
//! here: what it covers, and by which key, is not specified.

use std::borrow::Cow;

use super::fault::{invalid, missing};
use super::translation::homes::Homes;
use super::translation::lens::{self, Foreign};
use super::translation::parts::Parts;
use super::translation::same;
use super::translation::settle::{DIFFERENCES, Remains, settle};
use super::translation::types::FOREIGN_EVENT;
use super::translation::view::View;
use super::{ForeignContext, ForeignFault, ForeignReader, ForeignWriter};
use crate::catalog::Catalog;
use crate::envelope::Draft;
use crate::id::{DialectName, EventType, IdError};
use crate::json::{JsonKind, as_str, kind};

/// The name of this dialect.
pub const ENVELOPE: &str = "envelope";

/// The members of an envelope, in its own order.
const MEMBERS: [&str; 20] = [
    "id",
    "traceId",
    "parentId",
    "spanId",
    "from",
    "to",
    "intent",
    "payload",
    "policyContext",
    "thinkingBudget",
    "ttlMs",
    "createdAt",
    "complianceTags",
    "confidenceScore",
    "riskTier",
    "costEstimate",
    "sbomHash",
    "watermark",
    "signature",
    "attestations",
];

/// Members that may say of which version an envelope is.
const VERSION_MEMBERS: [&str; 3] = ["schemaVersion", "specVersion", "spec_version"];

/// The envelope dialect.
#[derive(Debug, Clone)]
pub struct AgentEnvelope {
    name: DialectName,
}

impl AgentEnvelope {
    /// The dialect.
    ///
    /// # Errors
    /// Never: the name fits the grammar.
    pub fn new() -> Result<Self, IdError> {
        Ok(Self { name: DialectName::parse(ENVELOPE)? })
    }
}

impl ForeignReader for AgentEnvelope {
    fn dialect(&self) -> &DialectName {
        &self.name
    }

    fn read(&self, document: &str, context: &ForeignContext<'_>) -> Result<Draft, ForeignFault> {
        if kind(document) != JsonKind::Object {
            return Err(ForeignFault::NotAnObject);
        }
        let mut parts = Parts::of(document);
        refuse_breaking_version(&parts)?;
        let mut homes = Homes::default();
        let id = required_text(&mut parts, "id")?;
        homes.take_id(context.workspace_id, &id);
        let intent = required_text(&mut parts, "intent")?;
        let time = required_text(&mut parts, "createdAt")?;
        homes.take_time(&time).map_err(|error| invalid("/createdAt", error))?;
        let mut foreign = Foreign { payload: take_payload(&mut parts), document: parts };
        let payload = foreign.payload.to_text();
        let meant = context.catalog.meant(ENVELOPE, &intent, &payload, document);
        let data = match meant {
            Some((_, spelling)) => lens::take_in(spelling, &mut foreign, &mut homes),
            None => {
                look_at_parties(&foreign.document, &mut homes);
                std::mem::take(&mut foreign.payload)
            }
        };
        let Foreign { payload, document: mut leftover } = foreign;
        if !payload.is_empty() {
            leftover.insert("payload", payload.to_text());
        }
        let entry = meant.map(|(entry, _)| entry);
        let event_type = entry.map_or(FOREIGN_EVENT, |entry| entry.event_type.as_str());
        let event_type = EventType::parse(event_type).map_err(|error| invalid("/intent", error))?;
        let data = data.to_text();
        let draft = homes.into_draft(event_type, data, entry, &self.name, context.workspace_id);
        let mut draft = draft.ok_or_else(|| invalid("/from", "it names nobody"))?;
        draft.origin.origin_type = Some(intent);
        let remains = Remains { leftover, notes: Parts::default() };
        settle(draft, remains, document, context.workspace_id, |view| write(view, context.catalog))
    }
}

fn refuse_breaking_version(parts: &Parts<'_>) -> Result<(), ForeignFault> {
    let found = VERSION_MEMBERS.into_iter().find_map(|name| parts.get_text(name));
    let Some(found) = found else { return Ok(()) };
    match found.split('.').next().unwrap_or_default().parse::<u64>() {
        Ok(3) | Err(_) => Ok(()),
        Ok(_) => Err(ForeignFault::UnsupportedVersion { found, supported: "3.x" }),
    }
}

fn required_text(parts: &mut Parts<'_>, name: &str) -> Result<String, ForeignFault> {
    let pointer = same::step("", name);
    let value = parts.get(name).ok_or_else(|| missing(&pointer))?;
    let text = as_str(&value).map(Cow::into_owned);
    let text = text.ok_or_else(|| invalid(&pointer, "it must be a string"))?;
    parts.take(name);
    Ok(text)
}

/// The members of the payload; a payload that is no object stays where it is.
fn take_payload<'a>(parts: &mut Parts<'a>) -> Parts<'a> {
    let is_object = parts.get("payload").is_some_and(|payload| kind(&payload) == JsonKind::Object);
    match is_object.then(|| parts.take("payload")).flatten() {
        Some(Cow::Borrowed(text)) => Parts::of(text),
        Some(Cow::Owned(text)) => Parts::of_owned(&text),
        None => Parts::default(),
    }
}

/// Who speaks, and of what undertaking, in an envelope whose intent is not known. The members stay.
fn look_at_parties(parts: &Parts<'_>, homes: &mut Homes) {
    for (member, field) in [
        ("from", "actor.actor_id"),
        ("traceId", "run_id"),
        ("traceId", "correlation_id"),
        ("parentId", "causation_id"),
    ] {
        if let Some(value) = parts.get(member) {
            homes.take(field, &value);
        }
    }
}

impl ForeignWriter for AgentEnvelope {
    fn write(&self, envelope: &str, catalog: &Catalog) -> Option<String> {
        write(&View::of(envelope), catalog)
    }
}

fn write(view: &View<'_>, catalog: &Catalog) -> Option<String> {
    if view.is_redacted() {
        return None;
    }
    let is_own = view.came_by(ENVELOPE);
    let event_type = view.event_type();
    let spellings = catalog.entry(&event_type).map_or(&[][..], |entry| entry.spellings(ENVELOPE));
    let name = view.origin("type").filter(|_| is_own);
    let is_meant = |intent: &str| name.as_deref().is_none_or(|name| name == intent);
    let spelling = spellings.iter().find(|one| is_meant(&one.name) && one.says(view.data()));
    let leftover = view.extension(ENVELOPE).filter(|_| is_own);
    let mut foreign = Foreign {
        payload: Parts::default(),
        document: leftover.map(Parts::of).unwrap_or_default(),
    };
    if let Some(payload) = foreign.document.get("payload")
        && kind(&payload) == JsonKind::Object
    {
        foreign.payload = Parts::of_owned(&payload);
        foreign.document.take("payload");
    }
    match spelling {
        Some(spelling) => lens::give_out(spelling, view, &mut foreign),
        None if is_own => lens::pass_rest(&mut Parts::of(view.data()), &mut foreign.payload),
        None => return None,
    }
    if let Some(spelling) = spelling.filter(|_| !is_own) {
        lens::fill_required(spelling, &mut foreign);
    }
    let Foreign { payload, mut document } = foreign;
    let (own_id, own_time) =
        if is_own { (view.origin("id"), view.origin("time")) } else { (None, None) };
    document.insert_text("id", &own_id.or_else(|| view.text("event_id"))?);
    document.insert_text("createdAt", &own_time.or_else(|| view.text("occurred_at"))?);
    let intent = name.or_else(|| spelling.map(|one| Cow::Borrowed(one.name.as_str())))?;
    document.insert_text("intent", &intent);
    document.insert("payload", payload.to_text());
    document.order_by(&MEMBERS);
    if let Some(differences) = view.translation(DIFFERENCES).filter(|_| is_own) {
        same::apply(&mut document, differences);
    }
    Some(document.to_text())
}
