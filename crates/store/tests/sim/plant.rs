//! The faults that the simulation must find, and the one process that may have one of them.
//!
//! Nothing is planted in the engine itself. Most faults are a disk that leaves out or moves the
//! operation that an engine with the fault would leave out or move; the others stand between the
//! sender and the writer, where a faulty engine would do the same to its units.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use annals_core::id::EventId;
use annals_core::time::Timestamp;
use annals_store::contract::{
    AppendFailure, LogReader, LogWriter, OneOrMore, Placed, Unit, UnitOutcome,
};
use annals_store::local::disk::{Disk, DiskFile};
use annals_store::local::{LocalLog, LocalOptions, OpenError, open_local_on};

use crate::common::power::{Lie, PowerDisk};
use crate::common::*;
use crate::oracle::Broken;

/// A fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plant {
    Nothing,
    NoDataSync,
    NoFullSync,
    AnswerBeforeSync,
    NoDirSync,
    SeqFromUnsyncedTail,
    IndexTrusted,
    RetryAfterFailedSync,
    HalfAnAtomicBatch,
    IdentityOutsideTheCommit,
    TailServedBeforeSync,
    CheckpointBeyondTheDurableSize,
}

impl Plant {
    /// Every fault with what it may be found by.
    pub(crate) const ALL: [(Self, &'static [Broken]); 11] = [
        (Self::NoDataSync, &[Broken::Acknowledged]),
        (Self::NoFullSync, &[Broken::Acknowledged, Broken::Readable]),
        (Self::AnswerBeforeSync, &[Broken::Acknowledged]),
        (Self::NoDirSync, &[Broken::Acknowledged, Broken::Readable]),
        (Self::SeqFromUnsyncedTail, &[Broken::Acknowledged, Broken::Shown, Broken::Readable]),
        (Self::IndexTrusted, &[Broken::Identity, Broken::Order, Broken::Readable]),
        (Self::RetryAfterFailedSync, &[Broken::Acknowledged, Broken::Readable]),
        (Self::HalfAnAtomicBatch, &[Broken::Atomicity]),
        (Self::IdentityOutsideTheCommit, &[Broken::Identity]),
        (Self::TailServedBeforeSync, &[Broken::Shown]),
        (Self::CheckpointBeyondTheDurableSize, &[Broken::Checkpoint]),
    ];

    pub(crate) fn lie(self) -> Lie {
        match self {
            Self::Nothing | Self::HalfAnAtomicBatch | Self::IdentityOutsideTheCommit => Lie::None,
            Self::NoDataSync => Lie::NoDataSync,
            Self::NoFullSync => Lie::NoFullSync,
            Self::NoDirSync => Lie::NoDirSync,
            Self::SeqFromUnsyncedTail => Lie::TailTakenAsFound,
            Self::IndexTrusted => Lie::IndexTrusted,
            Self::RetryAfterFailedSync => Lie::RetriedSync,
            Self::AnswerBeforeSync
            | Self::TailServedBeforeSync
            | Self::CheckpointBeyondTheDurableSize => Lie::LateDataSync,
        }
    }
}

/// A log that is open in a simulated process.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) log: LocalLog,
    plant: Plant,
    disk: PowerDisk,
    identities: Option<OutsideIdentities>,
}

impl Process {
    pub(crate) fn start(
        disk: &PowerDisk,
        plant: Plant,
        options: LocalOptions,
    ) -> Result<Self, OpenError> {
        let log = open_local_on(Arc::new(disk.clone()), Path::new("/data"), options)?;
        let identities = match plant {
            Plant::IdentityOutsideTheCommit => OutsideIdentities::open(disk),
            _ => None,
        };
        Ok(Self { log, plant, disk: disk.clone(), identities })
    }

    pub(crate) fn reader(&self) -> &dyn LogReader {
        &self.log.reader
    }

    /// Appends units of samples, with the fault if there is one on this way.
    /// `early` is called between the append and its answer where a fault puts something there.
    pub(crate) fn append(
        &mut self,
        now: Timestamp,
        units: Vec<(Vec<Sample>, Unit)>,
        early: &mut dyn FnMut(&dyn LogReader),
    ) -> Result<Vec<UnitOutcome>, AppendFailure> {
        let plain = |units: Vec<(Vec<Sample>, Unit)>| -> Vec<Unit> {
            units.into_iter().map(|(_, unit)| unit).collect()
        };
        match self.plant {
            Plant::HalfAnAtomicBatch => self.append_in_pieces(now, &units),
            Plant::IdentityOutsideTheCommit => self.append_with_identities(now, &units),
            Plant::TailServedBeforeSync | Plant::CheckpointBeyondTheDurableSize => {
                let outcomes = self.log.writer.append(now, plain(units))?;
                early(&self.log.reader);
                match self.disk.finish_late_sync() {
                    Ok(()) => Ok(outcomes),
                    Err(error) => Err(AppendFailure::MayBePersisted { reason: error.to_string() }),
                }
            }
            _ => self.log.writer.append(now, plain(units)),
        }
    }

