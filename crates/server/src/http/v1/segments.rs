//! The files of the log, for a backup of a running server.
//!
//! They hold every workspace's events, so they are the owner's. They hold no key and no token.

use annals_api::{reason, routes, wire};
use annals_core::id::Position;
use annals_store::local::backup::SegmentInfo;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Uri, header};
use axum::response::{IntoResponse, Response};

use super::log::wire_lineage;
use crate::answer::document;
use crate::app::App;
use crate::auth::{Caller, Operate};
use crate::negotiate::{DOCUMENT_FORMS, choose};
use crate::params::{Params, PathParams, invalid};
use crate::problem::ApiProblem;
use crate::refusals::read_problem;
use crate::work::blocking;

/// Bytes of one answer.
const CHUNK_BYTES_MAX: u64 = 8 << 20;

/// List the files of the log with their durable bytes.
#[utoipa::path(get, path = routes::LOG_SEGMENTS, operation_id = "listSegments", tag = "log",
    responses(
        (status = 200, description = "The segments.", body = wire::LogSegments),
        (status = 403, description = "The token may not administer.", body = annals_api::Problem)))]
pub(crate) async fn list(
    State(app): State<App>,
    _caller: Caller<Operate>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, ApiProblem> {
    let form = choose(&headers, DOCUMENT_FORMS)?;
    Params::read(&uri, &[])?;
    let segments = blocking(move || {
        let segments = match app.recorder.log().backup() {
            Some(source) => source.segments().map_err(|failure| read_problem(&failure))?,
            None => Vec::new(),
        };
        Ok(wire::LogSegments {
            log_id: app.recorder.log_id().to_string(),
            lineage: wire_lineage(app.recorder.log().lineage()),
            head_position: segments.last().map_or(0, |last| last.last_position.get()),
            segments: segments.iter().map(wire_segment).collect(),
        })
    })
    .await?;
    document(form, &segments)
}

fn wire_segment(segment: &SegmentInfo) -> wire::LogSegment {
    wire::LogSegment {
        first_position: segment.first_position.get(),
        last_position: segment.last_position.get(),
        byte_count: segment.byte_count,
        is_sealed: segment.is_sealed,
        erased_count: segment.erased_count,
    }
}

/// Read durable bytes of one file of the log.
#[utoipa::path(get, path = routes::LOG_SEGMENT, operation_id = "readSegment", tag = "log",
    params(
        ("first_position" = u64, Path, description = "The position that the segment begins with."),
        ("offset" = Option<u64>, Query, description = "The first wanted byte; 0 when absent."),
        ("len" = Option<u64>, Query, description = "Bytes; at most 8 MiB, which is what is sent when it is absent.")),
    responses(
        (status = 200, description = "The bytes; fewer at the end.", body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 403, description = "The token may not administer.", body = annals_api::Problem),
        (status = 404, description = "There is no such segment.", body = annals_api::Problem)))]
pub(crate) async fn bytes(
    State(app): State<App>,
    _caller: Caller<Operate>,
    PathParams(first_position): PathParams<String>,
    uri: Uri,
) -> Result<Response, ApiProblem> {
    let params = Params::read(&uri, &["offset", "len"])?;
    let first: u64 = first_position
        .parse()
        .map_err(|_| invalid("first_position", "it must be the first position of a segment"))?;
    let offset: u64 = params.parsed("offset")?.unwrap_or(0);
    let len: u64 = params.parsed("len")?.unwrap_or(CHUNK_BYTES_MAX).min(CHUNK_BYTES_MAX);
    let found = blocking(move || {
        let Some(source) = app.recorder.log().backup() else { return Ok(None) };
        let end = source.segment_end(Position(first)).map_err(|failure| read_problem(&failure))?;
        if end.is_none_or(|end| offset > end) {
            return Ok(None);
        }
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        let bytes = source.read_segment(Position(first), offset, len);
        bytes.map(Some).map_err(|failure| read_problem(&failure))
    })
    .await?;
    let bytes = found.ok_or_else(|| {
        let detail = format!("no segment begins with position {first}, or it ends before {offset}");
        ApiProblem::new(reason::SEGMENT_NOT_FOUND, detail).with("first_position", first)
    })?;
    let mut response = bytes.into_response();
    let kind = HeaderValue::from_static("application/octet-stream");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    Ok(response)
}
