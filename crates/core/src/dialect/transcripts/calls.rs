//! Model calls as they are put together from the lines of a message.
//!
//! A message is written in several lines, one a content block, and every line repeats its usage, which
//! may still grow. So a call is stated once something else comes to the agent or from it, with what its
//! last line says. Where a line comes later still, the call is stated again; the last statement counts.

use std::collections::{BTreeMap, BTreeSet};

use super::fields::{Fields, ObjectText};
use super::money::dollars_to_micros;
use super::record::{Fact, Head, Moment, Party, Record};
use super::totals::{ModelCallWord, Totals};
use super::usage::{canonical_usage, vendor_token_usage};
use crate::hash::{Digest, sha256};
use crate::json::as_str;

/// The model calls of one run.
#[derive(Debug, Default)]
pub(super) struct ModelCalls {
    /// The call that each agent is at.
    pending: BTreeMap<String, Pending>,
    invoked: BTreeSet<String>,
    /// What was last stated of each call.
    stated: BTreeMap<String, Digest>,
}

#[derive(Debug)]
struct Pending {
    call_id: String,
    head: Head,
    party: Party,
    model: Option<String>,
    usage: Option<String>,
    stop_reason: Option<String>,
    stop_sequence: Option<String>,
    request_id: Option<String>,
    duration_ms: Option<u64>,
    cost_micros: Option<i64>,
    cost: Option<String>,
    failure: Option<String>,
    residue: Option<String>,
}

impl ModelCalls {
    /// The id of the call that an assistant's record belongs to: its message id. Messages without an
    /// id are no calls, but where they have usage, they are taken as one call of the run.
    pub(super) fn call_id(run_id: &str, message: &Fields<'_>) -> Option<String> {
        let id = message.get_text("id").filter(|id| !id.is_empty());
        let id = id.map(|id| id.into_owned());
        id.or_else(|| message.get("usage").map(|_| format!("{run_id}/unnamed")))
    }

    /// States the agent's call before this one, and that this one began if it did.
    pub(super) fn begin(
        &mut self,
        record: &Record<'_>,
        call_id: &str,
        model: Option<&str>,
        began: Option<Moment>,
    ) -> Vec<Fact> {
        // What an earlier line left over has its home in that line's own statement.
        let is_same = self
            .pending
            .get(&record.agent)
            .is_some_and(|pending| pending.call_id == call_id && pending.residue.is_none());
        let elsewhere = self
            .pending
            .iter()
            .find(|(agent, pending)| **agent != record.agent && pending.call_id == call_id)
            .map(|(agent, _)| agent.clone());
        let mut facts: Vec<Fact> =
            elsewhere.and_then(|agent| self.state(&agent)).into_iter().collect();
        if !is_same {
            facts.extend(self.state(&record.agent));
        }
        if self.invoked.insert(call_id.to_owned()) {
            let mut data = ObjectText::default();
            data.text("model_call_id", call_id);
            data.text_opt("model", model.and_then(as_str).as_deref());
            let mut fact =
                Fact::new("model.invoked", Party::Agent(record.agent.clone()), data.finish());
            fact.moment = began;
            facts.push(fact);
        }
        facts
    }

