//! Payloads of the family `envelope`. Generated; see `mod.rs`.

use crate::payload::payload;

payload! {
    /// An agent told others what it means to do.
    EnvelopePlanned = "envelope.planned", 1;
    required {
        from "from": &str,
        to "to": impl Into<serde_json::Value>,
    }
    optional {
        span_id "span_id": &str,
        thinking_budget "thinking_budget": impl Into<serde_json::Value>,
        ttl_ms "ttl_ms": impl Into<serde_json::Value>,
        compliance_tags "compliance_tags": &[&str],
        confidence_score "confidence_score": impl Into<serde_json::Value>,
        /// String; such as `minimal`, `limited`, `high`, `systemic`.
        risk_tier "risk_tier": &str,
        /// Object; of `tokens`, `estimatedCostUSD`, `carbonGramsCO2`.
        cost_estimate "cost_estimate": impl Into<serde_json::Value>,
        sbom_hash "sbom_hash": &str,
        /// Object; of `algorithm`, `signature`, `timestamp`.
        watermark "watermark": impl Into<serde_json::Value>,
        signature "signature": &str,
        /// Array of Attestation; may hold secrets or personal data.
        attestations "attestations": impl Into<serde_json::Value>,
        kind "kind": &str,
        /// String or null; may hold secrets or personal data.
        title "title": &str,
        /// Any; may hold secrets or personal data.
        content "content": impl Into<serde_json::Value>,
        media_type "media_type": &str,
        /// Object; of `sha256`, `uri`, `size_bytes`, `media_type`.
        r#ref "ref": impl Into<serde_json::Value>,
        tool "tool": impl Into<serde_json::Value>,
        /// Any; may hold secrets or personal data.
        action "action": impl Into<serde_json::Value>,
        /// Any; may hold secrets or personal data.
        resource "resource": impl Into<serde_json::Value>,
        /// Any; may hold secrets or personal data.
        reason "reason": impl Into<serde_json::Value>,
        approval_id "approval_id": impl Into<serde_json::Value>,
        status "status": impl Into<serde_json::Value>,
        /// Any; may hold secrets or personal data.
        result "result": impl Into<serde_json::Value>,
        /// Any; may hold secrets or personal data.
        error "error": impl Into<serde_json::Value>,
    }
    /// An agent told others what it does, or asked them to do it.
    EnvelopeActed = "envelope.acted", 1;
    required {
        from "from": &str,
        to "to": impl Into<serde_json::Value>,
    }
    optional {
        span_id "span_id": &str,
        thinking_budget "thinking_budget": impl Into<serde_json::Value>,
        ttl_ms "ttl_ms": impl Into<serde_json::Value>,
        compliance_tags "compliance_tags": &[&str],
        confidence_score "confidence_score": impl Into<serde_json::Value>,
        /// String; such as `minimal`, `limited`, `high`, `systemic`.
        risk_tier "risk_tier": &str,
        /// Object; of `tokens`, `estimatedCostUSD`, `carbonGramsCO2`.
        cost_estimate "cost_estimate": impl Into<serde_json::Value>,
        sbom_hash "sbom_hash": &str,
        /// Object; of `algorithm`, `signature`, `timestamp`.
        watermark "watermark": impl Into<serde_json::Value>,
        signature "signature": &str,
        /// Array of Attestation; may hold secrets or personal data.
        attestations "attestations": impl Into<serde_json::Value>,
        kind "kind": &str,
        /// String or null; may hold secrets or personal data.
        title "title": &str,
        /// Any; may hold secrets or personal data.
        content "content": impl Into<serde_json::Value>,
        media_type "media_type": &str,
        /// Object; of `sha256`, `uri`, `size_bytes`, `media_type`.
        r#ref "ref": impl Into<serde_json::Value>,
        tool "tool": impl Into<serde_json::Value>,
        /// Any; may hold secrets or personal data.
        action "action": impl Into<serde_json::Value>,
        /// Any; may hold secrets or personal data.
        resource "resource": impl Into<serde_json::Value>,
        /// Any; may hold secrets or personal data.
        reason "reason": impl Into<serde_json::Value>,
        approval_id "approval_id": impl Into<serde_json::Value>,
        status "status": impl Into<serde_json::Value>,
        /// Any; may hold secrets or personal data.
        result "result": impl Into<serde_json::Value>,
        /// Any; may hold secrets or personal data.
        error "error": impl Into<serde_json::Value>,
    }
    /// An agent told others what it saw.
    EnvelopeObserved = "envelope.observed", 1;
    required {
        from "from": &str,
        to "to": impl Into<serde_json::Value>,
    }
    optional {
        span_id "span_id": &str,
        thinking_budget "thinking_budget": impl Into<serde_json::Value>,
        ttl_ms "ttl_ms": impl Into<serde_json::Value>,
        compliance_tags "compliance_tags": &[&str],
        confidence_score "confidence_score": impl Into<serde_json::Value>,
        /// String; such as `minimal`, `limited`, `high`, `systemic`.
        risk_tier "risk_tier": &str,
        /// Object; of `tokens`, `estimatedCostUSD`, `carbonGramsCO2`.
        cost_estimate "cost_estimate": impl Into<serde_json::Value>,
        sbom_hash "sbom_hash": &str,
        /// Object; of `algorithm`, `signature`, `timestamp`.
        watermark "watermark": impl Into<serde_json::Value>,
        signature "signature": &str,
        /// Array of Attestation; may hold secrets or personal data.
        attestations "attestations": impl Into<serde_json::Value>,
        kind "kind": &str,
        /// String or null; may hold secrets or personal data.
        title "title": &str,
        /// Any; may hold secrets or personal data.
        content "content": impl Into<serde_json::Value>,
        media_type "media_type": &str,
        /// Object; of `sha256`, `uri`, `size_bytes`, `media_type`.
        r#ref "ref": impl Into<serde_json::Value>,
        tool "tool": impl Into<serde_json::Value>,
        /// Any; may hold secrets or personal data.
        action "action": impl Into<serde_json::Value>,
        /// Any; may hold secrets or personal data.
        resource "resource": impl Into<serde_json::Value>,
        /// Any; may hold secrets or personal data.
        reason "reason": impl Into<serde_json::Value>,
        approval_id "approval_id": impl Into<serde_json::Value>,
        status "status": impl Into<serde_json::Value>,
        /// Any; may hold secrets or personal data.
        result "result": impl Into<serde_json::Value>,
        /// Any; may hold secrets or personal data.
        error "error": impl Into<serde_json::Value>,
    }
    /// An agent handed something up, to a person or to another agent.
    EnvelopeEscalated = "envelope.escalated", 1;
    required {
        from "from": &str,
        to "to": impl Into<serde_json::Value>,
    }
    optional {
        span_id "span_id": &str,
        thinking_budget "thinking_budget": impl Into<serde_json::Value>,
        ttl_ms "ttl_ms": impl Into<serde_json::Value>,
        compliance_tags "compliance_tags": &[&str],
        confidence_score "confidence_score": impl Into<serde_json::Value>,
        /// String; such as `minimal`, `limited`, `high`, `systemic`.
        risk_tier "risk_tier": &str,
        /// Object; of `tokens`, `estimatedCostUSD`, `carbonGramsCO2`.
        cost_estimate "cost_estimate": impl Into<serde_json::Value>,
        sbom_hash "sbom_hash": &str,
        /// Object; of `algorithm`, `signature`, `timestamp`.
        watermark "watermark": impl Into<serde_json::Value>,
        signature "signature": &str,
        /// Array of Attestation; may hold secrets or personal data.
        attestations "attestations": impl Into<serde_json::Value>,
        kind "kind": &str,
        /// String or null; may hold secrets or personal data.
        title "title": &str,
        /// Any; may hold secrets or personal data.
        content "content": impl Into<serde_json::Value>,
        media_type "media_type": &str,
        /// Object; of `sha256`, `uri`, `size_bytes`, `media_type`.
        r#ref "ref": impl Into<serde_json::Value>,
        tool "tool": impl Into<serde_json::Value>,
        /// Any; may hold secrets or personal data.
        action "action": impl Into<serde_json::Value>,
        /// Any; may hold secrets or personal data.
        resource "resource": impl Into<serde_json::Value>,
        /// Any; may hold secrets or personal data.
        reason "reason": impl Into<serde_json::Value>,
        approval_id "approval_id": impl Into<serde_json::Value>,
        status "status": impl Into<serde_json::Value>,
        /// Any; may hold secrets or personal data.
        result "result": impl Into<serde_json::Value>,
        /// Any; may hold secrets or personal data.
        error "error": impl Into<serde_json::Value>,
    }
    /// An agent told others that its part is done.
    EnvelopeCompleted = "envelope.completed", 1;
    required {
        from "from": &str,
        to "to": impl Into<serde_json::Value>,
    }
    optional {
        span_id "span_id": &str,
        thinking_budget "thinking_budget": impl Into<serde_json::Value>,
        ttl_ms "ttl_ms": impl Into<serde_json::Value>,
        compliance_tags "compliance_tags": &[&str],
        confidence_score "confidence_score": impl Into<serde_json::Value>,
        /// String; such as `minimal`, `limited`, `high`, `systemic`.
        risk_tier "risk_tier": &str,
        /// Object; of `tokens`, `estimatedCostUSD`, `carbonGramsCO2`.
        cost_estimate "cost_estimate": impl Into<serde_json::Value>,
        sbom_hash "sbom_hash": &str,
        /// Object; of `algorithm`, `signature`, `timestamp`.
        watermark "watermark": impl Into<serde_json::Value>,
        signature "signature": &str,
        /// Array of Attestation; may hold secrets or personal data.
        attestations "attestations": impl Into<serde_json::Value>,
        kind "kind": &str,
        /// String or null; may hold secrets or personal data.
        title "title": &str,
        /// Any; may hold secrets or personal data.
        content "content": impl Into<serde_json::Value>,
        media_type "media_type": &str,
        /// Object; of `sha256`, `uri`, `size_bytes`, `media_type`.
        r#ref "ref": impl Into<serde_json::Value>,
        tool "tool": impl Into<serde_json::Value>,
        /// Any; may hold secrets or personal data.
        action "action": impl Into<serde_json::Value>,
        /// Any; may hold secrets or personal data.
        resource "resource": impl Into<serde_json::Value>,
        /// Any; may hold secrets or personal data.
        reason "reason": impl Into<serde_json::Value>,
        approval_id "approval_id": impl Into<serde_json::Value>,
        status "status": impl Into<serde_json::Value>,
        /// Any; may hold secrets or personal data.
        result "result": impl Into<serde_json::Value>,
        /// Any; may hold secrets or personal data.
        error "error": impl Into<serde_json::Value>,
    }
}
