//! Whole tiles of a grown tree, each checked against the row above before anybody gets it.
//!
//! INVARIANT (checked tiles): a tile is handed out, and kept in the cache, only when its root is
//! the entry that the row above has for it; at the top that entry is in the edge. A tile that is
//! not is made again from the rows below or the log's events.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use annals_core::hash::Digest;
use annals_core::tiles::TILE_WIDTH;

use super::LeafSource;
use super::edge::{Edge, TilePlace, tile_root, whole_tiles};
use super::files::TreeFiles;
use crate::contract::ReadFailure;

/// Tiles kept in memory: half a MiB.
const CACHED_TILE_COUNT: usize = 64;

type Tile = Arc<Vec<Digest>>;

/// Tiles of one tree that were checked not long ago. Owned by its lock.
#[derive(Debug, Default)]
pub(super) struct TileCache(Mutex<CachedTiles>);

#[derive(Debug, Default)]
struct CachedTiles {
    by_place: HashMap<(u8, u64), Tile>,
    oldest_first: VecDeque<(u8, u64)>,
}

impl TileCache {
    fn get(&self, place: TilePlace) -> Option<Tile> {
        let tiles = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tiles.by_place.get(&(place.level, place.index)).cloned()
    }

    fn put(&self, place: TilePlace, tile: &Tile) {
        let key = (place.level, place.index);
        let mut tiles = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if tiles.by_place.insert(key, Arc::clone(tile)).is_none() {
            tiles.oldest_first.push_back(key);
        }
        if tiles.oldest_first.len() > CACHED_TILE_COUNT
            && let Some(oldest) = tiles.oldest_first.pop_front()
        {
            tiles.by_place.remove(&oldest);
        }
    }
}

/// What a tile is read with.
#[derive(Clone, Copy)]
pub(super) struct TileReader<'a> {
    pub(super) files: &'a TreeFiles,
    pub(super) cache: &'a TileCache,
    pub(super) edge: &'a Edge,
    pub(super) source: &'a dyn LeafSource,
}

impl TileReader<'_> {
    /// Appends entries `first..last` of a row to `out`; the row has them all.
    pub(super) fn read(
        self,
        level: u8,
        first: u64,
        last: u64,
        out: &mut Vec<Digest>,
    ) -> Result<(), ReadFailure> {
        let width = u64::from(TILE_WIDTH);
        let mut next = first;
        while next < last {
            let place = TilePlace { level, index: next / width };
            let end = last.min((place.index + 1) * width);
            let inside =
                place_in_tile(next)..place_in_tile(next) + place_in_tile(end - next - 1) + 1;
            let entries = match place.index >= whole_tiles(level, self.edge.size()) {
                true => self.edge.entries(level).get(inside),
                false => {
                    let tile = self.tile(place)?;
                    out.extend_from_slice(tile.get(inside).unwrap_or_default());
                    next = end;
                    continue;
                }
            };
            out.extend_from_slice(entries.unwrap_or_default());
            next = end;
        }
        Ok(())
    }

    fn tile(self, place: TilePlace) -> Result<Tile, ReadFailure> {
        if let Some(tile) = self.cache.get(place) {
            return Ok(tile);
        }
        let mut root = Vec::with_capacity(1);
        self.read(place.level + 1, place.index, place.index + 1, &mut root)?;
        let Some(root) = root.first() else { return Err(self.files.damaged(place)) };
        let stored = self.files.read_tile(place).ok().flatten();
        let tile = match stored.filter(|entries| tile_root(entries) == *root) {
            Some(entries) => Arc::new(entries),
            None => Arc::new(self.mend(place, root)?),
        };
        self.cache.put(place, &tile);
        Ok(tile)
    }

    /// Makes a tile again whose root is known.
    fn mend(self, place: TilePlace, root: &Digest) -> Result<Vec<Digest>, ReadFailure> {
        let TilePlace { level, index } = place;
        tracing::warn!(level, index, "a tile of the tree is missing or damaged; making it again");
        let is_right = |entries: &Vec<Digest>| tile_root(entries) == *root;
        let entries = match self.tile_of_row_below(place).filter(is_right) {
            Some(entries) => entries,
            None => self.tile_of_events(place)?,
        };
        if !is_right(&entries) {
            return Err(self.files.damaged(place));
        }
        let bytes: Vec<u8> = entries.iter().flat_map(|entry| *entry.as_bytes()).collect();
        if let Err(error) = self.files.write_tiles(place, &bytes) {
            let error = &error as &dyn std::error::Error;
            tracing::debug!(error, "a tile of the tree was not written");
        }
        Ok(entries)
    }

    fn tile_of_row_below(self, place: TilePlace) -> Option<Vec<Digest>> {
        let level = place.level.checked_sub(1)?;
        let first = place.index * u64::from(TILE_WIDTH);
        let below = first..first + u64::from(TILE_WIDTH);
        let root = |index| {
            let entries = self.files.read_tile(TilePlace { level, index }).ok()??;
            Some(tile_root(&entries))
        };
        below.map(root).collect()
    }

    fn tile_of_events(self, place: TilePlace) -> Result<Vec<Digest>, ReadFailure> {
        let leaf_count = 1_u64 << (8 * (u32::from(place.level) + 1));
        let first = place.index * leaf_count;
        let mut edge = Edge::default();
        let mut entries = Vec::new();
        self.source.event_hashes(first, first + leaf_count, &mut |hash| {
            edge.append(&hash, &mut |filled, tile| {
                if filled.level == place.level {
                    entries = tile.to_vec();
                }
            });
        })?;
        Ok(entries)
    }
}

/// Where an entry is in its tile.
fn place_in_tile(entry: u64) -> usize {
    usize::try_from(entry % u64::from(TILE_WIDTH)).unwrap_or(0)
}
