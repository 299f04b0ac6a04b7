//! Trajectories of SWE-agent: the messages to and from the model, and a step for each action with its
//! observation. Demonstrations have the messages only. They have no times.
//!
//! Tokens and cost are stated for the whole run. The tokens stand with its last model call, which says
//! so in `usage_scope`, and the cost with the run.

use std::borrow::Cow;

use super::super::fields::{Fields, ObjectText};
use super::super::money::dollars_to_micros;
use super::super::record::{Fact, Head, Party, short_hash};
use super::super::run::shortened;
use super::Reader;
use super::chat::{Chat, ended, invoked};
use super::sheet::{Sheet, actor_id, message_data, message_id, nested_json, seconds_to_ms};
use super::tokens::Inclusive;
use crate::id::RunId;
use crate::json::{JsonKind, as_str, as_u64, elements, kind, member};

const HARNESS: &str = "swe-agent";

/// Reads trajectories.
#[derive(Debug)]
pub(super) struct SweAgent;

impl Reader for SweAgent {
    fn record(&mut self, sheet: &mut Sheet<'_>, text: &str) {
        let mut document = Fields::of(text);
        let history = document.take("history").unwrap_or_default().into_owned();
        let steps = document.take("trajectory").unwrap_or_default().into_owned();
        let opening = elements(&history).take(2).collect::<Vec<_>>().join("\n");
        let config = document.take("replay_config").map(Cow::into_owned);
        // Some versions write it as a text of JSON.
        let config = config.map(|config| nested_json(&config).unwrap_or(config));
        let name = name_of(config.as_deref(), sheet.source_name);
        let seed = format!("{}\n{}", sheet.source_name, short_hash(&opening));
        let Some(run_id) = sheet.run_id(HARNESS, &name, &seed) else { return };
        start(sheet, &run_id, &name, config.as_deref());
        let info = document.take("info").unwrap_or_default().into_owned();
        let mut tape = Tape::new(run_id, &info, &steps);
        tape.model = model_of(config.as_deref());
        for message in elements(&history) {
            tape.message(sheet, message);
        }
        tape.rest_of_steps(sheet);
        end(sheet, &tape, &info, document);
    }
}

/// What the run is called: its problem's id, or the file's name.
fn name_of(config: Option<&str>, source_name: &str) -> String {
    let problem = config.and_then(|config| member(config, "problem_statement"));
    let id = problem.and_then(|problem| member(problem, "id")).and_then(as_str);
    let of_file = source_name.split('.').next().unwrap_or(source_name);
    id.map_or_else(|| of_file.to_owned(), Cow::into_owned)
}

/// The model that a run was configured with.
fn model_of(config: Option<&str>) -> Option<String> {
    let agent = member(config?, "agent")?;
    let name = member(agent, "model").and_then(|model| member(model, "name"))?;
    as_str(name).map(Cow::into_owned)
}

fn start(sheet: &mut Sheet<'_>, run_id: &RunId, name: &str, config: Option<&str>) {
    let problem = config.and_then(|config| member(config, "problem_statement"));
    let goal = problem.and_then(|problem| member(problem, "text"));
    let model = model_of(config);
    let mut data = ObjectText::default();
    data.text("run_id", run_id.as_str()).text("session_id", run_id.as_str());
    data.text("title", &shortened(name)).text("source", HARNESS).text("agent_name", HARNESS);
    data.text_opt("model", model.as_deref());
    data.raw_opt("goal", goal);
    data.raw_opt("config", config);
    let head = sheet.head(run_id, "run.started");
    let fact = Fact::new("run.started", Party::Service(HARNESS.to_owned()), data.finish());
    sheet.tell(run_id, &head, vec![fact], None);
}

/// A run while its messages and steps are read side by side.
#[derive(Debug)]
struct Tape<'d> {
    run_id: RunId,
    chat: Chat,
    model: Option<String>,
    steps: Vec<&'d str>,
    next_step: usize,
    /// The run's usage, for the last model call.
    usage: Option<String>,
    has_model: bool,
    /// The tool call whose observation is told already, with that.
    open: Option<String>,
}

