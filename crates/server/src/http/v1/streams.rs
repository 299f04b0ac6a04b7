//! Streams: their ends, their pages, their live tails.

use std::sync::Arc;

use annals_api::wire::StreamInfo;
use annals_api::{reason, routes};
use annals_core::envelope::StreamKey;
use annals_core::id::{Position, Seq};
use annals_store::contract::StreamHead;
use annals_store::query::{PageLimit, Query, StreamsQuery};
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;

use super::cloudevents;
use super::events::{EventWriter, events_page};
use crate::answer::{ListEnd, ListWriter, document};
use crate::app::App;
use crate::auth::{Caller, Read};
use crate::cursor;
use crate::filter;
use crate::negotiate::{
    CLOUD_EVENT_STREAM_FORMS, DOCUMENT_FORMS, Form, LIST_FORMS, STREAM_FORMS, choose,
};
use crate::params::{Params, PathParams, invalid};
use crate::problem::ApiProblem;
use crate::refusals::read_problem;
use crate::resume::{self, ResumeClaim};
use crate::sse::{FrameIds, TailParts, tail_response};
use crate::work::blocking;

/// List the workspace's streams, in order of their first events.
#[utoipa::path(get, path = routes::STREAMS, operation_id = "listStreams", tag = "streams",
    params(
        ("stream_type" = Option<String>, Query, description = "Only streams of this kind."),
        ("prefix" = Option<String>, Query, description = "Only streams whose id starts so."),
        ("order" = Option<String>, Query, description = "`asc` (default) or `desc`."),
        ("limit" = Option<u32>, Query, description = "1 to 1,000; 100 when absent."),
        ("cursor" = Option<String>, Query, description = "`next` of the page before.")),
    responses(
        (status = 200, description = "A page of streams.", body = annals_api::wire::StreamsPage),
        (status = 400, description = "A parameter is wrong.", body = annals_api::Problem)))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller<Read>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, ApiProblem> {
    let form = choose(&headers, LIST_FORMS)?;
    let params = Params::read(&uri, &["stream_type", "prefix", "order", "limit", "cursor"])?;
    let workspace_id = caller.principal.workspace_id.clone();
    let question = params.question(routes::STREAMS, workspace_id.as_str());
    let place = params.one("cursor")?.map(|text| cursor::decode(text, &question)).transpose()?;
    let query = StreamsQuery {
        workspace_id,
        stream_type: params.parsed("stream_type")?,
        id_prefix: params.one("prefix")?.map(str::to_owned),
        cursor: place.map(|place| Position(place.major)),
        order: filter::order(&params)?,
    };
    let count_max = params.limit()?;
    let page = blocking(move || {
        app.recorder.log().streams(&query, count_max).map_err(|failure| read_problem(&failure))
    })
    .await?;
    let mut list = ListWriter::new(form, "streams");
    for entry in &page.streams {
        list.value(&stream_info(&entry.stream, &entry.head));
    }
    let next = page.next.map(|place| cursor::encode(place.get(), &question));
    Ok(list.finish(&ListEnd { next, as_of: page.as_of.get(), stale: None }))
}

fn stream_info(stream: &StreamKey, head: &StreamHead) -> StreamInfo {
    StreamInfo {
        stream_type: stream.stream_type.to_string(),
        stream_id: stream.stream_id.to_string(),
        first_seq: head.first_seq.get(),
        last_seq: head.last_seq.get(),
        last_event_hash: head.last_event_hash.to_string(),
        event_count: head.event_count,
        first_at: head.first_at.to_string(),
        last_at: head.last_at.to_string(),
    }
}

/// Read one stream's ends.
#[utoipa::path(get, path = routes::STREAM, operation_id = "getStream", tag = "streams",
    params(
        ("stream_type" = String, Path, description = "The kind of stream."),
        ("stream_id" = String, Path, description = "Its name within the kind.")),
    responses(
        (status = 200, description = "The stream's ends.", body = StreamInfo),
        (status = 404, description = "There is no such stream.", body = annals_api::Problem)))]
