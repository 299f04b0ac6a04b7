//! The public part of a directory's trust, read and written without opening its log: for checks of
//! a copy, and for backups. No seed and no token is touched.
//!
//! INVARIANT (proven keys): a key counts as one that signed before only where both keys have said
//! so; the file of keys alone, a plain text, proves nothing.

use std::path::{Path, PathBuf};

use annals_core::checkpoint::{SignedCheckpoint, SignedRotation};
use annals_core::id::LogId;
use annals_core::note::VerifierKey;

use super::TrustFailure;
use super::files::{TrustFile, TrustFiles};
use super::keys::{FormerKey, expect_public_head, former_key_for, former_keys, render_public};
use super::rotations::{self, RotationsError};

/// What a directory says about who signs its log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicTrust {
    /// The key that signs.
    pub key: VerifierKey,
    /// The newest checkpoint.
    pub checkpoint: Option<SignedCheckpoint>,
    /// Oldest first; the last one's new key is the key that signs.
    rotations: Vec<SignedRotation>,
}

/// Why the public part of a directory's trust cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PublicTrustError {
    /// A file is not what was written.
    #[error("{} is damaged: {problem}", .file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What does not fit.
        problem: String,
    },
    /// A file says of keys what these keys have not said.
    #[error("{} says of keys what they have not signed: {problem}", .file.display())]
    Unsigned {
        /// The file.
        file: PathBuf,
        /// What does not fit.
        problem: String,
    },
    /// A file cannot be read or written.
    #[error(transparent)]
    Failed(#[from] TrustFailure),
}

/// Why keys and rotations do not belong together.
#[derive(Debug, thiserror::Error)]
#[error("the rotations do not lead to the key {key}: {problem}")]
pub struct NoRotation {
    /// The key that is said to sign.
    key: VerifierKey,
    /// What does not fit.
    problem: &'static str,
}

impl PublicTrust {
    /// Of a key, and the rotations that led to it, oldest first.
    ///
    /// # Errors
    /// When they do not lead to it.
    pub fn new(
        key: VerifierKey,
        rotations: Vec<SignedRotation>,
        checkpoint: Option<SignedCheckpoint>,
    ) -> Result<Self, NoRotation> {
        let leads = rotations::expect_chain(&rotations).and_then(|()| match rotations.last() {
            Some(last) if last.statement().new_key != key => Err("the last one names another"),
            _ => Ok(()),
        });
        match leads {
            Ok(()) => Ok(Self { key, checkpoint, rotations }),
            Err(problem) => Err(NoRotation { key, problem }),
        }
    }

    /// Reads it; none when the directory has neither keys nor a checkpoint.
    ///
    /// # Errors
    /// When a file is damaged, not signed as it must be, of another log, missing, or cannot be
    /// read.
    pub fn read(directory: &Path, log_id: LogId) -> Result<Option<Self>, PublicTrustError> {
        let files = TrustFiles::of(Some(directory));
        let damaged =
            |file, problem: String| PublicTrustError::Damaged { file: files.path(file), problem };
        let Some(text) = files.read(TrustFile::Keys)? else {
            // Without the keys nothing would be checked of what they have signed. Rotations alone
            // are the beginning of a backup that broke off.
            return match files.exists(TrustFile::Checkpoint) {
                true => Err(damaged(TrustFile::Keys, "it is not there".to_owned())),
                false => Ok(None),
            };
        };
        let (listed, former) =
            parse_keys(&text, log_id).map_err(|problem| damaged(TrustFile::Keys, problem))?;
        let rotations = read_rotations(&files)?;
        let key = match rotations.last() {
            Some(last) => last.statement().new_key.clone(),
            None => listed.clone(),
        };
        expect_listed(&listed, &former, &rotations).map_err(|problem| {
            PublicTrustError::Unsigned { file: files.path(TrustFile::Keys), problem }
        })?;
        let checkpoint = files.read(TrustFile::Checkpoint)?;
        let checkpoint = checkpoint.map(|text| SignedCheckpoint::parse(&text)).transpose();
        let checkpoint =
            checkpoint.map_err(|error| damaged(TrustFile::Checkpoint, error.to_string()))?;
        Ok(Some(Self { key, checkpoint, rotations }))
    }

