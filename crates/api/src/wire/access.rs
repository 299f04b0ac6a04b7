//! Tokens and login sessions.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a token may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum RightName {
    /// Append events.
    Append,
    /// Read events, streams, tails and views.
    Read,
    /// Check the log as a whole; reveals its total size.
    Verify,
    /// Administer: tokens and login codes.
    Operate,
}

impl RightName {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Append => "append",
            Self::Read => "read",
            Self::Verify => "verify",
            Self::Operate => "operate",
        }
    }
}

/// Asks for a token.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IssueTokenRequest {
    /// The workspace that the token opens. It comes to be by its first token.
    pub workspace_id: String,
    /// What the token may do.
    pub rights: Vec<RightName>,
    /// How long it lives, in seconds; 90 days when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in_s: Option<u64>,
    /// A name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Only streams of these types; all when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream_types: Option<Vec<String>>,
    /// Only events of these types (`tool.*` for a family); all when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_types: Option<Vec<String>>,
}

/// A token, shown once.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct IssuedToken {
    /// Its public part, by which it is listed and revoked.
    pub token_id: String,
    /// The secret. It is stored hashed and cannot be shown again.
    pub token: String,
    /// The workspace that it opens.
    pub workspace_id: String,
    /// What it may do.
    pub rights: Vec<RightName>,
    /// When it ends; null when it does not.
    pub expires_at: Option<String>,
}

/// What is known of a token, without its secret.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct TokenInfo {
    /// Its public part.
    pub token_id: String,
    /// The workspace that it opens.
    pub workspace_id: String,
    /// What it may do.
    pub rights: Vec<RightName>,
    /// A name for people.
    pub name: Option<String>,
    /// When it was issued.
    pub issued_at: String,
    /// When it ends; null when it does not.
    pub expires_at: Option<String>,
    /// Whether it was revoked.
    pub revoked: bool,
}

/// The tokens of the caller's workspace.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct TokenList {
    /// The tokens, without secrets.
    pub tokens: Vec<TokenInfo>,
}

/// The answer to a revocation.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RevokedToken {
    /// The token that no longer opens anything.
    pub token_id: String,
    /// Always true.
    pub revoked: bool,
}

/// Trades a login code for a session.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenSessionRequest {
    /// The code of the login link.
    pub code: String,
}

/// A session's bearer, for one browser tab.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Session {
    /// The bearer.
    pub token: String,
    /// When it ends.
    pub expires_at: String,
    /// The workspace that it opens.
    pub workspace_id: String,
    /// What it may do.
    pub rights: Vec<RightName>,
}

/// A login code and the link that carries it in its fragment.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct LoginCode {
    /// Good once.
    pub code: String,
    /// The link to open in a browser.
    pub url: String,
    /// When the code ends.
    pub expires_at: String,
}
