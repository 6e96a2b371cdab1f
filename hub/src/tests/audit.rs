use futures_util::future::join_all;
use serde_json::{Value, json};

use super::kit::{PASSWORD, TestHub};
use crate::audit::AuditEntry;
use crate::error::Refusal;
use crate::work::sweep::tidy;

fn action(row: &Value) -> &str {
    row["action"].as_str().unwrap()
}

/// D-16, D-22
#[tokio::test]
async fn what_people_do_is_written_down_with_who_where_and_by_which_token() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    hub.node(&alice, "counter").await;
    let network = json!(alice.network_id);
    let task = hub.task(&alice.token, "counter", "a text that is nobody's business").await;
    hub.post(&alice.token, &format!("/api/task/{task}/cancel"), json!({})).await.ok();
    hub.post(&alice.token, "/api/message", json!({ "alias": "counter", "message": "psst" })).await.ok();
    hub.put(&alice.token, "/api/auth/me", json!({ "email": "alice@example.org" })).await.ok();
    hub.delete(&alice.token, &format!("/api/nodes/counter?network_id={}", alice.network_id)).await.ok();
    let rows = hub.audit(&alice).await;
    let expected = [
        ("register", &network),
        ("node_token_created", &network),
        ("task_sent", &network),
        ("task_cancelled", &network),
        ("message_sent", &network),
        ("profile_changed", &Value::Null),
        ("node_deleted", &network),
    ];
    let seen: Vec<(&str, &Value)> = rows.iter().map(|row| (action(row), &row["network_id"])).collect();
    assert_eq!(seen, expected);
    for row in &rows[1..] {
        assert_eq!((&row["username"], &row["actor_kind"]), (&json!("alice"), &json!("user")));
        assert!(row["actor_id"].as_str().unwrap().starts_with("tok_"), "{row}");
    }
    let text = Value::from(rows).to_string();
    assert!(!text.contains("business") && !text.contains("psst"), "no contents");
}

#[tokio::test]
async fn refusals_are_written_down_with_the_name_and_what_was_tried() {
    let hub = TestHub::open().await;
    let admin = hub.person("admin").await;
    let bob = hub.person("bob").await;
    hub.get(&bob.token, "/api/users").await.refused(403, "admin_required");
    hub.get("utok_0123456789abcdef0123456789abcdef", "/api/tasks").await.refused(401, "invalid_token");
    let rows = hub.audit(&admin).await;
    let refused: Vec<(&Value, &str)> = rows
        .iter()
        .filter(|row| action(row) == "access_refused")
        .map(|row| (&row["username"], row["detail"].as_str().unwrap()))
        .collect();
    let expected = [(&json!("bob"), "GET /api/users: admin_required"), (&Value::Null, "GET /api/tasks: invalid_token")];
    assert_eq!(refused, expected);
}

#[tokio::test]
async fn a_members_refusal_stands_in_the_log_of_the_network() {
    let hub = TestHub::open().await;
    hub.person("admin").await;
    let alice = hub.person("alice").await;
    let bob = hub.person("bob").await;
    hub.join(&alice, "bob", "member").await;
    let path = format!("/api/networks/{}", alice.network_id);
    hub.put(&bob.token, &path, json!({ "name": "his" })).await.refused(403, "permission_denied");
    let rows = hub.get(&alice.token, &format!("/api/audit-log?network_id={}", alice.network_id)).await.ok();
    assert_eq!((action(&rows["logs"][0]), &rows["logs"][0]["username"]), ("access_refused", &json!("bob")));
}

/// D-25
#[tokio::test]
async fn the_log_is_paged_filtered_and_followed_without_gap_or_repeat() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    for number in 0..7 {
        hub.clock.advance(60);
        hub.post(&alice.token, "/api/networks", json!({ "name": format!("n{number}") })).await.ok();
    }
    let mut seen = Vec::new();
    let mut path = "/api/audit-log?limit=3".to_owned();
    loop {
        let page = hub.get(&alice.token, &path).await.ok();
        seen.extend(page["logs"].as_array().unwrap().iter().map(|row| row["id"].as_i64().unwrap()));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/api/audit-log?limit=3&cursor={cursor}");
    }
    assert_eq!(seen, (1..=8).rev().collect::<Vec<_>>());
    let count =
        async |query: &str| hub.get(&alice.token, &format!("/api/audit-log?{query}")).await.ok()["count"].clone();
    assert_eq!(count("action=network_created").await, 7);
    assert_eq!(count("username=nobody").await, 0);
    let rows = hub.audit(&alice).await;
    let third = rows[3]["created_at"].as_str().unwrap().to_owned();
    // D-17: both forms of a time mean the same.
    for since in [third.replace(' ', "%20"), third.replace(' ', "T") + "Z"] {
        assert_eq!(count(&format!("since={since}")).await, 5, "{since}");
        assert_eq!(count(&format!("until={since}")).await, 3, "{since}");
    }
    let after = hub.get(&alice.token, "/api/audit-log?after=6").await.ok();
    let ids: Vec<&Value> = after["logs"].as_array().unwrap().iter().map(|row| &row["id"]).collect();
    assert_eq!(ids, [&json!(7), &json!(8)]);
    for query in ["limit=0", "limit=201", "cursor=x", "after=1&cursor=1", "nonsense=1"] {
        hub.get(&alice.token, &format!("/api/audit-log?{query}")).await.refused(400, "invalid_input");
    }
}

