//! What a rule is, and what an operator may add to the built-in ones or take from them.

use serde::{Deserialize, Serialize};

/// A built-in rule: the shape of one kind of secret, as data.
///
/// The pattern is tried at each place where a literal of the rule stands, and nowhere else.
#[derive(Debug, Clone, Copy)]
pub(super) struct TokenRule {
    /// Stable: it stands in marks, on the log and in metrics.
    pub(super) id: &'static str,
    /// How the secret begins; at least two bytes.
    pub(super) literals: &'static [&'static str],
    /// A regular expression that is anchored at the literal. Its group 1, or all of it, is secret.
    pub(super) pattern: &'static str,
    /// Bits of entropy per byte below which it is a placeholder.
    pub(super) entropy_min: f64,
    /// What must not come right before and behind it.
    pub(super) edges: Edges,
}

/// Which neighbours show that a match is a piece of something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Edges {
    /// Letters, digits, `_`, `-` before; letters, digits and `_` behind.
    Word,
    /// As `Word`, and a dot before, for prefixes that are also file extensions.
    WordOrDot,
    /// Whatever: the literal is in the middle of the secret.
    Any,
}

/// A rule of an installation's own, from its configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CustomRule {
    /// 1 to 64 of `a-z 0-9 _`, starting with a letter; not one of the built-in ones.
    pub id: String,
    /// A regular expression. Its group 1, or all of the match, is secret.
    pub regex: String,
    /// Texts of at least three bytes, one of which every match holds, in capitals or not. The
    /// expression is only run where one of them was found.
    pub keywords: Vec<String>,
}

/// What is not to be redacted although a rule finds it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exception {
    /// A regular expression that the found text matches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regex: Option<String>,
    /// JSON Pointers into the envelope, such as `/data/input`; `*` stands for any one step. All
    /// below a path belongs to it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<String>,
    /// The rules that it is about; all where none is named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<String>,
}

/// What an installation decides about the search for secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretSettings {
    /// Whether anything is looked for at all.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Rules beside the built-in ones.
    #[serde(default)]
    pub rules: Vec<CustomRule>,
    /// What stays as it is.
    #[serde(default)]
    pub allow: Vec<Exception>,
}

fn yes() -> bool {
    true
}

impl Default for SecretSettings {
    fn default() -> Self {
        Self { enabled: true, rules: Vec::new(), allow: Vec::new() }
    }
}

/// A rule or an exception cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleFault {
    /// An id is not one, or is taken.
    #[error("the secret rule id `{id}` {problem}")]
    Id {
        /// The id.
        id: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A rule has no keyword, or too short a one.
    #[error("the secret rule `{id}` needs keywords of at least {byte_count_min} bytes")]
    Keywords {
        /// The rule.
        id: String,
        /// Bytes that a keyword needs.
        byte_count_min: usize,
    },
    /// An expression cannot be compiled.
    #[error("the regular expression of {place} cannot be used: {problem}")]
    Regex {
        /// Which rule or exception.
        place: String,
        /// What is wrong with it.
        problem: String,
    },
    /// An exception would let everything pass.
    #[error("exception {number} of the secrets has neither a regex nor a path nor a rule")]
    EmptyException {
        /// Which one, from 1.
        number: usize,
    },
    /// An exception is about a rule that there is not.
    #[error("exception {number} of the secrets names the rule `{id}`, which there is not")]
    UnknownRule {
        /// Which one, from 1.
        number: usize,
        /// The rule.
        id: String,
    },
}

/// Bytes that a keyword of an own rule needs, so that it is found rarely.
pub(super) const KEYWORD_BYTES_MIN: usize = 3;
