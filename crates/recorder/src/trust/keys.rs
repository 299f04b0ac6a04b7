//! The keys of a log: the one that signs and the ones that signed before it.
//!
//! Says how keys are written into files; which file is whose is `open`'s and `rotate`'s.
//! INVARIANT (one key a size): a size is signed by one key only; a rotation's event is the first
//! event that the new key covers.

use std::fmt::Write as _;

use annals_core::checkpoint::{RotationStatement, SignedRotation};
use annals_core::id::LogId;
use annals_core::note::{SigningKey, VerifierKey};

use crate::world::Entropy;

const KEY_HEAD: &str = "annals-key/1";
const KEYS_HEAD: &str = "annals-keys/1";

/// The bytes that a signing key is made of.
pub(super) type Seed = [u8; 32];

/// A key that signs no more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormerKey {
    /// The key.
    pub key: VerifierKey,
    /// The largest size that it may have signed.
    pub last_size: u64,
}

/// The key that signs, and how it came to that.
#[derive(Debug)]
pub(super) struct KeyRing {
    signing: SigningKey,
    /// Oldest first; each one's new key is the next one's old key, the last one's signs.
    rotations: Vec<SignedRotation>,
}

impl KeyRing {
    pub(super) fn new(signing: SigningKey, rotations: Vec<SignedRotation>) -> Self {
        Self { signing, rotations }
    }

    pub(super) fn signing_key(&self) -> &SigningKey {
        &self.signing
    }

    pub(super) fn rotations(&self) -> &[SignedRotation] {
        &self.rotations
    }

    pub(super) fn current(&self) -> VerifierKey {
        self.signing.verifier()
    }

    /// Newest first.
    pub(super) fn former(&self) -> Vec<FormerKey> {
        former_keys(&self.rotations)
    }

    /// All keys, newest first.
    pub(super) fn verifier_keys(&self) -> Vec<VerifierKey> {
        let former = self.former().into_iter().map(|former| former.key);
        std::iter::once(self.current()).chain(former).collect()
    }

    /// The key that signs checkpoints of a size.
    pub(super) fn key_for(&self, size: u64) -> VerifierKey {
        former_key_for(&self.rotations, size).cloned().unwrap_or_else(|| self.current())
    }

    /// Lets another key sign.
    pub(super) fn rotate(&mut self, next: SigningKey, rotation: SignedRotation) {
        self.signing = next;
        self.rotations.push(rotation);
    }

    /// The public keys, for a file: the present one, then each former one with its last size.
    pub(super) fn render(&self, log_id: LogId) -> String {
        render_public(log_id, &self.current(), &self.former())
    }
}

/// The keys that signed before the last of these rotations, newest first.
pub(super) fn former_keys(rotations: &[SignedRotation]) -> Vec<FormerKey> {
    let statements = rotations.iter().rev().map(SignedRotation::statement);
    let former = |statement: &RotationStatement| FormerKey {
        key: statement.old_key.clone(),
        last_size: statement.size,
    };
    statements.map(former).collect()
}

/// The key that signed checkpoints of a size; none when it is the one that signs now.
pub(super) fn former_key_for(rotations: &[SignedRotation], size: u64) -> Option<&VerifierKey> {
    let mut statements = rotations.iter().map(SignedRotation::statement);
    statements.find(|statement| statement.size >= size).map(|statement| &statement.old_key)
}

/// The text of the file of public keys.
pub(super) fn render_public(log_id: LogId, key: &VerifierKey, former: &[FormerKey]) -> String {
    let mut text = public_head(log_id);
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{key}");
    for former in former {
        let _ = writeln!(text, "{} {}", former.key, former.last_size);
    }
    text
}

/// Draws a new seed.
pub(super) fn new_seed(entropy: &dyn Entropy) -> Seed {
    let mut seed = [0; 32];
    entropy.fill(&mut seed);
    seed
}

/// The key of a log whose name was checked when it was opened.
pub(super) fn signing_key(origin: &str, seed: Seed) -> SigningKey {
    SigningKey::from_seed(origin, seed).expect("the log's name was checked when it was opened")
}

/// A seed for its file, with the public key by which damage is noticed.
pub(super) fn render_seed(log_id: LogId, key: &SigningKey, seed: &Seed) -> String {
    let mut text = format!("{KEY_HEAD} {log_id}\n{}\n", key.verifier());
    for byte in seed {
        let _ = write!(text, "{byte:02x}");
    }
    text.push('\n');
    text
}

/// Reads the file of a seed; an error says what does not fit.
pub(super) fn parse_seed(
    log_id: LogId,
    origin: &str,
    text: &str,
) -> Result<SigningKey, &'static str> {
    let mut lines = text.lines();
    expect_head(lines.next(), KEY_HEAD, log_id)?;
    let (key, seed) = (lines.next(), lines.next());
    let seed = seed.and_then(unhex).ok_or("it has no whole seed")?;
    let signing = signing_key(origin, seed);
    if key != Some(signing.verifier().to_string().as_str()) {
        return Err("its seed and its public key do not belong together");
    }
    Ok(signing)
}

/// The first line of the file of public keys.
pub(super) fn public_head(log_id: LogId) -> String {
    format!("{KEYS_HEAD} {log_id}\n")
}

/// Whether a line is the first of this log's file of public keys.
pub(super) fn expect_public_head(line: Option<&str>, log_id: LogId) -> Result<(), &'static str> {
    expect_head(line, KEYS_HEAD, log_id)
}

/// Whether the text begins as files about this log's keys do.
pub(super) fn expect_head(
    line: Option<&str>,
    head: &str,
    log_id: LogId,
) -> Result<(), &'static str> {
    match line.and_then(|line| line.split_once(' ')) {
        Some((found, id)) if found == head => {
            if id == log_id.to_string() {
                Ok(())
            } else {
                Err("it belongs to another log")
            }
        }
        _ => Err("it does not start as it should, or a newer version of Annals wrote it"),
    }
}

fn unhex(text: &str) -> Option<Seed> {
    let mut seed = [0; 32];
    if text.len() != seed.len() * 2 || !text.is_ascii() {
        return None;
    }
    for (index, byte) in seed.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(index * 2..index * 2 + 2)?, 16).ok()?;
    }
    Some(seed)
}
