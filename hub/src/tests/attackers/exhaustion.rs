//! When something runs out or breaks in the middle.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anet_protocol::time::Timestamp;
use anet_protocol::{Clock, Entropy};
use serde_json::json;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::tools::{HERE, ask};
use crate::tests::kit::{PASSWORD, PATIENCE, SeededEntropy, TestClock, TestHub};
use crate::tests::serving::Served;
use crate::{Hub, HubError, Settings, serve};

/// How many file descriptors this process may have, as `ulimit -n` says.
fn most_descriptors() -> u64 {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    line.split_whitespace().nth(3).unwrap().parse().unwrap()
}

/// Attack 42 (hub-limits §3). In a process of its own, because the limit is one of the whole process: there, this test
/// is what starts the hub.
#[test]
fn a_hub_without_file_descriptors_goes_on_when_there_are_some_again() {
    const FEW: u64 = 64;
    if most_descriptors() == FEW {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        return runtime.block_on(with_few_descriptors());
    }
    let test = "tests::attackers::exhaustion::a_hub_without_file_descriptors_goes_on_when_there_are_some_again";
    let output = Command::new("sh")
        .args(["-c", &format!("ulimit -n {FEW}; exec \"$0\" \"$@\"")])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && told.contains("1 passed"), "{told}{}", String::from_utf8_lossy(&output.stderr));
}

async fn with_few_descriptors() {
    let hub = Served::start(|_| {}).await;
    let body = json!({ "username": "alice", "password": PASSWORD });
    assert_eq!(hub.post("", "/api/auth/register", &body).await["ok"], true);
    // Both ends are in this process, so it is out of descriptors soon.
    let mut open = Vec::new();
    let error = loop {
        match TcpStream::connect(hub.address).await {
            Ok(stream) => open.push(stream),
            Err(error) => break error,
        }
        assert!(open.len() < 64, "there are more descriptors than that");
        tokio::task::yield_now().await;
    };
    assert_eq!(error.raw_os_error(), Some(nix::errno::Errno::EMFILE as i32));
    // One more in the queue of the hub than it has descriptors for.
    drop(open.pop());
    let waiting = TcpStream::connect(hub.address).await.unwrap();
    for _ in 0..1000 {
        tokio::task::yield_now().await;
    }
    assert!(!hub.ended.is_finished(), "the hub has given up");
    drop((open, waiting));
    let answer = timeout(PATIENCE, hub.post("", "/api/auth/login", &body)).await.expect("the hub does not answer");
    assert_eq!(answer["ok"], true);
    hub.stop().await;
}

/// A clock or chance that breaks when it is told to.
struct Fragile {
    clock: Arc<TestClock>,
    entropy: Arc<SeededEntropy>,
    breaks: AtomicBool,
    /// Only in the thread that writes the database.
    in_writer: bool,
}

impl Fragile {
    fn new(in_writer: bool) -> Arc<Self> {
        let (clock, entropy) = (TestClock::new(), SeededEntropy::new(1));
        Arc::new(Self { clock, entropy, breaks: AtomicBool::new(false), in_writer })
    }

    fn check(&self) {
        let is_writer = std::thread::current().name() == Some("hub-writer");
        assert!(!self.breaks.load(Ordering::SeqCst) || (self.in_writer && !is_writer), "broken on purpose");
    }
}

impl Clock for Fragile {
    fn now(&self) -> Timestamp {
        self.check();
        self.clock.now()
    }
}

impl Entropy for Fragile {
    fn fill(&self, buffer: &mut [u8]) {
        self.check();
        self.entropy.fill(buffer);
    }
}

/// Attack 44 (hub-limits §3).
#[tokio::test]
async fn a_panic_in_a_door_is_that_calls_alone() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    let directory = TempDir::new().unwrap();
    let fragile = Fragile::new(false);
    let settings = Settings { database: directory.path().join("hub.db"), ..hub.hub.settings().clone() };
    let broken = Hub::open(settings, hub.clock.clone(), fragile.clone()).await.unwrap();
    let broken = TestHub::around(broken, directory);
    let hers = broken.person("alice").await;
    for _ in 0..3 {
        fragile.breaks.store(true, Ordering::SeqCst);
        let refused = broken.post(&hers.token, "/api/networks", json!({ "name": "more" })).await;
        refused.refused(500, "internal");
        let body = json!({ "username": "bob", "password": PASSWORD });
        let answer = broken.post("", "/api/auth/register", body.clone()).await.refused(500, "internal");
        assert!(!answer.to_string().contains("on purpose"), "the cause is the log's: {answer}");
        fragile.breaks.store(false, Ordering::SeqCst);
        broken.get(&hers.token, "/api/auth/me").await.ok();
    }
    broken.post(&hers.token, "/api/networks", json!({ "name": "more" })).await.ok();
    ask(&hub, HERE, ("GET", "/health"), &[], "").await.ok();
    drop(alice);
}

/// Attack 44 (hub-limits §3): never up and not writing.
#[tokio::test(flavor = "multi_thread")]
async fn a_hub_whose_writer_dies_ends_and_says_so() {
    let directory = TempDir::new().unwrap();
    let settings = Settings { database: directory.path().join("hub.db"), ..Settings::default() };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let fragile = Fragile::new(true);
    let stop = CancellationToken::new();
    let (ready, is_ready) = oneshot::channel();
    let ended = tokio::spawn(serve(settings, listener, fragile.clone(), fragile.clone(), stop, move |address| {
        ready.send(address).unwrap();
    }));
    let address = is_ready.await.unwrap();
    let call = async |request: String| {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    };
    let post = |token: &str, path: &str, body: serde_json::Value| {
        let body = body.to_string();
        format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\nconnection: close\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    let json = |answer: String| -> serde_json::Value {
        serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
    };
    let account = json!({ "username": "alice", "password": PASSWORD });
    let alice = json(call(post("", "/api/auth/register", account)).await);
    let token = alice["token"].as_str().unwrap();
    let body = json!({ "network_id": alice["network_id"], "node_name": "counter" });
    let node = json(call(post(token, "/api/auth/node-token", body)).await);
    let node_token = node["token"].as_str().unwrap();
    let body = json!({
        "node_id": node["node_id"], "alias": "counter", "instance_id": "i_1", "runtime": "command", "hostname": "box",
        "pid": 1, "project_dir": "/", "version": "0", "holding": [],
    });
    json(call(post(node_token, "/api/node/register", body)).await);
    let mut stream = TcpStream::connect(address).await.unwrap();
    let listen = format!(
        "GET /events/counter?instance_id=i_1 HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {node_token}\r\n\r\n"
    );
    stream.write_all(listen.as_bytes()).await.unwrap();
    let mut seen = Vec::new();
    while !String::from_utf8_lossy(&seen).contains("\"connected\"") {
        assert_ne!(stream.read_buf(&mut seen).await.unwrap(), 0);
    }
    fragile.breaks.store(true, Ordering::SeqCst);
    let answer = timeout(PATIENCE, call(post(token, "/api/task", json!({ "alias": "counter", "task": "x" }))));
    let answer = answer.await.expect("the call hangs");
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 503"), "{answer}");
    let ended = timeout(PATIENCE, ended).await.expect("the hub stays up and does not write").unwrap();
    assert!(matches!(ended, Err(HubError::WriterGone)), "{ended:?}");
    timeout(PATIENCE, stream.read_to_end(&mut seen)).await.expect("the stream stays open").unwrap();
}
