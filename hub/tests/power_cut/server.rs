//! A real hub in a process of its own, and what a client does with it.

use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anet_protocol::id::TaskId;
use anet_protocol::rest::{NodeToken, NodeTokenRequest, Registered, Success, TaskSent};
use nix::sys::signal::Signal;
use reqwest::RequestBuilder;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// No passing test waits this long for anything.
const PATIENCE: Duration = Duration::from_secs(60);

/// The node that the tasks are for; it is never there.
const NODE: &str = "worker";

/// More than any sender can send before the hub is killed.
const MOST_SENDS: u32 = 1_000;

/// When a hub is killed with SIGKILL.
#[derive(Clone, Copy)]
pub(crate) enum Kill {
    /// By this process, once so many tasks were answered.
    AfterAnswers(u64),
    /// By the shim, before this change of the write-ahead log: in the middle of a commit.
    BeforeWalChange(u64),
    /// By the shim, before this change of the database file: in the middle of a checkpoint.
    BeforeDatabaseChange(u64),
}

pub(crate) struct Server {
    /// Killed when dropped; ends by itself with its stdin when this process is killed.
    process: Child,
    url: String,
    client: reqwest::Client,
}

impl Server {
    /// Starts a hub and waits until it answers. With `shim` its writes are recorded.
    pub(crate) async fn start(database: &Path, durability: &str, shim: Option<(&Path, Kill)>) -> Self {
        let mut command = Command::new(program());
        command.arg(database).arg(durability);
        if let Some((shim, kill)) = shim {
            command.env("LD_PRELOAD", shim).env("POWER_CUT_DATABASE", database);
            match kill {
                Kill::AfterAnswers(_) => &mut command,
                Kill::BeforeWalChange(change) => command.env("POWER_CUT_AT_WAL_CHANGE", change.to_string()),
                Kill::BeforeDatabaseChange(change) => command.env("POWER_CUT_AT_DATABASE_CHANGE", change.to_string()),
            };
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut process = command.spawn().expect("the hub cannot be started");
        let stdout = process.stdout.take().expect("stdout is piped");
        let line = timeout(PATIENCE, BufReader::new(stdout).lines().next_line()).await;
        let line = line.expect("the hub says nothing").expect("the hub's stdout cannot be read");
        let address = line.expect("the hub has ended; its stderr says why");
        let client = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().expect("a client can be built");
        Self { process, url: format!("http://{address}"), client }
    }

    /// Makes an account and a node; gives the account's token.
    pub(crate) async fn register(&self) -> String {
        let request = serde_json::json!({ "username": "sender", "password": "ohm-volt-ampere-4711" });
        let Registered { token, network_id, .. } = self.ask("/api/auth/register", None, &request).await;
        let request = NodeTokenRequest { network_id, node_name: NODE.to_owned(), node_id: None, label: None };
        let _: NodeToken = self.ask("/api/auth/node-token", Some(&token), &request).await;
        token
    }

    async fn ask<T: DeserializeOwned>(&self, path: &str, token: Option<&str>, body: &impl Serialize) -> T {
        let request = self.post(path, token, body);
        let response = request.send().await.expect("the hub does not answer");
        let answer = response.text().await.expect("the hub's answer breaks off");
        serde_json::from_str::<Success<T>>(&answer).unwrap_or_else(|error| panic!("{path}: {error}: {answer}")).body
    }

    fn post(&self, path: &str, token: Option<&str>, body: &impl Serialize) -> RequestBuilder {
        let request = self.client.post(format!("{}{path}", self.url)).json(body);
        if let Some(token) = token { request.bearer_auth(token) } else { request }
    }

    /// Has `senders` send tasks, each the next as soon as the last is answered, until the hub is killed. Gives every
    /// task that was answered, those included whose answers were on their way.
    pub(crate) async fn send_until(mut self, kill: Kill, senders: usize, token: &str) -> Vec<TaskId> {
        let task = serde_json::json!({ "alias": NODE, "task": "x".repeat(200) });
        let (answered, mut answers) = mpsc::unbounded_channel();
        let mut sending = JoinSet::new();
        for _ in 0..senders {
            sending.spawn(send_until_killed(self.post("/api/task", Some(token), &task), answered.clone()));
        }
        drop(answered);
        let mut tasks = Vec::new();
        if let Kill::AfterAnswers(count) = kill {
            for _ in 0..count {
                tasks.push(answers.recv().await.expect("the hub stopped answering before it was killed"));
            }
            self.process.start_kill().expect("the hub cannot be killed");
        }
        while let Some(task) = answers.recv().await {
            tasks.push(task);
        }
        sending.join_all().await;
        self.kill().await;
        tasks
    }

    /// SIGKILL.
    pub(crate) async fn kill(mut self) {
        self.process.start_kill().expect("the hub cannot be killed");
        let status = self.process.wait().await.expect("the hub is a child of this process");
        assert_eq!(status.signal(), Some(Signal::SIGKILL as i32), "the hub died of something else: {status}");
    }
}

async fn send_until_killed(request: RequestBuilder, answered: mpsc::UnboundedSender<TaskId>) {
    for _ in 0..MOST_SENDS {
        let request = request.try_clone().expect("the body is in memory");
        let Ok(response) = request.send().await else { return };
        assert_eq!(response.status(), 200, "a send was refused");
        let Ok(sent) = response.json::<Success<TaskSent>>().await else { return };
        answered.send(sent.body.task_id).expect("answers are counted until the last sender ends");
    }
    panic!("the hub was not killed");
}

/// `target/<profile>/examples/hub_server`, beside the directory of this test.
fn program() -> PathBuf {
    let test = std::env::current_exe().expect("Linux knows the running program");
    let profile = test.ancestors().nth(2).expect("a test is at target/<profile>/deps/<test>");
    let program = profile.join("examples/hub_server");
    assert!(program.exists(), "{} is not built: cargo build --workspace --examples", program.display());
    program
}
