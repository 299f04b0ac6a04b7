//! Payloads of the family `skill`. Generated; see `mod.rs`.

use crate::payload::payload;

payload! {
    /// A package with a skill was installed.
    SkillPackageInstalled = "skill.package.installed", 1;
    required {
        skill_package_id "skill_package_id": &str,
    }
    optional {
        skill_id "skill_id": &str,
        version "version": &str,
        hash_sha256 "hash_sha256": &str,
        has_signature "has_signature": bool,
    }
    /// An agent's skills were taken over from elsewhere.
    AgentSkillsImported = "agent.skills.imported", 1;
    required {
        agent_id "agent_id": &str,
    }
    optional {
        packages "packages": impl Into<serde_json::Value>,
        skill_ids "skill_ids": &[&str],
    }
    /// An agent learned a skill or got better at it.
    AgentSkillLearned = "agent.skill.learned", 1;
    required {
        agent_id "agent_id": &str,
        skill_id "skill_id": &str,
    }
    optional {
        level "level": impl Into<serde_json::Value>,
    }
    /// An agent used a skill.
    AgentSkillUsed = "agent.skill.used", 1;
    required {
        agent_id "agent_id": &str,
        skill_id "skill_id": &str,
    }
    optional {
        usage_total "usage_total": u64,
        run_id "run_id": &str,
        step_id "step_id": &str,
    }
    /// It was settled which skill an agent is mainly for.
    AgentSkillPrimarySet = "agent.skill.primary_set", 1;
    required {
        agent_id "agent_id": &str,
        skill_id "skill_id": &str,
    }
    optional {
        level "level": impl Into<serde_json::Value>,
    }
    /// It began to be tested how well an agent has a skill.
    SkillAssessmentStarted = "skill.assessment.started", 1;
    required {
        assessment_id "assessment_id": &str,
    }
    optional {
        agent_id "agent_id": &str,
        skill_id "skill_id": &str,
    }
    /// An agent was found to have a skill.
    SkillAssessmentPassed = "skill.assessment.passed", 1;
    required {
        assessment_id "assessment_id": &str,
    }
    optional {
        agent_id "agent_id": &str,
        skill_id "skill_id": &str,
        score "score": impl Into<serde_json::Value>,
    }
    /// An agent was found not to have a skill.
    SkillAssessmentFailed = "skill.assessment.failed", 1;
    required {
        assessment_id "assessment_id": &str,
    }
    optional {
        agent_id "agent_id": &str,
        skill_id "skill_id": &str,
        score "score": impl Into<serde_json::Value>,
    }
}
