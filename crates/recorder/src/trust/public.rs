//! The public part of a directory's trust, read and written without opening its log: for checks of
//! a copy, and for backups. No seed and no token is touched.

use std::path::Path;

use annals_core::checkpoint::SignedCheckpoint;
use annals_core::id::LogId;
use annals_core::note::VerifierKey;

use super::TrustFailure;
use super::files::{TrustFile, TrustFiles};
use super::keys::{FormerKey, expect_public_head, public_head};

/// What a directory says about who signs its log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicTrust {
    /// The key that signs.
    pub key: VerifierKey,
    /// The keys that signed before, newest first.
    pub former_keys: Vec<FormerKey>,
    /// The newest checkpoint.
    pub checkpoint: Option<SignedCheckpoint>,
}

/// Why the public part of a directory's trust cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PublicTrustError {
    /// A file is not what was written.
    #[error("{} is damaged: {problem}", .file.display())]
    Damaged {
        /// The file.
        file: std::path::PathBuf,
        /// What does not fit.
        problem: String,
    },
    /// A file cannot be read or written.
    #[error(transparent)]
    Failed(#[from] TrustFailure),
}

impl PublicTrust {
    /// Reads it; none when the directory says nothing of keys.
    ///
    /// # Errors
    /// When a file is damaged, of another log, or cannot be read.
    pub fn read(directory: &Path, log_id: LogId) -> Result<Option<Self>, PublicTrustError> {
        let files = TrustFiles::of(Some(directory));
        let Some(text) = files.read(TrustFile::Keys)? else { return Ok(None) };
        let damaged =
            |file, problem: String| PublicTrustError::Damaged { file: files.path(file), problem };
        let (key, former_keys) =
            parse_keys(&text, log_id).map_err(|problem| damaged(TrustFile::Keys, problem))?;
        let checkpoint = files.read(TrustFile::Checkpoint)?;
        let checkpoint = checkpoint.map(|text| SignedCheckpoint::parse(&text)).transpose();
        let checkpoint =
            checkpoint.map_err(|error| damaged(TrustFile::Checkpoint, error.to_string()))?;
        Ok(Some(Self { key, former_keys, checkpoint }))
    }

    /// Writes it into a backup.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write(&self, directory: &Path, log_id: LogId) -> Result<(), TrustFailure> {
        let files = TrustFiles::of(Some(directory));
        let mut text = public_head(log_id);
        text.push_str(&format!("{}\n", self.key));
        for former in &self.former_keys {
            text.push_str(&format!("{} {}\n", former.key, former.last_size));
        }
        files.write(TrustFile::Keys, &text)?;
        match &self.checkpoint {
            Some(checkpoint) => files.write(TrustFile::Checkpoint, &checkpoint.to_string()),
            None => Ok(()),
        }
    }

    /// The key that signs checkpoints of a size.
    #[must_use]
    pub fn key_for(&self, size: u64) -> &VerifierKey {
        let oldest_first = self.former_keys.iter().rev();
        let mut ended_later = oldest_first.filter(|former| former.last_size >= size);
        ended_later.next().map_or(&self.key, |former| &former.key)
    }
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
