use anet_protocol::rest::{
    AuthStatus, ChangePassword, CreateRecoveryKey, EditProfile, ErrorBody, LoggedIn, LoginRequest, Me, NodeToken,
    NodeTokenRequest, PasswordChanged, Recover, RecoveryKey, RegisterRequest, Registered, Success, UserAnswer,
};
use axum::extract::State;

use crate::accounts;
use crate::api::answer::{Answer, success};
use crate::api::{AuthenticatedCaller, JsonBody};
use crate::client::Client;
use crate::hub::Hub;

/// What a first screen needs to know.
#[utoipa::path(get, path = "/api/auth/status", tag = "accounts",
    responses((status = 200, body = Success<AuthStatus>), (status = "4XX", body = ErrorBody)))]
pub(crate) async fn status(State(hub): State<Hub>) -> Answer<AuthStatus> {
    Ok(success(accounts::status::status(&hub).await?))
}

/// Makes an account. The first one is the admin's.
#[utoipa::path(post, path = "/api/auth/register", tag = "accounts", request_body = RegisterRequest,
    responses((status = 200, body = Success<Registered>), (status = "4XX", body = ErrorBody)))]
pub(crate) async fn register(
    State(hub): State<Hub>,
    client: Client,
    JsonBody(request): JsonBody<RegisterRequest>,
) -> Answer<Registered> {
    Ok(success(accounts::register::register(&hub, &client, request).await?))
}

/// Gives a token for a password.
#[utoipa::path(post, path = "/api/auth/login", tag = "accounts", request_body = LoginRequest,
    responses((status = 200, body = Success<LoggedIn>), (status = "4XX", body = ErrorBody)))]
pub(crate) async fn login(
    State(hub): State<Hub>,
    client: Client,
    JsonBody(request): JsonBody<LoginRequest>,
) -> Answer<LoggedIn> {
    Ok(success(accounts::login::login(&hub, &client, request).await?))
}

/// Tells whose token it is.
#[utoipa::path(get, path = "/api/auth/me", tag = "accounts", security(("token" = [])),
    responses((status = 200, body = Success<Me>), (status = "4XX", body = ErrorBody)))]
pub(crate) async fn me(State(hub): State<Hub>, AuthenticatedCaller(caller): AuthenticatedCaller) -> Answer<Me> {
    Ok(success(accounts::me::me(&hub, &caller).await?))
}

/// Changes the own shown name and mail address.
#[utoipa::path(put, path = "/api/auth/me", tag = "accounts", security(("token" = [])), request_body = EditProfile,
    responses((status = 200, body = Success<UserAnswer>), (status = "4XX", body = ErrorBody)))]
pub(crate) async fn edit(
    State(hub): State<Hub>,
    AuthenticatedCaller(caller): AuthenticatedCaller,
    JsonBody(request): JsonBody<EditProfile>,
) -> Answer<UserAnswer> {
    Ok(success(accounts::profile::edit(&hub, &caller, request).await?))
}

/// Changes the password, and ends every other login.
#[utoipa::path(post, path = "/api/auth/password", tag = "accounts", security(("token" = [])), request_body = ChangePassword,
    responses((status = 200, body = Success<PasswordChanged>), (status = "4XX", body = ErrorBody)))]
pub(crate) async fn change_password(
    State(hub): State<Hub>,
    AuthenticatedCaller(caller): AuthenticatedCaller,
    client: Client,
    JsonBody(request): JsonBody<ChangePassword>,
) -> Answer<PasswordChanged> {
    Ok(success(accounts::password::change(&hub, &caller, &client, request).await?))
}

/// Makes a key for a forgotten password.
#[utoipa::path(post, path = "/api/auth/recovery-key", tag = "accounts", security(("token" = [])),
    request_body = CreateRecoveryKey,
    responses((status = 200, body = Success<RecoveryKey>), (status = "4XX", body = ErrorBody)))]
pub(crate) async fn recovery_key(
    State(hub): State<Hub>,
    AuthenticatedCaller(caller): AuthenticatedCaller,
    client: Client,
    JsonBody(request): JsonBody<CreateRecoveryKey>,
) -> Answer<RecoveryKey> {
    Ok(success(accounts::recovery::create_key(&hub, &caller, &client, request).await?))
}

/// Sets a new password by a recovery key.
#[utoipa::path(post, path = "/api/auth/recover", tag = "accounts", request_body = Recover,
    responses((status = 200, body = Success<LoggedIn>), (status = "4XX", body = ErrorBody)))]
pub(crate) async fn recover(
    State(hub): State<Hub>,
    client: Client,
    JsonBody(request): JsonBody<Recover>,
) -> Answer<LoggedIn> {
    Ok(success(accounts::recovery::recover(&hub, &client, request).await?))
}

/// Mints a node's token and makes the node known.
#[utoipa::path(post, path = "/api/auth/node-token", tag = "accounts", security(("token" = [])), request_body = NodeTokenRequest,
    responses((status = 200, body = Success<NodeToken>), (status = "4XX", body = ErrorBody)))]
pub(crate) async fn node_token(
    State(hub): State<Hub>,
    AuthenticatedCaller(caller): AuthenticatedCaller,
    JsonBody(request): JsonBody<NodeTokenRequest>,
) -> Answer<NodeToken> {
    Ok(success(accounts::node_token::create(&hub, &caller, request).await?))
}
