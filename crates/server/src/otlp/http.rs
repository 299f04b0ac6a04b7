//! OTLP over HTTP: `POST /v1/traces`, `/v1/logs` and `/v1/metrics`, in protobuf and in JSON.
//!
//! Every answer is in the request's encoding, refusals too; where the encoding is none that is known here, refusals are
//! problem documents.

use annals_api::{reason, routes};
use annals_core::dialect::otlp::Signal;
use axum::body::Body;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::answer::{Encoding, RETRY_AFTER_SECONDS, http_status, response, status};
use super::counts::{Ended, Transport};
use super::take::{Export, take};
use crate::app::App;
use crate::auth::{Append, Caller};
use crate::body::read_body;
use crate::params::Params;
use crate::problem::{ApiProblem, RefusedFor};

/// Take in spans.
///
/// OTLP/HTTP: an `ExportTraceServiceRequest` in protobuf or JSON, plain, gzip or zstd. The answer is OTLP's, in the same
/// encoding: spans that are refused are counted in its partial success, everything else is stored and synced. A span
/// that comes again is stored once.
#[utoipa::path(post, path = routes::OTLP_TRACES, operation_id = "exportTraces", tag = "otlp",
    request_body(description = "An `ExportTraceServiceRequest`.",
        content((Vec<u8> = "application/x-protobuf"), (serde_json::Value = "application/json"))),
    responses(
        (status = 200, description = "An `ExportTraceServiceResponse`; all that it does not count as rejected is stored.", content(
            (Vec<u8> = "application/x-protobuf"), (serde_json::Value = "application/json"))),
        (status = 400, description = "The request is malformed, or every span is refused: a `google.rpc.Status`."),
        (status = 401, description = "There is no valid token: a `google.rpc.Status`."),
        (status = 403, description = "The token may not append: a `google.rpc.Status`."),
        (status = 413, description = "The request is too large: a `google.rpc.Status`."),
        (status = 415, description = "The body's form is not known.", body = annals_api::Problem),
        (status = 503, description = "Nothing is answered as taken, and the request may be sent again: too busy, too slow, stopping, or the disk is full: a `google.rpc.Status`.")))]
pub(crate) async fn traces(State(app): State<App>, request: Request) -> Response {
    export(&app, Signal::Traces, request).await
}

/// Take in log records.
///
/// OTLP/HTTP: an `ExportLogsServiceRequest` in protobuf or JSON; otherwise as for spans.
#[utoipa::path(post, path = routes::OTLP_LOGS, operation_id = "exportLogs", tag = "otlp",
    request_body(description = "An `ExportLogsServiceRequest`.",
        content((Vec<u8> = "application/x-protobuf"), (serde_json::Value = "application/json"))),
    responses(
        (status = 200, description = "An `ExportLogsServiceResponse`; all that it does not count as rejected is stored.", content(
            (Vec<u8> = "application/x-protobuf"), (serde_json::Value = "application/json"))),
        (status = 400, description = "The request is malformed, or every log record is refused: a `google.rpc.Status`."),
        (status = 401, description = "There is no valid token: a `google.rpc.Status`."),
        (status = 403, description = "The token may not append: a `google.rpc.Status`."),
        (status = 413, description = "The request is too large: a `google.rpc.Status`."),
        (status = 415, description = "The body's form is not known.", body = annals_api::Problem),
        (status = 503, description = "Nothing is answered as taken, and the request may be sent again: a `google.rpc.Status`.")))]
pub(crate) async fn logs(State(app): State<App>, request: Request) -> Response {
    export(&app, Signal::Logs, request).await
}

