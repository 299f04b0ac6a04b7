//! Who may come in: the owner, and the tokens that control facts on the log made and ended.
//!
//! State lives in memory and is restored from the log; the log alone is the truth.
//! Secrets are compared in constant time and never kept: only keyed hashes of them.
//!
//! INVARIANT (facts grant nothing): only events with authority `control` change who may come in.

mod decide;
mod secret;

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

use annals_core::envelope::{Authority, Zone};
use annals_core::event::Event;
use annals_core::id::{EventType, PrincipalId, StreamType, TokenId, WorkspaceId};
use annals_core::json::{as_str, member};
use annals_core::time::Timestamp;
use annals_store::contract::{LogReader, ReadFailure};
use annals_store::query::{PageLimit, Query, TypePattern};
use tokio::sync::watch;

pub use decide::{AccessCommand, AccessRefusal, IssueToken, TokenKind};
pub use secret::{SecretError, Secrets};

use crate::principal::{Principal, Rights};
use crate::sequencer::ControlFact;
use decide::IssuedFact;
use secret::SecretHash;

/// The workspace of the owner, where the facts about tokens are.
pub const OWNER_WORKSPACE: &str = "default";

/// A token, as an administrator sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenInfo {
    /// Its public part.
    pub token_id: TokenId,
    /// What it was called.
    pub name: Option<String>,
    /// Its workspace.
    pub workspace_id: WorkspaceId,
    /// Its rights.
    pub rights: Rights,
    /// When it was made.
    pub issued_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    /// Whether it was ended before its time.
    pub revoked: bool,
}

/// Why a bearer is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AuthenticationRefusal {
    /// The token is unknown, malformed or revoked; which of them is nobody's business.
    #[error("the token is not valid")]
    Unauthorized,
    /// The token was valid once.
    #[error("the token has expired")]
    Expired,
}

/// A token that was just made. Its text is shown once.
#[derive(Debug, Clone)]
pub struct IssuedToken {
    /// The text that its holder sends.
    pub token: String,
    /// What it is.
    pub info: TokenInfo,
}

#[derive(Debug, Clone)]
struct TokenState {
    secret_hash: SecretHash,
    name: Option<String>,
    issued_at: Timestamp,
    principal: Arc<Principal>,
    is_revoked: bool,
}

/// Everybody who may come in. Shared between the doors, which read, and the sequencer, which
/// alone writes.
#[derive(Debug)]
pub struct Access {
    secrets: Secrets,
    owner: Arc<Principal>,
    tokens: RwLock<HashMap<TokenId, TokenState>>,
    revocations: watch::Sender<u64>,
}

impl Access {
    /// Restores who may come in from the log.
    pub(crate) fn restore(secrets: Secrets, reader: &dyn LogReader) -> Result<Self, ReadFailure> {
        let access = Self::empty(secrets);
        let mut query = Query {
            workspace_id: Some(owner_workspace()),
            event_types: ["token.issued", "token.revoked"]
                .iter()
                .filter_map(|text| TypePattern::parse(text).ok())
                .collect(),
            ..Query::default()
        };
        loop {
            let page = reader.scan(&query, PageLimit::events(1_000))?;
            for event in &page.events {
                let header = event.header();
                if let (Authority::Control, Some(control)) = (header.authority, header.control) {
                    access.evolve(control, event.data());
                }
            }
            match page.next {
                Some(next) => query.after_position = next,
                None => return Ok(access),
            }
        }
    }

    fn empty(secrets: Secrets) -> Self {
        let owner = Principal {
            principal_id: literal(PrincipalId::parse("owner")),
            workspace_id: owner_workspace(),
            rights: Rights::APPEND.with(Rights::READ).with(Rights::VERIFY).with(Rights::OPERATE),
            zone_max: Zone::HighStakes,
            token_id: literal(TokenId::parse("owner")),
            expires_at: None,
            stream_types: None,
            event_types: None,
        };
        let (revocations, _) = watch::channel(0);
        Self { secrets, owner: Arc::new(owner), tokens: RwLock::default(), revocations }
    }

