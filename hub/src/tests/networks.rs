use serde_json::{Value, json};
use sqlx::Row as _;

use super::kit::{Person, Reply, TestHub};
use crate::store::StoreError;

fn at(person: &Person, rest: &str) -> String {
    format!("/api/networks/{}{rest}", person.network_id)
}

/// D-06
#[tokio::test]
async fn a_new_network_is_the_callers_and_is_written_down() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    hub.clock.advance(1);
    let made = hub.post(&alice.token, "/api/networks", json!({ "name": "prod", "description": "live" })).await.ok();
    assert_eq!(made["network_name"], "prod");
    let again = hub.post(&alice.token, "/api/networks", json!({ "name": "prod" })).await;
    assert_eq!(again.refused(400, "network_name_taken")["error"], "network name already exists");
    let list = hub.get(&alice.token, "/api/networks").await.ok();
    let names: Vec<&Value> = list["networks"].as_array().unwrap().iter().map(|row| &row["network_name"]).collect();
    assert_eq!(names, ["default", "prod"]);
    let created: Vec<Value> =
        hub.audit(&alice).await.into_iter().filter(|row| row["action"] == "network_created").collect();
    assert_eq!((created.len(), &created[0]["network_id"]), (1, &made["network_id"]));
    for name in ["", " x", "a\nb", "net_012345678901", &"x".repeat(65)] {
        hub.post(&alice.token, "/api/networks", json!({ "name": name })).await.refused(400, "invalid_input");
    }
}

#[tokio::test]
async fn somebody_who_is_no_admin_owns_so_many_networks_and_no_more() {
    let hub = TestHub::open_with(|settings| settings.owned_networks = 2).await;
    hub.person("admin").await;
    let alice = hub.person("alice").await;
    hub.post(&alice.token, "/api/networks", json!({ "name": "two" })).await.ok();
    let refused = hub.post(&alice.token, "/api/networks", json!({ "name": "three" })).await;
    assert_eq!(refused.refused(400, "quota_exceeded")["error"], "quota exceeded: max 2 networks");
}

/// D-08
#[tokio::test]
async fn only_the_three_ranks_below_the_owner_can_be_given() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    let bob = hub.person("bob").await;
    hub.join(&alice, "bob", "member").await;
    let path = at(&alice, &format!("/members/{}", hub.user_id(&bob.token).await));
    for role in ["boss", "", "Admin", "viewer ", "system"] {
        hub.put(&alice.token, &path, json!({ "role": role })).await.refused(400, "invalid_input");
    }
    let owner = hub.put(&alice.token, &path, json!({ "role": "owner" })).await.refused(400, "invalid_input");
    assert_eq!(owner["error"], "cannot assign owner role");
    hub.put(&alice.token, &path, json!({ "role": "viewer" })).await.ok();
    let send = json!({ "alias": "x", "task": "x", "network_id": alice.network_id });
    hub.post(&bob.token, "/api/task", send).await.refused(403, "permission_denied");
}

/// D-38
#[tokio::test]
async fn every_member_finds_the_own_rank_in_the_list_of_members() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    let vera = hub.person("vera").await;
    hub.get(&vera.token, &at(&alice, "/members")).await.refused(404, "network_not_found");
    hub.clock.advance(1);
    hub.join(&alice, "vera", "viewer").await;
    let list = hub.get(&vera.token, &at(&alice, "/members")).await.ok();
    let rows: Vec<(&str, &str)> = list["members"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["username"].as_str().unwrap(), row["role"].as_str().unwrap()))
        .collect();
    assert_eq!(rows, [("alice", "owner"), ("vera", "viewer")]);
}

#[tokio::test]
async fn whoever_leaves_or_is_put_out_loses_every_token_of_the_network() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    let bob = hub.person("bob").await;
    for way in ["leave", "put out"] {
        hub.join(&alice, "bob", "member").await;
        let mint = json!({ "network_id": alice.network_id, "node_name": format!("node-{}", way.len()) });
        let node = hub.post(&bob.token, "/api/auth/node-token", mint).await.ok();
        let body = json!({ "name": "ci", "network_id": alice.network_id });
        let key = hub.post(&bob.token, "/api/auth/tokens", body).await.ok();
        let gone = if way == "leave" {
            hub.act(&bob.token, &at(&alice, "/leave")).await
        } else {
            hub.delete(&alice.token, &at(&alice, &format!("/members/{}", hub.user_id(&bob.token).await))).await
        };
        assert_eq!(gone.ok()["tokens_revoked"], 2, "{way}");
        for token in [&node["token"], &key["token"]] {
            hub.get(token.as_str().unwrap(), "/api/tasks").await.refused(401, "invalid_token");
        }
        hub.get(&bob.token, &at(&alice, "")).await.refused(404, "network_not_found");
    }
}

