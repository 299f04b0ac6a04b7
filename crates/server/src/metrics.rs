//! What `/metrics` shows: the names that dashboards of the seed system rely on, and our own.
//!
//! Label values come from the catalog and from fixed tables, so their number is bounded.
//! Counters are written under the exact names given here: this text format, unlike OpenMetrics,
//! does not append `_total` by itself.

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use annals_api::reason::Reason;
use annals_api::routes;
use annals_core::catalog::Catalog;
use annals_core::limits::CONNECTION_COUNT_MAX;
use annals_recorder::stats::OTHER_TYPE;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use prometheus_client::encoding::{EncodeLabelSet, EncodeMetric, MetricEncoder};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::metrics::{MetricType, TypedMetric};
use prometheus_client::registry::Registry;

use crate::app::App;
use crate::auth::{Caller, Read};
use crate::cloudevents_metrics::CloudEventMetrics;
use crate::inference_metrics::InferenceMetrics;
use crate::otlp::counts::OtlpMetrics;
use crate::problem::ApiProblem;

/// Over how much time the rate of events is measured.
const RATE_WINDOW: Duration = Duration::from_secs(10);

/// A counter whose name is written as it is given.
#[derive(Debug, Clone, Default)]
pub(crate) struct ExactCounter(Arc<AtomicU64>);

impl ExactCounter {
    pub(crate) fn inc(&self) {
        self.add(1);
    }

    pub(crate) fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    fn of(count: u64) -> Self {
        let counter = Self::default();
        counter.add(count);
        counter
    }
}

impl TypedMetric for ExactCounter {
    const TYPE: MetricType = MetricType::Counter;
}

impl EncodeMetric for ExactCounter {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> Result<(), fmt::Error> {
        // The encoder of gauges is the one that adds nothing to the name.
        encoder.encode_gauge(&self.0.load(Ordering::Relaxed))
    }

    fn metric_type(&self) -> MetricType {
        Self::TYPE
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TypeLabel {
    event_type: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ErrorLabel {
    error_type: &'static str,
}

/// The rules are the binary's and the configuration's, so there are few.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RuleLabel {
    rule_id: String,
}

/// The names are the configuration's, so there are few.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct WitnessLabel {
    witness: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SubmissionLabels {
    witness: String,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    method: &'static str,
    route: String,
    status: &'static str,
}

/// What the server itself counts. The recorder's totals are added when somebody looks.
#[derive(Debug)]
pub(crate) struct Metrics {
    pub(crate) failed_authentications: ExactCounter,
    pub(crate) processing_seconds: Histogram,
    pub(crate) rate: EventRate,
    pub(crate) cloudevents: Arc<CloudEventMetrics>,
    pub(crate) inferences: InferenceMetrics,
    pub(crate) otlp: OtlpMetrics,
    processing_errors: Family<ErrorLabel, ExactCounter>,
    requests: Family<RequestLabels, ExactCounter>,
    /// The counter among them of the requests that there are most of.
    appended: ExactCounter,
}

impl Metrics {
    pub(crate) fn new(catalog: &Catalog) -> Self {
        let requests = every_request();
        let appended =
            RequestLabels { method: "POST", route: routes::EVENTS.to_owned(), status: "2xx" };
        Self {
            appended: requests.get_or_create_owned(&appended),
            failed_authentications: ExactCounter::default(),
            processing_seconds: Histogram::new(exponential_buckets(0.000_1, 2.0, 16)),
            rate: EventRate::default(),
            cloudevents: Arc::new(CloudEventMetrics::new(catalog)),
            inferences: InferenceMetrics::new(),
            otlp: OtlpMetrics::new(),
            processing_errors: every_error(),
            requests,
        }
    }

    /// Counts an event or append request that was refused.
    pub(crate) fn count_processing_error(&self, reason: &'static Reason) {
        self.processing_errors.get_or_create(&ErrorLabel { error_type: reason.code }).inc();
    }

    /// Counts an answered request. `route` is a route's pattern, never a client's path.
    pub(crate) fn count_request(&self, method: &axum::http::Method, route: &str, status: u16) {
        if method == axum::http::Method::POST && route == routes::EVENTS && status / 100 == 2 {
            return self.appended.inc();
        }
        let labels = RequestLabels {
            method: method_label(method),
            route: route.to_owned(),
            status: class(status),
        };
        self.requests.get_or_create(&labels).inc();
    }
}

/// A counter at 0 for every route and sort of answer: a first answer is then a step, which rates see,
/// and no new line.
fn every_request() -> Family<RequestLabels, ExactCounter> {
    let family = Family::default();
    for (method, route) in crate::router::routes().table() {
        for status in ["2xx", "4xx", "5xx"] {
            let labels =
                RequestLabels { method: method_label(method), route: (*route).to_owned(), status };
            drop(family.get_or_create(&labels));
        }
    }
    family
}

/// The same for every reason of a refusal.
fn every_error() -> Family<ErrorLabel, ExactCounter> {
    let family = Family::default();
    for reason in annals_api::reason::ALL {
        drop(family.get_or_create(&ErrorLabel { error_type: reason.code }));
    }
    family
}

fn method_label(method: &axum::http::Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        _ => "other",
    }
}

fn class(status: u16) -> &'static str {
    match status / 100 {
        1 => "1xx",
        2 => "2xx",
        3 => "3xx",
        4 => "4xx",
        _ => "5xx",
    }
}

