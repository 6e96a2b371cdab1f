//! Logs as clients see them.

use serde_json::Value;

use crate::harness::{Home, eventually, write_dot_env};

fn lines(text: &str) -> Vec<String> {
    let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
    data.map(|data| serde_json::from_str::<Value>(data).unwrap()["line"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn the_last_lines_are_shown_redacted() {
    let home = Home::new();
    let directory = home.node("a", &["ready", "sleep"]);
    write_dot_env(&directory, "KEY=correct-horse\n");
    let supervisor = home.supervise().await;
    supervisor.client.must_start(&home, "a").await;
    let log = directory.join("logs/node.log");
    std::fs::write(&log, "1\n2\nkey correct-horse and sk-ant-0123456789abcdef0123456789\n").unwrap();
    let text = supervisor.client.stream("/v1/nodes/a/logs?lines=2").await.text().await.unwrap();
    let shown = lines(&text);
    assert_eq!((shown.len(), shown[0].as_str()), (2, "2"));
    assert!(!shown[1].contains("horse") && !shown[1].contains("0123456789"), "{shown:?}");
    supervisor.shut_down().await;
}

#[tokio::test]
async fn a_follower_sees_every_line_once_across_a_rotation() {
    let home = Home::new();
    let directory = home.node("a", &["ready", "sleep"]);
    let supervisor = home.supervise().await;
    supervisor.client.must_start(&home, "a").await;
    let log = directory.join("logs/node.log");
    std::fs::write(&log, "0\n").unwrap();
    let mut stream = supervisor.client.stream("/v1/nodes/a/logs?lines=5&follow=true").await;
    let mut text = String::new();
    let mut until = async |count: usize| {
        while lines(&text).len() < count {
            text.push_str(std::str::from_utf8(&stream.chunk().await.unwrap().unwrap()).unwrap());
        }
        lines(&text)
    };
    until(1).await;
    let append = |line: &str| {
        let mut file = std::fs::File::options().create(true).append(true).open(&log).unwrap();
        std::io::Write::write_all(&mut file, line.as_bytes()).unwrap();
    };
    append("1\n");
    std::fs::rename(&log, directory.join("logs/node.log.1")).unwrap();
    append("2\n");
    until(3).await;
    append("3\n");
    assert_eq!(until(4).await, ["0", "1", "2", "3"]);
    // The open stream does not hold up the end.
    supervisor.shut_down().await;
}

/// The ids and lines of a stream until there are so many.
async fn read_until(stream: &mut reqwest::Response, count: usize) -> Vec<(String, String)> {
    let mut text = String::new();
    loop {
        let frames = text.split_inclusive("\n\n").filter(|frame| frame.ends_with("\n\n") && frame.contains("data: "));
        let read: Vec<_> = frames
            .map(|frame| {
                (frame.lines().next().unwrap().strip_prefix("id: ").unwrap().to_owned(), lines(frame).remove(0))
            })
            .collect();
        if read.len() >= count {
            return read;
        }
        text.push_str(std::str::from_utf8(&stream.chunk().await.unwrap().unwrap()).unwrap());
    }
}

#[tokio::test]
async fn a_hundred_followers_see_each_line_once_and_one_that_never_reads_delays_none_of_them() {
    const LINES: usize = 500;
    let home = Home::new();
    home.node("a", &["ready", "wait-for go", &format!("lines {LINES} 1"), "sleep"]);
    let supervisor = home.supervise().await;
    supervisor.client.must_start(&home, "a").await;
    let path = "/v1/nodes/a/logs?lines=0&follow=true&stream=out";
    let _never_read = supervisor.client.stream(path).await;
    let mut followers = Vec::new();
    for _ in 0..100 {
        followers.push(supervisor.client.stream(path).await);
    }
    std::fs::write(home.node_directory("a").join("go"), "").unwrap();
    let expected: Vec<_> = (1..=LINES).map(|number| format!("line {number}")).collect();
    for follower in &mut followers {
        let seen: Vec<_> = read_until(follower, LINES).await.into_iter().map(|(_, line)| line).collect();
        assert_eq!(seen, expected);
    }
    supervisor.shut_down().await;
}

#[tokio::test]
async fn who_comes_back_after_the_supervisor_died_goes_on_behind_the_last_line_seen() {
    let home = Home::new();
    home.node("a", &["ready", "lines 10 0", "wait-for go", "print the end", "sleep"]);
    let mut supervisor = home.supervise_apart().await;
    home.client().must_start(&home, "a").await;
    let mut stream = home.client().stream("/v1/nodes/a/logs?lines=0&follow=true").await;
    let mut all = home.client().stream("/v1/nodes/a/logs?lines=100&follow=true").await;
    let seen = read_until(&mut all, 4).await;
    let (id, line) = &seen[3];
    supervisor.kill().await.unwrap();
    std::fs::write(home.node_directory("a").join("go"), "").unwrap();
    while let Ok(Some(_)) = stream.chunk().await {}
    let supervisor = home.supervise().await;
    let mut stream = supervisor.client.stream(&format!("/v1/nodes/a/logs?follow=true&after={id}")).await;
    let rest: Vec<_> = read_until(&mut stream, 7).await.into_iter().map(|(_, line)| line).collect();
    assert_eq!(line, "line 4");
    assert_eq!(rest, ["line 5", "line 6", "line 7", "line 8", "line 9", "line 10", "the end"]);
    // The same without waiting for more.
    let mut stream = supervisor.client.stream(&format!("/v1/nodes/a/logs?after={id}")).await;
    let again: Vec<_> = read_until(&mut stream, 7).await.into_iter().map(|(_, line)| line).collect();
    assert_eq!(again, rest);
    let refused = supervisor.client.get("/v1/nodes/a/logs?after=nonsense").await;
    assert_eq!(refused["code"], "invalid_input");
    let refused = supervisor.client.get("/v1/nodes/a/logs?grep=(").await;
    assert_eq!(refused["code"], "invalid_input");
    supervisor.shut_down().await;
}

#[tokio::test]
async fn no_line_is_missed_or_seen_twice_while_logs_are_compressed_and_the_supervisor_is_killed() {
    const LINES: usize = 10_000;
    const ROUNDS: usize = 5;
    let home = Home::new();
    std::fs::create_dir_all(home.path()).unwrap();
    std::fs::write(home.path().join("supervisor.toml"), "[defaults]\nlog-max-bytes = \"16K\"\nlog-files = 500\n")
        .unwrap();
    let directory = home.node("a", &["ready", &format!("lines {LINES} 5"), "sleep"]);
    let mut supervisor = home.supervise_apart().await;
    home.client().must_start(&home, "a").await;
    let mut seen = Vec::new();
    let mut after = format!("lines={LINES}");
    for round in 1..=ROUNDS {
        let mut stream = home.client().stream(&format!("/v1/nodes/a/logs?stream=out&follow=true&{after}")).await;
        let read = read_until(&mut stream, LINES * round / ROUNDS - seen.len()).await;
        if let Some((id, _)) = read.last() {
            after = format!("after={id}");
        }
        seen.extend(read.into_iter().map(|(_, line)| line));
        supervisor.kill().await.unwrap();
        supervisor = home.supervise_apart().await;
    }
    let expected: Vec<_> = (1..=LINES).map(|number| format!("line {number}")).collect();
    assert_eq!(seen, expected);
    let text = home.client().stream(&format!("/v1/nodes/a/logs?stream=out&lines={LINES}")).await.text().await.unwrap();
    assert_eq!(lines(&text), expected);
    eventually("all older logs are compressed", async || {
        let names = std::fs::read_dir(directory.join("logs")).unwrap().map(|entry| entry.unwrap().file_name());
        let older: Vec<_> = names.filter(|name| !["output.log", "unread"].iter().any(|other| name == *other)).collect();
        let is_compressed = |name: &std::ffi::OsString| name.to_string_lossy().ends_with(".gz");
        (!older.is_empty() && older.iter().all(is_compressed)).then_some(())
    })
    .await;
    home.client().stop("a").await;
    supervisor.kill().await.unwrap();
}
