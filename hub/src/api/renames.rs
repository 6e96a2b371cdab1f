use anet_protocol::rest::{ErrorBody, PrepareRename, RenameAnswer, RenameTransaction, Success};
use axum::extract::State;

use crate::api::answer::{Answer, success};
use crate::api::{AuthenticatedCaller, JsonBody};
use crate::hub::Hub;
use crate::nodes::rename;

/// Reserves a new name for a node.
#[utoipa::path(post, path = "/api/node-rename/prepare", tag = "nodes", security(("token" = [])), request_body = PrepareRename,
    responses((status = 200, body = Success<RenameAnswer>), (status = "4XX", body = ErrorBody)))]
pub(crate) async fn prepare(
    State(hub): State<Hub>,
    AuthenticatedCaller(caller): AuthenticatedCaller,
    JsonBody(request): JsonBody<PrepareRename>,
) -> Answer<RenameAnswer> {
    Ok(success(rename::prepare(&hub, &caller, request).await?))
}

/// Gives the node its new name.
#[utoipa::path(post, path = "/api/node-rename/commit", tag = "nodes", security(("token" = [])), request_body = RenameTransaction,
    responses((status = 200, body = Success<RenameAnswer>), (status = "4XX", body = ErrorBody)))]
pub(crate) async fn commit(
    State(hub): State<Hub>,
    AuthenticatedCaller(caller): AuthenticatedCaller,
    JsonBody(request): JsonBody<RenameTransaction>,
) -> Answer<RenameAnswer> {
    Ok(success(rename::commit(&hub, &caller, request.txn_id).await?))
}

/// Gives the new name free.
#[utoipa::path(post, path = "/api/node-rename/abort", tag = "nodes", security(("token" = [])), request_body = RenameTransaction,
    responses((status = 200, body = Success<RenameAnswer>), (status = "4XX", body = ErrorBody)))]
pub(crate) async fn abort(
    State(hub): State<Hub>,
    AuthenticatedCaller(caller): AuthenticatedCaller,
    JsonBody(request): JsonBody<RenameTransaction>,
) -> Answer<RenameAnswer> {
    Ok(success(rename::abort(&hub, &caller, request.txn_id).await?))
}
