//! Cookies and tickets: forged, doubled, replayed, carried off.

use serde_json::json;

use super::tools::{HERE, ask};
use crate::tests::kit::{PASSWORD, Reply, TestHub};

/// A proxy that speaks TLS.
const PROXY: &str = "10.0.0.1";
const TLS: [(&str, &str); 3] =
    [("x-forwarded-proto", "https"), ("x-forwarded-for", "198.51.100.7"), ("host", "localhost")];

async fn behind_tls() -> TestHub {
    TestHub::open_with(|settings| settings.trusted_proxies = vec!["10.0.0.1/32".parse().unwrap()]).await
}

/// The name and value of each cookie that an answer sets.
fn cookies(reply: &Reply) -> Vec<(String, String)> {
    let pair = |line: &str| line.split(';').next().unwrap().split_once('=').map(|(a, b)| (a.to_owned(), b.to_owned()));
    reply.headers.get_all("set-cookie").iter().map(|value| pair(value.to_str().unwrap()).unwrap()).collect()
}

async fn start(hub: &TestHub, from: &str, more: &[(&str, &str)]) -> Reply {
    let headers = [more, &[("content-type", "application/json")]].concat();
    let body = json!({ "username": "alice", "password": PASSWORD }).to_string();
    ask(hub, from, ("POST", "/api/auth/session"), &headers, body).await
}

async fn me(hub: &TestHub, from: &str, more: &[(&str, &str)], cookie: &str) -> Reply {
    ask(hub, from, ("GET", "/api/auth/me"), &[more, &[("cookie", cookie)]].concat(), "").await
}

async fn refresh(hub: &TestHub, cookie: &str) -> Reply {
    ask(hub, HERE, ("POST", "/api/auth/refresh"), &[("cookie", cookie)], "").await
}

/// Attack 3 (hub-limits §3).
#[tokio::test]
async fn cookies_are_out_of_reach_of_scripts_other_sites_and_plain_text() {
    let hub = behind_tls().await;
    hub.person("alice").await;
    for (from, headers, names) in [
        (PROXY, &TLS[..], ["__Host-anet_access", "__Secure-anet_refresh"]),
        (HERE, &[], ["anet_access", "anet_refresh"]),
    ] {
        let reply = start(&hub, from, headers).await;
        let lines: Vec<_> = reply.headers.get_all("set-cookie").iter().map(|line| line.to_str().unwrap()).collect();
        for ((line, name), path) in lines.iter().zip(names).zip(["/", "/api/auth/refresh"]) {
            let attributes: Vec<_> = line.split("; ").collect();
            assert!(attributes[0].starts_with(&format!("{name}=")), "{line}");
            assert!(attributes.contains(&"HttpOnly") && attributes.contains(&"SameSite=Strict"), "{line}");
            assert!(attributes.contains(&&*format!("Path={path}")), "{line}");
            assert_eq!(attributes.contains(&"Secure"), from == PROXY, "{line}");
            assert!(!line.contains("Domain"), "{line}");
        }
        assert_eq!(reply.headers.contains_key("strict-transport-security"), from == PROXY);
        // A page's script gets no token to carry off.
        let with_origin =
            [headers, &[("origin", if from == PROXY { "https://localhost" } else { "http://localhost" })]];
        let of_page = start(&hub, from, &with_origin.concat()).await.ok();
        assert_eq!(of_page.get("accessToken"), None);
    }
}

/// Attack 3 (hub-limits §3): whoever can write cookies in plain text cannot get one into a session over TLS.
#[tokio::test]
async fn a_planted_cookie_is_not_taken() {
    let hub = behind_tls().await;
    hub.person("alice").await;
    let secure = cookies(&start(&hub, PROXY, &TLS).await);
    let plain = cookies(&start(&hub, HERE, &[]).await);
    let pair = |(name, value): &(String, String)| format!("{name}={value}");
    me(&hub, PROXY, &TLS, &pair(&secure[0])).await.ok();
    me(&hub, HERE, &[], &pair(&plain[0])).await.ok();
    me(&hub, PROXY, &TLS, &pair(&plain[0])).await.refused(401, "auth_required");
    me(&hub, HERE, &[], &pair(&secure[0])).await.refused(401, "auth_required");
    // Two of one name, in one header and in two, equal or not.
    for second in [pair(&plain[0]), "anet_access=x".to_owned()] {
        let both = format!("{}; {second}", pair(&plain[0]));
        me(&hub, HERE, &[], &both).await.refused(401, "auth_required");
        me(&hub, HERE, &[("cookie", &second)], &pair(&plain[0])).await.refused(401, "auth_required");
    }
    let two = format!("{}; anet_refresh=x", pair(&plain[1]));
    refresh(&hub, &two).await.refused(401, "session_expired");
    refresh(&hub, &pair(&plain[1])).await.ok();
}

