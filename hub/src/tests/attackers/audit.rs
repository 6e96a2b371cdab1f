//! Lines of the audit log: forged, cut, changed, prevented.

use anet_protocol::rest::AuditVerified;
use serde_json::{Value, json};

use super::tools::{HERE, ask, bearer};
use crate::audit::verify::walk;
use crate::store::tests::database::{
    FORBIDDEN, TAMPERINGS, UNWRITE, break_audit, mend_audit, note_down, refuses, rewrite_audit, tamper,
};
use crate::tests::kit::{Person, TestHub};
use crate::work::sweep::tidy;

async fn verified(hub: &TestHub, admin: &Person, anchor: Option<&str>) -> Value {
    let query = anchor.map_or(String::new(), |anchor| format!("?anchor={anchor}"));
    hub.get(&admin.token, &format!("/api/audit-log/verify{query}")).await.ok()
}

/// A hub with a dozen lines.
async fn written() -> (TestHub, Person) {
    let hub = TestHub::open().await;
    let admin = hub.person("admin").await;
    for number in 0..12 {
        hub.post(&admin.token, "/api/networks", json!({ "name": format!("network {number}") })).await.ok();
    }
    (hub, admin)
}

/// Attack 64 (hub-limits §3).
#[tokio::test]
async fn a_hostile_text_is_one_line_without_control_characters_in_every_form() {
    let (hub, admin) = written().await;
    let hostile = [
        "a\r\n2026-01-01 admin login ok\r\n",
        "\u{1b}[2J\u{1b}[31mred\u{7}",
        "\u{0}\u{8}\u{7f}\u{9b}31m",
        "\",\"hash\":\"x\"}\n{\"id\":1",
        "=HYPERLINK(\"http://evil.example\")",
        "@SUM(1+1)*cmd|' /C calc'!A0",
        "</script><script>alert(1)</script>",
    ];
    for text in hostile {
        note_down(&hub, text.to_owned()).await;
        hub.post("", "/api/auth/login", json!({ "username": text, "password": "x" }))
            .await
            .refused(401, "invalid_credentials");
        hub.clock.advance(1000);
    }
    note_down(&hub, "x".repeat(1024 * 1024)).await;
    let rows = verified(&hub, &admin, None).await["rows"].as_u64().unwrap();
    let rows = usize::try_from(rows).unwrap();
    let authorization = bearer(&admin.token);
    let headers = [("authorization", authorization.as_str())];
    for format in ["jsonl", "csv"] {
        let path = format!("/api/audit-log?format={format}");
        let export = ask(&hub, HERE, ("GET", &path), &headers, "").await.body;
        let text = export.as_str().unwrap();
        let lines = rows + usize::from(format == "csv");
        assert_eq!(text.lines().count(), lines, "{format}");
        assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{format}");
        assert!(text.len() < 100_000, "{format}: a megabyte is not kept");
        if format == "jsonl" {
            assert!(text.lines().all(|line| serde_json::from_str::<Value>(line).unwrap()["id"].is_number()));
        } else {
            assert!(!text.contains(",=") && !text.contains(",\"=") && !text.contains(",@") && !text.contains(",\"@"));
        }
    }
    assert_eq!(verified(&hub, &admin, None).await["intact"], true);
}

/// Attack 64 (hub-limits §3).
#[tokio::test]
async fn the_database_itself_neither_changes_nor_cuts_the_log() {
    let (hub, admin) = written().await;
    for statement in &FORBIDDEN[..2] {
        assert!(refuses(&hub, statement).await, "{statement}");
    }
    hub.clock.advance(91 * 24 * 3600);
    tidy(&hub.hub).await.unwrap();
    for statement in &FORBIDDEN[2..] {
        assert!(refuses(&hub, statement).await, "{statement}");
    }
    let mut reads = hub.hub.read().await.unwrap();
    let AuditVerified { intact, rows, .. } = walk(&mut *reads, None).await.unwrap();
    assert!(intact && rows > 12, "archived rows are part of the chain");
    drop((reads, admin));
}

