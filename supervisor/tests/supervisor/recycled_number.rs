//! The kernel is made to give the number of a dead node to a stranger, who writes down every signal he gets.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::harness::{Home, eventually, zoo_child};

/// The first process of a namespace of its own: a supervisor that is killed with its node, a stranger that gets the
/// node's number, then the next supervisor. It says what it did by files in the directory `$1`.
const SCRIPT: &str = r#"
zoo=$2 home=$3 directory=$1
"$zoo" supervise "$home" & first=$!
while [ ! -e "$directory/kill" ]; do sleep 0.05; done
kill -9 $first
read node < "$directory/kill"
kill -9 "$node"
while [ -e "/proc/$node" ]; do sleep 0.05; done
tries=0
while [ $tries -lt 50 ]; do
  echo $((node - 1)) > /proc/sys/kernel/ns_last_pid
  "$zoo" stranger "$directory/signals" & stranger=$!
  [ $stranger -eq "$node" ] && break
  kill -9 $stranger; wait $stranger 2>/dev/null; tries=$((tries + 1))
done
"$zoo" supervise "$home" & second=$!
echo $stranger > "$directory/recycled.new"; mv "$directory/recycled.new" "$directory/recycled"
while [ ! -e "$directory/end" ]; do sleep 0.05; done
kill -0 $stranger && echo alive > "$directory/verdict" || echo dead > "$directory/verdict"
kill -9 $stranger $second
"#;

fn namespace(home: &Home, directory: &Path) -> Option<std::process::Child> {
    // Without privileges the namespace of users helps, where the system allows that.
    [
        &["--pid", "--fork", "--mount-proc", "--kill-child"][..],
        &["--map-root-user", "--pid", "--fork", "--mount-proc", "--kill-child"],
    ]
    .into_iter()
    .find(|flags| {
        let probe = std::process::Command::new("unshare")
            .args(*flags)
            .args(["sh", "-c", "echo 100 > /proc/sys/kernel/ns_last_pid"])
            .output();
        probe.is_ok_and(|output| output.status.success())
    })
    .map(|flags| {
        std::process::Command::new("unshare")
            .args(flags)
            .args(["sh", "-c", SCRIPT, "sh"])
            .args([directory, &zoo_child(), &home.path()])
            .spawn()
            .unwrap()
    })
}

async fn until_there(path: PathBuf) -> String {
    eventually(&format!("{} is there", path.display()), async || {
        std::fs::read_to_string(&path).ok().filter(|text| !text.is_empty())
    })
    .await
}

#[tokio::test]
async fn a_stranger_with_the_number_of_a_dead_node_gets_no_signal() {
    let home = Home::new();
    let directory = home.project();
    home.node("a", &["ready", "sleep"]);
    let Some(mut namespace) = namespace(&home, &directory) else {
        // No namespace can be made here. What is left is that the number alone never opens a process: that test must
        // exist and pass.
        return crate::adoption::a_stranger_under_a_recorded_number_is_never_touched().await;
    };
    let client = home.client();
    eventually("the first supervisor answers", async || client.try_get("/v1/status").await).await;
    client.must_start(&home, "a").await;
    let state: Value = serde_json::from_slice(&std::fs::read(home.state_file()).unwrap()).unwrap();
    let number = state["nodes"][0]["process"]["leader"]["pid"].as_u64().unwrap();
    std::fs::write(directory.join("kill.new"), format!("{number}\n")).unwrap();
    std::fs::rename(directory.join("kill.new"), directory.join("kill")).unwrap();
    let recycled = until_there(directory.join("recycled")).await;
    assert_eq!(recycled.trim(), number.to_string(), "the kernel did not give the number again");

    // The next supervisor knows that its node is gone, starts another, and stops that.
    let node = eventually("a runs again under another number", async || {
        let nodes = client.try_get("/v1/nodes").await?;
        let node = nodes["nodes"].as_array()?.first()?.clone();
        (node["state"] == "running" && node["pid"].as_u64()? != number).then_some(node)
    })
    .await;
    assert_eq!(node["incarnation"], 2);
    let (status, answer) = client.stop("a").await;
    assert_eq!(status, 200, "{answer}");
    std::fs::write(directory.join("end"), "").unwrap();
    assert_eq!(until_there(directory.join("verdict")).await.trim(), "alive");
    assert_eq!(std::fs::read_to_string(directory.join("signals")).unwrap(), "ready\n", "the stranger got a signal");
    namespace.wait().unwrap();
}