    /// Reads the newest checkpoint, signed by the directory's key of its time; none when nothing
    /// was signed.
    ///
    /// # Errors
    /// As [`PublicTrust::read`]; also when that key has not signed it.
    pub(super) fn read_signed(
        directory: &Path,
        log_id: LogId,
    ) -> Result<Option<SignedCheckpoint>, PublicTrustError> {
        let Some(trust) = Self::read(directory, log_id)? else { return Ok(None) };
        let Some(signed) = &trust.checkpoint else { return Ok(None) };
        signed.verify(trust.key_for(signed.checkpoint().size)).map_err(|error| {
            let file = TrustFiles::of(Some(directory)).path(TrustFile::Checkpoint);
            PublicTrustError::Damaged { file, problem: error.to_string() }
        })?;
        Ok(trust.checkpoint)
    }

    /// Writes it into a backup. What is broken off in between can be read, and written again.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write(&self, directory: &Path, log_id: LogId) -> Result<(), TrustFailure> {
        let files = TrustFiles::of(Some(directory));
        // The list of keys may lag behind the rotations, never the other way round.
        if !self.rotations.is_empty() {
            files.write(TrustFile::Rotations, &rotations::render(&self.rotations))?;
        }
        let text = render_public(log_id, &self.key, &self.former_keys());
        files.write(TrustFile::Keys, &text)?;
        match &self.checkpoint {
            Some(checkpoint) => files.write(TrustFile::Checkpoint, &checkpoint.to_string()),
            None => Ok(()),
        }
    }

    /// How each key gave way to the next, oldest first, signed by both.
    #[must_use]
    pub fn rotations(&self) -> &[SignedRotation] {
        &self.rotations
    }

    /// The keys that signed before, newest first, each by the word of both keys.
    #[must_use]
    pub fn former_keys(&self) -> Vec<FormerKey> {
        former_keys(&self.rotations)
    }

    /// The key that signs checkpoints of a size.
    #[must_use]
    pub fn key_for(&self, size: u64) -> &VerifierKey {
        former_key_for(&self.rotations, size).unwrap_or(&self.key)
    }
}

fn read_rotations(files: &TrustFiles) -> Result<Vec<SignedRotation>, PublicTrustError> {
    let Some(text) = files.read(TrustFile::Rotations)? else { return Ok(Vec::new()) };
    let file = files.path(TrustFile::Rotations);
    rotations::parse(&text).map_err(|error| match error {
        RotationsError::Unreadable(_) => {
            PublicTrustError::Damaged { file, problem: error.to_string() }
        }
        RotationsError::Unsigned { .. } => {
            PublicTrustError::Unsigned { file, problem: error.to_string() }
        }
    })
}

/// Whether the list of keys is that of the rotations, or of as many of them as there were when a
/// crash kept it from following.
fn expect_listed(
    listed: &VerifierKey,
    former: &[FormerKey],
    rotations: &[SignedRotation],
) -> Result<(), String> {
    let Some(followed) = rotations.get(..former.len()) else {
        return Err("it has a former key without a statement that both keys signed".to_owned());
    };
    let signs = match (followed.last(), rotations.first()) {
        (Some(last), _) => Some(&last.statement().new_key),
        (None, Some(first)) => Some(&first.statement().old_key),
        (None, None) => None,
    };
    if signs.is_some_and(|signs| signs != listed) || former_keys(followed) != former {
        return Err("its keys are not those of the signed rotations".to_owned());
    }
    Ok(())
}

fn parse_keys(text: &str, log_id: LogId) -> Result<(VerifierKey, Vec<FormerKey>), String> {
    let mut lines = text.lines();
    expect_public_head(lines.next(), log_id)?;
    let key = lines.next().ok_or("it names no key")?;
    let key = key.parse().map_err(|_| "its first key cannot be read")?;
    let former = lines.map(|line| {
        let (key, last_size) = line.split_once(' ')?;
        Some(FormerKey { key: key.parse().ok()?, last_size: last_size.parse().ok()? })
    });
    let former: Option<Vec<_>> = former.collect();
    Ok((key, former.ok_or("a former key cannot be read")?))
}
