//! Verification over the public API, believing nothing that the server says of itself.
//!
//! What it needs are the server's answers, the key and the checkpoint that were seen before, and
//! the hash functions. INVARIANT (no more than was checked): every verdict lists what was looked
//! at, and what was not.

mod memory;
mod records;
mod report;
mod tree;

use std::fmt::Write as _;
use std::io;

use annals_api::wire;
use annals_core::checkpoint::{SignedCheckpoint, SignedRotation};
use annals_core::hash::Digest;
use annals_core::merkle::{ConsistencyProof, verify_consistency};
use annals_core::note::VerifierKey;
pub use memory::{CheckpointMemory, Remembered};
use records::{Reading, Record, RecordChecker};
pub use report::{Check, CheckName, CheckResult, LogFault, LogFaultKind, Verification};
use tree::TiledTree;

use crate::client::Client;
use crate::error::ClientError;
use crate::query::EventQuery;

/// Records of one page.
const PAGE_RECORDS: u32 = 1_000;

/// A verification found something wrong, or could not be done.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// Something is wrong with the log.
    #[error(transparent)]
    Fault(#[from] LogFault),
    /// The server refuses, or stays away.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// What was seen before cannot be read or written.
    #[error("what is remembered of the log cannot be used")]
    Memory(#[source] io::Error),
}

impl VerifyError {
    fn beyond(position: u64) -> Self {
        Self::Client(ClientError::Protocol(format!("position {position} is beyond the tree")))
    }
}

/// What to verify.
#[derive(Debug, Clone, Default)]
pub struct VerifyOptions {
    /// The first position whose record is looked at; 1 is everything.
    pub from: u64,
    /// Where checkpoints seen before are remembered; without, rollback is not checked.
    pub memory: Option<CheckpointMemory>,
    /// Keys of witnesses; a checkpoint that one of them countersigned is checked for it.
    pub witness_keys: Vec<VerifierKey>,
}

/// How far a verification is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VerifyProgress {
    /// Leaves looked at, of so many.
    Leaves {
        /// So far.
        done: u64,
        /// In all.
        total: u64,
    },
    /// Records looked at up to this position, of so many positions.
    Records {
        /// So far.
        done: u64,
        /// In all.
        total: u64,
    },
}

impl Client {
    /// Verifies the log of this server as far as this credential may look.
    ///
    /// # Errors
    /// The first thing that is wrong, or why it could not be told.
    pub async fn verify(
        &self,
        options: &VerifyOptions,
        progress: &mut (dyn FnMut(VerifyProgress) + Send),
    ) -> Result<Verification, VerifyError> {
        let status = self.log_status().await?;
        let key: VerifierKey = status.key.parse().map_err(senseless)?;
        let signed = self.checkpoint().await?;
        let mut checks = vec![check_signature(&signed, &key)?];
        let log_id = status.log_id.clone();
        let recalled = options.memory.as_ref().map(|memory| memory.recall(&log_id)).transpose();
        let remembered = recalled.map_err(VerifyError::Memory)?.flatten();
        checks.push(check_key(&key, &status, remembered.as_ref())?);
        checks.push(self.check_rollback(&signed, options, remembered.as_ref()).await?);
        checks.push(check_witnesses(&signed, &options.witness_keys));

        let (size, root) = (signed.checkpoint().size, signed.checkpoint().root);
        let mut tree = TiledTree::fetch(self, size, &root).await?;
        let leaves_checked = tree
            .check_leaves(|done| progress(VerifyProgress::Leaves { done, total: size }))
            .await?;
        let detail = format!("all {leaves_checked} leaves lead to the root {root} that was signed");
        checks.push(Check::passed(CheckName::Tree, detail));

        let mut verification = Verification {
            log_id: log_id.clone(),
            origin: signed.checkpoint().origin.clone(),
            size,
            root,
            leaves_checked,
            records_checked: 0,
            bodies_checked: 0,
            bodies_erased: 0,
            workspace_id: None,
            checks,
        };
        self.check_records(&mut tree, options, &mut verification, progress).await?;
        if let Some(memory) = &options.memory {
            memory.remember(&log_id, &key, &signed).map_err(VerifyError::Memory)?;
        }
        Ok(verification)
    }

