//! The keys of a log, as far back as statements lead that both keys of a change signed.
//!
//! It does not know which key is the right one; that is for who remembers one.
//! INVARIANT (one key a size): of a chain's keys exactly one signs checkpoints of a size.

use annals_core::checkpoint::{RotationStatement, SignedRotation};
use annals_core::note::VerifierKey;

/// A key that signs no more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormerKey {
    /// The key.
    pub key: VerifierKey,
    /// The largest size that it may have signed.
    pub last_size: u64,
}

/// The key that signs, and those that signed before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyChain {
    /// The key that signs.
    pub key: VerifierKey,
    /// Those that gave way to it, newest first.
    pub former_keys: Vec<FormerKey>,
}

impl KeyChain {
    /// The way back from a key. A statement that does not fit leads nowhere and is left out.
    #[must_use]
    pub fn back_from(key: VerifierKey, rotations: &[String]) -> Self {
        let verified: Vec<SignedRotation> =
            rotations.iter().filter_map(|text| SignedRotation::parse_verified(text).ok()).collect();
        let mut chain = Self { key, former_keys: Vec::new() };
        // Not more often than there are statements: a hostile chain may be a circle.
        for _ in 0..verified.len() {
            let mut statements = verified.iter().map(SignedRotation::statement);
            let Some(found) = statements.find(|statement| chain.begins_with(statement)) else {
                break;
            };
            let former = FormerKey { key: found.old_key.clone(), last_size: found.size };
            chain.former_keys.push(former);
        }
        chain
    }

    /// Whether a statement is the one that made the oldest key of this chain sign.
    fn begins_with(&self, statement: &RotationStatement) -> bool {
        match self.former_keys.last() {
            Some(oldest) => statement.new_key == oldest.key && statement.size <= oldest.last_size,
            None => statement.new_key == self.key,
        }
    }

    /// The chain as it was when a checkpoint of this size was signed.
    #[must_use]
    pub fn at(mut self, size: u64) -> Self {
        let signer = self.former_keys.iter().rposition(|former| former.last_size >= size);
        if let Some(signer) = signer {
            let older = self.former_keys.split_off(signer + 1);
            if let Some(FormerKey { key, .. }) = self.former_keys.pop() {
                return Self { key, former_keys: older };
            }
        }
        self
    }

    /// Whether a key may have signed a checkpoint of this size.
    #[must_use]
    pub fn may_have_signed(&self, key: &VerifierKey, size: u64) -> bool {
        let is_former = |former: &FormerKey| former.key == *key && size <= former.last_size;
        self.key == *key || self.former_keys.iter().any(is_former)
    }

    /// Changes from a key of the chain to the one that signs.
    #[must_use]
    pub fn changes_since(&self, key: &VerifierKey) -> usize {
        let former = self.former_keys.iter().position(|former| former.key == *key);
        former.map_or(0, |index| index + 1)
    }

    /// Adds former keys that another chain knows and this one does not.
    pub(super) fn keep(&mut self, known: &[FormerKey]) {
        for former in known {
            let is_there = self.key == former.key
                || self.former_keys.iter().any(|other| other.key == former.key);
            if !is_there {
                self.former_keys.push(former.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use annals_core::note::SigningKey;

    use super::*;

    const ORIGIN: &str = "logs.example/one";

    fn key(seed: u8) -> SigningKey {
        SigningKey::from_seed(ORIGIN, [seed; 32]).unwrap()
    }

    fn rotation(size: u64, old: u8, new: u8) -> String {
        SignedRotation::sign(ORIGIN, size, &key(old), &key(new)).to_string()
    }

    #[test]
    fn each_size_has_the_key_of_its_time() {
        let rotations = [rotation(10, 1, 2), rotation(20, 2, 3)];
        let chain = KeyChain::back_from(key(3).verifier(), &rotations);
        for (size, seed, older) in [(0, 1, 0), (10, 1, 0), (11, 2, 1), (20, 2, 1), (21, 3, 2)] {
            let then = chain.clone().at(size);
            assert_eq!(then.key, key(seed).verifier(), "{size}");
            assert_eq!(then.former_keys.len(), older, "{size}");
        }
        assert!(chain.may_have_signed(&key(1).verifier(), 10));
        assert!(!chain.may_have_signed(&key(1).verifier(), 11), "its time was over");
        assert_eq!(chain.changes_since(&key(1).verifier()), 2);
    }

    #[test]
    fn a_chain_ends_where_no_statement_of_both_keys_leads_on() {
        let unsigned = rotation(10, 1, 2).replace("\n10\n", "\n11\n");
        let rotations = [unsigned, "nonsense".to_owned(), rotation(20, 2, 3)];
        let chain = KeyChain::back_from(key(3).verifier(), &rotations);
        assert_eq!(chain.former_keys.len(), 1);
        let backwards = [rotation(30, 1, 2), rotation(20, 2, 3)];
        assert_eq!(KeyChain::back_from(key(3).verifier(), &backwards).former_keys.len(), 1);
    }

    #[test]
    fn a_circle_of_statements_comes_to_an_end() {
        let rotations = [rotation(10, 1, 2), rotation(10, 2, 1)];
        assert_eq!(KeyChain::back_from(key(1).verifier(), &rotations).former_keys.len(), 2);
    }
}
