//! Usage of models: of a workspace in groups, and of one run by model and by who tells of it.

use annals_core::time::Timestamp;
use rusqlite::Row;
use rusqlite::types::Value;

use super::{Conditions, collect};
use crate::views::model::{Cost, ModelUsage, Tokens, UsageRow, UsageScope, UsageSource};
use crate::views::reconcile::standing;
use crate::views::{ViewError, Views};

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

/// The sum of a column over the rows with a part, as long as it is exact; 0 where there is none.
/// `sum` would fail where `total` only gets inexact.
macro_rules! sum_of {
    ($part:literal, $column:literal) => {
        concat!(
            "CAST(total(CASE WHEN calls.parts & ",
            $part,
            " THEN calls.",
            $column,
            " END) AS INTEGER)"
        )
    };
}

/// The same; none where no row with the part has a value.
macro_rules! sum_if_any {
    ($part:literal, $column:literal) => {
        concat!(
            "CASE WHEN count(CASE WHEN calls.parts & ",
            $part,
            " THEN calls.",
            $column,
            " END) THEN ",
            sum_of!($part, $column),
            " END"
        )
    };
}

/// Calls, tokens and costs by who counts: the parts of the run, or those of the source.
/// A call that is still open, or failed without using anything, has no cost that could be unknown.
macro_rules! usage_sums {
    ($calls:literal, $tokens:literal, $cost:literal) => {
        concat!(
            "coalesce(sum(calls.kind = 'model' AND calls.parts & ",
            $calls,
            "), 0), ",
            sum_of!($tokens, "input_tokens"),
            ", ",
            sum_of!($tokens, "output_tokens"),
            ", ",
            sum_of!($tokens, "cache_read_tokens"),
            ", ",
            sum_of!($tokens, "cache_write_tokens"),
            ", ",
            sum_if_any!($tokens, "computed_cost"),
            ", ",
            sum_if_any!($cost, "vendor_cost"),
            ", coalesce(sum(calls.parts & ",
            $tokens,
            " AND calls.computed_cost IS NULL AND (calls.status = 'ok' OR ",
            "calls.input_tokens + calls.output_tokens + calls.cache_read_tokens + ",
            "calls.cache_write_tokens > 0)), 0)"
        )
    };
}

/// What of a call is counted for the run: bits of [`Parts`].
const USAGE_SUMS: &str = usage_sums!("1", "2", "4");
/// What of a call is counted for its own source.
const OWN_SUMS: &str = usage_sums!("8", "16", "32");
/// Rows that count in anything.
const IS_COUNTED: &str = "calls.kind IN ('model', 'report') AND calls.parts & 7";

impl Views {
    /// What models were used for in a run.
    ///
    /// # Errors
    /// When the database fails.
    pub fn run_models(
        &self,
        workspace_id: &str,
        run_id: &str,
    ) -> Result<Vec<ModelUsage>, ViewError> {
        let sql = format!(
            "SELECT coalesce(counted_name, name), {USAGE_SUMS} FROM calls WHERE {IS_COUNTED} AND \
             run = (SELECT id FROM runs WHERE workspace_id = ?1 AND run_id = ?2) \
             GROUP BY 1 ORDER BY 4 DESC, 1"
        );
        let params = vec![Value::from(workspace_id.to_owned()), Value::from(run_id.to_owned())];
        let rows = self.shared()?.storage.read(|db| collect(db, &sql, params, read_usage))?;
        let model = |row: UsageRow| ModelUsage {
            model: row.key,
            model_calls: row.model_calls,
            tokens: row.tokens,
            cost: row.cost,
            unpriced_calls: row.unpriced_calls,
        };
        Ok(rows.into_iter().map(model).collect())
    }

    /// Who tells of what a run used, each source with its own figures: those of the highest standing
    /// first.
    ///
    /// # Errors
    /// When the database fails.
    pub fn usage_sources(
        &self,
        workspace_id: &str,
        run_id: &str,
    ) -> Result<Vec<UsageSource>, ViewError> {
        let sql = format!(
            "SELECT source, {OWN_SUMS}, kind, coalesce(sum(kind = 'model' AND parts & 1), 0), \
               coalesce(sum({HAS_TOKENS}), 0), coalesce(sum(parts & 2 AND {HAS_TOKENS}), 0), \
               coalesce(sum(parts & 16 AND {HAS_TOKENS}), 0), \
               coalesce(sum(parts & 4 AND vendor_cost IS NOT NULL), 0), \
               coalesce(sum(parts & 32 AND vendor_cost IS NOT NULL), 0) \
             FROM calls WHERE kind IN ('model', 'report', 'total') AND \
             run = (SELECT id FROM runs WHERE workspace_id = ?1 AND run_id = ?2) \
             GROUP BY source, kind"
        );
        let params = vec![Value::from(workspace_id.to_owned()), Value::from(run_id.to_owned())];
        let rows = self.shared()?.storage.read(|db| collect(db, &sql, params, read_source))?;
        Ok(settle_sources(rows))
    }

