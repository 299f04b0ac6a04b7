//! The export of a run as an evidence file: its events read from the log, each with its proof.
//!
//! The format and its rules are `annals_core::evidence`'s; here it is decided which events belong
//! in a file, which checkpoint they are proven against, and what the summary says.
//! INVARIANT (hidden is hidden): of an event that is included as its hash alone nothing else gets
//! into the file, not by way of the summary either.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::io::{self, Write};
use std::sync::Arc;

use annals_core::checkpoint::{SignedCheckpoint, SignedRotation};
use annals_core::envelope::StreamKey;
use annals_core::event::Event;
use annals_core::evidence::{
    Disclosure, EvidenceHead, EvidenceWriteError, EvidenceWriter, RUN_STREAM_TYPE, is_of_run,
};
use annals_core::id::{EventId, LogId, Position, RunId, StreamId, StreamType, WorkspaceId};
use annals_core::limits::PAGE_EVENTS_MAX;
use annals_core::note::VerifierKey;
use annals_core::tiles;
use annals_core::time::Timestamp;
use annals_store::contract::{LogReader, ReadFailure};
use annals_store::query::{Filter, PageLimit, Query, TypePattern};
use serde_json::{Map, Value, json};

use crate::recorder::Recorder;
use crate::trust::{Trust, TrustFailure};

/// Bytes that are collected before they are written.
const OUTPUT_BUFFER_BYTES: usize = 64 << 10;

/// What a file is to hold.
#[derive(Debug, Clone, Default)]
pub struct ExportOptions {
    /// Events that are included as their hash alone.
    pub hash_only: Vec<EventId>,
    /// Types of events that are included so.
    pub hash_only_types: Vec<TypePattern>,
    /// Keys of witnesses; those that cosigned the checkpoint get into the file.
    pub witness_keys: Vec<VerifierKey>,
}

/// What was exported.
#[derive(Debug, Clone)]
pub struct ExportReport {
    /// Events of the file.
    pub event_count: u64,
    /// Those of them that are there as their hash alone.
    pub hash_only_count: u64,
    /// Those of them whose body is erased.
    pub redacted_count: u64,
    /// What the proofs lead to.
    pub checkpoint: Arc<SignedCheckpoint>,
}

