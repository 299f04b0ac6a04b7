//! Kernel: the events of an agent kernel's bus, both ways.
//!
//! A document is one externally tagged variant, `{"AgentStarted": {"id": "…"}}`. It has no id, time or
//! version of its own, so two equal documents are two events. A variant that the catalog does not
//! spell becomes `foreign.event` with its name in `origin.type` and everything else in `data`; a
//! member that it does not name passes under its own name.
//! Ids that the format demands as UUIDs and ours are not go out derived. The format has no open
//! place; the kernel's reader passes over members that it does not know, so the ids themselves stand
//! in a member `annals` of the variant.

use super::fault::invalid;
use super::translation::homes::Homes;
use super::translation::lens::{self, Foreign};
use super::translation::parts::{Parts, quoted};
use super::translation::settle::{DIFFERENCES, Remains, settle};
use super::translation::types::FOREIGN_EVENT;
use super::translation::view::View;
use super::translation::{ids, same};
use super::{ForeignContext, ForeignFault, ForeignReader, ForeignWriter};
use crate::catalog::{Catalog, Spelling, TypeEntry};
use crate::envelope::Draft;
use crate::id::{DialectName, EventType, IdError};
use crate::json::{JsonKind, as_str, elements, kind, members, unescape};

/// The name of this dialect.
pub const KERNEL: &str = "kernel";

/// The members that the format has as UUIDs, of those variants that have any.
const UUID_MEMBERS: [(&str, &[&str]); 16] = [
    ("AgentCreated", &["/id"]),
    ("AgentStarted", &["/id"]),
    ("AgentStopped", &["/id"]),
    ("AgentFailed", &["/id"]),
    ("MessageReceived", &["/from"]),
    ("SeedCreated", &["/seed_id"]),
    ("EvaluationComplete", &["/seed_id"]),
    ("AgentOutput", &["/agent_id"]),
    ("ApprovalRequested", &["/id"]),
    ("ApprovalResolved", &["/id"]),
    ("AgentGroupCreated", &["/group_id"]),
    ("AgentGroupMemberCompleted", &["/group_id", "/agent_id"]),
    ("ProjectCreated", &["/project_id"]),
    ("ProjectActivated", &["/project_id"]),
    ("EvolutionStarted", &["/seed_id", "/new_seed_id"]),
    ("EvolutionMaxReached", &["/seed_id"]),
];

/// Where ids of ours stand that are no UUIDs.
const OPEN_PLACE: [&str; 1] = [ids::OURS];

/// The kernel dialect.
#[derive(Debug, Clone)]
pub struct Kernel {
    name: DialectName,
}

impl Kernel {
    /// The dialect.
    ///
    /// # Errors
    /// Never: the name fits the grammar.
    pub fn new() -> Result<Self, IdError> {
        Ok(Self { name: DialectName::parse(KERNEL)? })
    }

    /// A variant with fields that the catalog spells.
    fn translate(
        &self,
        name: &str,
        fields: &str,
        context: &ForeignContext<'_>,
    ) -> Result<(Draft, Remains<'static>), ForeignFault> {
        let mut remains = Remains::default();
        let mut payload = Parts::of(fields);
        let restored = ids::restore(&mut payload, &OPEN_PLACE, context.workspace_id);
        if !restored.is_empty() {
            let places: Vec<_> = restored.iter().map(|place| quoted(place)).collect();
            remains.notes.insert("ids", format!("[{}]", places.join(",")));
        }
        let text = payload.to_text();
        let Some((entry, spelling)) = meant(context.catalog, name, &text) else {
            return Ok((self.foreign_event(name, fields, context)?, Remains::default()));
        };
        let mut foreign = Foreign { payload, document: Parts::default() };
        let mut homes = Homes::default();
        let data = lens::take_in(spelling, &mut foreign, &mut homes);
        if !foreign.payload.is_empty() {
            remains.leftover = Parts::of_owned(&foreign.payload.to_text());
        }
        let event_type = EventType::parse(&entry.event_type).map_err(|error| invalid("", error))?;
        let draft = homes.into_draft(
            event_type,
            data.to_text(),
            Some(entry),
            &self.name,
            context.workspace_id,
        );
        let mut draft = draft.ok_or_else(|| invalid(&same::step("", name), "it has no stream"))?;
        draft.origin.origin_type = Some(name.to_owned());
        Ok((draft, remains))
    }

