//! What model calls cost by public list prices, from `catalog/prices.yaml`.
//!
//! Money is integer micro-dollars, rounded once a call; prices are integer pico-dollars a token.
//! It knows nothing of discounts, subscriptions or what a vendor says a call cost: a vendor's own
//! figure is kept apart. INVARIANT (unknown is not zero): a model without a price has no cost.

use std::collections::HashMap;

use serde::Deserialize;

use crate::json::{as_u64, member};

const PRICES_YAML: &str = include_str!("../../../catalog/prices.yaml");
const PICO_PER_MICRO: u128 = 1_000_000;

/// Tokens of one model call. The four kinds do not overlap, as Anthropic counts them:
/// `input` excludes what was read from or written to a cache.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TokenUsage {
    /// Prompt tokens that came from no cache.
    pub input: u64,
    /// Generated tokens, thinking included.
    pub output: u64,
    /// Prompt tokens read from a cache.
    pub cache_read: u64,
    /// Prompt tokens written to a cache.
    pub cache_write: u64,
    /// The part of `cache_write` that is kept for an hour instead of minutes.
    pub cache_write_1h: u64,
}

impl TokenUsage {
    /// Reads the `usage` object of a `model.completed` event, given as compact JSON text.
    /// A count that is absent or no count is 0.
    #[must_use]
    pub fn from_json(usage: &str) -> Self {
        let count = |name| member(usage, name).and_then(as_u64).unwrap_or(0);
        Self {
            input: count("input_tokens"),
            output: count("output_tokens"),
            cache_read: count("cache_read_tokens"),
            cache_write: count("cache_write_tokens"),
            cache_write_1h: member(usage, "cache_creation")
                .and_then(|parts| member(parts, "ephemeral_1h_input_tokens"))
                .and_then(as_u64)
                .unwrap_or(0),
        }
    }

    /// Tokens of the whole prompt.
    #[must_use]
    pub const fn prompt(&self) -> u64 {
        self.input.saturating_add(self.cache_read).saturating_add(self.cache_write)
    }
}

/// Why a price table is refused.
#[derive(Debug, thiserror::Error)]
pub enum PriceTableError {
    /// The text is not YAML of the right shape.
    #[error("the price table cannot be read: {0}")]
    Syntax(String),
    /// Two entries name one model.
    #[error("the price table names {model} twice")]
    Duplicate {
        /// The model, normalised.
        model: String,
    },
}

/// Prices of one model in pico-dollars a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct TokenPrices {
    /// A prompt token from no cache.
    pub input: u64,
    /// A generated token.
    pub output: u64,
    /// A prompt token from a cache; absent: as `input`.
    #[serde(default)]
    pub cache_read: Option<u64>,
    /// A prompt token written to a cache; absent: as `input`.
    #[serde(default)]
    pub cache_write: Option<u64>,
    /// A prompt token written to a cache for an hour; absent: as `cache_write`.
    #[serde(default)]
    pub cache_write_1h: Option<u64>,
}

impl TokenPrices {
    fn picos(&self, usage: &TokenUsage) -> u128 {
        let cache_write = self.cache_write.unwrap_or(self.input);
        let hour_tokens = usage.cache_write_1h.min(usage.cache_write);
        let parts = [
            (usage.input, self.input),
            (usage.output, self.output),
            (usage.cache_read, self.cache_read.unwrap_or(self.input)),
            (usage.cache_write - hour_tokens, cache_write),
            (hour_tokens, self.cache_write_1h.unwrap_or(cache_write)),
        ];
        // Five products of two u64 can pass u128 only with prices that no table holds.
        parts.iter().fold(0_u128, |sum, (tokens, price)| {
            sum.saturating_add(u128::from(*tokens) * u128::from(*price))
        })
    }
}

#[derive(Debug, Clone, Deserialize)]
struct LargePrompt {
    prompt_tokens: u64,
    #[serde(flatten)]
    prices: TokenPrices,
}

#[derive(Debug, Clone, Deserialize)]
struct Entry {
    models: Vec<String>,
    #[serde(flatten)]
    prices: TokenPrices,
    #[serde(default)]
    above: Option<LargePrompt>,
}

#[derive(Debug, Deserialize)]
struct Document {
    version: String,
    as_of: String,
    prices: Vec<Entry>,
}

/// Prices by model name.
#[derive(Debug, Clone)]
pub struct PriceTable {
    version: String,
    as_of: String,
    entries: Vec<Entry>,
    entry_of_model: HashMap<String, usize>,
}