    /// Each event in a frame of its own.
    fn append_in_pieces(
        &mut self,
        now: Timestamp,
        units: &[(Vec<Sample>, Unit)],
    ) -> Result<Vec<UnitOutcome>, AppendFailure> {
        let mut pieces = Vec::new();
        for (_, unit) in units {
            pieces.extend(unit.events.iter().enumerate().map(|(index, event)| Unit {
                events: [event.clone()].into(),
                expected: if index == 0 { unit.expected.clone() } else { Vec::new() },
                companions: Vec::new(),
            }));
        }
        let mut outcomes = self.log.writer.append(now, pieces)?.into_iter();
        Ok(units.iter().map(|(_, unit)| join(outcomes.by_ref().take(unit.events.len()))).collect())
    }

    fn append_with_identities(
        &mut self,
        now: Timestamp,
        units: &[(Vec<Sample>, Unit)],
    ) -> Result<Vec<UnitOutcome>, AppendFailure> {
        let Some(identities) = &mut self.identities else {
            return Err(AppendFailure::Failed { reason: "no identities".to_owned() });
        };
        let mut outcomes = Vec::new();
        for (samples, unit) in units {
            let ids: Vec<EventId> =
                samples.iter().map(|sample| sample.draft.event_id.unwrap()).collect();
            if let Some(replayed) = identities.replay(&ids, &self.log.reader) {
                outcomes.push(UnitOutcome::Committed(replayed));
                continue;
            }
            let mut unidentified = without_identities(samples);
            unidentified.expected.clone_from(&unit.expected);
            outcomes.extend(self.log.writer.append(now, vec![unidentified])?);
            identities.add(&ids)?;
        }
        Ok(outcomes)
    }
}

/// The samples as a unit whose identities the log does not look up.
fn without_identities(samples: &[Sample]) -> Unit {
    let mut samples = samples.to_vec();
    for sample in &mut samples {
        sample.server_event_id =
            u128::from_be_bytes(*sample.draft.event_id.take().unwrap().as_bytes());
        sample.draft.idempotency_key = None;
    }
    unit(&samples)
}

fn join(pieces: impl Iterator<Item = UnitOutcome>) -> UnitOutcome {
    let mut placed = OneOrMore::new();
    for piece in pieces {
        match piece {
            UnitOutcome::Committed(events) => placed.extend(events),
            other => return other,
        }
    }
    UnitOutcome::Committed(placed)
}

/// A list of event ids in a file of its own, written after the commit that it is about.
#[derive(Debug)]
struct OutsideIdentities {
    file: Arc<dyn DiskFile>,
    known: HashSet<EventId>,
}

impl OutsideIdentities {
    fn open(disk: &PowerDisk) -> Option<Self> {
        let path = Path::new("/data/identities");
        let file = match disk.open(path) {
            Ok(file) => file,
            Err(_) => {
                let file = disk.create(path).ok()?;
                disk.sync_dir(Path::new("/data")).ok()?;
                file
            }
        };
        let mut known = HashSet::new();
        let mut id = [0; 16];
        for place in 0..file.len().ok()? / 16 {
            read_whole(&*file, &mut id, place * 16)?;
            known.insert(EventId::from_bytes(id));
        }
        Some(Self { file, known })
    }

    fn replay(&self, ids: &[EventId], reader: &dyn LogReader) -> Option<OneOrMore<Placed>> {
        let find = |id: &EventId| {
            let event = reader.by_event_id(&workspace("w1"), id).ok().flatten()?;
            Some(Placed { event, replayed: true, is_companion: false })
        };
        match ids.iter().all(|id| self.known.contains(id)) {
            true => ids.iter().map(find).collect(),
            false => None,
        }
    }

    fn add(&mut self, ids: &[EventId]) -> Result<(), AppendFailure> {
        for id in ids {
            let end = self.known.len() as u64 * 16;
            let written = self.file.write_at(id.as_bytes(), end);
            written.map_err(|error| failed(&error))?;
            self.known.insert(*id);
        }
        self.file.sync_data().map_err(|error| failed(&error))
    }
}

fn failed(error: &std::io::Error) -> AppendFailure {
    AppendFailure::MayBePersisted { reason: error.to_string() }
}

/// All of the buffer, or nothing.
fn read_whole(file: &dyn DiskFile, buffer: &mut [u8], offset: u64) -> Option<()> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read_at(&mut buffer[filled..], offset + filled as u64) {
            Ok(0) | Err(_) => return None,
            Ok(count) => filled += count,
        }
    }
    Some(())
}
