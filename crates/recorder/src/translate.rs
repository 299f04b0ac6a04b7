//! Steps 2 and 3 of an event's life: from the bytes of a request to drafts, within the limits.
//!
//! A fault of one event stays that event's; a body that cannot be followed is refused whole.

use std::ops::Range;

use annals_core::dialect::ForeignContext;
use annals_core::envelope::{Draft, EnvelopeFault, StreamKey, Strictness};
use annals_core::id::Seq;
use annals_core::json::{
    self, BodyForm, BodyLimits, Element, JsonError, JsonKind, JsonLimits, Member, as_bool, as_str,
    as_u64, compact_body, elements, kind, members, unescape,
};
use annals_core::limits::{BATCH_EVENTS_MAX, EVENT_BYTES_MAX};
use annals_core::msgpack;

use crate::refusal::{AppendRefusal, EventRefusal};
use crate::request::{AppendRequest, Atomicity, BodyFormat, Door};
use crate::secrets::SecretFilter;

/// What a request asks for, in the envelope's words.
#[derive(Debug)]
pub(crate) struct TranslatedBatch {
    texts: Texts,
    /// What stands beside the events of a foreign batch, as one JSON object.
    beside: Option<String>,
    /// Whether the body was one event and no batch.
    pub(crate) shape: BatchShape,
    /// Whether the events are kept together.
    pub(crate) atomicity: Atomicity,
    /// What the writer believes of streams' ends.
    pub(crate) expected: Vec<StreamExpectation>,
}

impl TranslatedBatch {
    /// Streams that are expected to be somewhere have their names as the log has them.
    pub(crate) fn rename_streams(&mut self, secrets: &SecretFilter) {
        for expectation in &mut self.expected {
            expectation.stream = secrets.stream(&expectation.stream);
        }
    }

    pub(crate) fn event_count(&self) -> usize {
        self.texts.events.len()
    }

    /// The documents in input order.
    pub(crate) fn documents(&self) -> impl Iterator<Item = &Element> {
        self.texts.events.iter()
    }

    /// Hands over the facts of a document, one after the other and by reference: a draft is large, and
    /// soon done with. All documents but some foreign ones state one.
    pub(crate) fn each_draft(
        &self,
        document: &Element,
        door: &Door,
        context: &ForeignContext<'_>,
        mut take: impl FnMut(&Draft) -> Result<(), EventRefusal>,
    ) -> Result<(), EventRefusal> {
        match door {
            Door::Native => take(&self.texts.draft(document, Strictness::Native)?),
            Door::Translated(dialect) => {
                take(&self.texts.draft(document, Strictness::Translated(dialect))?)
            }
            Door::Foreign(reader) => {
                let document = self.texts.text(document)?;
                match &self.beside {
                    Some(beside) => {
                        let read = reader.read_in_batch(document, beside, context);
                        take(&read.map_err(EventRefusal::Foreign)?)
                    }
                    None => {
                        let read = reader.read_all(document, context);
                        read.map_err(EventRefusal::Foreign)?.iter().try_for_each(take)
                    }
                }
            }
        }
    }
}

/// Whether a body was one event or many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BatchShape {
    One,
    Many,
}

/// A stream's last seq as its writer saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StreamExpectation {
    pub(crate) stream: StreamKey,
    pub(crate) expected_seq: Seq,
}

/// The compact texts of a body's events.
#[derive(Debug)]
struct Texts {
    arena: String,
    events: Vec<Element>,
    /// The members of all events, found while the texts were checked.
    members: Vec<Member>,
    form: BodyForm,
    options: Vec<(String, String)>,
}

/// Translates a request.
pub(crate) fn translate(
    request: &AppendRequest,
    context: &ForeignContext<'_>,
) -> Result<TranslatedBatch, AppendRefusal> {
    let texts = match request.format {
        BodyFormat::Json => json_texts(&request.body)?,
        BodyFormat::Ndjson => ndjson_texts(&request.body)?,
        BodyFormat::MessagePack => msgpack_texts(&request.body)?,
    };
    if let Door::Foreign(reader) = &request.door {
        let refusal =
            |fault| AppendRefusal::Event { index: None, refusal: EventRefusal::Foreign(fault) };
        reader.check_form(texts.form).map_err(refusal)?;
    }
    if texts.events.is_empty() {
        return Err(AppendRefusal::EmptyBatch);
    }
    let options = match &request.door {
        Door::Native | Door::Translated(_) => Options::read(&texts.options)?,
        Door::Foreign(reader) => Options::of_foreign(&texts.options, reader.batch_members())?,
    };
    let mut batch = TranslatedBatch {
        shape: match texts.form {
            BodyForm::One => BatchShape::One,
            BodyForm::Array | BodyForm::Object => BatchShape::Many,
        },
        beside: beside_events(&texts.options),
        texts,
        atomicity: request.atomicity.or(options.atomicity).unwrap_or(Atomicity::Independent),
        expected: options.expected,
    };
    place_expected_seq(&mut batch, request, context)?;
    Ok(batch)
}

