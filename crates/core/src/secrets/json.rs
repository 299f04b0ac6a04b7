//! JSON without its secrets: one walk over the text, token for token.
//!
//! Strings that hold no hit are stepped over. One that does is unescaped, searched, and written
//! back with nothing changed but the characters of its secrets.

use std::borrow::Cow;

use super::names::{NameClass, classify};
use super::prefilter::{Detector, Hit};
use super::report::{POINTER_BYTES_MAX, Pen};
use super::scanner::Spot;
use crate::json::JsonLimits;
use crate::json::{compact, string_content_end, unescape};

/// Members whose string is the name of what a sibling holds: `{"name":"API_KEY","value":"…"}`.
const NAMING_KEYS: [&str; 5] = ["name", "key", "header", "variable", "field"];
/// Members that hold the value of what a sibling or the object's own key names.
const VALUE_KEYS: [&str; 9] = [
    "value",
    "values",
    "stringValue",
    "string_value",
    "arrayValue",
    "secureValue",
    "default",
    "content",
    "plaintext",
];

/// An array or object that is being walked.
#[derive(Debug)]
struct Frame {
    is_object: bool,
    /// The raw content of the key in hand, without its secrets.
    key: String,
    /// The element in hand.
    index: usize,
    /// What the key in hand announces.
    class: Option<NameClass>,
    /// What the container's own key announces.
    inherited: Option<NameClass>,
    /// What a naming member has announced.
    named: Option<NameClass>,
}

impl Frame {
    fn new(is_object: bool, inherited: Option<NameClass>) -> Self {
        Self { is_object, key: String::new(), index: 0, class: None, inherited, named: None }
    }

    /// What the value in hand is announced as.
    fn value_class(&self) -> Option<NameClass> {
        if !self.is_object {
            return self.inherited;
        }
        let is_value = || VALUE_KEYS.contains(&self.key.as_str());
        self.class.or_else(|| self.named.or(self.inherited).filter(|_| is_value()))
    }
}

/// A compact JSON value without its secrets; none where it has none. Finds are reported by their
/// JSON Pointer behind `base`.
pub(super) fn redact(pen: &mut Pen<'_>, text: &str, base: &str) -> Option<String> {
    let mut hits = Vec::new();
    pen.scanner.hits(text, &mut hits);
    if hits.is_empty() {
        return None;
    }
    let before = pen.report.clone();
    let mut walk = Walk::new(pen, text, base, &hits, KeyMarks::Plain);
    let redacted = walk.run()?;
    if !walk.is_key_changed || compact_again(&redacted) {
        return Some(redacted);
    }
    // A key that was replaced is like another one: each gets its number.
    pen.report = before;
    Walk::new(pen, text, base, &hits, KeyMarks::Numbered).run()
}

/// Whether a text still has no duplicate key.
fn compact_again(text: &str) -> bool {
    compact(text.as_bytes(), &mut String::new(), &JsonLimits::EVENT).is_ok()
}

/// How keys are told apart whose secrets were replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum KeyMarks {
    Plain,
    Numbered,
}

struct Walk<'w, 'p> {
    pen: &'w mut Pen<'p>,
    text: &'w str,
    base: &'w str,
    hits: &'w [Hit],
    key_marks: KeyMarks,
    /// The first hit that may lie in the next string.
    next_hit: usize,
    frames: Vec<Frame>,
    is_key_next: bool,
    out: String,
    /// How far the text is in `out`.
    copied: usize,
    changed_keys: usize,
    is_key_changed: bool,
}

impl<'w, 'p> Walk<'w, 'p> {
    fn new(
        pen: &'w mut Pen<'p>,
        text: &'w str,
        base: &'w str,
        hits: &'w [Hit],
        key_marks: KeyMarks,
    ) -> Self {
        Self {
            pen,
            text,
            base,
            hits,
            key_marks,
            next_hit: 0,
            frames: Vec::new(),
            is_key_next: false,
            out: String::new(),
            copied: 0,
            changed_keys: 0,
            is_key_changed: false,
        }
    }

    fn run(&mut self) -> Option<String> {
        let bytes = self.text.as_bytes();
        let mut at = 0;
        while let Some(byte) = bytes.get(at) {
            match byte {
                b'"' => {
                    let end = string_content_end(bytes, at + 1).min(bytes.len());
                    self.string(at + 1, end);
                    at = end;
                }
                b'{' | b'[' => self.open(*byte == b'{'),
                b'}' | b']' => {
                    self.frames.pop();
                    self.is_key_next = false;
                }
                b',' => self.next_member(),
                _ => {}
            }
            at += 1;
        }
        if self.out.is_empty() && self.copied == 0 {
            return None;
        }
        self.out.push_str(&self.text[self.copied..]);
        Some(std::mem::take(&mut self.out))
    }

    fn open(&mut self, is_object: bool) {
        let inherited = self.frames.last().and_then(Frame::value_class);
        let inherited = inherited.or_else(|| {
            let frame = self.frames.last()?;
            frame.class.filter(|_| frame.is_object)
        });
        self.frames.push(Frame::new(is_object, inherited));
        self.is_key_next = is_object;
    }

    fn next_member(&mut self) {
        if let Some(frame) = self.frames.last_mut() {
            frame.index += 1;
            frame.class = None;
            self.is_key_next = frame.is_object;
        }
    }

