//! One seed's history: processes that open a log, use it in every way, and end badly.
//!
//! A story decides what is done and what goes wrong, both by its seed; whether the log keeps its
//! word is the oracle's matter.

use annals_core::id::Position;
use annals_core::time::Timestamp;
use annals_store::contract::{AppendFailure, EraseFailure, LogWriter as _, Placed, UnitOutcome};
use annals_store::local::{LocalOptions, Upkeep};
use std::path::Path;

use crate::common::power::{Chance, PowerDisk, Weather};
use crate::common::*;
use crate::oracle::{Broken, Finding, Oracle, Standing, broken};
use crate::plant::{Plant, Process};
use crate::sender::{Expected, Sending};

/// A story goes on until it has this much behind it.
pub(crate) const OPERATION_COUNT_MIN: u64 = 500;
pub(crate) const CRASH_COUNT_MIN: u64 = 5;

/// What happened in a story, or in many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Figures {
    pub(crate) operations: u64,
    pub(crate) processes: u64,
    pub(crate) crashes: u64,
    pub(crate) power_losses: u64,
    pub(crate) failed_syncs: u64,
    pub(crate) refusals_for_room: u64,
    pub(crate) acknowledged_events: u64,
    pub(crate) replayed_events: u64,
    pub(crate) checkpoints: u64,
    pub(crate) erased_events: u64,
}

impl Figures {
    pub(crate) fn add(&mut self, other: &Self) {
        self.operations += other.operations;
        self.processes += other.processes;
        self.crashes += other.crashes;
        self.power_losses += other.power_losses;
        self.failed_syncs += other.failed_syncs;
        self.refusals_for_room += other.refusals_for_room;
        self.acknowledged_events += other.acknowledged_events;
        self.replayed_events += other.replayed_events;
        self.checkpoints += other.checkpoints;
        self.erased_events += other.erased_events;
    }
}

pub(crate) struct Story {
    disk: PowerDisk,
    pub(crate) chance: Chance,
    pub(crate) plant: Plant,
    options: LocalOptions,
    pub(crate) oracle: Oracle,
    now: i64,
    figures: Figures,
    /// Whether the last process was killed, so that the system still holds unsynced bytes of it.
    is_after_kill: bool,
}

impl Story {
    pub(crate) fn new(seed: u64, plant: Plant) -> Self {
        let mut chance = Chance::new(seed);
        let options = LocalOptions {
            segment_bytes: [1_500, 4_000, 20_000, 100_000][chance.below(4) as usize],
            index_cache_bytes: 64 << 10,
            filter_bytes: [0, 1 << 20][chance.below(2) as usize],
            merge_fan_in: 2,
            upkeep: Upkeep::Caller,
            ..LocalOptions::new(LOG_ID)
        };
        Self {
            disk: PowerDisk::new(seed, plant.lie()),
            chance,
            plant,
            options,
            oracle: Oracle::default(),
            now: 1_000_000_000,
            figures: Figures::default(),
            is_after_kill: false,
        }
    }

    pub(crate) fn disk(&self) -> PowerDisk {
        self.disk.clone()
    }

    /// Tells the story to its end.
    pub(crate) fn tell(mut self) -> Result<Figures, Finding> {
        while self.figures.operations < OPERATION_COUNT_MIN
            || self.figures.crashes < CRASH_COUNT_MIN
        {
            self.live()?;
            self.end();
            self.meanwhile();
        }
        let log = self.open(Weather::FAIR)?;
        let Some(log) = log else { return broken(Broken::Readable, "no reason not to open") };
        self.oracle.audit(log.reader())?;
        for place in 0..self.oracle.seen.len() {
            self.oracle.check_identities(log.reader(), place)?;
        }
        self.oracle.check_tree(log.reader().tree())?;
        self.check_words()?;
        (self.figures.failed_syncs, self.figures.refusals_for_room) = self.disk.totals();
        self.figures.acknowledged_events = self.oracle.acknowledged_count();
        Ok(self.figures)
    }

