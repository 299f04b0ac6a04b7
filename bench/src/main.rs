//! Owns the order of a benchmark run: survey the machine, measure the rows, write `RESULTS.md`.
//!
//! Run by `make bench`, which builds the release binary first. Without arguments all rows are measured;
//! letters choose some, whose sections alone are then replaced. `--quick` takes one short round, to see
//! that everything works; its figures mean nothing and go to the terminal only.

mod annals;
mod big;
mod cold;
mod contestants;
mod door;
mod doors;
mod durable;
mod figures;
mod floor;
mod http;
mod load;
mod msgpack;
mod nats;
mod nothing;
mod otlp;
mod page;
mod peers;
mod postgres;
mod process;
mod redis;
mod report;
mod row;
mod rows;
mod sample;
mod store;
mod tails;

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::figures::Figures;
use crate::page::Run;
use crate::row::{Plan, Row, say};

/// The letters are those of the design's table of speed. Row e is the floor in b and d; row j comes
/// with the hook. Row n, the doors, is not in that table.
const KEYS: [&str; 12] = ["a", "b", "c", "d", "f", "g", "h", "i", "k", "l", "m", "n"];

/// The rendered sections of a run by their letters.
type Sections = Vec<(&'static str, String)>;

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

/// Measures the named rows; all of them when none or `all` is named.
fn run(quick: bool, keys: &[&str]) -> Result<()> {
    let keys = if keys.is_empty() || keys == ["all"] { &KEYS[..] } else { keys };
    if let Some(unknown) = keys.iter().find(|key| !KEYS.contains(key)) {
        bail!("no row {unknown}; there are {}", KEYS.join(", "));
    }
    say(&format!("rows {}", keys.join(", ")));
    let plan = plan(quick)?;
    let start = Instant::now();
    let outcome = measure(&plan, keys, quick);
    std::fs::remove_dir_all(&plan.directory).context("removing the benchmark's directory")?;
    say(&format!("{:.0} s for rows {}", start.elapsed().as_secs_f64(), keys.join(", ")));
    outcome
}

fn plan(quick: bool) -> Result<Plan> {
    let asked = std::env::var("BENCH_EVENTS").ok().map(|text| text.parse()).transpose();
    let asked = asked.context("BENCH_EVENTS is no number")?;
    Ok(Plan {
        rounds: if quick { 1 } else { 3 },
        turn: Duration::from_millis(if quick { 500 } else { 4_000 }),
        directory: fresh_directory()?,
        big_events: asked.or(quick.then_some(200_000)),
    })
}

/// Publishes what was measured, also when a later row cannot be.
fn measure(plan: &Plan, keys: &[&str], quick: bool) -> Result<()> {
    let run = Run::survey(plan, floor::sync_median(&plan.directory)?, &postgres::version()?);
    let mut sections = Sections::new();
    let measured = measure_into(plan, keys, &mut sections);
    sections.retain(|(key, _)| keys.contains(key));
    for (_, section) in &mut sections {
        *section = run.sign(section);
    }
    publish(&run, quick, &sections)?;
    measured
}

fn measure_into(plan: &Plan, keys: &[&str], sections: &mut Sections) -> Result<()> {
    for key in KEYS.into_iter().filter(|key| keys.contains(key)) {
        // Rows that share a server are measured together, with the first of them.
        if sections.iter().all(|(measured, _)| *measured != key) {
            sections.extend(row(plan, key).with_context(|| format!("row {key}"))?);
        }
    }
    Ok(())
}

fn row(plan: &Plan, key: &str) -> Result<Sections> {
    let comparison = |row: Row| vec![(row.key, report::render(&row))];
    let figures = |rows: Vec<Figures>| -> Sections {
        rows.iter().map(|row| (row.key, figures::render(row))).collect()
    };
    match key {
        "a" => rows::store_alone(plan).map(comparison),
        "b" => rows::batches(plan).map(comparison),
        "c" => rows::batches_with_everything(plan).map(comparison),
        "d" => rows::one_event_a_request(plan).map(comparison),
        "f" | "g" => tails::measure(plan).map(figures),
        "h" | "i" | "l" => big::measure(plan).map(figures),
        "k" => Ok(figures(vec![msgpack::measure(plan)?])),
        "m" => Ok(figures(vec![cold::measure(plan)?])),
        "n" => doors::measure_doors(plan).map(comparison),
        _ => bail!("no row {key}"),
    }
}

/// A quick run's figures mean nothing, so they are not kept.
fn publish(run: &Run, quick: bool, sections: &[(&str, String)]) -> Result<()> {
    if quick {
        println!("{}", run.page("", sections));
        return Ok(());
    }
    let old = std::fs::read_to_string("RESULTS.md").unwrap_or_default();
    std::fs::write("RESULTS.md", run.page(&old, sections))?;
    let keys: Vec<&str> = sections.iter().map(|(key, _)| *key).collect();
    say(&format!("wrote rows {} to bench/RESULTS.md", keys.join(", ")));
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
