//! A row of `run_agents`: an agent's part in one run, with its totals.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{Counts, Extent, Moment, count_columns};

/// What an agent is to an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::views) enum AgentPart {
    /// The event is by it.
    Actor,
    /// The event is about it.
    Subject,
}

/// A row of `run_agents`.
#[derive(Debug, Clone)]
pub(in crate::views) struct AgentRow {
    id: i64,
    pub(in crate::views) name: Option<String>,
    pub(in crate::views) agent_type: Option<String>,
    pub(in crate::views) parent_agent_id: Option<String>,
    pub(in crate::views) status: String,
    pub(in crate::views) extent: Extent,
    pub(in crate::views) event_count: i64,
    pub(in crate::views) last_position: i64,
    pub(in crate::views) counts: Counts,
}

impl AgentRow {
    pub(in crate::views) fn load(
        db: &Connection,
        run: i64,
        agent_id: &str,
    ) -> rusqlite::Result<Option<Self>> {
        let sql = concat!(
            "SELECT id, name, agent_type, parent_agent_id, status, first_us, last_us, event_count, \
             last_position, is_time_assumed, ",
            count_columns!(),
            " FROM run_agents WHERE run = ?1 AND agent_id = ?2"
        );
        let read = |row: &Row<'_>| {
            Ok(Self {
                id: row.get(0)?,
                name: row.get(1)?,
                agent_type: row.get(2)?,
                parent_agent_id: row.get(3)?,
                status: row.get(4)?,
                extent: Extent {
                    first_us: row.get(5)?,
                    last_us: row.get(6)?,
                    is_assumed: row.get(9)?,
                },
                event_count: row.get(7)?,
                last_position: row.get(8)?,
                counts: Counts::read(row, 10)?,
            })
        };
        db.prepare_cached(sql)?.query_row(params![run, agent_id], read).optional()
    }

    /// Makes the row of an agent that an event is by or about.
    pub(in crate::views) fn create(
        db: &Connection,
        run: i64,
        agent_id: &str,
        moment: Moment,
        position: i64,
        part: AgentPart,
    ) -> rusqlite::Result<Self> {
        // One event makes two rows at most: its actor's, and that of the agent it is about.
        let id = position.saturating_mul(2).saturating_add(match part {
            AgentPart::Actor => 0,
            AgentPart::Subject => 1,
        });
        let sql = concat!(
            "INSERT INTO run_agents (id, run, agent_id, status, first_us, last_us, is_time_assumed, \
             event_count, first_position, last_position, ",
            count_columns!(),
            ") VALUES (?6, ?1, ?2, 'running', ?3, ?3, ?5, 0, ?4, ?4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)"
        );
        db.prepare_cached(sql)?.execute(params![
            run,
            agent_id,
            moment.at_us,
            position,
            moment.is_assumed,
            id
        ])?;
        Ok(Self {
            id,
            name: None,
            agent_type: None,
            parent_agent_id: None,
            status: "running".to_owned(),
            extent: Extent::new(moment),
            event_count: 0,
            last_position: position,
            counts: Counts::default(),
        })
    }

    pub(in crate::views) fn save(&self, db: &Connection) -> rusqlite::Result<()> {
        let sql = "UPDATE run_agents SET name = ?2, agent_type = ?3, parent_agent_id = ?4, status = ?5, \
             first_us = ?6, last_us = ?7, event_count = ?8, last_position = ?9, \
             is_time_assumed = ?10, model_calls = ?11, model_errors = ?12, tool_calls = ?13, \
             tool_errors = ?14, tool_open = ?15, input_tokens = ?16, output_tokens = ?17, \
             cache_read_tokens = ?18, cache_write_tokens = ?19, priced_calls = ?20, \
             computed_cost = ?21, stated_calls = ?22, stated_cost = ?23 WHERE id = ?1";
        let counts = &self.counts;
        db.prepare_cached(sql)?.execute(params![
            self.id,
            self.name,
            self.agent_type,
            self.parent_agent_id,
            self.status,
            self.extent.first_us,
            self.extent.last_us,
            self.event_count,
            self.last_position,
            self.extent.is_assumed,
            counts.model_calls,
            counts.model_errors,
            counts.tool_calls,
            counts.tool_errors,
            counts.tool_open,
            counts.tokens.input,
            counts.tokens.output,
            counts.tokens.cache_read,
            counts.tokens.cache_write,
            counts.priced_calls,
            counts.computed_cost,
            counts.stated_calls,
            counts.stated_cost,
        ])?;
        Ok(())
    }
}