    /// A variant that is not known here: everything it says, as it says it.
    fn foreign_event(
        &self,
        name: &str,
        data: &str,
        context: &ForeignContext<'_>,
    ) -> Result<Draft, ForeignFault> {
        let mut homes = Homes::default();
        if let Some(session) = crate::json::member(data, "session_id") {
            homes.take("run_id", session);
        }
        let event_type = EventType::parse(FOREIGN_EVENT).map_err(|error| invalid("", error))?;
        let entry = context.catalog.entry(FOREIGN_EVENT).filter(|_| homes.scope.run_id.is_none());
        let draft =
            homes.into_draft(event_type, data.to_owned(), entry, &self.name, context.workspace_id);
        let mut draft = draft.ok_or_else(|| invalid("", "it has no stream"))?;
        draft.origin.origin_type = Some(name.to_owned());
        Ok(draft)
    }
}

fn meant<'c>(
    catalog: &'c Catalog,
    name: &str,
    payload: &str,
) -> Option<(&'c TypeEntry, &'c Spelling)> {
    catalog.meant(KERNEL, name, payload, payload)
}

impl ForeignReader for Kernel {
    fn dialect(&self) -> &DialectName {
        &self.name
    }

    fn read(&self, document: &str, context: &ForeignContext<'_>) -> Result<Draft, ForeignFault> {
        // A variant without fields is a string.
        if let Some(name) = as_str(document) {
            return self.foreign_event(&name, "null", context);
        }
        if kind(document) != JsonKind::Object {
            return Err(ForeignFault::NotAnObject);
        }
        let mut variants = members(document);
        let (Some((raw_name, fields)), None) = (variants.next(), variants.next()) else {
            return Err(invalid("", "it must have one member, named after its variant"));
        };
        let name = unescape(raw_name);
        // Of a variant without fields, `null` would read the same as the string.
        if kind(fields) != JsonKind::Object && fields != "null" {
            return self.foreign_event(&name, fields, context);
        }
        if fields == "null" {
            let mut draft = self.foreign_event(&name, fields, context)?;
            draft.extensions = Some("{\"translation\":{\"shape\":\"object\"}}".to_owned());
            return Ok(draft);
        }
        let (draft, remains) = self.translate(&name, fields, context)?;
        settle(draft, remains, document, context.workspace_id, |view| write(view, context.catalog))
    }
}

impl ForeignWriter for Kernel {
    fn write(&self, envelope: &str, catalog: &Catalog) -> Option<String> {
        write(&View::of(envelope), catalog)
    }
}

fn write(view: &View<'_>, catalog: &Catalog) -> Option<String> {
    if view.is_redacted() {
        return None;
    }
    if view.came_by(KERNEL) { write_own(view, catalog) } else { write_other(view, catalog) }
}

fn write_own(view: &View<'_>, catalog: &Catalog) -> Option<String> {
    let (name, event_type) = (view.origin("type")?, view.event_type());
    if event_type == FOREIGN_EVENT {
        return Some(match view.data() {
            "null" if view.translation("shape").is_none() => quoted(&name),
            data => variant(&name, data),
        });
    }
    let spellings = catalog.entry(&event_type)?.spellings(KERNEL);
    let spelling = spellings.iter().find(|one| one.name == name && one.says(view.data()))?;
    let leftover = view.extension(KERNEL).map(Parts::of).unwrap_or_default();
    let mut foreign = Foreign { payload: leftover, document: Parts::default() };
    lens::give_out(spelling, view, &mut foreign);
    let mut fields = foreign.payload;
    if let Some(places) = view.translation("ids") {
        let places: Vec<_> = elements(places).filter_map(as_str).collect();
        let places: Vec<&str> = places.iter().map(AsRef::as_ref).collect();
        ids::derive(&mut fields, &places, &OPEN_PLACE, view.workspace_id()?);
    }
    let text = variant(&name, &fields.to_text());
    let Some(differences) = view.translation(DIFFERENCES) else { return Some(text) };
    let mut document = Parts::of(&text);
    same::apply(&mut document, differences);
    Some(document.to_text())
}

fn write_other(view: &View<'_>, catalog: &Catalog) -> Option<String> {
    let spelling = catalog.said(&view.event_type(), KERNEL, view.data())?;
    let mut foreign = Foreign::default();
    lens::give_out(spelling, view, &mut foreign);
    lens::fill_required(spelling, &mut foreign);
    let mut fields = foreign.payload;
    let uuids = UUID_MEMBERS.iter().find(|(name, _)| *name == spelling.name);
    let places = uuids.map_or(&[][..], |(_, places)| *places);
    ids::derive(&mut fields, places, &OPEN_PLACE, view.workspace_id()?);
    Some(variant(&spelling.name, &fields.to_text()))
}

/// One externally tagged variant.
fn variant(name: &str, fields: &str) -> String {
    format!("{{{}:{fields}}}", quoted(name))
}
