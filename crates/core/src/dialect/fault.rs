//! Why a foreign document is no event: the fault, and where in the document it is.

use crate::envelope::EnvelopeFault;

/// Why a document is refused. Places are JSON Pointers into the document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ForeignFault {
    /// The document is not a JSON object.
    #[error("a document of this dialect is a JSON object")]
    NotAnObject,
    /// A member that the format requires is absent.
    #[error("`{pointer}` is required")]
    MissingMember {
        /// Where it belongs.
        pointer: String,
    },
    /// A member has the wrong type or breaks its grammar.
    #[error("`{pointer}` is wrong: {problem}")]
    InvalidMember {
        /// Where it is.
        pointer: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A member holds more than is taken, once it is unpacked.
    #[error("`{pointer}` holds more than {byte_count_max} bytes, the most of one {unit}")]
    TooLarge {
        /// Where it is.
        pointer: String,
        /// Bytes that are allowed.
        byte_count_max: usize,
        /// What may have so many: an event, or a request.
        unit: &'static str,
    },
    /// The document is of a version that nothing here reads.
    #[error("version {found} is not read here; {supported} is")]
    UnsupportedVersion {
        /// What the document says.
        found: String,
        /// What is read.
        supported: &'static str,
    },
    /// What came of the document breaks a rule of the envelope.
    #[error("{0}")]
    Envelope(#[from] EnvelopeFault),
}

impl ForeignFault {
    /// The place of the fault, as a JSON Pointer; none when it is the whole document.
    #[must_use]
    pub fn pointer(&self) -> Option<&str> {
        match self {
            Self::MissingMember { pointer }
            | Self::InvalidMember { pointer, .. }
            | Self::TooLarge { pointer, .. } => Some(pointer),
            Self::NotAnObject | Self::UnsupportedVersion { .. } | Self::Envelope(_) => None,
        }
    }
}

/// A required member that is absent.
pub(super) fn missing(pointer: &str) -> ForeignFault {
    ForeignFault::MissingMember { pointer: pointer.to_owned() }
}

/// A member that is wrong.
pub(super) fn invalid(pointer: &str, problem: impl std::fmt::Display) -> ForeignFault {
    ForeignFault::InvalidMember { pointer: pointer.to_owned(), problem: problem.to_string() }
}
