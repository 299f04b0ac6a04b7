//! Run records of OpenHands' evaluations, one run a line: the history of actions and observations,
//! the usage of each model call, the outcome.
//!
//! A model's answer stands with every action and observation that came of it; it is told once.
//! `accumulated_cost` is 0 where no price was known, so a 0 without single costs is no cost.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::super::fields::{Fields, ObjectText};
use super::super::money::dollars_to_micros;
use super::super::record::{Fact, Head, Moment, Party};
use super::super::run::shortened;
use super::Reader;
use super::chat::{ToolCalls, ended, invoked};
use super::sheet::{Sheet, actor_id, message_data, message_id, moment_of, seconds_to_ms};
use super::tokens::Inclusive;
use crate::id::RunId;
use crate::json::{JsonKind, as_bool, as_str, elements, kind, member};

const HARNESS: &str = "openhands";

/// Reads run records.
#[derive(Debug)]
pub(super) struct OpenHands;

impl Reader for OpenHands {
    fn record(&mut self, sheet: &mut Sheet<'_>, text: &str) {
        let mut document = Fields::of(text);
        let name = document.take_text("instance_id").unwrap_or_default();
        let history = document.take("history").unwrap_or_default().into_owned();
        let first_event = elements(&history).next().unwrap_or_default();
        let first_time = member(first_event, "timestamp").unwrap_or_default();
        let Some(run_id) = sheet.run_id(HARNESS, &name, first_time) else { return };
        let metrics = document.take("metrics").unwrap_or_default().into_owned();
        let mut story = Story::new(run_id, &metrics);
        story.start(sheet, &name, &mut document, moment_of(member(first_event, "timestamp")));
        for event in elements(&history) {
            story.event(sheet, event);
        }
        story.calls_outside_the_history(sheet);
        story.end(sheet, document, &metrics);
    }
}

/// One run while its history is read.
#[derive(Debug)]
struct Story<'d> {
    run_id: RunId,
    agent: String,
    /// What `metrics` says of each model call, by the response's id, in its order.
    calls: Vec<(String, Call<'d>)>,
    /// The model's answers that were told.
    answers: BTreeMap<String, String>,
    tools: ToolCalls,
    /// The tool call of each action, by the event's id.
    actions: BTreeMap<String, (String, String)>,
    last: Option<Moment>,
}

#[derive(Debug, Default)]
struct Call<'d> {
    usage: Option<&'d str>,
    latency: Option<&'d str>,
    model: Option<String>,
}

