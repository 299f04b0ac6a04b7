//! CloudEvents 1.0 over HTTP, in the binary, the structured and the batched mode: `POST /v1/cloudevents`,
//! and what the reads of events answer in that dialect.
//!
//! It tells the modes apart and makes a document of the JSON format of a binary message, and back;
//! what the document means is the dialect's. INVARIANT (2xx is delivered): senders look at the status alone, so it is a
//! 2xx only when every event of the request is stored.

use std::sync::Arc;
use std::time::Instant;

use annals_api::{reason, routes};
use annals_core::dialect::ForeignFault;
use annals_core::dialect::cloudevents::{
    BinaryFault, BinaryMessage, CloudEvents, DIALECT, MediaType, document_of_headers,
};
use annals_core::limits::EVENT_BYTES_MAX;
use annals_recorder::refusal::EventRefusal;
use annals_recorder::request::{Atomicity, BodyFormat, Door};
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

use crate::answer::json_text;
use crate::app::App;
use crate::auth::{Append, Caller};
use crate::body::{HeldBody, read_body};
use crate::cloudevents_metrics::CountingReader;
use crate::http::v1::events::{AppendHow, Taken, append_held, atomicity};
use crate::negotiate::Form;
use crate::params::{Params, invalid};
use crate::problem::ApiProblem;
use crate::receipts::ReceiptWriter;
use crate::refusals::{event_problem, json_problem};

const PARAMETERS: [&str; 2] = ["atomic", "receipt"];
/// The media types of the JSON format.
const MEDIA_TYPES: [&str; 2] =
    ["application/cloudevents+json", "application/cloudevents-batch+json"];
/// What the media types of all formats begin with.
const MEDIA_TYPE_PREFIX: &str = "application/cloudevents";

/// Bytes of the headers of a binary answer; clients read hardly more.
const ANSWER_HEADER_BYTES_MAX: usize = 16 << 10;

/// How a request carries its events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Binary,
    Structured,
    Batched,
}

/// Append CloudEvents.
///
/// The binary mode has the attributes in `ce-` headers and the data as the body, of any content type;
/// the structured mode is one document of the JSON format, the batched mode an array of them.
/// `(source, id)` is the identity: an event that comes again is answered with its first receipt.
/// A batch is stored whole or not at all, unless `atomic=false` asks for a result for each event.
#[utoipa::path(post, path = routes::CLOUDEVENTS, operation_id = "appendCloudEvents", tag = "events",
    params(
        ("atomic" = Option<bool>, Query, description = "For a batch: all events or none; true when absent."),
        ("receipt" = Option<String>, Query, description = "`none` for an answer without a body (204), for senders that take a body for a reply."),
        ("ce-specversion" = Option<String>, Header, description = "Binary mode: the version of CloudEvents, 1.0."),
        ("ce-id" = Option<String>, Header, description = "Binary mode: the event's id."),
        ("ce-source" = Option<String>, Header, description = "Binary mode: where it happened, a URI reference."),
        ("ce-type" = Option<String>, Header, description = "Binary mode: what kind of event it is. Every other `ce-` header is an attribute, too."),
        ("traceparent" = Option<String>, Header, description = "W3C trace context; its trace id becomes the correlation of events that state none.")),
    request_body(description = "A CloudEvent, a batch, or an event's data.",
        content(
            (serde_json::Value = "application/cloudevents+json"),
            (Vec<serde_json::Value> = "application/cloudevents-batch+json"),
            (Vec<u8> = "application/octet-stream"))),
    responses(
        (status = 200, description = "A batch's results, or the first receipt of an event that came before.", body = annals_api::wire::BatchAnswer),
        (status = 201, description = "The receipt of one event.", body = annals_api::wire::Receipt),
        (status = 204, description = "As 200 and 201, where no receipt is wanted."),
        (status = 400, description = "The request is no CloudEvent.", body = annals_api::Problem),
        (status = 403, description = "The token may not append this.", body = annals_api::Problem),
        (status = 408, description = "The body came too slowly.", body = annals_api::Problem),
        (status = 409, description = "Another event with this source and id is stored.", body = annals_api::Problem),
        (status = 413, description = "The event or the body is too large.", body = annals_api::Problem),
        (status = 415, description = "The event format or the encoding is not known.", body = annals_api::Problem),
        (status = 422, description = "The event, or every event of the batch, is refused.", body = annals_api::wire::BatchRejected),
        (status = 503, description = "The server is too busy.", body = annals_api::Problem),
        (status = 507, description = "The disk is full.", body = annals_api::Problem)))]
