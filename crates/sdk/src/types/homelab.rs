//! Payloads of the family `homelab`. Generated; see `mod.rs`.

use crate::payload::payload;

payload! {
    /// Somebody asked for a contract to be scanned.
    IoHomelabScanRequest = "io.homelab.scan.request", 1;
    required {
        chain "chain": &str,
        address "address": &str,
    }
    optional {
        priority "priority": &str,
    }
    /// A chain has a new block, perhaps with new contracts.
    IoHomelabBlockNew = "io.homelab.block.new", 1;
    required {
        chain "chain": &str,
    }
    optional {
        block_number "block_number": u64,
        block_hash "block_hash": &str,
        new_contracts "new_contracts": impl Into<serde_json::Value>,
    }
    /// The source or the byte code of a contract was fetched.
    IoHomelabContractCreated = "io.homelab.contract.created", 1;
    required {
        chain "chain": &str,
        address "address": &str,
    }
    optional {
        contract_name "contract_name": &str,
        is_verified "is_verified": bool,
        compiler_version "compiler_version": &str,
        source_hash "source_hash": &str,
        /// String or null; may hold secrets or personal data.
        source_code "source_code": &str,
        /// Any; may hold secrets or personal data.
        abi "abi": impl Into<serde_json::Value>,
        /// String or null; may hold secrets or personal data.
        bytecode "bytecode": &str,
        /// Object; of `sha256`, `uri`, `size_bytes`, `media_type`.
        source_ref "source_ref": impl Into<serde_json::Value>,
        /// Object; of `sha256`, `uri`, `size_bytes`, `media_type`.
        abi_ref "abi_ref": impl Into<serde_json::Value>,
        /// Object; of `sha256`, `uri`, `size_bytes`, `media_type`.
        bytecode_ref "bytecode_ref": impl Into<serde_json::Value>,
    }
    /// A scan found at least one weakness in a contract.
    IoHomelabVulnFound = "io.homelab.vuln.found", 1;
    required {
        chain "chain": &str,
        address "address": &str,
    }
    optional {
        contract_name "contract_name": &str,
        /// Array of object; may hold secrets or personal data.
        vulnerabilities "vulnerabilities": impl Into<serde_json::Value>,
        max_severity "max_severity": &str,
        scan_duration_seconds "scan_duration_seconds": impl Into<serde_json::Value>,
        analyzers_used "analyzers_used": &[&str],
        source_hash "source_hash": &str,
        /// Object; of `sha256`, `uri`, `size_bytes`, `media_type`.
        source_ref "source_ref": impl Into<serde_json::Value>,
        /// Object; of `sha256`, `uri`, `size_bytes`, `media_type`.
        abi_ref "abi_ref": impl Into<serde_json::Value>,
        /// String or null; may hold secrets or personal data.
        source_code "source_code": &str,
        /// Any; may hold secrets or personal data.
        abi "abi": impl Into<serde_json::Value>,
        /// String or null; may hold secrets or personal data.
        bytecode "bytecode": &str,
    }
    /// A proof that a weakness can be used was made, tried or given up.
    IoHomelabExploitValidated = "io.homelab.exploit.validated", 1;
    required {
        chain "chain": &str,
        contract_address "contract_address": &str,
        status "status": &str,
    }
    optional {
        vulnerability_type "vulnerability_type": &str,
        /// String or null; may hold secrets or personal data.
        exploit_code "exploit_code": &str,
        /// Object; of `sha256`, `uri`, `size_bytes`, `media_type`.
        exploit_ref "exploit_ref": impl Into<serde_json::Value>,
        /// Any; may hold secrets or personal data.
        validation_result "validation_result": impl Into<serde_json::Value>,
        profit_potential "profit_potential": impl Into<serde_json::Value>,
        gas_used "gas_used": u64,
        /// String or null; may hold secrets or personal data.
        error "error": &str,
        model_used "model_used": &str,
    }
    /// An alarm about a finding was raised for its channels; what a channel did is told by `status`.
    IoHomelabAlertSent = "io.homelab.alert.sent", 1;
    required {}
    optional {
        severity "severity": &str,
        /// String; may hold secrets or personal data.
        title "title": &str,
        /// String; may hold secrets or personal data.
        description "description": &str,
        chain "chain": &str,
        contract_address "contract_address": &str,
        vulnerability_type "vulnerability_type": &str,
        profit_potential "profit_potential": impl Into<serde_json::Value>,
        status "status": &str,
        channel "channel": &str,
        channels "channels": &[&str],
    }
    /// An alarm was raised.
    IoHomelabAlertFired = "io.homelab.alert.fired", 1;
    required {}
    optional {
        alertname "alertname": &str,
        alert_name "alertName": &str,
        severity "severity": &str,
        summary "summary": &str,
        /// String; may hold secrets or personal data.
        description "description": &str,
        status "status": &str,
        labels "labels": impl Into<serde_json::Value>,
        /// Object; may hold secrets or personal data.
        annotations "annotations": impl Into<serde_json::Value>,
        starts_at "startsAt": &str,
        ends_at "endsAt": &str,
    }
    /// An alarm about security was raised.
    IoHomelabAlertSecurity = "io.homelab.alert.security", 1;
    required {}
    optional {
        alertname "alertname": &str,
        alert_name "alertName": &str,
        severity "severity": &str,
        summary "summary": &str,
        /// String; may hold secrets or personal data.
        description "description": &str,
        namespace "namespace": &str,
        source "source": &str,
        labels "labels": impl Into<serde_json::Value>,
        /// Object; may hold secrets or personal data.
        annotations "annotations": impl Into<serde_json::Value>,
        starts_at "startsAt": &str,
    }
    /// A system stood a security test.
    IoHomelabAuditSecurityPassed = "io.homelab.audit.security.passed", 1;
    required {}
    optional {
        test_name "testName": &str,
        attack_type "attackType": &str,
        target "target": &str,
        namespace "namespace": &str,
        /// String; such as `critical`, `high`, `medium`, `low`, `info`.
        severity "severity": &str,
        summary "summary": &str,
        /// String; may hold secrets or personal data.
        description "description": &str,
        model "model": &str,
        duration_ms "durationMs": impl Into<serde_json::Value>,
        /// Object; of `prompt`, `response`, `confidenceScore`; may hold secrets or personal data.
        evidence "evidence": impl Into<serde_json::Value>,
    }
    /// A system fell to a security test.
    IoHomelabAuditSecurityFailed = "io.homelab.audit.security.failed", 1;
    required {}
    optional {
        test_name "testName": &str,
        attack_type "attackType": &str,
        target "target": &str,
        namespace "namespace": &str,
        /// String; such as `critical`, `high`, `medium`, `low`, `info`.
        severity "severity": &str,
        summary "summary": &str,
        /// String; may hold secrets or personal data.
        description "description": &str,
        model "model": &str,
        duration_ms "durationMs": impl Into<serde_json::Value>,
        /// Object; of `prompt`, `response`, `confidenceScore`; may hold secrets or personal data.
        evidence "evidence": impl Into<serde_json::Value>,
    }
    /// A model behaved in a way that it does not usually behave.
    IoHomelabAuditAnomalyDetected = "io.homelab.audit.anomaly.detected", 1;
    required {}
    optional {
        model "model": &str,
        target "target": &str,
        namespace "namespace": &str,
        severity "severity": &str,
        anomaly_type "anomalyType": &str,
        anomaly_score "anomalyScore": impl Into<serde_json::Value>,
        threshold "threshold": impl Into<serde_json::Value>,
        window "window": &str,
        summary "summary": &str,
        /// String; may hold secrets or personal data.
        description "description": &str,
        /// Object; may hold secrets or personal data.
        evidence "evidence": impl Into<serde_json::Value>,
    }
    /// A rule of Prometheus fires.
    IoHomelabPrometheusAlertFired = "io.homelab.prometheus.alert.fired", 1;
    required {
        alertname "alertname": &str,
    }
    optional {
        /// String; such as `firing`, `resolved`.
        status "status": &str,
        severity "severity": &str,
        labels "labels": impl Into<serde_json::Value>,
        /// Object; may hold secrets or personal data.
        annotations "annotations": impl Into<serde_json::Value>,
        common_labels "commonLabels": impl Into<serde_json::Value>,
        /// Object; may hold secrets or personal data.
        common_annotations "commonAnnotations": impl Into<serde_json::Value>,
        starts_at "startsAt": &str,
        ends_at "endsAt": &str,
        generator_url "generatorURL": &str,
        receiver "receiver": &str,
        version "version": &str,
        fingerprint "fingerprint": &str,
        prometheus_rule "prometheusRule": impl Into<serde_json::Value>,
    }
    /// A rule of Prometheus fires no longer.
    IoHomelabPrometheusAlertResolved = "io.homelab.prometheus.alert.resolved", 1;
    required {
        alertname "alertname": &str,
    }
    optional {
        /// String; such as `firing`, `resolved`.
        status "status": &str,
        severity "severity": &str,
        labels "labels": impl Into<serde_json::Value>,
        /// Object; may hold secrets or personal data.
        annotations "annotations": impl Into<serde_json::Value>,
        common_labels "commonLabels": impl Into<serde_json::Value>,
        /// Object; may hold secrets or personal data.
        common_annotations "commonAnnotations": impl Into<serde_json::Value>,
        starts_at "startsAt": &str,
        ends_at "endsAt": &str,
        generator_url "generatorURL": &str,
        receiver "receiver": &str,
        version "version": &str,
        fingerprint "fingerprint": &str,
        prometheus_rule "prometheusRule": impl Into<serde_json::Value>,
    }
}
