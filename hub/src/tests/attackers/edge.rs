//! Whose page asks, by which name, and what stands between.

use serde_json::json;

use super::tools::{ELSEWHERE, HERE, ask, bearer, log_in_from, post_from};
use crate::settings::Access;
use crate::tests::kit::{PASSWORD, TestHub};
use crate::{RateLimits, openapi};

const DOORS: [(&str, &str); 9] = [
    ("GET", "/health"),
    ("GET", "/api/auth/me"),
    ("GET", "/events/alice"),
    ("POST", "/api/task"),
    ("POST", "/api/auth/register"),
    ("POST", "/api/auth/login"),
    ("OPTIONS", "/api/task"),
    ("GET", "/nowhere"),
    ("PATCH", "/health"),
];

async fn accounts(hub: &TestHub) -> usize {
    hub.hub.read().await.unwrap().users().await.unwrap().len()
}

/// Attacks 1 and 4 (hub-limits §3).
#[tokio::test]
async fn a_foreign_host_is_refused_on_every_door_before_anything_else() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    let authorization = bearer(&alice.token);
    let account = json!({ "username": "mallory", "password": PASSWORD }).to_string();
    for host in [
        "evil.example",
        "evil.example:9200",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "localhost.",
        "127.0.0.1.",
        "sub.localhost",
        "localhost@evil.example",
        "evil.example@localhost",
        "0.0.0.0",
        "0.0.0.0:9200",
        "[::]:9200",
        "[::ffff:0.0.0.0]",
        "0",
        "127.1",
        "0x7f000001",
        "2130706433",
        "192.168.0.7",
        "",
        "local host",
    ] {
        for door in DOORS {
            let headers = [("host", host), ("authorization", &authorization), ("content-type", "application/json")];
            ask(&hub, HERE, door, &headers, account.clone()).await.refused(403, "host_not_allowed");
        }
    }
    for door in DOORS {
        let twice = [("host", "localhost"), ("host", "evil.example")];
        ask(&hub, HERE, door, &twice, account.clone()).await.refused(403, "host_not_allowed");
        let twice = [("host", "localhost"), ("host", "localhost")];
        ask(&hub, HERE, door, &twice, account.clone()).await.refused(403, "host_not_allowed");
        let absolute = format!("http://evil.example{}", door.1);
        ask(&hub, HERE, (door.0, &absolute), &[], account.clone()).await.refused(403, "host_not_allowed");
    }
    assert_eq!(accounts(&hub).await, 1, "nobody got in");
    for host in ["localhost", "LOCALHOST:9200", "127.0.0.1:9200", "127.9.9.9", "[::1]:9200"] {
        ask(&hub, HERE, ("GET", "/health"), &[("host", host)], "").await.ok();
    }
}

/// Attacks 1 and 4 (hub-limits §3).
#[tokio::test]
async fn a_hub_that_others_reach_answers_to_its_addresses_and_listed_names_alone() {
    let hub = TestHub::open_with(|settings| {
        settings.is_loopback = false;
        settings.allowed_hosts = vec!["hub.example".to_owned()];
    })
    .await;
    for host in ["hub.example", "HUB.example:443", "192.0.2.7:9200", "[2001:db8::7]"] {
        ask(&hub, ELSEWHERE, ("GET", "/health"), &[("host", host)], "").await.ok();
    }
    for host in ["evil.example", "hub.example.evil.example", "evilhub.example", "x.hub.example", "0.0.0.0", "[::]"] {
        ask(&hub, ELSEWHERE, ("GET", "/health"), &[("host", host)], "").await.refused(403, "host_not_allowed");
    }
}

