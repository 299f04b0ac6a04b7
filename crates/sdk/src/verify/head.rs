//! The newest checkpoint against what the server says of itself and what is remembered.
//!
//! INVARIANT (the checkpoint first): status and keys are read after the checkpoint that they are
//! to explain, so that a rotation between the two cannot look like a foreign key.

use annals_api::wire;
use annals_core::checkpoint::SignedCheckpoint;
use annals_core::hash::Digest;
use annals_core::id::LogId;
use annals_core::merkle::{ConsistencyProof, verify_consistency};
use annals_core::note::VerifierKey;

use super::keys::KeyChain;
use super::memory::Remembered;
use super::report::{Check, CheckName, LogFault, LogFaultKind};
use super::{VerifyError, VerifyOptions, senseless};
use crate::client::Client;
use crate::error::ClientError;

/// How the names of logs begin that nobody gave another name; their id follows.
const DEFAULT_ORIGIN: &str = "annals.local/";

/// What the server shows of its log at one moment.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) signed: SignedCheckpoint,
    pub(super) status: wire::LogStatus,
    /// The keys at the checkpoint's size.
    pub(super) keys: KeyChain,
}

impl Head {
    pub(super) fn size(&self) -> u64 {
        self.signed.checkpoint().size
    }

    pub(super) fn root(&self) -> &Digest {
        &self.signed.checkpoint().root
    }

    pub(super) fn origin(&self) -> &str {
        &self.signed.checkpoint().origin
    }

    fn check_signature(&self) -> Result<Check, VerifyError> {
        let key = &self.keys.key;
        if let Err(error) = self.signed.verify(key) {
            let message = format!("the checkpoint is not signed by the log's key {key}: {error}");
            return Err(LogFault::of_log(LogFaultKind::BadSignature, message).into());
        }
        let detail = format!("the checkpoint of {} events is signed by {key}", self.size());
        Ok(Check::passed(CheckName::Signature, detail))
    }

    fn check_key(&self, remembered: Option<&Remembered>) -> Result<Check, VerifyError> {
        let Some(remembered) = remembered else {
            let detail =
                "the key was taken from the server itself; compare it with one from elsewhere";
            return Ok(Check::not_checked(CheckName::Key, detail));
        };
        if !self.keys.may_have_signed(&remembered.key, remembered.size()) {
            let message = format!(
                "another key signs than the one that was seen before, and no key rotation signed by \
                 both is shown (seen {} at {} events, now {})",
                remembered.key,
                remembered.size(),
                self.keys.key
            );
            return Err(LogFault::of_log(LogFaultKind::OtherKey, message).into());
        }
        let detail = match self.keys.changes_since(&remembered.key) {
            0 => "the key is the one that was seen before".to_owned(),
            count => {
                format!("the key that was seen before handed over, {count} times, signed by both")
            }
        };
        Ok(Check::passed(CheckName::Key, detail))
    }
}

impl Client {
    pub(super) async fn read_head(&self) -> Result<Head, ClientError> {
        let signed = self.checkpoint().await?;
        let status = self.log_status().await?;
        let key = status.key.parse().map_err(senseless)?;
        let keys = KeyChain::back_from(key, &status.rotations).at(signed.checkpoint().size);
        Ok(Head { signed, status, keys })
    }

    /// The newest checkpoint, and what was checked of it.
    pub(super) async fn checked_head(
        &self,
        options: &VerifyOptions,
    ) -> Result<(Head, Vec<Check>), VerifyError> {
        let head = self.read_head().await?;
        match self.check_head(&head, options).await {
            Ok(checks) => Ok((head, checks)),
            // The answers are of two moments, and another verification may have remembered more in
            // between. What is really wrong is so a second time.
            Err(VerifyError::Fault(_)) => {
                let head = self.read_head().await?;
                let checks = self.check_head(&head, options).await?;
                Ok((head, checks))
            }
            Err(error) => Err(error),
        }
    }

    async fn check_head(
        &self,
        head: &Head,
        options: &VerifyOptions,
    ) -> Result<Vec<Check>, VerifyError> {
        let signature = head.check_signature()?;
        let (log_id, origin) = (&head.status.log_id, head.origin());
        check_name(log_id, origin)?;
        let memory = options.memory.as_ref();
        let remembered = memory.map(|memory| memory.recall_log(log_id, origin)).transpose()?;
        let remembered = remembered.flatten();
        let remembered = remembered.as_ref();
        Ok(vec![
            signature,
            head.check_key(remembered)?,
            self.check_rollback(head, options, remembered).await?,
            check_witnesses(&head.signed, &options.witness_keys),
        ])
    }

