//! Which agent a record belongs to: the session's own, or one of the sub-agents that it spawned.
//!
//! What tells them apart differs by version. In order of trust: an agent id on the record, the id of
//! the spawning tool call (`parent_tool_use_id`), the chain of `parentUuid` back to a sidechain's
//! first record, whose prompt is that of the spawning call. A sidechain that nothing explains is an
//! agent of its own, so parallel sub-agents are never merged.

use std::collections::{BTreeMap, BTreeSet};

use super::fields::ObjectText;
use super::record::{Fact, MAIN_AGENT, Moment, Party, Record, sub_agent};
use crate::json::{JsonKind, as_bool, as_str, as_u64, kind, member};

/// Tools that spawn a sub-agent.
const SPAWNING_TOOLS: [&str; 2] = ["Task", "Agent"];

/// The agents of one run.
#[derive(Debug, Default)]
pub(super) struct Agents {
    spawns: Vec<Spawn>,
    agent_of_record: BTreeMap<String, String>,
    started: BTreeSet<String>,
    last_moment: BTreeMap<String, Moment>,
}

/// A tool call that spawns a sub-agent.
#[derive(Debug)]
struct Spawn {
    tool_call_id: String,
    prompt: Option<String>,
    name: Option<String>,
    agent_type: Option<String>,
    parent: String,
    moment: Option<Moment>,
    agent: Option<String>,
}

impl Agents {
    /// Finds the agent of a record, and says that it started if this is its first sign.
    pub(super) fn attribute(
        &mut self,
        record: &mut Record<'_>,
        prompt: Option<&str>,
    ) -> Option<Fact> {
        let (agent, spawn) = self.find(record, prompt);
        if agent != MAIN_AGENT {
            if let Some(uuid) = &record.head.uuid {
                self.agent_of_record.insert(uuid.clone(), agent.clone());
            }
            // The actor says it; a mark that says otherwise stays in the rest.
            record.fields.take_if("isSidechain", |value| value == "true");
        } else {
            record.fields.take_if("isSidechain", |value| value == "false");
        }
        record.agent.clone_from(&agent);
        let fact = self.start(agent, spawn, record.fields.get_text("agent_type").as_deref())?;
        record.fields.take_name("agent_type");
        Some(fact)
    }

    fn find(&mut self, record: &mut Record<'_>, prompt: Option<&str>) -> (String, Option<usize>) {
        let fields = &mut record.fields;
        if let Some(name) = fields.take_name("agentId").or_else(|| fields.take_name("agent_id")) {
            let agent = sub_agent(&name);
            let spawn = self.spawns.iter().position(|spawn| spawn.agent.as_ref() == Some(&agent));
            return (agent, spawn);
        }
        if let Some(tool_call_id) = fields.take_name("parent_tool_use_id") {
            return (
                sub_agent(&tool_call_id),
                self.claim(|spawn| spawn.tool_call_id == tool_call_id),
            );
        }
        fields.take_if("parent_tool_use_id", |value| value == "null");
        if fields.get("isSidechain").and_then(as_bool) != Some(true) {
            return (MAIN_AGENT.to_owned(), None);
        }
        let parent = fields
            .get_text("parentUuid")
            .and_then(|parent| self.agent_of_record.get(parent.as_ref()));
        if let Some(agent) = parent {
            return (agent.clone(), None);
        }
        let spawn = self.claim(|spawn| {
            spawn.agent.is_none() && prompt.is_some() && spawn.prompt.as_deref() == prompt
        });
        let name = spawn.map(|index| self.spawns[index].tool_call_id.clone());
        let name =
            name.or_else(|| record.head.uuid.clone()).unwrap_or_else(|| "sidechain".to_owned());
        (sub_agent(&name), spawn)
    }

    fn claim(&mut self, is_it: impl Fn(&Spawn) -> bool) -> Option<usize> {
        let index = self.spawns.iter().position(is_it)?;
        let spawn = &mut self.spawns[index];
        if spawn.agent.is_none() {
            spawn.agent = Some(sub_agent(&spawn.tool_call_id));
        }
        Some(index)
    }

