//! Payloads of the family `bus`. Generated; see `mod.rs`.

use crate::payload::payload;

payload! {
    /// Events of a bus could not be put on its audit trail, and this many are missing.
    BusGapRecorded = "bus.gap_recorded", 1;
    required {
        bus "bus": &str,
        reason "reason": &str,
        dropped "dropped": u64,
    }
    optional {
        from "from": &str,
        to "to": &str,
        /// String; may hold secrets or personal data.
        detail "detail": &str,
    }
}
