//! The parsers of requests, opened for the fuzz targets. No part of the API: it changes as they do.
//!
//! It parses nothing itself. A refusal is the code of its reason.

use annals_api::reason::Reason;
use annals_core::catalog::Catalog;
use annals_core::dialect::otlp::Signal;
use annals_core::hash::Digest;
use annals_core::id::{Seq, WorkspaceId};
use annals_store::query::Query;
use axum::http::{HeaderMap, HeaderValue, Uri, header};

use crate::cursor::{self, Place};
use crate::filter::{self, FILTER_PARAMETERS, PageQuestion};
use crate::negotiate::{self, STREAM_FORMS};
use crate::params::Params;
use crate::resume::{LAST_EVENT_ID, ResumeClaim};

/// The code of a refusal.
pub type Code = &'static str;

fn uri(query: &str) -> Result<Uri, Code> {
    format!("/x?{query}").parse().map_err(|_| "no_uri")
}

fn code(problem: &crate::problem::ApiProblem) -> Code {
    let reason: &'static Reason = problem.reason();
    reason.code
}

/// A page of events as a query string asks for it.
#[derive(Debug)]
pub struct AskedPage {
    /// What is looked for.
    pub query: Query,
    /// The first wanted seq of a stream.
    pub from_seq: Option<Seq>,
    /// What its cursors are sealed to.
    pub seal: Digest,
}

/// Reads the query string of `GET /v1/events`.
///
/// # Errors
/// The code of its refusal.
pub fn page(catalog: &Catalog, workspace: &WorkspaceId, query: &str) -> Result<AskedPage, Code> {
    let page = PageQuestion::read(catalog, workspace, &uri(query)?);
    let page = page.map_err(|problem| code(&problem))?;
    let from_seq = page.from.map(|(_, seq)| seq);
    Ok(AskedPage { query: page.query, from_seq, seal: page.seal })
}

/// Where a tail's client says that it stands.
#[derive(Debug)]
pub struct AskedTail {
    /// What is looked for.
    pub query: Query,
    /// Go on after this id.
    pub after: Option<u64>,
    /// An event that it saw.
    pub seen: Option<(u64, Digest)>,
    /// A tree that it knows.
    pub known: Option<(u64, Digest)>,
}

/// Reads the query string and the `Last-Event-ID` of `GET /v1/tail`.
///
/// # Errors
/// The code of its refusal.
pub fn tail(
    catalog: &Catalog,
    workspace: &WorkspaceId,
    query: &str,
    last_event_id: Option<&[u8]>,
) -> Result<AskedTail, Code> {
    let allowed: Vec<&str> =
        FILTER_PARAMETERS.iter().chain(&["after_position", "after", "known"]).copied().collect();
    let mut headers = HeaderMap::new();
    if let Some(value) = last_event_id {
        let value = HeaderValue::from_bytes(value).map_err(|_| "no_header")?;
        headers.insert(LAST_EVENT_ID, value);
    }
    let read = || {
        let params = Params::read(&uri(query).unwrap_or_default(), &allowed)?;
        let ResumeClaim { after, seen, known } = ResumeClaim::read(&headers, &params)?;
        let query = filter::query(catalog, workspace, &params)?;
        Ok(AskedTail { query, after, seen, known })
    };
    uri(query)?;
    read().map_err(|problem| code(&problem))
}

/// Writes the cursor of a page that ended at a place.
#[must_use]
pub fn write_cursor(place: (u64, u64), seal: &Digest) -> String {
    cursor::encode(Place { major: place.0, minor: place.1 }, seal)
}

/// Reads a cursor.
///
/// # Errors
/// The code of its refusal.
pub fn read_cursor(text: &str, seal: &Digest) -> Result<(u64, u64), Code> {
    let place = cursor::decode(text, seal).map_err(|problem| code(&problem))?;
    Ok((place.major, place.minor))
}

/// The media type of a stream's page that an `Accept` header gets.
///
/// # Errors
/// The code of its refusal.
pub fn accepted(accept: &[u8]) -> Result<&'static str, Code> {
    let value = HeaderValue::from_bytes(accept).map_err(|_| "no_header")?;
    let headers = HeaderMap::from_iter([(header::ACCEPT, value)]);
    let form = negotiate::choose(&headers, STREAM_FORMS).map_err(|problem| code(&problem))?;
    Ok(form.media_type())
}

/// A request of OTLP in protobuf as OTLP/JSON.
///
/// # Errors
/// The code of its refusal.
pub fn otlp(signal: Signal, bytes: &[u8]) -> Result<String, Code> {
    crate::otlp::read_protobuf(signal, bytes).map_err(|problem| code(&problem))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_is_read_and_what_is_wrong_has_the_code_of_its_refusal() {
        let catalog = Catalog::builtin().unwrap();
        let workspace = WorkspaceId::parse("w1").unwrap();
        let asked = page(&catalog, &workspace, "run_id=r1&after_position=7").unwrap();
        assert_eq!(asked.query.filters.len(), 1);
        let cursor = write_cursor((9, 0), &asked.seal);
        let next = format!("after_position=7&cursor={cursor}&run_id=r1");
        assert_eq!(page(&catalog, &workspace, &next).unwrap().query.after_position.get(), 9);
        assert_eq!(page(&catalog, &workspace, "limit=0").unwrap_err(), "invalid_limit");
        let tail = |query, id| tail(&catalog, &workspace, query, id);
        assert_eq!(tail("", Some(b"12")).unwrap().after, Some(12));
        assert_eq!(tail("", Some(b"x")).unwrap_err(), "invalid_resume");
        assert_eq!(accepted(b"text/event-stream"), Ok("text/event-stream"));
    }
}
