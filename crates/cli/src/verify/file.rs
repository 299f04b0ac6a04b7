//! `annals verify FILE`: an evidence file, with no server and no network.

use std::path::Path;

use annals_core::evidence::{EvidenceFault, EvidenceReport, verify_evidence};
use annals_core::hash::Digest;
use annals_sdk::verify::{Remembered, VerifyError, VerifyOptions, check_name};
use anyhow::Context as _;

use super::report::{CheckLine, Fault, Verdict, VerifyReport};

pub(super) fn run(path: &Path, options: &VerifyOptions) -> anyhow::Result<VerifyReport> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("{} cannot be read", path.display()))?;
    let target = path.display().to_string();
    let evidence = match verify_evidence(&text) {
        Ok(evidence) => evidence,
        Err(fault) if fault.could_not_tell() => return Err(fault.into()),
        Err(fault) => return Ok(VerifyReport::invalid(target, wire_fault(&fault))),
    };
    let remembered = match recall(&evidence, options) {
        Ok(remembered) => remembered,
        Err(VerifyError::Fault(fault)) => {
            return Ok(VerifyReport::invalid(target, Fault::from(&fault)));
        }
        Err(error) => return Err(error.into()),
    };
    let remembered = remembered.as_ref();
    if let Some(fault) = remembered.and_then(|remembered| fault(&evidence, remembered)) {
        return Ok(VerifyReport::invalid(target, fault));
    }
    Ok(valid(target, &evidence, remembered, options))
}

/// What is remembered of the file's log.
fn recall(
    evidence: &EvidenceReport,
    options: &VerifyOptions,
) -> Result<Option<Remembered>, VerifyError> {
    let log_id = evidence.log_id.to_string();
    check_name(&log_id, &evidence.origin)?;
    match &options.memory {
        Some(memory) => memory.recall_log(&log_id, &evidence.origin),
        None => Ok(None),
    }
}

/// What contradicts the log that is known here.
fn fault(evidence: &EvidenceReport, remembered: &Remembered) -> Option<Fault> {
    if !is_known(evidence, remembered) {
        let message = format!(
            "the file is signed by {} at {} events, and this log's key is known here as {}",
            evidence.key, evidence.size, remembered.key
        );
        return Some(Fault::of_log("other_key", message));
    }
    if is_of_known_size(evidence, remembered) && evidence.root != known_root(remembered) {
        let message = format!(
            "the log has two histories under one name: the file's first {} events have the root \
             {}, and those seen before {}",
            evidence.size,
            evidence.root,
            known_root(remembered)
        );
        return Some(Fault::of_log("other_history", message));
    }
    None
}

/// Whether the file is signed by a key that is known here: the log's present one, one that
/// followed it, or one that it followed, as long as that one's time was not over.
fn is_known(evidence: &EvidenceReport, remembered: &Remembered) -> bool {
    evidence.is_signed_under(&remembered.key)
        || remembered.keys().may_have_signed(&evidence.key, evidence.size)
}

fn is_of_known_size(evidence: &EvidenceReport, remembered: &Remembered) -> bool {
    evidence.size == remembered.size()
}

fn known_root(remembered: &Remembered) -> Digest {
    remembered.checkpoint.checkpoint().root
}

fn wire_fault(fault: &EvidenceFault) -> Fault {
    let event = fault.event.as_ref();
    Fault {
        kind: "evidence".to_owned(),
        position: event.and_then(|event| event.position).map(|position| position.get()),
        stream: event
            .and_then(|event| event.stream.as_ref())
            .map(|(stream_type, stream_id)| format!("{stream_type}/{stream_id}")),
        seq: event.and_then(|event| event.stream_seq).map(|seq| seq.get()),
        event_id: event.and_then(|event| event.event_id).map(|event_id| event_id.to_string()),
        message: fault.to_string(),
    }
}

fn valid(
    target: String,
    evidence: &EvidenceReport,
    remembered: Option<&Remembered>,
    options: &VerifyOptions,
) -> VerifyReport {
    let withheld = evidence.redacted_count + evidence.body_left_out_count;
    let mut checks = vec![
        CheckLine::passed(
            "signature",
            format!("the checkpoint of {} events is signed by {}", evidence.size, evidence.key),
        ),
        key_check(remembered),
        history_check(evidence, remembered),
        witness_check(evidence, options),
        CheckLine::passed(
            "tree",
            format!(
                "each of the {} events is proved to be in the tree with the root {}",
                evidence.event_count(),
                evidence.root
            ),
        ),
        records_check(evidence),
    ];
    checks.extend(
        evidence.streams.iter().map(|stream| CheckLine::passed("stream", stream.to_string())),
    );
    if evidence.hash_only_count > 0 {
        let detail = format!(
            "{} events are there as hashes only: that they are of this run, and what they say",
            evidence.hash_only_count
        );
        checks.push(CheckLine::not_checked("hash_only", detail));
    }
    checks.push(CheckLine::not_checked(
        "later",
        "whether the run has later events; no file can tell",
    ));
    VerifyReport {
        verdict: Verdict::Valid,
        target,
        log_id: Some(evidence.log_id.to_string()),
        origin: Some(evidence.origin.clone()),
        size: Some(evidence.size),
        root_hash: Some(evidence.root.to_string()),
        events_checked: evidence.event_count(),
        bodies_checked: evidence.full_count,
        bodies_withheld: withheld + evidence.hash_only_count,
        checks,
        fault: None,
    }
}

fn key_check(remembered: Option<&Remembered>) -> CheckLine {
    match remembered {
        Some(_) => CheckLine::passed("key", "the key is one that was seen to sign this log"),
        None => CheckLine::not_checked(
            "key",
            "the key was taken from the file itself; compare it with one from elsewhere",
        ),
    }
}

/// A tree of another size can be held against the remembered one only with a proof.
fn history_check(evidence: &EvidenceReport, remembered: Option<&Remembered>) -> CheckLine {
    let name = "history";
    match remembered {
        Some(remembered) if is_of_known_size(evidence, remembered) => {
            CheckLine::passed(name, "the file's checkpoint is the one that was seen before")
        }
        Some(_) => CheckLine::not_checked(
            name,
            "whether this file's log is the one seen before; only the server can prove it",
        ),
        None => CheckLine::not_checked(
            name,
            "no checkpoint of this log is remembered here to compare with",
        ),
    }
}

fn witness_check(evidence: &EvidenceReport, options: &VerifyOptions) -> CheckLine {
    let names: Vec<&str> =
        evidence.cosignatures.iter().map(|cosigned| cosigned.key.name()).collect();
    if names.is_empty() {
        return CheckLine::not_checked("witnesses", "the file has no cosignature");
    }
    let is_known = evidence.cosignatures.iter().any(|one| options.witness_keys.contains(&one.key));
    match is_known {
        true => CheckLine::passed("witnesses", format!("cosigned by {}", names.join(", "))),
        false => CheckLine::not_checked(
            "witnesses",
            format!("cosigned by {}, whose keys were taken from the file itself", names.join(", ")),
        ),
    }
}

fn records_check(evidence: &EvidenceReport) -> CheckLine {
    let EvidenceReport { full_count, redacted_count, body_left_out_count, .. } = evidence;
    let mut detail = format!(
        "run {} of workspace {}: {full_count} events whole",
        evidence.run_id, evidence.workspace_id
    );
    if *redacted_count > 0 {
        detail.push_str(&format!(", {redacted_count} with an erased body"));
    }
    if *body_left_out_count > 0 {
        detail.push_str(&format!(", {body_left_out_count} with a body that was left out"));
    }
    CheckLine::passed("records", detail)
}
