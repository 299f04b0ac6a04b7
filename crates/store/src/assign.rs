//! Gives events their places: position, seq, recorded_at and hashes, or the reason why not.
//!
//! Pure: it reads the log's state through [`Lookup`] and writes records into a buffer; making
//! them durable and visible is the engine's part. Both engines assign with this code, so they
//! cannot differ in what they accept.
//!
//! INVARIANT (identity once): of each identity, at most one event is ever placed. Identities are
//! looked up in the log, then among the events placed earlier in the same call.
//! INVARIANT (all or nothing): a unit that is refused takes back its records, identities and tips.

use annals_core::event::Event;
use annals_core::id::{LogId, Position, Seq};
use annals_core::record::{HeaderRef, Placement};
use annals_core::time::Timestamp;
use bytes::Bytes;

use crate::buffers::Buffers;
use crate::contract::{Head, OneOrMore, Placed, Prepared, ReadFailure, Refusal, Unit, UnitOutcome};
use crate::frame::{
    FRAME_BYTES_MAX, FRAME_HEAD_BYTES, FrameFault, RECORD_FIXED_BYTES, WrittenRecord, put_record,
    written_event,
};
use crate::keys::{IdentityMap, Keys};
use crate::looked::{Identity, Looked, look_at, same_id, same_key};
use crate::tips::{StreamName, Tip, Tips};

/// What assigning must know of the durable log.
pub(crate) trait Lookup {
    /// The durable event that has an identity: the first under `key` that `is_it` admits.
    fn identity(
        &self,
        key: u64,
        is_it: &dyn Fn(&HeaderRef<'_>) -> bool,
    ) -> Result<Option<Event>, ReadFailure>;

    /// For each key whether there may be a durable event that has it; a no is sure.
    ///
    /// Where keys are looked up far apart in memory, many are looked up in the time of a few when
    /// nothing else is done in between.
    fn may_have(&self, keys: &[u64]) -> Vec<bool> {
        vec![true; keys.len()]
    }

    /// The durable end of a stream.
    fn tip(&self, key: u64, stream: StreamName<'_>) -> Result<Tip, ReadFailure>;
}

/// A unit's records in the buffer of its group.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FrameSpan {
    /// Where the frame's head goes.
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) record_count: u32,
}

/// Where an event of an accepted unit is.
#[derive(Debug)]
enum Answer {
    /// Record so-and-so of this group.
    Fresh(usize),
    /// A record of this group that was there before.
    Again(usize),
    /// An event of an earlier call.
    Stored(Event),
    /// Record so-and-so of this group, which says something about another.
    Companion(usize),
}

#[derive(Debug)]
enum Verdict {
    /// The next so many answers are the unit's.
    Accepted {
        answer_count: usize,
    },
    Refused {
        index: usize,
        refusal: Refusal,
    },
    Undecided {
        index: usize,
        failure: ReadFailure,
    },
}

/// What one append call adds, before it is durable.
#[derive(Debug, Default)]
pub(crate) struct Group {
    /// The frames, one behind the other, their heads still free.
    pub(crate) buffer: Vec<u8>,
    pub(crate) frames: Vec<FrameSpan>,
    pub(crate) records: Vec<WrittenRecord>,
    /// Every identity with its record.
    pub(crate) identities: Vec<(u64, u32)>,
    /// The stream key of every record.
    pub(crate) streams: Vec<u64>,
    verdicts: Vec<Verdict>,
    /// Those of all accepted units, in order.
    answers: Vec<Answer>,
}

