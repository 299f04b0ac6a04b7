//! Summaries that a workflow writes of each headless session of its own: what was asked, what came of it.
//! The session's own records, where they are there, say the rest of the same run.

use super::super::fields::{Fields, ObjectText};
use super::super::record::{Fact, MAIN_AGENT, Party};
use super::super::run::{run_of_session, shortened};
use super::Reader;
use super::sheet::Sheet;

/// Reads summaries.
#[derive(Debug)]
pub(super) struct WorkflowSummary;

impl Reader for WorkflowSummary {
    fn record(&mut self, sheet: &mut Sheet<'_>, text: &str) {
        let mut fields = Fields::of(text);
        let session = fields.take_text("session_id").unwrap_or_default();
        let Some(run_id) = run_of_session(&session) else { return };
        let prompt = fields.take_text("prompt");
        let mut data = ObjectText::default();
        data.text("run_id", run_id.as_str()).text("session_id", &session);
        data.text_opt("title", prompt.as_deref().map(shortened).as_deref());
        data.text_opt("goal", prompt.as_deref());
        data.text_opt("cwd", fields.take_text("working_dir").as_deref());
        data.text("source", MAIN_AGENT).text("agent_name", MAIN_AGENT);
        // `model` here is an alias, such as `sonnet`.
        data.raw_opt("model_alias", fields.take("model").as_deref());
        data.raw_opt("workflow_id", fields.take("adw_id").as_deref());
        let agent = Party::Agent(MAIN_AGENT.to_owned());
        let begun = Fact::new("run.started", agent.clone(), data.finish());
        let output = fields.take("output");
        let is_done = fields.take_if("success", |success| success == "true").is_some();
        let mut data = ObjectText::default();
        data.text("run_id", run_id.as_str()).raw_opt("output", output.as_deref());
        fields.rest_into(&mut data);
        let event_type = if is_done { "run.completed" } else { "run.failed" };
        let ended = Fact::new(event_type, agent, data.finish());
        let head = sheet.head(&run_id, text);
        sheet.tell(&run_id, &head, vec![begun, ended], None);
    }
}
