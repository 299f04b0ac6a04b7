//! What an owner's credential may ask for: tokens for others, a link to log in, other settings.

use annals_api::wire::{
    ChangeSettings, IssueTokenRequest, IssuedToken, LoginCode, RevokedToken, TokenList,
    WorkspaceSettings,
};
use bytes::Bytes;
use reqwest::Method;

use crate::client::{Call, Client, Repeat};
use crate::error::ClientError;

impl Client {
    /// Makes a token.
    ///
    /// # Errors
    /// When this credential may not, or the server stays away.
    pub async fn create_token(
        &self,
        request: &IssueTokenRequest,
    ) -> Result<IssuedToken, ClientError> {
        let body = serde_json::to_string(request)
            .map_err(|error| ClientError::Invalid(error.to_string()))?;
        let url = self.resource(["v1", "tokens"], &[]);
        let body = Some(Bytes::from(body));
        self.call(Call::new(Method::POST, url, body, Repeat::Matters)).await?.json()
    }

    /// Lists the tokens of this credential's workspace, without their secrets.
    ///
    /// # Errors
    /// When this credential may not, or the server stays away.
    pub async fn tokens(&self) -> Result<TokenList, ClientError> {
        self.get_json(self.resource(["v1", "tokens"], &[])).await
    }

    /// Ends a token at once.
    ///
    /// # Errors
    /// When this credential may not, there is no such token, or the server stays away.
    pub async fn revoke_token(&self, token_id: &str) -> Result<RevokedToken, ClientError> {
        let url = self.resource(["v1", "tokens", token_id, "revoke"], &[]);
        self.call(Call::new(Method::POST, url, None, Repeat::Harmless)).await?.json()
    }

    /// Makes a link that opens the dashboard logged in, once.
    ///
    /// # Errors
    /// When this credential may not, or the server stays away.
    pub async fn create_login_code(&self) -> Result<LoginCode, ClientError> {
        let url = self.resource(["v1", "session", "codes"], &[]);
        self.call(Call::new(Method::POST, url, None, Repeat::Harmless)).await?.json()
    }

    /// The settings of this credential's workspace, or for the owner of another one.
    ///
    /// # Errors
    /// When it is another's, there is no such workspace, or the server stays away.
    pub async fn settings(
        &self,
        workspace_id: Option<&str>,
    ) -> Result<WorkspaceSettings, ClientError> {
        let named = workspace_id.map(|workspace_id| ("workspace_id", workspace_id.to_owned()));
        self.get_json(self.resource(["v1", "settings"], named.as_slice())).await
    }

    /// Changes a workspace's settings.
    ///
    /// # Errors
    /// When this credential may not, there is no such workspace, or the server stays away.
    pub async fn change_settings(
        &self,
        change: &ChangeSettings,
    ) -> Result<WorkspaceSettings, ClientError> {
        let body = serde_json::to_string(change)
            .map_err(|error| ClientError::Invalid(error.to_string()))?;
        let url = self.resource(["v1", "settings"], &[]);
        // Asked for twice it is changed once.
        let body = Some(Bytes::from(body));
        self.call(Call::new(Method::POST, url, body, Repeat::Harmless)).await?.json()
    }
}
