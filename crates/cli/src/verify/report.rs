//! How a verification is told: what was looked at, what not, and the first thing that is wrong.
//!
//! With `--json` standard output is one object whose members stay as they are.

use std::process::ExitCode;
use std::time::Duration;

use annals_sdk::verify::{Check, CheckResult, LogFault};
use indicatif::{ProgressBar, ProgressStyle};
use owo_colors::OwoColorize as _;
use serde::Serialize;

use crate::failure::NO;
use crate::output;

/// Whether it is sound, as far as the checks go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Verdict {
    /// Nothing is wrong in what was looked at.
    Valid,
    /// Something is wrong.
    Invalid,
}

/// The first thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Fault {
    pub(super) kind: String,
    pub(super) position: Option<u64>,
    pub(super) stream: Option<String>,
    pub(super) seq: Option<u64>,
    pub(super) event_id: Option<String>,
    pub(super) message: String,
}

impl From<&LogFault> for Fault {
    fn from(fault: &LogFault) -> Self {
        Self {
            kind: fault.kind.as_str().to_owned(),
            position: fault.position,
            stream: fault.stream.clone(),
            seq: fault.seq,
            event_id: fault.event_id.clone(),
            message: fault.message.clone(),
        }
    }
}

impl Fault {
    /// Of the log as a whole.
    pub(super) fn of_log(kind: &str, message: String) -> Self {
        let kind = kind.to_owned();
        Self { kind, position: None, stream: None, seq: None, event_id: None, message }
    }
}

/// One check, as it is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct CheckLine {
    pub(super) name: String,
    pub(super) result: &'static str,
    pub(super) detail: String,
}

impl CheckLine {
    pub(super) fn passed(name: &str, detail: impl Into<String>) -> Self {
        Self { name: name.to_owned(), result: "passed", detail: detail.into() }
    }

    pub(super) fn not_checked(name: &str, detail: impl Into<String>) -> Self {
        Self { name: name.to_owned(), result: "not_checked", detail: detail.into() }
    }
}

impl From<&Check> for CheckLine {
    fn from(check: &Check) -> Self {
        match check.result {
            CheckResult::Passed => Self::passed(check.name.as_str(), &check.detail),
            CheckResult::NotChecked => Self::not_checked(check.name.as_str(), &check.detail),
        }
    }
}

/// What a verification found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct VerifyReport {
    pub(super) verdict: Verdict,
    /// The directory, address or file.
    pub(super) target: String,
    pub(super) log_id: Option<String>,
    pub(super) origin: Option<String>,
    /// Leaves of the signed tree, and its root.
    pub(super) size: Option<u64>,
    pub(super) root_hash: Option<String>,
    pub(super) events_checked: u64,
    pub(super) bodies_checked: u64,
    pub(super) bodies_withheld: u64,
    pub(super) checks: Vec<CheckLine>,
    pub(super) fault: Option<Fault>,
}

impl VerifyReport {
    /// A report of something wrong, with nothing else in it.
    pub(super) fn invalid(target: String, fault: Fault) -> Self {
        Self {
            verdict: Verdict::Invalid,
            target,
            log_id: None,
            origin: None,
            size: None,
            root_hash: None,
            events_checked: 0,
            bodies_checked: 0,
            bodies_withheld: 0,
            checks: Vec::new(),
            fault: Some(fault),
        }
    }

    /// What a script goes by, whether or not anybody reads the rest.
    pub(super) fn exit_code(&self) -> ExitCode {
        match self.verdict {
            Verdict::Valid => ExitCode::SUCCESS,
            Verdict::Invalid => ExitCode::from(NO),
        }
    }

    /// Prints it.
    pub(super) fn tell(&self, is_json: bool) -> anyhow::Result<()> {
        if is_json {
            return Ok(output::line(serde_json::to_string(self)?)?);
        }
        self.tell_person()
    }

    fn tell_person(&self) -> anyhow::Result<()> {
        if let (Some(origin), Some(size), Some(root)) = (&self.origin, self.size, &self.root_hash) {
            output::line(format_args!("{}  {size} events  root {root}", output::plain(origin)))?;
        }
        for check in &self.checks {
            let detail = output::plain(&check.detail);
            match check.result {
                "passed" => {
                    output::line(format_args!("  {} {:<12} {detail}", "✓".green(), check.name))?;
                }
                _ => output::line(format_args!(
                    "  {} {:<12} {} {detail}",
                    "–".yellow(),
                    check.name,
                    "not checked:".yellow()
                ))?,
            }
        }
        match &self.fault {
            Some(fault) => output::line(format_args!(
                "{} {}",
                "INVALID:".red().bold(),
                output::plain(&fault.message)
            ))?,
            None => output::line(format_args!("{} {}", "valid:".green().bold(), self.summary()))?,
        }
        Ok(())
    }

    /// One sentence that says no more than was checked.
    fn summary(&self) -> String {
        if self.events_checked == 0 && self.size.is_some_and(|size| size > 0) {
            return "the tree is the signed one; no event was looked at".to_owned();
        }
        let skipped = self.checks.iter().filter(|check| check.result != "passed").count();
        let Self { events_checked, bodies_checked, .. } = self;
        let mut text = format!(
            "{} and {} are as they were kept",
            counted(*events_checked, "event", "events"),
            counted(*bodies_checked, "body", "bodies")
        );
        if self.bodies_withheld > 0 {
            let bodies = counted(self.bodies_withheld, "body is", "bodies are");
            text.push_str(&format!(", {bodies} withheld or erased"));
        }
        if skipped > 0 {
            let things = counted(skipped as u64, "thing", "things");
            text.push_str(&format!("; {things} above not checked"));
        }
        text
    }
}

pub(super) fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// A bar on a terminal, and nothing elsewhere.
pub(crate) fn progress_bar(total: u64, message: &'static str) -> ProgressBar {
    if !output::notes_are_seen() {
        return ProgressBar::hidden();
    }
    let template = "{msg:<10} {wide_bar} {human_pos}/{human_len} {per_sec} {eta}";
    let style = ProgressStyle::with_template(template);
    let bar = ProgressBar::new(total).with_message(message);
    bar.enable_steady_tick(Duration::from_millis(200));
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
