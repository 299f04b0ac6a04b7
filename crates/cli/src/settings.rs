//! `annals settings`: what a workspace decided about itself, shown and changed on a server.

use std::process::ExitCode;

use annals_sdk::wire::{ChangeSettings, SchemaModeName, WorkspaceSettings};
use clap::{Args, Subcommand, ValueEnum};

use crate::args::ServerArgs;
use crate::connect::Connection;
use crate::output;

/// Flags of `annals settings`.
#[derive(Debug, Args)]
pub(crate) struct SettingsArgs {
    #[command(subcommand)]
    command: SettingsCommand,
}

/// What to do with settings.
#[derive(Debug, Subcommand)]
enum SettingsCommand {
    /// Print the settings of a workspace
    Show(ShowArgs),
    /// Change them; the log says who did
    Set(SetArgs),
}

/// Flags of `annals settings show`.
#[derive(Debug, Args)]
struct ShowArgs {
    /// The workspace, if it is not the token's own
    #[arg(long, value_name = "ID")]
    workspace: Option<String>,
    /// Print them as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerArgs,
}

/// Flags of `annals settings set`.
#[derive(Debug, Args)]
struct SetArgs {
    /// What becomes of events whose data does not fit the schema of their type
    #[arg(long, value_name = "MODE")]
    schemas: Schemas,
    #[command(flatten)]
    show: ShowArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Schemas {
    /// They are refused
    Strict,
    /// They are kept, and every reader sees what is wrong
    Lenient,
}

pub(crate) async fn run(args: SettingsArgs) -> anyhow::Result<ExitCode> {
    let (args, schemas) = match args.command {
        SettingsCommand::Show(args) => (args, None),
        SettingsCommand::Set(SetArgs { schemas, show }) => (show, Some(schemas)),
    };
    let connection = Connection::open_impatient(&args.server)?;
    let client = &connection.client;
    let answer = match schemas {
        None => client.settings(args.workspace.as_deref()).await,
        Some(schemas) => {
            let schemas = match schemas {
                Schemas::Strict => SchemaModeName::Strict,
                Schemas::Lenient => SchemaModeName::Lenient,
            };
            let workspace_id = args.workspace.clone();
            let change = ChangeSettings { workspace_id, schemas: Some(schemas) };
            client.change_settings(&change).await
        }
    };
    let settings = answer.map_err(|error| connection.advise(error))?;
    match args.json {
        true => output::line(serde_json::to_string(&settings)?)?,
        false => show(&settings)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn show(settings: &WorkspaceSettings) -> anyhow::Result<()> {
    let meaning = match settings.schemas {
        SchemaModeName::Strict => "strict   events whose data does not fit their type are refused",
        SchemaModeName::Lenient => {
            "lenient  events whose data does not fit their type are kept and marked"
        }
    };
    output::line(format_args!("workspace  {}", output::plain(&settings.workspace_id)))?;
    output::line(format_args!("schemas    {meaning}"))?;
    if let (Some(at), Some(by), Some(event_id)) =
        (&settings.changed_at, &settings.changed_by, &settings.event_id)
    {
        output::note(format_args!("changed {at} by {}: event {event_id}", output::plain(by)));
    }
    Ok(())
}
