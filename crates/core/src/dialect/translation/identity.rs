//! Identities that are derived: for foreign ids that are no UUIDs, and for ids of ours that go out
//! to a format that demands UUIDs.
//!
//! INVARIANT (same id, same UUID): a derived UUID depends on the workspace and the id alone. It is
//! persisted as the id of events, so its bytes never change.

use crate::hash::sha256;
use crate::id::{EventId, WorkspaceId};

/// Part of every derived id: never change it.
const NAMESPACE: &[u8] = b"annals/id/1";

/// The UUID of the custom version 8 (RFC 9562, section 5.8) that stands for an id.
pub(in crate::dialect) fn derived(workspace_id: &WorkspaceId, id: &str) -> EventId {
    let workspace = workspace_id.as_str().as_bytes();
    let length = (workspace.len() as u64).to_be_bytes();
    let digest = sha256(&[NAMESPACE, &length, workspace, id.as_bytes()]);
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest.as_bytes()[..16]);
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    EventId::from_bytes(bytes)
}

/// The identity of an event by its foreign id, and that id where it has another spelling.
pub(in crate::dialect) fn of_foreign(
    workspace_id: &WorkspaceId,
    id: &str,
) -> (EventId, Option<String>) {
    match EventId::parse(id) {
        Ok(event_id) if event_id.to_string() == id => (event_id, None),
        Ok(event_id) => (event_id, Some(id.to_owned())),
        Err(_) => (derived(workspace_id, id), Some(id.to_owned())),
    }
}

/// Whether a text is a UUID as the formats that demand one have it.
pub(in crate::dialect) fn is_uuid(text: &str) -> bool {
    EventId::parse(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derives_the_same_uuid_for_ever() {
        let workspace = WorkspaceId::parse("ws_1").unwrap();
        assert_eq!(
            derived(&workspace, "run_1").to_string(),
            "87475e60-e925-8c97-a634-8986fa1aceb3"
        );
        assert_ne!(
            derived(&WorkspaceId::parse("ws_1r").unwrap(), "un_1"),
            derived(&workspace, "run_1")
        );
    }

    #[test]
    fn a_foreign_id_is_kept_where_it_is_spelled_otherwise() {
        let workspace = WorkspaceId::parse("ws_1").unwrap();
        let text = "0190B3C4-1111-7abc-8def-0123456789ab";
        let (event_id, kept) = of_foreign(&workspace, text);
        assert_eq!((event_id.to_string(), kept.as_deref()), (text.to_lowercase(), Some(text)));
        assert_eq!(of_foreign(&workspace, &text.to_lowercase()).1, None);
        assert_eq!(
            of_foreign(&workspace, "evt-1"),
            (derived(&workspace, "evt-1"), Some("evt-1".to_owned()))
        );
    }
}
