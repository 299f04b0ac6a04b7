//! A disk in memory that loses power, fails to sync, fills up, and reads in pieces.
//!
//! Changes since the last sync of their file are lost, kept, torn at a byte or scattered sector by
//! sector, by chance; so are creations, renames and removals since the last sync of their
//! directory. After a failed sync some of the bytes may be on the disk, and those that are not
//! stay readable at most until the process ends: no later sync brings them there.
//! INVARIANT (one seed, one disk): everything here is decided by the seed and the calls made.

#![allow(
    clippy::cast_possible_truncation,
    clippy::unwrap_used,
    reason = "a test stops where it goes wrong"
)]

mod content;
mod faces;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use content::{Change, Content, Fate};

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

/// What this disk does other than it says. A log on it has the fault that the lie stands for: the
/// same operations reach the disk as if the engine had left them out or done them at another time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lie {
    None,
    /// Data syncs do nothing.
    NoDataSync,
    /// Full syncs do nothing.
    NoFullSync,
    /// Directory syncs do nothing.
    NoDirSync,
    /// A data sync is answered first and done before the next change.
    LateDataSync,
    /// A data sync that fails is tried again, and the second answer is given.
    RetriedSync,
    /// Recovery goes on with the last segment as it finds it: no copy, no sync.
    TailTakenAsFound,
    /// No damage of an index file shows: the checksum of each page is made to fit.
    IndexTrusted,
}

/// What may go wrong by itself, until the next call.
#[derive(Debug, Clone, Copy)]
pub struct Weather {
    /// Changes until the machine or the process stops.
    pub changes_left: u64,
    /// One in so many syncs fails; 0 for none.
    pub sync_failure: u64,
    /// One in so many reads gives less than was asked for; 0 for none.
    pub short_read: u64,
    /// Whether there is no room.
    pub is_full: bool,
}

impl Weather {
    pub const FAIR: Self =
        Self { changes_left: u64::MAX, sync_failure: 0, short_read: 0, is_full: false };
}

#[derive(Debug, Clone, Default)]
struct SimFile {
    /// What reads see.
    seen: Content,
    /// What survives a power loss.
    kept: Content,
    pending: Vec<Change>,
    /// Whether reads see bytes that no sync will bring to the disk.
    is_false: bool,
}

impl SimFile {
    fn sync(&mut self) {
        for change in self.pending.drain(..) {
            self.kept.apply(&change);
        }
    }

    fn lose_unsynced(&mut self, chance: &mut Chance) {
        let pending = std::mem::take(&mut self.pending);
        if !pending.is_empty() {
            let fate = Fate::by(chance);
            self.kept.survive(&pending, fate, chance);
        }
        if !pending.is_empty() || self.is_false {
            self.seen = self.kept.clone();
            self.is_false = false;
        }
    }

    /// The pages that a failed sync left are forgotten by the system; the next reader sees what
    /// the disk has.
    fn evict(&mut self) {
        if self.is_false {
            self.seen = self.kept.clone();
            let SimFile { seen, pending, .. } = self;
            pending.iter().for_each(|change| seen.apply(change));
            self.is_false = false;
        }
    }
}

#[derive(Debug, Clone)]
enum NameChange {
    Set(PathBuf, usize),
    Rename(PathBuf, PathBuf, usize),
    Remove(PathBuf),
}

type Names = BTreeMap<PathBuf, usize>;

fn apply_name(names: &mut Names, change: &NameChange) {
    match change {
        NameChange::Set(path, file) => {
            names.insert(path.clone(), *file);
        }
        NameChange::Rename(from, to, file) => {
            names.remove(from);
            names.insert(to.clone(), *file);
        }
        NameChange::Remove(path) => {
            names.remove(path);
        }
    }
}

#[derive(Debug)]
struct World {
    chance: Chance,
    lie: Lie,
    weather: Weather,
    files: Vec<SimFile>,
    names: Names,
    kept_names: Names,
    pending_names: BTreeMap<PathBuf, Vec<NameChange>>,
    dirs: BTreeSet<PathBuf>,
    /// The file whose sync was answered and not yet done.
    late: Option<usize>,
    is_locked: bool,
    /// Failures that were planned and happened since the process started.
    failure_count: u64,
    sync_failure_count: u64,
    full_count: u64,
    trace: Option<Vec<String>>,
}

/// What becomes of a change at whose moment everything may end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    /// It happens.
    Done,
    /// It happens, but nobody hears of it.
    DoneLast,
    /// The end comes before it.
    Prevented,
}

/// The disk. Clones are the same disk.
#[derive(Debug, Clone)]
pub struct PowerDisk(Arc<Mutex<World>>);

