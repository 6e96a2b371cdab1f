//! Whoever carries the database off.

use std::path::Path;

use serde_json::json;

use super::tools::{HERE, ask};
use crate::console::Console;
use crate::store::tests::database::every_row;
use crate::tests::kit::{PASSWORD, SeededEntropy, TestHub};

/// Every byte of every file in a directory.
fn bytes_of(directory: &Path) -> Vec<u8> {
    let files = std::fs::read_dir(directory).unwrap();
    files.flat_map(|entry| std::fs::read(entry.unwrap().path()).unwrap()).collect()
}

/// Attack 19 (hub-limits §3).
#[tokio::test]
async fn nothing_in_it_lets_anybody_in() {
    let hub = TestHub::open_with(|settings| settings.session_secret = Some("a secret of the sessions".into())).await;
    let admin = hub.person("admin").await;
    let alice = hub.person("alice").await;
    let run = hub.running(&alice, "counter").await;
    let mut secrets = vec![PASSWORD.to_owned(), "a secret of the sessions".to_owned()];
    secrets.extend([&admin, &alice].iter().flat_map(|person| [person.token.clone(), person.network_token.clone()]));
    secrets.push(run.token.clone());
    for (token, path, body, field) in [
        (&alice.token, "/api/auth/login", json!({ "username": "alice", "password": PASSWORD }), "token"),
        (&alice.token, "/api/auth/tokens", json!({ "name": "ci" }), "token"),
        (&alice.token, "/api/auth/tokens", json!({ "scope": "readonly", "expires_in": 600 }), "token"),
        (&alice.token, "/api/auth/recovery-key", json!({ "password": PASSWORD }), "recovery_key"),
        (&alice.token, "/api/auth/ticket", json!({}), "ticket"),
        (&alice.token, &format!("/api/networks/{}/invite", alice.network_id), json!({}), "invite_code"),
        (&admin.token, "/api/admin/invites", json!({ "role": "admin" }), "invite_code"),
    ] {
        let made = hub.post(token, path, body).await.ok();
        secrets.push(made[field].as_str().unwrap().to_owned());
    }
    let headers = [("content-type", "application/json")];
    let body = json!({ "username": "alice", "password": PASSWORD }).to_string();
    let session = ask(&hub, HERE, ("POST", "/api/auth/session"), &headers, body).await;
    let mut cookies = Vec::new();
    for reply in [session] {
        for line in reply.headers.get_all("set-cookie") {
            cookies.push(line.to_str().unwrap().split(';').next().unwrap().to_owned());
        }
    }
    let renewed = ask(&hub, HERE, ("POST", "/api/auth/refresh"), &[("cookie", cookies[1].as_str())], "").await;
    for line in renewed.headers.get_all("set-cookie") {
        cookies.push(line.to_str().unwrap().split(';').next().unwrap().to_owned());
    }
    secrets.extend(cookies.iter().map(|cookie| cookie.split_once('=').unwrap().1.to_owned()));
    let body = json!({ "old_password": PASSWORD, "new_password": "another horse battery" });
    let changed = hub.post(&alice.token, "/api/auth/password", body).await.ok();
    secrets.extend([changed["token"].as_str().unwrap().to_owned(), "another horse battery".to_owned()]);
    let users = hub.get(&admin.token, "/api/users").await.ok();
    let reset = format!("/api/admin/users/{}/reset", users["users"][1]["user_id"].as_str().unwrap());
    let reset = hub.post(&admin.token, &reset, json!({})).await.ok();
    secrets.push(reset["password"].as_str().unwrap().to_owned());
    let database = hub.hub.settings().database.clone();
    let console = Console::open(database, hub.clock.clone(), SeededEntropy::new(5), "pid 1".to_owned()).await.unwrap();
    let login = console.admin_login(None).await.unwrap().unwrap();
    secrets.push(secrecy::ExposeSecret::expose_secret(&login.token).to_owned());
    console.close().await;
    hub.hub.save_uses().await.unwrap();

    let rows = every_row(&hub).await;
    assert!(rows.len() > 30, "{}", rows.len());
    let bytes = bytes_of(&hub.directory.path().join("hub"));
    for secret in &secrets {
        assert!(secret.len() >= 16, "{secret}");
        // The random part alone would do for somebody who knows the prefix.
        let body = secret.split_once('_').map_or(secret.as_str(), |(_, body)| body);
        for part in [body, &body[..body.len() - 6]] {
            let row = rows.iter().find(|row| row.contains(part));
            assert_eq!(row, None, "{secret}");
            assert!(!bytes.windows(part.len()).any(|window| window == part.as_bytes()), "{secret} is in a file");
        }
    }
    for row in rows.iter().filter(|row| row.starts_with("users: ")) {
        assert!(row.contains("$argon2id$v=19$m=19456,t=2,p=1$"), "{row}");
    }
}

/// Attack 19 (hub-limits §3): what is stored is not what is asked for.
#[tokio::test]
async fn a_digest_out_of_it_is_no_token() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    hub.post(&alice.token, "/api/auth/recovery-key", json!({ "password": PASSWORD })).await.ok();
    let rows = every_row(&hub).await.join(" ");
    let digests: Vec<&str> =
        rows.split('\'').filter(|cell| cell.len() == 64 && cell.chars().all(|c| c.is_ascii_hexdigit())).collect();
    assert!(digests.len() > 3, "{digests:?}");
    for digest in digests {
        for token in [digest.to_owned(), format!("utok_{digest}"), format!("utok_{}", &digest[..32])] {
            hub.get(&token, "/api/auth/me").await.refused(401, "invalid_token");
            let body = json!({ "username": "alice", "recovery_key": token, "new_password": "another horse battery" });
            hub.post("", "/api/auth/recover", body).await.refused(401, "invalid_recovery_key");
        }
        hub.post("", "/api/auth/login", json!({ "username": "alice", "password": digest }))
            .await
            .refused(401, "invalid_credentials");
        hub.clock.advance(1000);
    }
}
