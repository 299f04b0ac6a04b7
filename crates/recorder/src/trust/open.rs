//! Opening the notary: names and keys are settled, and what was signed is held against the log.
//!
//! Nothing is signed, and no file but keys is changed, before the log was found to be the one that
//! was signed. What a crash left half done is finished here; the log says how.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use annals_core::checkpoint::{CheckpointError, SignedCheckpoint, SignedRotation};
use annals_core::envelope::Authority;
use annals_core::id::{LogId, Position};
use annals_core::note::{SigningKey, VerifierKeyError};
use annals_core::time::Timestamp;
use annals_store::contract::{LogReader, ReadFailure};
use annals_store::query::{PageLimit, Query, TypePattern};
use tokio::sync::watch;

use super::counts::Signed;
use super::files::{TrustFile, TrustFiles};
use super::keys::{self, KeyRing};
use super::restored::Restoration;
use super::rotate::{KEY_ROTATED, KeyRotated, put_in_place};
use super::{NewestCheckpoint, State, Trust, TrustFailure, rotations};
use crate::access::owner_workspace;
use crate::config::Durability;
use crate::world::{Clock, Entropy};

const ORIGIN_HEAD: &str = "annals-origin/1";

/// Why a log is not opened for reasons of trust. The messages are for the person at the machine.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// The log has fewer events than were signed.
    #[error(
        "the log ends at position {head}, but {} says that it had {signed_size} events: positions \
         {} to {signed_size} were cut off, or the directory is an older copy. Nothing was changed. \
         Put the missing segments back from a backup that has them; or, to go on without these \
         events under a new name, move the directory away and run `annals restore MOVED --data \
         {} --accept-loss`",
        .file.display(), .head + 1, .data_dir.display()
    )]
    CutTail {
        /// The checkpoint.
        file: PathBuf,
        /// Events that it says there are.
        signed_size: u64,
        /// Events that there are.
        head: u64,
        /// The data directory.
        data_dir: PathBuf,
    },
    /// The log has other events than were signed.
    #[error(
        "the log is not the one that {} was signed over: the first {size} events lead to the root \
         {found}, not to the signed {signed}. An event was changed, inserted, removed or moved. \
         Nothing was changed. Run `annals verify` on the directory to find the first wrong event, \
         and restore the log from a backup",
        .file.display()
    )]
    OtherHistory {
        /// The checkpoint.
        file: PathBuf,
        /// Events that it covers.
        size: u64,
        /// The root that was signed.
        signed: String,
        /// The root that the events lead to.
        found: String,
    },
    /// The log signed before, but its key is gone.
    #[error(
        "{} does not hold the key that signs for this log, and another would make two histories \
         under one name. Restore the file from wherever secrets of this machine are kept; or, if \
         this directory is a copy, make a log of its own out of it: `annals restore`",
        .file.display()
    )]
    KeyMissing {
        /// Where the key should be.
        file: PathBuf,
    },
    /// A file is not what was written.
    #[error("{} cannot be used: {problem}. Restore the file from a backup", .file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What does not fit.
        problem: String,
    },
    /// A rotation on the log does not hold.
    #[error("the event at position {position} does not rotate this log's key: {problem}")]
    Rotation {
        /// The event.
        position: Position,
        /// What does not fit.
        problem: String,
    },
    /// The name cannot be one.
    #[error("`{origin}` cannot be the name of a log")]
    Origin {
        /// The name.
        origin: String,
        /// Why.
        #[source]
        source: VerifierKeyError,
    },
    /// A file or the tree cannot be used.
    #[error(transparent)]
    Failed(#[from] TrustFailure),
}

impl From<ReadFailure> for TrustError {
    fn from(failure: ReadFailure) -> Self {
        Self::Failed(failure.into())
    }
}

/// What a notary is opened with.
#[derive(Debug)]
pub(crate) struct TrustParts<'a> {
    pub(crate) data_dir: Option<&'a Path>,
    /// The name that a new log gets; none gives it one by its id.
    pub(crate) origin: Option<&'a str>,
    pub(crate) durability: Durability,
    pub(crate) reader: Arc<dyn LogReader>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: &'a dyn Entropy,
    /// Set when the log has failed.
    pub(crate) is_failed: watch::Sender<bool>,
}

