//! What a text looks like: how random it is, and whether it is a placeholder, a word, a path, code.
//!
//! These judge values that stand beside a suspicious name. On its own no text is a secret because
//! it looks random: ids, hashes and images do, too.

/// Shannon entropy in bits per byte.
pub(super) fn entropy(bytes: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in bytes {
        counts[usize::from(*byte)] += 1;
    }
    let total = f64::from(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
    let share = |count: u32| {
        let part = f64::from(count) / total;
        -part * part.log2()
    };
    counts.into_iter().filter(|count| *count > 0).map(share).sum()
}

/// Bytes of a value that are looked at to judge it, so that long values cost no more.
pub(super) const JUDGED_BYTES_MAX: usize = 256;

/// A value's beginning, which is what is judged.
pub(super) fn head(value: &str) -> &str {
    let end = value.floor_char_boundary(JUDGED_BYTES_MAX);
    &value[..end]
}

/// Which kinds of characters a value has.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Makeup {
    pub(super) lower: usize,
    pub(super) upper: usize,
    pub(super) digit: usize,
    pub(super) space: usize,
    /// All others but `_`, `-`, `.`, `/`.
    pub(super) special: usize,
    /// `_`, `-`, `.`, `/`.
    pub(super) joint: usize,
}

impl Makeup {
    pub(super) fn of(value: &str) -> Self {
        let mut makeup = Self::default();
        for byte in value.bytes() {
            match byte {
                b'a'..=b'z' => makeup.lower += 1,
                b'A'..=b'Z' => makeup.upper += 1,
                b'0'..=b'9' => makeup.digit += 1,
                b' ' | b'\t' | b'\n' | b'\r' => makeup.space += 1,
                b'_' | b'-' | b'.' | b'/' => makeup.joint += 1,
                _ => makeup.special += 1,
            }
        }
        makeup
    }

    pub(super) fn letters(self) -> usize {
        self.lower + self.upper
    }
}

/// Words that stand where a secret would be.
const PLACEHOLDER_WORDS: &[&str] = &[
    "abc",
    "abcdef",
    "admin",
    "any",
    "anything",
    "api",
    "apikey",
    "bar",
    "basic",
    "bearer",
    "bool",
    "boolean",
    "bytes",
    "changeit",
    "changeme",
    "clientid",
    "clientsecret",
    "credentials",
    "default",
    "demo",
    "disabled",
    "dummy",
    "empty",
    "enabled",
    "env",
    "example",
    "fake",
    "false",
    "fixme",
    "foo",
    "foobar",
    "guest",
    "here",
    "hidden",
    "hunter",
    "insert",
    "int",
    "integer",
    "key",
    "masked",
    "me",
    "missing",
    "mock",
    "my",
    "mypassword",
    "mysecret",
    "mytoken",
    "na",
    "name",
    "nil",
    "no",
    "none",
    "null",
    "number",
    "object",
    "omitted",
    "optional",
    "pass",
    "passwd",
    "passphrase",
    "password",
    "placeholder",
    "postgres",
    "private",
    "pwd",
    "redacted",
    "removed",
    "replace",
    "replaceme",
    "required",
    "root",
    "sample",
    "scrubbed",
    "secret",
    "secretkey",
    "sensitive",
    "some",
    "str",
    "string",
    "tbd",
    "test",
    "testing",
    "testpass",
    "testpassword",
    "text",
    "the",
    "todo",
    "token",
    "true",
    "undefined",
    "unset",
    "user",
    "username",
    "value",
    "verysecret",
    "xxx",
    "your",
    "yourpassword",
];

fn is_placeholder_word(word: &str) -> bool {
    word.is_empty()
        || PLACEHOLDER_WORDS.iter().any(|known| known.eq_ignore_ascii_case(word))
        || word.len() > 2 && is_one_character(word.as_bytes())
}

fn is_one_character(bytes: &[u8]) -> bool {
    bytes.first().is_none_or(|first| bytes.iter().all(|byte| byte == first))
}

/// Whether a value only says that a secret belongs there.
pub(super) fn is_placeholder(value: &str) -> bool {
    let value = value.trim();
    let bytes = value.as_bytes();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else { return true };
    let is_wrapped =
        matches!((first, last), (b'<', b'>') | (b'{', b'}') | (b'[', b']') | (b'%', b'%'))
            || value.starts_with("__") && value.ends_with("__");
    is_wrapped
        || matches!(first, b'$' | b'`') && !value[1..].contains(['$', '!', '#', '*'])
        || ["${", "$(", "{{", "<%", "#{", "%(", "%s", "$env:", "[redacted"]
            .iter()
            .any(|part| value.contains(part))
        || value.contains("...")
        || value.contains('…')
        || value.contains("***")
        || value.contains("•••")
        || is_run_out(bytes)
        || is_words_only(value)
}

/// Whether it counts up or repeats itself: `xxxxxxxx`, `000000`, `xxxx-xxxx`.
fn is_run_out(bytes: &[u8]) -> bool {
    let mut seen = [false; 256];
    let core = bytes.iter().filter(|byte| byte.is_ascii_alphanumeric());
    for byte in core {
        seen[usize::from(byte.to_ascii_lowercase())] = true;
    }
    seen.into_iter().filter(|is_seen| *is_seen).count() <= 1
}

