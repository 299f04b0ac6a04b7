//! Index keys: 64 bits that stand for "kind of thing, workspace, value".
//!
//! A key is a hint. INVARIANT (hash matches are verified): two things can share a key, so whoever
//! finds an event by key compares the event's header before using it.
//! The derivation is persisted in index files (`docs/formats/index.md`): never reuse a kind.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use annals_core::id::LogId;
use annals_core::record::HeaderRef;

use crate::query::{Filter, Origin, TypePattern};

/// The kinds of keys. Persisted: never reuse or reorder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum KeyKind {
    EventId = 1,
    IdempotencyKey = 2,
    Stream = 3,
    EventType = 4,
    EventTypePrefix = 5,
    Run = 6,
    Room = 7,
    Thread = 8,
    Mission = 9,
    Step = 10,
    Actor = 11,
    Correlation = 12,
    Workspace = 13,
    /// The first event of each stream of a workspace.
    StreamBirth = 14,
    /// The first event of each stream of a kind.
    StreamTypeBirth = 15,
    /// The dialect that an event came in by; no value for those that came in none.
    Origin = 16,
}

/// Set in the keys that go into the filter of an index file.
const FILTERED_BIT: u64 = 1;

/// What stands for the dialect of an event that came in none; no dialect has an empty name.
const NO_DIALECT: &str = "";

/// Whether a key goes into the filter of an index file.
pub(crate) fn is_filtered(key: u64) -> bool {
    key & FILTERED_BIT != 0
}

impl KeyKind {
    /// Appends ask for identities and streams that are mostly absent; the filter answers them.
    fn is_filtered(self) -> bool {
        matches!(self, Self::EventId | Self::IdempotencyKey | Self::Stream)
    }
}

/// Makes keys for one log.
#[derive(Debug, Clone)]
pub(crate) struct Keys {
    seed: u64,
    scratch: Vec<u8>,
    /// The last keys that [`Self::postings`] made, in the order in which it makes them: neighbouring
    /// events have most of them in common.
    recent: Vec<RecentKey>,
}

/// A key with what it was made from.
#[derive(Debug, Clone)]
struct RecentKey {
    kind: KeyKind,
    workspace_id: String,
    value: String,
    key: u64,
}

/// So many keys are remembered; few events have more.
const RECENT_COUNT_MAX: usize = 12;

impl Keys {
    /// Keys differ from log to log, so that colliding ids cannot be prepared for all of them.
    pub(crate) fn new(log_id: LogId) -> Self {
        let [a, b, c, d, e, f, g, h, ..] = *log_id.as_bytes();
        Self {
            seed: u64::from_le_bytes([a, b, c, d, e, f, g, h]),
            scratch: Vec::with_capacity(640),
            recent: Vec::new(),
        }
    }

    pub(crate) fn event_id(&mut self, workspace_id: &str, event_id: &[u8; 16]) -> u64 {
        self.key(KeyKind::EventId, workspace_id, &[event_id])
    }

    pub(crate) fn idempotency(
        &mut self,
        workspace_id: &str,
        stream_type: &str,
        stream_id: &str,
        key: &str,
    ) -> u64 {
        let parts = [stream_type.as_bytes(), stream_id.as_bytes(), key.as_bytes()];
        self.key(KeyKind::IdempotencyKey, workspace_id, &parts)
    }

    pub(crate) fn stream(&mut self, workspace_id: &str, stream_type: &str, stream_id: &str) -> u64 {
        let parts = [stream_type.as_bytes(), stream_id.as_bytes()];
        self.key(KeyKind::Stream, workspace_id, &parts)
    }

    pub(crate) fn workspace(&mut self, workspace_id: &str) -> u64 {
        self.key(KeyKind::Workspace, workspace_id, &[])
    }

    /// The key under which a stream's first event is found when streams are listed.
    pub(crate) fn birth(&mut self, workspace_id: &str, stream_type: Option<&str>) -> u64 {
        match stream_type {
            Some(kind) => self.key(KeyKind::StreamTypeBirth, workspace_id, &[kind.as_bytes()]),
            None => self.key(KeyKind::StreamBirth, workspace_id, &[]),
        }
    }

    pub(crate) fn filter(&mut self, workspace_id: &str, filter: &Filter) -> u64 {
        let (kind, value) = match filter {
            Filter::Stream(key) => {
                return self.stream(workspace_id, key.stream_type.as_str(), key.stream_id.as_str());
            }
            Filter::Run(id) => (KeyKind::Run, id.as_str()),
            Filter::Room(id) => (KeyKind::Room, id.as_str()),
            Filter::Thread(id) => (KeyKind::Thread, id.as_str()),
            Filter::Mission(id) => (KeyKind::Mission, id.as_str()),
            Filter::Step(id) => (KeyKind::Step, id.as_str()),
            Filter::Actor(id) => (KeyKind::Actor, id.as_str()),
            Filter::Correlation(id) => (KeyKind::Correlation, id.as_str()),
        };
        self.key(kind, workspace_id, &[value.as_bytes()])
    }

    pub(crate) fn type_pattern(&mut self, workspace_id: &str, pattern: &TypePattern) -> u64 {
        let (kind, value) = match pattern {
            TypePattern::Exact(exact) => (KeyKind::EventType, exact.as_str()),
            TypePattern::Below(prefix) => (KeyKind::EventTypePrefix, prefix.as_str()),
        };
        self.key(kind, workspace_id, &[value.as_bytes()])
    }

    pub(crate) fn origin(&mut self, workspace_id: &str, origin: &Origin) -> u64 {
        let name = match origin {
            Origin::Native => NO_DIALECT,
            Origin::Dialect(name) => name.as_str(),
        };
        self.key(KeyKind::Origin, workspace_id, &[name.as_bytes()])
    }

