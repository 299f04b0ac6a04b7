//! What the store's tests share: engines under test and events to append.

#![allow(
    dead_code,
    unreachable_pub,
    unused_imports,
    reason = "each test program uses a part of this"
)]

pub mod erasing;
pub mod faulty;
pub mod power;
pub mod suite;

use std::path::PathBuf;
use std::sync::Arc;

use annals_core::envelope::{Actor, ActorType, Authority, Draft, StreamKey, Zone};
use annals_core::event::Event;
use annals_core::id::*;
use annals_core::record::{Header, ServerFields, commitment};
use annals_core::time::Timestamp;
use annals_store::contract::*;
use annals_store::local::{LocalLog, LocalOptions, LocalWriter, open_local};
use annals_store::memory::{MemoryReader, MemoryWriter, open_memory};

pub const LOG_ID: LogId = LogId::from_bytes(*b"a log for tests!");

/// An engine under test.
pub trait Engine {
    fn writer(&mut self) -> &mut dyn LogWriter;
    fn reader(&self) -> Arc<dyn LogReader>;
    /// Closes and opens the log, if it can outlive its process.
    fn reopen(&mut self) {}
    /// Waits for work in the background.
    fn settle(&mut self) {}
}

pub struct MemoryEngine(MemoryWriter, MemoryReader);

impl MemoryEngine {
    pub fn start() -> Self {
        let (writer, reader) = open_memory(LOG_ID);
        Self(writer, reader)
    }
}

impl Engine for MemoryEngine {
    fn writer(&mut self) -> &mut dyn LogWriter {
        &mut self.0
    }

    fn reader(&self) -> Arc<dyn LogReader> {
        Arc::new(self.1.clone())
    }
}

pub struct LocalEngine {
    pub dir: tempfile::TempDir,
    pub options: LocalOptions,
    writer: Option<LocalWriter>,
}

impl LocalEngine {
    /// With the usual sizes: all that a test appends is in the active segment.
    pub fn start() -> Self {
        Self::start_with(LocalOptions::new(LOG_ID))
    }

    /// With segments of a few events, so that sealing and merging happen all the time.
    pub fn start_small() -> Self {
        Self::start_with(small_options())
    }

    pub fn start_with(options: LocalOptions) -> Self {
        let dir = temporary_dir();
        let writer = Some(open_local(dir.path(), options.clone()).unwrap().writer);
        Self { dir, options, writer }
    }

    pub fn log(&self) -> LocalLog {
        open_local(self.dir.path(), self.options.clone()).unwrap()
    }
}

/// A directory that goes with the test, in memory where there is such a place: these tests make
/// thousands of logs, and what a real disk does is not their matter.
pub fn temporary_dir() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

pub fn small_options() -> LocalOptions {
    LocalOptions {
        segment_bytes: 3_000,
        index_cache_bytes: 64 << 10,
        filter_bytes: 4 << 10,
        merge_fan_in: 2,
        ..LocalOptions::new(LOG_ID)
    }
}

impl Engine for LocalEngine {
    fn writer(&mut self) -> &mut dyn LogWriter {
        self.writer.as_mut().unwrap()
    }

    fn reader(&self) -> Arc<dyn LogReader> {
        Arc::new(self.writer.as_ref().unwrap().reader())
    }

    fn reopen(&mut self) {
        self.writer.take().unwrap().close().unwrap();
        let log = self.log();
        assert!(log.report.was_closed || log.writer.head().position == Position(0));
        self.writer = Some(log.writer);
    }

    fn settle(&mut self) {
        self.writer.as_ref().unwrap().settle_index();
    }
}

/// An event to append, with what a test says of it.
#[derive(Debug, Clone)]
pub struct Sample {
    pub draft: Draft,
    pub workspace: &'static str,
    pub server_event_id: u128,
    pub log_id: LogId,
}

pub fn stream(kind: &str, id: &str) -> StreamKey {
    StreamKey {
        stream_type: StreamType::parse(kind).unwrap(),
        stream_id: StreamId::parse(id).unwrap(),
    }
}

pub fn workspace(id: &str) -> WorkspaceId {
    WorkspaceId::parse(id).unwrap()
}

pub fn event_id(number: u128) -> EventId {
    EventId::from_bytes(number.to_be_bytes())
}

pub fn key(text: &str) -> IdempotencyKey {
    IdempotencyKey::parse(text).unwrap()
}

/// An event on stream run/`stream_id` with this payload; every sample has its own server-made id.
pub fn sample(stream_id: &str, data: &str) -> Sample {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(1 << 40);
    let actor =
        Actor { actor_type: ActorType::Agent, actor_id: ActorId::parse("an-agent").unwrap() };
    let event_type = EventType::parse("tool.invoked").unwrap();
    Sample {
        draft: Draft::new(event_type, actor, stream("run", stream_id), data.to_owned()),
        workspace: "w1",
        server_event_id: u128::from(NEXT.fetch_add(1, Ordering::Relaxed)),
        log_id: LOG_ID,
    }
}

