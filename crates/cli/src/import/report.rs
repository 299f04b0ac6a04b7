//! What an import tells: progress while it runs, faults as they come, totals at the end.
//!
//! With `--json` standard output is a fixed point: one object per file and a last one with
//! `"path": null`. Everything else goes to standard error.

use std::path::{Path, PathBuf};

use annals_core::dialect::transcripts::{DetectError, FaultReason, Format, ImportLine, Totals};
use annals_core::price::PriceTable;
use annals_sdk::wire::ItemProblem;
use indicatif::{ProgressBar, ProgressStyle};

use crate::output;

/// Imports of fewer bytes are over before a bar is read.
const PROGRESS_BYTES_MIN: u64 = 4 << 20;
/// Faults of one file that are told one by one.
const TOLD_FAULTS_MAX: u64 = 20;

/// Whether everything went in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    AllIn,
    SomeLeftOut,
    NothingToDo,
}

/// Events by what became of them.
#[derive(Debug, Default, Clone, Copy)]
struct Fates {
    stored: u64,
    replayed: u64,
    refused: u64,
}

/// The file that is being imported.
#[derive(Debug)]
struct CurrentFile {
    path: PathBuf,
    format: Format,
    fates: Fates,
    fault_count: u64,
}

/// Tells of an import.
#[derive(Debug)]
pub(super) struct Report {
    is_json: bool,
    progress: ProgressBar,
    prices: PriceTable,
    totals: Totals,
    fates: Fates,
    current: Option<CurrentFile>,
    file_count: u64,
    skipped_count: u64,
    left_out: bool,
}

impl Report {
    pub(super) fn new(is_json: bool, byte_count: u64) -> Self {
        let progress = match output::notes_are_seen() && byte_count >= PROGRESS_BYTES_MIN {
            true => ProgressBar::new(byte_count).with_style(style()),
            false => ProgressBar::hidden(),
        };
        Self {
            is_json,
            progress,
            prices: PriceTable::builtin(),
            totals: Totals::default(),
            fates: Fates::default(),
            current: None,
            file_count: 0,
            skipped_count: 0,
            left_out: false,
        }
    }

    pub(super) fn begin(&mut self, path: &Path, format: Format) {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        self.progress.set_message(output::plain(&name.unwrap_or_default()));
        self.current = Some(CurrentFile {
            path: path.to_owned(),
            format,
            fates: Fates::default(),
            fault_count: 0,
        });
    }

    /// So many more bytes are done.
    pub(super) fn passed(&self, byte_count: u64) {
        self.progress.inc(byte_count);
    }

    pub(super) fn stored(&mut self) {
        self.fates().stored += 1;
    }

    pub(super) fn replayed(&mut self) {
        self.fates().replayed += 1;
    }

    pub(super) fn refused(&mut self, path: &Path, line: usize, problem: &ItemProblem) {
        self.fates().refused += 1;
        let text = format!("{} ({})", output::plain(&problem.detail), problem.reason_code);
        self.fault(path, line, &text);
    }

    /// A record that did not become an event.
    pub(super) fn broken(&mut self, path: &Path, line: usize, reason: &FaultReason) {
        self.fault(path, line, &output::plain(&reason.to_string()));
    }

    /// A file of no known format: a fault only if somebody named it.
    pub(super) fn not_imported(&mut self, path: &Path, error: &DetectError, is_named: bool) {
        if is_named {
            self.left_out = true;
            self.tell(&format!("{}: {error}", path.display()));
        } else {
            self.skipped_count += 1;
        }
    }

    /// The current file is done.
    pub(super) fn end(&mut self, totals: &Totals) -> anyhow::Result<()> {
        let Some(file) = self.current.take() else { return Ok(()) };
        self.file_count += 1;
        self.totals.add(totals);
        self.fates.stored += file.fates.stored;
        self.fates.replayed += file.fates.replayed;
        self.fates.refused += file.fates.refused;
        if file.fault_count > TOLD_FAULTS_MAX {
            let more = file.fault_count - TOLD_FAULTS_MAX;
            self.tell(&format!("{}: {more} more faults", file.path.display()));
        }
        let path = file.path.display().to_string();
        if self.is_json {
            self.write(
                &ImportLine {
                    path: Some(&path),
                    format: Some(file.format),
                    stored: file.fates.stored,
                    replayed: file.fates.replayed,
                    refused: file.fates.refused,
                },
                totals,
            )?;
        }
        Ok(())
    }

