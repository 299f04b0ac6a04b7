//! What an event says of tokens and money.

use std::borrow::Cow;

use annals_core::json::{as_str, as_u64, member};
use annals_core::price::TokenUsage;

use super::super::fact::{Fact, replace_text};
use super::super::model::{CallStatus, Tokens};
use super::super::rows::{CallKind, CallRow};
use super::calls::note_request;
use super::{Fold, Result};

/// More tokens than any statement is of; a greater number is no count. Sums of so many fit.
const TOKENS_MAX: u64 = 1_000_000_000_000;
/// More micro-dollars than any statement is of, likewise.
const MICROS_MAX: u64 = 10_000_000_000_000;
/// The call id of the one row that a source has for the whole run.
const WHOLE_RUN: &str = "run";

impl Fold<'_> {
    /// Takes in tokens and the vendor's cost of a row, and computes what they cost by the table.
    pub(super) fn price(&self, row: &mut CallRow, fact: &Fact<'_>) {
        row.vendor_cost = micros(fact).or(row.vendor_cost);
        let Some(usage) = fact.member("usage").map(token_usage) else { return };
        row.tokens = tokens(&usage);
        row.computed_cost =
            row.name.as_deref().and_then(|model| self.prices.cost_micros(model, &usage));
    }

    /// A vendor or tool states what was used: of a whole run, or of a part of it. Statements about
    /// parts are of one source's calls too, if names say so; else they add up.
    pub(super) fn report_usage(&mut self, fact: &Fact<'_>) -> Result<()> {
        if matches!(fact.plain("scope").as_deref(), Some("run" | "session")) {
            return self.state_total(fact);
        }
        if micros(fact).is_none() && fact.member("usage").is_none() {
            return Ok(());
        }
        let named = ["model_call_id", "usage_id", "request_id"];
        let call_id = named.iter().find_map(|name| fact.plain(name));
        let call_id = call_id.unwrap_or_else(|| Cow::Owned(format!("#{}", fact.position)));
        self.change(fact, CallKind::Report, &call_id, |fold, row| {
            row.status = CallStatus::Ok;
            row.started_us = Some(fact.moment.at_us);
            row.ended_us = row.started_us;
            row.start_position = Some(fact.position);
            row.end_position = row.start_position;
            replace_text(&mut row.name, fact.plain("model").as_deref());
            note_request(row, fact);
            fold.price(row, fact);
        })
    }

    /// A source states what a whole run used and cost. The highest statement stands, because such
    /// totals only rise. It is held against what the calls add up to, and added to nothing.
    pub(super) fn state_total(&mut self, fact: &Fact<'_>) -> Result<()> {
        let (cost, usage) = (micros(fact), fact.member("usage").map(token_usage));
        if cost.is_none() && usage.is_none() {
            return Ok(());
        }
        let row = &mut self.run_in_hand(fact).row;
        row.vendor_cost = row.vendor_cost.max(cost);
        self.change(fact, CallKind::Total, WHOLE_RUN, |_, row| {
            row.status = CallStatus::Ok;
            row.vendor_cost = row.vendor_cost.max(cost);
            let (old, new) = (row.tokens, tokens(&usage.unwrap_or_default()));
            row.tokens = Tokens {
                input: old.input.max(new.input),
                output: old.output.max(new.output),
                cache_read: old.cache_read.max(new.cache_read),
                cache_write: old.cache_write.max(new.cache_write),
            };
        })
    }
}

fn micros(fact: &Fact<'_>) -> Option<i64> {
    let micros = fact.member("cost_micros").and_then(whole_number)?;
    if micros > MICROS_MAX { None } else { i64::try_from(micros).ok() }
}

/// A count that is a number, or a number in a string as some write what doubles cannot hold.
fn whole_number(json: &str) -> Option<u64> {
    as_u64(json).or_else(|| as_str(json)?.parse().ok())
}

/// Tokens of a `usage` object. A count that is absent, or no count, is 0.
fn token_usage(usage: &str) -> TokenUsage {
    let count = |usage: &str, name| {
        let count = member(usage, name).and_then(whole_number);
        count.filter(|count| *count <= TOKENS_MAX).unwrap_or(0)
    };
    TokenUsage {
        input: count(usage, "input_tokens"),
        output: count(usage, "output_tokens"),
        cache_read: count(usage, "cache_read_tokens"),
        cache_write: count(usage, "cache_write_tokens"),
        cache_write_1h: member(usage, "cache_creation")
            .map_or(0, |parts| count(parts, "ephemeral_1h_input_tokens")),
    }
}

fn tokens(usage: &TokenUsage) -> Tokens {
    let count = |tokens: u64| i64::try_from(tokens).unwrap_or(i64::MAX);
    Tokens {
        input: count(usage.input),
        output: count(usage.output),
        cache_read: count(usage.cache_read),
        cache_write: count(usage.cache_write),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_read_from_numbers_and_from_texts_and_impossible_ones_are_none() {
        let usage = r#"{"input_tokens":"12","output_tokens":18446744073709551615,"cache_read_tokens":-1,"cache_creation":{"ephemeral_1h_input_tokens":3}}"#;
        let read = token_usage(usage);
        assert_eq!((read.input, read.output, read.cache_read), (12, 0, 0));
        assert_eq!(read.cache_write_1h, 3);
    }
}
