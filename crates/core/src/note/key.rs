//! The keys of notes: what signs them, what checks them, and how a verifier key is written.
//!
//! It draws no randomness: a seed is passed in, and a seed and a text always give one signature.
//! INVARIANT (id follows key): a `VerifierKey` cannot be made with an id that is not the one of
//! its name, kind and public key.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signer as _, VerifyingKey};
use zeroize::Zeroize as _;

use super::{NoteSignature, Verified};
use crate::hash::sha256;
use crate::limits::KEY_NAME_BYTES_MAX;

const PUBLIC_KEY_BYTES: usize = 32;
const SEED_BYTES: usize = 32;
const TIMESTAMP_BYTES: usize = 8;

/// What a key signs, and so the form of its signatures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyKind {
    /// Ed25519 over the note's text.
    Ed25519,
    /// Ed25519 over a time and a checkpoint's text: a witness's cosignature, version 1.
    CosignatureV1,
}

impl KeyKind {
    /// The byte that stands for the kind in a key. Assigned by C2SP.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Ed25519 => 0x01,
            Self::CosignatureV1 => 0x04,
        }
    }

    const fn from_code(code: u8) -> Option<Self> {
        match code {
            0x01 => Some(Self::Ed25519),
            0x04 => Some(Self::CosignatureV1),
            _ => None,
        }
    }
}

/// Why something is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VerifierKeyError {
    /// The text is not `NAME+ID+KEY`.
    #[error("a verifier key is NAME+ID+KEY: a name, eight hex digits, base64")]
    Shape,
    /// A name is empty, too long, or has a space, a plus or a control character.
    #[error(
        "a key's name is 1 to {KEY_NAME_BYTES_MAX} bytes without space, plus or control character"
    )]
    Name,
    /// The kind of key is not known here.
    #[error("keys of type {code:#04x} are not known here")]
    UnknownKind {
        /// The type byte.
        code: u8,
    },
    /// The bytes are no public key that may be trusted.
    #[error("the bytes are no Ed25519 public key, or a weak one")]
    PublicKey,
    /// The id is not the one of this name and key.
    #[error("the id does not belong to this name and key")]
    WrongId,
}

/// A public key with the name that it signs under. `Display` is C2SP's text form.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct VerifierKey {
    name: String,
    id: u32,
    kind: KeyKind,
    public_key: [u8; PUBLIC_KEY_BYTES],
}

impl VerifierKey {
    /// A key under a name.
    ///
    /// # Errors
    /// When the name cannot stand in a note, or the bytes are no sound public key.
    pub fn new(
        name: &str,
        kind: KeyKind,
        public_key: [u8; PUBLIC_KEY_BYTES],
    ) -> Result<Self, VerifierKeyError> {
        if !is_key_name(name) {
            return Err(VerifierKeyError::Name);
        }
        match VerifyingKey::from_bytes(&public_key) {
            Ok(point) if !point.is_weak() => {}
            Ok(_) | Err(_) => return Err(VerifierKeyError::PublicKey),
        }
        Ok(Self::of_sound_key(name, kind, public_key))
    }

    fn of_sound_key(name: &str, kind: KeyKind, public_key: [u8; PUBLIC_KEY_BYTES]) -> Self {
        let digest = sha256(&[name.as_bytes(), b"\n", &[kind.code()], &public_key]);
        let [a, b, c, d, ..] = *digest.as_bytes();
        Self { name: name.to_owned(), id: u32::from_be_bytes([a, b, c, d]), kind, public_key }
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The first four bytes of SHA-256 over name, newline, kind and public key.
    #[must_use]
    pub const fn id(&self) -> u32 {
        self.id
    }

    /// What the key signs.
    #[must_use]
    pub const fn kind(&self) -> KeyKind {
        self.kind
    }

    /// The public key, as RFC 8032 encodes it.
    #[must_use]
    pub const fn public_key(&self) -> &[u8; PUBLIC_KEY_BYTES] {
        &self.public_key
    }

    /// Checks a signature's own bytes over a note's text. `None` if they do not fit.
    pub(super) fn verify(&self, body: &str, signature: &[u8]) -> Option<Verified> {
        match self.kind {
            KeyKind::Ed25519 => {
                self.check(body.as_bytes(), signature)?;
                Some(Verified { cosigned_at: None })
            }
            KeyKind::CosignatureV1 => {
                let (timestamp, signature) = signature.split_first_chunk::<TIMESTAMP_BYTES>()?;
                let cosigned_at = u64::from_be_bytes(*timestamp);
                // The specification's bound, so that every language can hold the time.
                i64::try_from(cosigned_at).ok()?;
                self.check(cosigned_message(body, cosigned_at).as_bytes(), signature)?;
                Some(Verified { cosigned_at: Some(cosigned_at) })
            }
        }
    }

    fn check(&self, message: &[u8], signature: &[u8]) -> Option<()> {
        let signature = ed25519_dalek::Signature::from_slice(signature).ok()?;
        let key = VerifyingKey::from_bytes(&self.public_key).ok()?;
        key.verify_strict(message, &signature).ok()
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = [&[self.kind.code()], self.public_key.as_slice()].concat();
        write!(formatter, "{}+{:08x}+{}", self.name, self.id, STANDARD.encode(key))
    }
}

impl FromStr for VerifierKey {
    type Err = VerifierKeyError;

