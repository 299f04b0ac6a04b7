//! `annals export`: what the log holds of a run, in one file that proves itself.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::process::ExitCode;

use annals_sdk::{EvidenceError, HashOnly};
use anyhow::Context as _;

use crate::args::{ExportArgs, ExportCommand, ExportRunArgs};
use crate::connect::Connection;
use crate::output;

pub(crate) async fn run(args: ExportArgs) -> anyhow::Result<ExitCode> {
    match args.command {
        ExportCommand::Run(args) => export_run(args).await,
    }
}

async fn export_run(args: ExportRunArgs) -> anyhow::Result<ExitCode> {
    let connection = Connection::open_impatient(&args.server)?;
    // A file of that name stays whole until the new one is.
    let part = args.out.with_added_extension("part");
    let cannot_write = || format!("{} cannot be written", part.display());
    let mut out = BufWriter::new(File::create(&part).with_context(cannot_write)?);
    let hash_only = HashOnly { events: args.hash_only, types: args.hash_only_type };
    let exported = connection.client.evidence(&args.run_id, &hash_only, &mut out).await;
    let byte_count = match exported {
        Ok(byte_count) => byte_count,
        Err(error) => {
            let _ = std::fs::remove_file(&part);
            return Err(match error {
                EvidenceError::Client(error) => connection.advise(error),
                EvidenceError::Write(error) => anyhow::Error::new(error).context(cannot_write()),
            });
        }
    };
    out.flush().with_context(cannot_write)?;
    out.get_ref().sync_all().with_context(cannot_write)?;
    drop(out);
    std::fs::rename(&part, &args.out)
        .with_context(|| format!("{} cannot be written", args.out.display()))?;
    let path = args.out.display();
    output::note(format_args!("{byte_count} bytes of evidence in {path}; check it with:"));
    output::line(format_args!("annals verify {path}"))?;
    Ok(ExitCode::SUCCESS)
}
