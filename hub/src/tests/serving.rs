use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anet_protocol::Clock as _;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::kit::{PASSWORD, PATIENCE, SeededEntropy, TestClock};
use crate::{HubError, Settings, serve};

/// A hub behind a real socket.
pub(crate) struct Served {
    pub address: SocketAddr,
    stop: CancellationToken,
    pub ended: JoinHandle<Result<(), HubError>>,
    pub clock: Arc<TestClock>,
    pub directory: TempDir,
}

impl Served {
    pub(crate) async fn start(change: impl FnOnce(&mut Settings)) -> Self {
        let directory = TempDir::new().unwrap();
        let mut settings = Settings { database: directory.path().join("hub.db"), ..Settings::default() };
        change(&mut settings);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stop = CancellationToken::new();
        let clock = TestClock::new();
        let (ready, is_ready) = oneshot::channel();
        let ended = tokio::spawn(serve(
            settings,
            listener,
            clock.clone(),
            SeededEntropy::new(2),
            stop.clone(),
            move |address| ready.send(address).unwrap(),
        ));
        let address = is_ready.await.unwrap();
        Self { address, stop, ended, clock, directory }
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    pub(crate) async fn post(&self, token: &str, path: &str, body: &Value) -> Value {
        let body = body.to_string();
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\n\
             connection: close\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut stream = self.connect().await;
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
    }

    pub(crate) async fn node(&self) -> (String, Value) {
        let body = json!({ "username": "alice", "password": PASSWORD });
        let alice = self.post("", "/api/auth/register", &body).await;
        let body = json!({ "network_id": alice["network_id"], "node_name": "counter" });
        let node = self.post(alice["token"].as_str().unwrap(), "/api/auth/node-token", &body).await;
        (node["token"].as_str().unwrap().to_owned(), node["node_id"].clone())
    }

    pub(crate) async fn register(&self, token: &str, node_id: &Value, instance: &str) -> Value {
        let body = json!({
            "node_id": node_id, "alias": "counter", "instance_id": instance, "runtime": "command",
            "hostname": "box", "pid": 1, "project_dir": "/", "version": "0", "holding": [],
        });
        self.post(token, "/api/node/register", &body).await
    }

    pub(crate) async fn listen(&self, token: &str) -> TcpStream {
        let mut stream = self.connect().await;
        let head = format!(
            "GET /events/counter?instance_id=i_1 HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut seen = Vec::new();
        while !String::from_utf8_lossy(&seen).contains("\"connected\"") {
            let read = stream.read_buf(&mut seen).await.unwrap();
            assert_ne!(read, 0, "{}", String::from_utf8_lossy(&seen));
        }
        stream
    }

    pub(crate) async fn stop(self) {
        self.stop.cancel();
        timeout(PATIENCE, self.ended).await.expect("the hub does not stop").unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_that_is_stopped_ends_its_streams_and_leaves() {
    // No drain time-out to help: the stream must end by itself.
    let hub = Served::start(|settings| settings.drain_timeout = Duration::from_secs(3600)).await;
    let (token, node_id) = hub.node().await;
    hub.register(&token, &node_id, "i_1").await;
    let mut stream = hub.listen(&token).await;
    let idle = hub.connect().await;
    hub.stop().await;
    let mut rest = Vec::new();
    timeout(PATIENCE, stream.read_to_end(&mut rest)).await.expect("the stream was not ended").unwrap();
    drop(idle);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_never_ends_is_cut_off_when_the_hub_stops() {
    let hub = Served::start(|settings| settings.drain_timeout = Duration::from_millis(50)).await;
    let mut stuck = hub.connect().await;
    let head = "POST /api/auth/login HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{";
    stuck.write_all(head.as_bytes()).await.unwrap();
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_whose_connection_breaks_is_free_at_once() {
    let hub = Served::start(|_| {}).await;
    let (token, node_id) = hub.node().await;
    assert_eq!(hub.register(&token, &node_id, "i_1").await["ok"], true);
    let stream = hub.listen(&token).await;
    assert_eq!(hub.register(&token, &node_id, "i_2").await["code"], "node_already_running");
    // The kernel does this when the process is killed.
    drop(stream);
    let until_free = timeout(PATIENCE, async {
        while hub.register(&token, &node_id, "i_2").await["ok"] != true {
            tokio::task::yield_now().await;
        }
    });
    until_free.await.expect("the node is held by the dead");
    assert_eq!(hub.clock.now(), TestClock::new().now(), "no time had to pass");
    hub.stop().await;
}

/// Attack 41 (hub-limits §3).
#[tokio::test(flavor = "multi_thread")]
async fn half_a_head_does_not_hold_a_connection() {
    let hub = Served::start(|settings| settings.header_timeout = Duration::from_millis(50)).await;
    let mut slow = hub.connect().await;
    slow.write_all(b"GET /health HTTP/1.1\r\nhost:").await.unwrap();
    let mut rest = Vec::new();
    timeout(PATIENCE, slow.read_to_end(&mut rest)).await.expect("the connection stays open").unwrap();
    hub.stop().await;
}

/// Attack 41 (hub-limits §3).
#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let hub = Served::start(|settings| settings.body_timeout = Duration::from_millis(50)).await;
    let mut slow = hub.connect().await;
    let head = "POST /api/auth/login HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{";
    slow.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    timeout(PATIENCE, slow.read_to_end(&mut answer)).await.expect("the connection stays open").unwrap();
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("invalid_input"), "{answer}");
    hub.stop().await;
}
