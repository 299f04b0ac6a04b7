//! From events to units for the sequencer, and from its outcomes to results in input order.

use annals_core::event::Event;
use annals_store::contract::{
    Companion, ExpectedSeq, OneOrMore, Placed, Prepared, Refusal, Unit, UnitOutcome,
};

use crate::config::Durability;
use crate::refusal::{AppendRefusal, EventRefusal};
use crate::request::{AppendRequest, Atomicity, BatchAnswer, EventResult, Receipt};
use crate::translate::{BatchShape, TranslatedBatch};

/// What is known of a request before its turn.
pub(crate) struct Ready {
    pub(crate) units: Vec<Unit>,
    pub(crate) plan: AnswerPlan,
}

/// How outcomes become results in input order.
pub(crate) struct AnswerPlan {
    shape: BatchShape,
    atomicity: Atomicity,
    /// One entry a document.
    settled: Vec<Settled>,
}

/// What is known of a document's result before its turn.
enum Settled {
    /// It is answered by the outcome of so many events, which are neighbours.
    Open(usize),
    /// It is answered already.
    Done(EventResult),
}

/// What became of the facts of a document before its turn.
#[derive(Default)]
pub(crate) struct Step {
    /// Those that go to the sequencer, each with what is to be said of it.
    pub(crate) goes: OneOrMore<(Prepared, Option<Box<Prepared>>)>,
    /// Those that repeat an event that is kept, and would be refused otherwise.
    pub(crate) kept: Vec<Event>,
}

/// Sorts events into units for the sequencer and a plan for the answer.
pub(crate) fn plan(
    request: &AppendRequest,
    batch: &TranslatedBatch,
    steps: Vec<Result<Step, EventRefusal>>,
    durability: Durability,
) -> Result<Ready, AppendRefusal> {
    let is_one = batch.shape == BatchShape::One;
    let expected = expected(request, batch);
    let (mut together, mut units) = (Vec::new(), Vec::with_capacity(steps.len()));
    let mut settled = Vec::with_capacity(steps.len());
    for (index, step) in steps.into_iter().enumerate() {
        match step {
            Ok(Step { goes, kept }) if goes.is_empty() => {
                settled.push(Settled::Done(replayed(kept, durability)));
            }
            Ok(Step { goes, .. }) => {
                settled.push(Settled::Open(goes.len()));
                match batch.atomicity {
                    Atomicity::Atomic => together.extend(goes),
                    Atomicity::Independent => units.push(unit(goes, expected.clone())),
                }
            }
            Err(refusal) if is_one || batch.atomicity == Atomicity::Atomic => {
                let index = (!is_one).then_some(index);
                return Err(AppendRefusal::Event { index, refusal });
            }
            Err(refusal) => settled.push(Settled::Done(EventResult::Rejected(refusal))),
        }
    }
    if !together.is_empty() {
        units.push(unit(together, expected));
    }
    let plan = AnswerPlan { shape: batch.shape, atomicity: batch.atomicity, settled };
    Ok(Ready { units, plan })
}

/// Events that are kept together, each with what is to be said of it.
fn unit(
    parts: impl IntoIterator<Item = (Prepared, Option<Box<Prepared>>)>,
    expected: Vec<ExpectedSeq>,
) -> Unit {
    let mut unit = Unit { events: OneOrMore::new(), expected, companions: Vec::new() };
    for (event, companion) in parts {
        let of = unit.events.len();
        unit.companions.extend(companion.map(|event| Companion { of, event: *event }));
        unit.events.push(event);
    }
    unit
}

fn expected(request: &AppendRequest, batch: &TranslatedBatch) -> Vec<ExpectedSeq> {
    let workspace_id = &request.principal.workspace_id;
    batch
        .expected
        .iter()
        .map(|expectation| ExpectedSeq {
            workspace_id: workspace_id.clone(),
            stream: expectation.stream.clone(),
            expected_seq: expectation.expected_seq,
        })
        .collect()
}

