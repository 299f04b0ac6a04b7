//! From compact JSON text to MessagePack.
//!
//! MessagePack says a container's length first, so one pass counts the entries of every container
//! and a second one writes: both are linear, and neither recurses. Both read validated text; on
//! other text they are total, but the bytes mean nothing.

use std::borrow::Cow;
use std::convert::Infallible;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rmp::encode::{self, ByteBuf, ValueWriteError};

use super::tagged::{BIN_KEY, NUM_KEY, NumMember, num_member};
use crate::json::{string_content_end, unescape};

/// Translates validated compact JSON text to one MessagePack value.
pub fn from_json(compact: &str) -> Vec<u8> {
    let mut encoder = Encoder {
        text: compact,
        pos: 0,
        lengths: container_lengths(compact.as_bytes()).into_iter(),
        out: ByteBuf::with_capacity(compact.len()),
    };
    while encoder.token() {}
    encoder.out.into_vec()
}

/// How many entries each container has, in the order in which the containers open.
fn container_lengths(text: &[u8]) -> Vec<u32> {
    let mut lengths: Vec<u32> = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    let mut pos = 0;
    while let Some(byte) = text.get(pos) {
        match byte {
            b'"' => pos = string_content_end(text, pos + 1),
            b'{' | b'[' => {
                open.push(lengths.len());
                let is_empty = matches!(text.get(pos + 1), Some(b'}' | b']'));
                lengths.push(if is_empty { 0 } else { 1 });
            }
            b'}' | b']' => drop(open.pop()),
            b',' => {
                if let Some(length) = open.last().and_then(|index| lengths.get_mut(*index)) {
                    *length += 1;
                }
            }
            _ => {}
        }
        pos += 1;
    }
    lengths
}

#[derive(Debug)]
struct Encoder<'a> {
    text: &'a str,
    pos: usize,
    lengths: std::vec::IntoIter<u32>,
    out: ByteBuf,
}

impl<'a> Encoder<'a> {
    /// Writes what the next token stands for. False at the end.
    fn token(&mut self) -> bool {
        let Some(&byte) = self.text.as_bytes().get(self.pos) else {
            return false;
        };
        match byte {
            b'{' => {
                self.pos += 1;
                match self.lengths.next().unwrap_or(0) {
                    1 => self.map_of_one(),
                    length => written(encode::write_map_len(&mut self.out, length)),
                }
            }
            b'[' => {
                self.pos += 1;
                let length = self.lengths.next().unwrap_or(0);
                written(encode::write_array_len(&mut self.out, length));
            }
            b'"' => {
                let raw = self.string();
                written(encode::write_str(&mut self.out, &unescape(raw)));
            }
            b',' | b':' | b'}' | b']' => self.pos += 1,
            _ => self.bare_word(),
        }
        true
    }

    /// Steps over a string token and gives its content.
    fn string(&mut self) -> &'a str {
        let start = self.pos + 1;
        let end = string_content_end(self.text.as_bytes(), start);
        self.pos = end + 1;
        self.text.get(start..end).unwrap_or_default()
    }

    /// Writes a number or a literal.
    fn bare_word(&mut self) {
        let rest = self.text.get(self.pos..).unwrap_or_default();
        let word = rest.split([',', ']', '}']).next().unwrap_or_default();
        // At least one step, so that no text can keep the loop from its end.
        self.pos += word.len().max(1);
        match word {
            "null" => infallible(encode::write_nil(&mut self.out)),
            "true" => infallible(encode::write_bool(&mut self.out, true)),
            "false" => infallible(encode::write_bool(&mut self.out, false)),
            number => self.number(number),
        }
    }

    fn number(&mut self, text: &str) {
        match Number::of(text) {
            Number::Signed(number) => written(encode::write_sint(&mut self.out, number)),
            Number::Unsigned(number) => written(encode::write_uint(&mut self.out, number)),
            Number::Float(number) => written(encode::write_f64(&mut self.out, number)),
            Number::Text => self.only_member(NUM_KEY, text),
        }
    }

    /// Writes an object with one member, whose brace is behind the cursor.
    fn map_of_one(&mut self) {
        let start = self.pos;
        let Some((key, value)) = self.string_member() else {
            self.pos = start;
            return written(encode::write_map_len(&mut self.out, 1));
        };
        let bytes = if key == BIN_KEY { STANDARD.decode(&*value).ok() } else { None };
        match (bytes, num_member(&key, &value)) {
            (Some(bytes), _) => written(encode::write_bin(&mut self.out, &bytes)),
            (None, NumMember::Ordinary) => self.only_member(&key, &value),
            (None, NumMember::Number | NumMember::Escaped) => {
                self.only_member(&format!("${key}"), &value)
            }
        }
    }

    /// Reads a member if its value is a string.
    fn string_member(&mut self) -> Option<(Cow<'a, str>, Cow<'a, str>)> {
        let key = self.string();
        let value_start = self.pos + 1;
        if self.text.as_bytes().get(value_start) != Some(&b'"') {
            return None;
        }
        self.pos = value_start;
        let value = self.string();
        Some((unescape(key), unescape(value)))
    }

    fn only_member(&mut self, key: &str, value: &str) {
        written(encode::write_map_len(&mut self.out, 1));
        written(encode::write_str(&mut self.out, key));
        written(encode::write_str(&mut self.out, value));
    }
}

