//! Settings: what a workspace decided about itself.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What becomes of an event whose `data` does not fit the schema of its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SchemaModeName {
    /// It is refused.
    Strict,
    /// It is kept with `schema_violation`, unless its type is that of a decision.
    Lenient,
}

/// Changes settings. What is absent stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeSettings {
    /// The workspace; the token's own when absent. Only the owner may name another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace_id: Option<String>,
    /// What becomes of payloads that do not fit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schemas: Option<SchemaModeName>,
}

/// The settings of a workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WorkspaceSettings {
    /// The workspace.
    pub workspace_id: String,
    /// What becomes of payloads that do not fit; `strict` unless somebody changed it.
    pub schemas: SchemaModeName,
    /// When settings last changed; null when they never did.
    pub changed_at: Option<String>,
    /// The identity behind the credential that asked for it.
    pub changed_by: Option<String>,
    /// The `workspace.settings_changed` that says so.
    pub event_id: Option<String>,
}
