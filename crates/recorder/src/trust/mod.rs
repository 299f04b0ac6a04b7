//! The notary: signs what the log is, proves what is in it, and never takes a signature back.
//!
//! A checkpoint states a size and the Merkle root over that many events. Whoever keeps one can be
//! shown nothing else later. Hashing is core's, rows of the tree are the store's; this module owns
//! the signing key, the newest checkpoint and the rules about both. It sends nothing anywhere:
//! witnesses are the server's. The state is owned by one lock, which the sequencer takes for the
//! turn of a key rotation, so that no checkpoint falls between the event and the new key.
//!
//! INVARIANT (signed is durable): a checkpoint is signed over synced events only, and is on disk
//! before anybody gets it.
//! INVARIANT (never smaller): a signed size never shrinks; a log that is shorter than its newest
//! checkpoint, or has another root at that size, is not opened.
//! INVARIANT (one history a name): a restored log has a new id, a new key and a new origin.

mod open;

mod files;
mod keys;

mod notary;

mod proofs;

mod counts;

mod cosign;

mod rotate;

mod rotations;

mod restored;

mod public;

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use annals_core::checkpoint::{Checkpoint, SignedCheckpoint, SignedRotation};
use annals_core::hash::Digest;
use annals_core::id::LogId;
use annals_core::note::VerifierKey;
use annals_core::tiles;
use annals_core::time::Timestamp;
use annals_store::contract::{LogReader, LogTree, ReadFailure};
use tokio::sync::watch;

pub use cosign::{CosignatureRefusal, Cosigned};
pub use counts::CheckpointCounts;
pub use keys::FormerKey;
pub use open::TrustError;
pub use proofs::{Consistency, Inclusion, ProofRefusal};
pub use public::{NoRotation, PublicTrust, PublicTrustError};
pub use restored::adopt_parent;
pub use rotate::{KeyRotation, RotationRefusal};

pub(crate) use notary::Notary;
pub(crate) use open::TrustParts;
pub(crate) use rotate::RotateKey;

use crate::config::Durability;
use crate::world::Clock;
use counts::Signed;
use files::{TrustFile, TrustFiles};
use keys::KeyRing;

/// The newest checkpoint of some kind; none before the first.
pub type NewestCheckpoint = Option<Arc<SignedCheckpoint>>;

/// Why nothing can be signed or proved.
#[derive(Debug, thiserror::Error)]
pub enum TrustFailure {
    /// The tree cannot be read.
    #[error("the log's tree cannot be read")]
    Read(#[from] ReadFailure),
    /// The tree lacks entries that it should have.
    #[error("the log's tree has no root at {size} events")]
    Incomplete {
        /// The size.
        size: u64,
    },
    /// A file of `trust/` cannot be written or read.
    #[error("cannot use {}", .file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The tree does not grow out of what was signed: signing it would make two histories.
    #[error(
        "the tree of {size} events does not begin with the {signed_size} that were signed; \
         nothing more is signed"
    )]
    Contradicts {
        /// The tree's size.
        size: u64,
        /// The newest checkpoint's size.
        signed_size: u64,
    },
    /// The log is closed, and another process may have it.
    #[error("the log is closed; nothing more is signed")]
    Closed,
}

/// What there is to know about a log's trust, for people.
#[derive(Debug, Clone)]
pub struct TrustStatus {
    /// The log's identity.
    pub log_id: LogId,
    /// The name under which it signs.
    pub origin: String,
    /// Events of the tree: all durable ones.
    pub size: u64,
    /// The tree's root at that size.
    pub root: Digest,
    /// The newest signed checkpoint.
    pub checkpoint: NewestCheckpoint,
    /// When it was signed.
    pub checkpoint_at: Option<Timestamp>,
    /// The newest checkpoint that a witness cosigned.
    pub cosigned: NewestCheckpoint,
    /// The key that signs.
    pub key: VerifierKey,
    /// The keys that signed before, newest first.
    pub former_keys: Vec<FormerKey>,
    /// How each key was replaced by the next, oldest first, up to the one that signs.
    pub rotations: Vec<SignedRotation>,
    /// In which sense events are durable before they are signed.
    pub durability: Durability,
}

/// What is done at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LastCheckpoint {
    /// What is durable is signed.
    Sign,
    /// Nothing is: the log failed, and only the next start knows what is durable.
    Skip,
}

/// What the lock owns.
#[derive(Debug)]
struct State {
    keys: KeyRing,
    newest: NewestCheckpoint,
    cosigned: NewestCheckpoint,
    is_closed: bool,
}

/// The log's notary. Its methods may wait for the disk.
#[derive(Debug)]
pub struct Trust {
    origin: String,
    durability: Durability,
    reader: Arc<dyn LogReader>,
    clock: Arc<dyn Clock>,
    files: TrustFiles,
    is_failed: watch::Sender<bool>,
    state: Mutex<State>,
    signed: Signed,
    published: watch::Sender<NewestCheckpoint>,
}

impl Trust {
    /// The name under which the log signs.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The checkpoint over everything that is durable, signed now if the log has grown.
    ///
    /// # Errors
    /// When the tree cannot be read or the checkpoint cannot be kept.
    pub fn checkpoint(&self) -> Result<Arc<SignedCheckpoint>, TrustFailure> {
        self.sign_growth(&mut self.lock())
    }

