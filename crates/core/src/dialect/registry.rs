//! Which dialects there are by name: those that take documents in, and those that events go out in.

use std::sync::{Arc, OnceLock};

use super::agentos::{AGENTOS, AgentOs};
use super::cloudevents::CloudEvents;
use super::envelope::{AgentEnvelope, ENVELOPE};
use super::hive::{HIVE, Hive};
use super::hooks::{HOOKS, Hooks};
use super::kernel::{KERNEL, Kernel};
use super::otlp::{OTLP, Otlp};
use super::{ForeignReader, ForeignWriter};

/// A dialect that events can be read in.
#[derive(Debug, Clone)]
pub struct NamedWriter {
    /// Its name, as `?dialect=` has it.
    pub name: &'static str,
    /// What writes it.
    pub writer: Arc<dyn ForeignWriter>,
}

/// The dialects that take documents in by doors of the same manner.
#[must_use]
pub fn readers() -> &'static [Arc<dyn ForeignReader>] {
    static READERS: OnceLock<Vec<Arc<dyn ForeignReader>>> = OnceLock::new();
    READERS.get_or_init(|| {
        let mut readers: Vec<Arc<dyn ForeignReader>> = Vec::new();
        readers.extend(Hive::new().ok().map(|hive| Arc::new(hive) as _));
        readers.extend(Kernel::new().ok().map(|kernel| Arc::new(kernel) as _));
        readers.extend(AgentOs::new().ok().map(|agentos| Arc::new(agentos) as _));
        readers.extend(AgentEnvelope::new().ok().map(|envelope| Arc::new(envelope) as _));
        readers.extend(Hooks::new().ok().map(|hooks| Arc::new(hooks) as _));
        readers
    })
}

/// The dialects that events can be read in.
#[must_use]
pub fn writers() -> &'static [NamedWriter] {
    static WRITERS: OnceLock<Vec<NamedWriter>> = OnceLock::new();
    WRITERS.get_or_init(|| {
        let mut writers = Vec::new();
        let mut add = |name, writer: Option<Arc<dyn ForeignWriter>>| {
            writers.extend(writer.map(|writer| NamedWriter { name, writer }));
        };
        let cloudevents = CloudEvents::one();
        add(super::cloudevents::DIALECT, cloudevents.ok().map(|writer| Arc::new(writer) as _));
        add(AGENTOS, AgentOs::new().ok().map(|writer| Arc::new(writer) as _));
        add(HIVE, Hive::new().ok().map(|writer| Arc::new(writer) as _));
        add(KERNEL, Kernel::new().ok().map(|writer| Arc::new(writer) as _));
        add(ENVELOPE, AgentEnvelope::new().ok().map(|writer| Arc::new(writer) as _));
        add(HOOKS, Hooks::new().ok().map(|writer| Arc::new(writer) as _));
        add(OTLP, Some(Arc::new(Otlp)));
        writers
    })
}
