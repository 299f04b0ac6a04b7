//! The server itself: status, limits, catalog, health.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The server as the caller's token sees it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Status {
    /// The server's version.
    pub version: String,
    /// The log's identity.
    pub log_id: String,
    /// The newest position.
    pub head_position: u64,
    /// When the newest event was recorded; null for an empty log.
    pub recorded_at: Option<String>,
    /// The caller's workspace.
    pub workspace_id: String,
    /// What the caller's token may do.
    pub rights: Vec<crate::wire::RightName>,
    /// How acknowledged events are kept.
    pub durability: crate::wire::DurabilityName,
    /// How far the views are.
    pub views: ViewsStatus,
    /// Whether secrets are looked for before anything is stored.
    pub secrets: SecretsStatus,
    /// What becomes of payloads that do not fit the schemas of their types.
    pub schemas: SchemasStatus,
    /// Live tails that are open.
    pub tails: u64,
    /// Seconds since the start.
    pub uptime_s: u64,
    /// How busy the log is.
    pub rate: Rate,
}

/// How far the views are.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
pub struct ViewsStatus {
    /// The position that they reflect.
    pub position: u64,
    /// Events between that position and the head.
    pub lag_events: u64,
    /// Whether they are being rebuilt, so that totals may be too small.
    pub stale: bool,
}

/// What is looked for before anything is stored.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SecretsStatus {
    /// Whether the search is on; off, whatever is sent is stored as it came.
    pub enabled: bool,
    /// How many rules there are.
    pub rule_count: u64,
    /// The ids of the installation's own rules.
    pub own_rules: Vec<String>,
    /// How many exceptions let finds pass.
    pub exception_count: u64,
}

/// What becomes of payloads that do not fit the schemas of their types.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SchemasStatus {
    /// Whether payloads of known types are held against their schemas in this installation.
    pub checked: bool,
    /// What becomes of those that do not fit, in the caller's workspace.
    pub mode: crate::wire::SchemaModeName,
    /// When the workspace last changed its settings; null when it never did.
    pub changed_at: Option<String>,
    /// Who did.
    pub changed_by: Option<String>,
}

/// How busy the log is.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
pub struct Rate {
    /// Events that the log took per second, over the last ten seconds.
    pub events_per_s: f64,
}

/// Every limit that a client can run into.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Limits {
    /// Bytes of one event, without insignificant whitespace.
    pub event_bytes_max: u64,
    /// Bytes of one request body after decompression.
    pub body_bytes_max: u64,
    /// Bytes of request bodies held at once over all connections.
    pub in_flight_bytes_max: u64,
    /// The slowest body that is waited for, in bytes a second.
    pub body_bytes_per_second_min: u64,
    /// The largest window that a zstd body may ask for, in bytes.
    pub zstd_window_bytes_max: u64,
    /// Events of one append request.
    pub batch_events_max: u64,
    /// Bytes of the items of one OTLP request, each with its resource and scope.
    pub otlp_items_bytes_max: u64,
    /// Nested arrays and objects in one event.
    pub json_depth_max: u64,
    /// JSON values in one event.
    pub json_node_count_max: u64,
    /// Bytes of an id.
    pub id_bytes_max: u64,
    /// Bytes of an event type.
    pub event_type_bytes_max: u64,
    /// Bytes of a stream type.
    pub stream_type_bytes_max: u64,
    /// How far `occurred_at` may lie ahead of the server's clock, in seconds.
    pub clock_ahead_seconds_max: u64,
    /// Events of one page.
    pub page_events_max: u64,
    /// Events of one page when no limit is given.
    pub page_events_default: u64,
    /// Spans of one page.
    pub page_spans_max: u64,
    /// Metric series of a workspace; points of others are counted, and kept as events.
    pub metric_series_count_max: u64,
    /// Bytes of what tells a metric series from others.
    pub metric_labels_bytes_max: u64,
    /// Events that a live reader may fall behind.
    pub tail_lag_events_max: u64,
    /// Bytes that a live reader may fall behind.
    pub tail_lag_bytes_max: u64,
    /// Open connections.
    pub connection_count_max: u64,
    /// Live tails in all.
    pub tail_count_max: u64,
    /// Live tails of one token.
    pub tail_count_per_token_max: u64,
    /// Seconds that a client may take to send a request's head.
    pub header_wait_seconds_max: u64,
    /// Seconds that a kept-alive connection may stay silent.
    pub idle_seconds_max: u64,
    /// Seconds between two signs of life on a live tail.
    pub tail_heartbeat_seconds: u64,
    /// Bytes of the reason that a redaction gives.
    pub redaction_reason_bytes_max: u64,
    /// Bytes of what stands in for a redacted payload.
    pub redaction_replacement_bytes_max: u64,
}

/// An event type that the server knows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CatalogType {
    /// The type.
    pub event_type: String,
    /// The version of its schema.
    pub event_version: u32,
    /// The group of types that it is described with.
    pub family: String,
    /// One of seven: workflow, agent, tool, memory, communication, recovery, system.
    pub category: String,
    /// `control` or `observed`.
    pub authority: String,
    /// What the fact means.
    pub meaning: String,
    /// The kind of stream that dialects put it on, with that unit's id.
    pub stream: String,
    /// How much it matters to who watches: debug, info, low, medium, high, critical.
    pub severity: String,
    /// What it is in an audit trail, such as `tool_call`.
    pub audit: String,
    /// Members of `data`, as dotted paths, that may hold secrets or personal data.
    pub sensitive: Vec<String>,
    /// How foreign formats say it, for each dialect that does.
    pub spellings: BTreeMap<String, Vec<CatalogSpelling>>,
    /// For control types: the route that writes it; null where no route of this version does.
    pub route: Option<String>,
    /// The JSON Schema of `data`; null when any value will do.
    pub schema: serde_json::Value,
    /// An example of `data`; null when there is none.
    pub example: serde_json::Value,
}

/// One way in which a foreign format says a fact.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CatalogSpelling {
    /// The name of the fact there.
    pub name: String,
    /// Members there, or JSON pointers into the document, whose values tell it from others of the name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub when: BTreeMap<String, serde_json::Value>,
    /// Members of `data` that the name states.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub set: BTreeMap<String, serde_json::Value>,
    /// Members there, or JSON pointers, to members of `data` or to `@` and an envelope field; a list
    /// where one goes to several places.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub map: BTreeMap<String, serde_json::Value>,
    /// Members that the format demands, with what stands for one that an event lacks.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fill: BTreeMap<String, serde_json::Value>,
    /// `out` for a spelling that is not used on the way in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub way: Option<String>,
}

/// The event types that the server knows.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CatalogAnswer {
    /// The types.
    pub types: Vec<CatalogType>,
}

/// The answer of `/healthz` and `/readyz`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Health {
    /// `ok` or `ready`.
    pub status: String,
}
