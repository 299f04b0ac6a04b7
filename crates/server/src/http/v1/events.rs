//! `POST /v1/events` and the reads of events.

use std::sync::Arc;
use std::time::Instant;

use annals_api::{reason, routes};
use annals_core::catalog::Catalog;
use annals_core::event::Event;
use annals_core::id::{DialectName, EventId, IdError, Position, Seq};
use annals_recorder::principal::Principal;
use annals_recorder::redaction::Marks;
use annals_recorder::refusal::AppendRefusal;
use annals_recorder::request::{
    AppendRequest, Atomicity, BatchAnswer, BodyFormat, Door, EventResult,
};
use annals_store::query::{PageLimit, Query};
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;

use crate::answer::{ListEnd, ListWriter, json_text};
use crate::app::App;
use crate::auth::{Append, Caller, Read};
use crate::body::{HeldBody, read_body};
use crate::cursor;
use crate::filter::{self, EventShape, PageQuestion};
use crate::http::v1::cloudevents;
use crate::negotiate::{
    CLOUD_EVENT_FORMS, CLOUD_EVENT_LIST_FORMS, DOCUMENT_FORMS, Form, LIST_FORMS, body_format,
    choose,
};
use crate::params::{Params, PathParams, invalid};
use crate::problem::{ApiProblem, problem_response};
use crate::receipts::ReceiptWriter;
use crate::record::write_record;
use crate::refusals::{append_problem, event_problem, read_problem};
use crate::work::blocking;

const APPEND_PARAMETERS: [&str; 3] = ["atomic", "expected_seq", "dialect"];

/// Append events.
///
/// One envelope is answered with its receipt: 201 when it was stored now, 200 when it had been
/// stored before. An array, `{"events": […], "atomic", "expected"}` or NDJSON is a batch: each
/// event has its own result, in input order. With `atomic=true` all are stored or none.
/// An answer is sent only after the events are durable.
#[utoipa::path(post, path = routes::EVENTS, operation_id = "appendEvents", tag = "events",
    params(
        ("atomic" = Option<bool>, Query, description = "All events of the batch or none."),
        ("expected_seq" = Option<u64>, Query, description = "For one event: the last seq that the writer saw in its stream; 0 when the stream must be new."),
        ("dialect" = Option<String>, Query, description = "The dialect that the client has translated from; then events carry `origin`."),
        ("traceparent" = Option<String>, Header, description = "W3C trace context; its trace id becomes the correlation of events without one.")),
    request_body(description = "One event, an array of events, or an object with `events`.",
        content(
            (annals_api::wire::NewEvent = "application/json"),
            (String = "application/x-ndjson"),
            (Vec<u8> = "application/msgpack"))),
    responses(
        (status = 200, description = "The batch's results, or the first receipt of a replayed event.", body = annals_api::wire::BatchAnswer),
        (status = 201, description = "The receipt of one event.", body = annals_api::wire::Receipt),
        (status = 400, description = "The body is malformed.", body = annals_api::Problem),
        (status = 403, description = "The token may not append this.", body = annals_api::Problem),
        (status = 408, description = "The body came too slowly.", body = annals_api::Problem),
        (status = 409, description = "An identity or a seq is not as expected.", body = annals_api::Problem),
        (status = 413, description = "The body is too large.", body = annals_api::Problem),
        (status = 415, description = "The body's form is not known.", body = annals_api::Problem),
        (status = 422, description = "The event, or every event of the batch, is refused.", body = annals_api::wire::BatchRejected),
        (status = 503, description = "The server is too busy.", body = annals_api::Problem),
        (status = 507, description = "The disk is full.", body = annals_api::Problem)))]
pub(crate) async fn append(
    State(app): State<App>,
    caller: Caller<Append>,
    request: Request,
) -> Result<Response, ApiProblem> {
    let (Parts { headers, uri, .. }, body) = request.into_parts();
    let params = Params::read(&uri, &APPEND_PARAMETERS)?;
    let how = AppendHow {
        door: door(&params)?,
        format: body_format(&headers)?,
        atomicity: atomicity(&params)?,
        expected_seq: params.parsed("expected_seq")?,
    };
    drop((params, uri));
    take_in(&app, caller.principal, how, headers, body).await
}

