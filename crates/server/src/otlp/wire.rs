//! Protobuf's wire format: tags and values, one after the other, out of bytes; and back into bytes.
//!
//! It knows no message type. Reading copies nothing and never goes beyond the bytes that it was given.

/// A value as the wire has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Raw<'a> {
    Varint(u64),
    Fixed64(u64),
    Fixed32(u32),
    /// A text, bytes, a message or packed values.
    Bytes(&'a [u8]),
    /// A group, which OTLP has none of; skipped as a whole.
    Group,
}

/// What makes bytes no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum WireError {
    #[error("it ends in the middle of a value")]
    Truncated,
    #[error("a number has more than 64 bits")]
    LongVarint,
    #[error("a field has no valid number or wire type")]
    InvalidTag,
    #[error("groups are nested too deeply")]
    DeepGroups,
}

/// Groups within groups that are skipped.
const GROUP_DEPTH_MAX: usize = 32;

/// Reads fields off the front of bytes.
#[derive(Debug, Clone)]
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    pub(super) fn is_done(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The next field's number and value; none at the end.
    pub(super) fn field(&mut self) -> Result<Option<(u32, Raw<'a>)>, WireError> {
        if self.is_done() {
            return Ok(None);
        }
        let (number, wire_type) = self.tag()?;
        Ok(Some((number, self.value(number, wire_type)?)))
    }

    fn tag(&mut self) -> Result<(u32, u8), WireError> {
        let tag = u32::try_from(self.varint()?).map_err(|_| WireError::InvalidTag)?;
        let number = tag >> 3;
        if number == 0 {
            return Err(WireError::InvalidTag);
        }
        Ok((number, (tag & 7) as u8))
    }

    fn value(&mut self, number: u32, wire_type: u8) -> Result<Raw<'a>, WireError> {
        match wire_type {
            0 => self.varint().map(Raw::Varint),
            1 => self.fixed64().map(Raw::Fixed64),
            2 => self.delimited().map(Raw::Bytes),
            3 => self.skip_group(number).map(|()| Raw::Group),
            5 => self.fixed32().map(Raw::Fixed32),
            _ => Err(WireError::InvalidTag),
        }
    }

    pub(super) fn varint(&mut self) -> Result<u64, WireError> {
        let mut value = 0_u64;
        for (index, byte) in self.bytes.iter().enumerate().take(10) {
            let bits = u64::from(byte & 0x7f);
            // The tenth byte has room for one bit.
            if index == 9 && *byte > 1 {
                return Err(WireError::LongVarint);
            }
            value |= bits << (7 * index);
            if byte & 0x80 == 0 {
                self.bytes = self.bytes.get(index + 1..).unwrap_or_default();
                return Ok(value);
            }
        }
        Err(if self.bytes.len() < 10 { WireError::Truncated } else { WireError::LongVarint })
    }

    pub(super) fn fixed64(&mut self) -> Result<u64, WireError> {
        self.array().map(u64::from_le_bytes)
    }

    pub(super) fn fixed32(&mut self) -> Result<u32, WireError> {
        self.array().map(u32::from_le_bytes)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        let (taken, rest) = self.bytes.split_first_chunk().ok_or(WireError::Truncated)?;
        self.bytes = rest;
        Ok(*taken)
    }

    fn delimited(&mut self) -> Result<&'a [u8], WireError> {
        let length = usize::try_from(self.varint()?).map_err(|_| WireError::Truncated)?;
        let (taken, rest) = self.bytes.split_at_checked(length).ok_or(WireError::Truncated)?;
        self.bytes = rest;
        Ok(taken)
    }

    /// Reads on to the end of a group, by a stack of the numbers of those that are open.
    fn skip_group(&mut self, number: u32) -> Result<(), WireError> {
        let mut open = vec![number];
        while let Some(innermost) = open.last() {
            let (number, wire_type) = self.tag()?;
            match wire_type {
                3 if open.len() == GROUP_DEPTH_MAX => return Err(WireError::DeepGroups),
                3 => open.push(number),
                4 if number == *innermost => drop(open.pop()),
                4 => return Err(WireError::InvalidTag),
                wire_type => drop(self.value(number, wire_type)?),
            }
        }
        Ok(())
    }
}

/// Appends a number that is not zero; zero is what an absent one says.
pub(super) fn put_number(out: &mut Vec<u8>, number: u8, value: u64) {
    if value > 0 {
        out.push(number << 3);
        put_varint(out, value);
    }
}

/// Appends a text, bytes or a message; an empty one, too.
pub(super) fn put_bytes(out: &mut Vec<u8>, number: u8, bytes: &[u8]) {
    out.push(number << 3 | 2);
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

#[expect(clippy::cast_possible_truncation, reason = "seven bits at a time")]
fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(bytes: &[u8]) -> Result<Vec<(u32, Raw<'_>)>, WireError> {
        let mut reader = Reader::new(bytes);
        std::iter::from_fn(|| reader.field().transpose()).collect()
    }

    #[test]
    fn reads_every_wire_type_and_skips_groups_whole() {
        let mut bytes = Vec::new();
        put_number(&mut bytes, 1, u64::MAX);
        put_bytes(&mut bytes, 2, b"text");
        bytes.extend([3 << 3 | 1, 1, 0, 0, 0, 0, 0, 0, 0x80]);
        bytes.extend([4 << 3 | 5, 2, 0, 0, 0]);
        bytes.extend([5 << 3 | 3, 1 << 3, 7, 6 << 3 | 3, 6 << 3 | 4, 5 << 3 | 4]);
        let expected = vec![
            (1, Raw::Varint(u64::MAX)),
            (2, Raw::Bytes(b"text")),
            (3, Raw::Fixed64(1 | 0x80 << 56)),
            (4, Raw::Fixed32(2)),
            (5, Raw::Group),
        ];
        assert_eq!(fields(&bytes), Ok(expected));
    }

    #[test]
    fn every_cut_of_a_message_is_refused_or_a_shorter_message() {
        let mut bytes = Vec::new();
        put_number(&mut bytes, 1, 300);
        put_bytes(&mut bytes, 2, b"text");
        bytes.extend([5 << 3 | 3, 1 << 3, 7, 5 << 3 | 4]);
        for end in 0..bytes.len() {
            let whole = [0, 3, 9].contains(&end);
            assert_eq!(fields(&bytes[..end]).is_ok(), whole, "{end}");
        }
    }

    #[test]
    fn refuses_numbers_beyond_64_bits_and_invalid_tags() {
        assert_eq!(
            fields(&[8, 255, 255, 255, 255, 255, 255, 255, 255, 255, 2]),
            Err(WireError::LongVarint)
        );
        assert_eq!(
            fields(&[8, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128]),
            Err(WireError::LongVarint)
        );
        assert_eq!(fields(&[0, 1]), Err(WireError::InvalidTag), "field 0");
        assert_eq!(fields(&[8 | 4]), Err(WireError::InvalidTag), "an end without a group");
        assert_eq!(fields(&[8 | 6]), Err(WireError::InvalidTag), "wire type 6");
        assert_eq!(fields(&[8 | 3, 16 | 4]), Err(WireError::InvalidTag), "another group's end");
        assert_eq!(fields(&[8 | 3; 40]), Err(WireError::DeepGroups));
    }
}
