//! Every file operation of the local engine, behind two small traits.
//!
//! [`Disk`] and [`DiskFile`] are the whole surface between the engine and the operating system,
//! so that a power-loss simulator can stand in for it. Nothing here knows about segments or
//! indexes, retries anything, or decides what an error means.
//!
//! INVARIANT (no overwriting create): [`Disk::create`] never opens a file that exists, so no
//! start of the engine can empty a segment.

use std::fmt::Debug;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;
use std::sync::Arc;

/// A file that the engine has open. All offsets are from the start of the file; there is no cursor.
pub trait DiskFile: Debug + Send + Sync {
    /// Bytes in the file.
    ///
    /// # Errors
    /// What the operating system says.
    fn len(&self) -> io::Result<u64>;

    /// Whether the file has no bytes.
    ///
    /// # Errors
    /// What the operating system says.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Reads at most `buffer.len()` bytes; fewer only at the end of the file.
    ///
    /// # Errors
    /// What the operating system says.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Writes all of `bytes`, or fails having written some of them.
    ///
    /// # Errors
    /// What the operating system says; `StorageFull` and `QuotaExceeded` mean a full disk.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;

    /// Writes zeros from `start` to `end`, both multiples of 4096 where it is to be fast. Nobody is
    /// going to read them, so they need not stay in memory.
    ///
    /// # Errors
    /// As for [`DiskFile::write_at`].
    fn write_zeros(&self, start: u64, end: u64) -> io::Result<()> {
        write_pieces_of_zeros(start, end, |zeros, offset| self.write_at(zeros, offset))
    }

    /// Makes the file's bytes durable, and its length where they need it (fdatasync).
    ///
    /// # Errors
    /// What the operating system says. After an error nothing is known about unsynced bytes.
    fn sync_data(&self) -> io::Result<()>;

    /// Makes the file's bytes and all its metadata durable (fsync).
    ///
    /// # Errors
    /// As for [`DiskFile::sync_data`].
    fn sync_all(&self) -> io::Result<()>;

    /// Reserves room so that the file has at least `len` bytes; added bytes read as zero.
    ///
    /// # Errors
    /// What the operating system says; a full disk shows here and not in a later write.
    fn allocate(&self, len: u64) -> io::Result<()>;

    /// Cuts the file, or makes it longer with zeros.
    ///
    /// # Errors
    /// What the operating system says.
    fn set_len(&self, len: u64) -> io::Result<()>;
}

/// Zeros to write, in memory that also a write past the page cache can be made from.
#[repr(align(4096))]
struct Zeros([u8; 64 << 10]);

static ZEROS: Zeros = Zeros([0; 64 << 10]);

/// A directory tree that one engine owns.
pub trait Disk: Debug + Send + Sync {
    /// Makes a directory and its parents where they are missing, and makes that durable.
    /// Other users of the machine cannot look into what is made.
    ///
    /// # Errors
    /// What the operating system says.
    fn create_dir(&self, path: &Path) -> io::Result<()>;

    /// Names of the entries of a directory, in no order.
    ///
    /// # Errors
    /// What the operating system says.
    fn list(&self, path: &Path) -> io::Result<Vec<String>>;

    /// Opens an existing file for reading and writing.
    ///
    /// # Errors
    /// `NotFound` where there is none.
    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>>;

    /// Makes a file that must not exist yet.
    ///
    /// # Errors
    /// `AlreadyExists` where there is one.
    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>>;

    /// Gives a file another name, replacing what had that name.
    ///
    /// # Errors
    /// What the operating system says.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// What the operating system says.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Makes creations, renames and removals in a directory durable.
    ///
    /// # Errors
    /// What the operating system says.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;

    /// Takes the one-writer lock at `path` and writes `holder` into the file.
    ///
    /// # Errors
    /// [`LockError::Held`] when another process has it.
    fn lock(&self, path: &Path, holder: &str) -> Result<Box<dyn DiskLock>, LockError>;
}

/// Holds the one-writer lock until it is dropped.
pub trait DiskLock: Debug + Send + Sync {}

/// Why the one-writer lock was not taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process has it.
    #[error("held by {holder}")]
    Held {
        /// What the holder wrote into the lock file.
        holder: String,
    },
    /// The lock file could not be used.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Whether an error says that the disk, or the quota on it, is full.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// A number of bytes that are, or are about to be, in memory.
pub(crate) fn in_memory(byte_count: u64) -> usize {
    usize::try_from(byte_count).unwrap_or(usize::MAX)
}

/// Fills `buffer` from `offset`.
///
/// # Errors
/// `UnexpectedEof` when the file ends before.
pub(crate) fn read_exact_at(file: &dyn DiskFile, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    let mut filled = 0;
    while filled < buffer.len() {
        let count = file.read_at(&mut buffer[filled..], offset + filled as u64)?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        filled += count;
    }
    Ok(())
}

/// The operating system's own files.
#[derive(Debug, Clone, Copy, Default)]
pub struct OsDisk;

