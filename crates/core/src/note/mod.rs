//! C2SP signed notes: text that one or more keys signed, and how it is written.
//!
//! What the text means is not known here (`checkpoint`); no key is trusted here either, because
//! callers bring the verifier keys that they know.
//! INVARIANT (one spelling): a note that parses is written back byte for byte, so that no two
//! texts are the same note; sizes are bounded before anything is decoded.
//!
//! Specification: <https://c2sp.org/signed-note>, <https://c2sp.org/tlog-cosignature>.

mod key;

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

pub use key::{CosigningKey, KeyKind, SigningKey, VerifierKey, VerifierKeyError};

use crate::limits::{NOTE_BYTES_MAX, NOTE_SIGNATURE_COUNT_MAX};

/// Begins a signature line: an em dash and a space.
const LINE_START: &str = "— ";
/// The key id before the signature's own bytes.
const KEY_ID_BYTES: usize = 4;

/// Why a text is no note, or a note is not signed as wanted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// More bytes than are read of a note.
    #[error("a note of {byte_count} bytes is larger than {NOTE_BYTES_MAX}")]
    TooLarge {
        /// Bytes of the text.
        byte_count: usize,
    },
    /// A control character other than a newline.
    #[error("byte {offset} is a control character")]
    ControlCharacter {
        /// Where it stands.
        offset: usize,
    },
    /// The text and its signatures are not parted by an empty line, or a last newline is missing.
    #[error("text and signatures are not parted by an empty line, or a line is not ended")]
    Shape,
    /// More signatures than are read of a note.
    #[error("a note has more than {NOTE_SIGNATURE_COUNT_MAX} signatures")]
    TooManySignatures,
    /// A signature line is not `— NAME BASE64`.
    #[error("signature line {line} is not a signature line")]
    SignatureLine {
        /// Counted from 1.
        line: usize,
    },
    /// One key signs twice.
    #[error("the key {name} has two signatures")]
    DuplicateSignature {
        /// The key's name.
        name: String,
    },
    /// The key has no signature on the note.
    #[error("there is no signature by the key {name}")]
    NotSigned {
        /// The key's name.
        name: String,
    },
    /// The key's signature is not one over this text.
    #[error("the signature by the key {name} does not fit the text")]
    WrongSignature {
        /// The key's name.
        name: String,
    },
}

/// What a valid signature says beside the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified {
    /// When a cosigner signed, in seconds since 1970; none for a signature without a time.
    pub cosigned_at: Option<u64>,
}

/// One signature line of a note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteSignature {
    /// The key's name.
    pub name: String,
    /// The key's id: with the name it says which key it was.
    pub id: u32,
    /// What the key made; its form depends on the key's kind.
    pub signature: Vec<u8>,
}

impl NoteSignature {
    /// Reads one line, without its newline. `None` if it is none.
    #[must_use]
    pub fn parse(line: &str) -> Option<Self> {
        let (name, encoded) = line.strip_prefix(LINE_START)?.split_once(' ')?;
        if !key::is_key_name(name) {
            return None;
        }
        let bytes = STANDARD.decode(encoded).ok()?;
        let (id, signature) = bytes.split_first_chunk::<KEY_ID_BYTES>()?;
        if signature.is_empty() {
            return None;
        }
        Some(Self {
            name: name.to_owned(),
            id: u32::from_be_bytes(*id),
            signature: signature.to_vec(),
        })
    }

    /// Reads lines as a witness answers them: one signature each, every line ended.
    ///
    /// # Errors
    /// When there is no line, or the first that is none.
    pub fn parse_lines(text: &str) -> Result<Vec<Self>, NoteError> {
        check_text(text)?;
        let lines = text.strip_suffix('\n').ok_or(NoteError::Shape)?;
        let mut signatures: Vec<Self> = Vec::new();
        for (index, line) in lines.split('\n').enumerate() {
            if index == NOTE_SIGNATURE_COUNT_MAX {
                return Err(NoteError::TooManySignatures);
            }
            let signature =
                Self::parse(line).ok_or(NoteError::SignatureLine { line: index + 1 })?;
            if signatures.iter().any(|known| known.is_by_key_of(&signature)) {
                return Err(NoteError::DuplicateSignature { name: signature.name });
            }
            signatures.push(signature);
        }
        Ok(signatures)
    }

    /// Whether this is the signature of a key.
    #[must_use]
    pub fn is_by(&self, key: &VerifierKey) -> bool {
        self.id == key.id() && self.name == key.name()
    }

    fn is_by_key_of(&self, other: &Self) -> bool {
        self.id == other.id && self.name == other.name
    }
}

impl fmt::Display for NoteSignature {
    /// The line, without its newline.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [self.id.to_be_bytes().as_slice(), &self.signature].concat();
        write!(formatter, "{LINE_START}{} {}", self.name, STANDARD.encode(bytes))
    }
}

/// A text and its signatures. `Display` is the whole note.
///
/// Until a signature by a known key is verified, the text means nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The signed text, with its last newline.
    pub body: String,
    /// The signatures, in the order of their lines.
    pub signatures: Vec<NoteSignature>,
}

impl Note {
    /// Reads a note.
    ///
    /// # Errors
    /// When the text is not a note, or is larger than is read of one.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        check_text(text)?;
        // The body may hold empty lines; the last one parts it from the signatures.
        let split = text.rfind("\n\n").ok_or(NoteError::Shape)?;
        let (body, rest) = text.split_at(split + 1);
        let signatures = NoteSignature::parse_lines(rest.get(1..).unwrap_or_default())?;
        Ok(Self { body: body.to_owned(), signatures })
    }

    /// Checks a key's signature.
    ///
    /// # Errors
    /// When the key has not signed the note, or its signature does not fit.
    pub fn verify(&self, key: &VerifierKey) -> Result<Verified, NoteError> {
        let signature = self
            .signatures
            .iter()
            .find(|signature| signature.is_by(key))
            .ok_or_else(|| NoteError::NotSigned { name: key.name().to_owned() })?;
        key.verify(&self.body, &signature.signature)
            .ok_or_else(|| NoteError::WrongSignature { name: key.name().to_owned() })
    }

    /// Adds a signature; it takes the place of an older one by the same key.
    pub fn put(&mut self, signature: NoteSignature) {
        self.signatures.retain(|known| !known.is_by_key_of(&signature));
        self.signatures.push(signature);
    }
}

impl fmt::Display for Note {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{}", self.body)?;
        self.signatures.iter().try_for_each(|signature| writeln!(formatter, "{signature}"))
    }
}

fn check_text(text: &str) -> Result<(), NoteError> {
    if text.len() > NOTE_BYTES_MAX {
        return Err(NoteError::TooLarge { byte_count: text.len() });
    }
    match text.bytes().position(|byte| byte < b' ' && byte != b'\n') {
        Some(offset) => Err(NoteError::ControlCharacter { offset }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
