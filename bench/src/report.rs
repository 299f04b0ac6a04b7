//! Owns `RESULTS.md`: what was measured, on what, with which settings, as medians and ratios.

use std::fmt::Write;
use std::process::Command;
use std::time::Duration;

use crate::process::output;
use crate::row::{Aim, Outcome, Plan, Row};

/// What the figures hang on.
#[derive(Debug)]
pub struct Machine {
    pub lines: Vec<(&'static str, String)>,
}

impl Machine {
    /// Looks the machine and the versions over.
    pub fn survey(plan: &Plan, sync_median: Duration, postgres_version: String) -> Self {
        let run = |program: &str, arguments: &[&str]| {
            output(Command::new(program).args(arguments)).unwrap_or_else(|_| "unknown".to_owned())
        };
        let directory = plan.directory.display().to_string();
        let filesystem = run("df", &["--output=fstype", &directory]);
        let commit = run("git", &["rev-parse", "--short", "HEAD"]);
        Self {
            lines: vec![
                ("date", run("date", &["-u", "+%Y-%m-%d %H:%M UTC"])),
                (
                    "processor",
                    format!(
                        "{} × {}",
                        run("nproc", &[]),
                        first_field("/proc/cpuinfo", "model name")
                    ),
                ),
                ("memory", first_field("/proc/meminfo", "MemTotal")),
                ("kernel", run("uname", &["-sr"])),
                (
                    "disk",
                    format!(
                        "{}; a 4 KiB write and fdatasync takes {:.2} ms (median of 500)",
                        filesystem.lines().last().unwrap_or("unknown"),
                        sync_median.as_secs_f64() * 1e3
                    ),
                ),
                ("annals", format!("commit {commit}, release profile")),
                ("rustc", run("rustc", &["--version"])),
                ("redis", run("redis-server", &["--version"])),
                ("postgres", postgres_version),
            ],
        }
    }
}

fn first_field(path: &str, name: &str) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines()
        .find_map(|line| line.strip_prefix(name)?.split_once(':'))
        .map_or_else(|| "unknown".to_owned(), |(_, value)| value.trim().to_owned())
}

/// Renders the whole page.
pub fn render(machine: &Machine, plan: &Plan, rows: &[Row]) -> String {
    let mut text = String::from(HEAD);
    for (name, value) in &machine.lines {
        let _ = writeln!(text, "| {name} | {value} |");
    }
    let _ = writeln!(
        text,
        "\nThe command was `make bench`: {} rounds, in each round every contestant once, in turns.\n",
        plan.rounds
    );
    for row in rows {
        render_row(&mut text, row);
    }
    text
}

const HEAD: &str = "\
# Results

Written by `make bench`; do not edit.
Absolute figures drift with the machine (an fdatasync here takes anything from 0.1 to 4 ms):
only ratios within one run mean something.
Every contestant stores the same total of events of 600 bytes, spread over 64 streams, through the same
single-threaded client, on the same disk, and answers only after the bytes were synced.
Processor time is in seconds per million events; for Annals the last column says which threads took it.

| | |
|---|---|
";

fn render_row(text: &mut String, row: &Row) {
    let _ = writeln!(
        text,
        "## {}. {}\n\n{}\n{} events a turn.\n",
        row.key, row.title, row.how, row.event_total
    );
    text.push_str("| contestant | events/s, median (min–max) | against the first | request p50 / p99 | memory | processor: server, client | |\n");
    text.push_str("|---|---|---|---|---|---|---|\n");
    let base = row.outcomes.first().map_or(0.0, median_rate);
    for outcome in &row.outcomes {
        render_outcome(text, outcome, base);
    }
    text.push('\n');
    for outcome in &row.outcomes {
        let _ = writeln!(text, "- {}: {}", outcome.name, outcome.settings);
    }
    text.push('\n');
    for aim in &row.aims {
        render_aim(text, row, aim);
    }
}

fn render_outcome(text: &mut String, outcome: &Outcome, base: f64) {
    let mut rates: Vec<f64> = outcome.turns.iter().map(|turn| turn.load.events_per_s()).collect();
    rates.sort_by(f64::total_cmp);
    let median = median_rate(outcome);
    let latency = |per_mille| {
        median_of(outcome.turns.iter().map(|turn| f64::from(turn.load.latency_us(per_mille))))
    };
    let memory = median_of(outcome.turns.iter().map(|turn| turn.server.resident_bytes as f64));
    let per_million = |seconds: f64, events: u64| seconds * 1e6 / events as f64;
    let server = median_of(
        outcome
            .turns
            .iter()
            .map(|turn| per_million(turn.server.processor_s, turn.load.event_count)),
    );
    let client = median_of(
        outcome
            .turns
            .iter()
            .map(|turn| per_million(turn.client_processor_s, turn.load.event_count)),
    );
    let _ = writeln!(
        text,
        "| {} | {:.0} ({:.0}–{:.0}) | {:.2}× | {:.2} / {:.2} ms | {:.0} MiB | {:.1} s, {:.1} s per million | {} |",
        outcome.name,
        median,
        rates.first().copied().unwrap_or(0.0),
        rates.last().copied().unwrap_or(0.0),
        median / base,
        latency(500) / 1e3,
        latency(990) / 1e3,
        memory / f64::from(1 << 20),
        server,
        client,
        remark(outcome),
    );
}

fn remark(outcome: &Outcome) -> String {
    let Some(turn) = outcome.turns.last() else {
        return String::new();
    };
    let mut parts = Vec::new();
    if let Some((lag_events, caught_up)) = turn.view_lag {
        parts.push(format!(
            "views {lag_events} events behind at the end, level {:.1} s later",
            caught_up.as_secs_f64()
        ));
    }
    parts.extend(turn.remark.clone());
    parts.join("; ")
}

fn render_aim(text: &mut String, row: &Row, aim: &Aim) {
    let own = row.outcomes.first().map_or(0.0, median_rate);
    let other = row
        .outcomes
        .iter()
        .find(|outcome| outcome.name == aim.against)
        .map_or(f64::NAN, median_rate);
    let ratio = own / other;
    let verdict = if ratio >= aim.ratio_min { "reached" } else { "not reached" };
    let _ = writeln!(
        text,
        "**{ratio:.2}× {}** — {} asks for ≥ {}×: {verdict}.\n",
        aim.against, aim.whose, aim.ratio_min
    );
}

fn median_rate(outcome: &Outcome) -> f64 {
    median_of(outcome.turns.iter().map(|turn| turn.load.events_per_s()))
}

fn median_of(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}
