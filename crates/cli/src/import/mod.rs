//! `annals import`: what coding agents have left in files, as events on the log.
//!
//! Files are read one after the other, in the order of their paths; a broken record is said with
//! its file and line, and the rest goes in. The translation is core's, and it gives the same event
//! the same identity each time: importing again stores nothing.

mod report;
mod send;
mod walk;

use std::path::Path;
use std::process::ExitCode;

use annals_core::dialect::transcripts::{Importer, Translated, detect, pieces};
use anyhow::Context as _;

use crate::args::ImportArgs;
use crate::failure::{COULD_NOT_TELL, NO};

use report::Report;
use send::Sender;
use walk::{Candidate, Found};

/// Records that are translated before their events are sent.
const RECORDS_A_BATCH: usize = 500;

pub(crate) async fn run(args: ImportArgs) -> anyhow::Result<ExitCode> {
    let found = walk::files(&args.paths)?;
    let sender = Sender::open(&args).await?;
    let mut report =
        Report::new(args.json, found.iter().map(|candidate| candidate.byte_count).sum());
    for candidate in &found {
        import_file(candidate, &sender, &mut report).await?;
    }
    report.finish(args.dry_run)?;
    Ok(match report.outcome() {
        report::Outcome::AllIn => ExitCode::SUCCESS,
        report::Outcome::SomeLeftOut => ExitCode::from(NO),
        report::Outcome::NothingToDo => ExitCode::from(COULD_NOT_TELL),
    })
}

async fn import_file(
    candidate: &Candidate,
    sender: &Sender,
    report: &mut Report,
) -> anyhow::Result<()> {
    let path = &candidate.path;
    let file = std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let format = match detect(&file) {
        Ok(format) => format,
        Err(error) => {
            report.not_imported(path, &error, candidate.found == Found::Named);
            report.passed(candidate.byte_count);
            return Ok(());
        }
    };
    let mut importer = Importer::new(format, &source_name(path), sender.workspace_id().clone());
    report.begin(path, format);
    let mut passed = 0;
    for (index, piece) in pieces(&file).enumerate() {
        importer.record(piece.line, piece.text);
        if (index + 1).is_multiple_of(RECORDS_A_BATCH) {
            deliver(&mut importer, path, sender, report).await?;
            report.passed(u64::try_from(piece.end - passed).unwrap_or(0));
            passed = piece.end;
        }
    }
    importer.finish();
    deliver(&mut importer, path, sender, report).await?;
    report.passed(u64::try_from(file.len() - passed).unwrap_or(0));
    report.end(importer.totals())
}

/// Sends what is ready and tells what is broken.
async fn deliver(
    importer: &mut Importer,
    path: &Path,
    sender: &Sender,
    report: &mut Report,
) -> anyhow::Result<()> {
    for fault in importer.drain_faults() {
        report.broken(path, fault.line, &fault.reason);
    }
    let (lines, drafts): (Vec<usize>, Vec<_>) =
        importer.drain().into_iter().map(|Translated { line, draft }| (line, draft)).unzip();
    for (line, result) in lines.into_iter().zip(sender.send(drafts).await?) {
        match result {
            Ok(send::Sent::Stored) => report.stored(),
            Ok(send::Sent::Replayed) => report.replayed(),
            Ok(send::Sent::Not) => {}
            Err(problem) => report.refused(path, line, &problem),
        }
    }
    Ok(())
}

/// The name that a run has whose records name none: the file's, without its ending.
fn source_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}
