use anet_protocol::id::UserId;
use anet_protocol::rest::{
    ChangeRegistration, ChangeSystemRole, Done, ErrorBody, PasswordReset, Registration, Success, UserAnswer, UserList,
};
use axum::extract::State;

use crate::admin;
use crate::api::answer::{Answer, done, success};
use crate::api::{AuthenticatedCaller, JsonBody, PathPart};
use crate::hub::Hub;

/// Lists every account.
#[utoipa::path(get, path = "/api/users", tag = "admin", security(("token" = [])),
    responses((status = 200, body = Success<UserList>), (status = "4XX", body = ErrorBody)))]
pub(crate) async fn users(
    State(hub): State<Hub>,
    AuthenticatedCaller(caller): AuthenticatedCaller,
) -> Answer<UserList> {
    Ok(success(admin::users::list(&hub, &caller).await?))
}

/// Gives a person a new password to be changed.
#[utoipa::path(post, path = "/api/admin/users/{user_id}/reset", tag = "admin", security(("token" = [])), params(("user_id" = String, Path)),
    responses((status = 200, body = Success<PasswordReset>), (status = "4XX", body = ErrorBody)))]
pub(crate) async fn reset(
    State(hub): State<Hub>,
    AuthenticatedCaller(caller): AuthenticatedCaller,
    PathPart(user_id): PathPart<UserId>,
) -> Answer<PasswordReset> {
    Ok(success(admin::reset::reset(&hub, &caller, &user_id).await?))
}

/// Ends the pause that wrong passwords have brought upon an account.
#[utoipa::path(post, path = "/api/admin/users/{user_id}/unlock", tag = "admin", security(("token" = [])), params(("user_id" = String, Path)),
    responses((status = 200, body = Success<Done>), (status = "4XX", body = ErrorBody)))]
pub(crate) async fn unlock(
    State(hub): State<Hub>,
    AuthenticatedCaller(caller): AuthenticatedCaller,
    PathPart(user_id): PathPart<UserId>,
) -> Answer<Done> {
    admin::unlock::unlock(&hub, &caller, &user_id).await?;
    Ok(done())
}

/// Makes somebody an administrator of the hub, or no longer one.
#[utoipa::path(put, path = "/api/admin/users/{user_id}/role", tag = "admin", security(("token" = [])), params(("user_id" = String, Path)), request_body = ChangeSystemRole,
    responses((status = 200, body = Success<UserAnswer>), (status = "4XX", body = ErrorBody)))]
pub(crate) async fn change_role(
    State(hub): State<Hub>,
    AuthenticatedCaller(caller): AuthenticatedCaller,
    PathPart(user_id): PathPart<UserId>,
    JsonBody(request): JsonBody<ChangeSystemRole>,
) -> Answer<UserAnswer> {
    Ok(success(admin::role::change(&hub, &caller, &user_id, request).await?))
}

/// Tells who may register.
#[utoipa::path(get, path = "/api/admin/registration", tag = "admin", security(("token" = [])),
    responses((status = 200, body = Success<Registration>), (status = "4XX", body = ErrorBody)))]
pub(crate) async fn registration(
    State(hub): State<Hub>,
    AuthenticatedCaller(caller): AuthenticatedCaller,
) -> Answer<Registration> {
    Ok(success(admin::registration::show(&hub, &caller).await?))
}

/// Says who may register.
#[utoipa::path(put, path = "/api/admin/registration", tag = "admin", security(("token" = [])), request_body = ChangeRegistration,
    responses((status = 200, body = Success<Registration>), (status = "4XX", body = ErrorBody)))]
pub(crate) async fn set_registration(
    State(hub): State<Hub>,
    AuthenticatedCaller(caller): AuthenticatedCaller,
    JsonBody(request): JsonBody<ChangeRegistration>,
) -> Answer<Registration> {
    Ok(success(admin::registration::set(&hub, &caller, request).await?))
}
