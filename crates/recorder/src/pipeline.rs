//! The life of an event between its door and the log, told in one function.
//!
//! Every append goes through [`append`]; the store's `append` has one call site, in the sequencer.
//! ARCHITECTURE.md has the same steps as a table.

use annals_core::record::{SALT_BYTES, Salt};
use annals_store::contract::{ExpectedSeq, LogReader, Placed, Prepared, ReadFailure, Refusal, Unit, UnitOutcome};

use crate::config::Durability;
use crate::prepare::{Checked, Preparation, trace_correlation};
use crate::recorder::Inner;
use crate::refusal::{AppendRefusal, EventRefusal};
use crate::request::{AppendRequest, Atomicity, BatchAnswer, EventResult, Receipt};
use crate::translate::{BatchShape, TranslatedBatch, translate};

/// Bodies above this are worked on outside the async threads, so that they delay nobody else.
const INLINE_BODY_BYTES_MAX: usize = 256 << 10;

/// Takes an append from its door to its answer.
pub(crate) async fn append(inner: &std::sync::Arc<Inner>, request: AppendRequest) -> Result<BatchAnswer, AppendRefusal> {
    let principal = std::sync::Arc::clone(&request.principal);
    // 2 translate, 3 limit, 4 replay?, 5 check; 6 gate and 7 redact have their place here.
    let ready = if request.body.len() > INLINE_BODY_BYTES_MAX {
        let inner = std::sync::Arc::clone(inner);
        let work = tokio::task::spawn_blocking(move || make_ready(&inner, &request));
        work.await.map_err(|_| AppendRefusal::Closing)??
    } else {
        make_ready(inner, &request)?
    };
    // 8 append: the sequencer places the events, syncs them, and only then answers.
    let outcomes = inner.sequencer.append(ready.units, principal).await?;
    ready.plan.answer(outcomes, inner.durability)
}

/// What is known of a request before its turn.
struct Ready {
    units: Vec<Unit>,
    plan: AnswerPlan,
}

/// How outcomes become results in input order.
struct AnswerPlan {
    shape: BatchShape,
    atomicity: Atomicity,
    /// One entry an event; `None` is answered by the next outcome.
    settled: Vec<Option<EventResult>>,
}

/// Steps 2 to 7.
fn make_ready(inner: &Inner, request: &AppendRequest) -> Result<Ready, AppendRefusal> {
    let batch = translate(request)?;
    let correlation = request.traceparent.as_deref().and_then(trace_correlation);
    let preparation = Preparation {
        log_id: inner.reader.log_id(),
        principal: &request.principal,
        door: &request.door,
        received_at: inner.clock.now(),
        trace_correlation: correlation.as_ref(),
        catalog: &inner.catalog,
        schemas: inner.schemas.as_ref(),
        entropy: inner.entropy.as_ref(),
    };
    let prepared = prepare_all(inner, &preparation, &batch);
    inner.stats.count_refused(prepared.iter().filter_map(|result| match result {
        Ok(Step::Settled(EventResult::Rejected(refusal))) | Err(refusal) => Some(refusal),
        Ok(_) => None,
    }));
    plan(request, &batch, prepared)
}

/// What became of an event before its turn.
enum Step {
    /// It goes to the sequencer.
    Goes(Prepared),
    /// It is answered already.
    Settled(EventResult),
}

fn prepare_all(
    inner: &Inner,
    preparation: &Preparation<'_>,
    batch: &TranslatedBatch,
) -> Vec<Result<Step, EventRefusal>> {
    let mut salts = vec![0; batch.drafts.len() * SALT_BYTES];
    inner.entropy.fill(&mut salts);
    let salts = salts.chunks_exact(SALT_BYTES);
    let prepare = |(draft, salt): (&Result<_, EventRefusal>, &[u8])| {
        let draft = draft.as_ref().map_err(Clone::clone)?;
        preparation.authorize(draft)?;
        let mut own_salt = Salt::default();
        own_salt.copy_from_slice(salt);
        replay_or_refuse(inner, preparation.prepare(draft, own_salt))
    };
    batch.drafts.iter().zip(salts).map(prepare).collect()
}