/// How many events a second the log takes, from samples of its head.
#[derive(Debug, Default)]
pub(crate) struct EventRate {
    samples: Mutex<VecDeque<(Instant, u64)>>,
}

impl EventRate {
    pub(crate) fn sample(&self, at: Instant, head_position: u64) {
        let mut samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        samples.push_back((at, head_position));
        while samples.front().is_some_and(|(first, _)| at.duration_since(*first) > RATE_WINDOW) {
            samples.pop_front();
        }
    }

    pub(crate) fn events_per_second(&self) -> f64 {
        let samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        let (Some((from, before)), Some((to, after))) = (samples.front(), samples.back()) else {
            return 0.0;
        };
        let seconds = to.duration_since(*from).as_secs_f64();
        let events = u32::try_from(after - before).unwrap_or(u32::MAX);
        if seconds > 0.0 { f64::from(events) / seconds } else { 0.0 }
    }
}

/// Metrics for Prometheus.
#[utoipa::path(get, path = routes::METRICS, operation_id = "getMetrics", tag = "server",
    responses((status = 200, description = "Metrics in the Prometheus text format 0.0.4.",
        content((String = "text/plain")))))]
pub(crate) async fn metrics(
    State(app): State<App>,
    _caller: Caller<Read>,
) -> Result<Response, ApiProblem> {
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &registry(&app)).map_err(|error| {
        tracing::error!(%error, "metrics could not be written");
        ApiProblem::new(annals_api::reason::INTERNAL, "the metrics could not be written")
    })?;
    let mut response = text.into_response();
    let media_type = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, media_type);
    Ok(response)
}

fn registry(app: &App) -> Registry {
    let mut registry = Registry::default();
    register_seed_names(&mut registry, app);
    app.metrics.cloudevents.register(&mut registry);
    app.metrics.inferences.register(&mut registry);
    app.metrics.otlp.register(&mut registry);
    register_log(&mut registry, app);
    register_trust(&mut registry, app);
    register_server(&mut registry, app);
    registry
}

/// The names that dashboards of the agent hive rely on.
fn register_seed_names(registry: &mut Registry, app: &App) {
    let stats = app.recorder.stats().snapshot();
    let metrics = &app.metrics;
    let entries = app.recorder.catalog().entries();
    let known = entries.iter().map(|entry| entry.event_type.as_str());
    let accepted = by_type(known.chain([OTHER_TYPE]), &stats.accepted);
    registry.register("events_processed_total", "Events that were stored, by type", accepted);
    let duration = metrics.processing_seconds.clone();
    registry.register(
        "processing_duration_seconds",
        "From an append's head to its answer",
        duration,
    );
    let errors = metrics.processing_errors.clone();
    registry.register(
        "processing_errors_total",
        "Refused appends and events, by reason code",
        errors,
    );
    let with_schema = entries.iter().filter(|entry| entry.schema.is_some());
    let with_schema = with_schema.map(|entry| entry.event_type.as_str());
    let failures = by_type(with_schema, &stats.schema_failures);
    let help = "Events whose data did not fit the schema of their type";
    registry.register("schema_validation_failures", help, failures.clone());
    let help = "The same, under the name that client libraries make of it";
    registry.register("schema_validation_failures_total", help, failures);
}

/// Every type that can be counted has its counter from the start.
fn by_type<'a>(
    known: impl Iterator<Item = &'a str>,
    counts: &std::collections::BTreeMap<String, u64>,
) -> Family<TypeLabel, ExactCounter> {
    let family = Family::<TypeLabel, ExactCounter>::default();
    for event_type in known {
        drop(family.get_or_create(&TypeLabel { event_type: event_type.to_owned() }));
    }
    for (event_type, count) in counts {
        family.get_or_create(&TypeLabel { event_type: event_type.clone() }).add(*count);
    }
    family
}

/// Every rule has its counter from the start, so that a first find is a step and no new line.
fn by_rule(
    app: &App,
    counts: &std::collections::BTreeMap<String, u64>,
) -> Family<RuleLabel, ExactCounter> {
    let family = Family::<RuleLabel, ExactCounter>::default();
    for rule_id in app.recorder.secrets().rule_ids() {
        let label = RuleLabel { rule_id: rule_id.to_owned() };
        family.get_or_create(&label).add(counts.get(rule_id).copied().unwrap_or(0));
    }
    family
}

