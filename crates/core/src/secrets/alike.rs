//! Whether two texts are the same but for the marks in them.
//!
//! An event may be repeated after the rules have changed: what is a mark in the one is still a
//! secret in the other. A mark equals whatever stands in its place in a string, but no other mark:
//! two marks tell by their fingerprints that the secrets differ.

use super::mark::MARK_START;

/// Marks of a body beyond which it is not compared any more, because the work grows with them.
const MARKS_MAX: usize = 64;
/// Bytes of a piece that are searched for.
const PIECE_BEGIN_BYTES: usize = 64;

/// Whether two bodies say the same: equal, or equal where neither has a mark that the other has not.
pub(crate) fn same_but_for_marks(one: &[u8], other: &[u8]) -> bool {
    one == other || fits(one, other) || fits(other, one)
}

/// Whether a text is a pattern with marks as gaps that another fits.
fn fits(pattern: &[u8], text: &[u8]) -> bool {
    let mut pieces = Pieces { rest: pattern };
    let Some(mut text) = pieces.next().and_then(|piece| text.strip_prefix(piece)) else {
        return false;
    };
    let mut pieces = pieces.take(MARKS_MAX).peekable();
    while let Some(piece) = pieces.next() {
        let gap_max = gap_len(text);
        let found = match pieces.peek() {
            Some(_) => find(text, gap_max, piece),
            // The last piece is the end, and what comes before it must be one gap.
            None => text
                .len()
                .checked_sub(piece.len())
                .filter(|at| *at <= gap_max && text.ends_with(piece)),
        };
        let Some(at) = found else { return false };
        text = &text[at + piece.len()..];
    }
    text.is_empty()
}

/// Bytes that may stand in a mark's place: up to the end of the string, or to another mark.
fn gap_len(text: &[u8]) -> usize {
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => return at,
            b'\\' => at += 2,
            b'[' if mark_len(&text[at..]).is_some() => return at,
            _ => at += 1,
        }
    }
    text.len()
}

/// The first place, at most `gap_max` bytes on, where a piece stands by its beginning; none where
/// the rest of it does not follow there. So the search is linear, and what it misses is a conflict.
fn find(text: &[u8], gap_max: usize, piece: &[u8]) -> Option<usize> {
    let begin = &piece[..piece.len().min(PIECE_BEGIN_BYTES)];
    let end = text.len().min(gap_max + begin.len());
    let at = match begin.is_empty() {
        true => 0,
        false => text[..end].windows(begin.len()).position(|window| window == begin)?,
    };
    text[at..].starts_with(piece).then_some(at)
}

/// Bytes of the mark that a text begins with: `[redacted:rule:0123456789ab]`.
fn mark_len(text: &[u8]) -> Option<usize> {
    const FINGERPRINT_DIGITS: usize = 12;
    let rest = text.strip_prefix(MARK_START.as_bytes())?;
    let is_rule = |byte: &u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_');
    let rule = rest.iter().take(65).take_while(|byte| is_rule(byte)).count();
    let behind = rest.get(rule..rule + FINGERPRINT_DIGITS + 2)?;
    let is_mark = behind.first() == Some(&b':')
        && behind.last() == Some(&b']')
        && behind[1..=FINGERPRINT_DIGITS].iter().all(u8::is_ascii_hexdigit);
    is_mark.then_some(MARK_START.len() + rule + behind.len())
}

/// The pieces of a text between its marks: one more than there are marks.
struct Pieces<'t> {
    rest: &'t [u8],
}

impl<'t> Iterator for Pieces<'t> {
    type Item = &'t [u8];

    fn next(&mut self) -> Option<&'t [u8]> {
        // An end that was given out is not given out again.
        if self.rest == END {
            return None;
        }
        let is_mark = |at: &usize| self.rest[*at] == b'[' && mark_len(&self.rest[*at..]).is_some();
        match (0..self.rest.len()).find(is_mark) {
            Some(at) => {
                let piece = &self.rest[..at];
                self.rest = &self.rest[at + mark_len(&self.rest[at..]).unwrap_or(1)..];
                Some(piece)
            }
            None => Some(std::mem::replace(&mut self.rest, END)),
        }
    }
}

/// No text: a body has no zero byte.
const END: &[u8] = &[0];

#[cfg(test)]
mod tests {
    use super::*;

    fn check(one: &str, other: &str, expected: bool) {
        assert_eq!(same_but_for_marks(one.as_bytes(), other.as_bytes()), expected, "{one} {other}");
        assert_eq!(same_but_for_marks(other.as_bytes(), one.as_bytes()), expected, "{other} {one}");
    }

    #[test]
    fn a_mark_equals_what_it_stands_for_and_no_other_mark() {
        let (one, two) = ("[redacted:jwt:0123456789ab]", "[redacted:jwt:ba9876543210]");
        check(&format!(r#"{{"a":"x {one} y","b":1}}"#), r#"{"a":"x secret \" y","b":1}"#, true);
        check(&format!(r#"{{"a":"{one}"}}"#), r#"{"a":""}"#, true);
        check(&format!(r#"{{"a":"{one}-{one}"}}"#), r#"{"a":"s-t"}"#, true);
        check(&format!(r#"{{"a":"{one}"}}"#), &format!(r#"{{"a":"{one}"}}"#), true);
        check(&format!(r#"{{"a":"{one}"}}"#), &format!(r#"{{"a":"{two}"}}"#), false);
        check(&format!(r#"{{"a":"{one}","b":1}}"#), r#"{"a":"s","b":2}"#, false);
        check(&format!(r#"{{"a":"{one}"}}"#), r#"{"a":"s","b":"s"}"#, false);
        check(&format!(r#"{{"a":"{one}"}}"#), r#"{"a":1}"#, false);
        check(r#"{"a":"[redacted:jwt:x]"}"#, r#"{"a":"s"}"#, false);
        check(r#"{"a":1}"#, r#"{"a":2}"#, false);
    }
}
