use anet_protocol::id::TaskId;
use anet_protocol::rest::{
    AckTask, AttemptAnswer, ClaimTasks, ErrorBody, FailTask, NodeRegistered, NodeReported, RegisterNode, RenewTask,
    ReplyTask, ReportNode, Success, TasksClaimed,
};
use axum::extract::State;

use crate::api::answer::{Answer, success};
use crate::api::{AuthenticatedCaller, JsonBody, PathPart};
use crate::hub::Hub;
use crate::work;

/// A run of a node takes the node over.
#[utoipa::path(post, path = "/api/node/register", tag = "work", security(("token" = [])), request_body = RegisterNode,
    responses((status = 200, body = Success<NodeRegistered>), (status = "4XX", body = ErrorBody)))]
pub(crate) async fn register(
    State(hub): State<Hub>,
    AuthenticatedCaller(caller): AuthenticatedCaller,
    JsonBody(request): JsonBody<RegisterNode>,
) -> Answer<NodeRegistered> {
    Ok(success(work::register::register(&hub, &caller, request).await?))
}

/// The heartbeat of a node.
#[utoipa::path(post, path = "/api/node/report", tag = "work", security(("token" = [])), request_body = ReportNode,
    responses((status = 200, body = Success<NodeReported>), (status = "4XX", body = ErrorBody)))]
pub(crate) async fn report(
    State(hub): State<Hub>,
    AuthenticatedCaller(caller): AuthenticatedCaller,
    JsonBody(request): JsonBody<ReportNode>,
) -> Answer<NodeReported> {
    Ok(success(work::report::report(&hub, &caller, request).await?))
}

/// Takes the next tasks of the inbox under a lease.
#[utoipa::path(post, path = "/api/node/claim", tag = "work", security(("token" = [])), request_body = ClaimTasks,
    responses((status = 200, body = Success<TasksClaimed>), (status = "4XX", body = ErrorBody)))]
pub(crate) async fn claim(
    State(hub): State<Hub>,
    AuthenticatedCaller(caller): AuthenticatedCaller,
    JsonBody(request): JsonBody<ClaimTasks>,
) -> Answer<TasksClaimed> {
    Ok(success(work::claim::claim(&hub, &caller, request).await?))
}

/// The task is on the node's own disk.
#[utoipa::path(post, path = "/api/node/tasks/{task_id}/ack", tag = "work", security(("token" = [])),
    params(("task_id" = String, Path)), request_body = AckTask,
    responses((status = 200, body = Success<AttemptAnswer>), (status = "4XX", body = ErrorBody)))]
pub(crate) async fn ack(
    State(hub): State<Hub>,
    AuthenticatedCaller(caller): AuthenticatedCaller,
    PathPart(task_id): PathPart,
    JsonBody(request): JsonBody<AckTask>,
) -> Answer<AttemptAnswer> {
    Ok(success(work::ack::ack(&hub, &caller, &TaskId::from(task_id), request).await?))
}

/// The attempt is alive.
#[utoipa::path(post, path = "/api/node/tasks/{task_id}/renew", tag = "work", security(("token" = [])),
    params(("task_id" = String, Path)), request_body = RenewTask,
    responses((status = 200, body = Success<AttemptAnswer>), (status = "4XX", body = ErrorBody)))]
pub(crate) async fn renew(
    State(hub): State<Hub>,
    AuthenticatedCaller(caller): AuthenticatedCaller,
    PathPart(task_id): PathPart,
    JsonBody(request): JsonBody<RenewTask>,
) -> Answer<AttemptAnswer> {
    Ok(success(work::renew::renew(&hub, &caller, &TaskId::from(task_id), request).await?))
}

/// The task is done.
#[utoipa::path(post, path = "/api/node/tasks/{task_id}/reply", tag = "work", security(("token" = [])),
    params(("task_id" = String, Path)), request_body = ReplyTask,
    responses((status = 200, body = Success<AttemptAnswer>), (status = "4XX", body = ErrorBody)))]
pub(crate) async fn reply(
    State(hub): State<Hub>,
    AuthenticatedCaller(caller): AuthenticatedCaller,
    PathPart(task_id): PathPart,
    JsonBody(request): JsonBody<ReplyTask>,
) -> Answer<AttemptAnswer> {
    Ok(success(work::reply::reply(&hub, &caller, &TaskId::from(task_id), request).await?))
}

/// The task is not done.
#[utoipa::path(post, path = "/api/node/tasks/{task_id}/fail", tag = "work", security(("token" = [])),
    params(("task_id" = String, Path)), request_body = FailTask,
    responses((status = 200, body = Success<AttemptAnswer>), (status = "4XX", body = ErrorBody)))]
pub(crate) async fn fail(
    State(hub): State<Hub>,
    AuthenticatedCaller(caller): AuthenticatedCaller,
    PathPart(task_id): PathPart,
    JsonBody(request): JsonBody<FailTask>,
) -> Answer<AttemptAnswer> {
    Ok(success(work::fail::fail(&hub, &caller, &TaskId::from(task_id), request).await?))
}