/// What a request says of its append beside the body.
pub(crate) struct AppendHow {
    pub(crate) door: Door,
    pub(crate) format: BodyFormat,
    pub(crate) atomicity: Option<Atomicity>,
    pub(crate) expected_seq: Option<u64>,
}

/// Whether the parameter `atomic` keeps the events of a batch together.
pub(crate) fn atomicity(params: &Params) -> Result<Option<Atomicity>, ApiProblem> {
    Ok(params.flag("atomic")?.map(|atomic| match atomic {
        true => Atomicity::Atomic,
        false => Atomicity::Independent,
    }))
}

/// Reads the body, appends it and answers with receipts: what every door does with a request.
pub(crate) async fn take_in(
    app: &App,
    principal: Arc<Principal>,
    how: AppendHow,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiProblem> {
    let began_at = Instant::now();
    let held = read_body(&headers, body, &app.bodies).await?;
    let traceparent = headers.get("traceparent").and_then(|value| value.to_str().ok());
    let taken = Taken { held, traceparent: traceparent.map(str::to_owned), began_at };
    // The connection reads on into the same memory when nothing of the request is left in it.
    drop(headers);
    append_held(app, principal, how, taken).await
}

/// A request's body, and what else of the request is still needed.
pub(crate) struct Taken {
    pub(crate) held: HeldBody,
    pub(crate) traceparent: Option<String>,
    pub(crate) began_at: Instant,
}

/// Appends a body and answers with receipts.
pub(crate) async fn append_held(
    app: &App,
    principal: Arc<Principal>,
    how: AppendHow,
    taken: Taken,
) -> Result<Response, ApiProblem> {
    let Taken { held, traceparent, began_at } = taken;
    let turn = app.bodies.turn(&held).await;
    // The share counts the body until the answer; its bytes are given up as soon as they are read.
    let HeldBody { bytes, share: _share } = held;
    let AppendHow { door, format, atomicity, expected_seq } = how;
    let request = AppendRequest {
        principal,
        door,
        format,
        body: bytes,
        atomicity,
        expected_seq,
        traceparent,
    };
    let answer = app.recorder.append(request).await;
    drop(turn);
    app.metrics.processing_seconds.observe(began_at.elapsed().as_secs_f64());
    match answer {
        Ok(answer) => {
            app.metrics.inferences.count(&answer);
            Ok(appended(app, &answer))
        }
        Err(AppendRefusal::AllRejected(results)) => Ok(all_rejected(app, results)),
        Err(refusal) => {
            let problem = append_problem(&refusal);
            app.metrics.count_processing_error(problem.reason());
            Err(problem)
        }
    }
}

fn door(params: &Params) -> Result<Door, ApiProblem> {
    let dialect = params.parsed::<DialectName>("dialect")?;
    if dialect.as_ref().is_some_and(|name| name.as_str() == filter::NATIVE) {
        return Err(invalid("dialect", "`native` is what events without a dialect are called"));
    }
    Ok(dialect.map_or(Door::Native, Door::Translated))
}

fn appended(app: &App, answer: &BatchAnswer) -> Response {
    let (status, text) = match answer {
        BatchAnswer::One { receipt, replayed } => {
            let status = if *replayed { StatusCode::OK } else { StatusCode::CREATED };
            (status, ReceiptWriter::with_room_for(1).one(receipt, *replayed))
        }
        BatchAnswer::Many(results) => {
            count_rejected(app, results);
            (StatusCode::OK, ReceiptWriter::with_room_for(results.len()).many(results))
        }
    };
    let mut response = json_text(Form::Json, text);
    *response.status_mut() = status;
    response
}

fn all_rejected(app: &App, results: Vec<EventResult>) -> Response {
    count_rejected(app, &results);
    let count = results.len();
    let refusal = AppendRefusal::AllRejected(results);
    let problem = append_problem(&refusal);
    let AppendRefusal::AllRejected(results) = refusal else {
        return json_text(Form::Json, String::new());
    };
    let text = ReceiptWriter::with_room_for(count).all_rejected(&problem, &results);
    problem_response(problem.status(), problem.reason(), text, None)
}

fn count_rejected(app: &App, results: &[EventResult]) {
    for result in results {
        if let EventResult::Rejected(refusal) = result {
            app.metrics.count_processing_error(event_problem(refusal).reason());
        }
    }
}

/// Read events by their place and by what they are part of.
///
/// Filters are joined by AND; `event_type` may be repeated (OR) and end in `.*`. Every filter is
/// answered from an index. Pass `next` as `cursor`, with the same filters, for the next page.
#[utoipa::path(get, path = routes::EVENTS, operation_id = "listEvents", tag = "events",
    params(
        ("event_type" = Option<Vec<String>>, Query, description = "An event type, or a family such as `tool.*`; may be repeated."),
        ("category" = Option<String>, Query, description = "A category of the catalog."),
        ("origin" = Option<Vec<String>>, Query, description = "The dialect that an event came in by, or `native`; may be repeated."),
        ("stream_type" = Option<String>, Query, description = "With `stream_id`: events of one stream."),
        ("stream_id" = Option<String>, Query, description = "With `stream_type`: events of one stream."),
        ("from_seq" = Option<u64>, Query, description = "With a stream: the first wanted seq."),
        ("run_id" = Option<String>, Query, description = "Events of a run."),
        ("room_id" = Option<String>, Query, description = "Events of a room."),
        ("thread_id" = Option<String>, Query, description = "Events of a thread."),
        ("mission_id" = Option<String>, Query, description = "Events of a mission."),
        ("step_id" = Option<String>, Query, description = "Events of a step."),
        ("actor_id" = Option<String>, Query, description = "Events of an actor."),
        ("correlation_id" = Option<String>, Query, description = "Events that belong together."),
        ("after_position" = Option<u64>, Query, description = "Only events after this position."),
        ("since" = Option<String>, Query, description = "Only events recorded at this time or later (RFC 3339)."),
        ("until" = Option<String>, Query, description = "Only events recorded before this time (RFC 3339)."),
        ("order" = Option<String>, Query, description = "`asc` (default) or `desc`, by position."),
        ("limit" = Option<u32>, Query, description = "1 to 1,000; 100 when absent."),
        ("cursor" = Option<String>, Query, description = "`next` of the page before."),
        ("as" = Option<String>, Query, description = "`record` for the stored bytes."),
        ("dialect" = Option<String>, Query, description = "A foreign format, such as `hive`: events come as its documents where they have such a form, else as envelopes.")),
    responses(
        (status = 200, description = "A page of events; also as `application/x-ndjson` and `application/msgpack`, and with `dialect=cloudevents` as `application/cloudevents-batch+json`.", body = annals_api::wire::EventsPage),
        (status = 400, description = "A parameter is wrong.", body = annals_api::Problem)))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller<Read>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, ApiProblem> {
    let form = choose(&headers, cloudevents::forms(&uri, LIST_FORMS, CLOUD_EVENT_LIST_FORMS))?;
    let workspace_id = caller.principal.workspace_id.clone();
    let PageQuestion { mut query, from, limit, shape, seal } =
        PageQuestion::read(app.recorder.catalog(), &workspace_id, &uri)?;
    app.recorder.secrets().rename_query(&mut query);
    let from = from.map(|(stream, seq)| (app.recorder.secrets().stream(&stream), seq));
    let marks = Arc::clone(app.recorder.marks());
    let reading = app.clone();
    let page = blocking(move || {
        if let Some((stream, from_seq)) = from {
            start_at_seq(&reading, &mut query, &stream, from_seq)?;
        }
        reading.recorder.log().scan(&query, limit).map_err(|failure| read_problem(&failure))
    })
    .await?;
    let next = page.next.map(|place| cursor::encode(place.get(), &seal));
    let end = ListEnd { next, as_of: page.as_of.get(), stale: None };
    let catalog = app.recorder.catalog().clone();
    Ok(events_page(form, &EventWriter { marks, catalog, shape }, &page.events, &end))
}

