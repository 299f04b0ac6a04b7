//! The Merkle tree of RFC 6962 (section 2.1): hashes, roots, proofs and their verification.
//!
//! Leaves come as leaf hashes; what the leaf data of a position is, the log decides. It stores no
//! tree and reads no tiles. INVARIANT (domain separation): a leaf is hashed behind 0x00 and a node
//! behind 0x01, so that no node can be shown as a leaf.

use crate::hash::{Digest, sha256};

/// The hash of a leaf's data.
pub fn leaf_hash(data: &[u8]) -> Digest {
    sha256(&[&[0x00], data])
}

/// The hash of two subtrees.
pub fn node_hash(left: &Digest, right: &Digest) -> Digest {
    let mut input = [0x01; 65];
    input[1..33].copy_from_slice(left.as_bytes());
    input[33..].copy_from_slice(right.as_bytes());
    sha256(&[&input])
}

/// The root over leaf hashes. The empty tree's is the hash of nothing.
pub fn root(leaf_hashes: &[Digest]) -> Digest {
    let mut frontier = Frontier::new();
    for leaf in leaf_hashes {
        frontier.append(*leaf);
    }
    frontier.root()
}

/// The path from a leaf to the root, nearest node first. `None` if there is no such leaf.
pub fn inclusion_path(leaf_hashes: &[Digest], leaf_index: usize) -> Option<Vec<Digest>> {
    if leaf_index >= leaf_hashes.len() {
        return None;
    }
    let (mut subtree, mut index) = (leaf_hashes, leaf_index);
    let mut path = Vec::new();
    while subtree.len() > 1 {
        let (left, right) = subtree.split_at(left_size(subtree.len()));
        if index < left.len() {
            path.push(root(right));
            subtree = left;
        } else {
            path.push(root(left));
            index -= left.len();
            subtree = right;
        }
    }
    path.reverse();
    Some(path)
}

/// The proof that the tree over the first `old_size` leaves is a prefix of the tree over all.
///
/// `None` if `old_size` is 0, where there is nothing to prove, or beyond the tree. Empty if both
/// are the same tree.
pub fn consistency_path(leaf_hashes: &[Digest], old_size: usize) -> Option<Vec<Digest>> {
    if old_size == 0 || old_size > leaf_hashes.len() {
        return None;
    }
    let (mut subtree, mut size) = (leaf_hashes, old_size);
    let mut path = Vec::new();
    // The verifier knows the old root, so a subtree that is the whole old tree is left out.
    let mut is_whole_old_tree = true;
    while size < subtree.len() {
        let (left, right) = subtree.split_at(left_size(subtree.len()));
        if size <= left.len() {
            path.push(root(right));
            subtree = left;
        } else {
            path.push(root(left));
            size -= left.len();
            subtree = right;
            is_whole_old_tree = false;
        }
    }
    if !is_whole_old_tree {
        path.push(root(subtree));
    }
    path.reverse();
    Some(path)
}

/// The largest power of two below `size`, which is at least 2.
fn left_size(size: usize) -> usize {
    1 << (size - 1).ilog2()
}

/// That a leaf is in a tree, as a claim to be verified.
#[derive(Clone, Copy, Debug)]
pub struct InclusionProof<'a> {
    /// The leaf's index from 0.
    pub leaf_index: u64,
    /// Leaves of the tree.
    pub size: u64,
    /// From the leaf's sibling up.
    pub path: &'a [Digest],
}

/// That one tree is a prefix of another, as a claim to be verified.
#[derive(Clone, Copy, Debug)]
pub struct ConsistencyProof<'a> {
    /// Leaves of the smaller tree.
    pub old_size: u64,
    /// Leaves of the larger tree.
    pub new_size: u64,
    /// As `consistency_path` gives it.
    pub path: &'a [Digest],
}

/// Why a proof does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The leaf lies beyond the tree.
    #[error("leaf {leaf_index} is not in a tree of {size}")]
    LeafOutsideTree {
        /// The leaf's index from 0.
        leaf_index: u64,
        /// Leaves of the tree.
        size: u64,
    },
    /// The sizes are not those of a tree and a prefix of it; an empty one proves nothing.
    #[error("a tree of {old_size} is no prefix of a tree of {new_size}")]
    SizesOutOfOrder {
        /// Leaves of the smaller tree.
        old_size: u64,
        /// Leaves of the larger tree.
        new_size: u64,
    },
    /// The path has too few or too many nodes for the sizes.
    #[error("a path of {node_count} nodes does not fit the sizes")]
    PathLength {
        /// Nodes of the path.
        node_count: usize,
    },
    /// The path leads to another root of the only or larger tree.
    #[error("the path leads to another root")]
    RootMismatch,
    /// The path leads to another root of the smaller tree.
    #[error("the path leads to another root of the smaller tree")]
    OldRootMismatch,
}