impl Group {
    /// The outcome of each unit, once `buffer` is durable. The events that are not replayed are
    /// those of the group, in its order.
    pub(crate) fn finish(self, buffer: &Bytes) -> Result<Vec<UnitOutcome>, FrameFault> {
        let Self { records, verdicts, answers, .. } = self;
        let mut answers = answers.into_iter();
        // Events are made where they are wanted, because all copies of them share one count.
        let place = |answer| {
            let replayed = matches!(answer, Answer::Again(_) | Answer::Stored(_));
            let is_companion = matches!(answer, Answer::Companion(_));
            let event = match answer {
                Answer::Fresh(index) | Answer::Again(index) | Answer::Companion(index) => {
                    written_event(buffer, &records[index])?
                }
                Answer::Stored(event) => event,
            };
            Ok(Placed { event, replayed, is_companion })
        };
        // Collecting results would not know how many there are, and move them again and again.
        let mut outcomes = Vec::with_capacity(verdicts.len());
        for verdict in verdicts {
            outcomes.push(match verdict {
                Verdict::Accepted { answer_count } => {
                    let mut placed = OneOrMore::with_capacity(answer_count);
                    for answer in answers.by_ref().take(answer_count) {
                        placed.push(place(answer)?);
                    }
                    UnitOutcome::Committed(placed)
                }
                Verdict::Refused { index, refusal } => UnitOutcome::Refused { index, refusal },
                Verdict::Undecided { index, failure } => UnitOutcome::Undecided { index, failure },
            });
        }
        Ok(outcomes)
    }
}

/// Why a unit is not accepted.
enum Obstacle {
    Refusal(Refusal),
    Failure(ReadFailure),
}

impl From<Refusal> for Obstacle {
    fn from(refusal: Refusal) -> Self {
        Self::Refusal(refusal)
    }
}

impl From<ReadFailure> for Obstacle {
    fn from(failure: ReadFailure) -> Self {
        Self::Failure(failure)
    }
}

/// The state at the head that assigning goes by. Owned by the one writer.
#[derive(Debug)]
pub(crate) struct Assigner {
    log_id: LogId,
    keys: Keys,
    head: Head,
    tips: Tips,
    group: Group,
    placed: IdentityMap,
    buffers: Buffers,
    recorded_at: Timestamp,
    /// Records of the group before the unit in hand.
    unit_start: usize,
}

impl Assigner {
    pub(crate) fn new(log_id: LogId, head: Head) -> Self {
        Self {
            log_id,
            keys: Keys::new(log_id),
            head,
            tips: Tips::default(),
            group: Group::default(),
            placed: IdentityMap::default(),
            buffers: Buffers::default(),
            recorded_at: head.recorded_at,
            unit_start: 0,
        }
    }

    /// The newest committed event.
    pub(crate) fn head(&self) -> Head {
        self.head
    }

    /// Places the units. The result must be given back to [`Self::commit`] or [`Self::abort`]
    /// by calling one of them before the next call.
    pub(crate) fn assign(&mut self, log: &dyn Lookup, now: Timestamp, units: &[Unit]) -> Group {
        self.recorded_at = now.max(self.head.recorded_at);
        self.tips.trim();
        self.reserve(units);
        for units in units.chunks(UNITS_LOOKED_AT) {
            let looked = look_at(units, self.log_id, &mut self.keys, log);
            let mut looked = looked.as_slice();
            for unit in units {
                let (own, rest) = looked.split_at(unit.events.len());
                let verdict = self.assign_unit(log, unit, own);
                self.group.verdicts.push(verdict);
                looked = rest;
            }
        }
        self.placed.clear();
        std::mem::take(&mut self.group)
    }

    /// The group is durable: the head moves to its last event.
    pub(crate) fn commit(&mut self, record_count: usize) {
        self.tips.commit();
        if record_count > 0 {
            self.head = Head {
                position: Position(self.head.position.get() + record_count as u64),
                recorded_at: self.recorded_at,
            };
        }
    }

    /// A durable group's bytes as its events hold them, in memory that comes back.
    pub(crate) fn share(&self, buffer: Vec<u8>) -> Bytes {
        self.buffers.share(buffer)
    }

    /// Nothing of the group is kept.
    pub(crate) fn abort(&mut self) {
        self.tips.roll_back(0);
    }

