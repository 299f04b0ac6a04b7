//! `annals verify --data`: a stopped server's directory, or a backup, checked where it lies.

use std::path::Path;
use std::thread::available_parallelism;

use annals_recorder::copies::audit::{AuditFault, AuditProgress, AuditReport, SignedTree};
use annals_recorder::copies::{
    CheckOptions, CheckedDirectory, CheckpointState, CopyError, LogIdentity, check_directory,
    read_identity,
};
use annals_recorder::trust::{PublicTrust, PublicTrustError};
use annals_sdk::verify::{
    CheckpointMemory, FormerKey, KeyChain, Remembered, VerifyError, VerifyOptions, check_name,
};
use anyhow::Context as _;

use super::report::{CheckLine, Fault, Verdict, VerifyReport, counted, progress_bar};

pub(super) fn run(directory: &Path, options: &VerifyOptions) -> anyhow::Result<VerifyReport> {
    let identity = read_identity(directory)?;
    let memory = options.memory.as_ref();
    let recalled = memory.map(|memory| memory.recall(&identity.log_id.to_string())).transpose();
    let remembered = recalled.context("what is remembered of the log cannot be read")?.flatten();
    let checked = match check(directory, &identity, options.from, remembered.as_ref()) {
        Ok(checked) => checked,
        Err(CopyError::Trust(error @ PublicTrustError::Unsigned { .. })) => {
            let fault = Fault::of_log("bad_signature", error.to_string());
            return Ok(VerifyReport::invalid(directory.display().to_string(), fault));
        }
        Err(error) => return Err(error.into()),
    };
    let fault = match fault(&checked).or_else(|| key_fault(&checked, remembered.as_ref())) {
        None => name_fault(&checked, memory)?,
        found => found,
    };
    let report = report(directory, &checked, options, remembered.as_ref(), fault);
    if let (Some(memory), Verdict::Valid) = (memory, report.verdict) {
        remember(memory, &identity, &checked, remembered.as_ref())
            .context("the checkpoint cannot be remembered")?;
    }
    Ok(report)
}

/// Checks a copy that was just made; says what is wrong with it.
pub(crate) fn check_copy(directory: &Path) -> anyhow::Result<Result<u64, String>> {
    let identity = read_identity(directory)?;
    let checked = check(directory, &identity, 1, None)?;
    Ok(match fault(&checked) {
        Some(fault) => Err(fault.message),
        None => Ok(checked.audit.events),
    })
}

fn check(
    directory: &Path,
    identity: &LogIdentity,
    from: u64,
    remembered: Option<&Remembered>,
) -> Result<CheckedDirectory, CopyError> {
    let signed_tree = |remembered: &Remembered| {
        let checkpoint = remembered.checkpoint.checkpoint();
        SignedTree { size: checkpoint.size, root: checkpoint.root }
    };
    let options = CheckOptions {
        threads: available_parallelism().map_or(1, usize::from),
        from: (from > 1).then_some(from),
        remembered: remembered.map(signed_tree).into_iter().collect(),
    };
    let bar = progress_bar(0, "bytes");
    let progress = |progress: AuditProgress| {
        bar.set_length(progress.bytes_total);
        bar.set_position(progress.bytes_done);
    };
    let checked = check_directory(directory, identity, &options, &progress);
    bar.finish_and_clear();
    checked
}

fn report(
    directory: &Path,
    checked: &CheckedDirectory,
    options: &VerifyOptions,
    remembered: Option<&Remembered>,
    fault: Option<Fault>,
) -> VerifyReport {
    let audit = &checked.audit;
    let (origin, tree) = match &checked.checkpoint {
        CheckpointState::Signed { origin, tree, .. } => (Some(origin.clone()), Some(*tree)),
        CheckpointState::Absent | CheckpointState::Unsigned { .. } => (None, None),
    };
    VerifyReport {
        verdict: if fault.is_some() { Verdict::Invalid } else { Verdict::Valid },
        target: directory.display().to_string(),
        log_id: Some(audit.log_id.to_string()),
        origin,
        size: tree.map(|tree| tree.size),
        root_hash: tree.map(|tree| tree.root.to_string()),
        events_checked: audit.events,
        bodies_checked: audit.bodies_checked,
        bodies_withheld: audit.bodies_erased + audit.bodies_unexplained,
        checks: if fault.is_some() { Vec::new() } else { checks(checked, options, remembered) },
        fault,
    }
}

