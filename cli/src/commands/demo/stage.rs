use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::time::Instant;

use anet_protocol::control::{HubVariables, NodeTarget};
use anet_protocol::rest::Task;
use anyhow::Context as _;
use tempfile::TempDir;

use crate::commands::node::create::{NewNode, create};
use crate::commands::{hub, node, supervisor};
use crate::context::Context;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::files;
use crate::hub_client::HubClient;
use crate::supervisor_client::SupervisorClient;

/// The agents, carried inside the program so that the demonstration works wherever it is installed.
const AGENTS: [(&str, &str); 2] = [
    ("surveyor", include_str!("../../../../examples/agents/survey.sh")),
    ("finder", include_str!("../../../../examples/agents/largest.sh")),
];

/// A home, a project and a clock of the demonstration's own.
pub(super) struct Stage {
    directory: TempDir,
    project: PathBuf,
    context: Context,
    began: Instant,
}

impl Stage {
    /// Makes the directories and the agents' programs.
    pub(super) fn build(outer: &Context) -> Result<Self, Failure> {
        let directory = tempfile::Builder::new().prefix("anet-demo-").tempdir()?;
        let project = directory.path().join("project");
        let home = directory.path().join("home");
        files::create_private_directory(&home)?;
        files::create_private_directory(&project.join("agents"))?;
        for (name, program) in AGENTS {
            let path = project.join("agents").join(format!("{name}.sh"));
            std::fs::write(&path, program).with_context(|| format!("cannot write {}", path.display()))?;
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700))?;
        }
        let environment = Environment {
            home: home.join(".anet"),
            database: home.join("commhub.db"),
            directory: project.clone(),
            hub: None,
            token: None,
            network_id: None,
            task_socket: None,
            ..outer.environment.clone()
        };
        let context =
            Context { environment, printer: outer.printer, hub_flag: None, token_flag: None, network_flag: None };
        Ok(Self { directory, project, context, began: Instant::now() })
    }

    /// Says what was observed, and when.
    pub(super) fn step(&self, text: &str) -> Result<(), Failure> {
        Ok(self.context.printer.note(&format!("[{:6.2} s] {text}", self.began.elapsed().as_secs_f64()))?)
    }

    /// The supervisor, started at the first call.
    pub(super) async fn supervisor(&self) -> Result<SupervisorClient, Failure> {
        SupervisorClient::ensure(&self.context.environment).await
    }

    /// Brings up supervisor, hub and both nodes; each step is told once it is observed.
    pub(super) async fn raise(&self) -> Result<HubClient, Failure> {
        self.step(&format!("temporary home and project in {}", self.directory.path().display()))?;
        let status = self.supervisor().await?.status().await?;
        self.step(&format!("the supervisor answers (pid {})", status.pid))?;
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let (anonymous, started) = hub::start::start(&self.context, listen, HubVariables::default()).await?;
        let pid = started.hub.pid.unwrap_or_default();
        self.step(&format!("the hub answers at {} (pid {pid}, SQLite)", anonymous.url()))?;
        hub::start::administrator::ensure(&self.context, &anonymous, "admin", None).await?;
        for (name, _) in AGENTS {
            let new = NewNode {
                name: name.to_owned(),
                env: Vec::new(),
                timeout: None,
                max_concurrent: 1,
                program: vec![format!("./agents/{name}.sh")],
            };
            create(&self.context, &self.project, &new).await?;
            let target = NodeTarget { project: Some(self.project.clone()) };
            let outcome = node::start::start(&self.context, name, &target).await?;
            let pid = outcome.node.pid.unwrap_or_default();
            self.step(&format!("{name} is ready and the hub sees it (pid {pid})"))?;
        }
        self.context.hub()
    }

    /// Prints the answers as data.
    pub(super) fn show(&self, survey: &Task, slow: &Task) -> Result<(), Failure> {
        let printer = self.context.printer;
        let document = serde_json::json!({ "survey": survey, "interrupted": slow });
        printer.either(&document, || survey.result.clone().unwrap_or_default().trim_end().to_owned())
    }

    /// Leaves everything as it is and says how to look around and how to end it.
    pub(super) fn keep(self) -> Result<(), Failure> {
        let printer = self.context.printer;
        let home = self.context.environment.home.display().to_string();
        let directory = self.directory.keep();
        printer.note("everything is still running; look around with")?;
        for command in ["status", "node ls", "tasks", "node logs finder --follow"] {
            printer.note(&format!("  ANET_HOME={home} anet {command}"))?;
        }
        printer.note("and end it with")?;
        Ok(printer.note(&format!("  ANET_HOME={home} anet supervisor stop && rm -r {}", directory.display()))?)
    }

    /// Stops everything and removes every file.
    pub(super) async fn clear(self) -> Result<(), Failure> {
        let began = self.began;
        let printer = self.context.printer;
        if let Some(client) = SupervisorClient::connect(&self.context.environment).await? {
            supervisor::stop::stop(&client, true).await?;
        }
        let path = self.directory.path().to_path_buf();
        self.directory.close().with_context(|| format!("cannot remove {}", path.display()))?;
        let elapsed = began.elapsed().as_secs_f64();
        Ok(printer.note(&format!("[{elapsed:6.2} s] everything is stopped, and the temporary directory is gone"))?)
    }
}
