//! What OTLP answers: the `Export…ServiceResponse` with its partial success, and `google.rpc.Status` for a request of
//! which nothing was taken; both in the request's encoding.
//!
//! It does not decide what is refused. INVARIANT (retry is said): an answer that a sender may repeat the request
//! after has a status for which OTLP lets it do so, and no other answer has one.

use annals_api::reason::Reason;
use annals_core::dialect::otlp::Signal;
use axum::http::StatusCode;
use serde_json::json;

use super::wire::{put_bytes, put_number};
use crate::problem::ApiProblem;

/// Seconds after which a sender that was told to wait should come back.
pub(super) const RETRY_AFTER_SECONDS: u64 = 1;
const RETRY_INFO: &str = "type.googleapis.com/google.rpc.RetryInfo";
const ERROR_INFO: &str = "type.googleapis.com/google.rpc.ErrorInfo";
/// Who the reasons are of, as `ErrorInfo` wants to know.
const DOMAIN: &str = "annals";

/// How a request is written, and so its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Protobuf,
    Json,
}

impl Encoding {
    pub(super) const fn media_type(self) -> &'static str {
        match self {
            Self::Protobuf => "application/x-protobuf",
            Self::Json => "application/json",
        }
    }
}

/// What became of a request of which something was taken, or which was empty.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Outcome {
    /// Items that were refused.
    pub(super) rejected: u64,
    /// Why, or a warning; empty when there is nothing to say.
    pub(super) message: String,
}

/// The response message of a request that was taken.
pub(super) fn response(signal: Signal, outcome: &Outcome, encoding: Encoding) -> Vec<u8> {
    let is_whole = *outcome == Outcome::default();
    match encoding {
        Encoding::Protobuf if is_whole => Vec::new(),
        Encoding::Protobuf => {
            let mut partial = Vec::new();
            put_number(&mut partial, 1, outcome.rejected);
            if !outcome.message.is_empty() {
                put_bytes(&mut partial, 2, outcome.message.as_bytes());
            }
            let mut response = Vec::new();
            put_bytes(&mut response, 1, &partial);
            response
        }
        Encoding::Json if is_whole => b"{}".to_vec(),
        Encoding::Json => {
            let mut partial = serde_json::Map::new();
            if outcome.rejected > 0 {
                let name = match signal {
                    Signal::Traces => "rejectedSpans",
                    Signal::Logs => "rejectedLogRecords",
                    Signal::Metrics => "rejectedDataPoints",
                };
                partial.insert(name.to_owned(), outcome.rejected.to_string().into());
            }
            partial.insert("errorMessage".to_owned(), outcome.message.as_str().into());
            json!({ "partialSuccess": partial }).to_string().into_bytes()
        }
    }
}

/// The code of gRPC for a reason.
///
/// `RESOURCE_EXHAUSTED` is for no reason here: senders repeat what was answered so.
pub(super) fn grpc_code(reason: &Reason) -> u8 {
    const INVALID_ARGUMENT: u8 = 3;
    const PERMISSION_DENIED: u8 = 7;
    const UNIMPLEMENTED: u8 = 12;
    const INTERNAL: u8 = 13;
    const UNAVAILABLE: u8 = 14;
    const UNAUTHENTICATED: u8 = 16;
    match reason.status {
        _ if reason.retryable => UNAVAILABLE,
        401 => UNAUTHENTICATED,
        403 => PERMISSION_DENIED,
        404 | 405 => UNIMPLEMENTED,
        500.. => INTERNAL,
        _ => INVALID_ARGUMENT,
    }
}

