use axum::body::Body;
use axum::http::header;
use serde_json::{Value, json};

use super::kit::{PASSWORD, Reply, TestHub};

const DAY: i64 = 24 * 3600;

async fn login(hub: &TestHub, label: &str) -> String {
    let body = json!({ "username": "alice", "password": PASSWORD, "client_label": label });
    hub.post("", "/api/auth/login", body).await.ok()["token"].as_str().unwrap().to_owned()
}

/// What a browser keeps: name and value of each cookie that was set last.
#[derive(Clone, Default)]
struct Jar(Vec<(String, String)>);

impl Jar {
    fn take(&mut self, reply: &Reply) {
        for value in reply.headers.get_all(header::SET_COOKIE) {
            let text = value.to_str().unwrap();
            assert!(text.contains("HttpOnly") && text.contains("SameSite=Strict"), "{text}");
            let (name, value) = text.split(';').next().unwrap().split_once('=').unwrap();
            self.0.retain(|(known, _)| known != name);
            if !text.contains("Max-Age=0") {
                self.0.push((name.to_owned(), value.to_owned()));
            }
        }
    }

    fn header(&self) -> String {
        self.0.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }
}

/// A call as a page of the hub's own makes it.
async fn page(hub: &TestHub, jar: &Jar, method: &str, path: &str, body: &Value) -> Reply {
    let request = TestHub::request(method, path, "")
        .header("cookie", jar.header())
        .header("origin", "http://localhost")
        .header("sec-fetch-site", "same-origin")
        .header("content-type", "application/json");
    hub.send(request.body(Body::from(body.to_string())).unwrap()).await
}

async fn browser(hub: &TestHub) -> Jar {
    let body = json!({ "username": "alice", "password": PASSWORD, "client_label": "browser" });
    let reply = page(hub, &Jar::default(), "POST", "/api/auth/session", &body).await;
    let mut jar = Jar::default();
    jar.take(&reply);
    let body = reply.ok();
    assert_eq!((&body["user"]["username"], &body["expires_in"]), (&json!("alice"), &json!(900)));
    assert_eq!(body.get("accessToken"), None, "no script gets it");
    jar
}

#[tokio::test]
async fn logins_are_listed_with_device_and_last_use_and_end_one_by_one() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    let laptop = login(&hub, "laptop").await;
    hub.clock.advance(120);
    hub.get(&laptop, "/api/auth/me").await.ok();
    hub.hub.save_uses().await.unwrap();
    let list = hub.get(&alice.token, "/api/auth/sessions").await.ok();
    let sessions = list["sessions"].as_array().unwrap();
    assert_eq!((sessions.len(), list["idle_timeout_days"].clone()), (2, json!(7)));
    let row = sessions.iter().find(|row| row["client_label"] == "laptop").unwrap();
    assert_eq!((&row["is_current"], &row["kind"]), (&json!(false), &json!("cli")));
    assert_ne!(row["last_used_at"], row["created_at"]);
    let path = format!("/api/auth/sessions/{}", row["token_id"].as_str().unwrap());
    assert_eq!(hub.delete(&alice.token, &path).await.ok()["was_current"], false);
    hub.get(&laptop, "/api/auth/me").await.refused(401, "invalid_token");
    hub.delete(&alice.token, &path).await.refused(404, "session_not_found");
    let (one, two) = (login(&hub, "one").await, login(&hub, "two").await);
    let ended = hub.act(&one, "/api/auth/sessions/revoke-others").await.ok();
    assert_eq!(ended["revoked"], 2);
    hub.get(&two, "/api/auth/me").await.refused(401, "invalid_token");
    hub.delete(&one, "/api/auth/sessions").await.ok();
    hub.get(&one, "/api/auth/me").await.refused(401, "invalid_token");
}

/// D-22: logging out revokes at the hub, and is written down.
#[tokio::test]
async fn a_logout_ends_the_login_that_is_shown_and_no_other() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    let laptop = login(&hub, "laptop").await;
    hub.act(&laptop, "/api/auth/logout").await.ok();
    hub.get(&laptop, "/api/auth/me").await.refused(401, "invalid_token");
    let actions: Vec<Value> = hub.audit(&alice).await.iter().map(|row| row["action"].clone()).collect();
    assert!(actions.contains(&json!("logout")), "{actions:?}");
}

