//! Event hashes on their way from the writer to the tree.
//!
//! Owned by a lock that is held only while hashes are copied or handed over as a whole, so that an
//! append never waits for hashing. What is dropped here the tree reads from the log instead.

use std::sync::{Mutex, MutexGuard, PoisonError};

use annals_core::hash::Digest;

/// Hashes that wait until the writer does something about it: 8 MiB of them.
pub(super) const PENDING_COUNT_MAX: usize = 262_144;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct PendingLeaves(Mutex<Leaves>);

/// Event hashes of neighbouring leaves.
#[derive(Debug, Default)]
pub(super) struct Leaves {
    /// The leaf index of the first one, or of the next to come.
    pub(super) first: u64,
    pub(super) hashes: Vec<Digest>,
}

impl PendingLeaves {
    /// Says which leaf comes next; nothing waits.
    pub(super) fn start_at(&self, first: u64) {
        *self.lock() = Leaves { first, hashes: Vec::new() };
    }

    /// Adds the next leaves.
    pub(super) fn add(&self, hashes: impl Iterator<Item = Digest>) {
        self.lock().hashes.extend(hashes);
    }

    /// Where the waiting leaves begin, and how many there are.
    pub(super) fn span(&self) -> (u64, usize) {
        let leaves = self.lock();
        (leaves.first, leaves.hashes.len())
    }

    /// Takes what waits of the leaves before `end`.
    pub(super) fn take(&self, end: u64) -> Leaves {
        let mut leaves = self.lock();
        let first = leaves.first;
        let wanted = usize::try_from(end.saturating_sub(first)).unwrap_or(usize::MAX);
        let count = wanted.min(leaves.hashes.len());
        let rest = leaves.hashes.split_off(count);
        let hashes = std::mem::replace(&mut leaves.hashes, rest);
        leaves.first += count as u64;
        Leaves { first, hashes }
    }

    fn lock(&self) -> MutexGuard<'_, Leaves> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
