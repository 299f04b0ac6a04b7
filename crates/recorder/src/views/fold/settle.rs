//! Brings the tables in line with what `reconcile` decides, at the end of a batch.
//!
//! Only runs of which more than one source spoke, or that have two rows of one call, are looked at
//! as a whole. In all others every row counts, which is what its parts say from the start.

use rusqlite::{Connection, Row, params};

use super::super::model::{CallStatus, Tokens};
use super::super::reconcile::{Statement, reconcile};
use super::super::rows::{AgentRow, CallKind, Counts, Parts, Stated};
use super::{Fold, Result};

/// A statement with what the tables say of it.
struct Settled {
    id: i64,
    parts: Parts,
    agent_id: String,
    name: Option<String>,
    counted_agent: Option<String>,
    counted_name: Option<String>,
}

impl Settled {
    fn agent(&self) -> &str {
        self.counted_agent.as_deref().unwrap_or(&self.agent_id)
    }
}

impl Fold<'_> {
    pub(super) fn settle(&mut self) -> Result<()> {
        let (mut changed, mut mixed) = (Vec::new(), Vec::new());
        for (index, run) in self.runs.iter_mut().enumerate() {
            let mut is_changed = false;
            for calls in run.calls.iter().filter(|calls| calls.kind.is_reconciled()) {
                for (call_id, row) in &calls.rows {
                    is_changed = true;
                    let request_id = row.request_id.as_deref();
                    let of = Changed {
                        names: Names { call_id, request_id },
                        workspace_id: &run.workspace_id,
                        run: run.row.id,
                        source: &calls.source,
                        row: row.id,
                        position: row.last_position,
                    };
                    run.row.is_mixed = run.row.is_mixed || of.has_twin(self.db)?;
                    changed.push(of);
                }
            }
            if is_changed && run.row.is_mixed {
                mixed.push(index);
            }
        }
        changed.iter().try_for_each(|changed| changed.discount_others(self.db))?;
        drop(changed);
        mixed.into_iter().try_for_each(|index| self.settle_run(index))
    }

    fn settle_run(&mut self, index: usize) -> Result<()> {
        let Some(run) = self.runs.get(index) else { return Ok(()) };
        let (statements, settled) = statements(self.db, run.row.id)?;
        let outcomes = reconcile(&statements);
        for (index_in_run, outcome) in outcomes.iter().enumerate() {
            let (Some(statement), Some(was)) =
                (statements.get(index_in_run), settled.get(index_in_run))
            else {
                continue;
            };
            let Some(lead) = settled.get(outcome.lead) else { continue };
            let elsewhere = |is_same: bool| outcome.lead != index_in_run && !is_same;
            let counted_agent =
                elsewhere(lead.agent_id == was.agent_id).then(|| lead.agent_id.clone());
            let counted_name = lead.name.clone().filter(|_| elsewhere(lead.name == was.name));
            let is_same = outcome.parts == was.parts
                && counted_agent == was.counted_agent
                && counted_name == was.counted_name;
            if is_same {
                continue;
            }
            let sql = "UPDATE calls SET parts = ?2, counted_agent = ?3, counted_name = ?4 \
                 WHERE id = ?1";
            let params = params![was.id, outcome.parts.bits(), counted_agent, counted_name];
            self.db.prepare_cached(sql)?.execute(params)?;
            let (old, new) = (counts(statement, was.parts), counts(statement, outcome.parts));
            let agent = counted_agent.as_deref().unwrap_or(&was.agent_id);
            self.move_counts(
                index,
                Counted { counts: old, agent: was.agent() },
                Counted { counts: new, agent },
            )?;
        }
        Ok(())
    }

    /// Takes figures out of the totals of a run and an agent, and puts others in.
    fn move_counts(&mut self, index: usize, old: Counted<'_>, new: Counted<'_>) -> Result<()> {
        let none = Counts::default();
        if let Some(run) = self.runs.get_mut(index) {
            run.row.counts.replace(&old.counts, &new.counts);
        }
        if let Some(agent) = self.known_agent(index, old.agent)? {
            agent.counts.replace(&old.counts, &none);
        }
        if let Some(agent) = self.known_agent(index, new.agent)? {
            agent.counts.replace(&none, &new.counts);
        }
        Ok(())
    }

    /// An agent's row in hand; none of an agent that the run does not have.
    fn known_agent(&mut self, index: usize, agent_id: &str) -> Result<Option<&mut AgentRow>> {
        let db = self.db;
        let Some(run) = self.runs.get_mut(index) else { return Ok(None) };
        let agent = match run.agent_index(agent_id) {
            Some(agent) => agent,
            None => {
                let Some(row) = AgentRow::load(db, run.row.id, agent_id)? else { return Ok(None) };
                run.agent_indexes.insert(agent_id.to_owned(), run.agents.len());
                run.agents.push(row);
                run.agents.len() - 1
            }
        };
        Ok(run.agents.get_mut(agent))
    }
}

