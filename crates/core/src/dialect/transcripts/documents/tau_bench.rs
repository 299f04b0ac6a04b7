//! Results of tau-bench, one conversation an element: the messages of a simulated user and an agent
//! with tools, and the reward. They have no times.
//!
//! Some conversations give several calls one id; each call is counted. A reward below 1 is a run that
//! did not do what it was for.

use super::super::fields::{Fields, ObjectText};
use super::super::money::dollars_to_micros;
use super::super::record::{Fact, Party};
use super::super::run::shortened;
use super::Reader;
use super::chat::Chat;
use super::sheet::Sheet;
use crate::id::RunId;
use crate::json::{as_str, elements, member};

const HARNESS: &str = "tau-bench";

/// Reads conversations.
#[derive(Debug)]
pub(super) struct TauBench;

impl Reader for TauBench {
    fn record(&mut self, sheet: &mut Sheet<'_>, text: &str) {
        let mut document = Fields::of(text);
        let messages = document.take("traj").unwrap_or_default().into_owned();
        let task = document.take("task_id").unwrap_or_default();
        let trial = document.take("trial").unwrap_or_else(|| "0".into());
        let name = format!("{}.{}", plain(&task), plain(&trial));
        // The first words of the user tell two files with the same tasks apart.
        let opening = elements(&messages).nth(1).unwrap_or_default();
        let seed = format!("{}\n{opening}", sheet.source_name);
        let Some(run_id) = sheet.run_id(HARNESS, &name, &seed) else { return };
        let info = document.take("info").unwrap_or_default().into_owned();
        let place = [("task_id", task.as_ref()), ("trial", trial.as_ref())];
        start(sheet, &run_id, &name, &info, place);
        let mut chat = Chat::new("assistant", HARNESS);
        chat.is_failure = |output| output.starts_with("Error");
        for message in elements(&messages) {
            let head = sheet.head(&run_id, message);
            let mut fields = Fields::of(message);
            let facts = chat.facts(&head, &mut fields, None);
            sheet.tell(&run_id, &head, facts, fields.rest());
        }
        end(sheet, &run_id, &info, &mut document);
        let head = sheet.head(&run_id, "rest");
        if let Some(rest) = document.rest() {
            sheet.tell(&run_id, &head, Vec::new(), Some(rest));
        }
    }
}

fn plain(value: &str) -> String {
    as_str(value).map_or_else(|| value.to_owned(), std::borrow::Cow::into_owned)
}

fn start(sheet: &mut Sheet<'_>, run_id: &RunId, name: &str, info: &str, place: [(&str, &str); 2]) {
    let task = member(info, "task");
    let goal = task.and_then(|task| member(task, "instruction")).and_then(as_str);
    let mut data = ObjectText::default();
    data.text("run_id", run_id.as_str()).text("session_id", name);
    data.text_opt("title", goal.as_deref().map(shortened).as_deref());
    data.text_opt("goal", goal.as_deref());
    data.text("source", HARNESS).text("agent_name", "assistant");
    for (member, value) in place {
        data.raw_opt(member, Some(value).filter(|value| !value.is_empty()));
    }
    data.raw_opt("task", task);
    let head = sheet.head(run_id, "run.started");
    let fact = Fact::new("run.started", Party::Service(HARNESS.to_owned()), data.finish());
    sheet.tell(run_id, &head, vec![fact], None);
}

fn end(sheet: &mut Sheet<'_>, run_id: &RunId, info: &str, document: &mut Fields<'_>) {
    let harness = Party::Service(HARNESS.to_owned());
    let head = sheet.head(run_id, "end");
    let mut facts = Vec::new();
    let mut info = Fields::of(info);
    info.take("task");
    if let Some(cost) = info.take_if("user_cost", |cost| dollars_to_micros(cost).is_some()) {
        let mut data = ObjectText::default();
        data.text("scope", "simulated_user").number_opt("cost_micros", dollars_to_micros(&cost));
        data.raw("cost_usd", &cost);
        facts.push(Fact::new("usage.reported", harness.clone(), data.finish()));
    }
    let reward = document.take("reward");
    let mut data = ObjectText::default();
    data.text("name", "reward").raw_opt("score", reward.as_deref());
    data.raw_opt("reward_info", info.take("reward_info").as_deref());
    facts.push(Fact::new("evaluation.reported", harness, data.finish()));
    let is_done = reward.as_deref().and_then(|reward| reward.parse::<f64>().ok()) == Some(1.0);
    let mut data = ObjectText::default();
    data.text("run_id", run_id.as_str());
    if !is_done {
        let stated = reward.as_deref().unwrap_or("no");
        data.text("message", &format!("{stated} reward"));
    }
    info.rest_into(&mut data);
    let event_type = if is_done { "run.completed" } else { "run.failed" };
    let agent = Party::Agent("assistant".to_owned());
    facts.push(Fact::new(event_type, agent, data.finish()));
    sheet.tell(run_id, &head, facts, None);
}
