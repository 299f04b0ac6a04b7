//! Events as readers get them and as writers send them.
//!
//! The server writes and reads events as text; these types describe them, and are for clients
//! that want values.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What sort of party acted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ActorTypeName {
    /// A person.
    User,
    /// A program that is no agent.
    Service,
    /// An agent.
    Agent,
}

/// Who an event says did it: a claim.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EventActor {
    /// What sort of party.
    pub actor_type: ActorTypeName,
    /// Its name.
    pub actor_id: String,
}

/// How much an action may do without a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ZoneName {
    /// Nothing outside the sandbox is touched.
    Sandbox,
    /// The usual zone.
    Supervised,
    /// Mistakes here are dear.
    HighStakes,
}

/// Whether Annals decided a fact itself or somebody reported it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum AuthorityName {
    /// Decided and written by the server's own commands.
    Control,
    /// Reported through a door.
    Observed,
}

/// A stream's name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StreamName {
    /// The kind of stream.
    pub stream_type: String,
    /// Its name within the kind.
    pub stream_id: String,
}

/// A stored event's place in its stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StreamPlace {
    /// The kind of stream.
    pub stream_type: String,
    /// Its name within the kind.
    pub stream_id: String,
    /// The event's place in it, from 1 without gaps.
    pub stream_seq: u64,
}

/// Where an event came from, when a dialect translated it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EventOrigin {
    /// The dialect; absent when only `time` is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dialect: Option<String>,
    /// The foreign type.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub origin_type: Option<String>,
    /// The foreign id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The time as it was written, where normalising changed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// What has no home elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw: Option<serde_json::Value>,
}

/// The mark of a redacted event. Who, when and why are null where no redaction on this log says so,
/// because the body was erased in a backup that the log was restored from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EventRedaction {
    /// When the log took the redaction.
    pub redacted_at: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// The identity behind the credential that asked for it.
    pub redacted_by: Option<String>,
    /// The event that says all this.
    pub redaction_event_id: Option<String>,
    /// Whether something stands in for `data`.
    pub replaced: bool,
}

/// The mark of an event whose `data` does not fit the schema of its type, and that a lenient workspace
/// keeps all the same. Under the event's hash; nothing of the payload is in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EventViolation {
    /// The first place at fault in `data`, as a JSON Pointer. A step that the schema does not name is `*`.
    pub pointer: String,
    /// The rule that it breaks, as a JSON Pointer into the type's schema.
    pub rule: String,
    /// What is wrong there.
    pub problem: String,
}

/// An event as a writer sends it. Unknown members are refused; extra things go into `extensions`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct NewEvent {
    /// A UUID; the server makes one (version 7) when it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    /// What kind of fact, such as `tool.invoked`.
    pub event_type: String,
    /// The version of `data`'s shape; 1 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_version: Option<u32>,
    /// When it happened (RFC 3339); the time of receipt when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub occurred_at: Option<String>,
    /// The token's workspace, if it is named at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace_id: Option<String>,
    /// The mission that it is part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mission_id: Option<String>,
    /// The room that it is part of; then it is on that room's stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room_id: Option<String>,
    /// The thread that it is part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread_id: Option<String>,
    /// The run that it is part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<String>,
    /// The step that it is part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step_id: Option<String>,
    /// Who did it.
    pub actor: EventActor,
    /// How much the action may do without a person; `supervised` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<ZoneName>,
    /// The stream that it is appended to.
    pub stream: StreamName,
    /// What ties it to others; from `traceparent`, else its own id, when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<String>,
    /// The event that made it happen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub causation_id: Option<String>,
    /// The sender's own name for it, unique in the stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
    /// The payload: any JSON value, kept token for token.
    pub data: serde_json::Value,
    /// What a policy may want to know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub policy_context: Option<serde_json::Value>,
    /// What is known of the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub model_context: Option<serde_json::Value>,
    /// Hints for screens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub display: Option<serde_json::Value>,
    /// Everything else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub extensions: Option<serde_json::Value>,
}

/// An event as readers get it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct StoredEvent {
    /// Its place in the log.
    pub position: u64,
    /// Its id.
    pub event_id: String,
    /// What kind of fact.
    pub event_type: String,
    /// The version of `data`'s shape.
    pub event_version: u32,
    /// When it happened, by the sender's word.
    pub occurred_at: String,
    /// When the log took it. Never decreases.
    pub recorded_at: String,
    /// The tenant.
    pub workspace_id: String,
    /// The mission that it is part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mission_id: Option<String>,
    /// The room that it is part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room_id: Option<String>,
    /// The thread that it is part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread_id: Option<String>,
    /// The run that it is part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<String>,
    /// The step that it is part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step_id: Option<String>,
    /// Who the event says did it.
    pub actor: EventActor,
    /// The identity behind the credential: a fact.
    pub actor_principal_id: String,
    /// How much the action may do without a person.
    pub zone: ZoneName,
    /// Its place in its stream.
    pub stream: StreamPlace,
    /// What ties it to others.
    pub correlation_id: String,
    /// The event that made it happen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub causation_id: Option<String>,
    /// The sender's own name for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
    /// Whether Annals decided it or somebody reported it.
    pub authority: AuthorityName,
    /// How much of the body was replaced before it was kept: none, partial, full.
    pub redaction_level: String,
    /// Whether secrets were found in it.
    pub contains_secrets: bool,
    /// Why `data` does not fit the schema of its type; absent when it does or was not checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema_violation: Option<EventViolation>,
    /// The payload.
    pub data: serde_json::Value,
    /// What a policy may want to know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub policy_context: Option<serde_json::Value>,
    /// What is known of the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub model_context: Option<serde_json::Value>,
    /// Hints for screens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub display: Option<serde_json::Value>,
    /// Everything else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub extensions: Option<serde_json::Value>,
    /// Where it came from, when a dialect translated it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<EventOrigin>,
    /// Who took the body away, when and why; then `data` is what stands in for it, or null.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redaction: Option<EventRedaction>,
    /// The hash of the event before it in its stream; null for the first.
    pub prev_event_hash: Option<String>,
    /// Its hash.
    pub event_hash: String,
}
