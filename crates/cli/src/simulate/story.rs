//! A story of agents at work, told as the documents of a multi-agent hive, one workflow after another.
//!
//! INVARIANT (same seed, same bytes): a story depends on its plan alone. What happens depends on the
//! seed, the ids on the seed and the start, so that the same story at another time is other events.

use std::collections::VecDeque;

use annals_core::time::Timestamp;

use crate::demo::luck::Luck;

use super::clock::{Pace, StoryClock};
use super::object::Object;
use super::scenario::{Scenario, capabilities_of};
use super::workflow;

/// What a story is made from.
#[derive(Debug, Clone)]
pub(super) struct StoryPlan {
    /// Played in this order.
    pub(super) scenarios: Vec<&'static Scenario>,
    pub(super) seed: u64,
    pub(super) start: Timestamp,
    pub(super) pace: Pace,
    /// Whether it begins again after the last scenario.
    pub(super) is_endless: bool,
}

/// The documents of a story, in order.
#[derive(Debug)]
pub(super) struct Story {
    plan: StoryPlan,
    luck: Luck,
    ids: Luck,
    clock: StoryClock,
    begun_count: usize,
    ready: VecDeque<String>,
}

impl Story {
    pub(super) fn new(plan: StoryPlan) -> Self {
        // Another start must give other ids for the same seed, and never those of another seed.
        let start = u64::from_ne_bytes(plan.start.as_micros().to_ne_bytes());
        let ids = Luck::new(Luck::new(plan.seed).number() ^ Luck::new(!start).number());
        Self {
            luck: Luck::new(plan.seed),
            ids,
            clock: StoryClock::new(plan.start, plan.pace),
            begun_count: 0,
            ready: VecDeque::new(),
            plan,
        }
    }

    /// How often all scenarios have been played to their ends.
    pub(super) fn rounds(&self) -> usize {
        let begun_rounds = self.begun_count / self.plan.scenarios.len().max(1);
        if self.ready.is_empty() { begun_rounds } else { begun_rounds.saturating_sub(1) }
    }
}

impl Iterator for Story {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        if self.ready.is_empty() {
            let count = self.plan.scenarios.len();
            let is_over = count == 0 || self.begun_count >= count && !self.plan.is_endless;
            let scenario = *self.plan.scenarios.get(self.begun_count % count.max(1))?;
            if is_over {
                return None;
            }
            self.begun_count += 1;
            let Self { luck, ids, clock, ready, .. } = self;
            workflow::play(&mut Teller::new(scenario, luck, ids, clock, ready));
        }
        self.ready.pop_front()
    }
}

/// An agent that takes part.
#[derive(Debug, Clone)]
pub(super) struct Agent {
    pub(super) id: String,
    pub(super) persona: &'static str,
    pub(super) capabilities: &'static [&'static str],
}

/// Tells one workflow.
#[derive(Debug)]
pub(super) struct Teller<'a> {
    pub(super) scenario: &'static Scenario,
    pub(super) agents: Vec<Agent>,
    pub(super) luck: &'a mut Luck,
    pub(super) clock: &'a mut StoryClock,
    ids: &'a mut Luck,
    told: &'a mut VecDeque<String>,
    workflow_id: String,
    session_id: String,
    correlation_id: String,
    trace_id: String,
}

/// What an event is, beside its payload.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fact<'f> {
    pub(super) name: &'f str,
    pub(super) category: &'f str,
    /// Whose event it is; an agent's id.
    pub(super) agent_id: Option<&'f str>,
    /// What ties it to another one, where that is not the workflow.
    pub(super) correlation_id: Option<&'f str>,
    /// When what it ends was begun.
    pub(super) began: Option<Timestamp>,
}

impl<'f> Fact<'f> {
    pub(super) const fn of(name: &'f str, category: &'f str) -> Self {
        Self { name, category, agent_id: None, correlation_id: None, began: None }
    }

    pub(super) const fn by(mut self, agent_id: &'f str) -> Self {
        self.agent_id = Some(agent_id);
        self
    }

    pub(super) const fn correlated(mut self, correlation_id: &'f str) -> Self {
        self.correlation_id = Some(correlation_id);
        self
    }

