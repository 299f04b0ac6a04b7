//! CloudEvents against what others wrote of them: the conformance features, the examples of the
//! specification, documents of SDKs and real payloads. Data that is not there is skipped by name.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test that cannot set itself up must fail, and says what it skipped"
)]

mod gherkin;
mod support;

mod features;
mod fixtures;
mod payloads;
mod specification;
