//! The rotations of a log as a public text: how each key gave way to the next, signed by both.
//!
//! With it, whoever knew an earlier key can follow a copy of the log to the key that signs now.
//! It does not know which key is the right one. The text is persisted
//! (`docs/formats/data-directory.md`): a JSON array of signed notes, oldest first.
//! INVARIANT (one chain): rotations are of one log, and each goes on from the one before.

use annals_core::checkpoint::SignedRotation;

/// Why a text holds no rotations.
#[derive(Debug, thiserror::Error)]
pub(super) enum RotationsError {
    /// It is not what is written there.
    #[error("it is no JSON array of notes: {0}")]
    Unreadable(#[from] serde_json::Error),
    /// A statement that its keys did not make, or that leads nowhere.
    #[error("its rotation {number}: {problem}")]
    Unsigned {
        /// Counted from 1.
        number: usize,
        /// What does not fit.
        problem: String,
    },
}

/// The text of a chain.
pub(super) fn render(rotations: &[SignedRotation]) -> String {
    let notes: Vec<String> = rotations.iter().map(ToString::to_string).collect();
    let mut text = serde_json::to_string_pretty(&notes).expect("texts are JSON");
    text.push('\n');
    text
}

/// Reads a chain, and checks every signature and link in it.
pub(super) fn parse(text: &str) -> Result<Vec<SignedRotation>, RotationsError> {
    let notes: Vec<String> = serde_json::from_str(text)?;
    let mut rotations: Vec<SignedRotation> = Vec::with_capacity(notes.len());
    for (index, note) in notes.iter().enumerate() {
        let unsigned = |problem| RotationsError::Unsigned { number: index + 1, problem };
        let rotation =
            SignedRotation::parse_verified(note).map_err(|error| unsigned(error.to_string()))?;
        expect_link(rotations.last(), &rotation).map_err(|problem| unsigned(problem.to_owned()))?;
        rotations.push(rotation);
    }
    Ok(rotations)
}

/// Whether a chain of rotations is one.
pub(super) fn expect_chain(rotations: &[SignedRotation]) -> Result<(), &'static str> {
    let mut before = None;
    for rotation in rotations {
        expect_link(before, rotation)?;
        before = Some(rotation);
    }
    Ok(())
}

/// Whether a rotation goes on from the one before it.
pub(super) fn expect_link(
    before: Option<&SignedRotation>,
    next: &SignedRotation,
) -> Result<(), &'static str> {
    let Some(before) = before.map(SignedRotation::statement) else { return Ok(()) };
    let next = next.statement();
    if next.origin != before.origin {
        return Err("it is about another log than the one before it");
    }
    if next.old_key != before.new_key {
        return Err("its old key is not the one that signed");
    }
    // The event of a rotation is covered by the next key, so the next one is later.
    if next.size <= before.size {
        return Err("it is not younger than the one before it");
    }
    Ok(())
}
