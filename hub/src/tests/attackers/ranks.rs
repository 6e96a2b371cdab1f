use futures_util::future::join_all;
use serde_json::{Value, json};

use super::tools::{HERE, ask, bearer};
use crate::store::tests::database::assert_one_owner_each;
use crate::store::tests::set_role;
use crate::tests::kit::{Reply, TestHub};

/// Attack 25 (hub-limits §3).
#[tokio::test]
async fn a_viewer_reads_and_changes_nothing_and_a_lost_rank_counts_at_once() {
    let hub = TestHub::open().await;
    hub.person("admin").await;
    let alice = hub.person("alice").await;
    let vera = hub.person("vera").await;
    let run = hub.running(&alice, "counter").await;
    let task = hub.task(&alice.token, "counter", "x").await;
    let network = &alice.network_id;
    let send = json!({ "alias": "counter", "task": "x", "network_id": network });
    let mint = json!({ "network_id": network, "node_name": "hers" });
    let cancel = format!("/api/task/{task}/cancel");

    set_role(&hub, network, "vera", "viewer").await;
    hub.state(&vera.token, &task).await;
    drop(hub.listen(&vera.token, &format!("/events/counter?network_id={network}"), None).await);
    hub.post(&vera.token, "/api/task", send.clone()).await.refused(403, "permission_denied");
    hub.post(&vera.token, &cancel, json!({})).await.refused(403, "permission_denied");
    hub.post(&vera.token, "/api/auth/node-token", mint.clone()).await.refused(403, "permission_denied");
    hub.delete(&vera.token, "/api/nodes/counter").await.refused(403, "permission_denied");

    set_role(&hub, network, "vera", "member").await;
    let unnamed = json!({ "alias": "counter", "task": "x" });
    let refused = hub.post(&vera.token, "/api/task", unnamed).await.refused(400, "network_id_required");
    assert_eq!(refused["error"], "network_id required for user token when multiple networks are available");
    hub.get(&vera.token, "/events/vera").await.refused(400, "network_id_required");
    hub.post(&vera.token, "/api/task", send.clone()).await.ok();
    let hers = hub.post(&vera.token, "/api/auth/node-token", mint).await.ok();
    let theirs = json!({ "network_id": network, "node_name": "counter" });
    hub.post(&vera.token, "/api/auth/node-token", theirs).await.refused(403, "permission_denied");

    // Her node's rights are hers of this moment.
    set_role(&hub, network, "vera", "viewer").await;
    hub.post(hers["token"].as_str().unwrap(), "/api/task", send).await.refused(403, "permission_denied");
    assert_eq!(hub.claim(&run, 10).await.len(), 2);
}

/// Attack 25 (hub-limits §3).
#[tokio::test]
async fn the_admin_reads_every_network_and_writes_in_none_but_the_own() {
    let hub = TestHub::open().await;
    let admin = hub.person("admin").await;
    let alice = hub.person("alice").await;
    hub.node(&alice, "counter").await;
    let task = hub.task(&alice.token, "counter", "x").await;
    hub.state(&admin.token, &task).await;
    assert_eq!(hub.get(&admin.token, "/api/tasks").await.ok()["count"], 1);
    let send = json!({ "alias": "counter", "task": "x", "network_id": alice.network_id });
    hub.post(&admin.token, "/api/task", send).await.refused(403, "access_denied");
    let node = hub.node(&admin, "his").await;
    hub.get(&node.token, &format!("/api/task/{task}")).await.refused(404, "task_not_found");
}

async fn call(hub: &TestHub, token: &str, method: &str, path: &str, body: Value) -> Reply {
    let authorization = bearer(token);
    let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
    ask(hub, HERE, (method, path), &headers, body.to_string()).await
}

async fn id_of(hub: &TestHub, token: &str) -> String {
    hub.get(token, "/api/auth/me").await.ok()["user"]["user_id"].as_str().unwrap().to_owned()
}

