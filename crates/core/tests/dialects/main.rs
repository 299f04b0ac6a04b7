//! The law of the dialects: a foreign document comes in, is kept as an event, and goes out again as
//! the same document, whatever it holds.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test that cannot set itself up must fail, and says what it skipped"
)]

mod across;
mod fixtures;
mod generated;
mod law;
mod otlp;
mod page;
mod versions;
