//! Questions that ask for too much, or for something else than they seem to.

use std::fmt::Write as _;

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::tools::{HERE, ask, bearer};
use crate::openapi;
use crate::store::tests::database::every_row;
use crate::tests::kit::TestHub;

/// Attack 40 (hub-limits §3).
#[tokio::test(flavor = "multi_thread")]
async fn no_list_is_longer_than_a_page_whatever_is_asked_for() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    hub.node(&alice, "counter").await;
    let task = json!({ "alias": "counter", "task": "x" });
    for _ in 0..6 {
        join_all((0..100).map(|_| hub.post(&alice.token, "/api/task", task.clone()))).await;
    }
    let length = |body: &Value, field: &str| body[field].as_array().unwrap().len();
    for limit in ["1000000000", "4294967295", "201", "0"] {
        for (path, field, most) in
            [("/api/tasks", "tasks", 200), ("/api/task_events", "events", 500), ("/api/messages", "messages", 500)]
        {
            let list = hub.get(&alice.token, &format!("{path}?limit={limit}")).await.ok();
            assert!(length(&list, field) <= most, "{path} {limit}");
        }
        hub.get(&alice.token, &format!("/api/audit-log?limit={limit}")).await.refused(400, "invalid_input");
    }
    for limit in ["-1", "4294967296", "1e9", "x", "1.5", "", "0x10"] {
        for path in ["/api/tasks", "/api/task_events", "/api/messages", "/api/audit-log"] {
            hub.get(&alice.token, &format!("{path}?limit={limit}")).await.refused(400, "invalid_input");
        }
    }
    hub.get(&alice.token, "/api/audit-log?format=jsonl&limit=10001").await.refused(400, "invalid_input");
    for path in ["/api/tasks", "/api/task_events", "/api/messages", "/api/audit-log"] {
        for offset in ["offset=1000000000", "page=1000000000", "skip=1"] {
            hub.get(&alice.token, &format!("{path}?{offset}")).await.refused(400, "invalid_input");
        }
        for cursor in ["x", "9223372036854775808", "1;DROP", "", "1.5"] {
            hub.get(&alice.token, &format!("{path}?cursor={cursor}")).await.refused(400, "invalid_input");
        }
        for cursor in ["-9223372036854775808", "-1", "0"] {
            let page = hub.get(&alice.token, &format!("{path}?cursor={cursor}")).await.ok();
            let field = ["tasks", "events", "messages", "logs"].into_iter().find(|field| page[field].is_array());
            assert_eq!(length(&page, field.unwrap()), 0, "{path} {cursor}");
        }
        hub.get(&alice.token, &format!("{path}?cursor=9223372036854775807")).await.ok();
    }
}

/// What would be more than a value if it were written into a statement.
const INJECTIONS: [&str; 12] = [
    "' OR '1'='1",
    "' OR 1=1 --",
    "'; DROP TABLE tasks; --",
    "x' UNION SELECT password_hash, 1, 2, 3 FROM users --",
    "%",
    "_",
    "*",
    "\" OR \"\"=\"",
    "\\",
    "1) OR (1=1",
    "$1",
    "' || (SELECT digest FROM api_tokens) || '",
];

/// Every byte as a URL may have it.
fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut url, byte| {
        write!(url, "%{byte:02x}").unwrap();
        url
    })
}

/// Attack 40 (hub-limits §3), with statements in it.
#[tokio::test]
async fn no_text_in_a_question_is_taken_for_a_part_of_the_statement() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    hub.node(&alice, "counter").await;
    let task = hub.task(&alice.token, "counter", "secret").await;
    let document = serde_json::to_value(openapi()).unwrap();
    let before = every_row(&hub).await;
    let mut asked = 0;
    let authorization = bearer(&alice.token);
    let headers = [("authorization", authorization.as_str())];
    for (path, operations) in document["paths"].as_object().unwrap() {
        let Some(get) = operations.get("get") else { continue };
        let Some(parameters) = get["parameters"].as_array() else { continue };
        for parameter in parameters.iter().filter(|parameter| parameter["in"] != "header") {
            let name = parameter["name"].as_str().unwrap();
            for injection in INJECTIONS {
                let encoded = encoded(injection);
                let asked_path = if parameter["in"] == "path" {
                    path.replace(&format!("{{{name}}}"), &encoded)
                } else {
                    let ids = path.replace("{task_id}", &task).replace("{network_id}", &alice.network_id);
                    format!("{}?{name}={encoded}", ids.replace("{name}", "nobody"))
                };
                let reply = ask(&hub, HERE, ("GET", &asked_path), &headers, "").await;
                asked += 1;
                assert!(reply.status == 200 || reply.status.is_client_error(), "{asked_path}: {:#}", reply.body);
                for field in ["tasks", "events", "messages", "logs", "nodes", "sessions"] {
                    // `/api/status` counts the tasks of the network, whichever agents are asked for.
                    let listed = reply.body[field].as_array().filter(|_| *path != "/api/status" || field != "tasks");
                    let found = listed.map_or(0, Vec::len);
                    assert_eq!(found, 0, "{asked_path} {field}: {:#}", reply.body);
                }
                assert!(!reply.body.to_string().contains("argon2"), "{asked_path}");
            }
        }
    }
    assert!(asked > 250, "{asked}");
    for injection in INJECTIONS {
        for (path, body) in [
            ("/api/task", json!({ "alias": injection, "task": "x" })),
            ("/api/message", json!({ "alias": injection, "message": "x" })),
            ("/api/auth/login", json!({ "username": injection, "password": injection })),
            ("/api/networks/join", json!({ "invite_code": injection })),
        ] {
            let reply = hub.post(&alice.token, path, body).await;
            assert!(reply.status.is_client_error(), "{path} {injection}: {:#}", reply.body);
        }
    }
    let is_kept = |row: &&String| !["audit_", "login_", "rate_"].iter().any(|start| row.starts_with(start));
    let after = every_row(&hub).await;
    assert_eq!(before.iter().filter(is_kept).collect::<Vec<_>>(), after.iter().filter(is_kept).collect::<Vec<_>>());
}
