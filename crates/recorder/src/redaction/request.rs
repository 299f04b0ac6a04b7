//! From a request to redact to its answer: look up, decide and erase in the turn, wait for the views.

use std::sync::Arc;

use annals_core::event::Event;
use annals_core::id::{EventId, WorkspaceId};
use annals_store::contract::{LogReader, ReadFailure};

use super::decide::authorize;
use super::{RedactCommand, RedactRefusal, RedactRequest, RedactionReceipt};
use crate::principal::Principal;
use crate::recorder::Inner;
use crate::refusal::AppendRefusal;

/// Redacts an event; answers when its body is in no file any more.
///
/// A caller that goes away takes nothing back: what was decided is finished all the same.
pub(crate) async fn redact(
    inner: &Arc<Inner>,
    by: Arc<Principal>,
    request: RedactRequest,
) -> Result<RedactionReceipt, RedactRefusal> {
    let RedactRequest { workspace_id, event_id, reason, replacement } = request;
    let workspace_id = workspace_id.unwrap_or_else(|| by.workspace_id.clone());
    authorize(&by, &workspace_id)?;
    // The marks of a workspace that never had a token could not be found again at the next start.
    let target = if inner.access.workspaces().contains(&workspace_id) {
        look_up(Arc::clone(&inner.reader), workspace_id.clone(), event_id).await?
    } else {
        None
    };
    let target = target.ok_or(RedactRefusal::UnknownEvent { event_id })?;
    // Whoever redacts one secret may name another.
    let reason = inner.secrets.text(reason);
    let replacement = replacement.map(|text| inner.secrets.json(text));
    let command = RedactCommand { by, workspace_id, target, reason, replacement };
    let receipt = inner.sequencer.redact(command).await?;
    inner.views.pass_redaction(receipt.redaction_position).await?;
    Ok(receipt)
}

async fn look_up(
    reader: Arc<dyn LogReader>,
    workspace_id: WorkspaceId,
    event_id: EventId,
) -> Result<Option<Event>, RedactRefusal> {
    let look = move || reader.by_event_id(&workspace_id, &event_id);
    let found: Result<Option<Event>, ReadFailure> = tokio::task::spawn_blocking(look)
        .await
        .map_err(|_| RedactRefusal::Append(AppendRefusal::Closing))?;
    found.map_err(RedactRefusal::Unreadable)
}
