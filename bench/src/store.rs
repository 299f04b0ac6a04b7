//! Owns row a's side of Annals: the store's writer in this process, without recorder or server.
//!
//! What is measured is all that makes a placed, chained, durable event out of its parts: encoding the
//! header, drawing the salt, the commitment, identities, the index of the active segment, one write and
//! one fdatasync a group. Parsing JSON is not part of it; that is the recorder's.

use std::path::Path;
use std::time::{Duration, Instant};

use annals_core::envelope::{Actor, ActorType, Authority, Draft, StreamKey};
use annals_core::id::{EventId, LogId};
use annals_core::record::{Header, SALT_BYTES, Salt, ServerFields, commitment};
use annals_core::time::Timestamp;
use annals_store::contract::{LogWriter, Prepared, Unit, UnitOutcome};
use annals_store::local::{LocalLog, LocalOptions, open_local};
use anyhow::{Result, bail};
use bytes::Bytes;

use crate::sample::{self, STREAM_COUNT};

/// How long a run took, and how long the index was busy after it.
#[derive(Debug, Clone, Copy)]
pub struct StoreRun {
    pub elapsed: Duration,
    pub settled: Duration,
}

/// Appends `event_total` events in groups and closes the log.
pub fn run(directory: &Path, event_total: u64, group_events: u64) -> Result<StoreRun> {
    let log_id = LogId::from_bytes([7; 16]);
    let LocalLog { mut writer, .. } = open_local(directory, LocalOptions::new(log_id))?;
    let source = Source::new(log_id)?;
    let start = Instant::now();
    for group in 0..event_total / group_events {
        let units = source.group(group * group_events, group_events)?;
        let now = Timestamp::from_micros(1_790_000_000_000_000 + group as i64);
        let outcomes = writer.append(now, units)?;
        if !outcomes.iter().all(|outcome| matches!(outcome, UnitOutcome::Committed(_))) {
            bail!("the store refused an event");
        }
    }
    let elapsed = start.elapsed();
    writer.settle_index();
    Ok(StoreRun { elapsed, settled: start.elapsed() - elapsed })
}

/// The same events that the other rows send, as their parsed parts.
struct Source {
    log_id: LogId,
    drafts: Vec<Draft>,
    body: Bytes,
}

impl Source {
    fn new(log_id: LogId) -> Result<Self> {
        let text = sample::event();
        let data = text.split_once("\"data\":").map_or("{}", |(_, rest)| &rest[..rest.len() - 1]);
        let drafts = (0..STREAM_COUNT).map(|run| draft(run, data)).collect::<Result<Vec<_>>>()?;
        let body = Bytes::from(drafts[0].body_json());
        Ok(Self { log_id, drafts, body })
    }

    fn group(&self, first: u64, count: u64) -> Result<Vec<Unit>> {
        let mut salts = vec![0; SALT_BYTES * count as usize];
        getrandom::fill(&mut salts)?;
        let numbered = (first..).zip(salts.chunks_exact(SALT_BYTES));
        numbered
            .map(|(number, salt)| {
                let events = [self.event(number, salt.try_into()?)?].into();
                Ok(Unit { events, expected: Vec::new(), companions: Vec::new() })
            })
            .collect()
    }

    fn event(&self, number: u64, salt: Salt) -> Result<Prepared> {
        let draft = &self.drafts[(number % STREAM_COUNT) as usize];
        let mut event_id = [0x42; 16];
        event_id[8..].copy_from_slice(&number.to_be_bytes());
        let server = ServerFields {
            event_id: EventId::from_bytes(event_id),
            workspace_id: "default".parse()?,
            principal_id: "owner".parse()?,
            zone: draft.zone,
            received_at: Timestamp::from_micros(1_790_000_000_000_000),
            trace_correlation: None,
            authority: Authority::Observed,
            control: None,
        };
        let header = Header::complete(draft, server).encode(&self.log_id);
        let commitment = commitment(&salt, &self.body);
        Ok(Prepared { header, body: self.body.clone(), salt, commitment })
    }
}

fn draft(run: u64, data: &str) -> Result<Draft> {
    let run_id = format!("run-{run:04}");
    let actor = Actor { actor_type: ActorType::Agent, actor_id: "claude-code".parse()? };
    let stream = StreamKey { stream_type: "run".parse()?, stream_id: run_id.parse()? };
    let mut draft = Draft::new("tool.invoked".parse()?, actor, stream, data.to_owned());
    draft.occurred_at = Some(Timestamp::from_micros(1_780_000_000_000_000));
    draft.scope.run_id = Some(run_id.parse()?);
    draft.correlation_id = Some(run_id.parse()?);
    Ok(draft)
}
