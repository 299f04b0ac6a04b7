//! Names that say that a secret follows: `password`, `api_key`, `X-Auth-Token`, `clientSecret`.
//!
//! A name is read by its words, whatever joins them; what counts is how it ends. `token_count` is
//! no token, `next_page_token` is no credential, `access_key_id` is no key.

/// What kind of secret a name announces; also how much a value must look like one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NameClass {
    /// A secret that people make up: it may be short and look like a word.
    Password,
    /// A key by full name: `api_key`, `secret_access_key`.
    Key,
    /// `secret`, `client_secret`.
    Secret,
    /// `token`, `access_token`.
    Token,
    /// The value of an `Authorization` header, with its scheme.
    Authorization,
    /// Pairs of names and values, some of which are sessions.
    Cookie,
}

impl NameClass {
    /// The rule that finds such values.
    pub(super) fn rule_id(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Key => "named_key",
            Self::Secret => "named_secret",
            Self::Token => "named_token",
            Self::Authorization => "authorization",
            Self::Cookie => "cookie",
        }
    }
}

/// Every text that a suspicious name has in it; the prefilter looks for them.
pub(super) const NAME_LITERALS: &[&str] =
    &["pass", "pwd", "secret", "token", "key", "auth", "credential", "cookie"];

/// Bytes of a name beyond which it is none.
pub(super) const NAME_BYTES_MAX: usize = 64;
const WORDS_MAX: usize = 12;

/// Words that make a `key` one that opens something.
const KEY_KINDS: &[&str] = &[
    "access",
    "account",
    "admin",
    "anon",
    "api",
    "app",
    "application",
    "auth",
    "client",
    "consumer",
    "deploy",
    "encryption",
    "integration",
    "license",
    "master",
    "private",
    "role",
    "secret",
    "server",
    "service",
    "shared",
    "signing",
    "storage",
    "subscription",
    "webhook",
    "hmac",
    "cipher",
    "aes",
    "write",
    "ingest",
];

/// Words that make a `token` one that opens nothing.
const PLAIN_TOKENS: &[&str] = &[
    "any",
    "bos",
    "bpe",
    "cached",
    "class",
    "close",
    "comment",
    "completion",
    "continuation",
    "current",
    "cursor",
    "delta",
    "each",
    "empty",
    "end",
    "eof",
    "eos",
    "expected",
    "first",
    "input",
    "keyword",
    "last",
    "lexer",
    "lookahead",
    "mask",
    "max",
    "min",
    "new",
    "next",
    "num",
    "open",
    "output",
    "pad",
    "page",
    "pagination",
    "parse",
    "parser",
    "peek",
    "per",
    "prev",
    "previous",
    "prompt",
    "raw",
    "reasoning",
    "resume",
    "scroll",
    "sep",
    "skip",
    "special",
    "start",
    "stop",
    "string",
    "sync",
    "text",
    "this",
    "total",
    "unexpected",
    "unk",
    "valid",
    "whitespace",
    "word",
    "cancellation",
    "cancel",
    "placeholder",
    "thinking",
    "image",
    "audio",
];

/// Words before a `password` or `secret` that make it something else.
const NOT_VALUES: &[&str] = &[
    "bypass",
    "by",
    "change",
    "check",
    "compare",
    "confirm",
    "encode",
    "forgot",
    "generate",
    "get",
    "has",
    "hash",
    "hide",
    "invalid",
    "is",
    "max",
    "min",
    "missing",
    "no",
    "require",
    "required",
    "requires",
    "reset",
    "set",
    "show",
    "toggle",
    "update",
    "use",
    "validate",
    "verify",
    "with",
    "wrong",
    "incorrect",
];

/// The words of a name, in order.
struct Words<'n> {
    words: [&'n str; WORDS_MAX],
    count: usize,
}

impl<'n> Words<'n> {
    /// Splits at joints and where capitals begin: `apiKey`, `API_KEY`, `APIKey`, `x-api-key`.
    fn of(name: &'n str) -> Self {
        let mut words = Self { words: [""; WORDS_MAX], count: 0 };
        let bytes = name.as_bytes();
        let mut start = 0;
        for (index, byte) in bytes.iter().enumerate() {
            let before = index.checked_sub(1).and_then(|at| bytes.get(at));
            let behind = bytes.get(index + 1);
            let is_joint = !byte.is_ascii_alphanumeric();
            let begins = byte.is_ascii_uppercase()
                && (before.is_some_and(u8::is_ascii_lowercase)
                    || before.is_some_and(u8::is_ascii_uppercase)
                        && behind.is_some_and(u8::is_ascii_lowercase));
            if is_joint || begins {
                words.push(name.get(start..index).unwrap_or_default());
                start = if is_joint { index + 1 } else { index };
            }
        }
        words.push(name.get(start..).unwrap_or_default());
        words
    }

    fn push(&mut self, word: &'n str) {
        let word = word.trim_end_matches(|last: char| last.is_ascii_digit());
        if !word.is_empty() && self.count < WORDS_MAX {
            self.words[self.count] = word;
            self.count += 1;
        }
    }

