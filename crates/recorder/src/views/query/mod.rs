//! Reading the views: pages with cursors that stay right while the tables grow.

mod agents;
mod runs;
mod spans;
mod tool_calls;
mod usage;

use annals_core::id::Position;
use annals_core::time::Timestamp;
use rusqlite::types::Value;
use rusqlite::{Connection, Row, params_from_iter};

use super::model::Cost;
use super::rows::Counts;

pub use agents::AgentsQuery;
pub use runs::RunsQuery;
pub use spans::SpansQuery;
pub use tool_calls::ToolCallsQuery;
pub use usage::{UsageGroup, UsageQuery};

/// Where a page ended; opaque to readers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// The order's value of the last row.
    pub key: i64,
    /// What tells rows with the same value apart.
    pub id: i64,
}

/// Some rows and where to go on.
#[derive(Debug, Clone)]
pub struct ViewPage<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// Where the next page starts; none at the end.
    pub next: Option<Cursor>,
}

/// Conditions and their parameters, joined by AND.
#[derive(Default)]
struct Conditions {
    sql: Vec<String>,
    params: Vec<Value>,
}

impl Conditions {
    /// Adds a condition; `?` in it stands for the value.
    fn add(&mut self, sql: &str, value: impl Into<Value>) {
        self.params.push(value.into());
        self.sql.push(sql.replace('?', &format!("?{}", self.params.len())));
    }

    fn add_if(&mut self, sql: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.add(sql, value);
        }
    }

    /// Adds the condition that continues after a cursor in `(key, id)` order.
    fn add_cursor(&mut self, cursor: Option<&Cursor>, columns: &str, comparison: &str) {
        if let Some(cursor) = cursor {
            self.params.push(cursor.key.into());
            self.params.push(cursor.id.into());
            let count = self.params.len();
            self.sql.push(format!("({columns}) {comparison} (?{}, ?{count})", count - 1));
        }
    }

    fn text(&self) -> String {
        self.sql.join(" AND ")
    }
}

pub(in crate::views) fn limit(count_max: usize) -> i64 {
    i64::try_from(count_max).unwrap_or(i64::MAX)
}

fn like(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    format!("%{escaped}%")
}

/// Ends a page: one row more than asked for tells that there is a next one.
pub(in crate::views) fn page<T>(mut rows: Vec<(T, Cursor)>, count_max: usize) -> ViewPage<T> {
    let has_more = rows.len() > count_max;
    rows.truncate(count_max);
    let next = rows.last().filter(|_| has_more).map(|(_, cursor)| cursor.clone());
    ViewPage { rows: rows.into_iter().map(|(row, _)| row).collect(), next }
}

fn position(number: i64) -> Position {
    Position(u64::try_from(number).unwrap_or(0))
}

fn time(micros: Option<i64>) -> Option<Timestamp> {
    micros.map(Timestamp::from_micros)
}

fn cost(counts: &Counts) -> Cost {
    Cost {
        vendor: (counts.stated_calls > 0).then_some(counts.stated_cost),
        computed: (counts.priced_calls > 0).then_some(counts.computed_cost),
    }
}

fn collect<T>(
    db: &Connection,
    sql: &str,
    params: Vec<Value>,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    let mut statement = db.prepare_cached(sql)?;
    statement.query_map(params_from_iter(params), read)?.collect()
}
