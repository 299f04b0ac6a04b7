//! The command line, as clap reads it, with an example for each command.
//!
//! What a flag means is said here once; nothing is done here.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::catalog::CatalogArgs;
use crate::simulate::SimulateArgs;

/// The flight recorder and control tower for AI agents.
#[derive(Debug, Parser)]
#[command(name = "annals", version, after_help = "Exit codes: 0 yes, 1 no, 2 could not tell.")]
pub(crate) struct CommandLine {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the server
    #[command(
        after_help = "Examples:\n  annals serve\n  annals serve --data ./annals-data --listen 127.0.0.1:0"
    )]
    Serve(ServeArgs),
    /// Append events
    #[command(after_help = "Examples:\n  \
        annals append --type note.taken --stream run/r1 --data '{\"text\":\"the build is green\"}'\n  \
        annals append events.ndjson\n  \
        my-agent --log-json | annals append -")]
    Append(AppendArgs),
    /// Follow the log live
    #[command(after_help = "Examples:\n  annals tail\n  annals tail --run r1 --type 'tool.*'\n  \
        annals tail --json --from 1 --limit 100")]
    Tail(TailArgs),
    /// Import what agents have left behind: sessions, run records, trace exports
    #[command(
        after_help = "Examples:\n  annals import ~/.claude/projects ~/.codex/sessions\n  annals import --dry-run --json session.jsonl"
    )]
    Import(ImportArgs),
    /// Check that a log is what was kept: a running server's, a directory's, or an evidence file
    #[command(after_help = "Examples:\n  annals verify\n  annals verify --data ./annals-data\n  \
        annals verify evidence.json\n  annals verify --json --from 100000\n\n\
        Exit codes: 0 nothing wrong in what was checked, 1 something is wrong, 2 could not tell.")]
    Verify(VerifyArgs),
    /// Write what the log holds of a run into a file that proves itself
    #[command(after_help = "Examples:\n  annals export run r1 --out r1.json\n  \
        annals export run r1 --out r1.json --hash-only EVENT_ID")]
    Export(ExportArgs),
    /// Erase an event's body; its place and its hash stay
    #[command(after_help = "Examples:\n  annals redact EVENT_ID --reason 'a customer number'\n  \
        annals redact EVENT_ID --reason 'an API key' --replace '{\"text\":\"(key removed)\"}'\n  \
        annals redact EVENT_ID --reason 'a customer number' --in ./backup")]
    Redact(RedactArgs),
    /// Copy a running server's log, or bring such a copy up to date
    #[command(after_help = "Example:\n  annals backup ./backup")]
    Backup(BackupArgs),
    /// Make a data directory from a backup: a new log that goes on where the backup ends
    #[command(after_help = "Example:\n  annals restore ./backup --data ./annals-data")]
    Restore(RestoreArgs),
    /// Show or replace the key that signs the log's checkpoints
    #[command(after_help = "Examples:\n  annals key show --data DIR\n  annals key rotate")]
    Key(KeyArgs),
    /// Make coding agents tell what they do, and see whether they do
    #[command(after_help = "Examples:\n  annals hook install claude-code\n  \
        annals hook status\n  annals hook uninstall claude-code")]
    Hook(crate::hook::HookArgs),
    /// Show or change what a workspace decided about itself
    #[command(after_help = "Examples:\n  annals settings show\n  \
        annals settings set --schemas lenient --workspace team-a")]
    Settings(crate::settings::SettingsArgs),
    /// Make, list and revoke tokens
    #[command(
        after_help = "Examples:\n  annals token create --workspace team-a --rights append,read --expires 30d --name ci\n  \
        annals token list\n  annals token revoke TOKEN_ID"
    )]
    Token(TokenArgs),
    /// Make a link that opens the dashboard logged in
    #[command(after_help = "Example:\n  annals open")]
    Open(OpenArgs),
    /// Rebuild the views and the index of a stopped server from its log
    #[command(after_help = "Example:\n  annals rebuild --data ./annals-data")]
    Rebuild(RebuildArgs),
    /// Show the event types that Annals knows, and compare catalogs
    #[command(
        after_help = "Examples:\n  annals catalog\n  annals catalog list --category tool\n  \
        annals catalog show tool.invoked\n  annals catalog schema --shape hive > hive.schema.json\n  \
        annals catalog diff ./old-catalog\n\n\
        Exit codes of diff: 0 the same or additive, 1 breaking, 2 could not tell."
    )]
    Catalog(CatalogArgs),
    /// Try, test and start the policies that decide what agents may do
    #[command(after_help = "Examples:\n  annals policy eval --command 'rm -rf src'\n  \
        annals policy show --out ./my-policy\n  annals policy test ./my-policy")]
    Policy(crate::policy::PolicyArgs),
    /// Watch agents at work on a throw-away server
    #[command(after_help = "Examples:\n  annals demo\n  annals demo --seed 7 --speed 5 --runs 8")]
    Demo(DemoArgs),
    /// Make events of agents at work, from a seed, in any format, for a file or a server
    #[command(
        after_help = "Examples:\n  annals simulate --scenario code_review > review.ndjson\n  \
        annals simulate --count 1000 --dialect kernel | gzip > kernel.ndjson.gz\n  \
        annals simulate --url http://127.0.0.1:7171 --rate 50 --endless\n\n\
        What a format has no form for is left out, and the last line says how much that was; hive, \
        native, agentos and cloudevents leave out nothing, envelope and otlp have a form for none of it.\n\
        Exit codes: 0 all taken, also when Ctrl-C ended it, 1 some were refused, 2 could not go on."
    )]
    Simulate(SimulateArgs),
}

