use std::os::unix::fs::PermissionsExt as _;

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::kit::{PASSWORD, TestHub};
use crate::{HubError, RateLimits};

fn body(name: &str) -> Value {
    json!({ "username": name, "password": PASSWORD })
}

/// D-26
#[tokio::test]
async fn names_that_differ_in_case_are_one_name() {
    let hub = TestHub::open().await;
    hub.person("Alice").await;
    for twin in ["alice", "ALICE", "aLiCe"] {
        hub.post("", "/api/auth/register", body(twin)).await.refused(400, "username_taken");
        let login = json!({ "username": twin, "password": PASSWORD });
        assert_eq!(hub.post("", "/api/auth/login", login).await.ok()["user"]["username"], "Alice");
    }
}

#[tokio::test]
async fn the_policy_is_open_on_loopback_by_invite_elsewhere_and_the_admins_to_change() {
    let hub = TestHub::open().await;
    let status = hub.get("", "/api/auth/status").await.ok();
    assert_eq!((&status["registration"], &status["setup_needed"]), (&json!("open"), &json!(true)));
    let admin = hub.person("admin").await;
    let bob = hub.person("bob").await;
    hub.get(&bob.token, "/api/admin/registration").await.refused(403, "admin_required");
    let closed = json!({ "policy": "closed" });
    hub.put(&bob.token, "/api/admin/registration", closed.clone()).await.refused(403, "admin_required");
    hub.put(&admin.token, "/api/admin/registration", closed).await.ok();
    hub.post("", "/api/auth/register", body("carol")).await.refused(403, "registration_closed");
    let hub = hub.restart().await;
    assert_eq!(hub.get("", "/api/auth/status").await.ok()["registration"], "closed", "over a restart");
}

#[tokio::test(flavor = "multi_thread")]
async fn beyond_loopback_the_first_account_shows_the_code_of_the_host_and_the_next_an_invite() {
    let hub = TestHub::open_with(|settings| settings.is_loopback = false).await;
    let status = hub.get("", "/api/auth/status").await.ok();
    assert_eq!((&status["registration"], &status["setup_code_needed"]), (&json!("invite"), &json!(true)));
    let file = hub.directory.path().join("hub/setup-code");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let code = std::fs::read_to_string(&file).unwrap();
    let with = |name: &str, code: &str| json!({ "username": name, "password": PASSWORD, "setup_code": code });
    for wrong in ["", "inv_0123456789ab", &code[..code.len() - 3]] {
        hub.post("", "/api/auth/register", with("mallory", wrong)).await.refused(403, "invite_required");
    }
    let names: Vec<Value> = (0..8).map(|number| with(&format!("first{number}"), &code)).collect();
    let replies = join_all(names.into_iter().map(|body| hub.post("", "/api/auth/register", body))).await;
    assert_eq!(replies.iter().filter(|reply| reply.status == 200).count(), 1, "the code makes one account");
    assert!(!file.exists(), "it is void");
    hub.post("", "/api/auth/register", with("late", &code)).await.refused(403, "invite_required");
}

#[tokio::test]
async fn a_weak_first_password_is_taken_on_loopback_alone_and_keeps_the_hub_there() {
    let hub = TestHub::open().await;
    let weak = json!({ "username": "admin", "password": "anethub" });
    hub.post("", "/api/auth/register", weak.clone()).await.refused(400, "weak_password");
    let mut allowed = weak.clone();
    allowed["allow_weak"] = json!(true);
    let made = hub.post("", "/api/auth/register", allowed.clone()).await.ok();
    assert_eq!(made["user"]["must_change_password"], true);
    allowed["username"] = json!("second");
    hub.post("", "/api/auth/register", allowed).await.refused(400, "weak_password");
    assert_eq!(hub.post("", "/api/auth/login", weak).await.ok()["user"]["must_change_password"], true);

    let Err(error) = hub.try_restart_with(|settings| settings.is_loopback = false).await else {
        panic!("a hub with a weak password can be reached by others")
    };
    assert!(matches!(&error, HubError::Exposed { reason, .. } if reason.contains("admin")), "{error}");
}

#[tokio::test]
async fn a_changed_password_lets_the_hub_be_reached() {
    let hub = TestHub::open().await;
    let body = json!({ "username": "admin", "password": "anethub", "allow_weak": true });
    let made = hub.post("", "/api/auth/register", body).await.ok();
    let change = json!({ "old_password": "anethub", "new_password": PASSWORD });
    hub.post(made["token"].as_str().unwrap(), "/api/auth/password", change).await.ok();
    let hub = hub.restart_with(|settings| settings.is_loopback = false).await;
    hub.get("", "/health").await.ok();
}

/// D-14
#[tokio::test]
async fn registering_and_logging_in_are_counted_apart() {
    let hub = TestHub::open_with(|settings| settings.limits = RateLimits { login: 2, ..RateLimits::default() }).await;
    hub.person("alice").await;
    let login = json!({ "username": "nobody", "password": "wrong password" });
    for _ in 0..2 {
        hub.post("", "/api/auth/login", login.clone()).await.refused(401, "invalid_credentials");
    }
    let limited = hub.post("", "/api/auth/login", login).await;
    assert_eq!(limited.headers["retry-after"], "30");
    assert_eq!(limited.refused(429, "rate_limited")["error"], "too many attempts, try again later");
    hub.person("bob").await;
}
