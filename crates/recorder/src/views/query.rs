//! Reading the views: pages with cursors that stay right while the tables grow.

use annals_core::id::Position;
use annals_core::time::Timestamp;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter};

use super::model::{
    AgentTotals, CallStatus, Cost, ModelUsage, Run, RunAgent, RunStatus, Span, SpanKind, Tokens,
    ToolCall, UsageRow,
};
use super::rows::{Counts, count_columns};
use super::{ViewError, Views};

/// After how much silence a run without an end counts as idle.
const IDLE_AFTER_MICROS: i64 = 10 * 60 * 1_000_000;

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

/// Which spans of a run are wanted.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are the route's parameters")]
pub struct SpansQuery {
    pub workspace_id: String,
    pub run_id: String,
    pub cursor: Option<Cursor>,
    pub count_max: usize,
}

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

/// By what usage is summed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum UsageGroup {
    Run,
    Agent,
    Model,
    /// A day in UTC.
    Day,
}

/// Which usage is wanted.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are the route's parameters")]
pub struct UsageQuery {
    pub workspace_id: String,
    pub group: UsageGroup,
    pub since: Option<Timestamp>,
    pub until: Option<Timestamp>,
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

fn limit(count_max: usize) -> i64 {
    i64::try_from(count_max).unwrap_or(i64::MAX)
}

fn like(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    format!("%{escaped}%")
}

/// Ends a page: one row more than asked for tells that there is a next one.
fn page<T>(mut rows: Vec<(T, Cursor)>, count_max: usize) -> ViewPage<T> {
    let has_more = rows.len() > count_max;
    rows.truncate(count_max);
    let next = rows.last().filter(|_| has_more).map(|(_, cursor)| cursor.clone());
    ViewPage { rows: rows.into_iter().map(|(row, _)| row).collect(), next }
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

impl Views {
    /// Runs, by their last activity.
    ///
    /// # Errors
    /// When the database fails; so for all reads here.
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
    /// As for [`Self::runs`].
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
    /// As for [`Self::runs`].
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

    /// What models were used for in a run.
    ///
    /// # Errors
    /// As for [`Self::runs`].
    pub fn run_models(
        &self,
        workspace_id: &str,
        run_id: &str,
    ) -> Result<Vec<ModelUsage>, ViewError> {
        let sql = format!(
            "SELECT name, {USAGE_SUMS} FROM calls WHERE kind = 'model' AND \
             run = (SELECT id FROM runs WHERE workspace_id = ?1 AND run_id = ?2) \
             GROUP BY name ORDER BY sum(output_tokens) DESC, name"
        );
        let params = vec![Value::from(workspace_id.to_owned()), Value::from(run_id.to_owned())];
        let rows = self.shared()?.storage.read(|db| collect(db, &sql, params, read_usage))?;
        let model = |row: UsageRow| ModelUsage {
            model: row.key,
            model_calls: row.model_calls,
            tokens: row.tokens,
            cost: row.cost,
        };
        Ok(rows.into_iter().map(model).collect())
    }

    /// The time picture of a run, in the order in which its pieces were first heard of.
    ///
    /// # Errors
    /// As for [`Self::runs`].
    pub fn spans(&self, query: &SpansQuery) -> Result<ViewPage<Span>, ViewError> {
        let sql = "WITH chosen AS (SELECT id FROM runs WHERE workspace_id = ?1 AND run_id = ?2) \
             SELECT * FROM ( \
               SELECT kind, call_id, coalesce(name, kind) AS name, title, agent_id, \
                 coalesce(started_us, ended_us - coalesce(duration_ms, 0) * 1000) AS from_us, ended_us, \
                 duration_ms, status, first_position, end_position, \
                 input_tokens, output_tokens, cache_read_tokens, cache_write_tokens \
               FROM calls WHERE run = (SELECT id FROM chosen) AND first_position > ?3 \
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

    /// Agents over all their runs, by their last activity.
    ///
    /// # Errors
    /// As for [`Self::runs`].
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

    /// Calls of tools, newest first.
    ///
    /// # Errors
    /// As for [`Self::runs`].
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

    /// Usage of models, each call counted once over a workspace.
    ///
    /// # Errors
    /// As for [`Self::runs`].
    pub fn usage(&self, query: &UsageQuery) -> Result<Vec<UsageRow>, ViewError> {
        let at = "coalesce(calls.started_us, calls.ended_us)";
        let key = match query.group {
            UsageGroup::Run => "runs.run_id",
            UsageGroup::Agent => "calls.agent_id",
            UsageGroup::Model => "calls.name",
            UsageGroup::Day => {
                "strftime('%Y-%m-%d', coalesce(calls.started_us, calls.ended_us) / 1000000, 'unixepoch')"
            }
        };
        let mut conditions = Conditions::default();
        conditions.add("runs.workspace_id = ?", query.workspace_id.clone());
        conditions.add_if(&format!("{at} >= ?"), query.since.map(Timestamp::as_micros));
        conditions.add_if(&format!("{at} < ?"), query.until.map(Timestamp::as_micros));
        let order = if query.group == UsageGroup::Day {
            "1 DESC"
        } else {
            "sum(calls.output_tokens) DESC, 1"
        };
        let sql = format!(
            "SELECT {key}, {USAGE_SUMS} FROM calls JOIN runs ON runs.id = calls.run \
             WHERE calls.kind = 'model' AND calls.is_counted AND {} GROUP BY 1 ORDER BY {order}",
            conditions.text()
        );
        self.shared()?.storage.read(|db| collect(db, &sql, conditions.params, read_usage))
    }
}

// A call that is still open, or failed without using anything, has no cost that could be unknown.
const USAGE_SUMS: &str = "count(*), sum(calls.input_tokens), sum(calls.output_tokens), \
    sum(calls.cache_read_tokens), sum(calls.cache_write_tokens), sum(calls.computed_cost), \
    sum(calls.vendor_cost), sum(calls.computed_cost IS NULL AND (calls.status = 'ok' OR \
    calls.input_tokens + calls.output_tokens + calls.cache_read_tokens + calls.cache_write_tokens > 0))";

const AGENT_SUMS: &str = "sum(run_agents.model_calls) AS model_calls, sum(run_agents.model_errors) AS model_errors, \
    sum(run_agents.tool_calls) AS tool_calls, sum(run_agents.tool_errors) AS tool_errors, \
    sum(run_agents.tool_open) AS tool_open, sum(run_agents.input_tokens) AS input_tokens, \
    sum(run_agents.output_tokens) AS output_tokens, sum(run_agents.cache_read_tokens) AS cache_read_tokens, \
    sum(run_agents.cache_write_tokens) AS cache_write_tokens, sum(run_agents.priced_calls) AS priced_calls, \
    sum(run_agents.computed_cost) AS computed_cost, sum(run_agents.stated_calls) AS stated_calls, \
    sum(run_agents.stated_cost) AS stated_cost";

fn collect<T>(
    db: &Connection,
    sql: &str,
    params: Vec<Value>,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    let mut statement = db.prepare_cached(sql)?;
    statement.query_map(params_from_iter(params), read)?.collect()
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

fn read_usage(row: &Row<'_>) -> rusqlite::Result<UsageRow> {
    Ok(UsageRow {
        key: row.get(0)?,
        model_calls: row.get(1)?,
        tokens: Tokens {
            input: row.get(2)?,
            output: row.get(3)?,
            cache_read: row.get(4)?,
            cache_write: row.get(5)?,
        },
        cost: Cost { computed: row.get(6)?, vendor: row.get(7)? },
        unpriced_calls: row.get(8)?,
    })
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
