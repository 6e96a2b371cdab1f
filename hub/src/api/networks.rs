use anet_protocol::id::{NetworkId, UserId};
use anet_protocol::rest::{
    AddMember, ChangeRole, CreateNetwork, DeleteNetwork, Done, ErrorBody, MemberList, MemberRemoved, NetworkAnswer,
    NetworkCreated, NetworkDeleted, NetworkList, RenameNetwork, Success, TransferNetwork,
};
use axum::extract::State;

use crate::api::answer::{Answer, done, success};
use crate::api::{AuthenticatedCaller, JsonBody, PathPart, QueryPart};
use crate::hub::Hub;
use crate::networks;

/// Lists the own networks.
#[utoipa::path(get, path = "/api/networks", tag = "networks", security(("token" = [])),
    responses((status = 200, body = Success<NetworkList>), (status = "4XX", body = ErrorBody)))]
pub(crate) async fn list(
    State(hub): State<Hub>,
    AuthenticatedCaller(caller): AuthenticatedCaller,
) -> Answer<NetworkList> {
    Ok(success(networks::list::list(&hub, &caller).await?))
}

/// Makes a network.
#[utoipa::path(post, path = "/api/networks", tag = "networks", security(("token" = [])), request_body = CreateNetwork,
    responses((status = 200, body = Success<NetworkCreated>), (status = "4XX", body = ErrorBody)))]
pub(crate) async fn create(
    State(hub): State<Hub>,
    AuthenticatedCaller(caller): AuthenticatedCaller,
    JsonBody(request): JsonBody<CreateNetwork>,
) -> Answer<NetworkCreated> {
    Ok(success(networks::create::create(&hub, &caller, request).await?))
}

/// Shows a network and what it holds.
#[utoipa::path(get, path = "/api/networks/{network_id}", tag = "networks", security(("token" = [])), params(("network_id" = String, Path)),
    responses((status = 200, body = Success<NetworkAnswer>), (status = "4XX", body = ErrorBody)))]
pub(crate) async fn show(
    State(hub): State<Hub>,
    AuthenticatedCaller(caller): AuthenticatedCaller,
    PathPart(network_id): PathPart<NetworkId>,
) -> Answer<NetworkAnswer> {
    Ok(success(networks::show::show(&hub, &caller, &network_id).await?))
}

/// Gives a network another name.
#[utoipa::path(put, path = "/api/networks/{network_id}", tag = "networks", security(("token" = [])), params(("network_id" = String, Path)), request_body = RenameNetwork,
    responses((status = 200, body = Success<Done>), (status = "4XX", body = ErrorBody)))]
pub(crate) async fn rename(
    State(hub): State<Hub>,
    AuthenticatedCaller(caller): AuthenticatedCaller,
    PathPart(network_id): PathPart<NetworkId>,
    JsonBody(request): JsonBody<RenameNetwork>,
) -> Answer<Done> {
    networks::rename::rename(&hub, &caller, &network_id, request).await?;
    Ok(done())
}

/// Removes a network with all that is in it.
#[utoipa::path(delete, path = "/api/networks/{network_id}", tag = "networks", security(("token" = [])), params(("network_id" = String, Path), DeleteNetwork),
    responses((status = 200, body = Success<NetworkDeleted>), (status = "4XX", body = ErrorBody)))]
pub(crate) async fn delete(
    State(hub): State<Hub>,
    AuthenticatedCaller(caller): AuthenticatedCaller,
    PathPart(network_id): PathPart<NetworkId>,
    QueryPart(query): QueryPart<DeleteNetwork>,
) -> Answer<NetworkDeleted> {
    Ok(success(networks::delete::delete(&hub, &caller, &network_id, query).await?))
}

/// Hands a network over to another member.
#[utoipa::path(post, path = "/api/networks/{network_id}/transfer", tag = "networks", security(("token" = [])), params(("network_id" = String, Path)), request_body = TransferNetwork,
    responses((status = 200, body = Success<Done>), (status = "4XX", body = ErrorBody)))]
