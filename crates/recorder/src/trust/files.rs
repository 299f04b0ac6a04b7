//! The files of `trust/`: small texts that appear whole and durably, or not at all.
//!
//! It knows names and bytes, not what they mean. The texts are persisted
//! (`docs/formats/data-directory.md`). A log in memory has no files: what is written is forgotten,
//! and nothing is ever found. INVARIANT (signed is durable): a write has returned only after the
//! file and its name are synced.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::TrustFailure;

/// A file of `trust/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TrustFile {
    /// The name under which the log signs.
    Origin,
    /// The seed that signs.
    Key,
    /// The seed that will sign, between a rotation's start and its end.
    NextKey,
    /// The seed that signed, until it is erased.
    OldKey,
    /// All public keys, for backups and other programs.
    Keys,
    /// How each key gave way to the next, signed by both.
    Rotations,
    /// The newest checkpoint.
    Checkpoint,
    /// The newest checkpoint that a witness cosigned.
    Cosigned,
    /// The newest checkpoint of the log that this one was restored from.
    ParentCheckpoint,
}

impl TrustFile {
    const fn name(self) -> &'static str {
        match self {
            Self::Origin => "origin",
            Self::Key => "key",
            Self::NextKey => "key.next",
            Self::OldKey => "key.old",
            Self::Keys => "keys",
            Self::Rotations => "rotations",
            Self::Checkpoint => "checkpoint",
            Self::Cosigned => "cosigned",
            Self::ParentCheckpoint => "parent_checkpoint",
        }
    }
}

/// Where the files are.
#[derive(Debug, Clone)]
pub(super) struct TrustFiles {
    directory: Option<PathBuf>,
}

impl TrustFiles {
    /// The files of a data directory, or of none.
    pub(super) fn of(data_dir: Option<&Path>) -> Self {
        Self { directory: data_dir.map(|data_dir| data_dir.join("trust")) }
    }

    /// A file's path, for messages; in memory a name that says so.
    pub(super) fn path(&self, file: TrustFile) -> PathBuf {
        match &self.directory {
            Some(directory) => directory.join(file.name()),
            None => Path::new("(memory)").join(file.name()),
        }
    }

    /// A file's text; none when it is not there.
    pub(super) fn read(&self, file: TrustFile) -> Result<Option<String>, TrustFailure> {
        if self.directory.is_none() {
            return Ok(None);
        }
        match fs::read_to_string(self.path(file)) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(self.failure(file, source)),
        }
    }

    /// Whether a file is there.
    pub(super) fn exists(&self, file: TrustFile) -> bool {
        self.directory.is_some() && self.path(file).exists()
    }

    /// When a file was written last, in microseconds; none when nobody knows.
    pub(super) fn modified_micros(&self, file: TrustFile) -> Option<i64> {
        self.directory.as_ref()?;
        let modified = fs::metadata(self.path(file)).ok()?.modified().ok()?;
        let since_epoch = modified.duration_since(std::time::UNIX_EPOCH).ok()?;
        i64::try_from(since_epoch.as_micros()).ok()
    }

    /// Replaces a file's text.
    pub(super) fn write(&self, file: TrustFile, text: &str) -> Result<(), TrustFailure> {
        let Some(directory) = &self.directory else { return Ok(()) };
        let path = self.path(file);
        write_whole(&path, text)
            .and_then(|()| sync_directory(directory))
            .map_err(|source| self.failure(file, source))
    }

    /// Gives a file another name, which it takes from whatever had it.
    pub(super) fn rename(&self, from: TrustFile, to: TrustFile) -> Result<(), TrustFailure> {
        let Some(directory) = &self.directory else { return Ok(()) };
        fs::rename(self.path(from), self.path(to))
            .and_then(|()| sync_directory(directory))
            .map_err(|source| self.failure(from, source))
    }

    /// Overwrites a file with zeros and removes it; one that is not there is as good as erased.
    pub(super) fn erase(&self, file: TrustFile) -> Result<(), TrustFailure> {
        let Some(directory) = &self.directory else { return Ok(()) };
        let path = self.path(file);
        match erase(&path) {
            Ok(()) => sync_directory(directory),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
        .map_err(|source| self.failure(file, source))
    }

    /// Erases what a process that was stopped left of writing a key.
    pub(super) fn erase_leftovers(&self) -> Result<(), TrustFailure> {
        if self.directory.is_none() {
            return Ok(());
        }
        for file in [TrustFile::Key, TrustFile::NextKey] {
            match erase(&beside(&self.path(file))) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(self.failure(file, error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn failure(&self, file: TrustFile, source: io::Error) -> TrustFailure {
        TrustFailure::File { file: self.path(file), source }
    }
}

/// Where a file is written before it gets its name.
fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".tmp");
    PathBuf::from(name)
}

/// Everything here is for the owner's eyes: some of it is a secret, nothing of it is for others.
fn write_whole(path: &Path, text: &str) -> io::Result<()> {
    let beside = beside(path);
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut open = options.open(&beside)?;
    open.write_all(text.as_bytes())?;
    open.sync_all()?;
    fs::rename(&beside, path)
}

fn erase(path: &Path) -> io::Result<()> {
    let mut open = OpenOptions::new().write(true).open(path)?;
    let zeros = vec![0; usize::try_from(open.metadata()?.len()).unwrap_or(0)];
    open.write_all(&zeros)?;
    open.sync_all()?;
    fs::remove_file(path)
}

#[cfg(unix)]
fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

// Directories cannot be synced through the standard library elsewhere; NTFS journals renames.
#[cfg(not(unix))]
fn sync_directory(_: &Path) -> io::Result<()> {
    Ok(())
}
