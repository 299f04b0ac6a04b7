//! `annals hook`: makes coding agents tell what they do, and says whether they do.
//!
//! It edits files that belong to other programs, so it shows the change, asks, keeps the text from
//! before, and replaces the file as a whole. The hook itself is `annals-hook`.

mod agent;
mod args;

mod block;
mod diff;
mod edit;
mod jsonc;

mod file;
mod installs;
mod status;
mod token;

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};

use self::agent::Agent;
use self::args::{ChangeArgs, HookCommand, InstallArgs, Scope, UninstallArgs};
use self::file::SettingsFile;
use crate::output;

pub(crate) use self::args::HookArgs;

pub(crate) async fn run(args: HookArgs) -> anyhow::Result<ExitCode> {
    match args.command {
        HookCommand::Install(args) => install(args).await,
        HookCommand::Uninstall(args) => uninstall(&args).await,
        HookCommand::Status(args) => status::run(&args).await,
    }
}

async fn install(args: InstallArgs) -> anyhow::Result<ExitCode> {
    let agent = args.change.agent;
    let binary = binary(args.binary.as_deref())?;
    let command = command_line(&binary, agent, args.server.url.as_deref());
    let (file, path) = settings(&args.change)?;
    let new = with_hooks(&path, file.text(), agent, &command)
        .with_context(|| format!("{} stays as it is", file.path.display()))?;
    if new == file.text() {
        output::line(format_args!("{} has the hook already", file.path.display()))?;
        if !args.change.dry_run {
            token::ensure(&args).await?;
            installs::remember(&file.path)?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    if !agree(&args.change, &file, &new)? {
        return Ok(ExitCode::from(crate::failure::NO));
    }
    if args.change.dry_run {
        return Ok(ExitCode::SUCCESS);
    }
    // First the token: a hook without one would only fill its spool.
    token::ensure(&args).await?;
    installs::remember(&file.path)?;
    let backup = file.replace(&new)?;
    said(&file.path, backup.as_deref(), "now runs annals-hook")?;
    if let Some(advice) = agent.advice() {
        output::note(advice);
    }
    Ok(ExitCode::SUCCESS)
}

async fn uninstall(args: &UninstallArgs) -> anyhow::Result<ExitCode> {
    let (file, path) = settings(&args.change)?;
    let new = without_hooks(&path, file.text())
        .with_context(|| format!("{} stays as it is", file.path.display()))?;
    if new == file.text() {
        output::line(format_args!("{} does not have the hook", file.path.display()))?;
        if !args.change.dry_run {
            token::end(args).await?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    if !agree(&args.change, &file, &new)? {
        return Ok(ExitCode::from(crate::failure::NO));
    }
    if args.change.dry_run {
        return Ok(ExitCode::SUCCESS);
    }
    let is_empty = !is_toml(&path) && edit::is_bare(&new);
    let backup = if is_empty { file.remove()? } else { file.replace(&new)? };
    said(&file.path, backup.as_deref(), "no longer runs annals-hook")?;
    token::end(args).await?;
    Ok(ExitCode::SUCCESS)
}

fn said(path: &Path, backup: Option<&Path>, what: &str) -> anyhow::Result<()> {
    output::line(format_args!("{} {what}", path.display()))?;
    if let Some(backup) = backup {
        output::note(format_args!("as it was before: {}", backup.display()));
    }
    Ok(())
}

/// The file of settings, and the path by which the agent knows it.
fn settings(args: &ChangeArgs) -> anyhow::Result<(SettingsFile, PathBuf)> {
    let path = args.agent.settings(args.scope, &homes()?);
    Ok((SettingsFile::read(&path)?, path))
}

/// Where this user's agents have their settings.
fn homes() -> anyhow::Result<agent::Homes> {
    let dir =
        |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|dir| dir.is_absolute());
    let home = dir(if cfg!(windows) { "USERPROFILE" } else { "HOME" });
    Ok(agent::Homes {
        home: home.context("no home directory is known")?,
        codex: dir("CODEX_HOME"),
        copilot: dir("COPILOT_HOME"),
        project: std::env::current_dir().context("the present directory is gone")?,
    })
}

fn is_toml(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "toml")
}

fn with_hooks(path: &Path, text: &str, agent: Agent, command: &str) -> anyhow::Result<String> {
    match is_toml(path) {
        true => block::install(text, agent, command).context("its hooks cannot be added to"),
        false => Ok(edit::install(text, agent, command)?),
    }
}

fn without_hooks(path: &Path, text: &str) -> anyhow::Result<String> {
    match is_toml(path) {
        true => Ok(block::uninstall(text)),
        false => Ok(edit::uninstall(text)?),
    }
}

/// Shows the change; says whether it may be made.
fn agree(args: &ChangeArgs, file: &SettingsFile, new: &str) -> anyhow::Result<bool> {
    output::line(format_args!("{}:", file.path.display()))?;
    for line in diff::diff(file.text(), new).lines() {
        output::line(output::plain(line))?;
    }
    if args.dry_run || args.yes {
        return Ok(true);
    }
    if !std::io::stdin().is_terminal() {
        bail!("nobody is there to agree to this change; --yes agrees to it");
    }
    output::note("Write this? [y/N]");
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// The hook's binary: the one that was named, the one beside this binary, or one on the path.
fn binary(named: Option<&Path>) -> anyhow::Result<PathBuf> {
    let name = if cfg!(windows) { "annals-hook.exe" } else { "annals-hook" };
    if let Some(named) = named {
        let found = std::fs::canonicalize(named).with_context(|| named.display().to_string())?;
        let is_hook = found.file_name().is_some_and(|found| found == name);
        anyhow::ensure!(
            is_hook,
            "{} is not called {name}, so uninstall would not know it",
            named.display()
        );
        return Ok(found);
    }
    let beside = std::env::current_exe().ok().map(|exe| exe.with_file_name(name));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).map(|dir| dir.join(name));
    let found = beside.into_iter().chain(on_path).find(|file| file.is_file());
    found.with_context(|| {
        format!("{name} is neither beside this binary nor on the path; name it with --binary FILE")
    })
}

/// The command line that the agent's shell runs.
fn command_line(binary: &Path, agent: Agent, url: Option<&str>) -> String {
    let mut command = format!("{} {}", quoted(&binary.display().to_string()), agent.name());
    if let Some(url) = url.filter(|url| *url != annals_hook::DEFAULT_URL) {
        command.push_str(&format!(" --url {}", quoted(url)));
    }
    command
}

/// A word for a shell.
fn quoted(word: &str) -> String {
    let is_plain =
        |character: char| character.is_ascii_alphanumeric() || "/._-:@%+,=\\".contains(character);
    match word.chars().all(is_plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}

/// The scopes, for those who look at all of them.
const SCOPES: [(Scope, &str); 2] = [(Scope::User, "user"), (Scope::Project, "project")];
