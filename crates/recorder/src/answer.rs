//! From events to units for the sequencer, and from its outcomes to results in input order.

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
    /// One entry an event; `None` is answered by the next outcome.
    settled: Vec<Option<EventResult>>,
}

/// What became of an event before its turn.
pub(crate) enum Step {
    /// It goes to the sequencer, and what is to be said of it with it.
    Goes { event: Prepared, companion: Option<Box<Prepared>> },
    /// It is answered already.
    Settled(EventResult),
}

/// Sorts events into units for the sequencer and a plan for the answer.
pub(crate) fn plan(
    request: &AppendRequest,
    batch: &TranslatedBatch,
    steps: Vec<Result<Step, EventRefusal>>,
) -> Result<Ready, AppendRefusal> {
    let is_one = batch.shape == BatchShape::One;
    let expected = expected(request, batch);
    let (mut together, mut units) = (Vec::new(), Vec::with_capacity(steps.len()));
    let mut settled = Vec::with_capacity(steps.len());
    for (index, step) in steps.into_iter().enumerate() {
        match step {
            Ok(Step::Goes { event, companion }) => {
                match batch.atomicity {
                    Atomicity::Atomic => together.push((event, companion)),
                    Atomicity::Independent => {
                        units.push(unit([(event, companion)], expected.clone()));
                    }
                }
                settled.push(None);
            }
            Ok(Step::Settled(result)) => settled.push(Some(result)),
            Err(refusal) if is_one || batch.atomicity == Atomicity::Atomic => {
                let index = (!is_one).then_some(index);
                return Err(AppendRefusal::Event { index, refusal });
            }
            Err(refusal) => settled.push(Some(EventResult::Rejected(refusal))),
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
        for outcome in outcomes {
            match outcome {
                UnitOutcome::Committed(placed) => {
                    let events = placed.into_iter().filter(|placed| !placed.is_companion);
                    open.extend(events.map(|placed| kept(placed, durability)));
                }
                UnitOutcome::Refused { index, refusal } => {
                    self.refuse(index, refused(refusal), &mut open)?;
                }
                UnitOutcome::Undecided { index, .. } => {
                    self.refuse(index, EventRefusal::Undecided, &mut open)?;
                }
            }
        }
        if open.len() == self.settled.len() {
            // All went to the sequencer, and the results are in input order already.
            return finish(is_one, open);
        }
        let mut open = open.into_iter();
        let missing = || EventResult::Rejected(EventRefusal::Undecided);
        let merge =
            |settled: Option<EventResult>| settled.or_else(|| open.next()).unwrap_or_else(missing);
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

    /// The place in the request of the nth event that went to the sequencer.
    fn input_index(&self, nth: usize) -> usize {
        let went = self.settled.iter().enumerate().filter(|(_, settled)| settled.is_none());
        went.map(|(index, _)| index).nth(nth).unwrap_or(nth)
    }
}

fn kept(placed: Placed, durability: Durability) -> EventResult {
    let receipt = Receipt { event: placed.event, durability };
    if placed.replayed { EventResult::Replayed(receipt) } else { EventResult::Accepted(receipt) }
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
