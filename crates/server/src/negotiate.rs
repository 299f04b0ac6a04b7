//! Which form of an answer the client accepts, and in which form it sends its body.

use annals_api::reason;
use annals_recorder::request::BodyFormat;
use axum::http::{HeaderMap, header};

use crate::problem::ApiProblem;

/// A form that an answer can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Json,
    Ndjson,
    Msgpack,
    EventStream,
    /// One CloudEvent in the JSON format.
    CloudEvent,
    /// An array of them.
    CloudEventBatch,
    /// Metrics as Prometheus reads them.
    PrometheusText,
    /// Metrics in the standard that came of it.
    OpenMetrics,
}

/// The forms of lists.
pub(crate) const LIST_FORMS: &[Form] = &[Form::Json, Form::Ndjson, Form::Msgpack];
/// The forms of single documents.
pub(crate) const DOCUMENT_FORMS: &[Form] = &[Form::Json, Form::Msgpack];
/// The forms of a stream's events.
pub(crate) const STREAM_FORMS: &[Form] =
    &[Form::Json, Form::Ndjson, Form::Msgpack, Form::EventStream];
/// The forms of one event as a CloudEvent.
pub(crate) const CLOUD_EVENT_FORMS: &[Form] = &[Form::CloudEvent, Form::Json, Form::Msgpack];
/// The forms of lists of events as CloudEvents.
pub(crate) const CLOUD_EVENT_LIST_FORMS: &[Form] =
    &[Form::Json, Form::Ndjson, Form::Msgpack, Form::CloudEventBatch];
/// The forms of a stream's events as CloudEvents.
pub(crate) const CLOUD_EVENT_STREAM_FORMS: &[Form] =
    &[Form::Json, Form::Ndjson, Form::Msgpack, Form::EventStream, Form::CloudEventBatch];
/// The forms of metric series.
pub(crate) const METRIC_FORMS: &[Form] =
    &[Form::Json, Form::Msgpack, Form::PrometheusText, Form::OpenMetrics];
/// The form of live tails.
pub(crate) const TAIL_FORMS: &[Form] = &[Form::EventStream];

impl Form {
    pub(crate) const fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Ndjson => "application/x-ndjson",
            Self::Msgpack => "application/msgpack",
            Self::EventStream => "text/event-stream",
            Self::CloudEvent => "application/cloudevents+json",
            Self::CloudEventBatch => "application/cloudevents-batch+json",
            Self::PrometheusText => "text/plain",
            Self::OpenMetrics => "application/openmetrics-text",
        }
    }

    fn matches(self, range: &str) -> bool {
        let (kind, subkind) = self.media_type().split_once('/').unwrap_or_default();
        match range.split_once('/') {
            Some(("*", "*")) => true,
            Some((wanted, "*")) => wanted.eq_ignore_ascii_case(kind),
            Some((wanted, sub)) => {
                wanted.eq_ignore_ascii_case(kind) && sub.eq_ignore_ascii_case(subkind)
            }
            None => false,
        }
    }
}

/// Chooses the offered form that the client likes best; the first where it does not care.
pub(crate) fn choose(headers: &HeaderMap, offered: &[Form]) -> Result<Form, ApiProblem> {
    let mut best: Option<(Form, u16)> = None;
    let mut asked = false;
    for value in headers.get_all(header::ACCEPT) {
        asked = true;
        let ranges = value.to_str().unwrap_or_default().split(',').filter_map(media_range);
        for (range, weight) in ranges {
            let liked = offered.iter().copied().find(|form| form.matches(range));
            if let Some(form) = liked.filter(|_| weight > best.map_or(0, |(_, weight)| weight)) {
                best = Some((form, weight));
            }
        }
    }
    match (best, offered.first()) {
        (Some((form, _)), _) => Ok(form),
        (None, Some(first)) if !asked => Ok(*first),
        _ => Err(not_acceptable(offered)),
    }
}

/// A media range and its weight in thousandths.
fn media_range(text: &str) -> Option<(&str, u16)> {
    let mut parts = text.split(';').map(str::trim);
    let range = parts.next().filter(|range| !range.is_empty())?;
    let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
    Some((range, weight.map_or(1_000, thousandths)))
}

