//! The fold: what each event changes in the tables.
//!
//! Total: an event of an unknown type counts as an event of its run and changes nothing else,
//! and a payload that lacks what its type should have changes what it can.

mod calls;
mod settle;
mod usage;

use std::collections::HashMap;

use annals_core::envelope::ActorType;
use annals_core::event::Event;
use annals_core::price::PriceTable;
use annals_core::record::HeaderRef;
use annals_core::redaction::is_redaction;
use rusqlite::{Connection, params};

use super::fact::{Fact, Payload, moment};
use super::model::CallStatus;
use super::rows::{AgentPart, AgentRow, CallKey, CallKind, CallRow, Moment, RunRow};

pub(super) use settle::recount;

/// The changes of one batch, written at its end.
pub(super) struct Fold<'a> {
    db: &'a Connection,
    prices: &'a PriceTable,
    /// By workspace, then by run: its index in `runs`.
    run_indexes: HashMap<String, HashMap<String, usize>>,
    runs: Vec<RunInHand>,
    /// The index of the last event's run: neighbours are mostly of one.
    last_run: usize,
}

/// A run of the batch with the rows that belong to it.
struct RunInHand {
    workspace_id: String,
    run_id: String,
    row: RunRow,
    /// By agent: its index in `agents`.
    agent_indexes: HashMap<String, usize>,
    agents: Vec<AgentRow>,
    /// The agent that was asked for last, and its index.
    last_agent: Option<(String, usize)>,
    calls: Vec<CallsInHand>,
}

/// Rows of one kind that one source states, by the ids of their calls.
struct CallsInHand {
    kind: CallKind,
    source: String,
    rows: HashMap<String, CallRow>,
}

impl RunInHand {
    fn new(workspace_id: &str, run_id: &str, row: RunRow) -> Self {
        Self {
            workspace_id: workspace_id.to_owned(),
            run_id: run_id.to_owned(),
            row,
            agent_indexes: HashMap::new(),
            agents: Vec::new(),
            last_agent: None,
            calls: Vec::new(),
        }
    }

    fn agent_index(&mut self, agent_id: &str) -> Option<usize> {
        if let Some((last, index)) = &self.last_agent
            && last == agent_id
        {
            return Some(*index);
        }
        let index = *self.agent_indexes.get(agent_id)?;
        self.last_agent = Some((agent_id.to_owned(), index));
        Some(index)
    }

    fn calls(&mut self, kind: CallKind, source: &str) -> &mut HashMap<String, CallRow> {
        let is_it = |calls: &CallsInHand| calls.kind == kind && calls.source == source;
        let index = self.calls.iter().position(is_it).unwrap_or_else(|| {
            let (source, rows) = (source.to_owned(), HashMap::new());
            self.calls.push(CallsInHand { kind, source, rows });
            self.calls.len() - 1
        });
        let calls = self.calls.get_mut(index).expect("an index of this list was found or made");
        &mut calls.rows
    }
}

type Result<T> = std::result::Result<T, rusqlite::Error>;

impl<'a> Fold<'a> {
    pub(super) fn new(db: &'a Connection, prices: &'a PriceTable) -> Self {
        Self { db, prices, run_indexes: HashMap::new(), runs: Vec::new(), last_run: 0 }
    }

