//! The grammar of attributes (CloudEvents 1.0, "Naming Conventions" and "Type System").
//!
//! It judges texts and changes none. URIs are held to RFC 3986, times to RFC 3339.

use crate::json::{JsonKind, as_str, kind};
use crate::time::{ParsedTime, Timestamp};

/// Why an attribute's name is none.
pub(super) const NAME_PROBLEM: &str =
    "an attribute's name consists of a-z and 0-9 and is not `data`";

/// Why an array or an object is no attribute.
pub(super) const STRUCTURE_PROBLEM: &str =
    "an attribute is a string, an integer or a boolean; structure belongs into `data`";

/// Whether a name is one of an attribute. Names of more than 20 characters are discouraged, not wrong.
pub(super) fn is_attribute_name(name: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    !name.is_empty() && name.bytes().all(is_allowed) && name != "data"
}

/// What is wrong with an attribute's value, given as JSON; the attribute is one that may be a
/// boolean, an integer or a string. `null` is the same as absent.
pub(super) fn value_problem(value: &str) -> Option<&'static str> {
    match kind(value) {
        JsonKind::Null | JsonKind::Bool => None,
        JsonKind::Number if value.parse::<i32>().is_ok() => None,
        JsonKind::Number => Some("a number is an integer of 32 bits"),
        JsonKind::String => as_str(value).and_then(|text| string_problem(&text)),
        JsonKind::Array | JsonKind::Object => Some(STRUCTURE_PROBLEM),
    }
}

/// What is wrong with a text as a value of the type String.
pub(super) fn string_problem(text: &str) -> Option<&'static str> {
    text.chars().any(is_disallowed).then_some("it holds a control character or a noncharacter")
}

/// Control characters, and code points that are no characters. Surrogates cannot come here.
pub(super) fn is_disallowed(character: char) -> bool {
    let code = u32::from(character);
    character.is_control() || code & 0xfffe == 0xfffe || (0xfdd0..=0xfdef).contains(&code)
}

/// Reads a time. RFC 3339 demands a zone and a `T`, which our own reader does not.
pub(super) fn time(text: &str) -> Option<ParsedTime> {
    let parsed = Timestamp::parse(text).ok().filter(|parsed| !parsed.zone_assumed)?;
    matches!(text.as_bytes().get(10), Some(b'T' | b't')).then_some(parsed)
}

/// Whether a text is a URI: it has a scheme.
pub(super) fn is_uri(text: &str) -> bool {
    is_uri_reference(text) && scheme_end(text).is_some()
}

/// Whether a text is a URI or a relative reference (RFC 3986, section 4.1) and not empty.
pub(super) fn is_uri_reference(text: &str) -> bool {
    if text.is_empty() {
        return false;
    }
    let (rest, fragment) = split_at_first(text, '#');
    let (rest, query) = split_at_first(rest, '?');
    let is_tail = |tail: Option<&str>| tail.is_none_or(|tail| is_made_of(tail, b":@/?"));
    is_tail(fragment) && is_tail(query) && is_hierarchy(rest)
}

fn split_at_first(text: &str, mark: char) -> (&str, Option<&str>) {
    text.split_once(mark).map_or((text, None), |(before, after)| (before, Some(after)))
}

/// Where the scheme of a URI ends, if it has one.
fn scheme_end(text: &str) -> Option<usize> {
    let end = text.find([':', '/', '?', '#']).filter(|end| text[*end..].starts_with(':'))?;
    let scheme = &text.as_bytes()[..end];
    let is_inner = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    let is_scheme =
        scheme.first().is_some_and(u8::is_ascii_alphabetic) && scheme.iter().all(is_inner);
    is_scheme.then_some(end)
}

/// Scheme, authority and path.
fn is_hierarchy(text: &str) -> bool {
    let (rest, has_scheme) = match scheme_end(text) {
        Some(end) => (&text[end + 1..], true),
        None => (text, false),
    };
    if let Some(rest) = rest.strip_prefix("//") {
        let path_start = rest.find('/').unwrap_or(rest.len());
        return is_authority(&rest[..path_start]) && is_made_of(&rest[path_start..], b":@/");
    }
    // Without a scheme a colon in the first segment would be read as the end of one.
    let first = rest.split('/').next().unwrap_or_default();
    is_made_of(rest, b":@/") && (has_scheme || !first.contains(':'))
}