impl<'d> Tape<'d> {
    fn new(run_id: RunId, info: &'d str, steps: &'d str) -> Self {
        let stats = member(info, "model_stats");
        let count = |name| stats.and_then(|stats| member(stats, name)).and_then(as_u64);
        let (sent, received) = (count("tokens_sent"), count("tokens_received"));
        let usage = Inclusive { prompt: sent, output: received, ..Inclusive::default() };
        // While the run goes on, its last call is not known.
        let has_ended = member(info, "exit_status").is_some_and(|status| status != "null");
        let has_usage = has_ended && (sent.unwrap_or(0) > 0 || received.unwrap_or(0) > 0);
        Self {
            run_id,
            chat: Chat::new(HARNESS, "swe-agent-environment"),
            model: None,
            steps: elements(steps).collect(),
            next_step: 0,
            usage: has_usage.then(|| usage.to_usage(None)),
            // Where no call is stated, a person or a recording may have acted.
            has_model: count("api_calls").is_some_and(|calls| calls > 0),
            open: None,
        }
    }

    fn agent(&self) -> Party {
        Party::Agent(self.chat.agent.clone())
    }

    fn message(&mut self, sheet: &mut Sheet<'_>, text: &str) {
        let head = sheet.head(&self.run_id, text);
        let mut fields = Fields::of(text);
        let role = fields.get_text("role").unwrap_or_default().into_owned();
        if let Some(agent) = fields.take_name("agent") {
            self.chat.agent = actor_id(&format!("{HARNESS}/{agent}"));
        }
        if role != "assistant" {
            let facts = self.heard_by_agent(&head, &mut fields);
            sheet.tell(&self.run_id, &head, facts, fields.rest());
            return;
        }
        let content = fields.get("content").map(str::to_owned);
        fields.take_if("thought", |thought| Some(thought) == content.as_deref());
        match self.steps.get(self.next_step).copied() {
            Some(step) => {
                self.next_step += 1;
                self.step(sheet, step, Some(fields));
            }
            None => {
                let call_id = self.has_model.then(|| self.call_id(&head));
                let mut facts = self.chat.facts(&head, &mut fields, call_id.as_deref());
                if let Some(call_id) = &call_id {
                    let calls = self.model_call(call_id, None, None);
                    facts.splice(0..0, calls);
                }
                sheet.tell(&self.run_id, &head, facts, fields.rest());
            }
        }
    }

    /// What came to the agent: a prompt, or what its action brought, which is a step's observation
    /// with more around it.
    fn heard_by_agent(&mut self, head: &Head, fields: &mut Fields<'_>) -> Vec<Fact> {
        let is_observation = fields.get_text("message_type").as_deref() == Some("observation");
        let is_told = self.open.take().is_some_and(|_| is_observation);
        if !is_told {
            return self.chat.facts(head, fields, None);
        }
        let harness = Party::Service(self.chat.harness.clone());
        let content = fields.take("content").unwrap_or_else(|| "\"\"".into());
        let mut data = message_data(&message_id(head), &harness, "observation", &content);
        fields.rest_into(&mut data);
        *fields = Fields::default();
        vec![Fact::new("message.created", harness, data.finish())]
    }

    fn rest_of_steps(&mut self, sheet: &mut Sheet<'_>) {
        while let Some(step) = self.steps.get(self.next_step).copied() {
            self.next_step += 1;
            self.step(sheet, step, None);
        }
    }

    fn call_id(&self, head: &Head) -> String {
        format!("{}/{}", self.run_id, &head.key.to_string()[..16])
    }

    fn model_call(
        &mut self,
        call_id: &str,
        input: Option<&str>,
        output: Option<&str>,
    ) -> Vec<Fact> {
        let mut data = ObjectText::default();
        data.text("model_call_id", call_id).text_opt("model", self.model.as_deref());
        data.raw_opt("input", input);
        let invoked = Fact::new("model.invoked", self.agent(), data.finish());
        let mut data = ObjectText::default();
        data.text("model_call_id", call_id).text_opt("model", self.model.as_deref());
        if self.next_step >= self.steps.len()
            && let Some(usage) = self.usage.take()
        {
            data.raw("usage", &usage).text("usage_scope", "run");
        }
        data.raw_opt("output", output);
        vec![invoked, Fact::new("model.completed", self.agent(), data.finish())]
    }

