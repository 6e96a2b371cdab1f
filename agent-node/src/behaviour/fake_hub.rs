use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anet_protocol::rest::ClaimedTask;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Request};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use futures_util::stream;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, watch};

/// No test waits longer than this for anything; on a busy machine everything is slow.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// The token that the hub takes.
pub(super) const TOKEN: &str = "ntok_0123456789abcdef0123456789abcdef";

/// A hub that answers by script and remembers every call.
pub(super) struct FakeHub {
    pub(super) state: Arc<watch::Sender<State>>,
    address: SocketAddr,
    runtime: Option<Runtime>,
}

/// What the hub knows, and how it is to answer.
#[derive(Default)]
pub(super) struct State {
    pub(super) inbox: VecDeque<ClaimedTask>,
    pub(super) calls: Vec<Call>,
    /// The next answers of a call by its name, before the regular ones.
    pub(super) script: HashMap<&'static str, VecDeque<(u16, Value)>>,
    /// The answer of a call from now on.
    pub(super) always: HashMap<&'static str, (u16, Value)>,
    /// The token it takes now.
    pub(super) token: String,
    /// A stream begins with this instead of `connected`.
    pub(super) greeting: Option<String>,
    /// The open streams, in the order they were opened.
    pub(super) streams: Vec<mpsc::UnboundedSender<Bytes>>,
    pub(super) lost: Value,
    pub(super) lease_seconds: u64,
    pub(super) heartbeat_seconds: u64,
    /// The instance that registered last; no other may answer.
    pub(super) instance: Value,
    /// Tasks sent by key.
    pub(super) sent: HashMap<String, String>,
}

/// One call.
#[derive(Clone, Debug)]
pub(super) struct Call {
    /// `register`, `events`, `claim`, `report`, `ack`, `renew`, `reply`, `fail`, `task`, or the path.
    pub(super) name: String,
    pub(super) path: String,
    pub(super) query: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Value,
    pub(super) status: u16,
    /// Its connection's other end.
    pub(super) peer: SocketAddr,
}

impl State {
    pub(super) fn named(&self, name: &str) -> Vec<&Call> {
        self.calls.iter().filter(|call| call.name == name).collect()
    }

    /// The calls of this name that were answered with success.
    pub(super) fn taken(&self, name: &str) -> Vec<&Call> {
        self.named(name).into_iter().filter(|call| call.status == 200).collect()
    }

    pub(super) fn script(&mut self, name: &'static str, status: u16, body: Value) {
        self.script.entry(name).or_default().push_back((status, body));
    }
}

/// A refusal as a hub words it.
pub(super) fn refusal(code: &str) -> Value {
    json!({"ok": false, "error": code, "code": code})
}

impl FakeHub {
    pub(super) fn start() -> Self {
        let state = State {
            token: TOKEN.to_owned(),
            lost: json!([]),
            lease_seconds: 60,
            heartbeat_seconds: 60,
            ..State::default()
        };
        let state = Arc::new(watch::Sender::new(state));
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let mut hub = Self { state, address, runtime: None };
        hub.serve(listener);
        hub
    }

    fn serve(&mut self, listener: std::net::TcpListener) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        listener.set_nonblocking(true).unwrap();
        let state = Arc::clone(&self.state);
        let router = Router::new().fallback(move |request: Request| answer(Arc::clone(&state), request));
        runtime.spawn(async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            let service = router.into_make_service_with_connect_info::<SocketAddr>();
            axum::serve(listener, service).await.unwrap();
        });
        self.runtime = Some(runtime);
    }

    /// Ends it as SIGKILL would: every connection breaks.
    pub(super) fn kill(&mut self) {
        self.runtime.take().unwrap().shutdown_background();
        self.state.send_modify(|state| state.streams.clear());
    }

    /// Starts it anew at the same address.
    pub(super) async fn restart(&mut self) {
        let listener = wait_for("the address is free", || std::net::TcpListener::bind(self.address).ok()).await;
        self.serve(listener);
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut State)) {
        self.state.send_modify(change);
    }

    /// Puts a task into the inbox and rings the doorbell.
    pub(super) fn send(&self, task: ClaimedTask) {
        let id = task.task_id.clone();
        self.change(|state| state.inbox.push_back(task));
        self.event(
            &json!({"type": "new_task", "task_id": id, "inbox_count": 1, "priority": "normal", "from": "alice"}),
        );
    }

    /// Sends an event to every open stream.
    pub(super) fn event(&self, event: &Value) {
        self.frame(&format!("data: {event}\n\n"));
    }

    pub(super) fn frame(&self, frame: &str) {
        for stream in &self.state.borrow().streams {
            // A closed stream is of no interest here.
            drop(stream.send(Bytes::from(frame.to_owned())));
        }
    }

    /// Waits until the hub has seen something.
    pub(super) async fn until(&self, what: &str, seen: impl FnMut(&State) -> bool) {
        let mut state = self.state.subscribe();
        let waited = tokio::time::timeout(PATIENCE, state.wait_for(seen)).await.map(|state| drop(state.unwrap()));
        if waited.is_err() {
            let calls: Vec<String> =
                self.state.borrow().calls.iter().map(|call| format!("{} {}", call.name, call.status)).collect();
            panic!("not seen: {what}; the calls were {calls:?}");
        }
    }

    /// The bodies of the calls of this name.
    pub(super) fn bodies(&self, name: &str) -> Vec<Value> {
        self.state.borrow().named(name).into_iter().map(|call| call.body.clone()).collect()
    }
}

