//! The tree of a log on disk: takes in the events' hashes, gives rows, and keeps itself.
//!
//! Owned by locks: `grower` by whoever grows, keeps or rebuilds the tree; `published` is replaced
//! as a whole and held only while it is copied, so readers never wait for hashing.
//!
//! INVARIANT (durable leaves only): the tree never has more leaves than the log has durable
//! events; a kept tree that has (after a loss of events, or an older copy of the log) is forgotten
//! durably before the log goes on.
//! INVARIANT (the tree is derived): nothing that goes wrong with its files is more than lost work.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, TryLockError};

use annals_core::hash::Digest;
use annals_core::id::LogId;
use annals_core::tiles::row_len;

use super::LeafSource;
use super::edge::{Edge, TilePlace};
use super::files::TreeFiles;
use super::pending::{Leaves, PENDING_COUNT_MAX, PendingLeaves};
use super::tiles::{TileCache, TileReader};
use crate::contract::ReadFailure;
use crate::local::disk::Disk;

/// Leaves after which a growing tree keeps itself: at most so many are hashed again after a kill.
const KEEP_EVERY: u64 = 262_144;
/// Leaves that are read from the log before their tiles are written and shown.
const CATCH_UP_COUNT: u64 = 65_536;

/// See the module.
#[derive(Debug)]
pub(crate) struct GrownTree {
    files: TreeFiles,
    pending: PendingLeaves,
    grower: Mutex<Grower>,
    published: RwLock<Published>,
}

/// What readers see. The cache goes with the tree that its tiles were checked against: who still
/// reads the tree before a rebuild fills the cache of that one.
#[derive(Debug, Clone, Default)]
struct Published {
    edge: Arc<Edge>,
    cache: Arc<TileCache>,
}

#[derive(Debug, Default)]
struct Grower {
    edge: Edge,
    kept_size: u64,
}

impl GrownTree {
    pub(crate) fn new(disk: Arc<dyn Disk>, dir: PathBuf, log_id: LogId) -> Self {
        Self {
            files: TreeFiles::new(disk, dir, log_id),
            pending: PendingLeaves::default(),
            grower: Mutex::default(),
            published: RwLock::default(),
        }
    }

