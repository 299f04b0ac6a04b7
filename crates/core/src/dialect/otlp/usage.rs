//! Tokens and money, whichever way a program counts them, in the one normal form of Annals.
//!
//! The normal form is `data.usage`: `input_tokens` are those that came from no cache,
//! `cache_read_tokens` and `cache_write_tokens` stand beside them, `reasoning_tokens` are a part of
//! `output_tokens`. Who counts the cache into the input is a matter of the source, so each source
//! has a line here.
//! INVARIANT (nothing repaired in silence): what contradicts itself is taken as it stands where it can
//! be, and said; the stated figures are kept with the item.

use super::value::as_text;
use crate::dialect::transcripts::money::dollars_to_micros;
use crate::dialect::translation::parts::Parts;
use crate::json::as_u64;

/// Whether a source counts what came from a cache, or went to it, as input too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cache {
    /// The input has it: the GenAI conventions, OpenInference, Codex.
    Within,
    /// It stands beside the input: Anthropic's own attributes.
    Beside,
}

/// Where a source says what was used. Several names: the first that is there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Names {
    cache: Cache,
    input: &'static [&'static str],
    output: &'static [&'static str],
    cache_read: &'static [&'static str],
    cache_write: &'static [&'static str],
    reasoning: &'static [&'static str],
    total: &'static [&'static str],
}

/// The GenAI conventions, and what came before them.
pub(super) const GEN_AI: Names = Names {
    cache: Cache::Within,
    input: &["gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens"],
    output: &["gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens"],
    cache_read: &["gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cache_read_input_tokens"],
    cache_write: &[
        "gen_ai.usage.cache_write.input_tokens",
        "gen_ai.usage.cache_creation.input_tokens",
        "gen_ai.usage.cache_creation_input_tokens",
    ],
    reasoning: &["gen_ai.usage.reasoning.output_tokens", "gen_ai.usage.reasoning_tokens"],
    total: &["gen_ai.usage.total_tokens", "llm.usage.total_tokens"],
};

/// OpenInference.
pub(super) const OPENINFERENCE: Names = Names {
    cache: Cache::Within,
    input: &["llm.token_count.prompt"],
    output: &["llm.token_count.completion"],
    cache_read: &["llm.token_count.prompt_details.cache_read"],
    cache_write: &["llm.token_count.prompt_details.cache_write"],
    reasoning: &["llm.token_count.completion_details.reasoning"],
    total: &["llm.token_count.total"],
};

/// Claude Code's events and spans, which are Anthropic's own count.
pub(super) const ANTHROPIC: Names = Names {
    cache: Cache::Beside,
    input: &["input_tokens"],
    output: &["output_tokens"],
    cache_read: &["cache_read_tokens", "cache_read_input_tokens"],
    cache_write: &["cache_creation_tokens", "cache_creation_input_tokens"],
    reasoning: &[],
    total: &[],
};

/// Codex's events.
pub(super) const CODEX: Names = Names {
    cache: Cache::Within,
    input: &["input_token_count"],
    output: &["output_token_count"],
    cache_read: &["cached_token_count"],
    cache_write: &[],
    reasoning: &["reasoning_token_count"],
    total: &[],
};

/// What an item says was used, in the normal form.
#[derive(Debug, Default)]
pub(super) struct Used {
    /// The object for `data.usage`; none when the item says nothing.
    pub(super) usage: Option<String>,
    /// Where its figures contradict each other, in words.
    pub(super) contradictions: Vec<String>,
}

#[derive(Debug, Clone, Copy)]
struct Counts {
    input: Option<u64>,
    output: Option<u64>,
    cache_read: Option<u64>,
    cache_write: Option<u64>,
    reasoning: Option<u64>,
    total: Option<u64>,
}

/// Takes the counts out of an item's attributes. What is no count stays where it is.
pub(super) fn take(attributes: &mut Parts<'_>, names: &Names) -> Used {
    let mut take = |names: &[&str]| {
        let found = names.iter().find_map(|name| {
            let value = attributes.get(name).map(|value| as_text(&value))?;
            Some((*name, as_u64(&value)?))
        });
        found.map(|(name, count)| {
            attributes.take(name);
            count
        })
    };
    let counts = Counts {
        input: take(names.input),
        output: take(names.output),
        cache_read: take(names.cache_read),
        cache_write: take(names.cache_write),
        reasoning: take(names.reasoning),
        total: take(names.total),
    };
    normal(counts, names.cache)
}

fn normal(counts: Counts, cache: Cache) -> Used {
    let mut contradictions = Vec::new();
    let cached = counts.cache_read.unwrap_or(0).saturating_add(counts.cache_write.unwrap_or(0));
    let input = counts.input.map(|input| match (cache, input.checked_sub(cached)) {
        (Cache::Beside, _) => input,
        (Cache::Within, Some(uncached)) => uncached,
        (Cache::Within, None) => {
            contradictions.push(format!(
                "the input of {input} tokens cannot contain the {cached} of the cache; it is taken as the uncached part"
            ));
            input
        }
    });
    if let (Some(input), Some(output), Some(total)) = (counts.input, counts.output, counts.total)
        && input.checked_add(output) != Some(total)
    {
        contradictions.push(format!(
            "the total of {total} tokens is not the sum of {input} input and {output} output"
        ));
    }
    if let (Some(reasoning), Some(output)) = (counts.reasoning, counts.output)
        && reasoning > output
    {
        contradictions
            .push(format!("{reasoning} tokens of reasoning cannot be a part of {output} output"));
    }
    let members = [
        ("input_tokens", input),
        ("output_tokens", counts.output),
        ("cache_read_tokens", counts.cache_read),
        ("cache_write_tokens", counts.cache_write),
        ("reasoning_tokens", counts.reasoning),
        ("total_tokens_stated", counts.total),
    ];
    let members: Vec<String> = members
        .iter()
        .filter_map(|(name, count)| count.map(|count| format!("\"{name}\":{count}")))
        .collect();
    let usage = (!members.is_empty()).then(|| format!("{{{}}}", members.join(",")));
    Used { usage, contradictions }
}

