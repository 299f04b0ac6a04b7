//! Values that stand beside a suspicious name in free text: `API_KEY=…`, `"password": "…"`,
//! `--token …`, `<secret>…</secret>`, `the password is …`.
//!
//! It reads code, configuration, command lines and prose alike, so it asks of a value that it does
//! not look like a name, a path, a placeholder or an expression.

use super::mark::MARK_START;
use super::names::{NAME_BYTES_MAX, NameClass, classify};
use super::shape::{
    Makeup, entropy, head, is_code_name, is_figure, is_identifier, is_place, is_placeholder,
    is_uuid,
};

/// Bytes between a name and its value.
const GAP_BYTES_MAX: usize = 12;
/// Bytes of a value in quotes; the next quote of its kind ends it, so this bounds little.
const QUOTED_BYTES_MAX: usize = 16 << 10;
/// Bytes of a value without quotes: names may follow each other densely, and each looks this far.
const BARE_BYTES_MAX: usize = 1 << 10;

/// How a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    /// A JSON string of its own.
    Whole,
    /// Between quotes.
    Quoted,
    /// Without quotes.
    Bare,
}

/// A name in a text.
struct Name<'t> {
    text: &'t str,
    start: usize,
    end: usize,
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

/// The name around a literal of one.
fn name_around(text: &str, start: usize, end: usize) -> Option<Name<'_>> {
    let bytes = text.as_bytes();
    let lowest = start.saturating_sub(NAME_BYTES_MAX);
    let mut first = start;
    while first > lowest && is_name_byte(bytes[first - 1]) {
        first -= 1;
    }
    // The letter of an escape is no part of a name: `\npassword`.
    if first < start
        && first > 0
        && bytes[first - 1] == b'\\'
        && matches!(bytes[first], b'n' | b'r' | b't')
    {
        first += 1;
    }
    let mut last = end;
    while last < bytes.len().min(end + NAME_BYTES_MAX) && is_name_byte(bytes[last]) {
        last += 1;
    }
    // `API key`, `secret key`: the word before says what sort of key.
    if first == start
        && text[start..last].eq_ignore_ascii_case("key")
        && first > 1
        && bytes[first - 1] == b' '
    {
        let mut before = first - 1;
        while before > lowest && bytes[before - 1].is_ascii_alphabetic() {
            before -= 1;
        }
        first = before;
    }
    // The rule's name in a mark announces nothing.
    let is_mark = bytes[..first].ends_with(MARK_START.as_bytes());
    (!is_mark && last - first <= NAME_BYTES_MAX).then_some(Name { text, start: first, end: last })
}

impl<'t> Name<'t> {
    fn class(&self) -> Option<NameClass> {
        classify(self.text.get(self.start..self.end)?.trim_matches('-'))
    }

    fn is_flag(&self) -> bool {
        self.text[self.start..self.end].starts_with("--")
    }

    fn is_quoted(&self) -> bool {
        let before = self.start.checked_sub(1).map(|before| self.text.as_bytes()[before]);
        matches!(before, Some(b'"' | b'\'' | b'`'))
    }

    fn is_element(&self) -> bool {
        self.start > 0 && self.text.as_bytes()[self.start - 1] == b'<'
    }

    /// Where the value begins, and whether it has quotes; none where nothing is assigned.
    fn value(&self) -> Option<(usize, Written)> {
        let bytes = self.text.as_bytes();
        let limit = bytes.len().min(self.end + GAP_BYTES_MAX);
        let mut at = self.end;
        let mut was_quoted = false;
        while at < limit
            && matches!(bytes[at], b'\\' | b'"' | b'\'' | b'`' | b']' | b')' | b' ' | b'\t')
        {
            was_quoted |= matches!(bytes[at], b'"' | b'\'' | b'`');
            at += 1;
        }
        let gap = at - self.end;
        match bytes.get(at)? {
            b'=' | b':' => {
                while at < limit && matches!(bytes[at], b'=' | b':' | b'>') {
                    at += 1;
                }
            }
            b'>' if self.is_element() && gap == 0 => at += 1,
            b',' if was_quoted && self.is_quoted() => {
                let (start, written) = skip_quotes(bytes, at + 1);
                return (written == Written::Quoted).then_some((start, written));
            }
            b'i' | b'w' if gap == 1 => {
                let verb = ["is ", "was "]
                    .into_iter()
                    .find(|verb| bytes[at..].starts_with(verb.as_bytes()))?;
                at += verb.len();
            }
            _ if self.is_flag() && gap > 0 => {
                return Some(skip_quotes(bytes, at));
            }
            _ => return None,
        }
        Some(skip_quotes(bytes, skip_type(bytes, at)))
    }
}

