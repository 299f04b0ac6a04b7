//! A request on its way from its body to what became of each of its items.
//!
//! Protobuf becomes OTLP/JSON, the dialect takes that apart, and each item goes to the recorder as a document of its
//! own: its facts are kept together or not at all, and one that is refused stops no other.
//! INVARIANT (taken is stored): what is not counted as rejected is durable when this returns.

use std::sync::Arc;
use std::time::Instant;

use annals_api::reason;
use annals_core::dialect::otlp::{self, Item, OTLP, Signal};
use annals_core::dialect::{ForeignContext, ForeignFault, ForeignReader};
use annals_core::envelope::Draft;
use annals_core::id::DialectName;
use annals_core::json::{JsonLimits, compact};
use annals_core::limits::{BATCH_EVENTS_MAX, OTLP_ITEMS_BYTES_MAX};
use annals_recorder::principal::Principal;
use annals_recorder::refusal::{AppendRefusal, EventRefusal};
use annals_recorder::request::{
    AppendRequest, Atomicity, BatchAnswer, BodyFormat, Door, EventResult,
};
use axum::body::Bytes;

use super::answer::{Encoding, Outcome};
use super::counts::ItemCounts;
use super::lost::Lost;
use super::schema::{LOGS, METRICS, TRACES};
use super::transcode::{TranscodeFault, Transcoded, transcode};
use crate::app::App;
use crate::body::HeldBody;
use crate::problem::ApiProblem;
use crate::refusals::{append_problem, event_problem, json_problem};
use crate::work::blocking;

/// Bodies above this are worked on outside the async threads.
const INLINE_BODY_BYTES_MAX: usize = 64 << 10;
/// Levels of JSON around what an item of a request holds.
const AROUND_DEPTH: usize = 8;
/// Refused items that the answer names.
const NAMED_COUNT_MAX: usize = 5;

/// A request whose body is read.
#[derive(Debug)]
pub(super) struct Export {
    pub(super) principal: Arc<Principal>,
    pub(super) signal: Signal,
    pub(super) encoding: Encoding,
    pub(super) held: HeldBody,
}

/// Stores what a request holds and says what became of it.
pub(super) async fn take(app: &App, export: Export) -> Result<Outcome, ApiProblem> {
    let began_at = Instant::now();
    let Export { principal, signal, encoding, held } = export;
    let is_small = held.bytes.len() <= INLINE_BODY_BYTES_MAX;
    // Resources and scopes are repeated at each item, so what is not small may become large.
    let turn = if is_small { None } else { app.bodies.large_turn().await };
    let Documents { held, lost } = if is_small {
        documents(signal, encoding, held)?
    } else {
        blocking(move || documents(signal, encoding, held)).await?
    };
    let answer = match held {
        Some(held) => Some(append(app, principal, reader(signal)?, held).await),
        None => None,
    };
    drop(turn);
    app.metrics.processing_seconds.observe(began_at.elapsed().as_secs_f64());
    concluded(app, signal, answer, &lost)
}

/// The items of a request as a JSON array of their documents.
struct Documents {
    /// None when there are no items.
    held: Option<HeldBody>,
    lost: Lost,
}

fn documents(signal: Signal, encoding: Encoding, held: HeldBody) -> Result<Documents, ApiProblem> {
    let HeldBody { bytes, mut share } = held;
    let body_bytes = bytes.len();
    let mut room = |byte_count: usize| {
        if byte_count > OTLP_ITEMS_BYTES_MAX {
            return Err(TranscodeFault::TooLarge);
        }
        let is_given = share.grow_to(body_bytes + byte_count);
        if is_given { Ok(()) } else { Err(TranscodeFault::Overloaded) }
    };
    let Transcoded { text, lost } = match encoding {
        Encoding::Protobuf => transcode(message(signal), &bytes, &mut room),
        Encoding::Json => {
            room(body_bytes).map_err(|fault| transcode_problem(&fault))?;
            Ok(Transcoded { text: checked_json(&bytes)?, lost: Lost::default() })
        }
    }
    .map_err(|fault| transcode_problem(&fault))?;
    drop(bytes);
    let items = otlp::items(signal, &text).map_err(foreign)?;
    drop(text);
    if items.is_empty() {
        return Ok(Documents { held: None, lost });
    }
    if items.len() > BATCH_EVENTS_MAX {
        return Err(too_many_items(items.len()));
    }
    let byte_count = items.iter().map(|item| item.document.len() + 1).sum::<usize>() + 1;
    if !share.grow_to(2 * byte_count) {
        return Err(transcode_problem(&TranscodeFault::Overloaded));
    }
    let bytes = Bytes::from(array_of(items, byte_count));
    Ok(Documents { held: Some(HeldBody { bytes, share }), lost })
}

