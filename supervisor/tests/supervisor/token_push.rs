//! What becomes of a node that is given another token and does not use it (R49).

use std::time::Duration;

use anet_protocol::control::StopReason;
use serde_json::json;

use crate::harness::{Home, eventually, hang_up, starts, write_config};
use crate::scripted_hub::{LOGIN, NETWORK, NEW, NODE, OLD, ScriptedHub};

#[tokio::test]
async fn a_node_that_does_not_use_its_new_token_is_restarted_and_not_before_it_was_given_it_twice() {
    let (home, hub) = (Home::new(), ScriptedHub::new().await);
    let url = format!("http://{}", hub.address);
    std::fs::create_dir(home.path()).unwrap();
    let login = home.path().join("config.json");
    std::fs::write(&login, json!({"hub": url, "token": LOGIN}).to_string()).unwrap();
    std::fs::set_permissions(&login, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    // It hears that it is to look, and says again that the hub refuses it.
    let refused = "X_ANET_LINK=unauthorized";
    let directory = home.node("writer", &["count", &format!("answer-hangup {refused}")]);
    write_config(
        &directory,
        &json!({
            "node_id": NODE, "node_name": "writer", "runtime": "command", "env": {}, "token": OLD, "network_id": NETWORK,
        }),
    );
    let mut settings = home.settings();
    settings.token_patience = Duration::from_millis(50);
    let supervisor = home.supervise_with(settings).await;
    let pid = supervisor.client.must_start(&home, "writer").await;
    // The hub refuses the token from now on, as far as the node tells.
    hang_up(pid);
    let node = eventually("the node is restarted", async || {
        let node = supervisor.client.get("/v1/nodes/writer").await;
        (node["state"] == "running" && node["pid"] != pid).then_some(node)
    })
    .await;
    assert_eq!(node["exits"][0]["asked"]["reason"], json!(StopReason::Changed), "{node}");
    let hangups = std::fs::read_to_string(directory.join("hangups")).unwrap();
    assert!(hangups.lines().count() >= 2, "it was told of the token before it was restarted");
    assert_eq!((starts(&directory), hub.minted()), (2, 1), "one token is enough");
    let config = std::fs::read_to_string(directory.join("config.json")).unwrap();
    assert!(config.contains(NEW), "{config}");
    supervisor.shut_down().await;
}