/// Where the text behind a type annotation begins: `: string = "…"`.
fn skip_type(bytes: &[u8], at: usize) -> usize {
    let is_type = |byte: &u8| {
        byte.is_ascii_alphanumeric()
            || matches!(byte, b' ' | b'_' | b'.' | b'<' | b'>' | b'?' | b'&')
    };
    let rest = &bytes[at..];
    let length = rest.iter().take(40).take_while(|byte| is_type(byte)).count();
    match (rest.get(length), rest.get(length + 1)) {
        (Some(b'='), Some(b' ' | b'"' | b'\''))
            if length > 1 && rest[0] == b' ' && rest[length - 1] == b' ' =>
        {
            at + length + 1
        }
        _ => at,
    }
}

/// Steps over blanks and an opening quote.
fn skip_quotes(bytes: &[u8], from: usize) -> (usize, Written) {
    let mut at = from;
    while at < bytes.len().min(from + 8) && matches!(bytes[at], b' ' | b'\t') {
        at += 1;
    }
    // `b"…"`, `r'…'`, `@"…"`: the letter is none of the value.
    let has_prefix = matches!(bytes.get(at), Some(b'b' | b'r' | b'u' | b'@'))
        && matches!(bytes.get(at + 1), Some(b'"' | b'\''));
    let mut quote = at + usize::from(has_prefix);
    while bytes.get(quote) == Some(&b'\\') && quote < at + 4 {
        quote += 1;
    }
    let mut end = quote;
    while end < quote + 3 && matches!(bytes.get(end), Some(b'"' | b'\'' | b'`')) {
        end += 1;
    }
    match end - quote {
        1 | 3 => (end, Written::Quoted),
        _ => (at, Written::Bare),
    }
}

/// Where a value ends that begins here; none where it is called or indexed and so is no value.
fn value_end(text: &str, start: usize, written: Written) -> Option<usize> {
    let at = match written {
        Written::Quoted => quoted_end(text.as_bytes(), start),
        Written::Bare | Written::Whole => bare_end(text.as_bytes(), start)?,
    };
    let value = text[start..text.floor_char_boundary(at)].trim_end_matches('\\');
    let value = match written {
        Written::Bare => value.trim_end_matches(['.', ':', '!', '?', '*']),
        Written::Quoted | Written::Whole => value,
    };
    Some(start + value.len())
}

fn quoted_end(bytes: &[u8], start: usize) -> usize {
    let quote = start.checked_sub(1).and_then(|before| bytes.get(before));
    let limit = bytes.len().min(start + QUOTED_BYTES_MAX);
    let is_end = |byte: &u8| Some(byte) == quote || *byte == b'\n';
    bytes[start..limit].iter().position(is_end).map_or(limit, |length| start + length)
}

fn bare_end(bytes: &[u8], start: usize) -> Option<usize> {
    let limit = bytes.len().min(start + BARE_BYTES_MAX);
    let mut has_brace = false;
    for at in start..limit {
        match bytes[at] {
            b'(' | b'[' => return (at == start).then_some(at),
            b'"' | b'\'' | b'`' | b',' | b';' | b'&' | b'|' | b'<' | b'>' | b')' | b']' => {
                return Some(at);
            }
            b'{' => has_brace = true,
            b'}' if !has_brace => return Some(at),
            b'\\'
                if matches!(bytes.get(at + 1), Some(b'n' | b'r' | b't' | b'"' | b'\'' | b'\\')) =>
            {
                return Some(at);
            }
            byte if byte.is_ascii_whitespace() => return Some(at),
            _ => {}
        }
    }
    Some(limit)
}

/// Whether a raw text might assign something at a literal of a name. It errs on the side of yes,
/// for it may stand among escapes.
pub(super) fn might_assign(raw: &str, start: usize, end: usize) -> bool {
    let Some(name) = name_around(raw, start, end) else { return false };
    let bytes = raw.as_bytes();
    let rest = &bytes[name.end..bytes.len().min(name.end + GAP_BYTES_MAX)];
    let gap = rest
        .iter()
        .take_while(|byte| matches!(byte, b'\\' | b'"' | b'\'' | b'`' | b']' | b')' | b' ' | b'\t'))
        .count();
    let is_operator = match rest.get(gap) {
        Some(b':' | b'=') => !is_plain_value(&bytes[name.end + gap + 1..]),
        Some(b'>') => name.is_element(),
        Some(b',') => gap > 0,
        Some(b'i' | b'w') => gap == 1 && is_told(&bytes[name.end + gap..]),
        Some(_) => name.is_flag() && gap > 0,
        None => false,
    };
    is_operator && name.class().is_some()
}

/// Whether `is` or `was` and a long word follow.
fn is_told(rest: &[u8]) -> bool {
    let told = rest.strip_prefix(b"is ").or_else(|| rest.strip_prefix(b"was "));
    told.is_some_and(|value| value.iter().take(6).filter(|byte| **byte != b' ').count() == 6)
}

