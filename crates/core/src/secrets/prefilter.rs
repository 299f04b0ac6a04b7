//! One pass over a text for the literals of all rules, and a cheap look at what stands around each.
//!
//! It says where which rule is worth running; it never says that something is a secret. Texts are
//! JSON as it is kept or plain text: what it looks at may stand among escapes, so it errs on the
//! side of yes.

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use super::assign::might_assign;
use super::names::NAME_LITERALS;
use super::rule::{CustomRule, Edges, RuleFault};
use super::table::TOKEN_RULES;

/// Who looks at a hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Detector {
    /// A line of the table.
    Token(usize),
    /// A suspicious name.
    Name,
    /// `://`
    Address,
    /// `curl`
    Curl,
    /// `Bearer`
    Bearer,
    /// `Basic`
    Basic,
    /// The beginning of a PEM block.
    Pem,
    /// An escape that may hide the literals of others.
    Escape,
    /// A rule of the installation.
    Custom(usize),
}

#[derive(Debug)]
struct Literal {
    text: String,
    detectors: Vec<Detector>,
}

/// A place where a literal stands and a detector is worth running.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hit {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) detector: Detector,
}

/// The literals of all rules.
pub(super) struct Prefilter {
    automaton: AhoCorasick,
    literals: Vec<Literal>,
}

impl Prefilter {
    pub(super) fn new(customs: &[CustomRule]) -> Result<Self, RuleFault> {
        let mut literals: Vec<Literal> = Vec::new();
        let mut add = |text: &str, detector| {
            let folded = text.to_ascii_lowercase();
            match literals.iter_mut().find(|known| known.text == folded) {
                Some(known) => known.detectors.push(detector),
                None => literals.push(Literal { text: folded, detectors: vec![detector] }),
            }
        };
        for (index, rule) in TOKEN_RULES.iter().enumerate() {
            rule.literals.iter().for_each(|literal| add(literal, Detector::Token(index)));
        }
        NAME_LITERALS.iter().for_each(|literal| add(literal, Detector::Name));
        add("://", Detector::Address);
        add("curl", Detector::Curl);
        add("bearer", Detector::Bearer);
        add("basic", Detector::Basic);
        add("-----begin ", Detector::Pem);
        // Escapes behind which a letter or a stroke of another literal may hide.
        add("\\u00", Detector::Escape);
        add("\\/", Detector::Escape);
        for (index, rule) in customs.iter().enumerate() {
            rule.keywords.iter().for_each(|keyword| add(keyword, Detector::Custom(index)));
        }
        let automaton = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::DFA))
            .build(literals.iter().map(|literal| &literal.text))
            .map_err(|error| RuleFault::Regex {
                place: "the keywords".to_owned(),
                problem: error.to_string(),
            })?;
        Ok(Self { automaton, literals })
    }

    /// All places where a detector is worth running, in order of their ends.
    pub(super) fn hits(&self, text: &str, hits: &mut Vec<Hit>) {
        for found in self.automaton.find_overlapping_iter(text) {
            let literal = &self.literals[found.pattern().as_usize()];
            let (start, end) = (found.start(), found.end());
            for detector in &literal.detectors {
                if is_worth(text, start, end, *detector) {
                    hits.push(Hit { start, end, detector: *detector });
                }
            }
        }
    }
}

/// Whether what stands around a literal may be what the detector finds.
fn is_worth(text: &str, start: usize, end: usize, detector: Detector) -> bool {
    let bytes = text.as_bytes();
    match detector {
        Detector::Token(index) => {
            let rule = &TOKEN_RULES[index];
            rule.literals.iter().any(|literal| bytes[start..].starts_with(literal.as_bytes()))
                && edge_fits(bytes, start, rule.edges)
        }
        Detector::Name => might_assign(text, start, end),
        Detector::Address => {
            let is_stop =
                |byte: &u8| matches!(byte, b'/' | b' ' | b'"' | b'<' | b'\'' | b'{' | b')');
            let rest = &bytes[end..bytes.len().min(end + 512)];
            rest.iter().take_while(|byte| !is_stop(byte)).any(|byte| *byte == b'@')
        }
        Detector::Curl => matches!(bytes.get(end), Some(b' ' | b'\t')),
        Detector::Bearer | Detector::Basic => {
            let rest = &bytes[end.min(bytes.len())..];
            matches!(rest.first(), Some(b' ' | b'\t')) && has_run(&rest[1..], 8)
        }
        Detector::Pem | Detector::Escape | Detector::Custom(_) => true,
    }
}

/// Whether some characters of a credential follow without a blank.
fn has_run(rest: &[u8], length: usize) -> bool {
    let rest = rest.strip_prefix(b" ").unwrap_or(rest);
    rest.len() >= length
        && rest[..length].iter().all(|byte| {
            byte.is_ascii_alphanumeric()
                || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'+' | b'/' | b'=')
        })
}

/// Whether a token may begin here: what stands before is not a piece of it.
///
/// An escape's letter, a percent escape and the end of a terminal's colour code are no pieces.
pub(super) fn edge_fits(bytes: &[u8], start: usize, edges: Edges) -> bool {
    let Some(before) = start.checked_sub(1).and_then(|at| bytes.get(at).copied()) else {
        return true;
    };
    let is_piece = match edges {
        Edges::Any => false,
        Edges::Word => before.is_ascii_alphanumeric() || matches!(before, b'_' | b'-'),
        Edges::WordOrDot => before.is_ascii_alphanumeric() || matches!(before, b'_' | b'-' | b'.'),
    };
    if !is_piece {
        return true;
    }
    let behind = |count: usize| start.checked_sub(count).and_then(|at| bytes.get(at).copied());
    match (behind(3), behind(2), before) {
        (_, Some(b'\\'), b'n' | b'r' | b't') => true,
        (Some(b'%'), Some(high), low) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
            true
        }
        (Some(b'0'..=b'9' | b';' | b'['), Some(b'0'..=b'9' | b'['), b'm') => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hits(text: &str) -> usize {
        let prefilter = Prefilter::new(&[]).unwrap();
        let mut hits = Vec::new();
        prefilter.hits(text, &mut hits);
        hits.len()
    }

    #[test]
    fn what_names_no_secret_is_worth_no_look() {
        for text in [
            r#"{"usage":{"input_tokens":12,"output_tokens":3}}"#,
            "the task-runner passed the key to the keyboard",
            "https://example.org/a@b",
            "a token is a word",
            "Bearer of bad news",
        ] {
            assert_eq!(hits(text), 0, "{text}");
        }
    }

    #[test]
    fn tokens_begin_behind_escapes_and_colours() {
        let literal = "ghp_";
        for before in ["", " ", "\\n", "\u{1b}[32m", "%3D", "=", "\"", "ü"] {
            assert_eq!(hits(&format!("{before}{literal}x")), 1, "{before}");
        }
        for before in ["a", "_", "-", "9"] {
            assert_eq!(hits(&format!("{before}{literal}x")), 0, "{before}");
        }
    }
}