    async fn check_rollback(
        &self,
        signed: &SignedCheckpoint,
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
        let old = remembered.checkpoint.checkpoint();
        let new = signed.checkpoint();
        if new.size < old.size {
            let message = format!(
                "the log was rolled back: it had {} events when it was last seen, and its newest \
                 checkpoint has {}",
                old.size, new.size
            );
            return Err(LogFault::of_log(LogFaultKind::RolledBack, message).into());
        }
        if old.size > 0 {
            let proof = self.consistency(old.size, new.size).await?;
            let holds = holds(&proof, old.size, &old.root, new.size, &new.root)?;
            if !holds {
                let message = format!(
                    "the log has two histories under one name: its first {} events are not those \
                     that it had signed before (root {})",
                    old.size, old.root
                );
                return Err(LogFault::of_log(LogFaultKind::OtherHistory, message).into());
            }
        }
        let detail =
            format!("it extends the checkpoint of {} events that was seen before", old.size);
        Ok(Check::passed(name, detail))
    }

    async fn check_records(
        &self,
        tree: &mut TiledTree,
        options: &VerifyOptions,
        verification: &mut Verification,
        progress: &mut (dyn FnMut(VerifyProgress) + Send),
    ) -> Result<(), VerifyError> {
        let (first, total) = (options.from.max(1), verification.size);
        let reading = if first == 1 { Reading::FromTheStart } else { Reading::FromTheMiddle };
        let mut checker = RecordChecker::default();
        let mut after = first - 1;
        loop {
            let page = match self.records(&EventQuery::all(), after, PAGE_RECORDS).await {
                Ok(page) => page,
                Err(ClientError::Refused(problem)) if problem.status == 403 => {
                    let detail = "this token may not read events; only the tree was looked at";
                    verification.checks.push(Check::not_checked(CheckName::Records, detail));
                    return Ok(());
                }
                Err(error) => return Err(error.into()),
            };
            for wire in page.iter().filter(|record| record.position <= total) {
                let record = Record::decode(wire)?;
                let leaf = tree.leaf(record.position).await?;
                checker.check(&record, &leaf, reading).map_err(|fault| *fault)?;
            }
            let last = page.last().map(|record| record.position);
            progress(VerifyProgress::Records { done: last.unwrap_or(total).min(total), total });
            match last {
                Some(last) if last < total => after = last,
                _ => break,
            }
        }
        self.explain_erasures(&checker).await?;
        verification.records_checked = checker.record_count;
        verification.bodies_checked = checker.body_count;
        verification.bodies_erased = checker.erased.len() as u64;
        verification.workspace_id.clone_from(&checker.workspace_id);
        verification.checks.push(records_check(&checker, first, total));
        Ok(())
    }

    /// A page of records after a position.
    async fn records(
        &self,
        query: &EventQuery,
        after: u64,
        limit: u32,
    ) -> Result<Vec<wire::StoredRecord>, ClientError> {
        #[derive(serde::Deserialize)]
        struct Page {
            events: Vec<wire::StoredRecord>,
        }
        let mut parameters = query.parameters();
        parameters.push(("as", "record".to_owned()));
        parameters.push(("after_position", after.to_string()));
        parameters.push(("limit", limit.to_string()));
        let page: Page = self.get_json(self.resource(["v1", "events"], &parameters)).await?;
        Ok(page.events)
    }

    /// Every erased body must have its redaction on the log.
    async fn explain_erasures(&self, checker: &RecordChecker) -> Result<(), VerifyError> {
        let mut unexplained: std::collections::BTreeSet<u64> =
            checker.erased.iter().copied().collect();
        let mut cursor = None;
        while !unexplained.is_empty() {
            let page = self.redactions(cursor.as_deref()).await?;
            for redaction in &page.redactions {
                unexplained.remove(&redaction.position);
            }
            match page.next {
                Some(next) => cursor = Some(next),
                None => break,
            }
        }
        let Some(position) = unexplained.first().copied() else { return Ok(()) };
        let message = format!(
            "the body of the event at position {position} is gone, and no redaction on the log says why"
        );
        let fault = LogFault::of_log(LogFaultKind::ErasedWithoutRedaction, message);
        Err(LogFault { position: Some(position), ..fault }.into())
    }
}

