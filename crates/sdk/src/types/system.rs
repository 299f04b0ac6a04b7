//! Payloads of the family `system`. Generated; see `mod.rs`.

use crate::payload::payload;

payload! {
    /// Somebody looked whether a system is well and says what was found.
    SystemHealthChecked = "system.health_checked", 1;
    required {
        status "status": &str,
    }
    optional {
        check_type "check_type": &str,
        component_statuses "component_statuses": impl Into<serde_json::Value>,
        /// Object; may hold secrets or personal data.
        performance_indicators "performance_indicators": impl Into<serde_json::Value>,
        alerts_triggered "alerts_triggered": &[&str],
        recommended_actions "recommended_actions": &[&str],
    }
    /// A setting of some system was made, changed or taken away.
    ConfigChanged = "config.changed", 1;
    required {}
    optional {
        component "component": &str,
        /// String; such as `create`, `update`, `delete`.
        change_type "change_type": &str,
        /// Object or null; may hold secrets or personal data.
        previous_config "previous_config": impl Into<serde_json::Value>,
        /// Object or null; may hold secrets or personal data.
        new_config "new_config": impl Into<serde_json::Value>,
        /// String or null; may hold secrets or personal data.
        change_reason "change_reason": &str,
        /// String or null; may hold secrets or personal data.
        changed_by "changed_by": &str,
        impact_analysis "impact_analysis": impl Into<serde_json::Value>,
    }
}
