//! The data directory: where each file is, and the small files beside the segments.
//!
//! Segments and index files have modules of their own. The layout is persisted
//! (`docs/formats/data-directory.md`).

use std::io;
use std::path::{Path, PathBuf};

use annals_core::id::LogId;
use crc32c::crc32c;

use super::disk::{Disk, in_memory, read_exact_at};

const LOG_ID_MAGIC: &[u8; 8] = b"ANNALSID";
const CLEAN_MAGIC: &[u8; 8] = b"ANNALSCL";
const FORMAT: u16 = 1;

/// Names below the data directory.
#[derive(Debug, Clone)]
pub(crate) struct Directory {
    root: PathBuf,
}

impl Directory {
    pub(crate) fn new(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.root.join("log")
    }

    pub(crate) fn trust(&self) -> PathBuf {
        self.root.join("trust")
    }

    pub(crate) fn index(&self) -> PathBuf {
        self.root.join("derived").join("index")
    }

    pub(crate) fn tree(&self) -> PathBuf {
        self.root.join("derived").join("tree")
    }

    pub(crate) fn lock(&self) -> PathBuf {
        self.root.join("lock")
    }

    pub(crate) fn log_id(&self) -> PathBuf {
        self.trust().join("log_id")
    }

    /// Says that the log was closed and where it ended.
    pub(crate) fn clean(&self) -> PathBuf {
        self.log().join("clean")
    }

    /// The next segment, filled with zeros ahead of time.
    pub(crate) fn spare(&self) -> PathBuf {
        self.log().join("spare.tmp")
    }

    /// The records whose erasure was begun.
    pub(crate) fn erasing(&self) -> PathBuf {
        self.log().join("erasing")
    }

    /// The logs that this one was restored from.
    pub(crate) fn lineage(&self) -> PathBuf {
        self.trust().join("lineage")
    }

    /// The positions that were erased in a backup.
    pub(crate) fn redactions(&self) -> PathBuf {
        self.root.join("redactions")
    }

    /// Room that is set aside for erasure on a full disk.
    pub(crate) fn reserve(&self) -> PathBuf {
        self.log().join("reserve")
    }
}

/// A small file could not be used.
#[derive(Debug)]
pub(crate) enum SmallFileFault {
    Damaged(&'static str),
    NewerFormat(u16),
    Io(io::Error),
}

impl From<io::Error> for SmallFileFault {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Damaged("it is cut off"),
            _ => Self::Io(error),
        }
    }
}

/// Reads the log's identity; none when the directory has no log yet.
pub(crate) fn read_log_id(
    disk: &dyn Disk,
    directory: &Directory,
) -> Result<Option<LogId>, SmallFileFault> {
    let bytes = read_small::<32>(disk, &directory.log_id(), LOG_ID_MAGIC)?;
    Ok(bytes.map(|bytes| LogId::from_bytes(array(&bytes, 12))))
}

/// Keeps the log's identity.
pub(crate) fn write_log_id(
    disk: &dyn Disk,
    directory: &Directory,
    log_id: LogId,
) -> io::Result<()> {
    let mut bytes = [0; 32];
    bytes[12..28].copy_from_slice(log_id.as_bytes());
    write_small(disk, &directory.log_id(), LOG_ID_MAGIC, &mut bytes)
}

/// Where a log ended when it was closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CleanEnd {
    pub(crate) log_id: LogId,
    /// The first position of the last segment.
    pub(crate) segment: u64,
    /// Behind the last frame.
    pub(crate) end: u64,
    /// The last position.
    pub(crate) position: u64,
}

/// Reads the mark of a clean end; none when there is none or it cannot be trusted.
pub(crate) fn read_clean_end(
    disk: &dyn Disk,
    directory: &Directory,
) -> Result<Option<CleanEnd>, io::Error> {
    match read_small::<64>(disk, &directory.clean(), CLEAN_MAGIC) {
        Ok(bytes) => Ok(bytes.map(|bytes| CleanEnd {
            log_id: LogId::from_bytes(array(&bytes, 12)),
            segment: u64::from_le_bytes(array(&bytes, 28)),
            end: u64::from_le_bytes(array(&bytes, 36)),
            position: u64::from_le_bytes(array(&bytes, 44)),
        })),
        Err(SmallFileFault::Io(error)) => Err(error),
        Err(SmallFileFault::Damaged(_) | SmallFileFault::NewerFormat(_)) => Ok(None),
    }
}

/// Marks a clean end, which lets the next start keep the last segment's file as it is.
pub(crate) fn write_clean_end(
    disk: &dyn Disk,
    directory: &Directory,
    end: &CleanEnd,
) -> io::Result<()> {
    let mut bytes = [0; 64];
    bytes[12..28].copy_from_slice(end.log_id.as_bytes());
    bytes[28..36].copy_from_slice(&end.segment.to_le_bytes());
    bytes[36..44].copy_from_slice(&end.end.to_le_bytes());
    bytes[44..52].copy_from_slice(&end.position.to_le_bytes());
    write_small(disk, &directory.clean(), CLEAN_MAGIC, &mut bytes)
}

