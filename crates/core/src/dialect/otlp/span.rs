//! Spans: what begins and ends there, as facts.
//!
//! A span whose name the catalog knows is one fact, or two when it begins something; any other is
//! `span.recorded`. The end's status tells whether it failed.

use super::fact;
use super::fields::{Message, Nanos};
use super::frame::Frame;
use super::kept::{self, Kept};
use super::names::{self, Meant, Name};
use super::split::Place;
use super::value::attributes;
use super::{Signal, fields};
use crate::dialect::translation::homes::Homes;
use crate::dialect::translation::lens::{self, Foreign};
use crate::dialect::translation::parts::Parts;
use crate::dialect::{ForeignContext, ForeignFault};
use crate::envelope::{ActorType, Draft};
use crate::id::CorrelationId;
use crate::json::elements;

const TRACE_ID_BYTES: usize = 16;
const SPAN_ID_BYTES: usize = 8;

const KINDS: [(u64, &str, &str); 6] = [
    (0, "SPAN_KIND_UNSPECIFIED", "unspecified"),
    (1, "SPAN_KIND_INTERNAL", "internal"),
    (2, "SPAN_KIND_SERVER", "server"),
    (3, "SPAN_KIND_CLIENT", "client"),
    (4, "SPAN_KIND_PRODUCER", "producer"),
    (5, "SPAN_KIND_CONSUMER", "consumer"),
];
const CODES: [(u64, &str, u64); 3] =
    [(0, "STATUS_CODE_UNSET", 0), (1, "STATUS_CODE_OK", 1), (2, "STATUS_CODE_ERROR", 2)];
const ERROR: u64 = 2;

/// A span, read.
#[derive(Debug)]
pub(super) struct Span {
    pub(super) trace_id: String,
    pub(super) span_id: String,
    pub(super) parent_span_id: Option<String>,
    pub(super) name: String,
    kind: Option<&'static str>,
    pub(super) start: Nanos,
    pub(super) end: Nanos,
    pub(super) attributes: Parts<'static>,
    code: Option<u64>,
    status_message: Option<String>,
    /// What went wrong by the first exception that it noted.
    exception: Option<String>,
    events: String,
    links: String,
}

impl Span {
    fn of(span: &Message<'_>) -> Result<Self, ForeignFault> {
        let (start, end) = times(span)?;
        let status = span.message("status")?;
        let (events, exception) = events(span)?;
        let required_id =
            |name, byte_count| span.id(name, byte_count)?.ok_or_else(|| span.missing(name));
        Ok(Self {
            trace_id: required_id("traceId", TRACE_ID_BYTES)?,
            span_id: required_id("spanId", SPAN_ID_BYTES)?,
            parent_span_id: span.id("parentSpanId", SPAN_ID_BYTES)?,
            name: span.text("name")?.unwrap_or_default().into_owned(),
            kind: span.word("kind", &KINDS),
            start,
            end,
            attributes: attributes(span.array("attributes")?, &span.at.member("attributes"))?,
            code: status.word("code", &CODES),
            status_message: status
                .text("message")?
                .map(|text| text.into_owned())
                .filter(|text| !text.is_empty()),
            exception,
            events,
            links: links(span)?,
        })
    }

    pub(super) fn is_error(&self) -> bool {
        self.code == Some(ERROR)
    }

    fn is_server(&self) -> bool {
        self.kind == Some("server")
    }

    pub(super) fn duration_ms(&self) -> String {
        self.end.milliseconds_since(self.start)
    }

    /// What went wrong, by whatever of the span says so.
    pub(super) fn problem(&self) -> Option<String> {
        let of_type = || super::frame::first_text(&self.attributes, &["error.type"]);
        self.status_message.clone().or_else(|| self.exception.clone()).or_else(of_type)
    }

    /// What the spellings of the catalog read of a span beside its attributes.
    fn document(&self) -> Parts<'static> {
        let mut status = Parts::default();
        if let Some(code) = self.code {
            status.insert("code", code.to_string());
        }
        if let Some(message) = &self.status_message {
            status.insert_text("message", message);
        }
        let mut document = Parts::default();
        document.insert_text("name", &self.name);
        document.insert("status", status.to_text());
        document
    }

    /// What makes it the same span: the two sides of a call may share its id and are of two kinds.
    fn identity(&self, end: &str) -> String {
        let kind = self.kind.unwrap_or("unspecified");
        format!("otlp/span/{}/{}/{kind}/{end}", self.trace_id, self.span_id)
    }
}

