//! Reading the members of OTLP messages: ids, times, numbers and words, each fault with its place.
//!
//! It keeps nothing. As in proto3's JSON, `null` is the same as absent.

use std::borrow::Cow;
use std::fmt::Display;

use crate::dialect::ForeignFault;
use crate::dialect::fault::{invalid, missing};
use crate::envelope::StreamKey;
use crate::json::{JsonKind, as_i64, as_str, as_u64, kind, member};
use crate::time::Timestamp;

const NANOS_PER_MICRO: i64 = 1_000;

/// A place in a document, written out only when it is told.
#[derive(Debug, Clone, Copy)]
pub(super) enum At<'a> {
    Top(&'a str),
    Member(&'a At<'a>, &'a str),
    Element(&'a At<'a>, usize),
}

impl<'a> At<'a> {
    pub(super) const fn member(&'a self, name: &'a str) -> Self {
        Self::Member(self, name)
    }

    pub(super) const fn element(&'a self, index: usize) -> Self {
        Self::Element(self, index)
    }

    pub(super) fn pointer(&self) -> String {
        match self {
            Self::Top(pointer) => (*pointer).to_owned(),
            Self::Member(above, name) => format!("{}/{name}", above.pointer()),
            Self::Element(above, index) => format!("{}/{index}", above.pointer()),
        }
    }

    pub(super) fn fault(&self, problem: impl Display) -> ForeignFault {
        invalid(&self.pointer(), problem)
    }
}

/// A message.
#[derive(Debug, Clone, Copy)]
pub(super) struct Message<'a> {
    pub(super) text: &'a str,
    pub(super) at: At<'a>,
}

/// A moment in nanoseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Nanos(i64);

impl Nanos {
    pub(super) const fn moment(self) -> Timestamp {
        Timestamp::from_micros(self.0 / NANOS_PER_MICRO)
    }

    /// The time as it was written, where microseconds cannot hold it.
    pub(super) fn text(self) -> Option<String> {
        (self.0 % NANOS_PER_MICRO != 0).then(|| self.0.to_string())
    }

    /// Milliseconds from an earlier moment, exactly.
    pub(super) fn milliseconds_since(self, earlier: Self) -> String {
        let nanos = self.0 - earlier.0;
        let (whole, rest) = (nanos / 1_000_000, nanos % 1_000_000);
        match rest {
            0 => whole.to_string(),
            _ => format!("{whole}.{rest:06}").trim_end_matches('0').to_owned(),
        }
    }
}

impl<'a> Message<'a> {
    pub(super) fn new(text: &'a str, at: At<'a>) -> Result<Self, ForeignFault> {
        let is_object = kind(text) == JsonKind::Object;
        if is_object { Ok(Self { text, at }) } else { Err(at.fault("it must be an object")) }
    }

