//! The names of things: every id, type and place in the log as a type of its own.
//!
//! A value of one of these types has passed its grammar; nothing downstream checks again.
//! Ids are 1–256 bytes of UTF-8 without control characters, never `.` or `..`,
//! so that they can stand in a URL path. A short one, which most are, lies in its value and not on
//! the heap.

use std::fmt;

use smol_str::SmolStr;

use crate::limits::{EVENT_TYPE_BYTES_MAX, ID_BYTES_MAX, STREAM_TYPE_BYTES_MAX};

/// Why a text is not an id, type or stream type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// The text is empty.
    #[error("it is empty")]
    Empty,
    /// The text is longer than the grammar allows.
    #[error("it has {byte_count} bytes; at most {byte_count_max} are allowed")]
    TooLong {
        /// Bytes of the text.
        byte_count: usize,
        /// Bytes that are allowed.
        byte_count_max: usize,
    },
    /// The text holds a character outside the grammar.
    #[error("it holds the character {character:?}; allowed are {allowed}")]
    Character {
        /// The first character that is not allowed.
        character: char,
        /// The grammar, for a person.
        allowed: &'static str,
    },
    /// The text is `.` or `..`, which a URL path would swallow.
    #[error("it is a dot segment, which a URL path would swallow")]
    DotSegment,
    /// The text is not a UUID.
    #[error("it is not a UUID")]
    NotUuid,
}

fn check_id(text: &str) -> Result<(), IdError> {
    check_length(text, ID_BYTES_MAX)?;
    if text == "." || text == ".." {
        return Err(IdError::DotSegment);
    }
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Ok(());
    }
    match text.chars().find(|character| character.is_control()) {
        Some(character) => {
            Err(IdError::Character { character, allowed: "all but control characters" })
        }
        None => Ok(()),
    }
}

fn check_event_type(text: &str) -> Result<(), IdError> {
    check_length(text, EVENT_TYPE_BYTES_MAX)?;
    check_characters(text, "A-Z a-z 0-9 . _ : / + -", |character| {
        character.is_ascii_alphanumeric() || matches!(character, '.' | '_' | ':' | '/' | '+' | '-')
    })
}

fn check_stream_type(text: &str) -> Result<(), IdError> {
    check_length(text, STREAM_TYPE_BYTES_MAX)?;
    check_characters(text, "a-z 0-9 _", |character| {
        character.is_ascii_lowercase() || character.is_ascii_digit() || character == '_'
    })
}

fn check_length(text: &str, byte_count_max: usize) -> Result<(), IdError> {
    match text.len() {
        0 => Err(IdError::Empty),
        byte_count if byte_count > byte_count_max => {
            Err(IdError::TooLong { byte_count, byte_count_max })
        }
        _ => Ok(()),
    }
}

fn check_characters(
    text: &str,
    allowed: &'static str,
    is_allowed: impl Fn(char) -> bool,
) -> Result<(), IdError> {
    match text.chars().find(|character| !is_allowed(*character)) {
        Some(character) => Err(IdError::Character { character, allowed }),
        None => Ok(()),
    }
}

macro_rules! text_newtype {
    ($(#[$doc:meta] $name:ident by $check:ident;)*) => {$(
        #[$doc]
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(SmolStr);

        impl $name {
            /// Checks the grammar and takes the text.
            ///
            /// # Errors
            /// Says which rule of the grammar the text breaks.
            pub fn parse(text: &str) -> Result<Self, IdError> {
                $check(text)?;
                Ok(Self(SmolStr::new(text)))
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, "{}({:?})", stringify!($name), self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::parse(text)
            }
        }
    )*};
}

text_newtype! {
    /// What kind of fact an event states, such as `tool.invoked`.
    EventType by check_event_type;
    /// The kind of a stream, such as `run` or `room`.
    StreamType by check_stream_type;
    /// The name of a stream within its kind.
    StreamId by check_id;
    /// The tenant that an event belongs to.
    WorkspaceId by check_id;
    /// A mission that an event is part of.
    MissionId by check_id;
    /// A room that an event is part of.
    RoomId by check_id;
    /// A thread that an event is part of.
    ThreadId by check_id;
    /// A run that an event is part of.
    RunId by check_id;
    /// A step that an event is part of.
    StepId by check_id;
    /// Who the event says did it.
    ActorId by check_id;
    /// The identity behind a credential.
    PrincipalId by check_id;
    /// What ties the events of one undertaking together.
    CorrelationId by check_id;
    /// The event that made this one happen.
    CausationId by check_id;
    /// The sender's own name for an append, unique in a stream.
    IdempotencyKey by check_id;
    /// The foreign format that an event came in by.
    DialectName by check_stream_type;
    /// A token's public part.
    TokenId by check_id;
}