/// What a call cost by the program's own word, in micro-dollars: an integer of those, or dollars.
pub(super) fn take_cost(attributes: &mut Parts<'_>) -> Option<i64> {
    for name in ["cost_usd_micros", "cost_usd", "llm.cost.total", "operation.cost"] {
        let Some(text) = attributes.get(name).map(|value| as_text(&value)) else { continue };
        let micros = match name {
            "cost_usd_micros" => text.parse::<i64>().ok().filter(|micros| *micros >= 0),
            _ => dollars_to_micros(&text),
        };
        if micros.is_some() {
            attributes.take(name);
            return micros;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(attributes: &str, names: &Names, usage: &str, contradiction: Option<&str>) {
        let used = take(&mut Parts::of(attributes), names);
        assert_eq!(used.usage.as_deref(), Some(usage), "{attributes}");
        let told = used.contradictions.first();
        match contradiction {
            Some(part) => assert!(told.is_some_and(|told| told.contains(part)), "{told:?}"),
            None => assert_eq!(told, None),
        }
    }

    #[test]
    fn the_conventions_count_the_cache_as_input_and_it_is_counted_once() {
        check(
            r#"{"gen_ai.usage.input_tokens":1000,"gen_ai.usage.cache_read.input_tokens":800,"gen_ai.usage.cache_creation.input_tokens":50,"gen_ai.usage.output_tokens":20}"#,
            &GEN_AI,
            r#"{"input_tokens":150,"output_tokens":20,"cache_read_tokens":800,"cache_write_tokens":50}"#,
            None,
        );
    }

    #[test]
    fn anthropic_counts_the_cache_beside_the_input_and_it_is_counted_once() {
        check(
            r#"{"input_tokens":"150","cache_read_tokens":"800","cache_creation_tokens":"50","output_tokens":"20"}"#,
            &ANTHROPIC,
            r#"{"input_tokens":150,"output_tokens":20,"cache_read_tokens":800,"cache_write_tokens":50}"#,
            None,
        );
    }

    #[test]
    fn codex_counts_the_cache_as_input_and_reasoning_as_output() {
        check(
            r#"{"input_token_count":500,"cached_token_count":400,"output_token_count":90,"reasoning_token_count":60}"#,
            &CODEX,
            r#"{"input_tokens":100,"output_tokens":90,"cache_read_tokens":400,"reasoning_tokens":60}"#,
            None,
        );
    }

    #[test]
    fn openinference_counts_the_cache_as_input() {
        check(
            r#"{"llm.token_count.prompt":10,"llm.token_count.completion":2,"llm.token_count.total":12,"llm.token_count.prompt_details.cache_read":4}"#,
            &OPENINFERENCE,
            r#"{"input_tokens":6,"output_tokens":2,"cache_read_tokens":4,"total_tokens_stated":12}"#,
            None,
        );
    }

    #[test]
    fn the_names_of_before_and_after_are_the_same_counts() {
        check(
            r#"{"gen_ai.usage.prompt_tokens":"7","gen_ai.usage.completion_tokens":"3","gen_ai.usage.cache_write.input_tokens":2}"#,
            &GEN_AI,
            r#"{"input_tokens":5,"output_tokens":3,"cache_write_tokens":2}"#,
            None,
        );
    }

    #[test]
    fn an_input_smaller_than_its_cached_part_is_said_and_not_made_negative() {
        check(
            r#"{"gen_ai.usage.input_tokens":9,"gen_ai.usage.cache_read.input_tokens":800}"#,
            &GEN_AI,
            r#"{"input_tokens":9,"cache_read_tokens":800}"#,
            Some("cannot contain the 800"),
        );
    }

    #[test]
    fn a_total_that_is_no_sum_is_kept_and_said() {
        check(
            r#"{"llm.token_count.prompt":10,"llm.token_count.completion":2,"llm.token_count.total":99}"#,
            &OPENINFERENCE,
            r#"{"input_tokens":10,"output_tokens":2,"total_tokens_stated":99}"#,
            Some("total of 99"),
        );
        check(
            r#"{"gen_ai.usage.output_tokens":2,"gen_ai.usage.reasoning.output_tokens":5}"#,
            &GEN_AI,
            r#"{"output_tokens":2,"reasoning_tokens":5}"#,
            Some("5 tokens of reasoning"),
        );
    }

    #[test]
    fn what_is_no_count_stays_where_it_is() {
        let mut attributes = Parts::of(r#"{"input_tokens":-1,"output_tokens":"many"}"#);
        assert_eq!(take(&mut attributes, &ANTHROPIC).usage, None);
        assert_eq!(attributes.to_text(), r#"{"input_tokens":-1,"output_tokens":"many"}"#);
    }

    #[test]
    fn the_integer_of_a_cost_goes_before_the_dollars() {
        for (attributes, micros) in [
            (r#"{"cost_usd":"0.5","cost_usd_micros":"499999"}"#, Some(499_999)),
            (r#"{"cost_usd":0.0123}"#, Some(12_300)),
            (r#"{"cost_usd":"0.0123"}"#, Some(12_300)),
            (r#"{"llm.cost.total":2e-6}"#, Some(2)),
            (r#"{"cost_usd":"free"}"#, None),
            (r#"{"cost_usd":-1}"#, None),
        ] {
            assert_eq!(take_cost(&mut Parts::of(attributes)), micros, "{attributes}");
        }
    }
}