fn register_log(registry: &mut Registry, app: &App) {
    let stats = app.recorder.stats().snapshot();
    let views = app.recorder.views().position().get();
    let head = app.recorder.head().position.get();
    let commits = ExactCounter::of(stats.commits);
    registry.register("annals_commits_total", "Commits of the log that were synced", commits);
    let sync_seconds = float_gauge(seconds(stats.commit_micros));
    let help = "Time spent in commits, syncs included";
    registry.register("annals_commit_seconds_total", help, sync_seconds);
    let redacted = by_rule(app, &stats.secrets);
    let help = "Secrets that were replaced in events that were stored, by rule";
    registry.register("secrets_redacted_total", help, redacted);
    let replayed = ExactCounter::of(stats.replayed);
    registry.register(
        "annals_events_replayed_total",
        "Events answered with an earlier receipt",
        replayed,
    );
    registry.register(
        annals_recorder::bus::AUDIT_LAGGED_METRIC,
        "Events of in-process buses that are missing from their audit trails",
        ExactCounter::of(stats.audit_lagged_events),
    );
    registry.register("annals_head_position", "The newest position of the log", gauge(head));
    let queued = gauge(app.recorder.queued_bytes() as u64);
    registry.register("annals_queue_bytes", "Bytes of events that wait for the sequencer", queued);
    let lag = gauge(head.saturating_sub(views));
    registry.register("annals_view_lag_events", "Events that the views are behind the log", lag);
}

fn register_trust(registry: &mut Registry, app: &App) {
    let counts = app.recorder.trust().checkpoint_counts();
    let signed = ExactCounter::of(counts.signed);
    registry.register("annals_checkpoints_signed_total", "Checkpoints signed", signed);
    let help = "Events under the newest checkpoint";
    registry.register("annals_checkpoint_size", help, gauge(counts.newest_size));
    let age = float_gauge(counts.newest_age.as_secs_f64());
    registry.register("annals_checkpoint_age_seconds", "Since the newest was signed", age);
    let sizes = Family::<WitnessLabel, Gauge>::default();
    let submissions = Family::<SubmissionLabels, ExactCounter>::default();
    for counts in app.witnesses.counts() {
        let witness = counts.witness;
        let size = i64::try_from(counts.cosigned_size).unwrap_or(i64::MAX);
        sizes.get_or_create(&WitnessLabel { witness: witness.clone() }).set(size);
        for (outcome, count) in counts.submissions {
            let labels = SubmissionLabels { witness: witness.clone(), outcome };
            submissions.get_or_create(&labels).add(count);
        }
    }
    let help = "Events under the newest checkpoint that a witness cosigned";
    registry.register("annals_witness_cosigned_size", help, sizes);
    let help = "Checkpoints submitted to a witness, by how that ended: ok, refused or failed";
    registry.register("annals_witness_submissions_total", help, submissions);
}

fn register_server(registry: &mut Registry, app: &App) {
    let metrics = &app.metrics;
    let tails = gauge(app.tails.total() as u64);
    registry.register("annals_tails", "Live tails that are open", tails);
    let open = CONNECTION_COUNT_MAX - app.connections.available_permits().min(CONNECTION_COUNT_MAX);
    registry.register("annals_connections", "Connections that are open", gauge(open as u64));
    let held = gauge(app.bodies.budget.held_bytes() as u64);
    registry.register("annals_body_bytes", "Bytes of request bodies in memory", held);
    let requests = metrics.requests.clone();
    registry.register("annals_http_requests_total", "Answered requests", requests);
    let failed = metrics.failed_authentications.clone();
    registry.register(
        "annals_failed_authentications_total",
        "Requests without a valid credential",
        failed,
    );
    let uptime = gauge(app.started_at.elapsed().as_secs());
    registry.register("annals_uptime_seconds", "Seconds since the start", uptime);
}

fn gauge(value: u64) -> Gauge {
    let gauge = Gauge::default();
    gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
    gauge
}

fn float_gauge(value: f64) -> Gauge<f64, AtomicU64> {
    let gauge = Gauge::<f64, AtomicU64>::default();
    gauge.set(value);
    gauge
}

fn seconds(micros: u64) -> f64 {
    Duration::from_micros(micros).as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_taken_over_the_last_ten_seconds() {
        let rate = EventRate::default();
        assert!(rate.events_per_second().abs() < f64::EPSILON);
        let start = Instant::now();
        for second in 0..30_u64 {
            let events = if second < 15 { 0 } else { (second - 15) * 100 };
            rate.sample(start + Duration::from_secs(second), events);
        }
        assert!((rate.events_per_second() - 100.0).abs() < 1e-9);
    }
}
