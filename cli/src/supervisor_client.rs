//! Speaking to the supervisor over its Unix socket, and starting one where none runs.

mod drain;
mod event_item;
mod fleet;
mod log_query;
mod references;
mod spawn;
mod unreachable;

use std::path::PathBuf;
use std::time::Duration;

use anet_protocol::control::{
    CONTROL_VERSION, ChangeNode, ControlError, EventQuery, HubChanged, HubView, LogLine, NodeChanged, NodeTarget,
    NodeView, NodeViews, Plan, Reloaded, Shutdown, ShuttingDown, StartHub, SupervisorStatus, Upgrade, Upgrading,
    understand_each_other,
};
use anet_protocol::exit_code::{CommandExit, ExitCode as RoleExit};
use anyhow::Context as _;
use futures_util::{Stream, StreamExt as _};
use reqwest::{Client, Method};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::environment::Environment;
use crate::failure::Failure;
use crate::files;

pub(crate) use self::event_item::EventItem;
pub(crate) use self::log_query::LogQuery;
use self::spawn::spawn;
use self::unreachable::{RequestError, refuse_what_is_anothers};

/// Longer than any start (30 s to readiness) or stop (10 s of grace) takes.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(90);

/// How long a freshly started supervisor may take to answer.
const STARTUP_TIMEOUT: Duration = Duration::from_secs(15);

/// The supervisor of one `~/.anet`.
#[derive(Clone, Debug)]
pub(crate) struct SupervisorClient {
    client: Client,
    socket: PathBuf,
    /// Which version of the control API the supervisor speaks; 0 before it has answered.
    control_version: u32,
    /// Whether this command has started it: what it finds running then runs because of this command.
    is_new: bool,
    /// How long a start, stop or restart of a node may take; absent, as the supervisor has it.
    wait: Option<Duration>,
}

impl SupervisorClient {
    /// A client for the supervisor of this home; it may not be running.
    ///
    /// # Errors
    /// When no client can be built.
    pub(crate) fn new(environment: &Environment) -> Result<Self, Failure> {
        let socket = environment.supervisor_socket();
        // Without the certificates of the system: nothing here is encrypted, and reading them takes longer than all else.
        let client = Client::builder().unix_socket(socket.clone()).tls_certs_only([]).no_proxy().build()?;
        Ok(Self { client, socket, control_version: 0, is_new: false, wait: None })
    }

    /// The running supervisor, or `None` when nobody answers.
    ///
    /// # Errors
    /// When somebody answers whom this program does not understand.
    pub(crate) async fn connect(environment: &Environment) -> Result<Option<Self>, Failure> {
        Ok(Self::connect_and_look(environment).await?.map(|(client, _)| client))
    }

    /// As [`Self::connect`], with what the running supervisor knows.
    ///
    /// # Errors
    /// When somebody answers whom this program does not understand.
    pub(crate) async fn connect_and_look(
        environment: &Environment,
    ) -> Result<Option<(Self, SupervisorStatus)>, Failure> {
        let client = Self::new(environment)?;
        refuse_what_is_anothers(environment, &client.socket)?;
        if !client.socket.exists() {
            return Ok(None);
        }
        match client.request(Method::GET, "/v1/status", None::<&()>).await {
            Ok(response) => {
                let status: SupervisorStatus =
                    response.json().await.context("the supervisor's answer is not understood")?;
                check_version(&status)?;
                Ok(Some((Self { control_version: status.control_version, ..client }, status)))
            }
            Err(RequestError::Unreachable(_)) => Ok(None),
            Err(RequestError::Refused(failure)) => Err(failure),
        }
    }

    /// The running supervisor, started first if need be.
    ///
    /// # Errors
    /// When it does not come up.
    pub(crate) async fn ensure(environment: &Environment) -> Result<Self, Failure> {
        if let Some(client) = Self::connect(environment).await? {
            return Ok(client);
        }
        if environment.supervisor.is_some() {
            return Self::require(environment).await;
        }
        Self::start(environment).await
    }

    /// The same supervisor, asked to answer within `wait` what is asked of a node.
    pub(crate) fn waiting(self, wait: Option<Duration>) -> Self {
        Self { wait, ..self }
    }

