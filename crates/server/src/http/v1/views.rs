//! What the routes of views share: waiting for a position, and the way to wire types.

use annals_api::reason;
use annals_api::wire;
use annals_core::hash::Digest;
use annals_core::id::Position;
use annals_core::time::Timestamp;
use annals_recorder::views::{self, ViewError};

use crate::answer::ListEnd;
use crate::app::App;
use crate::cursor::{self, Place};
use crate::params::Params;
use crate::problem::ApiProblem;

/// What an answer says about the views that it comes from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reflects {
    pub(super) as_of: u64,
    pub(super) stale: bool,
}

impl Reflects {
    pub(super) fn end(self, next: Option<String>) -> ListEnd {
        ListEnd { next, as_of: self.as_of, stale: Some(self.stale) }
    }
}

/// Waits until the views reach the position that the request asks for.
///
/// What they reflect is taken before they are read: an answer may know more, never less.
pub(super) async fn reflected(app: &App, params: &Params) -> Result<Reflects, ApiProblem> {
    let views = app.recorder.views();
    if let Some(min_position) = params.parsed::<u64>("min_position")? {
        let reached = views.wait_for(Position(min_position));
        if tokio::time::timeout(app.timings.view_wait, reached).await.is_err() {
            return Err(behind(views.position().get(), min_position));
        }
    }
    Ok(Reflects { as_of: views.position().get(), stale: views.is_stale() })
}

fn behind(position: u64, min_position: u64) -> ApiProblem {
    let detail = format!("the views are at position {position}, not yet at {min_position}");
    ApiProblem::new(reason::VIEWS_BEHIND, detail)
        .with("position", position)
        .with("min_position", min_position)
}

/// Views cannot be read.
pub(super) fn view_problem(error: &ViewError) -> ApiProblem {
    match error {
        ViewError::Off => ApiProblem::new(reason::ROUTE_NOT_FOUND, "this server keeps no views"),
        ViewError::Database(_)
        | ViewError::File { .. }
        | ViewError::Log(_)
        | ViewError::Deleted => {
            tracing::error!(%error, "the views cannot be read");
            ApiProblem::new(reason::INTERNAL, "the views cannot be read; see the server's log")
        }
    }
}

/// A view's cursor as clients get it.
pub(super) fn write_cursor(cursor: Option<views::Cursor>, question: &Digest) -> Option<String> {
    cursor.map(|cursor| {
        let place = Place { major: cursor.key.cast_unsigned(), minor: cursor.id.cast_unsigned() };
        cursor::encode(place, question)
    })
}

/// A client's cursor as the views take it.
pub(super) fn read_cursor(
    params: &Params,
    name: &'static str,
    question: &Digest,
) -> Result<Option<views::Cursor>, ApiProblem> {
    let Some(text) = params.one(name)? else { return Ok(None) };
    let place = cursor::decode(text, question)?;
    Ok(Some(views::Cursor { key: place.major.cast_signed(), id: place.minor.cast_signed() }))
}

/// Counts of the views are never negative.
pub(super) fn count(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

pub(super) fn time(at: Timestamp) -> String {
    at.to_string()
}

pub(super) fn tokens(tokens: views::Tokens) -> wire::Tokens {
    wire::Tokens {
        input: count(tokens.input),
        output: count(tokens.output),
        cache_read: count(tokens.cache_read),
        cache_write: count(tokens.cache_write),
    }
}

pub(super) fn cost(cost: views::Cost) -> wire::CostMicros {
    wire::CostMicros { vendor: cost.vendor, computed: cost.computed }
}

pub(super) fn call_status(status: views::CallStatus) -> wire::SpanStatus {
    match status {
        views::CallStatus::Open => wire::SpanStatus::Open,
        views::CallStatus::Ok => wire::SpanStatus::Ok,
        views::CallStatus::Error => wire::SpanStatus::Error,
    }
}
