//! The tokens of RFC 8259 over bytes that are known to be UTF-8: where each ends, and nothing else.
//!
//! It knows no structure and copies nothing. Strings are searched many bytes at a time, because
//! most bytes of an event are inside strings.

use super::error::JsonError;

/// A place in a text, moved forward token by token.
#[derive(Debug)]
pub(super) struct Cursor<'a> {
    text: &'a str,
    pos: usize,
}

/// A string token. The range is of its content, without the quotes.
#[derive(Clone, Copy, Debug)]
pub(super) struct StringToken {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) has_escape: bool,
    /// Where the first escape is that is half a surrogate pair.
    pub(super) unpaired_surrogate: Option<usize>,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Cursor { text, pos: 0 }
    }

    pub(super) fn text(&self) -> &'a str {
        self.text
    }

    pub(super) fn pos(&self) -> usize {
        self.pos
    }

    #[inline]
    pub(super) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.pos).copied()
    }

    /// Steps over one byte that the caller has seen with `peek`.
    #[inline]
    pub(super) fn bump(&mut self) {
        self.pos += 1;
    }

    pub(super) fn syntax(&self, expected: &'static str) -> JsonError {
        JsonError::Syntax { offset: self.pos, expected }
    }

    #[inline]
    pub(super) fn skip_whitespace(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.pos += 1;
        }
    }

    pub(super) fn literal(&mut self, word: &'static str) -> Result<(), JsonError> {
        let rest = &self.text.as_bytes()[self.pos..];
        if !rest.starts_with(word.as_bytes()) {
            return Err(self.syntax("a value"));
        }
        self.pos += word.len();
        Ok(())
    }

    /// Steps over a number: `-? (0 | [1-9][0-9]*) (\.[0-9]+)? ([eE][+-]?[0-9]+)?`.
    pub(super) fn number(&mut self) -> Result<(), JsonError> {
        if self.peek() == Some(b'-') {
            self.pos += 1;
        }
        if self.peek() == Some(b'0') {
            self.pos += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.pos += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.pos += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.pos += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    #[inline]
    fn digits(&mut self) -> Result<(), JsonError> {
        let start = self.pos;
        while let Some(b'0'..=b'9') = self.peek() {
            self.pos += 1;
        }
        if self.pos == start { Err(self.syntax("a digit")) } else { Ok(()) }
    }

    /// Steps over a string whose opening quote is at the cursor.
    #[inline]
    pub(super) fn string(&mut self) -> Result<StringToken, JsonError> {
        let bytes = self.text.as_bytes();
        let start = self.pos + 1;
        let mut token =
            StringToken { start, end: start, has_escape: false, unpaired_surrogate: None };
        self.pos = start;
        loop {
            self.pos = find_special(bytes, self.pos);
            match bytes.get(self.pos) {
                Some(b'"') => {
                    token.end = self.pos;
                    self.pos += 1;
                    return Ok(token);
                }
                Some(b'\\') => {
                    token.has_escape = true;
                    self.escape(&mut token)?;
                }
                Some(_) => return Err(self.syntax("an escaped control character")),
                None => return Err(self.syntax("a closing quote")),
            }
        }
    }

    fn escape(&mut self, token: &mut StringToken) -> Result<(), JsonError> {
        let backslash = self.pos;
        self.pos += 1;
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.pos += 1;
                Ok(())
            }
            Some(b'u') => {
                self.pos += 1;
                let unit = self.hex_unit()?;
                if is_surrogate(unit) && !self.low_surrogate_follows(unit)? {
                    token.unpaired_surrogate.get_or_insert(backslash);
                }
                Ok(())
            }
            _ => Err(self.syntax("one of the escapes \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\u")),
        }
    }

    /// Whether `unit` opens a pair that the next escape closes; then steps over that escape.
    fn low_surrogate_follows(&mut self, unit: u16) -> Result<bool, JsonError> {
        let is_high = unit < 0xdc00;
        if !is_high || !self.text.as_bytes()[self.pos..].starts_with(b"\\u") {
            return Ok(false);
        }
        let next_escape = self.pos;
        self.pos += 2;
        let is_pair = matches!(self.hex_unit()?, 0xdc00..=0xdfff);
        if !is_pair {
            // The second escape may itself open a pair, so it is looked at again on its own.
            self.pos = next_escape;
        }
        Ok(is_pair)
    }

    fn hex_unit(&mut self) -> Result<u16, JsonError> {
        let mut unit = 0;
        for _ in 0..4 {
            let digit =
                self.peek().and_then(hex_digit).ok_or_else(|| self.syntax("a hex digit"))?;
            unit = unit << 4 | digit;
            self.pos += 1;
        }
        Ok(unit)
    }
}

/// Whether a text is exactly one number token.
pub(crate) fn is_number(text: &str) -> bool {
    let mut cursor = Cursor::new(text);
    cursor.number().is_ok() && cursor.peek().is_none()
}