    fn sign_growth(&self, state: &mut State) -> Result<Arc<SignedCheckpoint>, TrustFailure> {
        let size = self.tree().grow()?;
        if let Some(newest) = &state.newest {
            if newest.checkpoint().size == size {
                return Ok(Arc::clone(newest));
            }
            self.check_growth(newest, size)?;
        }
        if state.is_closed {
            return Err(TrustFailure::Closed);
        }
        self.reader.sync().inspect_err(|_| self.fail(state))?;
        let root = self.tree_root(size)?;
        let checkpoint = Checkpoint { origin: self.origin.clone(), size, root };
        let signed = Arc::new(SignedCheckpoint::sign(checkpoint, state.keys.signing_key()));
        // INVARIANT (signed is durable): the file comes before everybody else.
        self.files.write(TrustFile::Checkpoint, &signed.to_string())?;
        state.newest = Some(Arc::clone(&signed));
        self.signed.note(self.clock.now());
        // Published under the lock, so that nobody sees an older one after a newer one.
        self.published.send_replace(Some(Arc::clone(&signed)));
        Ok(signed)
    }

    /// INVARIANT (signed is durable): what a failed sync leaves behind is anybody's guess, and a
    /// second one would only hide it. So it fails the log, as one of the sequencer's would.
    fn fail(&self, state: &mut State) {
        tracing::error!("the log cannot be synced to be signed; the process must stop");
        state.is_closed = true;
        self.is_failed.send_replace(true);
    }

    /// Rows that were damaged since they were read last must not become a signature.
    fn check_growth(&self, newest: &SignedCheckpoint, size: u64) -> Result<(), TrustFailure> {
        let signed_size = newest.checkpoint().size;
        if size < signed_size || !self.has_root(newest.checkpoint())? {
            return Err(TrustFailure::Contradicts { size, signed_size });
        }
        Ok(())
    }

    /// Whether the tree leads to a checkpoint's root, if need be after it was made anew from the
    /// events.
    fn has_root(&self, checkpoint: &Checkpoint) -> Result<bool, TrustFailure> {
        if tiles::root_at(self.tree(), checkpoint.size)? == Some(checkpoint.root) {
            return Ok(true);
        }
        tracing::warn!(size = checkpoint.size, "the tree is made anew: it has another root");
        self.tree().rebuild()?;
        self.tree().grow()?;
        Ok(tiles::root_at(self.tree(), checkpoint.size)? == Some(checkpoint.root))
    }

    /// Signs for the last time, while the log is still this process's, and then nothing more.
    pub(crate) fn close(&self, last: LastCheckpoint) {
        let mut state = self.lock();
        if state.is_closed {
            return;
        }
        if last == LastCheckpoint::Sign
            && let Err(failure) = self.sign_growth(&mut state)
        {
            tracing::error!(%failure, "the last checkpoint is not signed");
        }
        state.is_closed = true;
    }

    /// The newest checkpoint that was signed, without signing another.
    #[must_use]
    pub fn latest(&self) -> NewestCheckpoint {
        self.published.borrow().clone()
    }

    /// The newest checkpoint that has a witness's cosignature.
    #[must_use]
    pub fn cosigned(&self) -> NewestCheckpoint {
        self.lock().cosigned.clone()
    }

    /// News of checkpoints, and of cosignatures on the newest one.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<NewestCheckpoint> {
        self.published.subscribe()
    }

    /// The keys that ever signed for the log, newest first.
    #[must_use]
    pub fn verifier_keys(&self) -> Vec<VerifierKey> {
        self.lock().keys.verifier_keys()
    }

    /// The keys that signed before the present one, newest first.
    #[must_use]
    pub fn former_keys(&self) -> Vec<FormerKey> {
        self.lock().keys.former()
    }

    /// How each key was replaced by the next, oldest first, signed by both.
    #[must_use]
    pub fn rotations(&self) -> Vec<SignedRotation> {
        self.lock().keys.rotations().to_vec()
    }

    /// What there is to know about the log's trust.
    ///
    /// # Errors
    /// When the tree cannot be read.
    pub fn status(&self) -> Result<TrustStatus, TrustFailure> {
        let size = self.tree().grow()?;
        let root = self.tree_root(size)?;
        let state = self.lock();
        Ok(TrustStatus {
            log_id: self.reader.log_id(),
            origin: self.origin.clone(),
            size,
            root,
            checkpoint: state.newest.clone(),
            checkpoint_at: self.signed.newest_at(),
            cosigned: state.cosigned.clone(),
            key: state.keys.current(),
            former_keys: state.keys.former(),
            rotations: state.keys.rotations().to_vec(),
            durability: self.durability,
        })
    }

    fn tree(&self) -> &dyn LogTree {
        self.reader.tree()
    }

    fn tree_root(&self, size: u64) -> Result<Digest, TrustFailure> {
        tiles::root_at(self.tree(), size)?.ok_or(TrustFailure::Incomplete { size })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // What the lock guards is replaced in whole values, after the disk has them.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
