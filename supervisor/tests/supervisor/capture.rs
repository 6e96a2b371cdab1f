//! What processes write, while they live and die and their supervisor too.

use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use flate2::read::MultiGzDecoder;

use crate::harness::{Home, eventually, is_alive, kill, pid_of};

/// The text of every line of a stream that is kept, oldest first.
pub(crate) fn kept(directory: &Path, stream: &str) -> Vec<String> {
    let log = directory.join("logs/output.log");
    let names = |number: u32| [format!("log.{number}.gz"), format!("log.{number}")];
    let older = (1..10).rev().flat_map(names).map(|name| log.with_extension(name));
    let text: String = older.chain([log.clone()]).filter_map(|path| read(&path)).collect();
    // The last line may be half written yet, or cut off by a death; the next supervisor takes such a one away.
    let whole = text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n'));
    let lines = whole.map(|line| line.splitn(4, ' ').collect::<Vec<_>>());
    lines.filter(|parts| parts[1] == stream).map(|parts| parts[3].to_owned()).collect()
}

/// The text of a log, if there is one. One that was compressed is there twice for a moment.
fn read(log: &Path) -> Option<String> {
    if log.extension().is_none_or(|extension| extension != "gz") {
        return std::fs::read_to_string(log).ok();
    }
    if log.with_extension("").exists() {
        return None;
    }
    let mut text = String::new();
    MultiGzDecoder::new(std::fs::File::open(log).ok()?).read_to_string(&mut text).unwrap();
    Some(text)
}

#[tokio::test]
async fn a_death_is_reported_after_everything_it_wrote_is_kept_even_half_lines() {
    let home = Home::new();
    let behaviour = ["count", "ready", "lines 500 0", "half the end is miss", "say last error", "crash"];
    let directory = home.node("a", &behaviour);
    let supervisor = home.supervise().await;
    supervisor.client.start(&home, "a").await;
    let node = eventually("two deaths are reported", async || {
        let node = supervisor.client.node("a").await;
        (node["process"]["attempt"].as_i64() >= Some(2)).then_some(node)
    })
    .await;
    assert_eq!(node["process"]["last_exit"]["last_words"], "last error");
    let lines = kept(&directory, "out");
    for start in lines.chunks(501).take(2) {
        assert_eq!(
            (start[0].as_str(), start[499].as_str(), start[500].as_str()),
            ("line 1", "line 500", "the end is miss")
        );
    }
    supervisor.client.stop("a").await;
    assert_eq!(std::fs::read_dir(directory.join("logs/unread")).unwrap().count(), 1, "only the position is left");
    supervisor.shut_down().await;
}

#[tokio::test]
async fn no_line_is_lost_or_doubled_while_the_supervisor_is_killed_again_and_again() {
    const LINES: usize = 20_000;
    let home = Home::new();
    let directory = home.node("a", &["ready", &format!("lines {LINES} 5"), "sleep"]);
    let mut supervisor = home.supervise_apart().await;
    let pid = home.client().must_start(&home, "a").await;
    for round in 0..5 {
        let enough = (round + 1) * LINES / 8;
        eventually("some lines are kept", async || (kept(&directory, "out").len() >= enough).then_some(())).await;
        supervisor.kill().await.unwrap();
        supervisor = home.supervise_apart().await;
        assert_eq!(pid_of(&home.client().node("a").await), pid, "the writer noticed nothing");
    }
    eventually("all lines are kept", async || (kept(&directory, "out").len() >= LINES).then_some(())).await;
    let expected: Vec<_> = (1..=LINES).map(|number| format!("line {number}")).collect();
    assert_eq!(kept(&directory, "out"), expected);
    home.client().stop("a").await;
    assert_eq!(kept(&directory, "out").len(), LINES);
    supervisor.kill().await.unwrap();
}

#[tokio::test]
async fn a_process_that_spews_takes_no_disk_and_does_not_keep_the_others_waiting() {
    let home = Home::new();
    let directory = home.node("spewer", &["ready", "spew 192", "say done", "sleep"]);
    let other = home.node("other", &["count", "ready", "sleep"]);
    let supervisor = home.supervise().await;
    let pid = supervisor.client.must_start(&home, "spewer").await;
    let mut before = supervisor.client.must_start(&home, "other").await;
    while kept(&directory, "err").is_empty() {
        kill(before);
        before = supervisor.client.until_replaced("other", before).await;
        let starts = std::fs::read_to_string(other.join("starts")).unwrap();
        if starts.lines().count() > 3 {
            break;
        }
    }
    eventually("all of it is taken", async || (!kept(&directory, "err").is_empty()).then_some(())).await;
    assert!(is_alive(pid));
    let taken = || -> u64 {
        let directories = [directory.join("logs"), directory.join("logs/unread")];
        let entries = directories.iter().flat_map(|directory| std::fs::read_dir(directory).unwrap());
        // A log may be rotated away meanwhile.
        let blocks = entries.map(|entry| entry.unwrap().metadata().map_or(0, |metadata| metadata.blocks()));
        blocks.sum::<u64>() * 512
    };
    eventually("the disk is given back", async || (taken() < 60 << 20).then_some(())).await;
    let is_told = |line: &String| line.starts_with("… ") && line.contains(" lines (");
    eventually("what is missing is told", async || kept(&directory, "out").iter().any(is_told).then_some(())).await;
    supervisor.shut_down().await;
}

#[tokio::test]
async fn what_was_left_by_a_supervisor_and_a_process_that_died_together_is_kept_by_the_next() {
    let home = Home::new();
    let directory = home.node("a", &["ready", "wait-for go", "half good", "half bye", "sleep"]);
    let mut supervisor = home.supervise_apart().await;
    let pid = home.client().must_start(&home, "a").await;
    supervisor.kill().await.unwrap();
    std::fs::write(directory.join("go"), "").unwrap();
    eventually("it wrote", async || {
        (std::fs::metadata(directory.join("logs/unread/1.out")).ok()?.len() == 7).then_some(())
    })
    .await;
    kill(pid);
    let supervisor = home.supervise().await;
    assert_eq!(kept(&directory, "out"), ["goodbye"]);
    supervisor.shut_down().await;
}

#[tokio::test]
async fn a_node_that_closes_its_outputs_lives_on_and_its_end_is_seen() {
    let home = Home::new();
    let directory = home.node("a", &["count", "half before", "close-outputs", "ready", "wait-for go", "exit 1"]);
    let supervisor = home.supervise().await;
    let pid = supervisor.client.must_start(&home, "a").await;
    assert!(is_alive(pid));
    std::fs::write(directory.join("go"), "").unwrap();
    let exit = eventually("its end is told", async || {
        supervisor.client.get("/v1/nodes/a").await["exits"].as_array()?.first().cloned()
    })
    .await;
    assert_eq!((&exit["code"], &exit["last_words"]), (&1.into(), &"before".into()), "{exit}");
    supervisor.client.stop("a").await;
    assert_eq!(kept(&directory, "out")[0], "before");
    supervisor.shut_down().await;
}
