//! What agents say to one another.

use super::object::Object;
use super::story::{Fact, Teller};
use super::workflow::Attempt;

const COMMUNICATION: &str = "communication";

/// Most tasks have a message that arrives; now and then one goes to everybody.
pub(super) fn talk(story: &mut Teller<'_>, attempt: &Attempt) {
    let others: Vec<_> =
        story.agents.iter().filter(|agent| agent.id != attempt.agent.id).cloned().collect();
    if let Some(other) = others.first().cloned()
        && story.luck.happens(0.60)
    {
        let last = u64::try_from(others.len() - 1).unwrap_or(0);
        let index = usize::try_from(story.luck.within(0..=last)).unwrap_or(0);
        let other = others.get(index).cloned().unwrap_or(other);
        send(story, attempt, &other.id, other.persona);
    }
    if !others.is_empty() && story.luck.happens(0.08) {
        let targets: Vec<_> = others.iter().map(|agent| agent.persona).collect();
        broadcast(story, attempt, &targets);
    }
}

fn send(story: &mut Teller<'_>, attempt: &Attempt, to_id: &str, to: &str) {
    let (message, from) = (story.uuid(), &attempt.agent);
    let kinds = ["status_update", "task_assignment", "question"];
    let kind = story.one_of(&kinds, "status_update");
    let sent_at = story.wait(20..=300);
    let payload = Object::new()
        .text("message_id", &message)
        .text("from_agent", from.persona)
        .text("to_agent", to)
        .text("message_type", kind)
        .object("message_content", Object::new().text("task", attempt.name))
        .text("priority", "medium")
        .text("delivery_method", "direct")
        .raw("expected_response", kind == "question");
    story.tell(Fact::of("MessagePublished", COMMUNICATION).by(&from.id), payload);
    story.wait(2..=90);
    let status =
        story.one_of(&["accepted", "accepted", "accepted", "rejected", "deferred"], "accepted");
    let payload = Object::new()
        .text("message_id", &message)
        .text("from_agent", from.persona)
        .text("processing_status", status)
        .raw("processing_reason", if status == "accepted" { "null" } else { "\"It is busy.\"" })
        .raw("response_generated", kind == "question" && status == "accepted")
        .raw("delivery_latency_ms", story.clock.ms_since(sent_at));
    story.tell(Fact::of("MessageReceived", COMMUNICATION).by(to_id), payload);
}

fn broadcast(story: &mut Teller<'_>, attempt: &Attempt, targets: &[&str]) {
    let id = story.uuid();
    story.wait(20..=300);
    let payload = Object::new()
        .text("broadcast_id", &id)
        .text("from_agent", attempt.agent.persona)
        .text("broadcast_type", "milestone")
        .object("broadcast_content", Object::new().text("reached", attempt.name))
        .texts("target_agents", targets)
        .raw("delivery_count", targets.len())
        .raw("acknowledgment_required", false);
    story.tell(Fact::of("BroadcastEvent", COMMUNICATION).by(&attempt.agent.id), payload);
}
