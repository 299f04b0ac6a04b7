//! The paths of the API, each written once.
//!
//! Path parameters stand in braces, as in OpenAPI. `/v1` only grows.

/// Whether the process is alive. Open.
pub const HEALTHZ: &str = "/healthz";
/// Whether the log is recovered and writable. Open.
pub const READYZ: &str = "/readyz";
/// Prometheus metrics.
pub const METRICS: &str = "/metrics";
/// The OpenAPI document.
pub const OPENAPI: &str = "/openapi.json";
/// The AsyncAPI document of the live tails.
pub const ASYNCAPI: &str = "/asyncapi.json";

/// Append events, and read them.
pub const EVENTS: &str = "/v1/events";
/// Append CloudEvents.
pub const CLOUDEVENTS: &str = "/v1/cloudevents";
/// The doors of foreign formats.
pub const DOOR: &str = "/v1/doors/{dialect}";
/// OTLP over HTTP: spans.
pub const OTLP_TRACES: &str = "/v1/traces";
/// OTLP over HTTP: log records.
pub const OTLP_LOGS: &str = "/v1/logs";
/// OTLP over HTTP: metric data points.
pub const OTLP_METRICS: &str = "/v1/metrics";
/// One event by its id.
pub const EVENT: &str = "/v1/events/{event_id}";
/// Erase one event's body.
pub const EVENT_REDACT: &str = "/v1/events/{event_id}/redact";
/// The workspace's redactions.
pub const REDACTIONS: &str = "/v1/redactions";
/// The workspace's streams.
pub const STREAMS: &str = "/v1/streams";
/// One stream's ends.
pub const STREAM: &str = "/v1/streams/{stream_type}/{stream_id}";
/// One stream's events, as pages or as a live tail.
pub const STREAM_EVENTS: &str = "/v1/streams/{stream_type}/{stream_id}/events";
/// The workspace's live tail.
pub const TAIL: &str = "/v1/tail";

/// The runs.
pub const RUNS: &str = "/v1/runs";
/// One run with its agents and models.
pub const RUN: &str = "/v1/runs/{run_id}";
/// One run's spans.
pub const RUN_SPANS: &str = "/v1/runs/{run_id}/spans";
/// One run as an evidence file that proves itself.
pub const RUN_EVIDENCE: &str = "/v1/runs/{run_id}/evidence";
/// The agents over all runs.
pub const AGENTS: &str = "/v1/agents";
/// The tool calls.
pub const TOOL_CALLS: &str = "/v1/tool-calls";
/// The types that the workspace has events of, with their rates.
pub const TYPES: &str = "/v1/types";
/// Model calls, tokens and cost in groups.
pub const USAGE: &str = "/v1/usage";

/// The newest signed checkpoint.
pub const LOG_CHECKPOINT: &str = "/v1/log/checkpoint";
/// The keys that sign checkpoints.
pub const LOG_KEY: &str = "/v1/log/key";
/// Make another key sign.
pub const LOG_KEY_ROTATE: &str = "/v1/log/key/rotate";
/// A tile of the tree.
pub const LOG_TILE: &str = "/v1/log/tile/{*path}";
/// That an event is in the tree.
pub const LOG_INCLUSION: &str = "/v1/log/inclusion";
/// That one tree is a prefix of another.
pub const LOG_CONSISTENCY: &str = "/v1/log/consistency";
/// The log's proofs at a glance.
pub const LOG_STATUS: &str = "/v1/log/status";
/// The files of the log, for a backup.
pub const LOG_SEGMENTS: &str = "/v1/log/segments";
/// The bytes of one file of the log.
pub const LOG_SEGMENT: &str = "/v1/log/segments/{first_position}";

/// The server as this token sees it.
pub const STATUS: &str = "/v1/status";
/// What a workspace decided about itself.
pub const SETTINGS: &str = "/v1/settings";
/// The event types that the server knows.
pub const CATALOG: &str = "/v1/catalog";
/// Their schemas as one JSON Schema document.
pub const CATALOG_SCHEMA: &str = "/v1/catalog/schema";
/// Every limit that a client can run into.
pub const LIMITS: &str = "/v1/limits";

/// Trade a login code for a session's bearer. Open: the code is the credential.
pub const SESSION: &str = "/v1/session";
/// Make a login code.
pub const SESSION_CODES: &str = "/v1/session/codes";
/// Issue tokens, and list them.
pub const TOKENS: &str = "/v1/tokens";
/// Revoke one token.
pub const TOKEN_REVOKE: &str = "/v1/tokens/{token_id}/revoke";

/// Response header: the cursor of the next page, where the body has no place for it.
pub const NEXT_HEADER: &str = "annals-next";
/// Response header: the position that the page reflects, where the body has no place for it.
pub const AS_OF_HEADER: &str = "annals-as-of";
/// Response header: the name of this request in the server's log.
pub const REQUEST_ID_HEADER: &str = "x-request-id";
/// The SSE event that proves to a reader that the log still holds the tree that it knows.
pub const CONSISTENCY_FRAME: &str = "annals.consistency";
/// The SSE event that tells a slow reader where to resume before it is disconnected.
pub const LAGGED_FRAME: &str = "annals.lagged";
