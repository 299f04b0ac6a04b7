//! Media types, as far as they say in which form an event's data is (RFC 2045, RFC 2046).
//!
//! Names are compared in any case, as the RFC demands. What a type means beyond that is not known here.

use std::borrow::Cow;

/// A media type that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaType<'a> {
    kind: &'a str,
    subtype: &'a str,
    charset: Option<Cow<'a, str>>,
}

impl<'a> MediaType<'a> {
    /// Reads `type/subtype` and its parameters; none for any other text.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let (essence, mut rest) = match text.find(';') {
            Some(end) => (&text[..end], &text[end..]),
            None => (text, ""),
        };
        let (kind, subtype) = essence.trim().split_once('/')?;
        if !is_token(kind) || !is_token(subtype) {
            return None;
        }
        let mut charset = None;
        while let Some(parameter) = rest.trim_start().strip_prefix(';') {
            rest = parameter.trim_start();
            if rest.is_empty() || rest.starts_with(';') {
                continue;
            }
            let (name, value, after) = split_parameter(rest)?;
            if name.eq_ignore_ascii_case("charset") {
                charset = Some(value);
            }
            rest = after;
        }
        rest.trim().is_empty().then_some(Self { kind, subtype, charset })
    }

    /// Whether this is a type of two names, whatever its parameters.
    #[must_use]
    pub fn is(&self, kind: &str, subtype: &str) -> bool {
        self.kind.eq_ignore_ascii_case(kind) && self.subtype.eq_ignore_ascii_case(subtype)
    }

    /// Whether the data is JSON (CloudEvents JSON format, section 3.1.1).
    #[must_use]
    pub fn is_json(&self) -> bool {
        self.subtype.eq_ignore_ascii_case("json") || self.ends_with("+json")
    }

    /// Whether the data is meant to be read as text: it says so by its type or by naming a charset.
    #[must_use]
    pub fn is_text(&self) -> bool {
        const TEXTS: [&str; 6] =
            ["xml", "yaml", "x-yaml", "toml", "javascript", "x-www-form-urlencoded"];
        self.kind.eq_ignore_ascii_case("text")
            || self.charset.is_some()
            || TEXTS.iter().any(|text| self.subtype.eq_ignore_ascii_case(text))
            || self.ends_with("+xml")
            || self.ends_with("+yaml")
    }

    /// Whether a text of this type has these bytes when written as UTF-8: what its charset says of
    /// them, where there is one.
    #[must_use]
    pub fn is_utf8(&self, text: &[u8]) -> bool {
        match self.charset.as_deref() {
            None => std::str::from_utf8(text).is_ok(),
            Some(name)
                if name.eq_ignore_ascii_case("utf-8") || name.eq_ignore_ascii_case("utf8") =>
            {
                std::str::from_utf8(text).is_ok()
            }
            Some(name)
                if name.eq_ignore_ascii_case("us-ascii") || name.eq_ignore_ascii_case("ascii") =>
            {
                text.is_ascii()
            }
            Some(_) => false,
        }
    }

    fn ends_with(&self, suffix: &str) -> bool {
        let start = self.subtype.len().checked_sub(suffix.len());
        let end = start.and_then(|start| self.subtype.get(start..));
        end.is_some_and(|end| end.eq_ignore_ascii_case(suffix)) && self.subtype.len() > suffix.len()
    }
}

/// Name and value of the parameter that a text begins with, and what follows.
fn split_parameter(text: &str) -> Option<(&str, Cow<'_, str>, &str)> {
    let (name, value) = text.split_once('=')?;
    let name = name.trim_end();
    if !is_token(name) {
        return None;
    }
    let value = value.trim_start();
    if value.starts_with('"') {
        let (value, after) = unquote(value)?;
        return Some((name, Cow::Owned(value), after));
    }
    let (value, after) = value.split_at(value.find(';').unwrap_or(value.len()));
    let value = value.trim_end();
    is_token(value).then_some((name, Cow::Borrowed(value), after))
}

/// The content of the quoted string that a text begins with, and what follows (RFC 7230, 3.2.6).
pub(super) fn unquote(text: &str) -> Option<(String, &str)> {
    let mut content = String::new();
    let mut characters = text.strip_prefix('"')?.chars();
    loop {
        match characters.next()? {
            '"' => return Some((content, characters.as_str())),
            '\\' => content.push(characters.next()?),
            character => content.push(character),
        }
    }
}

fn is_token(text: &str) -> bool {
    let is_special = |byte: u8| b"()<>@,;:\\\"/[]?=".contains(&byte);
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() && !is_special(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_json_and_text_from_the_rest() {
        let of = |text| MediaType::parse(text).map(|media| (media.is_json(), media.is_text()));
        assert_eq!(of("application/json"), Some((true, false)));
        assert_eq!(of("Application/JSON; CharSet=\"utf-8\""), Some((true, true)));
        assert_eq!(of("application/vnd.github+json"), Some((true, false)));
        assert_eq!(of("application/xml"), Some((false, true)));
        assert_eq!(of("image/svg+xml;"), Some((false, true)));
        assert_eq!(of("text/plain; a=b ; c=\"d;\\\"e\""), Some((false, true)));
        assert_eq!(of("application/octet-stream"), Some((false, false)));
        assert_eq!(of("application/+json"), Some((false, false)));
        for wrong in
            ["", "json", "a/", "/b", "a/b c", "a/b; c", "a/b; c=", "a/b; c=\"d", "a b/c", "a/b/c"]
        {
            assert_eq!(of(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn knows_which_bytes_are_the_text_in_its_charset() {
        let fits = |text: &str, bytes: &[u8]| MediaType::parse(text).unwrap().is_utf8(bytes);
        assert!(
            fits("text/plain", "ä".as_bytes()) && fits("text/plain; charset=UTF-8", "ä".as_bytes())
        );
        assert!(fits("text/plain; charset=us-ascii", b"a"));
        assert!(!fits("text/plain; charset=us-ascii", "ä".as_bytes()));
        assert!(!fits("text/plain; charset=iso-8859-1", b"a") && !fits("text/plain", b"\xff"));
    }
}
