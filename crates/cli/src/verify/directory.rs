//! `annals verify --data`: a stopped server's directory, or a backup, checked where it lies.

use std::path::Path;
use std::thread::available_parallelism;

use annals_recorder::copies::audit::{AuditFault, AuditProgress, AuditReport, SignedTree};
use annals_recorder::copies::{
    CheckOptions, CheckedDirectory, CheckpointState, LogIdentity, check_directory, read_identity,
};
use annals_sdk::verify::{CheckpointMemory, Remembered, VerifyOptions};
use anyhow::Context as _;

use super::report::{CheckLine, Fault, Verdict, VerifyReport, progress_bar};

pub(super) fn run(directory: &Path, options: &VerifyOptions) -> anyhow::Result<VerifyReport> {
    let identity = read_identity(directory)?;
    let memory = options.memory.as_ref();
    let recalled = memory.map(|memory| memory.recall(&identity.log_id.to_string())).transpose();
    let remembered = recalled.context("what is remembered of the log cannot be read")?.flatten();
    let checked = check(directory, &identity, options.from, remembered.as_ref())?;
    let report = report(directory, &checked, options, remembered.as_ref());
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
) -> anyhow::Result<CheckedDirectory> {
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
    Ok(checked?)
}

fn report(
    directory: &Path,
    checked: &CheckedDirectory,
    options: &VerifyOptions,
    remembered: Option<&Remembered>,
) -> VerifyReport {
    let audit = &checked.audit;
    let fault = fault(checked).or_else(|| key_fault(checked, remembered));
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
        bodies_withheld: audit.bodies_erased,
        checks: if fault.is_some() { Vec::new() } else { checks(checked, options, remembered) },
        fault,
    }
}

/// What is wrong with the log, or with the signature under it.
fn fault(checked: &CheckedDirectory) -> Option<Fault> {
    if let CheckpointState::Unsigned { key, problem } = &checked.checkpoint {
        let message =
            format!("the directory's checkpoint is not signed by its key {key}: {problem}");
        return Some(of_log("bad_signature", message));
    }
    checked.audit.fault.as_ref().map(audit_fault)
}

/// Another key than the one that is remembered, without a hand-over.
fn key_fault(checked: &CheckedDirectory, remembered: Option<&Remembered>) -> Option<Fault> {
    let (trust, remembered) = (checked.trust.as_ref()?, remembered?);
    let is_known = trust.key == remembered.key
        || trust.former_keys.iter().any(|former| former.key == remembered.key);
    (!is_known).then(|| {
        let message = format!(
            "another key signs than the one that was seen before (seen {}, now {})",
            remembered.key, trust.key
        );
        of_log("other_key", message)
    })
}

fn of_log(kind: &str, message: String) -> Fault {
    let kind = kind.to_owned();
    Fault { kind, position: None, stream: None, seq: None, event_id: None, message }
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
    vec![
        signature_check(checked),
        key_check(checked, remembered),
        rollback_check(checked, remembered),
        witness_check(checked, options),
        tree_check(&checked.audit),
        records_check(&checked.audit),
    ]
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
        (Some(trust), Some(remembered)) if trust.key == remembered.key => {
            CheckLine::passed("key", "the key is the one that was seen before")
        }
        (Some(_), Some(_)) => CheckLine::not_checked(
            "key",
            "the directory says that the key seen before handed over; ask the running server to show it",
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
        [] => CheckLine::not_checked("witnesses", "no witness has countersigned the checkpoint"),
        names => CheckLine::passed("witnesses", format!("countersigned by {}", names.join(", "))),
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
        detail.push_str(&format!("; erased by redactions: {bodies_erased}"));
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

fn remember(
    memory: &CheckpointMemory,
    identity: &LogIdentity,
    checked: &CheckedDirectory,
    remembered: Option<&Remembered>,
) -> std::io::Result<()> {
    let Some(trust) = &checked.trust else { return Ok(()) };
    // A key is believed to have followed another only when both have said so.
    if remembered.is_some_and(|remembered| remembered.key != trust.key) {
        return Ok(());
    }
    let Some(checkpoint) = trust.checkpoint.clone() else { return Ok(()) };
    // A check that begins in the middle may not reach the tree.
    let is_checked = |size: u64| checked.audit.signed_checked.iter().any(|tree| tree.size == size);
    if !is_checked(checkpoint.checkpoint().size) {
        return Ok(());
    }
    memory.remember(&identity.log_id.to_string(), &trust.key, &checkpoint)
}
