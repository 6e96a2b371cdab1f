//! Names that are more than names.

use serde_json::json;

use super::tools::{HERE, ask, bearer};
use crate::tests::kit::{PASSWORD, Run, TestHub};

/// What no name of anything may be.
fn hostile() -> Vec<String> {
    let mut names: Vec<String> = [
        "../../etc/passwd",
        "..\\..\\x",
        "/etc/passwd",
        "..",
        ".",
        "a/b",
        "a\\b",
        "-rf",
        "--help",
        "a\nb",
        "a\r\nb",
        "a\tb",
        "a\0b",
        "a\u{7f}b",
        "a\u{85}b",
        "\u{1b}[31mred",
        " a",
        "a ",
        "",
        // Seen as something else than they are.
        "a\u{202e}cod.exe",
        "a\u{200f}b",
        "a\u{61c}b",
        "a\u{2066}b\u{2069}",
        "a\u{200b}b",
        "a\u{ad}b",
        "a\u{3164}b",
        "a\u{fe0f}b",
        "a\u{e0041}b",
        "\u{feff}a",
        "a\u{2028}b",
    ]
    .map(str::to_owned)
    .to_vec();
    names.push("a".repeat(300));
    names.push("é".repeat(150));
    names
}

/// Attack 54 (hub-limits §3).
#[tokio::test]
async fn no_agent_is_called_anything_that_is_a_path_an_option_or_not_seen() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    let run = hub.running(&alice, "counter").await;
    let more = ["a b", "CON:", "a:b", "a*", "a?b", "a|b", "<a>", "\"a\"", "cafe\u{301}"].map(str::to_owned);
    for name in hostile().into_iter().chain(more) {
        let body = json!({ "network_id": alice.network_id, "node_name": name });
        hub.post(&alice.token, "/api/auth/node-token", body).await.refused(400, "invalid_input");
        let body = json!({ "network_id": alice.network_id, "old_alias": "counter", "new_alias": name });
        hub.post(&alice.token, "/api/node-rename/prepare", body).await.refused(400, "invalid_input");
        let mask = Run { alias: name.clone(), ..run.clone() };
        hub.register(&mask, &[]).await.refused(409, "node_identity_conflict");
        let mask = Run { instance: name.clone(), ..run.clone() };
        if name != "a".repeat(300) {
            assert!([400, 409].contains(&hub.register(&mask, &[]).await.status.as_u16()), "{name:?}");
        }
        // Behind its prefix an id begins with anything.
        if !name.starts_with('-') {
            let body = json!({ "network_id": alice.network_id, "node_name": "other", "node_id": format!("n_{name}") });
            hub.post(&alice.token, "/api/auth/node-token", body).await.refused(400, "invalid_input");
        }
    }
    let nodes = hub.get(&alice.token, "/api/nodes").await.ok();
    assert_eq!((&nodes["count"], &nodes["nodes"][0]["alias"]), (&json!(1), &json!("counter")));
}

/// Attack 54 (hub-limits §3).
#[tokio::test]
async fn nobody_is_called_anything_that_is_a_path_an_option_or_not_seen() {
    let hub = TestHub::open().await;
    let more = ["a", "a b", "a@b", "a.b", "аdmin", "ａdmin", "adm\u{131}n", "💡💡", "café", "ß§"].map(str::to_owned);
    for name in hostile().into_iter().chain(more) {
        // These two could be words of a command, but are names: `anet` takes names behind `--`.
        if name == "-rf" || name == "--help" {
            continue;
        }
        let body = json!({ "username": name, "password": PASSWORD });
        hub.post("", "/api/auth/register", body).await.refused(400, "invalid_input");
    }
    assert_eq!(hub.get("", "/api/auth/status").await.ok()["setup_needed"], true);
    let alice = hub.person("alice").await;
    for text in ["a\nb", "a\u{202e}b", "\u{1b}[31m", &"x".repeat(300)] {
        for field in ["display_name", "email"] {
            let body = json!({ field: text }).to_string();
            let authorization = bearer(&alice.token);
            let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
            ask(&hub, HERE, ("PUT", "/api/auth/me"), &headers, body).await.refused(400, "invalid_input");
        }
    }
}

/// Attack 54 (hub-limits §3).
#[tokio::test]
async fn no_network_is_called_anything_that_is_a_path_an_option_or_not_seen() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    let path = format!("/api/networks/{}", alice.network_id);
    for name in hostile().into_iter().chain([alice.network_id.clone(), "net_x".to_owned()]) {
        hub.post(&alice.token, "/api/networks", json!({ "name": name })).await.refused(400, "invalid_input");
        let authorization = bearer(&alice.token);
        let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
        let body = json!({ "name": name }).to_string();
        ask(&hub, HERE, ("PUT", &path), &headers, body).await.refused(400, "invalid_input");
    }
    for text in ["a\nb", "a\u{202e}b", &"x".repeat(600)] {
        let body = json!({ "name": "more", "description": text });
        hub.post(&alice.token, "/api/networks", body).await.refused(400, "invalid_input");
    }
    assert_eq!(hub.get(&alice.token, "/api/networks").await.ok()["networks"].as_array().unwrap().len(), 1);
    for name in ["research", "Team Nord", "前端", "v1.2 (old)", "a-b_c"] {
        hub.post(&alice.token, "/api/networks", json!({ "name": name })).await.ok();
    }
}
