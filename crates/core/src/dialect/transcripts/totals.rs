//! What a file or a log says in all: sessions, model calls, tool calls, tokens, cost, time.
//!
//! The same totals come from two sides: `Importer` counts while it reads records, and
//! [`Totals::from_events`] counts events. They agree, which is what the tests hold them to.
//!
//! How it counts: a model call is a message id, with what was said of it last; a tool call is an id
//! within a run; a call without a result is open and no error; a vendor's cost of a run is the
//! highest that it stated, and where it stated none, the sum of what it said of single calls.

use std::collections::{BTreeMap, BTreeSet};

use super::fields::ObjectText;
use super::format::Format;
use crate::json::{JsonKind, as_i64, as_str, kind, member};
use crate::price::{PriceTable, TokenUsage};
use crate::time::Timestamp;

/// Totals of one file, of several, or of stored events.
#[derive(Debug, Clone, Default)]
pub struct Totals {
    /// Records that could be read.
    pub records: u64,
    /// Events that they became.
    pub events: u64,
    /// Records, or parts of them, that did not become events.
    pub errors: u64,
    sessions: BTreeSet<String>,
    model_calls: BTreeMap<String, ModelCall>,
    tool_calls: BTreeMap<(String, String), ToolOutcome>,
    run_costs: BTreeMap<String, RunCost>,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
}

#[derive(Debug, Clone, Default)]
struct ModelCall {
    run_id: String,
    model: Option<String>,
    usage: Option<TokenUsage>,
    cost_micros: Option<i64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum ToolOutcome {
    Open,
    Succeeded,
    Failed,
}

/// What a vendor said that a run cost: of the whole, and of parts that are no model calls of ours.
#[derive(Debug, Clone, Copy, Default)]
struct RunCost {
    whole: Option<i64>,
    parts: Option<i64>,
}

/// Tokens in the four kinds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TokenTotals {
    /// Prompt tokens that came from no cache.
    pub input: u64,
    /// Generated tokens.
    pub output: u64,
    /// Prompt tokens read from a cache.
    pub cache_read: u64,
    /// Prompt tokens written to a cache.
    pub cache_write: u64,
}

/// What is said about one model call; the last word on each point counts.
#[derive(Debug, Default)]
pub(super) struct ModelCallWord<'a> {
    pub(super) run_id: &'a str,
    pub(super) call_id: &'a str,
    pub(super) model: Option<&'a str>,
    pub(super) usage: Option<TokenUsage>,
    pub(super) cost_micros: Option<i64>,
}

/// How a line of `annals import --json` is headed.
#[derive(Debug, Clone, Copy, Default)]
pub struct ImportLine<'a> {
    /// The file; `None` for the total.
    pub path: Option<&'a str>,
    /// Its format; `None` for the total.
    pub format: Option<Format>,
    /// Events that were stored.
    pub stored: u64,
    /// Events that were stored before.
    pub replayed: u64,
    /// Events that the server refused.
    pub refused: u64,
}

impl Totals {
    /// Counts events: type, data as compact JSON text, run and time of each, in the order of the log.
    pub fn from_events<'a>(
        events: impl IntoIterator<Item = (&'a str, &'a str, &'a str, Option<Timestamp>)>,
    ) -> Self {
        let mut totals = Self::default();
        for (event_type, data, run_id, occurred_at) in events {
            totals.events += 1;
            totals.saw_time(occurred_at);
            totals.saw_event(event_type, data, run_id);
        }
        totals
    }

    /// Counts what one event says.
    pub(super) fn saw_event(&mut self, event_type: &str, data: &str, run_id: &str) {
        let text = |name| member(data, name).and_then(as_str);
        match event_type {
            "run.started" => {
                if let Some(session) = text("session_id") {
                    self.saw_session(&session);
                }
            }
            "model.invoked" | "model.completed" | "model.failed" => {
                let usage = member(data, "usage").filter(|usage| kind(usage) == JsonKind::Object);
                self.saw_model_call(&ModelCallWord {
                    run_id,
                    call_id: &text("model_call_id").unwrap_or_default(),
                    model: text("model").as_deref(),
                    usage: usage.map(TokenUsage::from_json),
                    cost_micros: cost_micros(data),
                });
            }
            "tool.invoked" | "tool.succeeded" | "tool.failed" => {
                let call_id = text("tool_call_id").unwrap_or_default();
                match event_type {
                    "tool.invoked" => self.saw_tool_call(run_id, &call_id),
                    _ => self.saw_tool_result(run_id, &call_id, event_type == "tool.failed"),
                }
            }
            "run.completed" | "run.failed" => self.saw_run_cost(run_id, cost_micros(data)),
            "usage.reported" if text("scope").as_deref() == Some("run") => {
                self.saw_run_cost(run_id, cost_micros(data));
            }
            "usage.reported" => self.saw_part_cost(run_id, cost_micros(data)),
            _ => {}
        }
    }

