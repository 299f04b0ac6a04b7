//! Trace exports of Langfuse: a trace and its observations, which come in no order.
//!
//! Generations and embeddings are model calls, tools are tool calls, agents begin and stop; all other
//! observations are spans. Whether input tokens include those of the cache depends on what sent them:
//! the observation's total tells.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::super::fields::{Fields, ObjectText};
use super::super::money::{DollarSum, dollars_to_micros};
use super::super::record::{Fact, Head, Moment, Party};
use super::super::run::{run_of_session, shortened};
use super::Reader;
use super::chat::{ended, invoked};
use super::sheet::{Sheet, actor_id, moment_of, ms_between};
use crate::id::RunId;
use crate::json::{JsonKind, as_str, as_u64, elements, kind, member};
use crate::time::Timestamp;

const HARNESS: &str = "langfuse";

/// Reads trace exports.
#[derive(Debug)]
pub(super) struct Langfuse;

impl Reader for Langfuse {
    fn record(&mut self, sheet: &mut Sheet<'_>, text: &str) {
        let mut document = Fields::of(text);
        let observations = document.take("observations").unwrap_or_default().into_owned();
        let trace = document.take_object("trace").map(Cow::into_owned);
        let mut trace = trace.as_deref().map_or_else(|| std::mem::take(&mut document), Fields::of);
        let Some(export) = Export::of(&mut trace, &observations, sheet.source_name) else { return };
        export.start(sheet, &mut trace);
        let mut told: Vec<Told> =
            elements(&observations).flat_map(|text| export.told(sheet, text)).collect();
        // Begins of parents before those of their children, ends the other way round.
        told.sort_by_key(|told| (told.at, told.rank));
        let mut ending =
            Ending { has_failed: Export::has_failed(&observations), ..Ending::default() };
        for told in told {
            ending.cost.add(told.cost.as_deref());
            ending.at = ending.at.max(told.at);
            sheet.tell(&export.run_id, &told.head, vec![told.fact], told.residue);
        }
        export.end(sheet, trace, &ending);
        if let Some(rest) = document.rest() {
            let head = sheet.head(&export.run_id, "rest");
            sheet.tell(&export.run_id, &head, Vec::new(), Some(rest));
        }
    }
}

/// A trace while its observations are read.
#[derive(Debug)]
struct Export {
    run_id: RunId,
    trace_id: String,
    /// The agent of what no agent's observation holds.
    root_agent: String,
    /// Of each observation: its parent, and its name where it is an agent.
    places: BTreeMap<String, (Option<String>, Option<String>)>,
}

/// What the observations say of the end of a trace.
#[derive(Debug, Default)]
struct Ending {
    cost: DollarSum,
    at: Option<i64>,
    has_failed: bool,
}

/// A fact that waits for its place in time.
#[derive(Debug)]
struct Told {
    at: Option<i64>,
    rank: i64,
    head: Head,
    fact: Fact,
    cost: Option<String>,
    residue: Option<String>,
}

impl Export {
    fn of(trace: &mut Fields<'_>, observations: &str, source_name: &str) -> Option<Self> {
        let text =
            |object: &str, name: &str| member(object, name).and_then(as_str).map(Cow::into_owned);
        let first = elements(observations).next().unwrap_or_default();
        let trace_id = trace.take_name("id").or_else(|| text(first, "traceId"));
        let trace_id = trace_id.unwrap_or_else(|| source_name.to_owned());
        let session = trace.take_name("sessionId");
        let run_id = run_of_session(session.as_deref().unwrap_or(&trace_id))?;
        let name = trace.get_text("name").filter(|name| !name.is_empty());
        let root_agent = actor_id(name.as_deref().unwrap_or(HARNESS));
        let places = elements(observations).filter_map(|observation| {
            let is_agent = text(observation, "type").as_deref() == Some("AGENT");
            let name = text(observation, "name").filter(|_| is_agent);
            let place = (text(observation, "parentObservationId"), name.as_deref().map(actor_id));
            Some((text(observation, "id")?, place))
        });
        Some(Self { run_id, trace_id, root_agent, places: places.collect() })
    }

