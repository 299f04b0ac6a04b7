//! From an event to a hive document.
//!
//! An event that came in as a hive document goes out as exactly that document. Any other goes out
//! where the catalog has a spelling, with what the format requires filled in.

use super::{BASE, HIVE, OPEN_PLACE, UUID_PLACES, entry, tags};
use crate::catalog::{Catalog, OTHER_CATEGORY, Spelling};
use crate::dialect::translation::ids;
use crate::dialect::translation::lens::{self, Foreign};
use crate::dialect::translation::parts::{Parts, quoted};
use crate::dialect::translation::same;
use crate::dialect::translation::settle::DIFFERENCES;
use crate::dialect::translation::view::View;
use crate::json::{JsonKind, as_str, elements, kind};

/// The version of the format that events of other origin are written in.
const SCHEMA_VERSION: &str = "\"1.0.0\"";
const SOURCE_SERVICE: &str = "\"annals\"";

/// Writes one event; none where it has no form here.
pub(super) fn write(view: &View<'_>, catalog: &Catalog) -> Option<String> {
    let document = write_open(view, catalog)?;
    match view.translation("entry").filter(|_| view.came_by(HIVE)) {
        Some(noted) => Some(entry::pack(document, noted)),
        None => Some(document),
    }
}

/// The same with the event of an entry in the open, where it came as bytes.
pub(super) fn write_open(view: &View<'_>, catalog: &Catalog) -> Option<String> {
    if view.is_redacted() {
        return None;
    }
    if view.came_by(HIVE) { write_own(view, catalog) } else { write_other(view, catalog) }
}

fn write_own(view: &View<'_>, catalog: &Catalog) -> Option<String> {
    let event_type = view.event_type();
    let name = view.origin("type").unwrap_or_else(|| event_type.clone());
    let entry = catalog.entry(&event_type);
    let spelling = entry.and_then(|entry| {
        entry.spellings(HIVE).iter().find(|one| one.name == name && one.says(view.data()))
    });
    let mut base = view.extension(HIVE).map(Parts::of).unwrap_or_default();
    let is_flat = view.translation("shape").is_some();
    let payload =
        base.get("payload").filter(|payload| kind(payload) == JsonKind::Object && !is_flat);
    let payload = payload.map(|payload| Parts::of_owned(&payload));
    if payload.is_some() {
        base.take("payload");
    }
    let mut foreign = Foreign { payload: payload.unwrap_or_default(), document: base };
    put_data(view, spelling, &mut foreign);
    let Foreign { payload, document: mut base } = foreign;
    base.insert_text("event_id", &view.origin("id").or_else(|| view.text("event_id"))?);
    base.insert_text("timestamp", &view.origin("time").or_else(|| view.text("occurred_at"))?);
    put_base(view, &name, catalog, &mut base);
    put_own_ids(view, &mut base);
    if is_flat {
        let mut payload = payload;
        lens::pass_rest(&mut payload, &mut base);
    } else {
        base.insert("payload", payload.to_text());
    }
    finish(view, base)
}

/// Puts what the dialect took off back on.
fn finish(view: &View<'_>, mut document: Parts<'_>) -> Option<String> {
    if let Some(places) = view.translation("ids") {
        let places: Vec<_> = elements(places).filter_map(as_str).collect();
        let places: Vec<&str> = places.iter().map(AsRef::as_ref).collect();
        ids::derive(&mut document, &places, &OPEN_PLACE, view.workspace_id()?);
    }
    document.order_by(&BASE);
    if let Some(noted) = view.translation("tagged") {
        tags::put_on(&mut document, noted);
    }
    let mut document = match view.translation("entry") {
        Some(noted) => entry::wrap(&document, noted),
        None => document,
    };
    if let Some(differences) = view.translation(DIFFERENCES) {
        same::apply(&mut document, differences);
    }
    Some(document.to_text())
}

/// Puts the payload's members to their places, without those that the dialect added.
fn put_data<'a>(view: &View<'a>, spelling: Option<&Spelling>, foreign: &mut Foreign<'a>) {
    let mut data = Parts::of(view.data());
    let added = view.translation("added").into_iter().flat_map(elements).filter_map(as_str);
    for name in added {
        data.take(&name);
    }
    match spelling {
        Some(spelling) => lens::give_out_of(spelling, view, data, foreign),
        None => lens::pass_rest(&mut data, &mut foreign.payload),
    }
}

/// The fields of the base event that the envelope has.
fn put_base(view: &View<'_>, name: &str, catalog: &Catalog, base: &mut Parts<'_>) {
    base.insert_text("event_type", name);
    let category = catalog.category(&view.event_type());
    if category != OTHER_CATEGORY {
        base.insert_text("event_category", category);
    }
    if view.field("actor.actor_type") == Some("\"agent\"")
        && let Some(agent) = view.field("actor.actor_id")
    {
        base.insert("agent_id", agent.to_owned());
    }
}

/// The workflow and the correlation, where they are not those that stand in for absent ones.
fn put_own_ids(view: &View<'_>, base: &mut Parts<'_>) {
    let run = view.text("run_id");
    if run.is_some() && base.get_text("session_id").as_deref() != run.as_deref() {
        base.insert_text("workflow_id", run.as_deref().unwrap_or_default());
    }
    let correlation = view.text("correlation_id");
    let stands_in = correlation == run || correlation == view.text("event_id");
    if let Some(correlation) = correlation.filter(|_| !stands_in) {
        base.insert_path(&["metadata", "correlation_id"], quoted(&correlation));
    }
}

fn write_other(view: &View<'_>, catalog: &Catalog) -> Option<String> {
    let spelling = catalog.said(&view.event_type(), HIVE, view.data())?;
    let mut foreign = Foreign::default();
    lens::give_out(spelling, view, &mut foreign);
    lens::fill_required(spelling, &mut foreign);
    let Foreign { payload, mut document } = foreign;
    document.insert_text("event_id", &view.text("event_id")?);
    document.insert_text("timestamp", &view.text("occurred_at")?);
    put_base(view, &spelling.name, catalog, &mut document);
    if let Some(run) = view.get("run_id") {
        document.insert("workflow_id", run.to_owned());
    }
    // Where the hive tells a call's end by the correlation alone, the call is the correlation.
    let call = payload.get("tool_call_id").map(std::borrow::Cow::into_owned);
    let correlation = call.or_else(|| view.get("correlation_id").map(str::to_owned));
    document.insert_path(&["metadata", "schema_version"], SCHEMA_VERSION);
    if let Some(correlation) = correlation {
        document.insert_path(&["metadata", "correlation_id"], correlation);
    }
    document.insert_path(&["metadata", "source_service"], SOURCE_SERVICE);
    document.insert("payload", payload.to_text());
    ids::derive(&mut document, &UUID_PLACES, &OPEN_PLACE, view.workspace_id()?);
    document.order_by(&BASE);
    Some(document.to_text())
}
