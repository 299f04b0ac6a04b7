//! Erasure: fills salt and body of records with zeros where they are.
//!
//! What is to be erased, and whether it may be, is the caller's matter, as are copies elsewhere.
//!
//! INVARIANT (begun is finished): `log/erasing` names the records durably before their first byte
//! changes, and goes only when the zeros are durable and no other file of the log can hold the
//! bytes. A start does again what it names before it looks at any segment.
//! INVARIANT (in place): nothing but salt and body changes, and no length: every offset, checksum
//! of a head, hash and proof stays what it was.

use std::io;
use std::path::PathBuf;

use annals_core::id::Position;

use super::directory::{Directory, SmallFileFault, read_list, write_list};
use super::disk::{Disk, DiskFile, is_full, read_exact_at};
use super::segment::{Place, SegmentFiles};
use super::writer::fill_with_zeros;
use super::{OpenError, reserve};
use crate::contract::{EraseFailure, Erased};
use crate::frame::{FrameFault, RECORD_HEAD_BYTES, RecordFront, RecordParts};

const MAGIC: &[u8; 8] = b"ANNALSER";

/// A record to erase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Target {
    /// The first position of its segment.
    segment: u64,
    offset: u64,
    position: u64,
}

impl Target {
    pub(crate) fn new(position: Position, place: Place) -> Self {
        Self {
            segment: place.segment.get(),
            offset: u64::from(place.offset),
            position: position.get(),
        }
    }

    /// Whether the record is in this segment, at this offset or behind it.
    pub(crate) fn is_behind(&self, segment: Position, offset: u64) -> bool {
        self.segment == segment.get() && self.offset >= offset
    }

    fn to_bytes(self) -> [u8; 24] {
        let mut bytes = [0; 24];
        let numbers = [self.segment, self.offset, self.position];
        for (place, number) in bytes.chunks_exact_mut(8).zip(numbers) {
            place.copy_from_slice(&number.to_le_bytes());
        }
        bytes
    }

    fn parse(bytes: &[u8; 24]) -> Self {
        let number = |start: usize| {
            let mut number = [0; 8];
            number.copy_from_slice(&bytes[start..start + 8]);
            u64::from_le_bytes(number)
        };
        Self { segment: number(0), offset: number(8), position: number(16) }
    }
}

/// Why records are not erased.
#[derive(Debug)]
pub(crate) enum EraseFault {
    /// There is no room to name them, or to overwrite them on a file system that writes elsewhere.
    /// Every record is whole or erased, and what was named is erased with the next ones.
    Full,
    Io(PathBuf, io::Error),
    /// There is another record, or none, at the place.
    Misplaced(PathBuf, u64, FrameFault),
    /// What an earlier process named cannot be read.
    Named(PathBuf, SmallFileFault),
}

impl From<EraseFault> for OpenError {
    fn from(fault: EraseFault) -> Self {
        match fault {
            EraseFault::Full => Self::io(PathBuf::new(), io::ErrorKind::StorageFull.into()),
            EraseFault::Io(path, source) => Self::io(path, source),
            EraseFault::Misplaced(path, offset, fault) => Self::damaged(path, offset, fault.0),
            EraseFault::Named(path, fault) => Self::small(path, fault),
        }
    }
}

impl From<EraseFault> for EraseFailure {
    fn from(fault: EraseFault) -> Self {
        match fault {
            EraseFault::Full => Self::StorageFull,
            other => {
                let error = OpenError::from(other);
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                let cause = cause.map_or(String::new(), |cause| format!(": {cause}"));
                Self::Failed { reason: format!("{error}{cause}") }
            }
        }
    }
}

/// The positions of the records that an earlier process was erasing when it stopped.
pub(crate) fn positions_in_erasure(
    disk: &dyn Disk,
    directory: &Directory,
) -> Result<Vec<u64>, SmallFileFault> {
    let named = read_list::<24>(disk, &directory.erasing(), MAGIC)?.unwrap_or_default();
    Ok(named.iter().map(|entry| Target::parse(entry).position).collect())
}

/// The files in which records are erased.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Eraser<'a> {
    pub(crate) disk: &'a dyn Disk,
    pub(crate) directory: &'a Directory,
    pub(crate) files: &'a SegmentFiles,
}

