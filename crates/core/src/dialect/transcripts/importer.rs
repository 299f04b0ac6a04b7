//! The importer: a fold over one file's records, in their order, that gives drafts.
//!
//! It reads no file, keeps no clock and sends nothing. Records go in one by one; drafts, faults and
//! totals come out. A record that cannot be read is a fault with its line, and the rest goes on.

use std::collections::{BTreeMap, HashMap};

use super::agents::prompt_of;
use super::assistant::assistant;
use super::detect::{DetectError, detect};
use super::documents::{Reader, Sheet, reader};
use super::emit::{Emitter, Fault, FaultReason, Translated};
use super::fields::Fields;
use super::format::Format;
use super::hooks::hook;
use super::other::{bare_usage, foreign, result, summary, system};
use super::pieces::pieces;
use super::record::{Fact, Head, MAIN_AGENT, Moment, Party, Record, short_hash};
use super::run::{Run, is_init, run_of_file, run_of_session, session_of};
use super::status::status;
use super::totals::Totals;
use super::user::user;
use crate::hash::{Digest, sha256};
use crate::id::{RunId, WorkspaceId};
use crate::json::{JsonKind, as_str, compact, elements, kind, member};
use crate::time::Timestamp;

/// Records that wait for the one that tells what the run is about.
const WAITING_RECORDS_MAX: usize = 256;

/// What a record's translation may look at and change.
#[derive(Debug)]
pub(super) struct Desk<'d> {
    pub(super) run: &'d mut Run,
    pub(super) totals: &'d mut Totals,
}

/// Translates the records of one file.
#[derive(Debug)]
pub struct Importer {
    format: Format,
    source_name: String,
    workspace_id: WorkspaceId,
    /// Reads the records of formats whose records are documents.
    reader: Option<Box<dyn Reader>>,
    /// The hash of the first record, which names a run that nothing else names.
    first_record: Option<String>,
    runs: BTreeMap<RunId, Run>,
    current: Option<RunId>,
    waiting: Vec<(usize, String)>,
    emitter: Emitter,
    totals: Totals,
    /// How often a record without an id of its own has come by.
    copies: HashMap<Digest, u64>,
    /// The first record of each id: some writers give two records one id.
    first_of_uuid: HashMap<String, Digest>,
}

/// All of a small file at once.
#[derive(Debug)]
pub struct Import {
    /// What the file is.
    pub format: Format,
    /// The events.
    pub translated: Vec<Translated>,
    /// What did not become an event.
    pub faults: Vec<Fault>,
    /// The totals.
    pub totals: Totals,
}

/// Translates a whole file for a workspace. `source_name` is the file's name without its folders; it names the run
/// of a file whose records name no session.
///
/// # Errors
/// Says why the file's format is not read.
pub fn import(
    source_name: &str,
    workspace_id: &WorkspaceId,
    file: &[u8],
) -> Result<Import, DetectError> {
    let format = detect(file)?;
    let mut importer = Importer::new(format, source_name, workspace_id.clone());
    for piece in pieces(file) {
        importer.record(piece.line, piece.text);
    }
    importer.finish();
    let (translated, faults) = (importer.drain(), importer.drain_faults());
    Ok(Import { format, translated, faults, totals: importer.totals })
}

impl Importer {
    /// An importer for one file; see [`import`] for `source_name`.
    #[must_use]
    pub fn new(format: Format, source_name: &str, workspace_id: WorkspaceId) -> Self {
        Self {
            format,
            source_name: source_name.to_owned(),
            workspace_id,
            reader: reader(format),
            first_record: None,
            runs: BTreeMap::new(),
            current: None,
            waiting: Vec::new(),
            emitter: Emitter::default(),
            totals: Totals::default(),
            copies: HashMap::new(),
            first_of_uuid: HashMap::new(),
        }
    }

    /// Takes the next record, as it stands in the file, with the line that it begins on.
    pub fn record(&mut self, line: usize, text: &[u8]) {
        let mut record = String::with_capacity(text.len());
        if let Err(error) = compact(text, &mut record, &Format::record_limits()) {
            self.fault(line, error.into());
            return;
        }
        self.totals.records += 1;
        if kind(&record) != JsonKind::Object {
            self.fault(line, FaultReason::NotAnObject);
            return;
        }
        if self.format == Format::ClaudeCodeWeb {
            self.wrapped_records(line, &record);
        } else if !self.read_document(line, |reader, sheet| reader.record(sheet, &record)) {
            self.session_record(line, record);
        }
        self.count();
    }

