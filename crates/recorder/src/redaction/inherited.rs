//! What was erased in the backup that a log was restored from: the restored log says so itself.
//!
//! `annals redact --in BACKUP` has no log to say it on, only a list beside the copies. Without an
//! event that explains it, a missing body looks like damage to whoever verifies the log.
//! It erases nothing: the bytes are gone already.

use std::sync::Arc;

use annals_core::id::{Position, WorkspaceId};
use annals_store::contract::{LogReader, ReadFailure};

use super::{Marks, RedactCommand, RedactDecision};
use crate::access::Access;
use crate::sequencer::ControlFact;

/// The reason that such an event gives.
const REASON: &str = "it was erased in the backup that this log was restored from";

/// The facts about erased bodies that no event of the log explains yet.
pub(crate) fn inherited(
    erased: &[Position],
    reader: &dyn LogReader,
    marks: &Marks,
    access: &Access,
) -> Result<Vec<ControlFact>, ReadFailure> {
    let workspaces = access.workspaces();
    let mut facts = Vec::new();
    for position in erased {
        let found = reader.event_at(*position)?.filter(|event| event.is_erased());
        let Some(target) = found else { continue };
        let Ok(workspace_id) = WorkspaceId::parse(target.header().workspace_id) else { continue };
        // The marks of a workspace that never had a token could not be found again.
        if !workspaces.contains(&workspace_id) {
            continue;
        }
        let by = Arc::clone(access.owner());
        let (reason, replacement) = (REASON.to_owned(), None);
        let command = RedactCommand { by, workspace_id, target, reason, replacement };
        // What is explained already, or needs no explanation, is left as it is.
        if let Ok(RedactDecision::Redact(fact)) = marks.decide(command) {
            facts.push(*fact);
        }
    }
    Ok(facts)
}
