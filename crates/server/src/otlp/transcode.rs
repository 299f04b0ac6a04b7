//! From a request in protobuf to the same request in OTLP/JSON, in one walk along the tables of `schema`.
//!
//! What was on the wire is written and nothing else: an absent field stays absent, a zero that was sent is a zero.
//! INVARIANT (nothing in silence): what the tables do not know, and values that protobuf's rules override, are
//! counted by their paths, so that the sender can be told. Memory is asked for before it is used.

use std::fmt::Write as _;

use annals_core::json::string_into;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::lost::Lost;
use super::schema::{Count, Field, Kind, Message};
use super::wire::{Raw, Reader, WireError};

/// Messages within messages. Deeper attributes than this have no reader anyway.
const MESSAGE_DEPTH_MAX: usize = 100;
/// Fields that are known of the messages that are open at one moment.
const OPEN_FIELD_COUNT_MAX: usize = 1 << 18;
/// Text that is written between two questions for memory.
const ROOM_STEP_BYTES: usize = 64 << 10;
/// The most bytes of JSON that one byte of a text becomes.
const ESCAPE_BYTES_MAX: usize = 6;

/// Why a request cannot be taken apart. Places are JSON Pointers into what it would be in OTLP/JSON.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum TranscodeFault {
    #[error("{} is no OTLP message: {error}", shown(pointer))]
    Wire { pointer: String, error: WireError },
    #[error("`{pointer}` is not UTF-8")]
    Utf8 { pointer: String },
    #[error("`{pointer}` is nested too deeply")]
    TooDeep { pointer: String },
    #[error("{} has too many fields", shown(pointer))]
    TooManyFields { pointer: String },
    #[error("the request is too large as a whole")]
    TooLarge,
    #[error("too many requests are being read")]
    Overloaded,
}

fn shown(pointer: &str) -> String {
    if pointer.is_empty() { "the request".to_owned() } else { format!("`{pointer}`") }
}

/// Gives room for so many bytes of text, or says why there is none.
pub(super) type Room<'r> = &'r mut dyn FnMut(usize) -> Result<(), TranscodeFault>;

/// A request's text, and what is not in it.
#[derive(Debug)]
pub(super) struct Transcoded {
    pub(super) text: String,
    pub(super) lost: Lost,
}

/// Writes a request of protobuf as OTLP/JSON.
pub(super) fn transcode(
    message: &'static Message,
    bytes: &[u8],
    room: Room<'_>,
) -> Result<Transcoded, TranscodeFault> {
    let mut writer = Writer {
        text: String::new(),
        path: Vec::new(),
        lost: Lost::default(),
        room,
        merged_bytes: 0,
        counted: 0,
    };
    writer.message(&mut Vec::new(), message, bytes)?;
    Ok(Transcoded { text: writer.text, lost: writer.lost })
}

/// A step on the way to where the walk is.
#[derive(Debug, Clone, Copy)]
struct Step {
    name: &'static str,
    index: Option<usize>,
}

/// A field that the wire gave.
#[derive(Debug, Clone, Copy)]
struct Given<'a> {
    /// Its place in the message's table.
    place: usize,
    raw: Raw<'a>,
}

struct Writer<'r> {
    text: String,
    path: Vec<Step>,
    lost: Lost,
    room: Room<'r>,
    /// Bytes of messages that were given in parts, and are held together.
    merged_bytes: usize,
    /// Bytes that room was asked for.
    counted: usize,
}

