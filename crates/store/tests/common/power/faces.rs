//! The simulated disk as the engine sees it: the two traits, the trace, and the lies.

use std::io;
use std::path::Path;
use std::sync::Arc;

use annals_store::local::disk::{Disk, DiskFile, DiskLock, LockError};

use super::content::Change;
use super::{Lie, NameChange, PowerDisk, SimFile, World, apply_name, parent};

const INDEX_PAGE_BYTES: usize = 4096;

impl PowerDisk {
    /// Does an operation and writes down what it was and how it ended.
    fn operation<T>(
        &self,
        what: impl FnOnce() -> String,
        act: impl FnOnce(&mut World) -> io::Result<T>,
    ) -> io::Result<T> {
        let mut world = self.world();
        let result = act(&mut world);
        if world.trace.is_some() {
            let end = match &result {
                Ok(_) => String::new(),
                Err(error) => format!(": {error}"),
            };
            world.note(format_args!("{}{end}", what()));
        }
        result
    }

    fn file(&self, path: &Path, file: usize) -> Arc<dyn DiskFile> {
        let is_index = path.extension().is_some_and(|extension| extension == "idx");
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Arc::new(PowerFile { disk: self.clone(), file, name, is_index, is_as_found: false })
    }
}

fn name(path: &Path) -> std::path::Display<'_> {
    path.strip_prefix("/data").unwrap_or(path).display()
}

impl Disk for PowerDisk {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.operation(
            || format!("create_dir {}", name(path)),
            |world| {
                world.is_on()?;
                world.dirs.insert(path.to_owned());
                Ok(())
            },
        )
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        let world = self.world();
        world.is_on()?;
        let inside = world.names.keys().filter(|name| name.parent() == Some(path));
        Ok(inside.map(|name| name.file_name().unwrap().to_str().unwrap().to_owned()).collect())
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let file = self.operation(|| format!("open {}", name(path)), |world| world.find(path))?;
        Ok(self.file(path, file))
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        if let Some(segment) = self.taken_as_found(path) {
            return Ok(segment);
        }
        let made = self.operation(
            || format!("create {}", name(path)),
            |world| {
                if world.find(path).is_ok() {
                    return Err(io::ErrorKind::AlreadyExists.into());
                }
                // A full disk still has room for a name now and then.
                if !world.chance.one_in(3) {
                    world.need_room()?;
                }
                let file = world.files.len();
                world.files.push(SimFile::default());
                world.change_name(&parent(path), NameChange::Set(path.to_owned(), file))?;
                Ok(file)
            },
        )?;
        Ok(self.file(path, made))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        if self.taken_as_found(from).is_some() {
            return Ok(());
        }
        self.operation(
            || format!("rename {} to {}", name(from), name(to)),
            |world| {
                let file = world.find(from)?;
                let change = NameChange::Rename(from.to_owned(), to.to_owned(), file);
                world.change_name(&parent(to), change)
            },
        )
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.operation(
            || format!("remove {}", name(path)),
            |world| {
                world.find(path)?;
                world.change_name(&parent(path), NameChange::Remove(path.to_owned()))
            },
        )
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.operation(
            || format!("sync_dir {}", name(path)),
            |world| {
                let moment = world.moment()?;
                if world.lie != Lie::NoDirSync && moment != super::Moment::Prevented {
                    let changes = world.pending_names.remove(path).unwrap_or_default();
                    changes.iter().for_each(|change| apply_name(&mut world.kept_names, change));
                }
                World::heard(moment)
            },
        )
    }

    fn lock(&self, _path: &Path, _holder: &str) -> Result<Box<dyn DiskLock>, LockError> {
        let mut world = self.world();
        if std::mem::replace(&mut world.is_locked, true) {
            return Err(LockError::Held { holder: "the simulation".to_owned() });
        }
        Ok(Box::new(PowerLock(self.clone())))
    }
}

