//! Owns the pages of results: the head with the machine, and one section a row.
//!
//! INVARIANT (a run replaces what it measured): sections of rows that a run did not measure stay as
//! they are, each with the line that says when and on which commit it was measured.

use std::process::Command;
use std::time::Duration;

use crate::peers;
use crate::process::output;
use crate::row::Plan;

const UNKNOWN: &str = "unknown";

/// What the figures hang on.
#[derive(Debug)]
pub struct Run {
    head: String,
    line: String,
}

impl Run {
    /// Looks the machine and the versions over.
    pub fn survey(plan: &Plan, sync_median: Duration, postgres_version: &str) -> Self {
        let directory = plan.directory.display().to_string();
        let filesystem = run("df", &["--output=fstype", &directory]);
        let commit = run("git", &["rev-parse", "--short", "HEAD"]);
        let changed = run("git", &["status", "--porcelain", "--untracked-files=no", "../crates"]);
        let is_clean = changed.is_empty() || changed == UNKNOWN;
        let changed = if is_clean { "" } else { " with uncommitted changes" };
        let sync_ms = sync_median.as_secs_f64() * 1e3;
        let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let processor =
            format!("{} × {}", run("nproc", &[]), first_field("/proc/cpuinfo", "model name"));
        let lines = [
            ("processor", processor),
            ("memory", first_field("/proc/meminfo", "MemTotal")),
            ("kernel", run("uname", &["-sr"])),
            ("disk", filesystem.lines().last().unwrap_or(UNKNOWN).to_owned()),
            ("rustc", run("rustc", &["--version"])),
            ("redis", run("redis-server", &["--version"])),
            ("postgres", postgres_version.to_owned()),
            ("durable-streams", peers::version(peers::DURABLE_STREAMS)),
            ("nats-server", peers::version(peers::NATS)),
        ];
        let table = lines.map(|(name, value)| format!("| {name} | {value} |\n")).concat();
        Self {
            head: format!("{HEAD}{table}\n"),
            line: format!(
                "*Measured {}; commit {commit}{changed}, release profile; {} rounds, in each every contestant once, in turns; a 4 KiB write and fdatasync took {sync_ms:.2} ms (median of 500); load average before it: {}.*",
                run("date", &["-u", "+%Y-%m-%d %H:%M UTC"]),
                plan.rounds,
                load.split(' ').next().unwrap_or(UNKNOWN),
            ),
        }
    }

    /// Puts the line of this run below the heading of a section.
    pub fn sign(&self, section: &str) -> String {
        match section.split_once("\n\n") {
            Some((heading, rest)) => format!("{heading}\n\n{}\n\n{rest}", self.line),
            None => section.to_owned(),
        }
    }

    /// The page: these sections, and those of `old` that this run did not measure.
    pub fn page(&self, old: &str, measured: &[(&str, String)]) -> String {
        let mut sections: Vec<(String, String)> = sections(old)
            .filter(|(key, _)| measured.iter().all(|(measured, _)| measured != key))
            .collect();
        sections.extend(measured.iter().map(|(key, text)| ((*key).to_owned(), text.clone())));
        sections.sort();
        let sections: String =
            sections.into_iter().map(|(_, text)| format!("{}\n\n", text.trim_end())).collect();
        format!("{}{}\n", self.head, sections.trim_end())
    }
}

const HEAD: &str = "\
# Results

Written by `make bench`; do not edit.
A run replaces the sections of the rows that it measured; each says when that was.
Absolute figures drift with the machine (an fdatasync here takes anything from 0.1 to 4 ms):
only ratios within one run mean something.
In rows a to d every contestant stores events of 600 bytes, spread over 64 streams, through the same
single-threaded client, on the same disk, and answers only after the bytes were synced (one side that
does not is named so). All store the same total, but for sides so slow that they get a smaller one.
Processor time is in seconds per million events; for Annals the last column says which threads took it.

| | |
|---|---|
";

/// The sections of a page by the letters of their rows.
fn sections(page: &str) -> impl Iterator<Item = (String, String)> + '_ {
    page.split("\n## ").skip(1).filter_map(|text| {
        let (key, _) = text.split_once(". ")?;
        Some((key.to_owned(), format!("## {text}")))
    })
}

fn run(program: &str, arguments: &[&str]) -> String {
    output(Command::new(program).args(arguments)).unwrap_or_else(|_| UNKNOWN.to_owned())
}

fn first_field(path: &str, name: &str) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines()
        .find_map(|line| line.strip_prefix(name)?.split_once(':'))
        .map_or_else(|| UNKNOWN.to_owned(), |(_, value)| value.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_of_one_row_leaves_the_others_as_they_were() {
        let run = Run { head: "# Results\n\n".to_owned(), line: "*now*".to_owned() };
        let old =
            "# Results\n\nold head\n\n## a. one\n\n*then*\n\nfigures\n\n## c. three\n\n*then*\n";
        let section = run.sign("## b. two\n\nfresh figures\n");
        let page = run.page(old, &[("b", section)]);
        let wanted = "# Results\n\n## a. one\n\n*then*\n\nfigures\n\n## b. two\n\n*now*\n\nfresh figures\n\n## c. three\n\n*then*\n";
        assert_eq!(page, wanted);
        let again = run.page(&page, &[("c", run.sign("## c. three\n\nfresh\n"))]);
        assert!(again.ends_with("## c. three\n\n*now*\n\nfresh\n"), "{again}");
    }
}