/// `0`, `1`, `0.5`, `0.125`: at most three digits after the point, as RFC 9110 has it.
fn thousandths(text: &str) -> u16 {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits: String = format!("{fraction:0<3}").chars().take(3).collect();
    let whole: u16 = whole.parse().unwrap_or(0);
    (whole.min(1) * 1_000 + digits.parse::<u16>().unwrap_or(0)).min(1_000)
}

fn not_acceptable(offered: &[Form]) -> ApiProblem {
    let available: Vec<_> = offered.iter().map(|form| form.media_type()).collect();
    let detail = format!("the route answers {} only", available.join(", "));
    ApiProblem::new(reason::NOT_ACCEPTABLE, detail).with("available", available)
}

/// How the body of an append is written.
pub(crate) fn body_format(headers: &HeaderMap) -> Result<BodyFormat, ApiProblem> {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media_type = given.and_then(|text| text.split(';').next()).unwrap_or_default().trim();
    match media_type.to_ascii_lowercase().as_str() {
        "application/json" => Ok(BodyFormat::Json),
        "application/x-ndjson" | "application/ndjson" | "application/jsonl" => {
            Ok(BodyFormat::Ndjson)
        }
        "application/msgpack" | "application/x-msgpack" | "application/vnd.msgpack" => {
            Ok(BodyFormat::MessagePack)
        }
        _ => Err(unsupported(media_type)),
    }
}

/// Refuses a body that is not JSON, on routes that take nothing else.
pub(crate) fn require_json(headers: &HeaderMap) -> Result<(), ApiProblem> {
    match body_format(headers) {
        Ok(BodyFormat::Json) => Ok(()),
        Ok(BodyFormat::Ndjson | BodyFormat::MessagePack) | Err(_) => {
            let detail = "the route takes application/json";
            Err(ApiProblem::new(reason::UNSUPPORTED_MEDIA_TYPE, detail)
                .with("supported", vec!["application/json"]))
        }
    }
}

fn unsupported(given: &str) -> ApiProblem {
    let given = if given.is_empty() { "a body without a Content-Type" } else { given };
    let supported: Vec<_> = LIST_FORMS.iter().map(|form| form.media_type()).collect();
    let detail = format!("the route does not take {given}; send {}", supported.join(", "));
    ApiProblem::new(reason::UNSUPPORTED_MEDIA_TYPE, detail).with("supported", supported)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(accept: Option<&str>, offered: &[Form]) -> Option<Form> {
        let mut headers = HeaderMap::new();
        if let Some(accept) = accept {
            headers.insert(header::ACCEPT, accept.parse().unwrap());
        }
        choose(&headers, offered).ok()
    }

    #[test]
    fn chooses_what_the_client_likes_best() {
        assert_eq!(chosen(None, LIST_FORMS), Some(Form::Json));
        assert_eq!(chosen(Some("*/*"), LIST_FORMS), Some(Form::Json));
        assert_eq!(chosen(Some("application/x-ndjson"), LIST_FORMS), Some(Form::Ndjson));
        assert_eq!(
            chosen(Some("application/json;q=0.5, application/msgpack"), LIST_FORMS),
            Some(Form::Msgpack)
        );
        assert_eq!(
            chosen(Some("text/html,application/xhtml+xml,*/*;q=0.8"), LIST_FORMS),
            Some(Form::Json)
        );
        assert_eq!(chosen(Some("Text/Event-Stream"), STREAM_FORMS), Some(Form::EventStream));
        assert_eq!(chosen(Some("text/*"), STREAM_FORMS), Some(Form::EventStream));
    }

    #[test]
    fn refuses_when_nothing_fits() {
        assert_eq!(chosen(Some("image/png"), LIST_FORMS), None);
        assert_eq!(chosen(Some("application/json;q=0"), LIST_FORMS), None);
        assert_eq!(chosen(Some("application/json"), TAIL_FORMS), None);
    }
}