/// Whether a number, an object or nothing follows, as after `"total_tokens":`.
fn is_plain_value(rest: &[u8]) -> bool {
    let mut rest = rest;
    while let [b' ', tail @ ..] = rest {
        rest = tail;
    }
    match rest {
        // A list or an object of texts may hold it.
        [b'[' | b'{', b'"', ..] => false,
        [] | [b'{' | b'[' | b'}' | b']' | b')' | b'(' | b'|' | b',' | b';', ..] => true,
        [b'0'..=b'9', ..] => {
            let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
            !rest.get(digits).is_some_and(|byte| {
                byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'-' | b'!' | b'@')
            })
        }
        _ => false,
    }
}

/// The secret values that a name announces, as ranges of the text with the name's class.
pub(super) fn find(
    text: &str,
    start: usize,
    end: usize,
    found: &mut impl FnMut(usize, usize, NameClass),
) {
    let Some(name) = name_around(text, start, end) else { return };
    let Some(class) = name.class() else { return };
    let Some((value_start, written)) = name.value() else { return };
    if class == NameClass::Cookie {
        let rest = &text[value_start..text.floor_char_boundary(value_start + QUOTED_BYTES_MAX)];
        let line = rest.find(['"', '\'', '\n', '\\']).map_or(rest, |at| &rest[..at]);
        find_in_cookies(line, |from, to| found(value_start + from, value_start + to, class));
        return;
    }
    let value_start = value_start + scheme_len(&text[value_start..], class);
    let Some(value_end) = value_end(text, value_start, written) else { return };
    if is_secret(&text[value_start..value_end], class, written) {
        found(value_start, value_end, class);
    }
}

/// The secret parts of a JSON string whose key announces one.
pub(super) fn find_in_value(value: &str, class: NameClass, mut found: impl FnMut(usize, usize)) {
    if class == NameClass::Cookie {
        return find_in_cookies(value, found);
    }
    let start = scheme_len(value, class);
    if is_secret(&value[start..], class, Written::Whole) {
        found(start, value.len());
    }
}

/// Bytes of the scheme's name before an authorization's credential: `Bearer `, `token `.
fn scheme_len(value: &str, class: NameClass) -> usize {
    if class != NameClass::Authorization {
        return 0;
    }
    let letters =
        value.bytes().take_while(|byte| byte.is_ascii_alphabetic() || *byte == b'-').count();
    let is_scheme = (3..=16).contains(&letters) && value.as_bytes().get(letters) == Some(&b' ');
    if is_scheme { letters + 1 } else { 0 }
}

/// Pairs of a cookie header that are looked at.
const COOKIE_COUNT_MAX: usize = 64;

fn find_in_cookies(header: &str, mut found: impl FnMut(usize, usize)) {
    let mut at = 0;
    for pair in header.split(';').take(COOKIE_COUNT_MAX) {
        if let Some(equals) = pair.find('=') {
            let value = &pair[equals + 1..];
            if is_secret(value, NameClass::Token, Written::Quoted) {
                found(at + equals + 1, at + pair.len());
            }
        }
        at += pair.len() + 1;
    }
}

/// Whether a value is one that its name announces.
pub(super) fn is_secret(value: &str, class: NameClass, written: Written) -> bool {
    let value = head(value);
    if value.len() < 4 || is_placeholder(value) || is_place(value) {
        return false;
    }
    match class {
        NameClass::Password => is_password(value, written),
        NameClass::Key => value.len() >= 10 && is_key(value, written),
        NameClass::Secret => value.len() >= 8 && is_key(value, written),
        NameClass::Token | NameClass::Authorization | NameClass::Cookie => {
            value.len() >= 16 && !is_uuid(value) && is_key(value, written)
        }
    }
}

fn is_password(value: &str, written: Written) -> bool {
    let makeup = Makeup::of(value);
    let is_mixed = makeup.letters() > 0 && (makeup.digit > 0 || makeup.special > 0);
    if makeup.space > 0 || is_code_name(value) {
        return false;
    }
    match written {
        Written::Whole => is_mixed || value.len() >= 8 || makeup.digit == value.len(),
        Written::Quoted => {
            value.len() >= 5 && (is_mixed || value.len() >= 8 && !is_identifier(value))
        }
        Written::Bare => value.len() >= 6 && makeup.letters() > 0 && makeup.digit > 0,
    }
}

/// Whether a value is random enough for a key, a secret or a token.
fn is_key(value: &str, written: Written) -> bool {
    let makeup = Makeup::of(value);
    if makeup.space > 0 || is_code_name(value) || is_identifier(value) || is_figure(value) {
        return false;
    }
    if written == Written::Bare
        && value.bytes().any(|byte| matches!(byte, b'{' | b'}' | b'*' | b'^' | b'\\'))
    {
        return false;
    }
    // A path of modules: `ed25519::SigningKey`.
    if value.contains("::") {
        return false;
    }
    let is_mixed = makeup.letters() > 0 && makeup.digit > 0;
    let is_long = value.len() >= 24 && makeup.lower > 0 && makeup.upper > 0;
    let floor = if is_mixed { 2.8 } else { 3.8 };
    (is_mixed || is_long) && entropy(value.as_bytes()) >= floor
}
