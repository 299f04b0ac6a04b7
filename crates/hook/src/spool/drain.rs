//! Delivering what waits, in order, as far as the time goes.
//!
//! What a file says of itself is checked on the way: a line that is damaged, missing or changed is
//! told in its place, and the others go out.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use annals_core::dialect::hooks::Gap;
use annals_core::hash::Digest;
use annals_core::time::Timestamp;

use super::line::{self, Link};
use super::{DRAIN_LOCK, LATE, OUTBOX, OUTBOX_AT, Spool, WAITING, replace};
use crate::deadline::Deadline;
use crate::stamped::Stamped;

/// Documents of one request.
const BATCH_DOCUMENTS_MAX: usize = 256;
/// Bytes of a file that are read for one request; a line is shorter than this.
const BATCH_BYTES: u64 = 3 << 20;

/// How a delivery ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Drained {
    /// Nothing waits any more.
    Empty,
    /// Something is left, or somebody else is delivering it.
    Left,
}

/// One document of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) document: String,
    /// Where the file is up to when it is delivered.
    after: At,
}

/// A place in the outbox, and the link there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct At {
    offset: u64,
    link: Link,
}

/// How far a request came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Progress {
    /// Documents, from the first, that the server has.
    pub(crate) delivered: usize,
    /// Whether another request makes sense now.
    pub(crate) may_go_on: bool,
}

impl Spool {
    /// Delivers until nothing waits, the server does not take it, or so many requests were made.
    pub(crate) fn drain(
        &self,
        deadline: &Deadline,
        requests_max: usize,
        mut send: impl FnMut(&[Item]) -> Progress,
    ) -> io::Result<Drained> {
        let lock = self.open_lock(DRAIN_LOCK)?;
        if lock.try_lock().is_err() {
            return Ok(Drained::Left);
        }
        for _ in 0..requests_max {
            if deadline.left().is_zero() {
                return Ok(Drained::Left);
            }
            if !self.take_next_file(deadline)? {
                let is_empty = !self.has_backlog();
                return Ok(if is_empty { Drained::Empty } else { Drained::Left });
            }
            if !self.deliver_batch(&mut send)? {
                return Ok(Drained::Left);
            }
        }
        let is_empty = !self.has_backlog();
        Ok(if is_empty { Drained::Empty } else { Drained::Left })
    }

    /// Makes sure that there is an outbox, unless nothing waits.
    fn take_next_file(&self, deadline: &Deadline) -> io::Result<bool> {
        let outbox = self.path(OUTBOX);
        if outbox.exists() {
            return Ok(true);
        }
        let Some(lock) = self.lock(deadline)? else { return Ok(false) };
        let late = || {
            let mut late: Vec<_> = self.names().filter(|name| name.starts_with(LATE)).collect();
            late.sort();
            late.into_iter().next()
        };
        let next = if self.path(WAITING).exists() { Some(WAITING.to_owned()) } else { late() };
        let Some(next) = next else {
            drop(lock);
            return Ok(self.tell_gap(deadline)? && self.take_next_file(deadline)?);
        };
        // First the place, so that the place of one outbox is never taken for that of another.
        if self.path(OUTBOX_AT).exists() {
            fs::remove_file(self.path(OUTBOX_AT))?;
        }
        fs::rename(self.path(&next), &outbox)?;
        Ok(true)
    }

    /// Delivers the next documents of the outbox; says whether to go on.
    fn deliver_batch(&self, send: &mut impl FnMut(&[Item]) -> Progress) -> io::Result<bool> {
        let at = read_at(&self.path(OUTBOX_AT)).unwrap_or(At { offset: 0, link: Link::START });
        let mut file = File::open(self.path(OUTBOX))?;
        let metadata = file.metadata()?;
        file.seek(SeekFrom::Start(at.offset))?;
        let mut bytes = Vec::new();
        file.take(BATCH_BYTES).read_to_end(&mut bytes)?;
        let reaches_end = at.offset + bytes.len() as u64 >= metadata.len();
        let written_at = metadata.modified().unwrap_or(std::time::UNIX_EPOCH);
        let items = items_of(&bytes, at, reaches_end, &time_text(written_at));
        let progress = match items.is_empty() {
            true => Progress { delivered: 0, may_go_on: true },
            false => send(&items),
        };
        let after = match progress.delivered.checked_sub(1).and_then(|last| items.get(last)) {
            Some(item) => item.after,
            None => at,
        };
        if after.offset >= metadata.len() && progress.delivered == items.len() {
            fs::remove_file(self.path(OUTBOX))?;
            if self.path(OUTBOX_AT).exists() {
                fs::remove_file(self.path(OUTBOX_AT))?;
            }
        } else if after != at {
            let text = format!("{} {} {}", after.offset, after.link.n, after.link.hash);
            replace(&self.path(OUTBOX_AT), &text)?;
        }
        Ok(progress.may_go_on && progress.delivered == items.len())
    }
}

/// The documents of some lines. A gap stands before what follows a damage.
fn items_of(bytes: &[u8], from: At, reaches_end: bool, written_at: &str) -> Vec<Item> {
    let mut items: Vec<Item> = Vec::new();
    let mut at = from;
    let mut rest = bytes;
    while !rest.is_empty() && items.len() < BATCH_DOCUMENTS_MAX {
        let (line, whole) = match rest.iter().position(|byte| *byte == b'\n') {
            Some(end) => (rest.get(..end).unwrap_or_default(), end + 1),
            None if reaches_end || rest.len() as u64 >= BATCH_BYTES => (rest, rest.len()),
            None => break,
        };
        rest = rest.get(whole..).unwrap_or_default();
        let before = at;
        let read = line::read(line);
        let n = read.as_ref().map_or(before.link.n + 1, |line| line.n);
        at = At { offset: before.offset + whole as u64, link: Link::of(n, line) };
        let problem = match &read {
            None => Some((1, format!("line {} is damaged", before.link.n + 1))),
            Some(read) if read.prev != before.link.hash.to_string() => {
                Some((0, format!("line {} does not follow line {}", read.n, before.link.n)))
            }
            Some(_) => None,
        };
        if let Some((dropped, detail)) = problem {
            let after = if read.is_some() { before } else { at };
            items.push(Item { document: damage(dropped, line.len(), written_at, &detail), after });
        }
        if let Some(read) = read {
            items.push(Item { document: read.document, after: at });
        }
    }
    items
}

/// What tells of a damage, in the same words every time.
fn damage(dropped: u64, byte_count: usize, at: &str, detail: &str) -> String {
    Stamped::gap(&Gap {
        agent: "unknown",
        session_id: None,
        reason: "spool_damaged",
        dropped,
        byte_count: byte_count as u64,
        from: at,
        to: at,
        detail: Some(detail),
    })
    .document()
}

fn time_text(time: std::time::SystemTime) -> String {
    let since = time.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(0)).to_string()
}

fn read_at(path: &Path) -> Option<At> {
    let text = fs::read_to_string(path).ok()?;
    let mut parts = text.split(' ');
    let offset = parts.next()?.parse().ok()?;
    let n = parts.next()?.parse().ok()?;
    let hash: Digest = parts.next()?.trim().parse().ok()?;
    Some(At { offset, link: Link { n, hash } })
}

/// How much of the outbox is delivered.
pub(super) fn offset_of(path: &Path) -> u64 {
    read_at(path).map_or(0, |at| at.offset)
}
