//! The port that a node or program says it listens on (R20).

use std::net::TcpListener;
use std::sync::atomic::{AtomicU16, Ordering};

use serde_json::json;

use crate::harness::{Home, eventually, node_in, write_config, zoo_child};

fn port_of(listener: &TcpListener) -> u16 {
    listener.local_addr().unwrap().port()
}

/// A listener on a port that the kernel gives to nobody by itself (ip_local_port_range begins at 32768), so that it stays
/// free for this test when it is closed.
fn listener() -> TcpListener {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = 20_000 + u16::try_from(std::process::id() % 10_000).unwrap();
    std::iter::repeat_with(|| first + NEXT.fetch_add(1, Ordering::Relaxed))
        .find_map(|port| TcpListener::bind(("127.0.0.1", port)).ok())
        .unwrap()
}

#[tokio::test]
async fn a_start_whose_port_of_the_settings_file_is_taken_is_refused_and_the_owner_is_named() {
    let home = Home::new();
    let listener = listener();
    let port = port_of(&listener);
    home.node("a", &["count", "ready", "sleep"]);
    std::fs::create_dir_all(home.path()).unwrap();
    std::fs::write(home.path().join("supervisor.toml"), format!("[node.a]\nport = {port}\n")).unwrap();
    let supervisor = home.supervise().await;
    let (status, error) = supervisor.client.start(&home, "a").await;
    assert_eq!((status, &error["code"]), (409, &json!("port_taken")), "{error}");
    let told = error["error"].as_str().unwrap();
    assert!(told.contains(&format!("port {port} is taken by")), "{told}");
    assert!(told.contains(&format!("process {}", std::process::id())), "{told}");
    assert_eq!(home.copies("a"), 0);
    drop(listener);
    until_free(port).await;
    supervisor.client.must_start(&home, "a").await;
    supervisor.shut_down().await;
}

/// Waits for the children of other tests, which hold what this process had open until they execute their programs.
async fn until_free(port: u16) {
    eventually("the port is free", async || TcpListener::bind(("127.0.0.1", port)).ok().map(drop)).await;
}

#[tokio::test]
async fn a_stop_is_not_called_done_while_somebody_holds_the_port() {
    let home = Home::new();
    let port = port_of(&listener());
    home.node("a", &["count", "ready", "sleep"]);
    std::fs::create_dir_all(home.path()).unwrap();
    std::fs::write(home.path().join("supervisor.toml"), format!("[node.a]\nport = {port}\n")).unwrap();
    let supervisor = home.supervise().await;
    supervisor.client.must_start(&home, "a").await;
    let stranger = TcpListener::bind(("127.0.0.1", port)).unwrap();
    let (status, error) = supervisor.client.stop("a").await;
    assert_eq!((status, &error["code"]), (500, &json!("stop_failed")), "{error}");
    let told = error["error"].as_str().unwrap();
    assert!(told.contains(&format!("a is stopped, but its port {port} is taken by")), "{told}");
    assert!(told.contains(&format!("process {}", std::process::id())), "{told}");
    assert_eq!((home.copies("a"), &supervisor.client.node("a").await["process"]["state"]), (0, &json!("stopped")));
    drop(stranger);
    until_free(port).await;
    let (status, answer) = supervisor.client.stop("a").await;
    assert_eq!((status, &answer["changed"]), (200, &json!(false)), "{answer}");
    supervisor.shut_down().await;
}

/// A program that runs holds its port itself, which is no reason against a look at its files.
#[tokio::test]
async fn a_program_that_holds_its_own_port_can_be_compared_with_its_files() {
    let home = Home::new();
    let port = port_of(&listener());
    // The behaviour lies where a node's would; the program's own directory has its configuration.
    let behaviour = node_in(&home.path(), "web", &[&format!("listen {port}"), "ready", "sleep"]);
    let directory = home.project().join(".anet/programs/web");
    std::fs::create_dir_all(&directory).unwrap();
    let config = |more: &str| {
        let command = json!([zoo_child(), "node", "--directory", behaviour]);
        json!({"command": command, "port": port, "tells_ready": true, "env": {"MORE": more}})
    };
    write_config(&directory, &config("one"));
    let supervisor = home.supervise().await;
    supervisor.client.must_start(&home, "web").await;
    let plan = supervisor.client.get("/v1/plan").await;
    assert_eq!((&plan["unchanged"], &plan["unusable"]), (&json!(1), &json!([])), "{plan}");
    write_config(&directory, &config("two"));
    let plan = supervisor.client.get("/v1/plan").await;
    assert_eq!(plan["restarts"][0]["reasons"], json!(["environment"]), "{plan}");
    supervisor.shut_down().await;
}
