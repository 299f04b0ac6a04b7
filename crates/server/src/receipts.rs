//! Writing the answers of appends: receipts and batch results, by hand into one text.
//!
//! This is the hot path: no tree of values, no text that is thrown away.

use std::fmt::Write as _;

use annals_core::hash::Digest;
use annals_core::json::string_into;
use annals_core::time::Timestamp;
use annals_recorder::request::{EventResult, Receipt};

use crate::problem::ApiProblem;
use crate::refusals::event_problem;

/// Bytes that one receipt takes, about.
const RECEIPT_BYTES: usize = 384;

/// The counts of a batch's results.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Tally {
    accepted: u64,
    replayed: u64,
    rejected: u64,
}

/// Writes receipts and results one after the other.
#[derive(Debug)]
pub(crate) struct ReceiptWriter {
    text: String,
    last_time: Option<Timestamp>,
    last_time_text: String,
}

impl ReceiptWriter {
    pub(crate) fn with_room_for(result_count: usize) -> Self {
        let text = String::with_capacity((result_count + 1) * RECEIPT_BYTES);
        Self { text, last_time: None, last_time_text: String::new() }
    }

    /// The answer to one event.
    pub(crate) fn one(mut self, receipt: &Receipt, replayed: bool) -> String {
        self.text.push('{');
        self.receipt(receipt, replayed);
        self.text.push('}');
        self.text
    }

    /// The answer to a batch.
    pub(crate) fn many(mut self, results: &[EventResult]) -> String {
        self.text.push('{');
        self.counts_and_results(results);
        self.text.push('}');
        self.text
    }

    /// The answer to a batch of which no event was stored: the problem, then the results.
    pub(crate) fn all_rejected(mut self, problem: &ApiProblem, results: &[EventResult]) -> String {
        let document = serde_json::to_string(&problem.document()).unwrap_or_default();
        self.text.push_str(document.strip_suffix('}').unwrap_or("{\"status\":422"));
        self.text.push(',');
        self.counts_and_results(results);
        self.text.push('}');
        self.text
    }

    fn counts_and_results(&mut self, results: &[EventResult]) {
        let tally = tally(results);
        // Writing to a String cannot fail.
        let _ = write!(
            self.text,
            "\"accepted\":{},\"replayed\":{},\"rejected\":{},\"results\":[",
            tally.accepted, tally.replayed, tally.rejected
        );
        for (index, result) in results.iter().enumerate() {
            if index > 0 {
                self.text.push(',');
            }
            self.text.push_str("{\"index\":");
            push_number(&mut self.text, index as u64);
            self.text.push_str(",\"status\":\"");
            self.result(result);
            self.text.push('}');
        }
        self.text.push(']');
    }

    fn result(&mut self, result: &EventResult) {
        match result {
            EventResult::Accepted(receipt) => {
                self.text.push_str("accepted\",");
                self.receipt(receipt, false);
            }
            EventResult::Replayed(receipt) => {
                self.text.push_str("replayed\",");
                self.receipt(receipt, true);
            }
            EventResult::Rejected(refusal) => {
                self.text.push_str("rejected\",");
                self.problem(&event_problem(refusal));
            }
        }
    }

    fn receipt(&mut self, receipt: &Receipt, replayed: bool) {
        let event = &receipt.event;
        self.notice_time(event.recorded_at());
        let text = &mut self.text;
        text.push_str("\"event_id\":\"");
        event.event_id().push_to(text);
        text.push_str("\",\"position\":");
        push_number(text, event.position().get());
        text.push_str(",\"stream_seq\":");
        push_number(text, event.stream_seq().get());
        text.push_str(",\"recorded_at\":\"");
        text.push_str(&self.last_time_text);
        text.push_str("\",\"event_hash\":");
        push_digest(text, event.event_hash());
        text.push_str(",\"prev_event_hash\":");
        match event.prev_event_hash() {
            Some(hash) => push_digest(text, hash),
            None => text.push_str("null"),
        }
        text.push_str(",\"durability\":\"");
        text.push_str(receipt.durability.as_str());
        text.push_str(if replayed { "\",\"replayed\":true" } else { "\",\"replayed\":false" });
        if replayed && receipt.is_redacted() {
            text.push_str(",\"redacted\":true");
        }
    }

    /// Events of one batch have mostly one time, so its text is kept.
    fn notice_time(&mut self, at: Timestamp) {
        if self.last_time != Some(at) {
            self.last_time = Some(at);
            self.last_time_text.clear();
            let _ = write!(self.last_time_text, "{at}");
        }
    }

    /// A problem without its status, whose name the result's own status has.
    fn problem(&mut self, problem: &ApiProblem) {
        let reason = problem.reason();
        let text = &mut self.text;
        let _ = write!(text, "\"type\":\"{}\",\"title\":", reason.type_uri());
        string_into(text, reason.title);
        text.push_str(",\"detail\":");
        string_into(text, problem.detail());
        let _ =
            write!(text, ",\"reason_code\":\"{}\",\"retryable\":{}", reason.code, reason.retryable);
        let details = serde_json::to_string(problem.details()).unwrap_or_else(|_| "{}".to_owned());
        text.push_str(",\"details\":");
        text.push_str(&details);
    }
}

fn tally(results: &[EventResult]) -> Tally {
    let mut tally = Tally::default();
    for result in results {
        match result {
            EventResult::Accepted(_) => tally.accepted += 1,
            EventResult::Replayed(_) => tally.replayed += 1,
            EventResult::Rejected(_) => tally.rejected += 1,
        }
    }
    tally
}

fn push_number(text: &mut String, number: u64) {
    let mut digits = [b'0'; 20];
    let (mut first, mut rest) = (digits.len(), number);
    while rest > 0 || first == digits.len() {
        first -= 1;
        let [low, ..] = (rest % 10).to_le_bytes();
        digits[first] = b'0' + low;
        rest /= 10;
    }
    text.push_str(std::str::from_utf8(&digits[first..]).unwrap_or_default());
}

fn push_digest(text: &mut String, digest: Digest) {
    text.push('"');
    text.push_str(std::str::from_utf8(&digest.to_hex()).unwrap_or_default());
    text.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_their_display() {
        for number in [0, 1, 9, 10, 99, 100, 12_345_678_901, u64::MAX] {
            let mut text = String::from("x");
            push_number(&mut text, number);
            assert_eq!(text, format!("x{number}"));
        }
    }
}
