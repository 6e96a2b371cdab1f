//! A hub that answers each request as it is told, and counts them.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

pub(crate) const NETWORK: &str = "net_0123456789ab";
pub(crate) const NODE: &str = "n_01234567";
pub(crate) const LOGIN: &str = "utok_0123456789abcdef0123456789abcdef";
pub(crate) const OLD: &str = "ntok_00000000000000000000000000000000";
pub(crate) const NEW: &str = "ntok_11111111111111111111111111111111";

/// How one request is answered.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    Json(u16, Value),
    /// With `Retry-After` in seconds.
    Later(u16, u64),
    /// A page of a proxy.
    Html(u16),
    /// The connection is reset.
    Reset,
    /// Half an answer, then the connection is closed.
    Half,
    /// Nothing at all, while the connection stands.
    Hang,
    /// A head, then a byte now and then, for ever.
    Drip,
    /// Not what it should be, but JSON.
    Nonsense,
    Redirect(String),
}

#[derive(Default)]
struct State {
    /// By `METHOD path`, before the regular answers.
    script: HashMap<String, VecDeque<Answer>>,
    /// `METHOD path` and the token shown.
    asked: Vec<(String, String)>,
    minted: u32,
}

pub(crate) struct ScriptedHub {
    pub(crate) address: SocketAddr,
    state: Arc<Mutex<State>>,
    task: JoinHandle<()>,
}

impl ScriptedHub {
    pub(crate) async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state: Arc<Mutex<State>> = Arc::default();
        let known = Arc::clone(&state);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // Whoever hangs up first is no concern of the hub's.
                drop(tokio::spawn(serve(stream, Arc::clone(&known))));
            }
        });
        Self { address, state, task }
    }

    /// The next answers to `METHOD path`; after them the regular ones.
    pub(crate) fn script(&self, request: &str, answers: impl IntoIterator<Item = Answer>) {
        self.state.lock().unwrap().script.entry(request.to_owned()).or_default().extend(answers);
    }

    pub(crate) fn asked(&self) -> Vec<(String, String)> {
        self.state.lock().unwrap().asked.clone()
    }

    pub(crate) fn minted(&self) -> u32 {
        self.state.lock().unwrap().minted
    }
}

impl Drop for ScriptedHub {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut stream: TcpStream, state: Arc<Mutex<State>>) -> std::io::Result<()> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if stream.read_buf(&mut bytes).await? == 0 {
            return Ok(());
        }
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
    };
    let head = String::from_utf8_lossy(&bytes[..head_end]).to_lowercase();
    let length: usize = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .map_or(0, |length| length.trim().parse().unwrap());
    while bytes.len() < head_end + length {
        stream.read_buf(&mut bytes).await?;
    }
    let first = String::from_utf8_lossy(&bytes[..head_end]).lines().next().unwrap().to_owned();
    let request = first.rsplit_once(' ').unwrap().0.split('?').next().unwrap().to_owned();
    let token = head.lines().find_map(|line| line.strip_prefix("authorization: bearer ")).unwrap_or("").to_owned();
    let answer = {
        let mut state = state.lock().unwrap();
        state.asked.push((request.clone(), token.clone()));
        let scripted = state.script.get_mut(&request).and_then(VecDeque::pop_front);
        scripted.unwrap_or_else(|| regular(&mut state, &request, &token))
    };
    write(stream, answer).await
}

fn regular(state: &mut State, request: &str, token: &str) -> Answer {
    let refused = || Answer::Json(401, json!({"ok": false, "error": "invalid token", "code": "invalid_token"}));
    let user = json!({"user_id": "u_1", "username": "ann", "display_name": null, "email": null, "role": "user"});
    let network = json!({
        "network_id": NETWORK, "network_name": "net", "owner_id": "u_1", "description": null,
        "created_at": "2026-01-01 00:00:00", "member_role": "owner",
    });
    let me = |kind: &str, id: &str, node: Value, bound: Value| {
        let credential = json!({"kind": kind, "scope": kind, "token_id": id, "node_id": node});
        let body = json!({
            "ok": true, "user": user, "networks": [network], "current_network": bound, "credential": credential,
        });
        Answer::Json(200, body)
    };
    let is_person = token == LOGIN;
    match request {
        "GET /api/auth/me" if is_person => me("user", "tok_u", Value::Null, Value::Null),
        "GET /api/auth/me" if token == NEW && state.minted > 0 => me("node", "tok_new", json!(NODE), json!(NETWORK)),
        "GET /api/nodes" if is_person => {
            let node = json!({
                "node_id": NODE, "node_name": "writer", "alias": "writer", "network_id": NETWORK, "runtime": null,
                "model": null, "hostname": null, "project_dir": null, "version": null, "status": "offline",
                "connected": false, "instance_id": null, "pid": null, "inbox_count": 0, "last_seen_at": null,
                "created_at": "2026-01-01 00:00:00", "updated_at": "2026-01-01 00:00:00",
            });
            Answer::Json(200, json!({"ok": true, "nodes": [node], "count": 1}))
        }
        "POST /api/auth/node-token" if is_person => {
            state.minted += 1;
            Answer::Json(200, json!({"ok": true, "token": NEW, "token_id": "tok_new", "node_id": NODE}))
        }
        "GET /api/auth/tokens" if is_person => Answer::Json(200, json!({"ok": true, "tokens": []})),
        "DELETE /api/auth/tokens/tok_new" if is_person => Answer::Json(200, json!({"ok": true})),
        _ => refused(),
    }
}

async fn write(mut stream: TcpStream, answer: Answer) -> std::io::Result<()> {
    let head = |status: u16, kind: &str, more: &str, length: usize| {
        format!(
            "HTTP/1.1 {status} x\r\ncontent-type: {kind}\r\nconnection: close\r\n{more}content-length: {length}\r\n\r\n"
        )
    };
    let text = match answer {
        Answer::Json(status, body) => {
            let body = body.to_string();
            head(status, "application/json", "", body.len()) + &body
        }
        Answer::Later(status, seconds) => head(status, "text/plain", &format!("retry-after: {seconds}\r\n"), 0),
        Answer::Html(status) => head(status, "text/html", "", 6) + "<html>",
        Answer::Nonsense => head(200, "application/json", "", 11) + r#"{"ok":true}"#,
        Answer::Redirect(to) => head(302, "text/plain", &format!("location: {to}\r\n"), 0),
        Answer::Half => head(200, "application/json", "", 100) + r#"{"ok":true"#,
        Answer::Hang => {
            std::future::pending::<()>().await;
            return Ok(());
        }
        Answer::Drip => {
            stream.write_all(head(200, "application/json", "", 100_000).as_bytes()).await?;
            let mut drop = tokio::time::interval(std::time::Duration::from_millis(20));
            loop {
                drop.tick().await;
                stream.write_all(b" ").await?;
            }
        }
        Answer::Reset => {
            stream.set_zero_linger()?;
            return Ok(());
        }
    };
    stream.write_all(text.as_bytes()).await?;
    stream.shutdown().await
}
