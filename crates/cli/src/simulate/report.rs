//! What a simulation tells of itself: how far it is, what was refused, and what was sent in the end.

use std::time::Duration;

use annals_sdk::BatchOutcome;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use crate::output;

/// Refusals that are told one by one.
const TOLD_REFUSALS_MAX: u64 = 10;

/// Documents by what became of them.
#[derive(Debug)]
pub(super) struct Report {
    progress: ProgressBar,
    pub(super) written: u64,
    pub(super) stored: u64,
    pub(super) replayed: u64,
    pub(super) refused: u64,
    /// They were sent, and no answer came.
    pub(super) uncertain: u64,
    /// Events of the story that the format has no form for.
    pub(super) without_form: u64,
    pub(super) bytes: u64,
    pub(super) was_stopped: bool,
}

impl Report {
    /// A report; with progress on standard error where a person reads that.
    pub(super) fn new(document_count: Option<u64>, is_server: bool) -> Self {
        let is_seen = is_server && output::notes_are_seen();
        let progress = match (is_seen, document_count) {
            (false, _) => ProgressBar::hidden(),
            (true, Some(count)) => {
                ProgressBar::new(count).with_style(style("{bar:30} {pos}/{len}"))
            }
            (true, None) => ProgressBar::new_spinner().with_style(style("{spinner} {pos}")),
        };
        Self {
            progress,
            written: 0,
            stored: 0,
            replayed: 0,
            refused: 0,
            uncertain: 0,
            without_form: 0,
            bytes: 0,
            was_stopped: false,
        }
    }

    pub(super) fn say(&self, text: &str) {
        self.progress.suspend(|| output::note(output::plain(text)));
    }

    pub(super) fn sent(&mut self, documents: &[String]) {
        let bytes: usize = documents.iter().map(|document| document.len() + 1).sum();
        self.bytes += u64::try_from(bytes).unwrap_or(0);
        self.progress.inc(u64::try_from(documents.len()).unwrap_or(0));
    }

    pub(super) fn answered(&mut self, outcome: &BatchOutcome) {
        self.stored += u64::try_from(outcome.accepted()).unwrap_or(0);
        self.replayed += u64::try_from(outcome.replayed()).unwrap_or(0);
        for (_, problem) in outcome.rejected() {
            self.refused += 1;
            if self.refused <= TOLD_REFUSALS_MAX {
                self.say(&format!("refused: {} ({})", problem.detail, problem.reason_code));
            }
        }
        if self.refused > TOLD_REFUSALS_MAX {
            self.progress.set_message(format!("{} refused", self.refused));
        }
    }

    pub(super) const fn documents(&self) -> u64 {
        self.written + self.stored + self.replayed + self.refused + self.uncertain
    }

    /// Says what was sent: results on standard output, unless the documents are there.
    pub(super) fn finish(
        &self,
        facts: &serde_json::Value,
        is_server: bool,
        is_json: bool,
        took: Duration,
    ) -> anyhow::Result<()> {
        self.progress.finish_and_clear();
        let text = if is_json { self.as_json(facts, took) } else { self.as_text(is_server, took) };
        if is_server {
            output::line(text)?;
        } else {
            output::note(text);
        }
        Ok(())
    }

    fn as_json(&self, facts: &serde_json::Value, took: Duration) -> String {
        let mut report = json!({
            "documents": self.documents(),
            "bytes": self.bytes,
            "written": self.written,
            "stored": self.stored,
            "replayed": self.replayed,
            "refused": self.refused,
            "uncertain": self.uncertain,
            "without_form": self.without_form,
            "stopped": self.was_stopped,
            "seconds": took.as_secs_f64(),
        });
        if let (Some(report), Some(facts)) = (report.as_object_mut(), facts.as_object()) {
            report.extend(facts.clone());
        }
        report.to_string()
    }

    fn as_text(&self, is_server: bool, took: Duration) -> String {
        let mut text = if is_server {
            format!(
                "stored {}, there before {}, refused {}",
                self.stored, self.replayed, self.refused
            )
        } else {
            format!("wrote {} documents", self.written)
        };
        text.push_str(&format!(", in {:.1} s", took.as_secs_f64()));
        if self.uncertain > 0 {
            text.push_str(&format!(
                "; {} were under way when it ended and may be stored",
                self.uncertain
            ));
        }
        if self.without_form > 0 {
            text.push_str(&format!(
                "; {} events of the story have no form in this format",
                self.without_form
            ));
        }
        if self.was_stopped { format!("stopped: {text}") } else { text }
    }
}

fn style(template: &str) -> ProgressStyle {
    let template = format!("{template} documents, {{per_sec}} {{msg}}");
    ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