/// Attack 22 (hub-limits §3).
#[tokio::test]
async fn a_key_reaches_no_further_than_its_scope_whoever_made_it() {
    let hub = TestHub::open().await;
    let admin = hub.person("admin").await;
    hub.node(&admin, "counter").await;
    let task = hub.task(&admin.token, "counter", "x").await;
    let network = &admin.network_id;
    let own_id = id_of(&hub, &admin.token).await;
    let key = async |scope: &str| {
        let made = hub.post(&admin.token, "/api/auth/tokens", json!({ "scope": scope })).await.ok();
        made["token"].as_str().unwrap().to_owned()
    };
    let (readonly, agent, full) = (key("readonly").await, key("agent").await, key("full").await);
    let manages = [
        ("POST", "/api/networks".to_owned(), json!({ "name": "more" })),
        ("PUT", format!("/api/networks/{network}"), json!({ "name": "other" })),
        ("POST", format!("/api/networks/{network}/invite"), json!({})),
        ("POST", format!("/api/networks/{network}/members"), json!({ "username": "x" })),
        ("PUT", format!("/api/networks/{network}/members/{own_id}"), json!({ "role": "viewer" })),
        ("DELETE", format!("/api/networks/{network}/members/{own_id}"), json!({})),
        ("POST", "/api/auth/node-token".to_owned(), json!({ "network_id": network, "node_name": "more" })),
        ("DELETE", "/api/nodes/counter".to_owned(), json!({})),
        (
            "POST",
            "/api/node-rename/prepare".to_owned(),
            json!({ "network_id": network, "old_alias": "counter", "new_alias": "y" }),
        ),
    ];
    let is_the_persons = [
        ("DELETE", format!("/api/networks/{network}"), json!({})),
        ("POST", format!("/api/networks/{network}/transfer"), json!({ "user_id": own_id })),
        ("POST", "/api/auth/tokens".to_owned(), json!({ "scope": "full" })),
        ("DELETE", "/api/auth/tokens".to_owned(), json!({})),
        ("GET", "/api/auth/tokens".to_owned(), json!({})),
        ("GET", "/api/auth/sessions".to_owned(), json!({})),
        ("DELETE", "/api/auth/sessions".to_owned(), json!({})),
        (
            "POST",
            "/api/auth/password".to_owned(),
            json!({ "old_password": "x", "new_password": "another horse battery" }),
        ),
        ("POST", "/api/auth/recovery-key".to_owned(), json!({ "password": crate::tests::kit::PASSWORD })),
        ("PUT", "/api/auth/me".to_owned(), json!({ "email": "x@example.org" })),
        ("POST", "/api/auth/logout".to_owned(), json!({})),
        ("POST", "/api/admin/invites".to_owned(), json!({})),
        ("PUT", "/api/admin/registration".to_owned(), json!({ "policy": "open" })),
        ("GET", "/api/users".to_owned(), json!({})),
        ("GET", "/api/audit-log".to_owned(), json!({})),
    ];
    let writes = [
        ("POST", "/api/task".to_owned(), json!({ "alias": "counter", "task": "x" })),
        ("POST", "/api/message".to_owned(), json!({ "alias": "counter", "message": "x" })),
        ("POST", format!("/api/task/{task}/cancel"), json!({})),
    ];
    for (method, path, body) in manages.iter().chain(&is_the_persons).chain(&writes) {
        let status = call(&hub, &readonly, method, path, body.clone()).await.status;
        assert_eq!(status, 403, "readonly: {method} {path}");
    }
    for (method, path, body) in manages.iter().chain(&is_the_persons) {
        assert_eq!(call(&hub, &agent, method, path, body.clone()).await.status, 403, "agent: {method} {path}");
    }
    for (method, path, body) in &is_the_persons {
        assert_eq!(call(&hub, &full, method, path, body.clone()).await.status, 403, "full: {method} {path}");
    }
    assert_eq!(hub.state(&readonly, &task).await["status"], "delivered");
    for (method, path, body) in &writes {
        call(&hub, &agent, method, path, body.clone()).await.ok();
    }
    let other = hub.person("other").await;
    hub.get(&full, &format!("/api/networks/{}", other.network_id)).await.refused(404, "network_not_found");
}

