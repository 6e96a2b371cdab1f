use anet_protocol::id::TaskId;
use anet_protocol::rest::{
    CancelTask, ErrorBody, SendTask, Success, TaskAnswer, TaskEventList, TaskEventQuery, TaskList, TaskQuery, TaskSent,
};
use axum::extract::State;
use axum::http::HeaderMap;
use serde::Deserialize;

use crate::api::answer::{Answer, success};
use crate::api::{AuthenticatedCaller, JsonBody, PathPart, QueryPart};
use crate::error::{HubError, Refusal};
use crate::hub::Hub;
use crate::tasks;

/// The query of `GET /api/task/:id`.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Wait {
    /// Answer when the task is over, but after this many seconds at the latest; at most 25.
    #[serde(default)]
    #[param(maximum = 25)]
    wait: Option<u64>,
}

/// Stores a task for an alias.
#[utoipa::path(post, path = "/api/task", tag = "tasks", security(("token" = [])), request_body = SendTask,
    params(("Idempotency-Key" = Option<String>, Header, description = "the same as the field `idempotency_key`")),
    responses((status = 200, body = Success<TaskSent>), (status = "4XX", body = ErrorBody)))]
pub(crate) async fn send(
    State(hub): State<Hub>,
    AuthenticatedCaller(caller): AuthenticatedCaller,
    headers: HeaderMap,
    JsonBody(mut request): JsonBody<SendTask>,
) -> Answer<TaskSent> {
    if let Some(key) = idempotency_key(&headers)? {
        if request.idempotency_key.as_ref().is_some_and(|field| *field != key) {
            return Err(Refusal::invalid("idempotency_key", "the header says something else").into());
        }
        request.idempotency_key = Some(key);
    }
    Ok(success(tasks::send::send(&hub, &caller, request).await?))
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, HubError> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let text = value.to_str().map_err(|_| Refusal::invalid("Idempotency-Key", "visible ASCII characters"))?;
    Ok(Some(text.to_owned()))
}

/// Lists tasks, newest first.
#[utoipa::path(get, path = "/api/tasks", tag = "tasks", security(("token" = [])), params(TaskQuery),
    responses((status = 200, body = Success<TaskList>), (status = "4XX", body = ErrorBody)))]
pub(crate) async fn list(
    State(hub): State<Hub>,
    AuthenticatedCaller(caller): AuthenticatedCaller,
    QueryPart(query): QueryPart<TaskQuery>,
) -> Answer<TaskList> {
    Ok(success(tasks::list::list(&hub, &caller, query).await?))
}

/// Shows a task, and waits for its end if asked to.
#[utoipa::path(get, path = "/api/task/{task_id}", tag = "tasks", security(("token" = [])),
    params(("task_id" = String, Path), Wait),
    responses((status = 200, body = Success<TaskAnswer>), (status = "4XX", body = ErrorBody)))]
pub(crate) async fn get(
    State(hub): State<Hub>,
    AuthenticatedCaller(caller): AuthenticatedCaller,
    PathPart(task_id): PathPart,
    QueryPart(Wait { wait }): QueryPart<Wait>,
) -> Answer<TaskAnswer> {
    Ok(success(tasks::get::get(&hub, &caller, &TaskId::from(task_id), wait).await?))
}

/// The same under upstream's other path.
#[utoipa::path(get, path = "/api/tasks/{task_id}", tag = "tasks", security(("token" = [])),
    params(("task_id" = String, Path), Wait),
    responses((status = 200, body = Success<TaskAnswer>), (status = "4XX", body = ErrorBody)))]
pub(crate) async fn get_from_list(
    hub: State<Hub>,
    caller: AuthenticatedCaller,
    task_id: PathPart,
    wait: QueryPart<Wait>,
) -> Answer<TaskAnswer> {
    get(hub, caller, task_id, wait).await
}

/// Calls a task off.
#[utoipa::path(post, path = "/api/task/{task_id}/cancel", tag = "tasks", security(("token" = [])),
    params(("task_id" = String, Path)), request_body = CancelTask,
    responses((status = 200, body = Success<TaskAnswer>), (status = "4XX", body = ErrorBody)))]
pub(crate) async fn cancel(
    State(hub): State<Hub>,
    AuthenticatedCaller(caller): AuthenticatedCaller,
    PathPart(task_id): PathPart,
    JsonBody(request): JsonBody<CancelTask>,
) -> Answer<TaskAnswer> {
    Ok(success(tasks::cancel::cancel(&hub, &caller, &TaskId::from(task_id), request).await?))
}

/// Lists what happened to tasks, newest first.
#[utoipa::path(get, path = "/api/task_events", tag = "tasks", security(("token" = [])), params(TaskEventQuery),
    responses((status = 200, body = Success<TaskEventList>), (status = "4XX", body = ErrorBody)))]
pub(crate) async fn events(
    State(hub): State<Hub>,
    AuthenticatedCaller(caller): AuthenticatedCaller,
    QueryPart(query): QueryPart<TaskEventQuery>,
) -> Answer<TaskEventList> {
    Ok(success(tasks::events::list(&hub, &caller, query).await?))
}