/// Turns the first wanted seq into the position before it: seqs grow with positions.
fn start_at_seq(
    app: &App,
    query: &mut Query,
    stream: &annals_core::envelope::StreamKey,
    from_seq: Seq,
) -> Result<(), ApiProblem> {
    let Some(workspace_id) = query.workspace_id.clone() else { return Ok(()) };
    let page =
        app.recorder.log().stream_page(&workspace_id, stream, from_seq, PageLimit::events(1));
    let first = page.map_err(|failure| read_problem(&failure))?.into_iter().next();
    let before = match first {
        Some(event) => Position(event.position().get() - 1),
        // Nothing is there yet, so nothing before the head is wanted.
        None => app.recorder.head().position,
    };
    query.after_position = query.after_position.max(before);
    Ok(())
}

/// Answers a page of events.
pub(crate) fn events_page(
    form: Form,
    writer: &EventWriter,
    events: &[Event],
    end: &ListEnd,
) -> Response {
    let mut list = ListWriter::new(form, "events");
    for event in events {
        list.item(|text| writer.write(text, event));
    }
    list.finish(end)
}

/// How events are shown: in the shape that was asked for, and with the marks of redactions.
#[derive(Debug)]
pub(crate) struct EventWriter {
    pub(crate) marks: Arc<Marks>,
    pub(crate) catalog: Catalog,
    pub(crate) shape: EventShape,
}