#[tokio::test]
async fn a_network_has_one_owner_who_hands_it_over_and_does_not_leave() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    let bob = hub.person("bob").await;
    hub.act(&alice.token, &at(&alice, "/leave")).await.refused(403, "permission_denied");
    let (alice_id, bob_id) = (hub.user_id(&alice.token).await, hub.user_id(&bob.token).await);
    let transfer = |to: &str| json!({ "user_id": to });
    hub.post(&alice.token, &at(&alice, "/transfer"), transfer(&bob_id)).await.refused(400, "not_a_member");
    hub.join(&alice, "bob", "member").await;
    // Bob owns a network of the same name.
    hub.post(&alice.token, &at(&alice, "/transfer"), transfer(&bob_id)).await.refused(400, "network_name_taken");
    hub.put(&alice.token, &at(&alice, ""), json!({ "name": "ours" })).await.ok();
    let early =
        hub.post(&bob.token, &at(&alice, "/transfer"), transfer(&bob_id)).await.refused(403, "permission_denied");
    assert_eq!(early["error"], "owner required");
    hub.post(&alice.token, &at(&alice, "/transfer"), transfer(&bob_id)).await.ok();
    let list = hub.get(&bob.token, &at(&alice, "/members")).await.ok();
    let role =
        |id: &str| list["members"].as_array().unwrap().iter().find(|row| row["user_id"] == id).unwrap()["role"].clone();
    assert_eq!((role(&alice_id), role(&bob_id)), (json!("admin"), json!("owner")));
    let removed = hub.delete(&alice.token, &at(&alice, &format!("/members/{bob_id}"))).await;
    assert_eq!(removed.refused(400, "not_a_member")["error"], "cannot remove owner");
    hub.act(&alice.token, &at(&alice, "/leave")).await.ok();
}

async fn count(hub: &TestHub, table: &'static str) -> i64 {
    hub.hub
        .write(async move |transaction| {
            let query = sqlx::AssertSqlSafe(format!("SELECT COUNT(*) AS n FROM {table}"));
            let row = sqlx::query(query).fetch_one(transaction.engine().await?).await.map_err(StoreError::from)?;
            Ok(row.get("n"))
        })
        .await
        .unwrap()
}

/// D-18, D-19
#[tokio::test]
async fn a_deleted_network_takes_everything_along_and_tells_what() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    let bob = hub.person("bob").await;
    hub.put(&alice.token, &at(&alice, ""), json!({ "name": "doomed" })).await.ok();
    let made = hub.post(&alice.token, &at(&alice, "/invite"), json!({ "max_uses": 5 })).await.ok();
    let run = hub.running(&alice, "counter").await;
    let stream = hub.listen_as(&run, None).await;
    hub.task(&alice.token, "counter", "one").await;
    let busy = hub.delete(&alice.token, &at(&alice, "")).await.refused(409, "network_busy");
    assert_eq!(busy["error"], "network has 1 active session(s) — stop them first");
    drop(stream);
    let gone = hub.delete(&alice.token, &at(&alice, "")).await.ok();
    assert_eq!((&gone["removed"]["nodes"], &gone["removed"]["members"]), (&json!(1), &json!(1)));
    assert_eq!(gone["tokens_revoked"], 2, "the node's, and the one of registration");
    hub.get(&run.token, "/api/auth/me").await.refused(401, "invalid_token");
    let join = json!({ "invite_code": made["invite_code"] });
    let refused = hub.post(&bob.token, "/api/networks/join", join).await.refused(400, "invalid_invite");
    assert_eq!(refused["error"], "invalid invite code");
    for table in ["tasks", "task_events", "messages", "events", "nodes", "invites", "task_counts"] {
        assert_eq!(count(&hub, table).await, 0, "{table}");
    }
    assert_eq!(count(&hub, "networks").await, 1, "bob's");
    let rows = hub.audit(&alice).await;
    assert!(rows.iter().any(|row| row["action"] == "network_deleted"), "its lines of the audit log stay");
}

#[tokio::test]
async fn force_deletes_a_network_under_its_agents() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    let run = hub.running(&alice, "counter").await;
    let mut stream = hub.listen_as(&run, None).await;
    hub.delete(&alice.token, &at(&alice, "?force=true")).await.ok();
    assert_eq!(stream.next_type().await, "end");
}

#[tokio::test]
async fn ranks_are_refused_in_upstreams_words() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    let bob = hub.person("bob").await;
    hub.join(&alice, "bob", "member").await;
    let told = |reply: Reply| reply.refused(403, "permission_denied")["error"].clone();
    assert_eq!(told(hub.post(&bob.token, &at(&alice, "/invite"), json!({})).await), "owner/admin required");
    assert_eq!(told(hub.put(&bob.token, &at(&alice, ""), json!({ "name": "x" })).await), "not your network");
    assert_eq!(told(hub.delete(&bob.token, &at(&alice, "")).await), "not your network");
    let path = at(&alice, &format!("/members/{}", hub.user_id(&bob.token).await));
    assert_eq!(told(hub.put(&bob.token, &path, json!({ "role": "admin" })).await), "owner required");
}

/// D-28
#[tokio::test]
async fn a_system_admin_sees_a_foreign_network_and_changes_nothing_in_it() {
    let hub = TestHub::open().await;
    let admin = hub.person("admin").await;
    let alice = hub.person("alice").await;
    let bob = hub.person("bob").await;
    hub.get(&admin.token, &at(&alice, "")).await.ok();
    hub.get(&admin.token, &at(&alice, "/members")).await.ok();
    let rows = hub.get(&admin.token, "/api/networks").await.ok();
    assert_eq!(rows["networks"].as_array().unwrap().len(), 3);
    hub.put(&admin.token, &at(&alice, ""), json!({ "name": "x" })).await.refused(403, "permission_denied");
    hub.delete(&admin.token, &at(&alice, "")).await.refused(403, "permission_denied");
    let add = json!({ "user_id": hub.user_id(&bob.token).await });
    hub.post(&admin.token, &at(&alice, "/members"), add).await.refused(403, "permission_denied");
}
