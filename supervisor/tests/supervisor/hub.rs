//! The hub and its socket.

use std::io::Read as _;
use std::net::{TcpListener, TcpStream};

use serde_json::{Value, json};

use crate::harness::{Home, eventually, kill, pid_of};

fn address(hub: &Value) -> String {
    hub["url"].as_str().unwrap().strip_prefix("http://").unwrap().to_owned()
}

/// Connects and reads which process answers.
fn who_answers(address: &str) -> i32 {
    let mut text = String::new();
    TcpStream::connect(address).unwrap().read_to_string(&mut text).unwrap();
    text.trim().parse().unwrap()
}

#[tokio::test]
async fn the_hub_starts_once_keeps_its_port_and_says_where_it_is() {
    let home = Home::new();
    home.hub_behaviour(&["serve"]);
    let supervisor = home.supervise().await;
    let client = &supervisor.client;
    let asked = json!({"listen": "127.0.0.1:0", "database": home.path().join("hub.db")});
    let (status, first) = client.post("/v1/hub/start", asked.clone()).await;
    assert_eq!((status, &first["changed"]), (200, &json!(true)), "{first}");
    let address = address(&first["hub"]);
    assert_eq!(who_answers(&address), pid_of(&first["hub"]));

    let same = json!({"listen": address, "database": home.path().join("hub.db")});
    for asked in [&asked, &same] {
        let (status, again) = client.post("/v1/hub/start", asked.clone()).await;
        assert_eq!((status, &again["changed"], &again["hub"]["pid"]), (200, &json!(false), &first["hub"]["pid"]));
    }
    let other = json!({"listen": address, "database": home.path().join("other.db")});
    let (status, error) = client.post("/v1/hub/start", other).await;
    assert_eq!((status, &error["code"], &error["hint"]), (409, &json!("still_running"), &json!("anet hub stop")));
    let text = error["error"].as_str().unwrap();
    assert!(text.contains("/hub.db, asked for was ") && text.contains("/other.db"), "{text}");

    let (status, restarted) = client.post("/v1/hub/restart", json!({})).await;
    assert_eq!((status, &restarted["hub"]["url"]), (200, &first["hub"]["url"]), "{restarted}");
    assert_eq!(who_answers(&address), pid_of(&restarted["hub"]));

    let (status, stopped) = client.post("/v1/hub/stop", json!({})).await;
    assert_eq!((status, &stopped["hub"]["url"]), (200, &json!(null)));
    // Between fork and exec a child of another test in this process holds a copy of every descriptor.
    eventually("the port is closed", async || TcpStream::connect(&address).is_err().then_some(())).await;
    supervisor.shut_down().await;
}

#[tokio::test]
async fn a_connection_made_while_the_hub_is_down_is_answered_by_the_next_one() {
    let home = Home::new();
    home.hub_behaviour(&["serve"]);
    let supervisor = home.supervise().await;
    let client = &supervisor.client;
    let asked = json!({"listen": "127.0.0.1:0", "database": home.path().join("hub.db")});
    let (_, first) = client.post("/v1/hub/start", asked).await;
    let address = address(&first["hub"]);
    home.hub_behaviour(&["wait-for go", "serve"]);
    kill(pid_of(&first["hub"]));
    eventually("the replacement is starting", async || {
        let hub = client.get("/v1/hub").await;
        (hub["state"] == "starting").then_some(())
    })
    .await;
    let mut waiting = TcpStream::connect(&address).expect("nobody is refused");
    std::fs::write(home.path().join("server/go"), "").unwrap();
    let mut text = String::new();
    waiting.read_to_string(&mut text).unwrap();
    assert_ne!(text.trim(), pid_of(&first["hub"]).to_string());
    supervisor.shut_down().await;
}

#[tokio::test]
async fn a_port_taken_by_a_stranger_is_told_and_the_stranger_lives() {
    let home = Home::new();
    home.hub_behaviour(&["serve"]);
    let stranger = TcpListener::bind("127.0.0.1:0").unwrap();
    let supervisor = home.supervise().await;
    let asked = json!({"listen": stranger.local_addr().unwrap(), "database": home.path().join("hub.db")});
    let (status, error) = supervisor.client.post("/v1/hub/start", asked).await;
    assert_eq!((status, &error["code"]), (409, &json!("port_taken")), "{error}");
    let text = error["error"].as_str().unwrap();
    assert!(text.contains(&format!("(process {})", std::process::id())), "{text}");
    let hub = supervisor.client.get("/v1/hub").await;
    assert_eq!((&hub["state"], &hub["desired"]), (&json!("stopped"), &json!("stopped")));
    supervisor.shut_down().await;
}

#[tokio::test]
async fn a_hub_that_was_never_started_cannot_be_restarted() {
    let home = Home::new();
    let supervisor = home.supervise().await;
    let (status, error) = supervisor.client.post("/v1/hub/restart", json!({})).await;
    assert_eq!((status, &error["hint"]), (422, &json!("anet hub start")), "{error}");
    let (_, stopped) = supervisor.client.post("/v1/hub/stop", json!({})).await;
    assert_eq!(stopped["hub"]["desired"], "stopped", "{stopped}");
    supervisor.shut_down().await;
}

