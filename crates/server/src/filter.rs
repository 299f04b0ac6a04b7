//! From query parameters to a query of the log: the filters that pages and tails share.

use annals_api::{reason, routes};
use annals_core::catalog::Catalog;
use annals_core::dialect::{NamedWriter, writers};
use annals_core::envelope::StreamKey;
use annals_core::hash::Digest;
use annals_core::id::{EventType, IdError, Position, Seq, StreamType, WorkspaceId};
use annals_core::time::Timestamp;
use annals_store::query::{Filter, Order, Origin, PageLimit, Query, TypePattern};
use axum::http::Uri;

use crate::cursor;
use crate::params::{Params, invalid};
use crate::problem::ApiProblem;

/// The filters that both pages and tails take.
pub(crate) const FILTER_PARAMETERS: [&str; 12] = [
    "event_type",
    "category",
    "origin",
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

/// What events that came in no foreign format are counted and filtered under.
pub(crate) const NATIVE: &str = annals_recorder::views::NATIVE;

/// Reads the filters of a request into a query of the caller's workspace.
pub(crate) fn query(
    catalog: &Catalog,
    workspace_id: &WorkspaceId,
    params: &Params,
) -> Result<Query, ApiProblem> {
    Ok(Query {
        workspace_id: Some(workspace_id.clone()),
        filters: filters(params)?,
        event_types: event_types(catalog, params)?,
        origins: origins(params)?,
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
fn event_types(catalog: &Catalog, params: &Params) -> Result<Vec<TypePattern>, ApiProblem> {
    let patterns = params
        .all("event_type")
        .map(|text| TypePattern::parse(text).map_err(|error| invalid("event_type", error)))
        .collect::<Result<Vec<_>, _>>()?;
    let Some(category) = params.one("category")? else {
        return Ok(patterns);
    };
    let entries = catalog.entries();
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

/// Where the wanted events came from: dialects, or `native` for those that came in none.
fn origins(params: &Params) -> Result<Vec<Origin>, ApiProblem> {
    let origin = |text: &str| match text {
        NATIVE => Ok(Origin::Native),
        name => {
            name.parse().map(Origin::Dialect).map_err(|error: IdError| invalid("origin", error))
        }
    };
    params.all("origin").map(origin).collect()
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

/// How events are wanted: as readers see them, as documents of a foreign format where they have such
/// a form, or as their stored bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum EventShape {
    Envelope,
    Foreign(&'static NamedWriter),
    Record,
}

/// Reads `as` and `dialect`.
pub(crate) fn shape(params: &Params) -> Result<EventShape, ApiProblem> {
    match (params.one("as")?, dialect(params)?) {
        (None, None) => Ok(EventShape::Envelope),
        (None, Some(writer)) => Ok(EventShape::Foreign(writer)),
        (Some("record"), None) => Ok(EventShape::Record),
        (Some("record"), Some(_)) => Err(invalid("as", "stored bytes have no dialect")),
        (Some(_), _) => Err(invalid("as", "it can only be record")),
    }
}

/// Reads `dialect`: the foreign format that events are wanted in.
pub(crate) fn dialect(params: &Params) -> Result<Option<&'static NamedWriter>, ApiProblem> {
    let Some(name) = params.one("dialect")? else { return Ok(None) };
    let found = writers().iter().find(|writer| writer.name == name);
    found.map(Some).ok_or_else(|| {
        let known: Vec<_> = writers().iter().map(|writer| writer.name).collect();
        invalid("dialect", format!("it can be {}", known.join(", ")))
    })
}

const PAGE_PARAMETERS: [&str; 9] =
    ["from_seq", "after_position", "since", "until", "order", "limit", "cursor", "as", "dialect"];

/// A page of events as a request asks for it.
#[derive(Debug)]
pub(crate) struct PageQuestion {
    pub(crate) query: Query,
    /// The first wanted event of a stream.
    pub(crate) from: Option<(StreamKey, Seq)>,
    pub(crate) limit: PageLimit,
    pub(crate) shape: EventShape,
    /// What cursors of its pages are sealed to.
    pub(crate) seal: Digest,
}

impl PageQuestion {
    pub(crate) fn read(
        catalog: &Catalog,
        workspace_id: &WorkspaceId,
        uri: &Uri,
    ) -> Result<Self, ApiProblem> {
        let allowed: Vec<&str> =
            FILTER_PARAMETERS.iter().chain(&PAGE_PARAMETERS).copied().collect();
        let params = Params::read(uri, &allowed)?;
        let seal = params.question(routes::EVENTS, workspace_id.as_str());
        let mut query = query(catalog, workspace_id, &params)?;
        query.order = order(&params)?;
        query.since = time(&params, "since")?;
        query.until = time(&params, "until")?;
        query.after_position = Position(params.parsed("after_position")?.unwrap_or(0));
        let from = from_seq(&params)?;
        let place = params.one("cursor")?.map(|text| cursor::decode(text, &seal)).transpose()?;
        if let Some(place) = place.map(|place| Position(place.major)) {
            match query.order {
                Order::Asc => query.after_position = query.after_position.max(place),
                Order::Desc => query.before_position = Some(place),
            }
        }
        let limit = PageLimit::events(params.limit()?);
        Ok(Self { query, from, limit, shape: shape(&params)?, seal })
    }
}

fn from_seq(params: &Params) -> Result<Option<(StreamKey, Seq)>, ApiProblem> {
    let Some(seq) = params.parsed::<u64>("from_seq")? else { return Ok(None) };
    match stream(params)? {
        _ if seq == 0 => Err(invalid("from_seq", "it is the first wanted seq, from 1")),
        Some(stream) => Ok(Some((stream, Seq(seq)))),
        None => Err(invalid("from_seq", "it needs `stream_type` and `stream_id` beside it")),
    }
}

/// A resume point that the log does not have.
pub(crate) fn diverged(detail: String) -> ApiProblem {
    ApiProblem::new(reason::HISTORY_DIVERGED, detail)
}