    /// The nth word from the end, from 1.
    fn last(&self, nth: usize) -> &'n str {
        self.count.checked_sub(nth).map_or("", |index| self.words[index])
    }
}

fn is_one_of(word: &str, known: &[&str]) -> bool {
    known.iter().any(|known| known.eq_ignore_ascii_case(word))
}

fn ends_with(word: &str, end: &str) -> bool {
    word.len() >= end.len()
        && word.as_bytes()[word.len() - end.len()..].eq_ignore_ascii_case(end.as_bytes())
}

/// The word in the singular: `tokens` is `token`.
fn singular(word: &str) -> &str {
    match word.strip_suffix(['s', 'S']) {
        Some(stem) if !ends_with(word, "ss") => stem,
        _ => word,
    }
}

/// What kind of secret a name announces, if any.
pub(super) fn classify(name: &str) -> Option<NameClass> {
    if name.len() > NAME_BYTES_MAX || !name.is_ascii() {
        return None;
    }
    let words = Words::of(name);
    // `secret_value`, `token_text`: what counts stands before.
    let skip = usize::from(
        words.count > 1
            && is_one_of(
                words.last(1),
                &["value", "val", "text", "plaintext", "plain", "raw", "b64", "base"],
            ),
    );
    let (last, before) = (singular(words.last(1 + skip)), words.last(2 + skip));
    if is_password(last) || ends_with(last, "password") || ends_with(last, "passwd") {
        return (!is_one_of(before, NOT_VALUES)).then_some(NameClass::Password);
    }
    let is_short_password = is_one_of(last, &["pass"]) && words.count > 1 + skip;
    if is_short_password || last.eq_ignore_ascii_case("pass") && words.count == 1 {
        return (!is_one_of(before, NOT_VALUES)).then_some(NameClass::Password);
    }
    if ends_with(last, "key") {
        let joined = &last[..last.len() - "key".len()];
        let kind = if joined.is_empty() { before } else { joined };
        let is_secret = is_one_of(kind, KEY_KINDS)
            || ends_with(kind, "secret")
            || ends_with(kind, "access")
            || ends_with(kind, "api");
        return is_secret.then_some(NameClass::Key);
    }
    if ends_with(last, "secret") || last.eq_ignore_ascii_case("credential") {
        return (!is_one_of(before, NOT_VALUES)).then_some(NameClass::Secret);
    }
    if ends_with(last, "token") {
        let joined = &last[..last.len() - "token".len()];
        let kind = if joined.is_empty() { before } else { joined };
        return (!is_one_of(kind, PLAIN_TOKENS)).then_some(NameClass::Token);
    }
    if ends_with(last, "authorization") || last.eq_ignore_ascii_case("auth") {
        return Some(NameClass::Authorization);
    }
    last.eq_ignore_ascii_case("cookie").then_some(NameClass::Cookie)
}

fn is_password(word: &str) -> bool {
    is_one_of(word, &["password", "passwd", "passphrase", "pwd", "passcode"])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_by_how_they_end() {
        let check = |names: &[&str], class| {
            for name in names {
                assert_eq!(classify(name), class, "{name}");
            }
        };
        check(
            &[
                "password",
                "PASSWORD",
                "db_password",
                "userPassword",
                "PGPASSWORD",
                "passwd",
                "pwd",
                "smtp-pass",
                "pass",
                "password2",
                "passphrase",
            ],
            Some(NameClass::Password),
        );
        check(
            &[
                "api_key",
                "apiKey",
                "APIKey",
                "X-API-Key",
                "OPENAI_API_KEY",
                "apikey",
                "aws_secret_access_key",
                "SecretAccessKey",
                "private_key",
                "SUMOLOGIC_ACCESSKEY",
                "accountKey",
                "api_keys",
            ],
            Some(NameClass::Key),
        );
        check(
            &["secret", "client_secret", "clientSecret", "secret_value", "JWT_SECRET"],
            Some(NameClass::Secret),
        );
        check(
            &[
                "token",
                "access_token",
                "accessToken",
                "id_token",
                "token1",
                "GITHUB_TOKEN",
                "SessionToken",
                "authToken",
                "csrf_token",
            ],
            Some(NameClass::Token),
        );
        check(
            &["authorization", "Proxy-Authorization", "x-auth", "_auth"],
            Some(NameClass::Authorization),
        );
        check(&["Cookie", "set-cookie"], Some(NameClass::Cookie));
        check(
            &[
                "input_tokens",
                "max_tokens",
                "token_count",
                "tokenizer",
                "next_page_token",
                "nextPageToken",
                "key",
                "primary_key",
                "cache_key",
                "public_key",
                "access_key_id",
                "keyboard",
                "secret_name",
                "password_hash",
                "reset_password",
                "author",
                "authority",
                "passed",
                "bypass",
                "secretary",
                "tool_call_id",
                "session_id",
                "pass_count",
                "sumOfExposures",
                "idempotency_key",
            ],
            None,
        );
    }
}