pub(crate) async fn transfer(
    State(hub): State<Hub>,
    AuthenticatedCaller(caller): AuthenticatedCaller,
    PathPart(network_id): PathPart<NetworkId>,
    JsonBody(request): JsonBody<TransferNetwork>,
) -> Answer<Done> {
    networks::transfer::transfer(&hub, &caller, &network_id, request).await?;
    Ok(done())
}

/// Goes out of a network.
#[utoipa::path(post, path = "/api/networks/{network_id}/leave", tag = "networks", security(("token" = [])), params(("network_id" = String, Path)),
    responses((status = 200, body = Success<MemberRemoved>), (status = "4XX", body = ErrorBody)))]
pub(crate) async fn leave(
    State(hub): State<Hub>,
    AuthenticatedCaller(caller): AuthenticatedCaller,
    PathPart(network_id): PathPart<NetworkId>,
) -> Answer<MemberRemoved> {
    Ok(success(networks::members::remove::leave(&hub, &caller, &network_id).await?))
}

/// Lists the members of a network.
#[utoipa::path(get, path = "/api/networks/{network_id}/members", tag = "networks", security(("token" = [])), params(("network_id" = String, Path)),
    responses((status = 200, body = Success<MemberList>), (status = "4XX", body = ErrorBody)))]
pub(crate) async fn members(
    State(hub): State<Hub>,
    AuthenticatedCaller(caller): AuthenticatedCaller,
    PathPart(network_id): PathPart<NetworkId>,
) -> Answer<MemberList> {
    Ok(success(networks::members::list::list(&hub, &caller, &network_id).await?))
}

/// Makes a person a member.
#[utoipa::path(post, path = "/api/networks/{network_id}/members", tag = "networks", security(("token" = [])), params(("network_id" = String, Path)), request_body = AddMember,
    responses((status = 200, body = Success<Done>), (status = "4XX", body = ErrorBody)))]
pub(crate) async fn add_member(
    State(hub): State<Hub>,
    AuthenticatedCaller(caller): AuthenticatedCaller,
    PathPart(network_id): PathPart<NetworkId>,
    JsonBody(request): JsonBody<AddMember>,
) -> Answer<Done> {
    networks::members::add::add(&hub, &caller, &network_id, request).await?;
    Ok(done())
}

/// Gives a member another rank.
#[utoipa::path(put, path = "/api/networks/{network_id}/members/{user_id}", tag = "networks", security(("token" = [])), params(("network_id" = String, Path), ("user_id" = String, Path)), request_body = ChangeRole,
    responses((status = 200, body = Success<Done>), (status = "4XX", body = ErrorBody)))]
pub(crate) async fn change_role(
    State(hub): State<Hub>,
    AuthenticatedCaller(caller): AuthenticatedCaller,
    PathPart((network_id, user_id)): PathPart<(NetworkId, UserId)>,
    JsonBody(request): JsonBody<ChangeRole>,
) -> Answer<Done> {
    networks::members::role::change(&hub, &caller, &network_id, &user_id, request).await?;
    Ok(done())
}

/// Puts a person out of a network.
#[utoipa::path(delete, path = "/api/networks/{network_id}/members/{user_id}", tag = "networks", security(("token" = [])), params(("network_id" = String, Path), ("user_id" = String, Path)),
    responses((status = 200, body = Success<MemberRemoved>), (status = "4XX", body = ErrorBody)))]
pub(crate) async fn remove_member(
    State(hub): State<Hub>,
    AuthenticatedCaller(caller): AuthenticatedCaller,
    PathPart((network_id, user_id)): PathPart<(NetworkId, UserId)>,
) -> Answer<MemberRemoved> {
    Ok(success(networks::members::remove::remove(&hub, &caller, &network_id, &user_id).await?))
}
