//! The dashboard's login: codes that are good once and for a minute, and the bearers they buy.
//!
//! Both live in memory only and end with the process. A session reads; it never appends or
//! administers. Codes and bearers are kept as hashes, so that looking one up takes the same time
//! whatever it is.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use annals_core::hash::{Digest, sha256};
use annals_core::id::TokenId;
use annals_core::time::Timestamp;
use annals_recorder::access::AuthenticationRefusal;
use annals_recorder::principal::{Principal, Rights};
use annals_recorder::world::Entropy;

/// What every session's bearer starts with.
const BEARER_PREFIX: &str = "annals_session_";
/// How long a login code is good: one minute.
const CODE_SECONDS: i64 = 60;
/// How long a session is good: twelve hours.
const SESSION_SECONDS: i64 = 12 * 60 * 60;
/// Codes that may wait at once; making more drops the oldest.
const CODE_COUNT_MAX: usize = 256;
/// Sessions at once; opening more ends the oldest.
const SESSION_COUNT_MAX: usize = 1_024;
/// Bytes of chance in a code, and in each half of a bearer.
const CODE_BYTES: usize = 16;

/// A login code or bearer as its holder gets it, once.
#[derive(Debug, Clone)]
pub(crate) struct Issued {
    pub(crate) secret: String,
    pub(crate) expires_at: Timestamp,
}

/// The login codes that wait and the sessions that are open. Owned by its lock.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    codes: HashMap<Digest, Timestamp>,
    sessions: HashMap<Digest, Arc<Principal>>,
}

impl Sessions {
    /// Whether a bearer is one of a session, good or not.
    pub(crate) fn is_session_bearer(bearer: &str) -> bool {
        bearer.starts_with(BEARER_PREFIX)
    }

    /// Makes a login code.
    pub(crate) fn make_code(&self, entropy: &dyn Entropy, now: Timestamp) -> Issued {
        let secret = random_hex(entropy);
        let expires_at = now.plus_seconds(CODE_SECONDS);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.codes.retain(|_, end| *end > now);
        drop_oldest(&mut state.codes, CODE_COUNT_MAX, |end| *end);
        state.codes.insert(digest(&secret), expires_at);
        Issued { secret, expires_at }
    }

    /// Trades a login code, which is used up by it, for a session of a reader.
    pub(crate) fn open(
        &self,
        code: &str,
        owner: &Principal,
        entropy: &dyn Entropy,
        now: Timestamp,
    ) -> Option<(Issued, Arc<Principal>)> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.codes.remove(&digest(code)).filter(|end| *end > now)?;
        let id = random_hex(entropy);
        let secret = format!("{BEARER_PREFIX}{id}_{}", random_hex(entropy));
        let expires_at = now.plus_seconds(SESSION_SECONDS);
        let principal = Arc::new(Principal {
            rights: Rights::READ.with(Rights::VERIFY),
            token_id: TokenId::parse(&format!("session:{id}")).ok()?,
            expires_at: Some(expires_at),
            ..owner.clone()
        });
        state.sessions.retain(|_, session| !session.is_expired(now));
        drop_oldest(&mut state.sessions, SESSION_COUNT_MAX, |session| session.expires_at);
        state.sessions.insert(digest(&secret), Arc::clone(&principal));
        Some((Issued { secret, expires_at }, principal))
    }

    /// Who a session's bearer is.
    pub(crate) fn authenticate(
        &self,
        bearer: &str,
        now: Timestamp,
    ) -> Result<Arc<Principal>, AuthenticationRefusal> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match state.sessions.get(&digest(bearer)) {
            None => Err(AuthenticationRefusal::Unauthorized),
            Some(session) if session.is_expired(now) => Err(AuthenticationRefusal::Expired),
            Some(session) => Ok(Arc::clone(session)),
        }
    }
}

fn digest(secret: &str) -> Digest {
    sha256(&[secret.as_bytes()])
}

fn drop_oldest<V, K: Ord>(map: &mut HashMap<Digest, V>, count_max: usize, age: impl Fn(&V) -> K) {
    while map.len() >= count_max {
        let oldest = map.iter().min_by_key(|(_, value)| age(value)).map(|(key, _)| *key);
        let Some(oldest) = oldest else { return };
        map.remove(&oldest);
    }
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
    use annals_core::envelope::Zone;
    use annals_core::id::{PrincipalId, WorkspaceId};
    use annals_recorder::world::SystemEntropy;

    use super::*;

    const START: Timestamp = Timestamp::from_micros(1_000_000);

    fn owner() -> Principal {
        Principal {
            principal_id: PrincipalId::parse("owner").unwrap(),
            workspace_id: WorkspaceId::parse("default").unwrap(),
            rights: Rights::APPEND.with(Rights::OPERATE),
            zone_max: Zone::HighStakes,
            token_id: TokenId::parse("owner").unwrap(),
            expires_at: None,
            stream_types: None,
            event_types: None,
        }
    }

    fn open(sessions: &Sessions, code: &str, now: Timestamp) -> Option<String> {
        sessions.open(code, &owner(), &SystemEntropy, now).map(|(issued, _)| issued.secret)
    }

    #[test]
    fn a_code_opens_one_session_of_a_reader() {
        let sessions = Sessions::default();
        let code = sessions.make_code(&SystemEntropy, START);
        assert_eq!(open(&sessions, "0".repeat(32).as_str(), START), None);
        let bearer = open(&sessions, &code.secret, START).unwrap();
        assert_eq!(open(&sessions, &code.secret, START), None);
        let principal = sessions.authenticate(&bearer, START).unwrap();
        assert_eq!(principal.rights.words(), ["read", "verify"]);
        assert!(sessions.authenticate("annals_session_x_y", START).is_err());
    }

    #[test]
    fn codes_and_sessions_end() {
        let sessions = Sessions::default();
        let code = sessions.make_code(&SystemEntropy, START);
        assert_eq!(open(&sessions, &code.secret, START.plus_seconds(60)), None);
        let code = sessions.make_code(&SystemEntropy, START);
        let bearer = open(&sessions, &code.secret, START.plus_seconds(59)).unwrap();
        let end = START.plus_seconds(59 + SESSION_SECONDS);
        assert_eq!(sessions.authenticate(&bearer, end), Err(AuthenticationRefusal::Expired));
    }

    #[test]
    fn waiting_codes_are_bounded() {
        let sessions = Sessions::default();
        let first = sessions.make_code(&SystemEntropy, START);
        for second in 0..CODE_COUNT_MAX {
            let later =
                Timestamp::from_micros(START.as_micros() + 1 + i64::try_from(second).unwrap());
            sessions.make_code(&SystemEntropy, later);
        }
        assert_eq!(open(&sessions, &first.secret, START), None);
    }
}
