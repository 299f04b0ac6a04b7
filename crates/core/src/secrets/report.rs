//! What was found in one event: rules, fingerprints and places; never a part of a secret.

use std::collections::BTreeMap;

use super::mark::{Fingerprint, MaskKey, write_mark};
use super::scanner::{Scanner, Spot};

/// Finds that a report lists one by one; the rest is only counted.
pub const SECRET_MATCHES_LISTED_MAX: usize = 100;
/// Bytes of a pointer in a report. What lies deeper is named by what holds it.
pub(super) const POINTER_BYTES_MAX: usize = 512;

/// One secret that was replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretMatch {
    /// The rule that found it.
    pub rule_id: String,
    /// Where it is the same as another.
    pub fingerprint: Fingerprint,
    /// Where it was: a JSON Pointer into the envelope. For a key of an object, the object's.
    pub pointer: String,
}

/// What was replaced in one event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SecretReport {
    /// The first [`SECRET_MATCHES_LISTED_MAX`] finds, in order.
    pub matches: Vec<SecretMatch>,
    /// How many finds there were, by rule.
    pub by_rule: BTreeMap<String, u64>,
}

impl SecretReport {
    /// Whether nothing was found.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_rule.is_empty()
    }

    /// How many secrets were replaced.
    #[must_use]
    pub fn match_count(&self) -> u64 {
        self.by_rule.values().sum()
    }

    pub(super) fn add(
        &mut self,
        rule_id: &str,
        fingerprint: Fingerprint,
        pointer: impl Fn() -> String,
    ) {
        if self.matches.len() < SECRET_MATCHES_LISTED_MAX {
            let pointer = pointer();
            self.matches.push(SecretMatch { rule_id: rule_id.to_owned(), fingerprint, pointer });
        }
        *self.by_rule.entry(rule_id.to_owned()).or_default() += 1;
    }
}

/// A scanner with the key of a log and the report of an event: what redacting texts needs.
#[derive(Debug)]
pub(super) struct Pen<'a> {
    pub(super) scanner: &'a Scanner,
    pub(super) key: &'a MaskKey,
    pub(super) report: SecretReport,
}

impl<'a> Pen<'a> {
    pub(super) fn new(scanner: &'a Scanner, key: &'a MaskKey) -> Self {
        Self { scanner, key, report: SecretReport::default() }
    }

    /// Writes the mark of a find and reports it.
    pub(super) fn mark(
        &mut self,
        out: &mut String,
        text: &str,
        spot: &Spot,
        pointer: impl Fn() -> String,
    ) {
        let fingerprint = self.key.fingerprint(&text[spot.range.clone()]);
        let rule_id = self.scanner.rule_id(spot.rule);
        write_mark(out, rule_id, fingerprint);
        self.report.add(rule_id, fingerprint, pointer);
    }

    /// The secrets of a plain text that no exception lets pass.
    pub(super) fn spots(&self, text: &str, pointer: impl Fn() -> String) -> Vec<Spot> {
        let mut hits = Vec::new();
        self.scanner.hits(text, &mut hits);
        if hits.is_empty() {
            return Vec::new();
        }
        let mut spots = self.scanner.spots(text, &hits, None);
        self.drop_allowed(&mut spots, text, pointer);
        spots
    }

    pub(super) fn drop_allowed(
        &self,
        spots: &mut Vec<Spot>,
        text: &str,
        pointer: impl Fn() -> String,
    ) {
        spots.retain(|spot| {
            !self.scanner.is_allowed(spot.rule, &text[spot.range.clone()], &pointer)
        });
    }

    /// A plain text without its secrets; none where it has none.
    pub(super) fn text(&mut self, text: &str, pointer: &str) -> Option<String> {
        let spots = self.spots(text, || pointer.to_owned());
        if spots.is_empty() {
            return None;
        }
        let mut out = String::with_capacity(text.len() + 64);
        let mut at = 0;
        for spot in &spots {
            out.push_str(&text[at..spot.range.start]);
            self.mark(&mut out, text, spot, || pointer.to_owned());
            at = spot.range.end;
        }
        out.push_str(&text[at..]);
        Some(out)
    }
}