pub(crate) async fn append(
    State(app): State<App>,
    caller: Caller<Append>,
    request: Request,
) -> Result<Response, ApiProblem> {
    let began_at = Instant::now();
    let (Parts { headers, uri, .. }, body) = request.into_parts();
    let params = Params::read(&uri, &PARAMETERS)?;
    let wants_receipt = wants_receipt(&params)?;
    let mode = mode(&headers)?;
    let atomicity = match mode {
        Mode::Batched => atomicity(&params)?.or(Some(Atomicity::Atomic)),
        Mode::Binary | Mode::Structured => atomicity(&params)?,
    };
    let held = read_body(&headers, body, &app.bodies).await?;
    if mode == Mode::Batched && is_empty_array(&held.bytes) {
        // The format allows it, and nothing of it is lost.
        let text = ReceiptWriter::with_room_for(0).many(&[]);
        return Ok(shown(json_text(Form::Json, text), wants_receipt));
    }
    let held = document(mode, &headers, held)?;
    let reader = reader(mode, &app)?;
    let how = AppendHow {
        door: Door::Foreign(reader.clone()),
        format: BodyFormat::Json,
        atomicity,
        expected_seq: None,
    };
    let taken = Taken { held, traceparent: traceparent(&headers), began_at };
    drop((headers, uri));
    let answered = append_held(&app, caller.principal, how, taken).await;
    app.metrics.cloudevents.count_processed(&reader, began_at.elapsed());
    answered.map(|response| shown(response, wants_receipt))
}

fn wants_receipt(params: &Params) -> Result<bool, ApiProblem> {
    match params.one("receipt")? {
        None | Some("body") => Ok(true),
        Some("none") => Ok(false),
        Some(_) => Err(invalid("receipt", "it is `body` or `none`")),
    }
}

/// The answer, without its body where nobody wants that.
fn shown(response: Response, wants_receipt: bool) -> Response {
    if wants_receipt || !response.status().is_success() {
        return response;
    }
    StatusCode::NO_CONTENT.into_response()
}

fn traceparent(headers: &HeaderMap) -> Option<String> {
    headers.get("traceparent").and_then(|value| value.to_str().ok()).map(str::to_owned)
}

/// Tells the modes apart by the content type, as the HTTP binding does.
fn mode(headers: &HeaderMap) -> Result<Mode, ApiProblem> {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let given = given.unwrap_or_default().trim();
    let is_event_format = given
        .get(..MEDIA_TYPE_PREFIX.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(MEDIA_TYPE_PREFIX));
    if !is_event_format {
        return if has_attributes(headers) { Ok(Mode::Binary) } else { Err(no_cloud_event()) };
    }
    let media_type = MediaType::parse(given).filter(|media| media.is_utf8(b""));
    match media_type {
        Some(media) if media.is("application", "cloudevents+json") => Ok(Mode::Structured),
        Some(media) if media.is("application", "cloudevents-batch+json") => Ok(Mode::Batched),
        Some(_) | None => {
            let detail = format!(
                "the event format {given} is not read here; send {} in UTF-8, or the binary mode",
                MEDIA_TYPES.join(" or ")
            );
            Err(ApiProblem::new(reason::UNSUPPORTED_MEDIA_TYPE, detail)
                .with("supported", MEDIA_TYPES.to_vec()))
        }
    }
}

fn has_attributes(headers: &HeaderMap) -> bool {
    headers.keys().any(|name| name.as_str().starts_with("ce-"))
}

fn no_cloud_event() -> ApiProblem {
    let detail = format!(
        "the request is no CloudEvent: it has neither `ce-` headers nor the content type {}",
        MEDIA_TYPES.join(" or ")
    );
    ApiProblem::new(reason::MISSING_FIELD, detail).with("path", "/specversion")
}

