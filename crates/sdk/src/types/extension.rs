//! Payloads of the family `extension`. Generated; see `mod.rs`.

use crate::payload::payload;

payload! {
    /// A hook was found in an agent's settings.
    HookRegistered = "hook.registered", 1;
    required {}
    optional {
        hook_event "hook_event": &str,
        hook_source "hook_source": &str,
        /// Any; may hold secrets or personal data.
        hook_definitions "hook_definitions": impl Into<serde_json::Value>,
    }
    /// The hooks of an event began to run.
    HookStarted = "hook.started", 1;
    required {}
    optional {
        hook_event "hook_event": &str,
        hook_name "hook_name": &str,
        num_hooks "num_hooks": impl Into<serde_json::Value>,
        managed_only "managed_only": impl Into<serde_json::Value>,
        hook_source "hook_source": &str,
        /// Any; may hold secrets or personal data.
        hook_definitions "hook_definitions": impl Into<serde_json::Value>,
    }
    /// The hooks of an event have ended.
    HookCompleted = "hook.completed", 1;
    required {}
    optional {
        hook_event "hook_event": &str,
        hook_name "hook_name": &str,
        num_hooks "num_hooks": impl Into<serde_json::Value>,
        num_success "num_success": impl Into<serde_json::Value>,
        num_blocking "num_blocking": impl Into<serde_json::Value>,
        num_non_blocking_error "num_non_blocking_error": impl Into<serde_json::Value>,
        num_cancelled "num_cancelled": impl Into<serde_json::Value>,
        total_duration_ms "total_duration_ms": impl Into<serde_json::Value>,
        managed_only "managed_only": impl Into<serde_json::Value>,
        hook_source "hook_source": &str,
        /// Any; may hold secrets or personal data.
        hook_definitions "hook_definitions": impl Into<serde_json::Value>,
    }
    /// The hook of a plugin reported numbers of its own.
    HookMeasured = "hook.measured", 1;
    required {}
    optional {}
    /// A plugin was installed.
    PluginInstalled = "plugin.installed", 1;
    required {}
    optional {}
    /// A plugin is part of a session.
    PluginLoaded = "plugin.loaded", 1;
    required {}
    optional {}
    /// An agent took up a skill.
    SkillActivated = "skill.activated", 1;
    required {}
    optional {
        skill_name "skill_name": &str,
        /// String; such as `user-slash`, `claude-proactive`, `nested-skill`.
        invocation_trigger "invocation_trigger": &str,
        skill_source "skill_source": &str,
    }
}