    /// A new supervisor, which brings back what its predecessor had running.
    async fn start(environment: &Environment) -> Result<Self, Failure> {
        let log = environment.supervisor_logs().join("stderr.log");
        let mut child = spawn(environment, &log)?;
        let mut tick = tokio::time::interval(Duration::from_millis(10));
        let deadline = tokio::time::Instant::now() + STARTUP_TIMEOUT;
        while tokio::time::Instant::now() < deadline {
            tick.tick().await;
            if let Some(client) = Self::connect(environment).await? {
                return Ok(Self { is_new: true, ..client });
            }
            // Of several that start at once all but one leave with 0: the socket of the one is awaited.
            if let Some(status) = child.try_wait()?.filter(|status| !status.success()) {
                let words = files::read_optional(&log)?.unwrap_or_default();
                let last = words.lines().rfind(|line| !line.starts_with("hint:")).unwrap_or("it said nothing");
                let last = last.strip_prefix("error: ").unwrap_or(last);
                let failure =
                    Failure::no_supervisor(anyhow::anyhow!("the supervisor did not start ({status}): {last}"));
                let is_fault_of_file = status.code() == Some(RoleExit::ConfigInvalid.code().into());
                let exit = if is_fault_of_file { CommandExit::ConfigInvalid } else { failure.exit };
                let hint = "run it in the foreground to see more: `anet supervisor run`";
                return Err(Failure { exit, ..failure }.hint(hint));
            }
        }
        let text = format!("the supervisor did not answer within {} s", STARTUP_TIMEOUT.as_secs());
        Err(Failure::no_supervisor(anyhow::Error::msg(text))
            .hint(format!("its log is in {}", environment.supervisor_logs().display())))
    }

    /// The running supervisor, for commands that make no sense without one.
    ///
    /// # Errors
    /// When none runs.
    pub(crate) async fn require(environment: &Environment) -> Result<Self, Failure> {
        Self::connect(environment).await?.ok_or_else(|| {
            if let Some(socket) = &environment.supervisor {
                return Failure::no_supervisor(anyhow::anyhow!("no supervisor answers at {}", socket.display()));
            }
            Failure::no_supervisor(anyhow::anyhow!("no supervisor runs for {}", environment.home.display()))
                .hint("start it with `anet supervisor start`; it takes over what still runs")
        })
    }

