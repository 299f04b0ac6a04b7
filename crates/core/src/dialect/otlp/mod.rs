//! OTLP: spans, log records and metric data points of OpenTelemetry, as facts and back.
//!
//! Pure, on OTLP/JSON text: [`items`] takes a request apart into one request per item, [`read`] says
//! which facts an item states, [`Otlp`] gives the item back. The names of the GenAI conventions, of
//! OpenInference and of coding agents are in the catalog; what is code here is who acted, which run it
//! was, how tokens were counted, and what a span's two ends are.
//!
//! INVARIANT (nothing lost): the fact that ends an item holds the whole item; what its payload says
//! already is there by reference (`pack`). The fact that only begins a span holds no more than it says.

mod fields;
mod pack;
mod split;
mod value;

mod fact;
mod flattened;
mod frame;
mod names;
mod tame;
mod usage;

mod kept;
mod log;
mod metric;
mod span;

mod write;

use crate::catalog::Catalog;
use crate::dialect::{ForeignContext, ForeignFault, ForeignWriter};
use crate::envelope::Draft;

pub use split::{Item, items};

/// The name of this dialect.
pub const OTLP: &str = "otlp";

/// What a request is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Signal {
    /// Spans.
    Traces,
    /// Log records.
    Logs,
    /// Data points.
    Metrics,
}

impl Signal {
    /// All signals.
    pub const ALL: [Self; 3] = [Self::Traces, Self::Logs, Self::Metrics];

    /// The signal of a request, by the member that it has; none when it has none of them.
    #[must_use]
    pub fn of(request: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|signal| crate::json::member(request, signal.levels()[0]).is_some())
    }

    /// The members that lead to an item: of a request, of what a resource sent, of what a scope sent.
    const fn levels(self) -> [&'static str; 3] {
        match self {
            Self::Traces => ["resourceSpans", "scopeSpans", "spans"],
            Self::Logs => ["resourceLogs", "scopeLogs", "logRecords"],
            Self::Metrics => ["resourceMetrics", "scopeMetrics", "metrics"],
        }
    }
}

/// The facts that one item states, in the order they happened: one, or two for a span that begins and
/// ends something. The last one holds the item.
///
/// # Errors
/// When the item is not as OTLP has it, with the place in the item's document.
pub fn read(
    signal: Signal,
    item: &Item,
    context: &ForeignContext<'_>,
) -> Result<Vec<Draft>, ForeignFault> {
    let place = split::Place::of(signal, &item.document)?;
    match signal {
        Signal::Traces => span::read(&place, &item.document, context),
        Signal::Logs => log::read(&place, &item.document, context),
        Signal::Metrics => metric::read(&place, &item.document, context),
    }
}

/// Gives an event that came as OTLP back as the request of that one item.
#[derive(Debug, Clone, Copy, Default)]
pub struct Otlp;

impl ForeignWriter for Otlp {
    fn write(&self, envelope: &str, _catalog: &Catalog) -> Option<String> {
        write::write(envelope)
    }
}
