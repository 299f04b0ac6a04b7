//! The AsyncAPI 3 document of the live tails, and the route that serves it.

use annals_api::routes;
use axum::response::Response;
use serde_json::{Value, json};

use crate::auth::{AnyToken, Caller};

/// The AsyncAPI document of the live tails.
#[utoipa::path(get, path = routes::ASYNCAPI, operation_id = "getAsyncApi", tag = "server",
    responses((status = 200, description = "The document.", body = serde_json::Value)))]
pub(crate) async fn asyncapi(_caller: Caller<AnyToken>) -> Response {
    crate::openapi::json(document().to_string())
}

/// The AsyncAPI document.
#[must_use]
pub fn document() -> Value {
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Annals live tails",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Server-sent events. `id` is the event's seq on a stream's tail and its \
                position on the workspace's tail; `event` is the event type; `data` is the envelope \
                on one line. `Last-Event-ID` resumes exactly.",
            "license": { "name": "Apache-2.0" }
        },
        "channels": {
            "tail": {
                "address": routes::TAIL,
                "description": "Every event of the token's workspace, by position.",
                "messages": messages()
            },
            "stream": {
                "address": routes::STREAM_EVENTS,
                "description": "The events of one stream, by seq.",
                "parameters": {
                    "stream_type": { "description": "The kind of stream." },
                    "stream_id": { "description": "Its name within the kind." }
                },
                "messages": messages()
            }
        },
        "operations": {
            "followTail": { "action": "send", "channel": { "$ref": "#/channels/tail" } },
            "followStream": { "action": "send", "channel": { "$ref": "#/channels/stream" } }
        },
        "components": { "messages": { "event": event_message(), "lagged": lagged_message(), "consistency": consistency_message() } }
    })
}

fn messages() -> Value {
    json!({
        "event": { "$ref": "#/components/messages/event" },
        "lagged": { "$ref": "#/components/messages/lagged" },
        "consistency": { "$ref": "#/components/messages/consistency" }
    })
}

fn event_message() -> Value {
    json!({
        "name": "event",
        "title": "A stored event",
        "contentType": "application/json",
        "payload": {
            "type": "object",
            "required": ["position", "event_id", "event_type", "recorded_at", "stream", "actor", "data", "event_hash"],
            "properties": {
                "position": { "type": "integer", "minimum": 1 },
                "event_id": { "type": "string", "format": "uuid" },
                "event_type": { "type": "string" },
                "recorded_at": { "type": "string", "format": "date-time" },
                "stream": { "type": "object" },
                "actor": { "type": "object" },
                "data": {},
                "event_hash": { "type": "string", "pattern": "^[0-9a-f]{64}$" }
            }
        }
    })
}

fn lagged_message() -> Value {
    json!({
        "name": routes::LAGGED_FRAME,
        "title": "The reader fell too far behind; the connection ends",
        "contentType": "application/json",
        "payload": {
            "type": "object",
            "required": ["resume_after", "reason_code", "detail"],
            "properties": {
                "resume_after": { "type": "integer", "minimum": 0 },
                "reason_code": { "const": "lagged" },
                "detail": { "type": "string" }
            }
        }
    })
}

fn consistency_message() -> Value {
    json!({
        "name": routes::CONSISTENCY_FRAME,
        "title": "The log still holds the tree that the reader named with `known`; the first frame",
        "contentType": "application/json",
        "payload": {
            "type": "object",
            "required": ["proof", "checkpoint"],
            "properties": {
                "proof": {
                    "type": "object",
                    "required": ["from", "to", "from_root", "to_root", "path"],
                    "properties": {
                        "from": { "type": "integer", "minimum": 0 },
                        "to": { "type": "integer", "minimum": 0 },
                        "from_root": { "type": "string" },
                        "to_root": { "type": "string" },
                        "path": { "type": "array", "items": { "type": "string" } }
                    }
                },
                "checkpoint": { "type": "string", "description": "A C2SP signed note." }
            }
        }
    })
}
