//! Payloads of the family `task`. Generated; see `mod.rs`.

use crate::payload::payload;

payload! {
    /// A task was written down for an agent or a team.
    TaskCreated = "task.created", 1;
    required {
        task_id "task_id": &str,
    }
    optional {
        /// String; may hold secrets or personal data.
        task_subject "task_subject": &str,
        /// String or null; may hold secrets or personal data.
        task_description "task_description": &str,
        teammate_name "teammate_name": &str,
        team_name "team_name": &str,
    }
    /// A task was marked as done.
    TaskCompleted = "task.completed", 1;
    required {
        task_id "task_id": &str,
    }
    optional {
        /// String; may hold secrets or personal data.
        task_subject "task_subject": &str,
        /// String or null; may hold secrets or personal data.
        task_description "task_description": &str,
        teammate_name "teammate_name": &str,
        team_name "team_name": &str,
    }
    /// An agent of a team has nothing left to do.
    TeammateIdled = "teammate.idled", 1;
    required {}
    optional {
        teammate_name "teammate_name": &str,
        team_name "team_name": &str,
    }
}