    pub(super) fn saw_session(&mut self, session: &str) {
        if !self.sessions.contains(session) {
            self.sessions.insert(session.to_owned());
        }
    }

    pub(super) fn saw_time(&mut self, at: Option<Timestamp>) {
        self.first = self.first.into_iter().chain(at).min();
        self.last = self.last.into_iter().chain(at).max();
    }

    pub(super) fn saw_model_call(&mut self, word: &ModelCallWord<'_>) {
        let call = self.model_calls.entry(word.call_id.to_owned()).or_default();
        word.run_id.clone_into(&mut call.run_id);
        if let Some(model) = word.model {
            call.model = Some(model.to_owned());
        }
        call.usage = word.usage.or(call.usage);
        call.cost_micros = word.cost_micros.or(call.cost_micros);
    }

    pub(super) fn saw_tool_call(&mut self, run_id: &str, call_id: &str) {
        let key = (run_id.to_owned(), call_id.to_owned());
        self.tool_calls.entry(key).or_insert(ToolOutcome::Open);
    }

    pub(super) fn saw_tool_result(&mut self, run_id: &str, call_id: &str, is_error: bool) {
        let outcome = if is_error { ToolOutcome::Failed } else { ToolOutcome::Succeeded };
        self.tool_calls.insert((run_id.to_owned(), call_id.to_owned()), outcome);
    }

    pub(super) fn saw_run_cost(&mut self, run_id: &str, micros: Option<i64>) {
        let cost = self.run_costs.entry(run_id.to_owned()).or_default();
        cost.whole = cost.whole.max(micros);
    }

    pub(super) fn saw_part_cost(&mut self, run_id: &str, micros: Option<i64>) {
        let cost = self.run_costs.entry(run_id.to_owned()).or_default();
        cost.parts = added(cost.parts, micros);
    }

    /// Adds another file's totals: a message id, a tool call and a session are counted once.
    pub fn add(&mut self, other: &Self) {
        self.records += other.records;
        self.events += other.events;
        self.errors += other.errors;
        self.saw_time(other.first);
        self.saw_time(other.last);
        self.sessions.extend(other.sessions.iter().cloned());
        self.model_calls
            .extend(other.model_calls.iter().map(|(id, call)| (id.clone(), call.clone())));
        for (key, outcome) in &other.tool_calls {
            let known = self.tool_calls.entry(key.clone()).or_insert(*outcome);
            *known = (*known).max(*outcome);
        }
        for (run_id, cost) in &other.run_costs {
            self.saw_run_cost(run_id, cost.whole);
            self.saw_part_cost(run_id, cost.parts);
        }
    }

    /// Sessions that the records name.
    #[must_use]
    pub fn sessions(&self) -> usize {
        self.sessions.len()
    }

    /// Distinct model calls.
    #[must_use]
    pub fn model_calls(&self) -> usize {
        self.model_calls.len()
    }

    /// Distinct model calls by model; a call whose model nobody named is under `None`.
    #[must_use]
    pub fn model_calls_by_model(&self) -> BTreeMap<Option<&str>, usize> {
        let mut counts = BTreeMap::new();
        for call in self.model_calls.values() {
            *counts.entry(call.model.as_deref()).or_default() += 1;
        }
        counts
    }

    /// Distinct tool calls.
    #[must_use]
    pub fn tool_calls(&self) -> usize {
        self.tool_calls.len()
    }

    /// Tool calls that ended in an error.
    #[must_use]
    pub fn tool_errors(&self) -> usize {
        self.outcome_count(ToolOutcome::Failed)
    }

    /// Tool calls without a result.
    #[must_use]
    pub fn tool_calls_open(&self) -> usize {
        self.outcome_count(ToolOutcome::Open)
    }

    fn outcome_count(&self, wanted: ToolOutcome) -> usize {
        self.tool_calls.values().filter(|outcome| **outcome == wanted).count()
    }

