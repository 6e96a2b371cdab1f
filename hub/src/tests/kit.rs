use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anet_protocol::rest::Attempt;
use anet_protocol::time::Timestamp;
use anet_protocol::{Clock, Entropy};
use axum::Router;
use axum::body::{Body, BodyDataStream, Bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use futures_util::StreamExt as _;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt as _;

use crate::{Hub, HubError, RateLimits, Settings, router};

pub(crate) const PASSWORD: &str = "correct horse battery";

/// Far more than anything here takes, so that only a hang ends a test this way. Builds that are broken on purpose hang
/// often, so `tests/examples/controls.rs` asks for less.
pub(crate) const PATIENCE: Duration =
    if option_env!("ANET_TEST_IMPATIENT").is_some() { Duration::from_secs(10) } else { Duration::from_secs(60) };

/// A clock that a test moves.
pub(crate) struct TestClock(AtomicI64);

impl TestClock {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(1_795_326_235_000)))
    }

    pub(crate) fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1000, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

/// Chance that is the same in every run: splitmix64.
pub(crate) struct SeededEntropy(Mutex<u64>);

impl SeededEntropy {
    pub(crate) fn new(seed: u64) -> Arc<Self> {
        Arc::new(Self(Mutex::new(seed)))
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, buffer: &mut [u8]) {
        let mut state = self.0.lock().unwrap();
        for byte in buffer {
            *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = *state;
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            *byte = (mixed >> 56) as u8;
        }
    }
}

/// A hub on a database of its own.
pub(crate) struct TestHub {
    pub hub: Hub,
    pub clock: Arc<TestClock>,
    pub directory: TempDir,
    entropy: Arc<SeededEntropy>,
    router: Router,
    /// Attempts that were given to any run.
    claimed: Mutex<Vec<Value>>,
}

/// What a call was answered.
#[derive(Debug)]
pub(crate) struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Reply {
    /// The body of a success.
    #[track_caller]
    pub(crate) fn ok(self) -> Value {
        assert_eq!(self.status, StatusCode::OK, "{:#}", self.body);
        assert_eq!(self.body["ok"], true);
        self.body
    }

    /// The body of a refusal with this status and code.
    #[track_caller]
    pub(crate) fn refused(self, status: u16, code: &str) -> Value {
        assert_eq!((self.status.as_u16(), &self.body["code"]), (status, &json!(code)), "{:#}", self.body);
        assert_eq!(self.body["ok"], false);
        self.body
    }
}

/// A person with an account.
#[derive(Clone)]
pub(crate) struct Person {
    pub token: String,
    pub network_token: String,
    pub network_id: String,
}

/// A run of a node.
#[derive(Clone)]
pub(crate) struct Run {
    pub token: String,
    pub node_id: String,
    pub alias: String,
    pub instance: String,
}

impl TestHub {
    pub(crate) async fn open() -> Self {
        Self::open_with(|_| {}).await
    }

    pub(crate) async fn open_with(change: impl FnOnce(&mut Settings)) -> Self {
        Self::open_at(TestClock::new(), 1, change).await
    }

    /// A hub at a time of the clock's; hubs of two seeds draw no id or secret in common.
    pub(crate) async fn open_at(clock: Arc<TestClock>, seed: u64, change: impl FnOnce(&mut Settings)) -> Self {
        let directory = TempDir::new().unwrap();
        let database = directory.path().join("hub/commhub.db");
        let mut settings = Settings { database, limits: RateLimits::off(), ..Settings::default() };
        change(&mut settings);
        let entropy = SeededEntropy::new(seed);
        let hub = Hub::open(settings, clock.clone(), entropy.clone()).await.unwrap();
        Self { router: router(hub.clone()), hub, clock, entropy, directory, claimed: Mutex::default() }
    }

    /// A hub that was opened in another way.
    pub(crate) fn around(hub: Hub, directory: TempDir) -> Self {
        let (clock, entropy) = (TestClock::new(), SeededEntropy::new(1));
        Self { router: router(hub.clone()), hub, clock, entropy, directory, claimed: Mutex::default() }
    }

    /// Closes the database and opens it again, as a restarted process would.
    pub(crate) async fn restart(self) -> Self {
        self.restart_with(|_| {}).await
    }

    /// The same with other settings.
    pub(crate) async fn restart_with(self, change: impl FnOnce(&mut Settings)) -> Self {
        self.try_restart_with(change).await.unwrap()
    }

    /// The same, where the hub may refuse to start.
    pub(crate) async fn try_restart_with(self, change: impl FnOnce(&mut Settings)) -> Result<Self, HubError> {
        let Self { hub, clock, directory, entropy, router: old, claimed } = self;
        let mut settings = hub.settings().clone();
        change(&mut settings);
        hub.close().await;
        drop((hub, old));
        let hub = Hub::open(settings, clock.clone(), entropy.clone()).await?;
        Ok(Self { router: router(hub.clone()), hub, clock, entropy, directory, claimed })
    }

