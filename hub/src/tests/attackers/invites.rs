//! Invite codes: guessed, raced for, used again, used too late.

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::tools::{ELSEWHERE, HERE, post_from};
use crate::store::tests::set_role;
use crate::tests::kit::{PASSWORD, Person, Reply, TestHub};

async fn invite(hub: &TestHub, by: &Person, body: Value) -> String {
    let made = hub.post(&by.token, &format!("/api/networks/{}/invite", by.network_id), body).await.ok();
    made["invite_code"].as_str().unwrap().to_owned()
}

async fn hub_invite(hub: &TestHub, admin: &Person, body: Value) -> String {
    let made = hub.post(&admin.token, "/api/admin/invites", body).await.ok();
    made["invite_code"].as_str().unwrap().to_owned()
}

async fn join(hub: &TestHub, person: &Person, code: &str) -> Reply {
    hub.post(&person.token, "/api/networks/join", json!({ "invite_code": code })).await
}

async fn register(hub: &TestHub, username: &str, code: &str) -> Reply {
    let body = json!({ "username": username, "password": PASSWORD, "invite_code": code });
    hub.post("", "/api/auth/register", body).await
}

async fn members(hub: &TestHub, of: &Person) -> usize {
    let list = hub.get(&of.token, &format!("/api/networks/{}/members", of.network_id)).await.ok();
    list["members"].as_array().unwrap().len()
}

/// Attack 20 (hub-limits §3).
#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_who_race_for_an_invite_to_the_hub_one_gets_in() {
    let hub = TestHub::open().await;
    let admin = hub.person("admin").await;
    let code = hub_invite(&hub, &admin, json!({})).await;
    let names: Vec<String> = (0..50).map(|number| format!("user{number}")).collect();
    let replies = join_all(names.iter().map(|name| register(&hub, name, &code))).await;
    let (made, refused): (Vec<_>, Vec<_>) = replies.into_iter().partition(|reply| reply.status == 200);
    assert_eq!((made.len(), refused.len()), (1, 49));
    for reply in refused {
        reply.refused(400, "invalid_invite");
    }
    let users = hub.get(&admin.token, "/api/users").await.ok();
    assert_eq!(users["users"].as_array().unwrap().len(), 2);
}

/// Attack 20 (hub-limits §3).
#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_attempts_at_an_invite_for_three_three_succeed() {
    let hub = TestHub::open().await;
    let owner = hub.person("owner").await;
    let names: Vec<String> = (0..10).map(|number| format!("user{number}")).collect();
    let people = join_all(names.iter().map(|name| hub.person(name))).await;
    let code = invite(&hub, &owner, json!({ "max_uses": 3 })).await;
    let attempts = (0..50).map(|number| join(&hub, &people[number % people.len()], &code));
    let joined = join_all(attempts).await.into_iter().filter(|reply| reply.status == 200).count();
    assert_eq!((joined, members(&hub, &owner).await), (3, 4));
}