fn check_signature(signed: &SignedCheckpoint, key: &VerifierKey) -> Result<Check, VerifyError> {
    match signed.verify(key) {
        Ok(()) => {
            let detail = format!(
                "the checkpoint of {} events is signed by {}",
                signed.checkpoint().size,
                key
            );
            Ok(Check::passed(CheckName::Signature, detail))
        }
        Err(error) => {
            let message = format!("the checkpoint is not signed by the log's key {key}: {error}");
            Err(LogFault::of_log(LogFaultKind::BadSignature, message).into())
        }
    }
}

fn check_key(
    key: &VerifierKey,
    status: &wire::LogStatus,
    remembered: Option<&Remembered>,
) -> Result<Check, VerifyError> {
    let name = CheckName::Key;
    let Some(remembered) = remembered else {
        let detail = "the key was taken from the server itself; compare it with one from elsewhere";
        return Ok(Check::not_checked(name, detail));
    };
    let mut current = remembered.key.clone();
    let mut rotation_count = 0;
    while current != *key {
        let Some(next) = successor(&current, &status.rotations) else {
            let message = format!(
                "another key signs than the one that was seen before, and no hand-over signed by \
                 both is shown (seen {}, now {key})",
                remembered.key
            );
            return Err(LogFault::of_log(LogFaultKind::OtherKey, message).into());
        };
        current = next;
        rotation_count += 1;
        if rotation_count > status.rotations.len() {
            return Err(senseless("the hand-overs of the log's key go in a circle").into());
        }
    }
    Ok(Check::passed(
        name,
        match rotation_count {
            0 => "the key is the one that was seen before".to_owned(),
            count => {
                format!("the key that was seen before handed over, {count} times, signed by both")
            }
        },
    ))
}

/// The key that a key has handed over to, in a statement that both have signed.
fn successor(key: &VerifierKey, rotations: &[String]) -> Option<VerifierKey> {
    let mut verified =
        rotations.iter().filter_map(|text| SignedRotation::parse_verified(text).ok());
    let found = verified.find(|rotation| rotation.statement().old_key == *key)?;
    Some(found.statement().new_key.clone())
}

fn check_witnesses(signed: &SignedCheckpoint, keys: &[VerifierKey]) -> Check {
    let mut seen = Vec::new();
    for key in keys {
        if signed.verify_cosignature(key).is_ok() {
            seen.push(key.name().to_owned());
        }
    }
    match (keys.is_empty(), seen.is_empty()) {
        (true, _) => Check::not_checked(CheckName::Witnesses, "no witness key was given"),
        (false, true) => {
            Check::not_checked(CheckName::Witnesses, "no witness has countersigned the checkpoint")
        }
        (false, false) => {
            let detail = format!("countersigned by {}", seen.join(", "));
            Check::passed(CheckName::Witnesses, detail)
        }
    }
}

fn holds(
    proof: &wire::ConsistencyProof,
    old_size: u64,
    old_root: &Digest,
    new_size: u64,
    new_root: &Digest,
) -> Result<bool, VerifyError> {
    let path: Result<Vec<Digest>, _> = proof.path.iter().map(|hash| hash.parse()).collect();
    let path = path.map_err(|_| ClientError::Protocol("a proof has no hashes".to_owned()))?;
    let proof = ConsistencyProof { old_size, new_size, path: &path };
    Ok(verify_consistency(&proof, old_root, new_root).is_ok())
}

fn records_check(checker: &RecordChecker, first: u64, total: u64) -> Check {
    let RecordChecker { record_count, body_count, .. } = checker;
    let streams = checker.stream_count();
    let erased = checker.erased.len();
    let of = checker.workspace_id.as_deref().map_or_else(
        || "this token's workspace".to_owned(),
        |workspace| format!("workspace {workspace}"),
    );
    let mut detail = format!(
        "{record_count} records of {of} in {streams} streams are leaves of the tree, chained, and \
         {body_count} bodies are what was committed to"
    );
    if erased > 0 {
        // Writing to a String cannot fail.
        let _ = write!(detail, "; erased by redactions that are on the log: {erased}");
    }
    if first > 1 {
        let _ = write!(detail, "; records before position {first} were not looked at");
    }
    if *record_count < total && first == 1 {
        let others = total - record_count;
        let _ = write!(detail, "; events of other workspaces, seen as leaves only: {others}");
    }
    Check::passed(CheckName::Records, detail)
}

fn senseless(error: impl std::fmt::Display) -> ClientError {
    ClientError::Protocol(error.to_string())
}
