//! Payloads of the family `project`. Generated; see `mod.rs`.

use crate::payload::payload;

payload! {
    /// A project was set up.
    ProjectCreated = "project.created", 1;
    required {
        project_id "project_id": &str,
    }
    optional {
        /// String; may hold secrets or personal data.
        name "name": &str,
        /// String; may hold secrets or personal data.
        source "source": &str,
    }
    /// A project became the one that is worked on.
    ProjectActivated = "project.activated", 1;
    required {
        project_id "project_id": &str,
    }
    optional {
        /// String; may hold secrets or personal data.
        name "name": &str,
    }
    /// The outline of what is to be done was settled.
    SeedCreated = "seed.created", 1;
    required {
        seed_id "seed_id": &str,
    }
    optional {}
    /// What was done was held against its outline.
    EvaluationCompleted = "evaluation.completed", 1;
    required {
        seed_id "seed_id": &str,
        passed "passed": bool,
    }
    optional {}
    /// An outline was replaced by a better one, and work began anew.
    EvolutionStarted = "evolution.started", 1;
    required {
        seed_id "seed_id": &str,
        new_seed_id "new_seed_id": &str,
        iteration "iteration": u64,
    }
    optional {}
    /// Outlines were replaced as often as is allowed.
    EvolutionMaxReached = "evolution.max_reached", 1;
    required {
        seed_id "seed_id": &str,
        final_score "final_score": impl Into<serde_json::Value>,
        iterations "iterations": u64,
    }
    optional {}
}
