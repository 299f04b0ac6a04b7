//! What an event of a program must say so that a log can keep it.

use annals_core::dialect::{ForeignContext, ForeignFault};
use annals_core::envelope::Draft;

/// A value is no event that a log can keep.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it is no event: {problem}")]
pub struct NotAnEvent {
    /// What is wrong with it.
    pub problem: String,
}

impl From<ForeignFault> for NotAnEvent {
    fn from(fault: ForeignFault) -> Self {
        Self { problem: fault.to_string() }
    }
}

/// A value of a bus that a log can keep.
pub trait Recordable {
    /// The event that it is. Identity and time may be left out: the trail sets them at once.
    ///
    /// # Errors
    /// When it is none.
    fn to_draft(&self, context: &ForeignContext<'_>) -> Result<Draft, NotAnEvent>;
}

impl Recordable for Draft {
    fn to_draft(&self, _: &ForeignContext<'_>) -> Result<Draft, NotAnEvent> {
        Ok(self.clone())
    }
}
