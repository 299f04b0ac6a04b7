//! Checks one segment: every frame, record, body, place, chain and leaf, up to the first that is
//! not right.
//!
//! INVARIANT (torn is not wrong): bytes at the end of the last segment that recovery would cut off,
//! and that nothing says were ever durable, end the check without a fault.

use std::path::PathBuf;

use annals_core::hash::Digest;
use annals_core::id::{LogId, Position};
use annals_core::merkle::leaf_hash;
use annals_core::record::{HeaderRef, commitment, event_hash};
use annals_core::redaction::redacted_position;
use annals_core::tiles::{HashRows, TILE_WIDTH};
use annals_core::time::Timestamp;

use super::AuditFailure;
use super::fault::{AuditFault, AuditFaultKind, Named, StreamLink, Suspicion};
use super::findings::{SegmentFindings, StreamId128, StreamSpan};
use super::ground::{Ground, SegmentTask};
use super::subtrees::Subtrees;
use super::window::Window;
use crate::frame::{
    FRAME_BYTES_MAX, FRAME_HEAD_BYTES, FrameFault, FrameHead, RECORD_HEAD_BYTES, RecordFront,
    RecordParts, Records, is_frame_sound,
};
use crate::local::disk::DiskFile;
use crate::local::segment::{SEGMENT_HEAD_BYTES, SegmentHead, SegmentHeadFault};
use crate::local::walk::{Walk, WalkEnd};
use crate::tree::KeptTree;

/// Checks a segment. With a tree to `compare` with, each leaf must also be the one it has.
pub(super) fn check_segment(
    ground: &Ground,
    task: &SegmentTask,
    compare: Option<&KeptTree>,
) -> Result<SegmentFindings, AuditFailure> {
    let file = ground.open(task)?;
    let mut check = SegmentCheck::new(ground, task, compare);
    let halt = check.tail(&*file).and_then(|()| check.run(&mut Window::new(&*file)));
    match halt {
        Ok(()) => {}
        Err(Halt::Torn) => check.found.torn_bytes = check.tail.torn_bytes,
        Err(Halt::Suspicion(suspicion)) => check.found.suspicion = Some(*suspicion),
        Err(Halt::Failure(failure)) => return Err(failure),
    }
    Ok(check.finish())
}

/// Why a check ends before the segment does.
enum Halt {
    Torn,
    Suspicion(Box<Suspicion>),
    Failure(AuditFailure),
}

impl From<AuditFault> for Halt {
    fn from(fault: AuditFault) -> Self {
        Suspicion::Fault(fault).into()
    }
}

impl From<Suspicion> for Halt {
    fn from(suspicion: Suspicion) -> Self {
        Self::Suspicion(Box::new(suspicion))
    }
}

/// What recovery would say of the end of the last segment.
#[derive(Debug, Clone, Copy)]
struct Tail {
    /// Bytes from here on may be a torn append.
    torn_from: u64,
    torn_bytes: u64,
    /// An intact commit follows the place where the walk ended.
    is_damaged: bool,
}

struct SegmentCheck<'a> {
    ground: &'a Ground,
    task: &'a SegmentTask,
    compare: Option<&'a KeptTree>,
    path: PathBuf,
    owner: LogId,
    tail: Tail,
    /// The position of the next record.
    next: u64,
    recorded_at: Timestamp,
    part: Subtrees,
    scratch: Vec<u8>,
    /// The tile of the compared tree in which the last leaf was.
    tile: (u64, Vec<Digest>),
    found: SegmentFindings,
}

impl<'a> SegmentCheck<'a> {
    fn new(ground: &'a Ground, task: &'a SegmentTask, compare: Option<&'a KeptTree>) -> Self {
        let first = Position(task.first);
        let begin = task.first.max(ground.from);
        Self {
            ground,
            task,
            compare,
            path: ground.files.path(first),
            owner: ground.lineage.owner(first),
            tail: Tail { torn_from: u64::MAX, torn_bytes: 0, is_damaged: false },
            next: task.first,
            recorded_at: Timestamp::from_micros(i64::MIN),
            part: Subtrees::starting_at(begin - 1),
            scratch: Vec::new(),
            tile: (u64::MAX, Vec::new()),
            found: SegmentFindings { first: begin, ..SegmentFindings::default() },
        }
    }

