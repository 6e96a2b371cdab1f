//! The supervisor is killed at every place where that could matter, and then started again (R24).

use anet_protocol::Entropy as _;
use anet_supervisor::Failpoint;
use serde_json::{Value, json};
use tokio::process::Child;

use crate::harness::{Client, Home, eventually, is_alive, pid_of};

/// What is under way when the supervisor dies.
const REQUESTS: [&str; 4] = ["start", "stop", "restart", "upgrade"];

/// Where the request was taken up for good: from here on its wish outlives the supervisor.
fn is_recorded(request: &str, place: &str) -> bool {
    match request {
        "start" => ["start recorded", "process spawned", "leader recorded"].contains(&place),
        "stop" => ["stop recorded", "asked to leave", "process gone", "death recorded"].contains(&place),
        _ => false,
    }
}

fn arm(home: &Home, place: &str) {
    let file = home.path().with_file_name("failpoint");
    std::fs::write(file.with_extension("new"), place).unwrap();
    std::fs::rename(file.with_extension("new"), file).unwrap();
}

/// Whether the place was not passed; it is armed no longer then.
fn disarm(home: &Home) -> bool {
    std::fs::remove_file(home.path().with_file_name("failpoint")).is_ok()
}

/// Asks; the supervisor may die before it answers.
async fn ask(home: &Home, client: &Client, request: &str) {
    let (path, body) = match request {
        "upgrade" => ("/v1/upgrade".to_owned(), json!({})),
        verb => (format!("/v1/nodes/b/{verb}"), json!({"project": home.project()})),
    };
    client.try_post(&path, body).await;
}

/// Everything as it must be after a death, with a new supervisor: one copy of what should run, the same
/// where it was not to be replaced, and none after a stop.
async fn check(home: &Home, client: &Client, bystander: i32, wanted: &[&str]) {
    for name in ["a", "b"] {
        if wanted.contains(&name) {
            client.until_state(name, "running").await;
            assert_eq!(home.copies(name), 1, "copies of {name}");
        } else {
            client.until_state(name, "stopped").await;
            assert_eq!(home.copies(name), 0, "copies of {name}");
        }
    }
    let pid = pid_of(&client.node("a").await);
    assert_eq!((pid, is_alive(pid)), (bystander, true), "a node that nothing was asked of was touched");
}

/// The node, if it is known. A question that an exec cuts off is asked again.
async fn known(client: &Client, name: &str) -> Option<Value> {
    let nodes = eventually("the nodes are listed", async || client.try_get("/v1/nodes").await).await;
    nodes["nodes"].as_array()?.iter().find(|node| node["name"] == name).cloned()
}

async fn end(home: &Home, client: &Client, mut supervisor: Child) {
    let (status, answer) = client.post("/v1/shutdown", json!({"stop_children": true})).await;
    assert_eq!(status, 200, "{answer}");
    supervisor.wait().await.unwrap();
    assert_eq!((home.copies("a"), home.copies("b")), (0, 0));
}

async fn trial(place: &str, request: &str) -> bool {
    let home = Home::new();
    for name in ["a", "b"] {
        // Said again and again, because the supervisor may be dead when it is said first.
        home.node(name, &["count", "heartbeat READY=1 WATCHDOG=1"]);
    }
    let mut supervisor = home.supervise_apart().await;
    let client = home.client();
    let bystander = client.must_start(&home, "a").await;
    if request != "start" {
        client.must_start(&home, "b").await;
    }
    let before = client.get("/v1/status").await["instance"].clone();
    arm(&home, place);
    ask(&home, &client, request).await;
    // An upgrade is under way after its answer.
    if request == "upgrade" {
        eventually("the upgrade or the death", async || {
            let is_dead = supervisor_is_dead(&supervisor);
            let is_over = client.try_get("/v1/status").await.is_some_and(|status| status["instance"] != before);
            (is_dead || is_over).then_some(())
        })
        .await;
    }
    let was_killed = !disarm(&home);
    if was_killed {
        supervisor.wait().await.unwrap();
        supervisor = home.supervise_apart().await;
    }
    // The request was carried out, or never taken up; which of both its caller cannot know.
    let node = known(&client, "b").await;
    let desired = node.map_or_else(|| json!("stopped"), |node| node["desired"].clone());
    if request == "stop" && !was_killed {
        assert_eq!(desired, "stopped");
    }
    if was_killed && is_recorded(request, place) {
        let wish = if request == "start" { "running" } else { "stopped" };
        assert_eq!(desired, wish, "{place}: the {request} was forgotten");
    }
    if matches!(request, "restart" | "upgrade") {
        assert_eq!(desired, "running", "{place}: a {request} changes nothing of what is wanted");
    }
    let wanted: &[&str] = if desired == "running" { &["a", "b"] } else { &["a"] };
    if known(&client, "b").await.is_some() {
        check(&home, &client, bystander, wanted).await;
    } else {
        assert_eq!(home.copies("b"), 0);
    }
    end(&home, &client, supervisor).await;
    was_killed
}

fn supervisor_is_dead(supervisor: &Child) -> bool {
    supervisor.id().is_none_or(|pid| !is_alive(i32::try_from(pid).unwrap()))
}

#[tokio::test]
async fn a_death_at_any_place_leaves_one_copy_of_what_should_run_and_none_of_what_should_not() {
    let mut killed_at = std::collections::BTreeSet::new();
    for request in REQUESTS {
        for place in Failpoint::PLACES {
            if trial(place, request).await {
                killed_at.insert(place);
            }
        }
    }
    let missed: Vec<_> = Failpoint::PLACES.into_iter().filter(|place| !killed_at.contains(place)).collect();
    assert!(missed.is_empty(), "no death was tried at {missed:?}");
}

#[tokio::test]
async fn deaths_at_random_instants_leave_one_copy_each() {
    let home = Home::new();
    for name in ["a", "b"] {
        home.node(name, &["count", "heartbeat READY=1 WATCHDOG=1"]);
    }
    let mut supervisor = home.supervise_apart().await;
    let client = home.client();
    let bystander = client.must_start(&home, "a").await;
    for _ in 0..20 {
        let mut draw = [0; 2];
        crate::harness::System.fill(&mut draw);
        let verb = ["start", "stop", "restart"][usize::from(draw[0]) % 3];
        let asked = ask(&home, &client, verb);
        // So many answers after the request the supervisor dies, whatever it is at then.
        let death = async {
            for _ in 0..draw[1] % 24 {
                client.try_get("/v1/nodes").await;
            }
            supervisor.kill().await.unwrap();
        };
        tokio::join!(asked, death);
        supervisor = home.supervise_apart().await;
        let node = known(&client, "b").await;
        let desired = node.as_ref().map_or_else(|| json!("stopped"), |node| node["desired"].clone());
        if node.is_some() {
            check(&home, &client, bystander, if desired == "running" { &["a", "b"] } else { &["a"] }).await;
        }
        assert_eq!(home.copies("b"), usize::from(desired == "running"), "copies of b after a {verb}");
    }
    end(&home, &client, supervisor).await;
}
