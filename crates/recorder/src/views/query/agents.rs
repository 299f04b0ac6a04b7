//! Agents over all their runs.

use annals_core::time::Timestamp;
use rusqlite::Row;

use super::{Conditions, Cursor, ViewPage, collect, cost, like, limit, page};
use crate::views::model::AgentTotals;
use crate::views::rows::Counts;
use crate::views::{ViewError, Views};

/// Which agents are wanted.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are the route's parameters")]
pub struct AgentsQuery {
    pub workspace_id: String,
    /// Part of an agent's id.
    pub text: Option<String>,
    pub cursor: Option<Cursor>,
    pub count_max: usize,
}

const AGENT_SUMS: &str = "sum(run_agents.model_calls) AS model_calls, sum(run_agents.model_errors) AS model_errors, \
    sum(run_agents.tool_calls) AS tool_calls, sum(run_agents.tool_errors) AS tool_errors, \
    sum(run_agents.tool_open) AS tool_open, sum(run_agents.input_tokens) AS input_tokens, \
    sum(run_agents.output_tokens) AS output_tokens, sum(run_agents.cache_read_tokens) AS cache_read_tokens, \
    sum(run_agents.cache_write_tokens) AS cache_write_tokens, sum(run_agents.priced_calls) AS priced_calls, \
    sum(run_agents.computed_cost) AS computed_cost, sum(run_agents.stated_calls) AS stated_calls, \
    sum(run_agents.stated_cost) AS stated_cost";

impl Views {
    /// Agents over all their runs, by their last activity.
    ///
    /// # Errors
    /// When the database fails.
    pub fn agents(&self, query: &AgentsQuery) -> Result<ViewPage<AgentTotals>, ViewError> {
        let mut conditions = Conditions::default();
        conditions.add("runs.workspace_id = ?", query.workspace_id.clone());
        conditions.add_if("agent_id LIKE ? ESCAPE '\\'", query.text.as_deref().map(like));
        let inner = conditions.text();
        let mut outer = Conditions { sql: vec!["1".to_owned()], params: conditions.params };
        outer.add_cursor(query.cursor.as_ref(), "last_us, newest", "<");
        let sql = format!(
            "SELECT agent_id, runs, events, first_us, last_us, \
               (SELECT run_id FROM runs WHERE runs.id = newest_run), newest, \
               model_calls, model_errors, tool_calls, tool_errors, tool_open, input_tokens, output_tokens, \
               cache_read_tokens, cache_write_tokens, priced_calls, computed_cost, stated_calls, stated_cost \
             FROM (SELECT agent_id, count(*) AS runs, sum(run_agents.event_count) AS events, \
               min(first_us) AS first_us, max(run_agents.last_us) AS last_us, run_agents.run AS newest_run, \
               max(run_agents.id) AS newest, {AGENT_SUMS} \
               FROM run_agents JOIN runs ON runs.id = run_agents.run WHERE {inner} GROUP BY agent_id) \
             WHERE {} ORDER BY last_us DESC, newest DESC LIMIT {}",
            outer.text(),
            limit(query.count_max) + 1
        );
        let read = |row: &Row<'_>| {
            let cursor = Cursor { key: row.get(4)?, id: row.get(6)? };
            Ok((read_agent(row)?, cursor))
        };
        let rows = self.shared()?.storage.read(|db| collect(db, &sql, outer.params, read))?;
        Ok(page(rows, query.count_max))
    }
}

fn read_agent(row: &Row<'_>) -> rusqlite::Result<AgentTotals> {
    let counts = Counts::read(row, 7)?;
    Ok(AgentTotals {
        agent_id: row.get(0)?,
        runs: row.get(1)?,
        events: row.get(2)?,
        model_calls: counts.model_calls,
        tool_calls: counts.tool_calls,
        tool_errors: counts.tool_errors,
        tokens: counts.tokens,
        cost: cost(&counts),
        first_at: Timestamp::from_micros(row.get(3)?),
        last_at: Timestamp::from_micros(row.get(4)?),
        last_run_id: row.get(5)?,
    })
}
