//! The types that a workspace has events of: how many, how many lately, and how many did not fit.
//!
//! What the catalog says of a type is not repeated here.

use std::collections::BTreeMap;

use annals_api::{routes, wire};
use annals_core::limits::PAGE_EVENTS_MAX;
use annals_recorder::views::{Cursor, TypeCounts, TypesQuery, ViewError};
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;

use super::views::{Reflects, count, read_cursor, reflected, time, view_problem, write_cursor};
use crate::answer::document;
use crate::app::App;
use crate::auth::{Caller, Read};
use crate::negotiate::{DOCUMENT_FORMS, choose};
use crate::params::Params;
use crate::problem::ApiProblem;
use crate::work::blocking;

/// List the types that the workspace has events of, in the order in which they were first seen.
///
/// Types without events come last if payloads of theirs did not fit the schema since the
/// server's start. Rates are by the time of recording.
#[utoipa::path(get, path = routes::TYPES, operation_id = "listTypes", tag = "views",
    params(
        ("limit" = Option<u32>, Query, description = "1 to 1,000; 1,000 when absent."),
        ("cursor" = Option<String>, Query, description = "`next` of the page before."),
        ("min_position" = Option<u64>, Query, description = "Wait until the views reflect this position.")),
    responses(
        (status = 200, description = "A page of types.", body = wire::TypesPage),
        (status = 400, description = "A parameter is wrong.", body = annals_api::Problem),
        (status = 503, description = "The views are behind `min_position`.", body = annals_api::Problem)))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller<Read>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, ApiProblem> {
    let form = choose(&headers, DOCUMENT_FORMS)?;
    let params = Params::read(&uri, &["limit", "cursor", "min_position"])?;
    let workspace_id = &caller.principal.workspace_id;
    let question = params.question(routes::TYPES, workspace_id.as_str());
    let query = TypesQuery {
        workspace_id: workspace_id.to_string(),
        now: app.now(),
        cursor: read_cursor(&params, "cursor", &question)?,
        count_max: params.limit_up_to(PAGE_EVENTS_MAX, PAGE_EVENTS_MAX)?,
    };
    let reflects = reflected(&app, &params).await?;
    let failures = app.recorder.stats().schema_failures(workspace_id);
    let since = time(app.started_on);
    let (types, next) =
        blocking(move || read(&app, &query, failures).map_err(|error| view_problem(&error)))
            .await?;
    let next = write_cursor(next, &question);
    let Reflects { as_of, stale } = reflects;
    document(form, &wire::TypesPage { types, next, as_of, stale, since })
}

fn read(
    app: &App,
    query: &TypesQuery,
    failures: BTreeMap<String, u64>,
) -> Result<(Vec<wire::TypeCounts>, Option<Cursor>), ViewError> {
    let views = app.recorder.views();
    let page = views.types(query)?;
    let mut types: Vec<_> =
        page.rows.into_iter().map(|counts| wire_counts(counts, &failures)).collect();
    // The last page has the types of which nothing was kept; the catalog bounds how many there are.
    if page.next.is_none() {
        for (event_type, schema_failures) in failures {
            if !views.has_type(&query.workspace_id, &event_type)? {
                types.push(failed_only(event_type, schema_failures));
            }
        }
    }
    Ok((types, page.next))
}

fn wire_counts(counts: TypeCounts, failures: &BTreeMap<String, u64>) -> wire::TypeCounts {
    let dialects = counts.dialects.into_iter();
    wire::TypeCounts {
        schema_failures: failures.get(&counts.event_type).copied().unwrap_or(0),
        event_type: counts.event_type,
        dialects: dialects.map(|(dialect, events)| (dialect, count(events))).collect(),
        events: count(counts.events),
        last_at: Some(time(counts.last_at)),
        last_position: Some(counts.last_position.get()),
        events_last_minute: count(counts.events_last_minute),
        events_last_hour: count(counts.events_last_hour),
    }
}

fn failed_only(event_type: String, schema_failures: u64) -> wire::TypeCounts {
    wire::TypeCounts {
        event_type,
        dialects: BTreeMap::new(),
        events: 0,
        last_at: None,
        last_position: None,
        events_last_minute: 0,
        events_last_hour: 0,
        schema_failures,
    }
}
