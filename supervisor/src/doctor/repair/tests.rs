use std::fs::File;
use std::os::unix::fs::symlink;

use super::*;

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().mode() & 0o7777
}

fn write_with_mode(path: &Path, text: &str, mode: u32) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[tokio::test]
async fn what_is_open_is_closed_once_and_says_how_it_was() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("config.json");
    write_with_mode(&path, "{}", 0o664);
    let repair = Repair::Close { path: path.clone() };
    assert_eq!(apply(&repair).await.unwrap(), Some(Change::new("mode 0664", "mode 0600")));
    assert_eq!(mode(&path), 0o600);
    assert_eq!(apply(&repair).await.unwrap(), None);

    let socket = directory.path().join("s");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    std::fs::set_permissions(&socket, Permissions::from_mode(0o777)).unwrap();
    apply(&Repair::Close { path: socket.clone() }).await.unwrap();
    assert_eq!(mode(&socket), 0o700);
}

#[tokio::test]
async fn a_link_that_took_the_place_of_a_file_leads_nowhere() {
    let directory = tempfile::tempdir().unwrap();
    let victim = directory.path().join("victim");
    write_with_mode(&victim, "x", 0o644);
    let link = directory.path().join("config.json");
    symlink(&victim, &link).unwrap();
    assert!(matches!(apply(&Repair::Close { path: link.clone() }).await, Err(RepairError::NotAsFound { .. })));
    let edit = ConfigEdit::NodeId("n_1".to_owned());
    let repair = Repair::Config { directory: directory.path().to_owned(), edit };
    assert!(matches!(apply(&repair).await, Err(RepairError::NotAsFound { .. })));
    let second = directory.path().join("second");
    std::fs::hard_link(&victim, &second).unwrap();
    assert!(matches!(apply(&Repair::Close { path: second }).await, Err(RepairError::NotAsFound { .. })));
    assert_eq!((mode(&victim), std::fs::read_to_string(&victim).unwrap().as_str()), (0o644, "x"));
}

#[tokio::test]
async fn every_key_that_nobody_knows_survives_an_edit_in_its_place() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("config.json");
    let text =
        r#"{"future":{"a":[1]},"alias":"writer","resume":"s","runtime":"claude-code","hub":"http://h","last":null}"#;
    write_with_mode(&path, text, 0o600);
    for edit in [
        ConfigEdit::Rename { from: "alias", to: "node_name" },
        ConfigEdit::Rename { from: "resume", to: "session" },
        ConfigEdit::Runtime("claude-code-cli"),
        ConfigEdit::Remove("hub"),
        ConfigEdit::NodeId("n_1".to_owned()),
    ] {
        let repair = Repair::Config { directory: directory.path().to_owned(), edit };
        assert!(apply(&repair).await.unwrap().is_some(), "{repair:?}");
        assert_eq!(apply(&repair).await.unwrap(), None, "{repair:?} twice");
    }
    let fields: Map<String, Value> = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    let expected = r#"{"future":{"a":[1]},"node_name":"writer","session":"s","runtime":"claude-code-cli","last":null,"node_id":"n_1"}"#;
    assert_eq!(serde_json::to_string(&fields).unwrap(), expected);
    assert_eq!(mode(&path), 0o600);
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 2, "file and lock, no temporary file");
}

#[tokio::test]
async fn a_broken_file_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("config.json");
    write_with_mode(&path, "{\"alias\":", 0o600);
    let edit = ConfigEdit::NodeId("n_1".to_owned());
    let repair = Repair::Config { directory: directory.path().to_owned(), edit };
    assert!(matches!(apply(&repair).await, Err(RepairError::NotAsFound { .. })));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "{\"alias\":");
}

#[tokio::test]
async fn what_took_the_place_of_a_leftover_is_not_removed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(".tmpabc");
    std::fs::write(&path, "x").unwrap();
    let other = directory.path().join("other");
    std::fs::write(&other, "y").unwrap();
    let identity = |path: &Path| FileIdentity::of(&path.metadata().unwrap());
    let repair = Repair::Remove { path: path.clone(), identity: identity(&path) };
    let another = Repair::Remove { path: path.clone(), identity: identity(&other) };
    assert!(matches!(apply(&another).await, Err(RepairError::NotAsFound { .. })));
    assert!(apply(&repair).await.unwrap().is_some());
    assert_eq!(apply(&repair).await.unwrap(), None);
}

#[tokio::test]
async fn a_process_is_ended_and_a_stranger_with_its_number_is_not() {
    let mut child = tokio::process::Command::new("sleep").arg("1000").spawn().unwrap();
    let pid = child.id().unwrap();
    let start_time = crate::system::process_entry::ProcessEntry::read(pid).unwrap().start_time;
    let end = |start_time| Repair::EndProcess { pid, start_time, name: "sleep".to_owned() };
    assert_eq!(apply(&end(start_time + 1)).await.unwrap(), None);
    assert!(child.try_wait().unwrap().is_none(), "the stranger lives");
    assert!(apply(&end(start_time)).await.unwrap().is_some());
    child.wait().await.unwrap();
    assert_eq!(apply(&end(start_time)).await.unwrap(), None);
}

#[tokio::test]
async fn lines_of_ones_own_stay_in_gitignore() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(".gitignore");
    std::fs::write(&path, "mine\nnodes/").unwrap();
    let repair = Repair::Ignore { path: path.clone() };
    assert!(apply(&repair).await.unwrap().is_some());
    assert_eq!(
        std::fs::read_to_string(&path).unwrap(),
        "mine\nnodes/\n.env*\nconfig.json*\nserver/\nsupervisor/\nrun/\n"
    );
    assert_eq!(apply(&repair).await.unwrap(), None);
}

#[tokio::test]
async fn a_socket_is_not_removed_while_a_supervisor_runs_or_somebody_listens() {
    let directory = tempfile::tempdir().unwrap();
    let (path, lock) = (directory.path().join("s"), directory.path().join("lock"));
    let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let repair = Repair::RemoveSocket { path: path.clone(), lock: lock.clone() };
    assert_eq!(apply(&repair).await.unwrap(), None, "somebody listens");
    drop(listener);
    let held = File::open(&lock).unwrap();
    held.lock().unwrap();
    assert_eq!(apply(&repair).await.unwrap(), None, "a supervisor runs");
    assert!(path.exists());
    drop(held);
    assert!(apply(&repair).await.unwrap().is_some());
    assert!(!path.exists());
}
