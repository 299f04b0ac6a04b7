//! Key rotation: the old and the new key sign, on the log, that one gives way to the other.
//!
//! The order makes every crash finishable: the new seed is stored, the event is appended, the new
//! seed takes the old one's place, the old one is erased. What the log says decides on the next
//! start which seed signs (`open`). The whole turn holds the notary's lock.
//!
//! INVARIANT (one key a size): the old key signs nothing that covers the rotation's event.

use std::sync::{Arc, MutexGuard};

use annals_core::checkpoint::SignedRotation;
use annals_core::envelope::StreamKey;
use annals_core::id::{EventType, LogId, Position, StreamId, StreamType};
use annals_core::note::{SigningKey, VerifierKey};
use serde::{Deserialize, Serialize};

use super::files::{TrustFile, TrustFiles};
use super::keys::{self, Seed};
use super::{State, Trust, TrustFailure, rotations};
use crate::principal::{Principal, Rights};
use crate::refusal::AppendRefusal;
use crate::sequencer::LogFact;
use crate::world::Entropy;

/// The type of the event. Persisted: never rename.
pub(super) const KEY_ROTATED: &str = "log.key_rotated";

/// The command.
pub(crate) struct RotateKey {
    /// Who asks.
    by: Arc<Principal>,
    /// What the new key is made of.
    seed: Seed,
}

impl RotateKey {
    /// With a key that nobody has had.
    pub(crate) fn new(by: Arc<Principal>, entropy: &dyn Entropy) -> Self {
        Self { by, seed: keys::new_seed(entropy) }
    }
}

impl std::fmt::Debug for RotateKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("RotateKey").field("by", &self.by).finish_non_exhaustive()
    }
}

/// A rotation that is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRotation {
    /// The key that signs from here on.
    pub key: VerifierKey,
    /// The key that signed until here.
    pub former_key: VerifierKey,
    /// The rotation's event, the first that the new key covers.
    pub position: Position,
}

/// Why a key is not rotated.
#[derive(Debug, thiserror::Error)]
pub enum RotationRefusal {
    /// The one who asks may not administer.
    #[error("this needs the right `operate`")]
    Forbidden,
    /// The event could not be kept.
    #[error(transparent)]
    Append(AppendRefusal),
    /// The new key cannot be stored. Nothing has changed.
    #[error(transparent)]
    Failed(TrustFailure),
}

/// Persisted in the header of `log.key_rotated`: add fields only as optional ones.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "fact", rename = "key_rotated")]
pub(super) struct KeyRotated {
    /// The note that both keys signed.
    pub(super) statement: String,
}

/// A rotation under way, between its decision and the end of its turn.
#[derive(Debug)]
pub(crate) struct RotationTurn<'a> {
    trust: &'a Trust,
    state: MutexGuard<'a, State>,
    by: Arc<Principal>,
    next: SigningKey,
    rotation: SignedRotation,
}

impl Trust {
    /// Decides a rotation and stores the new key. Called in the sequencer's turn, which has the
    /// log to itself.
    pub(crate) fn begin_rotation(
        &self,
        command: RotateKey,
    ) -> Result<RotationTurn<'_>, RotationRefusal> {
        let RotateKey { by, seed } = command;
        if !by.rights.contains(Rights::OPERATE) {
            return Err(RotationRefusal::Forbidden);
        }
        let state = self.lock();
        if state.is_closed {
            return Err(RotationRefusal::Failed(TrustFailure::Closed));
        }
        let log_id = self.reader.log_id();
        let next = keys::signing_key(&self.origin, seed);
        let size = self.reader.head().position.get();
        let rotation = SignedRotation::sign(&self.origin, size, state.keys.signing_key(), &next);
        let stored = keys::render_seed(log_id, &next, &seed);
        self.files.write(TrustFile::NextKey, &stored).map_err(RotationRefusal::Failed)?;
        Ok(RotationTurn { trust: self, state, by, next, rotation })
    }
}

impl RotationTurn<'_> {
    /// What goes to the log.
    pub(crate) fn fact(&self) -> LogFact {
        let statement = self.rotation.statement();
        let control = KeyRotated { statement: self.rotation.to_string() };
        let data = serde_json::json!({
            "old_key": statement.old_key.to_string(),
            "new_key": statement.new_key.to_string(),
            "last_size": statement.size,
            "statement": control.statement,
        });
        LogFact {
            by: Arc::clone(&self.by),
            event_type: literal(EventType::parse(KEY_ROTATED)),
            stream: log_stream(self.trust.reader.log_id()),
            control: render(&control),
            data: data.to_string(),
        }
    }

    /// Forgets the new key, since its event is not on the log.
    pub(crate) fn abandon(self) {
        if let Err(failure) = self.trust.files.erase(TrustFile::NextKey) {
            tracing::warn!(%failure, "a key that is not used is left over until the next start");
        }
    }

    /// Lets the new key sign, since its event is durable.
    ///
    /// # Errors
    /// When a file cannot be changed: then nothing may be signed, and the next start goes on.
    pub(crate) fn finish(self, position: Position) -> Result<KeyRotation, TrustFailure> {
        let Self { trust, mut state, next, rotation, .. } = self;
        let statement = rotation.statement();
        let (key, former_key) = (statement.new_key.clone(), statement.old_key.clone());
        // Until everything is in place nobody signs, whatever fails in between.
        state.is_closed = true;
        put_in_place(&trust.files)?;
        state.keys.rotate(next, rotation);
        // The list of keys may lag behind the statements, never the other way round: a key that no
        // statement leads to is taken for a forgery.
        trust.files.write(TrustFile::Rotations, &rotations::render(state.keys.rotations()))?;
        trust.files.write(TrustFile::Keys, &state.keys.render(trust.reader.log_id()))?;
        state.is_closed = false;
        Ok(KeyRotation { key, former_key, position })
    }
}

/// Lets the next seed take the place of the one before, which is erased. May be done again from
/// any point at which it was broken off.
pub(super) fn put_in_place(files: &TrustFiles) -> Result<(), TrustFailure> {
    if files.exists(TrustFile::Key) && files.exists(TrustFile::NextKey) {
        files.rename(TrustFile::Key, TrustFile::OldKey)?;
    }
    if files.exists(TrustFile::NextKey) {
        files.rename(TrustFile::NextKey, TrustFile::Key)?;
    }
    files.erase(TrustFile::OldKey)
}

/// The stream of facts about the log itself.
pub(super) fn log_stream(log_id: LogId) -> StreamKey {
    StreamKey {
        stream_type: literal(StreamType::parse("log")),
        stream_id: literal(StreamId::parse(&log_id.to_string())),
    }
}

pub(super) fn render<T: Serialize>(fact: &T) -> String {
    serde_json::to_string(fact).expect("a fact of texts and numbers is JSON")
}

pub(super) fn literal<T, E: std::fmt::Debug>(parsed: Result<T, E>) -> T {
    parsed.expect("a literal, or hex digits, that fit their grammar")
}
