//! `annals hook status`: which agents have the hook, whether it reaches the server, and what waits.

use std::process::ExitCode;

use annals_hook::spool::{Spool, Waiting};
use annals_sdk::{Client, ClientError, RetryPolicy};
use anyhow::Context as _;
use serde::Serialize;

use super::agent::Agent;
use super::args::HookStatusArgs;
use super::file::SettingsFile;
use super::{SCOPES, homes, installs};
use crate::output;

/// All of it, as `--json` prints it.
#[derive(Debug, Serialize)]
struct HookStatus {
    installed: Vec<Installed>,
    /// Why the server does not take what the hook sends; absent when it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
    waiting_documents: u64,
    waiting_bytes: u64,
    dropped: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_failure: Option<String>,
}

/// An agent that has the hook.
#[derive(Debug, Serialize)]
struct Installed {
    agent: &'static str,
    scope: &'static str,
    file: String,
    events: usize,
    events_known: usize,
}

/// Says how it stands; 1 when something that is told does not arrive.
pub(super) async fn run(args: &HookStatusArgs) -> anyhow::Result<ExitCode> {
    let places = annals_hook::default_places().context("no home directory is known")?;
    let waiting = Spool::new(&places.spool, u64::MAX).waiting();
    let waiting = waiting.with_context(|| places.spool.display().to_string())?;
    let Waiting { documents, bytes, dropped, last_failure } = waiting;
    let status = HookStatus {
        installed: installed()?,
        problem: problem(&places.token_file, args.url.as_deref()).await,
        waiting_documents: documents,
        waiting_bytes: bytes,
        dropped,
        last_failure,
    };
    match args.json {
        true => output::line(serde_json::to_string(&status)?)?,
        false => show(&status)?,
    }
    let is_well = status.problem.is_none() && status.dropped == 0;
    Ok(if is_well { ExitCode::SUCCESS } else { ExitCode::from(crate::failure::NO) })
}

fn installed() -> anyhow::Result<Vec<Installed>> {
    let homes = homes()?;
    let mut installed = Vec::new();
    for agent in Agent::ALL {
        for (scope, name) in SCOPES {
            let path = agent.settings(scope, &homes);
            let file = SettingsFile::read(&path)?;
            let events = installs::event_count(&path, file.text());
            if events > 0 {
                installed.push(Installed {
                    agent: agent.name(),
                    scope: name,
                    file: path.display().to_string(),
                    events,
                    events_known: agent.events().len(),
                });
            }
        }
    }
    Ok(installed)
}

/// What is in the way between the hook and the server.
async fn problem(token_file: &std::path::Path, url: Option<&str>) -> Option<String> {
    let Ok(token) = std::fs::read_to_string(token_file) else {
        return Some(format!("there is no token in {}", token_file.display()));
    };
    let url = url.unwrap_or(annals_hook::DEFAULT_URL);
    let client = match Client::builder().url(url).token(token.trim().to_owned()).build() {
        Ok(client) => client.with_retry(RetryPolicy::never()),
        Err(error) => return Some(error.to_string()),
    };
    match client.status().await {
        Ok(_) => None,
        // A token that may append but not read gets this answer, from a server that is there.
        Err(ClientError::Refused(problem)) if problem.status == 403 => None,
        Err(ClientError::Refused(problem)) if problem.status == 401 => {
            Some("the server does not know the hook's token; `annals hook install AGENT --new-token` makes another".to_owned())
        }
        Err(error) => Some(error.to_string()),
    }
}

fn show(status: &HookStatus) -> anyhow::Result<()> {
    if status.installed.is_empty() {
        output::line("no agent has the hook; `annals hook install AGENT` gives it one")?;
    }
    for installed in &status.installed {
        output::line(format_args!(
            "{}  {}  {} of {} events  {}",
            installed.agent,
            installed.scope,
            installed.events,
            installed.events_known,
            installed.file
        ))?;
    }
    match &status.problem {
        None => output::line("the server answers, and knows the hook's token")?,
        Some(problem) => output::line(format_args!("not delivered: {}", output::plain(problem)))?,
    }
    if status.waiting_documents > 0 {
        output::line(format_args!(
            "{} events wait ({} bytes); the next event of an agent delivers them, or annals-hook --flush",
            status.waiting_documents, status.waiting_bytes
        ))?;
    }
    if status.dropped > 0 {
        output::line(format_args!(
            "{} events did not fit; a gap will tell of them",
            status.dropped
        ))?;
    }
    if let Some(failure) = &status.last_failure {
        output::note(format_args!("last failure: {}", output::plain(failure)));
    }
    Ok(())
}
