//! What happens to every request before and after its door: where it comes from, whether the name and the page it comes
//! by are ours, and that refusals are written down.

use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use anet_protocol::redaction::Redactor;
use anet_protocol::rest::ErrorCode;
use axum::extract::{Request, State};
use axum::http::uri::{Authority, PathAndQuery};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use secrecy::SecretString;

use crate::admin::reads;
use crate::api::PeerAddress;
use crate::api::answer::Refused;
use crate::audit::AuditEntry;
use crate::caller::Caller;
use crate::client::Client;
use crate::error::{HubError, Refusal};
use crate::hub::Hub;
use crate::settings::Settings;

/// Where a door notes who calls, so that a refusal can be written down with the name.
#[derive(Clone)]
pub(crate) struct Identified(pub Arc<OnceLock<Caller>>);

/// A secret that stood in the URL. It is taken out before anything can log it.
#[derive(Clone)]
pub(crate) enum UrlSecret {
    Ticket(SecretString),
    Token(SecretString),
}

pub(crate) async fn edge(State(hub): State<Hub>, mut request: Request, next: Next) -> Response {
    let settings = hub.settings();
    let peer = request.extensions().get::<PeerAddress>().map(|peer| peer.0);
    let client = Client::of(peer, request.headers(), &settings.trusted_proxies);
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    if let Some(secret) = take_secret(request.uri_mut()) {
        request.extensions_mut().insert(secret);
    }
    let caller = Arc::new(OnceLock::new());
    request.extensions_mut().insert(Identified(Arc::clone(&caller)));
    request.extensions_mut().insert(client.clone());
    let checked =
        check_host(&request, settings).and_then(|host| check_origin(request.headers(), &host, &client, settings));
    let mut response = match checked {
        Ok(()) => next.run(request).await,
        Err(error) => error.into_response(),
    };
    if let Some(caller) = caller.get()
        && let Err(error) = reads::write_down(&hub, caller).await
    {
        tracing::warn!(%error, "what an admin has read was not written down");
    }
    if let Some(Refused(code)) = response.extensions().get().copied() {
        note(&hub, &client, caller.get(), code, &format!("{method} {path}")).await;
    }
    // A preflight has nothing to say but its headers (commhub-http §0).
    if method == Method::OPTIONS && response.status() == StatusCode::OK {
        *response.status_mut() = StatusCode::NO_CONTENT;
    }
    if client.is_secure {
        let year = HeaderValue::from_static("max-age=31536000");
        response.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, year);
    }
    response
}

/// Takes `ticket`, `token` and `api_key` out of the query.
fn take_secret(uri: &mut Uri) -> Option<UrlSecret> {
    let query = uri.query()?;
    let mut secret = None;
    let mut kept = Vec::new();
    for pair in query.split('&') {
        match pair.split_once('=') {
            Some(("ticket", value)) => secret = Some(UrlSecret::Ticket(value.into())),
            Some(("token" | "api_key", value)) => secret = Some(UrlSecret::Token(value.into())),
            _ => kept.push(pair),
        }
    }
    let secret = secret?;
    let rest = if kept.is_empty() { uri.path().to_owned() } else { format!("{}?{}", uri.path(), kept.join("&")) };
    let mut parts = uri.clone().into_parts();
    // A part of what was a path and query before.
    parts.path_and_query = rest.parse::<PathAndQuery>().ok();
    if let Ok(cleaned) = Uri::from_parts(parts) {
        *uri = cleaned;
    }
    Some(secret)
}

/// The one host that the request is for, if it is this hub: anything else is a foreign page whose name was pointed at us
/// (DNS rebinding).
fn check_host(request: &Request, settings: &Settings) -> Result<String, HubError> {
    let refused = || Refusal::new(ErrorCode::HostNotAllowed, "host not allowed");
    let hint = "reach the hub by its address or `localhost`, or list the name in ANET_ALLOWED_HOSTS";
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else {
        return Err(refused().message("a request has one `Host` header").into());
    };
    let host = host.to_str().map_err(|_| refused())?.to_ascii_lowercase();
    let target = request.uri().authority().map(|authority| authority.as_str().to_ascii_lowercase());
    for named in [Some(&host), target.as_ref()].into_iter().flatten() {
        if !is_ours(named, settings) {
            return Err(refused().message("the name is not one of this hub's").hint(hint).into());
        }
    }
    Ok(host)
}

fn is_ours(host: &str, settings: &Settings) -> bool {
    let Ok(authority) = host.parse::<Authority>() else { return false };
    if host.contains('@') {
        return false;
    }
    let name = authority.host();
    if settings
        .allowed_hosts
        .iter()
        .any(|allowed| allowed.eq_ignore_ascii_case(name) || allowed.eq_ignore_ascii_case(host))
    {
        return true;
    }
    match name.trim_matches(['[', ']']).parse::<IpAddr>() {
        // An address cannot be rebound; but 0.0.0.0 is the way around a browser's guard of this machine.
        Ok(address) => {
            let address = address.to_canonical();
            address.is_loopback() || (!settings.is_loopback && !address.is_unspecified())
        }
        Err(_) => name == "localhost",
    }
}

/// A page may ask if it is on the list, or of this very hub.
fn check_origin(headers: &HeaderMap, host: &str, client: &Client, settings: &Settings) -> Result<(), HubError> {
    let mut origins = headers.get_all(header::ORIGIN).iter();
    let Some(origin) = origins.next() else { return Ok(()) };
    let scheme = if client.is_secure { "https" } else { "http" };
    let is_allowed = origin.to_str().is_ok_and(|origin| {
        settings.cors_origins.iter().any(|allowed| allowed == origin) || origin == format!("{scheme}://{host}")
    });
    if is_allowed && origins.next().is_none() {
        return Ok(());
    }
    Err(Refusal::new(ErrorCode::OriginNotAllowed, "origin not allowed")
        .message("the page that asks is not one of this hub's")
        .hint("list its origin in COMMHUB_CORS_ORIGINS")
        .into())
}

/// Writes a refusal down, with the name if somebody has one. That fails the request no more than it has failed.
async fn note(hub: &Hub, client: &Client, caller: Option<&Caller>, code: ErrorCode, what: &str) {
    let now = hub.now();
    let action = match code {
        ErrorCode::RateLimited => "rate_limited",
        ErrorCode::PermissionDenied
        | ErrorCode::AccessDenied
        | ErrorCode::UserTokenRequired
        | ErrorCode::NodeTokenRequired
        | ErrorCode::AdminRequired
        | ErrorCode::InvalidToken
        | ErrorCode::TokenExpired
        | ErrorCode::HostNotAllowed
        | ErrorCode::OriginNotAllowed => "access_refused",
        _ => return,
    };
    let entry = match caller {
        Some(caller) => {
            let entry = AuditEntry::by(caller, action, now);
            match caller.refused_in.get() {
                Some(network_id) => entry.within(network_id),
                None => entry,
            }
        }
        None => AuditEntry::anonymous(client.address, action, now),
    };
    // Somebody may have put a secret where an id belongs.
    let what = Redactor::default().redact(what);
    let word = serde_json::to_value(code).ok();
    let word = word.as_ref().and_then(|word| word.as_str()).unwrap_or_default();
    if let Err(error) = hub.note_refusal(client.address, entry.to("auth", "").detail(format!("{what}: {word}"))).await {
        tracing::warn!(%error, "a refusal was not written down");
    }
}
