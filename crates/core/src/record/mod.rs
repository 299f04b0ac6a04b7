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

/// The kept bytes of one event. Cloning shares them.
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

#[cfg(test)]
mod tests;