/// Flags of `annals serve`.
#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// Directory that holds the log [default: the platform's data directory]
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Address to listen on; port 0 picks one [default: 127.0.0.1:7171]
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) listen: Option<SocketAddr>,
    #[command(flatten)]
    pub(crate) otlp: OtlpArgs,
    /// TOML file whose keys are these flags; a flag wins over the file
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// When an append is answered: after a sync to disk, or once the operating system has it
    #[arg(long, value_name = "MODE")]
    pub(crate) durability: Option<DurabilityArg>,
    /// How the log of the server itself is written to standard error [default: json]
    #[arg(long, value_name = "FORMAT")]
    pub(crate) log_format: Option<LogFormat>,
    /// What it tells: error, warn, info, debug, trace, or a filter such as annals_server=debug [default: info]
    #[arg(long, value_name = "FILTER")]
    pub(crate) log_level: Option<String>,
    /// Another host name by which clients may reach this server; repeatable
    #[arg(long = "allow-host", value_name = "NAME")]
    pub(crate) allow_hosts: Vec<String>,
    /// Listen beyond this machine without TLS: everybody on the way can read tokens and events
    #[arg(long)]
    pub(crate) allow_plaintext: bool,
    /// Bytes of a segment file
    #[arg(long, value_name = "BYTES", hide = true)]
    pub(crate) segment_bytes: Option<u64>,
}

/// Where OpenTelemetry's exporters find the server without being told.
#[derive(Debug, Default, Args)]
pub(crate) struct OtlpArgs {
    /// Take in OTLP at 127.0.0.1:4317 (gRPC) and 127.0.0.1:4318 (HTTP) too; the main address always takes both
    #[arg(long)]
    pub(crate) otlp: bool,
    /// Another address than 127.0.0.1:4317; implies --otlp
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) otlp_grpc: Option<SocketAddr>,
    /// Another address than 127.0.0.1:4318; implies --otlp
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) otlp_http: Option<SocketAddr>,
}

/// When an append counts as kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum DurabilityArg {
    /// After a successful fdatasync (the default)
    Sync,
    /// After the operating system took it; a power failure may lose it
    Os,
}

/// How the server's own log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum LogFormat {
    /// One JSON object a line
    Json,
    /// Text for people
    Text,
}

