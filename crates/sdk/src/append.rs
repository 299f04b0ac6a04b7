//! Appending: identities before the first try, batches within the limits, one result an event.
//!
//! INVARIANT (no duplicate by retry): an event has its id before anything is sent, and the id is
//! written into the caller's draft, so that sending the same draft again, by the retry policy or by
//! the caller after an error, is answered with the first receipt.

use annals_api::wire::{BatchAnswer, BatchItem, ItemProblem, Receipt};
use annals_core::envelope::Draft;
use annals_core::id::Seq;
use annals_core::limits::BATCH_EVENTS_MAX;
use bytes::Bytes;
use reqwest::{Method, Url};

use crate::client::{Answer, Call, Client, Repeat};
use crate::error::ClientError;
use crate::make::new_event_id;

/// Bytes of one request's body; a quarter of what the server takes, to keep answers quick.
const REQUEST_BYTES_MAX: usize = 4 << 20;

/// How a batch is to be appended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AppendOptions {
    /// The dialect that translated the events, for importers.
    pub dialect: Option<String>,
    /// The last seq that the writer saw in the stream; for one event only.
    pub expected_seq: Option<Seq>,
    /// All or nothing.
    pub atomic: bool,
}

/// What became of a batch's events, in their order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct BatchOutcome {
    /// A receipt or a problem for each event.
    pub results: Vec<Result<Receipt, Box<ItemProblem>>>,
}

impl BatchOutcome {
    /// Events that were stored by this call.
    #[must_use]
    pub fn accepted(&self) -> usize {
        self.results.iter().flatten().filter(|receipt| !receipt.replayed).count()
    }

    /// Events that were there already.
    #[must_use]
    pub fn replayed(&self) -> usize {
        self.results.iter().flatten().filter(|receipt| receipt.replayed).count()
    }

    /// Events that were refused, with their index and the reason.
    pub fn rejected(&self) -> impl Iterator<Item = (usize, &ItemProblem)> {
        self.results.iter().enumerate().filter_map(|(index, result)| {
            result.as_ref().err().map(|problem| (index, problem.as_ref()))
        })
    }
}

impl Client {
    /// Appends one event. Its id is set if it has none.
    ///
    /// # Errors
    /// When it is refused, or the server stays away longer than the retry policy allows.
    pub async fn append(&self, draft: &mut Draft) -> Result<Receipt, ClientError> {
        self.append_one(draft, &AppendOptions::default()).await
    }

    /// Appends one event, with options.
    ///
    /// # Errors
    /// As [`Client::append`].
    pub async fn append_one(
        &self,
        draft: &mut Draft,
        options: &AppendOptions,
    ) -> Result<Receipt, ClientError> {
        identify(std::slice::from_mut(draft))?;
        self.post_events(options, draft.to_json()).await?.json()
    }

    /// Appends events in order, in as few requests as the limits allow. Their ids are set.
    ///
    /// A refused event does not touch its neighbours, unless `atomic` is asked for: then the first
    /// fault refuses all.
    ///
    /// # Errors
    /// When a request fails for good. Events of earlier requests may be stored then; calling again
    /// with the same drafts stores each event once.
    pub async fn append_batch(
        &self,
        drafts: &mut [Draft],
        options: &AppendOptions,
    ) -> Result<BatchOutcome, ClientError> {
        identify(drafts)?;
        if drafts.len() > 1 && options.expected_seq.is_some() {
            return Err(ClientError::Invalid("expected_seq is for one event".to_owned()));
        }
        let bodies = request_bodies(drafts.iter().map(Draft::to_json));
        if options.atomic && bodies.len() > 1 {
            return Err(ClientError::Invalid(format!(
                "an atomic batch is one request of at most {BATCH_EVENTS_MAX} events and {REQUEST_BYTES_MAX} bytes"
            )));
        }
        let mut outcome = BatchOutcome::default();
        for (body, event_count) in bodies {
            outcome.results.extend(self.append_body(options, body, event_count).await?);
        }
        Ok(outcome)
    }

    /// Appends documents of a foreign format by the server's door for it: an array of them, or an
    /// object that wraps some in `events`, as JSON text with their number.
    ///
    /// Not every format has ids, so a request that may have been kept is not sent again.
    ///
    /// # Errors
    /// When the request fails for good; some of its documents may be kept then.
    pub async fn append_foreign(
        &self,
        door: &str,
        documents: String,
        document_count: usize,
        atomic: bool,
    ) -> Result<BatchOutcome, ClientError> {
        let parameters = if atomic { vec![("atomic", "true".to_owned())] } else { Vec::new() };
        let url = self.resource(["v1", "doors", door], &parameters);
        let body = Some(Bytes::from(documents));
        let call = Call::new(Method::POST, url, body, Repeat::Matters);
        let results = results_of(self.call(call).await, document_count)?;
        Ok(BatchOutcome { results })
    }

    /// Appends CloudEvents, given as an array of documents of the JSON format with their number.
    /// A refused one does not touch its neighbours.
    ///
    /// Source and id are the identity of a CloudEvent, so a request that may have been kept is sent again.
    ///
    /// # Errors
    /// When the request fails for good; some of its documents may be kept then.
    pub async fn append_cloud_events(
        &self,
        documents: String,
        document_count: usize,
    ) -> Result<BatchOutcome, ClientError> {
        let url = self.resource(["v1", "cloudevents"], &[("atomic", "false".to_owned())]);
        let mut call = Call::new(Method::POST, url, Some(Bytes::from(documents)), Repeat::Harmless);
        call.media_type = Some("application/cloudevents-batch+json");
        let results = results_of(self.call(call).await, document_count)?;
        Ok(BatchOutcome { results })
    }

