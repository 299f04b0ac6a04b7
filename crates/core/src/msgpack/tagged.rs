//! The two objects that stand for what the other side cannot say, and their escaped spelling.
//!
//! The rule is in `mod.rs`; both directions ask here, so that they cannot disagree.

use crate::json;

/// The key of an object that stands for bytes.
pub(super) const BIN_KEY: &str = "$bin";

/// The key of a map that stands for a number.
pub(super) const NUM_KEY: &str = "$num";

/// What an only member means to the `$num` rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NumMember {
    /// `$num` itself, with a number text.
    Number,
    /// `$$num` and so on, with a number text.
    Escaped,
    /// Anything else.
    Ordinary,
}

/// Judges the only member of an object: its key and its string value, both in plain text.
pub(super) fn num_member(key: &str, value: &str) -> NumMember {
    let Some(prefix) = key.strip_suffix(NUM_KEY) else {
        return NumMember::Ordinary;
    };
    if !prefix.bytes().all(|byte| byte == b'$') || !json::is_number(value) {
        return NumMember::Ordinary;
    }
    if prefix.is_empty() { NumMember::Number } else { NumMember::Escaped }
}
