//! What a fact about agents needs beyond what the catalog's spellings move: ids of calls, tokens,
//! durations and what went wrong.

use super::flattened;
use super::frame::{Frame, Source, add_text, first_text, put_text};
use super::names::{Name, OPENINFERENCE};
use super::span::Span;
use super::usage::{self, Used};
use crate::catalog::ForeignPlace;
use crate::dialect::translation::homes::Homes;
use crate::dialect::translation::parts::Parts;
use crate::id::RunId;
use crate::json::{Json, JsonKind, as_str, elements, kind, member};

/// Where programs name a call of a tool.
pub(super) const TOOL_CALLS: [&str; 5] =
    ["gen_ai.tool.call.id", "tool_use_id", "tool_call.id", "tool.id", "call_id"];
pub(super) const TOOL_NAMES: [&str; 5] =
    ["gen_ai.tool.name", "tool_name", "tool.name", "mcp.tool.name", "traceloop.entity.name"];
/// Where programs name a call of a model.
pub(super) const MODEL_CALLS: [&str; 2] = ["request_id", "gen_ai.response.id"];
pub(super) const MODELS: [&str; 5] = [
    "gen_ai.response.model",
    "gen_ai.request.model",
    "model",
    "llm.model_name",
    "embedding.model_name",
];
const PROVIDERS: [&str; 4] =
    ["gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system"];
/// Characters of a title: it is for a line on a screen, and the input has the whole.
const TITLE_CHARACTERS_MAX: usize = 120;

/// Whether a place of a spelling is an attribute of that name.
pub(super) fn is_member(place: &ForeignPlace, name: &str) -> bool {
    matches!(place, ForeignPlace::Member(member) if member == name)
}

/// Takes out what the type of a fact says already, and gives the part of an agent's name that Claude
/// Code calls `agent_id` the name that it has in hooks: `agent_id` is the whole everywhere else.
pub(super) fn rename(frame: &Frame<'_>, attributes: &mut Parts<'_>) {
    for name in ["gen_ai.operation.name", "openinference.span.kind"] {
        attributes.take(name);
    }
    if frame.source == Source::ClaudeCode
        && !attributes.has("subagent_id")
        && let Some(id) = attributes.take("agent_id")
    {
        attributes.insert("subagent_id", id);
    }
}

/// Takes what was used out of the attributes of a model's call, or of an agent or a run for what all
/// its calls used, in the normal form; says where it contradicts itself.
pub(super) fn take_figures(
    event_type: &str,
    name: &Name,
    frame: &Frame<'_>,
    attributes: &mut Parts<'_>,
    data: &mut Parts<'_>,
) -> Vec<String> {
    let is_call = matches!(event_type, "model.completed" | "model.failed");
    let is_sum = matches!(event_type, "agent.stopped" | "run.completed" | "run.failed");
    if !is_call && !is_sum {
        return Vec::new();
    }
    flattened::take(attributes, data);
    let own = match (frame.source, name.dialect) {
        (_, OPENINFERENCE) => usage::OPENINFERENCE,
        (Source::ClaudeCode, _) => usage::ANTHROPIC,
        (Source::Codex, _) => usage::CODEX,
        (Source::Other, _) => usage::GEN_AI,
    };
    let mut used = usage::take(attributes, &own);
    if used.usage.is_none() {
        used = usage::take(attributes, &usage::GEN_AI);
    }
    let Used { usage, contradictions } = used;
    if let Some(usage) = usage {
        data.insert("usage", usage);
    }
    if let Some(micros) = usage::take_cost(attributes) {
        data.insert("cost_micros", micros.to_string());
    }
    if let Some(reason) = take_stop_reason(attributes) {
        data.insert_text("stop_reason", &reason);
    }
    contradictions
}

/// Puts members into a payload, in the place of whatever attributes of their names said.
pub(super) fn put_all(data: &mut Parts<'_>, told: &Parts<'_>) {
    for (name, value) in told.iter() {
        data.set_path(&[name.as_ref()], value.into_owned());
    }
}

/// Why the model stopped: the only one of a list, or the word.
fn take_stop_reason(attributes: &mut Parts<'_>) -> Option<String> {
    let reasons = attributes.get("gen_ai.response.finish_reasons")?.into_owned();
    let mut of_list = elements(&reasons).filter_map(as_str);
    let reason = match (of_list.next(), of_list.next()) {
        (Some(only), None) => only.into_owned(),
        _ => as_str(&reasons)?.into_owned(),
    };
    attributes.take("gen_ai.response.finish_reasons");
    Some(reason)
}