    /// The process is gone, and perhaps the machine. A power loss soon after a kill meets what the
    /// next process made of bytes that were never synced.
    fn end(&mut self) {
        let is_kill = self.chance.one_in(3);
        match is_kill {
            true => self.disk.kill(),
            false => self.disk.lose_power(),
        }
        self.is_after_kill = is_kill;
        self.figures.power_losses += u64::from(!is_kill);
        self.figures.crashes += 1;
    }

    /// What happens to the directory while nobody has it open: derived files may go or rot.
    fn meanwhile(&mut self) {
        let derived = Path::new("/data/derived");
        match self.chance.below(12) {
            0 => self.disk.delete_below(derived),
            1..=3 => {
                let flip_count = 1 + self.chance.below(40);
                self.disk.rot(derived, flip_count);
            }
            _ => {}
        }
    }

    fn weather(&mut self) -> Weather {
        let changes = match self.chance.below(8) {
            0 => u64::MAX,
            1 | 2 => 1 + self.chance.below(20),
            _ => 1 + self.chance.below(300),
        };
        Weather {
            changes_left: changes,
            sync_failure: if self.chance.one_in(10) { 10 } else { 0 },
            short_read: if self.chance.one_in(2) { 4 } else { 0 },
            is_full: self.chance.one_in(10),
        }
    }

    /// One process, from start to stop.
    fn live(&mut self) -> Result<(), Finding> {
        let weather = self.weather();
        let Some(mut process) = self.open(weather)? else { return Ok(()) };
        let sync_failure = if self.chance.one_in(3) { 20 } else { 0 };
        self.disk.set_weather(Weather { sync_failure, ..self.disk.weather() });
        let audited = self.oracle.audit(process.reader());
        if !self.is_seen(audited)? {
            self.disk.stop();
            return Ok(());
        }
        let is_short = self.chance.one_in(if self.is_after_kill { 2 } else { 6 });
        let operation_count = if is_short { 3 } else { 80 };
        for _ in 0..self.chance.below(operation_count) {
            if self.disk.is_off() || !self.operate(&mut process)? {
                break;
            }
        }
        if self.chance.one_in(5) {
            self.disk.remark(format_args!("close"));
            let _ = process.log.writer.close();
        }
        // What is dropped from here on is a dead process's.
        self.disk.stop();
        Ok(())
    }

    /// Opens the log. None if something that was planned kept it from opening.
    fn open(&mut self, weather: Weather) -> Result<Option<Process>, Finding> {
        self.figures.processes += 1;
        self.disk.remark(format_args!("start"));
        self.disk.set_weather(weather);
        let opened = Process::start(&self.disk, self.plant, self.options.clone());
        match opened {
            Ok(process) => Ok(Some(process)),
            Err(_) if self.disk.is_off() || self.disk.failure_count() > 0 => Ok(None),
            Err(error) => broken(Broken::Readable, format!("the log does not open: {error}")),
        }
    }

    /// Whether a look at the log was possible. What was planned to go wrong may have been in the
    /// way: then the process ends, because nobody knows what it has shown.
    fn is_seen(&self, result: Result<(), Finding>) -> Result<bool, Finding> {
        match result {
            Err(finding) if finding.broken == Broken::Readable && self.is_excused() => Ok(false),
            result => result.map(|()| true),
        }
    }

    /// Whether something that was planned has gone wrong in this process.
    fn is_excused(&self) -> bool {
        self.disk.is_off() || self.disk.failure_count() > 0
    }

    /// One operation. False when the process has to stop.
    fn operate(&mut self, process: &mut Process) -> Result<bool, Finding> {
        self.figures.operations += 1;
        let result = match self.chance.below(32) {
            0..=15 => return self.append(process),
            16..=19 => {
                let place = self.chance.below(self.oracle.seen.len() as u64 + 1) as usize;
                self.oracle.check_identities(process.reader(), place)
            }
            20..=23 => {
                let stream_id = self.stream_id();
                let from_seq = self.chance.below(self.oracle.last_seq(&stream_id) + 3);
                self.oracle.check_stream(process.reader(), &stream_id, from_seq)
            }
            24..=26 => {
                process.log.writer.settle_index();
                Ok(())
            }
            27..=28 => self.checkpoint(process),
            29 => return self.erase(process),
            30 => {
                let weather = self.disk.weather();
                self.disk.set_weather(Weather { is_full: !weather.is_full, ..weather });
                Ok(())
            }
            _ => self.beyond_the_end(process),
        };
        self.is_seen(result)
    }

