//! The newest checkpoint seen of every log, kept in a directory of the reader's own.
//!
//! A log that is rolled back to an old copy looks sound by itself. Only somebody who remembers can
//! tell. It lies outside every data directory, so that whoever replaces a log does not replace it too.
//! INVARIANT (never backwards): a remembered size grows, or stays, whoever writes at the same time.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use annals_core::checkpoint::SignedCheckpoint;
use annals_core::id::LogId;
use annals_core::note::VerifierKey;
use serde::{Deserialize, Serialize};

use super::VerifyError;
use super::keys::{FormerKey, KeyChain};
use super::report::{LogFault, LogFaultKind};

/// Makes the names of files apart that one process writes.
static FILE_COUNT: AtomicU64 = AtomicU64::new(0);

/// What is remembered of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remembered {
    /// The key that signed.
    pub key: VerifierKey,
    /// Keys that signed before it, each with the size at which it ended.
    pub former_keys: Vec<FormerKey>,
    /// The newest checkpoint seen.
    pub checkpoint: SignedCheckpoint,
}

impl Remembered {
    /// Events of the log when it was last seen.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.checkpoint.checkpoint().size
    }

    /// The keys that are known to have signed.
    #[must_use]
    pub fn keys(&self) -> KeyChain {
        KeyChain { key: self.key.clone(), former_keys: self.former_keys.clone() }
    }
}

/// Persisted: a file of one JSON object per log.
#[derive(Serialize, Deserialize)]
struct MemoryFile {
    key: String,
    #[serde(default)]
    ended_keys: Vec<EndedKey>,
    checkpoint: String,
}

/// Persisted: a former key.
#[derive(Serialize, Deserialize)]
struct EndedKey {
    key: String,
    last_size: u64,
}

impl MemoryFile {
    fn of(keys: &KeyChain, checkpoint: &SignedCheckpoint) -> Self {
        let ended = |former: &FormerKey| EndedKey {
            key: former.key.to_string(),
            last_size: former.last_size,
        };
        Self {
            key: keys.key.to_string(),
            ended_keys: keys.former_keys.iter().map(ended).collect(),
            checkpoint: checkpoint.to_string(),
        }
    }

    fn read(path: &Path) -> io::Result<Option<Remembered>> {
        let text = match fs::read_to_string(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            read => read?,
        };
        let remembered = Self::parse(&text)
            .map_err(|problem| io::Error::other(format!("{}: {problem}", path.display())))?;
        Ok(Some(remembered))
    }

    fn parse(text: &str) -> Result<Remembered, Box<dyn std::error::Error + Send + Sync>> {
        let file: Self = serde_json::from_str(text)?;
        let mut former_keys = Vec::new();
        for ended in &file.ended_keys {
            former_keys.push(FormerKey { key: ended.key.parse()?, last_size: ended.last_size });
        }
        let checkpoint = SignedCheckpoint::parse(&file.checkpoint)?;
        Ok(Remembered { key: file.key.parse()?, former_keys, checkpoint })
    }
}

/// Remembers checkpoints in a directory.
#[derive(Debug, Clone)]
pub struct CheckpointMemory {
    directory: PathBuf,
}

