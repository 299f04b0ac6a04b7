//! SHA-256 digests as Annals writes and reads them: 32 bytes, shown as 64 lower-case hex digits.
//!
//! Which bytes are hashed, and under which prefix, is decided where the format lives (`record`,
//! `merkle`). INVARIANT (one spelling): a digest has exactly one text form, so upper-case digits
//! are refused and texts can be compared as they are.

use std::fmt;
use std::str::FromStr;

use sha2::Digest as _;

/// A SHA-256 digest. `Display` is 64 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// 32 zero bytes: what stands before the first event of a stream.
    pub const ZERO: Digest = Digest([0; 32]);

    /// Wraps 32 bytes that are a digest already.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Digest(bytes)
    }

    /// Reads a digest from a slice; `None` unless it is exactly 32 bytes.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Digest)
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The 64 hex digits as ASCII bytes, for writers that build text without `fmt`.
    pub fn to_hex(self) -> [u8; 64] {
        // Without a table, so that the compiler makes many digits at once.
        let digit = |nibble: u8| nibble + if nibble < 10 { b'0' } else { b'a' - 10 };
        let mut hex = [0; 64];
        for (pair, byte) in hex.as_chunks_mut().0.iter_mut().zip(self.0) {
            *pair = [digit(byte >> 4), digit(byte & 0x0f)];
        }
        hex
    }
}

impl From<[u8; 32]> for Digest {
    fn from(bytes: [u8; 32]) -> Self {
        Digest(bytes)
    }
}

impl AsRef<[u8]> for Digest {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hex = self.to_hex();
        f.pad(str::from_utf8(&hex).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

/// Why a text is not a digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DigestParseError {
    /// The text has another length than 64 bytes.
    #[error("a digest has 64 hex digits, this text has {byte_count} bytes")]
    Length {
        /// Length of the text in bytes.
        byte_count: usize,
    },
    /// A byte is none of `0-9a-f`.
    #[error("a digest has lower-case hex digits only, see byte {offset}")]
    Character {
        /// Where the first wrong byte is.
        offset: usize,
    },
}

impl FromStr for Digest {
    type Err = DigestParseError;

    fn from_str(text: &str) -> Result<Self, DigestParseError> {
        let hex: &[u8; 64] = text
            .as_bytes()
            .try_into()
            .map_err(|_| DigestParseError::Length { byte_count: text.len() })?;
        let mut bytes = [0; 32];
        for (index, pair) in hex.chunks_exact(2).enumerate() {
            let high = nibble(pair[0]).ok_or(DigestParseError::Character { offset: index * 2 })?;
            let low =
                nibble(pair[1]).ok_or(DigestParseError::Character { offset: index * 2 + 1 })?;
            bytes[index] = high << 4 | low;
        }
        Ok(Digest(bytes))
    }
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

/// SHA-256 over the parts in order, as if they were one slice. Parts are not separated: a format
/// that needs a boundary puts a length in.
pub fn sha256(parts: &[&[u8]]) -> Digest {
    let mut hasher = Sha256Hasher::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finish()
}

/// SHA-256 over bytes that arrive one after the other.
#[derive(Clone, Debug, Default)]
pub struct Sha256Hasher(sha2::Sha256);

impl Sha256Hasher {
    /// A hasher that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds bytes at the end.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest of everything added.
    pub fn finish(self) -> Digest {
        Digest(self.0.finalize().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn hashes_the_published_vectors() {
        assert_eq!(sha256(&[]).to_string(), EMPTY);
        assert_eq!(sha256(&[b"abc"]).to_string(), ABC);
    }

    #[test]
    fn parts_are_hashed_as_one_slice() {
        assert_eq!(sha256(&[b"a", b"", b"bc"]), sha256(&[b"abc"]));
        let mut hasher = Sha256Hasher::new();
        hasher.update(b"ab");
        hasher.update(b"c");
        assert_eq!(hasher.finish(), sha256(&[b"abc"]));
    }

    #[test]
    fn text_round_trips() {
        let digest: Digest = ABC.parse().unwrap();
        assert_eq!(digest.to_string(), ABC);
        assert_eq!(format!("{digest:?}"), format!("Digest({ABC})"));
        assert_eq!(Digest::from_slice(digest.as_bytes()), Some(digest));
        assert_eq!(Digest::ZERO.to_string(), "0".repeat(64));
    }

    #[test]
    fn refuses_what_is_not_64_lower_case_hex_digits() {
        assert_eq!("ab".parse::<Digest>(), Err(DigestParseError::Length { byte_count: 2 }));
        assert_eq!(
            ABC.to_uppercase().parse::<Digest>(),
            Err(DigestParseError::Character { offset: 0 })
        );
        let mut odd = ABC.to_owned();
        odd.replace_range(63.., "g");
        assert_eq!(odd.parse::<Digest>(), Err(DigestParseError::Character { offset: 63 }));
        assert_eq!(Digest::from_slice(&[0; 31]), None);
    }
}
