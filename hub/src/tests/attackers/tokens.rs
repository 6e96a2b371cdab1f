//! Tokens in the wrong place, of the wrong kind, and with claims of their own.

use axum::body::Body;
use serde_json::json;

use super::log_lines::LogLines;
use super::tools::{HERE, ask, bearer, post_from};
use crate::openapi;
use crate::store::tests::database::every_row;
use crate::store::tests::set_role;
use crate::tests::kit::{PASSWORD, TestHub};

/// Attack 16 (hub-limits §3).
#[tokio::test]
async fn a_token_is_taken_from_one_bearer_header_and_nowhere_else() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    let get = |headers: Vec<String>, query: String| {
        let mut request = TestHub::request("GET", &format!("/api/auth/me{query}"), "");
        for value in headers {
            request = request.header("authorization", value);
        }
        hub.send(request.body(Body::empty()).unwrap())
    };
    let token = &alice.token;
    get(vec![format!("bearer {token}")], String::new()).await.ok();
    get(vec![], format!("?token={token}")).await.refused(401, "auth_required");
    let mut changed = token.clone();
    let last = if changed.pop() == Some('A') { 'B' } else { 'A' };
    changed.push(last);
    for value in [
        token.clone(),
        format!("Bearer  {token}"),
        format!("Bearer {token} "),
        format!("Basic {token}"),
        format!("Bearer {changed}"),
        format!("Bearer {}", token.replacen("utok_", "ntok_", 1)),
        format!("Bearer {}", "a".repeat(10_000)),
        "Bearer ".to_owned(),
    ] {
        get(vec![value], String::new()).await.refused(401, "invalid_token");
    }
    let twice = vec![format!("Bearer {token}"); 2];
    get(twice, String::new()).await.refused(401, "invalid_token");
}

