use anet_protocol::rest::RegistrationPolicy;
use axum::body::Body;
use serde_json::json;

use super::kit::TestHub;
use crate::{Access, HubError};

const LEGACY: &str = "a-master-token-of-the-old-days";

#[tokio::test]
async fn without_login_this_machine_is_the_one_user_and_nodes_attach_with_their_tokens() {
    for (access, word, security) in
        [(Access::SingleUser, "single-user", "secured"), (Access::DevOpen, "dev-open", "dev-open")]
    {
        let hub = TestHub::open_with(|settings| settings.access = access).await;
        let health = hub.get("", "/health").await.ok();
        assert_eq!((&health["auth"], &health["security"]), (&json!(word), &json!(security)));
        let me = hub.get("", "/api/auth/me").await.ok();
        assert_eq!((&me["user"]["username"], &me["user"]["role"]), (&json!("local"), &json!("admin")));
        let network = &me["networks"][0]["network_id"];
        let body = json!({ "network_id": network, "node_name": "counter" });
        let node = hub.post("", "/api/auth/node-token", body).await.ok();
        hub.get(node["token"].as_str().unwrap(), "/api/tasks").await.ok();
        hub.post("", "/api/task", json!({ "alias": "counter", "task": "x" })).await.ok();
        hub.get("utok_0123456789abcdef0123456789abcdef", "/api/tasks").await.refused(401, "invalid_token");
        // Nothing is made that would still let in once people have to log in.
        for (path, body) in
            [("/api/auth/tokens", json!({ "name": "later" })), ("/api/auth/recovery-key", json!({ "password": "" }))]
        {
            hub.post("", path, body).await.refused(403, "user_token_required");
        }
        let hub = hub.restart().await;
        assert_eq!(hub.get("", "/api/auth/me").await.ok()["user"], me["user"], "the same user over a restart");
    }
}

#[tokio::test]
async fn without_login_nobody_else_gets_in() {
    let hub = TestHub::open_with(|settings| settings.access = Access::SingleUser).await;
    let get = |headers: &[(&str, &str)]| {
        let mut request = TestHub::request("GET", "/api/auth/me", "");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        hub.send(request.body(Body::empty()).unwrap())
    };
    get(&[]).await.ok();
    // Through a proxy on this machine (D-15), and from a page of another site.
    get(&[("x-forwarded-for", "198.51.100.7")]).await.refused(401, "auth_required");
    get(&[("x-real-ip", "198.51.100.7")]).await.refused(401, "auth_required");
    get(&[("sec-fetch-site", "cross-site")]).await.refused(403, "origin_not_allowed");
    get(&[("origin", "https://evil.example")]).await.refused(403, "origin_not_allowed");
    let body = json!({ "username": "bob", "password": "correct horse battery" });
    hub.post("", "/api/auth/register", body).await.refused(403, "registration_closed");
}

#[tokio::test]
async fn beyond_loopback_a_hub_without_login_does_not_start() {
    for access in [Access::SingleUser, Access::DevOpen] {
        let hub = TestHub::open().await;
        let refused = hub
            .try_restart_with(|settings| {
                settings.access = access;
                settings.is_loopback = false;
            })
            .await;
        assert!(matches!(refused, Err(HubError::Exposed { .. })));
    }
}

#[tokio::test]
async fn the_legacy_token_reads_every_network_and_does_nothing_else() {
    let hub = TestHub::open().await;
    hub.person("admin").await;
    let alice = hub.person("alice").await;
    hub.node(&alice, "counter").await;
    let task = hub.task(&alice.token, "counter", "x").await;
    hub.get(LEGACY, "/api/tasks").await.refused(401, "invalid_token");
    let hub = hub.restart_with(|settings| settings.legacy_token = Some(LEGACY.to_owned().into())).await;
    hub.get(LEGACY, &format!("/api/task/{task}")).await.ok();
    assert_eq!(hub.get(LEGACY, "/api/networks").await.ok()["networks"].as_array().unwrap().len(), 2);
    let send = json!({ "alias": "counter", "task": "x", "network_id": alice.network_id });
    let refused = hub.post(LEGACY, "/api/task", send).await.refused(401, "invalid_token");
    assert_eq!(refused["error"], "master-token auth is deprecated; use admin utok_");
    hub.delete(LEGACY, "/api/nodes/counter").await.refused(401, "invalid_token");
    hub.get(LEGACY, "/events/counter").await.refused(401, "invalid_token");
    for path in ["/api/users", "/api/audit-log", "/api/auth/me", "/api/auth/tokens"] {
        assert_eq!(hub.get(LEGACY, path).await.status, 403, "{path}");
    }
    let hub = hub.restart_with(|settings| settings.legacy_token = None).await;
    hub.get(LEGACY, "/api/tasks").await.refused(401, "invalid_token");
}

#[tokio::test]
async fn the_setting_of_the_start_holds_until_an_admin_says_otherwise() {
    let hub = TestHub::open_with(|settings| settings.registration = Some(RegistrationPolicy::Closed)).await;
    let admin = hub.person("admin").await;
    let body = json!({ "username": "bob", "password": "correct horse battery" });
    hub.post("", "/api/auth/register", body.clone()).await.refused(403, "registration_closed");
    hub.put(&admin.token, "/api/admin/registration", json!({ "policy": "open" })).await.ok();
    hub.post("", "/api/auth/register", body).await.ok();
}
