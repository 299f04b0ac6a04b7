//! A seeded simulation of crashes and power losses at every kind of moment.
//!
//! One seed is one story: a log is opened, appended to, and stopped by a kill, a power loss or a
//! failed sync, again and again. After each start: what was acknowledged or shown is there with
//! its receipt; whatever else is there was sent, unaltered, at most once, and whole units of it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test stops where it goes wrong"
)]

mod common;

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

use annals_core::event::Event;
use annals_core::hash::Digest;
use annals_core::id::{EventId, Position};
use annals_store::contract::{LogReader, LogWriter, UnitOutcome};
use annals_store::local::{LocalLog, LocalOptions, Upkeep, open_local_on};
use common::power::{Chance, Lie, PowerDisk};
use common::*;

struct Story {
    disk: PowerDisk,
    chance: Chance,
    options: LocalOptions,
    /// What was acknowledged or shown to a reader.
    promised: BTreeMap<Position, Digest>,
    /// Everything that was ever sent: its body and its unit.
    sent: HashMap<EventId, (String, usize)>,
    /// Events of each unit.
    units: Vec<Vec<Sample>>,
}

impl Story {
    fn new(seed: u64, lie: Lie) -> Self {
        let mut chance = Chance::new(seed);
        let options = LocalOptions {
            segment_bytes: [1_500, 4_000, 100_000][chance.below(3) as usize],
            index_cache_bytes: 64 << 10,
            merge_fan_in: 2,
            upkeep: Upkeep::Caller,
            ..LocalOptions::new(LOG_ID)
        };
        Self {
            disk: PowerDisk::new(seed, lie),
            chance,
            options,
            promised: BTreeMap::new(),
            sent: HashMap::new(),
            units: Vec::new(),
        }
    }

    fn tell(mut self) -> Result<(), String> {
        for _ in 0..6 {
            self.live()?;
            match self.chance.one_in(3) {
                true => self.disk.kill(),
                false => self.disk.lose_power(),
            }
        }
        let log = self.open()?.ok_or("the log does not open at the end")?;
        self.audit(&log.reader)
    }

    /// One process, from start to stop.
    fn live(&mut self) -> Result<(), String> {
        // Some processes do not even get through their start.
        let changes = if self.chance.one_in(3) { 20 } else { 250 };
        let changes = 1 + self.chance.below(changes);
        let sync_failure = if self.chance.one_in(3) { 20 } else { 0 };
        self.disk.set_limits(changes, 0);
        let Some(mut log) = self.open()? else { return Ok(()) };
        self.disk.set_limits(changes, sync_failure);
        if !self.disk.is_off() {
            self.audit(&log.reader)?;
        }
        for _ in 0..self.chance.below(30) {
            if self.disk.is_off() || !self.append(&mut log)? {
                break;
            }
            self.promise_what_is_shown(&log.reader)?;
            if self.chance.one_in(5) {
                log.writer.settle_index();
            }
        }
        if self.chance.one_in(4) {
            let _ = log.writer.close();
        }
        Ok(())
    }

    fn open(&mut self) -> Result<Option<LocalLog>, String> {
        let disk = Arc::new(self.disk.clone());
        match open_local_on(disk, Path::new("/data"), self.options.clone()) {
            Ok(log) => Ok(Some(log)),
            Err(_) if self.disk.is_off() => Ok(None),
            Err(error) => Err(format!("the log does not open: {error}")),
        }
    }

    /// Sends a few units, some of them again. False when the writer takes no more.
    fn append(&mut self, log: &mut LocalLog) -> Result<bool, String> {
        let mut numbers = Vec::new();
        for _ in 0..=self.chance.below(4) {
            let is_repeat = !self.units.is_empty() && self.chance.one_in(4);
            numbers.push(match is_repeat {
                true => self.chance.below(self.units.len() as u64) as usize,
                false => self.new_unit(),
            });
        }
        let units = numbers.iter().map(|number| unit(&self.units[*number])).collect();
        let Ok(outcomes) = log.writer.append(at(self.units.len() as i64), units) else {
            return Ok(false);
        };
        for outcome in outcomes {
            match outcome {
                UnitOutcome::Committed(placed) => {
                    placed.iter().try_for_each(|placed| self.promise(&placed.event))?;
                }
                UnitOutcome::Refused { refusal, .. } => return Err(format!("refused: {refusal}")),
                UnitOutcome::Undecided { .. } if self.disk.is_off() => return Ok(false),
                UnitOutcome::Undecided { failure, .. } => return Err(failure.to_string()),
            }
        }
        Ok(true)
    }