pub(crate) async fn one(
    State(app): State<App>,
    caller: Caller<Read>,
    PathParams((stream_type, stream_id)): PathParams<(String, String)>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, ApiProblem> {
    let form = choose(&headers, DOCUMENT_FORMS)?;
    Params::read(&uri, &[])?;
    let stream = filter::stream_of_path(&stream_type, &stream_id)?;
    let stream = app.recorder.secrets().stream(&stream);
    let key = stream.clone();
    let workspace_id = caller.principal.workspace_id.clone();
    let head = blocking(move || {
        app.recorder
            .log()
            .stream_head(&workspace_id, &key)
            .map_err(|failure| read_problem(&failure))
    })
    .await?;
    let head = head.ok_or_else(|| not_found(&stream))?;
    document(form, &stream_info(&stream, &head))
}

fn not_found(stream: &StreamKey) -> ApiProblem {
    ApiProblem::new(reason::STREAM_NOT_FOUND, format!("there is no stream {stream}"))
        .with("stream_type", stream.stream_type.as_str())
        .with("stream_id", stream.stream_id.as_str())
}

/// Read one stream in order, as a page or as a live tail.
///
/// With `Accept: text/event-stream` the answer is a live tail: frames have the seq as `id`, the
/// event type as `event` and the envelope as `data`. `Last-Event-ID` resumes exactly after that id
/// and wins over the query. A reader that falls too far behind gets `annals.lagged` with its
/// resume point. A tail of an unknown stream waits for its first event.
#[utoipa::path(get, path = routes::STREAM_EVENTS, operation_id = "readStream", tag = "streams",
    params(
        ("stream_type" = String, Path, description = "The kind of stream."),
        ("stream_id" = String, Path, description = "Its name within the kind."),
        ("from_seq" = Option<u64>, Query, description = "The first wanted seq; 1 when absent."),
        ("after" = Option<String>, Query, description = "For tails: `SEQ:HASH` of the last event seen, checked as a pair."),
        ("known" = Option<String>, Query, description = "For tails: `SIZE:ROOT` of a tree that you know; the first frame, `annals.consistency`, proves that the log still holds it. Needs the right `verify`."),
        ("limit" = Option<u32>, Query, description = "For pages: 1 to 1,000; 100 when absent."),
        ("cursor" = Option<String>, Query, description = "For pages: `next` of the page before."),
        ("as" = Option<String>, Query, description = "For pages: `record` for the stored bytes."),
        ("dialect" = Option<String>, Query, description = "A foreign format, such as `hive`: events come as its documents where they have such a form, else as envelopes."),
        ("Last-Event-ID" = Option<String>, Header, description = "For tails: resume after this seq.")),
    responses(
        (status = 200, description = "A page of events, or a live tail.",
            content((annals_api::wire::EventsPage = "application/json"), (String = "text/event-stream"))),
        (status = 400, description = "A parameter or the resume point is wrong.", body = annals_api::Problem),
        (status = 404, description = "There is no such stream (pages only).", body = annals_api::Problem),
        (status = 409, description = "The log has another history than the reader saw.", body = annals_api::Problem),
        (status = 429, description = "Too many live tails.", body = annals_api::Problem)))]
pub(crate) async fn events(
    State(app): State<App>,
    caller: Caller<Read>,
    PathParams((stream_type, stream_id)): PathParams<(String, String)>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, ApiProblem> {
    let stream = filter::stream_of_path(&stream_type, &stream_id)?;
    let stream = app.recorder.secrets().stream(&stream);
    let forms = cloudevents::forms(&uri, STREAM_FORMS, CLOUD_EVENT_STREAM_FORMS);
    match choose(&headers, forms)? {
        Form::EventStream => tail(app, caller, stream, &headers, &uri).await,
        form => page(app, caller, stream, form, &uri).await,
    }
}

async fn page(
    app: App,
    caller: Caller<Read>,
    stream: StreamKey,
    form: Form,
    uri: &Uri,
) -> Result<Response, ApiProblem> {
    let params = Params::read(uri, &["from_seq", "limit", "cursor", "as", "dialect"])?;
    let workspace_id = caller.principal.workspace_id.clone();
    let question = params.question(&stream.to_string(), workspace_id.as_str());
    let from_seq = match params.one("cursor")? {
        Some(text) => cursor::decode(text, &question)?.major,
        None => params.parsed("from_seq")?.unwrap_or(1),
    };
    if from_seq == 0 {
        return Err(invalid("from_seq", "it is the first wanted seq, from 1"));
    }
    let (count_max, shape) = (params.limit()?, filter::shape(&params)?);
    let marks = Arc::clone(app.recorder.marks());
    let reading = app.clone();
    let (as_of, head, events) = blocking(move || {
        let log = reading.recorder.log();
        let as_of = log.head().position.get();
        let head =
            log.stream_head(&workspace_id, &stream).map_err(|failure| read_problem(&failure))?;
        let head = head.ok_or_else(|| not_found(&stream))?;
        let events =
            log.stream_page(&workspace_id, &stream, Seq(from_seq), PageLimit::events(count_max));
        Ok((as_of, head, events.map_err(|failure| read_problem(&failure))?))
    })
    .await?;
    let last = events.last().map(annals_core::event::Event::stream_seq);
    let next = last
        .filter(|last| *last < head.last_seq)
        .map(|last| cursor::encode(last.next().get(), &question));
    let end = ListEnd { next, as_of, stale: None };
    let catalog = app.recorder.catalog().clone();
    Ok(events_page(form, &EventWriter { marks, catalog, shape }, &events, &end))
}

async fn tail(
    app: App,
    caller: Caller<Read>,
    stream: StreamKey,
    headers: &HeaderMap,
    uri: &Uri,
) -> Result<Response, ApiProblem> {
    let params = Params::read(uri, &["from_seq", "after", "known", "dialect"])?;
    let dialect = filter::dialect(&params)?;
    let claim = ResumeClaim::read(headers, &params)?;
    let from_seq = params.parsed("from_seq")?;
    let principal = caller.principal;
    let permit = app.tails.open(&principal.token_id)?;
    let (recorder, workspace_id) = (app.recorder.clone(), principal.workspace_id.clone());
    let asker = Arc::clone(&principal);
    let (first_frame, start) = blocking(move || {
        let first_frame = resume::known_tree_frame(&recorder, &asker, claim)?;
        let start = resume::stream_start(&recorder, &workspace_id, &stream, claim, from_seq)?;
        Ok((first_frame, start))
    })
    .await?;
    let follower = app.recorder.follow(start, Query::default());
    let ids = FrameIds::Seqs;
    Ok(tail_response(TailParts { app, principal, follower, ids, dialect, permit, first_frame }))
}
