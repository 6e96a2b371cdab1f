//! Speaking to the hub's REST API, over TCP or, inside a task, over the task's own socket.

mod account;
mod admin;
mod audit;
mod network;

use std::path::Path;
use std::time::Duration;

use anet_protocol::id::{NodeId, TaskId};
use anet_protocol::rest::{
    CancelTask, ErrorBody, ErrorCode, Health, NodeDeleted, NodeList, NodeQuery, PrepareRename, RenameAnswer,
    RenameTransaction, SendTask, StatusAnswer, Success, Task, TaskAnswer, TaskEventList, TaskEventQuery, TaskList,
    TaskQuery, TaskSent,
};
use anyhow::Context as _;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::{LOCATION, RETRY_AFTER};
use reqwest::{Client, Method, RequestBuilder, Response, redirect};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::failure::Failure;
use crate::hub_url;

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
        hub_url::parse(url)?;
        // Loopback traffic never belongs into a proxy, whatever the environment says.
        let client = Client::builder()
            .connect_timeout(Duration::from_secs(5))
            // Shorter than the hub keeps an idle connection, so that none is reused while it closes.
            .pool_idle_timeout(Duration::from_secs(5))
            .no_proxy()
            // A token is for the named hub alone.
            .redirect(redirect::Policy::none())
            .build()?;
        Ok(Self { client, url: url.trim_end_matches('/').to_owned(), token, timeout: REQUEST_TIMEOUT })
    }

    /// The socket of the task this process works on; it stands for hub and token.
    ///
    /// # Errors
    /// When no client can be built.
    pub(crate) fn for_task(socket: &Path) -> Result<Self, Failure> {
        let client = Client::builder().unix_socket(socket).tls_certs_only([]).no_proxy().build()?;
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
        let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        if status.is_redirection() {
            return Err(self.redirected(what, header(LOCATION)));
        }
        let retry_after = header(RETRY_AFTER);
        let body = response.bytes().await.context("the hub's answer broke off")?;
        let Ok(refusal) = serde_json::from_slice::<ErrorBody>(&body) else {
            return Err(Failure::message(format!("{what}: the hub answered {status} without saying why")));
        };
        if refusal.code == ErrorCode::AuthRequired && self.token.is_none() {
            let text = format!("{what}: nobody is logged in at {}", self.url);
            let failure = Failure { code: Some("auth_required".to_owned()), ..Failure::message(text) };
            return Err(failure.hint(format!("log in with `anet login --hub {}`", self.url)));
        }
        let failure = Failure::refused(what, &refusal);
        Err(advise(failure, refusal.code, retry_after))
    }

    /// What is said of a hub that names another place; nobody goes there by itself.
    fn redirected(&self, what: &str, target: Option<String>) -> Failure {
        let target = target.unwrap_or_else(|| "a place it does not name".to_owned());
        Failure::message(format!("{what}: {} redirects to {target}, which was not followed", self.url))
            .hint("if that is your hub, name its address with `anet init --hub URL`")
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

    /// A request without a body.
    async fn act<T: DeserializeOwned>(&self, what: &str, method: Method, path: &str) -> Result<T, Failure> {
        self.call(what, self.request(method, path)).await
    }

    async fn put<T: DeserializeOwned>(&self, what: &str, path: &str, body: &impl Serialize) -> Result<T, Failure> {
        self.call(what, self.request(Method::PUT, path).json(body)).await
    }

    /// Whether a hub answers there, and which.
    pub(crate) async fn health(&self) -> Result<Health, Failure> {
        self.get("cannot ask for the hub's health", "/health", &()).await
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

    /// Removes a node from its network and revokes its tokens, unless they are to be kept.
    pub(crate) async fn delete_node(&self, node_id: &NodeId, keep_token: bool) -> Result<NodeDeleted, Failure> {
        let mut request = self.request(Method::DELETE, &format!("/api/nodes/{}", segment(node_id.as_str())));
        if keep_token {
            request = request.query(&[("keep_token", true)]);
        }
        self.call("cannot delete the node at the hub", request).await
    }

    /// Reserves a node's new name.
    pub(crate) async fn prepare_rename(&self, request: &PrepareRename) -> Result<RenameAnswer, Failure> {
        self.post(&format!("cannot rename {}", request.old_alias), "/api/node-rename/prepare", request).await
    }

    /// Gives the node the name that was reserved.
    pub(crate) async fn commit_rename(&self, request: &RenameTransaction) -> Result<RenameAnswer, Failure> {
        self.post("cannot finish the rename", "/api/node-rename/commit", request).await
    }

    /// Gives the reserved name up.
    pub(crate) async fn abort_rename(&self, request: &RenameTransaction) -> Result<RenameAnswer, Failure> {
        self.post("cannot call the rename off", "/api/node-rename/abort", request).await
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

/// What is left as it is in a part of a path.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_');

/// One part of a path, whatever stands in it.
fn segment(text: &str) -> String {
    utf8_percent_encode(text, PLAIN).to_string()
}

/// Adds the command that helps, where the hub has not said what does.
fn advise(failure: Failure, code: ErrorCode, retry_after: Option<String>) -> Failure {
    let is_advised = !failure.hints.is_empty();
    match code {
        ErrorCode::AuthRequired | ErrorCode::InvalidToken | ErrorCode::TokenExpired => {
            failure.hint("log in with `anet login`")
        }
        ErrorCode::TaskNotFound => failure.hint("`anet tasks` lists the tasks in your reach"),
        ErrorCode::NetworkIdRequired => failure.hint("name one with `--network`; `anet network ls` lists yours"),
        ErrorCode::RateLimited | ErrorCode::LoginDelayed => match retry_after {
            Some(seconds) => failure.hint(format!("try again in {seconds} s")),
            None => failure,
        },
        _ if is_advised => failure,
        ErrorCode::AliasNotFound => failure.hint("`anet status` lists the agents"),
        ErrorCode::NetworkNotFound => failure.hint("`anet network ls` lists your networks"),
        ErrorCode::TokenNotFound => failure.hint("`anet token ls` lists your tokens"),
        ErrorCode::SessionNotFound => failure.hint("`anet session ls` lists your logins"),
        ErrorCode::SessionTokenRequired | ErrorCode::UserTokenRequired => {
            failure.hint("this needs the login of a person: `anet login`")
        }
        ErrorCode::InviteRequired => failure.hint("ask for an invite, and register with `--invite CODE`"),
        _ => failure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_path_stays_one_part() {
        assert_eq!(segment("tok_0123-ab"), "tok_0123-ab");
        assert_eq!(segment("../a?b#c%d"), "%2E%2E%2Fa%3Fb%23c%25d");
    }
}