impl Trust {
    /// Opens the notary of a log; the second answer is what a restored log must say first.
    pub(crate) fn open(
        parts: TrustParts<'_>,
    ) -> Result<(Arc<Self>, Option<Restoration>), TrustError> {
        let opening = Opening {
            files: TrustFiles::of(parts.data_dir),
            log_id: parts.reader.log_id(),
            parts: &parts,
        };
        opening.files.erase_leftovers()?;
        let newest = opening.read_checkpoint(TrustFile::Checkpoint)?;
        let cosigned = opening.read_checkpoint(TrustFile::Cosigned)?;
        for (file, signed) in [(TrustFile::Checkpoint, &newest), (TrustFile::Cosigned, &cosigned)] {
            opening.check_size(file, signed.as_deref())?;
        }
        let origin = opening.settle_origin()?;
        let keys = opening.settle_keys(&origin, newest.is_some())?;
        let state = State { keys, newest: newest.clone(), cosigned, is_closed: false };
        let trust = Self {
            origin,
            durability: parts.durability,
            reader: Arc::clone(&parts.reader),
            clock: Arc::clone(&parts.clock),
            files: opening.files.clone(),
            is_failed: parts.is_failed.clone(),
            state: Mutex::new(state),
            signed: Signed::before(opening.signed_at()),
            published: watch::Sender::new(newest),
        };
        trust.check_signed()?;
        let restoration = trust.restoration()?;
        Ok((Arc::new(trust), restoration))
    }

    /// Holds what was signed against keys and log.
    fn check_signed(&self) -> Result<(), TrustError> {
        let state = self.lock();
        for (file, signed) in
            [(TrustFile::Checkpoint, &state.newest), (TrustFile::Cosigned, &state.cosigned)]
        {
            let Some(signed) = signed else { continue };
            let key = state.keys.key_for(signed.checkpoint().size);
            if let Err(error) = signed.verify(&key) {
                return Err(self.damaged(file, &error.to_string()));
            }
            self.check_root(file, signed)?;
        }
        Ok(())
    }

    /// INVARIANT (never smaller): the tree at the signed size is the signed one. The tree's files
    /// are derived, so they are made anew before the log is accused.
    fn check_root(&self, file: TrustFile, signed: &SignedCheckpoint) -> Result<(), TrustError> {
        let checkpoint = signed.checkpoint();
        self.tree().grow()?;
        if self.has_root(checkpoint)? {
            return Ok(());
        }
        Err(TrustError::OtherHistory {
            file: self.files.path(file),
            size: checkpoint.size,
            signed: checkpoint.root.to_string(),
            found: self.tree_root(checkpoint.size)?.to_string(),
        })
    }

    /// What must come first on a log that was made of another and has nothing of its own yet.
    fn restoration(&self) -> Result<Option<Restoration>, TrustError> {
        let size = self.reader.head().position.get();
        let lineage = self.reader.lineage();
        let Some(parent) = lineage.last().filter(|parent| parent.last_position.get() == size)
        else {
            return Ok(None);
        };
        let checkpoint = self.parent_checkpoint(size)?;
        self.tree().grow()?;
        let root = self.tree_root(size)?;
        let (log_id, parent_log_id) = (self.reader.log_id(), parent.log_id);
        Ok(Some(Restoration { log_id, parent_log_id, size, root, checkpoint }))
    }

    /// The checkpoint that came with the copy. It may be of a longer log: that is what the event
    /// then says. A checkpoint of other events is refused.
    fn parent_checkpoint(&self, size: u64) -> Result<Option<SignedCheckpoint>, TrustError> {
        let file = TrustFile::ParentCheckpoint;
        let Some(text) = self.files.read(file)? else { return Ok(None) };
        let parent = SignedCheckpoint::parse(&text)
            .map_err(|error| self.damaged(file, &error.to_string()))?;
        if parent.checkpoint().size <= size {
            self.check_root(file, &parent)?;
        }
        Ok(Some(parent))
    }

    fn damaged(&self, file: TrustFile, problem: &str) -> TrustError {
        TrustError::Damaged { file: self.files.path(file), problem: problem.to_owned() }
    }
}

/// The name of a log that nobody gave another.
pub(super) fn default_origin(log_id: LogId) -> String {
    format!("annals.local/{log_id}")
}

/// What the steps of an opening share.
struct Opening<'a> {
    files: TrustFiles,
    log_id: LogId,
    parts: &'a TrustParts<'a>,
}

