use anet_protocol::id::NetworkId;
use anet_protocol::rest::{
    ErrorBody, InNetwork, NodeDeleted, NodeList, NodeQuery, Stats, StatusAnswer, StreamStats, Success,
};
use axum::extract::State;
use serde::Deserialize;

use crate::api::answer::{Answer, success};
use crate::api::{AuthenticatedCaller, PathPart, QueryPart};
use crate::hub::Hub;
use crate::nodes;

/// The query of `DELETE /api/nodes/:ref`.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Within {
    /// Only a node of this network.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    network_id: Option<NetworkId>,
    /// The node's token stays valid, for reading; without this it is revoked.
    #[serde(default)]
    keep_token: bool,
}

/// Lists nodes, newest update first.
#[utoipa::path(get, path = "/api/nodes", tag = "nodes", security(("token" = [])), params(NodeQuery),
    responses((status = 200, body = Success<NodeList>), (status = "4XX", body = ErrorBody)))]
pub(crate) async fn list(
    State(hub): State<Hub>,
    AuthenticatedCaller(caller): AuthenticatedCaller,
    QueryPart(query): QueryPart<NodeQuery>,
) -> Answer<NodeList> {
    Ok(success(nodes::list::list(&hub, &caller, query).await?))
}

/// Tells who is there and what is going on.
#[utoipa::path(get, path = "/api/status", tag = "nodes", security(("token" = [])), params(NodeQuery),
    responses((status = 200, body = Success<StatusAnswer>), (status = "4XX", body = ErrorBody)))]
pub(crate) async fn status(
    State(hub): State<Hub>,
    AuthenticatedCaller(caller): AuthenticatedCaller,
    QueryPart(query): QueryPart<NodeQuery>,
) -> Answer<StatusAnswer> {
    Ok(success(nodes::status::status(&hub, &caller, query).await?))
}

/// Tells a few numbers.
#[utoipa::path(get, path = "/api/stats", tag = "nodes", security(("token" = [])), params(InNetwork),
    responses((status = 200, body = Success<Stats>), (status = "4XX", body = ErrorBody)))]
pub(crate) async fn stats(
    State(hub): State<Hub>,
    AuthenticatedCaller(caller): AuthenticatedCaller,
    QueryPart(InNetwork { network_id }): QueryPart<InNetwork>,
) -> Answer<Stats> {
    Ok(success(nodes::stats::stats(&hub, &caller, network_id).await?))
}

/// Tells who listens.
#[utoipa::path(get, path = "/api/stats/sse", tag = "admin", security(("token" = [])),
    responses((status = 200, body = Success<StreamStats>), (status = "4XX", body = ErrorBody)))]
pub(crate) async fn streams(
    State(hub): State<Hub>,
    AuthenticatedCaller(caller): AuthenticatedCaller,
) -> Answer<StreamStats> {
    Ok(success(nodes::stats::streams(&hub, &caller).await?))
}

/// Removes a node, and its tokens unless they are to be kept.
#[utoipa::path(delete, path = "/api/nodes/{reference}", tag = "nodes", security(("token" = [])),
    params(("reference" = String, Path, description = "node id, name or alias"), Within),
    responses((status = 200, body = Success<NodeDeleted>), (status = "4XX", body = ErrorBody)))]
pub(crate) async fn delete(
    State(hub): State<Hub>,
    AuthenticatedCaller(caller): AuthenticatedCaller,
    PathPart(reference): PathPart,
    QueryPart(Within { network_id, keep_token }): QueryPart<Within>,
) -> Answer<NodeDeleted> {
    Ok(success(nodes::delete::delete(&hub, &caller, &reference, network_id.as_ref(), keep_token).await?))
}