/// Removes the mark durably, so that no later crash can look like a clean end.
pub(crate) fn remove_clean_end(disk: &dyn Disk, directory: &Directory) -> io::Result<()> {
    match disk.remove(&directory.clean()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(()) => disk.sync_dir(&directory.log()),
    }
}

fn read_small<const N: usize>(
    disk: &dyn Disk,
    path: &Path,
    magic: &[u8; 8],
) -> Result<Option<[u8; N]>, SmallFileFault> {
    let file = match disk.open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    let mut bytes = [0; N];
    read_exact_at(&*file, &mut bytes, 0)?;
    if bytes[..8] != *magic {
        return Err(SmallFileFault::Damaged("it does not start as it should"));
    }
    let format = u16::from_le_bytes([bytes[8], bytes[9]]);
    if format > FORMAT {
        return Err(SmallFileFault::NewerFormat(format));
    }
    if crc32c(&bytes[..N - 4]).to_le_bytes() != bytes[N - 4..] {
        return Err(SmallFileFault::Damaged("its checksum does not match"));
    }
    Ok(Some(bytes))
}

/// Bytes before the entries of a list: magic, format, zeros, number of entries.
const LIST_HEAD_BYTES: usize = 16;

/// Reads a small file of equal entries; none when there is no such file.
pub(crate) fn read_list<const N: usize>(
    disk: &dyn Disk,
    path: &Path,
    magic: &[u8; 8],
) -> Result<Option<Vec<[u8; N]>>, SmallFileFault> {
    let file = match disk.open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    let mut bytes = vec![0; in_memory(file.len()?)];
    read_exact_at(&*file, &mut bytes, 0)?;
    let Some((checked, crc)) = bytes.split_last_chunk::<4>() else {
        return Err(SmallFileFault::Damaged("it is cut off"));
    };
    if checked.len() < LIST_HEAD_BYTES || checked[..8] != *magic {
        return Err(SmallFileFault::Damaged("it does not start as it should"));
    }
    let format = u16::from_le_bytes([checked[8], checked[9]]);
    if format > FORMAT {
        return Err(SmallFileFault::NewerFormat(format));
    }
    if crc32c(checked).to_le_bytes() != *crc {
        return Err(SmallFileFault::Damaged("its checksum does not match"));
    }
    let (entries, rest) = checked[LIST_HEAD_BYTES..].as_chunks::<N>();
    let count = u32::from_le_bytes(array(checked, 12));
    if !rest.is_empty() || entries.len() != count as usize {
        return Err(SmallFileFault::Damaged("its length does not fit"));
    }
    Ok(Some(entries.to_vec()))
}

/// Keeps a small file of equal entries. What a failure leaves behind is taken away.
pub(crate) fn write_list<const N: usize>(
    disk: &dyn Disk,
    path: &Path,
    magic: &[u8; 8],
    entries: &[[u8; N]],
) -> io::Result<()> {
    let mut bytes = magic.to_vec();
    bytes.extend_from_slice(&FORMAT.to_le_bytes());
    bytes.extend_from_slice(&[0; 2]);
    bytes.extend_from_slice(&u32::try_from(entries.len()).unwrap_or(u32::MAX).to_le_bytes());
    bytes.extend_from_slice(entries.as_flattened());
    bytes.extend_from_slice(&crc32c(&bytes).to_le_bytes());
    let written = write_file(disk, path, &bytes);
    written.inspect_err(|_| drop(disk.remove(&path.with_extension("tmp"))))
}

fn write_small(disk: &dyn Disk, path: &Path, magic: &[u8; 8], bytes: &mut [u8]) -> io::Result<()> {
    bytes[..8].copy_from_slice(magic);
    bytes[8..10].copy_from_slice(&FORMAT.to_le_bytes());
    let checked = bytes.len() - 4;
    let crc = crc32c(&bytes[..checked]);
    bytes[checked..].copy_from_slice(&crc.to_le_bytes());
    write_file(disk, path, bytes)
}

/// Makes a whole small file appear durably, or not at all.
pub(crate) fn write_file(disk: &dyn Disk, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let tmp = path.with_extension("tmp");
    match disk.remove(&tmp) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let file = disk.create(&tmp)?;
    file.write_at(bytes, 0)?;
    file.sync_all()?;
    disk.rename(&tmp, path)?;
    match path.parent() {
        Some(parent) => disk.sync_dir(parent),
        None => Ok(()),
    }
}

fn array<const N: usize>(bytes: &[u8], start: usize) -> [u8; N] {
    let mut array = [0; N];
    array.copy_from_slice(&bytes[start..start + N]);
    array
}