impl<'d> Story<'d> {
    fn new(run_id: RunId, metrics: &'d str) -> Self {
        let mut calls: Vec<(String, Call<'d>)> = Vec::new();
        for (list, is_usage) in [("response_latencies", false), ("token_usages", true)] {
            for stated in member(metrics, list).into_iter().flat_map(elements) {
                let Some(id) = member(stated, "response_id").and_then(as_str) else { continue };
                let at = calls.iter().position(|(known, _)| *known == id).unwrap_or_else(|| {
                    calls.push((id.clone().into_owned(), Call::default()));
                    calls.len() - 1
                });
                let call = &mut calls[at].1;
                call.model = member(stated, "model").and_then(as_str).map(Cow::into_owned);
                if is_usage {
                    call.usage = Some(stated);
                } else {
                    call.latency = member(stated, "latency");
                }
            }
        }
        Self {
            run_id,
            agent: HARNESS.to_owned(),
            calls,
            answers: BTreeMap::new(),
            tools: ToolCalls::default(),
            actions: BTreeMap::new(),
            last: None,
        }
    }

    fn agent(&self) -> Party {
        Party::Agent(self.agent.clone())
    }

    fn start(
        &mut self,
        sheet: &mut Sheet<'_>,
        name: &str,
        document: &mut Fields<'_>,
        at: Option<Moment>,
    ) {
        let metadata = document.take("metadata").unwrap_or_default().into_owned();
        let text = |name: &str| member(&metadata, name).and_then(as_str);
        if let Some(agent_class) = text("agent_class") {
            self.agent = actor_id(&agent_class);
        }
        let model = member(&metadata, "llm_config").and_then(|config| member(config, "model"));
        let mut data = ObjectText::default();
        data.text("run_id", self.run_id.as_str()).text("session_id", name);
        data.text("title", &shortened(name)).text("source", HARNESS);
        data.text("agent_name", &self.agent);
        data.text_opt("model", model.and_then(as_str).as_deref());
        data.text_opt("goal", document.take_text("instruction").as_deref());
        data.raw_opt("instance", document.take("instance").as_deref());
        data.raw_opt("metadata", Some(metadata.as_str()).filter(|text| !text.is_empty()));
        let mut head = sheet.head(&self.run_id, "run.started");
        head.moment = at;
        let fact = Fact::new("run.started", self.agent(), data.finish());
        sheet.tell(&self.run_id, &head, vec![fact], None);
    }

    fn event(&mut self, sheet: &mut Sheet<'_>, text: &str) {
        let mut fields = Fields::of(text);
        let mut head = sheet.head(&self.run_id, text);
        head.uuid = fields.take("id").map(Cow::into_owned);
        head.moment = moment_of(fields.get("timestamp"));
        if head.moment.is_some() {
            fields.take("timestamp");
        }
        let action = fields.take_text("action");
        let observation = fields.take_text("observation");
        head.record_type = action.clone().or_else(|| observation.clone());
        let (mut facts, call_id) = self.answer(&mut fields);
        match (action, observation) {
            (Some(action), _) => facts.extend(self.action(&head, &action, fields, call_id)),
            (None, Some(observation)) => {
                facts.extend(self.observation(&head, &observation, fields))
            }
            (None, None) => {
                facts.push(Fact::new(
                    "foreign.event",
                    Party::Service(HARNESS.to_owned()),
                    text.to_owned(),
                ));
            }
        }
        self.last = head.moment.clone().or(self.last.take());
        sheet.tell(&self.run_id, &head, facts, None);
    }

    /// The model call that an event came of, told with the first of its events.
    fn answer(&mut self, fields: &mut Fields<'_>) -> (Vec<Fact>, Option<String>) {
        let metadata = fields.get("tool_call_metadata").unwrap_or_default().to_owned();
        let response = member(&metadata, "model_response").unwrap_or_default();
        let Some(id) = member(response, "id").and_then(as_str).map(Cow::into_owned) else {
            return (Vec::new(), None);
        };
        if let Some(told) = self.answers.get(&id) {
            // Another tool call of the same answer keeps what it says beside the answer.
            if told == response {
                take_told_answer(fields);
            }
            return (Vec::new(), Some(id));
        }
        self.answers.insert(id.clone(), response.to_owned());
        let mut facts = vec![self.invoked(&id, member(response, "model"))];
        facts.push(self.completed(&id, Some(response)));
        take_told_answer(fields);
        (facts, Some(id))
    }

    fn invoked(&self, id: &str, model: Option<&str>) -> Fact {
        let mut data = ObjectText::default();
        data.text("model_call_id", id).raw_opt("model", model);
        let mut fact = Fact::new("model.invoked", self.agent(), data.finish());
        fact.moment.clone_from(&self.last);
        fact
    }

    fn completed(&self, id: &str, response: Option<&str>) -> Fact {
        let call = self.calls.iter().find(|(known, _)| known == id).map(|(_, call)| call);
        let mut rest = Fields::of(response.unwrap_or_default());
        rest.take("id");
        let in_answer = rest.take_object("usage");
        let stated = call.and_then(|call| call.usage);
        let usage = stated.or(in_answer.as_deref()).map(|usage| {
            let mut both = ObjectText::default();
            both.raw_opt("metrics", stated).raw_opt("response", in_answer.as_deref());
            Inclusive::of(usage).to_usage(Some(&both.finish()))
        });
        let stop_reason = member(response.unwrap_or_default(), "choices")
            .and_then(|choices| elements(choices).next())
            .and_then(|choice| member(choice, "finish_reason"));
        let mut data = ObjectText::default();
        data.text("model_call_id", id);
        match rest.take("model") {
            Some(model) => data.raw("model", &model),
            None => data.text_opt("model", call.and_then(|call| call.model.as_deref())),
        };
        data.raw_opt("stop_reason", stop_reason).raw_opt("usage", usage.as_deref());
        let latency = call.and_then(|call| call.latency);
        data.raw_opt("duration_ms", latency.and_then(seconds_to_ms).as_deref());
        data.raw_opt("latency_s", latency);
        data.raw_opt("output", rest.take("choices").as_deref());
        rest.rest_into(&mut data);
        Fact::new("model.completed", self.agent(), data.finish())
    }

    fn action(
        &mut self,
        head: &Head,
        action: &str,
        mut fields: Fields<'_>,
        call_id: Option<String>,
    ) -> Vec<Fact> {
        let args = fields.take("args").unwrap_or_default().into_owned();
        let mut args = Fields::of(&args);
        let is_user = fields.get_text("source").as_deref() == Some("user");
        fields.take_if("source", |source| source == "\"agent\"" || source == "\"user\"");
        match action {
            "system" => {
                let harness = Party::Service(HARNESS.to_owned());
                vec![said(head, &mut fields, args, &harness, "system", None)]
            }
            "message" if is_user => {
                vec![said(head, &mut fields, args, &Party::User, "prompt", None)]
            }
            "message" | "finish" => {
                let name = self.agent();
                vec![said(head, &mut fields, args, &name, "text", call_id.as_deref())]
            }
            "recall" => {
                let mut data = ObjectText::default();
                data.text_opt("query", args.take_text("query").as_deref());
                args.rest_into(&mut data);
                fields.rest_into(&mut data);
                vec![Fact::new("memory.recalled", self.agent(), data.finish())]
            }
            _ => self.tool_call(head, action, fields, args, call_id),
        }
    }

    fn tool_call(
        &mut self,
        head: &Head,
        action: &str,
        mut fields: Fields<'_>,
        mut args: Fields<'_>,
        call_id: Option<String>,
    ) -> Vec<Fact> {
        let mut facts = Vec::new();
        let thought = args.take_if("thought", |thought| thought != "\"\"" && action != "think");
        if let Some(thought) = thought {
            let mut data = message_data(&message_id(head), &self.agent(), "text", &thought);
            data.text_opt("model_call_id", call_id.as_deref());
            facts.push(Fact::new("message.created", self.agent(), data.finish()));
        }
        let metadata = fields.take("tool_call_metadata").unwrap_or_default().into_owned();
        let mut metadata = Fields::of(&metadata);
        let tool_name = metadata.take_text("function_name").unwrap_or_else(|| action.to_owned());
        let event_id = head.uuid.clone().unwrap_or_default();
        let stated =
            metadata.take_name("tool_call_id").unwrap_or_else(|| format!("action-{event_id}"));
        let id = self.tools.begin(&stated, &tool_name);
        self.actions.insert(event_id, (id.clone(), tool_name.clone()));
        let mut data = invoked(&id, &tool_name, args.rest().as_deref(), call_id.as_deref());
        metadata.rest_into(&mut data);
        fields.rest_into(&mut data);
        facts.push(Fact::new("tool.invoked", self.agent(), data.finish()));
        facts
    }

    fn observation(&mut self, head: &Head, observation: &str, mut fields: Fields<'_>) -> Vec<Fact> {
        let content = fields.take("content");
        let text = content.as_deref();
        fields.take_if("message", |message| Some(message) == text);
        fields.take_if("source", |source| source == "\"agent\"" || source == "\"environment\"");
        let cause = fields.take("cause").map(Cow::into_owned);
        let Some((id, tool_name)) = cause.as_ref().and_then(|cause| self.actions.get(cause)) else {
            return vec![self.remark(head, observation, text, fields, cause)];
        };
        let says_error = text.and_then(as_str).is_some_and(|text| text.starts_with("ERROR:"));
        let has_failed = fields.get("success").and_then(as_bool) == Some(false)
            || matches!(observation, "error" | "user_rejected")
            || says_error;
        let metadata = fields.take("tool_call_metadata").unwrap_or_default().into_owned();
        let mut metadata = Fields::of(&metadata);
        metadata.take_if("function_name", |name| as_str(name).as_deref() == Some(tool_name));
        metadata.take_if("tool_call_id", |stated| as_str(stated).as_deref() == Some(id));
        metadata.take("total_calls_in_response");
        let mut data = ended(id, Some(tool_name), has_failed, text, None);
        metadata.rest_into(&mut data);
        fields.rest_into(&mut data);
        let event_type = if has_failed { "tool.failed" } else { "tool.succeeded" };
        vec![Fact::new(event_type, self.agent(), data.finish())]
    }

    /// An observation that ends no tool call.
    fn remark(
        &self,
        head: &Head,
        observation: &str,
        content: Option<&str>,
        fields: Fields<'_>,
        cause: Option<String>,
    ) -> Fact {
        let harness = Party::Service(HARNESS.to_owned());
        let (event_type, mut data) = if observation == "error" {
            let mut data = ObjectText::default();
            let mut error = ObjectText::default();
            error.raw_opt("message", content);
            data.text("error_name", observation).raw("error", &error.finish());
            ("error.reported", data)
        } else {
            let content = content.unwrap_or("\"\"");
            ("message.created", message_data(&message_id(head), &harness, "system", content))
        };
        data.raw_opt("cause", cause.as_deref());
        fields.rest_into(&mut data);
        Fact::new(event_type, harness, data.finish())
    }

    /// Calls that only the metrics know: their answers led to no event.
    fn calls_outside_the_history(&mut self, sheet: &mut Sheet<'_>) {
        for (id, _) in &self.calls {
            if self.answers.contains_key(id) {
                continue;
            }
            let mut head = sheet.head(&self.run_id, id);
            head.record_type = Some("metrics".to_owned());
            let facts = vec![self.invoked(id, None), self.completed(id, None)];
            sheet.tell(&self.run_id, &head, facts, None);
        }
    }

    fn end(&self, sheet: &mut Sheet<'_>, mut document: Fields<'_>, metrics: &str) {
        let mut head = sheet.head(&self.run_id, "end");
        head.moment.clone_from(&self.last);
        let error = document.take("error");
        let message = error.as_deref().and_then(as_str);
        let mut data = ObjectText::default();
        data.text("run_id", self.run_id.as_str());
        data.text_opt("message", message.as_deref());
        data.raw_opt("output", document.take("test_result").as_deref());
        document.rest_into(&mut data);
        let has_failed = error.as_deref().is_some_and(|error| kind(error) != JsonKind::Null);
        let event_type = if has_failed { "run.failed" } else { "run.completed" };
        let ended = Fact::new(event_type, self.agent(), data.finish());
        sheet.tell(&self.run_id, &head, vec![vendor_report(metrics), ended], None);
    }
}

/// What a told answer repeats: the answer itself.
fn take_told_answer(fields: &mut Fields<'_>) {
    let Some(metadata) = fields.take("tool_call_metadata") else { return };
    let mut rest = Fields::of(&metadata);
    rest.take("model_response");
    let rest = rest.rest();
    fields.put_back("tool_call_metadata", rest);
}

/// A message with its content from the arguments, and everything else that the event says.
fn said(
    head: &Head,
    fields: &mut Fields<'_>,
    mut args: Fields<'_>,
    party: &Party,
    message_kind: &str,
    call_id: Option<&str>,
) -> Fact {
    let message = fields.take("message");
    let content = args.take("content").or_else(|| args.take("final_thought"));
    let content = content.or_else(|| message.clone()).unwrap_or_else(|| "\"\"".into());
    let mut data = message_data(&message_id(head), party, message_kind, &content);
    data.text_opt("model_call_id", call_id);
    // The event's message repeats its content or its thought.
    let repeats = |text: &str| text == content || args.get("thought") == Some(text);
    data.raw_opt("message", message.as_deref().filter(|text| !repeats(text)));
    args.rest_into(&mut data);
    fields.rest_into(&mut data);
    Fact::new("message.created", party.clone(), data.finish())
}

/// What the run's metrics say of all of it.
fn vendor_report(metrics: &str) -> Fact {
    let mut rest = Fields::of(metrics);
    let has_costs = rest.get("costs").is_some_and(|costs| elements(costs).next().is_some());
    let cost = rest.get("accumulated_cost").and_then(dollars_to_micros);
    let cost = cost.filter(|micros| *micros > 0 || has_costs);
    let usage = rest.take("accumulated_token_usage");
    for told in ["response_latencies", "token_usages"] {
        rest.take(told);
    }
    let mut data = ObjectText::default();
    data.text("scope", "run").number_opt("cost_micros", cost);
    let usage = usage.map(|usage| Inclusive::of(&usage).to_usage(Some(&usage)));
    data.raw_opt("usage", usage.as_deref());
    rest.rest_into(&mut data);
    Fact::new("usage.reported", Party::Service(HARNESS.to_owned()), data.finish())
}
