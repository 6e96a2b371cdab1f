use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anet_protocol::id::{NodeId, TokenId};
use anet_protocol::rest::{
    Done, ErrorBody, ErrorCode, Me, Node, NodeList, NodeQuery, NodeToken, NodeTokenRequest, Success, TokenInfo,
    TokenList,
};
use reqwest::header::RETRY_AFTER;
use reqwest::{Client, Method, RequestBuilder, Response, Url, redirect};
use secrecy::{ExposeSecret as _, SecretString};
use serde::de::DeserializeOwned;

use super::RepairError;

/// For a whole answer, so that a hub that hangs or drips holds nobody up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(15);

/// For a connection.
const CONNECT: Duration = Duration::from_secs(5);

/// No answer that is asked for here is larger.
const LARGEST_ANSWER: usize = 4 * 1024 * 1024;

/// The hub's routes that a repair needs. It counts what it asks (R47).
pub(crate) struct HubApi {
    client: Client,
    base: Url,
    asked: AtomicU32,
}

/// Why the hub gave no answer that helps.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub(crate) struct Denial {
    pub(crate) kind: DenialKind,
    /// For people; it never holds a token.
    pub(crate) reason: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DenialKind {
    /// 401: the token that was shown is not, or no longer, one.
    Unauthorized,
    /// 403: the token is one, and does not reach so far.
    Forbidden,
    /// Any other refusal that asking again will not change.
    Refused(Option<ErrorCode>),
    /// No connection, a broken one, no answer in time, 429 or 5xx.
    Passing(Option<Duration>),
}

impl HubApi {
    pub(crate) fn new(base: Url, patience: Duration) -> Result<Self, RepairError> {
        let client = Client::builder()
            .connect_timeout(CONNECT)
            .timeout(patience)
            // A token is for the named hub alone, and no proxy of the surroundings reads it.
            .redirect(redirect::Policy::none())
            .no_proxy()
            .build()
            .map_err(|error| RepairError::Client(error.to_string()))?;
        Ok(Self { client, base, asked: AtomicU32::new(0) })
    }

    /// How often the hub was asked.
    pub(crate) fn asked(&self) -> u32 {
        self.asked.load(Ordering::Relaxed)
    }

    /// Whose token it is.
    pub(crate) async fn me(&self, token: Option<&SecretString>) -> Result<Me, Denial> {
        self.ask("ask whose token it is", self.request(Method::GET, &["api", "auth", "me"], token)).await
    }

    /// The node of this id, if it is in reach.
    pub(crate) async fn node(&self, token: Option<&SecretString>, id: &NodeId) -> Result<Option<Node>, Denial> {
        let query = NodeQuery { node_id: Some(id.clone()), ..NodeQuery::default() };
        let request = self.request(Method::GET, &["api", "nodes"], token).query(&query);
        let list: NodeList = self.ask("look the node up", request).await?;
        Ok(list.nodes.into_iter().find(|node| node.node_id == *id))
    }

    /// Mints a token for a node.
    pub(crate) async fn mint(
        &self,
        token: Option<&SecretString>,
        wanted: &NodeTokenRequest,
    ) -> Result<NodeToken, Denial> {
        let request = self.request(Method::POST, &["api", "auth", "node-token"], token).json(wanted);
        self.ask("get a token for the node", request).await
    }

    /// The tokens of a person.
    pub(crate) async fn tokens(&self, token: Option<&SecretString>) -> Result<Vec<TokenInfo>, Denial> {
        let list: TokenList =
            self.ask("list the tokens", self.request(Method::GET, &["api", "auth", "tokens"], token)).await?;
        Ok(list.tokens)
    }

    /// Revokes a token of a person's.
    pub(crate) async fn revoke(&self, token: Option<&SecretString>, id: &TokenId) -> Result<(), Denial> {
        let request = self.request(Method::DELETE, &["api", "auth", "tokens", id.as_str()], token);
        let _done: Done = self.ask("revoke a token", request).await?;
        Ok(())
    }

    fn request(&self, method: Method, path: &[&str], token: Option<&SecretString>) -> RequestBuilder {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        let request = self.client.request(method, url);
        match token {
            Some(token) => request.bearer_auth(token.expose_secret()),
            None => request,
        }
    }

    async fn ask<T: DeserializeOwned>(&self, what: &str, request: RequestBuilder) -> Result<T, Denial> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let passing = |reason: String, wait| Denial { kind: DenialKind::Passing(wait), reason };
        let broken = |error: reqwest::Error| {
            let reason = format!("cannot {what}: the hub at {} cannot be reached: {}", self.base, chain(error));
            passing(reason, None)
        };
        let response = request.send().await.map_err(broken)?;
        let status = response.status();
        let retry_after = retry_after(&response);
        let body = read(response).await.map_err(broken)?;
        if status.is_success() {
            let answer: Success<T> = serde_json::from_slice(&body).map_err(|_| {
                passing(format!("cannot {what}: the answer of {} is not one of a hub", self.base), None)
            })?;
            return Ok(answer.body);
        }
        let refusal: Option<ErrorBody> = serde_json::from_slice(&body).ok();
        let said = refusal
            .as_ref()
            .map_or(String::new(), |body| format!(": {}", body.message.as_deref().unwrap_or(&body.error)));
        let kind = match status.as_u16() {
            401 => DenialKind::Unauthorized,
            403 => DenialKind::Forbidden,
            408 | 425 | 429 | 500..=599 => DenialKind::Passing(retry_after),
            _ => DenialKind::Refused(refusal.map(|body| body.code)),
        };
        Err(Denial { kind, reason: format!("cannot {what}: the hub answered {}{said}", status.as_u16()) })
    }
}

/// `Retry-After` in seconds; the form with a date is not used by hubs.
fn retry_after(response: &Response) -> Option<Duration> {
    let seconds: u64 = response.headers().get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds.min(24 * 3600)))
}

async fn read(mut response: Response) -> Result<Vec<u8>, reqwest::Error> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        body.extend_from_slice(&chunk);
        if body.len() > LARGEST_ANSWER {
            // What is cut is no JSON, and is told as such.
            break;
        }
    }
    Ok(body)
}

/// An error and its causes in one line, without the address, which the sentence names.
fn chain(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        text += ": ";
        text += &cause.to_string();
        source = cause.source();
    }
    text
}