/// Figures and the agent that they are counted for.
struct Counted<'a> {
    counts: Counts,
    agent: &'a str,
}

fn counts(statement: &Statement, parts: Parts) -> Counts {
    statement.stated.counts(!statement.is_report && parts.has(Parts::CALL), parts)
}

/// All that is stated of a run, in the order of rows.
fn statements(db: &Connection, run: i64) -> Result<(Vec<Statement>, Vec<Settled>)> {
    let sql = "SELECT id, call_id, request_id, source, kind, status, input_tokens, output_tokens, \
         cache_read_tokens, cache_write_tokens, vendor_cost, computed_cost, last_position, parts, \
         agent_id, name, counted_agent, counted_name \
         FROM calls WHERE run = ?1 AND kind IN ('model', 'report') ORDER BY id";
    let mut statement = db.prepare_cached(sql)?;
    let rows = statement.query_map([run], |row| Ok((read_statement(row)?, read_settled(row)?)))?;
    let rows = rows.collect::<Result<Vec<_>>>()?;
    Ok(rows.into_iter().unzip())
}

fn read_statement(row: &Row<'_>) -> Result<Statement> {
    let (kind, status): (String, String) = (row.get(4)?, row.get(5)?);
    Ok(Statement {
        call_id: row.get(1)?,
        request_id: row.get(2)?,
        source: row.get(3)?,
        is_report: kind == CallKind::Report.as_str(),
        stated: Stated {
            status: CallStatus::from_word(&status).unwrap_or(CallStatus::Open),
            tokens: Tokens {
                input: row.get(6)?,
                output: row.get(7)?,
                cache_read: row.get(8)?,
                cache_write: row.get(9)?,
            },
            vendor_cost: row.get(10)?,
            computed_cost: row.get(11)?,
        },
        last_position: row.get(12)?,
    })
}

fn read_settled(row: &Row<'_>) -> Result<Settled> {
    Ok(Settled {
        id: row.get(0)?,
        parts: Parts::from_bits(row.get(13)?),
        agent_id: row.get(14)?,
        name: row.get(15)?,
        counted_agent: row.get(16)?,
        counted_name: row.get(17)?,
    })
}

/// What a row's call is known by.
#[derive(Debug, Clone, Copy)]
struct Names<'a> {
    call_id: &'a str,
    request_id: Option<&'a str>,
}

/// A row that the batch changed.
#[derive(Debug)]
struct Changed<'a> {
    names: Names<'a>,
    workspace_id: &'a str,
    run: i64,
    source: &'a str,
    row: i64,
    position: i64,
}

