use anet_protocol::token::digest;
use serde_json::{Value, json};
use sqlx::Row as _;

use super::kit::{PASSWORD, Person, TestHub};
use crate::store::StoreError;

const NEW: &str = "an entirely different phrase";

async fn column(hub: &TestHub, query: &'static str) -> Vec<String> {
    hub.hub
        .write(async move |transaction| {
            let rows = sqlx::query(query).fetch_all(transaction.engine().await?).await.map_err(StoreError::from)?;
            Ok(rows.iter().map(|row| row.get::<String, _>(0)).collect())
        })
        .await
        .unwrap()
}

async fn change(hub: &TestHub, person: &Person, old: &str, new: &str) -> super::kit::Reply {
    hub.post(&person.token, "/api/auth/password", json!({ "old_password": old, "new_password": new })).await
}

async fn login(hub: &TestHub, name: &str, password: &str) -> super::kit::Reply {
    hub.post("", "/api/auth/login", json!({ "username": name, "password": password })).await
}

fn token(body: &Value) -> String {
    body["token"].as_str().unwrap().to_owned()
}

/// R9
#[tokio::test]
async fn two_people_with_one_password_have_two_hashes_of_argon2id() {
    let hub = TestHub::open().await;
    hub.person("alice").await;
    hub.person("bob").await;
    let hashes = column(&hub, "SELECT password_hash FROM users").await;
    assert_ne!(hashes[0], hashes[1]);
    assert!(hashes.iter().all(|hash| hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$")), "{hashes:?}");
}

#[tokio::test]
async fn a_hash_of_upstream_lets_its_owner_in_and_is_replaced() {
    let hub = TestHub::open().await;
    hub.person("alice").await;
    let old = digest(&format!("anet:{PASSWORD}"));
    hub.hub
        .write(async move |transaction| {
            sqlx::query("UPDATE users SET password_scheme = 1, password_hash = $1")
                .bind(old)
                .execute(transaction.engine().await?)
                .await
                .map_err(StoreError::from)?;
            Ok(())
        })
        .await
        .unwrap();
    login(&hub, "alice", "not this one at all").await.refused(401, "invalid_credentials");
    login(&hub, "alice", PASSWORD).await.ok();
    assert!(column(&hub, "SELECT password_hash FROM users").await[0].starts_with("$argon2id$"));
    login(&hub, "alice", PASSWORD).await.ok();
}

#[tokio::test]
async fn a_new_password_gives_this_device_a_fresh_token_and_ends_every_other_login() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    let run = hub.running(&alice, "counter").await;
    let other = token(&login(&hub, "alice", PASSWORD).await.ok());
    let unbound = hub.post(&alice.token, "/api/auth/tokens", json!({ "name": "ci" })).await.ok();
    let bound = json!({ "name": "ci", "network_id": alice.network_id });
    let bound = hub.post(&alice.token, "/api/auth/tokens", bound).await.ok();
    let changed = change(&hub, &alice, PASSWORD, NEW).await.ok();
    assert_eq!(changed["revoked"], 2, "the other login and the unbound key; the caller's is replaced");
    for dead in [&alice.token, &other, &token(&unbound)] {
        hub.get(dead, "/api/auth/me").await.refused(401, "invalid_token");
    }
    hub.get(&token(&changed), "/api/auth/me").await.ok();
    hub.get(&run.token, "/api/auth/me").await.ok();
    hub.get(&token(&bound), "/api/auth/me").await.ok();
    login(&hub, "alice", PASSWORD).await.refused(401, "invalid_credentials");
    login(&hub, "alice", NEW).await.ok();
}

#[tokio::test]
async fn a_wrong_old_password_and_a_weak_new_one_change_nothing() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    let wrong = change(&hub, &alice, "never was", NEW).await.refused(400, "incorrect_password");
    assert_eq!(wrong["error"], "incorrect current password");
    for (new, error) in [
        ("short", "new password must be at least 8 characters"),
        ("password1", "new password is too common"),
        ("alice1234", "new password is too common"),
        (PASSWORD, "new password is the old one"),
    ] {
        assert_eq!(change(&hub, &alice, PASSWORD, new).await.refused(400, "weak_password")["error"], error);
    }
    hub.get(&alice.token, "/api/auth/me").await.ok();
    login(&hub, "alice", PASSWORD).await.ok();
}

#[tokio::test]
async fn a_recovery_key_sets_a_new_password_once_and_ends_all_logins() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    let make =
        async |password: &str| hub.post(&alice.token, "/api/auth/recovery-key", json!({ "password": password })).await;
    make("not my password").await.refused(400, "incorrect_password");
    let first = make(PASSWORD).await.ok();
    let key = make(PASSWORD).await.ok();
    let key = key["recovery_key"].as_str().unwrap().to_owned();
    let recover =
        |name: &str, key: &str, new: &str| json!({ "username": name, "recovery_key": key, "new_password": new });
    let path = "/api/auth/recover";
    for (name, key) in [("alice", first["recovery_key"].as_str().unwrap()), ("nobody", key.as_str()), ("alice", "x")] {
        let refused = hub.post("", path, recover(name, key, NEW)).await.refused(401, "invalid_recovery_key");
        assert_eq!(refused["error"], "invalid username or recovery key");
    }
    hub.get(&alice.token, "/api/auth/me").await.ok();
    let recovered = hub.post("", path, recover("Alice", &key, NEW)).await.ok();
    hub.get(&token(&recovered), "/api/auth/me").await.ok();
    hub.get(&alice.token, "/api/auth/me").await.refused(401, "invalid_token");
    login(&hub, "alice", NEW).await.ok();
    hub.post("", path, recover("alice", &key, PASSWORD)).await.refused(401, "invalid_recovery_key");
    let stored = column(&hub, "SELECT COALESCE(recovery_digest, '') FROM users").await;
    assert_eq!(stored, [""], "used up");
}
