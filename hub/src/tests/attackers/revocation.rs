//! What was open when access was taken away.

use std::sync::Arc;

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;

use super::tools::bearer;
use crate::console::Console;
use crate::events::recheck::Recheck;
use crate::tests::kit::{Frames, PASSWORD, PATIENCE, Person, Run, SeededEntropy, TestHub};
use crate::tests::serving::Served;

const NEW: &str = "another horse battery";

/// An owner, a member with a node of her own, and the look that the hub takes four times a second.
struct Scene {
    hub: TestHub,
    owner: Person,
    vera: Person,
    vera_id: String,
    /// Hers, in the owner's network.
    node: Run,
    recheck: Recheck,
}

impl Scene {
    async fn set() -> Self {
        let hub = TestHub::open().await;
        let owner = hub.person("owner").await;
        let vera = hub.person("vera").await;
        let me = hub.get(&vera.token, "/api/auth/me").await.ok();
        let vera_id = me["user"]["user_id"].as_str().unwrap().to_owned();
        let members = format!("/api/networks/{}/members", owner.network_id);
        hub.post(&owner.token, &members, json!({ "username": "vera" })).await.ok();
        let in_network = Person { network_id: owner.network_id.clone(), ..vera.clone() };
        let node = hub.running(&in_network, "hers").await;
        Self { hub, owner, vera, vera_id, node, recheck: Recheck::default() }
    }

    async fn log_in(&self, username: &str) -> String {
        let body = json!({ "username": username, "password": PASSWORD });
        let login = self.hub.post("", "/api/auth/login", body).await.ok();
        login["token"].as_str().unwrap().to_owned()
    }

    async fn key(&self, scope: &str, network_id: Option<&str>) -> String {
        let body = json!({ "scope": scope, "network_id": network_id });
        let made = self.hub.post(&self.vera.token, "/api/auth/tokens", body).await.ok();
        made["token"].as_str().unwrap().to_owned()
    }

    async fn listen(&self, token: &str, network_id: &str) -> Frames {
        self.hub.listen(token, &format!("/events/vera?network_id={network_id}"), None).await
    }

    /// Her streams in the owner's network: by each of these tokens, and her node's.
    async fn streams<const N: usize>(&self, tokens: [&str; N]) -> ([Frames; N], Frames) {
        let mut streams = Vec::new();
        for token in tokens {
            streams.push(self.listen(token, &self.owner.network_id).await);
        }
        let Ok(streams) = streams.try_into() else { unreachable!("as many as tokens") };
        (streams, self.hub.listen_as(&self.node, None).await)
    }

    async fn recheck(&mut self) {
        self.recheck.run(&self.hub.hub).await.unwrap();
    }

    async fn member(&self, method: &str, body: serde_json::Value) {
        let path = format!("/api/networks/{}/members/{}", self.owner.network_id, self.vera_id);
        let request = TestHub::request(method, &path, &self.owner.token).header("content-type", "application/json");
        self.hub.send(request.body(axum::body::Body::from(body.to_string())).unwrap()).await.ok();
    }

    /// Rings every bell of hers in the network.
    async fn ring(&self) {
        let body = json!({ "alias": "vera", "message": "x", "network_id": self.owner.network_id });
        self.hub.post(&self.owner.token, "/api/message", body).await.ok();
        self.hub.post(&self.owner.token, "/api/task", json!({ "alias": "hers", "task": "x" })).await.ok();
    }

    fn send(&self) -> serde_json::Value {
        json!({ "alias": "hers", "task": "x", "network_id": self.owner.network_id })
    }
}

/// Attack 17 (hub-limits §3).
#[tokio::test]
async fn a_revoked_token_hears_nothing_more_and_does_nothing_more() {
    let mut scene = Scene::set().await;
    let (key, login) = (scene.key("agent", Some(&scene.owner.network_id)).await, scene.log_in("vera").await);
    let ([mut hers, mut by_key, mut by_login], mut its) = scene.streams([&scene.vera.token, &key, &login]).await;
    scene.recheck().await;
    scene.hub.post(&key, "/api/task", scene.send()).await.ok();
    assert_eq!(its.next_type().await, "new_task");
    let tokens = scene.hub.get(&scene.vera.token, "/api/auth/tokens").await.ok();
    let of_key = tokens["tokens"].as_array().unwrap().iter().find(|token| token["scope"] == "agent").unwrap();
    let path = format!("/api/auth/tokens/{}", of_key["token_id"].as_str().unwrap());
    scene.hub.delete(&scene.vera.token, &path).await.ok();
    scene.hub.post(&login, "/api/auth/logout", json!({})).await.ok();
    assert_eq!(by_key.next_type().await, "end");
    assert_eq!(by_login.next_type().await, "end");
    for token in [&key, &login] {
        scene.hub.post(token, "/api/task", scene.send()).await.refused(401, "invalid_token");
        scene.hub.get(token, "/events/vera").await.refused(401, "invalid_token");
    }
    scene.recheck().await;
    scene.ring().await;
    assert_eq!(hers.next_type().await, "new_message", "the others stay");
    assert_eq!(its.next_type().await, "new_task");
}