/// Attack 2 (hub-limits §3).
#[tokio::test]
async fn a_foreign_page_is_refused_and_gets_no_leave_to_read() {
    let hub = TestHub::open_with(|settings| settings.cors_origins = vec!["https://board.example".to_owned()]).await;
    let alice = hub.person("alice").await;
    let authorization = bearer(&alice.token);
    let doors = [("GET", "/health"), ("GET", "/api/networks"), ("POST", "/api/networks"), ("OPTIONS", "/api/task")];
    for origin in [
        "null",
        "https://evil.example",
        "http://localhost.evil.example",
        "http://localhost:9999",
        "https://localhost",
        "http://localhost@evil.example",
        "https://board.example.evil.example",
        "http://board.example",
        "https://board.example:444",
        "https://xboard.example",
        "*",
        "",
    ] {
        for door in doors {
            let headers = [
                ("host", "localhost:9200"),
                ("origin", origin),
                ("authorization", &authorization),
                ("content-type", "application/json"),
                ("access-control-request-method", "POST"),
            ];
            let reply = ask(&hub, HERE, door, &headers, r#"{"name":"theirs"}"#).await;
            assert!(!reply.headers.contains_key("access-control-allow-origin"), "{origin:?} {door:?}");
            reply.refused(403, "origin_not_allowed");
        }
    }
    let both = [("origin", "https://board.example"), ("origin", "https://evil.example")];
    ask(&hub, HERE, ("GET", "/health"), &both, "").await.refused(403, "origin_not_allowed");
    assert_eq!(hub.get(&alice.token, "/api/networks").await.ok()["networks"].as_array().unwrap().len(), 1);
    for door in doors {
        let headers = [("origin", "https://board.example"), ("authorization", &authorization)];
        let reply = ask(&hub, HERE, door, &headers, "").await;
        assert_eq!(reply.headers["access-control-allow-origin"], "https://board.example", "never a wildcard");
        assert_eq!(reply.headers["access-control-allow-credentials"], "true");
        assert!(reply.headers["vary"].to_str().unwrap().contains("origin"), "a cache must not serve it to others");
    }
}

/// A page that is not ours sends what a form can send, with the cookies of who looks at it.
const FORMS: [&str; 4] = ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""];

