//! Failures and what is done about them, checks of health, and changes of settings.

use super::object::Object;
use super::story::{Fact, Teller};
use super::workflow::Attempt;

const RECOVERY: &str = "recovery";
const SYSTEM: &str = "system";

const FAILURES: [(&str, &str); 4] = [
    ("timeout", "The task took longer than it may."),
    ("resource_exhaustion", "No memory was left for the task."),
    ("dependency_failure", "Something that the task needs did not answer."),
    ("validation_error", "The result is not what it has to be."),
];

/// Why a task failed, and whether it is tried again.
#[derive(Debug, Clone, Copy)]
pub(super) struct Failure {
    pub(super) kind: &'static str,
    pub(super) message: &'static str,
    pub(super) recovery: Option<&'static str>,
    pub(super) is_recovered: bool,
}

/// A task fails; half of these failures are seen and dealt with.
pub(super) fn fail(story: &mut Teller<'_>, attempt: &Attempt) -> Failure {
    let (kind, message) = story.one_of(&FAILURES, FAILURES[0]);
    let unseen = Failure { kind, message, recovery: None, is_recovered: false };
    if !story.luck.happens(0.50) {
        return unseen;
    }
    let recovery = story.one_of(&["retry", "fallback", "rollback", "escalation"], "retry");
    let is_recovered = story.luck.happens(0.70);
    let failure = Failure { recovery: Some(recovery), is_recovered, ..unseen };
    detected(story, attempt, failure);
    recover(story, attempt, failure, recovery);
    failure
}

fn detected(story: &mut Teller<'_>, attempt: &Attempt, failure: Failure) {
    story.wait(20..=500);
    let severity = story.one_of(&["low", "medium", "high", "critical"], "medium");
    let payload = Object::new()
        .text("failure_type", failure.kind)
        .text("failure_description", failure.message)
        .text("affected_component", attempt.name)
        .text("severity", severity)
        .object("error_details", Object::new().text("task_type", attempt.kind))
        .text("detection_method", "watchdog")
        .object("impact_assessment", Object::new().raw("blocked_tasks", 1));
    story.tell(Fact::of("FailureDetected", RECOVERY).by(&attempt.agent.id), payload);
}

fn recover(story: &mut Teller<'_>, attempt: &Attempt, failure: Failure, strategy: &str) {
    let began = story.wait(20..=300);
    let payload = Object::new()
        .text("recovery_strategy", strategy)
        .text("trigger_failure", failure.kind)
        .texts("recovery_steps", &["stop_task", "restore_checkpoint", "begin_again"])
        .raw("estimated_recovery_time_ms", story.luck.within(500..=5_000))
        .raw("backup_systems_activated", "[]")
        .raw("rollback_checkpoint", "null");
    story.tell(Fact::of("RecoveryInitiated", RECOVERY).by(&attempt.agent.id), payload);
    story.wait(300..=4_000);
    let state = if failure.is_recovered { "active" } else { "blocked" };
    let payload = Object::new()
        .raw("recovery_success", failure.is_recovered)
        .text("final_state", state)
        .object("recovery_summary", Object::new().text("strategy", strategy))
        .texts("lessons_learned", &["Give the task more time."])
        .raw("system_improvements", "[]")
        .raw("actual_recovery_time_ms", story.clock.ms_since(began));
    let fact = Fact::of("RecoveryCompleted", RECOVERY).by(&attempt.agent.id).since(began);
    story.tell(fact, payload);
}

/// Now and then somebody looks whether all is well.
pub(super) fn check_health(story: &mut Teller<'_>) {
    if !story.luck.happens(0.30) {
        return;
    }
    story.wait(20..=300);
    let status = story.one_of(&["healthy", "healthy", "degraded", "unhealthy"], "healthy");
    let components =
        Object::new().text("queue", "healthy").text("memory", "healthy").text("tools", status);
    let indicators = Object::new()
        .raw("p95_ms", story.luck.within(40..=2_400))
        .raw("cache_hit_rate", format_args!("0.{}", story.luck.within(60..=99)));
    let payload = Object::new()
        .text("health_status", status)
        .text("check_type", "periodic")
        .object("component_statuses", components)
        .object("performance_indicators", indicators)
        .texts("alerts_triggered", if status == "unhealthy" { &["tools"] } else { &[] })
        .raw("recommended_actions", "[]");
    story.tell(Fact::of("SystemHealthCheck", SYSTEM), payload);
}

/// Now and then a setting is changed before the work begins.
pub(super) fn change_settings(story: &mut Teller<'_>) {
    if !story.luck.happens(0.15) {
        return;
    }
    story.wait(20..=300);
    let kind = story.one_of(&["create", "update", "update", "delete"], "update");
    let setting = |seconds: u64| Object::new().raw("tool_timeout_s", seconds).finish();
    let before = if kind == "create" { "null".to_owned() } else { setting(30) };
    let after = if kind == "delete" { "null".to_owned() } else { setting(60) };
    let payload = Object::new()
        .text("component", "tool_runner")
        .text("change_type", kind)
        .raw("previous_config", before)
        .raw("new_config", after)
        .text("change_reason", "Long tests were cut off.")
        .text("changed_by", "orchestrator")
        .raw("impact_analysis", "null");
    story.tell(Fact::of("ConfigurationChange", SYSTEM), payload);
}
