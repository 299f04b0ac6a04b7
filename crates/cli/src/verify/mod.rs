//! `annals verify`: a running server, a data directory or an evidence file.
//!
//! INVARIANT (no more than was checked): every verdict lists what was looked at and what was not.

mod directory;
mod file;
mod online;
mod report;

use std::process::ExitCode;

use annals_core::note::VerifierKey;
use annals_sdk::verify::{CheckpointMemory, VerifyOptions};
use anyhow::Context as _;

use crate::args::VerifyArgs;
use crate::data_dir;
use crate::failure::{self, COULD_NOT_TELL};
use crate::output;
use report::VerifyReport;

pub(crate) use directory::check_copy;
pub(crate) use report::progress_bar;

pub(crate) async fn run(args: VerifyArgs) -> anyhow::Result<ExitCode> {
    match verify(&args).await {
        Ok(report) => {
            let code = report.exit_code();
            failure::told(report.tell(args.json))?;
            Ok(code)
        }
        Err(error) => could_not_tell(&error, args.json),
    }
}

async fn verify(args: &VerifyArgs) -> anyhow::Result<VerifyReport> {
    let options = VerifyOptions {
        from: args.from,
        memory: memory(args),
        witness_keys: witness_keys(&args.witnesses)?,
    };
    match (&args.file, &args.data) {
        (Some(path), _) => file::run(path, &options),
        (None, Some(data_dir)) => directory::run(data_dir, &options),
        (None, None) => online::run(args, options).await,
    }
}

/// Neither yes nor no, whatever the reason: a refused token says nothing about the log.
fn could_not_tell(error: &anyhow::Error, is_json: bool) -> anyhow::Result<ExitCode> {
    if is_json {
        let causes: Vec<String> = error.chain().map(ToString::to_string).collect();
        let verdict = serde_json::json!({ "verdict": "could_not_tell", "causes": causes });
        failure::told(output::line(verdict).map_err(Into::into))?;
    }
    let _ = failure::report(error);
    Ok(ExitCode::from(COULD_NOT_TELL))
}

/// Where checkpoints are remembered, unless that is not wanted.
fn memory(args: &VerifyArgs) -> Option<CheckpointMemory> {
    if args.no_memory {
        return None;
    }
    data_dir::checkpoints().map(CheckpointMemory::at)
}

fn witness_keys(texts: &[String]) -> anyhow::Result<Vec<VerifierKey>> {
    let parse = |text: &String| {
        text.parse().with_context(|| format!("`{text}` is no verifier key of a witness"))
    };
    texts.iter().map(parse).collect()
}
