//! An event as a writer of a dialect sees it: the members of its envelope on the wire.

use std::borrow::Cow;

use crate::id::WorkspaceId;
use crate::json::{as_str, member, members};

/// The member of `extensions` that holds how a document was taken apart.
pub(in crate::dialect) const TRANSLATION: &str = "translation";

/// The envelope of one event.
#[derive(Debug, Clone, Default)]
pub(in crate::dialect) struct View<'a> {
    members: Vec<(&'a str, &'a str)>,
    workspace_id: Option<WorkspaceId>,
}

impl<'a> View<'a> {
    /// Looks at an envelope on the wire.
    pub(in crate::dialect) fn of(envelope: &'a str) -> Self {
        let mut view = Self { members: members(envelope).collect(), workspace_id: None };
        view.workspace_id = view.text("workspace_id").and_then(|id| id.parse().ok());
        view
    }

    /// Looks at an envelope that does not say its workspace.
    pub(in crate::dialect) fn within(envelope: &'a str, workspace_id: &WorkspaceId) -> Self {
        Self { members: members(envelope).collect(), workspace_id: Some(workspace_id.clone()) }
    }

    /// A member, as JSON text.
    pub(in crate::dialect) fn get(&self, name: &str) -> Option<&'a str> {
        self.members.iter().find(|(key, _)| *key == name).map(|(_, value)| *value)
    }

    /// A member, as plain text.
    pub(in crate::dialect) fn text(&self, name: &str) -> Option<Cow<'a, str>> {
        self.get(name).and_then(as_str)
    }

    /// A member at the end of a dotted path, as JSON text.
    pub(in crate::dialect) fn field(&self, path: &str) -> Option<&'a str> {
        let mut steps = path.split('.');
        let first = self.get(steps.next()?)?;
        steps.try_fold(first, |value, step| member(value, step))
    }

    pub(in crate::dialect) fn workspace_id(&self) -> Option<&WorkspaceId> {
        self.workspace_id.as_ref()
    }

    pub(in crate::dialect) fn event_type(&self) -> Cow<'a, str> {
        self.text("event_type").unwrap_or_default()
    }

    pub(in crate::dialect) fn data(&self) -> &'a str {
        self.get("data").unwrap_or("null")
    }

    /// Whether the event came in by a dialect.
    pub(in crate::dialect) fn came_by(&self, dialect: &str) -> bool {
        self.field("origin.dialect").and_then(as_str).as_deref() == Some(dialect)
    }

    /// The foreign type, id or time, where it has another spelling.
    pub(in crate::dialect) fn origin(&self, name: &str) -> Option<Cow<'a, str>> {
        self.get("origin").and_then(|origin| member(origin, name)).and_then(as_str)
    }

    /// What a dialect keeps of its own documents.
    pub(in crate::dialect) fn extension(&self, dialect: &str) -> Option<&'a str> {
        self.get("extensions").and_then(|extensions| member(extensions, dialect))
    }

    /// How the document was taken apart.
    pub(in crate::dialect) fn translation(&self, name: &str) -> Option<&'a str> {
        member(self.extension(TRANSLATION)?, name)
    }

    /// Whether the body is gone, so that nothing but the envelope can say what is left.
    pub(in crate::dialect) fn is_redacted(&self) -> bool {
        self.get("redaction").is_some()
    }

    /// Whether the actor is nobody but the foreign system, by its dialect's name.
    pub(in crate::dialect) fn has_no_actor(&self) -> bool {
        let is_service = self.field("actor.actor_type") == Some("\"service\"");
        is_service
            && self
                .field("actor.actor_id")
                .is_some_and(|id| self.field("origin.dialect") == Some(id))
    }
}