    fn new_unit(&mut self) -> usize {
        let number = self.units.len();
        let filler = "x".repeat(self.chance.below(700) as usize);
        let samples: Vec<Sample> = (0..=self.chance.below(3))
            .map(|index| {
                let data = format!("{{\"unit\":{number},\"index\":{index},\"text\":\"{filler}\"}}");
                let stream_id = format!("s{}", self.chance.below(5));
                sample(&stream_id, &data).id(number as u128 * 10 + u128::from(index))
            })
            .collect();
        for sample in &samples {
            self.sent.insert(sample.draft.event_id.unwrap(), (sample.draft.body_json(), number));
        }
        self.units.push(samples);
        number
    }

    fn promise(&mut self, event: &Event) -> Result<(), String> {
        let hash = self.promised.entry(event.position()).or_insert(event.event_hash());
        match *hash == event.event_hash() {
            true => Ok(()),
            false => Err(format!("position {} was promised to another event", event.position())),
        }
    }

    /// What a reader has seen must be there for ever, acknowledged or not.
    fn promise_what_is_shown(&mut self, reader: &dyn LogReader) -> Result<(), String> {
        let head = reader.head().position.get();
        let known = self.promised.last_key_value().map_or(0, |(position, _)| position.get());
        for position in known + 1..=head {
            match reader.event_at(Position(position)) {
                Ok(Some(event)) => self.promise(&event)?,
                _ if self.disk.is_off() => return Ok(()),
                other => return Err(format!("position {position} cannot be read: {other:?}")),
            }
        }
        Ok(())
    }

    fn audit(&mut self, reader: &dyn LogReader) -> Result<(), String> {
        let head = reader.head().position;
        let last_promised = self.promised.last_key_value().map(|(position, _)| *position);
        if last_promised.is_some_and(|last| last > head) {
            return Err(format!("{head} is the head, but more was promised: {last_promised:?}"));
        }
        let mut ends: HashMap<String, (u64, Digest)> = HashMap::new();
        let mut found: HashMap<EventId, u64> = HashMap::new();
        let mut unit_events: BTreeMap<usize, Vec<u64>> = BTreeMap::new();
        for position in 1..=head.get() {
            let event = match reader.event_at(Position(position)) {
                Ok(Some(event)) => event,
                _ if self.disk.is_off() => return Ok(()),
                other => return Err(format!("position {position} cannot be read: {other:?}")),
            };
            self.promise(&event)?;
            let header = event.header();
            let sent = self.sent.get(&header.event_id).ok_or("an event was never sent")?;
            if sent.0 != event.body() || found.insert(header.event_id, position).is_some() {
                return Err(format!("position {position} is altered or there twice"));
            }
            unit_events.entry(sent.1).or_default().push(position);
            let end = (event.stream_seq().get(), event.event_hash());
            let before = ends.insert(header.stream_id.to_owned(), end);
            let (seq, hash) = before.map_or((0, None), |(seq, hash)| (seq, Some(hash)));
            if end.0 != seq + 1 || event.prev_event_hash() != hash {
                return Err(format!("the chain breaks at position {position}"));
            }
        }
        for (unit, positions) in unit_events {
            if positions.len() != self.units[unit].len() || !positions.is_sorted() {
                return Err(format!("unit {unit} is there in part: {positions:?}"));
            }
        }
        Ok(())
    }
}

const SEEDS: u64 = 300;

#[test]
fn no_crash_or_power_loss_takes_back_a_promise() {
    for seed in 0..SEEDS {
        if let Err(fault) = Story::new(seed, Lie::None).tell() {
            panic!("seed {seed}: {fault}");
        }
    }
}

/// The simulation is worth something only if it notices a disk that does not keep its word.
#[test]
fn the_simulation_notices_every_sync_that_is_left_out() {
    for lie in [Lie::NoDataSync, Lie::NoFullSync, Lie::NoDirSync] {
        let noticed = (0..200).find(|seed| Story::new(*seed, lie).tell().is_err());
        assert!(noticed.is_some(), "{lie:?} went unnoticed");
    }
}
