//! Verification over the public API, believing nothing that the server says of itself.
//!
//! What it needs are the server's answers, the key and the checkpoint that were seen before, and
//! the hash functions. INVARIANT (no more than was checked): every verdict lists what was looked
//! at, and what was not.

mod head;
mod keys;
mod memory;
mod records;
mod report;
mod tree;

use std::fmt::Write as _;
use std::io;

use annals_api::wire;
use annals_core::note::VerifierKey;
use head::Head;
pub use head::check_name;
pub use keys::{FormerKey, KeyChain};
pub use memory::{CheckpointMemory, Remembered};
use records::{Owners, Reading, Record, RecordChecker};
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
    /// Keys of witnesses; a checkpoint that one of them cosigned is checked for it.
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
        let (head, mut checks) = self.checked_head(options).await?;
        let size = head.size();
        let mut tree = TiledTree::fetch(self, size, head.root()).await?;
        let leaves_checked = tree
            .check_leaves(|done| progress(VerifyProgress::Leaves { done, total: size }))
            .await?;
        let root = head.root();
        let detail = format!("all {leaves_checked} leaves lead to the root {root} that was signed");
        checks.push(Check::passed(CheckName::Tree, detail));

        let mut verification = Verification {
            log_id: head.status.log_id.clone(),
            origin: head.origin().to_owned(),
            size,
            root: *root,
            leaves_checked,
            records_checked: 0,
            bodies_checked: 0,
            bodies_erased: 0,
            workspace_id: None,
            checks,
        };
        self.check_records(&head, &mut tree, options, &mut verification, progress).await?;
        if let Some(memory) = &options.memory {
            let remembered = memory.remember(&head.status.log_id, &head.keys, &head.signed);
            remembered.map_err(VerifyError::Memory)?;
        }
        Ok(verification)
    }

    async fn check_records(
        &self,
        head: &Head,
        tree: &mut TiledTree,
        options: &VerifyOptions,
        verification: &mut Verification,
        progress: &mut (dyn FnMut(VerifyProgress) + Send),
    ) -> Result<(), VerifyError> {
        let (first, total) = (options.from.max(1), verification.size);
        let reading = if first == 1 { Reading::FromTheStart } else { Reading::FromTheMiddle };
        let mut checker = RecordChecker::new(Owners::of(&head.status)?, reading);
        match self.read_records(tree, &mut checker, (first - 1, total), progress).await {
            Err(VerifyError::Client(ClientError::Refused(problem))) if problem.status == 403 => {
                let detail = "this token may not read events; only the tree was looked at";
                verification.checks.push(Check::not_checked(CheckName::Records, detail));
                return Ok(());
            }
            read => read?,
        }
        verification.records_checked = checker.record_count;
        verification.bodies_checked = checker.body_count;
        verification.bodies_erased = checker.erased_count();
        verification.workspace_id.clone_from(&checker.workspace_id);
        let check = records_check(&checker, first, total);
        self.explain_erasures(head, &mut checker).await?;
        verification.checks.push(check);
        Ok(())
    }

    /// Checks the records after one position up to another.
    async fn read_records(
        &self,
        tree: &mut TiledTree,
        checker: &mut RecordChecker,
        (mut after, to): (u64, u64),
        progress: &mut (dyn FnMut(VerifyProgress) + Send),
    ) -> Result<(), VerifyError> {
        while after < to {
            let page = self.records(&EventQuery::all(), after, PAGE_RECORDS).await?;
            if page.is_empty() {
                break;
            }
            for wire in &page {
                if wire.position <= after {
                    let message = format!("a record at position {} comes late", wire.position);
                    return Err(ClientError::Protocol(message).into());
                }
                after = wire.position;
                if after <= to {
                    let record = Record::decode(wire)?;
                    let leaf = tree.leaf(record.position).await?;
                    checker.check(&record, &leaf).map_err(|fault| *fault)?;
                }
            }
            progress(VerifyProgress::Records { done: after.min(to), total: to });
        }
        progress(VerifyProgress::Records { done: to, total: to });
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

    /// Every erased body must have its redaction in the tree: a list that a server shows beside it
    /// is neither hashed nor signed. What was erased while the records were read has it behind the
    /// checkpoint, so a later one is asked for.
    async fn explain_erasures(
        &self,
        head: &Head,
        checker: &mut RecordChecker,
    ) -> Result<(), VerifyError> {
        let size = head.size();
        if checker.unexplained(size).is_none() {
            return Ok(());
        }
        let later = self.later_head(head).await?;
        let mut tree = TiledTree::fetch(self, later.size(), later.root()).await?;
        self.read_records(&mut tree, checker, (size, later.size()), &mut |_| {}).await?;
        let Some(position) = checker.unexplained(size) else { return Ok(()) };
        let message = format!(
            "the body of the event at position {position} is gone, and no redaction on the log says why"
        );
        let fault = LogFault::of_log(LogFaultKind::ErasedWithoutRedaction, message);
        Err(LogFault { position: Some(position), ..fault }.into())
    }
}

fn records_check(checker: &RecordChecker, first: u64, total: u64) -> Check {
    let RecordChecker { record_count, body_count, .. } = checker;
    let streams = checker.stream_count();
    let erased = checker.erased_count();
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
    let unseen = (total + 1).saturating_sub(first).saturating_sub(*record_count);
    if unseen > 0 {
        let _ = write!(
            detail,
            "; leaves without a record shown, of other workspaces or kept back: {unseen}"
        );
    }
    Check::passed(CheckName::Records, detail)
}

fn senseless(error: impl std::fmt::Display) -> ClientError {
    ClientError::Protocol(error.to_string())
}