    fn finish(mut self) -> SegmentFindings {
        self.found.parts.push(self.part);
        self.found.next = self.next;
        self.found
    }

    /// Looks at the last segment of a log that was not closed as recovery would.
    fn tail(&mut self, file: &dyn DiskFile) -> Result<(), Halt> {
        if self.task.last.is_some() || self.ground.clean.is_some() {
            return Ok(());
        }
        let first = Position(self.task.first);
        let failed = |failure| Halt::Failure(AuditFailure::from(failure));
        let walk = Walk::new(&self.ground.files, file, first, self.owner).map_err(failed)?;
        let mut walk = walk.knowing(&self.ground.redactions);
        match walk.run(u64::MAX, &mut |_| {}).map_err(failed)? {
            WalkEnd::Torn { garbage_end } if walk.next_position > self.ground.durable_to() => {
                self.tail.torn_from = walk.end;
                self.tail.torn_bytes = garbage_end - walk.end;
            }
            WalkEnd::Damaged { .. } => self.tail.is_damaged = true,
            WalkEnd::Clean | WalkEnd::Torn { .. } => {}
        }
        Ok(())
    }

    fn run(&mut self, window: &mut Window<'_>) -> Result<(), Halt> {
        self.head(window)?;
        let mut offset = SEGMENT_HEAD_BYTES;
        while self.task.is_newest || self.task.last.is_none_or(|last| self.next <= last) {
            let head = FrameHead::parse(self.read(window, offset, FRAME_HEAD_BYTES)?);
            let Some(head) = head.filter(|head| head.frame_len > 0) else {
                return self.end(offset);
            };
            if u64::from(head.frame_len) > FRAME_BYTES_MAX {
                return Err(self.unreadable(offset, "a frame of an impossible length"));
            }
            let frame_len = head.frame_len as usize;
            let records = self.read(window, offset + FRAME_HEAD_BYTES as u64, frame_len)?;
            if records.len() < frame_len {
                return Err(self.unreadable(offset, "a frame that is cut off"));
            }
            self.frame(offset, head, records)?;
            offset += FRAME_HEAD_BYTES as u64 + u64::from(head.frame_len);
        }
        Ok(())
    }

