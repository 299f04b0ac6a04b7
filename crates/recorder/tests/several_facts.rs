//! Foreign documents that state several facts: kept together or not at all, one result each.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what it did not expect")]

mod support;

use std::sync::Arc;

use annals_core::dialect::{ForeignContext, ForeignFault, ForeignReader};
use annals_core::envelope::{Draft, Strictness};
use annals_core::id::DialectName;
use annals_core::json::{elements, members};
use annals_recorder::Recorder;
use annals_recorder::config::RecorderConfig;
use annals_recorder::refusal::{AppendRefusal, EventRefusal};
use annals_recorder::request::{AppendRequest, Atomicity, BatchAnswer, Door, EventResult};
use support::request;

/// A format whose documents are arrays of envelopes.
#[derive(Debug)]
struct Arrays(DialectName);

impl ForeignReader for Arrays {
    fn dialect(&self) -> &DialectName {
        &self.0
    }

    fn read(&self, document: &str, context: &ForeignContext<'_>) -> Result<Draft, ForeignFault> {
        self.read_all(document, context)?.pop().ok_or(ForeignFault::NotAnObject)
    }

    fn read_all(&self, document: &str, _: &ForeignContext<'_>) -> Result<Vec<Draft>, ForeignFault> {
        let strictness = Strictness::Translated(&self.0);
        let draft = |text| Draft::from_members(members(text), strictness).map_err(Into::into);
        elements(document).map(draft).collect()
    }
}

fn open() -> Recorder {
    Recorder::open(RecorderConfig::in_memory()).unwrap()
}

/// A fact whose identity is a number.
fn fact(n: u32, fields: &str) -> String {
    format!(
        r#"{{"event_id":"00000000-0000-8000-8000-{n:012}","event_type":"note.taken","actor":{{"actor_type":"agent","actor_id":"a"}},"stream":{{"stream_type":"run","stream_id":"r"}},"data":{{"n":{n}}}{fields}}}"#
    )
}

fn document(facts: &[String]) -> String {
    format!("[{}]", facts.join(","))
}

fn append(recorder: &Recorder, documents: &[String], atomicity: Atomicity) -> AppendRequest {
    let name: DialectName = "arrays".parse().unwrap();
    AppendRequest {
        door: Door::Foreign(Arc::new(Arrays(name))),
        atomicity: Some(atomicity),
        ..request(recorder, documents.join("\n"))
    }
}

async fn results(recorder: &Recorder, documents: &[String]) -> Vec<EventResult> {
    match recorder.append(append(recorder, documents, Atomicity::Independent)).await {
        Ok(BatchAnswer::Many(results)) | Err(AppendRefusal::AllRejected(results)) => results,
        other => panic!("{other:?}"),
    }
}

fn head(recorder: &Recorder) -> u64 {
    recorder.head().position.get()
}

/// The numbers of the facts that a receipt tells of, in order.
fn told(result: &EventResult) -> Vec<u64> {
    let receipt = match result {
        EventResult::Accepted(receipt) | EventResult::Replayed(receipt) => receipt,
        EventResult::Rejected(refusal) => panic!("{refusal}"),
    };
    let events = receipt.before.iter().chain([&receipt.event]);
    events
        .map(|event| event.data().trim_matches(|c: char| !c.is_ascii_digit()).parse().unwrap())
        .collect()
}

#[tokio::test]
async fn the_facts_of_a_document_are_kept_in_order_and_have_one_receipt() {
    let recorder = open();
    let documents = [
        document(&[fact(1, ""), fact(2, "")]),
        document(&[fact(3, "")]),
        document(&[fact(4, ""), fact(5, ""), fact(6, "")]),
    ];
    let results = results(&recorder, &documents).await;
    assert_eq!(results.iter().map(told).collect::<Vec<_>>(), [vec![1, 2], vec![3], vec![4, 5, 6]]);
    assert!(results.iter().all(|result| matches!(result, EventResult::Accepted(_))));
    assert_eq!(head(&recorder), 6);
}

#[tokio::test]
async fn a_document_is_refused_with_all_its_facts_and_leaves_nothing() {
    let recorder = open();
    let ahead = r#","occurred_at":"2999-01-01T00:00:00Z""#;
    let conflicting = fact(1, r#","run_id":"another""#);
    let documents = [
        document(&[fact(1, ""), fact(2, "")]),
        // Refused before its turn, by its second fact.
        document(&[fact(3, ""), fact(4, ahead)]),
        // Refused in its turn, by its second fact.
        document(&[fact(5, ""), conflicting]),
        document(&[fact(6, ""), fact(7, "")]),
    ];
    let results = results(&recorder, &documents).await;
    assert_eq!(told(&results[0]), [1, 2]);
    assert!(matches!(&results[1], EventResult::Rejected(EventRefusal::ClockAhead { .. })));
    assert!(matches!(&results[2], EventResult::Rejected(EventRefusal::IdempotencyConflict { .. })));
    assert_eq!(told(&results[3]), [6, 7]);
    assert_eq!(head(&recorder), 4);
}

#[tokio::test]
async fn a_document_is_a_replay_when_all_its_facts_are() {
    let recorder = open();
    let whole = document(&[fact(1, ""), fact(2, "")]);
    results(&recorder, std::slice::from_ref(&whole)).await;
    let again = results(&recorder, &[whole, document(&[fact(2, ""), fact(3, "")])]).await;
    assert!(matches!(again[0], EventResult::Replayed(_)));
    assert!(matches!(again[1], EventResult::Accepted(_)), "a part of it is new");
    assert_eq!((told(&again[0]), told(&again[1])), (vec![1, 2], vec![2, 3]));
    assert_eq!(head(&recorder), 3);
}

#[tokio::test]
async fn an_atomic_batch_names_the_document_that_stands_in_its_way() {
    let recorder = open();
    let documents = [
        document(&[fact(1, ""), fact(2, "")]),
        document(&[fact(3, ""), fact(4, "")]),
        document(&[fact(5, ""), fact(2, r#","run_id":"another""#)]),
    ];
    let refused = recorder.append(append(&recorder, &documents, Atomicity::Atomic)).await;
    match refused.unwrap_err() {
        AppendRefusal::Event { index, refusal: EventRefusal::IdempotencyConflict { .. } } => {
            assert_eq!(index, Some(2));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(head(&recorder), 0);
    let kept =
        recorder.append(append(&recorder, &documents[..2], Atomicity::Atomic)).await.unwrap();
    let BatchAnswer::Many(results) = kept else { panic!("{kept:?}") };
    assert_eq!(results.iter().map(told).collect::<Vec<_>>(), [[1, 2], [3, 4]]);
}