/// What is wrong with the log, or with the signature under it.
fn fault(checked: &CheckedDirectory) -> Option<Fault> {
    if let CheckpointState::Unsigned { key, problem } = &checked.checkpoint {
        let message =
            format!("the directory's checkpoint is not signed by its key {key}: {problem}");
        return Some(Fault::of_log("bad_signature", message));
    }
    checked.audit.fault.as_ref().map(audit_fault)
}

/// Another log, or another key than the one that is remembered, without a key rotation.
fn key_fault(checked: &CheckedDirectory, remembered: Option<&Remembered>) -> Option<Fault> {
    let remembered = remembered?;
    let Some(trust) = &checked.trust else {
        let message = format!(
            "the directory names no key, and the one that was seen before is {}",
            remembered.key
        );
        return Some(Fault::of_log("other_key", message));
    };
    let seen = &remembered.checkpoint.checkpoint().origin;
    let now = trust.checkpoint.as_ref().map(|signed| &signed.checkpoint().origin);
    if let Some(now) = now.filter(|now| *now != seen) {
        let message = format!("the checkpoint is of the log {now}; the one seen before is {seen}");
        return Some(Fault::of_log("foreign_log", message));
    }
    let is_known = key_chain(trust).may_have_signed(&remembered.key, remembered.size());
    (!is_known).then(|| {
        let message = format!(
            "another key signs than the one that was seen before (seen {} at {} events, now {})",
            remembered.key,
            remembered.size(),
            trust.key
        );
        Fault::of_log("other_key", message)
    })
}

/// The directory's keys, as far back as statements lead that both keys of a change signed.
fn key_chain(trust: &PublicTrust) -> KeyChain {
    let former_keys = trust.former_keys().into_iter();
    let former_keys = former_keys
        .map(|former| FormerKey { key: former.key, last_size: former.last_size })
        .collect();
    KeyChain { key: trust.key.clone(), former_keys }
}

/// Another log's name, or a name that is known here under another id.
fn name_fault(
    checked: &CheckedDirectory,
    memory: Option<&CheckpointMemory>,
) -> anyhow::Result<Option<Fault>> {
    let CheckpointState::Signed { origin, .. } = &checked.checkpoint else { return Ok(None) };
    let log_id = checked.audit.log_id.to_string();
    let named = check_name(&log_id, origin).map_err(VerifyError::from);
    let known = named.and_then(|()| match memory {
        Some(memory) => memory.recall_log(&log_id, origin).map(drop),
        None => Ok(()),
    });
    match known {
        Ok(()) => Ok(None),
        Err(VerifyError::Fault(fault)) => Ok(Some(Fault::from(&fault))),
        Err(error) => Err(error.into()),
    }
}

fn audit_fault(fault: &AuditFault) -> Fault {
    Fault {
        kind: fault.kind.as_str().to_owned(),
        position: Some(fault.position.get()),
        stream: fault.stream.clone(),
        seq: fault.seq.map(|seq| seq.get()),
        event_id: fault.event_id.map(|event_id| event_id.to_string()),
        message: fault.to_string(),
    }
}

fn checks(
    checked: &CheckedDirectory,
    options: &VerifyOptions,
    remembered: Option<&Remembered>,
) -> Vec<CheckLine> {
    let mut checks = vec![
        signature_check(checked),
        key_check(checked, remembered),
        rollback_check(checked, remembered),
        witness_check(checked, options),
        tree_check(&checked.audit),
        records_check(&checked.audit),
    ];
    checks.extend(erasures_check(&checked.audit));
    checks
}

fn signature_check(checked: &CheckedDirectory) -> CheckLine {
    match &checked.checkpoint {
        CheckpointState::Signed { key, tree, .. } => CheckLine::passed(
            "signature",
            format!("the checkpoint of {} events is signed by {key}", tree.size),
        ),
        CheckpointState::Absent | CheckpointState::Unsigned { .. } => {
            CheckLine::not_checked("signature", "the directory has no checkpoint")
        }
    }
}

fn key_check(checked: &CheckedDirectory, remembered: Option<&Remembered>) -> CheckLine {
    match (&checked.trust, remembered) {
        (Some(trust), Some(remembered)) => CheckLine::passed(
            "key",
            match key_chain(trust).changes_since(&remembered.key) {
                0 => "the key is the one that was seen before".to_owned(),
                count => format!(
                    "the key that was seen before handed over, {count} times, signed by both"
                ),
            },
        ),
        _ => CheckLine::not_checked(
            "key",
            "the key was taken from the directory itself; compare it with one from elsewhere",
        ),
    }
}