impl CheckpointMemory {
    /// A memory in a directory, which is made when there is something to remember.
    #[must_use]
    pub fn at(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into() }
    }

    /// Where it lies.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// What is remembered of a log.
    ///
    /// # Errors
    /// When it is there and cannot be read: then nobody may take the log for one never seen.
    pub fn recall(&self, log_id: &str) -> io::Result<Option<Remembered>> {
        MemoryFile::read(&self.file(log_id, "json")?)
    }

    /// What is remembered of a log that goes by this id and signs under this name.
    ///
    /// # Errors
    /// When another id is remembered under that name: an id is not signed, so whoever is asked
    /// could choose one that nobody remembers. And when what is there cannot be read.
    pub fn recall_log(
        &self,
        log_id: &str,
        origin: &str,
    ) -> Result<Option<Remembered>, VerifyError> {
        let other = self.other_id_of(log_id, origin).map_err(VerifyError::Memory)?;
        if let Some(other) = other {
            let message = format!(
                "the log signs as {origin}, which is known here as the log {other} and now is said \
                 to be {log_id}"
            );
            return Err(LogFault::of_log(LogFaultKind::ForeignLog, message).into());
        }
        self.recall(log_id).map_err(VerifyError::Memory)
    }

    /// Another id that a log of this name is remembered under.
    fn other_id_of(&self, log_id: &str, origin: &str) -> io::Result<Option<String>> {
        let entries = match fs::read_dir(&self.directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            entries => entries?,
        };
        for entry in entries {
            let path = entry?.path();
            let is_memory = path.extension().is_some_and(|extension| extension == "json");
            let Some(id) = path.file_stem().and_then(|id| id.to_str()) else { continue };
            if !is_memory || id == log_id || id.parse::<LogId>().is_err() {
                continue;
            }
            let remembered = MemoryFile::read(&path)?;
            if remembered.is_some_and(|known| known.checkpoint.checkpoint().origin == origin) {
                return Ok(Some(id.to_owned()));
            }
        }
        Ok(None)
    }

    /// Remembers a checkpoint whose signature and consistency were checked, and whose key is the
    /// remembered one or was handed over to by it.
    ///
    /// # Errors
    /// When it cannot be written, or another tree of its size was remembered meanwhile.
    pub fn remember(
        &self,
        log_id: &str,
        keys: &KeyChain,
        checkpoint: &SignedCheckpoint,
    ) -> io::Result<()> {
        fs::create_dir_all(&self.directory)?;
        // Between looking and writing nobody else may write.
        let lock = File::create(self.file(log_id, "lock")?)?;
        lock.lock()?;
        let mut keys = keys.clone();
        if let Some(known) = self.recall(log_id)? {
            let (old, new) = (known.checkpoint.checkpoint(), checkpoint.checkpoint());
            if old.size > new.size {
                return Ok(());
            }
            if old.size == new.size && old.root != new.root {
                let message = "another history of this log was remembered meanwhile; verify again";
                return Err(io::Error::other(message));
            }
            keys.keep(&known.former_keys);
        }
        self.write(log_id, &MemoryFile::of(&keys, checkpoint))
    }

    fn write(&self, log_id: &str, file: &MemoryFile) -> io::Result<()> {
        let text = serde_json::to_string_pretty(file).map_err(io::Error::other)?;
        let count = FILE_COUNT.fetch_add(1, Ordering::Relaxed);
        let tmp = self.file(log_id, &format!("{}-{count}.tmp", std::process::id()))?;
        let mut out = File::create(&tmp)?;
        out.write_all(text.as_bytes())?;
        out.sync_all()?;
        fs::rename(&tmp, self.file(log_id, "json")?)?;
        // Only then does the new name outlast a power loss. Elsewhere a directory cannot be synced.
        #[cfg(unix)]
        File::open(&self.directory)?.sync_all()?;
        Ok(())
    }

    fn file(&self, log_id: &str, extension: &str) -> io::Result<PathBuf> {
        // The id comes from a server: it must not name another place.
        if log_id.parse::<LogId>().is_err() {
            return Err(io::Error::other(format!("`{log_id}` is no log id")));
        }
        Ok(self.directory.join(format!("{log_id}.{extension}")))
    }
}

#[cfg(test)]
mod tests {
    use annals_core::checkpoint::Checkpoint;
    use annals_core::hash::Digest;
    use annals_core::note::SigningKey;

    use super::*;

    const LOG_ID: &str = "e084a3b3-838f-b1e6-c66a-74f5d23e1d26";

    fn key(seed: u8) -> SigningKey {
        SigningKey::from_seed("annals.local/test", [seed; 32]).unwrap()
    }

    fn keys(seed: u8) -> KeyChain {
        KeyChain { key: key(seed).verifier(), former_keys: Vec::new() }
    }

    fn signed(size: u64, key: &SigningKey) -> SignedCheckpoint {
        rooted(size, 1, key)
    }

