//! The life of an event between its door and the log, told in one function.
//!
//! Every append goes through [`append`]; the store's `append` has one call site, in the sequencer.
//! ARCHITECTURE.md has the same steps as a table.

use std::sync::Arc;

use annals_core::dialect::ForeignContext;
use annals_core::event::Event;
use annals_core::id::CorrelationId;
use annals_store::contract::{LogReader, Prepared, ReadFailure};

use crate::answer::{Ready, Step, plan};
use crate::prepare::{Checked, Preparation, Salts};
use crate::recorder::Inner;
use crate::refusal::{AppendRefusal, EventRefusal};
use crate::request::{AppendRequest, BatchAnswer};
use crate::translate::translate;

/// Bodies above this are worked on outside the async threads, so that they delay nobody else.
const INLINE_BODY_BYTES_MAX: usize = 256 << 10;

/// Takes an append from its door to its answer. Step 1, who sends it, is the door's.
pub(crate) async fn append(
    inner: &Arc<Inner>,
    request: AppendRequest,
) -> Result<BatchAnswer, AppendRefusal> {
    let principal = Arc::clone(&request.principal);
    let ready = with_room(inner, request, |inner, request| {
        let context = foreign_context(inner, request);
        let mut batch = translate(request, &context)?; // 2 translate, 3 limit
        batch.rename_streams(&inner.secrets);
        let trace = request.traceparent.as_deref().and_then(CorrelationId::of_traceparent);
        let preparation = Preparation::of(inner, request, trace.as_ref());
        let mut salts = Salts::draw(inner.entropy.as_ref(), batch.event_count());
        let events = batch.documents().map(|document| {
            let mut step = Step::default();
            batch.each_draft(document, &request.door, &context, |draft| {
                preparation.authorize(draft)?;
                let checked = preparation.prepare(draft, salts.next()); // 5 check, 7 redact
                if checked.is_marked {
                    let workspace_id = &request.principal.workspace_id;
                    inner.stats.count_schema_failure(workspace_id, draft.event_type.as_str());
                }
                // 6 gate has its place here.
                replay_or_refuse(inner, checked, &mut step) // 4 replay?
            })?;
            Ok(step)
        });
        let events: Vec<_> = events.collect();
        inner.stats.count_refused(&request.principal.workspace_id, &events);
        plan(request, &batch, events, inner.durability)
    });
    let ready = ready.await?;
    // 8 append: the sequencer places the events and syncs them, and only then is there an answer.
    let outcomes = inner.sequencer.append(ready.units, principal).await?;
    ready.plan.answer(outcomes, inner.durability)
}

/// What a dialect knows beside the document.
fn foreign_context<'a>(inner: &'a Inner, request: &'a AppendRequest) -> ForeignContext<'a> {
    ForeignContext {
        workspace_id: &request.principal.workspace_id,
        catalog: &inner.catalog,
        received_at: inner.clock.now(),
    }
}

/// Does the work on a request where its size allows.
async fn with_room(
    inner: &Arc<Inner>,
    request: AppendRequest,
    work: impl Fn(&Inner, &AppendRequest) -> Result<Ready, AppendRefusal> + Send + 'static,
) -> Result<Ready, AppendRefusal> {
    if request.body.len() <= INLINE_BODY_BYTES_MAX {
        return work(inner, &request);
    }
    let inner = Arc::clone(inner);
    let work = tokio::task::spawn_blocking(move || work(&inner, &request));
    work.await.map_err(|_| AppendRefusal::Closing)?
}

/// Step 4: an event that would be refused now is answered with its first receipt if it repeats
/// one that is kept, whatever has changed since. Others meet the same look-up in their turn.
fn replay_or_refuse(inner: &Inner, checked: Checked, step: &mut Step) -> Result<(), EventRefusal> {
    let Some(refusal) = checked.unless_replayed else {
        step.goes.push((checked.prepared, checked.companion));
        return Ok(());
    };
    match stored_twin(inner.reader.as_ref(), &checked.prepared) {
        Ok(Some(event)) => {
            step.kept.push(event);
            Ok(())
        }
        Ok(None) => Err(refusal),
        Err(_) => Err(EventRefusal::Undecided),
    }
}

/// The stored event that an event repeats, found by either of its identities.
fn stored_twin(reader: &dyn LogReader, prepared: &Prepared) -> Result<Option<Event>, ReadFailure> {
    let Ok(header) = prepared.header.view() else { return Ok(None) };
    let Ok(workspace_id) = header.workspace_id.parse() else { return Ok(None) };
    let found = match reader.by_event_id(&workspace_id, &header.event_id)? {
        Some(event) => Some(event),
        None => match (header.stream_key(), header.idempotency_key.map(str::parse)) {
            (Some(stream), Some(Ok(key))) => {
                reader.by_idempotency_key(&workspace_id, &stream, &key)?
            }
            _ => None,
        },
    };
    let is_same =
        |event: &Event| event.same_content(&prepared.header, &prepared.body).unwrap_or(false);
    Ok(found.filter(is_same))
}
