//! The primitive encodings of a header: optional length-prefixed fields in a fixed order.
//!
//! A field is `varint(0)` when absent, else `varint(length + 1)` and its bytes,
//! so that absent and empty stay different. Varints are LEB128, shortest form only.

use super::HeaderError;

pub(super) fn put_absent(out: &mut Vec<u8>) {
    out.push(0);
}

pub(super) fn put_field(out: &mut Vec<u8>, bytes: &[u8]) {
    let mut value = bytes.len() + 1;
    loop {
        let [low, ..] = value.to_le_bytes();
        value >>= 7;
        if value == 0 {
            out.push(low & 0x7f);
            break;
        }
        out.push(low | 0x80);
    }
    out.extend_from_slice(bytes);
}

pub(super) fn put_optional(out: &mut Vec<u8>, text: Option<&str>) {
    match text {
        Some(text) => put_field(out, text.as_bytes()),
        None => put_absent(out),
    }
}

/// Reads fields one after the other.
pub(super) struct FieldReader<'a> {
    pub(super) rest: &'a [u8],
    /// The end of the bytes as one text, if it was looked at and is one.
    end_text: &'a str,
}

impl<'a> FieldReader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, end_text: "" }
    }

    /// Looks at all that is left as one text, for fields that are nearly all texts: one look at many
    /// bytes takes less time than many looks at few. Lengths and codes are mostly ASCII, too; where
    /// they are not, each field is looked at by itself.
    pub(super) fn expect_texts(&mut self) {
        self.end_text = std::str::from_utf8(self.rest).unwrap_or("");
    }

    /// The field that was just read, as a part of the text at the end.
    fn part_of_end_text(&self, field: &[u8]) -> Option<&'a str> {
        let end = self.end_text.len().checked_sub(self.rest.len())?;
        self.end_text.get(end.checked_sub(field.len())?..end)
    }

    pub(super) fn optional(
        &mut self,
        field: &'static str,
    ) -> Result<Option<&'a [u8]>, HeaderError> {
        let broken = HeaderError::Broken { field };
        let Some(length) = self.varint(field)?.checked_sub(1) else {
            return Ok(None);
        };
        let length = usize::try_from(length).map_err(|_| broken.clone())?;
        let (bytes, rest) = self.rest.split_at_checked(length).ok_or(broken)?;
        self.rest = rest;
        Ok(Some(bytes))
    }

    pub(super) fn optional_text(
        &mut self,
        field: &'static str,
    ) -> Result<Option<&'a str>, HeaderError> {
        match self.optional(field)? {
            Some(bytes) => match self.part_of_end_text(bytes) {
                Some(text) => Ok(Some(text)),
                None => {
                    std::str::from_utf8(bytes).map(Some).map_err(|_| HeaderError::Broken { field })
                }
            },
            None => Ok(None),
        }
    }

    pub(super) fn text(&mut self, field: &'static str) -> Result<&'a str, HeaderError> {
        self.optional_text(field)?.ok_or(HeaderError::Broken { field })
    }

    pub(super) fn array<const N: usize>(
        &mut self,
        field: &'static str,
    ) -> Result<[u8; N], HeaderError> {
        let bytes = self.optional(field)?.ok_or(HeaderError::Broken { field })?;
        bytes.try_into().map_err(|_| HeaderError::Broken { field })
    }

    fn varint(&mut self, field: &'static str) -> Result<u64, HeaderError> {
        let mut value = 0_u64;
        for shift in (0..28).step_by(7) {
            let (byte, rest) = self.rest.split_first().ok_or(HeaderError::Broken { field })?;
            self.rest = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                let is_shortest = *byte != 0 || shift == 0;
                return if is_shortest { Ok(value) } else { Err(HeaderError::Broken { field }) };
            }
        }
        Err(HeaderError::Broken { field })
    }
}
