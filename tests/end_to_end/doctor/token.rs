use std::fs;
use std::path::PathBuf;

use anet_tests::wait_until;
use serde_json::Value;

use super::{all_bad, bad, edit, healthy, only, snapshot};

#[test]
fn a_login_that_has_ended_is_said_once_and_nothing_is_repaired_with_it() {
    let (world, _url) = healthy();
    for index in 0..3 {
        world.create_node(&format!("other{index}"), "cat");
    }
    for name in ["other0", "other1", "other2"] {
        edit(&world.node_directory(name).join("config.json"), |fields| drop(fields.remove("token")));
    }
    let before = snapshot(&world);
    edit(&world.home.join(".anet/config.json"), |fields| {
        let token = fields["token"].as_str().unwrap().to_owned();
        fields.insert("note".to_owned(), token.into());
        fields.remove("token");
    });
    let run = world.anet(&["doctor", "--fix"]).failed(1);
    assert_eq!(run.stdout.matches("renewing tokens needs a login").count(), 1, "{run:?}");
    edit(&world.home.join(".anet/config.json"), |fields| {
        let token = fields.remove("note").unwrap();
        fields.insert("token".to_owned(), token);
    });
    let nodes = |files: &[(PathBuf, u32, Vec<u8>)]| -> Vec<_> {
        files.iter().filter(|file| file.0.starts_with(&world.project)).cloned().collect()
    };
    assert_eq!(nodes(&snapshot(&world)), nodes(&before));
}

#[test]
fn the_login_of_the_hubs_host_is_renewed_when_it_has_ended() {
    let (world, _url) = healthy();
    let path = world.home.join(".anet/server/admin-utok.json");
    let dead = world.json_file(".anet/server/admin-utok.json")["token"].as_str().unwrap().to_owned();
    let sessions = world.anet(&["session", "ls", "--json"]).done().json();
    let rows = sessions["sessions"].as_array().unwrap();
    let of_file = rows.iter().find(|row| row["client_label"] == "admin-utok.json").expect("it is a session");
    let _ended = world.anet(&["session", "revoke", of_file["token_id"].as_str().unwrap()]).done();
    only(&world.anet(&["doctor", "--json"]).done(), "admin_login", "warning", "ended");
    let fixed = world.anet(&["doctor", "--fix"]).done();
    assert!(
        fixed.stdout.contains("repaired   login of the hub's host: it has ended → a new login of admin"),
        "{fixed:?}"
    );
    let new: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    assert_ne!(new["token"], dead.as_str());
}

#[test]
fn a_refused_or_missing_token_is_renewed_in_the_nodes_own_network() {
    let (world, _url) = healthy();
    world.create_node("reader", "cat");
    let config_of = |name: &str| world.node_directory(name).join("config.json");
    let token_of = |name: &str| {
        let config: Value = serde_json::from_str(&fs::read_to_string(config_of(name)).unwrap()).unwrap();
        (config["token"].as_str().unwrap_or_default().to_owned(), config["network_id"].clone())
    };
    let (writer, network) = token_of("writer");
    let listed = world.anet(&["token", "ls", "--json"]).done().json();
    let tokens = listed["tokens"].as_array().unwrap();
    let row = tokens.iter().find(|row| row["name"] == "node:writer");
    let row = row.unwrap_or_else(|| panic!("{listed:#}"))["token_id"].as_str().unwrap().to_owned();
    let _revoked = world.anet(&["token", "revoke", &row]).done();
    edit(&config_of("reader"), |fields| drop(fields.remove("token")));
    // Another network is current meanwhile; the nodes stay in theirs.
    let _other = world.anet(&["network", "create", "elsewhere"]).done();
    let _used = world.anet(&["network", "use", "elsewhere"]).done();

    let report = world.anet(&["doctor", "--json"]).failed(1).json();
    let found = bad(&report, "node_token");
    assert!(found.iter().any(|found| found.1 == "writer" && found.2.contains("does not know its token")), "{found:?}");
    assert!(found.iter().any(|found| found.1 == "reader" && found.2.contains("has no token")), "{found:?}");
    assert_eq!(token_of("writer").0, writer, "looking changes nothing");

    let fixed = world.anet(&["doctor", "--fix"]).done();
    for (name, before) in [("writer", "the hub does not know its token"), ("reader", "it has no token")] {
        let line = format!("repaired   token of a node: {name}: {before} → a new token, …");
        assert!(fixed.stdout.contains(&line), "{fixed:?}");
    }
    for name in ["writer", "reader"] {
        let (token, network_id) = token_of(name);
        assert_eq!(network_id, network, "{name}");
        assert!(token.starts_with("ntok_") && token != writer && !fixed.stdout.contains(&token), "{fixed:?}");
    }
    let before = snapshot(&world);
    let again = world.anet(&["doctor", "--fix", "--json"]).done().json();
    assert_eq!((&again["repairs"], snapshot(&world)), (&serde_json::json!([]), before));
}

#[test]
fn a_node_that_waits_for_a_login_is_told_with_the_login_as_its_remedy() {
    let (world, _url) = healthy();
    let _started = world.anet(&["node", "start", "writer"]).done();
    let other = world.json_file(".anet/server/admin-utok.json")["token"].as_str().unwrap().to_owned();
    let sessions = world.anet(&["session", "ls", "--json"]).done().json();
    let current = sessions["sessions"].as_array().unwrap().iter().find(|session| session["is_current"] == true);
    let _ended = world.anet(&["session", "revoke", current.unwrap()["token_id"].as_str().unwrap()]).done();
    let own = [("COMMHUB_TOKEN", other.as_str())];
    let tokens = world.anet_with(&own, &["token", "ls", "--json"]).done().json();
    let row = tokens["tokens"].as_array().unwrap().iter().find(|row| row["name"] == "node:writer").unwrap();
    let _revoked = world.anet_with(&own, &["token", "revoke", row["token_id"].as_str().unwrap()]).done();
    wait_until("the node waits for a login", || (world.node("writer")["state"] == "auth_blocked").then_some(()));
    let report = world.anet(&["doctor", "--json"]).failed(1).json();
    let found = all_bad(&report).into_iter().find(|finding| finding["check"] == "process").unwrap();
    assert!(found["seen"].as_str().unwrap().contains("waits for a login"), "{found}");
    assert!(found["command"].as_str().unwrap().starts_with("anet login"), "{found}");
}
