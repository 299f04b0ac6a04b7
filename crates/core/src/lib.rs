//! The pure rules of Annals: what an event is, how it is written as bytes, hashed and proven,
//! and how foreign vocabularies translate to it and back.
//!
//! Nothing here reads a clock, draws a random number, touches a file or awaits:
//! every such input is an argument. Read the modules in this order.

#![warn(missing_docs, clippy::wildcard_enum_match_arm)]

pub mod limits;

pub mod id;
pub mod time;

pub mod json;
pub mod msgpack;

pub mod envelope;
pub mod hash;
pub mod record;

pub mod event;
pub mod redaction;
pub mod violation;

pub mod merkle;
pub mod tiles;

pub mod note;

pub mod checkpoint;

pub mod evidence;

pub mod secrets;

pub mod catalog;
pub mod dialect;
pub mod price;
