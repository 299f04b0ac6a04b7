//! Segment files: their name, their first bytes, and reading stored events from them.
//!
//! Which bytes of a segment are durable is not known here: callers ask only for places below the
//! durable end. The format is persisted (`docs/formats/segment.md`).

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use annals_core::event::Event;
use annals_core::id::{LogId, Position};
use annals_core::time::Timestamp;
use bytes::Bytes;
use crc32c::crc32c;

use super::OpenError;
use super::disk::{Disk, DiskFile, read_exact_at};
use crate::contract::ReadFailure;
use crate::frame::{CheckedHeader, FRAME_BYTES_MAX, FrameFault, RECORD_HEAD_BYTES, RecordParts};

/// Bytes before the first frame.
pub(crate) const SEGMENT_HEAD_BYTES: u64 = 64;
const MAGIC: &[u8; 8] = b"ANNALSEG";
const FORMAT: u16 = 1;
/// Bytes read for one record, enough for most.
const RECORD_READ_BYTES: usize = 4 << 10;
/// Bytes read at once when records are read one after the other.
pub(crate) const CHUNK_BYTES: usize = 256 << 10;
/// Segment files held open at once.
const OPEN_FILE_COUNT_MAX: usize = 128;

/// What the first 64 bytes of a segment say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SegmentHead {
    pub(crate) log_id: LogId,
    pub(crate) first_position: Position,
    pub(crate) created_at: Timestamp,
}

/// Why the first 64 bytes are not those of a segment of ours.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum SegmentHeadFault {
    /// Not a segment, or damaged.
    Damaged(&'static str),
    /// Written by a newer version of Annals.
    NewerFormat(u16),
}

impl SegmentHead {
    pub(crate) fn to_bytes(self) -> [u8; 64] {
        let mut bytes = [0; 64];
        bytes[..8].copy_from_slice(MAGIC);
        bytes[8..10].copy_from_slice(&FORMAT.to_le_bytes());
        bytes[10..12].copy_from_slice(&64_u16.to_le_bytes());
        bytes[12..28].copy_from_slice(self.log_id.as_bytes());
        bytes[28..36].copy_from_slice(&self.first_position.get().to_le_bytes());
        bytes[36..44].copy_from_slice(&self.created_at.as_micros().to_le_bytes());
        let crc = crc32c(&bytes[..60]);
        bytes[60..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Checks that the file at `path` is the segment of `owner` that starts at `first`.
    pub(crate) fn check(
        disk: &dyn Disk,
        path: &Path,
        first: Position,
        owner: LogId,
    ) -> Result<(), OpenError> {
        let file = disk.open(path).map_err(|error| OpenError::io(path, error))?;
        let mut bytes = [0; 64];
        match read_exact_at(&*file, &mut bytes, 0) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return Err(OpenError::damaged(path.to_owned(), 0, "its head is cut off"));
            }
            Err(error) => return Err(OpenError::io(path, error)),
            Ok(()) => {}
        }
        let file = path.to_owned();
        match Self::parse(&bytes) {
            Err(SegmentHeadFault::NewerFormat(format)) => {
                Err(OpenError::NewerFormat { file, format })
            }
            Err(SegmentHeadFault::Damaged(what)) => Err(OpenError::damaged(file, 0, what)),
            Ok(head) if head.log_id != owner => {
                Err(OpenError::ForeignSegment { file, log_id: head.log_id })
            }
            Ok(head) if head.first_position != first => {
                let what = "its head names another position than its name";
                Err(OpenError::damaged(file, 0, what))
            }
            Ok(_) => Ok(()),
        }
    }

    pub(crate) fn parse(bytes: &[u8; 64]) -> Result<Self, SegmentHeadFault> {
        if &bytes[..8] != MAGIC {
            return Err(SegmentHeadFault::Damaged("it does not start like a segment"));
        }
        // The format comes before the checksum: a newer format may have another one.
        let format = u16::from_le_bytes([bytes[8], bytes[9]]);
        if format > FORMAT {
            return Err(SegmentHeadFault::NewerFormat(format));
        }
        if crc32c(&bytes[..60]).to_le_bytes() != bytes[60..] {
            return Err(SegmentHeadFault::Damaged("the checksum of its head does not match"));
        }
        let mut log_id = [0; 16];
        log_id.copy_from_slice(&bytes[12..28]);
        let number = |at: usize| {
            let mut number = [0; 8];
            number.copy_from_slice(&bytes[at..at + 8]);
            number
        };
        Ok(Self {
            log_id: LogId::from_bytes(log_id),
            first_position: Position(u64::from_le_bytes(number(28))),
            created_at: Timestamp::from_micros(i64::from_le_bytes(number(36))),
        })
    }
}