    /// Takes in what one line says of its call. `residue` is what of the line has no home elsewhere.
    pub(super) fn take_in(&mut self, line: Line<'_, '_, '_>, totals: &mut Totals) {
        let Line { run_id, call_id, record, message, model, failure } = line;
        let fields = &mut record.fields;
        let usage = message.take_object("usage");
        let cost = fields.take_if("costUSD", |cost| dollars_to_micros(cost).is_some());
        let cost_micros = cost.as_deref().and_then(dollars_to_micros);
        totals.saw_model_call(&ModelCallWord {
            run_id,
            call_id: &call_id,
            model: model.and_then(as_str).as_deref(),
            usage: usage.as_deref().map(vendor_token_usage),
            cost_micros,
        });
        let earlier = self.pending.remove(&record.agent);
        let earlier = earlier.filter(|pending| pending.call_id == call_id);
        let owned =
            |value: Option<std::borrow::Cow<'_, str>>| value.map(std::borrow::Cow::into_owned);
        let pending = Pending {
            head: record.head.clone(),
            party: Party::Agent(record.agent.clone()),
            model: model.map(str::to_owned).or_else(|| earlier.as_ref()?.model.clone()),
            usage: usage
                .as_deref()
                .map(canonical_usage)
                .or_else(|| earlier.as_ref()?.usage.clone()),
            stop_reason: owned(message.take("stop_reason"))
                .or_else(|| earlier.as_ref()?.stop_reason.clone()),
            stop_sequence: owned(message.take("stop_sequence"))
                .or_else(|| earlier.as_ref()?.stop_sequence.clone()),
            request_id: fields
                .take_text("requestId")
                .or_else(|| earlier.as_ref()?.request_id.clone()),
            duration_ms: fields.take_u64("durationMs").or_else(|| earlier.as_ref()?.duration_ms),
            cost_micros: cost_micros.or_else(|| earlier.as_ref()?.cost_micros),
            cost: owned(cost).or_else(|| earlier.as_ref()?.cost.clone()),
            failure: failure.or_else(|| earlier.as_ref()?.failure.clone()),
            residue: None,
            call_id,
        };
        self.pending.insert(record.agent.clone(), pending);
    }

    /// Whether the agent's newest line is this record.
    pub(super) fn is_at_call(&self, agent: &str, key: Digest) -> bool {
        self.pending.get(agent).is_some_and(|pending| pending.head.key == key)
    }

    /// Keeps what of a record has no home elsewhere with the agent's call.
    pub(super) fn keep_residue(&mut self, agent: &str, residue: Option<String>) {
        if let Some(pending) = self.pending.get_mut(agent) {
            pending.residue = residue;
        }
    }

    /// States the agent's call, unless the same was stated before.
    pub(super) fn state(&mut self, agent: &str) -> Option<Fact> {
        let pending = self.pending.remove(agent)?;
        let data = pending.data();
        let micros = pending.head.moment.as_ref().map_or(0, |moment| moment.at.as_micros());
        let digest = sha256(&[&micros.to_be_bytes(), data.as_bytes()]);
        if self.stated.insert(pending.call_id.clone(), digest) == Some(digest)
            && pending.residue.is_none()
        {
            return None;
        }
        let event_type = if pending.failure.is_some() { "model.failed" } else { "model.completed" };
        let mut fact = Fact::new(event_type, pending.party, data);
        fact.earlier = Some((pending.head, pending.residue));
        Some(fact)
    }

    /// States every call that is not stated yet, in the order of their lines.
    pub(super) fn state_all(&mut self) -> Vec<Fact> {
        let agents: Vec<String> = self.pending.keys().cloned().collect();
        let mut facts: Vec<Fact> = agents.iter().filter_map(|agent| self.state(agent)).collect();
        facts.sort_by_key(|fact| fact.earlier.as_ref().map(|(head, _)| head.line));
        facts
    }
}

/// One line of a message.
#[derive(Debug)]
pub(super) struct Line<'l, 'a, 'm> {
    pub(super) run_id: &'l str,
    pub(super) call_id: String,
    pub(super) record: &'l mut Record<'a>,
    pub(super) message: &'l mut Fields<'m>,
    pub(super) model: Option<&'l str>,
    /// What went wrong, where the message stands for an error.
    pub(super) failure: Option<String>,
}

impl Pending {
    fn data(&self) -> String {
        let mut data = ObjectText::default();
        data.text("model_call_id", &self.call_id);
        match &self.failure {
            // The schema of failures knows no model that is null.
            Some(message) => data
                .text_opt("model", self.model.as_deref().and_then(as_str).as_deref())
                .text("message", message),
            None => data.raw_opt("model", self.model.as_deref()),
        };
        data.raw_opt("stop_reason", self.stop_reason.as_deref());
        data.raw_opt("stop_sequence", self.stop_sequence.as_deref());
        data.raw_opt("usage", self.usage.as_deref());
        data.text_opt("request_id", self.request_id.as_deref());
        data.number_opt("duration_ms", self.duration_ms);
        data.number_opt("cost_micros", self.cost_micros);
        data.raw_opt("cost_usd", self.cost.as_deref());
        data.finish()
    }
}
