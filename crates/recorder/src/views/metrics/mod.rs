//! Metric series: the points that `metric.reported` events tell of, made into totals that survive
//! restarts of their sources and of this one.
//!
//! A series is a metric of a service with its attributes. Points that cannot be taken in are counted
//! by what is wrong with them, never passed over in silence.
//! What a point's body said is in its series alone, so a redaction folds the workspace's series again.

mod query;
mod state;

use std::collections::{BTreeMap, HashMap};

use annals_core::event::Event;
use annals_core::hash::sha256;
use annals_core::id::{EventType, Position, WorkspaceId};
use annals_core::limits::{METRIC_LABELS_BYTES_MAX, METRIC_SERIES_COUNT_MAX};
use annals_core::record::HeaderRef;
use annals_core::time::Timestamp;
use annals_store::contract::LogReader;
use annals_store::query::{PageLimit, Query, TypePattern};
use rusqlite::{Connection, OptionalExtension, params};
use serde::Deserialize;
use serde_json::Value;

pub use query::{MetricFault, MetricSeries, MetricSeriesPage, MetricsQuery};
pub use state::{Figure, Figures};
use state::{Point, Relation, State, Taken};

use super::ViewError;

/// The type of events that tell of points.
const POINT_TYPE: &str = "metric.reported";
/// Events that are folded again before their changes are written.
const PAGE_EVENTS_MAX: usize = 1_000;

/// Why a point was not taken in. The words are in the table and in answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum PointFault {
    /// It does not have what its kind needs.
    Malformed,
    /// It is no finite number, and would make every later sum none either.
    NotANumber,
    /// It does not say whether it is of the time since the last point or since the start.
    NoTemporality,
    /// A part of what only rises is negative.
    Negative,
    /// It tells of an earlier state than is known.
    Late,
    /// The workspace has as many series as it may have.
    TooManySeries,
    /// Its labels are longer than they may be.
    LabelsTooLong,
}

impl PointFault {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::NotANumber => "not_a_number",
            Self::NoTemporality => "no_temporality",
            Self::Negative => "negative",
            Self::Late => "late",
            Self::TooManySeries => "too_many_series",
            Self::LabelsTooLong => "labels_too_long",
        }
    }
}

/// The payload of an event that tells of a point, as far as it is wanted here.
#[derive(Debug, Deserialize)]
struct Told {
    name: String,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    unit: Option<String>,
    #[serde(default)]
    kind: Option<String>,
    #[serde(default)]
    temporality: Option<String>,
    #[serde(default)]
    monotonic: Option<bool>,
    #[serde(default)]
    attributes: BTreeMap<String, Value>,
    #[serde(default)]
    resource: BTreeMap<String, Value>,
    #[serde(default)]
    value: Option<Value>,
    #[serde(default)]
    count: Option<u64>,
    #[serde(default)]
    sum: Option<Value>,
    #[serde(default)]
    bounds: Vec<f64>,
    #[serde(default)]
    bucket_counts: Vec<u64>,
    #[serde(default)]
    start_at: Option<String>,
    #[serde(default)]
    at: Option<String>,
}

/// What tells a series from all others of its workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Labels {
    name: String,
    unit: String,
    kind: &'static str,
    is_monotonic: bool,
    service: String,
    instance: String,
    /// JSON with sorted keys.
    attributes: String,
}

impl Labels {
    fn of(told: &Told, kind: &'static str) -> Result<Self, PointFault> {
        let of_resource = |name: &str| match told.resource.get(name) {
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None => String::new(),
        };
        let labels = Self {
            name: told.name.clone(),
            unit: told.unit.clone().unwrap_or_default(),
            kind,
            is_monotonic: told.monotonic.unwrap_or(false),
            service: of_resource("service.name"),
            instance: of_resource("service.instance.id"),
            attributes: serde_json::to_string(&told.attributes)
                .map_err(|_| PointFault::Malformed)?,
        };
        let parts =
            [&labels.name, &labels.unit, &labels.service, &labels.instance, &labels.attributes];
        let byte_count: usize = parts.iter().map(|part| part.len()).sum();
        if byte_count > METRIC_LABELS_BYTES_MAX {
            return Err(PointFault::LabelsTooLong);
        }
        Ok(labels)
    }

