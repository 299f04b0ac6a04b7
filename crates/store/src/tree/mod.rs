//! The Merkle tree over the log as rows of hashes, grown from the end and kept beside the log.
//!
//! Knows no segments and no records: events reach it as their hashes, the newest ones from the
//! writer and all others through [`LeafSource`]. Roots and proofs are made in
//! `annals_core::tiles`. The files are described in `docs/formats/tree.md`.

mod edge;
pub(crate) mod plain;

mod files;
mod grown;
mod kept;
mod pending;
mod tiles;

#[cfg(test)]
mod tests;

use annals_core::hash::Digest;

use crate::contract::ReadFailure;

pub(crate) use grown::GrownTree;
pub(crate) use kept::KeptTree;

/// The log as the tree sees it.
pub(crate) trait LeafSource {
    /// Leaves that the tree may have: the durable head.
    fn durable_size(&self) -> u64;

    /// Shows the event hashes of leaves `first..last`, all of them durable, in order.
    fn event_hashes(
        &self,
        first: u64,
        last: u64,
        found: &mut dyn FnMut(Digest),
    ) -> Result<(), ReadFailure>;
}