fn json_texts(body: &[u8]) -> Result<Texts, AppendRefusal> {
    let limits = BodyLimits { json: JsonLimits::EVENT, element_count_max: BATCH_EVENTS_MAX };
    let mut arena = String::with_capacity(body.len());
    let compact = compact_body(body, &mut arena, &limits).map_err(request_fault)?;
    let slice = |range: &Range<usize>| arena.get(range.clone()).unwrap_or_default().to_owned();
    let options = compact
        .options
        .iter()
        .map(|member| (unescape(&slice(&member.key)).into_owned(), slice(&member.value)))
        .collect();
    Ok(Texts {
        events: compact.elements,
        members: compact.members,
        form: compact.form,
        options,
        arena,
    })
}

fn ndjson_texts(body: &[u8]) -> Result<Texts, AppendRefusal> {
    let mut arena = String::with_capacity(body.len());
    let (mut events, mut members) = (Vec::new(), Vec::new());
    for (_, line) in json::lines(body) {
        if events.len() == BATCH_EVENTS_MAX {
            return Err(too_many_events());
        }
        let (start, first_member) = (arena.len(), members.len());
        let found = if line.trim_ascii_start().starts_with(b"{") {
            json::compact_object(line, &mut arena, &JsonLimits::EVENT)
        } else {
            json::compact(line, &mut arena, &JsonLimits::EVENT).map(|()| Vec::new())
        };
        let text = found.map(|found| {
            members.extend(found);
            start..arena.len()
        });
        events.push(Element { text, members: first_member..members.len() });
    }
    Ok(Texts { arena, events, members, form: BodyForm::Array, options: Vec::new() })
}

fn msgpack_texts(body: &[u8]) -> Result<Texts, AppendRefusal> {
    let limits = JsonLimits {
        // A wrapper object and its array stand around the events, and each event is counted anew below.
        depth_max: JsonLimits::EVENT.depth_max + 2,
        node_count_max: JsonLimits::EVENT.node_count_max * 16,
    };
    let mut text = Vec::with_capacity(body.len() * 2);
    msgpack::to_json(body, &mut text, &limits).map_err(AppendRefusal::Msgpack)?;
    json_texts(&text)
}

fn request_fault(error: JsonError) -> AppendRefusal {
    match error {
        JsonError::TooManyElements { .. } => too_many_events(),
        JsonError::Empty => AppendRefusal::EmptyBatch,
        error => AppendRefusal::Json(error),
    }
}

fn too_many_events() -> AppendRefusal {
    AppendRefusal::TooManyEvents { event_count_max: BATCH_EVENTS_MAX }
}

impl Texts {
    /// The compact text of one event.
    fn text(&self, event: &Element) -> Result<&str, EventRefusal> {
        let range = event.text.clone().map_err(EventRefusal::Json)?;
        let text = self.slice(&range);
        if text.len() > EVENT_BYTES_MAX {
            return Err(EventRefusal::TooLarge {
                byte_count: text.len(),
                byte_count_max: EVENT_BYTES_MAX,
            });
        }
        Ok(text)
    }

    fn draft(&self, event: &Element, strictness: Strictness<'_>) -> Result<Draft, EventRefusal> {
        if kind(self.text(event)?) != JsonKind::Object {
            return Err(EventRefusal::Envelope(EnvelopeFault::NotAnObject));
        }
        let members = self.members.get(event.members.clone()).unwrap_or_default();
        let members =
            members.iter().map(|member| (self.slice(&member.key), self.slice(&member.value)));
        Draft::from_members(members, strictness).map_err(EventRefusal::Envelope)
    }

