//! The rows that a fold changes: read on first touch, written once at the end of a batch.
//!
//! INVARIANT (ids are places): a row's id comes from the position of the event that made it, so that
//! the order of ids does not depend on when or how often the log was folded.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::model::{CallStatus, Tokens};

/// Totals over calls, kept on a run and on each agent's part in it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) model_calls: i64,
    pub(super) model_errors: i64,
    pub(super) tool_calls: i64,
    pub(super) tool_errors: i64,
    pub(super) tool_open: i64,
    pub(super) tokens: Tokens,
    pub(super) priced_calls: i64,
    pub(super) computed_cost: i64,
    pub(super) stated_calls: i64,
    pub(super) stated_cost: i64,
}

impl Counts {
    /// Takes one call's part out and puts its newer one in.
    pub(super) fn replace(&mut self, old: &Self, new: &Self) {
        self.model_calls += new.model_calls - old.model_calls;
        self.model_errors += new.model_errors - old.model_errors;
        self.tool_calls += new.tool_calls - old.tool_calls;
        self.tool_errors += new.tool_errors - old.tool_errors;
        self.tool_open += new.tool_open - old.tool_open;
        self.tokens.input += new.tokens.input - old.tokens.input;
        self.tokens.output += new.tokens.output - old.tokens.output;
        self.tokens.cache_read += new.tokens.cache_read - old.tokens.cache_read;
        self.tokens.cache_write += new.tokens.cache_write - old.tokens.cache_write;
        self.priced_calls += new.priced_calls - old.priced_calls;
        self.computed_cost += new.computed_cost - old.computed_cost;
        self.stated_calls += new.stated_calls - old.stated_calls;
        self.stated_cost += new.stated_cost - old.stated_cost;
    }

    /// Reads the thirteen columns that start at `first`.
    pub(super) fn read(row: &Row<'_>, first: usize) -> rusqlite::Result<Self> {
        Ok(Self {
            model_calls: row.get(first)?,
            model_errors: row.get(first + 1)?,
            tool_calls: row.get(first + 2)?,
            tool_errors: row.get(first + 3)?,
            tool_open: row.get(first + 4)?,
            tokens: Tokens {
                input: row.get(first + 5)?,
                output: row.get(first + 6)?,
                cache_read: row.get(first + 7)?,
                cache_write: row.get(first + 8)?,
            },
            priced_calls: row.get(first + 9)?,
            computed_cost: row.get(first + 10)?,
            stated_calls: row.get(first + 11)?,
            stated_cost: row.get(first + 12)?,
        })
    }
}

/// The columns of [`Counts`], in its order.
macro_rules! count_columns {
    () => {
        "model_calls, model_errors, tool_calls, tool_errors, tool_open, input_tokens, \
         output_tokens, cache_read_tokens, cache_write_tokens, priced_calls, computed_cost, \
         stated_calls, stated_cost"
    };
}
pub(super) use count_columns;

/// When something began and was last heard of.
///
/// Imported events that do not say when they happened carry the time of the import; such a time
/// stands only until an event says better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Extent {
    pub(super) first_us: i64,
    pub(super) last_us: i64,
    pub(super) is_assumed: bool,
}

impl Extent {
    pub(super) const fn new(moment: Moment) -> Self {
        Self { first_us: moment.at_us, last_us: moment.at_us, is_assumed: moment.is_assumed }
    }

    pub(super) fn include(&mut self, moment: Moment) {
        match (self.is_assumed, moment.is_assumed) {
            (true, false) => *self = Self::new(moment),
            (false, true) => {}
            (true, true) | (false, false) => {
                self.first_us = self.first_us.min(moment.at_us);
                self.last_us = self.last_us.max(moment.at_us);
            }
        }
    }
}

/// When an event happened, as far as is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment {
    pub(super) at_us: i64,
    pub(super) is_assumed: bool,
}

