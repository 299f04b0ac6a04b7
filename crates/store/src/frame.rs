//! Frames and records as bytes: how a unit is written and how stored bytes are checked.
//!
//! A frame holds the records of one unit and is the unit of atomicity. Where frames lie in files
//! is not known here. The format is persisted (`docs/formats/segment.md`): never reuse or reorder
//! a field. All integers are little-endian, all checksums CRC-32C.
//!
//! INVARIANT (checked before use): no byte of a record is interpreted as an event before the
//! checksums over all of it were compared.
//! INVARIANT (erased is all zeros): a salt and body that do not match their checksum are an erased
//! body exactly if every byte of them is zero. The head's checksum and the frame's stay valid.

use std::ops::Range;

use annals_core::event::Event;
use annals_core::hash::Digest;
use annals_core::id::Position;
use annals_core::record::{
    BodyEncoding, HeaderDraft, KeptRecord, Placement, SALT_BYTES, event_hash,
};
use bytes::Bytes;
use crc32c::{crc32c, crc32c_append};

use crate::contract::Prepared;

/// Bytes before the first record of a frame.
pub(crate) const FRAME_HEAD_BYTES: usize = 16;
/// Bytes before the header of a record.
pub(crate) const RECORD_HEAD_BYTES: usize = 20;
const DIGEST_BYTES: usize = 32;
/// Bytes of a record beside header and body.
pub(crate) const RECORD_FIXED_BYTES: usize = RECORD_HEAD_BYTES + 2 * DIGEST_BYTES + SALT_BYTES;
/// Bytes that a frame may have after its head.
pub(crate) const FRAME_BYTES_MAX: u64 = 256 << 20;

/// What does not fit in bytes that should be a frame or record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FrameFault(pub(crate) &'static str);

const HEADER_FAULT: FrameFault = FrameFault("a record's header cannot be read");

/// The four numbers at the start of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FrameHead {
    /// Bytes of the frame after its head.
    pub(crate) frame_len: u32,
    /// Records in the frame.
    pub(crate) record_count: u32,
    /// Over frame_len, record_count, group_offset and the two checksums of every record.
    pub(crate) frame_crc: u32,
    /// Where in the file the first frame of the same commit is. Everything before was durable
    /// when this frame was written; recovery tells damage from a torn commit by it.
    pub(crate) group_offset: u32,
}

impl FrameHead {
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        Some(Self {
            frame_len: u32_at(bytes, 0)?,
            record_count: u32_at(bytes, 4)?,
            frame_crc: u32_at(bytes, 8)?,
            group_offset: u32_at(bytes, 12)?,
        })
    }

    fn to_bytes(self) -> [u8; FRAME_HEAD_BYTES] {
        let numbers = [self.frame_len, self.record_count, self.frame_crc, self.group_offset];
        let mut bytes = [0; FRAME_HEAD_BYTES];
        for (place, number) in bytes.chunks_exact_mut(4).zip(numbers) {
            place.copy_from_slice(&number.to_le_bytes());
        }
        bytes
    }
}

/// A record just written into a buffer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WrittenRecord {
    pub(crate) start: usize,
    pub(crate) header_len: usize,
    pub(crate) event_hash: Digest,
}

impl WrittenRecord {
    /// The header's bytes in the buffer.
    pub(crate) fn header<'a>(&self, buffer: &'a [u8]) -> &'a [u8] {
        let start = self.start + RECORD_HEAD_BYTES;
        &buffer[start..start + self.header_len]
    }

    /// The body's bytes in the buffer.
    pub(crate) fn body<'a>(&self, buffer: &'a [u8]) -> &'a [u8] {
        let record_len = u32_at(buffer, self.start).unwrap_or(0) as usize;
        &buffer[self.start + RECORD_FIXED_BYTES + self.header_len..self.start + record_len]
    }
}

