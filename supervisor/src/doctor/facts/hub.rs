//! What the hub says: its health, its clock, its certificate, and who the login is.

use std::time::Duration;

use anet_protocol::rest::{Health, Me, Success};
use anet_protocol::time::Timestamp;
use reqwest::header::DATE;
use reqwest::{Client, Response, StatusCode, redirect};
use secrecy::{ExposeSecret as _, SecretString};
use serde::de::DeserializeOwned;

use super::certificate;
use crate::doctor::patient::Patient;

/// How long the hub may take to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// How long one answer may take.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(8);

/// No answer that is asked for here is larger.
const LARGEST_ANSWER: usize = 1024 * 1024;

/// The hub that commands talk to.
#[derive(Debug)]
pub(in crate::doctor) struct HubFacts {
    /// Without a slash at its end.
    pub(in crate::doctor) url: String,
    pub(in crate::doctor) answer: HubAnswer,
    /// Who the login is; absent when there is none, or the hub does not answer.
    pub(in crate::doctor) login: Option<Whoami>,
}

/// What `GET /health` gave.
#[derive(Debug)]
pub(in crate::doctor) enum HubAnswer {
    /// The address is none.
    NoAddress(String),
    /// No answer; why.
    Unreachable(String),
    /// An answer that no hub gives.
    Strange(String),
    Healthy(Box<Healthy>),
}

/// A hub that is well.
#[derive(Debug)]
pub(in crate::doctor) struct Healthy {
    pub(in crate::doctor) health: Health,
    /// Its clock, in whole seconds, and ours before and after it was asked.
    pub(in crate::doctor) clock: Option<ClockReading>,
    /// When its certificate ends, where it has one.
    pub(in crate::doctor) certificate: Option<Result<Timestamp, String>>,
}

/// The hub's clock beside our own.
#[derive(Clone, Copy, Debug)]
pub(in crate::doctor) struct ClockReading {
    pub(in crate::doctor) asked: Timestamp,
    pub(in crate::doctor) said: Timestamp,
    pub(in crate::doctor) answered: Timestamp,
}

/// What `GET /api/auth/me` gave for a token.
#[derive(Debug)]
pub(in crate::doctor) enum Whoami {
    Known(Box<Me>),
    /// 401: the hub does not know the token, or no longer.
    Refused,
    /// 403: it knows the token, and does not let it in.
    Forbidden,
    /// Any other answer, or none: it says nothing about the token.
    Unclear(String),
}

impl HubFacts {
    pub(in crate::doctor) async fn ask(url: &str, patient: &Patient) -> Self {
        let url = url.trim_end_matches('/').to_owned();
        let facts = |answer, login| Self { url: url.clone(), answer, login };
        let parsed = reqwest::Url::parse(&url).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        if parsed.is_none_or(|url| !url.has_host()) {
            return facts(HubAnswer::NoAddress("it is not an http or https address".to_owned()), None);
        }
        let client = match build_client() {
            Ok(client) => client,
            Err(error) => return facts(HubAnswer::Unreachable(error), None),
        };
        let answer = health(&client, &url, patient).await;
        let login = match (&patient.token, &answer) {
            (Some(token), HubAnswer::Healthy(_)) => Some(whoami(&client, &url, token).await),
            _ => None,
        };
        facts(answer, login)
    }

    /// Whether whoever is on the hub's machine needs no login there.
    pub(in crate::doctor) fn asks_for_no_login(&self) -> bool {
        self.healthy().is_some_and(|healthy| healthy.health.auth != "user-token")
    }

    /// Whether this person can have tokens made.
    pub(in crate::doctor) fn knows_the_person(&self, patient: &Patient) -> bool {
        matches!(self.login, Some(Whoami::Known(_))) || (patient.token.is_none() && self.asks_for_no_login())
    }

    pub(in crate::doctor) fn healthy(&self) -> Option<&Healthy> {
        match &self.answer {
            HubAnswer::Healthy(healthy) => Some(healthy),
            HubAnswer::NoAddress(_) | HubAnswer::Unreachable(_) | HubAnswer::Strange(_) => None,
        }
    }
}

/// A client that goes nowhere but where it is sent, and never waits for long.
pub(super) fn build_client() -> Result<Client, String> {
    let client = Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(ANSWER_TIMEOUT)
        .no_proxy()
        .redirect(redirect::Policy::none())
        .tls_info(true);
    client.build().map_err(|error| format!("no client can be built: {error}"))
}

async fn health(client: &Client, url: &str, patient: &Patient) -> HubAnswer {
    let asked = patient.clock.now();
    let response = match client.get(format!("{url}/health")).send().await {
        Ok(response) => response,
        Err(error) => return HubAnswer::Unreachable(cause(error)),
    };
    let answered = patient.clock.now();
    let said = response.headers().get(DATE).and_then(|date| date.to_str().ok()).and_then(read_date);
    let certificate = certificate::of(&response, answered);
    let status = response.status();
    if !status.is_success() {
        return HubAnswer::Strange(format!("/health answered {status}"));
    }
    match body::<Success<Health>>(response).await {
        Ok(health) => HubAnswer::Healthy(Box::new(Healthy {
            health: health.body,
            clock: said.map(|said| ClockReading { asked, said, answered }),
            certificate,
        })),
        Err(error) => HubAnswer::Strange(format!("/health is not understood: {error}")),
    }
}

/// Asks the hub who a token is.
pub(super) async fn whoami(client: &Client, url: &str, token: &SecretString) -> Whoami {
    let request = client.get(format!("{}/api/auth/me", url.trim_end_matches('/'))).bearer_auth(token.expose_secret());
    let response = match request.send().await {
        Ok(response) => response,
        Err(error) => return Whoami::Unclear(cause(error)),
    };
    match response.status() {
        StatusCode::UNAUTHORIZED => Whoami::Refused,
        StatusCode::FORBIDDEN => Whoami::Forbidden,
        status if !status.is_success() => Whoami::Unclear(format!("it answered {status}")),
        _ => match body::<Success<Me>>(response).await {
            Ok(me) => Whoami::Known(Box::new(me.body)),
            Err(error) => Whoami::Unclear(format!("its answer is not understood: {error}")),
        },
    }
}

/// Reads an answer, however much is sent.
async fn body<T: DeserializeOwned>(mut response: Response) -> Result<T, String> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(cause)? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > LARGEST_ANSWER {
            return Err("it does not end".to_owned());
        }
    }
    serde_json::from_slice(&bytes).map_err(|error| error.to_string())
}

/// The innermost reason: what lies between repeats the address.
fn cause(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut innermost: &dyn std::error::Error = &error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    if error.is_timeout() { format!("no answer within {} s", ANSWER_TIMEOUT.as_secs()) } else { innermost.to_string() }
}

/// The date of an HTTP header (RFC 9110, 5.6.7), which is one of RFC 2822 too.
fn read_date(text: &str) -> Option<Timestamp> {
    let instant = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    Some(Timestamp::from_millis(instant.as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_date_of_a_header_is_read() {
        let date = read_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        assert_eq!(date.to_string(), "1994-11-06 08:49:37");
        assert_eq!(read_date("yesterday"), None);
    }
}