    pub(crate) fn stream_id(&mut self) -> String {
        format!("s{}", self.chance.below(5))
    }

    /// A checkpoint covers what readers see. Its tree may be kept, and made anew.
    fn checkpoint(&mut self, process: &Process) -> Result<(), Finding> {
        let size = self.oracle.seen.len() as u64;
        self.disk.remark(format_args!("checkpoint at {size}"));
        let tree = process.reader().tree();
        let kept = match self.chance.below(6) {
            0 => tree.sync(),
            1 => tree.rebuild(),
            _ => Ok(()),
        };
        if let Err(failure) = kept {
            return broken(Broken::Readable, failure.to_string());
        }
        self.oracle.check_tree(tree)?;
        self.figures.checkpoints += 1;
        self.oracle.hand_out(size, self.oracle.root())
    }

    /// Erases a few events. False when the process has to stop.
    fn erase(&mut self, process: &mut Process) -> Result<bool, Finding> {
        let count = self.oracle.seen.len() as u64;
        if count == 0 {
            return Ok(true);
        }
        let positions: Vec<Position> =
            (0..=self.chance.below(3)).map(|_| Position(1 + self.chance.below(count))).collect();
        let mut asked = positions.clone();
        asked.retain(|position| !self.oracle.is_erasure_asked(position.get()));
        self.disk.remark(format_args!("erase {positions:?}"));
        self.oracle.ask_erasure(&positions);
        match process.log.writer.erase(&positions) {
            Ok(_) => {
                self.oracle.erased(&positions);
                self.figures.erased_events += asked.len() as u64;
                self.check_words()?;
                Ok(true)
            }
            Err(failure) if !self.is_excused() => {
                broken(Broken::Answer, format!("no reason for: {failure}"))
            }
            Err(EraseFailure::Failed { .. }) => Ok(false),
            // Each of them is whole or erased, and a later erasure may take it along.
            Err(EraseFailure::StorageFull) => Ok(true),
            Err(failure) => broken(Broken::Answer, failure.to_string()),
        }
    }

    /// No file has a word of an erased body.
    fn check_words(&self) -> Result<(), Finding> {
        match self.disk.find_words(&self.oracle.erased_words()) {
            Some((file, word)) => {
                broken(Broken::Erasure, format!("{word} is still in {}", file.display()))
            }
            None => Ok(()),
        }
    }

    fn beyond_the_end(&self, process: &Process) -> Result<(), Finding> {
        let next = Position(self.oracle.seen.len() as u64 + 1);
        match process.reader().event_at(next) {
            Ok(None) => Ok(()),
            Ok(Some(_)) => broken(Broken::Order, "there is an event behind the head"),
            Err(failure) => broken(Broken::Readable, failure.to_string()),
        }
    }

    /// Time goes on, and sometimes far back.
    fn tick(&mut self) -> Timestamp {
        self.now += self.chance.below(5_000) as i64;
        if self.chance.one_in(10) {
            self.now -= self.chance.below(1_000_000) as i64;
        }
        at(self.now)
    }