fn times(span: &Message<'_>) -> Result<(Nanos, Nanos), ForeignFault> {
    let time = |name| span.nanos(name)?.ok_or_else(|| span.missing(name));
    let (start, end) = (time("startTimeUnixNano")?, time("endTimeUnixNano")?);
    if end < start {
        let problem = "it is before `startTimeUnixNano`";
        return Err(span.at.member("endTimeUnixNano").fault(problem));
    }
    Ok((start, end))
}

/// What a span noted on its way, in plain JSON, and what the first exception of it says.
fn events(span: &Message<'_>) -> Result<(String, Option<String>), ForeignFault> {
    let at = span.at.member("events");
    let (mut plain, mut exception) = (Vec::new(), None);
    for (index, event) in elements(span.array("events")?).enumerate() {
        let event = Message::new(event, at.element(index))?;
        let mut parts = Parts::default();
        let name = event.text("name")?.unwrap_or_default();
        parts.insert_text("name", &name);
        if let Some(time) = event.nanos("timeUnixNano")? {
            parts.insert_text("at", &time.moment().to_string());
        }
        let list = attributes(event.array("attributes")?, &event.at.member("attributes"))?;
        if name == "exception" && exception.is_none() {
            exception = super::frame::first_text(&list, &["exception.message", "exception.type"]);
        }
        if !list.is_empty() {
            parts.insert("attributes", list.to_text());
        }
        plain.push(parts.to_text());
    }
    Ok((format!("[{}]", plain.join(",")), exception))
}

/// The spans that a span points to, in plain JSON.
fn links(span: &Message<'_>) -> Result<String, ForeignFault> {
    let at = span.at.member("links");
    let mut plain = Vec::new();
    for (index, link) in elements(span.array("links")?).enumerate() {
        let link = Message::new(link, at.element(index))?;
        let mut parts = Parts::default();
        for (name, ours, byte_count) in
            [("traceId", "trace_id", TRACE_ID_BYTES), ("spanId", "span_id", SPAN_ID_BYTES)]
        {
            if let Some(id) = link.id(name, byte_count)? {
                parts.insert_text(ours, &id);
            }
        }
        let list = attributes(link.array("attributes")?, &link.at.member("attributes"))?;
        if !list.is_empty() {
            parts.insert("attributes", list.to_text());
        }
        plain.push(parts.to_text());
    }
    Ok(format!("[{}]", plain.join(",")))
}

/// The facts of a span, in the order they happened.
pub(super) fn read(
    place: &Place<'_>,
    document: &str,
    context: &ForeignContext<'_>,
) -> Result<Vec<Draft>, ForeignFault> {
    let span = Span::of(&place.item)?;
    let reader = Reader { frame: Frame::of(place, &span.name)?, span, context, document };
    let catalog = context.catalog;
    let name = names::of_span(
        &reader.span.name,
        &reader.span.attributes,
        reader.span.is_server(),
        catalog,
    );
    let Some(name) = name else { return Ok(vec![reader.recorded()?]) };
    let meaning = reader.meaning(&name);
    let payload = reader.span.attributes.to_text();
    let status = reader.span.document().to_text();
    let Some(end) = names::ending(&meaning, true, &payload, &status, catalog) else {
        return Ok(vec![reader.recorded()?]);
    };
    let mut drafts = Vec::new();
    if let Some(begin) = names::beginning(&meaning, catalog) {
        drafts.push(reader.fact(&name, begin, End::Begin)?);
    }
    drafts.push(reader.fact(&name, end, End::End)?);
    Ok(drafts)
}

/// Which end of a span a fact is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Begin,
    End,
}

struct Reader<'a> {
    frame: Frame<'a>,
    span: Span,
    context: &'a ForeignContext<'a>,
    document: &'a str,
}

