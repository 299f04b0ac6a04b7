//! From MessagePack to compact JSON text.
//!
//! Nesting is followed on a heap stack. A declared length is a claim: nothing is reserved for it,
//! and it is believed only as far as bytes are there. Limits count the JSON that comes out.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "the format has 37 markers, and each match is about a few of them"
)]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rmp::Marker;

use super::error::MsgpackError;
use super::tagged::{BIN_KEY, NumMember, num_member};
use crate::json::{JsonLimits, string_into};

/// Entries of a map up to which each key is compared with each, instead of sorting them.
const COMPARED_KEY_COUNT_MAX: usize = 16;

/// Bytes of a key that an error repeats.
const SHOWN_KEY_BYTES_MAX: usize = 256;

/// Translates one MessagePack value and appends it to `out` as compact JSON.
///
/// On an error `out` is as it was.
pub fn to_json(input: &[u8], out: &mut Vec<u8>, limits: &JsonLimits) -> Result<(), MsgpackError> {
    let byte_count = out.len();
    let mut decoder = Decoder {
        reader: Reader { input, pos: 0 },
        out,
        limits: *limits,
        node_count: 0,
        open: Vec::new(),
        keys: Vec::new(),
    };
    decoder.document().inspect_err(|_| out.truncate(byte_count))
}

/// A container whose entries are being read.
#[derive(Debug)]
enum Open {
    Array { left: u32 },
    Map { left: u32, first_key: usize },
}

#[derive(Debug)]
struct Decoder<'a, 'o> {
    reader: Reader<'a>,
    out: &'o mut Vec<u8>,
    limits: JsonLimits,
    node_count: usize,
    open: Vec<Open>,
    /// The keys of all open maps, outermost first.
    keys: Vec<&'a str>,
}

