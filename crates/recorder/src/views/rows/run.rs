//! A row of `runs`: what is known of one run, with its totals.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{CallKind, Counts, Extent, Moment, count_columns};

/// A row of `runs`.
#[derive(Debug, Clone)]
pub(in crate::views) struct RunRow {
    pub(in crate::views) id: i64,
    pub(in crate::views) title: Option<String>,
    pub(in crate::views) status: String,
    pub(in crate::views) source: Option<String>,
    pub(in crate::views) agent_name: Option<String>,
    pub(in crate::views) cwd: Option<String>,
    pub(in crate::views) model: Option<String>,
    pub(in crate::views) extent: Extent,
    pub(in crate::views) ended_us: Option<i64>,
    pub(in crate::views) stated_duration_ms: Option<i64>,
    pub(in crate::views) event_count: i64,
    pub(in crate::views) message_count: i64,
    pub(in crate::views) vendor_cost: Option<i64>,
    pub(in crate::views) error: Option<String>,
    pub(in crate::views) last_position: i64,
    pub(in crate::views) counts: Counts,
    /// Who spoke of the run's models first.
    pub(in crate::views) teller: Option<String>,
    /// Whether somebody else did too, or two rows may be of one call, so that not all rows count.
    pub(in crate::views) is_mixed: bool,
}

impl RunRow {
    pub(in crate::views) fn load(
        db: &Connection,
        workspace_id: &str,
        run_id: &str,
    ) -> rusqlite::Result<Option<Self>> {
        let sql = concat!(
            "SELECT id, title, status, source, agent_name, cwd, model, started_us, last_us, ended_us, \
             stated_duration_ms, event_count, message_count, vendor_cost, error, last_position, \
             is_time_assumed, teller, is_mixed, ",
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
            teller: row.get(17)?,
            is_mixed: row.get(18)?,
            counts: Counts::read(row, 19)?,
        })
    }

    /// The id of a run's row.
    pub(in crate::views) fn id_of(
        db: &Connection,
        workspace_id: &str,
        run_id: &str,
    ) -> rusqlite::Result<Option<i64>> {
        let sql = "SELECT id FROM runs WHERE workspace_id = ?1 AND run_id = ?2";
        db.prepare_cached(sql)?.query_row([workspace_id, run_id], |row| row.get(0)).optional()
    }

    /// Makes the row at its first event, so that others can refer to its id.
    pub(in crate::views) fn create(
        db: &Connection,
        workspace_id: &str,
        run_id: &str,
        moment: Moment,
        position: i64,
    ) -> rusqlite::Result<Self> {
        let sql = concat!(
            "INSERT INTO runs (id, workspace_id, run_id, status, started_us, last_us, is_time_assumed, \
             event_count, message_count, first_position, last_position, is_mixed, ",
            count_columns!(),
            ") VALUES (?4, ?1, ?2, 'running', ?3, ?3, ?5, 0, 0, ?4, ?4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)"
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
            teller: None,
            is_mixed: false,
        })
    }

    /// Notes who speaks of the run's models.
    pub(in crate::views) fn note_teller(&mut self, kind: CallKind, source: &str) {
        let is_same = |teller: &String| {
            teller.split_once('/').is_some_and(|teller| teller == (kind.as_str(), source))
        };
        match &self.teller {
            None => self.teller = Some(format!("{}/{source}", kind.as_str())),
            Some(teller) => self.is_mixed |= !is_same(teller),
        }
    }

    pub(in crate::views) fn save(&self, db: &Connection) -> rusqlite::Result<()> {
        let sql = "UPDATE runs SET title = ?2, status = ?3, source = ?4, agent_name = ?5, cwd = ?6, \
             model = ?7, started_us = ?8, last_us = ?9, ended_us = ?10, stated_duration_ms = ?11, \
             event_count = ?12, message_count = ?13, vendor_cost = ?14, error = ?15, last_position = ?16, \
             is_time_assumed = ?17, model_calls = ?18, model_errors = ?19, tool_calls = ?20, \
             tool_errors = ?21, tool_open = ?22, input_tokens = ?23, output_tokens = ?24, \
             cache_read_tokens = ?25, cache_write_tokens = ?26, priced_calls = ?27, \
             computed_cost = ?28, stated_calls = ?29, stated_cost = ?30, \
             teller = ?31, is_mixed = ?32 WHERE id = ?1";
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
            self.teller,
            self.is_mixed,
        ])?;
        Ok(())
    }
}