impl PowerDisk {
    pub fn new(seed: u64, lie: Lie) -> Self {
        Self(Arc::new(Mutex::new(World {
            chance: Chance::new(seed ^ 0xdead),
            lie,
            weather: Weather::FAIR,
            files: Vec::new(),
            names: Names::new(),
            kept_names: Names::new(),
            pending_names: BTreeMap::new(),
            dirs: BTreeSet::new(),
            late: None,
            is_locked: false,
            failure_count: 0,
            sync_failure_count: 0,
            full_count: 0,
            trace: None,
        })))
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap()
    }

    /// Keeps every operation from here on.
    pub fn start_trace(&self) {
        self.world().trace = Some(Vec::new());
    }

    pub fn take_trace(&self) -> Vec<String> {
        self.world().trace.take().unwrap_or_default()
    }

    /// Writes into the trace what the story does.
    pub fn remark(&self, what: fmt::Arguments<'_>) {
        self.world().note(what);
    }

    pub fn set_weather(&self, weather: Weather) {
        self.world().weather = weather;
    }

    /// Fair weather, but for so many changes until the end and one in so many syncs that fails.
    pub fn set_limits(&self, changes_left: u64, sync_failure: u64) {
        self.set_weather(Weather { changes_left, sync_failure, ..Weather::FAIR });
    }

    pub fn weather(&self) -> Weather {
        self.world().weather
    }

    pub fn is_off(&self) -> bool {
        self.world().weather.changes_left == 0
    }

    /// How often something went wrong by itself since the process started.
    pub fn failure_count(&self) -> u64 {
        self.world().failure_count
    }

    /// Planned failures of syncs, and refusals for lack of room, since the beginning.
    pub fn totals(&self) -> (u64, u64) {
        let world = self.world();
        (world.sync_failure_count, world.full_count)
    }

    /// From here on nothing reaches the disk: the process is about to be killed.
    pub fn stop(&self) {
        self.world().weather.changes_left = 0;
    }

    /// The process is gone; what it wrote stays where reads see it.
    pub fn kill(&self) {
        let mut world = self.world();
        world.note(format_args!("killed"));
        // What a process asked for and the system took on happens without it.
        if let Some(file) = world.late.take() {
            world.files[file].sync();
        }
        let World { files, chance, .. } = &mut *world;
        for file in files.iter_mut().filter(|file| file.is_false) {
            if chance.one_in(2) {
                file.evict();
            }
        }
        world.start_anew();
    }

    /// The machine is gone; only what was kept, and by chance some of the rest, is there after it.
    pub fn lose_power(&self) {
        let mut world = self.world();
        world.note(format_args!("the power goes"));
        world.late = None;
        let World { chance, files, names, kept_names, pending_names, .. } = &mut *world;
        for (_, changes) in std::mem::take(pending_names) {
            match chance.below(4) {
                0 => {}
                1 => changes.iter().for_each(|change| apply_name(kept_names, change)),
                2 => {
                    let survivors = chance.below(changes.len() as u64 + 1) as usize;
                    changes[..survivors].iter().for_each(|change| apply_name(kept_names, change));
                }
                _ => changes
                    .iter()
                    .filter(|_| chance.one_in(2))
                    .for_each(|change| apply_name(kept_names, change)),
            }
        }
        *names = kept_names.clone();
        files.iter_mut().for_each(|file| file.lose_unsynced(chance));
        world.forget_nameless();
        world.start_anew();
    }

    /// Does a late sync now; fails when everything ends before or at it.
    pub fn finish_late_sync(&self) -> io::Result<()> {
        let mut world = self.world();
        match world.late.take() {
            Some(file) => world.sync(file),
            None => world.is_on(),
        }
    }

    /// Flips bits of a file below a directory, both where reads see it and on the disk.
    pub fn rot(&self, below: &Path, flip_count: u64) {
        let mut world = self.world();
        let World { names, files, chance, .. } = &mut *world;
        let candidates: Vec<usize> = names
            .iter()
            .filter(|(path, _)| path.starts_with(below))
            .map(|(_, file)| *file)
            .collect();
        if candidates.is_empty() {
            return;
        }
        let file = &mut files[candidates[chance.below(candidates.len() as u64) as usize]];
        for _ in 0..flip_count {
            let offset = chance.below(file.seen.len().max(1) as u64) as usize;
            let bit = chance.below(8) as u8;
            file.seen.flip(offset, bit);
            file.kept.flip(offset, bit);
        }
        world.note(format_args!("{flip_count} bits flip below {}", below.display()));
    }

    /// Somebody deletes all files below a directory while no process runs.
    pub fn delete_below(&self, below: &Path) {
        let mut world = self.world();
        world.note(format_args!("{} is deleted", below.display()));
        let World { names, kept_names, pending_names, .. } = &mut *world;
        names.retain(|path, _| !path.starts_with(below));
        kept_names.retain(|path, _| !path.starts_with(below));
        pending_names.retain(|dir, _| !dir.starts_with(below));
    }

