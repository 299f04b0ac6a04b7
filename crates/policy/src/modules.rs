//! The texts that a policy is made of, and the hash that names them.
//!
//! INVARIANT (one name, one policy): the hash covers every path and every text, each behind its length,
//! in the order of the paths; it does not depend on the order in which they were given.

use std::fmt;

use sha2::{Digest as _, Sha256};

/// One file of Rego.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Module {
    /// Its name, for messages and the hash.
    pub path: String,
    /// Its text.
    pub text: String,
}

impl Module {
    /// A module of that name and text.
    pub fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        Self { path: path.into(), text: text.into() }
    }

    /// Whether it holds tests only (`…_test.rego`, as OPA has it): no part of the policy.
    pub fn is_test(&self) -> bool {
        self.path.ends_with("_test.rego")
    }
}

/// SHA-256 over the modules of a policy.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PolicyHash([u8; 32]);

impl PolicyHash {
    /// The hash of these modules.
    pub fn of(modules: &[Module]) -> Self {
        let mut sorted: Vec<&Module> = modules.iter().collect();
        sorted.sort_by(|one, other| one.path.cmp(&other.path));
        let mut hash = Sha256::new();
        hash.update(b"annals/policy/1");
        for module in sorted {
            for part in [&module.path, &module.text] {
                hash.update((part.len() as u64).to_be_bytes());
                hash.update(part.as_bytes());
            }
        }
        Self(hash.finalize().into())
    }

    /// Its 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for PolicyHash {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&hex(&self.0))
    }
}

impl fmt::Debug for PolicyHash {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "PolicyHash({self})")
    }
}

/// SHA-256 of a text as 64 lower-case hex digits.
pub(crate) fn sha256_hex(text: &[u8]) -> String {
    hex(&Sha256::digest(text))
}

fn hex(bytes: &[u8]) -> String {
    use fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_knows_paths_texts_and_where_one_ends() {
        let hash = |modules: &[(&str, &str)]| {
            let modules: Vec<_> =
                modules.iter().map(|(path, text)| Module::new(*path, *text)).collect();
            PolicyHash::of(&modules).to_string()
        };
        let one = hash(&[("a", "x"), ("b", "y")]);
        assert_eq!(one, hash(&[("b", "y"), ("a", "x")]));
        for other in
            [&[("a", "y"), ("b", "x")], &[("a", "xb"), ("", "y")], &[("ab", "x"), ("", "y")]]
        {
            assert_ne!(one, hash(other));
        }
        // Persisted with every decision: never change how it is made.
        let golden = hash(&[("b.rego", "package b\n"), ("a.rego", "package a\n")]);
        assert_eq!(golden, "de915a9bb5e20061e61a1b350f816a1a34b147352fb06f108d8ce3a1ab3bfc3e");
    }
}
