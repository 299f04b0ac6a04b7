//! The AsyncAPI 3 document of the live tails, and the route that serves it.

use annals_api::routes;
use annals_core::catalog::{Catalog, TypeEntry};
use axum::extract::State;
use axum::response::Response;
use serde_json::{Map, Value, json};

use crate::app::App;
use crate::auth::{AnyToken, Caller};

/// The AsyncAPI document of the live tails, with every type of the catalog as a message.
#[utoipa::path(get, path = routes::ASYNCAPI, operation_id = "getAsyncApi", tag = "server",
    responses((status = 200, description = "The document.", body = serde_json::Value)))]
pub(crate) async fn asyncapi(State(app): State<App>, _caller: Caller<AnyToken>) -> Response {
    crate::openapi::json(document(app.recorder.catalog()).to_string())
}

/// The AsyncAPI document.
#[must_use]
pub fn document(catalog: &Catalog) -> Value {
    let mut schemas = Map::new();
    schemas.insert("event".to_owned(), event_schema());
    let mut messages = Map::new();
    for entry in catalog.entries() {
        let key = component_key(&entry.event_type);
        schemas.insert(format!("data.{key}"), data_schema(entry, &key));
        messages.insert(key.clone(), type_message(entry, &key));
    }
    messages.insert("event".to_owned(), other_message());
    messages.insert("lagged".to_owned(), lagged_message());
    messages.insert("consistency".to_owned(), consistency_message());
    let on_tails: Map<String, Value> = messages
        .keys()
        .map(|key| (key.clone(), json!({ "$ref": format!("#/components/messages/{key}") })))
        .collect();
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
                "messages": on_tails
            },
            "stream": {
                "address": routes::STREAM_EVENTS,
                "description": "The events of one stream, by seq.",
                "parameters": {
                    "stream_type": { "description": "The kind of stream." },
                    "stream_id": { "description": "Its name within the kind." }
                },
                "messages": on_tails
            }
        },
        "operations": {
            "followTail": { "action": "send", "channel": { "$ref": "#/channels/tail" } },
            "followStream": { "action": "send", "channel": { "$ref": "#/channels/stream" } }
        },
        "components": { "schemas": schemas, "messages": messages }
    })
}

/// A type as a key of the document, whose grammar is narrower.
fn component_key(event_type: &str) -> String {
    let is_plain =
        |letter: &char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '_' | '-');
    event_type.chars().map(|letter| if is_plain(&letter) { letter } else { '_' }).collect()
}

/// An entry's schema. AsyncAPI's own dialect is a superset of JSON Schema draft 7, and what the
/// catalog uses of 2020-12 means the same there.
fn data_schema(entry: &TypeEntry, key: &str) -> Value {
    let schema = entry.schema_at(&format!("#/components/schemas/data.{key}"));
    let mut schema: Value = serde_json::from_str(&schema).unwrap_or_else(|_| json!({}));
    let example = entry.example.as_deref().and_then(|example| serde_json::from_str(example).ok());
    if let (Some(members), Some(example)) = (schema.as_object_mut(), example) {
        let example: Value = example;
        members.insert("examples".to_owned(), json!([example]));
    }
    schema
}

fn type_message(entry: &TypeEntry, key: &str) -> Value {
    json!({
        "name": entry.event_type,
        "title": entry.event_type,
        "summary": entry.meaning,
        "contentType": "application/json",
        "tags": [{ "name": entry.category.as_str() }, { "name": entry.authority.as_str() }],
        "payload": {
            "allOf": [
                { "$ref": "#/components/schemas/event" },
                {
                    "type": "object",
                    "properties": {
                        "event_type": { "const": entry.event_type },
                        "data": { "$ref": format!("#/components/schemas/data.{key}") }
                    }
                }
            ]
        }
    })
}

fn other_message() -> Value {
    json!({
        "name": "event",
        "title": "A stored event of a type that the catalog does not know",
        "contentType": "application/json",
        "payload": { "$ref": "#/components/schemas/event" }
    })
}

fn event_schema() -> Value {
    json!({
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