/// Attack 16 (hub-limits §3).
#[tokio::test]
async fn a_forged_cookie_is_no_session() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    let granted = cookies(&start(&hub, HERE, &[]).await);
    let (access, renewing) = (&granted[0].1, &granted[1].1);
    let mut changed = access.clone();
    changed.replace_range(10..11, if &access[10..11] == "A" { "B" } else { "A" });
    for forged in [
        &changed,
        renewing,
        &access.replacen("utok_", "ntok_", 1),
        &format!("{access}x"),
        &format!("\"{access}\""),
        &String::new(),
        &"utok_0123456789abcdef0123456789abcdef".to_owned(),
    ] {
        me(&hub, HERE, &[], &format!("anet_access={forged}")).await.refused(401, "invalid_token");
    }
    for forged in [access, &alice.token, &renewing.replacen("rtok_", "utok_", 1), &String::new(), &"x".repeat(9000)] {
        refresh(&hub, &format!("anet_refresh={forged}")).await.refused(401, "session_expired");
    }
    let bearer = format!("Bearer {renewing}");
    let headers = [("authorization", bearer.as_str())];
    ask(&hub, HERE, ("GET", "/api/auth/me"), &headers, "").await.refused(401, "invalid_token");
    me(&hub, HERE, &[], &format!("anet_access={access}")).await.ok();
}

/// Attack 17 (hub-limits §3): the thief renews, then the owner, or the other way round.
#[tokio::test]
async fn a_refresh_token_that_is_used_twice_ends_the_session_and_is_written_down() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    let first = cookies(&start(&hub, HERE, &[]).await);
    let mut stream = {
        let access = format!("anet_access={}", first[0].1);
        let headers = [("cookie", access.as_str()), ("origin", "http://localhost")];
        let ticket = ask(&hub, HERE, ("POST", "/api/auth/ticket"), &headers, "").await.ok();
        let ticket = ticket["ticket"].as_str().unwrap();
        hub.listen("", &format!("/events/alice?ticket={ticket}"), None).await
    };
    let renewed = refresh(&hub, &format!("anet_refresh={}", first[1].1)).await;
    let second = cookies(&renewed);
    renewed.ok();
    me(&hub, HERE, &[], &format!("anet_access={}", first[0].1)).await.refused(401, "invalid_token");
    me(&hub, HERE, &[], &format!("anet_access={}", second[0].1)).await.ok();
    let replayed = refresh(&hub, &format!("anet_refresh={}", first[1].1)).await;
    assert!(cookies(&replayed).iter().all(|(_, value)| value.is_empty()), "the cookies are taken away");
    replayed.refused(401, "session_expired");
    assert_eq!(stream.next_type().await, "end");
    me(&hub, HERE, &[], &format!("anet_access={}", second[0].1)).await.refused(401, "invalid_token");
    refresh(&hub, &format!("anet_refresh={}", second[1].1)).await.refused(401, "session_expired");
    let log = hub.get(&alice.token, "/api/audit-log?action=refresh_token_reused").await.ok();
    assert_eq!((&log["count"], &log["logs"][0]["detail"]), (&json!(1), &json!("the session was ended")));
    hub.get(&alice.token, "/api/auth/me").await.ok();
}

/// Attack 15 (hub-limits §3).
#[tokio::test]
async fn a_ticket_opens_one_stream_for_half_a_minute_and_nothing_else() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    let ticket = async || {
        let made = hub.post(&alice.token, "/api/auth/ticket", json!({})).await.ok();
        made["ticket"].as_str().unwrap().to_owned()
    };
    let used = ticket().await;
    let path = format!("/events/alice?ticket={used}");
    drop(hub.listen("", &path, None).await);
    hub.get("", &path).await.refused(401, "invalid_token");
    let late = ticket().await;
    hub.clock.advance(30);
    hub.get("", &format!("/events/alice?ticket={late}")).await.refused(401, "invalid_token");
    let elsewhere = ticket().await;
    for path in ["/api/auth/me", "/api/tasks", "/api/audit-log"] {
        hub.get("", &format!("{path}?ticket={elsewhere}")).await.refused(401, "auth_required");
    }
    hub.get(&elsewhere, "/api/auth/me").await.refused(401, "invalid_token");
    hub.get("", &format!("/events/alice?token={elsewhere}")).await.refused(401, "auth_required");
    let orphan = ticket().await;
    hub.post(&alice.token, "/api/auth/logout", json!({})).await.ok();
    hub.get("", &format!("/events/alice?ticket={orphan}")).await.refused(401, "invalid_token");
}
