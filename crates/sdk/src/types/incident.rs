//! Payloads of the family `incident`. Generated; see `mod.rs`.

use crate::payload::payload;

payload! {
    /// A system saw that a part of it fails.
    FailureDetected = "failure.detected", 1;
    required {}
    optional {
        /// String; such as `timeout`, `resource_exhaustion`, `dependency_failure`, `validation_error`.
        failure_type "failure_type": &str,
        /// String or null; may hold secrets or personal data.
        message "message": &str,
        affected_component "affected_component": &str,
        /// String; such as `low`, `medium`, `high`, `critical`.
        severity "severity": &str,
        /// Object or string or null; may hold secrets or personal data.
        error "error": impl Into<serde_json::Value>,
        detection_method "detection_method": &str,
        /// Object or null; may hold secrets or personal data.
        impact_assessment "impact_assessment": impl Into<serde_json::Value>,
    }
    /// A system began to repair itself.
    RecoveryStarted = "recovery.started", 1;
    required {}
    optional {
        /// String; such as `retry`, `fallback`, `rollback`, `escalation`.
        strategy "strategy": &str,
        /// String; may hold secrets or personal data.
        trigger_failure "trigger_failure": &str,
        /// Array of string; may hold secrets or personal data.
        recovery_steps "recovery_steps": &[&str],
        estimated_recovery_time_ms "estimated_recovery_time_ms": impl Into<serde_json::Value>,
        backup_systems_activated "backup_systems_activated": &[&str],
        rollback_checkpoint "rollback_checkpoint": &str,
    }
    /// A system was done with repairing itself, whether it helped or not.
    RecoveryCompleted = "recovery.completed", 1;
    required {
        success "success": bool,
    }
    optional {
        final_state "final_state": &str,
        /// Object; may hold secrets or personal data.
        recovery_summary "recovery_summary": impl Into<serde_json::Value>,
        /// Array of string; may hold secrets or personal data.
        lessons_learned "lessons_learned": &[&str],
        /// Array of string; may hold secrets or personal data.
        system_improvements "system_improvements": &[&str],
        duration_ms "duration_ms": impl Into<serde_json::Value>,
    }
}