impl Reader<'_> {
    /// The name by which a span is understood: an agent at the root of a trace that names no
    /// conversation is a run of its own, because nothing of it comes in another trace; a workflow
    /// within another span is a step, because the run goes on after it.
    fn meaning(&self, name: &Name) -> Name {
        let names_run = || self.frame.take_run(&mut self.span.attributes.clone()).is_some();
        let is_root = self.span.parent_span_id.is_none();
        if is_root && names::is_root_of_run(name, &self.frame) && !names_run() {
            return names::run();
        }
        if !is_root && *name == names::run() {
            return names::part_of_run();
        }
        name.clone()
    }

    fn homes(&self, end: End) -> Homes {
        let time = if end == End::Begin { self.span.start } else { self.span.end };
        Homes {
            occurred_at: Some(time.moment()),
            time_text: time.text(),
            correlation_id: CorrelationId::parse(&self.span.trace_id).ok(),
            ..Homes::default()
        }
    }

    fn fact(&self, name: &Name, meant: Meant<'_>, end: End) -> Result<Draft, ForeignFault> {
        let (entry, spelling) = meant;
        let mut homes = self.homes(end);
        let mut payload = self.span.attributes.clone();
        homes.scope.run_id = self.frame.take_run(&mut payload);
        if homes.scope.run_id.is_none() {
            homes.scope.run_id = self.span.trace_id.parse().ok();
        }
        let agent = self.frame.agent(&payload);
        self.frame.name_actor(&mut homes, ActorType::Agent, agent.as_deref());
        let run_id = homes.scope.run_id.clone();
        let part = if end == End::Begin { "begin" } else { "end" };
        let mut kept = Kept {
            origin_type: name.origin_type(),
            identity: self.span.identity(part),
            ..Kept::default()
        };
        let mut told = Parts::default();
        if end == End::End {
            kept.document = Some(self.document);
            kept.contradictions =
                fact::take_figures(&entry.event_type, name, &self.frame, &mut payload, &mut told);
        } else {
            // The end says the whole; the beginning is what the catalog says that it is.
            payload = payload
                .split_off(|key| spelling.map.iter().any(|(from, _)| fact::is_member(from, key)));
        }
        fact::rename(&self.frame, &mut payload);
        let mut foreign = Foreign { payload, document: self.span.document() };
        let mut data = lens::take_in(spelling, &mut foreign, &mut homes);
        super::tame::tame(&mut data, entry);
        fact::put_all(&mut data, &told);
        let about = fact::About { span: &self.span, frame: &self.frame, agent: agent.as_deref() };
        about.complete(&entry.event_type, run_id.as_ref(), &mut homes, &mut data);
        kept::draft(entry, homes, &data, kept, self.context)
    }

    /// A span that is no fact about agents.
    fn recorded(&self) -> Result<Draft, ForeignFault> {
        let name = names::any(Signal::Traces);
        let entry = names::only(&name, self.context.catalog)?;
        let span = &self.span;
        let mut data = Parts::default();
        data.insert_text("trace_id", &span.trace_id);
        data.insert_text("span_id", &span.span_id);
        super::frame::add_text(&mut data, "parent_span_id", span.parent_span_id.as_deref());
        data.insert_text("name", &span.name);
        super::frame::add_text(&mut data, "kind", span.kind);
        data.insert_text("start_time", &span.start.moment().to_string());
        data.insert_text("end_time", &span.end.moment().to_string());
        data.insert("duration_ms", span.duration_ms());
        for (name, value) in span.document().iter().filter(|(name, _)| name == "status") {
            data.insert(&name, value.into_owned());
        }
        let lists = [
            ("attributes", span.attributes.to_text()),
            ("events", span.events.clone()),
            ("links", span.links.clone()),
        ];
        for (name, list) in lists {
            if list.len() > 2 {
                data.insert(name, list);
            }
        }
        self.frame.tell(&mut data)?;
        let mut homes = self.homes(End::End);
        homes.scope.run_id = self.frame.take_run(&mut span.attributes.clone());
        let agent = self.frame.agent(&span.attributes);
        self.frame.name_actor(&mut homes, ActorType::Service, agent.as_deref());
        homes.stream = fields::stream("trace", &span.trace_id);
        let kept = Kept {
            origin_type: name.origin_type(),
            identity: span.identity("end"),
            document: Some(self.document),
            contradictions: Vec::new(),
        };
        kept::draft(entry, homes, &data, kept, self.context)
    }
}
