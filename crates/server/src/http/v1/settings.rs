//! Settings: what a workspace decided about itself, seen by everybody in it.

use annals_api::{routes, wire};
use annals_core::id::WorkspaceId;
use annals_recorder::settings::{SchemaMode, SettingsRequest, WorkspaceSettings};
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;

use super::tokens::read_json;
use crate::answer::document;
use crate::app::App;
use crate::auth::{AnyToken, Caller, Operate};
use crate::negotiate::{DOCUMENT_FORMS, choose};
use crate::params::{Params, invalid};
use crate::problem::ApiProblem;
use crate::refusals::settings_problem;

/// Read a workspace's settings.
#[utoipa::path(get, path = routes::SETTINGS, operation_id = "getSettings", tag = "server",
    params(("workspace_id" = Option<String>, Query, description = "The workspace; the token's own when absent. Only the owner may name another one.")),
    responses(
        (status = 200, description = "The settings.", body = wire::WorkspaceSettings),
        (status = 403, description = "It is another workspace.", body = annals_api::Problem),
        (status = 404, description = "There is no such workspace.", body = annals_api::Problem)))]
pub(crate) async fn show(
    State(app): State<App>,
    caller: Caller<AnyToken>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, ApiProblem> {
    let form = choose(&headers, DOCUMENT_FORMS)?;
    let params = Params::read(&uri, &["workspace_id"])?;
    let named = workspace(params.one("workspace_id")?)?;
    let settings = app.recorder.settings(&caller.principal, named.as_ref());
    let settings = settings.map_err(|refusal| settings_problem(&refusal))?;
    let workspace_id = named.unwrap_or_else(|| caller.principal.workspace_id.clone());
    document(form, &wire_settings(&workspace_id, &settings))
}

/// Change a workspace's settings. The change is an event of the workspace.
#[utoipa::path(post, path = routes::SETTINGS, operation_id = "changeSettings", tag = "server",
    request_body = wire::ChangeSettings,
    responses(
        (status = 200, description = "The settings from now on.", body = wire::WorkspaceSettings),
        (status = 400, description = "The body is wrong.", body = annals_api::Problem),
        (status = 403, description = "The token may not administer.", body = annals_api::Problem),
        (status = 404, description = "There is no such workspace.", body = annals_api::Problem)))]
pub(crate) async fn change(
    State(app): State<App>,
    caller: Caller<Operate>,
    headers: HeaderMap,
    uri: Uri,
    body: Body,
) -> Result<Json<wire::WorkspaceSettings>, ApiProblem> {
    Params::read(&uri, &[])?;
    let request: wire::ChangeSettings = read_json(&app, &headers, body).await?;
    let named = workspace(request.workspace_id.as_deref())?;
    let workspace_id = named.clone().unwrap_or_else(|| caller.principal.workspace_id.clone());
    let schemas = request.schemas.map(|mode| match mode {
        wire::SchemaModeName::Strict => SchemaMode::Strict,
        wire::SchemaModeName::Lenient => SchemaMode::Lenient,
    });
    let request = SettingsRequest { workspace_id: named, schemas };
    let changed = app.recorder.change_settings(caller.principal, request).await;
    let (settings, _) = changed.map_err(|refusal| settings_problem(&refusal))?;
    Ok(Json(wire_settings(&workspace_id, &settings)))
}

fn workspace(named: Option<&str>) -> Result<Option<WorkspaceId>, ApiProblem> {
    let parsed = named.map(WorkspaceId::parse).transpose();
    parsed.map_err(|error| invalid("workspace_id", error))
}

pub(super) fn wire_mode(mode: SchemaMode) -> wire::SchemaModeName {
    match mode {
        SchemaMode::Strict => wire::SchemaModeName::Strict,
        SchemaMode::Lenient => wire::SchemaModeName::Lenient,
    }
}

fn wire_settings(
    workspace_id: &WorkspaceId,
    settings: &WorkspaceSettings,
) -> wire::WorkspaceSettings {
    let change = settings.change.as_ref();
    wire::WorkspaceSettings {
        workspace_id: workspace_id.to_string(),
        schemas: wire_mode(settings.schemas),
        changed_at: change.map(|change| change.changed_at.to_string()),
        changed_by: change.map(|change| change.changed_by.to_string()),
        event_id: change.map(|change| change.event_id.to_string()),
    }
}