    async fn request(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<reqwest::Response, RequestError> {
        let mut request = self.client.request(method, format!("http://supervisor{path}")).timeout(self.timeout());
        if let Some(body) = body {
            request = request.json(body);
        }
        self.send(request).await
    }

    fn timeout(&self) -> Duration {
        self.wait.unwrap_or_default().saturating_add(REQUEST_TIMEOUT)
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Result<reqwest::Response, RequestError> {
        let response = request.send().await.map_err(RequestError::Unreachable)?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status();
        let refusal: Result<ControlError, _> = response.json().await;
        Err(RequestError::Refused(match refusal {
            Ok(refusal) => Failure::refused_by_supervisor(refusal),
            Err(_) => Failure::message(format!("the supervisor answered {status} without saying why")),
        }))
    }

    async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<T, Failure> {
        let response = self.request(method, path, body).await.map_err(|error| error.into_failure(&self.socket))?;
        Ok(response.json().await.context("the supervisor's answer is not understood")?)
    }

    /// Everything it knows.
    pub(crate) async fn status(&self) -> Result<SupervisorStatus, Failure> {
        self.call(Method::GET, "/v1/status", None::<&()>).await
    }

    /// Starts the hub; answers when it is ready.
    pub(crate) async fn start_hub(&self, request: &StartHub) -> Result<HubChanged, Failure> {
        let outcome: HubChanged = self.call(Method::POST, "/v1/hub/start", Some(request)).await?;
        Ok(HubChanged { changed: outcome.changed || self.is_new, ..outcome })
    }

    /// Stops the hub; answers when it is gone.
    pub(crate) async fn stop_hub(&self) -> Result<HubChanged, Failure> {
        self.call(Method::POST, "/v1/hub/stop", None::<&()>).await
    }

    /// Stops and starts the hub.
    pub(crate) async fn restart_hub(&self) -> Result<HubChanged, Failure> {
        self.call(Method::POST, "/v1/hub/restart", None::<&()>).await
    }

    /// The hub with how its last starts ended.
    pub(crate) async fn hub(&self) -> Result<HubView, Failure> {
        self.call(Method::GET, "/v1/hub", None::<&()>).await
    }

    /// Every node it knows.
    pub(crate) async fn nodes(&self) -> Result<NodeViews, Failure> {
        self.call(Method::GET, "/v1/nodes", None::<&()>).await
    }

    /// A node with how its last starts ended.
    pub(crate) async fn node(&self, name: &str, project: Option<PathBuf>) -> Result<NodeView, Failure> {
        let request = self.client.get(format!("http://supervisor{}", node_path(name, "")));
        let request = request.query(&NodeTarget { project }).timeout(REQUEST_TIMEOUT);
        let response = self.send(request).await.map_err(|error| error.into_failure(&self.socket))?;
        Ok(response.json().await.context("the supervisor's answer is not understood")?)
    }

    /// What happened, and what happens.
    pub(crate) async fn events(
        &self,
        query: &EventQuery,
    ) -> Result<impl Stream<Item = Result<EventItem, Failure>> + use<>, Failure> {
        // No time-out: following ends when the reader has had enough.
        let request = self.client.get("http://supervisor/v1/events").query(query);
        let response = self.send(request).await.map_err(|error| error.into_failure(&self.socket))?;
        let events = sse_stream::SseStream::from_bytes_stream(response.bytes_stream());
        Ok(events.filter_map(|event| async {
            match event {
                Ok(event) => EventItem::read(event.event.as_deref(), event.data.as_deref()?),
                Err(error) => Some(Err(Failure::message(format!("the stream of events broke off: {}", cause(error))))),
            }
        }))
    }

    /// Starts a node; answers when it is ready.
    pub(crate) async fn start_node(&self, name: &str, target: &NodeTarget) -> Result<NodeChanged, Failure> {
        let outcome: NodeChanged = self.change_node(name, "start", target).await?;
        Ok(NodeChanged { changed: outcome.changed || self.is_new, ..outcome })
    }

    async fn change_node(&self, name: &str, verb: &str, target: &NodeTarget) -> Result<NodeChanged, Failure> {
        let wait_seconds = self.wait.map(|wait| wait.as_secs());
        let change = ChangeNode { project: target.project.clone(), wait_seconds };
        self.call(Method::POST, &node_path(name, verb), Some(&change)).await
    }

    /// Stops a node; answers when all its processes are gone.
    pub(crate) async fn stop_node(&self, name: &str, target: &NodeTarget) -> Result<NodeChanged, Failure> {
        self.change_node(name, "stop", target).await
    }

    /// Stops and starts a node.
    pub(crate) async fn restart_node(&self, name: &str, target: &NodeTarget) -> Result<NodeChanged, Failure> {
        self.change_node(name, "restart", target).await
    }

    /// Makes a node known, so that it is found from anywhere.
    pub(crate) async fn register_node(&self, name: &str, target: &NodeTarget) -> Result<NodeView, Failure> {
        self.call(Method::POST, &node_path(name, "register"), Some(target)).await
    }

    /// Forgets a stopped node.
    pub(crate) async fn forget_node(&self, name: &str, target: &NodeTarget) -> Result<(), Failure> {
        self.call::<serde_json::Value>(Method::POST, &node_path(name, "forget"), Some(target)).await.map(drop)
    }

    /// Makes it read its settings file again.
    pub(crate) async fn reload(&self) -> Result<Reloaded, Failure> {
        self.call(Method::POST, "/v1/reload", None::<&()>).await
    }

    /// What edits of files would restart.
    pub(crate) async fn plan(&self) -> Result<Plan, Failure> {
        self.call(Method::GET, "/v1/plan", None::<&()>).await
    }

    /// Makes it become another program; it answers before it does.
    pub(crate) async fn upgrade(&self, request: &Upgrade) -> Result<Upgrading, Failure> {
        self.call(Method::POST, "/v1/upgrade", Some(request)).await
    }

    /// Asks the supervisor to leave.
    pub(crate) async fn shutdown(&self, request: &Shutdown) -> Result<ShuttingDown, Failure> {
        self.call(Method::POST, "/v1/shutdown", Some(request)).await
    }

    /// The lines of a log, each with its id: of the node or program `name`, or of the hub.
    pub(crate) async fn logs(
        &self,
        name: Option<&str>,
        query: &LogQuery,
    ) -> Result<impl Stream<Item = Result<(String, LogLine), Failure>> + use<>, Failure> {
        let path = name.map_or_else(|| "/v1/hub/logs".to_owned(), |name| node_path(name, "logs"));
        // No time-out: following a log ends when the reader has had enough.
        let request = self.client.get(format!("http://supervisor{path}")).query(query);
        let response = self.send(request).await.map_err(|error| error.into_failure(&self.socket))?;
        let events = sse_stream::SseStream::from_bytes_stream(response.bytes_stream());
        Ok(events.filter_map(|event| async {
            match event {
                Ok(event) => {
                    let id = event.id.unwrap_or_default();
                    event.data.map(|data| Ok((id, serde_json::from_str(&data)?)))
                }
                Err(error) => Some(Err(Failure::message(format!("the log broke off: {}", cause(error))))),
            }
        }))
    }
}

/// What broke a stream; what lies between is the libraries' way down to it.
fn cause(error: sse_stream::Error) -> String {
    anyhow::Error::new(error).root_cause().to_string()
}

fn node_path(name: &str, verb: &str) -> String {
    let name = percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC);
    format!("/v1/nodes/{name}/{verb}").trim_end_matches('/').to_owned()
}

fn check_version(status: &SupervisorStatus) -> Result<(), Failure> {
    if understand_each_other(status.control_version, CONTROL_VERSION) {
        return Ok(());
    }
    Err(Failure::message(format!(
        "the running supervisor (version {}, pid {}) speaks control protocol {}, this program {CONTROL_VERSION}",
        status.version, status.pid, status.control_version
    ))
    .hint("stop it with the program that started it, then start it with this one"))
}
