//! A disk in memory that loses power: what was not synced is lost, torn or out of order.
//!
//! Writes since the last sync of their file survive sector by sector, by chance. Creations,
//! renames and removals since the last sync of their directory survive up to a chance point.
//! After a failed sync the written bytes stay readable but will never reach the disk.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use annals_store::local::disk::{Disk, DiskFile, DiskLock, LockError};

const SECTOR_BYTES: usize = 512;

/// A small generator of numbers that a seed decides.
#[derive(Debug, Clone)]
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x1234_5678)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ mixed >> 31) % bound
    }

    pub fn one_in(&mut self, bound: u64) -> bool {
        self.below(bound) == 0
    }
}

/// A promise that this disk does not keep, to see whether the simulation notices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lie {
    None,
    /// Data syncs do nothing.
    NoDataSync,
    /// Full syncs do nothing.
    NoFullSync,
    /// Directory syncs do nothing.
    NoDirSync,
}

#[derive(Debug, Clone)]
enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    SetLen(usize),
}

#[derive(Debug, Clone, Default)]
struct SimFile {
    /// What reads see.
    seen: Vec<u8>,
    /// What survives a power loss.
    kept: Vec<u8>,
    pending: Vec<Change>,
}

#[derive(Debug, Clone)]
enum NameChange {
    Set(PathBuf, usize),
    Remove(PathBuf),
}

#[derive(Debug)]
struct World {
    chance: Chance,
    lie: Lie,
    files: Vec<SimFile>,
    names: BTreeMap<PathBuf, usize>,
    kept_names: BTreeMap<PathBuf, usize>,
    pending_names: BTreeMap<PathBuf, Vec<NameChange>>,
    dirs: BTreeSet<PathBuf>,
    /// Changes until the power goes.
    changes_left: u64,
    /// One in so many syncs fails; 0 for none.
    sync_failure: u64,
    is_locked: bool,
}

#[derive(Debug, Clone)]
pub struct PowerDisk(Arc<Mutex<World>>);

impl PowerDisk {
    pub fn new(seed: u64, lie: Lie) -> Self {
        Self(Arc::new(Mutex::new(World {
            chance: Chance::new(seed ^ 0xdead),
            lie,
            files: Vec::new(),
            names: BTreeMap::new(),
            kept_names: BTreeMap::new(),
            pending_names: BTreeMap::new(),
            dirs: BTreeSet::new(),
            changes_left: u64::MAX,
            sync_failure: 0,
            is_locked: false,
        })))
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap()
    }

    /// The power goes after so many more changes; from then on everything fails.
    pub fn set_limits(&self, changes_left: u64, sync_failure: u64) {
        let mut world = self.world();
        world.changes_left = changes_left;
        world.sync_failure = sync_failure;
    }

    pub fn is_off(&self) -> bool {
        self.world().changes_left == 0
    }

    /// The process ends; what it wrote stays where reads see it.
    pub fn kill(&self) {
        self.set_limits(u64::MAX, 0);
    }

    /// The machine ends; only what was kept, and by chance some of the rest, is there after it.
    pub fn lose_power(&self) {
        let mut world = self.world();
        let World { chance, files, names, kept_names, pending_names, .. } = &mut *world;
        for (_, changes) in std::mem::take(pending_names) {
            let survivors = chance.below(changes.len() as u64 + 1) as usize;
            changes[..survivors].iter().for_each(|change| apply_name(kept_names, change));
        }
        *names = kept_names.clone();
        for file in files {
            let mode = chance.below(3);
            for change in std::mem::take(&mut file.pending) {
                apply_by_chance(&mut file.kept, &change, mode, chance);
            }
            file.seen = file.kept.clone();
        }
        world.changes_left = u64::MAX;
        world.sync_failure = 0;
    }
}

fn apply_name(names: &mut BTreeMap<PathBuf, usize>, change: &NameChange) {
    match change {
        NameChange::Set(path, file) => drop(names.insert(path.clone(), *file)),
        NameChange::Remove(path) => drop(names.remove(path)),
    }
}

fn apply(content: &mut Vec<u8>, change: &Change) {
    match change {
        Change::SetLen(len) => content.resize(*len, 0),
        Change::Write { offset, bytes } => {
            let end = offset + bytes.len();
            if content.len() < end {
                content.resize(end, 0);
            }
            content[*offset..end].copy_from_slice(bytes);
        }
    }
}

/// Mode 0: nothing survives; 1: everything; 2: each sector has its own luck.
fn apply_by_chance(content: &mut Vec<u8>, change: &Change, mode: u64, chance: &mut Chance) {
    match (mode, change) {
        (0, _) => {}
        (1, change) => apply(content, change),
        (_, Change::SetLen(_)) => {
            if chance.one_in(2) {
                apply(content, change);
            }
        }
        (_, Change::Write { offset, bytes }) => {
            let mut start = 0;
            while start < bytes.len() {
                let end = bytes.len().min(start + SECTOR_BYTES - (offset + start) % SECTOR_BYTES);
                if chance.one_in(2) {
                    let bytes = bytes[start..end].to_vec();
                    apply(content, &Change::Write { offset: offset + start, bytes });
                }
                start = end;
            }
        }
    }
}

