//! Ids that a format demands as UUIDs and ours are not: on the way out a derived UUID stands in, and
//! the id itself is beside it in a place that the format leaves open.
//!
//! INVARIANT (nobody's word): on the way in an id beside a UUID is believed only where that UUID is
//! the one derived from it in this workspace; all else stays as it is.

use super::identity;
use super::parts::{Parts, quoted};
use super::same::path_of;
use crate::id::WorkspaceId;
use crate::json::as_str;

/// The name under which ids of ours stand in a foreign document.
pub(in crate::dialect) const OURS: &str = "annals";

/// Ids that are looked at on the way in; no format has as many places for them.
const RESTORED_IDS_MAX: usize = 16;

/// Replaces ids that are no UUIDs by derived ones and keeps them in `open`, each by its place.
pub(in crate::dialect) fn derive(
    document: &mut Parts<'_>,
    places: &[&str],
    open: &[&str],
    workspace_id: &WorkspaceId,
) {
    for place in places {
        let path = path_of(place);
        let Some(id) =
            document.get_path(&path).and_then(|id| as_str(&id).map(|id| id.into_owned()))
        else {
            continue;
        };
        if !identity::is_uuid(&id) {
            let uuid = identity::derived(workspace_id, &id).to_string();
            document.set_path(&path, quoted(&uuid));
            let kept = [open, &[place]].concat();
            document.insert_path(&kept, quoted(&id));
        }
    }
}

/// Puts ids that stand in `open` back to their places, and says to which.
pub(in crate::dialect) fn restore(
    document: &mut Parts<'_>,
    open: &[&str],
    workspace_id: &WorkspaceId,
) -> Vec<String> {
    let Some(kept) = document.get_path(open).map(|kept| Parts::of_owned(&kept)) else {
        return Vec::new();
    };
    let mut restored = Vec::new();
    for (place, id) in kept.iter().take(RESTORED_IDS_MAX) {
        let Some(id) = as_str(&id) else { continue };
        let path = path_of(&place);
        let there =
            document.get_path(&path).and_then(|uuid| as_str(&uuid).map(|id| id.into_owned()));
        if there == Some(identity::derived(workspace_id, &id).to_string()) {
            document.set_path(&path, quoted(&id));
            let kept = [open, &[place.as_ref()]].concat();
            document.take_path(&kept);
            restored.push(place.into_owned());
        }
    }
    restored
}