impl EventType {
    /// Whether the name is kept for the frames that Annals puts among the events of a live tail. No
    /// event has it.
    #[must_use]
    pub fn is_reserved(&self) -> bool {
        self.as_str().starts_with("annals.")
    }
}

macro_rules! uuid_newtype {
    ($(#[$doc:meta] $name:ident;)*) => {$(
        #[$doc]
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 16]);

        impl $name {
            /// Takes the sixteen bytes of a UUID.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }

            /// The sixteen bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }

            /// Reads a UUID in its hyphenated form, in either case.
            ///
            /// # Errors
            /// `IdError::NotUuid` for any other text.
            pub fn parse(text: &str) -> Result<Self, IdError> {
                // Other spellings (braces, urn:uuid:, no hyphens) are refused,
                // so that one event never has two names.
                if text.len() != uuid::fmt::Hyphenated::LENGTH {
                    return Err(IdError::NotUuid);
                }
                uuid::Uuid::try_parse(text)
                    .map(|id| Self(id.into_bytes()))
                    .map_err(|_| IdError::NotUuid)
            }
        }

        impl $name {
            /// Appends its one spelling, for writers that build text without `fmt`.
            pub fn push_to(&self, text: &mut String) {
                let mut buffer = uuid::Uuid::encode_buffer();
                let id = uuid::Uuid::from_bytes(self.0).hyphenated();
                text.push_str(id.encode_lower(&mut buffer));
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut buffer = uuid::Uuid::encode_buffer();
                let text = uuid::Uuid::from_bytes(self.0).hyphenated().encode_lower(&mut buffer);
                formatter.write_str(text)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, "{}({self})", stringify!($name))
            }
        }

        impl std::str::FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::parse(text)
            }
        }
    )*};
}

uuid_newtype! {
    /// The identity of one event.
    EventId;
    /// The identity of one log; no two histories share it.
    LogId;
}

impl CorrelationId {
    /// The correlation of an event that nothing else ties to others: its own id.
    #[must_use]
    pub fn of_event(event_id: &EventId) -> Self {
        Self(SmolStr::from(event_id.to_string()))
    }

    /// The correlation that a W3C `traceparent` gives: its trace id; none where it is no such text.
    #[must_use]
    pub fn of_traceparent(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let (version, trace_id) = (parts.next()?, parts.next()?);
        let is_hex =
            |text: &str| text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let is_trace =
            trace_id.len() == 32 && is_hex(trace_id) && trace_id.bytes().any(|byte| byte != b'0');
        (version.len() == 2 && is_hex(version) && is_trace).then(|| Self(trace_id.into()))
    }
}

macro_rules! number_newtype {
    ($(#[$doc:meta] $name:ident;)*) => {$(
        #[$doc]
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u64);

        impl $name {
            /// The place after this one.
            #[must_use]
            pub const fn next(self) -> Self {
                Self(self.0 + 1)
            }

            /// The number.
            #[must_use]
            pub const fn get(self) -> u64 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(formatter)
            }
        }
    )*};
}

number_newtype! {
    /// An event's place in the whole log: 1, 2, 3 … without gaps. 0 is before the first.
    Position;
    /// An event's place in its stream: 1, 2, 3 … without gaps. 0 is before the first.
    Seq;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_ids_that_a_path_or_a_terminal_would_misread() {
        assert_eq!(RunId::parse(""), Err(IdError::Empty));
        assert_eq!(RunId::parse(".."), Err(IdError::DotSegment));
        assert!(matches!(RunId::parse("a\nb"), Err(IdError::Character { character: '\n', .. })));
        assert!(matches!(RunId::parse("a\u{85}"), Err(IdError::Character { .. })));
        assert!(matches!(RunId::parse(&"x".repeat(257)), Err(IdError::TooLong { .. })));
        assert!(RunId::parse(&"x".repeat(256)).is_ok());
        assert!(RunId::parse("…/ä b").is_ok());
    }

    #[test]
    fn refuses_event_types_outside_the_grammar() {
        assert!(EventType::parse("io.knative.lambda:build/start+1_a-B").is_ok());
        for wrong in ["tool invoked", "tool.invoked\n", "tööl", ""] {
            assert!(EventType::parse(wrong).is_err(), "{wrong:?}");
        }
        assert!(StreamType::parse("run_1").is_ok());
        assert!(StreamType::parse("Run").is_err());
    }

    #[test]
    fn event_ids_have_one_spelling() {
        let text = "0190B3C4-1111-7abc-8def-0123456789ab";
        let id = EventId::parse(text).unwrap();
        assert_eq!(id.to_string(), text.to_lowercase());
        assert_eq!(EventId::parse(&text.replace('-', "")), Err(IdError::NotUuid));
        assert_eq!(EventId::parse(&format!("{{{text}}}")), Err(IdError::NotUuid));
    }
}