/// Step 4: an event that would be refused now is answered with its first receipt if it repeats
/// one that is kept, whatever has changed since. Others meet the same look-up in their turn.
fn replay_or_refuse(inner: &Inner, checked: Checked) -> Result<Step, EventRefusal> {
    let Some(refusal) = checked.unless_replayed else {
        return Ok(Step::Goes(checked.prepared));
    };
    match stored_twin(inner.reader.as_ref(), &checked.prepared) {
        Ok(Some(event)) => {
            let receipt = Receipt { event, durability: inner.durability };
            Ok(Step::Settled(EventResult::Replayed(receipt)))
        }
        Ok(None) => Err(refusal),
        Err(_) => Err(EventRefusal::Undecided),
    }
}

fn stored_twin(
    reader: &dyn LogReader,
    prepared: &Prepared,
) -> Result<Option<annals_core::event::Event>, ReadFailure> {
    let Ok(header) = prepared.header.view() else { return Ok(None) };
    let Ok(workspace_id) = header.workspace_id.parse() else { return Ok(None) };
    let found = reader.by_event_id(&workspace_id, &header.event_id)?;
    let is_same = |event: &annals_core::event::Event| {
        event.same_content(&prepared.header, &prepared.body).unwrap_or(false)
    };
    Ok(found.filter(is_same))
}

/// Sorts events into units for the sequencer and a plan for the answer.
fn plan(
    request: &AppendRequest,
    batch: &TranslatedBatch,
    steps: Vec<Result<Step, EventRefusal>>,
) -> Result<Ready, AppendRefusal> {
    let is_one = batch.shape == BatchShape::One;
    let mut events = Vec::with_capacity(steps.len());
    let mut settled = Vec::with_capacity(steps.len());
    for (index, step) in steps.into_iter().enumerate() {
        match step {
            Ok(Step::Goes(prepared)) => {
                events.push(prepared);
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
    let expected = expected(request, batch);
    let units = match batch.atomicity {
        Atomicity::Atomic if events.is_empty() => Vec::new(),
        Atomicity::Atomic => vec![Unit { events, expected }],
        Atomicity::Independent => events
            .into_iter()
            .map(|event| Unit { events: vec![event], expected: expected.clone() })
            .collect(),
    };
    let plan = AnswerPlan { shape: batch.shape, atomicity: batch.atomicity, settled };
    Ok(Ready { units, plan })
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
    fn answer(
        self,
        outcomes: Vec<UnitOutcome>,
        durability: Durability,
    ) -> Result<BatchAnswer, AppendRefusal> {
        let is_one = self.shape == BatchShape::One;
        let mut open = Vec::with_capacity(self.settled.len());
        for outcome in outcomes {
            match outcome {
                UnitOutcome::Committed(placed) => {
                    open.extend(placed.into_iter().map(|placed| kept(placed, durability)));
                }
                UnitOutcome::Refused { index, refusal } => {
                    self.refuse(index, refused(refusal), &mut open)?;
                }
                UnitOutcome::Undecided { index, .. } => {
                    self.refuse(index, EventRefusal::Undecided, &mut open)?;
                }
            }
        }
        let mut open = open.into_iter();
        let missing = || EventResult::Rejected(EventRefusal::Undecided);
        let merge = |settled: Option<EventResult>| settled.or_else(|| open.next()).unwrap_or_else(missing);
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
            Some(EventResult::Accepted(receipt)) => Ok(BatchAnswer::One { receipt, replayed: false }),
            Some(EventResult::Replayed(receipt)) => Ok(BatchAnswer::One { receipt, replayed: true }),
            Some(EventResult::Rejected(refusal)) => Err(AppendRefusal::Event { index: None, refusal }),
            None => Err(AppendRefusal::EmptyBatch),
        };
    }
    if results.iter().all(|result| matches!(result, EventResult::Rejected(_))) {
        return Err(AppendRefusal::AllRejected(results));
    }
    Ok(BatchAnswer::Many(results))
}