    fn read<'w>(
        &self,
        window: &'w mut Window<'_>,
        offset: u64,
        count: usize,
    ) -> Result<&'w [u8], Halt> {
        let failed = |error| Halt::Failure(AuditFailure::io(&self.path, error));
        window.at(offset, count).map_err(failed)
    }

    fn head(&self, window: &mut Window<'_>) -> Result<(), Halt> {
        let first = self.task.first;
        let damaged = |found: String| {
            AuditFault::at(first, AuditFaultKind::Damaged, "the head of a segment", found)
        };
        let bytes = self.read(window, 0, 64)?;
        let Some(bytes) = bytes.first_chunk() else {
            return Err(damaged(format!("that {} is cut off", self.file_name())).into());
        };
        match SegmentHead::parse(bytes) {
            Err(SegmentHeadFault::Damaged(what)) => {
                Err(damaged(format!("in {} that {what}", self.file_name())).into())
            }
            Err(SegmentHeadFault::NewerFormat(format)) => {
                Err(Halt::Failure(AuditFailure::Unusable {
                    file: self.path.clone(),
                    what: format!(
                        "it has format {format}, which is newer than this version of Annals"
                    ),
                }))
            }
            Ok(head) if head.log_id != self.owner => {
                Err(self.foreign(self.owner, head.log_id).into())
            }
            Ok(head) if head.first_position.get() != first => Err(damaged(format!(
                "in {} one that begins with position {}",
                self.file_name(),
                head.first_position
            ))
            .into()),
            Ok(_) => Ok(()),
        }
    }

    fn foreign(&self, owner: LogId, log_id: LogId) -> AuditFault {
        let (expected, found) = (format!("log {owner}"), format!("log {log_id}"));
        AuditFault::at(self.next, AuditFaultKind::ForeignLog, expected, found)
    }

    fn frame(&mut self, offset: u64, head: FrameHead, records: &[u8]) -> Result<(), Halt> {
        let is_sound = is_frame_sound(head, records) == Some(true);
        let may_be_torn = offset >= self.tail.torn_from;
        if may_be_torn && !is_sound {
            return Err(Halt::Torn);
        }
        let first = self.next;
        for record in (Records { rest: records }) {
            let parts = match RecordParts::parse(record) {
                Ok(parts) if may_be_torn && parts.is_erased => return Err(Halt::Torn),
                Ok(parts) => parts,
                Err(_) if may_be_torn => return Err(Halt::Torn),
                Err(fault) => return Err(self.explain(record, fault).into()),
            };
            self.record(record, parts)?;
        }
        if is_sound {
            return Ok(());
        }
        let found = format!("another at byte {offset} of {}", self.file_name());
        let expected = "a frame with the checksum of its events";
        Err(AuditFault::at(first, AuditFaultKind::Damaged, expected, found).into())
    }

    fn record(&mut self, record: &[u8], parts: RecordParts) -> Result<(), Halt> {
        let header_bytes = parts.header(record);
        let Ok(header) = HeaderRef::parse(header_bytes) else {
            return Err(AuditFault::at(
                self.next,
                AuditFaultKind::EditedHeader,
                "the header of an event",
                "bytes that are none, with a checksum that fits",
            )
            .into());
        };
        self.place(&header)?;
        self.recorded_at = header.recorded_at;
        if self.next >= self.ground.from {
            let (prev, stated, salt_and_body) = parts.hashed(record);
            self.body(&header, parts.is_erased, &stated, salt_and_body)?;
            let event_hash = event_hash(header_bytes, &stated, &prev);
            self.chain(&header, prev, event_hash)?;
            self.leaf(&header, &event_hash)?;
            self.count(&header);
        }
        self.next += 1;
        Ok(())
    }

    fn place(&self, header: &HeaderRef<'_>) -> Result<(), Halt> {
        // The lineage is a file like any other, and may say that the segment has two owners.
        let owner = self.ground.lineage.owner(header.position);
        if header.log_id != owner {
            return Err(self.foreign(owner, header.log_id).into());
        }
        if header.position.get() != self.next || self.task.last.is_some_and(|last| self.next > last)
        {
            let found = Named::of(header);
            return Err(Suspicion::Misplaced { expected: self.next, found }.into());
        }
        if header.recorded_at < self.recorded_at {
            return Err(Named::of(header)
                .fault(
                    AuditFaultKind::EditedHeader,
                    format!("that it was recorded not before {}", self.recorded_at),
                    header.recorded_at.to_string(),
                )
                .into());
        }
        Ok(())
    }

    fn body(
        &mut self,
        header: &HeaderRef<'_>,
        is_erased: bool,
        stated: &Digest,
        salt_and_body: &[u8],
    ) -> Result<(), Halt> {
        if is_erased {
            self.found.erased.push(Named::of(header));
            return Ok(());
        }
        let actual = commitment_of(salt_and_body);
        if actual == *stated {
            self.found.body_count += 1;
            return Ok(());
        }
        Err(Named::of(header)
            .fault(
                AuditFaultKind::EditedBody,
                format!("the body with commitment {stated}"),
                format!("one with {actual}, whose checksum was made to fit"),
            )
            .into())
    }

    fn chain(
        &mut self,
        header: &HeaderRef<'_>,
        prev: Digest,
        event_hash: Digest,
    ) -> Result<(), Halt> {
        let link =
            StreamLink { position: self.next, seq: header.stream_seq.get(), prev, event_hash };
        let stream = StreamId128::of(header, &mut self.scratch);
        let new = StreamSpan { first: link, last: link.end() };
        let span = self.found.streams.entry(stream).or_insert(new);
        if span.last.position == self.next {
            // Whether it continues what is in older segments is seen when they are merged.
            return Ok(());
        }
        if !link.continues(Some(&span.last)) {
            return Err(Suspicion::Link { end: Some(span.last), link }.into());
        }
        span.last = link.end();
        Ok(())
    }

    fn leaf(&mut self, header: &HeaderRef<'_>, event_hash: &Digest) -> Result<(), Halt> {
        let leaf = leaf_hash(event_hash.as_bytes());
        if let Some(expected) = self.compared_leaf().filter(|expected| *expected != leaf) {
            return Err(Named::of(header)
                .fault(
                    AuditFaultKind::EditedHeader,
                    format!("the leaf {expected}, which the signed tree has for it"),
                    format!("{leaf}"),
                )
                .into());
        }
        self.part.push(0, leaf);
        if self.ground.cuts.binary_search(&self.next).is_ok() {
            let next = Subtrees::starting_at(self.next);
            self.found.parts.push(std::mem::replace(&mut self.part, next));
        }
        Ok(())
    }

    /// The leaf that the compared tree has for the next position.
    fn compared_leaf(&mut self) -> Option<Digest> {
        let compare = self.compare?;
        let (index, width) = (self.next - 1, u64::from(TILE_WIDTH));
        let number = index / width;
        if self.tile.0 != number {
            let tile = compare.row(0, number * width, usize::from(TILE_WIDTH)).ok()?;
            self.tile = (number, tile);
        }
        self.tile.1.get(usize::try_from(index % width).ok()?).copied()
    }

    fn count(&mut self, header: &HeaderRef<'_>) {
        self.found.event_count += 1;
        let first = self.found.recorded.map_or(header.recorded_at, |(first, _)| first);
        self.found.recorded = Some((first, header.recorded_at));
        if let Some(position) = redacted_position(header) {
            self.found.redacted.push(position.get());
        }
    }

    /// Says what is wrong with a record whose checksums do not fit.
    fn explain(&self, record: &[u8], fault: FrameFault) -> AuditFault {
        let damaged = || {
            let found = format!("in {} that {}", self.file_name(), fault.0);
            AuditFault::at(self.next, AuditFaultKind::Damaged, "the bytes of an event", found)
        };
        let front = record.first_chunk().and_then(|head| RecordFront::len_of(head).ok());
        let Some((front, salt_and_body)) = front.and_then(|len| record.split_at_checked(len))
        else {
            return damaged();
        };
        let header = front.get(RECORD_HEAD_BYTES..front.len().saturating_sub(64));
        let Some(header) = header.and_then(|header| HeaderRef::parse(header).ok()) else {
            return damaged();
        };
        let named = Named::of(&header);
        if RecordFront::parse(front).is_err() {
            let expected = "a header with its checksum";
            return named.fault(AuditFaultKind::EditedHeader, expected, "another checksum");
        }
        let stated = front.get(front.len() - 32..).and_then(Digest::from_slice);
        named.fault(
            AuditFaultKind::EditedBody,
            format!("the body with commitment {}", stated.unwrap_or(Digest::ZERO)),
            format!("one with {}, whose checksum does not fit", commitment_of(salt_and_body)),
        )
    }

    /// There is no frame where the next one should begin.
    fn end(&self, offset: u64) -> Result<(), Halt> {
        let next = self.next;
        let file = self.file_name();
        if let Some(last) = self.task.last.filter(|last| next <= *last) {
            return Err(AuditFault::at(
                next,
                AuditFaultKind::Removed,
                format!("the events up to position {last} in {file}"),
                format!("that it ends before position {next}, at byte {offset}"),
            )
            .into());
        }
        if let Some(clean) = self.ground.clean.filter(|clean| clean.position >= next) {
            return Err(AuditFault::at(
                next,
                AuditFaultKind::CutTail,
                format!(
                    "the events up to position {}, with which the log was closed",
                    clean.position
                ),
                format!("that it ends before position {next}"),
            )
            .into());
        }
        if offset >= self.tail.torn_from {
            return Err(Halt::Torn);
        }
        match self.tail.is_damaged {
            true => Err(self.unreadable(offset, "zeros, with a later commit behind them")),
            false => Ok(()),
        }
    }

    fn unreadable(&self, offset: u64, found: &str) -> Halt {
        if offset >= self.tail.torn_from {
            return Halt::Torn;
        }
        let found = format!("{found} at byte {offset} of {}", self.file_name());
        AuditFault::at(self.next, AuditFaultKind::Damaged, "the bytes of an event", found).into()
    }

    fn file_name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }
}

fn commitment_of(salt_and_body: &[u8]) -> Digest {
    match salt_and_body.split_first_chunk() {
        Some((salt, body)) => commitment(salt, body),
        None => Digest::ZERO,
    }
}