impl PriceTable {
    /// The table that ships with Annals.
    #[must_use]
    pub fn builtin() -> Self {
        // A test reads the embedded table, so the empty one is never seen; it prices nothing.
        Self::parse(PRICES_YAML).unwrap_or_else(|_| Self {
            version: String::new(),
            as_of: String::new(),
            entries: Vec::new(),
            entry_of_model: HashMap::new(),
        })
    }

    /// Reads a table in the form of `catalog/prices.yaml`.
    ///
    /// # Errors
    /// Says what is wrong with the text, or which model it names twice.
    pub fn parse(yaml: &str) -> Result<Self, PriceTableError> {
        let document: Document = serde_saphyr::from_str(yaml)
            .map_err(|error| PriceTableError::Syntax(error.to_string()))?;
        let mut entry_of_model = HashMap::new();
        for (index, entry) in document.prices.iter().enumerate() {
            for model in &entry.models {
                let model = normalised(model);
                if entry_of_model.insert(model.clone(), index).is_some() {
                    return Err(PriceTableError::Duplicate { model });
                }
            }
        }
        Ok(Self {
            version: document.version,
            as_of: document.as_of,
            entries: document.prices,
            entry_of_model,
        })
    }

    /// The table's version, to be kept beside every figure computed by it.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The date of the prices, such as `2026-09-01`.
    #[must_use]
    pub fn as_of(&self) -> &str {
        &self.as_of
    }

    /// The prices of a model for a prompt of this size, in pico-dollars a token.
    #[must_use]
    pub fn prices(&self, model: &str, prompt_tokens: u64) -> Option<TokenPrices> {
        let entry = self.entry(&normalised(model))?;
        match &entry.above {
            Some(large) if prompt_tokens > large.prompt_tokens => Some(large.prices),
            _ => Some(entry.prices),
        }
    }

    /// What one call costs in micro-dollars, rounded half up once; `None` where the price is unknown.
    #[must_use]
    pub fn cost_micros(&self, model: &str, usage: &TokenUsage) -> Option<i64> {
        let picos = self.prices(model, usage.prompt())?.picos(usage);
        i64::try_from(picos.saturating_add(PICO_PER_MICRO / 2) / PICO_PER_MICRO).ok()
    }

    /// The entry that a normalised name is in, or the longest head of it whose tail says nothing about the price.
    fn entry(&self, model: &str) -> Option<&Entry> {
        let heads = model.rmatch_indices('-').map(|(at, _)| (&model[..at], &model[at + 1..]));
        std::iter::once((model, ""))
            .chain(heads)
            .find_map(|(head, tail)| self.entry_of_model.get(head).map(|index| (*index, tail)))
            .filter(|(_, tail)| is_alias_tail(tail))
            .and_then(|(index, _)| self.entries.get(index))
    }
}

/// Brings a vendor's, router's or cloud's spelling of a model's name to one form: lower case,
/// the path before the name cut, `.` and `@` as `-`, no context-size mark such as `[1m]`.
fn normalised(model: &str) -> String {
    let name = model.rsplit('/').next().unwrap_or(model).to_ascii_lowercase();
    let name = name.strip_suffix("[1m]").unwrap_or(&name);
    // Bedrock writes `us.anthropic.claude-…`.
    let name = name.rsplit_once("anthropic.").map_or(name, |(_, tail)| tail);
    name.replace(['.', '@'], "-")
}

