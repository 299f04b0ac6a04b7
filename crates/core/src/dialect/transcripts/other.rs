//! Records that are neither prompt nor answer: notes of the program, summaries, a run's result, and
//! whatever else a version writes.

use std::borrow::Cow;

use super::fields::{Fields, ObjectText};
use super::importer::Desk;
use super::money::dollars_to_micros;
use super::record::{Fact, MAIN_AGENT, Party, Record};
use super::run::{environment, is_init};
use super::usage::canonical_usage;
use crate::json::{JsonKind, kind};

/// Translates a record of type `system`.
pub(super) fn system(record: &mut Record<'_>) -> Vec<Fact> {
    let is_init = is_init(record);
    let environment = if is_init { environment(record) } else { None };
    let fields = &mut record.fields;
    let is_string = |value: &str| kind(value) == JsonKind::String;
    let content =
        fields.take_if("content", is_string).or_else(|| fields.take_if("stdout", is_string));
    let mut data = ObjectText::default();
    data.text("message_id", &record.message_id);
    data.text("sender_type", Party::Harness.type_name()).text("sender_id", MAIN_AGENT);
    data.text("kind", "system").raw("content_md", content.as_deref().unwrap_or("\"\""));
    data.text_opt("subtype", if is_init { Some("init") } else { None });
    data.raw_opt("environment", environment.as_deref());
    for (theirs, ours) in [
        ("subtype", "subtype"),
        ("level", "level"),
        ("toolUseID", "tool_call_id"),
        ("parentUuid", "parent_message_id"),
        ("hook_name", "hook_name"),
        ("hook_event", "hook_event"),
        ("stderr", "stderr"),
    ] {
        data.text_opt(ours, fields.take_text(theirs).as_deref());
    }
    data.number_opt("exit_code", fields.take_u64("exit_code"));
    fields.take_if("isMeta", |value| value == "false");
    vec![Fact::new("message.created", Party::Harness, data.finish())]
}

/// Translates a record of type `summary`.
pub(super) fn summary(record: &mut Record<'_>) -> Vec<Fact> {
    let text = record.fields.take_if("summary", |value| kind(value) == JsonKind::String);
    let mut data = ObjectText::default();
    data.text("message_id", &record.message_id);
    data.text("sender_type", Party::Harness.type_name()).text("sender_id", MAIN_AGENT);
    data.text("kind", "summary").raw("content_md", text.as_deref().unwrap_or("\"\""));
    data.text_opt("parent_message_id", record.fields.take_name("leafUuid").as_deref());
    vec![Fact::new("message.created", Party::Harness, data.finish())]
}

/// Translates the `result` record that ends a headless run.
pub(super) fn result(desk: &mut Desk<'_>, record: &mut Record<'_>) -> Vec<Fact> {
    let mut facts = desk.run.calls.state_all();
    let run_id = desk.run.run_id.as_str();
    let fields = &mut record.fields;
    let cost = fields.take_if("total_cost_usd", |cost| dollars_to_micros(cost).is_some());
    let cost = Cost {
        micros: cost.as_deref().and_then(dollars_to_micros),
        stated: cost.map(Cow::into_owned),
        duration_ms: fields.take_u64("duration_ms"),
    };
    desk.totals.saw_run_cost(run_id, cost.micros);
    facts.push(end_of_run(run_id, fields, &cost));
    facts.push(vendor_report(fields, &cost));
    facts
}

/// What a headless run cost, as its vendor says.
struct Cost {
    micros: Option<i64>,
    stated: Option<String>,
    duration_ms: Option<u64>,
}

fn end_of_run(run_id: &str, fields: &mut Fields<'_>, cost: &Cost) -> Fact {
    let subtype = fields.take_text("subtype");
    let is_error = fields.take_if("is_error", |value| value == "true" || value == "false");
    let is_failure = is_error.as_deref() == Some("true")
        || subtype.as_deref().is_some_and(|word| word != "success");
    let mut data = ObjectText::default();
    data.text("run_id", run_id);
    if is_failure {
        let output = fields.take_name("result");
        let message = output.as_deref().or(subtype.as_deref());
        data.text("message", message.unwrap_or("the run failed"));
        let mut error = ObjectText::default();
        error.text_opt("subtype", subtype.as_deref());
        error.raw_opt("is_error", is_error.as_deref());
        error.raw_opt("errors", fields.take("errors").as_deref());
        data.raw("error", &error.finish());
    } else {
        data.text_opt("subtype", subtype.as_deref());
    }
    data.raw_opt("output", fields.take("result").as_deref());
    data.number_opt("duration_ms", cost.duration_ms);
    data.number_opt("num_turns", fields.take_u64("num_turns"));
    data.number_opt("cost_micros", cost.micros);
    let denials = fields.take("permission_denials");
    data.raw_opt("permission_denials", denials.as_deref());
    let event_type = if is_failure { "run.failed" } else { "run.completed" };
    Fact::new(event_type, Party::Agent(MAIN_AGENT.to_owned()), data.finish())
}

fn vendor_report(fields: &mut Fields<'_>, cost: &Cost) -> Fact {
    let usage = fields.take_object("usage");
    let mut data = ObjectText::default();
    data.text("scope", "run").number_opt("cost_micros", cost.micros);
    data.raw_opt("cost_usd", cost.stated.as_deref());
    data.number_opt("duration_ms", cost.duration_ms);
    data.raw_opt("duration_api_ms", fields.take("duration_api_ms").as_deref());
    data.raw_opt("usage", usage.as_deref().map(canonical_usage).as_deref());
    data.raw_opt("model_usage", fields.take("modelUsage").as_deref());
    Fact::new("usage.reported", Party::Harness, data.finish())
}

/// Translates a record that names no type, as some usage trackers keep them: a message's usage and price.
pub(super) fn bare_usage(desk: &mut Desk<'_>, record: &mut Record<'_>) -> Vec<Fact> {
    let Some(message) = record.fields.take_object("message").map(Cow::into_owned) else {
        return foreign(record);
    };
    let mut message = Fields::of(&message);
    let Some(usage) = message.take_object("usage") else {
        return foreign(record);
    };
    let cost = record.fields.take_if("costUSD", |cost| dollars_to_micros(cost).is_some());
    let cost_micros = cost.as_deref().and_then(dollars_to_micros);
    desk.totals.saw_part_cost(desk.run.run_id.as_str(), cost_micros);
    let mut data = ObjectText::default();
    data.text("scope", "message").text_opt("model_call_id", message.take_text("id").as_deref());
    data.text_opt("model", message.take_text("model").as_deref());
    data.number_opt("cost_micros", cost_micros).raw_opt("cost_usd", cost.as_deref());
    data.raw("usage", &canonical_usage(&usage));
    data.text_opt("request_id", record.fields.take_text("requestId").as_deref());
    record.fields.put_back("message", message.rest());
    vec![Fact::new("usage.reported", Party::Harness, data.finish())]
}

/// Keeps a record of a type that we have no word for as it is.
pub(super) fn foreign(record: &mut Record<'_>) -> Vec<Fact> {
    record.fields = Fields::default();
    vec![Fact::new("foreign.event", Party::Harness, record.text.to_owned())]
}