impl Changed<'_> {
    /// Whether its run has another row that may be of the same call.
    fn has_twin(&self, db: &Connection) -> Result<bool> {
        let Names { call_id, request_id } = self.names;
        let by_call = "SELECT EXISTS (SELECT 1 FROM calls WHERE run = ?1 \
             AND kind IN ('model', 'report') AND call_id IN (?2, ?3) AND id <> ?4)";
        // The plus keeps the planner from walking all calls of the run.
        let by_request = "SELECT EXISTS (SELECT 1 FROM calls WHERE request_id IN (?2, ?3) \
             AND +run = ?1 AND id <> ?4 AND (request_id = ?2 OR source <> ?5))";
        let (run, row, source) = (self.run, self.row, self.source);
        let has = |row: &Row<'_>| row.get(0);
        Ok(db.prepare_cached(by_call)?.query_row(params![run, call_id, request_id, row], has)?
            || db
                .prepare_cached(by_request)?
                .query_row(params![run, call_id, request_id, row, source], has)?)
    }

    /// Takes the call out of the workspace's usage wherever other runs state it: this statement is
    /// the newest. A resumed session repeats calls of the one before it.
    fn discount_others(&self, db: &Connection) -> Result<()> {
        let Names { call_id, request_id } = self.names;
        let by_call = "UPDATE calls SET is_counted = 0 WHERE call_id IN (?2, ?3) \
             AND is_counted = 1 AND run <> ?1 AND last_position < ?5 \
             AND (SELECT workspace_id FROM runs WHERE runs.id = run) = ?4";
        let by_request = "UPDATE calls SET is_counted = 0 WHERE request_id IN (?2, ?3) \
             AND is_counted = 1 AND run <> ?1 AND last_position < ?5 \
             AND (request_id = ?2 OR source <> ?6) \
             AND (SELECT workspace_id FROM runs WHERE runs.id = run) = ?4";
        let (run, workspace_id, position) = (self.run, self.workspace_id, self.position);
        let params = params![run, call_id, request_id, workspace_id, position];
        db.prepare_cached(by_call)?.execute(params)?;
        let params = params![run, call_id, request_id, workspace_id, position, self.source];
        db.prepare_cached(by_request)?.execute(params)?;
        Ok(())
    }
}

impl Names<'_> {
    /// Decides anew, for every row with one of these names, whether another run has a newer one:
    /// what `discount_others` comes to when the whole log is folded.
    fn recount(self, db: &Connection, workspace_id: &str) -> Result<()> {
        let mut find = db.prepare_cached(
            "SELECT calls.id, call_id, request_id FROM calls JOIN runs ON runs.id = calls.run \
               WHERE call_id IN (?1, ?2) AND kind IN ('model', 'report') AND workspace_id = ?3 \
             UNION \
             SELECT calls.id, call_id, request_id FROM calls JOIN runs ON runs.id = calls.run \
               WHERE request_id IN (?1, ?2) AND workspace_id = ?3",
        )?;
        let mut decide = db.prepare_cached(
            "UPDATE calls SET is_counted = NOT EXISTS ( \
               SELECT 1 FROM calls AS other JOIN runs ON runs.id = other.run \
               WHERE other.call_id IN (?2, ?3) AND other.kind IN ('model', 'report') \
                 AND other.run <> calls.run AND workspace_id = ?4 \
                 AND other.last_position > calls.last_position \
             ) AND NOT EXISTS ( \
               SELECT 1 FROM calls AS other JOIN runs ON runs.id = other.run \
               WHERE other.request_id IN (?2, ?3) AND other.run <> calls.run \
                 AND (other.request_id = ?2 OR other.source <> calls.source) \
                 AND workspace_id = ?4 AND other.last_position > calls.last_position \
             ) WHERE id = ?1",
        )?;
        let params = params![self.call_id, self.request_id, workspace_id];
        let found = find.query_map(params, |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?, row.get::<_, Option<String>>(2)?))
        })?;
        for found in found.collect::<Result<Vec<_>>>()? {
            let (id, call_id, request_id) = found;
            decide.execute(params![id, call_id, request_id, workspace_id])?;
        }
        Ok(())
    }
}

/// Lets the newest statement about a call be the one that counts for the workspace.
pub(in crate::views) fn recount(
    db: &Connection,
    workspace_id: &str,
    (call_id, request_id): (&str, Option<&str>),
) -> Result<()> {
    Names { call_id, request_id }.recount(db, workspace_id)
}