    /// Gives a record to the format's reader, if it has one.
    fn read_document(
        &mut self,
        line: usize,
        read: impl FnOnce(&mut dyn Reader, &mut Sheet<'_>),
    ) -> bool {
        let Some(mut reader) = self.reader.take() else { return false };
        let mut sheet = Sheet {
            emitter: &mut self.emitter,
            totals: &mut self.totals,
            copies: &mut self.copies,
            workspace_id: &self.workspace_id,
            source_name: &self.source_name,
            line,
        };
        read(reader.as_mut(), &mut sheet);
        self.reader = Some(reader);
        true
    }

    /// Takes the records of a session that stand as a list in one object.
    fn wrapped_records(&mut self, line: usize, document: &str) {
        let mut fields = Fields::of(document);
        let lists = ["loglines", "messages"].map(|name| fields.take(name));
        let records = lists.iter().flatten().flat_map(|list| elements(list));
        let mut record_count = 0;
        for record in records {
            record_count += 1;
            if kind(record) == JsonKind::Object {
                self.session_record(line, record.to_owned());
            } else {
                self.fault(line, FaultReason::NotAnObject);
            }
        }
        if let Some(rest) = fields.rest() {
            self.session_record(line, rest);
        }
        // The list is what has been read, and not the object around it.
        self.totals.records += record_count - 1;
    }

    fn session_record(&mut self, line: usize, record: String) {
        if self.first_record.is_none() {
            self.first_record = Some(short_hash(&record));
        }
        if self.must_wait(&record) {
            self.waiting.push((line, record));
        } else {
            self.begin(line, &record);
            self.release();
            self.translate(line, &record);
        }
    }

    /// Says what is still unsaid. No record may come after.
    pub fn finish(&mut self) {
        if self.read_document(0, |reader, sheet| reader.finish(sheet)) {
            self.count();
            return;
        }
        let trigger = self
            .waiting
            .iter()
            .find(|(_, record)| is_telling(record))
            .or(self.waiting.first())
            .cloned();
        if let Some((line, record)) = trigger {
            self.begin(line, &record);
            self.release();
        }
        let run_ids: Vec<RunId> = self.runs.keys().cloned().collect();
        for run_id in &run_ids {
            self.state_calls(run_id);
        }
        self.count();
    }

    /// Takes the events that are ready, in order.
    pub fn drain(&mut self) -> Vec<Translated> {
        std::mem::take(&mut self.emitter.translated)
    }

    /// Takes what did not become an event.
    pub fn drain_faults(&mut self) -> Vec<Fault> {
        std::mem::take(&mut self.emitter.faults)
    }

    /// The totals of what was read so far.
    #[must_use]
    pub fn totals(&self) -> &Totals {
        &self.totals
    }

    fn fault(&mut self, line: usize, reason: FaultReason) {
        self.emitter.fault(line, reason);
        self.count();
    }

    fn count(&mut self) {
        self.totals.events = self.emitter.event_count;
        self.totals.errors = self.emitter.fault_count;
    }

    /// Whether a record comes before the one that tells what its run is about.
    fn must_wait(&self, record: &str) -> bool {
        let session = session_of(&mut Fields::of(record));
        let is_placed = session.is_some() || self.current.is_some();
        let run_id = session.as_deref().and_then(run_of_session).or_else(|| self.current.clone());
        let is_started = run_id.is_some_and(|run_id| self.runs.contains_key(&run_id));
        let tells = is_placed && (!self.format.is_session() || is_telling(record));
        !is_started && !tells && self.waiting.len() < WAITING_RECORDS_MAX
    }

    fn release(&mut self) {
        for (line, record) in std::mem::take(&mut self.waiting) {
            self.translate(line, &record);
        }
    }

    /// Begins the run of a record, unless it has begun, and makes it the current one.
    fn begin(&mut self, line: usize, text: &str) -> Option<RunId> {
        let mut record = self.taken_apart(line, text);
        let session = session_of(&mut record.fields);
        let run_id = session.as_deref().and_then(run_of_session).or_else(|| self.current.clone());
        let run_id =
            run_id.or_else(|| run_of_file(&self.source_name, self.first_record.as_deref()?))?;
        if !self.runs.contains_key(&run_id) {
            let (run, mut fact) = Run::start(run_id.clone(), session.as_deref(), &mut record);
            fact.moment = self.first_waiting_moment().or(fact.moment);
            // Every file of a session may begin it; what says the same is the same event.
            self.emitter.emit_all(&run_id, &nameless_head(line), vec![fact], None);
            self.runs.insert(run_id.clone(), run);
        }
        let left = self.current.replace(run_id.clone());
        // Where a file changes between sessions, what was said of a call stays in its order.
        if let Some(left) = left.filter(|left| *left != run_id) {
            self.state_calls(&left);
        }
        Some(run_id)
    }

    /// States the model calls of a run that are not stated yet.
    fn state_calls(&mut self, run_id: &RunId) {
        if let Some(run) = self.runs.get_mut(run_id) {
            let facts = run.calls.state_all();
            self.emitter.emit_all(run_id, &nameless_head(0), facts, None);
        }
    }

    /// When the first record that waits was written: the run is as old as that.
    fn first_waiting_moment(&self) -> Option<Moment> {
        self.waiting.iter().find_map(|(_, record)| take_moment(&mut Fields::of(record)))
    }

    fn translate(&mut self, line: usize, text: &str) {
        let Some(run_id) = self.begin(line, text) else {
            return;
        };
        let mut record = self.taken_apart(line, text);
        self.name(&mut record);
        if let Some(session) = session_of(&mut record.fields) {
            self.totals.saw_session(&session);
        }
        self.totals.saw_time(record.head.moment.as_ref().map(|moment| moment.at));
        let Some(run) = self.runs.get_mut(&run_id) else {
            return;
        };
        run.take_repeated(&mut record.fields);
        let is_in_start = is_init(&record) && run.started_by_line == line;
        if is_in_start {
            return;
        }
        let prompt = prompt_of(&record);
        let mut facts: Vec<Fact> =
            run.agents.attribute(&mut record, prompt.as_deref()).into_iter().collect();
        let mut desk = Desk { run, totals: &mut self.totals };
        facts.extend(translated(self.format, &mut desk, &mut record));
        let residue = with_a_home(&mut desk, &record, &mut facts);
        self.emitter.emit_all(&run_id, &record.head, facts, residue);
    }

    fn taken_apart<'a>(&self, line: usize, text: &'a str) -> Record<'a> {
        let mut fields = Fields::of(text);
        let moment = take_moment(&mut fields);
        let record_type = if self.format == Format::HookLog {
            fields.get_text("hook_event_name").map(|name| name.into_owned())
        } else if self.format == Format::StatusLine {
            Some("status_line".to_owned())
        } else {
            fields.take_text("type")
        };
        let uuid = fields.take_name("uuid");
        let head = Head { line, key: Digest::ZERO, moment, record_type, uuid };
        Record { head, text, fields, agent: MAIN_AGENT.to_owned(), message_id: String::new() }
    }

    /// Gives a record its key and its messages their name.
    fn name(&mut self, record: &mut Record<'_>) {
        let text = record.text.as_bytes();
        let Some(uuid) = &record.head.uuid else {
            // Two records that say the same and have no name are two facts.
            let copies = self.copies.entry(sha256(&[text])).or_default();
            *copies += 1;
            record.head.key = sha256(&[&copies.to_be_bytes(), text]);
            record.message_id = format!("record-{}", &record.head.key.to_string()[..16]);
            return;
        };
        record.head.key = sha256(&[text]);
        let first = self.first_of_uuid.entry(uuid.clone()).or_insert(record.head.key);
        record.message_id = if *first == record.head.key {
            uuid.clone()
        } else {
            format!("{uuid}~{}", &record.head.key.to_string()[..8])
        };
    }
}

