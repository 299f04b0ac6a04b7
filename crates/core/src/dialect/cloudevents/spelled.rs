//! Types that CloudEvents spell otherwise: what the catalog says of them, applied both ways.
//!
//! It does not judge whether a spelling says a document exactly; the reader does, by writing it back.

use super::document::{Data, Document};
use super::read::OWN_SCHEME;
use super::{DATA_ATTRIBUTE, DIALECT, TYPE_ATTRIBUTE};
use crate::catalog::{Catalog, Spelling, TypeEntry};
use crate::dialect::translation::homes::Homes;
use crate::dialect::translation::lens::{self, Foreign};
use crate::dialect::translation::parts::Parts;
use crate::dialect::translation::view::View;
use crate::json::{Json, JsonKind, kind};

/// A type, and how it is spelled.
pub(super) type Spelled<'a> = (&'a TypeEntry, &'a Spelling);

/// The type that a document means under another name.
///
/// Our own events say what they are beside the name that others know; other names are the catalog's.
pub(super) fn meant<'a>(
    document: &Document<'_>,
    text: &str,
    catalog: &'a Catalog,
) -> Option<Spelled<'a>> {
    let Data::Value(payload) = document.data else { return None };
    if kind(payload) != JsonKind::Object {
        return None;
    }
    let own = document.text(TYPE_ATTRIBUTE).filter(|_| document.source.starts_with(OWN_SCHEME));
    match own {
        Some(own) => {
            Some((catalog.entry(&own)?, own_spelling(catalog, &document.event_type, &own)?))
        }
        None => {
            let meant = catalog.meant(DIALECT, &document.event_type, payload, text)?;
            (!says_nothing_else(meant)).then_some(meant)
        }
    }
}

/// Whether a spelling is the type's own name and nothing more.
fn says_nothing_else((entry, spelling): Spelled<'_>) -> bool {
    spelling.name == entry.event_type && !changes_payload(spelling)
}

/// Whether a payload is another one in a spelling.
pub(super) fn changes_payload(spelling: &Spelling) -> bool {
    let Spelling { name: _, when, set, map, fill, way: _ } = spelling;
    !(when.is_empty() && set.is_empty() && map.is_empty() && fill.is_empty())
}

fn own_spelling<'a>(catalog: &'a Catalog, name: &str, event_type: &str) -> Option<&'a Spelling> {
    let spellings = catalog.entry(event_type)?.spellings(DIALECT);
    spellings.iter().find(|spelling| spelling.name == name)
}

/// The spelling by which an event that came in as a CloudEvent was read, if by any.
pub(super) fn read_by<'a>(
    catalog: &'a Catalog,
    name: &str,
    event_type: &str,
    is_own: bool,
) -> Option<&'a Spelling> {
    if is_own {
        return own_spelling(catalog, name, event_type).filter(|_| name != event_type);
    }
    let mut spelled = catalog.spelled(DIALECT, name);
    spelled.find(|(entry, _)| entry.event_type == event_type).map(|(_, spelling)| spelling)
}

/// Our payload of a foreign one; fields of the envelope go to their homes. One of our own events may
/// bring its payload along.
pub(super) fn to_data(
    spelling: &Spelling,
    document: &Document<'_>,
    text: &str,
    homes: &mut Homes,
) -> String {
    let own = document.text(DATA_ATTRIBUTE).filter(|_| document.source.starts_with(OWN_SCHEME));
    if let Some(own) = own.and_then(|own| Json::parse(own.as_bytes()).ok()) {
        return own.into_string();
    }
    let payload = match document.data {
        Data::Value(payload) => Parts::of(payload),
        Data::Base64(_) | Data::Absent => Parts::default(),
    };
    let mut foreign = Foreign { payload, document: Parts::of(text) };
    lens::take_in(spelling, &mut foreign, homes).to_text()
}

/// The payload that a spelling makes of an event.
pub(super) fn to_payload(spelling: &Spelling, view: &View<'_>) -> String {
    let mut foreign = Foreign::default();
    lens::give_out(spelling, view, &mut foreign);
    lens::fill_required(spelling, &mut foreign);
    foreign.payload.to_text()
}
