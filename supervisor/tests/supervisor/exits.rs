//! How starts ended, who wanted that, and that it is remembered.

use serde_json::{Value, json};

use crate::harness::{Client, Home, eventually, kill};

async fn exits(client: &Client, name: &str) -> Vec<Value> {
    let node = client.get(&format!("/v1/nodes/{name}")).await;
    node["exits"].as_array().cloned().unwrap_or_default()
}

#[tokio::test]
async fn every_end_is_remembered_with_its_reason_and_who_asked() {
    let home = Home::new();
    let directory = home.node("a", &["ready", "say so long", "wait-for go", "exit 7"]);
    let mut settings = home.settings();
    // Whatever fails twice stays down for this test.
    settings.policies.defaults.start_backoff.first = std::time::Duration::from_secs(3600);
    settings.policies.defaults.start_backoff.longest = std::time::Duration::from_secs(3600);
    let supervisor = home.supervise_with(settings).await;
    let client = &supervisor.client;
    let first = client.must_start(&home, "a").await;
    kill(first);
    client.until_replaced("a", first).await;
    client.stop("a").await;
    client.must_start(&home, "a").await;
    let (status, _) = client.post("/v1/nodes/a/restart", json!({})).await;
    assert_eq!(status, 200);
    std::fs::write(directory.join("go"), "").unwrap();
    eventually("the second failure", async || (client.node("a").await["process"]["attempt"] == 2).then_some(())).await;
    assert_eq!(client.node("a").await.get("exits"), None, "lists do not carry the past");

    let past = exits(client, "a").await;
    let causes: Vec<Value> =
        past.iter().map(|exit| json!([exit["incarnation"], exit["signal"], exit["code"]])).collect();
    // The last exit but one is the first failure, after which it is started again at once.
    assert_eq!(
        causes,
        [json!([1, 9, null]), json!([2, 15, null]), json!([3, 15, null]), json!([4, null, 7]), json!([5, null, 7])]
    );
    assert!(past[0].get("asked").is_none() && past[3].get("asked").is_none(), "{past:?}");
    let me = json!({"uid": nix::unistd::getuid().as_raw(), "pid": std::process::id(),
        "program": std::env::current_exe().unwrap()});
    assert_eq!(past[1]["asked"], json!({"reason": "stop", "by": me}));
    assert_eq!(past[2]["asked"], json!({"reason": "restart", "by": me}));
    assert_eq!(past[4]["last_words"], "so long");
    assert!(past.iter().all(|exit| exit["started_at"].is_string()));

    // On disk, for the next supervisor, which counts on.
    supervisor.leave().await;
    let supervisor = home.supervise().await;
    let past = exits(&supervisor.client, "a").await;
    assert_eq!(past[1]["asked"]["by"], me);
    let counted = past.iter().map(|exit| exit["incarnation"].as_u64().unwrap());
    assert!(counted.eq(1..=past.len() as u64), "{past:?}");
    supervisor.shut_down().await;
}

#[tokio::test]
async fn no_more_than_the_last_twenty_ends_are_kept() {
    let home = Home::new();
    home.node("a", &["exit 1"]);
    let mut settings = home.settings();
    settings.policies.defaults.start_backoff.first = std::time::Duration::from_millis(1);
    settings.policies.defaults.start_backoff.longest = std::time::Duration::from_millis(1);
    let supervisor = home.supervise_with(settings).await;
    supervisor.client.start(&home, "a").await;
    let past = eventually("25 starts", async || {
        let past = exits(&supervisor.client, "a").await;
        (past.last()?["incarnation"].as_u64()? >= 25).then_some(past)
    })
    .await;
    assert_eq!(past.len(), 20);
    supervisor.shut_down().await;
}

#[tokio::test]
async fn a_shutdown_is_the_reason_that_is_remembered() {
    let home = Home::new();
    home.node("a", &["ready", "sleep"]);
    let supervisor = home.supervise().await;
    supervisor.client.must_start(&home, "a").await;
    supervisor.shut_down().await;
    let state: Value = serde_json::from_slice(&std::fs::read(home.state_file()).unwrap()).unwrap();
    let exit = &state["nodes"][0]["history"]["exits"][0];
    assert_eq!((&exit["asked"]["reason"], &exit["signal"]), (&json!("shutdown"), &json!(15)), "{state}");
}

#[tokio::test]
async fn the_exit_code_of_a_process_that_was_taken_over_is_known_where_the_kernel_tells() {
    let home = Home::new();
    let directory = home.node("a", &["ready", "wait-for go", "exit 42"]);
    let mut first = home.supervise_apart().await;
    home.client().must_start(&home, "a").await;
    first.kill().await.unwrap();
    let mut settings = home.settings();
    settings.policies.defaults.start_backoff.first = std::time::Duration::from_secs(3600);
    settings.policies.defaults.start_backoff.longest = std::time::Duration::from_secs(3600);
    let supervisor = home.supervise_with(settings).await;
    std::fs::write(directory.join("go"), "").unwrap();
    let past = eventually("it ended", async || {
        let past = exits(&supervisor.client, "a").await;
        (!past.is_empty()).then_some(past)
    })
    .await;
    let release = nix::sys::utsname::uname().unwrap().release().to_string_lossy().into_owned();
    let mut numbers = release.split(['.', '-']).map(|number| number.parse::<u32>().unwrap_or_default());
    let version = (numbers.next().unwrap(), numbers.next().unwrap());
    let is_unknown = past[0]["cause"] == "unknown";
    assert!(past[0]["code"] == 42 || (version < (6, 15) && is_unknown), "{past:?}");
    supervisor.shut_down().await;
}

#[tokio::test]
async fn what_ended_while_nobody_watched_is_told_as_unknown() {
    let home = Home::new();
    home.node("a", &["ready", "sleep"]);
    let supervisor = home.supervise().await;
    let pid = supervisor.client.must_start(&home, "a").await;
    supervisor.leave().await;
    kill(pid);
    let supervisor = home.supervise().await;
    supervisor.client.until_replaced("a", pid).await;
    let past = exits(&supervisor.client, "a").await;
    assert_eq!((past.len(), &past[0]["cause"], &past[0]["incarnation"]), (1, &json!("unknown"), &json!(1)));
    supervisor.shut_down().await;
}
