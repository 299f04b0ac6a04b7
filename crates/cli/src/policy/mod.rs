//! `annals policy`: try, test and start policies, without a server.
//!
//! What a policy answers is decided in `annals_policy`; here files are read and answers told.

mod check;
mod eval;
mod show;
mod source;
mod test;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};

/// Flags of `annals policy`.
#[derive(Debug, Args)]
pub(crate) struct PolicyArgs {
    #[command(subcommand)]
    command: PolicyCommand,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

/// What to do with a policy.
#[derive(Debug, Subcommand)]
enum PolicyCommand {
    /// Run the test_ rules of a policy
    #[command(
        after_help = "Examples:\n  annals policy test\n  annals policy test ./my-policy --filter rm\n\n\
        Exit codes: 0 all pass, 1 some fail, 2 could not tell (it does not compile, or there is no test)."
    )]
    Test {
        /// The policy's directory [default: the policy that is built in]
        #[arg(value_name = "DIR")]
        dir: Option<PathBuf>,
        /// Only tests whose rule contains this
        #[arg(long, value_name = "TEXT", default_value = "")]
        filter: String,
    },
    /// Say whether files are a policy: syntax, functions that there are, results of the promised shape
    #[command(after_help = "Example:\n  annals policy check ./my-policy extra.rego")]
    Check {
        /// Files of Rego, or directories of them; together they are one policy
        #[arg(value_name = "FILE", required = true)]
        files: Vec<PathBuf>,
    },
    /// Ask a policy about one action
    #[command(after_help = "Examples:\n  annals policy eval --command 'rm -rf src'\n  \
        annals policy eval --tool Read --arguments '{\"file_path\": \"/etc/shadow\"}' --agent gemini-cli\n  \
        annals policy eval --input input.json --policy ./my-policy --json\n\n\
        Exit codes: 0 allow, 1 deny or require_approval, 2 could not tell.")]
    Eval(eval::EvalArgs),
    /// Show the policy that is built in, or write it out to start one's own
    #[command(after_help = "Examples:\n  annals policy show\n  annals policy show shell.rego\n  \
        annals policy show --out ./my-policy")]
    Show {
        /// Print this file
        #[arg(value_name = "FILE", conflicts_with = "out")]
        file: Option<String>,
        /// Write all files, tests included, into this new directory
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
}

pub(crate) fn run(args: &PolicyArgs) -> anyhow::Result<ExitCode> {
    match &args.command {
        PolicyCommand::Test { dir, filter } => test::run(dir.as_deref(), filter, args.json),
        PolicyCommand::Check { files } => check::run(files, args.json),
        PolicyCommand::Eval(eval) => eval::run(eval, args.json),
        PolicyCommand::Show { file, out } => show::run(file.as_deref(), out.as_deref(), args.json),
    }
}
