//! What agents say of themselves: they start, change their state, rest, use what they are good at, stop.

use super::object::Object;
use super::story::{Agent, Fact, Teller};
use super::workflow::Attempt;

const AGENT: &str = "agent";

/// Each agent starts and becomes active.
pub(super) fn arrive(story: &mut Teller<'_>) {
    for (index, agent) in story.agents.clone().iter().enumerate() {
        story.wait(20..=300);
        let setup = Object::new().text("persona", agent.persona).raw("is_warm", index > 0);
        let started = lifecycle(story, agent, "started", "The workflow needs it.");
        let started = started.object("initialization_data", setup);
        story.tell(Fact::of("AgentStarted", AGENT).by(&agent.id), started);
        change_state(story, agent, ["idle", "active"], "A workflow was assigned.");
    }
}

/// Each agent becomes idle and stops.
pub(super) fn leave(story: &mut Teller<'_>) {
    for agent in &story.agents.clone() {
        change_state(story, agent, ["active", "idle"], "The workflow has ended.");
        story.wait(5..=80);
        let stopped = lifecycle(story, agent, "stopped", "Nothing is left to do.");
        let stopped = stopped.raw("initialization_data", "null");
        story.tell(Fact::of("AgentStopped", AGENT).by(&agent.id), stopped);
    }
}

/// The leading agent pauses and goes on.
pub(super) fn rest(story: &mut Teller<'_>) {
    let Some(lead) = story.agents.first().cloned() else { return };
    story.wait(5..=60);
    let paused = lifecycle(story, &lead, "paused", "The workflow is paused.");
    story.tell(Fact::of("AgentPaused", AGENT).by(&lead.id), paused);
    story.wait(4_000..=30_000);
    let resumed = lifecycle(story, &lead, "resumed", "The workflow goes on.");
    story.tell(Fact::of("AgentResumed", AGENT).by(&lead.id), resumed);
}

/// Now and then an agent says that it used one of its capabilities.
pub(super) fn use_capability(story: &mut Teller<'_>, attempt: &Attempt) {
    if !story.luck.happens(0.40) {
        return;
    }
    story.wait(20..=250);
    let capability = story.one_of(attempt.agent.capabilities, "coordination");
    let payload = Object::new()
        .text("capability_name", capability)
        .text("utilization_context", attempt.name)
        .object("input_parameters", Object::new().text("task_type", attempt.kind))
        .object("capability_result", Object::new().raw("findings", story.luck.within(0..=5)))
        .raw("efficiency_score", format_args!("0.{:02}", story.luck.within(50..=99)));
    story.tell(Fact::of("AgentCapabilityUtilized", AGENT).by(&attempt.agent.id), payload);
}

fn lifecycle(story: &Teller<'_>, agent: &Agent, word: &str, reason: &str) -> Object {
    let payload = Object::new().text("lifecycle_event", word).text("reason", reason);
    match story.agents.split_first() {
        Some((lead, others)) if lead.id == agent.id => {
            let others: Vec<_> = others.iter().map(|other| other.id.as_str()).collect();
            payload.raw("parent_agent", "null").texts("child_agents", &others)
        }
        Some((lead, _)) => payload.text("parent_agent", &lead.id).texts("child_agents", &[]),
        None => payload,
    }
}

fn change_state(story: &mut Teller<'_>, agent: &Agent, states: [&str; 2], reason: &str) {
    story.wait(5..=120);
    let [before, after] = states;
    let resources =
        Object::new().raw("memory_mb", story.luck.within(2..=8) * 128).raw("cpu", "0.5");
    let payload = Object::new()
        .text("previous_state", before)
        .text("new_state", after)
        .text("state_transition_reason", reason)
        .texts("capabilities", agent.capabilities)
        .object("resource_allocation", resources)
        .object("persona_data", Object::new().text("role", agent.persona));
    story.tell(Fact::of("AgentStateChanged", AGENT).by(&agent.id), payload);
}
