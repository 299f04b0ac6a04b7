//! A log's segments as frames and records that can be changed and written back, with checksums
//! made to fit or left as they were: what somebody with an editor could do.

use std::fs;
use std::path::{Path, PathBuf};

use crc32c::{crc32c, crc32c_append};

const HEAD_BYTES: usize = 64;
const FRAME_HEAD_BYTES: usize = 16;

pub(crate) struct Tape {
    pub(crate) segments: Vec<Segment>,
}

pub(crate) struct Segment {
    pub(crate) path: PathBuf,
    head: Vec<u8>,
    pub(crate) frames: Vec<Frame>,
    len: usize,
}

#[derive(Clone)]
pub(crate) struct Frame {
    pub(crate) records: Vec<Record>,
    group_offset: u32,
    crc: u32,
}

/// The bytes of one record.
#[derive(Clone)]
pub(crate) struct Record(pub(crate) Vec<u8>);

fn u32_at(bytes: &[u8], offset: usize) -> u32 {
    u32::from_le_bytes(bytes[offset..offset + 4].try_into().unwrap())
}

impl Record {
    fn header_end(&self) -> usize {
        20 + u32_at(&self.0, 16) as usize
    }

    pub(crate) fn header(&mut self) -> &mut [u8] {
        let end = self.header_end();
        &mut self.0[20..end]
    }

    pub(crate) fn prev(&mut self) -> &mut [u8] {
        let start = self.header_end();
        &mut self.0[start..start + 32]
    }

    pub(crate) fn salt_and_body(&mut self) -> &mut [u8] {
        let start = self.header_end() + 64;
        &mut self.0[start..]
    }

    pub(crate) fn body(&mut self) -> &mut [u8] {
        let start = self.header_end() + 96;
        &mut self.0[start..]
    }

    pub(crate) fn position(&self) -> u64 {
        let end = self.header_end();
        u64::from_le_bytes(self.0[end - 24..end - 16].try_into().unwrap())
    }

    /// Replaces a text in the header by one of the same length.
    pub(crate) fn replace_in_header(&mut self, from: &str, to: &str) {
        assert_eq!(from.len(), to.len());
        let header = self.header();
        let place = header.windows(from.len()).position(|part| part == from.as_bytes()).unwrap();
        header[place..place + to.len()].copy_from_slice(to.as_bytes());
    }

    /// Makes both checksums fit.
    pub(crate) fn repair(&mut self) {
        let salt_start = self.header_end() + 64;
        let body_crc = crc32c(&self.0[salt_start..]);
        self.0[8..12].copy_from_slice(&body_crc.to_le_bytes());
        let head_crc = crc32c_append(crc32c(&self.0[..4]), &self.0[8..salt_start]);
        self.0[4..8].copy_from_slice(&head_crc.to_le_bytes());
    }
}

impl Frame {
    pub(crate) fn of(records: Vec<Record>) -> Self {
        let mut frame = Self { records, group_offset: HEAD_BYTES as u32, crc: 0 };
        frame.repair();
        frame
    }

    /// Makes the checksum fit.
    pub(crate) fn repair(&mut self) {
        let len: usize = self.records.iter().map(|record| record.0.len()).sum();
        let mut crc = crc32c(&(len as u32).to_le_bytes());
        crc = crc32c_append(crc, &(self.records.len() as u32).to_le_bytes());
        crc = crc32c_append(crc, &self.group_offset.to_le_bytes());
        for record in &self.records {
            crc = crc32c_append(crc, &record.0[4..12]);
        }
        self.crc = crc;
    }

    fn to_bytes(&self) -> Vec<u8> {
        let records: Vec<u8> = self.records.iter().flat_map(|record| record.0.clone()).collect();
        let numbers =
            [records.len() as u32, self.records.len() as u32, self.crc, self.group_offset];
        numbers.iter().flat_map(|number| number.to_le_bytes()).chain(records).collect()
    }
}

impl Segment {
    fn read(path: PathBuf) -> Self {
        let bytes = fs::read(&path).unwrap();
        let mut frames = Vec::new();
        let mut offset = HEAD_BYTES;
        while offset + FRAME_HEAD_BYTES <= bytes.len() && u32_at(&bytes, offset) > 0 {
            let end = offset + FRAME_HEAD_BYTES + u32_at(&bytes, offset) as usize;
            let mut records = Vec::new();
            let mut start = offset + FRAME_HEAD_BYTES;
            while start < end {
                let next = start + u32_at(&bytes, start) as usize;
                records.push(Record(bytes[start..next].to_vec()));
                start = next;
            }
            frames.push(Frame {
                records,
                group_offset: u32_at(&bytes, offset + 12),
                crc: u32_at(&bytes, offset + 8),
            });
            offset = end;
        }
        Self { path, head: bytes[..HEAD_BYTES].to_vec(), frames, len: bytes.len() }
    }

    fn write(&self) {
        let mut bytes = self.head.clone();
        bytes.extend(self.frames.iter().flat_map(Frame::to_bytes));
        bytes.resize(bytes.len().max(self.len), 0);
        fs::write(&self.path, bytes).unwrap();
    }

    /// Bytes of the head and the frames.
    pub(crate) fn used_bytes(&self) -> usize {
        HEAD_BYTES + self.frames.iter().map(|frame| frame.to_bytes().len()).sum::<usize>()
    }
}

impl Tape {
    pub(crate) fn read(root: &Path) -> Self {
        Self { segments: super::common::log_files(root).into_iter().map(Segment::read).collect() }
    }

    pub(crate) fn write(&self) {
        self.segments.iter().for_each(Segment::write);
    }

    /// Where the event at a position is: segment and frame. Every frame here has one record.
    pub(crate) fn place(&self, position: u64) -> (usize, usize) {
        for (number, segment) in self.segments.iter().enumerate() {
            let is_it = |frame: &Frame| frame.records[0].position() == position;
            if let Some(frame) = segment.frames.iter().position(is_it) {
                return (number, frame);
            }
        }
        panic!("no event at position {position}");
    }

    pub(crate) fn frame(&mut self, position: u64) -> &mut Frame {
        let (segment, frame) = self.place(position);
        &mut self.segments[segment].frames[frame]
    }

    pub(crate) fn record(&mut self, position: u64) -> &mut Record {
        &mut self.frame(position).records[0]
    }

    /// Changes a record and makes all checksums fit.
    pub(crate) fn forge(&mut self, position: u64, change: impl FnOnce(&mut Record)) {
        let frame = self.frame(position);
        change(&mut frame.records[0]);
        frame.records[0].repair();
        frame.repair();
    }

    pub(crate) fn remove(&mut self, position: u64) -> Frame {
        let (segment, frame) = self.place(position);
        self.segments[segment].frames.remove(frame)
    }
}