    fn slice(&self, range: &Range<usize>) -> &str {
        self.arena.get(range.clone()).unwrap_or_default()
    }
}

/// The members that may stand beside `events`.
#[derive(Default)]
struct Options {
    atomicity: Option<Atomicity>,
    expected: Vec<StreamExpectation>,
}

impl Options {
    fn read(members: &[(String, String)]) -> Result<Self, AppendRefusal> {
        let mut options = Self::default();
        for (name, value) in members {
            match name.as_str() {
                "atomic" => options.atomicity = Some(atomicity(value)?),
                "expected" => options.expected = expectations(value)?,
                _ => return Err(unknown_option(name)),
            }
        }
        Ok(options)
    }

    /// A foreign batch has no options of ours; what its format puts beside the events is known by name.
    fn of_foreign(members: &[(String, String)], known: &[&str]) -> Result<Self, AppendRefusal> {
        match members.iter().find(|(name, _)| !known.contains(&name.as_str())) {
            Some((name, _)) => Err(unknown_option(name)),
            None => Ok(Self::default()),
        }
    }
}

/// The members beside the events of a wrapped batch, as one object; none when there are none.
fn beside_events(members: &[(String, String)]) -> Option<String> {
    let mut object = String::from("{");
    for (name, value) in members {
        if object.len() > 1 {
            object.push(',');
        }
        json::string_into(&mut object, name);
        object.push(':');
        object.push_str(value);
    }
    object.push('}');
    (!members.is_empty()).then_some(object)
}

fn unknown_option(name: &str) -> AppendRefusal {
    AppendRefusal::Options(EnvelopeFault::UnknownField { field: name.to_owned() })
}

fn wrong_option(field: &'static str, problem: &str) -> AppendRefusal {
    let problem = problem.to_owned();
    AppendRefusal::Options(EnvelopeFault::InvalidField { field, problem })
}

fn atomicity(value: &str) -> Result<Atomicity, AppendRefusal> {
    match as_bool(value) {
        Some(true) => Ok(Atomicity::Atomic),
        Some(false) => Ok(Atomicity::Independent),
        None => Err(wrong_option("atomic", "it must be true or false")),
    }
}

fn expectations(value: &str) -> Result<Vec<StreamExpectation>, AppendRefusal> {
    let problem = "it must be an array of {stream_type, stream_id, expected_seq}";
    if kind(value) != JsonKind::Array {
        return Err(wrong_option("expected", problem));
    }
    elements(value)
        .map(|element| expectation(element).ok_or_else(|| wrong_option("expected", problem)))
        .collect()
}

fn expectation(object: &str) -> Option<StreamExpectation> {
    if kind(object) != JsonKind::Object || members(object).count() != 3 {
        return None;
    }
    let text = |name| as_str(json::member(object, name)?);
    Some(StreamExpectation {
        stream: StreamKey {
            stream_type: text("stream_type")?.parse().ok()?,
            stream_id: text("stream_id")?.parse().ok()?,
        },
        expected_seq: Seq(as_u64(json::member(object, "expected_seq")?)?),
    })
}

fn place_expected_seq(
    batch: &mut TranslatedBatch,
    request: &AppendRequest,
    context: &ForeignContext<'_>,
) -> Result<(), AppendRefusal> {
    if !batch.expected.is_empty() && batch.atomicity != Atomicity::Atomic {
        let problem = "`expected` needs `atomic=true`: without it each event stands for itself";
        return Err(AppendRefusal::ExpectedSeqMisplaced { problem });
    }
    let Some(expected_seq) = request.expected_seq else {
        return Ok(());
    };
    let problem = "`expected_seq` is for one event; a batch says `expected` in its body";
    let misplaced = || AppendRefusal::ExpectedSeqMisplaced { problem };
    let [document] = batch.texts.events.as_slice() else { return Err(misplaced()) };
    let mut streams = Vec::new();
    let read = batch.each_draft(document, &request.door, context, |draft| {
        streams.push(draft.stream.clone());
        Ok(())
    });
    match (read, streams.pop(), streams.is_empty()) {
        (Ok(()), Some(stream), true) => {
            batch.expected.push(StreamExpectation { stream, expected_seq: Seq(expected_seq) });
        }
        // The one event is refused anyway, with its own reason.
        (Err(_), _, _) => {}
        (Ok(()), _, _) => return Err(misplaced()),
    }
    Ok(())
}
