use serde_json::{Value, json};
use sqlx::Row as _;

use super::kit::{PASSWORD, Person, TestHub};
use crate::store::StoreError;

const DAY: i64 = 24 * 3600;

async fn invite(hub: &TestHub, owner: &Person, body: Value) -> Value {
    hub.post(&owner.token, &format!("/api/networks/{}/invite", owner.network_id), body).await.ok()
}

async fn join(hub: &TestHub, person: &Person, invite: &Value) -> super::kit::Reply {
    hub.post(&person.token, "/api/networks/join", json!({ "invite_code": invite["invite_code"] })).await
}

/// D-20
#[tokio::test]
async fn joining_makes_a_member_and_no_token() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    let bob = hub.person("bob").await;
    let before = hub.get(&bob.token, "/api/auth/tokens").await.ok();
    let made = invite(&hub, &alice, json!({ "role": "viewer" })).await;
    let joined = join(&hub, &bob, &made).await.ok();
    assert_eq!((&joined["network_id"], &joined["role"]), (&json!(alice.network_id), &json!("viewer")));
    assert_eq!(hub.get(&bob.token, "/api/auth/tokens").await.ok()["tokens"], before["tokens"]);
    let again = join(&hub, &bob, &made).await;
    assert_eq!(again.refused(400, "already_member")["error"], "already a member of this network");
}

/// D-21, D-23
#[tokio::test]
async fn a_code_is_stored_as_a_digest_and_stands_in_no_line_of_the_audit_log() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    let bob = hub.person("bob").await;
    let made = invite(&hub, &alice, json!({})).await;
    join(&hub, &bob, &made).await.ok();
    let code = made["invite_code"].as_str().unwrap();
    assert_eq!(code.len(), "inv_".len() + 36);
    let rows = hub.audit(&alice).await;
    assert!(rows.iter().any(|row| row["action"] == "invite_created"));
    assert!(!Value::from(rows).to_string().contains(code));
    let stored: Vec<String> = hub
        .hub
        .write(async |transaction| {
            let rows = sqlx::query("SELECT code_digest FROM invites")
                .fetch_all(transaction.engine().await?)
                .await
                .map_err(StoreError::from)?;
            Ok(rows.iter().map(|row| row.get(0)).collect())
        })
        .await
        .unwrap();
    assert_eq!(stored, [anet_protocol::token::digest(code)]);
}

/// D-24
#[tokio::test]
async fn invites_are_listed_bounded_and_revoked() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    let bob = hub.person("bob").await;
    let path = format!("/api/networks/{}/invite", alice.network_id);
    for body in [
        json!({ "max_uses": 0 }),
        json!({ "max_uses": -2 }),
        json!({ "max_uses": 1.5 }),
        json!({ "max_uses": 1001 }),
        json!({ "expires_days": 0 }),
        json!({ "expires_days": 366 }),
        json!({ "expires_days": 0.5 }),
        json!({ "role": "owner" }),
        json!({ "role": "king" }),
    ] {
        hub.post(&alice.token, &path, body).await.refused(400, "invalid_input");
    }
    let made = invite(&hub, &alice, json!({ "max_uses": -1, "expires_days": 2 })).await;
    let list = hub.get(&alice.token, &format!("{path}s")).await.ok();
    let row = &list["invites"][0];
    assert_eq!((&row["invite_id"], &row["is_open"], &row["max_uses"]), (&made["invite_id"], &json!(true), &json!(-1)));
    assert!(!list.to_string().contains(made["invite_code"].as_str().unwrap()));
    hub.delete(&alice.token, &format!("{path}s/{}", made["invite_id"].as_str().unwrap())).await.ok();
    assert_eq!(join(&hub, &bob, &made).await.refused(400, "invalid_invite")["error"], "invalid invite code");
    hub.delete(&alice.token, &format!("{path}s/ivt_000000000000")).await.refused(404, "invite_not_found");
}

#[tokio::test]
async fn an_invite_ends_by_use_by_time_and_with_the_rank_of_its_maker() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    let (bob, carol) = (hub.person("bob").await, hub.person("carol").await);
    let once = invite(&hub, &alice, json!({})).await;
    join(&hub, &bob, &once).await.ok();
    assert_eq!(join(&hub, &carol, &once).await.refused(400, "invalid_invite")["error"], "invite code fully used");
    let short = invite(&hub, &alice, json!({ "expires_days": 1 })).await;
    hub.clock.advance(DAY);
    assert_eq!(join(&hub, &carol, &short).await.refused(400, "invalid_invite")["error"], "invite code expired");
    let members = format!("/api/networks/{}/members/{}", alice.network_id, hub.user_id(&bob.token).await);
    hub.put(&alice.token, &members, json!({ "role": "admin" })).await.ok();
    let path = format!("/api/networks/{}/invite", alice.network_id);
    let his = hub.post(&bob.token, &path, json!({})).await.ok();
    hub.delete(&alice.token, &members).await.ok();
    assert_eq!(join(&hub, &carol, &his).await.refused(400, "invalid_invite")["error"], "invalid invite code");
}

#[tokio::test]
async fn an_invite_to_the_hub_makes_one_account_with_its_rank_and_network() {
    let hub = TestHub::open().await;
    let admin = hub.person("admin").await;
    hub.put(&admin.token, "/api/admin/registration", json!({ "policy": "invite" })).await.ok();
    let register = |name: &str, code: Option<&Value>| {
        let mut body = json!({ "username": name, "password": PASSWORD });
        if let Some(code) = code {
            body["invite_code"] = code.clone();
        }
        body
    };
    let path = "/api/auth/register";
    hub.post("", path, register("bob", None)).await.refused(403, "invite_required");
    let body = json!({ "network_id": admin.network_id, "network_role": "viewer" });
    let made = hub.post(&admin.token, "/api/admin/invites", body).await.ok();
    let code = &made["invite_code"];
    // An invite to a network is none to the hub.
    let other = invite(&hub, &admin, json!({})).await;
    hub.post("", path, register("bob", Some(&other["invite_code"]))).await.refused(400, "invalid_invite");
    let bob = hub.post("", path, register("bob", Some(code))).await.ok();
    assert_eq!((&bob["user"]["role"], &bob["joined_network_id"]), (&json!("user"), &json!(admin.network_id)));
    hub.post("", path, register("carol", Some(code))).await.refused(400, "invalid_invite");
    let boss = hub.post(&admin.token, "/api/admin/invites", json!({ "role": "admin" })).await.ok();
    let boss = hub.post("", path, register("boss", Some(&boss["invite_code"]))).await.ok();
    assert_eq!(boss["user"]["role"], "admin");
    let void = hub.post(&admin.token, "/api/admin/invites", json!({})).await.ok();
    hub.delete(&admin.token, &format!("/api/admin/invites/{}", void["invite_id"].as_str().unwrap())).await.ok();
    hub.post("", path, register("dave", Some(&void["invite_code"]))).await.refused(400, "invalid_invite");
    let actions: Vec<String> =
        hub.audit(&admin).await.iter().map(|row| row["action"].as_str().unwrap().to_owned()).collect();
    for action in ["system_invite_created", "invite_refused", "invite_revoked", "registration_changed"] {
        assert!(actions.iter().any(|seen| seen == action), "{action} in {actions:?}");
    }
}