impl<'a> Decoder<'a, '_> {
    fn document(&mut self) -> Result<(), MsgpackError> {
        if self.reader.input.is_empty() {
            return Err(MsgpackError::Empty);
        }
        self.value()?;
        while !self.open.is_empty() {
            if self.next_entry()? {
                self.value()?;
            }
        }
        if self.reader.pos < self.reader.input.len() {
            return Err(MsgpackError::TrailingData { offset: self.reader.pos });
        }
        Ok(())
    }

    /// Goes to the next value of the innermost container, or closes it.
    fn next_entry(&mut self) -> Result<bool, MsgpackError> {
        match self.open.last_mut() {
            Some(Open::Array { left: 0 }) => {
                self.out.push(b']');
                self.open.pop();
                Ok(false)
            }
            Some(&mut Open::Map { left: 0, first_key }) => {
                refuse_duplicates(&self.keys[first_key..])?;
                self.keys.truncate(first_key);
                self.out.push(b'}');
                self.open.pop();
                Ok(false)
            }
            Some(Open::Array { left }) => {
                *left -= 1;
                self.separate();
                Ok(true)
            }
            Some(Open::Map { left, .. }) => {
                *left -= 1;
                self.separate();
                let key = self.reader.key()?;
                self.keys.push(key);
                string_into(self.out, key);
                self.out.push(b':');
                Ok(true)
            }
            None => Ok(false),
        }
    }

    /// Writes the comma before every entry but the first. Only an opened container ends in its own
    /// bracket here; a closed one ends in the other.
    fn separate(&mut self) {
        if !matches!(self.out.last(), Some(b'[' | b'{')) {
            self.out.push(b',');
        }
    }

    /// Reads a scalar or the start of a container.
    fn value(&mut self) -> Result<(), MsgpackError> {
        self.count_node()?;
        let offset = self.reader.pos;
        let marker = self.reader.marker()?;
        match marker {
            Marker::Null => self.out.extend_from_slice(b"null"),
            Marker::True => self.out.extend_from_slice(b"true"),
            Marker::False => self.out.extend_from_slice(b"false"),
            Marker::F32 => {
                let number = f32::from_be_bytes(self.reader.array()?);
                self.float(number, number.is_finite(), offset)?;
            }
            Marker::F64 => {
                let number = f64::from_be_bytes(self.reader.array()?);
                self.float(number, number.is_finite(), offset)?;
            }
            Marker::Reserved => return Err(MsgpackError::ReservedMarker { offset }),
            _ => return self.sized_value(marker, offset),
        }
        Ok(())
    }

    fn sized_value(&mut self, marker: Marker, offset: usize) -> Result<(), MsgpackError> {
        if let Some(number) = self.reader.integer(marker)? {
            self.out.extend_from_slice(number.to_string().as_bytes());
            return Ok(());
        }
        match self.reader.length(marker)? {
            Some(Sized::Str(length)) => {
                let text = self.reader.text(length)?;
                string_into(self.out, text);
                Ok(())
            }
            Some(Sized::Bin(length)) => self.bin(length),
            Some(Sized::Array(length)) => {
                self.out.push(b'[');
                self.enter(Open::Array { left: length })
            }
            Some(Sized::Map(1)) => self.map_of_one(),
            Some(Sized::Map(length)) => self.map(length),
            None => Err(MsgpackError::Extension { offset }),
        }
    }

    fn float<F: serde::Serialize>(
        &mut self,
        number: F,
        is_finite: bool,
        offset: usize,
    ) -> Result<(), MsgpackError> {
        let refusal = MsgpackError::NotFinite { offset };
        if !is_finite {
            return Err(refusal);
        }
        serde_json::to_writer(&mut *self.out, &number).map_err(|_| refusal)
    }

    fn bin(&mut self, length: u32) -> Result<(), MsgpackError> {
        let bytes = self.reader.take(length as usize)?;
        self.count_node()?;
        self.check_depth(self.open.len() + 1)?;
        self.member_of_one(BIN_KEY, &STANDARD.encode(bytes));
        Ok(())
    }

    /// Reads a map of one entry, which may be a number or an escaped object (see `mod.rs`).
    fn map_of_one(&mut self) -> Result<(), MsgpackError> {
        let ahead = &mut Reader { ..self.reader };
        let Some((key, value)) = ahead.key().ok().zip(ahead.string()) else {
            return self.map(1);
        };
        match num_member(key, value) {
            NumMember::Ordinary => return self.map(1),
            NumMember::Number => self.out.extend_from_slice(value.as_bytes()),
            NumMember::Escaped => {
                self.count_node()?;
                self.check_depth(self.open.len() + 1)?;
                self.member_of_one(&key[1..], value);
            }
        }
        self.reader.pos = ahead.pos;
        Ok(())
    }

    fn member_of_one(&mut self, key: &str, value: &str) {
        self.out.push(b'{');
        string_into(self.out, key);
        self.out.push(b':');
        string_into(self.out, value);
        self.out.push(b'}');
    }

    fn map(&mut self, length: u32) -> Result<(), MsgpackError> {
        self.out.push(b'{');
        self.enter(Open::Map { left: length, first_key: self.keys.len() })
    }

    fn enter(&mut self, container: Open) -> Result<(), MsgpackError> {
        self.open.push(container);
        self.check_depth(self.open.len())
    }

    fn check_depth(&self, depth: usize) -> Result<(), MsgpackError> {
        let depth_max = self.limits.depth_max;
        if depth > depth_max { Err(MsgpackError::TooDeep { depth_max }) } else { Ok(()) }
    }

    fn count_node(&mut self) -> Result<(), MsgpackError> {
        self.node_count += 1;
        let node_count_max = self.limits.node_count_max;
        if self.node_count > node_count_max {
            Err(MsgpackError::TooManyNodes { node_count_max })
        } else {
            Ok(())
        }
    }
}

fn refuse_duplicates(keys: &[&str]) -> Result<(), MsgpackError> {
    let found = if keys.len() <= COMPARED_KEY_COUNT_MAX {
        keys.iter()
            .enumerate()
            .find(|(index, key)| keys[..*index].contains(*key))
            .map(|(_, key)| *key)
    } else {
        let mut sorted = keys.to_vec();
        sorted.sort_unstable();
        sorted.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0])
    };
    let Some(key) = found else { return Ok(()) };
    let mut shown = key[..key.floor_char_boundary(SHOWN_KEY_BYTES_MAX)].to_owned();
    if shown.len() < key.len() {
        shown.push('…');
    }
    Err(MsgpackError::DuplicateKey { key: shown })
}