impl Drop for FakeHub {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Waits for something that nobody announces.
pub(super) async fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let looking = async {
        let mut interval = tokio::time::interval(Duration::from_millis(10));
        loop {
            interval.tick().await;
            if let Some(found) = look() {
                return found;
            }
        }
    };
    tokio::time::timeout(PATIENCE, looking).await.unwrap_or_else(|_| panic!("never happened: {what}"))
}

async fn answer(state: Arc<watch::Sender<State>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
    let path = parts.uri.path().to_owned();
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    let name = match segments.as_slice() {
        ["events", _] => "events",
        ["api", "node", "tasks", _, verb] | ["api", "node", verb] => verb,
        ["api", "task"] => "task",
        _ => &path,
    };
    let mut call = Call {
        name: name.to_owned(),
        path: path.clone(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers,
        body: serde_json::from_slice(&bytes).unwrap_or(Value::Null),
        status: 200,
        peer: parts.extensions.get::<ConnectInfo<SocketAddr>>().unwrap().0,
    };
    let mut response = None;
    state.send_modify(|state| {
        let authorization = call.headers.get("authorization").and_then(|value| value.to_str().ok());
        let (status, body) = if authorization != Some(&format!("Bearer {}", state.token)) {
            (401, refusal("invalid_token"))
        } else if let Some(scripted) = state.script.get_mut(name).and_then(VecDeque::pop_front) {
            scripted
        } else if let Some(always) = state.always.get(name) {
            always.clone()
        } else {
            regular(state, name, &segments, &call.body)
        };
        call.status = status;
        state.calls.push(call);
        response = Some(if name == "events" && status == 200 {
            let (sender, receiver) = mpsc::unbounded_channel();
            let greeting = state.greeting.clone().unwrap_or_else(connected);
            drop(sender.send(Bytes::from(greeting)));
            state.streams.push(sender);
            let frames = stream::unfold(receiver, |mut receiver| async {
                receiver.recv().await.map(|bytes| (Ok::<_, std::io::Error>(bytes), receiver))
            });
            ([("content-type", "text/event-stream")], Body::from_stream(frames)).into_response()
        } else {
            (StatusCode::from_u16(status).unwrap(), Json(body)).into_response()
        });
    });
    response.unwrap()
}

/// The frame that opens a stream.
pub(super) fn connected() -> String {
    format!("data: {}\n\n", json!({"type": "connected", "session": "counter", "network_id": "net_1"}))
}

fn regular(state: &mut State, name: &str, segments: &[&str], body: &Value) -> (u16, Value) {
    if !body["instance_id"].is_null() && name != "register" && body["instance_id"] != state.instance {
        return (409, refusal("stale_attempt"));
    }
    let answer = match name {
        "register" => json!({
            "ok": true, "alias": "counter", "network_id": "net_1", "heartbeat_seconds": state.heartbeat_seconds,
            "lease_seconds": state.lease_seconds, "inbox_count": state.inbox.len(), "lost": state.lost.take(),
        }),
        "claim" => {
            let max = usize::try_from(body["max"].as_u64().unwrap()).unwrap().min(state.inbox.len());
            let tasks: Vec<ClaimedTask> = state.inbox.drain(..max).collect();
            json!({"ok": true, "tasks": tasks, "inbox_count": state.inbox.len()})
        }
        "report" => json!({"ok": true, "inbox_count": state.inbox.len()}),
        "ack" | "renew" | "reply" | "fail" => json!({
            "ok": true, "task_id": segments[3], "status": "acked", "lease_expires_at": null, "replayed": false,
        }),
        "task" => {
            let key = body["idempotency_key"].as_str().unwrap().to_owned();
            let number = state.sent.len();
            let replayed = state.sent.contains_key(&key);
            let id = state.sent.entry(key).or_insert_with(|| format!("sub-{number}")).clone();
            json!({
                "ok": true, "task_id": id, "message_id": id, "queued": true, "online": true,
                "session_status": "idle", "expires_at": "2030-01-01T00:00:00.000Z",
                "replayed": replayed,
            })
        }
        "events" => Value::Null,
        _ => json!({"ok": true, "from": "the hub"}),
    };
    if name == "register" {
        state.lost = json!([]);
        state.instance = body["instance_id"].clone();
    }
    (200, answer)
}