impl EventWriter {
    fn write(&self, text: &mut String, event: &Event) {
        match self.shape {
            EventShape::Envelope => self.marks.write_event(event, text),
            EventShape::Foreign(dialect) => {
                let mut envelope = String::with_capacity(event.byte_count() + 512);
                self.marks.write_event(event, &mut envelope);
                match dialect.writer.write(&envelope, &self.catalog) {
                    Some(document) => text.push_str(&document),
                    None => text.push_str(&envelope),
                }
            }
            EventShape::Record => write_record(text, event),
        }
    }
}

/// Read one event.
#[utoipa::path(get, path = routes::EVENT, operation_id = "getEvent", tag = "events",
    params(
        ("event_id" = String, Path, description = "The event's id."),
        ("as" = Option<String>, Query, description = "`record` for the stored bytes."),
        ("dialect" = Option<String>, Query, description = "A foreign format, such as `hive`: events come as its documents where they have such a form, else as envelopes."),
        ("mode" = Option<String>, Query, description = "With `dialect=cloudevents`: `structured` (default) or `binary`, which has the attributes in `ce-` headers and the data as the body.")),
    responses(
        (status = 200, description = "The event; with `dialect=cloudevents` as `application/cloudevents+json`.", body = annals_api::wire::StoredEvent),
        (status = 404, description = "There is no such event.", body = annals_api::Problem)))]
pub(crate) async fn one(
    State(app): State<App>,
    caller: Caller<Read>,
    PathParams(event_id): PathParams<String>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, ApiProblem> {
    let params = Params::read(&uri, &["as", "dialect", "mode"])?;
    let shape = filter::shape(&params)?;
    let is_binary = cloudevents::wants_binary(&params)?;
    let forms = cloudevents::forms(&uri, DOCUMENT_FORMS, CLOUD_EVENT_FORMS);
    // The form of a binary answer is that of the event's own data.
    let form = if is_binary { Form::CloudEvent } else { choose(&headers, forms)? };
    let event_id =
        EventId::parse(&event_id).map_err(|error: IdError| invalid("event_id", error))?;
    let workspace_id = caller.principal.workspace_id.clone();
    let marks = Arc::clone(app.recorder.marks());
    let reading = app.clone();
    let found = blocking(move || {
        let found = reading.recorder.log().by_event_id(&workspace_id, &event_id);
        found.map_err(|failure| read_problem(&failure))
    })
    .await?;
    let event = found.ok_or_else(|| {
        ApiProblem::new(reason::EVENT_NOT_FOUND, format!("no event has the id {event_id}"))
    })?;
    let mut text = String::new();
    let catalog = app.recorder.catalog().clone();
    EventWriter { marks, catalog, shape }.write(&mut text, &event);
    if is_binary { cloudevents::binary_answer(&text) } else { Ok(json_text(form, text)) }
}
