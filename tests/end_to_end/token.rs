//! API keys, and logins on several devices.

use anet_tests::World;

#[test]
fn a_key_that_only_reads_cannot_send_and_a_revoked_one_does_nothing() {
    let world = World::new();
    let _url = world.start_hub();
    world.create_node("writer", "cat");
    let created = world.anet(&["token", "create", "watcher", "--scope", "readonly", "--json"]).done().json();
    let (key, id) = (created["token"].as_str().unwrap(), created["token_id"].as_str().unwrap());
    let read = world.anet_with(&[("COMMHUB_TOKEN", key)], &["tasks", "--json"]).done();
    assert_eq!(read.json()["tasks"].as_array().map(Vec::len), Some(0));
    let refused = world.anet_with(&[("COMMHUB_TOKEN", key)], &["send", "writer", "hello"]).failed(1);
    assert!(refused.stderr.contains("scope"), "{refused:?}");
    assert_eq!(world.anet(&["tasks", "--json"]).done().json()["tasks"].as_array().map(Vec::len), Some(0));

    let full = world.anet(&["token", "create", "sender"]).done().stdout;
    let _sent = world.anet_with(&[("COMMHUB_TOKEN", full.trim())], &["send", "writer", "hello"]).done();
    let listed = world.anet(&["token", "ls"]).done().stdout;
    assert!(listed.contains(id) && listed.contains("readonly") && !listed.contains(key), "{listed}");
    let _revoked = world.anet(&["token", "revoke", id]).done();
    let dead = world.anet_with(&[("COMMHUB_TOKEN", key)], &["tasks"]).failed(1);
    assert!(!dead.stderr.contains(key), "{dead:?}");
    let again = world.anet(&["token", "revoke", id]).failed(1);
    assert!(again.stderr.contains("anet token ls"), "{again:?}");
}

#[test]
fn the_logins_of_other_devices_can_be_ended_from_this_one() {
    let world = World::new();
    let url = world.start_hub();
    let ann = world.person("ann", &url);
    let _here = ann.register(&[]).done();
    let elsewhere = world.person("elsewhere", &url);
    let _there = elsewhere.anet_typing("a long enough passphrase\n", &["login", "--username", "ann"]).done();
    let sessions = ann.anet(&["session", "ls", "--json"]).done().json()["sessions"].clone();
    let sessions = sessions.as_array().unwrap();
    assert_eq!(sessions.len(), 2, "{sessions:?}");
    assert_eq!(sessions.iter().filter(|session| session["is_current"] == true).count(), 1, "{sessions:?}");

    let ended = ann.anet(&["session", "revoke", "--others", "--json"]).done().json();
    assert_eq!(ended["revoked"], 1, "{ended}");
    let _here = ann.anet(&["whoami"]).done();
    let dead = elsewhere.anet(&["whoami"]).failed(1);
    assert!(dead.stderr.contains("anet login"), "{dead:?}");
    let current = ann.anet(&["session", "ls", "--json"]).done().json()["sessions"][0]["token_id"].clone();
    let last = ann.anet(&["session", "revoke", current.as_str().unwrap()]).done();
    assert!(last.stderr.contains("this login was among them"), "{last:?}");
    let _nobody = ann.anet(&["whoami"]).failed(1);
}