/// Whether all its words are such that stand for a secret: `your-api-key-here`, `password1`.
fn is_words_only(value: &str) -> bool {
    value
        .split(|character: char| !character.is_ascii_alphanumeric())
        .all(|word| is_placeholder_word(word.trim_end_matches(|last: char| last.is_ascii_digit())))
}

/// Whether it is a name in code or of an environment variable rather than a value.
pub(super) fn is_identifier(value: &str) -> bool {
    let is_part = |part: &str| {
        part.bytes().next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    let is_word = |part: &str| is_part(part) && !has_mixed_digits(part);
    let is_shouted =
        value.bytes().all(|byte| byte.is_ascii_uppercase() || matches!(byte, b'_' | b'0'..=b'9'))
            && value.contains('_')
            && value.split('_').all(|part| !has_mixed_digits(part));
    is_shouted || value.split(['.', ':', '-']).all(|part| part.is_empty() || is_word(part))
}

/// Whether it reads as an expression: `self.password`, `GITHUB_TOKEN`, `user_password`.
pub(super) fn is_code_name(value: &str) -> bool {
    value.contains(['.', '_']) && is_identifier(value)
}

/// Whether digits stand between letters, or many of them behind: not so in names.
fn has_mixed_digits(part: &str) -> bool {
    let trimmed = part.trim_end_matches(|last: char| last.is_ascii_digit());
    part.len() - trimmed.len() > 4 || trimmed.bytes().filter(u8::is_ascii_digit).count() > 0
}

/// Whether it names a place: a path, an address, a file.
pub(super) fn is_place(value: &str) -> bool {
    let has_drive = value.as_bytes().get(1..3) == Some(b":\\");
    if has_drive
        || value.contains("://")
        || value.starts_with(['/', '~', '\\'])
        || value.starts_with("./")
        || value.starts_with("../")
    {
        return true;
    }
    let mut segments = value.split(['/', '\\']);
    let has_many = value.contains(['/', '\\']);
    let is_plain = |segment: &str| {
        segment
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
            && !(segment.len() >= 12 && has_mixed_digits(segment) && has_both_cases(segment))
    };
    let is_random = value.len() >= 32 && !value.contains('.') && entropy(value.as_bytes()) >= 4.3;
    has_many
        && !is_random
        && !value.ends_with('=')
        && !value.contains('+')
        && segments.all(|segment| segment.len() <= 32 && is_plain(segment))
}

fn has_both_cases(text: &str) -> bool {
    text.bytes().any(|byte| byte.is_ascii_uppercase())
        && text.bytes().any(|byte| byte.is_ascii_lowercase())
}

/// Whether it has the form of a UUID.
pub(super) fn is_uuid(value: &str) -> bool {
    value.len() == 36
        && value.bytes().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// Whether it reads as a date, a version, a number with a unit or another plain figure.
pub(super) fn is_figure(value: &str) -> bool {
    let makeup = Makeup::of(value);
    makeup.letters() <= 2 && makeup.special <= 4
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entropy_is_that_of_the_bytes() {
        assert!(entropy(b"aaaa") < 1e-9);
        assert!((entropy(b"abab") - 1.0).abs() < 1e-9);
        assert!((entropy(b"abcdefgh") - 3.0).abs() < 1e-9);
    }

    #[test]
    fn tells_placeholders_from_values() {
        for placeholder in [
            "",
            "<password>",
            "${TOKEN}",
            "$TOKEN",
            "{{ .Values.x }}",
            "xxxxxxxx",
            "********",
            "your-api-key-here",
            "YOUR_TOKEN",
            "changeme",
            "password1",
            "[redacted:x:00]",
            "%PASS%",
            "xxxx-xxxx-xxxx",
            "abc...xyz",
            "test_password",
            "null",
            "00000000",
        ] {
            assert!(is_placeholder(placeholder), "{placeholder}");
        }
        for value in ["hunter2x", "P@ssw0rd$1", "d2LkV78zLx!t", "h0pk1ns~21s", "correct horse"] {
            assert!(!is_placeholder(value), "{value}");
        }
    }

    #[test]
    fn tells_names_in_code_from_values() {
        for name in [
            "GITHUB_TOKEN",
            "process.env.API_KEY",
            "self.password",
            "userToken2",
            "get-token",
            "OAUTH2_TOKEN",
        ] {
            assert!(is_identifier(name), "{name}");
        }
        for value in ["a8f5f167f44f4964e6c998dee827110c", "x7Gd-99Ab3c", "hunter2!"] {
            assert!(!is_identifier(value), "{value}");
        }
    }

    #[test]
    fn tells_places_from_values() {
        for place in
            ["/etc/passwd", "~/.ssh/id_rsa", "src/auth/token.rs", "https://x.org/a", "a/b/c"]
        {
            assert!(is_place(place), "{place}");
        }
        for value in ["wJalrXUtnFEMI/K7MDENG/bPxRfiCYzzzzzzzKEY", "aGVsbG8/d29ybGQ="] {
            assert!(!is_place(value), "{value}");
        }
    }
}