fn rollback_check(checked: &CheckedDirectory, remembered: Option<&Remembered>) -> CheckLine {
    let is_checked = |size: u64| checked.audit.signed_checked.iter().any(|tree| tree.size == size);
    match remembered.map(Remembered::size) {
        Some(size) if size == 0 || is_checked(size) => CheckLine::passed(
            "rollback",
            format!("it extends the checkpoint of {size} events that was seen before"),
        ),
        Some(size) => CheckLine::not_checked(
            "rollback",
            format!("the check does not reach the {size} events that were seen before"),
        ),
        None => CheckLine::not_checked(
            "rollback",
            "no earlier checkpoint of this log is remembered here",
        ),
    }
}

fn witness_check(checked: &CheckedDirectory, options: &VerifyOptions) -> CheckLine {
    let signed = checked.trust.as_ref().and_then(|trust| trust.checkpoint.as_ref());
    let keys = &options.witness_keys;
    if keys.is_empty() {
        return CheckLine::not_checked("witnesses", "no witness key was given");
    }
    let has_cosigned = |signed| {
        move |key: &&_| {
            annals_core::checkpoint::SignedCheckpoint::verify_cosignature(signed, key).is_ok()
        }
    };
    let names: Vec<&str> = signed
        .map(|signed| keys.iter().filter(has_cosigned(signed)).map(|key| key.name()).collect())
        .unwrap_or_default();
    match names.as_slice() {
        [] => CheckLine::not_checked("witnesses", "no witness has cosigned the checkpoint"),
        names => CheckLine::passed("witnesses", format!("cosigned by {}", names.join(", "))),
    }
}

fn tree_check(audit: &AuditReport) -> CheckLine {
    match audit.signed_checked.iter().map(|tree| tree.size).max() {
        Some(size) => CheckLine::passed(
            "tree",
            format!("the first {size} events have the root that was signed"),
        ),
        None => CheckLine::not_checked("tree", "there is no signed root to compare with"),
    }
}

fn records_check(audit: &AuditReport) -> CheckLine {
    let AuditReport { events, streams, bodies_checked, bodies_erased, .. } = audit;
    let mut detail = format!(
        "{events} events in {streams} streams are chained, and {bodies_checked} bodies are what was committed to"
    );
    if *bodies_erased > 0 {
        detail.push_str(&format!("; erased by redactions that are on the log: {bodies_erased}"));
    }
    if audit.from.get() > 1 {
        detail.push_str(&format!("; events before position {} were not looked at", audit.from));
    }
    if audit.torn_bytes > 0 {
        detail.push_str(&format!(
            "; {} bytes of an append that was never acknowledged lie behind them",
            audit.torn_bytes
        ));
    }
    CheckLine::passed("records", detail)
}

/// The file `redactions` of a directory explains what is gone, but nobody signed it.
fn erasures_check(audit: &AuditReport) -> Option<CheckLine> {
    let first = audit.first_unexplained?;
    let detail = format!(
        "why {} gone, the first at position {first}: only the directory's own file `redactions` \
         says so",
        counted(audit.bodies_unexplained, "body is", "bodies are"),
    );
    Some(CheckLine::not_checked("erasures", detail))
}

fn remember(
    memory: &CheckpointMemory,
    identity: &LogIdentity,
    checked: &CheckedDirectory,
    remembered: Option<&Remembered>,
) -> std::io::Result<()> {
    let Some(trust) = &checked.trust else { return Ok(()) };
    let Some(checkpoint) = trust.checkpoint.clone() else { return Ok(()) };
    // A check that begins in the middle may not reach the tree.
    let is_checked = |size: u64| checked.audit.signed_checked.iter().any(|tree| tree.size == size);
    let mut sizes = vec![checkpoint.checkpoint().size];
    sizes.extend(remembered.map(Remembered::size).filter(|size| *size > 0));
    if !sizes.into_iter().all(is_checked) {
        return Ok(());
    }
    let keys = key_chain(trust).at(checkpoint.checkpoint().size);
    memory.remember(&identity.log_id.to_string(), &keys, &checkpoint)
}
