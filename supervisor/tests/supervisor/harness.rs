//! A home with projects and nodes, a supervisor for it, and a client.

use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anet_protocol::time::Timestamp;
use anet_protocol::{Clock, Entropy};
use anet_supervisor::{Launcher, Settings, SupervisorError, run};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Generous, because many tests share the machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct System;

impl Clock for System {
    #[expect(clippy::disallowed_methods, reason = "the tests' source of time")]
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(jiff::Timestamp::now().as_millisecond())
    }
}

impl Entropy for System {
    #[expect(clippy::disallowed_methods, reason = "the tests' source of chance")]
    fn fill(&self, buffer: &mut [u8]) {
        getrandom::fill(buffer).unwrap();
    }
}

/// The example that plays the children; `cargo test` builds it beside the tests.
pub(crate) fn zoo_child() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let path = tests.parent().unwrap().parent().unwrap().join("examples/zoo_child");
    assert!(path.is_file(), "{} is missing: cargo build -p anet-supervisor --examples", path.display());
    path
}

/// A home and a project; whatever runs for it at the end of a test is a failure of the test.
pub(crate) struct Home {
    directory: TempDir,
}

impl Home {
    pub(crate) fn new() -> Self {
        let home = Self { directory: tempfile::tempdir().unwrap() };
        std::fs::create_dir(home.project()).unwrap();
        home
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.directory.path().join("home")
    }

    pub(crate) fn project(&self) -> PathBuf {
        self.directory.path().join("project")
    }

    pub(crate) fn state_file(&self) -> PathBuf {
        self.path().join("supervisor/state.json")
    }

    pub(crate) fn node_directory(&self, name: &str) -> PathBuf {
        self.project().join(".anet/nodes").join(name)
    }

    /// Makes a node in the project that behaves as told, one action a line.
    pub(crate) fn node(&self, name: &str, behaviour: &[&str]) -> PathBuf {
        node_in(&self.project(), name, behaviour)
    }

    pub(crate) fn hub_behaviour(&self, behaviour: &[&str]) {
        std::fs::create_dir_all(self.path().join("server")).unwrap();
        std::fs::write(self.path().join("server/behaviour"), behaviour.join("\n")).unwrap();
    }

    pub(crate) fn settings(&self) -> Settings {
        let zoo = zoo_child();
        let environment: Vec<(OsString, OsString)> = vec![("PATH".into(), "/usr/bin:/bin".into())];
        let mut settings = Settings::new(self.path(), zoo.clone(), "test".to_owned(), environment);
        settings.launcher =
            Launcher { hub: vec![zoo.clone().into(), "hub".into()], node: vec![zoo.into(), "node".into()] };
        settings.policies.defaults.ready_timeout = PATIENCE;
        settings.kill_timeout = Duration::from_secs(20);
        settings.policies.defaults.start_backoff.first = Duration::from_millis(10);
        settings
    }

    pub(crate) fn client(&self) -> Client {
        let socket = self.path().join("run/supervisor.sock");
        Client { http: reqwest::Client::builder().unix_socket(socket).pool_max_idle_per_host(0).build().unwrap() }
    }

    /// A supervisor in this process.
    pub(crate) async fn supervise(&self) -> Supervisor {
        self.supervise_with(self.settings()).await
    }

    pub(crate) async fn supervise_with(&self, settings: Settings) -> Supervisor {
        self.supervise_by_clock(settings, Arc::new(System)).await
    }

    pub(crate) async fn supervise_by_clock(&self, settings: Settings, clock: Arc<dyn Clock>) -> Supervisor {
        let stop = CancellationToken::new();
        let (is_ready, ready) = tokio::sync::oneshot::channel();
        let task = tokio::spawn(run(settings, clock, Arc::new(System), stop.clone(), move || {
            is_ready.send(()).unwrap();
        }));
        let supervisor = Supervisor { client: self.client(), stop, task };
        let Ok(()) = ready.await else { panic!("the supervisor did not start: {:?}", supervisor.task.await) };
        supervisor
    }

    /// A supervisor in a process of its own, which can be killed.
    pub(crate) async fn supervise_apart(&self) -> tokio::process::Child {
        self.supervise_as("supervise").await
    }