    fn from_str(text: &str) -> Result<Self, VerifierKeyError> {
        // A name has no plus; base64 may have some.
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(VerifierKeyError::Shape);
        };
        if key.len() > KEY_NAME_BYTES_MAX {
            return Err(VerifierKeyError::Shape);
        }
        let key = STANDARD.decode(key).map_err(|_| VerifierKeyError::Shape)?;
        let (code, public_key) = key.split_first().ok_or(VerifierKeyError::Shape)?;
        let kind =
            KeyKind::from_code(*code).ok_or(VerifierKeyError::UnknownKind { code: *code })?;
        let public_key = public_key.try_into().map_err(|_| VerifierKeyError::PublicKey)?;
        let key = Self::new(name, kind, public_key)?;
        if format!("{:08x}", key.id) == id { Ok(key) } else { Err(VerifierKeyError::WrongId) }
    }
}

/// The secret key of a log. `Debug` shows the name alone; memory is cleared when it goes.
pub struct SigningKey {
    verifier: VerifierKey,
    secret: ed25519_dalek::SigningKey,
}

impl SigningKey {
    /// The key that a seed gives, under a name.
    ///
    /// # Errors
    /// When the name cannot stand in a note.
    pub fn from_seed(name: &str, seed: [u8; SEED_BYTES]) -> Result<Self, VerifierKeyError> {
        let (verifier, secret) = key_pair(name, KeyKind::Ed25519, seed)?;
        Ok(Self { verifier, secret })
    }

    /// The public half.
    #[must_use]
    pub fn verifier(&self) -> VerifierKey {
        self.verifier.clone()
    }

    /// Signs a note's text.
    #[must_use]
    pub fn sign(&self, body: &str) -> NoteSignature {
        signature_line(&self.verifier, self.secret.sign(body.as_bytes()).to_bytes().to_vec())
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SigningKey")
            .field("name", &self.verifier.name)
            .finish_non_exhaustive()
    }
}

/// The secret key of a witness. `Debug` shows the name alone; memory is cleared when it goes.
pub struct CosigningKey {
    verifier: VerifierKey,
    secret: ed25519_dalek::SigningKey,
}

impl CosigningKey {
    /// The key that a seed gives, under a name.
    ///
    /// # Errors
    /// When the name cannot stand in a note.
    pub fn from_seed(name: &str, seed: [u8; SEED_BYTES]) -> Result<Self, VerifierKeyError> {
        let (verifier, secret) = key_pair(name, KeyKind::CosignatureV1, seed)?;
        Ok(Self { verifier, secret })
    }

    /// The public half.
    #[must_use]
    pub fn verifier(&self) -> VerifierKey {
        self.verifier.clone()
    }

    /// Cosigns a checkpoint's text, at a time in seconds since 1970.
    #[must_use]
    pub fn cosign(&self, body: &str, at: u64) -> NoteSignature {
        let signature = self.secret.sign(cosigned_message(body, at).as_bytes());
        let bytes = [at.to_be_bytes().as_slice(), &signature.to_bytes()].concat();
        signature_line(&self.verifier, bytes)
    }
}

impl fmt::Debug for CosigningKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("CosigningKey")
            .field("name", &self.verifier.name)
            .finish_non_exhaustive()
    }
}

/// Whether a text may name a key: not empty, and without spaces, pluses and control characters.
pub(super) fn is_key_name(name: &str) -> bool {
    let is_allowed =
        |character: char| !character.is_whitespace() && !character.is_control() && character != '+';
    !name.is_empty() && name.len() <= KEY_NAME_BYTES_MAX && name.chars().all(is_allowed)
}

fn key_pair(
    name: &str,
    kind: KeyKind,
    mut seed: [u8; SEED_BYTES],
) -> Result<(VerifierKey, ed25519_dalek::SigningKey), VerifierKeyError> {
    let secret = ed25519_dalek::SigningKey::from_bytes(&seed);
    seed.zeroize();
    let verifier = VerifierKey::new(name, kind, secret.verifying_key().to_bytes())?;
    Ok((verifier, secret))
}

fn signature_line(key: &VerifierKey, signature: Vec<u8>) -> NoteSignature {
    NoteSignature { name: key.name.clone(), id: key.id, signature }
}

/// What a cosignature signs. The first line keeps it apart from everything else that is signed.
fn cosigned_message(body: &str, at: u64) -> String {
    format!("cosignature/v1\ntime {at}\n{body}")
}
