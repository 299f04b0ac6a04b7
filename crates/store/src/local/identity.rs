//! Which log a directory is of, read without opening the log.

use std::path::{Path, PathBuf};

use annals_core::id::{LogId, Position};

use super::OpenError;
use super::backup::BackupFailure;
use super::directory::{Directory, read_log_id};
use super::lineage::Lineage;
use super::segment::segment_name;
use crate::audit::read_only::ReadOnlyDisk;
use crate::contract::Ancestor;

/// Which log a directory is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogIdentity {
    /// The log.
    pub log_id: LogId,
    /// The logs that it was restored from, oldest first.
    pub lineage: Vec<Ancestor>,
}

/// Says which log a directory is of.
///
/// # Errors
/// When there is no log in it, or the files that say so are damaged.
pub fn read_identity(directory: &Path) -> Result<LogIdentity, BackupFailure> {
    let (disk, names) = (ReadOnlyDisk, Directory::new(directory));
    let log_id = read_log_id(&disk, &names)
        .map_err(|fault| OpenError::small(names.log_id(), fault))?
        .ok_or_else(|| BackupFailure::NotABackup { directory: directory.to_owned() })?;
    let lineage = Lineage::open(&disk, &names, log_id)?;
    Ok(LogIdentity { log_id, lineage: lineage.ancestors().to_vec() })
}

/// Where a backup, as a data directory, has the segment that begins with a position.
#[must_use]
pub fn segment_path(directory: &Path, first: Position) -> PathBuf {
    Directory::new(directory).log().join(segment_name(first))
}
