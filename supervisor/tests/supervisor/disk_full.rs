//! A disk that is really full: a small file system of this test's own, in a mount namespace that ends with its supervisor.

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::harness::{Home, eventually, is_alive, kill, zoo_child};

/// Mounts half a megabyte at `$1`, then becomes a supervisor for the home `$2`.
const SCRIPT: &str = r#"mount -t tmpfs -o size=512k,mode=700 anet-test "$1" && exec "$3" supervise "$2""#;

/// A supervisor to whom `place` is a small disk; `None` where no mount namespace can be made.
async fn supervise_with_small_disk(home: &Home, place: &Path) -> Option<tokio::process::Child> {
    // Without privileges the namespace of users helps, where the system allows that.
    let flags = [&["--mount"][..], &["--map-root-user", "--mount"]].into_iter().find(|flags| {
        let mut probe = std::process::Command::new("unshare");
        let probe = probe.args(*flags).args(["sh", "-c", "mount -t tmpfs anet-test /mnt"]).output();
        probe.is_ok_and(|output| output.status.success())
    })?;
    std::fs::create_dir_all(place).unwrap();
    let mut command = tokio::process::Command::new("unshare");
    command.args(flags).args(["sh", "-c", SCRIPT, "sh"]).args([place, &home.path(), &zoo_child()]);
    Some(home.supervise_by(command).await)
}

/// Takes all the room that is left; whoever deletes the file gives it back.
fn fill(place: &Path) -> PathBuf {
    let filler = place.join("filler");
    let written = std::fs::write(&filler, vec![b'x'; 1 << 20]).unwrap_err();
    assert_eq!(written.kind(), std::io::ErrorKind::StorageFull, "{written}");
    filler
}

#[tokio::test]
async fn with_a_full_disk_the_supervisor_stays_says_so_and_goes_on_when_there_is_room() {
    let home = Home::new();
    home.node("a", &["ready", "sleep"]);
    home.node("b", &["ready", "sleep"]);
    home.node("c", &["ready", "sleep"]);
    let place = home.path().join("supervisor");
    let Some(mut supervisor) = supervise_with_small_disk(&home, &place).await else {
        eprintln!("not tried: no mount namespace can be made here");
        return;
    };
    let client = home.client();
    let running = client.must_start(&home, "a").await;
    let filling = client.must_start(&home, "c").await;
    // As the supervisor sees it.
    let inside = PathBuf::from(format!("/proc/{}/root", supervisor.id().unwrap()));
    let filler = fill(&inside.join(place.strip_prefix("/").unwrap()));

    // What cannot be put on record is not begun, and what runs goes on.
    let (status, refusal) = client.start(&home, "b").await;
    assert_eq!(status, 500, "{refusal}");
    let text = refusal["error"].as_str().unwrap();
    assert!(text.contains("No space left") && text.contains("state"), "{text}");
    assert_eq!(home.copies("b"), 0, "it runs, and no record of it could be kept");
    assert_eq!(client.get("/v1/status").await["pid"], supervisor.id().unwrap());
    assert!(is_alive(running));
    // A death is seen, and told as what it was.
    kill(running);
    eventually("its end is told", async || {
        let past = client.get("/v1/nodes/a").await;
        past["exits"].as_array()?.iter().find(|exit| exit["signal"] == 9).cloned()
    })
    .await;

    // What fills the disk can be stopped, and the answer says what is not on record.
    let (status, refusal) = client.stop("c").await;
    assert_eq!(status, 500, "{refusal}");
    let text = refusal["error"].as_str().unwrap();
    assert!(text.contains("c is stopped") && text.contains("No space left"), "{text}");
    assert!(!is_alive(filling) && home.copies("c") == 0);

    // Nobody has to do anything but make room.
    std::fs::remove_file(filler).unwrap();
    client.until_replaced("a", running).await;
    client.must_start(&home, "b").await;
    client.post("/v1/shutdown", json!({"stop_children": true})).await;
    supervisor.wait().await.unwrap();
}
