//! The log of Annals: what it promises, and the engines that keep the promise.
//!
//! Sync code without a clock, randomness, HTTP, SQL or policy: times, salts and ids are passed
//! in. Nothing outside may assume a local file. Read the modules in this order.

pub mod contract;
pub mod query;

mod assign;
mod buffers;
mod frame;
mod keys;
mod looked;
mod tips;
mod tree;

pub mod local;
pub mod memory;

pub mod audit;