    fn key(&self) -> [u8; 32] {
        let flag = [u8::from(self.is_monotonic)];
        let parts: [&[u8]; 7] = [
            self.name.as_bytes(),
            self.unit.as_bytes(),
            self.kind.as_bytes(),
            &flag,
            self.service.as_bytes(),
            self.instance.as_bytes(),
            self.attributes.as_bytes(),
        ];
        let lengths: Vec<u8> =
            parts.iter().flat_map(|part| (part.len() as u64).to_le_bytes()).collect();
        let mut all: Vec<&[u8]> = vec![&lengths];
        all.extend(parts);
        *sha256(&all).as_bytes()
    }
}

/// A row of `metric_series`.
#[derive(Debug)]
struct Series {
    id: i64,
    is_stored: bool,
    labels: Labels,
    description: Option<String>,
    state: State,
    first_us: i64,
    last_us: i64,
    point_count: i64,
}

#[derive(Debug, Default)]
struct OfWorkspace {
    series: HashMap<[u8; 32], Series>,
    /// How many series the workspace has, counted when a new one is to be made.
    series_count: Option<usize>,
    faults: BTreeMap<PointFault, i64>,
}

/// Folds the points of one batch.
pub(super) struct MetricFold<'a> {
    db: &'a Connection,
    workspaces: HashMap<String, OfWorkspace>,
}

impl<'a> MetricFold<'a> {
    pub(super) fn new(db: &'a Connection) -> Self {
        Self { db, workspaces: HashMap::new() }
    }

    /// Takes in one event. All but those that tell of points change nothing.
    pub(super) fn apply(&mut self, event: &Event, header: &HeaderRef<'_>) -> rusqlite::Result<()> {
        // A body that was erased says nothing any more, which is no fault of its point.
        if header.event_type != POINT_TYPE || event.is_erased() {
            return Ok(());
        }
        let workspace_id = header.workspace_id;
        if !self.workspaces.contains_key(workspace_id) {
            self.workspaces.insert(workspace_id.to_owned(), OfWorkspace::default());
        }
        let told = serde_json::from_str::<Told>(event.data()).map_err(|_| PointFault::Malformed);
        let read = told.and_then(|told| read(told, header.occurred_at));
        let position = i64::try_from(header.position.get()).unwrap_or(i64::MAX);
        let taken = match read {
            Ok(read) => self.take(workspace_id, read, position)?,
            Err(fault) => Err(fault),
        };
        if let Err(fault) = taken
            && let Some(workspace) = self.workspaces.get_mut(workspace_id)
        {
            *workspace.faults.entry(fault).or_default() += 1;
        }
        Ok(())
    }

    fn take(
        &mut self,
        workspace_id: &str,
        read: Read,
        position: i64,
    ) -> rusqlite::Result<Result<(), PointFault>> {
        let Read { labels, description, point } = read;
        let Some(workspace) = self.workspaces.get_mut(workspace_id) else { return Ok(Ok(())) };
        let key = labels.key();
        if !workspace.series.contains_key(&key) {
            let series = match Series::load(self.db, workspace_id, &key, &labels)? {
                Some(series) => series,
                None => {
                    let count = match workspace.series_count {
                        Some(count) => count,
                        None => count_series(self.db, workspace_id)? + workspace.new_series(),
                    };
                    if count >= METRIC_SERIES_COUNT_MAX {
                        workspace.series_count = Some(count);
                        return Ok(Err(PointFault::TooManySeries));
                    }
                    workspace.series_count = Some(count + 1);
                    Series::new(position, labels, point.at_us)
                }
            };
            workspace.series.insert(key, series);
        }
        let Some(series) = workspace.series.get_mut(&key) else { return Ok(Ok(())) };
        series.description = description.or_else(|| series.description.take());
        series.first_us = series.first_us.min(point.at_us);
        series.last_us = series.last_us.max(point.at_us);
        series.point_count += 1;
        Ok(match series.state.take(point) {
            Taken::Yes => Ok(()),
            Taken::Late => Err(PointFault::Late),
        })
    }

