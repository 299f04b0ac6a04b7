//! Measures how fast events of about 600 bytes go through the writer, and where the time goes.
//!
//! `cargo run --release -p annals-store --example append_rate [EVENTS] [GROUP]`
//!
//! Events are prepared before the clock starts, as doors do it on other threads. The same events
//! go through three engines: memory (assigning and hashing alone), local without syncs (and the
//! writes), local with syncs (what is acknowledged is on the disk). The last one is then audited.

#![expect(clippy::disallowed_methods, reason = "this program measures time")]

use std::path::Path;
use std::time::{Duration, Instant};

use annals_core::envelope::{Actor, ActorType, Authority, Draft, StreamKey, Zone};
use annals_core::id::{
    ActorId, EventId, EventType, IdempotencyKey, LogId, PrincipalId, RunId, StreamId, StreamType,
    WorkspaceId,
};
use annals_core::record::{Header, ServerFields, commitment};
use annals_core::time::Timestamp;
use annals_store::audit::{AuditOptions, audit_directory};
use annals_store::contract::{LogWriter, Prepared, Unit, UnitOutcome};
use annals_store::local::{Durability, LocalOptions, LocalWriter, open_local};
use annals_store::memory::open_memory;
use bytes::Bytes;

const LOG_ID: LogId = LogId::from_bytes(*b"append rate log.");
type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let event_count: usize = arguments.next().map_or(Ok(400_000), |text| text.parse())?;
    let group: usize = arguments.next().map_or(Ok(800), |text| text.parse())?;
    let root = std::env::temp_dir().join(format!("annals-append-rate-{}", std::process::id()));
    let measured = measure(&root, event_count, group);
    std::fs::remove_dir_all(&root)?;
    measured
}

#[expect(clippy::print_stdout, reason = "the figures are what this program is for")]
fn measure(root: &Path, event_count: usize, group: usize) -> Result<(), Failure> {
    let first = sample(0)?;
    let event_bytes = first.header.as_bytes().len() + 24 + first.body.len();
    println!("{event_count} events of {event_bytes} bytes (header and body), {group} a group");
    let rate = |name: &str, mut times: Vec<Duration>| {
        let per_event = times.iter().sum::<Duration>().as_secs_f64() / event_count as f64;
        times.sort_unstable();
        let micros = |part: usize| times[(times.len() - 1) * part / 1000].as_micros();
        println!(
            "{name:26} {:8.0} events/s {:6.0} ns/event; append p50 {} p99 {} p99.9 {} max {} µs",
            1.0 / per_event,
            per_event * 1e9,
            micros(500),
            micros(990),
            micros(999),
            micros(1000),
        );
    };
    let (mut memory, reader) = open_memory(LOG_ID);
    rate("memory (assign and hash)", run(&mut memory, event_count, group)?);
    drop((memory, reader));
    let mut unsynced = open(&root.join("os"), Durability::Os)?;
    rate("local, no sync", run(&mut unsynced, event_count, group)?);
    drop(unsynced);
    let mut synced = open(&root.join("sync"), Durability::Sync)?;
    rate("local, fdatasync per group", run(&mut synced, event_count, group)?);
    let start = Instant::now();
    synced.settle_index();
    println!("index settled {} ms after the last append", start.elapsed().as_millis());
    synced.close()?;
    let start = Instant::now();
    let log = open(&root.join("sync"), Durability::Sync)?;
    println!("opened again at {} in {} ms", log.head(), start.elapsed().as_millis());
    log.close()?;
    for threads in 1..=2 {
        let options = AuditOptions { threads, ..AuditOptions::default() };
        let start = Instant::now();
        let report = audit_directory(&root.join("sync"), &options, &|_| {})?;
        let rate = report.events as f64 / start.elapsed().as_secs_f64();
        println!("audited by {threads} thread(s): {rate:.0} events/s, fault: {:?}", report.fault);
    }
    Ok(())
}

fn open(root: &Path, durability: Durability) -> Result<LocalWriter, Failure> {
    let options = LocalOptions { durability, ..LocalOptions::new(LOG_ID) };
    Ok(open_local(root, options)?.writer)
}

/// The times that the appends took.
fn run(
    writer: &mut dyn LogWriter,
    event_count: usize,
    group: usize,
) -> Result<Vec<Duration>, Failure> {
    let mut taken = Vec::new();
    for start in (0..event_count).step_by(group) {
        let numbers = start..event_count.min(start + group);
        let units = numbers
            .map(|number| {
                let events = [sample(number)?].into();
                Ok(Unit { events, expected: Vec::new(), companions: Vec::new() })
            })
            .collect::<Result<Vec<_>, Failure>>()?;
        let count = units.len();
        let before = Instant::now();
        let outcomes = writer.append(Timestamp::from_micros(1), units)?;
        taken.push(before.elapsed());
        let accepted =
            outcomes.iter().filter(|outcome| matches!(outcome, UnitOutcome::Committed(_)));
        assert_eq!(accepted.count(), count);
    }
    Ok(taken)
}

/// One tool call of one of a hundred runs, with an id and a key of its own.
fn sample(number: usize) -> Result<Prepared, Failure> {
    let run = format!("run_01920000-0000-7000-8000-{:012}", number % 100);
    let stream =
        StreamKey { stream_type: StreamType::parse("run")?, stream_id: StreamId::parse(&run)? };
    let actor = Actor { actor_type: ActorType::Agent, actor_id: ActorId::parse("claude-code")? };
    let data = format!(
        "{{\"tool_call_id\":\"toolu_{number:024}\",\"tool_name\":\"Bash\",\"input\":{{\"command\":\"{}\"}}}}",
        "cargo test -q -p annals-store; ".repeat(8)
    );
    let mut draft = Draft::new(EventType::parse("tool.invoked")?, actor, stream, data);
    let event_id = EventId::from_bytes(
        (number as u128).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c).to_be_bytes(),
    );
    draft.event_id = Some(event_id);
    draft.idempotency_key = Some(IdempotencyKey::parse(&format!("call-{number}"))?);
    draft.scope.run_id = Some(RunId::parse(&run)?);
    let header = Header::complete(
        &draft,
        ServerFields {
            event_id,
            workspace_id: WorkspaceId::parse("default")?,
            principal_id: PrincipalId::parse("owner")?,
            zone: Zone::Supervised,
            received_at: Timestamp::from_micros(1_700_000_000_000_000),
            trace_correlation: None,
            authority: Authority::Observed,
            control: None,
        },
    );
    let body = Bytes::from(draft.body_json());
    let salt = [7; 32];
    let commitment = commitment(&salt, &body);
    Ok(Prepared { header: header.encode(&LOG_ID), body, salt, commitment })
}
