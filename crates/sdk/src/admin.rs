//! What an owner's credential may ask for: tokens for others, and a link to log in.

use bytes::Bytes;
use reqwest::Method;
use serde::{Deserialize, Serialize};

use crate::client::{Call, Client, Repeat};
use crate::error::ClientError;

/// A token to be made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct TokenRequest {
    /// The workspace it is for; it comes to be by its first token.
    pub workspace_id: String,
    /// What it may do: `append`, `read`, `verify`.
    pub rights: Vec<String>,
    /// How long it lives; the server's default otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_in_s: Option<u64>,
    /// A name for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// A token that was just made; its text is shown only this once.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct IssuedToken {
    /// Its public part, by which it is listed and revoked.
    pub token_id: String,
    /// The secret.
    pub token: String,
    /// The workspace it is for.
    pub workspace_id: String,
    /// What it may do.
    pub rights: Vec<String>,
    /// When it ends; `None` for never.
    pub expires_at: Option<String>,
}

impl std::fmt::Debug for IssuedToken {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("IssuedToken").field("token_id", &self.token_id).finish_non_exhaustive()
    }
}

/// A code that opens the dashboard once.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct SessionCode {
    /// The link with the code in its fragment.
    pub url: String,
    /// When it ends.
    pub expires_at: String,
}

impl Client {
    /// Makes a token.
    ///
    /// # Errors
    /// When this credential may not, or the server stays away.
    pub async fn create_token(&self, request: &TokenRequest) -> Result<IssuedToken, ClientError> {
        let body = serde_json::to_string(request).map_err(|error| ClientError::Invalid(error.to_string()))?;
        let url = self.resource(["v1", "tokens"], &[]);
        let body = Some(Bytes::from(body));
        self.call(Call { method: Method::POST, url, body, repeat: Repeat::Matters }).await?.json()
    }

    /// Ends a token at once.
    ///
    /// # Errors
    /// When this credential may not, there is no such token, or the server stays away.
    pub async fn revoke_token(&self, token_id: &str) -> Result<(), ClientError> {
        let url = self.resource(["v1", "tokens", token_id, "revoke"], &[]);
        self.call(Call { method: Method::POST, url, body: None, repeat: Repeat::Harmless }).await.map(|_| ())
    }

    /// Makes a link that opens the dashboard logged in, once.
    ///
    /// # Errors
    /// When this credential may not, or the server stays away.
    pub async fn create_session_code(&self) -> Result<SessionCode, ClientError> {
        let url = self.resource(["v1", "session", "codes"], &[]);
        self.call(Call { method: Method::POST, url, body: None, repeat: Repeat::Harmless }).await?.json()
    }
}
