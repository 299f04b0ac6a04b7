//! The envelope: an event as its sender means it, before the server adds anything.
//!
//! [`Draft`] is what every door's dialect translates to. It is complete in what the sender said
//! and silent about the rest: absent, null and empty stay different.
//! [`Draft::parse`] is the strict native door; [`Draft::to_json`] is its inverse.

mod draft;
mod parse;
mod words;

pub use draft::{Draft, Origin, Scope};
pub(crate) use draft::{write_raw_member, write_text_member};
pub use parse::{EnvelopeFault, Strictness};
pub use words::{Actor, ActorType, Authority, RedactionLevel, StreamKey, UnknownWord, Zone};
