//! Formats in which one record is a document: a whole run, or a list of what happened in several.
//!
//! Each format has a [`Reader`] that writes facts on a [`Sheet`]; identity, size and totals are the
//! sheet's. A reader says nothing of what the document does not hold: no invented time, no cost of
//! a model whose price nobody stated.
//!
//! INVARIANT (nothing dropped): what a document says is in an event's `data` or in `origin.raw`,
//! but for what it says twice.

mod sheet;
mod tokens;

mod chat;

mod chat_list;
mod codex;
mod codex_exec;
mod failure_log;
mod gemini;
mod jaeger;
mod langfuse;
mod mini_swe_agent;
mod openhands;
mod span_list;
mod swe_agent;
mod tau_bench;
mod telemetry;
mod workflow_summary;

use std::fmt::Debug;

pub(super) use mini_swe_agent::ACTION_MARK;
pub(super) use sheet::Sheet;

use self::telemetry::{Shape, Telemetry};
use super::format::Format;

/// Translates the records of one file, in their order.
pub(super) trait Reader: Debug + Send {
    /// Takes the next record, as compact text of an object.
    fn record(&mut self, sheet: &mut Sheet<'_>, text: &str);

    /// Says what is still unsaid at the end of the file.
    fn finish(&mut self, sheet: &mut Sheet<'_>) {
        let _ = sheet;
    }
}

/// The reader of a format; none for the formats of sessions, which the importer folds itself.
pub(super) fn reader(format: Format) -> Option<Box<dyn Reader>> {
    Some(match format {
        Format::ClaudeCodeJsonl
        | Format::ClaudeCodeJson
        | Format::ClaudeCodeWeb
        | Format::StreamJson
        | Format::HookLog
        | Format::StatusLine => return None,
        Format::OpenHands => Box::new(openhands::OpenHands),
        Format::SweAgent => Box::new(swe_agent::SweAgent),
        Format::MiniSweAgent => Box::new(mini_swe_agent::MiniSweAgent::default()),
        Format::Langfuse => Box::new(langfuse::Langfuse),
        Format::TauBench => Box::new(tau_bench::TauBench),
        Format::FailureLog => Box::new(failure_log::FailureLog),
        Format::CodexSession => Box::new(codex::CodexSession::default()),
        Format::CodexExec => Box::new(codex_exec::CodexExec::default()),
        Format::GeminiSession => Box::new(gemini::GeminiSession),
        Format::WorkflowSummary => Box::new(workflow_summary::WorkflowSummary),
        Format::OtlpJson => Box::new(Telemetry { shape: Shape::Otlp }),
        Format::TempoJson => Box::new(Telemetry { shape: Shape::Tempo }),
        Format::JaegerJson => Box::new(Telemetry { shape: Shape::Jaeger }),
        Format::SpanList => Box::new(Telemetry { shape: Shape::SpanList }),
        Format::ChatMessages => Box::new(chat_list::ChatList::default()),
    })
}
