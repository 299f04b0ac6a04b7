//! Secrets that are known by where they stand: in addresses, behind `curl -u`, behind `Bearer`,
//! between the lines of a PEM block, near an access key's id.
//!
//! Every function reads on from one place and stops at the first byte that its secret cannot have.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use super::assign::{Written, is_secret};
use super::names::NameClass;
use super::shape::{Makeup, entropy, head, is_identifier, is_placeholder};

/// A range of a text.
pub(super) type Range = std::ops::Range<usize>;

/// Bytes of an address before its host.
const USERINFO_BYTES_MAX: usize = 512;

/// The password, or the token that stands for a user, in an address; `at` is behind its `://`.
pub(super) fn userinfo_secret(text: &str, at: usize) -> Option<Range> {
    let rest = text.as_bytes().get(at..)?;
    let rest = &rest[..rest.len().min(USERINFO_BYTES_MAX)];
    let is_end = |byte: &u8| {
        byte.is_ascii_whitespace()
            || matches!(
                byte,
                b'/' | b'?'
                    | b'#'
                    | b'"'
                    | b'\''
                    | b'`'
                    | b'<'
                    | b'>'
                    | b'\\'
                    | b'('
                    | b')'
                    | b'{'
                    | b'}'
                    | b'|'
            )
    };
    let end = rest.iter().position(is_end).unwrap_or(rest.len());
    let host = rest[..end].iter().rposition(|byte| *byte == b'@')?;
    let userinfo = text.get(at..at + host)?;
    match userinfo.find(':') {
        Some(colon) => {
            let password = &userinfo[colon + 1..];
            let is_one = password.len() >= 3 && !is_placeholder(password);
            is_one.then_some(at + colon + 1..at + host)
        }
        None => {
            let is_token =
                userinfo.len() >= 20 && is_secret(userinfo, NameClass::Token, Written::Quoted);
            is_token.then_some(at..at + host)
        }
    }
}

/// Bytes of a command that are read.
const COMMAND_BYTES_MAX: usize = 4 << 10;

/// The passwords that a `curl` command is given; `at` is behind the word.
pub(super) fn curl_secrets(text: &str, at: usize, mut found: impl FnMut(Range)) {
    let end = text.floor_char_boundary(at + COMMAND_BYTES_MAX);
    let mut words = ShellWords { text, at, end };
    while let Some(word) = words.next() {
        let option = &text[word.clone()];
        let value = if matches!(option, "-u" | "--user" | "-U" | "--proxy-user") {
            let Some(value) = words.next() else { return };
            value
        } else if let Some(start) = option.find('=').filter(|_| option.starts_with("--user=")) {
            word.start + start + 1..word.end
        } else if option.starts_with("-u") && option.contains(':') {
            word.start + 2..word.end
        } else {
            continue;
        };
        if let Some(secret) = user_password(text, value) {
            found(secret);
        }
    }
}

const QUOTES: [char; 3] = ['"', '\'', '\\'];

/// The secret half of `user:password`.
fn user_password(text: &str, word: Range) -> Option<Range> {
    let value = &text[word.clone()];
    let colon = value.find(':')?;
    let (user, password) = (&value[..colon], &value[colon + 1..]);
    let inner = |part: &str, offset: usize| {
        let start = part.len() - part.trim_start_matches(QUOTES).len();
        let bare = part.trim_matches(QUOTES);
        (offset + start, bare.len())
    };
    let (start, length) = inner(password, word.start + colon + 1);
    if length > 0 {
        let secret = start..start + length;
        return is_typed_password(&text[secret.clone()]).then_some(secret);
    }
    // `-u key:` is how an API key is sent without a password.
    let (start, length) = inner(user, word.start);
    let secret = start..start + length;
    is_typed_password(&text[secret.clone()]).then_some(secret)
}

fn is_typed_password(value: &str) -> bool {
    let makeup = Makeup::of(head(value));
    let is_shuffled = value.len() >= 12
        && makeup.lower > 3
        && makeup.upper > 3
        && entropy(head(value).as_bytes()) >= 3.5;
    let is_mixed = is_shuffled || makeup.letters() > 0 && (makeup.digit > 0 || makeup.special > 0);
    let bare = value.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or(value);
    value.len() >= 4
        && is_mixed
        && !is_placeholder(bare)
        && !(bare.len() < value.len() && is_identifier(bare))
        && !value.contains("${")
}

/// The words of a command, up to its end.
struct ShellWords<'t> {
    text: &'t str,
    at: usize,
    end: usize,
}

impl Iterator for ShellWords<'_> {
    type Item = Range;

    fn next(&mut self) -> Option<Range> {
        let bytes = self.text.as_bytes();
        while self.at < self.end {
            match bytes[self.at] {
                b' ' | b'\t' => self.at += 1,
                // A line goes on behind a backslash, also where the line break is an escape.
                b'\\' if matches!(bytes.get(self.at + 1), Some(b'\n' | b'\r')) => self.at += 2,
                b'\n' | b';' | b'|' => return None,
                _ => break,
            }
        }
        let start = self.at;
        let mut quote = None;
        while self.at < self.end {
            let byte = bytes[self.at];
            match quote {
                Some(open) if byte == open => quote = None,
                Some(_) => {}
                None if matches!(byte, b'"' | b'\'') => quote = Some(byte),
                None if byte.is_ascii_whitespace() || matches!(byte, b';' | b'|') => break,
                None => {}
            }
            self.at += 1;
        }
        (start < self.at).then_some(start..self.at)
    }
}

