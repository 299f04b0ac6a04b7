//! A row of `calls`: what one source says of one call of a tool or a model, or of what was used.
//!
//! Of a call of a tool there is one row whoever speaks of it. Of a call of a model each source has
//! its own, because what two say of it may not be added up; `reconcile` decides which row counts.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::Counts;
use crate::views::model::{CallStatus, Tokens};

/// What a row is about. The words are in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::views) enum CallKind {
    Tool,
    Model,
    /// A statement of what was used, apart from the call that used it.
    Report,
    /// A source's statement about the whole run; never counted.
    Total,
}

impl CallKind {
    pub(in crate::views) const fn as_str(self) -> &'static str {
        match self {
            Self::Tool => "tool",
            Self::Model => "model",
            Self::Report => "report",
            Self::Total => "total",
        }
    }

    /// Whether two sources may speak of the same thing.
    pub(in crate::views) const fn is_reconciled(self) -> bool {
        matches!(self, Self::Model | Self::Report)
    }
}

/// In which figures a row counts. The bits are in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::views) struct Parts(u8);

impl Parts {
    pub(in crate::views) const NONE: Self = Self(0);
    /// Among the run's calls.
    pub(in crate::views) const CALL: Self = Self(1);
    /// In the run's tokens, and in their computed cost.
    pub(in crate::views) const TOKENS: Self = Self(2);
    /// In the run's cost by the vendor's word.
    pub(in crate::views) const COST: Self = Self(4);
    /// The same three in its own source's figures.
    pub(in crate::views) const OWN_CALL: Self = Self(8);
    pub(in crate::views) const OWN_TOKENS: Self = Self(16);
    pub(in crate::views) const OWN_COST: Self = Self(32);
    pub(in crate::views) const ALL: Self = Self(63);

    pub(in crate::views) const fn has(self, part: Self) -> bool {
        self.0 & part.0 == part.0
    }

    pub(in crate::views) fn add(&mut self, part: Self) {
        self.0 |= part.0;
    }

    pub(in crate::views) const fn bits(self) -> u8 {
        self.0
    }

    pub(in crate::views) const fn from_bits(bits: u8) -> Self {
        Self(bits & Self::ALL.0)
    }
}

/// What tells a row from all others.
#[derive(Debug, Clone, Copy)]
pub(in crate::views) struct CallKey<'a> {
    pub(in crate::views) run: i64,
    pub(in crate::views) kind: CallKind,
    /// The source's name; empty for calls of tools.
    pub(in crate::views) source: &'a str,
    pub(in crate::views) call_id: &'a str,
}

/// A row of `calls`.
#[derive(Debug, Clone)]
pub(in crate::views) struct CallRow {
    pub(in crate::views) id: i64,
    is_stored: bool,
    pub(in crate::views) agent_id: String,
    pub(in crate::views) name: Option<String>,
    pub(in crate::views) title: Option<String>,
    pub(in crate::views) status: CallStatus,
    pub(in crate::views) started_us: Option<i64>,
    pub(in crate::views) ended_us: Option<i64>,
    pub(in crate::views) duration_ms: Option<i64>,
    pub(in crate::views) first_position: i64,
    pub(in crate::views) last_position: i64,
    pub(in crate::views) start_position: Option<i64>,
    pub(in crate::views) end_position: Option<i64>,
    pub(in crate::views) error: Option<String>,
    pub(in crate::views) request_id: Option<String>,
    pub(in crate::views) parts: Parts,
    /// The agent that its figures go to where another source's row names the call's agent.
    counted_agent: Option<String>,
    pub(in crate::views) tokens: Tokens,
    pub(in crate::views) vendor_cost: Option<i64>,
    pub(in crate::views) computed_cost: Option<i64>,
}

impl CallRow {
    pub(in crate::views) fn new(agent_id: &str, position: i64) -> Self {
        Self {
            id: position,
            is_stored: false,
            agent_id: agent_id.to_owned(),
            name: None,
            title: None,
            status: CallStatus::Open,
            started_us: None,
            ended_us: None,
            duration_ms: None,
            first_position: position,
            last_position: position,
            start_position: None,
            end_position: None,
            error: None,
            request_id: None,
            parts: Parts::ALL,
            counted_agent: None,
            tokens: Tokens::default(),
            vendor_cost: None,
            computed_cost: None,
        }
    }

