//! Which handler answers which route.

use annals_api::{reason, routes};
use axum::Router;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::{Method, Uri};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use tower::Service;

use crate::accept::{Answerer, LocalIp};
use crate::app::{App, Routes};
use crate::auth::Caller;
use crate::edge::{CameBy, around, edge};
use crate::http::{open, v1};
use crate::problem::ApiProblem;
use crate::{asyncapi, dashboard, metrics, openapi, otlp};

/// All routes of the API.
pub(crate) fn routes() -> Routes {
    Routes::new()
        .get(routes::HEALTHZ, open::healthz)
        .get(routes::READYZ, open::readyz)
        .get(routes::METRICS, metrics::metrics)
        .get(routes::OPENAPI, openapi::openapi)
        .get(routes::ASYNCAPI, asyncapi::asyncapi)
        .post(routes::EVENTS, v1::events::append)
        .get(routes::EVENTS, v1::events::list)
        .post(routes::CLOUDEVENTS, v1::cloudevents::append)
        .post(routes::DOOR, v1::doors::append)
        .post(routes::OTLP_TRACES, otlp::http::traces)
        .post(routes::OTLP_LOGS, otlp::http::logs)
        .post(routes::OTLP_METRICS, otlp::http::metrics)
        .get(routes::EVENT, v1::events::one)
        .post(routes::EVENT_REDACT, v1::redactions::redact)
        .get(routes::REDACTIONS, v1::redactions::list)
        .get(routes::STREAMS, v1::streams::list)
        .get(routes::STREAM, v1::streams::one)
        .get(routes::STREAM_EVENTS, v1::streams::events)
        .get(routes::TAIL, v1::tail::follow)
        .get(routes::RUNS, v1::runs::list)
        .get(routes::RUN, v1::runs::one)
        .get(routes::RUN_SPANS, v1::runs::spans)
        .get(routes::RUN_EVIDENCE, v1::evidence::export)
        .get(routes::AGENTS, v1::agents::list)
        .get(routes::TOOL_CALLS, v1::tool_calls::list)
        .get(routes::TYPES, v1::types::list)
        .get(routes::OTLP_METRICS, v1::metric_series::list)
        .get(routes::USAGE, v1::usage::sums)
        .get(routes::LOG_CHECKPOINT, v1::log::checkpoint)
        .get(routes::LOG_KEY, v1::log::key)
        .post(routes::LOG_KEY_ROTATE, v1::log::rotate)
        .get(routes::LOG_TILE, v1::log::tile)
        .get(routes::LOG_INCLUSION, v1::log::inclusion)
        .get(routes::LOG_CONSISTENCY, v1::log::consistency)
        .get(routes::LOG_STATUS, v1::log::status)
        .get(routes::LOG_SEGMENTS, v1::segments::list)
        .get(routes::LOG_SEGMENT, v1::segments::bytes)
        .get(routes::STATUS, v1::status::status)
        .get(routes::SETTINGS, v1::settings::show)
        .post(routes::SETTINGS, v1::settings::change)
        .get(routes::CATALOG, v1::catalog::catalog)
        .get(routes::CATALOG_SCHEMA, v1::catalog::schema)
        .get(routes::LIMITS, v1::limits::limits)
        .post(routes::SESSION, v1::session::open)
        .post(routes::SESSION_CODES, v1::session::make_code)
        .post(routes::TOKENS, v1::tokens::issue)
        .get(routes::TOKENS, v1::tokens::list)
        .post(routes::TOKEN_REVOKE, v1::tokens::revoke)
}

/// The methods of gRPC. They are no part of the HTTP API and not in its document.
fn grpc() -> Router<App> {
    Router::new()
        .route(otlp::grpc::EXPORT_TRACES, post(otlp::grpc::traces))
        .route(otlp::grpc::EXPORT_LOGS, post(otlp::grpc::logs))
        .route(otlp::grpc::EXPORT_METRICS, post(otlp::grpc::metrics))
}

/// The router of the addresses that are for OTLP alone: whatever speaks it, and nothing else.
pub(crate) fn otlp_router(app: &App) -> Router {
    Routes::new()
        .post(routes::OTLP_TRACES, otlp::http::traces)
        .post(routes::OTLP_LOGS, otlp::http::logs)
        .post(routes::OTLP_METRICS, otlp::http::metrics)
        .into_router()
        .merge(grpc())
        .method_not_allowed_fallback(method_not_allowed)
        .fallback(no_otlp)
        .layer(from_fn_with_state(app.clone(), edge))
        .with_state(app.clone())
}

/// Answers requests at an address that is for OTLP alone.
#[derive(Debug, Clone)]
pub(crate) struct OtlpFront(pub(crate) Router);

impl Answerer for OtlpFront {
    async fn answer(mut self, mut request: Request, local_ip: LocalIp) -> Response {
        request.extensions_mut().insert(local_ip);
        let Ok(response) = self.0.call(request).await;
        response
    }
}

async fn no_otlp(uri: Uri) -> ApiProblem {
    let detail = format!("{} is no route of OTLP, and this address has no others", uri.path());
    ApiProblem::new(reason::ROUTE_NOT_FOUND, detail)
}

/// The whole router: the API, the dashboard behind it, and what wraps both.
fn router(app: &App) -> Router {
    routes()
        .into_router()
        .merge(grpc())
        .method_not_allowed_fallback(method_not_allowed)
        .fallback(dashboard::fallback)
        .layer(from_fn_with_state(app.clone(), edge))
        .with_state(app.clone())
}

/// Answers requests: the one that nearly all traffic is goes straight to its handler, all others
/// go through the router. Both take the same steps in the same order.
#[derive(Debug, Clone)]
pub(crate) struct Front {
    app: App,
    router: Router,
}

impl Front {
    pub(crate) fn new(app: &App) -> Self {
        Self { app: app.clone(), router: router(app) }
    }
}

impl Answerer for Front {
    async fn answer(mut self, mut request: Request, local_ip: LocalIp) -> Response {
        if *request.method() == Method::POST && request.uri().path() == routes::EVENTS {
            let came_by = CameBy { route: routes::EVENTS, local_ip: Some(local_ip) };
            return around(&self.app, &came_by, request, |request| append(&self.app, request))
                .await;
        }
        request.extensions_mut().insert(local_ip);
        let Ok(response) = self.router.call(request).await;
        response
    }
}

async fn append(app: &App, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    match Caller::from_request_parts(&mut parts, app).await {
        Ok(caller) => {
            let request = Request::from_parts(parts, body);
            v1::events::append(State(app.clone()), caller, request).await.into_response()
        }
        Err(problem) => problem.into_response(),
    }
}

async fn method_not_allowed(method: Method, uri: Uri) -> ApiProblem {
    ApiProblem::new(reason::METHOD_NOT_ALLOWED, format!("{method} is no method of {}", uri.path()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_openapi_document_has_every_route_and_no_other() {
        let served: BTreeSet<_> =
            // A wildcard of the router is a plain parameter of the document.
            routes().table().iter().map(|(method, path)| format!("{method} {path}").replace("{*", "{")).collect();
        let document = serde_json::to_value(openapi::document()).unwrap();
        let mut documented = BTreeSet::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for method in item.as_object().unwrap().keys() {
                documented.insert(format!("{} {path}", method.to_uppercase()));
            }
        }
        assert_eq!(served, documented);
    }
}
