//! The scenarios that can be played: which agents take part, what they have to do, and with what.
//!
//! It is data. A scenario more is an entry more.

/// A kind of work that a multi-agent hive does.
#[derive(Debug)]
pub(super) struct Scenario {
    pub(super) name: &'static str,
    pub(super) goal: &'static str,
    /// The agents, the leading one first.
    pub(super) personas: &'static [&'static str],
    /// Each with its kind, which decides about the tools.
    pub(super) tasks: &'static [(&'static str, &'static str)],
}

pub(super) const SCENARIOS: [Scenario; 8] = [
    Scenario {
        name: "code_review",
        goal: "The pull request is safe to merge.",
        personas: &["senior_developer", "security_analyst", "qa_engineer"],
        tasks: &[
            ("fetch_pr", "git_operation"),
            ("analyze_changes", "analysis"),
            ("run_tests", "testing"),
            ("security_scan", "security"),
            ("generate_review", "generation"),
            ("submit_review", "git_operation"),
        ],
    },
    Scenario {
        name: "feature_development",
        goal: "Customers can export their orders.",
        personas: &["senior_developer", "orchestrator", "documentation_writer"],
        tasks: &[
            ("requirement_analysis", "analysis"),
            ("design_planning", "planning"),
            ("implementation", "coding"),
            ("unit_testing", "testing"),
            ("integration_testing", "testing"),
            ("documentation", "documentation"),
        ],
    },
    Scenario {
        name: "bug_investigation",
        goal: "The checkout no longer fails on Mondays.",
        personas: &["senior_developer", "performance_specialist", "analytics_agent"],
        tasks: &[
            ("reproduce_bug", "debugging"),
            ("log_analysis", "analysis"),
            ("root_cause_analysis", "investigation"),
            ("fix_implementation", "coding"),
            ("regression_testing", "testing"),
            ("deployment", "deployment"),
        ],
    },
    Scenario {
        name: "performance_optimization",
        goal: "The search answers within 100 ms.",
        personas: &["performance_specialist", "senior_developer", "qa_engineer"],
        tasks: &[
            ("collect_profile", "debugging"),
            ("find_hot_paths", "investigation"),
            ("plan_changes", "planning"),
            ("rewrite_hot_path", "coding"),
            ("measure_again", "testing"),
            ("roll_out", "deployment"),
        ],
    },
    Scenario {
        name: "security_audit",
        goal: "No open finding is above medium.",
        personas: &["security_analyst", "senior_developer", "orchestrator"],
        tasks: &[
            ("list_dependencies", "analysis"),
            ("scan_code", "security"),
            ("check_permissions", "security"),
            ("confirm_findings", "investigation"),
            ("close_findings", "coding"),
            ("write_report", "generation"),
        ],
    },
    Scenario {
        name: "documentation_update",
        goal: "The handbook says what the product does.",
        personas: &["documentation_writer", "memory_manager"],
        tasks: &[
            ("find_stale_pages", "analysis"),
            ("plan_chapters", "planning"),
            ("rewrite_pages", "documentation"),
            ("check_examples", "testing"),
            ("publish_pages", "git_operation"),
        ],
    },
    Scenario {
        name: "deployment_pipeline",
        goal: "The release runs in every region.",
        personas: &["orchestrator", "qa_engineer", "performance_specialist"],
        tasks: &[
            ("tag_release", "git_operation"),
            ("build_images", "coding"),
            ("smoke_tests", "testing"),
            ("scan_images", "security"),
            ("deploy_canary", "deployment"),
            ("deploy_everywhere", "deployment"),
        ],
    },
    Scenario {
        name: "knowledge_extraction",
        goal: "What was learned this month is found by asking.",
        personas: &["memory_manager", "analytics_agent", "documentation_writer"],
        tasks: &[
            ("gather_sources", "analysis"),
            ("find_patterns", "investigation"),
            ("write_summaries", "generation"),
            ("check_summaries", "testing"),
            ("file_summaries", "documentation"),
        ],
    },
];

/// The tools that a kind of task is done with.
pub(super) fn tools_of(kind: &str) -> &'static [&'static str] {
    match kind {
        "git_operation" => &["Bash", "Read", "Write"],
        "analysis" => &["Read", "Grep", "Glob", "WebSearch"],
        "testing" | "deployment" => &["Bash", "Read", "LS"],
        "security" => &["Bash", "Grep", "WebFetch"],
        "generation" => &["Write", "Edit", "MultiEdit"],
        "coding" => &["Read", "Write", "Edit", "MultiEdit", "Bash"],
        "planning" => &["TodoWrite", "Write", "WebSearch"],
        "debugging" => &["Read", "Bash", "Grep", "LS"],
        "documentation" => &["Edit", "Write", "Read", "WebFetch"],
        _ => &["Grep", "Glob", "Read", "WebSearch"],
    }
}

/// What a persona is good at.
pub(super) fn capabilities_of(persona: &str) -> &'static [&'static str] {
    match persona {
        "senior_developer" => &["coding", "code_review", "debugging", "architecture"],
        "performance_specialist" => &["performance_analysis", "optimization", "profiling"],
        "security_analyst" => &["security_scanning", "vulnerability_assessment", "compliance"],
        "documentation_writer" => &["documentation", "technical_writing", "knowledge_management"],
        "qa_engineer" => &["testing", "quality_assurance", "test_automation"],
        "analytics_agent" => &["data_analysis", "pattern_recognition", "reporting"],
        "memory_manager" => &["semantic_search", "knowledge_extraction", "context_management"],
        _ => &["workflow_management", "coordination", "scheduling"],
    }
}

/// The scenarios of a name; all of them for `all`.
pub(super) fn scenarios_named(name: &str) -> Vec<&'static Scenario> {
    SCENARIOS.iter().filter(|scenario| name == "all" || scenario.name == name).collect()
}
