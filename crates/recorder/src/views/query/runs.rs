//! Runs, and the agents of one.

use annals_core::time::Timestamp;
use rusqlite::types::Value;
use rusqlite::{OptionalExtension, Row};

use super::{Conditions, Cursor, ViewPage, collect, cost, like, limit, page, position};
use crate::views::model::{Cost, Run, RunAgent, RunStatus};
use crate::views::rows::{Counts, count_columns};
use crate::views::{ViewError, Views};

/// After how much silence a run without an end counts as idle.
const IDLE_AFTER_MICROS: i64 = 10 * 60 * 1_000_000;

/// Which runs are wanted.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are the route's parameters")]
pub struct RunsQuery {
    pub workspace_id: String,
    pub now: Timestamp,
    pub status: Option<RunStatus>,
    pub agent_id: Option<String>,
    /// Part of a title or a run id.
    pub text: Option<String>,
    pub since: Option<Timestamp>,
    pub until: Option<Timestamp>,
    pub is_ascending: bool,
    pub cursor: Option<Cursor>,
    pub count_max: usize,
}

const RUN_COLUMNS: &str = concat!(
    "run_id, title, status, source, agent_name, cwd, model, started_us, last_us, ended_us, \
     stated_duration_ms, event_count, message_count, vendor_cost, error, first_position, last_position, \
     (SELECT count(*) FROM run_agents WHERE run_agents.run = runs.id), id, ",
    count_columns!()
);

fn read_run(row: &Row<'_>, now: Timestamp) -> rusqlite::Result<Run> {
    let status: String = row.get(2)?;
    let (started_us, last_us): (i64, i64) = (row.get(7)?, row.get(8)?);
    let ended_us: Option<i64> = row.get(9)?;
    let counts = Counts::read(row, 19)?;
    let stated: Option<i64> = row.get(13)?;
    let measured_ms = (ended_us.unwrap_or(last_us) - started_us).max(0) / 1_000;
    Ok(Run {
        run_id: row.get(0)?,
        title: row.get(1)?,
        status: run_status(&status, last_us, now),
        source: row.get(3)?,
        agent_name: row.get(4)?,
        cwd: row.get(5)?,
        model: row.get(6)?,
        started_at: Timestamp::from_micros(started_us),
        last_at: Timestamp::from_micros(last_us),
        ended_at: ended_us.map(Timestamp::from_micros),
        duration_ms: row.get::<_, Option<i64>>(10)?.unwrap_or(measured_ms),
        agents: row.get(17)?,
        events: row.get(11)?,
        messages: row.get(12)?,
        model_calls: counts.model_calls,
        model_errors: counts.model_errors,
        tool_calls: counts.tool_calls,
        tool_errors: counts.tool_errors,
        tool_calls_open: counts.tool_open,
        tokens: counts.tokens,
        cost: Cost { vendor: stated.or(cost(&counts).vendor), computed: cost(&counts).computed },
        error: row.get(14)?,
        first_position: position(row.get(15)?),
        last_position: position(row.get(16)?),
    })
}

fn run_status(stored: &str, last_us: i64, now: Timestamp) -> RunStatus {
    match RunStatus::from_word(stored) {
        Some(RunStatus::Running) | None if now.as_micros() - last_us > IDLE_AFTER_MICROS => {
            RunStatus::Idle
        }
        Some(status) => status,
        None => RunStatus::Running,
    }
}

impl Views {
    /// Runs, by their last activity.
    ///
    /// # Errors
    /// When the database fails.
    pub fn runs(&self, query: &RunsQuery) -> Result<ViewPage<Run>, ViewError> {
        let mut conditions = Conditions::default();
        conditions.add("workspace_id = ?", query.workspace_id.clone());
        add_status(&mut conditions, query.status, query.now);
        let of_agent = "EXISTS (SELECT 1 FROM run_agents WHERE run_agents.run = runs.id AND run_agents.agent_id = ?)";
        conditions.add_if(of_agent, query.agent_id.clone());
        let with_text = "(run_id LIKE ? ESCAPE '\\' OR title LIKE ? ESCAPE '\\')";
        conditions.add_if(with_text, query.text.as_deref().map(like));
        conditions.add_if("last_us >= ?", query.since.map(Timestamp::as_micros));
        conditions.add_if("last_us < ?", query.until.map(Timestamp::as_micros));
        let (comparison, order) = if query.is_ascending { (">", "ASC") } else { ("<", "DESC") };
        conditions.add_cursor(query.cursor.as_ref(), "last_us, id", comparison);
        let sql = format!(
            "SELECT {RUN_COLUMNS} FROM runs WHERE {} ORDER BY last_us {order}, id {order} LIMIT {}",
            conditions.text(),
            limit(query.count_max) + 1
        );
        let read = |row: &Row<'_>| {
            let cursor = Cursor { key: row.get(8)?, id: row.get(18)? };
            Ok((read_run(row, query.now)?, cursor))
        };
        let rows = self.shared()?.storage.read(|db| collect(db, &sql, conditions.params, read))?;
        Ok(page(rows, query.count_max))
    }

    /// One run.
    ///
    /// # Errors
    /// When the database fails.
    pub fn run(
        &self,
        workspace_id: &str,
        run_id: &str,
        now: Timestamp,
    ) -> Result<Option<Run>, ViewError> {
        let sql = format!("SELECT {RUN_COLUMNS} FROM runs WHERE workspace_id = ?1 AND run_id = ?2");
        self.shared()?.storage.read(|db| {
            db.prepare_cached(&sql)?
                .query_row([workspace_id, run_id], |row| read_run(row, now))
                .optional()
        })
    }

    /// The agents of a run, in the order of their first events.
    ///
    /// # Errors
    /// When the database fails.
    pub fn run_agents(&self, workspace_id: &str, run_id: &str) -> Result<Vec<RunAgent>, ViewError> {
        let sql = concat!(
            "SELECT agent_id, name, agent_type, parent_agent_id, status, first_us, last_us, event_count, ",
            count_columns!(),
            " FROM run_agents WHERE run = (SELECT id FROM runs WHERE workspace_id = ?1 AND run_id = ?2) \
             ORDER BY first_position, id"
        );
        let params = vec![Value::from(workspace_id.to_owned()), Value::from(run_id.to_owned())];
        self.shared()?.storage.read(|db| collect(db, sql, params, read_run_agent))
    }
}

fn add_status(conditions: &mut Conditions, status: Option<RunStatus>, now: Timestamp) {
    let idle_before = now.as_micros() - IDLE_AFTER_MICROS;
    match status {
        None => {}
        Some(RunStatus::Running) => {
            conditions.add("(status = 'running' AND last_us >= ?)", idle_before);
        }
        Some(RunStatus::Idle) => {
            conditions.add("(status = 'running' AND last_us < ?)", idle_before)
        }
        Some(ended) => conditions.add("status = ?", ended.as_str().to_owned()),
    }
}

fn read_run_agent(row: &Row<'_>) -> rusqlite::Result<RunAgent> {
    let counts = Counts::read(row, 8)?;
    Ok(RunAgent {
        agent_id: row.get(0)?,
        name: row.get(1)?,
        agent_type: row.get(2)?,
        parent_agent_id: row.get(3)?,
        status: row.get(4)?,
        first_at: Timestamp::from_micros(row.get(5)?),
        last_at: Timestamp::from_micros(row.get(6)?),
        events: row.get(7)?,
        model_calls: counts.model_calls,
        tool_calls: counts.tool_calls,
        tool_errors: counts.tool_errors,
        tokens: counts.tokens,
    })
}