/// A row of `runs`.
#[derive(Debug, Clone)]
pub(super) struct RunRow {
    pub(super) id: i64,
    pub(super) title: Option<String>,
    pub(super) status: String,
    pub(super) source: Option<String>,
    pub(super) agent_name: Option<String>,
    pub(super) cwd: Option<String>,
    pub(super) model: Option<String>,
    pub(super) extent: Extent,
    pub(super) ended_us: Option<i64>,
    pub(super) stated_duration_ms: Option<i64>,
    pub(super) event_count: i64,
    pub(super) message_count: i64,
    pub(super) vendor_cost: Option<i64>,
    pub(super) error: Option<String>,
    pub(super) last_position: i64,
    pub(super) counts: Counts,
}

impl RunRow {
    pub(super) fn load(
        db: &Connection,
        workspace_id: &str,
        run_id: &str,
    ) -> rusqlite::Result<Option<Self>> {
        let sql = concat!(
            "SELECT id, title, status, source, agent_name, cwd, model, started_us, last_us, ended_us, \
             stated_duration_ms, event_count, message_count, vendor_cost, error, last_position, \
             is_time_assumed, ",
            count_columns!(),
            " FROM runs WHERE workspace_id = ?1 AND run_id = ?2"
        );
        db.prepare_cached(sql)?.query_row([workspace_id, run_id], Self::read).optional()
    }

    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            title: row.get(1)?,
            status: row.get(2)?,
            source: row.get(3)?,
            agent_name: row.get(4)?,
            cwd: row.get(5)?,
            model: row.get(6)?,
            extent: Extent {
                first_us: row.get(7)?,
                last_us: row.get(8)?,
                is_assumed: row.get(16)?,
            },
            ended_us: row.get(9)?,
            stated_duration_ms: row.get(10)?,
            event_count: row.get(11)?,
            message_count: row.get(12)?,
            vendor_cost: row.get(13)?,
            error: row.get(14)?,
            last_position: row.get(15)?,
            counts: Counts::read(row, 17)?,
        })
    }

    /// The id of a run's row.
    pub(super) fn id_of(
        db: &Connection,
        workspace_id: &str,
        run_id: &str,
    ) -> rusqlite::Result<Option<i64>> {
        let sql = "SELECT id FROM runs WHERE workspace_id = ?1 AND run_id = ?2";
        db.prepare_cached(sql)?.query_row([workspace_id, run_id], |row| row.get(0)).optional()
    }

    /// Makes the row at its first event, so that others can refer to its id.
    pub(super) fn create(
        db: &Connection,
        workspace_id: &str,
        run_id: &str,
        moment: Moment,
        position: i64,
    ) -> rusqlite::Result<Self> {
        let sql = concat!(
            "INSERT INTO runs (id, workspace_id, run_id, status, started_us, last_us, is_time_assumed, \
             event_count, message_count, first_position, last_position, ",
            count_columns!(),
            ") VALUES (?4, ?1, ?2, 'running', ?3, ?3, ?5, 0, 0, ?4, ?4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)"
        );
        db.prepare_cached(sql)?.execute(params![
            workspace_id,
            run_id,
            moment.at_us,
            position,
            moment.is_assumed
        ])?;
        Ok(Self {
            id: position,
            title: None,
            status: "running".to_owned(),
            source: None,
            agent_name: None,
            cwd: None,
            model: None,
            extent: Extent::new(moment),
            ended_us: None,
            stated_duration_ms: None,
            event_count: 0,
            message_count: 0,
            vendor_cost: None,
            error: None,
            last_position: position,
            counts: Counts::default(),
        })
    }

    pub(super) fn save(&self, db: &Connection) -> rusqlite::Result<()> {
        let sql = "UPDATE runs SET title = ?2, status = ?3, source = ?4, agent_name = ?5, cwd = ?6, \
             model = ?7, started_us = ?8, last_us = ?9, ended_us = ?10, stated_duration_ms = ?11, \
             event_count = ?12, message_count = ?13, vendor_cost = ?14, error = ?15, last_position = ?16, \
             is_time_assumed = ?17, model_calls = ?18, model_errors = ?19, tool_calls = ?20, \
             tool_errors = ?21, tool_open = ?22, input_tokens = ?23, output_tokens = ?24, \
             cache_read_tokens = ?25, cache_write_tokens = ?26, priced_calls = ?27, \
             computed_cost = ?28, stated_calls = ?29, stated_cost = ?30 WHERE id = ?1";
        let counts = &self.counts;
        db.prepare_cached(sql)?.execute(params![
            self.id,
            self.title,
            self.status,
            self.source,
            self.agent_name,
            self.cwd,
            self.model,
            self.extent.first_us,
            self.extent.last_us,
            self.ended_us,
            self.stated_duration_ms,
            self.event_count,
            self.message_count,
            self.vendor_cost,
            self.error,
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

/// What an agent is to an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AgentPart {
    /// The event is by it.
    Actor,
    /// The event is about it.
    Subject,
}

/// A row of `run_agents`.
#[derive(Debug, Clone)]
pub(super) struct AgentRow {
    id: i64,
    pub(super) name: Option<String>,
    pub(super) agent_type: Option<String>,
    pub(super) parent_agent_id: Option<String>,
    pub(super) status: String,
    pub(super) extent: Extent,
    pub(super) event_count: i64,
    pub(super) last_position: i64,
    pub(super) counts: Counts,
}

impl AgentRow {
    pub(super) fn load(
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
    pub(super) fn create(
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

    pub(super) fn save(&self, db: &Connection) -> rusqlite::Result<()> {
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

/// A row of `calls`.
#[derive(Debug, Clone)]
pub(super) struct CallRow {
    id: i64,
    is_stored: bool,
    pub(super) agent_id: String,
    pub(super) name: Option<String>,
    pub(super) title: Option<String>,
    pub(super) status: CallStatus,
    pub(super) started_us: Option<i64>,
    pub(super) ended_us: Option<i64>,
    pub(super) duration_ms: Option<i64>,
    pub(super) first_position: i64,
    pub(super) start_position: Option<i64>,
    pub(super) end_position: Option<i64>,
    pub(super) error: Option<String>,
    pub(super) is_counted: bool,
    pub(super) tokens: Tokens,
    pub(super) vendor_cost: Option<i64>,
    pub(super) computed_cost: Option<i64>,
}

impl CallRow {
    pub(super) fn new(agent_id: &str, position: i64) -> Self {
        Self {
            id: position,
            is_stored: false,
            agent_id: agent_id.to_owned(),
            name: None,
            title: None,
            status: CallStatus::Open,
            started_us: None,
            ended_us: None,
            duration_ms: None,
            first_position: position,
            start_position: None,
            end_position: None,
            error: None,
            is_counted: false,
            tokens: Tokens::default(),
            vendor_cost: None,
            computed_cost: None,
        }
    }

    pub(super) fn load(
        db: &Connection,
        run: i64,
        kind: &str,
        call_id: &str,
    ) -> rusqlite::Result<Option<Self>> {
        let sql = "SELECT id, agent_id, name, title, status, started_us, ended_us, duration_ms, \
             first_position, start_position, end_position, error, is_counted, input_tokens, output_tokens, \
             cache_read_tokens, cache_write_tokens, vendor_cost, computed_cost \
             FROM calls WHERE run = ?1 AND kind = ?2 AND call_id = ?3";
        db.prepare_cached(sql)?.query_row(params![run, kind, call_id], Self::read).optional()
    }

    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let status: String = row.get(4)?;
        Ok(Self {
            id: row.get(0)?,
            is_stored: true,
            agent_id: row.get(1)?,
            name: row.get(2)?,
            title: row.get(3)?,
            status: CallStatus::from_word(&status).unwrap_or(CallStatus::Open),
            started_us: row.get(5)?,
            ended_us: row.get(6)?,
            duration_ms: row.get(7)?,
            first_position: row.get(8)?,
            start_position: row.get(9)?,
            end_position: row.get(10)?,
            error: row.get(11)?,
            is_counted: row.get(12)?,
            tokens: Tokens {
                input: row.get(13)?,
                output: row.get(14)?,
                cache_read: row.get(15)?,
                cache_write: row.get(16)?,
            },
            vendor_cost: row.get(17)?,
            computed_cost: row.get(18)?,
        })
    }

    /// Takes a call out of the workspace's usage wherever it is written; the caller's row is not yet.
    pub(super) fn discount_others(
        db: &Connection,
        workspace_id: &str,
        kind: &str,
        call_id: &str,
    ) -> rusqlite::Result<()> {
        let sql = "UPDATE calls SET is_counted = 0 WHERE kind = ?1 AND call_id = ?2 \
             AND run IN (SELECT id FROM runs WHERE workspace_id = ?3)";
        db.prepare_cached(sql)?.execute([kind, call_id, workspace_id])?;
        Ok(())
    }

    pub(super) fn save(
        &self,
        db: &Connection,
        run: i64,
        kind: &str,
        call_id: &str,
    ) -> rusqlite::Result<()> {
        // A row that is there is changed in place, so that the order of ids stays.
        let sql = match self.is_stored {
            true => UPDATE_CALL,
            false => INSERT_CALL,
        };
        db.prepare_cached(sql)?.execute(params![
            self.id,
            run,
            kind,
            call_id,
            self.agent_id,
            self.name,
            self.title,
            self.status.as_str(),
            self.started_us,
            self.ended_us,
            self.duration_ms,
            self.first_position,
            self.start_position,
            self.end_position,
            self.error,
            self.is_counted,
            self.tokens.input,
            self.tokens.output,
            self.tokens.cache_read,
            self.tokens.cache_write,
            self.vendor_cost,
            self.computed_cost,
        ])?;
        Ok(())
    }

    /// What this call adds to the totals.
    pub(super) fn counts(&self, kind: CallKind) -> Counts {
        let is = |status| i64::from(self.status == status);
        match kind {
            CallKind::Tool => Counts {
                tool_calls: 1,
                tool_errors: is(CallStatus::Error),
                tool_open: is(CallStatus::Open),
                ..Counts::default()
            },
            CallKind::Model => Counts {
                model_calls: 1,
                model_errors: is(CallStatus::Error),
                tokens: self.tokens,
                priced_calls: i64::from(self.computed_cost.is_some()),
                computed_cost: self.computed_cost.unwrap_or(0),
                stated_calls: i64::from(self.vendor_cost.is_some()),
                stated_cost: self.vendor_cost.unwrap_or(0),
                ..Counts::default()
            },
        }
    }
}

/// Columns and parameters of both are the same, so that one list of values serves.
const INSERT_CALL: &str = "INSERT INTO calls (id, run, kind, call_id, agent_id, name, title, \
    status, started_us, ended_us, duration_ms, first_position, start_position, end_position, error, \
    is_counted, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, vendor_cost, \
    computed_cost) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, \
    ?17, ?18, ?19, ?20, ?21, ?22)";
const UPDATE_CALL: &str = "UPDATE calls SET run = ?2, kind = ?3, call_id = ?4, agent_id = ?5, \
    name = ?6, title = ?7, status = ?8, started_us = ?9, ended_us = ?10, duration_ms = ?11, \
    first_position = ?12, start_position = ?13, end_position = ?14, error = ?15, is_counted = ?16, \
    input_tokens = ?17, output_tokens = ?18, cache_read_tokens = ?19, cache_write_tokens = ?20, \
    vendor_cost = ?21, computed_cost = ?22 WHERE id = ?1";

/// What is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum CallKind {
    Tool,
    Model,
}

impl CallKind {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Tool => "tool",
            Self::Model => "model",
        }
    }
}
