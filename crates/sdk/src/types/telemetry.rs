//! Payloads of the family `telemetry`. Generated; see `mod.rs`.

use crate::payload::payload;

payload! {
    /// A request to a vendor of models was sent and answered or not; one call may take several.
    ModelAttempted = "model.attempted", 1;
    required {}
    optional {
        model "model": &str,
        attempt "attempt": impl Into<serde_json::Value>,
        duration_ms "duration_ms": impl Into<serde_json::Value>,
        status_code "status_code": impl Into<serde_json::Value>,
        /// String; may hold secrets or personal data.
        message "message": &str,
        model_call_id "model_call_id": &str,
    }
    /// A piece of a model's answer arrived.
    ModelStreamed = "model.streamed", 1;
    required {}
    optional {
        kind "kind": &str,
        duration_ms "duration_ms": impl Into<serde_json::Value>,
        /// String; may hold secrets or personal data.
        message "message": &str,
    }
    /// A model would not answer.
    ModelRefused = "model.refused", 1;
    required {}
    optional {
        model "model": &str,
        model_call_id "model_call_id": &str,
        /// String; may hold secrets or personal data.
        message "message": &str,
        duration_ms "duration_ms": impl Into<serde_json::Value>,
    }
    /// A call of a model was given up after several attempts.
    ModelRetriesExhausted = "model.retries_exhausted", 1;
    required {}
    optional {
        model "model": &str,
        /// String; may hold secrets or personal data.
        message "message": &str,
        status_code "status_code": impl Into<serde_json::Value>,
        total_attempts "total_attempts": impl Into<serde_json::Value>,
        total_retry_duration_ms "total_retry_duration_ms": impl Into<serde_json::Value>,
    }
    /// The whole request of a model call was written down.
    ModelRequestRecorded = "model.request_recorded", 1;
    required {}
    optional {
        model "model": &str,
        /// Any; may hold secrets or personal data.
        body "body": impl Into<serde_json::Value>,
        /// String; may hold secrets or personal data.
        body_ref "body_ref": &str,
        body_length "body_length": impl Into<serde_json::Value>,
        body_truncated "body_truncated": impl Into<serde_json::Value>,
        query_source "query_source": &str,
    }
    /// The whole answer of a model call was written down.
    ModelResponseRecorded = "model.response_recorded", 1;
    required {}
    optional {
        model "model": &str,
        model_call_id "model_call_id": &str,
        /// Any; may hold secrets or personal data.
        body "body": impl Into<serde_json::Value>,
        /// String; may hold secrets or personal data.
        body_ref "body_ref": &str,
        body_length "body_length": impl Into<serde_json::Value>,
        body_truncated "body_truncated": impl Into<serde_json::Value>,
        query_source "query_source": &str,
    }
    /// Somebody judged an answer or a run and gave a score.
    EvaluationReported = "evaluation.reported", 1;
    required {}
    optional {
        name "name": &str,
        score "score": impl Into<serde_json::Value>,
        label "label": impl Into<serde_json::Value>,
        /// String or null; may hold secrets or personal data.
        explanation "explanation": &str,
        model_call_id "model_call_id": &str,
    }
    /// Some work took some time; telemetry says so and it is no fact about agents.
    SpanRecorded = "span.recorded", 1;
    required {
        span_id "span_id": &str,
    }
    optional {
        trace_id "trace_id": &str,
        parent_span_id "parent_span_id": &str,
        name "name": &str,
        kind "kind": impl Into<serde_json::Value>,
        start_time "start_time": impl Into<serde_json::Value>,
        end_time "end_time": impl Into<serde_json::Value>,
        duration_ms "duration_ms": impl Into<serde_json::Value>,
        status "status": impl Into<serde_json::Value>,
        /// Any; may hold secrets or personal data.
        attributes "attributes": impl Into<serde_json::Value>,
        /// Array; may hold secrets or personal data.
        events "events": impl Into<serde_json::Value>,
        links "links": impl Into<serde_json::Value>,
        resource "resource": impl Into<serde_json::Value>,
        scope "scope": impl Into<serde_json::Value>,
    }
    /// A program logged something that is no fact about agents.
    LogRecordReported = "log_record.reported", 1;
    required {}
    optional {
        event_name "event_name": &str,
        /// Any; may hold secrets or personal data.
        body "body": impl Into<serde_json::Value>,
        severity_number "severity_number": u64,
        severity_text "severity_text": &str,
        trace_id "trace_id": &str,
        span_id "span_id": &str,
        /// Any; may hold secrets or personal data.
        attributes "attributes": impl Into<serde_json::Value>,
        resource "resource": impl Into<serde_json::Value>,
        scope "scope": impl Into<serde_json::Value>,
    }
    /// A program reported a measured number.
    MetricReported = "metric.reported", 1;
    required {
        name "name": &str,
    }
    optional {
        description "description": &str,
        unit "unit": &str,
        /// String; such as `gauge`, `sum`, `histogram`, `exponential_histogram`, `summary`.
        kind "kind": &str,
        /// String; such as `delta`, `cumulative`.
        temporality "temporality": &str,
        monotonic "monotonic": bool,
        /// Object; may hold secrets or personal data.
        attributes "attributes": impl Into<serde_json::Value>,
        flags "flags": u64,
        value "value": impl Into<serde_json::Value>,
        count "count": u64,
        sum "sum": impl Into<serde_json::Value>,
        min "min": impl Into<serde_json::Value>,
        max "max": impl Into<serde_json::Value>,
        bounds "bounds": impl Into<serde_json::Value>,
        bucket_counts "bucket_counts": impl Into<serde_json::Value>,
        scale "scale": i64,
        zero_count "zero_count": u64,
        zero_threshold "zero_threshold": impl Into<serde_json::Value>,
        positive "positive": impl Into<serde_json::Value>,
        negative "negative": impl Into<serde_json::Value>,
        quantiles "quantiles": impl Into<serde_json::Value>,
        start_at "start_at": &str,
        at "at": &str,
        resource "resource": impl Into<serde_json::Value>,
        scope "scope": impl Into<serde_json::Value>,
    }
}
