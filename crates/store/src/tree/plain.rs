//! Rows of a tree that are all in memory: the plain model of a grown tree.

use annals_core::hash::Digest;
use annals_core::merkle;
use annals_core::tiles::TILE_WIDTH;

/// The rows from the leaves up.
#[derive(Debug, Default)]
pub(crate) struct PlainRows(Vec<Vec<Digest>>);

impl PlainRows {
    /// Leaves in the tree.
    pub(crate) fn size(&self) -> u64 {
        self.0.first().map_or(0, |leaves| leaves.len() as u64)
    }

    /// Adds the leaf of an event.
    pub(crate) fn append(&mut self, event_hash: Digest) {
        let mut entry = Some(merkle::leaf_hash(event_hash.as_bytes()));
        let mut level = 0;
        while let Some(hash) = entry.take() {
            if self.0.len() == level {
                self.0.push(Vec::new());
            }
            let row = &mut self.0[level];
            row.push(hash);
            let width = usize::from(TILE_WIDTH);
            if row.len().is_multiple_of(width) {
                entry = Some(merkle::root(&row[row.len() - width..]));
            }
            level += 1;
        }
    }

    /// Entries of a row; fewer where it ends.
    pub(crate) fn row(&self, level: u8, first: u64, count: usize) -> Vec<Digest> {
        let row = self.0.get(usize::from(level)).map_or(&[][..], Vec::as_slice);
        let start = usize::try_from(first).unwrap_or(usize::MAX).min(row.len());
        let end = start.saturating_add(count).min(row.len());
        row[start..end].to_vec()
    }
}