    async fn check_rollback(
        &self,
        head: &Head,
        options: &VerifyOptions,
        remembered: Option<&Remembered>,
    ) -> Result<Check, VerifyError> {
        let name = CheckName::Rollback;
        let Some(remembered) = remembered else {
            let detail = match options.memory {
                Some(_) => "this log was never seen from here before; from now on it is remembered",
                None => "nothing is remembered here of earlier checkpoints",
            };
            return Ok(Check::not_checked(name, detail));
        };
        let (old_size, new_size) = (remembered.size(), head.size());
        if new_size < old_size {
            let message = format!(
                "the log was rolled back: it had {old_size} events when it was last seen, and its \
                 newest checkpoint has {new_size}"
            );
            return Err(LogFault::of_log(LogFaultKind::RolledBack, message).into());
        }
        self.check_extends(&remembered.checkpoint, &head.signed).await?;
        let detail = format!("it extends the checkpoint of {old_size} events that was seen before");
        Ok(Check::passed(name, detail))
    }

    /// A later checkpoint of the log that `head` is of.
    pub(super) async fn later_head(&self, head: &Head) -> Result<Head, VerifyError> {
        let later = self.read_head().await?;
        later.check_signature()?;
        if later.size() < head.size() || !later.keys.may_have_signed(&head.keys.key, head.size()) {
            let message = "the log's newest checkpoint does not follow the one before it";
            return Err(LogFault::of_log(LogFaultKind::OtherHistory, message).into());
        }
        self.check_extends(&head.signed, &later.signed).await?;
        Ok(later)
    }

    /// That one checkpoint's tree begins with the other's.
    async fn check_extends(
        &self,
        old: &SignedCheckpoint,
        new: &SignedCheckpoint,
    ) -> Result<(), VerifyError> {
        let (old, new) = (old.checkpoint(), new.checkpoint());
        if old.size == 0 {
            return Ok(());
        }
        let proof = self.consistency(old.size, new.size).await?;
        let path: Result<Vec<Digest>, _> = proof.path.iter().map(|hash| hash.parse()).collect();
        let path = path.map_err(|_| ClientError::Protocol("a proof has no hashes".to_owned()))?;
        let proof = ConsistencyProof { old_size: old.size, new_size: new.size, path: &path };
        if verify_consistency(&proof, &old.root, &new.root).is_ok() {
            return Ok(());
        }
        let message = format!(
            "the log has two histories under one name: its first {} events are not those that it \
             had signed before (root {})",
            old.size, old.root
        );
        Err(LogFault::of_log(LogFaultKind::OtherHistory, message).into())
    }
}

/// That a log's id is the one in its signed name, where the name has one: the id itself is not
/// signed, and it chooses what is remembered.
///
/// # Errors
/// When they are of two logs.
pub fn check_name(log_id: &str, origin: &str) -> Result<(), LogFault> {
    let named = origin.strip_prefix(DEFAULT_ORIGIN);
    let named = named.filter(|named| named.parse::<LogId>().is_ok());
    match named {
        Some(named) if named != log_id => {
            let message =
                format!("the log is said to be {log_id}, and it signs as another one: {origin}");
            Err(LogFault::of_log(LogFaultKind::ForeignLog, message))
        }
        _ => Ok(()),
    }
}

fn check_witnesses(signed: &SignedCheckpoint, keys: &[VerifierKey]) -> Check {
    let has_cosigned = |key: &&VerifierKey| signed.verify_cosignature(key).is_ok();
    let seen: Vec<&str> = keys.iter().filter(has_cosigned).map(|key| key.name()).collect();
    let name = CheckName::Witnesses;
    match (keys.is_empty(), seen.is_empty()) {
        (true, _) => Check::not_checked(name, "no witness key was given"),
        (false, true) => Check::not_checked(name, "no witness has cosigned the checkpoint"),
        (false, false) => Check::passed(name, format!("cosigned by {}", seen.join(", "))),
    }
}