    /// The first of some words that is in a file that has a name, as reads see it or as it would
    /// survive.
    pub fn find_words(&self, words: &[String]) -> Option<(PathBuf, String)> {
        let world = self.world();
        let seen = world.names.iter().map(|(path, file)| (path, &world.files[*file].seen));
        let kept = world.kept_names.iter().map(|(path, file)| (path, &world.files[*file].kept));
        seen.chain(kept).find_map(|(path, content)| {
            let text = content.text();
            let word = words.iter().find(|word| text.contains(*word))?;
            Some((path.clone(), word.clone()))
        })
    }
}

fn off() -> io::Error {
    io::Error::other("the power is off")
}

fn full() -> io::Error {
    io::ErrorKind::StorageFull.into()
}

fn parent(path: &Path) -> PathBuf {
    path.parent().unwrap().to_owned()
}

impl World {
    fn note(&mut self, what: fmt::Arguments<'_>) {
        if let Some(trace) = &mut self.trace {
            trace.push(what.to_string());
        }
    }

    fn start_anew(&mut self) {
        self.weather = Weather::FAIR;
        self.failure_count = 0;
    }

    /// Files that nobody can open any more need no memory.
    fn forget_nameless(&mut self) {
        let named: BTreeSet<usize> = self.names.values().copied().collect();
        for (number, file) in self.files.iter_mut().enumerate() {
            if !named.contains(&number) {
                *file = SimFile::default();
            }
        }
    }

    fn is_on(&self) -> io::Result<()> {
        if self.weather.changes_left == 0 { Err(off()) } else { Ok(()) }
    }

    fn heard(moment: Moment) -> io::Result<()> {
        if moment == Moment::Done { Ok(()) } else { Err(off()) }
    }

    /// Counts a change.
    fn moment(&mut self) -> io::Result<Moment> {
        self.is_on()?;
        if let Some(file) = self.late.take() {
            self.files[file].sync();
        }
        self.weather.changes_left -= 1;
        Ok(match self.weather.changes_left {
            0 if self.chance.one_in(2) => Moment::DoneLast,
            0 => Moment::Prevented,
            _ => Moment::Done,
        })
    }

    fn change(&mut self, file: usize, change: Change) -> io::Result<()> {
        let moment = self.moment()?;
        if moment != Moment::Prevented {
            self.files[file].seen.apply(&change);
            self.files[file].pending.push(change);
        }
        Self::heard(moment)
    }

    /// Refuses what needs room when there is none.
    fn need_room(&mut self) -> io::Result<()> {
        self.is_on()?;
        if self.weather.is_full {
            self.failure_count += 1;
            self.full_count += 1;
            return Err(full());
        }
        Ok(())
    }

    /// A write. On a full disk it may turn out that room was not really reserved.
    fn write(&mut self, file: usize, bytes: &[u8], offset: usize) -> io::Result<()> {
        let is_longer = offset + bytes.len() > self.files[file].seen.len();
        let breaks = self.weather.is_full && (is_longer || self.chance.one_in(8));
        let end = match breaks {
            true => self.chance.below(bytes.len().max(1) as u64) as usize,
            false => bytes.len(),
        };
        self.change(file, Change::Write { offset, bytes: bytes[..end].to_vec() })?;
        if breaks { self.need_room() } else { Ok(()) }
    }

    fn change_name(&mut self, dir: &Path, change: NameChange) -> io::Result<()> {
        let moment = self.moment()?;
        if moment != Moment::Prevented {
            apply_name(&mut self.names, &change);
            self.pending_names.entry(dir.to_owned()).or_default().push(change);
        }
        Self::heard(moment)
    }

    /// A sync at whose moment everything ends may have done a part of its work.
    fn sync(&mut self, file: usize) -> io::Result<()> {
        let moment = self.moment()?;
        if self.weather.sync_failure > 0 && self.chance.one_in(self.weather.sync_failure) {
            self.fail_sync(file);
            return Err(io::Error::other("planned sync failure"));
        }
        if moment != Moment::Prevented {
            self.files[file].sync();
        }
        Self::heard(moment)
    }

    fn fail_sync(&mut self, file: usize) {
        self.failure_count += 1;
        self.sync_failure_count += 1;
        let World { files, chance, .. } = self;
        let file = &mut files[file];
        let pending = std::mem::take(&mut file.pending);
        let fate = Fate::by(chance);
        file.kept.survive(&pending, fate, chance);
        file.is_false |= fate != Fate::Kept && !pending.is_empty();
    }

    fn find(&self, path: &Path) -> io::Result<usize> {
        self.is_on()?;
        self.names.get(path).copied().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}
