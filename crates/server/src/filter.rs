//! From query parameters to a query of the log: the filters that pages and tails share.

use annals_api::reason;
use annals_core::envelope::StreamKey;
use annals_core::id::{EventType, IdError, StreamType, WorkspaceId};
use annals_core::time::Timestamp;
use annals_recorder::Recorder;
use annals_store::query::{Filter, Order, Query, TypePattern};

use crate::params::{Params, invalid};
use crate::problem::ApiProblem;

/// The filters that both pages and tails take.
pub(crate) const FILTER_PARAMETERS: [&str; 11] = [
    "event_type",
    "category",
    "stream_type",
    "stream_id",
    "run_id",
    "room_id",
    "thread_id",
    "mission_id",
    "step_id",
    "actor_id",
    "correlation_id",
];

/// Reads the filters of a request into a query of the caller's workspace.
pub(crate) fn query(
    recorder: &Recorder,
    workspace_id: &WorkspaceId,
    params: &Params,
) -> Result<Query, ApiProblem> {
    Ok(Query {
        workspace_id: Some(workspace_id.clone()),
        filters: filters(params)?,
        event_types: event_types(recorder, params)?,
        ..Query::default()
    })
}

fn filters(params: &Params) -> Result<Vec<Filter>, ApiProblem> {
    let filters = [
        stream(params)?.map(Filter::Stream),
        params.parsed("run_id")?.map(Filter::Run),
        params.parsed("room_id")?.map(Filter::Room),
        params.parsed("thread_id")?.map(Filter::Thread),
        params.parsed("mission_id")?.map(Filter::Mission),
        params.parsed("step_id")?.map(Filter::Step),
        params.parsed("actor_id")?.map(Filter::Actor),
        params.parsed("correlation_id")?.map(Filter::Correlation),
    ];
    Ok(filters.into_iter().flatten().collect())
}

/// The stream that both its parameters name together.
pub(crate) fn stream(params: &Params) -> Result<Option<StreamKey>, ApiProblem> {
    match (params.parsed("stream_type")?, params.parsed("stream_id")?) {
        (Some(stream_type), Some(stream_id)) => Ok(Some(StreamKey { stream_type, stream_id })),
        (None, None) => Ok(None),
        (Some(_), None) => Err(invalid("stream_type", "it needs `stream_id` beside it")),
        (None, Some(_)) => Err(invalid("stream_id", "it needs `stream_type` beside it")),
    }
}

/// A stream named by a path.
pub(crate) fn stream_of_path(stream_type: &str, stream_id: &str) -> Result<StreamKey, ApiProblem> {
    let stream_type =
        StreamType::parse(stream_type).map_err(|error: IdError| invalid("stream_type", error))?;
    let stream_id = stream_id.parse().map_err(|error: IdError| invalid("stream_id", error))?;
    Ok(StreamKey { stream_type, stream_id })
}

/// The types that the request asks for: those that match a pattern and are of a wanted category.
fn event_types(recorder: &Recorder, params: &Params) -> Result<Vec<TypePattern>, ApiProblem> {
    let patterns = params
        .all("event_type")
        .map(|text| TypePattern::parse(text).map_err(|error| invalid("event_type", error)))
        .collect::<Result<Vec<_>, _>>()?;
    let Some(category) = params.one("category")? else {
        return Ok(patterns);
    };
    let entries = recorder.catalog().entries();
    let of_category: Vec<_> =
        entries.iter().filter(|entry| entry.category.as_str() == category).collect();
    if of_category.is_empty() {
        return Err(invalid(
            "category",
            "no type of the catalog is of this category; see GET /v1/catalog",
        ));
    }
    let is_wanted =
        |event_type: &str| patterns.is_empty() || patterns.iter().any(|one| one.admits(event_type));
    let wanted = of_category.iter().filter(|entry| is_wanted(&entry.event_type));
    let types: Vec<_> =
        wanted.filter_map(|entry| TypePattern::parse(&entry.event_type).ok()).collect();
    if types.is_empty() {
        return Ok(vec![TypePattern::Exact(nothing()?)]);
    }
    Ok(types)
}

/// A type that no event has: no pattern at all would mean every type.
fn nothing() -> Result<EventType, ApiProblem> {
    EventType::parse("annals.nothing").map_err(|error| invalid("event_type", error))
}

/// The direction of a page.
pub(crate) fn order(params: &Params) -> Result<Order, ApiProblem> {
    match params.one("order")? {
        None | Some("asc") => Ok(Order::Asc),
        Some("desc") => Ok(Order::Desc),
        Some(_) => Err(invalid("order", "it must be asc or desc")),
    }
}

/// A time of a filter.
pub(crate) fn time(params: &Params, name: &'static str) -> Result<Option<Timestamp>, ApiProblem> {
    let text = params.one(name)?;
    text.map(|text| {
        Timestamp::parse(text).map(|parsed| parsed.at).map_err(|error| invalid(name, error))
    })
    .transpose()
}

/// Whether events are wanted as readers see them or as their stored bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EventShape {
    Envelope,
    Record,
}

/// Reads `as`.
pub(crate) fn shape(params: &Params) -> Result<EventShape, ApiProblem> {
    match params.one("as")? {
        None => Ok(EventShape::Envelope),
        Some("record") => Ok(EventShape::Record),
        Some(_) => Err(invalid("as", "it can only be record")),
    }
}

/// A resume point that the log does not have.
pub(crate) fn diverged(detail: String) -> ApiProblem {
    ApiProblem::new(reason::HISTORY_DIVERGED, detail)
}
