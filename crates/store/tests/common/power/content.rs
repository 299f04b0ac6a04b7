//! The bytes of one simulated file: sectors that were written, zeros elsewhere.
//!
//! Knows nothing of durability: a file has one content that reads see and one that survives.

use super::Chance;

pub const SECTOR_BYTES: usize = 512;

/// A change of a file that was not synced.
#[derive(Debug, Clone)]
pub enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    SetLen(usize),
}

/// How the unsynced changes of a file meet the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Nothing reaches the disk.
    Lost,
    /// Everything does, unsynced as it is.
    Kept,
    /// The changes up to a byte in the middle of one of them.
    Torn,
    /// Each sector of each change has its own luck: a later one may be there without an earlier.
    Scattered,
}

impl Fate {
    pub fn by(chance: &mut Chance) -> Self {
        [Self::Lost, Self::Kept, Self::Torn, Self::Scattered][chance.below(4) as usize]
    }
}

#[derive(Debug, Clone, Default)]
pub struct Content {
    len: usize,
    sectors: Vec<Option<Box<[u8; SECTOR_BYTES]>>>,
}

impl Content {
    pub fn len(&self) -> usize {
        self.len
    }

    /// Fills the buffer as far as the file goes, and says how far that is.
    pub fn read(&self, buffer: &mut [u8], offset: usize) -> usize {
        let count = buffer.len().min(self.len.saturating_sub(offset));
        let mut done = 0;
        while done < count {
            let (sector, start) = split(offset + done);
            let part = (SECTOR_BYTES - start).min(count - done);
            let target = &mut buffer[done..done + part];
            match self.sectors.get(sector) {
                Some(Some(bytes)) => target.copy_from_slice(&bytes[start..start + part]),
                _ => target.fill(0),
            }
            done += part;
        }
        count
    }

    /// All bytes that were written, as text as far as they are that.
    pub fn text(&self) -> String {
        let written = self.sectors.iter().flatten().flat_map(|sector| sector.iter().copied());
        written.map(|byte| if byte.is_ascii() { char::from(byte) } else { '?' }).collect()
    }

    pub fn apply(&mut self, change: &Change) {
        match change {
            Change::SetLen(len) => self.set_len(*len),
            Change::Write { offset, bytes } => self.write(bytes, *offset),
        }
    }

    fn write(&mut self, bytes: &[u8], offset: usize) {
        self.len = self.len.max(offset + bytes.len());
        let mut done = 0;
        while done < bytes.len() {
            let (sector, start) = split(offset + done);
            let part = (SECTOR_BYTES - start).min(bytes.len() - done);
            self.write_in_sector(sector, start, &bytes[done..done + part]);
            done += part;
        }
    }

    fn write_in_sector(&mut self, sector: usize, start: usize, bytes: &[u8]) {
        if self.sectors.len() <= sector {
            if bytes.iter().all(|byte| *byte == 0) {
                return;
            }
            self.sectors.resize_with(sector + 1, || None);
        }
        let place = &mut self.sectors[sector];
        if place.is_some() || bytes.iter().any(|byte| *byte != 0) {
            let sector = place.get_or_insert_with(|| Box::new([0; SECTOR_BYTES]));
            sector[start..start + bytes.len()].copy_from_slice(bytes);
        }
    }

    fn set_len(&mut self, len: usize) {
        if len < self.len {
            let (sector, start) = split(len);
            self.sectors.truncate(sector + 1);
            if let Some(Some(last)) = self.sectors.get_mut(sector) {
                last[start..].fill(0);
            }
        }
        self.len = len;
    }

    /// Flips a bit.
    pub fn flip(&mut self, offset: usize, bit: u8) {
        let mut byte = [0];
        if self.read(&mut byte, offset) == 1 {
            self.write(&[byte[0] ^ 1 << bit], offset);
        }
    }

    /// What the disk made of changes that were not synced.
    pub fn survive(&mut self, changes: &[Change], fate: Fate, chance: &mut Chance) {
        match fate {
            Fate::Lost => {}
            Fate::Kept => changes.iter().for_each(|change| self.apply(change)),
            Fate::Torn => self.tear(changes, chance),
            Fate::Scattered => changes.iter().for_each(|change| self.scatter(change, chance)),
        }
    }

    fn tear(&mut self, changes: &[Change], chance: &mut Chance) {
        let whole = chance.below(changes.len() as u64 + 1) as usize;
        changes[..whole].iter().for_each(|change| self.apply(change));
        if let Some(Change::Write { offset, bytes }) = changes.get(whole) {
            let end = chance.below(bytes.len() as u64 + 1) as usize;
            self.write(&bytes[..end], *offset);
        }
    }

    fn scatter(&mut self, change: &Change, chance: &mut Chance) {
        match change {
            Change::SetLen(_) => {
                if chance.one_in(2) {
                    self.apply(change);
                }
            }
            Change::Write { offset, bytes } => {
                let mut start = 0;
                while start < bytes.len() {
                    let in_sector = SECTOR_BYTES - (offset + start) % SECTOR_BYTES;
                    let end = bytes.len().min(start + in_sector);
                    if chance.one_in(2) {
                        self.write(&bytes[start..end], offset + start);
                    }
                    start = end;
                }
            }
        }
    }
}

fn split(offset: usize) -> (usize, usize) {
    (offset / SECTOR_BYTES, offset % SECTOR_BYTES)
}