/// What the dialect reads: the body as it is, or what a binary message makes of it.
fn document(mode: Mode, headers: &HeaderMap, held: HeldBody) -> Result<HeldBody, ApiProblem> {
    if mode != Mode::Binary {
        return Ok(held);
    }
    let HeldBody { bytes, share } = held;
    if bytes.len() > EVENT_BYTES_MAX {
        return Err(event_problem(&EventRefusal::TooLarge {
            byte_count: bytes.len(),
            byte_count_max: EVENT_BYTES_MAX,
        }));
    }
    let headers = headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    let document = document_of_headers(headers, &bytes).map_err(|fault| match fault {
        BinaryFault::Header(fault) => foreign(fault),
        BinaryFault::Data(error) => json_problem(&error),
    })?;
    Ok(HeldBody { bytes: Bytes::from(document), share })
}

fn foreign(fault: ForeignFault) -> ApiProblem {
    event_problem(&EventRefusal::Foreign(fault))
}

fn reader(mode: Mode, app: &App) -> Result<Arc<CountingReader>, ApiProblem> {
    let dialect = match mode {
        Mode::Binary | Mode::Structured => CloudEvents::one(),
        Mode::Batched => CloudEvents::batch(),
    };
    let dialect = dialect.map_err(|error| {
        tracing::error!(%error, "the dialect has no name");
        ApiProblem::new(reason::INTERNAL, "the dialect cannot be used")
    })?;
    Ok(Arc::new(CountingReader::new(dialect, &app.metrics.cloudevents)))
}

fn is_empty_array(body: &[u8]) -> bool {
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
    let mut tokens = body.iter().filter(|byte| !is_space(byte));
    (tokens.next(), tokens.next(), tokens.next()) == (Some(&b'['), Some(&b']'), None)
}

/// The forms of an answer: others where events are wanted as CloudEvents.
pub(crate) fn forms(
    uri: &Uri,
    usual: &'static [Form],
    of_cloud_events: &'static [Form],
) -> &'static [Form] {
    let is_dialect = |pair: &str| pair.strip_prefix("dialect=") == Some(DIALECT);
    let is_wanted = uri.query().is_some_and(|query| query.split('&').any(is_dialect));
    if is_wanted { of_cloud_events } else { usual }
}

/// Reads `mode`: whether one event is wanted in the binary mode.
pub(crate) fn wants_binary(params: &Params) -> Result<bool, ApiProblem> {
    match (params.one("mode")?, params.one("dialect")?) {
        (None, _) => Ok(false),
        (Some("structured"), Some(DIALECT)) => Ok(false),
        (Some("binary"), Some(DIALECT)) => Ok(true),
        (Some(_), Some(DIALECT)) => Err(invalid("mode", "it can be structured or binary")),
        (Some(_), _) => Err(invalid("mode", "it goes with dialect=cloudevents")),
    }
}

/// Answers a document in the binary mode.
pub(crate) fn binary_answer(document: &str) -> Result<Response, ApiProblem> {
    let message = BinaryMessage::of_document(document).map_err(foreign)?;
    let message = message.ok_or_else(|| {
        no_binary("its data is a text in a charset that is not written here, or no text at all")
    })?;
    let size = |(name, value): &(String, String)| name.len() + value.len();
    if message.headers.iter().map(size).sum::<usize>() > ANSWER_HEADER_BYTES_MAX {
        return Err(no_binary("its attributes are too long for headers"));
    }
    let mut response = Response::new(Body::from(message.body));
    let headers = response.headers_mut();
    for (name, value) in &message.headers {
        let name = HeaderName::from_bytes(name.as_bytes());
        let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(value)) else {
            return Err(no_binary("an attribute is no header"));
        };
        headers.insert(name, value);
    }
    if let Some(content_type) = &message.content_type {
        let value = HeaderValue::from_str(content_type);
        let value = value.map_err(|_| no_binary("its content type is no header"))?;
        headers.insert(header::CONTENT_TYPE, value);
    }
    // The data is somebody else's, whatever it says that it is: no browser should show it as ours.
    headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment"));
    Ok(response)
}

fn no_binary(why: &str) -> ApiProblem {
    let detail = format!("the event has no binary form: {why}; ask for mode=structured");
    ApiProblem::new(reason::NOT_ACCEPTABLE, detail).with("available", vec![MEDIA_TYPES[0]])
}
