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

/// Hashes of a block. Blocks are filled one after the other, so that no hash moves on its way.
const BLOCK_COUNT: usize = 2_048;

/// Event hashes of neighbouring leaves.
#[derive(Debug, Default)]
pub(super) struct Leaves {
    /// The leaf index of the first one, or of the next to come.
    pub(super) first: u64,
    count: usize,
    blocks: Vec<Vec<Digest>>,
}

impl Leaves {
    /// The hashes in order.
    pub(super) fn hashes(&self) -> impl Iterator<Item = &Digest> {
        self.blocks.iter().flatten()
    }

    fn push(&mut self, hash: Digest) {
        match self.blocks.last_mut() {
            Some(last) if last.len() < last.capacity() => last.push(hash),
            _ => {
                let mut block = Vec::with_capacity(BLOCK_COUNT);
                block.push(hash);
                self.blocks.push(block);
            }
        }
        self.count += 1;
    }

    /// Takes the first `count` away.
    fn split_to(&mut self, count: usize) -> Self {
        let mut taken = Self { first: self.first, count, blocks: Vec::new() };
        let mut missing = count;
        let whole = self.blocks.iter().take_while(|block| {
            let is_wanted = block.len() <= missing;
            missing -= if is_wanted { block.len() } else { 0 };
            is_wanted
        });
        let whole = whole.count();
        taken.blocks.extend(self.blocks.drain(..whole));
        if let Some(cut) = self.blocks.first_mut().filter(|_| missing > 0) {
            taken.blocks.push(cut.drain(..missing).collect());
        }
        self.first += count as u64;
        self.count -= count;
        taken
    }
}

impl PendingLeaves {
    /// Says which leaf comes next; nothing waits.
    pub(super) fn start_at(&self, first: u64) {
        *self.lock() = Leaves { first, ..Leaves::default() };
    }

    /// Adds the next leaves.
    pub(super) fn add(&self, hashes: impl Iterator<Item = Digest>) {
        let mut leaves = self.lock();
        hashes.for_each(|hash| leaves.push(hash));
    }

    /// Where the waiting leaves begin, and how many there are.
    pub(super) fn span(&self) -> (u64, usize) {
        let leaves = self.lock();
        (leaves.first, leaves.count)
    }

    /// Takes what waits of the leaves before `end`.
    pub(super) fn take(&self, end: u64) -> Leaves {
        let mut leaves = self.lock();
        let wanted = usize::try_from(end.saturating_sub(leaves.first)).unwrap_or(usize::MAX);
        let count = wanted.min(leaves.count);
        leaves.split_to(count)
    }

    fn lock(&self) -> MutexGuard<'_, Leaves> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_come_out_in_order_however_they_are_taken() {
        let hash = |number: u64| {
            let mut bytes = [0; 32];
            bytes[..8].copy_from_slice(&number.to_le_bytes());
            Digest::new(bytes)
        };
        let block = BLOCK_COUNT as u64;
        for cuts in
            [vec![], vec![0, 1, 1, block], vec![block, block + 1], vec![2 * block, 3 * block - 1]]
        {
            let pending = PendingLeaves::default();
            pending.start_at(7);
            pending.add((0..block / 2).map(hash));
            pending.add((block / 2..3 * block + 5).map(hash));
            let mut next = 0;
            for end in cuts.into_iter().chain([u64::MAX - 7]) {
                let taken = pending.take(7 + end);
                assert_eq!(taken.first, 7 + next);
                for found in taken.hashes() {
                    assert_eq!(*found, hash(next));
                    next += 1;
                }
                assert_eq!(
                    pending.span(),
                    (7 + next, usize::try_from(3 * block + 5 - next).unwrap())
                );
            }
            assert_eq!(next, 3 * block + 5);
        }
    }
}
