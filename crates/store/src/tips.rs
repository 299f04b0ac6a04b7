//! The ends of streams that the writer has at hand: what the next event of a stream follows.
//!
//! A cache over the log with a bounded number of streams, and the changes of the group that is
//! being assigned, which can be taken back. It never decides; it only remembers.

use annals_core::hash::Digest;
use annals_core::id::Seq;
use annals_core::record::HeaderRef;

use crate::contract::ReadFailure;
use crate::keys::{KeyMap, Keys};

/// Streams remembered before the memory is emptied; about 200 bytes each.
const STREAM_COUNT_MAX: usize = 32_768;

/// A stream's name, read where it lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StreamName<'a> {
    pub(crate) workspace_id: &'a str,
    pub(crate) stream_type: &'a str,
    pub(crate) stream_id: &'a str,
}

impl<'a> StreamName<'a> {
    pub(crate) fn of(header: &HeaderRef<'a>) -> Self {
        Self {
            workspace_id: header.workspace_id,
            stream_type: header.stream_type,
            stream_id: header.stream_id,
        }
    }

    pub(crate) fn key(&self, keys: &mut Keys) -> u64 {
        keys.stream(self.workspace_id, self.stream_type, self.stream_id)
    }
}

/// What the next event of a stream follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tip {
    pub(crate) seq: Seq,
    pub(crate) event_hash: Digest,
}

impl Tip {
    /// The tip of a stream without events.
    pub(crate) const NEW: Self = Self { seq: Seq(0), event_hash: Digest::ZERO };
}

#[derive(Debug)]
struct Entry {
    workspace_id: Box<str>,
    stream_type: Box<str>,
    stream_id: Box<str>,
    tip: Tip,
}

impl Entry {
    fn is(&self, stream: StreamName<'_>) -> bool {
        *self.stream_id == *stream.stream_id
            && *self.stream_type == *stream.stream_type
            && *self.workspace_id == *stream.workspace_id
    }
}

/// Where a tip was changed and what it was before.
#[derive(Debug)]
struct Change {
    key: u64,
    place: usize,
    before: Tip,
}

/// The tips at hand. Streams that share a key are told apart by name.
#[derive(Debug, Default)]
pub(crate) struct Tips {
    by_key: KeyMap<Vec<Entry>>,
    changes: Vec<Change>,
}

impl Tips {
    /// A stream's tip, asked of the log when it is not at hand.
    pub(crate) fn get(
        &mut self,
        key: u64,
        stream: StreamName<'_>,
        ask_log: impl FnOnce() -> Result<Tip, ReadFailure>,
    ) -> Result<Tip, ReadFailure> {
        let entries = self.by_key.entry(key).or_default();
        if let Some(entry) = entries.iter().find(|entry| entry.is(stream)) {
            return Ok(entry.tip);
        }
        let tip = ask_log()?;
        entries.push(Entry {
            workspace_id: stream.workspace_id.into(),
            stream_type: stream.stream_type.into(),
            stream_id: stream.stream_id.into(),
            tip,
        });
        Ok(tip)
    }

    /// Moves the tip of a stream that [`Self::get`] has returned since the last [`Self::trim`].
    pub(crate) fn set(&mut self, key: u64, stream: StreamName<'_>, tip: Tip) {
        let Some(entries) = self.by_key.get_mut(&key) else { return };
        let Some(place) = entries.iter().position(|entry| entry.is(stream)) else { return };
        let before = std::mem::replace(&mut entries[place].tip, tip);
        self.changes.push(Change { key, place, before });
    }

    pub(crate) fn change_count(&self) -> usize {
        self.changes.len()
    }

    /// Takes back all changes but the first `keep`, newest first.
    pub(crate) fn roll_back(&mut self, keep: usize) {
        for change in self.changes.drain(keep..).rev() {
            if let Some(entries) = self.by_key.get_mut(&change.key) {
                entries[change.place].tip = change.before;
            }
        }
    }

    pub(crate) fn commit(&mut self) {
        self.changes.clear();
    }

    /// Forgets everything when there is too much, between two groups.
    pub(crate) fn trim(&mut self) {
        if self.by_key.len() > STREAM_COUNT_MAX {
            self.by_key.clear();
        }
    }
}