    /// States that a sub-agent started, once.
    fn start(
        &mut self,
        agent: String,
        spawn: Option<usize>,
        agent_type: Option<&str>,
    ) -> Option<Fact> {
        if agent == MAIN_AGENT || !self.started.insert(agent.clone()) {
            return None;
        }
        let spawn = spawn.map(|index| &self.spawns[index]);
        let mut data = ObjectText::default();
        data.text("agent_id", &agent);
        data.text_opt("name", spawn.and_then(|spawn| spawn.name.as_deref()));
        data.text_opt("agent_type", agent_type.or_else(|| spawn?.agent_type.as_deref()));
        data.text("parent_agent_id", spawn.map_or(MAIN_AGENT, |spawn| &spawn.parent));
        data.text_opt("tool_call_id", spawn.map(|spawn| spawn.tool_call_id.as_str()));
        Some(Fact::new("agent.started", Party::Agent(agent), data.finish()))
    }

    /// Remembers a tool call if it spawns a sub-agent.
    pub(super) fn saw_tool_call(
        &mut self,
        record: &Record<'_>,
        tool_name: &str,
        tool_call_id: &str,
        input: &str,
    ) {
        if !SPAWNING_TOOLS.contains(&tool_name) {
            return;
        }
        let text = |name| member(input, name).and_then(as_str).map(|text| text.into_owned());
        self.spawns.push(Spawn {
            tool_call_id: tool_call_id.to_owned(),
            prompt: text("prompt"),
            name: text("description"),
            agent_type: text("subagent_type"),
            parent: record.agent.clone(),
            moment: record.head.moment.clone(),
            agent: None,
        });
    }

    /// States what the result of a spawning call says of its sub-agent.
    pub(super) fn saw_tool_result(
        &mut self,
        tool_call_id: &str,
        is_error: bool,
        result: Option<&str>,
    ) -> Vec<Fact> {
        let Some(index) = self.spawns.iter().position(|spawn| spawn.tool_call_id == tool_call_id)
        else {
            return Vec::new();
        };
        let stated = |name| result.and_then(|result| member(result, name));
        let mut facts = Vec::new();
        // Newer versions keep the sub-agent in a file of its own and name it here.
        if let Some(name) = stated("agentId").and_then(as_str) {
            let agent = sub_agent(&name);
            self.spawns[index].agent = Some(agent.clone());
            if let Some(mut started) = self.start(agent, Some(index), None) {
                started.moment.clone_from(&self.spawns[index].moment);
                facts.push(started);
            }
        }
        let is_under_way = stated("isAsync").and_then(as_bool) == Some(true);
        let Some(agent) = self.spawns[index].agent.clone().filter(|_| !is_under_way) else {
            return facts;
        };
        let mut data = ObjectText::default();
        data.text("agent_id", &agent).raw("success", if is_error { "false" } else { "true" });
        data.number_opt("duration_ms", stated("totalDurationMs").and_then(as_u64));
        facts.push(Fact::new("agent.stopped", Party::Agent(agent), data.finish()));
        facts
    }

    /// The sub-agent that a tool call spawned.
    pub(super) fn spawned_by(&self, tool_call_id: &str) -> Option<&str> {
        self.spawns.iter().find(|spawn| spawn.tool_call_id == tool_call_id)?.agent.as_deref()
    }

    /// The agent that spawned this one.
    pub(super) fn parent(&self, agent: &str) -> String {
        let spawn = self.spawns.iter().find(|spawn| spawn.agent.as_deref() == Some(agent));
        spawn.map_or_else(|| MAIN_AGENT.to_owned(), |spawn| spawn.parent.clone())
    }

    /// When the agent's record before this one was written.
    pub(super) fn last_moment(&self, agent: &str) -> Option<Moment> {
        self.last_moment.get(agent).cloned()
    }

    /// Remembers when the agent's newest record was written.
    pub(super) fn saw_moment(&mut self, record: &Record<'_>) {
        if let Some(moment) = &record.head.moment {
            self.last_moment.insert(record.agent.clone(), moment.clone());
        }
    }
}

/// The prompt that a user record carries, if it is nothing but text.
pub(super) fn prompt_of(record: &Record<'_>) -> Option<String> {
    let content = member(record.fields.get("message")?, "content")?;
    match kind(content) {
        JsonKind::String => as_str(content).map(|text| text.into_owned()),
        JsonKind::Array => {
            let mut blocks = crate::json::elements(content);
            let text = member(blocks.next()?, "text").and_then(as_str)?.into_owned();
            blocks.next().is_none().then_some(text)
        }
        JsonKind::Object | JsonKind::Number | JsonKind::Bool | JsonKind::Null => None,
    }
}
