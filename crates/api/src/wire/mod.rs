//! The JSON bodies of the API, one module per resource.
//!
//! Readers are tolerant: unknown members are ignored. Times are RFC 3339 in UTC with six
//! fractional digits, hashes 64 lower-case hex digits, money integer micro-dollars.

mod access;
mod append;
mod event;
mod log;
mod read;
mod redaction;
mod status;
mod views;

pub use access::*;
pub use append::*;
pub use event::*;
pub use log::*;
pub use read::*;
pub use redaction::*;
pub use status::*;
pub use views::*;
