//! The index of the local engine: how an event is found without reading the log.
//!
//! INVARIANT (derived): everything here can be deleted and is built again from the segments; it
//! is never evidence about the log. The files' format is in `docs/formats/index.md`.

pub(crate) mod table;

pub(crate) mod filter;
pub(crate) mod page;
pub(crate) mod write;

pub(crate) mod cache;
pub(crate) mod run;

pub(crate) mod build;
mod collect;
