//! Reads a segment file from front to back in large pieces.

use std::io;

use crate::local::disk::{DiskFile, in_memory};

const READ_BYTES: usize = 4 << 20;

/// The part of a file that is in memory.
#[derive(Debug)]
pub(super) struct Window<'a> {
    file: &'a dyn DiskFile,
    offset: u64,
    bytes: Vec<u8>,
}

impl<'a> Window<'a> {
    pub(super) fn new(file: &'a dyn DiskFile) -> Self {
        Self { file, offset: 0, bytes: Vec::new() }
    }

    /// Bytes at an offset; fewer only where the file ends.
    pub(super) fn at(&mut self, offset: u64, count: usize) -> io::Result<&[u8]> {
        let end = self.offset + self.bytes.len() as u64;
        if offset < self.offset || offset + count as u64 > end {
            self.load(offset, count)?;
        }
        let start = in_memory(offset - self.offset);
        let end = self.bytes.len().min(start + count);
        Ok(self.bytes.get(start..end).unwrap_or_default())
    }

    fn load(&mut self, offset: u64, count: usize) -> io::Result<()> {
        let left = in_memory(self.file.len()?.saturating_sub(offset));
        self.bytes.resize(count.max(READ_BYTES).min(left), 0);
        self.offset = offset;
        let mut filled = 0;
        while filled < self.bytes.len() {
            match self.file.read_at(&mut self.bytes[filled..], offset + filled as u64)? {
                0 => break,
                read => filled += read,
            }
        }
        self.bytes.truncate(filled);
        Ok(())
    }
}
