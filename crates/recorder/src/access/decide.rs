//! Deciding about tokens: pure, against the state at the head.

use annals_core::envelope::{Draft, StreamKey};
use annals_core::id::{EventType, StreamId, StreamType, TokenId, WorkspaceId};
use annals_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

use super::{TokenInfo, literal, owner_workspace};
use crate::principal::{Principal, Rights};
use crate::refusal::AppendRefusal;
use crate::sequencer::{ControlFact, principal_actor};

/// How long a token lives when nobody says otherwise: 90 days.
const LIFETIME_SECONDS: i64 = 90 * 24 * 60 * 60;
/// How long a token may live at most: ten years.
const LIFETIME_SECONDS_MAX: i64 = 3_650 * 24 * 60 * 60;

/// What a credential is for, as the first word of its text says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// A program's token.
    Token,
    /// A person's session in a browser.
    Session,
}

impl TokenKind {
    /// The word in the text.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Session => "session",
        }
    }
}

/// What a new token is to be.
#[derive(Debug, Clone)]
pub struct IssueToken {
    /// What it is for.
    pub kind: TokenKind,
    /// Its workspace, which comes to be by its first token.
    pub workspace_id: WorkspaceId,
    /// Its rights.
    pub rights: Rights,
    /// What to call it.
    pub name: Option<String>,
    /// How long it lives, in seconds; 90 days when absent.
    pub expires_in_s: Option<i64>,
    /// The stream types it may append to.
    pub stream_types: Option<Vec<StreamType>>,
    /// The event types it may append.
    pub event_types: Option<Vec<EventType>>,
}

/// A command about who may come in.
#[derive(Debug)]
pub enum AccessCommand {
    /// Make a token.
    Issue {
        /// Who asks.
        by: Arc<Principal>,
        /// What it is to be.
        token: IssueToken,
        /// Its public part.
        token_id: TokenId,
        /// The keyed hash of its text.
        secret_hash: String,
    },
    /// End a token.
    Revoke {
        /// Who asks.
        by: Arc<Principal>,
        /// Which.
        token_id: TokenId,
    },
}

/// Why a command is refused.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AccessRefusal {
    /// The one who asks may not administer.
    #[error("this needs the right `operate`")]
    Forbidden,
    /// A token without rights or with the right to administer is not made.
    #[error("a token has one or more of the rights append, read and verify")]
    Rights,
    /// The lifetime is not one.
    #[error("a token lives from 1 second to 3650 days")]
    Lifetime,
    /// There is no such token.
    #[error("there is no token `{token_id}`")]
    UnknownToken {
        /// The token.
        token_id: TokenId,
    },
    /// The fact could not be kept.
    #[error(transparent)]
    Append(AppendRefusal),
}

/// Persisted in the header of `token.issued`: add fields only as optional ones.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct IssuedFact {
    pub(super) token_id: String,
    pub(super) workspace_id: String,
    pub(super) rights: Vec<String>,
    pub(super) zone_max: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) expires_at_us: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stream_types: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) event_types: Option<Vec<String>>,
    pub(super) secret_hash: String,
}

/// Persisted in the headers of control events about tokens.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "snake_case")]
pub(super) enum AccessFact {
    /// A token was made.
    Issued {
        #[serde(flatten)]
        token: IssuedFact,
        #[serde(rename = "issued_at_us", with = "micros")]
        issued_at: Timestamp,
    },
    /// A token was ended.
    Revoked { token_id: String },
}

mod micros {
    //! Times as integer microseconds.
    use annals_core::time::Timestamp;
    use serde::{Deserialize, Deserializer, Serializer};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
    pub(super) fn serialize<S: Serializer>(
        at: &Timestamp,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(at.as_micros())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Timestamp, D::Error> {
        i64::deserialize(deserializer).map(Timestamp::from_micros)
    }
}

/// Reads a control fact; none for one that this version does not know.
pub(super) fn read_fact(control: &str) -> Option<AccessFact> {
    serde_json::from_str(control).ok()
}

/// Decides a command.
pub(super) fn decide(
    known: impl Fn(&TokenId) -> Option<TokenInfo>,
    command: AccessCommand,
    now: Timestamp,
) -> Result<ControlFact, AccessRefusal> {
    match command {
        AccessCommand::Issue { by, token, token_id, secret_hash } => {
            issue(by, token, &token_id, secret_hash, now)
        }
        AccessCommand::Revoke { by, token_id } => {
            if !by.rights.contains(Rights::OPERATE) {
                return Err(AccessRefusal::Forbidden);
            }
            match known(&token_id) {
                Some(_) => Ok(revoked(by, &token_id)),
                None => Err(AccessRefusal::UnknownToken { token_id }),
            }
        }
    }
}

fn issue(
    by: Arc<Principal>,
    token: IssueToken,
    token_id: &TokenId,
    secret_hash: String,
    now: Timestamp,
) -> Result<ControlFact, AccessRefusal> {
    if !by.rights.contains(Rights::OPERATE) {
        return Err(AccessRefusal::Forbidden);
    }
    if token.rights.is_empty() || token.rights.contains(Rights::OPERATE) {
        return Err(AccessRefusal::Rights);
    }
    let lifetime = token.expires_in_s.unwrap_or(LIFETIME_SECONDS);
    if !(1..=LIFETIME_SECONDS_MAX).contains(&lifetime) {
        return Err(AccessRefusal::Lifetime);
    }
    let fact = IssuedFact {
        token_id: token_id.to_string(),
        workspace_id: token.workspace_id.to_string(),
        rights: token.rights.words().into_iter().map(str::to_owned).collect(),
        zone_max: annals_core::envelope::Zone::Supervised.to_string(),
        expires_at_us: Some(now.plus_seconds(lifetime).as_micros()),
        stream_types: token.stream_types.map(|list| texts(&list)),
        event_types: token.event_types.map(|list| texts(&list)),
        secret_hash,
    };
    let data = serde_json::json!({
        "token_id": fact.token_id,
        "workspace_id": fact.workspace_id,
        "name": token.name,
        "rights": fact.rights,
        "expires_at": now.plus_seconds(lifetime).to_string(),
    });
    let draft = draft(&by, "token.issued", data.to_string());
    let control = AccessFact::Issued { token: fact, issued_at: now };
    Ok(fact_of(by, draft, &control))
}

fn texts<T: ToString>(list: &[T]) -> Vec<String> {
    list.iter().map(ToString::to_string).collect()
}

fn revoked(by: Arc<Principal>, token_id: &TokenId) -> ControlFact {
    let data = serde_json::json!({ "token_id": token_id.as_str() });
    let draft = draft(&by, "token.revoked", data.to_string());
    let control = AccessFact::Revoked { token_id: token_id.to_string() };
    fact_of(by, draft, &control)
}

fn fact_of(by: Arc<Principal>, draft: Draft, fact: &AccessFact) -> ControlFact {
    let control = serde_json::to_string(fact).expect("a fact of texts and numbers is JSON");
    ControlFact { workspace_id: by.workspace_id.clone(), by, draft, control }
}

fn draft(by: &Principal, event_type: &str, data: String) -> Draft {
    let stream = StreamKey {
        stream_type: literal(StreamType::parse("workspace")),
        stream_id: literal(StreamId::parse(owner_workspace().as_str())),
    };
    Draft::new(literal(EventType::parse(event_type)), principal_actor(by), stream, data)
}
