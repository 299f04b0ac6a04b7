//! The growing right edge of a tree: what has not filled its tile yet, row by row.
//!
//! INVARIANT (edge): row L of a tree of `size` leaves has `size >> 8L` entries, and the edge holds
//! the last `(size >> 8L) mod 256` of them. All before are in whole tiles, and the root of the
//! tree follows from the edge alone.

use annals_core::hash::Digest;
use annals_core::merkle;
use annals_core::tiles::{ROW_COUNT_MAX, TILE_WIDTH, row_len};

const WIDTH: usize = TILE_WIDTH as usize;

/// See the module.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Edge {
    size: u64,
    levels: Vec<Vec<Digest>>,
}

/// Where a tile that has just been filled belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TilePlace {
    pub(crate) level: u8,
    pub(crate) index: u64,
}

impl Edge {
    /// Leaves in the tree.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// Adds the leaf of an event and shows the tiles that it fills.
    pub(crate) fn append(
        &mut self,
        event_hash: &Digest,
        filled: &mut dyn FnMut(TilePlace, &[Digest]),
    ) {
        self.size += 1;
        let mut entry = merkle::leaf_hash(event_hash.as_bytes());
        for level in 0..ROW_COUNT_MAX {
            if self.levels.len() == usize::from(level) {
                self.levels.push(Vec::with_capacity(WIDTH));
            }
            let entries = &mut self.levels[usize::from(level)];
            entries.push(entry);
            if entries.len() < WIDTH {
                return;
            }
            entry = tile_root(entries);
            filled(TilePlace { level, index: whole_tiles(level, self.size) - 1 }, entries);
            entries.clear();
        }
    }

    /// The entries of row `level` that are in no whole tile.
    pub(crate) fn entries(&self, level: u8) -> &[Digest] {
        self.levels.get(usize::from(level)).map_or(&[], Vec::as_slice)
    }

    /// All entries, row by row: with the size, what [`Self::resume`] takes.
    pub(crate) fn all_entries(&self) -> impl Iterator<Item = &Digest> {
        self.levels.iter().flatten()
    }

    /// How many entries an edge of a tree of `size` leaves has.
    pub(crate) fn entry_count(size: u64) -> usize {
        (0..ROW_COUNT_MAX).map(|level| rest_of_row(level, size)).sum()
    }

    /// An edge from what [`Self::all_entries`] gave; none unless there are exactly enough.
    pub(crate) fn resume(size: u64, entries: &[Digest]) -> Option<Self> {
        if entries.len() != Self::entry_count(size) {
            return None;
        }
        let mut rest = entries;
        let mut levels = Vec::new();
        for level in 0..ROW_COUNT_MAX {
            let (row, after) = rest.split_at(rest_of_row(level, size));
            levels.push(row.to_vec());
            rest = after;
        }
        Some(Self { size, levels })
    }
}

/// Whole tiles of row `level`.
pub(crate) fn whole_tiles(level: u8, size: u64) -> u64 {
    row_len(level, size) / u64::from(TILE_WIDTH)
}

/// The root of a whole tile, which is an entry of the row above.
pub(crate) fn tile_root(entries: &[Digest]) -> Digest {
    let mut nodes: Vec<Digest> = entries.to_vec();
    while nodes.len() > 1 {
        nodes = nodes.chunks_exact(2).map(|pair| merkle::node_hash(&pair[0], &pair[1])).collect();
    }
    nodes.first().copied().unwrap_or(Digest::ZERO)
}

fn rest_of_row(level: u8, size: u64) -> usize {
    usize::try_from(row_len(level, size) % u64::from(TILE_WIDTH)).unwrap_or(0)
}
