//! A disk on which nothing can be changed, for reading a directory that is not ours to touch.

use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::local::disk::{Disk, DiskFile, DiskLock, LockError, OsDisk, open_read_only};

/// Reads what the operating system has; refuses everything else.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ReadOnlyDisk;

fn refused<T>() -> io::Result<T> {
    Err(io::ErrorKind::ReadOnlyFilesystem.into())
}

impl Disk for ReadOnlyDisk {
    fn create_dir(&self, _path: &Path) -> io::Result<()> {
        refused()
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        OsDisk.list(path)
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        open_read_only(path)
    }

    fn create(&self, _path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        refused()
    }

    fn rename(&self, _from: &Path, _to: &Path) -> io::Result<()> {
        refused()
    }

    fn remove(&self, _path: &Path) -> io::Result<()> {
        refused()
    }

    fn sync_dir(&self, _path: &Path) -> io::Result<()> {
        refused()
    }

    fn lock(&self, _path: &Path, _holder: &str) -> Result<Box<dyn DiskLock>, LockError> {
        Err(LockError::Io(io::ErrorKind::ReadOnlyFilesystem.into()))
    }
}
