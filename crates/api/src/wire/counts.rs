//! What the server counts over all events: types, and what metrics came to.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A type that the workspace has events of, or payloads that did not fit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TypeCounts {
    /// The type.
    pub event_type: String,
    /// Events by the dialect that they came in by; `native` for those that came in none.
    pub dialects: BTreeMap<String, u64>,
    /// Events.
    pub events: u64,
    /// When the newest was recorded; null without events.
    pub last_at: Option<String>,
    /// The newest one's position; null without events.
    pub last_position: Option<u64>,
    /// Events that were recorded in the last minute, in steps of ten seconds.
    pub events_last_minute: u64,
    /// Events that were recorded in the last hour.
    pub events_last_hour: u64,
    /// Payloads that did not fit the type's schema since the server's start, refused or kept.
    pub schema_failures: u64,
}

/// A page of types, in the order in which they were first seen.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct TypesPage {
    /// The types.
    pub types: Vec<TypeCounts>,
    /// Pass it as `cursor` for the next page; null at the end.
    pub next: Option<String>,
    /// The position that the answer reflects.
    pub as_of: u64,
    /// Whether the views are being rebuilt.
    pub stale: bool,
    /// The server's start, from which on `schema_failures` are counted.
    pub since: String,
}

/// What the points of a metric with one set of attributes came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MetricSeries {
    /// The metric.
    pub name: String,
    /// What it measures.
    pub description: Option<String>,
    /// In which unit.
    pub unit: Option<String>,
    /// `gauge`, `sum`, `histogram`, `exponential_histogram` or `summary`.
    pub kind: String,
    /// Of a sum: whether it only rises.
    pub monotonic: Option<bool>,
    /// Its attributes.
    #[schema(value_type = std::collections::HashMap<String, Object>)]
    pub attributes: BTreeMap<String, serde_json::Value>,
    /// `service.name` and `service.instance.id` of who measured, where told.
    pub resource: BTreeMap<String, String>,
    /// Of a sum its total, of a gauge its latest value; `"NaN"`, `"Infinity"` and `"-Infinity"` are texts.
    #[schema(value_type = Option<f64>)]
    pub value: Option<serde_json::Value>,
    /// Of histograms and summaries: measurements.
    pub count: Option<u64>,
    /// Of histograms and summaries: the sum of the measurements, where told.
    #[schema(value_type = Option<f64>)]
    pub sum: Option<serde_json::Value>,
    /// Of a histogram: the upper bounds of all buckets but the last.
    pub bounds: Vec<f64>,
    /// Of a histogram: measurements in each bucket, not added up.
    pub bucket_counts: Vec<u64>,
    /// Its first point's time.
    pub first_at: String,
    /// Its newest point's time.
    pub last_at: String,
    /// Points that came in.
    pub points: u64,
}

/// A page of metric series, in the order in which they were first heard of.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct MetricSeriesPage {
    /// The series.
    pub series: Vec<MetricSeries>,
    /// Pass it as `cursor` for the next page; null at the end.
    pub next: Option<String>,
    /// The position that the answer reflects.
    pub as_of: u64,
    /// Whether the views are being rebuilt.
    pub stale: bool,
    /// Points of the workspace that changed no figure, by what is wrong with them: `malformed`,
    /// `not_a_number`, `no_temporality`, `negative`, `late`, `too_many_series`, `labels_too_long`.
    pub faults: BTreeMap<String, u64>,
}
