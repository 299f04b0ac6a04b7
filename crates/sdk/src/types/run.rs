//! Payloads of the family `run`. Generated; see `mod.rs`.

use crate::payload::payload;

payload! {
    /// A run was asked for.
    RunCreated = "run.created", 1;
    required {
        run_id "run_id": &str,
    }
    optional {
        experiment_id "experiment_id": &str,
        /// String or null; may hold secrets or personal data.
        title "title": &str,
        /// String or null; may hold secrets or personal data.
        goal "goal": &str,
        /// Any; may hold secrets or personal data.
        input "input": impl Into<serde_json::Value>,
        tags "tags": &[&str],
    }
    /// A run began.
    RunStarted = "run.started", 1;
    required {}
    optional {
        run_id "run_id": &str,
        /// String or null; may hold secrets or personal data.
        title "title": &str,
        /// String or null; may hold secrets or personal data.
        goal "goal": &str,
        /// String; may hold secrets or personal data.
        cwd "cwd": &str,
        model "model": &str,
        source "source": &str,
        agent_name "agent_name": &str,
        version "version": &str,
        git_branch "git_branch": &str,
        /// Object; may hold secrets or personal data.
        workflow_definition "workflow_definition": impl Into<serde_json::Value>,
        /// Object; may hold secrets or personal data.
        initial_context "initial_context": impl Into<serde_json::Value>,
        estimated_duration_ms "estimated_duration_ms": impl Into<serde_json::Value>,
        /// String; such as `low`, `medium`, `high`, `critical`.
        priority "priority": &str,
        initiating_agent "initiating_agent": &str,
    }
    /// A run stopped for a while and can go on from where it was.
    RunPaused = "run.paused", 1;
    required {}
    optional {
        run_id "run_id": &str,
        /// String; may hold secrets or personal data.
        reason "reason": &str,
        current_task "current_task": &str,
        pending_tasks "pending_tasks": &[&str],
        /// Object; may hold secrets or personal data.
        checkpoint_data "checkpoint_data": impl Into<serde_json::Value>,
    }
    /// A paused run went on.
    RunResumed = "run.resumed", 1;
    required {}
    optional {
        run_id "run_id": &str,
        /// String; may hold secrets or personal data.
        reason "reason": &str,
        resumed_from_task "resumed_from_task": &str,
        /// Object; may hold secrets or personal data.
        restored_checkpoint "restored_checkpoint": impl Into<serde_json::Value>,
    }
    /// A run ended well.
    RunCompleted = "run.completed", 1;
    required {}
    optional {
        run_id "run_id": &str,
        /// String or null; may hold secrets or personal data.
        summary "summary": &str,
        /// Any; may hold secrets or personal data.
        output "output": impl Into<serde_json::Value>,
        reason "reason": &str,
        duration_ms "duration_ms": impl Into<serde_json::Value>,
        num_turns "num_turns": u64,
        cost_micros "cost_micros": u64,
        total_tasks_executed "total_tasks_executed": u64,
        failed_tasks "failed_tasks": u64,
    }
    /// A run ended without doing what it was for.
    RunFailed = "run.failed", 1;
    required {}
    optional {
        run_id "run_id": &str,
        /// String or null; may hold secrets or personal data.
        message "message": &str,
        /// Object or string or null; may hold secrets or personal data.
        error "error": impl Into<serde_json::Value>,
        /// Any; may hold secrets or personal data.
        output "output": impl Into<serde_json::Value>,
        duration_ms "duration_ms": impl Into<serde_json::Value>,
        cost_micros "cost_micros": u64,
        total_tasks_executed "total_tasks_executed": u64,
        failed_tasks "failed_tasks": u64,
    }
    /// A run was ended by somebody before it was done.
    RunCancelled = "run.cancelled", 1;
    required {}
    optional {
        run_id "run_id": &str,
        /// String or null; may hold secrets or personal data.
        reason "reason": &str,
        /// Any; may hold secrets or personal data.
        output "output": impl Into<serde_json::Value>,
        duration_ms "duration_ms": impl Into<serde_json::Value>,
        total_tasks_executed "total_tasks_executed": u64,
        failed_tasks "failed_tasks": u64,
    }
    /// A run's part was begun.
    StepCreated = "step.created", 1;
    required {
        step_id "step_id": &str,
        kind "kind": &str,
    }
    optional {
        /// String or null; may hold secrets or personal data.
        title "title": &str,
        /// Any; may hold secrets or personal data.
        input "input": impl Into<serde_json::Value>,
        dependencies_satisfied "dependencies_satisfied": &[&str],
        assigned_agent "assigned_agent": &str,
        estimated_execution_time_ms "estimated_execution_time_ms": impl Into<serde_json::Value>,
    }
    /// A run's part came to its end.
    StepCompleted = "step.completed", 1;
    required {
        step_id "step_id": &str,
    }
    optional {
        kind "kind": &str,
        title "title": &str,
        success "success": bool,
        /// String; may hold secrets or personal data.
        summary "summary": &str,
        /// Any; may hold secrets or personal data.
        output "output": impl Into<serde_json::Value>,
        /// Object or string or null; may hold secrets or personal data.
        error "error": impl Into<serde_json::Value>,
        retry_count "retry_count": u64,
        downstream_nodes "downstream_nodes": &[&str],
    }
    /// A run's part ended in an error.
    StepFailed = "step.failed", 1;
    required {
        step_id "step_id": &str,
    }
    optional {
        /// String; such as `timeout`, `resource_exhaustion`, `dependency_failure`, `validation_error`.
        error_type "error_type": &str,
        /// String or null; may hold secrets or personal data.
        message "message": &str,
        /// Object or string or null; may hold secrets or personal data.
        error "error": impl Into<serde_json::Value>,
        retry_count "retry_count": u64,
        max_retries "max_retries": u64,
        will_retry "will_retry": bool,
        recovery_strategy "recovery_strategy": &str,
    }
    /// A run made something worth keeping.
    ArtifactCreated = "artifact.created", 1;
    required {
        artifact_id "artifact_id": &str,
        kind "kind": &str,
    }
    optional {
        /// String or null; may hold secrets or personal data.
        title "title": &str,
        mime_type "mime_type": &str,
        size_bytes "size_bytes": u64,
        sha256 "sha256": &str,
        /// Object or null; of `type`, `text`, `json`, `uri`; may hold secrets or personal data.
        content "content": impl Into<serde_json::Value>,
        /// Object or null; may hold secrets or personal data.
        metadata "metadata": impl Into<serde_json::Value>,
    }
}
