//! The person's own account: passwords, logins, keys.

use anet_protocol::id::TokenId;
use anet_protocol::rest::{
    AuthStatus, ChangePassword, CreateRecoveryKey, CreateToken, Done, LoggedIn, LoginRequest, Me, NodeToken,
    NodeTokenRequest, PasswordChanged, Recover, RecoveryKey, RegisterRequest, Registered, SessionEnded, SessionList,
    SessionsEnded, TokenCreated, TokenList, TokensRevoked,
};
use reqwest::Method;

use super::{HubClient, segment};
use crate::failure::Failure;

impl HubClient {
    /// What a first screen needs to know.
    pub(crate) async fn auth_status(&self) -> Result<AuthStatus, Failure> {
        self.get("cannot ask how one logs in", "/api/auth/status", &()).await
    }

    /// Creates an account.
    pub(crate) async fn register(&self, request: &RegisterRequest) -> Result<Registered, Failure> {
        self.post("cannot register", "/api/auth/register", request).await
    }

    /// Logs in.
    pub(crate) async fn login(&self, request: &LoginRequest) -> Result<LoggedIn, Failure> {
        self.post("cannot log in", "/api/auth/login", request).await
    }

    /// Who the token belongs to.
    pub(crate) async fn me(&self) -> Result<Me, Failure> {
        self.get("cannot ask who is logged in", "/api/auth/me", &()).await
    }

    /// Makes a token for a node.
    pub(crate) async fn node_token(&self, request: &NodeTokenRequest) -> Result<NodeToken, Failure> {
        self.post("cannot get a token for the node", "/api/auth/node-token", request).await
    }

    /// Ends the login that is presented.
    pub(crate) async fn logout(&self) -> Result<Done, Failure> {
        self.act("cannot log out", Method::POST, "/api/auth/logout").await
    }

    /// Changes the password; the answer carries the token from now on.
    pub(crate) async fn change_password(&self, request: &ChangePassword) -> Result<PasswordChanged, Failure> {
        self.post("cannot change the password", "/api/auth/password", request).await
    }

    /// Makes a recovery key; a former one is void.
    pub(crate) async fn create_recovery_key(&self, request: &CreateRecoveryKey) -> Result<RecoveryKey, Failure> {
        self.post("cannot make a recovery key", "/api/auth/recovery-key", request).await
    }

    /// Sets a new password with a recovery key, and logs in.
    pub(crate) async fn recover(&self, request: &Recover) -> Result<LoggedIn, Failure> {
        self.post("cannot recover the account", "/api/auth/recover", request).await
    }

    /// The logins that still work.
    pub(crate) async fn sessions(&self) -> Result<SessionList, Failure> {
        self.get("cannot list the logins", "/api/auth/sessions", &()).await
    }

    /// Ends one login.
    pub(crate) async fn end_session(&self, token_id: &TokenId) -> Result<SessionEnded, Failure> {
        let path = format!("/api/auth/sessions/{}", segment(token_id.as_str()));
        self.act("cannot end the login", Method::DELETE, &path).await
    }

    /// Ends every login but the one that asks.
    pub(crate) async fn end_other_sessions(&self) -> Result<SessionsEnded, Failure> {
        self.act("cannot end the other logins", Method::POST, "/api/auth/sessions/revoke-others").await
    }

    /// Ends every login, the one that asks included.
    pub(crate) async fn end_all_sessions(&self) -> Result<SessionsEnded, Failure> {
        self.act("cannot end the logins", Method::DELETE, "/api/auth/sessions").await
    }

    /// The person's tokens, without the secrets.
    pub(crate) async fn tokens(&self) -> Result<TokenList, Failure> {
        self.get("cannot list the tokens", "/api/auth/tokens", &()).await
    }

    /// Makes an API key.
    pub(crate) async fn create_token(&self, request: &CreateToken) -> Result<TokenCreated, Failure> {
        self.post("cannot make an API key", "/api/auth/tokens", request).await
    }

    /// Revokes a token.
    pub(crate) async fn revoke_token(&self, token_id: &TokenId) -> Result<Done, Failure> {
        let path = format!("/api/auth/tokens/{}", segment(token_id.as_str()));
        self.act("cannot revoke the token", Method::DELETE, &path).await
    }

    /// Revokes every API key and every other login.
    pub(crate) async fn revoke_all_tokens(&self) -> Result<TokensRevoked, Failure> {
        self.act("cannot revoke the tokens", Method::DELETE, "/api/auth/tokens").await
    }
}
