//! The task of a trail: takes what waits, appends it, answers who waits for it.
//!
//! It goes on until the bus is gone and everything is written, or until the log cannot be written any
//! more. A log that is busy or whose disk is full is tried again; meanwhile the queue fills, and what
//! does not fit becomes a gap.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::queue::{Entry, GapReason, NotKept};
use super::trail::{Trail, TrailEnded};
use crate::refusal::{AppendRefusal, EventRefusal};
use crate::request::{
    AppendRequest, Atomicity, BatchAnswer, BodyFormat, Door, EventResult, Receipt,
};

/// Events of one append.
const BATCH_EVENTS_MAX: usize = 512;
/// Between two tries of an append that the log cannot take now.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// Writes until there is nothing more to write.
pub(super) async fn run(trail: Arc<Trail>) {
    loop {
        let (batch, is_over) = next(&trail);
        if batch.is_empty() {
            if is_over {
                return;
            }
            trail.news.notified().await;
            continue;
        }
        trail.room.notify_waiters();
        let count = u64::try_from(batch.len()).unwrap_or(0);
        let written = write(&trail, batch).await;
        if let Err(ended) = written {
            end(&trail, ended);
            return;
        }
        trail.settled.send_modify(|settled| *settled += count);
    }
}

/// The entries that are next, and whether no more will come.
fn next(trail: &Trail) -> (Vec<Entry>, bool) {
    let mut queue = trail.queue();
    if queue.len() == 0 {
        trail.put_gaps(&mut queue);
    }
    let batch = queue.next_batch(BATCH_EVENTS_MAX);
    queue.is_over = batch.is_empty() && queue.ended.is_some();
    (batch, queue.is_over)
}

/// Appends entries of one dialect.
async fn write(trail: &Trail, batch: Vec<Entry>) -> Result<(), TrailEnded> {
    let Some(first) = batch.first() else { return Ok(()) };
    let texts: Vec<&str> = batch.iter().map(|entry| entry.text.as_str()).collect();
    let request = AppendRequest {
        principal: Arc::clone(&trail.principal),
        door: first.dialect.clone().map_or(Door::Native, Door::Translated),
        format: BodyFormat::Ndjson,
        body: texts.join("\n").into(),
        atomicity: Some(Atomicity::Independent),
        expected_seq: None,
        traceparent: None,
    };
    let ended = match append(trail, request).await {
        Ok(results) => {
            let mut results = results.into_iter();
            for entry in batch {
                let result = results.next();
                settle(trail, entry, result.unwrap_or(Err(EventRefusal::Undecided)));
            }
            return Ok(());
        }
        Err(ended) => ended,
    };
    for entry in batch {
        lose(trail, entry, ended);
    }
    Err(ended)
}

/// The result of each event, once the log has taken the request. It can be repeated because each event
/// has its identity.
async fn append(
    trail: &Trail,
    request: AppendRequest,
) -> Result<Vec<Result<Receipt, EventRefusal>>, TrailEnded> {
    let mut pause = FIRST_PAUSE;
    loop {
        let refusal = match trail.recorder.append(request.clone()).await {
            Ok(BatchAnswer::One { receipt, .. }) => return Ok(vec![Ok(receipt)]),
            Ok(BatchAnswer::Many(results)) => return Ok(results.into_iter().map(result).collect()),
            Err(refusal) => refusal,
        };
        match refusal {
            AppendRefusal::AllRejected(results) => {
                return Ok(results.into_iter().map(result).collect());
            }
            AppendRefusal::Event { refusal, .. } => return Ok(vec![Err(refusal)]),
            AppendRefusal::Overloaded | AppendRefusal::StorageFull => {
                tracing::debug!(?pause, %refusal, "an audit trail waits for the log");
                tokio::time::sleep(pause).await;
                pause = PAUSE_MAX.min(pause * 2);
            }
            AppendRefusal::CredentialEnded => return Err(TrailEnded::CredentialEnded),
            AppendRefusal::LogFailed => return Err(TrailEnded::LogFailed),
            AppendRefusal::Closing => return Err(TrailEnded::RecorderClosing),
            AppendRefusal::Json(_)
            | AppendRefusal::Msgpack(_)
            | AppendRefusal::EmptyBatch
            | AppendRefusal::TooManyEvents { .. }
            | AppendRefusal::Options(_)
            | AppendRefusal::ExpectedSeqMisplaced { .. } => {
                // Each entry is an envelope that was written here, so none of these can be.
                tracing::error!(%refusal, "an audit trail's request is refused as a whole");
                return Ok(Vec::new());
            }
        }
    }
}

fn result(result: EventResult) -> Result<Receipt, EventRefusal> {
    match result {
        EventResult::Accepted(receipt) | EventResult::Replayed(receipt) => Ok(receipt),
        EventResult::Rejected(refusal) => Err(refusal),
    }
}

/// Tells what became of an entry. A refusal that nobody waits for becomes a gap.
fn settle(trail: &Trail, entry: Entry, result: Result<Receipt, EventRefusal>) {
    match (&result, entry.missing) {
        (Ok(_), None) => trail.recorded.fetch_add(1, Ordering::Relaxed),
        (Ok(_), Some(missing)) => trail.missing.fetch_add(missing, Ordering::Relaxed),
        (Err(refusal), Some(missing)) => {
            // A gap for a gap would never end.
            tracing::error!(%refusal, missing, "a gap of an audit trail cannot be recorded");
            trail.lost.fetch_add(missing, Ordering::Relaxed)
        }
        (Err(_), None) => 0,
    };
    match (entry.reply, result) {
        (Some(reply), result) => {
            // Who does not wait any more does not want to know.
            let _ = reply.send(result.map_err(NotKept::Refused));
        }
        (None, Err(refusal)) if entry.missing.is_none() => {
            trail.miss(GapReason::Refused, Some(refusal.to_string()));
        }
        (None, _) => {}
    }
}

/// Tells that an entry is not known to be kept.
fn lose(trail: &Trail, entry: Entry, ended: TrailEnded) {
    match entry.reply {
        Some(reply) => {
            // As above.
            let _ = reply.send(Err(NotKept::Ended(ended)));
        }
        None => {
            let count = entry.missing.unwrap_or(1);
            trail.lost.fetch_add(count, Ordering::Relaxed);
            if entry.missing.is_none() {
                trail.recorder.stats().count_audit_lag(1);
            }
        }
    }
}

/// The log cannot be written any more: nothing is taken in, and what waits is lost.
fn end(trail: &Trail, ended: TrailEnded) {
    let mut lost = 0_u64;
    let taken_in = {
        let mut queue = trail.queue();
        (queue.ended, queue.is_over) = (Some(ended), true);
        trail.put_gaps(&mut queue);
        loop {
            let batch = queue.next_batch(BATCH_EVENTS_MAX);
            if batch.is_empty() {
                break;
            }
            for entry in batch {
                lost += 1;
                lose(trail, entry, ended);
            }
        }
        queue.taken_in
    };
    tracing::error!(%ended, lost, "an audit trail has ended");
    trail.room.notify_waiters();
    trail.settled.send_modify(|settled| *settled = taken_in);
}