    /// Usage of models, each call counted once over a workspace.
    ///
    /// # Errors
    /// When the database fails.
    pub fn usage(&self, query: &UsageQuery) -> Result<Vec<UsageRow>, ViewError> {
        let at = "coalesce(calls.started_us, calls.ended_us)";
        let key = match query.group {
            UsageGroup::Run => "runs.run_id",
            UsageGroup::Agent => "nullif(coalesce(calls.counted_agent, calls.agent_id), '')",
            UsageGroup::Model => "coalesce(calls.counted_name, calls.name)",
            UsageGroup::Day => {
                "strftime('%Y-%m-%d', coalesce(calls.started_us, calls.ended_us) / 1000000, 'unixepoch')"
            }
        };
        let mut conditions = Conditions::default();
        conditions.add("runs.workspace_id = ?", query.workspace_id.clone());
        conditions.add_if(&format!("{at} >= ?"), query.since.map(Timestamp::as_micros));
        conditions.add_if(&format!("{at} < ?"), query.until.map(Timestamp::as_micros));
        let order = if query.group == UsageGroup::Day { "1 DESC" } else { "4 DESC, 1" };
        let sql = format!(
            "SELECT {key}, {USAGE_SUMS} FROM calls JOIN runs ON runs.id = calls.run \
             WHERE {IS_COUNTED} AND calls.is_counted AND {} GROUP BY 1 ORDER BY {order}",
            conditions.text()
        );
        self.shared()?.storage.read(|db| collect(db, &sql, conditions.params, read_usage))
    }
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

const HAS_TOKENS: &str =
    "(input_tokens + output_tokens + cache_read_tokens + cache_write_tokens > 0)";

fn read_source(row: &Row<'_>) -> rusqlite::Result<UsageSource> {
    let sums = read_usage(row)?;
    let kind: String = row.get(9)?;
    let scope = match kind.as_str() {
        "model" => UsageScope::Calls,
        "report" => UsageScope::Reports,
        _ => UsageScope::Run,
    };
    let (with_tokens, tokens_counted, tokens_own): (i64, i64, i64) =
        (row.get(11)?, row.get(12)?, row.get(13)?);
    let (costs_counted, costs_own): (i64, i64) = (row.get(14)?, row.get(15)?);
    let is_run = scope == UsageScope::Run;
    Ok(UsageSource {
        source: sums.key.unwrap_or_default(),
        scope,
        model_calls: sums.model_calls,
        model_calls_counted: row.get(10)?,
        tokens: (with_tokens > 0).then_some(sums.tokens),
        cost: sums.cost,
        // The table has a price for calls, not for what a run is said to have used.
        unpriced_calls: if is_run { 0 } else { sums.unpriced_calls },
        is_counted: !is_run && tokens_counted > 0,
        is_wholly_counted: !is_run && tokens_counted == tokens_own,
        is_cost_counted: is_run || costs_counted > 0,
        is_cost_wholly_counted: is_run || costs_counted == costs_own,
    })
}

/// What a source says of the whole run is its cost where it says one: the highest, because such
/// totals only rise.
fn settle_sources(mut sources: Vec<UsageSource>) -> Vec<UsageSource> {
    let of_run = |source: &UsageSource| source.scope == UsageScope::Run;
    let highest = sources.iter().filter(|source| of_run(source)).filter_map(|one| one.cost.vendor);
    let highest = highest.max();
    for source in &mut sources {
        let is_highest = highest.is_none() || source.cost.vendor == highest;
        let counts =
            if of_run(source) { highest.is_some() && is_highest } else { highest.is_none() };
        source.is_cost_counted &= counts && source.cost.vendor.is_some();
        source.is_cost_wholly_counted &= counts || source.cost.vendor.is_none();
    }
    sources.sort_by(|one, other| {
        let place = |source: &UsageSource| (standing(&source.source), source.source.clone());
        place(one).cmp(&place(other)).then(one.scope.cmp(&other.scope))
    });
    sources
}
