//! The time picture of a run.

use annals_core::time::Timestamp;
use rusqlite::{Row, params};

use super::{Cursor, ViewPage, limit, page, position, time};
use crate::views::model::{CallStatus, Span, SpanKind, Tokens};
use crate::views::{ViewError, Views};

/// Which spans of a run are wanted.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are the route's parameters")]
pub struct SpansQuery {
    pub workspace_id: String,
    pub run_id: String,
    pub cursor: Option<Cursor>,
    pub count_max: usize,
}

impl Views {
    /// The time picture of a run, in the order in which its pieces were first heard of.
    ///
    /// # Errors
    /// When the database fails.
    pub fn spans(&self, query: &SpansQuery) -> Result<ViewPage<Span>, ViewError> {
        let sql = "WITH chosen AS (SELECT id FROM runs WHERE workspace_id = ?1 AND run_id = ?2) \
             SELECT * FROM ( \
               SELECT kind, call_id, coalesce(name, kind) AS name, title, agent_id, \
                 coalesce(started_us, ended_us - coalesce(duration_ms, 0) * 1000) AS from_us, ended_us, \
                 duration_ms, status, first_position, end_position, \
                 input_tokens, output_tokens, cache_read_tokens, cache_write_tokens \
               FROM calls WHERE run = (SELECT id FROM chosen) AND first_position > ?3 \
                 AND (kind = 'tool' OR kind = 'model' AND parts & 1) \
               UNION ALL \
               SELECT 'message', CAST(position AS TEXT), name, NULL, agent_id, at_us, at_us, 0, 'ok', \
                 position, position, 0, 0, 0, 0 \
               FROM marks WHERE run = (SELECT id FROM chosen) AND position > ?3 \
             ) ORDER BY first_position LIMIT ?4";
        let after = query.cursor.as_ref().map_or(0, |cursor| cursor.key);
        let rows = self.shared()?.storage.read(|db| {
            let mut statement = db.prepare_cached(sql)?;
            let params =
                params![query.workspace_id, query.run_id, after, limit(query.count_max) + 1];
            statement.query_map(params, read_span)?.collect::<Result<Vec<_>, _>>()
        })?;
        Ok(page(rows, query.count_max))
    }
}

fn read_span(row: &Row<'_>) -> rusqlite::Result<(Span, Cursor)> {
    let kind = match row.get::<_, String>(0)?.as_str() {
        "model" => SpanKind::Model,
        "tool" => SpanKind::Tool,
        _ => SpanKind::Message,
    };
    let status: String = row.get(8)?;
    let start: i64 = row.get(9)?;
    let tokens = Tokens {
        input: row.get(11)?,
        output: row.get(12)?,
        cache_read: row.get(13)?,
        cache_write: row.get(14)?,
    };
    let span = Span {
        span_id: row.get(1)?,
        kind,
        name: row.get(2)?,
        title: row.get(3)?,
        agent_id: row.get(4)?,
        started_at: Timestamp::from_micros(row.get::<_, Option<i64>>(5)?.unwrap_or(0)),
        ended_at: time(row.get(6)?),
        duration_ms: row.get(7)?,
        status: CallStatus::from_word(&status).unwrap_or(CallStatus::Open),
        start_position: position(start),
        end_position: row.get::<_, Option<i64>>(10)?.map(position),
        tokens: (kind == SpanKind::Model).then_some(tokens),
    };
    Ok((span, Cursor { key: start, id: 0 }))
}
