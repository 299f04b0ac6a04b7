//! `annals redact`: an event's body is erased, on a server or in a backup.

use std::path::Path;
use std::process::ExitCode;

use annals_core::id::EventId;
use annals_recorder::copies::{BackupTarget, erase_in_backup};
use annals_sdk::wire::RedactRequest;
use anyhow::Context as _;
use serde_json::value::RawValue;

use crate::args::RedactArgs;
use crate::connect::Connection;
use crate::output;

pub(crate) async fn run(args: RedactArgs) -> anyhow::Result<ExitCode> {
    if let Some(backup) = &args.backup {
        return in_backup(backup, &args);
    }
    let replacement = args.replace.clone().map(RawValue::from_string).transpose();
    let request = RedactRequest {
        reason: args.reason,
        workspace_id: args.workspace,
        replacement: replacement.context("--replace is not JSON")?,
    };
    let connection = Connection::open_impatient(&args.server)?;
    let receipt = connection
        .client
        .redact(&args.event_id, &request)
        .await
        .map_err(|error| connection.advise(error))?;
    if args.json {
        output::line(serde_json::to_string(&receipt)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let done = if receipt.replayed { "was redacted before" } else { "redacted" };
    output::line(format_args!(
        "{done}: event {} at position {}; the log says so at position {}",
        receipt.event_id, receipt.position, receipt.redaction_position
    ))?;
    output::note(
        "Backups and evidence files made before still hold it: `annals redact --in BACKUP` erases it there.",
    );
    Ok(ExitCode::SUCCESS)
}

fn in_backup(backup: &Path, args: &RedactArgs) -> anyhow::Result<ExitCode> {
    let event_id = EventId::parse(&args.event_id).context("EVENT_ID is not a UUID")?;
    let erased = erase_in_backup(backup, BackupTarget::EventId(event_id))?;
    match args.json {
        true => output::line(serde_json::json!({
            "event_id": args.event_id, "position": erased.position.get(), "backup": backup,
        }))?,
        false => output::line(format_args!(
            "erased in {}: event {} at position {}",
            backup.display(),
            args.event_id,
            erased.position
        ))?,
    }
    Ok(ExitCode::SUCCESS)
}
