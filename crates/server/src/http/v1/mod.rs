//! Version 1 of the API. It only grows.

pub(crate) mod catalog;
pub(crate) mod cloudevents;
pub(crate) mod doors;
pub(crate) mod events;
pub(crate) mod limits;
pub(crate) mod settings;
pub(crate) mod status;
pub(crate) mod streams;
pub(crate) mod tail;

pub(crate) mod agents;
pub(crate) mod metric_series;
pub(crate) mod runs;
pub(crate) mod tool_calls;
pub(crate) mod types;
pub(crate) mod usage;
mod views;

pub(crate) mod evidence;
pub(crate) mod log;
pub(crate) mod redactions;
pub(crate) mod segments;

pub(crate) mod session;
pub(crate) mod tokens;
