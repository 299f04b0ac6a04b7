//! Reading metric series.

use std::collections::BTreeMap;

use annals_core::time::Timestamp;
use rusqlite::{Connection, Row, params};

use super::read_state;
use super::state::Figures;
use crate::views::query::{Cursor, limit, page};
use crate::views::{ViewError, ViewPage, Views};

/// A series with what its points came to.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "the names say it; docs/formats/views.md has the rest")]
pub struct MetricSeries {
    pub name: String,
    pub description: Option<String>,
    pub unit: String,
    /// gauge, sum, histogram, `exponential_histogram` or summary.
    pub kind: String,
    /// Of a sum: whether it only rises.
    pub is_monotonic: bool,
    /// The service that measured, and which of its instances; empty where not told.
    pub service: String,
    pub instance: String,
    pub attributes: BTreeMap<String, serde_json::Value>,
    pub figures: Figures,
    pub first_at: Timestamp,
    pub last_at: Timestamp,
    pub points: i64,
}

/// Which series are wanted.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are the route's parameters")]
pub struct MetricsQuery {
    pub workspace_id: String,
    pub name: Option<String>,
    pub cursor: Option<Cursor>,
    pub count_max: usize,
}

/// Points that were not taken in, by what is wrong with them.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it; docs/formats/views.md has the rest")]
pub struct MetricFault {
    pub fault: String,
    pub points: i64,
}

/// Some series, and the faults of all points of the workspace.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the names say it")]
pub struct MetricSeriesPage {
    pub page: ViewPage<MetricSeries>,
    pub faults: Vec<MetricFault>,
}

impl Views {
    /// Metric series, in the order in which they were first heard of.
    ///
    /// # Errors
    /// When the database fails.
    pub fn metric_series(&self, query: &MetricsQuery) -> Result<MetricSeriesPage, ViewError> {
        let after = query.cursor.as_ref().map_or(0, |cursor| cursor.key);
        let rows = self.shared()?.storage.read(|db| {
            let sql = "SELECT id, name, description, unit, kind, is_monotonic, service, instance, \
                 attributes, state, first_us, last_us, point_count FROM metric_series \
                 WHERE workspace_id = ?1 AND id > ?2 AND (?3 IS NULL OR name = ?3) \
                 ORDER BY id LIMIT ?4";
            let params = params![query.workspace_id, after, query.name, limit(query.count_max) + 1];
            let mut statement = db.prepare_cached(sql)?;
            let rows = statement.query_map(params, read_series)?.collect::<Result<Vec<_>, _>>()?;
            Ok((rows, read_faults(db, &query.workspace_id)?))
        })?;
        let (rows, faults) = rows;
        Ok(MetricSeriesPage { page: page(rows, query.count_max), faults })
    }
}

fn read_series(row: &Row<'_>) -> rusqlite::Result<(MetricSeries, Cursor)> {
    let attributes: String = row.get(8)?;
    let series = MetricSeries {
        name: row.get(1)?,
        description: row.get(2)?,
        unit: row.get(3)?,
        kind: row.get(4)?,
        is_monotonic: row.get(5)?,
        service: row.get(6)?,
        instance: row.get(7)?,
        // Written from such a map, so it is one.
        attributes: serde_json::from_str(&attributes).unwrap_or_default(),
        figures: read_state(row, 9)?.total(),
        first_at: Timestamp::from_micros(row.get(10)?),
        last_at: Timestamp::from_micros(row.get(11)?),
        points: row.get(12)?,
    };
    Ok((series, Cursor { key: row.get(0)?, id: 0 }))
}

fn read_faults(db: &Connection, workspace_id: &str) -> rusqlite::Result<Vec<MetricFault>> {
    let sql = "SELECT fault, point_count FROM metric_faults WHERE workspace_id = ?1 ORDER BY fault";
    let mut statement = db.prepare_cached(sql)?;
    let rows = statement.query_map([workspace_id], |row| {
        Ok(MetricFault { fault: row.get(0)?, points: row.get(1)? })
    })?;
    rows.collect()
}
