use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anet_protocol::control::{CONTROL_VERSION, ProgramVersion, SupervisorStatus, Upgrade, Upgrading};
use anyhow::Context as _;

use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::supervisor_client::SupervisorClient;

/// How long the new program may take to answer.
const TAKEOVER_TIMEOUT: Duration = Duration::from_secs(15);

/// Let the running supervisor become the installed program: hub and nodes run on, and nobody is refused
///
/// The nodes go on with the version they were started with; `anet node restart --all --rolling` renews them.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Program file to become [default: the one that the supervisor was started from, as it is now]
    #[arg(long, value_name = "FILE")]
    executable: Option<PathBuf>,
}

pub(crate) async fn run(context: &Context, arguments: &Arguments) -> Outcome {
    let supervisor = SupervisorClient::require(&context.environment).await?;
    let executable = match &arguments.executable {
        Some(path) => {
            let path = context.environment.directory.join(path);
            Some(std::fs::canonicalize(&path).with_context(|| format!("cannot find {}", path.display()))?)
        }
        None => None,
    };
    let before = supervisor.status().await?;
    let answer = supervisor.upgrade(&Upgrade { executable }).await?;
    let after = wait_for_takeover(&supervisor, &before, &answer).await?;
    context.printer.note(&format!(
        "the supervisor (pid {}) now is {} {}, before it was {}; hub and nodes were not touched",
        after.pid,
        after.executable.display(),
        after.version,
        answer.from
    ))?;
    let old = after.nodes.iter().filter(|node| node.pid.is_some() && node.version.as_ref() != Some(&after.version));
    let old: Vec<&str> = old.map(|node| node.name.as_str()).collect();
    if !old.is_empty() {
        context.printer.note(&format!("these run the version they were started with: {}", old.join(", ")))?;
        context.printer.hint("renew them one by one with `anet node restart --all --rolling`")?;
    }
    if context.printer.json {
        context.printer.document(&after)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The new program, when it answers as the same process.
async fn wait_for_takeover(
    supervisor: &SupervisorClient,
    before: &SupervisorStatus,
    answer: &Upgrading,
) -> Result<SupervisorStatus, Failure> {
    let mut tick = tokio::time::interval(Duration::from_millis(10));
    let deadline = tokio::time::Instant::now() + TAKEOVER_TIMEOUT;
    while tokio::time::Instant::now() < deadline {
        tick.tick().await;
        // The old program may still answer, and a connection that it had taken may break.
        if let Ok(status) = supervisor.status().await
            && status.instance != before.instance
        {
            if status.pid == answer.pid && status.executable == answer.executable {
                return Ok(status);
            }
            let text = format!("the program {} could not be run at last", answer.executable.display());
            return Err(Failure::message(text).hint("the supervisor goes on as before; its log tells more"));
        }
    }
    Err(Failure::message(format!("the new program did not answer within {} s", TAKEOVER_TIMEOUT.as_secs()))
        .hint("`anet supervisor start` starts one that takes over what runs"))
}

/// Answers a supervisor that asks whether it may become this program.
pub(crate) fn program_version(context: &Context) -> Outcome {
    let version = ProgramVersion { version: env!("CARGO_PKG_VERSION").to_owned(), control_version: CONTROL_VERSION };
    context.printer.document(&version)?;
    Ok(ExitCode::SUCCESS)
}