fn off() -> io::Error {
    io::Error::other("the power is off")
}

impl World {
    fn is_on(&self) -> io::Result<()> {
        if self.changes_left == 0 { Err(off()) } else { Ok(()) }
    }

    /// Counts a change. The one at which the power goes happens, but nobody hears of it.
    fn count(&mut self) -> io::Result<()> {
        self.is_on()?;
        self.changes_left -= 1;
        Ok(())
    }

    fn change(&mut self, file: usize, change: Change) -> io::Result<()> {
        self.count()?;
        apply(&mut self.files[file].seen, &change);
        self.files[file].pending.push(change);
        self.is_on()
    }

    fn change_name(&mut self, dir: &Path, change: NameChange) -> io::Result<()> {
        self.count()?;
        apply_name(&mut self.names, &change);
        self.pending_names.entry(dir.to_owned()).or_default().push(change);
        self.is_on()
    }

    fn sync(&mut self, file: usize, lie: Lie) -> io::Result<()> {
        self.count()?;
        if self.sync_failure > 0 && self.chance.one_in(self.sync_failure) {
            self.files[file].pending.clear();
            return Err(io::Error::other("planned sync failure"));
        }
        if self.lie != lie {
            let SimFile { kept, pending, .. } = &mut self.files[file];
            for change in pending.drain(..) {
                apply(kept, &change);
            }
        }
        self.is_on()
    }

    fn find(&self, path: &Path) -> io::Result<usize> {
        self.is_on()?;
        self.names.get(path).copied().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

fn parent(path: &Path) -> PathBuf {
    path.parent().unwrap().to_owned()
}

impl Disk for PowerDisk {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        let mut world = self.world();
        world.is_on()?;
        world.dirs.insert(path.to_owned());
        Ok(())
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        let world = self.world();
        world.is_on()?;
        let inside = world.names.keys().filter(|name| name.parent() == Some(path));
        Ok(inside.map(|name| name.file_name().unwrap().to_str().unwrap().to_owned()).collect())
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let file = self.world().find(path)?;
        Ok(Arc::new(PowerFile { disk: self.clone(), file }))
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let mut world = self.world();
        if world.find(path).is_ok() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let file = world.files.len();
        world.files.push(SimFile::default());
        world.change_name(&parent(path), NameChange::Set(path.to_owned(), file))?;
        Ok(Arc::new(PowerFile { disk: self.clone(), file }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut world = self.world();
        let file = world.find(from)?;
        // A rename is one change: it is made of two here, the new name first, so that a file is
        // never without a name.
        world.change_name(&parent(to), NameChange::Set(to.to_owned(), file))?;
        world.change_name(&parent(from), NameChange::Remove(from.to_owned()))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut world = self.world();
        world.find(path)?;
        world.change_name(&parent(path), NameChange::Remove(path.to_owned()))
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        let mut world = self.world();
        world.count()?;
        if world.lie != Lie::NoDirSync {
            let changes = world.pending_names.remove(path).unwrap_or_default();
            changes.iter().for_each(|change| apply_name(&mut world.kept_names, change));
        }
        world.is_on()
    }

    fn lock(&self, _path: &Path, _holder: &str) -> Result<Box<dyn DiskLock>, LockError> {
        let mut world = self.world();
        if std::mem::replace(&mut world.is_locked, true) {
            return Err(LockError::Held { holder: "the simulation".to_owned() });
        }
        Ok(Box::new(PowerLock(self.clone())))
    }
}

#[derive(Debug)]
struct PowerLock(PowerDisk);

impl DiskLock for PowerLock {}

impl Drop for PowerLock {
    fn drop(&mut self) {
        self.0.world().is_locked = false;
    }
}

#[derive(Debug)]
struct PowerFile {
    disk: PowerDisk,
    file: usize,
}

impl DiskFile for PowerFile {
    fn len(&self) -> io::Result<u64> {
        let world = self.disk.world();
        world.is_on()?;
        Ok(world.files[self.file].seen.len() as u64)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let world = self.disk.world();
        world.is_on()?;
        let seen = world.files[self.file].seen.get(offset as usize..).unwrap_or_default();
        let count = seen.len().min(buffer.len());
        buffer[..count].copy_from_slice(&seen[..count]);
        Ok(count)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let change = Change::Write { offset: offset as usize, bytes: bytes.to_vec() };
        self.disk.world().change(self.file, change)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.disk.world().sync(self.file, Lie::NoDataSync)
    }

    fn sync_all(&self) -> io::Result<()> {
        self.disk.world().sync(self.file, Lie::NoFullSync)
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        let mut world = self.disk.world();
        match world.files[self.file].seen.len() < len as usize {
            true => world.change(self.file, Change::SetLen(len as usize)),
            false => world.is_on(),
        }
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.disk.world().change(self.file, Change::SetLen(len as usize))
    }
}
