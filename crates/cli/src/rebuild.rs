//! `annals rebuild`: throws away what is derived from the log and derives it again.
//!
//! The log itself is only read. INVARIANT (derived is disposable): nothing outside `derived/` is
//! removed, and nothing is removed while a server may have the directory open.

use std::fs;
use std::io;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use annals_recorder::Recorder;
use annals_recorder::config::RecorderConfig;
use anyhow::{Context as _, bail};

use crate::args::RebuildArgs;
use crate::data_dir;
use crate::output;

/// Where everything lies that can be derived from the log.
const DERIVED: &str = "derived";

pub(crate) async fn run(args: &RebuildArgs) -> anyhow::Result<ExitCode> {
    let data_dir = data_dir::resolve(args.data.as_deref())?;
    if !data_dir.join("log").is_dir() {
        bail!("there is no log in {}", data_dir.display());
    }
    let started = Instant::now();
    // Opening it takes the directory's lock, which proves that no server has it.
    open(&data_dir)?.close()?;
    remove_derived(&data_dir.join(DERIVED))?;
    let recorder = open(&data_dir)?;
    let head = recorder.head().position;
    wait_for_views(&recorder).await?;
    recorder.close()?;
    let seconds = started.elapsed().as_secs_f64();
    output::line(format_args!(
        "rebuilt the index and the views of {head} events in {seconds:.1} s"
    ))?;
    Ok(ExitCode::SUCCESS)
}

fn open(data_dir: &Path) -> anyhow::Result<Recorder> {
    Recorder::open(RecorderConfig::at(data_dir)).with_context(|| {
        format!(
            "{} cannot be opened; if a server uses it, stop the server first",
            data_dir.display()
        )
    })
}

fn remove_derived(derived: &Path) -> anyhow::Result<()> {
    match fs::remove_dir_all(derived) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("{} cannot be removed", derived.display()))
        }
        _ => Ok(()),
    }
}

/// Waits until the views have seen the whole log.
async fn wait_for_views(recorder: &Recorder) -> anyhow::Result<()> {
    tokio::select! {
        () = recorder.views().wait_for(recorder.head().position) => Ok(()),
        () = recorder.failed() => bail!("the log failed while it was read"),
    }
}