/// The credential behind `Bearer`; `at` is behind the word.
pub(super) fn bearer_secret(text: &str, at: usize) -> Option<Range> {
    let (start, end) = credential(text, at)?;
    is_secret(&text[start..end], NameClass::Authorization, Written::Quoted).then_some(start..end)
}

/// The credential behind `Basic`: base64 of a user and a password.
pub(super) fn basic_secret(text: &str, at: usize) -> Option<Range> {
    let (start, end) = credential(text, at)?;
    let value = text[start..end].trim_end_matches('=');
    let is_sized = (8..=1024).contains(&value.len());
    let decoded = is_sized.then(|| STANDARD_NO_PAD.decode(value).ok()).flatten()?;
    let is_pair = decoded.contains(&b':')
        && std::str::from_utf8(&decoded).is_ok_and(|text| !text.chars().any(char::is_control));
    is_pair.then_some(start..end)
}

fn credential(text: &str, at: usize) -> Option<(usize, usize)> {
    let bytes = text.as_bytes();
    let blanks =
        bytes.get(at..)?.iter().take(3).take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    let start = at + blanks;
    let is_part = |byte: &u8| {
        byte.is_ascii_alphanumeric()
            || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'+' | b'/' | b'=')
    };
    let length = bytes.get(start..)?.iter().take_while(|byte| is_part(byte)).count();
    let value = text[start..start + length].trim_end_matches('.');
    (blanks > 0 && !value.is_empty()).then_some((start, start + value.len()))
}

/// Characters of a key below which a PEM block holds none.
const PEM_CHARACTERS_MIN: usize = 40;
const RULE: &str = "-----";

/// A block with a private key; `at` is behind its first `-----BEGIN `.
pub(super) fn pem_secret(text: &str, at: usize) -> Option<Range> {
    let start = at.checked_sub("-----BEGIN ".len())?;
    let rest = text.get(at..)?;
    let is_label = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b' ';
    let label_len = rest.bytes().take(48).take_while(|byte| is_label(byte)).count();
    let body_start = at + label_len + RULE.len();
    if !rest[..label_len].contains("PRIVATE KEY") || !rest[label_len..].starts_with(RULE) {
        return None;
    }
    let body = text.get(body_start..)?;
    let end = match body.find(RULE) {
        Some(end) if body[end..].starts_with("-----END ") => {
            let tail = &body[end + "-----END ".len()..];
            let close = tail.bytes().take(48).take_while(|byte| is_label(byte)).count();
            let is_closed = tail[close..].starts_with(RULE);
            let rule = if is_closed { RULE.len() } else { 0 };
            (body_start + end, body_start + end + "-----END ".len() + close + rule)
        }
        // Cut off before its end: what looks like its lines goes.
        _ => {
            let length = body.bytes().take_while(|byte| is_pem_byte(*byte)).count();
            (body_start + length, body_start + length)
        }
    };
    let key = text.get(body_start..end.0)?;
    let count = key.bytes().filter(u8::is_ascii_alphanumeric).count();
    (count >= PEM_CHARACTERS_MIN && entropy(head(key.trim()).as_bytes()) >= 3.0)
        .then_some(start..end.1)
}

fn is_pem_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || byte.is_ascii_whitespace()
        || matches!(byte, b'+' | b'/' | b'=' | b'\\')
}

/// Bytes around an access key's id in which its secret may stand.
const AWS_NEAR_BYTES: usize = 240;
const AWS_SECRET_BYTES: usize = 40;

/// The secret access keys near an access key's id.
pub(super) fn aws_secrets_near(text: &str, id: &Range, mut found: impl FnMut(Range)) {
    let bytes = text.as_bytes();
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'+');
    let mut at = id.start.saturating_sub(AWS_NEAR_BYTES);
    let end = bytes.len().min(id.end + AWS_NEAR_BYTES);
    while at < end {
        if !is_part(bytes[at]) {
            at += 1;
            continue;
        }
        let length = bytes[at..]
            .iter()
            .take(AWS_SECRET_BYTES + 1)
            .take_while(|byte| is_part(**byte))
            .count();
        let is_start = at == 0 || !is_part(bytes[at - 1]);
        if length == AWS_SECRET_BYTES && is_start && is_aws_secret(&text[at..at + length]) {
            found(at..at + length);
        }
        at += length;
    }
}

fn is_aws_secret(value: &str) -> bool {
    let makeup = Makeup::of(value);
    makeup.lower > 3 && makeup.upper > 3 && makeup.digit > 0 && entropy(value.as_bytes()) >= 4.0
}
