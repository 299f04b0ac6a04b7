//! The settings of workspaces: what a workspace decided about itself, as control facts on its own stream.
//!
//! State lives in memory and is restored from the log. Settings of an installation, such as the
//! search for secrets, are its config file's and not here.
//!
//! INVARIANT (facts grant nothing): only `workspace.settings_changed` with authority `control` changes
//! a setting; the same reported through a door changes nothing.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

use annals_core::envelope::{Authority, Draft, StreamKey};
use annals_core::event::Event;
use annals_core::id::{EventId, EventType, PrincipalId, StreamId, StreamType, WorkspaceId};
use annals_core::time::Timestamp;
use annals_store::contract::{LogReader, ReadFailure};
use annals_store::query::{Filter, PageLimit, Query, TypePattern};
use serde::{Deserialize, Serialize};

use crate::access::OWNER_WORKSPACE;
use crate::principal::{Principal, Rights};
use crate::recorder::Recorder;
use crate::refusal::AppendRefusal;
use crate::secrets::WORKSPACE_STREAM_TYPE;
use crate::sequencer::{ControlFact, principal_actor};

/// The fact's type. Persisted: never rename.
const CHANGED_TYPE: &str = "workspace.settings_changed";

/// What becomes of a payload that does not fit the schema of its type.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SchemaMode {
    /// It is refused.
    #[default]
    Strict,
    /// It is kept with a mark, unless its type is that of a decision.
    Lenient,
}

/// What a workspace decided about itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WorkspaceSettings {
    /// What becomes of payloads that do not fit.
    pub schemas: SchemaMode,
    /// The last change; none where everything is as it comes.
    pub change: Option<SettingsChange>,
}

/// Who changed settings, and where the log says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsChange {
    /// When the log took the change.
    pub changed_at: Timestamp,
    /// The identity behind the credential that asked.
    pub changed_by: PrincipalId,
    /// The event that says so.
    pub event_id: EventId,
}

/// What somebody wants changed. What is absent stays.
#[derive(Debug, Clone, Default)]
pub struct SettingsRequest {
    /// The workspace; the principal's own where it is absent. Another one may only be named by who
    /// administers all of them.
    pub workspace_id: Option<WorkspaceId>,
    /// What becomes of payloads that do not fit.
    pub schemas: Option<SchemaMode>,
}

/// Change a workspace's settings.
#[derive(Debug)]
pub(crate) struct ChangeSettings {
    by: Arc<Principal>,
    workspace_id: WorkspaceId,
    schemas: Option<SchemaMode>,
}

/// Why settings are not changed, or not shown.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SettingsRefusal {
    /// The one who asks may not administer, or not that workspace.
    #[error("this needs the right `operate`, and another workspace's settings the owner's token")]
    Forbidden,
    /// No token was ever made for the workspace.
    #[error("there is no workspace `{workspace_id}`; it comes to be by its first token")]
    UnknownWorkspace {
        /// The workspace.
        workspace_id: WorkspaceId,
    },
    /// The fact could not be kept.
    #[error(transparent)]
    Append(AppendRefusal),
}

/// Persisted in the header of `workspace.settings_changed`: add fields only as optional ones.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fact", rename = "workspace_settings")]
struct SettingsFact {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    schemas: Option<SchemaMode>,
}

/// The payload of the fact, for readers.
#[derive(Serialize)]
struct ChangedData<'a> {
    schemas: SchemaMode,
    previous_schemas: SchemaMode,
    changed_by: &'a str,
}

/// The settings of all workspaces. The sequencer alone writes.
#[derive(Debug, Default)]
pub struct Settings {
    by_workspace: RwLock<HashMap<WorkspaceId, WorkspaceSettings>>,
}

impl Settings {
    /// Reads the settings of some workspaces from the log.
    pub(crate) fn restore(
        workspaces: BTreeSet<WorkspaceId>,
        reader: &dyn LogReader,
    ) -> Result<Self, ReadFailure> {
        let settings = Self::default();
        for workspace_id in workspaces {
            let mut query = Query {
                filters: vec![Filter::Stream(own_stream(&workspace_id))],
                workspace_id: Some(workspace_id),
                event_types: TypePattern::parse(CHANGED_TYPE).into_iter().collect(),
                ..Query::default()
            };
            loop {
                let page = reader.scan(&query, PageLimit::events(1_000))?;
                page.events.iter().for_each(|event| settings.evolve(event));
                match page.next {
                    Some(next) => query.after_position = next,
                    None => break,
                }
            }
        }
        Ok(settings)
    }

    /// A workspace's settings.
    #[must_use]
    pub fn of(&self, workspace_id: &WorkspaceId) -> WorkspaceSettings {
        let by_workspace = self.by_workspace.read().unwrap_or_else(PoisonError::into_inner);
        by_workspace.get(workspace_id).cloned().unwrap_or_default()
    }

