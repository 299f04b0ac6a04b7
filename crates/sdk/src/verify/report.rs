//! What a verification found, what it left unchecked, and the first thing that is wrong.

use std::fmt;

use annals_core::hash::Digest;

/// What was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CheckName {
    /// The checkpoint is signed by the log's key.
    Signature,
    /// The key is the one that was seen before, or was handed over by it.
    Key,
    /// The log still holds what the remembered checkpoint says.
    Rollback,
    /// The tree over all leaves has the checkpoint's root.
    Tree,
    /// Records are leaves of the tree, their hashes and chains fit, their bodies are what was committed to.
    Records,
    /// Witnesses have cosigned the checkpoint.
    Witnesses,
}

impl CheckName {
    /// The name in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Signature => "signature",
            Self::Key => "key",
            Self::Rollback => "rollback",
            Self::Tree => "tree",
            Self::Records => "records",
            Self::Witnesses => "witnesses",
        }
    }
}

/// How a check went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckResult {
    /// It was looked at and is in order.
    Passed,
    /// It was not looked at; why is in the detail.
    NotChecked,
}

/// One check, for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What was looked at.
    pub name: CheckName,
    /// How it went.
    pub result: CheckResult,
    /// What exactly, in a sentence.
    pub detail: String,
}

impl Check {
    pub(crate) fn passed(name: CheckName, detail: impl Into<String>) -> Self {
        Self { name, result: CheckResult::Passed, detail: detail.into() }
    }

    pub(crate) fn not_checked(name: CheckName, detail: impl Into<String>) -> Self {
        Self { name, result: CheckResult::NotChecked, detail: detail.into() }
    }
}

/// A log whose checks found nothing wrong. It says no more than its checks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verification {
    /// The log's identity.
    pub log_id: String,
    /// The name under which its checkpoints are signed.
    pub origin: String,
    /// Leaves of the checkpoint's tree.
    pub size: u64,
    /// The checkpoint's root.
    pub root: Digest,
    /// Leaves whose hashes were looked at.
    pub leaves_checked: u64,
    /// Records that were looked at.
    pub records_checked: u64,
    /// Those of them whose bodies were.
    pub bodies_checked: u64,
    /// Those of them whose bodies were erased.
    pub bodies_erased: u64,
    /// The workspace whose records they are.
    pub workspace_id: Option<String>,
    /// What was looked at and what not.
    pub checks: Vec<Check>,
}

/// How a log is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFaultKind {
    /// The note is not signed by the log's key.
    BadSignature,
    /// Another key signs than before, and no key rotation was shown.
    OtherKey,
    /// The log is shorter than it was.
    RolledBack,
    /// The log has another history than the one seen before.
    OtherHistory,
    /// The tiles do not lead to the signed root.
    TreeMismatch,
    /// A record's header is not the one that is in the tree.
    EditedHeader,
    /// A record's body is not the one that was committed to.
    EditedBody,
    /// An event is missing between two of its stream.
    Removed,
    /// An event stands where it does not belong.
    Reordered,
    /// A body is gone and nothing on the log says why.
    ErasedWithoutRedaction,
    /// An event, or a name, of another log.
    ForeignLog,
}

impl LogFaultKind {
    /// The name in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BadSignature => "bad_signature",
            Self::OtherKey => "other_key",
            Self::RolledBack => "rolled_back",
            Self::OtherHistory => "other_history",
            Self::TreeMismatch => "tree_mismatch",
            Self::EditedHeader => "edited_header",
            Self::EditedBody => "edited_body",
            Self::Removed => "removed",
            Self::Reordered => "reordered",
            Self::ErasedWithoutRedaction => "erased_without_redaction",
            Self::ForeignLog => "foreign_log",
        }
    }
}

/// The first thing that is wrong with a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogFault {
    /// How.
    pub kind: LogFaultKind,
    /// Which event.
    pub position: Option<u64>,
    /// Its stream, as `type/id`.
    pub stream: Option<String>,
    /// Its place there.
    pub seq: Option<u64>,
    /// Its id.
    pub event_id: Option<String>,
    /// What is wrong and what was expected, for a person.
    pub message: String,
}

impl LogFault {
    pub(crate) fn of_log(kind: LogFaultKind, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { kind, position: None, stream: None, seq: None, event_id: None, message }
    }
}

impl fmt::Display for LogFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for LogFault {}