/// How to reach a server.
#[derive(Debug, Clone, Args)]
pub(crate) struct ServerArgs {
    /// The server's address [default: http://127.0.0.1:7171]
    #[arg(long, env = "ANNALS_URL", value_name = "URL")]
    pub(crate) url: Option<String>,
    /// The token to use [default: the owner token of the data directory]
    #[arg(long, env = "ANNALS_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    pub(crate) token: Option<String>,
    /// The server's data directory, for its owner token [default: the platform's data directory]
    #[arg(long = "data", visible_alias = "data-dir", value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
}

/// How `annals append` reaches a server: there, `--data` is the payload.
#[derive(Debug, Clone, Args)]
pub(crate) struct AppendServerArgs {
    /// The server's address [default: http://127.0.0.1:7171]
    #[arg(long, env = "ANNALS_URL", value_name = "URL")]
    pub(crate) url: Option<String>,
    /// The token to use [default: the owner token of the data directory]
    #[arg(long, env = "ANNALS_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    pub(crate) token: Option<String>,
    /// The server's data directory, for its owner token [default: the platform's data directory]
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
}

impl From<AppendServerArgs> for ServerArgs {
    fn from(args: AppendServerArgs) -> Self {
        Self { url: args.url, token: args.token, data_dir: args.data_dir }
    }
}

/// Flags of `annals append`.
#[derive(Debug, Args)]
pub(crate) struct AppendArgs {
    /// Events as JSON (one, an array, {"events": [...]}) or one a line; - is standard input
    #[arg(value_name = "FILE", conflicts_with = "event_type")]
    pub(crate) file: Option<PathBuf>,
    /// The file holds documents of this format (agentos, hive, kernel or envelope): send them to its door
    #[arg(long, value_name = "FORMAT", requires = "file", conflicts_with = "expected_seq")]
    pub(crate) door: Option<String>,
    /// Append one event of this type, made from the flags below
    #[arg(long = "type", value_name = "TYPE", requires = "stream")]
    pub(crate) event_type: Option<String>,
    /// Its stream
    #[arg(long, value_name = "TYPE/ID", requires = "event_type")]
    pub(crate) stream: Option<String>,
    /// Who did it: user/ID, agent/ID or service/ID [default: user/ and your login name]
    #[arg(long, value_name = "KIND/ID", requires = "event_type")]
    pub(crate) actor: Option<String>,
    /// Its payload as JSON [default: null]
    #[arg(long = "data", value_name = "JSON", requires = "event_type")]
    pub(crate) payload: Option<String>,
    /// The run it is part of [default: the stream's id if the stream is a run]
    #[arg(long, value_name = "RUN_ID", requires = "event_type")]
    pub(crate) run: Option<String>,
    /// Your own name for this append: a second one with it stores nothing
    #[arg(long, value_name = "KEY", requires = "event_type")]
    pub(crate) idempotency_key: Option<String>,
    /// Refuse unless this is the last seq of the stream; 0: the stream must be new
    #[arg(long, value_name = "SEQ")]
    pub(crate) expected_seq: Option<u64>,
    /// Store all events or none
    #[arg(long)]
    pub(crate) atomic: bool,
    /// Print each receipt or problem as JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) server: AppendServerArgs,
}