#[tokio::test]
async fn the_settings_of_the_hub_reach_it_at_every_start_and_are_kept_for_the_next_supervisor() {
    let home = Home::new();
    home.hub_behaviour(&["environment", "serve"]);
    let supervisor = home.supervise().await;
    let client = &supervisor.client;
    let database = home.path().join("hub.db");
    let variables = json!({"ANET_REGISTRATION": "invite", "ANET_SESSION_SECRET": "canary-0123456789"});
    let asked = json!({"listen": "127.0.0.1:0", "database": database, "variables": variables});
    let (status, first) = client.post("/v1/hub/start", asked).await;
    assert_eq!(status, 200, "{first}");
    let path = home.path().join("server/environment");
    let has_setting = || std::fs::read_to_string(&path).unwrap().contains("ANET_REGISTRATION=invite\n");
    assert!(has_setting());

    let others = json!({"ANET_REGISTRATION": "open", "ANET_SESSION_SECRET": "canary-9876543210"});
    let other = json!({"listen": "127.0.0.1:0", "database": database, "variables": others});
    let (status, error) = client.post("/v1/hub/start", other).await;
    let text = error["error"].as_str().unwrap();
    assert_eq!((status, &error["code"]), (409, &json!("still_running")), "{error}");
    assert!(text.contains("ANET_REGISTRATION is `invite`, asked for was `open`"), "{text}");
    assert!(text.contains("ANET_SESSION_SECRET") && !text.contains("canary"), "{text}");

    std::fs::remove_file(&path).unwrap();
    let (status, _) = client.post("/v1/hub/restart", json!({})).await;
    assert!(status == 200 && has_setting(), "kept over a restart");
    supervisor.shut_down().await;

    std::fs::remove_file(&path).unwrap();
    let supervisor = home.supervise().await;
    eventually("the next supervisor has started it", async || {
        (supervisor.client.get("/v1/hub").await["state"] == "running").then_some(())
    })
    .await;
    assert!(has_setting(), "kept over the supervisor's own end");
    supervisor.shut_down().await;
}

#[tokio::test]
async fn what_is_no_setting_of_the_hub_does_not_get_into_its_environment() {
    let home = Home::new();
    home.hub_behaviour(&["serve"]);
    let supervisor = home.supervise().await;
    let variables = json!({"LD_PRELOAD": "/x.so"});
    let asked = json!({"listen": "127.0.0.1:0", "database": home.path().join("hub.db"), "variables": variables});
    let (status, error) = supervisor.client.post("/v1/hub/start", asked).await;
    assert_eq!((status, &error["code"]), (400, &json!("invalid_input")), "{error}");
    assert!(error["error"].as_str().unwrap().contains("LD_PRELOAD"), "{error}");
    supervisor.shut_down().await;
}

#[tokio::test]
async fn a_hub_that_gives_up_says_why_and_what_mends_it() {
    let home = Home::new();
    home.hub_behaviour(&["tell X_ANET_ERROR=open-door X_ANET_HINT=lock-it", "exit 76"]);
    let supervisor = home.supervise().await;
    let asked = json!({"listen": "127.0.0.1:0", "database": home.path().join("hub.db")});
    let (status, error) = supervisor.client.post("/v1/hub/start", asked).await;
    assert_eq!((status, &error["code"], &error["hint"]), (502, &json!("start_failed"), &json!("lock-it")), "{error}");
    assert!(error["error"].as_str().unwrap().contains("open-door"), "{error}");
    let hub = supervisor.client.get("/v1/hub").await;
    assert_eq!((&hub["state"], &hub["process"]["last_exit"]["hint"]), (&json!("needs_attention"), &json!("lock-it")));
    supervisor.shut_down().await;
}

#[tokio::test]
async fn a_hub_whose_database_is_gone_is_not_restarted_with_an_empty_one() {
    let home = Home::new();
    home.hub_behaviour(&["serve"]);
    let supervisor = home.supervise().await;
    let client = &supervisor.client;
    let (database, aside) = (home.path().join("hub.db"), home.path().join("aside.db"));
    let asked = json!({"listen": "127.0.0.1:0", "database": database});
    std::fs::write(&database, "").unwrap();
    let (_, hub) = client.post("/v1/hub/start", asked.clone()).await;
    let pid = pid_of(&hub["hub"]);
    std::fs::rename(&database, &aside).unwrap();
    let (status, refusal) = client.post("/v1/hub/restart", json!({})).await;
    assert_eq!((status, &refusal["code"]), (422, &json!("config_invalid")), "{refusal}");
    let text = refusal["error"].as_str().unwrap();
    assert!(text.starts_with("hub runs on as it is: its database") && text.contains("is gone"), "{text}");
    assert_eq!(pid_of(&client.get("/v1/hub").await), pid);
    // Nor is it when it dies, also under the next supervisor.
    supervisor.leave().await;
    kill(pid);
    let supervisor = home.supervise().await;
    let client = &supervisor.client;
    eventually("it needs attention", async || {
        let hub = client.get("/v1/hub").await;
        (hub["state"] == "needs_attention").then_some(())
    })
    .await;
    std::fs::rename(&aside, &database).unwrap();
    let asked =
        json!({"listen": hub["hub"]["url"].as_str().unwrap().trim_start_matches("http://"), "database": database});
    let (status, hub) = client.post("/v1/hub/start", asked).await;
    assert_eq!((status, &hub["hub"]["state"]), (200, &json!("running")), "{hub}");
    supervisor.shut_down().await;
}
