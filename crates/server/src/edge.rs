//! What happens to every request before its handler and to every answer after it: a name for the
//! log, the `Host` and `Origin` checks, security headers, counting, one log line.
//!
//! No credential and no query is ever logged.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use annals_api::routes::REQUEST_ID_HEADER;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::accept::LocalIp;
use crate::app::App;
use crate::problem::RefusedFor;

/// The label of requests that no route of the API took.
const OTHER_ROUTE: &str = "other";

static REQUEST_COUNT: AtomicU64 = AtomicU64::new(1);

/// Wraps every request that the router answers.
pub(crate) async fn edge(State(app): State<App>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map_or(OTHER_ROUTE, MatchedPath::as_str);
    let local_ip = request.extensions().get::<LocalIp>().copied();
    around(&app, &CameBy { route, local_ip }, request, |request| next.run(request)).await
}

/// Which way a request came to its handler.
pub(crate) struct CameBy<'a> {
    /// The pattern of its route.
    pub(crate) route: &'a str,
    /// None for a request that came by no connection.
    pub(crate) local_ip: Option<LocalIp>,
}

/// Does what is done around the answer of every request.
pub(crate) async fn around<F: Future<Output = Response>>(
    app: &App,
    came_by: &CameBy<'_>,
    request: Request,
    answer: impl FnOnce(Request) -> F,
) -> Response {
    let began_at = Instant::now();
    let method = request.method().clone();
    let &CameBy { route, local_ip } = came_by;
    let checked = match local_ip {
        Some(LocalIp(ip)) => app.hosts.check(&request, ip),
        // Only a connection of our own accept loop gets here, and those have the address.
        None => Ok(()),
    };
    let mut response = match checked {
        Ok(()) => answer(request).await,
        Err(problem) => problem.into_response(),
    };
    app.metrics.count_request(&method, route, response.status().as_u16());
    let request_id = request_id(app);
    log(&Answered { request_id: &request_id, method: &method, route, began_at }, &response);
    harden(response.headers_mut(), request_id);
    response
}

/// A tag of chance tells processes apart, a count the requests of one.
fn request_id(app: &App) -> HeaderValue {
    let count = REQUEST_COUNT.fetch_add(1, Ordering::Relaxed);
    let text = format!("{:08x}-{count:08x}", app.start_tag);
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("-"))
}

struct Answered<'a> {
    request_id: &'a HeaderValue,
    method: &'a Method,
    route: &'a str,
    began_at: Instant,
}

fn log(answered: &Answered<'_>, response: &Response) {
    let status = response.status().as_u16();
    let reason = response.extensions().get::<RefusedFor>().map_or("", |refused| refused.0.code);
    // Looked at by lines that are written only.
    let micros = || u64::try_from(answered.began_at.elapsed().as_micros()).unwrap_or(u64::MAX);
    let Answered { request_id, method, route, .. } = answered;
    let request_id = request_id.to_str().unwrap_or_default();
    if status >= 500 {
        tracing::warn!(request_id, %method, route, status, reason, micros = micros(), "request failed");
    } else if status >= 400 {
        tracing::info!(request_id, %method, route, status, reason, micros = micros(), "request refused");
    } else {
        tracing::debug!(request_id, %method, route, status, micros = micros(), "request answered");
    }
}

static RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
static REQUEST_ID: HeaderName = HeaderName::from_static(REQUEST_ID_HEADER);

/// Headers that every answer has. The dashboard sets its own policy, which is kept.
fn harden(headers: &mut HeaderMap, request_id: HeaderValue) {
    let fixed = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (RESOURCE_POLICY.clone(), "same-origin"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let closed = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(closed);
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(REQUEST_ID.clone(), request_id);
}
