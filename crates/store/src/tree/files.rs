//! The files of a grown tree: one for each row of whole tiles, and the kept edge.
//!
//! Whether a tile is right is not known here; `tiles` checks it against the row above. The format
//! is persisted (`docs/formats/tree.md`): never reuse or reorder a field.
//!
//! INVARIANT (the edge decides): a row file means nothing by itself. What lies behind the kept
//! size, a hole, or a file that was never synced is found by the check of the tile.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use annals_core::hash::Digest;
use annals_core::id::LogId;
use annals_core::tiles::TILE_WIDTH;
use crc32c::crc32c;

use super::edge::{Edge, TilePlace};
use crate::contract::ReadFailure;
use crate::local::disk::{Disk, DiskFile, in_memory, read_exact_at};
use crate::local::write_file;

const ROW_MAGIC: &[u8; 8] = b"ANNALSTR";
const STATE_MAGIC: &[u8; 8] = b"ANNALSTE";
const FORMAT: u16 = 1;
/// Bytes before the first hash of a row, and before the first hash of the kept edge.
const HEAD_BYTES: usize = 64;
const DIGEST_BYTES: usize = 32;
const CRC_BYTES: usize = 4;
/// Bytes of a whole tile.
pub(super) const TILE_BYTES: usize = TILE_WIDTH as usize * DIGEST_BYTES;

/// See the module.
#[derive(Debug)]
pub(super) struct TreeFiles {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    log_id: LogId,
    rows: Mutex<BTreeMap<u8, RowFile>>,
}

#[derive(Debug)]
struct RowFile {
    file: Arc<dyn DiskFile>,
    is_synced: bool,
}

impl TreeFiles {
    pub(super) fn new(disk: Arc<dyn Disk>, dir: PathBuf, log_id: LogId) -> Self {
        Self { disk, dir, log_id, rows: Mutex::default() }
    }

    /// The kept edge; none when there is none or it cannot be trusted.
    pub(super) fn read_edge(&self) -> io::Result<Option<Edge>> {
        let file = match self.disk.open(&self.edge_path()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened?,
        };
        let most = HEAD_BYTES + Edge::entry_count(u64::MAX) * DIGEST_BYTES + CRC_BYTES;
        let mut bytes = vec![0; in_memory(file.len()?).min(most)];
        read_exact_at(&*file, &mut bytes, 0)?;
        Ok(self.parse_edge(&bytes))
    }

    fn parse_edge(&self, bytes: &[u8]) -> Option<Edge> {
        let (checked, crc) = bytes.split_last_chunk::<CRC_BYTES>()?;
        let (head, entries) = checked.split_first_chunk::<HEAD_BYTES>()?;
        let is_ours = head[..28] == self.head(STATE_MAGIC)[..28];
        if !is_ours || crc32c(checked).to_le_bytes() != *crc {
            return None;
        }
        let size = u64::from_le_bytes(*head[28..].first_chunk()?);
        let entries: Vec<Digest> =
            entries.chunks_exact(DIGEST_BYTES).filter_map(Digest::from_slice).collect();
        Edge::resume(size, &entries)
    }

    /// Keeps an edge whose whole tiles were synced before.
    pub(super) fn write_edge(&self, edge: &Edge) -> io::Result<()> {
        let mut bytes = self.head(STATE_MAGIC).to_vec();
        bytes[28..36].copy_from_slice(&edge.size().to_le_bytes());
        for entry in edge.all_entries() {
            bytes.extend_from_slice(entry.as_bytes());
        }
        let crc = crc32c(&bytes);
        bytes.extend_from_slice(&crc.to_le_bytes());
        self.disk.create_dir(&self.dir)?;
        write_file(&*self.disk, &self.edge_path(), &bytes)
    }

    /// Forgets the kept edge durably.
    pub(super) fn remove_edge(&self) -> io::Result<()> {
        match self.disk.remove(&self.edge_path()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
            Ok(()) => self.disk.sync_dir(&self.dir),
        }
    }

