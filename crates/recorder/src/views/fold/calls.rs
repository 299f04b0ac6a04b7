//! What an event changes in the rows of calls.

use annals_core::envelope::ActorType;
use annals_core::json::{as_str, members};

use super::super::fact::{Fact, replace_text, summary};
use super::super::model::CallStatus;
use super::super::rows::{CallKey, CallKind, CallRow, Counts};
use super::{Fold, Result};

impl Fold<'_> {
    /// A call of a tool or a model began or ended.
    pub(super) fn call(
        &mut self,
        fact: &Fact<'_>,
        kind: CallKind,
        status: CallStatus,
    ) -> Result<()> {
        let id_field = match kind {
            CallKind::Tool => "tool_call_id",
            CallKind::Model | CallKind::Report | CallKind::Total => "model_call_id",
        };
        let Some(call_id) = fact.member(id_field).and_then(as_str) else { return Ok(()) };
        self.change(fact, kind, &call_id, |fold, row| fold.update_call(row, fact, kind, status))
    }

    /// Changes the row that a source has of something, and with it the totals of run and agent.
    pub(super) fn change(
        &mut self,
        fact: &Fact<'_>,
        kind: CallKind,
        call_id: &str,
        update: impl FnOnce(&Self, &mut CallRow),
    ) -> Result<()> {
        // Of a tool call everybody speaks as one: nothing that they say could add up.
        let source = if kind == CallKind::Tool { "" } else { fact.source() };
        let (call_id, row) = self.load_call(fact, kind, source, call_id)?;
        let (old, mut row) = match row {
            Some(row) => (row.counts(kind), row),
            None => (Counts::default(), CallRow::new(agent_of(fact, kind), fact.position)),
        };
        row.last_position = fact.position;
        update(self, &mut row);
        let new = row.counts(kind);
        let run = self.run_in_hand(fact);
        run.row.counts.replace(&old, &new);
        if kind.is_reconciled() {
            run.row.note_teller(kind, source);
        }
        if !row.counted_agent().is_empty() {
            self.agent(fact, row.counted_agent())?.counts.replace(&old, &new);
        }
        self.run_in_hand(fact).calls(kind, source).insert(call_id, row);
        Ok(())
    }

    /// Takes a row in hand, under its call's id.
    fn load_call(
        &mut self,
        fact: &Fact<'_>,
        kind: CallKind,
        source: &str,
        call_id: &str,
    ) -> Result<(String, Option<CallRow>)> {
        match self.run_in_hand(fact).calls(kind, source).remove_entry(call_id) {
            Some((call_id, row)) => Ok((call_id, Some(row))),
            None => {
                let key = CallKey { run: fact.run, kind, source, call_id };
                Ok((call_id.to_owned(), CallRow::load(self.db, key)?))
            }
        }
    }

    fn update_call(&self, row: &mut CallRow, fact: &Fact<'_>, kind: CallKind, status: CallStatus) {
        let name_field = match kind {
            CallKind::Tool => "tool_name",
            CallKind::Model | CallKind::Report | CallKind::Total => "model",
        };
        replace_text(&mut row.name, fact.plain(name_field).as_deref());
        replace_title(&mut row.title, fact);
        if status == CallStatus::Open {
            row.started_us = Some(fact.moment.at_us);
            row.start_position = Some(fact.position);
        } else {
            end_call(row, fact, status);
        }
        if kind == CallKind::Model {
            note_request(row, fact);
            self.price(row, fact);
        }
    }
}

/// The agent that a row belongs to; empty where a report is by none.
fn agent_of<'a>(fact: &Fact<'a>, kind: CallKind) -> &'a str {
    match kind {
        CallKind::Tool | CallKind::Model => fact.header.actor_id,
        CallKind::Report | CallKind::Total if fact.header.actor_type == ActorType::Agent => {
            fact.header.actor_id
        }
        CallKind::Report | CallKind::Total => "",
    }
}

/// Notes the request that a call was: the first that is stated, so that what a row is known by
/// never changes to something else.
pub(super) fn note_request(row: &mut CallRow, fact: &Fact<'_>) {
    if row.request_id.is_none() {
        row.request_id = fact.text("request_id").filter(|id| !id.is_empty());
    }
}

fn end_call(row: &mut CallRow, fact: &Fact<'_>, status: CallStatus) {
    row.status = status;
    row.ended_us = Some(fact.moment.at_us);
    row.end_position = Some(fact.position);
    let measured = row.started_us.map(|start| (fact.moment.at_us - start).max(0) / 1_000);
    row.duration_ms = fact.milliseconds("duration_ms").or(measured);
    row.error = if status == CallStatus::Error { fact.error() } else { None };
}

/// Notes what a call is about: its title, or the field of its input that says most.
fn replace_title(old: &mut Option<String>, fact: &Fact<'_>) {
    const TELLING_FIELDS: [&str; 8] =
        ["description", "command", "file_path", "path", "pattern", "query", "url", "prompt"];
    let from_input = || {
        let rank = |name: &str| TELLING_FIELDS.iter().position(|field| *field == name);
        let ranked = members(fact.member("input")?)
            .filter_map(|(name, value)| Some((rank(name)?, as_str(value)?)));
        ranked.min_by_key(|(rank, _)| *rank).map(|(_, text)| text)
    };
    let title = fact.plain("title").or_else(from_input);
    replace_text(old, title.as_deref().map(summary).as_deref());
}