/// Attack 15 (hub-limits §3).
#[tokio::test]
async fn a_token_in_the_url_is_refused_and_where_it_is_allowed_only_reads() {
    for allowed in [false, true] {
        let hub = TestHub::open_with(|settings| settings.allow_url_tokens = allowed).await;
        let alice = hub.person("alice").await;
        for name in ["token", "api_key"] {
            let with = |path: &str| format!("{path}?{name}={}", alice.token);
            let reply = hub.get("", &with("/api/auth/me")).await;
            assert_eq!(reply.status, if allowed { 200 } else { 401 });
            for (method, path) in [
                ("POST", "/api/networks"),
                ("POST", "/api/auth/logout"),
                ("DELETE", "/api/auth/sessions"),
                ("PUT", "/api/auth/me"),
            ] {
                let headers = [("content-type", "application/json")];
                let reply = ask(&hub, HERE, (method, &with(path)), &headers, r#"{"name":"x"}"#).await;
                reply.refused(401, "auth_required");
            }
            assert_eq!(ask(&hub, HERE, ("HEAD", &with("/api/auth/me")), &[], "").await.status, 401);
            if allowed {
                drop(hub.listen("", &with("/events/alice"), None).await);
            } else {
                hub.get("", &with("/events/alice")).await.refused(401, "auth_required");
            }
        }
        for path in
            ["/api/auth/me?tok%65n=", "/api/auth/me?TOKEN=", "/api/auth/me?access_token=", "/api/auth/me#token="]
        {
            hub.get("", &format!("{path}{}", alice.token)).await.refused(401, "auth_required");
        }
        hub.get(&alice.token, "/api/auth/me").await.ok();
    }
}

/// Attack 15 (hub-limits §3): wherever a secret is put, it gets neither into the log nor into the database.
#[tokio::test]
async fn a_secret_in_the_wrong_place_is_written_down_nowhere() {
    let (log, _guard) = LogLines::listen();
    let hub = TestHub::open_with(|settings| settings.allow_url_tokens = true).await;
    let alice = hub.person("alice").await;
    let run = hub.running(&alice, "counter").await;
    let invite = hub.post(&alice.token, "/api/admin/invites", json!({})).await.ok()["invite_code"].clone();
    let invite = invite.as_str().unwrap();
    let wrong = "utok_0123456789abcdef0123456789abcdef";
    let secrets = [&alice.token, &alice.network_token, &run.token, invite, wrong, PASSWORD];
    for secret in secrets {
        let encoded = secret.replace(' ', "%20");
        for query in ["token", "api_key", "ticket", "cursor", "network_id", "limit", "tok%65n"] {
            for path in ["/api/tasks", "/events/nobody", "/api/auth/me", "/nowhere"] {
                hub.get("", &format!("{path}?{query}={encoded}")).await;
            }
        }
        for (method, path) in [
            ("GET", "/api/task/ID"),
            ("GET", "/events/ID"),
            ("GET", "/ID"),
            ("DELETE", "/api/auth/tokens/ID"),
            ("DELETE", "/api/nodes/ID"),
            ("GET", "/api/networks/ID"),
            ("GET", "/api/tasks?network_id=ID"),
            ("POST", "/api/node/tasks/ID/ack"),
        ] {
            // A password has no shape by which it could be told from an id.
            let path = path.replace("ID", if secret == PASSWORD { "x" } else { &encoded });
            for token in ["", &alice.network_token, &run.token, wrong] {
                let authorization = bearer(token);
                let headers = [("content-type", "application/json"), ("authorization", authorization.as_str())];
                ask(&hub, HERE, (method, &path), &headers[..if token.is_empty() { 1 } else { 2 }], "{}").await;
            }
        }
        for body in [
            json!({ "username": secret, "password": secret }),
            json!({ "username": "alice", "password": secret, "client_label": 7 }),
            json!({ "invite_code": secret }),
            json!({ "username": "alice", "recovery_key": secret, "new_password": secret }),
        ] {
            for path in ["/api/auth/login", "/api/auth/session", "/api/networks/join", "/api/auth/recover"] {
                for token in ["", &alice.network_token] {
                    hub.post(token, path, body.clone()).await;
                }
            }
        }
        for (name, value) in [("cookie", format!("anet_access={encoded}")), ("origin", encoded.clone())] {
            ask(&hub, HERE, ("GET", "/api/auth/me"), &[(name, &value)], "").await;
        }
    }
    hub.hub.save_uses().await.unwrap();
    let rows = every_row(&hub).await.join("\n");
    let lines = log.text();
    assert!(rows.contains("login_failed") && rows.contains("access_refused"), "refusals are written down");
    for secret in secrets {
        for form in [secret.to_owned(), secret.replace(' ', "%20")] {
            for (place, text) in [("database", &rows), ("log", &lines)] {
                let form = form.to_lowercase();
                let found: Vec<_> = text.lines().filter(|line| line.to_lowercase().contains(&form)).collect();
                assert!(found.is_empty(), "{secret} is in the {place}: {found:#?}");
            }
        }
    }
}

/// Attack 16 (hub-limits §3).
#[tokio::test]
async fn a_secret_of_one_kind_opens_no_door_of_another() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    let run = hub.running(&alice, "counter").await;
    let get = async |path: &str, body, field: &str| {
        hub.post(&alice.token, path, body).await.ok()[field].as_str().unwrap().to_owned()
    };
    let recovery = get("/api/auth/recovery-key", json!({ "password": PASSWORD }), "recovery_key").await;
    let ticket = get("/api/auth/ticket", json!({}), "ticket").await;
    let invite = get(&format!("/api/networks/{}/invite", alice.network_id), json!({}), "invite_code").await;
    let hub_invite = get("/api/admin/invites", json!({}), "invite_code").await;
    let key = get("/api/auth/tokens", json!({ "expires_in": 60 }), "token").await;
    for secret in [&recovery, &ticket, &invite, &hub_invite, &PASSWORD.to_owned(), &alice.network_id, &run.node_id] {
        hub.get(secret, "/api/auth/me").await.refused(401, "invalid_token");
        hub.get(secret, "/events/alice").await.refused(401, "invalid_token");
    }
    for secret in [&alice.token, &key, &invite, &ticket, &hub_invite] {
        let body = json!({ "username": "alice", "recovery_key": secret, "new_password": "another horse battery" });
        hub.post("", "/api/auth/recover", body).await.refused(401, "invalid_recovery_key");
        let body = json!({ "username": "alice", "password": secret });
        hub.post("", "/api/auth/login", body).await.refused(401, "invalid_credentials");
        hub.clock.advance(1000);
    }
    // The right characters behind a prefix that is not theirs.
    for prefix in ["utok_", "ntok_", "atok_", "rtok_", "UTOK_", ""] {
        for token in [&alice.token, &run.token, &key] {
            let body = &token[5..];
            if !token.starts_with(prefix) || prefix.is_empty() {
                hub.get(&format!("{prefix}{body}"), "/api/auth/me").await.refused(401, "invalid_token");
            }
        }
    }
    hub.get(&key, "/api/auth/me").await.refused(401, "token_expired");
}

