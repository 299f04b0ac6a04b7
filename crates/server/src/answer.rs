//! Writing answers: documents, and lists in the form that the client accepts.
//!
//! Lists are written straight into one text, without a tree of values in between.

use std::fmt::Write as _;

use annals_api::reason;
use annals_api::routes::{AS_OF_HEADER, NEXT_HEADER};
use annals_core::json::string_into;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::Response;
use serde::Serialize;

use crate::negotiate::Form;
use crate::problem::ApiProblem;

/// Headers that an answer has when it is sent, and some room.
const HEADER_COUNT: usize = 12;

/// Answers one document.
pub(crate) fn document<T: Serialize>(form: Form, value: &T) -> Result<Response, ApiProblem> {
    let text = serde_json::to_string(value).map_err(|error| {
        tracing::error!(%error, "an answer could not be written");
        ApiProblem::new(reason::INTERNAL, "the answer could not be written")
    })?;
    Ok(json_text(form, text))
}

/// Answers a JSON text, or the same as MessagePack.
pub(crate) fn json_text(form: Form, text: String) -> Response {
    let body = match form {
        Form::Msgpack => Body::from(annals_core::msgpack::from_json(&text)),
        Form::Json
        | Form::Ndjson
        | Form::EventStream
        | Form::CloudEvent
        | Form::CloudEventBatch
        | Form::PrometheusText
        | Form::OpenMetrics => Body::from(text),
    };
    let mut headers = HeaderMap::with_capacity(HEADER_COUNT);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(form.media_type()));
    let mut response = Response::new(body);
    *response.headers_mut() = headers;
    response
}

/// How a list ends.
#[derive(Debug, Clone, Default)]
pub(crate) struct ListEnd {
    /// The next page's cursor.
    pub(crate) next: Option<String>,
    /// The position that the list reflects.
    pub(crate) as_of: u64,
    /// For views: whether they are being rebuilt.
    pub(crate) stale: Option<bool>,
}

/// A list on its way out.
#[derive(Debug)]
pub(crate) struct ListWriter {
    form: Form,
    text: String,
    item_count: usize,
}

impl ListWriter {
    /// Begins a list whose items stand under a name.
    pub(crate) fn new(form: Form, name: &str) -> Self {
        let mut text = String::new();
        match form {
            Form::Ndjson => {}
            Form::CloudEventBatch => text.push('['),
            Form::Json
            | Form::Msgpack
            | Form::EventStream
            | Form::CloudEvent
            | Form::PrometheusText
            | Form::OpenMetrics => {
                let _ = write!(text, "{{\"{name}\":[");
            }
        }
        Self { form, text, item_count: 0 }
    }

    /// Adds an item that writes itself as one line of JSON.
    pub(crate) fn item(&mut self, write: impl FnOnce(&mut String)) {
        if self.item_count > 0 {
            self.text.push(if self.form == Form::Ndjson { '\n' } else { ',' });
        }
        self.item_count += 1;
        write(&mut self.text);
    }

    /// Adds an item that has a wire type.
    pub(crate) fn value<T: Serialize>(&mut self, value: &T) {
        // Wire types are structs of texts and numbers, which always have a JSON form.
        self.item(|text| {
            text.push_str(&serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned()))
        });
    }

    /// Ends the list. NDJSON and a batch have the end in headers, for it has no place in the body.
    pub(crate) fn finish(mut self, end: &ListEnd) -> Response {
        if self.form == Form::Ndjson {
            if self.item_count > 0 {
                self.text.push('\n');
            }
            return with_end_headers(json_text(self.form, self.text), end);
        }
        if self.form == Form::CloudEventBatch {
            self.text.push(']');
            return with_end_headers(json_text(self.form, self.text), end);
        }
        self.text.push_str("],\"next\":");
        match &end.next {
            Some(cursor) => string_into(&mut self.text, cursor),
            None => self.text.push_str("null"),
        }
        // Writing to a String cannot fail.
        let _ = write!(self.text, ",\"as_of\":{}", end.as_of);
        if let Some(stale) = end.stale {
            let _ = write!(self.text, ",\"stale\":{stale}");
        }
        self.text.push('}');
        json_text(self.form, self.text)
    }
}

fn with_end_headers(mut response: Response, end: &ListEnd) -> Response {
    let headers = response.headers_mut();
    headers.insert(HeaderName::from_static(AS_OF_HEADER), HeaderValue::from(end.as_of));
    if let Some(next) = end.next.as_ref().and_then(|cursor| HeaderValue::from_str(cursor).ok()) {
        headers.insert(HeaderName::from_static(NEXT_HEADER), next);
    }
    response
}