/// Why a run is not exported. What was written until then is no evidence file.
#[derive(Debug, thiserror::Error)]
pub enum ExportFailure {
    /// The workspace has no event of the run.
    #[error("there is no run `{run_id}`")]
    UnknownRun {
        /// The run.
        run_id: RunId,
    },
    /// An event that should be hidden is none of the run: what was meant would be shown.
    #[error("the event {event_id}, of which only the hash was wanted, is not of this run")]
    NotOfRun {
        /// The event.
        event_id: EventId,
    },
    /// The log cannot be read.
    #[error(transparent)]
    Read(#[from] ReadFailure),
    /// There is no checkpoint.
    #[error(transparent)]
    Trust(#[from] TrustFailure),
    /// The log's key has not signed its own checkpoint.
    #[error("the checkpoint of {size} events is signed by none of the log's keys")]
    Unsigned {
        /// The checkpoint's size.
        size: u64,
    },
    /// The file cannot be written, or would not verify.
    #[error(transparent)]
    Write(#[from] EvidenceWriteError),
}

impl Recorder {
    /// Writes a run's events, each with its proof, as an evidence file. Waits for the disk.
    ///
    /// The output is flushed now and then before anything is written to it, too: when nobody wants
    /// the file any more, it says so with an error.
    ///
    /// # Errors
    /// When there is no such run, an event to be hidden is none of it, the log cannot be read or
    /// the output cannot be written.
    pub fn export_run(
        &self,
        workspace_id: &WorkspaceId,
        run_id: &RunId,
        options: &ExportOptions,
        out: &mut dyn Write,
    ) -> Result<ExportReport, ExportFailure> {
        let newest = self.trust().checkpoint()?;
        let end = Position(newest.checkpoint().size).next();
        let run = Run { reader: self.log().as_ref(), workspace_id, run_id, end };
        let hidden = run.hidden(options)?;
        let overview = Overview::of(&run, &hidden, out)?;
        let Some((_, last)) = overview.positions else {
            return Err(ExportFailure::UnknownRun { run_id: run_id.clone() });
        };
        let signed = Signed::choose(self.trust(), newest, last, &options.witness_keys)?;
        let head = EvidenceHead {
            log_id: self.log_id(),
            lineage: &run.lineage(),
            key: &signed.key,
            rotations: &signed.rotations,
            checkpoint: &signed.checkpoint,
            witness_keys: &signed.witness_keys,
            workspace_id,
            run_id,
            summary: &overview.summary(self.clock().now()),
        };
        let out = io::BufWriter::with_capacity(OUTPUT_BUFFER_BYTES, out);
        let writer = EvidenceWriter::begin(out, &head)?;
        run.write_events(writer, &hidden, signed.checkpoint)
    }
}

/// The events of a run up to a checkpoint.
#[derive(Debug, Clone, Copy)]
struct Run<'a> {
    reader: &'a dyn LogReader,
    workspace_id: &'a WorkspaceId,
    run_id: &'a RunId,
    /// The position behind the checkpoint, so that both passes see the same events.
    end: Position,
}

impl<'a> Run<'a> {
    /// All events of the run in order of position: those that name it, and those on its stream.
    fn events(&self) -> Merged<'a> {
        let mut filters = vec![Filter::Run(self.run_id.clone())];
        let stream = (StreamType::parse(RUN_STREAM_TYPE), StreamId::parse(self.run_id.as_str()));
        if let (Ok(stream_type), Ok(stream_id)) = stream {
            filters.push(Filter::Stream(StreamKey { stream_type, stream_id }));
        }
        let scan = |filter| Scan {
            reader: self.reader,
            query: Query {
                workspace_id: Some(self.workspace_id.clone()),
                filters: vec![filter],
                before_position: Some(self.end),
                ..Query::default()
            },
            page: VecDeque::new(),
            is_at_end: false,
        };
        Merged { scans: filters.into_iter().map(scan).collect() }
    }

    /// Which events are to be hidden.
    fn hidden<'o>(&self, options: &'o ExportOptions) -> Result<Hidden<'o>, ExportFailure> {
        let position = |event_id: &EventId| {
            let event = self.reader.by_event_id(self.workspace_id, event_id)?;
            event
                .filter(|event| is_of_run(&event.header(), self.run_id))
                .map(|event| event.position())
                .ok_or(ExportFailure::NotOfRun { event_id: *event_id })
        };
        let positions: Result<_, ExportFailure> = options.hash_only.iter().map(position).collect();
        Ok(Hidden { positions: positions?, types: &options.hash_only_types })
    }

    fn lineage(&self) -> Vec<(LogId, u64)> {
        let ancestors = self.reader.lineage().into_iter();
        ancestors.map(|ancestor| (ancestor.log_id, ancestor.last_position.get())).collect()
    }

    fn write_events<W: Write>(
        &self,
        mut writer: EvidenceWriter<W>,
        hidden: &Hidden<'_>,
        checkpoint: Arc<SignedCheckpoint>,
    ) -> Result<ExportReport, ExportFailure> {
        let size = checkpoint.checkpoint().size;
        let mut report =
            ExportReport { event_count: 0, hash_only_count: 0, redacted_count: 0, checkpoint };
        let mut events = self.events();
        while let Some(event) = events.next()? {
            let leaf_index = event.position().get() - 1;
            let path = tiles::inclusion_path_at(self.reader.tree(), leaf_index, size)?;
            let is_hidden = hidden.covers(&event);
            let disclosure = if is_hidden { Disclosure::HashOnly } else { Disclosure::Full };
            // Without a path the writer refuses the event, because nothing would prove it.
            writer.put(&event, disclosure, &path.unwrap_or_default())?;
            report.event_count += 1;
            report.hash_only_count += u64::from(is_hidden);
            report.redacted_count += u64::from(event.is_erased() && !is_hidden);
        }
        writer.finish().map_err(EvidenceWriteError::from)?;
        Ok(report)
    }
}

/// The events of which nothing but the hash is shown.
#[derive(Debug)]
struct Hidden<'a> {
    positions: HashSet<Position>,
    types: &'a [TypePattern],
}

impl Hidden<'_> {
    fn covers(&self, event: &Event) -> bool {
        self.positions.contains(&event.position())
            || self.types.iter().any(|pattern| pattern.admits(event.event_type()))
    }
}

/// One query's events, page by page.
#[derive(Debug)]
struct Scan<'a> {
    reader: &'a dyn LogReader,
    query: Query,
    page: VecDeque<Event>,
    is_at_end: bool,
}

impl Scan<'_> {
    fn peek(&mut self) -> Result<Option<Position>, ReadFailure> {
        while self.page.is_empty() && !self.is_at_end {
            let page = self.reader.scan(&self.query, PageLimit::events(PAGE_EVENTS_MAX))?;
            self.page = page.events.into();
            match page.next {
                Some(next) => self.query.after_position = next,
                None => self.is_at_end = true,
            }
        }
        Ok(self.page.front().map(Event::position))
    }
}

/// Several queries' events in order of position, each event once.
#[derive(Debug)]
struct Merged<'a> {
    scans: Vec<Scan<'a>>,
}