impl Writer<'_> {
    /// `open` is a stack of the fields of all messages around this one.
    fn message<'a>(
        &mut self,
        open: &mut Vec<Given<'a>>,
        message: &'static Message,
        bytes: &'a [u8],
    ) -> Result<(), TranscodeFault> {
        if self.path.len() > MESSAGE_DEPTH_MAX {
            return Err(TranscodeFault::TooDeep { pointer: self.pointer() });
        }
        let base = open.len();
        self.collect(open, message, bytes)?;
        let end = open.len();
        self.text.push('{');
        let mut at = base;
        while let Some(first) = open.get(at).filter(|_| at < end).copied() {
            let same = open[at..end].iter().take_while(|given| given.place == first.place).count();
            if at > base {
                self.text.push(',');
            }
            self.field(open, &message.fields[first.place], at..at + same)?;
            at += same;
        }
        self.text.push('}');
        open.truncate(base);
        self.ask(0)
    }

    /// Pushes the known fields of a message, in the order of its table.
    fn collect<'a>(
        &mut self,
        open: &mut Vec<Given<'a>>,
        message: &'static Message,
        bytes: &'a [u8],
    ) -> Result<(), TranscodeFault> {
        let base = open.len();
        let mut reader = Reader::new(bytes);
        // Of a choice the last one given counts.
        let (mut chosen, mut has_others) = (None, false);
        while let Some((number, raw)) = reader.field().map_err(|error| self.wire(error))? {
            let place = message.place_of(number).filter(|place| fits(&message.fields[*place], raw));
            let Some(place) = place else {
                self.lost.unknown(self.path.iter().map(|step| step.name), number);
                continue;
            };
            if message.fields[place].count == Count::Choice {
                has_others |= chosen.is_some_and(|chosen| chosen != place);
                chosen = Some(place);
            }
            if open.len() == OPEN_FIELD_COUNT_MAX {
                return Err(TranscodeFault::TooManyFields { pointer: self.pointer() });
            }
            open.push(Given { place, raw });
        }
        if let Some(chosen) = chosen.filter(|_| has_others) {
            self.keep_chosen(open, base, message, chosen);
        }
        if !open[base..].is_sorted_by_key(|given| given.place) {
            open[base..].sort_by_key(|given| given.place);
        }
        Ok(())
    }

    fn keep_chosen(
        &mut self,
        open: &mut Vec<Given<'_>>,
        base: usize,
        message: &'static Message,
        chosen: usize,
    ) {
        let mut kept = base;
        for at in base..open.len() {
            let given = open[at];
            let field = &message.fields[given.place];
            if field.count == Count::Choice && given.place != chosen {
                self.lost.overridden(self.path.iter().map(|step| step.name).chain([field.name]));
            } else {
                open[kept] = given;
                kept += 1;
            }
        }
        open.truncate(kept);
    }

    fn field<'a>(
        &mut self,
        open: &mut Vec<Given<'a>>,
        field: &'static Field,
        which: std::ops::Range<usize>,
    ) -> Result<(), TranscodeFault> {
        // Names in the tables need no escapes.
        self.text.push('"');
        self.text.push_str(field.name);
        self.text.push_str("\":");
        self.path.push(Step { name: field.name, index: None });
        match (field.count, field.kind) {
            (Count::Many, kind) => self.many(open, kind, which)?,
            (Count::One | Count::Choice, Kind::Message(message)) if which.len() > 1 => {
                // Protobuf's rule: messages that are given one after the other are one.
                let parts = open[which].iter().filter_map(|given| match given.raw {
                    Raw::Bytes(bytes) => Some(bytes),
                    _ => None,
                });
                let merged_bytes = parts.clone().map(<[u8]>::len).sum::<usize>();
                self.merged_bytes += merged_bytes;
                self.ask(ROOM_STEP_BYTES)?;
                let merged = parts.collect::<Vec<_>>().concat();
                self.message(&mut Vec::new(), message, &merged)?;
                self.merged_bytes -= merged_bytes;
            }
            (Count::One | Count::Choice, kind) => {
                if which.len() > 1 {
                    self.lost.overridden(self.path.iter().map(|step| step.name));
                }
                let last = open[which.end - 1].raw;
                self.value(open, kind, last)?;
            }
        }
        self.path.pop();
        Ok(())
    }

    fn many<'a>(
        &mut self,
        open: &mut Vec<Given<'a>>,
        kind: Kind,
        which: std::ops::Range<usize>,
    ) -> Result<(), TranscodeFault> {
        self.text.push('[');
        let mut index = 0;
        for at in which {
            match (open[at].raw, is_packable(kind)) {
                (Raw::Bytes(packed), true) => {
                    let mut reader = Reader::new(packed);
                    while !reader.is_done() {
                        let raw = unpack(kind, &mut reader).map_err(|error| self.wire(error))?;
                        self.element(open, kind, raw, &mut index)?;
                    }
                }
                (raw, _) => self.element(open, kind, raw, &mut index)?,
            }
        }
        self.text.push(']');
        Ok(())
    }

    fn element<'a>(
        &mut self,
        open: &mut Vec<Given<'a>>,
        kind: Kind,
        raw: Raw<'a>,
        index: &mut usize,
    ) -> Result<(), TranscodeFault> {
        if *index > 0 {
            self.text.push(',');
        }
        if let Some(step) = self.path.last_mut() {
            step.index = Some(*index);
        }
        *index += 1;
        self.value(open, kind, raw)
    }

    fn value<'a>(
        &mut self,
        open: &mut Vec<Given<'a>>,
        kind: Kind,
        raw: Raw<'a>,
    ) -> Result<(), TranscodeFault> {
        match (kind, raw) {
            (Kind::Message(message), Raw::Bytes(bytes)) => {
                return self.message(open, message, bytes);
            }
            (Kind::Text, Raw::Bytes(bytes)) => self.string(bytes)?,
            (Kind::Bytes, Raw::Bytes(bytes)) => {
                self.ask(2 * bytes.len())?;
                self.text.push('"');
                STANDARD.encode_string(bytes, &mut self.text);
                self.text.push('"');
            }
            (Kind::Id, Raw::Bytes(bytes)) => self.hex(bytes)?,
            (kind, Raw::Varint(value)) => self.varint(kind, value),
            (Kind::Double, Raw::Fixed64(bits)) => self.double(f64::from_bits(bits)),
            (Kind::Sfixed64, Raw::Fixed64(bits)) => {
                self.put(format_args!("\"{}\"", bits.cast_signed()))
            }
            (_, Raw::Fixed64(value)) => self.put(format_args!("\"{value}\"")),
            (_, Raw::Fixed32(value)) => self.put(format_args!("{value}")),
            // Fields that do not fit their kind were not collected.
            (_, Raw::Bytes(_) | Raw::Group) => self.text.push_str("null"),
        }
        self.ask(0)
    }

    #[expect(clippy::cast_possible_truncation, reason = "protobuf's rule: the low 32 bits count")]
    fn varint(&mut self, kind: Kind, value: u64) {
        let low = value as u32;
        match kind {
            Kind::Bool => self.text.push_str(if value == 0 { "false" } else { "true" }),
            Kind::Uint32 => self.put(format_args!("{low}")),
            Kind::Sint32 => {
                self.put(format_args!("{}", (low >> 1).cast_signed() ^ -(low & 1).cast_signed()))
            }
            Kind::Int64 => self.put(format_args!("\"{}\"", value.cast_signed())),
            Kind::Uint64 => self.put(format_args!("\"{value}\"")),
            _ => self.put(format_args!("{}", low.cast_signed())),
        }
    }

    fn double(&mut self, value: f64) {
        match value {
            value if value.is_nan() => self.text.push_str("\"NaN\""),
            f64::INFINITY => self.text.push_str("\"Infinity\""),
            f64::NEG_INFINITY => self.text.push_str("\"-Infinity\""),
            // The shortest text that reads back as the same number.
            value => self.put(format_args!("{value:?}")),
        }
    }

    fn string(&mut self, bytes: &[u8]) -> Result<(), TranscodeFault> {
        let Ok(text) = std::str::from_utf8(bytes) else {
            return Err(TranscodeFault::Utf8 { pointer: self.pointer() });
        };
        self.ask(ESCAPE_BYTES_MAX * bytes.len())?;
        string_into(&mut self.text, text);
        Ok(())
    }

    fn hex(&mut self, bytes: &[u8]) -> Result<(), TranscodeFault> {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        self.ask(2 * bytes.len())?;
        self.text.push('"');
        for byte in bytes {
            self.text.push(char::from(DIGITS[usize::from(byte >> 4)]));
            self.text.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
        self.text.push('"');
        Ok(())
    }

    fn put(&mut self, text: std::fmt::Arguments<'_>) {
        // Writing to a text does not fail.
        let _ = self.text.write_fmt(text);
    }

    /// Asks for the room of what is written, and of what is about to be where that is much.
    fn ask(&mut self, next_bytes: usize) -> Result<(), TranscodeFault> {
        let next_bytes = if next_bytes < ROOM_STEP_BYTES { 0 } else { next_bytes };
        let byte_count = self.text.len() + self.merged_bytes + next_bytes;
        if byte_count < self.counted + ROOM_STEP_BYTES {
            return Ok(());
        }
        self.counted = byte_count;
        (self.room)(byte_count)
    }

    fn wire(&self, error: WireError) -> TranscodeFault {
        TranscodeFault::Wire { pointer: self.pointer(), error }
    }

    fn pointer(&self) -> String {
        let mut pointer = String::new();
        for step in &self.path {
            pointer.push('/');
            pointer.push_str(step.name);
            if let Some(index) = step.index {
                let _ = write!(pointer, "/{index}");
            }
        }
        pointer
    }
}