    /// The agent that an observation belongs to, and how deep it lies.
    fn place(&self, id: Option<&str>) -> (String, i64) {
        let mut agent = None;
        let (mut at, mut depth) = (id, 0);
        while let Some((parent, name)) = at.and_then(|id| self.places.get(id)) {
            agent = agent.or(name.as_deref());
            at = parent.as_deref();
            depth += 1;
            // A ring of parents is no tree.
            if depth > 1_000 {
                break;
            }
        }
        (agent.unwrap_or(&self.root_agent).to_owned(), depth)
    }

    fn start(&self, sheet: &mut Sheet<'_>, trace: &mut Fields<'_>) {
        let name = trace.take_text("name");
        let mut data = ObjectText::default();
        data.text("run_id", self.run_id.as_str()).text("session_id", self.run_id.as_str());
        data.text_opt("title", name.as_deref().map(shortened).as_deref());
        data.text("source", HARNESS).text("agent_name", &self.root_agent);
        data.text("trace_id", &self.trace_id);
        let is_told = |value: &str| value != "null" && value != "[]" && value != "{}";
        data.raw_opt("input", trace.take_if("input", is_told).as_deref());
        let mut head = sheet.head(&self.run_id, "run.started");
        head.moment = moment_of(trace.get("timestamp"));
        head.record_type = Some("trace".to_owned());
        let fact = Fact::new("run.started", Party::Agent(self.root_agent.clone()), data.finish());
        sheet.tell(&self.run_id, &head, vec![fact], None);
    }

    /// What one observation says: its beginning and its end, or the whole of a span.
    fn told(&self, sheet: &mut Sheet<'_>, text: &str) -> Vec<Told> {
        let mut fields = Fields::of(text);
        drop_defaults(&mut fields);
        // An observation is exported again when it has ended, so it is known by its id.
        let id = fields.get_text("id").map(Cow::into_owned);
        let mut head = sheet.head(&self.run_id, id.as_deref().unwrap_or(text));
        let (began, ended) = (moment_of(fields.get("startTime")), moment_of(fields.get("endTime")));
        let kind_word = fields.take_text("type").unwrap_or_default();
        head.record_type = Some(kind_word.clone());
        head.uuid = id;
        let (agent, depth) = self.place(head.uuid.as_deref());
        fields.take_if("traceId", |id| as_str(id).as_deref() == Some(&self.trace_id));
        let observation = Observation { began, ended, agent, depth, head, has_failed: false };
        observation.told(&kind_word, fields)
    }

    /// Whether an observation without a parent says that it failed.
    fn has_failed(observations: &str) -> bool {
        elements(observations).any(|observation| {
            let is_root = member(observation, "parentObservationId").is_none_or(|id| id == "null");
            is_root && member(observation, "level") == Some("\"ERROR\"")
        })
    }

    fn end(&self, sheet: &mut Sheet<'_>, mut trace: Fields<'_>, ending: &Ending) {
        let mut head = sheet.head(&self.run_id, "end");
        head.record_type = Some("trace".to_owned());
        let mut facts = Vec::new();
        let scores = trace.take_if("scores", |scores| kind(scores) == JsonKind::Array);
        for score in scores.as_deref().into_iter().flat_map(elements) {
            facts.push(evaluation(score));
        }
        let mut data = ObjectText::default();
        data.text("run_id", self.run_id.as_str());
        data.raw_opt("output", trace.take_if("output", |output| output != "null").as_deref());
        data.number_opt("cost_micros", ending.cost.micros());
        trace.rest_into(&mut data);
        let agent = Party::Agent(self.root_agent.clone());
        let event_type = if ending.has_failed { "run.failed" } else { "run.completed" };
        facts.push(Fact::new(event_type, agent, data.finish()));
        let at = ending.at.map(Timestamp::from_micros);
        head.moment = at.map(|at| Moment { at, text: None });
        sheet.tell(&self.run_id, &head, facts, None);
    }
}

