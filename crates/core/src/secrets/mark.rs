//! What stands in a secret's place, and the keyed fingerprints in it.
//!
//! INVARIANT (nothing of the secret): a mark is the rule's id and a keyed hash; without the key
//! nobody can try secrets against it.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroize;

/// How every mark begins.
pub(super) const MARK_START: &str = "[redacted:";

/// Bytes of a fingerprint: enough to tell the secrets of a log apart.
const FINGERPRINT_BYTES: usize = 6;
/// Bytes of a pseudonym: it is an identity, so more of them than of a fingerprint.
const PSEUDONYM_BYTES: usize = 10;

/// Where one secret is the same as another: a keyed hash of it, cut to 48 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; FINGERPRINT_BYTES]);

impl std::fmt::Display for Fingerprint {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

/// The key under which a log's fingerprints and pseudonyms are made. `Debug` shows nothing of it.
///
/// With another key the same secret has another fingerprint, so two logs tell nothing about each
/// other.
pub struct MaskKey {
    /// Ready to hash secrets.
    secrets: Hmac<Sha256>,
    /// Ready to hash mail addresses; apart from the other, so that neither stands for the other.
    addresses: Hmac<Sha256>,
}

impl std::fmt::Debug for MaskKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("MaskKey(…)")
    }
}

impl MaskKey {
    /// Takes a key of 32 random bytes that nobody else has.
    #[must_use]
    pub fn new(mut key: [u8; 32]) -> Self {
        let derived = |label: &str| {
            let mut mac = keyed(&key);
            mac.update(label.as_bytes());
            let mut bytes: [u8; 32] = mac.finalize().into_bytes().into();
            let derived = keyed(&bytes);
            bytes.zeroize();
            derived
        };
        let (secrets, addresses) =
            (derived("annals/secret-fingerprint/1"), derived("annals/mail-pseudonym/1"));
        key.zeroize();
        Self { secrets, addresses }
    }

    /// The fingerprint of a secret.
    #[must_use]
    pub fn fingerprint(&self, secret: &str) -> Fingerprint {
        Fingerprint(first_bytes(&self.secrets, secret.as_bytes()))
    }

    /// What stands for a mail address where an id has one. Capitals make no difference.
    pub(super) fn address(&self, address: &str) -> String {
        let bytes: [u8; PSEUDONYM_BYTES] =
            first_bytes(&self.addresses, address.to_lowercase().as_bytes());
        let mut pseudonym = String::from("mail_");
        for byte in bytes {
            // Writing to a String cannot fail.
            let _ = std::fmt::Write::write_fmt(&mut pseudonym, format_args!("{byte:02x}"));
        }
        pseudonym
    }
}

fn keyed(key: &[u8; 32]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes keys of any length")
}

fn first_bytes<const N: usize>(keyed: &Hmac<Sha256>, bytes: &[u8]) -> [u8; N] {
    let mut mac = keyed.clone();
    mac.update(bytes);
    let hash = mac.finalize().into_bytes();
    std::array::from_fn(|index| hash[index])
}

/// Appends the mark of a secret. It needs no escape in JSON.
pub(super) fn write_mark(out: &mut String, rule_id: &str, fingerprint: Fingerprint) {
    // Writing to a String cannot fail.
    let _ = std::fmt::Write::write_fmt(out, format_args!("{MARK_START}{rule_id}:{fingerprint}]"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_depends_on_the_key_and_on_the_secret_alone() {
        let (one, two) = (MaskKey::new([1; 32]), MaskKey::new([2; 32]));
        assert_eq!(one.fingerprint("a"), MaskKey::new([1; 32]).fingerprint("a"));
        assert_ne!(one.fingerprint("a"), one.fingerprint("b"));
        assert_ne!(one.fingerprint("a"), two.fingerprint("a"));
        assert_eq!(one.fingerprint("a").to_string().len(), 12);
    }

    #[test]
    fn an_address_has_one_pseudonym_however_it_is_written() {
        let key = MaskKey::new([1; 32]);
        let pseudonym = key.address("Ann@Example.org");
        assert_eq!(pseudonym, key.address("ann@example.org"));
        assert!(pseudonym.starts_with("mail_") && pseudonym.len() == 25, "{pseudonym}");
        assert_eq!(format!("{key:?}"), "MaskKey(…)");
    }
}