/// The name of the segment that starts at a position.
pub(crate) fn segment_name(first: Position) -> String {
    format!("{:020}.seg", first.get())
}

/// The position in a segment's name; none for other files.
pub(crate) fn parse_segment_name(name: &str) -> Option<Position> {
    let digits = name.strip_suffix(".seg")?;
    let is_name = digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit());
    if is_name { digits.parse().ok().map(Position) } else { None }
}

/// The segment files of a log, opened when needed and a bounded number at a time.
#[derive(Debug)]
pub(crate) struct SegmentFiles {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    open: Mutex<OpenFiles>,
    /// Held for writing while bodies are filled with zeros.
    zeroing: RwLock<()>,
    /// Erasures so far, of each segment that had one.
    erasures: Mutex<HashMap<u64, u64>>,
}

#[derive(Debug, Default)]
struct OpenFiles {
    by_first: HashMap<u64, (Arc<dyn DiskFile>, u64)>,
    use_count: u64,
}

impl SegmentFiles {
    pub(crate) fn new(disk: Arc<dyn Disk>, dir: &Path) -> Self {
        Self {
            disk,
            dir: dir.to_owned(),
            open: Mutex::default(),
            zeroing: RwLock::new(()),
            erasures: Mutex::default(),
        }
    }

    /// Waits until no body is half erased, and keeps it so. Must not be taken twice by a thread.
    pub(crate) fn no_zeroing(&self) -> RwLockReadGuard<'_, ()> {
        self.zeroing.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts an erasure in a segment, so that what was counted in it before is counted again.
    pub(crate) fn count_erasure(&self, segment: Position) {
        let mut erasures = self.erasures.lock().unwrap_or_else(PoisonError::into_inner);
        *erasures.entry(segment.get()).or_default() += 1;
    }

    /// Erasures in a segment since the log was opened.
    pub(crate) fn erasure_count(&self, segment: Position) -> u64 {
        let erasures = self.erasures.lock().unwrap_or_else(PoisonError::into_inner);
        erasures.get(&segment.get()).copied().unwrap_or(0)
    }

    /// The right to leave bodies half erased for a moment.
    pub(crate) fn zeroing(&self) -> RwLockWriteGuard<'_, ()> {
        self.zeroing.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn path(&self, first: Position) -> PathBuf {
        self.dir.join(segment_name(first))
    }

    pub(crate) fn file(&self, first: Position) -> io::Result<Arc<dyn DiskFile>> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.use_count += 1;
        let now = open.use_count;
        if let Some((file, used)) = open.by_first.get_mut(&first.get()) {
            *used = now;
            return Ok(Arc::clone(file));
        }
        let file = self.disk.open(&self.path(first))?;
        if open.by_first.len() >= OPEN_FILE_COUNT_MAX {
            let oldest = open.by_first.iter().min_by_key(|(_, (_, used))| *used);
            if let Some(oldest) = oldest.map(|(first, _)| *first) {
                open.by_first.remove(&oldest);
            }
        }
        open.by_first.insert(first.get(), (Arc::clone(&file), now));
        Ok(file)
    }

    pub(crate) fn io_failure(&self, first: Position, source: io::Error) -> ReadFailure {
        ReadFailure::Io { file: self.path(first), source: Arc::new(source) }
    }

    pub(crate) fn damaged(&self, first: Position, offset: u64, fault: FrameFault) -> ReadFailure {
        ReadFailure::Damaged { file: self.path(first), offset, what: fault.0.to_owned() }
    }
}

/// Where a stored record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) segment: Position,
    pub(crate) offset: u32,
}

/// Reads records, in larger pieces when they are asked for one after the other.
#[derive(Debug)]
pub(crate) struct RecordReader<'a> {
    files: &'a SegmentFiles,
    segment: Position,
    chunk_offset: u64,
    chunk: Bytes,
    is_sequential: bool,
}

impl<'a> RecordReader<'a> {
    pub(crate) fn new(files: &'a SegmentFiles) -> Self {
        Self {
            files,
            segment: Position(0),
            chunk_offset: 0,
            chunk: Bytes::new(),
            is_sequential: false,
        }
    }