/// The text of a request that nothing else is done with.
pub(crate) fn read_protobuf(signal: Signal, bytes: &[u8]) -> Result<String, ApiProblem> {
    let read = transcode(message(signal), bytes, &mut |_| Ok(()));
    read.map(|read| read.text).map_err(|fault| transcode_problem(&fault))
}

fn message(signal: Signal) -> &'static super::schema::Message {
    match signal {
        Signal::Traces => &TRACES,
        Signal::Logs => &LOGS,
        Signal::Metrics => &METRICS,
    }
}

fn checked_json(body: &[u8]) -> Result<String, ApiProblem> {
    // Each item is held to the limits of an event when it is read.
    let limits = JsonLimits {
        depth_max: JsonLimits::EVENT.depth_max + AROUND_DEPTH,
        node_count_max: JsonLimits::EVENT.node_count_max * 16,
    };
    let mut text = String::with_capacity(body.len());
    compact(body, &mut text, &limits).map_err(|error| json_problem(&error))?;
    Ok(text)
}

fn array_of(items: Vec<Item>, byte_count: usize) -> String {
    let mut array = String::with_capacity(byte_count);
    for item in items {
        array.push(if array.is_empty() { '[' } else { ',' });
        array.push_str(&item.document);
    }
    array.push(']');
    array
}

async fn append(
    app: &App,
    principal: Arc<Principal>,
    reader: Arc<ItemReader>,
    held: HeldBody,
) -> Result<BatchAnswer, AppendRefusal> {
    // The share counts the documents until the answer.
    let HeldBody { bytes, share: _share } = held;
    let request = AppendRequest {
        principal,
        door: Door::Foreign(reader),
        format: BodyFormat::Json,
        body: bytes,
        atomicity: Some(Atomicity::Independent),
        expected_seq: None,
        // A span says itself which trace it is of; the exporter's request is of none.
        traceparent: None,
    };
    app.recorder.append(request).await
}

/// Reads the documents that `items` made.
#[derive(Debug)]
struct ItemReader {
    signal: Signal,
    dialect: DialectName,
}

fn reader(signal: Signal) -> Result<Arc<ItemReader>, ApiProblem> {
    let dialect = OTLP.parse().map_err(|error| {
        tracing::error!(%error, "the dialect has no name");
        ApiProblem::new(reason::INTERNAL, "the dialect cannot be used")
    })?;
    Ok(Arc::new(ItemReader { signal, dialect }))
}

impl ForeignReader for ItemReader {
    fn dialect(&self) -> &DialectName {
        &self.dialect
    }

    fn read(&self, document: &str, context: &ForeignContext<'_>) -> Result<Draft, ForeignFault> {
        self.read_all(document, context)?.pop().ok_or(ForeignFault::NotAnObject)
    }

    fn read_all(
        &self,
        document: &str,
        context: &ForeignContext<'_>,
    ) -> Result<Vec<Draft>, ForeignFault> {
        otlp::read(self.signal, &Item { index: 0, document: document.to_owned() }, context)
    }
}

