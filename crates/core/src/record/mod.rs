//! The record: the exact bytes that are kept of an event, and the hash over them.
//!
//! A record is a header, a body, a random salt, the commitment to body and salt, and the hash of
//! the event before it in its stream. Stored bytes are hashed, never re-rendered values.
//! The format is persisted (`docs/formats/record.md`): never reuse or reorder a field.

mod header;
mod wire;

use bytes::Bytes;

pub use header::{
    Header, HeaderDraft, HeaderError, HeaderRef, Placement, ServerFields, ServerFilled,
};

use crate::hash::{Digest, Sha256Hasher};

/// Bytes of a salt.
pub const SALT_BYTES: usize = 32;

/// Random bytes that keep a commitment from being guessed after its body is erased.
pub type Salt = [u8; SALT_BYTES];

const BODY_DOMAIN: &[u8] = b"annals/body/1";
const EVENT_DOMAIN: &[u8] = b"annals/event/1";

/// How a record's body is written.
///
/// Persisted: never reuse or reorder. The commitment is always over the plain bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyEncoding {
    /// The plain bytes.
    Plain,
}

impl BodyEncoding {
    /// The number in a record.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Plain => 0,
        }
    }

    /// The encoding with this number; a newer one is unknown here.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Plain),
            _ => None,
        }
    }
}

/// The commitment to a body: `SHA-256("annals/body/1" ‖ salt ‖ body)`.
#[must_use]
pub fn commitment(salt: &Salt, body: &[u8]) -> Digest {
    let mut hasher = Sha256Hasher::new();
    hasher.update(BODY_DOMAIN);
    hasher.update(salt);
    hasher.update(body);
    hasher.finish()
}

/// The hash of an event:
/// `SHA-256("annals/event/1" ‖ u32le(len(header)) ‖ header ‖ commitment ‖ prev)`.
///
/// `prev` is 32 zero bytes for the first event of a stream.
///
/// # Panics
/// When a header has 4 GiB or more, which its limits rule out.
#[must_use]
pub fn event_hash(header: &[u8], commitment: &Digest, prev: &Digest) -> Digest {
    let header_len = u32::try_from(header.len()).expect("a header is a few kilobytes");
    let mut hasher = Sha256Hasher::new();
    hasher.update(EVENT_DOMAIN);
    hasher.update(&header_len.to_le_bytes());
    hasher.update(header);
    hasher.update(commitment.as_bytes());
    hasher.update(prev.as_bytes());
    hasher.finish()
}

/// The kept bytes of one event, part by part. Cloning shares them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The header's bytes.
    pub header: Bytes,
    /// The hash of the event before it in its stream; zero for the first.
    pub prev_event_hash: Digest,
    /// The commitment to salt and body.
    pub commitment: Digest,
    /// How the body is written.
    pub encoding: BodyEncoding,
    /// The salt.
    pub salt: Salt,
    /// The body's bytes.
    pub body: Bytes,
}

impl Record {
    /// The hash of this event.
    #[must_use]
    pub fn event_hash(&self) -> Digest {
        event_hash(&self.header, &self.commitment, &self.prev_event_hash)
    }

    /// Whether salt and body are what the commitment says.
    #[must_use]
    pub fn body_matches(&self) -> bool {
        commitment(&self.salt, &self.body) == self.commitment
    }
}

/// The kept bytes of one event in one piece, as they lie in the log:
/// `header ‖ prev ‖ commitment ‖ salt ‖ body`. Cloning shares them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptRecord {
    bytes: Bytes,
    header_len: u32,
    encoding: BodyEncoding,
}

const DIGEST_BYTES: usize = 32;
/// Bytes between the header and the body.
const BETWEEN_BYTES: usize = 2 * DIGEST_BYTES + SALT_BYTES;

impl KeptRecord {
    /// Takes the bytes; none when there are too few of them.
    #[must_use]
    pub fn new(bytes: Bytes, header_len: usize, encoding: BodyEncoding) -> Option<Self> {
        let is_long_enough = header_len.checked_add(BETWEEN_BYTES)? <= bytes.len();
        let header_len = u32::try_from(header_len).ok()?;
        is_long_enough.then_some(Self { bytes, header_len, encoding })
    }

    /// Puts the parts into one piece.
    ///
    /// # Panics
    /// When a header has 4 GiB or more, which its limits rule out.
    #[must_use]
    pub fn of(record: &Record) -> Self {
        let parts: [&[u8]; 5] = [
            &record.header,
            record.prev_event_hash.as_bytes(),
            record.commitment.as_bytes(),
            &record.salt,
            &record.body,
        ];
        let header_len = u32::try_from(record.header.len()).expect("a header is a few kilobytes");
        Self { bytes: parts.concat().into(), header_len, encoding: record.encoding }
    }

    /// The parts.
    #[must_use]
    pub fn parts(&self) -> Record {
        let header_len = self.header_len as usize;
        Record {
            header: self.bytes.slice(..header_len),
            prev_event_hash: self.prev_event_hash(),
            commitment: self.commitment(),
            encoding: self.encoding,
            salt: *self.salt(),
            body: self.bytes.slice(header_len + BETWEEN_BYTES..),
        }
    }

    /// Bytes of all parts.
    #[must_use]
    pub fn byte_count(&self) -> usize {
        self.bytes.len()
    }

    /// The header's bytes.
    #[must_use]
    pub fn header(&self) -> &[u8] {
        &self.bytes[..self.header_len as usize]
    }

    /// The hash of the event before it in its stream; zero for the first.
    #[must_use]
    pub fn prev_event_hash(&self) -> Digest {
        Digest::new(*self.array(0))
    }

    /// The commitment to salt and body.
    #[must_use]
    pub fn commitment(&self) -> Digest {
        Digest::new(*self.array(DIGEST_BYTES))
    }

    /// The salt.
    #[must_use]
    pub fn salt(&self) -> &Salt {
        self.array(2 * DIGEST_BYTES)
    }

    /// The body's bytes.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.bytes[self.header_len as usize + BETWEEN_BYTES..]
    }

    /// The hash of this event.
    #[must_use]
    pub fn event_hash(&self) -> Digest {
        event_hash(self.header(), &self.commitment(), &self.prev_event_hash())
    }

    /// INVARIANT (long enough): whoever makes a kept record sees that the parts before the body are
    /// all there.
    fn array(&self, offset: usize) -> &[u8; DIGEST_BYTES] {
        let rest = &self.bytes[self.header_len as usize + offset..];
        rest.first_chunk().expect("the parts before the body are all there")
    }
}

#[cfg(test)]
mod tests;
