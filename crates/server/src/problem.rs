//! A refusal on its way out: a reason, what is wrong this time, and the answer made of them.
//!
//! Which domain refusal gets which reason is in `refusals`.

use annals_api::reason::Reason;
use annals_api::{PROBLEM_MEDIA_TYPE, Problem};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value};

/// Seconds after which a client that was told to wait should come back.
const RETRY_AFTER_SECONDS: &str = "1";

/// Why a request is refused.
#[derive(Debug, Clone)]
pub(crate) struct ApiProblem(Box<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    reason: &'static Reason,
    detail: String,
    details: Map<String, Value>,
    header: Option<(HeaderName, HeaderValue)>,
}

impl ApiProblem {
    pub(crate) fn new(reason: &'static Reason, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self(Box::new(Inner { reason, detail, details: Map::new(), header: None }))
    }

    /// Adds a fact for programs.
    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.details.insert(name.to_owned(), value.into());
        self
    }

    /// Adds a response header.
    pub(crate) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.header = Some((name, value));
        self
    }

    pub(crate) fn reason(&self) -> &'static Reason {
        self.0.reason
    }

    pub(crate) fn detail(&self) -> &str {
        &self.0.detail
    }

    pub(crate) fn details(&self) -> &Map<String, Value> {
        &self.0.details
    }

    pub(crate) fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.0.reason.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The document that the client gets.
    pub(crate) fn document(&self) -> Problem {
        Problem { details: self.0.details.clone(), ..Problem::new(self.0.reason, self.detail()) }
    }
}

/// The reason of a refusal, left on the response for the log and the metrics.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RefusedFor(pub(crate) &'static Reason);

impl IntoResponse for ApiProblem {
    fn into_response(self) -> Response {
        let text = serde_json::to_string(&self.document()).unwrap_or_default();
        problem_response(self.status(), self.0.reason, text, self.0.header)
    }
}

/// Makes the answer of a problem document, with the headers that its status asks for.
pub(crate) fn problem_response(
    status: StatusCode,
    reason: &'static Reason,
    text: String,
    extra: Option<(HeaderName, HeaderValue)>,
) -> Response {
    let mut response = (status, text).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_MEDIA_TYPE));
    match status {
        StatusCode::UNAUTHORIZED => {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_SECONDS));
        }
        _ => {}
    }
    if let Some((name, value)) = extra {
        headers.insert(name, value);
    }
    response.extensions_mut().insert(RefusedFor(reason));
    response
}
