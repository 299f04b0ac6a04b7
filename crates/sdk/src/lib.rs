//! Annals for Rust programs: append events so that a retry cannot duplicate them, follow the log
//! so that a broken connection loses nothing, and read pages of what is kept.
//!
//! It speaks only the public HTTP API. It never opens a log, and it keeps nothing on disk but the
//! checkpoints that it is asked to remember ([`verify::CheckpointMemory`]).
//!
//! ```no_run
//! use annals_sdk::{Client, TailQuery, Tailed, agent, draft, stream};
//! use annals_core::id::Position;
//! use futures_util::StreamExt as _;
//!
//! # async fn example() -> Result<(), annals_sdk::ClientError> {
//! let client = Client::from_env()?;
//! let mut note = draft("note.taken", agent("scribe")?, stream("run", "run-1")?, &"the build is green")?;
//! let receipt = client.append(&mut note).await?;
//!
//! let mut tail = client.tail(TailQuery::after(Position(receipt.position)));
//! while let Some(tailed) = tail.next().await {
//!     if let Tailed::Event(event) = tailed? {
//!         println!("{} {}", event.position, event.event_type);
//!     }
//! }
//! # Ok(())
//! # }
//! ```

#![warn(missing_docs)]

mod client;
mod error;
mod retry;

mod append;
mod event;
mod make;

mod query;
mod read;

mod resume;
mod sse;
mod tail;

mod payload;
pub mod types;

mod reporter;
mod tool_call;

mod admin;

mod log;
pub mod verify;

pub use annals_api::Problem;
pub use annals_api::wire;
pub use annals_api::wire::Receipt;
pub use annals_core::envelope::Draft;
pub use append::{AppendOptions, BatchOutcome};
pub use client::{Client, ClientBuilder, DEFAULT_URL, is_local};
pub use error::ClientError;
pub use event::StoredEvent;
pub use log::{EvidenceError, HashOnly};
pub use make::{agent, draft, service, stream, user};
pub use query::{EventQuery, Order};
pub use read::EventPage;
pub use reporter::{Delivery, ReportError, Reporter, ReporterOptions, RunReporter};
pub use retry::RetryPolicy;
pub use sse::{SseFrame, SseParser};
pub use tail::{Tail, TailQuery, Tailed};
pub use tool_call::ToolCall;