    /// Writes all changes.
    pub(super) fn save(self) -> rusqlite::Result<()> {
        for (workspace_id, workspace) in &self.workspaces {
            let mut series: Vec<_> = workspace.series.iter().collect();
            series.sort_unstable_by_key(|(_, series)| series.id);
            series.iter().try_for_each(|(key, one)| one.save(self.db, workspace_id, key))?;
            let sql = "INSERT INTO metric_faults (workspace_id, fault, point_count) \
                 VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET \
                 point_count = point_count + excluded.point_count";
            for (fault, count) in &workspace.faults {
                let params = params![workspace_id, fault.as_str(), count];
                self.db.prepare_cached(sql)?.execute(params)?;
            }
        }
        Ok(())
    }
}

impl OfWorkspace {
    fn new_series(&self) -> usize {
        self.series.values().filter(|series| !series.is_stored).count()
    }
}

fn count_series(db: &Connection, workspace_id: &str) -> rusqlite::Result<usize> {
    let sql = "SELECT count(*) FROM metric_series WHERE workspace_id = ?1";
    let count: i64 = db.prepare_cached(sql)?.query_row([workspace_id], |row| row.get(0))?;
    Ok(usize::try_from(count).unwrap_or(usize::MAX))
}

impl Series {
    fn new(position: i64, labels: Labels, at_us: i64) -> Self {
        Self {
            id: position,
            is_stored: false,
            labels,
            description: None,
            state: State::default(),
            first_us: at_us,
            last_us: at_us,
            point_count: 0,
        }
    }

    fn load(
        db: &Connection,
        workspace_id: &str,
        key: &[u8; 32],
        labels: &Labels,
    ) -> rusqlite::Result<Option<Self>> {
        let sql = "SELECT id, description, state, first_us, last_us, point_count \
             FROM metric_series WHERE workspace_id = ?1 AND key = ?2";
        db.prepare_cached(sql)?
            .query_row(params![workspace_id, key], |row| {
                Ok(Self {
                    id: row.get(0)?,
                    is_stored: true,
                    labels: labels.clone(),
                    description: row.get(1)?,
                    state: read_state(row, 2)?,
                    first_us: row.get(3)?,
                    last_us: row.get(4)?,
                    point_count: row.get(5)?,
                })
            })
            .optional()
    }

    fn save(&self, db: &Connection, workspace_id: &str, key: &[u8; 32]) -> rusqlite::Result<()> {
        let sql = "INSERT INTO metric_series (id, workspace_id, key, name, unit, kind, \
             is_monotonic, service, instance, attributes, description, state, first_us, last_us, \
             point_count) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15) \
             ON CONFLICT (workspace_id, key) DO UPDATE SET description = excluded.description, \
             state = excluded.state, first_us = excluded.first_us, last_us = excluded.last_us, \
             point_count = excluded.point_count";
        let state = serde_json::to_string(&self.state)
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
        let labels = &self.labels;
        db.prepare_cached(sql)?.execute(params![
            self.id,
            workspace_id,
            key,
            labels.name,
            labels.unit,
            labels.kind,
            labels.is_monotonic,
            labels.service,
            labels.instance,
            labels.attributes,
            self.description,
            state,
            self.first_us,
            self.last_us,
            self.point_count,
        ])?;
        Ok(())
    }
}

fn read_state(row: &rusqlite::Row<'_>, index: usize) -> rusqlite::Result<State> {
    let text: String = row.get(index)?;
    serde_json::from_str(&text).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(index, rusqlite::types::Type::Text, error.into())
    })
}

/// A point, and the series that it is of.
struct Read {
    labels: Labels,
    description: Option<String>,
    point: Point,
}

