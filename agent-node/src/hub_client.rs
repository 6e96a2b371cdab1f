//! The hub's REST API, as a node calls it.

mod error;

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anet_protocol::id::{Alias, InstanceId, TaskId};
use anet_protocol::rest::{
    AckTask, AttemptAnswer, ClaimTasks, ErrorCode, FailTask, NodeRegistered, NodeReported, RegisterNode, RenewTask,
    ReplyTask, ReportNode, TasksClaimed,
};
use reqwest::{Method, RequestBuilder, Response, Url, redirect};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

pub(crate) use error::{HubError, chain};

use crate::settings::Timing;

/// Calls one hub with the newest token.
pub(crate) struct HubClient {
    client: reqwest::Client,
    base: Url,
    token: watch::Receiver<SecretString>,
    /// The token that was answered 401 last. It is shown again by the link alone, which finds out whether it works after
    /// all; everything else waits for another one, so that a dead token costs the hub next to nothing (R47).
    refused: Mutex<Option<SecretString>>,
    request_timeout: Duration,
    /// Told when a call was answered 401, so that the link finds out what is wrong.
    pub(crate) unauthorized: Notify,
    /// Cancelled when the hub said that another instance has taken this node over.
    pub(crate) superseded: CancellationToken,
}

/// Why a client could not be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HubClientError {
    /// The URL is not one.
    #[error("`{hub}` is not the URL of a hub, such as http://127.0.0.1:9200")]
    Url { hub: String },
    /// TLS could not be set up.
    #[error("the HTTP client cannot be set up")]
    Client(#[source] reqwest::Error),
}

impl HubClient {
    pub(crate) fn new(
        hub: &str,
        token: watch::Receiver<SecretString>,
        timing: &Timing,
    ) -> Result<Self, HubClientError> {
        let base = Url::parse(hub)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
            .ok_or_else(|| HubClientError::Url { hub: hub.to_owned() })?;
        let client = reqwest::Client::builder()
            .connect_timeout(timing.connect)
            .pool_idle_timeout(timing.idle)
            // A hub does not redirect, and a token is for the named hub alone.
            .redirect(redirect::Policy::none())
            // A proxy of the surrounding shell has no business between a node and its hub.
            .no_proxy()
            .build()
            .map_err(HubClientError::Client)?;
        Ok(Self {
            client,
            base,
            token,
            refused: Mutex::default(),
            request_timeout: timing.request,
            unauthorized: Notify::new(),
            superseded: CancellationToken::new(),
        })
    }

    /// Sees each replacement of the token.
    pub(crate) fn token_changes(&self) -> watch::Receiver<SecretString> {
        self.token.clone()
    }

    /// `POST /api/node/register`. Its refusals are for the link to judge.
    pub(crate) async fn register(&self, body: &RegisterNode) -> Result<NodeRegistered, HubError> {
        let shown = self.token.borrow().clone();
        let answer = self.post("register", &["api", "node", "register"], body).await;
        match &answer {
            Ok(_) => drop(self.refused().take()),
            Err(error) => self.remember(error, shown),
        }
        answer
    }

    /// Whether the hub has refused the very token that would be shown now.
    pub(crate) fn is_refused(&self) -> bool {
        let refused = self.refused();
        refused.as_ref().is_some_and(|refused| refused.expose_secret() == self.token.borrow().expose_secret())
    }