    /// Sends a few units, some of them again. False when the writer takes no more.
    fn append(&mut self, process: &mut Process) -> Result<bool, Finding> {
        let sending = self.sending();
        let now = self.tick();
        let numbers: Vec<usize> = sending.iter().map(|sending| sending.number).collect();
        self.disk.remark(format_args!("append {numbers:?} at {now}"));
        let before: Vec<Standing> =
            numbers.iter().map(|number| self.oracle.units[*number].standing).collect();
        self.set_standing(&numbers, Standing::Unknown);
        let units = sending.iter().map(|sending| {
            (self.oracle.units[sending.number].samples.clone(), sending.unit.clone())
        });
        let units = units.collect();
        let (plant, oracle) = (self.plant, &mut self.oracle);
        let mut early_finding = Ok(());
        let answer = process.append(now, units, &mut |reader| {
            early_finding = oracle.follow(reader);
            if plant == Plant::CheckpointBeyondTheDurableSize && early_finding.is_ok() {
                early_finding = oracle.hand_out(oracle.seen.len() as u64, oracle.root());
            }
        });
        if !self.is_seen(early_finding)? {
            return Ok(false);
        }
        match answer {
            Ok(outcomes) => {
                self.check_outcomes(&sending, &before, outcomes, now)?;
                let followed = self.oracle.follow(process.reader());
                self.is_seen(followed)
            }
            Err(failure) => self.check_failure(&numbers, &before, &failure),
        }
    }

    fn set_standing(&mut self, numbers: &[usize], standing: Standing) {
        for number in numbers {
            let unit = &mut self.oracle.units[*number];
            if unit.standing != Standing::Kept {
                unit.standing = standing;
            }
        }
    }

    fn check_failure(
        &mut self,
        numbers: &[usize],
        before: &[Standing],
        failure: &AppendFailure,
    ) -> Result<bool, Finding> {
        if !self.is_excused() {
            return broken(Broken::Answer, format!("no reason for: {failure}"));
        }
        let nothing_is_kept = !matches!(failure, AppendFailure::MayBePersisted { .. });
        if nothing_is_kept {
            for (number, standing) in numbers.iter().zip(before) {
                self.oracle.units[*number].standing = *standing;
            }
        }
        Ok(matches!(failure, AppendFailure::StorageFull))
    }

    fn check_outcomes(
        &mut self,
        sending: &[Sending],
        before: &[Standing],
        outcomes: Vec<UnitOutcome>,
        now: Timestamp,
    ) -> Result<(), Finding> {
        if outcomes.len() != sending.len() {
            return broken(Broken::Answer, "not one outcome for each unit");
        }
        let recorded_at = now.max(self.oracle.last_recorded_at());
        for ((sending, before), outcome) in sending.iter().zip(before).zip(outcomes) {
            let number = sending.number;
            match (outcome, &sending.expected) {
                (UnitOutcome::Committed(placed), Expected::Committed) => {
                    self.check_receipts(number, *before, &placed, recorded_at)?;
                    self.oracle.units[number].standing = Standing::Kept;
                }
                (UnitOutcome::Undecided { failure, .. }, _) => {
                    if !self.is_excused() {
                        return broken(Broken::Readable, failure.to_string());
                    }
                    self.oracle.units[number].standing = *before;
                }
                (UnitOutcome::Refused { refusal, .. }, expected) if expected.fits(&refusal) => {
                    self.oracle.units[number].standing = *before;
                }
                (outcome, expected) => {
                    let what = format!("unit {number}: {outcome:?}, not {expected:?}");
                    return broken(Broken::Answer, what);
                }
            }
        }
        Ok(())
    }

    fn check_receipts(
        &mut self,
        number: usize,
        before: Standing,
        placed: &[Placed],
        recorded_at: Timestamp,
    ) -> Result<(), Finding> {
        let samples = &self.oracle.units[number].samples;
        if placed.len() != samples.len() {
            return broken(Broken::Answer, format!("unit {number} has not one receipt an event"));
        }
        for (placed, sample) in placed.iter().zip(samples) {
            self.oracle.check_receipt(&placed.event, sample)?;
        }
        for placed in placed {
            if before == Standing::Kept && !placed.replayed {
                return broken(Broken::Identity, format!("unit {number} was taken a second time"));
            }
            if !placed.replayed && placed.event.header().recorded_at != recorded_at {
                return broken(Broken::Order, format!("unit {number} has another time"));
            }
            self.oracle.acknowledge(&placed.event)?;
            self.figures.replayed_events += u64::from(placed.replayed);
        }
        Ok(())
    }
}
