//! The type of a foreign fact that the catalog has no spelling for.

use crate::catalog::Catalog;
use crate::envelope::Authority;
use crate::id::EventType;

/// The type of what has no type here.
pub(in crate::dialect) const FOREIGN_EVENT: &str = "foreign.event";

/// A foreign name as a type of its own. A name outside the grammar, or one that means something here
/// already, is kept in `origin.type` alone: a report is never taken for what it only sounds like.
pub(in crate::dialect) fn own_type(name: &str, catalog: &Catalog) -> Option<EventType> {
    let is_free = catalog.entry(name).is_none() && catalog.authority(name) == Authority::Observed;
    let own = EventType::parse(name).ok().filter(|_| is_free && !name.starts_with("annals."));
    own.or_else(|| EventType::parse(FOREIGN_EVENT).ok())
}
