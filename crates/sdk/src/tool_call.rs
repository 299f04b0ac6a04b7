//! A guard around one call of a tool: its beginning and its end are reported, whatever happens.
//!
//! It reports through a [`RunReporter`] and never touches the network itself.
//! INVARIANT (an end for every beginning): a guard that is dropped without an end, by a panic or
//! because its task was cancelled, reports `tool.failed` and says which of the two it was.

use std::time::Instant;

use serde_json::{Value, json};

use crate::make::new_event_id;
use crate::reporter::RunReporter;
use crate::types::{ToolFailed, ToolInvoked, ToolSucceeded, UsageReported};

/// One call of a tool, from its beginning on.
///
/// ```no_run
/// use annals_sdk::{Client, Reporter, ReporterOptions, agent};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let reporter = Reporter::start(Client::from_env()?, ReporterOptions::default())?;
/// let run = reporter.run("run-1", agent("builder")?)?;
/// let mut call = run.tool_call("search", serde_json::json!({"query": "append-only"}));
/// call.tokens(120, 38);
/// call.succeed("3 hits");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "a guard that is dropped at once reports that the call failed"]
pub struct ToolCall {
    run: RunReporter,
    tool_call_id: String,
    tool_name: String,
    began: Instant,
    usage: Option<Value>,
    cost_micros: Option<u64>,
    is_open: bool,
}

impl ToolCall {
    /// Reports the beginning.
    pub(crate) fn begin(run: RunReporter, tool_name: &str, input: Value) -> Self {
        // Without randomness no event can be made either, which the reporter says.
        let tool_call_id =
            new_event_id().map_or_else(|_| "unknown".to_owned(), |id| id.to_string());
        let tool_name = tool_name.to_owned();
        run.report_or_log(|actor, stream| {
            ToolInvoked::new(&tool_call_id, &tool_name).input(input).draft(actor, stream)
        });
        let began = Instant::now();
        Self { run, tool_call_id, tool_name, began, usage: None, cost_micros: None, is_open: true }
    }

    /// The name of the call, which its events share.
    #[must_use]
    pub fn tool_call_id(&self) -> &str {
        &self.tool_call_id
    }

    /// Tokens that the call itself used, for tools that ask a model.
    pub fn tokens(&mut self, input_tokens: u64, output_tokens: u64) {
        self.usage = Some(json!({ "input_tokens": input_tokens, "output_tokens": output_tokens }));
    }

    /// What the call itself cost, in micro-dollars.
    pub fn cost_micros(&mut self, cost_micros: u64) {
        self.cost_micros = Some(cost_micros);
    }

    /// Ends the call with its result.
    pub fn succeed(mut self, output: impl Into<Value>) {
        let output = output.into();
        self.end(|call, duration_ms| {
            let end = ToolSucceeded::new(&call.tool_call_id).tool_name(&call.tool_name);
            let end = end.duration_ms(duration_ms).output(output);
            call.run.report_or_log(|actor, stream| end.draft(actor, stream));
        });
    }

    /// Ends the call with what went wrong.
    pub fn fail(mut self, message: &str) {
        self.end_badly(message, "error");
    }

    fn end_badly(&mut self, message: &str, error_type: &str) {
        self.end(|call, duration_ms| {
            let end = ToolFailed::new(&call.tool_call_id).tool_name(&call.tool_name);
            let end = end.duration_ms(duration_ms).message(message).error_type(error_type);
            call.run.report_or_log(|actor, stream| end.draft(actor, stream));
        });
    }

    fn end(&mut self, report: impl FnOnce(&Self, u64)) {
        if !self.is_open {
            return;
        }
        self.is_open = false;
        let duration_ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        report(self, duration_ms);
        self.report_usage(duration_ms);
    }

    /// Tokens and cost are a fact of their own, which the sums of a run take in.
    fn report_usage(&mut self, duration_ms: u64) {
        let (usage, cost_micros) = (self.usage.take(), self.cost_micros.take());
        if usage.is_none() && cost_micros.is_none() {
            return;
        }
        let mut stated = UsageReported::new("tool_call").duration_ms(duration_ms);
        stated = stated.with("tool_call_id", self.tool_call_id.as_str());
        if let Some(usage) = usage {
            stated = stated.usage(usage);
        }
        if let Some(cost_micros) = cost_micros {
            stated = stated.cost_micros(cost_micros);
        }
        self.run.report_or_log(|actor, stream| stated.draft(actor, stream));
    }
}

impl Drop for ToolCall {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.end_badly("the call panicked", "panic");
        } else {
            self.end_badly("the call was given up before it ended", "cancelled");
        }
    }
}