    fn rooted(size: u64, root: u8, key: &SigningKey) -> SignedCheckpoint {
        let origin = "annals.local/test".to_owned();
        SignedCheckpoint::sign(Checkpoint { origin, size, root: Digest::new([root; 32]) }, key)
    }

    #[test]
    fn what_was_seen_is_recalled_and_never_goes_back() {
        let dir = tempfile::tempdir().unwrap();
        let memory = CheckpointMemory::at(dir.path().join("deep").join("er"));
        assert_eq!(memory.recall(LOG_ID).unwrap(), None);
        for (size, remembered) in [(5, 5), (3, 5), (8, 8)] {
            memory.remember(LOG_ID, &keys(7), &signed(size, &key(7))).unwrap();
            assert_eq!(memory.recall(LOG_ID).unwrap().unwrap().size(), remembered);
        }
        assert!(memory.remember(LOG_ID, &keys(7), &rooted(8, 2, &key(7))).is_err());
    }

    #[test]
    fn of_many_writers_at_once_the_largest_size_is_remembered() {
        let dir = tempfile::tempdir().unwrap();
        let memory = CheckpointMemory::at(dir.path());
        std::thread::scope(|scope| {
            for writer in 0..4 {
                let memory = &memory;
                scope.spawn(move || {
                    for step in 1..=10 {
                        let checkpoint = signed(step * 4 + writer, &key(7));
                        memory.remember(LOG_ID, &keys(7), &checkpoint).unwrap();
                    }
                });
            }
        });
        assert_eq!(memory.recall(LOG_ID).unwrap().unwrap().size(), 43);
        let left_over = fs::read_dir(dir.path()).unwrap().count();
        assert_eq!(left_over, 2, "the memory and its lock");
    }

    #[test]
    fn keys_that_gave_way_stay_known_with_their_last_size() {
        let dir = tempfile::tempdir().unwrap();
        let memory = CheckpointMemory::at(dir.path());
        let former = |seed, last_size| FormerKey { key: key(seed).verifier(), last_size };
        let mut first = keys(2);
        first.former_keys.push(former(1, 3));
        memory.remember(LOG_ID, &first, &signed(5, &key(2))).unwrap();
        let mut second = keys(3);
        second.former_keys.push(former(2, 7));
        memory.remember(LOG_ID, &second, &signed(9, &key(3))).unwrap();
        let remembered = memory.recall(LOG_ID).unwrap().unwrap();
        assert_eq!(remembered.key, key(3).verifier());
        assert_eq!(remembered.former_keys, [former(2, 7), former(1, 3)]);
    }

    #[test]
    fn a_name_that_is_known_under_another_id_is_a_fault() {
        let dir = tempfile::tempdir().unwrap();
        let memory = CheckpointMemory::at(dir.path());
        memory.remember(LOG_ID, &keys(7), &signed(5, &key(7))).unwrap();
        let other = "f084a3b3-838f-b1e6-c66a-74f5d23e1d26";
        assert!(memory.recall_log(LOG_ID, "annals.local/test").unwrap().is_some());
        assert!(memory.recall_log(other, "annals.local/another").unwrap().is_none());
        let error = memory.recall_log(other, "annals.local/test").unwrap_err();
        let VerifyError::Fault(fault) = error else { unreachable!("{error}") };
        assert_eq!(fault.kind, LogFaultKind::ForeignLog);
    }

    #[test]
    fn a_servers_log_id_names_no_other_place() {
        let memory = CheckpointMemory::at("nowhere");
        for wrong in ["", "../../etc/passwd", "e084a3b3-838f-b1e6-c66a-74f5d23e1d2/", "x"] {
            assert!(memory.recall(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_damaged_memory_is_no_empty_one() {
        let dir = tempfile::tempdir().unwrap();
        let memory = CheckpointMemory::at(dir.path());
        memory.remember(LOG_ID, &keys(7), &signed(5, &key(7))).unwrap();
        fs::write(dir.path().join(format!("{LOG_ID}.json")), "{").unwrap();
        assert!(memory.recall(LOG_ID).is_err());
    }
}