/// Attack 64 (hub-limits §3).
#[tokio::test]
async fn every_change_of_the_log_shows() {
    for (statement, problem) in TAMPERINGS {
        let (hub, admin) = written().await;
        assert_eq!(verified(&hub, &admin, None).await["intact"], true);
        tamper(&hub, statement).await;
        let told = verified(&hub, &admin, None).await;
        assert_eq!(told["intact"], false, "{statement}");
        assert!(told["problem"].as_str().unwrap().contains(problem), "{statement}: {told:#}");
    }
}

/// Attack 64 (hub-limits §3): whoever writes the whole chain anew is told by what was written down elsewhere.
#[tokio::test]
async fn a_log_that_was_written_anew_shows_by_an_old_anchor() {
    let (hub, admin) = written().await;
    let anchor = verified(&hub, &admin, None).await["head"].as_str().unwrap().to_owned();
    hub.post(&admin.token, "/api/networks", json!({ "name": "later" })).await.ok();
    assert_eq!(verified(&hub, &admin, Some(&anchor)).await["intact"], true);
    rewrite_audit(&hub, |row| {
        if row.id == 5 {
            row.detail = Some("forged".to_owned());
        }
    })
    .await;
    assert_eq!(verified(&hub, &admin, None).await["intact"], true, "in itself it holds");
    let told = verified(&hub, &admin, Some(&anchor)).await;
    assert_eq!(told["problem"], "the log was written anew since the anchor was taken");
}

/// Attack 64 (hub-limits §3).
#[tokio::test]
async fn a_log_that_was_cut_at_its_end_shows_by_an_old_anchor() {
    let (hub, admin) = written().await;
    let anchor = verified(&hub, &admin, None).await["head"].as_str().unwrap().to_owned();
    tamper(&hub, UNWRITE).await;
    assert_eq!(verified(&hub, &admin, None).await["intact"], true, "in itself it holds");
    assert_eq!(verified(&hub, &admin, Some(&anchor)).await["intact"], false);
    for anchor in ["", "x", "5", "5:", ":x", "9999:x", "-1:x"] {
        let reply = hub.get(&admin.token, &format!("/api/audit-log/verify?anchor={anchor}")).await;
        assert!(reply.status == 400 || reply.body["intact"] == false, "{anchor}: {}", reply.body);
    }
}

/// Attack 64 (hub-limits §3).
#[tokio::test]
async fn what_cannot_be_written_down_is_not_done() {
    let hub = TestHub::open().await;
    let admin = hub.person("admin").await;
    hub.node(&admin, "counter").await;
    break_audit(&hub).await;
    let network = &admin.network_id;
    for (path, body) in [
        ("/api/networks", json!({ "name": "more" })),
        ("/api/auth/tokens", json!({})),
        ("/api/admin/invites", json!({})),
        (&*format!("/api/networks/{network}/invite"), json!({})),
        ("/api/auth/node-token", json!({ "network_id": network, "node_name": "more" })),
        ("/api/task", json!({ "alias": "counter", "task": "x" })),
        ("/api/auth/recovery-key", json!({})),
        ("/api/auth/sessions/revoke-others", json!({})),
        ("/api/auth/register", json!({ "username": "mallory", "password": crate::tests::kit::PASSWORD })),
        ("/api/auth/login", json!({ "username": "admin", "password": crate::tests::kit::PASSWORD })),
    ] {
        let reply = hub.post(&admin.token, path, body).await;
        assert!(reply.status.is_server_error(), "{path}: {}", reply.body);
    }
    mend_audit(&hub).await;
    assert_eq!(hub.get(&admin.token, "/api/networks").await.ok()["networks"].as_array().unwrap().len(), 1);
    assert_eq!(hub.get(&admin.token, "/api/auth/tokens").await.ok()["tokens"].as_array().unwrap().len(), 3);
    assert_eq!(hub.get(&admin.token, "/api/admin/invites").await.ok()["invites"], json!([]));
    assert_eq!(hub.get(&admin.token, "/api/nodes").await.ok()["count"], 1);
    assert_eq!(hub.get(&admin.token, "/api/tasks").await.ok()["count"], 0);
    assert_eq!(hub.get(&admin.token, "/api/users").await.ok()["users"].as_array().unwrap().len(), 1);
    hub.post(&admin.token, "/api/networks", json!({ "name": "more" })).await.ok();
    assert_eq!(verified(&hub, &admin, None).await["intact"], true);
}