impl Opening<'_> {
    fn read_checkpoint(&self, file: TrustFile) -> Result<NewestCheckpoint, TrustError> {
        let Some(text) = self.files.read(file)? else { return Ok(None) };
        match SignedCheckpoint::parse(&text) {
            Ok(signed) => Ok(Some(Arc::new(signed))),
            Err(error) => Err(self.damaged(file, &error)),
        }
    }

    /// The first thing to know: everything else is judged by what the log still says.
    fn check_size(
        &self,
        file: TrustFile,
        signed: Option<&SignedCheckpoint>,
    ) -> Result<(), TrustError> {
        let head = self.parts.reader.head().position.get();
        match signed.map(|signed| signed.checkpoint().size) {
            Some(signed_size) if signed_size > head => {
                let data_dir = self.parts.data_dir.unwrap_or(Path::new("DIR")).to_owned();
                Err(TrustError::CutTail {
                    file: self.files.path(file),
                    signed_size,
                    head,
                    data_dir,
                })
            }
            _ => Ok(()),
        }
    }

    fn signed_at(&self) -> Option<Timestamp> {
        self.files.modified_micros(TrustFile::Checkpoint).map(Timestamp::from_micros)
    }

    /// The name that was chosen at the log's first start.
    fn settle_origin(&self) -> Result<String, TrustError> {
        let file = TrustFile::Origin;
        if let Some(text) = self.files.read(file)? {
            let origin =
                self.parse_origin(&text).map_err(|problem| self.damaged(file, &problem))?;
            if self.parts.origin.is_some_and(|wanted| wanted != origin) {
                tracing::warn!(%origin, wanted = ?self.parts.origin, "a log keeps its first name");
            }
            return Ok(origin);
        }
        if self.files.exists(TrustFile::Key) {
            return Err(self.damaged(file, &"it is not there"));
        }
        // A backup has the public part and no secret; it is not the log itself.
        if self.files.exists(TrustFile::Keys) || self.files.exists(TrustFile::Checkpoint) {
            return Err(self.key_missing());
        }
        // INVARIANT (one history a name): a configured name is perhaps the parent's.
        let wanted = self.parts.origin.filter(|_| self.parts.reader.lineage().is_empty());
        let origin = wanted.map_or_else(|| default_origin(self.log_id), str::to_owned);
        let checked = SigningKey::from_seed(&origin, [0; 32]);
        checked.map_err(|source| TrustError::Origin { origin: origin.clone(), source })?;
        self.files.write(file, &format!("{ORIGIN_HEAD} {}\n{origin}\n", self.log_id))?;
        Ok(origin)
    }

    fn parse_origin(&self, text: &str) -> Result<String, &'static str> {
        let mut lines = text.lines();
        keys::expect_head(lines.next(), ORIGIN_HEAD, self.log_id)?;
        match lines.next() {
            // A name that no key can have would be found out only when the first key is made.
            Some(origin) if SigningKey::from_seed(origin, [0; 32]).is_ok() => Ok(origin.to_owned()),
            _ => Err("it has no name that a log may have"),
        }
    }

    fn settle_keys(&self, origin: &str, has_signed: bool) -> Result<KeyRing, TrustError> {
        let rotations = self.rotations(origin)?;
        let signing = match rotations.last() {
            Some(last) => self.rotated_key(origin, last)?,
            None => self.first_key(origin, has_signed)?,
        };
        let ring = KeyRing::new(signing, rotations);
        self.settle_rotations(ring.rotations())?;
        self.settle_public_keys(&ring)?;
        Ok(ring)
    }

    /// The key of a log that has never changed it, made at its first start.
    fn first_key(&self, origin: &str, has_signed: bool) -> Result<SigningKey, TrustError> {
        // A rotation that did not get as far as its event.
        self.files.erase(TrustFile::NextKey)?;
        if let Some(key) = self.read_key(TrustFile::Key, origin)? {
            return Ok(key);
        }
        if has_signed || self.files.exists(TrustFile::Keys) {
            return Err(self.key_missing());
        }
        let seed = keys::new_seed(self.parts.entropy);
        let key = keys::signing_key(origin, seed);
        self.files.write(TrustFile::Key, &keys::render_seed(self.log_id, &key, &seed))?;
        Ok(key)
    }

    /// The key that the last rotation names, from wherever a crash left it.
    fn rotated_key(&self, origin: &str, last: &SignedRotation) -> Result<SigningKey, TrustError> {
        let is_named = |key: &SigningKey| key.verifier() == last.statement().new_key;
        if let Some(key) = self.read_key(TrustFile::Key, origin)?.filter(is_named) {
            self.files.erase(TrustFile::NextKey)?;
            self.files.erase(TrustFile::OldKey)?;
            return Ok(key);
        }
        let next = self.read_key(TrustFile::NextKey, origin)?.filter(is_named);
        let key = next.ok_or_else(|| self.key_missing())?;
        put_in_place(&self.files)?;
        Ok(key)
    }

    fn read_key(&self, file: TrustFile, origin: &str) -> Result<Option<SigningKey>, TrustError> {
        let Some(text) = self.files.read(file)? else { return Ok(None) };
        let key = keys::parse_seed(self.log_id, origin, &text);
        key.map(Some).map_err(|problem| self.damaged(file, &problem))
    }

    /// The public rotations follow the log as the list of keys does, and come before it.
    fn settle_rotations(&self, wanted: &[SignedRotation]) -> Result<(), TrustError> {
        let file = TrustFile::Rotations;
        let found = match self.files.read(file)? {
            Some(text) => rotations::parse(&text).map_err(|error| self.damaged(file, &error))?,
            None => Vec::new(),
        };
        if found == wanted {
            return Ok(());
        }
        if !wanted.starts_with(&found) {
            return Err(self.damaged(file, &"it has a rotation that the log does not have"));
        }
        Ok(self.files.write(file, &rotations::render(wanted))?)
    }

    /// The list of public keys follows the log; one that knows more than the log is a witness.
    fn settle_public_keys(&self, ring: &KeyRing) -> Result<(), TrustError> {
        let file = TrustFile::Keys;
        let wanted = ring.render(self.log_id);
        let found = self.files.read(file)?.unwrap_or_else(|| keys::public_head(self.log_id));
        if found == wanted {
            return Ok(());
        }
        let mut lines = found.lines();
        keys::expect_public_head(lines.next(), self.log_id)
            .map_err(|problem| self.damaged(file, &problem))?;
        let known = ring.verifier_keys();
        let is_unknown = |key: &&str| !known.iter().any(|one| one.to_string() == **key);
        let mut listed = lines.filter_map(|line| line.split(' ').next());
        if let Some(unknown) = listed.find(is_unknown) {
            let problem = format!("the log does not say how it came to the key {unknown}");
            return Err(self.damaged(file, &problem));
        }
        Ok(self.files.write(file, &wanted)?)
    }

    /// The rotations of this log, oldest first; those of the logs it was restored from are theirs.
    fn rotations(&self, origin: &str) -> Result<Vec<SignedRotation>, TrustError> {
        let lineage = self.parts.reader.lineage();
        let own_after = lineage.last().map_or(Position(0), |parent| parent.last_position);
        let mut query = Query {
            workspace_id: Some(owner_workspace()),
            event_types: TypePattern::parse(KEY_ROTATED).into_iter().collect(),
            after_position: own_after,
            ..Query::default()
        };
        let mut rotations: Vec<SignedRotation> = Vec::new();
        loop {
            let page = self.parts.reader.scan(&query, PageLimit::events(1_000))?;
            for event in &page.events {
                let header = event.header();
                let (Authority::Control, Some(control)) = (header.authority, header.control) else {
                    continue;
                };
                let rotation =
                    read_rotation(control, origin, rotations.last()).map_err(|problem| {
                        TrustError::Rotation { position: event.position(), problem }
                    })?;
                rotations.push(rotation);
            }
            match page.next {
                Some(next) => query.after_position = next,
                None => return Ok(rotations),
            }
        }
    }

    fn key_missing(&self) -> TrustError {
        TrustError::KeyMissing { file: self.files.path(TrustFile::Key) }
    }

    fn damaged(&self, file: TrustFile, problem: &dyn std::fmt::Display) -> TrustError {
        TrustError::Damaged { file: self.files.path(file), problem: problem.to_string() }
    }
}

/// A rotation from its fact; both keys have signed it, and it goes on from the one before.
fn read_rotation(
    control: &str,
    origin: &str,
    before: Option<&SignedRotation>,
) -> Result<SignedRotation, String> {
    let fact: KeyRotated = serde_json::from_str(control).map_err(|error| error.to_string())?;
    let rotation = SignedRotation::parse_verified(&fact.statement)
        .map_err(|error: CheckpointError| error.to_string())?;
    let statement = rotation.statement();
    if statement.origin != origin {
        return Err(format!("it is about the log {}", statement.origin));
    }
    rotations::expect_link(before, &rotation)?;
    Ok(rotation)
}