fn read(told: Told, occurred_at: Timestamp) -> Result<Read, PointFault> {
    let kind = match told.kind.as_deref() {
        None | Some("gauge") => "gauge",
        Some("sum") => "sum",
        Some("histogram") => "histogram",
        Some("exponential_histogram") => "exponential_histogram",
        Some("summary") => "summary",
        Some(_) => return Err(PointFault::Malformed),
    };
    let only_rises = kind != "sum" || told.monotonic == Some(true);
    let relation = match (kind, told.temporality.as_deref()) {
        ("gauge", _) => Relation::Latest,
        ("summary", _) => Relation::Cumulative,
        (_, Some("delta")) => Relation::Delta,
        (_, Some("cumulative")) if only_rises => Relation::Cumulative,
        (_, Some("cumulative")) => Relation::Latest,
        _ => return Err(PointFault::NoTemporality),
    };
    let figures = figures(&told, kind)?;
    let is_summed = relation != Relation::Latest;
    let numbers = || [figures.value, figures.sum].into_iter().flatten();
    if is_summed && !numbers().all(Figure::is_finite) {
        return Err(PointFault::NotANumber);
    }
    if is_summed && only_rises && figures.value.is_some_and(|value| value.as_f64() < 0.0) {
        return Err(PointFault::Negative);
    }
    let micros = |text: &Option<String>| match text {
        None => Ok(None),
        Some(text) => Timestamp::parse(text)
            .map(|parsed| Some(parsed.at.as_micros()))
            .map_err(|_| PointFault::Malformed),
    };
    let point = Point {
        relation,
        start_us: micros(&told.start_at)?.unwrap_or(0),
        at_us: micros(&told.at)?.unwrap_or_else(|| occurred_at.as_micros()),
        figures,
    };
    Ok(Read { labels: Labels::of(&told, kind)?, description: told.description, point })
}

fn figures(told: &Told, kind: &str) -> Result<Figures, PointFault> {
    let number = |value: &Option<Value>| match value {
        None | Some(Value::Null) => Ok(None),
        Some(value) => Figure::of(value).map(Some).ok_or(PointFault::Malformed),
    };
    if matches!(kind, "gauge" | "sum") {
        let value = number(&told.value)?.ok_or(PointFault::Malformed)?;
        return Ok(Figures { value: Some(value), ..Figures::default() });
    }
    let is_sorted = told.bounds.is_sorted_by(|one, other| one < other);
    let fits = told.bucket_counts.is_empty() || told.bucket_counts.len() == told.bounds.len() + 1;
    if !is_sorted || !fits {
        return Err(PointFault::Malformed);
    }
    let has_buckets = !told.bucket_counts.is_empty();
    Ok(Figures {
        value: None,
        count: Some(told.count.ok_or(PointFault::Malformed)?),
        sum: number(&told.sum)?,
        bounds: if has_buckets { told.bounds.clone() } else { Vec::new() },
        buckets: told.bucket_counts.clone(),
    })
}

/// The workspace whose series an event is part of.
pub(super) fn workspace_of_point(event: &Event) -> Option<WorkspaceId> {
    let header = event.header();
    (header.event_type == POINT_TYPE).then(|| header.workspace_id.parse().ok()).flatten()
}

/// Makes all series of a workspace anew from the log, up to a position.
pub(super) fn refold(
    db: &Connection,
    reader: &dyn LogReader,
    workspace_id: &WorkspaceId,
    reached: Position,
) -> Result<(), ViewError> {
    for sql in [
        "DELETE FROM metric_series WHERE workspace_id = ?1",
        "DELETE FROM metric_faults WHERE workspace_id = ?1",
    ] {
        db.execute(sql, [workspace_id.as_str()])?;
    }
    let points = EventType::parse(POINT_TYPE).map(TypePattern::Exact);
    let mut query = Query {
        workspace_id: Some(workspace_id.clone()),
        event_types: points.into_iter().collect(),
        before_position: Some(reached.next()),
        ..Query::default()
    };
    loop {
        let page = reader.scan(&query, PageLimit::events(PAGE_EVENTS_MAX))?;
        let mut fold = MetricFold::new(db);
        for event in &page.events {
            fold.apply(event, &event.header())?;
        }
        fold.save()?;
        match page.next {
            Some(next) => query.after_position = next,
            None => return Ok(()),
        }
    }
}