/// Appends a record to `out`.
pub(crate) fn put_record(
    out: &mut Vec<u8>,
    prepared: &Prepared,
    placement: &Placement,
    prev: &Digest,
) -> WrittenRecord {
    let start = out.len();
    out.extend_from_slice(&[0; RECORD_HEAD_BYTES]);
    out.extend_from_slice(prepared.header.as_bytes());
    out.extend_from_slice(&HeaderDraft::placement_bytes(placement));
    let header_end = out.len();
    let header_start = start + RECORD_HEAD_BYTES;
    let event_hash = event_hash(&out[header_start..header_end], &prepared.commitment, prev);
    out.extend_from_slice(prev.as_bytes());
    out.extend_from_slice(prepared.commitment.as_bytes());
    let salt_start = out.len();
    out.extend_from_slice(&prepared.salt);
    out.extend_from_slice(&prepared.body);
    let header_len = header_end - header_start;
    let body_crc = crc32c(&out[salt_start..]);
    let record_len = out.len() - start;
    put_u32(out, start, record_len);
    out[start + 8..start + 12].copy_from_slice(&body_crc.to_le_bytes());
    out[start + 12] = BodyEncoding::Plain.code();
    put_u32(out, start + 16, header_len);
    let head_crc = head_crc(&out[start..salt_start]);
    out[start + 4..start + 8].copy_from_slice(&head_crc.to_le_bytes());
    WrittenRecord { start, header_len, event_hash }
}

/// Over everything before the salt but the checksum itself, so that an erased salt and body
/// leave it valid.
fn head_crc(head: &[u8]) -> u32 {
    let (record_len, rest) = head.split_at(4);
    crc32c_append(crc32c(record_len), &rest[4..])
}

/// The checksum that a record's head carries.
pub(crate) fn head_crc_of(record: &[u8]) -> u32 {
    u32_at(record, 4).unwrap_or(0)
}

/// Fills in a frame's head. `frame` is the frame with its records, its first bytes still free.
pub(crate) fn seal_frame(frame: &mut [u8], record_count: u32, group_offset: u32) {
    let (place, records) = frame.split_at_mut(FRAME_HEAD_BYTES);
    let mut head =
        FrameHead { frame_len: len_u32(records.len()), record_count, frame_crc: 0, group_offset };
    head.frame_crc = frame_crc(head, records).unwrap_or_default();
    place.copy_from_slice(&head.to_bytes());
}

/// The checksum that a frame should have; none when its records do not fill it exactly.
fn frame_crc(head: FrameHead, records: &[u8]) -> Option<u32> {
    let mut crc = crc32c(&head.frame_len.to_le_bytes());
    crc = crc32c_append(crc, &head.record_count.to_le_bytes());
    crc = crc32c_append(crc, &head.group_offset.to_le_bytes());
    let mut rest = records;
    for _ in 0..head.record_count {
        let record_len = usize::try_from(u32_at(rest, 0)?).ok()?;
        if record_len < RECORD_FIXED_BYTES {
            return None;
        }
        let (record, after) = rest.split_at_checked(record_len)?;
        crc = crc32c_append(crc, &record[4..12]);
        rest = after;
    }
    rest.is_empty().then_some(crc)
}

/// Checks a whole frame, records and bodies included, and counts its erased bodies.
pub(crate) fn check_frame(head: FrameHead, records: &[u8]) -> Result<u32, FrameFault> {
    let crc = frame_crc(head, records).ok_or(FrameFault("its records do not fill it"))?;
    if crc != head.frame_crc {
        return Err(FrameFault("its checksum does not match"));
    }
    let mut erased_count = 0;
    for record in (Records { rest: records }) {
        erased_count += u32::from(RecordParts::parse(record)?.is_erased);
    }
    Ok(erased_count)
}

/// Whether a frame's checksum is right; none when its records do not fill it. The bytes of the
/// records are not checked.
pub(crate) fn is_frame_sound(head: FrameHead, records: &[u8]) -> Option<bool> {
    frame_crc(head, records).map(|crc| crc == head.frame_crc)
}

