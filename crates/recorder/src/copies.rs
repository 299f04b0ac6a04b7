//! Copies of a log that nothing has open: checking a directory, backups, restores.
//!
//! A directory is checked against the checkpoint that lies in it and against those that the caller
//! remembers. INVARIANT (no more than was checked): without a remembered checkpoint nothing is
//! said about rollback, because a directory can only witness for itself.

use std::path::{Path, PathBuf};

use annals_core::id::LogId;
use annals_core::note::VerifierKey;
use annals_store::audit::{
    AuditFailure, AuditOptions, AuditProgress, AuditReport, SignedTree, audit_directory,
};

pub use annals_store::audit;
pub use annals_store::contract::Ancestor;
use annals_store::local::backup::begin_restore;
pub use annals_store::local::backup::{
    BackupErased, BackupFailure, BackupTarget, LogIdentity, Restored, erase_in_backup,
    read_identity, segment_path, write_identity,
};

use crate::trust::{PublicTrust, PublicTrustError, adopt_parent};
use crate::world::Entropy;

/// Why a copy cannot be checked or made.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The directory cannot be checked.
    #[error(transparent)]
    Audit(#[from] AuditFailure),
    /// The public part of its trust cannot be used.
    #[error(transparent)]
    Trust(#[from] PublicTrustError),
    /// The backup cannot be used.
    #[error(transparent)]
    Backup(#[from] BackupFailure),
    /// The copy was cut off at its end.
    #[error(
        "{} is not whole: its log has signed {signed} events, and it holds {found}, so {} are \
         missing. Restore another backup, or go on without them with --accept-loss",
        .backup.display(), .signed - .found
    )]
    EventsMissing {
        /// The backup.
        backup: PathBuf,
        /// Events under the checkpoint that lies in it.
        signed: u64,
        /// Events in it.
        found: u64,
    },
}

/// How a directory is checked.
#[derive(Debug, Clone, Default)]
pub struct CheckOptions {
    /// Threads; at least one.
    pub threads: usize,
    /// The first position whose event is looked at; everything when absent.
    pub from: Option<u64>,
    /// Trees that somebody remembers that the log has signed.
    pub remembered: Vec<SignedTree>,
}

/// What a directory's checkpoint is worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CheckpointState {
    /// There is none.
    Absent,
    /// It is signed by the key that the directory names.
    Signed {
        /// The key.
        key: VerifierKey,
        /// Leaves and root.
        tree: SignedTree,
        /// The log's name.
        origin: String,
    },
    /// The key that the directory names has not signed it.
    Unsigned {
        /// The key.
        key: VerifierKey,
        /// Why.
        problem: String,
    },
}

/// A checked directory.
#[derive(Debug, Clone)]
pub struct CheckedDirectory {
    /// What was found in the log.
    pub audit: AuditReport,
    /// What its checkpoint is worth.
    pub checkpoint: CheckpointState,
    /// What the directory says of its keys.
    pub trust: Option<PublicTrust>,
}

/// Checks the log of a directory that nothing has open: every record, chain and body, and the tree
/// against its checkpoint and the remembered ones. Writes nothing.
///
/// # Errors
/// When it cannot be checked; what is wrong with the log itself is in the answer.
pub fn check_directory(
    directory: &Path,
    identity: &LogIdentity,
    options: &CheckOptions,
    progress: &dyn Fn(AuditProgress),
) -> Result<CheckedDirectory, CopyError> {
    let trust = PublicTrust::read(directory, identity.log_id)?;
    let checkpoint = checkpoint_state(trust.as_ref());
    let mut signed = options.remembered.clone();
    if let CheckpointState::Signed { tree, .. } = &checkpoint {
        signed.push(*tree);
    }
    let audit_options =
        AuditOptions { threads: options.threads, from: options.from, roots_at: Vec::new(), signed };
    let audit = audit_directory(directory, &audit_options, progress)?;
    Ok(CheckedDirectory { audit, checkpoint, trust })
}

fn checkpoint_state(trust: Option<&PublicTrust>) -> CheckpointState {
    let Some(trust) = trust else { return CheckpointState::Absent };
    let Some(signed) = &trust.checkpoint else { return CheckpointState::Absent };
    let checkpoint = signed.checkpoint();
    let key = trust.key_for(checkpoint.size).clone();
    match signed.verify(&key) {
        Ok(()) => CheckpointState::Signed {
            key,
            tree: SignedTree { size: checkpoint.size, root: checkpoint.root },
            origin: checkpoint.origin.clone(),
        },
        Err(error) => CheckpointState::Unsigned { key, problem: error.to_string() },
    }
}

/// What to do about events that a backup's log has signed and that it does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MissingEvents {
    /// Restore nothing.
    Refuse,
    /// Go on without them: the restored log's first event says how many its parent had signed.
    Accept,
}

/// Makes a data directory from a backup: a log with a new identity, whose first own event will
/// name the log that it was restored from.
///
/// # Errors
/// When the backup is damaged or lacks events that its checkpoint covers, the checkpoint is not
/// signed by the key that it names, or the new directory has something in it. What a failed
/// restore leaves behind is no log.
pub fn restore(
    backup: &Path,
    data_dir: &Path,
    missing: MissingEvents,
    entropy: &dyn Entropy,
) -> Result<Restored, CopyError> {
    let mut log_id = [0; 16];
    entropy.fill(&mut log_id);
    let begun = begin_restore(backup, data_dir, LogId::from_bytes(log_id))?;
    // What names the events that the copy lacks must be there before the log is.
    adopt_parent(backup, begun.restored().parent_log_id, data_dir)?;
    if missing == MissingEvents::Refuse {
        refuse_missing_events(backup, begun.restored())?;
    }
    Ok(begun.finish()?)
}

/// What was signed was durable, so a copy that ends before it was cut off or put together wrongly.
fn refuse_missing_events(backup: &Path, restored: &Restored) -> Result<(), CopyError> {
    let trust = PublicTrust::read(backup, restored.parent_log_id)?;
    let checkpoint = trust.and_then(|trust| trust.checkpoint);
    let signed = checkpoint.map_or(0, |signed| signed.checkpoint().size);
    let found = restored.last_position.get();
    match signed > found {
        true => Err(CopyError::EventsMissing { backup: backup.to_owned(), signed, found }),
        false => Ok(()),
    }
}
