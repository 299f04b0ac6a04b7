//! Payloads of the family `trust`. Generated; see `mod.rs`.

use crate::payload::payload;

payload! {
    /// It was proposed that an agent may do more on its own.
    AutonomyUpgradeRecommended = "autonomy.upgrade.recommended", 1;
    required {
        recommendation_id "recommendation_id": &str,
        agent_id "agent_id": &str,
    }
    optional {
        scope_delta "scope_delta": impl Into<serde_json::Value>,
        /// String or null; may hold secrets or personal data.
        rationale "rationale": &str,
        trust_score_before "trust_score_before": impl Into<serde_json::Value>,
        trust_score_after "trust_score_after": impl Into<serde_json::Value>,
    }
    /// A day's successes, failures and costs of an agent or a workspace were added up.
    SurvivalLedgerRolledUp = "survival.ledger.rolled_up", 1;
    required {
        target_type "target_type": &str,
        target_id "target_id": &str,
    }
    optional {
        workspace_id "workspace_id": &str,
        snapshot_date "snapshot_date": &str,
        success_count "success_count": impl Into<serde_json::Value>,
        failure_count "failure_count": impl Into<serde_json::Value>,
        incident_opened_count "incident_opened_count": impl Into<serde_json::Value>,
        incident_closed_count "incident_closed_count": impl Into<serde_json::Value>,
        learning_count "learning_count": impl Into<serde_json::Value>,
        repeated_mistakes_count "repeated_mistakes_count": impl Into<serde_json::Value>,
        egress_requests_count "egress_requests_count": impl Into<serde_json::Value>,
        blocked_requests_count "blocked_requests_count": impl Into<serde_json::Value>,
        estimated_cost_units "estimated_cost_units": impl Into<serde_json::Value>,
        value_units "value_units": impl Into<serde_json::Value>,
        budget_cap_units "budget_cap_units": impl Into<serde_json::Value>,
        budget_utilization "budget_utilization": impl Into<serde_json::Value>,
        survival_score "survival_score": impl Into<serde_json::Value>,
        /// Object or null; may hold secrets or personal data.
        extras "extras": impl Into<serde_json::Value>,
    }
    /// What an agent was like on one day was put down.
    DailyAgentSnapshot = "daily.agent.snapshot", 1;
    required {
        agent_id "agent_id": &str,
        snapshot_date "snapshot_date": &str,
    }
    optional {
        workspace_id "workspace_id": &str,
        trust_score "trust_score": impl Into<serde_json::Value>,
        autonomy_rate_7d "autonomy_rate_7d": impl Into<serde_json::Value>,
        new_skills_learned_7d "new_skills_learned_7d": i64,
        constraints_learned_7d "constraints_learned_7d": i64,
        repeated_mistakes_7d "repeated_mistakes_7d": i64,
        /// Object or null; may hold secrets or personal data.
        extras "extras": impl Into<serde_json::Value>,
    }
}
