//! Finding secrets, from outside: what is found, what is not, and what stays as it was.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test that cannot set itself up must fail, and says what it skipped"
)]

mod labelled;
mod marks;
mod real_runs;
mod rules;
mod support;