    pub(super) fn get(&self, name: &str) -> Option<&'a str> {
        member(self.text, name).filter(|value| *value != "null")
    }

    fn fault(&self, name: &str, problem: impl Display) -> ForeignFault {
        self.at.member(name).fault(problem)
    }

    pub(super) fn missing(&self, name: &str) -> ForeignFault {
        missing(&self.at.member(name).pointer())
    }

    /// A member that is a string.
    pub(super) fn text(&self, name: &str) -> Result<Option<Cow<'a, str>>, ForeignFault> {
        let Some(value) = self.get(name) else { return Ok(None) };
        as_str(value).map(Some).ok_or_else(|| self.fault(name, "it must be a string"))
    }

    /// A member that is an id of so many bytes, as lower-case hexadecimal digits. An empty one and
    /// one of zeros are none.
    pub(super) fn id(&self, name: &str, byte_count: usize) -> Result<Option<String>, ForeignFault> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        if text.is_empty() {
            return Ok(None);
        }
        let digit_count = 2 * byte_count;
        if text.len() != digit_count || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            let problem = format!("it must be {digit_count} hexadecimal digits");
            return Err(self.fault(name, problem));
        }
        Ok(text.bytes().any(|byte| byte != b'0').then(|| text.to_ascii_lowercase()))
    }

    /// A member that is a time; zero is none.
    pub(super) fn nanos(&self, name: &str) -> Result<Option<Nanos>, ForeignFault> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let text = as_str(value);
        let nanos = text.as_deref().unwrap_or(value).parse::<u64>().ok();
        let nanos = nanos.and_then(|nanos| i64::try_from(nanos).ok()).ok_or_else(|| {
            self.fault(name, "it must be nanoseconds since 1970, at most 9223372036854775807")
        })?;
        Ok((nanos > 0).then_some(Nanos(nanos)))
    }

    /// A member that is an array; nothing where there is none.
    pub(super) fn array(&self, name: &str) -> Result<&'a str, ForeignFault> {
        let value = self.get(name).unwrap_or("[]");
        let is_array = kind(value) == JsonKind::Array;
        if is_array { Ok(value) } else { Err(self.fault(name, "it must be an array")) }
    }

    /// A member that is a message; an empty one where there is none.
    pub(super) fn message(&'a self, name: &'a str) -> Result<Message<'a>, ForeignFault> {
        Message::new(self.get(name).unwrap_or("{}"), self.at.member(name))
    }

    /// A member that is one of numbered words, by number or by name; none where it is another.
    pub(super) fn word<T: Copy>(&self, name: &str, words: &[(u64, &str, T)]) -> Option<T> {
        let value = self.get(name)?;
        let text = as_str(value);
        let is_it = |(number, word, _): &&(u64, &str, T)| {
            as_u64(value) == Some(*number) || text.as_deref() == Some(*word)
        };
        words.iter().find(is_it).map(|(.., meaning)| *meaning)
    }

    /// A member that is a 64-bit integer, as the text of a number.
    pub(super) fn integer(&self, name: &str) -> Result<Option<String>, ForeignFault> {
        let Some(value) = self.get(name) else { return Ok(None) };
        integer(value).map(Some).ok_or_else(|| self.fault(name, "it must be an integer"))
    }

    /// A member that is a count, as the text of a number.
    pub(super) fn count(&self, name: &str) -> Result<Option<String>, ForeignFault> {
        let Some(value) = self.get(name) else { return Ok(None) };
        count(value).map(Some).ok_or_else(|| self.fault(name, "it must be a count"))
    }

    /// A member that is a floating-point number, as JSON text; the three that are none are words.
    pub(super) fn double(&self, name: &str) -> Result<Option<String>, ForeignFault> {
        let Some(value) = self.get(name) else { return Ok(None) };
        double(value).map(Some).ok_or_else(|| self.fault(name, "it must be a number"))
    }
}

/// A 64-bit integer, given as a number or as a string of one, as the text of a number.
pub(super) fn integer(value: &str) -> Option<String> {
    let text = as_str(value);
    let digits = text.as_deref().unwrap_or(value);
    // Only our own spelling of a number is one: `+1` and `01` parse and are no JSON.
    let is_plain = |number: &str| number == digits;
    let signed = as_i64(digits).map(|number| number.to_string());
    let unsigned = || as_u64(digits).map(|number| number.to_string());
    signed.or_else(unsigned).filter(|number| is_plain(number))
}

/// An integer that is not negative.
pub(super) fn count(value: &str) -> Option<String> {
    integer(value).filter(|number| !number.starts_with('-'))
}

/// A floating-point number as JSON text.
pub(super) fn double(value: &str) -> Option<String> {
    match kind(value) {
        JsonKind::Number => Some(value.to_owned()),
        JsonKind::String => {
            let text = as_str(value)?;
            let is_word = matches!(text.as_ref(), "NaN" | "Infinity" | "-Infinity");
            if is_word {
                return Some(value.to_owned());
            }
            crate::json::is_number(&text).then(|| text.into_owned())
        }
        JsonKind::Null | JsonKind::Bool | JsonKind::Array | JsonKind::Object => None,
    }
}

/// A stream, where its id is one.
pub(super) fn stream(stream_type: &str, stream_id: &str) -> Option<StreamKey> {
    Some(StreamKey { stream_type: stream_type.parse().ok()?, stream_id: stream_id.parse().ok()? })
}
