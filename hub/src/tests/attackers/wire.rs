//! Bytes that are no request, or two where one is expected.

use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;

use crate::tests::kit::{PASSWORD, PATIENCE};
use crate::tests::serving::Served;

/// Sends bytes and reads until the hub closes the connection.
async fn exchange(hub: &Served, bytes: &[u8]) -> String {
    let mut stream = hub.connect().await;
    // A hub that refuses early may close before it has read everything.
    let sent = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let read = timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("the connection stays open");
    if let (Err(error), true) = (sent.and(read.map(|_| ())), answer.is_empty()) {
        return format!("closed: {error}");
    }
    String::from_utf8_lossy(&answer).into_owned()
}

/// A request that leaves a trace: the first account of a hub.
fn registration() -> String {
    let body = json!({ "username": "smuggled", "password": PASSWORD }).to_string();
    format!(
        "POST /api/auth/register HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
         connection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

async fn nobody_is_registered(hub: &Served) -> bool {
    let status = exchange(hub, b"GET /api/auth/status HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await;
    assert!(status.starts_with("HTTP/1.1 200"), "{status}");
    status.contains("\"setup_needed\":true")
}

fn answers(text: &str) -> usize {
    text.matches("HTTP/1.1 ").count()
}

/// Idle connections are closed soon, so that each answer ends.
async fn served() -> Served {
    Served::start(|settings| settings.header_timeout = Duration::from_millis(300)).await
}

/// Attack 5 (hub-limits §3).
#[tokio::test(flavor = "multi_thread")]
async fn of_a_request_with_an_unclear_end_nothing_behind_it_is_done() {
    let hub = served().await;
    let smuggled = registration();
    for head in [
        // A length and a coding, in either order: the body ends where only one of two readers believes it to.
        "content-length: 5\r\ntransfer-encoding: chunked",
        "transfer-encoding: chunked\r\ncontent-length: 5",
        "transfer-encoding: chunked\r\ncontent-length: 9999",
        "content-length: 5\r\ncontent-length: 6",
        "content-length: 5, 6",
        "content-length: +5",
        "content-length: -5",
        "content-length: 0x5",
        "content-length: 99999999999999999999",
        "content-length : 5",
        "transfer-encoding: xchunked",
        "transfer-encoding: chunked, identity",
        "transfer-encoding: identity",
        "transfer-encoding : chunked",
        "transfer-encoding: \x0bchunked",
        "transfer-encoding: chunked\r\ntransfer-encoding: identity",
        "x: a\r\n folded: b\r\ncontent-length: 5",
        "x: a\rcontent-length: 5",
        // A line feed alone ends a line for one reader and not for another.
        "x: a\ntransfer-encoding: chunked\r\ncontent-length: 5",
        "x: a\ncontent-length: 0\r\ncontent-length: 5",
        "x: \0",
    ] {
        let bytes = format!("POST /api/auth/logout HTTP/1.1\r\nhost: localhost\r\n{head}\r\n\r\n0\r\n\r\n{smuggled}");
        let answer = exchange(&hub, bytes.as_bytes()).await;
        assert!(answers(&answer) <= 1, "{head:?}: {answer}");
        assert!(answer.starts_with("HTTP/1.1 4") || answer.is_empty(), "{head:?}: {answer}");
        assert!(nobody_is_registered(&hub).await, "{head:?}: the request behind was done");
    }
    // Without all that, what comes behind is done: these requests are not refused for another reason.
    for head in ["content-length: 5", "transfer-encoding: chunked"] {
        let honest = format!("POST /api/auth/logout HTTP/1.1\r\nhost: localhost\r\n{head}\r\n\r\n0\r\n\r\n{smuggled}");
        assert_eq!(answers(&exchange(&hub, honest.as_bytes()).await), 2, "{head}");
    }
    assert!(!nobody_is_registered(&hub).await);
    hub.stop().await;
}

/// Attack 5 (hub-limits §3).
#[tokio::test(flavor = "multi_thread")]
async fn of_what_is_no_request_nothing_behind_it_is_done() {
    let hub = served().await;
    let smuggled = registration();
    let many = "x: y\r\n".repeat(1000);
    let long = format!("x: {}\r\n", "y".repeat(256 * 1024));
    let token = format!("authorization: Bearer {}\r\n", "a".repeat(10 * 1024 * 1024));
    let target = format!("/{}", "a".repeat(256 * 1024));
    for (line, headers) in [
        ("GET /health HTTP/1.1", many.as_str()),
        ("GET /health HTTP/1.1", &long),
        ("GET /health HTTP/1.1", &token),
        (&*format!("GET {target} HTTP/1.1"), ""),
        ("GET /a b HTTP/1.1", ""),
        ("GET /health HTTP/9.9", ""),
        ("GET /health", ""),
        ("G\0T /health HTTP/1.1", ""),
        ("GET /health HTTP/1.1", "no colon\r\n"),
        ("GET /health HTTP/1.1", ": no name\r\n"),
        ("GET /health HTTP/1.1", "a name: x\r\n"),
    ] {
        let bytes = format!("{line}\r\nhost: localhost\r\n{headers}\r\n{smuggled}");
        let answer = exchange(&hub, bytes.as_bytes()).await;
        let told = &answer[..answer.len().min(200)];
        assert!(answers(&answer) <= 1, "{line:.40} {headers:.40}: {told}");
        let is_refused = ["HTTP/1.1 4", "HTTP/1.1 505", "closed"].iter().any(|start| answer.starts_with(start));
        assert!(is_refused || answer.is_empty(), "{line:.40} {headers:.40}: {told}");
        assert!(nobody_is_registered(&hub).await, "{line:.40} {headers:.40}: the request behind was done");
    }
    hub.stop().await;
}

/// Attack 5 (hub-limits §3).
#[tokio::test(flavor = "multi_thread")]
async fn a_path_means_what_it_says_and_nothing_else() {
    let hub = served().await;
    let body = json!({ "username": "alice", "password": PASSWORD });
    let alice = hub.post("", "/api/auth/register", &body).await;
    let token = alice["token"].as_str().unwrap();
    for path in [
        "//api/auth/me",
        "/api//auth/me",
        "/api/auth/me/",
        "/api/auth/./me",
        "/api/auth/x/../me",
        "/api/auth/%2e%2e/auth/me",
        "/api/auth/x%2f%2e%2e%2fme",
        "/api/auth%2fme",
        "/api/auth/me%00",
        "/%61pi/auth/me",
        "/API/auth/me",
        "/api/auth/me;x",
        "/api\\auth\\me",
        "/api/auth/m\u{e9}",
    ] {
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\nconnection: close\r\n\r\n"
        );
        let answer = exchange(&hub, request.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 40"), "{path}: {answer}");
        assert!(!answer.contains("alice"), "{path}: {answer}");
    }
    for id in ["%00", "%2e%2e%2f%2e%2e%2f", "%ff%fe", "%", "%zz", "*", "%25"] {
        let request = format!(
            "GET /api/task/{id} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\nconnection: close\r\n\r\n"
        );
        let answer = exchange(&hub, request.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 40"), "{id}: {answer}");
    }
    let raw = [b"GET /\xff\xfe HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n".as_slice()].concat();
    assert!(exchange(&hub, &raw).await.starts_with("HTTP/1.1 40"));
    hub.stop().await;
}

/// Attack 1 (hub-limits §3).
#[tokio::test(flavor = "multi_thread")]
async fn a_request_without_one_host_of_ours_is_refused_on_the_wire() {
    let hub = served().await;
    for request in [
        "GET /api/auth/status HTTP/1.1\r\nconnection: close\r\n\r\n",
        "GET /api/auth/status HTTP/1.0\r\n\r\n",
        "GET /api/auth/status HTTP/1.1\r\nhost: localhost\r\nhost: evil.example\r\nconnection: close\r\n\r\n",
        "GET http://evil.example/api/auth/status HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n",
        "GET http://localhost/api/auth/status HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n",
        "CONNECT evil.example:443 HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n",
    ] {
        let answer = exchange(&hub, request.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 403") || answer.starts_with("HTTP/1.0 403"), "{request}: {answer}");
        assert!(answer.contains("host_not_allowed"), "{request}: {answer}");
    }
    // The hub is no proxy.
    let answer = exchange(&hub, b"CONNECT localhost:80 HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
    hub.stop().await;
}

/// Attack 6 (hub-limits §3): what is not spoken cannot be flooded.
#[tokio::test(flavor = "multi_thread")]
async fn http_2_is_neither_spoken_nor_offered() {
    let hub = served().await;
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    let answer = exchange(&hub, preface).await;
    assert!(answer.starts_with("HTTP/1.1 4") || answer.starts_with("HTTP/1.1 505") || answer.is_empty(), "{answer}");
    let upgrade = "GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade, http2-settings\r\nupgrade: h2c\r\n\
                   http2-settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n";
    let answer = exchange(&hub, upgrade.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "the offer is overheard: {answer}");
    assert!(!answer.to_lowercase().contains("upgrade"), "{answer}");
    hub.stop().await;
}