/// Flags of `annals tail`.
#[derive(Debug, Args)]
pub(crate) struct TailArgs {
    /// Print each event as JSON, one a line
    #[arg(long)]
    pub(crate) json: bool,
    /// Only this stream
    #[arg(long, value_name = "TYPE/ID")]
    pub(crate) stream: Option<String>,
    /// Only this type; tool.* is all that begin with tool.; repeatable
    #[arg(long = "type", value_name = "TYPE")]
    pub(crate) event_types: Vec<String>,
    /// Only this run
    #[arg(long, value_name = "RUN_ID")]
    pub(crate) run: Option<String>,
    /// Start with this position, or with this seq of the stream [default: the next new event]
    #[arg(long, value_name = "N")]
    pub(crate) from: Option<u64>,
    /// Stop after this many events
    #[arg(long, short = 'n', value_name = "COUNT")]
    pub(crate) limit: Option<u64>,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

/// Flags of `annals import`.
#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// Files, or directories to look through
    #[arg(value_name = "PATH", required = true)]
    pub(crate) paths: Vec<PathBuf>,
    /// Read and count, send nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Print the totals of each file, and of all in the last line, as JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

/// Flags of `annals verify`.
#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// An evidence file, as `annals export` writes it
    #[arg(value_name = "FILE", conflicts_with_all = ["data", "from"])]
    pub(crate) file: Option<PathBuf>,
    /// A data directory of a stopped server, or a backup, instead of a running server; nothing in it is changed
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// A running server [default: http://127.0.0.1:7171]
    #[arg(long, env = "ANNALS_URL", value_name = "URL")]
    pub(crate) url: Option<String>,
    /// The token to use; it needs the rights read and verify [default: the owner token]
    #[arg(long, env = "ANNALS_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    pub(crate) token: Option<String>,
    /// The running server's data directory, for its owner token [default: the platform's data directory]
    #[arg(long = "owner-of", value_name = "DIR")]
    pub(crate) owner_of: Option<PathBuf>,
    /// Look only at records from this position on; the tree is always looked at as a whole
    #[arg(long, value_name = "POSITION", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) from: u64,
    /// Say whether this witness has cosigned, by its verifier key; repeatable
    #[arg(long = "witness", value_name = "KEY")]
    pub(crate) witnesses: Vec<String>,
    /// Neither use nor keep what is remembered of the log's earlier checkpoints
    #[arg(long)]
    pub(crate) no_memory: bool,
    /// Print the verdict as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Flags of `annals export`.
#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    #[command(subcommand)]
    pub(crate) command: ExportCommand,
}

/// What to export.
#[derive(Debug, Subcommand)]
pub(crate) enum ExportCommand {
    /// Export a run with proofs for every event
    Run(ExportRunArgs),
}