/// The records of a frame that passed [`check_frame`], one after the other.
#[derive(Debug)]
pub(crate) struct Records<'a> {
    pub(crate) rest: &'a [u8],
}

impl<'a> Iterator for Records<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let record_len = usize::try_from(u32_at(self.rest, 0)?).ok()?;
        let (record, rest) = self.rest.split_at_checked(record_len.max(1))?;
        self.rest = rest;
        Some(record)
    }
}

/// Where the parts of a checked record are, as offsets from its start.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RecordParts {
    pub(crate) record_len: usize,
    /// Whether salt and body are zeros.
    pub(crate) is_erased: bool,
    header_end: usize,
    encoding: BodyEncoding,
}

/// The part of a record before its salt, checked without the rest.
#[derive(Debug, Clone)]
pub(crate) struct RecordFront {
    pub(crate) position: Position,
    /// Where salt and body are, from the record's start: what an erasure fills with zeros.
    pub(crate) erasable: Range<usize>,
}

impl RecordFront {
    /// Bytes of the front that starts with these [`RECORD_HEAD_BYTES`].
    pub(crate) fn len_of(head: &[u8; RECORD_HEAD_BYTES]) -> Result<usize, FrameFault> {
        let record_len = u32_at(head, 0).unwrap_or(0) as usize;
        let header_len = u32_at(head, 16).unwrap_or(0) as usize;
        match record_len.checked_sub(RECORD_FIXED_BYTES) {
            Some(rest) if header_len <= rest && record_len as u64 <= FRAME_BYTES_MAX => {
                Ok(RECORD_HEAD_BYTES + header_len + 2 * DIGEST_BYTES)
            }
            _ => Err(FrameFault("a record's length is impossible")),
        }
    }

    /// Checks the bytes before the salt.
    pub(crate) fn parse(front: &[u8]) -> Result<Self, FrameFault> {
        let head = front.first_chunk().ok_or(FrameFault("a record is cut off"))?;
        if Self::len_of(head)? != front.len() {
            return Err(FrameFault("a record is cut off"));
        }
        if Some(head_crc(front)) != u32_at(front, 4) {
            return Err(FrameFault("the checksum of a record's header does not match"));
        }
        let header = &front[RECORD_HEAD_BYTES..front.len() - 2 * DIGEST_BYTES];
        let place = Placement::of_header(header).map_err(|_| HEADER_FAULT)?;
        let record_len = u32_at(front, 0).unwrap_or(0) as usize;
        Ok(Self { position: place.position, erasable: front.len()..record_len })
    }
}

/// A record of which everything before the salt was checked, and the rest not looked at: enough for
/// those who only read headers.
#[derive(Debug)]
pub(crate) struct CheckedHeader {
    record: Bytes,
    header_end: usize,
}

impl CheckedHeader {
    /// Checks the record at the start of `record`.
    pub(crate) fn parse(record: Bytes) -> Result<Self, FrameFault> {
        let cut = FrameFault("a record is cut off");
        let front_len = RecordFront::len_of(record.first_chunk().ok_or(cut)?)?;
        let front = record.get(..front_len).ok_or(cut)?;
        if Some(head_crc(front)) != u32_at(front, 4) {
            return Err(FrameFault("the checksum of a record's header does not match"));
        }
        Ok(Self { record, header_end: front_len - 2 * DIGEST_BYTES })
    }

    /// The header's bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.record[RECORD_HEAD_BYTES..self.header_end]
    }

    /// The checksum in the record's head.
    pub(crate) fn head_crc(&self) -> u32 {
        head_crc_of(&self.record)
    }
}