    fn reserve(&mut self, units: &[Unit]) {
        let record_count = |unit: &Unit| unit.events.len() + unit.companions.len();
        let event_count = units.iter().map(record_count).sum::<usize>();
        let byte_count = units.iter().map(unit_bytes).sum::<usize>();
        self.group.buffer = self.buffers.take(byte_count + PAGE_BYTES);
        self.group.records.reserve(event_count);
        self.group.streams.reserve(event_count);
        self.group.identities.reserve(event_count * 2);
        self.group.frames.reserve(units.len());
        self.group.verdicts.reserve(units.len());
        self.group.answers.reserve(event_count);
        self.placed.reserve(event_count);
    }

    fn assign_unit(
        &mut self,
        log: &dyn Lookup,
        unit: &Unit,
        looked: &[Option<Looked<'_>>],
    ) -> Verdict {
        let mark = self.mark();
        self.unit_start = mark.record_count;
        let mut index = 0;
        match self.place_unit(log, unit, looked, &mut index) {
            Ok(()) => {
                self.close_frame(&mark);
                Verdict::Accepted { answer_count: self.group.answers.len() - mark.answer_count }
            }
            Err(obstacle) => {
                self.roll_back(mark);
                match obstacle {
                    Obstacle::Refusal(refusal) => Verdict::Refused { index, refusal },
                    Obstacle::Failure(failure) => Verdict::Undecided { index, failure },
                }
            }
        }
    }

    fn place_unit(
        &mut self,
        log: &dyn Lookup,
        unit: &Unit,
        looked: &[Option<Looked<'_>>],
        index: &mut usize,
    ) -> Result<(), Obstacle> {
        check_size(unit, self.group.buffer.len())?;
        let actual = self.tips_before(log, unit)?;
        self.group.buffer.extend_from_slice(&[0; FRAME_HEAD_BYTES]);
        let mut first_fresh = None;
        for (event_index, (prepared, looked)) in unit.events.iter().zip(looked).enumerate() {
            *index = event_index;
            let looked = looked.as_ref().ok_or(Refusal::ForeignHeader)?;
            let answer = self.place_event(log, prepared, looked)?;
            if matches!(answer, Answer::Fresh(_)) {
                first_fresh = first_fresh.or(Some(event_index));
            }
            self.group.answers.push(answer);
        }
        let first_answer = self.group.answers.len() - unit.events.len();
        for companion in &unit.companions {
            *index = companion.of;
            let about = self.group.answers.get(first_answer + companion.of);
            if companion.of < unit.events.len() && matches!(about, Some(Answer::Fresh(_))) {
                self.place_companion(log, &companion.event)?;
            }
        }
        // A unit of replays only was accepted before, whatever its streams look like since.
        if first_fresh.is_some() || unit.events.is_empty() {
            *index = first_fresh.unwrap_or(0);
            check_expected(unit, &actual)?;
        }
        Ok(())
    }

    fn tips_before(&mut self, log: &dyn Lookup, unit: &Unit) -> Result<Vec<Seq>, ReadFailure> {
        let mut actual = Vec::new();
        for expected in &unit.expected {
            let stream = StreamName {
                workspace_id: expected.workspace_id.as_str(),
                stream_type: expected.stream.stream_type.as_str(),
                stream_id: expected.stream.stream_id.as_str(),
            };
            let key = stream.key(&mut self.keys);
            actual.push(self.tips.get(key, stream, || log.tip(key, stream))?.seq);
        }
        Ok(actual)
    }

    fn place_event(
        &mut self,
        log: &dyn Lookup,
        prepared: &Prepared,
        looked: &Looked<'_>,
    ) -> Result<Answer, Obstacle> {
        let header = &looked.header;
        let by_key = match looked.by_key {
            Some(identity) => self.find(log, identity, &|other| same_key(header, other))?,
            None => None,
        };
        // Nobody can have used an id that the server has just made.
        let by_id = match looked.is_id_made() {
            true => None,
            false => self.find(log, looked.by_id, &|other| same_id(header, other))?,
        };
        match self.replay(prepared, header, by_key, by_id)? {
            Some(answer) => Ok(answer),
            None => Ok(Answer::Fresh(self.place_fresh(log, prepared, looked)?)),
        }
    }

    /// Places an event whose identity was made for it, so that there is nothing to look up.
    fn place_companion(&mut self, log: &dyn Lookup, prepared: &Prepared) -> Result<(), Obstacle> {
        let header = prepared.header.view().map_err(|_| Refusal::ForeignHeader)?;
        if header.log_id != self.log_id {
            return Err(Refusal::ForeignHeader.into());
        }
        let looked = Looked::of(&mut self.keys, header);
        let index = self.place_fresh(log, prepared, &looked)?;
        self.group.answers.push(Answer::Companion(index));
        Ok(())
    }

    /// The event that has an identity, in the log or earlier in this group.
    fn find(
        &self,
        log: &dyn Lookup,
        identity: Identity,
        is_it: &dyn Fn(&HeaderRef<'_>) -> bool,
    ) -> Result<Option<Answer>, ReadFailure> {
        for ordinal in self.placed.get(identity.key) {
            let header = HeaderRef::parse(self.header_bytes(ordinal as usize));
            if header.is_ok_and(|header| is_it(&header)) {
                return Ok(Some(Answer::Again(ordinal as usize)));
            }
        }
        match identity.may_be_stored {
            true => Ok(log.identity(identity.key, is_it)?.map(Answer::Stored)),
            false => Ok(None),
        }
    }

    fn replay(
        &self,
        prepared: &Prepared,
        header: &HeaderRef<'_>,
        by_key: Option<Answer>,
        by_id: Option<Answer>,
    ) -> Result<Option<Answer>, Refusal> {
        let is_two = match (&by_key, &by_id) {
            (Some(by_key), Some(by_id)) => self.position(by_key) != self.position(by_id),
            _ => false,
        };
        let Some(found) = by_key.or(by_id) else {
            return Ok(None);
        };
        let is_same = match &found {
            Answer::Stored(event) => event.same_content(&prepared.header, &prepared.body),
            Answer::Fresh(index) | Answer::Again(index) | Answer::Companion(index) => {
                HeaderRef::parse(self.header_bytes(*index)).map(|placed| {
                    placed.same_content(header) && self.body_bytes(*index) == prepared.body
                })
            }
        };
        if is_two || !is_same.unwrap_or(false) {
            let existing = self.existing(&found);
            return Err(Refusal::IdempotencyConflict { event_id: header.event_id, existing });
        }
        Ok(Some(found))
    }

    fn place_fresh(
        &mut self,
        log: &dyn Lookup,
        prepared: &Prepared,
        looked: &Looked<'_>,
    ) -> Result<usize, ReadFailure> {
        let stream = StreamName::of(&looked.header);
        let key = stream.key(&mut self.keys);
        let tip = self.tips.get(key, stream, || log.tip(key, stream))?;
        let index = self.group.records.len();
        let placement = Placement {
            position: self.position_of(index),
            stream_seq: tip.seq.next(),
            recorded_at: self.recorded_at,
        };
        let written = put_record(&mut self.group.buffer, prepared, &placement, &tip.event_hash);
        let tip = Tip { seq: placement.stream_seq, event_hash: written.event_hash };
        self.tips.set(key, stream, tip);
        self.group.records.push(written);
        self.group.streams.push(key);
        self.remember(looked, index);
        Ok(index)
    }

    fn remember(&mut self, looked: &Looked<'_>, index: usize) {
        let ordinal = ordinal(index);
        for identity in [Some(looked.by_id), looked.by_key].into_iter().flatten() {
            self.group.identities.push((identity.key, ordinal));
            self.placed.insert(identity.key, ordinal);
        }
    }

    fn position_of(&self, index: usize) -> Position {
        Position(self.head.position.get() + 1 + index as u64)
    }

    fn position(&self, answer: &Answer) -> Position {
        match answer {
            Answer::Fresh(index) | Answer::Again(index) | Answer::Companion(index) => {
                self.position_of(*index)
            }
            Answer::Stored(event) => event.position(),
        }
    }

    /// The position of a conflict. An event of the same unit has none, for it goes with the unit.
    fn existing(&self, answer: &Answer) -> Position {
        match answer {
            Answer::Again(index) if *index >= self.unit_start => Position(0),
            _ => self.position(answer),
        }
    }

    fn header_bytes(&self, index: usize) -> &[u8] {
        self.group.records[index].header(&self.group.buffer)
    }

    fn body_bytes(&self, index: usize) -> &[u8] {
        self.group.records[index].body(&self.group.buffer)
    }

    fn mark(&self) -> Mark {
        Mark {
            buffer_len: self.group.buffer.len(),
            record_count: self.group.records.len(),
            answer_count: self.group.answers.len(),
            identity_count: self.group.identities.len(),
            tip_change_count: self.tips.change_count(),
        }
    }

    fn close_frame(&mut self, mark: &Mark) {
        let record_count = self.group.records.len() - mark.record_count;
        if record_count == 0 {
            self.group.buffer.truncate(mark.buffer_len);
            return;
        }
        self.group.frames.push(FrameSpan {
            start: mark.buffer_len,
            end: self.group.buffer.len(),
            record_count: ordinal(record_count),
        });
    }

    fn roll_back(&mut self, mark: Mark) {
        for (key, _) in self.group.identities.drain(mark.identity_count..).rev() {
            self.placed.remove_last(key);
        }
        self.group.buffer.truncate(mark.buffer_len);
        self.group.records.truncate(mark.record_count);
        self.group.answers.truncate(mark.answer_count);
        self.group.streams.truncate(mark.record_count);
        self.tips.roll_back(mark.tip_change_count);
    }
}

/// How far a group had come before a unit.
#[derive(Debug)]
struct Mark {
    buffer_len: usize,
    record_count: usize,
    answer_count: usize,
    identity_count: usize,
    tip_change_count: usize,
}

fn unit_bytes(unit: &Unit) -> usize {
    let event_bytes = |event: &Prepared| {
        RECORD_FIXED_BYTES + event.header.as_bytes().len() + PLACEMENT_BYTES + event.body.len()
    };
    let companions = unit.companions.iter().map(|companion| &companion.event);
    FRAME_HEAD_BYTES + unit.events.iter().chain(companions).map(event_bytes).sum::<usize>()
}

const PLACEMENT_BYTES: usize = 24;

/// Room behind a group, so that an engine that writes pages can fill up the last one.
pub(crate) const PAGE_BYTES: usize = 4096;

/// Units whose events are looked at together: enough to wait for memory seldom, few enough that
/// what was read of their headers is still at hand when they are placed.
const UNITS_LOOKED_AT: usize = 64;

/// Bytes that one call may add, so that offsets in a segment fit into 32 bits.
const GROUP_BYTES_MAX: u64 = 1 << 30;

fn check_size(unit: &Unit, group_bytes: usize) -> Result<(), Refusal> {
    let byte_count = unit_bytes(unit) as u64;
    let byte_count_max = FRAME_BYTES_MAX.min(GROUP_BYTES_MAX.saturating_sub(group_bytes as u64));
    if byte_count > byte_count_max {
        return Err(Refusal::UnitTooLarge { byte_count, byte_count_max });
    }
    Ok(())
}

fn check_expected(unit: &Unit, actual: &[Seq]) -> Result<(), Refusal> {
    for (expected, actual_seq) in unit.expected.iter().zip(actual) {
        if expected.expected_seq != *actual_seq {
            return Err(Refusal::SeqMismatch {
                stream: expected.stream.clone(),
                expected_seq: expected.expected_seq,
                actual_seq: *actual_seq,
            });
        }
    }
    Ok(())
}

/// INVARIANT (frames fit): a call has far fewer than 2³² events, because frames of a call are
/// bounded in bytes and requests in events.
fn ordinal(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}