    /// The tile as it is in its file; none when the file does not reach so far.
    pub(super) fn read_tile(&self, place: TilePlace) -> io::Result<Option<Vec<Digest>>> {
        let Some(file) = self.row(place.level)? else { return Ok(None) };
        let mut bytes = vec![0; TILE_BYTES];
        match read_exact_at(&*file, &mut bytes, tile_offset(place)) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(error),
            Ok(()) => {
                Ok(Some(bytes.chunks_exact(DIGEST_BYTES).filter_map(Digest::from_slice).collect()))
            }
        }
    }

    /// Writes neighbouring whole tiles, the first one at `place`.
    pub(super) fn write_tiles(&self, place: TilePlace, bytes: &[u8]) -> io::Result<()> {
        let file = match self.row(place.level)? {
            Some(file) => file,
            None => self.make_row(place.level)?,
        };
        file.write_at(bytes, tile_offset(place))?;
        if let Some(row) = self.rows().get_mut(&place.level) {
            row.is_synced = false;
        }
        Ok(())
    }

    /// Makes all written tiles durable.
    pub(super) fn sync_rows(&self) -> io::Result<()> {
        let mut rows = self.rows();
        for row in rows.values_mut().filter(|row| !row.is_synced) {
            row.file.sync_all()?;
            row.is_synced = true;
        }
        Ok(())
    }

    pub(super) fn failure(&self, source: io::Error) -> ReadFailure {
        ReadFailure::Io { file: self.dir.clone(), source: Arc::new(source) }
    }

    /// A tile that neither its file nor the log's events give as the row above has it.
    pub(super) fn damaged(&self, place: TilePlace) -> ReadFailure {
        ReadFailure::Damaged {
            file: self.row_path(place.level),
            offset: tile_offset(place),
            what: "the tree was not made of the log's events; it must be made again".to_owned(),
        }
    }

    /// A row's file; none when there is none that belongs to this log.
    fn row(&self, level: u8) -> io::Result<Option<Arc<dyn DiskFile>>> {
        let mut rows = self.rows();
        if let Some(row) = rows.get(&level) {
            return Ok(Some(Arc::clone(&row.file)));
        }
        let file = match self.disk.open(&self.row_path(level)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened?,
        };
        let mut head = [0; HEAD_BYTES];
        let is_ours = read_exact_at(&*file, &mut head, 0).is_ok() && head == self.head(ROW_MAGIC);
        if !is_ours {
            return Ok(None);
        }
        rows.insert(level, RowFile { file: Arc::clone(&file), is_synced: true });
        Ok(Some(file))
    }

    fn make_row(&self, level: u8) -> io::Result<Arc<dyn DiskFile>> {
        let path = self.row_path(level);
        self.disk.create_dir(&self.dir)?;
        // What is there now is no row of this log's tree.
        match self.disk.remove(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let file = self.disk.create(&path)?;
        file.write_at(&self.head(ROW_MAGIC), 0)?;
        self.rows().insert(level, RowFile { file: Arc::clone(&file), is_synced: false });
        Ok(file)
    }

    fn head(&self, magic: &[u8; 8]) -> [u8; HEAD_BYTES] {
        let mut head = [0; HEAD_BYTES];
        head[..8].copy_from_slice(magic);
        head[8..10].copy_from_slice(&FORMAT.to_le_bytes());
        head[12..28].copy_from_slice(self.log_id.as_bytes());
        head
    }

    fn edge_path(&self) -> PathBuf {
        self.dir.join("state")
    }

    fn row_path(&self, level: u8) -> PathBuf {
        row_path(&self.dir, level)
    }

    fn rows(&self) -> MutexGuard<'_, BTreeMap<u8, RowFile>> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn row_path(dir: &Path, level: u8) -> PathBuf {
    dir.join(format!("row-{level}"))
}

/// Where a tile begins in its row's file.
fn tile_offset(place: TilePlace) -> u64 {
    HEAD_BYTES as u64 + place.index * TILE_BYTES as u64
}