/// Attack 16 (hub-limits §3).
#[tokio::test]
async fn the_old_master_token_reads_and_does_nothing_else() {
    const MASTER: &str = "a master token of the older hub";
    let hub = TestHub::open().await;
    let admin = hub.person("admin").await;
    hub.node(&admin, "counter").await;
    let task = hub.task(&admin.token, "counter", "x").await;
    let hub = hub.try_restart_with(|settings| settings.legacy_token = Some(MASTER.into())).await.unwrap();
    for path in ["/api/tasks", "/api/nodes", "/api/status", &format!("/api/task/{task}")] {
        hub.get(MASTER, path).await.ok();
    }
    for (method, path) in [
        ("GET", "/events/counter"),
        ("GET", "/events/admin"),
        ("POST", "/api/task"),
        ("POST", "/api/message"),
        ("POST", "/api/networks"),
        ("POST", "/api/auth/ticket"),
        ("POST", &format!("/api/task/{task}/cancel")),
        ("DELETE", "/api/nodes/counter"),
        ("POST", "/api/admin/invites"),
    ] {
        let authorization = bearer(MASTER);
        let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
        ask(&hub, HERE, (method, path), &headers, "{}").await.refused(401, "invalid_token");
    }
    for path in ["/api/auth/tokens", "/api/auth/sessions", "/api/users", "/api/audit-log", "/api/admin/registration"] {
        assert_eq!(hub.get(MASTER, path).await.status, 403, "{path}");
    }
    let hub = hub.try_restart_with(|settings| settings.legacy_token = None).await.unwrap();
    hub.get(MASTER, "/api/tasks").await.refused(401, "invalid_token");
}