    /// The owner's identity, for commands that a person gives at the machine itself.
    #[must_use]
    pub fn owner(&self) -> &Arc<Principal> {
        &self.owner
    }

    /// Who a bearer is.
    ///
    /// # Errors
    /// When it is not, or no longer, anybody.
    pub fn authenticate(
        &self,
        bearer: &str,
        now: Timestamp,
    ) -> Result<Arc<Principal>, AuthenticationRefusal> {
        let parts = secret::parse(bearer).ok_or(AuthenticationRefusal::Unauthorized)?;
        if parts.kind == secret::OWNER_KIND {
            let is_owner = self.secrets.is_owner(bearer);
            return if is_owner {
                Ok(Arc::clone(&self.owner))
            } else {
                Err(AuthenticationRefusal::Unauthorized)
            };
        }
        let token_id = TokenId::parse(parts.id).map_err(|_| AuthenticationRefusal::Unauthorized)?;
        let tokens = self.tokens.read().unwrap_or_else(PoisonError::into_inner);
        let state = tokens.get(&token_id).ok_or(AuthenticationRefusal::Unauthorized)?;
        if state.is_revoked || !self.secrets.matches(bearer, &state.secret_hash) {
            return Err(AuthenticationRefusal::Unauthorized);
        }
        if state.principal.is_expired(now) {
            return Err(AuthenticationRefusal::Expired);
        }
        Ok(Arc::clone(&state.principal))
    }

    /// Whether a principal's credential is still good: neither expired nor revoked.
    #[must_use]
    pub fn is_live(&self, principal: &Principal, now: Timestamp) -> bool {
        if principal.is_expired(now) {
            return false;
        }
        let tokens = self.tokens.read().unwrap_or_else(PoisonError::into_inner);
        tokens.get(&principal.token_id).is_none_or(|state| !state.is_revoked)
    }

    /// Changes each time a token is revoked, so that long answers can look again.
    #[must_use]
    pub fn revocations(&self) -> watch::Receiver<u64> {
        self.revocations.subscribe()
    }

    /// All tokens ever made, newest first.
    #[must_use]
    pub fn list(&self) -> Vec<TokenInfo> {
        let tokens = self.tokens.read().unwrap_or_else(PoisonError::into_inner);
        let mut infos: Vec<_> = tokens.values().map(TokenState::info).collect();
        infos.sort_by(|one, two| {
            two.issued_at.cmp(&one.issued_at).then(one.token_id.cmp(&two.token_id))
        });
        infos
    }

    /// One token.
    #[must_use]
    pub fn info(&self, token_id: &TokenId) -> Option<TokenInfo> {
        let tokens = self.tokens.read().unwrap_or_else(PoisonError::into_inner);
        tokens.get(token_id).map(TokenState::info)
    }

    /// Makes a token's text and what the log may know of it.
    pub(crate) fn new_secret(
        &self,
        entropy: &dyn crate::world::Entropy,
        kind: TokenKind,
    ) -> (TokenId, String, String) {
        self.secrets.new_token(entropy, kind)
    }

    /// Decides a command against the state at the head. Called in the sequencer's turn only.
    pub(crate) fn decide(
        &self,
        command: AccessCommand,
        now: Timestamp,
    ) -> Result<ControlFact, AccessRefusal> {
        let is_known = |token_id: &TokenId| self.info(token_id);
        decide::decide(is_known, command, now)
    }

