//! OTLP over gRPC: one unary method a signal, on the connections that HTTP has too.
//!
//! A unary call of gRPC is a POST of one framed message over HTTP/2, answered with one framed message and a status in
//! the trailers. The body passes the same door as every other: the same limits, pace and memory.

use annals_api::reason;
use annals_core::dialect::otlp::Signal;
use axum::body::{Body, Bytes};
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Version, header};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use http_body_util::{BodyExt as _, Full};

use super::answer::{self, grpc_code, response};
use super::counts::{Ended, Transport};
use super::http::ended_by;
use super::take::{Export, take};
use crate::app::App;
use crate::auth::{Append, Caller};
use crate::body::{BodyRules, HeldBody, read_body, unpack};
use crate::decode;
use crate::problem::{ApiProblem, RefusedFor};

/// The methods, by the path of their requests.
pub(crate) const EXPORT_TRACES: &str =
    "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
pub(crate) const EXPORT_LOGS: &str = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
pub(crate) const EXPORT_METRICS: &str =
    "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";

const MEDIA_TYPE: &str = "application/grpc";
/// Bytes before a message: whether it is compressed, and its length.
const FRAME_HEAD_BYTES: usize = 5;

static GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
static GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
static GRPC_DETAILS: HeaderName = HeaderName::from_static("grpc-status-details-bin");
static GRPC_ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");
static GRPC_ACCEPT_ENCODING: HeaderName = HeaderName::from_static("grpc-accept-encoding");

pub(crate) async fn traces(State(app): State<App>, request: Request) -> Response {
    export(&app, Signal::Traces, request).await
}

pub(crate) async fn logs(State(app): State<App>, request: Request) -> Response {
    export(&app, Signal::Logs, request).await
}

pub(crate) async fn metrics(State(app): State<App>, request: Request) -> Response {
    export(&app, Signal::Metrics, request).await
}

async fn export(app: &App, signal: Signal, request: Request) -> Response {
    let (ended, response) = match answered(app, signal, request).await {
        Ok(taken) => taken,
        Err(problem) => (ended_by(&problem), refused(&problem)),
    };
    app.metrics.otlp.count_request(signal, Transport::Grpc, ended);
    response
}

async fn answered(
    app: &App,
    signal: Signal,
    request: Request,
) -> Result<(Ended, Response), ApiProblem> {
    let (mut parts, body) = request.into_parts();
    check_protocol(&parts)?;
    let caller = Caller::<Append>::from_request_parts(&mut parts, app).await?;
    let encoding = message_encoding(&parts.headers)?;
    drop(parts);
    // Messages are compressed one by one, the body as a whole is not.
    let framed = read_body(&HeaderMap::new(), body, &app.bodies.framed(FRAME_HEAD_BYTES)).await?;
    let held = message(framed, encoding, &app.bodies)?;
    let export =
        Export { principal: caller.principal, signal, encoding: answer::Encoding::Protobuf, held };
    let outcome = take(app, export).await?;
    let ended = if outcome.rejected > 0 { Ended::Partial } else { Ended::Taken };
    Ok((ended, taken(&response(signal, &outcome, answer::Encoding::Protobuf))))
}

/// Whether the request can be answered as gRPC at all: the status goes in trailers, which HTTP/1 clients do not see.
fn check_protocol(parts: &Parts) -> Result<(), ApiProblem> {
    let given = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let given = given.unwrap_or_default();
    let subtype = given.strip_prefix(MEDIA_TYPE).map(|rest| rest.split(';').next().unwrap_or(rest));
    if parts.version != Version::HTTP_2 || !matches!(subtype, Some("" | "+proto")) {
        let detail = "this is a method of gRPC: it takes application/grpc over HTTP/2";
        return Err(ApiProblem::new(reason::UNSUPPORTED_MEDIA_TYPE, detail)
            .with("supported", vec![MEDIA_TYPE]));
    }
    Ok(())
}

fn message_encoding(headers: &HeaderMap) -> Result<Option<decode::Encoding>, ApiProblem> {
    let given = headers.get(&GRPC_ENCODING).map(|value| value.to_str().unwrap_or_default());
    match given {
        None | Some("identity") => Ok(None),
        Some("gzip") => Ok(Some(decode::Encoding::Gzip)),
        Some("zstd") => Ok(Some(decode::Encoding::Zstd)),
        Some(other) => {
            let detail =
                format!("the server does not undo `{other}`; send messages plain, gzip or zstd");
            Err(ApiProblem::new(reason::UNSUPPORTED_ENCODING, detail)
                .with("supported", vec!["gzip", "zstd"]))
        }
    }
}

