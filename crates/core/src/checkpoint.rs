//! Checkpoints of a log (C2SP tlog-checkpoint) and the statement that its key changes.
//!
//! It decides neither when to sign nor which key to believe.
//! INVARIANT (two texts, never one): no text is both a checkpoint and a rotation statement, so
//! that a signature over one can never stand for the other.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::hash::Digest;
use crate::limits::KEY_NAME_BYTES_MAX;
use crate::note::{KeyKind, Note, NoteError, NoteSignature, SigningKey, VerifierKey};

/// Bytes of a root in base64.
const ROOT_BASE64_BYTES: usize = 44;
/// The first line of a rotation statement. Signed: never reuse for another text.
const ROTATION_TITLE: &str = "annals/key-rotation/1";

/// Why a text is no checkpoint or rotation statement.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// The text is no note, or not signed as wanted.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// A line is missing or not what it must be.
    #[error("line {line} of the signed text is not {expected}")]
    Line {
        /// Counted from 1.
        line: usize,
        /// What should stand there.
        expected: &'static str,
    },
    /// The key is none of this log: it has another name than the origin, or is a witness's.
    #[error("the key {name} is not a key of the log {origin}")]
    ForeignKey {
        /// The key's name.
        name: String,
        /// The log's origin.
        origin: String,
    },
}

/// The size and root of a log's tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's name for its readers; its keys are named so too.
    pub origin: String,
    /// Events of the log, so the last position that the root covers.
    pub size: u64,
    /// The root over that many leaves.
    pub root: Digest,
}

impl Checkpoint {
    /// The text that is signed.
    #[must_use]
    pub fn to_body(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, STANDARD.encode(self.root.as_bytes()))
    }

    /// Reads the signed text of a checkpoint.
    ///
    /// Further lines may follow the three; they say nothing to us and stay in the note alone.
    ///
    /// # Errors
    /// The first line that is wrong.
    pub fn parse(body: &str) -> Result<Self, CheckpointError> {
        let mut lines = Lines::of(body)?;
        let origin = lines.take("an origin", is_origin)?.to_owned();
        let size = lines.take("a size", |line| size_of(line).is_some())?;
        let size = size_of(size).unwrap_or_default();
        let root = lines.take("a root in base64", |line| root_of(line).is_some())?;
        let root = root_of(root).unwrap_or(Digest::ZERO);
        while lines.has_more() {
            lines.take("a line with text", |line| !line.is_empty())?;
        }
        Ok(Self { origin, size, root })
    }
}

/// A checkpoint with its signatures. `Display` is the note, byte for byte as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedCheckpoint {
    note: Note,
    checkpoint: Checkpoint,
}

impl SignedCheckpoint {
    /// Signs a checkpoint.
    #[must_use]
    pub fn sign(checkpoint: Checkpoint, key: &SigningKey) -> Self {
        let body = checkpoint.to_body();
        let signatures = vec![key.sign(&body)];
        Self { note: Note { body, signatures }, checkpoint }
    }

    /// Reads a signed checkpoint. Nothing is verified by that.
    ///
    /// # Errors
    /// When the text is no note, or its text is no checkpoint.
    pub fn parse(text: &str) -> Result<Self, CheckpointError> {
        let note = Note::parse(text)?;
        let checkpoint = Checkpoint::parse(&note.body)?;
        Ok(Self { note, checkpoint })
    }

    /// Text and signatures.
    #[must_use]
    pub fn note(&self) -> &Note {
        &self.note
    }

    /// What was signed.
    #[must_use]
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// Checks the log's own signature: by a log key that is named as the origin.
    ///
    /// # Errors
    /// When the key cannot be the log's, has not signed, or its signature does not fit.
    pub fn verify(&self, key: &VerifierKey) -> Result<(), CheckpointError> {
        check_log_key(key, &self.checkpoint.origin)?;
        self.note.verify(key)?;
        Ok(())
    }

    /// Checks a witness's cosignature and gives its time, in seconds since 1970.
    ///
    /// # Errors
    /// When the key is no witness's, has not signed, or its signature does not fit.
    pub fn verify_cosignature(&self, witness: &VerifierKey) -> Result<u64, CheckpointError> {
        self.note.verify(witness)?.cosigned_at.ok_or_else(|| CheckpointError::ForeignKey {
            name: witness.name().to_owned(),
            origin: self.checkpoint.origin.clone(),
        })
    }

    /// Adds a witness's signature, in place of its older one. It is not checked here.
    pub fn put_cosignature(&mut self, signature: NoteSignature) {
        self.note.put(signature);
    }
}

impl fmt::Display for SignedCheckpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.note.fmt(formatter)
    }
}

/// That a log's key gives way to another: what both of them sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RotationStatement {
    /// The log's origin.
    pub origin: String,
    /// The largest size that the old key has signed or will ever sign.
    pub size: u64,
    /// The key that ends.
    pub old_key: VerifierKey,
    /// The key that begins.
    pub new_key: VerifierKey,
}