/// Attack 20 (hub-limits §3).
#[tokio::test]
async fn a_code_that_is_no_good_is_refused_and_told_apart_from_none_only_by_who_has_it() {
    let hub = TestHub::open().await;
    let admin = hub.person("admin").await;
    let (owner, maker, guest) = (hub.person("owner").await, hub.person("maker").await, hub.person("guest").await);
    set_role(&hub, &owner.network_id, "maker", "admin").await;
    let by_maker = Person { network_id: owner.network_id.clone(), ..maker.clone() };

    let used = invite(&hub, &owner, json!({})).await;
    join(&hub, &maker, &used).await.refused(400, "already_member");
    join(&hub, &guest, &used).await.ok();
    assert_eq!(join(&hub, &admin, &used).await.refused(400, "invalid_invite")["error"], "invite code fully used");

    let expired = invite(&hub, &owner, json!({ "expires_days": 1 })).await;
    let hub_expired = hub_invite(&hub, &admin, json!({ "expires_days": 1 })).await;
    hub.clock.advance(24 * 3600);
    assert_eq!(join(&hub, &admin, &expired).await.refused(400, "invalid_invite")["error"], "invite code expired");
    register(&hub, "late", &hub_expired).await.refused(400, "invalid_invite");

    let revoked = invite(&hub, &owner, json!({ "max_uses": -1 })).await;
    let list = hub.get(&owner.token, &format!("/api/networks/{}/invites", owner.network_id)).await.ok();
    let id = list["invites"].as_array().unwrap().iter().find(|row| row["max_uses"] == -1).unwrap()["invite_id"].clone();
    hub.delete(&owner.token, &format!("/api/networks/{}/invites/{}", owner.network_id, id.as_str().unwrap()))
        .await
        .ok();

    let orphan = invite(&hub, &by_maker, json!({ "max_uses": -1 })).await;
    let demoted = invite(&hub, &by_maker, json!({ "max_uses": -1 })).await;
    set_role(&hub, &owner.network_id, "maker", "member").await;
    let unknown = join(&hub, &admin, "inv_0123456789abcdef0123456789abcdef").await.refused(400, "invalid_invite");
    assert_eq!(join(&hub, &admin, &demoted).await.refused(400, "invalid_invite"), unknown, "its maker may not invite");
    set_role(&hub, &owner.network_id, "maker", "admin").await;
    let path = format!("/api/networks/{}/leave", owner.network_id);
    hub.post(&maker.token, &path, json!({})).await.ok();
    let deleted = {
        let body = json!({ "name": "second" });
        let made = hub.post(&owner.token, "/api/networks", body).await.ok();
        let second = Person { network_id: made["network_id"].as_str().unwrap().to_owned(), ..owner.clone() };
        let code = invite(&hub, &second, json!({})).await;
        hub.delete(&owner.token, &format!("/api/networks/{}", second.network_id)).await.ok();
        code
    };
    let to_hub = hub_invite(&hub, &admin, json!({ "role": "admin" })).await;
    let to_network = invite(&hub, &owner, json!({})).await;
    for code in [&revoked, &orphan, &deleted, &to_hub, &admin.token, &String::new(), &"x".repeat(100_000)] {
        assert_eq!(join(&hub, &admin, code).await.refused(400, "invalid_invite"), unknown, "{code:.9}");
    }
    for code in [&revoked, &orphan, &deleted, &to_network, &used, &admin.token, &String::new()] {
        register(&hub, "newcomer", code).await.refused(400, "invalid_invite");
    }
    assert_eq!(members(&hub, &owner).await, 2, "the owner and the guest");
}

/// Attack 20 (hub-limits §3): who invited into the hub and no longer looks after it.
#[tokio::test]
async fn an_invite_of_a_former_administrator_is_void() {
    let hub = TestHub::open().await;
    let admin = hub.person("admin").await;
    let second = hub.post("", "/api/auth/register", json!({ "username": "second", "password": PASSWORD })).await.ok();
    let role = format!("/api/admin/users/{}/role", second["user"]["user_id"].as_str().unwrap());
    let change = async |role_name: &str| {
        let request = TestHub::request("PUT", &role, &admin.token).header("content-type", "application/json");
        let body = json!({ "role": role_name }).to_string();
        hub.send(request.body(axum::body::Body::from(body)).unwrap()).await.ok();
    };
    change("admin").await;
    let by = Person {
        token: second["token"].as_str().unwrap().to_owned(),
        network_token: String::new(),
        network_id: String::new(),
    };
    let code = hub_invite(&hub, &by, json!({ "role": "admin" })).await;
    change("user").await;
    register(&hub, "friend", &code).await.refused(400, "invalid_invite");
    assert_eq!(hub.get(&admin.token, "/api/users").await.ok()["users"].as_array().unwrap().len(), 2);
}

/// Attack 20 (hub-limits §3).
#[tokio::test]
async fn codes_are_guessed_thirty_times_a_minute_and_every_guess_is_written_down_without_the_code() {
    let hub = TestHub::open_with(|settings| {
        settings.limits.invite = 30;
        settings.limits.register = 30;
    })
    .await;
    let person = hub.person("guest").await;
    let guess = "inv_0123456789abcdef0123456789abcdef";
    for _ in 0..30 {
        let body = json!({ "invite_code": guess });
        post_from(&hub, ELSEWHERE, &person.token, "/api/networks/join", body).await.refused(400, "invalid_invite");
        let body = json!({ "username": "friend", "password": PASSWORD, "invite_code": guess });
        post_from(&hub, ELSEWHERE, "", "/api/auth/register", body).await.refused(400, "invalid_invite");
    }
    for (token, path, body) in [
        (person.token.as_str(), "/api/networks/join", json!({ "invite_code": guess })),
        ("", "/api/auth/register", json!({ "username": "friend", "password": PASSWORD, "invite_code": guess })),
    ] {
        let reply = post_from(&hub, ELSEWHERE, token, path, body).await;
        assert!(reply.headers.contains_key("retry-after"));
        reply.refused(429, "rate_limited");
    }
    let log = hub.get(&person.token, "/api/audit-log?action=invite_refused&limit=200").await.ok();
    assert_eq!(log["count"], 60);
    assert!(!log.to_string().contains(guess));
    post_from(&hub, HERE, &person.token, "/api/networks/join", json!({ "invite_code": guess }))
        .await
        .refused(400, "invalid_invite");
}