/// Take in metric data points.
///
/// OTLP/HTTP: an `ExportMetricsServiceRequest` in protobuf or JSON; otherwise as for spans.
#[utoipa::path(post, path = routes::OTLP_METRICS, operation_id = "exportMetrics", tag = "otlp",
    request_body(description = "An `ExportMetricsServiceRequest`.",
        content((Vec<u8> = "application/x-protobuf"), (serde_json::Value = "application/json"))),
    responses(
        (status = 200, description = "An `ExportMetricsServiceResponse`; all that it does not count as rejected is stored.", content(
            (Vec<u8> = "application/x-protobuf"), (serde_json::Value = "application/json"))),
        (status = 400, description = "The request is malformed, or every data point is refused: a `google.rpc.Status`."),
        (status = 401, description = "There is no valid token: a `google.rpc.Status`."),
        (status = 403, description = "The token may not append: a `google.rpc.Status`."),
        (status = 413, description = "The request is too large: a `google.rpc.Status`."),
        (status = 415, description = "The body's form is not known.", body = annals_api::Problem),
        (status = 503, description = "Nothing is answered as taken, and the request may be sent again: a `google.rpc.Status`.")))]
pub(crate) async fn metrics(State(app): State<App>, request: Request) -> Response {
    export(&app, Signal::Metrics, request).await
}

async fn export(app: &App, signal: Signal, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    let caller = Caller::<Append>::from_request_parts(&mut parts, app).await;
    let (ended, response) = match (caller, encoding(&parts.headers)) {
        (Ok(caller), Ok(encoding)) => {
            match answered(app, signal, encoding, (parts, body), caller).await {
                Ok((ended, response)) => (ended, response),
                Err(problem) => (ended_by(&problem), refused(&problem, encoding)),
            }
        }
        (Err(problem), Ok(encoding)) => (Ended::Refused, refused(&problem, encoding)),
        (Err(problem), Err(_)) | (Ok(_), Err(problem)) => (Ended::Refused, problem.into_response()),
    };
    app.metrics.otlp.count_request(signal, Transport::Http, ended);
    response
}

async fn answered(
    app: &App,
    signal: Signal,
    encoding: Encoding,
    (Parts { headers, uri, .. }, body): (Parts, Body),
    caller: Caller<Append>,
) -> Result<(Ended, Response), ApiProblem> {
    Params::read(&uri, &[])?;
    let held = read_body(&headers, body, &app.bodies).await?;
    drop((headers, uri));
    let export = Export { principal: caller.principal, signal, encoding, held };
    let outcome = take(app, export).await?;
    let ended = if outcome.rejected > 0 { Ended::Partial } else { Ended::Taken };
    Ok((ended, shown(StatusCode::OK, response(signal, &outcome, encoding), encoding)))
}

/// How a refused request is counted.
pub(super) fn ended_by(problem: &ApiProblem) -> Ended {
    if problem.reason().retryable { Ended::Retry } else { Ended::Refused }
}

/// How the request is written. Parameters such as a charset change nothing.
fn encoding(headers: &HeaderMap) -> Result<Encoding, ApiProblem> {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media_type = given.and_then(|text| text.split(';').next()).unwrap_or_default().trim();
    match media_type.to_ascii_lowercase().as_str() {
        "application/x-protobuf" | "application/protobuf" => Ok(Encoding::Protobuf),
        "application/json" => Ok(Encoding::Json),
        _ => {
            let supported = vec![Encoding::Protobuf.media_type(), Encoding::Json.media_type()];
            let given =
                if media_type.is_empty() { "a body without a Content-Type" } else { media_type };
            let detail =
                format!("the route does not take {given}; send {}", supported.join(" or "));
            Err(ApiProblem::new(reason::UNSUPPORTED_MEDIA_TYPE, detail)
                .with("supported", supported))
        }
    }
}

fn shown(status: StatusCode, body: Vec<u8>, encoding: Encoding) -> Response {
    let mut response = (status, body).into_response();
    let media_type = HeaderValue::from_static(encoding.media_type());
    response.headers_mut().insert(header::CONTENT_TYPE, media_type);
    response
}

fn refused(problem: &ApiProblem, encoding: Encoding) -> Response {
    let code = http_status(problem.reason());
    let mut response = shown(code, status(problem, encoding), encoding);
    let headers = response.headers_mut();
    if problem.reason().retryable {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER_SECONDS));
    }
    if code == StatusCode::UNAUTHORIZED {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response.extensions_mut().insert(RefusedFor(problem.reason()));
    response
}
