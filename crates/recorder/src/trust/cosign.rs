//! Cosignatures of witnesses: checked, then kept beside the log's own signature.
//!
//! Asking witnesses is the server's. A cosignature of a checkpoint that is not the newest any more
//! is kept too: it may be the newest that any witness has seen.

use std::sync::Arc;

use annals_core::checkpoint::{CheckpointError, SignedCheckpoint};
use annals_core::note::{NoteSignature, VerifierKey};

use super::files::TrustFile;
use super::{State, Trust, TrustFailure};

/// A cosignature that was checked and kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cosigned {
    /// The size of the checkpoint.
    pub size: u64,
    /// When the witness says that it signed, in seconds since 1970.
    pub at_unix_s: u64,
}

/// Why a cosignature is not kept.
#[derive(Debug, thiserror::Error)]
pub enum CosignatureRefusal {
    /// The checkpoint is not one that this log signed.
    #[error("the checkpoint is not this log's")]
    ForeignCheckpoint,
    /// None of the signatures is by the witness.
    #[error("the witness `{witness}` has not signed it")]
    NotByWitness {
        /// The witness's name.
        witness: String,
    },
    /// The signature is not what it should be.
    #[error("the cosignature of `{witness}` does not hold")]
    Signature {
        /// The witness's name.
        witness: String,
        /// Why.
        #[source]
        source: CheckpointError,
    },
    /// It cannot be kept.
    #[error(transparent)]
    Failed(#[from] TrustFailure),
}

impl Trust {
    /// Checks the cosignature of a witness among some signatures of a checkpoint, and keeps it.
    /// Signatures by other keys are ignored.
    ///
    /// # Errors
    /// When the checkpoint is not this log's, no signature is by the witness, its signature does
    /// not hold, or the file cannot be written.
    pub fn add_cosignature(
        &self,
        submitted: &SignedCheckpoint,
        witness: &VerifierKey,
        signatures: &[NoteSignature],
    ) -> Result<Cosigned, CosignatureRefusal> {
        let (signature, at_unix_s) = check(submitted, witness, signatures)?;
        let mut state = self.lock();
        if state.is_closed {
            return Err(CosignatureRefusal::Failed(TrustFailure::Closed));
        }
        self.check_own(&state, submitted)?;
        let size = submitted.checkpoint().size;
        self.keep(&mut state, submitted, signature)?;
        Ok(Cosigned { size, at_unix_s })
    }

    fn check_own(
        &self,
        state: &State,
        submitted: &SignedCheckpoint,
    ) -> Result<(), CosignatureRefusal> {
        let keys = state.keys.verifier_keys();
        let is_own = keys.iter().any(|key| submitted.verify(key).is_ok());
        if is_own { Ok(()) } else { Err(CosignatureRefusal::ForeignCheckpoint) }
    }

    fn keep(
        &self,
        state: &mut State,
        submitted: &SignedCheckpoint,
        signature: NoteSignature,
    ) -> Result<(), TrustFailure> {
        let cosigned = match &state.cosigned {
            // An older one says nothing that the newer one does not.
            Some(known) if known.checkpoint().size > submitted.checkpoint().size => return Ok(()),
            Some(known) if known.note().body == submitted.note().body => {
                with(known, signature.clone())
            }
            _ => with(submitted, signature.clone()),
        };
        self.files.write(TrustFile::Cosigned, &cosigned.to_string())?;
        state.cosigned = Some(Arc::new(cosigned));
        let newest = state.newest.as_ref();
        if let Some(newest) = newest.filter(|newest| newest.note().body == submitted.note().body) {
            let newest = Arc::new(with(newest, signature));
            self.files.write(TrustFile::Checkpoint, &newest.to_string())?;
            state.newest = Some(Arc::clone(&newest));
            self.published.send_replace(Some(newest));
        }
        Ok(())
    }
}

/// The witness's signature and its time, if it holds.
fn check(
    submitted: &SignedCheckpoint,
    witness: &VerifierKey,
    signatures: &[NoteSignature],
) -> Result<(NoteSignature, u64), CosignatureRefusal> {
    let name = || witness.name().to_owned();
    let signature = signatures.iter().find(|signature| signature.is_by(witness));
    let signature =
        signature.ok_or_else(|| CosignatureRefusal::NotByWitness { witness: name() })?.clone();
    let at = with(submitted, signature.clone())
        .verify_cosignature(witness)
        .map_err(|source| CosignatureRefusal::Signature { witness: name(), source })?;
    Ok((signature, at))
}

/// The checkpoint with one more signature, or with another by the same key.
fn with(signed: &SignedCheckpoint, signature: NoteSignature) -> SignedCheckpoint {
    let mut signed = signed.clone();
    signed.put_cosignature(signature);
    signed
}