/// D-25
#[tokio::test]
async fn an_owner_reads_the_lines_of_the_network_and_everybody_else_the_own_ones() {
    let hub = TestHub::open().await;
    hub.person("admin").await;
    let alice = hub.person("alice").await;
    let bob = hub.person("bob").await;
    hub.join(&alice, "bob", "member").await;
    let mint = json!({ "network_id": alice.network_id, "node_name": "his" });
    hub.post(&bob.token, "/api/auth/node-token", mint).await.ok();
    let path = format!("/api/audit-log?network_id={}", alice.network_id);
    let rows = hub.get(&alice.token, &path).await.ok();
    let actions: Vec<&str> = rows["logs"].as_array().unwrap().iter().map(action).collect();
    assert_eq!(actions, ["node_token_created", "member_added", "register"]);
    hub.get(&bob.token, &path).await.refused(403, "permission_denied");
    let own = hub.get(&bob.token, "/api/audit-log").await.ok();
    assert!(own["logs"].as_array().unwrap().iter().all(|row| row["username"] == "bob"));
    let other = format!("/api/audit-log?user_id={}", hub.user_id(&alice.token).await);
    hub.get(&bob.token, &other).await.refused(403, "admin_required");
}

#[tokio::test]
async fn the_log_is_written_out_as_csv_and_lines_of_json() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    hub.post(&alice.token, "/api/networks", json!({ "name": "=1+1,\"x\"" })).await.ok();
    let text = async |format: &str| hub.text(&alice.token, &format!("/api/audit-log?format={format}")).await;
    let (content_type, lines) = text("jsonl").await;
    assert_eq!(content_type, "application/jsonl");
    let rows: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows.len(), 2);
    let (content_type, sheet) = text("csv").await;
    assert_eq!(content_type, "text/csv; charset=utf-8");
    assert!(sheet.starts_with("id,created_at,user_id,username,"), "{sheet}");
    assert!(sheet.contains("\"'=1+1,\"\"x\"\"\""), "no spreadsheet takes a name for a formula: {sheet}");
}

#[tokio::test]
async fn old_lines_are_archived_found_and_part_of_the_chain() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    hub.clock.advance(100 * 24 * 3600);
    tidy(&hub.hub).await.unwrap();
    let login = json!({ "username": "alice", "password": PASSWORD });
    let login = hub.post("", "/api/auth/login", login).await.ok();
    let token = login["token"].as_str().unwrap();
    assert_eq!(hub.get(token, "/api/audit-log").await.ok()["count"], 2, "the archived one too");
    let verified = hub.get(token, "/api/audit-log/verify").await.ok();
    assert_eq!((&verified["intact"], &verified["rows"]), (&json!(true), &json!(2)));
    drop(alice);
}

#[tokio::test]
async fn what_a_system_admin_reads_of_foreign_networks_is_written_down_once_an_hour() {
    let hub = TestHub::open().await;
    let admin = hub.person("admin").await;
    let alice = hub.person("alice").await;
    let foreign = format!("/api/tasks?network_id={}", alice.network_id);
    let own = format!("/api/tasks?network_id={}", admin.network_id);
    for path in [&own, &foreign, &foreign] {
        hub.get(&admin.token, path).await.ok();
    }
    hub.get(&alice.token, &foreign).await.ok();
    let reads =
        async || hub.audit(&admin).await.into_iter().filter(|row| action(row) == "read_as_admin").collect::<Vec<_>>();
    let rows = reads().await;
    assert_eq!((rows.len(), &rows[0]["network_id"]), (1, &json!(alice.network_id)));
    hub.clock.advance(3600);
    hub.get(&admin.token, &foreign).await.ok();
    assert_eq!(reads().await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_that_are_rolled_back_beside_others_leave_no_gap_in_the_chain() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    let now = hub.hub.now();
    let changes = (0..40).map(|number| {
        hub.hub.write(async move |transaction| {
            transaction.insert_audit(&AuditEntry::anonymous(None, "login_failed", now)).await?;
            if number % 2 == 0 { Ok(()) } else { Err(Refusal::invalid("number", "even").into()) }
        })
    });
    let kept = join_all(changes).await.into_iter().flatten().count();
    let verified = hub.get(&alice.token, "/api/audit-log/verify").await.ok();
    assert_eq!((kept, &verified["intact"], &verified["rows"]), (20, &json!(true), &json!(21)), "{verified}");
}