/// The one message of a body.
fn message(
    framed: HeldBody,
    encoding: Option<decode::Encoding>,
    rules: &BodyRules,
) -> Result<HeldBody, ApiProblem> {
    let HeldBody { bytes, share } = framed;
    let wrong = |problem: &str| {
        ApiProblem::new(reason::INVALID_BODY, format!("the call is no single message: {problem}"))
    };
    let Some((head, _)) = bytes.split_first_chunk::<FRAME_HEAD_BYTES>() else {
        return Err(wrong("it ends before the message begins"));
    };
    let [is_packed, length @ ..] = *head;
    let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
    let message = bytes.slice(FRAME_HEAD_BYTES..);
    if message.len() != length {
        return Err(wrong("its length is not as announced"));
    }
    let held = HeldBody { bytes: message, share };
    match (is_packed, encoding) {
        (0, _) => Ok(held),
        (1, Some(encoding)) => unpack(held, encoding, rules),
        (1, None) => Err(wrong("it is compressed, and `grpc-encoding` does not say how")),
        _ => Err(wrong("its first byte is neither 0 nor 1")),
    }
}

/// A call that ended well: one message, then the status.
fn taken(message: &[u8]) -> Response {
    let mut framed = Vec::with_capacity(FRAME_HEAD_BYTES + message.len());
    framed.push(0);
    // An answer is a few hundred bytes.
    framed.extend(u32::try_from(message.len()).unwrap_or(u32::MAX).to_be_bytes());
    framed.extend_from_slice(message);
    let mut trailers = HeaderMap::new();
    trailers.insert(GRPC_STATUS.clone(), HeaderValue::from(0_u16));
    let body = Full::new(Bytes::from(framed));
    with_head(Body::new(body.with_trailers(std::future::ready(Some(Ok(trailers))))))
}

fn with_head(body: Body) -> Response {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    headers.insert(GRPC_ACCEPT_ENCODING.clone(), HeaderValue::from_static("identity,gzip,zstd"));
    response
}

/// A call that failed: the status goes with the head, and there is no message.
fn refused(problem: &ApiProblem) -> Response {
    let mut response = with_head(Body::empty());
    let headers = response.headers_mut();
    headers.insert(GRPC_STATUS.clone(), HeaderValue::from(u16::from(grpc_code(problem.reason()))));
    let details = answer::status(problem, answer::Encoding::Protobuf);
    for (name, text) in [
        (&GRPC_MESSAGE, percent_encoded(problem.detail())),
        (&GRPC_DETAILS, STANDARD_NO_PAD.encode(details)),
    ] {
        if let Ok(value) = HeaderValue::try_from(text) {
            headers.insert(name.clone(), value);
        }
    }
    response.extensions_mut().insert(RefusedFor(problem.reason()));
    response
}

/// A text as `grpc-message` has it.
fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'%' | 0..b' ' | 0x7f.. => {
                encoded.push('%');
                for digit in [byte >> 4, byte & 15] {
                    encoded.push(char::from(b"0123456789ABCDEF"[usize::from(digit)]));
                }
            }
            byte => encoded.push(char::from(byte)),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::BodyBudget;

    #[test]
    fn a_status_text_is_percent_encoded() {
        assert_eq!(percent_encoded("a b%\n\u{e9}~"), "a b%25%0A%C3%A9~");
    }

    #[test]
    fn a_call_is_one_message_of_the_announced_length() {
        let rules = BodyRules::new(BodyBudget::new(1 << 20), std::time::Duration::from_secs(1));
        let of = |bytes: &[u8]| {
            let held =
                HeldBody { bytes: Bytes::copy_from_slice(bytes), share: rules.budget.share() };
            let read = message(held, None, &rules);
            read.map(|held| held.bytes.to_vec()).map_err(|problem| problem.reason().code)
        };
        assert_eq!(of(&[0, 0, 0, 0, 2, 7, 8]), Ok(vec![7, 8]));
        assert_eq!(of(&[0, 0, 0, 0, 0]), Ok(vec![]));
        for wrong in [
            &[][..],
            &[0, 0, 0, 0],
            &[0, 0, 0, 0, 1],
            &[0, 0, 0, 0, 1, 7, 8],
            &[1, 0, 0, 0, 0],
            &[2, 0, 0, 0, 0],
        ] {
            assert_eq!(of(wrong), Err("invalid_body"), "{wrong:?}");
        }
    }
}