/// What a call is about, in one line: the member of its input that says most.
fn title(input: &str) -> Option<String> {
    const TELLING: [&str; 8] =
        ["description", "command", "file_path", "path", "pattern", "query", "url", "prompt"];
    // Many programs write the input as a text of JSON.
    let parsed = match as_str(input) {
        Some(text) => Json::parse(text.as_bytes()).ok()?.into_string(),
        None => input.to_owned(),
    };
    if kind(&parsed) != JsonKind::Object {
        return None;
    }
    let text = TELLING.into_iter().find_map(|name| member(&parsed, name).and_then(as_str))?;
    let line = text.lines().find(|line| !line.trim().is_empty())?.trim();
    Some(line.chars().take(TITLE_CHARACTERS_MAX).collect())
}

/// What a fact is about.
pub(super) struct About<'a> {
    pub(super) span: &'a Span,
    pub(super) frame: &'a Frame<'a>,
    pub(super) agent: Option<&'a str>,
}

impl About<'_> {
    /// Adds what readers rely on.
    pub(super) fn complete(
        &self,
        event_type: &str,
        run_id: Option<&RunId>,
        homes: &mut Homes,
        data: &mut Parts<'_>,
    ) {
        let span = self.span;
        put_text(data, "trace_id", &span.trace_id);
        put_text(data, "span_id", &span.span_id);
        data.take("parent_span_id");
        add_text(data, "parent_span_id", span.parent_span_id.as_deref());
        let (family, is_beginning) = match event_type.split_once('.') {
            Some((family, end)) => (family, matches!(end, "started" | "created" | "invoked")),
            None => (event_type, false),
        };
        match family {
            "model" => self.model(data),
            "tool" => self.tool(event_type, data),
            "agent" => self.agent(event_type, data),
            "run" => self.run(event_type, run_id, data),
            "step" => {
                put_text(data, "step_id", &span.span_id);
                homes.take("step_id", &format!("\"{}\"", span.span_id));
                add_text(data, "title", Some(&span.name));
            }
            _ => {}
        }
        if !is_beginning {
            data.insert("duration_ms", span.duration_ms());
            if event_type.ends_with(".failed") {
                add_text(data, "message", span.problem().as_deref());
            }
        }
    }

    fn text(&self, names: &[&str]) -> Option<String> {
        first_text(&self.span.attributes, names)
    }

    fn model(&self, data: &mut Parts<'_>) {
        let call_id = self.text(&MODEL_CALLS);
        put_text(data, "model_call_id", call_id.as_deref().unwrap_or(&self.span.span_id));
        add_text(data, "model", self.text(&MODELS).as_deref());
        let is_anthropic = self.frame.source == Source::ClaudeCode;
        let own = is_anthropic.then(|| "anthropic".to_owned());
        add_text(data, "provider", self.text(&PROVIDERS).or(own).as_deref());
    }

    fn tool(&self, event_type: &str, data: &mut Parts<'_>) {
        let call_id = self.text(&TOOL_CALLS);
        put_text(data, "tool_call_id", call_id.as_deref().unwrap_or(&self.span.span_id));
        let name = self.text(&TOOL_NAMES).unwrap_or_else(|| {
            let name = self.span.name.as_str();
            let called = ["execute_tool ", "tools/call "];
            let target = called.into_iter().find_map(|prefix| name.strip_prefix(prefix));
            target.unwrap_or(name).to_owned()
        });
        put_text(data, "tool_name", &name);
        if event_type == "tool.invoked" {
            let title = data.get("input").and_then(|input| title(&input));
            add_text(data, "title", title.as_deref());
        }
    }

    fn agent(&self, event_type: &str, data: &mut Parts<'_>) {
        let service = self.frame.service();
        if let Some(agent) = self.agent.or(service.as_deref()) {
            put_text(data, "agent_id", agent);
        }
        match event_type {
            "agent.started" => {
                let above = self.frame.parent_agent(&self.span.attributes);
                if let Some(above) = above {
                    put_text(data, "parent_agent_id", &above);
                }
            }
            "agent.stopped" => {
                data.insert("success", if self.span.is_error() { "false" } else { "true" });
                if self.span.is_error() {
                    add_text(data, "reason", self.span.problem().as_deref());
                }
            }
            _ => {}
        }
        if event_type == "agent.registered" && !data.has("agent_id") {
            put_text(data, "agent_id", &self.span.span_id);
        }
    }

    fn run(&self, event_type: &str, run_id: Option<&RunId>, data: &mut Parts<'_>) {
        if let Some(run_id) = run_id {
            put_text(data, "run_id", run_id.as_str());
        }
        if event_type == "run.started" {
            add_text(
                data,
                "agent_name",
                self.text(&["gen_ai.agent.name", "agent.name"]).as_deref(),
            );
            let workflow = self.text(&["traceloop.workflow.name"]);
            add_text(data, "title", workflow.or_else(|| data.get_text("agent_name")).as_deref());
            add_text(data, "title", Some(&self.span.name));
        }
    }
}