/// Members that an export writes with every observation whether or not there is anything to say.
fn drop_defaults(fields: &mut Fields<'_>) {
    let is_default = |value: &str| matches!(value, "null" | "{}" | "[]" | "\"DEFAULT\"" | "\"{}\"");
    for name in [
        "completionStartTime",
        "costDetails",
        "inputCost",
        "input",
        "internalModel",
        "internalModelId",
        "level",
        "metadata",
        "model",
        "modelParameters",
        "output",
        "outputCost",
        "parentObservationId",
        "promptId",
        "promptName",
        "promptVersion",
        "providedCostDetails",
        "statusMessage",
        "timeToFirstToken",
        "toolCallNames",
        "toolCalls",
        "toolDefinitions",
        "usageDetails",
        "usagePricingTierId",
        "usagePricingTierName",
        "version",
    ] {
        fields.take_if(name, is_default);
    }
    for name in ["inputUsage", "outputUsage", "totalUsage", "totalCost"] {
        fields.take_if(name, |value| value == "0");
    }
}

/// One observation with what all kinds of them have.
#[derive(Debug)]
struct Observation {
    began: Option<Moment>,
    ended: Option<Moment>,
    agent: String,
    depth: i64,
    head: Head,
    has_failed: bool,
}

impl Observation {
    fn told(mut self, kind_word: &str, mut fields: Fields<'_>) -> Vec<Told> {
        self.has_failed = fields.get_text("level").as_deref() == Some("ERROR");
        let id = fields.take_text("id").unwrap_or_default();
        let is_ended = self.ended.is_some();
        match kind_word {
            "GENERATION" | "EMBEDDING" => {
                let cost = stated_cost(&fields);
                let (begin, end) = self.model_call(&id, &mut fields, cost.as_deref());
                self.pair(begin, is_ended.then_some(end), cost, &fields)
            }
            "TOOL" => {
                let (begin, end) = self.tool_call(&id, &mut fields);
                self.pair(begin, is_ended.then_some(end), None, &fields)
            }
            "AGENT" => {
                let (begin, end) = self.agent_words(&id, &mut fields);
                self.pair(begin, is_ended.then_some(end), None, &fields)
            }
            _ => {
                let fact = self.span(&id, kind_word, fields);
                vec![self.at(self.began.clone(), self.depth, fact)]
            }
        }
    }

    fn party(&self) -> Party {
        Party::Agent(self.agent.clone())
    }

    fn at(&self, moment: Option<Moment>, rank: i64, mut fact: Fact) -> Told {
        fact.moment.clone_from(&moment);
        let at = moment.map(|moment| moment.at.as_micros());
        Told { at, rank, head: self.head.clone(), fact, cost: None, residue: None }
    }

    /// The two facts of an observation that has an end. What nobody took goes with the last.
    fn pair(
        &self,
        begin: Fact,
        end: Option<Fact>,
        cost: Option<String>,
        fields: &Fields<'_>,
    ) -> Vec<Told> {
        let mut told = vec![self.at(self.began.clone(), self.depth, begin)];
        if let Some(end) = end {
            let mut end = self.at(self.ended.clone(), i64::MAX - self.depth, end);
            // Two facts of one entry differ in their key.
            end.head.key = crate::hash::sha256(&[b"end", self.head.key.as_bytes()]);
            told.push(end);
        }
        if let Some(last) = told.last_mut() {
            last.cost = cost;
            last.residue = fields.rest();
        }
        told
    }

