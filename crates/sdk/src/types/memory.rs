//! Payloads of the family `memory`. Generated; see `mod.rs`.

use crate::payload::payload;

payload! {
    /// Something was put into an agent's memory, changed there or taken out of it.
    MemoryStored = "memory.stored", 1;
    required {}
    optional {
        memory_id "memory_id": &str,
        memory_type "memory_type": &str,
        /// String; may hold secrets or personal data.
        source "source": &str,
        /// String; such as `insert`, `update`, `delete`.
        operation_type "operation_type": &str,
        /// Any; may hold secrets or personal data.
        content "content": impl Into<serde_json::Value>,
        content_embedding "content_embedding": impl Into<serde_json::Value>,
        /// Object or null; may hold secrets or personal data.
        metadata "metadata": impl Into<serde_json::Value>,
        /// Object or null; may hold secrets or personal data.
        content_metadata "content_metadata": impl Into<serde_json::Value>,
        affected_records "affected_records": i64,
    }
    /// Something was looked for in an agent's memory.
    MemoryRecalled = "memory.recalled", 1;
    required {}
    optional {
        /// String or null; may hold secrets or personal data.
        query "query": &str,
        result_count "result_count": u64,
        query_embedding "query_embedding": impl Into<serde_json::Value>,
        similarity_threshold "similarity_threshold": impl Into<serde_json::Value>,
        max_results "max_results": i64,
        /// Object or null; may hold secrets or personal data.
        filter_criteria "filter_criteria": impl Into<serde_json::Value>,
        search_strategy "search_strategy": &str,
    }
    /// What was found in an agent's memory went into its work.
    MemoryRecallUsed = "memory.recall_used", 1;
    required {}
    optional {
        /// String or null; may hold secrets or personal data.
        query "query": &str,
        result_count "result_count": u64,
        /// String; such as `hot`, `warm`, `cold`.
        source "source": &str,
    }
    /// An agent's memory was tidied and made smaller.
    MemoryConsolidated = "memory.consolidated", 1;
    required {}
    optional {
        /// String; such as `incremental`, `full`, `selective`.
        consolidation_type "consolidation_type": &str,
        reason "reason": &str,
        memory_segments_processed "memory_segments_processed": u64,
        compression_ratio "compression_ratio": impl Into<serde_json::Value>,
        /// Object or null; may hold secrets or personal data.
        knowledge_extracted "knowledge_extracted": impl Into<serde_json::Value>,
        optimization_metrics "optimization_metrics": impl Into<serde_json::Value>,
    }
    /// A message was kept as knowledge in a file.
    KnowledgePersisted = "knowledge.persisted", 1;
    required {}
    optional {
        message_index "message_index": u64,
        /// String; may hold secrets or personal data.
        path "path": &str,
        /// String; such as `user`, `agent`.
        source "source": &str,
    }
    /// A message that was kept as knowledge was taken out again.
    KnowledgeRemoved = "knowledge.removed", 1;
    required {}
    optional {
        message_index "message_index": u64,
    }
}
