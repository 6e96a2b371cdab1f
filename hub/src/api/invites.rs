use anet_protocol::id::{InviteId, NetworkId};
use anet_protocol::rest::{
    CreateInvite, CreateSystemInvite, Done, ErrorBody, InviteCreated, InviteList, JoinNetwork, NetworkJoined, Success,
};
use axum::extract::State;

use crate::api::answer::{Answer, done, success};
use crate::api::{AuthenticatedCaller, JsonBody, PathPart};
use crate::hub::Hub;
use crate::invites;

/// Makes an invite to a network.
#[utoipa::path(post, path = "/api/networks/{network_id}/invite", tag = "invites", security(("token" = [])), params(("network_id" = String, Path)), request_body = CreateInvite,
    responses((status = 200, body = Success<InviteCreated>), (status = "4XX", body = ErrorBody)))]
pub(crate) async fn create(
    State(hub): State<Hub>,
    AuthenticatedCaller(caller): AuthenticatedCaller,
    PathPart(network_id): PathPart<NetworkId>,
    JsonBody(request): JsonBody<CreateInvite>,
) -> Answer<InviteCreated> {
    Ok(success(invites::create::to_network(&hub, &caller, &network_id, request).await?))
}

/// Lists the invites to a network, without their codes.
#[utoipa::path(get, path = "/api/networks/{network_id}/invites", tag = "invites", security(("token" = [])), params(("network_id" = String, Path)),
    responses((status = 200, body = Success<InviteList>), (status = "4XX", body = ErrorBody)))]
pub(crate) async fn list(
    State(hub): State<Hub>,
    AuthenticatedCaller(caller): AuthenticatedCaller,
    PathPart(network_id): PathPart<NetworkId>,
) -> Answer<InviteList> {
    Ok(success(invites::list::of_network(&hub, &caller, &network_id).await?))
}

/// Voids an invite to a network.
#[utoipa::path(delete, path = "/api/networks/{network_id}/invites/{invite_id}", tag = "invites", security(("token" = [])), params(("network_id" = String, Path), ("invite_id" = String, Path)),
    responses((status = 200, body = Success<Done>), (status = "4XX", body = ErrorBody)))]
pub(crate) async fn revoke(
    State(hub): State<Hub>,
    AuthenticatedCaller(caller): AuthenticatedCaller,
    PathPart((network_id, invite_id)): PathPart<(NetworkId, InviteId)>,
) -> Answer<Done> {
    invites::revoke::of_network(&hub, &caller, &network_id, &invite_id).await?;
    Ok(done())
}

/// Makes the caller a member by an invite.
#[utoipa::path(post, path = "/api/networks/join", tag = "invites", security(("token" = [])), request_body = JoinNetwork,
    responses((status = 200, body = Success<NetworkJoined>), (status = "4XX", body = ErrorBody)))]
pub(crate) async fn join(
    State(hub): State<Hub>,
    AuthenticatedCaller(caller): AuthenticatedCaller,
    JsonBody(request): JsonBody<JoinNetwork>,
) -> Answer<NetworkJoined> {
    Ok(success(invites::join::join(&hub, &caller, request).await?))
}

/// Makes an invite to the hub.
#[utoipa::path(post, path = "/api/admin/invites", tag = "invites", security(("token" = [])), request_body = CreateSystemInvite,
    responses((status = 200, body = Success<InviteCreated>), (status = "4XX", body = ErrorBody)))]
pub(crate) async fn create_for_hub(
    State(hub): State<Hub>,
    AuthenticatedCaller(caller): AuthenticatedCaller,
    JsonBody(request): JsonBody<CreateSystemInvite>,
) -> Answer<InviteCreated> {
    Ok(success(invites::create::to_hub(&hub, &caller, request).await?))
}

/// Lists the invites to the hub, without their codes.
#[utoipa::path(get, path = "/api/admin/invites", tag = "invites", security(("token" = [])),
    responses((status = 200, body = Success<InviteList>), (status = "4XX", body = ErrorBody)))]
pub(crate) async fn list_of_hub(
    State(hub): State<Hub>,
    AuthenticatedCaller(caller): AuthenticatedCaller,
) -> Answer<InviteList> {
    Ok(success(invites::list::of_hub(&hub, &caller).await?))
}

/// Voids an invite to the hub.
#[utoipa::path(delete, path = "/api/admin/invites/{invite_id}", tag = "invites", security(("token" = [])), params(("invite_id" = String, Path)),
    responses((status = 200, body = Success<Done>), (status = "4XX", body = ErrorBody)))]
pub(crate) async fn revoke_of_hub(
    State(hub): State<Hub>,
    AuthenticatedCaller(caller): AuthenticatedCaller,
    PathPart(invite_id): PathPart<InviteId>,
) -> Answer<Done> {
    invites::revoke::of_hub(&hub, &caller, &invite_id).await?;
    Ok(done())
}