    async fn append_body(
        &self,
        options: &AppendOptions,
        body: String,
        event_count: usize,
    ) -> Result<Vec<Result<Receipt, Box<ItemProblem>>>, ClientError> {
        results_of(self.post_events(options, body).await, event_count)
    }

    async fn post_events(
        &self,
        options: &AppendOptions,
        body: String,
    ) -> Result<Answer, ClientError> {
        let url = self.events_url(options);
        let body = Some(Bytes::from(body));
        self.call(Call::new(Method::POST, url, body, Repeat::Harmless)).await
    }

    fn events_url(&self, options: &AppendOptions) -> Url {
        let mut parameters = Vec::new();
        if let Some(dialect) = &options.dialect {
            parameters.push(("dialect", dialect.clone()));
        }
        if let Some(expected_seq) = options.expected_seq {
            parameters.push(("expected_seq", expected_seq.to_string()));
        }
        if options.atomic {
            parameters.push(("atomic", "true".to_owned()));
        }
        self.resource(["v1", "events"], &parameters)
    }
}

/// The results of a batch, one an event.
fn results_of(
    answer: Result<Answer, ClientError>,
    event_count: usize,
) -> Result<Vec<Result<Receipt, Box<ItemProblem>>>, ClientError> {
    let results = match answer {
        Ok(answer) => answer.json::<BatchAnswer>()?.results,
        Err(error) => all_rejected(error)?,
    };
    if results.len() == event_count {
        Ok(results.into_iter().map(into_result).collect())
    } else {
        Err(ClientError::Protocol(format!("{} results for {event_count} events", results.len())))
    }
}

/// Gives every event an id that has none.
fn identify(drafts: &mut [Draft]) -> Result<(), ClientError> {
    for draft in drafts {
        if draft.event_id.is_none() {
            draft.event_id = Some(new_event_id()?);
        }
    }
    Ok(())
}

/// JSON arrays of events within the limits of a request, each with its number of events.
fn request_bodies(events: impl Iterator<Item = String>) -> Vec<(String, usize)> {
    let mut bodies: Vec<(String, usize)> = Vec::new();
    for event in events {
        match bodies.last_mut() {
            Some((body, count))
                if *count < BATCH_EVENTS_MAX && body.len() + event.len() < REQUEST_BYTES_MAX =>
            {
                body.push(',');
                body.push_str(&event);
                *count += 1;
            }
            _ => bodies.push((format!("[{event}"), 1)),
        }
    }
    for (body, _) in &mut bodies {
        body.push(']');
    }
    bodies
}

fn into_result(item: BatchItem) -> Result<Receipt, Box<ItemProblem>> {
    match item {
        BatchItem::Accepted { receipt, .. } | BatchItem::Replayed { receipt, .. } => Ok(receipt),
        BatchItem::Rejected { problem, .. } => Err(Box::new(problem)),
    }
}

/// The results inside the problem that says that every event was refused.
fn all_rejected(error: ClientError) -> Result<Vec<BatchItem>, ClientError> {
    let results = match error.problem() {
        Some(problem) if problem.reason_code == "batch_rejected" => {
            problem.details.get("results").cloned()
        }
        _ => None,
    };
    match results.map(serde_json::from_value) {
        Some(Ok(results)) => Ok(results),
        Some(Err(fault)) => Err(ClientError::Protocol(fault.to_string())),
        None => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::make::{agent, draft, stream};

    fn note() -> Draft {
        draft("note.taken", agent("a").unwrap(), stream("run", "r").unwrap(), &1).unwrap()
    }

    #[test]
    fn an_id_is_set_once_and_stays() {
        let mut drafts = [note(), note()];
        identify(&mut drafts).unwrap();
        let ids: Vec<_> = drafts.iter().map(|draft| draft.event_id).collect();
        identify(&mut drafts).unwrap();
        assert_eq!(ids, drafts.iter().map(|draft| draft.event_id).collect::<Vec<_>>());
        assert!(ids[0].is_some() && ids[0] != ids[1]);
    }

    #[test]
    fn splits_at_either_limit_and_loses_nothing() {
        let small = request_bodies((0..BATCH_EVENTS_MAX + 1).map(|n| n.to_string()));
        assert_eq!(
            small.iter().map(|(_, count)| *count).collect::<Vec<_>>(),
            [BATCH_EVENTS_MAX, 1]
        );
        assert_eq!(small[1].0, "[10000]");
        let large = request_bodies((0..9).map(|_| "x".repeat(REQUEST_BYTES_MAX / 4)));
        assert_eq!(large.iter().map(|(_, count)| *count).sum::<usize>(), 9);
        assert!(large.iter().all(|(body, _)| body.len() <= REQUEST_BYTES_MAX + 1));
        assert!(request_bodies(std::iter::empty()).is_empty());
    }

    #[test]
    fn reads_receipts_and_problems_in_order() {
        let hash = "ab".repeat(32);
        let text = format!(
            r#"{{"accepted":1,"replayed":0,"rejected":1,"results":[
            {{"status":"accepted","index":0,"event_id":"e","position":1,"stream_seq":1,"recorded_at":"t","event_hash":"{hash}","prev_event_hash":null,"durability":"sync","replayed":false}},
            {{"status":"rejected","index":1,"type":"urn:annals:error:schema_violation","title":"t","reason_code":"schema_violation","retryable":false,"detail":"no"}}]}}"#
        );
        let batch: BatchAnswer = serde_json::from_str(&text).unwrap();
        let outcome =
            BatchOutcome { results: batch.results.into_iter().map(into_result).collect() };
        assert_eq!((outcome.accepted(), outcome.replayed()), (1, 0));
        let (index, problem) = outcome.rejected().next().unwrap();
        assert_eq!((index, problem.reason_code.as_str()), (1, "schema_violation"));
    }
}
