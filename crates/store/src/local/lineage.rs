//! Which log's identity each position carries, after restores.
//!
//! A restored log has a new identity, while the events that it was restored with keep the one
//! under which they were hashed. Nothing here knows what a restore is made of.
//!
//! INVARIANT (one owner): every position has exactly one owner, and no segment has positions of
//! two: the last segment of a parent is never appended to.

use std::io;

use annals_core::id::{LogId, Position};

use super::OpenError;
use super::directory::{Directory, SmallFileFault, read_list, write_list};
use super::disk::Disk;
use crate::contract::Ancestor;

const MAGIC: &[u8; 8] = b"ANNALSLI";

/// The identities of a log's positions.
#[derive(Debug, Clone)]
pub(crate) struct Lineage {
    ancestors: Vec<Ancestor>,
    own: LogId,
}

impl Lineage {
    pub(crate) fn new(ancestors: Vec<Ancestor>, own: LogId) -> Self {
        Self { ancestors, own }
    }

    /// Reads the ancestors of the log `own`; most logs have none.
    pub(crate) fn read(
        disk: &dyn Disk,
        directory: &Directory,
        own: LogId,
    ) -> Result<Self, SmallFileFault> {
        let entries = read_list::<24>(disk, &directory.lineage(), MAGIC)?.unwrap_or_default();
        let ancestors: Vec<Ancestor> = entries.iter().map(ancestor).collect();
        match ancestors.is_sorted_by_key(|ancestor| ancestor.last_position) {
            true => Ok(Self { ancestors: owners(ancestors), own }),
            false => Err(SmallFileFault::Damaged("its positions are out of order")),
        }
    }

    /// As [`Self::read`], for a start.
    pub(crate) fn open(
        disk: &dyn Disk,
        directory: &Directory,
        own: LogId,
    ) -> Result<Self, OpenError> {
        Self::read(disk, directory, own)
            .map_err(|fault| OpenError::small(directory.lineage(), fault))
    }

    /// Keeps the ancestors.
    pub(crate) fn write(&self, disk: &dyn Disk, directory: &Directory) -> io::Result<()> {
        let entries: Vec<[u8; 24]> = self.ancestors.iter().map(entry).collect();
        write_list(disk, &directory.lineage(), MAGIC, &entries)
    }

    /// The log's own identity.
    pub(crate) fn own(&self) -> LogId {
        self.own
    }

    pub(crate) fn ancestors(&self) -> &[Ancestor] {
        &self.ancestors
    }

    /// The log that an event at this position carries in its header.
    pub(crate) fn owner(&self, position: Position) -> LogId {
        let mut ancestors = self.ancestors.iter();
        let owner = ancestors.find(|ancestor| position <= ancestor.last_position);
        owner.map_or(self.own, |ancestor| ancestor.log_id)
    }

    /// The last position that the log was restored with; 0 for a log that never was.
    pub(crate) fn inherited_to(&self) -> Position {
        self.ancestors.last().map_or(Position(0), |ancestor| ancestor.last_position)
    }

    /// The lineage of a log that is restored from this one, which ends at `last_position`.
    pub(crate) fn child(&self, last_position: Position, own: LogId) -> Self {
        let mut ancestors = self.ancestors.clone();
        ancestors.push(Ancestor { log_id: self.own, last_position });
        Self { ancestors: owners(ancestors), own }
    }
}

/// Leaves out the logs that own no position: they were restored, and restored from before they
/// had an event of their own.
fn owners(mut ancestors: Vec<Ancestor>) -> Vec<Ancestor> {
    ancestors.dedup_by_key(|ancestor| ancestor.last_position);
    ancestors
}

fn entry(ancestor: &Ancestor) -> [u8; 24] {
    let mut entry = [0; 24];
    entry[..16].copy_from_slice(ancestor.log_id.as_bytes());
    entry[16..].copy_from_slice(&ancestor.last_position.get().to_le_bytes());
    entry
}

fn ancestor(entry: &[u8; 24]) -> Ancestor {
    let (mut log_id, mut last) = ([0; 16], [0; 8]);
    log_id.copy_from_slice(&entry[..16]);
    last.copy_from_slice(&entry[16..]);
    Ancestor {
        log_id: LogId::from_bytes(log_id),
        last_position: Position(u64::from_le_bytes(last)),
    }
}
