//! Adding a document to the spool: written, linked, and synced before the agent goes on.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::time::Duration;

use super::gap::{self, Missing};
use super::line::Link;
use super::{GAP, LATE, LOCK, Private as _, Spool, WAITING, make_private_dir, sync_dir};
use crate::deadline::Deadline;

/// How long to wait before the lock is tried again. It is held for one write and one sync.
const LOCK_RETRY: Duration = Duration::from_millis(1);

/// What became of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kept {
    /// It waits.
    Spooled,
    /// There was no room; it is counted.
    Dropped,
}

impl Spool {
    /// Adds a document, or counts it where it does not fit.
    pub(crate) fn append(
        &self,
        agent: &str,
        received_at: &str,
        document: &str,
        deadline: &Deadline,
    ) -> io::Result<Kept> {
        make_private_dir(&self.dir)?;
        let Some(_lock) = self.lock(deadline)? else {
            return self.append_late(document);
        };
        let missing = gap::read(&self.path(GAP));
        let room = self.bytes_max.saturating_sub(self.data_bytes());
        let told = missing.as_ref().map(Missing::document);
        let needed = document.len() + told.as_ref().map_or(0, String::len) + 256;
        if needed as u64 > room {
            let one = Missing::one(agent, "spool_full", document.len() as u64, received_at);
            gap::add(&self.path(GAP), one)?;
            return Ok(Kept::Dropped);
        }
        // What is missing came before, so it is told before.
        let documents: Vec<&str> = told.iter().map(String::as_str).chain([document]).collect();
        self.write(&documents)?;
        if told.is_some() {
            fs::remove_file(self.path(GAP))?;
        }
        Ok(Kept::Spooled)
    }

    /// Tells of what is missing; says whether something is.
    pub(super) fn tell_gap(&self, deadline: &Deadline) -> io::Result<bool> {
        let Some(_lock) = self.lock(deadline)? else { return Ok(false) };
        let Some(missing) = gap::read(&self.path(GAP)) else { return Ok(false) };
        self.write(&[&missing.document()])?;
        fs::remove_file(self.path(GAP))?;
        Ok(true)
    }

    /// Counts a document that the server does not take in any form.
    pub(crate) fn count_refused(
        &self,
        agent: &str,
        received_at: &str,
        byte_count: u64,
        deadline: &Deadline,
    ) -> io::Result<()> {
        make_private_dir(&self.dir)?;
        let _lock = self.lock(deadline)?;
        gap::add(&self.path(GAP), Missing::one(agent, "refused", byte_count, received_at))
    }

    /// The lock of the files, or none when the deadline comes first.
    pub(super) fn lock(&self, deadline: &Deadline) -> io::Result<Option<File>> {
        let file = self.open_lock(LOCK)?;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Some(file)),
                Err(TryLockError::WouldBlock) if deadline.before_spooling().left().is_zero() => {
                    return Ok(None);
                }
                Err(TryLockError::WouldBlock) => std::thread::sleep(LOCK_RETRY),
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
    }

    /// Writes lines behind the last one. The lock is held.
    fn write(&self, documents: &[&str]) -> io::Result<()> {
        let path = self.path(WAITING);
        let is_new = !path.exists();
        let mut options = OpenOptions::new();
        let mut file = options.read(true).append(true).create(true).private().open(&path)?;
        let length = file.metadata()?.len();
        let (mut link, is_whole) = last_link(&mut file, length)?;
        let mut text = if is_whole { String::new() } else { "\n".to_owned() };
        for document in documents {
            let (line, next) = link.next(document);
            text.push_str(&line);
            link = next;
        }
        let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_data());
        if let Err(error) = written {
            // Half a line is a line that says nothing; it goes, or is told as damaged.
            let _ = file.set_len(length);
            return Err(error);
        }
        if is_new { sync_dir(&self.dir) } else { Ok(()) }
    }

    /// A file of its own for a document whose process cannot wait for the lock.
    fn append_late(&self, document: &str) -> io::Result<Kept> {
        let (line, _) = Link::START.next(document);
        let name = format!(
            "{LATE}{}-{}.ndjson",
            crate::stamped::now().replace(':', ""),
            std::process::id()
        );
        write_new(&self.path(&name), line.as_bytes())?;
        sync_dir(&self.dir)?;
        Ok(Kept::Spooled)
    }
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).private().open(path)?;
    file.write_all(bytes)?;
    file.sync_data()
}

/// Bytes that are looked at together on the way back to the beginning of the last line.
const STEP_BYTES: u64 = 16 << 10;

/// The link after a file's last line, and whether that line has its end.
fn last_link(file: &mut File, length: u64) -> io::Result<(Link, bool)> {
    if length == 0 {
        return Ok((Link::START, true));
    }
    let mut tail = Vec::new();
    let mut from = length;
    loop {
        let start = from.saturating_sub(STEP_BYTES);
        let mut step = vec![0; usize::try_from(from - start).unwrap_or(0)];
        file.seek(SeekFrom::Start(start))?;
        file.read_exact(&mut step)?;
        step.append(&mut tail);
        tail = step;
        from = start;
        let is_whole = tail.last() == Some(&b'\n');
        let body = if is_whole { tail.get(..tail.len() - 1) } else { Some(tail.as_slice()) };
        let body = body.unwrap_or_default();
        let begin = body.iter().rposition(|byte| *byte == b'\n').map(|place| place + 1);
        if begin.is_some() || from == 0 {
            let line = body.get(begin.unwrap_or(0)..).unwrap_or_default();
            // A damaged line has no number; the chain of hashes holds all the same.
            let n = super::line::read(line).map_or(0, |line| line.n);
            return Ok((Link::of(n, line), is_whole));
        }
    }
}
