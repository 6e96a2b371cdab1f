use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anet_protocol::time::Timestamp;
use anet_protocol::{Clock, Entropy};
use anet_supervisor::Login;
use anet_supervisor::token_repair::{Cause, NodeAccount, Probe, Repair, RepairOutcome, probe};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

/// A clock that stands still.
pub(crate) struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_795_326_235_000)
    }
}

/// Chance that never repeats.
pub(crate) struct Counting(AtomicU64);

impl Entropy for Counting {
    fn fill(&self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(8) {
            // The multiplier of splitmix64 spreads consecutive numbers over all bytes.
            let number = self.0.fetch_add(1, Ordering::SeqCst).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
            chunk.copy_from_slice(&number.wrapping_mul(0xbf58_476d_1ce4_e5b9).to_ne_bytes()[..chunk.len()]);
        }
    }
}

/// A real hub with a person and a node, and the node's files.
pub(crate) struct Bench {
    pub(crate) url: String,
    pub(crate) login: Login,
    pub(crate) network_id: String,
    pub(crate) node_id: String,
    pub(crate) directory: PathBuf,
    pub(crate) entropy: Counting,
    http: reqwest::Client,
    files: TempDir,
    stop: CancellationToken,
    ended: Option<tokio::task::JoinHandle<Result<(), anet_hub::HubError>>>,
}

impl Bench {
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut anet_hub::Settings)) -> Self {
        let files = tempfile::tempdir().unwrap();
        let mut settings = anet_hub::Settings {
            database: files.path().join("hub/hub.db"),
            limits: anet_hub::RateLimits::off(),
            ..anet_hub::Settings::default()
        };
        change(&mut settings);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stop = CancellationToken::new();
        let (ready, is_ready) = oneshot::channel();
        let entropy = Arc::new(Counting(AtomicU64::new(1)));
        let ended =
            tokio::spawn(anet_hub::serve(settings, listener, Arc::new(Still), entropy, stop.clone(), |address| {
                ready.send(address).unwrap();
            }));
        let address: SocketAddr = is_ready.await.unwrap();
        let directory = files.path().join("project/.anet/nodes/writer");
        std::fs::create_dir_all(&directory).unwrap();
        let mut bench = Self {
            url: format!("http://{address}"),
            login: Login { hub: format!("http://{address}"), token: None },
            network_id: String::new(),
            node_id: String::new(),
            directory,
            entropy: Counting(AtomicU64::new(1_000_000)),
            http: reqwest::Client::builder().timeout(Duration::from_secs(60)).build().unwrap(),
            files,
            stop,
            ended: Some(ended),
        };
        let ann = bench.register("ann").await;
        bench.login.token = Some(text(&ann["token"]).into());
        bench.network_id = text(&ann["network_id"]);
        let token = bench.mint().await;
        bench.node_id = text(&token["node_id"]);
        bench.write_config(&json!({
            "note": {"kept": [1, 2]}, "node_id": bench.node_id, "node_name": "writer", "runtime": "command",
            "hub": bench.url, "token": token["token"], "network_id": bench.network_id, "last": null,
        }));
        bench
    }

    pub(crate) async fn register(&self, name: &str) -> Value {
        let body = json!({"username": name, "password": "correct horse battery"});
        self.call("POST", "/api/auth/register", None, Some(body)).await.1
    }

    pub(crate) async fn mint(&self) -> Value {
        let body = json!({"network_id": self.network_id, "node_name": "writer"});
        self.as_person("POST", "/api/auth/node-token", Some(body)).await.1
    }

    pub(crate) async fn as_person(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let token = self.login.token.as_ref().map(|token| token.expose_secret().to_owned());
        self.call(method, path, token.as_deref(), body).await
    }

    pub(crate) async fn call(
        &self,
        method: &str,
        path: &str,
        token: Option<&str>,
        body: Option<Value>,
    ) -> (u16, Value) {
        let mut request = self.http.request(method.parse().unwrap(), format!("{}{path}", self.url));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    pub(crate) fn write_config(&self, config: &Value) {
        let path = self.directory.join("config.json");
        std::fs::write(&path, config.to_string()).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    }

    pub(crate) fn config(&self) -> Value {
        serde_json::from_str(&std::fs::read_to_string(self.directory.join("config.json")).unwrap()).unwrap()
    }

    pub(crate) fn change_config(&self, change: impl FnOnce(&mut Value)) {
        let mut config = self.config();
        change(&mut config);
        self.write_config(&config);
    }

    pub(crate) fn token(&self) -> String {
        text(&self.config()["token"])
    }

    /// The ids of the node's tokens at the hub.
    pub(crate) async fn node_tokens(&self) -> Vec<String> {
        let (_, list) = self.as_person("GET", "/api/auth/tokens", None).await;
        let tokens = list["tokens"].as_array().unwrap();
        tokens.iter().filter(|token| token["name"] == "node:writer").map(|token| text(&token["token_id"])).collect()
    }

    /// Revokes the token that the node has; gives it.
    pub(crate) async fn lose_token(&self) -> String {
        let before = self.token();
        for id in self.node_tokens().await {
            assert_eq!(self.as_person("DELETE", &format!("/api/auth/tokens/{id}"), None).await.0, 200);
        }
        before
    }

    pub(crate) fn repair(&self, cause: Cause) -> Repair<'_> {
        Repair::new(&self.directory, &self.login, cause, &self.entropy)
    }

    pub(crate) async fn repaired(&self, cause: Cause) -> RepairOutcome {
        self.repair(cause).run().await.unwrap()
    }

    pub(crate) async fn probe(&self) -> Probe {
        probe(&NodeAccount::read(&self.directory, &self.login).unwrap()).await.unwrap()
    }

    pub(crate) async fn audit(&self) -> Vec<String> {
        let (_, log) = self.as_person("GET", "/api/audit-log", None).await;
        log["logs"].as_array().unwrap().iter().map(|line| text(&line["action"])).collect()
    }

    pub(crate) async fn end(mut self) {
        self.stop.cancel();
        self.ended.take().unwrap().await.unwrap().unwrap();
        let left: Vec<_> = std::fs::read_dir(&self.directory)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.starts_with(".unfinished-"))
            .collect();
        assert!(left.is_empty(), "{left:?} in {}", self.files.path().display());
    }
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

pub(crate) fn refused(token: &str) -> Cause {
    Cause::Refused(SecretString::from(token))
}
