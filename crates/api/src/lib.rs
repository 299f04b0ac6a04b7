//! The words of the HTTP API: routes, wire types, reason codes and problems.
//!
//! Clients and the server share this crate; nothing here opens a connection or reads a file.

#![warn(missing_docs)]

pub mod routes;

mod problem;
pub mod reason;

pub mod wire;

pub use problem::{PROBLEM_MEDIA_TYPE, Problem};