/// Attack 3 (hub-limits §3).
#[tokio::test]
async fn a_foreign_page_cannot_act_with_somebodys_cookie() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    hub.node(&alice, "counter").await;
    let body = json!({ "username": "alice", "password": PASSWORD });
    let session = hub.post("", "/api/auth/session", body).await;
    let cookie = session.headers["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let task = json!({ "alias": "counter", "task": "theirs" }).to_string();
    let own = [("host", "localhost:9200"), ("cookie", cookie.as_str())];
    let with = |more: &[(&'static str, &'static str)]| [&own[..], more].concat();
    let send = ("POST", "/api/task");
    for content_type in FORMS.into_iter().chain(["application/json"]) {
        for page in [
            &[("origin", "https://evil.example")][..],
            &[("origin", "null")],
            &[("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "same-origin")],
            // A browser of before either header.
            &[],
        ] {
            let headers = with(&[page, &[("content-type", content_type)]].concat());
            ask(&hub, HERE, send, &headers, task.clone()).await.refused(403, "origin_not_allowed");
        }
    }
    for content_type in FORMS {
        let headers = with(&[("origin", "http://localhost:9200"), ("content-type", content_type)]);
        ask(&hub, HERE, send, &headers, task.clone()).await.refused(415, "unsupported_media_type");
    }
    for (method, path) in [("POST", "/api/auth/logout"), ("DELETE", "/api/auth/sessions"), ("POST", "/api/auth/ticket")]
    {
        ask(&hub, HERE, (method, path), &own, "").await.refused(403, "origin_not_allowed");
    }
    for site in ["cross-site", "same-site"] {
        let headers = with(&[("sec-fetch-site", site)]);
        ask(&hub, HERE, ("GET", "/api/tasks"), &headers, "").await.refused(403, "origin_not_allowed");
        ask(&hub, HERE, ("GET", "/events/alice"), &headers, "").await.refused(403, "origin_not_allowed");
        ask(&hub, HERE, ("POST", "/api/auth/refresh"), &headers, "").await.refused(403, "origin_not_allowed");
    }
    assert_eq!(hub.get(&alice.token, "/api/tasks").await.ok()["count"], 0);
    let headers = with(&[("origin", "http://localhost:9200"), ("content-type", "application/json")]);
    ask(&hub, HERE, send, &headers, task).await.ok();
}

/// Attack 3 (hub-limits §3).
#[tokio::test]
async fn a_foreign_page_cannot_act_on_a_hub_that_asks_nobody_to_log_in() {
    let hub = TestHub::open_with(|settings| settings.access = Access::SingleUser).await;
    let network = json!({ "name": "theirs" }).to_string();
    let make = ("POST", "/api/networks");
    for content_type in FORMS.into_iter().chain(["application/json"]) {
        for page in [("origin", "https://evil.example"), ("origin", "null"), ("sec-fetch-site", "cross-site")] {
            let headers = [page, ("content-type", content_type)];
            ask(&hub, HERE, make, &headers, network.clone()).await.refused(403, "origin_not_allowed");
        }
    }
    for content_type in FORMS {
        let headers = [("content-type", content_type)];
        ask(&hub, HERE, make, &headers, network.clone()).await.refused(415, "unsupported_media_type");
    }
    let headers = [("sec-fetch-site", "cross-site")];
    ask(&hub, HERE, ("GET", "/api/networks"), &headers, "").await.refused(403, "origin_not_allowed");
    let networks = ask(&hub, HERE, ("GET", "/api/networks"), &[], "").await.ok();
    assert_eq!(networks["networks"].as_array().unwrap().len(), 1, "{networks:#}");
}

/// What somebody writes who wants to be taken for this machine.
const FORGED: [(&str, &str); 5] = [
    ("x-forwarded-for", "127.0.0.1"),
    ("x-real-ip", "127.0.0.1"),
    ("forwarded", "for=127.0.0.1;proto=https"),
    ("x-forwarded-proto", "https"),
    ("x-forwarded-host", "localhost"),
];

/// Attack 7 (hub-limits §3).
#[tokio::test]
async fn a_forged_address_neither_evades_limits_nor_gets_into_the_audit_log() {
    let hub = TestHub::open_with(|settings| settings.limits = RateLimits::default()).await;
    let account = json!({ "username": "alice", "password": PASSWORD });
    let alice = hub.post("", "/api/auth/register", account).await.ok();
    let mut answers = Vec::new();
    for number in 0..12 {
        let address = format!("198.51.100.{number}");
        let forwarded = format!("for={address}");
        let headers = [
            ("x-forwarded-for", address.as_str()),
            ("x-real-ip", address.as_str()),
            ("forwarded", forwarded.as_str()),
            ("x-forwarded-proto", "https"),
            ("content-type", "application/json"),
        ];
        // Too long for a password, so that no time goes into hashing.
        let body = json!({ "username": "alice", "password": "x".repeat(200) }).to_string();
        let reply = ask(&hub, ELSEWHERE, ("POST", "/api/auth/login"), &headers, body).await;
        assert!(!reply.headers.contains_key("strict-transport-security"), "nobody has said it came over TLS");
        answers.push(reply.status.as_u16());
    }
    assert_eq!(answers, [[401; 10].as_slice(), &[429; 2]].concat());
    let token = alice["token"].as_str().unwrap();
    let log = hub.get(token, "/api/audit-log?action=login_rate_limited").await.ok();
    let rows = log["logs"].as_array().unwrap();
    assert!(rows.len() == 2 && rows.iter().all(|row| row["ip"] == ELSEWHERE), "{log:#}");
}

/// Attack 7 (hub-limits §3).
#[tokio::test]
async fn behind_a_proxy_only_what_the_proxy_has_seen_counts() {
    let hub = TestHub::open_with(|settings| {
        settings.trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()];
        settings.limits.login = 1;
    })
    .await;
    let alice = hub.person("alice").await;
    let mut answers = Vec::new();
    for claimed in ["127.0.0.1", "192.0.2.1", "::1", "garbage"] {
        let hops = format!("{claimed}, 198.51.100.7");
        let headers = [("x-forwarded-for", hops.as_str()), ("content-type", "application/json")];
        let body = json!({ "username": "alice", "password": "x".repeat(200) }).to_string();
        let reply = ask(&hub, "10.1.2.3", ("POST", "/api/auth/login"), &headers, body).await;
        answers.push(reply.status.as_u16());
    }
    assert_eq!(answers, [401, 429, 429, 429], "they are one address");
    let log = hub.get(&alice.token, "/api/audit-log?action=login_rate_limited").await.ok();
    assert!(log["logs"].as_array().unwrap().iter().all(|row| row["ip"] == "198.51.100.7"), "{log:#}");
    // Somebody else who writes that header is no proxy.
    let headers = [("x-forwarded-for", "192.0.2.99"), ("content-type", "application/json")];
    let body = json!({ "username": "alice", "password": "x".repeat(200) }).to_string();
    ask(&hub, ELSEWHERE, ("POST", "/api/auth/login"), &headers, body).await.refused(401, "invalid_credentials");
    log_in_from(&hub, ELSEWHERE, "alice", PASSWORD).await.refused(429, "rate_limited");
}

/// Attack 7 (hub-limits §3).
#[tokio::test]
async fn whoever_comes_from_elsewhere_is_not_let_in_without_login() {
    let hub = TestHub::open_with(|settings| settings.access = Access::SingleUser).await;
    let me = ("GET", "/api/auth/me");
    ask(&hub, ELSEWHERE, me, &[], "").await.refused(401, "auth_required");
    for forged in FORGED {
        ask(&hub, ELSEWHERE, me, &[forged], "").await.refused(401, "auth_required");
    }
    ask(&hub, ELSEWHERE, me, &FORGED, "").await.refused(401, "auth_required");
    // A proxy on this machine, trusted or not, passes strangers on.
    for passed_on in
        [("x-forwarded-for", "203.0.113.9"), ("x-real-ip", "203.0.113.9"), ("forwarded", "for=203.0.113.9")]
    {
        ask(&hub, HERE, me, &[passed_on], "").await.refused(401, "auth_required");
    }
    assert_eq!(accounts(&hub).await, 0, "and no account was made for them");
    ask(&hub, HERE, me, &[], "").await.ok();
}

/// Attack 8 (hub-limits §3).
#[tokio::test]
async fn a_path_has_the_methods_that_are_written_down_and_no_others() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    let authorization = bearer(&alice.token);
    let document = serde_json::to_value(openapi()).unwrap();
    let paths = document["paths"].as_object().unwrap();
    assert!(paths.len() > 40, "{}", paths.len());
    for (path, operations) in paths {
        let path = path.replace(['{', '}'], "");
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "BREW"] {
            let documented = if method == "HEAD" { "get".to_owned() } else { method.to_lowercase() };
            if operations.get(&documented).is_none() {
                let headers = [("authorization", authorization.as_str()), ("x-secret", "echo")];
                let reply = ask(&hub, HERE, (method, &path), &headers, "").await;
                assert_eq!(reply.status, 405, "{method} {path}");
                assert!(!reply.body.to_string().contains("echo"), "TRACE shows nothing: {method} {path}");
            }
        }
    }
}

/// Attack 8 (hub-limits §3).
#[tokio::test]
async fn no_header_or_parameter_stands_in_for_the_method() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    hub.node(&alice, "counter").await;
    let authorization = bearer(&alice.token);
    for name in ["x-http-method-override", "x-http-method", "x-method-override"] {
        let headers = [("authorization", authorization.as_str()), (name, "DELETE")];
        for method in ["GET", "POST"] {
            for path in ["/api/nodes/counter", "/api/nodes/counter?_method=DELETE"] {
                ask(&hub, HERE, (method, path), &headers, "").await.refused(405, "method_not_allowed");
            }
        }
        ask(&hub, HERE, ("GET", "/api/auth/tokens"), &headers, "").await.ok();
    }
    assert_eq!(hub.get(&alice.token, "/api/nodes").await.ok()["count"], 1);
    post_from(&hub, HERE, &alice.token, "/api/task", json!({ "alias": "counter", "task": "x" })).await.ok();
}