impl Merged<'_> {
    fn next(&mut self) -> Result<Option<Event>, ReadFailure> {
        let mut lowest: Option<Position> = None;
        for scan in &mut self.scans {
            let position = scan.peek()?;
            lowest = position.into_iter().chain(lowest).min();
        }
        let mut event = None;
        for scan in &mut self.scans {
            if scan.page.front().map(Event::position) == lowest {
                event = scan.page.pop_front().or(event);
            }
        }
        Ok(event)
    }
}

/// The checkpoint of a file, with what its signatures are checked by.
#[derive(Debug)]
struct Signed {
    checkpoint: Arc<SignedCheckpoint>,
    key: VerifierKey,
    rotations: Vec<SignedRotation>,
    witness_keys: Vec<VerifierKey>,
}

impl Signed {
    /// The newest checkpoint, or an older one with more cosignatures, if it covers all events.
    fn choose(
        trust: &Trust,
        newest: Arc<SignedCheckpoint>,
        last: Position,
        witness_keys: &[VerifierKey],
    ) -> Result<Self, ExportFailure> {
        let cosigned_by = |signed: &SignedCheckpoint| -> Vec<VerifierKey> {
            let has_signed = |key: &&VerifierKey| signed.verify_cosignature(key).is_ok();
            witness_keys.iter().filter(has_signed).cloned().collect()
        };
        let covers_all = |signed: &Arc<SignedCheckpoint>| signed.checkpoint().size >= last.get();
        let older = trust.cosigned().filter(covers_all);
        let (of_newest, of_older) =
            (cosigned_by(&newest), older.as_deref().map(cosigned_by).unwrap_or_default());
        let (checkpoint, witness_keys) = match older {
            Some(older) if of_older.len() > of_newest.len() => (older, of_older),
            Some(_) | None => (newest, of_newest),
        };
        let key = trust.verifier_keys().into_iter().find(|key| checkpoint.verify(key).is_ok());
        let size = checkpoint.checkpoint().size;
        let key = key.ok_or(ExportFailure::Unsigned { size })?;
        // The changes after that key's time say nothing about it.
        let mut rotations: Vec<SignedRotation> = trust.rotations();
        while rotations.last().is_some_and(|newest| newest.statement().new_key != key) {
            rotations.pop();
        }
        rotations.reverse();
        Ok(Self { checkpoint, key, rotations, witness_keys })
    }
}

/// What the events that are shown say about the run, for people.
#[derive(Debug, Default)]
struct Overview {
    positions: Option<(Position, Position)>,
    event_count: u64,
    hash_only_count: u64,
    redacted_count: u64,
    event_types: BTreeMap<String, u64>,
    times: Option<(Timestamp, Timestamp)>,
    title: Option<String>,
    ended_by: Option<String>,
}

impl Overview {
    fn of(run: &Run<'_>, hidden: &Hidden<'_>, out: &mut dyn Write) -> Result<Self, ExportFailure> {
        let mut overview = Self::default();
        let mut events = run.events();
        while let Some(event) = events.next()? {
            let position = event.position();
            let first = overview.positions.map_or(position, |(first, _)| first);
            overview.positions = Some((first, position));
            overview.event_count += 1;
            if overview.event_count.is_multiple_of(PAGE_EVENTS_MAX as u64) {
                out.flush().map_err(EvidenceWriteError::from)?;
            }
            if hidden.covers(&event) {
                overview.hash_only_count += 1;
            } else {
                overview.take_shown(&event);
            }
        }
        Ok(overview)
    }

    fn take_shown(&mut self, event: &Event) {
        let header = event.header();
        *self.event_types.entry(header.event_type.to_owned()).or_default() += 1;
        self.redacted_count += u64::from(event.is_erased());
        let at = header.recorded_at;
        let first = self.times.map_or(at, |(first, _)| first);
        self.times = Some((first, at));
        match header.event_type {
            "run.started" => self.title = title_of(event).or(self.title.take()),
            "run.completed" | "run.failed" => self.ended_by = Some(header.event_type.to_owned()),
            _ => {}
        }
    }

    fn summary(&self, made_at: Timestamp) -> Map<String, Value> {
        let mut summary = Map::new();
        let mut put = |name: &str, value: Value| {
            summary.insert(name.to_owned(), value);
        };
        put("caution", json!("for reading; evidence is only what a verifier checks"));
        put("made_at", json!(made_at.to_string()));
        put("title", json!(self.title));
        put("ended_by", json!(self.ended_by));
        put("event_count", json!(self.event_count));
        put("hash_only_count", json!(self.hash_only_count));
        put("redacted_count", json!(self.redacted_count));
        put("event_types", json!(self.event_types));
        if let Some((first, last)) = self.times {
            put("first_recorded_at", json!(first.to_string()));
            put("last_recorded_at", json!(last.to_string()));
        }
        summary
    }
}

fn title_of(event: &Event) -> Option<String> {
    let data: Value = serde_json::from_str(event.data()).ok()?;
    data.get("title")?.as_str().map(str::to_owned)
}
