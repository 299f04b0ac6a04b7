//! The newest checkpoint seen of every log, kept in a directory of the reader's own.
//!
//! A log that is rolled back to an old copy looks sound by itself. Only somebody who remembers can
//! tell. It lies outside every data directory, so that whoever replaces a log does not replace it too.
//! INVARIANT (never backwards): a remembered size grows, or stays.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use annals_core::checkpoint::SignedCheckpoint;
use annals_core::id::LogId;
use annals_core::note::VerifierKey;
use serde::{Deserialize, Serialize};

/// What is remembered of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remembered {
    /// The key that signed.
    pub key: VerifierKey,
    /// Keys that were seen to sign before it, newest first.
    pub former_keys: Vec<VerifierKey>,
    /// The newest checkpoint seen.
    pub checkpoint: SignedCheckpoint,
}

impl Remembered {
    /// Events of the log when it was last seen.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.checkpoint.checkpoint().size
    }
}

/// Persisted: a file of one JSON object per log.
#[derive(Serialize, Deserialize)]
struct MemoryFile {
    key: String,
    #[serde(default)]
    former_keys: Vec<String>,
    checkpoint: String,
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
        let text = match fs::read_to_string(self.file(log_id)?) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            read => read?,
        };
        let file: MemoryFile = serde_json::from_str(&text).map_err(io::Error::other)?;
        let key = file.key.parse().map_err(io::Error::other)?;
        let former_keys: Result<Vec<_>, _> =
            file.former_keys.iter().map(|key| key.parse()).collect();
        let former_keys = former_keys.map_err(io::Error::other)?;
        let checkpoint = SignedCheckpoint::parse(&file.checkpoint).map_err(io::Error::other)?;
        Ok(Some(Remembered { key, former_keys, checkpoint }))
    }

    /// Remembers a checkpoint whose signature and consistency were checked, and whose key is the
    /// remembered one or was handed over to by it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn remember(
        &self,
        log_id: &str,
        key: &VerifierKey,
        checkpoint: &SignedCheckpoint,
    ) -> io::Result<()> {
        let known = self.recall(log_id)?;
        let size = checkpoint.checkpoint().size;
        if known.as_ref().is_some_and(|known| known.size() > size) {
            return Ok(());
        }
        let mut former_keys = Vec::new();
        if let Some(known) = known {
            former_keys.extend((known.key != *key).then(|| known.key.to_string()));
            former_keys.extend(known.former_keys.iter().map(ToString::to_string));
        }
        fs::create_dir_all(&self.directory)?;
        let path = self.file(log_id)?;
        let file =
            MemoryFile { key: key.to_string(), former_keys, checkpoint: checkpoint.to_string() };
        let text = serde_json::to_string_pretty(&file).map_err(io::Error::other)?;
        // Of two writers at once each needs a file of its own; the last rename wins whole.
        let tmp = path.with_extension(format!("{}.tmp", std::process::id()));
        let mut out = fs::File::create(&tmp)?;
        out.write_all(text.as_bytes())?;
        out.sync_all()?;
        fs::rename(&tmp, &path)
    }

    fn file(&self, log_id: &str) -> io::Result<PathBuf> {
        // The id comes from a server: it must not name another place.
        if log_id.parse::<LogId>().is_err() {
            return Err(io::Error::other(format!("`{log_id}` is no log id")));
        }
        Ok(self.directory.join(format!("{log_id}.json")))
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

    fn signed(size: u64, key: &SigningKey) -> SignedCheckpoint {
        let origin = "annals.local/test".to_owned();
        SignedCheckpoint::sign(Checkpoint { origin, size, root: Digest::new([1; 32]) }, key)
    }

    #[test]
    fn what_was_seen_is_recalled_and_never_goes_back() {
        let dir = tempfile::tempdir().unwrap();
        let memory = CheckpointMemory::at(dir.path().join("deep").join("er"));
        assert_eq!(memory.recall(LOG_ID).unwrap(), None);
        let key = key(7);
        for (size, remembered) in [(5, 5), (3, 5), (8, 8)] {
            memory.remember(LOG_ID, &key.verifier(), &signed(size, &key)).unwrap();
            assert_eq!(memory.recall(LOG_ID).unwrap().unwrap().size(), remembered);
        }
    }

    #[test]
    fn keys_that_gave_way_are_remembered_newest_first() {
        let dir = tempfile::tempdir().unwrap();
        let memory = CheckpointMemory::at(dir.path());
        let keys = [key(1), key(2), key(3)];
        for (size, key) in (1..).zip(&keys) {
            memory.remember(LOG_ID, &key.verifier(), &signed(size, key)).unwrap();
        }
        let remembered = memory.recall(LOG_ID).unwrap().unwrap();
        assert_eq!(remembered.key, keys[2].verifier());
        assert_eq!(remembered.former_keys, [keys[1].verifier(), keys[0].verifier()]);
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
        let key = key(7);
        memory.remember(LOG_ID, &key.verifier(), &signed(5, &key)).unwrap();
        fs::write(dir.path().join(format!("{LOG_ID}.json")), "{").unwrap();
        assert!(memory.recall(LOG_ID).is_err());
    }
}
