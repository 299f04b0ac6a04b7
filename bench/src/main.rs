//! Owns the order of a benchmark run: survey the machine, measure the rows, write `RESULTS.md`.
//!
//! Run by `make bench`, which builds the release binary first. `--quick` takes one short round, to see
//! that everything works; its figures mean nothing and go to the terminal instead.

mod annals;
mod contestants;
mod floor;
mod http;
mod load;
mod nothing;
mod postgres;
mod process;
mod redis;
mod report;
mod row;
mod rows;
mod sample;
mod store;

use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::report::Machine;
use crate::row::Plan;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        [nothing::SUBCOMMAND, address, events, bytes] => {
            nothing::serve(address.parse()?, events.parse()?, bytes.parse()?)
        }
        ["--quick", keys @ ..] => run(true, keys),
        keys => run(false, keys),
    }
}

/// Measures the named rows, or all.
fn run(quick: bool, keys: &[&str]) -> Result<()> {
    if let Some(unknown) = keys.iter().find(|key| !rows::KEYS.contains(key)) {
        bail!("no row {unknown}; there are {}", rows::KEYS.join(", "));
    }
    let plan = Plan {
        rounds: if quick { 1 } else { 3 },
        turn: Duration::from_millis(if quick { 500 } else { 6_000 }),
        directory: fresh_directory()?,
    };
    let outcome = measure(&plan, keys).and_then(|page| publish(quick, keys, &page));
    std::fs::remove_dir_all(&plan.directory).context("removing the benchmark's directory")?;
    outcome
}

fn measure(plan: &Plan, keys: &[&str]) -> Result<String> {
    let machine = Machine::survey(plan, floor::sync_median(&plan.directory)?, postgres::version()?);
    let mut measured = Vec::new();
    for key in rows::KEYS {
        if keys.is_empty() || keys.contains(&key) {
            measured.push(rows::measure(plan, key)?);
        }
    }
    Ok(report::render(&machine, plan, &measured))
}

/// Only a full run replaces the committed page.
fn publish(quick: bool, keys: &[&str], page: &str) -> Result<()> {
    println!("{page}");
    if !quick && keys.is_empty() {
        std::fs::write("RESULTS.md", page)?;
        row::say("wrote bench/RESULTS.md");
    }
    Ok(())
}

/// A directory on a disk that other users may enter: `/tmp` is memory on many machines, where a sync
/// costs nothing and proves nothing.
fn fresh_directory() -> Result<std::path::PathBuf> {
    let parent =
        std::env::var_os("BENCH_DIR").map_or_else(|| "/var/tmp".into(), std::path::PathBuf::from);
    let directory = parent.join(format!("annals-bench-{}", std::process::id()));
    std::fs::create_dir_all(&directory)?;
    Ok(directory)
}