    fn model_call(&self, id: &str, fields: &mut Fields<'_>, cost: Option<&str>) -> (Fact, Fact) {
        let model = fields.take_text("model");
        let mut data = self.words("model_call_id", id, fields);
        data.text_opt("model", model.as_deref());
        data.raw_opt("input", fields.take("input").as_deref());
        data.raw_opt("model_parameters", fields.take("modelParameters").as_deref());
        let begin = Fact::new("model.invoked", self.party(), data.finish());
        let mut data = ObjectText::default();
        data.text("model_call_id", id).text_opt("model", model.as_deref());
        let details = fields.take_object("usageDetails").or_else(|| fields.take_object("usage"));
        data.raw_opt("usage", details.as_deref().map(usage).as_deref());
        data.number_opt("cost_micros", cost.and_then(dollars_to_micros));
        data.raw_opt("cost_usd", cost);
        self.outcome(&mut data, fields);
        data.raw_opt("cost_details", fields.take("costDetails").as_deref());
        for repeated in
            ["inputUsage", "outputUsage", "totalUsage", "totalCost", "calculatedTotalCost"]
        {
            fields.take(repeated);
        }
        let event_type = if self.has_failed { "model.failed" } else { "model.completed" };
        (begin, Fact::new(event_type, self.party(), data.finish()))
    }

    fn tool_call(&self, id: &str, fields: &mut Fields<'_>) -> (Fact, Fact) {
        let name = fields.take_text("name").unwrap_or_default();
        let input = fields.take("input");
        let mut data = invoked(id, &name, input.as_deref(), None);
        data.text_opt("parent_span_id", fields.take_text("parentObservationId").as_deref());
        let begin = Fact::new("tool.invoked", self.party(), data.finish());
        let output = fields.take("output");
        let duration = self.duration_ms().map(|ms| ms.to_string());
        let mut data = ended(id, Some(&name), false, output.as_deref(), duration.as_deref());
        data.text_opt("message", fields.take_text("statusMessage").as_deref());
        data.raw_opt("metadata", fields.take("metadata").as_deref());
        let event_type = if self.has_failed { "tool.failed" } else { "tool.succeeded" };
        (begin, Fact::new(event_type, self.party(), data.finish()))
    }

    fn agent_words(&self, id: &str, fields: &mut Fields<'_>) -> (Fact, Fact) {
        let mut data = self.words("agent_id", &self.agent, fields);
        data.text("span_id", id);
        data.raw_opt("input", fields.take("input").as_deref());
        let begin = Fact::new("agent.started", self.party(), data.finish());
        let mut data = ObjectText::default();
        data.text("agent_id", &self.agent);
        data.raw("success", if self.has_failed { "false" } else { "true" }).text("span_id", id);
        self.outcome(&mut data, fields);
        (begin, Fact::new("agent.stopped", self.party(), data.finish()))
    }

    /// The first words of a beginning: its id, its name, its parent.
    fn words(&self, id_name: &str, id: &str, fields: &mut Fields<'_>) -> ObjectText {
        let mut data = ObjectText::default();
        data.text(id_name, id).text_opt("name", fields.take_text("name").as_deref());
        data.text_opt("parent_span_id", fields.take_text("parentObservationId").as_deref());
        data
    }

    fn outcome(&self, data: &mut ObjectText, fields: &mut Fields<'_>) {
        data.number_opt("duration_ms", self.duration_ms());
        data.text_opt("message", fields.take_text("statusMessage").as_deref());
        data.raw_opt("output", fields.take("output").as_deref());
        data.raw_opt("metadata", fields.take("metadata").as_deref());
    }

    fn duration_ms(&self) -> Option<i64> {
        ms_between(self.began.as_ref(), self.ended.as_ref())
    }

    fn span(&self, id: &str, kind_word: &str, mut fields: Fields<'_>) -> Fact {
        let mut data = ObjectText::default();
        data.text("span_id", id);
        data.text_opt("parent_span_id", fields.take_text("parentObservationId").as_deref());
        data.text_opt("name", fields.take_text("name").as_deref()).text("kind", kind_word);
        data.raw_opt("start_time", fields.take("startTime").as_deref());
        data.raw_opt("end_time", fields.take("endTime").as_deref());
        data.number_opt("duration_ms", self.duration_ms());
        fields.rest_into(&mut data);
        Fact::new("span.recorded", self.party(), data.finish())
    }
}

