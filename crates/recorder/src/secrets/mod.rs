//! Secrets never get in: the filter between every door and the log, and what is said of its finds.
//!
//! What a secret looks like is the core's matter. Here are the key of this log's fingerprints, the
//! installation's settings, the companion that tells of a find, and the fact that tells of settings
//! that changed.
//!
//! INVARIANT (before anything else): nothing of an event is hashed, stored, shown or logged before
//! it has passed the filter; the one thing that sees it whole is the check against its schema.

mod companion;
mod filter;
mod settings;

pub(crate) use companion::{Source, WORKSPACE_STREAM_TYPE, companion, counts_in};
pub use filter::SecretFilter;
pub(crate) use settings::changed_fact;
