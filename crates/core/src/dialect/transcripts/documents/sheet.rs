//! The sheet: where a reader writes down what a document says.
//!
//! It gives every entry of a document its key, turns facts into events, and counts what became one.
//! INVARIANT (same entry, same event): a key is made of the entry's own text, so a document that has
//! grown gives the old events and new ones.

use std::collections::HashMap;

use super::super::emit::{Emitter, FaultReason};
use super::super::fields::{Fields, ObjectText};
use super::super::record::{Fact, Head, Moment, Party, short_hash};
use super::super::totals::Totals;
use crate::envelope::Draft;
use crate::hash::{Digest, sha256};
use crate::id::{ActorId, RunId, WorkspaceId};
use crate::json::{JsonKind, as_str, kind};
use crate::time::Timestamp;

/// Where the facts of one record go.
#[derive(Debug)]
pub(in super::super) struct Sheet<'s> {
    pub(in super::super) emitter: &'s mut Emitter,
    pub(in super::super) totals: &'s mut Totals,
    /// How often an entry that says the same has come by.
    pub(in super::super) copies: &'s mut HashMap<Digest, u64>,
    /// The workspace that the events are for: part of identities that others derive too.
    pub(in super::super) workspace_id: &'s WorkspaceId,
    /// The file's name, which tells runs apart that call themselves alike.
    pub(in super::super) source_name: &'s str,
    pub(in super::super) line: usize,
}

impl Sheet<'_> {
    /// The head of an entry of a run: two entries that say the same are two facts.
    pub(super) fn head(&mut self, run_id: &RunId, entry: &str) -> Head {
        let text = sha256(&[run_id.as_str().as_bytes(), &[0], entry.as_bytes()]);
        let copies = self.copies.entry(text).or_default();
        *copies += 1;
        let key = sha256(&[&copies.to_be_bytes(), text.as_bytes()]);
        Head { line: self.line, key, moment: None, record_type: None, uuid: None }
    }

    /// Tells the facts of one entry; `residue` is what of it has no home in them.
    pub(super) fn tell(
        &mut self,
        run_id: &RunId,
        head: &Head,
        mut facts: Vec<Fact>,
        residue: Option<String>,
    ) {
        let mut residue = residue;
        if facts.is_empty()
            && let Some(residue) = residue.take()
        {
            facts.push(Fact::new("foreign.event", Party::Service(HARNESS.to_owned()), residue));
        }
        let told_before = self.emitter.translated.len();
        self.emitter.emit_all(run_id, head, facts, residue);
        self.count_from(told_before);
    }

    /// Keeps an event that another dialect has made.
    pub(super) fn keep(&mut self, draft: Draft) {
        let told_before = self.emitter.translated.len();
        self.emitter.emit_draft(self.line, draft);
        self.count_from(told_before);
    }

    /// Counts the events from one on.
    fn count_from(&mut self, first: usize) {
        for translated in self.emitter.translated.iter().skip(first) {
            let draft = &translated.draft;
            let run_id = draft.scope.run_id.as_ref().map_or("", |run_id| run_id.as_str());
            self.totals.saw_time(draft.occurred_at);
            self.totals.saw_event(draft.event_type.as_str(), &draft.data, run_id);
        }
    }

    /// Says that the record, or a part of it, did not become an event.
    pub(super) fn fault(&mut self, reason: FaultReason) {
        self.emitter.fault(self.line, reason);
    }

    /// A run's id: its own name, and a mark that tells it from others of that name.
    pub(super) fn run_id(&mut self, family: &str, name: &str, seed: &str) -> Option<RunId> {
        let mark = &short_hash(&format!("{family}\n{name}\n{seed}"))[..8];
        let named = RunId::parse(&format!("{family}-{name}-{mark}"));
        let named =
            named.or_else(|_| RunId::parse(&format!("{family}-{}-{mark}", short_hash(name))));
        named.map_err(|error| self.fault(error.into())).ok()
    }
}

/// The actor that speaks where a document names nobody.
const HARNESS: &str = "importer";

/// A name as the id of an actor; a name that is no id is still one actor's name.
pub(super) fn actor_id(name: &str) -> String {
    let name = name.trim();
    ActorId::parse(name).map_or_else(|_| format!("agent-{}", short_hash(name)), |_| name.to_owned())
}

/// The moment that a JSON string of a date and time states.
pub(super) fn moment_of(value: Option<&str>) -> Option<Moment> {
    let text = as_str(value?)?.into_owned();
    let parsed = Timestamp::parse(&text).ok()?;
    Some(Moment { at: parsed.at, text: (!parsed.exact).then_some(text) })
}

/// The moment that a JSON number of seconds since 1970 states.
pub(super) fn moment_of_seconds(value: Option<&str>) -> Option<Moment> {
    let value = value.filter(|value| kind(value) == JsonKind::Number)?;
    let seconds: f64 = value.parse().ok()?;
    let micros: i64 =
        (0.0..1e11).contains(&seconds).then(|| format!("{:.0}", seconds * 1e6))?.parse().ok()?;
    Some(Moment { at: Timestamp::from_micros(micros), text: Some(value.to_owned()) })
}

/// What the messages of an entry are called.
pub(super) fn message_id(head: &Head) -> String {
    format!("record-{}", &head.key.to_string()[..16])
}

/// The data of a message. `content` is JSON text; what is no string is kept beside an empty text.
pub(super) fn message_data(
    id: &str,
    party: &Party,
    message_kind: &str,
    content: &str,
) -> ObjectText {
    let mut data = ObjectText::default();
    data.text("message_id", id);
    data.text("sender_type", party.type_name()).text("sender_id", party.id());
    data.text("kind", message_kind);
    if kind(content) == JsonKind::String {
        data.raw("content_md", content);
    } else {
        data.raw("content_md", "\"\"").raw("content", content);
    }
    data
}

/// Milliseconds of a JSON number of seconds, as a number text; `None` for other kinds.
pub(super) fn seconds_to_ms(value: &str) -> Option<String> {
    let seconds: f64 = (kind(value) == JsonKind::Number).then(|| value.parse().ok())??;
    (0.0..1e12).contains(&seconds).then(|| format!("{:.0}", seconds * 1e3))
}

/// Milliseconds between two moments; none where they run backwards.
pub(super) fn ms_between(from: Option<&Moment>, to: Option<&Moment>) -> Option<i64> {
    let micros = to?.at.as_micros().checked_sub(from?.at.as_micros())?;
    (micros >= 0).then_some(micros / 1_000)
}

/// A text inside a JSON string that is JSON itself, compact; none for anything else.
pub(super) fn nested_json(value: &str) -> Option<String> {
    let text = as_str(value)?;
    let json = crate::json::Json::parse(text.as_bytes()).ok()?;
    matches!(kind(json.as_str()), JsonKind::Object | JsonKind::Array).then(|| json.into_string())
}

/// Takes the arguments of a tool call: an object, or a string that holds one.
/// A string that is written in another way than ours stays in the rest.
pub(super) fn take_arguments(fields: &mut Fields<'_>, name: &str) -> Option<String> {
    let stated = fields.get(name)?.to_owned();
    if kind(&stated) != JsonKind::String {
        fields.take(name);
        return Some(stated);
    }
    let Some(input) = nested_json(&stated) else {
        return fields.take(name).map(std::borrow::Cow::into_owned);
    };
    if as_str(&stated).is_some_and(|text| text == input) {
        fields.take(name);
    }
    Some(input)
}