    fn refused(&self) -> std::sync::MutexGuard<'_, Option<SecretString>> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn remember(&self, error: &HubError, shown: SecretString) {
        if error.is_unauthorized() {
            self.refused().replace(shown);
        }
    }

    /// `POST /api/node/report`.
    pub(crate) async fn report(&self, body: &ReportNode) -> Result<NodeReported, HubError> {
        self.work("report", &["api", "node", "report"], body).await
    }

    /// `POST /api/node/claim`.
    pub(crate) async fn claim(&self, body: &ClaimTasks) -> Result<TasksClaimed, HubError> {
        self.work("claim", &["api", "node", "claim"], body).await
    }

    /// `POST /api/node/tasks/:id/ack`.
    pub(crate) async fn ack(&self, task: &TaskId, body: &AckTask) -> Result<AttemptAnswer, HubError> {
        self.on_task("ack", task, body).await
    }

    /// `POST /api/node/tasks/:id/renew`.
    pub(crate) async fn renew(&self, task: &TaskId, body: &RenewTask) -> Result<AttemptAnswer, HubError> {
        self.on_task("renew", task, body).await
    }

    /// `POST /api/node/tasks/:id/reply`.
    pub(crate) async fn reply(&self, task: &TaskId, body: &ReplyTask) -> Result<AttemptAnswer, HubError> {
        self.on_task("reply", task, body).await
    }

    /// `POST /api/node/tasks/:id/fail`.
    pub(crate) async fn fail(&self, task: &TaskId, body: &FailTask) -> Result<AttemptAnswer, HubError> {
        self.on_task("fail", task, body).await
    }

    /// `GET /events/:alias`: the open stream. The time-out covers the answer's head alone.
    pub(crate) async fn open_stream(
        &self,
        alias: &Alias,
        instance_id: &InstanceId,
        last_event_id: Option<&str>,
    ) -> Result<Response, HubError> {
        const WHAT: &str = "open the event stream";
        let mut request = self
            .request(Method::GET, &["events", alias.as_str()])
            .query(&[("instance_id", instance_id.as_str())])
            .header("accept", "text/event-stream");
        if let Some(id) = last_event_id {
            request = request.header("last-event-id", id);
        }
        let answer = tokio::time::timeout(self.request_timeout, request.send()).await;
        let response = answer.map_err(|_| HubError::Silent { what: WHAT })?;
        let response = response.map_err(|source| HubError::unreachable(WHAT, source))?;
        if response.status().is_success() { Ok(response) } else { Err(HubError::from_refusal(WHAT, response).await) }
    }

    /// A request of the node's own, with its token; the caller sends it.
    pub(crate) fn request(&self, method: Method, path: &[&str]) -> RequestBuilder {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        self.client.request(method, url).bearer_auth(self.token.borrow().expose_secret())
    }

    async fn on_task(
        &self,
        verb: &'static str,
        task: &TaskId,
        body: &impl Serialize,
    ) -> Result<AttemptAnswer, HubError> {
        self.work(verb, &["api", "node", "tasks", task.as_str(), verb], body).await
    }

    /// A call of a registered node. One with a token that is known to be refused is not made.
    async fn work<T: DeserializeOwned>(
        &self,
        what: &'static str,
        path: &[&str],
        body: &impl Serialize,
    ) -> Result<T, HubError> {
        if self.is_refused() {
            return Err(HubError::TokenRefused { what });
        }
        let shown = self.token.borrow().clone();
        self.observe(self.post(what, path, body).await, shown)
    }

    async fn post<T: DeserializeOwned>(
        &self,
        what: &'static str,
        path: &[&str],
        body: &impl Serialize,
    ) -> Result<T, HubError> {
        let request = self.request(Method::POST, path).timeout(self.request_timeout).json(body);
        let response = request.send().await.map_err(|source| HubError::unreachable(what, source))?;
        if !response.status().is_success() {
            return Err(HubError::from_refusal(what, response).await);
        }
        let status = response.status().as_u16();
        let bytes = response.bytes().await.map_err(|source| HubError::unreachable(what, source))?;
        serde_json::from_slice(&bytes).map_err(|_| HubError::Unreadable { what, status })
    }

    /// Passes a result on, and tells the node what every refusal of these two kinds means for it.
    fn observe<T>(&self, result: Result<T, HubError>, shown: SecretString) -> Result<T, HubError> {
        if let Err(error) = &result {
            self.remember(error, shown);
            // A late answer to a token that was replaced meanwhile says nothing about the new one.
            if error.is_unauthorized() && self.is_refused() {
                self.unauthorized.notify_one();
            }
            if error.code() == Some(ErrorCode::InstanceSuperseded) {
                self.superseded.cancel();
            }
        }
        result
    }
}
