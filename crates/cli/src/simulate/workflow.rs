//! One workflow from its beginning to its end: what happens in which order, and how often.
//!
//! The order and the chances are those of the hive's own generator; what that one could never
//! produce (failed nodes, pauses, used capabilities, changes of tools and settings) happens here.

use annals_core::time::Timestamp;

use super::object::Object;
use super::story::{Agent, Fact, Teller};
use super::{agents, calls, memory, talk, trouble};

const WORKFLOW: &str = "workflow";

/// What became of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Done,
    Failed,
}

/// One attempt at a task.
#[derive(Debug, Clone)]
pub(super) struct Attempt {
    pub(super) name: &'static str,
    pub(super) kind: &'static str,
    pub(super) agent: Agent,
    began: Timestamp,
    retry_count: u64,
}

/// Plays one workflow.
pub(super) fn play(story: &mut Teller<'_>) {
    let began = begin(story);
    agents::arrive(story);
    trouble::change_settings(story);
    calls::change_tools(story);
    let tasks = story.scenario.tasks;
    let cancelled_at = story.luck.happens(0.04).then(|| story.luck.within(1..=3));
    let (mut tried, mut failed) = (0_u64, 0_u64);
    for (name, kind) in tasks {
        if Some(tried) == cancelled_at {
            break;
        }
        tried += 1;
        if tried > 1 && story.luck.happens(0.08) {
            pause(story, name);
        }
        if play_task(story, name, kind) == Outcome::Failed {
            failed += 1;
        }
    }
    memory::consolidate(story);
    trouble::check_health(story);
    end(story, began, tried, failed, cancelled_at.is_some());
    agents::leave(story);
}

fn begin(story: &mut Teller<'_>) -> Timestamp {
    let began = story.wait(500..=4_000);
    let scenario = story.scenario;
    let names: Vec<_> = scenario.tasks.iter().map(|(name, _)| *name).collect();
    let priority = story.one_of(&["low", "medium", "high", "critical"], "medium");
    let estimate = story.luck.within(30_000..=300_000);
    let context = Object::new()
        .text("goal", scenario.goal)
        .raw("request", story.luck.within(100..=999))
        .raw("is_urgent", priority == "critical");
    let payload = Object::new()
        .text("workflow_name", scenario.name)
        .object("workflow_definition", Object::new().texts("tasks", &names))
        .object("initial_context", context)
        .raw("estimated_duration_ms", estimate)
        .text("priority", priority)
        .text("initiating_agent", scenario.personas.first().unwrap_or(&"orchestrator"));
    story.tell(Fact::of("WorkflowStarted", WORKFLOW), payload);
    began
}

fn end(story: &mut Teller<'_>, began: Timestamp, tried: u64, failed: u64, is_cancelled: bool) {
    story.wait(50..=900);
    let (status, reason) = match () {
        () if is_cancelled => ("cancelled", "A newer request replaced it."),
        () if (tried - failed) * 5 >= tried * 4 => ("completed", "The goal is reached."),
        () => ("failed", "Too many tasks failed."),
    };
    let result = Object::new().raw("goal_reached", status == "completed");
    let payload = Object::new()
        .text("status", status)
        .text("completion_reason", reason)
        .object("final_result", result)
        .raw("total_tasks_executed", tried)
        .raw("failed_tasks", failed)
        .raw("actual_duration_ms", story.clock.ms_since(began));
    story.tell(Fact::of("WorkflowEnded", WORKFLOW).since(began), payload);
}

fn pause(story: &mut Teller<'_>, next_task: &str) {
    story.wait(50..=500);
    let checkpoint = Object::new().text("next_task", next_task);
    let payload = Object::new()
        .text("pause_reason", "A person wants to look first.")
        .raw("current_task", "null")
        .texts("pending_tasks", &[next_task])
        .object("checkpoint_data", checkpoint.clone());
    story.tell(Fact::of("WorkflowPaused", WORKFLOW), payload);
    agents::rest(story);
    story.wait(20..=200);
    let payload = Object::new()
        .text("resume_reason", "The person has looked.")
        .text("resumed_from_task", next_task)
        .object("restored_checkpoint", checkpoint);
    story.tell(Fact::of("WorkflowResumed", WORKFLOW), payload);
}

fn play_task(story: &mut Teller<'_>, name: &'static str, kind: &'static str) -> Outcome {
    let agent = story.some_agent();
    let attempt = try_task(story, name, kind, agent.clone(), 0);
    agents::use_capability(story, &attempt);
    calls::use_tools(story, &attempt);
    memory::recall_and_store(story, &attempt);
    talk::talk(story, &attempt);
    if !story.luck.happens(0.10) {
        complete(story, &attempt);
        return Outcome::Done;
    }
    let failure = trouble::fail(story, &attempt);
    node_failed(story, &attempt, failure);
    if !failure.is_recovered {
        return Outcome::Failed;
    }
    let again = try_task(story, name, kind, agent, 1);
    calls::use_tools(story, &again);
    complete(story, &again);
    Outcome::Done
}

fn try_task(
    story: &mut Teller<'_>,
    name: &'static str,
    kind: &'static str,
    agent: Agent,
    retry_count: u64,
) -> Attempt {
    let began = story.wait(100..=1_500);
    let before = story.scenario.tasks.iter().take_while(|(task, _)| *task != name).last();
    let before: Vec<_> = before.iter().map(|(task, _)| *task).collect();
    let input = Object::new().text("task", name).raw("attempt", retry_count + 1);
    let payload = Object::new()
        .text("node_id", name)
        .text("node_type", kind)
        .text("node_name", &name.replace('_', " "))
        .object("input_data", input)
        .texts("dependencies_satisfied", &before)
        .text("assigned_agent", agent.persona)
        .raw("estimated_execution_time_ms", story.luck.within(1_000..=30_000));
    story.tell(Fact::of("NodeExecuting", WORKFLOW).by(&agent.id), payload);
    Attempt { name, kind, agent, began, retry_count }
}

fn complete(story: &mut Teller<'_>, attempt: &Attempt) {
    story.wait(20..=400);
    let after = story.scenario.tasks.iter().skip_while(|(task, _)| *task != attempt.name).nth(1);
    let after: Vec<_> = after.iter().map(|(task, _)| *task).collect();
    let output = Object::new().raw("items", story.luck.within(0..=40));
    let payload = Object::new()
        .text("node_id", attempt.name)
        .raw("success", true)
        .object("output_data", output)
        .raw("error_details", "null")
        .raw("retry_count", attempt.retry_count)
        .texts("downstream_nodes", &after);
    let fact = Fact::of("NodeCompleted", WORKFLOW).by(&attempt.agent.id).since(attempt.began);
    story.tell(fact, payload);
}

fn node_failed(story: &mut Teller<'_>, attempt: &Attempt, failure: trouble::Failure) {
    story.wait(20..=400);
    let details = Object::new().text("task", attempt.name).raw("retryable", failure.is_recovered);
    let mut payload = Object::new()
        .text("node_id", attempt.name)
        .text("error_type", failure.kind)
        .text("error_message", failure.message)
        .object("error_details", details)
        .raw("retry_count", attempt.retry_count)
        .raw("max_retries", 1)
        .raw("will_retry", failure.is_recovered);
    payload = match failure.recovery {
        Some(recovery) => payload.text("recovery_strategy", recovery),
        None => payload.raw("recovery_strategy", "null"),
    };
    let fact = Fact::of("NodeFailed", WORKFLOW).by(&attempt.agent.id).since(attempt.began);
    story.tell(fact, payload);
}