/// What the vendor says that an observation cost, as it is written; 0 says that no price was known.
fn stated_cost(fields: &Fields<'_>) -> Option<String> {
    let total = fields.get("costDetails").and_then(|details| member(details, "total"));
    let total = total.or_else(|| fields.get("totalCost"));
    let total = total.or_else(|| fields.get("calculatedTotalCost"))?;
    dollars_to_micros(total).filter(|_| total.bytes().any(|byte| matches!(byte, b'1'..=b'9')))?;
    Some(total.to_owned())
}

/// Our usage of a generation's counts. `input` excludes the cache where that is a count of its own.
/// Where the counts come from OpenAI's names it may include it, which the total tells.
fn usage(details: &str) -> String {
    let count = |name: &str| member(details, name).and_then(as_u64);
    let first = |names: &[&str]| names.iter().find_map(|name| count(name));
    let (input, output) = (count("input"), count("output"));
    let own_read = first(&["input_cache_read", "input_cached_tokens", "cache_read_input_tokens"]);
    let read = own_read.or_else(|| count("prompt_details.cache_read"));
    let own_write = first(&["input_cache_creation", "cache_creation_input_tokens"]);
    let write = own_write.or_else(|| count("prompt_details.cache_write"));
    let cached = read.unwrap_or(0).saturating_add(write.unwrap_or(0));
    let sum = input.unwrap_or(0).saturating_add(output.unwrap_or(0));
    let is_inclusive = match count("total") {
        Some(total) if total == sum => true,
        Some(total) if total == sum.saturating_add(cached) => false,
        _ => own_read.is_none() && own_write.is_none(),
    };
    let excluded = if is_inclusive { cached } else { 0 };
    let mut usage = ObjectText::default();
    usage.number_opt(
        "input_tokens",
        input.map(|input| input.checked_sub(excluded).unwrap_or(input)),
    );
    usage.number_opt("output_tokens", output);
    usage.number_opt("cache_read_tokens", read).number_opt("cache_write_tokens", write);
    usage.raw("stated", details);
    usage.finish()
}

/// A score that somebody gave to the trace.
fn evaluation(score: &str) -> Fact {
    let mut fields = Fields::of(score);
    let source = fields.get_text("source").map(Cow::into_owned);
    let mut data = ObjectText::default();
    data.text_opt("name", fields.take_text("name").as_deref());
    data.raw_opt("score", fields.take("value").as_deref());
    data.text_opt("label", fields.take_text("stringValue").as_deref());
    data.text_opt("explanation", fields.take_text("comment").as_deref());
    fields.rest_into(&mut data);
    let party = match source.as_deref() {
        Some("ANNOTATION") => Party::User,
        _ => Party::Service(HARNESS.to_owned()),
    };
    Fact::new("evaluation.reported", party, data.finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::price::TokenUsage;

    #[test]
    fn the_total_tells_whether_the_input_includes_the_cache() {
        for (details, input, read, write) in [
            (r#"{"input":100,"output":5,"total":105,"input_cache_read":60}"#, 40, 60, 0),
            (r#"{"input":40,"output":5,"total":105,"input_cache_read":60}"#, 40, 60, 0),
            (
                r#"{"input":40,"output":5,"input_cache_read":60,"input_cache_creation":7}"#,
                40,
                60,
                7,
            ),
            (r#"{"input":100,"output":5,"prompt_details.cache_read":60}"#, 40, 60, 0),
            (r#"{"input":100,"output":5,"total":105}"#, 100, 0, 0),
            (r#"{"input":10,"output":5,"total":15,"input_cache_read":60}"#, 10, 60, 0),
        ] {
            let ours = usage(details);
            let counts = TokenUsage::from_json(&ours);
            assert_eq!(
                (counts.input, counts.cache_read, counts.cache_write),
                (input, read, write),
                "{details}"
            );
            assert_eq!(member(&ours, "stated"), Some(details));
        }
    }
}
