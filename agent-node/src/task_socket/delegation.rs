use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anet_protocol::id::TaskId;
use anet_protocol::rest::{CancelTask, ErrorBody, ErrorCode, NodeQuery, SendTask};
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use reqwest::{Method, RequestBuilder};
use serde::Deserialize;
use serde_json::Map;
use tokio_util::sync::CancellationToken;

use super::forward::forward;
use super::idempotency::Ordinals;
use crate::journal::is_file_safe;
use crate::node::{Node, unpoisoned};

/// The longest that a question for a task may wait, in seconds; the hub has its own limit below it.
const LONGEST_WAIT: u64 = 300;

/// What one attempt may do through its socket, and has done.
pub(super) struct Delegation {
    node: Arc<Node>,
    parent: TaskId,
    sent: Mutex<HashSet<TaskId>>,
    ordinals: Ordinals,
    /// Cancelled when the attempt is over.
    ended: CancellationToken,
}

impl Delegation {
    pub(super) fn new(node: Arc<Node>, parent: TaskId, ended: CancellationToken) -> Self {
        Self { node, parent, sent: Mutex::default(), ordinals: Ordinals::default(), ended }
    }

    /// The task, if this one has sent it. An id of any other task is as good as none.
    fn own(&self, task_id: &str) -> Result<TaskId, Refusal> {
        let task_id = TaskId::from(task_id);
        if is_file_safe(task_id.as_str()) && unpoisoned(self.sent.lock()).contains(&task_id) {
            Ok(task_id)
        } else {
            Err(Refusal::new(ErrorCode::TaskNotFound, "this task has sent no such task"))
        }
    }

    /// Asks the hub with `request`, which is to be told how long the whole has taken so far.
    async fn forward(&self, request: impl Fn(Duration) -> RequestBuilder) -> Result<(StatusCode, Bytes), Refusal> {
        tokio::select! {
            answer = forward(&self.node, request) => {
                answer.map_err(|reason| Refusal::new(ErrorCode::HubUnreachable, &reason))
            }
            // A connection outlives the listener.
            () = self.ended.cancelled() => Err(Refusal::new(ErrorCode::HubUnreachable, "the attempt is over")),
        }
    }

    /// A request that is answered without delay.
    fn request(&self, method: Method, path: &[&str]) -> RequestBuilder {
        self.node.hub.request(method, path).timeout(self.node.settings.timing.request)
    }
}

/// The hub's paths, as far as a task may use them.
pub(super) fn router(delegation: Arc<Delegation>) -> Router {
    Router::new()
        .route("/api/task", post(send))
        .route("/api/task/{id}", get(look))
        .route("/api/task/{id}/cancel", post(cancel))
        .route("/api/nodes", get(nodes))
        .fallback(async || Refusal::new(ErrorCode::NotFound, "a task's socket has no such path"))
        .method_not_allowed_fallback(async || Refusal::new(ErrorCode::MethodNotAllowed, "not with this method"))
        .with_state(delegation)
}

/// `POST /api/task`.
async fn send(State(delegation): State<Arc<Delegation>>, headers: HeaderMap, body: Bytes) -> Result<Response, Refusal> {
    let mut task: SendTask = read(&body)?;
    for (name, is_given) in [("from", task.from.is_some()), ("network_id", task.network_id.is_some())] {
        if is_given {
            let message = format!("a task sends as its node and in its node's network; leave `{name}` out");
            return Err(Refusal::new(ErrorCode::InvalidInput, &message));
        }
    }
    task.parent_task_id = Some(delegation.parent.clone());
    if task.idempotency_key.is_none() {
        let named = headers.get("idempotency-key");
        let named = named.map(|key| key.to_str().map(str::to_owned)).transpose();
        task.idempotency_key =
            named.map_err(|_| Refusal::new(ErrorCode::InvalidInput, "Idempotency-Key is no text"))?;
    }
    let derived = match task.idempotency_key {
        None => Some(delegation.ordinals.place(&delegation.parent, &task.alias, &task.task)),
        Some(_) => None,
    };
    if let Some(place) = &derived {
        task.idempotency_key = Some(place.key().to_owned());
    }
    // It has a key, so repeated it is still one task.
    let request = |_| delegation.request(Method::POST, &["api", "task"]).json(&task);
    let (status, answer) = delegation.forward(request).await?;
    if status.is_success()
        && let Ok(sent) = serde_json::from_slice::<Sent>(&answer)
    {
        unpoisoned(delegation.sent.lock()).insert(sent.task_id);
        if let Some(place) = derived {
            place.take();
        }
    }
    Ok(json(status, answer))
}