impl Eraser<'_> {
    /// Erases records that are durable and known to be so at the next start.
    pub(crate) fn erase(&self, mut targets: Vec<Target>) -> Result<Erased, EraseFault> {
        targets.extend(self.named()?.unwrap_or_default());
        targets.sort_unstable();
        targets.dedup();
        self.name(&targets)?;
        self.carry_out(&targets)
    }

    /// Finishes what an earlier process began. Says how many records that was.
    pub(crate) fn finish(&self) -> Result<u64, EraseFault> {
        let Some(targets) = self.named()? else { return Ok(0) };
        // Its name may be the work of a process that was killed before it synced it.
        self.sync_dir()?;
        tracing::info!(records = targets.len(), "finishing an erasure that was begun");
        self.carry_out(&targets)?;
        Ok(targets.len() as u64)
    }

    /// What was begun and not finished.
    fn named(&self) -> Result<Option<Vec<Target>>, EraseFault> {
        let path = self.directory.erasing();
        let named = read_list::<24>(self.disk, &path, MAGIC)
            .map_err(|fault| EraseFault::Named(path, fault))?;
        Ok(named.map(|entries| entries.iter().map(Target::parse).collect()))
    }

    fn name(&self, targets: &[Target]) -> Result<(), EraseFault> {
        let path = self.directory.erasing();
        let entries: Vec<[u8; 24]> = targets.iter().map(|target| target.to_bytes()).collect();
        let mut named = write_list(self.disk, &path, MAGIC, &entries);
        while named.as_ref().is_err_and(is_full) && self.give_up_reserve()? {
            named = write_list(self.disk, &path, MAGIC, &entries);
        }
        match named {
            Ok(()) => Ok(()),
            Err(error) if is_full(&error) => Err(EraseFault::Full),
            Err(error) => Err(EraseFault::Io(path, error)),
        }
    }

    fn give_up_reserve(&self) -> Result<bool, EraseFault> {
        let given_up = reserve::give_up(self.disk, self.directory);
        given_up.map_err(|error| EraseFault::Io(self.directory.reserve(), error))
    }

    fn carry_out(&self, targets: &[Target]) -> Result<Erased, EraseFault> {
        let mut erased = Erased::default();
        for targets in targets.chunk_by(|a, b| a.segment == b.segment) {
            self.zero(targets)?;
            erased.segments += 1;
        }
        erased.cut_files_removed = self.remove_copies()?;
        let path = self.directory.erasing();
        match self.disk.remove(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(EraseFault::Io(path, error));
            }
            _ => {}
        }
        self.sync_dir()?;
        Ok(erased)
    }

    /// Erases records of one segment.
    fn zero(&self, targets: &[Target]) -> Result<(), EraseFault> {
        let Some(segment) = targets.first().map(|target| Position(target.segment)) else {
            return Ok(());
        };
        let path = self.files.path(segment);
        let failed = |error| EraseFault::Io(path.clone(), error);
        let file = self.disk.open(&path).map_err(failed)?;
        let misplaced =
            |target: &Target, fault| EraseFault::Misplaced(path.clone(), target.offset, fault);
        let mut spans = Vec::new();
        for target in targets {
            let front = read_front(&*file, target.offset).map_err(failed)?;
            let front = front.map_err(|fault| misplaced(target, fault))?;
            if front.position.get() != target.position {
                let fault = FrameFault("this is not the record whose erasure was begun");
                return Err(misplaced(target, fault));
            }
            let start = target.offset + front.erasable.start as u64;
            spans.push((start, target.offset + front.erasable.end as u64));
        }
        {
            let _half_erased = self.files.zeroing();
            self.files.count_erasure(segment);
            for (start, end) in spans {
                let zeroed = self.fill(&*file, start, end)?;
                zeroed.map_err(|error| match is_full(&error) && are_whole(&*file, targets) {
                    true => EraseFault::Full,
                    false => failed(error),
                })?;
            }
        }
        file.sync_data().map_err(failed)
    }

    /// Writes zeros. On a file system that copies on write that needs room: the reserve is it.
    fn fill(
        &self,
        file: &dyn DiskFile,
        start: u64,
        end: u64,
    ) -> Result<io::Result<()>, EraseFault> {
        let mut zeroed = fill_with_zeros(file, start, end);
        while zeroed.as_ref().is_err_and(is_full) && self.give_up_reserve()? {
            zeroed = fill_with_zeros(file, start, end);
        }
        Ok(zeroed)
    }

    /// Removes the files that may hold a body beside the segments: what starts cut off, and
    /// copies of segments that were never finished. Says how many of the former there were.
    fn remove_copies(&self) -> Result<u64, EraseFault> {
        let dir = self.directory.log();
        let names = self.disk.list(&dir).map_err(|error| EraseFault::Io(dir.clone(), error))?;
        let copies =
            names.iter().filter(|name| name.ends_with(".cut") || name.ends_with(".seg.tmp"));
        let mut removed = 0;
        let mut cut_files_removed = 0;
        for name in copies {
            let path = dir.join(name);
            self.disk.remove(&path).map_err(|error| EraseFault::Io(path, error))?;
            removed += 1;
            cut_files_removed += u64::from(name.ends_with(".cut"));
        }
        if removed > 0 {
            self.sync_dir()?;
        }
        Ok(cut_files_removed)
    }

    fn sync_dir(&self) -> Result<(), EraseFault> {
        let dir = self.directory.log();
        self.disk.sync_dir(&dir).map_err(|error| EraseFault::Io(dir, error))
    }
}

/// Whether every record can be read, erased or not.
fn are_whole(file: &dyn DiskFile, targets: &[Target]) -> bool {
    targets.iter().all(|target| {
        let Ok(Ok(front)) = read_front(file, target.offset) else { return false };
        let mut record = vec![0; front.erasable.end];
        read_exact_at(file, &mut record, target.offset).is_ok()
            && RecordParts::parse(&record).is_ok()
    })
}

/// The checked front of the record at an offset. Its body need not be whole.
fn read_front(file: &dyn DiskFile, offset: u64) -> io::Result<Result<RecordFront, FrameFault>> {
    let mut head = [0; RECORD_HEAD_BYTES];
    read_exact_at(file, &mut head, offset)?;
    let front_len = match RecordFront::len_of(&head) {
        Ok(front_len) => front_len,
        Err(fault) => return Ok(Err(fault)),
    };
    let mut front = vec![0; front_len];
    read_exact_at(file, &mut front, offset)?;
    Ok(RecordFront::parse(&front))
}
