//! The `annals` command: reads the command line, runs one command, says how it went.
//!
//! Exit codes are 0 for yes, 1 for no, 2 for "could not tell" (the server is away, a file cannot be
//! read, the command line makes no sense). What a command does is in the module of its name.

mod args;
mod output;

mod connect;
mod data_dir;
mod failure;

mod rebuild;
mod serve;

mod append;
mod import;
mod tail;

mod backup;
mod export;
mod key;
mod redact;
mod restore;
mod settings;
mod verify;

mod catalog;
mod hook;
mod policy;

mod open;
mod token;

mod demo;
mod simulate;

use std::process::ExitCode;

use clap::Parser as _;

use crate::args::{Command, CommandLine};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let command_line = CommandLine::parse();
    // The one TLS provider of the process; an error would mean that there is one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    match run(command_line.command) {
        Ok(code) => code,
        Err(error) => failure::report(&error),
    }
}

fn run(command: Command) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let code = runtime.block_on(async {
        match command {
            Command::Serve(args) => serve::run(args).await,
            Command::Append(args) => append::run(args).await,
            Command::Tail(args) => tail::run(args).await,
            Command::Import(args) => import::run(args).await,
            Command::Verify(args) => verify::run(args).await,
            Command::Export(args) => export::run(args).await,
            Command::Redact(args) => redact::run(args).await,
            Command::Backup(args) => backup::run(args).await,
            Command::Restore(args) => restore::run(&args),
            Command::Key(args) => key::run(args).await,
            Command::Hook(args) => hook::run(args).await,
            Command::Settings(args) => settings::run(args).await,
            Command::Token(args) => token::run(args).await,
            Command::Open(args) => open::run(args).await,
            Command::Rebuild(args) => rebuild::run(&args).await,
            Command::Catalog(args) => catalog::run(args),
            Command::Policy(args) => policy::run(&args),
            Command::Demo(args) => demo::run(args).await,
            Command::Simulate(args) => simulate::run(args).await,
        }
    });
    // A reader thread may still wait for standard input; nothing else is left to wait for.
    runtime.shutdown_background();
    code
}
