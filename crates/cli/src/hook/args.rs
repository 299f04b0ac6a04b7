//! The command line of `annals hook`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::agent::Agent;
use crate::args::ServerArgs;

/// Flags of `annals hook`.
#[derive(Debug, Args)]
pub(crate) struct HookArgs {
    #[command(subcommand)]
    pub(crate) command: HookCommand,
}

/// What to do with agents' hooks.
#[derive(Debug, Subcommand)]
pub(crate) enum HookCommand {
    /// Make a coding agent tell Annals what it does: shows the change of its settings, and asks
    #[command(after_help = "Examples:\n  annals hook install claude-code\n  \
        annals hook install codex --scope project --dry-run\n  annals hook install gemini --yes")]
    Install(InstallArgs),
    /// Take that out of its settings again, and end the hook's token with the last of them
    #[command(after_help = "Example:\n  annals hook uninstall claude-code")]
    Uninstall(UninstallArgs),
    /// Say which agents have the hook, whether it reaches the server, and what waits
    Status(HookStatusArgs),
}

/// Whose settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scope {
    /// This user's, for all projects
    User,
    /// Those of the project in the present directory
    Project,
}

/// Flags that installing and uninstalling share.
#[derive(Debug, Args)]
pub(crate) struct ChangeArgs {
    /// The agent
    #[arg(value_name = "AGENT")]
    pub(crate) agent: Agent,
    /// Whose settings [default: user]
    #[arg(long, value_name = "SCOPE", default_value = "user", hide_default_value = true)]
    pub(crate) scope: Scope,
    /// Show the change and write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Write without asking
    #[arg(long, short = 'y')]
    pub(crate) yes: bool,
}

/// Flags of `annals hook install`.
#[derive(Debug, Args)]
pub(crate) struct InstallArgs {
    #[command(flatten)]
    pub(crate) change: ChangeArgs,
    /// The workspace that the events go to
    #[arg(long, value_name = "ID", default_value = "default")]
    pub(crate) workspace: String,
    /// Make a new token although there is one
    #[arg(long)]
    pub(crate) new_token: bool,
    /// The annals-hook binary [default: the one beside this binary]
    #[arg(long, value_name = "FILE")]
    pub(crate) binary: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

/// Flags of `annals hook uninstall`.
#[derive(Debug, Args)]
pub(crate) struct UninstallArgs {
    #[command(flatten)]
    pub(crate) change: ChangeArgs,
    /// Leave the hook's token valid, although no agent needs it any more
    #[arg(long)]
    pub(crate) keep_token: bool,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

/// Flags of `annals hook status`.
#[derive(Debug, Args)]
pub(crate) struct HookStatusArgs {
    /// Print it as JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// The server's address [default: http://127.0.0.1:7171]
    #[arg(long, env = "ANNALS_URL", value_name = "URL")]
    pub(crate) url: Option<String>,
}