/// Attack 17 (hub-limits §3).
#[tokio::test]
async fn a_changed_password_ends_every_login_and_what_they_listen_to() {
    let mut scene = Scene::set().await;
    let (key, bound) = (scene.key("full", None).await, scene.key("readonly", Some(&scene.owner.network_id)).await);
    let login = scene.log_in("vera").await;
    let tokens = [&scene.vera.token, &login, &key, &bound].map(String::as_str);
    let ([mut hers, mut by_login, mut by_key, mut by_bound], mut its) = scene.streams(tokens).await;
    let body = json!({ "old_password": PASSWORD, "new_password": NEW });
    let changed = scene.hub.post(&scene.vera.token, "/api/auth/password", body).await.ok();
    for stream in [&mut hers, &mut by_login, &mut by_key] {
        assert_eq!(stream.next_type().await, "end");
    }
    for token in [&scene.vera.token, &login, &key] {
        scene.hub.get(token, "/api/auth/me").await.refused(401, "invalid_token");
    }
    scene.hub.get(changed["token"].as_str().unwrap(), "/api/auth/me").await.ok();
    scene.recheck().await;
    scene.ring().await;
    assert_eq!(by_bound.next_type().await, "new_message", "what is bound to a network goes on");
    assert_eq!(its.next_type().await, "new_task");
}

/// Attack 17 (hub-limits §3).
#[tokio::test]
async fn whoever_is_put_out_of_a_network_hears_nothing_more_of_it() {
    let mut scene = Scene::set().await;
    let key = scene.key("full", Some(&scene.owner.network_id)).await;
    let ([mut hers, mut by_key], mut its) = scene.streams([&scene.vera.token, &key]).await;
    let own_network = scene.vera.network_id.clone();
    let mut own = scene.listen(&scene.vera.token, &own_network).await;
    scene.recheck().await;
    scene.member("DELETE", json!({})).await;
    scene.recheck().await;
    for stream in [&mut hers, &mut by_key, &mut its] {
        assert_eq!(stream.next_type().await, "end");
    }
    scene.hub.post(&scene.vera.token, "/api/task", scene.send()).await.refused(403, "access_denied");
    for token in [&key, &scene.node.token] {
        scene.hub.get(token, "/api/tasks").await.refused(401, "invalid_token");
    }
    let body = json!({ "alias": "vera", "message": "to myself", "network_id": own_network });
    scene.hub.post(&scene.vera.token, "/api/message", body).await.ok();
    assert_eq!(own.next_type().await, "new_message", "her own network is hers");
}

/// Attack 17 (hub-limits §3).
#[tokio::test]
async fn a_member_who_becomes_a_viewer_listens_on_and_works_no_more() {
    let mut scene = Scene::set().await;
    let ([mut hers], mut its) = scene.streams([&scene.vera.token]).await;
    scene.recheck().await;
    scene.member("PUT", json!({ "role": "viewer" })).await;
    scene.recheck().await;
    assert_eq!(its.next_type().await, "end", "a node that may not work does not count as connected");
    let path = format!("/events/hers?instance_id={}", scene.node.instance);
    scene.hub.get(&scene.node.token, &path).await.refused(403, "permission_denied");
    let claim = json!({ "instance_id": scene.node.instance, "max": 1 });
    scene.hub.post(&scene.node.token, "/api/node/claim", claim).await.refused(403, "permission_denied");
    scene.hub.post(&scene.vera.token, "/api/task", scene.send()).await.refused(403, "permission_denied");
    scene.ring().await;
    assert_eq!(hers.next_type().await, "new_message");
}

/// Attack 17 (hub-limits §3).
#[tokio::test]
async fn of_a_network_that_is_deleted_nobody_hears_anything_more() {
    let mut scene = Scene::set().await;
    let key = scene.key("readonly", Some(&scene.owner.network_id)).await;
    let ([mut hers, mut by_key], mut its) = scene.streams([&scene.vera.token, &key]).await;
    scene.recheck().await;
    let path = format!("/api/networks/{}", scene.owner.network_id);
    scene.hub.delete(&scene.owner.token, &path).await.refused(409, "network_busy");
    scene.hub.delete(&scene.owner.token, &format!("{path}?force=true")).await.ok();
    for stream in [&mut hers, &mut by_key, &mut its] {
        assert_eq!(stream.next_type().await, "end");
    }
    scene.hub.post(&scene.vera.token, "/api/task", scene.send()).await.refused(403, "access_denied");
    for token in [&key, &scene.node.token, &scene.owner.network_token] {
        scene.hub.get(token, "/api/tasks").await.refused(401, "invalid_token");
    }
    scene.recheck().await;
    assert_eq!(scene.hub.get("", "/health").await.ok()["sse_connections"], 0);
}