    /// Takes in a control fact that is durable.
    ///
    /// Total: a fact of a newer version changes nothing here. What it decides is in the header's
    /// `control`; from the body, which may be erased, comes only what a person calls the token.
    pub(crate) fn evolve(&self, control: &str, data: &str) {
        let mut tokens = self.tokens.write().unwrap_or_else(PoisonError::into_inner);
        match decide::read_fact(control) {
            Some(decide::AccessFact::Issued { token, issued_at }) => {
                if let Some(state) = TokenState::new(token, issued_at, name_in(data)) {
                    tokens.insert(state.principal.token_id.clone(), state);
                }
            }
            Some(decide::AccessFact::Revoked { token_id }) => {
                let Ok(token_id) = TokenId::parse(&token_id) else { return };
                if let Some(state) = tokens.get_mut(&token_id) {
                    state.is_revoked = true;
                }
                drop(tokens);
                self.revocations.send_modify(|count| *count += 1);
            }
            None => {}
        }
    }

    /// Takes what came from an event's body out of memory, because the body was redacted.
    pub(crate) fn forget(&self, event: &Event) {
        let Some(control) = event.header().control else { return };
        if let Some(decide::AccessFact::Issued { token, .. }) = decide::read_fact(control)
            && let Ok(token_id) = TokenId::parse(&token.token_id)
        {
            let mut tokens = self.tokens.write().unwrap_or_else(PoisonError::into_inner);
            if let Some(state) = tokens.get_mut(&token_id) {
                state.name = None;
            }
        }
    }

    /// The workspaces that there are: the owner's, and each comes to be by its first token.
    pub(crate) fn workspaces(&self) -> BTreeSet<WorkspaceId> {
        let tokens = self.tokens.read().unwrap_or_else(PoisonError::into_inner);
        let of_tokens = tokens.values().map(|state| state.principal.workspace_id.clone());
        of_tokens.chain([owner_workspace()]).collect()
    }
}

impl TokenState {
    /// None for a fact whose words this version does not know: it lets nobody in.
    fn new(fact: IssuedFact, issued_at: Timestamp, name: Option<String>) -> Option<Self> {
        let mut rights = Rights::default();
        for word in &fact.rights {
            rights = rights.with(Rights::from_word(word)?);
        }
        let principal = Principal {
            principal_id: PrincipalId::parse(&format!("token:{}", fact.token_id)).ok()?,
            workspace_id: WorkspaceId::parse(&fact.workspace_id).ok()?,
            rights,
            zone_max: fact.zone_max.parse().ok()?,
            token_id: TokenId::parse(&fact.token_id).ok()?,
            expires_at: fact.expires_at_us.map(Timestamp::from_micros),
            stream_types: parse_all(fact.stream_types.as_deref(), StreamType::parse)?,
            event_types: parse_all(fact.event_types.as_deref(), EventType::parse)?,
        };
        let secret_hash = SecretHash::from_hex(&fact.secret_hash)?;
        Some(Self {
            secret_hash,
            name,
            issued_at,
            principal: Arc::new(principal),
            is_revoked: false,
        })
    }

    fn info(&self) -> TokenInfo {
        TokenInfo {
            token_id: self.principal.token_id.clone(),
            name: self.name.clone(),
            workspace_id: self.principal.workspace_id.clone(),
            rights: self.principal.rights,
            issued_at: self.issued_at,
            expires_at: self.principal.expires_at,
            revoked: self.is_revoked,
        }
    }
}

fn name_in(data: &str) -> Option<String> {
    member(data, "name").and_then(as_str).map(|name| name.into_owned())
}

/// The outer option is whether all texts parse, the inner one whether there are any.
#[expect(clippy::option_option, reason = "the two absences mean different things")]
fn parse_all<T, E>(
    texts: Option<&[String]>,
    parse: impl Fn(&str) -> Result<T, E>,
) -> Option<Option<Vec<T>>> {
    match texts {
        Some(texts) => {
            texts.iter().map(|text| parse(text).ok()).collect::<Option<Vec<_>>>().map(Some)
        }
        None => Some(None),
    }
}

pub(crate) fn owner_workspace() -> WorkspaceId {
    literal(WorkspaceId::parse(OWNER_WORKSPACE))
}

fn literal<T, E: std::fmt::Debug>(parsed: Result<T, E>) -> T {
    parsed.expect("a literal that fits its grammar")
}