/// R11
#[tokio::test]
async fn a_login_ends_when_it_is_not_used_for_a_week_and_after_thirty_days_at_the_latest() {
    let hub = TestHub::open().await;
    hub.person("alice").await;
    let (idle, busy) = (login(&hub, "idle").await, login(&hub, "busy").await);
    for _ in 0..6 {
        hub.clock.advance(6 * DAY / 6 + DAY / 6);
        hub.get(&busy, "/api/auth/me").await.ok();
        hub.hub.save_uses().await.unwrap();
    }
    let expired = hub.get(&idle, "/api/auth/me").await;
    assert_eq!(expired.headers["www-authenticate"], "Bearer error=\"invalid_token\"");
    expired.refused(401, "token_expired");
    for _ in 0..6 {
        hub.clock.advance(3 * DAY);
        hub.get(&busy, "/api/auth/me").await.ok();
        hub.hub.save_uses().await.unwrap();
    }
    hub.clock.advance(5 * DAY);
    hub.get(&busy, "/api/auth/me").await.refused(401, "token_expired");
    crate::work::sweep::tidy(&hub.hub).await.unwrap();
}

#[tokio::test]
async fn a_browser_session_is_renewed_and_its_old_cookies_are_dead() {
    let hub = TestHub::open().await;
    hub.person("alice").await;
    let mut jar = browser(&hub).await;
    page(&hub, &jar, "GET", "/api/auth/me", &json!({})).await.ok();
    hub.clock.advance(16 * 60);
    page(&hub, &jar, "GET", "/api/auth/me", &json!({})).await.refused(401, "token_expired");
    let old = jar.clone();
    let reply = page(&hub, &jar, "POST", "/api/auth/refresh", &json!({})).await;
    jar.take(&reply);
    reply.ok();
    page(&hub, &jar, "GET", "/api/auth/me", &json!({})).await.ok();
    page(&hub, &old, "GET", "/api/auth/me", &json!({})).await.refused(401, "invalid_token");
    let body = json!({ "display_name": "Alice" });
    page(&hub, &jar, "PUT", "/api/auth/me", &body).await.ok();
    let reply = page(&hub, &jar, "POST", "/api/auth/logout", &json!({})).await;
    jar.take(&reply);
    reply.ok();
    assert!(jar.0.is_empty(), "the cookies are taken away");
}

#[tokio::test]
async fn a_program_without_cookies_gets_the_access_token_and_a_page_does_not() {
    let hub = TestHub::open().await;
    hub.person("alice").await;
    let body = json!({ "username": "alice", "password": PASSWORD });
    let granted = hub.post("", "/api/auth/session", body).await.ok();
    let access = granted["accessToken"].as_str().unwrap();
    hub.get(access, "/api/auth/me").await.ok();
    hub.clock.advance(16 * 60);
    hub.get(access, "/api/auth/me").await.refused(401, "token_expired");
}

#[tokio::test]
async fn a_session_that_is_not_renewed_for_a_week_is_over() {
    let hub = TestHub::open().await;
    hub.person("alice").await;
    let jar = browser(&hub).await;
    hub.clock.advance(7 * DAY + 1);
    page(&hub, &jar, "POST", "/api/auth/refresh", &json!({})).await.refused(401, "session_expired");
}

#[tokio::test]
async fn another_session_secret_ends_every_browser_session_and_no_other_login() {
    let hub =
        TestHub::open_with(|settings| settings.session_secret = Some("one secret of a hub".to_owned().into())).await;
    let alice = hub.person("alice").await;
    let jar = browser(&hub).await;
    page(&hub, &jar, "GET", "/api/auth/me", &json!({})).await.ok();
    let hub = hub.restart_with(|settings| settings.session_secret = Some("another secret".to_owned().into())).await;
    page(&hub, &jar, "GET", "/api/auth/me", &json!({})).await.refused(401, "invalid_token");
    page(&hub, &jar, "POST", "/api/auth/refresh", &json!({})).await.refused(401, "session_expired");
    hub.get(&alice.token, "/api/auth/me").await.ok();
}

#[tokio::test]
async fn a_ticket_opens_one_stream_within_half_a_minute() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    let ticket = || async {
        let body = hub.act(&alice.token, "/api/auth/ticket").await.ok();
        assert_eq!(body["expires_in"], 30);
        body["ticket"].as_str().unwrap().to_owned()
    };
    let path = |ticket: &str| format!("/events/alice?ticket={ticket}");
    let first = ticket().await;
    drop(hub.listen("", &path(&first), None).await);
    hub.get("", &path(&first)).await.refused(401, "invalid_token");
    let second = ticket().await;
    hub.get("", &format!("/api/auth/me?ticket={second}")).await.refused(401, "auth_required");
    hub.clock.advance(30);
    hub.get("", &path(&second)).await.refused(401, "invalid_token");
}