    /// The hits inside a string.
    fn take_hits(&mut self, start: usize, end: usize) -> &'w [Hit] {
        let is_before = |hit: &&Hit| hit.end <= start;
        self.next_hit += self.hits[self.next_hit..].iter().take_while(is_before).count();
        let rest = &self.hits[self.next_hit..];
        let count = rest.iter().take_while(|hit| hit.end <= end).count();
        self.next_hit += count;
        &rest[..count]
    }

    fn string(&mut self, start: usize, end: usize) {
        let hits = self.take_hits(start, end);
        let is_key = std::mem::take(&mut self.is_key_next);
        let class = match is_key {
            true => None,
            false => self.frames.last().and_then(Frame::value_class),
        };
        let raw = self.text.get(start..end).unwrap_or_default();
        let spots = if hits.is_empty() && class.is_none() {
            Vec::new()
        } else {
            self.spots(raw, start, hits, class)
        };
        let marked = (!spots.is_empty()).then(|| self.marked(raw, &spots, is_key));
        if is_key {
            self.take_key(raw, marked.as_deref(), !hits.is_empty());
        } else {
            self.take_value(raw, hits);
        }
        if let Some(marked) = marked {
            self.out.push_str(&self.text[self.copied..start]);
            self.out.push_str(&marked);
            self.copied = end;
        }
    }

    fn take_key(&mut self, raw: &str, marked: Option<&str>, has_hits: bool) {
        self.is_key_changed |= marked.is_some();
        if let Some(frame) = self.frames.last_mut() {
            frame.key.clear();
            frame.key.push_str(marked.unwrap_or(raw));
            frame.class = has_hits.then(|| classify(&unescape(raw))).flatten();
        }
    }

    fn take_value(&mut self, raw: &str, hits: &[Hit]) {
        let is_name = hits.iter().any(|hit| hit.detector == Detector::Name);
        if let Some(frame) = self.frames.last_mut().filter(|frame| is_name && frame.is_object)
            && NAMING_KEYS.contains(&frame.key.as_str())
        {
            // `http.request.header.authorization`: what counts is the last step.
            let name = raw.rsplit('.').next().unwrap_or(raw);
            frame.named = classify(name);
        }
    }

    fn spots(&self, raw: &str, start: usize, hits: &[Hit], class: Option<NameClass>) -> Vec<Spot> {
        let plain = unescape(raw);
        let mut own_hits = Vec::new();
        match plain {
            Cow::Borrowed(_) => {
                let within = hits.iter().filter(|hit| hit.start >= start);
                own_hits.extend(within.map(|hit| Hit {
                    start: hit.start - start,
                    end: hit.end - start,
                    detector: hit.detector,
                }));
            }
            Cow::Owned(_) => self.pen.scanner.hits(&plain, &mut own_hits),
        }
        let mut spots = self.pen.scanner.spots(&plain, &own_hits, class);
        self.pen.drop_allowed(&mut spots, &plain, || self.pointer(false));
        spots
    }

    /// The raw content of a string with marks in the place of its secrets.
    fn marked(&mut self, raw: &str, spots: &[Spot], is_key: bool) -> String {
        let plain = unescape(raw);
        let pointer = self.pointer(is_key);
        let mut offsets = RawOffsets { raw, raw_at: 0, plain_at: 0 };
        let mut out = String::with_capacity(raw.len() + 64);
        let mut at = 0;
        for spot in spots {
            let start = offsets.of(spot.range.start);
            out.push_str(&raw[at..start]);
            self.pen.mark(&mut out, &plain, spot, || pointer.clone());
            at = offsets.of(spot.range.end);
        }
        out.push_str(&raw[at..]);
        if is_key && self.key_marks == KeyMarks::Numbered {
            self.changed_keys += 1;
            out.push_str(&format!("#{}", self.changed_keys));
        }
        out
    }

    /// The place of the value in hand, or of the object whose key is in hand.
    fn pointer(&self, is_key: bool) -> String {
        let mut pointer = self.base.to_owned();
        let depth = self.frames.len() - usize::from(is_key && !self.frames.is_empty());
        for frame in &self.frames[..depth] {
            let step = match frame.is_object {
                true => unescape(&frame.key).replace('~', "~0").replace('/', "~1"),
                false => frame.index.to_string(),
            };
            if pointer.len() + 1 + step.len() > POINTER_BYTES_MAX {
                break;
            }
            pointer.push('/');
            pointer.push_str(&step);
        }
        pointer
    }
}

/// Finds the place in a string's content that a place in its plain text came from. Asked in order.
struct RawOffsets<'r> {
    raw: &'r str,
    raw_at: usize,
    plain_at: usize,
}

impl RawOffsets<'_> {
    fn of(&mut self, plain: usize) -> usize {
        let bytes = self.raw.as_bytes();
        while self.plain_at < plain && self.raw_at < bytes.len() {
            let (raw_len, plain_len) = match bytes[self.raw_at] {
                b'\\' => escape_len(&bytes[self.raw_at..]),
                _ => (1, 1),
            };
            self.raw_at += raw_len;
            self.plain_at += plain_len;
        }
        self.raw_at.min(bytes.len())
    }
}

/// Bytes of an escape and of what it stands for.
fn escape_len(escape: &[u8]) -> (usize, usize) {
    let unit = |at: usize| {
        let digits = escape.get(at..at + 4).and_then(|digits| std::str::from_utf8(digits).ok());
        digits.and_then(|digits| u32::from_str_radix(digits, 16).ok())
    };
    match escape.get(1) {
        Some(b'u') => match unit(2) {
            Some(0..=0x7f) => (6, 1),
            Some(0x80..=0x7ff) => (6, 2),
            Some(0xd800..=0xdbff) if escape.get(6..8) == Some(b"\\u") => (12, 4),
            _ => (6, 3),
        },
        _ => (2, 1),
    }
}