    /// Takes in one event.
    pub(super) fn apply(&mut self, event: &Event, header: HeaderRef<'_>) -> Result<()> {
        let Some(run_id) = header.run_id else { return Ok(()) };
        // It names the run so that whoever follows the run learns of it. The run did not do it.
        if is_redaction(&header) {
            return Ok(());
        }
        let position = i64::try_from(header.position.get()).unwrap_or(i64::MAX);
        let moment = moment(&header);
        let (run, run_index) = self.run(header.workspace_id, run_id, moment, position)?;
        let payload = Payload::of(event);
        let fact = Fact { header, payload, run, run_index, moment, position };
        self.touch_run(&fact);
        if header.actor_type == ActorType::Agent {
            self.touch_agent(&fact, header.actor_id)?;
        }
        match header.event_type {
            "run.created" | "run.started" => self.start_run(&fact),
            "run.completed" => self.end_run(&fact, "completed")?,
            "run.failed" => self.end_run(&fact, "failed")?,
            "run.cancelled" => self.end_run(&fact, "cancelled")?,
            "run.resumed" => self.resume_run(&fact),
            "usage.reported" => self.report_usage(&fact)?,
            "message.created" => self.add_message(&fact)?,
            "agent.started" => self.start_agent(&fact)?,
            "agent.stopped" => self.stop_agent(&fact)?,
            "tool.invoked" => self.call(&fact, CallKind::Tool, CallStatus::Open)?,
            "tool.succeeded" => self.call(&fact, CallKind::Tool, CallStatus::Ok)?,
            "tool.failed" => self.call(&fact, CallKind::Tool, CallStatus::Error)?,
            "model.invoked" => self.call(&fact, CallKind::Model, CallStatus::Open)?,
            "model.completed" => self.call(&fact, CallKind::Model, CallStatus::Ok)?,
            "model.failed" => self.call(&fact, CallKind::Model, CallStatus::Error)?,
            _ => {}
        }
        Ok(())
    }

    /// Writes all changes.
    pub(super) fn save(mut self) -> Result<()> {
        self.save_calls()?;
        self.settle()?;
        for run in &self.runs {
            run.row.save(self.db)?;
            run.agents.iter().try_for_each(|agent| agent.save(self.db))?;
        }
        Ok(())
    }

    fn save_calls(&self) -> Result<()> {
        let mut rows = Vec::new();
        for run in &self.runs {
            for calls in &run.calls {
                let key = |call_id| {
                    let (kind, source) = (calls.kind, calls.source.as_str());
                    CallKey { run: run.row.id, kind, source, call_id }
                };
                rows.extend(calls.rows.iter().map(|(call_id, row)| (key(call_id.as_str()), row)));
            }
        }
        // In the order of their ids, so that new rows go to the end of the table.
        rows.sort_unstable_by_key(|(_, row)| row.first_position);
        rows.into_iter().try_for_each(|(key, row)| row.save(self.db, key))
    }

    fn run(
        &mut self,
        workspace_id: &str,
        run_id: &str,
        moment: Moment,
        position: i64,
    ) -> Result<(i64, usize)> {
        if let Some((run, index)) = self.known_run(workspace_id, run_id) {
            self.last_run = index;
            return Ok((run, index));
        }
        let row = match RunRow::load(self.db, workspace_id, run_id)? {
            Some(row) => row,
            None => RunRow::create(self.db, workspace_id, run_id, moment, position)?,
        };
        let (id, index) = (row.id, self.runs.len());
        let indexes = self.run_indexes.entry(workspace_id.to_owned()).or_default();
        indexes.insert(run_id.to_owned(), index);
        self.runs.push(RunInHand::new(workspace_id, run_id, row));
        self.last_run = index;
        Ok((id, index))
    }

    /// The id of a run's row, and where it is in hand.
    fn known_run(&self, workspace_id: &str, run_id: &str) -> Option<(i64, usize)> {
        let last = self.runs.get(self.last_run);
        if let Some(run) =
            last.filter(|run| run.run_id == run_id && run.workspace_id == workspace_id)
        {
            return Some((run.row.id, self.last_run));
        }
        let index = *self.run_indexes.get(workspace_id)?.get(run_id)?;
        Some((self.runs.get(index)?.row.id, index))
    }

    fn run_in_hand(&mut self, fact: &Fact<'_>) -> &mut RunInHand {
        self.runs.get_mut(fact.run_index).expect("a fact has its run from this list")
    }

    fn touch_run(&mut self, fact: &Fact<'_>) {
        let row = &mut self.run_in_hand(fact).row;
        row.event_count += 1;
        row.extent.include(fact.moment);
        row.last_position = fact.position;
        if row.source.is_none() {
            row.source = fact.header.origin_dialect.map(str::to_owned);
        }
    }

    fn start_run(&mut self, fact: &Fact<'_>) {
        let row = &mut self.run_in_hand(fact).row;
        let keep = |old: &mut Option<String>, new: Option<String>| {
            if new.is_some() {
                *old = new;
            }
        };
        keep(&mut row.title, fact.summary("title").or_else(|| fact.summary("goal")));
        keep(&mut row.agent_name, fact.text("agent_name"));
        keep(&mut row.cwd, fact.text("cwd"));
        keep(&mut row.model, fact.text("model"));
        keep(&mut row.source, fact.text("source"));
    }

