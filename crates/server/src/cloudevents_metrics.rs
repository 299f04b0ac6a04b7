//! What is counted of CloudEvents, under the names that CloudEvents dashboards rely on: `cloudevents_received_total` and
//! `cloudevents_processing_seconds`.
//!
//! Received is every valid CloudEvent that came in, also one that came before or that is refused
//! later. The type's label is the catalog's, else `other`; of sources the first ones have a label.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use annals_core::catalog::{Catalog, Spelling, Way};
use annals_core::dialect::cloudevents::{CloudEvents, DIALECT};
use annals_core::dialect::{ForeignContext, ForeignFault, ForeignReader};
use annals_core::envelope::Draft;
use annals_core::id::DialectName;
use annals_core::json::{BodyForm, as_str, member};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

use crate::labels::{BoundedLabel, OTHER};
use crate::metrics::ExactCounter;

/// Sources with a label of their own.
const SOURCE_COUNT_MAX: usize = 100;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReceivedLabels {
    r#type: Arc<str>,
    source: Arc<str>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TypeLabel {
    r#type: Arc<str>,
}

type Durations = Family<TypeLabel, Histogram, fn() -> Histogram>;

/// The counters of the door.
#[derive(Debug)]
pub(crate) struct CloudEventMetrics {
    received: Family<ReceivedLabels, ExactCounter>,
    processing_seconds: Durations,
    sources: BoundedLabel,
}

impl CloudEventMetrics {
    /// Counters at 0, for the types that the catalog knows as CloudEvents and for the rest.
    pub(crate) fn new(catalog: &Catalog) -> Self {
        let metrics = Self {
            received: Family::default(),
            processing_seconds: Family::new_with_constructor(histogram),
            sources: BoundedLabel::new(SOURCE_COUNT_MAX),
        };
        let is_read = |spelling: &Spelling| spelling.way == Way::Both;
        let known =
            catalog.entries().iter().filter(|entry| entry.spellings(DIALECT).iter().any(is_read));
        let known = known.map(|entry| entry.event_type.as_str());
        for event_type in known.chain([OTHER]) {
            let labels = ReceivedLabels { r#type: event_type.into(), source: OTHER.into() };
            drop(metrics.received.get_or_create(&labels));
        }
        drop(metrics.processing_seconds.get_or_create(&TypeLabel { r#type: OTHER.into() }));
        metrics
    }

    pub(crate) fn register(&self, registry: &mut Registry) {
        let help = "CloudEvents that came in, by type and source";
        registry.register("cloudevents_received_total", help, self.received.clone());
        let help = "From a CloudEvent's request to its durable answer, by type";
        registry.register("cloudevents_processing_seconds", help, self.processing_seconds.clone());
    }

    fn count_received(&self, event_type: &Arc<str>, source: &str) {
        let labels =
            ReceivedLabels { r#type: Arc::clone(event_type), source: self.sources.of(source) };
        self.received.get_or_create(&labels).inc();
    }

    /// Counts how long each event of a request took.
    pub(crate) fn count_processed(&self, reader: &CountingReader, elapsed: Duration) {
        let seen = std::mem::take(&mut *reader.seen.lock().unwrap_or_else(PoisonError::into_inner));
        for r#type in seen {
            let histogram = self.processing_seconds.get_or_create(&TypeLabel { r#type });
            histogram.observe(elapsed.as_secs_f64());
        }
    }
}

fn histogram() -> Histogram {
    Histogram::new(exponential_buckets(0.000_1, 2.0, 16))
}

/// The dialect's reader, counting what it reads. One for each request.
#[derive(Debug)]
pub(crate) struct CountingReader {
    reader: CloudEvents,
    metrics: Arc<CloudEventMetrics>,
    /// The types of the documents that were read.
    seen: Mutex<Vec<Arc<str>>>,
}

impl CountingReader {
    pub(crate) fn new(reader: CloudEvents, metrics: &Arc<CloudEventMetrics>) -> Self {
        Self { reader, metrics: Arc::clone(metrics), seen: Mutex::default() }
    }
}

impl ForeignReader for CountingReader {
    fn dialect(&self) -> &DialectName {
        self.reader.dialect()
    }

    fn check_form(&self, form: BodyForm) -> Result<(), ForeignFault> {
        self.reader.check_form(form)
    }

    fn read(&self, document: &str, context: &ForeignContext<'_>) -> Result<Draft, ForeignFault> {
        let draft = self.reader.read(document, context)?;
        let event_type = draft.event_type.as_str();
        let is_known = context.catalog.entry(event_type).is_some();
        let event_type: Arc<str> = Arc::from(if is_known { event_type } else { OTHER });
        let source = member(document, "source").and_then(as_str).unwrap_or_default();
        self.metrics.count_received(&event_type, &source);
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).push(event_type);
        Ok(draft)
    }
}
