//! What models were used for: in groups, and who tells of it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{CostMicros, Tokens};

/// What a statement of usage is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum UsageScope {
    /// Single calls of models.
    Calls,
    /// What was used, apart from the calls that used it.
    Reports,
    /// The whole run. It is held against the others, and added to nothing.
    Run,
}

/// What one source tells of a run's usage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct UsageSource {
    /// The dialect that it came in by, or `native`.
    pub source: String,
    /// What its statements are about.
    pub scope: UsageScope,
    /// Calls that it tells of, each once.
    pub model_calls: u64,
    /// Calls of which its statement is the one that counts.
    pub model_calls_counted: u64,
    /// Its tokens; null where it says nothing of any.
    pub tokens: Option<Tokens>,
    /// Its cost: by the vendor's word as it gives it, and by the price table from its tokens.
    pub cost_micros: CostMicros,
    /// Statements whose model has no known price; the computed cost lacks them.
    pub unpriced_calls: u64,
    /// Whether tokens of the run are from it.
    pub counted: bool,
    /// Whether the run's cost by the vendor's word is from it.
    pub cost_counted: bool,
}

/// Tokens by kind, more (positive) or fewer (negative).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokensDifference {
    /// Read by the model, neither from nor into a cache.
    pub input: i64,
    /// Written by the model.
    pub output: i64,
    /// Read from a cache.
    pub cache_read: i64,
    /// Written into a cache.
    pub cache_write: i64,
}

/// By how much a source says more than is counted (positive), or less (negative).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct UsageDifference {
    /// The source.
    pub source: String,
    /// What its statements are about.
    pub scope: UsageScope,
    /// Tokens; null where it says nothing of any, or all of them count.
    pub tokens: Option<TokensDifference>,
    /// Cost; null where it or the run has none, or all of it counts.
    pub cost_micros: CostMicros,
}

/// The prices that costs are computed by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PriceTableInfo {
    /// The table's version.
    pub version: String,
    /// The date of its prices.
    pub as_of: String,
}

/// Usage of one group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct UsageRow {
    /// The run, agent, model or day; null where nobody named it.
    pub key: Option<String>,
    /// Model calls.
    pub model_calls: u64,
    /// Tokens.
    pub tokens: Tokens,
    /// Cost.
    pub cost_micros: CostMicros,
    /// Calls whose model has no known price; the computed cost lacks them.
    pub unpriced_calls: u64,
}

/// Usage in groups.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct UsageAnswer {
    /// The groups.
    pub rows: Vec<UsageRow>,
    /// The position that the answer reflects.
    pub as_of: u64,
    /// Whether the views are being rebuilt.
    pub stale: bool,
}
