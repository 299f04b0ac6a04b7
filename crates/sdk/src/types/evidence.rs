//! Payloads of the family `evidence`. Generated; see `mod.rs`.

use crate::payload::payload;

payload! {
    /// The list of what a run did, with the hashes of its events, was closed.
    EvidenceManifestCreated = "evidence.manifest.created", 1;
    required {
        evidence_id "evidence_id": &str,
        run_id "run_id": &str,
        manifest "manifest": impl Into<serde_json::Value>,
        manifest_hash "manifest_hash": &str,
        event_hash_root "event_hash_root": &str,
    }
    optional {
        room_id "room_id": &str,
        thread_id "thread_id": &str,
        correlation_id "correlation_id": &str,
        /// String; such as `succeeded`, `failed`.
        run_status "run_status": &str,
        stream_type "stream_type": &str,
        stream_id "stream_id": &str,
        from_seq "from_seq": i64,
        to_seq "to_seq": i64,
        event_count "event_count": u64,
        finalized_at "finalized_at": &str,
    }
}
