//! What a story sends: new units, old ones again, and units that must be refused.

use annals_store::contract::{Refusal, Unit};

use crate::common::*;
use crate::oracle::word;
use crate::plant::Plant;
use crate::story::Story;

/// How one append call is to be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Expected {
    Committed,
    SeqMismatch,
    Conflict,
}

#[derive(Debug)]
pub(crate) struct Sending {
    pub(crate) number: usize,
    pub(crate) unit: Unit,
    pub(crate) expected: Expected,
}

impl Expected {
    /// Whether a refusal is the expected one.
    pub(crate) fn fits(&self, refusal: &Refusal) -> bool {
        match self {
            Self::Committed => false,
            Self::SeqMismatch => matches!(refusal, Refusal::SeqMismatch { .. }),
            Self::Conflict => matches!(refusal, Refusal::IdempotencyConflict { .. }),
        }
    }
}

impl Story {
    /// The units of one append call.
    pub(crate) fn sending(&mut self) -> Vec<Sending> {
        if self.plant == Plant::Nothing && self.chance.one_in(6) {
            return vec![self.odd_unit()];
        }
        (0..=self.chance.below(3))
            .map(|_| {
                let is_repeat = !self.oracle.units.is_empty() && self.chance.one_in(3);
                let number = if is_repeat { self.repeat() } else { self.new_unit() };
                let unit = unit(&self.oracle.units[number].samples);
                Sending { number, unit, expected: Expected::Committed }
            })
            .collect()
    }

    /// Mostly a unit of the last few: these are the ones whose answer a crash took away.
    fn repeat(&mut self) -> usize {
        let count = self.oracle.units.len() as u64;
        let back = if self.chance.one_in(3) { count } else { count.min(6) };
        (count - 1 - self.chance.below(back)) as usize
    }

    /// A unit that says what it expects of its stream, or one that must be refused.
    fn odd_unit(&mut self) -> Sending {
        if self.chance.one_in(2)
            && let Some(kept) = self.oracle.comparable_unit()
        {
            return self.conflict(kept);
        }
        let number = self.new_unit();
        let samples = &self.oracle.units[number].samples;
        let stream_id = samples[0].draft.stream.stream_id.as_str().to_owned();
        let is_right = self.chance.one_in(2);
        let last_seq = self.oracle.last_seq(&stream_id);
        let expected_seq = if is_right { last_seq } else { last_seq + 1 };
        let unit = expecting(unit(samples), &stream_id, expected_seq);
        let expected = if is_right { Expected::Committed } else { Expected::SeqMismatch };
        Sending { number, unit, expected }
    }

    /// A new event together with one that has a kept event's identity and other content.
    fn conflict(&mut self, kept: usize) -> Sending {
        let mut other = self.oracle.units[kept].samples[0].clone();
        other.draft.data = "{\"other\":true}".to_owned();
        let number = self.new_unit();
        let mut samples = self.oracle.units[number].samples.clone();
        samples.push(other);
        Sending { number, unit: unit(&samples), expected: Expected::Conflict }
    }

    fn new_unit(&mut self) -> usize {
        let number = self.oracle.units.len();
        let filler = "x".repeat(self.chance.below(400) as usize);
        let samples: Vec<Sample> = (0..=self.chance.below(3))
            .map(|index| {
                let id = number as u128 * 16 + u128::from(index) + 1;
                let word = word(event_id(id));
                let data = format!("{{\"unit\":{number},\"text\":\"{word} {filler}\"}}");
                let mut sample = sample(&self.stream_id(), &data).id(id);
                // The usual number counts samples of the whole program.
                sample.server_event_id = id;
                // The plant has no room for a second identity.
                match self.chance.one_in(3) && self.plant != Plant::IdentityOutsideTheCommit {
                    true => sample.key(&format!("k{id}")),
                    false => sample,
                }
            })
            .collect();
        self.oracle.add(samples)
    }
}