    fn resume_run(&mut self, fact: &Fact<'_>) {
        let row = &mut self.run_in_hand(fact).row;
        "running".clone_into(&mut row.status);
        row.ended_us = None;
        row.error = None;
    }

    fn end_run(&mut self, fact: &Fact<'_>, status: &str) -> Result<()> {
        let duration_ms = fact.milliseconds("duration_ms");
        let error = (status == "failed").then(|| fact.error()).flatten();
        let row = &mut self.run_in_hand(fact).row;
        status.clone_into(&mut row.status);
        row.ended_us =
            Some(if fact.moment.is_assumed { row.extent.last_us } else { fact.moment.at_us });
        row.stated_duration_ms = duration_ms.or(row.stated_duration_ms);
        row.error = error;
        self.state_total(fact)
    }

    fn add_message(&mut self, fact: &Fact<'_>) -> Result<()> {
        let name = fact.text("kind").or_else(|| fact.text("sender_type")).unwrap_or_default();
        let is_prompt = name == "prompt";
        let sql = "INSERT INTO marks (id, run, agent_id, name, at_us, position) VALUES (?5, ?1, ?2, ?3, ?4, ?5)";
        let agent_id = fact.header.actor_id;
        self.db.prepare_cached(sql)?.execute(params![
            fact.run,
            agent_id,
            name,
            fact.moment.at_us,
            fact.position
        ])?;
        let text = is_prompt.then(|| fact.summary("content_md")).flatten();
        let row = &mut self.run_in_hand(fact).row;
        row.message_count += 1;
        // A run without a title is known by what it was first asked.
        if row.title.is_none() {
            row.title = text;
        }
        Ok(())
    }

    fn agent(&mut self, fact: &Fact<'_>, agent_id: &str) -> Result<&mut AgentRow> {
        let db = self.db;
        let run = self.run_in_hand(fact);
        let index = match run.agent_index(agent_id) {
            Some(index) => index,
            None => {
                let row = match AgentRow::load(db, fact.run, agent_id)? {
                    Some(row) => row,
                    None => create_agent(db, fact, agent_id)?,
                };
                run.agent_indexes.insert(agent_id.to_owned(), run.agents.len());
                run.agents.push(row);
                run.agents.len() - 1
            }
        };
        Ok(run.agents.get_mut(index).expect("an agent's index is one of this list"))
    }

    fn touch_agent(&mut self, fact: &Fact<'_>, agent_id: &str) -> Result<()> {
        let row = self.agent(fact, agent_id)?;
        row.event_count += 1;
        row.extent.include(fact.moment);
        row.last_position = fact.position;
        Ok(())
    }

    fn start_agent(&mut self, fact: &Fact<'_>) -> Result<()> {
        let Some(agent_id) = fact.text("agent_id") else { return Ok(()) };
        let row = self.agent(fact, &agent_id)?;
        row.name = fact.text("name").or_else(|| row.name.take());
        row.agent_type = fact.text("agent_type").or_else(|| row.agent_type.take());
        row.parent_agent_id = fact.text("parent_agent_id").or_else(|| row.parent_agent_id.take());
        row.extent.include(fact.moment);
        "running".clone_into(&mut row.status);
        Ok(())
    }

    fn stop_agent(&mut self, fact: &Fact<'_>) -> Result<()> {
        let Some(agent_id) = fact.text("agent_id") else { return Ok(()) };
        let has_failed = fact.member("success") == Some("false");
        let row = self.agent(fact, &agent_id)?;
        row.extent.include(fact.moment);
        let status = if has_failed { "failed" } else { "stopped" };
        status.clone_into(&mut row.status);
        Ok(())
    }
}

fn create_agent(db: &Connection, fact: &Fact<'_>, agent_id: &str) -> Result<AgentRow> {
    let is_actor = agent_id == fact.header.actor_id;
    let part = if is_actor { AgentPart::Actor } else { AgentPart::Subject };
    AgentRow::create(db, fact.run, agent_id, fact.moment, fact.position, part)
}
