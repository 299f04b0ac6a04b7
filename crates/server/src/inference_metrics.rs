//! What is counted of model calls, under the names that CloudEvents dashboards rely on: `llm_inference_total` and
//! `llm_inference_seconds`, from what was newly stored by any door.
//!
//! A call is counted when its first end is stored; a later statement of the same call is not counted
//! again while the call is among the last ones that were met. The duration is the one that the end
//! states, else the time since the beginning of the call, where that was met.

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use annals_core::event::Event;
use annals_core::json::{as_str, member};
use annals_core::time::Timestamp;
use annals_recorder::request::{BatchAnswer, EventResult};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

use crate::labels::{BoundedLabel, OTHER};
use crate::metrics::ExactCounter;

/// Models with a label of their own.
const MODEL_COUNT_MAX: usize = 100;
/// Calls that are remembered.
const CALL_COUNT_MAX: usize = 8_192;
/// What an end says that its call did, in the words of the GenAI conventions.
const OPERATIONS: [&str; 5] =
    ["chat", "generate_content", "text_completion", "embeddings", "retrieval"];
/// What a call did that does not say so.
const USUAL_OPERATION: &str = "chat";
const SUCCESS: &str = "success";
const ERROR: &str = "error";

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallLabels {
    model: Arc<str>,
    operation: &'static str,
    status: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DurationLabels {
    model: Arc<str>,
    operation: &'static str,
}

type Durations = Family<DurationLabels, Histogram, fn() -> Histogram>;

/// The counters of model calls.
#[derive(Debug)]
pub(crate) struct InferenceMetrics {
    total: Family<CallLabels, ExactCounter>,
    seconds: Durations,
    models: BoundedLabel,
    calls: Mutex<RecentCalls>,
}

/// The last calls that were met, the oldest first.
#[derive(Debug, Default)]
struct RecentCalls {
    by_key: HashMap<u64, Call>,
    order: VecDeque<u64>,
}

/// What is known of a call.
#[derive(Debug, Clone, Default)]
struct Call {
    began_at: Option<Timestamp>,
    model: Option<Arc<str>>,
    is_counted: bool,
}

/// One end of a call, as it is counted.
#[derive(Debug)]
struct End {
    model: Arc<str>,
    seconds: Option<f64>,
}

impl InferenceMetrics {
    /// Counters at 0 for every operation of models without a label.
    pub(crate) fn new() -> Self {
        let metrics = Self {
            total: Family::default(),
            seconds: Family::new_with_constructor(histogram),
            models: BoundedLabel::new(MODEL_COUNT_MAX),
            calls: Mutex::default(),
        };
        for operation in OPERATIONS.into_iter().chain([OTHER]) {
            for status in [SUCCESS, ERROR] {
                let labels = CallLabels { model: OTHER.into(), operation, status };
                drop(metrics.total.get_or_create(&labels));
            }
            drop(metrics.seconds.get_or_create(&DurationLabels { model: OTHER.into(), operation }));
        }
        metrics
    }

    pub(crate) fn register(&self, registry: &mut Registry) {
        let help = "Calls of models that ended, by model, operation and status";
        registry.register("llm_inference_total", help, self.total.clone());
        let help = "Durations of calls of models, by model and operation";
        registry.register("llm_inference_seconds", help, self.seconds.clone());
    }

    /// Counts the model calls among the events that an append has stored.
    pub(crate) fn count(&self, answer: &BatchAnswer) {
        match answer {
            BatchAnswer::One { receipt, replayed: false } => self.count_event(&receipt.event),
            BatchAnswer::One { replayed: true, .. } => {}
            BatchAnswer::Many(results) => {
                for result in results {
                    if let EventResult::Accepted(receipt) = result {
                        self.count_event(&receipt.event);
                    }
                }
            }
        }
    }

    fn count_event(&self, event: &Event) {
        match event.event_type() {
            "model.invoked" => self.begun(event),
            "model.completed" => self.ended(event, SUCCESS),
            "model.failed" => self.ended(event, ERROR),
            _ => {}
        }
    }

    fn begun(&self, event: &Event) {
        let data = event.data();
        let Some(key) = key(event, data) else { return };
        let model = text(data, "model").map(|model| self.models.of(&model));
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        let call = calls.remember(key);
        call.began_at.get_or_insert_with(|| event.header().occurred_at);
        call.model = model.or(call.model.take());
    }

    fn ended(&self, event: &Event, status: &'static str) {
        let data = event.data();
        let Some(End { model, seconds }) = self.end(event, data) else { return };
        let operation = operation(data);
        let labels = CallLabels { model: Arc::clone(&model), operation, status };
        self.total.get_or_create(&labels).inc();
        if let Some(seconds) = seconds {
            self.seconds.get_or_create(&DurationLabels { model, operation }).observe(seconds);
        }
    }

    /// What is counted of an end; nothing when its call has been counted.
    fn end(&self, event: &Event, data: &str) -> Option<End> {
        let model = text(data, "model").map(|model| self.models.of(&model));
        let call = match key(event, data) {
            Some(key) => {
                let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
                let call = calls.remember(key);
                let known = call.clone();
                call.is_counted = true;
                known
            }
            None => Call::default(),
        };
        if call.is_counted {
            return None;
        }
        let since_beginning = call.began_at.map(|began_at| {
            let micros =
                event.header().occurred_at.as_micros().saturating_sub(began_at.as_micros());
            std::time::Duration::from_micros(u64::try_from(micros).unwrap_or(0)).as_secs_f64()
        });
        let model = model.or(call.model).unwrap_or_else(|| OTHER.into());
        Some(End { model, seconds: stated_seconds(data).or(since_beginning) })
    }
}

impl RecentCalls {
    /// The call of a key, which may be new; then the oldest goes where there are too many.
    fn remember(&mut self, key: u64) -> &mut Call {
        if !self.by_key.contains_key(&key) {
            self.order.push_back(key);
            if self.order.len() > CALL_COUNT_MAX
                && let Some(oldest) = self.order.pop_front()
            {
                self.by_key.remove(&oldest);
            }
        }
        self.by_key.entry(key).or_default()
    }
}

fn histogram() -> Histogram {
    // From 50 ms to nearly 7 minutes.
    Histogram::new(exponential_buckets(0.05, 2.0, 14))
}

fn text(data: &str, name: &str) -> Option<String> {
    member(data, name).and_then(as_str).map(std::borrow::Cow::into_owned)
}

/// Which call an event is about: its id is unique within its run.
fn key(event: &Event, data: &str) -> Option<u64> {
    let id = text(data, "model_call_id")?;
    let header = event.header();
    let mut hasher = DefaultHasher::new();
    (header.workspace_id, header.run_id, id).hash(&mut hasher);
    Some(hasher.finish())
}

fn operation(data: &str) -> &'static str {
    match text(data, "operation") {
        None => USUAL_OPERATION,
        Some(stated) => {
            OPERATIONS.into_iter().find(|operation| *operation == stated).unwrap_or(OTHER)
        }
    }
}

fn stated_seconds(data: &str) -> Option<f64> {
    let millis: f64 = member(data, "duration_ms")?.parse().ok()?;
    (millis.is_finite() && millis >= 0.0).then_some(millis / 1_000.0)
}