impl RecordParts {
    /// Checks a record at the start of `bytes`; there may be more after it.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, FrameFault> {
        let cut = FrameFault("a record is cut off");
        let record_len = u32_at(bytes, 0).ok_or(cut)? as usize;
        let record = bytes.get(..record_len).ok_or(cut)?;
        if record_len < RECORD_FIXED_BYTES {
            return Err(cut);
        }
        let (head_crc_is, body_crc) = (u32_at(record, 4), u32_at(record, 8));
        let header_len = u32_at(record, 16).ok_or(cut)? as usize;
        if header_len > record_len - RECORD_FIXED_BYTES {
            return Err(FrameFault("a record's header is longer than the record"));
        }
        let header_end = RECORD_HEAD_BYTES + header_len;
        let (head, salt_and_body) = record.split_at(header_end + 2 * DIGEST_BYTES);
        if Some(head_crc(head)) != head_crc_is {
            return Err(FrameFault("the checksum of a record's header does not match"));
        }
        let is_erased = Some(crc32c(salt_and_body)) != body_crc;
        if is_erased && salt_and_body.iter().any(|byte| *byte != 0) {
            return Err(FrameFault("the checksum of a record's body does not match"));
        }
        let encoding = BodyEncoding::from_code(record[12]).ok_or(FrameFault(
            "a body is encoded in a way that this version of Annals does not know",
        ))?;
        Ok(Self { record_len, is_erased, header_end, encoding })
    }

    /// The header's bytes in the record that was parsed.
    pub(crate) fn header<'a>(&self, record: &'a [u8]) -> &'a [u8] {
        &record[RECORD_HEAD_BYTES..self.header_end]
    }

    /// The hash of the event before, the commitment, and salt and body of the record that was
    /// parsed.
    pub(crate) fn hashed<'a>(&self, record: &'a [u8]) -> (Digest, Digest, &'a [u8]) {
        let digest = |start: usize| {
            Digest::from_slice(&record[start..start + DIGEST_BYTES]).unwrap_or(Digest::ZERO)
        };
        let salt_start = self.header_end + 2 * DIGEST_BYTES;
        let (prev, commitment) = (digest(self.header_end), digest(self.header_end + DIGEST_BYTES));
        (prev, commitment, &record[salt_start..self.record_len])
    }

    /// The event in the record that was parsed.
    pub(crate) fn event(&self, record: &Bytes) -> Result<Event, FrameFault> {
        Event::from_kept(self.record(record, 0)?).map_err(|_| HEADER_FAULT)
    }

    /// The record that starts at `start` of `bytes`.
    fn record(&self, bytes: &Bytes, start: usize) -> Result<KeptRecord, FrameFault> {
        let header_len = self.header_end - RECORD_HEAD_BYTES;
        let kept = bytes.slice(start + RECORD_HEAD_BYTES..start + self.record_len);
        KeptRecord::new(kept, header_len, self.encoding).ok_or(FrameFault("a record is cut off"))
    }
}

/// The event of a record that [`put_record`] wrote, without checking or hashing it again.
pub(crate) fn written_event(buffer: &Bytes, written: &WrittenRecord) -> Result<Event, FrameFault> {
    let record_len = u32_at(buffer, written.start).unwrap_or(0) as usize;
    let parts = RecordParts {
        record_len,
        is_erased: false,
        header_end: RECORD_HEAD_BYTES + written.header_len,
        encoding: BodyEncoding::Plain,
    };
    Event::just_written(parts.record(buffer, written.start)?, written.event_hash)
        .map_err(|_| HEADER_FAULT)
}

fn u32_at(bytes: &[u8], offset: usize) -> Option<u32> {
    let slice = bytes.get(offset..offset + 4)?;
    slice.try_into().ok().map(u32::from_le_bytes)
}

fn put_u32(out: &mut [u8], offset: usize, number: usize) {
    out[offset..offset + 4].copy_from_slice(&len_u32(number).to_le_bytes());
}

/// INVARIANT (frames fit): the assigner refuses units above [`FRAME_BYTES_MAX`], so that every
/// length in a frame fits into 32 bits.
fn len_u32(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