impl RotationStatement {
    /// The text that is signed.
    #[must_use]
    pub fn to_body(&self) -> String {
        let Self { origin, size, old_key, new_key } = self;
        format!("{ROTATION_TITLE}\n{origin}\n{size}\n{old_key}\n{new_key}\n")
    }

    /// Reads the signed text of a rotation.
    ///
    /// # Errors
    /// The first line that is wrong.
    pub fn parse(body: &str) -> Result<Self, CheckpointError> {
        let mut lines = Lines::of(body)?;
        lines.take(ROTATION_TITLE, |line| line == ROTATION_TITLE)?;
        let origin = lines.take("an origin", is_origin)?.to_owned();
        let size = lines.take("a size", |line| size_of(line).is_some())?;
        let size = size_of(size).unwrap_or_default();
        let old_key = lines.take_key("the key that ends")?;
        let new_key = lines.take_key("the key that begins")?;
        if lines.has_more() {
            return Err(CheckpointError::Line { line: 6, expected: "the end" });
        }
        Ok(Self { origin, size, old_key, new_key })
    }
}

/// A rotation with the signatures of both keys. `Display` is the note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedRotation {
    note: Note,
    statement: RotationStatement,
}

impl SignedRotation {
    /// States, signed by both, that one key of a log gives way to another.
    #[must_use]
    pub fn sign(origin: &str, size: u64, old: &SigningKey, new: &SigningKey) -> Self {
        let statement = RotationStatement {
            origin: origin.to_owned(),
            size,
            old_key: old.verifier(),
            new_key: new.verifier(),
        };
        let body = statement.to_body();
        let signatures = vec![old.sign(&body), new.sign(&body)];
        Self { note: Note { body, signatures }, statement }
    }

    /// Reads a rotation and checks both signatures, and that both keys can be the log's.
    ///
    /// # Errors
    /// When the text is no rotation, or one of the two keys has not signed it.
    pub fn parse_verified(text: &str) -> Result<Self, CheckpointError> {
        let note = Note::parse(text)?;
        let statement = RotationStatement::parse(&note.body)?;
        for key in [&statement.old_key, &statement.new_key] {
            check_log_key(key, &statement.origin)?;
            note.verify(key)?;
        }
        Ok(Self { note, statement })
    }

    /// Text and signatures.
    #[must_use]
    pub fn note(&self) -> &Note {
        &self.note
    }

    /// What both keys say.
    #[must_use]
    pub fn statement(&self) -> &RotationStatement {
        &self.statement
    }
}

impl fmt::Display for SignedRotation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.note.fmt(formatter)
    }
}

fn check_log_key(key: &VerifierKey, origin: &str) -> Result<(), CheckpointError> {
    if key.kind() == KeyKind::Ed25519 && key.name() == origin {
        return Ok(());
    }
    Err(CheckpointError::ForeignKey { name: key.name().to_owned(), origin: origin.to_owned() })
}

/// The lines of a signed text, each ended by a newline.
#[derive(Debug)]
struct Lines<'a> {
    rest: &'a str,
    line: usize,
}

impl<'a> Lines<'a> {
    fn of(body: &'a str) -> Result<Self, CheckpointError> {
        if body.ends_with('\n') {
            return Ok(Self { rest: body, line: 0 });
        }
        Err(CheckpointError::Line { line: body.split('\n').count(), expected: "ended" })
    }

    fn take(
        &mut self,
        expected: &'static str,
        is_right: impl Fn(&str) -> bool,
    ) -> Result<&'a str, CheckpointError> {
        self.line += 1;
        let wrong = CheckpointError::Line { line: self.line, expected };
        let (line, rest) = self.rest.split_once('\n').ok_or(wrong.clone())?;
        self.rest = rest;
        if is_right(line) { Ok(line) } else { Err(wrong) }
    }

    fn take_key(&mut self, expected: &'static str) -> Result<VerifierKey, CheckpointError> {
        let line = self.take(expected, |_| true)?;
        line.parse().map_err(|_| CheckpointError::Line { line: self.line, expected })
    }

    fn has_more(&self) -> bool {
        !self.rest.is_empty()
    }
}

fn is_origin(line: &str) -> bool {
    !line.is_empty() && line.len() <= KEY_NAME_BYTES_MAX && !line.chars().any(char::is_control)
}

/// A decimal number without leading zeros.
fn size_of(line: &str) -> Option<u64> {
    let size: u64 = line.parse().ok()?;
    (size.to_string() == line).then_some(size)
}

fn root_of(line: &str) -> Option<Digest> {
    if line.len() != ROOT_BASE64_BYTES {
        return None;
    }
    Digest::from_slice(&STANDARD.decode(line).ok()?)
}

#[cfg(test)]
mod tests;
