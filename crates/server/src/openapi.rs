//! The OpenAPI document, made from the handlers, and the route that serves it.
//!
//! `docs/openapi.json` is this document; a test compares them.

use annals_api::{reason, routes, wire};
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, OpenApi};

use crate::app::App;
use crate::auth::{AnyToken, Caller};
use crate::http::{open, v1};
use crate::problem::ApiProblem;
use crate::{asyncapi, metrics, otlp};

/// The API of the server.
#[derive(Debug, OpenApi)]
#[openapi(
    info(title = "Annals", description = "The flight recorder for AI agents: append events, read them, follow them live.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")),
    modifiers(&BearerToken),
    security(("bearer" = [])),
    tags(
        (name = "events", description = "Append and read events."),
        (name = "otlp", description = "OpenTelemetry's protocol over HTTP. The same over gRPC is on the same port."),
        (name = "streams", description = "Streams and live tails."),
        (name = "views", description = "Runs, agents, tool calls and usage, folded from the log."),
        (name = "log", description = "The log as a whole: checkpoints, proofs, tiles, redactions, evidence, segments."),
        (name = "access", description = "Tokens and login."),
        (name = "server", description = "The server itself.")),
    paths(
        open::healthz, open::readyz,
        metrics::metrics, openapi, asyncapi::asyncapi,
        v1::events::append, v1::doors::append, v1::events::list, v1::events::one, v1::cloudevents::append,
        otlp::http::traces, otlp::http::logs, otlp::http::metrics,
        v1::streams::list, v1::streams::one, v1::streams::events, v1::tail::follow,
        v1::runs::list, v1::runs::one, v1::runs::spans,
        v1::agents::list, v1::tool_calls::list, v1::types::list, v1::metric_series::list, v1::usage::sums,
        v1::log::checkpoint, v1::log::key, v1::log::rotate, v1::log::tile,
        v1::log::inclusion, v1::log::consistency, v1::log::status,
        v1::segments::list, v1::segments::bytes,
        v1::redactions::redact, v1::redactions::list, v1::evidence::export,
        v1::status::status, v1::settings::show, v1::settings::change, v1::catalog::catalog, v1::catalog::schema, v1::limits::limits,
        v1::session::open, v1::session::make_code,
        v1::tokens::issue, v1::tokens::list, v1::tokens::revoke),
    components(schemas(annals_api::Problem, wire::StoredRecord, wire::Lagged, wire::KnownTree, wire::ItemProblem)))]
struct ApiDocument;

struct BearerToken;

impl Modify for BearerToken {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        document.components.get_or_insert_default().add_security_scheme("bearer", scheme);
    }
}

/// The OpenAPI document.
#[must_use]
pub fn document() -> utoipa::openapi::OpenApi {
    ApiDocument::openapi()
}

/// The OpenAPI document of this server.
#[utoipa::path(get, path = routes::OPENAPI, operation_id = "getOpenApi", tag = "server",
    responses((status = 200, description = "The document.", body = serde_json::Value)))]
pub(crate) async fn openapi(
    State(_): State<App>,
    _caller: Caller<AnyToken>,
) -> Result<Response, ApiProblem> {
    let text = document().to_json().map_err(|error| {
        tracing::error!(%error, "the OpenAPI document could not be written");
        ApiProblem::new(reason::INTERNAL, "the document could not be written")
    })?;
    Ok(json(text))
}

/// Answers a JSON text.
pub(crate) fn json(text: String) -> Response {
    let mut response = text.into_response();
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
