//! The local engine: a log in the files of one directory, with one writer.
//!
//! Segments hold the truth, the index beside them is derived. What a directory holds is in
//! `docs/formats/data-directory.md`, how commits and recovery keep the promises of the contract
//! in the modules below, in the order of an event's life: it is written (`writer`), indexed,
//! read, and found again after a crash.

pub(crate) mod directory;
pub mod disk;
pub(crate) mod segment;
mod state;

mod writer;

mod index;
mod keeper;

mod reader;
mod scan;

mod recover;
pub(crate) mod walk;

pub(crate) mod erase;
pub(crate) mod lineage;
mod reserve;

pub mod backup;
mod identity;
mod restore;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use annals_core::id::{LogId, Position};

pub(crate) use directory::write_file;
use directory::{Directory, SmallFileFault};
use disk::{Disk, LockError, OsDisk};
use erase::EraseFault;
use keeper::Keeper;
use lineage::Lineage;
use state::Shared;

use crate::contract::ReadFailure;
pub use reader::LocalReader;
pub use recover::OpenReport;
pub use writer::LocalWriter;

/// When an append is answered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Durability {
    /// After the disk has confirmed a sync.
    #[default]
    Sync,
    /// After the operating system took the bytes: they survive the process, not the machine.
    Os,
}

/// Who does the work that no append waits for: index files, merges, the next segment's file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Upkeep {
    /// A thread of the log's own.
    #[default]
    Thread,
    /// The caller, in [`LocalWriter::settle_index`] and when too much has piled up. Every run of a
    /// program then does the same file operations in the same order.
    Caller,
}

/// How a local log is opened.
#[derive(Debug, Clone)]
pub struct LocalOptions {
    /// The identity of the log if the directory has none yet; drawn at random by the caller.
    pub new_log_id: LogId,
    /// When an append is answered.
    pub durability: Durability,
    /// Bytes of a segment; a group that is larger gets a segment of its own size.
    pub segment_bytes: u64,
    /// Bytes of index pages in memory.
    pub index_cache_bytes: usize,
    /// Bytes of the index files' filters in memory, beside the cache: 25 MiB are enough for ten
    /// million events.
    pub filter_bytes: usize,
    /// How many index files become one.
    pub merge_fan_in: usize,
    /// Who does the work in the background.
    pub upkeep: Upkeep,
}

impl LocalOptions {
    /// The usual sizes: segments of 64 MiB, an index cache of 16 MiB, filters of 32 MiB, merges of eight.
    #[must_use]
    pub const fn new(new_log_id: LogId) -> Self {
        Self {
            new_log_id,
            durability: Durability::Sync,
            segment_bytes: 64 << 20,
            index_cache_bytes: 16 << 20,
            filter_bytes: 32 << 20,
            merge_fan_in: 8,
            upkeep: Upkeep::Thread,
        }
    }
}

impl LocalOptions {
    /// Sizes with which every offset in a segment fits into 32 bits.
    fn within_bounds(mut self) -> Self {
        self.segment_bytes = self.segment_bytes.clamp(1 << 10, 1 << 31);
        self.merge_fan_in = self.merge_fan_in.clamp(2, 64);
        self
    }
}

/// Why a log is not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it open.
    #[error("{} is in use ({holder}); a log has one writer at a time", .directory.display())]
    Locked {
        /// The data directory.
        directory: PathBuf,
        /// What the other process says of itself.
        holder: String,
    },
    /// A newer version of Annals wrote it.
    #[error("{} has format {format}, which is newer than this version of Annals; use a newer one", .file.display())]
    NewerFormat {
        /// The file.
        file: PathBuf,
        /// Its format.
        format: u16,
    },
    /// Stored bytes are not what was written.
    #[error(
        "{} is damaged at byte {offset}: {what}. Nothing was changed. Restore the file from a \
         backup; or, to give up what follows the damage, move this file, all later segments and \
         the file `clean` aside and put a copy of this file, cut to {offset} bytes, in its place",
        .file.display()
    )]
    Damaged {
        /// The file.
        file: PathBuf,
        /// Where the damage begins.
        offset: u64,
        /// What does not fit.
        what: String,
    },
    /// A part of the log is not there.
    #[error("the segment with position {} is missing: the log goes on at {next}. Restore it from a backup", .after.next())]
    SegmentMissing {
        /// The last position before the gap.
        after: Position,
        /// The first one behind it.
        next: Position,
    },
    /// A segment of another log lies in the directory.
    #[error("{} belongs to log {log_id}, not to this one; move it away", .file.display())]
    ForeignSegment {
        /// The segment.
        file: PathBuf,
        /// Its log.
        log_id: LogId,
    },
    /// There are segments, but the log's identity is gone.
    #[error("{} is missing, but there are segments; restore it from a backup", .file.display())]
    LogIdMissing {
        /// Where it should be.
        file: PathBuf,
    },
    /// The operating system could not do its part.
    #[error("cannot use {}", .path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Stored events cannot be read.
    #[error(transparent)]
    Read(#[from] ReadFailure),
}

