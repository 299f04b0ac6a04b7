//! The content of string tokens: from escaped to plain and back.
//!
//! Text here is what stands between the quotes. Unescaping reads validated text; half a surrogate
//! pair, which validated text does not hold, becomes U+FFFD.

use std::borrow::Cow;

use super::scan::{find_special, hex_digit};
use super::sink::TextSink;

/// The plain text of a string's or key's content. Borrowed if there is no escape.
pub fn unescape(raw: &str) -> Cow<'_, str> {
    // Nearly no text has an escape, and bytes are looked through faster than characters. Validated
    // text has no other special bytes.
    if find_special(raw.as_bytes(), 0) == raw.len() {
        return Cow::Borrowed(raw);
    }
    let first = raw.find('\\').unwrap_or(raw.len());
    let mut plain = String::with_capacity(raw.len());
    plain.push_str(&raw[..first]);
    let mut rest = &raw[first..];
    while let Some(escape) = rest.strip_prefix('\\') {
        rest = take_escape(escape, &mut plain);
        let end = rest.find('\\').unwrap_or(rest.len());
        plain.push_str(&rest[..end]);
        rest = &rest[end..];
    }
    Cow::Owned(plain)
}

/// Appends what an escape stands for, given the text after its backslash; returns what follows.
fn take_escape<'a>(escape: &'a str, plain: &mut String) -> &'a str {
    let mut chars = escape.chars();
    let Some(letter) = chars.next() else {
        return "";
    };
    let short = match letter {
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'u' => return take_unicode_escape(chars.as_str(), plain),
        itself => itself,
    };
    plain.push(short);
    chars.as_str()
}

fn take_unicode_escape<'a>(after_u: &'a str, plain: &mut String) -> &'a str {
    let Some((unit, rest)) = split_hex_unit(after_u) else {
        plain.push(char::REPLACEMENT_CHARACTER);
        return after_u;
    };
    if let 0xd800..=0xdbff = unit
        && let Some((low @ 0xdc00..=0xdfff, after_pair)) =
            rest.strip_prefix("\\u").and_then(split_hex_unit)
    {
        let code = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
        plain.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
        return after_pair;
    }
    plain.push(char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER));
    rest
}

fn split_hex_unit(text: &str) -> Option<(u32, &str)> {
    let (digits, rest) = text.split_at_checked(4)?;
    let mut unit = 0;
    for byte in digits.bytes() {
        unit = unit << 4 | u32::from(hex_digit(byte)?);
    }
    Some((unit, rest))
}

/// Appends a text as a string's content, without quotes: the inverse of `unescape`.
///
/// Only what must be escaped is: `"`, `\` and U+0000 to U+001F.
pub fn escape_into<S: TextSink>(out: &mut S, plain: &str) {
    let mut from = 0;
    loop {
        let special = find_special(plain.as_bytes(), from);
        out.push_text(&plain[from..special]);
        let Some(&byte) = plain.as_bytes().get(special) else {
            return;
        };
        push_escape(out, byte);
        from = special + 1;
    }
}

/// Appends a text as a string token, with its quotes.
pub fn string_into<S: TextSink>(out: &mut S, plain: &str) {
    out.push_text("\"");
    escape_into(out, plain);
    out.push_text("\"");
}

fn push_escape<S: TextSink>(out: &mut S, byte: u8) {
    const DIGITS: &str = "0123456789abcdef";
    match byte {
        b'"' => out.push_text("\\\""),
        b'\\' => out.push_text("\\\\"),
        0x08 => out.push_text("\\b"),
        0x0c => out.push_text("\\f"),
        b'\n' => out.push_text("\\n"),
        b'\r' => out.push_text("\\r"),
        b'\t' => out.push_text("\\t"),
        control => {
            let low = usize::from(control & 0x0f);
            out.push_text(if control < 0x10 { "\\u000" } else { "\\u001" });
            out.push_text(&DIGITS[low..=low]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unescapes_every_escape() {
        assert!(matches!(unescape("plain ü"), Cow::Borrowed("plain ü")));
        assert_eq!(unescape(r#"\"\\\/\b\f\n\r\t"#), "\"\\/\u{8}\u{c}\n\r\t");
        assert_eq!(unescape(r"a\u0000b\u00e9\uFFFFc"), "a\0bé\u{ffff}c");
        assert_eq!(unescape(r"\ud83d\ude00x\uD834\uDD1E"), "😀x𝄞");
    }

    #[test]
    fn stays_total_on_text_that_was_never_validated() {
        for text in [
            "\\",
            "\\u",
            "\\u12",
            "\\u12é4x",
            r"\ud800",
            r"\ud800\u0041",
            r"\udc00",
            "\\é",
            r"\ud800\u",
        ] {
            assert!(!unescape(text).contains('\u{d7ff}'));
        }
        assert_eq!(unescape(r"\ud800\u0041"), "\u{fffd}A");
    }

    #[test]
    fn escaping_is_undone_by_unescaping() {
        for code in 0..=0x2ff {
            let plain = format!("x{}y", char::from_u32(code).unwrap());
            let mut escaped = String::new();
            escape_into(&mut escaped, &plain);
            assert_eq!(unescape(&escaped), plain);
            let mut token = String::new();
            string_into(&mut token, &plain);
            assert_eq!(serde_json::from_str::<String>(&token).unwrap(), plain);
            assert_eq!(serde_json::to_string(&plain).unwrap(), token);
        }
    }
}
