//! The tree as its tiles tell it, checked against a signed root.
//!
//! INVARIANT (checked before use): a leaf is given out only after its whole tile led to a hash
//! that is itself part of the signed root.

use annals_core::hash::Digest;
use annals_core::merkle::{Frontier, root};
use annals_core::tiles::TilePath;
use futures_util::{StreamExt as _, TryStreamExt as _};

use super::VerifyError;
use super::report::{LogFault, LogFaultKind};
use crate::client::Client;

/// Leaves of a tile.
const TILE_WIDTH: u64 = 256;
/// Tiles that are fetched at once.
const FETCHES_AT_ONCE: usize = 8;

/// The checked tree of one size.
#[derive(Debug)]
pub(super) struct TiledTree {
    client: Client,
    /// Roots of the full tiles of leaves.
    tile_roots: Vec<Digest>,
    /// The leaves behind the last full tile.
    rest: Vec<Digest>,
    /// The tile that was read last.
    current: Option<(u64, Vec<Digest>)>,
}

impl TiledTree {
    /// Fetches the roots of all tiles, and checks that they lead to the signed root.
    pub(super) async fn fetch(
        client: &Client,
        size: u64,
        signed_root: &Digest,
    ) -> Result<Self, VerifyError> {
        let tile_roots = row(client, 1, size / TILE_WIDTH).await?;
        let rest_width = size % TILE_WIDTH;
        let rest = match width(rest_width) {
            0 => Vec::new(),
            width => client.tile(TilePath { level: 0, index: size / TILE_WIDTH, width }).await?,
        };
        if root_of(&tile_roots, &rest) != Some(*signed_root) {
            let message = format!(
                "the tree of {size} leaves that the server shows does not have the root \
                 {signed_root} that its key has signed"
            );
            return Err(LogFault::of_log(LogFaultKind::TreeMismatch, message).into());
        }
        Ok(Self { client: client.clone(), tile_roots, rest, current: None })
    }

    /// The leaf of a position.
    pub(super) async fn leaf(&mut self, position: u64) -> Result<Digest, VerifyError> {
        let index = position.saturating_sub(1);
        let (tile, place) = (index / TILE_WIDTH, place(index));
        let found = if tile == self.tile_roots.len() as u64 {
            self.rest.get(place).copied()
        } else {
            if self.current.as_ref().is_none_or(|(current, _)| *current != tile) {
                self.current = Some((tile, self.checked_tile(tile).await?));
            }
            self.current.as_ref().and_then(|(_, leaves)| leaves.get(place).copied())
        };
        found.ok_or_else(|| VerifyError::beyond(position))
    }

    /// Checks every leaf.
    pub(super) async fn check_leaves(
        &self,
        mut progress: impl FnMut(u64),
    ) -> Result<u64, VerifyError> {
        let tiles = futures_util::stream::iter(0..self.tile_roots.len() as u64);
        let mut checked = tiles.map(|tile| self.checked_tile(tile)).buffered(FETCHES_AT_ONCE);
        let mut leaf_count = self.rest.len() as u64;
        while let Some(leaves) = checked.try_next().await? {
            leaf_count += leaves.len() as u64;
            progress(leaf_count);
        }
        Ok(leaf_count)
    }

    async fn checked_tile(&self, tile: u64) -> Result<Vec<Digest>, VerifyError> {
        let expected = usize::try_from(tile).ok().and_then(|tile| self.tile_roots.get(tile));
        let leaves = self.client.tile(TilePath { level: 0, index: tile, width: 256 }).await?;
        if expected != Some(&root(&leaves)) {
            let first = tile * TILE_WIDTH + 1;
            let message = format!(
                "the leaves of positions {first} to {} are not those of the signed tree",
                first + TILE_WIDTH - 1
            );
            let fault = LogFault::of_log(LogFaultKind::TreeMismatch, message);
            return Err(LogFault { position: Some(first), ..fault }.into());
        }
        Ok(leaves)
    }
}

/// The first `count` hashes of a row.
async fn row(client: &Client, level: u8, count: u64) -> Result<Vec<Digest>, VerifyError> {
    let tiles = futures_util::stream::iter(0..count.div_ceil(TILE_WIDTH));
    let fetched = tiles.map(|index| {
        let width = width((count - index * TILE_WIDTH).min(TILE_WIDTH));
        client.tile(TilePath { level, index, width })
    });
    let rows: Vec<Vec<Digest>> = fetched.buffered(FETCHES_AT_ONCE).try_collect().await?;
    Ok(rows.concat())
}

/// The root over full tiles of leaves and the leaves behind them.
fn root_of(tile_roots: &[Digest], rest: &[Digest]) -> Option<Digest> {
    let mut tiles = Frontier::new();
    for tile_root in tile_roots {
        tiles.append(*tile_root);
    }
    // A subtree of 256 leaves is one peak, whichever level one counts from.
    let mut leaves = Frontier::from_peaks(tiles.size() * TILE_WIDTH, tiles.peaks().to_vec())?;
    for leaf in rest {
        leaves.append(*leaf);
    }
    Some(leaves.root())
}

fn width(count: u64) -> u16 {
    u16::try_from(count).unwrap_or(u16::MAX)
}

fn place(index: u64) -> usize {
    usize::try_from(index % TILE_WIDTH).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use annals_core::merkle::leaf_hash;

    use super::*;

    #[test]
    fn tiles_and_the_leaves_behind_them_have_the_root_of_all_leaves() {
        let leaves: Vec<Digest> =
            (0..1_000_u32).map(|number| leaf_hash(&number.to_le_bytes())).collect();
        for size in [0, 1, 255, 256, 257, 511, 512, 700, 768, 1_000] {
            let (full, rest) = leaves[..size].split_at(size / 256 * 256);
            let tile_roots: Vec<Digest> = full.chunks(256).map(root).collect();
            assert_eq!(root_of(&tile_roots, rest), Some(root(&leaves[..size])), "{size}");
        }
    }
}