    /// As [`Self::supervise_apart`], and whoever runs the test can see which descriptors it has.
    pub(crate) async fn supervise_visibly(&self) -> tokio::process::Child {
        self.supervise_as("supervise-visibly").await
    }

    async fn supervise_as(&self, role: &str) -> tokio::process::Child {
        let mut command = tokio::process::Command::new(zoo_child());
        command.arg(role).arg(self.path());
        self.supervise_by(command).await
    }

    /// A supervisor that this command becomes.
    pub(crate) async fn supervise_by(&self, mut command: tokio::process::Command) -> tokio::process::Child {
        let child = command.env_clear().kill_on_drop(true).spawn().unwrap();
        let pid = child.id().unwrap();
        let client = self.client();
        eventually("the supervisor answers", async || {
            let status = client.try_get("/v1/status").await?;
            (status["pid"] == pid).then_some(())
        })
        .await;
        child
    }

    /// How many processes run as this node; helpers do not count.
    pub(crate) fn copies(&self, name: &str) -> usize {
        let argument = format!("--directory\0{}\0", self.node_directory(name).canonicalize().unwrap().display());
        let is_node = |pid: &&i32| {
            let command_line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            command_line.ends_with(argument.as_bytes())
        };
        self.processes().iter().filter(is_node).count()
    }

    /// The processes that run for this home.
    pub(crate) fn processes(&self) -> Vec<i32> {
        let marker = format!("ANET_HOME={}\0", self.path().display());
        let pids =
            std::fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        pids.filter(|pid: &i32| {
            let environ = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environ.windows(marker.len()).any(|window| window == marker.as_bytes())
        })
        .collect()
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let left = self.processes();
        for pid in &left {
            // It may end by itself meanwhile.
            nix::sys::signal::kill(nix::unistd::Pid::from_raw(*pid), nix::sys::signal::Signal::SIGKILL).ok();
        }
        assert!(std::thread::panicking() || left.is_empty(), "processes left behind: {left:?}");
    }
}

pub(crate) fn node_in(project: &Path, name: &str, behaviour: &[&str]) -> PathBuf {
    let directory = project.join(".anet/nodes").join(name);
    std::fs::create_dir_all(&directory).unwrap();
    std::fs::write(directory.join("behaviour"), behaviour.join("\n")).unwrap();
    write_config(&directory, &json!({"node_id": "n_00000001", "node_name": name, "runtime": "command", "env": {}}));
    directory
}

pub(crate) fn write_config(directory: &Path, config: &Value) {
    std::fs::write(directory.join("config.json"), config.to_string()).unwrap();
}

pub(crate) fn write_dot_env(directory: &Path, text: &str) {
    let path = directory.join(".env");
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

pub(crate) struct Supervisor {
    pub(crate) client: Client,
    pub(crate) stop: CancellationToken,
    pub(crate) task: JoinHandle<Result<(), SupervisorError>>,
}

impl Supervisor {
    /// Leaves; the children run on.
    pub(crate) async fn leave(self) {
        self.stop.cancel();
        self.task.await.unwrap().unwrap();
    }

    /// Stops everything and leaves.
    pub(crate) async fn shut_down(self) {
        let (status, answer) = self.client.post("/v1/shutdown", json!({"stop_children": true})).await;
        assert_eq!(status, 200, "{answer}");
        self.task.await.unwrap().unwrap();
    }
}

#[derive(Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
}

impl Client {
    pub(crate) async fn try_get(&self, path: &str) -> Option<Value> {
        self.http.get(format!("http://supervisor{path}")).send().await.ok()?.json().await.ok()
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        self.try_get(path).await.unwrap()
    }