    /// Tells the totals.
    pub(super) fn finish(&self, is_dry_run: bool) -> anyhow::Result<()> {
        self.progress.finish_and_clear();
        if self.skipped_count > 0 {
            output::note(format_args!(
                "{} files of other formats were passed over",
                self.skipped_count
            ));
        }
        self.tell_unpriced();
        let Fates { stored, replayed, refused } = self.fates;
        if self.is_json {
            return self.write(
                &ImportLine { path: None, format: None, stored, replayed, refused },
                &self.totals,
            );
        }
        self.summary().into_iter().try_for_each(output::line)?;
        let fate = match is_dry_run {
            true => "nothing was sent: this was a dry run".to_owned(),
            false => format!("stored {stored}, there before {replayed}, refused {refused}"),
        };
        Ok(output::line(fate)?)
    }

    /// Says which calls the cost by list price leaves out, so that nobody takes a part for the whole.
    fn tell_unpriced(&self) {
        for (model, call_count) in self.totals.unpriced_by_model(&self.prices) {
            let model = output::plain(model.unwrap_or("a model that is not named"));
            output::note(format_args!(
                "no list price is known for {model}: {call_count} model calls are not in the cost by list price"
            ));
        }
    }

    pub(super) fn outcome(&self) -> Outcome {
        match (self.left_out, self.file_count) {
            (true, _) => Outcome::SomeLeftOut,
            (false, 0) => Outcome::NothingToDo,
            (false, _) => Outcome::AllIn,
        }
    }

    fn summary(&self) -> [String; 3] {
        let totals = &self.totals;
        let tokens = totals.tokens();
        let money = |micros: Option<i64>| micros.map_or_else(|| "unknown".to_owned(), dollars);
        [
            format!(
                "{} files, {} records, {} events, {} sessions, {} faults",
                self.file_count,
                totals.records,
                totals.events,
                totals.sessions(),
                totals.errors
            ),
            format!(
                "{} model calls, {} tool calls ({} failed, {} open)",
                totals.model_calls(),
                totals.tool_calls(),
                totals.tool_errors(),
                totals.tool_calls_open()
            ),
            format!(
                "tokens: {} in, {} out, {} from cache, {} into cache; cost: {} by the vendor, {} by list price",
                tokens.input,
                tokens.output,
                tokens.cache_read,
                tokens.cache_write,
                money(totals.vendor_cost_micros()),
                money(totals.computed_cost_micros(&self.prices))
            ),
        ]
    }

    fn write(&self, line: &ImportLine<'_>, totals: &Totals) -> anyhow::Result<()> {
        Ok(output::line(totals.to_json(line, &self.prices))?)
    }

    fn fates(&mut self) -> &mut Fates {
        self.current.as_mut().map_or(&mut self.fates, |file| &mut file.fates)
    }

    fn fault(&mut self, path: &Path, line: usize, text: &str) {
        self.left_out = true;
        let is_told = self.current.as_mut().is_none_or(|file| {
            file.fault_count += 1;
            file.fault_count <= TOLD_FAULTS_MAX
        });
        if is_told {
            self.tell(&format!("{}:{line}: {text}", path.display()));
        }
    }

    /// Writes a line to standard error without tearing the progress bar.
    fn tell(&self, text: &str) {
        self.progress.suspend(|| output::note(text));
    }
}

fn dollars(micros: i64) -> String {
    format!("${}.{:06}", micros / 1_000_000, micros % 1_000_000)
}

fn style() -> ProgressStyle {
    let template = "{bar:32} {bytes}/{total_bytes} {eta} left  {wide_msg}";
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
