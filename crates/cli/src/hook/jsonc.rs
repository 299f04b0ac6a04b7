//! The places of values in a text of JSON, with or without comments: what an edit needs that leaves
//! everything else as it is, byte for byte.

use std::ops::Range;

/// Levels of arrays and objects; settings have few.
const DEPTH_MAX: usize = 64;

/// A value and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) span: Range<usize>,
    pub(super) kind: Kind,
}

/// What a value is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    Scalar,
    Array(Vec<Item>),
    Object(Vec<Item>),
}

/// An element of an array, or a member of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Item {
    /// The plain key; empty in an array.
    pub(super) key: String,
    /// From the key, or the value, to the end of the value.
    pub(super) start: usize,
    pub(super) value: Node,
    /// Where the comma behind it is.
    pub(super) comma: Option<usize>,
}

impl Node {
    /// The elements or members.
    pub(super) fn items(&self) -> &[Item] {
        match &self.kind {
            Kind::Scalar => &[],
            Kind::Array(items) | Kind::Object(items) => items,
        }
    }

    pub(super) fn member(&self, key: &str) -> Option<&Item> {
        match &self.kind {
            Kind::Object(items) => items.iter().find(|item| item.key == key),
            Kind::Scalar | Kind::Array(_) => None,
        }
    }

    pub(super) const fn is_object(&self) -> bool {
        matches!(self.kind, Kind::Object(_))
    }

    pub(super) const fn is_array(&self) -> bool {
        matches!(self.kind, Kind::Array(_))
    }
}

/// A text is no JSON.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub(super) struct JsoncFault {
    line: usize,
    problem: &'static str,
}

/// Reads a text that holds one value.
pub(super) fn parse(text: &str) -> Result<Node, JsoncFault> {
    let mut reader = Reader { text, at: 0 };
    if text.starts_with('\u{feff}') {
        reader.at = '\u{feff}'.len_utf8();
    }
    let node = reader.value(0)?;
    reader.space()?;
    if reader.at < text.len() {
        return Err(reader.fault("there is something behind the value"));
    }
    Ok(node)
}