impl OpenError {
    fn io(path: impl Into<PathBuf>, source: io::Error) -> Self {
        Self::Io { path: path.into(), source }
    }

    /// Damage that was found while an index was built; other failures stay what they are.
    fn read(failure: ReadFailure) -> Self {
        match failure {
            ReadFailure::Damaged { file, offset, what } => Self::Damaged { file, offset, what },
            ReadFailure::Io { .. } => Self::Read(failure),
        }
    }

    fn small(path: PathBuf, fault: SmallFileFault) -> Self {
        match fault {
            SmallFileFault::Damaged(what) => Self::damaged(path, 0, what),
            SmallFileFault::NewerFormat(format) => Self::NewerFormat { file: path, format },
            SmallFileFault::Io(source) => Self::io(path, source),
        }
    }

    fn damaged(file: PathBuf, offset: u64, what: &str) -> Self {
        Self::Damaged { file, offset, what: what.to_owned() }
    }
}

/// An open log.
#[derive(Debug)]
pub struct LocalLog {
    /// The one who appends.
    pub writer: LocalWriter,
    /// Reads; clone it freely.
    pub reader: LocalReader,
    /// What the start found and did.
    pub report: OpenReport,
}

/// Opens the log of a data directory, or makes one.
///
/// # Errors
/// See [`OpenError`]. Nothing is changed unless the log can be opened.
pub fn open_local(root: &Path, options: LocalOptions) -> Result<LocalLog, OpenError> {
    open_local_on(Arc::new(OsDisk), root, options)
}

/// As [`open_local`], on another disk.
///
/// # Errors
/// As for [`open_local`].
pub fn open_local_on(
    disk: Arc<dyn Disk>,
    root: &Path,
    options: LocalOptions,
) -> Result<LocalLog, OpenError> {
    let options = options.within_bounds();
    let directory = Directory::new(root);
    for path in [directory.root().to_owned(), directory.log(), directory.trust(), directory.index()]
    {
        disk.create_dir(&path).map_err(|error| OpenError::io(path, error))?;
    }
    let lock = lock(&*disk, &directory)?;
    sync_names(&*disk, root)?;
    let log_id = recover::settle_log_id(&*disk, &directory, options.new_log_id)?;
    let lineage = Lineage::open(&*disk, &directory, log_id)?;
    let shared = Arc::new(Shared::new(disk, directory, options, lineage));
    let records_erased = match shared.eraser().finish() {
        Err(EraseFault::Full) => {
            tracing::warn!(
                "the disk is too full to finish an erasure; the next one goes on with it"
            );
            0
        }
        finished => finished?,
    };
    let (active, mut report) = recover::recover(&shared)?;
    report.records_erased = records_erased;
    let tree = shared.directory.tree();
    shared.tree.load(shared.head().position.get()).map_err(|error| OpenError::io(tree, error))?;
    reserve::set_aside(&*shared.disk, &shared.directory);
    let keeper = Keeper::start(&shared).map_err(|error| OpenError::io(root, error))?;
    let writer = LocalWriter::new(Arc::clone(&shared), active, keeper, lock);
    let reader = writer.reader();
    Ok(LocalLog { writer, reader, report })
}

/// The directories may be the work of a process that was killed before it synced their names.
fn sync_names(disk: &dyn Disk, root: &Path) -> Result<(), OpenError> {
    disk.sync_dir(root).map_err(|error| OpenError::io(root, error))?;
    if let Some(parent) = root.parent().filter(|parent| !parent.as_os_str().is_empty())
        && let Err(error) = disk.sync_dir(parent)
    {
        // Not every parent may be opened; the one who made the directory has synced it.
        tracing::debug!(error = &error as &dyn std::error::Error, "parent directory not synced");
    }
    Ok(())
}

fn lock(disk: &dyn Disk, directory: &Directory) -> Result<Box<dyn disk::DiskLock>, OpenError> {
    let holder = format!("process {}", std::process::id());
    disk.lock(&directory.lock(), &holder).map_err(|error| match error {
        LockError::Held { holder } => {
            OpenError::Locked { directory: directory.root().to_owned(), holder }
        }
        LockError::Io(source) => OpenError::io(directory.lock(), source),
    })
}
