//! Finishing at a start what a crash left undone: a mark without its erasure.

use annals_store::contract::{EraseFailure, LogReader, LogWriter};

use super::{Marks, RedactionFailure};

/// Erases every marked body that is still there.
///
/// A disk without any room is no reason not to start: the marks hide the bodies, and the next start
/// or a repeated redaction erases them.
pub(crate) fn finish(
    writer: &mut dyn LogWriter,
    reader: &dyn LogReader,
    marks: &Marks,
) -> Result<(), RedactionFailure> {
    let mut left = Vec::new();
    for position in marks.positions() {
        if reader.event_at(position)?.is_some_and(|event| !event.is_erased()) {
            left.push(position);
        }
    }
    if left.is_empty() {
        return Ok(());
    }
    tracing::info!(bodies = left.len(), "erasing redacted bodies that a stop left behind");
    match writer.erase(&left) {
        Ok(_) => Ok(()),
        Err(EraseFailure::StorageFull) => {
            tracing::warn!("the disk is too full to erase redacted bodies; they stay hidden");
            Ok(())
        }
        Err(failure) => Err(failure.into()),
    }
}
