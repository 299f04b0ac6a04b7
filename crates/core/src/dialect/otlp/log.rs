//! Log records: events of agents as facts, and what else a program logged.

use super::Signal;
use super::fact;
use super::fields::{Message, Nanos};
use super::frame::{Frame, add_text, first_text, put_text};
use super::kept::{self, Kept};
use super::names::{self, Meant, Name};
use super::split::Place;
use super::value::{as_text, attributes, plain};
use crate::dialect::translation::homes::Homes;
use crate::dialect::translation::lens::{self, Foreign};
use crate::dialect::translation::parts::{Parts, quoted};
use crate::dialect::{ForeignContext, ForeignFault};
use crate::envelope::{ActorType, Draft};
use crate::hash::sha256;
use crate::id::CorrelationId;
use crate::time::Timestamp;

const TRACE_ID_BYTES: usize = 16;
const SPAN_ID_BYTES: usize = 8;
/// Attributes that say what the type of the event says already.
const EVENT_NAME: &str = "event.name";
/// The count of an event within its session.
const SEQUENCE: &str = "event.sequence";

/// Words for a severity that is written as its name, in the order of their numbers, four each.
const SEVERITIES: [&str; 6] = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];

/// A log record, read.
#[derive(Debug)]
struct Record {
    time: Option<Nanos>,
    event_name: Option<String>,
    severity_number: Option<u64>,
    severity_text: Option<String>,
    body: Option<String>,
    trace_id: Option<String>,
    span_id: Option<String>,
    attributes: Parts<'static>,
}

impl Record {
    fn of(record: &Message<'_>) -> Result<Self, ForeignFault> {
        let text = |name| {
            let text = record.text(name)?.map(|text| text.into_owned());
            Ok::<_, ForeignFault>(text.filter(|text| !text.is_empty()))
        };
        let observed = record.nanos("observedTimeUnixNano")?;
        let body = record.get("body").map(|body| plain(body, &record.at.member("body")));
        Ok(Self {
            time: record.nanos("timeUnixNano")?.or(observed),
            event_name: text("eventName")?,
            severity_number: severity(record),
            severity_text: text("severityText")?,
            body: body.transpose()?,
            trace_id: record.id("traceId", TRACE_ID_BYTES)?,
            span_id: record.id("spanId", SPAN_ID_BYTES)?,
            attributes: attributes(record.array("attributes")?, &record.at.member("attributes"))?,
        })
    }

    fn homes(&self) -> Homes {
        let stated = || first_text(&self.attributes, &["event.timestamp"]);
        let stated = || stated().and_then(|text| Timestamp::parse(&text).ok());
        let moment = self.time.map(Nanos::moment).or_else(|| stated().map(|time| time.at));
        Homes {
            occurred_at: moment,
            time_text: self.time.and_then(Nanos::text),
            correlation_id: self.trace_id.as_deref().and_then(|id| CorrelationId::parse(id).ok()),
            ..Homes::default()
        }
    }

    fn tell_trace(&self, data: &mut Parts<'_>) {
        for (name, id) in [("trace_id", &self.trace_id), ("span_id", &self.span_id)] {
            if let Some(id) = id {
                put_text(data, name, id);
            }
        }
    }

    /// What makes it the same record: its count within its session, where it has one. The time is
    /// part of it because a session that is taken up again counts from the beginning.
    fn identity(&self, name: &Name, session: Option<&str>, document: &str) -> String {
        let sequence = self.attributes.get(SEQUENCE).map(|sequence| as_text(&sequence));
        let time = self.homes().occurred_at.map(Timestamp::as_micros);
        match (session, sequence, time) {
            (Some(session), Some(sequence), Some(time)) => {
                format!("otlp/log/{}/{}/{time}/{}", quoted(session), quoted(&sequence), name.name)
            }
            _ => format!("otlp/log/sha256:{}", sha256(&[document.as_bytes()])),
        }
    }
}

fn severity(record: &Message<'_>) -> Option<u64> {
    let value = record.get("severityNumber")?;
    let text = as_text(value);
    let of_name = || {
        let word = text.strip_prefix("SEVERITY_NUMBER_")?;
        let (name, step) = match word.char_indices().next_back()? {
            (end, digit @ '2'..='4') => (word.get(..end)?, u64::from(digit) - u64::from('1')),
            _ => (word, 0),
        };
        let index = SEVERITIES.iter().position(|severity| *severity == name)?;
        Some(u64::try_from(index).ok()? * 4 + 1 + step)
    };
    text.parse().ok().or_else(of_name)
}

/// The fact of a log record.
pub(super) fn read(
    place: &Place<'_>,
    document: &str,
    context: &ForeignContext<'_>,
) -> Result<Vec<Draft>, ForeignFault> {
    let record = Record::of(&place.item)?;
    let body = record.body.as_deref().unwrap_or("null");
    let event_name = record.event_name.as_deref();
    let frame = Frame::of(place, event_name.unwrap_or_default())?;
    let (attributes, catalog) = (&record.attributes, context.catalog);
    let name = names::of_log(event_name, attributes, body, frame.source, catalog);
    let mut around = Parts::default();
    around.insert("body", body);
    let payload = attributes.to_text();
    let reader = Reader { frame, record: &record, context, document };
    let draft = match &name {
        Some(name) => match names::ending(name, false, &payload, &around.to_text(), catalog) {
            Some(meant) => reader.fact(name, meant, around)?,
            None => reader.reported()?,
        },
        None => reader.reported()?,
    };
    Ok(vec![draft])
}