    /// Tokens of all model calls.
    #[must_use]
    pub fn tokens(&self) -> TokenTotals {
        let mut tokens = TokenTotals::default();
        for usage in self.model_calls.values().filter_map(|call| call.usage) {
            tokens.input = tokens.input.saturating_add(usage.input);
            tokens.output = tokens.output.saturating_add(usage.output);
            tokens.cache_read = tokens.cache_read.saturating_add(usage.cache_read);
            tokens.cache_write = tokens.cache_write.saturating_add(usage.cache_write);
        }
        tokens
    }

    /// What the vendor said that it cost, in micro-dollars; `None` where it said nothing.
    #[must_use]
    pub fn vendor_cost_micros(&self) -> Option<i64> {
        let mut costs = self.run_costs.clone();
        for call in self.model_calls.values().filter(|call| call.cost_micros.is_some()) {
            let cost = costs.entry(call.run_id.clone()).or_default();
            cost.parts = added(cost.parts, call.cost_micros);
        }
        costs.values().fold(None, |sum, cost| added(sum, cost.whole.or(cost.parts)))
    }

    /// What the calls of models with a known price cost by list price, in micro-dollars;
    /// `None` where no call has one. See [`Totals::unpriced_model_calls`].
    #[must_use]
    pub fn computed_cost_micros(&self, prices: &PriceTable) -> Option<i64> {
        self.model_calls.values().fold(None, |sum, call| added(sum, call_cost(call, prices)))
    }

    /// Model calls with usage that `computed_cost_micros` leaves out, because their price is unknown.
    #[must_use]
    pub fn unpriced_model_calls(&self, prices: &PriceTable) -> usize {
        self.unpriced_by_model(prices).values().sum()
    }

    /// The same by model; a call whose model nobody named is under `None`.
    #[must_use]
    pub fn unpriced_by_model(&self, prices: &PriceTable) -> BTreeMap<Option<&str>, usize> {
        let mut counts = BTreeMap::new();
        let calls = self.model_calls.values().filter(|call| call.usage.is_some());
        for call in calls.filter(|call| call_cost(call, prices).is_none()) {
            *counts.entry(call.model.as_deref()).or_default() += 1;
        }
        counts
    }

    /// The earliest time that anything says.
    #[must_use]
    pub fn first(&self) -> Option<Timestamp> {
        self.first
    }

    /// The latest time that anything says.
    #[must_use]
    pub fn last(&self) -> Option<Timestamp> {
        self.last
    }

    /// One line of `annals import --json`.
    #[must_use]
    pub fn to_json(&self, line: &ImportLine<'_>, prices: &PriceTable) -> String {
        let or_null = |value: Option<String>| value.unwrap_or_else(|| "null".to_owned());
        let time = |at: Option<Timestamp>| or_null(at.map(|at| format!("\"{at}\"")));
        let money = |micros: Option<i64>| or_null(micros.map(|micros| micros.to_string()));
        let tokens = self.tokens();
        let mut token_text = ObjectText::default();
        token_text.number("input", tokens.input).number("output", tokens.output);
        token_text
            .number("cache_read", tokens.cache_read)
            .number("cache_write", tokens.cache_write);
        let mut cost = ObjectText::default();
        cost.raw("vendor", &money(self.vendor_cost_micros()));
        cost.raw("computed", &money(self.computed_cost_micros(prices)));
        let mut object = ObjectText::default();
        match line.path {
            Some(path) => object.text("path", path),
            None => object.raw("path", "null"),
        };
        match line.format {
            Some(format) => object.text("format", format.as_str()),
            None => object.raw("format", "null"),
        };
        object.number("records", self.records).number("events", self.events);
        object.number("stored", line.stored).number("replayed", line.replayed);
        object.number("errors", self.errors + line.refused);
        object.number("sessions", self.sessions()).number("model_calls", self.model_calls());
        object.number("tool_calls", self.tool_calls()).number("tool_errors", self.tool_errors());
        object.number("tool_calls_open", self.tool_calls_open());
        object.raw("tokens", &token_text.finish()).raw("cost_micros", &cost.finish());
        object.raw("first", &time(self.first)).raw("last", &time(self.last));
        object.finish()
    }
}

fn call_cost(call: &ModelCall, prices: &PriceTable) -> Option<i64> {
    prices.cost_micros(call.model.as_deref()?, &call.usage?)
}

fn cost_micros(data: &str) -> Option<i64> {
    member(data, "cost_micros").and_then(as_i64)
}

/// A sum in which what is unknown adds nothing, and nothing known is not zero.
fn added(sum: Option<i64>, more: Option<i64>) -> Option<i64> {
    match (sum, more) {
        (Some(sum), Some(more)) => Some(sum.saturating_add(more)),
        (sum, more) => sum.or(more),
    }
}