    /// One step: the model's answer, the action, the observation. `message` is the answer among the
    /// messages, which may know the tool call.
    fn step(&mut self, sheet: &mut Sheet<'_>, text: &str, message: Option<Fields<'_>>) {
        let head = sheet.head(&self.run_id, text);
        let mut step = Fields::of(text);
        let mut message = message.unwrap_or_default();
        let response = step.take("response");
        step.take_if("thought", |thought| Some(thought) == response.as_deref());
        let input = step.take("messages").or_else(|| step.take("query"));
        let call_id = self.has_model.then(|| self.call_id(&head));
        let mut facts = match &call_id {
            Some(call_id) => self.model_call(call_id, input.as_deref(), None),
            None => Vec::new(),
        };
        message.take_if("content", |content| Some(content) == response.as_deref());
        message.take_if("role", |_| true);
        let text = response.as_deref().unwrap_or("\"\"");
        let mut data = message_data(&message_id(&head), &self.agent(), "text", text);
        data.text_opt("model_call_id", call_id.as_deref());
        if call_id.is_none() {
            data.raw_opt("input", input.as_deref());
        }
        let calls = message.take("tool_calls").map(Cow::into_owned);
        let action = step.take("action");
        message.take_if("action", |stated| Some(stated) == action.as_deref());
        message.rest_into(&mut data);
        facts.push(Fact::new("message.created", self.agent(), data.finish()));
        facts.extend(self.tool_call(&head, step, action.as_deref(), calls.as_deref(), call_id));
        sheet.tell(&self.run_id, &head, facts, None);
    }

    fn tool_call(
        &mut self,
        head: &Head,
        mut step: Fields<'_>,
        action: Option<&str>,
        calls: Option<&str>,
        call_id: Option<String>,
    ) -> [Fact; 2] {
        let call = calls.into_iter().flat_map(elements).next().unwrap_or_default();
        let function = member(call, "function").unwrap_or_default();
        let name = member(function, "name").and_then(as_str);
        let tool_name = name.as_deref().unwrap_or("shell");
        let stated_id = member(call, "id").and_then(as_str).filter(|id| !id.is_empty());
        let stated_id = stated_id.map_or_else(|| message_id(head), Cow::into_owned);
        let id = self.chat.tools.begin(&stated_id, tool_name);
        self.chat.tools.end(&stated_id);
        self.open = Some(id.clone());
        let mut input = ObjectText::default();
        input.raw_opt("command", action);
        let mut data = invoked(&id, tool_name, Some(&input.finish()), call_id.as_deref());
        data.raw_opt("tool_calls", calls);
        let begun = Fact::new("tool.invoked", self.agent(), data.finish());
        let seconds = step.take_if("execution_time", |time| kind(time) == JsonKind::Number);
        let duration = seconds.as_deref().and_then(seconds_to_ms);
        let output = step.take("observation");
        let mut data = ended(&id, Some(tool_name), false, output.as_deref(), duration.as_deref());
        data.raw_opt("execution_time_s", seconds.as_deref());
        step.rest_into(&mut data);
        [begun, Fact::new("tool.succeeded", self.agent(), data.finish())]
    }
}

fn end(sheet: &mut Sheet<'_>, tape: &Tape<'_>, info: &str, document: Fields<'_>) {
    let head = sheet.head(&tape.run_id, "end");
    let mut info = Fields::of(info);
    let mut facts = Vec::new();
    if let Some(stats) = info.take("model_stats") {
        // 0 is what it says where it knew no price.
        let cost = member(&stats, "instance_cost").or_else(|| member(&stats, "total_cost"));
        let cost = cost.and_then(dollars_to_micros).filter(|micros| *micros > 0);
        let mut data = ObjectText::default();
        data.text("scope", "run").number_opt("cost_micros", cost).raw("model_stats", &stats);
        facts.push(Fact::new("usage.reported", Party::Service(HARNESS.to_owned()), data.finish()));
    }
    let status = info.get_text("exit_status").map(Cow::into_owned);
    let mut data = ObjectText::default();
    data.text("run_id", tape.run_id.as_str());
    let event_type = match status.as_deref() {
        Some(status) if status.starts_with("submitted") => "run.completed",
        Some(status) => {
            data.text("message", status);
            "run.failed"
        }
        // Who says nothing of its end has not said that it ended.
        None => "",
    };
    data.raw_opt("output", info.take("submission").as_deref());
    info.rest_into(&mut data);
    document.rest_into(&mut data);
    if !event_type.is_empty() {
        facts.push(Fact::new(event_type, tape.agent(), data.finish()));
        sheet.tell(&tape.run_id, &head, facts, None);
    } else {
        let mut rest = ObjectText::default();
        info.rest_into(&mut rest);
        document.rest_into(&mut rest);
        let rest = Some(rest.finish()).filter(|rest| rest != "{}");
        sheet.tell(&tape.run_id, &head, facts, rest);
    }
}