struct Reader<'a> {
    frame: Frame<'a>,
    record: &'a Record,
    context: &'a ForeignContext<'a>,
    document: &'a str,
}

impl Reader<'_> {
    fn fact(
        &self,
        name: &Name,
        (entry, spelling): Meant<'_>,
        around: Parts<'_>,
    ) -> Result<Draft, ForeignFault> {
        let mut homes = self.record.homes();
        let mut payload = self.record.attributes.clone();
        let named_run = self.frame.take_run(&mut payload);
        let identity =
            self.record.identity(name, named_run.as_ref().map(|id| id.as_str()), self.document);
        let of_trace = || self.record.trace_id.as_deref().and_then(|id| id.parse().ok());
        homes.scope.run_id = named_run.or_else(of_trace);
        let agent = self.frame.agent(&payload);
        let is_person = spelling.set.iter().any(|(path, constant)| {
            path.steps() == ["sender_type"] && constant.as_json() == "\"user\""
        });
        let actor_type = if is_person { ActorType::User } else { ActorType::Agent };
        self.frame.name_actor(&mut homes, actor_type, agent.as_deref());
        let mut told = Parts::default();
        let contradictions =
            fact::take_figures(&entry.event_type, name, &self.frame, &mut payload, &mut told);
        payload.take(EVENT_NAME);
        fact::rename(&self.frame, &mut payload);
        let mut foreign = Foreign { payload, document: around };
        let mut data = lens::take_in(spelling, &mut foreign, &mut homes);
        keep_content(&mut data);
        super::tame::tame(&mut data, entry);
        fact::put_all(&mut data, &told);
        self.record.tell_trace(&mut data);
        self.complete(&entry.event_type, agent.as_deref(), &homes, &identity, &mut data);
        let document = Some(self.document);
        let kept = Kept { origin_type: name.origin_type(), identity, document, contradictions };
        kept::draft(entry, homes, &data, kept, self.context)
    }

    /// Adds what readers rely on.
    fn complete(
        &self,
        event_type: &str,
        agent: Option<&str>,
        homes: &Homes,
        identity: &str,
        data: &mut Parts<'_>,
    ) {
        let of_record = || {
            let of_identity = || format!("log-{:.16}", sha256(&[identity.as_bytes()]).to_string());
            self.record.span_id.clone().unwrap_or_else(of_identity)
        };
        let named = |names: &[&str]| first_text(&self.record.attributes, names);
        match event_type {
            "model.completed" | "model.failed" => {
                let call_id = named(&fact::MODEL_CALLS).unwrap_or_else(of_record);
                put_text(data, "model_call_id", &call_id);
                add_text(data, "model", named(&fact::MODELS).as_deref());
            }
            "tool.succeeded" | "tool.failed" => {
                let call_id = named(&fact::TOOL_CALLS).unwrap_or_else(of_record);
                put_text(data, "tool_call_id", &call_id);
                add_text(data, "tool_name", named(&fact::TOOL_NAMES).as_deref());
            }
            "agent.stopped" => {
                if let Some(agent) = agent {
                    put_text(data, "agent_id", agent);
                }
            }
            "run.started" => {
                if let Some(run_id) = &homes.scope.run_id {
                    put_text(data, "run_id", run_id.as_str());
                }
                add_text(data, "agent_name", agent);
            }
            "message.created" => match data.get_text("sender_type").as_deref() {
                Some("agent") => add_text(data, "sender_id", agent),
                Some("user") => add_text(data, "sender_id", Some("user")),
                _ => {}
            },
            _ => {}
        }
    }

    /// A record that is no fact about agents.
    fn reported(&self) -> Result<Draft, ForeignFault> {
        let name = names::any(Signal::Logs);
        let entry = names::only(&name, self.context.catalog)?;
        let record = self.record;
        let mut data = Parts::default();
        add_text(&mut data, "event_name", record.event_name.as_deref());
        if let Some(body) = &record.body {
            data.insert("body", body.clone());
        }
        if let Some(number) = record.severity_number {
            data.insert("severity_number", number.to_string());
        }
        add_text(&mut data, "severity_text", record.severity_text.as_deref());
        record.tell_trace(&mut data);
        if !record.attributes.is_empty() {
            data.insert("attributes", record.attributes.to_text());
        }
        self.frame.tell(&mut data)?;
        let mut homes = record.homes();
        homes.scope.run_id = self.frame.take_run(&mut record.attributes.clone());
        let agent = self.frame.agent(&record.attributes);
        self.frame.name_actor(&mut homes, ActorType::Service, agent.as_deref());
        homes.stream = self.frame.service_stream();
        let session = homes.scope.run_id.as_ref().map(|id| id.as_str());
        let kept = Kept {
            origin_type: name.origin_type(),
            identity: record.identity(&name, session, self.document),
            document: Some(self.document),
            contradictions: Vec::new(),
        };
        kept::draft(entry, homes, &data, kept, self.context)
    }
}

/// A content that is no text is kept as it is, and not as one.
fn keep_content(data: &mut Parts<'_>) {
    let is_other = data.get("content_md").is_some_and(|content| !content.starts_with('"'));
    if is_other && let Some(content) = data.take("content_md") {
        data.insert("content", content.into_owned());
    }
}