/// Whether the rest of a name is a date or an alias, and so the price is that of the head.
fn is_alias_tail(tail: &str) -> bool {
    let is_number = |part: &str, digit_count: usize| {
        part.len() == digit_count && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    let mut parts = tail.split('-').filter(|part| !part.is_empty()).peekable();
    while let Some(part) = parts.next() {
        let is_alias = matches!(
            part,
            "latest"
                | "preview"
                | "exp"
                | "thinking"
                | "think"
                | "default"
                | "v1"
                | "v1:0"
                | "v2"
                | "v2:0"
        );
        let is_year = is_number(part, 4);
        if is_year || matches!(part, "preview" | "exp") {
            let day_part_count = if is_year {
                2
            } else {
                usize::from(parts.peek().is_some_and(|part| is_number(part, 2))) * 2
            };
            if !(0..day_part_count).all(|_| parts.next().is_some_and(|part| is_number(part, 2))) {
                return false;
            }
        } else if !is_alias && !is_number(part, 8) && !is_number(part, 3) {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn million(input: u64, output: u64, cache_read: u64, cache_write: u64) -> TokenUsage {
        TokenUsage { input, output, cache_read, cache_write, cache_write_1h: 0 }
    }

    #[test]
    fn the_shipped_table_reads_and_is_dated() {
        let table = PriceTable::parse(PRICES_YAML).unwrap();
        assert_eq!((table.version(), table.as_of()), ("2026-09", "2026-09-01"));
        assert!(PriceTable::builtin().prices("claude-sonnet-4-5", 0).is_some());
    }

    #[test]
    fn prices_a_call_to_the_micro_dollar() {
        let table = PriceTable::builtin();
        let usage = million(137, 27_303, 2_696_190, 85_410);
        // Above 200,000 prompt tokens the whole call has the higher price; Opus 4.5 has one price.
        assert_eq!(table.cost_micros("claude-opus-4-5-20251101", &usage), Some(2_565_168));
        assert_eq!(
            table.cost_micros("claude-haiku-4-5-20251001", &million(12_530, 787, 0, 9_996)),
            Some(28_960)
        );
        assert_eq!(
            table.cost_micros("claude-sonnet-4-5-20250929", &million(3, 516, 0, 30_023)),
            Some(120_335)
        );
        assert_eq!(
            table.cost_micros("claude-sonnet-4-5", &million(200_001, 0, 0, 0)),
            Some(1_200_006)
        );
        assert_eq!(
            table.cost_micros("claude-sonnet-4-5", &million(200_000, 0, 0, 0)),
            Some(600_000)
        );
    }

    #[test]
    fn rounds_once_and_half_up() {
        let table = PriceTable::builtin();
        assert_eq!(table.cost_micros("gpt-5-nano", &million(10, 0, 0, 0)), Some(1));
        assert_eq!(table.cost_micros("gpt-5-nano", &million(9, 0, 0, 0)), Some(0));
        assert_eq!(table.cost_micros("gpt-5-nano", &million(9, 1, 0, 0)), Some(1));
    }

    #[test]
    fn an_hour_in_the_cache_costs_more() {
        let table = PriceTable::builtin();
        let usage =
            TokenUsage { cache_write: 1_000_000, cache_write_1h: 400_000, ..TokenUsage::default() };
        assert_eq!(table.cost_micros("claude-opus-4-5", &usage), Some(3_750_000 + 4_000_000));
    }

    #[test]
    fn other_spellings_of_a_name_have_its_price() {
        let table = PriceTable::builtin();
        for (spelling, model) in [
            ("anthropic/claude-opus-4.5", "claude-opus-4-5"),
            ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "claude-sonnet-4-5"),
            ("claude-opus-4-6@default", "claude-opus-4-6"),
            ("claude-sonnet-4-20250514", "claude-sonnet-4"),
            ("claude-opus-4-8[1m]", "claude-opus-4-8"),
            ("gpt-5.4-2026-03-05", "gpt-5-4"),
            ("gpt-4o-2024-08-06", "gpt-4o"),
            ("models/gemini-2.5-pro-preview-05-06", "gemini-2-5-pro"),
            ("gemini-2.0-flash-001", "gemini-2-0-flash"),
        ] {
            assert!(table.prices(model, 0).is_some(), "{model}");
            assert_eq!(table.prices(spelling, 0), table.prices(model, 0), "{spelling}");
        }
    }

    #[test]
    fn an_unknown_model_has_no_price_and_a_synthetic_message_costs_nothing() {
        let table = PriceTable::builtin();
        let usage = million(1_000, 1_000, 0, 0);
        for unknown in [
            "",
            "claude",
            "claude-opus-4-9",
            "claude-opus-4-8-fast",
            "gpt-5.4-ultra",
            "gpt-5-2026",
            "llama-4",
        ] {
            assert_eq!(table.cost_micros(unknown, &usage), None, "{unknown}");
        }
        assert_eq!(table.cost_micros("<synthetic>", &usage), Some(0));
    }

    #[test]
    fn refuses_a_table_that_names_a_model_twice() {
        let yaml =
            "version: a\nas_of: b\nprices:\n  - models: [m-1, m.1]\n    input: 1\n    output: 1\n";
        assert!(matches!(PriceTable::parse(yaml), Err(PriceTableError::Duplicate { .. })));
        assert!(matches!(PriceTable::parse("version: 1"), Err(PriceTableError::Syntax(_))));
    }
}
