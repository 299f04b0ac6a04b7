//! Where payloads wait while the server is away: files that only this user reads.
//!
//! - `waiting.ndjson` takes new documents, `outbox.ndjson` is being delivered, `late-*.ndjson` are
//!   from processes that did not get the lock in time. A line is `{"n", "prev", "doc"}`: the
//!   how-many-eth of its file, the SHA-256 of the line before it, the document.
//! - `lock` is held while a file is written or renamed, `drain.lock` while documents are delivered.
//! - `gap.json` counts what did not fit. `outbox.at` says how far the delivery is.
//!
//! INVARIANT (in order): documents of a session leave in the order in which they came, because
//! nobody delivers past a backlog. INVARIANT (kept until answered): a document is removed only after
//! the server has answered that it is stored; the server knows what comes twice by its name.

mod append;
mod drain;
mod gap;
mod line;

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

pub(crate) use append::Kept;
pub(crate) use drain::{Drained, Item, Progress};

const WAITING: &str = "waiting.ndjson";
const OUTBOX: &str = "outbox.ndjson";
const OUTBOX_AT: &str = "outbox.at";
const LATE: &str = "late-";
const GAP: &str = "gap.json";
const LOCK: &str = "lock";
const DRAIN_LOCK: &str = "drain.lock";
const FAILURE: &str = "last_failure";

/// A spool in its directory.
#[derive(Debug, Clone)]
pub struct Spool {
    dir: PathBuf,
    bytes_max: u64,
}

/// What waits in a spool.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Documents.
    pub documents: u64,
    /// Bytes of their files.
    pub bytes: u64,
    /// Payloads that did not fit, and of which a gap will tell.
    pub dropped: u64,
    /// Why the last delivery did not succeed, where one did not.
    pub last_failure: Option<String>,
}

impl Spool {
    /// A spool in a directory, which need not be there yet.
    #[must_use]
    pub fn new(dir: &Path, bytes_max: u64) -> Self {
        Self { dir: dir.to_owned(), bytes_max }
    }

    /// Whether something waits.
    pub(crate) fn has_backlog(&self) -> bool {
        self.names().any(|name| is_data(&name) || name == GAP)
    }

    /// What waits, counted.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn waiting(&self) -> io::Result<Waiting> {
        let mut waiting = Waiting::default();
        let from = drain::offset_of(&self.path(OUTBOX_AT));
        for name in self.names().filter(|name| is_data(name)) {
            let bytes = fs::read(self.path(&name))?;
            let skipped = if name == OUTBOX { from } else { 0 };
            let rest = bytes.get(usize::try_from(skipped).unwrap_or(0)..).unwrap_or_default();
            waiting.bytes += rest.len() as u64;
            waiting.documents += rest.iter().filter(|byte| **byte == b'\n').count() as u64;
        }
        waiting.dropped = gap::read(&self.path(GAP)).map_or(0, |gap| gap.dropped);
        waiting.last_failure = fs::read_to_string(self.path(FAILURE)).ok();
        Ok(waiting)
    }

    /// Notes why a delivery did not succeed, for `annals hook status`.
    pub(crate) fn note_failure(&self, problem: Option<&str>) {
        let path = self.path(FAILURE);
        // A hint for people: where it cannot be written there is none.
        let _ = match problem {
            Some(problem) => make_private_dir(&self.dir).and_then(|()| {
                let mut file = OpenOptions::new();
                file.write(true)
                    .create(true)
                    .truncate(true)
                    .private()
                    .open(path)
                    .and_then(|mut file| io::Write::write_all(&mut file, problem.as_bytes()))
            }),
            None => fs::remove_file(path),
        };
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    fn names(&self) -> impl Iterator<Item = String> {
        let entries = fs::read_dir(&self.dir).into_iter().flatten().flatten();
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned())
    }

    /// Bytes of all documents that wait.
    fn data_bytes(&self) -> u64 {
        let sizes = self.names().filter(|name| is_data(name));
        sizes.filter_map(|name| fs::metadata(self.path(&name)).ok()).map(|meta| meta.len()).sum()
    }

    fn open_lock(&self, name: &str) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false).private().open(self.path(name))
    }
}

fn is_data(name: &str) -> bool {
    name == WAITING || name == OUTBOX || name.starts_with(LATE)
}

/// Makes a directory that only this user opens, and those above it.
///
/// # Errors
/// When the system does not let.
pub fn make_private_dir(dir: &Path) -> io::Result<()> {
    match fs::metadata(dir) {
        Ok(metadata) => tighten(dir, &metadata),
        Err(_) => {
            let mut builder = DirBuilder::new();
            builder.recursive(true);
            #[cfg(unix)]
            std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
            builder.create(dir)
        }
    }
}

#[cfg(unix)]
fn tighten(dir: &Path, metadata: &fs::Metadata) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    if metadata.permissions().mode() & 0o077 == 0 {
        return Ok(());
    }
    fs::set_permissions(dir, fs::Permissions::from_mode(0o700))
}

#[cfg(not(unix))]
fn tighten(_dir: &Path, _metadata: &fs::Metadata) -> io::Result<()> {
    Ok(())
}

/// Files that only this user reads.
pub(crate) trait Private {
    fn private(&mut self) -> &mut Self;
}

impl Private for OpenOptions {
    fn private(&mut self) -> &mut Self {
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(self, 0o600);
        self
    }
}

/// Makes a new or renamed file be there after a power failure.
fn sync_dir(dir: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(dir)?.sync_all() } else { Ok(()) }
}

/// Replaces a small file as a whole.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let new = path.with_extension("new");
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).private().open(&new)?;
    io::Write::write_all(&mut file, text.as_bytes())?;
    file.sync_data()?;
    fs::rename(&new, path)
}
