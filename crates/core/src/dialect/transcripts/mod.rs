//! What agents leave behind, as events: Claude Code's transcripts, the output of its headless runs,
//! the logs of its hooks and status lines, and in `documents` the run records of other programs.
//!
//! Pure: [`detect`] tells a file's format, [`pieces`] cuts it into records, [`Importer`] folds the
//! records into drafts, [`Totals`] counts. What is mapped to what: `docs/formats/transcripts.md`.
//!
//! INVARIANT (nothing dropped): what a record says is in an event's `data`, or in `origin.raw`, or
//! the record is a [`Fault`] with its line.
//! INVARIANT (same fact, same event): see `emit`.

mod fields;
pub(super) mod money;
mod usage;

mod detect;
mod format;
mod pieces;

mod agents;
mod calls;
mod record;
mod run;

mod assistant;
mod hooks;
mod other;
mod status;
mod user;

mod documents;
mod emit;
mod importer;
mod totals;

pub use detect::{DetectError, detect};
pub use emit::{DIALECT, Fault, FaultReason, Translated};
pub use format::Format;
pub use importer::{Import, Importer, import};
pub use pieces::{Piece, Pieces, pieces};
pub use totals::{ImportLine, TokenTotals, Totals};