    pub(in crate::views) fn load(
        db: &Connection,
        key: CallKey<'_>,
    ) -> rusqlite::Result<Option<Self>> {
        let sql = "SELECT id, agent_id, name, title, status, started_us, ended_us, duration_ms, \
             first_position, start_position, end_position, error, input_tokens, output_tokens, \
             cache_read_tokens, cache_write_tokens, vendor_cost, computed_cost, last_position, \
             request_id, parts, counted_agent \
             FROM calls WHERE run = ?1 AND kind = ?2 AND call_id = ?3 AND source = ?4";
        let CallKey { run, kind, source, call_id } = key;
        let params = params![run, kind.as_str(), call_id, source];
        db.prepare_cached(sql)?.query_row(params, Self::read).optional()
    }

    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let status: String = row.get(4)?;
        Ok(Self {
            id: row.get(0)?,
            is_stored: true,
            agent_id: row.get(1)?,
            name: row.get(2)?,
            title: row.get(3)?,
            status: CallStatus::from_word(&status).unwrap_or(CallStatus::Open),
            started_us: row.get(5)?,
            ended_us: row.get(6)?,
            duration_ms: row.get(7)?,
            first_position: row.get(8)?,
            start_position: row.get(9)?,
            end_position: row.get(10)?,
            error: row.get(11)?,
            tokens: Tokens {
                input: row.get(12)?,
                output: row.get(13)?,
                cache_read: row.get(14)?,
                cache_write: row.get(15)?,
            },
            vendor_cost: row.get(16)?,
            computed_cost: row.get(17)?,
            last_position: row.get(18)?,
            request_id: row.get(19)?,
            parts: Parts::from_bits(row.get(20)?),
            counted_agent: row.get(21)?,
        })
    }

    pub(in crate::views) fn save(&self, db: &Connection, key: CallKey<'_>) -> rusqlite::Result<()> {
        // A row that is there is changed in place, so that the order of ids stays.
        let sql = match self.is_stored {
            true => UPDATE_CALL,
            false => INSERT_CALL,
        };
        let CallKey { run, kind, source, call_id } = key;
        db.prepare_cached(sql)?.execute(params![
            self.id,
            run,
            kind.as_str(),
            call_id,
            self.agent_id,
            self.name,
            self.title,
            self.status.as_str(),
            self.started_us,
            self.ended_us,
            self.duration_ms,
            self.first_position,
            self.start_position,
            self.end_position,
            self.error,
            source,
            self.tokens.input,
            self.tokens.output,
            self.tokens.cache_read,
            self.tokens.cache_write,
            self.vendor_cost,
            self.computed_cost,
            self.last_position,
            self.request_id,
            self.parts.bits(),
            // Whoever changes a call states it anew, and the newest statement counts.
            kind.is_reconciled(),
        ])?;
        Ok(())
    }

    /// The agent that its figures go to; empty when to none.
    pub(in crate::views) fn counted_agent(&self) -> &str {
        self.counted_agent.as_deref().unwrap_or(&self.agent_id)
    }

    /// What this row adds to the totals.
    pub(in crate::views) fn counts(&self, kind: CallKind) -> Counts {
        let is = |status| i64::from(self.status == status);
        match kind {
            CallKind::Tool => Counts {
                tool_calls: 1,
                tool_errors: is(CallStatus::Error),
                tool_open: is(CallStatus::Open),
                ..Counts::default()
            },
            CallKind::Model | CallKind::Report => {
                let is_call = kind == CallKind::Model && self.parts.has(Parts::CALL);
                Stated {
                    status: self.status,
                    tokens: self.tokens,
                    vendor_cost: self.vendor_cost,
                    computed_cost: self.computed_cost,
                }
                .counts(is_call, self.parts)
            }
            CallKind::Total => Counts::default(),
        }
    }
}

/// The figures of a row.
#[derive(Debug, Clone, Copy)]
pub(in crate::views) struct Stated {
    pub(in crate::views) status: CallStatus,
    pub(in crate::views) tokens: Tokens,
    pub(in crate::views) vendor_cost: Option<i64>,
    pub(in crate::views) computed_cost: Option<i64>,
}

impl Stated {
    /// Those of them that count.
    pub(in crate::views) fn counts(&self, is_call: bool, parts: Parts) -> Counts {
        let tokens = parts.has(Parts::TOKENS);
        let computed = self.computed_cost.filter(|_| tokens);
        let vendor = self.vendor_cost.filter(|_| parts.has(Parts::COST));
        Counts {
            model_calls: i64::from(is_call),
            model_errors: i64::from(is_call && self.status == CallStatus::Error),
            tokens: if tokens { self.tokens } else { Tokens::default() },
            priced_calls: i64::from(computed.is_some()),
            computed_cost: computed.unwrap_or(0),
            stated_calls: i64::from(vendor.is_some()),
            stated_cost: vendor.unwrap_or(0),
            ..Counts::default()
        }
    }
}

/// Columns and parameters of both are the same, so that one list of values serves.
const INSERT_CALL: &str = "INSERT INTO calls (id, run, kind, call_id, agent_id, name, title, \
    status, started_us, ended_us, duration_ms, first_position, start_position, end_position, error, \
    source, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, vendor_cost, \
    computed_cost, last_position, request_id, parts, is_counted) VALUES (?1, ?2, ?3, ?4, ?5, ?6, \
    ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26)";
const UPDATE_CALL: &str = "UPDATE calls SET run = ?2, kind = ?3, call_id = ?4, agent_id = ?5, \
    name = ?6, title = ?7, status = ?8, started_us = ?9, ended_us = ?10, duration_ms = ?11, \
    first_position = ?12, start_position = ?13, end_position = ?14, error = ?15, source = ?16, \
    input_tokens = ?17, output_tokens = ?18, cache_read_tokens = ?19, cache_write_tokens = ?20, \
    vendor_cost = ?21, computed_cost = ?22, last_position = ?23, request_id = ?24, parts = ?25, \
    is_counted = ?26 \
    WHERE id = ?1";