/// Counts what became of a request, and says it.
fn concluded(
    app: &App,
    signal: Signal,
    answer: Option<Result<BatchAnswer, AppendRefusal>>,
    lost: &Lost,
) -> Result<Outcome, ApiProblem> {
    let results = match &answer {
        None => return Ok(outcome(signal, &[], lost)),
        Some(Ok(answer)) => {
            app.metrics.inferences.count(answer);
            match answer {
                BatchAnswer::Many(results) => results.as_slice(),
                // An array is no single event.
                BatchAnswer::One { .. } => &[],
            }
        }
        Some(Err(AppendRefusal::AllRejected(results))) => results.as_slice(),
        Some(Err(refusal)) => {
            let problem = append_problem(refusal);
            app.metrics.count_processing_error(problem.reason());
            return Err(problem);
        }
    };
    let counts = counts(results);
    app.metrics.otlp.count_items(signal, counts);
    for refusal in results.iter().filter_map(refusal) {
        app.metrics.count_processing_error(event_problem(refusal).reason());
    }
    let outcome = outcome(signal, results, lost);
    if counts.accepted + counts.replayed == 0 && counts.rejected > 0 {
        return Err(ApiProblem::new(reason::BATCH_REJECTED, outcome.message)
            .with("rejected", counts.rejected));
    }
    Ok(outcome)
}

fn refusal(result: &EventResult) -> Option<&EventRefusal> {
    match result {
        EventResult::Rejected(refusal) => Some(refusal),
        EventResult::Accepted(_) | EventResult::Replayed(_) => None,
    }
}

fn counts(results: &[EventResult]) -> ItemCounts {
    let mut counts = ItemCounts::default();
    for result in results {
        match result {
            EventResult::Accepted(_) => counts.accepted += 1,
            EventResult::Replayed(_) => counts.replayed += 1,
            EventResult::Rejected(_) => counts.rejected += 1,
        }
    }
    counts
}

fn outcome(signal: Signal, results: &[EventResult], lost: &Lost) -> Outcome {
    let refusals: Vec<_> = results
        .iter()
        .enumerate()
        .filter_map(|(index, result)| Some((index, refusal(result)?)))
        .collect();
    let mut parts = Vec::new();
    if !refusals.is_empty() {
        let (one, many) = nouns(signal);
        parts.push(format!("{} of {} {many} were refused", refusals.len(), results.len()));
        for (index, refusal) in refusals.iter().take(NAMED_COUNT_MAX) {
            let problem = event_problem(refusal);
            parts.push(format!("{one} {index}: {}: {}", problem.reason().code, problem.detail()));
        }
        if refusals.len() > NAMED_COUNT_MAX {
            parts.push(format!("and {} more", refusals.len() - NAMED_COUNT_MAX));
        }
    }
    parts.extend(lost.warning());
    Outcome { rejected: refusals.len() as u64, message: parts.join("; ") }
}

fn nouns(signal: Signal) -> (&'static str, &'static str) {
    match signal {
        Signal::Traces => ("span", "spans"),
        Signal::Logs => ("log record", "log records"),
        Signal::Metrics => ("data point", "data points"),
    }
}

fn foreign(fault: ForeignFault) -> ApiProblem {
    event_problem(&EventRefusal::Foreign(fault))
}

fn too_many_items(count: usize) -> ApiProblem {
    let detail = format!(
        "the request has {count} items; at most {BATCH_EVENTS_MAX} are taken: set a smaller batch size in the exporter"
    );
    ApiProblem::new(reason::TOO_MANY_EVENTS, detail).with("event_count_max", BATCH_EVENTS_MAX)
}

fn transcode_problem(fault: &TranscodeFault) -> ApiProblem {
    let plain = |reason| ApiProblem::new(reason, fault.to_string());
    match fault {
        TranscodeFault::Wire { pointer, .. } => {
            plain(reason::INVALID_BODY).with("path", pointer.as_str())
        }
        TranscodeFault::Utf8 { pointer } => {
            plain(reason::INVALID_UTF8).with("path", pointer.as_str())
        }
        TranscodeFault::TooDeep { pointer } => {
            plain(reason::TOO_DEEP).with("path", pointer.as_str())
        }
        TranscodeFault::TooManyFields { pointer } => {
            plain(reason::TOO_MANY_VALUES).with("path", pointer.as_str())
        }
        TranscodeFault::TooLarge => {
            plain(reason::PAYLOAD_TOO_LARGE).with("byte_count_max", OTLP_ITEMS_BYTES_MAX)
        }
        TranscodeFault::Overloaded => plain(reason::OVERLOADED),
    }
}
