//! Metric series: deltas become totals that survive restarts, and nothing is passed over in silence.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what it did not expect")]

mod support;

use std::path::Path;
use std::sync::Arc;

use annals_core::id::Position;
use annals_core::limits::{METRIC_LABELS_BYTES_MAX, METRIC_SERIES_COUNT_MAX};
use annals_recorder::Recorder;
use annals_recorder::config::RecorderConfig;
use annals_recorder::redaction::RedactRequest;
use annals_recorder::views::{self, Figure, MetricSeries, MetricSeriesPage, MetricsQuery};
use serde_json::{Value, json};
use support::append_all;

/// An event that tells of a point.
fn told(data: &Value) -> String {
    json!({
        "event_type": "metric.reported",
        "occurred_at": "2026-01-01T00:00:30Z",
        "actor": {"actor_type": "service", "actor_id": "claude-code"},
        "stream": {"stream_type": "service", "stream_id": "claude-code"},
        "data": data,
    })
    .to_string()
}

fn tokens(second: u32, value: i64) -> Value {
    json!({
        "name": "claude_code.token.usage", "unit": "tokens", "kind": "sum", "temporality": "delta",
        "monotonic": true, "attributes": {"type": "output", "model": "m"}, "value": value,
        "start_at": format!("2026-01-01T00:00:{:02}Z", second - 1),
        "at": format!("2026-01-01T00:00:{second:02}Z"),
        "resource": {"service.name": "claude-code"},
    })
}

fn latency(buckets: [u64; 3]) -> Value {
    json!({
        "name": "llm.duration", "unit": "s", "kind": "histogram", "temporality": "delta",
        "count": buckets.iter().sum::<u64>(), "sum": 1.5, "bounds": [0.5, 2], "bucket_counts": buckets,
        "start_at": "2026-01-01T00:00:00Z", "at": "2026-01-01T00:00:10Z",
    })
}

fn page(recorder: &Recorder) -> MetricSeriesPage {
    let query = MetricsQuery {
        workspace_id: "default".to_owned(),
        name: None,
        cursor: None,
        count_max: 100,
    };
    recorder.views().metric_series(&query).unwrap()
}

fn series(recorder: &Recorder, name: &str) -> MetricSeries {
    page(recorder).page.rows.into_iter().find(|series| series.name == name).unwrap()
}

fn faults(recorder: &Recorder) -> Vec<(String, i64)> {
    page(recorder).faults.into_iter().map(|fault| (fault.fault, fault.points)).collect()
}

async fn opened(directory: &Path) -> Recorder {
    let recorder = Recorder::open(RecorderConfig::at(directory)).unwrap();
    recorder.views().wait_for(recorder.head().position).await;
    recorder
}

async fn tell(recorder: &Recorder, points: &[Value]) {
    let lines: Vec<_> = points.iter().map(told).collect();
    append_all(recorder, &lines).await;
    recorder.views().wait_for(recorder.head().position).await;
}

#[tokio::test]
async fn deltas_add_up_across_restarts_and_when_the_views_are_made_anew() {
    let directory = tempfile::tempdir().unwrap();
    let recorder = opened(directory.path()).await;
    tell(&recorder, &[tokens(10, 100), latency([1, 2, 0])]).await;
    tell(&recorder, &[tokens(11, 20)]).await;
    recorder.close().unwrap();
    drop(recorder);
    let recorder = opened(directory.path()).await;
    // A late one and one in another order of its attributes are of the same series.
    let mut late = tokens(5, 3);
    late["attributes"] = json!({"model": "m", "type": "output"});
    tell(&recorder, &[late, latency([0, 1, 4])]).await;
    let live = page(&recorder);
    let found = series(&recorder, "claude_code.token.usage");
    assert_eq!((found.figures.value, found.points), (Some(Figure::Whole(123)), 3));
    assert_eq!(found.first_at.to_string(), "2026-01-01T00:00:05.000000Z");
    assert_eq!(found.last_at.to_string(), "2026-01-01T00:00:11.000000Z");
    let found = series(&recorder, "llm.duration").figures;
    assert_eq!((found.count, found.buckets), (Some(8), vec![1, 3, 4]));
    assert_eq!(found.sum, Some(Figure::Whole(3)));
    recorder.close().unwrap();
    drop(recorder);
    views::delete(directory.path()).unwrap();
    let recorder = opened(directory.path()).await;
    assert_eq!(format!("{:?}", page(&recorder)), format!("{live:?}"));
}

