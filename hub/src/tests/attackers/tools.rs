//! What an attacker has: requests of any shape, from anywhere.

use std::net::IpAddr;

use axum::body::Body;
use axum::http::Request;
use serde_json::Value;
use tower::ServiceExt as _;

use crate::api::PeerAddress;
use crate::tests::kit::{Reply, TestHub, whole};

/// One request. `from` is the other end of the socket; without a `host` header it is for `localhost`.
pub(super) async fn ask(
    hub: &TestHub,
    from: &str,
    (method, path): (&str, &str),
    headers: &[(&str, &str)],
    body: impl Into<Body>,
) -> Reply {
    let mut request = Request::builder().method(method).uri(path);
    if !headers.iter().any(|(name, _)| *name == "host") {
        request = request.header("host", "localhost");
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut request = request.body(body.into()).unwrap();
    let peer: IpAddr = from.parse().unwrap();
    request.extensions_mut().insert(PeerAddress((peer, 4711).into()));
    let (head, body) = hub.router().oneshot(request).await.unwrap().into_parts();
    let text = String::from_utf8(whole(body).await.to_vec()).unwrap();
    let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
    Reply { status: head.status, headers: head.headers, body }
}

/// This machine.
pub(super) const HERE: &str = "127.0.0.1";

/// Some other machine.
pub(super) const ELSEWHERE: &str = "203.0.113.9";

/// The header of a token.
pub(super) fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

/// A request with a JSON body.
pub(super) async fn post_from(hub: &TestHub, from: &str, token: &str, path: &str, body: Value) -> Reply {
    let authorization = bearer(token);
    let mut headers = vec![("content-type", "application/json")];
    if !token.is_empty() {
        headers.push(("authorization", &authorization));
    }
    ask(hub, from, ("POST", path), &headers, body.to_string()).await
}

/// An attempt to log in.
pub(super) async fn log_in_from(hub: &TestHub, from: &str, username: &str, password: &str) -> Reply {
    post_from(hub, from, "", "/api/auth/login", serde_json::json!({ "username": username, "password": password })).await
}
