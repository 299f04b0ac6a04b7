//! Redactions: an event's body is erased, and what was erased is listed.

use annals_api::{routes, wire};
use annals_core::id::{EventId, IdError, Position, RunId, WorkspaceId};
use annals_recorder::redaction::{RedactRequest, RedactedEvent, RedactionReceipt, RedactionsQuery};
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;

use super::tokens::read_json;
use crate::answer::{ListEnd, ListWriter};
use crate::app::App;
use crate::auth::{Caller, Operate, Read};
use crate::cursor;
use crate::negotiate::{LIST_FORMS, choose};
use crate::params::{Params, PathParams, invalid};
use crate::problem::ApiProblem;
use crate::refusals::{read_problem, redact_problem};
use crate::work::blocking;

/// Erase an event's body, salt and everything made of them. Answers when they are in no file.
///
/// Place, hash and proofs of the event stay valid. Backups and evidence files made before keep
/// what they hold.
#[utoipa::path(post, path = routes::EVENT_REDACT, operation_id = "redactEvent", tag = "log",
    params(("event_id" = String, Path, description = "The event's id.")),
    request_body = wire::RedactRequest,
    responses(
        (status = 200, description = "The body is gone.", body = wire::RedactionReceipt),
        (status = 400, description = "The body of the request is wrong.", body = annals_api::Problem),
        (status = 403, description = "The token may not administer.", body = annals_api::Problem),
        (status = 404, description = "There is no such event.", body = annals_api::Problem),
        (status = 409, description = "The event cannot be redacted.", body = annals_api::Problem)))]
pub(crate) async fn redact(
    State(app): State<App>,
    caller: Caller<Operate>,
    PathParams(event_id): PathParams<String>,
    headers: HeaderMap,
    uri: Uri,
    body: Body,
) -> Result<Json<wire::RedactionReceipt>, ApiProblem> {
    Params::read(&uri, &[])?;
    let event_id =
        EventId::parse(&event_id).map_err(|error: IdError| invalid("event_id", error))?;
    let request: wire::RedactRequest = read_json(&app, &headers, body).await?;
    let workspace_id = request.workspace_id.as_deref().map(WorkspaceId::parse).transpose();
    let request = RedactRequest {
        workspace_id: workspace_id.map_err(|error| invalid("workspace_id", error))?,
        event_id,
        reason: request.reason,
        replacement: request.replacement.map(|json| json.get().to_owned()),
    };
    let receipt = app.recorder.redact(caller.principal, request).await;
    receipt.map(|receipt| Json(wire_receipt(&receipt))).map_err(|refusal| redact_problem(&refusal))
}

fn wire_receipt(receipt: &RedactionReceipt) -> wire::RedactionReceipt {
    wire::RedactionReceipt {
        event_id: receipt.event_id.to_string(),
        position: receipt.position.get(),
        redacted_at: receipt.redacted_at.to_string(),
        redaction_event_id: receipt.redaction_event_id.to_string(),
        redaction_position: receipt.redaction_position.get(),
        cut_files_removed: receipt.cut_files_removed,
        replayed: receipt.replayed,
    }
}

/// List the redactions of the workspace or of one run, newest first.
#[utoipa::path(get, path = routes::REDACTIONS, operation_id = "listRedactions", tag = "log",
    params(
        ("run_id" = Option<String>, Query, description = "Only redactions of this run's events."),
        ("limit" = Option<u32>, Query, description = "1 to 1,000; 100 when absent."),
        ("cursor" = Option<String>, Query, description = "`next` of the page before.")),
    responses(
        (status = 200, description = "A page of redactions.", body = wire::RedactionsPage),
        (status = 400, description = "A parameter is wrong.", body = annals_api::Problem)))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller<Read>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, ApiProblem> {
    let form = choose(&headers, LIST_FORMS)?;
    let params = Params::read(&uri, &["run_id", "limit", "cursor"])?;
    let workspace_id = caller.principal.workspace_id.clone();
    let question = params.question(routes::REDACTIONS, workspace_id.as_str());
    let place = params.one("cursor")?.map(|text| cursor::decode(text, &question)).transpose()?;
    // The log may know the run by a pseudonym.
    let run_id = params.one("run_id")?.map(|text| app.recorder.secrets().id(text));
    let run_id = run_id.map(|text| RunId::parse(&text)).transpose();
    let query = RedactionsQuery {
        workspace_id,
        run_id: run_id.map_err(|error| invalid("run_id", error))?,
        before: place.map(|place| Position(place.major)),
        count_max: params.limit()?,
    };
    let (page, as_of) = blocking(move || {
        let page = app.recorder.redactions(&query);
        Ok((page.map_err(|failure| read_problem(&failure))?, app.recorder.head().position.get()))
    })
    .await?;
    let mut list = ListWriter::new(form, "redactions");
    for redacted in &page.redactions {
        list.value(&wire_info(redacted));
    }
    let next = page.next.map(|place| cursor::encode(place.get(), &question));
    Ok(list.finish(&ListEnd { next, as_of, stale: None }))
}

fn wire_info(redacted: &RedactedEvent) -> wire::RedactionInfo {
    let header = redacted.event.header();
    let mark = &redacted.redaction.mark;
    wire::RedactionInfo {
        event_id: redacted.redaction.event_id.to_string(),
        position: redacted.redaction.position.get(),
        event_type: header.event_type.to_owned(),
        stream: wire::StreamName {
            stream_type: header.stream_type.to_owned(),
            stream_id: header.stream_id.to_owned(),
        },
        reason: mark.reason.clone(),
        redacted_by: mark.redacted_by.to_string(),
        redacted_at: mark.redacted_at.to_string(),
        redaction_event_id: mark.redaction_event_id.to_string(),
    }
}