/// The value without comments and trailing commas.
pub(super) fn value(text: &str, node: &Node) -> serde_json::Value {
    use serde_json::Value;
    match &node.kind {
        Kind::Scalar => {
            let scalar = text.get(node.span.clone()).unwrap_or_default();
            serde_json::from_str(scalar).unwrap_or(Value::Null)
        }
        Kind::Array(items) => items.iter().map(|item| value(text, &item.value)).collect(),
        Kind::Object(items) => {
            let members = items.iter().map(|item| (item.key.clone(), value(text, &item.value)));
            Value::Object(members.collect())
        }
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn fault(&self, problem: &'static str) -> JsoncFault {
        let before = self.text.get(..self.at).unwrap_or(self.text);
        JsoncFault { line: before.matches('\n').count() + 1, problem }
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Passes over white space and comments.
    fn space(&mut self) -> Result<(), JsoncFault> {
        loop {
            let rest = self.rest();
            let trimmed = rest.trim_start_matches([' ', '\t', '\r', '\n']);
            self.at += rest.len() - trimmed.len();
            if let Some(comment) = trimmed.strip_prefix("//") {
                self.at += 2 + comment.find('\n').unwrap_or(comment.len());
            } else if let Some(comment) = trimmed.strip_prefix("/*") {
                let end = comment.find("*/").ok_or_else(|| self.fault("a comment has no end"))?;
                self.at += 4 + end;
            } else {
                return Ok(());
            }
        }
    }

    fn value(&mut self, depth: usize) -> Result<Node, JsoncFault> {
        self.space()?;
        if depth > DEPTH_MAX {
            return Err(self.fault("it is nested too deep"));
        }
        let start = self.at;
        let kind = match self.peek() {
            Some(b'{') => Kind::Object(self.items(depth, b'}')?),
            Some(b'[') => Kind::Array(self.items(depth, b']')?),
            Some(b'"') => {
                self.string()?;
                Kind::Scalar
            }
            _ => {
                self.word()?;
                Kind::Scalar
            }
        };
        Ok(Node { span: start..self.at, kind })
    }

    fn items(&mut self, depth: usize, close: u8) -> Result<Vec<Item>, JsoncFault> {
        self.at += 1;
        let mut items: Vec<Item> = Vec::new();
        loop {
            self.space()?;
            if self.peek() == Some(close) {
                self.at += 1;
                return Ok(items);
            }
            if items.last().is_some_and(|last| last.comma.is_none()) {
                return Err(self.fault("a comma or an end is missing"));
            }
            let start = self.at;
            let key = if close == b'}' { self.key()? } else { String::new() };
            if close == b'}' && items.iter().any(|item| item.key == key) {
                return Err(self.fault("a key is there twice"));
            }
            let value = self.value(depth + 1)?;
            let end = self.at;
            self.space()?;
            let comma = (self.peek() == Some(b',')).then_some(self.at);
            self.at = comma.map_or(end, |comma| comma + 1);
            items.push(Item { key, start, value, comma });
        }
    }

    fn key(&mut self) -> Result<String, JsoncFault> {
        let start = self.at;
        if self.peek() != Some(b'"') {
            return Err(self.fault("a key is missing"));
        }
        self.string()?;
        let raw = self.text.get(start..self.at).unwrap_or_default();
        let key = serde_json::from_str(raw).map_err(|_| self.fault("a key is no string"))?;
        self.space()?;
        if self.peek() != Some(b':') {
            return Err(self.fault("a colon is missing"));
        }
        self.at += 1;
        Ok(key)
    }

    fn string(&mut self) -> Result<(), JsoncFault> {
        let start = self.at;
        self.at += 1;
        loop {
            match self.peek() {
                Some(b'\\') => self.at += 2,
                Some(b'"') => {
                    self.at += 1;
                    break;
                }
                Some(b'\n') | None => return Err(self.fault("a string has no end")),
                Some(_) => self.at += 1,
            }
        }
        let raw = self.text.get(start..self.at).unwrap_or_default();
        let is_string = serde_json::from_str::<String>(raw).is_ok();
        if is_string { Ok(()) } else { Err(self.fault("a string is wrong")) }
    }

    fn word(&mut self) -> Result<(), JsoncFault> {
        let is_part = |character: char| {
            character.is_ascii_alphanumeric() || matches!(character, '+' | '-' | '.')
        };
        let rest = self.rest();
        let length = rest.find(|character| !is_part(character)).unwrap_or(rest.len());
        let is_value = serde_json::from_str::<serde_json::Value>(&rest[..length]).is_ok();
        if !is_value {
            return Err(self.fault("a value is missing"));
        }
        self.at += length;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_json_with_comments_and_trailing_commas() {
        let text = "\u{feff}// top\n{ \"a\": [1, /* two */ 2.0e1,], // more\n  \"b\\u0063\": {\"d\": null} }\n";
        let node = parse(text).unwrap();
        assert_eq!(value(text, &node), serde_json::json!({"a": [1, 20.0], "bc": {"d": null}}));
        let a = node.member("a").unwrap();
        assert_eq!(&text[a.start..a.value.span.end], "\"a\": [1, /* two */ 2.0e1,]");
    }

    #[test]
    fn says_what_is_wrong_and_where() {
        for (text, message) in [
            ("", "line 1: a value is missing"),
            ("{\n\"a\" 1}", "line 2: a colon is missing"),
            ("{\"a\": 1 \"b\": 2}", "line 1: a comma or an end is missing"),
            ("{\"a\":1,\n\"a\":2}", "line 2: a key is there twice"),
            ("{} {}", "line 1: there is something behind the value"),
            ("[1", "line 1: a comma or an end is missing"),
            ("\"a\n\"", "line 1: a string has no end"),
            ("{a: 1}", "line 1: a key is missing"),
            ("/* ", "line 1: a comment has no end"),
            ("nil", "line 1: a value is missing"),
        ] {
            assert_eq!(parse(text).unwrap_err().to_string(), message, "{text:?}");
        }
        assert!(parse(&"[".repeat(100)).is_err());
    }
}