fn is_authority(text: &str) -> bool {
    let (user, host_port) = text.rsplit_once('@').unwrap_or(("", text));
    let (host, port) = match host_port.strip_prefix('[') {
        Some(literal) => {
            let Some((address, after)) = literal.split_once(']') else { return false };
            let is_address = !address.is_empty() && is_made_of(address, b":");
            return is_made_of(user, b":") && is_address && is_port(after.strip_prefix(':'), after);
        }
        None => split_at_first(host_port, ':'),
    };
    is_made_of(user, b":") && is_made_of(host, b"") && is_port(port, "")
}

/// Whether what follows a host is a port or nothing.
fn is_port(port: Option<&str>, without_colon: &str) -> bool {
    port.map_or(without_colon.is_empty(), |port| port.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Whether a text consists of unreserved characters, sub-delimiters, percent-encoded bytes and `also`.
fn is_made_of(text: &str, also: &[u8]) -> bool {
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let is_allowed = match byte {
            b'%' => {
                let digits = [bytes.next(), bytes.next()];
                digits.iter().all(|digit| digit.is_some_and(|digit| digit.is_ascii_hexdigit()))
            }
            b'-' | b'.' | b'_' | b'~' | b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+'
            | b',' | b';' | b'=' => true,
            byte => byte.is_ascii_alphanumeric() || also.contains(&byte),
        };
        if !is_allowed {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_lower_case_letters_and_digits() {
        for name in
            ["id", "comexampleextension1", "1st", "averylongnamethatisdiscouragedbutnotwrong"]
        {
            assert!(is_attribute_name(name), "{name}");
        }
        for name in ["", "data", "data_base64", "myExtension", "my-extension", "ä", "a b"] {
            assert!(!is_attribute_name(name), "{name}");
        }
    }

    #[test]
    fn values_are_strings_integers_and_booleans() {
        for value in
            ["null", "true", "0", "-2147483648", "2147483647", r#""""#, r#""a b""#, r#""😀""#]
        {
            assert_eq!(value_problem(value), None, "{value}");
        }
        let wrong = [
            "1.5",
            "1.0",
            "1e3",
            "2147483648",
            "[]",
            "{}",
            r#""a\nb""#,
            r#""\u0085""#,
            r#""\ufffe""#,
            r#""\ufdd0""#,
        ];
        for value in wrong {
            assert!(value_problem(value).is_some(), "{value}");
        }
    }

    #[test]
    fn uri_references_are_those_of_rfc_3986() {
        let right = [
            "https://github.com/cloudevents",
            "mailto:cncf-wg-serverless@lists.cncf.io",
            "urn:uuid:6e8bc430-9c3a-11d9-9669-0800200c9a66",
            "/cloudevents/spec/pull/123",
            "/sensors/tn-1234567/alerts",
            "1-555-123-4567",
            "cloudevents/spec/pull/123",
            "//pubsub.googleapis.com/projects/p/topics/t",
            "io.knative.lambda/operator/default/hello",
            "http://[::1]:8080/a?b=c/d?e#f/?",
            "http://user:word@host:99/%7Euser",
            "a/b:c",
            ".",
            "?q",
            "#f",
            "annals:default",
            "http://host:",
        ];
        for text in right {
            assert!(is_uri_reference(text), "{text}");
        }
        let wrong = [
            "",
            "a b",
            "http://exa mple",
            "1:2",
            ":a",
            "ä",
            "http://host:port",
            "a#b#c",
            "%zz",
            "%4",
            "http://[::1",
            "<a>",
            "a\\b",
            "http://a[b]/",
            "{x}",
            "http://[]/",
            "a\nb",
        ];
        for text in wrong {
            assert!(!is_uri_reference(text), "{text}");
        }
        assert!(is_uri("https://example.com/schema#/definitions/a") && !is_uri("/schema.json"));
    }

    #[test]
    fn times_have_a_zone_and_a_t() {
        for text in
            ["2018-04-05T17:31:00Z", "2018-04-05t17:31:00.123456789z", "2018-04-05T17:31:00+02:00"]
        {
            assert!(time(text).is_some(), "{text}");
        }
        for text in ["2018-04-05T17:31:00", "2018-04-05 17:31:00Z", "2018-04-05", "1522949460", ""]
        {
            assert!(time(text).is_none(), "{text}");
        }
    }
}