    pub(crate) async fn stream(&self, path: &str) -> reqwest::Response {
        self.http.get(format!("http://supervisor{path}")).send().await.unwrap()
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        let response = self.http.post(format!("http://supervisor{path}")).json(&body).send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    /// As [`Self::post`], of a supervisor that may die before it answers.
    pub(crate) async fn try_post(&self, path: &str, body: Value) -> Option<Value> {
        self.http.post(format!("http://supervisor{path}")).json(&body).send().await.ok()?.json().await.ok()
    }

    pub(crate) async fn start(&self, home: &Home, name: &str) -> (u16, Value) {
        self.post(&format!("/v1/nodes/{name}/start"), json!({"project": home.project()})).await
    }

    /// Starts a node and gives its process id.
    pub(crate) async fn must_start(&self, home: &Home, name: &str) -> i32 {
        let (status, answer) = self.start(home, name).await;
        assert_eq!(status, 200, "{answer}");
        pid_of(&answer["node"])
    }

    pub(crate) async fn stop(&self, name: &str) -> (u16, Value) {
        self.post(&format!("/v1/nodes/{name}/stop"), json!({})).await
    }

    pub(crate) async fn node(&self, name: &str) -> Value {
        let nodes = self.get("/v1/nodes").await;
        nodes["nodes"].as_array().unwrap().iter().find(|node| node["name"] == name).cloned().unwrap()
    }

    /// Waits until the node is in this state.
    pub(crate) async fn until_state(&self, name: &str, state: &str) -> Value {
        eventually(&format!("{name} is {state}"), async || {
            let node = self.node(name).await;
            (node["state"] == state).then_some(node)
        })
        .await
    }

    /// As [`Self::until_state`], for a node that need not be known yet.
    pub(crate) async fn until_state_of(&self, name: &str, state: &str) {
        eventually(&format!("{name} is {state}"), async || {
            let nodes = self.get("/v1/nodes").await;
            let node = nodes["nodes"].as_array().unwrap().iter().find(|node| node["name"] == name).cloned()?;
            (node["state"] == state).then_some(())
        })
        .await;
    }

    /// Waits until the node runs as another process than `before`.
    pub(crate) async fn until_replaced(&self, name: &str, before: i32) -> i32 {
        eventually(&format!("{name} runs again"), async || {
            let node = self.node(name).await;
            (node["state"] == "running" && pid_of(&node) != before).then(|| pid_of(&node))
        })
        .await
    }
}

/// Does something as the user nobody, in a thread of its own; `None` where this process has not the right to.
#[expect(unsafe_code, reason = "the C library has no call that changes the user of one thread alone")]
pub(crate) fn as_another_user<T: Send + 'static>(action: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    const NOBODY: nix::libc::c_long = 65534;
    if !nix::unistd::geteuid().is_root() {
        not_tried("to act as another user");
        return None;
    }
    let thread = std::thread::spawn(move || {
        // SAFETY: setresuid(2) takes three numbers; as a system call it concerns the calling thread.
        let changed = unsafe { nix::libc::syscall(nix::libc::SYS_setresuid, NOBODY, NOBODY, NOBODY) };
        assert_eq!(changed, 0);
        action()
    });
    Some(thread.join().unwrap())
}

/// Says what a test leaves out because it needs root.
pub(crate) fn not_tried(what: &str) {
    eprintln!("not tried, because only root can: {what}");
}

/// Opens the way to a socket as far as file modes go, so that only the check of the peer is left.
pub(crate) fn open_to_all(socket: &Path) {
    for directory in socket.ancestors().skip(1).take_while(|directory| *directory != std::env::temp_dir()) {
        std::fs::set_permissions(directory, std::fs::Permissions::from_mode(0o711)).unwrap();
    }
    std::fs::set_permissions(socket, std::fs::Permissions::from_mode(0o666)).unwrap();
}

pub(crate) fn pid_of(view: &Value) -> i32 {
    i32::try_from(view["pid"].as_i64().unwrap()).unwrap()
}

pub(crate) fn kill(pid: i32) {
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL).unwrap();
}

pub(crate) fn hang_up(pid: i32) {
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGHUP).unwrap();
}

/// Whether a process runs; one that only waits to be buried does not.
pub(crate) fn is_alive(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

/// How often a node with the action `count` was started.
pub(crate) fn starts(directory: &Path) -> usize {
    std::fs::read_to_string(directory.join("starts")).unwrap_or_default().lines().count()
}

pub(crate) fn pid_in(path: &Path) -> i32 {
    std::fs::read_to_string(path).unwrap().trim().parse().unwrap()
}

/// Waits for a condition.
pub(crate) async fn eventually<T>(what: &str, condition: impl AsyncFn() -> Option<T>) -> T {
    let mut look = tokio::time::interval(Duration::from_millis(10));
    let found = async {
        loop {
            look.tick().await;
            if let Some(found) = condition().await {
                return found;
            }
        }
    };
    let Ok(found) = tokio::time::timeout(PATIENCE, found).await else { panic!("in vain: {what}") };
    found
}
