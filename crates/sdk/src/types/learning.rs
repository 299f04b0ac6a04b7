//! Payloads of the family `learning`. Generated; see `mod.rs`.

use crate::payload::payload;

payload! {
    /// An action that was not let became something to learn from.
    LearningFromFailure = "learning.from_failure", 1;
    required {}
    optional {
        /// String; such as `tool`, `data`, `egress`, `action`.
        category "category": &str,
        action "action": &str,
        /// String; such as `deny`, `require_approval`.
        decision "decision": &str,
        reason_code "reason_code": &str,
        /// String or null; may hold secrets or personal data.
        reason "reason": &str,
        enforcement_mode "enforcement_mode": &str,
        blocked "blocked": bool,
        /// String; may hold secrets or personal data.
        subject_key "subject_key": &str,
        principal_id "principal_id": &str,
        agent_id "agent_id": &str,
        pattern_hash "pattern_hash": &str,
        /// String or null; may hold secrets or personal data.
        guidance "guidance": &str,
        /// Object or null; may hold secrets or personal data.
        context "context": impl Into<serde_json::Value>,
        capability_token_id "capability_token_id": &str,
        policy_event_id "policy_event_id": &str,
    }
    /// A rule was drawn from what was not let.
    ConstraintLearned = "constraint.learned", 1;
    required {
        constraint_id "constraint_id": &str,
    }
    optional {
        category "category": &str,
        action "action": &str,
        reason_code "reason_code": &str,
        pattern_hash "pattern_hash": &str,
        /// String or null; may hold secrets or personal data.
        guidance "guidance": &str,
        seen_count "seen_count": u64,
        repeat_count "repeat_count": u64,
        /// String; may hold secrets or personal data.
        subject_key "subject_key": &str,
        principal_id "principal_id": &str,
        agent_id "agent_id": &str,
        learned_from_event_id "learned_from_event_id": &str,
    }
    /// Somebody did again what was not let before.
    MistakeRepeated = "mistake.repeated", 1;
    required {
        constraint_id "constraint_id": &str,
    }
    optional {
        category "category": &str,
        action "action": &str,
        reason_code "reason_code": &str,
        pattern_hash "pattern_hash": &str,
        /// String or null; may hold secrets or personal data.
        guidance "guidance": &str,
        repeat_count "repeat_count": u64,
        /// String; may hold secrets or personal data.
        subject_key "subject_key": &str,
        principal_id "principal_id": &str,
        agent_id "agent_id": &str,
        learned_from_event_id "learned_from_event_id": &str,
    }
}