    /// Takes up what an earlier process kept, for a log with so many durable events.
    pub(crate) fn load(&self, durable_size: u64) -> io::Result<()> {
        self.pending.start_at(durable_size);
        let kept = self.files.read_edge().unwrap_or_else(|error| {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "the kept tree cannot be read; it is made again");
            None
        });
        match kept.filter(|edge| edge.size() <= durable_size) {
            Some(edge) => {
                let mut grower = self.grower();
                *grower = Grower { kept_size: edge.size(), edge };
                self.publish(&grower.edge);
                Ok(())
            }
            None => self.files.remove_edge(),
        }
    }

    /// Takes the hashes of the newest events, which are durable.
    pub(crate) fn add(&self, hashes: impl Iterator<Item = Digest>) {
        self.pending.add(hashes);
    }

    /// The writer's part when nobody else grows the tree: memory stays bounded. It never reads the
    /// log for it; leaves that cannot be taken in are dropped here and read later.
    pub(crate) fn relieve(&self, source: &dyn LeafSource) {
        let (first, count) = self.pending.span();
        if count <= PENDING_COUNT_MAX {
            return;
        }
        let mut grower = match self.grower.try_lock() {
            Ok(grower) => grower,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            // Somebody grows the tree at this moment and will take these up next.
            Err(TryLockError::WouldBlock) if count <= 2 * PENDING_COUNT_MAX => return,
            Err(TryLockError::WouldBlock) => return drop(self.pending.take(u64::MAX)),
        };
        if grower.edge.size() < first {
            return drop(self.pending.take(u64::MAX));
        }
        let fresh = self.pending.take(source.durable_size());
        self.take_in(&mut grower.edge, &fresh);
        self.publish(&grower.edge);
    }

    pub(crate) fn grown_to(&self) -> u64 {
        self.published().edge.size()
    }

    pub(crate) fn grow(&self, source: &dyn LeafSource) -> Result<u64, ReadFailure> {
        let mut grower = self.grower();
        let durable_size = source.durable_size();
        let fresh = self.pending.take(durable_size);
        let mut show = |edge: &Edge| self.publish(edge);
        self.catch_up(&mut grower.edge, source, fresh.first.min(durable_size), &mut show)?;
        self.take_in(&mut grower.edge, &fresh);
        self.publish(&grower.edge);
        if grower.edge.size() - grower.kept_size >= KEEP_EVERY
            && let Err(error) = self.keep(&mut grower)
        {
            let error = &error as &dyn std::error::Error;
            tracing::debug!(error, "the tree was not kept; it is hashed again after a stop");
        }
        Ok(grower.edge.size())
    }

    pub(crate) fn rows(
        &self,
        source: &dyn LeafSource,
        level: u8,
        first: u64,
        count: usize,
    ) -> Result<Vec<Digest>, ReadFailure> {
        let Published { edge, cache } = self.published();
        let last = first.saturating_add(count as u64).min(row_len(level, edge.size()));
        let reader = TileReader { files: &self.files, cache: &cache, edge: &edge, source };
        let mut entries = Vec::new();
        reader.read(level, first, last, &mut entries)?;
        Ok(entries)
    }

    pub(crate) fn sync(&self) -> Result<(), ReadFailure> {
        self.keep(&mut self.grower()).map_err(|error| self.files.failure(error))
    }

    pub(crate) fn rebuild(&self, source: &dyn LeafSource) -> Result<(), ReadFailure> {
        let mut grower = self.grower();
        self.files.remove_edge().map_err(|error| self.files.failure(error))?;
        grower.kept_size = 0;
        let mut edge = Edge::default();
        self.catch_up(&mut edge, source, source.durable_size(), &mut |_| {})?;
        grower.edge = edge;
        self.publish_as(Published { edge: Arc::new(grower.edge.clone()), ..Published::default() });
        self.keep(&mut grower).map_err(|error| self.files.failure(error))
    }

    /// Keeps what is grown and what can be taken in without reading the log, at the end.
    pub(crate) fn close(&self, source: &dyn LeafSource) {
        let mut grower = self.grower();
        if grower.edge.size() >= self.pending.span().0 {
            let fresh = self.pending.take(source.durable_size());
            self.take_in(&mut grower.edge, &fresh);
            self.publish(&grower.edge);
        }
        if let Err(error) = self.keep(&mut grower) {
            let error = &error as &dyn std::error::Error;
            tracing::debug!(error, "the tree was not kept; it is hashed again after the stop");
        }
    }

    fn keep(&self, grower: &mut Grower) -> io::Result<()> {
        if grower.edge.size() == grower.kept_size {
            return Ok(());
        }
        self.files.sync_rows()?;
        self.files.write_edge(&grower.edge)?;
        grower.kept_size = grower.edge.size();
        Ok(())
    }

    /// Reads the leaves before `end` from the log.
    fn catch_up(
        &self,
        edge: &mut Edge,
        source: &dyn LeafSource,
        end: u64,
        show: &mut dyn FnMut(&Edge),
    ) -> Result<(), ReadFailure> {
        while edge.size() < end {
            let first = edge.size();
            let mut filled = FilledTiles::default();
            let last = end.min(first + CATCH_UP_COUNT);
            let read = source.event_hashes(first, last, &mut |hash| filled.append(edge, &hash));
            filled.write(&self.files);
            read?;
            show(edge);
        }
        Ok(())
    }

    /// Takes in those of some leaves that the edge does not have yet; none may be missing before.
    fn take_in(&self, edge: &mut Edge, leaves: &Leaves) {
        let known = edge.size().saturating_sub(leaves.first);
        let known = usize::try_from(known).unwrap_or(usize::MAX);
        let mut filled = FilledTiles::default();
        for hash in leaves.hashes().skip(known) {
            filled.append(edge, hash);
        }
        filled.write(&self.files);
    }

    fn publish(&self, edge: &Edge) {
        self.publish_as(Published { edge: Arc::new(edge.clone()), ..self.published() });
    }

    fn publish_as(&self, published: Published) {
        *self.published.write().unwrap_or_else(PoisonError::into_inner) = published;
    }

    fn published(&self) -> Published {
        self.published.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn grower(&self) -> MutexGuard<'_, Grower> {
        self.grower.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tiles that were filled one after the other, by row, on their way to their files.
#[derive(Debug, Default)]
struct FilledTiles(Vec<(TilePlace, Vec<u8>)>);

impl FilledTiles {
    fn append(&mut self, edge: &mut Edge, event_hash: &Digest) {
        edge.append(event_hash, &mut |place, entries| {
            let row = self.0.iter().position(|(first, _)| first.level == place.level);
            let row = row.unwrap_or_else(|| {
                self.0.push((place, Vec::new()));
                self.0.len() - 1
            });
            self.0[row].1.extend(entries.iter().flat_map(|entry| entry.as_bytes()));
        });
    }

    /// A tile that is not written is found missing when it is read, and made again.
    fn write(self, files: &TreeFiles) {
        for (place, bytes) in self.0 {
            if let Err(error) = files.write_tiles(place, &bytes) {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "tiles of the tree were not written");
            }
        }
    }
}
