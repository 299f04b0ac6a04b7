//! Payloads of the family `message`. Generated; see `mod.rs`.

use crate::payload::payload;

payload! {
    /// Somebody said something, such as a prompt, an answer or a thought.
    MessageCreated = "message.created", 1;
    required {}
    optional {
        message_id "message_id": &str,
        /// String; such as `user`, `agent`, `service`.
        sender_type "sender_type": &str,
        /// String; may hold secrets or personal data.
        sender_id "sender_id": &str,
        recipient_id "recipient_id": &str,
        /// String; such as `prompt`, `text`, `thinking`, `system`, `summary`.
        kind "kind": &str,
        /// String or null; may hold secrets or personal data.
        content_md "content_md": &str,
        lang "lang": &str,
        labels "labels": impl Into<serde_json::Value>,
        parent_message_id "parent_message_id": &str,
        model_call_id "model_call_id": &str,
        source "source": &str,
        /// String; such as `message`, `heartbeat`, `resolve`, `reject`, `request_approval`, `request_human_decision`.
        intent "intent": &str,
        /// Any; may hold secrets or personal data.
        payload "payload": impl Into<serde_json::Value>,
        /// Object or null; of `object_key`.
        payload_ref "payload_ref": impl Into<serde_json::Value>,
        work_links "work_links": impl Into<serde_json::Value>,
        priority "priority": &str,
        delivery_method "delivery_method": &str,
        expected_response "expected_response": bool,
    }
    /// Somebody took in a message that another sent, refused it or put it off.
    MessageReceived = "message.received", 1;
    required {
        message_id "message_id": &str,
    }
    optional {
        sender_id "sender_id": &str,
        /// String; such as `accepted`, `rejected`, `deferred`.
        status "status": &str,
        /// String or null; may hold secrets or personal data.
        reason "reason": &str,
        response_generated "response_generated": bool,
        delivery_latency_ms "delivery_latency_ms": impl Into<serde_json::Value>,
    }
    /// An agent told something to many others at once.
    MessageBroadcast = "message.broadcast", 1;
    required {
        message_id "message_id": &str,
    }
    optional {
        sender_id "sender_id": &str,
        kind "kind": &str,
        /// Any; may hold secrets or personal data.
        payload "payload": impl Into<serde_json::Value>,
        recipient_ids "recipient_ids": &[&str],
        delivery_count "delivery_count": i64,
        acknowledgment_required "acknowledgment_required": bool,
    }
    /// A foreign system stated something that has no type here; its own type is in origin.type.
    ForeignEvent = "foreign.event", 1;
    required {}
    optional {}
}