/// Attack 17 (hub-limits §3): the change comes from another process on the hub's host.
#[tokio::test]
async fn what_the_console_takes_away_is_gone_in_the_running_hub_too() {
    let mut scene = Scene::set().await;
    let ([mut hers], mut its) = scene.streams([&scene.vera.token]).await;
    scene.recheck().await;
    let database = scene.hub.hub.settings().database.clone();
    let console = Console::open(database, scene.hub.clock.clone(), SeededEntropy::new(5), "pid 1 uid 0".to_owned())
        .await
        .unwrap();
    let reset = console.reset_user("vera").await.unwrap();
    console.close().await;
    assert_eq!(reset.revoked, 1);
    scene.hub.get(&scene.vera.token, "/api/auth/me").await.refused(401, "invalid_token");
    scene.recheck().await;
    assert_eq!(hers.next_type().await, "end");
    scene.ring().await;
    assert_eq!(its.next_type().await, "new_task", "nodes run on");
    let log = scene.hub.get(&scene.owner.token, "/api/audit-log?action=password_reset_by_admin").await.ok();
    assert_eq!((&log["count"], &log["logs"][0]["actor_kind"]), (&json!(1), &json!("console")));
}

/// Attack 17 (hub-limits §3): time takes access away as well.
#[tokio::test]
async fn an_expired_token_hears_nothing_more() {
    let mut scene = Scene::set().await;
    let body = json!({ "scope": "readonly", "network_id": scene.owner.network_id, "expires_in": 3600 });
    let made = scene.hub.post(&scene.vera.token, "/api/auth/tokens", body).await.ok();
    let key = made["token"].as_str().unwrap();
    let ([mut hers, mut by_key], mut its) = scene.streams([&scene.vera.token, key]).await;
    scene.recheck().await;
    scene.hub.clock.advance(3599);
    scene.hub.get(key, "/api/tasks").await.ok();
    scene.hub.get(&scene.vera.token, "/api/tasks").await.ok();
    scene.hub.hub.save_uses().await.unwrap();
    scene.hub.clock.advance(1);
    scene.hub.get(key, "/api/tasks").await.refused(401, "token_expired");
    scene.recheck().await;
    assert_eq!(by_key.next_type().await, "end");
    scene.hub.clock.advance(7 * 24 * 3600);
    scene.recheck().await;
    assert_eq!(hers.next_type().await, "end", "a login that is not used ends");
    scene.hub.get(&scene.vera.token, "/api/tasks").await.refused(401, "token_expired");
    let login = json!({ "username": "owner", "password": PASSWORD });
    let login = scene.hub.post("", "/api/auth/login", login).await.ok();
    let send = json!({ "alias": "hers", "task": "x", "network_id": scene.owner.network_id });
    scene.hub.post(login["token"].as_str().unwrap(), "/api/task", send).await.ok();
    assert_eq!(its.next_type().await, "new_task");
}

/// Attack 17 (hub-limits §3): on one connection, in one write.
#[tokio::test(flavor = "multi_thread")]
async fn requests_that_are_on_their_way_when_a_token_goes_are_judged_without_it() {
    let hub = Served::start(|_| {}).await;
    let (node, node_id) = hub.node().await;
    hub.register(&node, &node_id, "i_1").await;
    let body = json!({ "username": "alice", "password": PASSWORD });
    let login = hub.post("", "/api/auth/login", &body).await;
    let (token, token_id) = (login["token"].as_str().unwrap(), login["token_id"].as_str().unwrap());
    let mut stream = hub.connect().await;
    let listen = format!(
        "GET /events/alice HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nauthorization: {}\r\n\r\n",
        bearer(token)
    );
    stream.write_all(listen.as_bytes()).await.unwrap();
    let mut seen = Vec::new();
    while !String::from_utf8_lossy(&seen).contains("\"connected\"") {
        assert_ne!(stream.read_buf(&mut seen).await.unwrap(), 0, "{}", String::from_utf8_lossy(&seen));
    }
    let task = json!({ "alias": "counter", "task": "x" }).to_string();
    let send = |connection: &str| {
        format!(
            "POST /api/task HTTP/1.1\r\nhost: localhost\r\nauthorization: {}\r\ncontent-type: application/json\r\n\
             connection: {connection}\r\ncontent-length: {}\r\n\r\n{task}",
            bearer(token),
            task.len()
        )
    };
    let revoke = format!(
        "DELETE /api/auth/tokens/{token_id} HTTP/1.1\r\nhost: localhost\r\nauthorization: {}\r\n\r\n",
        bearer(token)
    );
    let mut pipeline = hub.connect().await;
    let bytes = [send("keep-alive"), revoke, send("keep-alive"), send("close")].concat();
    pipeline.write_all(bytes.as_bytes()).await.unwrap();
    let mut answers = String::new();
    timeout(PATIENCE, pipeline.read_to_string(&mut answers)).await.expect("the hub does not answer").unwrap();
    let statuses: Vec<&str> = answers.match_indices("HTTP/1.1 ").map(|(at, _)| &answers[at + 9..at + 12]).collect();
    assert_eq!(statuses, ["200", "200", "401", "401"]);
    timeout(PATIENCE, stream.read_to_end(&mut seen)).await.expect("the stream stays open").unwrap();
    hub.stop().await;
}

