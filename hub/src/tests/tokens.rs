use serde_json::{Value, json};

use super::kit::TestHub;

async fn key(hub: &TestHub, token: &str, body: Value) -> Value {
    hub.post(token, "/api/auth/tokens", body).await.ok()
}

fn secret(body: &Value) -> &str {
    body["token"].as_str().unwrap()
}

/// R12
#[tokio::test]
async fn the_scope_of_a_key_bounds_what_it_does() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    hub.node(&alice, "counter").await;
    let send = json!({ "alias": "counter", "task": "x" });
    let mint = json!({ "network_id": alice.network_id, "node_name": "more" });
    let expected = [("full", 200, 200), ("agent", 200, 403), ("readonly", 403, 403)];
    for (scope, sends, mints) in expected {
        let key = key(&hub, &alice.token, json!({ "name": scope, "scope": scope })).await;
        assert_eq!(key["scope"], scope);
        hub.get(secret(&key), "/api/tasks").await.ok();
        assert_eq!(hub.post(secret(&key), "/api/task", send.clone()).await.status, sends, "{scope}");
        assert_eq!(hub.post(secret(&key), "/api/auth/node-token", mint.clone()).await.status, mints, "{scope}");
        // The account itself is out of reach of every key.
        hub.get(secret(&key), "/api/auth/tokens").await.refused(403, "user_token_required");
        hub.post(secret(&key), "/api/auth/tokens", json!({})).await.refused(403, "user_token_required");
    }
}

#[tokio::test]
async fn a_key_bound_to_a_network_reaches_no_other_and_ends_when_it_is_told_to() {
    let hub = TestHub::open().await;
    hub.person("admin").await;
    let alice = hub.person("alice").await;
    let other = hub.post(&alice.token, "/api/networks", json!({ "name": "other" })).await.ok();
    let body = json!({ "name": "ci", "network_id": alice.network_id, "expires_in": 3600 });
    let key = key(&hub, &alice.token, body).await;
    let listed = hub.get(secret(&key), "/api/networks").await.ok();
    assert_eq!(listed["networks"].as_array().unwrap().len(), 1);
    assert_eq!(listed["networks"][0]["member_role"], "owner", "D-29: the rank is told to bound tokens too");
    let path = format!("/api/networks/{}", other["network_id"].as_str().unwrap());
    hub.get(secret(&key), &path).await.refused(404, "network_not_found");
    hub.clock.advance(3600);
    hub.get(secret(&key), "/api/networks").await.refused(401, "token_expired");
}

#[tokio::test]
async fn a_use_is_listed_at_once_and_stays_listed_when_it_is_written_down() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    let key = key(&hub, &alice.token, json!({ "name": "ci" })).await;
    let last_use = async || {
        let list = hub.get(&alice.token, "/api/auth/tokens").await.ok();
        let rows = list["tokens"].as_array().unwrap().clone();
        rows.into_iter().find(|row| row["name"] == "ci").unwrap()["last_used_at"].clone()
    };
    assert_eq!(last_use().await, Value::Null);
    hub.get(secret(&key), "/api/tasks").await.ok();
    let first = last_use().await;
    assert_ne!(first, Value::Null, "it was used");
    hub.hub.save_uses().await.unwrap();
    assert_eq!(last_use().await, first);
    hub.clock.advance(120);
    hub.get(secret(&key), "/api/tasks").await.ok();
    assert_ne!(last_use().await, first, "a later use is newer than what is written down");
}

#[tokio::test]
async fn a_viewer_makes_a_key_that_reads_and_none_that_writes() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    let vera = hub.person("vera").await;
    hub.join(&alice, "vera", "viewer").await;
    let body = |scope: &str| json!({ "name": "v", "scope": scope, "network_id": alice.network_id });
    for scope in ["full", "agent"] {
        // D-29: a refusal is no success.
        let refused = hub.post(&vera.token, "/api/auth/tokens", body(scope)).await.refused(403, "permission_denied");
        assert_eq!(refused["error"], "viewer cannot create full-access network tokens");
    }
    let key = key(&hub, &vera.token, body("readonly")).await;
    hub.get(secret(&key), "/api/tasks").await.ok();
}

