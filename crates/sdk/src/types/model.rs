//! Payloads of the family `model`. Generated; see `mod.rs`.

use crate::payload::payload;

payload! {
    /// A call of a model began.
    ModelInvoked = "model.invoked", 1;
    required {
        model_call_id "model_call_id": &str,
    }
    optional {
        model "model": &str,
        provider "provider": &str,
        /// Any; may hold secrets or personal data.
        input "input": impl Into<serde_json::Value>,
    }
    /// A model answered, with what it used.
    ModelCompleted = "model.completed", 1;
    required {
        model_call_id "model_call_id": &str,
    }
    optional {
        model "model": &str,
        provider "provider": &str,
        /// Any; may hold secrets or personal data.
        output "output": impl Into<serde_json::Value>,
        stop_reason "stop_reason": &str,
        duration_ms "duration_ms": impl Into<serde_json::Value>,
        cost_micros "cost_micros": u64,
        /// Object; of `input_tokens`, `output_tokens`, `cache_read_tokens`, `cache_write_tokens`, `reasoning_tokens`, `total_tokens_stated`.
        usage "usage": impl Into<serde_json::Value>,
    }
    /// A call of a model ended without an answer.
    ModelFailed = "model.failed", 1;
    required {
        model_call_id "model_call_id": &str,
    }
    optional {
        model "model": &str,
        provider "provider": &str,
        /// String or null; may hold secrets or personal data.
        message "message": &str,
        /// Any; may hold secrets or personal data.
        error "error": impl Into<serde_json::Value>,
        duration_ms "duration_ms": impl Into<serde_json::Value>,
    }
    /// A vendor or tool stated tokens or cost of its own, such as those of one call or the total of a whole run.
    UsageReported = "usage.reported", 1;
    required {
        scope "scope": &str,
    }
    optional {
        usage_id "usage_id": &str,
        run_id "run_id": &str,
        message_id "message_id": &str,
        model "model": impl Into<serde_json::Value>,
        provider "provider": &str,
        cost_micros "cost_micros": impl Into<serde_json::Value>,
        duration_ms "duration_ms": impl Into<serde_json::Value>,
        /// Object; of `input_tokens`, `output_tokens`.
        usage "usage": impl Into<serde_json::Value>,
        model_usage "model_usage": impl Into<serde_json::Value>,
    }
}
