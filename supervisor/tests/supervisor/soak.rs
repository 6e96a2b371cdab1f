//! Many processes that fail, for a long while in small: nothing of the supervisor grows, nothing runs twice.

use std::path::Path;

use serde_json::json;

use crate::harness::{Home, eventually, starts};

const NODES: usize = 30;
/// How often each node is started before the second measurement.
const STARTS: usize = 6;

fn descriptors(pid: u32) -> usize {
    std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count()
}

/// Dead children of a process that it has not buried.
fn zombies(parent: u32) -> usize {
    let pids = std::fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let stats = pids.filter_map(|pid| std::fs::read_to_string(Path::new("/proc").join(pid).join("stat")).ok());
    stats
        .filter(|stat| {
            let fields: Vec<&str> = stat.rsplit_once(") ").map_or("", |(_, rest)| rest).split(' ').collect();
            fields.first() == Some(&"Z") && fields.get(1) == Some(&parent.to_string().as_str())
        })
        .count()
}

#[tokio::test]
async fn thirty_crashing_nodes_leave_no_descriptor_no_zombie_and_no_second_copy() {
    let home = Home::new();
    let names: Vec<String> = (0..NODES).map(|index| format!("n{index}")).collect();
    for name in &names {
        home.node(name, &["count", "helper daemon", "ready", "wait-for go", "exit 1"]);
    }
    let mut supervisor = home.supervise_visibly().await;
    let (client, pid) = (home.client(), supervisor.id().unwrap());
    for name in &names {
        client.must_start(&home, name).await;
    }
    let before = descriptors(pid);
    for name in &names {
        // From now on it fails as soon as it is ready, and its daemon with it.
        std::fs::write(home.node_directory(name).join("go"), "").unwrap();
    }
    eventually("every node was started often enough", async || {
        names.iter().all(|name| starts(&home.node_directory(name)) >= STARTS).then_some(())
    })
    .await;
    for name in &names {
        std::fs::write(home.node_directory(name).join("behaviour"), "count\nready\nsleep").unwrap();
    }
    for name in &names {
        client.post(&format!("/v1/nodes/{name}/start"), json!({})).await;
    }
    eventually("all run", async || {
        let nodes = client.get("/v1/nodes").await;
        nodes["nodes"].as_array().unwrap().iter().all(|node| node["state"] == "running").then_some(())
    })
    .await;
    for name in &names {
        assert_eq!(home.copies(name), 1, "{name}");
    }
    eventually("no zombie is left", async || (zombies(pid) == 0).then_some(())).await;
    eventually("no descriptor is left", async || (descriptors(pid) <= before).then_some(())).await;
    client.post("/v1/shutdown", json!({"stop_children": true})).await;
    supervisor.wait().await.unwrap();
}
