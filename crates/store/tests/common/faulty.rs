//! The operating system's disk with faults that a test switches on.

use std::io;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};

use annals_store::local::disk::{Disk, DiskFile, DiskLock, LockError, OsDisk};

/// What goes wrong from now on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// Every data sync fails.
    SyncFails,
    /// The next data sync fails, later ones succeed: what a kernel does that gave the error once.
    NextSyncFails,
    /// There is no room for new files, and reserved room was not really there: half of a write
    /// goes through.
    FullInTheMiddleOfAWrite,
    /// No file can be made or made longer.
    Full,
    /// The same, until a file is removed or cut.
    FullUntilRoomIsMade,
    /// Writes into segments find no room: what a file system does that copies on write.
    FullForOverwriting,
    /// The same, until a file is removed or cut.
    FullForOverwritingUntilRoomIsMade,
    /// The same, and half of each write goes through.
    FullInTheMiddleOfOverwriting,
    /// Files only look longer when room is reserved, and there is none for the reserve.
    ReserveOnlyLooksLonger,
    /// Every write fails.
    WriteFails,
    /// Somebody reads the file of every write when half of it is there.
    ReadInTheMiddleOfAWrite,
}

#[derive(Debug, Clone)]
pub struct FaultyDisk {
    fault: Arc<Mutex<Fault>>,
    log: Arc<Mutex<Vec<String>>>,
    half: Arc<(Mutex<Half>, Condvar)>,
    /// The names of open files, which a rename changes.
    names: Arc<Mutex<Vec<Name>>>,
}

/// A write of which half is there, and the reads since.
#[derive(Debug, Default)]
struct Half {
    is_there: bool,
    read_count: u64,
}

type Name = Arc<Mutex<std::path::PathBuf>>;

impl FaultyDisk {
    pub fn new() -> Self {
        Self {
            fault: Arc::new(Mutex::new(Fault::None)),
            log: Arc::default(),
            half: Arc::default(),
            names: Arc::default(),
        }
    }

    pub fn set(&self, fault: Fault) {
        *self.fault.lock().unwrap() = fault;
    }

    fn fault(&self) -> Fault {
        *self.fault.lock().unwrap()
    }

    fn is_full(&self) -> bool {
        use Fault::{Full, FullInTheMiddleOfAWrite, FullUntilRoomIsMade};
        matches!(self.fault(), Full | FullInTheMiddleOfAWrite | FullUntilRoomIsMade)
    }

    fn room_is_made(&self) {
        use Fault::{FullForOverwritingUntilRoomIsMade, FullUntilRoomIsMade};
        if matches!(self.fault(), FullUntilRoomIsMade | FullForOverwritingUntilRoomIsMade) {
            self.set(Fault::None);
        }
    }

    fn note(&self, what: &str, path: &Path) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        self.log.lock().unwrap().push(format!("{what} {name}"));
    }

    /// The operations since the last call.
    pub fn take_log(&self) -> Vec<String> {
        std::mem::take(&mut self.log.lock().unwrap())
    }

    fn file(&self, path: &Path, file: Arc<dyn DiskFile>) -> Arc<dyn DiskFile> {
        let name = Arc::new(Mutex::new(path.to_owned()));
        self.names.lock().unwrap().push(Arc::clone(&name));
        Arc::new(FaultyFile { file, disk: self.clone(), name })
    }
}

fn full() -> io::Error {
    io::ErrorKind::StorageFull.into()
}

impl Disk for FaultyDisk {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        OsDisk.create_dir(path)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        OsDisk.list(path)
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        Ok(self.file(path, OsDisk.open(path)?))
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        if self.is_full() {
            return Err(full());
        }
        self.note("create", path);
        Ok(self.file(path, OsDisk.create(path)?))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.note("rename to", to);
        for name in self.names.lock().unwrap().iter() {
            let mut name = name.lock().unwrap();
            if *name == from {
                *name = to.to_owned();
            }
        }
        OsDisk.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        OsDisk.remove(path)?;
        self.note("remove", path);
        self.room_is_made();
        Ok(())
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.note("sync_dir", path);
        OsDisk.sync_dir(path)
    }

    fn lock(&self, path: &Path, holder: &str) -> Result<Box<dyn DiskLock>, LockError> {
        OsDisk.lock(path, holder)
    }
}

#[derive(Debug)]
struct FaultyFile {
    file: Arc<dyn DiskFile>,
    disk: FaultyDisk,
    name: Name,
}

impl DiskFile for FaultyFile {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let (half, read) = &*self.disk.half;
        let count = self.file.read_at(buffer, offset)?;
        // Asked afterwards: a read that has seen half of a write must always be counted, for its
        // reader may wait for the writer, which waits for the count.
        let mut half = half.lock().unwrap();
        half.read_count += u64::from(half.is_there);
        drop(half);
        read.notify_all();
        Ok(count)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let is = |end: &str| self.name.lock().unwrap().to_string_lossy().ends_with(end);
        match self.disk.fault() {
            Fault::FullForOverwriting | Fault::FullForOverwritingUntilRoomIsMade if is(".seg") => {
                return Err(full());
            }
            Fault::FullInTheMiddleOfOverwriting if is(".seg") => {
                self.file.write_at(&bytes[..bytes.len() / 2], offset)?;
                return Err(full());
            }
            Fault::ReserveOnlyLooksLonger if is("reserve") => return Err(full()),
            Fault::WriteFails => return Err(io::Error::other("planned write failure")),
            Fault::FullInTheMiddleOfAWrite => {
                self.file.write_at(&bytes[..bytes.len() / 2], offset)?;
                return Err(full());
            }
            Fault::ReadInTheMiddleOfAWrite => {
                let (half, read) = &*self.disk.half;
                let mut half = half.lock().unwrap();
                self.file.write_at(&bytes[..bytes.len() / 2], offset)?;
                *half = Half { is_there: true, read_count: 0 };
                let is_unread = |half: &mut Half| half.read_count == 0;
                let mut half = read.wait_while(half, is_unread).unwrap();
                half.is_there = false;
            }
            _ => {}
        }
        self.disk.note("write", &self.name.lock().unwrap());
        self.file.write_at(bytes, offset)
    }

    fn sync_data(&self) -> io::Result<()> {
        match self.disk.fault() {
            Fault::SyncFails => return Err(io::Error::other("planned sync failure")),
            Fault::NextSyncFails => {
                self.disk.set(Fault::None);
                return Err(io::Error::other("planned sync failure"));
            }
            _ => {}
        }
        self.disk.note("sync", &self.name.lock().unwrap());
        self.file.sync_data()
    }

    fn sync_all(&self) -> io::Result<()> {
        self.disk.note("sync", &self.name.lock().unwrap());
        self.file.sync_all()
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        match self.disk.is_full() {
            true => Err(full()),
            false if self.disk.fault() == Fault::ReserveOnlyLooksLonger => self.file.set_len(len),
            false => self.file.allocate(len),
        }
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.file.set_len(len)?;
        self.disk.note("cut", &self.name.lock().unwrap());
        self.disk.room_is_made();
        Ok(())
    }
}