/// Checks that a leaf is in the tree with this root (RFC 9162, section 2.1.3.2).
pub fn verify_inclusion(
    proof: &InclusionProof<'_>,
    leaf_hash: &Digest,
    root: &Digest,
) -> Result<(), ProofError> {
    let InclusionProof { leaf_index, size, path } = *proof;
    if leaf_index >= size {
        return Err(ProofError::LeafOutsideTree { leaf_index, size });
    }
    let mut climb = Climb { node: leaf_index, last: size - 1 };
    let mut hash = *leaf_hash;
    for sibling in path {
        hash = match climb.step(path.len())? {
            Side::Left => node_hash(sibling, &hash),
            Side::Right => node_hash(&hash, sibling),
        };
    }
    climb.end(path.len())?;
    if hash == *root { Ok(()) } else { Err(ProofError::RootMismatch) }
}

/// Checks that the tree with the old root is a prefix of the tree with the new root (RFC 9162,
/// section 2.1.4.2).
pub fn verify_consistency(
    proof: &ConsistencyProof<'_>,
    old_root: &Digest,
    new_root: &Digest,
) -> Result<(), ProofError> {
    let ConsistencyProof { old_size, new_size, path } = *proof;
    if old_size == 0 || old_size > new_size {
        return Err(ProofError::SizesOutOfOrder { old_size, new_size });
    }
    let wrong_length = ProofError::PathLength { node_count: path.len() };
    if old_size == new_size {
        if !path.is_empty() {
            return Err(wrong_length);
        }
        return if old_root == new_root { Ok(()) } else { Err(ProofError::RootMismatch) };
    }
    let (start, rest) = if old_size.is_power_of_two() {
        (old_root, path)
    } else {
        path.split_first().ok_or(wrong_length)?
    };
    let complete_levels = (old_size - 1).trailing_ones();
    let mut climb =
        Climb { node: (old_size - 1) >> complete_levels, last: (new_size - 1) >> complete_levels };
    let (mut old_hash, mut new_hash) = (*start, *start);
    for sibling in rest {
        match climb.step(path.len())? {
            Side::Left => {
                old_hash = node_hash(sibling, &old_hash);
                new_hash = node_hash(sibling, &new_hash);
            }
            Side::Right => new_hash = node_hash(&new_hash, sibling),
        }
    }
    climb.end(path.len())?;
    if old_hash != *old_root {
        return Err(ProofError::OldRootMismatch);
    }
    if new_hash == *new_root { Ok(()) } else { Err(ProofError::RootMismatch) }
}

/// The way from a node to the root: both numbers count nodes of the current level from 0.
#[derive(Debug)]
struct Climb {
    node: u64,
    last: u64,
}

/// Where a sibling stands.
#[derive(Clone, Copy, Debug)]
enum Side {
    Left,
    Right,
}

impl Climb {
    /// Goes up to the next level on which the node has a sibling, and one further.
    fn step(&mut self, node_count: usize) -> Result<Side, ProofError> {
        if self.last == 0 {
            return Err(ProofError::PathLength { node_count });
        }
        if self.node & 1 == 0 && self.node != self.last {
            self.up(1);
            return Ok(Side::Right);
        }
        // The last node of a level may have no sibling for some levels: it moves up as it is.
        self.up(self.node.trailing_zeros());
        self.up(1);
        Ok(Side::Left)
    }

    fn up(&mut self, level_count: u32) {
        self.node >>= level_count;
        self.last >>= level_count;
    }

    fn end(&self, node_count: usize) -> Result<(), ProofError> {
        if self.last == 0 { Ok(()) } else { Err(ProofError::PathLength { node_count }) }
    }
}

/// A growing tree by the roots of its complete subtrees: appends and roots in O(log n).
///
/// INVARIANT (one peak a bit): `peaks` holds one digest for each set bit of `size`, largest
/// subtree first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    peaks: Vec<Digest>,
}

impl Frontier {
    /// The empty tree.
    pub fn new() -> Self {
        Self::default()
    }

    /// A tree from what `size` and `peaks` gave. `None` unless there is one peak a set bit.
    pub fn from_peaks(size: u64, peaks: Vec<Digest>) -> Option<Self> {
        (peaks.len() == size.count_ones() as usize).then_some(Frontier { size, peaks })
    }

    /// Leaves appended.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Roots of the complete subtrees, largest first: what a tree is resumed from.
    pub fn peaks(&self) -> &[Digest] {
        &self.peaks
    }

    /// Adds a leaf at the end.
    pub fn append(&mut self, leaf_hash: Digest) {
        let mut subtree = leaf_hash;
        for _ in 0..self.size.trailing_ones() {
            // One peak a bit: every trailing one has its peak.
            if let Some(left) = self.peaks.pop() {
                subtree = node_hash(&left, &subtree);
            }
        }
        self.peaks.push(subtree);
        self.size += 1;
    }

    /// The root over all leaves appended.
    pub fn root(&self) -> Digest {
        let mut smallest_first = self.peaks.iter().rev();
        let Some(smallest) = smallest_first.next() else {
            return sha256(&[]);
        };
        smallest_first.fold(*smallest, |right, left| node_hash(left, &right))
    }
}
