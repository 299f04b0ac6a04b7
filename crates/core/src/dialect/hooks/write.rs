//! From an event to a stamped payload.
//!
//! An event that came in so goes out as exactly that document. Any other goes out where the catalog
//! has a spelling, stamped with what the envelope has.

use super::{ADDED, HOOKS, MEMBERS, NAMELESS, UNTIMED};
use crate::catalog::Catalog;
use crate::dialect::translation::lens::{self, Foreign};
use crate::dialect::translation::parts::Parts;
use crate::dialect::translation::same;
use crate::dialect::translation::settle::DIFFERENCES;
use crate::dialect::translation::types::FOREIGN_EVENT;
use crate::dialect::translation::view::View;
use crate::json::{JsonKind, as_str, elements, kind};

/// Writes one event; none where it has no form here.
pub(super) fn write(view: &View<'_>, catalog: &Catalog) -> Option<String> {
    if view.is_redacted() {
        return None;
    }
    if view.came_by(HOOKS) { write_own(view, catalog) } else { write_other(view, catalog) }
}

fn write_own(view: &View<'_>, catalog: &Catalog) -> Option<String> {
    let name = view.origin("type")?;
    let (agent, event) = name.split_once('/').unwrap_or((&name, ""));
    let mut document = view.extension(HOOKS).map(Parts::of).unwrap_or_default();
    let left = document.take("payload");
    let payload = match view.event_type().as_ref() {
        FOREIGN_EVENT => view.data().to_owned(),
        event_type => {
            let spellings = catalog.entry(event_type)?.spellings(HOOKS);
            let spelling =
                spellings.iter().find(|one| one.name == name && one.says(view.data()))?;
            let mut data = Parts::of(view.data());
            for added in view.translation(ADDED).into_iter().flat_map(elements).filter_map(as_str) {
                data.take(&added);
            }
            let payload = left.map(|left| Parts::of_owned(&left)).unwrap_or_default();
            let mut foreign = Foreign { payload, document: Parts::default() };
            lens::give_out_of(spelling, view, data, &mut foreign);
            if !document.has("event") {
                foreign.payload.insert_text("hook_event_name", event);
            }
            foreign.payload.to_text()
        }
    };
    if view.translation(UNTIMED).is_none() {
        document
            .insert_text("received_at", &view.origin("time").or_else(|| view.text("occurred_at"))?);
    }
    finish(view, agent, document, payload)
}

fn write_other(view: &View<'_>, catalog: &Catalog) -> Option<String> {
    if kind(view.data()) != JsonKind::Object {
        return None;
    }
    let spelling = catalog.said(&view.event_type(), HOOKS, view.data())?;
    let (agent, event) = spelling.name.split_once('/')?;
    let mut foreign = Foreign::default();
    lens::give_out(spelling, view, &mut foreign);
    lens::fill_required(spelling, &mut foreign);
    let mut document = Parts::default();
    match NAMELESS.contains(&agent) {
        true => document.insert_text("event", event),
        false => foreign.payload.insert_text("hook_event_name", event),
    };
    document.insert_text("received_at", &view.text("occurred_at")?);
    finish(view, agent, document, foreign.payload.to_text())
}

fn finish(
    view: &View<'_>,
    agent: &str,
    mut document: Parts<'_>,
    payload: String,
) -> Option<String> {
    document.insert_text("agent", agent);
    if let Some(key) = view.get("idempotency_key") {
        document.insert("idempotency_key", key.to_owned());
    }
    document.insert("payload", payload);
    document.order_by(&MEMBERS);
    if let Some(differences) = view.translation(DIFFERENCES) {
        same::apply(&mut document, differences);
    }
    Some(document.to_text())
}
