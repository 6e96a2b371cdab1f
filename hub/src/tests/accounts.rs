use axum::body::Body;
use futures_util::future::join_all;
use serde_json::json;

use super::kit::{PASSWORD, TestHub};

#[tokio::test]
async fn the_first_account_is_the_admins_and_owns_a_network() {
    let hub = TestHub::open().await;
    let first = hub.person("alice").await;
    let me = hub.get(&first.token, "/api/auth/me").await.ok();
    assert_eq!(me["user"]["role"], "admin");
    assert_eq!(me["networks"][0]["network_id"], json!(first.network_id));
    assert_eq!(me["networks"][0]["network_name"], "default");
    assert_eq!(me["networks"][0]["member_role"], "owner");
    assert_eq!(me["current_network"], json!(null));
    let second = hub.person("bob").await;
    assert_eq!(hub.get(&second.token, "/api/auth/me").await.ok()["user"]["role"], "user");
    let bound = hub.get(&first.network_token, "/api/auth/me").await.ok();
    assert_eq!((&bound["current_network"], &bound["credential"]["kind"]), (&json!(first.network_id), &json!("node")));
}

/// Attack 13 (hub-limits §3).
#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_who_register_at_once_one_becomes_admin() {
    let hub = TestHub::open().await;
    let names: Vec<String> = (0..50).map(|number| format!("user{number}")).collect();
    let people = join_all(names.iter().map(|name| hub.person(name))).await;
    let mut admins = 0;
    for person in people {
        let me = hub.get(&person.token, "/api/auth/me").await.ok();
        admins += usize::from(me["user"]["role"] == "admin");
    }
    assert_eq!(admins, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_want_one_name_one_gets_it() {
    let hub = TestHub::open().await;
    let body = json!({ "username": "alice", "password": PASSWORD });
    let replies = join_all((0..4).map(|_| hub.post("", "/api/auth/register", body.clone()))).await;
    let (taken, made): (Vec<_>, Vec<_>) = replies.into_iter().partition(|reply| reply.status != 200);
    assert_eq!((made.len(), taken.len()), (1, 3));
    for reply in taken {
        assert_eq!(reply.refused(400, "username_taken")["error"], "username already taken");
    }
}

#[tokio::test]
async fn names_and_passwords_outside_the_rules_are_refused_in_upstreams_words() {
    let hub = TestHub::open().await;
    let long = "a".repeat(51);
    for (username, password, error) in [
        ("a", PASSWORD, "username must be at least 2 characters"),
        (long.as_str(), PASSWORD, "username too long (max 50)"),
        ("alice ", PASSWORD, "username contains invalid characters"),
        ("аlice", PASSWORD, "username contains invalid characters"),
        ("alice", "short", "password must be at least 8 characters"),
        ("alice", "password123", "password is too common"),
    ] {
        let body = json!({ "username": username, "password": password });
        let reply = hub.post("", "/api/auth/register", body).await;
        assert_eq!((reply.status.as_u16(), &reply.body["error"]), (400, &json!(error)));
    }
    hub.person("代理_7").await;
}

#[tokio::test]
async fn a_login_gives_a_new_token_and_leaves_the_old_one() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    let body = json!({ "username": "alice", "password": PASSWORD, "client_label": "laptop" });
    let login = hub.post("", "/api/auth/login", body).await.ok();
    assert_eq!(login["network_id"], json!(alice.network_id));
    let token = login["token"].as_str().unwrap();
    assert_ne!(token, alice.token);
    hub.get(token, "/api/auth/me").await.ok();
    hub.get(&alice.token, "/api/auth/me").await.ok();
}

#[tokio::test]
async fn an_unknown_user_and_a_wrong_password_look_the_same() {
    let hub = TestHub::open().await;
    hub.person("alice").await;
    let attempt = |name: &str| json!({ "username": name, "password": "wrong password" });
    let wrong = hub.post("", "/api/auth/login", attempt("alice")).await;
    let unknown = hub.post("", "/api/auth/login", attempt("nobody")).await;
    assert_eq!(wrong.body, unknown.body);
    assert_eq!(wrong.refused(401, "invalid_credentials")["error"], "invalid username or password");
    let actions = crate::store::tests::audit_actions(&hub).await;
    assert_eq!(actions, ["register", "login_failed", "login_failed"]);
}

/// Attack 9 (hub-limits §3).
#[tokio::test(flavor = "multi_thread")]
async fn logins_beyond_the_queue_are_told_to_come_back() {
    let hub = TestHub::open_with(|settings| settings.hashing_queue = 0).await;
    let body = json!({ "username": "nobody", "password": "wrong password" });
    let replies = join_all((0..40).map(|_| hub.post("", "/api/auth/login", body.clone()))).await;
    let limited: Vec<_> = replies.iter().filter(|reply| reply.status == 429).collect();
    assert!(!limited.is_empty() && limited.len() < 40, "{} of 40", limited.len());
    assert_eq!(limited[0].headers["retry-after"], "2");
    assert_eq!(limited[0].body["error"], "too many requests, try again later");
}