impl PowerDisk {
    /// The segment that a lying recovery uses in the place of the copy that it should make.
    fn taken_as_found(&self, copy: &Path) -> Option<Arc<dyn DiskFile>> {
        let world = self.world();
        if world.lie != Lie::TailTakenAsFound || !copy.to_str()?.ends_with(".seg.tmp") {
            return None;
        }
        let file = world.find(&copy.with_extension("")).ok()?;
        let name = format!("{} as found", copy.display());
        let disk = self.clone();
        Some(Arc::new(PowerFile { disk, file, name, is_index: false, is_as_found: true }))
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
    name: String,
    is_index: bool,
    /// Whether syncs of it are left out, as by a recovery that does not copy.
    is_as_found: bool,
}

impl PowerFile {
    fn holds(&self, world: &World, bytes: &[u8], offset: usize) -> bool {
        let mut held = vec![0; bytes.len()];
        world.files[self.file].seen.read(&mut held, offset) == bytes.len() && held == bytes
    }
}

impl DiskFile for PowerFile {
    fn len(&self) -> io::Result<u64> {
        let world = self.disk.world();
        world.is_on()?;
        Ok(world.files[self.file].seen.len() as u64)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut world = self.disk.world();
        world.is_on()?;
        let mut asked = buffer.len();
        let short_read = world.weather.short_read;
        if short_read > 0 && asked > 1 && world.chance.one_in(short_read) {
            asked = 1 + world.chance.below(asked as u64 - 1) as usize;
        }
        let count = world.files[self.file].seen.read(&mut buffer[..asked], offset as usize);
        if self.is_index && world.lie == Lie::IndexTrusted {
            trust(&world.files[self.file], &mut buffer[..count], offset as usize);
        }
        let trace = world.trace.is_some();
        if trace {
            world.note(format_args!("read {} {offset}+{count}", self.name));
        }
        Ok(count)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.disk.operation(
            || {
                format!(
                    "write {} {offset}+{} {:08x}",
                    self.name,
                    bytes.len(),
                    crc32c::crc32c(bytes)
                )
            },
            |world| match self.is_as_found && self.holds(world, bytes, offset as usize) {
                true => world.is_on(),
                false => world.write(self.file, bytes, offset as usize),
            },
        )
    }

    fn sync_data(&self) -> io::Result<()> {
        self.disk.operation(
            || format!("sync_data {}", self.name),
            |world| match world.lie {
                Lie::NoDataSync => world.moment().and_then(World::heard),
                Lie::LateDataSync => {
                    world.is_on()?;
                    if let Some(earlier) = world.late.replace(self.file) {
                        world.files[earlier].sync();
                    }
                    Ok(())
                }
                Lie::RetriedSync => world.sync(self.file).or_else(|_| world.sync(self.file)),
                _ => world.sync(self.file),
            },
        )
    }

    fn sync_all(&self) -> io::Result<()> {
        self.disk.operation(
            || format!("sync_all {}", self.name),
            |world| match world.lie == Lie::NoFullSync || self.is_as_found {
                true => world.moment().and_then(World::heard),
                false => world.sync(self.file),
            },
        )
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        self.disk.operation(
            || format!("allocate {} {len}", self.name),
            |world| match world.files[self.file].seen.len() < len as usize {
                true => {
                    world.need_room()?;
                    world.change(self.file, Change::SetLen(len as usize))
                }
                false => world.is_on(),
            },
        )
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.disk.operation(
            || format!("set_len {} {len}", self.name),
            |world| world.change(self.file, Change::SetLen(len as usize)),
        )
    }
}

/// Makes the checksums of the index pages in a buffer fit whatever the pages hold.
fn trust(file: &SimFile, buffer: &mut [u8], offset: usize) {
    let end = offset + buffer.len();
    for page in offset / INDEX_PAGE_BYTES..end.div_ceil(INDEX_PAGE_BYTES) {
        let start = page * INDEX_PAGE_BYTES;
        let mut bytes = [0; INDEX_PAGE_BYTES];
        if file.seen.read(&mut bytes, start) < INDEX_PAGE_BYTES {
            continue;
        }
        let checked = INDEX_PAGE_BYTES - 4;
        let crc = crc32c::crc32c(&bytes[..checked]).to_le_bytes();
        for (place, byte) in (start + checked..).zip(crc) {
            if (offset..end).contains(&place) {
                buffer[place - offset] = byte;
            }
        }
    }
}