    pub(crate) fn router(&self) -> Router {
        self.router.clone()
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Reply {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        // A stream has no end to wait for; dropping it is what a reader's leave is.
        if head.headers.get("content-type").is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream")) {
            return Reply { status: head.status, headers: head.headers, body: Value::Null };
        }
        let bytes = whole(body).await;
        let body = serde_json::from_slice(&bytes).expect("every answer is JSON");
        Reply { status: head.status, headers: head.headers, body }
    }

    /// The content type and the text of an answer that is no JSON.
    pub(crate) async fn text(&self, token: &str, path: &str) -> (String, String) {
        let request = Self::request("GET", path, token).body(Body::empty()).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        let content_type = response.headers()["content-type"].to_str().unwrap().to_owned();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        (content_type, String::from_utf8(bytes.to_vec()).unwrap())
    }

    pub(crate) fn request(method: &str, path: &str, token: &str) -> axum::http::request::Builder {
        let builder = Request::builder().method(method).uri(path).header("host", "localhost");
        if token.is_empty() { builder } else { builder.header("authorization", format!("Bearer {token}")) }
    }

    pub(crate) async fn get(&self, token: &str, path: &str) -> Reply {
        self.send(Self::request("GET", path, token).body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn delete(&self, token: &str, path: &str) -> Reply {
        self.send(Self::request("DELETE", path, token).body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn post(&self, token: &str, path: &str, body: Value) -> Reply {
        let request = Self::request("POST", path, token).header("content-type", "application/json");
        self.send(request.body(Body::from(body.to_string())).unwrap()).await
    }

    pub(crate) async fn put(&self, token: &str, path: &str, body: Value) -> Reply {
        let request = Self::request("PUT", path, token).header("content-type", "application/json");
        self.send(request.body(Body::from(body.to_string())).unwrap()).await
    }

    /// A call without a body that changes something.
    pub(crate) async fn act(&self, token: &str, path: &str) -> Reply {
        self.send(Self::request("POST", path, token).body(Body::empty()).unwrap()).await
    }

    /// Makes a second person a member of the first one's network.
    pub(crate) async fn join(&self, owner: &Person, name: &str, role: &str) {
        let path = format!("/api/networks/{}/members", owner.network_id);
        self.post(&owner.token, &path, json!({ "username": name, "role": role })).await.ok();
    }

    /// The audit log as the administrator sees it, oldest first.
    pub(crate) async fn audit(&self, admin: &Person) -> Vec<Value> {
        let body = self.get(&admin.token, "/api/audit-log?after=0&limit=200").await.ok();
        body["logs"].as_array().unwrap().clone()
    }

    /// The id of the person a token belongs to.
    pub(crate) async fn user_id(&self, token: &str) -> String {
        self.get(token, "/api/auth/me").await.ok()["user"]["user_id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn person(&self, name: &str) -> Person {
        let body = json!({ "username": name, "password": PASSWORD });
        let body = self.post("", "/api/auth/register", body).await.ok();
        let text = |field: &str| body[field].as_str().unwrap().to_owned();
        Person { token: text("token"), network_token: text("network_token"), network_id: text("network_id") }
    }

    /// Makes a node known that was never started.
    pub(crate) async fn node(&self, person: &Person, alias: &str) -> Run {
        let body = json!({ "network_id": person.network_id, "node_name": alias });
        let body = self.post(&person.token, "/api/auth/node-token", body).await.ok();
        let text = |field: &str| body[field].as_str().unwrap().to_owned();
        Run { token: text("token"), node_id: text("node_id"), alias: alias.to_owned(), instance: "i_1".to_owned() }
    }

    /// A registered run of a new node.
    pub(crate) async fn running(&self, person: &Person, alias: &str) -> Run {
        let run = self.node(person, alias).await;
        self.register(&run, &[]).await.ok();
        run
    }

    pub(crate) async fn register(&self, run: &Run, holding: &[Attempt]) -> Reply {
        let body = json!({
            "node_id": run.node_id, "alias": run.alias, "instance_id": run.instance, "runtime": "command",
            "hostname": "box", "pid": 4711, "project_dir": "/srv/project", "version": "0.1.0", "holding": holding,
        });
        self.post(&run.token, "/api/node/register", body).await
    }

    /// Registers a run that holds nothing and knows that the runs `previous` are dead.
    pub(crate) async fn register_after(&self, run: &Run, previous: &[&str]) -> Reply {
        let body = json!({
            "node_id": run.node_id, "alias": run.alias, "instance_id": run.instance, "runtime": "command",
            "hostname": "box", "pid": 4711, "project_dir": "/srv/project", "version": "0.1.0", "holding": [],
            "previous": previous,
        });
        self.post(&run.token, "/api/node/register", body).await
    }

    pub(crate) async fn report(&self, run: &Run, status: &str) -> Reply {
        let body = json!({ "instance_id": run.instance, "status": status });
        self.post(&run.token, "/api/node/report", body).await
    }

    /// Claims as a node does that remembers everything it was given.
    pub(crate) async fn claim(&self, run: &Run, max: u32) -> Vec<Value> {
        let known = self.claimed.lock().unwrap().clone();
        let body = json!({ "instance_id": run.instance, "max": max, "holding": known });
        let body = self.post(&run.token, "/api/node/claim", body).await.ok();
        let tasks = body["tasks"].as_array().unwrap().clone();
        let new = tasks.iter().map(|task| json!({ "task_id": task["task_id"], "attempt": task["attempt"] }));
        self.claimed.lock().unwrap().extend(new);
        tasks
    }

    /// A call about an attempt: `ack`, `renew`, `reply` or `fail`, with further fields.
    pub(crate) async fn attempt(&self, run: &Run, call: &str, task: &str, attempt: u32, more: Value) -> Reply {
        let mut body = json!({ "instance_id": run.instance, "attempt": attempt });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.post(&run.token, &format!("/api/node/tasks/{task}/{call}"), body).await
    }

    pub(crate) async fn reply(&self, run: &Run, task: &str, attempt: u32, text: &str) -> Reply {
        self.attempt(run, "reply", task, attempt, json!({ "text": text })).await
    }

    /// Sends a task and gives its id.
    pub(crate) async fn task(&self, token: &str, alias: &str, text: &str) -> String {
        let body = self.post(token, "/api/task", json!({ "alias": alias, "task": text })).await.ok();
        body["task_id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn state(&self, token: &str, task: &str) -> Value {
        self.get(token, &format!("/api/task/{task}")).await.ok()["task"].clone()
    }

    pub(crate) async fn sweep(&self) {
        crate::work::sweep::sweep(&self.hub).await.unwrap();
    }

    pub(crate) async fn listen(&self, token: &str, path: &str, last_event_id: Option<i64>) -> Frames {
        let mut request = Self::request("GET", path, token);
        if let Some(id) = last_event_id {
            request = request.header("last-event-id", id.to_string());
        }
        let response = self.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        assert_eq!(response.headers()["content-type"], "text/event-stream; charset=utf-8");
        let mut frames = Frames { stream: response.into_body().into_data_stream(), rest: String::new() };
        let first = frames.next().await.unwrap();
        assert_eq!((first.id, first.data["type"].as_str()), (None, Some("connected")));
        frames
    }

    /// The stream of a run on its own channel.
    pub(crate) async fn listen_as(&self, run: &Run, last_event_id: Option<i64>) -> Frames {
        let path = format!("/events/{}?instance_id={}", run.alias, run.instance);
        self.listen(&run.token, &path, last_event_id).await
    }
}

/// All of a body. A stream, which has no end, is none that a test asks for in this way.
pub(crate) async fn whole(body: Body) -> Bytes {
    let body = tokio::time::timeout(PATIENCE, body.collect()).await.expect("the answer does not end");
    body.unwrap().to_bytes()
}

/// One frame of a stream.
#[derive(Debug)]
pub(crate) struct SeenFrame {
    pub id: Option<i64>,
    pub data: Value,
}

/// The reading end of a stream. Dropping it is what a reader's death is to the hub.
pub(crate) struct Frames {
    stream: BodyDataStream,
    rest: String,
}

impl Frames {
    /// The next frame; `None` when the hub has ended the stream. Keepalives do not count.
    pub(crate) async fn next(&mut self) -> Option<SeenFrame> {
        tokio::time::timeout(PATIENCE, self.any()).await.expect("the stream is silent")
    }

    async fn any(&mut self) -> Option<SeenFrame> {
        loop {
            if let Some((frame, rest)) = self.rest.split_once("\n\n") {
                let (frame, rest) = (frame.to_owned(), rest.to_owned());
                self.rest = rest;
                if frame.starts_with(':') {
                    continue;
                }
                let field = |name: &str| frame.lines().find_map(|line| line.strip_prefix(name));
                return Some(SeenFrame {
                    id: field("id: ").map(|id| id.parse().unwrap()),
                    data: serde_json::from_str(field("data: ").unwrap()).unwrap(),
                });
            }
            let chunk = self.stream.next().await?;
            self.rest.push_str(std::str::from_utf8(&chunk.unwrap()).unwrap());
        }
    }

    /// The next frame's type; `end` when the hub has ended the stream.
    pub(crate) async fn next_type(&mut self) -> String {
        self.next().await.map_or_else(|| "end".to_owned(), |frame| frame.data["type"].as_str().unwrap().to_owned())
    }
}
