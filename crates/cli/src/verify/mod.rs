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

pub(crate) use directory::check_copy;
pub(crate) use report::progress_bar;

pub(crate) async fn run(args: VerifyArgs) -> anyhow::Result<ExitCode> {
    let options = VerifyOptions {
        from: args.from,
        memory: memory(&args),
        witness_keys: witness_keys(&args.witnesses)?,
    };
    let report = match (&args.file, &args.data) {
        (Some(path), _) => file::run(path, &options)?,
        (None, Some(data_dir)) => directory::run(data_dir, &options)?,
        (None, None) => online::run(&args, options).await?,
    };
    report.tell(args.json)
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
