//! The cookies of a browser session. Both are out of every script's reach and go to this hub's own pages alone; the one
//! that renews goes to one path.

use std::time::Duration;

use anet_protocol::rest::ErrorCode;
use axum::http::{HeaderMap, HeaderValue, Method, header};
use cookie::{Cookie, SameSite};
use secrecy::{ExposeSecret as _, SecretString};

use crate::error::{HubError, Refusal};
use crate::sessions::browser::Granted;
use crate::settings::Settings;

/// Where the renewing cookie goes, and nowhere else.
const REFRESH_PATH: &str = "/api/auth/refresh";

/// RFC 6265bis §4.1.3: browsers take `__Host-` and `__Secure-` over TLS alone, so nobody can plant such a cookie without.
const fn access_name(is_secure: bool) -> &'static str {
    if is_secure { "__Host-anet_access" } else { "anet_access" }
}

const fn refresh_name(is_secure: bool) -> &'static str {
    if is_secure { "__Secure-anet_refresh" } else { "anet_refresh" }
}

/// The access token of a browser session.
pub(crate) fn access(headers: &HeaderMap, is_secure: bool) -> Option<SecretString> {
    read(headers, access_name(is_secure))
}

/// The token that renews a browser session.
pub(crate) fn refresh(headers: &HeaderMap, is_secure: bool) -> Option<SecretString> {
    read(headers, refresh_name(is_secure))
}

fn read(headers: &HeaderMap, name: &str) -> Option<SecretString> {
    let values = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut found = values.flat_map(Cookie::split_parse).flatten().filter(|cookie| cookie.name() == name);
    let value = found.next()?.value().to_owned();
    // Two of one name: somebody has planted one, and nobody knows which.
    found.next().is_none().then(|| value.into())
}

/// The headers that give a browser its session.
pub(crate) fn grant(granted: &Granted, settings: &Settings, is_secure: bool) -> Vec<HeaderValue> {
    let access = (access_name(is_secure), granted.access.expose_secret(), "/", settings.refresh_lifetime);
    let refresh = (refresh_name(is_secure), granted.refresh.expose_secret(), REFRESH_PATH, settings.refresh_lifetime);
    // The access cookie outlives its token, so that an expired one is told from none, and is renewed.
    [access, refresh].into_iter().filter_map(|cookie| set(cookie, is_secure)).collect()
}

/// The headers that take it away.
pub(crate) fn clear(is_secure: bool) -> Vec<HeaderValue> {
    let gone = [
        (access_name(is_secure), "", "/", Duration::ZERO),
        (refresh_name(is_secure), "", REFRESH_PATH, Duration::ZERO),
    ];
    gone.into_iter().filter_map(|cookie| set(cookie, is_secure)).collect()
}

fn set((name, value, path, age): (&str, &str, &str, Duration), is_secure: bool) -> Option<HeaderValue> {
    let cookie = Cookie::build((name, value))
        .path(path)
        .http_only(true)
        .same_site(SameSite::Strict)
        .secure(is_secure)
        .max_age(age.try_into().ok()?)
        .build();
    let mut value = HeaderValue::from_str(&cookie.to_string()).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// A request that a cookie lets in must come from a page of ours: a change says so by its `Origin`, which the edge has
/// checked; everything else at least is not from elsewhere.
pub(crate) fn check_page(headers: &HeaderMap, method: &Method) -> Result<(), HubError> {
    if !method.is_safe() && !headers.contains_key(header::ORIGIN) {
        return Err(foreign("a browser session changes nothing without an `Origin` header"));
    }
    check_fetch(headers)
}

/// What the browser itself says about who asks (W3C Fetch Metadata).
pub(crate) fn check_fetch(headers: &HeaderMap) -> Result<(), HubError> {
    let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    let is_own = matches!(site, None | Some(b"same-origin" | b"none"));
    if is_own || headers.contains_key(header::ORIGIN) {
        return Ok(());
    }
    Err(foreign("another site's page asks"))
}

fn foreign(message: &str) -> HubError {
    Refusal::new(ErrorCode::OriginNotAllowed, "origin not allowed").message(message).into()
}
