//! The in-process bus: what the parts of one program tell each other, with a trail that loses nothing
//! unsaid.
//!
//! [`EventBus`] hands each event to whoever listens, and keeps nothing. An [`AuditTrail`] that is
//! attached to it is no listener that may lag: it has a queue of its own, and what does not fit is
//! recorded as a gap with its count. A program that must know that an event is kept awaits
//! [`EventBus::publish_durable`]. There is no server here and no network.
//!
//! ```
//! # use annals_recorder::Recorder;
//! # use annals_recorder::config::RecorderConfig;
//! use annals_recorder::bus::{AgentId, EventBus, KernelEvent, TrailOptions};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let recorder = Recorder::open(RecorderConfig::in_memory())?;
//! let bus = EventBus::new(256);
//! let trail = bus.attach_audit(&recorder, TrailOptions::named("kernel"))?;
//! let mut listener = bus.subscribe();
//!
//! let receipt = bus.publish_durable(KernelEvent::AgentStarted { id: AgentId::nil() }).await?;
//! assert_eq!(receipt.event.event_type(), "agent.started");
//! assert!(matches!(listener.recv().await?, KernelEvent::AgentStarted { .. }));
//! # trail.finish().await;
//! # Ok(())
//! # }
//! ```

mod channel;
mod record;

mod queue;
mod trail;
mod writer;

mod kernel;

pub use channel::{
    AttachError, DurableError, EventBus, NotRecorded, Published, RecvError, Subscription,
    TryRecvError,
};
pub use kernel::{AgentId, KernelEvent, Phase};
pub use record::{NotAnEvent, Recordable};
pub use trail::{AuditTrail, TrailCounts, TrailEnded, TrailOptions};

/// The name of the counter of events that are missing from audit trails, for whoever shows metrics; its
/// value is in [`crate::stats::StatsSnapshot::audit_lagged_events`].
pub const AUDIT_LAGGED_METRIC: &str = "oxios_audit_lagged_events_total";