    /// A reader that expects to be asked for many neighbouring records.
    pub(crate) fn sequential(files: &'a SegmentFiles) -> Self {
        Self { is_sequential: true, ..Self::new(files) }
    }

    /// The checked record at a place. `position` is what its header must say.
    pub(crate) fn event(&mut self, place: Place, position: Position) -> Result<Event, ReadFailure> {
        let (record, parts) = self.record(place)?;
        let event = parts.event(&record).map_err(|fault| self.damaged(place, fault))?;
        if event.position() != position {
            return Err(self.damaged(place, FrameFault("another position's record is here")));
        }
        Ok(event)
    }

    /// The checked record at a place, with what may follow it.
    pub(crate) fn record(&mut self, place: Place) -> Result<(Bytes, RecordParts), ReadFailure> {
        let record = self.bytes(place)?;
        match RecordParts::parse(&record) {
            Ok(parts) => Ok((record, parts)),
            Err(_) => self.record_again(place),
        }
    }

    /// The header of the record at a place. Its salt and body are not checked, so it does not matter
    /// whether they are being erased.
    pub(crate) fn header(&mut self, place: Place) -> Result<CheckedHeader, ReadFailure> {
        let record = self.bytes(place)?;
        CheckedHeader::parse(record).map_err(|fault| self.damaged(place, fault))
    }

    /// What looks damaged may have been read while it was being erased.
    fn record_again(&mut self, place: Place) -> Result<(Bytes, RecordParts), ReadFailure> {
        let files = self.files;
        let _whole = files.no_zeroing();
        self.chunk = Bytes::new();
        let record = self.bytes(place)?;
        let parts = RecordParts::parse(&record).map_err(|fault| self.damaged(place, fault))?;
        Ok((record, parts))
    }

    fn bytes(&mut self, place: Place) -> Result<Bytes, ReadFailure> {
        if let Some(record) = self.in_chunk(place) {
            return Ok(record);
        }
        let is_next = self.segment == place.segment
            && u64::from(place.offset).saturating_sub(self.chunk_offset) < CHUNK_BYTES as u64
            && u64::from(place.offset) > self.chunk_offset;
        let read_bytes =
            if self.is_sequential || is_next { CHUNK_BYTES } else { RECORD_READ_BYTES };
        self.load(place, read_bytes)?;
        if let Some(record) = self.in_chunk(place) {
            return Ok(record);
        }
        let record_len = self.record_len(place).unwrap_or(0);
        if record_len as u64 > FRAME_BYTES_MAX || record_len <= self.chunk.len() {
            return Err(self.damaged(place, FrameFault("a record's length is impossible")));
        }
        self.load(place, record_len)?;
        self.in_chunk(place).ok_or_else(|| self.damaged(place, FrameFault("a record is cut off")))
    }

    fn in_chunk(&self, place: Place) -> Option<Bytes> {
        let record_len = self.record_len(place)?;
        let start = usize::try_from(u64::from(place.offset) - self.chunk_offset).ok()?;
        let end = start.checked_add(record_len.max(RECORD_HEAD_BYTES))?;
        (end <= self.chunk.len()).then(|| self.chunk.slice(start..end))
    }

    fn record_len(&self, place: Place) -> Option<usize> {
        if self.segment != place.segment {
            return None;
        }
        let start = u64::from(place.offset).checked_sub(self.chunk_offset)?;
        let bytes = self.chunk.get(usize::try_from(start).ok()?..)?;
        bytes.first_chunk().map(|len| u32::from_le_bytes(*len) as usize)
    }

    fn load(&mut self, place: Place, byte_count: usize) -> Result<(), ReadFailure> {
        let failed = |error| self.files.io_failure(place.segment, error);
        let file = self.files.file(place.segment).map_err(failed)?;
        // The memory of the last piece is used again where nobody holds a record of it.
        let mut bytes = std::mem::take(&mut self.chunk).try_into_mut().unwrap_or_default();
        bytes.resize(byte_count, 0);
        let mut filled = 0;
        while filled < bytes.len() {
            let offset = u64::from(place.offset) + filled as u64;
            match file.read_at(&mut bytes[filled..], offset).map_err(failed)? {
                0 => break,
                count => filled += count,
            }
        }
        bytes.truncate(filled);
        self.segment = place.segment;
        self.chunk_offset = u64::from(place.offset);
        self.chunk = bytes.freeze();
        Ok(())
    }

    fn damaged(&self, place: Place, fault: FrameFault) -> ReadFailure {
        self.files.damaged(place.segment, u64::from(place.offset), fault)
    }
}