/// Whether a field can be what its number says; protobuf has it that it is unknown where it cannot.
fn fits(field: &Field, raw: Raw<'_>) -> bool {
    match (field.kind, raw) {
        (Kind::Message(_) | Kind::Text | Kind::Bytes | Kind::Id, Raw::Bytes(_)) => true,
        (kind, Raw::Bytes(_)) => field.count == Count::Many && is_packable(kind),
        (kind, Raw::Varint(_)) => matches!(
            kind,
            Kind::Bool | Kind::Int32 | Kind::Uint32 | Kind::Sint32 | Kind::Int64 | Kind::Uint64
        ),
        (kind, Raw::Fixed64(_)) => matches!(kind, Kind::Fixed64 | Kind::Sfixed64 | Kind::Double),
        (kind, Raw::Fixed32(_)) => matches!(kind, Kind::Fixed32),
        (_, Raw::Group) => false,
    }
}

/// Whether many of a kind may come as one run of bytes.
fn is_packable(kind: Kind) -> bool {
    !matches!(kind, Kind::Message(_) | Kind::Text | Kind::Bytes | Kind::Id)
}

fn unpack<'a>(kind: Kind, reader: &mut Reader<'a>) -> Result<Raw<'a>, WireError> {
    match kind {
        Kind::Fixed64 | Kind::Sfixed64 | Kind::Double => reader.fixed64().map(Raw::Fixed64),
        Kind::Fixed32 => reader.fixed32().map(Raw::Fixed32),
        _ => reader.varint().map(Raw::Varint),
    }
}

#[cfg(test)]
mod tests;
