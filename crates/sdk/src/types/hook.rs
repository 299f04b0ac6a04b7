//! Payloads of the family `hook`. Generated; see `mod.rs`.

use crate::payload::payload;

payload! {
    /// Events of a coding agent could not be kept, and this many are missing.
    HookGapRecorded = "hook.gap_recorded", 1;
    required {
        reason "reason": &str,
        dropped "dropped": u64,
    }
    optional {
        agent "agent": &str,
        byte_count "byte_count": u64,
        from "from": &str,
        to "to": &str,
        /// String; may hold secrets or personal data.
        detail "detail": &str,
    }
}
