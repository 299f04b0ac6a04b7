//! Model calls, tokens and cost, in groups.

use annals_api::{routes, wire};
use annals_recorder::views::{UsageGroup, UsageQuery, UsageRow};
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;

use super::views::{cost, count, reflected, tokens, view_problem};
use crate::answer::document;
use crate::app::App;
use crate::auth::{Caller, Read};
use crate::filter;
use crate::negotiate::{DOCUMENT_FORMS, choose};
use crate::params::{Params, invalid};
use crate::problem::ApiProblem;
use crate::work::blocking;

/// Sum usage by run, agent, model or day.
#[utoipa::path(get, path = routes::USAGE, operation_id = "sumUsage", tag = "views",
    params(
        ("group_by" = Option<String>, Query, description = "`run`, `agent`, `model` (default) or `day` (UTC)."),
        ("since" = Option<String>, Query, description = "Only calls at this time or later (RFC 3339)."),
        ("until" = Option<String>, Query, description = "Only calls before this time (RFC 3339)."),
        ("min_position" = Option<u64>, Query, description = "Wait until the views reflect this position.")),
    responses(
        (status = 200, description = "The groups.", body = wire::UsageAnswer),
        (status = 400, description = "A parameter is wrong.", body = annals_api::Problem),
        (status = 503, description = "The views are behind `min_position`.", body = annals_api::Problem)))]
pub(crate) async fn sums(
    State(app): State<App>,
    caller: Caller<Read>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, ApiProblem> {
    let form = choose(&headers, DOCUMENT_FORMS)?;
    let params = Params::read(&uri, &["group_by", "since", "until", "min_position"])?;
    let query = UsageQuery {
        workspace_id: caller.principal.workspace_id.to_string(),
        group: group(&params)?,
        since: filter::time(&params, "since")?,
        until: filter::time(&params, "until")?,
    };
    let reflects = reflected(&app, &params).await?;
    let rows =
        blocking(move || app.recorder.views().usage(&query).map_err(|error| view_problem(&error)))
            .await?;
    let rows = rows.into_iter().map(wire_row).collect();
    document(form, &wire::UsageAnswer { rows, as_of: reflects.as_of, stale: reflects.stale })
}

fn group(params: &Params) -> Result<UsageGroup, ApiProblem> {
    match params.one("group_by")? {
        Some("run") => Ok(UsageGroup::Run),
        Some("agent") => Ok(UsageGroup::Agent),
        None | Some("model") => Ok(UsageGroup::Model),
        Some("day") => Ok(UsageGroup::Day),
        Some(_) => Err(invalid("group_by", "it must be run, agent, model or day")),
    }
}

fn wire_row(row: UsageRow) -> wire::UsageRow {
    wire::UsageRow {
        key: row.key,
        model_calls: count(row.model_calls),
        tokens: tokens(row.tokens),
        cost_micros: cost(row.cost),
        unpriced_calls: count(row.unpriced_calls),
    }
}
