//! Failed runs of several agents with a person's judgement of who made the decisive mistake, and when
//! (the Who&When collection of AG2). They have no times, no models and no costs.

use super::super::fields::{Fields, ObjectText};
use super::super::record::{Fact, Head, Party};
use super::super::run::shortened;
use super::Reader;
use super::sheet::{Sheet, actor_id, message_data, message_id};
use crate::id::RunId;
use crate::json::{elements, members, unescape};

const HARNESS: &str = "failure-log";

/// Reads failure records.
#[derive(Debug)]
pub(super) struct FailureLog;

impl Reader for FailureLog {
    fn record(&mut self, sheet: &mut Sheet<'_>, text: &str) {
        let mut document = Fields::of(text);
        let name = document.take_text("question_ID").unwrap_or_default();
        let history = document.take("history").unwrap_or_default().into_owned();
        let seed = elements(&history).next().unwrap_or_default().to_owned();
        let Some(run_id) = sheet.run_id(HARNESS, &name, &seed) else { return };
        start(sheet, &run_id, &name, &mut document);
        for entry in elements(&history) {
            let head = sheet.head(&run_id, entry);
            let fact = said(&head, entry);
            sheet.tell(&run_id, &head, vec![fact], None);
        }
        end(sheet, &run_id, document);
    }
}

fn start(sheet: &mut Sheet<'_>, run_id: &RunId, name: &str, document: &mut Fields<'_>) {
    let harness = Party::Service(HARNESS.to_owned());
    let question = document.take_text("question");
    let mut data = ObjectText::default();
    data.text("run_id", run_id.as_str()).text("session_id", name);
    data.text_opt("title", question.as_deref().map(shortened).as_deref());
    data.text_opt("goal", question.as_deref()).text("source", HARNESS);
    data.raw_opt("level", document.take("level").as_deref());
    let head = sheet.head(run_id, "run.started");
    let mut facts = vec![Fact::new("run.started", harness, data.finish())];
    // A system prompt a name: these are the agents of the run.
    let prompts = document.take_object("system_prompt").unwrap_or_default().into_owned();
    for (raw_name, prompt) in members(&prompts) {
        let agent = actor_id(&unescape(raw_name));
        let mut data = ObjectText::default();
        data.text("agent_id", &agent).text("name", &unescape(raw_name));
        data.raw("system_prompt", prompt);
        facts.push(Fact::new("agent.started", Party::Agent(agent), data.finish()));
    }
    sheet.tell(run_id, &head, facts, None);
}

/// One message. Who spoke is its `name`, or its role where that names a speaker,
/// such as `Orchestrator (-> WebSurfer)`.
fn said(head: &Head, entry: &str) -> Fact {
    let mut fields = Fields::of(entry);
    let role = fields.take_text("role").unwrap_or_default();
    let name = fields.take_text("name");
    let (speaker, remark) = match role.split_once(" (") {
        Some((speaker, remark)) => (speaker.to_owned(), Some(remark.trim_end_matches(')'))),
        None => (role.clone(), None),
    };
    let party = match (&name, speaker.as_str()) {
        (Some(name), _) => Party::Agent(actor_id(name)),
        (None, "human" | "user") => Party::User,
        (None, "system") => Party::Service(HARNESS.to_owned()),
        (None, speaker) => Party::Agent(actor_id(speaker)),
    };
    let message_kind = match (&party, remark) {
        (Party::User, _) => "prompt",
        (Party::Service(_), _) => "system",
        (_, Some("thought")) => "thinking",
        _ => "text",
    };
    let content = fields.take("content").unwrap_or_else(|| "\"\"".into());
    let mut data = message_data(&message_id(head), &party, message_kind, &content);
    let recipient = remark.and_then(|remark| remark.strip_prefix("-> "));
    data.text_opt("recipient_id", recipient.map(actor_id).as_deref());
    data.text("role", &role);
    fields.rest_into(&mut data);
    Fact::new("message.created", party, data.finish())
}

fn end(sheet: &mut Sheet<'_>, run_id: &RunId, mut document: Fields<'_>) {
    let harness = Party::Service(HARNESS.to_owned());
    let head = sheet.head(run_id, "end");
    let is_correct = ["is_correct", "is_corrected"]
        .iter()
        .find_map(|name| document.take_if(name, |value| value == "true" || value == "false"));
    let is_done = is_correct.as_deref() == Some("true");
    let reason = document.take_text("mistake_reason");
    let mut mistake = ObjectText::default();
    for (theirs, ours) in
        [("mistake_agent", "agent"), ("mistake_step", "step"), ("mistake_type", "type")]
    {
        mistake.raw_opt(ours, document.take(theirs).as_deref());
    }
    let mistake = mistake.finish();
    let mut data = ObjectText::default();
    data.text("name", "failure_attribution").raw_opt("score", is_correct.as_deref());
    data.text_opt("explanation", reason.as_deref()).raw("mistake", &mistake);
    data.raw_opt("ground_truth", document.take("ground_truth").as_deref());
    let mut facts = vec![Fact::new("evaluation.reported", harness.clone(), data.finish())];
    let mut data = ObjectText::default();
    data.text("run_id", run_id.as_str());
    if !is_done {
        data.text("message", reason.as_deref().unwrap_or("the answer was wrong"));
        data.raw("error", &mistake);
    }
    document.rest_into(&mut data);
    let event_type = if is_done { "run.completed" } else { "run.failed" };
    facts.push(Fact::new(event_type, harness, data.finish()));
    sheet.tell(run_id, &head, facts, None);
}