impl Sample {
    pub fn id(mut self, number: u128) -> Self {
        self.draft.event_id = Some(event_id(number));
        self
    }

    pub fn key(mut self, text: &str) -> Self {
        self.draft.idempotency_key = Some(key(text));
        self
    }

    pub fn workspace(mut self, id: &'static str) -> Self {
        self.workspace = id;
        self
    }

    pub fn event_type(mut self, text: &str) -> Self {
        self.draft.event_type = EventType::parse(text).unwrap();
        self
    }

    pub fn run(mut self, id: &str) -> Self {
        self.draft.scope.run_id = Some(RunId::parse(id).unwrap());
        self
    }

    pub fn actor(mut self, id: &str) -> Self {
        self.draft.actor.actor_id = ActorId::parse(id).unwrap();
        self
    }

    pub fn dialect(mut self, name: Option<&str>) -> Self {
        self.draft.origin.dialect = name.map(|name| DialectName::parse(name).unwrap());
        self
    }

    pub fn prepare(&self) -> Prepared {
        let event_id = self.draft.event_id.unwrap_or(event_id(self.server_event_id));
        let mut server = server_fields(0, self.workspace);
        server.event_id = event_id;
        server.received_at = Timestamp::from_micros(self.server_event_id as i64);
        let header = Header::complete(&self.draft, server);
        let body = bytes::Bytes::from(self.draft.body_json());
        let salt = [event_id.as_bytes()[15]; 32];
        let commitment = commitment(&salt, &body);
        Prepared { header: header.encode(&self.log_id), body, salt, commitment }
    }

    /// A unit of this event alone.
    pub fn unit(&self) -> Unit {
        unit(std::slice::from_ref(self))
    }
}

pub fn server_fields(id: u128, workspace_id: &str) -> ServerFields {
    ServerFields {
        event_id: event_id(id),
        workspace_id: workspace(workspace_id),
        principal_id: PrincipalId::parse("owner").unwrap(),
        zone: Zone::Supervised,
        received_at: at(0),
        trace_correlation: None,
        authority: Authority::Observed,
        control: None,
    }
}

pub fn unit(samples: &[Sample]) -> Unit {
    Unit {
        events: samples.iter().map(Sample::prepare).collect(),
        expected: Vec::new(),
        companions: Vec::new(),
    }
}

pub fn expecting(mut unit: Unit, stream_id: &str, expected_seq: u64) -> Unit {
    unit.expected.push(ExpectedSeq {
        workspace_id: workspace("w1"),
        stream: stream("run", stream_id),
        expected_seq: Seq(expected_seq),
    });
    unit
}

pub fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}

/// Appends at a time at which nothing else happens.
pub fn append(writer: &mut dyn LogWriter, units: Vec<Unit>) -> Vec<UnitOutcome> {
    writer.append(at(1_000), units).unwrap()
}

/// The events of a unit that must have been accepted.
pub fn committed(outcome: &UnitOutcome) -> Vec<Event> {
    match outcome {
        UnitOutcome::Committed(placed) => {
            placed.iter().map(|placed| placed.event.clone()).collect()
        }
        other => panic!("not committed: {other:?}"),
    }
}

/// The one event of a unit that must have been accepted, and whether it was replayed.
pub fn only(outcome: &UnitOutcome) -> (Event, bool) {
    match outcome {
        UnitOutcome::Committed(placed) if placed.len() == 1 => {
            (placed[0].event.clone(), placed[0].replayed)
        }
        other => panic!("not one committed event: {other:?}"),
    }
}

pub fn refusal(outcome: &UnitOutcome) -> (usize, Refusal) {
    match outcome {
        UnitOutcome::Refused { index, refusal } => (*index, refusal.clone()),
        other => panic!("not refused: {other:?}"),
    }
}

/// All events of a log, and that they hold together.
pub fn audit(reader: &dyn LogReader) -> Vec<Event> {
    let head = reader.head();
    let mut events: Vec<Event> = Vec::new();
    let mut ends = std::collections::HashMap::new();
    for position in 1..=head.position.get() {
        let event = reader.event_at(Position(position)).unwrap().unwrap();
        assert_eq!(event.position(), Position(position));
        assert!(event.is_erased() || event.record().body_matches());
        let header = event.header();
        assert!(events.last().is_none_or(|last| last.header().recorded_at <= header.recorded_at));
        let name = (
            header.workspace_id.to_owned(),
            header.stream_type.to_owned(),
            header.stream_id.to_owned(),
        );
        let before = ends.insert(name, (event.stream_seq(), event.event_hash()));
        let (seq, hash) = before.map_or((Seq(0), None), |(seq, hash)| (seq, Some(hash)));
        assert_eq!(event.stream_seq(), seq.next());
        assert_eq!(event.prev_event_hash(), hash);
        events.push(event);
    }
    assert_eq!(reader.event_at(Position(0)).unwrap(), None);
    assert_eq!(reader.event_at(head.position.next()).unwrap(), None);
    events
}

/// The files of a data directory's log, by name.
pub fn log_files(root: &std::path::Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(root.join("log"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "seg"))
        .collect();
    files.sort();
    files
}
