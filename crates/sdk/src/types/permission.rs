//! Payloads of the family `permission`. Generated; see `mod.rs`.

use crate::payload::payload;

payload! {
    /// An agent asked its user whether it may use a tool.
    PermissionRequested = "permission.requested", 1;
    required {}
    optional {
        tool_name "tool_name": &str,
        /// Any; may hold secrets or personal data.
        input "input": impl Into<serde_json::Value>,
        /// Array; may hold secrets or personal data.
        permission_suggestions "permission_suggestions": impl Into<serde_json::Value>,
        tool_call_id "tool_call_id": &str,
        cwd "cwd": &str,
        transcript_path "transcript_path": &str,
        permission_mode "permission_mode": &str,
        prompt_id "prompt_id": &str,
    }
    /// It was decided whether an agent may use a tool; `source` says by whom.
    PermissionDecided = "permission.decided", 1;
    required {}
    optional {
        tool_call_id "tool_call_id": &str,
        tool_name "tool_name": &str,
        /// String; such as `allowed`, `denied`, `aborted`.
        decision "decision": &str,
        /// Any; may hold secrets or personal data.
        input "input": impl Into<serde_json::Value>,
        scope "scope": &str,
        /// String; such as `config`, `hook`, `user`, `user_permanent`, `user_temporary`, `user_abort`, `user_reject`.
        source "source": &str,
        duration_ms "duration_ms": impl Into<serde_json::Value>,
    }
    /// A session now asks for more or for fewer permissions than before.
    PermissionModeChanged = "permission.mode_changed", 1;
    required {}
    optional {
        from_mode "from_mode": &str,
        to_mode "to_mode": &str,
        trigger "trigger": &str,
    }
}
