//! No helper gets away, by whichever means the system offers.

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::harness::{Home, eventually, is_alive, kill, pid_in, zoo_child};

const HELPERS: [&str; 4] = ["group", "session", "daemon", "clean"];

fn behaviour(helpers: &[&str]) -> Vec<String> {
    helpers.iter().map(|kind| format!("helper {kind}")).chain(["ready", "sleep"].map(str::to_owned)).collect()
}

fn node_with(home: &Home, name: &str, helpers: &[&str]) -> PathBuf {
    let behaviour = behaviour(helpers);
    home.node(name, &behaviour.iter().map(String::as_str).collect::<Vec<_>>())
}

fn helpers(directory: &Path, kinds: &[&str]) -> Vec<i32> {
    kinds.iter().map(|kind| pid_in(&directory.join(format!("helper-{kind}")))).collect()
}

fn parent_of(pid: i32) -> u32 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    stat.rsplit_once(") ").unwrap().1.split(' ').nth(1).unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_daemon_that_cleared_its_environment_is_gone_when_the_stop_is_answered() {
    let home = Home::new();
    let (a, b) = (node_with(&home, "a", &HELPERS), node_with(&home, "b", &HELPERS));
    let supervisor = home.supervise().await;
    supervisor.client.must_start(&home, "a").await;
    supervisor.client.must_start(&home, "b").await;
    let (mine, others) = (helpers(&a, &HELPERS), helpers(&b, &HELPERS));
    let (status, answer) = supervisor.client.stop("a").await;
    assert_eq!(status, 200, "{answer}");
    assert!(mine.iter().all(|pid| !is_alive(*pid)), "a helper survived the stop: {mine:?}");
    assert!(others.iter().all(|pid| is_alive(*pid)), "a sibling's helper was killed");
    supervisor.shut_down().await;
    assert!(others.iter().all(|pid| !is_alive(*pid)));
}

#[tokio::test]
async fn a_daemon_without_environment_is_found_by_the_next_supervisor_too() {
    let home = Home::new();
    let directory = node_with(&home, "a", &["clean"]);
    let mut first = home.supervise_apart().await;
    home.client().must_start(&home, "a").await;
    let escaped = pid_in(&directory.join("helper-clean"));
    first.kill().await.unwrap();
    let supervisor = home.supervise().await;
    assert!(is_alive(escaped));
    supervisor.client.stop("a").await;
    assert!(!is_alive(escaped));
    supervisor.shut_down().await;
}

#[tokio::test]
async fn orphans_become_children_of_the_supervisor_and_are_buried_by_it() {
    let home = Home::new();
    let directory = node_with(&home, "a", &["daemon"]);
    let mut supervisor = home.supervise_apart().await;
    let pid = supervisor.id().unwrap();
    home.client().must_start(&home, "a").await;
    let orphan = pid_in(&directory.join("helper-daemon"));
    // It tells its number while the one that made it still ends.
    eventually("the supervisor is its parent", async || (parent_of(orphan) == pid).then_some(())).await;
    assert_eq!(home.client().get("/v1/status").await["containment"], "subreaper");
    kill(orphan);
    eventually("the orphan is buried", async || (!Path::new(&format!("/proc/{orphan}")).exists()).then_some(())).await;
    // Burying orphans takes no exit from the actors.
    let node = home.client().node("a").await;
    kill(crate::harness::pid_of(&node));
    home.client().until_replaced("a", crate::harness::pid_of(&node)).await;
    let past = home.client().get("/v1/nodes/a").await;
    assert_eq!(past["exits"][0]["signal"], 9, "{past}");
    home.client().post("/v1/shutdown", json!({"stop_children": true})).await;
    supervisor.wait().await.unwrap();
}

