//! From an event to an agentos document. Every event has this form: the envelopes are alike.
//!
//! An event that came in so goes out as exactly that document. Of any other, the fields that this
//! log's server sets go out as theirs, but not its hashes: they are made in another way, and whoever
//! checked them by the foreign rule would find a fault that is none.

use super::{AGENTOS, FIELDS, SAME_FIELDS};
use crate::catalog::Catalog;
use crate::dialect::translation::lens::{self, Foreign};
use crate::dialect::translation::parts::Parts;
use crate::dialect::translation::same;
use crate::dialect::translation::settle::DIFFERENCES;
use crate::dialect::translation::view::View;
use crate::json::{JsonKind, kind, members};

/// What this log's server sets and that one's does too.
const SERVER_FIELDS: [&str; 6] = [
    "recorded_at",
    "workspace_id",
    "actor_principal_id",
    "zone",
    "redaction_level",
    "contains_secrets",
];

/// Writes one event; none where its body is gone.
pub(super) fn write(view: &View<'_>, catalog: &Catalog) -> Option<String> {
    if view.is_redacted() {
        return None;
    }
    if view.came_by(AGENTOS) { write_own(view, catalog) } else { write_other(view, catalog) }
}

fn write_own(view: &View<'_>, catalog: &Catalog) -> Option<String> {
    let event_type = view.event_type();
    let name = view.origin("type").unwrap_or_else(|| event_type.clone());
    let document = view.extension(AGENTOS).map(Parts::of).unwrap_or_default();
    let spellings = catalog.entry(&event_type).map_or(&[][..], |entry| entry.spellings(AGENTOS));
    let spelling = spellings.iter().find(|one| one.name == name && one.says(view.data()));
    let mut document = match spelling {
        Some(spelling) if kind(view.data()) == JsonKind::Object => {
            let mut document = document;
            let payload = document.take("data").map(|data| Parts::of_owned(&data));
            let mut foreign = Foreign { payload: payload.unwrap_or_default(), document };
            lens::give_out(spelling, view, &mut foreign);
            foreign.document.insert("data", foreign.payload.to_text());
            foreign.document
        }
        _ => {
            let mut document = document;
            document.insert("data", view.data().to_owned());
            document
        }
    };
    document.insert_text("event_id", &view.origin("id").or_else(|| view.text("event_id"))?);
    document.insert_text("event_type", &name);
    document.insert("event_version", view.get("event_version")?.to_owned());
    document.insert_text("occurred_at", &view.origin("time").or_else(|| view.text("occurred_at"))?);
    put_fields(view, &mut document);
    if view.translation("shape").is_none() {
        put_parties(view, &mut document);
    }
    document.order_by(&FIELDS);
    if let Some(differences) = view.translation(DIFFERENCES) {
        same::apply(&mut document, differences);
    }
    Some(document.to_text())
}

/// The fields that are alike, without a correlation that only stands in for an absent one.
fn put_fields(view: &View<'_>, document: &mut Parts<'_>) {
    for name in SAME_FIELDS {
        let Some(value) = view.get(name) else { continue };
        let stands_in = name == "correlation_id"
            && view.came_by(AGENTOS)
            && (Some(value) == view.get("run_id") || Some(value) == view.get("event_id"));
        if !stands_in {
            document.insert(name, value.to_owned());
        }
    }
}

fn put_parties(view: &View<'_>, document: &mut Parts<'_>) {
    if !view.has_no_actor() {
        for (member, field) in [("actor_type", "actor.actor_type"), ("actor_id", "actor.actor_id")]
        {
            if let Some(value) = view.field(field) {
                document.insert_path(&["actor", member], value.to_owned());
            }
        }
    }
    for (member, field) in
        [("stream_type", "stream.stream_type"), ("stream_id", "stream.stream_id")]
    {
        if let Some(value) = view.field(field) {
            document.insert_path(&["stream", member], value.to_owned());
        }
    }
}

fn write_other(view: &View<'_>, catalog: &Catalog) -> Option<String> {
    let event_type = view.event_type();
    let mut document = Parts::default();
    let spelling = catalog.said(&event_type, AGENTOS, view.data());
    match spelling {
        Some(spelling) if kind(view.data()) == JsonKind::Object => {
            let mut foreign = Foreign::default();
            lens::give_out(spelling, view, &mut foreign);
            lens::fill_required(spelling, &mut foreign);
            document = foreign.document;
            document.insert_text("event_type", &spelling.name);
            document.insert("data", foreign.payload.to_text());
        }
        _ => {
            document.insert_text("event_type", &event_type);
            document.insert("data", view.data().to_owned());
        }
    }
    for name in ["event_id", "event_version", "occurred_at"].iter().chain(&SERVER_FIELDS) {
        if let Some(value) = view.get(name) {
            document.insert(name, value.to_owned());
        }
    }
    put_fields(view, &mut document);
    if let Some(actor) = view.get("actor") {
        document.insert("actor", actor.to_owned());
    }
    put_stream(view, &mut document);
    document.order_by(&FIELDS);
    Some(document.to_text())
}

/// The stream with its seq.
fn put_stream(view: &View<'_>, document: &mut Parts<'_>) {
    for (name, value) in members(view.get("stream").unwrap_or_default()) {
        document.insert_path(&["stream", name], value.to_owned());
    }
}
