//! Logs as clients see them.

use serde_json::Value;

use crate::harness::{Home, write_dot_env};

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