impl Disk for OsDisk {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        if path.is_dir() {
            return Ok(());
        }
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        if let Some(parent) = parent {
            self.create_dir(parent)?;
        }
        match private_dir().create(path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        self.sync_dir(parent.unwrap_or(Path::new(".")))
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(path)? {
            names.push(entry?.file_name().to_string_lossy().into_owned());
        }
        Ok(names)
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        Ok(Arc::new(OsFile(file)))
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(path)?;
        Ok(Arc::new(OsFile(file)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    #[cfg(unix)]
    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }

    // Directories cannot be synced through the standard library elsewhere; NTFS journals renames.
    #[cfg(not(unix))]
    fn sync_dir(&self, _path: &Path) -> io::Result<()> {
        Ok(())
    }

    fn lock(&self, path: &Path, holder: &str) -> Result<Box<dyn DiskLock>, LockError> {
        let file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let holder = fs::read_to_string(path).unwrap_or_default();
                let holder = match holder.trim() {
                    "" => "another process".to_owned(),
                    known => known.to_owned(),
                };
                return Err(LockError::Held { holder });
            }
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        file.set_len(0)?;
        write_all_at(&file, holder.as_bytes(), 0)?;
        Ok(Box::new(OsLock { _file: file }))
    }
}

#[derive(Debug)]
struct OsLock {
    _file: File,
}

impl DiskLock for OsLock {}

/// Opens a file that is only read, also where nothing may be written.
pub(crate) fn open_read_only(path: &Path) -> io::Result<Arc<dyn DiskFile>> {
    Ok(Arc::new(OsFile(File::open(path)?)))
}

#[derive(Debug)]
struct OsFile(File);

impl DiskFile for OsFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    #[cfg(unix)]
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(&self.0, buffer, offset)
    }

    #[cfg(windows)]
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        std::os::windows::fs::FileExt::seek_read(&self.0, buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        write_all_at(&self.0, bytes, offset)
    }

    #[cfg(target_os = "linux")]
    fn write_zeros(&self, start: u64, end: u64) -> io::Result<()> {
        match write_zeros_past_cache(&self.0, start, end) {
            Ok(()) => Ok(()),
            // Not every file system writes past the cache.
            Err(rustix::io::Errno::INVAL | rustix::io::Errno::OPNOTSUPP) => {
                write_pieces_of_zeros(start, end, |zeros, at| write_all_at(&self.0, zeros, at))
            }
            Err(error) => Err(error.into()),
        }
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn sync_all(&self) -> io::Result<()> {
        self.0.sync_all()
    }

    #[cfg(target_os = "linux")]
    fn allocate(&self, len: u64) -> io::Result<()> {
        use rustix::fs::FallocateFlags;
        match rustix::fs::fallocate(&self.0, FallocateFlags::empty(), 0, len) {
            Ok(()) => Ok(()),
            Err(rustix::io::Errno::OPNOTSUPP) => grow(&self.0, len),
            Err(error) => Err(error.into()),
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn allocate(&self, len: u64) -> io::Result<()> {
        grow(&self.0, len)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }
}

#[cfg(unix)]
fn private_dir() -> fs::DirBuilder {
    use std::os::unix::fs::DirBuilderExt;
    let mut builder = fs::DirBuilder::new();
    builder.mode(0o700);
    builder
}

#[cfg(not(unix))]
fn private_dir() -> fs::DirBuilder {
    fs::DirBuilder::new()
}

/// Writes zeros from `start` to `end`, piece by piece.
pub(crate) fn write_pieces_of_zeros(
    start: u64,
    end: u64,
    write: impl Fn(&[u8], u64) -> io::Result<()>,
) -> io::Result<()> {
    let mut offset = start;
    while offset < end {
        let count = (ZEROS.0.len() as u64).min(end - offset);
        write(ZEROS.0.get(..in_memory(count)).unwrap_or_default(), offset)?;
        offset += count;
    }
    Ok(())
}

/// Zeros in the page cache would be copied there, then to the disk, and then be overwritten: past
/// it they cost a tenth.
#[cfg(target_os = "linux")]
fn write_zeros_past_cache(file: &File, start: u64, end: u64) -> rustix::io::Result<()> {
    use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
    const SLICES_MAX: usize = 16;
    let flags = fcntl_getfl(file)?;
    fcntl_setfl(file, flags | OFlags::DIRECT)?;
    let mut result = Ok(());
    let mut offset = start;
    while offset < end && result.is_ok() {
        let slices = in_memory((end - offset) / ZEROS.0.len() as u64).min(SLICES_MAX);
        let whole = [io::IoSlice::new(&ZEROS.0); SLICES_MAX];
        let rest = io::IoSlice::new(ZEROS.0.get(..in_memory(end - offset)).unwrap_or_default());
        let written = match whole.get(..slices) {
            Some(whole) if slices > 0 => rustix::io::pwritev(file, whole, offset),
            _ => rustix::io::pwritev(file, &[rest], offset),
        };
        match written {
            Ok(0) => result = Err(rustix::io::Errno::INVAL),
            Ok(count) => offset += count as u64,
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => result = Err(error),
        }
    }
    fcntl_setfl(file, flags)?;
    result
}

/// The fallback where room cannot be reserved: the file only looks longer, and a full disk shows
/// in the write.
fn grow(file: &File, len: u64) -> io::Result<()> {
    if file.metadata()?.len() < len {
        file.set_len(len)?;
    }
    Ok(())
}

#[cfg(unix)]
fn write_all_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, offset)
}

#[cfg(windows)]
fn write_all_at(file: &File, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        let count = std::os::windows::fs::FileExt::seek_write(file, bytes, offset)?;
        if count == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        bytes = &bytes[count..];
        offset += count as u64;
    }
    Ok(())
}