/// Attack 21 (hub-limits §3).
#[tokio::test]
async fn what_a_caller_says_of_itself_counts_for_nothing() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    let bob = hub.person("bob").await;
    set_role(&hub, &alice.network_id, "bob", "viewer").await;
    hub.node(&alice, "counter").await;
    let spy = hub.running(&bob, "spy").await;
    let key = hub.post(&bob.token, "/api/auth/tokens", json!({ "scope": "readonly" })).await.ok();
    let key = key["token"].as_str().unwrap();
    let me = hub.get(&alice.token, "/api/auth/me").await.ok();
    let alice_id = me["user"]["user_id"].as_str().unwrap();
    let task = json!({ "alias": "counter", "task": "x", "network_id": alice.network_id }).to_string();
    for (name, value) in [
        ("x-user-id", alice_id),
        ("x-user", "alice"),
        ("x-role", "owner"),
        ("x-scope", "full"),
        ("x-scopes", "full,agent"),
        ("x-network-id", &alice.network_id),
        ("x-network-role", "owner"),
        ("x-forwarded-user", "alice"),
        ("x-anet-admin", "true"),
        ("x-impersonate", alice_id),
    ] {
        for token in [bob.token.as_str(), key] {
            let authorization = bearer(token);
            let headers =
                [("authorization", authorization.as_str()), ("content-type", "application/json"), (name, value)];
            ask(&hub, HERE, ("POST", "/api/task"), &headers, task.clone()).await.refused(403, "permission_denied");
            ask(&hub, HERE, ("GET", "/api/users"), &headers, "").await;
            let me = ask(&hub, HERE, ("GET", "/api/auth/me"), &headers, "").await.ok();
            assert_eq!((&me["user"]["username"], &me["user"]["role"]), (&json!("bob"), &json!("user")), "{name}");
        }
    }
    for query in ["role=owner", "scope=full", "user_id=", "as=alice", "admin=true"] {
        let path = format!("/api/auth/me?{query}");
        assert_eq!(hub.get(key, &path).await.ok()["credential"]["scope"], "readonly");
    }
    // A bound token stays in its network, whatever is asked for.
    for path in ["/api/tasks", "/api/nodes", "/api/status", "/api/messages", "/api/task_events"] {
        let asked = hub.get(&spy.token, &format!("{path}?network_id={}", alice.network_id)).await.ok();
        assert!(!asked.to_string().contains("counter"), "{path}");
    }
    // And nobody speaks in the name of somebody else.
    hub.node(&bob, "writer").await;
    set_role(&hub, &bob.network_id, "alice", "member").await;
    for from in ["spy", "alice"] {
        let body = json!({ "alias": "writer", "task": "x", "network_id": bob.network_id, "from": from });
        hub.post(&bob.token, "/api/task", body).await.refused(400, "invalid_input");
    }
    let body = json!({ "alias": "writer", "task": "x", "from": "alice" });
    let sent = hub.post(&spy.token, "/api/task", body).await.ok();
    let stored = hub.state(&bob.token, sent["task_id"].as_str().unwrap()).await;
    assert_eq!(stored["from_name"], "spy", "a node is called as its token says");
}

/// Attack 27 (hub-limits §3).
#[tokio::test]
async fn a_field_that_no_door_knows_is_refused_by_every_door() {
    let hub = TestHub::open().await;
    let admin = hub.person("admin").await;
    let document = serde_json::to_value(openapi()).unwrap();
    let mut asked = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let path = path.replace(['{', '}'], "");
            let method = method.to_uppercase();
            let authorization = bearer(&admin.token);
            let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
            if operation.get("requestBody").is_some() {
                for field in ["__proto__", "created_at", "is_admin", "constructor", "Role", "owner_id "] {
                    let body = json!({ field: "x" }).to_string();
                    let reply = ask(&hub, HERE, (&method, &path), &headers, body).await;
                    let refused = reply.refused(400, "invalid_input");
                    assert!(refused["message"].as_str().unwrap().contains("unknown field"), "{path}: {refused:#}");
                    asked += 1;
                }
            }
            let in_query = |parameter: &serde_json::Value| parameter["in"] == "query";
            if operation["parameters"].as_array().is_some_and(|all| all.iter().any(in_query)) {
                let path = format!("{path}?is_admin=true");
                let headers = &headers[..1];
                ask(&hub, HERE, (&method, &path), headers, "").await.refused(400, "invalid_input");
                asked += 1;
            }
        }
    }
    assert!(asked > 150, "{asked}");
    // What is known but not the caller's to say.
    for (path, field, value) in [
        ("/api/auth/register", "role", json!("admin")),
        ("/api/auth/register", "user_id", json!("u_000000000000")),
        ("/api/auth/register", "must_change_password", json!(false)),
        ("/api/networks", "owner_id", json!("u_000000000000")),
        ("/api/networks", "network_id", json!("net_000000000000")),
        ("/api/task", "status", json!("replied")),
        ("/api/task", "from_node_id", json!("n_00000000")),
        ("/api/task", "hop_count", json!(0)),
        ("/api/auth/tokens", "user_id", json!("u_000000000000")),
    ] {
        let body = json!({ field: value });
        post_from(&hub, HERE, &admin.token, path, body).await.refused(400, "invalid_input");
    }
}
