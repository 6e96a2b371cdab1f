pub(crate) mod run;
pub(crate) mod stop;
pub(crate) mod take_over;
mod upgrade;

use anet_protocol::control::ProcessState;
use clap::Subcommand;
use std::process::ExitCode;

use crate::context::Context;
use crate::failure::Outcome;
use crate::supervisor_client::SupervisorClient;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start the supervisor in the background, with everything that should be running
    Start,
    /// Show whether the supervisor runs, and what it looks after
    Status,
    /// Stop the supervisor and all it looks after; the next start brings back what was running
    Stop(stop::Arguments),
    /// Read ~/.anet/supervisor.toml again; a file with a fault changes nothing
    Reload,
    /// Let the running supervisor become the installed program: hub and nodes run on, and nobody is refused
    Upgrade(upgrade::Arguments),
    /// Be the supervisor, in the foreground
    Run(run::Arguments),
    #[command(hide = true)]
    ProgramVersion,
}

impl Command {
    pub(crate) async fn run(self, context: &Context) -> Outcome {
        match self {
            Self::Start => start(context).await,
            Self::Status => status(context).await,
            Self::Stop(arguments) => stop::run(context, &arguments).await,
            Self::Reload => reload(context).await,
            Self::Upgrade(arguments) => upgrade::run(context, &arguments).await,
            Self::Run(arguments) => run::run(context, &arguments).await,
            Self::ProgramVersion => upgrade::program_version(context),
        }
    }
}

async fn start(context: &Context) -> Outcome {
    let status = SupervisorClient::ensure(&context.environment).await?.status().await?;
    context.printer.note(&format!("the supervisor is running (pid {})", status.pid))?;
    if context.printer.json {
        context.printer.document(&status)?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn reload(context: &Context) -> Outcome {
    let outcome = SupervisorClient::require(&context.environment).await?.reload().await?;
    let file = outcome.file.display();
    context.printer.note(&if outcome.changed {
        format!("{file} is in force")
    } else {
        format!("{file} says nothing new")
    })?;
    for warning in &outcome.warnings {
        context.printer.warning(warning)?;
    }
    if outcome.changed {
        context
            .printer
            .hint("`anet apply` restarts what runs with other limits, `anet apply --dry-run` says what that is")?;
    }
    if context.printer.json {
        context.printer.document(&outcome)?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn status(context: &Context) -> Outcome {
    let Some(client) = SupervisorClient::connect(&context.environment).await? else {
        context.printer.either(&serde_json::json!({ "running": false }), || "Supervisor: not running".to_owned())?;
        return Ok(ExitCode::FAILURE);
    };
    let status = client.status().await?;
    context.printer.either(&status, || {
        let stale = if status.executable_is_current {
            String::new()
        } else {
            "\nProgram:    its file was moved or replaced since it started; `anet supervisor upgrade` takes the new one"
                .to_owned()
        };
        let hub = match &status.hub.process {
            ProcessState::NeedsAttention { reason, .. } => format!(", {reason}"),
            process => process.pid().map_or_else(String::new, |pid| format!(", pid {pid}")),
        };
        let other = status.nodes.iter().filter_map(|node| {
            let version = node.version.as_ref().filter(|own| **own != status.version)?;
            Some(format!("{} {version}", node.name))
        });
        let other: Vec<String> = other.collect();
        let other =
            if other.is_empty() { String::new() } else { format!("\nVersions:   not renewed yet: {}", other.join(", ")) };
        let address = status.hub.url.as_ref().map_or_else(String::new, |url| format!(", {url}"));
        let operators = status.operators.as_ref().map_or_else(String::new, |operators| match &operators.problem {
            None => format!("\nOperators:  group {} at {}", operators.group, operators.socket.display()),
            Some(problem) => format!("\nOperators:  group {} is not served: {problem}", operators.group),
        });
        let running = status.nodes.iter().filter(|node| node.pid.is_some()).count();
        format!(
            "Supervisor: running (pid {}, version {}, since {} UTC){stale}\nHome:       {} (uid {})\nSocket:     {}\nHub:        {}{hub}{address}\nNodes:      {running} of {} running{other}{operators}",
            status.pid,
            status.version,
            status.since,
            status.home.display(),
            status.uid,
            context.environment.supervisor_socket().display(),
            status.hub.state,
            status.nodes.len(),
        )
    })?;
    Ok(ExitCode::SUCCESS)
}