/// What a number text becomes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Number {
    Signed(i64),
    Unsigned(u64),
    Float(f64),
    /// No number of MessagePack's is written like this.
    Text,
}

impl Number {
    fn of(text: &str) -> Number {
        if text.contains(['.', 'e', 'E']) {
            return match text.parse::<f64>() {
                Ok(number) if is_shortest_text(number, text) => Number::Float(number),
                _ => Number::Text,
            };
        }
        if text == "-0" {
            return Number::Text;
        }
        match (text.parse::<i64>(), text.parse::<u64>()) {
            (Ok(number), _) => Number::Signed(number),
            (Err(_), Ok(number)) => Number::Unsigned(number),
            (Err(_), Err(_)) => Number::Text,
        }
    }
}

/// Whether decoding would write the number as this text.
fn is_shortest_text(number: f64, text: &str) -> bool {
    serde_json::Number::from_f64(number).is_some_and(|number| number.to_string() == text)
}

/// Takes the result of a write to memory, which has no error.
fn written<T>(result: Result<T, ValueWriteError<Infallible>>) {
    match result {
        Ok(_) => {}
        Err(
            ValueWriteError::InvalidMarkerWrite(never) | ValueWriteError::InvalidDataWrite(never),
        ) => match never {},
    }
}

/// Takes the result of a write to memory, which has no error.
fn infallible(result: Result<(), Infallible>) {
    match result {
        Ok(()) => {}
        Err(never) => match never {},
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_entries_in_the_order_in_which_containers_open() {
        let lengths = |text: &str| container_lengths(text.as_bytes());
        assert!(lengths("1").is_empty());
        assert_eq!(lengths("[]"), [0]);
        assert_eq!(lengths(r#"{"a,[":[1,2,[]],"b":{"c":{}},"d":"]"}"#), [3, 3, 0, 1, 0]);
    }

    #[test]
    fn picks_the_number_that_reads_back_as_the_same_text() {
        let cases = [
            ("0", Number::Signed(0)),
            ("-9223372036854775808", Number::Signed(i64::MIN)),
            ("9223372036854775808", Number::Unsigned(9_223_372_036_854_775_808)),
            ("18446744073709551615", Number::Unsigned(u64::MAX)),
            ("18446744073709551616", Number::Text),
            ("-9223372036854775809", Number::Text),
            ("1.0", Number::Float(1.0)),
            ("-0.0", Number::Float(-0.0)),
            ("0.1", Number::Float(0.1)),
            ("5e-324", Number::Float(5e-324)),
            ("-0", Number::Text),
            ("1.00", Number::Text),
            ("1E0", Number::Text),
            ("1e400", Number::Text),
            ("0.1000000000000000000001", Number::Text),
        ];
        for (text, number) in cases {
            assert_eq!(Number::of(text), number, "{text}");
        }
    }
}
