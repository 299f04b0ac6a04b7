//! Every limit that a client can run into.

use annals_api::{routes, wire};
use annals_core::limits;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;

use crate::answer::document;
use crate::auth::{AnyToken, Caller};
use crate::negotiate::{DOCUMENT_FORMS, choose};
use crate::params::Params;
use crate::problem::ApiProblem;

/// List every limit that a client can run into.
#[utoipa::path(get, path = routes::LIMITS, operation_id = "getLimits", tag = "server",
    responses((status = 200, description = "The limits.", body = wire::Limits)))]
pub(crate) async fn limits(
    _caller: Caller<AnyToken>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, ApiProblem> {
    let form = choose(&headers, DOCUMENT_FORMS)?;
    Params::read(&uri, &[])?;
    document(form, &current())
}

fn current() -> wire::Limits {
    wire::Limits {
        event_bytes_max: limits::EVENT_BYTES_MAX as u64,
        body_bytes_max: limits::BODY_BYTES_MAX as u64,
        in_flight_bytes_max: limits::IN_FLIGHT_BYTES_MAX as u64,
        body_bytes_per_second_min: limits::BODY_BYTES_PER_SECOND_MIN,
        zstd_window_bytes_max: 1 << limits::ZSTD_WINDOW_LOG_MAX,
        batch_events_max: limits::BATCH_EVENTS_MAX as u64,
        otlp_items_bytes_max: limits::OTLP_ITEMS_BYTES_MAX as u64,
        json_depth_max: limits::JSON_DEPTH_MAX as u64,
        json_node_count_max: limits::JSON_NODE_COUNT_MAX as u64,
        id_bytes_max: limits::ID_BYTES_MAX as u64,
        event_type_bytes_max: limits::EVENT_TYPE_BYTES_MAX as u64,
        stream_type_bytes_max: limits::STREAM_TYPE_BYTES_MAX as u64,
        clock_ahead_seconds_max: limits::CLOCK_AHEAD_SECONDS_MAX,
        page_events_max: limits::PAGE_EVENTS_MAX as u64,
        page_events_default: limits::PAGE_EVENTS_DEFAULT as u64,
        page_spans_max: limits::PAGE_SPANS_MAX as u64,
        metric_series_count_max: limits::METRIC_SERIES_COUNT_MAX as u64,
        metric_labels_bytes_max: limits::METRIC_LABELS_BYTES_MAX as u64,
        tail_lag_events_max: limits::TAIL_LAG_EVENTS_MAX,
        tail_lag_bytes_max: limits::TAIL_LAG_BYTES_MAX,
        connection_count_max: limits::CONNECTION_COUNT_MAX as u64,
        tail_count_max: limits::TAIL_COUNT_MAX as u64,
        tail_count_per_token_max: limits::TAIL_COUNT_PER_TOKEN_MAX as u64,
        header_wait_seconds_max: limits::HEADER_WAIT_SECONDS_MAX,
        idle_seconds_max: limits::IDLE_SECONDS_MAX,
        tail_heartbeat_seconds: limits::TAIL_HEARTBEAT_SECONDS,
        redaction_reason_bytes_max: limits::REDACTION_REASON_BYTES_MAX as u64,
        redaction_replacement_bytes_max: limits::REDACTION_REPLACEMENT_BYTES_MAX as u64,
    }
}
