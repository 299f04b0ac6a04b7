//! What the tests of the scanner share. Fake secrets are put together when the tests run, so that
//! no scanner trips over this repository.

use std::path::PathBuf;

use annals_core::secrets::{MaskKey, Scanner};

pub(crate) fn key() -> MaskKey {
    MaskKey::new([7; 32])
}

/// The text as the log would have it.
pub(crate) fn redacted(text: &str) -> String {
    Scanner::builtin().redact_text(&key(), text).map_or_else(|| text.to_owned(), |found| found.0)
}

/// The JSON value as the log would have it.
pub(crate) fn redacted_json(text: &str) -> String {
    let found = Scanner::builtin().redact_json(&key(), text, "/data");
    found.map_or_else(|| text.to_owned(), |found| found.0)
}

/// A find: its rule and what it stood for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Find {
    pub(crate) rule: String,
    pub(crate) secret: String,
}

/// What was replaced, read off by laying the two texts beside each other.
pub(crate) fn finds(before: &str, after: &str) -> Vec<Find> {
    let mut finds = Vec::new();
    let (mut before, mut after) = (before, after);
    while let Some(start) = after.find("[redacted:") {
        let Some((rule, rest)) = after[start + "[redacted:".len()..].split_once(':') else { break };
        let Some((_, rest)) = rest.split_once(']') else { break };
        before = &before[start..];
        let next = rest.find("[redacted:").unwrap_or(rest.len());
        let behind = &rest[..next];
        let end = if behind.is_empty() { before.len() } else { before.find(behind).unwrap_or(0) };
        finds.push(Find { rule: rule.to_owned(), secret: before[..end].to_owned() });
        before = &before[end..];
        after = rest;
    }
    finds
}

/// Random-looking text of an alphabet: the same for the same seed.
pub(crate) fn noise(alphabet: &str, length: usize, seed: u64) -> String {
    let letters: Vec<char> = alphabet.chars().collect();
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 33).unwrap_or(0)
    };
    (0..length).map(|_| letters[next() % letters.len()]).collect()
}

pub(crate) const HEX: &str = "0123456789abcdef";
pub(crate) const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
pub(crate) const ALNUM: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
pub(crate) const WORD: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";

/// A folder of inputs that are not part of the repository; none where they are absent.
pub(crate) fn shared_data(path: &str) -> Option<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(path);
    if folder.exists() {
        return Some(folder);
    }
    println!("skipped: {} is not here", folder.display());
    None
}
