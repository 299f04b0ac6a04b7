//! Evidence files: what verifies, and what every manipulation is called.
#![allow(
    clippy::panic,
    clippy::print_stdout,
    reason = "a test stops at what it did not expect and says what it skips"
)]

mod log;
mod manipulations;
mod second_verifier;
mod verify;
