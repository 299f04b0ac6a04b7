//! Walks the frames of a segment file and says how the walk ended.
//!
//! Decides nothing: whether a bad frame is a torn commit or damage is told apart by evidence, and
//! what to do about it is the caller's matter.
//!
//! INVARIANT (torn or damaged): a frame names where its commit began, and everything before that
//! was durable when it was written. So a bad frame is damage exactly if an intact frame of a
//! later commit follows; otherwise it may be a commit that was never acknowledged.
//! INVARIANT (erased or torn): a body of zeros is erased if its frame is known to have been durable
//! and torn otherwise. So nothing in the last commit of the last segment is ever erased.

use std::collections::BTreeSet;

use annals_core::id::{LogId, Position};
use annals_core::record::HeaderRef;

use super::disk::{DiskFile, in_memory, read_exact_at};
use super::segment::{SEGMENT_HEAD_BYTES, SegmentFiles};
use crate::contract::ReadFailure;
use crate::frame::{
    FRAME_BYTES_MAX, FRAME_HEAD_BYTES, FrameFault, FrameHead, RECORD_FIXED_BYTES, RecordParts,
    Records, check_frame,
};

const READ_BYTES: usize = 1 << 20;

/// How a walk ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WalkEnd {
    /// Only zeros follow.
    Clean,
    /// What follows is no frame, and nothing says that it ever was a durable one.
    Torn { garbage_end: u64 },
    /// What follows was a durable frame, because a later commit is intact.
    Damaged { fault: FrameFault, intact_offset: u64 },
}

/// A record that the walk came by.
#[derive(Debug)]
pub(crate) struct WalkedRecord<'a> {
    pub(crate) offset: u32,
    pub(crate) header: HeaderRef<'a>,
    pub(crate) is_erased: bool,
}

/// Where a walk is.
#[derive(Debug)]
pub(crate) struct Walk<'a> {
    files: &'a SegmentFiles,
    file: &'a dyn DiskFile,
    segment: Position,
    log_id: LogId,
    file_len: u64,
    buffer: Vec<u8>,
    buffer_offset: u64,
    /// Whether everything up to the end of the walk is known to be durable.
    is_sealed: bool,
    /// Frames that start before this offset are followed by a later commit.
    durable_below: u64,
    /// Positions that are erased whatever commit they are in.
    known_erased: &'a BTreeSet<u64>,
    /// Where the commit of the last intact frame begins.
    pub(crate) last_group: u64,
    /// Behind the last intact frame.
    pub(crate) end: u64,
    /// Of the next record.
    pub(crate) next_position: u64,
}

impl<'a> Walk<'a> {
    pub(crate) fn new(
        files: &'a SegmentFiles,
        file: &'a dyn DiskFile,
        segment: Position,
        log_id: LogId,
    ) -> Result<Self, ReadFailure> {
        let file_len = file.len().map_err(|error| files.io_failure(segment, error))?;
        Ok(Self {
            files,
            file,
            segment,
            log_id,
            file_len,
            buffer: Vec::new(),
            buffer_offset: 0,
            is_sealed: false,
            durable_below: 0,
            known_erased: &NONE_ERASED,
            last_group: SEGMENT_HEAD_BYTES,
            end: SEGMENT_HEAD_BYTES,
            next_position: segment.get(),
        })
    }

    /// The same walk, told of erased bodies.
    pub(crate) fn knowing(self, known_erased: &'a BTreeSet<u64>) -> Self {
        Self { known_erased, ..self }
    }

