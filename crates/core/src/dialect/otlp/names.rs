//! What an item is called: the names under which the catalog may know it, and the one that it does.

use super::frame::{Frame, Source};
use super::{OTLP, Signal};
use crate::catalog::{Catalog, Spelling, TypeEntry};
use crate::dialect::ForeignFault;
use crate::dialect::fault::invalid;
use crate::dialect::translation::parts::Parts;
use crate::json::as_str;

/// The dialect whose span kinds the catalog has apart.
pub(super) const OPENINFERENCE: &str = "openinference";

/// A name that the catalog knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) dialect: &'static str,
    pub(super) name: String,
}

impl Name {
    fn of(prefix: &str, name: &str) -> Self {
        Self { dialect: OTLP, name: format!("{prefix}{name}") }
    }

    /// The name as `origin.type` has it.
    pub(super) fn origin_type(&self) -> String {
        match self.dialect {
            OTLP => self.name.clone(),
            dialect => format!("{dialect}/{}", self.name),
        }
    }

    fn is_known(&self, catalog: &Catalog) -> bool {
        catalog.spelled(self.dialect, &self.name).next().is_some()
    }
}

/// The name of what is no fact about agents.
pub(super) fn any(signal: Signal) -> Name {
    match signal {
        Signal::Traces => Name::of("span/", "*"),
        Signal::Logs => Name::of("log/", "*"),
        Signal::Metrics => Name::of("metric/", "*"),
    }
}

/// The name of a span: what it says itself to be, by whichever convention it follows.
pub(super) fn of_span(
    name: &str,
    attributes: &Parts<'_>,
    is_server: bool,
    catalog: &Catalog,
) -> Option<Name> {
    let text = |name: &str| attributes.get_text(name);
    let operation = text("gen_ai.operation.name").map(|operation| Name::of("span/", &operation));
    let kind = text("openinference.span.kind")
        .map(|kind| Name { dialect: OPENINFERENCE, name: kind.to_ascii_uppercase() });
    // The server's side of a call is not another call.
    let is_tool = text("mcp.method.name").as_deref() == Some("tools/call") && !is_server;
    let of_mcp = is_tool.then(|| Name::of("span/", "execute_tool"));
    let of_request = text("llm.request.type").and_then(|request| match request.as_str() {
        "chat" => Some(Name::of("span/", "chat")),
        "completion" => Some(Name::of("span/", "text_completion")),
        "embedding" => Some(Name::of("span/", "embeddings")),
        _ => None,
    });
    let of_loop = text("traceloop.span.kind").and_then(|kind| match kind.as_str() {
        "workflow" => Some(run()),
        "agent" => Some(Name::of("span/", "invoke_agent")),
        "tool" => Some(Name::of("span/", "execute_tool")),
        "task" => Some(part_of_run()),
        _ => None,
    });
    let own = Name::of("span/", name);
    let is_own = name.starts_with("claude_code.");
    let candidates = [is_own.then_some(own), operation, kind, of_mcp, of_request, of_loop];
    candidates.into_iter().flatten().find(|name| name.is_known(catalog))
}

/// The name of a log record: its event's name, wherever it is.
pub(super) fn of_log(
    event_name: Option<&str>,
    attributes: &Parts<'_>,
    body: &str,
    source: Source,
    catalog: &Catalog,
) -> Option<Name> {
    let stated = attributes.get_text("event.name");
    let body = as_str(body);
    let texts = [event_name, stated.as_deref(), body.as_deref()];
    let texts = || texts.iter().flatten().filter(|text| !text.is_empty());
    let plain = texts().map(|text| Name::of("log/", text));
    let prefixed = source
        .prefix()
        .into_iter()
        .flat_map(|prefix| texts().map(move |text| Name::of("log/", &format!("{prefix}{text}"))));
    plain.chain(prefixed).find(|name| name.is_known(catalog))
}

/// What a name means for one part of an item.
pub(super) type Meant<'c> = (&'c TypeEntry, &'c Spelling);

/// Whether a type is the beginning of something that a span's end ends.
fn is_beginning(event_type: &str) -> bool {
    matches!(
        event_type,
        "run.started"
            | "agent.started"
            | "step.created"
            | "tool.invoked"
            | "model.invoked"
            | "hook.started"
    )
}

/// The fact that a span's beginning is, where it is one.
pub(super) fn beginning<'c>(name: &Name, catalog: &'c Catalog) -> Option<Meant<'c>> {
    catalog.spelled(name.dialect, &name.name).find(|(entry, _)| is_beginning(&entry.event_type))
}

/// The fact that a span's end is, or a log record.
pub(super) fn ending<'c>(
    name: &Name,
    is_span: bool,
    payload: &str,
    document: &str,
    catalog: &'c Catalog,
) -> Option<Meant<'c>> {
    catalog.spelled(name.dialect, &name.name).find(|(entry, spelling)| {
        let is_end = !is_span || !is_beginning(&entry.event_type);
        is_end && says(spelling, payload, document)
    })
}

/// Whether a document fulfils a spelling's conditions. Programs write truth and numbers as texts too.
fn says(spelling: &Spelling, payload: &str, document: &str) -> bool {
    spelling.when.iter().all(|(place, constant)| {
        place.find(payload, document).is_some_and(|value| {
            let texts = [constant.as_json(), value].map(super::value::as_text);
            constant.is(value) || texts[0] == texts[1]
        })
    })
}

/// The service in which a span is the one that a run is known by.
pub(super) fn is_root_of_run(name: &Name, frame: &Frame<'_>) -> bool {
    let is_agent = matches!(
        (name.dialect, name.name.as_str()),
        (OTLP, "span/invoke_agent") | (OPENINFERENCE, "AGENT" | "CHAIN")
    );
    is_agent && frame.source == Source::Other
}

/// The name of a run of its own.
pub(super) fn run() -> Name {
    Name::of("span/", "invoke_workflow")
}

/// The name of a piece of work within a run.
pub(super) fn part_of_run() -> Name {
    Name { dialect: OPENINFERENCE, name: "CHAIN".to_owned() }
}

/// The one type that a name means whatever the item says.
pub(super) fn only<'c>(name: &Name, catalog: &'c Catalog) -> Result<&'c TypeEntry, ForeignFault> {
    let mut found = catalog.spelled(name.dialect, &name.name);
    let entry = found.next().map(|(entry, _)| entry);
    entry.ok_or_else(|| invalid("", format!("the catalog has no type for `{}`", name.name)))
}

/// The name of a metric.
pub(super) fn of_metric(name: &str, catalog: &Catalog) -> Name {
    let own = Name::of("metric/", name);
    if own.is_known(catalog) { own } else { any(Signal::Metrics) }
}
