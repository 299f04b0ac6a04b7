//! The JSON bodies of the API, one module per resource.
//!
//! Readers are tolerant: unknown members are ignored. Times are RFC 3339 in UTC with six
//! fractional digits, hashes 64 lower-case hex digits, money integer micro-dollars.

mod access;
mod append;
mod counts;
mod event;
mod log;
mod read;
mod redaction;
mod settings;
mod status;
mod usage;
mod views;

pub use access::*;
pub use append::*;
pub use counts::*;
pub use event::*;
pub use log::*;
pub use read::*;
pub use redaction::*;
pub use settings::*;
pub use status::*;
pub use usage::*;
pub use views::*;