/// The status of HTTP for a reason. OTLP lets senders repeat after 429, 502, 503 and 504 only, so whatever may be
/// repeated is a 503: a full disk and a slow body, too.
pub(super) fn http_status(reason: &Reason) -> StatusCode {
    let status = match reason.status {
        429 => 429,
        _ if reason.retryable => 503,
        422 | 409 => 400,
        status => status,
    };
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// The `google.rpc.Status` of a refused request. Its `ErrorInfo` has the reason code and the details that a problem
/// document would have.
pub(super) fn status(problem: &ApiProblem, encoding: Encoding) -> Vec<u8> {
    match encoding {
        Encoding::Protobuf => protobuf_status(problem),
        Encoding::Json => json_status(problem),
    }
}

/// A detail as a text: `ErrorInfo` holds no other values.
fn details(problem: &ApiProblem) -> impl Iterator<Item = (&str, String)> {
    problem.details().iter().map(|(name, value)| {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        (name.as_str(), text)
    })
}

fn json_status(problem: &ApiProblem) -> Vec<u8> {
    let reason = problem.reason();
    let metadata: serde_json::Map<_, _> =
        details(problem).map(|(name, value)| (name.to_owned(), value.into())).collect();
    let mut parts = vec![
        json!({ "@type": ERROR_INFO, "reason": reason.code, "domain": DOMAIN, "metadata": metadata }),
    ];
    if reason.retryable {
        parts.push(json!({ "@type": RETRY_INFO, "retryDelay": format!("{RETRY_AFTER_SECONDS}s") }));
    }
    let status =
        json!({ "code": grpc_code(reason), "message": problem.detail(), "details": parts });
    status.to_string().into_bytes()
}

fn protobuf_status(problem: &ApiProblem) -> Vec<u8> {
    let reason = problem.reason();
    let mut info = Vec::new();
    put_bytes(&mut info, 1, reason.code.as_bytes());
    put_bytes(&mut info, 2, DOMAIN.as_bytes());
    for (name, value) in details(problem) {
        let mut entry = Vec::new();
        put_bytes(&mut entry, 1, name.as_bytes());
        put_bytes(&mut entry, 2, value.as_bytes());
        put_bytes(&mut info, 3, &entry);
    }
    let mut status = Vec::new();
    put_number(&mut status, 1, grpc_code(reason).into());
    put_bytes(&mut status, 2, problem.detail().as_bytes());
    put_bytes(&mut status, 3, &any(ERROR_INFO, &info));
    if reason.retryable {
        let mut duration = Vec::new();
        put_number(&mut duration, 1, RETRY_AFTER_SECONDS);
        let mut retry = Vec::new();
        put_bytes(&mut retry, 1, &duration);
        put_bytes(&mut status, 3, &any(RETRY_INFO, &retry));
    }
    status
}

fn any(type_url: &str, value: &[u8]) -> Vec<u8> {
    let mut any = Vec::new();
    put_bytes(&mut any, 1, type_url.as_bytes());
    put_bytes(&mut any, 2, value);
    any
}

#[cfg(test)]
mod tests {
    use annals_api::reason;
    use serde_json::Value;

    use super::*;

    #[test]
    fn a_whole_success_says_nothing_and_a_partial_one_says_what_is_missing() {
        let whole = Outcome::default();
        assert_eq!(response(Signal::Traces, &whole, Encoding::Json), b"{}");
        assert!(response(Signal::Traces, &whole, Encoding::Protobuf).is_empty());
        let partial = Outcome { rejected: 300, message: "no".to_owned() };
        for (signal, name) in [
            (Signal::Traces, "rejectedSpans"),
            (Signal::Logs, "rejectedLogRecords"),
            (Signal::Metrics, "rejectedDataPoints"),
        ] {
            let text = String::from_utf8(response(signal, &partial, Encoding::Json)).unwrap();
            let expected = json!({"partialSuccess": {name: "300", "errorMessage": "no"}});
            assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), expected);
            let bytes = response(signal, &partial, Encoding::Protobuf);
            assert_eq!(bytes, [10, 7, 8, 0xac, 2, 18, 2, b'n', b'o']);
        }
        let warning = Outcome { rejected: 0, message: "w".to_owned() };
        assert_eq!(response(Signal::Logs, &warning, Encoding::Protobuf), [10, 3, 18, 1, b'w']);
    }

    /// OTLP's list of what a sender repeats is the whole of it: 429, 502, 503, 504.
    #[test]
    fn a_sender_repeats_exactly_what_may_be_repeated() {
        for reason in reason::ALL {
            let repeats = [429, 502, 503, 504].contains(&http_status(reason).as_u16());
            assert_eq!(repeats, reason.retryable, "{}", reason.code);
            assert_eq!(grpc_code(reason) == 14, reason.retryable, "{}", reason.code);
        }
        assert_eq!(http_status(reason::STORAGE_FULL), 503);
        assert_eq!(http_status(reason::BATCH_REJECTED), 400);
        assert_eq!(grpc_code(reason::UNAUTHORIZED), 16);
        assert_eq!(grpc_code(reason::FORBIDDEN), 7);
        assert_eq!(grpc_code(reason::PAYLOAD_TOO_LARGE), 3);
    }

    #[test]
    fn a_status_names_its_reason_in_both_encodings() {
        let problem = ApiProblem::new(reason::OVERLOADED, "busy").with("n", 7);
        let text = String::from_utf8(status(&problem, Encoding::Json)).unwrap();
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&value["code"], &value["message"]), (&json!(14), &json!("busy")));
        assert_eq!(value["details"][0]["reason"], "overloaded");
        assert_eq!(value["details"][0]["metadata"]["n"], "7");
        assert_eq!(value["details"][1]["retryDelay"], "1s");
        let bytes = status(&problem, Encoding::Protobuf);
        assert_eq!(bytes[..8], [8, 14, 18, 4, b'b', b'u', b's', b'y']);
        for part in [ERROR_INFO, RETRY_INFO, "overloaded", DOMAIN] {
            assert!(memchr::memmem::find(&bytes, part.as_bytes()).is_some(), "{part}");
        }
    }
}