/// The head of a fact that is the run's and no single record's.
fn nameless_head(line: usize) -> Head {
    Head { line, key: Digest::ZERO, moment: None, record_type: None, uuid: None }
}

fn translated(format: Format, desk: &mut Desk<'_>, record: &mut Record<'_>) -> Vec<Fact> {
    if format == Format::HookLog {
        let is_hook = record.head.record_type.is_some();
        return if is_hook { hook(desk, record) } else { foreign(record) };
    }
    if format == Format::StatusLine {
        return status(desk, record);
    }
    let facts = match record.head.record_type.as_deref() {
        Some("user") => {
            let mut facts: Vec<Fact> = desk.run.calls.state(&record.agent).into_iter().collect();
            facts.extend(user(desk, record));
            facts
        }
        Some("assistant") => assistant(desk, record),
        Some("system") => system(record),
        Some("summary") => return summary(record),
        Some("result") => return result(desk, record),
        None => return bare_usage(desk, record),
        Some(_) => return foreign(record),
    };
    desk.run.agents.saw_moment(record);
    facts
}

/// What of a record nobody took, with the certainty that a fact will carry it.
fn with_a_home(desk: &mut Desk<'_>, record: &Record<'_>, facts: &mut Vec<Fact>) -> Option<String> {
    let residue = record.fields.rest();
    if facts.iter().any(|fact| fact.earlier.is_none()) {
        return residue;
    }
    let is_assistant = record.head.record_type.as_deref() == Some("assistant");
    if is_assistant && desk.run.calls.is_at_call(&record.agent, record.head.key) {
        desk.run.calls.keep_residue(&record.agent, residue);
        return None;
    }
    facts.push(Fact::new("foreign.event", Party::Harness, record.text.to_owned()));
    None
}

/// Whether a record tells what its run is about: it has the first prompt, or an answer.
fn is_telling(record: &str) -> bool {
    match member(record, "type").and_then(as_str).as_deref() {
        Some("user") => member(record, "isMeta") != Some("true"),
        Some("assistant" | "result") => true,
        Some("system") => member(record, "subtype").and_then(as_str).as_deref() == Some("init"),
        Some(_) => false,
        None => member(record, "message").is_some(),
    }
}

/// Takes a record's time, where it has one that can be read.
fn take_moment(fields: &mut Fields<'_>) -> Option<Moment> {
    ["timestamp", "logged_at"].iter().find_map(|name| {
        let is_time =
            |value: &str| as_str(value).is_some_and(|text| Timestamp::parse(&text).is_ok());
        let text = as_str(&fields.take_if(name, is_time)?)?.into_owned();
        let parsed = Timestamp::parse(&text).ok()?;
        Some(Moment { at: parsed.at, text: (!parsed.exact).then_some(text) })
    })
}
