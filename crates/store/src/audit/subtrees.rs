//! Parts of the Merkle tree over neighbouring leaves, made apart and put together in order.

use annals_core::hash::{Digest, sha256};
use annals_core::merkle::node_hash;

/// The largest whole subtrees over the leaves `start..end`, in order.
#[derive(Debug, Clone, Default)]
pub(super) struct Subtrees {
    start: u64,
    end: u64,
    roots: Vec<(u32, Digest)>,
}

impl Subtrees {
    pub(super) fn starting_at(start: u64) -> Self {
        Self { start, end: start, roots: Vec::new() }
    }

    /// The first leaf behind.
    pub(super) fn end(&self) -> u64 {
        self.end
    }

    /// Adds the subtree of the next 2^height leaves, whose first is at a multiple of that.
    pub(super) fn push(&mut self, height: u32, root: Digest) {
        self.end += 1 << height;
        let (mut height, mut root) = (height, root);
        while let Some((_, left)) = self.roots.pop_if(|(left, _)| {
            // Two of one height are halves of one only if the left one is where a half can be.
            *left == height && (self.end >> height).is_multiple_of(2)
        }) {
            root = node_hash(&left, &root);
            height += 1;
        }
        self.roots.push((height, root));
    }

    /// Adds the neighbouring part behind this one.
    pub(super) fn append(&mut self, next: &Self) {
        for (height, root) in &next.roots {
            self.push(*height, *root);
        }
    }

    /// The root of the tree, for a part that starts with the first leaf.
    pub(super) fn root(&self) -> Option<Digest> {
        if self.start > 0 {
            return None;
        }
        let mut smallest_first = self.roots.iter().rev().map(|(_, root)| root);
        let Some(smallest) = smallest_first.next() else { return Some(sha256(&[])) };
        Some(smallest_first.fold(*smallest, |right, left| node_hash(left, &right)))
    }

    /// The tree of the first `size` leaves from the roots of its whole subtrees, largest first.
    pub(super) fn of_peaks(size: u64, peaks: Vec<Digest>) -> Self {
        let heights = (0..64).rev().filter(|height| size >> height & 1 == 1);
        Self { start: 0, end: size, roots: heights.zip(peaks).collect() }
    }
}

#[cfg(test)]
mod tests {
    use annals_core::merkle::{self, leaf_hash};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn parts_put_together_have_the_root_of_the_whole(
            cuts in prop::collection::vec(0_usize..70, 0..8),
        ) {
            let mut tree = Subtrees::default();
            let mut leaves = Vec::new();
            for cut in cuts {
                let mut part = Subtrees::starting_at(leaves.len() as u64);
                for _ in 0..cut {
                    let leaf = leaf_hash(&leaves.len().to_le_bytes());
                    part.push(0, leaf);
                    leaves.push(leaf);
                }
                tree.append(&part);
                prop_assert_eq!(tree.end(), leaves.len() as u64);
                prop_assert_eq!(tree.root(), Some(merkle::root(&leaves)));
            }
        }
    }
}
