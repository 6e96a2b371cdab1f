//! Who becomes the first, and who becomes anybody at all.

use std::os::unix::fs::PermissionsExt as _;

use anet_protocol::rest::RegistrationPolicy;
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::tools::{ELSEWHERE, HERE, log_in_from, post_from};
use crate::HubError;
use crate::tests::kit::{PASSWORD, Reply, TestHub};

async fn register(hub: &TestHub, from: &str, number: usize, more: Value) -> Reply {
    let mut body = json!({ "username": format!("user{number}"), "password": PASSWORD });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    post_from(hub, from, "", "/api/auth/register", body).await
}

async fn ranks(hub: &TestHub) -> Vec<&'static str> {
    let users = hub.hub.read().await.unwrap().users().await.unwrap();
    users.iter().map(|stored| stored.user.role.as_str()).collect()
}

/// Attack 13 (hub-limits §3).
#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_who_are_first_on_a_closed_hub_one_gets_in() {
    let hub = TestHub::open_with(|settings| settings.registration = Some(RegistrationPolicy::Closed)).await;
    let replies = join_all((0..50).map(|number| register(&hub, HERE, number, json!({})))).await;
    let (made, refused): (Vec<_>, Vec<_>) = replies.into_iter().partition(|reply| reply.status == 200);
    assert_eq!((made.len(), refused.len()), (1, 49));
    for reply in refused {
        reply.refused(403, "registration_closed");
    }
    assert_eq!(ranks(&hub).await, ["admin"]);
}

/// Attacks 13 and 14 (hub-limits §3).
#[tokio::test(flavor = "multi_thread")]
async fn the_first_account_of_a_hub_that_others_reach_takes_the_code_in_its_file() {
    let hub = TestHub::open_with(|settings| settings.is_loopback = false).await;
    let file = hub.directory.path().join("hub/setup-code");
    let code = std::fs::read_to_string(&file).unwrap();
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    for wrong in [
        json!({}),
        json!({ "setup_code": "" }),
        json!({ "setup_code": "inv_0123456789abcdef0123456789abcdef" }),
        json!({ "setup_code": code.trim().to_lowercase() }),
        json!({ "setup_code": &code[..code.len() - 2] }),
        json!({ "invite_code": code.trim() }),
        json!({ "setup_code": null, "allow_weak": true }),
    ] {
        register(&hub, ELSEWHERE, 0, wrong).await.refused(403, "invite_required");
    }
    assert!(ranks(&hub).await.is_empty());
    let replies = join_all((0..8).map(|number| register(&hub, ELSEWHERE, number, json!({ "setup_code": code })))).await;
    assert_eq!(replies.iter().filter(|reply| reply.status == 200).count(), 1);
    assert_eq!(ranks(&hub).await, ["admin"]);
    assert!(!file.exists(), "a used code is void");
    register(&hub, ELSEWHERE, 99, json!({ "setup_code": code })).await.refused(403, "invite_required");
    let hub = hub.restart().await;
    assert!(!file.exists());
    register(&hub, ELSEWHERE, 99, json!({ "setup_code": code })).await.refused(403, "invite_required");
}

/// Attack 14 (hub-limits §3).
#[tokio::test]
async fn no_hub_has_an_account_that_nobody_made() {
    for is_loopback in [true, false] {
        let hub = TestHub::open_with(|settings| settings.is_loopback = is_loopback).await;
        assert!(ranks(&hub).await.is_empty());
        for (username, password) in
            [("admin", "anethub"), ("admin", "admin"), ("root", ""), ("local", "local"), ("", "")]
        {
            for from in [HERE, ELSEWHERE] {
                log_in_from(&hub, from, username, password).await.refused(401, "invalid_credentials");
            }
        }
        for token in ["", "admin", "dev", "anethub"] {
            assert_eq!(post_from(&hub, HERE, token, "/api/networks", json!({ "name": "x" })).await.status, 401);
        }
    }
}

/// Attack 14 (hub-limits §3).
#[tokio::test]
async fn a_weak_password_is_for_the_first_account_of_this_machine_alone() {
    let weak = |name: &str| json!({ "username": name, "password": "anethub", "allow_weak": true });
    let hub = TestHub::open().await;
    let forwarded = post_from(&hub, ELSEWHERE, "", "/api/auth/register", weak("admin")).await;
    forwarded.refused(400, "weak_password");
    let made = post_from(&hub, HERE, "", "/api/auth/register", weak("admin")).await.ok();
    assert_eq!(made["user"]["must_change_password"], true);
    post_from(&hub, HERE, "", "/api/auth/register", weak("second")).await.refused(400, "weak_password");
    // And that hub does not open its doors to others before the password is changed.
    let exposed = hub.try_restart_with(|settings| settings.is_loopback = false).await;
    assert!(matches!(exposed, Err(HubError::Exposed { .. })));
}
