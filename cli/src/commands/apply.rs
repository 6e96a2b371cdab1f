use std::process::ExitCode;

use anet_protocol::control::{NodeTarget, Plan, PlannedRestart};
use serde::Serialize;

use crate::commands::node::start;
use crate::context::Context;
use crate::environment::node_directory;
use crate::failure::{Failure, Outcome};
use crate::supervisor_client::SupervisorClient;

/// Make edited settings true: says what that restarts, and restarts nothing else
///
/// Compares every running node with its configuration, its .env and ~/.anet/supervisor.toml as they are now.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Only say what would be done
    #[arg(long)]
    dry_run: bool,
}

/// What was planned, and what came of it.
#[derive(Serialize)]
struct Applied<'plan> {
    plan: &'plan Plan,
    dry_run: bool,
    restarted: Vec<String>,
    failed: Vec<String>,
}

pub(crate) async fn run(context: &Context, arguments: &Arguments) -> Outcome {
    let supervisor = SupervisorClient::require(&context.environment).await?;
    let plan = supervisor.plan().await?;
    tell(context, &plan)?;
    let (mut restarted, mut failed) = (Vec::new(), Vec::new());
    if !arguments.dry_run {
        for warning in supervisor.reload().await?.warnings {
            context.printer.warning(&warning)?;
        }
        for planned in &plan.restarts {
            match restart(context, &supervisor, planned).await {
                Ok(()) => {
                    context.printer.note(&format!("{} is running again", planned.name))?;
                    restarted.push(planned.name.clone());
                }
                Err(failure) => {
                    context.printer.failure(&failure.context(format!("{} was not restarted", planned.name)))?;
                    failed.push(planned.name.clone());
                }
            }
        }
    }
    let is_done = failed.is_empty();
    if context.printer.json {
        context.printer.document(&Applied { plan: &plan, dry_run: arguments.dry_run, restarted, failed })?;
    }
    Ok(if is_done { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn tell(context: &Context, plan: &Plan) -> Result<(), Failure> {
    if context.printer.json {
        return Ok(());
    }
    if plan.settings_changed {
        context.printer.data("settings  read again; what is not listed below takes them without a restart")?;
    }
    for planned in &plan.restarts {
        let project = planned.project.as_ref().map(|project| format!("  {}", project.display())).unwrap_or_default();
        context.printer.data(&format!("restart   {}: other {}{project}", planned.name, planned.reasons.join(", ")))?;
    }
    for sentence in &plan.unusable {
        context.printer.warning(&format!("runs on as it is, its files cannot be used: {sentence}"))?;
    }
    let here = &context.environment.directory;
    // One that was never started is not known to the supervisor yet.
    for name in plan.unknown_names.iter().filter(|name| !node_directory(here, name).is_dir()) {
        context.printer.warning(&format!("[node.{name}] has no effect: there is no node or program {name}"))?;
    }
    context.printer.data(&format!("unchanged {}", plan.unchanged))?;
    Ok(())
}

async fn restart(context: &Context, supervisor: &SupervisorClient, planned: &PlannedRestart) -> Result<(), Failure> {
    let target = NodeTarget { project: planned.project.clone() };
    supervisor.restart_node(&planned.name, &target).await?;
    start::start(context, &planned.name, &target).await?;
    Ok(())
}
