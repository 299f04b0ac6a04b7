//! Proofs and tiles, read from the tree's rows.
//!
//! INVARIANT (durable only): nothing is proved about an event that is not durable.

use annals_core::hash::Digest;
use annals_core::id::Position;
use annals_core::merkle::leaf_hash;
use annals_core::tiles::{self, TilePath};
use annals_store::contract::ReadFailure;

use super::{Trust, TrustFailure};

/// That an event is in the tree of a size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inclusion {
    /// The event.
    pub position: Position,
    /// The tree's size.
    pub size: u64,
    /// The leaf hash of the event's hash.
    pub leaf_hash: Digest,
    /// The tree's root.
    pub root: Digest,
    /// From the leaf's sibling up.
    pub path: Vec<Digest>,
}

/// That the tree of one size is a prefix of the tree of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consistency {
    /// The smaller size.
    pub from: u64,
    /// The larger size.
    pub to: u64,
    /// The root at the smaller size.
    pub from_root: Digest,
    /// The root at the larger size.
    pub to_root: Digest,
    /// As RFC 6962 has it; empty where the smaller tree is empty or both are the same.
    pub path: Vec<Digest>,
}

/// Why there is no proof.
#[derive(Debug, thiserror::Error)]
pub enum ProofRefusal {
    /// The log has no event at the position, or not within the size.
    #[error("position {position} is not within the first {size} events")]
    NoSuchPosition {
        /// The position.
        position: Position,
        /// The tree's size.
        size: u64,
    },
    /// The log is shorter.
    #[error("the log has {head_size} events, not {size}")]
    BeyondHead {
        /// The size that was asked for.
        size: u64,
        /// Events that are durable.
        head_size: u64,
    },
    /// The sizes are not in order.
    #[error("a tree of {from} events is no prefix of a tree of {to}")]
    SizesOutOfOrder {
        /// The size that should be the smaller one.
        from: u64,
        /// The size that should be the larger one.
        to: u64,
    },
    /// The tree cannot be read.
    #[error(transparent)]
    Failed(#[from] TrustFailure),
}

impl From<ReadFailure> for ProofRefusal {
    fn from(failure: ReadFailure) -> Self {
        Self::Failed(failure.into())
    }
}

impl Trust {
    /// The root over the first `size` events.
    ///
    /// # Errors
    /// When the log is shorter or the tree cannot be read.
    pub fn root_at(&self, size: u64) -> Result<Digest, ProofRefusal> {
        self.within_head(size)?;
        Ok(self.tree_root(size)?)
    }

    /// Proves that an event is in the tree of a size, or of the newest checkpoint, which is
    /// signed anew where it does not cover the event.
    ///
    /// # Errors
    /// When there is no such event or size, or the tree cannot be read.
    pub fn inclusion(
        &self,
        position: Position,
        size: Option<u64>,
    ) -> Result<Inclusion, ProofRefusal> {
        let size = match size {
            Some(size) => size,
            None => self.covering_size(position)?,
        };
        self.within_head(size)?;
        let refusal = ProofRefusal::NoSuchPosition { position, size };
        let Some(leaf_index) = position.get().checked_sub(1).filter(|index| *index < size) else {
            return Err(refusal);
        };
        let path = tiles::inclusion_path_at(self.tree(), leaf_index, size)?;
        let event = self.reader.event_at(position)?;
        let (Some(path), Some(event)) = (path, event) else { return Err(refusal) };
        let root = self.tree_root(size)?;
        let leaf_hash = leaf_hash(event.event_hash().as_bytes());
        Ok(Inclusion { position, size, leaf_hash, root, path })
    }

    /// Proves that the first `from` events are a prefix of the first `to`.
    ///
    /// # Errors
    /// When the sizes are not in order or beyond the head, or the tree cannot be read.
    pub fn consistency(&self, from: u64, to: u64) -> Result<Consistency, ProofRefusal> {
        if from > to {
            return Err(ProofRefusal::SizesOutOfOrder { from, to });
        }
        self.within_head(to)?;
        // There is nothing to prove about an empty tree.
        let path = match from {
            0 => Vec::new(),
            _ => tiles::consistency_path_at(self.tree(), from, to)?
                .ok_or(ProofRefusal::SizesOutOfOrder { from, to })?,
        };
        let from_root = self.tree_root(from)?;
        let to_root = self.tree_root(to)?;
        Ok(Consistency { from, to, from_root, to_root, path })
    }

    /// A tile's hashes, one after the other; none where the tree does not fill it.
    ///
    /// # Errors
    /// When the tree cannot be read.
    pub fn tile(&self, path: TilePath) -> Result<Option<Vec<u8>>, TrustFailure> {
        let size = self.tree().grow()?;
        let available = tiles::row_len(path.level, size);
        let end = path.first_entry().and_then(|first| first.checked_add(u64::from(path.width)));
        let Some(first) = path.first_entry().filter(|_| end.is_some_and(|end| end <= available))
        else {
            return Ok(None);
        };
        let hashes = self.tree().rows(path.level, first, usize::from(path.width))?;
        Ok(Some(hashes.iter().flat_map(|hash| *hash.as_bytes()).collect()))
    }

    /// The size of a checkpoint that has the event.
    fn covering_size(&self, position: Position) -> Result<u64, ProofRefusal> {
        let head = self.reader.head().position;
        if position > head {
            return Err(ProofRefusal::NoSuchPosition { position, size: head.get() });
        }
        match self.latest().map(|newest| newest.checkpoint().size) {
            Some(size) if size >= position.get() => Ok(size),
            _ => Ok(self.checkpoint()?.checkpoint().size),
        }
    }

    fn within_head(&self, size: u64) -> Result<(), ProofRefusal> {
        let head_size = match self.tree().grown_to() {
            grown if grown >= size => grown,
            _ => self.tree().grow()?,
        };
        if size > head_size {
            return Err(ProofRefusal::BeyondHead { size, head_size });
        }
        Ok(())
    }
}