#[tokio::test]
async fn tokens_are_listed_without_their_secret_and_revoked_at_once() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    let bob = hub.person("bob").await;
    let key = key(&hub, &alice.token, json!({ "name": "ci" })).await;
    let list = hub.get(&alice.token, "/api/auth/tokens").await.ok();
    assert!(!list.to_string().contains(secret(&key)));
    let row = list["tokens"].as_array().unwrap().iter().find(|row| row["name"] == "ci").unwrap();
    assert_eq!((&row["kind"], &row["scope"]), (&json!("api"), &json!("full")));
    let path = format!("/api/auth/tokens/{}", row["token_id"].as_str().unwrap());
    let theirs = hub.delete(&bob.token, &path).await.refused(404, "token_not_found");
    assert_eq!(theirs["error"], "token not found");
    hub.delete(&alice.token, &path).await.ok();
    hub.get(secret(&key), "/api/auth/me").await.refused(401, "invalid_token");
}

#[tokio::test]
async fn revoking_all_leaves_the_login_that_asks_and_the_nodes() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    let run = hub.running(&alice, "counter").await;
    let key = key(&hub, &alice.token, json!({ "name": "ci" })).await;
    assert_eq!(hub.delete(&alice.token, "/api/auth/tokens").await.ok()["revoked"], 1);
    hub.get(secret(&key), "/api/auth/me").await.refused(401, "invalid_token");
    hub.get(&run.token, "/api/auth/me").await.ok();
    hub.get(&alice.token, "/api/auth/me").await.ok();
}

#[tokio::test]
async fn names_and_lives_outside_the_rules_make_no_key() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    for body in [
        json!({ "name": "" }),
        json!({ "name": "a\nb" }),
        json!({ "name": "x".repeat(101) }),
        json!({ "expires_in": 0 }),
        json!({ "scope": "everything" }),
        json!({ "role": "admin" }),
    ] {
        hub.post(&alice.token, "/api/auth/tokens", body).await.refused(400, "invalid_input");
    }
    let body = json!({ "network_id": "net_000000000000" });
    hub.post(&alice.token, "/api/auth/tokens", body).await.refused(403, "access_denied");
}

#[tokio::test]
async fn a_deleted_node_takes_its_token_along_unless_it_is_to_be_kept() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    let (gone, kept) = (hub.running(&alice, "gone").await, hub.running(&alice, "kept").await);
    assert_eq!(hub.delete(&alice.token, "/api/nodes/gone").await.ok()["tokens_revoked"], 1);
    hub.get(&gone.token, "/api/auth/me").await.refused(401, "invalid_token");
    assert_eq!(hub.delete(&alice.token, "/api/nodes/kept?keep_token=true").await.ok()["tokens_revoked"], 0);
    hub.get(&kept.token, "/api/tasks").await.ok();
    let claim = json!({ "instance_id": kept.instance, "max": 1 });
    hub.post(&kept.token, "/api/node/claim", claim).await.refused(403, "node_token_required");
    hub.node(&alice, "gone").await;
    hub.get(&gone.token, "/api/auth/me").await.refused(401, "invalid_token");
}

#[tokio::test]
async fn a_nodes_token_is_found_again_by_the_word_of_its_maker_and_ends_when_the_hub_says_so() {
    let hub = TestHub::open_with(|settings| settings.node_token_lifetime = std::time::Duration::from_secs(3600)).await;
    let alice = hub.person("alice").await;
    let mint = |label: &str| json!({ "network_id": alice.network_id, "node_name": "writer", "label": label });
    let made = hub.post(&alice.token, "/api/auth/node-token", mint("repair-1")).await.ok();
    for label in ["", "a b", &"x".repeat(65)] {
        hub.post(&alice.token, "/api/auth/node-token", mint(label)).await.refused(400, "invalid_input");
    }
    let listed = hub.get(&alice.token, "/api/auth/tokens").await.ok();
    let found = listed["tokens"].as_array().unwrap().iter().find(|token| token["label"] == "repair-1").unwrap();
    assert_eq!((&found["token_id"], &found["expires_at"]), (&made["token_id"], &made["expires_at"]));
    let token = made["token"].as_str().unwrap();
    let me = hub.get(token, "/api/auth/me").await.ok();
    assert_eq!(me["credential"]["expires_at"], made["expires_at"]);
    hub.clock.advance(3600);
    hub.get(token, "/api/auth/me").await.refused(401, "token_expired");
}
