//! Speaking to the hub's REST API, over TCP or, inside a task, over the task's own socket.

use std::path::Path;
use std::time::Duration;

use anet_protocol::id::{NodeId, TaskId};
use anet_protocol::rest::{
    CancelTask, ErrorBody, ErrorCode, Health, LoggedIn, LoginRequest, Me, NodeDeleted, NodeList, NodeQuery, NodeToken,
    NodeTokenRequest, RegisterRequest, Registered, SendTask, StatusAnswer, Success, Task, TaskAnswer, TaskEventList,
    TaskEventQuery, TaskList, TaskQuery, TaskSent,
};
use anyhow::Context as _;
use reqwest::{Client, Method, RequestBuilder, Response};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::failure::Failure;

/// How long one request may take; a waiting one gets its waiting time on top.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// The same inside a task: its socket waits up to ten minutes for a hub that is away.
const TASK_REQUEST_TIMEOUT: Duration = Duration::from_secs(630);

/// The longest wait that the hub grants per request.
pub(crate) const LONGEST_WAIT: Duration = Duration::from_secs(25);

/// A hub, and who speaks to it.
#[derive(Clone, Debug)]
pub(crate) struct HubClient {
    client: Client,
    url: String,
    token: Option<SecretString>,
    timeout: Duration,
}

impl HubClient {
    /// The hub at `url`.
    ///
    /// # Errors
    /// When `url` is not an http or https address.
    pub(crate) fn new(url: &str, token: Option<SecretString>) -> Result<Self, Failure> {
        let parsed = reqwest::Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        if parsed.is_none() {
            return Err(Failure::usage(format!("`{url}` is not the address of a hub"))
                .hint("an address looks like http://127.0.0.1:9200"));
        }
        // Loopback traffic never belongs into a proxy, whatever the environment says.
        let client = Client::builder()
            .connect_timeout(Duration::from_secs(5))
            // Shorter than the hub keeps an idle connection, so that none is reused while it closes.
            .pool_idle_timeout(Duration::from_secs(5))
            .no_proxy()
            .build()?;
        Ok(Self { client, url: url.trim_end_matches('/').to_owned(), token, timeout: REQUEST_TIMEOUT })
    }

    /// The socket of the task this process works on; it stands for hub and token.
    ///
    /// # Errors
    /// When no client can be built.
    pub(crate) fn for_task(socket: &Path) -> Result<Self, Failure> {
        let client = Client::builder().unix_socket(socket).build()?;
        Ok(Self { client, url: "http://task".to_owned(), token: None, timeout: TASK_REQUEST_TIMEOUT })
    }

    /// Where it is.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The same hub, as somebody else.
    #[must_use]
    pub(crate) fn with_token(&self, token: SecretString) -> Self {
        Self { token: Some(token), ..self.clone() }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.url)).timeout(self.timeout);
        match &self.token {
            Some(token) => request.bearer_auth(token.expose_secret()),
            None => request,
        }
    }

    async fn send(&self, what: &str, request: RequestBuilder) -> Result<Response, Failure> {
        let response = request.send().await.map_err(|error| Failure::unreachable(&self.url, error))?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status();
        let body = response.bytes().await.context("the hub's answer broke off")?;
        let Ok(refusal) = serde_json::from_slice::<ErrorBody>(&body) else {
            return Err(Failure::message(format!("{what}: the hub answered {status} without saying why")));
        };
        let failure = Failure::refused(what, &refusal);
        Err(match refusal.code {
            ErrorCode::AuthRequired | ErrorCode::InvalidToken => failure.hint("log in with `anet login`"),
            ErrorCode::TaskNotFound => failure.hint("`anet tasks` lists the tasks in your reach"),
            ErrorCode::AliasNotFound if failure.hints.is_empty() => failure.hint("`anet status` lists the agents"),
            ErrorCode::NetworkIdRequired => failure.hint("name one with `--network ID`; `anet whoami` lists yours"),
            _ => failure,
        })
    }

    async fn call<T: DeserializeOwned>(&self, what: &str, request: RequestBuilder) -> Result<T, Failure> {
        let response = self.send(what, request).await?;
        let answer: Success<T> =
            response.json().await.with_context(|| format!("{what}: the hub's answer is not understood"))?;
        Ok(answer.body)
    }

    async fn get<T: DeserializeOwned>(&self, what: &str, path: &str, query: &impl Serialize) -> Result<T, Failure> {
        self.call(what, self.request(Method::GET, path).query(query)).await
    }

    async fn post<T: DeserializeOwned>(&self, what: &str, path: &str, body: &impl Serialize) -> Result<T, Failure> {
        self.call(what, self.request(Method::POST, path).json(body)).await
    }

    /// Whether a hub answers there, and which.
    pub(crate) async fn health(&self) -> Result<Health, Failure> {
        self.get("cannot ask for the hub's health", "/health", &()).await
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

    /// The nodes in reach.
    pub(crate) async fn nodes(&self, query: &NodeQuery) -> Result<NodeList, Failure> {
        self.get("cannot list the nodes", "/api/nodes", query).await
    }

    /// The node of this id, if it is in reach.
    pub(crate) async fn node(&self, node_id: &NodeId) -> Result<Option<anet_protocol::rest::Node>, Failure> {
        let query = NodeQuery { node_id: Some(node_id.clone()), ..NodeQuery::default() };
        Ok(self.nodes(&query).await?.nodes.into_iter().next())
    }

    /// Removes a node from its network and revokes its tokens.
    pub(crate) async fn delete_node(&self, node_id: &NodeId) -> Result<NodeDeleted, Failure> {
        let request = self.request(Method::DELETE, &format!("/api/nodes/{node_id}"));
        self.call("cannot delete the node at the hub", request).await
    }

    /// What is going on.
    pub(crate) async fn status(&self, query: &NodeQuery) -> Result<StatusAnswer, Failure> {
        self.get("cannot ask for the status", "/api/status", query).await
    }

    /// Sends a task.
    pub(crate) async fn send_task(&self, request: &SendTask) -> Result<TaskSent, Failure> {
        self.post(&format!("cannot send a task to {}", request.alias), "/api/task", request).await
    }

    /// One page of tasks.
    pub(crate) async fn tasks(&self, query: &TaskQuery) -> Result<TaskList, Failure> {
        self.get("cannot list the tasks", "/api/tasks", query).await
    }

    /// One page of what happened to tasks.
    pub(crate) async fn task_events(&self, query: &TaskEventQuery) -> Result<TaskEventList, Failure> {
        self.get("cannot ask what happened to the task", "/api/task_events", query).await
    }

    /// A task; with `wait`, as soon as it is over or the time has passed.
    pub(crate) async fn task(&self, task_id: &TaskId, wait: Option<Duration>) -> Result<Task, Failure> {
        let mut request = self.request(Method::GET, &format!("/api/task/{task_id}"));
        if let Some(wait) = wait {
            let wait = wait.min(LONGEST_WAIT);
            request = request.query(&[("wait", wait.as_secs().max(1))]).timeout(self.timeout + wait);
        }
        let answer: TaskAnswer = self.call("cannot read the task", request).await?;
        Ok(answer.task)
    }

    /// Calls a task off.
    pub(crate) async fn cancel_task(&self, task_id: &TaskId, request: &CancelTask) -> Result<Task, Failure> {
        let answer: TaskAnswer =
            self.post("cannot cancel the task", &format!("/api/task/{task_id}/cancel"), request).await?;
        Ok(answer.task)
    }
}