fn is_surrogate(unit: u16) -> bool {
    matches!(unit, 0xd800..=0xdfff)
}

pub(super) fn hex_digit(byte: u8) -> Option<u16> {
    match byte {
        b'0'..=b'9' => Some(u16::from(byte - b'0')),
        b'a'..=b'f' => Some(u16::from(byte - b'a' + 10)),
        b'A'..=b'F' => Some(u16::from(byte - b'A' + 10)),
        _ => None,
    }
}

const ONES: u64 = u64::MAX / 255;
const HIGH_BITS: u64 = ONES * 0x80;
const QUOTES: u64 = ONES * b'"' as u64;
const BACKSLASHES: u64 = ONES * b'\\' as u64;
const SPACES: u64 = ONES * b' ' as u64;

/// The first quote, backslash or control character at or after `from`, or the length.
#[inline]
pub(super) fn find_special(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    // Most strings end soon; the others are looked through in larger steps.
    for _ in 0..WORDS_BEFORE_BLOCKS {
        let Some(word) = bytes.get(at..).and_then(|rest| rest.first_chunk()) else {
            return find_special_in_rest(bytes, at);
        };
        if let Some(place) = special_in(u64::from_le_bytes(*word)) {
            return at + place;
        }
        at += WORD_BYTES;
    }
    find_special_far(bytes, at)
}

const WORD_BYTES: usize = 8;
const BLOCK_BYTES: usize = 32;
const WORDS_BEFORE_BLOCKS: usize = 3;

fn find_special_far(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(block) = bytes.get(at..).and_then(|rest| rest.first_chunk::<BLOCK_BYTES>()) {
        if has_special(block) {
            break;
        }
        at += BLOCK_BYTES;
    }
    while let Some(word) = bytes.get(at..).and_then(|rest| rest.first_chunk()) {
        if let Some(place) = special_in(u64::from_le_bytes(*word)) {
            return at + place;
        }
        at += WORD_BYTES;
    }
    find_special_in_rest(bytes, at)
}

/// In fewer bytes than a word has. They are the end of the last word of all, whose place behind the
/// end is then held by zeros, which are special.
fn find_special_in_rest(bytes: &[u8], from: usize) -> usize {
    let rest_bytes = bytes.len().saturating_sub(from);
    match bytes.last_chunk() {
        Some(word) if 0 < rest_bytes && rest_bytes < WORD_BYTES => {
            let word = u64::from_le_bytes(*word) >> ((WORD_BYTES - rest_bytes) * 8);
            from + special_in(word).unwrap_or(rest_bytes)
        }
        _ => {
            let rest = bytes.get(from..).unwrap_or_default();
            from + rest.iter().position(|byte| is_special(*byte)).unwrap_or(rest.len())
        }
    }
}

fn is_special(byte: u8) -> bool {
    byte < b' ' || byte == b'"' || byte == b'\\'
}

/// The first special byte of a word. The lowest set bit is exact; bits above it may be wrong
/// because of borrows, and are not used.
#[inline]
fn special_in(word: u64) -> Option<usize> {
    let quote = word ^ QUOTES;
    let backslash = word ^ BACKSLASHES;
    let found = (quote.wrapping_sub(ONES) & !quote)
        | (backslash.wrapping_sub(ONES) & !backslash)
        | (word.wrapping_sub(SPACES) & !word);
    let found = found & HIGH_BITS;
    (found != 0).then(|| (found.trailing_zeros() / 8) as usize)
}

/// One loop for each kind of byte, which the compiler turns into a few vector instructions.
#[inline]
fn has_special(block: &[u8; BLOCK_BYTES]) -> bool {
    let (mut quote, mut backslash, mut control) = (false, false, false);
    block.iter().for_each(|byte| quote |= *byte == b'"');
    block.iter().for_each(|byte| backslash |= *byte == b'\\');
    block.iter().for_each(|byte| control |= *byte < b' ');
    quote | backslash | control
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_first_special_byte_at_every_place_and_length() {
        for len in 0..140 {
            for at in 0..len {
                for special in [b'"', b'\\', 0, 0x1f, b'\n'] {
                    let mut bytes = vec![0x7f; len];
                    bytes[at] = special;
                    for (index, later) in bytes[at + 1..].iter_mut().enumerate() {
                        *later = if index & 1 == 0 { b'"' } else { 0x80 };
                    }
                    for from in [0, at / 2, at.saturating_sub(1), at] {
                        assert_eq!(find_special(&bytes, from), at);
                    }
                }
            }
            assert_eq!(find_special(&vec![b' '; len], 0), len);
            assert_eq!(find_special(&vec![0xff; len], 0), len);
            assert_eq!(find_special(&vec![b'!'; len], 0), len);
            assert_eq!(find_special(&vec![b'#'; len], 0), len);
            assert_eq!(find_special(&vec![b'#'; len], len), len);
        }
    }
}