/// Attack 17 (hub-limits §3): the hub looks by itself.
#[tokio::test(flavor = "multi_thread")]
async fn a_served_hub_ends_the_streams_of_whom_the_console_resets() {
    let hub = Served::start(|_| {}).await;
    let (_, _) = hub.node().await;
    let body = json!({ "username": "alice", "password": PASSWORD });
    let login = hub.post("", "/api/auth/login", &body).await;
    let mut stream = hub.connect().await;
    let listen = format!(
        "GET /events/alice HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nauthorization: {}\r\n\r\n",
        bearer(login["token"].as_str().unwrap())
    );
    stream.write_all(listen.as_bytes()).await.unwrap();
    let mut seen = Vec::new();
    while !String::from_utf8_lossy(&seen).contains("\"connected\"") {
        assert_ne!(stream.read_buf(&mut seen).await.unwrap(), 0);
    }
    let clock: Arc<crate::tests::kit::TestClock> = Arc::clone(&hub.clock);
    let database = hub.directory.path().join("hub.db");
    let console = Console::open(database, clock, SeededEntropy::new(5), "pid 1 uid 0".to_owned()).await.unwrap();
    console.reset_user("alice").await.unwrap();
    console.close().await;
    timeout(PATIENCE, stream.read_to_end(&mut seen)).await.expect("the stream stays open").unwrap();
    hub.stop().await;
}

/// Attack 18 (hub-limits §3).
#[tokio::test]
async fn the_token_of_a_deleted_node_is_dead_for_good() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    let old = hub.running(&alice, "counter").await;
    let mut stream = hub.listen_as(&old, None).await;
    hub.delete(&alice.token, "/api/nodes/counter").await.ok();
    assert_eq!(stream.next_type().await, "node_deleted");
    assert_eq!(stream.next_type().await, "end");
    let dead = async |token: String| {
        let task = json!({ "alias": "counter", "task": "x" });
        hub.post(&token, "/api/task", task).await.refused(401, "invalid_token");
        hub.register(&Run { token: token.clone(), ..old.clone() }, &[]).await.refused(401, "invalid_token");
        hub.get(&token, "/api/nodes").await.refused(401, "invalid_token");
    };
    dead(old.token.clone()).await;
    let new = hub.running(&alice, "counter").await;
    assert_ne!(new.node_id, old.node_id);
    dead(old.token.clone()).await;
    // Under the very same id as well.
    hub.delete(&alice.token, "/api/nodes/counter").await.ok();
    let body = json!({ "network_id": alice.network_id, "node_name": "counter", "node_id": old.node_id });
    hub.post(&alice.token, "/api/auth/node-token", body).await.ok();
    dead(old.token.clone()).await;
    dead(new.token).await;
}

/// Attack 18 (hub-limits §3).
#[tokio::test]
async fn a_token_that_was_kept_is_no_token_of_the_next_node_of_that_name() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    let old = hub.running(&alice, "counter").await;
    hub.delete(&alice.token, "/api/nodes/counter?keep_token=true").await.ok();
    let body = json!({ "network_id": alice.network_id, "node_name": "counter", "node_id": old.node_id });
    let again = hub.post(&alice.token, "/api/auth/node-token", body).await.ok();
    assert_eq!(again["node_id"], old.node_id);
    hub.task(&alice.token, "counter", "x").await;
    hub.register(&old, &[]).await.refused(403, "node_token_required");
    let claim = json!({ "instance_id": old.instance, "max": 1 });
    hub.post(&old.token, "/api/node/claim", claim).await.refused(403, "node_token_required");
    hub.get(&old.token, "/events/counter?instance_id=i_1").await.refused(403, "node_token_required");
    hub.get(&old.token, "/api/nodes").await.ok();
}
