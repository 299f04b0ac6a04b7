//! The tree that a closed log has kept, read as it is.
//!
//! Nothing of it is checked against the log: who reads it here wants a hint where to look, not
//! evidence.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use annals_core::hash::Digest;
use annals_core::id::LogId;
use annals_core::tiles::{HashRows, TILE_WIDTH, row_len};

use super::edge::{Edge, TilePlace, whole_tiles};
use super::files::TreeFiles;
use crate::local::disk::Disk;

/// See the module.
#[derive(Debug)]
pub(crate) struct KeptTree {
    files: TreeFiles,
    edge: Edge,
}

impl KeptTree {
    /// The tree in a directory; none when there is none that can be read.
    pub(crate) fn open(disk: Arc<dyn Disk>, dir: PathBuf, log_id: LogId) -> Option<Self> {
        let files = TreeFiles::new(disk, dir, log_id);
        let edge = files.read_edge().ok().flatten()?;
        Some(Self { files, edge })
    }

    /// Leaves of the tree.
    pub(crate) fn size(&self) -> u64 {
        self.edge.size()
    }

    /// A leaf's hash.
    pub(crate) fn leaf(&self, index: u64) -> Option<Digest> {
        self.row(0, index, 1).ok()?.first().copied()
    }
}

impl HashRows for KeptTree {
    type Error = io::Error;

    fn row(&self, level: u8, first: u64, count: usize) -> io::Result<Vec<Digest>> {
        let width = u64::from(TILE_WIDTH);
        let last = first.saturating_add(count as u64).min(row_len(level, self.size()));
        let mut entries = Vec::new();
        let mut next = first;
        while next < last {
            let index = next / width;
            let end = last.min((index + 1) * width);
            let (from, to) = (next - index * width, end - index * width);
            let inside = usize::try_from(from).unwrap_or(0)..usize::try_from(to).unwrap_or(0);
            if index >= whole_tiles(level, self.size()) {
                entries.extend_from_slice(self.edge.entries(level).get(inside).unwrap_or_default());
            } else {
                let tile = self.files.read_tile(TilePlace { level, index })?.unwrap_or_default();
                entries.extend_from_slice(tile.get(inside).unwrap_or_default());
            }
            next = end;
        }
        Ok(entries)
    }
}
