//! `POST /v1/doors/{dialect}`: the doors of foreign formats that are posted as JSON documents.
//!
//! What comes in is translated and then kept like any other event, as a report: no door can make a
//! decision of the server. Bodies, limits and answers are those of `POST /v1/events`.

use std::sync::Arc;

use annals_api::routes;
use annals_core::dialect::{ForeignReader, readers};
use annals_recorder::request::Door;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::response::Response;

use super::events::{AppendHow, atomicity, take_in};
use crate::app::App;
use crate::auth::{Append, Caller};
use crate::negotiate::body_format;
use crate::params::{Params, PathParams, invalid};
use crate::problem::ApiProblem;

/// Append documents of a foreign format.
///
/// `dialect` is `hive`, `kernel`, `agentos`, `envelope` or `hooks`. The body is one document, an array of
/// them, an object with `events` (for hive with `batch_id`, `batch_timestamp` and `event_count`
/// beside it), or NDJSON; hive is usually sent as MessagePack. The answers are those of
/// `POST /v1/events`. Facts that only the server decides are kept as reports and decide nothing.
/// `GET /v1/events?dialect=` gives each document back as it came.
#[utoipa::path(post, path = routes::DOOR, operation_id = "appendForeign", tag = "events",
    params(
        ("dialect" = String, Path, description = "The foreign format: `hive`, `kernel`, `agentos`, `envelope` or `hooks`."),
        ("atomic" = Option<bool>, Query, description = "All documents of the batch or none."),
        ("traceparent" = Option<String>, Header, description = "W3C trace context; its trace id becomes the correlation of events without one.")),
    request_body(description = "One document, an array of documents, or an object with `events`.",
        content(
            (serde_json::Value = "application/json"),
            (String = "application/x-ndjson"),
            (Vec<u8> = "application/msgpack"))),
    responses(
        (status = 200, description = "The batch's results, or the first receipt of a replayed event.", body = annals_api::wire::BatchAnswer),
        (status = 201, description = "The receipt of one event.", body = annals_api::wire::Receipt),
        (status = 400, description = "The body is malformed, or the dialect is none.", body = annals_api::Problem),
        (status = 403, description = "The token may not append this.", body = annals_api::Problem),
        (status = 408, description = "The body came too slowly.", body = annals_api::Problem),
        (status = 409, description = "An identity is not as expected.", body = annals_api::Problem),
        (status = 413, description = "The body is too large.", body = annals_api::Problem),
        (status = 415, description = "The body's form is not known.", body = annals_api::Problem),
        (status = 422, description = "The document, or every document of the batch, is refused.", body = annals_api::wire::BatchRejected),
        (status = 503, description = "The server is too busy.", body = annals_api::Problem),
        (status = 507, description = "The disk is full.", body = annals_api::Problem)))]
pub(crate) async fn append(
    State(app): State<App>,
    caller: Caller<Append>,
    PathParams(dialect): PathParams<String>,
    request: Request,
) -> Result<Response, ApiProblem> {
    let reader = reader(&dialect)?;
    let (Parts { headers, uri, .. }, body) = request.into_parts();
    let params = Params::read(&uri, &["atomic"])?;
    let how = AppendHow {
        door: Door::Foreign(reader),
        format: body_format(&headers)?,
        atomicity: atomicity(&params)?,
        expected_seq: None,
    };
    take_in(&app, caller.principal, how, headers, body).await
}

fn reader(dialect: &str) -> Result<Arc<dyn ForeignReader>, ApiProblem> {
    let named = |reader: &&Arc<dyn ForeignReader>| reader.dialect().as_str() == dialect;
    let found = readers().iter().find(named);
    let found = found.map(|reader| reader.for_request().unwrap_or_else(|| Arc::clone(reader)));
    found.ok_or_else(|| {
        let known: Vec<_> = readers().iter().map(|reader| reader.dialect().as_str()).collect();
        invalid("dialect", format!("there are doors for {}", known.join(", ")))
    })
}