#[tokio::test]
async fn a_node_token_makes_the_node_known_and_bound() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    let run = hub.node(&alice, "counter").await;
    let node = &hub.get(&alice.token, "/api/nodes").await.ok()["nodes"][0];
    assert_eq!(
        (&node["alias"], &node["status"], &node["connected"]),
        (&json!("counter"), &json!("offline"), &json!(false))
    );
    let me = hub.get(&run.token, "/api/auth/me").await.ok();
    assert_eq!(me["credential"]["node_id"], json!(run.node_id));
    let again = hub.node(&alice, "counter").await;
    assert_eq!(again.node_id, run.node_id, "the same name is the same node");
    let body = json!({ "network_id": alice.network_id, "node_name": "counter", "node_id": "n_00000000" });
    hub.post(&alice.token, "/api/auth/node-token", body).await.refused(409, "node_identity_conflict");
    let body = json!({ "network_id": alice.network_id, "node_name": "other", "node_id": run.node_id });
    hub.post(&alice.token, "/api/auth/node-token", body).await.refused(409, "node_identity_conflict");
    for name in ["", "../x", "-a", "a b", "a\n"] {
        let body = json!({ "network_id": alice.network_id, "node_name": name });
        hub.post(&alice.token, "/api/auth/node-token", body).await.refused(400, "invalid_input");
    }
}

#[tokio::test]
async fn a_missing_and_a_wrong_token_are_told_in_the_words_of_the_route() {
    let hub = TestHub::open().await;
    for (path, missing, wrong) in [
        ("/api/auth/me", "token required", "invalid token"),
        ("/api/tasks", "unauthorized", "unauthorized"),
        ("/events/alice", "unauthorized", "unauthorized"),
    ] {
        let reply = hub.get("", path).await;
        assert_eq!(reply.headers["www-authenticate"], "Bearer");
        assert_eq!(reply.refused(401, "auth_required")["error"], missing);
        let reply = hub.get("utok_0123456789abcdef0123456789abcdef", path).await;
        assert_eq!(reply.refused(401, "invalid_token")["error"], wrong);
    }
}

#[tokio::test]
async fn what_is_not_json_of_the_right_shape_is_refused_as_such() {
    let hub = TestHub::open().await;
    let post = |content_type: &'static str, body: &'static str| {
        let request = TestHub::request("POST", "/api/auth/login", "").header("content-type", content_type);
        hub.send(request.body(Body::from(body)).unwrap())
    };
    post("application/json", "{").await.refused(400, "invalid_json");
    post("application/json", "{\"username\":\"a\"}").await.refused(400, "invalid_input");
    post("application/json", "{\"username\":\"a\",\"password\":\"b\",\"role\":\"admin\"}")
        .await
        .refused(400, "invalid_input");
    // Serde alone would take the list for the fields in their order.
    post("application/json", "[\"alice\",\"correct horse battery\",null]").await.refused(400, "invalid_input");
    post("application/json", "[").await.refused(400, "invalid_json");
    post("text/plain", "{\"username\":\"a\",\"password\":\"b\"}").await.refused(415, "unsupported_media_type");
    hub.get("", "/api/auth/login").await.refused(405, "method_not_allowed");
    hub.get("", "/nowhere").await.refused(404, "not_found");
    let large = format!("{{\"username\":\"{}\"}}", "a".repeat(3 * 1024 * 1024));
    let request = TestHub::request("POST", "/api/auth/login", "").header("content-type", "application/json");
    hub.send(request.body(Body::from(large)).unwrap()).await.refused(413, "body_too_large");
}

#[tokio::test]
async fn the_document_of_the_routes_is_there_for_everybody() {
    let hub = TestHub::open().await;
    let (content_type, text) = hub.text("", "/api/openapi.json").await;
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((content_type.as_str(), &document["info"]["title"]), ("application/json", &json!("anet hub")));
    assert!(document["paths"]["/api/auth/login"]["post"].is_object());
}

#[tokio::test]
async fn health_is_for_everybody_and_names_nobody() {
    let hub = TestHub::open().await;
    hub.clock.advance(5);
    let reply = hub.get("", "/health").await;
    assert_eq!(reply.headers["x-content-type-options"], "nosniff");
    assert_eq!(reply.headers["cache-control"], "no-store");
    let health = reply.ok();
    assert_eq!(
        (&health["api_version"], &health["uptime"], &health["sse_connections"]),
        (&json!("v3"), &json!(5), &json!(0))
    );
}