    /// Shows every record up to position `last` to `found`. With a `last` the caller says that
    /// everything up to it is durable; `u64::MAX` walks to the end and looks for it.
    pub(crate) fn run(
        &mut self,
        last: u64,
        found: &mut dyn FnMut(WalkedRecord<'_>),
    ) -> Result<WalkEnd, ReadFailure> {
        let files = self.files;
        let _whole = files.no_zeroing();
        self.is_sealed = last != u64::MAX;
        while self.next_position <= last {
            if let Err(fault) = self.step(found)? {
                return self.judge(fault);
            }
        }
        Ok(WalkEnd::Clean)
    }

    fn step(
        &mut self,
        found: &mut dyn FnMut(WalkedRecord<'_>),
    ) -> Result<Result<(), FrameFault>, ReadFailure> {
        let offset = self.end;
        let Some(head) = self.head_at(offset)? else {
            return Ok(Err(FrameFault("a frame is cut off")));
        };
        if u64::from(head.group_offset) > offset || !self.is_plausible(head, offset) {
            return Ok(Err(FrameFault("a frame's head is impossible")));
        }
        let (log_id, next_position) = (self.log_id, self.next_position);
        let records = self.bytes(offset + FRAME_HEAD_BYTES as u64, head.frame_len as usize)?;
        match check_frame(head, records) {
            Ok(0) => {}
            Ok(_) if self.is_erasure(head, offset)? => {}
            Ok(_) => return Ok(Err(FrameFault("a body is missing"))),
            Err(fault) => return Ok(Err(fault)),
        }
        let records = self.bytes(offset + FRAME_HEAD_BYTES as u64, head.frame_len as usize)?;
        let headers = match headers(records, log_id, next_position) {
            Ok(headers) => headers,
            Err(fault) => return Ok(Err(fault)),
        };
        let record_count = headers.len() as u64;
        for (start, header, is_erased) in headers {
            let offset = narrow(offset + FRAME_HEAD_BYTES as u64 + start as u64);
            found(WalkedRecord { offset, header, is_erased });
        }
        self.last_group = u64::from(head.group_offset);
        self.end = offset + FRAME_HEAD_BYTES as u64 + u64::from(head.frame_len);
        self.next_position += record_count;
        Ok(Ok(()))
    }

    /// Whether the bodies of zeros in an otherwise intact frame were erased.
    fn is_erasure(&mut self, head: FrameHead, offset: u64) -> Result<bool, ReadFailure> {
        let first = self.next_position;
        if self.is_sealed || offset < self.durable_below || self.all_known(head, offset, first)? {
            return Ok(true);
        }
        let mut next = offset + FRAME_HEAD_BYTES as u64 + u64::from(head.frame_len);
        while let Some(other) = self.intact_frame(next)? {
            if u64::from(other.group_offset) > offset {
                self.durable_below = u64::from(other.group_offset);
                return Ok(true);
            }
            next += FRAME_HEAD_BYTES as u64 + u64::from(other.frame_len);
        }
        let behind = self.judge(FrameFault("a body is missing"))?;
        Ok(matches!(behind, WalkEnd::Damaged { .. }))
    }

    fn all_known(&mut self, head: FrameHead, offset: u64, first: u64) -> Result<bool, ReadFailure> {
        let known_erased = self.known_erased;
        if known_erased.is_empty() {
            return Ok(false);
        }
        let records = self.bytes(offset + FRAME_HEAD_BYTES as u64, head.frame_len as usize)?;
        let mut records = (Records { rest: records }).zip(first..);
        Ok(records.all(|(record, position)| {
            known_erased.contains(&position)
                || RecordParts::parse(record).is_ok_and(|parts| !parts.is_erased)
        }))
    }

    fn intact_frame(&mut self, offset: u64) -> Result<Option<FrameHead>, ReadFailure> {
        let Some(head) = self.head_at(offset)? else { return Ok(None) };
        if u64::from(head.group_offset) > offset || !self.is_plausible(head, offset) {
            return Ok(None);
        }
        let records = self.bytes(offset + FRAME_HEAD_BYTES as u64, head.frame_len as usize)?;
        Ok(check_frame(head, records).is_ok().then_some(head))
    }

    /// Looks at everything behind the last intact frame.
    fn judge(&mut self, fault: FrameFault) -> Result<WalkEnd, ReadFailure> {
        let bad_offset = self.end;
        let mut garbage_end = bad_offset;
        let mut offset = bad_offset + 1;
        let mut unseen = bad_offset + 1;
        if self.file_len > bad_offset && self.bytes(bad_offset, 1)? != [0] {
            garbage_end = bad_offset + 1;
        }
        while offset < self.file_len {
            let Some(next) = self.next_nonzero(offset)? else { break };
            garbage_end = next + 1;
            // A frame's head has four numbers, of which the first may start with zero bytes.
            for start in next.saturating_sub(3).max(unseen)..=next {
                if self.is_later_commit(start, bad_offset)? {
                    return Ok(WalkEnd::Damaged { fault, intact_offset: start });
                }
            }
            offset = next + 1;
            unseen = offset;
        }
        match garbage_end == bad_offset {
            true => Ok(WalkEnd::Clean),
            false => Ok(WalkEnd::Torn { garbage_end }),
        }
    }

    fn is_later_commit(&mut self, offset: u64, bad_offset: u64) -> Result<bool, ReadFailure> {
        // Most places are none: the checksums come last.
        let group_offset = self.head_at(offset)?.map_or(0, |head| u64::from(head.group_offset));
        Ok(group_offset > bad_offset && self.intact_frame(offset)?.is_some())
    }

    fn is_plausible(&self, head: FrameHead, offset: u64) -> bool {
        let frame_len = u64::from(head.frame_len);
        head.record_count > 0
            && frame_len >= u64::from(head.record_count) * RECORD_FIXED_BYTES as u64
            && frame_len <= FRAME_BYTES_MAX
            && offset + FRAME_HEAD_BYTES as u64 + frame_len <= self.file_len
    }

    fn head_at(&mut self, offset: u64) -> Result<Option<FrameHead>, ReadFailure> {
        if offset + FRAME_HEAD_BYTES as u64 > self.file_len {
            return Ok(None);
        }
        Ok(FrameHead::parse(self.bytes(offset, FRAME_HEAD_BYTES)?))
    }

    fn next_nonzero(&mut self, mut offset: u64) -> Result<Option<u64>, ReadFailure> {
        while offset < self.file_len {
            let count = in_memory((self.file_len - offset).min(READ_BYTES as u64));
            let bytes = self.bytes(offset, count)?;
            if let Some(place) = bytes.iter().position(|byte| *byte != 0) {
                return Ok(Some(offset + place as u64));
            }
            offset += count as u64;
        }
        Ok(None)
    }

    /// Bytes of the file; the caller has made sure that it is long enough.
    fn bytes(&mut self, offset: u64, count: usize) -> Result<&[u8], ReadFailure> {
        let buffer_end = self.buffer_offset + self.buffer.len() as u64;
        if offset < self.buffer_offset || offset + count as u64 > buffer_end {
            self.load(offset, count)?;
        }
        let start = in_memory(offset - self.buffer_offset);
        Ok(self.buffer.get(start..start + count).unwrap_or_default())
    }

    fn load(&mut self, offset: u64, count: usize) -> Result<(), ReadFailure> {
        let wanted = count.max(READ_BYTES) as u64;
        let byte_count = in_memory(wanted.min(self.file_len.saturating_sub(offset)));
        self.buffer.resize(byte_count, 0);
        self.buffer_offset = offset;
        read_exact_at(self.file, &mut self.buffer, offset)
            .map_err(|error| self.files.io_failure(self.segment, error))
    }
}

static NONE_ERASED: BTreeSet<u64> = BTreeSet::new();

/// Where a record starts in its frame, its header, and whether its body was erased.
type FoundHeader<'a> = (usize, HeaderRef<'a>, bool);

/// The headers of a frame's records, if they follow each other from `next_position` on.
fn headers(
    records: &[u8],
    log_id: LogId,
    next_position: u64,
) -> Result<Vec<FoundHeader<'_>>, FrameFault> {
    let mut headers = Vec::new();
    let mut start = 0;
    for (record, position) in (Records { rest: records }).zip(next_position..) {
        let parts = RecordParts::parse(record)?;
        let header = HeaderRef::parse(parts.header(record))
            .map_err(|_| FrameFault("a record's header cannot be read"))?;
        if header.log_id != log_id {
            return Err(FrameFault("a record belongs to another log"));
        }
        if header.position.get() != position {
            return Err(FrameFault("positions do not follow each other"));
        }
        headers.push((start, header, parts.is_erased));
        start += record.len();
    }
    Ok(headers)
}

/// INVARIANT (segments are small): offsets in a segment fit into 32 bits.
fn narrow(offset: u64) -> u32 {
    u32::try_from(offset).unwrap_or(u32::MAX)
}