/// Attack 25 (hub-limits §3).
#[tokio::test]
async fn a_rank_is_given_by_the_owner_alone_and_the_owners_by_nobody() {
    let hub = TestHub::open().await;
    hub.person("admin").await;
    let alice = hub.person("alice").await;
    let alice_id = id_of(&hub, &alice.token).await;
    let network = &alice.network_id;
    let path = format!("/api/networks/{network}");
    let mut people = Vec::new();
    for (name, rank) in [("vera", "viewer"), ("max", "member"), ("ada", "admin")] {
        let person = hub.person(name).await;
        set_role(&hub, network, name, rank).await;
        people.push((person, rank));
    }
    let max_id = id_of(&hub, &people[1].0.token).await;
    for (person, rank) in &people {
        let own_id = id_of(&hub, &person.token).await;
        for (method, path, body) in [
            ("PUT", format!("{path}/members/{own_id}"), json!({ "role": "owner" })),
            ("PUT", format!("{path}/members/{own_id}"), json!({ "role": "admin" })),
            ("PUT", format!("{path}/members/{alice_id}"), json!({ "role": "viewer" })),
            ("POST", format!("{path}/transfer"), json!({ "user_id": own_id })),
            ("PUT", path.clone(), json!({ "name": "theirs" })),
            ("DELETE", path.clone(), json!({})),
        ] {
            let reply = call(&hub, &person.token, method, &path, body).await;
            assert_eq!(reply.status, 403, "{rank}: {method} {path}: {}", reply.body);
        }
        if *rank != "admin" {
            for (method, path, body) in [
                ("DELETE", format!("{path}/members/{max_id}"), json!({})),
                ("POST", format!("{path}/members"), json!({ "username": "admin" })),
                ("POST", format!("{path}/invite"), json!({})),
                ("GET", format!("{path}/invites"), json!({})),
                ("GET", format!("/api/audit-log?network_id={network}"), json!({})),
            ] {
                let reply = call(&hub, &person.token, method, &path, body).await;
                assert_eq!(reply.status, 403, "{rank}: {method} {path}: {}", reply.body);
            }
        }
    }
    let ada = &people[2].0.token;
    call(&hub, ada, "DELETE", &format!("{path}/members/{alice_id}"), json!({})).await.refused(400, "not_a_member");
    for by in [ada, &alice.token] {
        let body = json!({ "username": "admin", "role": "owner" });
        call(&hub, by, "POST", &format!("{path}/members"), body).await.refused(400, "invalid_input");
        let body = json!({ "role": "owner" });
        call(&hub, by, "POST", &format!("{path}/invite"), body).await.refused(400, "invalid_input");
    }
    let body = json!({ "role": "owner" });
    call(&hub, &alice.token, "PUT", &format!("{path}/members/{max_id}"), body).await.refused(400, "invalid_input");
    let body = json!({ "role": "viewer" });
    call(&hub, &alice.token, "PUT", &format!("{path}/members/{alice_id}"), body).await.refused(400, "not_a_member");
    call(&hub, &alice.token, "POST", &format!("{path}/leave"), json!({})).await.refused(403, "permission_denied");
    assert_one_owner_each(&hub).await;
}

/// Attack 25 (hub-limits §3).
#[tokio::test(flavor = "multi_thread")]
async fn a_network_that_is_pulled_at_from_all_sides_keeps_one_owner() {
    let hub = TestHub::open().await;
    let mut people = Vec::new();
    for name in ["one", "two", "three", "four"] {
        let person = hub.person(name).await;
        people.push((person.token.clone(), id_of(&hub, &person.token).await, name, person.network_id));
    }
    let network = people[0].3.clone();
    for (_, _, name, own) in &people[1..] {
        set_role(&hub, &network, name, "admin").await;
        // Nobody owns two networks of one name, so each has to have another one.
        let token = &people.iter().find(|person| person.3 == *own).unwrap().0;
        call(&hub, token, "PUT", &format!("/api/networks/{own}"), json!({ "name": format!("of {name}") })).await.ok();
    }
    let path = format!("/api/networks/{network}");
    let mut transfers = 0;
    for _ in 0..25 {
        let mut calls = Vec::new();
        for (token, _, _, _) in &people {
            for (_, id, name, _) in &people {
                calls.push(call(&hub, token, "POST", format!("{path}/transfer").leak(), json!({ "user_id": id })));
                calls.push(call(&hub, token, "PUT", format!("{path}/members/{id}").leak(), json!({ "role": "admin" })));
                calls.push(call(&hub, token, "DELETE", format!("{path}/members/{id}").leak(), json!({})));
                let body = json!({ "username": name, "role": "admin" });
                calls.push(call(&hub, token, "POST", format!("{path}/members").leak(), body));
            }
        }
        for reply in join_all(calls).await {
            assert!(reply.status.is_success() || reply.status.is_client_error(), "{}", reply.body);
            transfers += usize::from(reply.status == 200);
        }
        assert_one_owner_each(&hub).await;
    }
    assert!(transfers > 25, "{transfers}");
}

/// Attack 25 (hub-limits §3).
#[tokio::test(flavor = "multi_thread")]
async fn of_administrators_who_depose_each_other_one_stays() {
    let hub = TestHub::open().await;
    let (one, two) = (hub.person("one").await, hub.person("two").await);
    let ids = [id_of(&hub, &one.token).await, id_of(&hub, &two.token).await];
    let paths = ids.map(|id| format!("/api/admin/users/{id}/role"));
    let own = call(&hub, &one.token, "PUT", &paths[0], json!({ "role": "user" })).await;
    own.refused(409, "last_admin");
    for _ in 0..20 {
        for token in [&one.token, &two.token] {
            for path in &paths {
                call(&hub, token, "PUT", path, json!({ "role": "admin" })).await;
            }
        }
        let calls =
            [(&one.token, &paths[1]), (&two.token, &paths[0]), (&one.token, &paths[0]), (&two.token, &paths[1])];
        join_all(calls.map(|(token, path)| call(&hub, token, "PUT", path, json!({ "role": "user" })))).await;
        let users = hub.hub.read().await.unwrap().users().await.unwrap();
        assert_eq!(users.iter().filter(|stored| stored.user.role.as_str() == "admin").count(), 1);
    }
}
