//! Token counts: Anthropic's spelling to ours, and both to numbers.
//!
//! Only the names of the four counts change; everything else in a usage object stays as it is.

use super::fields::{Fields, ObjectText};
use crate::json::{as_u64, member};
use crate::price::TokenUsage;

/// Their names and ours.
const NAMES: [(&str, &str); 4] = [
    ("input_tokens", "input_tokens"),
    ("output_tokens", "output_tokens"),
    ("cache_read_input_tokens", "cache_read_tokens"),
    ("cache_creation_input_tokens", "cache_write_tokens"),
];

/// A usage object with our names for the four counts.
pub(super) fn canonical_usage(usage: &str) -> String {
    let mut fields = Fields::of(usage);
    let mut object = ObjectText::default();
    for (theirs, ours) in NAMES {
        object.number_opt(ours, fields.take_u64(theirs));
        // A count that is no count may not stand where readers expect one.
        let stated = fields.take(theirs);
        object.raw_opt(&format!("{theirs}_stated"), stated.as_deref());
    }
    fields.rest_into(&mut object);
    object.finish()
}

/// The counts of a usage object with Anthropic's names.
pub(super) fn vendor_token_usage(usage: &str) -> TokenUsage {
    let count = |name| member(usage, name).and_then(as_u64).unwrap_or(0);
    TokenUsage {
        input: count("input_tokens"),
        output: count("output_tokens"),
        cache_read: count("cache_read_input_tokens"),
        cache_write: count("cache_creation_input_tokens"),
        cache_write_1h: member(usage, "cache_creation")
            .and_then(|parts| member(parts, "ephemeral_1h_input_tokens"))
            .and_then(as_u64)
            .unwrap_or(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renames_the_four_counts_and_keeps_the_rest() {
        let usage = r#"{"input_tokens":3,"cache_creation_input_tokens":5,"output_tokens":null,"cache_creation":{"ephemeral_1h_input_tokens":2},"service_tier":"standard"}"#;
        let canonical = canonical_usage(usage);
        assert_eq!(
            canonical,
            r#"{"input_tokens":3,"output_tokens_stated":null,"cache_write_tokens":5,"cache_creation":{"ephemeral_1h_input_tokens":2},"service_tier":"standard"}"#
        );
        assert_eq!(vendor_token_usage(usage), TokenUsage::from_json(&canonical));
    }
}
