//! Between a door and the log: translate, limit, check, decide, append, and tell those who watch.
//!
//! This is the embeddable product: everything but HTTP. A program that opens a [`Recorder`] has
//! the same promises as one that talks to the server. Read the modules in this order.

pub mod config;
pub mod world;

pub mod principal;
pub mod refusal;
pub mod request;

mod pipeline;

mod translate;

mod prepare;
mod schema;

mod answer;

mod sequencer;

pub mod access;
pub mod live;
pub mod redaction;
pub mod secrets;
pub mod settings;
pub mod stats;
pub mod trust;
pub mod views;

pub mod copies;
pub mod evidence;

pub mod bus;

mod recorder;

pub use recorder::{CloseError, OpenError, Recorder};
