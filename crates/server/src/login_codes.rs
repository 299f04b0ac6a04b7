//! Login codes: good once and for a minute, traded for a session at `POST /v1/session`.
//!
//! Codes live in memory only and end with the process; the session that one buys is a credential
//! on the log like any token, so that a browser stays logged in when the server starts anew.
//! Codes are kept as hashes, so that looking one up takes the same time whatever it is.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use annals_core::hash::{Digest, sha256};
use annals_core::time::Timestamp;
use annals_recorder::world::Entropy;

/// How long a login code is good: one minute.
const CODE_SECONDS: i64 = 60;
/// Codes that may wait at once; making more drops the oldest.
const CODE_COUNT_MAX: usize = 256;
/// Bytes of chance in a code.
const CODE_BYTES: usize = 16;

/// A login code as its holder gets it, once.
#[derive(Debug, Clone)]
pub(crate) struct IssuedCode {
    pub(crate) secret: String,
    pub(crate) expires_at: Timestamp,
}

/// The login codes that wait. Owned by its lock.
#[derive(Debug, Default)]
pub(crate) struct LoginCodes {
    codes: Mutex<HashMap<Digest, Timestamp>>,
}

impl LoginCodes {
    /// Makes a login code.
    pub(crate) fn make(&self, entropy: &dyn Entropy, now: Timestamp) -> IssuedCode {
        let secret = random_hex(entropy);
        let expires_at = now.plus_seconds(CODE_SECONDS);
        let mut codes = self.codes.lock().unwrap_or_else(PoisonError::into_inner);
        codes.retain(|_, end| *end > now);
        if codes.len() >= CODE_COUNT_MAX
            && let Some(oldest) = codes.iter().min_by_key(|(_, end)| **end).map(|(key, _)| *key)
        {
            codes.remove(&oldest);
        }
        codes.insert(digest(&secret), expires_at);
        IssuedCode { secret, expires_at }
    }

    /// Uses a login code up. Whether it was good.
    pub(crate) fn take(&self, code: &str, now: Timestamp) -> bool {
        let mut codes = self.codes.lock().unwrap_or_else(PoisonError::into_inner);
        codes.remove(&digest(code)).is_some_and(|end| end > now)
    }
}

fn digest(secret: &str) -> Digest {
    sha256(&[secret.as_bytes()])
}

fn random_hex(entropy: &dyn Entropy) -> String {
    use std::fmt::Write as _;
    let mut bytes = [0; CODE_BYTES];
    entropy.fill(&mut bytes);
    bytes.iter().fold(String::with_capacity(CODE_BYTES * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use annals_recorder::world::SystemEntropy;

    use super::*;

    const START: Timestamp = Timestamp::from_micros(1_000_000);

    #[test]
    fn a_code_is_good_once() {
        let codes = LoginCodes::default();
        let code = codes.make(&SystemEntropy, START);
        assert!(!codes.take("0".repeat(32).as_str(), START));
        assert!(codes.take(&code.secret, START));
        assert!(!codes.take(&code.secret, START));
    }

    #[test]
    fn a_code_is_good_for_a_minute() {
        let codes = LoginCodes::default();
        let code = codes.make(&SystemEntropy, START);
        assert!(!codes.take(&code.secret, START.plus_seconds(60)));
        let code = codes.make(&SystemEntropy, START);
        assert!(codes.take(&code.secret, START.plus_seconds(59)));
    }

    #[test]
    fn waiting_codes_are_bounded() {
        let codes = LoginCodes::default();
        let first = codes.make(&SystemEntropy, START);
        for second in 0..CODE_COUNT_MAX {
            let later =
                Timestamp::from_micros(START.as_micros() + 1 + i64::try_from(second).unwrap());
            codes.make(&SystemEntropy, later);
        }
        assert!(!codes.take(&first.secret, START));
    }
}
