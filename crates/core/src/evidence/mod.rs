//! The evidence file: the events of one run with everything that proves them, for a reader who
//! has neither the server nor a network (`docs/formats/evidence.md`).
//!
//! It opens no file and asks nobody: text in, verdict out. Whether a key is the right one cannot
//! be known from the file; callers compare the report's key with one that they know.
//! INVARIANT (no more than checked): the report says nothing that the verification did not check,
//! and a verified file has no event whose bytes are not covered by the signed root.

mod fault;
mod file;
mod report;
mod streams;
mod verify;
mod write;

pub use fault::{EvidenceFault, EvidenceFaultKind, NamedEvent};
pub use report::{Cosignature, EvidenceReport, EvidenceStream};
pub use streams::{RUN_STREAM_TYPE, is_of_run};
pub use verify::verify_evidence;
pub use write::{Disclosure, EvidenceHead, EvidenceWriteError, EvidenceWriter};

/// The first member of every file. Persisted: another layout gets another number.
pub const EVIDENCE_FORMAT: &str = "annals-evidence/1";

/// Why something of an event is not in the file. Persisted words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Withheld {
    /// Its body was erased from the log.
    Redacted,
    /// Whoever made the file left it out.
    Chosen,
}
