//! Calls of tools.

use rusqlite::Row;

use super::{Conditions, Cursor, ViewPage, collect, limit, page, position, time};
use crate::views::model::{CallStatus, ToolCall};
use crate::views::{ViewError, Views};

/// Which calls of tools are wanted.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are the route's parameters")]
pub struct ToolCallsQuery {
    pub workspace_id: String,
    pub run_id: Option<String>,
    pub agent_id: Option<String>,
    pub tool_name: Option<String>,
    pub status: Option<CallStatus>,
    pub cursor: Option<Cursor>,
    pub count_max: usize,
}

impl Views {
    /// Calls of tools, newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub fn tool_calls(&self, query: &ToolCallsQuery) -> Result<ViewPage<ToolCall>, ViewError> {
        let mut conditions = Conditions::default();
        conditions.add("runs.workspace_id = ?", query.workspace_id.clone());
        conditions.add_if("runs.run_id = ?", query.run_id.clone());
        conditions.add_if("calls.agent_id = ?", query.agent_id.clone());
        conditions.add_if("calls.name = ?", query.tool_name.clone());
        conditions
            .add_if("calls.status = ?", query.status.map(|status| status.as_str().to_owned()));
        conditions.add_cursor(query.cursor.as_ref(), "calls.first_position, calls.id", "<");
        let sql = format!(
            "SELECT calls.call_id, runs.run_id, calls.agent_id, calls.name, calls.title, calls.status, \
               calls.started_us, calls.ended_us, calls.duration_ms, calls.start_position, \
               calls.end_position, calls.error, calls.first_position, calls.id \
             FROM calls JOIN runs ON runs.id = calls.run WHERE calls.kind = 'tool' AND {} \
             ORDER BY calls.first_position DESC, calls.id DESC LIMIT {}",
            conditions.text(),
            limit(query.count_max) + 1
        );
        let read = |row: &Row<'_>| {
            let cursor = Cursor { key: row.get(12)?, id: row.get(13)? };
            Ok((read_tool_call(row)?, cursor))
        };
        let rows = self.shared()?.storage.read(|db| collect(db, &sql, conditions.params, read))?;
        Ok(page(rows, query.count_max))
    }
}

fn read_tool_call(row: &Row<'_>) -> rusqlite::Result<ToolCall> {
    let status: String = row.get(5)?;
    Ok(ToolCall {
        tool_call_id: row.get(0)?,
        run_id: row.get(1)?,
        agent_id: row.get(2)?,
        tool_name: row.get(3)?,
        title: row.get(4)?,
        status: CallStatus::from_word(&status).unwrap_or(CallStatus::Open),
        started_at: time(row.get(6)?),
        ended_at: time(row.get(7)?),
        duration_ms: row.get(8)?,
        start_position: row.get::<_, Option<i64>>(9)?.map(position),
        end_position: row.get::<_, Option<i64>>(10)?.map(position),
        error: row.get(11)?,
    })
}
