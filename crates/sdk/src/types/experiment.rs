//! Payloads of the family `experiment`. Generated; see `mod.rs`.

use crate::payload::payload;

payload! {
    /// An experiment was set up, with what it should show and when to stop.
    ExperimentCreated = "experiment.created", 1;
    required {
        experiment_id "experiment_id": &str,
        title "title": &str,
    }
    optional {
        /// String; may hold secrets or personal data.
        hypothesis "hypothesis": &str,
        success_criteria "success_criteria": impl Into<serde_json::Value>,
        stop_conditions "stop_conditions": impl Into<serde_json::Value>,
        budget_cap_units "budget_cap_units": impl Into<serde_json::Value>,
        /// String; such as `low`, `medium`, `high`.
        risk_tier "risk_tier": &str,
        /// Object or null; may hold secrets or personal data.
        metadata "metadata": impl Into<serde_json::Value>,
    }
    /// An experiment's plan changed.
    ExperimentUpdated = "experiment.updated", 1;
    required {
        experiment_id "experiment_id": &str,
    }
    optional {
        /// String or null; may hold secrets or personal data.
        title "title": &str,
        /// String or null; may hold secrets or personal data.
        hypothesis "hypothesis": &str,
        success_criteria "success_criteria": impl Into<serde_json::Value>,
        stop_conditions "stop_conditions": impl Into<serde_json::Value>,
        budget_cap_units "budget_cap_units": impl Into<serde_json::Value>,
        risk_tier "risk_tier": &str,
        /// Object or null; may hold secrets or personal data.
        metadata "metadata": impl Into<serde_json::Value>,
    }
    /// An experiment came to its end or was stopped.
    ExperimentClosed = "experiment.closed", 1;
    required {
        experiment_id "experiment_id": &str,
        status "status": &str,
    }
    optional {
        /// String or null; may hold secrets or personal data.
        reason "reason": &str,
        force "force": bool,
        active_run_count "active_run_count": u64,
    }
    /// A run, an agent or an experiment was scored.
    ScorecardRecorded = "scorecard.recorded", 1;
    required {
        scorecard_id "scorecard_id": &str,
        score "score": impl Into<serde_json::Value>,
        decision "decision": &str,
    }
    optional {
        experiment_id "experiment_id": &str,
        run_id "run_id": &str,
        evidence_id "evidence_id": &str,
        agent_id "agent_id": &str,
        principal_id "principal_id": &str,
        template_key "template_key": &str,
        template_version "template_version": &str,
        metrics "metrics": impl Into<serde_json::Value>,
        metrics_hash "metrics_hash": &str,
        /// String or null; may hold secrets or personal data.
        rationale "rationale": &str,
        /// Object or null; may hold secrets or personal data.
        metadata "metadata": impl Into<serde_json::Value>,
    }
    /// Something worth remembering was written down after a run, a score or an incident.
    LessonLogged = "lesson.logged", 1;
    required {
        lesson_id "lesson_id": &str,
        summary "summary": &str,
    }
    optional {
        experiment_id "experiment_id": &str,
        run_id "run_id": &str,
        scorecard_id "scorecard_id": &str,
        incident_id "incident_id": &str,
        category "category": &str,
        /// Array or null; may hold secrets or personal data.
        action_items "action_items": impl Into<serde_json::Value>,
        tags "tags": impl Into<serde_json::Value>,
        /// Object or null; may hold secrets or personal data.
        metadata "metadata": impl Into<serde_json::Value>,
    }
    /// An agent's latest scores were weighed for what should follow.
    PromotionEvaluated = "promotion.evaluated", 1;
    required {
        scorecard_id "scorecard_id": &str,
        decision "decision": &str,
    }
    optional {
        agent_id "agent_id": &str,
        window_days "window_days": u64,
        pass_count "pass_count": u64,
        warn_count "warn_count": u64,
        fail_count "fail_count": u64,
        fail_ratio "fail_ratio": impl Into<serde_json::Value>,
        /// String or null; may hold secrets or personal data.
        reason "reason": &str,
        recommendation_id "recommendation_id": &str,
        incident_id "incident_id": &str,
        approval_id "approval_id": &str,
    }
}
