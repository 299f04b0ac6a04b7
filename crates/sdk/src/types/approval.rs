//! Payloads of the family `approval`. Generated; see `mod.rs`.

use crate::payload::payload;

payload! {
    /// An agent asked a person for an answer.
    QuestionAsked = "question.asked", 1;
    required {
        question_id "question_id": &str,
        question "question": &str,
    }
    optional {
        /// Array of string; may hold secrets or personal data.
        options "options": &[&str],
    }
}
