//! What is counted of the OTLP door: requests and items, by signal and by what became of them.
//!
//! All label values are in fixed tables, and every counter is there from the start.

use annals_core::dialect::otlp::Signal;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use crate::metrics::ExactCounter;

/// By which protocol a request came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transport {
    Http,
    Grpc,
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// All of it was taken.
    Taken,
    /// Some items were refused.
    Partial,
    /// Nothing was taken, and it is no use to send it again.
    Refused,
    /// Nothing is answered as taken; it may be sent again.
    Retry,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    signal: &'static str,
    transport: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ItemLabels {
    signal: &'static str,
    outcome: &'static str,
}

/// Items of one request, by what became of them.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct ItemCounts {
    pub(super) accepted: u64,
    pub(super) replayed: u64,
    pub(super) rejected: u64,
}

/// The counters of the door.
#[derive(Debug)]
pub(crate) struct OtlpMetrics {
    requests: Family<RequestLabels, ExactCounter>,
    items: Family<ItemLabels, ExactCounter>,
}

impl OtlpMetrics {
    /// All counters at 0.
    pub(crate) fn new() -> Self {
        let metrics = Self { requests: Family::default(), items: Family::default() };
        for signal in Signal::ALL {
            for transport in [Transport::Http, Transport::Grpc] {
                for ended in [Ended::Taken, Ended::Partial, Ended::Refused, Ended::Retry] {
                    metrics.count_requests(signal, transport, ended, 0);
                }
            }
            metrics.count_items(signal, ItemCounts::default());
        }
        metrics
    }

    pub(crate) fn register(&self, registry: &mut Registry) {
        let help =
            "OTLP requests, by signal, transport and outcome: taken, partial, refused or retry";
        registry.register("annals_otlp_requests_total", help, self.requests.clone());
        let help = "Spans, log records and data points, by outcome: accepted, replayed or rejected";
        registry.register("annals_otlp_items_total", help, self.items.clone());
    }

    pub(super) fn count_request(&self, signal: Signal, transport: Transport, ended: Ended) {
        self.count_requests(signal, transport, ended, 1);
    }

    fn count_requests(&self, signal: Signal, transport: Transport, ended: Ended, count: u64) {
        let labels = RequestLabels {
            signal: name(signal),
            transport: match transport {
                Transport::Http => "http",
                Transport::Grpc => "grpc",
            },
            outcome: match ended {
                Ended::Taken => "taken",
                Ended::Partial => "partial",
                Ended::Refused => "refused",
                Ended::Retry => "retry",
            },
        };
        self.requests.get_or_create(&labels).add(count);
    }

    pub(super) fn count_items(&self, signal: Signal, counts: ItemCounts) {
        for (outcome, count) in [
            ("accepted", counts.accepted),
            ("replayed", counts.replayed),
            ("rejected", counts.rejected),
        ] {
            self.items.get_or_create(&ItemLabels { signal: name(signal), outcome }).add(count);
        }
    }
}

fn name(signal: Signal) -> &'static str {
    match signal {
        Signal::Traces => "traces",
        Signal::Logs => "logs",
        Signal::Metrics => "metrics",
    }
}