/// Flags of `annals export run`.
#[derive(Debug, Args)]
pub(crate) struct ExportRunArgs {
    /// The run
    #[arg(value_name = "RUN_ID")]
    pub(crate) run_id: String,
    /// The file to write
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// Include this event as its hash only; repeatable
    #[arg(long, value_name = "EVENT_ID")]
    pub(crate) hash_only: Vec<String>,
    /// Include events of this type as their hashes only; tool.* is all that begin with tool.; repeatable
    #[arg(long, value_name = "TYPE")]
    pub(crate) hash_only_type: Vec<String>,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

/// Flags of `annals redact`.
#[derive(Debug, Args)]
pub(crate) struct RedactArgs {
    /// The event
    #[arg(value_name = "EVENT_ID")]
    pub(crate) event_id: String,
    /// Why; kept on the log
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: String,
    /// What readers see as its data from then on, as JSON [default: null]
    #[arg(long, value_name = "JSON", conflicts_with = "backup")]
    pub(crate) replace: Option<String>,
    /// The event's workspace [default: the token's own]
    #[arg(long, value_name = "ID", conflicts_with = "backup")]
    pub(crate) workspace: Option<String>,
    /// Erase it in this backup instead of on a server
    #[arg(long = "in", value_name = "BACKUP")]
    pub(crate) backup: Option<PathBuf>,
    /// Print the receipt as JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

/// Flags of `annals backup`.
#[derive(Debug, Args)]
pub(crate) struct BackupArgs {
    /// The directory to write; one that holds a backup of the same log is brought up to date
    #[arg(value_name = "DIR")]
    pub(crate) dir: PathBuf,
    /// Print what was copied as JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

/// Flags of `annals restore`.
#[derive(Debug, Args)]
pub(crate) struct RestoreArgs {
    /// The backup
    #[arg(value_name = "BACKUP")]
    pub(crate) backup: PathBuf,
    /// The data directory to make; it must be empty or not there
    #[arg(long, value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// Restore a copy that lacks events which its log has signed; they are gone
    #[arg(long)]
    pub(crate) accept_loss: bool,
}

/// Flags of `annals key`.
#[derive(Debug, Args)]
pub(crate) struct KeyArgs {
    #[command(subcommand)]
    pub(crate) command: KeyCommand,
}

/// What to do with the log's key.
#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Print the keys, the present one first
    Show(KeyShowArgs),
    /// Make a new key sign from now on
    Rotate(KeyRotateArgs),
}

/// Flags of `annals key show`.
#[derive(Debug, Args)]
pub(crate) struct KeyShowArgs {
    /// Read them from this data directory or backup, without a server
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Ask this server instead [default: http://127.0.0.1:7171]
    #[arg(long, env = "ANNALS_URL", value_name = "URL")]
    pub(crate) url: Option<String>,
    /// The token to use; it needs the right verify [default: the owner token]
    #[arg(long, env = "ANNALS_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    pub(crate) token: Option<String>,
    /// The server's data directory, for its owner token [default: the platform's data directory]
    #[arg(long = "owner-of", value_name = "DIR")]
    pub(crate) owner_of: Option<PathBuf>,
}

/// Flags of `annals key rotate`.
#[derive(Debug, Args)]
pub(crate) struct KeyRotateArgs {
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

/// Flags of `annals token`.
#[derive(Debug, Args)]
pub(crate) struct TokenArgs {
    #[command(subcommand)]
    pub(crate) command: TokenCommand,
}

/// What to do with tokens.
#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Make a token and print it, this once
    Create(TokenCreateArgs),
    /// List the tokens of the workspace, without their secrets
    List(TokenListArgs),
    /// End a token at once
    Revoke(TokenRevokeArgs),
}

/// Flags of `annals token create`.
#[derive(Debug, Args)]
pub(crate) struct TokenCreateArgs {
    /// The workspace it opens; it comes to be by its first token
    #[arg(long, value_name = "ID")]
    pub(crate) workspace: String,
    /// What it may do: append, read, verify
    #[arg(long, value_name = "RIGHTS", value_delimiter = ',', required = true)]
    pub(crate) rights: Vec<String>,
    /// How long it lives, such as 12h or 30d [default: 90d]
    #[arg(long, value_name = "DURATION")]
    pub(crate) expires: Option<String>,
    /// A name for people
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Print all of it as JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

/// Flags of `annals token list`.
#[derive(Debug, Args)]
pub(crate) struct TokenListArgs {
    /// Print it as JSON, one token a line
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

/// Flags of `annals token revoke`.
#[derive(Debug, Args)]
pub(crate) struct TokenRevokeArgs {
    /// The token's public part, as `annals token list` shows it
    #[arg(value_name = "TOKEN_ID")]
    pub(crate) token_id: String,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

/// Flags of `annals open`.
#[derive(Debug, Args)]
pub(crate) struct OpenArgs {
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

/// Flags of `annals rebuild`.
#[derive(Debug, Args)]
pub(crate) struct RebuildArgs {
    /// The stopped server's data directory [default: the platform's data directory]
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
}

/// Flags of `annals demo`.
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// The same seed plays the same story [default: a random one]
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// How much faster than life it goes
    #[arg(long, value_name = "X", default_value_t = 1.0, value_parser = speed)]
    pub(crate) speed: f64,
    /// Runs that go on at the same time
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=500))]
    pub(crate) runs: u16,
    /// Port to listen on [default: 7171, or a free one if that is taken]
    #[arg(long, value_name = "PORT")]
    pub(crate) port: Option<u16>,
}

fn speed(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(speed) if (0.01..=1000.0).contains(&speed) => Ok(speed),
        _ => Err("a number from 0.01 to 1000".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn every_command_shows_an_example() {
        for command in CommandLine::command().get_subcommands() {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(
                help.contains(&format!("annals {}", command.get_name())),
                "{}",
                command.get_name()
            );
        }
    }
}