#[tokio::test]
async fn what_a_process_may_dump_see_and_open_is_bounded() {
    let home = Home::new();
    home.node("a", &["ready", "sleep"]);
    // Whoever starts the supervisor may have left a descriptor open for it.
    let mut command = tokio::process::Command::new("/bin/sh");
    command
        .args(["-c", "exec 9</dev/null; exec \"$1\" supervise-visibly \"$2\"", "sh"])
        .arg(zoo_child())
        .arg(home.path());
    let mut supervisor = home.supervise_by(command).await;
    assert!(Path::new(&format!("/proc/{}/fd/9", supervisor.id().unwrap())).exists());
    let pid = home.client().must_start(&home, "a").await;
    let read = |file: &str| std::fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap();
    assert_eq!(read("oom_score_adj").trim(), "200");
    let core = read("limits").lines().find(|line| line.starts_with("Max core file size")).unwrap().to_owned();
    assert_eq!(core.split_ascii_whitespace().nth(4), Some("0"), "{core}");
    assert!(read("status").contains("\nUmask:\t0077\n"));
    // The socket through which it said that it is ready may be there for a moment more.
    eventually("it has its three descriptors and no other", async || {
        let descriptors = std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap();
        let mut names: Vec<_> = descriptors.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        (names == ["0", "1", "2"]).then_some(())
    })
    .await;
    home.client().post("/v1/shutdown", json!({"stop_children": true})).await;
    supervisor.wait().await.unwrap();
}

/// A control group of this test's own, marked as delegated; removed at the end.
struct OwnGroup(PathBuf);

impl OwnGroup {
    /// `None` where none can be made: no cgroup2 file system, or no right to it.
    fn new() -> Option<Self> {
        let mounts = std::fs::read_to_string("/proc/self/mountinfo").ok()?;
        let mount = mounts.lines().find(|line| line.contains(" - cgroup2 "))?;
        let path = Path::new(mount.split(' ').nth(4)?).join(format!("anet-test-{}", std::process::id()));
        std::fs::create_dir(&path).ok()?;
        let group = Self(path);
        rustix::fs::setxattr(&group.0, "user.delegate", b"1", rustix::fs::XattrFlags::empty()).ok()?;
        Some(group)
    }
}

impl Drop for OwnGroup {
    fn drop(&mut self) {
        for directory in [self.0.join("supervisor"), self.0.clone()] {
            let removed = std::fs::remove_dir(&directory);
            assert!(std::thread::panicking() || !directory.exists(), "{removed:?}: {}", directory.display());
        }
    }
}

/// With a control group nothing escapes, even what takes every mark from itself. Where none can be made, the supervisor
/// must say so and hold by the other means what can be held by them.
#[tokio::test]
async fn with_a_delegated_control_group_even_a_process_without_any_mark_is_held() {
    let home = Home::new();
    let group = OwnGroup::new();
    let mut command = tokio::process::Command::new("/bin/sh");
    let entrance = group.as_ref().map_or_else(|| "/dev/null".into(), |group| group.0.join("cgroup.procs"));
    command.args(["-c", "echo $$ > \"$1\"; exec \"$2\" supervise \"$3\"", "sh"]);
    command.arg(entrance).arg(zoo_child()).arg(home.path());
    let (kinds, containment): (&[&str], _) =
        if group.is_some() { (&["clean", "unmarked"], "cgroup") } else { (&["clean"], "subreaper") };
    let directory = node_with(&home, "a", kinds);
    let mut supervisor = home.supervise_by(command).await;
    let client = home.client();
    assert_eq!(client.get("/v1/status").await["containment"], containment);
    let pid = client.must_start(&home, "a").await;
    let first = helpers(&directory, kinds);
    for kind in kinds {
        std::fs::remove_file(directory.join(format!("helper-{kind}"))).unwrap();
    }
    // A crash is followed by a new start only when nothing of the old one is left.
    kill(pid);
    client.until_replaced("a", pid).await;
    assert!(first.iter().all(|pid| !is_alive(*pid)), "a helper survived its leader");
    let second = helpers(&directory, kinds);
    if let Some(group) = &group {
        let mine = std::fs::read_to_string(format!("/proc/{}/cgroup", second[1])).unwrap();
        let name = group.0.file_name().unwrap().to_str().unwrap();
        assert!(mine.contains(&format!("/{name}/i_")), "{mine}");
    }
    let (status, answer) = client.stop("a").await;
    assert_eq!(status, 200, "{answer}");
    assert!(second.iter().all(|pid| !is_alive(*pid)), "a helper survived the stop");
    client.post("/v1/shutdown", json!({"stop_children": true})).await;
    supervisor.wait().await.unwrap();
    drop(group);
}
