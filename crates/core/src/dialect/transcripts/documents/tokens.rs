//! Token counts of sources whose prompt includes what came from a cache: OpenAI, LiteLLM, the
//! conventions of OpenTelemetry.
//!
//! INVARIANT (cached tokens count once): in our usage `input_tokens` excludes the cache, so the parts
//! add up to the prompt. What the source said stays beside it under `stated`.

use super::super::fields::ObjectText;
use crate::json::{as_u64, member};

/// Counts of one call, as a source states them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Inclusive {
    /// Tokens of the whole prompt.
    pub(super) prompt: Option<u64>,
    pub(super) output: Option<u64>,
    pub(super) cache_read: Option<u64>,
    pub(super) cache_write: Option<u64>,
}

impl Inclusive {
    /// Reads an object with the names that OpenAI and those who follow it give.
    pub(super) fn of(usage: &str) -> Self {
        let first = |names: &[&str]| names.iter().find_map(|name| at(usage, name));
        Self {
            prompt: first(&["prompt_tokens", "input_tokens"]),
            output: first(&["completion_tokens", "output_tokens"]),
            cache_read: first(&[
                "cache_read_tokens",
                "cached_input_tokens",
                "prompt_tokens_details/cached_tokens",
                "input_tokens_details/cached_tokens",
                "cache_read_input_tokens",
            ]),
            cache_write: first(&[
                "cache_write_tokens",
                "prompt_tokens_details/cache_write_tokens",
                "cache_creation_input_tokens",
            ]),
        }
    }

    /// What these counts grew by since some earlier ones.
    pub(super) fn minus(self, earlier: Self) -> Self {
        let less = |now: Option<u64>, then: Option<u64>| {
            now.map(|now| now.saturating_sub(then.unwrap_or(0)))
        };
        Self {
            prompt: less(self.prompt, earlier.prompt),
            output: less(self.output, earlier.output),
            cache_read: less(self.cache_read, earlier.cache_read),
            cache_write: less(self.cache_write, earlier.cache_write),
        }
    }

    /// Our usage object; `stated` is what the source wrote.
    pub(super) fn to_usage(self, stated: Option<&str>) -> String {
        let cached = self.cache_read.unwrap_or(0).saturating_add(self.cache_write.unwrap_or(0));
        let input = self.prompt.map(|prompt| prompt.checked_sub(cached));
        let mut usage = ObjectText::default();
        // A prompt that is smaller than its parts was counted without them.
        usage.number_opt("input_tokens", input.and_then(|input| input.or(self.prompt)));
        usage.number_opt("output_tokens", self.output);
        usage.number_opt("cache_read_tokens", self.cache_read);
        usage.number_opt("cache_write_tokens", self.cache_write);
        if input == Some(None) {
            usage.text("contradiction", "more tokens from the cache than in the prompt");
        }
        usage.raw_opt("stated", stated);
        usage.finish()
    }
}

/// A count at a path of member names.
fn at(object: &str, path: &str) -> Option<u64> {
    as_u64(path.split('/').try_fold(object, member)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::price::TokenUsage;

    #[test]
    fn tokens_from_a_cache_are_counted_once_whichever_way_they_are_stated() {
        for (stated, input, cache_read) in [
            (r#"{"prompt_tokens":100,"completion_tokens":5}"#, 100, 0),
            (
                r#"{"prompt_tokens":100,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":60}}"#,
                40,
                60,
            ),
            (r#"{"input_tokens":100,"cached_input_tokens":60,"output_tokens":5}"#, 40, 60),
            (
                r#"{"prompt_tokens":100,"cache_read_tokens":60,"completion_tokens":5,"cache_write_tokens":0}"#,
                40,
                60,
            ),
            (r#"{"prompt_tokens":100,"completion_tokens":5,"prompt_tokens_details":null}"#, 100, 0),
        ] {
            let usage = TokenUsage::from_json(&Inclusive::of(stated).to_usage(Some(stated)));
            assert_eq!(
                (usage.input, usage.cache_read, usage.output),
                (input, cache_read, 5),
                "{stated}"
            );
            assert_eq!(usage.prompt(), 100, "{stated}");
        }
    }

    #[test]
    fn a_prompt_smaller_than_its_parts_is_kept_and_said() {
        let stated = r#"{"prompt_tokens":10,"completion_tokens":5,"cache_read_tokens":60}"#;
        let usage = Inclusive::of(stated).to_usage(Some(stated));
        assert!(usage.starts_with(r#"{"input_tokens":10,"#), "{usage}");
        assert!(usage.contains("contradiction") && usage.contains(stated), "{usage}");
    }
}