    pub(super) const fn since(mut self, began: Timestamp) -> Self {
        self.began = Some(began);
        self
    }
}

impl<'a> Teller<'a> {
    fn new(
        scenario: &'static Scenario,
        luck: &'a mut Luck,
        ids: &'a mut Luck,
        clock: &'a mut StoryClock,
        told: &'a mut VecDeque<String>,
    ) -> Self {
        let agent = |persona: &&'static str, ids: &mut Luck| Agent {
            id: uuid(ids),
            persona,
            capabilities: capabilities_of(persona),
        };
        Self {
            scenario,
            agents: scenario.personas.iter().map(|persona| agent(persona, ids)).collect(),
            luck,
            clock,
            told,
            workflow_id: uuid(ids),
            session_id: uuid(ids),
            correlation_id: uuid(ids),
            trace_id: hex(&ids.bytes::<16>()),
            ids,
        }
    }

    /// Lets time pass until the next event, and says when that is.
    pub(super) fn wait(&mut self, gap_ms: std::ops::RangeInclusive<u64>) -> Timestamp {
        let gap_ms = self.luck.within(gap_ms);
        self.clock.tick(gap_ms)
    }

    /// Lets time pass in which nothing is told, and says when it is.
    pub(super) fn pass(&mut self, gap_ms: std::ops::RangeInclusive<u64>) -> Timestamp {
        let gap_ms = self.luck.within(gap_ms);
        self.clock.pass(gap_ms)
    }

    pub(super) fn uuid(&mut self) -> String {
        uuid(self.ids)
    }

    /// One of several, by chance.
    pub(super) fn one_of<T: Copy>(&mut self, choices: &[T], otherwise: T) -> T {
        let last = u64::try_from(choices.len().saturating_sub(1)).unwrap_or(0);
        let index = usize::try_from(self.luck.within(0..=last)).unwrap_or(0);
        choices.get(index).copied().unwrap_or(otherwise)
    }

    /// Any agent that takes part.
    pub(super) fn some_agent(&mut self) -> Agent {
        let last = u64::try_from(self.agents.len().saturating_sub(1)).unwrap_or(0);
        let index = usize::try_from(self.luck.within(0..=last)).unwrap_or(0);
        self.agents[index].clone()
    }

    /// Adds the event that happens now.
    pub(super) fn tell(&mut self, fact: Fact<'_>, payload: Object) {
        let span = hex(&self.ids.bytes::<8>());
        let metadata = Object::new()
            .text("schema_version", "1.0.0")
            .text("correlation_id", fact.correlation_id.unwrap_or(&self.correlation_id))
            .text("source_service", "annals-simulate")
            .text("trace_id", &self.trace_id)
            .text("span_id", &span)
            .raw("sampling_probability", "1.0");
        let mut document = Object::new()
            .text("event_id", &uuid(self.ids))
            .text("timestamp", &self.clock.now().to_string())
            .text("event_type", fact.name)
            .text("event_category", fact.category)
            .text("workflow_id", &self.workflow_id);
        document = match fact.agent_id {
            Some(agent_id) => document.text("agent_id", agent_id),
            None => document.raw("agent_id", "null"),
        };
        document = document
            .text("session_id", &self.session_id)
            .raw("context_id", "null")
            .raw("semantic_embedding", "null")
            .object("payload", payload);
        if let Some(began) = fact.began {
            document = document.object("performance_metrics", self.metrics(began));
        }
        self.told.push_back(document.object("metadata", metadata).finish());
    }

    fn metrics(&mut self, began: Timestamp) -> Object {
        let (memory, processor) = (self.luck.within(96..=640), self.luck.within(2..=96));
        Object::new()
            .raw("execution_time_ms", self.clock.ms_since(began))
            .raw("memory_usage_mb", format_args!("{memory}.{}", self.luck.within(0..=9)))
            .raw("cpu_usage_percent", format_args!("{processor}.{}", self.luck.within(0..=9)))
    }
}

/// A UUID of version 4.
fn uuid(ids: &mut Luck) -> String {
    let mut bytes = ids.bytes::<16>();
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let text = hex(&bytes);
    let parts = [&text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..]];
    parts.join("-")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