#[tokio::test]
async fn a_cumulative_source_that_restarts_never_lets_its_series_fall() {
    let recorder = Recorder::open(RecorderConfig::in_memory()).unwrap();
    let count = |start: u32, at: u32, value: i64| {
        json!({"name": "jobs", "kind": "sum", "temporality": "cumulative", "monotonic": true,
            "value": value, "start_at": format!("2026-01-01T00:00:{start:02}Z"),
            "at": format!("2026-01-01T00:00:{at:02}Z")})
    };
    let mut highest = 0.0;
    for (point, wanted) in [
        (count(0, 5, 10), 10),
        (count(0, 9, 14), 14),
        (count(0, 7, 12), 14),
        (count(20, 21, 1), 15),
        (count(0, 15, 16), 17),
        (count(20, 25, 0), 17),
        (count(20, 26, 4), 21),
    ] {
        tell(&recorder, &[point]).await;
        let value = series(&recorder, "jobs").figures.value.unwrap();
        assert_eq!(value, Figure::Whole(wanted));
        assert!(value.as_f64() >= highest, "{value} after {highest}");
        highest = value.as_f64();
    }
    assert_eq!(faults(&recorder), [("late".to_owned(), 1)]);
}

#[tokio::test]
async fn a_point_that_cannot_be_taken_in_is_counted_by_what_is_wrong() {
    let recorder = Recorder::open(RecorderConfig::in_memory()).unwrap();
    let sum = |change: &dyn Fn(&mut Value)| {
        let mut point = tokens(10, 1);
        change(&mut point);
        point
    };
    let points = [
        sum(&|_| {}),
        sum(&|point| point["value"] = json!("NaN")),
        sum(&|point| point["value"] = json!(-5)),
        sum(&|point| point["value"] = Value::Null),
        sum(&|point| drop(point.as_object_mut().unwrap().remove("temporality"))),
        sum(&|point| point["at"] = json!("yesterday")),
        sum(&|point| point["attributes"]["long"] = json!("x".repeat(METRIC_LABELS_BYTES_MAX))),
        json!({"name": "load", "kind": "gauge", "value": "Infinity"}),
    ];
    tell(&recorder, &points).await;
    assert_eq!(series(&recorder, "claude_code.token.usage").figures.value, Some(Figure::Whole(1)));
    assert_eq!(series(&recorder, "load").figures.value, Some(Figure::Real(f64::INFINITY)));
    let wanted = [
        ("labels_too_long", 1),
        ("malformed", 2),
        ("negative", 1),
        ("no_temporality", 1),
        ("not_a_number", 1),
    ];
    assert_eq!(faults(&recorder), wanted.map(|(fault, count)| (fault.to_owned(), count)));
}

#[tokio::test]
async fn a_workspace_has_so_many_series_and_no_more() {
    let recorder = Recorder::open(RecorderConfig::in_memory()).unwrap();
    let gauge =
        |n: usize| json!({"name": "g", "kind": "gauge", "attributes": {"n": n}, "value": n});
    let points: Vec<_> = (0..METRIC_SERIES_COUNT_MAX + 3).map(gauge).collect();
    tell(&recorder, &points).await;
    tell(&recorder, &[gauge(0), gauge(METRIC_SERIES_COUNT_MAX + 9)]).await;
    let mut query = MetricsQuery {
        workspace_id: "default".to_owned(),
        name: Some("g".to_owned()),
        cursor: None,
        count_max: 999,
    };
    let mut count = 0;
    loop {
        let found = recorder.views().metric_series(&query).unwrap();
        count += found.page.rows.len();
        match found.page.next {
            Some(next) => query.cursor = Some(next),
            None => break,
        }
    }
    assert_eq!(count, METRIC_SERIES_COUNT_MAX);
    assert_eq!(faults(&recorder), [("too_many_series".to_owned(), 4)]);
}

#[tokio::test]
async fn a_redacted_point_is_in_no_series_and_its_words_are_in_no_file() {
    let directory = tempfile::tempdir().unwrap();
    let recorder = opened(directory.path()).await;
    let mut secret = tokens(12, 7);
    secret["attributes"]["who"] = json!("squeamish-ossifrage");
    let first = recorder.head().position.get();
    tell(&recorder, &[tokens(10, 100), secret, tokens(11, 20)]).await;
    for (position, wanted) in [(first + 2, 120), (first + 3, 100)] {
        let event = recorder.log().event_at(Position(position)).unwrap().unwrap();
        let request = RedactRequest {
            workspace_id: None,
            event_id: event.header().event_id,
            reason: "a test".to_owned(),
            replacement: None,
        };
        recorder.redact(Arc::clone(recorder.access().owner()), request).await.unwrap();
        let rows = page(&recorder).page.rows;
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0].figures.value, Some(Figure::Whole(wanted)));
    }
    assert_eq!(faults(&recorder), []);
    let file = directory.path().join("derived/views/views.sqlite");
    let bytes = std::fs::read(file).unwrap();
    let word = b"squeamish-ossifrage";
    assert!(!bytes.windows(word.len()).any(|window| window == word));
}

#[tokio::test]
async fn another_workspace_sees_no_series() {
    let recorder = Recorder::open(RecorderConfig::in_memory()).unwrap();
    tell(&recorder, &[tokens(10, 1)]).await;
    let query =
        MetricsQuery { workspace_id: "other".to_owned(), name: None, cursor: None, count_max: 10 };
    let found = recorder.views().metric_series(&query).unwrap();
    assert!(found.page.rows.is_empty() && found.faults.is_empty());
}