/// A value whose length comes first.
#[derive(Clone, Copy, Debug)]
enum Sized {
    Str(u32),
    Bin(u32),
    Array(u32),
    Map(u32),
}

/// Reads markers and what belongs to them.
#[derive(Debug)]
struct Reader<'a> {
    input: &'a [u8],
    pos: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, byte_count: usize) -> Result<&'a [u8], MsgpackError> {
        let rest = self.input.get(self.pos..).unwrap_or_default();
        let taken =
            rest.get(..byte_count).ok_or(MsgpackError::UnexpectedEnd { offset: self.pos })?;
        self.pos += byte_count;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], MsgpackError> {
        let offset = self.pos;
        self.take(N)?.try_into().map_err(|_| MsgpackError::UnexpectedEnd { offset })
    }

    fn marker(&mut self) -> Result<Marker, MsgpackError> {
        let [byte] = self.array()?;
        Ok(Marker::from_u8(byte))
    }

    /// The value behind an integer marker; `None` for other markers.
    fn integer(&mut self, marker: Marker) -> Result<Option<i128>, MsgpackError> {
        Ok(Some(match marker {
            Marker::FixPos(number) => number.into(),
            Marker::FixNeg(number) => number.into(),
            Marker::U8 => u8::from_be_bytes(self.array()?).into(),
            Marker::U16 => u16::from_be_bytes(self.array()?).into(),
            Marker::U32 => u32::from_be_bytes(self.array()?).into(),
            Marker::U64 => u64::from_be_bytes(self.array()?).into(),
            Marker::I8 => i8::from_be_bytes(self.array()?).into(),
            Marker::I16 => i16::from_be_bytes(self.array()?).into(),
            Marker::I32 => i32::from_be_bytes(self.array()?).into(),
            Marker::I64 => i64::from_be_bytes(self.array()?).into(),
            _ => return Ok(None),
        }))
    }

    /// The kind and length behind a marker with a length; `None` for other markers.
    fn length(&mut self, marker: Marker) -> Result<Option<Sized>, MsgpackError> {
        Ok(Some(match marker {
            Marker::FixStr(length) => Sized::Str(length.into()),
            Marker::Str8 => Sized::Str(u8::from_be_bytes(self.array()?).into()),
            Marker::Str16 => Sized::Str(u16::from_be_bytes(self.array()?).into()),
            Marker::Str32 => Sized::Str(u32::from_be_bytes(self.array()?)),
            Marker::Bin8 => Sized::Bin(u8::from_be_bytes(self.array()?).into()),
            Marker::Bin16 => Sized::Bin(u16::from_be_bytes(self.array()?).into()),
            Marker::Bin32 => Sized::Bin(u32::from_be_bytes(self.array()?)),
            Marker::FixArray(length) => Sized::Array(length.into()),
            Marker::Array16 => Sized::Array(u16::from_be_bytes(self.array()?).into()),
            Marker::Array32 => Sized::Array(u32::from_be_bytes(self.array()?)),
            Marker::FixMap(length) => Sized::Map(length.into()),
            Marker::Map16 => Sized::Map(u16::from_be_bytes(self.array()?).into()),
            Marker::Map32 => Sized::Map(u32::from_be_bytes(self.array()?)),
            _ => return Ok(None),
        }))
    }

    fn text(&mut self, length: u32) -> Result<&'a str, MsgpackError> {
        let start = self.pos;
        let bytes = self.take(length as usize)?;
        str::from_utf8(bytes)
            .map_err(|error| MsgpackError::Utf8 { offset: start + error.valid_up_to() })
    }

    /// A map's key.
    fn key(&mut self) -> Result<&'a str, MsgpackError> {
        let offset = self.pos;
        let marker = self.marker()?;
        match self.length(marker)? {
            Some(Sized::Str(length)) => self.text(length),
            Some(Sized::Bin(_) | Sized::Array(_) | Sized::Map(_)) | None => {
                Err(MsgpackError::NonStringKey { offset })
            }
        }
    }

    /// A string, if one is next and whole.
    fn string(&mut self) -> Option<&'a str> {
        self.key().ok()
    }
}