/// What a task's socket has to know of the hub's answer to a send.
#[derive(Deserialize)]
struct Sent {
    task_id: TaskId,
}

/// The query of `GET /api/task/:id`.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Look {
    /// How many seconds to wait for the task's end.
    wait: Option<u64>,
}

/// `GET /api/task/:id`.
async fn look(
    State(delegation): State<Arc<Delegation>>,
    Path(task_id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Refusal> {
    let task_id = delegation.own(&task_id)?;
    let Look { wait } = read_query(query)?;
    let wait = wait.map(|seconds| seconds.min(LONGEST_WAIT));
    let request = |elapsed: Duration| {
        let request = delegation.request(Method::GET, &["api", "task", task_id.as_str()]);
        let Some(seconds) = wait else { return request };
        let left = seconds.saturating_sub(elapsed.as_secs());
        let patience = delegation.node.settings.timing.request + Duration::from_secs(left);
        request.query(&[("wait", left)]).timeout(patience)
    };
    let (status, answer) = delegation.forward(request).await?;
    Ok(json(status, answer))
}

/// `POST /api/task/:id/cancel`.
async fn cancel(
    State(delegation): State<Arc<Delegation>>,
    Path(task_id): Path<String>,
    body: Bytes,
) -> Result<Response, Refusal> {
    let task_id = delegation.own(&task_id)?;
    let reason = if body.is_empty() { CancelTask::default() } else { read(&body)? };
    let path = ["api", "task", task_id.as_str(), "cancel"];
    // Calling off twice is calling off once.
    let (status, answer) = delegation.forward(|_| delegation.request(Method::POST, &path).json(&reason)).await?;
    Ok(json(status, answer))
}

/// `GET /api/nodes`.
async fn nodes(State(delegation): State<Arc<Delegation>>, RawQuery(query): RawQuery) -> Result<Response, Refusal> {
    let query: NodeQuery = read_query(query)?;
    if query.network_id.is_some() {
        return Err(Refusal::new(ErrorCode::InvalidInput, "a task sees its node's network; leave `network_id` out"));
    }
    let request = |_| delegation.request(Method::GET, &["api", "nodes"]).query(&query);
    let (status, answer) = delegation.forward(request).await?;
    Ok(json(status, answer))
}

fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| {
        let code = if error.is_data() { ErrorCode::InvalidInput } else { ErrorCode::InvalidJson };
        Refusal::new(code, &error.to_string())
    })
}

fn read_query<T: serde::de::DeserializeOwned>(query: Option<String>) -> Result<T, Refusal> {
    let uri = format!("/?{}", query.unwrap_or_default()).parse().map_err(|_| invalid_query("not a query"))?;
    axum::extract::Query::try_from_uri(&uri).map(|query| query.0).map_err(|error| invalid_query(&error.body_text()))
}

fn invalid_query(message: &str) -> Refusal {
    Refusal::new(ErrorCode::InvalidInput, message)
}

/// The hub's answer, as it came.
fn json(status: StatusCode, body: Bytes) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}

/// A refusal of the socket's own, in the hub's form.
struct Refusal(Box<ErrorBody>);

impl Refusal {
    fn new(code: ErrorCode, message: &str) -> Self {
        let word = serde_json::to_value(code).ok().and_then(|word| word.as_str().map(str::to_owned));
        Self(Box::new(ErrorBody {
            ok: false,
            error: word.unwrap_or_default(),
            code,
            message: Some(message.to_owned()),
            hint: None,
            details: Map::new(),
        }))
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.code.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, Json(self.0)).into_response()
    }
}