    /// The identities of an event, which an append must look up.
    pub(crate) fn identities(&mut self, header: &HeaderRef<'_>, mut found: impl FnMut(u64)) {
        let workspace_id = header.workspace_id;
        found(self.event_id(workspace_id, header.event_id.as_bytes()));
        if let Some(key) = header.idempotency_key {
            found(self.idempotency(workspace_id, header.stream_type, header.stream_id, key));
        }
    }

    /// All that an event is found by beside its identities.
    pub(crate) fn postings(&mut self, header: &HeaderRef<'_>, mut found: impl FnMut(u64)) {
        let workspace_id = header.workspace_id;
        let mut turn = 0..;
        let mut key = |keys: &mut Self, kind, value| {
            keys.recent_key(turn.next().unwrap_or(usize::MAX), kind, workspace_id, value)
        };
        found(self.workspace(workspace_id));
        found(self.stream(workspace_id, header.stream_type, header.stream_id));
        if header.stream_seq.get() == 1 {
            found(self.birth(workspace_id, None));
            found(self.birth(workspace_id, Some(header.stream_type)));
        }
        let event_type = header.event_type;
        found(key(self, KeyKind::EventType, event_type));
        for (end, _) in event_type.match_indices('.') {
            let prefix = event_type.get(..end).unwrap_or_default();
            found(key(self, KeyKind::EventTypePrefix, prefix));
        }
        let values = [
            (KeyKind::Run, header.run_id),
            (KeyKind::Room, header.room_id),
            (KeyKind::Thread, header.thread_id),
            (KeyKind::Mission, header.mission_id),
            (KeyKind::Step, header.step_id),
            (KeyKind::Actor, Some(header.actor_id)),
            (KeyKind::Correlation, Some(header.correlation_id)),
            (KeyKind::Origin, Some(header.origin_dialect.unwrap_or(NO_DIALECT))),
        ];
        for (kind, value) in values {
            if let Some(value) = value {
                found(key(self, kind, value));
            }
        }
    }

    /// A key of one value, made only if the last event had another one in the same turn.
    fn recent_key(&mut self, turn: usize, kind: KeyKind, workspace_id: &str, value: &str) -> u64 {
        let recent = self.recent.get(turn);
        let is_same = |recent: &&RecentKey| {
            recent.kind == kind && recent.value == value && recent.workspace_id == workspace_id
        };
        if let Some(recent) = recent.filter(is_same) {
            return recent.key;
        }
        let key = self.key(kind, workspace_id, &[value.as_bytes()]);
        let is_next = turn == self.recent.len() && turn < RECENT_COUNT_MAX;
        match self.recent.get_mut(turn) {
            Some(recent) => {
                (recent.kind, recent.key) = (kind, key);
                workspace_id.clone_into(&mut recent.workspace_id);
                value.clone_into(&mut recent.value);
            }
            None if is_next => {
                let (workspace_id, value) = (workspace_id.to_owned(), value.to_owned());
                self.recent.push(RecentKey { kind, workspace_id, value, key });
            }
            None => {}
        }
        key
    }

    fn key(&mut self, kind: KeyKind, workspace_id: &str, values: &[&[u8]]) -> u64 {
        self.scratch.clear();
        self.scratch.push(kind as u8);
        self.put(workspace_id.as_bytes());
        for value in values {
            self.put(value);
        }
        let hash = xxhash_rust::xxh3::xxh3_64_with_seed(&self.scratch, self.seed);
        hash & !FILTERED_BIT | if kind.is_filtered() { FILTERED_BIT } else { 0 }
    }

    /// Two bytes of length are enough: every id has at most 256 bytes.
    fn put(&mut self, value: &[u8]) {
        let len = u16::try_from(value.len()).unwrap_or(u16::MAX);
        self.scratch.extend_from_slice(&len.to_le_bytes());
        self.scratch.extend_from_slice(value);
    }
}

/// Takes a key as its own hash, because it is one.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, key: u64) {
        self.0 = key;
    }
}

/// A map from keys.
pub(crate) type KeyMap<T> = HashMap<u64, T, BuildHasherDefault<KeyHasher>>;

/// Ordinals of events by key, for keys that nearly always have one.
#[derive(Debug, Default)]
pub(crate) struct IdentityMap {
    first: KeyMap<u32>,
    more: KeyMap<Vec<u32>>,
}

impl IdentityMap {
    pub(crate) fn insert(&mut self, key: u64, ordinal: u32) {
        use std::collections::hash_map::Entry;
        match self.first.entry(key) {
            Entry::Vacant(vacant) => {
                vacant.insert(ordinal);
            }
            Entry::Occupied(_) => self.more.entry(key).or_default().push(ordinal),
        }
    }

    /// Takes back the newest insertion of a key.
    pub(crate) fn remove_last(&mut self, key: u64) {
        if let Some(more) = self.more.get_mut(&key)
            && more.pop().is_some()
        {
            return;
        }
        self.first.remove(&key);
    }

    pub(crate) fn get(&self, key: u64) -> impl Iterator<Item = u32> + '_ {
        let first = self.first.get(&key).copied();
        let more: &[u32] = match first {
            Some(_) if !self.more.is_empty() => self.more.get(&key).map_or(&[], Vec::as_slice),
            _ => &[],
        };
        first.into_iter().chain(more.iter().copied())
    }

    pub(crate) fn contains(&self, key: u64) -> bool {
        self.first.contains_key(&key)
    }

    pub(crate) fn reserve(&mut self, count: usize) {
        self.first.reserve(count);
    }

    pub(crate) fn clear(&mut self) {
        self.first.clear();
        self.more.clear();
    }
}
