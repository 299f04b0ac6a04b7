//! The server as the caller's token sees it.

use annals_api::{routes, wire};
use annals_recorder::config::Durability;
use annals_recorder::principal::Principal;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;

use super::settings::wire_mode;
use super::tokens::right_names;
use crate::answer::document;
use crate::app::App;
use crate::auth::{AnyToken, Caller};
use crate::negotiate::{DOCUMENT_FORMS, choose};
use crate::params::Params;
use crate::problem::ApiProblem;

/// How the server is, and what the token may do.
#[utoipa::path(get, path = routes::STATUS, operation_id = "getStatus", tag = "server",
    responses((status = 200, description = "The status.", body = wire::Status)))]
pub(crate) async fn status(
    State(app): State<App>,
    caller: Caller<AnyToken>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, ApiProblem> {
    let form = choose(&headers, DOCUMENT_FORMS)?;
    Params::read(&uri, &[])?;
    let head = app.recorder.head();
    let head_position = head.position.get();
    let views = app.recorder.views();
    let position = views.position().get();
    let status = wire::Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        log_id: app.recorder.log_id().to_string(),
        head_position,
        recorded_at: (head_position > 0).then(|| head.recorded_at.to_string()),
        workspace_id: caller.principal.workspace_id.to_string(),
        rights: right_names(caller.principal.rights),
        durability: match app.recorder.durability() {
            Durability::Sync => wire::DurabilityName::Sync,
            Durability::Os => wire::DurabilityName::Os,
        },
        views: wire::ViewsStatus {
            position,
            lag_events: head_position.saturating_sub(position),
            stale: views.is_stale(),
        },
        secrets: secrets(&app),
        schemas: schemas(&app, &caller.principal),
        tails: app.tails.total() as u64,
        uptime_s: app.started_at.elapsed().as_secs(),
        rate: wire::Rate { events_per_s: app.metrics.rate.events_per_second() },
    };
    document(form, &status)
}

fn schemas(app: &App, principal: &Principal) -> wire::SchemasStatus {
    let settings = app.recorder.own_settings(principal);
    let change = settings.change.as_ref();
    wire::SchemasStatus {
        checked: app.recorder.checks_schemas(),
        mode: wire_mode(settings.schemas),
        changed_at: change.map(|change| change.changed_at.to_string()),
        changed_by: change.map(|change| change.changed_by.to_string()),
    }
}

fn secrets(app: &App) -> wire::SecretsStatus {
    let filter = app.recorder.secrets();
    let settings = filter.settings();
    wire::SecretsStatus {
        enabled: settings.enabled,
        rule_count: filter.rule_ids().count() as u64,
        own_rules: settings.rules.iter().map(|rule| rule.id.clone()).collect(),
        exception_count: settings.allow.len() as u64,
    }
}
