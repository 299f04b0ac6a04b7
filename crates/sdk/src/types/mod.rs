//! Typed payloads of every type of the catalog that a program may report.
//!
//! Generated from `catalog/`; `tests/sdk_types.rs` of `annals-core` writes it and holds it to the catalog.
//! Each is made with what every such event has, given the rest by setters, and turned into a
//! draft. Members that the catalog does not name are set by `with`.
//!
//! ```
//! use annals_sdk::types::ToolInvoked;
//! use annals_sdk::{agent, stream};
//!
//! # fn main() -> Result<(), annals_sdk::ClientError> {
//! let call = ToolInvoked::new("call-1", "Bash").title("cargo test");
//! let draft = call.draft(agent("builder")?, stream("run", "run-1")?)?;
//! assert_eq!(draft.event_type.as_str(), "tool.invoked");
//! # Ok(())
//! # }
//! ```

mod agent;
mod approval;
mod bus;
mod command;
mod envelope;
mod evidence;
mod experiment;
mod extension;
mod file;
mod homelab;
mod hook;
mod incident;
mod lambda;
mod learning;
mod memory;
mod message;
mod model;
mod office;
mod permission;
mod project;
mod room;
mod run;
mod session;
mod skill;
mod system;
mod task;
mod telemetry;
mod tool;
mod trust;

pub use agent::*;
pub use approval::*;
pub use bus::*;
pub use command::*;
pub use envelope::*;
pub use evidence::*;
pub use experiment::*;
pub use extension::*;
pub use file::*;
pub use homelab::*;
pub use hook::*;
pub use incident::*;
pub use lambda::*;
pub use learning::*;
pub use memory::*;
pub use message::*;
pub use model::*;
pub use office::*;
pub use permission::*;
pub use project::*;
pub use room::*;
pub use run::*;
pub use session::*;
pub use skill::*;
pub use system::*;
pub use task::*;
pub use telemetry::*;
pub use tool::*;
pub use trust::*;