impl AnswerPlan {
    /// Step 8's end: the answer, in input order.
    pub(crate) fn answer(
        self,
        outcomes: Vec<UnitOutcome>,
        durability: Durability,
    ) -> Result<BatchAnswer, AppendRefusal> {
        let is_one = self.shape == BatchShape::One;
        let mut open = Vec::with_capacity(self.settled.len());
        let mut fact_counts = self.settled.iter().filter_map(Settled::fact_count);
        for outcome in outcomes {
            match outcome {
                UnitOutcome::Committed(placed) => {
                    let mut events = placed.into_iter().filter(|placed| !placed.is_companion);
                    while let Some(first) = events.next() {
                        let others = fact_counts.next().unwrap_or(1).saturating_sub(1);
                        open.push(kept(first, events.by_ref().take(others), durability));
                    }
                }
                UnitOutcome::Refused { index, refusal } => {
                    self.refuse(index, refused(refusal), &mut open)?;
                    fact_counts.next();
                }
                UnitOutcome::Undecided { index, .. } => {
                    self.refuse(index, EventRefusal::Undecided, &mut open)?;
                    fact_counts.next();
                }
            }
        }
        drop(fact_counts);
        if open.len() == self.settled.len() {
            // All went to the sequencer, and the results are in input order already.
            return finish(is_one, open);
        }
        let mut open = open.into_iter();
        let missing = || EventResult::Rejected(EventRefusal::Undecided);
        let merge = |settled: Settled| match settled {
            Settled::Done(result) => result,
            Settled::Open(_) => open.next().unwrap_or_else(missing),
        };
        finish(is_one, self.settled.into_iter().map(merge).collect())
    }

    /// A refused event of an independent batch is a result; any other refuses the request.
    fn refuse(
        &self,
        index: usize,
        refusal: EventRefusal,
        open: &mut Vec<EventResult>,
    ) -> Result<(), AppendRefusal> {
        match (self.shape, self.atomicity) {
            (BatchShape::One, _) => Err(AppendRefusal::Event { index: None, refusal }),
            (BatchShape::Many, Atomicity::Atomic) => {
                let index = Some(self.input_index(index));
                Err(AppendRefusal::Event { index, refusal })
            }
            (BatchShape::Many, Atomicity::Independent) => {
                open.push(EventResult::Rejected(refusal));
                Ok(())
            }
        }
    }

    /// The place in the request of the document of the nth event that went to the sequencer.
    fn input_index(&self, nth: usize) -> usize {
        let mut before = 0;
        let of = self.settled.iter().position(|settled| {
            before += settled.fact_count().unwrap_or(0);
            nth < before
        });
        of.unwrap_or(nth)
    }
}

impl Settled {
    /// How many events went to the sequencer; none for what is answered already.
    fn fact_count(&self) -> Option<usize> {
        match self {
            Self::Open(fact_count) => Some(*fact_count),
            Self::Done(_) => None,
        }
    }
}

/// The result of a document: its last fact's receipt. It is a replay when all of it is one.
fn kept(
    first: Placed,
    others: impl Iterator<Item = Placed>,
    durability: Durability,
) -> EventResult {
    let (mut event, mut replayed, mut before) = (first.event, first.replayed, Vec::new());
    for placed in others {
        before.push(std::mem::replace(&mut event, placed.event));
        replayed &= placed.replayed;
    }
    let receipt = Receipt { event, before, durability };
    if replayed { EventResult::Replayed(receipt) } else { EventResult::Accepted(receipt) }
}

/// The result of a document whose facts are all kept already.
fn replayed(mut kept: Vec<Event>, durability: Durability) -> EventResult {
    match kept.pop() {
        Some(event) => EventResult::Replayed(Receipt { event, before: kept, durability }),
        // A document without facts is none; no dialect makes one.
        None => EventResult::Rejected(EventRefusal::Undecided),
    }
}

fn refused(refusal: Refusal) -> EventRefusal {
    match refusal {
        Refusal::IdempotencyConflict { event_id, existing } => {
            EventRefusal::IdempotencyConflict { event_id, existing }
        }
        Refusal::SeqMismatch { stream, expected_seq, actual_seq } => {
            EventRefusal::SeqMismatch { stream, expected_seq, actual_seq }
        }
        Refusal::UnitTooLarge { byte_count, byte_count_max } => EventRefusal::TooLarge {
            byte_count: usize::try_from(byte_count).unwrap_or(usize::MAX),
            byte_count_max: usize::try_from(byte_count_max).unwrap_or(usize::MAX),
        },
        Refusal::ForeignHeader => EventRefusal::Undecided,
    }
}

fn finish(is_one: bool, mut results: Vec<EventResult>) -> Result<BatchAnswer, AppendRefusal> {
    if is_one {
        return match results.pop() {
            Some(EventResult::Accepted(receipt)) => {
                Ok(BatchAnswer::One { receipt, replayed: false })
            }
            Some(EventResult::Replayed(receipt)) => {
                Ok(BatchAnswer::One { receipt, replayed: true })
            }
            Some(EventResult::Rejected(refusal)) => {
                Err(AppendRefusal::Event { index: None, refusal })
            }
            None => Err(AppendRefusal::EmptyBatch),
        };
    }
    if results.iter().all(|result| matches!(result, EventResult::Rejected(_))) {
        return Err(AppendRefusal::AllRejected(results));
    }
    Ok(BatchAnswer::Many(results))
}
