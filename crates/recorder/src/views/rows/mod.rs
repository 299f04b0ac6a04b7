//! The rows that a fold changes: read on first touch, written once at the end of a batch.
//!
//! INVARIANT (ids are places): a row's id comes from the position of the event that made it, so that
//! the order of ids does not depend on when or how often the log was folded.

mod agent;
mod call;
mod run;

use rusqlite::Row;

use super::model::Tokens;

pub(in crate::views) use agent::{AgentPart, AgentRow};
pub(in crate::views) use call::{CallKey, CallKind, CallRow, Parts, Stated};
pub(in crate::views) use run::RunRow;

/// Totals over calls, kept on a run and on each agent's part in it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::views) struct Counts {
    pub(in crate::views) model_calls: i64,
    pub(in crate::views) model_errors: i64,
    pub(in crate::views) tool_calls: i64,
    pub(in crate::views) tool_errors: i64,
    pub(in crate::views) tool_open: i64,
    pub(in crate::views) tokens: Tokens,
    pub(in crate::views) priced_calls: i64,
    pub(in crate::views) computed_cost: i64,
    pub(in crate::views) stated_calls: i64,
    pub(in crate::views) stated_cost: i64,
}

impl Counts {
    /// Takes one call's part out and puts its newer one in.
    pub(in crate::views) fn replace(&mut self, old: &Self, new: &Self) {
        let swap = |sum: &mut i64, old: i64, new: i64| {
            *sum = sum.saturating_add(new.saturating_sub(old));
        };
        swap(&mut self.model_calls, old.model_calls, new.model_calls);
        swap(&mut self.model_errors, old.model_errors, new.model_errors);
        swap(&mut self.tool_calls, old.tool_calls, new.tool_calls);
        swap(&mut self.tool_errors, old.tool_errors, new.tool_errors);
        swap(&mut self.tool_open, old.tool_open, new.tool_open);
        swap(&mut self.tokens.input, old.tokens.input, new.tokens.input);
        swap(&mut self.tokens.output, old.tokens.output, new.tokens.output);
        swap(&mut self.tokens.cache_read, old.tokens.cache_read, new.tokens.cache_read);
        swap(&mut self.tokens.cache_write, old.tokens.cache_write, new.tokens.cache_write);
        swap(&mut self.priced_calls, old.priced_calls, new.priced_calls);
        swap(&mut self.computed_cost, old.computed_cost, new.computed_cost);
        swap(&mut self.stated_calls, old.stated_calls, new.stated_calls);
        swap(&mut self.stated_cost, old.stated_cost, new.stated_cost);
    }

    /// Reads the thirteen columns that start at `first`.
    pub(in crate::views) fn read(row: &Row<'_>, first: usize) -> rusqlite::Result<Self> {
        Ok(Self {
            model_calls: row.get(first)?,
            model_errors: row.get(first + 1)?,
            tool_calls: row.get(first + 2)?,
            tool_errors: row.get(first + 3)?,
            tool_open: row.get(first + 4)?,
            tokens: Tokens {
                input: row.get(first + 5)?,
                output: row.get(first + 6)?,
                cache_read: row.get(first + 7)?,
                cache_write: row.get(first + 8)?,
            },
            priced_calls: row.get(first + 9)?,
            computed_cost: row.get(first + 10)?,
            stated_calls: row.get(first + 11)?,
            stated_cost: row.get(first + 12)?,
        })
    }
}

/// The columns of [`Counts`], in its order.
macro_rules! count_columns {
    () => {
        "model_calls, model_errors, tool_calls, tool_errors, tool_open, input_tokens, \
         output_tokens, cache_read_tokens, cache_write_tokens, priced_calls, computed_cost, \
         stated_calls, stated_cost"
    };
}
pub(in crate::views) use count_columns;

/// When something began and was last heard of.
///
/// Imported events that do not say when they happened carry the time of the import; such a time
/// stands only until an event says better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::views) struct Extent {
    pub(in crate::views) first_us: i64,
    pub(in crate::views) last_us: i64,
    pub(in crate::views) is_assumed: bool,
}

impl Extent {
    pub(in crate::views) const fn new(moment: Moment) -> Self {
        Self { first_us: moment.at_us, last_us: moment.at_us, is_assumed: moment.is_assumed }
    }

    pub(in crate::views) fn include(&mut self, moment: Moment) {
        match (self.is_assumed, moment.is_assumed) {
            (true, false) => *self = Self::new(moment),
            (false, true) => {}
            (true, true) | (false, false) => {
                self.first_us = self.first_us.min(moment.at_us);
                self.last_us = self.last_us.max(moment.at_us);
            }
        }
    }
}

/// When an event happened, as far as is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::views) struct Moment {
    pub(in crate::views) at_us: i64,
    pub(in crate::views) is_assumed: bool,
}