    /// Decides a command against the state at the head; no fact where it changes nothing.
    pub(crate) fn decide(
        &self,
        command: ChangeSettings,
    ) -> Result<Option<ControlFact>, SettingsRefusal> {
        authorize(&command.by, &command.workspace_id)?;
        let previous = self.of(&command.workspace_id).schemas;
        let schemas = command.schemas.unwrap_or(previous);
        if schemas == previous {
            return Ok(None);
        }
        let data = ChangedData {
            schemas,
            previous_schemas: previous,
            changed_by: command.by.principal_id.as_str(),
        };
        let event_type = EventType::parse(CHANGED_TYPE).expect("a literal that fits");
        let stream = own_stream(&command.workspace_id);
        let actor = principal_actor(&command.by);
        let draft = Draft::new(event_type, actor, stream, render(&data));
        let control = render(&SettingsFact { schemas: Some(schemas) });
        Ok(Some(ControlFact { by: command.by, workspace_id: command.workspace_id, draft, control }))
    }

    /// Takes in a durable event. Total: what it does not know changes nothing.
    pub(crate) fn evolve(&self, event: &Event) {
        if event.event_type() != CHANGED_TYPE {
            return;
        }
        let header = event.header();
        let fact = header.control.filter(|_| header.authority == Authority::Control);
        let fact = fact.and_then(|text| serde_json::from_str::<SettingsFact>(text).ok());
        let (Some(fact), Ok(workspace_id), Ok(changed_by)) =
            (fact, header.workspace_id.parse(), header.actor_principal_id.parse())
        else {
            return;
        };
        let mut by_workspace = self.by_workspace.write().unwrap_or_else(PoisonError::into_inner);
        let settings: &mut WorkspaceSettings = by_workspace.entry(workspace_id).or_default();
        settings.schemas = fact.schemas.unwrap_or(settings.schemas);
        settings.change = Some(SettingsChange {
            changed_at: header.recorded_at,
            changed_by,
            event_id: header.event_id,
        });
    }
}

impl Recorder {
    /// Whether payloads of known types are held against their schemas at all.
    #[must_use]
    pub fn checks_schemas(&self) -> bool {
        self.inner.schemas.is_some()
    }

    /// The settings of a principal's workspace.
    #[must_use]
    pub fn own_settings(&self, by: &Principal) -> WorkspaceSettings {
        self.inner.settings.of(&by.workspace_id)
    }

    /// The settings of a workspace: of the principal's own, or of any for who administers all.
    ///
    /// # Errors
    /// When it is another's, or there is no such workspace.
    pub fn settings(
        &self,
        by: &Principal,
        workspace_id: Option<&WorkspaceId>,
    ) -> Result<WorkspaceSettings, SettingsRefusal> {
        let workspace_id = workspace_id.unwrap_or(&by.workspace_id);
        if *workspace_id != by.workspace_id {
            authorize(by, workspace_id)?;
            self.known(workspace_id)?;
        }
        Ok(self.inner.settings.of(workspace_id))
    }

    /// Changes a workspace's settings; answers when the log says so, with whether it was a change.
    /// What is sent after the answer is treated by the new ones.
    ///
    /// # Errors
    /// When the principal may not, there is no such workspace, or the fact cannot be kept.
    pub async fn change_settings(
        &self,
        by: Arc<Principal>,
        request: SettingsRequest,
    ) -> Result<(WorkspaceSettings, bool), SettingsRefusal> {
        let workspace_id = request.workspace_id.unwrap_or_else(|| by.workspace_id.clone());
        authorize(&by, &workspace_id)?;
        // Those of a workspace that never had a token could not be found again at the next start.
        self.known(&workspace_id)?;
        let command =
            ChangeSettings { by, workspace_id: workspace_id.clone(), schemas: request.schemas };
        let is_changed = self.inner.sequencer.change_settings(command).await?;
        Ok((self.inner.settings.of(&workspace_id), is_changed))
    }

    fn known(&self, workspace_id: &WorkspaceId) -> Result<(), SettingsRefusal> {
        if self.inner.access.workspaces().contains(workspace_id) {
            return Ok(());
        }
        Err(SettingsRefusal::UnknownWorkspace { workspace_id: workspace_id.clone() })
    }
}

/// Whether a principal may administer a workspace: its own with the right to, and any from the
/// workspace where all of them are administered.
fn authorize(by: &Principal, workspace_id: &WorkspaceId) -> Result<(), SettingsRefusal> {
    let covers = by.workspace_id == *workspace_id || by.workspace_id.as_str() == OWNER_WORKSPACE;
    if by.rights.contains(Rights::OPERATE) && covers {
        Ok(())
    } else {
        Err(SettingsRefusal::Forbidden)
    }
}

fn own_stream(workspace_id: &WorkspaceId) -> StreamKey {
    StreamKey {
        stream_type: StreamType::parse(WORKSPACE_STREAM_TYPE).expect("a literal that fits"),
        stream_id: StreamId::parse(workspace_id.as_str())
            .expect("a workspace's id fits the grammar of a stream's"),
    }
}

fn render(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("texts are JSON")
}
